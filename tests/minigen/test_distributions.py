"""N-8 and I-6 for the Bernoulli distribution in its logit."""

import numpy as np
import pytest
from hypothesis import given
from scipy.special import expit, log_expit

from autograd import Tensor, check_grads, grad
from minigen.distributions import bernoulli_log_prob, bernoulli_sample
from minigen.functions import linear, relu, sigmoid
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
    draws = bernoulli_sample(rng, np.full(100_000, 0.7))
    p = expit(0.7)
    assert set(np.unique(draws)) == {0.0, 1.0}
    assert abs(draws.mean() - p) < 4 * np.sqrt(p * (1 - p) / draws.size)
