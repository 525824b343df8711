"""What several demos print in the same words: sizes of data, the end of a training, accuracies and likelihoods."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from minigen.data.sets import Dataset
from minigen.divergences import mean_and_error
from minigen.model import ExplicitModel, log_probs
from minigen.training.history import History


def print_sizes(dataset: Dataset) -> None:
    """Which images these are, and how many in each part."""
    train, validation, test = len(dataset.train), len(dataset.validation), len(dataset.test)
    print(f"{dataset.name}: {train:,} images to train, {validation:,} to validate, {test:,} to test")


def how_it_ended(history: History) -> str:
    """Why the training ended, after how many epochs and seconds."""
    return f"{history.ended} after {len(history.epochs)} epochs and {history.seconds:.0f} s"


def what_was_kept(history: History) -> str:
    """Which epoch's weights the model has, where `fit` keeps the best: those it came with, if no epoch was finished."""
    return f"kept epoch {history.best.epoch}" if history.best else "kept the weights as they were"


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The share p of right predictions, and its standard error √(p (1 − p) / n).  predicted, labels: (n,)."""
    share = float(np.mean(predicted == labels))
    return share, float(np.sqrt(share * (1 - share) / len(labels)))


HEADER = f"{'':<24}{'parameters':>12}{'NLL, nats (exact)':>22}{'bits/pixel':>14}"


def likelihood_row(name: str, model: ExplicitModel, images: np.ndarray) -> str:
    """Parameters, mean NLL ± its standard error in nats an image, and bits a pixel. The models here are exact."""
    mean, error = mean_and_error(-log_probs(model, images))
    bits = mean / np.log(2) / images.shape[1]
    return f"{name:<24}{model.num_parameters:>12,}{f'{mean:.2f} ± {error:.2f}':>22}{bits:>14.3f}"


def print_likelihoods(title: str, rows: Iterable[tuple[str, ExplicitModel]], images: np.ndarray) -> None:
    """A table of test likelihoods.  title: which images these are and how they became binary."""
    print(f"{title}\n{HEADER}")
    for name, model in rows:
        print(likelihood_row(name, model, images), flush=True)
