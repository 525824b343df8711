"""An alarm for strange images: the score −ln p(x) of NADE for the digit of the canvas, and its conformal p-value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from demos.tour.play import button, intro, number, thing
from demos.tour.play.canvas import FILES, LARGEST, as_text, examples, shifted
from demos.tour.text import ENGLISH, Language
from minigen import saved
from minigen.data.sets import Dataset
from minigen.model import ExplicitModel
from minigen.uses import anomaly_scores, conformal_p_values

ALPHA = 0.05
"""The largest p-value that raises the alarm."""


def alarm(folder: Path, dataset: Dataset, say: Language) -> str:
    """Return the HTML of the widget for the NADE of the canvas, or a sentence that says why there is none.

    folder: of the tour. dataset: of `--data`. say: language of the texts.
    """
    path = folder / FILES["NADE"]
    if dataset.D > LARGEST or not path.exists():
        missing = say("There is no alarm to try here: it needs the canvas with NADE, which this page does not have.")
        return f"<p>{missing}</p>"
    return widget(saved.load(path), dataset, say)


def halves(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the calibration images, which are the second half of the test part, and the first half, to try the alarm.

    NADE has seen neither: its training stopped by the validation part.
    """
    middle = len(dataset.test) // 2
    return dataset.test.images[middle:], dataset.test.images[:middle]


def share_of_alarms(model: ExplicitModel, calibration: np.ndarray, images: np.ndarray) -> float:
    """Return the share of images that raise the alarm.

    calibration: scores of the calibration images, (m,). images: (n, D).
    """
    return float(np.mean(conformal_p_values(calibration, anomaly_scores(model, images)) <= ALPHA))


def widget(model: ExplicitModel, dataset: Dataset, say: Language = ENGLISH) -> str:
    """Return the HTML of the widget.

    model: the NADE of the canvas, whose weights the script reads there. dataset: gives the test images. say: language
    of the texts.
    """
    seen, tried = halves(dataset)
    calibration = anomaly_scores(model, seen)
    share = lambda images: f"{share_of_alarms(model, calibration, images):.1%}".replace("%", " %")
    blank = anomaly_scores(model, np.zeros_like(tried[:1]))
    below = f"{np.mean(anomaly_scores(model, tried) > blank):.0%}".replace("%", " %")
    head = intro(
        say("Does this image raise the alarm?"),
        say("The bars count the scores −ln p(x) of {n} calibration digits: test digits, which no training has seen.",
            n=len(seen)),
        say("The line is the score of the image, at first of the digit of the canvas."),
        say("Its p-value is (1 + the number of calibration digits with at least its score) / (1 + {n}).", n=len(seen)),
        say("A p-value of at most 5 % raises the alarm."),
    )  # fmt: skip
    lesson = say(
        "Of {n} other test digits, {plain} raise the alarm. Shifted by one pixel, {moved} of them do, though they look "
        "nearly the same. The blank image has a higher p(x) than {below} of them: density is not quality.",
        n=len(tried), plain=share(tried), moved=share(shifted(tried, dataset.shape)), below=below,
    )  # fmt: skip
    drawn = say("histogram of the scores of the calibration digits; the line is the score of this image")
    parts = f"""{head}
<div class="boards"><canvas data-part="seen" width="160" height="160" role="img"
aria-label="{say("the image x")}"></canvas>
<canvas data-part="scores" width="800" height="240" class="scores" role="img" aria-label="{drawn}"></canvas></div>
<p data-part="said" class="finding" aria-live="polite"></p>
<p class="choices">{button("shift", say("Shift by one pixel"))}{button("blank", say("Blank image"))}
{button("back", say("The digit of the canvas"))}</p>
<div class="numbers">{number("score", "−ln p(x)", say("nats, NADE"))}
{number("higher", say("calibration digits"), say("with at least this score"))}
{number("p", say("p-value"), say("alarm if at most 5 %"))}</div>
<p>{lesson}</p>"""
    return thing("alarm", parts, data(calibration, dataset), say)


def data(calibration: np.ndarray, dataset: Dataset) -> dict[str, Any]:
    """Return all that the widget needs, as JSON, without the weights.  calibration: scores, (m,). dataset: images."""
    return {
        "shape": dataset.shape,
        "calibration": np.sort(calibration).astype(float).round(4).tolist(),
        "alpha": ALPHA,
        "image": as_text(examples(dataset)[0]),
    }
