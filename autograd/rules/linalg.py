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
    """a⁻¹ b of arrays or Tensors, for a vector or a matrix b.  (…, n, n), (n,) or (…, n, k) → (…, n) or (…, n, k)

    CuPy solves stacks of one shape alone, so other stacks are stretched to one first.
    """
    if b.ndim == 1:
        return solve(a, b[:, None])[..., 0]
    if a.shape[:-2] == b.shape[:-2]:
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
    """The transpose of each matrix in a stack.  a: (…, n, m) → (…, m, n)"""
    return np.swapaxes(a, -1, -2)


def outer(x, y, of_vectors):
    """x yᵀ of matrices, or of vectors seen as columns.  (…, n, k), (…, m, k) or (…, n), (…, m) → (…, n, m)

    of_vectors: whether x and y are vectors or stacks of them.
    """
    return x[..., :, None] * y[..., None, :] if of_vectors else np.matmul(x, transpose(y))


def solve_transposed(a, g, b):
    """a⁻ᵀ g for the columns of g, or for the vectors in g if `b`, the right side of np.linalg.solve, is a vector."""
    return solve(transpose(a), g[..., None])[..., 0] if b.ndim == 1 else solve(transpose(a), g)


def diagonal_matrix(x):
    """Diagonal matrices with the vectors `x` on the diagonal.  (…, n) → (…, n, n)"""
    return x[..., None] * backend.library(x).eye(x.shape[-1], dtype=x.dtype)


def size(a):
    """The Frobenius norm √Σ a² of each matrix.  a: (…, n, m) → (…)"""
    return np.sqrt(np.sum(a * a, axis=(-2, -1)))


def epsilon(a):
    """The relative rounding error of the dtype of `a`, as a Python float."""
    return float(np.finfo(a.dtype).eps)


def check_square(a):
    """Raise LinAlgError unless `a` is a square matrix or a stack of them, (…, n, n)."""
    if a.ndim < 2 or a.shape[-2] != a.shape[-1]:
        raise linalg.LinAlgError(
            f"square matrices are needed: the last two axes must have one length, and the shape is {a.shape}"
        )


@primitive(lambda g, y, a: (g + transpose(g)) / 2)
def mirrored(a):
    """The symmetric matrix with the lower triangle of `a`, (…, n, n). The gradient is symmetric, as in `eigh`."""
    check_square(a)
    return np.tril(a) + transpose(np.tril(a, -1))


@implements(linalg.pinv)
def pinv(a, hermitian=False, **options):
    """np.linalg.pinv on Tensors for hermitian=True: the pseudo-inverse of the symmetric matrix in a's lower triangle.

    hermitian: not read, since calls without it have a rule; options: `rcond` or `rtol`, as in NumPy.
    """
    return linalg.pinv(mirrored(a) if a.size else a, **options)


def cholesky_gradient(g, L):
    """∂loss/∂a for L = cholesky(a), a = L Lᵀ, where g = ∂loss/∂L:  L⁻ᵀ Φ(Lᵀ g) L⁻¹, made symmetric.

    Φ keeps the lower triangle and halves the diagonal.
    """
    middle = np.tril(transpose(L) @ g)
    middle = middle - diagonal_matrix(np.diagonal(middle, 0, -2, -1)) / 2
    s = linalg.solve(transpose(L), transpose(linalg.solve(transpose(L), transpose(middle))))
    return (s + transpose(s)) / 2


# -- determinants


def cofactors_of(a, y):
    """∂ det a / ∂a for y = det a:  y a⁻ᵀ, or `cofactors(a)` if any matrix is singular or nearly so.  (…, n, n)"""
    return y[..., None, None] * transpose(linalg.inv(a)) if is_invertible(plain(a), plain(y)) else cofactors(a)


def is_invertible(a, y):
    """True if no matrix in `a`, with determinants y, is singular or has a condition number above 1/√ε, ε = epsilon(a).

    Beyond 1/√ε y a⁻ᵀ cannot be differentiated again.
    """
    return bool(np.all(y != 0)) and not bool(np.any(size(a) * size(linalg.inv(a)) > epsilon(a) ** -0.5))


def cofactors_gradient(g, y, a):
    """∂L/∂a for y = cofactors(a), where g = ∂L/∂y:  ± U (diag(P m) − P ∘ Mᵀ) Vᵀ with a = U diag(s) Vᵀ.

    M = Uᵀ g V, m is its diagonal, P_ij = Π sₖ over k ≠ i, j, and ± is det(U) det(V).
    """
    U, s, Vt, sign = signed_svd(a)
    eye = backend.library(a).eye(s.shape[-1], dtype=s.dtype)
    P = product_of_the_others(np.where(eye == 1, 1, s[..., None, :]))
    M = transpose(U) @ g @ transpose(Vt)
    middle = diagonal_matrix((P @ np.diagonal(M, 0, -2, -1)[..., None])[..., 0]) - P * transpose(M)
    return sign[..., None, None] * (U @ middle @ Vt)


def cofactors_by_minors(a):
    """(−1)ⁱ⁺ʲ det (`a` without row i and column j), (…, n, n): polynomials, which have derivatives of any order."""
    n, arange = a.shape[-1], backend.library(a).arange
    i, k = arange(n)[:, None], arange(n - 1)[None, :]
    others = k + (k >= i)  # row i: 0 … n − 1 without i
    minors = linalg.det(a[..., others[:, None, :, None], others[None, :, None, :]])
    return minors * (1 - 2 * ((i + i.T) % 2)).astype(a.dtype)


@primitive(cofactors_gradient, reference=cofactors_by_minors)
def cofactors(a):
    """∂ det a / ∂a = ± U diag(p) Vᵀ, (…, n, n), with pᵢ = Π sₖ over k ≠ i and a = U diag(s) Vᵀ, singular or not."""
    U, s, Vt, sign = signed_svd(a)
    return (U * (sign[..., None] * product_of_the_others(s))[..., None, :]) @ Vt


def signed_svd(a):
    """(U, s, Vᵀ, det(U) det(V)) of square matrices `a` = U diag(s) Vᵀ. The last one is 1 or −1 but for rounding."""
    U, s, Vt = linalg.svd(a)
    return U, s, Vt, linalg.det(U) * linalg.det(Vt)


class SlogdetResult(NamedTuple):
    """The result of np.linalg.slogdet, with NumPy's names.  sign: 1, −1 or 0, a constant; logabsdet: ln |det a|."""

    sign: Tensor
    logabsdet: Tensor


@primitive(lambda g, y, a: g[..., None, None] * transpose(linalg.inv(a)))
def log_abs_det(a):
    """ln |det a|, whose derivative is a⁻ᵀ: a singular matrix has the value −∞ and no gradient.  (…, n, n) → (…)"""
    return linalg.slogdet(a)[1]


@implements(linalg.slogdet)
def slogdet(a):
    """np.linalg.slogdet on Tensors: (sign of det a, ln |det a|). The sign is a constant.

    The gradient of ln |det a| raises LinAlgError at a singular matrix on the host.
    """
    return SlogdetResult(Tensor(linalg.slogdet(a.data)[0]), log_abs_det(a))


# -- least squares


def pinv_gradient(g, y, a):
    """∂L/∂a for the pseudo-inverse y of `a`, where g = ∂L/∂y:  (1 − a y) gᵀ y yᵀ + yᵀ y gᵀ (1 − y a) − yᵀ g yᵀ.

    This is the derivative among matrices of one rank. It is NaN where the option `rcond` or `rtol` dropped more of `a`
    than rounding: y is then not the pseudo-inverse of `a` itself.
    """
    gt, yt = transpose(g), transpose(y)
    gradient = (gt - a @ (y @ gt)) @ y @ yt + yt @ y @ (gt - (gt @ y) @ a) - yt @ g @ yt
    return gradient * np.where(is_pseudo_inverse(plain(a), plain(y)), 1, np.nan)[..., None, None].astype(a.dtype)


def is_pseudo_inverse(a, y):
    """Whether a y a is `a` but for rounding, for each matrix.  a: (…, n, m), y: (…, m, n) → (…)"""
    return size(a - a @ y @ a) <= sum(a.shape[-2:]) * epsilon(a) * size(a) ** 2 * size(y)


@implements(linalg.lstsq)
def lstsq(a, b, rcond=None):
    """np.linalg.lstsq on Tensors: (x, sums of squares, rank, singular values), where x has the least |a x − b|².

    x is pinv(a) b, the shortest such. The sums |a x − b|², one for each column of b, are an empty array unless `a` has
    more rows than columns and full rank. The rank is a number without a derivative. rcond: singular values below rcond
    times the largest count as 0; None: the float64 rounding error times the longer side of `a`.
    """
    values, residuals, rank, _ = linalg.lstsq(plain(a), plain(b), rcond=rcond)
    a = (a if isinstance(a, Tensor) else Tensor(a)).astype(values.dtype)
    if rcond is None or not 0 < rcond < 1:  # outside, LAPACK takes the rounding error
        rcond = float(np.finfo(float).eps) * max(a.shape)
    x = linalg.pinv(a, rcond=rcond) @ b
    squares = np.sum((b - a @ x) ** 2, axis=0)
    return x, squares.reshape(residuals.shape) if residuals.size else Tensor(residuals), rank, linalg.svdvals(a)


# -- products and powers


@implements(linalg.matrix_power)
def matrix_power(a, n):
    """np.linalg.matrix_power on Tensors: a a … a with n factors; the identity for n = 0, factors a⁻¹ for n < 0.

    Raises LinAlgError if `a` is not square, and TypeError if n is not a whole number.
    """
    check_square(a)
    n = operator.index(n)
    if n == 0:
        identity = backend.library(a).eye(a.shape[-1], dtype=a.dtype)
        return np.where(np.ones_like(a, dtype=bool), identity, a)  # depends on a, with derivative 0
    return repeated_product(a if n > 0 else linalg.inv(a), abs(n))


def repeated_product(a, n):
    """The matrix product a a … a with n ≥ 1 factors, by squaring."""
    if n == 1:
        return a
    half = repeated_product(a, n // 2)
    return half @ half @ a if n % 2 else half @ half


@implements(linalg.multi_dot)
def multi_dot(arrays):
    """np.linalg.multi_dot on Tensors: the product of matrices, in the order with the fewest multiplications.

    arrays: a sequence; the first and the last may be vectors. Raises ValueError for fewer than two, and among three or
    more LinAlgError for another number of axes; two are given to np.dot.
    """
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    if len(arrays) == 2:
        return np.dot(*arrays)
    first, *between, last = map(as_array, arrays)
    if {x.ndim for x in between} - {2} or {first.ndim, last.ndim} - {1, 2}:
        raise linalg.LinAlgError("np.linalg.multi_dot takes matrices; only the first and the last may be vectors")
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
    """(fewest multiplications, k) for the product of matrices of the shapes (sizes[i], sizes[i + 1]).

    The last product is (product of the first k) @ (product of the others).
    """
    if len(sizes) == 2:
        return 0, 1
    cost = lambda k: cost_and_split(sizes[: k + 1])[0] + cost_and_split(sizes[k:])[0] + sizes[0] * sizes[k] * sizes[-1]
    return min((cost(k), k) for k in range(1, len(sizes) - 1))


@implements(linalg.tensorsolve)
def tensorsolve(a, b, axes=None):
    """np.linalg.tensorsolve on Tensors: the x with tensordot(a, x, x.ndim) = b.

    axes: axes of a that are moved to its end first; a then has the shape b.shape + x.shape. Raises LinAlgError if b and
    x differ in size, or, on the host, if a is singular.
    """
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
    """np.linalg.tensorinv on Tensors: the inverse of `a` seen as a matrix whose rows are the first `ind` axes.

    The axes of the rows come last in the result. Raises ValueError if `ind` is not positive.
    """
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    n = math.prod(a.shape[ind:])
    return linalg.inv(a.reshape(n, -1)).reshape(a.shape[ind:] + a.shape[:ind])


# -- functions of the array API that NumPy's main namespace has too


@implements(linalg.cross)
def cross(x1, x2, axis=-1):
    """np.linalg.cross on Tensors: x1 × x2 of vectors along `axis`. Raises ValueError unless they have 3 elements."""
    x1, x2 = as_array(x1), as_array(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(f"np.linalg.cross takes vectors of three elements, not {x1.shape[axis]} and {x2.shape[axis]}")
    return np.cross(x1, x2, axis=axis)


@implements(linalg.outer)
def outer_product(x1, x2):
    """np.linalg.outer on Tensors: x1 x2ᵀ of two vectors. Raises ValueError for arrays of more axes or none."""
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
