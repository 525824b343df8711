"""The pictures of the page: their texts, their colours, and their size in a browser."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image

from demos import figures
from demos.__main__ import main
from demos.tour import page, pictures
from demos.tour.captions import PICTURES
from demos.tour.lecture import SECTIONS
from demos.tour.text import ENGLISH
from minigen import plot
from tests.demos.chromium import needs_chromium, seen_by_chromium
from tests.demos.drawn import check_pictures


def test_every_picture_says_what_to_see_in_plain_sentences_and_what_is_seen():
    assert PICTURES.keys() == {section.demo for section in SECTIONS}
    for picture in (picture for of_section in PICTURES.values() for picture in of_section):
        if not picture.file.endswith(".gif"):
            assert 1 <= len(re.findall(r"[.:;](?: |$)", picture.caption)) <= 4, picture.file
            assert 40 < len(picture.caption) < 320, picture.file
            assert 40 < len(picture.alternative) != picture.caption, picture.file


def luminance(colour):
    """Return the relative luminance of WCAG 2.  colour: "#rrggbb"."""
    parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("colour", [plot.INK, *plot.SERIES, *plot.DIGITS])
def test_the_colours_of_dark_paper_have_the_contrast_of_graphics(colour):
    lighter = luminance(pictures.DARK[colour]) + 0.05
    assert lighter / (luminance(pictures.DARK["#ffffff"]) + 0.05) >= (7 if colour == plot.INK else 3)


def drawn(figure, path):
    """Return the cells of a figure, as the page draws them."""
    plot.save(figure, path)
    return list(pictures.drawn(path, path.stem))


def test_a_figure_is_one_svg_a_cell_with_ids_of_its_own_and_its_legend_first(tmp_path):
    figure, axes, above = figures.panels(3, figures.NARROW, 2, legend=0.3)
    for ax in axes:
        ax.plot([1, 2], "o-", label="line")
    figures.legend(above, axes[0])
    cells = drawn(figure, tmp_path / "some.svg")
    widths = [float(ElementTree.fromstring(cell.svg).get("viewBox").split()[2]) for cell in cells]
    assert widths == pytest.approx([pictures.WIDEST, *[72 * figures.NARROW] * 3], abs=0.1)
    assert ['class="legend"' in cell.svg for cell in cells] == [True, False, False, False]
    html = "".join(cell.svg for cell in cells)
    ids = re.findall('id="(.*?)"', html)
    assert len(set(ids)) == len(ids) > 0
    assert set(re.findall(r'(?:href="|url\()#([^")]*)', html)) == set(ids)
    assert all(name.startswith("some-") for name in ids)


@pytest.mark.usefixtures("whole_pictures")
@pytest.mark.parametrize("rows", [1, 7])
def test_the_labels_of_rows_of_images_stand_in_the_picture(rows, tmp_path):
    labels = ["digits turned by 90°"] * rows
    plot.save(figures.figure_of_images(np.zeros((rows, 10, 64)), (8, 8), "title", labels), tmp_path / "rows.svg")
    check_pictures(tmp_path)


def test_images_keep_their_pixels_in_fewer_bytes(tmp_path):
    rows = np.random.default_rng(0).random((2, 5, 64)).round(1)
    rows[0, 0] = np.nan
    (cell,) = drawn(figures.figure_of_images(rows, (8, 8), "title"), tmp_path / "images.svg")
    (address,) = re.findall('href="(data:image/png;base64,.*?)"', cell.svg)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGBA"))
    assert pixels.shape == (17, 44, 4)
    np.testing.assert_array_equal(pixels[:8, :8, 3], 0)
    np.testing.assert_array_equal(pixels[8, :, 3], 0)
    expected = matplotlib.colormaps["Greys"](rows[1, 4].reshape(8, 8), bytes=True)
    np.testing.assert_array_equal(pixels[9:, 36:], expected)


LOOK = """<script>
addEventListener("load", () => {
  const small = [], cut = [];
  let texts = 0;
  for (const text of document.querySelectorAll(".cells text")) {
    const svg = text.closest("svg"), box = svg.getBoundingClientRect(), own = text.getBoundingClientRect();
    const size = parseFloat(getComputedStyle(text).fontSize) * box.width / svg.viewBox.baseVal.width;
    texts += 1;
    if (size < 10) small.push([text.textContent, size]);
    if (own.left < box.left - 2 || own.right > box.right + 2 || own.top < box.top - 2 || own.bottom > box.bottom + 2)
      cut.push(text.textContent);
  }
  const ink = getComputedStyle(document.querySelector(".cells text")).fill;
  const wide = document.documentElement.scrollWidth > innerWidth;
  document.body.textContent = "found " + JSON.stringify({texts, small, cut, ink, wide});
});
</script>"""


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """A page of all pictures of two demos, one with curves and one with images."""
    folder = tmp_path_factory.mktemp("demos")
    for demo in ("markov", "ar"):
        assert main([demo, "--out", str(folder / demo)]) == 0
    return page.document([p.html(folder / demo, ENGLISH) for demo in ("markov", "ar") for p in PICTURES[demo]])


@needs_chromium
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (500, True)])
def test_a_browser_shows_no_text_below_ten_pixels_and_none_cut_off(html, width, dark, tmp_path):
    """500 pixels is the least width of a window of Chromium; the column of a telephone of 390 pixels is set by hand."""
    narrow = "<style>body { max-width: 390px; }</style>" if width == 500 else ""
    scheme = [f"--blink-settings=preferredColorScheme={0 if dark else 1}", f"--window-size={width},900"]
    found, said = seen_by_chromium(html.replace("</body>", f"{narrow}{LOOK}</body>"), tmp_path, *scheme)
    assert said == []
    assert found["texts"] > 50
    assert (found["small"], found["cut"], found["wide"]) == ([], [], False)
    assert found["ink"] == ("rgb(228, 232, 241)" if dark else "rgb(31, 42, 68)")
