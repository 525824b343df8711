"""The idx format of MNIST and data sets like it: an array of bytes in a file, plain or compressed by gzip.

    0 0 | type | d | d sizes of 4 bytes each, the highest byte first | the items, as many as the product of the sizes

The only type that is read is 0x08, unsigned bytes. The size that a header claims is compared with the size of the file
before memory is allocated, so that a file of a few bytes cannot ask for gigabytes.
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
MOST_PIXELS = 2**27
"""The largest number of pixels that is read by default: all images together. MNIST has 55 million, this is 134 million.
A data set of this size takes 2 GB of memory, however small its compressed files are."""
DEFLATE = 1032
"""The largest number of bytes that one byte of deflated data can hold (zlib's documentation, "Maximum Compression")."""
GZIP, PIECE = b"\x1f\x8b", 2**20
FEWER = "take fewer or smaller images, or in Python give own(…, most_pixels=…) another limit"
AGAIN = "get it again, or write it again as bytes in the idx format"


def header_of(shape: tuple[int, ...]) -> bytes:
    """Return the header of an idx file of unsigned bytes: all before the items.  shape: of the array in the file."""
    return MAGIC + bytes([len(shape)]) + np.array(shape, ">u4").tobytes()


def read_bytes(file: IO[bytes] | gzip.GzipFile, most: int) -> bytearray:
    """Return the rest of a file, but at most `most` bytes. Memory grows with the bytes that come.

    file: open for reading bytes.
    """
    content = bytearray()
    while piece := file.read(min(PIECE, most - len(content))):
        content += piece
    return content


def regular(path: str | os.PathLike[str], cure: str) -> Path:
    """Return `path` as a Path. Raises DataError, with `cure`, if it is no regular file: a pipe or device may never end.

    cure: what the user can do.
    """
    path = Path(path)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "is a pipe or a device"
        raise DataError(path, f"{kind}, expected a file" if path.exists() else "is not there", cure)
    return path


def read_idx(path: str | os.PathLike[str], most_bytes: int = MOST_PIXELS) -> np.ndarray:
    """Return the array in an idx file, uint8, with 1 to 4 axes.

    path: the file, plain or compressed. Gzip is recognised by the first bytes, not by the name.
    most_bytes: the largest array that is read, in bytes; by default 2²⁷, 134 million.

    Raises DataError for a file that is missing, no regular file, damaged, not of this format, or larger than
    `most_bytes`, and OSError for one that cannot be opened.
    """
    path = regular(path, AGAIN)
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
            raise DataError(path, f"is damaged where gzip compressed it ({error})", AGAIN) from None


def _read(path: Path, file: IO[bytes] | gzip.GzipFile, possible: int, most_bytes: int) -> np.ndarray:
    """The array in an open idx file. possible: the number of bytes that the file can hold at most."""
    start = file.read(4)
    if start[:3] != MAGIC or not 1 <= start[-1] <= MOST_DIMENSIONS:
        expected = f"{MAGIC.hex(' ')} and a number of dimensions from 1 to {MOST_DIMENSIONS}"
        raise DataError(path, f"is no idx file of bytes: it begins with {start.hex(' ')!r}, not with {expected}", AGAIN)
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DataError(path, "ends within its header", AGAIN)
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    items = math.prod(shape)
    claim = f"claims to have {' × '.join(map(str, shape))} bytes"
    if items > most_bytes:
        raise DataError(path, f"{claim}, and at most {most_bytes:,} are read", FEWER)
    if items > possible:
        raise DataError(path, f"{claim}, and cannot have more than {possible:,}", AGAIN)
    content = read_bytes(file, items + 1)  # ask for one byte more than claimed, to see that the file has none
    if len(content) != items:
        raise DataError(path, f"{claim}, and has {'more' if len(content) > items else f'{len(content):,}'}", AGAIN)
    return np.frombuffer(content, np.uint8).reshape(shape)
