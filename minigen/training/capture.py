"""A step of training on a CUDA device, recorded once and then repeated with one launch for each move.

A step of a small model is some hundred kernels of a few microseconds, and the device waits for Python to ask for each
of them. A CUDA graph has them all: recorded while Python runs through the step once more, and launched as one from then
on, with other values in the same memory. `fit(capture=True)` does this.

Between two moves the host looks at loss and gradient and lets the optimizer step, as ever (`steps.make`). What the
graphs read is written before: the batch, and what the step draws, from the same generator in the same order. All else
that Python decides in a step, such as β of a VAE, is recorded as it was; `fit` records anew in each epoch. The matrix
products are those of `cuda.Recorder`, as CuPy calls no cuBLAS while it records: for large models slower than cuBLAS.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd import backend, cuda
from minigen.errors import UsageError
from minigen.training.steps import Move, MovingStep, make, take


class Draws(np.random.Generator):
    """The generator of a step that is recorded: it draws from `rng`, to the device, and notes each call.

    After `renew`, the same calls in the same order return the same arrays, with new numbers in them.
    """

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng.bit_generator)
        self._rng = rng
        self._noted: list[tuple[str, tuple, dict, Any]] = []
        self._again: Iterator[tuple] | None = None

    def draw(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return what a method of the generator draws, on the device.

        Raises RuntimeError if a repeated step does not draw as the first one did.
        """
        if self._again is not None:
            *noted, array = next(self._again, (None,))
            if repr(noted) != repr([method, args, kwargs]):
                raise RuntimeError("it draws other numbers than in its first step")
            return array
        array = backend.to_device(getattr(self._rng, method)(*args, **kwargs))
        self._noted.append((method, args, kwargs, array))
        return array

    def renew(self, rng: np.random.Generator) -> None:
        """Draw all of it from `rng`, in the order in which it was noted."""
        for method, args, kwargs, array in self._noted:
            array[...] = backend.to_device(getattr(rng, method)(*args, **kwargs))
        self._again = iter(self._noted)


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name != "bit_generator":
        setattr(Draws, _name, functools.partialmethod(Draws.draw, _name))


class Tape:
    """A step for batches of one shape. The first is taken as it is written, which compiles kernels and notes what is
    drawn; the second is recorded, and it and all others are repetitions of the record."""

    def __init__(self, step: MovingStep):
        self.step, self.recorder = step, cuda.Recorder()
        self.x: Any = None
        self.draws: Draws | None = None
        self.graphs: list[tuple[Any, Sequence[Move], Any]] | None = None

    def __call__(self, x: Any, rng: np.random.Generator) -> list[float]:
        """The losses of its moves on this batch, which is on the device."""
        if self.draws is None:
            self.x, self.draws = x.copy(), Draws(rng)
            with explained():
                return self.recorder.rehearse(lambda: take(self.step.moves(self.x, self.draws)))
        self.x[...] = x
        self.draws.renew(rng)
        if self.graphs is None:
            return self.record()
        return [loss for graph in self.graphs for loss in self.repeat(*graph)]

    def record(self) -> list[float]:
        """Record the moves one by one, and take each before the next is recorded."""
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
        """All arrays of the modules that move."""
        return [array for o in self.step.optimizers for array in o.module.arrays().values()]

    def repeat(self, graph: Any, at_once: Sequence[Move], found: Any) -> list[float]:
        """Launch what leads to some moves made at once, and make them."""
        graph.launch()
        return make(at_once, found)


def differentiated(moves: Iterator[Sequence[Move]]) -> tuple[Any, Any]:
    """The next moves and what they found, see `Move.differentiate`; None at the end."""
    at_once = next(moves, None)
    return at_once, at_once and [move.differentiate() for move in at_once]


@contextmanager
def explained() -> Iterator[None]:
    """Context manager: turn errors raised during capture into a UsageError that says why a step cannot be recorded."""
    try:
        yield
    except (TypeError, RuntimeError) as error:
        raise UsageError(f"this step cannot be recorded as CUDA graphs ({error}): leave out capture") from error


class Captured:
    """What a recorded step has in place of its method `take`: a `Tape` for each shape of batches, optimizers included.

    step: knows nothing of this; `step.take = Captured(step)` begins a new record, `del step.take` ends it.
    """

    def __init__(self, step: MovingStep):
        self.step = step
        self.tapes: dict[tuple[int, ...], Tape] = {}

    def __call__(self, x: Any, rng: np.random.Generator) -> list[float]:
        """The losses of the moves. Raises UsageError for a tuple, whose labels Python looks at."""
        if isinstance(x, tuple):
            raise UsageError("a captured step takes images and nothing else, such as labels: leave out capture")
        x = self.step.checked(x)
        if x.shape not in self.tapes:
            self.tapes[x.shape] = Tape(self.step)
        return self.tapes[x.shape](x, rng)


@contextmanager
def recorded(step: Any, capture: bool) -> Iterator[Callable[[], None]]:
    """Context manager: yield a function that begins a new record of the step; after the block the step is as written.

    capture: whether a step is recorded at all.
    """

    def anew() -> None:
        if capture:
            step.take = Captured(step)

    try:
        yield anew
    finally:
        if capture:
            vars(step).pop("take", None)
