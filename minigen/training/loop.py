"""The training loop: descent by mini-batches, stopped when the validation set says so."""

from __future__ import annotations

import copy
import csv
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from autograd import backend, detect_anomaly
from minigen.errors import DivergedError, UsageError
from minigen.nn.arrays import fingerprint
from minigen.training.capture import Captured
from minigen.training.memory import keep_freed_memory
from minigen.training.optim import Optimizer
from minigen.training.parallel import team
from minigen.training.resume import Checkpoints, Stateful
from minigen.training.steps import Move, Moves, MovingStep


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

    @property
    def seconds(self) -> float:
        """From the start to the end of the last epoch; of a run that was resumed, those that it has to show."""
        return self.epochs[-1].seconds if self.epochs else 0.0

    @property
    def waited(self) -> int:
        """Epochs since the best one."""
        return len(self.epochs) - self.best.epoch if self.best else 0

    def __repr__(self) -> str:
        """How long it went, which epoch was the best, and why it ended: of hundreds of epochs nobody wants all."""
        best = (
            f", best {self.best.epoch} with a validation loss of {self.best.validation_loss:.4g}" if self.best else ""
        )
        return f"<History: {len(self.epochs)} epochs{best}; {self.ended}>"

    def _repr_png_(self) -> bytes | None:
        """The learning curve, as a notebook shows it; before the first epoch there is none."""
        from minigen import plot  # not above: training needs no matplotlib, and plot needs History

        if not self.epochs:
            return None
        figure = plot.Figure(figsize=(7, 4.5), layout="constrained")
        plot.learning_curve(figure.subplots(), self, {}, self.ended, y="loss")
        return plot.png(figure)

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


class Descent(MovingStep):
    """One step of descent on `model.loss` for each batch, by the optimizer's module: the model, or a part of it.

    max_norm: clip the gradient to this norm. A step whose loss or gradient is not finite raises DivergedError before
    the weights change, and names the operation that made it so.
    """

    def __init__(self, model: Any, optimizer: Optimizer, max_norm: float | None = None):
        self.model, self.optimizers, self.max_norm = model, [optimizer], max_norm

    def state(self) -> dict[str, Any]:
        """Of its optimizer, for a checkpoint."""
        return {"settings": {"max_norm": self.max_norm}, "optimizer": self.optimizers[0].state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self.optimizers[0].load_state(state["optimizer"])

    def moves(self, batch: np.ndarray, rng: np.random.Generator) -> Moves:
        """The only one."""
        max_norm = np.inf if self.max_norm is None else self.max_norm
        yield (Move(self.optimizers[0], self.model.loss(batch, rng), max_norm=max_norm),)

    def __call__(self, batch: np.ndarray, rng: np.random.Generator) -> float:
        before = rng.bit_generator.state
        try:
            (loss,) = self.take(batch, rng)
        except DivergedError as error:
            raise DivergedError(f"{error}, or clip with max_norm{self.culprit(batch, rng, before)}") from None
        return loss

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


@dataclass
class Run:
    """Where training stands between two epochs: all that those to come depend on, and what there is to show of those
    that are done. `Checkpoints` writes its state, and puts it back.

    kept: the arrays of the model as they were after the best epoch. settings: see `Stateful`.
    """

    model: Trainable
    step: Step
    rng: np.random.Generator
    before_epoch: Callable[[int], None] | None
    kept: dict[str, np.ndarray]
    settings: dict[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)

    def state(self) -> dict[str, Any]:
        """All of it, as a checkpoint holds it."""
        history = self.history
        return {
            "settings": self.settings,
            "epochs": [asdict(epoch) for epoch in history.epochs],
            "best": history.best.epoch if history.best else 0,
            "generator": self.rng.bit_generator.state,
            "model": _on_host(self.model.arrays()),
            "best model": _on_host(self.kept),
            "step": _state(self.step),
            "before_epoch": _state(self.before_epoch),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        epochs, best = [Epoch(**row) for row in state["epochs"]], state["best"]
        self.history = History(epochs, epochs[best - 1] if best else None)
        self.rng.bit_generator.state = state["generator"]
        _put(self.model, state["model"])
        self.kept = {name: backend.beside(state["best model"][name], a) for name, a in self.model.arrays().items()}
        for part, name in ((self.step, "step"), (self.before_epoch, "before_epoch")):
            if isinstance(part, Stateful):
                part.load_state(state[name])


def _state(part: Any) -> dict[str, Any]:
    """What a step or a `before_epoch` remembers."""
    return part.state() if isinstance(part, Stateful) else {}


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
    checkpoint: Checkpoints | None = None,
    capture: bool = False,
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
    checkpoint: where this run is saved, and whether it goes on from there, see `Checkpoints`. It has to be the same run
        then, of the same data, seed, `batch_size` and optimizers; otherwise CheckpointError says what differs. Allowed
        are other `epochs` and `patience`, as they only say when it ends; but with `decay` no other `epochs`, since the
        learning rate of each epoch depends on them. A step of one's own, and a `before_epoch` that remembers what it
        has seen, take part as `Stateful`.
    capture: on a CUDA device, record once an epoch what a step does there, and repeat it with few launches, see
        `minigen.training.capture`. A step of one's own has to be a `MovingStep` then. UsageError where it cannot be
        recorded.

    Ctrl-C ends the training, not the program: the best weights so far are kept; in the first epoch, the latest. Raises
    DivergedError for a loss or gradient that is not finite (`Descent` names the operation that made it), and the
    model's ValueError for images that it does not take; the best weights are kept then too; in the first epoch, those
    that the model came with.

    Where several processes train together (`minigen.training.parallel`), each takes its part of every batch. All
    validate on all images, and the first one's figure decides; it alone writes checkpoints and shows progress. They
    begin with its weights and its generator. A run may go on with another number of processes: what is drawn within its
    steps is then another stream. Ctrl-C ends them all.

    From the first call on, the process keeps the memory that it frees (`minigen.training.memory`).
    """
    if not len(validation):
        raise ValueError("there are no validation images")
    if patience is not None and not keep_best:
        raise ValueError("patience waits for a better validation loss, which keep_best=False does not ask for")
    if max_norm is not None and not isinstance(optimizer, Optimizer):
        raise ValueError("a step of one's own clips its own gradients: max_norm goes with an optimizer")
    if checkpoint is not None and not isinstance(optimizer, Stateful):
        raise ValueError("a step of one's own needs state() and load_state() for a checkpoint, see Stateful")
    if team().size > 1 and not all(map(backend.on_host, model.arrays().values())):
        raise UsageError("several processes train on processors: leave out mpiexec, or make the model on the host")
    if capture and all(map(backend.on_host, model.arrays().values())):
        raise UsageError(
            "capture records what a CUDA device does, and this model is on the host: make it on the device"
        )
    keep_freed_memory()
    step = Descent(model, optimizer, max_norm) if isinstance(optimizer, Optimizer) else optimizer
    if capture and not isinstance(step, MovingStep):
        raise ValueError("a step of one's own is captured by its moves: make it a MovingStep, or leave out capture")
    optimizers: Sequence[Optimizer] = getattr(step, "optimizers", [])
    learning_rates = [o.learning_rate for o in optimizers]
    run = Run(model, step, rng, before_epoch, kept=_copied(model))
    if checkpoint is not None:
        run.settings = checkpoint.settings | {
            "model": type(model).__name__,
            "training images": "made anew" if callable(train) else fingerprint(train),
            "validation images": fingerprint(validation),
            "first draw of rng": int(copy.deepcopy(rng).integers(2**32)),  # it tells one seed from another
            "batch_size": batch_size,
            "keep_best": keep_best,
            "learning rates": learning_rates,
            "epochs of a falling learning rate": epochs if decay else 0,
        }
        if team().rank == 0:
            checkpoint.begin(run)
    if team().size > 1:  # all begin as the first one does, whatever they were seeded with
        run.load_state(team().from_first(run.state()))
    history = run.history
    done = len(history.epochs)
    hidden = None if progress and team().rank == 0 else True
    bar = tqdm(desc="training", unit=" samples", unit_scale=True, disable=hidden, dynamic_ncols=True)
    start = time.perf_counter() - history.seconds
    try:
        for number in range(done + 1, epochs + 1):
            if patience is not None and history.waited >= patience:
                history.ended = f"no better validation in {patience} epochs"
                break
            if before_epoch is not None:
                before_epoch(number)
            if decay:
                for o, rate in zip(optimizers, learning_rates, strict=True):
                    o.learning_rate = rate * (epochs + 1 - number) / epochs
            images = train(rng) if callable(train) else train
            if capture:
                step.captured = Captured(step)
            bar.total = (epochs - done) * len(images)
            train_loss = _epoch(step, rng.permutation(images), batch_size, rng, bar)
            team().agree(model.arrays().values())
            # ranks on unlike processors round unlike, and one that stops earlier leaves the others waiting
            validation_loss = team().from_first(model.validation_loss(validation))
            if not np.isfinite(validation_loss):
                raise DivergedError(f"the validation loss is {validation_loss}: lower the learning rate")
            measures = {} if measure is None else measure()
            epoch = Epoch(number, train_loss, validation_loss, time.perf_counter() - start, measures)
            history.epochs.append(epoch)
            if history.best is None or not keep_best or validation_loss < history.best.validation_loss:
                history.best, run.kept = epoch, _copied(model)
            if checkpoint is not None and team().rank == 0:
                checkpoint.save(run, number)
            bar.set_description_str(f"epoch {number}, validation {validation_loss:.2f}", refresh=False)
    except KeyboardInterrupt:
        if team().size > 1:  # the others may wait for this one
            raise
        history.ended = "interrupted"
        if history.best is None:
            run.kept = _copied(model)
    finally:
        bar.close()
        if capture:
            step.captured = None
        for o, rate in zip(optimizers, learning_rates, strict=True):
            o.learning_rate = rate
        _put(model, run.kept)
    return history


def _on_host(arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: backend.to_numpy(array) for name, array in arrays.items()}


def _copied(model: Trainable) -> dict[str, np.ndarray]:
    """Its weights, and what else belongs to it, as they are now."""
    return {name: array.copy() for name, array in model.arrays().items()}


def _put(model: Trainable, arrays: dict[str, np.ndarray]) -> None:
    """Make the model what it was when these were copied."""
    for name, array in model.arrays().items():
        array[...] = backend.beside(arrays[name], array)


def _epoch(step: Step, images: np.ndarray, batch_size: int, rng: np.random.Generator, bar: tqdm) -> float:
    """One pass over the images, a step for each batch; returns their mean loss on the way."""
    if not len(images):
        raise ValueError("there are no training images")
    total, noise = 0.0, team().noise(rng)
    for batch in np.array_split(images, -(-len(images) // batch_size)):
        loss = step(team().share(batch), noise)
        total += loss * len(batch)
        bar.set_postfix_str(f"loss {loss:.2f}", refresh=False)
        bar.update(len(batch))
    team().weight = 1 / team().size
    return total / len(images)
