"""The value function of the generative adversarial network, on logits (lecture: Generative Adversarial Network;
Goodfellow et al. 2014).

    min_G max_D V(D, G) = E_{x~p_data}[ln D(x)] + E_{x~p_G}[ln(1 − D(x))],    D = σ(logit)

The discriminator raises V. Where it is at its best against a generator that equals the data, D ≡ ½ and V = −log 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigen.distributions import bernoulli_log_prob


def value(real: Any, fake: Any) -> Any:
    """V(D, G) in nats, from the logits that D gives to real and to generated ones, of any shapes."""
    return np.mean(bernoulli_log_prob(1, real)) + np.mean(bernoulli_log_prob(0, fake))


def discriminator_loss(real: Any, fake: Any) -> Any:
    """−V(D, G)."""
    return -value(real, fake)


def non_saturating_loss(fake: Any) -> Any:
    """−E_{x~p_G}[ln D(x)], the generator's: large gradients where D is sure that what it sees was generated."""
    return -np.mean(bernoulli_log_prob(1, fake))
