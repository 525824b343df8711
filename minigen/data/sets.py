"""Real images to learn from, in three fixed parts, and the rules that make the images binary.

The digits are the 1,797 images of 8×8 pixels and grey levels 0 … 16 of the "Optical Recognition of Handwritten Digits"
data set, E. Alpaydin and C. Kaynak 1998, UCI Machine Learning Repository, licence CC BY 4.0. They are part of this
package.

MNIST is the 70,000 images of 28×28 pixels and grey levels 0 … 255 of Y. LeCun, C. Cortes and C. Burges 1998.
Fashion-MNIST is 70,000 images of clothes in the same format, of H. Xiao, K. Rasul and R. Vollgraf 2017, MIT licence.
Both are read from a folder that the user names, or else downloaded once into the user's cache.

A user's own images come from an .npz or a folder (`own`).

The lynx are a time series: how many were trapped in each year, C. Elton and M. Nicholson 1942, "The ten-year cycle in
numbers of the lynx in Canada", table 4, as M. Campbell and A. Walker 1977 and most of the literature quote it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from minigen.data.idx import MOST_PIXELS, header_of, read_idx
from minigen.data.images import (
    IDX_FILE,
    Images,
    fitted,
    idx_files,
    listed,
    read_idx_folder,
    read_npz,
    read_pictures,
    resized_shape,
)
from minigen.errors import DataError, shown


@dataclass(frozen=True)
class Part:
    """One part of a data set: images with their grey levels and labels. `part[rows]` is the Part of the chosen images.

    images: (n, D) float32, each pixel 0 or 1 (or 0 … k − 1 with k shades of grey, or real from 0 to 1).
    levels: (n, D), the grey levels from which the images were made.
    labels: (n,) integers, from 0 up.
    """

    images: np.ndarray
    levels: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"<Part: {len(self)} images of {self.images.shape[1]} pixels, {len(set(self.labels.tolist()))} labels>"

    def __getitem__(self, rows: Any) -> Part:
        """The Part of the images at `rows`: a slice, an array of indices or a boolean mask."""
        return Part(self.images[rows], self.levels[rows], self.labels[rows])


RULES = ("threshold", "sampled", "shades", "ranges", "real")


@dataclass(frozen=True)
class Pixels:
    """How grey levels become the pixels of a data set, so that other images can be treated alike.

    rule: "threshold": 1 from the grey level `threshold` up, else 0; "sampled": 1 with probability level/white, else 0;
    "shades" of whole and "ranges" of real grey levels: equal ranges become the integers 0, 1, …; "real": level/white.
    white: the highest grey level that there can be, that of full ink. threshold: a grey level.
    Raises ValueError for another rule, and unless white is positive.
    """

    rule: str = "threshold"
    white: float = 255
    threshold: float = 128

    def __post_init__(self) -> None:
        if self.rule not in RULES or not 0 < self.white < np.inf:
            raise ValueError(f"rule is one of {', '.join(RULES)} and white is above 0, got {self!r}")

    def __str__(self) -> str:
        return {
            "threshold": f"grey level ≥ {self.threshold:g} of {self.white:g}",
            "sampled": f"sampled with probability level/{self.white:g}",
            "shades": f"equal ranges of the grey levels 0 … {self.white:g}",
            "ranges": f"equal ranges of the grey levels 0 … {self.white:g}",
            "real": f"grey level / {self.white:g}",
        }[self.rule]

    def made_of(self, ink: np.ndarray, shades: int = 2, *, rng: np.random.Generator | int | None = None) -> np.ndarray:
        """Return the pixels of images, float32, in the shape of `ink`.

        ink: grey levels as fractions of full ink, from 0 to 1. shades: number of shades, for the rule "shades".
        """
        made = {
            "threshold": lambda: binarise(ink, self.threshold / self.white),
            "sampled": lambda: binarise_by_chance(ink, 1, rng=rng),
            "shades": lambda: np.rint(ink * self.white) * shades // (self.white + 1),
            "ranges": lambda: np.minimum(ink * shades, shades - 1) // 1,
            "real": lambda: ink,
        }
        return np.asarray(made[self.rule](), np.float32)


@dataclass(frozen=True)
class Dataset:
    """Images in three parts that never change, so that the likelihoods of different models can be compared.

    name: the data set and the rule that made it binary; state the name with every likelihood.
    shape: (height, width) of an image. train, validation, test: the three parts.
    anew: anew(rng) returns the training images for one epoch, (n, D). If the rule of binarisation is random, the images
    differ from epoch to epoch; otherwise they equal `train.images`.
    levels: the number of values of a pixel, 2 for binary pixels, and for real pixels from 0 to 1.
    names: the names of the classes 0, 1, …, if they have names of their own: of folders, or labels such as 3 and 8.
    pixels: the rule of binarisation, or whichever made pixels of grey levels; validation and test images follow it.
    """

    name: str
    shape: tuple[int, int]
    train: Part
    validation: Part
    test: Part
    anew: Callable[[np.random.Generator], np.ndarray]
    levels: int = 2
    names: tuple[str, ...] = ()
    pixels: Pixels = Pixels()

    @property
    def D(self) -> int:
        """The number of pixels in an image, height · width."""
        return self.shape[0] * self.shape[1]

    @property
    def classes(self) -> int:
        """The number of classes: labels are 0 … classes − 1; 1 for images without labels."""
        highest = max(int(part.labels.max()) for part in (self.train, self.validation, self.test))
        return len(self.names) or 1 + highest

    @property
    def class_names(self) -> list[str]:
        """The name of each class 0 … classes − 1: one of `names`, or else the number."""
        return list(self.names) or [str(label) for label in range(self.classes)]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(getattr(self, part))} {part}" for part in ("train", "validation", "test"))
        return f"<Dataset {self.name}: {sizes}>"

    def _repr_png_(self) -> bytes | None:
        """The first images of each part as a PNG, which a notebook shows. None if a part is empty."""
        from minigen import plot  # not at the top: data sets need no matplotlib

        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        columns = min(16, *map(len, parts.values()))
        if not columns:
            return None
        rows = np.stack([part.images[:columns] for part in parts.values()]) / (self.levels - 1)
        figure = plot.Figure(figsize=(10, 0.8 + 1.8 * self.shape[0] / self.shape[1]), layout="constrained")
        plot.image_rows(figure.subplots(), rows, self.shape, self.name, list(parts))
        return plot.png(figure)


def binarise(levels: np.ndarray, threshold: Any) -> np.ndarray:
    """Return 1 where the grey level is at least `threshold`, else 0, as float32 in the shape of `levels`.

    levels: grey levels, any shape. threshold: a number, or an array that broadcasts against `levels`.
    """
    return (levels >= threshold).astype(np.float32)


def binarise_anew(
    levels: np.ndarray, threshold: int, spread: float, *, rng: np.random.Generator | int | None = None
) -> np.ndarray:
    """Binarise each image at a random threshold of its own, drawn from N(threshold, spread²) and rounded.

    levels: grey levels, (n, …), one image a row or a matrix → 1 from the threshold up, else 0, same shape, float32.
    threshold: the mean of the thresholds, a grey level. spread: their standard deviation. A threshold below 1
    becomes 1, and one above the highest of `levels` becomes that grey level.
    Random thresholds make strokes thinner and thicker: more varied training data. Evaluation uses one fixed threshold.
    """
    rng = np.random.default_rng(rng)
    one_each = (len(levels), *(1 for _ in levels.shape[1:]))
    drawn = np.rint(rng.normal(threshold, spread, one_each))
    return binarise(levels, np.clip(drawn, 1, levels.max()))


def binarise_by_chance(levels: np.ndarray, white: int, *, rng: np.random.Generator | int | None = None) -> np.ndarray:
    """Draw each pixel, independently: 1 with probability levels/white, else 0 (Salakhutdinov and Murray 2008).

    levels: grey levels from 0 to `white`, any shape → the same shape, float32. white: the grey level of probability 1.
    """
    rng = np.random.default_rng(rng)
    return (rng.random(levels.shape, np.float32) * white < levels).astype(np.float32)


def grey(dataset: Dataset, levels: int) -> Dataset:
    """Return the data set with `levels` shades of grey, integers 0 … levels − 1, instead of binary pixels.

    dataset: its original grey levels, from 0 to the highest, are cut into `levels` equal ranges, one for each shade.
    Levels may be integers, 0 … most, or real numbers. `anew` of the result returns the same images in each epoch.

    Raises ValueError unless `levels` is at least 2 and, for integers, at most the number of original grey levels.
    """
    most, real = _highest(dataset).item(), dataset.train.levels.dtype.kind == "f"
    if levels < 2 or not (real or levels <= most + 1):
        bounds = "2 or more" if real else f"from 2 to the {most + 1} that {dataset.name} was made of"
        raise ValueError(f"levels must be {bounds}, got {levels}")

    def shades(part: Part) -> Part:
        if real:  # the highest level alone would have a shade of its own
            shade = np.minimum(part.levels * (levels / most), levels - 1).astype(int)
        else:
            shade = part.levels.astype(int) * levels // (most + 1)
        return replace(part, images=shade.astype(np.float32))

    pixels = Pixels("ranges" if real else "shades", most)
    return _with_images(dataset, shades, f"{levels} grey levels", pixels, levels)


def real_valued(dataset: Dataset) -> Dataset:
    """Return the data set with real pixels from 0 to 1: each grey level divided by the highest one in the data set.

    dataset: its original grey levels are used, and the highest is that of any image in its three parts. `anew` of the
    result returns the same images in each epoch.
    """
    most = _highest(dataset)
    unit = lambda part: replace(part, images=(part.levels / most).astype(np.float32))
    return _with_images(dataset, unit, "grey levels from 0 to 1", Pixels("real", most.item()))


def _with_images(
    dataset: Dataset, images: Callable[[Part], Part], rule: str, pixels: Pixels, levels: int = 2
) -> Dataset:
    """The data set with the images that `images` makes of each part, by a rule that its name states. No chance."""
    train, validation, test = map(images, (dataset.train, dataset.validation, dataset.test))
    name = f"{dataset.name.rsplit(', ', 1)[0]}, {rule}"
    return replace(dataset, name=name, train=train, validation=validation, test=test, anew=lambda rng: train.images,
                   levels=levels, pixels=pixels)  # fmt: skip


def _highest(dataset: Dataset) -> Any:
    """The highest original grey level of all parts."""
    return max(part.levels.max(initial=0) for part in (dataset.train, dataset.validation, dataset.test))


def sixths(whole: Any) -> list[Any]:
    """Cut shuffled images into a list [train, validation, test]: four sixths, one sixth and one sixth, rounded.

    whole: all images: a Part, or an array with a row for each image. The shuffle is the same in every call:
    `RandomState(0)` is a random stream that NumPy has frozen.
    """
    shuffled, sixth = np.random.RandomState(0).permutation(len(whole)), round(len(whole) / 6)
    return [whole[rows] for rows in np.split(shuffled, [len(whole) - 2 * sixth, len(whole) - sixth])]


def digits(threshold: int = 8, spread: float = 0.0) -> Dataset:
    """The optical digits, 8×8 binary pixels: 1,197 images to train, 300 to validate, 300 to test, cut by `sixths`.

    threshold: a pixel is 1 where the grey level, 0 … 16, is at least the threshold.
    spread: the standard deviation of a random threshold for each training image, drawn by `anew` for every epoch
    (`binarise_anew`). 0: all images have the fixed threshold.

    Raises ValueError if the threshold is not from 1 to 16.
    """
    if not 1 <= threshold <= 16:
        raise ValueError(f"threshold must be a grey level from 1 to 16 (else all pixels are equal), got {threshold}")
    with resources.files("minigen.data").joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
        levels, labels = arrays["images"].reshape(-1, 64), arrays["labels"]
    whole = Part(binarise(levels, threshold), levels, labels)
    train, validation, test = sixths(whole)
    anew = lambda rng: binarise_anew(train.levels, threshold, spread, rng=rng)
    pixels = Pixels("threshold", 16, threshold)
    return Dataset(f"digits 8×8, grey level ≥ {threshold}", (8, 8), train, validation, test, anew, pixels=pixels)


@dataclass(frozen=True)
class Source:
    """A data set of four gzipped idx files on the web, under MNIST's four names.

    name: the name of the data set. mirrors: URLs of the folders that have the files, each with a slash at the end.
    checksums: {name of a file without .gz: checksum}, "md5:…" of the compressed file, or "sha256:…" of its contents if
    mirrors compress the file differently. cache: the sub-folder for the files in the user's cache; "" for none.
    """

    name: str
    mirrors: tuple[str, ...]
    checksums: dict[str, str]
    cache: str = ""


MOST = 60_000 * 28 * 28
"""The number of bytes of images in the largest file of MNIST and Fashion-MNIST. Compressed files have fewer bytes."""
MNIST = Source(
    "MNIST",
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    {
        "train-images-idx3-ubyte": "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)
FASHION = Source(
    "Fashion-MNIST",
    (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    {
        "train-images-idx3-ubyte": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "md5:25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "md5:bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "md5:bb300cfdad3c16e7a12a480ee83cd310",
    },
    cache="fashion",
)


def mnist(binarisation: str = "threshold", folder: str | os.PathLike[str] | None = None) -> Dataset:
    """MNIST, 28×28 binary pixels: 50,000 images to train, the 10,000 after them to validate, 10,000 to test.

    binarisation: "threshold": 1 where the grey level is above 127. "sampled": 1 with probability level/255; validation
        and test images are drawn once, from a fixed seed, training images again for every epoch.
    folder: the folder with the four files, `.gz` or not. None: the user's cache; the first call downloads them.

    Raises ValueError for another binarisation, and DataError if a file is missing, wrong or cannot be downloaded.
    """
    return _like_mnist(MNIST, binarisation, folder)


def fashion(binarisation: str = "threshold", folder: str | os.PathLike[str] | None = None) -> Dataset:
    """Fashion-MNIST, 28×28 binary pixels: 50,000 images of clothes to train, 10,000 to validate, 10,000 to test.

    binarisation: "threshold": 1 where the grey level is above 127. "sampled": 1 with probability level/255; validation
        and test images are drawn once, from a fixed seed, training images again for every epoch.
    folder: the folder with the four `.gz` files. None: the user's cache; the first call downloads them.

    Raises ValueError for another binarisation, and DataError if a file is missing, wrong or cannot be downloaded.
    """
    return _like_mnist(FASHION, binarisation, folder)


def _like_mnist(source: Source, binarisation: str, folder: str | os.PathLike[str] | None) -> Dataset:
    """The data set of a source: its files, cut into three parts and made binary by the rule `binarisation`."""
    rules: dict[str, tuple[str, Callable]] = {
        "threshold": ("grey level > 127", lambda levels, rng: binarise(levels, 128)),
        "sampled": ("sampled with probability level/255", lambda levels, rng: binarise_by_chance(levels, 255, rng=rng)),
    }
    if binarisation not in rules:
        raise ValueError(f"binarisation must be one of {', '.join(rules)}, got {binarisation!r}")
    rule, binary = rules[binarisation]
    once = np.random.default_rng(0)

    def part(levels: np.ndarray, labels: np.ndarray) -> Part:
        return Part(binary(levels, once), levels, labels)

    kinds = ("images-idx3-ubyte", "labels-idx1-ubyte")
    tests, others = ([_file_of(source, f"{name}-{kind}", folder) for kind in kinds] for name in ("t10k", "train"))
    cut = len(others[0]) * 5 // 6
    test, validation, train = part(*tests), part(*(a[cut:] for a in others)), part(*(a[:cut] for a in others))
    anew = lambda rng: binary(train.levels, rng)
    pixels = Pixels(binarisation, 255, 128)
    return Dataset(f"{source.name} 28×28, {rule}", (28, 28), train, validation, test, anew, pixels=pixels)


def _file_of(source: Source, name: str, folder: str | os.PathLike[str] | None) -> np.ndarray:
    """The checked array of one file: images (n, 784) or labels (n,). Downloads the file if no folder is named."""
    elsewhere = f"get it from {source.mirrors[0]}"
    path = _fetched(source, name, elsewhere) if folder is None else _file_in(Path(folder), name, elsewhere)
    again = elsewhere if folder is not None else "delete it, and it is fetched again"
    items = _checked(source, name, path, again)
    return items.reshape(len(items), -1) if items.ndim > 1 else items.astype(int)


def _fetched(source: Source, name: str, elsewhere: str) -> Path:
    """The path of the file in the user's cache. Downloads the file if it is not there."""
    import pooch  # here, as images that are on the disk need no libraries of the network

    from minigen.data.fetch import fetch

    path = Path(pooch.os_cache("minigen") / source.cache) / f"{name}.gz"
    if not path.exists():
        by_hand = "get it in another way, with the other three, and name their folder by --data-folder"
        fetch(source.mirrors, path, lambda part: _checked(source, name, part, elsewhere), by_hand, MOST)
    return path


def _file_in(folder: Path, name: str, elsewhere: str) -> Path:
    """The file of MNIST's name `name` in a folder. Raises DataError, with what is there instead, if it is not there."""
    files = idx_files(folder)
    if name in files:
        return files[name]
    there = [file.name for file in files.values()] or ([f.name for f in folder.iterdir()] if folder.is_dir() else [])
    if not there:
        raise DataError(folder / f"{name}.gz", "is not there", elsewhere)
    problem = f"is not there, but {listed(sorted(there))}"
    raise DataError(
        folder / f"{name}.gz", problem, f"give it the name {name}.gz, or without .gz if it is not compressed"
    )


def _checked(source: Source, name: str, path: Path, cure: str) -> np.ndarray:
    """The array in an idx file. Raises DataError, with `cure`, unless the file has the source's checksum."""
    try:
        items = read_idx(path, MOST)
    except DataError as error:
        raise DataError(path, f"is not {source.name}'s {name}: it {error.problem}", cure) from None
    kind, checksum = source.checksums[name].split(":")
    if kind == "md5" and ".gz" not in path.suffixes:
        problem = f"is not compressed, and {source.name} can be checked as .gz only"
        raise DataError(path, problem, f"give the .gz files, or the folder as your own images, by --data {path.parent}")
    content = path.read_bytes() if kind == "md5" else header_of(items.shape) + items.tobytes()
    if hashlib.new(kind, content).hexdigest() != checksum:
        raise DataError(path, f"is not {source.name}'s {name}: its {kind} is not {checksum[:8]}…", cure)
    return items


def own(path: str | os.PathLike[str], most_pixels: int = MOST_PIXELS, resize: int | None = None) -> Dataset:
    """Your own images, made binary: 1 where the grey level is at least half of the highest grey level.

    path: an .npz with `images`, (n, rows, columns) or (n, D) of square images, and optionally `labels`, (n,) integers;
        or a folder of pictures, all of one size unless they are resized, or with one sub-folder of pictures for each
        class;
        or a folder with idx files under names like those of MNIST's four, plain or .gz.
        `minigen.data.images` says more.
    most_pixels: the limit for all images together, by default 2²⁷, 134 million, which take 2 GB of memory at most. More
        are refused before they are read.
    resize: N: each image is brought into a square of N×N pixels (`minigen.data.images.fitted`), by means of the pixels
        that a new pixel covers; its proportions stay, and the rest of the square has the level of its edges. None: the
        images stay as they are.

    One sixth of the images validate and one sixth test, by one fixed shuffle (`sixths`). Idx files, and pictures in
    folders `train` and `test`, have test images of their own, and the last sixth of their training images validates.
    Dark ink on light paper is inverted, and a few levels far above all others are cut; the name of the data set says
    so. The names of the classes are kept.

    Raises DataError if no such images can be read, or fewer than 200, and ValueError unless resize is a whole number of
    at least 2.
    """
    path = Path(path)
    if resize is not None and not (resize >= 2 and resize == int(resize)):
        raise ValueError(f"resize must be a whole number of at least 2, or None, got {resize}")
    images = _read(path, most_pixels, resize)
    n, rows, columns = images.levels.shape
    levels, most = images.levels.reshape(n, -1), images.levels.max()
    half = most / 2 if levels.dtype.kind == "f" else -(-int(most) // 2)
    first = n - images.tests
    cuts = [first * 5 // 6, first]
    chosen = [slice(0, cuts[0]), slice(*cuts), slice(first, n)] if images.tests else sixths(np.arange(n))
    train, validation, test = (
        Part(binarise(some, half), some, images.labels[rows]) for rows in chosen for some in [levels[rows]]
    )
    size = f"{rows}×{columns}{', resized' if resize else ''}"
    name = f"{shown(path.resolve().name, 60)} {size}{images.changed}, grey level ≥ {half:g}"
    pixels = Pixels("threshold", 255 if path.is_dir() else float(most), float(half))
    return Dataset(
        name, (rows, columns), train, validation, test, lambda rng: train.images, names=images.names, pixels=pixels
    )


def _read(path: Path, most_pixels: int, resize: int | None) -> Images:
    """Read the images at `path` with the reader for its kind, resized if asked for.

    Raises DataError if there is nothing at `path`.
    """
    if IDX_FILE.fullmatch(path.name) and path.is_file():
        raise DataError(path, "is one of the four idx files of a data set", f"give their folder, {path.parent}")
    if path.is_dir() and not idx_files(path):
        return read_pictures(path, most_pixels, resize)
    images = read_idx_folder(path, most_pixels) if path.is_dir() else read_npz(path, most_pixels)
    if resize is None:
        return images
    levels = np.empty(resized_shape(path, len(images.levels), resize, most_pixels), images.levels.dtype)
    for level, image in zip(levels, images.levels, strict=True):
        level[...] = fitted(image, resize)
    if levels.min() == levels.max():
        raise DataError(path, f"has images that are blank with {resize}×{resize} pixels", "resize to more pixels")
    return images._replace(levels=levels)


LYNX_SINCE = 1821
LYNX = """
269 321 585 871 1475 2821 3928 5943 4950 2577 523 98 184 279 409 2285 2685 3409 1824 409 151 45 68 213 546
1033 2129 2536 957 361 377 225 360 731 1638 2725 2871 2119 684 299 236 245 552 1623 3311 6721 4254 687 255 473
358 784 1594 1676 2251 1426 756 299 201 229 469 736 2042 2811 4431 2511 389 73 39 49 59 188 377 1292 4031 3495
587 105 153 387 758 1307 3465 6991 6313 3794 1836 345 382 808 1388 2713 3800 3091 2985 3790 674 81 80 108 229
399 1132 2432 3574 2935 1537 529 485 662 1000 1590 2657 3396
"""


def lynx() -> tuple[np.ndarray, np.ndarray]:
    """The years 1821 … 1934 and the lynx trapped in each in the Mackenzie River district: integers, (114,) each."""
    counts = np.array(LYNX.split(), int)
    return LYNX_SINCE + np.arange(len(counts)), counts
