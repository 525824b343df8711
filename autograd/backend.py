"""The array library behind a `Tensor`: NumPy on the processor, CuPy on a CUDA device. Only `cuda` names CuPy beside it.

Operations run where their arrays are. Functions that make *new* arrays, and the few that NumPy's protocols do not
reach, ask this module. Nothing moves between host and device unless `to_numpy`, `to_device`, `beside` or `floats` says
so.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import numpy as np
import scipy.special

HOST = (np.ndarray, np.generic)

_first = os.environ.get("MINIGEN_BACKEND", "numpy")
_current = ContextVar("backend", default=_first)
recording = ContextVar("recording", default=False)


class use:  # noqa: N801, reads as a verb
    """Choose the library that makes new arrays: `use("cupy")` from here on, `with use("cupy"):` inside the block alone.

    name: "numpy" for arrays on the host, "cupy" for arrays on the CUDA device. Each thread has its own choice and
    begins with the environment variable MINIGEN_BACKEND, or with "numpy". Raises ValueError for another name, and
    RuntimeError for "cupy" if CuPy is not installed or finds no device.
    """

    def __init__(self, name: str):
        _library_named(name)
        self._token = _current.set(name)

    def __enter__(self) -> use:
        return self

    def __exit__(self, *error: Any) -> None:
        _current.reset(self._token)


def name() -> str:
    """The name of the library that makes new arrays: "numpy" or "cupy"."""
    return _current.get()


def cuda_is_available() -> bool:
    """True if CuPy is installed and finds a CUDA device, else False."""
    try:
        return bool(importlib.import_module("cupy").cuda.is_available())
    except ImportError:
        return False


def _library_named(name: str) -> ModuleType:
    if name == "numpy":
        return np
    if name != "cupy":
        raise ValueError(f'there is no backend {name!r}; choose "numpy" or "cupy"')
    if not cuda_is_available():
        raise RuntimeError(
            "CUDA was asked for, but CuPy is not installed or finds no device: install minigen with its extra `cuda` "
            'on a machine with an NVIDIA GPU, or use("numpy")'
        )
    return importlib.import_module("cupy")


def current() -> Any:
    """The module that makes new arrays, `numpy` or `cupy`, as chosen by `use`. Its functions are called as NumPy's."""
    return _library_named(_current.get())


def library(array: Any) -> Any:
    """The module of `array`: `cupy` if `array`, or the array in a Tensor, is on the device, else `numpy`."""
    return sys.modules["cupy"] if on_device(array_in(array)) else np


def array_in(x: Any) -> Any:
    """The array inside `x` if `x` is a Tensor; any other `x` unchanged."""
    return x.data if hasattr(x, "requires_grad") else x


def on_device(array: Any) -> bool:
    """True if `array` is an array of CuPy; False for anything else, a Tensor too. Does not import CuPy."""
    cupy = sys.modules.get("cupy")
    return cupy is not None and isinstance(array, cupy.ndarray)


def asarray(data: Any, dtype: Any = None) -> Any:
    """`data` as an array. An array or NumPy number stays on its side, host or device; else the library in use makes it.

    data: an array, a number or a nested list. dtype: the dtype of the result, by default that of `data`; an array that
    has this dtype already is returned as it is, not copied. Raises TypeError if `data` is a matrix or a masked array,
    whose operators differ from an array's.
    """
    if type(data) is np.ndarray and dtype is None:
        return data
    if isinstance(data, np.matrix | np.ma.MaskedArray):
        raise TypeError(f"a {type(data).__name__} computes in its own way; give np.asarray(x), and np.where for a mask")
    if isinstance(data, HOST):
        return np.asarray(data, dtype)
    return _as_array_of(library(data) if on_device(data) else current(), data, dtype)


def _as_array_of(library: Any, data: Any, dtype: Any = None) -> Any:
    """`library.asarray(data)`.

    Raises RuntimeError if a CUDA graph is being recorded and `data` would be sent to the device: each launch would send
    the same values again.
    """
    if recording.get() and library is not np and not on_device(data):
        raise RuntimeError("it sends an array to the device, and each launch of the graph would send the same values")
    return library.asarray(data, dtype=dtype)


def device_of(array: Any) -> str:
    """The place of `array` (not a Tensor) as a word: "cpu", or "cuda:0" with the number of the device."""
    return f"cuda:{array.device.id}" if on_device(array) else "cpu"


def to_numpy(data: Any) -> np.ndarray:
    """A NumPy array with the values of `data`: an array on host or device, a Tensor (without its graph), or numbers.

    From the device the values are copied; an array on the host is returned as it is.
    """
    array = array_in(data)
    return library(array).asnumpy(array) if on_device(array) else np.asarray(array)


def to_device(data: Any) -> Any:
    """`data`, an array, number or nested list, as an array of the library in use: after `use("cupy")` on the device.

    An array that is there already is returned as it is. While NumPy is in use, a device array raises TypeError;
    a Tensor that requires a gradient always does.
    """
    return _as_array_of(current(), data)


def floats(*numbers: Any) -> list[float]:
    """The values of `numbers`, Python numbers and 0-d arrays, as a list of Python floats.

    Numbers on the device come in one transfer, for which the host waits once.
    """
    if not any(map(on_device, numbers)):
        return [float(x) for x in numbers]
    cupy = importlib.import_module("cupy")
    return cupy.asnumpy(cupy.stack([cupy.asarray(x) for x in numbers])).tolist()


def beside(array: Any, other: Any) -> Any:
    """`array` copied to the device if `other`, an array or a Tensor, is there; otherwise `array` unchanged.

    An `array` that is on the device already stays there.
    """
    return _as_array_of(library(other), array) if on_device(array_in(other)) else array


def is_array(x: Any) -> bool:
    """True if `x` is an array of NumPy or of CuPy; False for a Tensor, a number or a list."""
    return isinstance(x, np.ndarray) or on_device(x)


def is_foreign(x: Any) -> bool:
    """True if `x` has `__array__` but is no plain array or number of NumPy or CuPy: a Series, np.matrix, our Tensor."""
    return hasattr(x, "__array__") and not isinstance(x, np.generic) and type(x) is not np.ndarray and not on_device(x)


def on_host(array: Any) -> bool:
    """True unless `array`, or the array in a Tensor, is on the device. Reading values on the host costs no waiting."""
    return not on_device(array_in(array))


def default_rng(seed: int) -> Any:
    """A new random generator of the library in use: `numpy.random.Generator`, or `cuda.DeviceGenerator` on the device.

    seed: a whole number. The same seed gives other numbers in NumPy than in CuPy.
    """
    if _current.get() == "numpy":
        return np.random.default_rng(seed)
    from autograd.cuda import DeviceGenerator  # not above: what exists on a device alone stands on this file

    return DeviceGenerator(current(), seed)


def special(name: str) -> Callable[..., Any]:
    """A function that computes `scipy.special.<name>` of plain arrays, on the host and on the device alike.

    The result takes no Tensors: with derivatives, these functions are in `autograd.special`. Called with device arrays,
    the result raises NotImplementedError if CuPy has no function of this `name`. SciPy must have one: AttributeError.
    """
    on_host = getattr(scipy.special, name)

    def function(*arrays: Any) -> Any:
        if not any(map(on_device, arrays)):
            return on_host(*arrays)
        theirs = getattr(importlib.import_module("cupyx.scipy.special"), name, None)
        if theirs is None:
            raise NotImplementedError(f"CuPy has no {name}: compute it on the host, from backend.to_numpy(x)")
        return theirs(*arrays)

    return function


def mixed(values: Iterable[Any]) -> bool:
    """True if the list `values` contains both a host array and a device array. Tensors in it are not looked into."""
    return any(isinstance(v, np.ndarray) for v in values) and any(map(on_device, values))


def add_at(array: Any, index: Any, values: Any) -> None:
    """Add `values` to `array[index]` in place. An element that `index` names twice is increased twice."""
    library(array).add.at(array, index, values)
