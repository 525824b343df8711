"""The table and the chart of all models."""

import re
import xml.etree.ElementTree as ElementTree
from math import log10

import numpy as np
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from demos.tour import page, results, sections
from demos.tour.lecture import SECTIONS
from demos.tour.text import ENGLISH

PRINTED = """training ended after 300 epochs and 30 s (all epochs done); the model has the weights of epoch 7
independent                       64          25.21 ± 0.22         0.568   closed form
NADE                          64,564      16.02 ± 0.23   exact; 120 epochs, 26 s
AR(8)                            540          20.28 ± 0.22         0.457   31 epochs, 2 s
VAE, −ELBO (k = 1)           111,280      17.54 ± 0.22   upper bound, estimated with 50 samples of z
VAE, k = 5,000               111,280      16.24 ± 0.21   estimate, on average an upper bound; sampling z adds ± 0.006
"""
IMPLICIT = "training ended after 9 epochs and 8 s (all epochs done); the generator has 86,592 parameters"


def rows():
    again = PRINTED.replace("independent  ", "single pixels")
    return list(results.results([("nade", PRINTED), ("vae", again), ("gan_digits", IMPLICIT)], 64))


def test_each_model_has_one_row_with_a_name_that_a_newcomer_knows():
    assert [(row.section, row.name(ENGLISH), *row[2:]) for row in rows()] == [
        ("nade", "independent pixels", 64, (25.21, 0.22), "exact", "closed form"),
        ("nade", "NADE, 500 hidden units", 64_564, (16.02, 0.23), "exact", "26"),
        ("nade", "AR: the last 8 pixels", 540, (20.28, 0.22), "exact", "2"),
        ("nade", "VAE, bound: ELBO", 111_280, (17.54, 0.22), "upper bound, estimated with 50 samples of z", "30"),
        ("nade", "VAE, estimate: 5,000 draws", 111_280, (16.24, 0.21), "estimate, on average an upper bound", "30"),
        ("gan_digits", "GAN, generator", 86_592, None, "likelihood not computed", "8"),
    ]
    assert [row.mark for row in rows()[:5]] == ["exact", "exact", "exact", "bound", "estimate"]
    assert [row.texts(64, ENGLISH)[3] for row in rows()] == ["0.568", "0.361", "0.457", "0.395", "0.366", "–"]


def places(svg, pattern):
    """Return the straight map from places to values that the ticks of an axis give.  pattern: place, then text."""
    ticks = [(float(place), text) for place, text in re.findall(pattern, svg)]
    value = lambda text: float(text.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")).removeprefix("10") or text)
    slope, offset = np.polyfit([place for place, _ in ticks], [value(text) for _, text in ticks], 1)
    return lambda place: slope * place + offset


def test_the_marks_of_the_chart_have_the_numbers_of_the_table():
    svg = results.chart(rows(), ENGLISH)
    y = places(svg, r'class="end" x="\S+" y="(\S+)">(\d+)<')
    x = places(svg, r'class="middle" x="(\S+)" y="\S+">(10[⁰¹²³⁴⁵⁶⁷⁸⁹]+)<')
    found = {}
    for mark in ElementTree.fromstring(svg).findall("g"):
        name, circle = mark.find("text").text, mark.find("circle")
        if circle is not None:
            at = float(circle.get("cx")), float(circle.get("cy"))
            low, high = map(float, re.search(r" (\S+)V(\S+)", mark.find("path[@class='error']").get("d")).groups())
            error = abs(y(high) - y(low)) / 2
        else:
            left, top = map(float, re.match(r"M(\S+) (\S+)h5", mark.findall("path")[1].get("d")).groups())
            at, error = (left + 2.5, top), None
        found[name] = mark.get("class"), x(at[0]), y(at[1] + 3), error  # the text of a tick is 3 below its place
    expected = {row.name(ENGLISH): row for row in rows() if row.nll}
    assert found.keys() == expected.keys()
    for name, (kind, parameters, nats, error) in found.items():
        row = expected[name]
        assert kind == row.mark
        assert parameters == pytest.approx(log10(row.parameters), abs=0.01)
        assert nats == pytest.approx(row.nll[0], abs=0.02)
        assert error is None or error == pytest.approx(row.nll[1], abs=0.02)


def test_no_two_names_of_the_chart_overlap_and_none_is_cut_off():
    many = [results.Row("nade", ("model {}", str(k)), 1000 + k, (16 + k / 1000, 0.2), "exact", "") for k in range(40)]
    svg = results.chart([*many, *rows()], ENGLISH)
    names = sorted(float(y) for y in re.findall(r'<text x="\d+" y="(\S+)">(?:model|NADE|AR|VAE|indep)', svg))
    assert len(names) == 45
    assert np.diff(names).min() >= results.LINE - 0.01
    *_, height = map(float, re.search(r'viewBox="([^"]+)"', svg)[1].split())
    assert names[0] > 0
    assert names[-1] < height
    width = lambda name: text_to_path.get_text_width_height_descent(name, FontProperties(size=9), False)[0]
    assert max(width(row.name(ENGLISH)) for row in rows()) < results.RIGHT - 18


def test_no_likelihood_no_chart():
    assert results.chart((row for row in rows() if row.nll is None), ENGLISH) == ""


def test_each_row_of_the_table_leads_to_its_section():
    runs = [sections.Run(section, PRINTED if section.demo == "nade" else "", "") for section in SECTIONS]
    html = "".join(sections.results_page(runs, 64, ENGLISH))
    place = [section.demo for section in SECTIONS].index("nade") + 1
    title = page.escape(SECTIONS[place - 1].text.title)
    assert html.count(f'<td><a href="#nade">{place}. {title}</a></td>') == 5
    assert '<td>NADE, 500 hidden units</td><td class="number">64,564</td><td class="number">16.02 ± 0.23</td>' in html
