"""How each model of the lecture is trained on each data set: one place for demos and benchmarks."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from demos.common import OwnImages, folder, number
from minigen.ar import AR
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
    """What training by Adam needs to know; learning rates fall linearly to 0 and the decay is decoupled.

    hidden, layers: hidden units and layers of them, where the model has any; latent: numbers in z; beta: the weight of
    a VAE's prior fitting, reached after `warm_up` epochs. adversarial_rate: the learning rate of a discriminator, and
    of an AAE's encoder against it; penalty_weight: of a penalty on its slope. max_norm: to clip the gradient to.
    patience: epochs without a better validation loss before it stops. validation: how many images that is taken over.
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
    ("EoNADE", "digits"): Recipe(epochs=150, batch_size=30, learning_rate=0.01),
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
"""How many orders of the pixels EoNADE averages over."""


SMALL = 256
"""Pixels that an image of one's own has at most to be learned as the digits are, and not as MNIST is."""


def recipe_of(model: str, data: str | OwnImages) -> Recipe:
    """The recipe of a model on what `--data` says; "mnist-sampled" has that of "mnist" unless it has its own, and
    Fashion-MNIST has those of MNIST."""
    if isinstance(data, OwnImages):
        data = "digits" if data.dataset.D <= SMALL else "mnist"
    data = data.replace("fashion", "mnist")
    return RECIPES.get((model, data)) or RECIPES[model, data.removesuffix("-sampled")]


OPTIONS: dict[str, tuple[Callable[[str], float], str]] = {
    "hidden": (number(int), "hidden units"),
    "layers": (number(int), "how many of them"),
    "latent": (number(int), "numbers in z"),
    "beta": (number(float, least=0), "weight of the prior fitting in the loss; 1 is the ELBO's"),
    "warm-up": (number(int, least=0), "epochs in which that weight rises to its value"),
    "epochs": (number(int), "passes over the training images, at most"),
    "patience": (number(int), "stop after so many without better validation"),
    "batch-size": (number(int), "images a step"),
    "learning-rate": (number(float), "of Adam, falling linearly to 0"),
    "adversarial-rate": (number(float), "of the discriminator, and of an encoder against it"),
    "penalty-weight": (number(float, least=0), "of the penalty on the discriminator's slope"),
    "weight-decay": (number(float, least=0), "of Adam, decoupled"),
}
"""What a command line may say about a recipe."""

SHALLOW = ("hidden", "epochs", "patience", "batch-size", "learning-rate", "weight-decay")
ADVERSARIAL = ("latent", "epochs", "batch-size", "learning-rate", "adversarial-rate")
OPTIONS_OF = {
    **dict.fromkeys(VARIANTS, ("layers", *SHALLOW)),
    "VAE": ("layers", "latent", "beta", "warm-up", *SHALLOW),
    **dict.fromkeys(("GAN", "DCGAN"), ("hidden", *ADVERSARIAL, "penalty-weight")),
    "AAE": ("hidden", "layers", *ADVERSARIAL),
}
"""Which of OPTIONS a model's recipe has, where those are not SHALLOW."""


DESCRIBED = ("digits", "mnist", "mnist-sampled")
"""The data sets whose recipes a help page shows."""


def add_option(p: argparse.ArgumentParser, name: str, default: str) -> None:
    """One of OPTIONS, which leaves a recipe as it is where it is not given.  default: what the help page says of it."""
    kind, meaning = OPTIONS[name]
    p.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS, metavar=name[0].upper(),
                   help=f"{meaning} (default: {default})")  # fmt: skip


def add_recipe_options(p: argparse.ArgumentParser, *models: str) -> None:
    """Those of OPTIONS that these models have, with their defaults on every data set; and those of `checkpoints`."""
    for name in OPTIONS:
        if name not in OPTIONS_OF.get(models[0], SHALLOW):
            continue
        field = name.replace("-", "_")
        values = {(m, data): f"{getattr(recipe_of(m, data), field):g}" for m in models for data in DESCRIBED}
        if len(set(values.values())) == 1:
            default = next(iter(values.values()))
        elif len(models) > 1:
            default = "the variant's own"
        else:
            default = ", ".join(f"{value} for {data}" for (_, data), value in values.items())
        add_option(p, name, default)
    p.add_argument("--checkpoint", type=folder, metavar="DIR",
                   help="keep here all that the training needs to go on, anew after each epoch")  # fmt: skip
    p.add_argument("--resume", action="store_true", help="go on from what is in --checkpoint, as if never stopped")


def as_asked(recipe: Recipe, o: argparse.Namespace) -> Recipe:
    """A recipe with what the command line says otherwise."""
    return replace(recipe, **{name: value for name, value in vars(o).items() if name in Recipe.__dataclass_fields__})


def recipe_for(model: str, o: argparse.Namespace) -> Recipe:
    """The recipe of a model on what `--data` says, with what the command line says otherwise."""
    return as_asked(recipe_of(model, o.data), o)


HARMLESS = (
    "out",
    "show",
    "device",
    "data_folder",
    "checkpoint",
    "resume",
    "recipe",
    "draws",
    "scored",
    "samples",
    "epochs",
    "patience",
)
"""Options that may be others where training is resumed: they are not of the training, or `fit` judges them."""


def checkpoints(o: argparse.Namespace, recipe: Recipe) -> Checkpoints | None:
    """What the command line says of checkpoints, as `fit` takes it; prints where the training goes on."""
    if o.checkpoint is None:
        if o.resume:
            raise UsageError("--resume goes on from a folder of checkpoints: name it with --checkpoint DIR")
        return None
    settings = {name: value for name, value in (vars(o) | asdict(recipe)).items() if name not in HARMLESS}
    found = Checkpoints(o.checkpoint, o.resume, settings=settings)
    if o.resume:
        there = found.paths()
        print(f"going on from {there[0]}" if there else f"{o.checkpoint} holds no checkpoint: beginning with epoch 1")
    return found


def by_gradient(
    model: ExplicitModel | VAE,
    recipe: Recipe,
    dataset: Dataset,
    rng: np.random.Generator,
    measure: Callable[[], dict[str, float]] | None = None,
    progress: bool = True,
    checkpoint: Checkpoints | None = None,
) -> History:
    """Train by Adam on the data set's training images, made anew each epoch; keep the best on its validation part."""
    return fit(
        model,
        Adam(model, recipe.learning_rate, weight_decay=recipe.weight_decay),
        dataset.anew,
        dataset.validation.images[: recipe.validation],
        rng=rng,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        decay=True,
        patience=recipe.patience,
        max_norm=recipe.max_norm,
        before_epoch=WarmUp(model, recipe.warm_up, recipe.beta) if isinstance(model, VAE) else None,
        measure=measure,
        checkpoint=checkpoint,
        progress=progress,
    )


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
    """Train by the steps of a game, and keep the last weights: the losses of a game measure no quality.

    game: a step, as `fit` takes it. images: to train on, or a function that makes those of one epoch. validation:
    images for `model.validation_loss`. epochs: how many. batch_size: images a step. decay: whether learning rates
    fall linearly to 0. others: further arguments of `fit`.
    """
    return fit(model, game, images, validation, rng=rng, epochs=epochs, batch_size=batch_size, decay=decay,
               keep_best=False, **others)  # fmt: skip


def untrained(name: str, recipe: Recipe, dataset: Dataset, rng: np.random.Generator) -> ExplicitModel:
    """One of MODELS or VARIANTS. Those with a bias for each pixel start from what single pixels know."""
    D = dataset.D
    if name in VARIANTS:
        return PixelRNN(dataset.shape, name, recipe.hidden, recipe.layers, dataset.levels, rng=rng)
    models: dict[str, Callable[[], AR | NADE | EoNADE]] = {
        "AR(8)": lambda: AR(D, 8),
        "FVSBN": lambda: AR(D, D - 1),
        "NADE": lambda: NADE(D, recipe.hidden, rng=rng),
        "EoNADE": lambda: EoNADE(D, recipe.hidden, rng=rng),
    }
    model = models[name]()
    model.b.data[...] = IndependentBernoulli(D).fit(dataset.train.images).logits.data
    return model


PRIORS: dict[str, Callable[[VAE, np.random.Generator], Prior]] = {
    "normal": lambda vae, rng: StandardNormal(vae.d),
    "mixture": lambda vae, rng: MixturePrior(vae.d, 20, rng=rng),
    "vamp": lambda vae, rng: VampPrior(vae.encoder, vae.D, 20, rng=rng),
}
"""What a VAE's z may be drawn from."""


def variational(
    recipe: Recipe,
    dataset: Dataset,
    rng: np.random.Generator,
    prior: str = "normal",
    covariance: str = "diagonal",
    activation: Callable = relu,
) -> VAE:
    """An untrained VAE of binary images. Its pixels start from what single pixels know."""
    hidden = (recipe.hidden,) * recipe.layers
    vae = bernoulli_vae(dataset.D, hidden, recipe.latent, activation, covariance, rng=rng)
    vae.prior = PRIORS[prior](vae, rng)
    last: Any = list(vae.decoder.parameters().values())[-1]
    last.data[...] = IndependentBernoulli(dataset.D).fit(dataset.train.images).logits.data
    return vae


MODELS = ("independent", "Markov", "AR(8)", "FVSBN", "NADE", "EoNADE")
"""From the fewest assumptions that pixels share to the most that they may."""


def learn(
    name: str, data: str | OwnImages, dataset: Dataset, rng: np.random.Generator
) -> tuple[ExplicitModel, History | None]:
    """One of MODELS, trained on a data set; the history of its descent, or None where the fit has a closed form."""
    if name == "independent":
        return IndependentBernoulli(dataset.D).fit(dataset.train.images), None
    if name == "Markov":
        return MarkovChain(dataset.D).fit(dataset.train.images), None
    recipe = recipe_of(name, data)
    model = untrained(name, recipe, dataset, rng)
    history = by_gradient(model, recipe, dataset, rng)
    if isinstance(model, EoNADE):  # one order is enough to tell when to stop
        model.orders = np.array([rng.permutation(model.D) for _ in range(ORDERS)])
    return model, history
