"""RNADE: NADE for real-valued vectors (lecture: NADE; Uria, Murray and Larochelle 2013, "RNADE: The real-valued neural
autoregressive density-estimator").

    p(x) = Πᵢ p(xᵢ | x_<ᵢ),    p(xᵢ | x_<ᵢ) = Σ_c π_ic N(xᵢ; μ_ic, σ²_ic)

The logits of π, the means μ and the ln σ² of the C Gaussians are affine in hᵢ = σ(ρᵢ aᵢ), with aᵢ = c + Σ_{j<i} xⱼ Wⱼ.
The learned scale ρᵢ corrects for the number of terms in the sum, which grows with i.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigen.distributions import Mixture, Normal
from minigen.model import AutoregressiveModel
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import sigmoid
from minigen.nn.layers import normal
from minigen.nn.module import Parameter


class RNADE(AutoregressiveModel):
    """RNADE: p(x) = Πᵢ p(xᵢ | x_<ᵢ) over D real numbers, each conditional a mixture of C Gaussians.

    D: the length of x. H: the number of hidden units. components: C, the number of Gaussians.
    W: weights, (D, H). c: (H,). rho: ρ, (D,). V: (D, H, 3C), b: (D, 3C): the last axis has the C logits of π, then C μ,
    then C ln σ². Together DH + H + D + 3CD (H + 1) parameters.

    Standardise the data first: the means start around 0 and the variances around 1.
    The hidden states of a batch take O(batch · D · H) memory.
    """

    def __init__(self, D: int, H: int, components: int = 5, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.D, self.H, self.components = D, H, components
        self.W = Parameter(normal((D, H), scale=1 / np.sqrt(D), rng=rng))
        self.c = Parameter(np.zeros(H))
        self.rho = Parameter(np.ones(D))
        self.V = Parameter(normal((D, H, 3 * components), scale=1 / np.sqrt(H), rng=rng))
        start = [np.zeros(components), np.linspace(-1, 1, components), np.zeros(components)]
        self.b = Parameter(np.tile(np.concatenate(start), (D, 1)))

    def conditionals(self, x: Any) -> Mixture:
        """The conditionals p(xᵢ | x_<ᵢ) for all i: a Mixture of C Normals over (D, batch), the variable first.

        x: (batch, D), as `checked` returns it. `conditionals(x).log_prob(x.T)` is (D, batch), in nats.
        """
        steps = x.T[:, :, None] * self.W[:, None, :]  # xⱼ Wⱼ: (D, batch, H)
        before = np.concatenate([np.zeros_like(steps[:1]), np.cumsum(steps, axis=0)[:-1]])
        return self._mixture(before, self.rho[:, None, None], self.V, self.b[:, None, :])

    def _mixture(self, before: Any, rho: Any, V: Any, b: Any) -> Mixture:
        """p(xᵢ | x_<ᵢ), where before = Σ_{j<i} xⱼ Wⱼ and rho, V, b are the parameters of variable i."""
        out = sigmoid(rho * (self.c + before)) @ V + b
        C = self.components
        return Mixture(out[..., :C], Normal(mean=out[..., C : 2 * C], log_var=out[..., 2 * C :]))

    def log_prob(self, x: Any) -> Any:
        x = self.checked(x)
        return np.sum(self.conditionals(x).log_prob(x.T), axis=0)

    def continued(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        before = np.zeros((len(x), self.H), x.dtype)
        for i in range(self.D):
            if i >= k:
                x[:, i] = self._mixture(before, self.rho.data[i], self.V.data[i], self.b.data[i]).sample(rng=rng)
            before += x[:, i, None] * self.W.data[i]
        return x
