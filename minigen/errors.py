"""Errors that are not mistakes in a program, a class for each kind. Each message is one sentence of bounded length.

A wrong argument of a function raises Python's own ValueError.
"""

from __future__ import annotations

from typing import Any

MOST = 600
"""The largest number of characters of an error's message, or of one of the parts of a DataError."""


def shown(text: Any, most: int = MOST) -> str:
    """Return `str(text)` as it can be printed: escape codes for unprintable characters, and "…" for a long middle.

    File names and files may hold any character: a line break or the control sequences of a terminal, too.
    text: any object. most: the largest number of characters of the result.
    """
    text = str(text)
    if len(text) > most:
        text = f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"
    readable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return readable if len(readable) <= most else shown(readable, most)


class MinigenError(Exception):
    """The base class of this module's errors: UsageError, DataError, CheckpointError and DivergedError."""

    def __str__(self) -> str:
        return shown(super().__str__())


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
        return f"{shown(self.file, MOST // 2)} {shown(self.problem)}: {shown(self.cure)}"


class CheckpointError(MinigenError, ValueError):
    """A file of weights, or a checkpoint of a training, is damaged, does not fit or cannot be used."""


class DivergedError(MinigenError, FloatingPointError):
    """A loss, a gradient or a weight is no longer finite."""
