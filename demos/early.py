"""The first second of a demo, in which Python imports NumPy and matplotlib: Ctrl-C ends the process at once.

This file imports only what takes no time.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

LIFELINE = "MINIGEN_LIFELINE"
"""An environment variable: if it is set, the process ends when its stdin is closed. So a demo ends with its tour."""


def end_at_once(*_: Any) -> None:
    """End the process as Ctrl-C does, without waiting for anything: no work is lost yet. A handler of signals."""
    try:
        os.write(2, b"stopped: interrupted\n")
    finally:
        os._exit(130)


def end_with_stdin() -> None:
    """Wait until stdin is closed, then end the process."""
    os.read(0, 1)
    os._exit(130)


def begin() -> None:
    """End the process at once on Ctrl-C, until `end` is called; and, if LIFELINE is set, when its stdin is closed."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not if a shell made the process deaf to it
        signal.signal(signal.SIGINT, end_at_once)
    if LIFELINE in os.environ:
        threading.Thread(target=end_with_stdin, daemon=True).start()


def end() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is end_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
