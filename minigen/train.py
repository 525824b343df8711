"""The training loop: descent by mini-batches, stopped when the validation set says so."""

from __future__ import annotations

import csv
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from autograd import detect_anomaly
from minigen.optim import Optimizer, clip_grad_norm


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data. The losses are means over images, in nats.

    validation_loss: what `model.validation_loss` says: the exact negative log-likelihood for an explicit model, −ELBO,
    a bound on it, for a VAE. measures: what the `measure` of `fit` found after this epoch, by name.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    seconds: float
    measures: dict[str, float] = field(default_factory=dict)


@dataclass
class History:
    """What happened: every epoch, the one whose weights the model kept, and why it ended."""

    epochs: list[Epoch] = field(default_factory=list)
    best: Epoch | None = None
    ended: str = "all epochs done"

    def save(self, path: Path) -> None:
        """One row an epoch, as CSV, with a column for each measure."""
        rows = []
        for epoch in self.epochs:
            row = asdict(epoch)
            rows.append(row | row.pop("measures"))
        names = [name for name in Epoch.__dataclass_fields__ if name != "measures"]
        columns = dict.fromkeys(itertools.chain(names, *rows))
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows(rows)


class Trainable(Protocol):
    """What `fit` needs of a model: its weights, and how good it is on images that it does not learn from."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that it holds, by name."""

    def validation_loss(self, images: np.ndarray) -> float:
        """The mean loss over these images, in nats: the lower, the better."""


class Descent:
    """One step of descent on `model.loss`, for each batch.

    max_norm: clip the gradient to this norm. A step whose loss or gradient is not finite raises FloatingPointError
    before the weights change, and names the operation that made it so.
    """

    def __init__(self, model: Any, optimizer: Optimizer, max_norm: float | None = None):
        self.model, self.optimizers, self.max_norm = model, [optimizer], max_norm

    def __call__(self, batch: np.ndarray, rng: np.random.Generator) -> float:
        model, before = self.model, rng.bit_generator.state
        model.zero_grad()
        loss = model.loss(batch, rng)
        value = loss.item()
        if np.isfinite(value):
            loss.backward()
            if np.isfinite(clip_grad_norm(model, np.inf if self.max_norm is None else self.max_norm)):
                self.optimizers[0].step()
                return value
        raise FloatingPointError(
            f"{'the gradient of the loss is not finite' if np.isfinite(value) else f'the loss is {value}'}: lower the "
            f"learning rate, or clip with max_norm{self.culprit(batch, rng, before)}"
        )

    def culprit(self, batch: np.ndarray, rng: np.random.Generator, before: Any) -> str:
        """The same step once more, with the same draws and every operation watched: which one it was."""
        rng.bit_generator.state = before
        try:
            with detect_anomaly(), np.errstate(all="ignore"):
                self.model.loss(batch, rng).backward()
        except FloatingPointError as error:
            return f" ({error})"
        return "" if np.all(np.isfinite(self.model.flat)) else " (its weights were not finite before)"


Step = Callable[[np.ndarray, np.random.Generator], float]


def fit(
    model: Trainable,
    optimizer: Optimizer | Step,
    train: np.ndarray | Callable[[np.random.Generator], np.ndarray],
    validation: np.ndarray,
    *,
    rng: np.random.Generator,
    epochs: int,
    batch_size: int = 100,
    decay: bool = False,
    patience: int | None = None,
    max_norm: float | None = None,
    keep_best: bool = True,
    before_epoch: Callable[[int], None] | None = None,
    measure: Callable[[], dict[str, float]] | None = None,
    progress: bool = True,
) -> History:
    """Minimise a loss over `train`, and leave the model with the weights that were best on `validation`.

    optimizer: descends on `model.loss`, see `Descent`; or a step of one's own, called with a batch and the generator,
        that returns its loss (and holds in `optimizers` those whose rate shall fall).
    train: the images, or a function of `rng` that makes those of one epoch.
    decay: whether the learning rate falls linearly, to reach 0 after the last epoch.
    patience: stop after so many epochs without a better validation loss.
    max_norm: clip the gradient of `model.loss` to this norm.
    keep_best: if not, the model keeps its last weights, for losses of which the validation part is no judge.
    before_epoch: is called with the number of each epoch, from 1; measure: after each epoch, for its history.

    Ctrl-C ends the training, not the program: the best weights so far are kept; in the first epoch, the latest. Raises
    FloatingPointError for a loss or gradient that is not finite (`Descent` names the operation that made it), and the
    model's ValueError for images that it does not take; the best weights are kept then too; in the first epoch, those
    that the model came with.
    """
    if not len(validation):
        raise ValueError("there are no validation images")
    if patience is not None and not keep_best:
        raise ValueError("patience waits for a better validation loss, which keep_best=False does not ask for")
    if max_norm is not None and not isinstance(optimizer, Optimizer):
        raise ValueError("a step of one's own clips its own gradients: max_norm goes with an optimizer")
    step = Descent(model, optimizer, max_norm) if isinstance(optimizer, Optimizer) else optimizer
    optimizers: Sequence[Optimizer] = getattr(step, "optimizers", [])
    learning_rates = [o.learning_rate for o in optimizers]
    history = History()
    kept = _copied(model)
    bar = tqdm(desc="training", unit=" samples", unit_scale=True, disable=not progress, dynamic_ncols=True)
    start = time.perf_counter()
    try:
        for number in range(1, epochs + 1):
            if before_epoch is not None:
                before_epoch(number)
            if decay:
                for o, rate in zip(optimizers, learning_rates, strict=True):
                    o.learning_rate = rate * (epochs + 1 - number) / epochs
            images = train(rng) if callable(train) else train
            bar.total = epochs * len(images)
            train_loss = _epoch(step, rng.permutation(images), batch_size, rng, bar)
            validation_loss = model.validation_loss(validation)
            if not np.isfinite(validation_loss):
                raise FloatingPointError(f"the validation loss is {validation_loss}: lower the learning rate")
            measures = {} if measure is None else measure()
            epoch = Epoch(number, train_loss, validation_loss, time.perf_counter() - start, measures)
            history.epochs.append(epoch)
            if history.best is None or not keep_best or validation_loss < history.best.validation_loss:
                history.best, kept = epoch, _copied(model)
            bar.set_description_str(f"epoch {number}, validation {validation_loss:.2f}", refresh=False)
            if patience is not None and number - history.best.epoch >= patience:
                history.ended = f"no better validation in {patience} epochs"
                break
    except KeyboardInterrupt:
        history.ended = "interrupted"
        if history.best is None:
            kept = _copied(model)
    finally:
        bar.close()
        for o, rate in zip(optimizers, learning_rates, strict=True):
            o.learning_rate = rate
        for name, array in model.arrays().items():
            array[...] = kept[name]
    return history


def _copied(model: Trainable) -> dict[str, np.ndarray]:
    """Its weights, and what else belongs to it, as they are now."""
    return {name: array.copy() for name, array in model.arrays().items()}


def _epoch(step: Step, images: np.ndarray, batch_size: int, rng: np.random.Generator, bar: tqdm) -> float:
    """One pass over the images, a step for each batch; returns their mean loss on the way."""
    if not len(images):
        raise ValueError("there are no training images")
    total = 0.0
    for batch in np.array_split(images, -(-len(images) // batch_size)):
        loss = step(batch, rng)
        total += loss * len(batch)
        bar.set_postfix_str(f"loss {loss:.2f}", refresh=False)
        bar.update(len(batch))
    return total / len(images)
