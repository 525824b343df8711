"""Arrays made to match another array: its library (NumPy on the host, CuPy on the device) and its dtype."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import backend

RNGLike = np.random.Generator | int | None
"""The values of the keyword `rng`: a generator, a seed, or None for a random seed, as in `np.random.default_rng`."""


def plain(x: Any) -> Any:
    """Return `x` as an array without a graph: an array itself, the array in a Tensor, or a number as an array."""
    return backend.asarray(backend.array_in(x))


def identity(d: int, beside: Any) -> Any:
    """Return the identity matrix, (d, d), with the dtype and on the device or host of `beside`, array or Tensor."""
    return backend.library(beside).eye(d, dtype=plain(beside).dtype)


def standard_normal(shape: tuple[int, ...], beside: Any, *, rng: RNGLike = None) -> Any:
    """Draw a plain array of this `shape` from N(0, 1), with the dtype and on the device or host of `beside`.

    beside: an array or a Tensor of floats. NumPy draws the numbers and they are copied to the device: one seed gives
    the same numbers on host and device.
    """
    return drawn(lambda rng: rng.standard_normal(shape), shape, beside, rng=rng)


def drawn(
    draw: Callable[[np.random.Generator], Any], shape: tuple[int, ...], beside: Any, *, rng: RNGLike = None
) -> Any:
    """Return draw(rng), an array of this `shape` that NumPy computes, on the device or host and with the dtype of
    `beside`.

    draw: a function of a generator. A recorded step of training (`training.capture`) calls it again for each batch: it
        may read the batch, but no array that the step computes.
    beside: an array or a Tensor of floats.
    """
    rng, dtype = np.random.default_rng(rng), plain(beside).dtype
    make = lambda rng: draw(rng).astype(dtype, copy=False)
    note = getattr(rng, "note", None)  # the generator of a recorded step
    return note(make, draw.__qualname__, shape) if note else backend.beside(make(rng), beside)


def solve(A: Any, b: Any) -> Any:
    """Return A⁻¹ b for stacks of matrices.  A: (…, n, n), b: (…, n, k) → (…, n, k).

    The leading axes broadcast; they are broadcast here because CuPy's `solve` does not do so.
    """
    stack = np.broadcast_shapes(np.shape(A)[:-2], np.shape(b)[:-2])
    A, b = (x if np.shape(x)[:-2] == stack else np.broadcast_to(x, stack + np.shape(x)[-2:]) for x in (A, b))
    return np.linalg.solve(A, b)


def fingerprint(array: np.ndarray) -> str:
    """Return a string that identifies the contents of `array` in saved settings.

    It holds the dtype, the shape and the first 12 hexadecimal digits of the SHA-256 of the bytes.
    """
    return f"{array.dtype} {array.shape}, SHA-256 {hashlib.sha256(array.tobytes()).hexdigest()[:12]}…"
