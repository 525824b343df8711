"""A stand-in for cuBLAS: its C functions, computed on the host from the pointers, strides and flags that they get.

Each is a C function of ctypes, declared as in NVIDIA's cublas_api.h, so arguments pass through C. Matrices are read
column by column. Bad arguments give the status that cuBLAS gives; so does memory outside of the array of a pointer.
"""

import ctypes
from functools import partial

import numpy as np
from numpy.lib.array_utils import byte_bounds

P, INT, L = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong
OK, ALLOC_FAILED, INVALID_VALUE, EXECUTION_FAILED = 0, 3, 7, 13
NEEDED = 32 << 20
"""The bytes of workspace that NVIDIA asks for on its newest devices."""
DECLARED = {
    "Create_v2": (P,),
    "SetStream_v2": (P, P),
    "SetWorkspace_v2": (P, P, ctypes.c_size_t),
    "SetPointerMode_v2": (P, INT),
    # handle, n, x, incx, y, incy, result
    "dot_v2": (P, INT, P, INT, P, INT, P),
    # handle, transa, transb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc
    "gemm_v2": (P, INT, INT, INT, INT, INT, P, P, INT, P, INT, P, P, INT),
    # handle, transa, transb, m, n, k, alpha, A, lda, strideA, B, ldb, strideB, beta, C, ldc, strideC, batchCount
    "gemmStridedBatched": (P, INT, INT, INT, INT, INT, P, P, INT, L, P, INT, L, P, P, INT, L, INT),
}


class OutsideError(Exception):
    """A pointer leads out of the array that it points into."""


class Memory:
    """What NumPy makes an array of without a copy. It keeps the owner of the memory."""

    def __init__(self, owner, pointer, dtype, shape, strides):
        self.owner = owner
        self.__array_interface__ = {
            "version": 3, "typestr": dtype.str, "data": (pointer, False), "shape": shape, "strides": tuple(strides)
        }  # fmt: skip


class CuBLAS:
    """What ctypes makes of the library.

    array_at: the array that holds the memory at an address. launched: does work now, or notes it for a graph.
    recording: the address of the stream that is recorded, or None.
    """

    def __init__(self, array_at, launched, recording):
        self.array_at, self.launched, self.recording = array_at, launched, recording
        self.stream = self.workspace = None
        self.mode, self.called = 0, []
        for name, types in DECLARED.items():
            for letter, dtype in {"S": np.float32, "D": np.float64}.items() if name[0].islower() else [("", None)]:
                function = getattr(self, name) if dtype is None else partial(getattr(self, name), np.dtype(dtype))
                noted = partial(self._noting, f"{letter}{name}", function)
                setattr(self, f"cublas{letter}{name}", ctypes.CFUNCTYPE(INT, *types)(noted))

    def _noting(self, name, function, *arguments):
        self.called.append(name)
        try:
            return function(*arguments)
        except OutsideError:
            return EXECUTION_FAILED

    def Create_v2(self, handle):
        ctypes.cast(handle, ctypes.POINTER(P))[0] = 1
        return OK

    def SetStream_v2(self, handle, stream):
        self.stream, self.workspace = stream or 0, None
        return OK if handle == 1 else INVALID_VALUE

    def SetWorkspace_v2(self, handle, workspace, size):
        self.workspace = self._strided(np.dtype(np.uint8), workspace, (size,), (1,))
        return OK if handle == 1 else INVALID_VALUE

    def SetPointerMode_v2(self, handle, mode):
        self.mode = mode
        return OK if handle == 1 else INVALID_VALUE

    def dot_v2(self, dtype, handle, n, x, incx, y, incy, result):
        if handle != 1 or n < 1 or incx < 1 or incy < 1 or self.mode != 1:  # mode 1: the result is on the device
            return INVALID_VALUE
        x, y = self._strided(dtype, x, (n,), (incx,)), self._strided(dtype, y, (n,), (incy,))
        result = self._strided(dtype, result, (1,), (1,))
        return self._launch(lambda: np.copyto(result, x @ y))

    def gemm_v2(self, dtype, handle, ta, tb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc):
        return self.gemmStridedBatched(dtype, handle, ta, tb, m, n, k, alpha, A, lda, 0, B, ldb, 0, beta, C, ldc, 0, 1)

    def gemmStridedBatched(self, dtype, handle, ta, tb, m, n, k, alpha, A, lda, sa, B, ldb, sb, beta, C, ldc, sc, N):
        """C = alpha op(A) op(B) + beta C, with op(A): (m, k), op(B): (k, n)."""
        if handle != 1 or self.mode != 0 or min(m, n, k, N) < 1 or min(sa, sb, sc) < 0:  # mode 0: alpha is on the host
            return INVALID_VALUE
        if lda < (k if ta else m) or ldb < (n if tb else k) or ldc < m:
            return INVALID_VALUE
        number = ctypes.POINTER(np.ctypeslib.as_ctypes_type(dtype))
        alpha, beta = (ctypes.cast(x, number)[0] for x in (alpha, beta))

        def matrices(pointer, transposed, rows, columns, ld, between):
            if transposed:
                return self._strided(dtype, pointer, (N, rows, columns), (between, ld, 1))
            return self._strided(dtype, pointer, (N, rows, columns), (between, 1, ld))

        left, right = matrices(A, ta, m, k, lda, sa), matrices(B, tb, k, n, ldb, sb)
        product = matrices(C, 0, m, n, ldc, sc)
        if any(np.may_share_memory(product, x) for x in (left, right)):  # cuBLAS would read what it has written
            return EXECUTION_FAILED
        kept = lambda: beta * product if beta else 0  # with beta = 0, C is not read
        return self._launch(lambda: np.copyto(product, alpha * (left @ right) + kept()))

    def _launch(self, work):
        if self.recording() is not None and self.stream != self.recording():
            return EXECUTION_FAILED
        if self.workspace is None or self.workspace.nbytes < NEEDED:
            return ALLOC_FAILED
        self.launched(work)
        return OK

    def _strided(self, dtype, pointer, shape, strides):
        """The array at an address, with strides in elements. It holds the memory as long as it is there."""
        owner = self.array_at(pointer)
        if owner is None:
            raise OutsideError
        low, high = byte_bounds(owner)
        last = pointer + dtype.itemsize * sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if not low <= pointer <= last <= high - dtype.itemsize:
            raise OutsideError
        return np.asarray(Memory(owner, pointer, dtype, shape, [s * dtype.itemsize for s in strides]))
