"""Classification by densities: one model for each class and Bayes' rule, compared with logistic regression, and a
confusion matrix."""

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
from demos.output import Output, facts_of, saved
from demos.printed import accuracy
from demos.recipes import Recipe, by_gradient, untrained
from minigen import plot
from minigen.data.sets import Dataset
from minigen.nn.layers import Linear
from minigen.table import IndependentBernoulli
from minigen.training.optim import lbfgs
from minigen.uses import BayesClassifier


def options(arguments: list[str]) -> Namespace:
    p = parser("classify")
    add_data_options(p)
    p.add_argument("--hidden", type=number(int), default=100, metavar="H",
                   help="hidden units of the NADE of each class")  # fmt: skip
    p.add_argument("--epochs", type=number(int), default=60,
                   help="maximal number of epochs (passes over the training images of a class)")  # fmt: skip
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    dataset = labelled(load(o.data, o.data_folder))
    test = dataset.test
    print(
        f"{dataset.name}: {len(dataset.train):,} training images. Accuracy on {len(test):,} test images, ± 1 std. error"
    )
    print(f"\n{'model':<22}{'accuracy':>16}   how it classifies")
    by_bayes = lambda name: one_a_class(name, dataset, o).predict(test.images)
    rules: dict[str, Callable[[], np.ndarray]] = {
        "logistic regression": lambda: logistic_regression(dataset, o.out),
        "independent pixels": lambda: by_bayes("independent"),
        "FVSBN": lambda: by_bayes("FVSBN"),
        f"NADE, {o.hidden} hidden": lambda: by_bayes("NADE"),
    }
    for name, rule in rules.items():
        predicted = rule()
        share, error = accuracy(predicted, test.labels)
        how = (
            "by p(y | x)"
            if name == "logistic regression"
            else "by one density p(x | y) for each class y, and Bayes' rule"
        )
        print(f"{name:<22}{f'{share:.1%} ± {error:.1%}':>16}   {how}", flush=True)
    pictures = {
        "confusion.png": draw_confusion(name, predicted, dataset),
        "mistakes.png": draw_mistakes(name, predicted, dataset),
    }
    save_pictures(o, pictures)
    return 0


def of_class(dataset: Dataset, label: int) -> Dataset:
    """Return the training and validation images of one class. The training images are the same in every epoch."""
    train, validation = (part[part.labels == label] for part in (dataset.train, dataset.validation))
    return replace(dataset, train=train, validation=validation, anew=lambda rng: train.images)


def one_a_class(name: str, dataset: Dataset, o: Namespace) -> BayesClassifier:
    """Return a classifier: one trained density for each class, and the shares of the classes in the training part as
    prior. Its weights are written when the training ends.

    name: of the densities, "independent", "FVSBN" or "NADE". o: options of the command line.
    """
    parts = [of_class(dataset, label) for label in range(dataset.classes)]
    recipes = [recipe_of_class(len(part.train), o) for part in parts]
    models = [
        IndependentBernoulli(part.D)
        if name == "independent"
        else untrained(name, recipe, part, np.random.default_rng(o.seed))
        for part, recipe in zip(parts, recipes, strict=True)
    ]
    classifier = BayesClassifier(models, prior=[len(part.train) / len(dataset.train) for part in parts])
    with saved(classifier, o.out, f"{name}-weights.npz", facts_of(dataset)):
        for model, recipe, part in zip(models, recipes, parts, strict=True):
            if isinstance(model, IndependentBernoulli):  # naive Bayes
                model.fit(part.train.images)
            else:
                by_gradient(model, recipe, part, np.random.default_rng(o.seed), progress=False)
    return classifier


def recipe_of_class(n: int, o: Namespace) -> Recipe:
    """Return the recipe for the density of a class with n training images.  o: options of the command line."""
    batch_size = 20 if n < 1000 else 100
    return Recipe(o.epochs, batch_size, learning_rate=0.01, weight_decay=0.1, patience=10, hidden=o.hidden)


def logistic_regression(dataset: Dataset, out: Output, penalty: float = 1e-3) -> np.ndarray:
    """Return the class of each test image, (n,), by p(y | x) = softmax(x W + b), fitted to the training part.

    out: the folder for the weights. penalty: λ of the term λ/2 ‖W‖² in the loss.
    """
    D, train = dataset.D, dataset.train
    with backend.use("numpy"):  # L-BFGS runs on NumPy
        model = Linear(D, dataset.classes, rng=0)
    rows = np.arange(len(train))

    def loss() -> object:
        log_p = log_softmax(model(train.images), axis=-1)
        return -np.mean(log_p[rows, train.labels]) + 0.5 * penalty * np.sum(model.weight**2)

    with saved(model, out, "logistic-weights.npz", facts_of(dataset)):
        lbfgs(model, loss, tolerance=1e-5, max_steps=300)
    return np.asarray((dataset.test.images @ model.weight.data + model.bias.data).argmax(axis=1))


def draw_confusion(name: str, predicted: np.ndarray, dataset: Dataset) -> Figure:
    """Draw the confusion matrix.  name: of the density. predicted: class of each test image, (n,)."""
    confusion = np.zeros((dataset.classes, dataset.classes))
    np.add.at(confusion, (dataset.test.labels, predicted), 1)
    figure, ax = subplots(6, 6)
    title = f"one density ({name}) for each class: {dataset.name}, test part"
    plot.heat_map(ax, confusion, "predicted", "true", title, dataset.class_names)
    return figure


def draw_mistakes(name: str, predicted: np.ndarray, dataset: Dataset, most: int = 20) -> Figure:
    """Draw the first `most` test images with a wrong prediction.  predicted: class of each test image."""
    test = dataset.test
    wrong = np.flatnonzero(predicted != test.labels)[:most]
    figure, ax = subplots(10, 1.4)
    plot.image_rows(
        ax,
        test.images[wrong][None],
        dataset.shape,
        f"mistakes of one density ({name}) for each class: true → predicted",
    )
    centres = np.arange(len(wrong)) * (dataset.shape[1] + 1) + (dataset.shape[1] - 1) / 2
    names = [plot.literal(name) for name in dataset.class_names]
    ax.set_xticks(centres, [f"{names[test.labels[i]]} → {names[predicted[i]]}" for i in wrong], fontsize=8)
    return figure
