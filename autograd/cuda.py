"""What exists on a CUDA device alone: kernels in C++, recorded graphs of kernels, and a generator of random numbers."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from autograd.backend import array_in, on_device, recording


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
            if "cupy" in sys.modules and any(map(on_device, arrays)):
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
            token = recording.set(True)
            self._stream.begin_capture()
            try:
                result = function()
            except BaseException:
                with suppress(RuntimeError):  # a recording that something broke off says so once more at its end
                    self._stream.end_capture()
                raise
            finally:
                recording.reset(token)
            return result, self._stream.end_capture()


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
