"""The array library behind a `Tensor`: NumPy on the processor, CuPy on a CUDA device. No other file names them.

Operations follow the arrays they are given. What makes *new* arrays, and the few functions that NumPy's protocols do
not reach, asks here. Nothing moves between host and device unless `to_numpy`, `to_device` or `beside` says so.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import numpy as np
import scipy.special

HOST = (np.ndarray, np.generic)

_first = os.environ.get("MINIGEN_BACKEND", "numpy")
_current = ContextVar("backend", default=_first)
_recording = ContextVar("recording", default=False)


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
    return sys.modules["cupy"] if _on_device(array_in(array)) else np


def array_in(x: Any) -> Any:
    """The array that a Tensor holds; anything else as it is."""
    return x.data if hasattr(x, "requires_grad") else x


def _on_device(array: Any) -> bool:
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
    return _as_array_of(library(data) if _on_device(data) else current(), data, dtype)


def _as_array_of(library: Any, data: Any, dtype: Any = None) -> Any:
    """`library.asarray`; refused where it would send to the device what a graph that is recorded would send again."""
    if _recording.get() and library is not np and not _on_device(data):
        raise RuntimeError("it sends an array to the device, and repeated would send the same again")
    return library.asarray(data, dtype=dtype)


def device_of(array: Any) -> str:
    """Where an array lives, as a word: "cpu" or "cuda:0"."""
    return f"cuda:{array.device.id}" if _on_device(array) else "cpu"


def to_numpy(data: Any) -> np.ndarray:
    """A NumPy array of the same values; from the device, a copy. A Tensor's data is taken out of its graph."""
    array = array_in(data)
    return library(array).asnumpy(array) if _on_device(array) else np.asarray(array)


def to_device(data: Any) -> Any:
    """An array of the current library with the same values."""
    return _as_array_of(current(), data)


def floats(*numbers: Any) -> list[float]:
    """The values of 0-d arrays and numbers; those of the device in one transfer, for which the host waits once."""
    if not any(map(_on_device, numbers)):
        return [float(x) for x in numbers]
    cupy = importlib.import_module("cupy")
    return cupy.asnumpy(cupy.stack([cupy.asarray(x) for x in numbers])).tolist()


def beside(array: Any, other: Any) -> Any:
    """A host array, moved to the device if `other` is there; what is on the device already stays as it is."""
    return _as_array_of(library(other), array) if _on_device(array_in(other)) else array


class Kernel:
    """An elementwise operation in one pass on the device, in CUDA C++ as `cupy.ElementwiseKernel` takes it. The NumPy
    form stands beside it where it is used, and a test holds them equal.

    Fractions are written T(0.5): C++ takes 0.5 for a double, and would compute all of it in double precision. The name
    i is CuPy's own.
    """

    def __init__(self, inputs: str, outputs: str, operation: str, name: str):
        self.source = inputs, outputs, operation, name
        self._compiled: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *arrays: Any) -> Any:
        """The outputs: new arrays for inputs on the device, and numbers, that broadcast; or those given after the
        inputs, to which it writes."""
        cupy = importlib.import_module("cupy")
        if cupy not in self._compiled:
            self._compiled[cupy] = cupy.ElementwiseKernel(*self.source)
        return self._compiled[cupy](*arrays)


def fused(inputs: str, outputs: str, operation: str) -> Callable[[Callable], Callable]:
    """Decorator: an elementwise function of arrays of one type T that is a `Kernel` on the device, where they have one
    floating-point dtype. Numbers are taken as they are, Tensors the plain way, which is recorded."""

    def decorate(function: Callable) -> Callable:
        kernel = Kernel(inputs, outputs, operation, function.__name__)

        @functools.wraps(function)
        def either(*arrays: Any) -> Any:
            if "cupy" in sys.modules and any(map(_on_device, arrays)):
                dtypes = {a.dtype for a in arrays if hasattr(a, "dtype")}
                tensors = any(array_in(a) is not a for a in arrays)
                if len(dtypes) == 1 and dtypes.pop().kind == "f" and not tensors:
                    return kernel(*arrays)
            return function(*arrays)

        return either

    return decorate


PRODUCT = "T x, T y", "T z", "x * y", "a + b", "z = a", "0", "product"
"""Σ x y, as `cupy.ReductionKernel` takes it."""


class Recorder:
    """Records what is done on the device as CUDA graphs, each of which one launch repeats.

    What they allocate comes from a pool of their own: nobody else is given that memory while they may run again.
    CuPy calls no cuBLAS while a graph is recorded (its issue 6290), so `np.dot` and `np.matmul` are a kernel of our own
    inside `rehearse` and `record`; the operator @ of two CuPy arrays would still be cuBLAS, and is refused.
    """

    def __init__(self) -> None:
        self._cupy: Any = importlib.import_module("cupy")
        self._cuda = self._cupy.cuda
        self._stream, self._pool = self._cuda.Stream(non_blocking=True), self._cuda.MemoryPool()
        self._sum_of_products = self._cupy.ReductionKernel(*PRODUCT)

    @contextmanager
    def _own_products(self) -> Iterator[None]:
        cupy, kept = self._cupy, (self._cupy.dot, self._cupy.matmul)
        cupy.dot, cupy.matmul = self._dot, self.product  # where CuPy looks for what np.dot and np.matmul mean
        try:
            yield
        finally:
            cupy.dot, cupy.matmul = kept

    def _dot(self, a: Any, b: Any, out: Any = None) -> Any:
        if b.ndim > 2:
            raise RuntimeError("np.dot of stacks of matrices is not np.matmul")
        return self.product(a, b, out)

    def product(self, a: Any, b: Any, out: Any = None) -> Any:
        """`np.matmul`.  (…, m, k), (…, k, n) → (…, m, n); either may be a vector."""
        left = a[None] if a.ndim == 1 else a
        right = b[:, None] if b.ndim == 1 else b
        result = self._sum_of_products(left[..., None, :], right.swapaxes(-1, -2)[..., None, :, :], axis=-1)
        result = result.reshape(result.shape[:-2] + a.shape[-2:-1] + (b.shape[-1:] if b.ndim > 1 else ()))
        if out is None:
            return result
        out[...] = result
        return out

    def rehearse(self, function: Callable[[], Any]) -> Any:
        """Do what will be recorded, so that all its kernels are compiled and loaded by then."""
        with self._own_products():
            return function()

    def record(self, function: Callable[[], Any]) -> tuple[Any, Any]:
        """What `function` returns, whose arrays have no values yet, and the graph: `graph.launch()` makes them.

        RuntimeError where the function asks for a value of the device, or sends one there.
        """
        with self._own_products(), self._stream, self._cuda.using_allocator(self._pool.malloc):
            token = _recording.set(True)
            self._stream.begin_capture()
            try:
                result = function()
            except BaseException:
                with suppress(RuntimeError):  # a recording that something broke off says so once more at its end
                    self._stream.end_capture()
                raise
            finally:
                _recording.reset(token)
            return result, self._stream.end_capture()


def is_array(x: Any) -> bool:
    """Whether it is an array, on the host or on the device."""
    return isinstance(x, np.ndarray) or _on_device(x)


def is_foreign(x: Any) -> bool:
    """Whether it is an array of another kind, such as a pandas Series, which computes in ways of its own."""
    return hasattr(x, "__array__") and not isinstance(x, np.generic) and type(x) is not np.ndarray and not _on_device(x)


def on_host(array: Any) -> bool:
    """Whether to look at the values of an array, or of the one in a Tensor, costs no waiting for a device."""
    return not _on_device(array_in(array))


def default_rng(seed: int) -> Any:
    """A random generator of the current library. The streams of NumPy and CuPy differ for the same seed."""
    if _current.get() == "numpy":
        return np.random.default_rng(seed)
    return DeviceGenerator(current(), seed)


class DeviceGenerator:
    """CuPy's generator, and beside what it has (`random`, `standard_normal`, `uniform`, `integers`) what it lacks."""

    def __init__(self, cupy: Any, seed: int):
        self._cupy = cupy
        self._generator = cupy.random.default_rng(seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generator, name)

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Draws of N(loc, scale²), in CuPy's own order, of shape `size`."""
        return loc + scale * self._generator.standard_normal(size)

    def permutation(self, x: Any) -> Any:
        """0 … n − 1, or the rows of an array, in random order."""
        n = x if isinstance(x, int) else len(x)
        order = self._cupy.argsort(self._generator.random(n))
        return order if isinstance(x, int) else x[order]


def special(name: str) -> Callable[..., Any]:
    """The function of `scipy.special` of this name, for host and device arrays alike.

    Raises NotImplementedError for device arrays if CuPy has no such function.
    """
    on_host = getattr(scipy.special, name)

    def function(*arrays: Any) -> Any:
        if not any(map(_on_device, arrays)):
            return on_host(*arrays)
        on_device = getattr(importlib.import_module("cupyx.scipy.special"), name, None)
        if on_device is None:
            raise NotImplementedError(f"CuPy has no {name}: compute it on the host, from backend.to_numpy(x)")
        return on_device(*arrays)

    return function


def mixed(values: Iterable[Any]) -> bool:
    """Whether host and device arrays are among the values."""
    return any(isinstance(v, np.ndarray) for v in values) and any(map(_on_device, values))


def add_at(array: Any, index: Any, values: Any) -> None:
    """`array[index] += values`, where an element that the index names twice is increased twice."""
    library(array).add.at(array, index, values)
