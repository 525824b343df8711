"""Your own images as arrays: from an .npz, from idx files, or from a folder of pictures.

Whatever is read here was made by somebody else. What a file claims is compared with what it can hold before memory is
taken for it, nothing in it is ever executed (no pickle), and what is wrong with it is said in a DataError.
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
"""Of fewer images, a sixth to validate on and a sixth to test on would say nothing."""
IDX_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
"""As MNIST has them."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""What a picture may be, by Pillow's names and whatever its suffix."""
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
"""Pillow's modes of at most eight bits a colour."""
NPZ = "write it by np.savez(file, images=…, labels=…), images (n, rows, columns) and labels (n,) as plain numbers"
IDX = "write images and labels anew, in the same order and all of one size"


class Images(NamedTuple):
    """levels: (n, rows, columns), grey levels from 0 up; labels: (n,) from 0 to k − 1, 0 where there are none.

    tests: how many of them, the last ones, are kept to test on; 0: that was not said.
    """

    levels: np.ndarray
    labels: np.ndarray
    tests: int = 0


def checked(file: str | os.PathLike[str], levels: np.ndarray, labels: np.ndarray | None, cure: str) -> Images:
    """Images to learn from: enough of them, with grey levels that say something; labels are numbered in their order."""
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
    least, most = levels.min().item(), levels.max().item()  # Python's numbers: −(−128) is none of int8's
    if not (math.isfinite(least) and math.isfinite(most)):
        raise DataError(file, "has grey levels that are NaN or infinite", "replace them by numbers from 0 up")
    if least < 0:
        raise DataError(file, f"has grey levels from {least:g} to {most:g}, expected none below 0", f"add {-least:g}")
    if least == most:
        raise DataError(file, f"has no grey level but {most:g}", "take images in which something is to be seen")
    if labels is None:
        return Images(levels, np.zeros(len(levels), int))
    if labels.shape != levels.shape[:1] or labels.dtype.kind not in "iu":
        expected = f"expected {len(levels):,} integers, one an image"
        raise DataError(file, f"has labels of shape {labels.shape} and type {labels.dtype}, {expected}", cure)
    return Images(levels, np.unique(labels, return_inverse=True)[1])


# -- idx files in a folder


def idx_files(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Those of the four of MNIST's names that are there, plain or with .gz."""
    files = [(name, Path(folder) / f"{name}{suffix}") for name in IDX_NAMES for suffix in (".gz", "")]
    return {name: file for name, file in files if file.exists()}


def read_idx_folder(folder: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> Images:
    """Images and labels to train on, and after them those to test on.  most_bytes: that one file may take."""
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
    """The arrays `images` and, if there is one, `labels`.  most_bytes: that one of them may take."""
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
    """One member of the archive: its header is read and compared with its size before the rest is."""
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
        except Exception as error:  # a damaged header is Python source that anything may be wrong with
            raise DataError(path, f"has no array in {info.filename} ({error})", NPZ) from None
        if version != (1, 0) or dtype.kind not in "biuf":
            raise DataError(path, f"has {info.filename} of type {dtype}, not of plain numbers", NPZ)
        size, rest = math.prod(shape) * dtype.itemsize, info.file_size - file.tell()
        if min(shape, default=0) < 0 or size != rest:
            claim = f"claims {' × '.join(map(str, shape))} numbers of {dtype.itemsize} bytes"
            raise DataError(path, f"has {info.filename} that {claim}, and {rest:,} bytes", NPZ)
        content = read_bytes(file, rest + 1)  # to the end, where zipfile compares the checksum
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C")


# -- pictures in a folder


def read_pictures(folder: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> Images:
    """The pictures in a folder, made grey; or those in its sub-directories, which are the labels in sorted order.

    Only files with one of SUFFIXES are looked at. most_bytes: that all of them may take, a byte a pixel.
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
    return sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file() and f.name[0] != ".")


def _grey(path: Path, shape: tuple[int, int] | None = None) -> np.ndarray:
    """(rows, columns), uint8, read only if it has that shape."""
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
    except Exception as error:  # of a damaged picture, decoders raise whatever they stumble over
        raise DataError(path, f"cannot be read as a picture ({error})", "save it anew, as PNG") from None
