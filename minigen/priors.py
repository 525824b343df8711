"""Priors p(z) over d latent numbers (lecture: Variational Auto-Encoder; Adversarial Auto-Encoder).

A model takes its prior as an argument. A VAE needs the density of the prior, `distribution()`. An adversarial
auto-encoder needs only draws, so its prior may be a shape whose density has no formula, such as a Swiss roll. Some
priors have one part for each label, and can draw from the part of a given label.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import backend
from minigen.distributions import Independent, Mixture, MultivariateNormal, diagonal_normal
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import sigmoid
from minigen.nn.layers import whole_labels
from minigen.nn.module import ZEROS, Module, Parameter, whole


class Prior(Module):
    """Base class: a distribution p(z) over latents.  d: numbers in z.

    A subclass sets d and implements `distribution`, or `sample` if p(z) has no density.
    """

    d: int

    def distribution(self) -> Any:
        """Return p(z) as a distribution over z, (d,), with `log_prob` in nats and `sample`.

        A prior that has no density, such as `SwissRoll`, raises TypeError instead.
        """
        raise TypeError(f"{type(self).__name__} can be drawn from but has no density; a VAE needs another prior")

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw `n` latents: (n, d), on the host."""
        return backend.to_numpy(self.distribution().sample((n,), rng=rng))

    def sample_given(self, labels: np.ndarray, *, rng: RNGLike = None) -> np.ndarray:
        """Draw one latent for each label, from the part of the prior that belongs to this label; on the host.

        labels: (n,), from 0 to the number of parts − 1 → (n, d). Raises TypeError for a prior without parts (all but
        `Flower` and `SwissRoll`), ValueError for other labels.
        """
        raise TypeError(f"{type(self).__name__} has no parts that could belong to labels")


class StandardNormal(Prior):
    """The normal distribution N(0, I).  d: numbers in z."""

    rules = {"zeros": ZEROS}

    def __init__(self, d: int):
        self.d = whole(d, 1, "d, the numbers in z,")
        self.zeros = backend.to_device(np.zeros(self.d, np.float32))

    def distribution(self) -> Independent:
        return diagonal_normal(self.zeros, self.zeros)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        return rng.standard_normal((n, self.d)).astype(self.zeros.dtype)


class MixturePrior(Prior):
    """The mixture Σ_c π_c N(μ_c, diag σ_c²) of normal distributions, with learned π, μ and σ².

    d: numbers in z. components: C, number of normal distributions.
    logits: π = softmax(logits), (C,), at first 0. mean: μ, (C, d), at first drawn from N(0, 1).
    log_var: ln σ², (C, d), at first 0.
    """

    def __init__(self, d: int, components: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.d, C = whole(d, 1, "d, the numbers in z,"), whole(components, 1, "components")
        self.logits = Parameter(np.zeros(C))
        self.mean = Parameter(rng.standard_normal((C, self.d)))
        self.log_var = Parameter(np.zeros((C, self.d)))

    def distribution(self) -> Mixture:
        return Mixture(self.logits, diagonal_normal(self.mean, self.log_var))


class VampPrior(Prior):
    """The mixture Σ_c π_c q(z|u_c), with learned π and learned images u_c in [0, 1] (Tomczak and Welling 2018).

    encoder: x → q(z|x), the model's `Encoder`, with a density; its parameters belong to the model, not to the prior.
    D: pixels in an image. components: C, number of images u_c.
    logits: π = softmax(logits), (C,), at first 0. images: u_c = σ(images), (C, D), at first drawn from N(0, 1).
    """

    def __init__(self, encoder: Any, D: int, components: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        C = whole(components, 1, "components")
        self.d = encoder.d
        self.encode: Callable[[Any], Any] = encoder.__call__
        self.logits = Parameter(np.zeros(C))
        self.images = Parameter(rng.standard_normal((C, D)))  # logits of the u_c

    def distribution(self) -> Mixture:
        return Mixture(self.logits, self.encode(sigmoid(self.images)))


class Flower(Prior):
    """An equally weighted mixture of normal distributions like petals in the plane (Makhzani et al. 2016, figure 4).

    petals: number of normal distributions; petal c, at the angle 2πc/petals, belongs to label c.
    distance: from the origin to a petal's mean. length, width: standard deviations of a petal, outwards and across.
    Raises ValueError unless `length` and `width` are above 0.
    """

    d = 2

    def __init__(self, petals: int = 10, distance: float = 2.0, length: float = 0.5, width: float = 0.15):
        self.petals = whole(petals, 1, "petals")
        if not (length > 0 and width > 0):
            raise ValueError(f"length and width must be above 0, got {length} and {width}")
        angle = 2 * np.pi * np.arange(petals) / petals
        outwards = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        across = np.stack([-np.sin(angle), np.cos(angle)], axis=1)
        covariance = length**2 * _outer(outwards) + width**2 * _outer(across)
        self.mean = backend.to_device((distance * outwards).astype(np.float32))
        self.scale_tril = backend.to_device(np.linalg.cholesky(covariance).astype(np.float32))

    def distribution(self) -> Mixture:
        return Mixture(np.zeros_like(self.mean[:, 0]), MultivariateNormal(self.mean, self.scale_tril))

    def sample_given(self, labels: np.ndarray, *, rng: RNGLike = None) -> np.ndarray:
        chosen = backend.beside(whole_labels(labels, self.petals), self.mean)
        return backend.to_numpy(MultivariateNormal(self.mean[chosen], self.scale_tril[chosen]).sample(rng=rng))


class SwissRoll(Prior):
    """A spiral in the plane: points uniform along its arm, plus normal noise (Makhzani et al. 2016, figure 4).

    It has no density: `distribution` raises TypeError.
    parts: number of equal lengths of the arm, from the centre outwards; part c belongs to label c.
    turns: number of turns of the arm. radius: distance of the arm's end from the centre.
    noise: standard deviation of the noise on each axis.
    Raises ValueError unless `turns` and `radius` are above 0 and `noise` is at least 0.
    """

    d = 2

    def __init__(self, parts: int = 10, turns: float = 1.5, radius: float = 3.0, noise: float = 0.08):
        self.parts = whole(parts, 1, "parts")
        if not (turns > 0 and radius > 0 and noise >= 0):
            raise ValueError(f"turns and radius must be above 0 and noise at least 0, got {turns}, {radius}, {noise}")
        self.turns, self.radius, self.noise = turns, radius, noise

    def at(self, u: np.ndarray, *, rng: RNGLike = None) -> np.ndarray:
        """Points of the spiral at the fractions `u` of its length, plus noise.  u: (n,), in [0, 1] → (n, 2).

        For radius 1 it is t (cos kt, sin kt), k = 2π turns, 0 ≤ t ≤ 1; its length up to t is ∫₀ᵗ √(1 + k²s²) ds.
        """
        rng = np.random.default_rng(rng)
        t, k = np.linspace(0, 1, 1001), 2 * np.pi * self.turns
        length = 0.5 * (t * np.hypot(1, k * t) + np.arcsinh(k * t) / k)
        t = np.interp(u, length / length[-1], t)
        arm = self.radius * t[:, None] * np.stack([np.cos(k * t), np.sin(k * t)], axis=1)
        return (arm + self.noise * rng.standard_normal((len(u), 2))).astype(np.float32)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        return self.at(rng.random(n), rng=rng)

    def sample_given(self, labels: np.ndarray, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        part = whole_labels(labels, self.parts)
        return self.at((part + rng.random(len(part))) / self.parts, rng=rng)


def _outer(v: np.ndarray) -> np.ndarray:
    """v vᵀ of each row: (n, d) → (n, d, d)."""
    return v[:, :, None] * v[:, None, :]
