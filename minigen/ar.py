"""The auto-regressive model AR(n): a pixel depends on a weighted sum of the n pixels before it (lecture:
Auto-Regressive Model).

    p(xᵢ = 1 | x_<ᵢ) = σ(bᵢ + Σ_{j=i−n}^{i−1} wᵢⱼ xⱼ)

A Markov chain of order n has 2ⁿ parameters for a pixel, this model n + 1. It sees as many pixels, but has no separate
probability for each context. With n = D − 1 it is the fully visible sigmoid belief network, FVSBN (Neal 1992; Frey
1998), the model from which NADE starts. The AR model of real-valued series is in `gaussian_ar`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend, primitive
from minigen.distributions import bernoulli_log_prob, bernoulli_sample
from minigen.model import AutoregressiveModel, Binary, checked_order
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import linear
from minigen.nn.module import FIXED, Parameter


@primitive(lambda g, y, w, i, j, D: g[i, j], None, None, None)
def matrix_of(w: Any, i: Any, j: Any, D: int) -> Any:
    """The (D, D) matrix with w[k] in row i[k] and column j[k], and 0 elsewhere.

    w: numbers, (n,). i, j: row and column of each, (n,). The derivative is by w alone.
    """
    matrix = np.zeros_like(w, shape=(D, D))
    matrix[i, j] = w
    return matrix


class AR(AutoregressiveModel):
    """AR(n): p(x) = Πᵢ p(xᵢ | x_{i−n}, …, x_{i−1}) over D binary pixels, each conditional a logistic regression.

    D: the number of pixels.
    order: n, from 0 (independent pixels) to D − 1 (FVSBN).
    weights: the wᵢⱼ with i − n ≤ j < i, row by row: a vector of Σᵢ min(i, n) numbers, i = 0 … D − 1; at first 0.
    row, column: i and j of each weight, vectors of the same length.
    b: the biases, (D,), at first 0.
    """

    values = Binary()
    rules = {"row": FIXED, "column": FIXED}

    def __init__(self, D: int, order: int):
        self.D, self.order = D, checked_order(order, D)
        before = [np.arange(max(0, i - self.order), i) for i in range(D)]  # the j with i − n ≤ j < i
        self.row = backend.to_device(np.repeat(np.arange(D), list(map(len, before))))
        self.column = backend.to_device(np.concatenate(before))
        self.weights = Parameter(np.zeros(len(self.row)))
        self.b = Parameter(np.zeros(D))

    def logits(self, x: Any) -> Any:
        """The logits ln p(xᵢ = 1 | x_<ᵢ) / p(xᵢ = 0 | x_<ᵢ) = bᵢ + Σⱼ wᵢⱼ xⱼ.

        x: (batch, D), as `checked` returns it → (batch, D), column i for pixel i.
        """
        w = matrix_of(self.weights, self.row, self.column, self.D)
        return linear(x, np.transpose(w), self.b)

    def log_prob(self, x: Any) -> Any:
        x = self.checked(x)
        return np.sum(bernoulli_log_prob(x, self.logits(x)), axis=1)

    def continued(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        w, b = matrix_of(self.weights.data, self.row, self.column, self.D), self.b.data
        for i in range(k, self.D):
            x[:, i] = bernoulli_sample(b[i] + x[:, :i] @ w[i, :i], rng=rng)
        return x
