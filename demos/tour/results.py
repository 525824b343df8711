"""The results of all models: the rows of the table, and the chart of −ln p(x) over the number of parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from math import ceil, floor, log, log10
from typing import NamedTuple

from demos.tour.text import Language

ROW = re.compile(r"^(?P<model>\S.*?)\s{2,}(?P<parameters>[\d,]+)\s+(?P<nll>[\d.]+ ± [\d.]+)(?P<rest>.*)$", re.MULTILINE)
IMPLICIT = re.compile(r"(?P<model>encoder and decoder|generator) ha(?:s|ve) (?P<parameters>[\d,]+) parameters")
"""The printed lines about a model with a likelihood, and about a model without one."""

NAMES = (
    (r"independent(?: pixels)?", "independent pixels"),
    (r"Markov", "Markov chain"),
    (r"AR\((\d+)\)", "AR: the last {} pixels"),
    (r"FVSBN", "FVSBN: all earlier pixels"),
    (r"NADE, ([\d,]+) hidden", "NADE, {} hidden units"),
    (r"raster LSTM, H = (\d+)", "LSTM, {} hidden units"),
    (r"VAE, −ELBO \(k = 1\)", "VAE, bound: ELBO"),
    (r"VAE, −L\S+ \(k = ([\d,]+)\)", "VAE, bound: {} draws"),
    (r"VAE, k = ([\d,]+)", "VAE, estimate: {} draws"),
    (r"encoder and decoder", "AAE, encoder and decoder"),
    (r"generator", "GAN, generator"),
)
"""The printed name of a model, a regular expression whose groups are numbers, and the name on the page."""
KINDS = (
    (r"exact", "exact"),
    (r"upper bound", "upper bound"),
    (r"upper bound, estimated with (\d+) samples of z", "upper bound, estimated with {} samples of z"),
    (r"estimate, on average an upper bound", "estimate, on average an upper bound"),
    (r"likelihood not computed", "likelihood not computed"),
)
"""The kind of a value, as NAMES."""
CAPTION = (
    "−ln p(x) of the test images over the number of parameters: lower is better. Discs are exact, circles are "
    "estimates, each with its standard error; triangles are upper bounds and point to the side where −ln p(x) lies."
)
ALTERNATIVE = "A chart of the table below: −ln p(x) falls from independent pixels to models with more parameters."
"""Texts of the chart, in English."""


class Row(NamedTuple):
    """A model in the table of results.

    section: demo of its section. model: name on the page, in English, and its numbers. parameters: number. nll:
    −ln p(x) and its standard error, nats; None without a likelihood. kind: "exact", or what the demo printed of a bound
    or an estimate. took: time of the training.
    """

    section: str
    model: tuple[str, ...]
    parameters: int
    nll: tuple[float, float] | None
    kind: str
    took: str

    @property
    def mark(self) -> str:
        """How the chart draws the value: "exact", "bound" or "estimate"."""
        if self.kind.startswith("estimate"):
            return "estimate"
        return "bound" if "bound" in self.kind else "exact"

    def texts(self, D: int, say: Language) -> list[str]:
        """Return the cells of the row but the last, the section.  D: pixels of an image. say: language."""
        nll = bits = "–"
        if self.nll:
            value, error = self.nll
            nll, bits = f"{value:.2f} ± {error:.2f}", f"{value / log(2) / D:.3f}"
        took = say("closed form") if self.took == "closed form" else self.took
        return [self.name(say), f"{self.parameters:,}", nll, bits, say(*worded(self.kind, KINDS)), took]

    def name(self, say: Language) -> str:
        """Return the name on the page of the model.  say: language."""
        text, *values = self.model
        return say(text, *values)


def results(printed: Iterable[tuple[str, str]], D: int) -> Iterator[Row]:
    """Yield a row for each model that the demos printed; a repeated model has one row.

    printed: (demo, its output) of each section. D: pixels of an image.
    """
    seen = set()
    for section, output in printed:
        trained = seconds(output)
        for found in ROW.finditer(output):
            model, parameters, nll, rest = found.groups()
            if (parameters, nll) in seen:
                continue
            seen.add((parameters, nll))
            count = int(parameters.replace(",", ""))
            value, error = map(float, nll.split(" ± "))
            what = rest.strip() if "bound" in rest or "estimate" in rest else "exact"
            took = "closed form" if "closed form" in rest else seconds(rest) or trained
            yield Row(section, named(model, count, D), count, (value, error), what.split(";")[0], took)
        for found in IMPLICIT.finditer(output):
            count = int(found["parameters"].replace(",", ""))
            yield Row(section, named(found["model"], count, D), count, None, "likelihood not computed", trained)


def named(model: str, parameters: int, D: int) -> tuple[str, ...]:
    """Return the name on the page of a model, and its numbers.

    model: its printed name. parameters: number. D: pixels of an image.
    """
    if model == "NADE":  # with 2 D H + H + D parameters
        model = f"NADE, {(parameters - D) // (2 * D + 1)} hidden"
    return worded(model, NAMES)


def worded(printed: str, table: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the words on the page for printed words, and their numbers.  table: NAMES or KINDS."""
    for pattern, words in table:
        if found := re.fullmatch(pattern, printed):
            return words, *found.groups()
    return ("{}", printed)


def seconds(printed: str) -> str:
    """Return the seconds of the first training in a demo's output, as text, or "" if there is none."""
    found = re.search(r"epochs(?: and|,) (\d+) s", printed)
    return found[1] if found else ""


# -- the chart

WIDTH, LEFT, RIGHT, TOP, BELOW, LINE = 324, 34, 156, 20, 38, 13
"""Size of the chart: its width, the space around the plot, and the height of a name."""
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Scale(NamedTuple):
    """A straight map of numbers to places.  low, high: two numbers. start, end: their places."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


def chart(rows: Iterable[Row], say: Language) -> str:
    """Return an SVG of −ln p(x) over the number of parameters, or "" if no row has a likelihood.

    A disc is an exact value, a circle an estimate, each with a bar of its standard error; a triangle is an upper bound
    and points to the side on which −ln p(x) lies. The names of the models stand at the right.  say: their language.
    """
    drawn = sorted((row for row in rows if row.nll), key=lambda row: -nats(row))
    if not drawn:
        return ""
    height = max(230, LINE * len(drawn))
    powers = [log10(row.parameters) for row in drawn]
    x = Scale(min(powers) - 0.3, max(powers) + 0.3, LEFT + 8, WIDTH - RIGHT - 8)
    y = Scale(floor(nats(drawn[-1]) - 0.3), ceil(nats(drawn[0]) + 0.3), TOP + height, TOP)
    places = apart([y(nats(row)) for row in drawn], TOP + height)
    marks = "".join(
        mark(row, row.name(say), x(power), y, place) for row, power, place in zip(drawn, powers, places, strict=True)
    )
    size = f"0 0 {WIDTH} {TOP + height + BELOW}"
    return f'<svg class="chart" viewBox="{size}">{axes(x, y, say)}{marks}</svg>'


def nats(row: Row) -> float:
    """Return −ln p(x) of a row that has a likelihood, nats."""
    assert row.nll is not None
    return row.nll[0]


def apart(places: Sequence[float], last: float) -> list[float]:
    """Return ascending places that are at least LINE apart and not below `last`.  places: ascending."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + LINE) if moved else place)
    return [min(place, last - LINE * k) for k, place in zip(reversed(range(len(moved))), moved, strict=True)]


def axes(x: Scale, y: Scale, say: Language) -> str:
    """Return the axes and their ticks.  x: of log₁₀ of the number of parameters. y: of −ln p(x). say: language."""
    bottom, right = y.start, WIDTH - RIGHT
    steps = (digit * 10**power for power in range(9) for digit in (1, 2, 5))
    step = next(step for step in steps if (y.high - y.low) / step <= 8)
    parts = [f'<path class="axis" d="M{LEFT} {TOP - 6}V{bottom:g}H{right}" />']
    for power in range(ceil(x.low), floor(x.high) + 1):
        parts.append(f'<path class="axis" d="M{x(power):.2f} {bottom:g}v4" />')
        name = f"10{str(power).translate(SUPERSCRIPTS)}"
        parts.append(f'<text class="middle" x="{x(power):.2f}" y="{bottom + 14:g}">{name}</text>')
    for value in range(step * ceil(y.low / step), int(y.high) + 1, step):
        parts.append(f'<path class="axis" d="M{LEFT} {y(value):.2f}h-4" />')
        parts.append(f'<text class="end" x="{LEFT - 6}" y="{y(value) + 3:.2f}">{value}</text>')
    parts.append(f'<text x="2" y="{TOP - 10}">{escape(say("−ln p(x), nats"))}</text>')
    parts.append(
        f'<text class="middle" x="{(LEFT + right) / 2:g}" y="{bottom + 28:g}">{escape(say("parameters"))}</text>'
    )
    return "".join(parts)


def mark(row: Row, name: str, x: float, y: Scale, place: float) -> str:
    """Return the mark of a row, and its name.  x: place of the mark. y: of −ln p(x). place: of the name."""
    assert row.nll is not None
    value, error = row.nll
    height, start = y(value), WIDTH - RIGHT + 18
    line = f'<path class="leader" d="M{x + 5:.2f} {height:.2f}L{start - 8} {place:.2f}H{start - 3}" />'
    text = f'<text x="{start}" y="{place + 3:.2f}">{escape(name)}</text>'
    if row.mark == "bound":
        shape = f'<path d="M{x - 2.5:.2f} {height:.2f}h5l-2.5 7z" />'
    else:
        bar = f'<path class="error" d="M{x:.2f} {y(value + error):.2f}V{y(value - error):.2f}" />'
        shape = f'{bar}<circle cx="{x:.2f}" cy="{height:.2f}" r="2.5" />'
    return f'<g class="{row.mark}">{line}{shape}{text}</g>'
