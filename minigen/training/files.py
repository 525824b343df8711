"""Weights and checkpoints on disk. Neither file can contain code (no pickle). Each is written completely or not at all.

A file of weights holds one array for each parameter, under its name, in NumPy's .npz format. A checkpoint holds the
state from which a training run is resumed as if it had never been stopped (see `resume`), in a format of its own:

    minigen checkpoint, format 1, version 0.1.0, SHA-256 …            a line of text; the sum is of everything else
    {"best": 3, "model": {"W": {"__array__": ["<f4", [64, 500]]}}, …} a line of JSON: nested dictionaries and lists
    …                                                                 the arrays' bytes, in the order of the JSON line
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zlib
from typing import Any
from zipfile import BadZipFile

import numpy as np

from autograd import backend
from minigen import __version__
from minigen.atomic import atomically
from minigen.errors import CheckpointError
from minigen.nn.module import Module

# -- weights


def save_weights(module: Module, path: str | os.PathLike[str]) -> None:
    """Write every parameter of `module`, and its other arrays, such as an order of pixels, in .npz format to `path`.

    path: the name of the file as it is; no ending is added.
    """
    arrays: dict[str, Any] = {name: backend.to_numpy(array) for name, array in module.arrays().items()}
    with atomically(path) as file:  # a file, not its name: NumPy would append .npz to the name
        np.savez(file, **arrays)


def load_weights(module: Module, path: str | os.PathLike[str]) -> None:
    """Copy the weights in `path`, a file that `save_weights` wrote, into `module`, in its dtype and on its device.

    Raises CheckpointError, and leaves the module as it was, if the file is damaged or if the names and shapes of its
    arrays are not those of the module; FileNotFoundError if there is no file.
    """
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
"""The errors of NumPy for other files; AttributeError is for a .npy file, which holds a single array."""


def _shapes(arrays: dict) -> str:
    """Names and shapes of arrays, for an error message."""
    return ", ".join(f"{name} {a.shape}" for name, a in arrays.items())


# -- checkpoints

FORMAT = 1
HEAD = re.compile(rb"(minigen checkpoint, format (\d{1,9}), version ([\w.+-]{1,40})), SHA-256 ([0-9a-f]{64})\n")
DTYPES = {np.dtype(code).str for code in "?bBhHiIqQefdFD"}
"""The dtypes of arrays in a checkpoint: truth values, whole, real and complex numbers."""


def write(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write the checkpoint `state` to the file `path`.

    state: nested dictionaries, whose keys are text, and lists; inside them NumPy arrays of numbers or truth values,
        numbers, text, None. Raises TypeError for anything else, such as an array on a device.
    """
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
    """Return the state in the checkpoint `path`, a file that `write` wrote. The arrays of the state are read-only.

    Allocates no more memory than the file is long, whatever the file says. If the file does not begin as a checkpoint,
    only its first line is read.

    Raises CheckpointError, which is a ValueError, if the file cannot be read, is damaged, is no checkpoint, or has
    another `FORMAT`.
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
        raise CheckpointError(f"{path} is damaged: the SHA-256 of its bytes is not the one in its first line")
    start = end = body.find(b"\n") + 1

    def take(found: dict[str, Any]) -> Any:
        nonlocal start
        if found.keys() != {"__array__"}:
            return found
        dtype, shape = found["__array__"]
        if dtype not in DTYPES or min(shape, default=0) < 0:
            raise ValueError(f"an array of type {dtype} and shape {shape}")
        array = np.ndarray(shape, dtype, body, start)  # a view; an error if it is longer than the rest of the file
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
    """The SHA-256 of head and body, 64 hexadecimal digits."""
    sha = hashlib.sha256(head)
    sha.update(body)
    return sha.hexdigest().encode()
