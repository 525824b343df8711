"""The claim V-7 for annealed importance sampling: against quadrature and the closed form of probabilistic PCA."""

from functools import partial

import numpy as np
import pytest

from autograd import backend
from minigen.analysis import ais, evidence, quadrature
from minigen.analysis.ppca import ProbabilisticPCA
from minigen.divergences import mean_and_error
from minigen.errors import DivergedError
from minigen.vae import bernoulli_vae
from tests.minigen.latent import smooth_vae
from tests.minigen.models import randomised

CELLS = quadrature.grid(8, 120)


@pytest.fixture
def model():
    """A VAE with two latent numbers and large weights: its q(z|x) is far from the posterior. 8 pixels."""
    model = smooth_vae(8, np.random.default_rng(20261123))
    model.flat[...] *= 3
    return model


def check_mean_weight(log_w, log_p):
    """The mean of w/p(x) is 1 within 4 standard errors.  log_w: (repetitions, n), log_p: (n,)."""
    for relative in np.exp(log_w - log_p).T:
        mean, error = mean_and_error(relative)
        assert error < 0.1
        assert abs(mean - 1) < 4 * error


def test_v7_annealing_finds_the_evidence_where_draws_of_q_miss_it(model, rng):
    """V-7: E[w] = p(x) for any number of steps, so E[ln w] < ln p(x), here by less than 0.05 nats from 30 steps and 16
    chains; as many evaluations of the decoder at draws of q(z|x) leave 4 nats and more on average.

    Planted: the weight updated after the move, not before.
    """
    x, steps, chains = model.checked(model.sample(6, rng=rng)), 30, 16
    log_p = evidence.log_evidence(model, x, CELLS)
    for few in (2, 6):
        found = ais.annealed_log_prob(model, np.tile(x, (400, 1)), few, chains, rng=rng)
        check_mean_weight(found.value.reshape(400, 6), log_p)
    found = ais.annealed_log_prob(model, np.tile(x, (50, 1)), steps, chains, rng=rng)
    mean, error = mean_and_error((found.value.reshape(50, 6) - log_p).mean(axis=1))
    assert -0.05 < mean < 4 * error < 0.05
    evaluations = (chains + ais.PILOTS) * steps * (ais.LEAPFROGS + 2)
    assert np.mean(model.log_prob(x, evaluations, rng=rng).value - log_p) < -4


def test_v7_annealing_finds_the_density_of_probabilistic_pca(rng):
    """V-7: E[w] = p(x) with four latent numbers, and after 100 steps the mean estimate is within 0.1 nats of
    ln N(x; μ, W Wᵀ + σ² I); the stated standard error is the spread over 100 repetitions.

    Planted: a walk whose every step keeps the posterior, at all β.
    """
    pca = randomised(ProbabilisticPCA(8, 4, rng=rng), rng, scale=0.7)
    x, model = pca.sample(3, rng=rng), pca.as_vae("diagonal")
    log_p = pca.log_prob(x).data
    found = ais.annealed_log_prob(model, np.tile(x, (100, 1)), 100, 16, rng=rng)
    values = found.value.reshape(100, 3)
    check_mean_weight(values, log_p)
    assert abs(values.mean(axis=0) - log_p).max() < 0.1
    spread = values.std(axis=0, ddof=1)
    np.testing.assert_allclose(found.standard_error.reshape(100, 3).mean(axis=0), spread, rtol=0.3)
    assert ((found.effective_chains > 1) & (found.effective_chains < 16)).all()


def test_v7_a_hamiltonian_step_keeps_its_density(rng):
    """V-7: draws of N(0, diag(1, 4)) keep their variances and fourth moments within 4 standard errors over 4 steps, of
    which between a half and nine tenths are accepted, and they forget where they were.

    Planted: every proposal accepted.
    """
    sigma, n = np.array([1.0, 2.0]), 40_000
    log_f = lambda z: -0.5 * np.sum((z / sigma) ** 2, axis=-1)
    z = first = sigma * rng.standard_normal((n, 1, 2))
    for _ in range(4):
        z, accepted = ais.move(log_f, z, np.array([1.45]), rng=rng)
    assert 0.5 < accepted.mean() < 0.9
    for power, moment, variance in ((2, 1, 2), (4, 3, 96)):
        found = np.mean((z[:, 0] / sigma) ** power, axis=0)
        assert (abs(found - moment) < 4 * np.sqrt(variance / n)).all()
    assert abs(np.mean(z * first / sigma**2)) < 0.3


def test_the_leapfrog_leads_back(model, rng):
    """With the momentum turned round, to rounding; H is kept to the second order of the step size."""
    x = model.checked(model.sample(3, rng=rng))
    z, momentum = rng.standard_normal((2, 5, 3, 2))
    log_f = partial(ais.log_density, model, x, beta=0.7)
    errors = []
    for size in (0.02, 0.01):
        there, turned, first, last = ais.leapfrog(log_f, z, momentum, size)
        errors.append(abs(last - first - 0.5 * np.sum(turned**2 - momentum**2, axis=-1)).max())
        back, again, _, _ = ais.leapfrog(log_f, there, -turned, size)
        np.testing.assert_allclose(back, z, rtol=0, atol=1e-12)
        np.testing.assert_allclose(again, -momentum, rtol=0, atol=1e-12)
    assert errors[1] < errors[0] / 2.5


def test_v7_the_bounds_of_the_models_own_images_enclose_the_truth(model):
    """V-7: E[ln w] ≤ ln p(x) ≤ −E[ln w′], w′ the weight of a chain that walks back from the z of which the image was
    drawn; E[w′] = 1/p(x); and more steps make the gap smaller.

    Planted: the walk back begins at draws of the prior.
    """
    n, gaps = 400, []
    x = model.checked(model.sample(n, rng=5))  # the images that the same seed gives below
    truth = evidence.log_evidence(model, x, CELLS).mean()
    for steps in (2, 8, 64):
        lower, upper, gap = ais.bidirectional_gap(model, n, steps, 4, rng=5)
        assert lower[0] < truth < upper[0]
        assert gap[0] == pytest.approx(upper[0] - lower[0], abs=1e-12)
        assert gap[1] < lower[1]
        gaps.append(gap[0])
    assert gaps[2] < 0.6 * gaps[1] < 0.36 * gaps[0]
    assert gaps[2] < 0.1


def test_the_walk_back_has_the_mean_weight_one_over_p(rng):
    """From draws of the exact posterior: E[w′] p(x) = 1 within 4 standard errors."""
    pca = randomised(ProbabilisticPCA(5, 2, rng=rng), rng, scale=0.5)
    x, model = pca.sample(3, rng=rng), pca.as_vae()
    betas = ais.schedule(10)
    sizes = ais.step_sizes(model, x, betas, rng=rng)
    z = pca.posterior(x).sample((2000,), rng=rng)
    log_w = ais.walk(model, x, z, betas[::-1], sizes[::-1], rng=rng)
    check_mean_weight(log_w, -pca.log_prob(x).data)


def test_step_sizes_are_those_of_the_wanted_acceptance(model, rng):
    """Within 0.15 on average over the second half of the walk."""
    x, betas = model.checked(model.sample(5, rng=rng)), ais.schedule(60)
    sizes = ais.step_sizes(model, x, betas, rng=rng)
    assert sizes.shape == (61, 5)
    z, rates = ais._start(model, x, 100, rng), []
    for beta, size in zip(betas.tolist(), sizes, strict=True):
        z, accepted = ais.move(partial(ais.log_density, model, x, beta=beta), z, size, rng=rng)
        rates.append(accepted.mean())
    assert abs(np.mean(rates[30:]) - ais.ACCEPTANCE) < 0.15


def test_what_cannot_be_estimated(model, rng):
    """An image of probability 0 has −∞, weights that are nan are named, and so are too few steps and chains."""
    x = model.checked(model.sample(2, rng=rng))
    with pytest.raises(ValueError, match="steps must be a whole number of at least 1, got 0"):
        ais.annealed_log_prob(model, x, 0)
    with pytest.raises(ValueError, match="chains must be a whole number of at least 2, got 1"):
        ais.bidirectional_gap(model, 3, 5, 1)
    with pytest.raises(ValueError, match=r"pixels in {0, 1}"):
        ais.annealed_log_prob(model, x + 0.5)
    model.decoder.body.layers[-1].bias.data[0] = -np.inf
    x = np.array([[1.0, *[0] * 7], [0.0] * 8])
    value, error, effective = ais.annealed_log_prob(model, x, 5, rng=rng)
    assert (value[0], error[0], effective[0]) == (-np.inf, np.inf, 0)
    assert np.isfinite([value[1], error[1], effective[1]]).all()
    model.flat[...] = np.nan
    with pytest.raises(DivergedError, match="ln p"):
        ais.annealed_log_prob(model, x, 5, rng=rng)


def test_it_runs_where_the_model_is_and_in_its_dtype(library, monkeypatch):
    """E-6: on a device too; the chains stay in float32, the results are host arrays."""
    model = bernoulli_vae(6, (4,), 3, rng=0)
    seen = set()
    density = ais.log_density
    monkeypatch.setattr(ais, "log_density", lambda m, x, z, beta: seen.add(z.dtype) or density(m, x, z, beta))
    found = ais.annealed_log_prob(model, model.sample(2, rng=0), 10, 4, rng=0)
    assert all(backend.on_host(values) and values.shape == (2,) for values in found)
    assert seen == {np.dtype(np.float32)}
    assert np.isfinite(ais.bidirectional_gap(model, 3, 10, 4, rng=0)).all()
