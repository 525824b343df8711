"""Densities against SciPy's and against sums and integrals; N-8 and I-6 for the Bernoulli distribution in its logit;
V-1 and V-2 for Gaussians.
"""

import dataclasses
import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from scipy.special import expit, log_expit

from autograd import Tensor, backend, check_grads, grad
from minigen.distributions import (
    Bernoulli,
    Categorical,
    Independent,
    Mixture,
    MultivariateNormal,
    Normal,
    bernoulli_log_prob,
    bernoulli_sample,
    diagonal_normal,
    multivariate,
    questions_log_prob,
    questions_sample,
)
from minigen.divergences import estimate_kl_divergence
from minigen.nn.arrays import plain
from minigen.nn.functions import linear, relu, sigmoid
from tests.strategies import generators

EXTREME = np.array([-1e4, -800.0, -90.0, -1.0, 0.0, 1.0, 90.0, 800.0, 1e4])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("x", [0.0, 1.0])
def test_n8_log_prob_is_finite_and_its_gradient_exact_at_any_logit(x, dtype):
    """N-8: at ±1e4 too, without a warning (warnings are errors here)."""
    logits = Tensor(EXTREME.astype(dtype), requires_grad=True)
    log_prob = bernoulli_log_prob(np.full_like(EXTREME, x, dtype), logits)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(log_prob.data, log_expit(EXTREME if x else -EXTREME), rtol=2 * eps, atol=1e-30)
    np.testing.assert_allclose(grad(log_prob.sum(), logits).data, x - expit(EXTREME), atol=eps)


@given(rng=generators)
def test_log_prob_and_its_functions_have_right_derivatives(rng):
    x, logits, w, b = (rng.standard_normal(s) for s in [(2, 3), (2, 3), (3, 4), (4,)])
    check_grads(lambda logits: bernoulli_log_prob(np.where(x > 0, 1.0, 0.0), logits), logits, order=2)
    check_grads(sigmoid, x, order=2)
    check_grads(linear, x, w, b, order=2)
    check_grads(linear, rng.standard_normal((5, 2, 3)), w, b, order=2)
    check_grads(lambda x: relu(x + np.sign(x)), x, order=2)


def test_i6_the_score_is_x_minus_p_with_mean_zero_and_fisher_variance():
    """I-6: E[x − p] = 0 and Var[x − p] = p(1 − p) = −E[∂² ln p/∂l²], summed over both values of x."""
    logit = Tensor(0.7, requires_grad=True)
    p = expit(0.7)
    scores, curvatures = [], []
    for x in (np.array(0.0), np.array(1.0)):
        score = grad(bernoulli_log_prob(x, logit), logit, create_graph=True)
        assert score.item() == pytest.approx(x - p, abs=1e-15)
        scores.append(score.item())
        curvatures.append(grad(score, logit).item())
    probabilities = np.array([1 - p, p])
    assert probabilities @ scores == pytest.approx(0, abs=1e-15)
    assert probabilities @ np.square(scores) == pytest.approx(p * (1 - p), rel=1e-14)
    assert -(probabilities @ curvatures) == pytest.approx(p * (1 - p), rel=1e-14)


def test_samples_have_the_probability_of_their_logit(rng):
    """Within four standard errors at 100,000 draws; a sign error would be 100 of them away."""
    draws = bernoulli_sample(np.full(100_000, 0.7), rng=rng)
    p = expit(0.7)
    assert set(np.unique(draws)) == {0.0, 1.0}
    assert abs(draws.mean() - p) < 4 * np.sqrt(p * (1 - p) / draws.size)


def test_probabilities_of_exactly_0_and_1_have_infinite_logits_and_no_nan():
    """What happens for certain costs 0 nats, what cannot happen −∞; and no warning (warnings are errors here)."""
    logits = np.array([np.inf, np.inf, -np.inf, -np.inf])
    for kind in (float, np.uint8, bool):
        x = np.array([1, 0, 0, 1], kind)
        np.testing.assert_array_equal(bernoulli_log_prob(x, logits), [0, -np.inf, 0, -np.inf])


# -- one of K outcomes by yes-or-no questions


def test_questions_give_every_outcome_its_product_of_answers():
    """p(x) = Π_{j<x} σ(lⱼ) · (1 − σ(l_x)), and the last outcome needs no further question."""
    l = np.array([0.3, -1.2, 2.0])  # noqa: E741
    yes = expit(l)
    expected = [1 - yes[0], yes[0] * (1 - yes[1]), yes[0] * yes[1] * (1 - yes[2]), yes.prod()]
    p = np.exp(questions_log_prob(np.arange(4), np.tile(l, (4, 1))))
    np.testing.assert_allclose(p, expected, rtol=1e-14)


def test_questions_of_a_batch_are_those_of_its_rows(rng):
    logits, x = rng.standard_normal((2, 3, 4)), rng.integers(5, size=(2, 3))
    rows = [questions_log_prob(x[i, j], logits[i, j]) for i, j in np.ndindex(2, 3)]
    np.testing.assert_allclose(questions_log_prob(x, logits), np.reshape(rows, (2, 3)), rtol=1e-14)


def test_questions_are_asked_until_the_first_no(rng):
    """By frequencies, within 4.5 standard errors."""
    l, n = np.array([0.3, -0.2, 1.0]), 50_000  # noqa: E741
    p = np.exp(questions_log_prob(np.arange(4), np.tile(l, (4, 1))))
    frequency = np.bincount(questions_sample(np.tile(l, (n, 1)), rng=rng), minlength=4) / n
    assert (abs(frequency - p) < 4.5 * np.sqrt(p * (1 - p) / n)).all()


# -- batches of distributions


def batch_of(name, rng):
    """2 × 3 distributions of a kind."""
    drawn = lambda *shape: rng.standard_normal((2, 3, *shape))
    tril = np.tril(drawn(4, 4), -1) + np.exp(drawn(4, 1)) * np.eye(4)
    return {
        "Bernoulli": lambda: Bernoulli(drawn()),
        "Categorical": lambda: Categorical(drawn(4)),
        "Normal": lambda: Normal(drawn(), drawn()),
        "Independent": lambda: diagonal_normal(drawn(4), drawn(4)),
        "MultivariateNormal": lambda: MultivariateNormal(drawn(4), tril),
        "Mixture": lambda: Mixture(drawn(5), Normal(drawn(5), drawn(5))),
        "Mixture of vectors": lambda: Mixture(drawn(5), diagonal_normal(drawn(5, 4), drawn(5, 4))),
    }[name]()


batches = pytest.mark.parametrize("name", ["Bernoulli", "Categorical", "Normal", "Independent", "MultivariateNormal",
                                           "Mixture", "Mixture of vectors"])  # fmt: skip


def with_each(change, p):
    """The same distribution with `change` made to each array of parameters."""
    return dataclasses.replace(
        p,
        **{
            f.name: with_each(change, v) if dataclasses.is_dataclass(v := getattr(p, f.name)) else change(v)
            for f in dataclasses.fields(p)
        },
    )


@batches
@pytest.mark.parametrize("shape", [(), (1,), (7, 2)])
def test_a_batch_is_its_members(name, shape, rng):
    """Also one draw of one axis keeps this axis."""
    p = batch_of(name, rng)
    x = plain(p.sample(shape, rng=rng))
    assert x.shape == (*shape, 2, 3, *(4,) * p.event_dims)
    for i, j in np.ndindex(2, 3):
        member, its = with_each(lambda v: v[i, j], p), x[(..., i, j, *(slice(None),) * p.event_dims)]  # noqa: B023
        np.testing.assert_allclose(p.log_prob(x)[..., i, j], member.log_prob(its), rtol=1e-12)
        if hasattr(p, "entropy"):
            assert p.entropy()[i, j] == pytest.approx(member.entropy(), rel=1e-12)
        if hasattr(p, "posterior"):
            np.testing.assert_allclose(p.posterior(x)[..., i, j, :], member.posterior(its), rtol=1e-12)


@batches
def test_draws_are_those_of_their_seed_on_the_host_and_on_the_device(name, library, rng):
    p = batch_of(name, rng)
    found = with_each(backend.to_device, p).sample((3,), rng=5)
    np.testing.assert_allclose(
        backend.to_numpy(plain(found)), plain(p.sample((3,), rng=np.random.default_rng(5))), rtol=1e-14
    )


def test_each_vector_of_a_batch_has_noise_of_its_own(rng):
    """Where one parameter is a single one and the other is many."""
    for p in (
        MultivariateNormal(np.zeros(2), np.tile(np.eye(2), (50, 1, 1))),
        MultivariateNormal(np.zeros((50, 2)), np.eye(2)),
        diagonal_normal(np.zeros(2), np.zeros((50, 1))),
        diagonal_normal(np.zeros((50, 1)), np.zeros(2)),
    ):
        x = p.sample(rng=rng)
        assert x.shape == (50, 2)
        assert len(np.unique(x)) == 100


def test_one_outcome_is_scored_by_each_member_of_a_batch(rng):
    logits = rng.standard_normal((2, 3, 4))
    found = Categorical(logits).log_prob(1)
    np.testing.assert_allclose(found, scipy.special.log_softmax(logits, axis=-1)[..., 1], rtol=1e-13)


# -- the distributions, each beside SciPy's


def spread(rng, D):
    """A lower triangular L with a positive diagonal."""
    L = np.tril(rng.standard_normal((D, D)))
    L[np.diag_indices(D)] = np.exp(0.3 * rng.standard_normal(D))
    return L


@given(rng=generators)
def test_log_prob_and_entropy_are_scipys(rng):
    l, x = rng.standard_normal(4), rng.integers(2, size=(3, 4))  # noqa: E741
    reference = scipy.stats.bernoulli(expit(l))
    np.testing.assert_allclose(Bernoulli(l).log_prob(x), reference.logpmf(x), rtol=1e-12)
    np.testing.assert_allclose(Bernoulli(l).entropy(), reference.entropy(), rtol=1e-12)

    mean, log_var, x = rng.standard_normal((3, 4))
    reference = scipy.stats.norm(mean, np.exp(log_var / 2))
    np.testing.assert_allclose(Normal(mean, log_var).log_prob(x), reference.logpdf(x), rtol=1e-11)
    np.testing.assert_allclose(Normal(mean, log_var).entropy(), reference.entropy(), rtol=1e-12)

    L, x = spread(rng, 4), rng.standard_normal((5, 4))
    reference = scipy.stats.multivariate_normal(mean, L @ L.T)
    np.testing.assert_allclose(MultivariateNormal(mean, L).log_prob(x), reference.logpdf(x), rtol=1e-8)
    np.testing.assert_allclose(MultivariateNormal(mean, L).entropy(), reference.entropy(), rtol=1e-10)

    l = rng.standard_normal((2, 5))  # noqa: E741
    p = np.exp(l) / np.exp(l).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(Categorical(l).log_prob(np.array([[0, 1], [4, 2]])), np.log(p[[0, 1], [[0, 1], [4, 2]]]))
    np.testing.assert_allclose(Categorical(l).entropy(), scipy.stats.entropy(p, axis=1), rtol=1e-12)


MEASURES = {
    "entropy": lambda p, q: Categorical(p).entropy() + 0 * np.sum(np.exp(q)),
    "divergence": lambda p, q: Categorical(p).kl_divergence(Categorical(q)),
}


def to_second_order(measure, p, q, v):
    """A value, its gradients with respect to both logits, and their derivatives along v, on the host."""
    p, q = (Tensor(backend.to_device(x), requires_grad=True) for x in (p, q))
    y = measure(p, q)
    first = grad(y, [p, q], create_graph=True)
    second = grad(np.sum(sum(g * backend.to_device(v) for g in first)), [p, q])
    return y.item(), [backend.to_numpy(x) for x in (*first, *second)]


@pytest.mark.parametrize("never", [-np.inf, -800.0])
@pytest.mark.parametrize("name", MEASURES)
@given(rng=generators)
def test_an_outcome_of_probability_0_changes_no_entropy_and_no_divergence(name, never, rng, library):
    """0 ln 0 = 0: with a logit of −∞, or one whose probability rounds to 0, all is as without that outcome."""
    p, q, v = rng.standard_normal((3, 3))
    value, parts = to_second_order(MEASURES[name], np.insert(p, 1, never), np.insert(q, 1, -np.inf), np.insert(v, 1, 7))
    expected, expected_parts = to_second_order(MEASURES[name], p, q, v)
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)
    for part, other in zip(parts, expected_parts, strict=True):
        np.testing.assert_allclose(np.delete(part, 1), other, rtol=1e-12, atol=1e-14)
        assert part[1] == 0


@given(rng=generators)
def test_a_divergence_counts_what_only_the_second_distribution_allows(rng, library):
    """KL(p ‖ q) of p without outcome 1 is that from q without it, less ln(1 − q₁); by q's logits its slope is q − p."""
    p, q = rng.standard_normal((2, 3))
    impossible, allowed = np.insert(p, 1, -np.inf), np.insert(q, 1, 0.4)
    value, (by_p, by_q, *_) = to_second_order(MEASURES["divergence"], impossible, allowed, np.zeros(4))
    without, (by_p_without, *_) = to_second_order(MEASURES["divergence"], p, q, np.zeros(3))
    probs = np.exp(impossible) / np.exp(impossible).sum(), np.exp(allowed) / np.exp(allowed).sum()
    assert value == pytest.approx(without - np.log1p(-probs[1][1]), rel=1e-12)
    np.testing.assert_allclose(by_q, probs[1] - probs[0], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(by_p, np.insert(by_p_without, 1, 0), rtol=1e-12, atol=1e-14)


def test_a_divergence_is_infinite_where_the_second_distribution_forbids_an_outcome():
    assert Categorical(np.array([0.3, 0.1])).kl_divergence(Categorical(np.array([0.0, -np.inf]))) == np.inf
    certain = Categorical(np.array([0.0, -np.inf]))
    assert certain.entropy() == certain.kl_divergence(certain) == 0


GRID = np.linspace(-30, 30, 6001)


@given(rng=generators)
def test_divergences_are_sums_and_integrals(rng):
    """KL(p ‖ q) = Σ p ln p/q, by enumeration and by quadrature; 0 for equal distributions."""
    l, m = rng.standard_normal((2, 3))  # noqa: E741
    for kind, outcomes in ((Bernoulli, np.array([[0.0], [1.0]])), (Categorical, np.arange(3))):
        p, q = kind(l), kind(m)
        log_p, log_q = p.log_prob(outcomes), q.log_prob(outcomes)
        np.testing.assert_allclose(p.kl_divergence(q), np.sum(np.exp(log_p) * (log_p - log_q), axis=0), atol=1e-12)
        np.testing.assert_allclose(p.kl_divergence(p), 0, atol=1e-15)

    p, q = (Normal(*rng.standard_normal(2)) for _ in range(2))
    log_p, log_q = p.log_prob(GRID), q.log_prob(GRID)
    assert p.kl_divergence(q) == pytest.approx(np.sum(np.exp(log_p) * (log_p - log_q)) * 0.01, rel=1e-6)
    assert p.kl_divergence(p) == 0


def test_v1_the_divergences_of_a_batch_of_discrete_variables_are_scipys_one_by_one(rng):
    """V-1: KL = Σ p ln p/q of each variable, against a batch of others and against a single other.

    Planted: probabilities of the others that sum to 1 over the batch.
    """
    l, m = rng.standard_normal((2, 4, 3))  # noqa: E741
    p, q = (np.exp(a) / np.exp(a).sum(axis=1, keepdims=True) for a in (l, m))
    kl = Categorical(l).kl_divergence
    np.testing.assert_allclose(kl(Categorical(m)), scipy.stats.entropy(p, q, axis=1), rtol=1e-12)
    np.testing.assert_allclose(kl(Categorical(m[0])), scipy.stats.entropy(p, q[:1], axis=1), rtol=1e-12)
    p, q = (np.stack([expit(a), expit(-a)]) for a in (l, m))
    np.testing.assert_allclose(Bernoulli(l).kl_divergence(Bernoulli(m)), scipy.stats.entropy(p, q), rtol=1e-11)


AXIS = np.linspace(-20, 20, 401)
PLANE, CELL = np.stack(np.meshgrid(AXIS, AXIS), axis=-1), 0.1**2

GAUSSIANS = {
    "diagonal": lambda rng, D: diagonal_normal(rng.standard_normal(D), 0.5 * rng.standard_normal(D)),
    "full": lambda rng, D: MultivariateNormal(rng.standard_normal(D), spread(rng, D)),
}
PAIRS = list(itertools.product(GAUSSIANS, repeat=2))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_v1_the_divergence_of_gaussians_is_its_integral_and_the_mean_over_their_samples(first, second, rng):
    """V-1: KL(p ‖ q) in closed form = ∫ p ln p/q in the plane to 1e-10 = the mean of ln p/q over 40,000 of the draws
    that `sample` makes of p, within 4 standard errors; with a σ = exp(ln σ²) it would be 13 and 20 away.

    Planted: samples whose σ is exp(ln σ²), without the half.
    """
    p, q = GAUSSIANS[first](rng, 2), GAUSSIANS[second](rng, 2)
    log_p, log_q = p.log_prob(PLANE), q.log_prob(PLANE)
    assert p.kl_divergence(q) == pytest.approx(np.sum(np.exp(log_p) * (log_p - log_q)) * CELL, rel=1e-10)
    estimate, error = estimate_kl_divergence(p, q, n=40_000, rng=rng)
    assert abs(estimate - p.kl_divergence(q)) < 4 * error < 0.05 * estimate


@pytest.mark.parametrize(("first", "second"), PAIRS)
@given(rng=generators)
def test_v1_the_divergence_is_positive_zero_at_equality_and_not_symmetric(first, second, rng):
    """V-1: in four dimensions; a diagonal distribution and the same one written with its L are equal.

    Planted: a divergence of diagonal distributions in which the means do not matter.
    """
    p, q = GAUSSIANS[first](rng, 4), GAUSSIANS[second](rng, 4)
    forth, back = p.kl_divergence(q), q.kl_divergence(p)
    assert min(forth, back) > 0.01
    assert abs(forth - back) > 1e-6
    same = with_its_L(p)
    for one, other in ((p, p), (p, same), (same, p)):
        assert one.kl_divergence(other) == pytest.approx(0, abs=1e-13)
    moved = MultivariateNormal(same.mean + 1e-3, same.scale_tril)
    assert min(p.kl_divergence(moved), moved.kl_divergence(p)) > 1e-8
    if first == "diagonal":
        assert p.kl_divergence(diagonal_normal(p.base.mean + 1e-3, p.base.log_var)) > 1e-8


def with_its_L(p):
    return MultivariateNormal(p.base.mean, np.diag(np.exp(p.base.log_var / 2))) if isinstance(p, Independent) else p


def test_the_divergences_of_a_batch_are_those_of_its_members(rng):
    """As posteriors of many images, full or diagonal, beside one prior that is either."""
    many = [[make(rng, 4) for _ in range(3)] for make in GAUSSIANS.values()]
    diagonal, full = many
    batches = [
        diagonal_normal(np.stack([p.base.mean for p in diagonal]), np.stack([p.base.log_var for p in diagonal])),
        MultivariateNormal(np.stack([p.mean for p in full]), np.stack([p.scale_tril for p in full])),
    ]
    for (members, batch), make in itertools.product(zip(many, batches, strict=True), GAUSSIANS.values()):
        q = make(rng, 4)
        np.testing.assert_allclose(batch.kl_divergence(q), [p.kl_divergence(q) for p in members], rtol=1e-12)
        np.testing.assert_allclose(q.kl_divergence(batch), [q.kl_divergence(p) for p in members], rtol=1e-12)


IN_THE_PLANE = {
    **{name: lambda rng, make=make: make(rng, 2) for name, make in GAUSSIANS.items()},
    "mixture of diagonal ones": lambda rng: Mixture(
        rng.standard_normal(3), diagonal_normal(rng.standard_normal((3, 2)), rng.standard_normal((3, 2)))
    ),
    "mixture of full ones": lambda rng: Mixture(
        rng.standard_normal(3),
        MultivariateNormal(rng.standard_normal((3, 2)), np.stack([spread(rng, 2) for _ in range(3)])),
    ),
    "two mixtures": lambda rng: Mixture(
        rng.standard_normal((2, 3)), diagonal_normal(rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2)))
    ),
}


@pytest.mark.parametrize("name", IN_THE_PLANE)
def test_v2_densities_integrate_to_one_in_two_dimensions(name, rng):
    """V-2: to 1e-10, each of a batch too; in one dimension a constant ½ D ln 2π that is added D times would go
    unnoticed.

    Planted: that constant, added once a dimension; weights of mixtures that sum to 1 over the batch.
    """
    density = np.exp(IN_THE_PLANE[name](rng).log_prob(PLANE[:, :, None]))
    np.testing.assert_allclose(density.sum(axis=(0, 1)) * CELL, 1, atol=1e-10)


def test_v2_each_mixture_of_a_batch_is_drawn_by_its_own_weights(rng):
    """V-2: two mixtures of the same three components, each with a component that it has for certain.

    Planted: components drawn by the weights of the first mixture.
    """
    certain = np.array([[0.0, 800, 0], [800.0, 0, 0]])
    x = Mixture(certain, Normal(np.tile([0.0, 10, 20], (2, 1)), np.full((2, 3), -20.0))).sample((50,), rng=rng)
    np.testing.assert_allclose(x, np.tile([10.0, 0], (50, 1)), atol=1e-3)


# -- extreme variances in float32, beside the formulas in float64


LOG_VARS = np.arange(-160, 161, 4.0).astype(np.float32)
EPS32, LARGEST = np.finfo(np.float32).eps, np.finfo(np.float32).max


def shifts(log_var):
    """Numbers x − μ, (…, 13), as float32: of z = (x − μ)/σ from 0 to 30, and of fixed sizes."""
    z, fixed = np.array([0, 0.1, -0.1, 1, -1, 30, -30]), np.array([1e-6, 1e-3, -1e-3, 1, -1, 1e3])
    sigma = np.exp(0.5 * log_var.astype(float))[..., None]
    return np.concatenate([sigma * z, np.broadcast_to(fixed, (*log_var.shape, 6))], axis=-1).astype(np.float32)


def assert_near(found, expected, size, largest=LARGEST):
    """Within 8 roundings of `size`, the sum of the sizes of the terms, wherever this size is a number in float32."""
    found, expected, size = np.broadcast_arrays(found, expected, size)
    there = size < largest
    assert there.mean() > 0.4
    assert np.all(abs(found - expected)[there] <= 8 * EPS32 * size[there] + 1e-43)


def in_float32(f, *arrays):
    """The value of f and its gradients; out of the range of float32 a number may overflow here."""
    leaves = [Tensor(a, requires_grad=True) for a in arrays]
    with np.errstate(over="ignore", invalid="ignore"):
        y = f(*leaves)
        return y.data, *(g.data for g in grad(np.sum(y), leaves))


def test_a_normal_density_in_float32_is_right_at_every_variance():
    """Value and gradients for ln σ² from −160 to 160; exp(−ln σ²) is ∞ in float32 from −89 on."""
    log_var = np.repeat(LOG_VARS[:, None], 13, axis=1)
    x = shifts(LOG_VARS)
    found, of_x, of_mean, of_log_var = in_float32(
        lambda x, m, v: Normal(m, v).log_prob(x), x, np.zeros_like(x), log_var
    )
    x, log_var = x.astype(float), log_var.astype(float)
    with np.errstate(over="ignore"):
        z = x * np.exp(-0.5 * log_var)
        constant = np.log(2 * np.pi)
        assert_near(found, -0.5 * (constant + log_var + z**2), 0.5 * (constant + abs(log_var) + z**2))
        slope = z * np.exp(-0.5 * log_var)
        assert_near(of_x, -slope, abs(slope))
        assert_near(of_mean, slope, abs(slope))
        assert_near(of_log_var, 0.5 * (z**2 - 1), 0.5 * (z**2 + 1), largest=LARGEST / 2)  # 2 z² is on the way
    assert np.isfinite(Normal(np.float32(0), np.float32(-89)).log_prob(np.float32(1)))
    assert np.all(Normal(np.zeros(2, np.float32), np.float32(-120)).log_prob(np.zeros(2, np.float32)) > 59)


def test_a_divergence_of_normals_in_float32_is_right_at_every_variance():
    """Value and gradients for both ln σ² and ln s² from −160 to 160, wherever float32 has a number for them."""
    log_var, other = (a[..., None] for a in np.meshgrid(LOG_VARS[::4], LOG_VARS))
    mean = shifts(other[..., 0])
    log_var, other = (np.broadcast_to(a, mean.shape).copy() for a in (log_var, other))
    found, of_mean, of_log_var, of_m, of_other = in_float32(
        lambda a, v, b, w: Normal(a, v).kl_divergence(Normal(b, w)), mean, log_var, np.zeros_like(mean), other
    )
    mean, log_var, other = (a.astype(float) for a in (mean, log_var, other))
    with np.errstate(over="ignore"):
        ratio, z = np.exp(log_var - other), mean * np.exp(-0.5 * other)
        # half the difference of the logarithms is rounded before it is an exponent
        size = 0.5 * (ratio * (1 + abs(log_var - other)) + z**2 + 1 + abs(log_var) + abs(other))
        assert_near(found, 0.5 * (ratio + z**2 - 1 + other - log_var), size)
        slope = z * np.exp(-0.5 * other)
        assert_near(of_mean, slope, abs(slope))
        assert_near(of_m, -slope, abs(slope))
        assert_near(of_log_var, 0.5 * (ratio - 1), size, largest=LARGEST / 2)
        assert_near(of_other, 0.5 * (1 - ratio - z**2), size, largest=LARGEST / 2)
    assert np.isfinite(Normal(np.float32(1), np.float32(-120)).kl_divergence(Normal(np.float32(0), np.float32(-89))))


@given(rng=generators)
def test_independent_variables_are_one_vector(rng):
    """Sums over the last axis, for every base; a normal one is SciPy's with a diagonal covariance."""
    mean, log_var, other = rng.standard_normal((3, 2, 4))
    for base, second in (
        (Normal(mean, log_var), Normal(other, log_var)),
        (Bernoulli(mean), Bernoulli(other)),
        (Categorical(rng.standard_normal((2, 4, 3))), Categorical(rng.standard_normal((4, 3)))),
    ):
        p = Independent(base)
        x = p.sample((5,), rng=rng)
        assert (x.shape, p.event_dims) == ((5, 2, 4), 1)
        np.testing.assert_allclose(p.log_prob(x), base.log_prob(x).sum(axis=-1), rtol=1e-14)
        np.testing.assert_allclose(p.entropy(), base.entropy().sum(axis=-1), rtol=1e-14)
        expected = base.kl_divergence(second).sum(axis=-1)
        np.testing.assert_allclose(p.kl_divergence(Independent(second)), expected, rtol=1e-14)
    p, x = diagonal_normal(mean, log_var), rng.standard_normal(4)
    reference = scipy.stats.multivariate_normal(mean[1], np.diag(np.exp(log_var[1])))
    assert p.log_prob(x)[1] == pytest.approx(reference.logpdf(x), rel=1e-10)
    assert p.entropy()[1] == pytest.approx(reference.entropy(), rel=1e-10)
    shared = diagonal_normal(mean, log_var[0, :1])  # one variance for all pixels
    np.testing.assert_allclose(multivariate(shared).log_prob(x), shared.log_prob(x), rtol=1e-10)
    np.testing.assert_allclose(multivariate(shared).entropy(), shared.entropy(), rtol=1e-10)


def test_mixtures_are_sums_of_their_parts(rng):
    """In one dimension and in two, for a batch of mixtures; the posterior is Bayes' rule."""
    l, mean, log_var = rng.standard_normal((3, 4, 3))  # noqa: E741
    weights = np.exp(l) / np.exp(l).sum(axis=1, keepdims=True)
    mixture, x = Mixture(l, Normal(mean, log_var)), rng.standard_normal((5, 4))
    each = weights * scipy.stats.norm(mean, np.exp(log_var / 2)).pdf(x[..., None])
    np.testing.assert_allclose(np.exp(mixture.log_prob(x)), each.sum(axis=-1), rtol=1e-10)
    np.testing.assert_allclose(mixture.posterior(x), each / each.sum(axis=-1, keepdims=True), rtol=1e-10)

    means, L = rng.standard_normal((3, 2)), np.stack([spread(rng, 2) for _ in range(3)])
    plane, x = Mixture(l[0], MultivariateNormal(means, L)), rng.standard_normal((5, 2))
    parts = [scipy.stats.multivariate_normal(m, c @ c.T).pdf(x) for m, c in zip(means, L, strict=True)]
    np.testing.assert_allclose(np.exp(plane.log_prob(x)), weights[0] @ parts, rtol=1e-10)


def test_samples_have_the_moments_and_the_shapes(rng):
    """Within 5 standard errors at 40,000 draws."""
    n = 40_000

    def check(x, mean, covariance):
        assert (abs(x.mean(axis=0) - mean) < 5 * np.sqrt(np.diag(covariance) / n)).all()
        np.testing.assert_allclose(np.cov(x.T), covariance, atol=5 * np.diag(covariance).max() * np.sqrt(2 / n))

    mean, log_var, L = rng.standard_normal(3), rng.standard_normal(3), spread(rng, 3)
    check(Normal(mean, log_var).sample((n,), rng=rng), mean, np.diag(np.exp(log_var)))
    check(diagonal_normal(mean, log_var).sample((n,), rng=rng), mean, np.diag(np.exp(log_var)))
    check(MultivariateNormal(mean, L).sample((n,), rng=rng), mean, L @ L.T)
    p = expit(mean)
    check(Bernoulli(mean).sample((n,), rng=rng), p, np.diag(p * (1 - p)))
    p = np.exp(mean) / np.exp(mean).sum()
    chosen = np.eye(3)[Categorical(mean).sample((n,), rng=rng)]
    check(chosen, p, np.diag(p) - np.outer(p, p))
    centres = rng.standard_normal((3, 2))
    mixture = Mixture(mean, MultivariateNormal(centres, np.stack([spread(rng, 2)] * 3)))
    within, drawn = mixture.components.scale_tril[0], mixture.sample((n,), rng=rng)
    check(drawn, p @ centres, within @ within.T + np.cov(centres.T, aweights=p, ddof=0))
    batch = Mixture(np.zeros((4, 3)), Normal(np.zeros((4, 3)), np.zeros((4, 3))))
    assert batch.sample(rng=rng).shape == (4,)
    assert batch.sample((7,), rng=rng).shape == (7, 4)
    assert Mixture(np.zeros(3), Normal(np.zeros(3), np.zeros(3))).sample(rng=rng).shape == ()


def test_samples_of_gaussians_pass_gradients_to_their_parameters(rng):
    """x = μ + σ ε: ∂x/∂μ = 1, ∂x/∂ln σ² = (x − μ)/2; x = μ + L ε likewise."""
    mean, log_var = (Tensor(rng.standard_normal(4), requires_grad=True) for _ in range(2))
    x = Normal(mean, log_var).sample(rng=rng)
    by_mean, by_log_var = grad(x.sum(), [mean, log_var])
    np.testing.assert_array_equal(by_mean.data, 1)
    np.testing.assert_allclose(by_log_var.data, (x.data - mean.data) / 2, rtol=1e-14)
    L = spread(rng, 3)
    seed = np.random.default_rng
    check_grads(lambda m, s: MultivariateNormal(m, s).sample(rng=seed(0)), rng.standard_normal(3), L)


@given(rng=generators)
def test_densities_have_right_derivatives(rng):
    mean, log_var, x = rng.standard_normal((3, 2, 3))
    l = rng.standard_normal((2, 3))  # noqa: E741
    check_grads(lambda m, v, x: Normal(m, v).log_prob(x), mean, log_var, x, order=2)
    check_grads(lambda l, m, v, x: Mixture(l, Normal(m, v)).log_prob(x[:, 0]), l, mean, log_var, x, order=2)  # noqa: E741
    check_grads(lambda l: Categorical(l).log_prob(np.array([2, 0])), l, order=2)  # noqa: E741
    check_grads(lambda m, s: MultivariateNormal(m, s).log_prob(x), mean[0], spread(rng, 3))
    other = Normal(x, log_var[::-1])
    check_grads(lambda m, v: Normal(m, v).kl_divergence(other), mean, log_var, order=2)
    full = MultivariateNormal(mean[0], spread(rng, 3))
    check_grads(lambda m, v: diagonal_normal(m, v).kl_divergence(full), mean, log_var)
    check_grads(lambda m, s: MultivariateNormal(m, s).kl_divergence(diagonal_normal(x, x)), mean[0], spread(rng, 3))


def test_float32_stays_float32(rng):
    mean, log_var = (rng.standard_normal(3).astype(np.float32) for _ in range(2))
    for distribution in (Normal(mean, log_var), Bernoulli(mean), MultivariateNormal(mean, np.eye(3, dtype=np.float32))):
        x = distribution.sample(rng=rng)
        assert x.dtype == distribution.log_prob(x).dtype == distribution.entropy().dtype == np.float32


def test_values_that_cannot_happen_are_refused():
    with pytest.raises(ValueError, match=r"a Bernoulli variable is 0 or 1, got values from 0.5 to 0.5"):
        Bernoulli(np.zeros(3)).log_prob(0.5)
    for x in (-1, 3):
        with pytest.raises(ValueError, match=f"the outcomes are 0 … 2, got values from {x} to {x}"):
            Categorical(np.zeros(3)).log_prob(np.array([x]))


@dataclass(frozen=True)
class Imposter:
    """Another distribution with the field names of Normal, Bernoulli, Independent and MultivariateNormal."""

    mean: np.ndarray = field(default_factory=lambda: np.zeros(2))
    log_var: np.ndarray = field(default_factory=lambda: np.zeros(2))
    logits: np.ndarray = field(default_factory=lambda: np.zeros(2))
    scale_tril: np.ndarray = field(default_factory=lambda: np.eye(2))

    @property
    def base(self):
        return self


@pytest.mark.parametrize(
    "p",
    [
        Normal(np.zeros(2), np.zeros(2)),
        Bernoulli(np.zeros(2)),
        Categorical(np.zeros(2)),
        diagonal_normal(np.zeros(2), np.zeros(2)),
        MultivariateNormal(np.zeros(2), np.eye(2)),
    ],
    ids=lambda p: type(p).__name__,
)
@pytest.mark.parametrize("wrap", [lambda q: q, Independent], ids=["alone", "independent"])
def test_the_divergence_from_another_kind_of_distribution_is_refused_with_the_cure(p, wrap):
    """Field names are no formula: a Student-t has a mean and a ln σ² too."""
    with pytest.raises(TypeError, match=r"has no formula here: estimate it from draws, in a VAE with kl='sampled'"):
        p.kl_divergence(wrap(Imposter()))


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (Normal(0.0, 0.0), Bernoulli(0.0)),
        (Bernoulli(0.0), Normal(0.0, 0.0)),
        (Categorical(np.zeros(2)), Bernoulli(0.0)),
        (Independent(Bernoulli(np.zeros(2))), Categorical(np.zeros(2))),
        (MultivariateNormal(np.zeros(2), np.eye(2)), Categorical(np.zeros(2))),
    ],
)
def test_the_divergence_that_has_no_formula_is_named(p, q):
    says = (
        f"^the KL divergence of {type(p).__name__} and {type(q).__name__} has no formula here: estimate it from draws, "
        "in a VAE with kl='sampled', elsewhere with divergences.estimate_kl_divergence$"
    )
    with pytest.raises(TypeError, match=says):
        p.kl_divergence(q)
