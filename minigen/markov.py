"""The Markov assumption: a variable depends on the k variables before it alone (lecture: Markov Assumption).

    p(x) = Πᵢ p(xᵢ | x_{i−k}, …, x_{i−1})

A context is one of the Kᵏ combinations of states that these k variables can have. Each context has its own distribution
of the next state, with K − 1 parameters. A binary chain has 2ᵏ − 1 + (D − k) 2ᵏ parameters: D for k = 0, independent
pixels; 2D − 1 for the lecture's k = 1; 2ᴰ − 1 for k = D − 1, the full table (I-2).
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
"""The largest number of parameters of a chain: 64 MiB in float32."""


class MarkovChain(AutoregressiveModel):
    """Markov chain of order k: p(x) = Πᵢ p(xᵢ | x_{i−k}, …, x_{i−1}) over D variables with the states 0 … K − 1.

    D: the number of variables.
    order: k, from 0 to D − 1.
    states: K, at least 2; the field is `num_states`.
    homogeneous: True: all positions i ≥ k, counted from 0, share one table of probabilities, the usual chain in
        time. False: each position has a table of its own, which suits the pixels of an image.

    logits: the parameters, (contexts of all tables, K − 1), at first 0. A row belongs to one context of one table. Its
        number j = 0 … K − 2 is ln p(xᵢ > j) / p(xᵢ = j), given the context, see `distributions.questions_log_prob`.

    Raises ValueError for another order, for fewer than 2 states and for more than 2²⁴ parameters.
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
                f"parameters, more than {MOST:,}: lower the order: each step down divides them by about {states}"
            )
        self.D, self.order, self.num_states, self.values = D, order, states, States(states)
        self.homogeneous = homogeneous
        self._first_rows = [int(first) for first in np.cumsum([0, *contexts[:-1]])]
        with backend.use("numpy"):  # the table is only indexed, so it stays on the host
            self.logits = Parameter(np.zeros((sum(contexts), states - 1)))

    def first_row(self, i: int) -> int:
        """Return the first row of `logits` that belongs to the table of position i, counted from 0."""
        return self._first_rows[min(i, len(self._first_rows) - 1)]

    def row(self, x: np.ndarray, i: int) -> np.ndarray:
        """Index of the row of `logits` for variable i of each vector: first_row(i) + the context as a number in base K.

        x: integer states, (n, D) → (n,). The context is the `order` variables before i (all i, if i < order), with the
        last digit x_{i−1}. i: the position, counted from 0.
        """
        nearest_first = x[:, max(0, i - self.order) : i][:, ::-1].astype(int)
        return self.first_row(i) + nearest_first @ self.num_states ** np.arange(nearest_first.shape[1])

    def rows(self, x: np.ndarray) -> np.ndarray:
        """The row of `logits` for each variable of each vector.  x: integer states, (n, D) → (n, D)."""
        return np.stack([self.row(x, i) for i in range(self.D)], axis=1)

    def log_prob(self, x: Any) -> Any:
        x = self.checked(x)
        return np.sum(questions_log_prob(x, self.logits[self.rows(x)]), axis=1)

    def fit(self, x: Any, smoothing: float = 1.0) -> MarkovChain:
        """Fit in closed form: set each probability to the smoothed frequency of a state after a context (I-4).

        Returns the model.
        x: integer states 0 … K − 1, (n, D).
        smoothing: Laplace smoothing, a number added to the count of each state after each context. The probabilities
            are then the mean of the posterior under a Dirichlet prior. 0 is maximum likelihood: a state that never
            follows a context has probability 0 there, and ln p is −∞. But a context that never occurs gets the logits
            0, that is p = ½, ¼, ⅛, … for the states 0, 1, 2, …, the last two equal.
        """
        x = self.checked(x)
        contexts, K = len(self.logits), self.num_states
        counts = np.bincount((self.rows(x) * K + x).ravel(), minlength=contexts * K).reshape(contexts, K)
        at_least = np.cumsum((counts + counted(smoothing))[:, ::-1], axis=1)[:, ::-1]  # the counts of x ≥ j
        more, equal = at_least[:, 1:], (counts + smoothing)[:, :-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            self.logits.data[...] = np.where(more == equal, 0, np.log(more) - np.log(equal))
        return self

    def continued(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        for i in range(k, self.D):
            x[:, i] = questions_sample(self.logits.data[self.row(x, i)], rng=rng)
        return x

    def conditionals(self, i: int) -> np.ndarray:
        """p(xᵢ = s | context) for each context of position i and each state s: (contexts, K), rows sum to 1.

        i: the position, counted from 0. It has K^min(i, order) contexts. Row r is the context that is the number r in
        base K; its last digit is the state of the nearest variable, x_{i−1}.
        """
        rows = self.first_row(i) + np.arange(self.num_states ** min(i, self.order))
        logits = self.logits.data[rows]
        return np.exp([questions_log_prob(np.full(len(rows), s), logits) for s in range(self.num_states)]).T


def stationary_distribution(transitions: np.ndarray) -> np.ndarray:
    """The distribution π with π P = π and Σ π = 1, for a chain of order 1: (K,).

    transitions: P, (K, K), Pₛₜ = p(next state t | state s); each row sums to 1 (not
    checked). If several π are stationary, the one with the smallest Σ π² is returned.
    """
    K = len(transitions)
    equations = np.vstack([transitions.T - np.eye(K), np.ones(K)])
    return np.linalg.lstsq(equations, np.append(np.zeros(K), 1))[0]
