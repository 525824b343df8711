"""Uses of a density p(x) (lecture: Density Estimation): classification, anomaly detection, completion and denoising.

Each use evaluates p(x), so it takes explicit models only. The type checker refuses an implicit model, and `explicit`
raises TypeError for it at run time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import backend
from autograd.rules.special import logsumexp
from minigen.distributions import bernoulli_sample
from minigen.model import Binary, ExplicitModel, States, common_length, log_probs
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import sigmoid
from minigen.nn.module import whole


def explicit(model: ExplicitModel) -> ExplicitModel:
    """Return `model` unchanged. Raises TypeError unless the model is an ExplicitModel, which has a density."""
    if not isinstance(model, ExplicitModel):
        raise TypeError(
            f"{type(model).__name__} is not an explicit model: it can be drawn from, but has no log_prob, "
            "and this use needs p(x)"
        )
    return model


# -- classification


def log_of_prior(prior: Any, classes: int) -> np.ndarray:
    """Return ln p(y) of each class y, (classes,).  prior: p(y), (classes,), or None for a uniform one.

    Raises ValueError unless prior holds a positive probability for each of the `classes`, with sum 1.
    """
    p = np.full(classes, 1 / classes) if prior is None else np.asarray(prior, float)
    if p.shape != (classes,) or not (np.all(p > 0) and np.isclose(p.sum(), 1)):
        raise ValueError(f"prior holds a positive probability for each of {classes} classes, got {prior}")
    return np.log(p)


class BayesClassifier(ExplicitModel):
    """Classify by Bayes' rule: p(y | x) = p(x | y) p(y) / p(x),  p(x) = Σ_y p(x | y) p(y), a density for each class.

    The classifier is an explicit model, too: of p(x), with the class as a latent variable. Each model is trained alone,
    so this class records nothing for gradients.

    models: trained explicit models of p(x | y) for y = 0, 1, …, over the same number D of variables.
    prior: p(y), (classes,), positive, with sum 1; by default uniform. The field log_prior is ln p(y).

    Raises ValueError if there is no model, if the models differ in D, or if `prior` is not such a table; TypeError if a
    model has no density.
    """

    rules = {
        "log_prior": (
            "ln of probabilities with sum 1",
            lambda a: bool(a.max() < 1 and np.isclose(np.exp(a).sum(), 1)),  # of a large number exp would overflow
        )
    }

    def __init__(self, models: Sequence[ExplicitModel], prior: Any = None):
        if not models:
            raise ValueError("a classifier needs a model for each class, got none")
        self.models = [explicit(model) for model in models]
        self.D, self.values = common_length(self.models), models[0].values
        self.log_prior = log_of_prior(prior, len(models))

    def log_joint(self, x: Any) -> np.ndarray:
        """ln p(x, y) = ln p(x | y) + ln p(y) for each class y, in nats.  x: (n, D) → (n, classes)."""
        return np.stack([log_probs(model, x) for model in self.models], axis=1) + self.log_prior

    def log_prob(self, x: Any) -> np.ndarray:
        """ln p(x) = ln Σ_y p(x, y), in nats.  x: (n, D) → (n,)."""
        return logsumexp(self.log_joint(x), axis=1)

    def log_posterior(self, x: Any) -> np.ndarray:
        """ln p(y | x) of each class y, in nats.  x: (n, D) → (n, classes).

        Raises ValueError if a vector has probability 0 in every class.
        """
        log_joint = self.log_joint(x)
        if np.any(np.all(log_joint == -np.inf, axis=1)):
            raise ValueError(
                "a vector has probability 0 in every class, so no posterior: fit them with smoothing above 0"
            )
        return log_joint - logsumexp(log_joint, axis=1, keepdims=True)

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw n vectors, (n, D): for each a class y ~ p(y), then x ~ p(x | y)."""
        rng = np.random.default_rng(rng)
        y = rng.choice(len(self.models), n, p=np.exp(self.log_prior))
        x = np.empty((n, self.D), self.flat.dtype)
        for label in np.unique(y):
            x[y == label] = self.models[label].sample(np.sum(y == label), rng=rng)
        return x

    def predict(self, x: Any) -> np.ndarray:
        """Return the class with the largest posterior p(y | x).  x: (n, D) → (n,) integers.

        If the models are the true distributions, no other rule makes fewer errors.
        """
        return self.log_joint(x).argmax(axis=1)


# -- anomaly detection


def anomaly_scores(model: ExplicitModel, x: Any) -> np.ndarray:
    """Anomaly score −ln p(x) of each vector, in nats: high for an improbable x.

    model: an explicit model, trained on normal data. x: (n, D) → (n,).
    """
    return -log_probs(explicit(model), x)


def conformal_p_values(calibration: Any, scores: Any) -> np.ndarray:
    """p-value of each score: (1 + number of calibration scores at least as large) / (1 + number of calibration scores).

    calibration: (m,), anomaly scores of normal data that were not used for training. scores: (n,) → (n,) in (0, 1].

    If x has the distribution of the calibration data, P(p-value ≤ α) ≤ α: an alarm at p ≤ α is false with probability
    at most α, however good or bad the model is (Vovk, Gammerman and Shafer 2005). The probability is over calibration
    data and x. With one calibration set, the share of false alarms among many x varies about α, see `false_alarm_law`.

    Raises ValueError if there is no calibration score, or if a score is nan.
    """
    ordered, scores = np.sort(_scores(calibration)), _scores(scores)
    if not len(ordered):
        raise ValueError("conformal p-values need at least one calibration score")
    at_least = len(ordered) - np.searchsorted(ordered, scores, side="left")
    return (1 + at_least) / (1 + len(ordered))


class FalseAlarms(NamedTuple):
    """The exact law of the share of false alarms among normal images, each field a share from 0 to 1.

    mean: the expected share. standard_deviation: its standard deviation. interval: the lowest and the highest share of
    the central interval.
    """

    mean: float
    standard_deviation: float
    interval: tuple[float, float]


def false_alarm_law(calibration: int, images: int, alpha: float, central: float = 0.95) -> FalseAlarms:
    """Law of the share of alarms p-value ≤ α among m normal images, with n calibration scores. Returns FalseAlarms.

    calibration: n. images: m. alpha: α, above 0 and below 1. central: probability of the interval, above 0 and below 1;
    each tail outside has at most (1 − central)/2.

    Let a be the number of possible p-values j/(n + 1), j = 1 … n + 1, that are at most α. An alarm is a score above the
    a-th largest calibration score. Given the calibration scores, the probability of an alarm is a draw of
    Beta(a, n + 1 − a), the same draw for all m images. So the number of alarms is Beta-binomial, with the mean share
    a/(n + 1) and a larger variance than a binomial number. The law is exact for independent scores of one continuous
    distribution, which it does not depend on. Ties only make alarms rarer.

    Raises ValueError unless n and m are whole numbers of at least 1, and α and `central` between 0 and 1.
    """
    from scipy.stats import betabinom  # not above: it takes half a second, and nothing else here needs it

    n, m = whole(calibration, 1, "calibration"), whole(images, 1, "images")
    if not (0 < alpha < 1 and 0 < central < 1):
        raise ValueError(f"alpha and central are probabilities between 0 and 1, got {alpha} and {central}")
    a = int(np.sum(np.arange(1, n + 2) / (n + 1) <= alpha))
    if a == 0:  # no p-value is as small as α: there is never an alarm
        return FalseAlarms(0.0, 0.0, (0.0, 0.0))
    law = betabinom(m, a, n + 1 - a)
    low, high = law.ppf([(1 - central) / 2, (1 + central) / 2]) / m
    return FalseAlarms(float(law.mean() / m), float(law.std() / m), (float(low), float(high)))


def roc_curve(normal: Any, anomalous: Any) -> tuple[np.ndarray, np.ndarray]:
    """The false-alarm and detection rates if every score ≥ t is called an anomaly, for falling t: the ROC curve.

    normal: (m,), anomaly scores of normal data. anomalous: (n,), anomaly scores of anomalies.
    Returns two arrays, the fractions of `normal` and of `anomalous` with a score ≥ t: first 0 for t = ∞, then a value
    for each distinct score t, up to 1.

    Raises ValueError if either has no scores, or a score that is nan.
    """
    normal, anomalous = _scores(normal), _scores(anomalous)
    if not (len(normal) and len(anomalous)):
        raise ValueError(f"a ROC curve needs scores of both kinds, got {len(normal)} and {len(anomalous)}")
    thresholds = np.unique(np.concatenate([normal, anomalous]))[::-1]
    reached = lambda scores: 1 - np.searchsorted(np.sort(scores), thresholds, side="left") / len(scores)
    return np.append(0, reached(normal)), np.append(0, reached(anomalous))


def _scores(scores: Any) -> np.ndarray:
    """`scores` as a float array. Raises ValueError if a score is nan."""
    scores = np.asarray(scores, float)
    if np.isnan(scores).any():
        raise ValueError(f"{np.isnan(scores).sum()} of {scores.size} scores are nan, and a nan cannot be ranked")
    return scores


def auc(normal: Any, anomalous: Any) -> float:
    """Area under the ROC curve of anomaly scores, a number from 0 to 1.

    It is P(an anomaly scores higher than normal data) + ½ P(both score the same).
    normal: (m,), anomaly scores of normal data.
    anomalous: (n,), anomaly scores of anomalies.
    """
    false_alarms, detections = roc_curve(normal, anomalous)
    return float(np.trapezoid(detections, false_alarms))


# -- completion and denoising


def posterior_sample(
    model: ExplicitModel, evidence: Any, sweeps: int = 20, *, rng: RNGLike = None
) -> tuple[np.ndarray, np.ndarray]:
    """Sample binary images given evidence about each pixel, from p(x | e) ∝ p(x) Πᵢ e^{eᵢ xᵢ}, by Gibbs sampling.

    Each sweep redraws every pixel from its distribution given all other pixels, which has the logit
    ln p(xᵢ=1, rest) − ln p(xᵢ=0, rest) + eᵢ. After many sweeps the images are draws of the posterior, for any explicit
    model. A sweep costs D evaluations of `log_prob`. If the missing pixels come last in the model's order, the model's
    method `complete` draws them exactly.

    model: an explicit model of binary pixels.
    evidence: (n, D), log-odds of 1 against 0: ∞ for a known 1, −∞ for a known 0, 0 for no evidence.
    sweeps: how often each pixel is redrawn, at least 1.
    Returns (n, D) images after the last sweep, and (n, D) estimates of P(xᵢ = 1 | e): x itself for a known pixel, else
    the mean, over the second half of the sweeps, of the probability from which the pixel was drawn.

    Raises ValueError if the model's pixels are not binary, if the evidence has another shape or a nan, if `sweeps` is
    below 1, or if the model gives an image probability 0.
    """
    rng = np.random.default_rng(rng)
    if explicit(model).values not in (Binary(), States(2)):
        raise ValueError(
            f"Gibbs sampling draws binary pixels, but the values of {type(model).__name__} are {model.values}; "
            "a model of binary pixels has values = Binary()"
        )
    evidence = np.asarray(evidence, model.flat.dtype)
    if evidence.ndim != 2 or evidence.shape[1] != model.D or np.isnan(evidence).any() or sweeps < 1:
        raise ValueError(
            f"give (n, {model.D}) log-odds, none of them nan, and at least one sweep; got shape {evidence.shape}, "
            f"{np.isnan(evidence).sum()} nan and {sweeps} sweeps"
        )
    x = bernoulli_sample(evidence, rng=rng)
    kept = sweeps - sweeps // 2
    probability = np.zeros_like(x)
    log_p = _finite_log_probs(model, x)
    for sweep in range(sweeps):
        for i in np.flatnonzero(np.isfinite(evidence).any(axis=0)):
            flipped = x.copy()
            flipped[:, i] = 1 - x[:, i]
            log_p_flipped = _finite_log_probs(model, flipped)
            is_one = x[:, i] == 1
            logits = np.where(is_one, log_p - log_p_flipped, log_p_flipped - log_p) + evidence[:, i]
            drawn = bernoulli_sample(logits, rng=rng)
            moved = drawn != x[:, i]
            x[moved], log_p = flipped[moved], np.where(moved, log_p_flipped, log_p)
            if sweep >= sweeps - kept:
                probability[:, i] += sigmoid(logits)
    probability /= kept
    known = np.isinf(evidence)
    probability[known] = x[known]
    return x, probability


def _finite_log_probs(model: ExplicitModel, x: np.ndarray) -> np.ndarray:
    """`log_probs`. Raises ValueError if one is −∞: Gibbs sampling cannot pass images of probability 0."""
    log_p = log_probs(model, x)
    if not np.all(np.isfinite(log_p)):
        raise ValueError(f"{type(model).__name__} gives some images probability 0: fit it with smoothing above 0")
    return log_p


def complete(
    model: ExplicitModel, x: Any, seen: Any, sweeps: int = 20, *, rng: RNGLike = None
) -> tuple[np.ndarray, np.ndarray]:
    """Sample the pixels that are not seen, given the seen ones, by Gibbs sampling: for any mask and any binary model.

    model: an explicit model of binary pixels. x: (n, D); values that are not seen are ignored.
    seen: boolean, (D,) or (n, D), True where x is seen. sweeps: how often each pixel is redrawn.
    Returns (n, D) images, equal to x where seen, and (n, D) estimates of P(xᵢ = 1 | seen pixels).
    """
    rng = np.random.default_rng(rng)
    x, seen = explicit(model).given(x, seen)
    x = backend.to_numpy(x)
    return posterior_sample(model, np.where(seen, np.where(x == 1, np.inf, -np.inf), 0), sweeps, rng=rng)


def denoise(
    model: ExplicitModel, noisy: Any, flip: float, sweeps: int = 20, *, rng: RNGLike = None
) -> tuple[np.ndarray, np.ndarray]:
    """Sample binary images as they were before each pixel was flipped with probability `flip`, by Gibbs sampling.

    model: an explicit model of clean binary images. noisy: (n, D), each pixel 0 or 1.
    sweeps: how often each pixel is redrawn.
    flip: the probability of a flip. A noisy 1 adds ln((1 − flip)/flip) to the log-odds of 1, a noisy 0 subtracts it.
    Returns (n, D) images, and (n, D) estimates of P(xᵢ = 1 | noisy): means over the second half of the sweeps.

    Raises ValueError unless 0 < flip < 1.
    """
    rng = np.random.default_rng(rng)
    if not 0 < flip < 1:
        raise ValueError(f"flip is a probability between 0 and 1, got {flip}")
    noisy = backend.to_numpy(explicit(model).checked(noisy))
    return posterior_sample(model, (2 * noisy - 1) * np.log((1 - flip) / flip), sweeps, rng=rng)
