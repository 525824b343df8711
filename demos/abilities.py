"""How each kind of model completes images, scores images and walks between two, for `python -m demos sample`."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autograd import console
from minigen.aae import Adversarial
from minigen.analysis.latent import complete_aae, complete_vae, log_prob_aae
from minigen.eonade import EoNADE
from minigen.errors import UsageError
from minigen.gan import GAN
from minigen.model import AutoregressiveModel, Binary, ExplicitModel, States, in_blocks, log_probs
from minigen.progress import progress_bar
from minigen.table import IndependentBernoulli
from minigen.uses import complete
from minigen.vae import VAE

SWEEPS, STEPS, DRAWS = 20, 1000, 5000
"""Defaults: sweeps of Gibbs sampling, steps of a VAE's Markov chain, and draws of z in importance sampling."""


# -- completion


class Completed(NamedTuple):
    """Completions of one image.

    images: (n, D), equal to the image where it is seen. mean: E[x | seen], (D,), their mean if it is exact or the
    method's own estimate. how: in words, by which method.
    """

    images: np.ndarray
    mean: np.ndarray
    how: str


def by_explicit_model(
    model: ExplicitModel, x: np.ndarray, seen: np.ndarray, o: Namespace, rng: np.random.Generator
) -> Completed:
    """Complete images by an explicit model: exactly if its order allows it, else by Gibbs sampling.

    x: copies of the image, (n, D). seen: boolean, (D,). o: `steps`, sweeps of Gibbs sampling. Raises UsageError if
    neither way is open.
    """
    if how := exact_way(model, seen):
        images = model.complete(x, seen, rng=rng)
        return Completed(images, images.mean(axis=0), f"exact: {how}")
    if model.values not in (Binary(), States(2)):
        raise UsageError(
            f"this {type(model).__name__} can complete an image only if the seen pixels come first in its order, as "
            "with --seen top: for other masks there is Gibbs sampling, which needs pixels of 0 and 1"
        )
    sweeps, unseen = o.steps or SWEEPS, int(np.sum(~seen))
    say_how_long(lambda: log_probs(model, np.where(seen, x, 0)), 1 + sweeps * unseen)
    images, p = complete(model, x, seen, sweeps, rng=rng)
    text = f"approximate: Markov chains (Gibbs sampling), {len(x)} of {sweeps} sweeps over {unseen} pixels"
    return Completed(images, p.mean(axis=0), f"{text}; {spread(p)}")


def exact_way(model: ExplicitModel, seen: np.ndarray) -> str:
    """Return in words why a model's `complete` is exact where these pixels are seen, or "".  seen: boolean, (D,)."""
    if isinstance(model, IndependentBernoulli):
        return "the pixels are independent, so each is drawn from p(xᵢ)"
    if isinstance(model, EoNADE):
        return "each image is drawn along a random order of the pixels that begins with the seen ones, by p(x | order)"
    if isinstance(model, AutoregressiveModel) and seen[model.sequence[: seen.sum()]].all():
        return "the seen pixels come first in the model's order, so each other pixel is drawn from p(xᵢ | x_<ᵢ)"
    return ""


def say_how_long(one: Callable[[], Any], times: int) -> None:
    """Say on stderr how long a function takes if it is called so many times, unless that is a few seconds."""
    one()  # the first call is slower
    start = time.perf_counter()
    one()
    seconds = times * (time.perf_counter() - start)
    if seconds > 10:
        console.say(f"Gibbs sampling takes about {seconds:.0f} s; a lower --steps or --n takes less")


def spread(estimates: np.ndarray) -> str:
    """Return in words how much the estimates of E[x | seen] of several chains differ.  estimates: (n, D)."""
    if len(estimates) < 2:
        return "one chain shows no error: take a larger --n"
    error = estimates.std(axis=0, ddof=1).max() / np.sqrt(len(estimates))
    return f"standard error of E[xᵢ | seen], over the chains: at most {error:.3f}"


def by_vae(model: VAE, x: np.ndarray, seen: np.ndarray, o: Namespace, rng: np.random.Generator) -> Completed:
    """Complete images by a Markov chain in z, as `by_explicit_model`.  o: `steps` of the chain."""
    steps = o.steps or STEPS
    images, means, accepted = complete_vae(model, x, seen, steps, rng=rng)
    text = f"approximate: Markov chains in z (Metropolis-within-Gibbs), {len(x)} of {steps:,} steps, proposals q(z|x)"
    return Completed(images, means.mean(axis=0), f"{text}, {accepted.mean():.0%} accepted; {spread(means)}")


def by_aae(model: Adversarial, x: np.ndarray, seen: np.ndarray, o: Namespace, rng: np.random.Generator) -> Completed:
    """Complete images by draws of the prior, as `by_explicit_model`.  o: `draws` of the prior."""
    draws = o.draws or DRAWS
    images, means, effective = complete_aae(model, x, seen, draws, rng=rng)
    text = f"approximate: importance resampling of {draws:,} codes of the prior by p(seen|z)"
    return Completed(images, means[0], f"{text}; effective number of codes: {effective[0]:,.1f}")


# -- scores


class Scores(NamedTuple):
    """ln p(x) of images, in nats.

    log_prob: (n,). how: in words, what −ln p(x) is: exact, or how it is estimated. error: standard error of each
    estimate, (n,), or None. elbo: a lower bound on each ln p(x), (n,), or None.
    """

    log_prob: np.ndarray
    how: str
    error: np.ndarray | None = None
    elbo: np.ndarray | None = None


def exactly(model: ExplicitModel, x: np.ndarray, o: Namespace, rng: np.random.Generator) -> Scores:
    """Score images by an explicit model.  x: (n, D)."""
    return Scores(log_probs(model, x), "exact")


def by_importance(model: VAE, x: np.ndarray, o: Namespace, rng: np.random.Generator) -> Scores:
    """Score images by draws of q(z|x): an estimate of ln p(x) and the ELBO.  x: (n, D). o: `draws` for an image."""
    draws, values, errors = max(2, o.draws or DRAWS), [], []
    for i in progress_bar(iterable=range(0, len(x), 10), desc="scoring", unit="0 images", leave=False):
        found = model.log_prob(x[i : i + 10], draws, rng=rng)
        values.append(found.value)
        errors.append(found.standard_error)
    how = (
        f"an estimate by importance sampling, k = {draws:,} draws of q(z|x) an image, on average too high; −ELBO is an "
        "upper bound, by 50 draws"
    )
    elbo = model.elbos(x, 50, rng=rng).value
    return Scores(np.concatenate(values), how, np.concatenate(errors), elbo)


def by_prior(model: Adversarial, x: np.ndarray, o: Namespace, rng: np.random.Generator) -> Scores:
    """Score images by draws of the prior.  x: (n, D). o: `draws`, which all images share."""
    draws = max(2, o.draws or DRAWS)
    found = log_prob_aae(model, x, draws, rng=rng)
    how = (
        f"an estimate by k = {draws:,} codes of the prior, which all images share, on average too high; p(x) is the "
        "density of the model's draws, which its training does not maximise"
    )
    return Scores(found.value, how, found.standard_error)


# -- walks


class Walk(NamedTuple):
    """A way through the latent space.

    z: (steps, d). images: E[x|z] or G(z), (steps, D). how: in words, where the walk begins, ends and goes.
    """

    z: np.ndarray
    images: np.ndarray
    how: str


def line(ends: np.ndarray, steps: int) -> np.ndarray:
    """Return points on the straight line between two codes, (steps, d).  ends: (2, d)."""
    t = np.linspace(0, 1, steps)[:, None]
    return ((1 - t) * ends[0] + t * ends[1]).astype(ends.dtype)


def of_vae(model: VAE, x: np.ndarray, steps: int, rng: np.random.Generator) -> Walk:
    """Walk between the means of q(z|x) of two images.  x: (2, D)."""
    z = line(model.encode(x), steps)
    return Walk(z, model.decode(z), "E[x|z] on the straight line between the means of q(z|x) of the two images")


def of_aae(model: Adversarial, x: np.ndarray, steps: int, rng: np.random.Generator) -> Walk:
    """Walk between the codes of two images.  x: (2, D)."""
    z = line(in_blocks(lambda some: model.code(model.checked(some), rng=rng), x, model.block), steps)
    images = in_blocks(lambda some: model.autoencoder.decoder.mean(model.placed(some)), z, model.block)
    return Walk(z, images, "E[x|z] on the straight line between the codes of the two images")


def of_gan(model: GAN, seeds: tuple[int, int], steps: int) -> Walk:
    """Walk between the z of two seeds on an arc, near the sphere where most of p(z) lies.  seeds: of two samples."""
    start, end = (model.prior.sample(1, rng=seed)[0] for seed in seeds)
    t = 0.5 * np.pi * np.linspace(0, 1, steps)[:, None]
    z = (np.cos(t) * start + np.sin(t) * end).astype(start.dtype)
    return Walk(z, model.generate(z), f"G(z) on an arc between the z of the seeds {seeds[0]} and {seeds[1]}")
