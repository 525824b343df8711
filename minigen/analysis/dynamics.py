"""The adversarial game near its equilibrium, for the smallest GAN (Mescheder, Geiger and Nowozin 2018).

The Dirac-GAN: all data are 0, the generator makes one number θ, and the critic s(x) = ψ x has a single weight. The
equilibrium is θ = ψ = 0. Each player descends on its own loss, so the game follows a vector field v, which is not the
gradient of one function:

    v(θ, ψ) = (−∂L_G/∂θ, −∂L_D/∂ψ),    J = ∂v/∂(θ, ψ) at 0 = [[0, g], [−d, −γ]].

The eigenvalues −γ/2 ± √(γ²/4 − d g) of J give the motion near the equilibrium. Without a penalty (γ = 0) they are
imaginary if d g > 0, and the players circle around the equilibrium. With γ > 0 and d g > 0 the players approach it, on
a spiral if γ² < 4 d g. The least-squares critic has d = 0 and so an eigenvalue 0: with γ > 0 ψ falls to 0, and θ stops
where it then is, in general not at 0.

In steps of length η, simultaneous steps multiply (θ, ψ) by I + ηJ. Without a penalty its eigenvalues have the modulus
√(1 + η² d g), so the players spiral outwards if d g > 0: the distance √(θ² + ψ²) grows by this factor if d = g. The
matrix of alternating steps without a penalty has determinant 1: they keep areas.

With the Wasserstein objective L_D = θψ = −L_G: this is the bilinear game min_θ max_ψ −θψ.
"""

from __future__ import annotations

import cmath
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import Tensor, grad, jacobian
from minigen.gan import OBJECTIVES
from minigen.nn.arrays import plain
from minigen.penalties import PENALTIES

CURVATURES = {
    "minimax": (0.5, 0.5),
    "non-saturating": (0.5, 0.5),
    "least-squares": (0.0, 1.0),
    "hinge": (1.0, 1.0),
    "wasserstein": (1.0, 1.0),
}
"""The entries (d, g) of J for each objective: how fast the critic reacts to θ, and the generator to ψ, near 0. The
least-squares critic has d = 0: its target for the data is 1, but without a bias its score of the data is always 0."""

Rate = float | tuple[float, float]
"""A learning rate η of both players, or the pair (η_G, η_D) of the generator and of the critic."""

DATA = np.zeros((1, 1))
"""The data of the Dirac-GAN: one row, the number 0."""


@dataclass(frozen=True)
class DiracGAN:
    """The Dirac-GAN: all data are 0, the generator makes one number θ, and the critic is s(x) = ψ x.

    objective: the losses of both players, a name in `gan.OBJECTIVES`.
    penalty: None, or a name in `penalties.PENALTIES`, which is added to the critic's loss.
    weight: the penalty's factor, γ for "r1" and λ for "gradient".

    Raises ValueError for an unknown objective or penalty.
    """

    objective: str
    penalty: str | None = None
    weight: float = 0.0

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES or self.penalty not in (None, *PENALTIES):
            raise ValueError(
                f"objective must be one of {', '.join(OBJECTIVES)}, penalty None or one of {', '.join(PENALTIES)}; got "
                f"{self.objective!r} and {self.penalty!r}"
            )

    def generator_loss(self, theta: Any, psi: Any) -> Any:
        """The generator's loss L_G(θ, ψ), computed from the critic's score ψ θ of the fake θ.

        theta: θ, the generator's number. psi: ψ, the critic's weight.
        """
        return OBJECTIVES[self.objective].generator(psi * theta)

    def critic_loss(self, theta: Any, psi: Any) -> Any:
        """The critic's loss L_D(θ, ψ) plus the penalty, computed from its scores 0 of the data and ψ θ of the fake θ.

        theta: θ, the generator's number. psi: ψ, the critic's weight.
        """
        loss = OBJECTIVES[self.objective].discriminator(psi * DATA, psi * theta)
        if self.penalty is None:
            return loss
        fake = np.reshape(plain(theta), (1, 1))
        # the gradient of this critic is ψ everywhere, so the random points of the penalty do not matter
        return loss + PENALTIES[self.penalty](lambda x: psi * x, DATA, fake, self.weight, rng=0)

    def field(self, theta: Any, psi: Any) -> tuple[Any, Any]:
        """The vector field v(θ, ψ) = (−∂L_G/∂θ, −∂L_D/∂ψ), the direction in which each player descends on its own loss.

        theta: θ, the generator's number. psi: ψ, the critic's weight. Both are 0-d Tensors that require a gradient.
        The result is a pair of such Tensors, which can be differentiated again.
        """
        theta, psi = theta * 1, psi * 1  # tensors of their own: psi may be computed from theta, and must count as fixed
        of_generator = grad(self.generator_loss(theta, psi), theta, create_graph=True)
        of_critic = grad(self.critic_loss(theta, psi), psi, create_graph=True)
        return -of_generator, -of_critic

    def step(self, state: Any, eta: Rate, alternating: bool) -> Any:
        """Return (θ, ψ), a Tensor, (2,), after a step of gradient descent by each player: θ + η_G v_θ and ψ + η_D v_ψ.

        v = (−∂L_G/∂θ, −∂L_D/∂ψ) is the `field`.
        state: (θ, ψ), (2,), an array or a Tensor that requires a gradient.
        eta: η, the learning rate of both players, or the pair (η_G, η_D) of the generator and of the critic.
        alternating: False: both players step at once. True: the critic steps ψ first, then the generator θ against it.
        """
        eta_G, eta_D = np.broadcast_to(eta, 2)
        state = state if isinstance(state, Tensor) else Tensor(state, requires_grad=True)
        theta, psi = state[0], state[1]
        toward_theta, toward_psi = self.field(theta, psi)
        new_psi = psi + eta_D * toward_psi
        if alternating:
            toward_theta, _ = self.field(theta, new_psi)
        return np.stack([theta + eta_G * toward_theta, new_psi])

    def trajectory(self, start: tuple[float, float], eta: Rate, steps: int, alternating: bool = False) -> np.ndarray:
        """The states (θ, ψ) before the first step and after each step: (steps + 1, 2).

        start: the first (θ, ψ). eta: η, the learning rate, or the pair (η_G, η_D). steps: the number of steps.
        alternating: False: both players step at once. True: the critic steps first, then the generator.
        """
        states = [np.array(start, float)]
        for _ in range(steps):
            states.append(plain(self.step(states[-1], eta, alternating)))
        return np.stack(states)

    def jacobian(self) -> np.ndarray:
        """J, the derivative of the field v by (θ, ψ) at the equilibrium (0, 0), found by differentiation: (2, 2)."""
        return plain(jacobian(lambda state: np.stack(self.field(state[0], state[1])), np.zeros(2)))

    def step_matrix(self, eta: Rate, alternating: bool) -> np.ndarray:
        """The matrix that multiplies a small (θ, ψ) in one step: the derivative of `step` at the equilibrium, (2, 2).

        eta: η, the learning rate, or the pair (η_G, η_D).
        alternating: False: both players step at once. True: the critic steps first, then the generator.
        """
        return plain(jacobian(lambda state: self.step(state, eta, alternating), np.zeros(2)))

    def predicted(self) -> tuple[complex, complex]:
        """The two eigenvalues −γ/2 ± √(γ²/4 − d g) of J by this formula, with d and g from CURVATURES.

        J = [[0, g], [−d, −γ]] is the derivative of the field v by (θ, ψ) at (0, 0), where γ is `weight` with the R1
        penalty, and 0 without a penalty.
        Raises ValueError with the gradient penalty, which pulls |ψ| to 1, so that (0, 0) is no equilibrium, and for an
        objective that CURVATURES does not have.
        """
        if self.penalty == "gradient":
            raise ValueError("the gradient penalty wants a slope of 1, so (0, 0) is no equilibrium; use penalty='r1'")
        if self.objective not in CURVATURES:
            raise ValueError(f"CURVATURES has no d and g for the objective {self.objective!r}; add them")
        d, g = CURVATURES[self.objective]
        gamma = self.weight if self.penalty else 0.0
        root = cmath.sqrt(gamma**2 / 4 - d * g)
        return -gamma / 2 + root, -gamma / 2 - root
