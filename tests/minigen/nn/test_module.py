"""Modules: names, counts, and the one vector that all parameters are views of."""

import copy
import pickle

import numpy as np
import pytest

from autograd import Tensor, check_grads
from minigen.aae import discriminator_network
from minigen.analysis.classifier import Classifier
from minigen.nn.functions import leaky_relu, linear, relu
from minigen.nn.layers import Linear, Sequential, glorot_uniform, mlp, normal
from minigen.nn.module import Module, Parameter, evaluating, whole, whole_numbers
from minigen.nn.normalisation import BatchNorm
from minigen.training.optim import SGD
from minigen.vae import bernoulli_vae


class Pair(Module):
    def __init__(self, rng):
        self.scale = Parameter(np.ones(2))
        self.net = Sequential(Linear(2, 3, rng=rng), relu, Linear(3, 1, rng=rng))
        self.constant = Tensor(np.ones(7))

    def __call__(self, x):
        return self.net(x * self.scale)


@pytest.fixture
def model(rng):
    return Pair(rng)


def test_parameters_have_names_in_order_of_definition(model):
    shapes = {name: p.shape for name, p in model.parameters().items()}
    assert shapes == {
        "scale": (2,),
        "net.layers.0.weight": (2, 3),
        "net.layers.0.bias": (3,),
        "net.layers.2.weight": (3, 1),
        "net.layers.2.bias": (1,),
    }
    assert list(shapes) == ["scale", *(f"net.layers.{i}.{name}" for i in (0, 2) for name in ("weight", "bias"))]
    assert model.num_parameters == 2 + 6 + 3 + 3 + 1


def test_the_flat_vector_and_the_parameters_are_one_memory(model):
    before = {name: p.data.copy() for name, p in model.parameters().items()}
    flat = model.flat
    np.testing.assert_array_equal(flat, np.concatenate([p.ravel() for p in before.values()]))
    flat[...] = np.arange(flat.size)
    assert model.scale.data.tolist() == [0, 1]
    model.net.layers[2].bias.data[...] = -1
    assert model.flat[-1] == -1
    assert model.net.flat[-1] == -1
    assert np.shares_memory(model.net.layers[0].flat, flat)


def test_gradients_are_written_into_the_flat_vector(model, rng):
    gradient = model.flat_grad
    assert not gradient.any()
    np.sum(model(rng.standard_normal((4, 2)).astype(np.float32))).backward()
    assert np.shares_memory(model.flat_grad, gradient)
    np.testing.assert_array_equal(gradient, np.concatenate([p.grad.ravel() for p in model.parameters().values()]))
    assert gradient[-1] == 4
    model.zero_grad()
    assert not gradient.any()


@pytest.mark.parametrize("first", ["part", "whole"])
def test_a_part_and_the_whole_share_memory_whichever_was_laid_out_first(model, first):
    vectors = (model.net.flat, model.flat) if first == "part" else (model.flat, model.net.flat)
    assert all(v.size for v in vectors)
    model.flat[...] = 5
    assert (model.net.flat == 5).all()
    assert np.shares_memory(model.net.flat_grad, model.flat_grad)


def test_a_parameter_held_twice_is_refused(model):
    model.again = model.scale
    with pytest.raises(ValueError, match="held twice"):
        _ = model.flat


def test_astype_changes_every_parameter(model):
    model.astype(np.float64)
    assert {p.dtype for p in model.parameters().values()} == {np.dtype(np.float64)}
    assert np.shares_memory(model.scale.data, model.flat)


def test_training_is_in_float32(model, rng):
    assert model(rng.standard_normal((4, 2)).astype(np.float32)).dtype == np.float32


def test_a_module_that_is_no_layer_says_so():
    with pytest.raises(TypeError, match="Module is not a function"):
        Module()(1)


def test_e10_initialisers_keep_the_variance_they_promise(rng):
    """E-10: within four standard errors: the sample variance of 120,000 values varies by less than 0.5 %.

    Planted: normal draws times a variance, where they are to be multiplied by a standard deviation.
    """
    shape = (300, 400)
    assert normal(shape, 0.2, rng=rng).var() == pytest.approx(0.04, rel=0.02)
    assert glorot_uniform(shape, rng=rng).var() == pytest.approx(2 / 700, rel=0.02)
    assert abs(glorot_uniform(shape, rng=rng)).max() <= np.sqrt(6 / 700)


def test_gradients_from_before_the_layout_are_kept(rng):
    m = Linear(2, 1, rng=rng)
    np.sum(m(np.ones((4, 2), np.float32))).backward()
    before = m.weight.data.copy()
    SGD(m, 0.1).step()
    np.testing.assert_allclose(m.weight.data, before - 0.4, rtol=1e-6)


def one_step(m):
    """How far a step of descent on Σ w moves the weights of a Linear."""
    m.zero_grad()
    optimizer = SGD(m, 1.0)
    np.sum(m(np.ones((1, 2), np.float32))).backward()
    before = m.weight.data.copy()
    optimizer.step()
    return m.weight.data - before


@pytest.mark.parametrize(
    "disturb",
    [
        copy.deepcopy,
        lambda m: pickle.loads(pickle.dumps(m)),
        lambda m: setattr(m, "weight", Parameter(np.ones((2, 1)))),
        lambda m: setattr(m.weight, "data", np.ones((2, 1), np.float32)),
        lambda m: setattr(m.weight, "grad", None),
        lambda m: setattr(m, "extra", Parameter(np.ones(3))),
    ],
)
def test_the_vectors_follow_whatever_took_a_parameters_place(disturb, rng):
    m = Linear(2, 1, rng=rng)
    assert m.flat.size == 3
    m = disturb(m) or m
    np.testing.assert_allclose(one_step(m), -1, rtol=1e-6)
    assert m.flat.size == m.num_parameters
    assert np.shares_memory(m.flat, m.weight.data)


def test_modules_in_lists_and_dictionaries_are_found(rng):
    m = Module()
    m.layers = [Linear(1, 1, rng=rng), Linear(1, 1, rng=rng)]
    m.heads = {"mean": Linear(1, 1, rng=rng)}
    assert list(m.parameters())[-1] == "heads.mean.bias"
    assert m.num_parameters == 6


def held_everywhere(rng):
    """A module whose parts are attributes, and items of a tuple, a list and a dict."""
    m = Module()
    m.net = Sequential(Linear(2, 2, rng=rng), relu, Linear(2, 1, rng=rng))
    m.start, m.heads = [Parameter(np.zeros(2)), Parameter(np.ones(2))], {"mean": Linear(1, 1, rng=rng)}
    m.scale = Parameter(np.ones(3))
    return m


def test_a_copy_with_other_parts_shares_all_else(rng):
    m = held_everywhere(rng)
    flat, before = m.flat, m.parameters()
    new = {"net.layers.2.bias": Tensor(np.full(1, 7.0)), "start.1": Tensor(np.full(2, 8.0)),
           "heads.mean": Linear(1, 1, rng=rng), "scale": Tensor(np.full(3, 9.0))}  # fmt: skip
    other = m.with_parts(new)
    assert type(other) is Module
    found = (other.net.layers[2].bias, other.start[1], other.heads["mean"], other.scale)
    assert all(a is b for a, b in zip(found, new.values(), strict=True))
    assert other.net.layers[2].weight is m.net.layers[2].weight
    assert other.net.layers[:2] == m.net.layers[:2]
    assert other.start[0] is m.start[0]
    assert (m.parameters() == before, m.flat is flat or m.flat.base is flat.base) == (True, True)
    assert np.shares_memory(other.flat, flat)
    for name in ("nothing", "net.layers.3.bias", "scale.0", "net.layers.1"):
        with pytest.raises(ValueError, match=f"has no parameter or submodule '{name.partition('net.')[2] or name}'"):
            m.with_parts({name: new["scale"]})


def test_what_is_computed_with_other_parts_has_their_gradients(model, rng):
    """The gradient goes to the parts in place, and to all that is shared; the parameters replaced get none."""
    x, scale = rng.standard_normal((4, 2)), Tensor(np.array([2.0, 3.0]), requires_grad=True)
    model.zero_grad()
    np.sum(model.with_parts({"scale": scale})(x)).backward()
    assert scale.grad is not None
    assert not model.scale.grad.any()
    np.testing.assert_allclose(model.net.layers[2].bias.grad, 4)


@pytest.mark.parametrize("shape", [(4, 3), (4, 5, 3), (4, 2, 5, 3), (0, 3), (0, 2, 3)])
def test_a_linear_layer_takes_one_bias_or_one_for_each_item(shape, rng):
    """For each item of the first axis, whatever stands between; values, and derivatives to second order."""
    x, w = rng.standard_normal(shape), rng.standard_normal((3, 2))
    for b in (rng.standard_normal(2), rng.standard_normal((len(x), 2))):
        each = b if b.ndim == 1 else b.reshape(len(x), *[1] * (x.ndim - 2), 2)
        np.testing.assert_allclose(linear(x, w, b), x @ w + each, rtol=1e-13)
        if len(x):
            check_grads(linear, x, w, b, order=2)


def test_a_module_without_parameters_says_so():
    with pytest.raises(ValueError, match="Sequential has no parameters"):
        _ = Sequential(relu).flat


def test_relu_has_slope_zero_at_zero():
    x = Tensor([-1.0, 0.0, 1.0], requires_grad=True)
    np.sum(relu(x)).backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 1])


@pytest.mark.parametrize("options", [{}, {"slope": 0.01}, {"slope": 0.9}])
def test_leaky_relu_has_a_slope_below_zero(options, rng):
    """x above 0 and slope · x below it, 0.2 unless told; to second order, and at 0 the slope from below."""
    slope = options.get("slope", 0.2)
    x = rng.standard_normal((4, 5))
    np.testing.assert_array_equal(leaky_relu(x, **options), np.where(x > 0, x, slope * x))
    check_grads(lambda x: leaky_relu(x, **options), x, order=2)
    check_grads(lambda x: leaky_relu(x * x - 1, slope), x, order=2)
    at = Tensor(np.array([-2.0, -0.0, 0.0, 2.0], np.float32), requires_grad=True)
    y = leaky_relu(at, **options)
    np.sum(y).backward()
    np.testing.assert_array_equal(at.grad, np.array([slope, slope, slope, 1], np.float32))
    assert y.dtype == at.grad.dtype == np.float32


# -- evaluating, and what a module holds besides parameters


class Nested(Module):
    """Batch normalisation at two depths, one of them in a dictionary."""

    def __init__(self, rng):
        self.first = BatchNorm(2)
        self.parts = {"net": Sequential(Linear(2, 3, rng=rng), relu, BatchNorm(3))}
        self.order = np.array([2, 0, 1])
        self.constant = Tensor(np.ones(7))


def training(model):
    net = model.parts["net"]
    return [part.training for part in (model, model.first, net, net.layers[0], net.layers[2])]


def test_evaluating_reaches_all_within_and_ends_with_its_block(rng):
    """Blocks may lie within one another."""
    model = Nested(rng)
    assert training(model) == [True] * 5
    with evaluating(model):
        assert training(model) == [False] * 5
        with evaluating(model), evaluating(model.first):
            assert training(model) == [False] * 5
        assert training(model) == [False] * 5
    assert training(model) == [True] * 5


def test_evaluating_a_part_is_for_that_part(rng):
    """And a block around the whole, within it, gives the part back as it was."""
    model = Nested(rng)
    with evaluating(model.parts["net"]):
        assert training(model) == [True, True, False, False, False]
        with evaluating(model):
            assert training(model) == [False] * 5
        assert training(model) == [True, True, False, False, False]
    assert training(model) == [True] * 5


def test_evaluating_ends_with_an_error_too(rng):
    model = Nested(rng)
    with pytest.raises(KeyError), evaluating(model):
        raise KeyError
    assert training(model) == [True] * 5


def test_evaluating_leaves_the_vectors_where_they_are(rng):
    model = Nested(rng)
    flat = model.flat
    with evaluating(model):
        assert model.flat.base is flat.base
    assert model.flat.base is flat.base


def test_arrays_are_parameters_and_what_is_not_learned_by_descent(rng):
    """By name, and the arrays themselves: what is written into them is written into the module."""
    model = Nested(rng)
    _ = model.flat
    arrays = model.arrays()
    net = [f"parts.net.layers.{i}" for i in (0, 2)]
    norms = [f"{name}.{array}" for name in ("first", net[1]) for array in ("scale", "shift", "mean", "var")]
    assert sorted(arrays) == sorted(["order", f"{net[0]}.weight", f"{net[0]}.bias", *norms])
    assert set(model.parameters()) == {name for name in arrays if name.split(".")[-1] not in ("order", "mean", "var")}
    for array in arrays.values():
        array[...] = 2
    assert (model.flat == 2).all()
    assert model.order.tolist() == [2, 2, 2]
    assert model.parts["net"].layers[2].var.tolist() == [2, 2, 2]


def test_astype_casts_real_arrays_and_leaves_whole_numbers(rng):
    model = Nested(rng).astype(np.float64)
    arrays = model.arrays()
    assert arrays.pop("order").dtype.kind == "i"
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float64)}


def test_a_whole_number_is_an_int_and_several_are_a_tuple():
    assert whole(np.int64(3), 1, "k") == whole(3.0, 3, "k") == 3
    assert isinstance(whole(3.0, 1, "k"), int)
    assert whole_numbers(2, 1, "stride", 3) == (2, 2, 2)
    assert whole_numbers([2, 1.0], 1, "stride", 2) == (2, 1)
    for wrong in (0, 2.5, (3,), np.inf, np.nan):
        with pytest.raises(ValueError, match="k must be a whole number of at least 1, got"):
            whole(wrong, 1, "k")
    for wrong in (0, (1, 2, 3), (1, 0.5), np.inf, (np.nan, 1)):
        with pytest.raises(ValueError, match="stride must be 2 whole numbers of at least 1, got"):
            whole_numbers(wrong, 1, "stride", 2)


def test_one_size_in_place_of_a_sequence_is_answered_with_the_right_call(rng):
    wanted = r"hidden is a sequence, one size for each layer: hidden=\(200,\), got 200"
    for make in (bernoulli_vae, Classifier):
        with pytest.raises(TypeError, match=wanted):
            make(64, 200, 2, rng=rng)
    with pytest.raises(TypeError, match=wanted):
        discriminator_network(2, 200, rng=rng)
    with pytest.raises(TypeError, match=r"sizes is a sequence, one size for each layer: sizes=\(200,\)"):
        mlp(200, relu, rng=rng)


def test_too_few_layers_are_refused(rng):
    with pytest.raises(ValueError, match=r"hidden must be the sizes of at least 1 layer, got \[\]"):
        Classifier(64, [], 2, rng=rng)
    with pytest.raises(ValueError, match=r"sizes must be the sizes of at least 2 layers, got \(5,\)"):
        mlp((5,), relu, rng=rng)
