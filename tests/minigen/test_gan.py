"""The losses of the adversarial game on logits, and the game of two networks: claims G-1, G-2, G-5 and G-7."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, log_expit

from autograd import Tensor, check_grads, grad
from minigen import divergences
from minigen.dcgan import generator as dcgan_generator
from minigen.gan import (
    GAN,
    OBJECTIVES,
    Game,
    discriminator_loss,
    hinge_discriminator_loss,
    least_squares_discriminator_loss,
    minimax_loss,
    non_saturating_loss,
    value,
)
from minigen.nn.arrays import plain
from minigen.nn.functions import relu
from minigen.nn.layers import Linear, Sequential, mlp
from minigen.nn.module import Module, Parameter
from minigen.nn.normalisation import BatchNorm
from minigen.penalties import gradient_penalty, r1_penalty
from minigen.priors import MixturePrior, StandardNormal
from minigen.training.loop import fit
from tests.minigen.models import minimise
from tests.strategies import distinct_values, generators

SHAPES = st.sampled_from([(1,), (5,), (3, 1), (2, 3, 1)])


@given(real=SHAPES, fake=SHAPES, rng=generators)
def test_the_value_is_the_mean_log_sigmoid_of_both(real, fake, rng):
    """V = E[ln σ(real)] + E[ln σ(−fake)], whatever the shapes; the discriminator descends on −V."""
    real, fake = 3 * rng.standard_normal(real), 3 * rng.standard_normal(fake)
    expected = log_expit(real).mean() + log_expit(-fake).mean()
    np.testing.assert_allclose(value(real, fake), expected, rtol=1e-13)
    np.testing.assert_allclose(discriminator_loss(real, fake), -expected, rtol=1e-13)
    np.testing.assert_allclose(non_saturating_loss(fake), -log_expit(fake).mean(), rtol=1e-13)


def test_undecided_the_discriminator_loses_log_4():
    """D ≡ ½: each half costs ln 2."""
    undecided = np.zeros((7, 1))
    assert discriminator_loss(undecided, undecided) == np.log(4)
    assert non_saturating_loss(undecided) == np.log(2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sure", [1e4, -1e4])
def test_losses_and_gradients_are_finite_however_sure_the_discriminator_is(sure, dtype):
    """A logarithm of a rounded probability would be −∞ here."""
    real, fake = (Tensor(np.full((3, 1), sure, dtype), requires_grad=True) for _ in range(2))
    loss, generator = discriminator_loss(real, fake), non_saturating_loss(fake)
    assert loss.item() == pytest.approx(1e4)  # one of the two halves is all wrong
    assert generator.item() == pytest.approx(1e4 if sure < 0 else 0)
    for g in [*grad(loss, [real, fake]), grad(generator, fake)]:
        assert np.all(np.isfinite(g.data))
        assert g.dtype == dtype


def test_g5_in_logits_the_two_losses_pull_by_d_and_by_1_less_d(rng):
    """G-5: ∂/∂logit of the minimax loss is −D/m, of the non-saturating one −(1 − D)/m: both raise the logit, the first
    where D is taken in, the second where it is not. ∂V/∂real = (1 − D)/n. Central differences say the same.

    Planted: a minimax loss with its sign flipped; and a non-saturating one that saturates.
    """
    real, fake = (Tensor(rng.standard_normal((n, 1)), requires_grad=True) for n in (4, 6))
    by_real, by_fake = grad(value(real, fake), [real, fake])
    np.testing.assert_allclose(by_real.data, expit(-real.data) / 4, rtol=1e-13)
    np.testing.assert_allclose(by_fake.data, -expit(fake.data) / 6, rtol=1e-13)
    np.testing.assert_allclose(grad(minimax_loss(fake), fake).data, -expit(fake.data) / 6, rtol=1e-13)
    np.testing.assert_allclose(grad(non_saturating_loss(fake), fake).data, -expit(-fake.data) / 6, rtol=1e-13)
    check_grads(value, real.data, fake.data)
    check_grads(non_saturating_loss, fake.data)


def test_the_generator_still_learns_where_the_discriminator_is_sure():
    """At D = σ(−20) the gradient of V has gone, and that of the non-saturating loss is at its largest."""
    fake = Tensor(np.full((1, 1), -20.0), requires_grad=True)
    assert abs(grad(value(np.zeros((1, 1)), fake), fake).data) < 1e-8
    np.testing.assert_allclose(grad(non_saturating_loss(fake), fake).data, -1, rtol=1e-8)


# -- what each player minimises, for every objective

BY_HAND = {
    "minimax": (lambda r, f: -log_expit(r).mean() - log_expit(-f).mean(), lambda f: log_expit(-f).mean()),
    "non-saturating": (lambda r, f: -log_expit(r).mean() - log_expit(-f).mean(), lambda f: -log_expit(f).mean()),
    "least-squares": (lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2, lambda f: ((f - 1) ** 2).mean() / 2),
    "hinge": (lambda r, f: np.maximum(1 - r, 0).mean() + np.maximum(1 + f, 0).mean(), lambda f: -f.mean()),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
}
"""The two losses of each objective, written once more in NumPy."""


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_loss_is_its_formula_and_its_gradients_are_right_to_second_order(name, rng):
    """By central differences, away from the kinks of the hinge at ±1; of arrays of any shape."""
    if name not in BY_HAND:
        pytest.skip(f"write the formula of {name} once more, in BY_HAND, and this test compares")
    of_discriminator, of_generator = BY_HAND[name]
    for shape in ((7, 1), (3, 2, 1), (5,)):
        real, fake = distinct_values(rng, [shape, shape])
        np.testing.assert_allclose(OBJECTIVES[name].discriminator(real, fake), of_discriminator(real, fake), rtol=1e-13)
        np.testing.assert_allclose(OBJECTIVES[name].generator(fake), of_generator(fake), rtol=1e-13)
        check_grads(OBJECTIVES[name].discriminator, real, fake, order=2)
        check_grads(OBJECTIVES[name].generator, fake, order=2)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_players_are_against_each_other(name, rng):
    """Where every logit of a fake rises, the generator's loss falls and the discriminator's rises."""
    real, fake = rng.uniform(-0.9, 0.9, (2, 8, 1))  # inside the hinge; scores that may be off in either direction
    fake = abs(fake)
    higher = np.minimum(fake + 0.05, 0.99)
    assert OBJECTIVES[name].generator(higher) < OBJECTIVES[name].generator(fake)
    assert OBJECTIVES[name].discriminator(real, higher) > OBJECTIVES[name].discriminator(real, fake)


def counted(rng, K=5, n=60):
    """Two tables of whole numbers of points, and the places of these points: means over them are sums over tables."""
    p, q = (rng.multinomial(n - K, np.full(K, 1 / K)) + 1 for _ in range(2))
    return p / n, q / n, np.repeat(np.arange(K), p), np.repeat(np.arange(K), q)


@given(rng=generators)
def test_g1_the_best_logits_of_a_batch_are_those_of_its_table(rng):
    """G-1: means over points are sums over states, so ln p/q are the best logits of a batch too, one for each state.

    Planted: a value function that takes fakes for data.
    """
    p, q, real, fake = counted(rng)
    best = Tensor(np.log(p / q), requires_grad=True)
    top = value(best[real], best[fake])
    assert abs(grad(top, best).data).max() < 1e-15
    for scale in (0.01, 1.0):
        other = best.data + scale * rng.standard_normal(5)
        assert value(other[real], other[fake]) < top.item()
        assert value(other[real], other[fake]) == pytest.approx(divergences.value(p, q, other), rel=1e-13)


@given(rng=generators)
def test_g2_the_best_discriminator_of_a_batch_loses_log_4_less_twice_the_jsd(rng):
    """G-2: −V(D*, G) for a batch that holds every point in its share, to rounding.

    Planted: a value function that takes fakes for data.
    """
    p, q, real, fake = counted(rng)
    best = np.log(p / q)
    expected = np.log(4) - 2 * divergences.js_divergence(p, q)
    assert discriminator_loss(best[real], best[fake]) == pytest.approx(expected, abs=1e-14)


@given(rng=generators)
def test_the_best_critics_of_the_other_objectives(rng):
    """Least squares: the scores are D* itself, and the loss is ½ Σ pq/(p + q). Hinge: ±1 by the larger share, and
    the loss 2 Σ min(p, q), 2 less twice the total variation."""
    p, q, real, fake = counted(rng)
    best = Tensor(p / (p + q), requires_grad=True)
    loss = least_squares_discriminator_loss(best[real], best[fake])
    assert abs(grad(loss, best).data).max() < 1e-15
    assert loss.item() == pytest.approx(np.sum(p * q / (p + q)) / 2, rel=1e-13)
    sign = np.where(p > q, 1.0, -1.0)
    least = hinge_discriminator_loss(sign[real], sign[fake])
    assert least == pytest.approx(2 * np.minimum(p, q).sum(), rel=1e-13)
    for scale in (0.1, 1.0, 10.0):
        other = sign + scale * rng.standard_normal(5)
        assert hinge_discriminator_loss(other[real], other[fake]) >= least - 1e-14


def cauchy(x, mean, r):
    """The wrapped Cauchy density on the circle, 0 ≤ r < 1; of Tensors too."""
    return (1 - r**2) / (2 * np.pi * (1 + r**2 - 2 * r * np.cos(x - mean)))


@pytest.mark.parametrize(("mean", "r"), [(0.3, 0.4), (-1.2, 0.1), (2.0, 0.6)])
def test_g5_through_the_optimal_critic_the_generator_descends_on_divergences(mean, r):
    """G-5, for a generator that moves its samples: G(z) = μ + 2 arctan((1 − r)/(1 + r) tan z/2) of a z uniform on the
    circle has the density (1 − r²)/2π(1 + r² − 2r cos(x − μ)). Through D* held fixed, by μ and r, the minimax loss has
    the gradient of 2 JSD, and the non-saturating one that of KL(p_G ‖ p_data) − 2 JSD. Sums over equal steps of a
    circle are the integrals, to rounding.

    Planted: a minimax loss with its sign flipped; and a non-saturating one that saturates.
    """
    n = 400
    z = -np.pi + 2 * np.pi * (np.arange(n) + 0.5) / n
    p_data = lambda x: 0.6 * cauchy(x, 0.5, 0.5) + 0.4 * cauchy(x, -2.0, 0.3)
    logits = lambda x: np.log(p_data(x)) - np.log(cauchy(x, mean, r))  # of the generator as it is now

    def through_the_critic(loss):
        theta = Tensor([mean, r], requires_grad=True)
        fake = theta[0] + 2 * np.arctan((1 - theta[1]) / (1 + theta[1]) * np.tan(z / 2))
        return grad(loss(logits(fake)), theta).data

    def of_tables(divergence):
        theta = Tensor([mean, r], requires_grad=True)
        return grad(divergence(p_data(z) * 2 * np.pi / n, cauchy(z, theta[0], theta[1]) * 2 * np.pi / n), theta).data

    of_jsd = of_tables(lambda p, q: 2 * divergences.js_divergence(p, q))
    of_kl = of_tables(lambda p, q: divergences.kl_divergence(q, p))
    assert abs(of_jsd).min() > 1e-3
    np.testing.assert_allclose(through_the_critic(minimax_loss), of_jsd, atol=1e-13)
    np.testing.assert_allclose(through_the_critic(non_saturating_loss), of_kl - of_jsd, atol=1e-13)


# -- G-7: two networks, each the other's loss

D, d, n = 4, 2, 6


def small(rng, objective="non-saturating", penalty=None, averaged=True):
    """tanh everywhere: every parameter has a gradient; biases are not 0."""
    gan = GAN(
        mlp((d, 5, D), np.tanh, rng=rng),
        mlp((D, 5, 1), np.tanh, rng=rng),
        StandardNormal(d),
        D,
        objective,
        penalty,
        averaged,
    ).astype(np.float64)
    gan.flat[...] = 0.7 * rng.standard_normal(gan.num_parameters)
    if averaged:
        gan.average.flat[...] = gan.generator.flat
    return gan


def by_numpy(net, x):
    """The same two layers without the engine."""
    first, _, last = net.layers
    return np.tanh(x @ first.weight.data + first.bias.data) @ last.weight.data + last.bias.data


def differences(f, vector):
    """∂f by every number of `vector`, which is written to in place: central differences whose error is h⁴."""
    slopes, h = np.zeros_like(vector), 1e-3
    for i in range(len(vector)):
        here = vector[i]
        values = []
        for step in (-2 * h, -h, h, 2 * h):
            vector[i] = here + step
            values.append(f())
        vector[i] = here
        slopes[i] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
    return slopes


def gradient(loss, module):
    return np.concatenate([g.data.ravel() for g in grad(loss, list(module.parameters().values()))])


@pytest.mark.parametrize("name", BY_HAND)
def test_g7_both_gradients_are_those_of_the_losses_by_hand(name, rng):
    """G-7: by every weight of either network, against central differences of losses that NumPy works out: the
    generator's gradient has come through the whole discriminator.

    Planted: fakes that are cut off from the generator; a generator's loss with its sign flipped.
    """
    gan = small(rng, name)
    x, z = rng.standard_normal((n, D)), gan.prior.sample(n, rng=np.random.default_rng(1))
    of_discriminator, of_generator = BY_HAND[name]
    judged = lambda x: by_numpy(gan.discriminator, x)
    made = lambda: by_numpy(gan.generator, z)

    loss = gan.generator_loss(gan.fakes(n, rng=np.random.default_rng(1)))
    assert loss.item() == pytest.approx(of_generator(judged(made())), rel=1e-13)
    expected = differences(lambda: of_generator(judged(made())), gan.generator.flat)
    np.testing.assert_allclose(gradient(loss, gan.generator), expected, atol=1e-10)
    assert abs(expected).min() > 1e-6

    fake = made()
    loss = gan.discriminator_loss(x, fake, rng=rng)
    assert loss.item() == pytest.approx(of_discriminator(judged(x), judged(fake)), rel=1e-13, abs=1e-14)
    expected = differences(lambda: of_discriminator(judged(x), judged(fake)), gan.discriminator.flat)
    np.testing.assert_allclose(gradient(loss, gan.discriminator), expected, atol=1e-10)


@pytest.mark.parametrize("penalty", [None, r1_penalty, gradient_penalty])
@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("simultaneous", [False, True])
def test_g7_a_small_step_lowers_a_players_own_loss(simultaneous, name, penalty, rng):
    """G-7: with the rate of the other at 0, which then does not move at all, and for the same z.

    Planted: a generator's loss with its sign flipped.
    """
    gan, x = small(rng, name, penalty), rng.standard_normal((n, D))
    of_discriminator, of_generator = BY_HAND[name]
    judged = lambda x: by_numpy(gan.discriminator, x)
    made = lambda: by_numpy(gan.generator, gan.prior.sample(n, rng=np.random.default_rng(1)))

    def penalised():
        draws = np.random.default_rng(1)
        fake = plain(gan.fakes(n, rng=draws))
        extra = 0 if penalty is None else penalty(gan.discriminator, x, fake, rng=draws).item()
        return of_discriminator(judged(x), judged(fake)) + extra

    before, its = of_generator(judged(made())), gan.discriminator.flat.copy()
    game = Game(gan, 1e-4, 0.0, simultaneous=simultaneous)
    game(x, np.random.default_rng(1))
    assert of_generator(judged(made())) < before - 1e-5
    np.testing.assert_array_equal(gan.discriminator.flat, its)
    assert game.losses["generator"] == pytest.approx(before, rel=1e-12)

    before, its = penalised(), gan.generator.flat.copy()
    game = Game(gan, 0.0, 1e-4, simultaneous=simultaneous)
    assert game(x, np.random.default_rng(1)) == pytest.approx(before, rel=1e-12)
    assert penalised() < before - 1e-5
    np.testing.assert_array_equal(gan.generator.flat, its)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_g7_each_step_changes_its_own_network_and_all_of_it(name, rng):
    """G-7: neither weights nor gradients of the other are touched. (A Wasserstein critic's last bias has no gradient:
    it is the same for both sides.)

    Planted: a generator's step over the whole model, which makes the discriminator easier to deceive.
    """
    gan, x = small(rng, name, gradient_penalty), rng.standard_normal((n, D))
    game = Game(gan, 0.01, 0.01)
    steps = {
        "generator": lambda: minimise(game.generator, gan.generator_loss(gan.fakes(n, rng=rng))),
        "discriminator": lambda: minimise(
            game.discriminator, gan.discriminator_loss(x, plain(gan.fakes(n, rng=rng)), rng=rng)
        ),
    }
    for part, step in steps.items():
        gan.flat_grad.fill(7)
        parameters = gan.parameters()
        before = {key: p.data.copy() for key, p in parameters.items()}
        step()
        its = {key for key in parameters if key.startswith(part)}
        assert {key for key, p in parameters.items() if np.any(p.data != before[key])} >= its - {
            "discriminator.layers.2.bias"
        }
        for key in set(parameters) - its:
            np.testing.assert_array_equal(parameters[key].data, before[key], err_msg=key)
            if not key.startswith("average"):
                assert np.all(parameters[key].grad == 7), key


def adams_first(theta, g, rate):
    """Where Adam's first step leads: m̂ = g and ŝ = g²."""
    return theta - rate * g / (abs(g) + 1e-8)


@pytest.mark.parametrize("penalty", [None, gradient_penalty])
@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("simultaneous", [False, True])
def test_g7_who_moves_when(simultaneous, name, penalty, rng):
    """G-7: simultaneous players move along gradients at the weights before; of alternating ones the generator answers
    the discriminator as it has become. Both against steps worked out by hand.

    Planted: simultaneous players of whom the generator looks second.
    """
    gan, x = small(rng, name, penalty), rng.standard_normal((n, D))
    after = copy.deepcopy(gan)
    draws = np.random.default_rng(1)
    fake = gan.fakes(n, rng=draws)
    of_discriminator = gan.discriminator_loss(x, plain(fake), rng=draws)
    expected = adams_first(gan.discriminator.flat, gradient(of_discriminator, gan.discriminator), 0.2)
    if not simultaneous:
        gan.discriminator.flat[...] = expected
    of_generator = gan.generator_loss(fake)
    generator = adams_first(gan.generator.flat, gradient(of_generator, gan.generator), 0.1)

    game = Game(after, 0.1, 0.2, simultaneous=simultaneous)
    returned = game(x, np.random.default_rng(1))
    np.testing.assert_allclose(after.generator.flat, generator, atol=1e-9)
    sure = np.ones(len(expected), bool)
    sure[-1] = name != "wasserstein"  # the last bias of that critic: a gradient of 0 but for rounding
    np.testing.assert_allclose(after.discriminator.flat[sure], expected[sure], atol=1e-9)
    losses = {"discriminator": of_discriminator.item(), "generator": of_generator.item()}
    assert game.losses == pytest.approx(losses, rel=1e-12)
    assert returned == game.losses["discriminator"]


class Place(Module):
    """x = θ whatever z."""

    def __init__(self, theta):
        self.theta = Parameter([theta])

    def __call__(self, z):
        return self.theta + 0 * z


class Slope(Module):
    """s(x) = ψx."""

    def __init__(self, psi):
        self.psi = Parameter([psi])

    def __call__(self, x):
        return self.psi * x


@pytest.mark.parametrize(("simultaneous", "theta"), [(True, 0.6), (False, 0.4)])
def test_g7_on_the_smallest_of_games_the_order_turns_the_generator_around(simultaneous, theta):
    """G-7: all data at 0, x = θ = ½, s = ψx with ψ = 0.01. The critic lowers θψ, to ψ = −0.09; the generator climbs
    ψθ, up if it answers the ψ before and down if the ψ after. Adam's first step has the length of its rate.

    Planted: simultaneous players of whom the generator looks second.
    """
    gan = GAN(Place(0.5), Slope(0.01), StandardNormal(1), 1, "wasserstein").astype(np.float64)
    Game(gan, 0.1, 0.1, simultaneous=simultaneous)(np.zeros((3, 1)), np.random.default_rng(0))
    assert gan.discriminator.psi.data[0] == pytest.approx(-0.09, abs=1e-6)
    assert gan.generator.theta.data[0] == pytest.approx(theta, abs=1e-6)


# -- the step of training


@pytest.mark.parametrize(("rows", "parts"), [(12, [4, 4, 4]), (10, [4, 3, 3])])
def test_the_discriminator_takes_a_step_on_each_part_and_then_the_generator_one(rows, parts, rng):
    """Against new fakes each time; the generator against the last of them. Step by step, by the same optimizers."""
    gan, x = small(rng), rng.standard_normal((rows, D))
    by_hand, seen = copy.deepcopy(gan), []
    inner = gan.discriminator
    gan.discriminator = Sequential(lambda batch: seen.append(plain(batch)) or batch, inner)
    game, other = Game(gan, 0.01, 0.02, discriminator_steps=3), Game(by_hand, 0.01, 0.02)
    game(x, np.random.default_rng(1))

    draws, start = np.random.default_rng(1), 0
    for size in parts:
        fake = by_hand.fakes(size, rng=draws)
        minimise(other.discriminator, by_hand.discriminator_loss(x[start : start + size], plain(fake), rng=draws))
        start += size
    minimise(other.generator, by_hand.generator_loss(fake))
    np.testing.assert_array_equal(gan.generator.flat, by_hand.generator.flat)
    np.testing.assert_array_equal(inner.flat, by_hand.discriminator.flat)
    assert (game.discriminator.t, game.generator.t) == (3, 1)
    assert [len(batch) for batch in seen] == [*(2 * size for size in parts), parts[-1]]
    np.testing.assert_array_equal(np.concatenate([b[: len(b) // 2] for b in seen[:3]]), x)
    fakes = np.concatenate([b[len(b) // 2 :] for b in seen[:3]])
    assert len(np.unique(fakes, axis=0)) == rows
    np.testing.assert_array_equal(seen[3], fakes[-parts[-1] :])


def test_the_average_follows_the_generator(rng):
    """average ← m average + (1 − m) generator with m = min(ema_decay, t/(10 + t)): shorter at first. Statistics of the
    batches are averaged too."""
    generator = Sequential(Linear(d, 5, rng=rng), BatchNorm(5), relu, Linear(5, D, rng=rng))
    gan = GAN(generator, mlp((D, 5, 1), np.tanh, rng=rng), StandardNormal(d), D).astype(np.float64)
    expected = {name: a.copy() for name, a in gan.average.arrays().items()}
    assert "layers.1.var" in expected
    game = Game(gan, 0.05, 0.05, ema_decay=0.2)
    for m in (1 / 11, 2 / 12, 0.2, 0.2):
        game(rng.standard_normal((n, D)), rng)
        for name, array in gan.generator.arrays().items():
            expected[name] = m * expected[name] + (1 - m) * array
    for name, array in gan.average.arrays().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-12, err_msg=name)
        assert not np.array_equal(array, gan.generator.arrays()[name]), name


def test_without_a_past_the_average_is_the_generator(rng):
    gan = small(rng)
    game = Game(gan, 0.05, 0.05, ema_decay=0)
    for _ in range(3):
        game(rng.standard_normal((n, D)), rng)
        np.testing.assert_allclose(gan.average.flat, gan.generator.flat, rtol=1e-14)


def test_samples_are_the_averages_where_there_is_one(rng):
    """Without one they are the generator's; and training is the same with and without."""
    x, z = rng.standard_normal((n, D)), rng.standard_normal((5, d))
    gans = [small(np.random.default_rng(3), averaged=averaged) for averaged in (True, False)]
    for gan in gans:
        game = Game(gan, 0.05, 0.05)
        for seed in range(3):
            game(x, np.random.default_rng(seed))
    with_one, without = gans
    np.testing.assert_array_equal(with_one.generator.flat, without.generator.flat)
    np.testing.assert_allclose(with_one.generate(z), by_numpy(with_one.average, z), rtol=1e-13)
    np.testing.assert_allclose(without.generate(z), by_numpy(without.generator, z), rtol=1e-13)
    assert abs(with_one.generate(z) - without.generate(z)).max() > 1e-3
    draws = without.sample(5, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(draws, without.generate(without.prior.sample(5, rng=np.random.default_rng(0))))
    assert without.average is None
    assert not [name for name in without.arrays() if name.startswith("average")]


def test_the_weights_of_the_average_count_too(rng):
    """(2·5 + 5 + 5·4 + 4) + (4·5 + 5 + 5 + 1), and the generator's once more."""
    for averaged in (True, False):
        assert small(rng, averaged=averaged).num_parameters == 39 + 31 + 39 * averaged
    assert len(small(rng).arrays()) == len(small(rng, averaged=False).arrays()) + 4


@pytest.mark.parametrize("shape", [(d,), (7, d), (3, 2, d), (1, 1, 1, d)])
def test_generate_keeps_the_leading_axes(shape, rng):
    """Each z for itself, in blocks or not."""
    gan, z = small(rng), rng.standard_normal(shape)
    images = gan.generate(z)
    assert images.shape == (*shape[:-1], D)
    np.testing.assert_allclose(images, by_numpy(gan.average, z), rtol=1e-12)
    gan.block = 2
    np.testing.assert_allclose(gan.generate(z), images, rtol=1e-12)


def test_with_batch_normalisation_a_generated_image_is_for_itself(rng):
    """And the generator is back in training after it."""
    gan = GAN(dcgan_generator((4, 4), d, 2, rng=rng), mlp((16, 5, 1), np.tanh, rng=rng), StandardNormal(d), 16)
    Game(gan, 0.01, 0.01)(rng.random((n, 16)), rng)
    z = rng.standard_normal((5, d))
    images = gan.generate(z)
    np.testing.assert_allclose(gan.generate(z[3]), images[3], rtol=1e-5)
    assert images.dtype == np.float32
    assert gan.average.training
    assert gan.generator.training


@pytest.mark.parametrize("name", BY_HAND)
def test_the_validation_loss_is_the_discriminators_without_penalty(name, rng):
    """On images and as many samples, the same each time and whatever the block."""
    gan, x = small(rng, name, r1_penalty), rng.standard_normal((9, D))
    fake = gan.sample(9, rng=np.random.default_rng(0))
    expected = BY_HAND[name][0](by_numpy(gan.discriminator, x), by_numpy(gan.discriminator, fake))
    for gan.block in (500, 4):
        assert gan.validation_loss(x) == pytest.approx(expected, rel=1e-12)
    assert isinstance(gan.validation_loss(x), float)
    with pytest.raises(ValueError, match=r"GAN takes a batch of shape \(n, 4\), got \(9, 3\)"):
        gan.validation_loss(x[:, :3])


def test_an_undecided_discriminator_has_a_validation_loss_of_log_4(rng):
    gan = small(rng)
    gan.discriminator.flat[-6:] = 0
    assert gan.validation_loss(rng.standard_normal((9, D))) == pytest.approx(np.log(4), abs=1e-15)


def test_a_penalty_is_added_to_the_discriminators_loss_alone(rng):
    """It is given the discriminator, data and fakes, and the generator of chance."""
    given_to = []

    def penalty(*arguments, rng):
        given_to.append((*arguments, rng))
        return 0.25 + 0 * np.sum(arguments[0](arguments[1]))

    gan, x = small(rng, penalty=penalty), rng.standard_normal((n, D))
    plainly = small(np.random.default_rng(20261123))
    fake = by_numpy(gan.generator, gan.prior.sample(n, rng=rng))
    loss = gan.discriminator_loss(x, fake, rng=rng).item()
    assert loss == pytest.approx(plainly.discriminator_loss(x, fake, rng=rng).item() + 0.25, rel=1e-13)
    (arguments,) = given_to
    assert all(a is b for a, b in zip(arguments, (gan.discriminator, x, fake, rng), strict=True))
    assert gan.generator_loss(fake).item() == plainly.generator_loss(fake).item()
    assert len(given_to) == 1


@pytest.mark.parametrize("simultaneous", [False, True])
@pytest.mark.parametrize("part", ["generator", "discriminator"])
def test_no_weight_changes_in_a_step_whose_loss_is_nan(part, simultaneous, rng):
    """Fakes that are NaN reach the discriminator's loss first."""
    gan = small(rng)
    game = Game(gan, 0.01, 0.01, simultaneous=simultaneous)
    getattr(gan, part).flat[0] = np.nan
    before = {name: array.copy() for name, array in gan.arrays().items()}
    with pytest.raises(FloatingPointError, match=r"the discriminator's loss is nan: lower the learning rate"):
        game(rng.standard_normal((n, D)), rng)
    for name, array in gan.arrays().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("simultaneous", [False, True])
@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_the_player_whose_loss_is_nan_is_named(player, simultaneous, rng, monkeypatch):
    gan = small(rng)
    finite = getattr(gan, f"{player}_loss")
    monkeypatch.setattr(gan, f"{player}_loss", lambda *a, **options: finite(*a, **options) * np.nan)
    with pytest.raises(FloatingPointError, match=f"^the {player}'s loss is nan"):
        Game(gan, 0.01, 0.01, simultaneous=simultaneous)(rng.standard_normal((n, D)), rng)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_penalty_that_is_nan_stops_both_players(simultaneous, rng):
    gan = small(rng, penalty=lambda critic, real, fake, rng: np.nan * np.sum(critic(real)))
    before = {name: array.copy() for name, array in gan.arrays().items()}
    with pytest.raises(FloatingPointError, match=r"the discriminator's loss is nan: lower the learning rate"):
        Game(gan, 0.01, 0.01, simultaneous=simultaneous)(rng.standard_normal((n, D)), rng)
    for name, array in gan.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_the_mean_losses_are_of_the_steps_since_they_were_last_asked_for(rng):
    gan = small(rng)
    game = Game(gan, 0.05, 0.05)
    for steps in (3, 2):
        met = []
        for _ in range(steps):
            game(rng.standard_normal((n, D)), rng)
            met.append(game.losses)
        expected = {name: np.mean([losses[name] for losses in met]) for name in ("discriminator", "generator")}
        assert game.mean_losses() == pytest.approx(expected, rel=1e-14)


def test_it_trains_in_the_loop_of_every_other_model(rng):
    """One number: G(z) = a z + b among data from N(1, ½²), against logits with a square in them, ends about their mean
    with a discriminator that can not tell. Both rates fall, and are put back; `losses` can be measured."""
    square = lambda x: np.concatenate([x, x**2], axis=1)
    held = lambda *arguments, rng: r1_penalty(*arguments, weight=0.5, rng=rng)
    gan = GAN(Linear(1, 1, rng=rng), Sequential(square, Linear(2, 1, rng=rng)), StandardNormal(1), 1, penalty=held)
    x = (1 + 0.5 * rng.standard_normal((400, 1))).astype(np.float32)
    game = Game(gan, 0.03, 0.1, betas=(0.5, 0.99))
    seen = []
    history = fit(gan, game, x, x, rng=rng, epochs=60, batch_size=100, decay=True, keep_best=False, progress=False,
                  before_epoch=lambda number: seen.append([o.learning_rate for o in game.optimizers]),
                  measure=lambda: dict(game.losses))  # fmt: skip
    np.testing.assert_allclose(seen[31], [0.05, 0.015])  # half the way
    assert [o.learning_rate for o in game.optimizers] == [0.1, 0.03]
    assert list(history.epochs[-1].measures) == ["discriminator", "generator"]
    assert gan.average.bias.data[0] == pytest.approx(1, abs=0.2)
    assert gan.validation_loss(x) == pytest.approx(np.log(4), abs=0.05)


# -- what is refused


def test_an_objective_that_is_none_is_refused(rng):
    with pytest.raises(ValueError, match=r"objective must be one of minimax, non-saturating, .*, got 'vanilla'"):
        small(rng, "vanilla")


def test_a_generator_of_another_shape_is_refused(rng):
    gan = GAN(mlp((d, 3), np.tanh, rng=rng), mlp((D, 1), np.tanh, rng=rng), StandardNormal(d), D)
    with pytest.raises(ValueError, match=r"the generator makes \(5, 3\) of 5 draws of z; it should be \(5, 4\)"):
        gan.fakes(5, rng=rng)
    with pytest.raises(ValueError, match=r"the generator makes \(6, 3\)"):
        Game(gan, 0.1, 0.1)(np.zeros((6, D)), rng)


@pytest.mark.parametrize("x", [np.zeros((3, D + 1)), np.zeros((0, D)), np.full((3, D), np.nan)])
def test_a_batch_that_is_none_is_refused(x, rng):
    with pytest.raises(ValueError, match="GAN takes"):
        Game(small(rng), 0.1, 0.1)(x, rng)


def test_a_batch_of_fewer_images_than_steps_is_refused(rng):
    Game(small(rng), 0.1, 0.1, discriminator_steps=3)(rng.standard_normal((3, D)), rng)
    with pytest.raises(ValueError, match="a batch of 2 cannot be cut into 3 parts, one for each step"):
        Game(small(rng), 0.1, 0.1, discriminator_steps=3)(np.zeros((2, D)), rng)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"simultaneous": True, "discriminator_steps": 2}, "one step each, got discriminator_steps=2"),
        ({"ema_decay": 1.0}, r"ema_decay must be at least 0 and below 1, got 1\.0"),
        ({"ema_decay": -0.1}, "ema_decay must be at least 0"),
        ({"discriminator_steps": 0}, "^discriminator_steps must be a whole number of at least 1, got 0"),
    ],
)
def test_a_game_that_cannot_be_played_is_refused(options, message, rng):
    with pytest.raises(ValueError, match=message):
        Game(small(rng), 0.1, 0.1, **options)


def test_each_player_has_an_adam_with_its_rate_and_both_have_the_betas(rng):
    """By default 0.5 and 0.999. No loss is known before the first step."""
    gan = small(rng)
    for options, betas in ({}, (0.5, 0.999)), ({"betas": (0.3, 0.8)}, (0.3, 0.8)):
        game = Game(gan, 0.01, 0.02, **options)
        assert (game.generator.module, game.discriminator.module) == (gan.generator, gan.discriminator)
        assert (game.generator.learning_rate, game.discriminator.learning_rate) == (0.01, 0.02)
        assert game.generator.betas == game.discriminator.betas == betas
        assert game.losses == {}


def test_a_generator_and_its_average_have_arrays_of_their_own(rng):
    gan = small(rng)
    gan.generator.flat[...] += 1
    assert not np.shares_memory(gan.generator.flat, gan.average.flat)
    np.testing.assert_allclose(gan.generator.flat - gan.average.flat, 1, rtol=1e-12)


def test_a_prior_that_would_have_to_learn_is_refused(rng):
    with pytest.raises(ValueError, match="MixturePrior has parameters to learn, and no step of a GAN changes"):
        GAN(mlp((2, 3), np.tanh, rng=rng), mlp((3, 1), np.tanh, rng=rng), MixturePrior(2, 3, rng=rng), 3)


def test_a_gan_within_another_module_has_its_own_stretch(rng):
    """What follows it is not mistaken for a part of it."""
    gan, after = small(rng), Linear(2, 3, rng=rng).astype(np.float64)
    both = Sequential(gan, after)
    assert both.flat.size == gan.flat.size + after.flat.size
    np.testing.assert_array_equal(after.flat, np.concatenate([after.weight.data.ravel(), after.bias.data]))
