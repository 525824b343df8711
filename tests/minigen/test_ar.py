"""The claim A-1: AR(n) over binary pixels."""

import numpy as np
import pytest
from hypothesis import given

from autograd import Tensor, check_grads, grad
from minigen.ar import AR, matrix_of
from minigen.markov import MarkovChain
from minigen.table import IndependentBernoulli
from minigen.training.optim import lbfgs
from tests.minigen.enumeration import table_of
from tests.minigen.models import randomised
from tests.strategies import generators, sizes_and_orders


def test_a1_without_weights_the_pixels_are_independent(rng):
    """A-1.

    Planted: a bias counted twice.
    """
    model, independent = randomised(AR(6, 3), rng), IndependentBernoulli(6).astype(np.float64)
    model.weights.data[...] = 0
    independent.logits.data[...] = model.b.data
    np.testing.assert_allclose(table_of(model), table_of(independent), rtol=1e-13)


@given(size=sizes_and_orders(8), rng=generators)
def test_a1_a_pixel_depends_on_the_n_before_it_and_on_no_other(size, rng):
    """A-1: ∂logitᵢ/∂xⱼ is exactly 0 where j ≥ i or j < i − n, and not 0 elsewhere; n = D − 1 is the FVSBN.

    Planted: a window one pixel too wide.
    """
    D, n = size
    model, x = randomised(AR(D, n), rng), Tensor((rng.random((1, D)) < 0.5).astype(float), requires_grad=True)
    logits = model.logits(x)
    jacobian = np.array([grad(logits[0, i], x, retain_graph=True).data[0] for i in range(D)])
    i, j = np.indices((D, D))
    np.testing.assert_array_equal(jacobian != 0, (j < i) & (j >= i - n))
    assert model.num_parameters == np.sum((j < i) & (j >= i - n)) + D


def test_a1_the_sigmoid_belief_network_is_a_logistic_regression_on_all_earlier_pixels(rng):
    """A-1: order D − 1, each conditional written out pixel by pixel."""
    model, x = randomised(AR(5, 4), rng), (rng.random((20, 5)) < 0.5).astype(float)
    w = iter(model.weights.data)
    log_p = np.zeros(20)
    for i in range(5):
        logit = model.b.data[i] + sum(next(w) * x[:, j] for j in range(i))
        log_p += np.log(np.where(x[:, i] == 1, 1, np.exp(-logit)) / (1 + np.exp(-logit)))
    np.testing.assert_allclose(model.log_prob(x).data, log_p, rtol=1e-12)


def test_a1_order_1_is_the_markov_chain_and_descent_arrives_at_its_closed_form(rng):
    """A-1, I-4: one binary pixel has two contexts and AR(1) two numbers for them, so nothing is lost; and the logistic
    likelihood is concave, so descent ends at the conditional frequencies.
    """
    x = (rng.random((500, 4)) < 0.5).astype(float)
    x[:, 2] = np.where(rng.random(500) < 0.8, x[:, 1], x[:, 2])
    chain, model = MarkovChain(4, 1).astype(np.float64).fit(x, smoothing=0), AR(4, 1).astype(np.float64)
    lbfgs(model, lambda: model.nll(x))
    np.testing.assert_allclose(table_of(model), table_of(chain), atol=1e-9)


def test_at_the_maximum_the_moments_are_those_of_the_data(rng):
    """Σ_x (xᵢ − p(xᵢ = 1 | x_<ᵢ)) xⱼ = 0 for every weight: the likelihood equations of logistic regression."""
    x = (rng.random((300, 5)) < 0.4).astype(float)
    model = AR(5, 4).astype(np.float64)
    lbfgs(model, lambda: model.nll(x))
    residual = x - 1 / (1 + np.exp(-model.logits(x).data))
    assert abs(residual.mean(axis=0)).max() < 1e-8
    assert abs(np.tril(residual.T @ x, -1)).max() / len(x) < 1e-8


@pytest.mark.parametrize("prefix_length", [0, 2, 5])
def test_the_sampler_draws_from_the_density_it_is_scored_by(prefix_length, rng):
    """Completions keep their prefix, and pixel i is drawn with the logit that teacher forcing gives it."""
    model = randomised(AR(5, 2), rng)
    given = (rng.random((40_000, 5)) < 0.5).astype(float)
    x = model.complete(given, np.arange(5) < prefix_length, rng=rng)
    np.testing.assert_array_equal(x[:, :prefix_length], given[:, :prefix_length])
    p = 1 / (1 + np.exp(-model.logits(x).data[:, prefix_length:]))
    error = np.sqrt(np.mean(p * (1 - p), axis=0) / len(x))
    assert (abs((x[:, prefix_length:] - p).mean(axis=0)) < 4.5 * error).all()


def test_the_matrix_of_weights_has_right_derivatives(rng):
    i, j = np.nonzero(np.tri(4, k=-1))
    check_grads(lambda w: matrix_of(w, i, j, 4), rng.standard_normal(6), order=2)
