"""Operations that every model uses. Each has its derivative beside it and runs as one operation."""

import math

import numpy as np

from autograd import backend, primitive
from autograd.rules.special import logsumexp
from minigen.nn.kernels import fused


def rows(x):
    """Return `x` with all axes but the last merged into one:  (..., n) → (N, n)."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


@primitive(
    lambda g, y, x, w, b: np.dot(rows(g), w.T).reshape(x.shape),
    lambda g, y, x, w, b: np.dot(rows(x).T, rows(g)),
    lambda g, y, x, w, b: rows(g).sum(axis=0) if b.ndim == 1 else g.reshape(len(b), -1, b.shape[1]).sum(axis=1),
)
def linear(x, w, b):
    """y = x w + b.  x: (..., n), w: (n, m), b: (m,) → (..., m).

    b may be one row for each item of the first axis of x: x: (batch, ..., n), b: (batch, m) → (batch, ..., m).
    """
    y = np.dot(rows(x), w).reshape(*x.shape[:-1], w.shape[1])
    y += b if b.ndim == 1 else b.reshape(len(b), *(1 for _ in x.shape[1:-1]), w.shape[1])
    return y


@fused
def sigmoid_gradient(g, y):
    """∂L/∂x = g y (1 − y) for y = σ(x), where g = ∂L/∂y."""
    return g * (y * (1 - y))


@primitive(lambda g, y, x: sigmoid_gradient(g, y))
@fused
def sigmoid(x):
    """σ(x) = 1 / (1 + e⁻ˣ), as ½ + ½ tanh(x / 2): this form cannot overflow and is the fastest in float32.

    The absolute error is about one rounding of 1. `scipy.special.expit` has a small relative error for x ≪ 0 as well.
    """
    y = backend.asarray(np.multiply(x, 0.5))
    np.tanh(y, out=y)
    y *= 0.5
    y += 0.5
    return y


@fused
def relu_gradient(g, y):
    """∂L/∂x for y = max(x, 0), where g = ∂L/∂y: g where y > 0, else 0."""
    return g * (y > 0)


@primitive(lambda g, y, x: relu_gradient(g, y))
def relu(x):
    """y = max(x, 0) for each element of x. The derivative at x = 0 is 0."""
    return np.maximum(x, 0)


@fused
def leaky_relu_gradient(g, y, slope):
    """∂L/∂x for y = max(x, slope · x), where g = ∂L/∂y: g where y > 0, else slope · g."""
    return g * (slope + (1 - slope) * (y > 0).astype(g.dtype))


@primitive(lambda g, y, x, slope=0.2: leaky_relu_gradient(g, y, slope))
def leaky_relu(x, slope=0.2):
    """y = max(x, slope · x) for each element of x, with 0 < slope < 1. The derivative at x = 0 is `slope`."""
    return np.maximum(x, slope * x)


def log_mean_exp(x, axis):
    """ln of the mean of eˣ along `axis`, computed without overflow.

    x: an array of logarithms. axis: one axis, an integer; the result does not have it.
    """
    return logsumexp(x, axis=axis) - math.log(x.shape[axis])
