"""Measures of samples beside their closed forms, and beside loops over every pair."""

import numpy as np
import pytest
import scipy.linalg

from minigen.analysis.quality import frechet_distance, frechet_distances, nearest, neighbourhoods
from minigen.data import sets as data
from minigen.divergences import mean_and_error


def white(n, F, rng):
    """n rows whose mean is 0 and whose covariance is I, to the last digit."""
    z = rng.standard_normal((n, F))
    z -= z.mean(axis=0)
    return np.linalg.qr(z)[0] * np.sqrt(n - 1)


def turned(F, rng):
    return np.linalg.qr(rng.standard_normal((F, F)))[0]


# -- the Fréchet distance


def test_on_the_line_it_is_the_squared_difference_of_means_and_deviations(rng):
    """(μ − μ')² + (σ − σ')², for one feature."""
    x, y = 1 + 2 * white(30, 1, rng), 4 + 0.5 * white(50, 1, rng)
    assert frechet_distance(x, y) == pytest.approx(9 + 2.25, rel=1e-12)


def test_of_covariances_that_commute_it_is_that_of_each_axis(rng):
    """‖μ − μ'‖² + Σ (sᵢ − tᵢ)² where both have the same axes, whichever way these are turned."""
    s, t, shift, Q = rng.uniform(0.1, 3, 4), rng.uniform(0.1, 3, 4), rng.standard_normal(4), turned(4, rng)
    x, y = white(20, 4, rng) * s @ Q, (white(30, 4, rng) * t + shift) @ Q
    assert frechet_distance(x, y) == pytest.approx(shift @ shift + np.sum((s - t) ** 2), rel=1e-10)


def test_of_any_covariances_it_is_the_formula_with_scipys_root(rng):
    """‖μ − μ'‖² + tr(Σ + Σ' − 2 (Σ Σ')^½)."""
    x, y = (rng.standard_normal((n, 5)) @ rng.standard_normal((5, 5)) + rng.standard_normal(5) for n in (40, 60))
    shift, a, b = x.mean(axis=0) - y.mean(axis=0), np.cov(x.T), np.cov(y.T)
    expected = shift @ shift + np.trace(a + b) - 2 * np.trace(scipy.linalg.sqrtm(a @ b)).real
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)


def test_it_is_a_distance_and_does_not_depend_on_the_axes(rng):
    """Symmetric, 0 for the same, the same after both were turned and moved, and of the square of the unit."""
    x, y, Q = rng.standard_normal((40, 5)), 1 + rng.standard_normal((30, 5)) * np.arange(1, 6), turned(5, rng)
    d = frechet_distance(x, y)
    assert d > 1
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(y, x) == pytest.approx(d, rel=1e-10)
    assert frechet_distance(x @ Q + 7, y @ Q + 7) == pytest.approx(d, rel=1e-10)
    assert frechet_distance(3 * x, 3 * y) == pytest.approx(9 * d, rel=1e-10)


def test_constant_features_have_a_distance(rng):
    """Pixels that never change, in one or both: the closed form again, without a warning; none changes: the means'."""
    s, t = np.array([1.0, 0, 2, 0, 0]), np.array([0.5, 3, 0, 0, 0])
    x, y = white(20, 5, rng) * s, white(20, 5, rng) * t + [0, 0, 0, 0, 2]
    assert frechet_distance(x, y) == pytest.approx(4 + np.sum((s - t) ** 2), rel=1e-7)
    assert frechet_distance(np.zeros((5, 3)), np.ones((4, 3))) == 3


def test_fewer_rows_than_features_are_no_obstacle(rng):
    """tr (Σ Σ')^½ is the sum of the singular values of X Y', rows about their means: no covariance there."""
    x, y = rng.standard_normal((5, 20)), 2 * rng.standard_normal((7, 20))
    shift, a, b = x.mean(axis=0) - y.mean(axis=0), x - x.mean(axis=0), y - y.mean(axis=0)
    shared = np.linalg.svd(a @ b.T, compute_uv=False).sum() / np.sqrt(4 * 6)
    expected = shift @ shift + np.sum(a**2) / 4 + np.sum(b**2) / 6 - 2 * shared
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-7)


def test_the_digits_are_near_each_other_and_far_from_noise(rng):
    """They have pixels that are never on."""
    images = data.digits().train.images
    halves = frechet_distance(images[:600], images[600:])
    noise = (rng.random((600, 64)) < images.mean(axis=0)).astype(np.float32)
    assert 0 < halves < 0.5
    assert frechet_distance(images, images) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(images[:600], noise) > 4 * halves


def test_the_bias_depends_on_the_counts_and_equal_counts_have_one_bias(rng):
    """Samples and real rows of one distribution: 2,000 samples seem nearer than 200 other real rows. In parts of 200
    they are as near, within 4 standard deviations of the difference of a single distance and the mean of ten."""
    samples, real, others = (rng.standard_normal((n, 20)) for n in (2000, 200, 200))
    distances = frechet_distances(samples, real)
    assert distances.shape == (10,)
    mean, error = mean_and_error(distances)
    of_others = frechet_distance(others, real)
    assert abs(mean - of_others) < 4 * np.sqrt(11) * error
    assert frechet_distance(samples, real) < 0.75 * mean
    repeated = [mean_and_error(frechet_distances(rng.standard_normal((2000, 20)), real)) for _ in range(20)]
    means, errors = np.array(repeated).T
    assert means.std(ddof=1) == pytest.approx(errors.mean(), rel=0.5)  # known to 16% each


def test_the_parts_are_disjoint_and_what_is_left_over_is_left_out(rng):
    x, reference = rng.standard_normal((11, 2)), rng.standard_normal((4, 2))
    expected = [frechet_distance(x[:4], reference), frechet_distance(x[4:8], reference)]
    np.testing.assert_array_equal(frechet_distances(x, reference), expected)
    np.testing.assert_array_equal(frechet_distances(x[:4], reference), expected[:1])
    with pytest.raises(ValueError, match="equal counts need as many rows as the reference has, 4, or more; got 3"):
        frechet_distances(x[:3], reference)


# -- neighbourhoods


def by_loops(real, fake, k):
    """The four measures, pair by pair."""
    radius = lambda x, own: sorted(np.linalg.norm(x - other) for other in own)[k]  # the 0th is x itself
    inside = lambda x, centre, own: np.linalg.norm(x - centre) <= radius(centre, own)
    n, m = len(real), len(fake)
    precision = sum(any(inside(f, r, real) for r in real) for f in fake) / m
    recall = sum(any(inside(r, f, fake) for f in fake) for r in real) / n
    density = sum(inside(f, r, real) for f in fake for r in real) / (k * m)
    coverage = sum(any(inside(f, r, real) for f in fake) for r in real) / n
    return precision, recall, density, coverage


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize(("n", "m", "F"), [(7, 12, 2), (12, 7, 1), (9, 9, 3)])
def test_neighbourhoods_are_those_of_a_double_loop(n, m, F, k, rng):
    for shift in (0.0, 0.7, 2.0):
        real, fake = rng.standard_normal((n, F)), shift + 0.8 * rng.standard_normal((m, F))
        np.testing.assert_allclose(neighbourhoods(real, fake, k), by_loops(real, fake, k), rtol=1e-12)


def test_on_the_line_by_hand():
    """Real 0, 1, 3, 10 reach 1, 1, 2, 7 to their nearest; fakes at 1.5, 4.5, 30 reach 3, 3, 25.5."""
    found = neighbourhoods(np.array([[0], [1], [3], [10]]), np.array([[1.5], [4.5], [30]]), k=1)
    assert found.precision == 2 / 3  # 1.5 is in the balls of 1 and 3, 4.5 in those of 3 and 10
    assert found.recall == 1  # 0, 1 and 3 are in the ball of 1.5, 10 in that of 30
    assert found.density == 4 / 3
    assert found.coverage == 3 / 4  # all but 0


def test_copies_are_perfect_and_strangers_are_not(rng):
    """A real image's ball holds its own copy and those of its k neighbours: the density is (k + 1)/k."""
    real = rng.standard_normal((60, 3))
    copies = neighbourhoods(real, real[::-1], k=3)
    assert (copies.precision, copies.recall, copies.coverage) == (1, 1, 1)
    assert copies.density == pytest.approx(4 / 3)
    assert neighbourhoods(real, 100 + rng.standard_normal((40, 3)), k=3) == (0, 0, 0, 0)


def test_a_dropped_mode_costs_variety_and_not_quality(rng):
    """Four clusters, 20 apart, and fakes of one of them alone: precision stays, recall and coverage are a quarter."""
    centres = 20 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    draw = lambda which, n: (centres[which][:, None] + rng.standard_normal((len(which), n, 2))).reshape(-1, 2)
    real = draw([0, 1, 2, 3], 100)
    all_modes, one = (neighbourhoods(real, draw(which, n)) for which, n in (([0, 1, 2, 3], 100), ([2], 400)))
    assert min(all_modes.precision, all_modes.recall, all_modes.coverage) > 0.9
    assert one.precision > 0.9
    assert one.recall <= 0.25
    assert one.coverage <= 0.25


def test_fakes_without_quality_cost_precision_and_not_variety(rng):
    """Every second fake is noise far off."""
    real, good = rng.standard_normal((2, 200, 2))
    found = neighbourhoods(real, np.concatenate([good, 50 + 0.1 * rng.standard_normal((200, 2))]))
    assert 0.4 < found.precision <= 0.5
    assert min(found.recall, found.coverage) > 0.9


@pytest.mark.parametrize(("k", "n", "m"), [(0, 9, 9), (5, 5, 9), (5, 9, 5), (-1, 9, 9)])
def test_a_neighbour_that_there_is_not_is_refused(k, n, m):
    with pytest.raises(ValueError, match=f"k must be from 1 to below the number of rows, {min(n, m)}, got {k}"):
        neighbourhoods(np.zeros((n, 2)), np.zeros((m, 2)), k)


def test_the_nearest_real_image_is_that_of_a_loop(rng):
    images, among = rng.standard_normal((20, 6)), rng.standard_normal((30, 6)).astype(np.float32)
    expected = [int(np.argmin([np.sum((x - y) ** 2) for y in among])) for x in images]
    assert nearest(images, among).tolist() == expected
    many, order = rng.standard_normal((250, 6)), rng.permutation(250)
    assert nearest(many[order], many).tolist() == order.tolist()


@pytest.mark.parametrize("measure", [frechet_distance, frechet_distances, neighbourhoods, nearest])
@pytest.mark.parametrize(("x", "y"), [((3, 2), (3, 4)), ((3,), (3,)), ((3, 2), (0, 2)), ((2, 3, 3), (2, 3, 3))])
def test_what_is_no_two_sets_of_features_is_refused(measure, x, y):
    with pytest.raises(ValueError, match=r"features are \(n, F\) and \(m, F\), at least [12] of each, got shapes"):
        measure(np.zeros(x), np.zeros(y))


def test_one_image_has_a_nearest_too():
    assert nearest(np.array([[2.0]]), np.array([[0.0], [3.0]])).tolist() == [1]
