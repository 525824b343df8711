"""The rules that hold for the pictures of every demo, as the page draws them."""

import re
import xml.etree.ElementTree as ElementTree

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from demos import figures
from demos.tour.pictures import DARK, WIDEST, drawn


def check_pictures(folder):
    """Check each picture in a folder: no text is small or beyond its cell, no colour is unknown on dark paper."""
    for path in folder.glob("*.svg"):
        cells = list(drawn(path, path.stem))
        assert cells, path
        for cell in cells:
            assert cell.width <= WIDEST + 0.01, path
            svg = ElementTree.fromstring(cell.svg)
            colours = {
                colour for element in svg.iter() for colour in re.findall(r"#[0-9a-f]{6}", element.get("style", ""))
            }
            assert colours <= set(DARK), path
            left, _, width, _ = map(float, svg.get("viewBox").split())
            for text in svg.iter("text"):
                where = f"{path.name}: {''.join(text.itertext())}"
                start, end, size = extent(text)
                assert size >= figures.TEXT, where
                assert left - 1 <= start <= end <= left + width + 1, where


def extent(text):
    """Return where a text starts and ends, points from the left, and the size of its smallest letters, points."""
    style = text.get("style", "") + "".join(part.get("style", "") for part in text)
    sizes = [float(size) for size in re.findall(r"font-size:([\d.]+)px", style)]
    moved = text.get("transform", "")
    x = float(text.get("x") or re.search(r"translate\(([-\d.]+)", moved)[1])
    if "rotate" in moved:  # the name of a vertical axis
        return x - max(sizes), x, min(sizes)
    width, _, _ = text_to_path.get_text_width_height_descent(text.text or "", FontProperties(size=max(sizes)), False)
    before = 0.5 * ("text-anchor:middle" in style) + ("text-anchor:end" in style)
    return x - before * width, x + (1 - before) * width, min(sizes)
