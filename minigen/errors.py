"""What can go wrong that is no mistake in a program: each kind of failure by its name, and one sentence about it.

A wrong argument of a function stays Python's own ValueError.
"""

from __future__ import annotations

from typing import Any


class MinigenError(Exception):
    """Any of the failures below."""


class UsageError(MinigenError, ValueError):
    """What was asked for on a command line does not go together."""


class DataError(MinigenError, ValueError):
    """Data that cannot be had or is not what it ought to be.

    file: which it is; problem: a verb with what came and what was expected; cure: what the user can do.
    """

    def __init__(self, file: Any, problem: str, cure: str):
        super().__init__(file, problem, cure)
        self.file, self.problem, self.cure = file, problem, cure

    def __str__(self) -> str:
        return f"{self.file} {self.problem}: {self.cure}"


class CheckpointError(MinigenError, ValueError):
    """A file of weights, or of a training to go on with, that does not fit or is damaged."""


class DivergedError(MinigenError, FloatingPointError):
    """A loss, a gradient or a weight that is no longer finite."""
