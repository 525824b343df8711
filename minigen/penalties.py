"""Penalties on ∇ₓ s(x), the gradient of a discriminator's score by its input: they keep the discriminator smooth.

Training on a penalty differentiates a gradient: the engine records the first backward pass and differentiates it again.
Each penalty is a mean over the batch, to be added to the discriminator's loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import Tensor, backend, grad
from minigen.nn.arrays import RNGLike

Critic = Callable[[Any], Any]


def slopes(critic: Critic, x: Any) -> Any:
    """The gradient ∇ₓ s(x) of the score for each row of x, a Tensor that can be differentiated again.

    critic: s, (n, …) → (n, 1); each score depends on its own row only, so ∂(Σ s)/∂x has each row's own gradient.
    x: (n, …) → (n, D), where a row has D numbers in all.
    """
    x = Tensor(x, requires_grad=True)
    return grad(np.sum(critic(x)), x, create_graph=True).reshape(len(x), -1)


def gradient_penalty(
    critic: Critic,
    real: Any,
    fake: Any,
    weight: float = 10,
    *,
    rng: RNGLike = None,
) -> Any:
    """λ E[(‖∇s(x̂)‖ − 1)²] at random points x̂ between `real` and `fake`.

    This is the penalty of WGAN-GP (Gulrajani et al. 2017).
    critic: s, (n, …) → (n, 1), each row on its own.
    real, fake: data and generated images, both (n, …), paired by row.
    weight: λ. Where the norm is 0, its gradient is taken as 0.
    """
    rng = np.random.default_rng(rng)
    shape = (len(real), *[1] * (real.ndim - 1))  # one u for each pair
    u = backend.beside(rng.random(shape).astype(real.dtype), real)
    norm = np.linalg.norm(slopes(critic, u * real + (1 - u) * fake), axis=1)
    return weight * np.mean((norm - 1) ** 2)


def r1_penalty(
    critic: Critic,
    real: Any,
    fake: Any,
    weight: float = 10,
    *,
    rng: RNGLike = None,
) -> Any:
    """½ γ E[‖∇s(x)‖²] at the data x (Mescheder et al. 2018).

    The penalty makes the discriminator flat at the data, as at equilibrium.
    critic: s, (n, …) → (n, 1), each row on its own.
    real: data x, (n, …). weight: γ. fake, rng: not used.
    For a discriminator D = σ(s) the penalty is on the logit s. As ∇D = D (1 − D) ∇s, a
    penalty on ‖∇D‖² would be 16 times smaller where D = ½.
    """
    return 0.5 * weight * np.mean(np.sum(slopes(critic, real) ** 2, axis=1))


PENALTIES = {"gradient": gradient_penalty, "r1": r1_penalty}
