"""Encoders: from an image x to a latent z (lecture: Variational Auto-Encoder; Adversarial Auto-Encoder).

`GaussianEncoder` is the variational distribution q(z|x), which has a density. An adversarial auto-encoder needs only
draws of z, so two encoders without a density can serve it: `DeterministicEncoder` has no noise; `NoisyEncoder` sends
noise through its network, so that q(z|x) can be any distribution (Makhzani et al. 2016, section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import backend
from minigen.distributions import Independent, MultivariateNormal, diagonal_normal
from minigen.nn.arrays import RNGLike, identity, plain, standard_normal
from minigen.nn.layers import Linear
from minigen.nn.module import Module, whole


class Encoder(Module):
    """Base class: draws a latent z given an image x.  d: numbers in z.

    A subclass sets d and implements `sample`, and `__call__`, which returns q(z|x), if that has a density.
    """

    d: int

    def __call__(self, x: Any) -> Any:
        """Return q(z|x), a distribution over (batch, d) with `log_prob` in nats.  x: (batch, D), checked already.

        Raises TypeError if the encoder has no density.
        """
        raise TypeError(f"{type(self).__name__} can be drawn from but has no density; a VAE needs GaussianEncoder")

    def sample(self, x: Any, *, rng: RNGLike = None) -> Any:
        """Draw one z for each image, differentiable by the parameters.  x: (batch, D), checked already → (batch, d)."""
        raise NotImplementedError


COVARIANCES = ("diagonal", "full")


class GaussianEncoder(Encoder):
    """q(z|x) = N(μ(x), Σ(x)), where a linear layer computes μ and Σ from the features body(x).

    body: layers, images (batch, D) → features (batch, n). n: number of features. d: numbers in z.
    covariance: "diagonal", Σ = diag σ², where the layer returns μ and ln σ²; or "full", Σ = L Lᵀ, where it returns μ,
    ln Lᵢᵢ² and the entries of L below the diagonal, d + d(d + 1)/2 numbers in all.
    Raises ValueError for another covariance, or if d < 1.
    """

    def __init__(
        self, body: Callable[[Any], Any], n: int, d: int, covariance: str = "diagonal", *, rng: RNGLike = None
    ):
        if covariance not in COVARIANCES:
            raise ValueError(f"covariance must be one of {', '.join(COVARIANCES)}, got {covariance!r}")
        self.d, self.covariance = whole(d, 1, "d, the numbers in z,"), covariance
        self.body, d = body, self.d
        self.head = Linear(n, 2 * d + (d * (d - 1) // 2 if covariance == "full" else 0), rng=rng)

    def __call__(self, x: Any) -> Independent | MultivariateNormal:
        """Return q(z|x), a normal distribution over z, (batch, d).  x: (batch, D), checked already."""
        h, d = self.head(self.body(x)), self.d
        mean, log_var = h[..., :d], h[..., d : 2 * d]
        if self.covariance == "diagonal":
            return diagonal_normal(mean, log_var)
        diagonal = np.exp(0.5 * log_var)[..., None] * identity(d, h)
        return MultivariateNormal(mean, diagonal + below_diagonal(h[..., 2 * d :], d))

    def sample(self, x: Any, *, rng: RNGLike = None) -> Any:
        return self(x).sample(rng=rng)


def below_diagonal(entries: Any, d: int) -> Any:
    """Return d×d matrices, `entries` below the diagonal, row by row, and 0 elsewhere.  (…, d(d − 1)/2) → (…, d, d)."""
    column = backend.library(entries).arange(d)
    row, last = column[:, None], entries.shape[-1]
    which = np.where(column < row, row * (row - 1) // 2 + column, last)  # elsewhere: the zero appended to the entries
    zero = np.zeros_like(plain(entries), shape=(*entries.shape[:-1], 1))
    return np.concatenate([entries, zero], axis=-1)[..., which]


class DeterministicEncoder(Encoder):
    """z = f(x), without noise: `sample(x)` returns f(x). There is no density, so `encoder(x)` raises TypeError.

    body: layers, images (batch, D) → features (batch, n). n: number of features.
    d: numbers in z, linear in the features.
    """

    def __init__(self, body: Callable[[Any], Any], n: int, d: int, *, rng: RNGLike = None):
        self.d, self.body = whole(d, 1, "d, the numbers in z,"), body
        self.head = Linear(n, self.d, rng=rng)

    def sample(self, x: Any, *, rng: RNGLike = None) -> Any:
        return self.head(self.body(x))


class NoisyEncoder(Encoder):
    """z = f(x, η) with noise η ~ N(0, I), drawn by `sample`: q(z|x) can be any distribution.

    The density has no formula, so `encoder(x)` raises TypeError.
    body: layers, images with the noise appended (batch, D + noise) → features (batch, n). n: number of features.
    d: numbers in z, linear in the features. noise: numbers in η.
    """

    def __init__(self, body: Callable[[Any], Any], n: int, d: int, noise: int, *, rng: RNGLike = None):
        self.d, self.noise = whole(d, 1, "d, the numbers in z,"), whole(noise, 1, "noise")
        self.body, self.head = body, Linear(n, self.d, rng=rng)

    def sample(self, x: Any, *, rng: RNGLike = None) -> Any:
        noise = standard_normal((len(x), self.noise), beside=x, rng=rng)
        return self.head(self.body(np.concatenate([x, noise], axis=1)))
