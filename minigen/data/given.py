"""Images that a user gives to a trained model: one picture, a folder of pictures, an .npz, or a mask.

A data set to learn from needs 200 images and more (`images`). A trained model takes any number of images, of the size
that it was trained on. Files are read, checked and turned to ink as those of a data set are.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigen.data.idx import MOST_PIXELS, read_idx, regular
from minigen.data.images import (
    IDX_NAMES,
    SUFFIXES,
    arrays_in,
    fitted,
    idx_files,
    ink_high,
    pictures_in,
    read_picture,
    whole_or_real,
)
from minigen.errors import DataError, UsageError, shown

WHITE = 255
"""The highest grey level that a picture can have."""
SIZE = "bring it to that size (--resize), or train a model on images of this size"


class Given(NamedTuple):
    """Images that a user gives.

    ink: (n, D), from 0 (paper) to 1 (full ink). names: of the images, of their files if they have any.
    changed: in words, ", dark ink on light paper" if the images were inverted; else "".
    """

    ink: np.ndarray
    names: list[str]
    changed: str


def read_given(
    path: str | os.PathLike[str], shape: tuple[int, int], white: float = WHITE, resize: bool = False
) -> Given:
    """Read one or more images of a given size.

    path: a picture; a folder with pictures in it or in folders below it; a folder of idx files, whose test images are
    read; or an .npz with `images`, (n, rows, columns) or (n, D). shape: (rows, columns) of each image.
    white: the grey level of full ink in the numbers of an .npz or of idx files. If all of them are from 0 to 1, it is
    1, and if some are higher, it is the highest. The full ink of pictures is 255. resize: bring pictures of any size to
    `shape`, which must be a square, by `images.fitted`.

    Light paper is found as in a data set, over all images together, and inverted.

    Raises DataError if there is no image at `path`, and if an image is damaged or has another size; UsageError for
    `resize` of an .npz or of idx files, or to a shape that is no square.
    """
    path = Path(path)
    if resize and shape[0] != shape[1]:
        raise UsageError(
            f"the model's images have {shape[0]}×{shape[1]} pixels, and pictures are resized to squares only"
        )
    files = idx_files(path) if path.is_dir() else {}
    if path.is_dir() and not files:
        found = pictures_in(path, below=True)
        if not found:
            kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
            raise DataError(path, f"has no pictures ({kinds}) and no idx files", "name a picture or a folder of some")
        return _of_pictures(found, [str(file.relative_to(path)) for file in found], shape, resize)
    if not files and not zipfile.is_zipfile(regular(path, "name a picture, an .npz or a folder")):
        return _of_pictures([path], [path.name], shape, resize)
    if resize:
        raise UsageError(f"{shown(path, 200)} is no picture, and only pictures are resized: resize its images yourself")
    if files:
        if IDX_NAMES[2] not in files:
            raise DataError(path, f"has no {IDX_NAMES[2]}", "put the idx file of the images there")
        levels = read_idx(files[IDX_NAMES[2]])
    else:
        (array,) = arrays_in(path, ["images"], MOST_PIXELS)
        assert array is not None
        levels = array
    n, wanted = levels.shape[:1], f"expected images of {shape[0]}×{shape[1]}"
    if not levels.size or levels.shape not in (n + tuple(shape), (*n, shape[0] * shape[1])):
        raise DataError(path, f"has an array of shape {levels.shape}, {wanted}: (n, rows, columns)", SIZE)
    levels = whole_or_real(path, levels.reshape(-1, *shape))
    most = levels.max().item()
    return _ink(levels, 1 if most <= 1 else max(white, most), [f"image {k + 1}" for k in range(len(levels))])


def read_mask(path: str | os.PathLike[str], shape: tuple[int, int]) -> np.ndarray:
    """Read a mask from a picture: True where it is white (grey level 128 or more), (rows · columns,).

    path: of the picture. shape: its (rows, columns). Raises DataError for no such picture.
    """
    return _of_size(Path(path), shape).ravel() >= (WHITE + 1) // 2


def _of_pictures(files: list[Path], names: list[str], shape: tuple[int, int], resize: bool) -> Given:
    """Read pictures. Transparent pixels are white, or black if all pictures would be white otherwise."""
    for paper in (WHITE, 0):
        levels = np.empty((len(files), *shape), np.uint8)
        for level, file in zip(levels, files, strict=True):
            level[...] = fitted(read_picture(file, paper=paper), shape[0]) if resize else _of_size(file, shape, paper)
        if levels.min() < WHITE:
            break
    return _ink(levels, WHITE, names)


def _of_size(file: Path, shape: tuple[int, int], paper: int = WHITE) -> np.ndarray:
    """The grey levels of a picture. Raises DataError, which names both sizes, for a picture of another size."""
    levels = read_picture(file, MOST_PIXELS, None, paper)
    if levels.shape != tuple(shape):
        sizes = (f"{rows}×{columns}" for rows, columns in (levels.shape, shape))
        raise DataError(file, "has {} pixels, expected {} as the model's images".format(*sizes), SIZE)
    return levels


def _ink(levels: np.ndarray, white: float, names: list[str]) -> Given:
    """Images of grey levels, (n, rows, columns), as Given.  white: the level of full ink."""
    changed = ink_high(levels) if levels.any() else ""
    return Given(levels.reshape(len(levels), -1) / white, names, changed)
