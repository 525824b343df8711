"""Figures of the demos, in one style: cells of one size, text of one size, and files in SVG."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import NullFormatter

from autograd import console
from demos import windows
from minigen import plot
from minigen.data.sets import Dataset
from minigen.model import ExplicitModel

SYMBOL = "symbol "
"""The id of an artist that shows a symbol of the page's formula: this word, and the TeX of the symbol."""
TEXT = 9
"""Size of the smallest text of a figure, points. The page shows 324 points, the widest panel, as 364 pixels or more: on
a telephone the text has 10 pixels."""
WIDE, NARROW = 4.5, 2.9
"""Widths of a panel, inches: two wide panels, or three narrow ones, stand beside each other."""

STYLE: dict[Any, Any] = {
    "font.size": TEXT,
    "axes.titlesize": TEXT + 1,
    "legend.fontsize": TEXT,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "path.simplify_threshold": 0.3,  # points; fewer points of a line, and the same line
    "svg.fonttype": "none",  # text remains text
    "svg.hashsalt": "minigen",  # the same figure is the same file
}
for part in ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"):
    STYLE[part] = plot.INK
matplotlib.rcParams.update(STYLE)


def cells(
    count: int, width: float = WIDE, height: float = 3.2, legend: float = 0
) -> tuple[Figure, list[SubFigure], SubFigure | None]:
    """Return a new figure, its cells in rows of two or, if they are narrow, three, and the cell of the legend.

    The page shows each cell as a picture of its own, so that a telephone has one below the other.
    width, height: of a cell, inches. legend: height of a cell for the legend above all others, inches; 0 for None.
    """
    columns = min(count, 2 if width > NARROW else 3)
    rows = -(-count // columns)
    figure = Figure(figsize=(columns * width, rows * height + legend), layout="constrained")
    grid = GridSpec(rows + 1, columns, figure, wspace=0, hspace=0, height_ratios=[max(legend, 1e-6), *[height] * rows])
    places = {f"cell_{k}": grid[1 + k // columns, k % columns] for k in range(count)}
    parts = [figure.add_subfigure(place) for place in ([grid[0, :]] if legend else []) + list(places.values())]
    for part, name in zip(parts, [*["legend"] * bool(legend), *places], strict=True):
        part.set_gid(name)  # by which the page finds the part in the file
    return figure, parts[-count:], parts[0] if legend else None


def panels(
    count: int, width: float = WIDE, height: float = 3.2, legend: float = 0
) -> tuple[Figure, list[Axes], SubFigure | None]:
    """Return a figure with one Axes in each of its cells, the Axes, and the cell of the legend.  Arguments: `cells`."""
    figure, parts, above = cells(count, width, height, legend)
    return figure, [part.subplots() for part in parts], above


def panel(height: float = 3.2, width: float = WIDE) -> tuple[Figure, Axes]:
    """Return a new figure of one cell and its Axes.  height, width: inches."""
    figure, (ax,), _ = panels(1, width, height)
    return figure, ax


def legend(cell: SubFigure | None, ax: Axes, columns: int = 2) -> None:
    """Draw the one legend of a figure.  cell: of the legend. ax: has the lines. columns: of the legend."""
    assert cell is not None
    cell.legend(*ax.get_legend_handles_labels(), loc="upper left", ncols=columns)


def powers(axis: Any) -> None:
    """Label the ticks of a logarithmic axis with powers of ten whose exponents are as large as other text: 10³."""
    superscripts = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    axis.set_major_formatter(lambda value, _: "10" + str(round(np.log10(value))).translate(superscripts))
    axis.set_minor_formatter(NullFormatter())


def figure_of_images(rows: Any, shape: tuple[int, int], title: str, labels: Iterable[str] = ()) -> Figure:
    """Return a figure that shows rows of images, as high as the images need.

    rows: pixels, 0 (white) to 1 (black), (n_rows, n_columns, D). shape: rows and columns of an image. title: above the
    images. labels: one for each row.
    """
    rows, labels = np.asarray(rows), list(labels)
    beside = 0.1 + 0.072 * max((len(line) for label in labels for line in label.split("\n")), default=0)
    height = (WIDE - beside) * len(rows) * (shape[0] + 1) / (rows.shape[1] * (shape[1] + 1))
    figure, ax = panel(height + (0.35 if title else 0.1))
    plot.image_rows(ax, rows, shape, title, labels)
    ax.set_anchor("W")  # the layout leaves room for the labels beside axes that begin at the left of their place
    return figure


def draw_models(
    models: Mapping[str, ExplicitModel], dataset: Dataset, title: str, rng: np.random.Generator, columns: int = 10
) -> Figure:
    """Return a figure with a row of test images and, below it, a row of samples of each model.

    models: by name, which labels the row. dataset: of the test images. columns: images in a row.
    """
    rows = [dataset.test.images[:columns], *(model.sample(columns, rng=rng) for model in models.values())]
    return figure_of_images(rows, dataset.shape, title, ["real", *models])


def save_pictures(o: Namespace, pictures: dict[str, Figure]) -> None:
    """Write the figures into the folder `o.out`, print the names of all files of the run, and with `--show` open a
    window for each figure.

    pictures: figures by file name.
    """
    for name, picture in pictures.items():
        o.out.write(name, partial(plot.save, picture))
    print(f"\nfiles written to {o.out}/: {', '.join(o.out.written)}", flush=True)
    if mixed := o.out.replaced():
        console.say(f"caution: another run has replaced {', '.join(mixed)} in {o.out}/: give each run its own --out")
    if o.show:
        for name, picture in pictures.items():
            windows.managed(picture, name)
        windows.wait()
