"""The parts that all demos share: the command line, the output folder, the data set, and saving files and weights."""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from autograd import backend
from demos import windows
from minigen.atomic import atomically
from minigen.data import sets as data
from minigen.errors import UsageError
from minigen.nn.module import Module
from minigen.training.files import save_weights
from minigen.training.parallel import team

LIBRARY_OF = {"cpu": "numpy", "cuda": "cupy"}
DATA = ("digits", "mnist", "mnist-sampled", "fashion", "fashion-sampled")


@dataclass(frozen=True)
class OwnImages:
    """The images of `--data PATH`. They are read once, when `dataset` is first used.

    path: a file or a folder, as `minigen.data.own` takes it.
    """

    path: Path

    @cached_property
    def dataset(self) -> data.Dataset:
        return data.own(self.path)


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return an argument parser with the options that every demo has. Its help shows every default.

    name: of the demo. description: text at the top of the help.
    """
    result = argparse.ArgumentParser(
        prog=f"python -m demos {name}",
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    seed = "seed of the random numbers, an integer from 0 up; the same seed gives the same results"
    result.add_argument("--seed", type=number(int, least=0), default=0, help=seed)
    out = "folder for the files that the run writes; files of the same names are replaced"
    result.add_argument("--out", type=lambda text: Output(folder(text)), default=f"out/{name}", help=out)
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
                        "level), or a path to your own images: an .npz file, a folder of pictures of one size, or a "
                        "folder of idx files")  # fmt: skip
    p.add_argument("--device", type=device, choices=LIBRARY_OF, default=device_in_use(),
                   help="device that trains the models: the processor (cpu) or an NVIDIA GPU (cuda; install the "
                        "extra `cuda`)")  # fmt: skip
    p.add_argument("--data-folder", type=Path, metavar="FOLDER",
                   help="folder that holds the four .gz files of MNIST or Fashion-MNIST; without this option the "
                        "files are downloaded once into your cache folder (Linux: ~/.cache/minigen)")  # fmt: skip


THRESHOLD, SPREAD = 8, 1.5
"""THRESHOLD: the grey level of the digits, 0 to 16, from which a pixel is 1. SPREAD: the standard deviation of the
threshold of training images, in grey levels. Each epoch draws new thresholds; NADE gains half a nat an image.
"""


def data_of(text: str) -> str | OwnImages:
    """Return a name in DATA as it is, and a path as OwnImages.

    An argparse type. Raises ArgumentTypeError if the text is neither a name nor an existing path.
    """
    if text in DATA:
        return text
    if not Path(text).exists():
        raise argparse.ArgumentTypeError(f"there is no {text!r}: choose {', '.join(DATA)}, or a path of your images")
    return OwnImages(Path(text))


def load(
    name: str | OwnImages, folder: Path | None = None, threshold: int = THRESHOLD, spread: float = SPREAD
) -> data.Dataset:
    """Return the data set that `--data` names. Raises DataError if its files are missing or wrong.

    name: one of DATA, or one's own images. folder: with the four files of MNIST or Fashion-MNIST; None: download.
    threshold: of the digits, the grey level from which a pixel is 1. spread: standard deviation of the threshold of
    training digits, in grey levels.
    """
    if isinstance(name, OwnImages):
        return name.dataset
    if name == "digits":
        return data.digits(threshold, spread)
    source = data.fashion if name.startswith("fashion") else data.mnist
    return source("sampled" if name.endswith("-sampled") else "threshold", folder)


def labelled(dataset: data.Dataset, most: int | None = None) -> data.Dataset:
    """Return the data set unchanged, if a demo can use its labels.

    most: classes that the demo can use, at most; None: any number. Raises UsageError if there are fewer than 2 or more
    than `most` classes, or if the training or validation part has no image of some class.
    """
    if not 2 <= dataset.classes <= (most or dataset.classes):
        needed = f"2 to {most}" if most else "2 or more"
        raise UsageError(f"{dataset.name}: labels of {needed} classes are needed, there are {dataset.classes}")
    for part in (dataset.train, dataset.validation):
        if absent := set(range(dataset.classes)) - set(part.labels.tolist()):
            raise UsageError(f"{dataset.name}: there are too few images of class {min(absent)} to cut into three parts")
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
    kind: Callable[[str], float], above: float = 0, least: float | None = None, most: float = np.inf
) -> Callable[[str], float]:
    """Return an argparse type for numbers above `above` (or, if `least` is given, at least `least`) and at most `most`.

    kind: int or float. The type raises ArgumentTypeError for a number out of bounds.
    """

    def convert(text: str) -> float:
        value = kind(text)
        if not (value > above if least is None else value >= least):
            bound = f"above {above:g}" if least is None else f"at least {least:g}"
            raise argparse.ArgumentTypeError(f"must be {bound}, got {text}")
        if value > most:
            raise argparse.ArgumentTypeError(f"must be at most {most:g}, got {text}")
        return value

    convert.__name__ = kind.__name__
    return convert


PROBE = 2**20
"""Bytes that a folder for results must have room for, before the work begins."""


def folder(text: str) -> Path:
    """Return the path of a folder, and create the folder if it does not exist.

    An argparse type. Of several ranks only rank 0 writes to this folder. The other ranks get a temporary folder, which
    is removed at the end. Raises ArgumentTypeError if the folder cannot be created, or has no room for PROBE bytes.
    """
    if team().rank:
        path = Path(tempfile.mkdtemp(prefix="minigen-"))
        atexit.register(shutil.rmtree, path, ignore_errors=True)
        return path
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot be a folder: {error}") from None
    try:
        check_room(path, PROBE)
    except OSError as error:
        cure = "free some space, allow writing, or name another folder"
        raise argparse.ArgumentTypeError(f"nothing can be written in {text}: {error.strerror}: {cure}") from None
    return path


def check_room(path: Path, size: int) -> None:
    """Check that a file of `size` bytes can be written in a folder. Raises OSError, which names the folder."""
    try:
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(bytes(size))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


class Output:
    """The folder of `--out`, which remembers the files that this run has written.

    path: of the folder. written: by name, what tells a file from the file of another run (see `stamp`).
    """

    def __init__(self, path: Path) -> None:
        self.path, self.written = path, dict[str, tuple[int, int]]()

    def __str__(self) -> str:
        return str(self.path)

    def write(self, name: str, save: Callable[[Path], object]) -> None:
        """Write a file. A file of the same name is replaced.  save: writes to the path that it is called with."""
        save(self.path / name)
        self.written[name] = self.stamp(name)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file in UTF-8."""

        def save(path: Path) -> None:
            with atomically(path) as file:
                file.write(text.encode())

        self.write(name, save)

    def stamp(self, name: str) -> tuple[int, int]:
        """Return the number of a file on its disk and the time of its last change, nanoseconds; 0, 0 without a file."""
        try:
            found = (self.path / name).stat()
        except OSError:
            return 0, 0
        return found.st_ino, found.st_mtime_ns

    def replaced(self) -> list[str]:
        """Return the names of the files that another run has replaced since this run wrote them.

        If the files of two runs are mixed in the end, one of the two runs sees this at its end.
        """
        return [name for name, stamp in self.written.items() if self.stamp(name) != stamp]


@contextmanager
def saved(model: Module, out: Output, name: str = "weights.npz") -> Iterator[None]:
    """Context manager around a training: write the weights of `model` to a file when the block ends.

    After an error or Ctrl-C the file gets the weights that the training left, the best ones after `fit`. There is no
    file if the training had not begun, or if a weight is not finite.
    out: the folder. name: of the file. Raises OSError at once if the folder has no room for the file.
    """
    weights = lambda: np.concatenate([backend.to_numpy(array).ravel() for array in model.arrays().values()])
    before = weights()
    check_room(out.path, before.nbytes)
    try:
        yield
    except BaseException:
        if np.any(weights() != before) and np.all(np.isfinite(weights())):
            out.write(name, partial(save_weights, model))
        raise
    try:
        out.write(name, partial(save_weights, model))
    except KeyboardInterrupt:  # which ended the writing
        out.write(name, partial(save_weights, model))
        raise
