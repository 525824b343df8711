"""Distributions given by their parameters alone (lecture: Conditional Independence, Discrete Distributions)."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigen.distributions import bernoulli_log_prob, bernoulli_sample
from minigen.model import ExplicitModel
from minigen.nn import Parameter


class IndependentBernoulli(ExplicitModel):
    """Every pixel for itself: p(x) = Πᵢ p(xᵢ), with D parameters instead of 2ᴰ − 1 (I-2)."""

    def __init__(self, D: int):
        self.D = D
        self.logits = Parameter(np.zeros(D))

    def fit(self, x: Any, smoothing: float = 1.0) -> IndependentBernoulli:
        """Maximum likelihood in closed form: p(xᵢ = 1) is the frequency of 1 in `x`.

        `smoothing` is Laplace's: that many zeros and ones are counted beside the data, so that no probability is 0.
        """
        x = self.binary(x)
        ones = x.sum(axis=0) + smoothing
        zeros = (1 - x).sum(axis=0) + smoothing
        self.logits.data[...] = np.log(ones / zeros)
        return self

    def log_prob(self, x: Any) -> Any:
        x = self.binary(x)
        return np.sum(bernoulli_log_prob(x, np.broadcast_to(self.logits, x.shape)), axis=1)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return bernoulli_sample(rng, np.broadcast_to(self.logits.data, (n, self.D)))
