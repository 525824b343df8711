"""What a call on a Tensor does beside computing. Each thread, and each asynchronous task, has its own mode."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Mode:
    """record: remember calls, so that they can be differentiated; watch: look for faults (`autograd.faults`)."""

    record: bool = True
    watch: bool = False


DEFAULT = Mode()
MODE = ContextVar("mode", default=DEFAULT)


class mode(contextlib.ContextDecorator):  # noqa: N801, reads as a verb
    """The current mode with these changes, until the block or function is left in whatever way."""

    def __init__(self, **changes: bool):
        self._changes = changes
        self._tokens: list[Token] = []

    def __enter__(self) -> None:
        self._tokens.append(MODE.set(replace(MODE.get(), **self._changes)))

    def __exit__(self, *error: object) -> None:
        MODE.reset(self._tokens.pop())


def no_grad() -> mode:
    """Compute without recording, as a context (`with`) or as a decorator."""
    return mode(record=False)
