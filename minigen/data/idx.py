"""The idx format, in which MNIST and its likes come: bytes in an array, plain or compressed by gzip.

    0 0 | type | d | d sizes of 4 bytes each, the highest byte first | as many items as their product

The only type here is 0x08: bytes without a sign. What a header claims is compared with what is there before anything is
allocated, so that a file of a few bytes cannot ask for gigabytes.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from minigen.errors import DataError

MAGIC, MOST_DIMENSIONS = bytes([0, 0, 0x08]), 4
MOST_BYTES = 4 * 2**30
"""No array of images may take more memory than this, unless a caller says so."""
DEFLATE = 1032
"""How many bytes one byte can become at most where deflate is undone (zlib's documentation, "Maximum Compression")."""
GZIP, PIECE = b"\x1f\x8b", 2**20
ANEW = "get it anew, or write it anew as bytes in the idx format"


def header_of(shape: tuple[int, ...]) -> bytes:
    """The bytes before the items of an array."""
    return MAGIC + bytes([len(shape)]) + np.array(shape, ">u4").tobytes()


def read_bytes(file: IO[bytes] | gzip.GzipFile, most: int) -> bytearray:
    """As many as there are, and no more than `most`; memory grows with what comes, not with what was claimed."""
    content = bytearray()
    while piece := file.read(min(PIECE, most - len(content))):
        content += piece
    return content


def read_idx(path: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> np.ndarray:
    """The array in an idx file, uint8; gzip is known by its first bytes, whatever the file's name.

    DataError for a file that is not whole, not of this format, or would take more than `most_bytes`.
    """
    path = Path(path)
    with open(path, "rb") as file:
        compressed = file.read(2) == GZIP
        file.seek(0)
        size = path.stat().st_size
        if not compressed:
            return _read(path, file, size, most_bytes)
        try:
            with gzip.GzipFile(fileobj=file) as plain:
                return _read(path, plain, size * DEFLATE, most_bytes)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(path, f"is damaged where gzip compressed it ({error})", ANEW) from None


def _read(path: Path, file: IO[bytes] | gzip.GzipFile, possible: int, most_bytes: int) -> np.ndarray:
    """possible: how many bytes there can be at most."""
    start = file.read(4)
    if start[:3] != MAGIC or not 1 <= start[-1] <= MOST_DIMENSIONS:
        expected = f"{MAGIC.hex(' ')} and a number of dimensions from 1 to {MOST_DIMENSIONS}"
        raise DataError(path, f"is no idx file of bytes: it begins with {start.hex(' ')!r}, not with {expected}", ANEW)
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DataError(path, "ends within its header", ANEW)
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    items = math.prod(shape)
    claim = f"claims to have {' × '.join(map(str, shape))} bytes"
    if items > most_bytes:
        raise DataError(path, f"{claim}, and at most {most_bytes:,} are read", ANEW)
    if items > possible:
        raise DataError(path, f"{claim}, and cannot have more than {possible:,}", ANEW)
    content = read_bytes(file, items + 1)  # one more than claimed, to see that it is not there
    if len(content) != items:
        raise DataError(path, f"{claim}, and has {'more' if len(content) > items else f'{len(content):,}'}", ANEW)
    return np.frombuffer(content, np.uint8).reshape(shape)
