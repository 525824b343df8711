"""Formulas as HTML: TeX becomes lines of glyphs, with braces, labels and measured values under terms.

The glyphs are those of matplotlib's mathematical text, as SVG, so a formula looks the same in every browser and needs
no font. The outline of a glyph stands once in a page (`outlines`), and each formula only refers to the outline.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from html import escape
from typing import Any

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from demos.tour.text import ENGLISH, Language

PROPERTIES = FontProperties(size=100, math_fontfamily="stix")
EM = 100
"""Units of a drawn formula in one em of the text around it."""
_OUTLINES: dict[str, str] = {}
"""The outline of each glyph that was drawn, as the path data of SVG, by its id in the page."""


def formula(
    tex: str, values: Mapping[str, str] | None = None, say: Language = ENGLISH, symbols: Sequence[str] = ()
) -> str:
    r"""Return a formula or a derivation as HTML. A line that begins with a relation, such as =, is indented.

    tex: lines of matplotlib's TeX, without $, with a double backslash between two lines. Three commands are added, at
        the top level of a line:
        \underbrace{a}_{\text{label}} draws a brace under a, and the label under the brace;
        \boxed{a} draws a frame around a;  \text{words} is text.
    values: the measured value of a label, as text, which stands under the label. None: no values.
    say: language of words and labels. symbols: TeX; where symbol k stands, its glyphs are in an element with the
        attribute data-symbol="k".
    """
    lines = [" ".join(line.split()) for line in tex.split(r"\\")]
    draw = partial(glyphs, symbols=tuple(symbols))
    drawn = ("".join(_part(*part, values or {}, say, draw) for part in parts(line)) for line in lines)
    rows = "".join(f'<div class="line">{line}</div>' for line in drawn)
    spoken = re.sub(r"(?<=\\text\{)[^}]+", lambda found: say(found[0].strip()), "; ".join(lines))
    return f'<div class="formula" role="math" aria-label="{escape(spoken)}">{rows}</div>'


def outlines(body: str) -> str:
    """Return an SVG with the outlines of all glyphs that the formulas in `body`, HTML, refer to."""
    used = sorted(set(re.findall(r'<use href="#(g[0-9a-f]+)"', body)))
    paths = "".join(f'<path id="{name}" d="{_OUTLINES[name]}"/>' for name in used)
    return f'<svg class="outlines" aria-hidden="true"><defs>{paths}</defs></svg>'


RELATIONS = (r"\Rightarrow", r"\leq", r"\geq", r"\to", r"\cdots", "=", "+", "-")
"""Signs after which a line may be broken, if they are outside of all brackets."""
TOKEN = re.compile(r"(?P<open>\\left.|[({\[])|(?P<close>\\right.|[)}\]])|\\[a-zA-Z]+|\\.|.")
COMMAND = re.compile(r"\\(underbrace|boxed|text)(?=\{)|\\q?quad")


def parts(line: str) -> Iterator[tuple[str, str, str]]:
    r"""Yield the parts of a line of TeX from left to right: (kind, content, label).

    kind: "underbrace", "boxed", "text", "space", "relation" for one of RELATIONS, or "term" for the TeX between them.
    label: under an underbrace, else "".
    """
    kept, place = "", 0
    while place < len(line):
        rest = line[place:]
        found = COMMAND.match(rest)
        relation = next((sign for sign in RELATIONS if rest.startswith(sign)), "")
        if found or relation:
            if kept.strip():
                yield "term", kept.strip(), ""
            kept = ""
        if found and found[1]:
            content = group(line, place + found.end())
            place += found.end() + len(content) + 2
            label = ""
            if found[1] == "underbrace":
                label = group(line, place + 1)
                place += len(label) + 3
            yield found[1], content, re.sub(r"\\text\{(.*)\}", r"\1", label)
        elif found:
            yield "space", found[0], ""
            place += found.end()
        elif relation:
            yield "relation", relation, ""
            place += len(relation)
        else:
            end = closed(line, place)
            kept += line[place:end]
            place = end
    if kept.strip():
        yield "term", kept.strip(), ""


def group(line: str, place: int) -> str:
    """Return the TeX between the brace { at `place` and its partner }."""
    return line[place + 1 : closed(line, place) - 1]


def closed(line: str, place: int) -> int:
    """Return the place after the bracket that closes the bracket at `place`; without one there, after one token."""
    depth = 0
    for token in TOKEN.finditer(line, place):
        depth += bool(token["open"]) - bool(token["close"])
        if depth <= 0:
            return token.end()
    return len(line)


def _part(
    kind: str, content: str, label: str, values: Mapping[str, str], say: Language, draw: Callable[[str], str]
) -> str:
    if kind == "space":
        return '<span class="space"></span>'
    if kind == "text":
        return f'<span class="words">{escape(say(content.strip()))}</span>'
    drawn = draw(content)
    if kind == "underbrace":
        value = f"<b>{escape(values[label])}</b>" if label in values else ""
        return f'<span class="braced"><span>{drawn}</span>{BRACE}<small>{escape(say(label))}</small>{value}</span>'
    return f'<span class="{kind}">{drawn}</span>'


BRACE = (
    '<svg class="brace" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
    '<path d="M1 0Q1 5 8 5H42Q50 5 50 10Q50 5 58 5H92Q99 5 99 0" vector-effect="non-scaling-stroke"/></svg>'
)
"""An SVG of a brace, which is stretched to the width of its term."""


@cache
def glyphs(tex: str, symbols: tuple[str, ...] = ()) -> str:
    """Return a formula as an SVG in the size and colour of the text around it.

    tex: in matplotlib's TeX, without $. symbols: see `formula`.
    """
    width, height, depth = text_to_path.get_text_width_height_descent(f"${tex}$", PROPERTIES, ismath=True)
    placed, bars = _placed(tex)
    top = height - depth
    uses = [
        f'<use href="#{_id(name)}" transform="translate({x:.0f} {top - y:.0f}) scale({scale:.3g} {-scale:.3g})"/>'
        for name, x, y, scale in placed
    ]
    for k, first, last in _found(placed, symbols):
        left, right = placed[first][1], placed[last][1] + 60 * placed[last][3]
        area = f'<rect x="{left:.0f}" width="{right - left:.0f}" height="{height:.0f}"/>'
        uses[first] = f'<g data-symbol="{k}">{area}{uses[first]}'
        uses[last] += "</g>"
    rules = "".join(f'<path d="{_path([(x, top - y) for x, y in corners], codes)}"/>' for corners, codes in bars)
    size = f"width:{width / EM:.2f}em;height:{height / EM:.2f}em;vertical-align:{-depth / EM:.2f}em"
    box = f'viewBox="0 0 {width:.0f} {height:.0f}" style="{size}"'
    return f'<svg class="glyphs" aria-hidden="true" {box}>{"".join(uses)}{rules}</svg>'


Glyph = tuple[str, float, float, float]
"""The name of a glyph, its place x and y, and its scale."""


@cache
def _placed(tex: str) -> tuple[list[Glyph], Any]:
    """Return the glyphs of a formula and the bars of its fractions, and keep the outlines of the glyphs."""
    placed, outlines, bars = text_to_path.get_glyphs_mathtext(PROPERTIES, f"${tex}$")
    for name, (vertices, codes) in outlines.items():
        _OUTLINES.setdefault(_id(name), _path(vertices, codes))
    return placed, bars


def _found(placed: list[Glyph], symbols: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yield (k, first, last) where the glyphs `first` to `last` are those of symbol k, the longest symbols first."""
    shape = lambda glyphs: [(name, scale) for name, _, _, scale in glyphs]
    wanted = sorted(((shape(_placed(symbol)[0]), k) for k, symbol in enumerate(symbols)), key=lambda s: -len(s[0]))
    taken: set[int] = set()
    for symbol, k in wanted:
        for first in range(len(placed) - len(symbol) + 1):
            run = range(first, first + len(symbol))
            if taken.isdisjoint(run) and shape(placed[first : run.stop]) == symbol:
                taken.update(run)
                yield k, first, run[-1]


def _id(name: str) -> str:
    return f"g{zlib.crc32(name.encode()):x}"


POINTS = {1: ("M", 1), 2: ("L", 1), 3: ("Q", 2), 4: ("C", 3), 79: ("Z", 1)}
"""The letter of SVG for each code of matplotlib's paths, and how many points have the code in one segment."""


def _path(vertices: Iterable[Sequence[float]], codes: Any) -> str:
    found, place = "", 0
    points = [f"{x:.0f} {y:.0f}" for x, y in vertices]
    while place < len(points):
        letter, count = POINTS[codes[place]]
        found += letter + (" ".join(points[place : place + count]) if letter != "Z" else "")
        place += count
    return found
