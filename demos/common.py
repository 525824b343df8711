"""The parts that all demos share: the command line and the data set."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from scipy.special import ndtri

from autograd import backend
from demos import windows
from demos.about import about
from demos.output import Output, folder
from minigen.data import sets as data
from minigen.errors import UsageError, shown
from minigen.training.parallel import team

LIBRARY_OF = {"cpu": "numpy", "cuda": "cupy"}
DATA = ("digits", "mnist", "mnist-sampled", "fashion", "fashion-sampled")


@dataclass(frozen=True)
class OwnImages:
    """The images of `--data PATH`. They are read once, when `dataset` is first used.

    path: a file or a folder, as `minigen.data.own` takes it. resize: N, for images of N×N pixels; None: as they are.
    """

    path: Path
    resize: int | None = None

    @cached_property
    def dataset(self) -> data.Dataset:
        return data.own(self.path, resize=self.resize)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line of bounded length, whatever the command line holds.

    If it has `--data` and `--resize`, the images of the former are resized as the latter says.
    """

    def error(self, message: str) -> NoReturn:
        super().error(shown(message))

    def parse_args(self, *arguments: Any, **options: Any) -> Any:
        o = super().parse_args(*arguments, **options)
        if getattr(o, "resize", None) is not None:
            if not isinstance(o.data, OwnImages):
                self.error("--resize is for your own images: name them by --data PATH")
            o.data = replace(o.data, resize=o.resize)
        return o


def parser(name: str) -> argparse.ArgumentParser:
    """Return an argument parser with the options that every demo has. Its help shows every default.

    name: of the demo, whose docstring begins with the text at the top of the help.
    """
    result = Parser(
        prog=f"python -m demos {name}",
        description=about(name),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    seed = "seed of the random numbers, an integer from 0 up; the same seed gives the same results"
    result.add_argument("--seed", type=number(int, least=0, most=np.inf), default=0, help=seed)
    out = "folder for the files that the run writes; files of the same names are replaced"
    result.add_argument("--out", type=lambda text: Output(folder(text), name), default=f"out/{name}", help=out)
    result.add_argument("--show", action=windows.Show, help="after the run, also open every picture in a window")
    result.add_argument("--debug", action="store_true", help="if the run fails, show the Python traceback")
    return result


def device(name: str) -> str:
    """Choose the array library of a device at once, so that models are created by it, and return the device's name.

    An argparse type. Raises ArgumentTypeError if the library is missing, or for CUDA with several processes.
    """
    if name in LIBRARY_OF:
        try:
            backend.use(LIBRARY_OF[name])
        except RuntimeError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        if name != "cpu" and team().size > 1:
            raise argparse.ArgumentTypeError("several processes train on processors: leave out mpiexec or --device")
    return name


def device_in_use() -> str:
    """Return the name of the device in use, as `--device` takes it."""
    return next(name for name, library in LIBRARY_OF.items() if library == backend.name())


def add_data_options(p: argparse.ArgumentParser) -> None:
    """Add `--data` and `--data-folder`, which `load` takes, and `--device`."""
    p.add_argument("--data", type=data_of, default="digits", metavar="DATA",
                   help="data set: digits (8×8 pixels), mnist or fashion (28×28 pixels, made binary by a threshold), "
                        "mnist-sampled or fashion-sampled (28×28 pixels, made binary at random: P(1) is the grey "
                        "level), or a path to your own images, with or without labels: an .npz file, a folder of "
                        "pictures of one size (or see --resize), or a folder of idx files; ./digits is a "
                        "path")  # fmt: skip
    p.add_argument("--resize", type=number(int, least=2, most=1024), metavar="N",
                   help="bring each of your own images into N×N pixels, of whatever sizes they are: a pixel becomes "
                        "the mean of the pixels that it covers (Pillow's filter BOX); the proportions stay, and the "
                        "rest of the square has the grey level of the image's edges")  # fmt: skip
    add_device(p)
    add_data_folder(p)


def add_device(p: argparse.ArgumentParser) -> None:
    """Add `--device`, which takes effect when it is read."""
    p.add_argument("--device", type=device, choices=LIBRARY_OF, default=device_in_use(),
                   help="device that computes: the processor (cpu) or an NVIDIA GPU (cuda; install the extra "
                        "`cuda`)")  # fmt: skip


def add_data_folder(p: argparse.ArgumentParser) -> None:
    """Add `--data-folder`, which `load` takes."""
    p.add_argument("--data-folder", type=Path, metavar="FOLDER",
                   help="folder that holds the four files of MNIST or Fashion-MNIST; without this option the files "
                        "are downloaded once into your cache folder (Linux: ~/.cache/minigen)")  # fmt: skip


THRESHOLD, SPREAD = 8, 1.5
"""THRESHOLD: the grey level of the digits, 0 to 16, from which a pixel is 1. SPREAD: the standard deviation of the
threshold of training images, in grey levels. Each epoch draws new thresholds; NADE gains half a nat an image.
"""


def data_of(text: str) -> str | OwnImages:
    """Return a name in DATA as it is, and a path as OwnImages. If a path has such a name, a note says how to name it.

    An argparse type. Raises ArgumentTypeError if the text is neither a name nor an existing path.
    """
    if text in DATA:
        if os.path.exists(text) and not team().rank:
            print(f"{text} is the data set of this name; the path here is ./{text}", file=sys.stderr)
        return text
    if not os.path.exists(text):
        there = shown(repr(text), 200)
        raise argparse.ArgumentTypeError(f"there is no {there}: choose {', '.join(DATA)}, or a path of your images")
    return OwnImages(Path(text))


def load(
    name: str | OwnImages, folder: Path | None = None, threshold: int = THRESHOLD, spread: float = SPREAD
) -> data.Dataset:
    """Return the data set that `--data` names.

    name: one of DATA, or one's own images. folder: with the four files of MNIST or Fashion-MNIST; None: download.
    threshold: of the digits, the grey level from which a pixel is 1. spread: standard deviation of the threshold of
    training digits, in grey levels.

    Raises DataError if files are missing or wrong, and UsageError for a folder with a data set that is not in it.
    """
    if folder is not None and (isinstance(name, OwnImages) or name == "digits"):
        raise UsageError(
            "--data-folder holds the files of --data mnist, fashion, mnist-sampled or fashion-sampled: name one of "
            "these by --data, or give a folder of your own images as --data FOLDER"
        )
    if isinstance(name, OwnImages):
        return name.dataset
    if name == "digits":
        return data.digits(threshold, spread)
    source = data.fashion if name.startswith("fashion") else data.mnist
    return source("sampled" if name.endswith("-sampled") else "threshold", folder)


def no_labels(dataset: data.Dataset, most: int | None = None, say: Callable[..., str] = str.format) -> str:
    """Return, in words, why a demo cannot use the labels of a data set; "" if it can.

    most: classes that the demo can use, at most; None: any number. It cannot if there are fewer than 2 or more than
    `most` classes, or if the training or validation part has no image of some class. say: returns a text in a language,
    with values in place of {name}.
    """
    if dataset.classes < 2:
        return say("the images have no labels, or one label for all of them")
    if dataset.classes > (most or dataset.classes):
        return say("labels of 2 to {most} classes can be used, there are {classes}", most=most, classes=dataset.classes)
    for part in (dataset.train, dataset.validation):
        if absent := set(range(dataset.classes)) - set(part.labels.tolist()):
            name = dataset.class_names[min(absent)]
            return say("there are too few images of class {name} to cut into three parts", name=name)
    return ""


def labelled(dataset: data.Dataset, most: int | None = None) -> data.Dataset:
    """Return the data set unchanged, if a demo can use its labels.

    most: classes that the demo can use, at most; None: any number. Raises UsageError if `no_labels` says why not.
    """
    if why := no_labels(dataset, most):
        cure = "labels are an array labels in the .npz, or a folder of pictures for each class"
        raise UsageError(f"{dataset.name}: labels are needed, and {why}; {cure}")
    return dataset


def normal_plane(side: int) -> np.ndarray:
    """Return a grid of z in the plane, in equal steps of probability of N(0, I), (side, side, 2). z₂ falls by row."""
    along = ndtri((np.arange(side) + 0.5) / side)
    return np.stack(np.meshgrid(along, along[::-1]), axis=-1)


def first_of_each(part: data.Part, n: int) -> np.ndarray:
    """Return the first image of each label 0 … n − 1, or the first n images if a label is missing.  → (n, D)."""
    if len(set(part.labels.tolist()) & set(range(n))) < n:
        return part.images[:n]
    return np.stack([part.images[part.labels == label][0] for label in range(n)])


def number(
    kind: Callable[[str], float], above: float = 0, least: float | None = None, most: float | None = None
) -> Callable[[str], float]:
    """Return an argparse type for numbers above `above` (or, if `least` is given, at least `least`) and at most `most`.

    kind: int or float. most: by default a billion for int, since no computer has memory for more hidden units, and no
    bound for float. The type raises ArgumentTypeError for a number out of bounds.
    """
    bound_above = (10**9 if kind is int else np.inf) if most is None else most

    def convert(text: str) -> float:
        value = kind(text)
        if not (value > above if least is None else value >= least):
            bound = f"above {above:g}" if least is None else f"at least {least:g}"
            raise argparse.ArgumentTypeError(f"must be {bound}, got {text}")
        if value > bound_above:
            raise argparse.ArgumentTypeError(f"must be at most {bound_above:,}, got {text}")
        return value

    convert.__name__ = kind.__name__
    return convert
