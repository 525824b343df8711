"""Each prior draws from the density that it has, and from the part that belongs to a label."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chi2, kstest

from autograd import grad
from minigen.analysis.quadrature import grid
from minigen.encoders import GaussianEncoder
from minigen.nn.arrays import plain
from minigen.nn.layers import mlp
from minigen.priors import Flower, MixturePrior, Prior, StandardNormal, SwissRoll, VampPrior
from tests.minigen.enumeration import chi_square

REACH, CELLS, FINE = 8.0, 16, 20
"""The plane from −8 to 8 in 16 × 16 cells, each with 20 × 20 midpoints."""


def random_mixture(rng):
    prior = MixturePrior(2, 3, rng=rng).astype(np.float64)
    prior.flat[...] = 0.5 * rng.standard_normal(prior.num_parameters)
    return prior


def random_vamp(rng):
    """Three learned images of four pixels, each with a q(z|u) of its own."""
    encoder = GaussianEncoder(mlp((4, 5), np.tanh, last=np.tanh, rng=rng), 5, 2, rng=rng).astype(np.float64)
    encoder.flat[...] *= 0.7
    return VampPrior(encoder, 4, 3, rng=rng).astype(np.float64)


WITH_DENSITY = {
    "standard normal": lambda rng: StandardNormal(2),
    "mixture": random_mixture,
    "VampPrior": random_vamp,
    "flower": lambda rng: Flower(),
    "flower of three": lambda rng: Flower(3, distance=1.5, length=0.8, width=0.3),
}


def cell_probabilities(prior):
    """What each cell of the plane has of the density: (CELLS, CELLS)."""
    rule = grid(REACH, CELLS * FINE)
    p = np.exp(plain(prior.distribution().log_prob(rule.nodes)) + rule.log_weights)
    return p.reshape(CELLS, FINE, CELLS, FINE).sum(axis=(1, 3))


def counts(z):
    """How many of the draws fall into each cell."""
    edges = np.linspace(-REACH, REACH, CELLS + 1)
    return np.histogram2d(*z.T, bins=[edges, edges])[0]


SAMPLES = 20_000
CRITICAL = chi2.ppf(0.999, df=CELLS**2 - 1)


@pytest.mark.parametrize("name", WITH_DENSITY)
def test_the_density_sums_to_one_and_the_draws_have_it(name, rng):
    """By quadrature, and by χ² over cells; draws that are a fifth too wide would not pass."""
    prior = WITH_DENSITY[name](rng)
    p = cell_probabilities(prior)
    assert p.sum() == pytest.approx(1, abs=1e-6)
    z = prior.sample(SAMPLES, rng=rng)
    assert z.shape == (SAMPLES, prior.d)
    assert chi_square(counts(z), SAMPLES * p) < CRITICAL
    assert chi_square(counts(1.2 * z), SAMPLES * p) > 2 * CRITICAL


def test_a_petal_is_where_its_label_says(rng):
    """Petal c lies at the angle 2πc/10, long outwards and narrow across: mean and covariance within 4 s.e."""
    prior, n = Flower(distance=2.0, length=0.5, width=0.15), 4000
    for c in range(10):
        z = prior.sample_given(np.full(n, c), rng=rng)
        turn = 2 * np.pi * c / 10
        outwards, across = z @ [np.cos(turn), np.sin(turn)], z @ [-np.sin(turn), np.cos(turn)]
        for values, mean, sigma in ((outwards, 2.0, 0.5), (across, 0.0, 0.15)):
            assert abs(values.mean() - mean) < 4 * sigma / np.sqrt(n)
            assert abs(values.var() / sigma**2 - 1) < 4 * np.sqrt(2 / n)
        assert abs(np.corrcoef(outwards, across)[0, 1]) < 4 / np.sqrt(n)


def test_the_petals_together_are_the_flower(rng):
    """Labels that are uniform give draws of the whole prior, and Bayes' rule finds a petal's label again."""
    prior, labels = Flower(), rng.integers(10, size=SAMPLES)
    z = prior.sample_given(labels, rng=rng)
    assert chi_square(counts(z), SAMPLES * cell_probabilities(prior)) < CRITICAL
    assert np.mean(prior.distribution().posterior(z).argmax(axis=1) == labels) > 0.98


def along_the_arm(z, turns, radius):
    """Which fraction of its length lies between the centre and each point of the spiral, by quadrature."""
    k = 2 * np.pi * turns
    length = lambda t: quad(lambda s: np.hypot(1, k * s), 0, t)[0]
    return np.array([length(t) for t in np.linalg.norm(z, axis=1) / radius]) / length(1)


def test_the_roll_is_a_spiral_and_uniform_along_its_arm(rng):
    """Without noise every draw lies on r = radius·angle/(2π turns); Kolmogorov and Smirnov see nothing but U(0, 1)."""
    z = SwissRoll(turns=1.5, radius=3.0, noise=0.0).sample(3000, rng=rng)
    r = np.linalg.norm(z, axis=1)
    expected = np.stack([r * np.cos(np.pi * r), r * np.sin(np.pi * r)], axis=1)  # angle = 2π · 1.5 r / 3
    np.testing.assert_allclose(z, expected, atol=1e-5)
    u = along_the_arm(z, 1.5, 3.0)
    assert kstest(u, "uniform").pvalue > 0.001
    assert kstest(r / 3, "uniform").pvalue < 1e-6  # uniform in the radius it is not


def test_the_labels_of_the_roll_are_consecutive_stretches_of_equal_length(rng):
    labels = rng.integers(7, size=700)
    z = SwissRoll(parts=7, noise=0.0).sample_given(labels, rng=rng)
    u = along_the_arm(z, 1.5, 3.0)
    np.testing.assert_array_equal(np.floor(7 * u), labels)
    assert kstest(7 * u - labels, "uniform").pvalue > 0.001


def test_the_noise_of_the_roll_is_normal_around_the_arm():
    """The same draws with and without it."""
    noisy, clean = (SwissRoll(noise=s).sample(5000, rng=np.random.default_rng(1)) for s in (0.2, 0.0))
    assert kstest((noisy - clean).ravel() / 0.2, "norm").pvalue > 0.001


@pytest.mark.parametrize("prior", [Flower(), SwissRoll()], ids=["flower", "roll"])
@pytest.mark.parametrize("labels", [[10], [-1], [0.5], [[1, 2]]])
def test_a_label_that_has_no_part_is_refused(prior, labels, rng):
    with pytest.raises(ValueError, match="labels must be whole numbers from 0 to 9"):
        prior.sample_given(np.array(labels), rng=rng)


def test_what_a_prior_does_not_have_it_says(rng):
    with pytest.raises(TypeError, match="SwissRoll can be drawn from but has no density; a VAE needs another prior"):
        SwissRoll().distribution()
    for prior in (StandardNormal(2), MixturePrior(2, 3, rng=rng)):
        with pytest.raises(TypeError, match=f"{type(prior).__name__} has no parts that could belong to labels"):
            prior.sample_given(np.array([0]), rng=rng)
    with pytest.raises(TypeError, match="Prior can be drawn from but has no density"):
        Prior().sample(1, rng=rng)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: StandardNormal(0), "d, the numbers in z, must be a whole number of at least 1, got 0"),
        (lambda rng: MixturePrior(2, 0, rng=rng), "components must be a whole number of at least 1, got 0"),
        (lambda rng: Flower(0), "petals must be a whole number of at least 1, got 0"),
        (lambda rng: Flower(width=0), "length and width must be above 0, got 0.5 and 0"),
        (lambda rng: Flower(length=np.nan), "length and width must be above 0, got nan and 0.15"),
        (lambda rng: SwissRoll(parts=2.5), "parts must be a whole number of at least 1, got 2.5"),
        (lambda rng: SwissRoll(turns=0), "turns and radius must be above 0 and noise at least 0, got 0, 3.0, 0.08"),
        (lambda rng: SwissRoll(noise=np.nan), "noise at least 0, got 1.5, 3.0, nan"),
    ],
)
def test_sizes_that_make_no_prior_are_refused(make, message, rng):
    with pytest.raises(ValueError, match=message):
        make(rng)


def test_a_vamp_prior_learns_images_and_through_its_encoder(rng):
    """Its parameters are the images and their weights; those of the encoder belong to the encoder alone."""
    encoder = GaussianEncoder(mlp((4, 5), np.tanh, last=np.tanh, rng=rng), 5, 2, rng=rng)
    prior = VampPrior(encoder, 4, 3, rng=rng)
    assert list(prior.parameters()) == ["logits", "images"]
    log_p = np.sum(prior.distribution().log_prob(rng.standard_normal((6, 2)).astype(np.float32)))
    learned = [prior.logits, prior.images, *encoder.parameters().values()]
    assert all(np.any(g.data) for g in grad(log_p, learned))
