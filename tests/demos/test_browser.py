"""The tour's page in a real browser: everything is shown, nothing is wider than a phone, no message in the console."""

import re

import pytest

from demos.tour import mathematics
from demos.tour.lecture import SECTIONS
from tests.demos.chromium import needs_chromium

pytestmark = needs_chromium

WIDTHS = {"wide": 1100, "phone": 390}
LOOK = """
document.querySelectorAll("details").forEach((part) => { part.open = true; });
const ids = new Set([...document.querySelectorAll("[id]")].map((part) => part.id));
({
  pictures: document.querySelectorAll("figure").length,
  shown: [...document.querySelectorAll("figure")].filter((figure) =>
    [...figure.querySelectorAll("svg")].every((cell) => cell.clientWidth > 50 && cell.clientHeight > 10)).length,
  formulas: document.querySelectorAll(".formula").length,
  cut: [...document.querySelectorAll(".formula")].filter((math) => math.scrollWidth > math.clientWidth)
    .map((math) => math.getAttribute("aria-label")),
  width: document.documentElement.scrollWidth,
  broken: [...document.querySelectorAll("a")].map((a) => a.getAttribute("href"))
    .filter((h) => h.startsWith("#") && !ids.has(h.slice(1).split("?")[0])),
  paper: getComputedStyle(document.body).backgroundColor,
});
"""


@pytest.fixture(scope="module")
def html(toured):
    """The page of two sections, and of all formulas."""
    text = (toured[0] / "index.html").read_text(encoding="utf-8")
    others = [s for s in SECTIONS if s.demo not in ("markov", "ar")]
    drawn = "".join(mathematics.formula(s.formula, {label: "−12.345" for label, _ in s.measured}) for s in others)
    whole = text.replace("</main>", drawn + "</main>")
    return re.sub(r'<svg class="outlines".*?</svg>', lambda _: mathematics.outlines(whole), whole, flags=re.DOTALL)


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize(("mode", "colour"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 24, 31)")])
def test_everything_is_shown_at_both_widths_and_in_light_and_dark(mode, colour, width, html, tab):
    tab.open(html, width=width, dark=mode == "dark")
    seen = tab.evaluate(LOOK)
    assert tab.messages() == []
    assert seen["pictures"] == seen["shown"] == sum(len(s.pictures) for s in SECTIONS if s.demo in ("markov", "ar"))
    assert seen["formulas"] == len(SECTIONS)
    assert seen["cut"] == []
    assert seen["width"] <= width
    assert seen["broken"] == []
    assert seen["paper"] == colour


def test_it_would_notice_what_is_broken(html, tab):
    """A picture without a size, a link to nowhere, a word that no phone has room for, an error in a script."""
    damaged = html.replace("<svg viewBox", '<svg style="width: 0" viewBox', 1).replace('href="#ar"', 'href="#no"')
    damaged = damaged.replace("<main>", "<main><p style='width: 50rem'>wide</p><script>undefined_name()</script>")
    tab.open(damaged, width=WIDTHS["phone"])
    seen = tab.evaluate(LOOK)
    assert seen["shown"] == seen["pictures"] - 1
    assert seen["width"] > WIDTHS["phone"]
    assert seen["broken"] == ["#no"]
    assert any("undefined_name is not defined" in line for line in tab.messages())
