"""Modules: names, counts, and the one vector that all parameters are views of."""

import copy
import pickle

import numpy as np
import pytest

from autograd import Tensor
from minigen.functions import relu
from minigen.nn import Linear, Module, Parameter, Sequential, glorot_uniform, he_normal
from minigen.optim import SGD


class Pair(Module):
    def __init__(self, rng):
        self.scale = Parameter(np.ones(2))
        self.net = Sequential(Linear(2, 3, rng), relu, Linear(3, 1, rng))
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


def test_initialisers_keep_the_variance_they_promise(rng):
    """Within four standard errors: the sample variance of 120,000 values varies by less than 0.5 %."""
    shape = (300, 400)
    assert glorot_uniform(rng, shape).var() == pytest.approx(2 / 700, rel=0.02)
    assert abs(glorot_uniform(rng, shape)).max() <= np.sqrt(6 / 700)
    assert he_normal(rng, shape).var() == pytest.approx(2 / 300, rel=0.02)


def test_gradients_from_before_the_layout_are_kept(rng):
    m = Linear(2, 1, rng)
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
    m = Linear(2, 1, rng)
    assert m.flat.size == 3
    m = disturb(m) or m
    np.testing.assert_allclose(one_step(m), -1, rtol=1e-6)
    assert m.flat.size == m.num_parameters
    assert np.shares_memory(m.flat, m.weight.data)


def test_modules_in_lists_and_dictionaries_are_found(rng):
    m = Module()
    m.layers = [Linear(1, 1, rng), Linear(1, 1, rng)]
    m.heads = {"mean": Linear(1, 1, rng)}
    assert list(m.parameters())[-1] == "heads.mean.bias"
    assert m.num_parameters == 6


def test_a_module_without_parameters_says_so():
    with pytest.raises(ValueError, match="Sequential has no parameters"):
        _ = Sequential(relu).flat


def test_relu_has_slope_zero_at_zero():
    x = Tensor([-1.0, 0.0, 1.0], requires_grad=True)
    np.sum(relu(x)).backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 1])
