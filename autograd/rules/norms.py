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
    """The norm of the vectors along one axis or of the matrices in two, of any order that NumPy has.

    Without `ord` and `axis`, √Σ x² over all elements.
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
    """The norm over all axes, or over those in `axis`, seen as one vector."""
    return norm_of_vectors(x, ord, axis if axis is None else normalize_axis_tuple(axis, x.ndim), keepdims)


@implements(linalg.matrix_norm)
def matrix_norm(x, keepdims=False, ord="fro"):
    """The norm of the matrices in the last two axes."""
    return norm_of_matrices(x, ord, (-2, -1), keepdims)


def norm_of_vectors(x, ord, axes, keepdims):
    """(Σ |x|ᵖ)^(1/p) for p = ord; the largest or least |x| for ±∞, and how many x are not 0 for 0."""
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
    """√Σ x² over both axes for "fro" and None, else as in `MATRIX_NORMS`."""
    x, axes = in_floats(x), normalize_axis_tuple(axes, x.ndim)
    if ord in (None, "fro", "f"):
        return euclidean_norm(x, axes, keepdims)
    if ord not in MATRIX_NORMS:
        raise ValueError("Invalid norm order for matrices.")
    a = np.moveaxis(x, axes, (-2, -1))
    y = MATRIX_NORMS[ord](a) if a.size else Tensor(linalg.norm(a.data, ord, (-2, -1)))
    return np.expand_dims(y, axes) if keepdims else y


def euclidean_norm_gradient(g, y, x, axis, keepdims):
    """g x / y, and 0 where y = 0."""
    return spread(g, x, axis, keepdims) * ratio(x, spread(y, x, axis, keepdims))


@primitive(euclidean_norm_gradient, None, None)
def euclidean_norm(x, axis, keepdims):
    """√Σ x² along `axis`."""
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def power_norm_gradient(g, y, x, p, axis, keepdims):
    """g sign(x) (|x| / y)ᵖ⁻¹, and 0 where y = 0 and p > 1."""
    return spread(g, x, axis, keepdims) * np.sign(x) * ratio(np.abs(x), spread(y, x, axis, keepdims)) ** (p - 1)


@primitive(power_norm_gradient, None, None, None)
def power_norm(x, p, axis, keepdims):
    """(Σ |x|ᵖ)^(1/p) along `axis`."""
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


@implements(linalg.cond)
def cond(x, p=None):
    """The condition number |x| |x⁻¹| in the norm p, for None and ±2 as a quotient of singular values; ∞ if singular.

    Raises LinAlgError for matrices without elements. At a singular matrix the gradient is not finite.
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
    """a⁻¹, and NaN in place of each matrix that is singular."""
    singular = (linalg.slogdet(a.data)[0] == 0)[..., None, None]
    identity = backend.library(a).eye(a.shape[-1], dtype=a.dtype)
    return np.where(singular, np.nan, linalg.inv(np.where(singular, identity, a)))
