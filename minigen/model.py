"""What the lecture calls an explicit model: one that has a density, and can also draw from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigen.nn import Module


class ExplicitModel(Module):
    """A distribution over binary vectors of length D, with `log_prob` to evaluate it and `sample` to draw from it."""

    D: int

    def log_prob(self, x: Any) -> Any:
        """ln p(x) in nats.  x: (batch, D) in {0, 1} → (batch,)."""
        raise NotImplementedError

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """`n` independent draws: (n, D) in {0, 1}."""
        raise NotImplementedError

    def nll(self, x: Any) -> Any:
        """Negative log-likelihood −E[ln p(x)] in nats: the mean over the batch, and the loss of maximum likelihood."""
        return -np.mean(self.log_prob(x))

    def binary(self, x: Any) -> np.ndarray:
        """`x` in the parameters' dtype, refused unless it is a batch of binary vectors of length D."""
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.D:
            raise ValueError(f"{type(self).__name__} takes a batch of shape (n, {self.D}), got {x.shape}")
        if not np.all((x == 0) | (x == 1)):
            raise ValueError(
                f"{type(self).__name__} takes pixels in {{0, 1}}, got values from {x.min():g} to {x.max():g}; "
                "binarise them first"
            )
        return x.astype(self.flat.dtype, copy=False)
