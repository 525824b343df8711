"""Decoders: p(x|z), the likelihood of an image given its latent (lecture: Variational Auto-Encoder).

A decoder's body, any layers, computes the parameters of the likelihood from z. `decoder(z)` is a distribution over
images, with `log_prob` in nats and `sample`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigen.distributions import Bernoulli, Independent, Normal
from minigen.model import Binary, Real, Values
from minigen.nn.functions import sigmoid
from minigen.nn.module import Module, Parameter, whole


class Decoder(Module):
    """Base class: the likelihood p(x|z) = Πᵢ p(xᵢ|z) over D pixels. decoder(z) returns it as a distribution.

    A subclass sets the class attribute `values` and implements `__call__` and `mean`.
    body: layers, z (…, d) → one parameter for each pixel (…, D). D: pixels in an image.
    values: `Binary()`, `Real()` or `States(count)`, the pixel values that a model with this decoder accepts.
    """

    values: Values

    def __init__(self, body: Callable[[Any], Any], D: int):
        self.body, self.D = body, whole(D, 1, "D, the pixels in an image,")

    def __call__(self, z: Any) -> Independent:
        """Return p(x|z), a distribution over images (…, D).  z: (…, d)."""
        raise NotImplementedError

    def mean(self, z: Any) -> Any:
        """The mean image E[x|z], shown as the reconstruction.  z: (…, d) → (…, D)."""
        raise NotImplementedError


class BernoulliDecoder(Decoder):
    """Likelihood of binary pixels: p(xᵢ = 1|z) = σ(lᵢ).

    body: layers, z (…, d) → logits l (…, D). D: pixels in an image.
    """

    values = Binary()

    def __call__(self, z: Any) -> Independent:
        return Independent(Bernoulli(self.body(z)))

    def mean(self, z: Any) -> Any:
        return sigmoid(self.body(z))


class GaussianDecoder(Decoder):
    """Likelihood of real pixels: N(μ(z), σ²).

    body: layers, z (…, d) → means μ (…, D). D: pixels in an image. variance: initial value of σ².
    learned: True if training changes σ². per_pixel: True for one σ² per pixel, False for one σ² in all.
    log_var: ln σ², (D,) or (1,), a Parameter if `learned`, else an array.
    Raises ValueError unless `variance` is positive and finite.
    """

    values = Real()

    def __init__(
        self, body: Callable[[Any], Any], D: int, variance: float = 1.0, learned: bool = True, per_pixel: bool = False
    ):
        super().__init__(body, D)
        if not 0 < variance < np.inf:
            raise ValueError(f"variance must be positive and finite, got {variance}")
        log_var = Parameter(np.full(D if per_pixel else 1, np.log(variance)))
        self.log_var = log_var if learned else log_var.data

    def __call__(self, z: Any) -> Independent:
        return Independent(Normal(self.body(z), self.log_var))

    def mean(self, z: Any) -> Any:
        return self.body(z)
