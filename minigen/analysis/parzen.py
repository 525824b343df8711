"""The Parzen window: a density estimate from samples, used to score models without a density (Goodfellow et al. 2014).

The estimate is unreliable: it is the density of a mixture around the samples, not of the model. It needs a number of
samples exponential in the dimension D, it changes by hundreds of nats with σ, and it ranks the training images
themselves below the centres of k-means (Theis, van den Oord and Bethge 2016). It is here because papers report it.
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
    """Parzen window p(x) = 1/N Σₙ N(x; sₙ, σ² I), a density over vectors of length D. All is computed in float64.

    samples: s₁ … s_N, (N, D), finite, at least one. sigma: σ > 0, the width of the window, in units of a pixel.
    block: vectors that are scored at once. Raises ValueError for other samples and for another sigma.
    """

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
        """An empty array in float64: there are no parameters to learn, and `checked` converts data to float64."""
        return np.zeros(0)

    @property
    def num_parameters(self) -> int:
        """0, since the samples are stored, not learned."""
        return 0

    def log_prob(self, x: Any) -> np.ndarray:
        """ln p(x) of each vector, in nats and in float64.  x: (batch, D) → (batch,)."""
        squared = squared_distances(self.checked(x), self.samples)
        log_normaliser = 0.5 * self.D * (LOG_TWO_PI + 2 * np.log(self.sigma))
        return log_mean_exp(-0.5 * squared / self.sigma**2, axis=1) - log_normaliser

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        centres = self.samples[rng.integers(len(self.samples), size=n)]
        return centres + self.sigma * rng.standard_normal(centres.shape)


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared distances ‖xᵢ − yⱼ‖² = ‖xᵢ‖² + ‖yⱼ‖² − 2 xᵢ·yⱼ by one matrix product, in float64.

    x: (n, D). y: (m, D). → (n, m). A result below 0, by rounding, becomes 0.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    squared = np.sum(x * x, axis=1)[:, None] + np.sum(y * y, axis=1) - 2 * x @ y.T
    return np.maximum(squared, 0)


def best_window(samples: np.ndarray, validation: np.ndarray, sigmas: Iterable[float]) -> ParzenWindow:
    """Return the ParzenWindow whose width gives the validation images the highest mean ln p(x).

    samples: the centres of the window, (N, D). validation: images, (n, D); never the test part.
    sigmas: the widths to try, at least one; of equally good widths the first is taken.
    """
    windows = [ParzenWindow(samples, sigma) for sigma in sigmas]
    return max(windows, key=lambda window: np.mean(log_probs(window, validation)))
