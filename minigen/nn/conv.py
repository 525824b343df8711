"""Convolutions over one or more spatial axes, as one matrix product of gathered patches.

    y[p] = b + Σₖ x[p·stride + k − padding] Wₖ

The sum is over the taps k, the offsets of the kernel's elements from its first corner. Deep learning calls this a
convolution, mathematics a cross-correlation. Maps are (batch, *space, channels), channels last.

`unfold` gathers the patch of x that each output position p reads into one row, so that W multiplies one matrix.
Its transpose `fold` sums the patches back into a map. Each is the gradient of the other, so that derivatives of every
order exist, and the transposed convolution needs no derivative of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import primitive
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.functions import linear
from minigen.nn.layers import glorot_uniform
from minigen.nn.module import Module, Parameter, whole, whole_numbers

Offsets = tuple[tuple[int, ...], ...]


def places(tap: Sequence[int], shape: Sequence[int], stride: Sequence[int]) -> tuple:
    """Return the slices of a map, (B, *space, C), with the elements that one tap reads: one for each output position.

    tap: offset of a kernel element along each axis. shape: number of output positions along each axis. stride: step
    along each axis.
    """
    return slice(None), *(slice(t, t + (n - 1) * s + 1, s) for t, n, s in zip(tap, shape, stride, strict=True))


def unfold_gradient(g: Any, y: Any, x: Any, taps: Offsets, shape: Sequence[int], stride: Sequence[int]) -> Any:
    """Return ∂L/∂x of y = unfold(x, …): g summed over the patches that hold each element of x.

    g: ∂L/∂y, (B, *shape, taps·C). x: (B, *space, C). y: the result. taps, shape, stride: as given to `unfold`.
    """
    return fold(g, taps, x.shape[1:-1], stride)


@primitive(unfold_gradient, None, None, None)
def unfold(x: Any, taps: Offsets, shape: Sequence[int], stride: Sequence[int]) -> Any:
    """Return the patches of x:  y[p] = x[p·stride + tap], all taps side by side.  (B, *space, C) → (B, *shape, taps·C).

    x: padded already. taps: offsets of the kernel's elements from 0, a tuple for each. shape: number of positions p
    along each axis. stride: step between positions along each axis.
    """
    C = x.shape[-1]
    columns = np.empty_like(x, order="C", shape=(len(x), *shape, len(taps) * C))
    for k, tap in enumerate(taps):
        columns[..., k * C : (k + 1) * C] = x[places(tap, shape, stride)]
    return columns


@primitive(lambda g, y, columns, taps, space, stride: unfold(g, taps, columns.shape[1:-1], stride), None, None, None)
def fold(columns: Any, taps: Offsets, space: Sequence[int], stride: Sequence[int]) -> Any:
    """Transpose of `unfold`: sum overlapping patches into a map.  columns: (B, *shape, taps·C) → (B, *space, C).

    A row of columns holds the C channels of the first tap, then those of the second, and so on. The part of patch p for
    a tap is added at p·stride + tap, which must lie inside the map. shape: number of patches along each axis, read from
    columns. taps: offsets of the kernel's elements from 0, a tuple for each. space: size of the map along each axis.
    stride: step between patches along each axis.
    """
    C, shape = columns.shape[-1] // len(taps), columns.shape[1:-1]
    x = np.zeros_like(columns, order="C", shape=(len(columns), *space, C))
    for k, tap in enumerate(taps):
        x[places(tap, shape, stride)] += columns[..., k * C : (k + 1) * C]
    return x


def extent(taps: Offsets) -> list[int]:
    """Return the size of a kernel along each axis, in pixels.  taps: the offsets of its elements, from 0."""
    return [max(along) + 1 for along in zip(*taps, strict=True)]


def conv(
    x: Any,
    weight: Any,
    bias: Any,
    taps: Offsets,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
) -> Any:
    """Convolution y[p] = bias + Σₖ x[p·stride + k − padding] weightₖ over the taps k.

    x: (B, *space, C), weight: (taps·C, C_out), C rows for each tap, bias: (C_out,) → (B, *shape, C_out).
    taps: offsets of the kernel's elements from 0, a tuple for each. stride: step along each axis. padding: number of
    zeros, a pair (before, after) for each axis. From i pixels with p zeros added in total, a kernel of k and stride s
    make ⌊(i + p − k) / s⌋ + 1 (Dumoulin and Visin 2016). Raises ValueError if the weight does not fit the taps and
    channels, or the kernel is larger than the padded map.
    """
    if weight.shape[0] != len(taps) * x.shape[-1]:
        raise ValueError(f"the weight has {weight.shape[0]} rows for {len(taps)} taps of {x.shape[-1]} channels")
    x = np.pad(x, [(0, 0), *padding, (0, 0)]) if np.any(padding) else x
    kernel = extent(taps)
    shape = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], kernel, stride, strict=True)]
    if min(shape) < 1:
        raise ValueError(f"a kernel of {tuple(kernel)} does not fit into {x.shape[1:-1]} places; add padding")
    return linear(unfold(x, taps, shape, stride), weight, bias)


def conv_transpose(
    x: Any,
    weight: Any,
    bias: Any,
    taps: Offsets,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    output_padding: Sequence[int],
) -> Any:
    """Transposed convolution: the transpose of `conv` as a linear map, plus a bias.

    x: (B, *shape, C), weight: (C, taps·C_out), bias: (C_out,) → (B, *space, C_out).
    taps: offsets of the kernel's elements from 0, a tuple for each. stride: step between patches of the output, along
    each axis. padding: number of pixels that are cut off, a pair (before, after) for each axis. output_padding: pixels
    added at the end, a number for each axis. From o pixels a kernel of k, stride s and p pixels cut off in total make
    (o − 1)·s + k − p + output_padding.
    """
    sizes = zip(x.shape[1:-1], extent(taps), stride, output_padding, strict=True)
    space = [(n - 1) * s + k + more for n, k, s, more in sizes]
    columns = linear(x, weight, np.zeros_like(plain(bias), shape=weight.shape[1]))
    inner = (slice(before, n - after) for n, (before, after) in zip(space, padding, strict=True))
    return fold(columns, taps, space, stride)[(slice(None), *inner)] + bias


class Convolution(Module):
    """Base class of convolution layers of maps (batch, rows, columns, channels). A subclass implements `__call__`.

    It may override `offsets_seen` (the kernel's elements) and `initial` (the first weight).
    n_in, n_out: number of channels of the input and the output. kernel_size, stride, padding: in pixels, one number for
    both axes or a pair (rows, columns); `padding` is on both sides. The `weight` begins by `glorot_uniform`, the `bias`
    at 0. The field `padding` holds pairs (before, after).
    Raises ValueError for numbers that are not whole or too small.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        *,
        rng: RNGLike = None,
    ):
        rng = np.random.default_rng(rng)
        self.n_in, self.n_out = (whole(n, 1, "channels") for n in (n_in, n_out))
        self.kernel_size = whole_numbers(kernel_size, 1, "kernel_size", 2)
        self.stride = whole_numbers(stride, 1, "stride", 2)
        self.padding = [(p, p) for p in whole_numbers(padding, 0, "padding", 2)]
        self.taps = self.offsets_seen()
        self.weight = Parameter(self.initial(rng=rng))
        self.bias = Parameter(np.zeros(self.n_out))

    def offsets_seen(self) -> Offsets:
        """Return the taps: offsets (row, column) of the kernel's elements from its first corner."""
        return tuple(np.ndindex(self.kernel_size))

    def initial(self, *, rng: RNGLike = None) -> np.ndarray:
        """Draw the initial weight by `glorot_uniform`: a matrix (taps·n_in, n_out)."""
        rng = np.random.default_rng(rng)
        return glorot_uniform((len(self.taps) * self.n_in, self.n_out), rng=rng)

    def checked(self, x: Any) -> Any:
        """Return `x`, maps (batch, rows, columns, n_in), unchanged.  Raises ValueError if it has another shape."""
        if x.ndim != 4 or x.shape[-1] != self.n_in:
            raise ValueError(
                f"{type(self).__name__} takes maps (batch, rows, columns, {self.n_in} channels), got shape {x.shape}"
            )
        return x

    def __call__(self, x: Any) -> Any:
        """Return the output maps.  x: (B, rows, columns, n_in) → (B, rows', columns', n_out)."""
        raise NotImplementedError


class Conv2d(Convolution):
    """Convolution layer with a bias:  (B, rows, columns, n_in) → (B, rows', columns', n_out), channels last.

    n_in, n_out: number of channels of the input and the output. kernel_size, stride, padding: in pixels, one number or
    (rows, columns); rows' = ⌊(rows + 2 padding − kernel_size) / stride⌋ + 1, and so for the columns. Pads with zeros.
    """

    def __call__(self, x: Any) -> Any:
        return conv(self.checked(x), self.weight, self.bias, self.taps, self.stride, self.padding)


class ConvTranspose2d(Convolution):
    """Transposed convolution layer:  (B, rows', columns', n_in) → (B, rows, columns, n_out), channels last.

    n_in, n_out: number of channels of the input and the output. kernel_size, stride, padding: in pixels, one number or
    (rows, columns); `padding` pixels are cut off on both sides of the output.
    output_padding: pixels added at the end of each axis, fewer than the stride.
    rows = (rows' − 1)·stride + kernel_size − 2 padding + output_padding, and so for the columns: a `Conv2d(n_out,
    n_in, …)` with the same kernel_size, stride and padding turns the result back into the shape of the input.
    Raises ValueError if `output_padding` is not less than the stride.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        output_padding: int | tuple[int, int] = 0,
        *,
        rng: RNGLike = None,
    ):
        super().__init__(n_in, n_out, kernel_size, stride, padding, rng=rng)
        self.output_padding = whole_numbers(output_padding, 0, "output_padding", 2)
        if any(more >= s for more, s in zip(self.output_padding, self.stride, strict=True)):
            raise ValueError(f"output_padding must be less than the stride {self.stride}, got {self.output_padding}")

    def initial(self, *, rng: RNGLike = None) -> np.ndarray:
        """Draw the initial weight by `glorot_uniform`: a matrix (n_in, taps·n_out)."""
        return glorot_uniform((self.n_in, len(self.taps) * self.n_out), rng=rng)

    def __call__(self, x: Any) -> Any:
        sizes = self.taps, self.stride, self.padding, self.output_padding
        return conv_transpose(self.checked(x), self.weight, self.bias, *sizes)
