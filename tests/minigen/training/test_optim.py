"""The blocked, in-place optimizers beside their formulas, one whole array at a time."""

import numpy as np
import pytest

from minigen.nn.layers import Linear
from minigen.nn.module import Module, Parameter
from minigen.table import IndependentBernoulli
from minigen.training.optim import BLOCK, FLUSH_EVERY, SGD, Adam, Optimizer, adam_reference, clip_grad_norm, lbfgs


def module(rng, size, dtype=np.float64):
    m = Module()
    m.theta = Parameter(rng.standard_normal(size))
    return m.astype(dtype)


SIZES = [1, 7, BLOCK, 2 * BLOCK + 3]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam_is_its_formula(size, weight_decay, rng):
    """Three steps, across block borders."""
    m = module(rng, size)
    theta, mean, square = m.flat.copy(), np.zeros(size), np.zeros(size)
    readable = theta, mean, square
    optimizer = Adam(m, learning_rate=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=weight_decay)
    for t in (1, 2, 3):
        g = rng.standard_normal(size)
        m.flat_grad[...] = g
        optimizer.step()
        mean = 0.8 * mean + 0.2 * g
        square = 0.95 * square + 0.05 * g**2
        update = mean / (1 - 0.8**t) / (np.sqrt(square / (1 - 0.95**t)) + 1e-3)
        theta = theta - 0.1 * (update + weight_decay * theta)
        readable = adam_reference(readable[0], g, *readable[1:], t, 0.1, (0.8, 0.95), 1e-3, weight_decay)
        np.testing.assert_allclose(m.flat, theta, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(readable[0], theta, rtol=1e-13, atol=1e-14)
        np.testing.assert_array_equal(m.flat_grad, g)


def test_i4_near_the_maximum_adam_takes_the_steps_of_its_formula(rng):
    """I-4: where the gradient vanishes Adam has to arrive, so its states stay alive down to gradients of 1e-12, over
    three rounds of `flush`, which sets states that are too small to matter to 0.

    Planted: second moments that are set to 0 from 1e-9 on, which makes the next step a leap.
    """
    size = 25
    m, g = module(rng, size), 10.0 ** -np.linspace(0, 12, size)
    readable = m.flat.copy(), np.zeros(size), np.zeros(size)
    optimizer = Adam(m, learning_rate=0.1)
    for t in range(1, 3 * FLUSH_EVERY + 2):
        m.flat_grad[...] = rng.uniform(0.5, 1, size) * g
        readable = adam_reference(readable[0], m.flat_grad, *readable[1:], t, 0.1)
        optimizer.step()
        np.testing.assert_allclose(m.flat, readable[0], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_its_formula(size, momentum, rng):
    m = module(rng, size)
    theta, velocity = m.flat.copy(), np.zeros(size)
    optimizer = SGD(m, learning_rate=0.1, momentum=momentum)
    for _ in range(3):
        g = rng.standard_normal(size)
        m.flat_grad[...] = g
        optimizer.step()
        velocity = momentum * velocity + g
        theta = theta - 0.1 * velocity
        np.testing.assert_allclose(m.flat, theta, rtol=1e-13, atol=1e-14)
        np.testing.assert_array_equal(m.flat_grad, g)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_an_optimizer_follows_parameters_that_are_laid_out_anew(kind, rng):
    """A part that was packed alone and later within a whole is still the part that its optimizer moves."""
    part, whole = module(rng, 3), Module()
    optimizer = kind(part, 0.1)
    optimizer.step()
    whole.part = part
    whole.flat_grad[...] = 1
    before = whole.flat.copy()
    optimizer.step()
    assert (whole.flat < before).all()


def test_float32_stays(rng):
    m = module(rng, 5, np.float32)
    m.flat_grad[...] = 1
    optimizer = Adam(m)
    optimizer.step()
    assert {v.dtype for v in (m.flat, *optimizer.states)} == {np.dtype(np.float32)}


def test_clipping_scales_the_whole_gradient_to_the_norm(rng):
    m = module(rng, 2)
    m.flat_grad[...] = [3, 4]
    assert clip_grad_norm(m, 10) == 5
    np.testing.assert_array_equal(m.flat_grad, [3, 4])
    assert clip_grad_norm(m, 1) == 5
    np.testing.assert_allclose(m.flat_grad, [0.6, 0.8], rtol=1e-15)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_wrong_call_is_answered_with_the_right_one(kind, rng):
    """The parameters in place of the model, and the name that other libraries have for the learning rate."""
    m, name = module(rng, 3), kind.__name__
    for parameters in (m.parameters(), list(m.parameters().values()), m.flat):
        with pytest.raises(TypeError, match=rf"{name} takes the model itself: {name}\(model, learning_rate=…\), got"):
            kind(parameters, 0.1)
    with pytest.raises(TypeError, match="learning_rate"):
        kind(m, lr=0.001)
    with pytest.raises(TypeError, match=f"{name} has no option lr; the learning rate is learning_rate=…"):
        kind(m, 0.1, lr=0.001)
    with pytest.raises(TypeError, match="Adam has no option lr; the learning rate is learning_rate=…"):
        Adam(m, lr=0.001)


def test_the_base_optimizer_has_no_step(rng):
    with pytest.raises(NotImplementedError):
        Optimizer(module(rng, 2), 0.1, num_states=0).step()


def test_lbfgs_that_cannot_go_on_leaves_the_module_as_it_came():
    model = IndependentBernoulli(3).astype(np.float64)
    model.flat[...] = [1.0, 2.0, 3.0]
    calls = []

    def loss():
        calls.append(model.flat.copy())
        if len(calls) == 3:
            raise ValueError("no further")
        return model.nll(np.array([[0, 1, 0], [1, 1, 0]]))

    with pytest.raises(ValueError, match="no further"):
        lbfgs(model, loss)
    np.testing.assert_array_equal(model.flat, [1, 2, 3])


def test_lbfgs_ends_where_the_gradient_vanishes():
    model, x = IndependentBernoulli(3).astype(np.float64), np.array([[0, 1, 0], [1, 1, 0], [1, 0, 1]])
    loss = lbfgs(model, lambda: model.nll(x))
    model.zero_grad()
    model.nll(x).backward()
    assert abs(model.flat_grad).max() < 1e-9
    assert loss == pytest.approx(model.nll(x).item(), rel=1e-14)


@pytest.mark.parametrize("make", [lambda m: SGD(m, 0.1, momentum=0.5), lambda m: Adam(m, 0.1, betas=(0.5, 0.9))])
def test_states_never_sink_to_where_arithmetic_is_slow(make, rng):
    """One gradient and then none for 1,000 steps, as where a unit has died: no state is below the normal numbers, and
    in the end all are 0."""
    module = Linear(4, 3, rng=rng)
    optimizer = make(module)
    module.flat_grad[...] = rng.standard_normal(module.num_parameters)
    tiny = np.finfo(np.float32).tiny
    for _ in range(1000):
        optimizer.step()
        assert all(np.all((state == 0) | (np.abs(state) >= tiny)) for state in optimizer.states)
        module.zero_grad()
    assert not any(state.any() for state in optimizer.states)
