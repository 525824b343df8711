"""The mode of calls on Tensors: are they recorded, are they watched. Each thread and asynchronous task has its own."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Mode:
    """The settings that hold for calls on Tensors.

    record: remember calls, so that they can be differentiated.
    watch: look for values that become not finite and for overwritten arrays, see `autograd.faults`.
    opened_by: the context manager `mode` that set this, None for the default.
    outer: the Mode that holds again when this one ends.
    """

    record: bool = True
    watch: bool = False
    opened_by: mode | None = None
    outer: Mode | None = None


DEFAULT = Mode()
MODE = ContextVar("mode", default=DEFAULT)


class mode(contextlib.ContextDecorator):  # noqa: N801, reads as a verb
    """Context manager and decorator: change the current `Mode` until the block or function ends, in whatever way.

    changes: `record=` (record calls, for gradients) or `watch=` (watch for faults), True or False.

    Ctrl-C during `__enter__` changes nothing. Ctrl-C at the very entry of `__exit__` is the one moment that no Python
    code can catch: the mode then stays until the `with` block around this one ends, or the thread does.
    """

    def __init__(self, **changes: bool):
        self._changes = changes

    def __call__(self, function: Callable) -> Any:
        """Decorate `function`. Raises TypeError for generators and coroutines, whose bodies run after they return."""
        late = inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction
        if any(runs_late(function) for runs_late in late):
            raise TypeError(
                f"{function.__name__} runs after it was called: write `with` in its body in place of the decorator"
            )
        return super().__call__(function)

    def __enter__(self) -> None:
        outer = MODE.get()
        try:
            MODE.set(replace(outer, **self._changes, opened_by=self, outer=outer))
        except BaseException:  # Ctrl-C: `with` calls no __exit__ for an __enter__ that raised
            MODE.set(outer)
            raise

    def __exit__(self, *error: object) -> None:
        ending: Mode | None = MODE.get()
        while ending and ending.opened_by is not self:  # a mode inside this one did not come to its end
            ending = ending.outer
        if ending and ending.outer:
            MODE.set(ending.outer)


def no_grad() -> mode:
    """Context manager (`with`) and decorator: compute without recording, so that the results require no gradient."""
    return mode(record=False)
