"""Matrix products by cuBLAS, NVIDIA's library of matrix products, called so that a CUDA graph can record them.

CuPy refuses to call cuBLAS while a graph is recorded (its issue 6290). cuBLAS itself can be recorded if it gets the
stream that records and a workspace, memory for its partial sums, that stays in place as long as the graph. So this file
calls the C functions of the cuBLAS that CuPy has loaded, through ctypes.

cuBLAS stores a matrix column by column, NumPy row by row. The same memory is a matrix C to NumPy and its transpose Cᵀ
to cuBLAS. So cuBLAS is asked for Cᵀ = Bᵀ Aᵀ: the operands change places, and none is transposed in memory.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
from typing import Any

import numpy as np

Stack = tuple[Any, int, int]
"""Matrices as cuBLAS reads them: (array of shape (count, m, n), transposed, leading dimension); see `layout`."""
WORKSPACE = 32 << 20
"""Bytes of the workspace: what NVIDIA recommends for its newest devices."""
POINTER, INT, LONG = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong
GEMM = (POINTER, INT, INT, INT, INT, INT, POINTER, POINTER, INT, POINTER, INT, POINTER, POINTER, INT)
BATCHED = (*GEMM[:9], LONG, *GEMM[9:11], LONG, *GEMM[11:], LONG, INT)
DOT = (POINTER, INT, POINTER, INT, POINTER, INT, POINTER)
FUNCTIONS = {
    "Create_v2": (POINTER,),
    "SetStream_v2": (POINTER, POINTER),
    "SetWorkspace_v2": (POINTER, POINTER, ctypes.c_size_t),
    "SetPointerMode_v2": (POINTER, INT),
    **{f"{T}{name}": types for T in "SD" for name, types in {"dot_v2": DOT, "gemm_v2": GEMM}.items()},
    **{f"{T}gemmStridedBatched": BATCHED for T in "SD"},
}
"""The C functions that are called, without "cublas", with the types of their arguments as in NVIDIA's cublas_api.h."""
LETTER, NUMBER = {"f": "S", "d": "D"}, {"f": ctypes.c_float, "d": ctypes.c_double}
"""By the dtype's character: the letter in the names of cuBLAS's functions, and C's type of a number."""
ON_HOST, ON_DEVICE = 0, 1
"""Where cuBLAS reads and writes numbers: its pointer modes."""


def library() -> Any:
    """The cuBLAS that CuPy has loaded, for ctypes. None if there is none, or CuPy is older than 14."""
    try:
        pathfinder = importlib.import_module("cuda.pathfinder")  # CuPy 14 finds its libraries by it too
        return ctypes.CDLL(pathfinder.load_nvidia_dynamic_lib("cublas").abs_path)
    except (ImportError, OSError, RuntimeError):
        return None


@functools.cache
def products(cupy: Any, device: int) -> Products | None:
    """The `Products` of a device, always the same object; None if there is no cuBLAS.

    cupy: the module. device: the number of the current device.
    """
    found = library()
    return None if found is None else Products(cupy, found)


class Products:
    """Products of device arrays by cuBLAS, on the current stream.  Products(cupy, library).matmul(a, b, c)

    The object keeps one workspace for as long as the program runs, for all graphs that it is recorded in: graphs that
    are launched one after the other can share it.
    cupy: the module. library: cuBLAS, with the functions of `FUNCTIONS`.
    """

    def __init__(self, cupy: Any, library: Any):
        self._cupy, self._library, self._handle = cupy, library, POINTER()
        for name, types in FUNCTIONS.items():
            getattr(library, f"cublas{name}").argtypes = types
        self._call("Create_v2", ctypes.byref(self._handle))
        self._workspace = cupy.empty(WORKSPACE, np.uint8)

    def matmul(self, a: Any, b: Any, c: Any) -> None:
        """Write the product of `a`, (…, m, k), and `b`, (…, k, n), to `c`, (…, m, n).

        All are device arrays of one dtype, float32 or float64; `c` is contiguous and shares no memory with the others.
        The stacks of `a` and `b` broadcast to that of `c`. Raises RuntimeError if cuBLAS reports an error.
        """
        if not (a.size and b.size):
            c.fill(0)
            return
        if a.ndim > b.ndim == 2 and a.flags.c_contiguous:  # one product of all rows, not one for each matrix
            a, c = a.reshape(-1, a.shape[-1]), c.reshape(-1, c.shape[-1])
        self._call("SetStream_v2", self._handle, self._cupy.cuda.get_current_stream().ptr)
        # after SetStream, which takes the workspace away
        self._call("SetWorkspace_v2", self._handle, self._workspace.data.ptr, WORKSPACE)
        if c.size == 1:
            self._dot(a.reshape(-1), b.reshape(-1), c)
        else:
            self._gemm(self._stack(a, c.shape[:-2]), self._stack(b, c.shape[:-2]), c)

    def _dot(self, a: Any, b: Any, c: Any) -> None:
        """Σ a b of two vectors. For cuBLAS's product of matrices this sum would be the work of a single block."""
        a, b = (x if x.strides[0] > 0 else self._cupy.ascontiguousarray(x) for x in (a, b))
        vectors = [(x.data.ptr, x.strides[0] // x.itemsize) for x in (a, b)]
        self._call("SetPointerMode_v2", self._handle, ON_DEVICE)
        try:
            self._call(f"{LETTER[c.dtype.char]}dot_v2", self._handle, a.size, *vectors[0], *vectors[1], c.data.ptr)
        finally:
            self._call("SetPointerMode_v2", self._handle, ON_HOST)

    def _gemm(self, left: Stack, right: Stack, c: Any) -> None:
        """The products of two stacks of matrices, (count, m, k) and (count, k, n).  c: contiguous, (…, m, n)."""
        (a, a_transposed, a_leading), (b, b_transposed, b_leading) = left, right
        (count, m, k), n = a.shape, b.shape[-1]
        one, zero = (ctypes.byref(NUMBER[c.dtype.char](number)) for number in (1, 0))
        name, sizes = f"{LETTER[c.dtype.char]}gemm", (self._handle, b_transposed, a_transposed, n, m, k, one)
        first, second, product = (b.data.ptr, b_leading), (a.data.ptr, a_leading), (zero, c.data.ptr, n)
        if count == 1:
            self._call(f"{name}_v2", *sizes, *first, *second, *product)
        else:
            between = [x.strides[0] // x.itemsize for x in (b, a)]
            last = (*product, m * n, count)
            self._call(f"{name}StridedBatched", *sizes, *first, between[0], *second, between[1], *last)

    def _stack(self, x: Any, stack: tuple[int, ...]) -> Stack:
        """`x`, (…, m, n), broadcast to a stack of the shape `stack`, with its `layout`; a copy if that is None."""
        x = self._cupy.broadcast_to(x, stack + x.shape[-2:]).reshape(-1, *x.shape[-2:])
        found = layout(x)
        return (x, *found) if found else (self._cupy.ascontiguousarray(x), 0, x.shape[-1])

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, f"cublas{name}")(*arguments)
        if status:
            raise RuntimeError(f"cublas{name} failed with status {status}")


def layout(x: Any) -> tuple[int, int] | None:
    """How cuBLAS reads the matrices of a stack in place: (transposed, leading dimension). None if it cannot.

    x: a device array, (count, m, n). transposed: 1 if the columns, 0 if the rows of a matrix are contiguous.
    leading dimension: the number of elements from one contiguous row or column to the next.
    """
    between, rows, columns = (stride // x.itemsize for stride in x.strides)
    _, m, n = x.shape
    if between < 0:
        return None
    if (columns == 1 or n == 1) and (rows >= n or m == 1):
        return 0, rows if m > 1 else n
    if (rows == 1 or m == 1) and columns >= m:
        return 1, columns
    return None
