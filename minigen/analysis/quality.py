"""How samples compare with real images where the model has no likelihood. Each measure says one thing, misses others.

    frechet_distance       are the features of both alike in mean and covariance?
    precision              the share of samples that lie where real images do: quality
    recall                 the share of real images that lie where samples do: variety
    density, coverage      the same two, less moved by single outliers
    nearest                the real image next to each sample: is it a copy?

All are of features, rows of numbers: pixels, or what some layer of a classifier makes of them. The last ones are about
neighbourhoods: a ball around each point that reaches to its k-th nearest among its own kind.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigen.analysis.parzen import squared_distances
from minigen.model import in_blocks


def frechet_distance(x: Any, y: Any) -> float:
    """‖μ_x − μ_y‖² + tr(Σ_x + Σ_y − 2 (Σ_x Σ_y)^½): the squared W₂ distance of the two normal distributions that have
    these features' means and covariances (Dowson and Landau 1982).  x: (n, F), y: (m, F).

    With the features of the Inception network it is called FID; with others it is not, and the figures do not compare.
    It is biased upwards with few rows: compare with that of two halves of real images.
    """
    x, y = _features(x, y)
    difference = x.mean(axis=0) - y.mean(axis=0)
    of_x, of_y = (np.atleast_2d(np.cov(z, rowvar=False)) for z in (x, y))
    shared = np.linalg.norm(_root(of_x) @ _root(of_y), "nuc")  # tr (Σ_x Σ_y)^½ = Σᵢ sᵢ, singular values of Σ_x^½ Σ_y^½
    return float(difference @ difference + np.trace(of_x) + np.trace(of_y) - 2 * shared)


def _root(covariance: np.ndarray) -> np.ndarray:
    """Σ^½, symmetric; Σ may be singular, as where a pixel is constant."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


class Neighbourhoods(NamedTuple):
    """Each from 0 to 1, but density, which can be more."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbourhoods(real: Any, fake: Any, k: int = 5) -> Neighbourhoods:
    """With B_k(x), the ball around x out to its k-th nearest of its own kind, for n real and m fake features:

    precision: the share of fakes in some real image's ball; recall: of real ones in some fake's (Kynkäänniemi et al.
    2019). density: 1/(k m) Σ over fakes of how many real balls hold it; coverage: the share of real balls that hold a
    fake (Naeem et al. 2020).  (n, F), (m, F).
    """
    real, fake = _features(real, fake)
    if not 1 <= k < min(len(real), len(fake)):
        raise ValueError(f"k must be from 1 to below the number of rows, {min(len(real), len(fake))}, got {k}")
    between = squared_distances(real, fake)
    # the radii of the balls: a row's distance to itself is the 0th of its distances
    of_real, of_fake = (np.partition(squared_distances(z, z), k, axis=1)[:, k] for z in (real, fake))
    in_real, in_fake = between <= of_real[:, None], between <= of_fake
    return Neighbourhoods(
        precision=float(in_real.any(axis=0).mean()),
        recall=float(in_fake.any(axis=1).mean()),
        density=float(in_real.sum() / (k * len(fake))),
        coverage=float(in_real.any(axis=1).mean()),
    )


def nearest(images: Any, among: Any) -> np.ndarray:
    """The row of `among` that is nearest to each image.  (n, D), (m, D) → (n,)."""
    images, among = _features(images, among, least=1)
    return in_blocks(lambda x: squared_distances(x, among).argmin(axis=1), images, block=100)


def _features(x: Any, y: Any, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < least:
        raise ValueError(
            f"features are (n, F) and (m, F), at least {least} of each, got shapes {x.shape} and {y.shape}"
        )
    return x, y
