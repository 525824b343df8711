"""Weights and checkpoints on disk. Neither file can contain code (no pickle). Each is written completely or not at all.

A file of weights is an .npz of NumPy: one array for each parameter, under its name, and a header (`weights_header`),
which describes the model. `minigen.load` (see `minigen.saved`) builds the model again. A checkpoint holds the state
from which a training run is resumed as if it had never been stopped (see `resume`), in a format of its own:

    minigen checkpoint, format 1, version 0.1.0, SHA-256 …            a line of text; the sum is of everything else
    {"best": 3, "model": {"W": {"__array__": ["<f4", [64, 500]]}}, …} a line of JSON: nested dictionaries and lists
    …                                                                 the arrays' bytes, in the order of the JSON line
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import stat
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import numpy as np

from autograd import backend
from minigen import __version__
from minigen.atomic import atomically
from minigen.errors import CheckpointError, shown
from minigen.nn.module import FIXED, Module

PART = 120
"""The most characters of a text from a file in an error message."""
PIECE = 1 << 20
"""The most bytes that are read at once, before it is known whether they belong there."""


class Regular(io.FileIO):
    """A file that is open for reading. A read returns at most PIECE bytes, so a damaged length allocates no more.

    path: of the file.

    Raises CheckpointError for a FIFO, which waits for ever, or a device such as /dev/zero, which never ends; OSError if
    the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]):
        super().__init__(path, opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))
        if not stat.S_ISREG(os.fstat(self.fileno()).st_mode):
            self.close()
            raise CheckpointError(f"{path} is a FIFO, a device or a socket: name a file on a disk")

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes, at most `size` and at most PIECE; fewer at the end of the file."""
        return super().read(PIECE if size is None or size < 0 else min(size, PIECE))


# -- weights

WEIGHTS_FORMAT = 2
"""Format 2 describes the model. In format 1 the header has the name of the model's class alone."""
HEADER = "minigen header"
"""The member of an .npz that holds the header. Its space keeps it apart from the names of parameters."""
LONGEST_HEADER = 1 << 18
"""The most bytes of the header's JSON."""
NPY = re.compile(rb"\{'descr': '([<>|][biufcS]\d{1,9})', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n")
"""What NumPy writes before the bytes of an array, after 10 bytes of magic. It is matched, never evaluated."""


def save_weights(module: Module, path: str | os.PathLike[str], **facts: Any) -> None:
    """Write every parameter of `module`, and its other arrays, such as an order of pixels, in .npz format to `path`.

    The header describes the module, so that `minigen.load(path)` builds it again. The header of a module that
    `minigen.saved` cannot describe, such as one of a class of your own, has the name of its class alone: build that
    module yourself and call `load_weights`.

    path: the name of the file as it is; no ending is added.
    facts: numbers, text, lists and dictionaries for the header, by name: what a user of the file needs to know, such as
        the name of the data set.

    Raises TypeError for a fact that JSON cannot write, ValueError for facts longer than LONGEST_HEADER, OSError, which
    names the file, if it cannot be written.
    """
    from minigen.saved import description  # not at the top: it knows every model, and models know this folder

    header = {"format": WEIGHTS_FORMAT, "version": __version__, "model": type(module).__name__, "facts": facts}
    text = json.dumps(header).encode()
    if len(text) > LONGEST_HEADER:
        raise ValueError(f"a file of weights has at most {LONGEST_HEADER:,} bytes of facts, got {len(text):,}")
    if described := description(module):
        longer = json.dumps(header | {"model": described}).encode()
        text = longer if len(longer) <= LONGEST_HEADER else text
    arrays = {HEADER: np.array(text)} | module.arrays()
    with atomically(path) as file, ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, backend.to_numpy(array), allow_pickle=False)


def weights_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the header of a file of weights: its "format", "version" of minigen, "model" and "facts".

    "model" is the description {class: arguments} of the model, or the name of a class that has no description.
    path: of the file. The result is {} for a file that minigen wrote before there were headers.

    Raises CheckpointError if the file is damaged or no file of weights, FileNotFoundError if there is no file.
    """
    with Weights(path) as weights:
        return weights.header


def load_weights(module: Module, path: str | os.PathLike[str]) -> None:
    """Copy the weights in `path`, a file that `save_weights` wrote, into `module`, in its dtype and on its device.

    A file without a header, of an earlier minigen or of `np.savez`, is read too. Allocates no more than the module's
    arrays once more, in the dtypes of the file and of the module, and a few PIECEs, whatever the file says.
    The names, shapes and kinds of all arrays are compared before one is read.

    Raises CheckpointError, and leaves the module as it was, if the file is damaged, if the names, shapes and kinds of
    its arrays are not those of the module, or if an array breaks its rule (`Module.rules`), for example holds a NaN;
    FileNotFoundError if there is no file.
    """
    with Weights(path) as weights:
        weights.compare(module, "build it with the same sizes")
        weights.fill(module)


class _Outline(NamedTuple):
    """An array in an .npz before it is read: its dtype, its shape, its order in memory, and the bytes before it."""

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    start: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class Weights:
    """Context manager: a file of weights, of which the outlines of all arrays are read first, and then the arrays.

    path: of the file. header: see `weights_header`. outlines: {name: _Outline} of the other members.

    Raises CheckpointError, in the block too, for a file that is damaged or no .npz of NumPy, or of another format.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = path

    def __enter__(self) -> Weights:
        self.file = Regular(self.path)
        try:
            try:
                self.archive = ZipFile(self.file)
            except Exception as error:  # zipfile raises errors of any kind for what is no archive
                example = "name one that save_weights or a demo wrote, such as out/vae/weights.npz"
                raise CheckpointError(f"{self.path} is no file of weights or a damaged one: {example}") from error
            members = self.archive.namelist()
            if len(set(members)) < len(members) or not all(name.endswith(".npy") for name in members):
                raise self.damaged("it has members that NumPy does not write")
            self.outlines = {name.removesuffix(".npy"): self._outline(name) for name in members}
            self.header = self._header() if HEADER in self.outlines else {}
        except BaseException:
            self.file.close()
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        self.file.close()

    def damaged(self, why: Any) -> CheckpointError:
        """Return the error for a damaged file.  why: what is wrong, any object, of which a part is shown."""
        return CheckpointError(
            f"{self.path} is damaged or holds no weights of minigen ({shown(why, PART)}): save them again"
        )

    @property
    def name(self) -> str:
        """The name of the model's class, for an error message; "" without a header."""
        model = self.header.get("model", "")
        return shown(next(iter(model), "") if isinstance(model, dict) else model, PART)

    def numbers(self) -> int:
        """Return the most numbers, of 4 bytes, that a model of these arrays holds. The file has at least their bytes.

        Raises CheckpointError if an array is compressed or arrays overlap: they may claim more bytes than the file has.
        """
        claimed = sum(outline.nbytes for outline in self.outlines.values())
        if any(info.compress_type != ZIP_STORED for info in self.archive.infolist()):
            raise self.damaged("it is compressed")
        if claimed > os.fstat(self.file.fileno()).st_size:
            raise self.damaged(f"its arrays have {claimed:,} bytes, more than the file")
        return claimed // 4

    def compare(self, module: Module, cure: str) -> None:
        """Raise CheckpointError unless the file's arrays have the names, shapes and kinds of those of `module`.

        cure: the end of the error message.
        """
        here = module.arrays()
        there = {name: f"{_KINDS.get(o.dtype.kind, '')}{o.shape}" for name, o in self.outlines.items()}
        ours = {name: f"{_KINDS.get(a.dtype.kind, '')}{a.shape}" for name, a in here.items()}
        differs = [
            [f"{shown(n, PART)} {shown(a[n], PART)}" for n in a if there.get(n) != ours.get(n)] for a in (there, ours)
        ]
        if any(differs):
            found, expected = (", ".join([*each[:4], "…"][: len(each)]) or "no other array" for each in differs)
            of = f"a {self.name} with " if self.header else ""
            raise CheckpointError(f"{self.path} holds {of}{found}, but the module has {expected}: {cure}")

    def fill(self, module: Module) -> None:
        """Copy the arrays of the file into `module`, which `compare` has accepted. An error leaves it as it was.

        Raises CheckpointError if bytes are damaged, a number does not fit, or an array breaks its rule.
        """
        here = module.arrays()
        found = {name: self.array(name, array.dtype) for name, array in here.items()}
        for name, rule in module.array_rules().items():
            words, holds = rule
            if not holds(found[name]) or (rule is FIXED and (found[name] != backend.to_numpy(here[name])).any()):
                raise CheckpointError(f"{self.path} holds an array {name} that is not {words}: take another file")
        ready = {name: backend.beside(found.pop(name), array) for name, array in here.items()}
        for name, array in here.items():  # from here on nothing can fail
            array[...] = ready[name]

    def array(self, name: str, dtype: Any) -> np.ndarray:
        """Return an array in this dtype. Raises CheckpointError if its bytes are damaged or a number does not fit."""
        outline = self.outlines[name]
        raw = self._bytes(name).view(outline.dtype).reshape(outline.shape, order="F" if outline.fortran else "C")
        try:
            with np.errstate(over="raise"):
                result = raw.astype(dtype, copy=False)
        except FloatingPointError:
            result = None
        if result is None or (raw.dtype.kind in "iu" and raw.dtype != dtype and not np.array_equal(raw, result)):
            raise CheckpointError(f"{self.path} holds numbers in {shown(name, PART)} that are too large for {dtype}")
        return result

    def _outline(self, member: str) -> _Outline:
        info = self.archive.getinfo(member)
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise self.damaged(f"{member} is compressed in a way that NumPy does not write")
        try:
            with self.archive.open(member) as file:
                magic = file.read(10)
                length = int.from_bytes(magic[8:], "little")
                found = NPY.fullmatch(file.read(length))
            if magic[:8] != b"\x93NUMPY\x01\x00" or not found:
                raise BadZipFile(f"{member} is no array of numbers")
            shape = tuple(int(n) for n in found[3].decode().split(",") if n.strip())
            outline = _Outline(np.dtype(found[1].decode()), shape, found[2] == b"True", 10 + length)
        except Exception as error:  # zipfile and zlib raise errors of any kind for damaged bytes
            raise self.damaged(error) from error
        if outline.start + outline.nbytes != info.file_size:
            raise self.damaged(f"{member} has {info.file_size:,} bytes, which is not its shape {shape}")
        return outline

    def _bytes(self, name: str) -> np.ndarray:
        """The bytes of an array, uint8. The caller has made sure that there is to be memory for so many."""
        outline = self.outlines[name]
        raw = np.empty(outline.nbytes, np.uint8)
        try:
            with self.archive.open(f"{name}.npy") as file:
                file.read(outline.start)
                for start in range(0, raw.size, PIECE):
                    piece = raw[start : start + PIECE]
                    data = file.read(len(piece))
                    if len(data) < len(piece):
                        raise EOFError("it ends early")
                    piece[...] = np.frombuffer(data, np.uint8)
                file.read(1)  # at its end zipfile compares the checksum
        except Exception as error:  # see above
            raise self.damaged(error) from error
        return raw

    def _header(self) -> dict[str, Any]:
        outline = self.outlines[HEADER]
        if outline.dtype.kind != "S" or outline.nbytes > LONGEST_HEADER:
            raise self.damaged("its header is no text")
        try:
            header = json.loads(self._bytes(HEADER).tobytes())
            number, version, model = header["format"], header["version"], header["model"]
            kinds = [type(entry) for entry in (number, version, model, header["facts"])]
            if kinds not in ([int, str, str, dict], [int, str, dict, dict]) or number < 1:
                raise TypeError("its header has other entries")
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise self.damaged(error) from error
        if number > WEIGHTS_FORMAT:
            read_it = f"read it with minigen {shown(version, PART)} or newer"
            raise CheckpointError(f"{self.path} has format {shown(number, PART)}: {read_it}")
        del self.outlines[HEADER]
        return header


_KINDS = {"b": "truth values ", "i": "integers ", "u": "integers ", "c": "complex numbers ", "S": "text "}
"""Words for the kinds of dtypes in an error message; real numbers need none."""

# -- checkpoints

FORMAT = 1
HEAD = re.compile(rb"(minigen checkpoint, format (\d{1,9}), version ([\w.+-]{1,40})), SHA-256 ([0-9a-f]{64})\n")
DTYPES = {np.dtype(code).str for code in "?bBhHiIqQefdFD"}
"""The dtypes of arrays in a checkpoint: truth values, whole, real and complex numbers."""
MOST_LINE, MOST_VALUES = 1 << 23, 1 << 19
"""The most bytes in the line of JSON, and the most values in it; a history of 50,000 epochs fits. A value may take
hundreds of bytes in memory where it has 2 in the file, so the values are counted before they are read."""


def values_in(line: bytes) -> int:
    """Return the number of opening brackets and commas in a line of JSON, which has at most one value more."""
    return sum(map(line.count, (b"[", b"{", b",")))


def encoded(state: dict[str, Any]) -> tuple[bytes, list[Any]]:
    """Return the line of JSON of the checkpoint `state`, without its end, and the arrays in their order, contiguous.

    state: see `write`. Raises TypeError and CheckpointError as `write` does.
    """
    arrays: list[Any] = []

    def put(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if not isinstance(value, np.ndarray) or value.dtype.str not in DTYPES:
            raise TypeError(f"a checkpoint holds arrays of numbers, numbers and text, got {type(value).__name__}")
        arrays.append(np.ascontiguousarray(value))
        return {"__array__": [value.dtype.str, value.shape]}

    line = json.dumps(state, default=put).encode()
    if len(line) >= MOST_LINE or values_in(line) > MOST_VALUES:
        has, most = f"{len(line):,} bytes and {values_in(line):,} values", f"{MOST_LINE:,} and {MOST_VALUES:,}"
        raise CheckpointError(f"a checkpoint has {has} beside arrays, at most {most}: train less")
    return line, arrays


def write(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write the checkpoint `state` to the file `path`.

    state: nested dictionaries, whose keys are text, and lists; inside them NumPy arrays of numbers or truth values,
        numbers, text, None. Raises TypeError for anything else, such as an array on a device.

    Raises CheckpointError if the state without its arrays has more than MOST_LINE bytes or MOST_VALUES values.
    """
    line, arrays = encoded(state)
    head = f"minigen checkpoint, format {FORMAT}, version {__version__}".encode()
    sha = hashlib.sha256(head)
    for part in (line, b"\n", *arrays):
        sha.update(part)
    with atomically(path) as file:
        for part in (b"%s, SHA-256 %s\n" % (head, sha.hexdigest().encode()), line, b"\n", *arrays):
            file.write(part)


def is_checkpoint(path: str | os.PathLike[str]) -> bool:
    """Return whether the file `path` begins as a checkpoint of this FORMAT; False if it cannot be read."""
    try:
        with io.BufferedReader(Regular(path)) as file:
            head = HEAD.fullmatch(file.readline(200))
    except (OSError, CheckpointError):
        return False
    return head is not None and int(head[2]) == FORMAT


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the state in the checkpoint `path`, a file that `write` wrote. The arrays of the state are read-only.

    The arrays take as much memory as the file is long, once. The rest takes at most 200 MB, whatever the file says: see
    MOST_LINE and MOST_VALUES. If the file does not begin as a checkpoint or its SHA-256 is wrong, the
    function keeps no more than a few pieces of it in memory.

    Raises CheckpointError, which is a ValueError, if the file cannot be read, is no file on a disk, is damaged, is no
    checkpoint, or has another `FORMAT`.
    """
    try:
        raw = Regular(path)
        with io.BufferedReader(raw) as file:
            first = file.readline(200)
            head = HEAD.fullmatch(first)
            if not head:
                raise CheckpointError(f"{path} is damaged or no checkpoint of minigen: it does not begin as one")
            if int(head[2]) != FORMAT:
                raise CheckpointError(f"{path} has format {int(head[2])}: read it with minigen {head[3].decode()}")
            if hashlib.file_digest(file, lambda: hashlib.sha256(head[1])).hexdigest().encode() != head[4]:
                raise CheckpointError(f"{path} is damaged: the SHA-256 of its bytes is not the one in its first line")
            file.seek(len(first))
            line = file.readline(MOST_LINE)
            raw.seek(len(first) + len(line))
            body = raw.readall()  # by `raw`, as `file` would make a second copy
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    start = 0

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
        if values_in(line) > MOST_VALUES:
            raise ValueError(f"it has more than {MOST_VALUES:,} values")
        state = json.loads(line, object_hook=take)
        if not isinstance(state, dict) or start != len(body):
            raise ValueError("something is left over")
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        said = f"{path} is no checkpoint of minigen, though its SHA-256 is right: {shown(error, PART)}"
        raise CheckpointError(said) from error
    return state
