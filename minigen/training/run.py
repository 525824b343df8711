"""The state of a training run between two epochs, and how a run begins and ends. `loop` holds the loop alone.

This file refuses arguments that do not fit together, defines the contents of a checkpoint, starts several processes
from the same state, ends a run after Ctrl-C (`interrupts`), and keeps the weights of the best epoch.
"""

from __future__ import annotations

import copy
import math
import numbers
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from autograd import backend
from autograd.modes import mode
from minigen.errors import DivergedError, UsageError
from minigen.nn.arrays import RNGLike, fingerprint
from minigen.training.batches import Data, each, length
from minigen.training.history import Epoch, History
from minigen.training.interrupts import Interrupts
from minigen.training.optim import Optimizer
from minigen.training.parallel import team
from minigen.training.resume import Checkpoints, Stateful
from minigen.training.steps import MovingStep


class Trainable(Protocol):
    """A model that `fit` can train: any object with the methods `arrays` and `validation_loss`.

    For an optimizer in place of your own step, it also has `loss(batch, rng=…)`, which returns a scalar Tensor.
    """

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that the model holds, not copies, by name: parameters and arrays that are not learned.

        `fit` writes to them to set the model to other values.
        """

    def validation_loss(self, validation: Any) -> float:
        """Return the mean loss over the `validation` images, in nats: the lower, the better."""


Step = Callable[[Any, np.random.Generator], float]
"""A step of training: step(batch, rng) learns from one batch, an array or a tuple of arrays (see `Data`), and returns
the loss."""


@dataclass
class Run:
    """A training run between two epochs: everything that the next epochs depend on, and the history so far.

    `Checkpoints` saves and restores the state of a run.
    model: is trained.
    step: learns from one batch and returns its loss.
    rng: draws the order of the images and the random numbers of the steps.
    before_epoch: called with the number of each epoch, from 1, before the epoch; or None.
    checkpoint: where the run is saved; or None.
    keep_best: the best epoch is the epoch with the lowest validation loss; if False, the last epoch.
    shuffle: each epoch takes the training data in a random order; if False, in their own order.
    falls: n, the number of epochs, if the learning rates fall, to (1 − (k − 1) / n) of `rates` in epoch k; or 0.

    optimizers: `step.optimizers`, or none if the step has no such attribute.
    rates: their learning rates at the start; they have these again after the run.
    kept: copies of the model's arrays after the best epoch (at first, of the start), by name; the run ends with them.
    history: the history so far.
    settings: facts about the run, by name, that must be equal when it is resumed; `begin` sets them.
    interrupts: notes Ctrl-C during the run.
    """

    model: Trainable
    step: Step
    rng: np.random.Generator
    before_epoch: Callable[[int], None] | None
    checkpoint: Checkpoints | None
    keep_best: bool
    shuffle: bool
    falls: int

    def __post_init__(self) -> None:
        self.optimizers: Sequence[Optimizer] = getattr(self.step, "optimizers", [])
        self.rates = [o.learning_rate for o in self.optimizers]  # resuming changes them to the rates of the checkpoint
        self.kept, self.history, self.settings = copied(self.model), History(), dict[str, Any]()
        self.interrupts = Interrupts()

    def state(self) -> dict[str, Any]:
        """Return settings, history, generator, arrays, best arrays and the states of `parts`, for a checkpoint.

        The state is nested dictionaries and lists. Host arrays are not copied.
        """
        history = self.history
        return {
            "settings": self.settings,
            "epochs": [asdict(epoch) for epoch in history.epochs],
            "best": history.best.epoch if history.best else 0,
            "generator": self.rng.bit_generator.state,
            "model": on_host(self.model.arrays()),
            "best model": on_host(self.kept),
            **{name: part.state() for name, part in self.parts().items()},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Set the run to a `state` that `state()` returned: history, generator, arrays of the model and best arrays.

        `history` becomes a new object; the model's arrays are changed in place. The objects `step` (with its
        optimizers) and `before_epoch` get their states too, if they have one.
        """
        epochs, best = [Epoch(**row) for row in state["epochs"]], state["best"]
        self.history = History(epochs, epochs[best - 1] if best else None)
        self.rng.bit_generator.state = state["generator"]
        put(self.model, state["model"])
        self.kept = {name: backend.beside(state["best model"][name], a) for name, a in self.model.arrays().items()}
        for name, part in self.parts().items():
            part.load_state(state[name])

    def parts(self) -> dict[str, Stateful]:
        """Return {"step": step, "before_epoch": before_epoch}, without an object that has no state (`Stateful`)."""
        parts: dict[str, Any] = {"step": self.step, "before_epoch": self.before_epoch}
        return {name: part for name, part in parts.items() if isinstance(part, Stateful)}

    def begin(self, train: Any, validation: Data, batch_size: int, epochs: int, patience: int | None) -> None:
        """Go on from the newest checkpoint, if there is one. All processes begin in the state of rank 0.

        train, validation, batch_size, epochs, patience: as `fit` takes them. The first three must be the same as in the
        run that is resumed; a function `train` is not compared. Raises CheckpointError as `Checkpoints.begin` does.
        Raises UsageError if the model, the step or any of these differ between processes.
        """
        several = team().size > 1
        if self.checkpoint is not None or several:
            settings = {
                "model": type(self.model).__name__,
                "training images": "made anew" if callable(train) else each(fingerprint, train),
                "validation images": each(fingerprint, validation),
                "batch_size": batch_size,
                "keep_best": self.keep_best,
                "shuffle": self.shuffle,
                "learning rates": self.rates,
                "epochs of a falling learning rate": self.falls,
            }
        if several:
            parts = {name: part.state().get("settings") for name, part in self.parts().items()}
            optimizers = [o.state().get("settings") for o in self.optimizers if isinstance(o, Stateful)]
            arrays = {f"model.{name}": f"{a.dtype} {a.shape}" for name, a in self.model.arrays().items()}
            more = {"epochs": epochs, "patience": patience, "optimizers": optimizers}
            team().same_on_all(settings | more | parts | arrays)
        if self.checkpoint is not None:
            first = int(copy.deepcopy(self.rng).integers(2**32))  # it tells one seed from another
            self.settings = self.checkpoint.settings | settings | {"first draw of rng": first}
            if team().rank == 0:
                self.checkpoint.begin(self)
        if several:
            self.load_state(team().from_first(self.state()))

    def take_step(self, batch: Data, noise: np.random.Generator) -> float:
        """Return `step(batch, noise)`: a step on the batch, and its loss. Raises KeyboardInterrupt after Ctrl-C.

        noise: the generator of the step.
        """
        self.interrupts.check()
        return self.step(batch, noise)

    def is_over(self, patience: int | None) -> bool:
        """True after `patience` epochs without a better validation loss. Then sets `history.ended` to this reason.

        patience: a number of epochs; for None the result is always False. Raises KeyboardInterrupt after Ctrl-C.
        """
        self.interrupts.check()
        if patience is None or self.history.waited < patience:
            return False
        self.history.ended = f"no better validation in {patience} epochs"
        return True

    def announce(self, number: int) -> None:
        """Begin an epoch: call the run's `before_epoch` with its number, then set its learning rates if they fall.

        number: the number of the epoch, from 1.
        """
        if self.before_epoch is not None:
            self.before_epoch(number)
        if self.falls:
            self.set_rates([rate * (self.falls + 1 - number) / self.falls for rate in self.rates])

    def set_rates(self, rates: Sequence[float]) -> None:
        """Set the learning rate of each optimizer.  rates: a list, one for each."""
        for optimizer, rate in zip(self.optimizers, rates, strict=True):
            optimizer.learning_rate = rate

    def validated(self, validation: Data) -> float:
        """Return the model's loss on `validation`. All processes return the loss of rank 0, as roundings may differ.

        Before, the arrays of the model on every rank are overwritten by the arrays of rank 0.
        validation: the data that `model.validation_loss` takes.

        Raises DivergedError if the loss is not finite.
        """
        team().agree(self.model.arrays().values())
        loss = team().from_first(self.model.validation_loss(validation))
        if not np.isfinite(loss):
            raise DivergedError(f"the validation loss is {loss}: lower the learning rate")
        return loss

    def add(self, epoch: Epoch) -> None:
        """Add `epoch` to the history. Copy the weights if it is the best epoch so far, and save a checkpoint if due.

        Without `keep_best` each epoch is the best so far. Only rank 0 saves. Ctrl-C waits until all of this is done.
        """
        with self.interrupts.deferred():
            self.history.epochs.append(epoch)
            best = self.history.best
            if best is None or not self.keep_best or epoch.validation_loss < best.validation_loss:
                self.history.best, self.kept = epoch, copied(self.model)
            if self.checkpoint is not None and team().rank == 0:
                self.checkpoint.save(self, epoch.epoch)

    @contextmanager
    def from_begin_to_end(
        self, train: Any, validation: Data, batch_size: int, epochs: int, patience: int | None
    ) -> Iterator[None]:
        """Context manager: `begin`, and when the block ends, give the model its best weights and the optimizers their
        first rates.

        Also after an error. Ctrl-C ends the block and is not raised further, unless several processes train together.
        In the first epoch there are no best weights yet: Ctrl-C leaves the latest, an error brings the initial weights.
        train, validation, batch_size, epochs, patience: arguments of `begin`.
        """
        several = team().size > 1  # other processes may wait for this one: Ctrl-C is an error
        whole = mode()  # changes nothing, but its end also ends a `no_grad` that Ctrl-C kept from its own end
        with nullcontext() if several else self.interrupts, whole:
            try:
                with self.interrupts.deferred():
                    self.begin(train, validation, batch_size, epochs, patience)
                try:
                    yield
                except KeyboardInterrupt:
                    if several:
                        raise
                    self.interrupts.count += 1
                    if self.history.best is None:
                        self.kept = copied(self.model)
            finally:
                self.interrupts.only_count()
                put(self.model, self.kept)
                self.set_rates(self.rates)
                if self.checkpoint is not None:
                    self.checkpoint.end()
                if self.interrupts.count:
                    self.history.ended = "interrupted"


def on_the_host(model: Trainable) -> bool:
    """Return True if all arrays of `model` are on the host, False if one is on a device."""
    return all(map(backend.on_host, model.arrays().values()))


def on_host(arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return `arrays`, a dictionary by name, with a copy on the host of each array that is on a device."""
    return {name: backend.to_numpy(array) for name, array in arrays.items()}


def copied(model: Trainable) -> dict[str, np.ndarray]:
    """Return copies of all arrays of `model` by name: its weights, and arrays that are not learned."""
    return {name: array.copy() for name, array in model.arrays().items()}


def put(model: Trainable, arrays: dict[str, np.ndarray]) -> None:
    """Overwrite all arrays of `model` in place.  arrays: the new values by name, as `copied` returns them."""
    for name, array in model.arrays().items():
        array[...] = backend.beside(arrays[name], array)


def refuse_what_does_not_fit(
    model: Trainable,
    optimizer: Optimizer | Step,
    validation: Data,
    rng: RNGLike,
    epochs: int,
    batch_size: int,
    patience: int | None,
    max_norm: float | None,
    keep_best: bool,
    checkpoint: Checkpoints | None,
    capture: bool | None,
) -> None:
    """Raise an error if arguments of `fit` do not fit together. All parameters are arguments of `fit`, unchanged.

    Raises ValueError if `validation` is empty or its arrays differ in length; unless `epochs`, `batch_size` and
    `patience` are whole numbers of at least 0, 1 and 1 and `max_norm` is a number above 0; for a `checkpoint` if `rng`
    is None; and for `patience` if `keep_best` is False. If `optimizer` is your own step, also for `max_norm`, for a
    `checkpoint` if the step is not `Stateful`, and for `capture` if the step is not a `MovingStep`.
    Raises UsageError for several processes if `model` is on a device, and for `capture` if `model` is on the host.
    """
    if not length(validation):
        raise ValueError("there are no validation images")
    waits = 1 if patience is None else patience
    for name, count, least in (("epochs", epochs, 0), ("batch_size", batch_size, 1), ("patience", waits, 1)):
        if isinstance(count, bool) or not isinstance(count, numbers.Integral) or count < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {count!r}")
    norm = 1.0 if max_norm is None else max_norm
    if isinstance(norm, bool) or not isinstance(norm, numbers.Real) or not 0 < norm < math.inf:
        raise ValueError(f"max_norm must be a number above 0, or None to leave gradients as they are, got {norm!r}")
    if checkpoint is not None and rng is None:
        raise ValueError("a resumed run must repeat its random draws: with a checkpoint, give fit a seed such as rng=0")
    if patience is not None and not keep_best:
        raise ValueError("patience waits for a better validation loss, and keep_best=False ignores it: leave out one")
    if max_norm is not None and not isinstance(optimizer, Optimizer):
        raise ValueError("your own step must clip its gradients itself: max_norm goes with an optimizer")
    if checkpoint is not None and not isinstance(optimizer, Stateful):
        raise ValueError("a step of one's own needs state() and load_state() for a checkpoint, see Stateful")
    if team().size > 1 and not on_the_host(model):
        raise UsageError("several processes train on the host only: leave out mpiexec, or make the model on the host")
    if capture and on_the_host(model):
        raise UsageError("capture records what a device does, and this model is on the host: make it on the device")
    if capture and not isinstance(optimizer, Optimizer | MovingStep):
        raise ValueError("capture records the moves of a step: make it a MovingStep, or leave out capture")
