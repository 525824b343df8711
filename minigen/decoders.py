"""Decoders: p(x|z), the likelihood of an image given its latent (lecture: Variational Auto-Encoder).

A decoder's body, any layers, makes numbers of z; what they mean is the likelihood. `decoder(z)` is a distribution over
images, which can be scored and drawn from.
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
    """p(x|z) = Πᵢ p(xᵢ|z) over D pixels.

    values: which values of a pixel have a density; those that a model with this decoder takes.
    """

    values: Values

    def __init__(self, body: Callable[[Any], Any], D: int):
        self.body, self.D = body, whole(D, 1, "D, the pixels in an image,")

    def __call__(self, z: Any) -> Independent:
        """The distribution of the images.  (…, d) → over (…, D)."""
        raise NotImplementedError

    def mean(self, z: Any) -> Any:
        """E[x|z]: what a picture of a reconstruction shows.  (…, d) → (…, D)."""
        raise NotImplementedError


class BernoulliDecoder(Decoder):
    """Binary pixels: the body makes D logits."""

    values = Binary()

    def __call__(self, z: Any) -> Independent:
        return Independent(Bernoulli(self.body(z)))

    def mean(self, z: Any) -> Any:
        return sigmoid(self.body(z))


class GaussianDecoder(Decoder):
    """Real pixels, N(μ(z), σ²): the body makes D means.

    variance: σ², where learning starts, or with `learned=False` where it stays. per_pixel: one σ² for each pixel.
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
