"""E-5: the checker is checked. A test of a derivative is worth what its tester rejects."""

import numpy as np
import pytest

from autograd import Tensor, check_grads, primitive
from autograd.rules.shapes import pieces


@primitive(lambda g, y, x: g * np.cos(x))
def right(x):
    return np.sin(x)


@primitive(lambda g, y, x: g * -np.cos(x))
def wrong_sign(x):
    return np.sin(x)


@primitive(lambda g, y, x: g * 1.01 * np.cos(x))
def wrong_by_one_percent(x):
    return np.sin(x)


def cosine_as_a_constant(x):
    """cos x with its dependence on x cut: right as a first derivative, wrong when differentiated again."""
    return np.cos(x.data if isinstance(x, Tensor) else x)


@primitive(lambda g, y, x: g * cosine_as_a_constant(x))
def wrong_at_second_order_only(x):
    return np.sin(x)


@primitive(lambda g, y, a, b: g * b, lambda g, y, a, b: g * b)
def wrong_second_argument(a, b):
    return a * b


@primitive(lambda g, y, x: np.roll(g, 1) * np.cos(x))
def wrong_position(x):
    return np.sin(x)


X = np.linspace(0.1, 1.2, 6).reshape(2, 3)


def test_a_right_rule_passes_to_third_order():
    check_grads(right, X, order=3)


@pytest.mark.parametrize("function", [wrong_sign, wrong_by_one_percent, wrong_position])
def test_a_wrong_rule_is_rejected(function):
    """E-5: a wrong sign, one percent too much, a right value in the wrong place."""
    with pytest.raises(AssertionError, match="derivative of order 1 with respect to argument 0"):
        check_grads(function, X)


def test_a_rule_wrong_at_second_order_only_passes_the_first_and_fails_the_second():
    """E-5: the second derivative is checked for itself."""
    check_grads(wrong_at_second_order_only, X, order=1)
    with pytest.raises(AssertionError, match="derivative of order 2"):
        check_grads(wrong_at_second_order_only, X, order=2)


@pytest.mark.parametrize(
    ("vjp", "cause"),
    [
        (lambda g, y, x: -g * np.cos(x), "the sign is wrong"),
        (lambda g, y, x: 0 * g, "a term is missing, or a gradient is lost"),
        (lambda g, y, x: 2 * g * np.cos(x), r"ratio 2: a factor or a term is wrong"),
        (lambda g, y, x: -1.01 * g * np.cos(x), r"ratio -1.01: a factor or a term is wrong"),
        (lambda g, y, x: g * np.nan, "divides by zero or overflows"),
    ],
)
def test_the_report_names_both_slopes_and_the_likely_cause(vjp, cause):
    """E-5: a slope of the other sign is a wrong sign only where it is the same size.

    Planted: a ratio of −1.01 that counts as −1.
    """
    wrong = primitive(vjp)(lambda x: np.sin(x))
    with pytest.raises(AssertionError, match=rf"the rules give the slope .*central differences .*{cause}"):
        check_grads(wrong, X)


def test_the_cause_at_second_order_is_a_captured_array():
    with pytest.raises(
        AssertionError,
        match=r"; the slope before was right: does a rule use a plain array where it should use its argument\?$",
    ):
        check_grads(wrong_at_second_order_only, X, order=2)


def test_a_kink_is_told_from_an_error():
    """|x| at 0 may have any slope in [−1, 1]; 3 is wrong even there."""
    steep = primitive(lambda g, y, x: 3 * g)(lambda x: np.abs(x))
    at_zero = np.array(0.0)
    check_grads(np.abs, at_zero)
    check_grads(lambda x: np.maximum(x, 0), at_zero)
    with pytest.raises(
        AssertionError, match=r"there is a kink here, with slopes -.* and .*: the rule's is not between"
    ):
        check_grads(steep, at_zero)


def test_a_sharp_bend_is_not_a_kink():
    """Curvature 10⁴ is no excuse for a wrong slope."""
    wrong = primitive(lambda g, y, x: g * 0.9e4 * np.sinh(1e4 * x))(lambda x: np.cosh(1e4 * x))
    with pytest.raises(AssertionError, match=r"ratio 0\.89"):
        check_grads(wrong, np.array(3e-5))


def test_the_wrong_argument_is_named():
    with pytest.raises(AssertionError, match="argument 1 of shape"):
        check_grads(wrong_second_argument, X, 2 * X)


def test_a_rule_that_returns_the_wrong_shape_is_an_error():
    transposed = primitive(lambda g, y, x: np.transpose(g))(lambda x: np.sin(x))
    with pytest.raises(ValueError, match=r"returned a gradient of shape \(3, 2\).*argument has shape \(2, 3\)"):
        check_grads(transposed, X)


def test_a_joint_rule_that_forgets_an_argument_is_an_error():
    half = primitive(joint=lambda g, y, a, b: (g, None))(lambda a, b: a + b)
    with pytest.raises(TypeError, match="no derivative with respect to argument 1"):
        check_grads(half, X, X)


def test_a_joint_rule_passes():
    halves = primitive(joint=lambda g, y, a, b: pieces(g, 0, [2, 2]))(lambda a, b: np.concatenate([a, b]))
    check_grads(halves, X, X, order=2)


def test_beyond_first_order_a_fused_operation_goes_through_its_reference():
    def cube(x):
        return x * x * x

    @primitive(joint=lambda g, y, x: (3 * np.multiply(g, x * x, out=np.empty_like(x)),), reference=cube)
    def fused(x):
        return x**3

    check_grads(fused, X, order=3)


def test_a_reference_that_is_another_function_is_rejected():
    other = primitive(joint=lambda g, y, x: (3 * g * x * x,), reference=lambda x: x * x)(lambda x: x**3)
    check_grads(other, X, order=1)
    with pytest.raises(AssertionError, match="is the rule's reference another function"):
        check_grads(other, X, order=2)


def test_a_recorded_pass_may_differ_by_the_tolerance_relative_to_the_slope():
    nearly = primitive(
        joint=lambda g, y, x: (3 * g * x * x,), reference=lambda x: x * x * x * (1 + 1e-9)
    )(lambda x: x**3)  # fmt: skip
    check_grads(nearly, 1e3 * X, order=2)


def test_a_constant_function_has_slope_zero():
    check_grads(np.floor, X, order=2)
    check_grads(lambda a, b: np.exp(a), X, X, order=2)


def test_a_tensor_that_requires_a_gradient_is_an_argument_like_an_array():
    check_grads(right, Tensor(X, requires_grad=True))


def test_directions_and_weights_are_those_of_seed_0_by_default():
    def points(**options):
        seen = []
        check_grads(lambda x: seen.append(x.data) or np.sin(x), X, **options)
        return seen

    np.testing.assert_array_equal(points(), points(rng=np.random.default_rng(0)))


def test_nothing_to_check_is_an_error():
    with pytest.raises(
        TypeError, match=r"^check_grads got no floating-point argument to differentiate with respect to$"
    ):
        check_grads(np.add, 1, 2)
