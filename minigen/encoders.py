"""Encoders: from an image x to a latent z (lecture: Variational Auto-Encoder; Adversarial Auto-Encoder).

`GaussianEncoder` is the variational distribution q(z|x), with a density. The adversarial auto-encoder needs draws of z
alone, so two others will do there: one without noise, and one whose noise goes through the network, which can become
any distribution (Makhzani et al. 2016, section 2). All have `sample(x, rng)`.
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
    """Draws z given x.  body: makes numbers (batch, n) of images (batch, D)."""

    d: int  # numbers in z

    def __call__(self, x: Any) -> Any:
        """q(z|x), with a `log_prob` in nats."""
        raise TypeError(f"{type(self).__name__} can be drawn from but has no density; a VAE needs GaussianEncoder")

    def sample(self, x: Any, *, rng: RNGLike = None) -> Any:
        """One z for each image, a differentiable function of the parameters: (batch, D) → (batch, d)."""
        raise NotImplementedError


COVARIANCES = ("diagonal", "full")


class GaussianEncoder(Encoder):
    """q(z|x) = N(μ(x), Σ(x)), μ and Σ linear in what the body makes of x.

    n: numbers that the body makes; d: numbers in z. covariance: "diagonal", Σ = diag σ² with ln σ² linear; or "full",
    Σ = L Lᵀ with ln Lᵢᵢ² and the entries below the diagonal linear: d + d(d + 1)/2 numbers in all.
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
        """q(z|x), a distribution over (batch, d)."""
        h, d = self.head(self.body(x)), self.d
        mean, log_var = h[..., :d], h[..., d : 2 * d]
        if self.covariance == "diagonal":
            return diagonal_normal(mean, log_var)
        diagonal = np.exp(0.5 * log_var)[..., None] * identity(d, h)
        return MultivariateNormal(mean, diagonal + below_diagonal(h[..., 2 * d :], d))

    def sample(self, x: Any, *, rng: RNGLike = None) -> Any:
        return self(x).sample(rng=rng)


def below_diagonal(entries: Any, d: int) -> Any:
    """Square matrices of these entries, row by row, below their diagonals.  (…, d(d − 1)/2) → (…, d, d)."""
    which = np.full((d, d), entries.shape[-1])  # everywhere else a zero, which is put behind the entries
    which[np.tril_indices(d, -1)] = np.arange(entries.shape[-1])
    zero = np.zeros_like(plain(entries), shape=(*entries.shape[:-1], 1))
    return np.concatenate([entries, zero], axis=-1)[..., backend.beside(which, entries)]


class DeterministicEncoder(Encoder):
    """z = f(x): what varies in q(z) is the data alone."""

    def __init__(self, body: Callable[[Any], Any], n: int, d: int, *, rng: RNGLike = None):
        self.d, self.body = whole(d, 1, "d, the numbers in z,"), body
        self.head = Linear(n, self.d, rng=rng)

    def sample(self, x: Any, *, rng: RNGLike = None) -> Any:
        return self.head(self.body(x))


class NoisyEncoder(Encoder):
    """z = f(x, η), η ~ N(0, I): q(z|x) may be any distribution, and has no density that could be written down.

    body: reads the image and `noise` more numbers, side by side.
    """

    def __init__(self, body: Callable[[Any], Any], n: int, d: int, noise: int, *, rng: RNGLike = None):
        self.d, self.noise = whole(d, 1, "d, the numbers in z,"), whole(noise, 1, "noise")
        self.body, self.head = body, Linear(n, self.d, rng=rng)

    def sample(self, x: Any, *, rng: RNGLike = None) -> Any:
        noise = standard_normal((len(x), self.noise), beside=x, rng=rng)
        return self.head(self.body(np.concatenate([x, noise], axis=1)))
