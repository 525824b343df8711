"""The tour's page in a real browser: everything is shown, nothing is wider than a phone, no message in the console.

Chromium runs without a window. A few lines of script, added to a copy of the page, look at it from within and leave
what they found in the document, which the browser prints.
"""

import re

import pytest

from demos.__main__ import main
from demos.tour import mathematics
from demos.tour import run as tour
from demos.tour.lecture import SECTIONS
from tests.demos.chromium import needs_chromium, seen_by_chromium

pytestmark = needs_chromium

WIDTHS = {"wide": 1100, "phone": 390}
LOOK = """<script>
for (const width of WIDTHS) {  // a document is loaded when its frames are
  const frame = document.createElement("iframe");
  frame.style = `width: ${width}px; height: 800px; border: 0`;
  frame.srcdoc = document.getElementById("page").content.textContent;
  document.body.append(frame);
}
const look = (page) => {
  page.querySelectorAll("details").forEach((part) => { part.open = true; });
  const ids = new Set([...page.querySelectorAll("[id]")].map((part) => part.id));
  return {
    images: page.images.length,
    shown: [...page.images].filter((image) => image.naturalWidth > 1 && image.clientWidth > 50).length,
    formulas: page.querySelectorAll(".formula").length,
    cut: [...page.querySelectorAll(".formula")].filter((math) => math.scrollWidth > math.clientWidth)
      .map((math) => math.getAttribute("aria-label")),
    width: page.documentElement.scrollWidth,
    broken: [...page.querySelectorAll("a")].map((a) => a.getAttribute("href"))
      .filter((h) => h.startsWith("#") && !ids.has(h.slice(1))),
    paper: page.defaultView.getComputedStyle(page.body).backgroundColor,
  };
};
window.onload = () => {
  const [wide, phone] = [...document.querySelectorAll("iframe")].map((frame) => look(frame.contentDocument));
  document.body.textContent = "found " + JSON.stringify({wide, phone});
};
</script>""".replace("WIDTHS", str(list(WIDTHS.values())))


def looked_at(html, folder, *options):
    """What LOOK found at both widths, and the messages in the console."""
    text = html.replace("&", "&amp;").replace("<", "&lt;")
    frames = f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><template id="page">{text}'
    return seen_by_chromium(f"{frames}</template>{LOOK}</body>", folder, *options)


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """The page of two sections that take a second each, and of all formulas."""
    folder = tmp_path_factory.mktemp("tour")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tour, "SECTIONS", [s for s in SECTIONS if s.demo in ("markov", "ar")])
        assert main(["--out", str(folder)]) == 0
    text = (folder / "index.html").read_text(encoding="utf-8")
    others = [s for s in SECTIONS if s.demo not in ("markov", "ar")]
    drawn = "".join(mathematics.formula(s.formula, {label: "−12.345" for label, _ in s.measured}) for s in others)
    whole = text.replace("</main>", drawn + "</main>")
    return re.sub(r'<svg class="outlines".*?</svg>', lambda _: mathematics.outlines(whole), whole, flags=re.DOTALL)


@pytest.mark.parametrize(("mode", "colour"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 24, 31)")])
def test_everything_is_shown_at_both_widths_and_in_light_and_dark(mode, colour, html, tmp_path):
    found, console = looked_at(html, tmp_path, f"--blink-settings=preferredColorScheme={0 if mode == 'dark' else 1}")
    assert console == []
    for name, seen in found.items():
        assert seen["images"] == seen["shown"] == 4
        assert seen["formulas"] == len(SECTIONS)
        assert seen["cut"] == []
        assert seen["width"] <= WIDTHS[name]
        assert seen["broken"] == []
        assert seen["paper"] == colour


def test_it_would_notice_what_is_broken(html, tmp_path):
    """A damaged picture, a link to nowhere, a word that no phone has room for, an error in a script."""
    damaged = html.replace("data:image/png;base64,", "data:image/png;base64,AAAA", 1).replace(
        'href="#ar"', 'href="#no"'
    )
    damaged = damaged.replace("<main>", "<main><p style='width: 50rem'>wide</p><script>undefined_name()</script>")
    found, console = looked_at(damaged, tmp_path)
    assert found["phone"]["shown"] == 3
    assert found["phone"]["width"] > WIDTHS["phone"]
    assert found["phone"]["broken"] == ["#no"]
    assert any("undefined_name is not defined" in line for line in console)
