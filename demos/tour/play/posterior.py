"""Drag q(z|x) over the true posterior of a VAE with two numbers in z, of a test image or of the canvas."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from demos.common import first_of_each, load
from demos.tour.play import Preset, button, intro, layers, number, picture, presets, select, slider, thing
from demos.tour.play.canvas import as_text
from demos.tour.text import ENGLISH, Language
from minigen import saved
from minigen.analysis import evidence, quadrature
from minigen.data.sets import Dataset
from minigen.distributions import Independent, Normal
from minigen.nn.arrays import plain
from minigen.vae import VAE


def posterior(folder: Path, dataset: Dataset, say: Language) -> str:
    """Return the HTML of the widget with the VAE that the demo `truth_lab` of this run has trained.

    folder: of the tour. dataset: not used, since the demo always learns the digits. say: language of the texts. The
    result is "" without a VAE.
    """
    path = folder / "truth_lab" / "vae-weights.npz"
    return widget(saved.load(path), load("digits"), say) if path.exists() else ""


def data(model: VAE, dataset: Dataset) -> dict[str, Any]:
    """Return all that the widget needs, as JSON: the layers of encoder and decoder, and test images.

    model: two numbers in z; both networks have linear layers with tanh between them, and q(z|x) is independent in each.
    """
    return {
        "shape": dataset.shape,
        "encoder": layers(model.encoder.body) + layers(model.encoder.head),
        "decoder": layers(model.decoder.body),
        "images": [as_text(image) for image in first_of_each(dataset.test, 10)],
    }


def numbers(model: VAE, x: np.ndarray, q: np.ndarray) -> tuple[float, float, float]:
    """Return ln p(x), the ELBO and KL(q ‖ p(z|x)) of an image, in nats.

    model: two numbers in z. x: the image, (1, D). q: the two means and the two standard deviations of q(z|x), (4,).
    """
    model = copy.deepcopy(model).astype(np.float64)
    normal = Independent(Normal(q[None, :2], 2 * np.log(q[None, 2:])))
    model.posterior = lambda x: normal  # type: ignore[method-assign]
    plane = quadrature.grid(7, 141)
    log_p = evidence.log_evidence(model, x, plane)
    bound = evidence.elbo(model, x, quadrature.under_normal(quadrature.grid(7, 71)))
    kl = evidence.kl_to_posterior(model, x, quadrature.grid(7, 71), plane)
    return float(log_p[0]), float(bound[0]), float(kl[0])


def states(model: VAE, dataset: Dataset, say: Language) -> list[Preset]:
    """Return the presets, of the first image: q of the encoder, q as the prior, and q of half the width.

    model: see `data`. dataset: gives the test images. say: language of the texts.
    """
    x = first_of_each(dataset.test, 10)[:1]
    q = model.posterior(model.checked(x)).base
    encoder = np.hstack([plain(q.mean)[0], np.exp(plain(q.log_var)[0] / 2)]).astype(float).round(4)
    state = lambda q: (
        {"image": "0"} | {name: f"{number:.4f}" for name, number in zip(("m1", "m2", "s1", "s2"), q, strict=True)}
    )
    prior, narrow = np.array([0, 0, 1.0, 1.0]), encoder * [1, 1, 0.5, 0.5]
    text = lambda value: f"{value:.2f}".replace("-", "−")
    log_p, elbo, kl = map(text, numbers(model, x, encoder))
    elbo_prior, kl_narrow = text(numbers(model, x, prior)[1]), text(numbers(model, x, narrow)[2])
    return [
        Preset(
            say("q of the encoder"),
            state(encoder),
            say(
                "The ELBO of the encoder's q is {elbo} nats, and its KL of {kl} nats leads to "
                "ln p(x) = {log_p}.", elbo=elbo, kl=kl, log_p=log_p,
            ),
        ),
        Preset(
            say("q = the prior"),
            state(prior),
            say(
                "The prior fitting term is 0, but this q says nothing about the image: the ELBO is {elbo} nats, and "
                "{encoder} with the encoder's q.", elbo=elbo_prior, encoder=elbo,
            ),
        ),
        Preset(
            say("Half as wide"),
            state(narrow),
            say(
                "With half the standard deviations of the encoder, KL(q(z|x) ‖ p(z|x)) is {narrow} in place of "
                "{kl} nats, and ln p(x) is the same.", narrow=kl_narrow, kl=kl,
            ),
        ),
    ]  # fmt: skip


def widget(model: VAE, dataset: Dataset, say: Language = ENGLISH) -> str:
    """Return the HTML of the widget.  model: see `data`. dataset: gives the test images. say: language of the texts."""
    head = intro(
        say("Drag q over the true posterior"),
        say("The blue cloud is the posterior p(z|x) of this image."),
        say("The red lines are q(z|x) at one and two standard deviations."),
        say("Drag q or move the sliders. The ELBO and the KL change, their sum does not: it is ln p(x)."),
    )
    plane = say("the plane of z: the posterior shaded, q as two ellipses; the sliders below move q")
    mean_image = say("the mean image of the decoder at the centre of q")
    images = {k: say("test image {}", k) for k in range(10)} | {"canvas": say("the digit of the canvas")}
    parts = f"""{head}
{presets("posterior", states(model, dataset, say))}
<div class="boards"><canvas data-part="plane" width="600" height="600" class="plane" role="img"
aria-label="{plane}"></canvas>
<div class="pair">{picture("seen", say("the image x"), "x")}
{picture("decoded", mean_image, say("E[x|z] at the centre of q"))}</div></div>
<div class="numbers" aria-live="polite">{number("evidence", "ln p(x)", say("does not depend on q"))}
{number("elbo", "ELBO", say("what training raises"))}
{number("kl", "KL(q(z|x) ‖ p(z|x))", say("an integral of its own"))}
{number("sum", "ELBO + KL", say("must be ln p(x)"))}
{number("reconstruction", "E_q[ln p(x|z)]", say("reconstruction term"))}
{number("fitting", "KL(q(z|x) ‖ p(z))", say("prior fitting term"))}</div>
<p class="choices">{select("image", say("test image"), images)}
{button("encoder", say("q of the encoder"))}{button("prior", say("q = the prior"))}</p>
<div class="sliders">{slider("m1", say("mean of z₁"), -5, 5)}{slider("m2", say("mean of z₂"), -5, 5)}
{slider("s1", say("standard deviation of z₁"), 0.01, 2)}
{slider("s2", say("standard deviation of z₂"), 0.01, 2)}</div>"""
    return thing("posterior", parts, data(model, dataset), say)
