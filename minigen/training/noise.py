"""The random generator of a recorded step of training: it notes each draw, so that each launch draws new numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd import backend

OTHERS = "it draws other numbers than in its first step"


class Draws(np.random.Generator):
    """A random generator that returns its draws as arrays on the device, and notes each call.

    After `again()`, the same calls in the same order return the same arrays, and nothing is drawn: so a graph is
    recorded. `renew(rng)` fills all arrays with new numbers.
    rng: the generator of the numbers before the first `again`. All its methods that return numbers can be called, such
        as `standard_normal`; each goes through `draw`.
    """

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng.bit_generator)
        self._rng = rng
        self._noted: list[tuple[str, Callable[[np.random.Generator], Any], Any]] = []
        self._again: Iterator[tuple] | None = None

    def draw(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return random numbers as an array on the device: new and noted, or after `again` the array noted before.

        method: the name of the generator's method, such as "standard_normal", called with `args` and `kwargs`.

        Raises RuntimeError as `note` does.
        """
        return self.note(lambda rng: getattr(rng, method)(*args, **kwargs), method, args, kwargs)

    def note(self, function: Callable[[np.random.Generator], Any], *call: Any) -> Any:
        """Return function(generator), copied to the device: new and noted, or after `again` the array noted before.

        function: a function of a generator that returns an array or a number. `renew` calls it again, so it must not
            read arrays that the step computes.
        call: a name and arguments, equal for equal calls.

        Raises RuntimeError if, after `again`, the call differs from the call that was noted at this place, or if
        `function` does not return numbers, such as the method `shuffle`.
        """
        name = repr(call)
        if self._again is not None:
            noted, _, array = next(self._again, ("", None, None))
            if noted != name:
                raise RuntimeError(OTHERS)
            return array
        drawn = function(self._rng)
        if not isinstance(drawn, np.ndarray | np.number | float | int):
            raise RuntimeError(f"it calls {call[0]} of the generator, which returns no new numbers (use permutation)")
        array = backend.to_device(drawn)
        self._noted.append((name, function, array))
        return array

    def again(self) -> None:
        """Begin again at the first call."""
        self._again = iter(self._noted)

    def end(self) -> None:
        """Raise RuntimeError if fewer calls were made since `again` than were noted before."""
        if self._again is None or next(self._again, None):
            raise RuntimeError(OTHERS)

    def renew(self, rng: np.random.Generator) -> None:
        """Fill all noted arrays with new numbers from `rng`, in the order of the calls."""
        for _, function, array in self._noted:
            array[...] = backend.to_device(function(rng))


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name != "bit_generator":
        setattr(Draws, _name, functools.partialmethod(Draws.draw, _name))
