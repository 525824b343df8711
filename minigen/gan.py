"""The generative adversarial network (lecture: Generative Adversarial Network; Goodfellow et al. 2014).

    min_G max_D V(D, G) = E_{x~p_data}[ln D(x)] + E_{z~p(z)}[ln(1 − D(G(z)))],    D = σ(logit)

The discriminator raises V. Where it is at its best against a generator that equals the data, D ≡ ½ and V = −log 4.
What is true of V without any network is in `divergences`; how the game moves near its end, in `dynamics`.

Every loss here is of logits, what the discriminator says before σ, of any shapes: `real` of data, `fake` of what the
generator made. Some objectives are not about probabilities; theirs are scores, and the network is called a critic.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigen.distributions import bernoulli_log_prob
from minigen.model import ImplicitModel, in_blocks
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.functions import relu
from minigen.nn.module import Module, evaluating, whole
from minigen.priors import Prior
from minigen.training.optim import Adam
from minigen.training.steps import Means, Move, Moves, MovingStep

# -- what each player minimises


def value(real: Any, fake: Any) -> Any:
    """V(D, G) in nats."""
    return np.mean(bernoulli_log_prob(1, real)) + np.mean(bernoulli_log_prob(0, fake))


def discriminator_loss(real: Any, fake: Any) -> Any:
    """−V(D, G)."""
    return -value(real, fake)


def minimax_loss(fake: Any) -> Any:
    """E[ln(1 − D(G(z)))], the generator's part of V: −D is its slope at each logit, gone where D is sure."""
    return np.mean(bernoulli_log_prob(0, fake))


def non_saturating_loss(fake: Any) -> Any:
    """−E[ln D(G(z))]: the same end, and slopes of −(1 − D), largest where D is sure (Goodfellow et al. 2014)."""
    return -np.mean(bernoulli_log_prob(1, fake))


def least_squares_discriminator_loss(real: Any, fake: Any) -> Any:
    """½ E[(s(x) − 1)²] + ½ E[s(G(z))²]: scores of 1 for data and 0 for the rest (Mao et al. 2017, equation 9)."""
    return 0.5 * np.mean((real - 1) ** 2) + 0.5 * np.mean(fake**2)


def least_squares_generator_loss(fake: Any) -> Any:
    """½ E[(s(G(z)) − 1)²]."""
    return 0.5 * np.mean((fake - 1) ** 2)


def hinge_discriminator_loss(real: Any, fake: Any) -> Any:
    """E[max(0, 1 − s(x))] + E[max(0, 1 + s(G(z)))]: nothing to gain beyond ±1 (Lim and Ye 2017)."""
    return np.mean(relu(1 - real)) + np.mean(relu(1 + fake))


def critic_loss(real: Any, fake: Any) -> Any:
    """E[s(G(z))] − E[s(x)]: at its least over critics of slope at most 1, it is minus the Wasserstein distance W₁
    (Arjovsky et al. 2017). It needs `gradient_penalty`, or spectral normalisation, to hold the slope."""
    return np.mean(fake) - np.mean(real)


def score_loss(fake: Any) -> Any:
    """−E[s(G(z))]."""
    return -np.mean(fake)


class Objective(NamedTuple):
    """discriminator: (real, fake) → loss; generator: fake → loss. In nats for the first two, else in no unit."""

    discriminator: Callable[[Any, Any], Any]
    generator: Callable[[Any], Any]


OBJECTIVES = {
    "minimax": Objective(discriminator_loss, minimax_loss),
    "non-saturating": Objective(discriminator_loss, non_saturating_loss),
    "least-squares": Objective(least_squares_discriminator_loss, least_squares_generator_loss),
    "hinge": Objective(hinge_discriminator_loss, score_loss),
    "wasserstein": Objective(critic_loss, score_loss),
}


# -- the model


class GAN(ImplicitModel):
    """A generator z → x and a discriminator x → logit, with what each of them minimises.

    generator: (n, d) → (n, D). discriminator: (n, D) → (n, 1); data and fakes pass it as one batch, so it must judge
    each row for itself: no batch normalisation there. prior: p(z), over d numbers.
    objective: one of OBJECTIVES. penalty: None, or a function of (discriminator, real, fake, rng=…) that the
    discriminator's loss is raised by, see `penalties`.

    averaged: whether there is a second generator, `average`, whose weights are a moving average of the first one's
    (`Game` moves it). It circles less around the end of the game: then `sample` and `generate` use it. Its weights
    count among those of the GAN, as they are saved with them.
    """

    block = 500

    def __init__(
        self,
        generator: Module,
        discriminator: Module,
        prior: Prior,
        D: int,
        objective: str = "non-saturating",
        penalty: Callable[..., Any] | None = None,
        averaged: bool = True,
    ):
        if objective not in OBJECTIVES:
            raise ValueError(f"objective must be one of {', '.join(OBJECTIVES)}, got {objective!r}")
        if prior.parameters():
            raise ValueError(f"{type(prior).__name__} has parameters to learn, and no step of a GAN changes its prior")
        self.generator, self.discriminator, self.prior = generator, discriminator, prior
        self.average = copy.deepcopy(generator) if averaged else None
        self.D, self.d = D, prior.d
        self.objective, self.penalty = OBJECTIVES[objective], penalty

    def fakes(self, n: int, *, rng: RNGLike = None) -> Any:
        """G(z) of n draws of the prior, with the way back to the generator: (n, D)."""
        fake = self.generator(self.placed(self.prior.sample(n, rng=rng)))
        if fake.shape != (n, self.D):
            raise ValueError(f"the generator makes {fake.shape} of {n} draws of z; it should be {(n, self.D)}")
        return fake

    def logits(self, real: Any, fake: Any) -> tuple[Any, Any]:
        """What the discriminator says of both, in one pass."""
        both = self.discriminator(np.concatenate([real, fake]))
        return both[: len(real)], both[len(real) :]

    def discriminator_loss(self, real: Any, fake: Any, *, rng: RNGLike = None) -> Any:
        """The objective and the penalty, for data and fakes, both plain arrays."""
        rng = np.random.default_rng(rng)
        loss = self.objective.discriminator(*self.logits(real, fake))
        return loss if self.penalty is None else loss + self.penalty(self.discriminator, real, fake, rng=rng)

    def generator_loss(self, fake: Any) -> Any:
        """The generator's, whose gradient passes the discriminator on its way."""
        return self.objective.generator(self.discriminator(fake))

    def validation_loss(self, images: np.ndarray) -> float:
        """The discriminator's loss, without penalty, on images that it did not learn from: how far it tells them from
        as many of `sample`. It says where the game stands, not how good the samples are."""
        images = self.checked(images)
        fake = self.placed(self.sample(len(images), rng=0))
        real, fake = (in_blocks(self.discriminator, x, self.block) for x in (images, fake))
        return float(self.objective.discriminator(real, fake))

    def generate(self, z: Any) -> np.ndarray:
        """The images of these z.  (…, d) → (…, D)."""
        z, generator = self.placed(z), self.average or self.generator
        with evaluating(generator):
            return in_blocks(generator, z.reshape(-1, self.d), self.block).reshape(*z.shape[:-1], self.D)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        return self.generate(self.prior.sample(n, rng=rng))


class Game(MovingStep):
    """The step of training that `fit` takes in place of an optimizer: both players move, each by its own Adam.

    A batch is cut into `discriminator_steps` parts. The discriminator takes a step on each, against new fakes; then the
    generator takes one, against the last of them. With `simultaneous` both move at once from where they stand.
    memory: m of the generator's moving average; it begins shorter, so that the first weights are soon forgotten.
    Of several ranks (`minigen.training.parallel`) each cuts its own part of a batch.
    """

    remembered = (*MovingStep.remembered, "t", "mean_losses")
    settings = ("discriminator_steps", "simultaneous", "memory")

    def __init__(
        self,
        gan: GAN,
        generator_rate: float,
        discriminator_rate: float,
        betas: tuple[float, float] = (0.5, 0.999),
        discriminator_steps: int = 1,
        simultaneous: bool = False,
        memory: float = 0.99,
    ):
        self.discriminator_steps = whole(discriminator_steps, 1, "discriminator_steps")
        if simultaneous and discriminator_steps != 1:
            raise ValueError(f"simultaneous players take one step each, got discriminator_steps={discriminator_steps}")
        if not 0 <= memory < 1:
            raise ValueError(f"memory must be at least 0 and below 1, got {memory}")
        self.model, self.simultaneous, self.memory = gan, simultaneous, memory
        self.generator = Adam(gan.generator, generator_rate, betas)
        self.discriminator = Adam(gan.discriminator, discriminator_rate, betas)
        self.optimizers = [self.discriminator, self.generator]
        self.losses: dict[str, float] = {}
        self.mean_losses, self.t = Means(), 0

    def moves(self, x: np.ndarray, rng: np.random.Generator) -> Moves:
        """The players' moves, the generator's last."""
        gan = self.model
        for real in np.array_split(x, self.discriminator_steps):
            fake = gan.fakes(len(real), rng=rng)
            loss = gan.discriminator_loss(real, plain(fake), rng=rng)
            of_discriminator = Move(self.discriminator, loss, "discriminator's loss")
            if not self.simultaneous:
                yield (of_discriminator,)
        of_generator = Move(self.generator, gan.generator_loss(fake), "generator's loss")
        yield (of_discriminator, of_generator) if self.simultaneous else (of_generator,)

    def __call__(self, x: np.ndarray, rng: np.random.Generator) -> float:
        """Take one step and return the discriminator's loss, the last of them.

        `losses` has both players', and `mean_losses()` returns the means of an epoch, as a `measure` of `fit`.
        """
        x = self.checked(x)
        if len(x) < (parts := self.discriminator_steps):
            raise ValueError(f"a batch of {len(x)} cannot be cut into {parts} parts, one for each step")
        *_, of_discriminator, of_generator = self.take(x, rng)
        self.remember()
        self.losses = {"discriminator": of_discriminator, "generator": of_generator}
        self.mean_losses.add(self.losses)
        return of_discriminator

    def remember(self) -> None:
        """average ← m average + (1 − m) generator, for every array of real numbers that they hold."""
        self.t += 1
        m, arrays = min(self.memory, self.t / (10 + self.t)), self.model.generator.arrays()
        for name, average in self.model.average.arrays().items() if self.model.average else ():
            if average.dtype.kind == "f":
                average += (1 - m) * (arrays[name] - average)
