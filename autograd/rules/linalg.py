"""Derivatives of `np.linalg`: functions of a matrix, or of a stack of matrices in the last two axes.

Sources: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation", 2008;
I. Murray, "Differentiation of the Cholesky decomposition", 2016.
"""

from typing import NamedTuple

import numpy as np
from numpy import linalg

from autograd import backend
from autograd.rules.elementwise import not_zero
from autograd.rules.reductions import spread
from autograd.table import implements, rule
from autograd.tensor import primitive

# fmt: off
rule(linalg.inv,      lambda g, y, a: -transpose(y) @ g @ transpose(y))
rule(linalg.solve,    lambda g, y, a, b: -outer(linalg.solve(transpose(a), g), y, b.ndim == 1),
                      lambda g, y, a, b: linalg.solve(transpose(a), g), broadcasts=True)
rule(linalg.det,      lambda g, y, a: (g * y)[..., None, None] * transpose(linalg.inv(a)))
rule(linalg.cholesky, lambda g, y, a: cholesky_gradient(g, y))
# fmt: on


def transpose(a):
    """Each matrix of a stack transposed.  (…, n, m) → (…, m, n)."""
    return np.swapaxes(a, -1, -2)


def outer(x, y, of_vectors):
    """x yᵀ for columns, or for vectors seen as columns."""
    return x[..., :, None] * y[..., None, :] if of_vectors else x @ transpose(y)


def diagonal_matrix(x):
    """A vector as a diagonal matrix: (..., n) → (..., n, n)."""
    return x[..., None] * backend.library(x).eye(x.shape[-1], dtype=x.dtype)


def cholesky_gradient(g, L):
    """L⁻ᵀ Φ(Lᵀ g) L⁻¹, symmetrised; Φ keeps the lower triangle and halves the diagonal."""
    middle = np.tril(transpose(L) @ g)
    middle = middle - diagonal_matrix(np.diagonal(middle, 0, -2, -1)) / 2
    s = linalg.solve(transpose(L), transpose(linalg.solve(transpose(L), transpose(middle))))
    return (s + transpose(s)) / 2


class SlogdetResult(NamedTuple):
    """The names that NumPy gives to the parts of its result."""

    sign: np.ndarray
    logabsdet: object


@primitive(lambda g, y, a: g[..., None, None] * transpose(linalg.inv(a)))
def log_abs_det(a):
    """ln |det a|, whose derivative is a⁻ᵀ.  (…, n, n) → (…)."""
    return linalg.slogdet(a)[1]


@implements(linalg.slogdet)
def slogdet(a):
    """The sign, a constant array, and ln |det a|."""
    return SlogdetResult(linalg.slogdet(a.data)[0], log_abs_det(a))


# -- eigenvalues of symmetric matrices. One array holds both results: they are computed, and differentiated, together


class EighResult(NamedTuple):
    """The names that NumPy gives to the parts of its result."""

    eigenvalues: object
    eigenvectors: object


def eigensystem_gradient(g, y, a):
    """V (diag(ĝ) + F ∘ (Vᵀ G)) Vᵀ with F_ij = 1 / (λ_j − λ_i) off the diagonal, 0 on it; made symmetric."""
    values, V = y[..., 0, :], y[..., 1:, :]
    gap = values[..., None, :] - values[..., :, None]
    F = np.where(gap == 0, 0, 1 / not_zero(gap))
    inner = diagonal_matrix(g[..., 0, :]) + F * (transpose(V) @ g[..., 1:, :])
    full = V @ inner @ transpose(V)
    return (full + transpose(full)) / 2


@primitive(eigensystem_gradient)
def eigensystem(a):
    """Eigenvalues in row 0, eigenvectors in the columns of the rows below: (..., n, n) → (..., n + 1, n)."""
    values, vectors = linalg.eigh(a)
    return np.concatenate([values[..., None, :], vectors], axis=-2)


@implements(linalg.eigh)
def eigh(a):
    """Of the symmetric part's lower triangle, as NumPy; the gradient is symmetric. Distinct eigenvalues are assumed."""
    both = eigensystem(a)
    return EighResult(both[..., 0, :], both[..., 1:, :])


@implements(linalg.eigvalsh)
def eigvalsh(a):
    """The eigenvalues of `eigh`, smallest first."""
    return eigensystem(a)[..., 0, :]


# -- singular values


def singular_values_by_definition(a):
    """The square roots of the eigenvalues of aᵀa or aaᵀ, whichever is smaller; largest first."""
    square = a @ transpose(a) if a.shape[-2] <= a.shape[-1] else transpose(a) @ a
    return np.flip(np.sqrt(eigvalsh(square)), -1)


def singular_values_gradient(g, y, a):
    """U diag(g) Vᵀ."""
    U, _, Vt = linalg.svd(a, full_matrices=False)
    return (U * g[..., None, :]) @ Vt


@primitive(singular_values_gradient, reference=singular_values_by_definition)
def singular_values(a):
    """Largest first.  (…, n, m) → (…, min(n, m))."""
    return linalg.svd(a, compute_uv=False)


@implements(linalg.svd)
def svd(a, full_matrices=True, compute_uv=True):
    """The singular values alone, for `compute_uv=False`; a TypeError where vectors are asked for."""
    if compute_uv:
        raise TypeError("the singular vectors have no derivative here; use np.linalg.svd(a, compute_uv=False), or eigh")
    return singular_values(a)


@implements(linalg.svdvals)
def svdvals(a):
    """`singular_values` under the name that NumPy has for them."""
    return singular_values(a)


# -- norms


@implements(linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    """√Σ x² with derivative 0 at 0, and the vector norms of order 1 and ∞."""
    is_matrix = x.ndim == 2 if axis is None else isinstance(axis, tuple) and len(axis) == 2
    if ord is None or (ord == 2 and not is_matrix) or (ord == "fro" and is_matrix):
        return euclidean_norm(x, axis, keepdims)
    if ord == 1 and not is_matrix:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == np.inf and not is_matrix:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims)
    raise TypeError(f"np.linalg.norm of order {ord!r} over {'two axes' if is_matrix else 'one'} has no derivative rule")


def euclidean_norm_gradient(g, y, x, axis, keepdims):
    """g x / y, and 0 where y = 0."""
    return spread(g / not_zero(y), x, axis, keepdims) * x


@primitive(euclidean_norm_gradient, None, None)
def euclidean_norm(x, axis, keepdims):
    """√Σ x² along `axis`."""
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
