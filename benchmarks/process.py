"""A worker in a process of its own, asked by one line of text and answering by one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(library: str) -> dict[str, str]:
    """That of a worker. HIPS autograd bears the name of our engine, and must not find it."""
    return os.environ | {"PYTHONPATH": "" if library == "hips" else str(ROOT)}


class Process:
    """A running command; `first` is the line that it wrote when it was ready."""

    def __init__(self, command: list[str], environment: Mapping[str, str] | None = None):
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.first = self._read()

    def ask(self, question: str) -> str:
        assert self._process.stdin is not None
        print(question, file=self._process.stdin, flush=True)
        return self._read()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended with {self._process.wait()}")
        return line
