"""The canvas of the page: paint an image and see what several models say of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from demos.common import first_of_each
from demos.tour.play import Preset, button, choice, intro, packed, presets, select, thing
from demos.tour.text import ENGLISH, Language
from minigen.ar import AR
from minigen.data.sets import Dataset
from minigen.markov import MarkovChain
from minigen.nade import NADE
from minigen.pixelrnn import PixelRNN
from minigen.saved import load
from minigen.table import IndependentBernoulli
from minigen.uses import anomaly_scores

LARGEST = 256
"""The most pixels of an image on the canvas: the weights grow with their square."""


def weights(model: Any) -> dict[str, np.ndarray]:
    """Return the arrays with which models.js predicts a pixel from the pixels before it.

    model: IndependentBernoulli, MarkovChain of order 1, AR, NADE with the pixels in raster order, or PixelRNN of one
    raster LSTM. The first three are b, (D,), and W, (D, D) below the diagonal, in logit i = bᵢ + Σ_{j<i} wᵢⱼ xⱼ;
    independent pixels have no W. The LSTM has W, U, b and the states h0, c0 at the start, and logit i = h · w + bias.
    """
    if isinstance(model, PixelRNN):
        layers: Any = model.rest.layers
        recurrent, head = layers
        (cell,), (h0, c0) = recurrent.layer.cells, recurrent.start
        parts = {"W": cell.W, "U": cell.U, "b": cell.b, "h0": h0, "c0": c0, "w": head.weight, "bias": head.bias}
        return {name: part.data for name, part in parts.items()}
    if isinstance(model, NADE):
        return {name: getattr(model, name).data for name in ("W", "V", "b", "c")}
    if isinstance(model, IndependentBernoulli):
        return {"b": model.logits.data}
    if isinstance(model, AR):
        W = np.zeros((model.D, model.D))
        W[model.row, model.column] = model.weights.data
        return {"b": model.b.data, "W": W}
    assert isinstance(model, MarkovChain)
    logits, first = model.logits.data[:, 0], np.array([model.first_row(i) for i in range(model.D)])
    W = np.zeros((model.D, model.D))
    after = np.arange(1, model.D)
    W[after, after - 1] = logits[first[1:] + 1] - logits[first[1:]]
    return {"b": logits[first], "W": W}


FILES = {
    "independent": "independence/independent-weights.npz",
    "Markov": "independence/Markov-weights.npz",
    "FVSBN": "independence/FVSBN-weights.npz",
    "NADE": "nade/weights.npz",
    "Pixel-RNN": "pixelrnn/raster-weights.npz",
}
"""The models of the canvas, and the files of weights in the folder of the tour that hold them."""


def canvas(folder: Path, dataset: Dataset, say: Language) -> str:
    """Return the HTML of the canvas with the models that the demos of this run have trained.

    folder: of the tour. dataset: of `--data`. say: language of the texts. The result is "" for images of more than
    LARGEST pixels, and if no model is there.
    """
    models = {name: load(folder / file) for name, file in FILES.items() if (folder / file).exists()}
    fit = {name: model for name, model in models.items() if model.D == dataset.D}
    return widget(fit, dataset, say) if fit and dataset.D <= LARGEST else ""


def kind(model: Any) -> str:
    """Return the name of the function in models.js that predicts the pixels of a model."""
    return {NADE: "nade", PixelRNN: "raster"}.get(type(model), "linear")


def data(models: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Return all that the canvas needs, as JSON: the weights, a test digit of each class, −ln p(x) of all test images.

    models: by name, in the order of the rows of the canvas.
    """
    return {
        "shape": dataset.shape,
        "models": [
            {
                "name": name,
                "kind": kind(model),
                "weights": {key: packed(array) for key, array in weights(model).items()},
            }
            for name, model in models.items()
        ],
        "digits": [as_text(image) for image in examples(dataset)],
        "scores": {
            name: sorted(round(float(nll), 3) for nll in anomaly_scores(model, dataset.test.images))
            for name, model in models.items()
        },
    }


def as_text(image: np.ndarray) -> str:
    """Return binary pixels as text of 0 and 1.  image: (D,)."""
    return "".join(str(int(pixel)) for pixel in image)


def examples(dataset: Dataset) -> np.ndarray:
    """Return the test images to choose from: one of each label if there are labels, (10, D)."""
    return first_of_each(dataset.test, 10)


def shifted(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return images moved to the right by one pixel; the first column is blank.  images: (n, D). shape: of an image."""
    moved = np.zeros_like(images).reshape(-1, *shape)
    moved[:, :, 1:] = images.reshape(-1, *shape)[:, :, :-1]
    return moved.reshape(images.shape)


def scored(nade: NADE, dataset: Dataset, say: Language) -> list[Preset]:
    """Return the presets that show images which NADE scores otherwise than a reader would.

    The first is the digit whose score rises most when it is shifted, among the test digits with a blank right edge. The
    second is the blank image, if NADE gives it a higher p(x) than some test digit. say: language of the texts.
    """
    found, state = [], {"model": "NADE", "look": "expected"}
    digits = examples(dataset)
    whole = digits[~digits.reshape(-1, *dataset.shape)[:, :, -1].any(axis=1)]  # a shift loses no ink of these
    if len(whole):
        moved = shifted(whole, dataset.shape)
        here, there = anomaly_scores(nade, whole), anomaly_scores(nade, moved)
        k = int(np.argmax(there - here))
        finding = say(
            "The shape is the same, but −ln p(x) of NADE goes from {here:.1f} to {there:.1f} nats: each weight belongs "
            "to a place.", here=here[k], there=there[k],
        )  # fmt: skip
        found.append(Preset(say("A shifted digit"), {"x": as_text(moved[k]), **state}, finding))
    blank = np.zeros_like(digits[:1])
    if below := int(np.sum(anomaly_scores(nade, dataset.test.images) > anomaly_scores(nade, blank))):
        finding = say(
            "NADE gives the blank image a higher p(x) than {below} of {all} test digits: density is not quality.",
            below=below, all=len(dataset.test),
        )  # fmt: skip
        found.append(Preset(say("A blank image"), {"x": as_text(blank[0]), **state}, finding))
    return found


def states(models: Mapping[str, Any], dataset: Dataset, say: Language) -> list[Preset]:
    """Return the presets: what NADE scores otherwise than a reader would, and what each model sees of one pixel.

    models: by name. say: language of the texts.
    """
    rows, columns = dataset.shape
    pixel = str(rows // 4 * columns + columns // 2 - 1)
    state = {"x": as_text(examples(dataset)[0]), "look": "influence", "pixel": pixel}
    sees = {
        "Markov": say("A Markov chain sees one pixel back: only the prediction of the next pixel can move."),
        "NADE": say("NADE sees all pixels before: ink in this pixel changes the hidden units of all later pixels."),
        "Pixel-RNN": say("The LSTM sees a pixel through its state: the gates decide how long the state keeps it."),
    }
    return (scored(models["NADE"], dataset, say) if "NADE" in models else []) + [
        Preset(say("What {} sees", name), {"model": name, **state}, finding)
        for name, finding in sees.items()
        if name in models
    ]


def widget(models: Mapping[str, Any], dataset: Dataset, say: Language = ENGLISH) -> str:
    """Return the HTML of the canvas.

    models: by name. dataset: gives the shape of images, and the test images. say: language of the texts.
    """
    rows = dataset.shape[0]
    digits = {k: say("test image {}", k) for k in range(10)}
    first = {k: say("row {}", k + 1) for k in range(1, rows)}
    looks = {"expected": say("what the model expected"), "influence": say("what one pixel changes")}
    head = intro(
        say("Paint, and see what each model says"),
        say("Click or drag to paint; with the keyboard, move by the arrow keys and paint with the space bar."),
        say("The second picture and the bars follow at once."),
        say("Everything is computed here, from the weights that this run trained."),
    )
    parts = f"""{head}
{presets("canvas", states(models, dataset, say))}
<div class="boards"><div>
<div class="board paint" data-part="paint" role="group" aria-label="{say("image to paint")}"></div>
<p class="caption">{say("x, the image")}</p></div>
<div><div class="board" data-part="map" role="img" aria-label="{say("prediction of each pixel")}"></div>
<p class="caption" data-part="map-caption"></p></div></div>
<p class="choices">{button("blank", say("Blank"))}{button("shift", say("Shift by one pixel"))}
{select("digit", say("test image"), digits)}
{button("draw", say("Draw an image"))}{button("complete", say("Complete from"))}
{select("row", say("first row to draw"), first)}</p>
{choice("model", say("model of the map and of the drawings"), {name: name for name in models})}
{choice("look", say("the map shows"), looks)}
<p class="caption">{say("−ln p(x) of each model: the shorter the bar, the more probable is the image")}</p>
<div data-part="bars" class="bars" aria-live="polite"></div>"""
    return thing("canvas", parts, data(models, dataset), say)
