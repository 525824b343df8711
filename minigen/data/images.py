"""Your own images as arrays: from an .npz, from idx files, or from a folder of pictures.

The files may be damaged or hostile. The size that a file claims is compared with the size that it can hold before
memory is allocated, nothing in a file is ever executed (no pickle), and every problem in a file raises DataError.
"""

from __future__ import annotations

import math
import os
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from minigen.data.idx import DEFLATE, MOST_BYTES, read_bytes, read_idx
from minigen.errors import DataError

FEWEST = 200
"""The smallest number of images. With fewer, a sixth of them is too few to validate or to test on."""
IDX_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
"""MNIST's names of its four files."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""The formats of pictures that are read, by Pillow's names. The suffix of the file does not matter."""
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
"""Pillow's modes with eight bits a colour or fewer."""
NPZ = "write it by np.savez(file, images=…, labels=…), images (n, rows, columns) and labels (n,) as plain numbers"
IDX = "write images and labels again, in the same order and all of one size"


class Images(NamedTuple):
    """Grey images with labels, as a reader returns them.

    levels: (n, rows, columns), grey levels from 0 up. labels: (n,), integers 0 … k − 1; all 0 if there are no labels.
    tests: the number of test images, which are the last ones. 0: the images were not divided.
    """

    levels: np.ndarray
    labels: np.ndarray
    tests: int = 0


def checked(file: str | os.PathLike[str], levels: np.ndarray, labels: np.ndarray | None, cure: str) -> Images:
    """Return `levels` and `labels` as Images. Labels are renumbered 0 … k − 1 in sorted order; None gives all 0.

    file: named in an error. levels: (n, rows, columns), or (n, D) of square images, grey levels from 0 up.
    labels: (n,) integers, or None. cure: for an error, how the user can write a correct file.

    Raises DataError for fewer than 200 images (FEWEST), for images smaller than 2×2, for grey levels that are negative,
    not finite or all equal, for another shape, and for labels that are not (n,) integers. Levels must be real numbers:
    integers keep their dtype, booleans become uint8, all others float32.
    """
    if levels.ndim == 2 and math.isqrt(levels.shape[1]) ** 2 == levels.shape[1]:
        levels = levels.reshape(len(levels), math.isqrt(levels.shape[1]), -1)
    if levels.ndim != 3:
        expected = "expected (n, rows, columns), or (n, D) of square images"
        raise DataError(file, f"has images of shape {levels.shape}, {expected}", cure)
    if min(levels.shape[1:]) < 2:
        raise DataError(file, f"has images of {levels.shape[1]}×{levels.shape[2]} pixels, expected 2×2 or more", cure)
    if len(levels) < FEWEST:
        raise DataError(file, f"has {len(levels)} images, expected {FEWEST} or more", "add some")
    if levels.dtype.kind not in "iu":
        with np.errstate(over="ignore"):
            levels = levels.astype(np.uint8 if levels.dtype.kind == "b" else np.float32)
    least, most = levels.min().item(), levels.max().item()  # as Python's numbers, since −(−128) does not fit into int8
    if not (math.isfinite(least) and math.isfinite(most)):
        raise DataError(file, "has grey levels that are NaN or infinite", "replace them by numbers from 0 up")
    if least < 0:
        raise DataError(file, f"has grey levels from {least:g} to {most:g}, expected none below 0", f"add {-least:g}")
    if least == most:
        raise DataError(file, f"has no grey level but {most:g}", "take images with different grey levels")
    if labels is None:
        return Images(levels, np.zeros(len(levels), int))
    if labels.shape != levels.shape[:1] or labels.dtype.kind not in "iu":
        expected = f"expected {len(levels):,} integers, one an image"
        raise DataError(file, f"has labels of shape {labels.shape} and type {labels.dtype}, {expected}", cure)
    return Images(levels, np.unique(labels, return_inverse=True)[1])


# -- idx files in a folder


def idx_files(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Return which of MNIST's four files are in `folder`: {MNIST's name: path}, plain or else as .gz."""
    files = [(name, Path(folder) / f"{name}{suffix}") for name in IDX_NAMES for suffix in (".gz", "")]
    return {name: file for name, file in files if file.exists()}


def read_idx_folder(folder: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> Images:
    """Read images and labels from MNIST's four idx files: the training images, and after them `tests` test images.

    folder: has the four files under MNIST's names, plain or .gz. most_bytes: the limit for each file's array, in bytes.

    Raises DataError if a file is missing or damaged, if sizes do not match, if there are fewer than 33 test images, or
    if `checked` refuses the arrays.
    """
    files = idx_files(folder)
    if missing := [name for name in IDX_NAMES if name not in files]:
        raise DataError(folder, f"has no {' and no '.join(missing)}", "put all four idx files there, plain or as .gz")
    images, labels, test_images, test_labels = (read_idx(files[name], most_bytes) for name in IDX_NAMES)
    if images.ndim != 3 or images.shape[1:] != test_images.shape[1:]:
        shapes = f"has images of shapes {images.shape} and {test_images.shape}"
        raise DataError(folder, f"{shapes}, expected (n, rows, columns) of one size", IDX)
    if images.shape[:1] != labels.shape or test_images.shape[:1] != test_labels.shape:
        shapes = f"has labels of shapes {labels.shape} and {test_labels.shape}"
        raise DataError(folder, f"{shapes}, expected {len(images):,} and {len(test_images):,}, one an image", IDX)
    if len(test_images) < FEWEST // 6:
        raise DataError(folder, f"has {len(test_images)} images to test on, expected {FEWEST // 6} or more", IDX)
    levels, labels = np.concatenate([images, test_images]), np.concatenate([labels, test_labels])
    return checked(folder, levels, labels, IDX)._replace(tests=len(test_images))


# -- arrays in an .npz


def read_npz(path: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> Images:
    """Read `images`, (n, rows, columns) or (n, D) of square images, and `labels`, (n,) integers, if the file has them.

    path: an .npz file. most_bytes: the limit for each array, in bytes.

    Raises DataError if the file is not an .npz, has no `images`, is damaged or has an array larger than
    `most_bytes`, or if `checked` refuses the arrays.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            found = {info.filename: info for info in archive.infolist()}
            if "images.npy" not in found:
                raise DataError(path, f"has no array named images but {', '.join(found) or 'none at all'}", NPZ)
            levels, labels = (
                _array(path, archive, found[name], most_bytes) if name in found else None
                for name in ("images.npy", "labels.npy")
            )
    except DataError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OSError) as error:
        raise DataError(path, f"is no .npz, or a damaged one ({error})", NPZ) from None
    assert levels is not None
    return checked(path, levels, labels, NPZ)


def _array(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, most_bytes: int) -> np.ndarray:
    """Read one member of the archive. Its header is checked against its size before the data are read."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(path, f"has {info.filename} compressed in a way that NumPy does not write", NPZ)
    if info.file_size > most_bytes:
        raise DataError(path, f"has {info.file_size:,} bytes of {info.filename}, at most {most_bytes:,} are read", NPZ)
    if info.file_size > DEFLATE * path.stat().st_size:
        raise DataError(path, f"claims {info.file_size:,} bytes of {info.filename}, more than it can hold", NPZ)
    with archive.open(info) as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                version = np.lib.format.read_magic(file)
                shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        except Exception as error:  # the header is Python source, so a damaged one can raise anything
            raise DataError(path, f"has no array in {info.filename} ({error})", NPZ) from None
        if version != (1, 0) or dtype.kind not in "biuf":
            raise DataError(path, f"has {info.filename} of type {dtype}, not of plain numbers", NPZ)
        size, rest = math.prod(shape) * dtype.itemsize, info.file_size - file.tell()
        if min(shape, default=0) < 0 or size != rest:
            claim = f"claims {' × '.join(map(str, shape))} numbers of {dtype.itemsize} bytes"
            raise DataError(path, f"has {info.filename} that {claim}, and {rest:,} bytes", NPZ)
        content = read_bytes(file, rest + 1)  # to the end, where zipfile checks the checksum
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C")


# -- pictures in a folder


def read_pictures(folder: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> Images:
    """Read the pictures in a folder, as grey levels 0 … 255, all of one size.

    folder: has the pictures, or else a sub-folder of pictures for each label; sorted sub-folders are labels 0, 1, …,
    those without pictures left out. Only files with a suffix of SUFFIXES, such as .png, are read. most_bytes: the limit
    for all pictures together, one byte a pixel.

    Raises DataError if a picture is damaged, of another size or of more than 8 bits a colour, if there are fewer than
    200 or they exceed `most_bytes`, for pictures both in the folder and in sub-folders, and if `checked` refuses the
    arrays. Raises OSError if there is no folder.
    """
    folder = Path(folder)
    alone = _pictures(folder)
    classes = [found for f in sorted(folder.iterdir()) if f.is_dir() and (found := _pictures(f))]
    files = [*alone, *(file for found in classes for file in found)]
    if alone and classes:
        raise DataError(folder, "has pictures both in it and in its sub-directories", "move them all to one place")
    if len(files) < FEWEST:
        kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
        raise DataError(folder, f"has {len(files)} pictures ({kinds}), expected {FEWEST} or more", "add some")
    rows, columns = _grey(files[0]).shape
    if len(files) * rows * columns > most_bytes:
        claim = f"has {len(files):,} pictures of {rows}×{columns} pixels, at most {most_bytes:,} bytes are read"
        raise DataError(folder, claim, "make them smaller or take fewer")
    levels = np.empty((len(files), rows, columns), np.uint8)
    for level, file in zip(levels, files, strict=True):
        level[...] = _grey(file, (rows, columns))
    labels = np.repeat(np.arange(len(classes)), [len(found) for found in classes]) if classes else None
    return checked(folder, levels, labels, "take larger pictures")


def _pictures(folder: Path) -> list[Path]:
    """The sorted picture files in a folder, without hidden files."""
    return sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file() and f.name[0] != ".")


def _grey(path: Path, shape: tuple[int, int] | None = None) -> np.ndarray:
    """One picture as grey levels, (rows, columns), uint8. Raises DataError if it has another shape than `shape`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                size = picture.height, picture.width
                if shape not in (None, size):
                    expected = f"expected {shape[0]}×{shape[1]} as the first" if shape else ""
                    raise DataError(path, f"has {size[0]}×{size[1]} pixels, {expected}", "bring all to one size")
                if picture.mode not in EIGHT_BITS:
                    raise DataError(path, f"has pixels of Pillow's mode {picture.mode}", "save it with 8 bits a colour")
                return np.asarray(picture.convert("L"))
    except DataError:
        raise
    except Exception as error:  # decoders raise any exception for a damaged picture
        raise DataError(path, f"cannot be read as a picture ({error})", "save it again, as PNG") from None
