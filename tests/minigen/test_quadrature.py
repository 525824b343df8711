"""The rules by which the claims about z are held: what they integrate exactly, and that blocks do not matter."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, log_expit
from scipy.stats import multivariate_normal, norm

from minigen import quadrature
from minigen.distributions import MultivariateNormal, diagonal_normal
from minigen.priors import MixturePrior
from tests.minigen.enumeration import binary_vectors
from tests.minigen.latent import smooth_vae


def integral(f, rule):
    return np.exp(rule.log_weights) @ f(rule.nodes)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_grid_integrates_gaussians_and_their_moments(d, rng):
    """To rounding: a density to 1, its mean and its covariance; the cells fill the cube and lie about its middle."""
    A = 0.3 * rng.standard_normal((d, d))
    mean, covariance = rng.standard_normal(d), A @ A.T + 0.5 * np.eye(d)
    rule = quadrature.grid(12, 50, d)
    assert (rule.nodes.shape, rule.log_weights.shape) == ((50**d, d), (50**d,))
    assert np.exp(rule.log_weights).sum() == pytest.approx(24**d, rel=1e-12)
    np.testing.assert_allclose(rule.nodes.mean(axis=0), 0, atol=1e-12)
    mass = np.exp(rule.log_weights) * multivariate_normal(mean, covariance).pdf(rule.nodes)
    assert mass.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(mass @ rule.nodes, mean, atol=1e-12)
    np.testing.assert_allclose((rule.nodes - mean).T @ (mass[:, None] * (rule.nodes - mean)), covariance, atol=1e-12)


def moment(degree):
    """E[uᵈ] under N(0, 1): (d − 1)!! = 1 · 3 · 5 ⋯ for an even degree, 0 for an odd one."""
    return math.prod(range(1, degree, 2)) * (degree % 2 == 0)


def test_gauss_hermite_is_exact_for_polynomials_below_twice_its_points():
    """Every monomial u₁ᵃ u₂ᵇ with a, b < 10 from 5 points; u¹⁰ is beyond them."""
    rule = quadrature.gauss_hermite(5)
    assert rule.nodes.shape == (25, 2)
    for a in range(10):
        for b in range(10):
            got = integral(lambda u, a=a, b=b: u[:, 0] ** a * u[:, 1] ** b, rule)
            assert got == pytest.approx(moment(a) * moment(b), rel=1e-12, abs=1e-8)
    beyond = integral(lambda u: u[:, 0] ** 10, rule)
    assert beyond == pytest.approx(moment(10) - math.factorial(5), rel=1e-12)


def test_a_grid_under_a_normal_density_gives_expectations():
    """E[cos u] = e^−½ and every even moment, which no density beside the nodes has to be written for."""
    rule = quadrature.under_normal(quadrature.grid(10, 100, 1))
    assert np.exp(rule.log_weights).sum() == pytest.approx(1, abs=1e-14)
    assert integral(lambda u: np.cos(u[:, 0]), rule) == pytest.approx(np.exp(-0.5), abs=1e-14)
    for degree in range(9):
        assert integral(lambda u, n=degree: u[:, 0] ** n, rule) == pytest.approx(moment(degree), rel=1e-12, abs=1e-12)


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
        z = quadrature.spread(q, rule.nodes)
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
    assert quadrature.log_evidence(model, x, cells).item() == pytest.approx(log_p, abs=1e-10)
    elbo = quadrature.elbo(model, x, quadrature.under_normal(cells))
    assert elbo.item() == pytest.approx(reconstruction - prior_fitting, abs=1e-10)
    assert quadrature.elbo(model, x, quadrature.gauss_hermite(100, d=1)).item() == pytest.approx(elbo.item(), abs=1e-7)
    assert quadrature.kl_to_posterior(model, x, cells, cells).item() == pytest.approx(from_posterior, abs=1e-10)


def test_blocks_of_nodes_do_not_matter(rng, monkeypatch):
    model, x, cells = smooth_vae(3, rng), binary_vectors(3)[:3], quadrature.grid(6, 12)
    normal = quadrature.under_normal(cells)
    compute = lambda: [
        quadrature.log_evidence(model, x, cells),
        quadrature.elbo(model, x, normal),
        quadrature.kl_to_posterior(model, x, cells, cells),
    ]
    whole = compute()
    monkeypatch.setattr(quadrature, "BLOCK", 7)
    np.testing.assert_allclose(compute(), whole, rtol=1e-12)


def test_what_is_integrated_is_not_recorded(rng):
    """Arrays come out, and images that have no density are refused."""
    model, cells = smooth_vae(3, rng), quadrature.grid(6, 12)
    assert isinstance(quadrature.log_evidence(model, binary_vectors(3), cells), np.ndarray)
    with pytest.raises(ValueError, match=r"pixels in {0, 1}"):
        quadrature.log_evidence(model, expit(rng.standard_normal((2, 3))), cells)


def test_the_elbo_under_a_mixture_prior_has_its_kl_under_the_integral(rng):
    """Two equal components of N(0, I) are N(0, I)."""
    model, x = smooth_vae(3, rng), binary_vectors(3)
    expected = quadrature.elbo(model, x, quadrature.under_normal(quadrature.grid(9, 120)))
    model.prior = MixturePrior(2, 2, rng)
    model.prior.mean.data[...] = 0
    model.astype(np.float64)
    found = quadrature.elbo(model, x, quadrature.under_normal(quadrature.grid(9, 120)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
