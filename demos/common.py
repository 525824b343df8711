"""What every demo shares: its command line, its folder and its data."""

from __future__ import annotations

import argparse
import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from autograd import backend
from demos import windows
from minigen.data import sets as data
from minigen.errors import DivergedError, UsageError
from minigen.nn.module import Module
from minigen.training.files import save_weights
from minigen.training.parallel import team

LIBRARY_OF = {"cpu": "numpy", "cuda": "cupy"}
DATA = ("digits", "mnist", "mnist-sampled", "fashion", "fashion-sampled")


@dataclass(frozen=True)
class OwnImages:
    """What `--data PATH` names. It is read when it is first needed, and once."""

    path: Path

    @cached_property
    def dataset(self) -> data.Dataset:
        return data.own(self.path)


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A command line whose help shows every default, with the options that every demo has."""
    result = argparse.ArgumentParser(
        prog=f"python -m demos {name}",
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    seed = "everything random follows from it; the same seed repeats"
    result.add_argument("--seed", type=number(int, least=0), default=0, help=seed)
    result.add_argument("--out", type=folder, default=f"out/{name}", help="folder for pictures, figures and weights")
    result.add_argument("--show", action=windows.Show, help="open each picture in a window too, once all are written")
    result.add_argument("--debug", action="store_true", help="show where in the program a failure came from")
    return result


def device(name: str) -> str:
    """An argparse type, which makes the choice at once: models are made by the library of this device."""
    if name in LIBRARY_OF:
        try:
            backend.use(LIBRARY_OF[name])
        except RuntimeError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        if name != "cpu" and team().size > 1:
            raise argparse.ArgumentTypeError("several processes train on processors: leave out mpiexec or --device")
    return name


def device_in_use() -> str:
    """As `--device` has it."""
    return next(name for name, library in LIBRARY_OF.items() if library == backend.name())


def add_data_options(p: argparse.ArgumentParser) -> None:
    """`--data` and `--data-folder`, which `load` reads, and where models of the images are trained."""
    p.add_argument("--data", type=data_of, default="digits", metavar="DATA",
                   help="digits, 8×8; mnist or fashion, 28×28, made binary by a threshold; mnist-sampled or "
                        "fashion-sampled, by chance; or your own images: an .npz, a folder of pictures all of one "
                        "size, or a folder of idx files")  # fmt: skip
    p.add_argument("--device", type=device, choices=LIBRARY_OF, default=device_in_use(),
                   help="where models are trained: cuda is an NVIDIA GPU, by the extra `cuda`")  # fmt: skip
    p.add_argument("--data-folder", type=Path, metavar="FOLDER",
                   help="where the four .gz files of MNIST or Fashion-MNIST are; without it they are fetched into your "
                        "cache")  # fmt: skip


THRESHOLD, SPREAD = 8, 1.5
"""The digits: from which grey level on a pixel is 1, and the deviation of that level in training images, where it is
drawn anew each epoch; worth half a nat to NADE.
"""


def data_of(text: str) -> str | OwnImages:
    """An argparse type: one of DATA, or a path."""
    if text in DATA:
        return text
    if not Path(text).exists():
        raise argparse.ArgumentTypeError(f"there is no {text!r}: choose {', '.join(DATA)}, or a path of your images")
    return OwnImages(Path(text))


def load(
    name: str | OwnImages, folder: Path | None = None, threshold: int = THRESHOLD, spread: float = SPREAD
) -> data.Dataset:
    """The data set of `--data`, as the recipes take it; a DataError where it cannot be had."""
    if isinstance(name, OwnImages):
        return name.dataset
    if name == "digits":
        return data.digits(threshold, spread)
    source = data.fashion if name.startswith("fashion") else data.mnist
    return source("sampled" if name.endswith("-sampled") else "threshold", folder)


def labelled(dataset: data.Dataset, most: int | None = None) -> data.Dataset:
    """The same, for what needs labels: of two classes or more (and at most so many), each to train and to validate on;
    otherwise a UsageError."""
    if not 2 <= dataset.classes <= (most or dataset.classes):
        needed = f"2 to {most}" if most else "2 or more"
        raise UsageError(f"{dataset.name}: labels of {needed} classes are needed, there are {dataset.classes}")
    for part in (dataset.train, dataset.validation):
        if absent := set(range(dataset.classes)) - set(part.labels.tolist()):
            raise UsageError(f"{dataset.name}: there are too few images of class {min(absent)} to cut into three parts")
    return dataset


def normal_plane(side: int) -> np.ndarray:
    """z over the plane in equal steps of probability of N(0, I), as a picture has it: (side, side, 2)."""
    along = ndtri((np.arange(side) + 0.5) / side)
    return np.stack(np.meshgrid(along, along[::-1]), axis=-1)


def first_of_each(part: data.Part, n: int) -> np.ndarray:
    """The first image of each of the labels 0 … n − 1; where not all are there, the first n images."""
    if len(set(part.labels.tolist()) & set(range(n))) < n:
        return part.images[:n]
    return np.stack([part.images[part.labels == label][0] for label in range(n)])


def number(
    kind: Callable[[str], float], above: float = 0, least: float | None = None, most: float = np.inf
) -> Callable[[str], float]:
    """An argparse type: a number `above` a bound, or at least `least` where that is given, and at most `most`."""

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


def folder(text: str) -> Path:
    """An argparse type: a folder, which is made if it is not there. Ranks after the first write to one that is removed
    at the end."""
    if team().rank:
        path = Path(tempfile.mkdtemp(prefix="minigen-"))
        atexit.register(shutil.rmtree, path, ignore_errors=True)
        return path
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot be a folder: {error}") from None
    return path


@contextmanager
def saved(model: Module, path: Path) -> Iterator[None]:
    """Train in this block: at its end the model's weights are written to `path`. Where training ends in numbers that
    are not finite, the last good weights are written there, and the DivergedError says so."""
    try:
        yield
    except DivergedError as error:
        save_weights(model, path)
        raise DivergedError(f"{error}. The last good weights are in {path}") from None
    save_weights(model, path)
