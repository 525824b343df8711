"""Pictures of images, matrices, codes and learning curves, with matplotlib's objects: no window, no global state."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from minigen.atomic import atomically

if TYPE_CHECKING:  # the training loop imports this file to draw its history
    from minigen.training.history import History

INK = "#1f2a44"
FRAME = "#dfe4ec"
"""The colour around images."""
SERIES = ("#1f2a44", "#c8553d", "#5b8e7d", "#e0a458", "#7d6b91", "#9aa5b8")
"""Colours of lines and bars, in the order in which they are used."""
DIGITS = ("#cc6677", "#332288", "#c2a83e", "#117733", "#6fb7e0", "#882255", "#44aa99", "#85852a", "#aa4499", "#1a1c20")
"""A colour for each of ten labels: P. Tol's scheme "muted" for colour-blind readers. The palest colours are darkened,
and the grey is nearly black: a red-blind reader would confuse the grey with the wine red of label 5."""
COLOURS = {"train": "#9aa5b8", "validation": "#c8553d", "baseline": "#5b8e7d"}


LISTED = 20
"""The largest number of classes in a legend."""


def literal(text: str) -> str:
    """Return a text as matplotlib draws it unchanged: a $ in the name of a file or class begins no formula."""
    return text.replace("$", r"\$")


def image_rows(ax: Axes, rows: Any, shape: tuple[int, int], title: str = "", labels: Any = ()) -> None:
    """Draw rows of images on `ax`: 0 is white, 1 is black, with a space of one pixel between the images.

    rows: (n_rows, n_columns, D) in [0, 1], nan for a pixel that is left empty.
    shape: (height, width) of each image, height · width = D. labels: a list of texts, one left of each row, or ().
    title: above the images, on the left.
    """
    rows = np.asarray(rows, float)
    n_rows, n_columns, _ = rows.shape
    height, width = shape
    canvas = np.full((n_rows, height + 1, n_columns, width + 1), np.nan)
    canvas[:, :height, :, :width] = rows.reshape(n_rows, n_columns, height, width).transpose(0, 2, 1, 3)
    canvas = canvas.reshape(n_rows * (height + 1), n_columns * (width + 1))[:-1, :-1]
    ax.imshow(canvas, cmap="Greys", vmin=0, vmax=1, interpolation="none")
    ax.set_facecolor(FRAME)
    ax.set_xticks([])
    ax.set_yticks(np.arange(len(labels)) * (height + 1) + (height - 1) / 2, [literal(label) for label in labels])
    ax.tick_params(length=0, colors=INK)
    ax.spines[:].set(visible=True, color=FRAME)
    ax.set_title(literal(title), loc="left", color=INK, fontsize=10)


class Picture(Figure):
    """A figure that a notebook shows, once, where it is the last value of a cell: pyplot does not show it too."""

    def _repr_png_(self) -> bytes:
        return png(self)


def images(x: Any, shape: tuple[int, int], columns: int = 16, title: str = "") -> Picture:
    """Return a picture of images in rows, which a notebook shows; `save` writes it to a file.

    x: one image, (D,), or n images, (n, D), in [0, 1]: 0 is white, 1 is black. shape: (height, width) of each image,
    height · width = D. columns: the largest number of images in a row. title: above the images, on the left.
    """
    x = np.atleast_2d(np.asarray(x, float))
    columns = max(1, min(columns, len(x)))
    n_rows = max(1, -(-len(x) // columns))
    rows = np.full((n_rows * columns, x.shape[1]), np.nan)
    rows[: len(x)] = x
    width = 2 * columns**0.5  # inches
    picture = Picture(figsize=(width, 0.3 + width * n_rows * shape[0] / (columns * shape[1])), layout="constrained")
    image_rows(picture.subplots(), rows.reshape(n_rows, columns, -1), shape, title)
    return picture


def learning_curve(
    ax: Axes,
    history: History,
    baselines: dict[str, float],
    title: str = "",
    y: str = "negative log-likelihood (nats)",
) -> None:
    """Draw training and validation loss against the epoch on `ax`, with the best epoch, and baselines as dashed lines.

    history: returned by `fit`. baselines: {name: loss}, in the unit of y. title: above the curves, on the left.
    y: the name of the vertical axis, with the unit.
    """
    epochs = [e.epoch for e in history.epochs]
    ax.plot(epochs, [e.train_loss for e in history.epochs], color=COLOURS["train"], label="train, each epoch's images")
    ax.plot(epochs, [e.validation_loss for e in history.epochs], color=COLOURS["validation"], label="validation")
    if history.best:
        best = history.best
        ax.plot(best.epoch, best.validation_loss, "o", color=COLOURS["validation"], label=f"kept: epoch {best.epoch}")
    for name, nll in baselines.items():
        ax.axhline(nll, color=COLOURS["baseline"], linestyle="--", label=name)
    ax.margins(y=0.08)
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    finish(ax, "epoch", y, title)
    ax.legend(frameon=False)


def heat_map(ax: Axes, matrix: Any, x: str, y: str, title: str = "", names: Sequence[str] = ()) -> None:
    """Draw a matrix on `ax` as shades of grey, the larger the darker, with its numbers (0 as "·") up to 100 elements.

    matrix: (rows, columns), at least 0. x, y: the names of the column axis and the row axis. title: on the left.
    names: of the rows, which are also the columns; (): the numbers from 0. More than 20 (LISTED) are left out.
    """
    matrix = np.asarray(matrix)
    ax.imshow(matrix, cmap="Greys", vmin=0, interpolation="nearest")
    finish(ax, x, y, title)
    for axis, count in ((ax.xaxis, matrix.shape[1]), (ax.yaxis, matrix.shape[0])):
        if count <= LISTED:
            axis.set_ticks(range(count), [literal(name) for name in names] or list(map(str, range(count))))
    if matrix.size <= 100:
        for (row, column), value in np.ndenumerate(matrix):
            colour = "white" if value > matrix.max() / 2 else INK
            ax.text(column, row, f"{value:g}" if value else "·", ha="center", va="center", color=colour, fontsize=9)


def latent_scatter(
    ax: Axes, z: Any, labels: Any, title: str = "", names: Sequence[str] = (), legend: bool = True
) -> None:
    """Draw the codes of images as points in the plane on `ax`. Each point shows its class, in colour.

    z: (n, 2), the codes; labels: (n,), integers from 0 up. title: on the left.
    names: of the classes 0, 1, …; (): the numbers from 0, at least 0 … 9. A point is the name of its class if all names
    are one or two letters or digits, and the number otherwise.
    legend: list the classes beside the plot, at most 20 (LISTED). Images of one class alone, or without labels, are
    dots without a legend.
    """
    z, labels = np.asarray(z), np.asarray(labels)
    names = names or [str(label) for label in range(max(len(DIGITS), 1 + labels.max(initial=0)))]
    short = all(len(name) <= 2 and name.isascii() and name.isalnum() for name in names)
    for label in sorted({*labels.tolist(), *range(min(len(names), LISTED))}):
        colour, chosen = DIGITS[label % len(DIGITS)], z[labels == label]
        glyph = rf"$\mathbf{{{names[label] if short else label}}}$" if len(names) > 1 else "."
        listed = literal(names[label]) if label < LISTED else None
        ax.scatter(chosen[:, 0], chosen[:, 1], 34, colour, marker=glyph, alpha=0.85, linewidths=0, label=listed)
    ax.set_aspect("equal")
    finish(ax, "z₁", "z₂", title)
    if legend and len(names) > 1:
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0, borderaxespad=0)


def animate(
    path: str | os.PathLike[str], draw: Callable[[Axes, int], None], count: int, side: float = 5, seconds: float = 0.12
) -> None:
    """Write a GIF of `count` frames that repeats for ever. The last frame is shown for 2 seconds.

    path: the file to write. draw: draw(ax, k) draws frame k = 0 … count − 1 on empty axes.
    side: side of the square picture, in inches. seconds: how long each other frame is shown.
    """
    canvas = FigureCanvasAgg(Figure(figsize=(side, side), layout="constrained"))
    ax, frames = canvas.figure.subplots(), []
    for k in range(count):
        ax.clear()
        draw(ax, k)
        canvas.draw()
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
    duration = [int(1000 * seconds)] * (count - 1) + [2000]
    with atomically(path) as file:
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=duration, loop=0)


def finish(ax: Axes, x: str, y: str, title: str = "") -> None:
    """Give `ax` the axis names `x` and `y`, a title on the left, and no frame at the top and right."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.set_title(literal(title), loc="left", color=INK, fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write a figure to a file, on white: as PNG, cropped, or as SVG if the suffix of `path` is .svg.

    Other suffixes name other formats of matplotlib. The same figure is the same SVG file, which has no date.
    path: a file name, or an open binary file, which gets PNG.
    """
    if not isinstance(path, str | os.PathLike):
        figure.savefig(path, dpi=120, bbox_inches="tight", facecolor="white")
        return
    with atomically(path) as file:
        kind = os.path.splitext(path)[1][1:] or "png"
        if kind == "svg":
            figure.savefig(file, format=kind, dpi=120, facecolor="white", metadata={"Date": None})
        else:
            figure.savefig(file, format=kind, dpi=120, bbox_inches="tight", facecolor="white")


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG file, for the method `_repr_png_` by which a notebook shows an object."""
    file = io.BytesIO()
    save(figure, file)
    return file.getvalue()
