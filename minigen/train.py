"""The training loop: maximum likelihood by mini-batches, stopped when the validation set says so."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from autograd import no_grad
from minigen.model import ExplicitModel
from minigen.optim import Optimizer, clip_grad_norm


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data. The loss and the likelihood are means over images, in nats."""

    epoch: int
    train_loss: float
    validation_nll: float
    seconds: float


@dataclass
class History:
    """What happened: every epoch, the one whose weights the model kept, and why it ended."""

    epochs: list[Epoch] = field(default_factory=list)
    best: Epoch | None = None
    ended: str = "all epochs done"

    def save(self, path: Path) -> None:
        """One row an epoch, as CSV."""
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, list(Epoch.__dataclass_fields__))
            writer.writeheader()
            writer.writerows(map(asdict, self.epochs))


def log_probs(model: ExplicitModel, images: np.ndarray) -> np.ndarray:
    """ln p(x) of every image, in nats, in blocks and without recording."""
    starts = range(0, len(images), model.block)
    with no_grad():
        return np.concatenate([model.log_prob(images[i : i + model.block]).data for i in starts])


def fit(
    model: ExplicitModel,
    optimizer: Optimizer,
    train: np.ndarray | Callable[[np.random.Generator], np.ndarray],
    validation: np.ndarray,
    *,
    rng: np.random.Generator,
    epochs: int,
    batch_size: int = 100,
    decay: bool = False,
    patience: int | None = None,
    max_norm: float | None = None,
    progress: bool = True,
) -> History:
    """Minimise `model.loss` over `train`, and leave the model with the weights that were best on `validation`.

    train: the images, or a function of `rng` that makes those of one epoch.
    decay: whether the learning rate falls linearly, to reach 0 after the last epoch.
    patience: stop after so many epochs without a better validation NLL.
    max_norm: clip the gradient to this norm.

    Ctrl-C ends the training, not the program: the best weights so far are kept; in the first epoch, the latest. Raises
    FloatingPointError for a loss that is not finite, and the model's ValueError for images that it does not take; the
    best weights are kept then too; in the first epoch, those that the model came with.
    """
    if not len(validation):
        raise ValueError("there are no validation images")
    history = History()
    best_weights = model.flat.copy()
    learning_rate = optimizer.learning_rate
    bar = tqdm(desc="training", unit=" samples", unit_scale=True, disable=not progress, dynamic_ncols=True)
    start = time.perf_counter()
    try:
        for number in range(1, epochs + 1):
            if decay:
                optimizer.learning_rate = learning_rate * (epochs + 1 - number) / epochs
            images = train(rng) if callable(train) else train
            bar.total = epochs * len(images)
            train_loss = _epoch(model, optimizer, rng.permutation(images), batch_size, max_norm, rng, bar)
            validation_nll = -float(np.mean(log_probs(model, validation)))
            _refuse_if_not_finite(validation_nll, "validation loss")
            epoch = Epoch(number, train_loss, validation_nll, time.perf_counter() - start)
            history.epochs.append(epoch)
            if history.best is None or validation_nll < history.best.validation_nll:
                history.best, best_weights = epoch, model.flat.copy()
            bar.set_description_str(f"epoch {number}, validation {validation_nll:.2f} nats", refresh=False)
            if patience is not None and number - history.best.epoch >= patience:
                history.ended = f"no better validation in {patience} epochs"
                break
    except KeyboardInterrupt:
        history.ended = "interrupted"
        if history.best is None:
            best_weights = model.flat.copy()
    finally:
        bar.close()
        optimizer.learning_rate = learning_rate
        model.flat[...] = best_weights
    return history


def _refuse_if_not_finite(loss: float, name: str) -> None:
    if not np.isfinite(loss):
        raise FloatingPointError(f"the {name} is {loss}: lower the learning rate, or clip with max_norm")


def _epoch(
    model: ExplicitModel,
    optimizer: Optimizer,
    images: np.ndarray,
    batch_size: int,
    max_norm: float | None,
    rng: np.random.Generator,
    bar: tqdm,
) -> float:
    """One pass over the images, a step for each batch; returns their mean loss on the way."""
    if not len(images):
        raise ValueError("there are no training images")
    total = 0.0
    for batch in np.array_split(images, -(-len(images) // batch_size)):
        model.zero_grad()
        loss = model.loss(batch, rng)
        _refuse_if_not_finite(loss.item(), "loss")
        loss.backward()
        if max_norm is not None:
            clip_grad_norm(model, max_norm)
        optimizer.step()
        total += loss.item() * len(batch)
        bar.set_postfix_str(f"loss {loss.item():.2f} nats", refresh=False)
        bar.update(len(batch))
    return total / len(images)
