"""Derivatives of products of matrices."""

import numpy as np

from autograd.table import implements, rule


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


@implements(np.dot)
def dot(a, b):
    """Σ over the last axis of a and the second-to-last (or only) one of b; numbers multiply."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    if np.ndim(b) <= 2:
        return a @ b
    k, rest = b.shape[-2], b.shape[:-2] + b.shape[-1:]
    return (a @ np.moveaxis(b, -2, 0).reshape(k, -1)).reshape(*a.shape[:-1], *rest)


# fmt: off
rule(np.matmul, lambda g, y, a, b: matmul_left(g, a, b),
                lambda g, y, a, b: matmul_right(g, a, b), broadcasts=True)
# fmt: on
