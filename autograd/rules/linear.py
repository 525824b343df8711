"""Derivatives of products of matrices."""

import numpy as np

from autograd.table import rule


def matmul_left(g, a, b):
    """∂L/∂a for y = a @ b:  g bᵀ, with vectors seen as a row a or a column b."""
    if a.ndim == 1 and b.ndim == 1:
        return g * b
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        g = g[..., None, :]
    ga = g @ np.swapaxes(b, -1, -2)
    return ga[..., 0, :] if a.ndim == 1 else ga


def matmul_right(g, a, b):
    """∂L/∂b for y = a @ b:  aᵀ g, with vectors seen as a row a or a column b."""
    if a.ndim == 1 and b.ndim == 1:
        return g * a
    if a.ndim == 1:
        return g[..., None, :] * a[:, None]
    if b.ndim == 1:
        g = g[..., None]
    gb = np.swapaxes(a, -1, -2) @ g
    return gb[..., 0] if b.ndim == 1 else gb


# fmt: off
rule(np.matmul,   lambda g, y, a, b: matmul_left(g, a, b),
                  lambda g, y, a, b: matmul_right(g, a, b), broadcasts=True)
rule(np.swapaxes, lambda g, y, x, i, j: np.swapaxes(g, i, j), None, None)
# fmt: on
