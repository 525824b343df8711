"""Lines that several demos print: sizes of the data set, how a training ended, accuracies, and likelihood tables."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from minigen.data.sets import Dataset
from minigen.divergences import mean_and_error
from minigen.model import ExplicitModel, log_probs
from minigen.training.history import History


def print_sizes(dataset: Dataset) -> None:
    """Print the name of the data set and the number of images in each part."""
    train, validation, test = len(dataset.train), len(dataset.validation), len(dataset.test)
    print(f"{dataset.name}: {train:,} training images, {validation:,} validation images, {test:,} test images")


def how_it_ended(history: History) -> str:
    """Return a clause that says when the training ended, in epochs and seconds, and why."""
    return f"training ended after {len(history.epochs)} epochs and {history.seconds:.0f} s ({history.ended})"


def what_was_kept(history: History) -> str:
    """Return a clause that says which epoch's weights the model has after `fit(keep_best=True)`."""
    if history.best is None:
        return "no epoch was finished, so the model has its latest weights"
    return f"the model has the weights of epoch {history.best.epoch}, the lowest validation loss"


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return the share p of correct predictions and its standard error, √(p (1 − p) / (n − 1)) of n zeros and ones.

    predicted, labels: classes, (n,).
    """
    return mean_and_error((predicted == labels).astype(float))


LIKELIHOODS = "exact negative log-likelihood (NLL) of an image, mean ± standard error"
HEADER = f"{'model':<24}{'parameters':>12}{'NLL, nats/image':>22}{'bits/pixel':>14}"


def likelihood_row(name: str, model: ExplicitModel, images: np.ndarray) -> str:
    """Return a row below HEADER: name, parameters, mean NLL ± its standard error in nats/image, bits/pixel.

    model: with an exact likelihood. images: (n, D).
    """
    return likelihood_line(name, model.num_parameters, log_probs(model, images), images.shape[1])


def likelihood_line(name: str, parameters: int, log_p: np.ndarray, pixels: int) -> str:
    """Return a row below HEADER.  parameters, pixels: their numbers. log_p: ln p(x) of each image, (n,), nats."""
    mean, error = mean_and_error(-log_p)
    bits = mean / np.log(2) / pixels
    return f"{name:<24}{parameters:>12,}{f'{mean:.2f} ± {error:.2f}':>22}{bits:>14.3f}"


def print_likelihoods(title: str, rows: Iterable[tuple[str, ExplicitModel]], images: np.ndarray) -> None:
    """Print a table of exact likelihoods, one row for each model.

    title: names the images. rows: name and model. images: (n, D).
    """
    print(f"{title}: {LIKELIHOODS}\n{HEADER}")
    for name, model in rows:
        print(likelihood_row(name, model, images), flush=True)
