"""Ctrl-C during a training takes effect between two steps, so that nothing is left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupts:
    """Context manager: in its block Ctrl-C (SIGINT) is only counted, and `check` raises KeyboardInterrupt.

    A second Ctrl-C raises KeyboardInterrupt at once, for a step that takes long, unless the block is inside `deferred`.
    After a KeyboardInterrupt, further signals are only counted. In another thread than the main one, or with a handler
    of the caller, signals are left alone.

    count: how many times Ctrl-C was pressed in the block.
    """

    def __init__(self) -> None:
        self.count = 0
        self._may_raise = True
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if usual and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._came)
        return self

    def __exit__(self, *error: Any) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _came(self, *ignored: Any) -> None:
        self.count += 1
        if self.count > 1:
            self._raise()

    def _raise(self) -> None:
        if self._may_raise:
            self._may_raise = False
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed. Called where a training may end."""
        if self.count:
            self._raise()

    def only_count(self) -> None:
        """From now on, Ctrl-C is only counted. Called where a training ends."""
        self._may_raise = False

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Context manager: in its block every Ctrl-C is only counted.

        After an error in the block this stays so, because the error ends the training: Ctrl-C must not disturb that.
        """
        may, self._may_raise = self._may_raise, False
        yield
        self._may_raise = may
