"""Classification by densities: Bayes' rule with one model for each class, and with one model that is told the class,
compared with logistic regression; and a confusion matrix."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from autograd import backend
from autograd.rules.special import log_softmax, logsumexp
from demos.by_label import conditional
from demos.common import add_data_options, labelled, load, number, parser
from demos.figures import panel, save_pictures
from demos.output import Output, facts_of, saved
from demos.printed import accuracy
from demos.recipes import Recipe, by_gradient, recipe_of, shares_of_classes, untrained
from minigen import plot
from minigen.conditional import ChosenBiases
from minigen.data.sets import Dataset
from minigen.divergences import mean_and_error
from minigen.nn.layers import Linear
from minigen.table import IndependentBernoulli
from minigen.training.optim import lbfgs
from minigen.uses import BayesClassifier


def options(arguments: list[str]) -> Namespace:
    p = parser("classify")
    add_data_options(p)
    p.add_argument("--hidden", type=number(int), default=100, metavar="H",
                   help="hidden units of the NADE of each class")  # fmt: skip
    p.add_argument("--hidden-for-all", type=number(int), default=500, metavar="H",
                   help="hidden units of the one NADE that is told the class")  # fmt: skip
    p.add_argument("--epochs", type=number(int), default=60,
                   help="maximal number of epochs (passes over the training images of a density)")  # fmt: skip
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    dataset = labelled(load(o.data, o.data_folder))
    test = dataset.test
    print(
        f"{dataset.name}: {len(dataset.train):,} training images. Accuracy on {len(test):,} test images, ± 1 std. error"
    )
    print("−ln p: mean negative log-likelihood of a test image, nats ± 1 std. error; p(x) = Σ p(y) p(x | y)")
    print(f"\n{'model':<30}{'parameters':>11}{'accuracy':>16}{'−ln p(x | y)':>16}{'−ln p(x)':>16}")
    n = (dataset.D + 1) * dataset.classes
    print_row("logistic regression, p(y | x)", logistic_regression(dataset, o.out), n, dataset)
    densities: dict[str, Callable[[], Densities]] = {
        "independent pixels, one a class": lambda: one_a_class("independent", dataset, o),
        "FVSBN, one a class": lambda: one_a_class("FVSBN", dataset, o),
        "NADE, one a class": lambda: one_a_class("NADE", dataset, o),
        "NADE, one told the class": lambda: one_for_all(dataset, o),
    }
    predictions = {}
    for name, learn in densities.items():
        classifier, parameters = learn()
        log_joint = classifier.log_joint(test.images)
        predictions[name] = log_joint.argmax(axis=1)
        print_row(name, predictions[name], parameters, dataset, log_joint, classifier.log_prior)
    name = "NADE, one a class"
    pictures = {
        "confusion.svg": draw_confusion(name, predictions[name], dataset),
        "mistakes.svg": draw_mistakes(name, predictions[name], dataset),
    }
    save_pictures(o, pictures)
    return 0


Densities = tuple[BayesClassifier, int]
"""p(x | y) of all classes, with p(y), and the number of parameters of the densities."""


def print_row(
    name: str, predicted: np.ndarray, parameters: int, dataset: Dataset, log_joint: Any = None, log_prior: Any = None
) -> None:
    """Print a row of the table.  name: of the model. predicted: class of each test image, (n,).

    parameters: their number.
    log_joint: ln p(x, y) of each test image and class, (n, classes), nats; None for a model without densities.
    log_prior: ln p(y), (classes,).
    """
    labels = dataset.test.labels
    share, error = accuracy(predicted, labels)
    columns = [f"{share:.1%} ± {error:.1%}"]
    if log_joint is not None:
        of_label = log_joint[np.arange(len(labels)), labels] - log_prior[labels]
        both = (mean_and_error(-log_p) for log_p in (of_label, logsumexp(log_joint, axis=1)))
        columns += [f"{mean:.2f} ± {error:.2f}" for mean, error in both]
    print(f"{name:<30}{parameters:>11,}{''.join(f'{column:>16}' for column in columns)}", flush=True)


def of_class(dataset: Dataset, label: int) -> Dataset:
    """Return the training and validation images of one class."""
    of_label, validation = dataset.train.labels == label, dataset.validation
    return replace(
        dataset,
        train=dataset.train[of_label],
        validation=validation[validation.labels == label],
        anew=lambda rng: dataset.anew(rng)[of_label],
    )


def one_a_class(name: str, dataset: Dataset, o: Namespace) -> Densities:
    """Return a classifier: one trained density for each class, and the shares of the classes in the training part as
    prior; and its number of parameters. Its weights are written when the training ends.

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
    classifier = BayesClassifier(models, shares_of_classes(dataset))
    with saved(classifier, o.out, f"{name}-weights.npz", facts_of(dataset)):
        for model, recipe, part in zip(models, recipes, parts, strict=True):
            if isinstance(model, IndependentBernoulli):  # naive Bayes
                model.fit(part.train.images)
            else:
                by_gradient(model, recipe, part, np.random.default_rng(o.seed), progress=False)
    return classifier, classifier.num_parameters


def one_for_all(dataset: Dataset, o: Namespace) -> Densities:
    """Return a classifier by one NADE whose biases the class chooses, and its number of parameters. Its weights are
    written when the training ends.
    """
    recipe = recipe_of("NADE", o.data)
    recipe = replace(recipe, epochs=o.epochs, hidden=o.hidden_for_all)
    model = conditional(untrained("NADE", recipe, dataset, np.random.default_rng(o.seed)), dataset)
    assert isinstance(model, ChosenBiases)
    with saved(model, o.out, "conditional-NADE-weights.npz", facts_of(dataset)):
        by_gradient(model, recipe, dataset, np.random.default_rng(o.seed), progress=False)
    return model.classifier(), model.num_parameters


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
    figure, ax = panel(4.5)
    title = f"{name}: {dataset.name}, test part"
    plot.heat_map(ax, confusion, "predicted", "true", title, dataset.class_names)
    return figure


def draw_mistakes(name: str, predicted: np.ndarray, dataset: Dataset, most: int = 10) -> Figure:
    """Draw the first `most` test images with a wrong prediction.  predicted: class of each test image."""
    test = dataset.test
    wrong = np.flatnonzero(predicted != test.labels)[:most]
    figure, ax = panel(1.2)
    plot.image_rows(ax, test.images[wrong][None], dataset.shape, f"mistakes of {name}: true → predicted")
    centres = np.arange(len(wrong)) * (dataset.shape[1] + 1) + (dataset.shape[1] - 1) / 2
    names = [plot.literal(name) for name in dataset.class_names]
    ax.set_xticks(centres, [f"{names[test.labels[i]]} → {names[predicted[i]]}" for i in wrong])
    return figure
