"""Orderless NADE, and the ensemble over orderings that it makes affordable (lecture: NADE; Uria, Murray and Larochelle
2014, "A Deep and Tractable Density Estimator").

A NADE is tied to one order of the pixels. This network is trained for all D! of them at once: it sees any set of pixels
S, is told which they are, and predicts each of the others:

    p(xᵢ = 1 | x_S) = σ(bᵢ + Vᵢ · h),    h = σ(c + Σ_{j∈S} (xⱼ Wⱼ + Uⱼ))

Any order o then gives a density p(x | o) = Πᵢ p(x_{oᵢ} | x_{o_<i}) by the chain rule, different ones as a rule, and the
ensemble is their mean (N-9):

    p(x) = 1/K Σₖ p(x | oₖ)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend
from minigen.distributions import bernoulli_log_prob, bernoulli_sample
from minigen.model import Binary, ExplicitModel, checked_permutation, on_the_host
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import linear, log_mean_exp, sigmoid
from minigen.nn.layers import normal
from minigen.nn.module import Parameter


class EoNADE(ExplicitModel):
    """p(x) = 1/K Σₖ p(x | oₖ) over D binary pixels, with one network of H hidden units for all orders.

    orders: (K, D), the orders oₖ that `log_prob` and `sample` average over. They are no parameters: training does not
    use them, and after it others may be assigned. Parameters: 3DH + H + D.
    """

    values = Binary()

    def __init__(self, D: int, H: int, num_orders: int = 1, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        if num_orders < 1:
            raise ValueError(f"an ensemble has at least one order, got num_orders = {num_orders}")
        self.D, self.H = D, H
        self.orders = np.array([rng.permutation(D) for _ in range(num_orders)])
        self.W = Parameter(normal((D, H), scale=1 / np.sqrt(D), rng=rng))
        self.U = Parameter(normal((D, H), scale=1 / np.sqrt(D), rng=rng))
        self.V = Parameter(normal((D, H), scale=1 / np.sqrt(H), rng=rng))
        self.b = Parameter(np.zeros(D))
        self.c = Parameter(np.zeros(H))

    def logits(self, x: Any, seen: Any) -> Any:
        """ln p(xᵢ = 1 | x_S) / p(xᵢ = 0 | x_S) for every i.  x, seen: (batch, D) in {0, 1} → (batch, D).

        x: checked. Meaningful where `seen` is 0: a pixel that is seen is not predicted.
        """
        h = sigmoid(linear(x * seen, self.W, self.c) + np.dot(seen, self.U))
        return linear(h, np.transpose(self.V), self.b)

    def loss(self, x: Any, *, rng: RNGLike = None) -> Any:
        """An unbiased estimate, in nats, of −ln p(x | o) averaged over all orders o and the batch.

        For each image a random set of d pixels is seen, d uniform in 0 … D−1. Any one of the other D − d may come next,
        so the mean of their losses is the loss of step d, and D times it that of all steps.
        """
        rng = np.random.default_rng(rng)
        x = self.checked(x)
        d = rng.integers(self.D, size=(len(x), 1))
        rank = np.argsort(rng.random(x.shape), axis=1)
        seen, steps = (backend.beside(a.astype(x.dtype), x) for a in (rank < d, self.D / (self.D - d[:, 0])))
        unseen_log_prob = bernoulli_log_prob(x, self.logits(x, seen)) * (1 - seen)
        return -np.mean(np.sum(unseen_log_prob, axis=1) * steps)

    def log_prob_under(self, x: Any, order: Any) -> Any:
        """ln p(x | o), one walk along the order: O(DH) an image.  x: (batch, D), checked → (batch,)."""
        order = checked_permutation(order, self.D)
        a = np.tile(self.c, (len(x), 1))
        steps = []
        for i in order:
            steps.append(self.b[i] + sigmoid(a) @ self.V[i])
            a = a + (x[:, i, None] * self.W[i] + self.U[i])
        return np.sum(bernoulli_log_prob(x[:, backend.beside(order, x)], np.stack(steps, axis=1)), axis=1)

    def log_prob(self, x: Any) -> Any:
        """ln 1/K Σₖ p(x | oₖ): probabilities are averaged; averaged logits would not sum to 1 (N-9)."""
        x = self.checked(x)
        each = np.stack([self.log_prob_under(x, order) for order in self.orders])
        return log_mean_exp(each, axis=0)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Each draw first chooses one of the orders."""
        rng = np.random.default_rng(rng)
        orders = np.asarray(self.orders)[rng.integers(len(self.orders), size=n)]
        return self._walk(np.zeros((n, self.D), self.flat.dtype), orders, np.zeros(n, int), rng)

    @on_the_host
    def complete(self, x: Any, seen: Any, *, rng: RNGLike = None) -> np.ndarray:
        """Exact draws of the pixels that are not seen, whichever they are, given the others.

        x: (n, D), anything where not seen. seen: boolean, (D,) or (n, D). Returns (n, D): x where seen, else draws.
        Exact for any order that begins with the seen pixels; each image goes on in a random one.
        """
        rng = np.random.default_rng(rng)
        x, seen = self.given(x, seen)
        orders = np.argsort(rng.random(seen.shape) - seen, axis=1)  # the seen ones first
        return self._walk(x, orders, seen.sum(axis=1), rng)

    @on_the_host
    def _walk(self, x: np.ndarray, orders: np.ndarray, known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Fill in the pixels of each image along its own order, after the first `known` ones, in place."""
        W, U, V, b, c = (p.data for p in (self.W, self.U, self.V, self.b, self.c))
        images = np.arange(len(x))
        a = np.tile(c, (len(x), 1))
        for step, i in enumerate(orders.T):
            logits = b[i] + np.sum(sigmoid(a) * V[i], axis=1)
            x[images, i] = np.where(step < known, x[images, i], bernoulli_sample(logits, rng=rng))
            a += x[images, i, None] * W[i] + U[i]
        return x
