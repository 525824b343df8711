"""The generative adversarial network (lecture: Generative Adversarial Network; Goodfellow et al. 2014).

    min_G max_D V(D, G) = E_{x~p_data}[ln D(x)] + E_{z~p(z)}[ln(1 − D(G(z)))],    D = σ(logit)

The discriminator D raises V, the generator G lowers it. If the generated images have the distribution of the data, the
best discriminator is D ≡ ½, and V = −log 4. `divergences` computes V without networks; `dynamics` shows how the game
moves near its equilibrium.

Losses take logits, the discriminator's output before σ, as arrays of any shape: `real` for data and `fake` for
generated images. The least-squares, hinge and Wasserstein objectives use no probabilities: they take scores s in place
of logits, and the network is called a critic.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minigen.distributions import bernoulli_log_prob
from minigen.model import ImplicitModel, in_blocks
from minigen.nn.arrays import RNGLike, drawn, plain
from minigen.nn.functions import relu
from minigen.nn.module import Module, evaluating, whole
from minigen.priors import Prior
from minigen.training.optim import Adam
from minigen.training.steps import Means, Move, Moves, MovingStep

# -- what each player minimises


def value(real: Any, fake: Any) -> Any:
    """V(D, G) = E[ln D(x)] + E[ln(1 − D(G(z)))], D = σ(logit): a scalar in nats.

    real, fake: logits for data x and for generated images G(z), of any shapes.
    """
    return np.mean(bernoulli_log_prob(1, real)) + np.mean(bernoulli_log_prob(0, fake))


def discriminator_loss(real: Any, fake: Any) -> Any:
    """The discriminator's loss −V(D, G) = −E[ln D(x)] − E[ln(1 − D(G(z)))], in nats.

    real, fake: logits for data x and for generated images G(z), of any shapes.
    """
    return -value(real, fake)


def minimax_loss(fake: Any) -> Any:
    """The generator's loss E[ln(1 − D(G(z)))], its part of V, in nats.  fake: logits for generated images, any shape.

    The derivative of ln(1 − D) by the logit is −D: it vanishes where D is sure that the image is generated.
    """
    return np.mean(bernoulli_log_prob(0, fake))


def non_saturating_loss(fake: Any) -> Any:
    """The generator's loss −E[ln D(G(z))], in nats.

    fake: logits for generated images, any shape.
    The derivative of −ln D by the logit is −(1 − D): steepest where D is sure that the
    image is generated. The equilibrium is the same as with `minimax_loss`
    (Goodfellow et al. 2014).
    """
    return -np.mean(bernoulli_log_prob(1, fake))


def least_squares_discriminator_loss(real: Any, fake: Any) -> Any:
    """The critic's loss ½ E[(s(x) − 1)²] + ½ E[s(G(z))²] (Mao et al. 2017, equation 9).

    real, fake: scores s for data x and for generated images G(z), of any shapes; their targets are 1 and 0.
    """
    return 0.5 * np.mean((real - 1) ** 2) + 0.5 * np.mean(fake**2)


def least_squares_generator_loss(fake: Any) -> Any:
    """The generator's loss ½ E[(s(G(z)) − 1)²].  fake: scores s for generated images, any shape."""
    return 0.5 * np.mean((fake - 1) ** 2)


def hinge_discriminator_loss(real: Any, fake: Any) -> Any:
    """The critic's loss E[max(0, 1 − s(x))] + E[max(0, 1 + s(G(z)))] (Lim and Ye 2017).

    real, fake: scores s for data x and for generated images G(z), of any shapes. Scores of data above 1 and scores of
    generated images below −1 do not lower the loss further.
    """
    return np.mean(relu(1 - real)) + np.mean(relu(1 + fake))


def critic_loss(real: Any, fake: Any) -> Any:
    """The critic's loss E[s(G(z))] − E[s(x)] (Arjovsky et al. 2017).

    real, fake: scores s for data x and for generated images G(z), of any shapes. The minimum over critics with gradient
    norm at most 1 is −W₁, the negative Wasserstein distance. `gradient_penalty` or spectral normalisation limits the
    norm.
    """
    return np.mean(fake) - np.mean(real)


def score_loss(fake: Any) -> Any:
    """The generator's loss −E[s(G(z))], against a hinge or Wasserstein critic.  fake: scores s, any shape."""
    return -np.mean(fake)


class Objective(NamedTuple):
    """The losses of the two players, a pair of functions.

    discriminator: (real, fake) → loss. generator: fake → loss. "minimax" and "non-saturating" take logits, and their
    losses are in nats; the others take scores, and their losses have no unit.
    """

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
    """A generator z → x and a discriminator x → logit, with the losses that train them.

    generator: latents (n, d) → images (n, D). D: pixels in an image. prior: p(z), without learned parameters.
    discriminator: images (n, D) → logits (n, 1), not probabilities. It gets data and generated images in one batch, so
    each logit must depend on its own row only: no batch normalisation.
    objective: "minimax", "non-saturating", "least-squares", "hinge" or "wasserstein"; for the last three the
    discriminator returns scores. The field `objective` holds the `Objective`. penalty: None, or a function
    (discriminator, real, fake, rng=…) → scalar that is added to the discriminator's loss, see `penalties`.
    averaged: True keeps a second generator, `average`, whose weights are a moving average of the generator's; with
    False `average` is None. `Game` updates it. `sample` and `generate` use it, since it oscillates less around the
    equilibrium. Its weights count among the GAN's parameters, so that they are saved too.
    block: number of images that are processed at once.
    Raises ValueError if `objective` is unknown, or if the prior has parameters to learn.
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
        """Generate `n` images G(z), z ~ p(z): (n, D), differentiable by the generator's parameters.

        `average` is not used. Raises ValueError if the generator returns another shape.
        """
        z = drawn(lambda rng: self.prior.sample(n, rng=rng), (n, self.d), self.flat, rng=rng)
        fake = self.generator(z)
        if fake.shape != (n, self.D):
            raise ValueError(f"the generator makes {fake.shape} of {n} draws of z; it should be {(n, self.D)}")
        return fake

    def logits(self, real: Any, fake: Any) -> tuple[Any, Any]:
        """The discriminator's logits, computed in one pass.  real: (n, D), fake: (m, D) → (n, 1), (m, 1)."""
        both = self.discriminator(np.concatenate([real, fake]))
        return both[: len(real)], both[len(real) :]

    def discriminator_loss(self, real: Any, fake: Any, *, rng: RNGLike = None) -> Any:
        """The discriminator's loss: the loss of its logits, a mean over the batch, plus the penalty if there is one.

        real, fake: data and generated images, both (n, D), arrays and not Tensors: no gradient reaches the generator.
        """
        rng = np.random.default_rng(rng)
        loss = self.objective.discriminator(*self.logits(real, fake))
        return loss if self.penalty is None else loss + self.penalty(self.discriminator, real, fake, rng=rng)

    def generator_loss(self, fake: Any) -> Any:
        """The generator's loss; its gradient goes through the discriminator.  fake: images from `fakes`, (n, D)."""
        return self.objective.generator(self.discriminator(fake))

    def validation_loss(self, images: np.ndarray) -> float:
        """The discriminator's loss, without penalty, on held-out images and an equal number of draws from `sample`.

        images: (n, D). Every call uses the same random numbers. The loss shows how well the discriminator tells images
        from samples, not how good samples are.
        """
        images = self.checked(images)
        fake = self.placed(self.sample(len(images), rng=0))
        real, fake = (in_blocks(self.discriminator, x, self.block) for x in (images, fake))
        return float(self.objective.discriminator(real, fake))

    def generate(self, z: Any) -> np.ndarray:
        """Return images G(z), from the averaged generator if there is one, inside `evaluating`.

        z: (…, d), at least one → (…, D), a NumPy array.
        """
        z, generator = self.placed(z), self.average or self.generator
        with evaluating(generator):
            return in_blocks(generator, z.reshape(-1, self.d), self.block).reshape(*z.shape[:-1], self.D)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        return self.generate(self.prior.sample(n, rng=rng))


class Game(MovingStep):
    """The training step of a GAN, for `fit` in place of an optimizer: both players move, each with its own Adam.

    gan: the model. generator_rate, discriminator_rate: learning rates. betas: β₁, β₂ of both Adams, which the fields
    `generator` and `discriminator` hold.
    discriminator_steps: number of parts, as equal as possible, that a batch is cut into; each of several processes
    (`minigen.training.parallel`) cuts its own batch. The discriminator takes one step on each part, against new
    generated images; then the generator takes one step, with the last generated images.
    simultaneous: True if both players move at once, from their current weights; needs discriminator_steps=1.
    ema_decay: m of the moving average of the generator's weights, `gan.average`; it is smaller in the first steps, see
        `update_average`.
    losses: both players' last losses, under "discriminator" and "generator". `mean_losses()` returns the means of an
    epoch, for `fit(measure=…)`.
    Raises ValueError if `simultaneous` has more than one discriminator step, or unless 0 ≤ ema_decay < 1.
    """

    remembered = (*MovingStep.remembered, "t", "mean_losses")
    settings = ("discriminator_steps", "simultaneous", "ema_decay")

    def __init__(
        self,
        gan: GAN,
        generator_rate: float,
        discriminator_rate: float,
        betas: tuple[float, float] = (0.5, 0.999),
        discriminator_steps: int = 1,
        simultaneous: bool = False,
        ema_decay: float = 0.99,
    ):
        self.discriminator_steps = whole(discriminator_steps, 1, "discriminator_steps")
        if simultaneous and discriminator_steps != 1:
            raise ValueError(f"simultaneous players take one step each, got discriminator_steps={discriminator_steps}")
        if not 0 <= ema_decay < 1:
            raise ValueError(f"ema_decay must be at least 0 and below 1, got {ema_decay}")
        self.model, self.simultaneous, self.ema_decay = gan, simultaneous, ema_decay
        self.generator = Adam(gan.generator, generator_rate, betas)
        self.discriminator = Adam(gan.discriminator, discriminator_rate, betas)
        self.optimizers = [self.discriminator, self.generator]
        self.losses: dict[str, float] = {}
        self.mean_losses, self.t = Means(), 0

    def parts(self, batch: Any) -> Iterator[tuple[GAN, Any]]:
        """Yield the players and the real images of each discriminator step: the images are equal parts of the batch.

        batch: (batch, D), checked already.
        """
        for real in np.array_split(batch, self.discriminator_steps):
            yield self.model, real

    def moves(self, batch: Any, rng: np.random.Generator) -> Moves:
        """Yield the discriminator's moves, then the generator's, as tuples of one `Move`; with `simultaneous` one pair.

        batch: (batch, D). The caller makes each move before the next is computed. After the last move, the average of
        the generator's weights is updated. Raises ValueError if the batch has fewer images than `discriminator_steps`.
        """
        batch = self.checked(batch)
        n = len(batch[0] if isinstance(batch, tuple) else batch)
        if n < self.discriminator_steps:
            raise ValueError(f"a batch of {n} cannot be cut into {self.discriminator_steps} parts, one for each step")
        for gan, real in self.parts(batch):
            fake = gan.fakes(len(real), rng=rng)
            loss = gan.discriminator_loss(real, plain(fake), rng=rng)
            of_discriminator = Move(self.discriminator, loss, "discriminator's loss")
            if not self.simultaneous:
                yield (of_discriminator,)
        of_generator = Move(self.generator, gan.generator_loss(fake), "generator's loss")
        yield (of_discriminator, of_generator) if self.simultaneous else (of_generator,)
        self.update_average(rng=rng)

    def noted(self, losses: list[float]) -> float:
        """Set `losses`, count them in `mean_losses`, and return the discriminator's last loss.

        losses: of the moves of one step, in order.
        """
        *_, of_discriminator, of_generator = losses
        self.losses = {"discriminator": of_discriminator, "generator": of_generator}
        self.mean_losses.add(self.losses)
        return of_discriminator

    def update_average(self, *, rng: RNGLike = None) -> None:
        """Update the averaged generator, if there is one: average ← m average + (1 − m) generator, in each float array.

        In step t, m = min(ema_decay, t/(10 + t)): the first weights are soon forgotten. Each step ends with this.
        rng: the generator of the step. Nothing is drawn from it: a recorded step computes m anew by it.
        """

        def rate(rng: np.random.Generator) -> np.ndarray:
            self.t += 1
            return np.array(1 - min(self.ema_decay, self.t / (10 + self.t)))

        if self.model.average is None:
            return
        arrays = self.model.generator.arrays()
        pairs = [(a, arrays[name]) for name, a in self.model.average.arrays().items() if a.dtype.kind == "f"]
        one_minus_m = drawn(rate, (), pairs[0][0], rng=rng)
        for average, array in pairs:
            average += one_minus_m * (array - average)
