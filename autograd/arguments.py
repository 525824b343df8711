"""How the arguments of a call reach a rule or a composite, and what to say of a call that fails."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

from autograd import backend
from autograd.table import REFUSED, Composite, Rule, name_of

INSTEAD = {
    "out": "use the array that the function returns",
    "dtype": "use t.astype()",
    "where": "use np.where() on the result",
    "order": "a Tensor has no memory order of its own",
    "copy": "a Tensor is never changed in place, so that no copy is needed",
}
"""What to write for an option that is refused."""

ABSENT = {
    "it would change the Tensor in place; use np.sort(t) or np.partition(t, kth)": "sort partition",
    "it would change the Tensor in place; build a new one with np.where, np.concatenate or t.ravel()": (
        "fill put resize setfield byteswap setflags itemset flat"
    ),
    "it is about the array in memory, which is t.data": (
        "base ctypes flags strides view getfield tobytes tofile dump dumps to_device"
    ),
    "a Tensor is never changed in place: t += u means t = t + u": (
        "__iadd__ __isub__ __imul__ __itruediv__ __ifloordiv__ __imod__ __ipow__ __imatmul__ __iand__ __ior__ __ixor__ "
        "__ilshift__ __irshift__"
    ),
    "elements of an array cannot be deleted; use np.delete": "__delitem__",
    "private, deprecated, or one of Python's and NumPy's protocols that another one stands for here": (
        "__array_finalize__ __array_interface__ __array_namespace__ __array_priority__ __array_struct__ __array_wrap__ "
        "__buffer__ __class_getitem__ __deepcopy__ __setstate__ _set_dtype _set_shape newbyteorder tostring"
    ),
}
"""What to write in place of an ndarray's methods and attributes that a Tensor does not have."""

NOT_METHODS = {name: why for why, names in ABSENT.items() for name in names.split()}

CURES = {
    "broadcast": "Reshape or index one of them",
    "mismatch": "Reshape or index one of them",
    "negative integer powers": "Use t.astype(float)",
    "no identity": "Give initial= for the case that there is nothing",
    "only integers, slices": "Index with an int, a slice or an array of integers",
}
"""What to do, by words in NumPy's own message."""


@functools.cache
def signature_of(function: Callable) -> inspect.Signature | None:
    """The signature, where Python knows it: that of some compiled functions is known from NumPy 2.4 on."""
    try:
        return inspect.signature(function)
    except ValueError:
        return None


def bound(function: Callable, entry: Rule | Composite, args: Sequence, kwargs: dict) -> tuple[Sequence, dict]:
    """The arguments as `entry` takes them: so many by position, the options that are not at their default by name."""
    if understood(entry, args, kwargs):
        return args, kwargs
    signature = signature_of(function)
    if signature is None:
        return args, kwargs
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"{name_of(function)}: {error}") from None
    by_position: list = []
    options: dict = {}
    for name, value in given.items():
        parameter = signature.parameters[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            by_position.extend(value)
        elif parameter.kind is parameter.VAR_KEYWORD:
            options.update(value)
        elif len(by_position) < entry.positional and parameter.kind is not parameter.KEYWORD_ONLY:
            by_position.append(value)
        elif not _same(value, parameter.default):
            options[name] = value
    return by_position, options


def understood(entry: Rule | Composite, args: Sequence, options: dict) -> bool:
    """Whether `entry` can be called with these arguments and options."""
    return entry.keywords.issuperset(options) and entry.positional in (len(args), sys.maxsize)


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and value == default)


def plain(x: Any) -> Any:
    """Arrays in place of Tensors, in lists and tuples too."""
    if isinstance(x, list | tuple):
        return type(x)(map(plain, x)) if type(x) in (list, tuple) else x
    return backend.array_in(x)


def unknown_options(function: Callable, entry: Rule | Composite, options: dict) -> TypeError:
    """The error for options that a Tensor cannot have, with what to write instead."""
    unknown = sorted(set(options) - entry.keywords) or sorted(options)
    cures = "".join(f"; {INSTEAD[name]}" for name in unknown if name in INSTEAD)
    return TypeError(
        f"{name_of(function)} on a Tensor does not take the option {', '.join(unknown)}; it takes "
        f"{', '.join(sorted(entry.keywords)) or 'none'}{cures}"
    )


def no_rule(function: Callable) -> TypeError:
    """The error for a function that is not in the table, or stands there as refused."""
    name = name_of(function)
    if function in REFUSED:
        return TypeError(f"{name} does not take a Tensor: {REFUSED[function]}")
    return TypeError(
        f"{name} has no derivative rule, and without one its gradient would be lost. Write it with functions that have "
        f"one, add one with autograd.rule({name}, lambda g, y, x: ...), or pass t.detach().data if it is a constant"
    )


def explain(error: Exception, function: Callable, values: Sequence) -> None:
    """Raise the same error with the function's name, the shapes that it was given, and the cure where it is known."""
    if backend.mixed(values):
        raise TypeError(
            f"{name_of(function)} was given arrays on the host and on the device; move them together with "
            "backend.to_device or backend.to_numpy"
        ) from error
    if type(error) not in (ValueError, IndexError):
        return
    shapes = " and ".join(str(v.shape) if hasattr(v, "shape") else repr(v) for v in values)
    cure = next((f". {cure}" for words, cure in CURES.items() if words in str(error)), "")
    raise type(error)(f"{name_of(function)} does not fit arguments {shapes}: {error}{cure}") from error
