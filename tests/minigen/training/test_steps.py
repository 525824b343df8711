"""Moves of training: whose gradient is taken, who sees what of the others, and when nobody moves."""

import numpy as np
import pytest

from minigen.training.optim import SGD, Adam
from minigen.training.steps import Move, take
from tests.minigen.models import minimise
from tests.minigen.training.test_optim import module


def players(rng):
    """Two modules, and a loss of both: Σ θ² φ, whose gradient by θ is 2θφ."""
    one, other = module(rng, 3), module(rng, 3)
    return one, other, lambda: np.sum(one.theta * one.theta * other.theta)


def test_differentiate_moves_nothing_and_is_the_first_half_of_a_move(rng):
    """Its module's gradient alone is that of the loss, and not added to what was there; then `step` is `minimise`."""
    one, other, loss = players(rng)
    theta, phi = one.flat.copy(), other.flat.copy()
    one.flat_grad[...] = 5
    other.flat_grad[...] = 7
    optimizer = SGD(one, 0.1)
    value, square = Move(optimizer, loss()).differentiate()
    assert value == pytest.approx(np.sum(theta**2 * phi), rel=1e-14)
    assert square == pytest.approx(np.sum((2 * theta * phi) ** 2), rel=1e-14)
    np.testing.assert_allclose(one.flat_grad, 2 * theta * phi, rtol=1e-14)
    np.testing.assert_array_equal(other.flat_grad, 7)
    np.testing.assert_array_equal(one.flat, theta)
    optimizer.step()
    stepped = one.flat.copy()
    np.testing.assert_allclose(stepped, theta - 0.2 * theta * phi, rtol=1e-14)
    one.flat[...] = theta
    assert minimise(optimizer, loss()) == pytest.approx(np.sum(theta**2 * phi), rel=1e-14)
    np.testing.assert_array_equal(one.flat, stepped)
    np.testing.assert_array_equal(other.flat, phi)
    np.testing.assert_array_equal(other.flat_grad, 7)


def test_moves_of_one_sequence_see_each_other_where_they_stood(rng):
    one, other, loss = players(rng)
    theta, phi = one.flat.copy(), other.flat.copy()
    first, second = SGD(one, 0.1), SGD(other, 0.1)
    losses = take([(Move(first, loss()), Move(second, loss()))])
    assert losses == pytest.approx([np.sum(theta**2 * phi)] * 2, rel=1e-14)
    np.testing.assert_allclose(one.flat, theta - 0.2 * theta * phi, rtol=1e-14)
    np.testing.assert_allclose(other.flat, phi - 0.1 * theta**2, rtol=1e-14)


def test_moves_one_after_the_other_see_what_the_others_did(rng):
    one, other, loss = players(rng)
    first, second = SGD(one, 0.1), SGD(other, 0.1)
    phi = other.flat.copy()
    take((Move(optimizer, loss()),) for optimizer in (first, second))
    np.testing.assert_allclose(other.flat, phi - 0.1 * one.flat**2, rtol=1e-14)


def test_where_one_of_several_moves_is_not_finite_none_is_made(rng):
    one, other, loss = players(rng)
    before = one.flat.copy(), other.flat.copy()
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="the second is nan"):
        take([(Move(SGD(one, 0.1), loss()), Move(SGD(other, 0.1), loss() * np.nan, "second"))])
    np.testing.assert_array_equal(one.flat, before[0])
    np.testing.assert_array_equal(other.flat, before[1])


def test_a_move_is_clipped(rng):
    one, _, _ = players(rng)
    before = one.flat.copy()
    take([(Move(SGD(one, 0.1), np.sum(one.theta), max_norm=0.5),)])
    np.testing.assert_allclose(np.linalg.norm(one.flat - before), 0.05, rtol=1e-6)


def test_a_loss_of_no_parameter_of_the_module_has_gradient_zero(rng):
    one, other, _ = players(rng)
    optimizer, before = SGD(one, 0.1), one.flat.copy()
    one.flat_grad[...] = 5
    minimise(optimizer, np.sum(other.theta))
    np.testing.assert_array_equal(one.flat_grad, 0)
    np.testing.assert_array_equal(one.flat, before)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda total: total + np.inf, "the loss of the game is inf: lower the learning rate"),
        (lambda total: total * np.nan, "the loss of the game is nan"),
        (lambda total: np.sqrt(total * 0), "the gradient of the loss of the game is not finite: lower"),
    ],
)
def test_a_loss_or_a_gradient_that_is_not_finite_moves_nothing(break_it, message, rng):
    one, _, _ = players(rng)
    optimizer, before = Adam(one, 0.1), one.flat.copy()
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=message):
        minimise(optimizer, break_it(np.sum(one.theta)), "loss of the game")
    np.testing.assert_array_equal(one.flat, before)
    assert optimizer.t == 0
    minimise(optimizer, np.sum(one.theta))  # and what was found is not left behind
    np.testing.assert_array_equal(one.flat_grad, 1)
