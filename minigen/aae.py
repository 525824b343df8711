"""The adversarial auto-encoder (lecture: Adversarial Auto-Encoder; Makhzani et al. 2016, "AAE" below).

The VAE's ELBO with its prior fitting term KL(q(z|x) ‖ p(z)) replaced by a GAN in the latent space. A discriminator D(z)
learns to tell draws of the prior from codes of images. The encoder is the generator: it learns codes that the
discriminator takes for draws of the prior. So the aggregated q(z) = E_x[q(z|x)] comes to fit p(z). The method needs
draws from both distributions, and no density.

A training step has three parts. Each part changes only the networks that are named beside it:

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
from minigen.nn.arrays import RNGLike, drawn, plain
from minigen.nn.functions import relu
from minigen.nn.layers import Linear, Sequential, layer_sizes, mlp, one_hot, whole_labels
from minigen.nn.module import Module, whole
from minigen.priors import Prior
from minigen.training.optim import Adam
from minigen.training.steps import Means, Move, Moves, MovingStep


class AutoEncoder(Module):
    """An encoder and a decoder as one module: the parameters that the reconstruction step changes.

    encoder: image → code. decoder: code → p(x|z). The module itself cannot be called.
    """

    def __init__(self, encoder: Any, decoder: Decoder):
        self.encoder, self.decoder = encoder, decoder


class Adversarial(GenerativeModel):
    """Base class of the adversarial auto-encoders.

    A subclass sets D and the fields, and implements `code`, `prior_code`, `discriminator_loss` and `adversarial_loss`.

    autoencoder: the encoder and the decoder. discriminator: tells codes of images from draws of the prior.
    block: number of images that are processed at once. Losses are means over a batch, in nats. The methods for losses
    take a batch that is checked already, since a training step checks its batch once.
    """

    block = 500
    autoencoder: AutoEncoder
    discriminator: Any

    def code(self, x: np.ndarray, *, rng: RNGLike = None) -> Any:
        """The code of each image: the decoder's n inputs.  x: (batch, D), checked already → (batch, n), a Tensor."""
        raise NotImplementedError

    def prior_code(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw `n` codes that the encoder learns to imitate: (n, the decoder's inputs), on the host."""
        raise NotImplementedError

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw `n` vectors, (n, D), on the host: a code of `prior_code`, then x ~ p(x|code)."""
        rng = np.random.default_rng(rng)
        with no_grad():
            code = self.placed(self.prior_code(n, rng=rng))
            return backend.to_numpy(self.autoencoder.decoder(code).sample(rng=rng))

    def reconstruction_loss(self, x: Any, *, rng: RNGLike = None) -> Any:
        """−E[ln p(x|z)], where z is the code of x, in nats.  x: (batch, D), checked already."""
        return -np.mean(self.autoencoder.decoder(self.code(x, rng=rng)).log_prob(x))

    def discriminator_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        """The discriminator's loss −V = −E[ln D(z)] − E[ln(1 − D(code))], z ~ p(z), in nats: log 4 where D ≡ ½.

        x: (batch, D), checked already. labels: (batch,), −1 where unknown; None if all are unknown.
        No gradient reaches the encoder.
        """
        raise NotImplementedError

    def adversarial_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        """The encoder's loss −E[ln D(code)], where D is the probability of a draw of the prior, in nats.

        x: (batch, D), checked already. labels: (batch,), −1 where unknown; None if all are unknown.
        """
        raise NotImplementedError

    def validation_loss(self, images: np.ndarray) -> float:
        """The mean over the images of −ln p(x|z), in nats, each with a code z drawn by the same seed in every call.

        images: (n, D). The loss does not measure how well q(z) fits the prior: call `fit` with keep_best=False.
        """
        rng = np.random.default_rng(0)
        each = lambda x: np.full(len(x), self.reconstruction_loss(self.checked(x), rng=rng).item())
        return float(np.mean(in_blocks(each, images, self.block)))


class AAE(Adversarial):
    """The adversarial auto-encoder: an encoder and a decoder, with a discriminator that makes codes fit a prior.

    encoder: x → z, one of `minigen.encoders`. decoder: z → p(x|z). prior: p(z), without learned parameters.
    discriminator: latents (batch, d) → logits (batch, 1), not probabilities.
    classes: number of classes of the images; with 0 all labels must be −1. With classes the discriminator takes (batch,
    d + classes + 1): z and the one-hot label, whose first entry means unknown (label −1). A draw of the prior comes
    from the part that belongs to its label, so each class learns its own part (AAE, section 2.3).
    Raises ValueError if encoder and prior have different `d`, if the prior has parameters to learn, or if it has fewer
    parts than `classes`; TypeError if there are classes and the prior has no parts.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder, prior: Prior, discriminator: Module, classes: int = 0):
        if encoder.d != prior.d:
            raise ValueError(f"the encoder makes z of {encoder.d} numbers, but the prior is over {prior.d}")
        if prior.parameters():
            raise ValueError(f"{type(prior).__name__} has parameters to learn, and no step of an AAE changes its prior")
        self.autoencoder, self.discriminator = AutoEncoder(encoder, decoder), discriminator
        self.prior, self.D, self.d, self.values = prior, decoder.D, prior.d, decoder.values
        self.classes = whole(classes, 0, "classes")
        if self.classes:  # a prior without a part for each class is refused here, not in the middle of training
            prior.sample_given(np.array([self.classes - 1]), rng=0)

    def code(self, x: np.ndarray, *, rng: RNGLike = None) -> Any:
        """Draw a code z ~ q(z|x) for each image.  x: (batch, D), checked already → (batch, d)."""
        return self.autoencoder.encoder.sample(x, rng=rng)

    def discriminator_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        rng = np.random.default_rng(rng)
        with no_grad():
            codes = plain(self.code(x, rng=rng))
        return discriminator_loss(
            real=self.logits(self.draws(len(codes), labels, rng=rng), labels),
            fake=self.logits(codes, labels),
        )

    def adversarial_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        return non_saturating_loss(self.logits(self.code(x, rng=rng), labels))

    def logits(self, z: Any, labels: Any = None) -> Any:
        """The discriminator's logits ln D/(1 − D), where D is the probability that z is a draw of the prior.

        z: (batch, d) → (batch, 1). labels: (batch,), −1 where unknown; None if all are unknown.
        """
        told = self.told(labels, len(z))
        if not self.classes:
            return self.discriminator(z)
        return self.discriminator(np.concatenate([z, self.placed(one_hot(told + 1, self.classes + 1))], axis=1))

    def told(self, labels: Any, n: int) -> np.ndarray:
        """Return the labels of `n` images as integers, (n,), with −1 where unknown.

        labels: (n,), −1 where unknown; None if all are unknown. Raises ValueError for another shape and, on the host,
        for numbers other than −1 … classes − 1.
        """
        return np.full(n, -1) if labels is None else whole_labels(labels, self.classes, n, unknown=True)

    def draws(self, n: int, labels: Any = None, *, rng: RNGLike = None) -> np.ndarray:
        """Draw `n` latents of the prior, (n, d), each from the part that belongs to its label if the label is known.

        labels: (n,), −1 where unknown; None if all are unknown. The draws are on the device of the parameters.
        """

        def draw(rng: np.random.Generator) -> np.ndarray:
            z = self.prior.sample(n, rng=rng)
            told = self.told(None if labels is None else backend.to_numpy(labels), n)
            known = np.flatnonzero(told >= 0)
            if len(known):
                z[known] = self.prior.sample_given(told[known], rng=rng)
            return z

        return drawn(draw, (n, self.d), self.flat, rng=rng)

    def prior_code(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw `n` latents z ~ p(z): (n, d), on the host."""
        return self.prior.sample(n, rng=rng)

    def encode(self, images: Any, *, rng: RNGLike = None) -> np.ndarray:
        """Draw a code z ~ q(z|x) for each image.  images: (n, D) → (n, d), a NumPy array."""
        rng = np.random.default_rng(rng)
        return in_blocks(lambda x: self.code(self.checked(x), rng=rng), images, self.block)

    def decode(self, z: Any) -> np.ndarray:
        """The mean image E[x|z] for each latent.  z: (…, d) → (…, D), a NumPy array."""
        with no_grad():
            return backend.to_numpy(self.autoencoder.decoder.mean(self.placed(z)))


class StyleEncoder(Module):
    """An encoder that returns two arrays for images: the logits of their class y, (batch, classes), and their style z.

    body: layers, images (batch, D) → features (batch, n). n: number of features.
    classes: number of classes. d: numbers in z. Logits and z are linear in the features.
    """

    def __init__(self, body: Callable[[Any], Any], n: int, classes: int, d: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.body, self.of_y, self.of_z = body, Linear(n, classes, rng=rng), Linear(n, d, rng=rng)

    def __call__(self, x: Any) -> tuple[Any, Any]:
        h = self.body(x)
        return self.of_y(h), self.of_z(h)


class Discriminators(Module):
    """The two discriminators of a `SemiSupervisedAAE` as one module, since one step changes both.

    of_y: class probabilities (batch, classes) → logits (batch, 1). of_z: styles (batch, d) → logits (batch, 1).
    The module itself cannot be called.
    """

    def __init__(self, of_y: Module, of_z: Module):
        self.of_y, self.of_z = of_y, of_z


class SemiSupervisedAAE(Adversarial):
    """An adversarial auto-encoder whose code is the class y and the style z of an image (AAE, section 5).

    The code is p(y|x) = softmax(logits of y), followed by z. `SemiSupervisedSteps` trains it, with some known labels.
    encoder: x → (logits of y, z). decoder: code (…, classes + d) → p(x|y, z).
    prior: p(z) of the style, without learned parameters (not checked).
    of_y: discriminator of p(y|x), (batch, classes) → logits (batch, 1). It makes p(y|x) look like one-hot draws of a
    uniform class, so that p(y|x) becomes a decision. of_z: discriminator of styles, (batch, d) → logits (batch, 1).
    Raises ValueError if style and prior have different lengths.
    """

    def __init__(self, encoder: StyleEncoder, decoder: Decoder, prior: Prior, of_y: Module, of_z: Module):
        if encoder.of_z.bias.size != prior.d:
            raise ValueError(f"the style has {encoder.of_z.bias.size} numbers, but the prior is over {prior.d}")
        self.autoencoder, self.discriminator = AutoEncoder(encoder, decoder), Discriminators(of_y, of_z)
        self.prior, self.D, self.d, self.values = prior, decoder.D, prior.d, decoder.values
        self.classes = encoder.of_y.bias.size

    def logits(self, x: Any) -> Any:
        """The encoder's logits of p(y|x), before the softmax.  x: (batch, D), checked already → (batch, classes)."""
        return self.autoencoder.encoder(x)[0]

    def codes(self, x: np.ndarray) -> tuple[Any, Any]:
        """Return p(y|x), (batch, classes), and the style z, (batch, d), of images.  x: (batch, D), checked already."""
        y, z = self.autoencoder.encoder(x)
        return Categorical(y).probs, z

    def code(self, x: np.ndarray, *, rng: RNGLike = None) -> Any:
        """Return p(y|x), followed by the style z, of images.  x: (batch, D), checked already → (batch, classes + d)."""
        return np.concatenate(self.codes(x), axis=1)

    def discriminator_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        """The sum of both discriminators' losses −V, in nats: 2 log 4 where both have D ≡ ½.

        x: (batch, D), checked already. labels: not used. No gradient reaches the encoder.
        """
        rng = np.random.default_rng(rng)
        with no_grad():
            y, z = map(plain, self.codes(x))
        n, beside = len(y), self.flat
        drawn_y = drawn(lambda rng: one_hot(rng.integers(self.classes, size=n), self.classes), y.shape, beside, rng=rng)
        drawn_z = drawn(lambda rng: self.prior.sample(n, rng=rng), z.shape, beside, rng=rng)
        of_y, of_z = self.discriminator.of_y, self.discriminator.of_z
        return discriminator_loss(real=of_y(drawn_y), fake=of_y(y)) + discriminator_loss(
            real=of_z(drawn_z), fake=of_z(z)
        )

    def adversarial_loss(self, x: Any, labels: Any = None, *, rng: RNGLike = None) -> Any:
        """The encoder's loss −E[ln D(p(y|x))] − E[ln D(z)], one term for each discriminator, in nats.

        x: (batch, D), checked already. labels: not used.
        """
        y, z = self.codes(x)
        return non_saturating_loss(self.discriminator.of_y(y)) + non_saturating_loss(self.discriminator.of_z(z))

    def supervised_loss(self, x: Any, labels: Any) -> Any:
        """−E[ln p(y|x)], the cross-entropy of images whose labels y are known, in nats.

        x: (batch, D), checked already. labels: (batch,), from 0 to classes − 1.
        Raises ValueError unless there is one such label for each image.
        """
        logits = self.logits(x)
        if np.shape(labels) != (len(x),):
            raise ValueError(f"{len(x)} images need as many labels, one for each, got shape {np.shape(labels)}")
        known = self.placed(one_hot(labels, self.classes))
        return -np.mean(np.sum(known * log_softmax(logits, axis=-1), axis=1))

    def classify(self, images: Any) -> np.ndarray:
        """The most probable class of each image.  images: (n, D) → (n,), integers."""
        return in_blocks(lambda x: self.logits(self.checked(x)), images, self.block).argmax(axis=1)

    def decode(self, labels: Any, z: Any) -> np.ndarray:
        """The mean image E[x|y, z] for each pair.  labels: y, (n,), from 0 to classes − 1; z: (n, d) → (n, D)."""
        code = np.concatenate([one_hot(labels, self.classes), z], axis=1)
        with no_grad():
            return backend.to_numpy(self.autoencoder.decoder.mean(self.placed(code)))

    def prior_code(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw `n` codes: a one-hot class, all equally likely, and a style of p(z).  (n, classes + d), on the host."""
        rng = np.random.default_rng(rng)
        y = one_hot(rng.integers(self.classes, size=n), self.classes)
        return np.concatenate([y, self.prior.sample(n, rng=rng)], axis=1)


class Steps(MovingStep):
    """The training step of an `AAE`, for `fit` in place of an optimizer: three moves (optimizer steps) on each batch.

    model: the AAE. learning_rate: of the reconstruction move. adversarial_rate: learning rate of the discriminator and
    the adversarial move. Each move has an Adam optimizer for the parameters that it changes and no others:
    `reconstruct`, `discriminate`, `deceive`.
    names: of the moves, in order. losses: of the last batch, by name, nats. `mean_losses()` returns the mean of each
    loss over an epoch, for `fit(measure=…)`.
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

    def checked(self, batch: Any) -> Any:
        """Return `batch` on the device of the model: images checked by the model, with labels those too.

        batch: images (n, D), or a tuple (images, labels) with labels (n,), −1 where unknown. Raises the model's
        ValueError for a batch that it refuses.
        """
        if not isinstance(batch, tuple):
            return self.model.checked(batch)
        x, labels = batch
        x = self.model.checked(x)
        return x, backend.beside(self.model.told(labels, len(x)), x)

    def moves(self, batch: Any, rng: np.random.Generator) -> Moves:
        """Yield the three moves, each as a tuple of one `Move`, which the caller makes before the next is computed.

        batch: images (n, D), or a tuple (images, labels) with labels (n,), −1 where unknown.
        """
        x, labels = batch if isinstance(batch, tuple) else (batch, None)
        model, x = self.model, self.model.checked(x)
        yield (Move(self.reconstruct, model.reconstruction_loss(x, rng=rng), "reconstruction loss"),)
        yield (Move(self.discriminate, model.discriminator_loss(x, labels, rng=rng), "discriminator loss"),)
        yield (Move(self.deceive, model.adversarial_loss(x, labels, rng=rng), "adversarial loss"),)

    def noted(self, losses: list[float]) -> float:
        """Set `losses`, count them in `mean_losses`, and return the reconstruction loss, in nats.

        losses: of the moves of one step, in order.
        """
        self.losses = dict(zip(self.names, losses, strict=True))
        self.mean_losses.add(self.losses)
        return losses[0]


class SemiSupervisedSteps(Steps):
    """The training step of a `SemiSupervisedAAE`, called as `Steps`: its three moves, then a supervised move.

    model: the SemiSupervisedAAE. learning_rate: of the reconstruction and the supervised move.
    adversarial_rate: learning rate of the discriminator and the adversarial move.
    images: labelled images, (n, D). labels: (n,), from 0 to classes − 1. batch_size: labelled images drawn with
    replacement at each step; n if it is above n. If several processes train (`minigen.training.parallel`), each draws
    its own.
    Raises ValueError unless there is at least one image, and one label for each.
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
        self.known = model.checked(self.images), backend.beside(whole_labels(self.labels, model.classes), model.flat)

    def checked(self, batch: Any) -> Any:
        """Return the images of `batch`, checked by the model, on its device.  batch: as `moves` takes it."""
        return self.model.checked(batch[0] if isinstance(batch, tuple) else batch)

    def moves(self, batch: Any, rng: np.random.Generator) -> Moves:
        """Yield the three moves on `batch`, then one on some of the step's `images`, each as a tuple of one `Move`.

        batch: images (n, D), or a tuple (images, labels), whose labels are not used.
        """
        yield from super().moves(batch, rng)
        assert isinstance(self.model, SemiSupervisedAAE)
        some = rng.integers(len(self.images), size=min(self.batch_size, len(self.images)))
        images, labels = (known[backend.beside(some, known)] for known in self.known)
        supervised = self.model.supervised_loss(self.model.placed(images), labels)
        yield (Move(self.supervise, supervised, "supervised loss"),)


def discriminator_network(n: int, hidden: Sequence[int], *, rng: RNGLike = None) -> Sequential:
    """Return a discriminator of vectors, a fully connected network: (batch, n) → logits (batch, 1).

    n: numbers in a vector. hidden: sizes of the hidden layers.
    """
    return mlp((n, *layer_sizes(hidden, "hidden"), 1), relu, rng=rng)
