"""Your own images as arrays: from an .npz, from idx files, or from a folder of pictures.

The files may be damaged or hostile. The size that a file claims is compared with a limit and with the size that the
file can hold before memory is allocated, nothing in a file is ever executed (no pickle), and every problem in a file
raises DataError.
"""

from __future__ import annotations

import math
import os
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from minigen.data.idx import DEFLATE, FEWER, MOST_PIXELS, read_bytes, read_idx, regular
from minigen.errors import DataError, shown

FEWEST = 200
"""The smallest number of images. With fewer, a sixth of them is too few to validate or to test on."""
IDX_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
"""MNIST's names of its four files."""
IDX_FILE = re.compile(r"(.*?)(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(\.gz)?", re.IGNORECASE)
"""Names that MNIST's four files, and the files of data sets like it, have in public archives."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""The formats of pictures that are read, by Pillow's names. The suffix of the file does not matter."""
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
"""Pillow's modes with eight bits a colour or fewer."""
HIDDEN = (".", "@", "__", "#recycle", "$RECYCLE.BIN")
"""How the names of files and folders begin that systems and programs write beside pictures, such as .DS_Store,
.ipynb_checkpoints, __MACOSX and @eaDir. They are left out."""
TRAIN, TEST = ("train", "training", "val", "valid", "validation"), ("test", "testing")
"""Names of folders that divide pictures into those to learn from and those to test on."""
NPZ = "write it by np.savez(file, images=…, labels=…), images (n, rows, columns) and labels (n,) as plain numbers"
IDX = "write images and labels again, in the same order and all of one size"
LIGHT = 0.75
"""Ink is dark on light paper if at least this share of the pixels on the edges of the images is light."""


class Images(NamedTuple):
    """Grey images with labels, as a reader returns them.

    levels: (n, rows, columns), grey levels from 0 up; the ink is high. labels: (n,), integers 0 … k − 1; all 0 if there
    are no labels. names: of the k classes, as the file or folder names them; () if these are the numbers 0 … k − 1.
    changed: in words, what `checked` has changed about the levels, each after ", "; "" if nothing.
    tests: the number of test images, which are the last ones. 0: the images were not divided.
    """

    levels: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...] = ()
    changed: str = ""
    tests: int = 0


def checked(
    file: str | os.PathLike[str],
    levels: np.ndarray,
    labels: np.ndarray | None,
    cure: str,
    names: Sequence[str] | None = None,
    tests: int | None = None,
) -> Images:
    """Return `levels` and `labels` as Images. Labels are renumbered 0 … k − 1 in sorted order; None gives all 0.

    file: named in an error. levels: (n, rows, columns), or (n, D) of square images, grey levels from 0 up; the array is
    changed. labels: (n,) integers, or None. cure: for an error, how the user can write a correct file. names: the name
    of each label 0, 1, …; None: the labels themselves. tests: the number of images at the end that are for testing;
    None: the images are not divided.

    Levels must be real numbers: integers become the smallest unsigned integers that hold them, or float32 from 2³² on,
    booleans become uint8, all others float32. `outlier_cut` and `ink_high` change some levels.

    Raises DataError for fewer than 200 images (FEWEST), for fewer than 167 to train on or 33 to test on, for images of
    fewer than 4 pixels, for grey levels that are negative, not finite or all equal, for another shape, and for labels
    that are not (n,) integers.
    """
    if levels.ndim == 2 and math.isqrt(levels.shape[1]) ** 2 == levels.shape[1]:
        levels = levels.reshape(len(levels), math.isqrt(levels.shape[1]), -1)
    if levels.ndim != 3:
        expected = "expected (n, rows, columns), or (n, D) of square images"
        raise DataError(file, f"has images of shape {levels.shape}, {expected}", cure)
    if math.prod(levels.shape[1:]) < 4:
        size = f"{levels.shape[1]}×{levels.shape[2]}"
        raise DataError(file, f"has images of {size} pixels, expected 4 pixels or more", cure)
    if len(levels) < FEWEST:
        raise DataError(file, f"has {len(levels)} images, expected {FEWEST} or more", "add some")
    tests, divided = tests or 0, tests is not None
    for use, count, least in [("train", len(levels) - tests, FEWEST - FEWEST // 6), ("test", tests, FEWEST // 6)]:
        if divided and count < least:
            raise DataError(file, f"has {count} images to {use} on, expected {least} or more", "add some")
    levels = whole_or_real(file, levels)
    cut, least = outlier_cut(levels), levels.min().item()
    if least == levels.max():
        raise DataError(file, f"has no grey level but {least:g}{cut}", "take images with different grey levels")
    changed = cut + ink_high(levels)
    if labels is None:
        return Images(levels, np.zeros(len(levels), int), (), changed, tests)
    if labels.shape != levels.shape[:1] or labels.dtype.kind not in "iu":
        expected = f"expected {len(levels):,} integers, one an image"
        raise DataError(file, f"has labels of shape {labels.shape} and type {labels.dtype}, {expected}", cure)
    values, numbers = np.unique(labels, return_inverse=True)
    texts = [shown(names[v] if names else v, 30) for v in values]
    own_names = () if texts == list(map(str, range(len(texts)))) else tuple(texts)
    return Images(levels, numbers, own_names, changed, tests)


def whole_or_real(file: str | os.PathLike[str], levels: np.ndarray) -> np.ndarray:
    """Return grey levels as the smallest unsigned integers that hold them, or as float32 if they are no integers.

    file: named in an error. levels: numbers, any shape, at least one. Raises DataError if one is negative or not
    finite.
    """
    if levels.dtype.kind not in "iu":
        with np.errstate(over="ignore"):
            levels = levels.astype(np.uint8 if levels.dtype.kind == "b" else np.float32)
    least, most = levels.min().item(), levels.max().item()  # as Python's numbers, since −(−128) does not fit into int8
    if not (math.isfinite(least) and math.isfinite(most)):
        raise DataError(file, "has grey levels that are NaN or infinite", "replace them by numbers from 0 up")
    if least < 0:
        raise DataError(file, f"has grey levels from {least:g} to {most:g}, expected none below 0", f"add {-least:g}")
    if levels.dtype.kind != "f":
        levels = levels.astype(np.min_scalar_type(most) if most < 2**32 else np.float32, copy=False)
    return levels


def outlier_cut(levels: np.ndarray) -> str:
    """Lower a few extreme grey levels in place, and return ", levels above … cut", or "" if there are none.

    A pixel is 1 from half of the highest level up, so one bad pixel can make all images blank. If at least half of the
    images have no pixel at half of the highest level, the levels above the median of the images' highest levels become
    that median. If that median is 0, nothing is changed.
    levels: (n, rows, columns), at least 0.
    """
    highest = np.sort(levels.max(axis=(1, 2)))
    median = highest[len(highest) // 2]
    if not 0 < 2 * median.item() < highest[-1].item():
        return ""
    np.minimum(levels, median, out=levels)
    return f", levels above {median:g} cut"


def ink_high(levels: np.ndarray) -> str:
    """Invert dark ink on light paper in place, and return ", dark ink on light paper", or "" if nothing is changed.

    The paper is light if on average over the four edges of the images at least 3/4 (LIGHT) of the pixels have half of
    the highest level or more. Then each level becomes highest − level.
    levels: (n, rows, columns), at least 0.
    """
    most = levels.max().item()
    edges = (levels[:, 0], levels[:, -1], levels[:, :, 0], levels[:, :, -1])
    if np.mean([np.mean(edge >= most / 2) for edge in edges]) < LIGHT:
        return ""
    np.subtract(most, levels, out=levels)
    return ", dark ink on light paper"


# -- idx files in a folder


def idx_files(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Return the files of a data set like MNIST in `folder`: {MNIST's name: path}, at most four. .gz files come first.

    folder: has the files, or has them in a folder `raw`, or has one folder that does. Other spellings of the names are
    known, such as train-images.idx3-ubyte and emnist-letters-test-labels-idx1-ubyte.gz.

    Raises DataError if the files of several data sets are there, and none has MNIST's own names.
    """
    folder = Path(folder)
    inner = _entered(folder) if folder.is_dir() else folder
    for place in (folder, folder / "raw", inner, inner / "raw"):
        found: dict[str, dict[str, Path]] = {}  # {what stands before MNIST's name: {MNIST's name: path}}
        for file in sorted(place.iterdir(), reverse=True) if place.is_dir() else ():
            if (match := IDX_FILE.fullmatch(file.name)) and not file.is_dir():
                part, kind = "train" if match[2].lower() == "train" else "t10k", match[3].lower()
                name = f"{part}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
                found.setdefault(match[1].lower(), {}).setdefault(name, file)
        if found:
            if len(found) > 1 and "" not in found:
                several = f"has the idx files of {len(found)} data sets: {listed(found)}"
                raise DataError(place, several, "put the four files of one data set into a folder of their own")
            return found.get("") or next(iter(found.values()))
    return {}


def listed(names: Iterable[object], most: int = 4) -> str:
    """Return the first `most` names in words, and how many others there are."""
    texts = [shown(name, 60) for name in names]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def read_idx_folder(folder: str | os.PathLike[str], most_pixels: int = MOST_PIXELS) -> Images:
    """Read images and labels from MNIST's four idx files: the training images, and after them `tests` test images.

    folder: has the four files, as `idx_files` finds them. most_pixels: the limit for all images together.

    Raises DataError if a file is missing or damaged, if sizes do not match, or if `checked` refuses the arrays.
    """
    files = idx_files(folder)
    if missing := [name for name in IDX_NAMES if name not in files]:
        there = f" but {listed(file.name for file in files.values())}" if files else ""
        cure = "put all four idx files there, plain or as .gz"
        raise DataError(folder, f"has no {' and no '.join(missing)}{there}", cure)
    images = read_idx(files[IDX_NAMES[0]], most_pixels)
    test_images = read_idx(files[IDX_NAMES[2]], most_pixels - images.size)
    labels, test_labels = (read_idx(files[IDX_NAMES[k]], most_pixels) for k in (1, 3))
    if images.ndim != 3 or images.shape[1:] != test_images.shape[1:]:
        shapes = f"has images of shapes {images.shape} and {test_images.shape}"
        raise DataError(folder, f"{shapes}, expected (n, rows, columns) of one size", IDX)
    if images.shape[:1] != labels.shape or test_images.shape[:1] != test_labels.shape:
        shapes = f"has labels of shapes {labels.shape} and {test_labels.shape}"
        raise DataError(folder, f"{shapes}, expected {len(images):,} and {len(test_images):,}, one an image", IDX)
    tests, labels = len(test_images), np.concatenate([labels, test_labels])
    images = np.concatenate([images, test_images])
    return checked(folder, images, labels, IDX, tests=tests)


# -- arrays in an .npz


def read_npz(path: str | os.PathLike[str], most_pixels: int = MOST_PIXELS) -> Images:
    """Read `images`, (n, rows, columns) or (n, D) of square images, and `labels`, (n,) integers, if the file has them.

    path: an .npz file. most_pixels: the limit for all images together, and for the labels.

    Raises DataError if the path is no regular file or no .npz, if it has no `images`, is damaged or has an array of
    more than `most_pixels` numbers, or if `checked` refuses the arrays.
    """
    levels, labels = arrays_in(path, ("images", "labels"), most_pixels)
    assert levels is not None
    return checked(path, levels, labels, NPZ)


def arrays_in(path: str | os.PathLike[str], names: Sequence[str], most: int) -> list[np.ndarray | None]:
    """Return arrays of an .npz, None for a name that it does not have; but it must have the first.

    path: an .npz file. names: of the arrays. most: the largest number of numbers in an array that is read.

    Raises DataError if the path is no regular file or no .npz, lacks the first array, is damaged or has a larger array.
    """
    path = regular(path, "name an .npz or a folder of your images")
    try:
        with zipfile.ZipFile(path) as archive:
            found = {info.filename: info for info in archive.infolist()}
            if f"{names[0]}.npy" not in found:
                raise DataError(path, f"has no array named {names[0]} but {listed(found) or 'none at all'}", NPZ)
            members = [found.get(f"{name}.npy") for name in names]
            return [_array(path, archive, member, most) if member else None for member in members]
    except DataError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OSError) as error:
        raise DataError(path, f"is no .npz, or a damaged one ({error})", NPZ) from None


def _array(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> np.ndarray:
    """Read one member of the archive. Its header is checked against its size, and against `most` numbers, first."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(path, f"has {info.filename} compressed in a way that NumPy does not write", NPZ)
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
        if math.prod(shape) > most:
            claim = f"has {' × '.join(map(str, shape))} numbers in {info.filename}, at most {most:,} are read"
            raise DataError(path, claim, FEWER)
        size, rest = math.prod(shape) * dtype.itemsize, info.file_size - file.tell()
        if min(shape, default=0) < 0 or size != rest:
            claim = f"claims {' × '.join(map(str, shape))} numbers of {dtype.itemsize} bytes"
            raise DataError(path, f"has {info.filename} that {claim}, and {rest:,} bytes", NPZ)
        content = read_bytes(file, rest + 1)  # to the end, where zipfile checks the checksum
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C")


# -- images of other sizes


def resized_shape(file: str | os.PathLike[str], count: int, side: int, most_pixels: int) -> tuple[int, int, int]:
    """Return (count, side, side), the shape of images after `fitted`. Raises DataError for more than `most_pixels`.

    file: named in the error. count: number of images. side: rows and columns of the square.
    """
    if count * side**2 > most_pixels:
        claim = f"has {count:,} images, which resized have {count * side**2:,} pixels, at most {most_pixels:,} are read"
        raise DataError(file, claim, "resize to fewer pixels")
    return count, side, side


def fitted(levels: np.ndarray, side: int) -> np.ndarray:
    """Return an image brought into a square: its longer side becomes `side` pixels, and its proportions stay.

    levels: grey levels, (rows, columns), unsigned integers or floats → (side, side), the same type.
    side: rows and columns of the square.

    A new pixel is the mean of the pixels that it covers (Pillow's filter BOX): no level leaves the range of the image,
    and in an image of fewer pixels each is repeated. The image is in the middle. Beside it, the square has the median
    level of the image's edges, so that paper remains paper, dark or light.
    """
    scale = side / max(levels.shape)
    rows, columns = (max(1, round(length * scale)) for length in levels.shape)
    means = np.asarray(Image.fromarray(levels.astype(np.float32)).resize((columns, rows), Image.Resampling.BOX))
    exact = means if levels.dtype.kind == "f" else np.rint(means)
    edges = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    square = np.full((side, side), np.sort(edges)[len(edges) // 2], levels.dtype)
    top, left = (side - rows) // 2, (side - columns) // 2
    square[top : top + rows, left : left + columns] = np.clip(exact, levels.min(), levels.max())
    return square


# -- pictures in a folder


def read_pictures(folder: str | os.PathLike[str], most_pixels: int = MOST_PIXELS, resize: int | None = None) -> Images:
    """Read the pictures in a folder, as grey levels 0 … 255, all of one size, or of any sizes with `resize`.

    folder: has the pictures, or else a sub-folder for each class with all pictures below it; sub-folders without
    pictures are left out. Pictures and classes are in natural order: 2 before 10. Files without a suffix of SUFFIXES,
    such as .png, and names that begin as in HIDDEN are left out. A folder that has nothing but one sub-folder stands
    for this sub-folder. If all sub-folders have names of TRAIN and TEST, each is such a folder of its own, and
    the pictures below the latter are the test images; the others are shuffled, always in the same way.
    most_pixels: the limit for all pictures together; with `resize`, also for each picture before it is reduced.
    resize: the side of the square into which each picture is brought by `fitted`; None: pictures stay as they are.

    Pictures are turned as their EXIF orientation says. Transparent pixels are white, or black if all images would be
    white otherwise.

    Raises DataError if a picture is damaged, no regular file, of another size or of more than 8 bits a colour, if there
    are fewer than 200 or they exceed `most_pixels`, for pictures both in the folder and in sub-folders, and if
    `checked` refuses the arrays. Raises OSError if there is no folder.
    """
    folder = Path(folder)
    inner = _entered(folder)
    train = _classes([inner])
    test: dict[str, list[Path]] = {}
    if all(name.lower() in TRAIN + TEST for name in train):
        train, test = (_classes(inner / name for name in train if name.lower() in names) for names in (TRAIN, TEST))
    others, tests = ([(file, name) for name, found in part.items() for file in found] for part in (train, test))
    if others and tests and ("" in train) != ("" in test):
        raise DataError(
            folder, "has classes in one of training and test pictures only", "make the same folders in both"
        )
    if tests:  # sorted by class, but the last of them validate
        others = [others[i] for i in np.random.RandomState(0).permutation(len(others))]
    files, names = zip(*others, *tests, strict=True) if others or tests else ((), ())
    if len(files) < FEWEST:
        kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
        there = "" if files else listed(f.name for f in sorted(folder.iterdir()))
        expected = f"expected {FEWEST} or more{there and f'; there is {there}'}"
        raise DataError(folder, f"has {len(files)} pictures ({kinds}), {expected}", "add some")
    levels = _stack(folder, files, most_pixels, resize)
    order = sorted(set(names), key=_natural)
    labels = np.array([order.index(name) for name in names]) if order != [""] else None
    return checked(folder, levels, labels, "take larger pictures", order, len(tests) if tests else None)


def _natural(text: object) -> list[str | int]:
    """A key to sort by: the numbers in a text count as numbers."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", str(text))]


def _folders(folder: Path) -> list[Path]:
    """The sub-folders of a folder in natural order, without hidden ones."""
    return sorted((f for f in folder.iterdir() if f.is_dir() and not f.name.startswith(HIDDEN)), key=_natural)


def pictures_in(folder: Path, below: bool = False) -> list[Path]:
    """The picture files in a folder in natural order, without hidden ones.  below: also those in all sub-folders."""

    def stop(error: OSError) -> None:
        raise error

    found: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=stop):  # does not follow links below, which may form a circle
        folders[:] = [name for name in folders if below and not name.startswith(HIDDEN)]
        found += [Path(place, f) for f in files if f.lower().endswith(SUFFIXES) and not f.startswith(HIDDEN)]
    return sorted(found, key=_natural)


def _entered(folder: Path) -> Path:
    """The folder, or the first folder below it that has a picture or several folders."""
    while not pictures_in(folder) and len(inner := _folders(folder)) == 1:
        folder = inner[0]
    return folder


def _classes(folders: Iterable[Path]) -> dict[str, list[Path]]:
    """The pictures below some folders: {name of a sub-folder: all pictures below it}, or {"": pictures in the folders}.

    Raises DataError for pictures both in a folder and in sub-folders.
    """
    found: dict[str, list[Path]] = {}
    for folder in folders:
        below = [(f.name, pictures_in(f, below=True)) for f in _folders(folder)]
        for name, pictures in [("", pictures_in(folder)), *below]:
            if pictures:
                found.setdefault(name, []).extend(pictures)
        if "" in found and len(found) > 1:
            raise DataError(folder, "has pictures both in it and in its sub-directories", "move them all to one place")
    return found


def _stack(folder: Path, files: Sequence[Path], most_pixels: int, resize: int | None) -> np.ndarray:
    """The grey levels of pictures of one size, (n, rows, columns), uint8; of any sizes, if they are resized."""
    if resize:
        shape = resized_shape(folder, len(files), resize, most_pixels)
        read = lambda file, paper: fitted(read_picture(file, most_pixels, None, paper), resize)
    else:
        first = read_picture(files[0], most_pixels // len(files))
        shape = (len(files), *first.shape)
        read = lambda file, paper: read_picture(file, first.size, first.shape, paper)
    levels = np.empty(shape, np.uint8)
    for paper in (255, 0):
        for level, file in zip(levels, files, strict=True):
            level[...] = read(file, paper)
        if levels.min() < 255:
            break
    return levels


def read_picture(
    path: str | os.PathLike[str], most_pixels: int = MOST_PIXELS, shape: tuple[int, ...] | None = None, paper: int = 255
) -> np.ndarray:
    """Return one picture as grey levels 0 … 255, (rows, columns), uint8, turned as its EXIF orientation says.

    path: of the file. most_pixels: the largest picture that is read. shape: the expected shape; None: any.
    paper: the grey level of transparent pixels.

    Raises DataError for a path that is no regular file, for no picture or a damaged one, and for a picture of another
    shape, of more than `most_pixels` or of more than 8 bits a colour.
    """
    path = regular(path, "name a picture")

    def of_one_size(rows: int, columns: int) -> None:
        if shape not in (None, (rows, columns)):
            expected = f"expected {'×'.join(map(str, shape or ()))} as the first"
            raise DataError(path, f"has {rows}×{columns} pixels, {expected}", "bring all to one size, by --resize N")

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                pixels = picture.height * picture.width
                if shape is None and pixels > most_pixels:
                    raise DataError(path, f"has {pixels:,} pixels, at most {most_pixels:,} are read", FEWER)
                if shape is not None and pixels != math.prod(shape):  # the same number may be turned
                    of_one_size(picture.height, picture.width)
                if picture.mode not in EIGHT_BITS:
                    raise DataError(path, f"has pixels of Pillow's mode {picture.mode}", "save it with 8 bits a colour")
                turned: Image.Image = ImageOps.exif_transpose(picture)
                if turned.mode in ("LA", "PA", "RGBA") or "transparency" in turned.info:
                    behind = Image.new("RGBA", turned.size, (paper, paper, paper, 255))
                    turned = Image.alpha_composite(behind, turned.convert("RGBA"))
                levels = np.asarray(turned.convert("L"))
    except DataError:
        raise
    except Exception as error:  # decoders raise any exception for a damaged picture
        raise DataError(path, f"cannot be read as a picture ({error})", "save it again, as PNG") from None
    of_one_size(*levels.shape)
    return levels
