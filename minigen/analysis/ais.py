"""Annealed importance sampling: lower and upper bounds on ln p(x) of a VAE, tighter than those of draws from q(z|x).

A chain walks from the prior to the posterior over the densities (Neal 2001; Wu et al. 2017)

    π_β(z) ∝ p(z) p(x|z)^β,    0 = β₀ < β₁ < … < β_T = 1.

    z₀ ~ p(z),    zₜ ~ a step that leaves π_β of β = βₜ unchanged, from zₜ₋₁:

    w = Πₜ p(x|zₜ₋₁)^(βₜ − βₜ₋₁)    ⇒    E[w] = p(x),  so  E[ln w] ≤ ln p(x).

The step is Hamiltonian Monte Carlo. A chain in reverse, from a draw of p(z|x) to the prior, has a weight w′ of mean
1/p(x), so E[−ln w′] ≥ ln p(x). A draw of p(z|x) is known for an image that the model itself drew: the z that the image
was drawn from (Grosse et al. 2015). All quantities are in nats per image.

The walk starts at the prior and not at q(z|x), so the result does not depend on the encoder and shows what draws from
q(z|x) miss. On the tests' model, whose q(z|x) is far from the posterior, 16 chains of 50 steps are 0.9 nats too low
from q(z|x) and 0.02 nats from the prior. Where q(z|x) is close to the posterior, a walk from q(z|x) needs fewer steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor, backend, grad, no_grad
from minigen.divergences import mean_and_error
from minigen.model import without_nan
from minigen.nn.arrays import RNGLike, plain, standard_normal
from minigen.nn.functions import log_mean_exp
from minigen.nn.module import whole
from minigen.vae import VAE

LEAPFROGS = 5
"""Leapfrog steps in one Hamiltonian step."""
SPREAD = 0.3
"""A chain's step size is drawn within 30 % of the given size: a path of fixed length could end where it began."""
ACCEPTANCE = 0.65
"""The acceptance that a pilot run aims at (Neal 2011)."""
PILOTS, FIRST_SIZE, GAIN = 8, 0.5, 0.3
"""The pilot run: chains for each image, its first step size, and how fast the size follows the acceptance."""


class Annealed(NamedTuple):
    """An estimate of ln p(x) for each image by annealed importance sampling, a lower bound on average.

    value: ln[1/K Σₖ wₖ] over K chains, (n,), nats.
    standard_error: of each value, (n,), nats: the standard error of the mean weight, divided by the mean weight. It is
    estimated from the same chains, and too small where a few chains have most of the weight.
    effective_chains: (Σ w)²/Σ w², (n,), from 1 to K. Near 1, a single chain has most of the weight.
    If p(x|z) is 0 along every chain, the three are −∞, ∞ and 0.
    """

    value: np.ndarray
    standard_error: np.ndarray
    effective_chains: np.ndarray


class Gap(NamedTuple):
    """Bounds on the mean ln p(x) of images that a model drew, each a pair (mean, standard error), in nats per image.

    lower: a lower bound on average, from chains that start at the prior.
    upper: an upper bound on average, from chains that start at the z of which the image was drawn.
    gap: upper − lower, image by image. Both bounds are off by at most this number, on average.
    """

    lower: tuple[float, float]
    upper: tuple[float, float]
    gap: tuple[float, float]


def annealed_log_prob(model: VAE, x: Any, steps: int = 300, chains: int = 16, *, rng: RNGLike = None) -> Annealed:
    """Estimate ln p(x) of each image, in nats, by annealed importance sampling. Returns `Annealed`.

    model: a VAE whose z has real numbers. x: images, (n, D). steps: T, the number of steps from the prior to the
    posterior, at least 1. chains: K, walks for each image, at least 2. On average the estimate is at most ln p(x), and
    it rises to ln p(x) with more steps. All n K chains run at once: score many images in several calls. The decoder is
    evaluated about T (LEAPFROGS + 2) times for each chain, and for each of the PILOTS chains that choose step sizes.
    Raises DivergedError if an estimate is nan, see `minigen.model.without_nan`.
    """
    rng = np.random.default_rng(rng)
    x, chains = model.checked(x), whole(chains, 2, "chains")
    betas = schedule(steps)
    sizes = step_sizes(model, x, betas, rng=rng)
    log_w = walk(model, x, _start(model, x, chains, rng), betas, sizes, rng=rng)
    log_w = without_nan(log_w.T, model, "the estimate of ln p(x)")
    return Annealed(*np.array([_summary(of_image) for of_image in log_w]).T)


def bidirectional_gap(model: VAE, n: int, steps: int = 300, chains: int = 16, *, rng: RNGLike = None) -> Gap:
    """Bound the mean ln p(x) of images drawn by the model from both sides, in nats per image. Returns `Gap`.

    model: a VAE whose z has real numbers. n: number of images to draw, at least 2. steps, chains: of both walks, as in
    `annealed_log_prob`. The gap bounds the mean error of `annealed_log_prob` on images like the model's own. It says
    nothing on images of another kind.
    """
    rng = np.random.default_rng(rng)
    betas, chains = schedule(steps), whole(chains, 2, "chains")
    with no_grad():
        z = model.placed(model.prior.sample(whole(n, 2, "n"), rng=rng))
        x = model.checked(plain(model.decoder(z).sample(rng=rng)))
    sizes = step_sizes(model, x, betas, rng=rng)
    there = walk(model, x, _start(model, x, chains, rng), betas, sizes, rng=rng)
    back = walk(model, x, np.repeat(z[None], chains, axis=0), betas[::-1], sizes[::-1], rng=rng)
    lower, upper = log_mean_exp(there, axis=0), -log_mean_exp(back, axis=0)
    return Gap(*map(mean_and_error, (lower, upper, upper - lower)))


def _summary(log_w: np.ndarray) -> tuple[float, float, float]:
    """The three fields of `Annealed` for one image, from the logarithms of its weights, (chains,)."""
    largest = log_w.max()
    if largest == -np.inf:
        return largest, np.inf, 0
    w = np.exp(log_w - largest)
    mean, error = mean_and_error(w)
    return np.log(mean) + largest, error / mean, w.sum() ** 2 / np.sum(w**2)


def schedule(steps: int) -> np.ndarray:
    """β₀ = 0 < … < β_T = 1, (T + 1,): values of a sigmoid, closer together near both ends (Wu et al. 2017).

    steps: T, at least 1.
    """
    curve = 1 / (1 + np.exp(-np.linspace(-4, 4, whole(steps, 1, "steps") + 1)))
    return (curve - curve[0]) / (curve[-1] - curve[0])


def walk(model: VAE, x: np.ndarray, z: Any, betas: np.ndarray, sizes: Any, *, rng: RNGLike = None) -> np.ndarray:
    """The logarithm of the weight of each chain that walks over π_β(z) ∝ p(z) p(x|z)^β, in nats: (chains, n).

    model: a VAE. x: images, (n, D), checked already. z: the chains' first z, (chains, n, d), draws of π_β for the first
    β. betas: the βs in the order of the walk, (T + 1,). sizes: step sizes, (T + 1, n), for each β and image; they must
    not depend on these chains. On average the weight is the integral of p(z) p(x|z)^β at the last β, divided by that at
    the first β: p(x) from 0 to 1, and 1/p(x) from 1 to 0.
    """
    rng = np.random.default_rng(rng)
    log_w = np.zeros(z.shape[:-1])
    for (before, after), size in zip(pairwise(betas.tolist()), sizes[1:], strict=True):
        log_w += (after - before) * _log_likelihood(model, x, z)
        z, _ = move(partial(log_density, model, x, beta=after), z, size, rng=rng)
    return log_w


def step_sizes(model: VAE, x: np.ndarray, betas: np.ndarray, *, rng: RNGLike = None) -> np.ndarray:
    """Step sizes of `move` for each β and image, (T + 1, n), with which about ACCEPTANCE of the proposals are accepted.

    model: a VAE. x: images, (n, D), checked already. betas: β from 0 to 1, (T + 1,). Separate pilot chains find the
    sizes. A chain that changed its own step size would no longer leave π_β unchanged, and E[w] = p(x) would not hold.
    """
    rng = np.random.default_rng(rng)
    z, size, found = _start(model, x, PILOTS, rng), np.full(len(x), FIRST_SIZE), []
    for beta in betas.tolist():
        z, accepted = move(partial(log_density, model, x, beta=beta), z, size, rng=rng)
        size = size * np.exp(GAIN * (accepted.mean(axis=0) - ACCEPTANCE))
        found.append(size)
    return np.array(found)


def log_density(model: VAE, x: np.ndarray, z: Any, beta: float) -> Any:
    """ln p(z) + β ln p(x|z), the logarithm of π_β up to a constant, in nats.

    model: a VAE. x: images, (n, D), checked already. z: (…, n, d) → (…, n). beta: β, from 0 to 1.
    """
    return model.prior.distribution().log_prob(z) + beta * model.decoder(z).log_prob(x)


def move(log_f: Callable[[Any], Any], z: Any, size: Any, *, rng: RNGLike = None) -> tuple[Any, np.ndarray]:
    """One step of Hamiltonian Monte Carlo, which leaves the density f(z)/∫ f unchanged (Neal 2011).

    log_f: z, (…, d) → ln f(z), (…), in nats, differentiable. z: where the chains are, (chains, n, d). size: step sizes
    of the leapfrog, (n,), above 0; each chain varies its size at random by up to SPREAD. A momentum is drawn from
    N(0, I), and the end of the leapfrog is accepted with probability min(1, exp(−ΔH)), H = −ln f(z) + ½‖momentum‖².
    Returns the new z, (chains, n, d), and these probabilities, (chains, n).
    """
    rng = np.random.default_rng(rng)
    momentum = standard_normal(z.shape, beside=z, rng=rng)
    varied = size * rng.uniform(1 - SPREAD, 1 + SPREAD, size=z.shape[:-1])
    size = backend.beside(varied[..., None].astype(z.dtype), z)
    with np.errstate(over="ignore", invalid="ignore"):  # a leapfrog that runs off to infinity is not accepted
        new_z, new_momentum, log_f_z, log_f_new = leapfrog(log_f, z, momentum, size)
        kinetic = 0.5 * (np.sum(new_momentum**2, axis=-1) - np.sum(momentum**2, axis=-1))
        change = backend.to_numpy(log_f_new - log_f_z - kinetic)  # −ΔH
    probability = np.where(np.isnan(change), 0, np.exp(np.minimum(0, change)))
    accepted = rng.random(probability.shape) < probability
    return np.where(backend.beside(accepted, z)[..., None], new_z, z), probability


def leapfrog(log_f: Callable[[Any], Any], z: Any, momentum: Any, size: Any) -> tuple[Any, Any, Any, Any]:
    """LEAPFROGS steps along a path of constant H = −ln f(z) + ½‖momentum‖². Returns z, momentum, and ln f at both ends.

    log_f: z, (…, d) → ln f(z), (…), in nats, differentiable. z, momentum: (…, d). size: the step size, broadcasts with
    z. From the end with the momentum −momentum the same steps lead back to the start.
    """
    first, gradient = _value_and_gradient(log_f, z)
    last = first
    for _ in range(LEAPFROGS):
        momentum = momentum + 0.5 * size * gradient
        z = z + size * momentum
        last, gradient = _value_and_gradient(log_f, z)
        momentum = momentum + 0.5 * size * gradient
    return z, momentum, first, last


def _value_and_gradient(log_f: Callable[[Any], Any], z: Any) -> tuple[Any, Any]:
    """ln f(z), (…), and its gradient by z, (…, d)."""
    inside = Tensor(z, requires_grad=True)
    value = log_f(inside)
    return value.data, grad(np.sum(value), inside).data


def _log_likelihood(model: VAE, x: np.ndarray, z: Any) -> np.ndarray:
    """ln p(x|z), in nats, on the host: (chains, n).  x: (n, D), z: (chains, n, d)."""
    with no_grad():
        return backend.to_numpy(model.decoder(z).log_prob(x))


def _start(model: VAE, x: np.ndarray, chains: int, rng: np.random.Generator) -> Any:
    """Draws of p(z), (chains, n, d), on the model's device, in its dtype."""
    z = model.prior.sample(chains * len(x), rng=rng)
    return model.placed(z.reshape(chains, len(x), -1))
