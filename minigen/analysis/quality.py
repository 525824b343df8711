"""Measures that compare samples with real images, for models without a likelihood. Each measures one aspect only.

    frechet_distance       do the features of both have the same mean and covariance?
    frechet_distances      the same over equal parts of the samples, for a mean and its error
    precision              the share of samples that lie near real images: quality
    recall                 the share of real images that lie near samples: variety
    density, coverage      quality and variety, less sensitive to single outliers
    nearest                the real image nearest to each sample: is the sample a copy?

All compare features, rows of numbers: pixels, or the output of a layer of a classifier. Precision, recall, density and
coverage use neighbourhoods: the ball around a point whose radius is the distance to the k-th nearest point of its set.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigen.analysis.parzen import squared_distances
from minigen.model import in_blocks


def frechet_distance(x: Any, y: Any) -> float:
    """Fréchet distance of two sets: ‖μ_x − μ_y‖² + tr(Σ_x + Σ_y − 2 (Σ_x Σ_y)^½).

    It is the squared W₂ distance of the normal distributions with the means μ and
    covariances Σ of both sets (Dowson and Landau 1982).
    x: features, (n, F). y: features, (m, F); n and m at least 2, else ValueError.

    With features of the Inception network it is called FID. Other features give other
    numbers, which cannot be compared with FID.

    The distance of two finite sets is too high, by a bias that falls as n and m grow.
    So compare two distances only if both have the same n and the same m. For example,
    compare the distance of 300 samples to 300 real images with that of 300 other real
    images to the same 300. If there are more samples than real images, use
    `frechet_distances`.
    """
    x, y = _features(x, y)
    difference = x.mean(axis=0) - y.mean(axis=0)
    of_x, of_y = (np.atleast_2d(np.cov(z, rowvar=False)) for z in (x, y))
    # tr (Σ_x Σ_y)^½ = Σᵢ sᵢ, singular values of Σ_x^½ Σ_y^½
    shared = np.linalg.norm(_root(of_x) @ _root(of_y), "nuc")
    return float(difference @ difference + np.trace(of_x) + np.trace(of_y) - 2 * shared)


def frechet_distances(x: Any, reference: Any) -> np.ndarray:
    """Fréchet distances to a reference of m rows, one for each part of m rows of x: equal counts on both sides.

    x: features, (n, F) with n ≥ m. Part i has the rows i m … (i + 1) m − 1; the last n mod m
    rows are left out. reference: features, (m, F), such as all test images. → (n // m,)

    The parts are disjoint, so `divergences.mean_and_error` gives the mean distance and its
    standard error over the parts. The reference is fixed: the error does not contain its
    variation. A single part, for example m other real images, has a distance and no error.

    Raises ValueError if x has fewer rows than the reference.
    """
    x, reference = _features(x, reference)
    m = len(reference)
    if len(x) < m:
        raise ValueError(f"equal counts need as many rows as the reference has, {m}, or more; got {len(x)}")
    return np.array([frechet_distance(x[i : i + m], reference) for i in range(0, len(x) - m + 1, m)])


def _root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric root Σ^½ of a covariance Σ, which may be singular, for example if a pixel is constant."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


class Neighbourhoods(NamedTuple):
    """How much real and fake features overlap. A row's ball extends to its k-th nearest row of the same set.

    precision: the share of fakes in the ball of at least one real row, 0 … 1: quality.
    recall: the share of real rows in the ball of at least one fake, 0 … 1: variety.
    density: the mean over the fakes of the number of real balls that hold the fake, divided by k: quality; at least 0.
    coverage: the share of real balls that hold at least one fake, 0 … 1: variety.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighbourhoods(real: Any, fake: Any, k: int = 5) -> Neighbourhoods:
    """Precision, recall, density and coverage of fake features among real ones. Returns Neighbourhoods.

    real: features, (n, F). fake: features, (m, F). k: the ball around a row extends to the k-th nearest other row of
    the same set, by Euclidean distance, 1 ≤ k < min(n, m).

    precision: the share of fakes in the ball of at least one real row. recall: the share of real rows in the ball of at
    least one fake (Kynkäänniemi et al. 2019). density: 1/(k m) Σ over the fakes of the number of real balls that hold
    the fake. coverage: the share of real balls that hold at least one fake (Naeem et al. 2020).
    Raises ValueError for another k, and unless both have the same number F of features.
    """
    real, fake = _features(real, fake)
    if not 1 <= k < min(len(real), len(fake)):
        raise ValueError(f"k must be from 1 to below the number of rows, {min(len(real), len(fake))}, got {k}")
    between = squared_distances(real, fake)
    # the radii of the balls; the smallest distance of a row, number 0, is the distance to itself
    of_real, of_fake = (np.partition(squared_distances(z, z), k, axis=1)[:, k] for z in (real, fake))
    in_real, in_fake = between <= of_real[:, None], between <= of_fake
    return Neighbourhoods(
        precision=float(in_real.any(axis=0).mean()),
        recall=float(in_fake.any(axis=1).mean()),
        density=float(in_real.sum() / (k * len(fake))),
        coverage=float(in_real.any(axis=1).mean()),
    )


def nearest(images: Any, among: Any) -> np.ndarray:
    """For each image the index of the nearest row of `among`, by Euclidean distance: (n,).

    images: (n, D). among: the candidates, (m, D).
    """
    images, among = _features(images, among, least=1)
    return in_blocks(lambda x: squared_distances(x, among).argmin(axis=1), images, block=100)


def _features(x: Any, y: Any, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < least:
        raise ValueError(
            f"features are (n, F) and (m, F), at least {least} of each, got shapes {x.shape} and {y.shape}"
        )
    return x, y
