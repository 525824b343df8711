"""What a notebook shows of a model, data and a training, and colours that colour-blind readers can tell apart."""

import io
import itertools
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from minigen import plot
from minigen.data import sets as data
from minigen.nn.layers import Linear, Sequential, mlp
from minigen.nn.module import Module, Parameter
from minigen.training.history import Epoch, History


def seen(png):
    """The picture in a PNG file's bytes: (rows, columns, 3)."""
    return np.asarray(Image.open(io.BytesIO(png), formats=["PNG"]).convert("RGB"))


def history(*validation):
    epochs = [Epoch(i + 1, loss - 1, loss, 0.1) for i, loss in enumerate(validation)]
    return History(epochs, min(epochs, key=lambda e: e.validation_loss, default=None))


# -- in a notebook


def test_a_history_is_its_learning_curve():
    """A curve in the colour of each line, other losses another picture; in text, one line."""
    one, other = history(9.0, 7.0, 8.0), history(9.0, 7.0, 6.0)
    picture = seen(one._repr_png_())
    for colour in (plot.COLOURS["train"], plot.COLOURS["validation"]):
        there = np.abs(picture - 255 * np.array(to_rgb(colour))).max(axis=-1) < 1
        assert there.sum() > 50
    assert not np.array_equal(picture, seen(other._repr_png_()))
    assert repr(one) == "<History: 3 epochs, best 2 with a validation loss of 7; all epochs done>"
    assert repr(History()) == "<History: 0 epochs; all epochs done>"
    assert History()._repr_png_() is None


def test_a_data_set_is_the_first_images_of_its_parts(monkeypatch):
    """As many of each part as the smallest has; shades from 0 to 1."""
    drawn = {}
    monkeypatch.setattr(plot, "image_rows", lambda ax, rows, shape, *words: drawn.update(rows=rows, words=words))
    digits = data.digits()
    digits._repr_png_()
    for row, part in zip(drawn["rows"], (digits.train, digits.validation, digits.test), strict=True):
        np.testing.assert_array_equal(row, part.images[:16])
    assert drawn["words"] == (digits.name, ["train", "validation", "test"])
    shades = replace(data.grey(digits, 17), test=data.grey(digits, 17).test[:3])
    shades._repr_png_()
    np.testing.assert_array_equal(drawn["rows"][2], shades.test.images / 16)
    assert drawn["rows"].shape == (3, 3, 64)
    assert drawn["rows"].max() == 1
    assert replace(digits, test=digits.test[:0])._repr_png_() is None


def test_images_are_a_picture_in_rows():
    """Each image at its place, black where it is 1. The places after the last image are empty."""
    x = np.zeros((5, 6))
    x[np.arange(5), np.arange(5)] = 1
    picture = plot.images(x, (2, 3), columns=3)
    canvas = np.asarray(picture.axes[0].images[0].get_array().filled(np.nan))
    for k in range(5):
        top, left = 3 * (k // 3), 4 * (k % 3)
        np.testing.assert_array_equal(canvas[top : top + 2, left : left + 3], x[k].reshape(2, 3))
    assert np.isnan(canvas[3:, 8:]).all()
    assert np.isnan(canvas[2]).all()
    assert canvas.shape == (5, 11)
    one = plot.images(x[0], (2, 3))
    assert one.axes[0].images[0].get_array().shape == (2, 3)
    assert np.mean(seen(one._repr_png_()).max(axis=-1) < 10) == pytest.approx(1 / 6, abs=0.05)


def test_the_picture_of_a_data_set_has_ink_on_white():
    picture = seen(data.digits()._repr_png_())
    assert picture.shape[1] > picture.shape[0] > 100
    assert 0.1 < np.mean(picture.max(axis=-1) < 10) < 0.6


def test_data_in_text_are_their_sizes():
    digits = data.digits()
    assert repr(digits) == "<Dataset digits 8×8, grey level ≥ 8: 1197 train, 300 validation, 300 test>"
    assert repr(digits.test) == "<Part: 300 images of 64 pixels, 10 labels>"


class Both(Module):
    """A layer in a list, a number of its own, and a layer's name to be escaped."""

    def __init__(self, rng):
        self.layers = [Linear(3, 2, rng=rng)]
        self.scale = Parameter(1.0)
        self.named = {"a<b": Sequential(Linear(2, 1, rng=rng), abs)}


def test_a_module_in_text_is_all_that_it_holds(rng):
    assert repr(Both(rng)).splitlines() == [
        "Both: 12 parameters",
        "  layers.0 Linear: 8 parameters",
        "    weight 3×2",
        "    bias 2",
        "  scale a number",
        "  named.a<b Sequential: 3 parameters",
        "    layers.0 Linear: 3 parameters",
        "      weight 2×1",
        "      bias 1",
    ]
    assert repr(Module()) == "Module: 0 parameters"


def test_a_module_is_a_table_of_its_parameters(rng):
    """Well-formed; a row for each, and the rows add up."""
    for model in (Both(rng), mlp((30, 50, 20), abs, rng=rng), Module()):
        table = ElementTree.fromstring(model._repr_html_())
        rows = [[cell.text for cell in row] for row in table.find("tbody")]
        assert [row[0] for row in rows] == list(model.parameters())
        counts = [int(row[2].replace(",", "")) for row in rows]
        assert counts == [p.size for p in model.parameters().values()]
        assert table.findall("tfoot/tr/th")[2].text == f"{model.num_parameters:,}"
        assert sum(counts) == model.num_parameters
        assert table.find("caption").text == type(model).__name__


def test_matplotlib_is_not_needed_until_something_is_drawn():
    """It takes longer to import than all else."""
    modules = "minigen.training.loop, minigen.data.sets, minigen.vae, minigen.gan"
    code = f"import sys, {modules}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- names of classes


def texts(figure):
    figure.canvas.draw()
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


@pytest.mark.parametrize(
    ("names", "glyphs"),
    [(["3", "8"], ["3", "8"]), (["ant", "$b$"], ["0", "1"]), ((), ["0", "1"])],
)
def test_a_scatter_plot_shows_each_class_by_its_name(names, glyphs, monkeypatch):
    """Points are the names if these are short, and numbers otherwise; the legend has the names."""
    figure = plot.Figure()
    ax, drawn = figure.subplots(), []
    whole = ax.scatter
    monkeypatch.setattr(ax, "scatter", lambda *a, marker, **options: drawn.append(marker) or whole(*a, **options))
    plot.latent_scatter(ax, np.zeros((4, 2)), np.array([0, 1, 1, 0]), "$x", names)
    assert drawn[:2] == [rf"$\mathbf{{{glyph}}}$" for glyph in glyphs]
    assert texts(figure) == ([name.replace("$", r"\$") for name in names] or [str(k) for k in range(10)])


def test_images_without_labels_are_dots_without_a_legend():
    figure = plot.Figure()
    ax = figure.subplots()
    plot.latent_scatter(ax, np.arange(8).reshape(4, 2), np.zeros(4, int), "codes", ["0"])
    assert ax.get_legend() is None
    assert len(ax.collections) == 1
    figure.canvas.draw()


def test_many_classes_fit_into_a_legend():
    figure = plot.Figure()
    names = [f"class {k}" for k in range(999)]
    plot.latent_scatter(figure.subplots(), np.zeros((2, 2)), np.array([3, 500]), "", names)
    assert texts(figure) == names[: plot.LISTED]


def test_a_dollar_in_a_name_begins_no_formula():
    figure = plot.Figure()
    rows, scatter = figure.subplots(1, 2)
    plot.image_rows(rows, np.zeros((1, 1, 4)), (2, 2), r"$\foo$", [r"$\bar$"])
    plot.heat_map(scatter, np.eye(2), "x", "y", r"$\foo$", [r"$\a$", r"\$b"])
    figure.canvas.draw()
    assert rows.get_title(loc="left") == scatter.get_title(loc="left") == r"\$\foo\$"


# -- colours

SIGHT = {
    "full": np.eye(3),
    "red-blind": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "green-blind": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "blue-blind": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""What arrives of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1)."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)


def lab(colour, sight):
    """CIE L*a*b* of what someone with this sight sees: a distance of 2 is just noticed side by side."""
    srgb = np.array(to_rgb(colour))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(sight) @ linear, 0, 1) / WHITE
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(
    ("palette", "least"), [(plot.SERIES, 15), (tuple(plot.COLOURS.values()), 15), (plot.DIGITS, 10)]
)
def test_no_two_colours_look_alike_to_the_colour_blind(palette, least, sight):
    """Ten labels are drawn as digits too, six lines may be thin."""
    for one, other in itertools.combinations(palette, 2):
        assert np.linalg.norm(lab(one, SIGHT[sight]) - lab(other, SIGHT[sight])) > least, (one, other)


def test_the_colours_of_the_test_are_those_of_the_standard():
    """White is L* = 100 without hue to every sight; pure red is at (53.2, 80.1, 67.2)."""
    for sight in SIGHT.values():
        np.testing.assert_allclose(lab("white", sight), [100, 0, 0], atol=0.01)
    np.testing.assert_allclose(lab("red", SIGHT["full"]), [53.2, 80.1, 67.2], atol=0.1)
