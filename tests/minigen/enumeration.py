"""Small spaces, whole: every binary vector of length n, and exact statistics over all of them."""

import itertools

import numpy as np


def binary_vectors(n: int) -> np.ndarray:
    """All 2ⁿ binary vectors, in counting order: (2ⁿ, n)."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=n)))


def index_of(x: np.ndarray) -> np.ndarray:
    """The row of each x in `binary_vectors`."""
    return (np.asarray(x) @ (1 << np.arange(x.shape[1])[::-1])).astype(int)


def table_of(model) -> np.ndarray:
    """p(x) for every x: (2ⁿ,)."""
    return np.exp(model.log_prob(binary_vectors(model.D)).data)


def chi_square(observed: np.ndarray, expected: np.ndarray) -> float:
    """Pearson's Σ (observed − expected)² / expected over counts; cells expected fewer than 5 times are pooled."""
    small = expected < 5
    observed = np.append(observed[~small], observed[small].sum())
    expected = np.append(expected[~small], expected[small].sum())
    kept = expected > 0
    return float(np.sum((observed[kept] - expected[kept]) ** 2 / expected[kept]))
