"""The Parzen window: a density made of samples, by which a model without one has been scored (Goodfellow et al. 2014).

Read it with a warning. It is the density of a mixture around the samples, not of the model; with D numbers it needs
samples exponential in D, it moves by hundreds of nats with σ, and it ranks the training images themselves below centres
of k-means (Theis, van den Oord and Bethge 2016). It is here because the literature has its figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigen.distributions import LOG_TWO_PI
from minigen.model import ExplicitModel, log_probs
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import log_mean_exp


class ParzenWindow(ExplicitModel):
    """p(x) = 1/N Σₙ N(x; sₙ, σ² I).  samples: s, (N, D); sigma: σ, the window's width, in units of a pixel."""

    block = 100

    def __init__(self, samples: Any, sigma: float):
        samples = np.asarray(samples, float)
        if samples.ndim != 2 or not len(samples):
            raise ValueError(f"samples must be (N, D), at least one, got shape {samples.shape}")
        if not np.all(np.isfinite(samples)):
            raise ValueError(f"samples must be finite numbers, got {samples[~np.isfinite(samples)][0]}")
        if not sigma > 0:
            raise ValueError(f"sigma must be above 0, got {sigma}")
        self.samples, self.sigma, self.D = samples, sigma, samples.shape[1]

    @property
    def flat(self) -> np.ndarray:
        """Nothing is learned; what is scored is taken in float64."""
        return np.zeros(0)

    @property
    def num_parameters(self) -> int:
        """0: the samples are kept, not learned."""
        return 0

    def log_prob(self, x: Any) -> np.ndarray:
        """ln p(x), in float64.  (batch, D) → (batch,)."""
        squared = squared_distances(self.checked(x), self.samples)
        log_normaliser = 0.5 * self.D * (LOG_TWO_PI + 2 * np.log(self.sigma))
        return log_mean_exp(-0.5 * squared / self.sigma**2, axis=1) - log_normaliser

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        centres = self.samples[rng.integers(len(self.samples), size=n)]
        return centres + self.sigma * rng.standard_normal(centres.shape)


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """‖xᵢ − yⱼ‖² = ‖xᵢ‖² + ‖yⱼ‖² − 2 xᵢ·yⱼ, one matrix product, in float64.  (n, D), (m, D) → (n, m)."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    squared = np.sum(x * x, axis=1)[:, None] + np.sum(y * y, axis=1) - 2 * x @ y.T
    return np.maximum(squared, 0)


def best_window(samples: np.ndarray, validation: np.ndarray, sigmas: Iterable[float]) -> ParzenWindow:
    """The window of the width under which the validation images are likeliest: never choose it on the test part."""
    windows = [ParzenWindow(samples, sigma) for sigma in sigmas]
    return max(windows, key=lambda window: np.mean(log_probs(window, validation)))
