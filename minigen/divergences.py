"""What one distribution says about another, and variables about each other, in nats (lecture: Conditional Independence,
Variational inference, GAN).

A distribution over a finite space is its table of probabilities. A joint table has one axis for each variable, and
`a`, `b`, `given` name variables by their axes. A density on the line becomes a table by a rule of quadrature, the
masses p(xᵢ) wᵢ (`quadrature.masses`): then every sum here is the integral.
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
    """H(p) = −Σ p ln p."""
    return np.sum(entr(_table(p)))


def kl_divergence(p: Any, q: Any) -> Any:
    """KL(p ‖ q) = Σ p ln p/q: at least 0, and 0 only where p = q; ∞ where p is positive and q is 0."""
    return np.sum(rel_entr(*_pair(p, q)))


def js_divergence(p: Any, q: Any) -> Any:
    """JSD(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½ (p + q): symmetric, between 0 and ln 2."""
    p, q = _pair(p, q)
    m = 0.5 * (p + q)
    return 0.5 * kl_divergence(p, m) + 0.5 * kl_divergence(q, m)


def optimal_discriminator(p_data: Any, p_G: Any) -> Any:
    """D* = p_data / (p_data + p_G): the D that raises V(D, G) to its most, state by state; ½ where both are 0, which V
    does not see (lecture: GAN, Discriminator)."""
    p_data, p_G = _pair(p_data, p_G)
    total = p_data + p_G
    return np.where(total == 0, 0.5, p_data / np.where(total == 0, 1, total))


def value(p_data: Any, p_G: Any, logits: Any) -> Any:
    """V(D, G) = Σ p_data ln D + Σ p_G ln(1 − D), D = σ(logits): the expectations that `gan.value` estimates."""
    p_data, p_G = _pair(p_data, p_G)
    if np.shape(logits) != p_data.shape:
        raise ValueError(f"each of the states {p_data.shape} has one logit, got shape {np.shape(logits)}")
    return np.sum(_weighted(p_data, bernoulli_log_prob(1, logits)) + _weighted(p_G, bernoulli_log_prob(0, logits)))


def optimal_value(p_data: Any, p_G: Any) -> Any:
    """V(D*, G) = Σ p_data ln p_data/(p_data + p_G) + Σ p_G ln p_G/(p_data + p_G), which is 2 JSD(p_data, p_G) − log 4
    (lecture: GAN, Generator): from −log 4, where both are equal, to 0, where they share no state."""
    p_data, p_G = _pair(p_data, p_G)
    return np.sum(rel_entr(p_data, p_data + p_G) + rel_entr(p_G, p_data + p_G))


def wasserstein_distance(x: Any, y: Any) -> Any:
    """W₁ = E|x₍ᵢ₎ − y₍ᵢ₎| of two samples on the line, as many points each: in order of size, the cheapest way to carry
    one onto the other.  x, y: (n,), in their own unit."""
    if np.ndim(x) != 1 or np.shape(x) != np.shape(y) or not len(x):
        raise ValueError(f"two samples on the line are (n,), n at least 1, got shapes {np.shape(x)} and {np.shape(y)}")
    return np.mean(np.abs(np.sort(x) - np.sort(y)))


def marginal(joint: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """The joint table of some variables alone, in the joint's order, the others summed out."""
    if not set(axes) <= set(range(joint.ndim)):
        raise ValueError(f"variables are named by their axes 0 … {joint.ndim - 1}, got {list(axes)}")
    return np.sum(joint, axis=tuple(i for i in range(joint.ndim) if i not in axes))


def total_correlation(joint: np.ndarray) -> Any:
    """Σᵢ H(Xᵢ) − H(X): what is lost by taking the variables as independent, KL(p ‖ Πᵢ pᵢ)."""
    return sum(entropy(marginal(joint, [i])) for i in range(joint.ndim)) - entropy(joint)


def conditional_mutual_information(joint: np.ndarray, a: Sequence[int], b: Sequence[int], given: Sequence[int]) -> Any:
    """I(A; B | Z) = H(A, Z) + H(B, Z) − H(A, B, Z) − H(Z): 0 exactly where A ⊥ B | Z."""
    a, b, z = list(a), list(b), list(given)
    if len({*a, *b, *z}) < len(a + b + z):
        raise ValueError(f"a variable stands on one side only, got a={a}, b={b}, given={z}")
    h = lambda axes: entropy(marginal(joint, axes))
    return h(a + z) + h(b + z) - h(a + b + z) - h(z)


def mutual_information(joint: np.ndarray, a: Sequence[int], b: Sequence[int]) -> Any:
    """I(A; B) = H(A) + H(B) − H(A, B)."""
    return conditional_mutual_information(joint, a, b, given=())


def estimate_entropy(p: Any, n: int = 10_000, *, rng: RNGLike = None) -> tuple[float, float]:
    """−E_p[ln p(x)] from `n` draws of one of `distributions`, and its standard error: where there is no closed form."""
    return mean_and_error(-plain(p.log_prob(p.sample((n,), rng=rng))))


def estimate_kl_divergence(p: Any, q: Any, n: int = 10_000, *, rng: RNGLike = None) -> tuple[float, float]:
    """E_p[ln p(x) − ln q(x)] from `n` draws of p, and its standard error."""
    x = p.sample((n,), rng=rng)
    return mean_and_error(plain(p.log_prob(x)) - plain(q.log_prob(x)))


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean of independent values and the standard error of that mean, s / √n, where s² has the divisor n − 1.

    values: draws of one distribution, or one value for each image, (n,) with n ≥ 2.

    Raises ValueError if the values have more than one axis or are fewer than two.
    """
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(
            f"a standard error needs values of one distribution at a time, 2 or more: expected (n,), got {values.shape}"
        )
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _weighted(p: Any, x: Any) -> Any:
    """p x, which is 0 where p is, for an x of −∞ too."""
    return np.where(plain(p) == 0, 0, p * np.where(plain(p) == 0, 0, x))


def _pair(p: Any, q: Any) -> tuple[Any, Any]:
    """Two tables over one space, checked."""
    p, q = _table(p), _table(q)
    if p.shape != q.shape:
        raise ValueError(f"two distributions over one space have one shape, got {p.shape} and {q.shape}")
    return p, q


def _table(p: Any) -> Any:
    """`p`, refused unless it is a table of probabilities."""
    p = p if isinstance(p, Tensor) else np.asarray(p)
    total = np.sum(p)
    if not (np.all(p >= 0) and abs(total - 1) < 1e-4):
        raise ValueError(
            f"probabilities are at least 0 and sum to 1; these sum to {total:g}, the least is {np.min(p):g}"
        )
    return p
