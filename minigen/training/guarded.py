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
GUARD = kernel("guard")
"""go ← go and (loss and squared norm are finite); loss and squared norm are copied."""
Slot = Callable[[Optimizer], tuple[Sequence[Any], Any]]
"""A function that is called once for each move, with its optimizer. It returns (the optimizer's `numbers` for the move,
an array (2,) for the loss and the squared norm of the gradient), all on the device."""


def make_guarded(moves: Moves, slot: Slot, go: Any) -> list[Sequence[Move]]:
    """Make all moves of one step of training without waiting for the device: `steps.take`, guarded by `go`.

    moves: sequences of moves. All gradients of a sequence are computed before the first of its optimizers steps.
    slot: says where the numbers of a move are read and written.
    go: a 0-d array of bool on the device, set to False by the first loss or norm that is not finite. While `go` is
        False, no optimizer changes anything.

    Returns the list of the sequences.
    """
    made: list[Sequence[Move]] = []
    for at_once in moves:
        found = [move.differentiate() for move in at_once]
        slots = [slot(move.optimizer) for move in at_once]
        for (loss, square), (_, kept) in zip(found, slots, strict=True):
            GUARD(loss, square, go, kept[0], kept[1])
        for move, (_, square), (numbers, _) in zip(at_once, found, slots, strict=True):
            if move.max_norm < math.inf:
                g = move.optimizer.module.flat_grad
                g *= move.max_norm / np.maximum(move.max_norm, np.sqrt(square))
            move.optimizer.update(numbers, go)
        made.append(at_once)
    return made


def upcoming() -> Callable[[Optimizer], tuple[float, ...]]:
    """Return a function that returns an optimizer's `numbers` for its next step; called again, for the step after it.

    The steps are counted from `optimizer.t` at the first call. The optimizers do not change.
    """
    steps: dict[Optimizer, int] = {}

    def numbers(optimizer: Optimizer) -> tuple[float, ...]:
        steps[optimizer] = steps.get(optimizer, optimizer.t) + 1
        return optimizer.numbers(steps[optimizer])

    return numbers


class Rows:
    """Rows of numbers on the device, one row a step: the optimizers' numbers, and the losses and norms of the moves.

    In each step the device reads row `at` of `plan`, copies `row` to row `at` of `found`, and counts `at` up. The host
    calls `plan_steps` when no planned step is left, adds 1 to `count` for each step that it launches, and calls `read`.

    optimizers: the optimizer of each move of a step, in order.
    plan: the optimizers' numbers, (AHEAD, numbers of a step). columns: those of each move, as slices.
    row: loss and squared norm of each move of the present step, (moves, 2). found: those of each step, (AHEAD, moves,
        2).
    at: the number of steps since `plan_steps`, 0-d. go: False after a step that failed, 0-d.
    count: the number of steps that the host has launched since `plan_steps`.
    clock: the pairs (steps made, learning rate) of the optimizers that the plan goes on from.
    """

    def __init__(self, optimizers: Sequence[Optimizer]):
        self.optimizers, zeros = optimizers, backend.current().zeros
        ends = list(itertools.accumulate(len(o.numbers(1)) for o in optimizers))
        self.columns = [slice(*ends) for ends in itertools.pairwise([0, *ends])]
        self.plan = zeros((AHEAD, ends[-1]), np.result_type(*(o.module.flat.dtype for o in optimizers)))
        self.found, self.row = zeros((AHEAD, len(optimizers), 2)), zeros((len(optimizers), 2))
        self.at, self.go = zeros((), np.int64), zeros((), bool)
        self.count, self.clock = AHEAD, self.time()

    # -- the device's part of a step

    def begin_step(self) -> Slot:
        """Begin a step: return its `Slot`, which raises TypeError if an optimizer is not the next of `optimizers`."""
        plan = np.take(self.plan, self.at, axis=0)
        due = zip(self.optimizers, self.columns, self.row, strict=True)

        def slot(optimizer: Optimizer) -> tuple[list[Any], Any]:
            expected, columns, kept = next(due, (None, None, None))
            if expected is not optimizer:
                raise TypeError("it makes other moves than in its first step")
            numbers = plan[columns].astype(optimizer.module.flat.dtype, copy=False)
            return [numbers[i] for i in range(len(numbers))], kept

        return slot

    def end_step(self) -> None:
        """End a step: copy `row` to the step's row of `found`, and go on to the next row."""
        self.found[self.at] = self.row
        self.at += 1

    # -- the host's part

    def time(self) -> list[tuple[int, float]]:
        """Return the pairs (number of steps made, learning rate) of the optimizers."""
        return [(o.t, o.learning_rate) for o in self.optimizers]

    def holds(self) -> bool:
        """True if the plan has a row for the next step, and nobody has changed steps or learning rates since."""
        return self.count < AHEAD and self.clock == self.time()

    def plan_steps(self) -> None:
        """Plan the next AHEAD steps, in one transfer. All losses have been read before."""
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
        found = backend.to_numpy(self.found[self.count - steps : self.count]).tolist()
        for row in found:
            losses, pairs = [], iter(row)
            for at_once in moves:
                try:
                    losses += finite(at_once, [number for _ in at_once for number in next(pairs)])[0]
                except DivergedError:
                    self.count = AHEAD
                    raise
                for move in at_once:
                    move.optimizer.t += 1
            yield losses
        self.clock = self.time()
