"""`demos.tour.mathematics`: formulas of the page as HTML."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from demos.tour import lecture, mathematics
from demos.tour.mathematics import formula, parts


def test_a_line_is_cut_at_its_relations_but_not_inside_of_brackets():
    line = r"V = \mathbb{E}_{x=1}[f(x) + 1] - \left(a + b\right) \leq c"
    assert [content for kind, content, _ in parts(line) if kind == "relation"] == ["=", "-", r"\leq"]
    assert [content for kind, content, _ in parts(line) if kind == "term"] == [
        "V",
        r"\mathbb{E}_{x=1}[f(x) + 1]",
        r"\left(a + b\right)",
        "c",
    ]


def test_braces_frames_and_words_are_parts_of_their_own():
    line = r"\underbrace{\frac{a}{b}}_{\text{the label}} \quad \boxed{n - 1} \text{a reason = x}"
    assert list(parts(line)) == [
        ("underbrace", r"\frac{a}{b}", "the label"),
        ("space", r"\quad", ""),
        ("boxed", "n - 1", ""),
        ("text", "a reason = x", ""),
    ]


def test_a_value_stands_under_its_own_label():
    tex = r"\underbrace{a}_{\text{one}} + \underbrace{b}_{\text{two}}"
    drawn = ElementTree.fromstring(formula(tex, {"two": "−2.5 & more"}))
    braced = drawn.findall(".//span[@class='braced']")
    assert [part.findtext("small") for part in braced] == ["one", "two"]
    assert [part.findtext("b") for part in braced] == [None, "−2.5 & more"]


def test_a_screen_reader_gets_the_lines_and_a_browser_the_outline_of_each_glyph_once():
    body = formula(r"a = b \\ = a") + formula("a + 1")
    assert 'aria-label="a = b; = a"' in body
    used = re.findall(r'href="#(\w+)"', body)
    drawn = re.findall(r'<path id="(\w+)" d="([^"]+)"', mathematics.outlines(body))
    assert sorted(name for name, _ in drawn) == sorted(set(used))
    assert len(used) > len(drawn) == 5  # a, b, 1, = and +
    assert all(outline.startswith("M") for _, outline in drawn)


def test_a_fraction_has_a_bar_between_its_halves():
    """The bar is below the first glyph, which is above the line, and above the second."""
    svg = ElementTree.fromstring(mathematics.glyphs(r"\dfrac{a}{b}"))
    above, below = [float(re.search(r"translate\(\S+ (\S+)\)", use.get("transform"))[1]) for use in svg.findall("use")]
    (bar,) = [path.get("d") for path in svg.findall("path")]
    heights = [float(y) for y in re.findall(r"[ML]\S+ (\S+?)(?=[MLZ])", bar)]
    assert above < min(heights) < max(heights) < below


@pytest.mark.parametrize(("n", "text"), [(127, "127"), (999_999, "999,999"), (2**64 - 1, "1.84 · 10¹⁹")])
def test_large_numbers_are_short(n, text):
    assert lecture.in_digits(n) == text


PRINTED = """
   epoch 8  -19.000000  -19.500000  0.500000  1.0e-12  1.00  2.00
   epoch 10  -18.000000  -18.250000  0.250000  1.0e-12  1.00  2.00

   epoch 10  1.00  2.00
"""


def test_the_values_of_truth_lab_are_those_of_its_last_row():
    (section,) = [s for s in lecture.SECTIONS if s.demo == "truth_lab"]
    assert section.values(PRINTED, 64) == {"evidence": "−18.000000", "ELBO ↑": "−18.250000", "objective ↓": "0.250000"}
    assert section.values("", 64) == {}
