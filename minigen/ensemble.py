"""Several explicit models as one: the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigen.model import ExplicitModel, common_length
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import log_mean_exp


class Ensemble(ExplicitModel):
    """p(x) = 1/K Σₖ pₖ(x), such as NADEs of different orders of the pixels (N-9).

    The mean of densities is a density. The mean of logits, or of log-probabilities, is not: it sums to less than 1.
    """

    def __init__(self, models: Sequence[ExplicitModel]):
        if not models:
            raise ValueError("an ensemble has at least one model")
        self.D = common_length(models)
        self.models, self.values = list(models), models[0].values

    def log_prob(self, x: Any) -> Any:
        # Each model checks what it is given: a chain computes with integers, a NADE with real numbers.
        each = np.stack([model.log_prob(x) for model in self.models])
        return log_mean_exp(each, axis=0)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Each draw comes from one of the models, chosen at random."""
        rng = np.random.default_rng(rng)
        draws = np.stack([model.sample(n, rng=rng) for model in self.models])
        return draws[rng.integers(len(draws), size=n), np.arange(n)]
