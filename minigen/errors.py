"""Errors that are not mistakes in a program, a class for each kind. Each message is one sentence.

A wrong argument of a function raises Python's own ValueError.
"""

from __future__ import annotations

from typing import Any


class MinigenError(Exception):
    """The base class of this module's errors: UsageError, DataError, CheckpointError and DivergedError."""


class UsageError(MinigenError, ValueError):
    """Options or arguments, often of a command line, that do not go together or are not possible here."""


class DataError(MinigenError, ValueError):
    """A data file is missing, damaged or of the wrong kind. The message is "{file} {problem}: {cure}".

    file: the file or folder. problem: a verb and its object: which values came, which were expected.
    cure: what the user can do. All three are fields. The error is a ValueError too.
    """

    def __init__(self, file: Any, problem: str, cure: str):
        super().__init__(file, problem, cure)
        self.file, self.problem, self.cure = file, problem, cure

    def __str__(self) -> str:
        return f"{self.file} {self.problem}: {self.cure}"


class CheckpointError(MinigenError, ValueError):
    """A file of weights, or a checkpoint of a training, is damaged, does not fit or cannot be used."""


class DivergedError(MinigenError, FloatingPointError):
    """A loss, a gradient or a weight is no longer finite."""
