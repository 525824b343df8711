"""Rules of quadrature: integrals by sums over nodes, with no chance in them.

Every rule is a set of nodes with the logarithms of their weights, ∫ f(z) dz ≈ Σⱼ wⱼ f(zⱼ). With a VAE's latent of one
or two numbers they give what it cannot hide (`evidence`); of densities on the line they make tables (`masses`), so that
what `divergences` says of tables is said of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigen.distributions import LOG_TWO_PI
from minigen.nn.arrays import plain


class Rule(NamedTuple):
    """nodes: (n, d); log_weights: (n,)."""

    nodes: np.ndarray
    log_weights: np.ndarray


def grid(reach: float, points: int, d: int = 2) -> Rule:
    """Midpoints of so many equal cells from −reach to reach on each axis.

    For a smooth function that has fallen to nothing at the border the error falls faster than any power of the step.
    """
    step = 2 * reach / points
    along = -reach + step * (np.arange(points) + 0.5)
    return Rule(_mesh(along, d), np.full(points**d, d * np.log(step)))


def gauss_hermite(points: int, d: int = 2) -> Rule:
    """E[f(u)] under N(0, I), exact for polynomials of degree below 2·points in each variable."""
    along, weights = np.polynomial.hermite_e.hermegauss(points)
    log_w = np.log(weights) - 0.5 * LOG_TWO_PI
    return Rule(_mesh(along, d), _mesh(log_w, d).sum(axis=1))


def under_normal(rule: Rule) -> Rule:
    """The rule for E[f(u)] under N(0, I) that a rule for ∫ f(u) du makes: the density joins the weights.

    From a grid, it is the better one for networks: their poles off the real axis slow `gauss_hermite` down.
    """
    return Rule(rule.nodes, rule.log_weights - 0.5 * np.sum(LOG_TWO_PI + rule.nodes**2, axis=1))


def _mesh(along: np.ndarray, d: int) -> np.ndarray:
    """All points whose d coordinates are among these: (n^d, d)."""
    return np.stack(np.meshgrid(*[along] * d, indexing="ij"), axis=-1).reshape(-1, d)


def masses(log_prob: Callable[[np.ndarray], Any], rule: Rule) -> np.ndarray:
    """p(zⱼ) wⱼ: a density as a table over the nodes, whose sum is 1 where the rule sees all of it.

    log_prob: (n, d) → (n,), in nats.  → (n,).
    """
    return np.exp(plain(log_prob(rule.nodes)) + rule.log_weights)
