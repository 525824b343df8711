"""`python -m tests.attacks.fuzz_checkpoint [--files N] [--seed S]`: a run is asked to go on from N broken checkpoints.

Half of the files are damaged: bits, pieces, other formats. All of these must be refused with CheckpointError. The other
half is forged: the line of JSON or the arrays are changed and the SHA-256 is made right again, as no accident does it.
Some of these say the same in other words and are taken; the others must be refused with the same error. No file may
raise anything else, keep the processor for a second, or make the process grow by more than a few of its lengths.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import hashlib
import io
import json
import pickle
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograd import console
from minigen.errors import CheckpointError
from minigen.training.files import HEAD
from minigen.training.resume import Checkpoints
from tests.attacks.kills import RUNS, train

# -- damage: any of these must be refused


def flip(good: bytes, rng: np.random.Generator) -> bytes:
    """1 to 8 bits, the first line included."""
    data = bytearray(good)
    for _ in range(rng.integers(1, 9)):
        data[rng.integers(len(data) if rng.random() < 0.7 else 130)] ^= 1 << rng.integers(8)
    return bytes(data)


def cut(good: bytes, rng: np.random.Generator) -> bytes:
    return good[: rng.integers(len(good))]


def insert(good: bytes, rng: np.random.Generator) -> bytes:
    at = rng.integers(len(good) + 1)
    return good[:at] + rng.bytes(rng.integers(1, 100)) + good[at:]


def lose(good: bytes, rng: np.random.Generator) -> bytes:
    at = rng.integers(len(good))
    return good[:at] + good[at + rng.integers(1, 1000) :]


def blank(good: bytes, rng: np.random.Generator) -> bytes:
    """A stretch of zeros, as a file system leaves it after a power cut."""
    at, length = rng.integers(len(good)), rng.integers(1, 5000)
    return good[:at] + bytes(min(length, len(good) - at)) + good[at + length :]


def header(good: bytes, rng: np.random.Generator) -> bytes:
    """Another first line before the right rest."""
    first, rest = good.split(b"\n", 1)
    words = first.split(b" ")
    words[rng.integers(len(words))] = [b"", b"999999999", b"-1", rng.bytes(8), b"9" * 5000, b"\xff"][rng.integers(6)]
    return b" ".join(words) + b"\n" + rest


def foreign(good: bytes, rng: np.random.Generator) -> bytes:
    """Another format, whole."""
    file, kind = io.BytesIO(), rng.integers(8)
    if kind == 0:
        np.savez(file, W=rng.standard_normal(5))
    elif kind == 1:
        np.savez(file, W=np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    elif kind == 2:
        pickle.dump({"state": [1, 2, 3]}, file)
    elif kind == 3:  # a zip bomb, of a thousand times its size
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bomb:
            bomb.writestr("weights.npy", bytes(1 << 20))
    elif kind == 4:
        header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}
        np.lib.format.write_array_header_1_0(file, header)
    elif kind == 5:
        file.write(gzip.compress(good))
    elif kind == 6:
        file.write(rng.bytes(rng.integers(10_000)))
    return file.getvalue()


# -- forgery: what is taken must be harmless

JUNK: list[Any] = [None, True, -1, 1 << 70, 1e308, float("nan"), "", "x" * 1000, [], {}, [[[[]]]], {"__array__": []}]
SHAPES: list[Any] = [
    [1 << 62],
    [1 << 70],
    [-1],
    [0, 1 << 40],
    [1] * 70,
    [3.5],
    "ab",
    None,
    [None],
    [1 << 31, 1 << 31],
    {},
]
TYPES: list[Any] = ["O", "|O", "<M8[s]", "V8", "<U9", "", "f4,f4", "(2,)f4", "|S3", 4, None, [], "<f4" * 99, "<f16"]


def forge(change: Callable[[Any, np.random.Generator], Any]) -> Callable[[bytes, np.random.Generator], bytes]:
    """A mutation of the JSON, as Python has it, with a right sum."""

    def forged(good: bytes, rng: np.random.Generator) -> bytes:
        _, line, arrays = good.split(b"\n", 2)
        return summed(good, json.dumps(change(json.loads(line), rng)).encode() + b"\n" + arrays)

    return forged


def summed(good: bytes, body: bytes) -> bytes:
    """`body` behind a first line that fits it."""
    head = HEAD.match(good)
    assert head is not None
    return b"%s, SHA-256 %s\n%s" % (head[1], hashlib.sha256(head[1] + body).hexdigest().encode(), body)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every container within, with each of its keys."""
    found: list[tuple[Any, Any]] = []
    if isinstance(tree, dict | list):
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            found += [(tree, key), *places(tree[key])]
    return found


def any_place(tree: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    found = places(tree)
    return found[rng.integers(len(found))]


def junk(tree: Any, rng: np.random.Generator) -> Any:
    container, key = any_place(tree, rng)
    container[key] = JUNK[rng.integers(len(JUNK))]
    return tree


def remove(tree: Any, rng: np.random.Generator) -> Any:
    container, key = any_place(tree, rng)
    del container[key]
    return tree


def exchange(tree: Any, rng: np.random.Generator) -> Any:
    """Two values change places."""
    (a, i), (b, j) = any_place(tree, rng), any_place(tree, rng)
    a[i], b[j] = copy.deepcopy(b[j]), copy.deepcopy(a[i])  # copies: neither may come to hold itself
    return tree


def claim(tree: Any, rng: np.random.Generator) -> Any:
    """An array says that it is huge, or of a type that is none of numbers."""
    arrays = [
        value for container, key in places(tree) if isinstance(value := container[key], dict) and "__array__" in value
    ]
    array = arrays[rng.integers(len(arrays))]["__array__"]
    which = rng.integers(2)
    claims = (TYPES, SHAPES)[which]
    array[which] = claims[rng.integers(len(claims))]
    return tree


def nest(tree: Any, rng: np.random.Generator) -> Any:
    """Not a dictionary, or one in which a value lies deep."""
    depth = int(rng.choice([1, 50, 900]))
    value: Any = {}
    for _ in range(depth):
        value = [value] if rng.random() < 0.5 else {"state": value}
    if rng.random() < 0.2:
        return value
    container, key = any_place(tree, rng)
    container[key] = value
    return tree


def reach(good: bytes, rng: np.random.Generator) -> bytes:
    """Damage behind the first line, or nesting that no parser goes down."""
    body = good.split(b"\n", 1)[1]
    if rng.random() < 0.1:
        return summed(good, b"[" * 100_000 + body)
    mutation = [flip, cut, insert, lose, blank][rng.integers(5)]
    return summed(good, mutation(body, rng))


DAMAGE = [flip, cut, insert, lose, blank, header, foreign]
FORGERY = [reach, *map(forge, (junk, remove, exchange, claim, nest))]


def originals(folder: Path) -> dict[str, bytes]:
    """A checkpoint of each of the runs."""
    for name in RUNS:
        train(name, Checkpoints(folder / name), epochs=3)
    return {name: Checkpoints(folder / name).paths()[0].read_bytes() for name in RUNS}


class Taken(BaseException):
    """The run would go on from this file."""


def accepted(name: str, folder: Path) -> bool:
    """Whether a run takes what is in the folder; anything but this and a CheckpointError is a fault."""

    class Once(Checkpoints):
        def begin(self, run: Any) -> None:
            super().begin(run)
            raise Taken

    try:
        train(name, Once(folder, resume=True), epochs=3)
    except CheckpointError:
        return False
    except Taken:
        return True
    raise AssertionError("neither refused nor taken")


def largest() -> int:
    """The most bytes of memory that this process has had; 0 on Windows, which does not say."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def fuzz(count: int, seed: int) -> tuple[Counter[str], float, int]:
    """What became of so many files, the seconds of the slowest, and by how many bytes the process grew meanwhile."""
    rng, seen, slowest = np.random.default_rng(seed), Counter[str](), 0.0
    with tempfile.TemporaryDirectory() as folder:
        good, at = originals(Path(folder)), Path(folder) / "fuzzed"
        at.mkdir()
        before = largest()
        for k in range(count):
            name = list(good)[rng.integers(len(good))]
            kind, mutations = (("damaged", DAMAGE), ("forged", FORGERY))[k % 2]
            data = good[name]
            while data == good[name]:
                data = mutations[rng.integers(len(mutations))](good[name], rng)
            (at / "epoch-000003.checkpoint").write_bytes(data)
            start = time.process_time()
            taken = accepted(name, at)
            slowest = max(slowest, time.process_time() - start)
            assert not (taken and kind == "damaged"), f"file {k} of seed {seed} was taken"
            seen[f"{kind}, {'taken' if taken else 'refused'}"] += 1
        return seen, slowest, largest() - before


def main(arguments: list[str]) -> int:
    assert __doc__
    p = argparse.ArgumentParser(prog="python -m tests.attacks.fuzz_checkpoint", description=__doc__.split("\n\n")[0])
    p.add_argument("--files", type=int, default=10_000)
    p.add_argument("--seed", type=int, default=0)
    o = p.parse_args(arguments)
    seen, slowest, grown = fuzz(o.files, o.seed)
    print(f"{sum(seen.values()):,} files, nothing raised but CheckpointError: {dict(sorted(seen.items()))}")
    print(f"the slowest took {slowest:.3f} s of the processor; the process grew by {grown / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
