"""Completion and likelihood of models whose p(x) is an integral over z: against sums and integrals over all z."""

import numpy as np
import pytest

from minigen.aae import AAE, SemiSupervisedAAE, StyleEncoder, discriminator_network
from minigen.analysis.latent import complete_aae, complete_vae, log_prob_aae
from minigen.analysis.ppca import ProbabilisticPCA
from minigen.analysis.quadrature import grid
from minigen.decoders import BernoulliDecoder
from minigen.distributions import bernoulli_log_prob
from minigen.encoders import DeterministicEncoder
from minigen.errors import DivergedError
from minigen.nn.layers import mlp
from minigen.priors import StandardNormal
from minigen.vae import VAE
from tests.minigen.enumeration import binary_vectors, chi_square, index_of
from tests.minigen.latent import choice_vae, smooth_vae
from tests.minigen.models import randomised

D, SEEN, SHOWN = 5, np.array([True, False, True, False, False]), np.array([1.0, 0, 0, 1, 0])
"""The pixels that are seen, and the image of which they are."""


def given_seen(p):
    """p(x | seen) of every image, from a table p(x): (2ᴰ,)."""
    fits = (binary_vectors(D)[:, SEEN] == SHOWN[SEEN]).all(axis=1)
    return p * fits / (p @ fits)


def all_is_as_expected(images, means, p):
    """Draws whose law is p, (2ᴰ,), at p = 0.0001, and means that are E[x] within 4.5 standard errors."""
    n, expected = len(images), p @ binary_vectors(D)
    counts = np.bincount(index_of(images), minlength=2**D)
    assert counts[p == 0].sum() == 0
    assert chi_square(counts, n * p) < 29.9  # 7 degrees of freedom
    assert (abs(means.mean(axis=0) - expected) < 4.5 * np.sqrt(expected * (1 - expected) / n) + 1e-12).all()


def test_u1_the_chain_arrives_at_the_posterior_of_all_z(rng):
    """U-1: z is one of 3, so p(x) is a sum. q(z|x) is random, far from the posterior, and the chain corrects it.

    Planted: proposals that are always accepted (pseudo-Gibbs); weights without q(z|x).
    """
    model = choice_vae(D, 3, rng)
    x, z = binary_vectors(D), np.arange(3)
    joint = np.exp(model.log_joint(x, np.tile(z[:, None], 2**D)).data)  # (3, 2ᴰ)
    images, means, accepted = complete_vae(model, np.tile(SHOWN, (4000, 1)), SEEN, 40, rng=rng)
    all_is_as_expected(images, means, given_seen(joint.sum(axis=0)))
    assert ((accepted > 0) & (accepted < 1)).all()


def test_the_chain_in_the_plane_of_z(rng):
    """The same, where z is in the plane."""
    model, rule = smooth_vae(D, rng, covariance="full"), grid(5, 61)
    x = binary_vectors(D)
    log_joint = model.log_joint(x, rule.nodes[:, None]).data
    p = np.exp(log_joint + rule.log_weights[:, None]).sum(axis=0)
    assert p.sum() == pytest.approx(1, abs=1e-5)
    images, means, _ = complete_vae(model, np.tile(SHOWN, (3000, 1)), SEEN, 20, rng=rng)
    all_is_as_expected(images, means, given_seen(p))


def test_real_pixels_are_completed_too(rng):
    """Of probabilistic PCA, x ~ N(0, C), C = W Wᵀ + σ² I: E[x₂ | x₁] = C₁₂/C₁₁ x₁."""
    pca = ProbabilisticPCA(2, 1, rng=rng).astype(float)
    pca.W.data[...], pca.log_var.data[...] = [[1.0], [2.0]], np.log(0.25)
    x = np.tile([1.5, 0.0], (2000, 1))
    images, means, _ = complete_vae(pca.as_vae(), x, np.array([True, False]), 60, rng=rng)
    np.testing.assert_array_equal(images[:, 0], 1.5)
    expected, variance = 2 / 1.25 * 1.5, 4.25 - 2**2 / 1.25
    assert images[:, 1].mean() == pytest.approx(expected, abs=4.5 * np.sqrt(variance / 2000))
    assert means[:, 1].mean() == pytest.approx(expected, abs=4.5 * np.sqrt(variance / 2000))
    assert images[:, 1].var() == pytest.approx(variance, rel=4.5 * np.sqrt(2 / 2000))


def aae(rng):
    decoder = BernoulliDecoder(mlp((1, 5, D), np.tanh, rng=rng), D)
    encoder = DeterministicEncoder(mlp((D, 4), np.tanh, rng=rng), 4, 1, rng=rng)
    return randomised(AAE(encoder, decoder, StandardNormal(1), discriminator_network(1, (3,), rng=rng)), rng)


def semi_supervised(rng):
    decoder = BernoulliDecoder(mlp((4, 5, D), np.tanh, rng=rng), D)
    encoder = StyleEncoder(mlp((D, 4), np.tanh, rng=rng), 4, 3, 1, rng=rng)
    networks = discriminator_network(3, (3,), rng=rng), discriminator_network(1, (3,), rng=rng)
    return randomised(SemiSupervisedAAE(encoder, decoder, StandardNormal(1), *networks), rng)


def exact(model):
    """p(x) of every image, by a sum over the classes, if there are any, and an integral over the one number z."""
    z = np.linspace(-7, 7, 701)[:, None]
    weight = np.exp(-(z[:, 0] ** 2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    classes = getattr(model, "classes", 0)
    codes = [np.hstack([np.tile(y, (len(z), 1)), z]) for y in np.eye(classes)] if classes else [z]
    x = binary_vectors(D)
    each = [np.exp(bernoulli_log_prob(x, model.autoencoder.decoder.body(c)[:, None]).data.sum(axis=2)) for c in codes]
    return weight @ np.mean(each, axis=0)


@pytest.mark.parametrize("make", [aae, semi_supervised])
def test_u1_draws_of_the_prior_are_weighed_by_what_is_seen(make, rng):
    """U-1 for an adversarial auto-encoder: ln p(x) of every image, and p(unseen | seen).

    Planted: codes with equal weights; a likelihood of the unseen pixels, too.
    """
    model = make(rng)
    p = exact(model)
    assert p.sum() == pytest.approx(1, abs=1e-9)
    found = log_prob_aae(model, binary_vectors(D), 4000, rng=rng)
    assert (abs(found.value - np.log(p)) < 4.5 * found.standard_error).all()
    assert (found.standard_error < 0.1).all()
    images, means, effective = complete_aae(model, np.tile(SHOWN, (1000, 1)), SEEN, 4000, rng=rng)
    all_is_as_expected(images, means, given_seen(p))
    assert ((effective > 100) & (effective < 4000)).all()


def test_many_images_are_taken_in_blocks_and_keep_their_order(rng):
    model = aae(rng)
    x = np.tile(binary_vectors(D), (5, 1))  # 160 images, blocks of 100
    found = log_prob_aae(model, x, 200, rng=0).value
    np.testing.assert_allclose(found[:32], log_prob_aae(model, x[:32], 200, rng=0).value, rtol=1e-12)
    np.testing.assert_allclose(found[128:], found[:32], rtol=1e-12)
    np.testing.assert_array_equal(complete_aae(model, x, SEEN, 200, rng=0)[0][:, SEEN], x[:, SEEN])


def test_what_cannot_be_completed_is_refused(rng):
    small, other = smooth_vae(D, rng), aae(rng)
    for complete, model in ((complete_vae, small), (complete_aae, other)):
        with pytest.raises(ValueError, match=r"boolean mask \(5,\)"):
            complete(model, SHOWN[None], np.ones(D), rng=rng)
        with pytest.raises(ValueError, match="got values from 0 to 2"):
            complete(model, 2 * SHOWN[None], SEEN, rng=rng)
        with pytest.raises(ValueError, match="must be a whole number"):
            complete(model, SHOWN[None], SEEN, 0, rng=rng)
    other.flat[...] = np.nan
    with pytest.raises(DivergedError, match="is nan for 1 of 1 images"):
        log_prob_aae(other, SHOWN[None], 10, rng=rng)
    with pytest.raises(DivergedError, match="is nan for 1 of 1 images"):
        complete_aae(other, SHOWN[None], SEEN, 10, rng=rng)
    assert isinstance(small, VAE)
