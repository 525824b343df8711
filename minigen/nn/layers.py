"""Linear layers y = x W + b, networks of layers in sequence, and the distributions of initial weights."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import backend
from minigen.errors import shown
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import linear
from minigen.nn.module import DTYPE, Module, Parameter


def normal(shape: tuple[int, ...], scale: float, *, rng: RNGLike = None) -> np.ndarray:
    """Draw an array of this `shape` from N(0, scale²).  scale: the standard deviation."""
    rng = np.random.default_rng(rng)
    return scale * rng.standard_normal(shape)


def glorot_uniform(shape: tuple[int, int], *, rng: RNGLike = None) -> np.ndarray:
    """Draw an initial weight matrix from U(−r, r) with r = √(6 / (n_in + n_out)).  shape: (n_in, n_out).

    The variance of signals and gradients stays about the same from layer to layer (Glorot and Bengio 2010).
    """
    rng = np.random.default_rng(rng)
    r = np.sqrt(6 / sum(shape))
    return rng.uniform(-r, r, shape)


def orthogonal(shape: tuple[int, int], *, rng: RNGLike = None) -> np.ndarray:
    """Draw a matrix of this `shape`, (rows, columns), with orthonormal columns, or orthonormal rows if it is wide.

    It keeps the lengths of vectors over many steps (Saxe et al. 2014). It is Q of a QR decomposition of normal draws,
    times the signs of R's diagonal, which makes the distribution uniform.
    """
    rng = np.random.default_rng(rng)
    Q, R = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    Q *= np.sign(np.diagonal(R))
    return Q if shape[0] >= shape[1] else Q.T


class Linear(Module):
    """Linear layer:  y = x W + b.  x: (..., n_in) → (..., n_out).

    n_in, n_out: length of the vectors x and y. init: init((n_in, n_out), rng=…) draws the initial `weight` W; the
    `bias` b, (n_out,), begins at 0.
    """

    def __init__(self, n_in: int, n_out: int, init: Callable[..., np.ndarray] = glorot_uniform, *, rng: RNGLike = None):
        self.n_in, self.n_out = n_in, n_out
        self.weight = Parameter(init((n_in, n_out), rng=rng))
        self.bias = Parameter(np.zeros(n_out))

    def __call__(self, x: Any) -> Any:
        return linear(x, self.weight, self.bias)


class Sequential(Module):
    """A chain of `layers`:  y = f_n(… f₂(f₁(x))).  layers: modules or functions of one array, f₁ first."""

    def __init__(self, *layers: Callable[[Any], Any]):
        self.layers = layers

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


def layer_sizes(sizes: Sequence[int], name: str, least: int = 0) -> tuple[int, ...]:
    """Return `sizes` as a tuple.  sizes: a sequence, one number of units for each layer.

    name: the argument's name in the error message. least: the smallest number of layers.
    Raises TypeError if `sizes` is a single number, ValueError for fewer than `least` layers.
    """
    if np.ndim(sizes) == 0:
        raise TypeError(f"{name} is a sequence, one size for each layer: {name}=({sizes},), got {sizes}")
    if len(sizes) < least:
        raise ValueError(f"{name} must be the sizes of at least {least} layer{'s' * (least > 1)}, got {sizes}")
    return tuple(sizes)


def mlp(
    sizes: Sequence[int],
    activation: Callable[[Any], Any],
    last: Callable[[Any], Any] | None = None,
    *,
    rng: RNGLike = None,
) -> Sequential:
    """Return a multilayer perceptron: linear layers with `activation` after each but the last, and then `last`.

    sizes: number of units in the input, in each hidden layer and in the output. activation: function of one
    array or Tensor, such as np.tanh. last: such a function of the output, or None.
    Raises ValueError for fewer than two sizes, TypeError if `sizes` is a single number.
    """
    rng = np.random.default_rng(rng)
    layers: list[Callable[[Any], Any]] = []
    for n_in, n_out in itertools.pairwise(layer_sizes(sizes, "sizes", 2)):
        layers += [Linear(n_in, n_out, rng=rng), activation]
    return Sequential(*layers[:-1], *([last] if last is not None else []))


def one_hot(labels: Any, count: int, dtype: Any = DTYPE) -> np.ndarray:
    """Return the one-hot vectors of labels: 1 at the index of the label, 0 elsewhere.  labels: (n,) → (n, count).

    count: number of classes. dtype: of the result, which is on the host unless the labels are an array on a device.
    Raises ValueError unless labels has one axis and, on the host, holds whole numbers from 0 to count − 1.
    """
    known = whole_labels(labels, count)
    return (known[:, None] == backend.library(known).arange(count)).astype(dtype)


def whole_labels(labels: Any, count: int, n: int | None = None, unknown: bool = False) -> Any:
    """Return labels as integers, (n,).  labels: a list or array, (n,). count: number of classes.

    n: the number of images, or None for any number. unknown: True if a label may be −1, which means unknown.

    Raises ValueError unless labels has one axis, n items, and, on the host, holds whole numbers from 0 (or −1) to
    count − 1. Of an array on a device only the shape is checked: reading a value would wait for the device.
    """
    labels = labels if backend.on_device(labels) else np.asarray(labels)
    known = lambda: (
        labels.dtype.kind in "biuf"
        and np.all((labels == np.floor(labels)) & (labels >= (-1 if unknown else 0)) & (labels < count))
    )
    if labels.ndim != 1 or n not in (None, len(labels)) or (backend.on_host(labels) and not known()):
        many, least = "" if n is None else f"{n} ", "−1 (unknown)" if unknown else "0"
        raise ValueError(
            f"labels must be {many}whole numbers from {least} to {count - 1}, one for each image, "
            f"got {shown(labels, 200)}"
        )
    return labels.astype(int)
