"""A tab of Chromium: what it shows of a page, what it does to it, and that nothing of a page stays for the next."""

from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from tests.demos.chromium import Tab, needs_chromium

pytestmark = needs_chromium

PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<style>
body { margin: 0; background: #fff; }
@media (prefers-color-scheme: dark) { body { background: #000; } }
@media print { p { display: none; } }
button { position: absolute; left: 100px; top: 40px; width: 80px; height: 60px; touch-action: none; }
</style>
<p>without scripts</p><button>0</button>
<script>
const seen = [];
document.querySelector("p").textContent = "with scripts";
for (const kind of ["pointerdown", "pointermove", "pointerup", "click", "keydown"]) {
  document.querySelector("button").addEventListener(kind, (event) => {
    seen.push([kind, event.isTrusted, kind === "keydown" ? event.key : event.pointerType]);
  });
}
</script>"""


def test_a_page_has_the_size_the_colours_the_medium_and_the_address_it_is_opened_with(tab, tmp_path):
    tab.open(PAGE, "#a?x=ä", width=390, height=500, dark=True)
    shown = "getComputedStyle(document.querySelector('p')).display"
    assert tab.evaluate("[innerWidth, innerHeight, decodeURI(location.hash)]") == [390, 500, "#a?x=ä"]
    assert tab.evaluate(shown) == "block"
    tab.screenshot(tmp_path / "dark.png")
    tab.open(PAGE, "#b", media="print")
    assert tab.evaluate("[innerWidth, innerHeight, location.hash]") == [1000, 800, "#b"]
    assert tab.evaluate(shown) == "none"
    tab.screenshot(tmp_path / "light.png")
    dark, light = (np.asarray(Image.open(tmp_path / f"{name}.png").convert("L")) for name in ("dark", "light"))
    assert (dark.shape, dark[-1, -1]) == ((500, 390), 0)
    assert (light.shape, light[-1, -1]) == ((800, 1000), 255)


def test_a_page_can_be_seen_without_its_scripts(tab):
    text = "document.querySelector('p').textContent"
    tab.open(PAGE, javascript=False)
    assert tab.evaluate(text) == "without scripts"
    tab.open(PAGE)
    assert tab.evaluate(text) == "with scripts"


def test_mouse_finger_and_keys_are_those_of_a_reader(tab):
    """The events are trusted, unlike those of a script: a press of Enter on a button is a click."""
    tab.open(PAGE)
    x, y = tab.at("button")
    assert (x, y) == (140, 70)
    tab.mouse((x, y))
    assert tab.evaluate("seen.splice(0)") == [[kind, True, "mouse"] for kind in ("pointerdown", "pointerup", "click")]
    tab.mouse((x, y), (x + 10, y), (x + 20, y))
    assert [kind for kind, *_ in tab.evaluate("seen.splice(0)")] == [
        "pointerdown", "pointermove", "pointermove", "pointerup", "click",
    ]  # fmt: skip
    tab.finger((x, y), (x + 25, y))
    assert [kind for kind, *_ in tab.evaluate("seen")] == ["pointerdown", "pointermove", "pointerup"]
    assert {(trusted, pointer) for _, trusted, pointer in tab.evaluate("seen.splice(0)")} == {(True, "touch")}
    tab.press("ArrowDown", "Enter", " ")
    assert [(kind, name) for kind, _, name in tab.evaluate("seen")] == [
        ("keydown", "ArrowDown"), ("keydown", "Enter"), ("click", ""), ("keydown", " "), ("click", ""),
    ]  # fmt: skip


def test_messages_and_errors_of_this_page_are_told(tab):
    tab.open(PAGE + "<script>console.warn('one', 2); none()</script><script>null.x</script><img src='none.png'>")
    told = " ".join(tab.messages())
    for text in ("one 2", "none is not defined", "Cannot read properties of null", "ERR_FILE_NOT_FOUND", "none.png"):
        assert text in told
    tab.open(PAGE)
    assert tab.messages() == []
    tab.evaluate("setTimeout(() => later())")
    assert tab.evaluate("new Promise((done) => setTimeout(() => done(3), 20))") == 3
    assert "later is not defined" in tab.messages()[0]
    with pytest.raises(AssertionError, match="ReferenceError: nowhere is not defined"):
        tab.evaluate("nowhere")


def test_nothing_of_a_page_is_left_for_the_next_tab(tmp_path):
    for _ in range(2):
        with closing(Tab(tmp_path)) as tab:
            tab.open(PAGE, "#first")
            assert tab.evaluate("[localStorage.length, history.length > 2]") == [0, False]
            tab.evaluate("localStorage.setItem('kept', 1)")
