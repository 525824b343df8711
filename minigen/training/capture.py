"""Record a step of training on a CUDA device once, then repeat it with one launch for each move.

A step of a small model is about a hundred kernels of a few microseconds each, and the device waits for Python to launch
each kernel. A CUDA graph holds all kernels of a move: it is recorded while Python runs the step once more. From then on
one launch runs the whole graph, with new values in the same memory. `fit` does this for every model on a device.

Between two moves the host checks loss and gradient and lets the optimizer step, as without a record (`steps.make`).
Before a launch the host writes the inputs of the graphs: the batch, and the random numbers of the step, drawn from the
same generator in the same order. Everything else that Python decides in a step, such as β of a VAE, keeps the value
that it had when the step was recorded; `fit` makes a new record in each epoch. The matrix products are those of
`cuda.Recorder`, because CuPy calls no cuBLAS while it records.

Some steps cannot be recorded, such as a step that reads a value of the device. `fit` tries the first step of a run on
copies of model and optimizers. If the step cannot be recorded, it runs as written, and a line on stderr says why.
"""

from __future__ import annotations

import copy
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd import backend, cuda
from minigen.errors import UsageError, shown
from minigen.training.batches import each
from minigen.training.run import on_the_host
from minigen.training.steps import Move, MovingStep, make, take


class Draws(np.random.Generator):
    """A random generator for a step recorded as CUDA graphs: it copies its draws to the device, and notes each call.

    After `renew(rng)`, the same calls in the same order return the same arrays, with new numbers in them.
    rng: the generator of the numbers before the first `renew`. All its methods that return numbers can be called, such
    as `standard_normal`; each goes through `draw`.
    """

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng.bit_generator)
        self._rng = rng
        self._noted: list[tuple[str, Callable[[np.random.Generator], Any], Any]] = []
        self._again: Iterator[tuple] | None = None

    def draw(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return random numbers as an array on the device: new and noted, or after `renew` the array noted before.

        method: the name of the generator's method, such as "standard_normal", called with `args` and `kwargs`.

        Raises RuntimeError if, after `renew`, the call differs from the call that was noted at this place, or if the
        method does not return numbers, such as `shuffle`.
        """
        return self.note(lambda rng: getattr(rng, method)(*args, **kwargs), method, args, kwargs)

    def note(self, function: Callable[[np.random.Generator], Any], *call: Any) -> Any:
        """Return function(generator), copied to the device: new and noted, or after `renew` the array noted before.

        function: a function of a generator that returns an array or a number. `renew` calls it again, so it must not
            read arrays that the step computes.
        call: a name and arguments, equal for equal calls.

        Raises RuntimeError if, after `renew`, the call differs from the call that was noted at this place, or if
        `function` does not return numbers.
        """
        name = repr(call)
        if self._again is not None:
            noted, _, array = next(self._again, ("", None, None))
            if noted != name:
                raise RuntimeError("it draws other numbers than in its first step")
            return array
        drawn = function(self._rng)
        if not isinstance(drawn, np.ndarray | np.number | float | int):
            raise RuntimeError(f"it calls {call[0]} of the generator, which returns no new numbers (use permutation)")
        array = backend.to_device(drawn)
        self._noted.append((name, function, array))
        return array

    def renew(self, rng: np.random.Generator) -> None:
        """Fill all noted arrays with new numbers from `rng`, in the order of the calls, and begin again at call 1."""
        for _, function, array in self._noted:
            array[...] = backend.to_device(function(rng))
        self._again = iter(self._noted)


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name != "bit_generator":
        setattr(Draws, _name, functools.partialmethod(Draws.draw, _name))


class Tape:
    """A step of training for batches of one shape, recorded as CUDA graphs.  tape(x, rng) → list of the moves' losses.

    A call takes one step on a checked batch `x` on the device, an array or a tuple of arrays, with the NumPy generator
    `rng`. A move is one step of one optimizer; a sequence holds the moves that are made at once. The first call runs
    the step as it is written, which compiles the kernels and notes the random numbers. The second call records one
    graph for each sequence of moves and launches it. Later calls launch the recorded graphs. Of the fields below `step`
    alone is given.

    step: the step of training.
    recorder: records the graphs.
    x: the device array, in the shape of a batch, that the graphs read, or a tuple of them; each call copies its batch
        there.
    draws: the generator of the random numbers that the graphs read; None before the first call.
    graphs: a list with one (graph, moves, [(loss, squared gradient norm) of each move]) for each sequence of moves, in
        order; None before the second call.
    """

    def __init__(self, step: MovingStep):
        self.step, self.recorder = step, cuda.Recorder()
        self.x: Any = None
        self.draws: Draws | None = None
        self.graphs: list[tuple[Any, Sequence[Move], Any]] | None = None

    def __call__(self, x: Any, rng: np.random.Generator) -> list[float]:
        """Take one step on `x`, a checked batch on the device, and return the losses of its moves.

        Raises UsageError for a step that cannot be recorded, and DivergedError as `make` does.
        """
        if self.draws is None:
            self.x, self.draws = each(lambda array: array.copy(), x), Draws(rng)
            with explained():
                return self.recorder.rehearse(lambda: take(self.step.moves(self.x, self.draws)))
        for kept, new in zip(arrays_of(self.x), arrays_of(x), strict=True):
            kept[...] = new
        self.draws.renew(rng)
        if self.graphs is None:
            return self.record()
        return [loss for graph in self.graphs for loss in self.repeat(*graph)]

    def record(self) -> list[float]:
        """Take one step and record it: a CUDA graph for each sequence of moves, run before the next is recorded.

        A move is one step of an optimizer (`Move`). Returns the losses of all moves, in order. The second call of the
        Tape calls this, with the batch and the random numbers in place. Raises UsageError for a step that cannot be
        recorded, from a TypeError or RuntimeError that says why.
        """
        graphs, losses = [], []
        held = self.held()
        moves = iter(self.step.moves(self.x, self.draws))
        while True:
            with explained():
                (at_once, found), graph = self.recorder.record(lambda: differentiated(moves))
            if at_once is None:
                break
            graphs.append((graph, at_once, found))
            losses += self.repeat(*graphs[-1])
        with explained():
            if any(a is not b for a, b in zip(held, self.held(), strict=True)):
                raise TypeError("it puts new arrays in the place of those that its modules hold")
        self.graphs = graphs
        return losses

    def held(self) -> list[Any]:
        """Return a list of all arrays that the modules of the step's optimizers hold."""
        return [array for o in self.step.optimizers for array in o.module.arrays().values()]

    def repeat(self, graph: Any, at_once: Sequence[Move], found: Any) -> list[float]:
        """Launch a graph, which computes losses and gradients, then `make` its moves and return their losses.

        graph: a recorded CUDA graph.
        at_once: the moves to make at once.
        found: a list with one (loss, squared norm of the gradient) for each move, device arrays that the launch fills.
        """
        graph.launch()
        return make(at_once, found)


def arrays_of(batch: Any) -> tuple:
    """Return the arrays of `batch`, an array or a tuple of arrays, as a tuple."""
    return batch if isinstance(batch, tuple) else (batch,)


def differentiated(moves: Iterator[Sequence[Move]]) -> tuple[Any, Any]:
    """Compute the gradients of the next moves. Return (the moves, [(loss, squared norm of the gradient) of each move]).

    moves: an iterator over sequences of moves; the next sequence is taken. At its end, return (None, None).
    """
    at_once = next(moves, None)
    return at_once, at_once and [move.differentiate() for move in at_once]


@contextmanager
def explained() -> Iterator[None]:
    """Context manager: turn a TypeError or RuntimeError into a UsageError: why CUDA graphs cannot record the step."""
    try:
        yield
    except (TypeError, RuntimeError) as error:
        raise UsageError(f"this step cannot be recorded as CUDA graphs ({error}): leave out capture") from error


class Captured:
    """A `take` for a training step that records it as CUDA graphs and repeats them: one `Tape` for each batch shape.

    `step.take = Captured(step)` begins a new record, `del step.take` ends it. Needs a device.
    step: the step of training to record. Its own code does not change.
    tapes: a dictionary {the shapes of a batch's arrays: its Tape}.
    """

    def __init__(self, step: MovingStep):
        self.step = step
        self.tapes: dict[tuple, Tape] = {}

    def __call__(self, x: Any, rng: np.random.Generator) -> list[float]:
        """Take one step on the batch `x`, moved to the model's device, and return the losses of its moves.

        x: images, (b, D), or a tuple of arrays such as (images, labels); `step.checked` checks it. Raises UsageError
        for a step that cannot be recorded.
        """
        x = each(backend.to_device, self.step.checked(x))
        shapes = tuple(array.shape for array in arrays_of(x))
        if shapes not in self.tapes:
            self.tapes[shapes] = Tape(self.step)
        return self.tapes[shapes](x, rng)


def obstacle(step: Any, batch: Any, rng: np.random.Generator) -> Exception | None:
    """Return the error that recording `step` raises, or None if the step can be recorded.

    step: a `MovingStep`, of which a copy takes two steps on `batch`: one as written, one recorded. rng: a
    generator, of which a copy is used. Neither changes.
    """
    try:
        step, rng = copy.deepcopy((step, rng))
        step.take = Captured(step)
        for _ in range(2):
            step.take(batch, rng)
    except Exception as error:
        return error
    return None


def say_why(reason: Any) -> None:
    """Print a line on stderr: why the steps of a run are not recorded.  reason: a text or an error."""
    print(f"the training steps run as written, without a record of their kernels: {shown(reason)}", file=sys.stderr)


@contextmanager
def recorded(step: Any, model: Any, capture: bool | None) -> Iterator[Callable[[], None]]:
    """Context manager: yield a function without arguments that begins to record `step` as CUDA graphs, anew each time.

    `fit` calls the function in each epoch. It sets `step.take` to a new `Captured`, which needs a device. After the
    block `step.take` is the method of the class again.
    step, model: the step of training and the model that it trains.
    capture: if False, or for None if the model is on the host, nothing is recorded, and the function does nothing. If
        None, the first step is tried on copies; a line on stderr says why a step cannot be recorded, and it is not.
    """
    if capture is None and on_the_host(model):
        capture = False
    if capture is None and not isinstance(step, MovingStep):
        say_why("the step is no MovingStep")
        capture = False

    def anew() -> None:
        if capture is not False:
            step.take = first if capture is None else Captured(step)

    def first(batch: Any, rng: np.random.Generator) -> list[float]:
        nonlocal capture
        del step.take
        error = obstacle(step, batch, rng)
        capture = error is None
        anew()
        losses = step.take(batch, rng)
        if error is not None:
            say_why(error.__cause__ or error)
        return losses

    try:
        yield anew
    finally:
        if isinstance(step, MovingStep):
            vars(step).pop("take", None)
