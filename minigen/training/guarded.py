"""Moves of training that the device guards itself, so that the host does not wait for each loss.

The host launches some steps, one after the other, and then reads all their losses in one transfer. A loss that is not
finite must not reach the weights in the meantime. So a number on the device, `go`, is True until a loss or the norm of
a gradient is not finite. Each optimizer gets `go`, and changes nothing from then on. The host finds the first step that
failed when it reads. The numbers of the optimizers that change from step to step, such as the learning rate and the
bias corrections of Adam, are computed for all these steps by the host and sent in one transfer, too.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd import backend
from minigen.errors import DivergedError
from minigen.nn.kernels import kernel
from minigen.training.optim import Optimizer
from minigen.training.steps import Move, Moves, finite

AHEAD = 16
"""The largest number of steps that are launched before the host reads their losses."""
FINITE = kernel("finite")
"""go ← go and (loss and squared norm are finite)."""


def make_guarded(moves: Moves, numbers: Callable[[Optimizer], Any], go: Any) -> tuple[list[Sequence[Move]], list[Any]]:
    """Make all moves of one step of training without waiting for the device: `steps.take`, guarded by `go`.

    moves: sequences of moves. All gradients of a sequence are computed before the first of its optimizers steps.
    numbers: a function of an optimizer that returns the `numbers` of its next step, as 0-d arrays on the device.
    go: a 0-d array of bool on the device, set to False by the first loss or norm that is not finite. While `go` is
        False, no optimizer changes anything.

    Returns (the list of the sequences, [loss, squared norm, loss, …] of all moves), the numbers as 0-d device arrays.
    """
    made: list[Sequence[Move]] = []
    found: list[Any] = []
    for at_once in moves:
        pairs = [move.differentiate() for move in at_once]
        for loss, square in pairs:
            FINITE(loss, square, go)
        for move, (_, square) in zip(at_once, pairs, strict=True):
            if move.max_norm < math.inf:
                g = move.optimizer.module.flat_grad
                g *= move.max_norm / np.maximum(move.max_norm, np.sqrt(square))
            move.optimizer.update(numbers(move.optimizer), go)
        made.append(at_once)
        found += itertools.chain(*pairs)
    return made, found


def upcoming() -> Callable[[Optimizer], tuple[float, ...]]:
    """Return a function that returns an optimizer's `numbers` for its next step; called again, for the step after it.

    The steps are counted from `optimizer.t` at the first call. The optimizers do not change.
    """
    steps: dict[Optimizer, int] = {}

    def numbers(optimizer: Optimizer) -> tuple[float, ...]:
        steps[optimizer] = steps.get(optimizer, optimizer.t) + 1
        return optimizer.numbers(steps[optimizer])

    return numbers


class Ring:
    """Rows of numbers on the device, one row a step: the optimizers' numbers, and the losses and norms of the moves.

    In each step the device reads row `at` of `plan`, writes row `at` of `found`, and counts `at` up. The host calls
    `begin` when no planned step is left, adds 1 to `count` for each step that it launches, and calls `read`.

    optimizers: the optimizer of each move of a step, in order.
    plan: the optimizers' numbers, (AHEAD, numbers of a step). found: loss and squared norm of each move, in turn,
        (AHEAD, 2 moves). at: the number of steps since `begin`, 0-d. go: False after a step that failed, 0-d.
    count: the number of steps that the host has launched since `begin`.
    clock: the pairs (steps made, learning rate) of the optimizers that the plan goes on from.
    """

    def __init__(self, optimizers: Sequence[Optimizer]):
        self.optimizers, zeros = optimizers, backend.current().zeros
        dtype = np.result_type(*(o.module.flat.dtype for o in optimizers))
        self.plan = zeros((AHEAD, sum(len(o.numbers(1)) for o in optimizers)), dtype)
        self.found = zeros((AHEAD, 2 * len(optimizers)))
        self.at, self.go = zeros((), np.int64), zeros((), bool)
        self.count, self.clock = AHEAD, self.time()

    # -- the device's part of a step

    def numbers(self) -> Callable[[Optimizer], list[Any]]:
        """Return a function that returns an optimizer's planned numbers for its next move, as `make_guarded` takes it.

        The function raises TypeError if the optimizer is not the next of `optimizers`.
        """
        row, begin, due = np.take(self.plan, self.at, axis=0), 0, iter(self.optimizers)

        def numbers(optimizer: Optimizer) -> list[Any]:
            nonlocal begin
            if next(due, None) is not optimizer:
                raise TypeError("it makes other moves than in its first step")
            begin, end = begin + (n := len(optimizer.numbers(1))), begin
            part = row[end:begin].astype(optimizer.module.flat.dtype, copy=False)
            return [part[i] for i in range(n)]

        return numbers

    def write(self, found: Sequence[Any]) -> None:
        """Write the losses and squared norms of a step, 0-d arrays, to its row, and go on to the next row."""
        self.found[self.at] = np.stack(found)
        self.at += 1

    # -- the host's part

    def time(self) -> list[tuple[int, float]]:
        """Return the pairs (number of steps made, learning rate) of the optimizers."""
        return [(o.t, o.learning_rate) for o in self.optimizers]

    def holds(self) -> bool:
        """True if the plan has a row for the next step, and nobody has changed steps or learning rates since."""
        return self.count < AHEAD and self.clock == self.time()

    def begin(self) -> None:
        """Plan the next steps, in one transfer. All losses have been read before."""
        numbers = upcoming()
        plan = [[x for o in self.optimizers for x in numbers(o)] for _ in range(AHEAD)]
        self.plan[...] = backend.to_device(np.array(plan, self.plan.dtype))
        self.at.fill(0)
        self.go.fill(True)
        self.count, self.clock = 0, self.time()

    def read(self, moves: Sequence[Sequence[Move]], steps: int) -> Iterator[list[float]]:
        """Yield the list of the losses of each of the last `steps` steps, in order. Waits for the device, once.

        moves: the moves of each of these steps, in sequences. A move that was made counts as a step of its optimizer.

        Raises DivergedError, as `finite` does, at the first step that failed. Then the plan no longer holds.
        """
        rows = backend.to_numpy(self.found[self.count - steps : self.count]).tolist()
        for row in rows:
            losses, numbers = [], iter(row)
            for at_once in moves:
                try:
                    losses += finite(at_once, list(itertools.islice(numbers, 2 * len(at_once))))[0]
                except DivergedError:
                    self.count = AHEAD
                    raise
                for move in at_once:
                    move.optimizer.t += 1
            yield losses
        self.clock = self.time()
