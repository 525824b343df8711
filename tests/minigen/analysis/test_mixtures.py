"""Mixtures in the plane: their densities and draws, and how samples are counted."""

import numpy as np
import pytest
from scipy.stats import chi2

from minigen.analysis import quadrature
from minigen.analysis.mixtures import Modes, count, grid, ring
from minigen.nn.arrays import plain

TARGETS = {
    "ring": (lambda: ring(), 8),
    "ring of five": (lambda: ring(5, radius=1.0, sigma=0.1), 5),
    "grid": (lambda: grid(), 25),
    "grid of nine": (lambda: grid(3, spacing=0.8, sigma=0.03), 9),
}
N = 20_000
TAIL = np.exp(-4.5)
"""How much of a normal distribution in the plane lies beyond 3σ."""


@pytest.fixture(params=TARGETS)
def target(request):
    return TARGETS[request.param][0]()


def test_the_density_integrates_to_one(target):
    """Over the plane from −2.5 to 2.5, in steps of σ at most."""
    rule = quadrature.grid(2.5, int(5 / target.sigma) + 10)
    p = quadrature.masses(target.distribution().log_prob, rule)
    assert p.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(p @ rule.nodes, target.centres.mean(axis=0), atol=1e-6)
    spread = np.mean(target.centres.astype(float) ** 2, axis=0) + target.sigma**2 - target.centres.mean(axis=0) ** 2
    np.testing.assert_allclose(p @ rule.nodes**2 - (p @ rule.nodes) ** 2, spread, atol=1e-6)


def test_the_modes_of_a_ring_are_at_equal_angles():
    """Half a turn from the first is the fifth of eight: the last is not the first once more."""
    centres = ring(8, radius=2.0).centres
    angles = np.arctan2(centres[:, 1], centres[:, 0]) % (2 * np.pi)
    np.testing.assert_allclose(angles, np.pi / 4 * np.arange(8), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 2, rtol=1e-6)


def test_the_modes_of_a_grid_are_every_point_of_it_once():
    assert sorted(map(tuple, grid(5).centres.tolist())) == [(x, y) for x in range(-2, 3) for y in range(-2, 3)]
    assert sorted(map(tuple, grid(2, spacing=3.0).centres.tolist())) == [
        (x, y) for x in (-1.5, 1.5) for y in (-1.5, 1.5)
    ]
    assert grid(1).centres.tolist() == [[0, 0]]


@pytest.mark.parametrize("name", TARGETS)
def test_draws_of_the_target_hit_every_mode_and_lie_within_three_sigma(name, rng):
    """The share is 1 − e^(−9/2) within 4 standard errors, and within 1σ it is 1 − e^(−½)."""
    make, K = TARGETS[name]
    target = make()
    samples = target.sample(N, rng=rng)
    assert samples.shape == (N, 2)
    found = count(target, samples)
    assert abs(found.quality - (1 - TAIL)) < 4 * np.sqrt(TAIL * (1 - TAIL) / N)
    assert found.modes == K
    assert found.counts.sum() == pytest.approx(N * found.quality)
    assert found.p_value > 0.001
    near = 1 - np.exp(-0.5)
    assert abs(count(target, samples, within=1).quality - near) < 4 * np.sqrt(near * (1 - near) / N)


def test_collapsed_samples_hit_one_mode(target, rng):
    """All of them are good, and that they be of equally likely modes is out of the question."""
    samples = target.centres[3] + target.sigma * rng.standard_normal((500, 2))
    found = count(target, samples)
    assert found.modes == 1
    assert found.counts[3] == found.counts.sum() == round(500 * found.quality)
    assert found.quality > 0.95
    assert found.p_value < 1e-100


def test_the_p_value_is_that_of_pearsons_statistic(rng):
    """One mode is half as likely as the others; by hand over the samples that were near one."""
    target = ring(4, radius=1.0, sigma=0.05)
    which = rng.choice(4, size=400, p=[1 / 7, 2 / 7, 2 / 7, 2 / 7])
    samples = target.centres[which] + target.sigma * rng.standard_normal((400, 2))
    found = count(target, samples)
    near = [which[np.linalg.norm(samples - target.centres[which], axis=1) <= 0.15] == k for k in range(4)]
    np.testing.assert_array_equal(found.counts, np.sum(near, axis=1))
    expected = found.counts.sum() / 4
    assert found.p_value == pytest.approx(chi2.sf(np.sum((found.counts - expected) ** 2) / expected, 3), rel=1e-10)
    assert found.p_value < 0.001


def test_samples_that_are_near_no_mode_count_for_none(target):
    found = count(target, np.full((7, 2), 50.0))
    assert (found.modes, found.quality, found.p_value) == (0, 0, 0)
    assert found.counts.tolist() == [0] * len(target.centres)


def test_the_border_belongs_to_the_mode():
    """σ = ¼ about (0, 0) and (4, 0), all numbers exact: ¾ away is within 3σ."""
    target = Modes(np.array([[0.0, 0.0], [4.0, 0.0]]), 0.25)
    samples = [[0.75, 0], [0, -0.75], [0.76, 0], [2, 0], [3.25, 0], [4, 0.751], [4, 0]]
    found = count(target, samples)
    assert found.counts.tolist() == [2, 2]
    assert found.quality == 4 / 7
    assert found.p_value == 1
    assert count(target, samples, within=3.04).counts.tolist() == [3, 3]
    assert count(target, samples, within=0.0).counts.tolist() == [0, 1]


def test_a_sample_belongs_to_its_nearest_mode_alone():
    """Where modes overlap, no sample is counted twice."""
    target = Modes(np.array([[0.0, 0.0], [1.0, 0.0]]), 1.0)
    assert count(target, np.array([[0.4, 0], [0.6, 0], [0.7, 1]], np.float32)).counts.tolist() == [1, 2]


@pytest.mark.parametrize("shape", [(0, 2), (2,), (3, 3), (4, 1), (2, 2, 2)])
def test_samples_that_are_no_points_of_the_plane_are_refused(shape):
    with pytest.raises(ValueError, match=r"samples are points of the plane, \(n, 2\), got shape"):
        count(ring(), np.zeros(shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ring(0), "modes must be a whole number of at least 1, got 0"),
        (lambda: ring(2.5), "modes must be a whole number of at least 1, got 2.5"),
        (lambda: grid(0), "side must be a whole number of at least 1, got 0"),
        (lambda: ring(sigma=0.0), "sigma must be above 0, got 0.0"),
        (lambda: grid(sigma=np.nan), "sigma must be above 0, got nan"),
    ],
)
def test_sizes_that_make_no_mixture_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_draws_are_float32_as_networks_take_them(target, rng):
    samples = target.sample(5, rng=rng)
    assert plain(target.distribution().log_prob(samples)).dtype == samples.dtype == np.float32


@pytest.mark.parametrize("modes", [1, 2, 8, 25])
def test_g10_a_ring_has_distinct_modes_at_equal_angles(modes):
    """G-10: all on the circle; neighbours, the last and the first too, are 2r sin(π/K) apart, and nothing is closer.
    Each has its share 1/K of the density.

    Planted: angles from 0 to 2π with both ends, where the last mode is the first once more.
    """
    target = ring(modes, radius=2.0)
    centres = target.centres.astype(float)
    assert centres.shape == (modes, 2)
    assert len(np.unique(np.round(centres, 3), axis=0)) == modes
    np.testing.assert_allclose(np.hypot(*centres.T), 2, rtol=1e-6)
    if modes > 1:
        distance = np.linalg.norm(centres[:, None] - centres, axis=-1)
        apart = 4 * np.sin(np.pi / modes)
        assert distance[~np.eye(modes, dtype=bool)].min() == pytest.approx(apart, rel=1e-5)
        np.testing.assert_allclose(np.linalg.norm(centres - np.roll(centres, -1, axis=0), axis=1), apart, rtol=1e-5)
    share = np.exp(plain(target.distribution().log_prob(target.centres))) * 2 * np.pi * target.sigma**2
    np.testing.assert_allclose(share, 1 / modes, rtol=1e-5)
    assert count(target, target.centres).counts.tolist() == [1] * modes


def test_one_mode_is_always_as_likely_as_itself(rng):
    found = count(ring(1), ring(1).sample(100, rng=rng))
    assert (found.modes, found.p_value) == (1, 1)


@pytest.mark.parametrize("shape", [(0, 2), (3, 3), (4,)])
def test_centres_outside_the_plane_are_refused(shape):
    with pytest.raises(ValueError, match=r"centres are points of the plane, \(K, 2\), got shape"):
        Modes(np.zeros(shape), 1)
