"""The value function of the adversarial game, on logits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, log_expit

from autograd import Tensor, check_grads, grad
from minigen.gan import discriminator_loss, non_saturating_loss, value
from tests.strategies import generators

SHAPES = st.sampled_from([(1,), (5,), (3, 1), (2, 3, 1)])


@given(real=SHAPES, fake=SHAPES, rng=generators)
def test_the_value_is_the_mean_log_sigmoid_of_both(real, fake, rng):
    """V = E[ln σ(real)] + E[ln σ(−fake)], whatever the shapes; the discriminator descends on −V."""
    real, fake = 3 * rng.standard_normal(real), 3 * rng.standard_normal(fake)
    expected = log_expit(real).mean() + log_expit(-fake).mean()
    np.testing.assert_allclose(value(real, fake), expected, rtol=1e-13)
    np.testing.assert_allclose(discriminator_loss(real, fake), -expected, rtol=1e-13)
    np.testing.assert_allclose(non_saturating_loss(fake), -log_expit(fake).mean(), rtol=1e-13)


def test_undecided_the_discriminator_loses_log_4():
    """D ≡ ½: each half costs ln 2."""
    undecided = np.zeros((7, 1))
    assert discriminator_loss(undecided, undecided) == np.log(4)
    assert non_saturating_loss(undecided) == np.log(2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sure", [1e4, -1e4])
def test_losses_and_gradients_are_finite_however_sure_the_discriminator_is(sure, dtype):
    """A logarithm of a rounded probability would be −∞ here."""
    real, fake = (Tensor(np.full((3, 1), sure, dtype), requires_grad=True) for _ in range(2))
    loss, generator = discriminator_loss(real, fake), non_saturating_loss(fake)
    assert loss.item() == pytest.approx(1e4)  # one of the two halves is all wrong
    assert generator.item() == pytest.approx(1e4 if sure < 0 else 0)
    for g in [*grad(loss, [real, fake]), grad(generator, fake)]:
        assert np.all(np.isfinite(g.data))
        assert g.dtype == dtype


def test_the_gradients_are_what_the_discriminator_got_wrong(rng):
    """∂V/∂real = (1 − D)/n and ∂V/∂fake = −D/m; the generator's is −(1 − D)/m. Central differences say the same."""
    real, fake = (Tensor(rng.standard_normal((n, 1)), requires_grad=True) for n in (4, 6))
    by_real, by_fake = grad(value(real, fake), [real, fake])
    np.testing.assert_allclose(by_real.data, expit(-real.data) / 4, rtol=1e-13)
    np.testing.assert_allclose(by_fake.data, -expit(fake.data) / 6, rtol=1e-13)
    np.testing.assert_allclose(grad(non_saturating_loss(fake), fake).data, -expit(-fake.data) / 6, rtol=1e-13)
    check_grads(value, real.data, fake.data)
    check_grads(non_saturating_loss, fake.data)


def test_the_generator_still_learns_where_the_discriminator_is_sure():
    """At D = σ(−20) the gradient of V has gone, and that of the non-saturating loss is at its largest."""
    fake = Tensor(np.full((1, 1), -20.0), requires_grad=True)
    assert abs(grad(value(np.zeros((1, 1)), fake), fake).data) < 1e-8
    np.testing.assert_allclose(grad(non_saturating_loss(fake), fake).data, -1, rtol=1e-8)
