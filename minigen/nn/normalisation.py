"""Batch normalisation, and spectral normalisation of weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend, primitive
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.layers import normal
from minigen.nn.module import VARIANCES, Module, Parameter, whole


def batch_norm_by_definition(x: Any, scale: Any, shift: Any, mean: Any, var: Any, eps: float) -> Any:
    """Batch normalisation by its formula, γ (x − μ)/√(σ² + ε) + β for each channel:  (…, C) → (…, C).

    scale γ, shift β: (C,). eps: ε, a number. mean, var: ignored; μ and σ² are computed from x here, so that derivatives
    of every order pass through them.
    """
    axes = tuple(range(x.ndim - 1))
    mean, var = np.mean(x, axis=axes), np.var(x, axis=axes)
    return scale * (x - mean) / np.sqrt(var + eps) + shift


def batch_norm_gradients(g: Any, y: Any, x: Any, scale: Any, shift: Any, mean: Any, var: Any, eps: float) -> tuple:
    """Return the gradients of `batch_norm` by x, scale γ and shift β, and None for mean, var and eps.

    With x̂ = (x − μ)/σ, σ = √(var + eps):  ∂L/∂x = γ/σ (g − E[g] − x̂ E[g x̂]),  ∂L/∂γ = Σ g x̂,  ∂L/∂β = Σ g.
    g = ∂L/∂y and y: (…, C), y is not used. The other parameters are the arguments of `batch_norm`.
    """
    axes = tuple(range(x.ndim - 1))
    inverse = 1 / np.sqrt(var + eps)
    normalised = (x - mean) * inverse
    count = x.size // x.shape[-1]
    by_scale, by_shift = np.sum(g * normalised, axis=axes), np.sum(g, axis=axes)
    normalised *= by_scale / count
    by_x = g - by_shift / count
    by_x -= normalised
    by_x *= scale * inverse
    return by_x, by_scale, by_shift, None, None, None


@primitive(joint=batch_norm_gradients, reference=batch_norm_by_definition)
def batch_norm(x: Any, scale: Any, shift: Any, mean: Any, var: Any, eps: float) -> Any:
    """Batch normalisation, y = γ (x − μ)/√(σ² + ε) + β for each channel:  (…, C) → (…, C).

    x: (…, C). scale γ, shift β: (C,). mean μ, var σ²: the mean and variance of x over all axes but the last, (C,),
    computed by the caller; the gradient by x takes into account that they depend on x. eps: ε, a number.
    """
    inverse = scale / np.sqrt(var + eps)
    y = x * inverse
    y += shift - mean * inverse
    return y


class BatchNorm(Module):
    """Batch normalisation (Ioffe and Szegedy 2015):  y = γ (x − μ)/√(σ² + ε) + β for each channel.  (…, C) → (…, C).

    In training μ and σ² are the mean and variance of the m values of each channel, over the batch and all positions.
    The fields `mean` and `var` are moving averages of μ and of m/(m − 1) σ², the unbiased estimate of the variance.
    Inside `evaluating` the layer uses `mean` and `var`, so that a row of the result does not depend on the other rows.
    Each rank (`minigen.training.parallel`) uses its own part of the batch; after an epoch all ranks take the averages
    of the first rank.

    channels: C. eps: ε. momentum: weight of the new batch in the moving averages. `scale` γ and `shift` β are learned,
    (C,). A call in training with m = 1 raises ValueError.
    """

    rules = {"var": VARIANCES}

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1):
        C = whole(channels, 1, "channels")
        self.scale, self.shift = Parameter(np.ones(C)), Parameter(np.zeros(C))
        self.mean, self.var = (backend.to_device(f(C, np.float32)) for f in (np.zeros, np.ones))
        self.eps, self.momentum = eps, momentum

    def __call__(self, x: Any) -> Any:
        if not self.training:
            return (x - self.mean) * (self.scale / np.sqrt(self.var + self.eps)) + self.shift
        values = plain(x).reshape(-1, x.shape[-1])
        m = len(values)
        if m < 2:
            raise ValueError("one row has no variance: give batch normalisation 2 or more, or use `evaluating`")
        mean, var = values.mean(axis=0), values.var(axis=0)
        self.mean += self.momentum * (mean - self.mean)
        self.var += self.momentum * (m / (m - 1) * var - self.var)
        return batch_norm(x, self.scale, self.shift, mean, var, self.eps)


class SpectralNorm(Module):
    """A layer whose weight is divided by its largest singular value (Miyato et al. 2018):  y = x W / σ(W) + b.

    layer: a module with `weight` and `bias`, such as Linear or Conv2d. For a convolution σ(W) is the singular value of
    the weight matrix, which approximates the Lipschitz constant of the layer.
    iterations: number of power iterations u ← Wᵀ W u / ‖Wᵀ W u‖ in each call. The vector `u` is kept for the next call;
    inside `evaluating` u does not change. σ(W) converges while the weights change slowly. The gradient takes u and
    v = W u / ‖W u‖ as constants, which is exact once u has converged.
    """

    def __init__(self, layer: Any, iterations: int = 1, *, rng: RNGLike = None):
        self.layer, self.iterations = layer, whole(iterations, 1, "iterations")
        self.u = backend.to_device(unit(normal(layer.weight.shape[-1:], 1, rng=rng)).astype(np.float32))

    def __call__(self, x: Any) -> Any:
        bias = self.layer.bias
        return (self.layer(x) - bias) / self.norm() + bias

    def norm(self) -> Any:
        """Return vᵀ W u, the estimate of σ(W), after the power iterations, which in training replace `u`.

        Raises ValueError if the weight is all zeros; a weight on a device is not checked.
        """
        W, u = plain(self.layer.weight), np.copy(self.u)
        for _ in range(self.iterations if self.training else 0):
            u = unit(np.matmul(unit(np.matmul(W, u)), W))
        v = unit(np.matmul(W, u))
        if backend.on_host(v) and not v.any():
            raise ValueError(
                "spectral normalisation divides by the largest singular value, and the weight is all zeros"
            )
        self.u[...] = u  # the graph holds the copy u, which no later call changes
        return v @ (self.layer.weight @ u)


def unit(v: np.ndarray) -> np.ndarray:
    """Return v / ‖v‖ for a vector v; a vector of zeros stays zero."""
    return v / np.maximum(np.linalg.norm(v), float(np.finfo(v.dtype).tiny))
