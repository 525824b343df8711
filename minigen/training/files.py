"""Weights and checkpoints on disk. Neither can contain code (no pickle), and both are written at once or not at all.

Weights are one array for each parameter, under its name, in NumPy's own .npz format. A checkpoint is all that a run of
training needs to go on as if it had never been stopped (`resume` says what that is), in a format of its own:

    minigen checkpoint, format 1, version 0.1.0, SHA-256 …            a line of text; the sum is of all that is not it
    {"best": 3, "model": {"W": {"__array__": ["<f4", [64, 500]]}}, …} a line of JSON: nested dictionaries and lists
    …                                                                 the arrays' bytes, in the order of that line
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np

from autograd import backend
from minigen import __version__
from minigen.errors import CheckpointError
from minigen.nn.module import Module


@contextmanager
def atomically(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of `path` once the block is done and all of it is on the disk.

    Whatever happens, be it an error, SIGKILL or a power cut, `path` is as it was before or as it should be. What may be
    left behind is `path` with ".partial" after its name; the next write replaces it.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())  # the contents, before the name says that they are there
    os.replace(partial, path)
    if os.name == "posix":  # the name itself; elsewhere a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


# -- weights


def save_weights(module: Module, path: str | os.PathLike[str]) -> None:
    """Write every parameter of `module`, and the arrays that belong to it such as an order of pixels, to `path`."""
    arrays: dict[str, Any] = {name: backend.to_numpy(array) for name, array in module.arrays().items()}
    with atomically(path) as file:  # a file, not a name: NumPy would append .npz to that
        np.savez(file, **arrays)


def load_weights(module: Module, path: str | os.PathLike[str]) -> None:
    """Read what `save_weights` wrote into a module of the same names and shapes; for anything else a CheckpointError,
    and the module is left as it was."""
    with open(path, "rb") as file:
        try:
            found = np.load(file, allow_pickle=False)
            saved = {name: found[name] for name in found.files}
        except _NO_WEIGHTS as error:
            raise CheckpointError(f"{path} is damaged or holds no weights of minigen: {error}") from error
    arrays = module.arrays()
    if {n: a.shape for n, a in saved.items()} != {n: a.shape for n, a in arrays.items()}:
        raise CheckpointError(
            f"{path} holds {_shapes(saved)}, but the module has {_shapes(arrays)}: build it with the same sizes"
        )
    for name, array in arrays.items():
        array[...] = backend.beside(saved[name], array)


_NO_WEIGHTS = (BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OSError, AttributeError)
"""What NumPy raises for other files; the last for a .npy, an array alone."""


def _shapes(arrays: dict) -> str:
    return ", ".join(f"{name} {a.shape}" for name, a in arrays.items())


# -- checkpoints

FORMAT = 1
HEAD = re.compile(rb"(minigen checkpoint, format (\d{1,9}), version ([\w.+-]{1,40})), SHA-256 ([0-9a-f]{64})\n")
DTYPES = {np.dtype(code).str for code in "?bBhHiIqQefdFD"}
"""Of the arrays that a checkpoint holds: truth values, whole, real and complex numbers."""


def write(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write nested dictionaries, whose keys are text, and lists of arrays, numbers, text and None to `path`."""
    arrays: list[bytes] = []

    def put(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if not isinstance(value, np.ndarray) or value.dtype.str not in DTYPES:
            raise TypeError(f"a checkpoint holds arrays of numbers, numbers and text, got {type(value).__name__}")
        arrays.append(value.tobytes())
        return {"__array__": [value.dtype.str, value.shape]}

    body = b"".join([json.dumps(state, default=put).encode(), b"\n", *arrays])
    head = f"minigen checkpoint, format {FORMAT}, version {__version__}".encode()
    with atomically(path) as file:
        file.write(b"%s, SHA-256 %s\n" % (head, _sum(head, body)))
        file.write(body)


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The state that `write` wrote; its arrays are views of the file's bytes. CheckpointError for any other file.

    No more is allocated than the file is long, whatever it says, and nothing but the first line is read of a file that
    does not begin as a checkpoint does.
    """
    try:
        with open(path, "rb") as file:
            head = HEAD.fullmatch(file.readline(200))
            body = file.read() if head else b""
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if not head:
        raise CheckpointError(f"{path} is damaged or no checkpoint of minigen: it does not begin as one")
    if int(head[2]) != FORMAT:
        raise CheckpointError(f"{path} has format {int(head[2])}: read it with minigen {head[3].decode()}")
    if _sum(head[1], body) != head[4]:
        raise CheckpointError(f"{path} is damaged: its bytes do not have the SHA-256 that it says")
    start = end = body.find(b"\n") + 1

    def take(found: dict[str, Any]) -> Any:
        nonlocal start
        if found.keys() != {"__array__"}:
            return found
        dtype, shape = found["__array__"]
        if dtype not in DTYPES or min(shape, default=0) < 0:
            raise ValueError(f"an array of type {dtype} and shape {shape}")
        array = np.ndarray(shape, dtype, body, start)  # a view, refused where it is longer than the rest of the file
        start += array.nbytes
        return array

    try:
        state = json.loads(body[:end], object_hook=take)
        if not isinstance(state, dict) or start != len(body):
            raise ValueError("something is left over")
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{path} is no checkpoint of minigen, though its SHA-256 is right: {error}") from error
    return state


def _sum(head: bytes, body: bytes) -> bytes:
    sha = hashlib.sha256(head)
    sha.update(body)
    return sha.hexdigest().encode()
