"""A training of this run with a slider over its moments: a drawing, and the values that were measured at the moment.

The demos write the moments to `moments.npz`. The page gets the values as they are, positions as 16-bit numbers, and
images and maps as opacities of 8 bits in one PNG file, the sheet.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from demos import gan
from demos.film import Moments, read_moments
from demos.tour.play import button, intro, slider, thing
from demos.tour.text import ENGLISH, Language
from minigen import plot

LARGEST, POINTS = 32767, 600
"""The largest 16-bit number; points of a drawing, at most."""


class Value(NamedTuple):
    """A measured value beside the drawing.

    key: its name in `Moments.values`. term: its name on the page. note: a few words about it. digits: decimals to show.
    limit: returns what the theory expects, a dotted line. together: values of the same group share one axis. log:
    whether the axis is logarithmic.
    """

    key: str
    term: str
    note: str
    digits: int = 3
    limit: Callable[[Moments], float] | None = None
    together: str = ""
    log: bool = False


class Scene(NamedTuple):
    """What JavaScript draws.

    kind: its function in scrubber.js. data: numbers for this function. sheet: PNG file, b"" for none.
    """

    kind: str
    data: dict[str, Any]
    sheet: bytes = b""


class Subject(NamedTuple):
    """How the page shows the moments of a demo.

    title: above the drawing. see: how to read the drawing. rounded: what the rounding of the drawing costs. shown:
    returns the scene. values: beside the drawing.
    """

    title: str
    see: str
    rounded: str
    shown: Callable[[Moments], Scene]
    values: tuple[Value, ...]


# -- packing


def packed(numbers: Any, top: float) -> str:
    """Return numbers from −top to top in steps of top / LARGEST as 16-bit integers in base64, see `unpacked` in
    scrubber.js. A number beyond ±top becomes ±top, and nan becomes −LARGEST − 1.
    """
    steps = np.rint(np.clip(np.asarray(numbers, float), -top, top) * (LARGEST / top))
    codes = np.where(np.isnan(steps), -LARGEST - 1, steps).astype("<i2")
    return base64.b64encode(np.ascontiguousarray(codes).tobytes()).decode()


def sheet(opacity: np.ndarray) -> bytes:
    """Return a PNG file of black pixels.  opacity: 0 to 1, (rows, columns), which is rounded to multiples of 1/255."""
    alpha = np.rint(255 * np.clip(opacity, 0, 1)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.stack([np.zeros_like(alpha), alpha], axis=-1), "LA").save(file, "PNG", optimize=True)
    return file.getvalue()


# -- scenes


def curves(m: Moments) -> Scene:
    """Return the scene of the GAN on a line: p_data, p_G, D and D* over x, and where G sends equal shares of z."""
    reach, top = 3.5, 1.5
    middle = (m.fixed["edges"][1:] + m.fixed["edges"][:-1]) / 2  # ±inf in the first and last cell
    seen = np.abs(middle) <= reach
    width = np.diff(m.fixed["edges"])[seen]
    p_data, p_G = m.fixed["p_data"][seen], m.shots["fakes"][:, seen]
    clear = np.maximum(p_data, p_G) / width > 1e-3  # elsewhere D* is a ratio of two numbers near 0
    best = np.where(clear, p_data / np.maximum(p_data + p_G, 1e-300), np.nan)
    z = gan.ndtri((np.arange(30) + 0.5) / 30)
    data = {
        "reach": reach,
        "top": top,
        "count": int(seen.sum()),
        "data": packed(p_data / width, top),
        "made": packed(p_G / width, top),
        "learned": packed(m.shots["D"][:, seen], top),
        "best": packed(best, top),
        "z": np.round(z, 4).tolist(),
        "x": packed([np.interp(z, gan.Z_EDGES, x) for x in m.shots["x"]], 2 * reach),
    }
    return Scene("curves", data)


def plane(xy: np.ndarray, low: np.ndarray, high: np.ndarray) -> dict[str, Any]:
    """Return points of the plane, of which at most POINTS are shown, and the square that is drawn.

    xy: the points at each moment, (T, n, 2). low, high: opposite corners of the square, (2,).
    """
    centre, half = (low + high) / 2, float((high - low).max() / 2)
    return {
        "centre": centre.tolist(),
        "half": half,
        "count": min(xy.shape[1], POINTS),
        "points": packed(xy[:, :POINTS] - centre, 1.5 * half),
    }


def ring(m: Moments) -> Scene:
    """Return the scene of a GAN in the plane: samples, what D takes for real, and the modes of the data."""
    reach, logits = float(m.fixed["reach"]), m.shots["logits"]
    side = round(logits.shape[1] ** 0.5)
    rank = logits.argsort(axis=1).argsort(axis=1) / logits.shape[1]
    upright = rank.reshape(-1, side, side)[:, ::-1]  # the first row of an image is at the top
    data = plane(m.shots["samples"], np.full(2, -reach), np.full(2, reach))
    data |= {"side": side, "axes": ["x₁", "x₂"]}
    data["circles"] = {"at": m.fixed["places"].tolist(), "radius": 3 * float(m.fixed.get("sigma", reach / 100))}
    return Scene("points", data, sheet(upright.reshape(-1, side)))


def aae(m: Moments) -> Scene:
    """Return the scene of codes in the plane: test images by their class, above samples of the prior."""
    prior, names = m.fixed["prior"], m.fixed["names"].tolist()
    low, high = np.quantile(prior, [0.005, 0.995], axis=0)
    half = 0.7 * (high - low).max()
    data = plane(m.shots["shot"], (low + high) / 2 - half, (low + high) / 2 + half)
    centre = np.array(data["centre"])
    data |= {
        "axes": ["z₁", "z₂"],
        "below": packed(prior[:POINTS] - centre, 1.5 * data["half"]),
        "labels": m.fixed["labels"][:POINTS].tolist(),
        "names": names if 1 < len(names) <= plot.LISTED else [],
        "colours": plot.DIGITS,
    }
    return Scene("points", data)


def images(m: Moments) -> Scene:
    """Return the scene of images in a square of rows and columns."""
    shot, (rows, columns) = m.shots["shot"], m.fixed["shape"].tolist()
    T, n, _ = shot.shape
    side = round(n**0.5)
    cells = np.zeros((T, side, side, rows + 1, columns + 1))  # with a gap of one pixel after each image
    cells[..., :rows, :columns] = shot.reshape(T, side, side, rows, columns)
    pixels = cells.transpose(0, 1, 3, 2, 4).reshape(T * side * (rows + 1), side * (columns + 1))
    return Scene("images", {"rows": side * (rows + 1), "columns": side * (columns + 1)}, sheet(pixels))


def posteriors(m: Moments) -> Scene:
    """Return the scene of posteriors p(z|x) in the plane, shaded, with the lines of q(z|x), a colour for each image."""
    shaded, (rows, columns) = m.shots["posterior"][:, :, ::-1].astype(float), m.fixed["shape"].tolist()
    T, n, side, _ = shaded.shape
    reach = float(m.fixed["reach"])
    data = {
        "reach": reach,
        "side": side,
        "count": n,
        "q": packed(m.shots["q"], 2 * reach),
        "digits": ["".join(str(int(pixel)) for pixel in image) for image in m.fixed["images"]],
        "shape": [rows, columns],
        "colours": plot.DIGITS,
    }
    return Scene("posteriors", data, sheet(shaded.transpose(0, 2, 1, 3).reshape(T * side, n * side)))


SUBJECTS = {
    "truth_lab": Subject(
        "The training, moment by moment: posteriors and q",
        "Each colour is one test digit: its posterior p(z|x) is shaded, and the two lines are q(z|x) at one and two "
        "standard deviations. Before the training nothing in x tells which z made it, so all posteriors are the prior. "
        "Then they shrink and part. The values are means over these digits, in nats.",
        "The drawing is rounded to 1/255 of the shading and 0.0002 units of z. The values are not rounded.",
        posteriors,
        (
            Value("log_evidence", "ln p(x)", "the sum of the other two", 4, together="sum"),
            Value("elbo", "ELBO", "what the training raises; same axis as ln p(x)", 4, together="sum"),
            Value("kl", "KL(q(z|x) ‖ p(z|x))", "an integral of its own", 4),
        ),
    ),
    "aae": Subject(
        "The training, moment by moment: the codes",
        "Each number is a test image at its code z, and names its class. Grey: samples of the prior. The game pushes "
        "the codes together until they lie as the prior does.",
        "The drawing is rounded to 1/80,000 of its side. The values are not rounded.",
        aae,
        (
            Value(
                "discriminator",
                "loss of the discriminator",
                "nats; dotted: log 4, where it can only guess",
                limit=lambda m: gan.LOG_4,
            ),
            Value("reconstruction", "reconstruction loss", "nats/image, mean over the epoch", 2),
        ),
    ),
    "gan": Subject(
        "The training, moment by moment: p_G, D and D*",
        "Grey: p_data. Red: p_G. Blue: the learned D. Green, dashed: the best discriminator D*. Below, the lines lead "
        "from equal shares of z to x = G(z).",
        "The drawing is rounded to 0.00003 of a density or probability, and cut at 1.5. The values are not rounded.",
        curves,
        (
            Value("value", "V(D, G)", "nats; dotted: −log 4", 4, lambda m: -gan.LOG_4, "V"),
            Value(
                "optimal_value",
                "V(D*, G) = 2 JSD − log 4",
                "nats; same axis; dotted: −log 4",
                4,
                lambda m: -gan.LOG_4,
                "V",
            ),
            Value("jsd", "JSD(p_data, p_G)", "nats; logarithmic axis", 4, log=True),
            Value(
                "sup_D",
                "sup |D − ½|",
                "logarithmic axis; 0 if D can only guess, or is blind",
                4,
                together="sup",
                log=True,
            ),
            Value("sup_optimal_D", "sup |D* − ½|", "same axis; 0 if p_G = p_data", 4, together="sup", log=True),
        ),
    ),
    "ring": Subject(
        "The training, moment by moment: the game with the best result",
        "Red: samples. Circles: the modes of the data, with radius 3σ. The stronger the shade, the more real a point "
        "there is for D.",
        "The drawing is rounded to 1/80,000 of its side. The values are not rounded.",
        ring,
        (
            Value(
                "reached", "modes that the samples gather around", "dotted: all", 0, lambda m: len(m.fixed["places"])
            ),
            Value("quality", "samples within 3σ of a mode", "share; dotted: 1", 3, lambda m: 1, "share"),
            Value("coverage", "coverage", "real points with a sample nearby; dotted: 1", 3, lambda m: 1, "share"),
            Value("precision", "precision", "samples near real points; dotted: 1", 3, lambda m: 1, "share"),
        ),
    ),
    "gan_digits": Subject(
        "The training, moment by moment: G(z) of the same z",
        "Each place keeps its z, so the same place shows how one z becomes another image.",
        "The drawing is rounded to 1/255 of black. The values are not rounded.",
        images,
        (
            Value(
                "frechet",
                "Fréchet distance of features",
                "from validation digits, logarithmic axis; dotted: training digits in place of samples",
                3,
                lambda m: float(m.fixed["frechet"]),
                log=True,
            ),
            Value("discriminator", "loss of the discriminator", "nats, mean over the epoch"),
            Value("generator", "loss of the generator", "nats, mean over the epoch"),
        ),
    ),
}


# -- the widget


def scrubber(path: Path, say: Language) -> str:
    """Return the HTML of the widget with the moments that a demo of this run has written.

    path: of the file, in a folder with the name of the demo, which is one of SUBJECTS. say: language of the texts.
    """
    return widget(path.parent.name, read_moments(path), say)


def heights(m: Moments, values: list[Value]) -> tuple[list[list[float | None]], list[float | None]]:
    """Return the heights of all values, and those of their limits, on axes from 0 (lowest) to 1 (highest).

    None: there is no value, or no limit.
    """
    limits = [value.limit(m) if value.limit else np.nan for value in values]
    on_axis = lambda value, x: np.log(np.maximum(x, 1e-12)) if value.log else x
    drawn = [on_axis(v, np.append(m.values[v.key], limit)) for v, limit in zip(values, limits, strict=True)]
    axes: dict[str, list[np.ndarray]] = {}
    for value, numbers in zip(values, drawn, strict=True):
        axes.setdefault(value.together or value.key, []).append(numbers)
    found = []
    for value, numbers in zip(values, drawn, strict=True):
        on_it = np.concatenate(axes[value.together or value.key])
        finite = on_it[np.isfinite(on_it)]
        low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
        found.append(listed(np.round((numbers - low) / max(high - low, 1e-12), 4)))
    return [each[:-1] for each in found], [each[-1] for each in found]


def listed(numbers: np.ndarray) -> list[float | None]:
    """Return numbers as JSON can hold them: None for a number that is not finite."""
    return [float(number) if np.isfinite(number) else None for number in numbers]


def data(demo: str, m: Moments) -> dict[str, Any]:
    """Return all that the widget needs, as JSON, but the sheet."""
    values = [value for value in SUBJECTS[demo].values if value.key in m.values]
    lines, limits = heights(m, values)
    return {
        "epochs": m.epochs.tolist(),
        "values": [
            {"key": v.key, "digits": v.digits, "numbers": listed(m.values[v.key]), "heights": line, "limit": limit}
            for v, line, limit in zip(values, lines, limits, strict=True)
        ],
    }


def widget(demo: str, m: Moments, say: Language = ENGLISH) -> str:
    """Return the HTML of the widget, whose name on the page is that of the demo and "-film".

    say: language of the texts.
    """
    subject = SUBJECTS[demo]
    scene, numbers = subject.shown(m), data(demo, m)
    title, see = say(subject.title), say(subject.see)
    values = "".join(place(value, say) for value in subject.values if value.key in m.values)
    source = f"data:image/png;base64,{base64.b64encode(scene.sheet).decode()}"
    image = f'<img hidden data-part="sheet" alt="" src="{source}">' if scene.sheet else ""
    lines = say("The lines below the values have one point for each moment, as the slider.")
    parts = f"""{intro(title, see)}
<p class="choices">{button("play", say("Play"))} <output data-part="moment" aria-live="off"></output></p>
<div class="timeline">{slider("slider", say("moment of the training"), 0, len(m.epochs) - 1, 1)}</div>
<div class="boards"><canvas data-part="drawing" class="film {scene.kind}" role="img"
aria-label="{escape(f"{title}. {see}")}"></canvas>
<div class="numbers">{values}</div></div>{image}
<p class="caption" data-part="said"></p><p class="caption">{escape(lines)} {escape(say(subject.rounded))}</p>"""
    return thing(f"{demo}-film", parts, {"kind": scene.kind, "scene": scene.data, **numbers}, say, "scrubber")


def place(value: Value, say: Language) -> str:
    """Return a place for a value, and for its line over the moments."""
    return f"""<div><b data-part="value-{value.key}"></b><span>{escape(say(value.term))}</span>
<svg data-part="line-{value.key}" viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true"></svg>
<small>{escape(say(value.note))}</small></div>"""
