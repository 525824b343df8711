"""The Markov assumption: a variable depends on the k before it and on nothing earlier (lecture: Markov Assumption).

    p(x) = Πᵢ p(xᵢ | x_{i−k}, …, x_{i−1})

Every context, one of Kᵏ pasts, has its own distribution of the next state: K − 1 numbers. So a binary chain has
2ᵏ − 1 + (D − k) 2ᵏ parameters: D for k = 0, where pixels are independent; 2D − 1 for the lecture's k = 1; 2ᴰ − 1 for
k = D − 1, where nothing is assumed (I-2).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend
from minigen.distributions import questions_log_prob, questions_sample
from minigen.model import AutoregressiveModel, States, checked_order, counted
from minigen.nn.arrays import RNGLike
from minigen.nn.module import Parameter

MOST = 1 << 24
"""Parameters that a table may have: 64 MiB in float32."""


class MarkovChain(AutoregressiveModel):
    """p(x) = Πᵢ p(xᵢ | x_{i−k}, …, x_{i−1}) over D variables with states 0 … K−1.

    order: k, from 0 to D − 1; states: K.
    homogeneous: whether all positions from the k-th on share one table, the usual chain in time; otherwise each
        position of an image has its own.

    `logits[row]` are the K − 1 numbers of `questions_log_prob` for one context of one position.
    """

    def __init__(self, D: int, order: int = 1, states: int = 2, homogeneous: bool = False):
        order = checked_order(order, D)
        if states < 2:
            raise ValueError(f"a variable has at least 2 states, got {states}")
        tables = order + 1 if homogeneous else D
        contexts = [states ** min(i, order) for i in range(tables)]
        if sum(contexts) * (states - 1) > MOST:
            raise ValueError(
                f"order {order} over {D} variables with {states} states needs {sum(contexts) * (states - 1):,} "
                f"parameters, more than {MOST:,}: every step of the order multiplies them by {states}; lower it"
            )
        self.D, self.order, self.num_states, self.values = D, order, states, States(states)
        first = np.cumsum([0, *contexts])
        self.first_row = [int(first[min(i, tables - 1)]) for i in range(D)]
        with backend.use("numpy"):  # a table is looked up, for which it need not be on a device
            self.logits = Parameter(np.zeros((sum(contexts), states - 1)))

    def row(self, x: np.ndarray, i: int) -> np.ndarray:
        """The row of `logits` that variable i is drawn from: its past as a number in base K.  x: (n, D) → (n,)."""
        nearest_first = x[:, max(0, i - self.order) : i][:, ::-1].astype(int)
        return self.first_row[i] + nearest_first @ self.num_states ** np.arange(nearest_first.shape[1])

    def rows(self, x: np.ndarray) -> np.ndarray:
        """`row` for every variable: (n, D) → (n, D)."""
        return np.stack([self.row(x, i) for i in range(self.D)], axis=1)

    def log_prob(self, x: Any) -> Any:
        x = self.checked(x)
        return np.sum(questions_log_prob(x, self.logits[self.rows(x)]), axis=1)

    def fit(self, x: Any, smoothing: float = 1.0) -> MarkovChain:
        """Maximum likelihood in closed form: the frequency of each state after each context (I-4).

        smoothing: Laplace's; each state is counted that often in each context beside the data, which gives the mean of
            the posterior under a Dirichlet prior. With 0, what was never seen has probability 0, and ln p is −∞.
        """
        x = self.checked(x)
        contexts, K = len(self.logits), self.num_states
        counts = np.bincount((self.rows(x) * K + x).ravel(), minlength=contexts * K).reshape(contexts, K)
        at_least = np.cumsum((counts + counted(smoothing))[:, ::-1], axis=1)[:, ::-1]  # how often x ≥ j
        more, equal = at_least[:, 1:], (counts + smoothing)[:, :-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            self.logits.data[...] = np.where(more + equal == 0, 0, np.log(more) - np.log(equal))
        return self

    def continued(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        for i in range(k, self.D):
            x[:, i] = questions_sample(self.logits.data[self.row(x, i)], rng=rng)
        return x

    def conditionals(self, i: int) -> np.ndarray:
        """p(xᵢ = s | context) for every context of position i: (contexts, K), rows in base K, nearest past last."""
        rows = self.first_row[i] + np.arange(self.num_states ** min(i, self.order))
        logits = self.logits.data[rows]
        return np.exp([questions_log_prob(np.full(len(rows), s), logits) for s in range(self.num_states)]).T


def stationary_distribution(transitions: np.ndarray) -> np.ndarray:
    """The π with π P = π, Σ π = 1, of a chain of order 1.  transitions: P, (K, K), rows sum to 1 → (K,)."""
    K = len(transitions)
    equations = np.vstack([transitions.T - np.eye(K), np.ones(K)])
    return np.linalg.lstsq(equations, np.append(np.zeros(K), 1), rcond=None)[0]
