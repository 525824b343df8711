"""detect_anomaly names the operation and the user's line; it is silent about what is sound."""

import numpy as np
import pytest

from autograd import Tensor, detect_anomaly


def line_of(function, text):
    """The number of the line of this file, within `function`, that has `text`."""
    start = function.__code__.co_firstlineno
    with open(__file__) as file:
        lines = file.readlines()[start - 1 :]
    return start + next(i for i, line in enumerate(lines) if text in line and "line_of" not in line)


@pytest.fixture
def x():
    return Tensor([1.0, 0.0, 2.0], requires_grad=True)


def test_the_forward_operation_and_line_are_named(x):
    y = x * 2
    with np.errstate(divide="ignore"), detect_anomaly(), pytest.raises(FloatingPointError) as raised:
        np.log(y)  # here
    line = line_of(test_the_forward_operation_and_line_are_named, "# here")
    assert "np.log made a NaN or an infinity from finite numbers" in str(raised.value)
    assert f"test_faults.py:{line}, in test_the_forward" in str(raised.value)


def test_the_backward_operation_and_the_line_of_its_call_are_named(x):
    """√0 is fine and its slope is not."""
    with np.errstate(divide="ignore", invalid="ignore"), detect_anomaly():
        y = np.sqrt(x)  # here
        z = np.sum(y * 3)
        with pytest.raises(FloatingPointError) as raised:
            z.backward()
    line = line_of(test_the_backward_operation_and_the_line_of_its_call_are_named, "# here")
    assert "the derivative of np.sqrt with respect to argument 0 made a NaN or an infinity" in str(raised.value)
    assert f"test_faults.py:{line}" in str(raised.value)


def test_an_argument_overwritten_before_backward_is_named():
    data = np.array([1.0, 2.0])
    x = Tensor([3.0, 4.0], requires_grad=True)
    with detect_anomaly():
        y = np.sum(x * data)  # here
        data[0] = 100
        with pytest.raises(RuntimeError) as raised:
            y.backward()
    line = line_of(test_an_argument_overwritten_before_backward_is_named, "# here")
    assert "argument 1 of np.multiply" in str(raised.value)
    assert f"test_faults.py:{line}" in str(raised.value)
    assert "write to a copy" in str(raised.value)


def test_a_part_of_an_index_overwritten_before_backward_is_named():
    rows = np.array([0, 1])
    x = Tensor(np.ones((2, 2)), requires_grad=True)
    with detect_anomaly():
        y = np.sum(x[rows, :])
        rows[0] = 1
        with pytest.raises(RuntimeError, match=r"argument 1 of getitem.*was written to in place"):
            y.backward()


def test_a_result_overwritten_before_backward_is_named(x):
    with detect_anomaly():
        y = np.exp(x)
        y.data[0] = 7
        with pytest.raises(RuntimeError, match=r"the result of np\.exp.*was written to in place"):
            y.sum().backward()


def test_infinities_that_were_there_before_are_not_blamed():
    with detect_anomaly():
        x = Tensor([-np.inf, 1.0], requires_grad=True)
        np.sum(np.exp(x * 1)).backward()
    np.testing.assert_array_equal(x.grad, [0, np.e])
    with detect_anomaly():
        y = Tensor([np.inf], requires_grad=True)
        np.sum(y * y).backward()
    assert y.grad == np.inf


def test_sound_computations_pass_and_nothing_is_watched_outside(x):
    with detect_anomaly():
        np.sum(np.exp(x) * x).backward()
    with np.errstate(divide="ignore"):
        y = np.log(x)
    assert y.call.watch is None
    assert np.isinf(y.data[1])
