"""Entropies and divergences between tables, against sums written out and identities that they must obey."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.spatial.distance import jensenshannon
from scipy.special import entr, expit, logit, rel_entr
from scipy.stats import entropy as scipy_entropy
from scipy.stats import norm
from scipy.stats import wasserstein_distance as scipy_w1

from autograd import Tensor, check_grads, grad
from autograd.rules.special import softmax
from minigen import divergences
from minigen.analysis import quadrature
from minigen.distributions import Bernoulli, Mixture, MultivariateNormal, Normal
from minigen.gan import critic_loss
from minigen.nn.module import Module, Parameter
from minigen.training.optim import lbfgs
from tests.strategies import distinct_values, generators


@given(K=st.integers(2, 6), rng=generators)
def test_against_scipy_and_the_bounds(K, rng):
    """KL ≥ 0, 0 only at equality and not symmetric; 0 ≤ JSD ≤ ln 2, symmetric, √JSD a metric."""
    p, q, r = rng.dirichlet(np.ones(K), size=3)
    assert divergences.entropy(p) == pytest.approx(scipy_entropy(p), rel=1e-12)
    assert divergences.kl_divergence(p, q) == pytest.approx(scipy_entropy(p, q), rel=1e-12)
    assert divergences.kl_divergence(p, p) == 0
    assert divergences.kl_divergence(p, q) > 0
    jsd = divergences.js_divergence
    assert 0 < jsd(p, q) < np.log(2)
    assert jsd(p, q) == pytest.approx(jsd(q, p), rel=1e-12)
    assert np.sqrt(jsd(p, r)) <= np.sqrt(jsd(p, q)) + np.sqrt(jsd(q, r))


def test_extremes():
    """Disjoint supports: JSD = ln 2 exactly, KL = ∞. The joint of a variable and its copy has I = H."""
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert divergences.js_divergence(p, q) == pytest.approx(np.log(2), abs=1e-15)
    assert divergences.kl_divergence(p, q) == np.inf
    assert divergences.mutual_information(np.diag([0.3, 0.7]), [0], [1]) == pytest.approx(
        divergences.entropy(np.array([0.3, 0.7])), rel=1e-14
    )


@given(rng=generators)
def test_identities_between_them(rng):
    """Total correlation = KL(p ‖ Π pᵢ) = Σᵢ I(Xᵢ ; X_<ᵢ); the chain rule I(A ; B, C) = I(A ; C) + I(A ; B | C)."""
    joint = rng.dirichlet(np.ones(24)).reshape(2, 3, 4)
    product = np.einsum("i,j,k->ijk", *(divergences.marginal(joint, [i]) for i in range(3)))
    total = divergences.total_correlation(joint)
    assert total == pytest.approx(divergences.kl_divergence(joint, product), rel=1e-10)
    mutual, conditional = divergences.mutual_information, divergences.conditional_mutual_information
    assert total == pytest.approx(mutual(joint, [0], [1]) + mutual(joint, [0, 1], [2]), rel=1e-10)
    chained = mutual(joint, [0], [2]) + conditional(joint, [0], [1], given=[2])
    assert mutual(joint, [0], [1, 2]) == pytest.approx(chained, rel=1e-10)
    assert conditional(joint, [0], [1], given=[2]) > 0


def test_conditional_mutual_information_is_the_mean_divergence_of_the_conditionals(rng):
    """I(A ; B | Z) = Σ_z p(z) KL(p(a, b | z) ‖ p(a | z) p(b | z)), written out."""
    joint = rng.dirichlet(np.ones(12)).reshape(2, 3, 2)
    expected = 0.0
    for z in range(2):
        p_z = joint[:, :, z].sum()
        both = joint[:, :, z] / p_z
        expected += p_z * scipy_entropy(both.ravel(), np.outer(both.sum(axis=1), both.sum(axis=0)).ravel())
    got = divergences.conditional_mutual_information(joint, [0], [1], given=[2])
    assert got == pytest.approx(expected, rel=1e-10)


def test_they_can_be_differentiated(rng):
    l, m = rng.standard_normal((2, 4))  # noqa: E741
    check_grads(lambda l, m: divergences.kl_divergence(softmax(l), softmax(m)), l, m, order=2)  # noqa: E741
    check_grads(lambda l, m: divergences.js_divergence(softmax(l), softmax(m)), l, m, order=2)  # noqa: E741


def test_estimates_state_an_error_that_holds(rng):
    """Within 4 standard errors of the closed forms, and the error falls with the root of n."""
    p, q = Normal(0.3, np.log(0.5)), Normal(-0.2, np.log(1.5))
    estimate, error = divergences.estimate_kl_divergence(p, q, rng=rng)
    assert abs(estimate - p.kl_divergence(q)) < 4 * error < 0.1
    estimate, error = divergences.estimate_entropy(p, rng=rng)
    assert abs(estimate - p.entropy()) < 4 * error < 0.1
    _, smaller = divergences.estimate_entropy(p, n=1_000_000, rng=rng)
    assert smaller == pytest.approx(error / 10, rel=0.1)
    mixture = Mixture(np.zeros(2), Normal(np.array([-50.0, 50.0]), np.zeros(2)))
    estimate, error = divergences.estimate_entropy(mixture, rng=rng)  # two that do not overlap: ln 2 more than one
    assert abs(estimate - (np.log(2) + Normal(0.0, 0.0).entropy())) < 4 * error
    estimate, error = divergences.estimate_kl_divergence(Bernoulli(0.4), Bernoulli(-1.0), rng=rng)
    assert abs(estimate - Bernoulli(0.4).kl_divergence(Bernoulli(-1.0))) < 4 * error


def test_estimates_are_those_of_their_seed_and_take_10_000_draws():
    p, q = Normal(0.3, np.log(0.5)), Normal(-0.2, np.log(1.5))
    for estimate in (
        divergences.estimate_entropy,
        lambda p, *n, **o: divergences.estimate_kl_divergence(p, q, *n, **o),
    ):
        assert estimate(p, rng=5) == estimate(p, 10_000, rng=5) != estimate(p, rng=6)


@pytest.mark.parametrize(
    ("p", "message"),
    [([0.5, 0.6], r"sum to 1; these sum to 1.1, the least is 0.5"), ([1.5, -0.5], "the least is -0.5"),
     ([np.nan, 1.0], "sum to nan")],
)  # fmt: skip
def test_what_is_no_distribution_is_refused(p, message):
    with pytest.raises(ValueError, match=message):
        divergences.entropy(np.array(p))
    with pytest.raises(ValueError, match=message):
        divergences.kl_divergence(np.array([0.5, 0.5]), np.array(p))


def test_i1_a_table_of_probabilities_sums_to_one_but_for_rounding(rng):
    """I-1: half a thousandth too much is no distribution; float32 rounds the sum over 65,536 states, and is none.

    Planted: a bound of a hundredth.
    """
    for total in (0.9995, 1.0005):
        with pytest.raises(ValueError, match=f"sum to 1; these sum to {total}"):
            divergences.entropy(total * np.array([0.3, 0.7]))
    p = softmax((3 * rng.standard_normal(1 << 16)).astype(np.float32))
    assert divergences.entropy(p) == pytest.approx(scipy_entropy(p.astype(float)), rel=1e-5)


def test_tables_that_do_not_fit_and_axes_that_are_none_are_refused():
    joint = np.full((2, 2), 0.25)
    with pytest.raises(ValueError, match=r"one shape, got \(2,\) and \(1, 1\)"):
        divergences.kl_divergence([0.5, 0.5], [[1.0]])
    for axis in (-1, 2):
        with pytest.raises(ValueError, match=r"by their axes 0 … 1, got"):
            divergences.mutual_information(joint, [0], [axis])
    with pytest.raises(ValueError, match="one distribution at a time"):
        divergences.estimate_entropy(Normal(np.zeros(4), np.zeros(4)), rng=np.random.default_rng(0))


def test_the_error_of_a_mean_is_that_of_independent_values(rng):
    """Of n draws with a known σ it is σ / √n; values of two distributions, or a single value, have none."""
    mean, error = divergences.mean_and_error(np.array([1.0, 3.0]))
    assert (mean, error) == (2.0, pytest.approx(1.0))
    mean, error = divergences.mean_and_error(3 + 2 * rng.standard_normal(40_000))
    assert error == pytest.approx(2 / 200, rel=0.03)
    assert abs(mean - 3) < 5 * error
    with pytest.raises(ValueError, match=r"expected \(n,\), got \(1,\)"):
        divergences.mean_and_error(np.ones(1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, np.nan, 2, np.nan], r"value 1 of 4 is nan, so they have no mean: .* autograd.detect_anomaly\(\)"),
        ([-np.inf, 1, np.nan], "value 2 of 3 is nan"),
        ([-np.inf, 1, np.inf], "value 2 of 3 is inf"),
    ],
)
def test_a_nan_has_no_mean_and_no_error(values, message):
    with pytest.raises(ValueError, match=message):
        divergences.mean_and_error(np.array(values))


def test_a_density_of_0_makes_the_mean_and_its_error_infinite():
    """And no warning (warnings are errors here)."""
    assert divergences.mean_and_error(np.array([1, -np.inf, 2])) == (-np.inf, np.inf)
    assert divergences.mean_and_error(np.array([np.inf, 1, np.inf])) == (np.inf, np.inf)


def test_a_variable_on_both_sides_is_refused():
    with pytest.raises(ValueError, match=r"only one of a, b and given, got a=\[0\], b=\[1\], given=\[0\]"):
        divergences.conditional_mutual_information(np.full((2, 2), 0.25), [0], [1], given=[0])


# -- the adversarial game on a finite space, and on the line by quadrature (claims G-1 … G-5, G-8)


def tables(rng, K, zeros=True):
    """p_data and p_G, random; with zeros: a state of neither, one of the generator alone and one of the data alone."""
    p, q = rng.dirichlet(np.ones(K), size=2)
    if zeros:
        p[[0, 1]], q[[0, 2]] = 0, 0
    return p / p.sum(), q / q.sum()


def best_logits(p, q):
    """ln p/q: ∞ where only the data are, −∞ where only G is, and 0 where neither is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.log(p) - np.log(q), nan=0, posinf=np.inf, neginf=-np.inf)


class Free(Module):
    """As many free numbers as are given to begin with."""

    def __init__(self, start):
        self.numbers = Parameter(start)
        self.astype(np.float64)
        self.numbers.data[...] = start


@given(K=st.integers(3, 8), zeros=st.booleans(), rng=generators)
def test_g1_the_optimal_discriminator_is_the_share_of_the_data(K, zeros, rng):
    """G-1: D* = p_data/(p_data + p_G) is σ(ln p_data/p_G): 1 where only the data are, 0 where only the generator is; ½
    where nobody is.

    Planted: the generator's share in its place.
    """
    p, q = tables(rng, K, zeros)
    D = divergences.optimal_discriminator(p, q)
    np.testing.assert_allclose(D, expit(best_logits(p, q)), rtol=1e-13)
    if zeros:
        np.testing.assert_array_equal(D[:3], [0.5, 0, 1])


@given(K=st.integers(2, 8), rng=generators)
def test_g1_it_is_the_one_maximum_of_the_value_over_free_logits(K, rng):
    """G-1: V's gradient by the logits is p(1 − D) − q D, zero at ln p/q; descent from anywhere ends there; and any
    other D falls short by Σ (p + q) KL(D* ‖ D), exactly.

    Planted: a value function that takes fakes for data.
    """
    p, q = tables(rng, K, zeros=False)
    best = Tensor(best_logits(p, q), requires_grad=True)
    top = divergences.value(p, q, best)
    assert abs(grad(top, best).data).max() < 1e-15
    for scale in (1e-3, 1, 10):
        other = Tensor(best.data + scale * rng.standard_normal(K), requires_grad=True)
        D = expit(other.data)
        of_other = divergences.value(p, q, other)
        np.testing.assert_allclose(grad(of_other, other).data, p * (1 - D) - q * D, atol=1e-15)
        short = (p + q) @ (rel_entr(expit(best.data), D) + rel_entr(expit(-best.data), expit(-other.data)))
        assert 0 < top.item() - of_other.item() == pytest.approx(short, rel=1e-9, abs=1e-14)

    free = Free(5 * rng.standard_normal(K))
    lbfgs(free, lambda: -divergences.value(p, q, free.numbers))
    np.testing.assert_allclose(expit(free.numbers.data), divergences.optimal_discriminator(p, q), atol=1e-5)
    np.testing.assert_allclose(divergences.value(p, q, free.numbers).item(), top.item(), atol=1e-12)


@pytest.mark.parametrize("d", [1, 2])
def test_g1_between_gaussians_of_one_covariance_its_logit_is_linear(d, rng):
    """G-1: ln p/q = (μ − m)ᵀ Σ⁻¹ x − ½ (μᵀ Σ⁻¹ μ − mᵀ Σ⁻¹ m) for N(μ, Σ) and N(m, Σ), at every node; and of all linear
    logits, descent on V finds these. With another covariance there is a square in it.

    Planted: the generator's share in place of the data's.
    """
    A = np.tril(0.3 * rng.standard_normal((d, d)), -1) + np.diag(rng.uniform(0.7, 1.2, d))
    mean, other = rng.standard_normal((2, d))
    rule = quadrature.grid(9, {1: 120, 2: 70}[d], d)
    p, q = (quadrature.masses(MultivariateNormal(m, A).log_prob, rule) for m in (mean, other))
    precision = np.linalg.inv(A @ A.T)
    slope = precision @ (mean - other)
    bias = -0.5 * (mean @ precision @ mean - other @ precision @ other)

    D, linear = divergences.optimal_discriminator(p, q), rule.nodes @ slope + bias
    seen = (abs(linear) < 5) & (p + q > 0)  # where 1 − D has digits
    assert seen.sum() > 20
    np.testing.assert_allclose(logit(D[seen]), linear[seen], atol=1e-11)

    free = Free(rng.standard_normal(d + 1))
    of_linear = lambda w: divergences.value(p, q, rule.nodes @ w[:d] + w[d])
    lbfgs(free, lambda: -of_linear(free.numbers))
    np.testing.assert_allclose(free.numbers.data, [*slope, bias], atol=1e-6)
    known = Tensor(np.array([*slope, bias]), requires_grad=True)
    assert abs(grad(of_linear(known), known).data).max() < 1e-12

    wider = quadrature.masses(MultivariateNormal(other, 1.3 * A).log_prob, rule)
    squared = np.einsum("ni,ij,nj->n", rule.nodes - other, precision, rule.nodes - other)
    at_home = np.einsum("ni,ij,nj->n", rule.nodes - mean, precision, rule.nodes - mean)
    curved = 0.5 * (squared / 1.3**2 - at_home) + d * np.log(1.3)
    seen = (abs(curved) < 5) & (p + wider > 1e-300)
    np.testing.assert_allclose(logit(divergences.optimal_discriminator(p, wider)[seen]), curved[seen], atol=1e-11)


@given(K=st.integers(3, 8), zeros=st.booleans(), rng=generators)
def test_g2_the_value_at_the_optimum_is_twice_the_jsd_less_log_4(K, zeros, rng):
    """G-2: V(D*, G) = 2 JSD(p_data, p_G) − log 4, by `value` at the logits of D* and by the formula, with zeros too;
    JSD is SciPy's. Any other D has a lower V.

    Planted: a mixture m = p + q in the JSD, twice what it should be; fakes that the optimal value compares with
    themselves.
    """
    p, q = tables(rng, K, zeros)
    expected = 2 * jensenshannon(p, q) ** 2 - np.log(4)
    assert 2 * divergences.js_divergence(p, q) - np.log(4) == pytest.approx(expected, abs=1e-14)
    assert divergences.optimal_value(p, q) == pytest.approx(expected, abs=1e-14)
    best = best_logits(p, q)
    assert divergences.value(p, q, best) == pytest.approx(expected, abs=1e-14)
    for _ in range(5):
        assert divergences.value(p, q, np.clip(best, -30, 30) + rng.standard_normal(K)) < expected
    assert divergences.value(p, q, np.zeros(K)) == pytest.approx(-np.log(4), abs=1e-14)  # D ≡ ½: the least a best D has


def test_g2_so_it_is_for_densities_on_the_line(rng):
    """G-2: two heaps of data, a generator that makes one: V(D*, G) by tables of masses, and 2 JSD − log 4 by adaptive
    integration of the densities.

    Planted: a mixture m = p + q in the JSD, twice what it should be.
    """
    weights, means, sigmas = np.array([0.3, 0.7]), rng.uniform(-2, 2, 2), rng.uniform(0.5, 1.5, 2)
    data = Mixture(np.log(weights), Normal(means, 2 * np.log(sigmas)))
    made = Normal(0.4, np.log(1.7))

    def integrand(x):
        p = weights @ norm.pdf(x, means, sigmas)
        q = norm.pdf(x, 0.4, np.sqrt(1.7))
        return p * np.log(2 * p / (p + q)) / 2 + q * np.log(2 * q / (p + q)) / 2

    jsd = quad(integrand, -12, 12, epsabs=1e-13, limit=200)[0]
    rule = quadrature.grid(14, 400, 1)
    log_p, log_q = (lambda x: data.log_prob(x[:, 0])), (lambda x: made.log_prob(x[:, 0]))
    p, q = quadrature.masses(log_p, rule), quadrature.masses(log_q, rule)
    best = log_p(rule.nodes) - log_q(rule.nodes)
    assert divergences.js_divergence(p, q) == pytest.approx(jsd, abs=1e-11)
    assert divergences.optimal_value(p, q) == pytest.approx(2 * jsd - np.log(4), abs=1e-11)
    assert divergences.value(p, q, best) == pytest.approx(2 * jsd - np.log(4), abs=1e-11)
    for change in (0.1, 0.1 * rule.nodes[:, 0], 0.1 * np.sin(rule.nodes[:, 0])):
        assert divergences.value(p, q, best + change) < 2 * jsd - np.log(4) - 1e-4


@given(K=st.integers(2, 8), distance=st.sampled_from([1e-3, 0.1, 1.0]), rng=generators)
def test_g3_the_least_value_is_that_of_equality_alone(K, distance, rng):
    """G-3: V(D*, G) is −log 4 at p_G = p_data and above it elsewhere, by at least the square of the total variation
    ½ Σ |p − q| (Pinsker's inequality for both halves), and by as much when the two change places.

    Planted: an optimal value without the generator's half; one whose two halves are those of the data.
    """
    p, q = rng.dirichlet(np.ones(K), size=2)
    q = (1 - distance) * p + distance * q
    assert divergences.optimal_value(p, p) == pytest.approx(-np.log(4), abs=1e-15)
    variation = abs(p - q).sum() / 2
    assert divergences.optimal_value(p, q) + np.log(4) >= variation**2 - 1e-15 > 0
    assert divergences.optimal_value(q, p) == pytest.approx(divergences.optimal_value(p, q), abs=1e-14)


def test_g3_a_generator_that_descends_on_it_becomes_the_data(rng):
    """G-3: p_G = softmax(θ), from anywhere: the end is p_data, and the value there −log 4.

    Planted: an optimal value without the generator's half, whose least is −log 2.
    """
    for K in (2, 5, 9):
        p = rng.dirichlet(np.ones(K))
        free = Free(2 * rng.standard_normal(K))
        found = lbfgs(free, lambda p=p, free=free: divergences.optimal_value(p, softmax(free.numbers)))
        assert found == pytest.approx(-np.log(4), abs=1e-13)
        np.testing.assert_allclose(softmax(free.numbers).data, p, atol=1e-6)


@given(K=st.integers(2, 8), rng=generators)
def test_g3_supports_that_share_no_state_give_0(K, rng):
    """G-3: V(D*, G) = 0 and JSD = log 2, however the masses lie: it is flat, and says nothing of how far off G is,
    while W₁ does.

    Planted: twice the JSD, of which log 4 was not taken.
    """
    of_data = np.arange(K) < rng.integers(1, K)
    p, q = rng.random(K) * of_data, rng.random(K) * ~of_data
    p, q = p / p.sum(), q / q.sum()
    assert divergences.optimal_value(p, q) == pytest.approx(0, abs=1e-15)
    assert divergences.value(p, q, np.where(of_data, np.inf, -np.inf)) == 0
    assert divergences.js_divergence(p, q) == pytest.approx(np.log(2), abs=1e-15)
    overlap = 0.9 * q + 0.1 * p
    assert divergences.optimal_value(p, overlap) < -0.01
    for far in (0.1, 5.0):
        assert divergences.wasserstein_distance(np.zeros(4), np.full(4, far)) == pytest.approx(far, rel=1e-15)


@given(K=st.integers(2, 8), concentration=st.sampled_from([0.1, 1.0, 30.0]), rng=generators)
def test_g4_the_jsd_is_the_square_of_a_distance_and_at_most_log_2(K, concentration, rng):
    """G-4: 0 ≤ JSD ≤ log 2, 0 at equality, symmetric, and √JSD obeys the triangle inequality; JSD itself does not.

    Planted: KL(p ‖ m) alone, of which the other half is missing.
    """
    p, q, r = rng.dirichlet(np.full(K, concentration), size=3)
    p[0], q[-1] = 0, 0
    p, q = p / p.sum(), q / q.sum()
    jsd = divergences.js_divergence
    assert 0 < jsd(p, q) <= np.log(2) + 1e-15
    assert jsd(p, q) == pytest.approx(jsd(q, p), abs=1e-15)
    assert jsd(p, p) == 0
    assert jsd(p, q) == pytest.approx(jensenshannon(p, q) ** 2, abs=1e-14)
    for a, b, c in ((p, q, r), (q, r, p), (r, p, q), (p, (p + q) / 2, q)):
        assert np.sqrt(jsd(a, c)) <= np.sqrt(jsd(a, b)) + np.sqrt(jsd(b, c)) + 1e-14
    one, half, two = np.array([1.0, 0]), np.array([0.5, 0.5]), np.array([0, 1.0])
    assert jsd(one, two) > jsd(one, half) + jsd(half, two) + 0.2


@given(K=st.integers(2, 8), zeros=st.booleans(), rng=generators)
def test_g4_the_jsd_is_what_a_state_tells_of_its_label(K, zeros, rng):
    """G-4: JSD = I(X ; label), the label a fair coin that says of whom X was drawn: H(label) − H(label | X), which is
    what the best discriminator can know; no more than one bit.

    Planted: KL(p ‖ m) alone; and an I(A; B) that counts A twice.
    """
    p, q = tables(rng, K + 1, zeros)
    joint = np.stack([p, q]) / 2
    jsd = divergences.js_divergence(p, q)
    assert divergences.mutual_information(joint, [1], [0]) == pytest.approx(jsd, abs=1e-14)
    assert divergences.mutual_information(joint, [0], [1]) == pytest.approx(jsd, abs=1e-14)
    D = divergences.optimal_discriminator(p, q)
    unsure = np.sum((p + q) / 2 * (entr(D) + entr(1 - D)))
    assert np.log(2) - unsure == pytest.approx(jsd, abs=1e-14)


@given(K=st.integers(2, 8), rng=generators)
def test_g5_the_generators_gradient_at_the_optimal_discriminator(K, rng):
    """G-5: p_G = softmax(θ), D* held fixed. By θ, Σ p_G ln(1 − D*) has the gradient of 2 JSD, and −Σ p_G ln D* that of
    KL(p_G ‖ p_data) − 2 JSD: the second pushes the distributions together by the KL and apart by the JSD.

    Planted: a D* that is the generator's share; a geometric mean in the JSD.
    """
    p, start = rng.dirichlet(np.ones(K)), rng.standard_normal(K)
    logits = logit(divergences.optimal_discriminator(p, softmax(Tensor(start)).data))

    def slope(f):
        theta = Tensor(start, requires_grad=True)
        return grad(f(softmax(theta)), theta).data

    minimax = slope(lambda q: divergences.value(p, q, logits))  # the data's half of V is constant
    non_saturating = slope(lambda q: -divergences.value(p, q, -logits))  # the roles of D and 1 − D exchanged
    of_jsd = slope(lambda q: 2 * divergences.js_divergence(p, q))
    of_kl = slope(lambda q: divergences.kl_divergence(q, p))
    np.testing.assert_allclose(minimax, of_jsd, atol=1e-14)
    np.testing.assert_allclose(non_saturating, of_kl - of_jsd, atol=1e-14)
    np.testing.assert_allclose(of_jsd, slope(lambda q: divergences.optimal_value(p, q)), atol=1e-14)
    assert abs(of_jsd).max() > 1e-4


@given(n=st.integers(1, 12), ties=st.booleans(), rng=generators)
def test_g8_the_wasserstein_distance_is_scipys(n, ties, rng):
    """G-8: of samples in any order, with ties and with negative numbers; a distance, and |δ| for a shift by δ.

    Planted: points carried to each other in the order in which they came.
    """
    x, y, z = 3 * rng.standard_normal((3, n))
    if ties:
        x, y, z = np.round(x), np.round(y), np.round(z)
    w1 = divergences.wasserstein_distance
    assert w1(x, y) == pytest.approx(scipy_w1(x, y), rel=1e-13, abs=1e-14)
    assert w1(x, rng.permutation(x)) == 0
    assert w1(x, y) == pytest.approx(w1(y, x), rel=1e-13)
    assert w1(x, z) <= w1(x, y) + w1(y, z) + 1e-14
    assert w1(x, x - 0.75) == pytest.approx(0.75, rel=1e-13)


@given(n=st.integers(1, 12), rng=generators)
def test_g8_the_best_critic_of_slope_1_loses_minus_the_distance(n, rng):
    """G-8, by Kantorovich's duality: a critic s has the loss −∫ s′(t) (F_fake − F_real) dt, F the shares of points
    up to t. With s′ = sign(F_fake − F_real) that is −W₁ exactly, and with no slopes within ±1 is it less.

    Planted: a critic's loss with its sign flipped.
    """
    real, fake = 2 * rng.standard_normal((2, n))
    t = np.sort(np.concatenate([real, fake]))
    share = lambda points: np.searchsorted(np.sort(points), t[:-1], side="right") / n
    ahead, gaps = share(fake) - share(real), np.diff(t)

    def loss(slopes):
        critic = np.concatenate([[0], np.cumsum(slopes * gaps)]) + 0.3
        return critic_loss(np.interp(real, t, critic), np.interp(fake, t, critic))

    w1 = divergences.wasserstein_distance(real, fake)
    assert loss(np.sign(ahead)) == pytest.approx(-w1, abs=1e-14)
    assert loss(-np.sign(ahead)) == pytest.approx(w1, abs=1e-14)
    for _ in range(5):
        slopes = rng.uniform(-1, 1, 2 * n - 1)
        assert loss(slopes) == pytest.approx(-np.sum(slopes * ahead * gaps), abs=1e-14)
        assert loss(slopes) > -w1
    assert critic_loss(np.sin(real), np.sin(fake)) >= -w1


def test_g8_its_gradient_sends_every_point_to_its_partner(rng):
    """G-8: ∂W₁/∂xᵢ is ±1/n, the side on which its partner in order of size lies; central differences agree.

    Planted: points carried to each other in the order in which they came.
    """
    x, y = np.split(distinct_values(rng, [(14,)])[0], 2)
    check_grads(divergences.wasserstein_distance, x, y, order=2)
    partner = np.sort(y)[np.argsort(np.argsort(x))]
    moving = Tensor(x, requires_grad=True)
    slope = grad(divergences.wasserstein_distance(moving, y), moving).data
    np.testing.assert_allclose(slope, np.sign(x - partner) / 7, atol=1e-16)


@pytest.mark.parametrize(("x", "y"), [(np.zeros(3), np.zeros(4)), (np.zeros((3, 1)),) * 2, (np.zeros(0),) * 2])
def test_samples_that_have_no_distance_are_refused(x, y):
    shapes = re.escape(f"got shapes {x.shape} and {y.shape}")
    with pytest.raises(ValueError, match=r"two samples on the line are \(n,\), n at least 1, " + shapes):
        divergences.wasserstein_distance(x, y)


def test_the_game_on_tables_can_be_differentiated(rng):
    """By the logits and by p_G, to order 2; states that nobody takes leave no NaN."""
    a, b, logits = rng.standard_normal((3, 5))
    both = lambda f: lambda a, b: f(softmax(a), softmax(b))
    check_grads(both(divergences.optimal_value), a, b, order=2)
    check_grads(both(divergences.optimal_discriminator), a, b, order=2)
    check_grads(lambda a, b, l: divergences.value(softmax(a), softmax(b), l), a, b, logits, order=2)  # noqa: E741
    p, q = tables(rng, 5)
    made = Tensor(q, requires_grad=True)
    free = Tensor(best_logits(p, q), requires_grad=True)
    assert np.all(np.isfinite(grad(divergences.value(p, q, free), free).data))
    assert np.all(np.isfinite(grad(np.sum(divergences.optimal_discriminator(p, made)), made).data))


def test_the_value_wants_one_logit_for_each_state():
    with pytest.raises(ValueError, match=r"each of the states \(2,\) has one logit, got shape \(2, 1\)"):
        divergences.value(np.full(2, 0.5), np.full(2, 0.5), np.zeros((2, 1)))
