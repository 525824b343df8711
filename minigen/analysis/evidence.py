"""The evidence, the ELBO and the KL to the posterior of a VAE with one or two latent variables, by quadrature.

    ln p(x) = ELBO + KL(q(z|x) ‖ p(z|x))

Each of the three terms is computed on its own, with its own nodes, so the equation tests all three (V-3). Compute in
float64: pass a model after `astype(np.float64)`.
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
"""How many nodes the decoder evaluates at once."""


def log_joint(model: VAE, x: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """ln p(x, z) of each image at each node z, in nats: (n, batch).

    model: a VAE. x: images, (batch, D).
    nodes: z, (n, d) for the same nodes for all images, or (n, batch, d) for separate nodes for each image.
    """
    z = nodes[:, None] if nodes.ndim == 2 else nodes
    x = model.checked(x)
    return in_blocks(lambda some: model.log_joint(x, some), z, BLOCK)


def log_evidence(model: VAE, x: np.ndarray, rule: Rule) -> np.ndarray:
    """The evidence ln p(x) = ln ∫ p(x|z) p(z) dz of each image, in nats.

    model: a VAE. x: images, (batch, D) → (batch,).
    rule: quadrature for ∫ f(z) dz, such as `quadrature.grid`.
    """
    log_weights = rule.log_weights[:, None]
    return logsumexp(log_joint(model, x, rule.nodes) + log_weights, axis=0)


def elbo(model: VAE, x: np.ndarray, rule: Rule) -> np.ndarray:
    """ELBO E_q[ln p(x|z)] − KL(q(z|x) ‖ p(z)) of each image, in nats.

    model: a VAE. x: images, (batch, D) → (batch,).
    rule: quadrature for E[f(u)] under u ~ N(0, I), such as `quadrature.gauss_hermite`; z = μ + L u if q = N(μ, L Lᵀ).
    The KL comes from its formula. If p(z) is a mixture, there is no formula, and the rule computes the KL as well.
    """
    x = model.checked(x)
    with no_grad():
        q, p = model.posterior(x), model.prior.distribution()
        closed = not isinstance(p, Mixture)
        inside = (lambda z: model.decoder(z).log_prob(x)) if closed else (lambda z: model.log_weight(x, z, q))
        z, w = spread(q, rule.nodes), np.exp(rule.log_weights)[:, None]
        blocks = (slice(i, i + BLOCK) for i in range(0, len(z), BLOCK))
        expected = sum(np.sum(w[rows] * plain(inside(z[rows])), axis=0) for rows in blocks)
        return expected - plain(q.kl_divergence(p)) if closed else expected


def kl_to_posterior(
    model: VAE,
    x: np.ndarray,
    rule: Rule,
    evidence: Rule,
) -> np.ndarray:
    """KL(q(z|x) ‖ p(z|x)) = ∫ q (ln q − ln p(z|x)) dz of each image, in nats.

    This is the KL divergence from the encoder to the true posterior.
    model: a VAE. x: images, (batch, D) → (batch,).
    rule: quadrature for ∫ f(u) du, such as `quadrature.grid`, where z = μ + L u and
    u ~ N(0, I) under q.
    evidence: quadrature for ∫ f(z) dz, which gives p(x), the normaliser of p(z|x).
    """
    with no_grad():
        q = model.posterior(model.checked(x))
        z = spread(q, rule.nodes)
        log_q = plain(q.log_prob(z))
    log_posterior = log_joint(model, x, z) - log_evidence(model, x, evidence)
    return np.exp(under_normal(rule).log_weights) @ (log_q - log_posterior)


def spread(q: Any, u: np.ndarray) -> np.ndarray:
    """The nodes z = μ + L u for each of the normal distributions q = N(μ, L Lᵀ): (n, batch, d).

    q: an `Independent` Normal or a MultivariateNormal over (batch, d). u: nodes for N(0, I), (n, d).
    """
    q = multivariate(q) if isinstance(q, Independent) else q
    return plain(q.mean) + np.einsum("bij,nj->nbi", plain(q.scale_tril), u)
