"""Quadrature: integrals as weighted sums over nodes, without randomness.

    ∫ f(z) dz ≈ Σⱼ wⱼ f(zⱼ)

A rule is the nodes zⱼ and the logarithms of their weights wⱼ. `evidence` integrates over one or two latent variables of
a VAE. `masses` turns a density into a table of probabilities, to which the functions of `divergences` apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigen.distributions import LOG_TWO_PI
from minigen.nn.arrays import plain


class Rule(NamedTuple):
    """Quadrature rule ∫ f(z) dz ≈ Σⱼ wⱼ f(zⱼ) over d variables.

    nodes: zⱼ, (n, d). log_weights: ln wⱼ, (n,).
    """

    nodes: np.ndarray
    log_weights: np.ndarray


def grid(reach: float, points: int, d: int = 2) -> Rule:
    """Midpoint rule for ∫ f(z) dz over the cube from −reach to reach on each axis.

    reach: half the width of the cube. points: equal cells on each axis. d: the number of axes; points^d nodes.
    For a smooth function that is practically 0 at the border the error falls faster than any power of the cell width.
    """
    step = 2 * reach / points
    along = -reach + step * (np.arange(points) + 0.5)
    return Rule(_mesh(along, d), np.full(points**d, d * np.log(step)))


def gauss_hermite(points: int, d: int = 2) -> Rule:
    """Gauss–Hermite rule for the expectation E[f(u)], u ~ N(0, I): the density is part of the weights.

    points: nodes on each axis. d: the number of variables. The Rule has points^d nodes and the logarithms of their
    weights: E[f(u)] ≈ Σⱼ exp(log_weightsⱼ) f(nodesⱼ).
    The rule is exact for polynomials of degree below 2·points in each variable.
    """
    along, weights = np.polynomial.hermite_e.hermegauss(points)
    log_w = np.log(weights) - 0.5 * LOG_TWO_PI
    return Rule(_mesh(along, d), _mesh(log_w, d).sum(axis=1))


def under_normal(rule: Rule) -> Rule:
    """Return a Rule for E[f(u)], u ~ N(0, I), from a rule for ∫ f(u) du: ln N(u; 0, I) is added to each log weight.

    rule: for ∫ f(u) du, such as a `grid`.
    For functions made by networks the rule from a grid converges faster than `gauss_hermite`, because networks have
    poles off the real axis.
    """
    return Rule(rule.nodes, rule.log_weights - 0.5 * np.sum(LOG_TWO_PI + rule.nodes**2, axis=1))


def _mesh(along: np.ndarray, d: int) -> np.ndarray:
    """All points whose d coordinates are among the n numbers `along`: (n^d, d)."""
    return np.stack(np.meshgrid(*[along] * d, indexing="ij"), axis=-1).reshape(-1, d)


def masses(log_prob: Callable[[np.ndarray], Any], rule: Rule) -> np.ndarray:
    """The probabilities p(zⱼ) exp(log_weightsⱼ) at a rule's nodes: (n,). Their sum is about 1 if the nodes cover p.

    log_prob: the function ln p, in nats, (n, d) → (n,). rule: for ∫ f(z) dz, with n nodes.
    """
    return np.exp(plain(log_prob(rule.nodes)) + rule.log_weights)
