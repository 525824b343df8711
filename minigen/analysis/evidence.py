"""What a VAE with a latent of one or two numbers cannot hide: its integrals over z by quadrature, not by chance.

    ln p(x) = ELBO + KL(q(z|x) ‖ p(z|x))

Each of the three is computed here for itself, on nodes of its own, so that the sum is a test of all of them (V-3). In
float64: give these functions a model after `astype(np.float64)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import no_grad
from autograd.rules.special import logsumexp
from minigen.analysis.quadrature import Rule, under_normal
from minigen.distributions import Independent, Mixture, multivariate
from minigen.model import in_blocks
from minigen.nn.arrays import plain
from minigen.vae import VAE

BLOCK = 1000
"""Nodes that the decoder sees at once."""


def log_joint(model: VAE, x: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """ln p(x, z) for every image at every node.  x: (batch, D), nodes: (n, d) or (n, batch, d) → (n, batch)."""
    z = nodes[:, None] if nodes.ndim == 2 else nodes
    x = model.checked(x)
    return in_blocks(lambda some: model.log_joint(x, some), z, BLOCK)


def log_evidence(model: VAE, x: np.ndarray, rule: Rule) -> np.ndarray:
    """ln p(x) = ln ∫ p(x|z) p(z) dz.  (batch, D) → (batch,)."""
    return logsumexp(log_joint(model, x, rule.nodes) + rule.log_weights[:, None], axis=0)


def elbo(model: VAE, x: np.ndarray, rule: Rule) -> np.ndarray:
    """E_q[ln p(x|z)] − KL(q ‖ p), the expectation by a rule for N(0, I), the KL by formula where there is one, else
    with the expectation.  (batch, D) → (batch,)."""
    x = model.checked(x)
    with no_grad():
        q, p = model.posterior(x), model.prior.distribution()
        closed = not isinstance(p, Mixture)
        inside = (lambda z: model.decoder(z).log_prob(x)) if closed else (lambda z: model.log_weight(x, z, q))
        z, w = spread(q, rule.nodes), np.exp(rule.log_weights)[:, None]
        blocks = (slice(i, i + BLOCK) for i in range(0, len(z), BLOCK))
        expected = sum(np.sum(w[rows] * plain(inside(z[rows])), axis=0) for rows in blocks)
        return expected - plain(q.kl_divergence(p)) if closed else expected


def kl_to_posterior(model: VAE, x: np.ndarray, rule: Rule, evidence: Rule) -> np.ndarray:
    """KL(q(z|x) ‖ p(z|x)) = ∫ q (ln q − ln p(z|x)) dz: how far the encoder is from the truth.  (batch, D) → (batch,).

    rule: for ∫ du, where z = μ + L u and u ~ N(0, I) under q; evidence: for the integral that normalises p(z|x).
    """
    with no_grad():
        q = model.posterior(model.checked(x))
        z = spread(q, rule.nodes)
        log_q = plain(q.log_prob(z))
    log_posterior = log_joint(model, x, z) - log_evidence(model, x, evidence)
    return np.exp(under_normal(rule).log_weights) @ (log_q - log_posterior)


def spread(q: Any, u: np.ndarray) -> np.ndarray:
    """z = μ + L u for a normal q over (batch, d).  u: (n, d) → (n, batch, d)."""
    q = multivariate(q) if isinstance(q, Independent) else q
    return plain(q.mean) + np.einsum("bij,nj->nbi", plain(q.scale_tril), u)
