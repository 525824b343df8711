"""What every public name of NumPy is here. `python -m autograd` prints it, and a test holds that no name is missing.

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
    """The public functions of a module of NumPy, with their names; not its types, constants and modules."""
    for name in sorted(module.__all__):
        function = getattr(module, name)
        if callable(function) and not isinstance(function, type):
            yield name, function


def kind_of(function: Any, name: str) -> tuple[str, str] | None:
    """The kind of a function, and what there is to say of it, such as why it is refused; None if no table has it."""
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
    """The kind of an attribute of `numpy.ndarray`: of a Tensor too, or refused."""
    if name in NOT_METHODS:
        return "refused", NOT_METHODS[name]
    return ("rule", "") if hasattr(Tensor, name) or name in Tensor.__slots__ else None


def coverage() -> dict[str, tuple[str, str] | None]:
    """The kind of every public name of `numpy`, `numpy.linalg` and `numpy.ndarray`, and the reason where refused."""
    found = {f"np.{name}": kind_of(f, name) for name, f in functions_of(np)}
    found |= {f"np.linalg.{name}": kind_of(f, name) for name, f in functions_of(np.linalg)}
    return found | {f"ndarray.{name}": kind_of_method(name) for name in dir(np.ndarray)}
