"""Binds the arguments of a call for a rule or a composite, and builds the errors of a call that fails."""

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
"""For an option of NumPy's that a Tensor refuses: what to write instead."""

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
"""For the methods and attributes of an ndarray that a Tensor does not have: what to write instead."""

NOT_METHODS = {name: why for why, names in ABSENT.items() for name in names.split()}

CURES = {
    "broadcast": "Reshape or index one of them",
    "mismatch": "Reshape or index one of them",
    "negative integer powers": "Use t.astype(float)",
    "no identity": "Give initial= for the case that there is nothing",
    "only integers, slices": "Index with an int, a slice or an array of integers",
}
"""The cure for an error, by words in NumPy's own message."""


@functools.cache
def signature_of(function: Callable) -> inspect.Signature | None:
    """The signature of `function`, or None if Python does not know it: NumPy's compiled ones have one since 2.4."""
    try:
        return inspect.signature(function)
    except ValueError:
        return None


def bound(function: Callable, entry: Rule | Composite, args: Sequence, kwargs: dict) -> tuple[Sequence, dict]:
    """(args, options) of a call of `function`, arranged as `entry`, its rule or composite, takes them.

    args, kwargs: the call as the user wrote it, returned unchanged if `entry` takes them so, or if the signature of
    `function` is unknown. Otherwise args are the first `entry.positional` arguments, and options all others, by name,
    that are not at NumPy's default. Raises TypeError if `function` itself does not take them.
    """
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
    """True if `entry`, a rule or a composite, takes this number of `args` by position, and these `options`."""
    return entry.keywords.issuperset(options) and entry.positional in (len(args), sys.maxsize)


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and value == default)


def plain(x: Any) -> Any:
    """`x` with the array of each Tensor in its place, in lists and tuples too, but not in their subclasses."""
    if isinstance(x, list | tuple):
        return type(x)(map(plain, x)) if type(x) in (list, tuple) else x
    return backend.array_in(x)


def unknown_options(function: Callable, entry: Rule | Composite, options: dict) -> TypeError:
    """Return the TypeError for `options` that `function` does not take on a Tensor. It says what to write instead.

    entry: the function's rule or composite.
    """
    unknown = sorted(set(options) - entry.keywords) or sorted(options)
    cures = "".join(f"; {INSTEAD[name]}" for name in unknown if name in INSTEAD)
    return TypeError(
        f"{name_of(function)} on a Tensor does not take the option {', '.join(unknown)}; it takes "
        f"{', '.join(sorted(entry.keywords)) or 'none'}{cures}"
    )


def no_rule(function: Callable) -> TypeError:
    """Return the TypeError for a call on a Tensor of a `function` that has no derivative rule, or is refused."""
    name = name_of(function)
    if function in REFUSED:
        return TypeError(f"{name} does not take a Tensor: {REFUSED[function]}")
    return TypeError(
        f"{name} has no derivative rule, and without one its gradient would be lost. Write it with functions that have "
        f"one, add one with autograd.rule({name}, lambda g, y, x: ...), or pass t.detach().data if it is a constant"
    )


def explain(error: Exception, function: Callable, values: Sequence) -> None:
    """Raise an error of the type of `error` with the name of `function`, the shapes it was given, and a known cure.

    values: the arguments as arrays and numbers. Raises TypeError if they lie partly on the host, partly on the device.
    Returns None if `error` is neither a ValueError nor an IndexError, or is of a subclass of theirs.
    """
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
