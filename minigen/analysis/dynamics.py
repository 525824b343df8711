"""How the adversarial game moves near its end, on the smallest of games (Mescheder, Geiger and Nowozin 2018).

The Dirac-GAN: all data at 0, the generator makes the one number θ, and the critic s(x) = ψ x has a single weight. The
end of the game is θ = ψ = 0. Each player descends on its own loss, so the game follows a field that is no gradient:

    v(θ, ψ) = (−∂L_G/∂θ, −∂L_D/∂ψ),    J = ∂v/∂(θ, ψ) at 0 = [[0, g], [−d, −γ]].

Its eigenvalues −γ/2 ± √(γ²/4 − d g) say how they move near the end. Without a penalty (γ = 0) they are imaginary, and
the players turn about the end; with γ > 0 they come closer, on a spiral while γ² < 4 d g. In steps of η, simultaneous
players multiply by I + ηJ, without penalty of modulus √(1 + η² d g), and spiral outwards; alternating ones keep areas,
determinant 1.

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
"""d and g of each objective: how fast the critic answers to θ, and the generator to ψ, near the end. The least-squares
critic has d = 0: scores of 1 for data at 0 are out of its reach without a bias, so it does not answer."""

DATA = np.zeros((1, 1))


@dataclass(frozen=True)
class DiracGAN:
    """objective: one of `gan.OBJECTIVES`; penalty: None or one of `penalties.PENALTIES`, of this weight."""

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
        """What the generator at θ minimises, given the critic s(x) = ψx."""
        return OBJECTIVES[self.objective].generator(psi * theta)

    def critic_loss(self, theta: Any, psi: Any) -> Any:
        """What the critic s(x) = ψx minimises, its penalty included, given the generator at θ."""
        loss = OBJECTIVES[self.objective].discriminator(psi * DATA, psi * theta)
        if self.penalty is None:
            return loss
        fake = np.reshape(plain(theta), (1, 1))
        # the gradient of this critic is ψ everywhere: which points are drawn does not matter
        return loss + PENALTIES[self.penalty](lambda x: psi * x, DATA, fake, self.weight, rng=0)

    def field(self, theta: Any, psi: Any) -> tuple[Any, Any]:
        """Which way each player wants to go: v, by the losses that a real network is trained on."""
        theta, psi = theta * 1, psi * 1  # names of their own: neither moves because it was made of the other
        of_generator = grad(self.generator_loss(theta, psi), theta, create_graph=True)
        of_critic = grad(self.critic_loss(theta, psi), psi, create_graph=True)
        return -of_generator, -of_critic

    def step(self, state: Any, eta: float, alternating: bool) -> Any:
        """Both players' steps of η at once, or the critic's and then the generator's.  (θ, ψ) → (θ, ψ)."""
        state = state if isinstance(state, Tensor) else Tensor(state, requires_grad=True)
        theta, psi = state[0], state[1]
        toward_theta, toward_psi = self.field(theta, psi)
        new_psi = psi + eta * toward_psi
        if alternating:
            toward_theta, _ = self.field(theta, new_psi)
        return np.stack([theta + eta * toward_theta, new_psi])

    def trajectory(self, start: tuple[float, float], eta: float, steps: int, alternating: bool = False) -> np.ndarray:
        """Where the players have been: (steps + 1, 2)."""
        states = [np.array(start, float)]
        for _ in range(steps):
            states.append(plain(self.step(states[-1], eta, alternating)))
        return np.stack(states)

    def jacobian(self) -> np.ndarray:
        """J at the end of the game, by differentiating the field."""
        return plain(jacobian(lambda state: np.stack(self.field(state[0], state[1])), np.zeros(2)))

    def step_matrix(self, eta: float, alternating: bool) -> np.ndarray:
        """What one step multiplies a small distance from the end by, by differentiating it."""
        return plain(jacobian(lambda state: self.step(state, eta, alternating), np.zeros(2)))

    def predicted(self) -> tuple[complex, complex]:
        """The two eigenvalues of J by the formula. The gradient penalty pulls |ψ| to 1, so 0 is no end with it."""
        if self.penalty == "gradient":
            raise ValueError("the gradient penalty wants a slope of 1, so (0, 0) is no end of the game with it")
        if self.objective not in CURVATURES:
            raise ValueError(f"no curvatures d, g are written down in CURVATURES for the objective {self.objective!r}")
        d, g = CURVATURES[self.objective]
        gamma = self.weight if self.penalty else 0.0
        root = cmath.sqrt(gamma**2 / 4 - d * g)
        return -gamma / 2 + root, -gamma / 2 - root
