"""Drag q(z|x) over the true posterior of a VAE with two numbers in z."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from demos.common import first_of_each, load
from demos.tour.play import button, layers, number, select, slider, thing
from minigen import saved
from minigen.data.sets import Dataset
from minigen.nn.arrays import plain
from minigen.vae import VAE


def posterior(folder: Path, dataset: Dataset) -> str:
    """Return the HTML of the widget with the VAE that the demo `truth_lab` of this run has trained.

    folder: of the tour. dataset: not used, since the demo always learns the digits. The result is "" without a VAE.
    """
    path = folder / "truth_lab" / "vae-weights.npz"
    return widget(saved.load(path), load("digits")) if path.exists() else ""


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


def widget(model: VAE, dataset: Dataset) -> str:
    """Return the HTML of the widget.  model: see `data`. dataset: gives the test images."""
    parts = f"""<h3>Drag q over the true posterior</h3>
<p>The blue cloud is the posterior p(z|x) of this image. The red lines are q(z|x) at one and two standard deviations.
Drag q or move the sliders. The ELBO and the KL change, their sum does not: it is ln p(x).</p>
<div class="boards"><canvas data-part="plane" width="600" height="600" class="plane" role="img"
aria-label="the plane of z: the posterior shaded, q as two ellipses; the sliders below move q"></canvas>
<div class="pair">{picture("seen", "the image x", "x")}
{picture("decoded", "the mean image of the decoder at the centre of q", "E[x|z] at the centre of q")}</div></div>
<div class="numbers" aria-live="polite">{number("evidence", "ln p(x)", "does not depend on q")}
{number("elbo", "ELBO", "what training raises")}{number("kl", "KL(q(z|x) ‖ p(z|x))", "an integral of its own")}
{number("sum", "ELBO + KL", "must be ln p(x)")}{number("reconstruction", "E_q[ln p(x|z)]", "reconstruction term")}
{number("fitting", "KL(q(z|x) ‖ p(z))", "prior fitting term")}</div>
<p class="choices">{select("image", "test image", {k: f"test image {k}" for k in range(10)})}
{button("encoder", "q of the encoder")}{button("prior", "q = the prior")}</p>
<div class="sliders">{slider("m1", "mean of z₁", -5, 5)}{slider("m2", "mean of z₂", -5, 5)}
{slider("s1", "standard deviation of z₁", 0.1, 2)}{slider("s2", "standard deviation of z₂", 0.1, 2)}</div>"""
    return thing("posterior", parts, data(model, dataset))
