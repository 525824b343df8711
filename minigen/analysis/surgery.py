"""ELBO surgery: what the prior fitting term is made of (Hoffman and Johnson 2016; lecture: VAE, AAE).

With q(z) = 1/N Σₙ q(z|xₙ), the aggregated posterior of N images, and n uniform among them,

    1/N Σₙ KL(q(z|xₙ) ‖ p(z)) = I_q(n; z) + KL(q(z) ‖ p(z)).

The VAE pays for both. The adversarial auto-encoder pays only for the second: it keeps what z tells about the image.
All three are estimated from the same draws, so here the sum holds whatever they are; V-8 is tested by quadrature.
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


@dataclass(frozen=True)
class Surgery:
    """Nats for each image, each with its standard error: that of the draws of z, for just these N images. Their mutual
    information is at most ln N."""

    mean_kl: tuple[float, float]
    mutual_information: tuple[float, float]
    marginal_kl: tuple[float, float]


def surgery(q: Any, p: Any, samples: int = 4, *, rng: RNGLike = None) -> Surgery:
    """The three terms from so many draws z ~ q(z|xₙ) for each image.

    q: the posteriors of N images, a distribution over (N, d); p: the prior's. Each z is scored by all N posteriors.
    """
    rng = np.random.default_rng(rng)
    with no_grad():
        z = plain(q.sample((samples,), rng=rng))
        if z.ndim != 3 or samples < 2:
            raise ValueError(f"q is over (N, d), and of each there must be 2 draws or more; got draws {z.shape}")
        log_q_given_x, log_p = backend.to_numpy(q.log_prob(z)), backend.to_numpy(p.log_prob(z))
        N, d = z.shape[1:]
        everyone = Mixture(np.zeros_like(z[0, :, 0]), q)
    log_q = in_blocks(everyone.log_prob, z.reshape(-1, d), BLOCK).reshape(samples, N)
    return Surgery(*map(_mean_and_error_of_draws, (log_q_given_x - log_p, log_q_given_x - log_q, log_q - log_p)))


def _mean_and_error_of_draws(values: np.ndarray) -> tuple[float, float]:
    """Mean over draws and images, and its standard error for just these images: that of the draws alone.

    `divergences.mean_and_error` takes its values as draws of one distribution. Here each image has its own, with as
    many draws as every other, so the variance is taken within the images.  values: (samples, N).
    """
    return float(values.mean()), float(np.sqrt(values.var(axis=0, ddof=1).mean() / values.size))
