"""Pictures of the page: the cells of a demo's SVG, in the page, with the page's font and colours for light and dark."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from demos.figures import SYMBOL
from demos.tour.text import Language
from minigen import plot

WIDEST = 324
"""Width of the widest cell, points: a telephone shows all of it."""

LONG = 500
"""A path with more characters is a curve or an area, for which a tenth of a point is enough."""

DARK = {
    "#ffffff": "#14181f",
    plot.FRAME: "#333b4a",
    plot.INK: "#e4e8f1",
    **dict(zip(plot.SERIES[1:], ("#ef8a72", "#86bfab", "#e8b878", "#b3a0c4", "#8592a8"), strict=True)),
    **dict(
        zip(
            plot.DIGITS,
            (
                "#e0909a",
                "#9c8ff0",
                "#d8c062",
                "#5fbf7c",
                "#8cc8ee",
                "#d873a6",
                "#66c7b9",
                "#b5b55e",
                "#d68ad0",
                "#d0d4dc",
            ),
            strict=True,
        )
    ),
}
"""The colours of the pictures on dark paper, by the colour on white paper. A picture of the page has no other."""
DARK_RULE = "".join(f"--{light[1:]}:{dark};" for light, dark in DARK.items())
STYLE = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {DARK_RULE} }} }}"


class Picture(NamedTuple):
    """A picture of the page.

    file: that a demo writes. caption: what to see and why, in English. alternative: what is seen, for those who do not
    see it, in English. folded: the picture is shown after a click.
    """

    file: str
    caption: str
    alternative: str
    folded: bool = False

    def html(self, folder: Path, say: Language) -> str:
        """Return the picture with its caption.  folder: of the demo. say: language of the page."""
        cells = list(drawn(folder / self.file, f"{folder.name}-{Path(self.file).stem}"))
        whole = "".join(cell.svg for cell in cells)
        return figure(whole, cells[-1].width, say(self.caption), say(self.alternative), self.folded)


def figure(svg: str, width: float, caption: str, alternative: str, folded: bool = False) -> str:
    """Return a figure.

    svg: HTML of its cells. width: of a cell, points. caption, alternative, folded: as in Picture.
    """
    cells = f'<div class="cells" role="img" aria-label="{escape(alternative)}" style="--width: {width:g}">{svg}</div>'
    if folded:
        return f"<details><summary>{escape(caption)}</summary><figure>{cells}</figure></details>"
    return f"<figure>{cells}<figcaption>{escape(caption)}</figcaption></figure>"


class Cell(NamedTuple):
    """A cell of a picture.  width: points. svg: HTML."""

    width: float
    svg: str


def drawn(path: Path, name: str) -> Iterator[Cell]:
    """Yield the cells of a figure of `demos.figures`, that of the legend first.

    path: of its file. name: with which the ids begin, so that they occur once in the page.
    """
    root = ElementTree.parse(path).getroot()
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for key in list(element.attrib):
            element.attrib[key.rpartition("}")[2]] = element.attrib.pop(key)
    rename(root, name)
    for element in root.iter():
        restyle(element)
    for element in root.iter("g"):
        hoist(element)
        element[:] = flat(element)
    shared = [part for part in root.findall("defs") if part.find("style") is None]
    for group in [group for group in root.iter("g") if "cell" in group.attrib]:
        left, top, width, height = box(group[0])
        svg = ElementTree.Element("svg", viewBox=f"{left:g} {top:g} {width:g} {height:g}")
        if group.get("cell") == "legend":
            svg.set("class", "legend")
        svg.extend([*shared, *group[1:]])
        shared = []
        yield Cell(width, ElementTree.tostring(svg, encoding="unicode"))


def rename(root: ElementTree.Element, name: str) -> None:
    """Give each id that the picture refers to a name of the picture, mark cells and symbols, and drop all other ids."""
    referred = re.compile(r"#([^)\"]+)")
    used: dict[str, str] = {}
    for element in root.iter():
        for key in ("href", "clip-path"):
            if found := referred.search(element.get(key, "")):
                used.setdefault(found[1], f"{name}-{len(used)}")
                element.set(key, element.get(key, "").replace(found[1], used[found[1]]))
    for element in root.iter():
        own = element.attrib.pop("id", "")
        if own == "legend" or own.startswith("cell_"):
            element.set("cell", own)
        if own.startswith(SYMBOL):
            element.set("data-tex", own.removeprefix(SYMBOL))
        if own in used:
            element.set("id", used[own])


def restyle(element: ElementTree.Element) -> None:
    """Give an element the colours and the font of the page, and coordinates with few decimals."""
    element.text = (element.text or "").strip() if element.tag != "text" else element.text
    element.tail = ""
    if style := element.get("style"):
        style = re.sub(r"#[0-9a-f]{6}", lambda m: f"var(--{m[0][1:]},{m[0]})" if m[0] in DARK else m[0], style)
        style = re.sub(r"font: ([\d.]+px) [^;]*", r"font-size: \1", style)
        style = re.sub(r"font-family: [^;]*(; )?", "", style)
        element.set("style", style.replace(": ", ":").replace("; ", ";"))
    for key in ("d", "x", "y"):
        if value := element.get(key):
            element.set(key, rounded(value, 1 if len(value) > LONG else 2))
    if (turned := element.get("transform", "")).startswith("rotate(-0 "):
        del element.attrib["transform"]
    elif "rotate" in turned or "translate" in turned:
        element.set("transform", re.sub(r"(\.\d\d)\d+", r"\1", turned))
    if element.tag == "image":
        element.set("href", smaller(element.get("href", "")))


def rounded(numbers: str, decimals: int) -> str:
    """Return a text with its numbers rounded.  decimals: number."""
    short = lambda found: f"{float(found[0]):.{decimals}f}".rstrip("0").rstrip(".")
    return " ".join(re.sub(r"-?\d+\.\d+", short, numbers).split())


def hoist(group: ElementTree.Element) -> None:
    """Move the style of the marks of a line or a scatter to their group, if the marks have one style."""
    marks = group.findall(".//use")
    styles = {mark.get("style", "") for mark in marks}
    if len(marks) > 1 and len(styles) == 1 and len(marks) == sum(1 for part in group.iter() if "style" in part.attrib):
        group.set("style", styles.pop())
        for mark in marks:
            del mark.attrib["style"]


def flat(group: ElementTree.Element) -> list[ElementTree.Element]:
    """Return the parts of a group, with the parts of the groups in it that have no attribute."""
    return [part for child in group for part in (flat(child) if child.tag == "g" and not child.attrib else [child])]


def box(path: ElementTree.Element) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a cell, points.  path: the rectangle behind the cell."""
    corners = re.findall(r"[ML] (\S+) (\S+)", path.get("d", ""))
    x, y = ({float(corner[k]) for corner in corners} for k in (0, 1))
    return min(x), min(y), min(WIDEST, max(x) - min(x)), max(y) - min(y)


def smaller(address: str) -> str:
    """Return the address of a PNG with the same pixels, of a palette if the PNG has at most 256 colours.

    address: data:image/png;base64,…
    """
    image = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGBA")
    pixels = np.asarray(image)
    colours, numbers = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    file, options = io.BytesIO(), {}
    if len(colours) <= 256:
        image = Image.fromarray(numbers.reshape(pixels.shape[:2]).astype(np.uint8))
        image.putpalette(colours[:, :3].tobytes())
        options = {"transparency": colours[:, 3].tobytes(), "bits": max(1, (len(colours) - 1).bit_length())}
    image.save(file, "PNG", optimize=True, **options)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
