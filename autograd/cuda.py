"""What exists on a CUDA device alone: kernels in C++, recorded graphs of kernels, and a random generator."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from autograd import cublas
from autograd.backend import array_in, library, on_device, recording


class Kernel:
    """An element-wise operation in one pass on the device, in CUDA C++. It is compiled when it is first called.

    inputs, outputs: parameters with their types, as "T x, T y" and "T z". A capital letter stands for the type of the
        arrays that are given for it; "bool" is the only other type.
    operation: the C++ for one element, as "z = x * y". Write fractions as T(0.5): C++ takes 0.5 for a double, and would
        compute all of the operation in double precision. The name `i` is taken by CuPy.
    name: the kernel's name in a profiler.
    source: (inputs, outputs, operation, name), as `cupy.ElementwiseKernel` takes them.

    The NumPy form stands beside each kernel where it is used, and a test holds the two equal.
    """

    def __init__(self, inputs: str, outputs: str, operation: str, name: str):
        self.source = inputs, outputs, operation, name
        self._compiled: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *arrays: Any) -> Any:
        """Return the output, or a tuple of several, for these inputs: device arrays that broadcast, and numbers.

        Each output is a new array, or the array given for it after the inputs, which is written to.
        """
        cupy = importlib.import_module("cupy")
        if cupy not in self._compiled:
            self._compiled[cupy] = cupy.ElementwiseKernel(*self.source)
        return self._compiled[cupy](*arrays)


def fused(inputs: str, outputs: str, operation: str) -> Callable[[Callable], Callable]:
    """Decorator for an element-wise function of arrays: on the device a `Kernel` runs in place of the function's body.

    inputs, outputs, operation: the kernel in C++, such as "T x, T y", "T z", "z = x * y" (see `Kernel`). It runs if
    an argument is on the device, all arrays have one floating-point dtype, and none is a Tensor. Otherwise the body
    runs; a body of NumPy calls is recorded for Tensors. The decorated function takes arguments by position alone.
    """

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


class Program:
    """Kernels in CUDA C++ that say themselves what each thread does. They are compiled at the first launch of one.

    source: C++17, in which each kernel is declared as `extern "C" __global__ void name(…)`.
    """

    def __init__(self, source: str):
        self.source = source
        self._compiled: dict[Any, Any] = {}

    def launch(self, name: str, blocks: int, threads: int, *arguments: Any) -> None:
        """Start a kernel on the current stream. This returns before the work is done.

        name: the kernel's name in the source. blocks, threads: the number of blocks, at least 1, and of threads in each
        block, at most 1024. arguments: the kernel's, in order. A device array is given for a pointer, and must be
        contiguous and of the dtype that the kernel declares: nothing checks this. None is given for a null pointer, and
        a whole number for an `int`.
        """
        cupy = importlib.import_module("cupy")
        if cupy not in self._compiled:
            self._compiled[cupy] = cupy.RawModule(code=self.source, options=("--std=c++17",))
        # CuPy takes 0 for a null pointer, and a Python int for 8 bytes, where an `int` has 4
        given = (0 if a is None else np.int32(a) if isinstance(a, int) else a for a in arguments)
        self._compiled[cupy].get_function(name)((blocks,), (threads,), tuple(given))


PRODUCT = "T x, T y", "T z", "x * y", "a + b", "z = a", "0", "product"
"""Σ x y, as `cupy.ReductionKernel` takes it."""


class Recorder:
    """Records the work of a function on the device as a CUDA graph. One launch of the graph repeats all of this work.

    Call `rehearse(function)`, which compiles its kernels, then `record(function)`. Arrays made while recording come
    from a memory pool of the recorder's own: nobody else gets that memory while the graph may run again. CuPy calls no
    cuBLAS while a graph is recorded (its issue 6290), so inside both methods `np.dot` and `np.matmul` run `product`,
    which calls cuBLAS itself (`autograd.cublas`), and `np.linalg.solve` runs `solve`. The operator @ of two CuPy arrays
    raises an error in `record`.
    """

    def __init__(self) -> None:
        self._cupy: Any = importlib.import_module("cupy")
        self._cuda = self._cupy.cuda
        self._stream, self._pool = self._cuda.Stream(non_blocking=True), self._cuda.MemoryPool()
        self._sum_of_products = self._cupy.ReductionKernel(*PRODUCT)
        self._cublas = cublas.products(self._cupy, self._cuda.Device().id)

    @contextmanager
    def _own_products(self) -> Iterator[None]:
        cupy, kept = self._cupy, (self._cupy.dot, self._cupy.matmul, self._cupy.linalg.solve)
        cupy.dot, cupy.matmul, cupy.linalg.solve = self._dot, self.product, solve  # CuPy calls these for np.dot, …
        try:
            yield
        finally:
            cupy.dot, cupy.matmul, cupy.linalg.solve = kept

    def _dot(self, a: Any, b: Any, out: Any = None) -> Any:
        if b.ndim > 2:
            raise RuntimeError("np.dot of stacks of matrices is not np.matmul")
        return self.product(a, b, out)

    def product(self, a: Any, b: Any, out: Any = None) -> Any:
        """`np.matmul(a, b)` of device arrays, by cuBLAS.  (…, m, k), (…, k, n) → (…, m, n); either may be (k,).

        By a kernel of our own where there is no cuBLAS, and for arrays that are not both float32 or both float64.
        out: the array to write the product to, by default a new one. Raises ValueError for shapes that do not fit.
        """
        left = a[None] if a.ndim == 1 else a
        right = b[:, None] if b.ndim == 1 else b
        if left.shape[-1] != right.shape[-2]:
            raise ValueError(f"np.matmul takes (…, m, k) and (…, k, n), got {a.shape} and {b.shape}")
        stack = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        shape = stack + a.shape[-2:-1] + (b.shape[-1:] if b.ndim > 1 else ())
        if out is not None and out.shape != shape:
            raise ValueError(f"np.matmul makes {shape} of {a.shape} and {b.shape}, out has {out.shape}")
        if self._cublas is None or {a.dtype.char, b.dtype.char} not in ({"f"}, {"d"}):
            found = self._sum_of_products(left[..., None, :], right.swapaxes(-1, -2)[..., None, :, :], axis=-1)
            found = found.reshape(shape)
        else:
            found = out if self._can_be_filled(out, a, b) else self._cupy.empty(shape, a.dtype)
            self._cublas.matmul(left, right, found.reshape(stack + left.shape[-2:-1] + right.shape[-1:]))
        if out is None or found is out:
            return found
        out[...] = found
        return out

    def _can_be_filled(self, out: Any, a: Any, b: Any) -> bool:
        """True if cuBLAS can write the product of `a` and `b` to `out` itself."""
        if out is None or out.dtype != a.dtype or not out.flags.c_contiguous:
            return False
        return not any(self._cupy.may_share_memory(out, x) for x in (a, b))

    def rehearse(self, function: Callable[[], Any]) -> Any:
        """Return `function()`, run as `record` will run it, so that all its kernels are compiled and loaded by then."""
        with self._own_products():
            return function()

    def record(self, function: Callable[[], Any]) -> tuple[Any, Any]:
        """Record the work of `function()` on the device: return (its result, the graph).

        function: takes no arguments. The arrays of the result have no values until `graph.launch()` computes them; each
        further launch computes them again from the arrays that `function` reads. Raises RuntimeError if `function` asks
        for a value of the device, or sends one there.
        """
        with self._own_products(), self._stream, self._cuda.using_allocator(self._pool.malloc):
            token = recording.set(True)
            self._stream.begin_capture()
            try:
                result = function()
            except BaseException:
                with suppress(RuntimeError):  # after an error, end_capture raises once more
                    self._stream.end_capture()
                raise
            finally:
                recording.reset(token)
            return result, self._stream.end_capture()


def solve(A: Any, b: Any) -> Any:
    """A⁻¹ b by Gauss-Jordan elimination, without a library of matrices.  (…, n, n), (…, n, k) → (…, n, k).

    A, b: stacks of one shape, arrays of one library. For each column, the row with the largest number there comes next,
    for the same accuracy as elimination with pivots in a library. A singular A gives numbers that are not finite.
    """
    n = A.shape[-1]
    both, rows = np.concatenate([A, b], axis=-1), library(A).arange(n)
    for i in range(n):
        largest = i + np.argmax(np.abs(both[..., i:, i]), axis=-1)[..., None]
        order = np.where(rows == i, largest, np.where(rows == largest, i, rows))  # exchanges i and the largest
        both = np.take_along_axis(both, order[..., None], axis=-2)
        row = both[..., i : i + 1, :] / both[..., i : i + 1, i : i + 1]
        both = np.where(rows[:, None] == i, row, both - both[..., i : i + 1] * row)
    return both[..., n:]


class DeviceGenerator:
    """CuPy's random generator, with the methods `normal` and `permutation` that CuPy's own lacks.

    cupy: the module; seed: a whole number. The other methods, such as `random`, `standard_normal`, `uniform` and
    `integers`, are those of CuPy's generator.
    """

    def __init__(self, cupy: Any, seed: int):
        self._cupy = cupy
        self._generator = cupy.random.default_rng(seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generator, name)

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Draws from N(loc, scale²).

        loc: mean; scale: standard deviation; size: the shape of the draws. `loc` and `scale` are numbers or arrays that
        broadcast with this shape. By default a single number is drawn, also for arrays, whose elements then share it.
        """
        return loc + scale * self._generator.standard_normal(size)

    def permutation(self, x: Any) -> Any:
        """The numbers 0 … x − 1 in random order for an int `x`; a copy with shuffled rows for a device array `x`."""
        n = x if isinstance(x, int) else len(x)
        order = self._cupy.argsort(self._generator.random(n))
        return order if isinstance(x, int) else x[order]
