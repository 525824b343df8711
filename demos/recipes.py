"""How each model of the lecture's first half is trained on each data set: one place for demos and benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minigen.ar import AR
from minigen.data import Dataset
from minigen.eonade import EoNADE
from minigen.markov import MarkovChain
from minigen.model import ExplicitModel
from minigen.nade import NADE
from minigen.optim import Adam
from minigen.table import IndependentBernoulli
from minigen.train import History, fit


@dataclass(frozen=True)
class Recipe:
    """What training by Adam needs to know; the learning rate falls linearly to 0 and the decay is decoupled.

    hidden: hidden units, where the model has any. patience: epochs without a better validation NLL before it stops.
    validation: how many images of the validation part that NLL is taken over.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.0
    patience: int = 40
    hidden: int = 500
    validation: int = 10_000


RECIPES = {
    ("AR(8)", "digits"): Recipe(epochs=60, batch_size=30, learning_rate=0.01),
    ("FVSBN", "digits"): Recipe(epochs=60, batch_size=30, learning_rate=0.01, weight_decay=0.05),
    ("NADE", "digits"): Recipe(epochs=120, batch_size=30, learning_rate=0.01, weight_decay=0.05),
    ("EoNADE", "digits"): Recipe(epochs=150, batch_size=30, learning_rate=0.01),
    ("AR(8)", "mnist"): Recipe(epochs=15, batch_size=100, learning_rate=0.01, patience=5),
    ("FVSBN", "mnist"): Recipe(epochs=15, batch_size=100, learning_rate=0.003, patience=5),
    ("NADE", "mnist"): Recipe(epochs=25, batch_size=100, learning_rate=0.01, weight_decay=0.01, patience=5),
    ("NADE", "mnist-sampled"): Recipe(epochs=60, batch_size=100, learning_rate=0.01, weight_decay=0.01, patience=5),
    ("EoNADE", "mnist"): Recipe(epochs=150, batch_size=100, learning_rate=0.003, validation=500),
}

ORDERS = 8
"""How many orders of the pixels EoNADE averages over."""


def recipe_of(model: str, data: str) -> Recipe:
    """The recipe of a model on one of the data sets; "mnist-sampled" has that of "mnist" unless it has its own."""
    return RECIPES.get((model, data)) or RECIPES[model, data.removesuffix("-sampled")]


def by_gradient(
    model: ExplicitModel, recipe: Recipe, dataset: Dataset, rng: np.random.Generator, progress: bool = True
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
        progress=progress,
    )


def untrained(name: str, recipe: Recipe, dataset: Dataset, rng: np.random.Generator) -> ExplicitModel:
    """A model with the biases that independent pixels have: training starts from what single pixels know."""
    D = dataset.D
    models: dict[str, Callable[[], AR | NADE | EoNADE]] = {
        "AR(8)": lambda: AR(D, 8),
        "FVSBN": lambda: AR(D, D - 1),
        "NADE": lambda: NADE(D, recipe.hidden, rng),
        "EoNADE": lambda: EoNADE(D, recipe.hidden, rng),
    }
    model = models[name]()
    model.b.data[...] = IndependentBernoulli(D).fit(dataset.train.images).logits.data
    return model


MODELS = ("independent", "Markov", "AR(8)", "FVSBN", "NADE", "EoNADE")
"""From the fewest assumptions that pixels share to the most that they may."""


def learn(name: str, data: str, dataset: Dataset, rng: np.random.Generator) -> tuple[ExplicitModel, History | None]:
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
