"""Figures of the demos: create figures, draw rows of images, and write figures to files."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from autograd import console
from demos import windows
from minigen import plot
from minigen.data.sets import Dataset
from minigen.model import ExplicitModel


def subplots(width: float, height: float, *grid: int, **options: Any) -> tuple[Figure, Any]:
    """Return a new figure and its axes, as `Figure.subplots` returns them: one Axes, or an array of Axes.

    width, height: inches. grid: numbers of rows and columns of axes, 1 and 1 by default. options: of `Figure.subplots`.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(*grid, **options)


def figure_of_images(
    width: float, height: float, rows: Any, shape: tuple[int, int], title: str, labels: Iterable[str] = ()
) -> Figure:
    """Return a figure that shows rows of images.

    width, height: inches. rows: pixels, 0 (white) to 1 (black), (n_rows, n_columns, D). shape: rows and columns of an
    image. title: above the images. labels: one for each row.
    """
    figure, ax = subplots(width, height)
    plot.image_rows(ax, rows, shape, title, list(labels))
    return figure


def draw_models(
    models: Mapping[str, ExplicitModel], dataset: Dataset, title: str, rng: np.random.Generator, columns: int = 16
) -> Figure:
    """Return a figure with a row of test images and, below it, a row of samples of each model.

    models: by name, which labels the row. dataset: of the test images. columns: images in a row.
    """
    rows = [dataset.test.images[:columns], *(model.sample(columns, rng=rng) for model in models.values())]
    return figure_of_images(10, 0.65 * len(rows) + 0.4, rows, dataset.shape, title, ["real", *models])


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
