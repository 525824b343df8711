"""`python -m tests.attacks.fuzz_weights [--files N] [--seed S]`: N broken files of weights: for their models, and for
`load`.

A quarter of the files is damaged: bits, pieces, other formats. A quarter has damaged members in a whole archive:
headers and arrays of other kinds under right checksums. A quarter is forged: arrays that `save_weights` does not write,
such as strings, NaN, complex numbers, orders that are no permutations, members that claim to be huge. A quarter
describes another model: sizes that are huge, negative or of another type, unknown names, nested and repeated modules,
swapped arrays. Every file must be refused with CheckpointError, in one sentence, and the model must stay as it was. A
damaged file may be taken if it holds the same arrays bit for bit, as where the damage is in a date; a damaged member,
if NumPy reads the same numbers from it, as where one bit turns the order of bytes. `load_weights` does not read the
description. `load` may take a description that is of a model with these arrays, and then the model has exactly the
file's arrays. No file may keep the processor for a second, or make `load` take more than MEMORY.

In the end the program prints how much memory each reader takes for whole files and for bombs.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autograd import console
from minigen.ar import AR
from minigen.eonade import EoNADE
from minigen.errors import CheckpointError
from minigen.gan import GAN
from minigen.markov import MarkovChain
from minigen.nade import NADE
from minigen.nn.functions import relu, sigmoid
from minigen.nn.layers import Linear, Sequential
from minigen.nn.module import Module
from minigen.nn.normalisation import BatchNorm, SpectralNorm
from minigen.nn.rnn import LSTM
from minigen.pixelrnn import PixelRNN
from minigen.priors import StandardNormal, VampPrior
from minigen.saved import FUNCTIONS, TABLE, load
from minigen.training.files import (
    HEADER,
    MOST_LINE,
    MOST_VALUES,
    load_weights,
    read,
    save_weights,
    weights_header,
    write,
)
from minigen.uses import BayesClassifier
from minigen.vae import bernoulli_vae
from tests.attacks.fuzz_checkpoint import blank, cut, flip, foreign, insert, lose, summed


def gan(rng: np.random.Generator) -> Module:
    generator = Sequential(Linear(2, 6, rng=rng), BatchNorm(6), relu, Linear(6, 5, rng=rng), sigmoid)
    return GAN(generator, SpectralNorm(Linear(5, 1, rng=rng), rng=rng), StandardNormal(2), 5)


def vamp(rng: np.random.Generator) -> Module:
    vae = bernoulli_vae(6, (5,), 2, rng=rng)
    vae.prior = VampPrior(vae.encoder, 6, 3, rng=rng)
    return vae


MEMORY = 4_000_000
"""The most bytes that `load` may take for a file, which here has 20,000 bytes at most; it reads pieces of 1 MiB."""
MODELS: dict[str, Callable[[np.random.Generator], Module]] = {
    "nade": lambda rng: NADE(6, 4, rng.permutation(6), rng=rng),
    "eonade": lambda rng: EoNADE(6, 4, num_orders=3, rng=rng),
    "vae": lambda rng: bernoulli_vae(6, (5,), 2, rng=rng),
    "gan": gan,
    "vamp": vamp,
    "bayes": lambda rng: BayesClassifier([MarkovChain(6, 2), AR(6, 3), PixelRNN((2, 3), "cnn", 2, kernel=3, rng=rng)]),
    "lstm": lambda rng: Sequential(LSTM(3, 2, 2, True, rng=rng), Linear(4, 3, rng=rng)),
}

Arrays = dict[str, Any]

# -- forgery: whole archives of what does not belong there


def any_name(arrays: Arrays, rng: np.random.Generator, kinds: str = "fi") -> str:
    names = [name for name, a in arrays.items() if name != HEADER and a.dtype.kind in kinds]
    return names[rng.integers(len(names))]


def another_type(arrays: Arrays, rng: np.random.Generator) -> None:
    name = any_name(arrays, rng)
    kinds = ["U", "S", "c8", "c16", "M8[s]", "m8[s]", "V4", "?", "i4" if arrays[name].dtype.kind == "f" else "f4"]
    shape = arrays[name].shape
    arrays[name] = np.zeros(shape, kinds[rng.integers(len(kinds))])


def no_number(arrays: Arrays, rng: np.random.Generator) -> None:
    name = any_name(arrays, rng, "f")
    arrays[name] = arrays[name].astype([np.float32, np.float64, ">f4", np.float16][rng.integers(4)])
    arrays[name].reshape(-1)[rng.integers(arrays[name].size)] = np.nan


def too_large(arrays: Arrays, rng: np.random.Generator) -> None:
    name = any_name(arrays, rng, "f")
    arrays[name] = np.full(arrays[name].shape, [1e39, -1e300][rng.integers(2)])


def no_order(arrays: Arrays, rng: np.random.Generator) -> None:
    """An order that names a pixel twice, or one that is not there; a variance below 0; zeros that are not."""
    fixed = ("order", "orders", "prior.zeros", "models.1.row", "prior.images", "layers.0.cells.0.W")
    name = next(n for n in arrays if n in fixed)
    name = "generator.layers.1.var" if "generator.layers.1.var" in arrays and rng.random() < 0.5 else name
    if name in ("prior.images", "layers.0.cells.0.W"):  # which may hold any number
        arrays[name][0] = np.nan
    elif arrays[name].dtype.kind == "f":
        arrays[name] = -np.ones_like(arrays[name])
    else:
        wrong = [0, -1, arrays[name].shape[-1], 1 << 62, -(1 << 62)][rng.integers(5)]
        arrays[name][..., rng.choice(np.flatnonzero(np.atleast_2d(arrays[name])[0] != wrong))] = wrong


def another_shape(arrays: Arrays, rng: np.random.Generator) -> None:
    name = any_name(arrays, rng)
    array = arrays[name]
    changes = [
        array[None],
        array[..., None],
        array.reshape(-1)[1:],
        np.zeros((0, *array.shape), array.dtype),
        array[:0],
    ]
    arrays[name] = changes[rng.integers(len(changes))]


def another_name(arrays: Arrays, rng: np.random.Generator) -> None:
    name = any_name(arrays, rng)
    others = ["", "\n\x1b[31m" * 30, "x" * 5000, "../../up", f"{name}.npy", "\u202e", "minigen"]
    arrays[others[rng.integers(len(others))]] = arrays.pop(name) if rng.random() < 0.5 else arrays[name]


def missing(arrays: Arrays, rng: np.random.Generator) -> None:
    del arrays[any_name(arrays, rng)]


def pickled(arrays: Arrays, rng: np.random.Generator) -> None:
    arrays[any_name(arrays, rng)] = np.array([{"a": 1}, None], dtype=object)


def another_header(arrays: Arrays, rng: np.random.Generator) -> None:
    good = json.loads(arrays[HEADER].item())
    entries: list[Any] = [None, -1, 2, True, 1.0, "1", [], {}, 1 << 70, "x\n" * 1000]
    key = list(good)[rng.integers(len(good))]
    right = (dict, str) if key == "model" else (type(good[key]),)
    bad = good | {key: next(e for e in rng.permutation(np.array(entries, object)) if type(e) not in right)}
    texts = [
        json.dumps(bad),
        "",
        "{",
        "[" * 20_000,
        "{}",
        "null",
        "\xff",
        json.dumps(good | {"format": 3, "version": "\n"}),
    ]
    arrays[HEADER] = np.array(texts[rng.integers(len(texts))].encode("latin-1"))
    if rng.random() < 0.1:
        arrays[HEADER] = [np.zeros(3), np.array("text"), np.array(b" " * (1 << 20))][rng.integers(3)]


FORGERY = [
    another_type, no_number, too_large, no_order, another_shape, another_name, missing, pickled, another_header,
]  # fmt: skip


def forged(good: bytes, rng: np.random.Generator) -> bytes:
    arrays = dict(np.load(io.BytesIO(good)))
    FORGERY[rng.integers(len(FORGERY))](arrays, rng)
    return archive({f"{name}.npy": npy(array) for name, array in arrays.items()}, rng)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    return file.getvalue()


def archive(members: dict[str, bytes], rng: np.random.Generator) -> bytes:
    """As NumPy writes it, compressed or not."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED][rng.integers(2)]) as written:
        for name, content in members.items():
            written.writestr(name, content)
    return file.getvalue()


# -- damaged members under right checksums

HEADERS = [
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }" % (1 << 40),
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }" % (b"9" * 5000),
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1, " * 70 + b"), }",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    b"{'descr': '<f3', 'fortran_order': False, 'shape': (), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': '<f4', 'fortran_order': False, 'shape': " + b"(" * 500,
    b"__import__('os').abort()",
    b"[" * 9000,
    b"'\x00",
    b"\t{'''",
    b"",
]


def inner(good: bytes, rng: np.random.Generator) -> bytes:
    with zipfile.ZipFile(io.BytesIO(good)) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    name = list(members)[rng.integers(len(members))]
    old, kind = members[name], rng.integers(5)
    if kind == 0:
        text = HEADERS[rng.integers(len(HEADERS))] + b"\n"
        members[name] = old[:8] + len(text).to_bytes(2, "little") + text + old[128:]
    elif kind == 1:
        members[name] = cut(old, rng)
    elif kind == 2:
        at = rng.integers(60)
        members[name] = old[:at] + bytes([old[at] ^ 1 << rng.integers(8)]) + old[at + 1 :]
    elif kind == 3:
        members[name] = old + rng.bytes(rng.integers(1, 50))
    else:
        members[name] = rng.bytes(len(old))
    return archive(members, rng)


# -- descriptions of other models

NAMES = [*TABLE, *FUNCTIONS, "encoder", "prior", "zeros", "os.system", "minigen.nade.NADE", "__class__", "", "x" * 3000]


def another_value(value: Any, rng: np.random.Generator) -> Any:
    """Something else in the place of a value of a description: of the same kind, mostly, or of another."""
    n = min(int(value), 1 << 30) if isinstance(value, int) else 3
    others: list[Any] = [None, True, -1, 0, n + 1, max(n - 1, 0), 2 * n, 1 << 12, 1 << 24, 1 << 62, 10**400]
    others += [float(n), float("nan"), 1e308, str(n), "", "relu", [n], [n] * 2, [], {}, {"zeros": [1 << 12] * 2}]
    if isinstance(value, str) or rng.random() < 0.1:
        return NAMES[rng.integers(len(NAMES))]
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key, kind = list(value)[rng.integers(len(value))], rng.integers(5)
        if kind == 0:
            return {other: value[other] for other in value if other != key}
        if kind == 1:
            return {NAMES[rng.integers(len(NAMES))] if other == key else other: value[other] for other in value}
        if kind == 2:
            return value | {NAMES[rng.integers(len(NAMES))]: others[rng.integers(len(others))]}
        for _ in range(int(rng.choice([1, 2, 20, 40, 150]))):
            value = {"Sequential": {"layers": [value]}} if kind == 3 else {"SpectralNorm": {"layer": value}}
        return value
    if isinstance(value, list) and value and rng.random() < 0.9:
        return [value * int(rng.choice([2, 100])), value[1:], value[::-1], [value], value[:1]][rng.integers(5)]
    return others[rng.integers(len(others))]


def changed(value: Any, rng: np.random.Generator) -> Any:
    """The description with another value somewhere."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.15:
        return another_value(value, rng)
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    at = keys[rng.integers(len(keys))]
    if isinstance(value, dict):
        return value | {at: changed(value[at], rng)}
    return [changed(item, rng) if k == at else item for k, item in enumerate(value)]


def described(good: bytes, rng: np.random.Generator) -> bytes:
    """As `save_weights` writes it, but of another model; or with two arrays in each other's place."""
    arrays = dict(np.load(io.BytesIO(good)))
    header = json.loads(arrays[HEADER].item())
    for _ in range(rng.integers(1, 4)):
        header["model"] = changed(header["model"], rng)
    if rng.random() < 0.1:
        one, other = rng.choice([name for name in arrays if name != HEADER], 2)
        arrays[one], arrays[other] = arrays[other], arrays[one]
    arrays[HEADER] = np.array(json.dumps(header).encode())
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


DAMAGE = [flip, cut, insert, lose, blank, foreign]


def damaged(good: bytes, rng: np.random.Generator) -> bytes:
    return DAMAGE[rng.integers(len(DAMAGE))](good, rng)


def copies(model: Module) -> Arrays:
    return {name: array.tobytes() for name, array in model.arrays().items()}


def by_numpy(model: Module, path: Path) -> Arrays:
    """What NumPy finds in the file."""
    with np.load(path) as found:
        return {name: found[name].astype(array.dtype).tobytes() for name, array in model.arrays().items()}


def refusal(read: Callable[[Path], Any], path: Path) -> tuple[str, Any, float]:
    """What is said of the file, without its name, "" if it is taken; the result; and seconds of the processor.

    Any other error is a fault.
    """
    start = time.process_time()
    try:
        said, result = "", read(path)
    except CheckpointError as error:
        said, result = str(error).replace(str(path), "the file"), None
    seconds = time.process_time() - start
    assert len(said) < 2000
    assert said.isprintable(), said
    return said, result, seconds


def fuzz(count: int, seed: int) -> tuple[Counter[str], float, int]:
    """What became of so many files, the seconds of the slowest, and the most bytes that `load` took for one."""
    rng, seen, slowest, most = np.random.default_rng(seed), Counter[str](), 0.0, 0
    models = {name: make(rng) for name, make in MODELS.items()}
    with tempfile.TemporaryDirectory() as folder:
        path, good, same = Path(folder) / "weights.npz", {}, {}
        for name, model in models.items():
            save_weights(model, path, sizes=[6, 4], data="digits")
            good[name], same[name] = path.read_bytes(), copies(model)
            for p in model.parameters().values():
                p.data += 1  # so that it shows if only some of the arrays are taken
        before = {name: copies(model) for name, model in models.items()}
        for k in range(count):
            name = list(models)[rng.integers(len(models))]
            kind = (damaged, inner, forged, described)[k % 4]
            data = good[name]
            while data == good[name]:
                data = kind(good[name], rng)
            path.write_bytes(data)
            said, _, seconds = refusal(partial(load_weights, models[name]), path)
            which = f"file {k} of seed {seed}, {kind.__name__}: {said}"
            expected = before[name] if said else same[name] if kind is damaged else by_numpy(models[name], path)
            assert copies(models[name]) == expected, which
            tracemalloc.start()
            why, loaded, longer = refusal(load, path)
            most = max(most, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            slowest = max(slowest, seconds, longer)
            if loaded is not None:
                which = f"file {k} of seed {seed}, {kind.__name__}, was loaded"
                assert copies(loaded) == (same[name] if kind is damaged else by_numpy(loaded, path)), which
                assert {HEADER, *loaded.arrays()} == set(np.load(path).files), which
            seen[f"{kind.__name__}, {'refused' if why else 'taken'} by load"] += 1
            if not said:
                for key, array in models[name].arrays().items():
                    array[...] = np.frombuffer(before[name][key], array.dtype).reshape(array.shape)
            seen[f"{kind.__name__}, {'refused' if said else 'taken'}"] += 1
    return seen, slowest, most


# -- memory


def peak(call: Callable[[], Any]) -> int:
    """The most bytes that a call has allocated at once."""
    tracemalloc.start()
    try:
        call()
    except CheckpointError:
        pass
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


def memory(folder: Path, megabytes: int) -> list[tuple[str, int, int]]:
    """(what is read, the bytes of the file, the most bytes that its reader allocates) for whole files and for bombs."""
    rows = megabytes * 250
    model, path = Linear(1000, rows, rng=0), folder / "weights.npz"
    found = []

    def measure(what: str, call: Callable[[], Any]) -> None:
        found.append((what, path.stat().st_size, peak(call)))

    save_weights(model, path)
    measure("load_weights", lambda: load_weights(model, path))
    measure("weights_header", lambda: weights_header(path))
    np.savez(path, weight=np.zeros((1000, rows)), bias=np.zeros(rows))
    measure("load_weights, float64 into float32", lambda: load_weights(model, path))
    np.savez_compressed(path, weight=np.zeros((1000, 4 * rows), np.float32), bias=np.zeros(rows, np.float32))
    measure("load_weights, a bomb of another shape", lambda: load_weights(model, path))
    with zipfile.ZipFile(path, "w") as many:
        for k in range(500 * megabytes):
            many.writestr(f"{k}.npy", b"")
    measure("load_weights, members that are empty", lambda: load_weights(model, path))
    write(path, {"W": np.ones((1000, rows), np.float32), "epochs": [{"epoch": k, "loss": 0.5} for k in range(100)]})
    measure("read, a checkpoint", lambda: read(path))
    path.write_bytes(path.read_bytes()[:-1])
    measure("read, a damaged checkpoint", lambda: read(path))
    write(path, {})
    many, deep = b"[" + b"[]," * (MOST_LINE // 3 - 10) + b"[]]", b'{"":' * 500 + b"0" + b"}" * 500
    lines = {"more lists than may be": many, "as many dictionaries as may be": b",".join([deep] * (MOST_VALUES // 502))}
    for what, line in lines.items():
        path.write_bytes(summed(path.read_bytes(), b'{"": [%s]}\n' % line))
        measure(f"read, a checkpoint of {what}", lambda: read(path))
    return found


def main(arguments: list[str]) -> int:
    assert __doc__
    p = argparse.ArgumentParser(prog="python -m tests.attacks.fuzz_weights", description=__doc__.split("\n\n")[0])
    p.add_argument("--files", type=int, default=25_000)
    p.add_argument("--seed", type=int, default=0)
    o = p.parse_args(arguments)
    seen, slowest, most = fuzz(o.files, o.seed)
    print(f"{o.files:,} files, nothing raised but CheckpointError")
    for what, count in sorted(seen.items()):
        print(f"{what:<40}{count:>8,}")
    print(f"the slowest took {slowest:.3f} s of the processor; load took at most {most:,} bytes for a file")
    if slowest > 1 or most > MEMORY:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        for what, size, most in memory(Path(folder), megabytes=40):
            print(f"{what:<58}{size / 1e6:>8.2f} MB{most / 1e6:>10.2f} MB at most, {most / size:.2f} times the file")
    return 0


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
