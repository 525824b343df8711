"""Arrays beside other arrays: of their library and of their dtype, wherever they live."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from autograd import backend

RNGLike = np.random.Generator | int | None
"""What the keyword `rng` takes, as `np.random.default_rng` does: a generator, a seed, or None for a seed by chance."""


def plain(x: Any) -> Any:
    """The values of a number, an array or a Tensor, as an array where it lives."""
    return backend.asarray(backend.array_in(x))


def identity(d: int, beside: Any) -> Any:
    """The matrix I, in the dtype of another array or Tensor, and where that lives.  (d, d)."""
    return backend.library(beside).eye(d, dtype=plain(beside).dtype)


def standard_normal(shape: tuple[int, ...], beside: Any, *, rng: RNGLike = None) -> Any:
    """Draws of N(0, 1) in the dtype of another array or Tensor, and where that lives.

    They are NumPy's on the device too: one seed gives the same draws everywhere, for a copy of a few numbers.
    """
    rng = np.random.default_rng(rng)
    return backend.beside(rng.standard_normal(shape).astype(plain(beside).dtype), beside)


def solve(A: Any, b: Any) -> Any:
    """A⁻¹ b for stacks of matrices that broadcast, which CuPy's `solve` asks to have done.  (…, n, n), (…, n, k)."""
    stack = np.broadcast_shapes(np.shape(A)[:-2], np.shape(b)[:-2])
    A, b = (x if np.shape(x)[:-2] == stack else np.broadcast_to(x, stack + np.shape(x)[-2:]) for x in (A, b))
    return np.linalg.solve(A, b)


def fingerprint(array: np.ndarray) -> str:
    """What tells an array from others, for settings: dtype, shape and the beginning of the SHA-256 of its bytes."""
    return f"{array.dtype} {array.shape}, SHA-256 {hashlib.sha256(array.tobytes()).hexdigest()[:12]}…"
