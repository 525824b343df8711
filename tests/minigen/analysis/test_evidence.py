"""The three integrals over z that close the books of a VAE, against SciPy's quadrature; blocks do not matter."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, log_expit
from scipy.stats import norm

from minigen.analysis import evidence, quadrature
from minigen.distributions import MultivariateNormal, diagonal_normal
from minigen.priors import MixturePrior
from tests.minigen.enumeration import binary_vectors
from tests.minigen.latent import smooth_vae


def test_nodes_are_spread_over_q(rng):
    """μ + L u has q's mean and covariance for each image: diagonal, full, and full with one L for all."""
    mean, log_var = rng.standard_normal((2, 3, 2))
    L = np.tril(rng.standard_normal((3, 2, 2)))
    rule = quadrature.gauss_hermite(3)
    w = np.exp(rule.log_weights)
    diagonal = np.exp(log_var)[..., None] * np.eye(2)
    for q, covariance in (
        (diagonal_normal(mean, log_var), diagonal),
        (MultivariateNormal(mean, L), L @ L.swapaxes(1, 2)),
    ):
        z = evidence.spread(q, rule.nodes)
        assert z.shape == (9, 3, 2)
        np.testing.assert_allclose(np.einsum("n,nbi->bi", w, z), mean, atol=1e-12)
        found = np.einsum("n,nbi,nbj->bij", w, z - mean, z - mean)
        np.testing.assert_allclose(found, covariance, atol=1e-12)


def test_a_z_of_one_number_against_scipys_adaptive_quadrature(rng):
    """ln p(x), the ELBO and KL(q ‖ p(z|x)) of one image, each an integral over the line by SciPy."""
    model, x = smooth_vae(3, rng, d=1), binary_vectors(3)[[5]]
    hidden, output = model.decoder.body.layers[::2]
    q = model.posterior(x).base
    mean, sigma = q.mean.data.item(), np.exp(q.log_var.data.item() / 2)

    def log_likelihood(z):
        logits = np.tanh(z * hidden.weight.data[0] + hidden.bias.data) @ output.weight.data + output.bias.data
        return log_expit(np.where(x[0] == 1, logits, -logits)).sum()

    over_line = lambda f: quad(f, -12, 12, points=[mean], epsabs=1e-12, epsrel=1e-12, limit=200)[0]
    density = norm(mean, sigma)
    log_p = np.log(over_line(lambda z: np.exp(log_likelihood(z)) * norm.pdf(z)))
    reconstruction = over_line(lambda z: density.pdf(z) * log_likelihood(z))
    prior_fitting = over_line(lambda z: density.pdf(z) * (density.logpdf(z) - norm.logpdf(z)))
    from_posterior = over_line(
        lambda z: density.pdf(z) * (density.logpdf(z) - log_likelihood(z) - norm.logpdf(z) + log_p)
    )
    cells = quadrature.grid(10, 200, d=1)
    assert evidence.log_evidence(model, x, cells).item() == pytest.approx(log_p, abs=1e-10)
    elbo = evidence.elbo(model, x, quadrature.under_normal(cells))
    assert elbo.item() == pytest.approx(reconstruction - prior_fitting, abs=1e-10)
    assert evidence.elbo(model, x, quadrature.gauss_hermite(100, d=1)).item() == pytest.approx(elbo.item(), abs=1e-7)
    assert evidence.kl_to_posterior(model, x, cells, cells).item() == pytest.approx(from_posterior, abs=1e-10)


def test_blocks_of_nodes_do_not_matter(rng, monkeypatch):
    model, x, cells = smooth_vae(3, rng), binary_vectors(3)[:3], quadrature.grid(6, 12)
    normal = quadrature.under_normal(cells)
    compute = lambda: [
        evidence.log_evidence(model, x, cells),
        evidence.elbo(model, x, normal),
        evidence.kl_to_posterior(model, x, cells, cells),
    ]
    whole = compute()
    monkeypatch.setattr(evidence, "BLOCK", 7)
    np.testing.assert_allclose(compute(), whole, rtol=1e-12)


def test_what_is_integrated_is_not_recorded(rng):
    """Arrays come out, and images that have no density are refused."""
    model, cells = smooth_vae(3, rng), quadrature.grid(6, 12)
    assert isinstance(evidence.log_evidence(model, binary_vectors(3), cells), np.ndarray)
    with pytest.raises(ValueError, match=r"pixels in {0, 1}"):
        evidence.log_evidence(model, expit(rng.standard_normal((2, 3))), cells)


def test_the_elbo_under_a_mixture_prior_has_its_kl_under_the_integral(rng):
    """Two equal components of N(0, I) are N(0, I)."""
    model, x = smooth_vae(3, rng), binary_vectors(3)
    expected = evidence.elbo(model, x, quadrature.under_normal(quadrature.grid(9, 120)))
    model.prior = MixturePrior(2, 2, rng=rng)
    model.prior.mean.data[...] = 0
    model.astype(np.float64)
    found = evidence.elbo(model, x, quadrature.under_normal(quadrature.grid(9, 120)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
