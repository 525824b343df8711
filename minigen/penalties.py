"""What keeps a discriminator from becoming too steep: penalties on ∇ₓ D(x), the gradient by what it is shown.

To descend on one is to differentiate a gradient: the engine records the first backward pass and runs through it again.
Each is a number to be added to the discriminator's loss, a mean over the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import Tensor, backend, grad
from minigen.nn.arrays import RNGLike

Critic = Callable[[Any], Any]


def slopes(critic: Critic, x: Any) -> Any:
    """∇ₓ s(x) for every row, which can be differentiated again.  x: (n, …) → (n, the numbers in a row).

    critic: (n, …) → (n, 1), each row for itself: then the gradient of Σ s by a row is that row's own.
    """
    x = Tensor(x, requires_grad=True)
    return grad(np.sum(critic(x)), x, create_graph=True).reshape(len(x), -1)


def gradient_penalty(critic: Critic, real: Any, fake: Any, weight: float = 10, *, rng: RNGLike = None) -> Any:
    """λ E[(‖∇s(x̂)‖ − 1)²], x̂ at a random place between an image and a fake (WGAN-GP, Gulrajani et al. 2017).

    The norm is over all numbers of a row; where it is 0, its own gradient is taken as 0. weight: λ.
    """
    rng = np.random.default_rng(rng)
    u = backend.beside(rng.random((len(real), *[1] * (real.ndim - 1))).astype(real.dtype), real)
    norm = np.linalg.norm(slopes(critic, u * real + (1 - u) * fake), axis=1)
    return weight * np.mean((norm - 1) ** 2)


def r1_penalty(critic: Critic, real: Any, fake: Any, weight: float = 10, *, rng: RNGLike = None) -> Any:
    """½ γ E[‖∇s(x)‖²] at the data: a discriminator that is flat where it should end (Mescheder et al. 2018).

    weight: γ. Fakes and generator are not used.
    """
    return 0.5 * weight * np.mean(np.sum(slopes(critic, real) ** 2, axis=1))


PENALTIES = {"gradient": gradient_penalty, "r1": r1_penalty}
