"""The penalties on a critic's slope, claim G-6: closed forms for simple critics, central differences for others."""

import copy

import numpy as np
import pytest

from autograd import Tensor, check_grads, grad
from minigen.dcgan import discriminator
from minigen.gan import GAN, OBJECTIVES
from minigen.nn.functions import relu, sigmoid
from minigen.nn.layers import mlp
from minigen.penalties import PENALTIES, gradient_penalty, r1_penalty, slopes
from minigen.priors import StandardNormal
from minigen.training.optim import lbfgs

n = 6
SHAPES = [(4,), (3, 2), (2, 3, 2), (1,)]
"""Of one image: one axis or several."""


def images(rng, shape):
    return rng.standard_normal((2, n, *shape))


def linear_critic(w, b=0.3):
    """s(x) = ⟨w, x⟩ + b, over all numbers of an image."""
    return lambda x: x.reshape(len(x), -1) @ w.reshape(-1, 1) + b


# -- linear critics: the slope is w everywhere


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weight", [10, 0.7])
def test_g6_the_gradient_penalty_of_a_linear_critic(shape, weight, rng):
    """G-6: λ(‖w‖ − 1)² whatever the images, with the gradient 2λ(‖w‖ − 1) w/‖w‖, which is a second derivative of s.
    The norm is over all numbers of an image, on however many axes.

    Planted: a norm over the batch; a norm over the last axis of an image alone; a penalty that is not differentiated
    again.
    """
    real, fake = images(rng, shape)
    for scale in (0.2, 2.0):
        w = Tensor(scale * rng.standard_normal(shape), requires_grad=True)
        norm = np.sqrt(np.sum(w.data**2))
        penalty = gradient_penalty(linear_critic(w), real, fake, weight, rng=rng)
        assert penalty.item() == pytest.approx(weight * (norm - 1) ** 2, rel=1e-12)
        np.testing.assert_allclose(grad(penalty, w).data, 2 * weight * (norm - 1) * w.data / norm, rtol=1e-11)


def test_g6_r1_is_on_the_logit_which_is_16_times_that_on_the_probability_at_one_half(rng):
    """G-6: ∇σ(s) = D (1 − D) ∇s, so where D = ½ the square of the slope of D is a sixteenth."""
    real, fake = images(rng, (4,))
    on_logit = linear_critic(rng.standard_normal(4), b=0.0)
    at_one_half = 0 * real  # the logit is 0 there
    on_probability = r1_penalty(lambda x: sigmoid(on_logit(x)), at_one_half, fake)
    assert r1_penalty(on_logit, at_one_half, fake).item() == pytest.approx(16 * on_probability.item(), rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weight", [10, 0.7])
def test_g6_r1_of_a_linear_critic(shape, weight, rng):
    """G-6: ½ γ ‖w‖², with the gradient γ w; the fakes have no part in it.

    Planted: the mean over an image's numbers in place of their sum.
    """
    real, fake = images(rng, shape)
    w = Tensor(rng.standard_normal(shape), requires_grad=True)
    penalty = r1_penalty(linear_critic(w), real, fake, weight, rng=rng)
    assert penalty.item() == pytest.approx(weight * np.sum(w.data**2) / 2, rel=1e-13)
    np.testing.assert_allclose(grad(penalty, w).data, weight * w.data, rtol=1e-13)
    assert r1_penalty(linear_critic(w), real, None, weight).item() == penalty.item()


def test_g6_weights_are_10_unless_another_is_given(rng):
    """G-6: λ = 10 of the paper, and γ = 10."""
    real, fake = images(rng, (4,))
    w = np.array([3.0, 0, 4, 0])
    assert gradient_penalty(linear_critic(w), real, fake, rng=rng).item() == pytest.approx(160, rel=1e-14)
    assert r1_penalty(linear_critic(w), real, fake, rng=rng).item() == pytest.approx(125, rel=1e-14)
    assert list(PENALTIES.values()) == [gradient_penalty, r1_penalty]


# -- critics that are not linear: each image has a slope of its own


@pytest.mark.parametrize("shape", SHAPES)
def test_g6_each_image_has_its_own_slope_and_norm(shape, rng):
    """G-6: of s(x) = ½ Σ a x², it is a x; the penalties are means over images of what their norms give. Data and fakes
    are the same here, so that x̂ is the image.

    Planted: a norm over the batch.
    """
    x, a = rng.standard_normal((n, *shape)), rng.uniform(0.5, 2, shape)
    critic = lambda x: 0.5 * np.sum((a * x * x).reshape(n, -1), axis=1, keepdims=True)
    own = (a * x).reshape(n, -1)
    np.testing.assert_allclose(slopes(critic, x).data, own, rtol=1e-14)
    norm = np.sqrt(np.sum(own**2, axis=1))
    assert gradient_penalty(critic, x, x, 3, rng=rng).item() == pytest.approx(3 * np.mean((norm - 1) ** 2), rel=1e-12)
    assert r1_penalty(critic, x, x + 1, 3, rng=rng).item() == pytest.approx(1.5 * np.mean(norm**2), rel=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_g6_x_hat_is_a_random_place_between_an_image_and_a_fake(shape, rng):
    """G-6: u x + (1 − u) x̃, one u for an image, uniform, and another for the next: of data 1 and fakes 0 it is seen.

    Planted: a u for each pixel, which leaves the line between the two.
    """
    seen = []
    critic = lambda x: seen.append(x.data.copy()) or np.sum(x.reshape(len(x), -1), axis=1, keepdims=True)
    many = 400
    gradient_penalty(critic, np.ones((many, *shape)), np.zeros((many, *shape)), rng=rng)
    u = seen[0].reshape(many, -1)
    assert np.ptp(u, axis=1).max() == 0
    u = np.sort(u[:, 0])
    assert len(np.unique(u)) == many
    assert abs(u - (np.arange(many) + 0.5) / many).max() < 1.95 / np.sqrt(many)  # Kolmogorov's 0.999
    real, fake = images(rng, shape)
    gradient_penalty(critic, real, fake, rng=np.random.default_rng(5))
    u = np.random.default_rng(5).random(n).reshape(n, *[1] * len(shape))
    np.testing.assert_allclose(seen[1], fake + u * (real - fake), atol=1e-14)


# -- where there is no slope


def test_g6_where_the_slope_is_0_value_and_gradient_are_finite(rng):
    """G-6: w = 0: the penalty is λ, and its gradient is taken as 0, not as 0/0; r1 has neither.

    Planted: the root of a sum of squares, whose derivative at 0 is not finite.
    """
    real, fake = images(rng, (3, 2))
    w = Tensor(np.zeros((3, 2)), requires_grad=True)
    penalty = gradient_penalty(linear_critic(w), real, fake, rng=rng)
    assert penalty.item() == 10
    assert not grad(penalty, w).data.any()
    penalty = r1_penalty(linear_critic(w), real, fake, rng=rng)
    assert penalty.item() == 0
    assert not grad(penalty, w).data.any()


def test_g6_so_they_are_where_every_unit_is_dead(rng):
    """G-6: a ReLU critic is flat there: such an image has the penalty λ, and the gradient is that of the others.

    Planted: the root of a sum of squares, whose derivative at 0 is not finite.
    """
    critic = mlp((4, 5, 1), relu, rng=rng).astype(np.float64)
    first, _, last = critic.layers
    weights = [first.weight, last.weight]
    first.weight.data[...] = abs(first.weight.data)
    first.bias.data[...] = rng.random(5)
    alive = abs(rng.standard_normal((n, 4)))
    dead = -1000 * alive  # below 0 in every unit
    assert gradient_penalty(critic, dead, dead, rng=rng).item() == 10
    for g in grad(gradient_penalty(critic, dead, dead, rng=rng), weights, allow_unused=True):
        assert g is None or not g.data.any()

    x = np.concatenate([alive, dead])
    of_alive, of_both = gradient_penalty(critic, alive, alive, rng=rng), gradient_penalty(critic, x, x, rng=rng)
    assert of_both.item() == pytest.approx((10 + of_alive.item()) / 2, rel=1e-13)
    for half, whole in zip(grad(of_alive, weights), grad(of_both, weights), strict=True):
        np.testing.assert_allclose(whole.data, half.data / 2, atol=1e-13)
        assert abs(half.data).max() > 0.01


# -- through the engine twice


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize("activation", [np.tanh, relu], ids=["tanh", "relu"])
def test_g6_second_derivatives_reach_every_weight(activation, penalty, rng):
    """G-6: second derivatives of the critic, by the weights of each layer; for tanh those of the next order too.

    Planted: a penalty that is not differentiated again.
    """
    real, fake = images(rng, (4,))

    def of_weights(W, b, V, v, c):
        critic = lambda x: activation(activation(x @ W + b) @ V + v) @ c
        return penalty(critic, real, fake, 0.7, rng=np.random.default_rng(1))

    shapes = [(4, 5), (5,), (5, 3), (3,), (3, 1)]
    weights = [rng.standard_normal(shape) for shape in shapes]
    check_grads(of_weights, *weights, order=2 if activation is np.tanh else 1)
    leaves = [Tensor(w, requires_grad=True) for w in weights]
    found = grad(of_weights(*leaves), leaves, allow_unused=True)
    assert all(g is not None and abs(g.data).max() > 1e-3 for g in found[::2])  # no weight matrix is left out


def along_a_random_direction(loss, module, rng):
    """The slope of `loss` by the module's weights along v, by the engine and by differences with an error of h⁴."""
    v, start, h = rng.standard_normal(module.flat.shape), module.flat.copy(), 1e-4
    parameters = module.parameters().values()
    found = grad(loss(), list(parameters), allow_unused=True)
    zero = lambda g, p: np.zeros(p.size) if g is None else g.data.ravel()
    analytic = np.concatenate([zero(g, p) for g, p in zip(found, parameters, strict=True)]) @ v
    values = []
    for step in (-2 * h, -h, h, 2 * h):
        module.flat[...] = start + step * v
        values.append(loss().item())
    module.flat[...] = start
    return analytic, (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
def test_g6_so_it_is_for_a_discriminator_of_convolutions(penalty, rng):
    """G-6: images of 4 × 4; the norm is over all 16 pixels, through convolutions and their transposes.

    Planted: a penalty that is not differentiated again.
    """
    critic = discriminator((4, 4), 2, rng=rng).astype(np.float64)
    critic.flat[...] = 0.3 * rng.standard_normal(critic.num_parameters)
    real, fake = images(rng, (16,))
    loss = lambda: penalty(critic, real, fake, 2.0, rng=np.random.default_rng(1))
    analytic, numeric = along_a_random_direction(loss, critic, rng)
    assert abs(analytic) > 1e-3
    assert analytic == pytest.approx(numeric, rel=1e-7)


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_g6_the_whole_loss_of_a_discriminator_is_differentiated(name, penalty, rng):
    """G-6: objective and penalty together, by all of its weights.

    Planted: a penalty that is not differentiated again.
    """
    gan = GAN(mlp((2, 5, 4), np.tanh, rng=rng), mlp((4, 5, 1), np.tanh, rng=rng), StandardNormal(2), 4, name, penalty)
    gan.astype(np.float64).flat[...] = 0.7 * rng.standard_normal(gan.num_parameters)
    real, fake = images(rng, (4,))
    loss = lambda: gan.discriminator_loss(real, fake, rng=np.random.default_rng(1))
    analytic, numeric = along_a_random_direction(loss, gan.discriminator, rng)
    assert abs(analytic) > 1e-3
    assert analytic == pytest.approx(numeric, rel=1e-8)


@pytest.mark.parametrize("scale", [0.1, 3.0])
def test_g6_descent_on_the_penalty_ends_at_a_slope_of_1(scale, rng):
    """G-6: from one that is too flat and from one that is too steep, by its gradient alone.

    Planted: a penalty that is not differentiated again.
    """
    critic = mlp((4, 1), np.tanh, rng=rng).astype(np.float64)
    critic.flat[...] = scale * rng.standard_normal(5)
    real, fake = images(rng, (4,))
    assert lbfgs(critic, lambda: gradient_penalty(critic, real, fake, rng=rng)) == pytest.approx(0, abs=1e-15)
    assert np.linalg.norm(critic.layers[0].weight.data) == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
def test_float32_stays_float32_and_nothing_given_is_changed(penalty, rng):
    critic = mlp((4, 5, 1), np.tanh, rng=rng)
    real, fake = images(rng, (4,)).astype(np.float32)
    before = copy.deepcopy((real, fake, critic.flat))
    value = penalty(critic, real, fake, rng=rng)
    found = grad(value, list(critic.parameters().values()), allow_unused=True)
    assert value.dtype == np.float32
    assert {g.dtype for g in found if g is not None} == {np.dtype(np.float32)}
    for a, b in zip((real, fake, critic.flat), before, strict=True):
        np.testing.assert_array_equal(a, b)
