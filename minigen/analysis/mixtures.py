"""Mixtures of normal distributions in the plane, on which mode collapse of a generator can be counted.

A sample within three σ of a mode is of high quality. A mode is hit if it has at least one high-quality sample (Metz et
al. 2017; Srivastava et al. 2017).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.stats

from minigen.distributions import Mixture, diagonal_normal
from minigen.nn.module import whole
from minigen.priors import Prior


class Modes(Prior):
    """Mixture of K equally probable normal distributions N(centre, σ² I) in the plane.

    centres: the modes, (K, 2). sigma: σ, the standard deviation of each mode along each axis.
    Raises ValueError unless sigma > 0 and there is at least one centre.
    """

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
    """Mixture with its modes on a circle around the origin, at the K distinct angles 2πk/K, k = 0 … K − 1.

    modes: K, the number of modes. radius: of the circle. sigma: the standard deviation of each mode.
    """
    K = whole(modes, 1, "modes")
    angle = 2 * np.pi * np.arange(K) / K
    return Modes(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), sigma)


def grid(side: int = 5, spacing: float = 1.0, sigma: float = 0.05) -> Modes:
    """Mixture with side × side modes on a square grid centred on the origin.

    side: modes along each axis. spacing: the distance of adjacent modes. sigma: the standard deviation of each mode.
    """
    n = whole(side, 1, "side")
    along = spacing * (np.arange(n) - (n - 1) / 2)
    return Modes(np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2), sigma)


class Count(NamedTuple):
    """How the samples fall on the modes of a mixture. A sample is of high quality if it is close enough to a mode.

    counts: the number of high-quality samples of each mode, (K,).
    quality: the share of all samples that are of high quality, 0 … 1.
    p_value: of the χ² test of the hypothesis that the modes are equally probable; 0 if no sample is of high quality,
        else 1 if the mixture has one mode.
    """

    counts: np.ndarray
    quality: float
    p_value: float

    @property
    def modes(self) -> int:
        """The number of modes that have at least one high-quality sample."""
        return int(np.sum(self.counts > 0))


def count(target: Modes, samples: Any, within: float = 3.0) -> Count:
    """Count the samples that lie close to a mode, each at its nearest mode. Returns a Count.

    target: the mixture. samples: (n, 2).
    within: the largest distance from the mode that counts as high quality, in units of the mixture's σ.

    Draws of a target with modes far apart have an expected quality of 1 − e^(−within²/2), 0.989 for 3.
    Raises ValueError unless `samples` are points of the plane, at least one.
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
