"""What a call on a Tensor does beside computing. Each thread, and each asynchronous task, has its own mode."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Mode:
    """record: remember calls, so that they can be differentiated; watch: look for faults (`autograd.faults`)."""

    record: bool = True
    watch: bool = False


DEFAULT = Mode()
MODE = ContextVar("mode", default=DEFAULT)


@contextlib.contextmanager
def mode(**changes: bool) -> Iterator[None]:
    """The current mode with these changes, until the block is left in whatever way."""
    token = MODE.set(replace(MODE.get(), **changes))
    try:
        yield
    finally:
        MODE.reset(token)


def no_grad() -> contextlib.AbstractContextManager[None]:
    """Compute without recording, as a context (`with`) or as a decorator."""
    return mode(record=False)
