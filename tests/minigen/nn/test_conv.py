"""Convolutions beside SciPy's, their derivatives to second order, transposes, masks, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import convolve, correlate

from autograd import Tensor, backend, check_grads, grad
from minigen.nn.conv import (
    Conv2d,
    ConvTranspose2d,
    conv,
    conv_transpose,
    fold,
    unfold,
)
from minigen.nn.maps import MaskedConv2d
from tests.strategies import generators


def randomised(layer, rng):
    layer.astype(np.float64)
    layer.flat[...] = rng.standard_normal(layer.num_parameters)
    return layer


@st.composite
def sizes(draw):
    """Places, kernel, stride and padding that fit one another, for one axis or two."""
    axes = draw(st.integers(1, 2))
    each = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(axes))
    kernel, stride, padding = each(1, 4), each(1, 3), each(0, 2)
    space = tuple(max(1, k - 2 * p) + extra for k, p, extra in zip(kernel, padding, each(0, 4), strict=True))
    return space, kernel, stride, padding


def correlated(x, weight, kernel, stride, padding):
    """The convolution by SciPy, channel by channel: (B, *shape, C_out)."""
    C, axes = x.shape[-1], len(kernel)
    x = np.pad(x, [(0, 0), *((p, p) for p in padding), (0, 0)])
    weight = weight.reshape(*kernel, C, -1)
    every = tuple(slice(None, None, s) for s in stride)
    return np.stack(
        [
            np.stack(
                [sum(correlate(one[..., c], weight[..., c, o], mode="valid") for c in range(C))[every] for one in x]
            )
            for o in range(weight.shape[-1])
        ],
        axis=axes + 1,
    )


@given(sizes=sizes(), C=st.integers(1, 3), rng=generators)
def test_a_convolution_is_that_of_scipy(sizes, C, rng):
    """scipy.signal.correlate on every channel, cut to the strides, within 1e-12; and the size that the formula says."""
    space, kernel, stride, padding = sizes
    taps, x = tuple(np.ndindex(kernel)), rng.standard_normal((2, *space, C))
    weight, bias = rng.standard_normal((len(taps) * C, 2)), rng.standard_normal(2)
    y = conv(x, weight, bias, taps, stride, [(p, p) for p in padding])
    assert y.shape[1:-1] == tuple(
        (n + 2 * p - k) // s + 1 for n, p, k, s in zip(space, padding, kernel, stride, strict=True)
    )
    expected = correlated(x, weight, kernel, stride, padding) + bias
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    if len(space) == 2:
        layer = Conv2d(C, 2, kernel, stride=stride, padding=padding, rng=rng).astype(np.float64)
        layer.weight.data[...], layer.bias.data[...] = weight, bias
        np.testing.assert_array_equal(layer(x).data, y)


@given(sizes=sizes(), rng=generators)
def test_the_transposed_convolution_is_the_transpose(sizes, rng):
    """⟨conv(x), y⟩ = ⟨x, transposed(y)⟩ for the same weights: output_padding says which of the sizes x had."""
    space, kernel, stride, padding = sizes
    taps, pads = tuple(np.ndindex(kernel)), [(p, p) for p in padding]
    weight, x = rng.standard_normal((len(taps) * 2, 3)), rng.standard_normal((2, *space, 2))
    there = conv(x, weight, np.zeros(3), taps, stride, pads)
    y = rng.standard_normal(there.shape)
    rest = [(n + 2 * p - k) % s for n, p, k, s in zip(space, padding, kernel, stride, strict=True)]
    returned = conv_transpose(y, weight.T, np.zeros(2), taps, stride, pads, rest)
    assert returned.shape == x.shape
    np.testing.assert_allclose(np.sum(there * y), np.sum(x * returned), rtol=1e-10, atol=1e-10)
    if len(space) == 2:
        layer = ConvTranspose2d(3, 2, kernel, stride=stride, padding=padding, output_padding=tuple(rest), rng=rng)
        layer.astype(np.float64).weight.data[...] = weight.T
        np.testing.assert_array_equal(layer(y).data, returned)


@given(sizes=sizes(), rng=generators)
def test_a_transposed_convolution_of_stride_one_is_scipys_full_convolution(sizes, rng):
    space, kernel, _, _ = sizes
    taps, no_padding = tuple(np.ndindex(kernel)), [(0, 0)] * len(space)
    x, weight, bias = rng.standard_normal((1, *space, 1)), rng.standard_normal((1, len(taps))), rng.standard_normal(1)
    y = conv_transpose(x, weight, bias, taps, [1] * len(space), no_padding, [0] * len(space))
    expected = convolve(x[0, ..., 0], weight.reshape(kernel), mode="full") + bias
    np.testing.assert_allclose(y[0, ..., 0], expected, rtol=1e-12, atol=1e-12)


@given(sizes=sizes(), rng=generators)
def test_fold_is_the_transpose_of_unfold(sizes, rng):
    """⟨unfold(x), c⟩ = ⟨x, fold(c)⟩ for any taps, repeated and out of order too."""
    space, kernel, stride, _ = sizes
    space = tuple(max(n, k) for n, k in zip(space, kernel, strict=True))
    taps = tuple(tuple(int(rng.integers(k)) for k in kernel) for _ in range(4))
    shape = tuple((n - k) // s + 1 for n, k, s in zip(space, kernel, stride, strict=True))
    x, c = rng.standard_normal((2, *space, 3)), rng.standard_normal((2, *shape, 12))
    left = np.sum(unfold(x, taps, shape, stride) * c)
    np.testing.assert_allclose(left, np.sum(x * fold(c, taps, space, stride)), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("stride", "padding"), [((1, 1), (0, 0)), ((2, 1), (1, 0)), ((1, 3), (2, 1))])
def test_derivatives_of_convolutions_to_second_order(stride, padding, rng):
    """Against central differences, in the map, the weight and the bias."""
    taps, pads = tuple(np.ndindex(3, 2)), [(p, p) for p in padding]
    x, b = rng.standard_normal((2, 5, 4, 2)), rng.standard_normal(3)
    W = rng.standard_normal((12, 3))
    check_grads(lambda x, W, b: conv(x, W, b, taps, stride, pads), x, W, b, order=2)
    W = rng.standard_normal((2, 18))
    check_grads(lambda x, W, b: conv_transpose(x, W, b, taps, stride, pads, (0, 0)), x, W, b, order=2)


@pytest.mark.parametrize("mask", ["A", "B"])
@pytest.mark.parametrize("kernel", [(3, 3), (5, 3), (1, 3), (3, 1), (7, 7)])
def test_a_masked_convolution_is_one_whose_later_weights_are_zero(mask, kernel, rng):
    """By SciPy, with the kernel at and after its centre, or only after it, set to zero."""
    layer = randomised(MaskedConv2d(2, 3, kernel, mask, rng=rng), rng)
    x, centre = rng.standard_normal((2, 4, 6, 2)), kernel[0] // 2 * kernel[1] + kernel[1] // 2
    seen = centre + (mask == "B")
    assert layer.weight.shape == (2 * seen, 3)
    whole = np.zeros((kernel[0] * kernel[1], 2, 3))
    whole[:seen] = layer.weight.data.reshape(seen, 2, 3)
    padding = tuple(k // 2 for k in kernel)
    expected = correlated(x, whole.reshape(-1, 3), kernel, (1, 1), padding) + layer.bias.data
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mask", ["A", "B"])
@pytest.mark.parametrize("kernel", [3, 5, (1, 3), (5, 3)])
def test_a_masked_convolution_sees_its_window_before_the_place(mask, kernel, rng):
    """R-3: ∂y/∂x is not zero exactly at the places of the window that come before (A), or at the place itself too (B).

    Planted: a mask A that lets the centre through.
    """
    layer = randomised(MaskedConv2d(1, 1, kernel, mask, rng=rng), rng)
    rows, columns = layer.kernel_size
    x = Tensor(rng.standard_normal((1, 5, 6, 1)), requires_grad=True)
    y = layer(x)
    for i, j in np.ndindex(5, 6):
        slope = grad(np.sum(y[0, i, j]), [x], retain_graph=True)[0].data[0, ..., 0]
        for k, m in np.ndindex(5, 6):
            near = abs(k - i) <= rows // 2 and abs(m - j) <= columns // 2
            earlier = (k, m) < (i, j) or (mask == "B" and (k, m) == (i, j))
            assert (slope[k, m] != 0) == (near and earlier)


@pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])
def test_float32_stays_float32(kind, rng):
    layer = kind(2, 3, 2, rng=rng)
    x = Tensor(rng.standard_normal((2, 4, 4, 2)).astype(np.float32), requires_grad=True)
    y = layer(x)
    np.sum(y).backward()
    assert {y.dtype, x.grad.dtype, layer.weight.grad.dtype, layer.bias.grad.dtype} == {np.dtype(np.float32)}


def test_a_whole_number_of_channels_may_be_a_float(rng):
    assert Conv2d(1.0, 2.0, 3.0, rng=rng).bias.shape == (2,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: Conv2d(1, 1, 0, rng=rng), "kernel_size must be 2 whole numbers of at least 1, got 0"),
        (lambda rng: Conv2d(1, 1, (3,), rng=rng), r"kernel_size must be 2 whole numbers of at least 1, got \(3,\)"),
        (lambda rng: Conv2d(1, 1, 2, stride=0, rng=rng), "stride must be 2 whole numbers of at least 1, got 0"),
        (lambda rng: Conv2d(1, 1, 2, padding=-1, rng=rng), "padding must be 2 whole numbers of at least 0, got -1"),
        (lambda rng: Conv2d(0, 1, 2, rng=rng), "channels must be a whole number of at least 1, got 0"),
        (
            lambda rng: ConvTranspose2d(1, 1, 3, stride=2, output_padding=2, rng=rng),
            r"output_padding must be less than the stride \(2, 2\), got \(2, 2\)",
        ),
        (lambda rng: MaskedConv2d(1, 1, 4, "A", rng=rng), r"odd sizes, got \(4, 4\)"),
        (lambda rng: MaskedConv2d(1, 1, 1, "A", rng=rng), r"mask A a kernel of \(1, 1\) sees nothing; make it larger"),
        (lambda rng: MaskedConv2d(1, 1, 3, "C", rng=rng), "mask must be \"A\" or \"B\", got 'C'"),
        (lambda rng: Conv2d(2, 1, 3, rng=rng)(np.zeros((1, 5, 5, 3))),
         r"Conv2d takes maps \(batch, rows, columns, 2 channels\), got shape \(1, 5, 5, 3\)"),
        (lambda rng: Conv2d(2, 1, 3, rng=rng)(np.zeros((5, 5, 2))), r"2 channels\), got shape \(5, 5, 2\)"),
        (lambda rng: Conv2d(1, 1, 3, rng=rng)(np.zeros((1, 2, 5, 1))),
         r"a kernel of \(3, 3\) does not fit into \(2, 5\) places; add padding"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_named(make, message, rng):
    with pytest.raises(ValueError, match=message):
        make(rng)


@pytest.mark.usefixtures("library")
def test_convolutions_on_every_backend(rng):
    """E-6: the same values where the arrays are on a device, and the derivatives there."""
    taps, sizes = tuple(np.ndindex(3, 2)), ((2, 1), [(1, 1), (0, 1)])
    x, W, b = rng.standard_normal((2, 5, 4, 2)), rng.standard_normal((12, 3)), rng.standard_normal(3)
    on_device = conv(*map(backend.to_device, (x, W, b)), taps, *sizes)
    np.testing.assert_allclose(backend.to_numpy(on_device), conv(x, W, b, taps, *sizes), rtol=1e-13)
    check_grads(lambda x, W, b: conv(x, W, b, taps, *sizes), x, W, b)
    check_grads(lambda x, W, b: conv_transpose(x, W, b, taps, *sizes, (0, 0)), x, rng.standard_normal((2, 18)), b)
