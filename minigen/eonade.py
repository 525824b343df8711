"""EoNADE: one network for all orders of the pixels, and the ensemble of its densities over several orders (lecture:
NADE; Uria, Murray and Larochelle 2014, "A Deep and Tractable Density Estimator").

A NADE is tied to one order of the pixels. This network is trained for all D! orders at once. Its input is the values of
the pixels in any set S, and which pixels are in S. It predicts each pixel outside S:

    p(xᵢ = 1 | x_S) = σ(bᵢ + Vᵢ · h),    h = σ(c + Σ_{j∈S} (xⱼ Wⱼ + Uⱼ))

By the chain rule each order o gives a density p(x | o) = Πᵢ p(x_{oᵢ} | x_{o_<i}). The densities of different orders
differ in general, and the ensemble is the mean of K densities (N-9):

    p(x) = 1/K Σₖ p(x | oₖ)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend
from minigen.distributions import bernoulli_log_prob, bernoulli_sample
from minigen.model import Binary, ExplicitModel, checked_permutation, on_the_host
from minigen.nade import nade_logits
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import linear, log_mean_exp, sigmoid
from minigen.nn.layers import normal
from minigen.nn.module import PERMUTATIONS, Parameter


class EoNADE(ExplicitModel):
    """EoNADE: p(x) = 1/K Σₖ p(x | oₖ) over D binary pixels, with one network of H hidden units for all orders.

    D: the number of pixels. H: the number of hidden units.
    num_orders: K, how many random orders to draw, at least 1. Raises ValueError for fewer.
    orders: the orders oₖ that `log_prob` and `sample` use, (K, D), each row a permutation of 0 … D − 1. Training does
        not use the orders, so other orders may be assigned after it.
    W, U, V: weights, (D, H). b: (D,). c: (H,). Together 3DH + H + D parameters.
    """

    values = Binary()
    rules = {"orders": PERMUTATIONS}

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
        """The logits ln p(xᵢ = 1 | x_S) / p(xᵢ = 0 | x_S) of each pixel i, given the pixels in a set S.

        x: (batch, D), as `checked` returns it → (batch, D).
        seen: (batch, D), 1 for pixels in S and 0 for others. Logits of pixels in S have no meaning.
        """
        h = sigmoid(linear(x * seen, self.W, self.c) + np.dot(seen, self.U))
        return linear(h, np.transpose(self.V), self.b)

    def loss(self, x: Any, *, rng: RNGLike = None) -> Any:
        """An unbiased estimate, in nats, of −ln p(x | o) averaged over all orders o and the batch.

        x: binary images, (batch, D).
        For each image d is drawn uniformly from 0 … D − 1, and a random set of d pixels is seen. Each of the other
        D − d pixels may come next, so the mean of their losses estimates the loss of step d. D times this mean
        estimates the sum over all steps. The draws make most of the variance of the gradient, so training takes more
        steps than that of a NADE, which sums over all steps of one order.
        """
        rng = np.random.default_rng(rng)
        x = self.checked(x)
        d = rng.integers(self.D, size=(len(x), 1))
        rank = np.argsort(rng.random(x.shape), axis=1)
        seen, steps = (backend.beside(a.astype(x.dtype), x) for a in (rank < d, self.D / (self.D - d[:, 0])))
        unseen_log_prob = bernoulli_log_prob(x, self.logits(x, seen)) * (1 - seen)
        return -np.mean(np.sum(unseen_log_prob, axis=1) * steps)

    def log_prob_under(self, x: Any, order: Any) -> Any:
        """ln p(x | o) of each image under one order o, in nats, by NADE's walk along the order: O(DH) an image.

        x: (batch, D), checked already → (batch,). order: o, the pixels as they are walked. Raises ValueError unless
        order is a permutation of 0 … D − 1.

        A pixel j adds Wⱼ + Uⱼ to the state if it is on, and Uⱼ if it is off. So along o this network is a NADE over 2D
        pixels: xⱼ with the row Wⱼ + Uⱼ, then 1 − xⱼ with the row Uⱼ. Every second logit, that of xⱼ, is one of ours.
        """
        order = backend.beside(checked_permutation(order, self.D), x)
        x = x[:, order]
        W, U, V, b = (p[order] for p in (self.W, self.U, self.V, self.b))
        on_off = np.stack([x, 1 - x], axis=2).reshape(len(x), 2 * self.D)
        rows = np.stack([W + U, U], axis=1).reshape(2 * self.D, self.H)
        logits = nade_logits(on_off, rows, np.repeat(V, 2, axis=0), np.repeat(b, 2), self.c)[:, ::2]
        return np.sum(bernoulli_log_prob(x, logits), axis=1)

    def log_prob(self, x: Any) -> Any:
        """ln p(x) = ln (1/K Σₖ p(x | oₖ)) of each image, in nats, over the K rows oₖ of `orders` (N-9).

        x: binary images, (batch, D) → (batch,).
        """
        x = self.checked(x)
        each = np.stack([self.log_prob_under(x, order) for order in self.orders])
        return log_mean_exp(each, axis=0)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw n images, each pixel by pixel along an order chosen at random from `orders`: (n, D), 0 or 1."""
        rng = np.random.default_rng(rng)
        orders = np.asarray(self.orders)[rng.integers(len(self.orders), size=n)]
        return self._walk(np.zeros((n, self.D), self.flat.dtype), orders, np.zeros(n, int), rng)

    @on_the_host
    def complete(self, x: Any, seen: Any, *, rng: RNGLike = None) -> np.ndarray:
        """Draw the pixels that are not seen, given the seen ones, which may be any: (n, D), x where seen.

        x: binary images, (n, D); values that are not seen do not matter. seen: bool, (D,) or (n, D), True where seen.
        The draws are exact for p(x | o) with an order o that begins with the seen pixels. The order of the other pixels
        is random for each image; the field `orders` is not used.
        """
        rng = np.random.default_rng(rng)
        x, seen = self.given(x, seen)
        orders = np.argsort(rng.random(seen.shape) - seen, axis=1)  # the seen pixels first
        return self._walk(x, orders, seen.sum(axis=1), rng)

    @on_the_host
    def _walk(self, x: np.ndarray, orders: np.ndarray, known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the pixels of each image along its own order, after the first `known` pixels, in place."""
        W, U, V, b, c = (p.data for p in (self.W, self.U, self.V, self.b, self.c))
        images = np.arange(len(x))
        a = np.tile(c, (len(x), 1))
        for step, i in enumerate(orders.T):
            logits = b[i] + np.sum(sigmoid(a) * V[i], axis=1)
            x[images, i] = np.where(step < known, x[images, i], bernoulli_sample(logits, rng=rng))
            a += x[images, i, None] * W[i] + U[i]
        return x
