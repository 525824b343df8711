"""The plane of codes of the adversarial auto-encoder: the codes of test digits and of the canvas, and what each place
decodes to.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from demos.tour.play import in_16_bits, intro, layers, number, packed_16_bits, picture, slider, thing
from demos.tour.play.canvas import LARGEST, as_text, examples
from demos.tour.text import ENGLISH, Language
from minigen import plot, saved
from minigen.aae import AAE
from minigen.data.sets import Dataset

SHOWN = 300
"""Test images whose codes are drawn, at most."""


def codes(folder: Path, dataset: Dataset, say: Language) -> str:
    """Return the HTML of the widget with the AAE that the demo `aae` of this run has trained.

    folder: of the tour. dataset: of `--data`. say: language of the texts. The result is "" without an AAE, and for
    images of more than LARGEST pixels.
    """
    path = folder / "aae" / "weights.npz"
    return widget(saved.load(path), dataset, say) if path.exists() and dataset.D <= LARGEST else ""


def rounded(model: AAE) -> AAE:
    """Return a copy of the model whose encoder and decoder have the weights that stand in the page."""
    model = copy.deepcopy(model)
    for array in model.autoencoder.arrays().values():
        numbers, step = in_16_bits(array)
        array[...] = numbers * step
    return model


def cost_of_rounding(model: AAE, images: np.ndarray) -> tuple[float, float]:
    """Return how far rounding moves a number of a code at most, and a pixel of E[x|z] of a reconstruction.

    images: (n, D).
    """
    there = rounded(model)
    z, moved = model.encode(images), there.encode(images)
    return float(np.abs(moved - z).max()), float(np.abs(there.decode(moved) - model.decode(z)).max())


def marks(dataset: Dataset) -> list[str]:
    """Return the mark of each class on the plane: its name if that is short, else its number; a dot for one class."""
    if dataset.classes == 1:
        return ["•"]
    return [name if len(name) <= 2 else str(k) for k, name in enumerate(dataset.class_names)]


def data(model: AAE, dataset: Dataset) -> dict[str, Any]:
    """Return all that the widget needs, as JSON: the layers of encoder and decoder, and codes of test images.

    model: two numbers in z, without noise in the encoder; both networks have linear layers with relu between them.
    """
    part = dataset.test[:SHOWN]
    z = model.encode(part.images)
    far = np.quantile(np.abs(np.concatenate([z, model.prior.sample(1000, rng=0)])), 0.995)
    return {
        "shape": dataset.shape,
        "encoder": layers(model.autoencoder.encoder.body, packed_16_bits)
        + layers(model.autoencoder.encoder.head, packed_16_bits),
        "decoder": layers(model.autoencoder.decoder.body, packed_16_bits),
        "codes": [
            [*np.round(point, 3).tolist(), label]
            for point, label in zip(z.astype(float), part.labels.tolist(), strict=True)
        ],
        "names": marks(dataset),
        "colours": plot.DIGITS,
        "reach": float(np.ceil(2 * far) / 2),
        "image": as_text(examples(dataset)[0]),
    }


def widget(model: AAE, dataset: Dataset, say: Language = ENGLISH) -> str:
    """Return the HTML of the widget.  model: see `data`. dataset: gives the test images. say: language of the texts."""
    found, test = data(model, dataset), dataset.test.images
    code, pixel = cost_of_rounding(model, test)
    rounding = say(
        "The weights are rounded to 16 bits here. In {n} test images this moves a number of a code by at most {code} "
        "and a pixel of the reconstruction by at most {pixel}.", n=len(test), code=f"{code:.5f}", pixel=f"{pixel:.5f}",
    )  # fmt: skip
    head = intro(
        say("The plane of codes"),
        say("Each small mark is the code of a test image, in the colour of its class."),
        say("The ring is the code of the digit of the canvas: paint there, and the ring moves."),
        say("The cross is the place that is decoded: drag it, or move the sliders."),
    )
    plane = say(
        "the plane of codes: test images by class, the digit of the canvas as a ring, the decoded place as a cross"
    )
    reach = found["reach"]
    pictures = (
        picture("seen", say("the digit of the canvas"), say("x, the digit of the canvas")),
        picture("again", say("the mean image at the code of the digit"), say("its reconstruction: E[x|z] at the ring")),
        picture("decoded", say("the mean image at the cross"), say("E[x|z] at the cross")),
    )
    parts = f"""{head}
<div class="boards"><canvas data-part="plane" width="600" height="600" class="plane" role="img"
aria-label="{plane}"></canvas><div class="pair">{"".join(pictures)}</div></div>
<div class="sliders">{slider("z1", say("z₁ of the cross"), -reach, reach)}
{slider("z2", say("z₂ of the cross"), -reach, reach)}</div>
<div class="numbers" aria-live="polite">{number("code1", "z₁", say("code of the digit"))}
{number("code2", "z₂", say("code of the digit"))}
{number("loss", "−ln p(x|z)", say("of the reconstruction, nats"))}</div>
<p class="caption">{rounding}</p>"""
    return thing("codes", parts, found, say)
