"""The adversarial auto-encoder (lecture: Adversarial Auto-Encoder; Makhzani et al. 2016, "AAE" below).

The VAE's ELBO with its prior fitting term KL(q(z|x) ‖ p(z)) replaced by a GAN in the latent space. A discriminator D(z)
tells draws of the prior from codes of images, and the encoder, as the generator, learns to have its codes taken for
draws of the prior. So the aggregated q(z) = E_x[q(z|x)] comes to fit p(z), which needs draws of both and no density.

A step of training has three parts, each of which changes what its name says and nothing else:

    reconstruction   encoder and decoder   raise E[ln p(x|z)]
    discriminator    discriminator         raises V = E_p(z)[ln D(z)] + E_q(z)[ln(1 − D(z))]
    adversarial      encoder               raises E_q(z)[ln D(z)]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import backend, no_grad
from autograd.rules.special import log_softmax
from minigen.decoders import Decoder
from minigen.distributions import Categorical
from minigen.encoders import Encoder
from minigen.gan import discriminator_loss, non_saturating_loss
from minigen.model import GenerativeModel, in_blocks
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.functions import relu
from minigen.nn.layers import Linear, Sequential, layer_sizes, mlp, one_hot
from minigen.nn.module import Module, whole
from minigen.priors import Prior
from minigen.training.optim import Adam
from minigen.training.steps import Means, Move, Moves, MovingStep


class AutoEncoder(Module):
    """The pair that the reconstruction step changes."""

    def __init__(self, encoder: Any, decoder: Decoder):
        self.encoder, self.decoder = encoder, decoder


class Adversarial(GenerativeModel):
    """What the forms of the adversarial auto-encoder share.

    Their losses are in nats, means over a checked batch x, (batch, D): a step of training checks it once for all.
    """

    block = 500
    autoencoder: AutoEncoder
    discriminator: Any

    def code(self, x: np.ndarray, *, rng: RNGLike = None) -> Any:
        """What the decoder is given of checked images.  (batch, D) → (batch, n)."""
        raise NotImplementedError

    def reconstruction_loss(self, x: Any, *, rng: RNGLike = None) -> Any:
        """−E[ln p(x|z)]."""
        """−E[ln p(x|z)].  x: (batch, D), checked."""
        return -np.mean(self.autoencoder.decoder(self.code(x, rng=rng)).log_prob(x))

    def discriminator_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        """−V: log 4 where codes cannot be told from draws of the prior."""
        raise NotImplementedError

    def adversarial_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        """−E[ln D(code)]."""
        raise NotImplementedError

    def validation_loss(self, images: np.ndarray) -> float:
        """The mean reconstruction loss of many images. It does not say how well q(z) fits the prior: keep the last
        weights, not those of the least."""
        rng = np.random.default_rng(0)
        each = lambda x: np.full(len(x), self.reconstruction_loss(self.checked(x), rng=rng).item())
        return float(np.mean(in_blocks(each, images, self.block)))


class AAE(Adversarial):
    """encoder: x → z, any of `minigen.encoders`. decoder: z → p(x|z). prior: p(z). discriminator: (batch, d) → logits.

    classes: with so many, the discriminator is also told the label of what it sees, and draws of the prior come from
    the part that belongs to their label, so that each class learns its own part (AAE, section 2.3); a label of −1 is
    unknown. The discriminator then takes d + classes + 1 numbers. The prior is what it is: no step changes it.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder, prior: Prior, discriminator: Module, classes: int = 0):
        if encoder.d != prior.d:
            raise ValueError(f"the encoder makes z of {encoder.d} numbers, but the prior is over {prior.d}")
        if prior.parameters():
            raise ValueError(f"{type(prior).__name__} has parameters to learn, and no step of an AAE changes its prior")
        self.autoencoder, self.discriminator = AutoEncoder(encoder, decoder), discriminator
        self.prior, self.D, self.d, self.values = prior, decoder.D, prior.d, decoder.values
        self.classes = whole(classes, 0, "classes")
        if self.classes:  # refused here, and not in the middle of training, where the prior has no part for each
            prior.sample_given(np.arange(self.classes), rng=0)

    def code(self, x: np.ndarray, *, rng: RNGLike = None) -> Any:
        return self.autoencoder.encoder.sample(x, rng=rng)

    def codes(self, x: Any, *, rng: RNGLike = None) -> Any:
        """z ~ q(z|x).  x: (batch, D), checked → (batch, d)."""
        return self.code(x, rng=rng)

    def discriminator_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        rng = np.random.default_rng(rng)
        with no_grad():
            codes = plain(self.codes(x, rng=rng))
        return discriminator_loss(
            real=self.logits(self.draws(len(codes), labels, rng=rng), labels), fake=self.logits(codes, labels)
        )

    def adversarial_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        return non_saturating_loss(self.logits(self.codes(x, rng=rng), labels))

    def logits(self, z: Any, labels: Any = None) -> Any:
        """What the discriminator says of z: (batch, 1)."""
        told = self.told(labels, len(z))
        if not self.classes:
            return self.discriminator(z)
        return self.discriminator(np.concatenate([z, self.placed(one_hot(told + 1, self.classes + 1))], axis=1))

    def told(self, labels: Any, n: int) -> np.ndarray:
        """What is known of the labels of n images, checked: −1 where it is nothing."""
        if labels is None:
            return np.full(n, -1)
        known = np.asarray(labels)
        if known.shape != (n,) or not np.isin(known, np.arange(-1, self.classes)).all():
            raise ValueError(f"labels must be {n} whole numbers from −1 (unknown) to {self.classes - 1}, got {labels}")
        return known.astype(int)

    def draws(self, n: int, labels: Any = None, *, rng: RNGLike = None) -> np.ndarray:
        """n draws of the prior, from the parts that belong to the labels where those are known."""
        rng = np.random.default_rng(rng)
        z, told = self.prior.sample(n, rng=rng), self.told(labels, n)
        known = np.flatnonzero(told >= 0)
        if len(known):
            z[known] = self.prior.sample_given(told[known], rng=rng)
        return self.placed(z)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        with no_grad():
            z = self.placed(self.prior.sample(n, rng=rng))
            return backend.to_numpy(self.autoencoder.decoder(z).sample(rng=rng))

    def encode(self, images: Any, *, rng: RNGLike = None) -> np.ndarray:
        """A code of each image: (n, D) → (n, d)."""
        rng = np.random.default_rng(rng)
        return in_blocks(lambda x: self.codes(self.checked(x), rng=rng), images, self.block)

    def decode(self, z: Any) -> np.ndarray:
        """E[x|z].  (…, d) → (…, D)."""
        with no_grad():
            return backend.to_numpy(self.autoencoder.decoder.mean(self.placed(z)))


class StyleEncoder(Module):
    """x → the logits of y, one of so many classes, and the style z, both linear in what the body makes of x."""

    def __init__(self, body: Callable[[Any], Any], n: int, classes: int, d: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.body, self.of_y, self.of_z = body, Linear(n, classes, rng=rng), Linear(n, d, rng=rng)

    def __call__(self, x: Any) -> tuple[Any, Any]:
        h = self.body(x)
        return self.of_y(h), self.of_z(h)


class Discriminators(Module):
    """The two discriminators, which one step changes together."""

    def __init__(self, of_y: Module, of_z: Module):
        self.of_y, self.of_z = of_y, of_z


class SemiSupervisedAAE(Adversarial):
    """An image is its class y and its style z (AAE, section 5): the code is softmax(logits of y) beside z.

    One discriminator has the softmax look like draws of a uniform categorical variable, so that it becomes a decision;
    the other has z look like the prior. A fourth step, `supervised_loss`, uses the labels that there are.
    """

    def __init__(self, encoder: StyleEncoder, decoder: Decoder, prior: Prior, of_y: Module, of_z: Module):
        if encoder.of_z.bias.size != prior.d:
            raise ValueError(f"the style has {encoder.of_z.bias.size} numbers, but the prior is over {prior.d}")
        self.autoencoder, self.discriminator = AutoEncoder(encoder, decoder), Discriminators(of_y, of_z)
        self.prior, self.D, self.d, self.values = prior, decoder.D, prior.d, decoder.values
        self.classes = encoder.of_y.bias.size

    def logits(self, x: Any) -> Any:
        """ln p(y|x), but for a constant.  x: (batch, D), checked → (batch, classes)."""
        return self.autoencoder.encoder(x)[0]

    def codes(self, x: Any) -> tuple[Any, Any]:
        """p(y|x) and the style z.  x: (batch, D), checked → (batch, classes), (batch, d)."""
        return self.class_and_style(x)

    def class_and_style(self, x: np.ndarray) -> tuple[Any, Any]:
        """The class's probabilities and the style.  (batch, D) → (batch, K), (batch, d)."""
        y, z = self.autoencoder.encoder(x)
        return Categorical(y).probs, z

    def code(self, x: np.ndarray, *, rng: RNGLike = None) -> Any:
        return np.concatenate(self.class_and_style(x), axis=1)

    def discriminator_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        """The sum of both."""
        rng = np.random.default_rng(rng)
        with no_grad():
            y, z = map(plain, self.codes(x))
        drawn_y = self.placed(one_hot(rng.integers(self.classes, size=len(y)), self.classes))
        of_y, of_z = self.discriminator.of_y, self.discriminator.of_z
        return discriminator_loss(real=of_y(drawn_y), fake=of_y(y)) + discriminator_loss(
            real=of_z(self.placed(self.prior.sample(len(z), rng=rng))), fake=of_z(z)
        )

    def adversarial_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        """The sum of both."""
        y, z = self.codes(x)
        return non_saturating_loss(self.discriminator.of_y(y)) + non_saturating_loss(self.discriminator.of_z(z))

    def supervised_loss(self, x: Any, labels: Any) -> Any:
        """−E[ln p(y|x)] for images whose labels are known."""
        logits = self.logits(x)
        if np.shape(labels) != (len(x),):
            raise ValueError(f"{len(x)} images need as many labels, one for each, got shape {np.shape(labels)}")
        known = self.placed(one_hot(labels, self.classes))
        return -np.mean(np.sum(known * log_softmax(logits, axis=-1), axis=1))

    def classify(self, images: Any) -> np.ndarray:
        """The likeliest class of each image."""
        return in_blocks(lambda x: self.logits(self.checked(x)), images, self.block).argmax(axis=1)

    def decode(self, labels: Any, z: Any) -> np.ndarray:
        """E[x|y, z].  (n,), (n, d) → (n, D)."""
        code = np.concatenate([one_hot(labels, self.classes), z], axis=1)
        with no_grad():
            return backend.to_numpy(self.autoencoder.decoder.mean(self.placed(code)))

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        y = one_hot(rng.integers(self.classes, size=n), self.classes)
        code = np.concatenate([y, self.prior.sample(n, rng=rng)], axis=1)
        with no_grad():
            return backend.to_numpy(self.autoencoder.decoder(self.placed(code)).sample(rng=rng))


class Steps(MovingStep):
    """The steps of training, one after the other on each batch: what `fit` takes in place of an optimizer.

    Each has an optimizer of its own, which holds the parameters of its role and no others. `losses` are those of the
    last batch, by name; `mean_losses()` returns the means of an epoch, as a `measure` of `fit`.
    """

    remembered = (*MovingStep.remembered, "mean_losses")

    names: tuple[str, ...] = ("reconstruction", "discriminator", "adversarial")

    def __init__(self, model: Adversarial, learning_rate: float, adversarial_rate: float):
        self.model = model
        self.reconstruct = Adam(model.autoencoder, learning_rate)
        self.discriminate = Adam(model.discriminator, adversarial_rate, betas=(0.5, 0.999))
        self.deceive = Adam(model.autoencoder.encoder, adversarial_rate, betas=(0.5, 0.999))
        self.optimizers = [self.reconstruct, self.discriminate, self.deceive]
        self.losses: dict[str, float] = {}
        self.mean_losses = Means()

    def moves(self, batch: Any, rng: np.random.Generator) -> Moves:
        """Yield the moves of the three steps, one after the other.  batch: images, or (images, labels)."""
        x, labels = batch if isinstance(batch, tuple) else (batch, None)
        model, x = self.model, self.checked(x)
        yield (Move(self.reconstruct, model.reconstruction_loss(x, rng=rng), "reconstruction loss"),)
        yield (Move(self.discriminate, model.discriminator_loss(x, labels, rng=rng), "discriminator loss"),)
        yield (Move(self.deceive, model.adversarial_loss(x, labels, rng=rng), "adversarial loss"),)

    def __call__(self, batch: Any, rng: np.random.Generator) -> float:
        """Take all steps on a batch and return the reconstruction loss.  batch: images, or (images, labels).

        labels: what the discriminator is told of each image, (n,), see `AAE`.
        """
        losses = self.take(batch, rng)
        self.losses = dict(zip(self.names, losses, strict=True))
        self.mean_losses.add(self.losses)
        return losses[0]


class SemiSupervisedSteps(Steps):
    """A fourth step on a batch drawn from the images whose labels are known.  images: (n, D), labels: (n,).

    Of several ranks (`minigen.training.parallel`) each draws a batch of its own, so that they see more labelled images
    in one step.
    """

    names = (*Steps.names, "supervised")
    settings = ("images", "labels", "batch_size")

    def __init__(
        self,
        model: SemiSupervisedAAE,
        learning_rate: float,
        adversarial_rate: float,
        images: np.ndarray,
        labels: np.ndarray,
        batch_size: int = 100,
    ):
        super().__init__(model, learning_rate, adversarial_rate)
        if not len(images) or len(images) != len(labels):
            raise ValueError(f"each image needs a label, and there must be some; got {len(images)} and {len(labels)}")
        self.supervise = Adam(model.autoencoder.encoder, learning_rate)
        self.optimizers.append(self.supervise)
        self.images, self.labels, self.batch_size = np.asarray(images), np.asarray(labels), batch_size

    def moves(self, batch: Any, rng: np.random.Generator) -> Moves:
        """Yield the moves of the three steps, then that of the supervised step."""
        yield from super().moves(batch, rng)
        assert isinstance(self.model, SemiSupervisedAAE)
        some = rng.integers(len(self.images), size=min(self.batch_size, len(self.images)))
        supervised = self.model.supervised_loss(self.checked(self.images[some]), self.labels[some])
        yield (Move(self.supervise, supervised, "supervised loss"),)


def discriminator_network(n: int, hidden: Sequence[int], *, rng: RNGLike = None) -> Sequential:
    """A discriminator of vectors of n numbers: (batch, n) → logits (batch, 1)."""
    return mlp((n, *layer_sizes(hidden, "hidden"), 1), relu, rng=rng)
