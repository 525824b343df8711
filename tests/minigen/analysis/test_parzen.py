"""The Parzen window beside SciPy's normal distributions, and one of the reasons to distrust it."""

import numpy as np
import pytest
from scipy.cluster.vq import kmeans2
from scipy.special import logsumexp
from scipy.stats import chi2, kstest, multivariate_normal, norm

from minigen.analysis import quadrature
from minigen.analysis.parzen import ParzenWindow, best_window, squared_distances
from minigen.data import sets as data
from minigen.model import log_probs
from tests.minigen.enumeration import chi_square


def exact(a):
    """Rounded to numbers that float32 has as well."""
    return np.asarray(a, np.float32).astype(float)


@pytest.mark.parametrize(("N", "D", "sigma"), [(1, 1, 0.5), (7, 1, 2.0), (5, 3, 0.3), (20, 6, 1.0)])
def test_the_density_is_scipys_mixture(N, D, sigma, rng):
    """ln of the mean of N(x; sₙ, σ² I), within 1e-12."""
    samples, x = exact(rng.standard_normal((N, D))), exact(rng.standard_normal((9, D)))
    each = [multivariate_normal(s, sigma**2 * np.eye(D)).logpdf(x) for s in samples]
    expected = logsumexp(each, axis=0) - np.log(N)
    np.testing.assert_allclose(ParzenWindow(samples, sigma).log_prob(x), expected, rtol=1e-12)


@pytest.mark.parametrize(("d", "points"), [(1, 400), (2, 120)])
def test_the_density_integrates_to_one(d, points, rng):
    window = ParzenWindow(rng.uniform(-2, 2, (6, d)), 0.4)
    assert quadrature.masses(window.log_prob, quadrature.grid(6.0, points, d)).sum() == pytest.approx(1, abs=1e-6)


def test_images_of_many_pixels_do_not_underflow(rng):
    """784 pixels far from every sample: each term is 0 as a number, and its logarithm is right."""
    samples, x = (rng.random((3, 784)) < 0.5).astype(float), (rng.random((2, 784)) < 0.5).astype(float)
    exponents = -np.sum((x[:, None] - samples) ** 2, axis=-1) / (2 * 0.1**2)
    assert not np.exp(exponents).any()
    expected = logsumexp(exponents, axis=1) - np.log(3) - 784 * np.log(0.1 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(ParzenWindow(samples, 0.1).log_prob(x), expected, rtol=1e-12)


def test_float32_images_are_scored_in_float64(rng):
    samples, x = rng.random((30, 784), np.float32), rng.random((4, 784), np.float32)
    found = ParzenWindow(samples, 0.2).log_prob(x)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, ParzenWindow(samples.astype(float), 0.2).log_prob(x.astype(float)))
    whole = rng.integers(0, 3, (4, 784), np.uint8)
    np.testing.assert_array_equal(
        ParzenWindow(whole, 0.2).log_prob(whole), ParzenWindow(whole.astype(float), 0.2).log_prob(whole.astype(float))
    )


def test_squared_distances_are_those_of_a_double_loop(rng):
    """And never below 0, where the three terms of a row and itself cancel."""
    x, y = rng.random((5, 30)), rng.random((7, 30))
    expected = [[np.sum((a - b) ** 2) for b in y] for a in x]
    np.testing.assert_allclose(squared_distances(x, y), expected, rtol=1e-12)
    assert np.all(squared_distances(100 + x, 100 + x) >= 0)


def test_the_best_window_is_as_wide_as_the_noise(rng):
    """Validation points lie 0.3 about the samples; scored on the samples themselves, the narrowest would win."""
    samples = 5 * rng.standard_normal((20, 4))
    validation = samples[rng.integers(20, size=400)] + 0.3 * rng.standard_normal((400, 4))
    sigmas = [0.1, 0.2, 0.25, 0.3, 0.35, 0.5, 1.0]
    window = best_window(samples, validation, (s for s in sigmas))
    assert window.sigma == 0.3
    np.testing.assert_array_equal(window.samples, samples)
    losses = [ParzenWindow(samples, s).validation_loss(validation) for s in sigmas]
    assert window.validation_loss(validation) == min(losses)
    assert best_window(samples, samples, sigmas).sigma == 0.1


def test_draws_have_the_density(rng):
    """Kolmogorov and Smirnov on the line; half as wide again would not pass."""
    samples, sigma = np.array([[-1.0], [0.5], [0.7], [3.0]]), 0.4
    draws = ParzenWindow(samples, sigma).sample(4000, rng=rng)
    cdf = lambda width: lambda x: norm.cdf(x[..., None], samples[:, 0], width).mean(axis=-1)
    assert draws.shape == (4000, 1)
    assert kstest(draws[:, 0], cdf(sigma)).pvalue > 0.001
    assert kstest(draws[:, 0], cdf(1.5 * sigma)).pvalue < 1e-6


def test_draws_are_noise_about_samples_that_are_equally_likely(rng):
    """In three dimensions and around samples far apart: which one is uniform, and what is left is N(0, σ² I)."""
    samples, n = 100 * rng.standard_normal((5, 3)), 5000
    draws = ParzenWindow(samples, 0.5).sample(n, rng=rng)
    which = np.argmin(squared_distances(draws, samples), axis=1)
    assert chi_square(np.bincount(which, minlength=5), np.full(5, n / 5)) < chi2.ppf(0.999, df=4)
    noise = (draws - samples[which]) / 0.5
    assert kstest(noise.ravel(), "norm").pvalue > 0.001
    np.testing.assert_allclose(np.cov(noise, rowvar=False), np.eye(3), atol=4 * np.sqrt(2 / n))


def test_it_is_an_explicit_model_of_no_parameters(rng):
    """Scored in blocks as all of them, with the same losses."""
    window, x = ParzenWindow(rng.random((6, 5)), 0.3), rng.random((23, 5), np.float32)
    window.block = 7
    log_p = window.log_prob(x)
    np.testing.assert_allclose(log_probs(window, x), log_p, rtol=1e-12)
    assert window.nll(x) == pytest.approx(-log_p.mean(), rel=1e-12)
    assert window.validation_loss(x) == pytest.approx(-log_p.mean(), rel=1e-12)
    assert window.num_parameters == 0
    assert window.D == 5


@pytest.mark.parametrize(
    ("samples", "sigma", "message"),
    [
        (np.zeros((0, 3)), 1.0, r"samples must be \(N, D\), at least one, got shape \(0, 3\)"),
        (np.zeros(3), 1.0, r"samples must be \(N, D\), at least one, got shape \(3,\)"),
        (np.zeros((2, 3, 4)), 1.0, r"samples must be \(N, D\)"),
        (np.zeros((2, 3)), 0.0, "sigma must be above 0, got 0.0"),
        (np.zeros((2, 3)), -1.0, "sigma must be above 0, got -1.0"),
        (np.zeros((2, 3)), np.nan, "sigma must be above 0, got nan"),
    ],
)
def test_what_makes_no_window_is_refused(samples, sigma, message):
    with pytest.raises(ValueError, match=message):
        ParzenWindow(samples, sigma)


@pytest.mark.parametrize("x", [np.zeros((2, 4)), np.zeros(3), np.full((1, 3), np.nan)])
def test_images_that_do_not_fit_the_samples_are_refused(x):
    with pytest.raises(ValueError, match="ParzenWindow takes"):
        ParzenWindow(np.zeros((2, 3)), 1.0).log_prob(x)


def test_it_ranks_images_of_the_data_below_centres_of_k_means():
    """A hundred digits are a perfect sample, and a hundred blurred means of digits score 10 nats better (Theis et al.).

    Each with the width that is best for it, on digits that neither has seen.
    """
    digits, widths = data.digits(), np.arange(0.1, 0.5, 0.05)
    train, validation, test = (part.images.astype(float) for part in (digits.train, digits.validation, digits.test))
    sample = train[:100]
    centres, _ = kmeans2(train, sample, minit="matrix")
    of_data, of_means = (best_window(s, validation, widths).validation_loss(test) for s in (sample, centres))
    assert of_means < of_data - 10


def test_samples_that_are_not_finite_are_refused(rng):
    samples = rng.standard_normal((4, 2))
    samples[2, 1] = np.nan
    with pytest.raises(ValueError, match="samples must be finite numbers, got nan"):
        ParzenWindow(samples, 1)
