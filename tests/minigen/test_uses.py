"""The claims U-1 and U-2: what a density is for."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit
from scipy.stats import binom, mannwhitneyu

from autograd import Tensor
from minigen.gaussian_ar import GaussianAR
from minigen.markov import MarkovChain
from minigen.model import Binary, ExplicitModel, ImplicitModel
from minigen.table import FullTable, IndependentBernoulli
from minigen.uses import (
    BayesClassifier,
    anomaly_scores,
    auc,
    complete,
    conformal_p_values,
    denoise,
    false_alarm_law,
    posterior_sample,
    roc_curve,
)
from tests.minigen.enumeration import binary_vectors, chi_square, index_of, table_of
from tests.minigen.models import random_nade, randomised
from tests.strategies import generators

# -- classification


def test_u1_posteriors_sum_to_one(rng):
    """U-1, and ln p(x) is that of the mixture.

    Planted: a posterior divided by the largest class alone.
    """
    models, prior = [random_nade(5, 3, rng) for _ in range(3)], [0.5, 0.3, 0.2]
    classifier, x = BayesClassifier(models, prior), binary_vectors(5)
    np.testing.assert_allclose(np.exp(classifier.log_posterior(x)).sum(axis=1), 1, rtol=1e-13)
    mixture = sum(p * table_of(m) for p, m in zip(prior, models, strict=True))
    np.testing.assert_allclose(np.exp(classifier.log_prob(x)), mixture, rtol=1e-12)


def test_u1_the_log_odds_of_independent_pixels_are_linear(rng):
    """U-1: with weights logit p_i1 − logit p_i0: naive Bayes is a linear classifier.

    Planted: densities of the two classes exchanged.
    """
    p = rng.uniform(0.1, 0.9, (2, 4))
    models = [IndependentBernoulli(4).astype(np.float64) for _ in range(2)]
    for model, ones in zip(models, p, strict=True):
        model.logits.data[...] = logit(ones)
    x = binary_vectors(4)
    log_posterior = BayesClassifier(models, [0.3, 0.7]).log_posterior(x)
    intercept = np.log(0.7 / 0.3) + np.log((1 - p[1]) / (1 - p[0])).sum()
    np.testing.assert_allclose(log_posterior[:, 1] - log_posterior[:, 0], intercept + x @ (logit(p[1]) - logit(p[0])))


@given(rng=generators)
def test_u1_no_rule_errs_less_often_than_bayes(rng):
    """U-1: all 2⁸ rules that give one of two classes to each of 8 images, by enumeration.

    Planted: the class with the smallest posterior.
    """
    models, prior = [randomised(FullTable(3), rng) for _ in range(2)], np.array([0.4, 0.6])
    x = binary_vectors(3)
    joint = np.stack([p * table_of(m) for p, m in zip(prior, models, strict=True)], axis=1)
    error = lambda rule: 1 - joint[np.arange(8), rule].sum()
    rules = np.array(list(itertools.product([0, 1], repeat=8)))
    bayes = BayesClassifier(models, prior).predict(x)
    assert error(bayes) <= min(map(error, rules)) + 1e-15
    assert error(1 - bayes) >= max(map(error, rules)) - 1e-15


@pytest.mark.parametrize("prior", [[1.0], [0.5, 0.6], [1.0, 0.0], [np.nan, 0.5]])
def test_a_prior_that_is_none_is_refused(prior, rng):
    with pytest.raises(ValueError, match="a positive probability for each of 2 classes"):
        BayesClassifier([random_nade(3, 2, rng)] * 2, prior)


class Generator(ImplicitModel):
    """Draws, and nothing more."""

    D = 3

    def sample(self, n, rng):
        return rng.integers(2, size=(n, 3))


def test_an_implicit_model_can_be_drawn_from_and_nothing_else(rng):
    model = Generator()
    assert model.sample(4, rng=rng).shape == (4, 3)
    assert not hasattr(model, "log_prob")
    for use in (lambda: BayesClassifier([model]), lambda: anomaly_scores(model, np.zeros((1, 3))),
                lambda: denoise(model, np.zeros((1, 3)), 0.1, rng=rng)):  # fmt: skip
        with pytest.raises(TypeError, match=r"Generator is not an explicit model: .* has no log_prob"):
            use()


def test_u1_a_classifier_draws_from_the_mixture_that_it_is(rng):
    """U-1: samples have the law Σ_y p(x|y) p(y), and Gibbs sampling completes them.

    Planted: classes drawn with equal probability.
    """
    models, n = [random_nade(4, 3, rng) for _ in range(3)], 4000
    classifier, x = BayesClassifier(models, [0.7, 0.2, 0.1]), binary_vectors(4)
    p = table_of(classifier)
    counts = np.bincount(index_of(classifier.sample(n, rng=rng)), minlength=16)
    assert chi_square(counts, n * p) < 44.3  # p = 0.0001, 15 degrees of freedom
    seen, image = np.array([False, True, False, False]), np.array([0.0, 1, 0, 0])
    _, probability = complete(classifier, np.tile(image, (n, 1)), seen, rng=rng)
    expected = p[x[:, 1] == 1] @ x[x[:, 1] == 1] / p[x[:, 1] == 1].sum()
    assert abs(probability.mean(axis=0) - expected).max() < 4.5 * np.sqrt(0.25 / n)
    assert classifier.sample(0, rng=rng).shape == (0, 4)


# -- anomaly detection

scores = st.lists(st.integers(-5, 5) | st.just(np.inf), min_size=1, max_size=20)


@given(normal=scores, anomalous=scores)
def test_u2_auc_is_the_mann_whitney_statistic_with_ties_one_half(normal, anomalous):
    """U-2: AUC = U/(n₁n₂), SciPy's U and the sum over all pairs; unchanged by monotone maps, 1 − AUC when turned round.

    Planted: ties counted as detections.
    """
    area = auc(normal, anomalous)
    assert area == pytest.approx(mannwhitneyu(anomalous, normal).statistic / (len(normal) * len(anomalous)), abs=1e-12)
    higher, same = np.greater.outer(anomalous, normal), np.equal.outer(anomalous, normal)
    assert area == pytest.approx(np.mean(higher + 0.5 * same), abs=1e-12)
    assert area == pytest.approx(auc(np.exp(normal), np.exp(anomalous)), abs=1e-12)
    assert area == pytest.approx(1 - auc(anomalous, normal), abs=1e-12)


@given(normal=scores, anomalous=scores)
def test_the_curve_runs_from_no_alarm_to_all_and_counts_what_reaches_the_threshold(normal, anomalous):
    false_alarms, detections = roc_curve(normal, anomalous)
    assert (false_alarms[0], detections[0], false_alarms[-1], detections[-1]) == (0, 0, 1, 1)
    assert (np.diff(false_alarms) >= 0).all()
    assert (np.diff(detections) >= 0).all()
    for t in set(normal) | set(anomalous):
        point = np.mean(np.array(normal) >= t), np.mean(np.array(anomalous) >= t)
        assert np.isclose(np.stack([false_alarms, detections], axis=1), point).all(axis=1).any()


@given(n=st.integers(1, 6), values=st.integers(2, 4))
def test_u2_conformal_p_values_are_super_uniform(n, values):
    """U-2: P(p ≤ α) ≤ α, exactly, over all calibration sets and test scores of a discrete distribution with many ties.

    Planted: p-values without the 1 that counts the test score itself.
    """
    if values ** (n + 1) > 5000:
        return
    draws = np.array(list(itertools.product(range(values), repeat=n + 1)))
    p = np.array([conformal_p_values(d[:-1], d[-1:])[0] for d in draws])
    for alpha in np.unique(p):
        assert np.mean(p <= alpha + 1e-12) <= alpha + 1e-12
    assert p.min() == pytest.approx(1 / (n + 1))


def test_u2_the_stated_false_alarm_rate_holds_and_is_used_up(rng):
    """U-2: 2,000 trials of 99 calibration scores at α = 0.1: as many alarms as exactly α gives, from its 0.001 to its
    0.999 quantile.
    """
    alarms = 0
    for _ in range(2000):
        drawn = rng.standard_normal(100)
        alarms += conformal_p_values(drawn[:99], drawn[99:])[0] <= 0.1
    assert binom.ppf(0.001, 2000, 0.1) <= alarms <= binom.ppf(0.999, 2000, 0.1)


def shares_of_all_orders(n, m, alpha):
    """The share of false alarms for each order of n calibration scores and m others; all orders are equally likely."""
    orders = np.array(list(itertools.permutations(range(n + m))))
    return np.array([np.mean(conformal_p_values(o[:n], o[n:]) <= alpha) for o in orders])


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 4), (4, 3), (5, 2), (2, 5)])
@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.25, 0.5, 0.7, 0.99])
def test_u2_the_law_of_the_share_of_false_alarms_is_that_of_all_orders(n, m, alpha):
    """U-2: mean, standard deviation and central interval, by enumeration; binomial alarms would vary less.

    Planted: binomial alarms, as if the probability of an alarm were known.
    """
    shares = shares_of_all_orders(n, m, alpha)
    found = false_alarm_law(n, m, alpha, central=0.77)
    assert found.mean == pytest.approx(shares.mean(), abs=1e-12)
    assert found.standard_deviation == pytest.approx(shares.std(), abs=1e-12)
    low, high = found.interval
    assert low == pytest.approx(np.quantile(shares, 0.115, method="inverted_cdf"), abs=1e-12)
    assert high == pytest.approx(np.quantile(shares, 0.885, method="inverted_cdf"), abs=1e-12)
    assert found.mean <= alpha + 1e-15
    if m > 1 and 0 < found.mean < 1:
        assert found.standard_deviation > np.sqrt(found.mean * (1 - found.mean) / m)


def test_u2_false_alarms_of_many_images_vary_with_the_calibration_set():
    """U-2: of endless images the share is Beta(a, n + 1 − a), and its deviation stays; α = 15/300 counts as reached."""
    found = false_alarm_law(299, 300, 0.05)
    assert found.mean == pytest.approx(0.05)
    assert found.standard_deviation == pytest.approx(np.sqrt(0.05 * 0.95 * 600 / (300 * 301)))
    assert false_alarm_law(299, 10**6, 0.05).standard_deviation == pytest.approx(np.sqrt(0.05 * 0.95 / 301), rel=1e-3)
    assert false_alarm_law(18, 50, 0.05) == (0, 0, (0, 0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5, 0.1), "calibration must be a whole number of at least 1, got 0"),
        ((5, 1.5, 0.1), "images must be a whole number of at least 1, got 1.5"),
        ((5, 5, 1.0), "alpha and central are probabilities between 0 and 1, got 1.0 and 0.95"),
        ((5, 5, 0.1, 0.0), "alpha and central are probabilities between 0 and 1, got 0.1 and 0.0"),
    ],
)
def test_a_law_of_false_alarms_that_there_is_not_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        false_alarm_law(*arguments)


def test_the_score_is_the_negative_log_probability(rng):
    model, x = random_nade(4, 3, rng), binary_vectors(4)
    np.testing.assert_allclose(np.exp(-anomaly_scores(model, x)), table_of(model), rtol=1e-12)


def test_scores_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="at least one calibration score"):
        conformal_p_values([], [1.0])
    with pytest.raises(ValueError, match="scores of both kinds, got 3 and 0"):
        auc([1, 2, 3], [])
    for use in (
        lambda s: conformal_p_values(s, [1.0]),
        lambda s: conformal_p_values([1.0], s),
        lambda s: auc(s, [1.0]),
    ):
        with pytest.raises(ValueError, match="1 of 2 scores are nan"):
            use([1.0, np.nan])
    with pytest.raises(ValueError, match="a model for each class, got none"):
        BayesClassifier([])


# -- completion and denoising


def exact_posterior(model, evidence):
    """P(x | e) ∝ p(x) Π e^{eᵢxᵢ} over all images: (2ⁿ, n) images and (2ⁿ,) probabilities."""
    x = binary_vectors(model.D)
    known = np.isinf(evidence)
    p = table_of(model) * np.exp(x[:, ~known] @ evidence[~known])
    p = np.where((x[:, known] == (evidence[known] > 0)).all(axis=1), p, 0)
    return x, p / p.sum()


@pytest.mark.parametrize("evidence", [[0.5, -1.0, 0.0, 2.0, -0.3], [np.inf, 0, -np.inf, 0, 0], [0.0] * 5])
def test_gibbs_sampling_arrives_at_the_enumerated_posterior(evidence, rng):
    """4,000 chains of 20 sweeps: images and pixel probabilities within 4.5 standard errors of the exact ones."""
    model, evidence = random_nade(5, 3, rng, rng.permutation(5)), np.array(evidence)
    x, p = exact_posterior(model, evidence)
    drawn, probability = posterior_sample(model, np.tile(evidence, (4000, 1)), rng=rng)
    expected = p @ x
    error = np.sqrt(expected * (1 - expected) / 4000) + 1e-12
    assert (abs(drawn.mean(axis=0) - expected) < 4.5 * error).all()
    assert (abs(probability.mean(axis=0) - expected) < 4.5 * error).all()


class Echo(ExplicitModel):
    """ln p(x) = Σᵢ 50 (i + 1) [xᵢ = xᵢ₊₁] + constant: given the others, each pixel repeats the one after it."""

    D, values, flat = 5, Binary(), np.zeros(0)

    def log_prob(self, x):
        return (x[:, :-1] == x[:, 1:]) @ (50 * (np.arange(4) + 1.0))


@pytest.mark.parametrize(("sweeps", "early"), [(8, 0), (6, 0), (5, 1 / 3), (4, 1 / 2), (1, 1)])
def test_u1_the_estimates_are_means_over_the_second_half_of_the_sweeps(sweeps, early, rng):
    """U-1: the last pixel is known to be 1, so p(x|e) has a single image. The sweeps run from the first pixel to the
    last, so sweep s makes pixel 4 − s repeat that 1, and the first pixel was right in sweep 4. The share of sweeps
    1 … 3 in the second half (rounded up) is the most that the estimate of the first pixel may be off, exactly.

    Planted: a mean over all sweeps, the first among them, in which the images are still random.
    """
    evidence = np.tile([0, 0, 0, 0, np.inf], (200, 1))
    x, probability = posterior_sample(Echo(), evidence, sweeps, rng=rng)
    np.testing.assert_allclose(probability[:, 3:], 1, rtol=1e-15)
    np.testing.assert_allclose(np.unique(probability[:, 0].round(12)), np.unique([1 - early, 1]), atol=1e-12)
    if sweeps >= 4:
        np.testing.assert_array_equal(x, 1)


def test_completion_keeps_what_is_seen_and_denoising_weighs_it(rng):
    model, n = random_nade(5, 3, rng), 4000
    image, seen = np.array([1.0, 0, 0, 1, 0]), np.array([True, False, True, False, False])
    drawn, _ = complete(model, np.tile(image, (n, 1)), seen, rng=rng)
    np.testing.assert_array_equal(drawn[:, seen], np.tile(image[seen], (n, 1)))
    _, probability = denoise(model, np.tile(image, (n, 1)), 0.2, rng=rng)
    x = binary_vectors(5)
    p = table_of(model) * np.where(x == image, 0.8, 0.2).prod(axis=1)
    expected = p @ x / p.sum()
    assert abs(probability.mean(axis=0) - expected).max() < 4.5 * np.sqrt(0.25 / n)


def test_a_model_with_impossible_images_is_refused(rng):
    model = IndependentBernoulli(2).fit(np.array([[0, 1], [0, 0]]), smoothing=0)
    with pytest.raises(ValueError, match="probability 0: fit it with smoothing above 0"):
        posterior_sample(model, np.full((50, 2), 0.0), rng=rng)
    coins = FullTable(2).fit(np.array([[0, 0], [1, 1]]), smoothing=0)
    for seed in range(10):
        with pytest.raises(ValueError, match="probability 0"):
            posterior_sample(coins, np.zeros((1, 2)), rng=np.random.default_rng(seed))
    with pytest.raises(ValueError, match="probability 0 in every class"):
        BayesClassifier([model]).log_posterior(np.array([[1, 1]]))
    with pytest.raises(ValueError, match="flip is a probability between 0 and 1, got 0"):
        denoise(model, np.zeros((1, 2)), 0, rng=rng)


@pytest.mark.parametrize(
    ("evidence", "sweeps"),
    [(np.zeros(5), 20), (np.zeros((2, 4)), 20), (np.full((2, 5), np.nan), 20), (np.zeros((2, 5)), 0)],
)
def test_evidence_that_is_none_is_refused(evidence, sweeps, rng):
    with pytest.raises(ValueError, match=r"give \(n, 5\) log-odds, none of them nan, and at least one sweep"):
        posterior_sample(random_nade(5, 3, rng), evidence, sweeps, rng=rng)


def test_gibbs_sampling_is_refused_for_models_of_other_than_binary_pixels(rng):
    for model in (GaussianAR(5, 1), MarkovChain(5, states=3)):
        with pytest.raises(ValueError, match=r"binary pixels, but .* are (Real\(\)|States\(count=3\)); .* = Binary"):
            complete(model, np.zeros((2, 5)), np.arange(5) < 2, rng=rng)
    complete(MarkovChain(5), np.zeros((2, 5)), np.arange(5) < 2, rng=rng)


def test_images_of_any_type_are_denoised_alike(rng):
    """Unsigned bytes too, in which 2x − 1 wraps around."""
    model, image = random_nade(4, 3, rng), [[0, 1, 1, 0]]
    results = [
        denoise(model, np.array(image, kind), 0.1, rng=np.random.default_rng(0))[1] for kind in (float, np.uint8, bool)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_images_to_complete_or_to_denoise_are_binary_where_they_are_seen(rng):
    model, x = random_nade(5, 3, rng), np.full((2, 5), 0.5)
    with pytest.raises(ValueError, match=r"got values from 0.5 to 0.5"):
        denoise(model, x, 0.1, rng=rng)
    with pytest.raises(ValueError, match=r"got values from 0 to 0.5"):
        complete(model, x, np.arange(5) < 2, rng=rng)
    complete(
        model, np.where(np.arange(5) < 2, 1.0, np.nan)[None], np.arange(5) < 2, rng=rng
    )  # unseen pixels may be anything


def test_classification_takes_models_in_blocks(rng, monkeypatch):
    """10,000 images do not go through a model at once."""
    largest = []

    class Watched(IndependentBernoulli):
        def log_prob(self, x):
            largest.append(len(x))
            return Tensor(np.zeros(len(x)))

    BayesClassifier([Watched(3)]).predict(np.zeros((10_000, 3)))
    assert max(largest) <= 500
    assert sum(largest) == 10_000
