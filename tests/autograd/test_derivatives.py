"""grad, jacobian, hvp, vjp, jvp and checkpoint, against closed forms and against each other."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given

from autograd import Tensor, backend, check_grads, checkpoint, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd.rules.special import logsumexp, softmax
from tests.strategies import generators


def assert_close(tensor, expected, tolerance=1e-12):
    np.testing.assert_allclose(backend.to_numpy(tensor), expected, rtol=tolerance, atol=tolerance)


def mixed(x):
    """A smooth map from 3 numbers to 2 × 2, nonlinear in all of them."""
    return np.stack([np.exp(x[:2]) * x[2], np.sin(x[1:] * x[0])])


def mixed_jacobian(x):
    a, b, c = x
    e = np.exp(x[:2])
    rows = [
        [[e[0] * c, 0, e[0]], [0, e[1] * c, e[1]]],
        [[b * np.cos(a * b), a * np.cos(a * b), 0], [c * np.cos(a * c), 0, a * np.cos(a * c)]],
    ]
    return np.array(rows)


@given(rng=generators)
def test_jacobian_vjp_and_jvp_are_one_matrix(rng, library):
    x, v, u = rng.standard_normal(3), rng.standard_normal(3), rng.standard_normal((2, 2))
    J = mixed_jacobian(x)
    dx, dv, du = map(backend.to_device, (x, v, u))
    assert_close(jacobian(mixed, dx), J)
    assert_close(jvp(mixed, dx, dv)[1], J @ v)
    assert_close(vjp(mixed, dx, du)[1], np.tensordot(u, J, 2))
    assert_close(vjp(mixed, dx, du)[0], mixed(x))


def test_functions_of_several_arrays_give_one_result_for_each(rng):
    a, b = rng.standard_normal((2, 3)), rng.standard_normal(3)
    value, (ga, gb) = value_and_grad(lambda a, b: np.sum(np.tanh(a @ b)), (a, b))
    slope = 1 - np.tanh(a @ b) ** 2
    assert value.item() == pytest.approx(np.tanh(a @ b).sum())
    np.testing.assert_allclose(ga.data, np.outer(slope, b), rtol=1e-13)
    np.testing.assert_allclose(gb.data, slope @ a, rtol=1e-13)
    Ja, Jb = jacobian(lambda a, b: a @ b, (a, b))
    np.testing.assert_array_equal(Jb.data, a)
    np.testing.assert_array_equal(Ja.data, np.einsum("ij,k->ijk", np.eye(2), b))
    _, along = jvp(lambda a, b: a @ b, (a, b), (a, b))
    np.testing.assert_allclose(along.data, 2 * a @ b, rtol=1e-13)


def test_what_does_not_depend_on_its_argument_has_derivative_zero(rng):
    x = rng.standard_normal(2)
    assert (jacobian(lambda x: x[0] * Tensor(np.ones(3)), x) == [[1, 0]] * 3).all()
    assert (jvp(lambda x: 3 * x, x, x)[1] == 3 * x).all()
    assert (hvp(lambda x: np.sum(3 * x), x, x) == 0).all()
    assert jacobian(lambda x: x[:0], x).shape == (0, 2)
    np.testing.assert_array_equal(vjp(lambda x: Tensor(np.ones(3)), x, np.ones(3))[1], np.zeros(2), strict=True)


def test_arrays_are_returned_for_arrays_and_tensors_for_tensors(rng):
    """Tensors for arrays too with create_graph."""
    x = rng.standard_normal(2)
    product = lambda x: np.sum(x**3)
    calls = {
        "value_and_grad": lambda x: value_and_grad(product, x),
        "vjp": lambda x: vjp(np.exp, x, np.ones(2)),
        "jvp": lambda x: jvp(np.exp, x, np.ones(2)),
        "jacobian": lambda x: [jacobian(np.exp, x)],
        "hvp": lambda x: [hvp(product, x, np.ones(2))],
    }
    for call in calls.values():
        assert {isinstance(result, Tensor) for result in call(x)} == {False}
        assert {type(result) for result in call(Tensor(x))} == {Tensor}
    assert {type(result) for result in vjp(np.exp, x, np.ones(2), create_graph=True)} == {Tensor}
    assert type(jacobian(np.exp, x, create_graph=True)) is Tensor


def test_directions_are_as_many_as_arguments(rng):
    with pytest.raises(ValueError, match="zip"):
        jvp(lambda a, b: a * b, (np.ones(2), np.ones(2)), (np.ones(2),))


# -- Hessians, in closed form


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_hessian(x):
    H = np.diag(-400 * x[:-1], 1) + np.diag(-400 * x[:-1], -1)
    return H + np.diag(np.r_[1200 * x[:-1] ** 2 - 400 * x[1:] + 2, 0] + np.r_[0, np.full(x.size - 1, 200.0)])


def logsumexp_hessian(x):
    p = softmax(x)
    return np.diag(p) - np.outer(p, p)


A = np.arange(16.0).reshape(4, 4) / 7 - 1
DATA = np.linspace(-1, 1, 12).reshape(6, 2)
TARGET = np.array([0.3, -0.2, 0.5, 0.1, -0.4, 0.2])


def mlp_loss(theta):
    """A network with two inputs, one hidden tanh layer of two units, and mean squared error; θ is (W, v)."""
    data, target = backend.to_device(DATA), backend.to_device(TARGET)
    return np.mean((np.tanh(data @ theta[:4].reshape(2, 2)) @ theta[4:] - target) ** 2)


def mlp_hessian(theta):
    W, v = theta[:4].reshape(2, 2), theta[4:]
    h = np.tanh(DATA @ W)
    d1, d2 = 1 - h**2, -2 * h * (1 - h**2)
    residual = h @ v - TARGET
    J = np.concatenate([(DATA[:, :, None] * (d1 * v)[:, None, :]).reshape(6, 4), h], axis=1)
    H = 2 * J.T @ J / 6
    for i in range(2):
        for k in range(2):
            for j in range(2):
                H[2 * i + k, 2 * j + k] += 2 * np.mean(residual * d2[:, k] * v[k] * DATA[:, i] * DATA[:, j])
            cross = 2 * np.mean(residual * d1[:, k] * DATA[:, i])
            H[2 * i + k, 4 + k] += cross
            H[4 + k, 2 * i + k] += cross
    return H


POINT = np.array([0.7, -1.1])


def gaussian_log_density(l):  # noqa: E741, the Cholesky factor's usual name
    """ln N(POINT; 0, LLᵀ) up to a constant, in the factor L = [[l₀, 0], [l₁, l₂]]."""
    L = np.stack([np.stack([l[0], 0 * l[0]]), np.stack([l[1], l[2]])])
    z = np.linalg.solve(L, backend.to_device(POINT))
    return -0.5 * np.sum(z * z) - np.log(l[0]) - np.log(l[2])


def gaussian_hessian(l):  # noqa: E741
    """From z₀ = x₀/l₀ and z₁ = (x₁ − l₁ z₀)/l₂."""
    a, b, c = l
    z0 = POINT[0] / a
    z1 = (POINT[1] - b * z0) / c
    dz0, dz1 = np.array([-z0 / a, 0, 0]), np.array([b * z0 / a / c, -z0 / c, -z1 / c])
    ddz0, ddz1 = np.zeros((3, 3)), np.zeros((3, 3))
    ddz0[0, 0] = 2 * z0 / a**2
    ddz1[0, 0] = -2 * b * z0 / a**2 / c
    ddz1[0, 1] = ddz1[1, 0] = z0 / a / c
    ddz1[0, 2] = ddz1[2, 0] = -b * z0 / a / c**2
    ddz1[1, 2] = ddz1[2, 1] = z0 / c**2
    ddz1[2, 2] = 2 * z1 / c**2
    H = -(np.outer(dz0, dz0) + z0 * ddz0 + np.outer(dz1, dz1) + z1 * ddz1)
    return H + np.diag([1 / a**2, 0, 1 / c**2])


HESSIANS = {
    "Rosenbrock": (rosenbrock, rosenbrock_hessian, np.array([-1.2, 1.0, 0.3, 0.8])),
    "log-sum-exp": (logsumexp, logsumexp_hessian, np.array([0.1, -2.0, 3.0, 0.5])),
    "loss of a small network": (mlp_loss, mlp_hessian, np.array([0.4, -0.7, 0.2, 0.9, -0.5, 0.8])),
    "Gaussian log-density in its Cholesky factor": (gaussian_log_density, gaussian_hessian, np.array([0.9, 0.4, 1.3])),
    "quadratic form": (lambda x: x @ backend.to_device(A) @ x, lambda x: A + A.T, np.array([0.5, -1.0, 2.0, 0.1])),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_hessians_equal_the_closed_forms(name, library):
    """To 1e-9, by hessian and by hvp on every unit vector."""
    f, closed, x = HESSIANS[name]
    expected = closed(x)
    x = backend.to_device(x)
    assert_close(hessian(f, x), expected, 1e-9)
    for e, column in zip(np.eye(len(expected)), expected.T, strict=True):
        assert_close(hvp(f, x, backend.to_device(e)), column, 1e-9)


# -- checkpoint


def layers(x, w):
    for _ in range(20):
        x = np.tanh(x @ w)
    return x


def test_a_checkpoint_has_the_value_and_the_gradients_of_the_function(rng):
    x, w = rng.standard_normal((5, 4)), rng.standard_normal((4, 4))
    check_grads(lambda x, w: checkpoint(layers, x, w), x, w, order=2)
    plain, again = (
        [y.data for y in grad(np.sum(f(*inputs)), inputs)]
        for f in (layers, lambda x, w: checkpoint(layers, x, w))
        for inputs in [[Tensor(x, requires_grad=True), Tensor(w, requires_grad=True)]]
    )
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_keeps_only_its_arguments(rng):
    x = Tensor(rng.standard_normal((1000, 50)))
    w = Tensor(rng.standard_normal((50, 50)), requires_grad=True)
    kept = {}
    for name, f in {"plain": layers, "checkpoint": lambda x, w: checkpoint(layers, x, w)}.items():
        tracemalloc.start()
        y = f(x, w)
        kept[name], peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert y.shape == (1000, 50)
    assert peak < 6 * x.data.nbytes  # the checkpoint's own forward pass keeps nothing either
    assert kept["checkpoint"] < 1.1 * x.data.nbytes < 20 * x.data.nbytes < kept["plain"]


def test_a_2000_step_recurrence_is_differentiated(rng):
    """An unrolled recurrent network of 2,000 steps: no recursion anywhere."""
    w = Tensor(0.5 * np.linalg.qr(rng.standard_normal((3, 3)))[0], requires_grad=True)
    inputs = rng.standard_normal((2000, 3))
    h = Tensor(np.zeros(3))
    for x in inputs:
        h = np.tanh(h @ w + x)
    np.sum(h).backward()
    recent = Tensor(np.zeros(3))
    again = Tensor(w.data, requires_grad=True)
    for x in inputs[-200:]:  # what came before is forgotten: the weights halve it at every step
        recent = np.tanh(recent @ again + x)
    np.sum(recent).backward()
    np.testing.assert_allclose(w.grad, again.grad, rtol=1e-12)
