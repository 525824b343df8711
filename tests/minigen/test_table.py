"""I-2 and I-4 for the two ends, independent pixels and the full table, and for one variable of m outcomes."""

import numpy as np
import pytest
from scipy.special import expit, xlogy

from autograd import backend, grad
from minigen.distributions import Categorical as Softmax
from minigen.markov import MarkovChain
from minigen.table import Categorical, FullTable, IndependentBernoulli
from tests.minigen.enumeration import binary_vectors, index_of, table_of
from tests.minigen.models import randomised


@pytest.fixture
def x(rng):
    return (rng.random((30, 4)) < [0.1, 0.5, 0.6, 0.8]).astype(float)


def fitted(x, smoothing):
    return IndependentBernoulli(x.shape[1]).astype(np.float64).fit(x, smoothing)


@pytest.mark.parametrize("n", [1, 2, 9, 16])
def test_i2_the_two_ends_have_n_and_2_to_the_n_less_one_parameters(n):
    """I-2.

    Planted: a full table over pixels that forgets the first of them.
    """
    assert IndependentBernoulli(n).num_parameters == n
    assert FullTable(n).num_parameters == 2**n - 1


@pytest.mark.parametrize("m", [2, 3, 10])
def test_i2_m_outcomes_need_m_minus_one_parameters(m):
    """I-2: not m, for they sum to 1."""
    assert Categorical(m).num_parameters == m - 1


def test_i4_the_fit_is_the_frequency_and_the_gradient_vanishes_there(x):
    """I-4."""
    model = fitted(x, smoothing=0)
    np.testing.assert_allclose(expit(model.logits.data), x.mean(axis=0), rtol=1e-12)
    assert abs(grad(model.nll(x), model.logits).data).max() < 1e-12


def test_i4_laplace_smoothing_is_the_mean_of_the_beta_posterior(x):
    """I-4: with s zeros and s ones counted beside the data, (Σx + s) / (n + 2s).

    Planted: a smoothing that counts imagined ones but no zeros.
    """
    model = fitted(x, smoothing=2.5)
    np.testing.assert_allclose(expit(model.logits.data), (x.sum(axis=0) + 2.5) / (len(x) + 5), rtol=1e-12)


def test_i4_a_constant_pixel_has_an_infinite_logit_without_smoothing():
    """I-4: without a warning; unless another is asked for, the smoothing is 1."""
    x = np.array([[1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(fitted(x, smoothing=0).logits.data, [np.inf, -np.inf])
    np.testing.assert_allclose(IndependentBernoulli(2).fit(x).logits.data, [np.log(3), -np.log(3)], rtol=1e-6)


def test_i4_the_fit_on_the_device_is_that_on_the_host(x, library):
    """I-4 and E-6."""
    found = IndependentBernoulli(4).fit(x).logits
    with backend.use("numpy"):
        np.testing.assert_array_equal(backend.to_numpy(found), IndependentBernoulli(4).fit(x).logits.data)


def test_i4_the_full_table_is_the_frequencies_of_whole_images(x):
    """I-4: those that were never seen have probability 0 exactly, those that were cost no warning."""
    model = FullTable(4).astype(np.float64).fit(x, smoothing=0)
    frequency = np.bincount(index_of(x), minlength=16) / len(x)
    assert (frequency == 0).any()
    np.testing.assert_allclose(table_of(model), frequency, rtol=1e-12)
    seen = binary_vectors(4)[frequency > 0]
    assert np.isfinite(model.log_prob(seen).data).all()


def test_i4_outcomes_have_their_frequencies(rng):
    """I-4: with Dirichlet smoothing (n_k + s) / (n + ms), and without it."""
    x = np.array([[3], [1], [1], [3], [3]])
    model = Categorical(4).astype(np.float64)
    np.testing.assert_allclose(model.fit(x, smoothing=0).conditionals(0), [[0, 0.4, 0, 0.6]], atol=1e-15)
    np.testing.assert_allclose(
        model.fit(x, smoothing=2).conditionals(0)[0], (np.array([0, 2, 0, 3]) + 2) / 13, rtol=1e-14
    )


def test_i6_the_loss_at_the_fit_is_the_entropy(x):
    p = x.mean(axis=0)
    entropy = -np.sum(xlogy(p, p) + xlogy(1 - p, 1 - p))
    assert fitted(x, smoothing=0).nll(x).item() == pytest.approx(entropy, rel=1e-12)


def test_questions_and_a_softmax_are_two_ways_to_write_the_same_outcomes(rng):
    """p(x = k) by K − 1 yes-or-no questions, and by K logits of which one is redundant."""
    model = randomised(Categorical(5), rng)
    outcomes = np.arange(5)
    p = np.exp(model.log_prob(outcomes[:, None]).data)
    np.testing.assert_allclose(p, np.exp(Softmax(np.log(p) + 7.0).log_prob(outcomes)), rtol=1e-13)


def test_the_chain_of_order_0_is_independent_pixels(rng):
    chain, independent = randomised(MarkovChain(5, 0), rng), IndependentBernoulli(5).astype(np.float64)
    independent.logits.data[...] = chain.logits.data[:, 0]
    np.testing.assert_allclose(table_of(chain), table_of(independent), rtol=1e-13)
