"""A convolutional generator and discriminator (DCGAN, Radford, Metz and Chintala 2016), for images of any size.

Both networks have maps of three sizes: the image, its half, its quarter. The generator goes up by transposed
convolutions with batch normalisation and ReLU. The discriminator goes down by convolutions of stride 2 with leaky ReLU.
It has no batch normalisation, since it gets data and generated images in one batch. Maps have their channels last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigen.nn.arrays import RNGLike
from minigen.nn.conv import Conv2d, ConvTranspose2d
from minigen.nn.functions import leaky_relu, relu, sigmoid
from minigen.nn.layers import Linear, Sequential
from minigen.nn.module import Module
from minigen.nn.normalisation import BatchNorm

KERNEL, STRIDE, PADDING = 4, 2, 1
"""A kernel of twice the stride covers every pixel equally often: no checkerboard pattern (Odena et al. 2016)."""


class Reshaped(Module):
    """A layer without parameters that gives each row of a batch this `shape`:  (n, …) → (n, *shape)."""

    def __init__(self, *shape: int):
        self.shape = shape

    def __call__(self, x: Any) -> Any:
        return x.reshape(len(x), *self.shape)


def sizes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the (rows, columns) of an image, of its half and of its quarter, rounded down.

    shape: (rows, columns) of the image. Raises ValueError if one of them is below 4.
    """
    if min(shape) < 4:
        raise ValueError(f"an image must be at least 4×4 to be halved twice, got {shape}")
    return [(shape[0] // f, shape[1] // f) for f in (1, 2, 4)]


def generator(shape: tuple[int, int], d: int, channels: int, *, rng: RNGLike = None) -> Sequential:
    """Return a network that generates images: latents (n, d) → pixels in [0, 1], (n, rows · columns).

    shape: (rows, columns) of an image, each at least 4. d: numbers in z. channels: of the half-size map; the
    quarter-size map has twice as many.
    """
    rng = np.random.default_rng(rng)
    whole, half, quarter = sizes(shape)
    C = channels
    up = lambda n, m, small, large: ConvTranspose2d(
        n,
        m,
        KERNEL,
        STRIDE,
        PADDING,
        output_padding=tuple(b - 2 * a for a, b in zip(small, large, strict=True)),
        rng=rng,
    )
    return Sequential(
        Linear(d, quarter[0] * quarter[1] * 2 * C, rng=rng),
        Reshaped(*quarter, 2 * C),
        BatchNorm(2 * C),
        relu,
        up(2 * C, C, quarter, half),
        BatchNorm(C),
        relu,
        up(C, 1, half, whole),
        Reshaped(shape[0] * shape[1]),
        sigmoid,
    )


class Maps(Module):
    """A layer that makes maps of pixels and of a label: (n, D + classes) → (n, rows, columns, 1 + classes).

    shape: (rows, columns) of an image of D pixels. classes: the numbers after the pixels of a row. Each fills a map.
    """

    def __init__(self, shape: tuple[int, int], classes: int):
        self.shape, self.classes = shape, classes

    def __call__(self, x: Any) -> Any:
        (rows, columns), n = self.shape, len(x)
        label = np.broadcast_to(x[:, None, None, rows * columns :], (n, rows, columns, self.classes))
        return np.concatenate([x[:, : rows * columns].reshape(n, rows, columns, 1), label], axis=3)


def discriminator(shape: tuple[int, int], channels: int, classes: int = 0, *, rng: RNGLike = None) -> Sequential:
    """Return a network that discriminates images: pixels (n, rows · columns) → logits (n, 1), not probabilities.

    shape: (rows, columns) of an image, each at least 4. channels: of the half-size map; the quarter-size map has twice
    as many. classes: numbers of a one-hot label that follow the pixels in each row, see `conditional.JoinedLabel`.
    """
    rng = np.random.default_rng(rng)
    _, _, (rows, columns) = sizes(shape)
    C = channels
    down = lambda n, m: Conv2d(n, m, KERNEL, STRIDE, PADDING, rng=rng)
    return Sequential(
        Maps(shape, classes) if classes else Reshaped(*shape, 1),
        down(1 + classes, C),
        leaky_relu,
        down(C, 2 * C),
        leaky_relu,
        Reshaped(rows * columns * 2 * C),
        Linear(rows * columns * 2 * C, 1, rng=rng),
    )
