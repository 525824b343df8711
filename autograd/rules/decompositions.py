"""Derivatives of eigenvalues, singular values and QR, and of their vectors.

Sources: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation", 2008;
J. Townsend, "Differentiating the singular value decomposition", 2016.

Two eigenvalues, or two singular values, count as equal where they differ by no more than rounding. Their first
derivatives are then those of one choice of vectors. The derivatives of the vectors, and all higher ones, are NaN there.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy import linalg

from autograd.arguments import plain
from autograd.rules.elementwise import ratio
from autograd.rules.linalg import diagonal_matrix, epsilon, size, transpose
from autograd.table import implements
from autograd.tensor import Tensor, primitive

# -- derivatives that are not known


@primitive(lambda g, y, x, known: np.where(known, g, np.nan), None)
def with_slope_where(x, known):
    """`x` itself. Its derivative is 1 where the boolean array `known` is True, and NaN elsewhere."""
    return x


def zero_or_nan_unless(known, g):
    """`g` where the boolean array `known` is True. Elsewhere 0 where g is 0, and NaN where g is not."""
    return ratio(g, known.astype(g.dtype))


def reciprocal_where(condition, x):
    """1 / x where the boolean array `condition` is True, else 0."""
    return np.where(condition, 1 / np.where(condition, x, 1), 0)


# -- eigenvalues of symmetric matrices. One array holds values and vectors, which are differentiated together


class EighResult(NamedTuple):
    """The result of np.linalg.eigh, with NumPy's names.

    eigenvalues: (…, n), smallest first; eigenvectors: (…, n, n), in columns.
    """

    eigenvalues: Tensor
    eigenvectors: Tensor


def gaps(values):
    """The differences of `values`: value j less value i, in row i and column j.  (…, n) → (…, n, n)"""
    return values[..., None, :] - values[..., :, None]


def are_apart(values):
    """Whether `values` i and j differ by more than rounding, as a plain array.  (…, n) → (…, n, n)"""
    values = plain(values)
    return np.abs(gaps(values)) > values.shape[-1] * epsilon(values) * size(values[..., None])[..., None, None]


def are_simple(apart):
    """Whether each value is apart from all others.  apart: the result of `are_apart`, (…, n, n) → (…, n)"""
    return np.sum(apart, axis=-1) == apart.shape[-1] - 1


def eigensystem_gradient(g, y, a, UPLO="L"):
    """∂L/∂a for y = eigensystem(a), where g = ∂L/∂y:  V (diag(ĝ) + F ∘ (Vᵀ G)) Vᵀ, made symmetric.

    ĝ and G are the gradients of the eigenvalues λ and of the eigenvectors V; F_ij = 1 / (λ_j − λ_i), and 0 where they
    count as equal. There G gives NaN unless it is 0. UPLO: as given to eigensystem; it does not matter here.
    """
    values, V = y[..., 0, :], y[..., 1:, :]
    apart = are_apart(values)
    simple = are_simple(apart)
    of_values = with_slope_where(g[..., 0, :], simple)
    of_vectors = zero_or_nan_unless(simple[..., None, :], g[..., 1:, :])
    F = reciprocal_where(apart, gaps(values))
    full = V @ (diagonal_matrix(of_values) + F * (transpose(V) @ of_vectors)) @ transpose(V)
    return (full + transpose(full)) / 2


@primitive(eigensystem_gradient)
def eigensystem(a, UPLO="L"):
    """Eigenvalues, smallest first, in row 0, each above its eigenvector of norm 1.  a: (…, n, n) → (…, n + 1, n)

    UPLO: "L" or "U", the triangle of the symmetric matrix `a` that is read.
    """
    values, vectors = linalg.eigh(a, UPLO)
    return np.concatenate([values[..., None, :], vectors], axis=-2)


@implements(linalg.eigh)
def eigh(a, UPLO="L"):
    """np.linalg.eigh on Tensors: eigenvalues, smallest first, and eigenvectors (in columns) of a symmetric matrix.

    a: (…, n, n); UPLO: "L" or "U", the triangle of `a` that is read. The gradient of `a` is symmetric for both. It is
    NaN if the loss depends on an eigenvector whose eigenvalue is not simple. If the loss depends on the eigenvalues λ
    alone, the gradient is V diag(g) Vᵀ with g = ∂L/∂λ; its own derivative is NaN if an eigenvalue is not simple.
    """
    both = eigensystem(a, UPLO=UPLO)
    return EighResult(both[..., 0, :], both[..., 1:, :])


@implements(linalg.eigvalsh)
def eigvalsh(a, UPLO="L"):
    """np.linalg.eigvalsh on Tensors: the eigenvalues of `eigh`, smallest first.  (…, n, n) → (…, n)"""
    return eigh(a, UPLO).eigenvalues


# -- singular values


class SVDResult(NamedTuple):
    """The result of np.linalg.svd, a = U diag(S) Vh, with NumPy's names.

    U: (…, n, k), singular vectors in columns; S: (…, k), singular values, largest first; Vh: (…, k, m), singular
    vectors in rows; k = min(n, m).
    """

    U: Any
    S: Any
    Vh: Any


def have_singular_vectors(s, apart, a):
    """Whether singular vectors i have a derivative: value i is simple and, unless `a` is square, not 0.  (…, k)

    s: singular values of `a`, (…, k), a plain array; apart: are_apart(s).
    """
    simple = are_simple(apart)
    if a.shape[-2] == a.shape[-1]:
        return simple
    return simple & (s > max(a.shape[-2:]) * epsilon(s) * size(s[..., None])[..., None])


def singular_values_gradient(g, y, a):
    """∂L/∂a for y = singular_values(a), where g = ∂L/∂y:  U diag(g) Vᵀ."""
    U, s, Vt = linalg.svd(a, full_matrices=False)
    known = have_singular_vectors(plain(s), are_apart(s), a)
    return (U * with_slope_where(g, known)[..., None, :]) @ Vt


@primitive(singular_values_gradient)
def singular_values(a):
    """The singular values of `a`, largest first.  (…, n, m) → (…, min(n, m))"""
    return linalg.svd(a, compute_uv=False)


def parts_of_system(y, rows):
    """(s, U, V) out of `y`, the result of `singular_system`.  rows: the number of rows of U."""
    return y[..., 0, :], y[..., 1 : rows + 1, :], y[..., rows + 1 :, :]


def singular_system_gradient(g, y, a):
    """∂L/∂a for y = singular_system(a), where g = ∂L/∂y has the parts ĝ, G_U and G_V.

    U (diag(ĝ) + J S + S K) Vᵀ + (1 − U Uᵀ) G_U S⁻¹ Vᵀ + U S⁻¹ G_Vᵀ (1 − V Vᵀ), where
    J = F ∘ (Uᵀ G_U − G_Uᵀ U) and K = F ∘ (Vᵀ G_V − G_Vᵀ V), with F_ij = 1 / (s_j² − s_i²),
    and 0 where s_i and s_j count as equal.
    """
    s, U, V = parts_of_system(y, a.shape[-2])
    g_s, g_U, g_V = parts_of_system(g, a.shape[-2])
    apart = are_apart(s)
    known = have_singular_vectors(plain(s), apart, a)
    g_s = with_slope_where(g_s, known)
    g_U, g_V = (zero_or_nan_unless(known[..., None, :], x) for x in (g_U, g_V))
    F = reciprocal_where(apart, gaps(s) * (s[..., None, :] + s[..., :, None]))
    J, K = (F * (transpose(W) @ x - transpose(x) @ W) for W, x in ((U, g_U), (V, g_V)))
    middle = diagonal_matrix(g_s) + J * s[..., None, :] + s[..., :, None] * K
    inside = U @ middle @ transpose(V)
    if a.shape[-2] == a.shape[-1]:
        return inside
    r = reciprocal_where(known, s)[..., None, :]
    return inside + outside(U, g_U * r) @ transpose(V) + U @ transpose(outside(V, g_V * r))


def outside(W, x):
    """(1 − W Wᵀ) x: the part of the columns of x that is orthogonal to the columns of W, which are orthonormal."""
    return x - W @ (transpose(W) @ x)


@primitive(singular_system_gradient)
def singular_system(a):
    """Singular values of a real `a`, largest first, in row 0; then U; then V.  (…, n, m) → (…, 1 + n + m, min(n, m))"""
    U, s, Vt = linalg.svd(a, full_matrices=False)
    return np.concatenate([s[..., None, :], U, transpose(Vt)], axis=-2)


@implements(linalg.svd)
def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    """np.linalg.svd on Tensors: U, s and Vᵀ with a = U diag(s) Vᵀ, or s alone without `compute_uv`.

    hermitian: use `eigh`, with its derivatives, for the symmetric matrix in the lower triangle of `a`. Else the
    gradient of `a` is NaN if the loss depends on singular vectors whose singular value is not simple, or is 0 in a
    matrix that is not square; if the loss depends on s alone, it is U diag(g) Vᵀ with g = ∂L/∂s. Raises TypeError if
    vectors are asked for with full_matrices=True and `a` is not square.
    """
    if hermitian:
        return svd_of_symmetric(a, compute_uv)
    if not compute_uv:
        return singular_values(a)
    if full_matrices and a.ndim > 1 and a.shape[-2] != a.shape[-1]:
        raise TypeError(
            "np.linalg.svd on a Tensor does not take the option full_matrices; give full_matrices=False where a matrix "
            "is not square, since the further vectors have no derivative"
        )
    s, U, V = parts_of_system(singular_system(a), a.shape[-2])
    return SVDResult(U, s, transpose(V))


def svd_of_symmetric(a, compute_uv):
    """U, s and Vᵀ of the symmetric matrix in the lower triangle of `a`, or s alone without `compute_uv`.

    The singular values are |λ| of the eigenvalues λ, largest first. U has the eigenvectors; V the same times the sign
    of λ.
    """
    values, vectors = eigh(a)
    order = np.argsort(np.abs(values.data), axis=-1)[..., ::-1]
    s = np.take_along_axis(np.abs(values), order, axis=-1)
    if not compute_uv:
        return s
    sign = np.take_along_axis(np.copysign(np.ones_like(values.data), values.data), order, axis=-1)
    U = np.take_along_axis(vectors, order[..., None, :], axis=-1)
    return SVDResult(U, s, transpose(U * sign[..., None, :]))


@implements(linalg.svdvals)
def svdvals(x):
    """np.linalg.svdvals on Tensors: the singular values of x, largest first.  (…, n, m) → (…, min(n, m))"""
    return singular_values(x)


# -- QR


class QRResult(NamedTuple):
    """The result of np.linalg.qr, a = Q R, with NumPy's names.

    Q: (…, n, k), orthonormal columns; R: (…, k, m), upper triangular; k = min(n, m).
    """

    Q: Tensor
    R: Tensor


def orthogonal_triangular_gradient(g, y, a):
    """∂L/∂a for y = orthogonal_triangular(a), where g = ∂L/∂y, like y, has the rows G_Q, then G_R.

    (G_Q + Q (tril M + (tril₋₁ M)ᵀ)) R⁻ᵀ with M = R G_Rᵀ − G_Qᵀ Q; tril₋₁ leaves out the diagonal. Raises LinAlgError
    if R has a 0 on its diagonal, on the host. Linearly dependent columns may leave a rounding error there: a
    meaningless gradient.
    """
    n = a.shape[-2]
    (Q, R), (g_Q, g_R) = ((x[..., :n, :], x[..., n:, :]) for x in (y, g))
    M = R @ transpose(g_R) - transpose(g_Q) @ Q
    full = g_Q + Q @ (np.tril(M) + transpose(np.tril(M, -1)))
    return transpose(linalg.solve(R, transpose(full)))


@primitive(orthogonal_triangular_gradient)
def orthogonal_triangular(a):
    """The rows of Q, then those of R, of a = Q R with n ≥ m.  (…, n, m) → (…, n + m, m)"""
    Q, R = linalg.qr(a)
    return np.concatenate([Q, R], axis=-2)


@implements(linalg.qr)
def qr(a, mode="reduced"):
    """np.linalg.qr on Tensors: Q and R = Qᵀ a, or R alone in mode "r".

    Of a wide matrix with n rows, Q is the Q of its first n columns. Raises TypeError for another mode than "reduced",
    "r" and "complete", and for "complete" if `a` has more rows than columns.
    """
    rows, columns = a.shape[-2:]
    if mode not in ("reduced", "r", "complete") or (mode == "complete" and rows > columns):
        raise TypeError(
            f'np.linalg.qr on a Tensor does not take the option mode; mode="{mode}" of a matrix of shape '
            f'{(rows, columns)} has no derivative, so use mode="reduced" or mode="r"'
        )
    both = orthogonal_triangular(a[..., :rows])
    Q, R = both[..., :rows, :], both[..., rows:, :]
    if columns > rows:
        R = np.concatenate([R, transpose(Q) @ a[..., rows:]], axis=-1)
    return R if mode == "r" else QRResult(Q, R)
