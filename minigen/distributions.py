"""Probability distributions in unconstrained parameters: logits and log-variances, never clamped probabilities.

Each distribution has `log_prob` in nats and `sample`. Where closed forms exist it has `entropy` and `kl_divergence`,
in nats too, for finite parameters; a `Categorical` may have logits of −∞ there. Tables of probabilities with zeros
belong to `divergences`. `event_dims` is the number of last axes that make one event: 0 for a number, 1 for a vector.

Parameters are arrays or Tensors of shape (…), one distribution for each element of the batch (…). Gradients flow
through the samples of `Normal` and `MultivariateNormal` to their parameters.
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
    """g (x − σ(l)): the gradient of `bernoulli_log_prob` with respect to the logits l, times g.

    g: incoming gradient. x: 0 or 1. logits: l. All have shapes that broadcast.
    """
    return g * (x - sigmoid(logits))


@primitive(None, lambda g, y, x, logits: bernoulli_score(g, x, logits), broadcasts=True)
@fused
def bernoulli_log_prob(x, logits):
    """ln p(x) of each element, in nats:  x ln σ(l) + (1 − x) ln(1 − σ(l))  =  min((2x − 1) l, 0) − ln(1 + e^−|l|).

    x: 0 or 1, without a gradient; logits: l = ln p/(1−p), where p = p(x = 1). Their shapes broadcast.
    The right-hand form is correct for every l, ±∞ too. Its derivative, the Bernoulli's score, is x − σ(l) (test I-6).
    The absolute error is one rounding of 1. `log1p` would be accurate for a ln p close to 0 too, but is 3 times slower.
    """
    logits = backend.asarray(logits)
    sign = 2 * (x if isinstance(x, int | float) else backend.asarray(x, logits.dtype)) - 1
    return np.minimum(sign * logits, 0) - np.log(1 + np.exp(-np.abs(logits)))


def bernoulli_sample(logits, *, rng: RNGLike = None):
    """Draw 0 or 1 for each logit l, 1 with probability σ(l).  logits: (…) → (…), in the logits' dtype."""
    rng = np.random.default_rng(rng)
    uniform = backend.beside(rng.random(np.shape(logits)), logits)
    return (uniform < sigmoid(logits)).astype(logits.dtype)


def questions_log_prob(x: Any, logits: Any) -> Any:
    """ln p(x) of outcomes 0 … K−1, in nats, each found by up to K−1 yes-no questions: is x > 0? is x > 1? …

    logits: (…, K−1), the j-th is ln p(x > j) / p(x = j). x: (…) integers in 0 … K−1 → (…).

    By the chain rule ln p(x) is the sum over the answers up to the first "no". K outcomes need K−1 parameters, and two
    outcomes are a Bernoulli variable. Statistics calls these parameters continuation-ratio logits. Unlike a softmax's
    logits they have no redundant one, and a logit of ±∞ makes a probability exactly 0.
    """
    question = np.arange(logits.shape[-1])
    yes = (x[..., None] > question).astype(logits.dtype)
    asked = x[..., None] >= question
    return np.sum(np.where(asked, bernoulli_log_prob(yes, logits), 0), axis=-1)


def questions_sample(logits: np.ndarray, *, rng: RNGLike = None) -> np.ndarray:
    """Draw an outcome in 0 … K−1 for each row of logits: the number of answers "yes" before the first "no".

    logits: (…, K−1), ln p(x > j) / p(x = j) for j = 0 … K−2, as in `questions_log_prob` → (…) integers.
    """
    return np.cumprod(bernoulli_sample(logits, rng=rng), axis=-1).sum(axis=-1).astype(int)


def no_formula(p: Any, q: Any) -> TypeError:
    """Return the TypeError for KL(p ‖ q) between two distributions of kinds that have no formula here."""
    kinds = f"{type(p).__name__} and {type(q).__name__}"
    return TypeError(
        f"the KL divergence of {kinds} has no formula here: estimate it from draws, in a VAE with kl='sampled', "
        "elsewhere with divergences.estimate_kl_divergence"
    )


@dataclass(frozen=True, eq=False)
class Bernoulli:
    """A variable in {0, 1} for each logit: p(x) = σ(l)ˣ (1 − σ(l))¹⁻ˣ.  logits: l = ln p(1)/p(0), (…)."""

    logits: Any

    event_dims = 0

    def log_prob(self, x: Any) -> Any:
        """ln p(x) of each variable, in nats.  x: 0 or 1, (…) → (…).

        Raises ValueError if a value of x is neither 0 nor 1. Values on a device are not checked.
        """
        x = backend.asarray(x, plain(self.logits).dtype)
        if backend.on_host(x) and not np.all((x == 0) | (x == 1)):
            raise ValueError(f"a Bernoulli variable is 0 or 1, got values from {x.min():g} to {x.max():g}")
        return bernoulli_log_prob(x, self.logits)

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> np.ndarray:
        """Independent draws of each variable, 0 or 1.  → (*shape, …), in the logits' dtype.

        shape: how many draws, as a shape; () is one draw.
        """
        logits = plain(self.logits)
        return bernoulli_sample(np.broadcast_to(logits, shape + logits.shape), rng=rng)

    def entropy(self) -> Any:
        """Entropy of each variable, in nats: ln(1 + eˡ) − l σ(l), for finite logits.  → (…)."""
        return np.logaddexp(0, self.logits) - self.logits * sigmoid(self.logits)

    def kl_divergence(self, other: Bernoulli) -> Any:
        """KL(self ‖ other) of each variable, in nats: σ(l) (l − m) − ln(1 + eˡ) + ln(1 + eᵐ).  → (…).

        other: a Bernoulli with logits m. The logits l and m must be finite. Raises TypeError for another distribution.
        """
        if not isinstance(other, Bernoulli):
            raise no_formula(self, other)
        l, m = self.logits, other.logits  # noqa: E741
        return sigmoid(l) * (l - m) - np.logaddexp(0, l) + np.logaddexp(0, m)


@dataclass(frozen=True, eq=False)
class Categorical:
    """A variable with K outcomes 0 … K−1: p(x = k) = e^{l_k} / Σⱼ e^{lⱼ}, the softmax of the logits.

    logits: l, (…, K), the outcomes along the last axis.
    """

    logits: Any

    event_dims = 0

    def log_prob(self, x: Any) -> Any:
        """ln p(x) of each variable, in nats.  x: (…) integers in 0 … K−1 → (…).

        Raises ValueError if a value of x is out of range. Values on a device are not checked.
        """
        log_p, x = log_softmax(self.logits, axis=-1), backend.asarray(x)[..., None]
        if backend.on_host(x) and not np.all((x >= 0) & (x < log_p.shape[-1])):
            raise ValueError(f"the outcomes are 0 … {log_p.shape[-1] - 1}, got values from {x.min()} to {x.max()}")
        batch = np.broadcast_shapes(x.shape[:-1], log_p.shape[:-1])
        log_p, x = np.broadcast_to(log_p, (*batch, log_p.shape[-1])), np.broadcast_to(x, (*batch, 1))
        return np.take_along_axis(log_p, x, axis=-1)[..., 0]

    @property
    def probs(self) -> Any:
        """p(x = k) for each outcome k: softmax of the logits along the last axis, (…, K)."""
        return softmax(self.logits, axis=-1)

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> np.ndarray:
        """Independent draws of each variable, integers in 0 … K−1.  → (*shape, …).

        shape: how many draws, as a shape; () is one draw.
        Gumbel-max trick: a draw is argmaxₖ (l_k + G_k) with independent Gumbel variables G_k.
        """
        rng = np.random.default_rng(rng)
        logits = plain(self.logits)
        return np.argmax(logits + backend.beside(rng.gumbel(size=shape + logits.shape), logits), axis=-1)

    def entropy(self) -> Any:
        """Entropy −Σ p ln p of each variable, in nats; 0 ln 0 is 0, so a logit may be −∞.  → (…)."""
        log_p = log_softmax(self.logits, axis=-1)
        p = np.exp(log_p)
        return -np.sum(p * np.where(p > 0, log_p, 0), axis=-1)

    def kl_divergence(self, other: Categorical) -> Any:
        """KL(self ‖ other) = Σ p (ln p − ln q) of each variable in nats: ∞ if q = 0 for an outcome with p > 0.  → (…).

        other: a Categorical q with K outcomes. A logit of either may be −∞: the sum is over the outcomes with p > 0.
        Raises TypeError for another distribution.
        """
        if not isinstance(other, Categorical):
            raise no_formula(self, other)
        log_p, log_q = log_softmax(self.logits, axis=-1), log_softmax(other.logits, axis=-1)
        p = np.exp(log_p)
        return np.sum(p * (np.where(p > 0, log_p, 0) - np.where(p > 0, log_q, 0)), axis=-1)


@dataclass(frozen=True, eq=False)
class Normal:
    """N(μ, σ²) for each element, independently.  mean: μ; log_var: ln σ², of shapes that broadcast to (…)."""

    mean: Any
    log_var: Any

    event_dims = 0

    def log_prob(self, x: Any) -> Any:
        """Log-density of each element, in nats: −½ (ln 2π + ln σ² + z²), z = (x − μ)/σ.  x: (…) → (…).

        The code has 1/σ, which float32 can hold for ln σ² ≥ −177, and no 1/σ², which overflows below −88.
        """
        z = (x - self.mean) * np.exp(-0.5 * self.log_var)
        return -0.5 * (LOG_TWO_PI + self.log_var) - 0.5 * z * z

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> Any:
        """Independent draws μ + σ ε, ε ~ N(0, 1), of each element.  → (*shape, …).

        shape: how many draws, as a shape; () is one draw. The draws are differentiable functions of μ and σ.
        """
        batch = np.broadcast_shapes(np.shape(self.mean), np.shape(self.log_var))
        noise = standard_normal(shape + batch, beside=self.log_var, rng=rng)
        return self.mean + np.exp(0.5 * self.log_var) * noise

    def entropy(self) -> Any:
        """Differential entropy of each element, in nats: ½ (ln 2π + 1 + ln σ²).  → (…)."""
        return 0.5 * (LOG_TWO_PI + 1 + self.log_var + np.zeros_like(plain(self.mean)))

    def kl_divergence(self, other: Normal) -> Any:
        """KL(self ‖ other) of each element, in nats: ½ ((σ/s)² + ((μ − m)/s)² − 1 + ln s² − ln σ²).  → (…).

        other: a Normal N(m, s²). Raises TypeError for another distribution.
        """
        if not isinstance(other, Normal):
            raise no_formula(self, other)
        difference = self.log_var - other.log_var
        ratio, shift = np.exp(0.5 * difference), (self.mean - other.mean) * np.exp(-0.5 * other.log_var)
        return 0.5 * ratio * ratio + 0.5 * shift * shift - 0.5 * (1 + difference)


@dataclass(frozen=True, eq=False)
class Independent:
    """A vector of D independent variables: p(x) = Πᵢ pᵢ(xᵢ) over the last axis.

    base: the distribution of the single variables, such as `Bernoulli` or `Normal`, with parameters for (…, D) of them.
    """

    base: Any

    @property
    def event_dims(self) -> int:
        """How many of the last axes of x make one event: one more than for `base`."""
        return self.base.event_dims + 1

    @property
    def mean(self) -> Any:
        """The base's `mean`, (…, D): E[x] of a Normal base. A base without a `mean` gives AttributeError."""
        return self.base.mean

    def log_prob(self, x: Any) -> Any:
        """ln p(x) = Σᵢ ln pᵢ(xᵢ) of each vector, in nats.  x: (…, D) → (…)."""
        return np.sum(self.base.log_prob(x), axis=-1)

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> Any:
        """Independent draws of the whole vector.  → (*shape, …, D).

        shape: how many draws, as a shape; () is one draw.
        """
        return self.base.sample(shape, rng=rng)

    def entropy(self) -> Any:
        """Entropy Σᵢ H(pᵢ) of each vector, in nats.  → (…)."""
        return np.sum(self.base.entropy(), axis=-1)

    def kl_divergence(self, other: Independent | MultivariateNormal) -> Any:
        """KL(self ‖ other) in nats: Σᵢ KL(pᵢ ‖ qᵢ) if `other` is an Independent.  → (…).

        other: an Independent with the same kind of base or, for a Normal base, a MultivariateNormal.
        Raises TypeError for another distribution.
        """
        if isinstance(other, MultivariateNormal) and isinstance(self.base, Normal):
            return multivariate(self).kl_divergence(other)
        if not isinstance(other, Independent):
            raise no_formula(self, other)
        return np.sum(self.base.kl_divergence(other.base), axis=-1)


def diagonal_normal(mean: Any, log_var: Any) -> Independent:
    """Return N(μ, diag σ²) over vectors of length D.  mean: μ, log_var: ln σ², both (…, D)."""
    return Independent(Normal(mean, log_var))


def multivariate(p: Independent) -> MultivariateNormal:
    """Return a diagonal normal distribution as a MultivariateNormal with L = diag σ.

    p: an Independent with a Normal base, as `diagonal_normal` makes it.
    """
    mean, log_var = p.base.mean, p.base.log_var
    sigma = np.exp(0.5 * log_var) + np.zeros_like(plain(mean))
    return MultivariateNormal(mean, sigma[..., None] * identity(sigma.shape[-1], sigma))


@dataclass(frozen=True, eq=False)
class MultivariateNormal:
    """N(μ, L Lᵀ) over vectors of length D.

    mean: μ, (…, D); scale_tril: L, (…, D, D), lower triangular with a positive diagonal (not checked).
    """

    mean: Any
    scale_tril: Any

    event_dims = 1

    def log_prob(self, x: Any) -> Any:
        """Log-density of each vector, in nats: −½ (D ln 2π + ‖L⁻¹ (x − μ)‖²) − ln |L|.  x: (…, D) → (…)."""
        z = solve(self.scale_tril, (x - self.mean)[..., None])[..., 0]
        return -0.5 * (z.shape[-1] * LOG_TWO_PI + np.sum(z**2, axis=-1)) - self._log_det()

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> Any:
        """Independent draws μ + L ε, ε ~ N(0, I), of the vector.  → (*shape, …, D).

        shape: how many draws, as a shape; () is one draw. The draws are differentiable functions of μ and L.
        """
        batch = np.broadcast_shapes(np.shape(self.mean), np.shape(self.scale_tril)[:-1])
        noise = standard_normal(shape + batch, beside=self.scale_tril, rng=rng)
        return self.mean + (self.scale_tril @ noise[..., None])[..., 0]

    def entropy(self) -> Any:
        """Differential entropy of each vector, in nats: ½ D (ln 2π + 1) + ln |L|.  → (…)."""
        return 0.5 * np.shape(self.mean)[-1] * (LOG_TWO_PI + 1) + self._log_det()

    def kl_divergence(self, other: MultivariateNormal | Independent) -> Any:
        """KL(self ‖ other) in nats: ½ (‖M⁻¹ L‖² + ‖M⁻¹ (μ − m)‖² − D) + ln |M| − ln |L|.  → (…).

        other: N(m, M Mᵀ), a MultivariateNormal, or an Independent with a Normal base. Raises TypeError for another
        distribution.
        """
        if isinstance(other, Independent) and isinstance(other.base, Normal):
            other = multivariate(other)
        if not isinstance(other, MultivariateNormal):
            raise no_formula(self, other)
        scale = solve(other.scale_tril, self.scale_tril)
        shift = solve(other.scale_tril, (self.mean - other.mean)[..., None])
        squares = np.sum(scale**2, axis=(-1, -2)) + np.sum(shift**2, axis=(-1, -2))
        return 0.5 * (squares - np.shape(self.mean)[-1]) + other._log_det() - self._log_det()

    def _log_det(self) -> Any:
        """ln |L|: the sum of the logarithms of L's diagonal."""
        return np.sum(np.log(np.diagonal(self.scale_tril, 0, -2, -1)), axis=-1)


@dataclass(frozen=True, eq=False)
class Mixture:
    """p(x) = Σ_c π_c p_c(x), π = softmax(l): a mixture of C components.

    logits: l, (…, C). components: one distribution, such as `Normal`, with parameters (…, C), or (…, C, D) for vectors.
    Entropy and KL of a mixture have no closed form: `divergences` has `estimate_entropy` and `estimate_kl_divergence`.
    """

    logits: Any
    components: Any

    @property
    def event_dims(self) -> int:
        """How many of the last axes of x make one event: the same number as for `components`."""
        return self.components.event_dims

    def log_prob(self, x: Any) -> Any:
        """ln p(x) = ln Σ_c exp(ln π_c + ln p_c(x)), in nats.  x: (…), followed by the event's axes → (…)."""
        each = self.components.log_prob(np.expand_dims(x, -1 - self.event_dims))
        return logsumexp(log_softmax(self.logits, axis=-1) + each, axis=-1)

    def sample(self, shape: tuple[int, ...] = (), *, rng: RNGLike = None) -> np.ndarray:
        """Independent draws of a component c ~ π, then of x ~ p_c.  → the x, (*shape, …), then the event's axes.

        shape: how many draws, as a shape; () is one draw. The draws are plain arrays: no gradient flows through them.
        """
        rng = np.random.default_rng(rng)
        values = plain(self.components.sample(shape, rng=rng))
        batch = values.shape[: values.ndim - self.event_dims - 1]
        logits = np.broadcast_to(plain(self.logits), (*batch, values.shape[len(batch)]))
        chosen = Categorical(logits).sample(rng=rng).reshape(*batch, *(1,) * (self.event_dims + 1))
        return np.take_along_axis(values, chosen, axis=len(batch)).squeeze(len(batch))

    def posterior(self, x: Any) -> Any:
        """p(c | x) by Bayes' rule: the probability that component c generated x.

        x: (…), followed by the event's axes → (…, C), which sums to 1 over the last axis.
        """
        each = self.components.log_prob(np.expand_dims(x, -1 - self.event_dims))
        return softmax(self.logits + each, axis=-1)  # the sum that normalises π cancels
