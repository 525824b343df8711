"""Mixtures of normal distributions in the plane, whose modes a generator can miss: where mode collapse is seen.

With the modes known, a sample can be counted: it is of high quality within three σ of a mode, and a mode is hit by at
least one such sample (Metz et al. 2017; Srivastava et al. 2017).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.stats

from minigen.distributions import Mixture, diagonal_normal
from minigen.nn.module import whole
from minigen.priors import Prior


class Modes(Prior):
    """Equally likely normal distributions N(centre, σ² I) in the plane.  centres: (K, 2)."""

    d = 2

    def __init__(self, centres: np.ndarray, sigma: float):
        if not sigma > 0:
            raise ValueError(f"sigma must be above 0, got {sigma}")
        self.centres, self.sigma = np.asarray(centres, np.float32), sigma
        if self.centres.ndim != 2 or self.centres.shape[1] != 2 or not len(self.centres):
            raise ValueError(f"centres are points of the plane, (K, 2), got shape {self.centres.shape}")

    def distribution(self) -> Mixture:
        K = len(self.centres)
        normals = diagonal_normal(self.centres, np.full_like(self.centres, 2 * np.log(self.sigma)))
        return Mixture(np.zeros(K, self.centres.dtype), normals)


def ring(modes: int = 8, radius: float = 2.0, sigma: float = 0.02) -> Modes:
    """So many modes at equal angles: 2πk/K, k = 0 … K − 1, so that the last is not the first once more."""
    K = whole(modes, 1, "modes")
    angle = 2 * np.pi * np.arange(K) / K
    return Modes(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), sigma)


def grid(side: int = 5, spacing: float = 1.0, sigma: float = 0.05) -> Modes:
    """side × side modes about the origin."""
    n = whole(side, 1, "side")
    along = spacing * (np.arange(n) - (n - 1) / 2)
    return Modes(np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2), sigma)


class Count(NamedTuple):
    """counts: high-quality samples of each mode, (K,); quality: their share of all samples; p_value: of the χ² test
    that modes are equally likely, 0 where there is no such sample, 1 where there is one mode."""

    counts: np.ndarray
    quality: float
    p_value: float

    @property
    def modes(self) -> int:
        """How many were hit."""
        return int(np.sum(self.counts > 0))


def count(target: Modes, samples: Any, within: float = 3.0) -> Count:
    """Give each sample to its nearest mode, if that is within so many σ.  samples: (n, 2).

    Draws of the target itself have a quality of 1 − e^(−within²/2), 0.989 for 3.
    """
    samples = np.asarray(samples)
    if samples.ndim != 2 or samples.shape[1] != 2 or not len(samples):
        raise ValueError(f"samples are points of the plane, (n, 2), got shape {samples.shape}")
    distance = np.linalg.norm(samples[:, None] - target.centres, axis=-1)
    near = distance.min(axis=1) <= within * target.sigma
    counts = np.bincount(distance.argmin(axis=1)[near], minlength=len(target.centres))
    p_value = float(near.any())
    if near.any() and len(counts) > 1:
        p_value = float(scipy.stats.chisquare(counts).pvalue)
    return Count(counts, float(near.mean()), p_value)
