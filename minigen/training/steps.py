"""A step of training is made of moves. In a move, one optimizer takes one step down its own loss.

A model with one loss makes one move a step. The players of a GAN make one move each, in turn or at once. A move has two
halves: `Move.differentiate` computes the loss and its gradient; `make` checks both and lets the optimizer step.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import Tensor, backend, detect_anomaly
from minigen.errors import DivergedError
from minigen.nn.arrays import RNGLike
from minigen.training.optim import Optimizer, scale_to
from minigen.training.parallel import team
from minigen.training.resume import Remembering


@dataclass(frozen=True)
class Move:
    """A step of an optimizer down a loss, to be carried out by `take` or `make`; creating a Move changes nothing.

    A move changes the parameters of the optimizer's module and no others.

    optimizer: takes the step.
    loss: a scalar Tensor. Only its gradient with respect to the optimizer's module is computed.
    name: the name of the loss, for error messages.
    max_norm: the gradient is scaled down to this norm if its norm is larger.
    """

    optimizer: Optimizer
    loss: Tensor
    name: str = "loss"
    max_norm: float = math.inf

    def differentiate(self) -> tuple[Any, Any]:
        """Compute the gradient of the loss; it replaces the old gradient of the optimizer's module.

        Returns (loss, squared norm of the gradient), 0-d each. On a device this returns before the work is done. For
        several processes the gradient is their average, the loss is of this process alone. A loss on the host that is
        not finite gets the gradient 0. The graph of the loss is freed.
        """
        module = self.optimizer.module
        module.zero_grad()
        if not backend.on_host(self.loss) or np.isfinite(self.loss.data):  # reading a value would wait for the device
            self.loss.backward(inputs=list(module.parameters().values()))
        g = module.flat_grad
        team().average(g)
        return self.loss.data, np.dot(g, g)


Moves = Iterable[Sequence[Move]]
"""The moves of one step of training: sequences of moves, one after the other. All gradients of a sequence are computed
before the first of its optimizers steps."""


def take(moves: Moves) -> list[float]:
    """Make all moves of one step of training, in order, and return their losses, one for each move.

    moves: sequences of moves. All gradients of a sequence are computed before the first of its optimizers steps; the
        next sequence is taken from `moves` after all have. Raises DivergedError as `make` does.
    """
    return [loss for at_once in moves for loss in make(at_once, [move.differentiate() for move in at_once])]


def make(moves: Sequence[Move], found: Sequence[tuple[Any, Any]]) -> list[float]:
    """Check the losses and gradient norms, clip the gradients, step each optimizer, and return the losses.

    A loss is the mean over all processes. A gradient is clipped to the `max_norm` of its move.
    moves: the moves to make at once; their gradients have been computed.
    found: for each move the pair (loss, squared norm of the gradient) that `Move.differentiate` returned. All numbers
        come from a device in one transfer.

    Raises DivergedError, before any optimizer steps, if a loss or a gradient is not finite.
    """
    losses, norms = finite(moves, backend.floats(*itertools.chain(*found)))
    for move, norm in zip(moves, norms, strict=True):
        scale_to(move.optimizer.module.flat_grad, norm, move.max_norm)
        move.optimizer.step()
    return losses


def finite(moves: Sequence[Move], numbers: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return (the losses, the norms of the gradients), a number for each move; a loss is the mean over all processes.

    moves: the moves of one sequence. numbers: for each move its loss and the squared norm of its gradient, in turn.

    Raises DivergedError if a loss or a norm is not finite.
    """
    losses, norms = [team().mean(loss) for loss in numbers[::2]], [math.sqrt(square) for square in numbers[1::2]]
    for move, loss, norm in zip(moves, losses, norms, strict=True):
        if not (math.isfinite(loss) and math.isfinite(norm)):
            what = f"gradient of the {move.name} is not finite" if math.isfinite(loss) else f"{move.name} is {loss}"
            raise DivergedError(f"the {what}: lower the learning rate")
    return losses, norms


class Means(Remembering):
    """The mean of each named loss over steps of training. Calling the object returns the means and begins again.

    `add` counts a step; a loss that it does not name counts as 0. As `fit(measure=…)`, the object puts the means over
    each epoch into the history.
    summed: the sum of each loss since the last call, by name.
    steps: the number of steps since the last call.
    remembered: the names of both attributes, for a checkpoint.
    """

    remembered = ("summed", "steps")

    def __init__(self) -> None:
        self.summed: dict[str, float] = {}
        self.steps = 0

    def add(self, losses: dict[str, float]) -> None:
        """Count one step of training.  losses: the losses of this step, by name."""
        self.steps += 1
        for name, loss in losses.items():
            self.summed[name] = self.summed.get(name, 0.0) + loss

    def __call__(self) -> dict[str, float]:
        """Return the mean of each loss over the steps since the last call, by name, and begin again from zero."""
        means = {name: total / self.steps for name, total in self.summed.items()}
        self.summed, self.steps = {}, 0
        return means


class MovingStep(Remembering):
    """A step of training made of moves: in a `Move`, one optimizer takes a step down its own loss.

    Call it with a batch and a generator: it makes all its moves and returns its loss. A subclass sets `model` and
    `optimizers`. Its `moves(batch, rng)` yields sequences of `Move`s, those of a sequence to be made at once. If it has
    several losses, or does something with them, it implements `noted`. If it overrides `__call__`, it is not recorded.

    model: the trained model; `model.checked(batch)` checks a batch.
    optimizers: a list of all optimizers of the moves.
    remembered: the names of the attributes that a checkpoint holds; a subclass adds its own.

    The call raises DivergedError, before the weights of a move change, if its loss or gradient is not finite.
    """

    remembered: tuple[str, ...] = ("optimizers",)
    model: Any
    optimizers: list[Optimizer]

    def moves(self, batch: Any, rng: Any) -> Moves:
        """Yield the moves of one step, in sequences: the moves of one sequence are made at once (see `take`).

        A subclass implements this.
        batch: an array, (b, D), or a tuple of arrays such as (images, labels).
        """
        raise NotImplementedError

    def checked(self, batch: Any) -> Any:
        """Return `batch` checked by the model: on its device, in its dtype or, for whole-number data, as integers.

        batch: images, (b, D). Raises the model's ValueError for a batch that it refuses.
        """
        return self.model.checked(batch)

    def __call__(self, batch: Any, rng: np.random.Generator) -> float:
        """Make all moves of one step of training on `batch`, in the order of `moves`, and return the loss of the step.

        batch: as `moves` takes it. rng: draws the random numbers of the step.
        """
        before = rng.bit_generator.state
        try:
            losses = take(self.moves(batch, rng))
        except DivergedError as error:
            raise self.explained(error, batch, rng, before) from None
        return self.noted(losses)

    def noted(self, losses: list[float]) -> float:
        """Return the loss of a step, here the loss of its first move. A subclass may keep the other losses.

        losses: of the moves of one step, in order. If `fit` records the step, this is called some steps later.
        """
        return losses[0]

    def explained(self, error: DivergedError, batch: Any, rng: np.random.Generator, before: Any) -> DivergedError:
        """Return the error to raise for a step that failed, here `error` itself.

        batch: the batch of the failed step. rng: its generator. before: `rng.bit_generator.state` before the step.
        """
        return error


class Descent(MovingStep):
    """A step of gradient descent on `model.loss`. Call it with a batch and a generator: it returns the loss.

    model: has a method `loss(batch, rng=…)` that returns a scalar Tensor.
    optimizer: takes the step. Its module is the model or a part of it.
    max_norm: scale the gradient down to this norm if its norm is larger. None: never.
    settings: the names of the attributes that must be equal when a run is resumed.

    The call raises DivergedError, before the weights change, if the loss or the gradient is not finite. The message
    names the operation that made the first such value, if a repetition finds one.
    """

    settings = ("max_norm",)

    def __init__(self, model: Any, optimizer: Optimizer, max_norm: float | None = None):
        self.model, self.optimizers, self.max_norm = model, [optimizer], max_norm

    def moves(self, batch: Any, rng: np.random.Generator) -> Moves:
        """Yield the only move of the step, down `model.loss(batch, rng=rng)`.  batch: as `model.loss` takes it."""
        max_norm = np.inf if self.max_norm is None else self.max_norm
        yield (Move(self.optimizers[0], self.model.loss(batch, rng=rng), max_norm=max_norm),)

    def explained(self, error: DivergedError, batch: Any, rng: np.random.Generator, before: Any) -> DivergedError:
        """Return `error` with the cure and the `culprit` in its message.

        batch, rng, before: as `culprit` takes them.
        """
        return DivergedError(f"{error}, or clip with max_norm{self.culprit(batch, rng, before)}")

    def culprit(self, batch: Any, rng: np.random.Generator, before: Any) -> str:
        """Repeat a failed step and return, as text for its error message, which operation made a value not finite.

        The model's loss is computed again with the same random numbers, inside `detect_anomaly()`. If no operation did,
        the text says that the weights were not finite before the step, or is "".
        batch: the batch of the failed step.
        before: `rng.bit_generator.state` before the failed step. `rng` is set to it.
        """
        rng.bit_generator.state = before
        try:
            with detect_anomaly(), np.errstate(all="ignore"):
                self.model.loss(batch, rng=rng).backward()
        except FloatingPointError as error:
            return f" ({error})"
        return "" if np.all(np.isfinite(self.model.flat)) else " (its weights were not finite before)"


def plain_step(model: Any, optimizer: Optimizer, batch: Any, *, rng: RNGLike = None) -> float:
    """Take one step of gradient descent on `batch`, without the safeguards of `fit`, and return the loss.

    model: has `zero_grad()` and `loss(batch, rng=…)`, which returns a scalar Tensor.
    optimizer: changes the weights of `model`.
    batch: images, (b, D), or whatever `model.loss` takes.

    A test holds that `fit` does the same, bit for bit.
    """
    model.zero_grad()
    loss = model.loss(batch, rng=rng)
    loss.backward()
    optimizer.step()
    return loss.item()
