"""Densities that classify: one model a digit, Bayes' rule, and a confusion matrix beside logistic regression."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from autograd import backend
from autograd.rules.special import log_softmax
from demos.common import add_data_options, labelled, load, number, parser
from demos.figures import save_pictures, subplots
from demos.printed import accuracy
from demos.recipes import Recipe, by_gradient, untrained
from minigen import plot
from minigen.data.sets import Dataset
from minigen.model import ExplicitModel
from minigen.nn.layers import Linear
from minigen.table import IndependentBernoulli
from minigen.training.optim import lbfgs
from minigen.uses import BayesClassifier


def options(arguments: list[str]) -> Namespace:
    p = parser("classify", __doc__)
    add_data_options(p)
    p.add_argument("--hidden", type=number(int), default=100, metavar="H", help="hidden units of each NADE")
    p.add_argument("--epochs", type=number(int), default=60, help="passes over the images of a class, at most")
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    dataset = labelled(load(o.data, o.data_folder))
    test = dataset.test
    print(f"{dataset.name}: {len(dataset.train):,} images to train, accuracy on {len(test):,} test images\n")
    by_bayes = lambda learn: one_a_class(dataset, learn).predict(test.images)
    rules: dict[str, Callable[[], np.ndarray]] = {
        "logistic regression": lambda: logistic_regression(dataset),
        "independent pixels": lambda: by_bayes(independent),
        "FVSBN": lambda: by_bayes(lambda one: descended("FVSBN", one, o)),
        f"NADE, {o.hidden} hidden": lambda: by_bayes(lambda one: descended("NADE", one, o)),
    }
    for name, rule in rules.items():
        predicted = rule()
        share, error = accuracy(predicted, test.labels)
        what = "p(y | x), no density" if name == "logistic regression" else "p(x | y) and Bayes' rule"
        print(f"{name:<22}{share:>8.1%} ± {error:.1%}   {what}", flush=True)
    pictures = {
        "confusion.png": draw_confusion(name, predicted, dataset),
        "mistakes.png": draw_mistakes(name, predicted, dataset),
    }
    save_pictures(o, pictures)
    return 0


def of_class(dataset: Dataset, label: int) -> Dataset:
    """The images of one class, to train on as they are and to say when to stop."""
    train, validation = (part[part.labels == label] for part in (dataset.train, dataset.validation))
    return replace(dataset, train=train, validation=validation, anew=lambda rng: train.images)


def one_a_class(dataset: Dataset, learn: Callable[[Dataset], ExplicitModel]) -> BayesClassifier:
    """A density for the training images of each class, and the frequencies of the classes."""
    models = [learn(of_class(dataset, label)) for label in range(dataset.classes)]
    return BayesClassifier(
        models, prior=np.bincount(dataset.train.labels, minlength=dataset.classes) / len(dataset.train)
    )


def independent(dataset: Dataset) -> ExplicitModel:
    """Naive Bayes."""
    return IndependentBernoulli(dataset.D).fit(dataset.train.images)


def descended(name: str, dataset: Dataset, o: Namespace) -> ExplicitModel:
    """The model of that name, trained on one class."""
    batch_size = 20 if len(dataset.train) < 1000 else 100
    recipe = Recipe(o.epochs, batch_size, learning_rate=0.01, weight_decay=0.1, patience=10, hidden=o.hidden)
    model = untrained(name, recipe, dataset, np.random.default_rng(o.seed))
    by_gradient(model, recipe, dataset, np.random.default_rng(o.seed), progress=False)
    return model


def logistic_regression(dataset: Dataset, penalty: float = 1e-3) -> np.ndarray:
    """Predictions of p(y | x) = softmax(x W + b), trained to its optimum with the penalty λ/2 ‖W‖²."""
    D, train = dataset.D, dataset.train
    with backend.use("numpy"):  # where L-BFGS is
        model = Linear(D, dataset.classes, rng=np.random.default_rng(0))
    rows = np.arange(len(train))

    def loss() -> object:
        log_p = log_softmax(model(train.images), axis=-1)
        return -np.mean(log_p[rows, train.labels]) + 0.5 * penalty * np.sum(model.weight**2)

    lbfgs(model, loss, tolerance=1e-5, max_steps=300)
    return np.asarray((dataset.test.images @ model.weight.data + model.bias.data).argmax(axis=1))


def draw_confusion(name: str, predicted: np.ndarray, dataset: Dataset) -> Figure:
    """How often each digit was taken for which."""
    confusion = np.zeros((dataset.classes, dataset.classes))
    np.add.at(confusion, (dataset.test.labels, predicted), 1)
    figure, ax = subplots(6, 6)
    plot.heat_map(ax, confusion, "predicted", "true", f"one {name}, a digit: {dataset.name}, test part")
    return figure


def draw_mistakes(name: str, predicted: np.ndarray, dataset: Dataset, most: int = 20) -> Figure:
    """The first test digits that were taken for others."""
    test = dataset.test
    wrong = np.flatnonzero(predicted != test.labels)[:most]
    figure, ax = subplots(10, 1.4)
    plot.image_rows(ax, test.images[wrong][None], dataset.shape, f"mistakes of one {name}, a digit: true → predicted")
    centres = np.arange(len(wrong)) * (dataset.shape[1] + 1) + (dataset.shape[1] - 1) / 2
    ax.set_xticks(centres, [f"{test.labels[i]} → {predicted[i]}" for i in wrong], fontsize=8)
    return figure
