"""`np.linalg` where matrices are singular, eigenvalues are equal, and options differ from NumPy's defaults."""

import itertools

import numpy as np
import pytest

from autograd import Tensor, check_grads, grad, hessian, hvp, jacobian
from autograd.rules.linalg import cofactors, cofactors_by_minors, cost_and_split
from autograd.table import COMPOSITES, REFUSED, RULES, ZERO_DERIVATIVE

la = np.linalg


def gradient(f, x):
    x = Tensor(x, requires_grad=True)
    return grad(np.sum(f(x)), x).data


def rotation(n, seed=0):
    """An orthogonal matrix."""
    return la.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def with_eigenvalues(values, seed=0):
    Q = rotation(len(values), seed)
    return Q @ np.diag(values) @ Q.T


def with_singular_values(values, rows, columns):
    return rotation(rows, 1)[:, : len(values)] @ np.diag(values) @ rotation(columns, 2)[: len(values)]


def identity_hessian(shape):
    """∂x_ij / ∂x_kl."""
    n = int(np.prod(shape))
    return np.eye(n).reshape(*shape, *shape)


def close(found, expected, tolerance=1e-11):
    found = found.data if isinstance(found, Tensor) else found
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_every_function_of_linalg_is_in_a_table():
    tables = {*RULES, *COMPOSITES, *ZERO_DERIVATIVE, *REFUSED}
    assert [name for name in la.__all__ if getattr(la, name) not in tables] == ["LinAlgError"]


@pytest.mark.parametrize("function", [la.eig, la.eigvals])
def test_eigenvalues_of_a_general_matrix_are_refused_with_the_cure(function):
    with pytest.raises(TypeError, match=r"np\.linalg\.eigh"):
        function(Tensor(np.eye(2)))


# -- values


SQUARE = np.random.default_rng(1).standard_normal((2, 3, 3)) + 3 * np.eye(3)
STACK = np.random.default_rng(2).standard_normal((2, 3, 4))
CALLS = {
    "cholesky upper": lambda a: la.cholesky(a @ np.swapaxes(a, -1, -2), upper=True),
    "eigh U": lambda a: la.eigh(a, "U"),
    "eigh l": lambda a: la.eigh(a, UPLO="l"),
    "eigvalsh U": lambda a: la.eigvalsh(a, "U"),
    "svd square": lambda a: la.svd(a),
    "svd reduced": lambda a: la.svd(a[..., :2], False),
    "svd wide": lambda a: la.svd(a[..., :2, :], full_matrices=False),
    "svd values": lambda a: la.svd(a, compute_uv=False),
    "svd hermitian": lambda a: la.svd(a, hermitian=True),
    "svd hermitian values": lambda a: la.svd(a, compute_uv=False, hermitian=True),
    "qr": lambda a: la.qr(a[..., :2]),
    "qr wide": lambda a: la.qr(a[:, :2], "reduced"),
    "qr wide complete": lambda a: la.qr(a[:, :2], "complete"),
    "qr r": lambda a: la.qr(a[..., :2], mode="r"),
    "qr wide r": lambda a: la.qr(a[:, :2], mode="r"),
    "pinv": lambda a: la.pinv(a[..., :2]),
    "pinv cut off": lambda a: la.pinv(a, 0.5),
    "pinv rtol": lambda a: la.pinv(a, rtol=0.5),
    "pinv hermitian": lambda a: la.pinv(a, hermitian=True),
    "lstsq": lambda a: la.lstsq(a[0][:, :2], a[1]),
    "lstsq vector": lambda a: la.lstsq(a[0][:, :2], a[1, 0], rcond=-1),
    "lstsq wide": lambda a: la.lstsq(a[0, :2], a[1, 0, :2], rcond=None),
    "lstsq cut off": lambda a: la.lstsq(a[0], a[1], 0.5),
    "slogdet": la.slogdet,
    "tensorinv": lambda a: la.tensorinv(a.reshape(3, 3, 2)[:, 0, :].reshape(1, 6)[:, :1].reshape(1, 1), 1),
    "tensorinv ind": lambda a: la.tensorinv(a[0].reshape(3, 1, 3), ind=1),
    "tensorsolve": lambda a: la.tensorsolve(a[0].reshape(3, 1, 3), a[1, 0]),
    "tensorsolve axes": lambda a: la.tensorsolve(a[0].reshape(3, 1, 3), a[1, :1], axes=(0,)),
    "multi_dot": lambda a: la.multi_dot([a[0, 0], a[1], a[0], a[1, :, :2], a[0, 0, :2]]),
    **{f"matrix_power {n}": lambda a, n=n: la.matrix_power(a, n) for n in range(-3, 8)},
    **{f"cond {p}": lambda a, p=p: la.cond(a, p) for p in (None, 1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc")},
    "cross": lambda a: la.cross(a, a[0], axis=1) if a.ndim == 2 else la.cross(a[0], a[1], axis=0),
    "diagonal": lambda a: la.diagonal(a, offset=-1),
    "trace": lambda a: la.trace(a, offset=1),
    "vecdot": lambda a: la.vecdot(a[0], a[1], axis=0),
    "outer": lambda a: la.outer(a[0, 0], a[1, 0]),
    "tensordot": lambda a: la.tensordot(a, a, axes=((0, 1), (0, 2))),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_values_and_names_are_those_of_numpy(call):
    expected, found = call(SQUARE), call(Tensor(SQUARE, requires_grad=True))
    assert getattr(found, "_fields", None) == getattr(expected, "_fields", None)
    several = isinstance(expected, tuple)
    for y, t in zip(expected if several else [expected], found if several else [found], strict=True):
        assert (t.shape, t.dtype) == (y.shape, y.dtype)
        close(t, y)


VECTOR_ORDERS = [None, 2, 1, np.inf, -np.inf, 0, 3, 0.5, 2.5, -1, -2]
MATRIX_ORDERS = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("order", "axis"),
    [*itertools.product(VECTOR_ORDERS, [1, (-1,)]), *itertools.product(MATRIX_ORDERS, [(0, 2), (-1, 1)])],
)
def test_norms_of_all_orders_are_those_of_numpy(order, axis, keepdims):
    for x in (STACK, STACK.astype(np.float32), np.rint(3 * STACK).astype(int) * 2 + 1):
        expected, found = (la.norm(t, order, axis, keepdims) for t in (x, Tensor(x)))
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        close(found, expected, 1e-6 if x.dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("axis", [None, 0, (0, 2), (2, 1, 0)])
@pytest.mark.parametrize("order", VECTOR_ORDERS[1:])
def test_vector_norms_are_those_of_numpy(order, axis):
    close(la.vector_norm(Tensor(STACK), axis=axis, ord=order), la.vector_norm(STACK, axis=axis, ord=order), 1e-12)


@pytest.mark.parametrize(
    ("order", "axis"), [(2, None), ("nuc", 0), ("x", (0, 1)), (3, (0, 1)), (None, (1, 1)), (None, (0, 1, 2))]
)
def test_norms_that_numpy_refuses_raise_as_there(order, axis):
    with pytest.raises(ValueError) as theirs:  # noqa: PT011, the message is compared below
        la.norm(STACK, order, axis)
    with pytest.raises(ValueError) as ours:  # noqa: PT011
        la.norm(Tensor(STACK), order, axis)
    if axis != (1, 1):
        assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda a: la.svd(a), "full_matrices=False"),
        (lambda a: la.qr(a, "complete"), 'mode="reduced"'),
        (lambda a: la.qr(a, "raw"), 'mode="reduced"'),
    ],
)
def test_what_has_no_derivative_is_refused_with_the_cure(call, cure):
    with pytest.raises(TypeError, match=cure):
        call(Tensor(STACK.swapaxes(1, 2)))


# -- solve, det, pinv, cond


def test_solve_takes_a_vector_for_a_stack_of_as_many_matrices():
    A, b = SQUARE.repeat(2, 0)[:3] + np.arange(3)[:, None, None] * np.eye(3), np.array([1.0, -2.0, 0.5])
    inverse = la.inv(A)
    y = Tensor(b, requires_grad=True)
    close(jacobian(lambda b: la.solve(A, b), y), inverse)
    check_grads(la.solve, A, b, order=2)


@pytest.mark.parametrize(
    "shapes", [((2, 1, 3, 3), (4, 3, 2)), ((3, 3), (2, 3, 1)), ((2, 3, 3), (3, 2)), ((2, 3, 3), (3,))]
)
def test_solve_stretches_stacks(shapes, rng, library):
    A, b = rng.standard_normal(shapes[0]) + 4 * np.eye(3), rng.standard_normal(shapes[1])
    check_grads(la.solve, A, b, order=2)


SINGULAR = {
    "zero": np.zeros((3, 3)),
    "rank 1": np.outer([1.0, 2.0, -1.0], [0.5, 1.0, 3.0]),
    "rank 2": np.diag([2.0, 3.0, 0.0]),
    "rank 2, to rounding": np.arange(1.0, 10.0).reshape(3, 3),
    "equal singular values": np.diag([2.0, 2.0, 0.0]),
    "identity": np.eye(3),
    "nearly singular": with_singular_values([3.0, 1.0, 1e-13], 3, 3),
    "regular": np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 1.0]]),
    "stack": np.stack([np.eye(3), np.diag([1.0, 0.0, 2.0])]),
}


def expanded_det(x):
    """The determinant of a 3 × 3 matrix, written out."""
    a, b, c = x[..., 0, :], x[..., 1, :], x[..., 2, :]
    terms = (
        a[..., i] * (b[..., j] * c[..., k] - b[..., k] * c[..., j]) for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    )
    return sum(terms)


def derivatives_along(f, a, directions):
    """∇F, ∇⟨∇F, v₁⟩ and ∇⟨∇⟨∇F, v₁⟩, v₂⟩ of F = Σ f."""
    x = Tensor(a, requires_grad=True)
    found = [grad(np.sum(f(x)), x, create_graph=True)]
    for v in directions:
        found.append(grad(np.sum(found[-1] * v), x, create_graph=True))
    return found


@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR)
def test_det_has_derivatives_of_three_orders_at_any_matrix(a, rng):
    directions = rng.standard_normal((2, *a.shape))
    expected = derivatives_along(expanded_det, a, directions)
    for y, e in zip(derivatives_along(la.det, a, directions), expected, strict=True):
        close(y, e.data)
    close(gradient(la.det, a), expected[0].data)
    close(hvp(lambda x: np.sum(la.det(x)), a, directions[0]), expected[1].data)


@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR)
def test_gradients_of_det_are_central_differences(a, library):
    check_grads(la.det, a, order=2)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_cofactors_are_the_signed_minors(n, rng):
    a = rng.standard_normal((2, n, n))
    close(cofactors(a), cofactors_by_minors(a))
    close(cofactors(a), la.det(a)[:, None, None] * np.swapaxes(la.inv(a), 1, 2))


def test_hessian_of_log_det_is_that_of_the_book():
    """∂² ln det A / ∂A_ij ∂A_kl = − (A⁻¹)_jk (A⁻¹)_li."""
    A = SQUARE[0]
    expected = -np.einsum("jk,li->ijkl", la.inv(A), la.inv(A))
    close(hessian(lambda x: la.slogdet(x).logabsdet, A), expected)
    close(hessian(lambda x: np.log(la.det(x)), A), expected)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (3, 3), (2, 4, 2)])
def test_the_pseudo_inverse_of_full_rank_to_second_order(shape, rng):
    check_grads(la.pinv, rng.standard_normal(shape) + np.eye(*shape[-2:]), order=2)


def test_the_pseudo_inverse_among_matrices_of_one_rank(rng):
    """At rank 1 the derivative along u vᵀ is that of v uᵀ / (|u|² |v|²)."""
    u, v, du, dv, w = rng.standard_normal((5, 3))
    along = du[:, None] * v + u[:, None] * dv
    W = np.outer(w, du)
    closed = lambda u, v: np.sum(W * (v[:, None] * u) / (np.sum(u * u) * np.sum(v * v)))
    slopes = [gradient(lambda t: closed(t, v), u), gradient(lambda t: closed(u, t), v)]
    found = gradient(lambda a: W * la.pinv(a), np.outer(u, v))
    assert np.sum(found * along) == pytest.approx(slopes[0] @ du + slopes[1] @ dv, rel=1e-10)


def test_the_pseudo_inverse_without_much_of_the_matrix_has_no_known_derivative():
    assert np.isnan(gradient(lambda a: la.pinv(a, rcond=0.5), np.diag([3.0, 1.0]))).all()
    assert np.isfinite(gradient(lambda a: la.pinv(a, rcond=0.1), np.diag([3.0, 1.0]))).all()


def test_least_squares_differentiate_all_that_is_a_number(rng):
    a, b = rng.standard_normal((5, 2)), rng.standard_normal((5, 3))
    for part in (0, 1):
        check_grads(lambda a, b, part=part: la.lstsq(a, b)[part], a, b, order=2)
    check_grads(lambda a: la.lstsq(a, b)[3], a, order=2)
    close(gradient(lambda b: la.lstsq(a, b)[0], b), np.repeat(la.pinv(a).sum(0)[:, None], 3, 1))


@pytest.mark.parametrize("rcond", [None, -1, 1e-10])
def test_least_squares_without_full_rank_give_the_shortest_solution(rcond):
    a, b = with_singular_values([3.0, 1.0, 0.0], 4, 3), np.array([1.0, -2.0, 0.5, 3.0])
    for y, t in zip(la.lstsq(a, b, rcond), la.lstsq(Tensor(a), b, rcond), strict=True):
        assert np.shape(t) == np.shape(y)
        close(t, y)


@pytest.mark.parametrize("p", [None, 2, 1, "fro", np.inf])
def test_the_condition_number_of_a_singular_matrix_is_infinite(p):
    a = np.stack([np.eye(2), np.ones((2, 2)), np.zeros((2, 2))])
    np.testing.assert_array_equal(la.cond(Tensor(a), p).data, la.cond(a, p))
    x = Tensor(a, requires_grad=True)
    with np.errstate(all="ignore"):
        y = la.cond(x, p)
        slope = grad(np.sum(y[2]), x).data
    assert np.isnan(slope[2]).all()


def test_the_condition_number_of_nothing_is_an_error():
    with pytest.raises(la.LinAlgError, match="empty"):
        la.cond(Tensor(np.zeros((2, 0, 0))))


@pytest.mark.parametrize("n", [-2, -1, 0, 1, 2, 3, 5])
def test_powers_of_a_matrix_to_second_order(n):
    check_grads(lambda x: la.matrix_power(x, n), SQUARE / 3, order=2)


def test_a_power_needs_a_whole_number_and_square_matrices():
    with pytest.raises(TypeError):
        la.matrix_power(Tensor(SQUARE), 1.5)
    with pytest.raises(la.LinAlgError):
        la.matrix_power(Tensor(STACK), 1)


@pytest.mark.parametrize("sizes", [(2, 9, 1, 8, 3), (7, 1, 6, 2, 5, 3), (1, 1, 1, 1)])
def test_a_chain_of_products_takes_the_order_with_the_fewest_multiplications(sizes):
    def least(s):
        return min((least(s[: k + 1]) + least(s[k:]) + s[0] * s[k] * s[-1] for k in range(1, len(s) - 1)), default=0)

    assert cost_and_split(sizes)[0] == least(sizes)


# -- equal eigenvalues and equal singular values


EQUAL = {"identity": np.eye(3), "rotated": with_eigenvalues([1.0, 1.0, 3.0]), "zero": np.zeros((3, 3))}


@pytest.mark.parametrize("function", [la.eigvalsh, lambda a: la.eigh(a)[0]])
@pytest.mark.parametrize("X", EQUAL.values(), ids=EQUAL)
def test_equal_eigenvalues_have_a_first_derivative_and_no_second(X, function):
    close(gradient(lambda x: function(x) ** 3, X), 3 * X @ X)
    close(gradient(function, X), np.eye(3))
    assert np.isnan(hessian(lambda x: np.sum(function(x) ** 2), X).data).any(axis=(2, 3)).all()
    assert np.isnan(hessian(lambda x: np.sum(function(x) ** 3), X).data).any(axis=(2, 3)).all()


@pytest.mark.parametrize("X", EQUAL.values(), ids=EQUAL)
def test_vectors_of_equal_eigenvalues_have_no_derivative(X):
    assert np.isnan(gradient(lambda x: la.eigh(x).eigenvectors[:, 0], X)).all()


@pytest.mark.parametrize("function", [la.eigvalsh, lambda a: la.eigh(a)[0]])
def test_a_simple_eigenvalue_beside_equal_ones_has_all_its_derivatives(function):
    """d²λ = 2 Σⱼ (vᵀ H vⱼ)² / (λ − λⱼ)."""
    X, H = with_eigenvalues([1.0, 1.0, 3.0]), with_eigenvalues([0.3, -2.0, 1.0], seed=5)
    V = la.eigh(X)[1]
    first, second = V[:, 2] @ H @ V[:, 2], 2 * np.sum((V[:, 2] @ H @ V[:, :2]) ** 2 / (3.0 - 1.0))
    of_value, of_square = (hvp(lambda x, p=p: function(x)[2] ** p, X, H).data for p in (1, 2))
    assert np.sum(of_value * H) == pytest.approx(second, rel=1e-12)
    assert np.sum(of_square * H) == pytest.approx(2 * first**2 + 6 * second, rel=1e-12)


def test_hessians_of_functions_of_distinct_eigenvalues():
    X = with_eigenvalues([-1.0, 0.5, 2.0])
    H = with_eigenvalues([0.3, -2.0, 1.0], seed=5)
    close(hvp(lambda x: np.sum(la.eigvalsh(x) ** 2), X, H), 2 * H)
    close(hvp(lambda x: np.sum(la.eigvalsh(x) ** 3), X, H), 3 * (X @ H + H @ X))


@pytest.mark.parametrize(("UPLO", "half"), [("L", np.tril), ("U", np.triu)])
def test_one_triangle_alone_is_read(UPLO, half):
    X = with_eigenvalues([-1.0, 0.5, 2.0])
    garbage = half(X) + 7 * (1 - half(np.ones((3, 3))))
    close(la.eigh(Tensor(garbage), UPLO).eigenvalues, [-1, 0.5, 2])
    close(gradient(lambda x: la.eigvalsh(x, UPLO) ** 2, garbage), 2 * X)
    with pytest.raises(ValueError, match="UPLO"):
        la.eigh(Tensor(X), "X")


def test_gradients_of_eigenvectors_are_central_differences(rng):
    a = rng.standard_normal((2, 4, 4)) + np.diag([0.0, 3.0, 6.0, 9.0])
    for UPLO in "LU":
        check_grads(lambda x, UPLO=UPLO: la.eigh(x + np.swapaxes(x, -1, -2), UPLO).eigenvectors ** 2, a, order=2)


RANKS = {
    "square": with_singular_values([3.0, 1.0, 0.0], 3, 3),
    "square, rank 1": with_singular_values([3.0, 0.0, 0.0], 3, 3),
    "tall": with_singular_values([3.0, 0.0], 4, 2),
    "wide": with_singular_values([3.0, 1.0, 0.0], 3, 4),
    "diagonal": np.diag([3.0, 1.0, 1.0]),
    "exact": np.outer([1.0, 2.0, 2.0], [1.0, 0.0, 0.0]),
}
VALUES = {
    "svdvals": la.svdvals,
    "without vectors": lambda a: la.svd(a, compute_uv=False),
    "with vectors": lambda a: la.svd(a, full_matrices=False).S,
}


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("a", RANKS.values(), ids=RANKS)
def test_the_largest_singular_value_without_full_rank_to_second_order(a, values, power):
    """It is the root of the largest eigenvalue of a aᵀ, which is simple here."""
    H = np.random.default_rng(3).standard_normal(a.shape)
    f, expected = lambda x: values(x)[0] ** power, lambda x: la.eigvalsh(x @ x.T)[-1] ** (power / 2)
    close(gradient(f, a), gradient(expected, a))
    close(hvp(f, a, H), hvp(expected, a, H).data)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (3, 3)])
def test_the_hessian_of_the_sum_of_squares_is_twice_the_identity(shape, values, rng):
    f = lambda x: np.sum(values(x) ** 2)
    a = rng.standard_normal(shape)
    close(gradient(f, a), 2 * a)
    close(hessian(f, a), 2 * identity_hessian(shape))
    rank_less = with_singular_values([3.0, 1.0, 0.0], 3, 3)
    close(hessian(f, rank_less), 2 * identity_hessian((3, 3)))


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("name", ["square, rank 1", "tall", "wide", "diagonal", "exact"])
def test_second_derivatives_that_are_not_known_are_nan(name, values):
    a = RANKS[name]
    close(gradient(lambda x: values(x) ** 2, a), 2 * a)
    assert np.isnan(hessian(lambda x: np.sum(values(x) ** 2), a).data).any(axis=(2, 3)).all()
    assert np.isnan(hessian(lambda x: np.sum(values(x)), a).data).any()


def test_singular_vectors_of_equal_values_have_no_derivative():
    for part in ("U", "Vh"):
        assert np.isnan(gradient(lambda x, part=part: getattr(la.svd(x), part)[0], np.eye(3))).all()


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3), (2, 3, 2)])
def test_gradients_of_singular_vectors_are_central_differences(shape, rng):
    """U and V change their signs together, so that uᵢ vᵢᵀ is determined."""
    k = min(shape[-2:])
    a = rng.standard_normal(shape) / 4 + np.eye(*shape[-2:]) * np.arange(1, shape[-1] + 1)

    def f(x):
        U, s, Vh = la.svd(x, full_matrices=False)
        return np.sum(U * s[..., None, :], axis=-2) * Vh[..., :k, 0] + U[..., 0, :] ** 2

    check_grads(f, a, order=2)


def test_the_svd_of_a_symmetric_matrix(rng):
    a = with_eigenvalues([-3.0, 1.0, 2.0])
    close(la.svd(Tensor(a), hermitian=True).S, [3, 2, 1])
    close(gradient(lambda x: la.svd(x, hermitian=True).S ** 2, a), 2 * a)
    slope = gradient(lambda x: la.pinv(x, hermitian=True) * np.arange(9.0).reshape(3, 3), a)
    close(slope, slope.T)
    check_grads(lambda x: la.svd(x + x.T, hermitian=True).Vh ** 2, a / 2, order=2)
    check_grads(lambda x: la.pinv(x + x.T, hermitian=True), a / 2, order=2)


# -- QR


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3), (2, 3, 2), (2, 2, 3)])
def test_gradients_of_qr_are_central_differences(shape, rng):
    a = rng.standard_normal(shape) + 2 * np.eye(*shape[-2:])
    check_grads(lambda x: la.qr(x).Q, a, order=2)
    check_grads(lambda x: la.qr(x).R, a, order=2)
    check_grads(lambda x: la.qr(x).Q @ (1 + la.qr(x).R), a, order=2)


def test_qr_of_dependent_columns_has_no_derivative():
    x = Tensor(np.array([[1.0, 0.0], [0.0, 0.0]]), requires_grad=True)
    with pytest.raises(la.LinAlgError):
        grad(np.sum(la.qr(x).R), x)


# -- norms


@pytest.mark.parametrize("order", [None, 2, 3, 1.5])
def test_the_norm_at_zero_has_slope_zero_and_no_second_derivative(order):
    x = np.zeros(3)
    np.testing.assert_array_equal(gradient(lambda x: la.norm(x, order), x), x)
    with np.errstate(all="ignore"):
        assert np.isnan(hessian(lambda x: la.norm(x, order) ** 2, x).data).any()
        assert np.isnan(hessian(lambda x: la.norm(x, order), x).data).any()


def test_hessian_of_the_norm():
    """(1 − x xᵀ / |x|²) / |x|."""
    x = np.array([1.0, -2.0, 2.0])
    expected = (np.eye(3) - np.outer(x, x) / 9) / 3
    close(hessian(la.norm, x), expected)
    close(hessian(lambda x: la.norm(x[None], 2), x), expected)
    close(hessian(lambda x: la.norm(x[None], "nuc"), x), expected)


@pytest.mark.parametrize("p", [3, 4.5, 0.5, -1])
def test_hessian_of_the_p_norm(p):
    """∂ᵢ = sign(xᵢ) (|xᵢ| / y)ᵖ⁻¹ and ∂ᵢⱼ = (p − 1) (δᵢⱼ |xᵢ|ᵖ⁻² y^(1 − p) − ∂ᵢ ∂ⱼ / y)."""
    x = np.array([1.0, -2.0, 2.5])
    y = np.sum(np.abs(x) ** p) ** (1 / p)
    slope = np.sign(x) * (np.abs(x) / y) ** (p - 1)
    close(gradient(lambda x: la.norm(x, p), x), slope)
    expected = (p - 1) * (np.diag(np.abs(x) ** (p - 2) * y ** (1 - p)) - np.outer(slope, slope) / y)
    close(hessian(lambda x: la.norm(x, p), x), expected)


def test_a_norm_of_nothing_is_that_of_numpy():
    for order in ("fro", "nuc", 1, 2):
        x = np.zeros((0, 2))
        try:
            expected = la.norm(x, order)
        except ValueError:  # before NumPy 2.4
            continue
        assert la.norm(Tensor(x), order).data == expected


@pytest.mark.parametrize("rcond", [None, -1, 0, 0.3, 0.7, 1, 2])
def test_least_squares_leave_out_the_directions_that_numpy_leaves_out(rcond):
    """Outside of 0 … 1 those smaller than rounding, as by default."""
    a, b = np.diag([1.0, 0.5, 1e-20]), np.ones(3)
    found, expected = la.lstsq(Tensor(a), b, rcond), la.lstsq(a, b, rcond)
    close(found[0], expected[0])
    assert found[2] == expected[2]
