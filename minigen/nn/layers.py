"""Linear layers and networks of them, and how their weights begin."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigen.nn.arrays import RNGLike
from minigen.nn.functions import linear
from minigen.nn.module import DTYPE, Module, Parameter


def normal(shape: tuple[int, ...], scale: float, *, rng: RNGLike = None) -> np.ndarray:
    """N(0, scale²)."""
    rng = np.random.default_rng(rng)
    return scale * rng.standard_normal(shape)


def glorot_uniform(shape: tuple[int, int], *, rng: RNGLike = None) -> np.ndarray:
    """U(−r, r) with r = √(6 / (n_in + n_out)): keeps the variance of signals and gradients (Glorot, Bengio 2010)."""
    rng = np.random.default_rng(rng)
    r = np.sqrt(6 / sum(shape))
    return rng.uniform(-r, r, shape)


def orthogonal(shape: tuple[int, int], *, rng: RNGLike = None) -> np.ndarray:
    """A matrix with orthonormal rows or columns, uniform among those: keeps lengths over many steps (Saxe et al. 2014).

    Q of a QR decomposition of normal draws, with the signs of R's diagonal.
    """
    rng = np.random.default_rng(rng)
    Q, R = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    Q *= np.sign(np.diagonal(R))
    return Q if shape[0] >= shape[1] else Q.T


class Linear(Module):
    """y = x W + b.  x: (..., n_in) → (..., n_out)."""

    def __init__(self, n_in: int, n_out: int, init: Callable[..., np.ndarray] = glorot_uniform, *, rng: RNGLike = None):
        self.weight = Parameter(init((n_in, n_out), rng=rng))
        self.bias = Parameter(np.zeros(n_out))

    def __call__(self, x: Any) -> Any:
        return linear(x, self.weight, self.bias)


class Sequential(Module):
    """Layers and functions, one after the other."""

    def __init__(self, *layers: Callable[[Any], Any]):
        self.layers = layers

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


def layer_sizes(sizes: Sequence[int], name: str) -> tuple[int, ...]:
    """Return the sizes of layers as a tuple.  Raises TypeError for one number alone.

    name: of the argument, for the message.
    """
    if np.ndim(sizes) == 0:
        raise TypeError(f"{name} is a sequence, one size for each layer: {name}=({sizes},), got {sizes}")
    return tuple(sizes)


def mlp(
    sizes: Sequence[int],
    activation: Callable[[Any], Any],
    last: Callable[[Any], Any] | None = None,
    *,
    rng: RNGLike = None,
) -> Sequential:
    """Linear layers of these sizes with `activation` between them and, if given, `last` after them.

    sizes: numbers in the input, in each hidden layer and in the output.
    """
    rng = np.random.default_rng(rng)
    layers: list[Callable[[Any], Any]] = []
    for n_in, n_out in itertools.pairwise(layer_sizes(sizes, "sizes")):
        layers += [Linear(n_in, n_out, rng=rng), activation]
    return Sequential(*layers[:-1], *([last] if last is not None else []))


def one_hot(labels: Any, count: int, dtype: Any = DTYPE) -> np.ndarray:
    """1 in the place of each label, 0 elsewhere.  labels: (n,) whole numbers from 0 to count − 1 → (n, count)."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.all((labels == np.floor(labels)) & (labels >= 0) & (labels < count)):
        raise ValueError(f"labels must be whole numbers from 0 to {count - 1}, one for each image, got {labels}")
    return np.eye(count, dtype=dtype)[labels.astype(int)]
