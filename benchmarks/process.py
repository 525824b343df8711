"""A worker in a process of its own, asked by one line of text and answering by one."""

from __future__ import annotations

import functools
import math
import os
import platform
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


TIED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Settings that tie NumPy's OpenBLAS to the kernels of another processor, some at half the speed of the right ones."""


def environment(library: str = "minigen") -> dict[str, str]:
    """That of a worker, in which every library chooses its kernels by itself. HIPS autograd bears the name of our
    engine, and must not find it."""
    kept = {name: value for name, value in os.environ.items() if name not in TIED}
    return kept | {"PYTHONPATH": "" if library == "hips" else str(ROOT)}


def processor() -> str:
    """What the system calls it: libraries differ in which they are fast on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


class Process:
    """A running command. If it is not ready at the time `until` of `time.monotonic`, it is killed, and `first` raises
    RuntimeError."""

    def __init__(self, command: list[str], environment: Mapping[str, str] | None = None, until: float = math.inf):
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._timer = threading.Timer(max(until - time.monotonic(), 0), self._process.kill)
        self._timer.daemon = True
        if until < math.inf:
            self._timer.start()

    @functools.cached_property
    def first(self) -> str:
        """The line that the command writes when it is ready, which is waited for."""
        line = self._read()
        self._timer.cancel()
        return line

    def ask(self, question: str) -> str:
        assert self._process.stdin is not None
        print(question, file=self._process.stdin, flush=True)
        return self._read()

    def close(self) -> None:
        self._timer.cancel()
        with self._process:
            self._process.terminate()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended with {self._process.wait()}")
        return line
