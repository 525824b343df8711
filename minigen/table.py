"""The two ends between which every model lies: nothing depends, everything depends (lecture: Discrete Distributions).

n binary pixels have 2ⁿ images, so their full table has 2ⁿ − 1 numbers; independent pixels have n.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend
from minigen.distributions import bernoulli_log_prob, bernoulli_sample
from minigen.markov import MarkovChain
from minigen.model import Binary, ExplicitModel, counted, on_the_host
from minigen.nn.arrays import RNGLike
from minigen.nn.module import Parameter

MOST_PIXELS = 16


class IndependentBernoulli(ExplicitModel):
    """Every pixel for itself: p(x) = Πᵢ p(xᵢ), with D parameters instead of 2ᴰ − 1 (I-2)."""

    values = Binary()

    def __init__(self, D: int):
        self.D = D
        self.logits = Parameter(np.zeros(D))

    def fit(self, x: Any, smoothing: float = 1.0) -> IndependentBernoulli:
        """Maximum likelihood in closed form: p(xᵢ = 1) is the frequency of 1 in `x` (I-4).

        `smoothing` is Laplace's: that many zeros and ones are counted beside the data, so that no probability is 0.
        """
        x = self.checked(x)
        ones = x.sum(axis=0) + counted(smoothing)
        zeros = (1 - x).sum(axis=0) + smoothing
        with np.errstate(divide="ignore"):
            self.logits.data[...] = backend.beside(np.log(ones) - np.log(zeros), self.flat)
        return self

    def log_prob(self, x: Any) -> Any:
        x = self.checked(x)
        return np.sum(bernoulli_log_prob(x, self.logits), axis=1)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        return bernoulli_sample(np.broadcast_to(backend.to_numpy(self.logits), (n, self.D)), rng=rng)

    @on_the_host
    def complete(self, x: Any, seen: Any, *, rng: RNGLike = None) -> np.ndarray:
        x, seen = self.given(x, seen)
        return np.where(seen, x, self.sample(len(x), rng=rng))


class Categorical(MarkovChain):
    """One variable with m outcomes 0 … m−1, which needs m − 1 parameters (I-2).  x: (n, 1)."""

    def __init__(self, m: int):
        super().__init__(D=1, order=0, states=m)


class FullTable(MarkovChain):
    """Every binary vector has a probability of its own: 2ᴰ − 1 parameters (I-2).

    Kept as the chain rule writes it, p(x) = p(x₁) p(x₂ | x₁) … p(x_D | x₁, …, x_{D−1}): a chain that forgets nothing.
    """

    def __init__(self, D: int):
        if not 1 <= D <= MOST_PIXELS:
            raise ValueError(
                f"a full table over {D} pixels has 2^{D} − 1 numbers, and needs about as many images to learn them: "
                f"from 1 to {MOST_PIXELS} pixels; beyond, assume something (MarkovChain, AR, NADE)"
            )
        super().__init__(D, order=D - 1)
