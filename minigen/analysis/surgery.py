"""ELBO surgery: the two parts of the prior fitting term (Hoffman and Johnson 2016; lecture: VAE, AAE).

With q(z) = 1/N Σₙ q(z|xₙ), the aggregated posterior of N images, and n uniform among them,

    1/N Σₙ KL(q(z|xₙ) ‖ p(z)) = I_q(n; z) + KL(q(z) ‖ p(z)).

The loss of a VAE contains both parts. The loss of an adversarial auto-encoder contains neither. Its discriminator asks
for q(z) = p(z), where the second part is 0, and nothing in the loss asks for a small mutual information between z and
the image. All three terms are estimated from the same draws, so here the equation holds for any draws; the test of V-8
uses quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import backend, no_grad
from minigen.distributions import Mixture
from minigen.model import in_blocks
from minigen.nn.arrays import RNGLike, plain

BLOCK = 100
"""How many z are scored by all N posteriors at once."""


@dataclass(frozen=True)
class Surgery:
    """The three terms of ELBO surgery, each a pair (estimate, standard error) in nats per image.

    mean_kl: 1/N Σₙ KL(q(z|xₙ) ‖ p(z)), the sum of the other two terms.
    mutual_information: the mutual information I_q(n; z) of image number and z, at most ln N.
    marginal_kl: KL(q(z) ‖ p(z)), where q(z) = 1/N Σₙ q(z|xₙ).
    The standard errors are those of the random z; the N images are taken as fixed.
    """

    mean_kl: tuple[float, float]
    mutual_information: tuple[float, float]
    marginal_kl: tuple[float, float]


def surgery(q: Any, p: Any, samples: int = 4, *, rng: RNGLike = None) -> Surgery:
    """Estimate the three terms of ELBO surgery, in nats per image, from draws z ~ q(z|xₙ). Returns Surgery.

    q: the posteriors q(z|xₙ) of N images, over (N, d), such as `model.posterior(x)`. p: the prior p(z), over (d,), such
    as `model.prior.distribution()`.
    samples: draws for each image, at least 2. Each draw is scored by all N posteriors.
    Raises ValueError for fewer draws, and for a q that is not over (N, d).
    """
    rng = np.random.default_rng(rng)
    with no_grad():
        z = plain(q.sample((samples,), rng=rng))
        if z.ndim != 3 or samples < 2:
            raise ValueError(
                f"q must be over (N, d), and there must be 2 draws or more of each image; got draws {z.shape}"
            )
        log_q_given_x, log_p = backend.to_numpy(q.log_prob(z)), backend.to_numpy(p.log_prob(z))
        N, d = z.shape[1:]
        everyone = Mixture(np.zeros_like(z[0, :, 0]), q)
    log_q = in_blocks(everyone.log_prob, z.reshape(-1, d), BLOCK).reshape(samples, N)
    return Surgery(*map(_mean_and_error_of_draws, (log_q_given_x - log_p, log_q_given_x - log_q, log_q - log_p)))


def _mean_and_error_of_draws(values: np.ndarray) -> tuple[float, float]:
    """Mean of values, (samples, N), over draws and images, and the standard error that the draws cause.

    The images are fixed, and the values of each image come from a distribution of its own. So the variance is taken
    over the draws of each image, not over all values as in `divergences.mean_and_error`.
    """
    return float(values.mean()), float(np.sqrt(values.var(axis=0, ddof=1).mean() / values.size))
