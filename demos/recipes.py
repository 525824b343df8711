"""Recipes: the settings with which each model of the lecture is trained on each data set, for demos and benchmarks."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from demos.common import OwnImages, number
from demos.output import Output, facts_of, folder, saved, write_model
from minigen.analysis.classifier import Classifier
from minigen.ar import AR
from minigen.conditional import Conditional
from minigen.data.sets import Dataset
from minigen.eonade import EoNADE
from minigen.errors import UsageError
from minigen.markov import MarkovChain
from minigen.model import ExplicitModel
from minigen.nade import NADE
from minigen.nn.functions import relu
from minigen.pixelrnn import VARIANTS, PixelRNN
from minigen.priors import MixturePrior, Prior, StandardNormal, VampPrior
from minigen.table import IndependentBernoulli
from minigen.training.history import History
from minigen.training.loop import fit
from minigen.training.optim import Adam
from minigen.training.resume import Checkpoints
from minigen.training.run import Step, Trainable
from minigen.vae import VAE, WarmUp, bernoulli_vae


@dataclass(frozen=True)
class Recipe:
    """Settings of a model and of its training by Adam.

    epochs: passes over the training images, at most. batch_size: images in a step. learning_rate: at the start; falls
    linearly to 0. weight_decay: decoupled (AdamW). patience: epochs without a lower validation loss before training
    stops. hidden, layers: hidden units in a layer, hidden layers, if the model has any. max_norm: of the gradient,
    which is clipped to it; None: no clipping. validation: images of the validation loss, at most. latent: dimension of
    z. beta: weight of a VAE's prior fitting, reached after `warm_up` epochs. adversarial_rate: learning rate of a
    discriminator, and of an AAE's encoder against it. penalty_weight: of the penalty on the discriminator's gradient.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.0
    patience: int = 40
    hidden: int = 500
    layers: int = 1
    max_norm: float | None = None
    validation: int = 10_000
    latent: int = 0
    beta: float = 1.0
    warm_up: int = 0
    adversarial_rate: float = 0.0
    penalty_weight: float = 0.0


RECIPES = {
    ("AR(8)", "digits"): Recipe(epochs=60, batch_size=30, learning_rate=0.01),
    ("FVSBN", "digits"): Recipe(epochs=60, batch_size=30, learning_rate=0.01, weight_decay=0.05),
    ("NADE", "digits"): Recipe(epochs=120, batch_size=30, learning_rate=0.01, weight_decay=0.05),
    ("EoNADE", "digits"): Recipe(epochs=600, batch_size=30, learning_rate=0.01, patience=600),
    ("raster", "digits"): Recipe(80, 30, learning_rate=0.01, weight_decay=0.05, hidden=128, max_norm=5),
    ("row", "digits"): Recipe(80, 30, learning_rate=0.005, weight_decay=0.2, hidden=24, layers=3, max_norm=5),
    ("diagonal", "digits"): Recipe(60, 30, learning_rate=0.005, weight_decay=0.1, hidden=32, max_norm=5),
    ("cnn", "digits"): Recipe(80, 30, learning_rate=0.005, weight_decay=0.2, hidden=32, layers=5, max_norm=5),
    ("VAE", "digits"): Recipe(300, 60, learning_rate=0.003, hidden=200, layers=2, latent=8, warm_up=30, patience=100),
    ("AAE", "digits"): Recipe(200, 100, learning_rate=0.003, adversarial_rate=0.002, hidden=200, layers=2, latent=2),
    ("GAN", "digits"): Recipe(
        300, 64, learning_rate=0.001, adversarial_rate=0.001, penalty_weight=0.3, hidden=256, layers=2, latent=16
    ),
    ("DCGAN", "digits"): Recipe(
        150, 64, learning_rate=0.001, adversarial_rate=0.001, penalty_weight=0.1, hidden=32, latent=16
    ),
    ("AR(8)", "mnist"): Recipe(epochs=15, batch_size=100, learning_rate=0.01, patience=5),
    ("FVSBN", "mnist"): Recipe(epochs=15, batch_size=100, learning_rate=0.003, patience=5),
    ("NADE", "mnist"): Recipe(epochs=25, batch_size=100, learning_rate=0.01, weight_decay=0.01, patience=5),
    ("NADE", "mnist-sampled"): Recipe(epochs=60, batch_size=100, learning_rate=0.01, weight_decay=0.01, patience=5),
    ("VAE", "mnist"): Recipe(100, 100, learning_rate=0.001, hidden=500, layers=2, latent=20, warm_up=10),
    ("AAE", "mnist"): Recipe(20, 100, learning_rate=0.001, adversarial_rate=0.001, hidden=500, layers=2, latent=2),
    ("GAN", "mnist"): Recipe(
        50, 128, learning_rate=0.0005, adversarial_rate=0.0005, penalty_weight=1, hidden=512, layers=2, latent=32
    ),
    ("DCGAN", "mnist"): Recipe(
        12, 64, learning_rate=0.001, adversarial_rate=0.001, penalty_weight=0.5, hidden=32, latent=32
    ),
    ("EoNADE", "mnist"): Recipe(epochs=150, batch_size=100, learning_rate=0.003, validation=500),
    ("raster", "mnist"): Recipe(14, 50, learning_rate=0.003, hidden=128, max_norm=5, validation=1000),
    ("row", "mnist"): Recipe(14, 50, learning_rate=0.003, hidden=32, max_norm=5, validation=1000),
    ("diagonal", "mnist"): Recipe(6, 50, learning_rate=0.003, hidden=32, max_norm=5, validation=1000),
    ("cnn", "mnist"): Recipe(5, 50, learning_rate=0.003, hidden=16, layers=7, max_norm=5, validation=1000),
}

ORDERS = 8
"""Number of pixel orders that EoNADE averages over."""


SMALL = 256
"""One's own images of at most this number of pixels use the recipes of the digits, larger ones the recipes of MNIST."""


def recipe_of(model: str, data: str | OwnImages) -> Recipe:
    """Return the recipe of a model on the data set of `--data`.

    model: a name in RECIPES. data: a name of a data set, or one's own images. "mnist-sampled" uses the recipe of
    "mnist" if it has none of its own. Fashion-MNIST uses the recipes of MNIST.
    """
    if isinstance(data, OwnImages):
        data = "digits" if data.dataset.D <= SMALL else "mnist"
    data = data.replace("fashion", "mnist")
    return RECIPES.get((model, data)) or RECIPES[model, data.removesuffix("-sampled")]


OPTIONS: dict[str, tuple[Callable[[str], float], str]] = {
    "hidden": (number(int), "hidden units in each layer; for convolutions (only pixelrnn and dcgan): feature maps"),
    "layers": (number(int, most=1000), "number of hidden layers"),
    "latent": (number(int), "dimension of the latent variable z"),
    "beta": (number(float, least=0), "weight β of the term KL(q(z|x) ‖ p(z)) in the loss; β = 1 gives the ELBO"),
    "warm-up": (number(int, least=0), "number of epochs in which the weight β rises linearly to its value"),
    "epochs": (number(int), "maximal number of epochs (passes over the training images)"),
    "patience": (number(int), "stop the training after this number of epochs without a lower validation loss"),
    "batch-size": (number(int), "number of images in a training step"),
    "learning-rate": (number(float), "learning rate of Adam at the start; it falls linearly to 0"),
    "adversarial-rate": (number(float), "learning rate of the discriminator, and of an AAE's encoder against it"),
    "penalty-weight": (number(float, least=0), "weight of the penalty on the discriminator's gradient"),
    "weight-decay": (number(float, least=0), "decoupled weight decay of Adam (AdamW)"),
}
"""The fields of a recipe that a command line can set: how its text is read, and the help text."""

SHALLOW = ("hidden", "epochs", "patience", "batch-size", "learning-rate", "weight-decay")
ADVERSARIAL = ("latent", "epochs", "batch-size", "learning-rate", "adversarial-rate")
OPTIONS_OF = {
    **dict.fromkeys(VARIANTS, ("layers", *SHALLOW)),
    "VAE": ("layers", "latent", "beta", "warm-up", *SHALLOW),
    **dict.fromkeys(("GAN", "DCGAN"), ("hidden", *ADVERSARIAL, "penalty-weight")),
    "AAE": ("hidden", "layers", *ADVERSARIAL),
}
"""The names in OPTIONS that each model has. A model that is not here has the names in SHALLOW."""


DESCRIBED = ("digits", "mnist", "mnist-sampled")
"""The data sets whose defaults the help shows."""


def add_option(p: argparse.ArgumentParser, name: str, default: str) -> None:
    """Add one of OPTIONS to the parser. Without the option, the recipe keeps its value.  default: for the help text."""
    kind, meaning = OPTIONS[name]
    p.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS, metavar=name[0].upper(),
                   help=f"{meaning} (default: {default})")  # fmt: skip


def add_recipe_options(p: argparse.ArgumentParser, *models: str) -> None:
    """Add the options that these models have, with their defaults on every data set, `--checkpoint` and `--resume`."""
    for name in OPTIONS:
        if name not in OPTIONS_OF.get(models[0], SHALLOW):
            continue
        field = name.replace("-", "_")
        values = {(m, data): f"{getattr(recipe_of(m, data), field):g}" for m in models for data in DESCRIBED}
        if len(set(values.values())) == 1:
            default = next(iter(values.values()))
        elif len(models) > 1:
            default = "depends on the model"
        else:
            default = ", ".join(f"{value} for {data}" for (_, data), value in values.items())
        add_option(p, name, default)
    add_checkpoint_options(p)


def add_checkpoint_options(p: argparse.ArgumentParser) -> None:
    """Add `--checkpoint` and `--resume`, which `checkpoints` reads."""
    p.add_argument("--checkpoint", type=folder, metavar="DIR",
                   help="folder for checkpoints: after each epoch, all that a stopped training needs to "
                        "continue")  # fmt: skip
    p.add_argument("--resume", action="store_true",
                   help="continue the training from the last checkpoint in the folder of --checkpoint; the result is "
                        "the same as without a stop")  # fmt: skip


def as_asked(recipe: Recipe, o: argparse.Namespace) -> Recipe:
    """Return a recipe with the values that the command line sets."""
    return replace(recipe, **{name: value for name, value in vars(o).items() if name in Recipe.__dataclass_fields__})


def recipe_for(model: str, o: argparse.Namespace) -> Recipe:
    """Return the recipe of a model on the data set of `--data`, with the values that the command line sets."""
    return as_asked(recipe_of(model, o.data), o)


HARMLESS = (
    "out",
    "show",
    "device",
    "data_folder",
    "resize",
    "checkpoint",
    "resume",
    "recipe",
    "draws",
    "scored",
    "samples",
    "epochs",
    "patience",
    "temperature",
    "prompt",
    "length",
    "variants",
)
"""Options that may change when a training is resumed: they do not affect the training, or `fit` checks them."""


def checkpoints(
    o: argparse.Namespace, recipe: Recipe | None = None, training: str = "", **facts: Any
) -> Checkpoints | None:
    """Return the checkpoints for `fit`, or None without `--checkpoint`. With `--resume`, print where training starts.

    A checkpoint of other settings is refused: of other options, but for HARMLESS, or of another recipe or facts.
    recipe: of the model, if it has one. training: the name of this training if a demo has several; each has a folder of
    its own in that of `--checkpoint`. facts: what the options do not say, or the contents of a file that one names.

    Raises UsageError for `--resume` without a folder.
    """
    if o.checkpoint is None:
        if o.resume:
            raise UsageError("--resume continues from a folder of checkpoints: name the folder with --checkpoint DIR")
        return None
    settings = vars(o) | (asdict(recipe) if recipe else {}) | facts
    settings = {name: value for name, value in settings.items() if name not in HARMLESS}
    if isinstance(data := settings.get("data"), OwnImages):  # whatever the path is, the images must be equal
        settings |= {"data": data.dataset.train.levels, "labels of data": data.dataset.train.labels}
    found = Checkpoints(o.checkpoint / training, o.resume, settings=settings)
    if o.resume:
        there = found.paths()
        none = f"the folder {found.folder} has no checkpoint: the training starts at epoch 1"
        print(f"the training continues from checkpoint {there[0]}" if there else none)
    return found


def by_gradient(
    model: ExplicitModel | VAE | Conditional,
    recipe: Recipe,
    dataset: Dataset,
    rng: np.random.Generator,
    measure: Callable[[], dict[str, float]] | None = None,
    progress: bool = True,
    checkpoint: Checkpoints | None = None,
) -> History:
    """Train a model by Adam and return the history. The model gets the weights of the lowest validation loss.

    A conditional model learns from images and their labels, all others from images alone.
    recipe: settings of the training. dataset: its `anew` gives the training images of each epoch. measure: called after
    each epoch, returns numbers for the history. progress: show a progress bar. checkpoint: as `fit` takes it.
    """
    train: Any = dataset.anew
    validation: Any = dataset.validation.images[: recipe.validation]
    if isinstance(model, Conditional):
        train = lambda rng: (dataset.anew(rng), dataset.train.labels)
        validation = validation, dataset.validation.labels[: recipe.validation]
    vae = model.model if isinstance(model, Conditional) else model
    return fit(
        model,
        Adam(model, recipe.learning_rate, weight_decay=recipe.weight_decay),
        train,
        validation,
        rng=rng,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        decay=True,
        patience=recipe.patience,
        max_norm=recipe.max_norm,
        before_epoch=WarmUp(vae, recipe.warm_up, recipe.beta) if isinstance(vae, VAE) else None,
        measure=measure,
        checkpoint=checkpoint,
        progress=progress,
    )


JUDGE_EPOCHS = {"few": 60, "many": 8}
"""Epochs of the classifier that judges samples, for fewer than 10,000 training images ("few") and for more."""


def trained_classifier(dataset: Dataset, rng: np.random.Generator) -> Classifier:
    """Return a classifier trained on the training part, with the weights of the lowest validation loss."""
    small = len(dataset.train) < 10_000
    model = Classifier(dataset.D, (256, 128), dataset.classes, rng=rng)
    optimizer = Adam(model, 0.001, weight_decay=0.1)
    fit(
        model,
        optimizer,
        (dataset.train.images, dataset.train.labels),
        (dataset.validation.images, dataset.validation.labels),
        rng=rng,
        epochs=JUDGE_EPOCHS["few" if small else "many"],
        batch_size=30 if small else 100,
        decay=True,
    )
    return model


def by_game(
    model: Trainable,
    game: Step,
    images: Any,
    validation: np.ndarray,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    decay: bool = True,
    **others: Any,
) -> History:
    """Train the players of a game and return the history. The model keeps its last weights: losses in a game do not
    measure quality.

    model: holds both players. game: the training step, as `fit` takes it. images: for training, or a function that
    returns the images of one epoch. validation: images for `model.validation_loss`. epochs: number of epochs.
    batch_size: images in a step. decay: whether learning rates fall linearly to 0. others: more arguments of `fit`.
    """
    return fit(model, game, images, validation, rng=rng, epochs=epochs, batch_size=batch_size, decay=decay,
               keep_best=False, **others)  # fmt: skip


def untrained(name: str, recipe: Recipe, dataset: Dataset, rng: np.random.Generator) -> ExplicitModel:
    """Return an untrained model. Its pixel biases, if any, start at the logits of independent pixels.

    name: one of VARIANTS, or a model in MODELS that has a recipe. dataset: gives the shape of images and the biases.
    """
    D = dataset.D
    if name in VARIANTS:
        return PixelRNN(dataset.shape, name, recipe.hidden, recipe.layers, dataset.levels, rng=rng)
    models: dict[str, Callable[[], AR | NADE | EoNADE]] = {
        "AR(8)": lambda: AR(D, min(8, D - 1)),
        "FVSBN": lambda: AR(D, D - 1),
        "NADE": lambda: NADE(D, recipe.hidden, rng=rng),
        "EoNADE": lambda: EoNADE(D, recipe.hidden, rng=rng),
    }
    model = models[name]()
    model.b.data[...] = IndependentBernoulli(D).fit(dataset.train.images).logits.data
    return model


def shares_of_classes(dataset: Dataset) -> np.ndarray:
    """Return p(y), the share of each class in the training part, (classes,)."""
    return np.bincount(dataset.train.labels, minlength=dataset.classes) / len(dataset.train)


PRIORS: dict[str, Callable[[VAE, np.random.Generator], Prior]] = {
    "normal": lambda vae, rng: StandardNormal(vae.d),
    "mixture": lambda vae, rng: MixturePrior(vae.d, 20, rng=rng),
    "vamp": lambda vae, rng: VampPrior(vae.encoder, vae.D, 20, rng=rng),
}
"""The priors p(z) of a VAE, by the name that `--prior` takes."""


def variational(
    recipe: Recipe,
    dataset: Dataset,
    rng: np.random.Generator,
    prior: str = "normal",
    covariance: str = "diagonal",
    activation: Callable = relu,
    classes: int = 0,
) -> VAE:
    """Return an untrained VAE of binary images. Its output biases start at the logits of independent pixels.

    recipe: hidden units, layers and dimension of z. prior: one of PRIORS. covariance: of q(z|x), "diagonal" or "full".
    activation: of the hidden layers. classes: numbers of a one-hot label that both networks read.
    """
    hidden = (recipe.hidden,) * recipe.layers
    vae = bernoulli_vae(dataset.D, hidden, recipe.latent, activation, covariance, classes, rng=rng)
    vae.prior = PRIORS[prior](vae, rng)
    last: Any = list(vae.decoder.parameters().values())[-1]
    last.data[...] = IndependentBernoulli(dataset.D).fit(dataset.train.images).logits.data
    return vae


MODELS = ("independent", "Markov", "AR(8)", "FVSBN", "NADE", "EoNADE")
"""The models with an exact likelihood, in the order of the lecture: from the strongest assumption to the weakest."""


def learn(
    name: str, data: str | OwnImages, dataset: Dataset, rng: np.random.Generator, out: Output
) -> tuple[ExplicitModel, History | None]:
    """Return a trained model and the history of its training. The history is None if the fit has a closed form.

    name: one of MODELS. data: the value of `--data`, which chooses the recipe. dataset: its images. out: the folder
    for the weights, which are written when the training ends, under the model's name.
    """
    if name in ("independent", "Markov"):
        counted = IndependentBernoulli(dataset.D) if name == "independent" else MarkovChain(dataset.D)
        write_model(counted.fit(dataset.train.images), out, f"{name}-weights.npz", facts_of(dataset))
        return counted, None
    recipe = recipe_of(name, data)
    model = untrained(name, recipe, dataset, rng)
    with saved(model, out, f"{name}-weights.npz", facts_of(dataset)):
        history = by_gradient(model, recipe, dataset, rng)
        if isinstance(model, EoNADE):  # in training one order is enough for the validation loss
            model.orders = np.array([rng.permutation(model.D) for _ in range(ORDERS)])
    return model, history
