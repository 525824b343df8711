"""How the engine treats every public name of NumPy. `python -m autograd` prints this; a test holds that it is complete.

The kinds are: rule (a derivative in the table), composite (written with functions that have rules), query (piecewise
constant: returns plain arrays), refused (with a reason), and no array (NumPy does not hand the call over).
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from autograd.arguments import NOT_METHODS
from autograd.rules.queries import HOST_ONLY
from autograd.rules.refused import NOT_FOR_ARRAYS
from autograd.table import COMPOSITES, REFUSED, RULES, ZERO_DERIVATIVE
from autograd.tensor import Tensor

KINDS = ("rule", "composite", "query", "refused", "no array")


def functions_of(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Pairs (name, function) of the public functions of NumPy's `module`. Types, constants and modules are left out."""
    for name in sorted(module.__all__):
        function = getattr(module, name)
        if callable(function) and not isinstance(function, type):
            yield name, function


def kind_of(function: Any, name: str) -> tuple[str, str] | None:
    """(kind, remark) of NumPy's `function`: one of `KINDS`, and the reason of a refusal, else "" or a short note.

    name: the function's name in NumPy, by which `NOT_FOR_ARRAYS` is searched. None if the function is in no table.
    """
    if function in RULES:
        return "rule", ""
    if function in COMPOSITES:
        return "composite", ""
    if function in ZERO_DERIVATIVE:
        return "query", "host only: CuPy has no such function" if function in HOST_ONLY else ""
    if function in REFUSED:
        return "refused", REFUSED[function]
    return next((("no array", why) for why, names in NOT_FOR_ARRAYS.items() if name in names.split()), None)


def kind_of_method(name: str) -> tuple[str, str] | None:
    """("rule", "") if a Tensor has the member `name` of `numpy.ndarray`, ("refused", reason) if it refuses it.

    None if no Tensor has the member and no reason is listed.
    """
    if name in NOT_METHODS:
        return "refused", NOT_METHODS[name]
    return ("rule", "") if hasattr(Tensor, name) or name in Tensor.__slots__ else None


def coverage() -> dict[str, tuple[str, str] | None]:
    """The kinds of all public functions of `numpy` and `numpy.linalg` and of all members of `numpy.ndarray`, by name.

    The result is {"np.exp": ("rule", ""), …, "ndarray.T": …}: each value is (kind, remark), one of `KINDS` and the
    reason of a refusal or a short note, else ""; None if the name is in no table.
    """
    found = {f"np.{name}": kind_of(f, name) for name, f in functions_of(np)}
    found |= {f"np.linalg.{name}": kind_of(f, name) for name, f in functions_of(np.linalg)}
    return found | {f"ndarray.{name}": kind_of_method(name) for name in dir(np.ndarray)}
