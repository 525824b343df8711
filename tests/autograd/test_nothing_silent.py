"""Nothing is silently wrong: values, gradients and refusals that once were, each tried again."""

import copy
import gc
import math
import re
import signal
import threading
import weakref
from contextlib import suppress

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse

from autograd import (
    Tensor,
    backend,
    check_grads,
    checkpoint,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    primitive,
    special,
    value_and_grad,
)
from autograd import modes as modes_module
from autograd import tensor as tensor_module
from autograd.modes import MODE


def T(x):
    return Tensor(np.asarray(x, float), requires_grad=True)


@pytest.fixture
def t():
    return T([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])


# -- gradients of stacks, and of axes that are stretched


@pytest.mark.parametrize("stack", [(3,), (2,), (1,), (2, 3)])
def test_a_stack_of_matrices_solved_for_a_vector(stack, rng):
    """E-1. Planted: vectors of gradients read as a matrix, as NumPy reads a right-hand side of two axes."""
    a = rng.standard_normal((*stack, 3, 3)) + 4 * np.eye(3)
    check_grads(np.linalg.solve, a, rng.standard_normal(3), order=2)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,ij->", [(1, 4), (4, 1)]),
        ("...i,...i->...", [(2, 1, 3), (4, 3)]),
        ("ij,jk,kl->il", [(2, 1), (3, 1), (4, 2)]),
        ("ij->i", [(3, 1)]),
        ("i,i,i->i", [(1,), (3,), (1,)]),
    ],
)
def test_einsum_sums_over_what_it_stretched(subscripts, shapes, rng):
    """E-1. Planted: a gradient that keeps an axis of length 1 which was stretched."""
    check_grads(lambda *xs: np.einsum(subscripts, *xs), *map(rng.standard_normal, shapes), order=2)


# -- a Tensor is no number


@pytest.mark.parametrize(
    "lose",
    [
        lambda t: np.zeros(2).__setitem__(0, t),
        lambda t: np.zeros(2, int).__setitem__(0, t),
        lambda t: np.zeros(2).fill(t),
        lambda t: np.zeros(2).flat.__setitem__(0, t),
        lambda t: np.zeros(2).__setitem__(slice(None), t),
        lambda t: math.exp(t),
        lambda t: float(t),
        lambda t: int(t),
        lambda t: complex(t),
        lambda t: np.float64(t),
        lambda t: np.fromiter([t, t], float),
        lambda t: np.full(2, t),
        lambda t: np.full_like(np.zeros(2), t),
        lambda t: f"{int(t):d}",
    ],
)
def test_a_gradient_is_not_dropped_where_python_asks_for_a_number(lose):
    """E-9. Planted: float() of a Tensor that requires a gradient."""
    with pytest.raises((TypeError, ValueError)) as raised:
        lose(T(0.5))
    said = f"{raised.value} {raised.value.__cause__}"  # NumPy's own error has ours for its cause; that of flat has none
    ours = r"does not turn into (a number|an array) silently|np\.copyto does not take a Tensor"
    assert re.search(rf"{ours}|^Error setting single item of array", said)


def test_numbers_are_shown_and_taken_out_by_name():
    loss = T(0.12345) * 2
    assert f"{loss:.3f}" == "0.247"
    assert f"{loss:10.1e}" == "   2.5e-01"
    assert f"{loss}" == repr(loss)
    assert loss.item() == 0.2469
    assert loss.tolist() == 0.2469
    assert round(loss, 2) == 0.25
    assert float(loss.detach()) == 0.2469
    with pytest.raises(TypeError, match=r"a Tensor of shape \(2,\) takes no format such as '\.3f'"):
        f"{T([1.0, 2.0]):.3f}"


def test_whole_numbers_index_and_nothing_else_does(t):
    assert [10, 20, 30][Tensor(1)] == 20
    assert list(range(Tensor(2))) == [0, 1]
    with pytest.raises(TypeError):
        [10, 20][T(1.0)]


# -- composites that once had a mind of their own


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.nan_to_num(x * np.array([np.inf, 1, np.nan])),
        lambda x: np.nan_to_num(x / np.array([1, 1, np.nan]), True, 7.0),
        lambda x: np.vdot(x, x.reshape(3, 2)),
        lambda x: np.take_along_axis(x, np.array([[0], [1]]), 1),
        lambda x: np.take_along_axis(x, np.array([[1]]), 0),
        lambda x: np.take(x, [True, False, True]),
        lambda x: np.where(x),
        lambda x: np.array_equal(x, [list(row) for row in x]),
        lambda x: np.mean(x.astype(np.float16) * 60000),
    ],
)
def test_values_are_numpys(call, t):
    with np.errstate(all="ignore"):
        expected, found = call(t.data), call(t)
    for a, b in zip(np.atleast_1d(expected), np.atleast_1d(getattr(found, "data", found)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.tensordot(x, np.ones((3, 2))),
        lambda x: np.tensordot(x, np.ones((2, 2)), 1),
        lambda x: np.linalg.norm(x[None], 2),
        lambda x: np.vdot(x, np.ones(1)),
        lambda x: np.take_along_axis(x, np.array([0]), 1),
        lambda x: np.einsum("...i->i", x),
        lambda x: np.take(x, 0, mode="skip"),
    ],
)
def test_what_numpy_refuses_is_refused(call, t):
    for x in (t.data, t):
        with pytest.raises((ValueError, IndexError)):
            call(x)


# -- higher derivatives: a number that is right, or NaN


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.linalg.norm(x) ** 2, np.zeros(3)),
        (lambda x: np.std(x) ** 2, np.full(4, 0.5)),
        (lambda x: np.hypot(x[0], x[1]) ** 2, np.zeros(2)),
        (lambda x: np.sum(np.linalg.eigvalsh(x) ** 3), np.eye(3)),
        (lambda x: np.sum(np.linalg.eigh(x).eigenvalues ** 3), np.eye(3)),
    ],
)
def test_a_second_derivative_that_is_not_known_is_nan(f, x):
    """E-1. Planted: 0, a plausible number, in place of NaN."""
    assert np.isfinite(value_and_grad(f, x)[1]).all()
    assert np.isnan(hessian(f, x)).all()


def test_the_same_functions_have_their_second_derivatives_elsewhere(rng):
    x = rng.standard_normal(3)
    np.testing.assert_allclose(hessian(lambda x: np.linalg.norm(x) ** 2, x), 2 * np.eye(3), atol=1e-14)
    centred = np.eye(3) - 1 / 3
    np.testing.assert_allclose(hessian(lambda x: np.std(x) ** 2, x), 2 / 3 * centred, atol=1e-14)


def test_the_largest_singular_value_of_a_matrix_without_full_rank():
    """σ₁ = |u| |v| for u vᵀ, and its second derivative is finite there."""
    x = np.outer([1.0, 2.0], [3.0, 4.0])
    check_grads(lambda x: np.linalg.svd(x, compute_uv=False)[0], x, order=2)


# -- numbers where there is one


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: special.rel_entr(x[0], x[1]), [0.0, 0.0], [0, 0]),
        (lambda x: np.logaddexp(x[0], x[1]), [-np.inf, -np.inf], [0, 0]),
        (lambda x: np.logaddexp(x[0], x[1]), [np.inf, 1.0], [1, 0]),
        (lambda x: np.logaddexp2(x[0], x[1]), [1.0, np.inf], [0, 1]),
        (special.logsumexp, [-np.inf, -np.inf], [0, 0]),
        (special.logsumexp, [np.inf, 1.0], [1, 0]),
        (special.logsumexp, [-np.inf, 1.0], [0, 1]),
        (lambda x: np.arctan2(x[0], x[1]), [1e-200, 1e-200], [0.5e200, -0.5e200]),
        (lambda x: np.arctan2(x[0], x[1]), [3e200, 4e200], [4e-200 / 25, -3e-200 / 25]),
    ],
)
def test_a_gradient_is_a_number_where_there_is_one(f, x, expected):
    """E-1. Planted: ∞ − ∞ in place of 0."""
    np.testing.assert_allclose(value_and_grad(f, np.array(x))[1], expected, rtol=1e-14)


def test_arctan2_of_large_float32():
    x = Tensor(np.array([3e30, 4e30], np.float32), requires_grad=True)
    np.arctan2(x[0], x[1]).backward()
    np.testing.assert_allclose(x.grad, np.array([4e-30 / 25, -3e-30 / 25]), rtol=1e-6)


def test_nan_is_not_taken_for_an_infinity():
    with np.errstate(invalid="ignore"):
        assert np.isnan(value_and_grad(lambda x: np.logaddexp(x[0], x[1]), np.array([np.nan, 1.0]))[1]).all()


# -- modes, threads and Ctrl-C


def test_two_threads_in_one_decorated_function():
    meet = threading.Barrier(2)
    found = []

    @no_grad()
    def inside():
        meet.wait()
        recording = MODE.get().record
        meet.wait()
        return recording

    def work():
        found.append((inside(), MODE.get().record))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(False, True)] * 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_ctrl_c_while_a_mode_begins_changes_nothing(monkeypatch, moment):
    """E-9. Planted: the mode stays as it was set when Ctrl-C came."""

    class Interrupted:
        """The mode's variable, where Ctrl-C comes just before or just after it is set for the first time."""

        calls = 0
        get = staticmethod(MODE.get)

        def set(self, value):
            self.calls += 1
            if self.calls == 1 and moment == "before":
                raise KeyboardInterrupt
            MODE.set(value)
            if self.calls == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(modes_module, "MODE", Interrupted())
    with pytest.raises(KeyboardInterrupt), no_grad():
        pass
    assert MODE.get().record


def test_a_mode_that_did_not_come_to_its_end_ends_with_the_one_around_it():
    inner, outer = no_grad(), no_grad()
    outer.__enter__()
    inner.__enter__()
    outer.__exit__()  # as after Ctrl-C at the entry of inner.__exit__
    assert MODE.get().record


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs the alarm of POSIX")
def test_ctrl_c_while_a_gradient_is_added_does_not_keep_the_next_one_waiting():
    """Wherever the signal falls: after it the lock is free, or every later backward pass would wait for ever."""

    def interrupt(*ignored):
        raise KeyboardInterrupt

    x, before = T(np.zeros(3)), signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(200):
            with suppress(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 1e-4)
                while True:
                    x.accumulate(x.data)
            assert not tensor_module._adding.locked()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_threads_add_to_one_leaf_and_lose_nothing():
    x, n, each = T(np.zeros(50_000)), 8, 20

    def work():
        for _ in range(each):
            np.sum(x).backward()

    threads = [threading.Thread(target=work) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(x.grad, np.full(50_000, n * each))


# -- lists of Tensors


def test_lists_with_tensors_are_joined_where_numpy_hands_them_over(t):
    row = t[0]
    calls = {
        "concatenate": (lambda x: np.concatenate([x, [1.0]]), 4),
        "vstack": (lambda x: np.vstack([x, [1.0, 2, 3]]), 6),
        "stack": (lambda x: np.stack([x, [1.0, 2, 3]]), 6),
        "of lists": (lambda x: np.concatenate([x, [x[0], 2.0]]), 5),
        "sums": (lambda x: np.add(x, [x[0], 2.0, 3.0]), 3),
    }
    for call, size in calls.values():
        y = call(row)
        assert y.size == size
        np.testing.assert_array_equal(y.data, call(row.data))
        assert y.requires_grad


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: np.array([a, b]),
        lambda a, b: np.mean([a, b]),
        lambda a, b: np.r_[a, b],
        lambda a, b: np.exp([a, b]),
    ],
)
def test_lists_that_numpy_makes_arrays_of_are_refused_with_the_cure(call):
    with pytest.raises(TypeError, match=r"np\.stack") as raised:
        call(T(1.0), T(2.0))
    assert "detach" not in str(raised.value)


# -- errors say what came, what was expected, and the cure


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: __import__("scipy.special").special.logsumexp(t), TypeError, r"autograd\.special"),
        (lambda t: __import__("scipy.special").special.softmax(t), TypeError, r"autograd\.special"),
        (lambda t: scipy.sparse.csr_array(np.eye(2)) @ t, TypeError, r"plain arrays alone"),
        (lambda t: t[1.0], IndexError, r"getitem does not fit.*Index with an int, a slice"),
        (lambda t: Tensor([1, 2]) ** -1, ValueError, r"np\.power does not fit.*Use t\.astype\(float\)"),
        (lambda t: np.max(T(np.zeros(0))), ValueError, r"np\.max does not fit arguments \(0,\).*Give initial="),
        (lambda t: t.fill(1.0), AttributeError, r"a Tensor has no fill: it would change the Tensor in place"),
        (lambda t: t.sort(), AttributeError, r"a Tensor has no sort:.*use np\.sort\(t\)"),
        (lambda t: np.copyto(np.zeros((2, 3)), t), TypeError, r"np\.copyto does not take a Tensor: it writes into"),
        (lambda t: np.linalg.eig(t), TypeError, r"complex eigenvalues; use np\.linalg\.eigh"),
        (
            lambda t: np.sum(t, 0, order="F"),
            TypeError,
            r"np\.sum: got an unexpected keyword argument 'order'|unexpected",
        ),
        (lambda t: np.quantile(t, T(0.5)), TypeError, r"np\.quantile has no derivative with respect to argument 1"),
        (
            lambda t: value_and_grad(lambda x: 3.0, np.ones(2)),
            TypeError,
            r"returned float 3\.0, which carries no gradient",
        ),
        (lambda t: grad(np.sum)(t), TypeError, r"value_and_grad\(f, x\) differentiates a function"),
        (lambda t: grad(np.sum, t), TypeError, r"value_and_grad\(f, x\) differentiates a function"),
        (lambda t: np.linalg.inv(T(np.zeros((2, 2)))), np.linalg.LinAlgError, "Singular matrix"),
        (lambda t: np.sum(t, axis=5), np.exceptions.AxisError, "out of bounds"),
        (lambda t: np.select([np.array([1, 0, 1])], [t]), TypeError, r"takes conditions of booleans, got \['int"),
    ],
)
def test_errors(call, error, message, t):
    with pytest.raises(error, match=message):
        call(t)


def test_calls_that_once_failed(t):
    assert np.argmax(a=t) == 2
    assert np.any(a=t, axis=None)
    np.testing.assert_array_equal(np.tile(t, np.int64(2)).data, np.tile(t.data, 2))
    np.testing.assert_array_equal(np.pad(t, {0: (1, 2)}).data, np.pad(t.data, ((1, 2), (0, 0))))
    assert special.polygamma(1, 2.0) == pytest.approx(math.pi**2 / 6 - 1)
    x = T([2.0, 3.0])
    ((-2.0) ** x).sum().backward()
    assert np.isnan(x.grad).all()
    a = T([[1.0, 2.0], [2.0, 4.0]])
    np.linalg.det(a).backward()
    np.testing.assert_allclose(a.grad, [[4, -2], [-2, 1]], atol=1e-14)


def test_an_optimizer_takes_what_value_and_grad_gives():
    f = lambda x: np.sum((x - np.array([1.0, -2.0])) ** 2) + (x[0] * x[1] + 2) ** 2
    found = scipy.optimize.minimize(
        lambda x: value_and_grad(f, x), np.zeros(2), jac=True, hess=lambda x: hessian(f, x), method="trust-exact"
    )
    np.testing.assert_allclose(found.x, [1, -2], atol=1e-6)


def test_a_series_of_pandas_is_a_plain_array_here():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    t, series = T([1.0, 2.0]), pandas.Series([3.0, 4.0])
    for y in (t * series, series * t):
        y.sum().backward()
        assert isinstance(y, Tensor)
    np.testing.assert_array_equal(t.grad, [6, 8])
    assert type(t.grad) is np.ndarray


# -- memory, and a pass that broke off


def test_a_call_that_failed_leaves_no_cycle(t):
    gc.disable()
    try:
        y = t * 2
        watched = weakref.ref(y)
        with pytest.raises(ValueError, match="does not fit"):
            y @ y
        del y
        assert watched() is None
    finally:
        gc.enable()


def test_a_backward_pass_that_breaks_off_says_what_is_lost():
    @primitive(lambda g, y, x: 1 / 0)
    def broken(x):
        return np.array(x)

    x = T([1.0, 2.0])
    y = np.sum(np.exp(x)) + np.sum(broken(x))
    with pytest.raises(ZeroDivisionError) as raised:
        y.backward()
    (note,) = raised.value.__notes__
    assert "compute the output anew" in note
    assert "set them all to None, or to zero" in note
    with pytest.raises(RuntimeError, match="already differentiated"):
        y.backward()
    again = broken(x)
    with pytest.raises(ZeroDivisionError) as raised:
        grad(np.sum(again), x)
    assert "grad hold" not in raised.value.__notes__[0]


def test_values_of_the_device_are_shown_and_refused_alike(library):
    x = Tensor(backend.to_device(np.array([1.5, 2.0])), requires_grad=True)
    assert f"{np.sum(x):.1f}" == "3.5"
    assert x.tolist() == [1.5, 2.0]
    assert 2.0 in x
    with pytest.raises(TypeError) as raised:
        float(x[0])
    assert str(raised.value) == (
        "a Tensor that requires a gradient does not turn into a number silently: the gradient would be lost. Use np.* "
        "in place of math.*, np.stack to build an array of Tensors; t.item() is the number"
    )
    assert copy.copy(x).requires_grad


# -- one Tensor in two places, graphs that are gone, and where nothing is recorded


def test_a_reference_is_differentiated_by_each_argument_alone():
    """The same Tensor twice, and one made from another: as the ordinary pass does it."""

    @primitive(joint=lambda g, y, a, b: (g * b, g * a), reference=lambda a, b: a * b)
    def product(a, b):
        return a * b

    x = T(2.0)
    assert grad(product(x, x), x, create_graph=True).item() == 4
    assert grad(checkpoint(lambda a, b: a * b, x, x), x, create_graph=True).item() == 4
    second = hessian(lambda t: np.sum(product(t, np.exp(t))), np.array([1.0]))
    np.testing.assert_allclose(second, [[3 * np.e]], rtol=1e-14)


def test_a_branch_that_was_freed_is_not_left_out():
    x = T([1.0, 2.0])
    y = np.exp(x)
    np.sum(y).backward()
    loss = np.sum(x * y)
    for differentiate in (lambda: grad(loss, x), lambda: loss.backward(inputs=[x]), lambda: loss.backward()):
        with pytest.raises(RuntimeError, match="already differentiated"):
            differentiate()
    np.testing.assert_array_equal(grad(loss, y).data, x.data)  # no further than y


def test_derivatives_are_taken_inside_no_grad_too():
    x = np.array([1.0, 2.0])
    with no_grad():
        np.testing.assert_array_equal(jacobian(lambda x: x**2, x), np.diag(2 * x))
        np.testing.assert_array_equal(value_and_grad(lambda x: np.sum(x**2), x)[1], 2 * x)
        assert not MODE.get().record


def test_derivatives_are_by_each_argument_alone():
    t, f = T(3.0), lambda a, b: a * b**2
    assert [g.item() for g in value_and_grad(f, (t, t))[1]] == [9, 18]
    assert [g.item() for g in value_and_grad(f, (t, 2 * t))[1]] == [36, 36]
    assert jvp(f, (t, t), (1.0, 0.0))[1].item() == 9
    assert [g.item() for g in hvp(f, (t, t), (1.0, 0.0))] == [0, 6]


@pytest.mark.parametrize("v", [np.ones((2, 3)), 1.0])
def test_a_direction_of_another_shape_is_refused(v):
    x = np.array([1.0, 2.0, 3.0])
    for product in (lambda: jvp(lambda x: x**2, x, v), lambda: hvp(lambda x: np.sum(x**3), x, v)):
        message = f"v has shape {np.shape(v)}, but what it multiplies has shape (3,)"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            product()


@pytest.mark.parametrize("hide", [lambda t: [t], lambda t: {"a": t}, lambda t: ([t],)])
def test_checkpoint_refuses_tensors_that_it_would_not_see(hide):
    with pytest.raises(TypeError, match="pass each by itself"):
        checkpoint(lambda x: x, hide(T(1.0)))


# -- other kinds of arrays, and options that are Tensors


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("make", [lambda a: np.asmatrix(a), lambda a: np.ma.array(a, mask=a > 6)])
def test_arrays_that_compute_in_their_own_way_are_refused(make):
    x, other = T([[1.0, 2.0], [3.0, 4.0]]), make(np.array([[5.0, 6.0], [7.0, 8.0]]))
    for call in (lambda: x * other, lambda: np.concatenate([x, other]), lambda: Tensor(other)):
        with pytest.raises(TypeError, match="computes in its own way"):
            call()


@pytest.mark.parametrize(
    "call", [np.linalg.norm, np.vdot, np.cov, np.nansum, np.nan_to_num, lambda x, *_: x.real, lambda x, *_: x.conj()]
)
def test_complex_constants_are_refused_by_what_is_made_for_real_numbers(call):
    x = Tensor(np.array([1.0, 2.0j]))
    with pytest.raises(TypeError, match="complex numbers are not differentiated here"):
        call(x, x) if call is np.vdot else call(x)


def test_options_that_are_tensors(t):
    assert np.sum(t, axis=Tensor(0)).shape == (3,)
    np.testing.assert_array_equal(np.var(t, ddof=Tensor(1.0)).data, np.var(t.data, ddof=1))
    np.testing.assert_array_equal(np.flip(t, axis=Tensor(0)).data, t.data[::-1])
    with pytest.raises(TypeError, match=r"np\.var has no derivative with respect to argument ddof"):
        np.var(t, ddof=T(1.0))
    with pytest.raises(TypeError, match="no derivative with respect to argument 1"):
        np.quantile(t, [T(0.1)])


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        pytest.param(
            lambda x: np.sum(np.roll(x, np.uint8(1)) * np.array([1.0, 2.0, 3.0])),
            [1.0, 2.0, 3.0],
            [2, 3, 1],
            marks=pytest.mark.skipif(
                np.lib.NumpyVersion(np.__version__) < "2.4.0", reason="an older np.roll overflows at an unsigned shift"
            ),
        ),
        (lambda h: np.sum(np.heaviside(np.array([0.0, 1.0]), h)), [0.5, 0.5], [1, 0]),
        (lambda b: 6.0 % b[0], [0.1], [-59]),
        (lambda b: np.fmod(1.0, b[0]), [0.1], [-9]),
        (lambda x: np.sum(x ** np.array([0], np.uint8)), [1e10], [0]),
        (lambda x: np.sum(np.tril(x)), [1.0, 2.0], [2, 1]),
        (lambda x: np.sum(np.interp(x, [0.0, 1.0, 3.0], [0.0, 1.0, 5.0])), [0.0, 3.0], [1, 2]),
        (lambda x: np.einsum("ii->i", x)[0], [[1.0, np.nan], [2.0, 3.0]], [[1, 0], [0, 0]]),
    ],
)
def test_gradients_that_once_were_wrong(f, x, expected):
    np.testing.assert_array_equal(value_and_grad(f, np.array(x))[1], expected)


@pytest.mark.filterwarnings("ignore:Degrees of freedom")
def test_a_variance_without_freedom_has_no_gradient():
    with np.errstate(all="ignore"):
        assert not np.isfinite(value_and_grad(lambda x: np.var(x, ddof=3), np.array([1.0, 2.0]))[1]).any()


def test_a_polynomial_is_fitted_as_numpy_fits_it():
    x = np.linspace(0, 100, 50)
    y = np.sin(x / 20)
    np.testing.assert_allclose(np.polyfit(Tensor(x), y, 7).data, np.polyfit(x, y, 7), rtol=1e-6)
    check_grads(lambda y: np.polyfit(x / 100, y, 3, w=list(1 + x)), y, order=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.interp(x[:1], np.array([0.0, 1.0, 1.0]), np.array([0.0, 1.0, 5.0])),
        lambda x: np.interp(x[:1], np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, np.inf])),
        lambda x: np.median(x[:2] * np.array([-np.inf, 1])),
        lambda x: np.linspace(x[0] * -3.7, 5, 4, dtype=int),
        lambda x: np.linspace(x[0] * 1e20, 1, 3),
        lambda x: np.geomspace(x[0], 1000, 4, dtype=int),
        lambda x: np.logspace(x[0], 2.0, 2, base=np.array([2.0, 3.0])),
        lambda x: np.einsum(x.reshape(1, 2), [0, 26]),
        lambda x: np.nan_to_num(x.astype(np.float32), nan=np.float64(1)),
        lambda x: np.piecewise(x[0], [x[0] > 0], [lambda x: 2 * x, np.min]),
    ],
)
def test_values_that_once_were_wrong(call):
    x = np.array([1.0, 5.0])
    expected, found = call(x), call(T(x))
    np.testing.assert_array_equal(found.data, expected)
    assert found.dtype == expected.dtype


def test_a_decorated_generator_is_refused():
    def numbers():
        yield 1

    async def awaited_numbers():
        yield 1

    for function in (numbers, awaited_numbers):
        with pytest.raises(TypeError, match="write `with` in its body"):
            no_grad()(function)


def test_a_copy_has_a_gradient_of_its_own():
    x = T([1.0, 2.0])
    np.sum(x).backward()
    other = copy.copy(x)
    np.sum(other).backward()
    np.testing.assert_array_equal(x.grad, [1, 1])
    np.testing.assert_array_equal(other.grad, [2, 2])
    assert copy.copy(T(1.0)).grad is None


@pytest.mark.filterwarnings("ignore:Polyfit may be poorly conditioned")
def test_a_polynomial_is_fitted_without_the_directions_below_rcond():
    x, y = np.arange(6.0), np.array([1.0, 3.0, 2.0, 5.0, 4.0, 7.0])
    expected = np.polyfit(x, y, 3, rcond=0.1)
    np.testing.assert_allclose(np.polyfit(x, Tensor(y), 3, rcond=0.1).data, expected, rtol=1e-12)
    assert not np.allclose(expected, np.polyfit(x, y, 3))


def test_a_polynomial_is_fitted_over_whole_numbers():
    """np.polyfit takes integers for x, as the years of a series."""
    y = Tensor([1.0, 3.0, 2.0, 5.0], requires_grad=True)
    np.testing.assert_allclose(np.polyfit(np.arange(4), y, 1).data, np.polyfit(np.arange(4), y.data, 1), rtol=1e-13)
