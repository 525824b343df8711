"""Derivatives of inverses, determinants, products and least squares of matrices, or of stacks in the last two axes.

Eigenvalues, singular values and QR are in `decompositions`, norms in `norms`.

Sources: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation", 2008;
I. Murray, "Differentiation of the Cholesky decomposition", 2016; G. Golub and V. Pereyra, "The differentiation of
pseudo-inverses and nonlinear least squares problems whose variables separate", 1973.
"""

import functools
import math
import operator
from typing import NamedTuple

import numpy as np
from numpy import linalg

from autograd import backend
from autograd.arguments import plain
from autograd.rules.composites import vecdot
from autograd.rules.reductions import product_of_the_others
from autograd.table import implements, refuse, rule, zero_derivative
from autograd.tensor import Tensor, as_array, primitive


def solve(a, b):
    """Return a⁻¹ b for a vector b or for the columns of b.  (…, n, n), (n,) or (…, n, k) → (…, n) or (…, n, k).

    CuPy solves stacks of one shape alone, so stacks of other shapes are stretched first.
    """
    if b.ndim == 1 and a.ndim > 2:
        return solve(a, b[:, None])[..., 0]
    if b.ndim == 1 or a.shape[:-2] == b.shape[:-2]:
        return linalg.solve(a, b)
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return linalg.solve(np.broadcast_to(a, stack + a.shape[-2:]), np.broadcast_to(b, stack + b.shape[-2:]))


# fmt: off
rule(linalg.inv,      lambda g, y, a: -transpose(y) @ g @ transpose(y))
rule(linalg.solve,    lambda g, y, a, b: -outer(solve_transposed(a, g, b), y, b.ndim == 1),
                      lambda g, y, a, b: solve_transposed(a, g, b), broadcasts=True, compute=solve)
rule(linalg.det,      lambda g, y, a: g[..., None, None] * cofactors_of(a, y))
rule(linalg.cholesky, lambda g, y, a: cholesky_gradient(g, y))
rule(linalg.pinv,     lambda g, y, a, rcond=None, rtol=None: pinv_gradient(g, y, a))

implements(linalg.cholesky, lambda a, upper=False: transpose(linalg.cholesky(transpose(a))))

zero_derivative(linalg.matrix_rank)
refuse(
    "a general matrix may have complex eigenvalues; use np.linalg.eigh or eigvalsh for symmetric ones",
    linalg.eig, linalg.eigvals,
)
# fmt: on


def transpose(a):
    """Transpose each matrix of a stack.  (…, n, m) → (…, m, n)."""
    return np.swapaxes(a, -1, -2)


def outer(x, y, of_vectors):
    """x yᵀ for columns, or for vectors seen as columns."""
    return x[..., :, None] * y[..., None, :] if of_vectors else x @ transpose(y)


def solve_transposed(a, g, b):
    """a⁻ᵀ g for the columns of g, or for the vectors of g where b is a vector."""
    return solve(transpose(a), g[..., None])[..., 0] if b.ndim == 1 else solve(transpose(a), g)


def diagonal_matrix(x):
    """A vector as a diagonal matrix: (..., n) → (..., n, n)."""
    return x[..., None] * backend.library(x).eye(x.shape[-1], dtype=x.dtype)


def size(a):
    """√Σ a² of each matrix.  (…, n, m) → (…)."""
    return np.sqrt(np.sum(a * a, axis=(-2, -1)))


def epsilon(a):
    """The relative rounding error of `a`, as a Python float."""
    return float(np.finfo(a.dtype).eps)


def check_square(a):
    """Raise LinAlgError unless `a` is a square matrix or a stack of them."""
    if a.ndim < 2 or a.shape[-2] != a.shape[-1]:
        raise linalg.LinAlgError(f"the last two axes must have one length; the shape is {a.shape}")


@primitive(lambda g, y, a: (g + transpose(g)) / 2)
def mirrored(a):
    """The symmetric matrix whose lower triangle is that of `a`; its gradient is symmetric too, as that of `eigh`."""
    check_square(a)
    return np.tril(a) + transpose(np.tril(a, -1))


@implements(linalg.pinv)
def pinv(a, hermitian=False, **options):
    """The pseudo-inverse of `a` or, for `hermitian`, of the symmetric matrix that has its lower triangle."""
    return linalg.pinv(mirrored(a) if a.size else a, **options)


def cholesky_gradient(g, L):
    """L⁻ᵀ Φ(Lᵀ g) L⁻¹, symmetrised; Φ keeps the lower triangle and halves the diagonal."""
    middle = np.tril(transpose(L) @ g)
    middle = middle - diagonal_matrix(np.diagonal(middle, 0, -2, -1)) / 2
    s = linalg.solve(transpose(L), transpose(linalg.solve(transpose(L), transpose(middle))))
    return (s + transpose(s)) / 2


# -- determinants


def cofactors_of(a, y):
    """∂ det a / ∂a = det(a) a⁻ᵀ, or `cofactors` where a matrix is singular or nearly so.  y: det a."""
    return y[..., None, None] * transpose(linalg.inv(a)) if is_invertible(plain(a), plain(y)) else cofactors(a)


def is_invertible(a, y):
    """Whether no matrix has a condition number above 1/√ε: beyond, det(a) a⁻ᵀ cannot be differentiated again."""
    return bool(np.all(y != 0)) and not bool(np.any(size(a) * size(linalg.inv(a)) > epsilon(a) ** -0.5))


def cofactors_gradient(g, y, a):
    """± U (diag(P m) − P ∘ Mᵀ) Vᵀ with M = Uᵀ g V, its diagonal m, and P_ij = Π sₖ over k ≠ i, j."""
    U, s, Vt, sign = signed_svd(a)
    eye = backend.library(a).eye(s.shape[-1], dtype=s.dtype)
    P = product_of_the_others(np.where(eye == 1, 1, s[..., None, :]))
    M = transpose(U) @ g @ transpose(Vt)
    middle = diagonal_matrix((P @ np.diagonal(M, 0, -2, -1)[..., None])[..., 0]) - P * transpose(M)
    return sign[..., None, None] * (U @ middle @ Vt)


def cofactors_by_minors(a):
    """(−1)ⁱ⁺ʲ det of `a` without row i and column j: a polynomial, so that it has derivatives of any order."""
    n, arange = a.shape[-1], backend.library(a).arange
    i, k = arange(n)[:, None], arange(n - 1)[None, :]
    others = k + (k >= i)  # row i: 0 … n − 1 without i
    minors = linalg.det(a[..., others[:, None, :, None], others[None, :, None, :]])
    return minors * (1 - 2 * ((i + i.T) % 2)).astype(a.dtype)


@primitive(cofactors_gradient, reference=cofactors_by_minors)
def cofactors(a):
    """∂ det a / ∂a = ± U diag(p) Vᵀ with pᵢ = Π sₖ over k ≠ i, whether or not `a` is singular.  (…, n, n)."""
    U, s, Vt, sign = signed_svd(a)
    return (U * (sign[..., None] * product_of_the_others(s))[..., None, :]) @ Vt


def signed_svd(a):
    """U, s, Vᵀ and det(U) det(V), which is 1 or −1."""
    U, s, Vt = linalg.svd(a)
    return U, s, Vt, linalg.det(U) * linalg.det(Vt)


class SlogdetResult(NamedTuple):
    """The names that NumPy gives to the parts of its result."""

    sign: Tensor
    logabsdet: Tensor


@primitive(lambda g, y, a: g[..., None, None] * transpose(linalg.inv(a)))
def log_abs_det(a):
    """ln |det a|, whose derivative is a⁻ᵀ.  (…, n, n) → (…)."""
    return linalg.slogdet(a)[1]


@implements(linalg.slogdet)
def slogdet(a):
    """The sign, a constant, and ln |det a|."""
    return SlogdetResult(Tensor(linalg.slogdet(a.data)[0]), log_abs_det(a))


# -- least squares


def pinv_gradient(g, y, a):
    """(1 − a y) gᵀ y yᵀ + yᵀ y gᵀ (1 − y a) − yᵀ g yᵀ: the derivative among matrices of one rank.

    NaN where `rcond` or `rtol` dropped more of `a` than rounding: y is then not the pseudo-inverse of `a` itself.
    """
    gt, yt = transpose(g), transpose(y)
    gradient = (gt - a @ (y @ gt)) @ y @ yt + yt @ y @ (gt - (gt @ y) @ a) - yt @ g @ yt
    return gradient * np.where(is_pseudo_inverse(plain(a), plain(y)), 1, np.nan)[..., None, None].astype(a.dtype)


def is_pseudo_inverse(a, y):
    """Whether a y a is `a` but for rounding.  (…, n, m), (…, m, n) → (…)."""
    return size(a - a @ y @ a) <= sum(a.shape[-2:]) * epsilon(a) * size(a) ** 2 * size(y)


@implements(linalg.lstsq)
def lstsq(a, b, rcond=None):
    """The shortest x with the least |a x − b|², that is pinv(a) b; the sums of squares; the rank; singular values.

    The rank is a number without a derivative.
    """
    values, residuals, rank, _ = linalg.lstsq(plain(a), plain(b), rcond=rcond)
    a = (a if isinstance(a, Tensor) else Tensor(a)).astype(values.dtype)
    if rcond is None or rcond < 0:
        rcond = float(np.finfo(float).eps) * max(a.shape)
    x = linalg.pinv(a, rcond=rcond) @ b
    squares = np.sum((b - a @ x) ** 2, axis=0)
    return x, squares.reshape(residuals.shape) if residuals.size else Tensor(residuals), rank, linalg.svdvals(a)


# -- products and powers


@implements(linalg.matrix_power)
def matrix_power(a, n):
    """a a … a with n factors; the identity for n = 0, and factors a⁻¹ for n < 0."""
    check_square(a)
    n = operator.index(n)
    if n == 0:
        identity = backend.library(a).eye(a.shape[-1], dtype=a.dtype)
        return np.where(np.ones_like(a, dtype=bool), identity, a)  # depends on a, with derivative 0
    return repeated_product(a if n > 0 else linalg.inv(a), abs(n))


def repeated_product(a, n):
    """a a … a with n ≥ 1 factors, by squaring."""
    if n == 1:
        return a
    half = repeated_product(a, n // 2)
    return half @ half @ a if n % 2 else half @ half


@implements(linalg.multi_dot)
def multi_dot(arrays):
    """The product of matrices, in the order with the fewest multiplications; the first and last may be vectors."""
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    if len(arrays) == 2:
        return np.dot(*arrays)
    first, *between, last = map(as_array, arrays)
    if {x.ndim for x in between} - {2} or {first.ndim, last.ndim} - {1, 2}:
        raise linalg.LinAlgError("np.linalg.multi_dot takes matrices, of which the first and last may be vectors")
    rows, columns = np.reshape(first, (-1, first.shape[-1])), np.reshape(last, (last.shape[0], -1))
    return np.reshape(cheapest_product([rows, *between, columns]), first.shape[:-1] + last.shape[1:])


def cheapest_product(matrices):
    """The product of a list of matrices, split where that costs the fewest multiplications."""
    if len(matrices) == 1:
        return matrices[0]
    _, k = cost_and_split((matrices[0].shape[0], *(m.shape[1] for m in matrices)))
    return cheapest_product(matrices[:k]) @ cheapest_product(matrices[k:])


@functools.lru_cache(1024)
def cost_and_split(sizes):
    """The fewest multiplications for matrices (sizes[i], sizes[i + 1]), and how many stand left of the last product."""
    if len(sizes) == 2:
        return 0, 1
    cost = lambda k: cost_and_split(sizes[: k + 1])[0] + cost_and_split(sizes[k:])[0] + sizes[0] * sizes[k] * sizes[-1]
    return min((cost(k), k) for k in range(1, len(sizes) - 1))


@implements(linalg.tensorsolve)
def tensorsolve(a, b, axes=None):
    """x with tensordot(a, x, x.ndim) = b; `axes` of a are moved to its end first."""
    a, b = as_array(a), as_array(b)
    if axes is not None:
        order = list(range(a.ndim))
        for axis in axes:
            order.remove(axis)
            order.append(axis)
        a = np.transpose(a, order)
    shape = a.shape[-(a.ndim - b.ndim) :]
    n = math.prod(shape)
    if a.size != n**2:
        raise linalg.LinAlgError(f"np.linalg.tensorsolve: {a.shape} is no square matrix for b of shape {b.shape}")
    return linalg.solve(np.reshape(a, (n, n)), np.ravel(b)).reshape(shape)


@implements(linalg.tensorinv)
def tensorinv(a, ind=2):
    """The inverse of `a` seen as a matrix whose rows are the first `ind` axes."""
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    n = math.prod(a.shape[ind:])
    return linalg.inv(a.reshape(n, -1)).reshape(a.shape[ind:] + a.shape[:ind])


# -- functions of the array API, which have twins in NumPy's main namespace


@implements(linalg.cross)
def cross(x1, x2, axis=-1):
    """np.cross of vectors with three elements; raises ValueError for others."""
    x1, x2 = as_array(x1), as_array(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(f"np.linalg.cross takes vectors of three elements, not {x1.shape[axis]} and {x2.shape[axis]}")
    return np.cross(x1, x2, axis=axis)


@implements(linalg.outer)
def outer_product(x1, x2):
    """np.outer of two vectors; raises ValueError for arrays of more axes."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"np.linalg.outer takes vectors, not arrays of {np.ndim(x1)} and {np.ndim(x2)} axes")
    return np.outer(x1, x2)


# fmt: off
implements(linalg.matmul,           lambda x1, x2: np.matmul(x1, x2))
implements(linalg.vecdot,           lambda x1, x2, axis=-1: vecdot(as_array(x1), as_array(x2), axis, False))
implements(linalg.tensordot,        lambda x1, x2, axes=2: np.tensordot(x1, x2, axes))
implements(linalg.matrix_transpose, lambda x: transpose(x))
implements(linalg.diagonal,         lambda x, offset=0: np.diagonal(x, offset, -2, -1))
implements(linalg.trace,            lambda x, offset=0, dtype=None:
                                        np.trace(x if dtype is None else x.astype(dtype), offset, -2, -1))
# fmt: on
