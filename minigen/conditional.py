"""Models conditional on a label y: p(x | y), with one network for all classes (lecture: Generative Model).

The label is its one-hot vector e_y, which is 1 at index y and 0 elsewhere. It enters a network in one of two forms:

    ChosenBiases   each bias b becomes a table B, and the label chooses its row:  e_y B = B_y     NADE, Pixel-RNN
    JoinedLabel    e_y is joined to the input of each network:  f([x, e_y])                       VAE, GAN

The first layer of a network computes [x, e_y] [W; B] = x W + B_y. So a joined label chooses the biases of the first
layer, too. A label has few parameters of its own: all classes share the weights.

For both forms `with_label(y)` is an ordinary model with the label inside, so each formula of the model without labels
holds for p(x | y). With p(y), the field `log_prior`, Bayes' rule follows (`minigen.uses.BayesClassifier`):

    p(x) = Σ_y p(y) p(x | y),    p(y | x) = p(y) p(x | y) / p(x)
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from autograd import Tensor, backend, no_grad
from minigen.gan import GAN, Game
from minigen.model import AutoregressiveModel, GenerativeModel, images_and_labels, on_the_host
from minigen.nade import NADE
from minigen.nn.arrays import RNGLike
from minigen.nn.layers import one_hot, whole_labels
from minigen.nn.module import Module, evaluating, whole
from minigen.pixelrnn import PixelRNN
from minigen.uses import BayesClassifier, log_of_prior
from minigen.vae import VAE


class Conditional(GenerativeModel):
    """Base class: p(x | y) for labels y = 0 … classes − 1, and p(x) = Σ_y p(y) p(x | y).  A subclass has `with_label`.

    model: the model whose networks take the label; without a label it cannot be used. classes: the number of labels.
    prior: p(y), (classes,), positive, with sum 1; by default uniform. The field log_prior is ln p(y).

    A batch is a tuple (images, labels): images (n, D), labels (n,), whole numbers.
    Raises ValueError if `classes` is below 1 or `prior` is not such a table.
    """

    rules = BayesClassifier.rules

    def __init__(self, model: Any, classes: int, prior: Any = None):
        self.model, self.classes = model, whole(classes, 1, "classes")
        self.D, self.values = model.D, model.values
        self.log_prior = log_of_prior(prior, self.classes)

    def with_label(self, y: Any) -> Any:
        """Return the model p(x | y): of one label, or of a batch in which each image has a label of its own.

        y: a label, a whole number; the result is then an ordinary model of this class. Or labels, (n,); the result then
        computes with the n images of these labels, in this order, all at once, and gradients reach all parameters of
        this model. In both cases the weights are shared, not copied.
        Raises ValueError unless y holds labels, whole numbers from 0 to classes − 1.
        """
        raise NotImplementedError

    @property
    def block(self) -> int:
        """How many images the model processes at once."""
        return self.model.block

    def encoded(self, y: Any) -> Any:
        """The one-hot vectors e_y in the parameters' dtype, on their device: (n, classes), n = 1 for a single label.

        y: a label, or labels (n,). Raises ValueError unless they are whole numbers from 0 to classes − 1.
        """
        labels = y if np.ndim(y) else [y]
        return self.placed(one_hot(labels, self.classes, self.flat.dtype))

    def checked(self, batch: Any) -> Any:
        """Return the batch on the parameters' device: images checked by the model, labels as integers.

        batch: (images, labels). Raises ValueError unless it is such a tuple, of images that the model takes and one
        label for each; of labels on a device only the number is checked.
        """
        x, labels = images_and_labels(batch, self)
        x = self.model.checked(x)
        return x, backend.beside(whole_labels(labels, self.classes, len(x)), x)

    def loss(self, batch: Any, *, rng: RNGLike = None) -> Any:
        """The loss of the model given the labels, in nats: a mean over the batch.  batch: (images, labels) → ()."""
        x, y = self.checked(batch)
        return self.with_label(y).loss(x, rng=rng)

    def validation_loss(self, batch: Any) -> float:
        """The mean of the model's validation loss given the labels, in nats.  batch: (images, labels)."""
        x, y = images_and_labels(batch, self)
        y = whole_labels(y, self.classes, len(x))
        losses = [(np.mean(y == k), self.with_label(k).validation_loss(x[y == k])) for k in np.unique(y)]
        return float(sum(share * loss for share, loss in losses))

    def sample(self, n: int, y: Any = None, *, rng: RNGLike = None) -> np.ndarray:
        """Draw n vectors, each given its label: x ~ p(x | y).  → (n, D), on the host.

        y: a label for all, or labels (n,). None draws each label from p(y), so that x ~ p(x).
        """
        rng = np.random.default_rng(rng)
        if y is None:
            p = np.exp(np.asarray(self.log_prior, float))
            y = rng.choice(self.classes, size=n, p=p / p.sum())
        labels = whole_labels(np.broadcast_to(y, n) if np.ndim(y) == 0 else y, self.classes, n)
        parts = np.array_split(labels, max(1, -(-n // self.block)))
        with no_grad():
            return np.concatenate([self.with_label(part).sample(len(part), rng=rng) for part in parts])


BIASES = {
    NADE: ("b", "c"),
    PixelRNN: ("*.bias", "*.h0", "*.c0", "*.start.*"),
}
"""The parameters of each model that a label chooses: its biases, and the initial states of its LSTMs.

In NADE c is the initial state of the walk, and b the bias of each pixel. The gates of an LSTM keep one bias for all
labels: its inputs and its initial state have the label already.
"""


def biases_of(model: Any) -> dict[str, Tensor]:
    """Return the parameters of a model that a label chooses, by name.

    Raises TypeError for a model that is not in BIASES.
    """
    if type(model) not in BIASES:
        known = " or ".join(kind.__name__ for kind in BIASES)
        raise TypeError(f"a label chooses the biases of {known}, got {type(model).__name__}")
    chosen = lambda name: any(fnmatchcase(name, pattern) for pattern in BIASES[type(model)])
    return {name: p for name, p in model.parameters().items() if chosen(name)}


class ChosenBiases(Conditional):
    """p(x | y) of an autoregressive model whose biases the label chooses:  NADE, for example, becomes

        p(xᵢ = 1 | x_<ᵢ, y) = σ(b_yᵢ + Vᵢ · hᵢ),    hᵢ = σ(c_y + Σ_{j<i} xⱼ Wⱼ).

    The other parameters are the same for all labels. At the start all rows of a table are equal, so that the label does
    not matter yet.
    model: a NADE or PixelRNN, which this model takes over: each bias of n numbers becomes a table, (classes, n).
    classes: the number of labels. prior: p(y), see `Conditional`.
    tables: the names of the biases. Raises TypeError for another model.
    """

    def __init__(self, model: AutoregressiveModel, classes: int, prior: Any = None):
        biases = biases_of(model)
        super().__init__(model, classes, prior)
        self.tables = tuple(biases)
        for bias in biases.values():
            bias.data, bias.grad = np.tile(bias.data, (self.classes, 1)), None

    def with_label(self, y: Any) -> Any:
        """Return the model p(x | y), as `Conditional.with_label` says. The biases of one label are parameters of the
        result: views of the tables' rows, to which gradients of the result do not pass.
        """
        e, parameters = self.encoded(y), self.model.parameters()
        if np.ndim(y):
            return self.model.with_parts({name: np.dot(e, parameters[name]) for name in self.tables})
        row = lambda name: Tensor(parameters[name].data[int(y)], requires_grad=True)
        return self.model.with_parts({name: row(name) for name in self.tables})

    def log_prob(self, x: Any, y: Any) -> Any:
        """ln p(x | y) of each image, in nats.  x: (n, D). y: labels, (n,) → (n,)."""
        x, y = self.checked((x, y))
        return self.with_label(y).log_prob(x)

    def classifier(self) -> BayesClassifier:
        """Return Bayes' rule with p(x | y) and p(y): `log_prob` is ln p(x) of the mixture, `log_posterior` ln p(y | x).

        Its models are copies: one a class, with the class's biases as parameters. They do not change with this model.
        """
        models = [copy.deepcopy(self.with_label(y)) for y in range(self.classes)]
        return BayesClassifier(models, np.exp(self.log_prior))

    @on_the_host
    def sample(self, n: int, y: Any = None, *, rng: RNGLike = None) -> np.ndarray:
        return super().sample(n, y, rng=rng)


# -- a label joined to the inputs


class Told(Module):
    """A network that is told labels: f([x, e_y]).  (…, n) → f's output for the n numbers and the `classes` of e_y.

    network: f. e: the one-hot vectors of n labels, (n, classes). If x has more rows than labels, such as several draws
    of z for each image, or real images above fakes, the labels repeat: each n rows in turn have the n labels.
    """

    def __init__(self, network: Module, e: Any):
        self.network, self.e = network, e

    @property
    def flat(self) -> Any:
        """All parameters of the network as one vector."""
        return self.network.flat

    def joined(self, x: Any) -> Any:
        """[x, e_y] along the last axis.  x: (…, m) → (…, m + classes). Raises ValueError for other than whole turns."""
        (n, classes), rows = self.e.shape, math.prod(x.shape[:-1])
        turns, rest = divmod(rows, max(n, 1))
        if rest:
            raise ValueError(f"{rows} rows cannot have {n} labels in turn: give one label for each row")
        e = np.broadcast_to(self.e, (turns, n, classes)).reshape(*x.shape[:-1], classes)
        return np.concatenate([x, e], axis=-1)

    def __call__(self, x: Any) -> Any:
        return self.network(self.joined(x))

    def mean(self, z: Any) -> Any:
        """E[x | z, y] of a decoder.  z: (…, d) → (…, D)."""
        return self.network.mean(self.joined(z))  # type: ignore[attr-defined]


TOLD = {
    VAE: ("encoder", "decoder"),
    GAN: ("generator", "discriminator", "average"),
}
"""The networks of each model that a label is joined to."""


class JoinedLabel(Conditional):
    """p(x | y) of a VAE or a GAN whose networks read the label beside their input (Mirza and Osindero 2014).

        VAE:  q(z | x, y) from [x, e_y],    p(x | z, y) from [z, e_y],    ln p(x | y) ≥ ELBO(x, y)
        GAN:  G([z, e_y]),    V = E[ln D([x, e_y])] + E[ln(1 − D([G([z, e_y]), e_y]))]

    `LabelledGame` trains a GAN. The discriminator sees the same labels beside real images and beside fakes.
    model: a VAE or GAN whose networks take `classes` numbers more than without labels. `bernoulli_vae` and
    `dcgan.discriminator` build such networks if they are given `classes`.
    classes: the number of labels. prior: p(y), see `Conditional`.
    Raises TypeError for another model, and ValueError if its networks do not take these numbers.
    """

    def __init__(self, model: VAE | GAN, classes: int, prior: Any = None):
        super().__init__(model, classes, prior)
        if type(model) not in TOLD:
            known = " or ".join(kind.__name__ for kind in TOLD)
            raise TypeError(f"a label is joined to the inputs of {known}, got {type(model).__name__}")
        try:
            self.trial()
        except ValueError as error:
            name = type(model).__name__
            raise ValueError(
                f"each network of the {name} must take {self.classes} numbers more than without labels: {error}"
            ) from None

    def trial(self) -> None:
        """Run each network once, on a single row. Raises ValueError if the shapes do not fit."""
        with no_grad(), evaluating(self.model):
            model = self.with_label(0)
            x = self.placed(model.sample(1, rng=0))
            _ = model.discriminator(x) if isinstance(model, GAN) else model.posterior(x)

    def with_label(self, y: Any) -> Any:
        e = self.encoded(y)
        networks = {name: getattr(self.model, name) for name in TOLD[type(self.model)]}
        return self.model.with_parts({name: Told(network, e) for name, network in networks.items() if network})


class LabelledGame(Game):
    """The training step of a GAN with labels: as `Game`, but a batch is (images, labels).

    Real image i of a batch and fake i have the same label: G([z, e_y]), D([x, e_y]) and D([G, e_y]) for the same y.
    model: the JoinedLabel of a GAN. settings, others: the other arguments of `Game`, by position and by name. labelled:
    the field that holds the model, as `model` holds its GAN.
    Raises TypeError if model is not such a model, and ValueError as `Game` does.
    """

    def __init__(self, model: JoinedLabel, *settings: Any, **others: Any):
        if not isinstance(getattr(model, "model", None), GAN):
            raise TypeError(f"LabelledGame trains the JoinedLabel of a GAN, got {type(model).__name__}")
        super().__init__(model.model, *settings, **others)
        self.labelled = model

    def checked(self, batch: Any) -> Any:
        """Return (images, labels), checked by the model.  batch: a tuple of images, (n, D), and labels, (n,)."""
        return self.labelled.checked(batch)

    def parts(self, batch: Any) -> Iterator[tuple[GAN, Any]]:
        """Yield the players, told the labels, and the real images of each discriminator step: parts of the batch."""
        for real, y in zip(*(np.array_split(a, self.discriminator_steps) for a in batch), strict=True):
            yield self.labelled.with_label(y), real
