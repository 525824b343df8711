"""Record a step of training on a CUDA device once, then repeat it with one launch, without waiting for its losses.

A step of a small model is about a hundred kernels of a few microseconds each, and the device waits for Python to launch
each kernel. A CUDA graph holds all kernels of a step, with its optimizers (`guarded`): it is recorded while Python runs
the step once more. From then on one launch runs the whole graph, with new values in the same memory. `fit` does this
for every model on a device.

Before a launch the host writes the inputs of the graph: the batch, and the random numbers of the step, drawn from the
same generator in the same order. All of this is put in one queue, the device's stream, and the device works it off in
order. So no input is overwritten before the graph that reads it has run, and the host need not wait. It reads the
losses of 16 steps in one transfer, or earlier at the end of an epoch. If one of them is not finite, no weight has
changed since, and the host repeats that step for the error's message.

Everything else that Python decides in a step, such as β of a VAE, keeps the value that it had when the step was
recorded; `fit` makes a new record in each epoch. The matrix products are those of `cuda.Recorder`, because CuPy calls
no cuBLAS while it records.

Some steps cannot be recorded, such as a step that reads a value of the device. `fit` tries a step on copies of model
and optimizers first. If the step cannot be recorded, it runs as written, and a line on stderr says why.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd import backend, cuda
from minigen.errors import DivergedError, UsageError, shown
from minigen.training.batches import each
from minigen.training.guarded import Rows, make_guarded, upcoming
from minigen.training.noise import Draws
from minigen.training.optim import Optimizer
from minigen.training.run import on_the_host
from minigen.training.steps import Move, MovingStep


class Tape:
    """A step of training for batches of one shape, recorded as a CUDA graph.  launch(x, rng) starts a step.

    The first launch runs the step kernel by kernel, which compiles the kernels. The second records a graph and launches
    it. Later ones launch the recorded graph. `forget` ends the record: the next launch makes a new one.

    step: the step of training.
    x: a checked batch on the device, an array or a tuple of arrays. It is copied.
    rows: the losses of the last steps, and the optimizers' numbers of the next; None before the first launch.
    moves: the moves of the recorded step, in sequences.
    """

    def __init__(self, step: MovingStep, x: Any):
        self.step, self.x = step, each(lambda array: array.copy(), x)
        self.rows: Rows | None = None
        self.moves: list[Sequence[Move]] = []
        self._recorder: Any = cuda.Recorder()
        self._draws: Any = None
        self._graph: Any = None
        self._was_recorded = False

    def forget(self) -> None:
        """Forget the recorded graph, because Python may decide otherwise from now on."""
        self._graph = None

    def launch(self, x: Any, rng: np.random.Generator) -> None:
        """Start one step of training, and return before it is done.

        If `rows` no longer holds, the caller has read it: the next steps are then planned.
        x: a checked batch on the device, of the shape of this tape. rng: draws the random numbers of the step.

        Raises UsageError for a step that cannot be recorded, before anything is drawn or changes if this tape has
        launched a step before.
        """
        for kept, new in zip(arrays_of(self.x), arrays_of(x), strict=True):
            kept[...] = new
        if self.rows is not None and not self.rows.holds():
            self.rows.plan_steps()
        if self.rows is not None and self._graph is None:
            try:
                self._record(self.rows)
            except UsageError:
                if not self._was_recorded:
                    raise
                self.rows, self._was_recorded = None, False  # Python has decided otherwise since the last epoch
        if self.rows is None:
            with explained():
                self.rows = self._recorder.rehearse(lambda: self._run(rng))
        else:
            self._draws.renew(rng)
            self._graph.launch()
        self.rows.count += 1

    def _run(self, rng: np.random.Generator) -> Rows:
        """Take a step kernel by kernel, and return the `Rows` that hold its losses."""
        for optimizer in self.step.optimizers:
            if type(optimizer).step is not Optimizer.step:
                raise TypeError(f"its optimizer {type(optimizer).__name__} has a `step` of its own")
        self._draws, go, numbers = Draws(rng), backend.current().ones((), bool), upcoming()
        kept: list[Any] = []

        def slot(optimizer: Optimizer) -> tuple[list[Any], Any]:
            kept.append(backend.current().empty(2))
            return [backend.to_device(np.array(x, optimizer.module.flat.dtype)) for x in numbers(optimizer)], kept[-1]

        self.moves = make_guarded(self.step.moves(self.x, self._draws), slot, go)
        rows = Rows([move.optimizer for at_once in self.moves for move in at_once])
        rows.plan_steps()
        unused = rows.begin_step()  # compiles the kernels of a recorded step
        for optimizer, row, found in zip(rows.optimizers, rows.row, kept, strict=True):
            unused(optimizer)
            row[...] = found
        rows.end_step()
        rows.go[...] = go
        return rows

    def _record(self, rows: Rows) -> None:
        """Record a step that writes to `rows`. Nothing is drawn and no value changes."""
        held = self._held()
        self._draws.again()

        def work() -> list[Sequence[Move]]:
            moves = make_guarded(self.step.moves(self.x, self._draws), rows.begin_step(), rows.go)
            if [move.optimizer for at_once in moves for move in at_once] != rows.optimizers:
                raise TypeError("it makes other moves than in its first step")
            rows.end_step()
            return moves

        with explained():
            self.moves, graph = self._recorder.record(work)
            self._draws.end()
            if any(a is not b for a, b in zip(held, self._held(), strict=True)):
                raise TypeError("it puts new arrays in the place of those that its modules hold")
        self._graph, self._was_recorded = graph, True

    def _held(self) -> list[Any]:
        """Return a list of all arrays that the modules of the step's optimizers hold."""
        return [array for o in self.step.optimizers for array in o.module.arrays().values()]


class Captured:
    """A training step on a device, recorded as CUDA graphs: one `Tape` for each batch shape.

    Called with a batch and a generator, it takes a step and returns the loss, as `step` does. `losses` takes many steps
    and waits for few of them.
    step: the step of training to record. Its own code does not change.
    required: if False, a step that cannot be recorded runs as written from then on, and a line on stderr says why. Each
        new batch shape is tried on copies of the step first. If True, such a step is an error.
    tapes: a dictionary {the shapes of a batch's arrays: its Tape}.
    """

    def __init__(self, step: MovingStep, required: bool = True):
        self.step, self.required = step, required
        self.tapes: dict[tuple, Tape] = {}
        self._refused = False
        self._tape: Tape | None = None
        self._unread: list[tuple[Any, np.random.Generator, Any]] = []  # (batch, generator, its state before the step)

    def __call__(self, batch: Any, rng: np.random.Generator) -> float:
        """Take one step on `batch`, wait for it, and return its loss.  batch, rng: as `step` takes them.

        Raises UsageError for a step that cannot be recorded and is required to be, and DivergedError as `step` does.
        """
        (loss,) = self.losses([batch], rng)
        return loss

    def losses(self, batches: Iterable[Any], rng: np.random.Generator) -> Generator[float, None, None]:
        """Take a step on each batch and yield the loss of each step, in order, up to 16 steps after its launch.

        batches: each is moved to the model's device; `step.checked` checks it. rng: draws the random numbers.

        Raises UsageError for a step that cannot be recorded and is required to be. Raises DivergedError for the first
        step whose loss or gradient is not finite. No optimizer has changed anything since, but other arrays, such as
        statistics of batches and the average of a generator's weights, may be those of later steps.
        """
        try:
            for batch in batches:
                yield from self._take(batch, rng)
            yield from self.read()
        finally:
            self.read()  # after an error, too: an optimizer counts the steps that it has made

    def forget(self) -> None:
        """Forget all records, because Python may decide otherwise from now on."""
        for tape in self.tapes.values():
            tape.forget()

    def read(self) -> list[float]:
        """Wait for all steps that were launched, and return the losses that have not been returned yet, in order.

        Raises DivergedError for the first step that failed. The generator is then where that step began, unless
        `step.explained` has repeated the step.
        """
        unread, self._unread = self._unread, []
        if self._tape is None or self._tape.rows is None or not unread:
            return []
        known: list[float] = []
        try:
            for losses in self._tape.rows.read(self._tape.moves, len(unread)):
                known.append(self.step.noted(losses))
        except DivergedError as error:
            batch, rng, before = unread[len(known)]
            rng.bit_generator.state = before
            raise self.step.explained(error, batch, rng, before) from None
        return known

    def _take(self, batch: Any, rng: np.random.Generator) -> Iterator[float]:
        """Take a step; yield the losses of earlier steps that have become known, and its own if it is known."""
        if not self._refused:
            try:
                yield from self._launch(batch, rng)
                return
            except UsageError as error:
                if self.required:
                    raise
                self._refused = True
                say_why(error.__cause__ or error)
        yield from self.read()
        yield self.step(batch, rng)

    def _launch(self, batch: Any, rng: np.random.Generator) -> Iterator[float]:
        """Launch a step; yield the losses of earlier steps that have become known."""
        x = each(backend.to_device, self.step.checked(batch))
        shapes = tuple(array.shape for array in arrays_of(x))
        if shapes not in self.tapes:
            if not self.required:
                with explained((Exception,)):
                    attempt(self.step, x, rng)
            self.tapes[shapes] = Tape(self.step, x)
        tape = self.tapes[shapes]
        if tape is not self._tape or tape.rows is None or not tape.rows.holds():
            yield from self.read()
        self._tape, before = tape, rng.bit_generator.state
        tape.launch(x, rng)
        self._unread.append((batch, rng, before))


def attempt(step: MovingStep, x: Any, rng: np.random.Generator) -> None:
    """Take two steps on copies of `step` and `rng`: one kernel by kernel, one recorded.

    x: a checked batch on the device. Raises any error that this raises.
    """
    step, rng = copy.deepcopy((step, rng))
    tape = Tape(step, x)
    for _ in range(2):
        tape.launch(x, rng)


def arrays_of(batch: Any) -> tuple:
    """Return the arrays of `batch`, an array or a tuple of arrays, as a tuple."""
    return batch if isinstance(batch, tuple) else (batch,)


@contextmanager
def explained(kinds: tuple[type[Exception], ...] = (TypeError, RuntimeError)) -> Iterator[None]:
    """Context manager: turn an error of these `kinds` into a UsageError: why CUDA graphs cannot record the step."""
    try:
        yield
    except kinds as error:
        raise UsageError(f"this step cannot be recorded as CUDA graphs ({error}): leave out capture") from error


def say_why(reason: Any) -> None:
    """Print a line on stderr: why the steps of a run are not recorded.  reason: a text or an error."""
    print(f"the training steps run as written, without a record of their kernels: {shown(reason)}", file=sys.stderr)


def recorded(
    step: Any, model: Any, capture: bool | None
) -> Callable[[Iterable[Any], np.random.Generator], Generator[float, None, None]]:
    """Return a function losses(batches, rng) that takes a step on each batch and yields the loss of each, in order.

    `fit` calls the function once an epoch. It records the steps, new in each epoch, as `Captured` does.
    step, model: the step of training and the model that it trains.
    capture: if False, or for None if the model is on the host, nothing is recorded, and each step runs as written. If
        None, a line on stderr says why a step cannot be recorded, and it runs as written. If True, such a step is an
        error.

    Raises UsageError if `capture` is True and the step has a `__call__` of its own.
    """

    def as_written(batches: Iterable[Any], rng: np.random.Generator) -> Generator[float, None, None]:
        return (step(batch, rng) for batch in batches)

    if capture is False or (capture is None and on_the_host(model)):
        return as_written
    if not isinstance(step, MovingStep):
        say_why("the step is no MovingStep")
        return as_written
    if type(step).__call__ is not MovingStep.__call__:
        why = f"{type(step).__name__} has a `__call__` of its own: a step that is recorded has `noted`"
        if capture:
            raise UsageError(f"this step cannot be recorded as CUDA graphs ({why}): leave out capture")
        say_why(why)
        return as_written
    captured = Captured(step, required=bool(capture))

    def losses(batches: Iterable[Any], rng: np.random.Generator) -> Generator[float, None, None]:
        captured.forget()
        return captured.losses(batches, rng)

    return losses
