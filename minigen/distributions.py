"""Probability distributions in unconstrained parameters: logits and log-variances, never clamped probabilities.

Every one has `log_prob` in nats, `sample`, and where closed forms exist `entropy` and `kl_divergence`, in nats too; the
last two take finite parameters, and from a `Categorical` logits of −∞ too (tables with zeros go to `divergences`).
Parameters may be arrays or Tensors; those of `Normal` and `MultivariateNormal` pass their gradients on to samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import backend, primitive
from autograd.rules.special import log_softmax, logsumexp, softmax
from minigen.nn.arrays import RNGLike, identity, plain, solve, standard_normal
from minigen.nn.functions import sigmoid
from minigen.nn.kernels import fused

LOG_TWO_PI = float(np.log(2 * np.pi))


@fused
def bernoulli_score(g, x, logits):
    """g (x − σ(l))."""
    return g * (x - sigmoid(logits))


@primitive(None, lambda g, y, x, logits: bernoulli_score(g, x, logits), broadcasts=True)
@fused
def bernoulli_log_prob(x, logits):
    """ln p(x) of each element, in nats:  x ln σ(l) + (1 − x) ln(1 − σ(l))  =  min((2x − 1) l, 0) − ln(1 + e^−|l|).

    x: in {0, 1}, data without a gradient; logits: l = ln p/(1−p), of shapes that broadcast.
    The right-hand form is right for every l, ±∞ too, and its derivative is x − σ(l), the Bernoulli's score (I-6). Its
    error is absolute, one rounding of 1: `log1p` would be right where ln p is next to nothing, and is 3 times slower.
    """
    logits = backend.asarray(logits)
    sign = 2 * (x if isinstance(x, int | float) else backend.asarray(x, logits.dtype)) - 1
    return np.minimum(sign * logits, 0) - np.log(1 + np.exp(-np.abs(logits)))


def bernoulli_sample(logits, *, rng: RNGLike = None):
    """One draw of 0 or 1 for each logit, in the logits' dtype."""
    rng = np.random.default_rng(rng)
    uniform = backend.beside(rng.random(np.shape(logits)), logits)
    return (uniform < sigmoid(logits)).astype(logits.dtype)


def questions_log_prob(x: Any, logits: Any) -> Any:
    """ln p(x) of one of K outcomes, found by at most K − 1 questions: is it more than 0? more than 1? …

    The j-th logit is ln p(x > j) / p(x = j), so K outcomes need K − 1 parameters, and two outcomes are a Bernoulli
    variable. By the chain rule ln p(x) adds the answers up to the first "no". Statistics calls these the
    continuation-ratio logits; unlike a softmax's they have no redundant one, and ±∞ is a probability of exactly 0.

    x: (…) integers in 0 … K−1; logits: (…, K−1) → (…).
    """
    question = np.arange(logits.shape[-1])
    yes = (x[..., None] > question).astype(logits.dtype)
    asked = x[..., None] >= question
    return np.sum(np.where(asked, bernoulli_log_prob(yes, logits), 0), axis=-1)


def questions_sample(logits: np.ndarray, *, rng: RNGLike = None) -> np.ndarray:
    """Draws from the distribution of `questions_log_prob`: the number of times "yes" before the first "no"."""
    return np.cumprod(bernoulli_sample(logits, rng=rng), axis=-1).sum(axis=-1).astype(int)


@dataclass(frozen=True, eq=False)
class Bernoulli:
    """p(x) = σ(l)ˣ (1 − σ(l))¹⁻ˣ.  logits: l, (…)."""

    logits: Any

    event_dims = 0

    def log_prob(self, x: Any) -> Any:
        """ln p(x) of every variable, refused unless x is 0 or 1.  (…) → (…)."""
        x = backend.asarray(x, plain(self.logits).dtype)
        if backend.on_host(x) and not np.all((x == 0) | (x == 1)):
            raise ValueError(f"a Bernoulli variable is 0 or 1, got values from {x.min():g} to {x.max():g}")
        return bernoulli_log_prob(x, self.logits)

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> np.ndarray:
        """`shape` draws of every variable, each 0 or 1: (*shape, …)."""
        logits = plain(self.logits)
        return bernoulli_sample(np.broadcast_to(logits, shape + logits.shape), rng=rng)

    def entropy(self) -> Any:
        """ln(1 + eˡ) − l σ(l)."""
        return np.logaddexp(0, self.logits) - self.logits * sigmoid(self.logits)

    def kl_divergence(self, other: Bernoulli) -> Any:
        """σ(l) (l − m) − ln(1 + eˡ) + ln(1 + eᵐ)."""
        l, m = self.logits, other.logits  # noqa: E741
        return sigmoid(l) * (l - m) - np.logaddexp(0, l) + np.logaddexp(0, m)


@dataclass(frozen=True, eq=False)
class Categorical:
    """p(x = k) = e^{l_k} / Σⱼ e^{lⱼ}.  logits: l, (…, K)."""

    logits: Any

    event_dims = 0

    def log_prob(self, x: Any) -> Any:
        """x: (…) integers in 0 … K−1."""
        log_p, x = log_softmax(self.logits, axis=-1), backend.asarray(x)[..., None]
        if backend.on_host(x) and not np.all((x >= 0) & (x < log_p.shape[-1])):
            raise ValueError(f"the outcomes are 0 … {log_p.shape[-1] - 1}, got values from {x.min()} to {x.max()}")
        batch = np.broadcast_shapes(x.shape[:-1], log_p.shape[:-1])
        log_p, x = np.broadcast_to(log_p, (*batch, log_p.shape[-1])), np.broadcast_to(x, (*batch, 1))
        return np.take_along_axis(log_p, x, axis=-1)[..., 0]

    @property
    def probs(self) -> Any:
        """p(x = k) for each k: (…, K)."""
        return softmax(self.logits, axis=-1)

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> np.ndarray:
        """The largest of l + G, where the G are Gumbel variables (the Gumbel-max trick): (*shape, …)."""
        rng = np.random.default_rng(rng)
        logits = plain(self.logits)
        return np.argmax(logits + backend.beside(rng.gumbel(size=shape + logits.shape), logits), axis=-1)

    def entropy(self) -> Any:
        """−Σ p ln p over the outcomes with p > 0: a logit may be −∞."""
        log_p = log_softmax(self.logits, axis=-1)
        p = np.exp(log_p)
        return -np.sum(p * np.where(p > 0, log_p, 0), axis=-1)

    def kl_divergence(self, other: Categorical) -> Any:
        """Σ p (ln p − ln q) over the outcomes with p > 0, and ∞ if q is 0 for one of them: a logit may be −∞."""
        log_p, log_q = log_softmax(self.logits, axis=-1), log_softmax(other.logits, axis=-1)
        p = np.exp(log_p)
        return np.sum(p * (np.where(p > 0, log_p, 0) - np.where(p > 0, log_q, 0)), axis=-1)


@dataclass(frozen=True, eq=False)
class Normal:
    """N(μ, σ²), each element for itself.  mean: μ, log_var: ln σ², of shapes that broadcast."""

    mean: Any
    log_var: Any

    event_dims = 0

    def log_prob(self, x: Any) -> Any:
        """−½ (ln 2π + ln σ² + (x − μ)² / σ²)."""
        return -0.5 * (LOG_TWO_PI + self.log_var + (x - self.mean) ** 2 * np.exp(-self.log_var))

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> Any:
        """μ + σ ε with ε ~ N(0, 1), a differentiable function of μ and σ: (*shape, …)."""
        batch = np.broadcast_shapes(np.shape(self.mean), np.shape(self.log_var))
        noise = standard_normal(shape + batch, beside=self.log_var, rng=rng)
        return self.mean + np.exp(0.5 * self.log_var) * noise

    def entropy(self) -> Any:
        """½ (ln 2π + 1 + ln σ²)."""
        return 0.5 * (LOG_TWO_PI + 1 + self.log_var + np.zeros_like(plain(self.mean)))

    def kl_divergence(self, other: Normal) -> Any:
        """½ ((σ² + (μ − m)²) / s² − 1 + ln s² − ln σ²), for `other` N(m, s²)."""
        difference = self.log_var - other.log_var
        return 0.5 * (np.exp(difference) + (self.mean - other.mean) ** 2 * np.exp(-other.log_var) - 1 - difference)


@dataclass(frozen=True, eq=False)
class Independent:
    """Independent variables as one vector: p(x) = Πᵢ pᵢ(xᵢ) over the last axis.

    base: one of the distributions of single variables, over (…, D) of them.
    """

    base: Any

    @property
    def event_dims(self) -> int:
        """How many of the last axes make one event: one more than those of `base`."""
        return self.base.event_dims + 1

    @property
    def mean(self) -> Any:
        """E[x], (…, D)."""
        return self.base.mean

    def log_prob(self, x: Any) -> Any:
        """Σᵢ ln pᵢ(xᵢ).  (…, D) → (…)."""
        return np.sum(self.base.log_prob(x), axis=-1)

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> Any:
        """`shape` draws of the whole vector: (*shape, …, D)."""
        return self.base.sample(shape, rng=rng)

    def entropy(self) -> Any:
        """Σᵢ H(pᵢ)."""
        return np.sum(self.base.entropy(), axis=-1)

    def kl_divergence(self, other: Independent | MultivariateNormal) -> Any:
        """Σᵢ KL(pᵢ ‖ qᵢ)."""
        if isinstance(other, MultivariateNormal):
            return multivariate(self).kl_divergence(other)
        return np.sum(self.base.kl_divergence(other.base), axis=-1)


def diagonal_normal(mean: Any, log_var: Any) -> Independent:
    """N(μ, diag σ²) over vectors.  mean: μ, log_var: ln σ², (…, D)."""
    return Independent(Normal(mean, log_var))


def multivariate(p: Independent) -> MultivariateNormal:
    """A diagonal normal distribution written with its L = diag σ."""
    mean, log_var = p.base.mean, p.base.log_var
    sigma = np.exp(0.5 * log_var) + np.zeros_like(plain(mean))
    return MultivariateNormal(mean, sigma[..., None] * identity(sigma.shape[-1], sigma))


@dataclass(frozen=True, eq=False)
class MultivariateNormal:
    """N(μ, L Lᵀ).  mean: μ, (…, D); scale_tril: L, (…, D, D), lower triangular with a positive diagonal."""

    mean: Any
    scale_tril: Any

    event_dims = 1

    def log_prob(self, x: Any) -> Any:
        """−½ (D ln 2π + ‖L⁻¹ (x − μ)‖²) − ln |L|.  x: (…, D) → (…)."""
        z = solve(self.scale_tril, (x - self.mean)[..., None])[..., 0]
        return -0.5 * (z.shape[-1] * LOG_TWO_PI + np.sum(z**2, axis=-1)) - self._log_det()

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> Any:
        """μ + L ε with ε ~ N(0, I), a differentiable function of μ and L: (*shape, …, D)."""
        batch = np.broadcast_shapes(np.shape(self.mean), np.shape(self.scale_tril)[:-1])
        noise = standard_normal(shape + batch, beside=self.scale_tril, rng=rng)
        return self.mean + (self.scale_tril @ noise[..., None])[..., 0]

    def entropy(self) -> Any:
        """½ D (ln 2π + 1) + ln |L|."""
        return 0.5 * np.shape(self.mean)[-1] * (LOG_TWO_PI + 1) + self._log_det()

    def kl_divergence(self, other: MultivariateNormal | Independent) -> Any:
        """½ (‖M⁻¹ L‖² + ‖M⁻¹ (μ − m)‖² − D) + ln |M| − ln |L|, for `other` N(m, M Mᵀ)."""
        if isinstance(other, Independent):
            other = multivariate(other)
        scale = solve(other.scale_tril, self.scale_tril)
        shift = solve(other.scale_tril, (self.mean - other.mean)[..., None])
        squares = np.sum(scale**2, axis=(-1, -2)) + np.sum(shift**2, axis=(-1, -2))
        return 0.5 * (squares - np.shape(self.mean)[-1]) + other._log_det() - self._log_det()

    def _log_det(self) -> Any:
        """ln |L|: the sum of the logarithms of its diagonal."""
        return np.sum(np.log(np.diagonal(self.scale_tril, 0, -2, -1)), axis=-1)


@dataclass(frozen=True, eq=False)
class Mixture:
    """p(x) = Σ_c π_c p_c(x), π = softmax(l).

    logits: l, (…, C); components: one of the distributions above, over (…, C) variables. Entropy and KL
    of a mixture have no closed form: estimate them, with `divergences.estimate_entropy` and `estimate_kl_divergence`.
    """

    logits: Any
    components: Any

    @property
    def event_dims(self) -> int:
        """How many of the last axes make one event: as for each component."""
        return self.components.event_dims

    def log_prob(self, x: Any) -> Any:
        """ln Σ_c exp(ln π_c + ln p_c(x))."""
        each = self.components.log_prob(np.expand_dims(x, -1 - self.event_dims))
        return logsumexp(log_softmax(self.logits, axis=-1) + each, axis=-1)

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> np.ndarray:
        """First the component, then the value: (*shape, …)."""
        rng = np.random.default_rng(rng)
        values = plain(self.components.sample(shape, rng=rng))
        batch = values.shape[: values.ndim - self.event_dims - 1]
        logits = np.broadcast_to(plain(self.logits), (*batch, values.shape[len(batch)]))
        chosen = Categorical(logits).sample(rng=rng).reshape(*batch, *(1,) * (self.event_dims + 1))
        return np.take_along_axis(values, chosen, axis=len(batch)).squeeze(len(batch))

    def posterior(self, x: Any) -> Any:
        """p(c | x), by Bayes' rule: which component x came from.  (…, C)."""
        each = self.components.log_prob(np.expand_dims(x, -1 - self.event_dims))
        return softmax(log_softmax(self.logits, axis=-1) + each, axis=-1)
