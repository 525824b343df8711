"""The array library behind a `Tensor`: NumPy on the processor, CuPy on a CUDA device. Only `cuda` names CuPy beside it.

Operations follow the arrays they are given. What makes *new* arrays, and the few functions that NumPy's protocols do
not reach, asks here. Nothing moves between host and device unless `to_numpy`, `to_device` or `beside` says so.
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
    """`use("cupy")` makes new arrays on the device from here on; `with use("cupy"):` inside the block alone.

    Each thread has its own choice. The environment variable MINIGEN_BACKEND sets the first one.
    """

    def __init__(self, name: str):
        _library_named(name)
        self._token = _current.set(name)

    def __enter__(self) -> use:
        return self

    def __exit__(self, *error: Any) -> None:
        _current.reset(self._token)


def name() -> str:
    """The library that makes new arrays: "numpy" or "cupy"."""
    return _current.get()


def cuda_is_available() -> bool:
    """Whether CuPy is installed and finds a device."""
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
    """The module that makes new arrays; its functions are called as NumPy's."""
    return np if _current.get() == "numpy" else _library_named(_current.get())


def library(array: Any) -> Any:
    """The module that an array, or the array in a Tensor, belongs to."""
    return sys.modules["cupy"] if on_device(array_in(array)) else np


def array_in(x: Any) -> Any:
    """The array that a Tensor holds; anything else as it is."""
    return x.data if hasattr(x, "requires_grad") else x


def on_device(array: Any) -> bool:
    """Whether it is an array of CuPy. Importing CuPy is left to those who ask for it."""
    cupy = sys.modules.get("cupy")
    return cupy is not None and isinstance(array, cupy.ndarray)


def asarray(data: Any, dtype: Any = None) -> Any:
    """An array as it is (or in another dtype), wherever it lives; anything else as a new one of the library in use.

    Raises TypeError for matrices and masked arrays, which compute otherwise than arrays do.
    """
    if type(data) is np.ndarray and dtype is None:
        return data
    if isinstance(data, np.matrix | np.ma.MaskedArray):
        raise TypeError(f"a {type(data).__name__} computes in its own way; give np.asarray(x), and np.where for a mask")
    if isinstance(data, HOST):
        return np.asarray(data, dtype)
    return _as_array_of(library(data) if on_device(data) else current(), data, dtype)


def _as_array_of(library: Any, data: Any, dtype: Any = None) -> Any:
    """`library.asarray`; refused where it would send to the device what a graph that is recorded would send again."""
    if recording.get() and library is not np and not on_device(data):
        raise RuntimeError("it sends an array to the device, and repeated would send the same again")
    return library.asarray(data, dtype=dtype)


def device_of(array: Any) -> str:
    """Where an array lives, as a word: "cpu" or "cuda:0"."""
    return f"cuda:{array.device.id}" if on_device(array) else "cpu"


def to_numpy(data: Any) -> np.ndarray:
    """A NumPy array of the same values; from the device, a copy. A Tensor's data is taken out of its graph."""
    array = array_in(data)
    return library(array).asnumpy(array) if on_device(array) else np.asarray(array)


def to_device(data: Any) -> Any:
    """An array of the current library with the same values."""
    return _as_array_of(current(), data)


def floats(*numbers: Any) -> list[float]:
    """The values of 0-d arrays and numbers; those of the device in one transfer, for which the host waits once."""
    if not any(map(on_device, numbers)):
        return [float(x) for x in numbers]
    cupy = importlib.import_module("cupy")
    return cupy.asnumpy(cupy.stack([cupy.asarray(x) for x in numbers])).tolist()


def beside(array: Any, other: Any) -> Any:
    """A host array, moved to the device if `other` is there; what is on the device already stays as it is."""
    return _as_array_of(library(other), array) if on_device(array_in(other)) else array


def is_array(x: Any) -> bool:
    """Whether it is an array, on the host or on the device."""
    return isinstance(x, np.ndarray) or on_device(x)


def is_foreign(x: Any) -> bool:
    """Whether it is an array of another kind, such as a pandas Series, which computes in ways of its own."""
    return hasattr(x, "__array__") and not isinstance(x, np.generic) and type(x) is not np.ndarray and not on_device(x)


def on_host(array: Any) -> bool:
    """Whether to look at the values of an array, or of the one in a Tensor, costs no waiting for a device."""
    return not on_device(array_in(array))


def default_rng(seed: int) -> Any:
    """A random generator of the current library. The streams of NumPy and CuPy differ for the same seed."""
    if _current.get() == "numpy":
        return np.random.default_rng(seed)
    from autograd.cuda import DeviceGenerator  # not above: what exists on a device alone stands on this file

    return DeviceGenerator(current(), seed)


def special(name: str) -> Callable[..., Any]:
    """The function of `scipy.special` of this name, for host and device arrays alike.

    Raises NotImplementedError for device arrays if CuPy has no such function.
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
    """Whether host and device arrays are among the values."""
    return any(isinstance(v, np.ndarray) for v in values) and any(map(on_device, values))


def add_at(array: Any, index: Any, values: Any) -> None:
    """`array[index] += values`, where an element that the index names twice is increased twice."""
    library(array).add.at(array, index, values)
