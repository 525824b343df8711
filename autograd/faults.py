"""Finding faults: where the first NaN was made, and which array was overwritten while a graph still needed it."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd import backend
from autograd.modes import mode
from autograd.table import name_of

INSIDE = tuple(str(Path(file).parent) for file in (__file__, np.__file__))


def detect_anomaly() -> mode:
    """Context manager and decorator: inside it a fault raises where it happens, forward or backward, naming your line.

    Raises FloatingPointError if an operation or its derivative makes a NaN or an infinity from finite numbers, and
    RuntimeError if an array that a recorded operation saved was written to before its derivative was taken. (NumPy
    arrays keep no version, so this compares checksums.) Both cost time. A backward pass is watched if its forward pass
    was.
    """
    return mode(watch=True)


class Watch:
    """Notes on a recorded call, taken when it is made, for comparison in the backward pass.

    values: the call's arguments as arrays and numbers; y: the array that it returned. line: the user's line that made
    the call, as `users_line` gives it; checksums: one for each of `values`, then that of y; None for no array.
    """

    def __init__(self, values: Sequence, y: Any):
        self.line = users_line()
        self.checksums = [_checksum(a) for a in (*values, y)]

    def before(self, call: Any, y: Any) -> None:
        """Raise RuntimeError if an argument of `call`, or its result, the Tensor y, was written to since the call."""
        for i, (array, checksum) in enumerate(zip((*call.values, y.data), self.checksums, strict=True)):
            if _checksum(array) != checksum:
                what = f"argument {i}" if i < len(call.values) else "the result"
                raise RuntimeError(
                    f"{what} of {name_of(call.function)}, called at {self.line}, was written to in place after "
                    "the call and before its derivative was taken; write to a copy, or call backward() first"
                )

    def after(self, call: Any, g: Any, i: int, gradient: Any) -> None:
        """Raise FloatingPointError if `gradient` is not finite although `g` and all arguments of the call are.

        call: the recorded call; g: ∂L/∂y, for its result y; gradient: ∂L/∂argument for its argument number i, counted
        from 0.
        """
        if not _finite(gradient) and all(map(_finite, (g, *call.values))):
            raise FloatingPointError(
                f"the derivative of {name_of(call.function)} with respect to argument {i} made a NaN or an infinity "
                f"from finite numbers; it was called at {self.line}"
            )


def watch_call(function: Callable, values: Sequence, result: Any) -> None:
    """Raise FloatingPointError if finite `values` gave a `result` that is not finite; else attach a `Watch` to its
    call.

    function: the function that was called; values: its arguments as arrays and numbers; result: the Tensor that it
    made.
    """
    if not _finite(result.data) and all(map(_finite, values)):
        raise FloatingPointError(f"{name_of(function)} made a NaN or an infinity from finite numbers at {users_line()}")
    if result.call is not None:
        result.call.watch = Watch(values, result.data)


def users_line() -> str:
    """ "file:line, in function" of the innermost frame on the call stack that is neither this engine's nor NumPy's."""
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(INSIDE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}"


def _finite(a: Any) -> bool:
    array = _array(a)
    return array is None or array.dtype.kind not in "fc" or bool(np.all(np.isfinite(array)))


def _checksum(a: Any) -> Any:
    if isinstance(a, tuple):  # an index of several parts
        return tuple(map(_checksum, a))
    array = _array(a)
    return None if array is None else zlib.crc32(np.ascontiguousarray(backend.to_numpy(array)).data)


def _array(a: Any) -> Any:
    """The array in an argument, or None if the argument has none."""
    a = backend.array_in(a)
    return a if hasattr(a, "dtype") and hasattr(a, "shape") else None
