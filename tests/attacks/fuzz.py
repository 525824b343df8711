"""`python -m tests.attacks.fuzz [--files N] [--seed S]`: N damaged files for each reader: idx, .npz and pictures.

Valid files are damaged by chance: bits flipped, ends cut off, bytes put in, headers rewritten; in an .npz also inside
the archive, whose checksums are then right. A reader may return the array or raise DataError, and nothing else; it may
not take longer than SECONDS nor more memory than MEMORY over that of the file. The suite does the same with a few.
"""

from __future__ import annotations

import argparse
import gzip
import io
import tempfile
import time
import tracemalloc
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from autograd import console
from minigen.data.idx import header_of, read_idx
from minigen.data.images import FEWEST, read_npz, read_picture
from minigen.errors import DataError

SECONDS, MEMORY, BOUND = 2.0, 2**24, 2**20
"""The bounds of a reader, and the bytes that it is told to read at most: each valid file has fewer."""


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """Up to eight bits."""
    array = np.frombuffer(content, np.uint8).copy()
    for place in rng.integers(0, len(array), rng.integers(1, 9)):
        array[place] ^= 1 << rng.integers(8)
    return array.tobytes()


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(len(content))]


def stuffed(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes put in, perhaps a stretch of the file itself."""
    place, start = rng.integers(len(content), size=2)
    foreign = rng.bytes(rng.integers(1, 20)) if rng.random() < 0.5 else content[start : start + rng.integers(1, 200)]
    return content[:place] + foreign + content[place:]


def rewritten(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes where headers are, at the beginning and, for archives, at the end: often extreme ones."""
    array = np.frombuffer(content, np.uint8).copy()
    ends = np.concatenate([np.arange(min(140, len(array))), np.arange(max(0, len(array) - 160), len(array))])
    for place in rng.choice(ends, rng.integers(1, 5)):
        array[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, *b"0123456789(),'<>|[]LO", rng.integers(256)])
    return array.tobytes()


DAMAGES = (flipped, cut, stuffed, rewritten)


def some_idx(rng: np.random.Generator) -> bytes:
    """Plain or compressed; the damage is done inside, outside, or both."""
    shape = [(FEWEST,), (60, 5, 4), (3, 2, 5, 4)][rng.integers(3)]
    content = header_of(shape) + rng.integers(0, 256, shape, np.uint8).tobytes()
    if rng.random() < 0.5:
        return damaged(content, rng)
    return damaged_around(content, gzip.compress, rng)


def some_npz(rng: np.random.Generator) -> bytes:
    """Two arrays; the damage is done to an array, to the archive, or to both."""
    dtype = rng.choice(["u1", "<i4", ">f8", "<f4", "?"])
    arrays = [rng.integers(0, 2, (FEWEST, 4, 3)).astype(dtype), rng.integers(0, 9, FEWEST)]
    members = [io.BytesIO() for _ in arrays]
    for member, array in zip(members, arrays, strict=True):
        np.lib.format.write_array(member, array)
    method = zipfile.ZIP_DEFLATED if rng.random() < 0.5 else zipfile.ZIP_STORED

    def pack(images: bytes) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr("images.npy", images)
            archive.writestr("labels.npy", members[1].getvalue())
        return file.getvalue()

    return damaged_around(members[0].getvalue(), pack, rng)


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    return DAMAGES[rng.integers(len(DAMAGES))](content, rng)


def damaged_around(content: bytes, pack: Callable[[bytes], bytes], rng: np.random.Generator) -> bytes:
    """Before it is packed, after, or both."""
    inside, outside = [(True, False), (False, True), (True, True)][rng.integers(3)]
    packed = pack(damaged(content, rng) if inside else content)
    return damaged(packed, rng) if outside else packed


def some_picture(rng: np.random.Generator) -> bytes:
    """A photo with an orientation, or a picture with an alpha channel or a transparent colour."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x112] = int(rng.integers(1, 9))
    kind, mode = [("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("TIFF", "LA"), ("GIF", "P"), ("WEBP", "RGBA")][
        rng.integers(6)
    ]
    picture = Image.fromarray(rng.integers(0, 256, (9, 7), np.uint8)).convert(mode)
    picture.save(file, kind, exif=exif, **({"transparency": 3} if mode == "P" else {}))
    return damaged(file.getvalue(), rng)


READERS: dict[str, tuple[Callable, Callable]] = {
    "idx": (some_idx, read_idx),
    "npz": (some_npz, read_npz),
    "picture": (some_picture, lambda path, most: read_picture(path, most)),
}


def outcome(read: Callable, path: Path) -> str:
    """ "read", or what kind of problem the DataError told: its first words, without numbers."""
    try:
        read(path, BOUND)
    except DataError as error:
        return " ".join(word for word in error.problem.split("(")[0].split()[:5] if not any(map(str.isdigit, word)))
    return "read"


def fuzz(kind: str, files: int, seed: int, folder: Path) -> tuple[Counter, float, int]:
    """So many damaged files, read: how often each outcome was, seconds of the slowest, bytes of the hungriest.

    Any other exception passes, and leaves the file in the folder.
    """
    make, read = READERS[kind]
    outcomes: Counter = Counter()
    slowest, hungriest, path = 0.0, 0, folder / f"damaged.{kind}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracemalloc.start()
        for number in range(files):
            path.write_bytes(make(np.random.default_rng([seed, number])))
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            start = time.perf_counter()
            outcomes[outcome(read, path)] += 1
            slowest = max(slowest, time.perf_counter() - start)
            hungriest = max(hungriest, tracemalloc.get_traced_memory()[1] - before)
        tracemalloc.stop()
    return outcomes, slowest, hungriest


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    o = parser.parse_args()
    ok = True
    for kind in READERS:
        start, folder = time.perf_counter(), Path(tempfile.mkdtemp())
        outcomes, slowest, hungriest = fuzz(kind, o.files, o.seed, folder)
        print(f"{kind}: {o.files:,} files in {time.perf_counter() - start:.1f} s; the slowest took "
              f"{1000 * slowest:.1f} ms, the hungriest {hungriest / 1000:,.0f} kB")  # fmt: skip
        for what, count in outcomes.most_common():
            print(f"{count:>8,}  {what}")
        ok &= slowest < SECONDS and hungriest < MEMORY
    return 0 if ok else 1


if __name__ == "__main__":
    console.run(main)
