"""Entropies and divergences between tables, against sums written out and identities that they must obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from autograd import check_grads
from autograd.rules.special import softmax
from minigen import divergences
from minigen.distributions import Bernoulli, Mixture, Normal
from tests.strategies import generators


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
    estimate, error = divergences.estimate_kl_divergence(p, q, rng)
    assert abs(estimate - p.kl_divergence(q)) < 4 * error < 0.1
    estimate, error = divergences.estimate_entropy(p, rng)
    assert abs(estimate - p.entropy()) < 4 * error < 0.1
    _, smaller = divergences.estimate_entropy(p, rng, n=1_000_000)
    assert smaller == pytest.approx(error / 10, rel=0.1)
    mixture = Mixture(np.zeros(2), Normal(np.array([-50.0, 50.0]), np.zeros(2)))
    estimate, error = divergences.estimate_entropy(mixture, rng)  # two that do not overlap: ln 2 more than one
    assert abs(estimate - (np.log(2) + Normal(0.0, 0.0).entropy())) < 4 * error
    estimate, error = divergences.estimate_kl_divergence(Bernoulli(0.4), Bernoulli(-1.0), rng)
    assert abs(estimate - Bernoulli(0.4).kl_divergence(Bernoulli(-1.0))) < 4 * error


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


def test_tables_that_do_not_fit_and_axes_that_are_none_are_refused():
    joint = np.full((2, 2), 0.25)
    with pytest.raises(ValueError, match=r"one shape, got \(2,\) and \(1, 1\)"):
        divergences.kl_divergence([0.5, 0.5], [[1.0]])
    for axis in (-1, 2):
        with pytest.raises(ValueError, match=r"by their axes 0 … 1, got"):
            divergences.mutual_information(joint, [0], [axis])
    with pytest.raises(ValueError, match="one distribution at a time"):
        divergences.estimate_entropy(Normal(np.zeros(4), np.zeros(4)), np.random.default_rng(0))


def test_a_variable_on_both_sides_is_refused():
    with pytest.raises(ValueError, match=r"one side only, got a=\[0\], b=\[1\], given=\[0\]"):
        divergences.conditional_mutual_information(np.full((2, 2), 0.25), [0], [1], given=[0])
