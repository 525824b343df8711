"""Drag q(z|x) over the true posterior of a VAE with two numbers in z."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from demos.common import first_of_each, load
from demos.tour.play import button, intro, layers, number, select, slider, thing
from demos.tour.text import ENGLISH, Language
from minigen import saved
from minigen.data.sets import Dataset
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
    """Return all that the widget needs, as JSON: the decoder's layers, and test images with the encoder's q(z|x).

    model: two numbers in z; the decoder has linear layers with tanh between them, and q(z|x) is independent in each.
    """
    images = first_of_each(dataset.test, 10)
    q = model.posterior(model.checked(images)).base
    return {
        "shape": dataset.shape,
        "layers": layers(model.decoder.body),
        "images": [
            {"x": "".join(str(int(pixel)) for pixel in image), "q": [round(float(number), 4) for number in numbers]}
            for image, numbers in zip(images, np.hstack([plain(q.mean), np.exp(plain(q.log_var) / 2)]), strict=True)
        ],
    }


def picture(part: str, label: str, caption: str) -> str:
    """Return a place for a picture.  part: its name for the script. label: what it shows. caption: below it."""
    drawn = f'<canvas data-part="{part}" width="160" height="160" role="img" aria-label="{label}"></canvas>'
    return f"<figure>{drawn}<figcaption>{caption}</figcaption></figure>"


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
    images = {k: say("test image {}", k) for k in range(10)}
    parts = f"""{head}
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
{slider("s1", say("standard deviation of z₁"), 0.1, 2)}{slider("s2", say("standard deviation of z₂"), 0.1, 2)}</div>"""
    return thing("posterior", parts, data(model, dataset), say)
