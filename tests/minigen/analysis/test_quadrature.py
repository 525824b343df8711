"""The rules of quadrature: what they integrate exactly."""

import math

import numpy as np
import pytest
from scipy.stats import entropy, multivariate_normal

from minigen.analysis import quadrature
from minigen.distributions import diagonal_normal
from minigen.divergences import kl_divergence


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


def test_masses_make_a_density_on_the_line_a_table(rng):
    """They sum to 1, and the divergences of two tables are those of the densities: KL of normals by its formula."""
    mean, log_var = rng.standard_normal((2, 2))
    p, q = (diagonal_normal(mean[[i]], log_var[[i]]) for i in range(2))
    rule = quadrature.grid(12, 400, 1)
    tables = [quadrature.masses(d.log_prob, rule) for d in (p, q)]
    assert tables[0].shape == (400,)
    np.testing.assert_allclose([t.sum() for t in tables], 1, atol=1e-12)
    assert kl_divergence(*tables) == pytest.approx(p.kl_divergence(q), abs=1e-12)
    assert kl_divergence(*tables) == pytest.approx(entropy(*tables), abs=1e-12)
