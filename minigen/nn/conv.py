"""Convolutions over one or more axes of space, by gathering and one matrix product.

    y[p] = b + Σₖ x[p·stride + k − padding] Wₖ,    k over the taps of the kernel,

as all libraries for learning have it (mathematics calls this a cross-correlation). Maps are (batch, *space, channels).
`unfold` lays the pixels that a place sees side by side, so that all places are rows of one matrix to multiply by W.
It moves numbers and computes nothing; its transpose `fold` adds them up where they came from, and each is the other's
gradient: so derivatives of every order come by themselves, and the transposed convolution is written without new ones.
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
    """The index of what this tap sees from each place of `shape`."""
    return slice(None), *(slice(t, t + (n - 1) * s + 1, s) for t, n, s in zip(tap, shape, stride, strict=True))


def unfold_gradient(g: Any, y: Any, x: Any, taps: Offsets, shape: Sequence[int], stride: Sequence[int]) -> Any:
    """Transpose of `unfold`: the gradient of each number is the sum over the patches that hold the number."""
    return fold(g, taps, x.shape[1:-1], stride)


@primitive(unfold_gradient, None, None, None)
def unfold(x: Any, taps: Offsets, shape: Sequence[int], stride: Sequence[int]) -> Any:
    """What each place p sees, x[p·stride + tap], tap after tap.  (B, *space, C) → (B, *shape, taps·C)."""
    C = x.shape[-1]
    columns = np.empty_like(x, order="C", shape=(len(x), *shape, len(taps) * C))
    for k, tap in enumerate(taps):
        columns[..., k * C : (k + 1) * C] = x[places(tap, shape, stride)]
    return columns


@primitive(lambda g, y, columns, taps, space, stride: unfold(g, taps, columns.shape[1:-1], stride), None, None, None)
def fold(columns: Any, taps: Offsets, space: Sequence[int], stride: Sequence[int]) -> Any:
    """Transpose of `unfold`: sum the overlapping patches back into a map (B, *space, C)."""
    C, shape = columns.shape[-1] // len(taps), columns.shape[1:-1]
    x = np.zeros_like(columns, order="C", shape=(len(columns), *space, C))
    for k, tap in enumerate(taps):
        x[places(tap, shape, stride)] += columns[..., k * C : (k + 1) * C]
    return x


def extent(taps: Offsets) -> list[int]:
    """How many places a kernel covers along each axis."""
    return [max(along) + 1 for along in zip(*taps, strict=True)]


def conv(
    x: Any,
    weight: Any,
    bias: Any,
    taps: Offsets,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
) -> Any:
    """Convolution.  x: (B, *space, C), weight: (taps·C, C_out), bias: (C_out,) → (B, *shape, C_out).

    padding: zeros before and after, for each axis. An axis of i places with p zeros in all gives ⌊(i + p − k) / s⌋ + 1
    for a kernel of k and stride s (Dumoulin and Visin 2016).
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
    """The transpose of `conv`, with a bias of its own.

    x: (B, *shape, C), weight: (C, taps·C_out), bias: (C_out,) → (B, *space, C_out).
    An axis of o places gives (o − 1)·s + k − p, and `output_padding` more: of the i that `conv` maps to one o, which.
    """
    sizes = zip(x.shape[1:-1], extent(taps), stride, output_padding, strict=True)
    space = [(n - 1) * s + k + more for n, k, s, more in sizes]
    columns = linear(x, weight, np.zeros_like(plain(bias), shape=weight.shape[1]))
    inner = (slice(before, n - after) for n, (before, after) in zip(space, padding, strict=True))
    return fold(columns, taps, space, stride)[(slice(None), *inner)] + bias


class Convolution(Module):
    """A convolution of maps (batch, rows, columns, channels): its sizes and its kernel. A subclass computes the map.

    n_in, n_out: channels. kernel_size, stride, padding: one number for both axes, or one for each; padding is on both
    sides. The weight begins by Glorot's rule for the matrix that it is. Raises ValueError for sizes that do not fit.
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
        self.bias = Parameter(np.zeros(n_out))

    def offsets_seen(self) -> Offsets:
        """The kernel's taps, counted from its first corner."""
        return tuple(np.ndindex(self.kernel_size))

    def initial(self, *, rng: RNGLike = None) -> np.ndarray:
        """Weights by Glorot's rule, for as many inputs as the taps of all channels."""
        rng = np.random.default_rng(rng)
        return glorot_uniform((len(self.taps) * self.n_in, self.n_out), rng=rng)

    def checked(self, x: Any) -> Any:
        """`x`, refused unless it is a batch of maps with this layer's channels."""
        if x.ndim != 4 or x.shape[-1] != self.n_in:
            raise ValueError(
                f"{type(self).__name__} takes maps (batch, rows, columns, {self.n_in} channels), got shape {x.shape}"
            )
        return x

    def __call__(self, x: Any) -> Any:
        """(B, rows, columns, n_in) → (B, rows', columns', n_out)."""
        raise NotImplementedError


class Conv2d(Convolution):
    """(B, rows, columns, C_in) → (B, rows', columns', C_out)."""

    def __call__(self, x: Any) -> Any:
        return conv(self.checked(x), self.weight, self.bias, self.taps, self.stride, self.padding)


class ConvTranspose2d(Convolution):
    """The layer that undoes the shapes of `Conv2d`: a place becomes a kernel of places.

    (B, rows', columns', C_in) → (B, rows, columns, C_out). output_padding: places more on each axis, fewer than the
    stride, as in `conv_transpose`.
    """

    def __init__(self, *sizes: Any, output_padding: int | tuple[int, int] = 0, **options: Any):
        super().__init__(*sizes, **options)
        self.output_padding = whole_numbers(output_padding, 0, "output_padding", 2)
        if any(more >= s for more, s in zip(self.output_padding, self.stride, strict=True)):
            raise ValueError(f"output_padding must be less than the stride {self.stride}, got {self.output_padding}")

    def initial(self, *, rng: RNGLike = None) -> np.ndarray:
        """Weights by Glorot's rule; a place makes all taps of all channels."""
        return glorot_uniform((self.n_in, len(self.taps) * self.n_out), rng=rng)

    def __call__(self, x: Any) -> Any:
        sizes = self.taps, self.stride, self.padding, self.output_padding
        return conv_transpose(self.checked(x), self.weight, self.bias, *sizes)
