"""`Tensor` as a user meets it: NumPy's functions, ndarray's ways, and errors that name the cure."""

import operator

import numpy as np
import pytest
from scipy import special

from autograd import Tensor, backend, check_grads, grad, implements, no_grad, primitive, rule
from autograd.arguments import bound, signature_of
from autograd.table import COMPOSITES, RULES, _existing


@pytest.fixture
def x():
    return Tensor([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]], requires_grad=True)


OPERATIONS = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / y,
    lambda x, y: abs(x) ** y,
    lambda x, y: x @ y.T,
    lambda x, y: -x + abs(y),
    lambda x, y: 2 + x * 3 - 1 / y,
    lambda x, y: 5 - 2**x,
    lambda x, y: x.T.sum(axis=0, keepdims=True) / x.mean(1),
    lambda x, y: x.reshape(3, 2) @ y.reshape((2, 3)),
    lambda x, y: x.transpose(1, 0) + y.transpose(),
    lambda x, y: x[1:, ::2] * y[0, 1],
    lambda x, y: np.stack(list(x)),
    lambda x, y: (x > y) & (x <= 2) | (x == y) | (x < -1) | (x >= 3) | (x != 0),
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operators_and_methods_are_those_of_ndarray(operation, x):
    y = np.array([[0.3, 2.0, -1.5], [0.4, 5.0, -1.0]])
    expected = operation(x.data, y)
    for result in (operation(x, Tensor(y)), operation(x, y), operation(Tensor(x.data), y)):
        np.testing.assert_array_equal(getattr(result, "data", result), expected)
        if isinstance(result, Tensor):
            assert (result.shape, result.ndim, result.size) == (expected.shape, expected.ndim, expected.size)


METHODS = [
    lambda x: x.max(axis=1),
    lambda x: x.min(0, keepdims=True),
    lambda x: x.prod(),
    lambda x: x.var(axis=0, ddof=1),
    lambda x: x.std(1),
    lambda x: x.cumsum(axis=1),
    lambda x: x.cumprod(0),
    lambda x: x.ravel(),
    lambda x: x.flatten(),
    lambda x: x[:, :1].squeeze(),
    lambda x: x.swapaxes(0, 1),
    lambda x: x.reshape(1, 2, 3).transpose(2, 0, 1),
    lambda x: x.dot(np.ones(3)),
    lambda x: x.clip(-1, 1),
    lambda x: x.take([0, 2], axis=1),
    lambda x: x.repeat(2, axis=0),
    lambda x: x.diagonal(1),
    lambda x: x.trace(),
    lambda x: x.argmax(axis=1),
    lambda x: x.argmin(),
    lambda x: x.argsort(axis=1),
    lambda x: (x > 0).any(),
    lambda x: x.round(),
]


@pytest.mark.parametrize("method", METHODS)
def test_methods_are_those_of_ndarray(method, x):
    result = method(x)
    np.testing.assert_array_equal(
        getattr(result, "data", result) if isinstance(result, Tensor) else result, method(x.data)
    )


@pytest.mark.parametrize("name", ["add", "sub", "mul", "floordiv", "mod", "divmod", "pow", "and_", "or_", "lshift"])
def test_a_whole_number_may_stand_on_the_left(name):
    operation = divmod if name == "divmod" else getattr(operator, name)
    x = np.array([1, 2, 5])
    found = operation(6, Tensor(x))
    found = [backend.to_numpy(part) for part in found] if name == "divmod" else backend.to_numpy(found)
    np.testing.assert_array_equal(found, operation(6, x))


def test_methods_have_the_names_of_numpys_functions():
    assert [Tensor.sum.__name__, Tensor.cumsum.__name__] == ["sum", "cumsum"]


def test_an_array_on_the_left_is_recorded_too(x):
    assert (np.ones(3) * x).requires_grad
    assert (np.ones((2, 2)) @ x).requires_grad
    assert (np.float64(2) + x).requires_grad


def test_python_scalars_do_not_promote_float32():
    x = Tensor(np.ones(2, np.float32), requires_grad=True)
    assert (2.0 * x + 1 - x / 3.0).dtype == np.float32


def test_conversions(x):
    assert float(x.detach()[0, 0]) == 1.0
    assert int(x.detach()[0, 2]) == 3
    assert bool(x[0, 0] > 0)
    assert x[0, 1].item() == -2
    assert len(x) == 2
    np.testing.assert_array_equal(np.asarray(x.detach()), x.data)
    np.testing.assert_array_equal(x[Tensor(np.array([1])), Tensor(np.array(2))].data, [-1])
    assert {x: "tensors are keys by identity"}[x]


def test_repr_shows_the_values_the_shape_the_dtype_the_device_and_the_operation(x):
    assert repr(Tensor(np.float32(1.5))) == "Tensor(1.5, shape=(), float32, cpu)"
    assert repr(x[0, :2]) == "Tensor([ 1., -2.], shape=(2,), float64, cpu, made by getitem)"
    assert repr(x).endswith("shape=(2, 3), float64, cpu, requires_grad=True)")
    assert "made by np.exp" in repr(np.exp(x))
    assert "..., 1.," in repr(Tensor(np.ones(101)))
    assert "..." not in repr(Tensor(np.ones(100)))


def test_a_composite_is_written_with_functions_that_have_rules(x):
    @implements(special.exprel)
    def exprel(a):
        return np.expm1(a) / a

    try:
        special.exprel(x[0, 0]).backward()
    finally:
        del COMPOSITES[special.exprel]
    np.testing.assert_allclose(x.grad[0], [1, 0, 0], rtol=1e-15)


ERRORS = [
    (lambda x: np.fft.fft(x), TypeError, r"np\.fft\.fft has no derivative rule.*autograd\.rule\(np\.fft\.fft"),
    (
        lambda x: np.exp(x, out=np.zeros((2, 3))),
        TypeError,
        r"np\.exp on a Tensor does not take the option out; it takes none",
    ),
    (
        lambda x: np.sum(x, out=np.zeros(())),
        TypeError,
        r"np\.sum.*does not take the option out; it takes axis, dtype, .*; use the array that the function returns",
    ),
    (lambda x: np.add.reduce(x), TypeError, r"np\.add\.reduce has no derivative.*np\.sum"),
    (lambda x: x @ x, ValueError, r"np\.matmul does not fit arguments \(2, 3\) and \(2, 3\).*Reshape"),
    (lambda x: x + np.ones(4), ValueError, r"np\.add does not fit arguments \(2, 3\) and \(4,\)"),
    (lambda x: x[2], IndexError, r"getitem does not fit arguments \(2, 3\) and 2: index 2 is out of bounds"),
    (lambda x: x.backward(), RuntimeError, r"only a scalar has a gradient.*shape \(2, 3\).*np\.sum"),
    (lambda x: x.backward(np.ones(3)), ValueError, r"gradient has shape \(3,\), but the Tensor has shape \(2, 3\)"),
    (
        lambda x: Tensor(1.0).backward(),
        RuntimeError,
        r"^this Tensor does not depend on any that requires a gradient: create one with requires_grad=True, and "
        r"compute outside of no_grad\(\)$",
    ),
    (
        lambda x: np.piecewise(x, [x > 0], []),
        ValueError,
        "^np.piecewise takes 1 or 2 functions for 1 conditions, got 0$",
    ),
    (
        lambda x: np.cov(x, aweights=np.ones(2)),
        RuntimeError,
        r"^np\.cov: 3 observations need as many weights, got shape \(2,\)$",
    ),
    (lambda x: np.pad(x, 1, "absent"), TypeError, r"np\.pad on a Tensor does not take the option mode='absent'"),
    (lambda x: Tensor([1, 2], requires_grad=True), TypeError, r"floating-point.*got int64.*astype\(float\)"),
    (lambda x: np.asarray(x), TypeError, r"does not turn into an array silently.*np\.stack.*t\.data is the array"),
    (lambda x: Tensor(x), TypeError, r"does not turn into an array silently"),
    (
        lambda x: x.__setitem__(0, 1.0),
        TypeError,
        r"^a Tensor cannot be assigned to in place: a recorded result may depend on the old values\. Build the new "
        r"array with np\.where or np\.concatenate, or write to t\.data before the first use of t$",
    ),
    (
        lambda x: x.astype(int, casting="safe"),
        TypeError,
        "^a Tensor of float64 does not become int64 with casting='safe'$",
    ),
    (lambda x: np.where(x, x, x), TypeError, r"np\.where has no derivative with respect to argument 0"),
    (lambda x: rule(np.sin), TypeError, r"rule\(np\.sin\): give either"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), ERRORS)
def test_errors_name_the_operation_the_shapes_and_the_cure(wrong, error, message, x):
    with pytest.raises(error, match=message):
        wrong(x)


def test_a_rule_can_be_added_as_the_error_says(x):
    with pytest.raises(TypeError, match=r"autograd\.rule\(exprel"):
        special.exprel(x)
    rule(special.exprel, lambda g, y, x: g * (np.exp(x) - y) / x)
    try:
        special.exprel(x[0, 0]).backward()
    finally:
        del RULES[special.exprel]
    assert x.grad[0, 0] == pytest.approx(1)


def test_writing_to_the_data_before_use_is_allowed(x):
    with no_grad():
        x.data[0, 0] = 7
    assert x[0, 0].item() == 7


class Foreign:
    """Becomes an array, and can nothing else."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numbers)


BINDINGS = [
    (lambda x: np.sum(x, 1, None), lambda x: x.sum(axis=1)),
    (lambda x: np.sum(a=x, axis=1, keepdims=True), lambda x: x.sum(axis=1, keepdims=True)),
    (lambda x: np.max(x, 1, None, True), lambda x: np.max(x, axis=1, keepdims=True)),
    (lambda x: np.cumsum(x, 1), lambda x: np.cumsum(x, axis=1)),
    (lambda x: np.expand_dims(x, axis=0), lambda x: x[None]),
    (lambda x: np.reshape(x, (3, 2), "C"), lambda x: x.reshape(3, 2)),
    (lambda x: np.swapaxes(x, axis1=0, axis2=1), lambda x: x.T),
    (lambda x: np.moveaxis(x, source=0, destination=1), lambda x: x.T),
    (lambda x: x.transpose((1, 0)), lambda x: x.T),
    (lambda x: x @ [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], lambda x: x @ np.arange(1.0, 7).reshape(3, 2)),
    (lambda x: np.maximum([0.5, 0.5, 0.5], x), lambda x: np.maximum(np.full(3, 0.5), x)),
    (lambda x: np.dot(x, [1.0, 2.0, 3.0]), lambda x: x @ np.array([1.0, 2.0, 3.0])),
    (lambda x: [[1.0, 2.0]] @ x, lambda x: np.array([[1.0, 2.0]]) @ x),
    (lambda x: np.pad(array=x, pad_width=1, constant_values=2.0), lambda x: np.pad(x, 1, constant_values=2.0)),
    (lambda x: x[:, ::2] ** Foreign([2.0, 3.0]), lambda x: x[:, ::2] ** np.array([2.0, 3.0])),
]


@pytest.mark.parametrize(("call", "same"), BINDINGS)
def test_arguments_bind_as_numpy_binds_them(call, same, x):
    """By position, by keyword, or as lists: value and gradient are those of the plain spelling."""
    values, gradients = zip(*((y.data, grad((y * y).sum(), x).data) for y in (call(x), same(x))), strict=True)
    np.testing.assert_array_equal(*values)
    np.testing.assert_array_equal(*gradients)


def test_an_option_that_the_rule_does_not_know_is_refused_by_position_too(x):
    with pytest.raises(TypeError, match="does not take the option out"):
        np.sum(x, 1, None, np.zeros(2))


def test_integers_made_from_numbers_have_derivative_zero(x):
    assert not x.astype(int).requires_grad


def test_complex_results_are_refused(x):
    with pytest.raises(TypeError, match=r"np\.multiply gave complex numbers"):
        x * 1j


def test_a_seed_takes_the_dtype_of_the_output():
    x = Tensor(np.ones(2, np.float32), requires_grad=True)
    (x * 2).backward(Tensor([1, 3]))
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [2, 6]


def test_a_primitive_takes_tensors_by_keyword():
    square = primitive(lambda g, y, x, scale=1.0: g * 2 * scale * x)(lambda x, scale=1.0: scale * x * x)
    x = Tensor([3.0], requires_grad=True)
    square(x=x, scale=2.0).backward()
    assert x.grad == 12


def test_a_primitive_may_stretch_its_arguments():
    product = primitive(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a, broadcasts=True)(lambda a, b: a * b)
    check_grads(product, np.ones((2, 3)), np.array([1.0, -2.0, 3.0]))


def test_a_function_without_a_signature_is_called_as_written():
    """Of NumPy's older versions most are such."""
    assert signature_of(max) is None
    assert bound(max, RULES[np.maximum], (1.0,), {"key": abs}) == ((1.0,), {"key": abs})


def test_names_that_this_numpy_lacks_are_skipped_alone():
    assert list(_existing("absent", np.exp, "linalg.absent", "linalg.inv")) == [np.exp, np.linalg.inv]


@pytest.mark.parametrize(
    ("vjps", "message"),
    [((None,), "no argument has a derivative"), ((lambda g, y, a, b: g,), "1 rules for 2 arguments")],
)
def test_a_rule_that_does_not_fit_its_function_is_refused(vjps, message):
    with pytest.raises(TypeError, match=message):
        rule(np.fmod, *vjps)
