"""I-1, I-2, I-4 and I-6 for independent pixels: the baseline that every other model must beat."""

import numpy as np
import pytest
from scipy.special import expit, xlogy

from autograd import grad
from minigen.table import IndependentBernoulli
from tests.minigen.enumeration import table_of


@pytest.fixture
def x(rng):
    return (rng.random((30, 4)) < [0.1, 0.5, 0.6, 0.8]).astype(float)


def fitted(x, smoothing):
    return IndependentBernoulli(x.shape[1]).astype(np.float64).fit(x, smoothing)


def test_i1_probabilities_sum_to_one(x):
    assert table_of(fitted(x, smoothing=1)).sum() == pytest.approx(1, abs=1e-12)


def test_i2_one_parameter_a_pixel():
    assert IndependentBernoulli(9).num_parameters == 9


def test_i4_the_fit_is_the_frequency_and_the_gradient_vanishes_there(x):
    model = fitted(x, smoothing=0)
    np.testing.assert_allclose(expit(model.logits.data), x.mean(axis=0), rtol=1e-12)
    assert abs(grad(model.nll(x), model.logits).data).max() < 1e-12


def test_i4_laplace_smoothing_is_the_mean_of_the_beta_posterior(x):
    """With s zeros and s ones counted beside the data: (Σx + s) / (n + 2s)."""
    model = fitted(x, smoothing=2.5)
    np.testing.assert_allclose(expit(model.logits.data), (x.sum(axis=0) + 2.5) / (len(x) + 5), rtol=1e-12)


def test_i6_the_loss_at_the_fit_is_the_entropy(x):
    p = x.mean(axis=0)
    entropy = -np.sum(xlogy(p, p) + xlogy(1 - p, 1 - p))
    assert fitted(x, smoothing=0).nll(x).item() == pytest.approx(entropy, rel=1e-12)


def test_samples_have_the_frequencies(x, rng):
    """Within 4.5 standard errors at 40,000 draws."""
    model = fitted(x, smoothing=1)
    p = expit(model.logits.data)
    assert (abs(model.sample(40_000, rng).mean(axis=0) - p) < 4.5 * np.sqrt(p * (1 - p) / 40_000)).all()
