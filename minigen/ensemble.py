"""An ensemble of explicit models, whose density is the mean of their densities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigen.model import ExplicitModel, common_length
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import log_mean_exp


class Ensemble(ExplicitModel):
    """The mean of K models, p(x) = 1/K Σₖ pₖ(x), such as NADEs with different orders of the pixels (N-9).

    models: the K explicit models, at least one, over vectors of the same length D. The models must take the same values
    (not checked); `values` is the first model's.
    The mean of densities is a density. The exponential of a mean of log-probabilities is not: it sums to less than 1,
    if the models differ.

    Raises ValueError if there is no model, or if the lengths differ.
    """

    def __init__(self, models: Sequence[ExplicitModel]):
        if not models:
            raise ValueError("an ensemble has at least one model")
        self.D = common_length(models)
        self.models, self.values = list(models), models[0].values

    def log_prob(self, x: Any) -> Any:
        # Each model checks x itself: a Markov chain needs integers, a NADE real numbers.
        each = np.stack([model.log_prob(x) for model in self.models])
        return log_mean_exp(each, axis=0)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw n vectors, each from one of the models, all equally likely: (n, D)."""
        rng = np.random.default_rng(rng)
        draws = np.stack([model.sample(n, rng=rng) for model in self.models])
        return draws[rng.integers(len(draws), size=n), np.arange(n)]
