"""E-1 and E-2: every rule of the table, against numbers that know nothing of it."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Tensor, backend, check_grads, grad
from autograd.engine import unbroadcast
from autograd.table import COMPOSITES, RULES, name_of
from tests.autograd.cases import ANALYTIC, CASES, ELEMENTWISE
from tests.strategies import broadcasting_shapes, distinct_values, generators, layouts

elementwise = pytest.mark.parametrize("function", ELEMENTWISE, ids=name_of)
structural = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
of_rules = pytest.mark.parametrize("case", [c for c in CASES if c.covers in RULES], ids=lambda case: case.name)
of_composites = pytest.mark.parametrize("case", [c for c in CASES if c.covers not in RULES], ids=lambda case: case.name)


def test_every_rule_has_a_case():
    """A rule that nobody tries is not one. Those of primitives in the models are tried beside the models."""
    ours = {f for f in RULES if not (getattr(f, "__module__", None) or "").startswith(("minigen", "tests"))}
    covered = {name_of(f) for f in ELEMENTWISE} | {name_of(c.covers) for c in CASES}
    assert {name_of(f) for f in ours | set(COMPOSITES)} - covered == set()


def draw_arguments(data, function):
    domains = ELEMENTWISE[function]
    shapes = data.draw(broadcasting_shapes(len(domains)))
    values = distinct_values(data.draw(generators), shapes)
    return [np.asarray(domain(x)) for domain, x in zip(domains, values, strict=True)]


@elementwise
@settings(max_examples=10)
@given(data=st.data())
def test_elementwise_gradients_are_central_differences(function, data, library):
    """E-1 and E-6, orders 1 and 2, over shapes that broadcast, 0-d and empty ones included."""
    check_grads(function, *draw_arguments(data, function), order=2)


@of_rules
@settings(max_examples=8)
@given(rng=generators)
def test_structural_gradients_are_central_differences(case, rng, library):
    """E-1 and E-6, orders 1 and 2, for functions whose arguments' shapes matter."""
    check_grads(case.call, *distinct_values(rng, case.shapes), order=2)


@of_composites
@settings(max_examples=3)
@given(rng=generators)
def test_gradients_of_composites_are_central_differences(case, rng, library):
    """E-1 and E-6, orders 1 and 2, for functions that are made of others: their rules are tested more."""
    check_grads(case.call, *distinct_values(rng, case.shapes), order=2)


def gradients_of(function, arrays, weights=None):
    """The value of `function` and its weighted gradients, through Tensors that hold exactly these arrays."""
    inputs = [Tensor(a, requires_grad=True) for a in arrays]
    y = function(*inputs)
    weights = np.ones_like(y.data) if weights is None else weights
    return y.data, [g.data for g in grad(y, inputs, weights)]


@elementwise
@given(data=st.data())
def test_elementwise_gradients_do_not_depend_on_the_memory_layout(function, data):
    """E-1: non-contiguous, negative-stride and Fortran-ordered arguments."""
    arrays = draw_arguments(data, function)
    laid_out = [data.draw(layouts)(a) for a in arrays]
    for a, b in zip(gradients_of(function, arrays)[1], gradients_of(function, laid_out)[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-14)


@structural
@settings(max_examples=8)
@given(rng=generators, layout=layouts)
def test_structural_gradients_do_not_depend_on_the_memory_layout(case, rng, layout):
    """E-1: non-contiguous, negative-stride and Fortran-ordered arguments."""
    arrays = distinct_values(rng, case.shapes)
    weights = rng.standard_normal(np.shape(case.call(*arrays)))
    plain, moved = (gradients_of(case.call, xs, weights)[1] for xs in (arrays, [layout(a) for a in arrays]))
    for a, b in zip(plain, moved, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("function", sorted(ANALYTIC, key=name_of), ids=name_of)
@given(data=st.data())
def test_analytic_gradients_are_complex_steps(function, data):
    """E-1: ∂f/∂x = Im f(x + ih) / h has no rounding error to speak of, so it holds to 1e-14."""
    arrays = draw_arguments(data, function)
    _, gradients = gradients_of(function, arrays)
    for i, gradient in enumerate(gradients):
        if function is np.power and i == 0:
            continue  # NumPy's complex power is a rounding of exp(b log a)
        stepped = [a + 1e-100j if k == i else a for k, a in enumerate(arrays)]
        expected = np.broadcast_to(function(*stepped).imag / 1e-100, np.broadcast_shapes(*(a.shape for a in arrays)))
        expected = np.asarray(unbroadcast(np.array(expected), arrays[i].shape))
        np.testing.assert_allclose(gradient, expected, rtol=1e-14, atol=1e-14)


def assert_float32_and_untouched(function, arrays):
    """The dtype is NumPy's: float32, but for what NumPy computes in float64, as np.cov. Gradients are float32."""
    before = [a.astype(np.float32) for a in arrays]
    arrays = [backend.to_device(a.copy()) for a in before]
    y, gradients = gradients_of(function, arrays)
    assert y.dtype == (np.float32 if function in RULES else function(*before).dtype)
    assert [g.dtype for g in gradients] == [np.float32] * len(arrays)
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(backend.to_numpy(a), b)


@elementwise
@given(data=st.data())
def test_elementwise_float32_stays_and_inputs_are_untouched(function, data, library):
    """E-2."""
    assert_float32_and_untouched(function, draw_arguments(data, function))


@structural
@settings(max_examples=3)
@given(rng=generators)
def test_structural_float32_stays_and_inputs_are_untouched(case, rng, library):
    """E-2."""
    assert_float32_and_untouched(case.call, distinct_values(rng, case.shapes))


@pytest.mark.parametrize("function", [np.maximum, np.minimum])
def test_a_tie_gives_its_gradient_to_the_second_argument(function):
    a, b = Tensor([0.0, 1.0], requires_grad=True), Tensor([0.0, 1.0], requires_grad=True)
    function(a, b).sum().backward()
    np.testing.assert_array_equal(a.grad, [0, 0])
    np.testing.assert_array_equal(b.grad, [1, 1])


def test_the_maximum_shares_its_gradient_between_ties():
    x = Tensor([[2.0, 2.0, 1.0]], requires_grad=True)
    np.max(x).backward()
    np.testing.assert_array_equal(x.grad, [[0.5, 0.5, 0]])


def test_power_has_finite_gradients_at_zero():
    x, b = (Tensor(v, requires_grad=True) for v in ([0.0, 0.0, 0.0], [0.0, 1.0, 2.0]))
    (x**b).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 1, 0])
    np.testing.assert_array_equal(b.grad, [0, 0, 0])


@pytest.mark.parametrize(("a", "b"), [([2.0, 3.0], [0.0, 1.0]), ([-2.0, 0.5], [2.0, 3.0])])
def test_power_to_second_order_at_whole_exponents(a, b):
    a, b = np.array(a), np.array(b)
    check_grads(lambda a: a**b, a, order=2)
    if (a > 0).all():
        check_grads(np.power, a, b, order=2)


def test_gradients_of_nothing_are_nothing():
    for f in (np.mean, np.sum, lambda x: np.var(x + 1.0, axis=1), lambda x: np.dot(x, np.ones((4, 0, 3)))):
        x = Tensor(np.zeros((2, 0)), requires_grad=True)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's mean of an empty slice
            grad(np.sum(f(x)), x)


def test_the_norm_has_gradient_zero_at_zero():
    x = Tensor(np.zeros(3), requires_grad=True)
    np.linalg.norm(x).backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 0])


@pytest.mark.parametrize("function", [np.linalg.cholesky, lambda a: np.linalg.eigh(a).eigenvectors])
def test_gradients_of_functions_of_a_symmetric_matrix_are_symmetric(function, rng):
    """Half of the matrix says what the other half does: the gradient of either is the mean of both."""
    a = Tensor(np.diag([1.0, 2.0, 4.0]) + 0.3, requires_grad=True)
    y = function(a)
    gradient = grad(y, a, rng.standard_normal(y.shape)).data
    np.testing.assert_allclose(gradient, gradient.T, rtol=1e-13)
    assert abs(gradient).min() > 1e-3


WITH_ZEROS = np.array([[1.5, 0.0, 2.0, -1.0], [0.0, 0.5, 0.0, 3.0], [0.7, -1.2, 0.4, 0.0]])


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("function", [np.prod, np.cumprod])
def test_products_with_zeros_have_their_gradients_to_second_order(function, axis, library):
    """With one zero in a line, and with two: nothing is divided by zero, or lost."""
    check_grads(lambda x: function(x, axis=axis), WITH_ZEROS, order=2)


def test_a_product_of_numbers_whose_sum_is_zero_has_its_gradients_to_second_order():
    check_grads(np.prod, np.array([1.0, -1.0, 2.0, -2.0]), order=2)
