"""The claim V-8: what the prior fitting term is made of, by quadrature in one dimension and in two, and by chance."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from minigen.analysis.quadrature import grid
from minigen.analysis.surgery import _mean_and_error_of_draws, surgery
from minigen.distributions import Mixture, MultivariateNormal, diagonal_normal
from minigen.vae import bernoulli_vae

N = 5


def full_normal(rng, d):
    L = np.tril(0.5 * rng.standard_normal((N, d, d)), -1) + 0.7 * np.eye(d)
    return MultivariateNormal(rng.standard_normal((N, d)), L)


POSTERIORS = {
    "a line": lambda rng: diagonal_normal(rng.standard_normal((N, 1)), 0.5 * rng.standard_normal((N, 1))),
    "the plane": lambda rng: diagonal_normal(rng.standard_normal((N, 2)), 0.5 * rng.standard_normal((N, 2))),
    "the plane, correlated": lambda rng: full_normal(rng, 2),
}


def moments(q):
    if isinstance(q, MultivariateNormal):
        return q.mean, q.scale_tril @ q.scale_tril.swapaxes(1, 2)
    return q.base.mean, np.exp(q.base.log_var)[..., None] * np.eye(q.base.mean.shape[1])


def by_quadrature(q):
    """(I_q(n; z), KL(q(z) ‖ N(0, I))), the densities being SciPy's."""
    mean, covariance = moments(q)
    d = mean.shape[1]
    rule = grid(12, 300, d)
    w = np.exp(rule.log_weights)
    log_q_n = np.stack([multivariate_normal(*each).logpdf(rule.nodes) for each in zip(mean, covariance, strict=True)])
    log_q = logsumexp(log_q_n, axis=0) - np.log(N)
    log_p = multivariate_normal(np.zeros(d)).logpdf(rule.nodes)
    information = np.mean(np.sum(w * np.exp(log_q_n) * (log_q_n - log_q), axis=1))
    return information, np.sum(w * np.exp(log_q) * (log_q - log_p))


def standard_normal(d):
    return diagonal_normal(np.zeros(d), np.zeros(d))


@pytest.mark.parametrize("name", POSTERIORS)
def test_v8_the_prior_fitting_is_information_and_the_divergence_of_the_aggregate(name, rng):
    """V-8: 1/N Σ KL(q(z|xₙ) ‖ p(z)) = I_q(n; z) + KL(q(z) ‖ p(z)): the left side in closed form, both terms of the
    right side by quadrature, to 1e-10; neither is 0, and the information is at most ln N.

    Planted: a divergence of diagonal Gaussians without its −1 for each number.
    """
    q = POSTERIORS[name](rng)
    information, marginal = by_quadrature(q)
    closed = q.kl_divergence(standard_normal(moments(q)[0].shape[1])).mean()
    assert information + marginal == pytest.approx(closed, abs=1e-10)
    assert 0.05 < information < np.log(N)
    assert marginal > 0.01


@pytest.mark.parametrize("name", POSTERIORS)
def test_v8_the_three_terms_are_estimated_with_errors_that_hold(name, rng):
    """V-8: from 4,000 draws a posterior within 4 standard errors, and their sum holds draw by draw.

    Planted: the mean of ln q(z|xₙ) over n, where the aggregate needs the logarithm of the mean.
    """
    q = POSTERIORS[name](rng)
    d = moments(q)[0].shape[1]
    exact = q.kl_divergence(standard_normal(d)).mean(), *by_quadrature(q)
    found = surgery(q, standard_normal(d), samples=4000, rng=rng)
    terms = (found.mean_kl, found.mutual_information, found.marginal_kl)
    for (estimate, error), value in zip(terms, exact, strict=True):
        assert abs(estimate - value) < 4 * error < 0.1
    assert found.mutual_information[0] + found.marginal_kl[0] == pytest.approx(found.mean_kl[0], abs=1e-12)


def test_v8_the_information_lies_between_none_and_all(rng):
    """V-8: 0 where all posteriors are one, exactly; ln N where no two overlap; no draw says more.

    Planted: the aggregate without its 1/N.
    """
    same = diagonal_normal(np.ones((N, 2)), np.zeros((N, 2)))
    found = surgery(same, standard_normal(2), samples=100, rng=rng)
    assert found.mutual_information == pytest.approx((0, 0), abs=1e-14)
    assert found.marginal_kl == pytest.approx(found.mean_kl, abs=1e-13)
    apart = diagonal_normal(100.0 * np.arange(N)[:, None], np.zeros((N, 1)))
    found = surgery(apart, standard_normal(1), samples=100, rng=rng)
    assert found.mutual_information == pytest.approx((np.log(N), 0), abs=1e-12)
    assert surgery(POSTERIORS["the plane"](rng), standard_normal(2), 100, rng=rng).mutual_information[0] < np.log(N)


def test_the_errors_are_the_spread_of_repetitions(rng):
    """For just these images: what differs between them is no error. 200 repetitions, the spread of a spread is 5 %."""
    q = POSTERIORS["the plane"](rng)
    found = [surgery(q, standard_normal(2), samples=30, rng=rng) for _ in range(200)]
    for term in ("mean_kl", "mutual_information", "marginal_kl"):
        estimates, errors = np.transpose([getattr(each, term) for each in found])
        assert estimates.std(ddof=1) == pytest.approx(errors.mean(), rel=0.2)


@pytest.mark.parametrize("samples", [2, 3, 4])
def test_v8_the_squared_error_is_on_average_the_variance_of_the_estimate(samples):
    """V-8: over all outcomes of the draws of two images whose values are fair coins of different size: exactly, from
    two draws on. With the divisor n of two draws it would be half of it.

    Planted: a variance over the draws with the divisor n, of which the mean was found from the same n draws.
    """
    tosses = np.array(list(itertools.product([-1.0, 1.0], repeat=2 * samples))).reshape(-1, samples, 2)
    found = np.array([_mean_and_error_of_draws(5 + each * [1.0, 3.0]) for each in tosses])
    assert np.mean(found[:, 1] ** 2) == pytest.approx(found[:, 0].var(), rel=1e-13)


def test_one_draw_of_each_posterior_has_no_error_to_state(rng):
    with pytest.raises(ValueError, match="there must be 2 draws or more"):
        surgery(POSTERIORS["a line"](rng), standard_normal(1), samples=1, rng=rng)


def test_surgery_on_a_model_and_on_a_prior_that_is_a_mixture(rng):
    """What a VAE holds: Tensors that are not recorded. Draws by the hundred are scored in blocks."""
    model, x = bernoulli_vae(4, (6,), 2, rng=rng), (rng.random((50, 4)) < 0.5).astype(np.float32)
    q = model.posterior(x)
    found = surgery(q, model.prior.distribution(), samples=4, rng=rng)
    estimate, error = found.mean_kl
    assert abs(estimate - q.kl_divergence(model.prior.distribution()).data.mean()) < 4 * error
    prior = Mixture(np.zeros(3), diagonal_normal(rng.standard_normal((3, 2)), np.zeros((3, 2))))
    assert surgery(q, prior, samples=4, rng=rng).mutual_information[0] < np.log(50)
