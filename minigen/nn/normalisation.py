"""Batch normalisation, and spectral normalisation of weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend, primitive
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.layers import normal
from minigen.nn.module import Module, Parameter, whole


def batch_norm_by_definition(x: Any, scale: Any, shift: Any, mean: Any, var: Any, eps: float) -> Any:
    """The formula, whose derivatives of every order pass through mean and variance too."""
    axes = tuple(range(x.ndim - 1))
    mean, var = np.mean(x, axis=axes), np.var(x, axis=axes)
    return scale * (x - mean) / np.sqrt(var + eps) + shift


def batch_norm_gradients(g: Any, y: Any, x: Any, scale: Any, shift: Any, mean: Any, var: Any, eps: float) -> tuple:
    """With x̂ = (x − μ)/σ:  ∂x = γ/σ (g − E[g] − x̂ E[g x̂]),  ∂γ = Σ g x̂,  ∂β = Σ g."""
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
    """y = γ (x − μ)/√(σ² + ε) + β for each channel.  x: (…, C), all others: (C,).

    mean, var: x's own over all axes but the last, worked out by the caller; the gradient knows that they come from x.
    """
    inverse = scale / np.sqrt(var + eps)
    y = x * inverse
    y += shift - mean * inverse
    return y


class BatchNorm(Module):
    """Batch normalisation (Ioffe and Szegedy 2015):  y = γ (x − μ)/√(σ² + ε) + β for each channel.  (…, C) → (…, C).

    In training μ and σ² are those of the batch and of all places in it, and `mean` and `var` follow them as moving
    averages. Inside `evaluating` it uses these, so that a row no longer depends on the others of its batch. Of several
    ranks (`minigen.training.parallel`) each has those of its own part of a batch; after an epoch all take the first
    one's averages.
    """

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1):
        C = whole(channels, 1, "channels")
        self.scale, self.shift = Parameter(np.ones(C)), Parameter(np.zeros(C))
        self.mean, self.var = (backend.to_device(f(C, np.float32)) for f in (np.zeros, np.ones))
        self.eps, self.momentum = eps, momentum

    def __call__(self, x: Any) -> Any:
        if not self.training:
            return (x - self.mean) * (self.scale / np.sqrt(self.var + self.eps)) + self.shift
        values = plain(x).reshape(-1, x.shape[-1])
        if len(values) < 2:
            raise ValueError("one row has no variance: give batch normalisation 2 or more, or use `evaluating`")
        mean, var = values.mean(axis=0), values.var(axis=0)
        self.mean += self.momentum * (mean - self.mean)
        self.var += self.momentum * (var - self.var)
        return batch_norm(x, self.scale, self.shift, mean, var, self.eps)


class SpectralNorm(Module):
    """A linear layer with its weight divided by its largest singular value (Miyato et al. 2018):  y = x W / σ(W) + b.

    layer: one with `weight` and `bias`, such as Linear or Conv2d, whose weight counts as the matrix that it is: for a
    convolution that is the usual stand-in for its largest stretch, not the stretch itself.
    σ is found by power iteration: u ← Wᵀ W u, normalised, so many times a call, from where the last call left u; inside
    `evaluating` u stays. It has converged once the weights move slowly; the gradient takes u and v = W u / σ as
    constants, which is exact at the limit.
    """

    def __init__(self, layer: Any, iterations: int = 1, *, rng: RNGLike = None):
        self.layer, self.iterations = layer, whole(iterations, 1, "iterations")
        self.u = backend.to_device(unit(normal(layer.weight.shape[-1:], 1, rng=rng)).astype(np.float32))

    def __call__(self, x: Any) -> Any:
        bias = self.layer.bias
        return (self.layer(x) - bias) / self.norm() + bias

    def norm(self) -> Any:
        """σ(W) = vᵀ W u."""
        W, u = plain(self.layer.weight), self.u
        for _ in range(self.iterations if self.training else 0):
            u = unit(unit(W @ u) @ W)
        v = unit(W @ u)
        if backend.on_host(v) and not v.any():
            raise ValueError(
                "spectral normalisation divides by the largest singular value, and the weight is all zeros"
            )
        self.u = u  # not in place: the graph of an earlier call holds the array before
        return v @ (self.layer.weight @ u)


def unit(v: np.ndarray) -> np.ndarray:
    """v / ‖v‖; zeros stay zeros."""
    return v / np.maximum(np.linalg.norm(v), float(np.finfo(v.dtype).tiny))
