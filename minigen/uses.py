"""What a density is for (lecture: Density Estimation): telling classes apart, noticing what is strange, filling in what
is missing.

All of it needs p(x), so it takes explicit models only; an implicit one is refused, by the type checker and at run time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.rules.special import logsumexp
from minigen.distributions import bernoulli_sample
from minigen.model import Binary, ExplicitModel, States, common_length, log_probs
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import sigmoid


def explicit(model: ExplicitModel) -> ExplicitModel:
    """`model`, refused unless it has a density."""
    if not isinstance(model, ExplicitModel):
        raise TypeError(
            f"{type(model).__name__} is not an explicit model: it can be drawn from, but has no log_prob, "
            "and this use needs p(x)"
        )
    return model


# -- classification


class BayesClassifier:
    """p(y | x) = p(x | y) p(y) / p(x),  p(x) = Σ_y p(x | y) p(y): one density for each class, and how common it is.

    models: p(x | y) for y = 0, 1, …; prior: p(y), by default all equal.
    """

    def __init__(self, models: Sequence[ExplicitModel], prior: Any = None):
        if not models:
            raise ValueError("a classifier needs a model for each class, got none")
        self.models = [explicit(model) for model in models]
        self.D = common_length(self.models)
        p = np.full(len(models), 1 / len(models)) if prior is None else np.asarray(prior, float)
        if p.shape != (len(models),) or not (np.all(p > 0) and np.isclose(p.sum(), 1)):
            raise ValueError(f"prior holds a positive probability for each of {len(models)} classes, got {prior}")
        self.log_prior = np.log(p)

    def log_joint(self, x: Any) -> np.ndarray:
        """ln p(x, y) = ln p(x | y) + ln p(y).  x: (n, D) → (n, classes)."""
        return np.stack([log_probs(model, x) for model in self.models], axis=1) + self.log_prior

    def log_prob(self, x: Any) -> np.ndarray:
        """ln p(x) = ln Σ_y p(x, y).  (n, D) → (n,)."""
        return logsumexp(self.log_joint(x), axis=1)

    def log_posterior(self, x: Any) -> np.ndarray:
        """ln p(y | x).  (n, D) → (n, classes)."""
        log_joint = self.log_joint(x)
        if np.any(np.all(log_joint == -np.inf, axis=1)):
            raise ValueError(
                "a vector has probability 0 in every class, so no posterior: fit them with smoothing above 0"
            )
        return log_joint - logsumexp(log_joint, axis=1, keepdims=True)

    def predict(self, x: Any) -> np.ndarray:
        """The class with the largest posterior; no other rule errs less often.  (n, D) → (n,) integers."""
        return self.log_joint(x).argmax(axis=1)


# -- anomaly detection


def anomaly_scores(model: ExplicitModel, x: Any) -> np.ndarray:
    """−ln p(x) in nats: the less probable, the stranger.  (n, D) → (n,)."""
    return -log_probs(explicit(model), x)


def conformal_p_values(calibration: Any, scores: Any) -> np.ndarray:
    """(1 + how many calibration scores are at least as large) / (1 + how many there are).

    Where x is drawn as the calibration data were, and those were not used for training, P(p-value ≤ α) ≤ α: an alarm at
    p ≤ α is false with a probability of at most α, whatever the model is worth (Vovk, Gammerman and Shafer 2005).
    """
    ordered, scores = np.sort(_scores(calibration)), _scores(scores)
    if not len(ordered):
        raise ValueError("conformal p-values need at least one calibration score")
    at_least = len(ordered) - np.searchsorted(ordered, scores, side="left")
    return (1 + at_least) / (1 + len(ordered))


def roc_curve(normal: Any, anomalous: Any) -> tuple[np.ndarray, np.ndarray]:
    """False alarms and detections, as fractions, when everything that scores at least t is called an anomaly.

    From (0, 0), where nothing does, over every t at which something changes, to (1, 1).
    """
    normal, anomalous = _scores(normal), _scores(anomalous)
    if not (len(normal) and len(anomalous)):
        raise ValueError(f"a ROC curve needs scores of both kinds, got {len(normal)} and {len(anomalous)}")
    thresholds = np.unique(np.concatenate([normal, anomalous]))[::-1]
    reached = lambda scores: 1 - np.searchsorted(np.sort(scores), thresholds, side="left") / len(scores)
    return np.append(0, reached(normal)), np.append(0, reached(anomalous))


def _scores(scores: Any) -> np.ndarray:
    scores = np.asarray(scores, float)
    if np.isnan(scores).any():
        raise ValueError(
            f"{np.isnan(scores).sum()} of {scores.size} scores are nan, which is no more and no less strange"
        )
    return scores


def auc(normal: Any, anomalous: Any) -> float:
    """The area under the ROC curve: P(an anomaly scores higher than a normal one) + ½ P(they score the same)."""
    false_alarms, detections = roc_curve(normal, anomalous)
    return float(np.trapezoid(detections, false_alarms))


# -- completion and denoising


def posterior_sample(
    model: ExplicitModel, evidence: Any, sweeps: int = 20, *, rng: RNGLike = None
) -> tuple[np.ndarray, np.ndarray]:
    """Binary images given evidence about each pixel, p(x | e) ∝ p(x) Πᵢ e^{eᵢ xᵢ}, by Gibbs sampling.

    Each sweep redraws every pixel from its distribution given all others, whose logit is
    ln p(xᵢ=1, rest) − ln p(xᵢ=0, rest) + eᵢ. After many sweeps the images are draws of the posterior, whichever
    explicit model it is; where the missing pixels come last in a model's order, its own `complete` draws them exactly.
    A sweep takes D evaluations of `log_prob`.
    Raises ValueError unless the model is of binary pixels, and gives all of them probabilities above 0.

    evidence: (n, D) log-odds for 1 against 0; +∞ or −∞ where a pixel is known, 0 where nothing is.
    Returns (n, D) images after the last sweep, and (n, D) estimates of P(xᵢ = 1 | e): the mean over the second half of
    the sweeps of the probabilities that pixels were drawn from.
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
    """`log_probs`, refused where one is −∞: between images that cannot happen, Gibbs sampling does not move."""
    log_p = log_probs(model, x)
    if not np.all(np.isfinite(log_p)):
        raise ValueError(f"{type(model).__name__} gives some images probability 0: fit it with smoothing above 0")
    return log_p


def complete(
    model: ExplicitModel, x: Any, seen: Any, sweeps: int = 20, *, rng: RNGLike = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draws of the pixels that are not seen, given the others, by Gibbs sampling: for any mask and any binary model.

    x: (n, D), anything where not seen. seen: boolean, (D,) or (n, D). sweeps: how often each pixel is drawn.
    Returns (n, D) images and (n, D) probabilities of 1, as `posterior_sample`.
    """
    rng = np.random.default_rng(rng)
    x, seen = explicit(model).given(x, seen)
    return posterior_sample(model, np.where(seen, np.where(x == 1, np.inf, -np.inf), 0), sweeps, rng=rng)


def denoise(
    model: ExplicitModel, noisy: Any, flip: float, sweeps: int = 20, *, rng: RNGLike = None
) -> tuple[np.ndarray, np.ndarray]:
    """What an image was before each pixel was flipped with probability `flip`.  noisy: (n, D) → as `posterior_sample`.

    A pixel seen as 1 is evidence ln (1 − flip)/flip for a 1, and one seen as 0 for a 0.
    """
    rng = np.random.default_rng(rng)
    if not 0 < flip < 1:
        raise ValueError(f"flip is a probability between 0 and 1, got {flip}")
    return posterior_sample(
        model, (2 * explicit(model).checked(noisy) - 1) * np.log((1 - flip) / flip), sweeps, rng=rng
    )
