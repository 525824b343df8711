"""What one distribution says about another, and variables about each other, in nats (lecture: Conditional Independence,
Variational inference, GAN).

A distribution over a finite space is its table of probabilities. A joint table has one axis for each variable, and
`a`, `b`, `given` name variables by their axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.rules.special import entr, rel_entr
from minigen.distributions import plain


def entropy(p: Any) -> Any:
    """H(p) = −Σ p ln p."""
    return np.sum(entr(_table(p)))


def kl_divergence(p: Any, q: Any) -> Any:
    """KL(p ‖ q) = Σ p ln p/q: at least 0, and 0 only where p = q; ∞ where p is positive and q is 0."""
    p, q = _table(p), _table(q)
    if p.shape != q.shape:
        raise ValueError(f"two distributions over one space have one shape, got {p.shape} and {q.shape}")
    return np.sum(rel_entr(p, q))


def js_divergence(p: Any, q: Any) -> Any:
    """JSD(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½ (p + q): symmetric, between 0 and ln 2."""
    p, q = _table(p), _table(q)
    m = 0.5 * (p + q)
    return 0.5 * kl_divergence(p, m) + 0.5 * kl_divergence(q, m)


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


def estimate_entropy(p: Any, rng: np.random.Generator, n: int = 10_000) -> tuple[float, float]:
    """−E_p[ln p(x)] from `n` draws of one of `distributions`, and its standard error: where there is no closed form."""
    return _mean_and_error(-plain(p.log_prob(p.sample(rng, (n,)))))


def estimate_kl_divergence(p: Any, q: Any, rng: np.random.Generator, n: int = 10_000) -> tuple[float, float]:
    """E_p[ln p(x) − ln q(x)] from `n` draws of p, and its standard error."""
    x = p.sample(rng, (n,))
    return _mean_and_error(plain(p.log_prob(x)) - plain(q.log_prob(x)))


def _mean_and_error(values: np.ndarray) -> tuple[float, float]:
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"estimate one distribution at a time, from 2 draws or more; got {values.shape} values")
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _table(p: Any) -> Any:
    """`p`, refused unless it is a table of probabilities."""
    p = p if isinstance(p, Tensor) else np.asarray(p)
    total = float(np.sum(p))
    if not (np.all(p >= 0) and abs(total - 1) < 1e-4):
        raise ValueError(
            f"probabilities are at least 0 and sum to 1; these sum to {total:g}, the least is {np.min(p):g}"
        )
    return p
