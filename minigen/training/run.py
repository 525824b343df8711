"""Where a training stands between two epochs, how it begins and how it ends: `loop` itself is then a loop.

Here are the refusals, what a checkpoint holds, several processes, Ctrl-C, and the weights of the best epoch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from autograd import backend
from minigen.errors import DivergedError, UsageError
from minigen.nn.arrays import RNGLike, fingerprint
from minigen.training.batches import Data, each, length
from minigen.training.history import Epoch, History
from minigen.training.optim import Optimizer
from minigen.training.parallel import team
from minigen.training.resume import Checkpoints, Stateful
from minigen.training.steps import MovingStep


class Trainable(Protocol):
    """What `fit` needs of a model: its weights, and how good it is on images that it does not learn from."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that it holds, by name."""

    def validation_loss(self, validation: Any) -> float:
        """The mean loss over the validation images, in nats: the lower, the better."""


Step = Callable[[Any, np.random.Generator], float]
"""Take one batch (an array or a tuple of arrays, see `Data`) and a generator, learn from the batch, return the loss."""


@dataclass
class Run:
    """All that the epochs to come depend on, and what there is to show of those that are done.

    `Checkpoints` writes its state, and puts it back.
    keep_best: whether the best epoch is the one with the lowest validation loss, or the last. falls: the number of
    epochs over which the learning rates fall to 0; if 0, they stay what they are.
    kept: the arrays of the model as they were after the best epoch. settings: what tells this run from others.
    rates: the learning rates that the run came with, which its optimizers have again after it.
    """

    model: Trainable
    step: Step
    rng: np.random.Generator
    before_epoch: Callable[[int], None] | None
    checkpoint: Checkpoints | None
    keep_best: bool
    falls: int

    def __post_init__(self) -> None:
        self.optimizers: Sequence[Optimizer] = getattr(self.step, "optimizers", [])
        self.rates = [o.learning_rate for o in self.optimizers]  # a checkpoint puts back those of its epoch
        self.kept, self.history, self.settings = copied(self.model), History(), dict[str, Any]()

    def state(self) -> dict[str, Any]:
        """All of it, as a checkpoint holds it."""
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
        """Take over what `state` returned."""
        epochs, best = [Epoch(**row) for row in state["epochs"]], state["best"]
        self.history = History(epochs, epochs[best - 1] if best else None)
        self.rng.bit_generator.state = state["generator"]
        put(self.model, state["model"])
        self.kept = {name: backend.beside(state["best model"][name], a) for name, a in self.model.arrays().items()}
        for name, part in self.parts().items():
            part.load_state(state[name])

    def parts(self) -> dict[str, Stateful]:
        """Step and `before_epoch` by name, as far as they have a state."""
        parts: dict[str, Any] = {"step": self.step, "before_epoch": self.before_epoch}
        return {name: part for name, part in parts.items() if isinstance(part, Stateful)}

    def begin(self, train: Any, validation: Data, batch_size: int) -> None:
        """Go on from a checkpoint, if there is one; several processes begin as the first one does.

        train, validation, batch_size: as `fit` takes them; a run goes on only with the same.
        """
        if self.checkpoint is not None:
            self.settings = self.checkpoint.settings | {
                "model": type(self.model).__name__,
                "training images": "made anew" if callable(train) else each(fingerprint, train),
                "validation images": each(fingerprint, validation),
                "first draw of rng": int(copy.deepcopy(self.rng).integers(2**32)),  # it tells one seed from another
                "batch_size": batch_size,
                "keep_best": self.keep_best,
                "learning rates": self.rates,
                "epochs of a falling learning rate": self.falls,
            }
            if team().rank == 0:
                self.checkpoint.begin(self)
        if team().size > 1:
            self.load_state(team().from_first(self.state()))

    def is_over(self, patience: int | None) -> bool:
        """Whether so many epochs went by without a better one."""
        if patience is None or self.history.waited < patience:
            return False
        self.history.ended = f"no better validation in {patience} epochs"
        return True

    def announce(self, number: int) -> None:
        """Call `before_epoch` with the number of an epoch, and let the learning rates fall to those of this epoch."""
        if self.before_epoch is not None:
            self.before_epoch(number)
        if self.falls:
            self.set_rates([rate * (self.falls + 1 - number) / self.falls for rate in self.rates])

    def set_rates(self, rates: Sequence[float]) -> None:
        """Set the learning rate of each optimizer."""
        for optimizer, rate in zip(self.optimizers, rates, strict=True):
            optimizer.learning_rate = rate

    def validated(self, validation: Data) -> float:
        """The validation loss, for all processes that of the first one, which rounds as the others may not.

        Raises DivergedError if it is not finite.
        """
        team().agree(self.model.arrays().values())
        loss = team().from_first(self.model.validation_loss(validation))
        if not np.isfinite(loss):
            raise DivergedError(f"the validation loss is {loss}: lower the learning rate")
        return loss

    def add(self, epoch: Epoch) -> None:
        """Note an epoch, keep its weights if it is the best one, and save the run."""
        self.history.epochs.append(epoch)
        best = self.history.best
        if best is None or not self.keep_best or epoch.validation_loss < best.validation_loss:
            self.history.best, self.kept = epoch, copied(self.model)
        if self.checkpoint is not None and team().rank == 0:
            self.checkpoint.save(self, epoch.epoch)

    @contextmanager
    def until_its_end(self) -> Iterator[None]:
        """Leave the model with the weights of its best epoch, and the learning rates as they were, however this block
        ends; Ctrl-C ends the block alone."""
        try:
            yield
        except KeyboardInterrupt:
            if team().size > 1:  # the others may wait for this one
                raise
            self.history.ended = "interrupted"
            if self.history.best is None:
                self.kept = copied(self.model)
        finally:
            put(self.model, self.kept)
            self.set_rates(self.rates)


def on_host(arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    """Copies on the host of what is on a device."""
    return {name: backend.to_numpy(array) for name, array in arrays.items()}


def copied(model: Trainable) -> dict[str, np.ndarray]:
    """The weights of a model, and what else belongs to it, as they are now."""
    return {name: array.copy() for name, array in model.arrays().items()}


def put(model: Trainable, arrays: dict[str, np.ndarray]) -> None:
    """Make the model what it was when these were copied."""
    for name, array in model.arrays().items():
        array[...] = backend.beside(arrays[name], array)


def refuse_what_does_not_fit(
    model: Trainable,
    optimizer: Optimizer | Step,
    validation: Data,
    rng: RNGLike,
    patience: int | None,
    max_norm: float | None,
    keep_best: bool,
    checkpoint: Checkpoints | None,
    capture: bool,
) -> None:
    """Raise ValueError or UsageError for options of `fit` that do not go together."""
    on_the_host = all(map(backend.on_host, model.arrays().values()))
    if not length(validation):
        raise ValueError("there are no validation images")
    if checkpoint is not None and rng is None:
        raise ValueError("a run that goes on repeats its draws: give fit a seed, such as rng=0, with a checkpoint")
    if patience is not None and not keep_best:
        raise ValueError("patience waits for a better validation loss, which keep_best=False does not ask for")
    if max_norm is not None and not isinstance(optimizer, Optimizer):
        raise ValueError("a step of one's own clips its own gradients: max_norm goes with an optimizer")
    if checkpoint is not None and not isinstance(optimizer, Stateful):
        raise ValueError("a step of one's own needs state() and load_state() for a checkpoint, see Stateful")
    if team().size > 1 and not on_the_host:
        raise UsageError("several processes train on processors: leave out mpiexec, or make the model on the host")
    if capture and on_the_host:
        raise UsageError("capture records what a device does, and this model is on the host: make it on the device")
    if capture and not isinstance(optimizer, Optimizer | MovingStep):
        raise ValueError("a step of one's own is captured by its moves: make it a MovingStep, or leave out capture")
