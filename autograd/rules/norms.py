"""Derivatives of norms. Where a norm is 0 its first derivative is taken to be 0, and all higher ones are NaN."""

import math

import numpy as np
from numpy import linalg
from numpy.lib.array_utils import normalize_axis_tuple

from autograd import backend
from autograd.rules.decompositions import singular_values
from autograd.rules.elementwise import ratio
from autograd.rules.options import in_floats
from autograd.rules.reductions import spread
from autograd.table import implements
from autograd.tensor import Tensor, primitive


@implements(linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    """np.linalg.norm on Tensors: the norm of the vectors along one axis, or of the matrices in two, of order `ord`.

    ord: for vectors p in (Σ |x|ᵖ)^(1/p), 0 for the number of x ≠ 0, or ±∞; for matrices "fro", "nuc", ±1, ±2 or ±∞.
    Without `ord` and `axis`, √Σ x² over all elements; else axis=None stands for all axes of x. Raises ValueError for
    another number of axes than one or two.
    """
    if axis is None and ord is None:
        return euclidean_norm(in_floats(x), None, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (int(axis),)
    if len(axes) == 1:
        return norm_of_vectors(x, ord, axes, keepdims)
    if len(axes) == 2:
        return norm_of_matrices(x, ord, axes, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


@implements(linalg.vector_norm)
def vector_norm(x, axis=None, keepdims=False, ord=2):
    """np.linalg.vector_norm on Tensors: the norm (see `norm`) of order `ord` over `axis`, one or several; None: all."""
    return norm_of_vectors(x, ord, axis if axis is None else normalize_axis_tuple(axis, x.ndim), keepdims)


@implements(linalg.matrix_norm)
def matrix_norm(x, keepdims=False, ord="fro"):
    """np.linalg.matrix_norm on Tensors: the norm of order `ord`, as in `norm`, of the matrices in the last two axes."""
    return norm_of_matrices(x, ord, (-2, -1), keepdims)


def norm_of_vectors(x, ord, axes, keepdims):
    """The norm of order p = ord over `axes`: (Σ |x|ᵖ)^(1/p).

    None stands for 2; ±∞ gives the largest or least |x|, 0 the number of x ≠ 0. axes: a tuple, or None for all;
    keepdims: keep them, with length 1. Raises ValueError if `ord` is a string.
    """
    x = in_floats(x)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord is None or ord == 2:
        return euclidean_norm(x, axes, keepdims)
    if ord == 0:
        return np.sum(Tensor((x != 0).astype(x.dtype)), axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axes, keepdims=keepdims)
    if x.size == 0 and abs(ord) == np.inf:
        return Tensor(linalg.vector_norm(x.data, ord=ord, axis=axes, keepdims=keepdims))
    if abs(ord) == np.inf:
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axes, keepdims=keepdims)
    return power_norm(x, float(ord), axes, keepdims)


# fmt: off
MATRIX_NORMS = {
    "nuc":   lambda a: np.sum(singular_values(a), axis=-1),
    2:       lambda a: singular_values(a)[..., 0],
    -2:      lambda a: singular_values(a)[..., -1],
    1:       lambda a: np.max(np.sum(np.abs(a), axis=-2), axis=-1),
    -1:      lambda a: np.min(np.sum(np.abs(a), axis=-2), axis=-1),
    np.inf:  lambda a: np.max(np.sum(np.abs(a), axis=-1), axis=-1),
    -np.inf: lambda a: np.min(np.sum(np.abs(a), axis=-1), axis=-1),
}
"""The norms of matrices that are not √Σ a², by their order.  (…, n, m) → (…)."""
# fmt: on


def norm_of_matrices(x, ord, axes, keepdims):
    """The norm of the matrices in two `axes` of x: √Σ x² for `ord` "fro", "f" or None, else as in `MATRIX_NORMS`.

    ord: also "nuc", ±1, ±2, ±∞; else ValueError. keepdims: keep these axes, with length 1.
    """
    x, axes = in_floats(x), normalize_axis_tuple(axes, x.ndim)
    if ord in (None, "fro", "f"):
        return euclidean_norm(x, axes, keepdims)
    if ord not in MATRIX_NORMS:
        raise ValueError("Invalid norm order for matrices.")
    a = np.moveaxis(x, axes, (-2, -1))
    y = MATRIX_NORMS[ord](a) if a.size else Tensor(linalg.norm(a.data, ord, (-2, -1)))
    return np.expand_dims(y, axes) if keepdims else y


def euclidean_norm_gradient(g, y, x, axis, keepdims):
    """∂L/∂x for y = euclidean_norm(x, axis, keepdims), where g = ∂L/∂y:  g x / y, and 0 where y = 0."""
    return spread(g, x, axis, keepdims) * ratio(x, spread(y, x, axis, keepdims))


@primitive(euclidean_norm_gradient, None, None)
def euclidean_norm(x, axis, keepdims):
    """√Σ x² over `axis` of a real x, one or several, None for all.  keepdims: keep these axes, with length 1."""
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def power_norm_gradient(g, y, x, p, axis, keepdims):
    """∂L/∂x for y = power_norm(x, p, axis, keepdims), where g = ∂L/∂y:  g sign(x) (|x| / y)ᵖ⁻¹.

    0 where y = 0 and p > 1.
    """
    return spread(g, x, axis, keepdims) * np.sign(x) * ratio(np.abs(x), spread(y, x, axis, keepdims)) ** (p - 1)


@primitive(power_norm_gradient, None, None, None)
def power_norm(x, p, axis, keepdims):
    """(Σ |x|ᵖ)^(1/p) over `axis` of x, one or several, None for all.  keepdims: keep these axes, with length 1."""
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


@implements(linalg.cond)
def cond(x, p=None):
    """np.linalg.cond on Tensors: the condition number |x| |x⁻¹| in the norm p of each matrix.

    For p None and 2 it is the largest singular value divided by the least, for −2 the least divided by the largest. But
    for rounding, a singular matrix has the number ∞ with a gradient of NaN; for −2 it has 0, unless all of it is 0.
    Raises LinAlgError for matrices without elements, at singular matrices for p="nuc", and for another p than None and
    ±2 if matrices are not square.
    """
    if math.prod(x.shape[-2:]) == 0:
        raise linalg.LinAlgError("cond is not defined on empty arrays")
    with np.errstate(all="ignore"):
        if p in (None, 2, -2):
            s = singular_values(x)
            r = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
        else:
            r = norm_of_matrices(x, p, (-2, -1), False) * norm_of_matrices(inverse_or_nan(x), p, (-2, -1), False)
    lost = np.isnan(r) & ~np.any(np.isnan(x), axis=(-2, -1))
    return np.where(lost, np.inf, r)


def inverse_or_nan(a):
    """a⁻¹ of a Tensor, and NaN in place of each matrix that is singular.  a: (…, n, n)"""
    singular = (linalg.slogdet(a.data)[0] == 0)[..., None, None]
    identity = backend.library(a).eye(a.shape[-1], dtype=a.dtype)
    return np.where(singular, np.nan, linalg.inv(np.where(singular, identity, a)))
