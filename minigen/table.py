"""Independent pixels, and the full table of all images: every other model lies between the two (lecture: Discrete
Distributions).

n binary pixels have 2ⁿ images. The full table of their probabilities has 2ⁿ − 1 parameters; independent pixels have n.
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
"""The largest number of pixels of a full table, which then has 2¹⁶ − 1 parameters."""


class IndependentBernoulli(ExplicitModel):
    """Independent binary pixels: p(x) = Πᵢ p(xᵢ), with D parameters instead of 2ᴰ − 1 (I-2).

    D: the number of pixels.
    logits: the parameters ln p(xᵢ = 1) / p(xᵢ = 0), (D,), at first 0.
    """

    values = Binary()

    def __init__(self, D: int):
        self.D = D
        self.logits = Parameter(np.zeros(D))

    def fit(self, x: Any, smoothing: float = 1.0) -> IndependentBernoulli:
        """Maximum likelihood in closed form: set p(xᵢ = 1) to the frequency of 1 in `x` (I-4), and return the model.

        x: binary images, (n, D).
        smoothing: Laplace smoothing. Each pixel is counted as if `smoothing` images with a 1 and as many with a 0 were
            added to the data. With smoothing > 0 no probability is 0 or 1. With 0 a constant pixel has a logit of ±∞.
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
        """Draw the pixels not `seen` from p(xᵢ): (n, D), x where seen.  x: (n, D). seen: boolean, (D,) or (n, D)."""
        x, seen = self.given(x, seen)
        return np.where(seen, x, self.sample(len(x), rng=rng))


class Categorical(MarkovChain):
    """Distribution of one variable with m outcomes, which has m − 1 parameters (I-2).

    m: the number of outcomes, 0 … m − 1, at least 2. A batch of data has shape (n, 1), for `fit` and `log_prob`.
    `conditionals(0)` is the table of probabilities, (1, m): ½, ¼, … before `fit`.
    """

    def __init__(self, m: int):
        super().__init__(D=1, order=0, states=m)


class FullTable(MarkovChain):
    """Table with a separate probability for each binary vector of length D: 2ᴰ − 1 parameters (I-2).

    The parameters are those of the chain rule, p(x) = p(x₁) p(x₂ | x₁) … p(x_D | x₁, …, x_{D−1}): the table is a Markov
    chain of order D − 1.

    D: the number of pixels, from 1 to 16. Raises ValueError for another D.
    """

    def __init__(self, D: int):
        if not 1 <= D <= MOST_PIXELS:
            raise ValueError(
                f"a full table over {D} pixels has 2^{D} − 1 numbers, and needs about as many images to learn them: "
                f"D must be from 1 to {MOST_PIXELS}; for more, assume something: MarkovChain, AR, NADE"
            )
        super().__init__(D, order=D - 1)
