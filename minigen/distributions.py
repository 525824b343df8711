"""Probability distributions as functions of their natural parameters: logits, never clamped probabilities."""

import numpy as np

from autograd import primitive
from minigen.functions import sigmoid


@primitive(lambda g, y, x, logits: g * logits, lambda g, y, x, logits: g * (x - sigmoid(logits)))
def bernoulli_log_prob(x, logits):
    """ln p(x) of each element, in nats:  x ln σ(l) + (1 − x) ln(1 − σ(l))  =  x l − ln(1 + eˡ).

    x: in {0, 1}; logits: l = ln p/(1−p), of the same shape. The right-hand form is finite for every finite l, and its
    derivative is x − σ(l), the score of the Bernoulli distribution (I-6).
    """
    return x * logits - (np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits))))


def bernoulli_sample(rng, logits):
    """One draw of 0 or 1 for each logit, in the logits' dtype."""
    return (rng.random(np.shape(logits)) < sigmoid(logits)).astype(logits.dtype)
