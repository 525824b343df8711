"""Entropies and divergences of distributions and the information between variables, in nats (lecture: Conditional
Independence, Variational inference, GAN).

A distribution over a finite space is its table of probabilities. A joint table has one axis for each variable, and
`a`, `b` and `given` name variables by their axes. A density on the real line becomes a table by a rule of quadrature,
the masses p(xᵢ) wᵢ (`quadrature.masses`). The sums here are then the integrals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.rules.special import entr, rel_entr
from minigen.distributions import bernoulli_log_prob
from minigen.nn.arrays import RNGLike, plain


def entropy(p: Any) -> Any:
    """Entropy H(p) = −Σ p ln p, in nats, a scalar; 0 ln 0 = 0.

    p: probabilities, any shape; ValueError if one is negative or |Σ p − 1| ≥ 10⁻⁴.
    """
    return np.sum(entr(_table(p)))


def kl_divergence(p: Any, q: Any) -> Any:
    """KL(p ‖ q) = Σ p ln p/q in nats, a scalar ≥ 0: 0 only if p = q, and ∞ if q is 0 where p is positive.

    p, q: tables of probabilities of one shape, else ValueError.
    """
    return np.sum(rel_entr(*_pair(p, q)))


def js_divergence(p: Any, q: Any) -> Any:
    """JSD(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½ (p + q), in nats: symmetric, from 0 to ln 2.

    p, q: tables of probabilities of one shape, else ValueError.
    """
    p, q = _pair(p, q)
    m = 0.5 * (p + q)
    return 0.5 * kl_divergence(p, m) + 0.5 * kl_divergence(q, m)


def optimal_discriminator(p_data: Any, p_G: Any) -> Any:
    """D* = p_data / (p_data + p_G) for each state: the D that maximises V(D, G).

    V = Σ p_data ln D + Σ p_G ln(1 − D) (lecture: GAN, Discriminator).
    p_data, p_G: tables of probabilities of one shape, else ValueError.
    Returns such a table, ½ where both are 0: V does not depend on D there.
    """
    p_data, p_G = _pair(p_data, p_G)
    total = p_data + p_G
    return np.where(total == 0, 0.5, p_data / np.where(total == 0, 1, total))


def value(p_data: Any, p_G: Any, logits: Any) -> Any:
    """V(D, G) = Σ p_data ln D + Σ p_G ln(1 − D) in nats, D = σ(logits): the exact sum that `gan.value` estimates.

    p_data, p_G: tables of probabilities; logits: the discriminator's logit of each state. All have one shape.

    Raises ValueError if the logits have another shape.
    """
    p_data, p_G = _pair(p_data, p_G)
    if np.shape(logits) != p_data.shape:
        raise ValueError(f"each of the states {p_data.shape} has one logit, got shape {np.shape(logits)}")
    return np.sum(_weighted(p_data, bernoulli_log_prob(1, logits)) + _weighted(p_G, bernoulli_log_prob(0, logits)))


def optimal_value(p_data: Any, p_G: Any) -> Any:
    """V(D*, G) = Σ p_data ln p_data/(p_data + p_G) + Σ p_G ln p_G/(p_data + p_G), nats.

    V(D*, G) equals 2 JSD(p_data, p_G) − log 4 (lecture: GAN, Generator): −log 4 if both
    tables are equal, 0 if no state has positive probability in both.

    p_data, p_G: tables of probabilities of one shape, else ValueError.
    """
    p_data, p_G = _pair(p_data, p_G)
    return np.sum(rel_entr(p_data, p_data + p_G) + rel_entr(p_G, p_data + p_G))


def wasserstein_distance(x: Any, y: Any) -> Any:
    """W₁ distance of two samples on the real line, E|x₍ᵢ₎ − y₍ᵢ₎| over the sorted points, in the unit of x and y.

    x, y: (n,), as many points each. Matching points by rank is the cheapest way to move one sample onto the other.

    Raises ValueError unless x and y have the same shape (n,) with n ≥ 1.
    """
    if np.ndim(x) != 1 or np.shape(x) != np.shape(y) or not len(x):
        raise ValueError(f"two samples on the line are (n,), n at least 1, got shapes {np.shape(x)} and {np.shape(y)}")
    return np.mean(np.abs(np.sort(x) - np.sort(y)))


def marginal(joint: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Marginal table of the variables `axes`: all other variables of the joint table are summed out.

    joint: probabilities, an axis for each variable. axes: which variables to keep; they stay in the order of `joint`.

    Raises ValueError if an axis is not one of 0 … joint.ndim − 1.
    """
    if not set(axes) <= set(range(joint.ndim)):
        raise ValueError(f"variables are named by their axes 0 … {joint.ndim - 1}, got {list(axes)}")
    return np.sum(joint, axis=tuple(i for i in range(joint.ndim) if i not in axes))


def total_correlation(joint: np.ndarray) -> Any:
    """Total correlation Σᵢ H(Xᵢ) − H(X) = KL(p ‖ Πᵢ pᵢ) in nats: the cost of a model with independent variables.

    joint: table of probabilities p, an axis for each variable; ValueError unless it sums to 1.
    """
    return sum(entropy(marginal(joint, [i])) for i in range(joint.ndim)) - entropy(joint)


def conditional_mutual_information(
    joint: np.ndarray,
    a: Sequence[int],
    b: Sequence[int],
    given: Sequence[int],
) -> Any:
    """I(A; B | Z) = H(A, Z) + H(B, Z) − H(A, B, Z) − H(Z) in nats.

    It is 0 if and only if A ⊥ B | Z.
    joint: table of probabilities, an axis for each variable.
    a, b, given: the axes, counted from 0, of the variables in A, B and Z.
    All others are summed out.

    Raises ValueError if an axis is named twice or is not one of the table's.
    """
    a, b, z = list(a), list(b), list(given)
    if len({*a, *b, *z}) < len(a + b + z):
        got = f"a={a}, b={b}, given={z}"
        raise ValueError(f"a variable may be in only one of a, b and given, got {got}")
    h = lambda axes: entropy(marginal(joint, axes))
    return h(a + z) + h(b + z) - h(a + b + z) - h(z)


def mutual_information(joint: np.ndarray, a: Sequence[int], b: Sequence[int]) -> Any:
    """I(A; B) = H(A) + H(B) − H(A, B) in nats: 0 if and only if A ⊥ B, up to rounding.

    joint: table of probabilities, an axis for each variable. a, b: the axes of the variables in A and in B; all others
    are summed out. Raises ValueError if an axis is named twice, or unless the table sums to 1.
    """
    return conditional_mutual_information(joint, a, b, given=())


def estimate_entropy(p: Any, n: int = 10_000, *, rng: RNGLike = None) -> tuple[float, float]:
    """Monte Carlo estimate of the entropy −E_p[ln p(x)] and its standard error, in nats, from `n` draws.

    p: one distribution of `distributions`, without a batch, with `sample` and `log_prob`, such as a Mixture.
    """
    return mean_and_error(-plain(p.log_prob(p.sample((n,), rng=rng))))


def estimate_kl_divergence(p: Any, q: Any, n: int = 10_000, *, rng: RNGLike = None) -> tuple[float, float]:
    """Monte Carlo estimate of KL(p ‖ q) = E_p[ln p(x) − ln q(x)] and its standard error, in nats, from `n` draws of p.

    p, q: distributions of `distributions`, without a batch, with `sample` and `log_prob`, over one space.
    """
    x = p.sample((n,), rng=rng)
    return mean_and_error(plain(p.log_prob(x)) - plain(q.log_prob(x)))


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean of independent values and one standard error of this mean, s / √n, where s² has the divisor n − 1.

    values: (n,) with n ≥ 2: draws of one distribution, or one value for each image. Every ± of a likelihood is this
    number. With one value for each image it says how the mean varies between sets of n test images. The model is fixed:
    the number does not contain the variation between trainings.
    If a value is ∞ or −∞, the mean is that value and its standard error is ∞.

    Raises ValueError if the values have more than one axis, are fewer than two, or have no mean: a nan among them, or
    both ∞ and −∞.
    """
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(
            f"a standard error needs values of one distribution at a time, 2 or more: expected (n,), got {values.shape}"
        )
    without_mean = np.isnan(values) | (np.isposinf(values) & np.isneginf(values).any())
    if without_mean.any():
        row = int(without_mean.argmax())
        raise ValueError(
            f"value {row} of {len(values)} is {values[row]}, so they have no mean: compute them inside "
            "autograd.detect_anomaly(), which names the operation that made the first nan"
        )
    if np.isinf(values).any():
        return float(values.mean()), np.inf
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _weighted(p: Any, x: Any) -> Any:
    """p x, and 0 wherever p is 0, even if x is −∞ there."""
    return p * np.where(plain(p) == 0, 0, x)


def _pair(p: Any, q: Any) -> tuple[Any, Any]:
    """Two tables of probabilities, checked, of one shape. Raises ValueError otherwise."""
    p, q = _table(p), _table(q)
    if p.shape != q.shape:
        raise ValueError(f"two distributions over one space have one shape, got {p.shape} and {q.shape}")
    return p, q


def _table(p: Any) -> Any:
    """`p`, checked: raises ValueError unless p is a table of probabilities that sums to 1."""
    p = p if isinstance(p, Tensor) else np.asarray(p)
    total = np.sum(p)
    if not (np.all(p >= 0) and abs(total - 1) < 1e-4):
        raise ValueError(
            f"probabilities are at least 0 and sum to 1; these sum to {total:g}, the least is {np.min(p):g}"
        )
    return p
