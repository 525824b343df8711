"""The claims V-3, V-4, V-6 and V-7 by enumeration and quadrature, and what a VAE is built from and for.

A z of K values makes every integral a sum; a z in the plane and layers of tanh make it a sum over a grid, to rounding.
"""

import copy
import itertools
import pickle

import numpy as np
import pytest
from scipy.special import log_expit, log_softmax, logsumexp, softmax
from scipy.stats import multivariate_normal, norm

from autograd import Tensor, grad, no_grad
from minigen.analysis import evidence, quadrature
from minigen.decoders import BernoulliDecoder, GaussianDecoder
from minigen.distributions import diagonal_normal
from minigen.divergences import kl_divergence
from minigen.encoders import DeterministicEncoder, GaussianEncoder, NoisyEncoder
from minigen.nn.arrays import plain
from minigen.nn.layers import Linear, mlp
from minigen.priors import Flower, MixturePrior, StandardNormal, SwissRoll, VampPrior
from minigen.training.files import load_weights, save_weights
from minigen.training.loop import fit
from minigen.training.optim import Adam
from minigen.vae import COLLAPSED, VAE, WarmUp, bernoulli_vae, expectation, unit_activity
from tests.minigen.enumeration import binary_vectors
from tests.minigen.latent import Signs, choice_vae, dealt_vae, gaussian_encoder, smooth_vae
from tests.minigen.models import randomised

CELLS, OTHER_CELLS = quadrature.grid(9, 120), quadrature.grid(8.5, 110)
NORMAL = quadrature.under_normal(CELLS)
SEED = 3


def seeded():
    return np.random.default_rng(SEED)


def log_joint_table(model, x):
    """ln p(x, z) for each of the K z, from the model's tables alone: (batch, K)."""
    logits = model.decoder.body.rows.data
    log_likelihood = log_expit(np.where(x[:, None] == 1, logits, -logits)).sum(axis=-1)
    return log_likelihood + log_softmax(model.prior.logits.data)


def log_joint_by_hand(model, x, z):
    """ln p(x, z) of `smooth_vae`, its layers and densities written out with SciPy's."""
    hidden, output = model.decoder.body.layers[::2]
    logits = np.tanh(z @ hidden.weight.data + hidden.bias.data) @ output.weight.data + output.bias.data
    return log_expit(np.where(x == 1, logits, -logits)).sum(axis=-1) + norm.logpdf(z).sum(axis=-1)


def moments(q):
    """The means and covariances of a normal distribution over (batch, d)."""
    if hasattr(q, "scale_tril"):
        L = plain(q.scale_tril)
        return plain(q.mean), L @ L.swapaxes(-1, -2)
    return plain(q.base.mean), np.exp(plain(q.base.log_var))[..., None] * np.eye(2)


# -- V-3, V-4: the evidence and its lower bound


@pytest.mark.parametrize("kl", ["closed", "sampled"])
def test_v3_the_evidence_is_the_elbo_and_the_divergence_from_the_posterior_over_a_discrete_z(kl, rng):
    """V-3: ln p(x) = ELBO + KL(q(z|x) ‖ p(z|x)) for a random q, which is not the posterior; p(z|x) by Bayes' rule.

    Planted: a prior fitting the wrong way round, KL(p(z) ‖ q(z|x)).
    """
    model, x = dealt_vae(3, 4, rng, kl=kl), binary_vectors(3)
    log_joint = log_joint_table(model, x)
    log_p = logsumexp(log_joint, axis=1)
    assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-12)
    q, posterior = softmax(model.encoder.logits.data, axis=1), softmax(log_joint, axis=1)
    gap = np.array([kl_divergence(*pair) for pair in zip(q, posterior, strict=True)])
    assert (gap > 0.01).all()
    np.testing.assert_allclose(model.elbo(x, rng=rng).value.data + gap, log_p, rtol=0, atol=1e-12)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_v3_the_evidence_is_the_elbo_and_the_divergence_from_the_posterior_in_the_plane(covariance, rng):
    """V-3: each of the three for itself, beside densities and layers that are written out here.

    Planted: variances taken for standard deviations where z is spread over q.
    """
    model, x = smooth_vae(3, rng, covariance=covariance), binary_vectors(3)
    each = log_joint_by_hand(model, x, CELLS.nodes[:, None]) + CELLS.log_weights[:, None]
    log_p = logsumexp(each, axis=0)
    assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-10)
    gap = np.empty(len(x))
    for i, (mean, covariance) in enumerate(zip(*moments(model.posterior(x)), strict=True)):
        z = mean + NORMAL.nodes @ np.linalg.cholesky(covariance).T
        log_ratio = multivariate_normal(mean, covariance).logpdf(z) - log_joint_by_hand(model, x[i], z)
        gap[i] = np.exp(NORMAL.log_weights) @ log_ratio + log_p[i]
    assert (gap > 0.01).all()
    np.testing.assert_allclose(evidence.elbo(model, x, NORMAL) + gap, log_p, rtol=0, atol=1e-10)
    np.testing.assert_allclose(evidence.log_evidence(model, x, OTHER_CELLS), log_p, rtol=0, atol=1e-10)
    np.testing.assert_allclose(evidence.kl_to_posterior(model, x, CELLS, OTHER_CELLS), gap, rtol=0, atol=1e-10)


def test_v4_the_two_forms_of_the_elbo_agree_over_a_discrete_z(rng):
    """V-4: E_q[ln p(x|z)] − KL(q ‖ p) = E_q[ln p(x, z)/q(z|x)] < ln p(x), without an error: the draws are dealt.

    Planted: the second form without its ln q(z|x).
    """
    model, x = dealt_vae(3, 4, rng), binary_vectors(3)
    closed = model.elbo(x, rng=rng)
    model.kl = "sampled"
    sampled = model.elbo(x, rng=rng)
    for name in ("reconstruction", "prior_fitting", "value"):
        np.testing.assert_allclose(getattr(sampled, name).data, getattr(closed, name).data, rtol=0, atol=1e-12)
    assert (closed.prior_fitting.data > 0).all()
    assert (closed.value.data < logsumexp(log_joint_table(model, x), axis=1)).all()


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_v4_the_two_forms_of_the_elbo_agree_in_the_plane(covariance, rng):
    """V-4: by quadrature to 1e-10, and from 4,000 draws within 4 standard errors, which quadrature knows exactly.

    Planted: the density of z under the prior left out of ln p(x, z).
    """
    model, x, n = smooth_vae(3, rng, covariance=covariance), binary_vectors(3), 4000
    elbo, w = evidence.elbo(model, x, NORMAL), np.exp(NORMAL.log_weights)
    with no_grad():
        z = evidence.spread(model.posterior(x), NORMAL.nodes)
        log_weight = plain(model.log_weight(x, z))
        log_likelihood = plain(model.decoder(z).log_prob(x))
    np.testing.assert_allclose(w @ log_weight, elbo, rtol=0, atol=1e-10)
    assert (elbo < evidence.log_evidence(model, x, CELLS)).all()
    for kl, values in (("closed", log_likelihood), ("sampled", log_weight)):
        model.kl = kl
        error = np.sqrt(w @ (values - w @ values) ** 2 / n)
        assert (abs(model.elbo(x, samples=n, rng=rng).value.data - elbo) < 4 * error).all()


# -- V-6: gradients through an expectation


def test_v6_the_reparameterised_gradient_of_a_square_is_that_of_its_closed_form(rng):
    """V-6: E[z²] = μ² + σ², so the gradient is (2μ, 2σ); exactly, for ε = ±1 have the moments that a square needs.

    Planted: draws that pass no gradient on.
    """
    mean = Tensor(rng.standard_normal((2, 3)), requires_grad=True)
    sigma = Tensor(np.exp(rng.standard_normal((2, 3))), requires_grad=True)
    q = diagonal_normal(mean, 2 * np.log(sigma))
    value = expectation(lambda z: np.sum(z**2, axis=-1), q, samples=8, rng=Signs(3))
    np.testing.assert_allclose(value.data, np.sum(mean.data**2 + sigma.data**2, axis=-1), rtol=1e-13)
    by_mean, by_sigma = grad(value.sum(), [mean, sigma])
    np.testing.assert_allclose(by_mean.data, 2 * mean.data, rtol=0, atol=1e-12)
    np.testing.assert_allclose(by_sigma.data, 2 * sigma.data, rtol=0, atol=1e-12)


def test_v6_the_score_function_has_the_same_mean_and_a_larger_variance(rng):
    """V-6: 40,000 estimates by each, with μ = 1 and σ = ½: means within 4 standard errors of (2μ, 2σ). The variances
    for μ, in closed form, are 4σ² and μ⁴/σ² + 14 μ² + 15 σ²: 1 and 21.75.

    Planted: the score with the wrong sign.
    """
    n, variances = 40_000, {}
    for gradient in ("reparameterised", "score function"):
        mean, sigma = (Tensor(np.full((n, 1), value), requires_grad=True) for value in (1.0, 0.5))
        q = diagonal_normal(mean, 2 * np.log(sigma))
        value = expectation(lambda z: np.sum(z**2, axis=-1), q, 1, gradient, rng=rng)
        found = np.concatenate([g.data for g in grad(value.sum(), [mean, sigma])], axis=1)
        assert (abs(found.mean(axis=0) - [2, 1]) < 4 * found.std(axis=0) / np.sqrt(n)).all()
        variances[gradient] = found.var(axis=0)
    by_mean = np.array([variances["reparameterised"][0], variances["score function"][0]])
    np.testing.assert_allclose(by_mean, [1, 21.75], rtol=0.1)
    assert variances["score function"][1] > 5 * variances["reparameterised"][1]


@pytest.mark.parametrize("kl", ["closed", "sampled"])
def test_v6_the_score_function_needs_no_derivative_by_z(kl, rng):
    """V-6: z is one of K here, which no noise can reparameterise; the gradient of the loss by all parameters, those of
    q, p(x|z) and p(z), is that of the enumerated −ELBO, exactly: the draws are dealt.

    Planted: the estimate without the gradient by the integrand's own parameters.
    """
    model, x = dealt_vae(3, 4, rng, kl=kl, gradient="score function"), binary_vectors(3)
    parameters = list(model.parameters().values())
    every_z = np.repeat(np.arange(4)[:, None], len(x), axis=1)
    exact = -np.mean(np.sum(model.posterior(x).probs.T * model.log_weight(x, every_z), axis=0))
    loss = model.loss(x, rng=rng)
    assert loss.item() == pytest.approx(exact.item(), abs=1e-12)
    for estimated, true in zip(grad(loss, parameters), grad(exact, parameters), strict=True):
        np.testing.assert_allclose(estimated.data, true.data, rtol=0, atol=1e-12)


# -- V-7: several draws at once


def test_v7_the_bounds_rise_with_the_number_of_draws(rng):
    """V-7: L₁ = ELBO < L₂ < L₃ < L₄ < ln p(x), each exact: all k-tuples of z, by their probabilities.

    Planted: the mean of the logarithms for the logarithm of the mean.
    """
    model, images = choice_vae(2, 3, rng), binary_vectors(2)
    q, log_joint = softmax(model.encoder.logits.data, axis=1), log_joint_table(model, images)
    bounds = np.empty((4, len(images)))
    for k in range(1, 5):
        tuples = np.array(list(itertools.product(range(3), repeat=k))).T
        model.encoder.draws = tuples
        for i, x in enumerate(images):
            L = model.iwae(np.tile(x, (3**k, 1)), k, rng=rng).data
            bounds[k - 1, i] = q[i, tuples].prod(axis=0) @ L
    np.testing.assert_allclose(bounds[0], np.sum(q * (log_joint - np.log(q)), axis=1), rtol=0, atol=1e-12)
    assert (np.diff(bounds, axis=0) > 1e-3).all()
    assert (bounds[-1] < logsumexp(log_joint, axis=1) - 1e-3).all()


def test_v7_the_gradient_weighs_each_draw_by_its_share(rng):
    """V-7: ∇L_k = Σⱼ w̃ⱼ ∇ln wⱼ with w̃ = w/Σw, the ∇ln wⱼ taken draw by draw; also along a direction, by differences.

    Planted: the softmax over the losses −ln w, which favours the worst draw; and, for itself, Σⱼ w̃ⱼ ln wⱼ as the
    bound, so that the shares have gradients of their own.
    """
    model, x, k = smooth_vae(3, rng, covariance="full"), binary_vectors(3)[[2, 5]], 4
    parameters = list(model.parameters().values())
    flat = lambda gradients: np.concatenate([g.data.ravel() for g in gradients])
    weights = softmax(model.log_weights(x, k, rng=seeded()).data, axis=0)
    assert weights.max() > 2 / k  # the shares differ
    expected = sum(
        weights[j, i] * flat(grad(model.log_weights(x, k, rng=seeded())[j, i], parameters))
        for j, i in itertools.product(range(k), range(len(x)))
    )
    found = flat(grad(model.iwae(x, k, rng=seeded()).sum(), parameters))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    here, direction, step = model.flat.copy(), rng.standard_normal(len(found)), 1e-5
    ends = []
    for sign in (1, -1):
        model.flat[...] = here + sign * step * direction
        ends.append(model.iwae(x, k, rng=seeded()).sum().item())
    assert found @ direction == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6)


def test_v7_the_error_of_two_weights_is_that_of_their_mean(rng, monkeypatch):
    """V-7: of p(x, z)/q(z|x) = 1 and 3 the mean is 2 with a standard error of 1, and ln 2 has one of ½.

    Planted: a deviation with the divisor k, of which the mean was found from the same k weights.
    """
    model = bernoulli_vae(4, (3,), 2, rng=rng)
    monkeypatch.setattr(model, "log_weights", lambda x, k, rng: np.log([[1.0], [3.0]]))
    found = model.log_prob(np.zeros((1, 4)), 2, rng=rng)
    np.testing.assert_allclose([found.value, found.standard_error], [[np.log(2)], [0.5]], rtol=1e-6)


def test_v7_importance_sampling_finds_the_evidence_with_an_error_that_holds(rng):
    """V-7: from 2,000 draws within 4 standard errors of quadrature, and the error stated is the spread over 200
    repetitions, known to 5% each: within 25% of it.

    Planted: the spread of one weight stated as the error of the mean.
    """
    model, x = smooth_vae(3, rng), binary_vectors(3)[:4]
    model.encoder.head.bias.data[2:] = 0.5  # q wide enough for the weights to have a variance
    log_p = evidence.log_evidence(model, x, CELLS)
    value, error = model.log_prob(x, 2000, rng=rng)
    assert (abs(value - log_p) < 4 * error).all()
    values, errors = map(np.array, zip(*(model.log_prob(x, 200, rng=rng) for _ in range(200)), strict=True))
    np.testing.assert_allclose(values.std(axis=0, ddof=1), errors.mean(axis=0), rtol=0.25)
    assert (abs(values.mean(axis=0) - log_p) < 4 * errors.mean(axis=0) / np.sqrt(200) + errors.mean(axis=0) ** 2).all()


def test_importance_sampling_is_the_same_in_blocks(rng):
    model, x = smooth_vae(3, rng), binary_vectors(3)
    whole = model.log_prob(x, 100, rng=seeded())
    model.block = 7
    np.testing.assert_allclose(model.log_prob(x, 100, rng=seeded()), whole, rtol=1e-12)


def test_an_image_that_no_draw_can_make_has_probability_0(rng):
    """Its first pixel is 0 for certain: the estimate, the bound and the ELBO are −∞, without a warning or a nan."""
    model = bernoulli_vae(3, (4,), 2, rng=rng)
    model.decoder.body.layers[-1].bias.data[0] = -np.inf
    x = np.array([[1.0, 0, 1], [0, 0, 1]])
    value, error = model.log_prob(x, 10, rng=rng)
    np.testing.assert_array_equal([value[0], error[0]], [-np.inf, np.inf])
    assert np.isfinite([value[1], error[1]]).all()
    assert model.elbos(x, rng=rng).value[0] == -np.inf
    assert model.iwae(x, 10, rng=rng).data[0] == -np.inf


def test_the_bound_of_one_draw_is_the_elbo(rng):
    model, x = smooth_vae(3, rng, kl="sampled"), binary_vectors(3)
    assert -model.iwae(x, 1, rng=seeded()).data.mean() == pytest.approx(model.loss(x, rng=seeded()).item(), rel=1e-14)


def test_a_step_of_ones_own_trains_on_the_bound_of_several_draws(rng):
    """Two images, equally likely: ln 2 < −L₅ < 1.1; with a z that says nothing it would be 4 ln 2."""
    x = np.repeat([[0.0, 0, 0, 0], [1, 1, 1, 1]], 50, axis=0)
    model = bernoulli_vae(4, (8,), 1, rng=rng)
    optimizer = Adam(model, 0.02)

    def step(x, rng):
        model.zero_grad()
        loss = -np.mean(model.iwae(x, 5, rng=rng))
        loss.backward()
        optimizer.step()
        return loss.item()

    before = -model.iwae(x, 5, rng=rng).data.mean()
    fit(model, step, x, x, rng=rng, epochs=100, batch_size=50, progress=False)
    with no_grad():
        bound = -np.mean([plain(model.iwae(x, 5, rng=rng)).mean() for _ in range(50)])
    assert np.log(2) < bound < 1.1 < before


# -- the loss


def test_beta_weighs_the_prior_fitting(rng):
    model, x = smooth_vae(3, rng), binary_vectors(3)
    parts = model.elbo(x, rng=seeded())
    for model.beta in (0.0, 0.5, 1.0, 4.0):
        expected = np.mean(model.beta * parts.prior_fitting.data - parts.reconstruction.data)
        assert model.loss(x, rng=seeded()).item() == pytest.approx(expected, rel=1e-14)
    assert model.validation_loss(x) == pytest.approx(-model.elbo(x, rng=np.random.default_rng(0)).value.data.mean())


def test_the_prior_fitting_is_warmed_up(rng):
    """β rises over the first three epochs and is 1 in the fourth and after it."""
    model, x, seen = bernoulli_vae(3, (4,), 2, rng=rng), binary_vectors(3), []
    options = {"epochs": 5, "progress": False, "before_epoch": WarmUp(model, 3)}
    fit(model, Adam(model), x, x, rng=rng, measure=lambda: seen.append(model.beta) or {}, **options)
    assert seen == [0.25, 0.5, 0.75, 1, 1]


@pytest.mark.parametrize("beta", [-1e-9, np.inf, np.nan])
def test_a_weight_that_is_none_is_refused(beta, rng):
    parts = vars(smooth_vae(3, rng))
    make = lambda beta: VAE(parts["encoder"], parts["decoder"], parts["prior"], beta=beta)
    assert make(0).beta == 0
    with pytest.raises(ValueError, match=f"^beta is the weight .* at least 0 and finite, got {beta}$"):
        make(beta)


def test_the_activation_follows_each_hidden_layer_and_no_other(rng):
    """Sizes in order in the encoder, in reverse order in the decoder; and there is a hidden layer."""
    met = []
    model = bernoulli_vae(3, (5, 4), 2, lambda x: np.tanh(met.append(x.shape[-1]) or x), rng=rng)
    model.encode(np.zeros((1, 3)))
    assert met == [5, 4]
    model.decode(np.zeros((1, 2)))
    assert met == [5, 4, 4, 5]
    says = "^hidden names the sizes of the hidden layers, at least one; `ppca.linear_vae` has none$"
    with pytest.raises(ValueError, match=says):
        bernoulli_vae(3, (), 2)


def test_a_warm_up_goes_on_where_its_checkpoint_was_made(rng):
    """With the same settings; only the weight is set."""
    model, other = (bernoulli_vae(3, (4,), 2, rng=rng) for _ in range(2))
    warm_up = WarmUp(model, 3, beta=0.8)
    warm_up(1)
    state = warm_up.state()
    assert state == {"settings": {"warm_up": 3, "beta": 0.8}, "weight": 0.2}
    WarmUp(other, 3, beta=0.8).load_state(state)
    assert other.beta == 0.2


def test_the_validation_loss_repeats_and_blocks_do_not_matter(rng):
    model, x = smooth_vae(3, rng), binary_vectors(3)
    first = model.validation_loss(x)
    rng.standard_normal(100)
    assert model.validation_loss(x) == first
    model.block = 3
    assert model.validation_loss(x) == pytest.approx(first, rel=1e-13)
    parts = model.elbos(x, samples=2, rng=rng)
    assert isinstance(parts.value, np.ndarray)
    assert parts.reconstruction.shape == parts.prior_fitting.shape == (8,)


def test_training_uses_z_and_no_loss_is_below_the_entropy(rng):
    """Two images, equally likely: ln 2 < −ln p(x) < −ELBO; with a z that says nothing the loss would be 4 ln 2."""
    x = np.repeat([[0.0, 0, 0, 0], [1, 1, 1, 1]], 50, axis=0)
    model = bernoulli_vae(4, (8,), 1, rng=rng)
    fit(model, Adam(model, 0.02), x, x, rng=rng, epochs=100, batch_size=50, progress=False)
    loss = -model.elbos(x, samples=100, rng=rng).value.mean()
    assert loss < 1.1
    assert np.log(2) < -model.log_prob(x[[0, -1]], 1000, rng=rng).value.mean() < loss
    assert np.mean(np.ptp(model.sample(500, rng=rng), axis=1) == 0) > 0.8  # 1/8 by chance
    assert unit_activity(model, x).item() > 0.5


# -- what encoder, decoder and prior may be


DECODERS = {
    "binary": lambda rng: BernoulliDecoder(mlp((2, 5, 3), np.tanh, rng=rng), 3),
    "real, one σ²": lambda rng: GaussianDecoder(mlp((2, 5, 3), np.tanh, rng=rng), 3),
    "real, a σ² a pixel": lambda rng: GaussianDecoder(mlp((2, 5, 3), np.tanh, rng=rng), 3, per_pixel=True),
    "real, σ² fixed": lambda rng: GaussianDecoder(mlp((2, 5, 3), np.tanh, rng=rng), 3, variance=0.3, learned=False),
}


def test_binary_pixels_sum_to_one_given_z_and_have_the_mean(rng):
    """Over all images: Σ p(x|z) = 1, and Σ x p(x|z) is what `mean` says."""
    decoder = smooth_vae(3, rng).decoder
    z, x = rng.standard_normal((4, 2)), binary_vectors(3)
    p = np.exp(plain(decoder(z[:, None]).log_prob(x)))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(plain(decoder.mean(z)), p @ x, rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in DECODERS if name.startswith("real")])
def test_real_pixels_are_scipys_normal_given_z(name, rng):
    decoder = smooth_vae(3, rng, decoder=DECODERS[name](rng)).decoder
    z, x = rng.standard_normal((4, 2)), rng.standard_normal((4, 3))
    variance = np.broadcast_to(np.exp(plain(decoder.log_var)), 3)
    found = plain(decoder(z).log_prob(x))
    for i, mean in enumerate(plain(decoder.mean(z))):
        assert found[i] == pytest.approx(multivariate_normal(mean, np.diag(variance)).logpdf(x[i]), rel=1e-12)


def test_the_variance_of_real_pixels_is_learned_or_fixed(rng):
    """One number, one for each pixel, or none that is learned; float64 reaches the fixed one too."""
    one, each, fixed = (smooth_vae(3, rng, decoder=DECODERS[name](rng)) for name in list(DECODERS)[1:4])
    assert (one.decoder.log_var.shape, each.decoder.log_var.shape) == ((1,), (3,))
    assert each.num_parameters == one.num_parameters + 2 == fixed.num_parameters + 3
    assert "decoder.log_var" not in fixed.parameters()
    assert fixed.decoder.log_var.dtype == np.float64
    assert np.exp(fixed.decoder.log_var) == pytest.approx(0.3, rel=1e-6)
    assert np.exp(GaussianDecoder(Linear(2, 3, rng=rng), 3, variance=0.2).log_var.data) == pytest.approx(0.2)


@pytest.mark.parametrize("name", DECODERS)
def test_every_likelihood_has_shapes_of_its_kind(name, rng):
    """Samples pass the model's own check, and the encoder sees them as they are."""
    model = smooth_vae(3, rng, decoder=DECODERS[name](rng))
    x = model.sample(6, rng=rng)
    assert x.shape == (6, 3)
    assert model.checked(x).shape == (6, 3)
    assert model.elbo(x, rng=rng).value.shape == model.iwae(x, 3, rng=rng).shape == (6,)
    assert model.log_prob(x, 4, rng=rng).value.shape == model.log_prob(x, 4, rng=rng).standard_error.shape == (6,)
    assert model.encode(x).shape == (6, 2)
    assert model.decode(model.encode(x)).shape == (6, 3)
    assert model.decode(np.zeros((4, 5, 2))).shape == (4, 5, 3)
    np.testing.assert_allclose(model.encode(x), plain(model.encoder(np.asarray(x, float)).base.mean), rtol=1e-13)


def test_samples_come_from_the_model(rng):
    """100,000 draws of 3 binary pixels beside the evidence by quadrature: each frequency within 4.5 standard errors;
    with z ~ N(0, 1.3²) one is 16 of them away."""
    model, n = smooth_vae(3, rng), 100_000
    model.decoder.flat[...] *= 2
    p = np.exp(evidence.log_evidence(model, binary_vectors(3), CELLS))
    frequency = np.bincount((model.sample(n, rng=rng) @ [4, 2, 1]).astype(int), minlength=8) / n
    assert (abs(frequency - p) < 4.5 * np.sqrt(p * (1 - p) / n)).all()


def test_a_full_covariance_is_a_lower_triangle_and_scipys_density(rng):
    """d = 3: L has the last three numbers of the head below its diagonal, row by row, and e^½(ln L²) on it."""
    encoder = randomised(gaussian_encoder(4, rng, d=3, covariance="full"), rng)
    x, z = rng.standard_normal((2, 4)), rng.standard_normal((2, 3))
    q, h = encoder(x), encoder.head(encoder.body(x)).data
    L = q.scale_tril.data
    np.testing.assert_array_equal(L, np.tril(L))
    np.testing.assert_allclose(np.diagonal(L, axis1=1, axis2=2), np.exp(h[:, 3:6] / 2), rtol=1e-14)
    np.testing.assert_array_equal(L[:, [1, 2, 2], [0, 0, 1]], h[:, 6:])
    for i in range(2):
        expected = multivariate_normal(h[i, :3], L[i] @ L[i].T).logpdf(z[i])
        assert q.log_prob(z).data[i] == pytest.approx(expected, rel=1e-10)
    assert gaussian_encoder(4, rng, d=1, covariance="full")(x).scale_tril.shape == (2, 1, 1)


PRIORS = {
    "N(0, I)": lambda encoder, rng: StandardNormal(2),
    "mixture": lambda encoder, rng: MixturePrior(2, 3, rng=rng),
    "VampPrior": lambda encoder, rng: VampPrior(encoder, 3, 4, rng=rng),
    "flower": lambda encoder, rng: Flower(5),
}


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
@pytest.mark.parametrize("name", PRIORS)
def test_one_line_selects_the_prior_and_training_reaches_it(name, covariance, rng):
    """Whatever p(z) is, the ELBO stays below the evidence, both by quadrature, and each parameter has a gradient."""
    encoder = gaussian_encoder(3, rng, covariance=covariance)
    decoder = BernoulliDecoder(mlp((2, 5, 3), np.tanh, rng=rng), 3)
    model = randomised(VAE(encoder, decoder, PRIORS[name](encoder, rng)), rng, scale=0.6)
    x = binary_vectors(3)
    log_p = evidence.log_evidence(model, x, quadrature.grid(15, 300))
    assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-10)
    with no_grad():
        log_weight = plain(model.log_weight(x, evidence.spread(model.posterior(x), NORMAL.nodes)))
    assert (np.exp(NORMAL.log_weights) @ log_weight < log_p).all()
    model.zero_grad()
    model.loss(x, rng=rng).backward()
    for parameter in model.parameters().values():
        assert np.abs(parameter.grad).max() > 0
    assert model.prior.sample(7, rng=rng).shape == (7, 2)


def test_a_mixture_has_no_closed_divergence_so_the_prior_fitting_is_sampled(rng):
    model, x = smooth_vae(3, rng, prior=MixturePrior(2, 3, rng=rng)), binary_vectors(3)
    asked = model.elbo(x, rng=seeded()).value.data
    model.kl = "sampled"
    np.testing.assert_array_equal(model.elbo(x, rng=seeded()).value.data, asked)


def vamp_vae(rng):
    encoder = gaussian_encoder(3, rng)
    decoder = BernoulliDecoder(mlp((2, 5, 3), np.tanh, rng=rng), 3)
    return VAE(encoder, decoder, VampPrior(encoder, 3, 4, rng=rng))


def test_a_vamp_prior_is_the_mixture_of_what_the_encoder_makes_of_its_images(rng):
    """And the encoder's parameters are the model's once: 4 images of 3 pixels and 4 logits come with the prior."""
    model = randomised(vamp_vae(rng), rng)
    q = model.encoder(1 / (1 + np.exp(-model.prior.images.data)))
    z, weights = rng.standard_normal((5, 2)), softmax(model.prior.logits.data)
    each = np.array([[multivariate_normal(*part).pdf(point) for part in zip(*moments(q), strict=True)] for point in z])
    np.testing.assert_allclose(model.prior.distribution().log_prob(z).data, np.log(each @ weights), rtol=1e-10)
    assert model.num_parameters == model.encoder.num_parameters + model.decoder.num_parameters + 4 * 3 + 4


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_the_copy_of_a_vamp_prior_uses_the_encoder_of_the_copy(duplicate, rng):
    model, x = randomised(vamp_vae(rng), rng), binary_vectors(3)
    other = duplicate(model)
    np.testing.assert_array_equal(other.elbo(x, rng=seeded()).value.data, model.elbo(x, rng=seeded()).value.data)
    before = model.elbo(x, rng=seeded()).value.data
    other.encoder.flat[...] = 0
    np.testing.assert_array_equal(model.elbo(x, rng=seeded()).value.data, before)
    at_zero = other.prior.distribution().components
    np.testing.assert_array_equal([plain(at_zero.base.mean), plain(at_zero.base.log_var)], 0)


def test_weights_are_saved_and_loaded(rng, tmp_path):
    first, second, x = vamp_vae(rng), vamp_vae(rng), binary_vectors(3)
    save_weights(first, tmp_path / "weights.npz")
    load_weights(second, tmp_path / "weights.npz")
    np.testing.assert_array_equal(second.elbo(x, rng=seeded()).value.data, first.elbo(x, rng=seeded()).value.data)


def test_float32_stays_float32(rng):
    for decoder in DECODERS.values():
        model = VAE(gaussian_encoder(3, rng, covariance="full"), decoder(rng), StandardNormal(2))
        x = model.sample(4, rng=rng)
        loss = model.loss(x, rng=rng)
        loss.backward()
        assert loss.dtype == model.flat_grad.dtype == model.encode(x).dtype == model.log_prob(x, 3, rng=rng).value.dtype
        assert loss.dtype == np.float32


# -- collapse


def test_a_latent_number_that_says_nothing_is_found(rng):
    """The variance over images of its mean is 0 where the encoder ignores the image; that of the other is not."""
    model, x = smooth_vae(3, rng), binary_vectors(3)
    model.encoder.head.weight.data[:, 1] = 0
    mean = model.encoder(x).base.mean.data
    np.testing.assert_allclose(unit_activity(model, x), mean.var(axis=0), rtol=1e-13)
    assert unit_activity(model, x)[1] < 1e-30 < COLLAPSED < unit_activity(model, x)[0]


def test_a_large_beta_collapses_the_posterior(rng):
    """β = 20 makes every nat that z could carry cost more than it saves: q(z|x) becomes the prior."""
    x = np.repeat([[0.0, 0, 0, 0], [1, 1, 1, 1]], 50, axis=0)
    model = bernoulli_vae(4, (8,), 2, rng=rng)
    model.beta = 20
    fit(model, Adam(model, 0.02), x, x, rng=rng, epochs=100, batch_size=50, keep_best=False, progress=False)
    assert (unit_activity(model, x) < COLLAPSED).all()
    assert model.elbos(x, rng=rng).prior_fitting.max() < COLLAPSED


# -- what is refused


@pytest.mark.parametrize(
    ("name", "x", "message"),
    [
        ("binary", np.zeros((2, 4)), r"a batch of shape \(n, 3\), got \(2, 4\)"),
        ("binary", np.zeros(3), r"a batch of shape \(n, 3\), got \(3,\)"),
        ("binary", np.empty((0, 3)), r"at least one vector, got shape \(0, 3\)"),
        ("binary", np.full((2, 3), 0.5), r"pixels in {0, 1}, got values from 0.5 to 0.5; binarise them first"),
        ("binary", np.full((2, 3), np.nan), r"finite numbers, got nan in row 0"),
        ("real, one σ²", np.full((2, 3), np.inf), r"finite numbers, got inf in row 0"),
    ],
)
def test_images_that_the_decoder_has_no_density_for_are_refused(name, x, message, rng):
    model = smooth_vae(3, rng, decoder=DECODERS[name](rng))
    for use in (
        model.loss,
        model.elbo,
        lambda x, rng: model.iwae(x, 2, rng=rng),
        lambda x, rng: model.log_prob(x, 2, rng=rng),
    ):
        with pytest.raises(ValueError, match=f"VAE takes .*{message}"):
            use(x, rng=rng)
    if len(x):
        with pytest.raises(ValueError, match=message):
            model.encode(x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: smooth_vae(3, rng, prior=StandardNormal(3)), "z of 2 numbers, but the prior is over 3"),
        (lambda rng: smooth_vae(3, rng, kl="exact"), "kl must be one of closed, sampled, got 'exact'"),
        (lambda rng: smooth_vae(3, rng, gradient="gumbel"), "one of reparameterised, score function, got 'gumbel'"),
        (lambda rng: smooth_vae(3, rng, covariance="banded"), "one of diagonal, full, got 'banded'"),
        (lambda rng: smooth_vae(3, rng, samples=0), "samples must be a whole number of at least 1, got 0"),
        (lambda rng: smooth_vae(3, rng).elbo(binary_vectors(3), 0, rng=rng), "samples must be .*, got 0"),
        (lambda rng: smooth_vae(3, rng).iwae(binary_vectors(3), 0, rng=rng), "k must be a whole number of at least 1"),
        (lambda rng: smooth_vae(3, rng).log_prob(binary_vectors(3), 1, rng=rng), "k must be .* at least 2"),
        (lambda rng: StandardNormal(0), "d, the numbers in z, must be a whole number of at least 1, got 0"),
        (lambda rng: MixturePrior(2, 0, rng=rng), "components must be a whole number of at least 1, got 0"),
        (lambda rng: GaussianEncoder(np.tanh, 3, 0, rng=rng), "d, the numbers in z, must be a whole number"),
        (lambda rng: GaussianDecoder(np.tanh, 3, variance=0), "variance must be positive and finite, got 0"),
        (lambda rng: BernoulliDecoder(np.tanh, 0), "D, the pixels in an image, must be a whole number of at least 1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(make, message, rng):
    with pytest.raises(ValueError, match=message):
        make(rng)


def test_what_has_no_density_says_that_a_vae_needs_one(rng):
    """A Swiss roll for a prior, or an encoder that can only be drawn from: an adversarial auto-encoder takes those."""
    model, x = smooth_vae(3, rng), binary_vectors(3)
    model.prior = SwissRoll()
    with pytest.raises(TypeError, match="SwissRoll can be drawn from but has no density; a VAE needs another prior"):
        model.loss(x, rng=rng)
    for encoder in (DeterministicEncoder(np.tanh, 3, 2, rng=rng), NoisyEncoder(np.tanh, 4, 2, 1, rng=rng)):
        with pytest.raises(TypeError, match="can be drawn from but has no density; a VAE needs GaussianEncoder"):
            VAE(encoder, model.decoder, StandardNormal(2)).loss(x, rng=rng)


def test_an_unknown_gradient_is_refused(rng):
    with pytest.raises(ValueError, match='"reparameterised" or "score function", got \'nonsense\''):
        expectation(np.sum, diagonal_normal(np.zeros(2), np.zeros(2)), 3, gradient="nonsense", rng=rng)
