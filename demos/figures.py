"""What the demos' pictures share: how figures are set up, and how they are written."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from demos import windows
from minigen import plot
from minigen.data.sets import Dataset
from minigen.model import ExplicitModel


def subplots(width: float, height: float, *grid: int, **options: Any) -> tuple[Figure, Any]:
    """A figure, and its axes as `Figure.subplots` returns them: one by itself, or an array.

    width, height: in inches. grid: rows and columns of axes, one of each if left out. options: of `Figure.subplots`.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(*grid, **options)


def figure_of_images(
    width: float, height: float, rows: Any, shape: tuple[int, int], title: str, labels: Iterable[str] = ()
) -> Figure:
    """A figure with rows of images in it, and nothing else.

    width, height: in inches. rows: (n_rows, n_columns, D), ink in [0, 1]. shape: of an image. labels: one for each row.
    """
    figure, ax = subplots(width, height)
    plot.image_rows(ax, rows, shape, title, list(labels))
    return figure


def draw_models(
    models: Mapping[str, ExplicitModel], dataset: Dataset, title: str, rng: np.random.Generator, columns: int = 16
) -> Figure:
    """A figure with a row of real images and, below it, a row drawn from each model, by its name."""
    rows = [dataset.test.images[:columns], *(model.sample(columns, rng=rng) for model in models.values())]
    return figure_of_images(10, 0.65 * len(rows) + 0.4, rows, dataset.shape, title, ["real", *models])


def save_pictures(o: Namespace, pictures: dict[str, Figure], others: Iterable[str] = ()) -> None:
    """Write the figures into the folder, say what is there now, and with `--show` open a window for each."""
    for name, picture in pictures.items():
        plot.save(picture, o.out / name)
    print(f"\nwritten to {o.out}/: {', '.join([*others, *pictures])}", flush=True)
    if o.show:
        for name, picture in pictures.items():
            windows.managed(picture, name)
        windows.wait()
