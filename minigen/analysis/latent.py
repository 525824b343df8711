"""Completion and likelihood of models with a latent z, whose p(x) = ∫ p(x|z) p(z) dz has no formula.

A VAE's encoder says where z must be: `complete_vae` uses q(z|x) as the proposal of a Markov chain. An adversarial
auto-encoder has no density q(z|x), but few latents, so draws z₁ … z_K of the prior find them all:

    p(x) ≈ 1/K Σₖ p(x|zₖ),    p(unseen | seen) ≈ Σₖ wₖ p(unseen|zₖ),    wₖ ∝ p(seen|zₖ),  Σ wₖ = 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend, no_grad
from autograd.rules.special import softmax
from minigen.aae import Adversarial
from minigen.divergences import mean_and_error
from minigen.model import in_blocks, without_nan
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.module import whole
from minigen.vae import VAE, Estimate

BLOCK = 100
"""How many images, and how many latents, are compared at once."""


def complete_vae(
    model: VAE, x: Any, seen: Any, steps: int = 1000, *, rng: RNGLike = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the pixels that are not seen given the seen ones, by Metropolis-within-Gibbs sampling (Mattei and Frellsen
    2018, section 3.2).

    Each step proposes z′ ~ q(z|x) for the current image x and accepts z′ with probability min(1, w(z′)/w(z)), where
    w(z) = p(x, z)/q(z|x). Then it draws the unseen pixels from p(x|z). After many steps the images are draws of
    p(unseen | seen), whatever q is. The chain starts at a sample of the model.

    model: a VAE. x: (n, D); values that are not seen are ignored. seen: boolean, (D,) or (n, D), True where x is seen.
    steps: of the chain of each image, at least 1.
    Returns (n, D) images after the last step, equal to x where seen; (n, D) estimates of E[x | seen pixels], means of
    E[x|z] over the second half of the steps; and (n,) the share of accepted proposals. A low share means that the steps
    were too few.

    Raises ValueError if `seen` is not such a mask, if the model refuses the seen values, or if `steps` is below 1.
    """
    rng, steps = np.random.default_rng(rng), whole(steps, 1, "steps")
    x, seen = model.given(x, seen)
    n, known = len(x), backend.beside(seen, x)
    x = np.where(known, x, model.placed(model.sample(n, rng=rng)))
    total, accepted, kept = np.zeros_like(x), np.zeros(n), steps - steps // 2
    with no_grad():
        z = plain(model.posterior(x).sample(rng=rng))
        for step in range(steps):
            q = model.posterior(x)
            proposed = plain(q.sample(rng=rng))
            new, old = plain(model.log_weight(x, np.stack([proposed, z]), q))
            moves = np.log(backend.beside(rng.random(n), x)) < new - old
            z = np.where(moves.reshape(n, *(1,) * (z.ndim - 1)), proposed, z)
            x = np.where(known, x, plain(model.decoder(z).sample(rng=rng)))
            accepted += backend.to_numpy(moves)
            if step >= steps - kept:
                total += plain(model.decoder.mean(z))
    return backend.to_numpy(x), backend.to_numpy(np.where(known, x, total / kept)), accepted / steps


def log_prob_aae(model: Adversarial, x: Any, draws: int = 10_000, *, rng: RNGLike = None) -> Estimate:
    """Estimate ln p(x) of each image, in nats, and its standard error, by draws of the prior.

    This p(x) is the density of the images that `model.sample` draws. Training does not maximise it.
    model: an adversarial auto-encoder. x: (n, D) → `Estimate` (value, standard_error) of two (n,) arrays. draws: K, the
    number of codes, at least 2; all images share them. On average the estimate is too low, by more where few codes have
    most of the weight.

    Raises ValueError if the model refuses x or for fewer draws, DivergedError if an estimate is nan.
    """
    codes, x = model.prior_code(whole(draws, 2, "draws"), rng=rng), model.checked(x)
    found = []
    for i in range(0, len(x), BLOCK):
        log_w = _log_likelihood(model, codes, x[i : i + BLOCK], None)
        most = log_w.max(axis=0)
        for column, largest in zip(log_w.T, most, strict=True):
            if not largest > -np.inf:  # every weight is 0, or one is nan
                found.append((largest, np.inf))
                continue
            mean, error = mean_and_error(np.exp(column - largest))
            found.append((np.log(mean) + largest, error / mean))
    return Estimate(*without_nan(np.array(found), model, "the estimate of ln p(x)").T)


def complete_aae(
    model: Adversarial, x: Any, seen: Any, draws: int = 10_000, *, rng: RNGLike = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the pixels that are not seen given the seen ones, by importance resampling: a code zₖ with probability wₖ,
    then x ~ p(x|zₖ).

    model: an adversarial auto-encoder. x: (n, D); values that are not seen are ignored. seen: boolean, (D,) or (n, D),
    True where x is seen. draws: K, the number of codes of the prior, at least 1.
    Returns (n, D) images, equal to x where seen; (n, D) estimates of E[x | seen pixels], Σₖ wₖ E[x|zₖ]; and (n,) the
    effective number of draws 1/Σ wₖ², from 1 to K. Near 1, a single code has most of the weight, and all draws look
    alike.

    Raises ValueError if `seen` is not such a mask, if the model refuses the seen values, or for fewer draws;
    DivergedError if a likelihood is nan.
    """
    rng = np.random.default_rng(rng)
    decoder, codes = model.autoencoder.decoder, model.prior_code(whole(draws, 1, "draws"), rng=rng)
    x, seen = model.given(x, seen)
    log_w = [_log_likelihood(model, codes, x[i : i + BLOCK], seen[i : i + BLOCK]) for i in range(0, len(x), BLOCK)]
    w = softmax(without_nan(np.concatenate(log_w, axis=1).T, model, "ln p(seen|z)"), axis=1)
    chosen = codes[[rng.choice(len(codes), p=row) for row in w]]
    with no_grad():
        drawn = backend.to_numpy(decoder(model.placed(chosen)).sample(rng=rng))
    mean = w @ in_blocks(lambda some: decoder.mean(model.placed(some)), codes, BLOCK)
    x = backend.to_numpy(x)
    return np.where(seen, x, drawn), np.where(seen, x, mean), 1 / np.sum(w**2, axis=1)


def _log_likelihood(model: Adversarial, codes: np.ndarray, x: Any, seen: np.ndarray | None) -> np.ndarray:
    """ln p(x|zₖ) of the seen pixels of each image given each code, in nats: (K, n), float64.

    x: (n, D), on the model's device. seen: (n, D); None: all.
    """
    known = 1 if seen is None else backend.beside(seen.astype(plain(x).dtype), x)
    found = []
    with no_grad():
        for k in range(0, len(codes), BLOCK):
            each = model.autoencoder.decoder(model.placed(codes[k : k + BLOCK, None])).base.log_prob(x)
            found.append(backend.to_numpy(np.sum(plain(each) * known, axis=-1)))
    return np.concatenate(found).astype(float)
