"""A step of training: one or more optimizers move, each down its own loss.

A model with one loss makes one move a step. The players of a GAN make one move each, in turn or at once. A move has two
halves: `Move.differentiate` computes the loss and its gradient, `make` checks them and lets the optimizer step.
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
    """One step of an optimizer down a loss. It changes the parameters of the optimizer's module and no others.

    optimizer: whose module moves. loss: a scalar Tensor, nats. name: of the loss, for messages. max_norm: the norm that
    the gradient is scaled down to. The gradient of other modules that the loss depends on is not computed.
    """

    optimizer: Optimizer
    loss: Tensor
    name: str = "loss"
    max_norm: float = math.inf

    def differentiate(self) -> tuple[Any, Any]:
        """Compute the loss and its gradient, which replaces the module's gradient.

        Returns the loss and the square of the gradient's norm, as arrays. On a device this returns before the work is
        done.
        """
        module = self.optimizer.module
        module.zero_grad()
        if not backend.on_host(self.loss) or np.isfinite(self.loss.data):  # reading a value would wait for the device
            self.loss.backward(inputs=list(module.parameters().values()))
        g = module.flat_grad
        team().average(g)
        return self.loss.data, np.dot(g, g)


Moves = Iterable[Sequence[Move]]
"""A step of training: one move after the other. Those of one sequence are made at once, from where all stand."""


def take(moves: Moves) -> list[float]:
    """Make all moves of one step, in order, and return their losses."""
    return [loss for at_once in moves for loss in make(at_once, [move.differentiate() for move in at_once])]


def make(moves: Sequence[Move], found: Sequence[tuple[Any, Any]]) -> list[float]:
    """Check the losses and gradient norms, with one transfer from a device, clip, then step each optimizer.

    moves: made at once. found: what `Move.differentiate` returned for each. Returns the losses. Raises DivergedError,
    before any optimizer steps, if a loss or a gradient is not finite.
    """
    numbers = backend.floats(*itertools.chain(*found))
    losses, norms = [team().mean(loss) for loss in numbers[::2]], [math.sqrt(square) for square in numbers[1::2]]
    for move, loss, norm in zip(moves, losses, norms, strict=True):
        if not (math.isfinite(loss) and math.isfinite(norm)):
            what = f"gradient of the {move.name} is not finite" if math.isfinite(loss) else f"{move.name} is {loss}"
            raise DivergedError(f"the {what}: lower the learning rate")
    for move, norm in zip(moves, norms, strict=True):
        scale_to(move.optimizer.module.flat_grad, norm, move.max_norm)
        move.optimizer.step()
    return losses


class Means(Remembering):
    """The mean of each loss over the steps since the last call, by name. `fit` can `measure` an epoch by it."""

    remembered = ("summed", "steps")

    def __init__(self) -> None:
        self.summed: dict[str, float] = {}
        self.steps = 0

    def add(self, losses: dict[str, float]) -> None:
        """Count one step with these losses."""
        self.steps += 1
        for name, loss in losses.items():
            self.summed[name] = self.summed.get(name, 0.0) + loss

    def __call__(self) -> dict[str, float]:
        """Return the means, and begin again from zero."""
        means = {name: total / self.steps for name, total in self.summed.items()}
        self.summed, self.steps = {}, 0
        return means


class MovingStep(Remembering):
    """A step of training made of moves. A subclass implements `moves` and `__call__`, which calls `take`.

    model: the trained model; its `checked` refuses batches that it does not take. optimizers: all that move.
    A checkpoint holds the optimizers; a subclass with more to remember adds its names to `remembered`.
    """

    remembered: tuple[str, ...] = ("optimizers",)
    model: Any
    optimizers: list[Optimizer]

    def moves(self, batch: Any, rng: Any) -> Moves:
        """Yield the moves for a batch, as `fit` gives it: an array, or a tuple such as (images, labels)."""
        raise NotImplementedError

    def checked(self, batch: Any) -> Any:
        """Return the batch in the library of the model. Raises the model's ValueError for a batch that it refuses."""
        return self.model.checked(batch)

    def take(self, batch: Any, rng: Any) -> list[float]:
        """Make the moves and return their losses."""
        return take(self.moves(batch, rng))


class Descent(MovingStep):
    """One step of descent on `model.loss(batch, rng)` for each batch.

    optimizer: of the module that moves, which is the model or a part of it.
    max_norm: clip the gradient to this norm. A step whose loss or gradient is not finite raises DivergedError before
    the weights change, and names the operation that made it so.
    """

    settings = ("max_norm",)

    def __init__(self, model: Any, optimizer: Optimizer, max_norm: float | None = None):
        self.model, self.optimizers, self.max_norm = model, [optimizer], max_norm

    def moves(self, batch: Any, rng: np.random.Generator) -> Moves:
        """Yield the only move, down `model.loss(batch, rng)`."""
        max_norm = np.inf if self.max_norm is None else self.max_norm
        yield (Move(self.optimizers[0], self.model.loss(batch, rng=rng), max_norm=max_norm),)

    def __call__(self, batch: Any, rng: np.random.Generator) -> float:
        before = rng.bit_generator.state
        try:
            (loss,) = self.take(batch, rng)
        except DivergedError as error:
            raise DivergedError(f"{error}, or clip with max_norm{self.culprit(batch, rng, before)}") from None
        return loss

    def culprit(self, batch: Any, rng: np.random.Generator, before: Any) -> str:
        """The same step once more, with the same draws and every operation watched: which one it was."""
        rng.bit_generator.state = before
        try:
            with detect_anomaly(), np.errstate(all="ignore"):
                self.model.loss(batch, rng=rng).backward()
        except FloatingPointError as error:
            return f" ({error})"
        return "" if np.all(np.isfinite(self.model.flat)) else " (its weights were not finite before)"


def plain_step(model: Any, optimizer: Optimizer, batch: Any, *, rng: RNGLike = None) -> float:
    """One step of descent without safety nets; a test holds it equal to what `fit` does. Returns the loss."""
    model.zero_grad()
    loss = model.loss(batch, rng=rng)
    loss.backward()
    optimizer.step()
    return loss.item()
