"""The folder of `--out`: the files that a run writes there, and the weights of a training, which are written first."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autograd import backend
from minigen.atomic import atomically
from minigen.data.sets import Dataset
from minigen.nn.module import Module
from minigen.training.files import save_weights
from minigen.training.parallel import team

PROBE = 2**20
"""Bytes that a folder for results must have room for, before the work begins."""


def folder(text: str) -> Path:
    """Return the path of a folder, and create the folder if it does not exist.

    An argparse type. Of several ranks only rank 0 writes: for the others this returns `os.devnull`, in which
    `atomically` writes nothing. Raises ArgumentTypeError if the folder cannot be created, or has no room for PROBE
    bytes.
    """
    if team().rank:
        return Path(os.devnull)
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
    if team().rank:  # which writes nothing
        return
    try:
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(bytes(size))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


class Output:
    """The folder of `--out`, which remembers the files that this run has written.

    path: of the folder. demo: name of the demo that runs. written: by name, what tells a file from the file of another
    run (see `stamp`).
    """

    def __init__(self, path: Path, demo: str = "") -> None:
        self.path, self.demo, self.written = path, demo, dict[str, tuple[int, int]]()

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


def facts_of(dataset: Dataset) -> dict[str, Any]:
    """Return what a user of a trained model needs to know of its data set, for the header of the file of weights.

    "data": the name, with the rule that made pixels binary. "shape": [rows, columns] of an image. "levels": number of
    values of a pixel. "pixels": the fields of `Dataset.pixels`, the rule that made pixels of grey levels. "labels":
    names of the classes, if there are two or more.
    """
    labels = {"labels": dataset.class_names} if dataset.classes > 1 else {}
    of_images = {"shape": list(dataset.shape), "levels": dataset.levels, "pixels": asdict(dataset.pixels)}
    return {"data": dataset.name} | of_images | labels


def write_model(model: Module, out: Output, name: str = "weights.npz", facts: dict[str, Any] | None = None) -> None:
    """Write a model to a file of the folder `out`, which `minigen.load` reads.

    model: trained. name: of the file. facts: for the header of the file, such as `facts_of(dataset)`; the name of the
    demo is added.
    """
    out.write(name, partial(save_weights, model, **{"demo": out.demo} | (facts or {})))


@contextmanager
def saved(model: Module, out: Output, name: str = "weights.npz", facts: dict[str, Any] | None = None) -> Iterator[None]:
    """Context manager around a training: write `model` to a file by `write_model` when the block ends.

    After an error or Ctrl-C the file gets the weights that the training left, the best ones after `fit`. There is no
    file if the training had not begun, or if a weight is not finite.
    out, name, facts: as `write_model` takes them. Raises OSError at once if the folder has no room for the file.
    """
    save = partial(write_model, model, out, name, facts)
    weights = lambda: np.concatenate([backend.to_numpy(array).ravel() for array in model.arrays().values()])
    before = weights()
    check_room(out.path, before.nbytes)
    try:
        yield
    except BaseException:
        left = weights()
        if np.any(left != before) and np.all(np.isfinite(left)):
            save()
        raise
    try:
        save()
    except KeyboardInterrupt:  # which ended the writing
        save()
        raise
