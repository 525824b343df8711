"""Batch normalisation beside its formula, and spectral normalisation beside NumPy's singular values."""

import copy

import numpy as np
import pytest

from autograd import Tensor, check_grads, grad
from minigen.nn.arrays import plain
from minigen.nn.conv import Conv2d, ConvTranspose2d
from minigen.nn.layers import Linear
from minigen.nn.module import evaluating
from minigen.nn.normalisation import BatchNorm, SpectralNorm, batch_norm, batch_norm_by_definition, unit
from tests.minigen.differences import central_differences

EPS = 0.1
"""So large that a gradient without it would be seen."""


def channelwise(x):
    return x.reshape(-1, x.shape[-1])


def fused(x, scale, shift):
    """As the layer calls it: mean and variance are worked out beside the graph."""
    values = channelwise(plain(x))
    return batch_norm(x, scale, shift, values.mean(axis=0), values.var(axis=0), EPS)


def by_definition(x, scale, shift):
    return batch_norm_by_definition(x, scale, shift, None, None, EPS)


@pytest.mark.parametrize("shape", [(2, 3), (7, 1), (5, 3), (3, 2, 4, 2), (1, 2, 2, 3)])
def test_the_fused_pass_is_its_formula_in_value_and_derivatives(shape, rng):
    """The gradients of a random weighting within 1e-12, and central differences of both orders, in all arguments."""
    x, scale, shift = 3 + 2 * rng.standard_normal(shape), *rng.standard_normal((2, shape[-1]))
    w = rng.standard_normal(shape)
    leaves = [Tensor(a, requires_grad=True) for a in (x, scale, shift)]
    ours, formula = fused(*leaves), by_definition(*leaves)
    np.testing.assert_allclose(ours.data, formula.data, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(fused(x, scale, shift), ours.data, rtol=1e-15)
    for a, b in zip(grad(np.sum(w * ours), leaves), grad(np.sum(w * formula), leaves), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12, atol=1e-12)
    check_grads(fused, x, scale, shift, order=2, rng=rng)


def random_norm(channels, rng, **options):
    layer = BatchNorm(channels, **options).astype(np.float64)
    layer.flat[...] = rng.standard_normal(2 * channels)
    return layer


@pytest.mark.parametrize("shape", [(40, 3), (5, 4, 6, 3)])
def test_in_training_each_channel_has_the_mean_and_variance_that_are_learned(shape, rng):
    """Mean β and variance γ² σ²/(σ² + ε), over the batch and all places."""
    layer, x = random_norm(3, rng, eps=EPS), 5 + rng.standard_normal(shape) * [0.1, 1, 10]
    y, var = channelwise(layer(x).data), channelwise(x).var(axis=0)
    np.testing.assert_allclose(y.mean(axis=0), layer.shift.data, rtol=1e-12)
    np.testing.assert_allclose(y.var(axis=0), layer.scale.data**2 * var / (var + EPS), rtol=1e-12)


def test_e10_the_epsilon_of_batch_normalisation_is_far_below_the_variance_of_a_batch(rng):
    """E-10: a variance of 1e-3 becomes 1e-3/(1e-3 + 1e-5) in training; while evaluating ε joins the unbiased 2e-3.

    Planted: an ε of a hundredth.
    """
    layer, x = BatchNorm(1).astype(np.float64), np.array([[-1.0], [1.0]]) * np.sqrt(1e-3)
    for _ in range(300):  # the moving averages arrive
        y = layer(x).data
    with evaluating(layer):
        np.testing.assert_allclose(layer(x).data, x / np.sqrt(2e-3 + 1e-5), rtol=1e-10)
    assert y.var() == pytest.approx(1 / 1.01, rel=1e-12)


def test_the_moving_averages_follow_the_batches(rng):
    """They begin at 0 and 1, and a batch counts for `momentum` of them, with its unbiased variance (divisor m − 1)."""
    layer = random_norm(3, rng, momentum=0.3)
    mean, var = np.zeros(3), np.ones(3)
    for shift in (0, 4, -1):
        x = shift + rng.standard_normal((6, 2, 3))
        layer(x)
        mean = 0.7 * mean + 0.3 * channelwise(x).mean(axis=0)
        var = 0.7 * var + 0.3 * channelwise(x).var(axis=0, ddof=1)
        np.testing.assert_allclose(layer.mean, mean, rtol=1e-14)
        np.testing.assert_allclose(layer.var, var, rtol=1e-14)


def test_small_batches_do_not_bias_the_variance_that_is_kept(rng):
    """The mean of `var` over 20,000 batches of 2 is the variance 4 within 4 standard errors; without m/(m − 1) it is 2.
    A sample variance of 2 normal numbers has the standard deviation √2 σ²."""
    layer, n = random_norm(1, rng, momentum=1.0), 20_000
    kept = []
    for x in 2 * rng.standard_normal((n, 2, 1)):
        layer(x)
        kept.append(layer.var[0])
    assert abs(np.mean(kept) - 4) < 4 * np.sqrt(2) * 4 / np.sqrt(n)


def test_evaluating_a_row_is_for_itself_and_nothing_moves(rng):
    layer = random_norm(3, rng, eps=EPS)
    layer(2 + rng.standard_normal((10, 3)))
    before = {name: array.copy() for name, array in layer.arrays().items()}
    x = rng.standard_normal((5, 3))
    in_training = copy.deepcopy(layer)(x).data
    with evaluating(layer):
        together = layer(x).data
        np.testing.assert_array_equal(np.concatenate([layer(row[None]).data for row in x]), together)
        check_grads(layer, x, order=2)
    expected = (x - before["mean"]) / np.sqrt(before["var"] + EPS) * layer.scale.data + layer.shift.data
    np.testing.assert_allclose(together, expected, rtol=1e-12)
    for name, array in layer.arrays().items():
        np.testing.assert_array_equal(array, before[name])
    assert abs(together - in_training).max() > 0.1


def test_one_row_is_refused_in_training_and_one_image_is_not(rng):
    layer = BatchNorm(3)
    with pytest.raises(ValueError, match="one row has no variance: give batch normalisation 2 or more, or use"):
        layer(np.ones((1, 3), np.float32))
    with pytest.raises(ValueError, match="one row has no variance"):
        layer(np.ones((1, 1, 1, 3), np.float32))
    np.testing.assert_array_equal(layer.mean, 0)
    np.testing.assert_array_equal(layer.var, 1)
    assert layer(np.ones((1, 2, 1, 3), np.float32)).shape == (1, 2, 1, 3)
    with evaluating(layer):
        assert layer(np.ones((1, 3), np.float32)).shape == (1, 3)


def test_a_constant_channel_is_its_shift(rng):
    """No variance and no division by zero: the gradient is finite too."""
    layer = random_norm(2, rng)
    x = Tensor(np.full((4, 2), 3.0), requires_grad=True)
    y = layer(x)
    np.testing.assert_allclose(y.data, np.broadcast_to(layer.shift.data, (4, 2)), atol=1e-12)
    np.sum(y * rng.standard_normal((4, 2))).backward()
    assert np.all(np.isfinite(x.grad))


def test_what_batch_normalisation_holds_is_cast_and_copied_with_it(rng):
    """float32 stays float32; its moving averages are arrays of the module, and a copy has its own."""
    layer, x = BatchNorm(3), Tensor(rng.standard_normal((5, 3)).astype(np.float32), requires_grad=True)
    y = layer(x)
    np.sum(y * y).backward()
    kinds = {y.dtype, x.grad.dtype, layer.scale.grad.dtype, *(a.dtype for a in layer.arrays().values())}
    assert kinds == {np.dtype(np.float32)}
    assert set(layer.arrays()) == {"scale", "shift", "mean", "var"}
    assert layer.num_parameters == 6
    other = copy.deepcopy(layer).astype(np.float64)
    assert {a.dtype for a in other.arrays().values()} == {np.dtype(np.float64)}
    before = {name: array.copy() for name, array in layer.arrays().items()}
    other(5 * x.data.astype(float))
    other.flat[...] = 7
    for name, array in layer.arrays().items():
        np.testing.assert_array_equal(array, before[name])


# -- spectral normalisation

LAYERS = {
    "linear": (lambda rng: Linear(6, 4, rng=rng), (5, 6)),
    "wide linear": (lambda rng: Linear(3, 5, rng=rng), (5, 3)),
    "convolution": (lambda rng: Conv2d(2, 3, (2, 3), stride=(1, 2), padding=1, rng=rng), (2, 4, 5, 2)),
    "transposed convolution": (lambda rng: ConvTranspose2d(3, 2, 2, stride=2, rng=rng), (2, 2, 3, 3)),
}


def random_layer(name, rng):
    """A layer with a random weight and bias, and what it takes."""
    make, shape = LAYERS[name]
    layer = make(rng).astype(np.float64)
    layer.flat[...] = rng.standard_normal(layer.num_parameters)
    return layer, rng.standard_normal(shape)


@pytest.fixture(params=LAYERS)
def converged(request, rng):
    """A layer, the same one normalised and after 1,000 iterations, and what both take."""
    layer, x = random_layer(request.param, rng)
    norm = SpectralNorm(copy.deepcopy(layer), iterations=1000, rng=rng).astype(np.float64)
    norm(x)
    return layer, norm, x


def test_the_weight_is_divided_by_its_largest_singular_value(converged):
    """σ is NumPy's ‖W‖₂; the layer is the one with the weight W/σ, a matrix that stretches by 1 at most."""
    layer, norm, x = converged
    sigma = np.linalg.norm(layer.weight.data, 2)
    assert norm.norm().item() == pytest.approx(sigma, rel=1e-12)
    layer.weight.data[...] /= sigma
    np.testing.assert_allclose(norm(x).data, layer(x).data, rtol=1e-10, atol=1e-12)


def test_the_bias_is_added_as_it_is(converged):
    layer, norm, x = converged
    np.testing.assert_array_equal(norm(0 * x).data, layer(0 * x).data)
    np.sum(norm(x)).backward()
    np.sum(layer(x)).backward()
    np.testing.assert_allclose(norm.layer.bias.grad, layer.bias.grad, rtol=1e-12)


def test_a_linear_layer_stretches_by_one_at_most_and_by_one_somewhere(rng):
    layer, _ = random_layer("linear", rng)
    norm = SpectralNorm(layer, iterations=1000, rng=rng).astype(np.float64)
    x, y = rng.standard_normal((2, 500, 6))
    stretch = np.linalg.norm((norm(x) - norm(y)).data, axis=1) / np.linalg.norm(x - y, axis=1)
    assert stretch.max() < 1
    along = np.linalg.svd(layer.weight.data)[0][:, :1].T
    assert np.linalg.norm((norm(along) - norm(0 * along)).data) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_g8_so_it_does_whatever_the_size_of_its_weight(scale, rng):
    """G-8: a critic of slope at most 1 does not depend on the scale of its weights.

    Planted: unit vectors that divide by a thousandth at least.
    """
    layer = SpectralNorm(Linear(4, 3, rng=rng), iterations=300, rng=rng).astype(np.float64)
    layer.layer.weight.data *= scale
    stretched = layer(np.eye(4)).data - layer.layer.bias.data
    assert np.linalg.norm(stretched, 2) == pytest.approx(1, rel=1e-12)


def test_its_gradients_are_those_of_dividing_by_the_singular_value(converged, rng):
    """Central differences of Σ w·(x W/‖W‖₂ + b) by W, where the iteration has converged."""
    layer, norm, x = converged
    w = rng.standard_normal(norm(x).shape)
    divided = copy.deepcopy(layer)

    def value():
        divided.weight.data[...] = layer.weight.data / np.linalg.norm(layer.weight.data, 2)
        return np.sum(w * divided(x).data)

    by_weight = grad(np.sum(w * norm(x)), norm.layer.weight).data
    np.testing.assert_allclose(by_weight, central_differences(value, layer.weight.data), rtol=1e-6, atol=1e-7)


def test_power_iteration_rises_to_the_norm_from_call_to_call(rng):
    """vᵀ W u is never above σ, never falls, and goes on where the last call ended: 7 calls of 1 are 1 call of 7."""
    layer, _ = random_layer("linear", rng)
    norm = SpectralNorm(layer, rng=rng).astype(np.float64)
    at_once = copy.deepcopy(norm)
    at_once.iterations = 7
    found = [norm.norm().item() for _ in range(7)]
    assert np.all(np.diff(found) > 0)
    assert found[-1] < np.linalg.norm(layer.weight.data, 2)
    assert at_once.norm().item() == found[-1]
    assert np.linalg.norm(norm.u) == pytest.approx(1, rel=1e-14)


def test_a_second_call_leaves_the_graph_of_the_first_as_it_was(rng):
    """The gradient of the first call's σ is v uᵀ of that call, although u has moved on since."""
    layer, _ = random_layer("linear", rng)
    norm = SpectralNorm(layer, rng=rng).astype(np.float64)
    u = unit(unit(layer.weight.data @ norm.u) @ layer.weight.data)
    v = unit(layer.weight.data @ u)
    first = norm.norm()
    norm.norm()
    np.testing.assert_allclose(grad(first, layer.weight).data, np.outer(v, u), rtol=1e-12)


def test_spectral_normalisation_in_float32_and_its_copies(rng):
    norm = SpectralNorm(Linear(6, 4, rng=rng), rng=rng)
    y = norm(rng.standard_normal((5, 6)).astype(np.float32))
    np.sum(y * y).backward()
    assert {y.dtype, norm.u.dtype, norm.layer.weight.grad.dtype} == {np.dtype(np.float32)}
    assert set(norm.arrays()) == {"u", "layer.weight", "layer.bias"}
    before, other = norm.u.copy(), copy.deepcopy(norm)
    other.norm()
    np.testing.assert_array_equal(norm.u, before)
    assert (other.u != before).any()
    assert other.astype(np.float64).norm().dtype == np.float64


def test_a_unit_vector_of_zeros_stays_zeros():
    np.testing.assert_array_equal(unit(np.zeros(3)), 0)
    np.testing.assert_allclose(unit(np.array([3.0, 4.0])), [0.6, 0.8], rtol=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: BatchNorm(0), "channels must be a whole number of at least 1, got 0"),
        (
            lambda rng: SpectralNorm(Linear(1, 1, rng=rng), 0, rng=rng),
            "iterations must be a whole number of at least 1, got 0",
        ),
    ],
)
def test_sizes_that_make_no_layer_are_refused(make, message, rng):
    with pytest.raises(ValueError, match=message):
        make(rng)


def test_the_iteration_rests_while_evaluating(rng):
    """So that what is scored does not depend on how it is cut into blocks."""
    layer, x = random_layer("linear", rng)
    norm = SpectralNorm(layer, rng=rng).astype(np.float64)
    before = norm.u.copy()
    with evaluating(norm):
        first = norm(x).data
        np.testing.assert_array_equal(norm(x).data, first)
    np.testing.assert_array_equal(norm.u, before)
    assert (norm(x).data != first).any()


def test_weights_that_are_all_zero_are_refused_and_can_be_mended(rng):
    layer, x = random_layer("linear", rng)
    norm = SpectralNorm(layer, rng=rng).astype(np.float64)
    weight = layer.weight.data.copy()
    layer.weight.data[...] = 0
    with pytest.raises(ValueError, match="the weight is all zeros"):
        norm(x)
    layer.weight.data[...] = weight
    assert np.isfinite(norm(x).data).all()
