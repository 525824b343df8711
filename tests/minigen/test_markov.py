"""The Markov assumption: I-2, I-4, and what a chain is known to do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from autograd import grad
from minigen import markov
from minigen.markov import MarkovChain, stationary_distribution
from minigen.training.optim import lbfgs
from tests.minigen.enumeration import binary_vectors, chi_square, index_of, table_of
from tests.minigen.models import randomised
from tests.strategies import generators, sizes_and_orders


@given(size=sizes_and_orders(12))
def test_i2_parameters_of_a_chain_of_order_k(size):
    """I-2: 2ᵏ − 1 + (n − k) 2ᵏ: n for k = 0, 2n − 1 for k = 1, 2ⁿ − 1 for k = n − 1.

    Planted: a first pixel that has as many contexts as the others.
    """
    n, k = size
    assert MarkovChain(n, k).num_parameters == 2**k - 1 + (n - k) * 2**k


def test_i2_a_chain_has_at_most_as_many_parameters_as_it_may(monkeypatch):
    """I-2: 3 (K − 1) = 12 of order 0."""
    monkeypatch.setattr(markov, "MOST", 12)
    assert MarkovChain(3, 0, states=5).num_parameters == 12
    monkeypatch.setattr(markov, "MOST", 11)
    with pytest.raises(ValueError, match="5 states needs 12 parameters, more than 11: lower the order: each step"):
        MarkovChain(3, 0, states=5)


def test_i2_the_lectures_chain_and_chains_of_more_states():
    """I-2: 2n − 1, where the lecture's page misprints 2ⁿ − 1; (K − 1) for each context with K states."""
    assert MarkovChain(20).num_parameters == 39
    assert MarkovChain(4, order=2, states=3).num_parameters == 2 * (1 + 3 + 9 + 9)
    assert MarkovChain(100, order=2, states=3, homogeneous=True).num_parameters == 2 * (1 + 3 + 9)


def direct_frequencies(x, i, k, states):
    """p(xᵢ = s | the k states before) by counting one context at a time."""
    contexts = [tuple(c) for c in np.ndindex(*[states] * min(i, k))]
    table = np.full((len(contexts), states), np.nan)
    for row, context in enumerate(contexts):
        here = x[(x[:, i - len(context) : i] == context).all(axis=1), i]
        if len(here):
            table[row] = [np.mean(here == s) for s in range(states)]
    return table


@given(k=st.integers(0, 3), states=st.integers(2, 4), rng=generators)
def test_i4_the_fit_is_the_conditional_frequencies_and_the_gradient_vanishes_there(k, states, rng):
    """I-4, contexts counted one by one; with smoothing every state is counted s times more in each.

    Planted: a context made of the states after the pixel.
    """
    x = rng.integers(states, size=(400, 5))
    chain = MarkovChain(5, k, states).astype(np.float64).fit(x, smoothing=0)
    for i in range(5):
        expected = direct_frequencies(x, i, k, states)
        known = ~np.isnan(expected[:, 0])
        np.testing.assert_allclose(chain.conditionals(i)[known], expected[known], rtol=1e-11, atol=1e-15)
    assert abs(grad(chain.nll(x), chain.logits).data).max() < 1e-12


def test_i4_laplace_smoothing_is_the_mean_of_the_dirichlet_posterior(rng):
    """I-4: (n_cs + s) / (n_c + Ks) in each context c; a context never seen is uniform; without smoothing it
    has the logits 0."""
    x = rng.integers(2, size=(50, 3))  # state 2 never comes
    chain = MarkovChain(3, 1, states=3).astype(np.float64).fit(x, smoothing=1.5)
    for context in range(3):
        counts = np.bincount(x[x[:, 0] == context, 1], minlength=3)
        expected = (counts + 1.5) / (counts.sum() + 4.5)
        np.testing.assert_allclose(chain.conditionals(1)[context], expected, rtol=1e-13)
    np.testing.assert_allclose(chain.conditionals(1)[2], 1 / 3, rtol=1e-13)
    never = MarkovChain(3, 1, states=3).fit(x, smoothing=0).conditionals(1)[2]
    np.testing.assert_allclose(never, [1 / 2, 1 / 4, 1 / 4])
    by_default = MarkovChain(3, 1, states=3).fit(x)
    np.testing.assert_array_equal(by_default.logits.data, MarkovChain(3, 1, states=3).fit(x, smoothing=1).logits.data)


@pytest.mark.parametrize("homogeneous", [False, True])
def test_i4_descent_arrives_at_the_closed_form(homogeneous, rng):
    """I-4: L-BFGS from zero ends where counting does, to 1e-6 in every probability."""
    x = rng.integers(3, size=(300, 4))
    make = lambda: MarkovChain(4, 1, states=3, homogeneous=homogeneous).astype(np.float64)
    counted, descended = make().fit(x, smoothing=0), make()
    lbfgs(descended, lambda: descended.nll(x))
    for i in range(4):
        np.testing.assert_allclose(descended.conditionals(i), counted.conditionals(i), atol=1e-6)


def test_a_homogeneous_chain_is_one_table_fitted_to_all_positions(rng):
    x = rng.integers(2, size=(50, 6))
    chain = MarkovChain(6, 1, homogeneous=True).astype(np.float64).fit(x, smoothing=0)
    before, after = x[:, :-1].ravel(), x[:, 1:].ravel()
    for state in range(2):
        assert chain.conditionals(3)[state, 1] == pytest.approx(after[before == state].mean(), rel=1e-12)


def test_completions_follow_the_exact_conditional(rng):
    """By χ² against the renormalised table."""
    chain = randomised(MarkovChain(5, 2), rng)
    completed = chain.complete(np.tile([1.0, 0, 0, 0, 0], (20_000, 1)), np.arange(5) < 2, rng=rng)
    x, p = binary_vectors(5), table_of(chain)
    given_prefix = np.where((x[:, 0] == 1) & (x[:, 1] == 0), p, 0)
    counts = np.bincount(index_of(completed), minlength=32)
    assert chi_square(counts, 20_000 * given_prefix / given_prefix.sum()) < chi2.ppf(0.999, df=7)


def test_the_stationary_distribution_is_where_the_chain_settles(rng):
    transitions = rng.dirichlet(np.ones(4), size=4)
    pi = stationary_distribution(transitions)
    np.testing.assert_allclose(pi @ transitions, pi, atol=1e-14)
    np.testing.assert_allclose(np.linalg.matrix_power(transitions, 500), np.tile(pi, (4, 1)), atol=1e-12)
