"""The claim V-5: the VAE whose layers are linear is probabilistic PCA, and every term of it can be solved for."""

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from scipy.stats import multivariate_normal

from autograd import grad
from minigen.analysis import evidence, quadrature
from minigen.analysis.ppca import ProbabilisticPCA, linear_vae
from minigen.model import log_probs
from minigen.training.optim import lbfgs
from minigen.vae import COLLAPSED, unit_activity
from tests.minigen.latent import Signs
from tests.minigen.models import randomised

D, d = 5, 2
VARIANCES = np.array([4.0, 2.0, 1.0, 0.3, 0.2])  # of the data along their axes


def random_pca(rng):
    return randomised(ProbabilisticPCA(D, d, rng=rng), rng)


def covariance_of(model):
    W = model.W.data
    return W @ W.T + np.exp(model.log_var.data) * np.eye(model.D)


@pytest.fixture
def data(rng):
    """60 vectors whose covariance has exactly the eigenvalues VARIANCES, along axes that are turned."""
    white = np.linalg.qr(np.column_stack([np.ones(60), rng.standard_normal((60, D))]))[0][:, 1:] * np.sqrt(60)
    axes = np.linalg.qr(rng.standard_normal((D, D)))[0]
    return white * np.sqrt(VARIANCES) @ axes.T + rng.standard_normal(D), axes


def test_v5_its_density_is_scipys(rng):
    """V-5: x ~ N(μ, W Wᵀ + σ² I), from d×d matrices alone, and p(z|x) as Bayes' rule for the joint normal gives it.

    Planted: ln σ² counted for all D directions of ln|C|, not the D − d that W leaves.
    """
    model, x = random_pca(rng), rng.standard_normal((7, D))
    C, W = covariance_of(model), model.W.data
    expected = multivariate_normal(model.mean.data, C).logpdf(x)
    np.testing.assert_allclose(model.log_prob(x).data, expected, rtol=1e-12)
    posterior, gain = model.posterior(x), W.T @ np.linalg.inv(C)
    np.testing.assert_allclose(posterior.mean, (x - model.mean.data) @ gain.T, atol=1e-12)
    L = posterior.scale_tril
    np.testing.assert_allclose(L @ L.T, np.eye(d) - gain @ W, atol=1e-12)


def test_v5_with_the_exact_posterior_every_weight_is_the_evidence(rng):
    """V-5: where q(z|x) = p(z|x), p(x, z)/q(z|x) is p(x) whatever z is: ELBO = ln p(x) from a single draw.

    Planted: the encoder's bias without the mean of the data.
    """
    model, x = random_pca(rng), rng.standard_normal((7, D))
    vae, log_p = model.as_vae(), model.log_prob(x).data
    assert vae.flat.dtype == np.float64
    log_w = vae.log_weights(x, 20, rng=rng).data
    np.testing.assert_allclose(log_w, np.broadcast_to(log_p, (20, 7)), rtol=0, atol=1e-10)
    value, error = vae.log_prob(x, 2, rng=rng)
    np.testing.assert_allclose(value, log_p, rtol=0, atol=1e-10)
    np.testing.assert_allclose(error, 0, atol=1e-10)
    np.testing.assert_allclose(evidence.elbo(vae, x, quadrature.gauss_hermite(2)), log_p, rtol=0, atol=1e-10)
    vae.kl, vae.samples = "sampled", 1
    np.testing.assert_allclose(vae.elbo(x, rng=rng).value.data, log_p, rtol=0, atol=1e-10)


def test_v5_the_encoder_has_the_whole_posterior_of_four_latent_numbers(rng):
    """V-5: mean and covariance of q(z|x) are those of p(z|x); of four numbers the entries of L below the diagonal come
    row by row, and up to three numbers would not show in which order.

    Planted: an encoder that reads these entries column by column.
    """
    model, x = randomised(ProbabilisticPCA(D, 4, rng=rng), rng), rng.standard_normal((4, D))
    q, p = model.as_vae().posterior(x), model.posterior(x)
    np.testing.assert_allclose(q.mean.data, p.mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(q.scale_tril.data, np.tile(p.scale_tril, (4, 1, 1)), rtol=1e-9, atol=1e-12)


def test_v5_the_gap_of_the_best_diagonal_posterior(rng):
    """V-5: ln p(x) − ELBO = KL(q ‖ p(z|x)) = ½ [Σⱼ ln Mⱼⱼ − ln|M|], M = Wᵀ W + σ² I, for every x; and no diagonal q is
    better: its gradient is 0 there.

    Planted: the variances of p(z|x) for each number alone, the diagonal of σ² M⁻¹, which are not the best: too wide.
    """
    model, x = random_pca(rng), rng.standard_normal((4, D))
    vae, M = model.as_vae("diagonal"), model.M.data
    gap = 0.5 * (np.log(np.diagonal(M)).sum() - np.linalg.slogdet(M)[1])
    assert gap > 0.01
    elbo = evidence.elbo(vae, x, quadrature.gauss_hermite(2))
    np.testing.assert_allclose(model.log_prob(x).data - elbo, gap, rtol=0, atol=1e-10)
    cells, wide = quadrature.grid(9, 120), quadrature.grid(14, 600)
    np.testing.assert_allclose(evidence.kl_to_posterior(vae, x, cells, wide), gap, rtol=0, atol=1e-10)
    vae.samples = 2**d
    np.testing.assert_allclose(vae.elbo(x, rng=Signs(d)).value.data, elbo, rtol=0, atol=1e-10)
    for gradient in grad(vae.loss(x, rng=Signs(d)), list(vae.encoder.parameters().values())):
        np.testing.assert_allclose(gradient.data, 0, atol=1e-10)


def test_v5_the_closed_form_is_the_maximum_of_the_likelihood(data, rng):
    """V-5: the gradient is 0 there, σ² is the mean of the discarded eigenvalues, the covariance along the kept axes is
    that of the data, and of 50 other parameters nearby none does better.

    Planted: σ² as the discarded variance over all D directions.
    """
    x, axes = data
    model = ProbabilisticPCA(D, d, rng=rng).astype(np.float64).fit(x)
    assert np.exp(model.log_var.data) == pytest.approx(VARIANCES[d:].mean(), rel=1e-12)
    np.testing.assert_allclose(model.mean.data, x.mean(axis=0), rtol=1e-12)
    kept = axes[:, :d].T @ covariance_of(model) @ axes[:, :d]
    np.testing.assert_allclose(kept, np.diag(VARIANCES[:d]), atol=1e-12)
    best = model.nll(x)
    for gradient in grad(best, [model.W, model.mean, model.log_var]):
        np.testing.assert_allclose(gradient.data, 0, atol=1e-12)
    here = model.flat.copy()
    for _ in range(50):
        model.flat[...] = here + 0.1 * rng.standard_normal(len(here))
        assert model.nll(x).item() > best.item()


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_v5_training_on_the_elbo_finds_the_principal_components(covariance, data, rng):
    """V-5: from a random start, on the exact ELBO (ε = ±1 have the moments that its squares need): the subspace, σ² =
    the mean discarded eigenvalue, and −ELBO = the least possible −ln p. A diagonal q costs nothing at the end: W's
    columns become orthogonal, and then the posterior is diagonal.

    Planted: the prior fitting as a mean over the numbers of z, not their sum.
    """
    x, axes = data
    vae = randomised(linear_vae(D, d, covariance, rng=rng), rng, scale=0.5)
    vae.samples = 2**d
    loss = lbfgs(vae, lambda: vae.loss(x, rng=Signs(d)), tolerance=1e-7)
    W = vae.decoder.body.weight.data.T
    assert loss == pytest.approx(ProbabilisticPCA(D, d, rng=rng).astype(np.float64).fit(x).nll(x).item(), abs=1e-10)
    assert np.exp(vae.decoder.log_var.data).item() == pytest.approx(VARIANCES[d:].mean(), rel=1e-6)
    assert subspace_angles(W, axes[:, :d]).max() < 1e-5
    np.testing.assert_allclose(vae.decoder.body.bias.data, x.mean(axis=0), atol=1e-5)
    if covariance == "diagonal":
        assert abs(W.T @ W)[0, 1] < 1e-5


def test_v5_little_noise_is_fitted_and_none_is_refused(data, rng):
    """V-5: σ² is the mean of the discarded eigenvalues down to 1e-8 of the largest; data in a plane have none.

    Planted: a bound of a thousandth, below which noise counts as none.
    """
    x, axes = data
    turned = x @ axes * [1, 1, 1e-4, 1e-4, 1e-4]
    model = ProbabilisticPCA(D, d, rng=rng).fit(turned)
    assert np.exp(model.log_var.item()) == pytest.approx(1e-8 * VARIANCES[d:].mean(), rel=1e-6)
    with pytest.raises(ValueError, match="these data lie in 2 dimensions or fewer"):
        model.fit(turned[:, :d] @ rng.standard_normal((d, D)) + 1)


def test_v5_components_with_no_more_variance_than_the_noise_collapse(data, rng):
    """V-5: σ² is fixed between the second and the third eigenvalue, z has three numbers: two are used, with activity
    1 − σ²/λ, and the third is the prior whatever x is.

    Planted: the activity as a standard deviation.
    """
    x, _ = data
    variance = 1.5
    vae = randomised(linear_vae(D, 3, rng=rng), rng, scale=0.5)
    vae.decoder.log_var = np.full(1, np.log(variance))
    vae.samples = 2**3
    lbfgs(vae, lambda: vae.loss(x, rng=Signs(3)), tolerance=1e-7)
    activity = np.sort(unit_activity(vae, x))
    assert activity[0] < 1e-8 < COLLAPSED
    np.testing.assert_allclose(activity[1:], 1 - variance / VARIANCES[[1, 0]], atol=1e-6)
    assert vae.elbo(x, rng=Signs(3)).prior_fitting.data.mean() == pytest.approx(
        0.5 * np.log(VARIANCES[:2] / variance).sum(), abs=1e-6
    )


def test_samples_have_the_covariance(rng):
    """Within 5 standard errors at 40,000 draws."""
    model, n = random_pca(rng), 40_000
    x, C = model.sample(n, rng=rng), covariance_of(model)
    assert (abs(x.mean(axis=0) - model.mean.data) < 5 * np.sqrt(np.diag(C) / n)).all()
    errors = np.sqrt((C**2 + np.outer(np.diag(C), np.diag(C))) / n)
    assert (abs(np.cov(x.T) - C) < 5 * errors).all()
    assert ProbabilisticPCA(D, d, rng=rng).sample(3, rng=rng).dtype == np.float32


def test_it_is_an_explicit_model_and_refuses_what_it_cannot_fit(data, rng):
    x, _ = data
    model = ProbabilisticPCA(D, d, rng=rng).fit(x)
    assert model.num_parameters == D * d + D + 1
    np.testing.assert_allclose(log_probs(model, x), model.log_prob(x).data, rtol=1e-5)
    with pytest.raises(ValueError, match="d must be below D, got d = 5 for D = 5"):
        ProbabilisticPCA(D, 5, rng=rng)
    with pytest.raises(ValueError, match=r"a batch of shape \(n, 5\), got \(1, 4\)"):
        model.log_prob(np.zeros((1, 4)))
    with pytest.raises(ValueError, match="these data lie in 2 dimensions or fewer: there is no noise left to fit"):
        model.fit(np.zeros((10, D)))
