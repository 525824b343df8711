"""Files are written at once or not at all; what comes back is what was saved, and other files are refused."""

import json
import os
import tempfile
import tracemalloc
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from minigen import __version__
from minigen.errors import CheckpointError
from minigen.nade import NADE
from minigen.nn.module import Module, Parameter
from minigen.table import IndependentBernoulli
from minigen.training import files
from minigen.training.files import HEADER, MOST_LINE, load_weights, read, save_weights, weights_header, write
from minigen.training.history import Epoch
from tests.attacks.fuzz_checkpoint import summed
from tests.attacks.fuzz_weights import MEMORY, fuzz, memory

# -- weights


def test_weights_come_back_exactly(rng, tmp_path):
    saved, loaded = NADE(5, 3, rng=rng), NADE(5, 3, rng=rng)
    assert (saved.flat != loaded.flat).any()
    save_weights(saved, tmp_path / "weights.npz")
    load_weights(loaded, tmp_path / "weights.npz")
    np.testing.assert_array_equal(saved.flat, loaded.flat)


@pytest.mark.parametrize("kind", [str, Path])
def test_the_name_of_the_file_is_as_it_is_given_text_or_a_path(kind, rng, tmp_path):
    model, path = NADE(5, 3, rng=rng), kind(tmp_path / "größer")
    save_weights(model, path)
    load_weights(model, path)
    assert [p.name for p in tmp_path.iterdir()] == ["größer"]


def test_the_header_says_which_model_it_is_and_numpy_reads_the_file(rng, tmp_path):
    model, path = NADE(5, 3, rng=rng), tmp_path / "weights.npz"
    save_weights(model, path, data="digits", hidden=[3])
    facts = {"data": "digits", "hidden": [3]}
    model_of_file = {"NADE": {"D": 5, "H": 3}}
    assert weights_header(path) == {"format": 2, "version": __version__, "model": model_of_file, "facts": facts}
    with np.load(path) as found:
        assert json.loads(found[HEADER].item()) == weights_header(path)
        assert set(found.files) == {HEADER, *model.arrays()}
        np.testing.assert_array_equal(found["W"], model.W.data)
    with pytest.raises(CheckpointError, match=r"holds a NADE with W \(5, 3\), .*but the module has W \(5, 4\)"):
        load_weights(NADE(5, 4, rng=rng), path)
    before = path.read_bytes()
    for wrong, error in (({"rng": rng}, TypeError), ({"text": "x" * 270_000}, ValueError)):
        with pytest.raises(error, match=r"not JSON serializable|at most 262,144 bytes of facts"):
            save_weights(model, path, **wrong)
    assert path.read_bytes() == before


def test_weights_without_a_header_are_read_in_the_dtype_of_the_module(rng, tmp_path):
    """Of an earlier minigen, or of np.savez; parameters may be called as its arguments are."""
    path, model, loaded = tmp_path / "weights.npz", NADE(5, 3, rng=rng), NADE(5, 3, rng=rng).astype(np.float64)
    arrays = {
        name: np.asfortranarray(array.astype(array.dtype.newbyteorder(">"))) for name, array in model.arrays().items()
    }
    np.savez_compressed(path, **arrays)
    assert weights_header(path) == {}
    load_weights(loaded, path)
    assert loaded.W.data.dtype == np.float64
    np.testing.assert_array_equal(loaded.flat, model.flat)

    class Odd(Module):
        def __init__(self, value):
            self.file, self.allow_pickle = Parameter(value), Parameter(value)

    odd = Odd(7.0)
    save_weights(odd, path)
    odd.flat[...] = 0
    load_weights(odd, path)
    assert odd.flat.tolist() == [7, 7]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_pipe_or_a_device_is_refused_at_once(rng, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        for reader in (partial(load_weights, NADE(5, 3, rng=rng)), weights_header, read):
            with pytest.raises(CheckpointError, match=r"(pipe|zero) is a FIFO, a device or a socket: name a file"):
                reader(path)


RULES = [
    ("order", np.array([0, 1, 2, 3, 3]), "order that is not a permutation of 0 … D − 1"),
    ("order", np.array([0, 1, 2, 3, 5]), "order that is not a permutation"),
    ("order", np.arange(5) - (1 << 62), "order that is not a permutation|too large for"),
    ("W", np.full((5, 3), np.nan), "W that is not free of NaN"),
    ("W", np.full((5, 3), 1e39), "numbers in W that are too large for float32"),
    ("W", np.ones((5, 3), complex), "holds W complex numbers .5, 3., but the module has W .5, 3."),
    ("W", np.full((5, 3), "text"), "damaged or holds no weights"),
    ("b", np.zeros(5, bool), "holds b truth values .5,., but the module has b .5,."),
]


@pytest.mark.parametrize(("name", "array", "words"), RULES, ids=range(len(RULES)))
def test_an_array_that_the_module_cannot_hold_is_refused_and_nothing_is_lost(name, array, words, rng, tmp_path):
    """The wrong array stands last in the file: those before it are not taken either."""
    path, model, other = tmp_path / "weights.npz", NADE(5, 3, rng=rng), NADE(5, 3, rng=rng)
    np.savez(path, **{n: a for n, a in other.arrays().items() if n != name}, **{name: array})
    before = {n: a.copy() for n, a in model.arrays().items()}
    with pytest.raises(CheckpointError, match=words):
        load_weights(model, path)
    for n, a in model.arrays().items():
        np.testing.assert_array_equal(a, before[n])


def test_a_probability_of_0_may_be_saved(tmp_path):
    """Its logit is −∞, and only NaN is no number."""
    model = IndependentBernoulli(3).fit(np.array([[0.0, 1.0, 1.0]]), smoothing=0)
    save_weights(model, tmp_path / "w")
    loaded = IndependentBernoulli(3)
    load_weights(loaded, tmp_path / "w")
    assert loaded.logits.data.tolist() == [-np.inf, np.inf, np.inf]


def test_broken_weights_are_refused_in_a_sentence_and_nothing_else_happens():
    """`python -m tests.attacks.fuzz_weights` does so with 25,000."""
    seen, slowest, most = fuzz(480, seed=7)
    for what in ("forged, refused", "forged, refused by load", "described, refused by load"):
        assert seen[what] > 110, what
    for what in ("inner", "damaged"):
        assert min(seen[f"{what}, refused"], seen[f"{what}, refused by load"]) > 110, what
    assert seen["described, taken"] > 60  # `load_weights` does not read the description
    assert slowest < 1
    assert most < MEMORY


def test_no_reader_takes_much_more_memory_than_the_file_is_long():
    with tempfile.TemporaryDirectory() as folder:
        found = {what: (size, most) for what, size, most in memory(Path(folder), megabytes=4)}
    margin = 2e6
    for what in ("load_weights", "load_weights, float64 into float32"):
        assert found[what][1] < 1.5 * found[what][0] + margin
    for what in ("weights_header", "load_weights, a bomb of another shape", "read, a damaged checkpoint"):
        assert found[what][1] < margin, what
    assert found["load_weights, members that are empty"][1] < 15e6
    assert found["read, a checkpoint"][1] < found["read, a checkpoint"][0] + margin
    assert found["read, a checkpoint of more lists than may be"][1] < 2 * MOST_LINE + margin
    assert found["read, a checkpoint of as many dictionaries as may be"][1] < 200e6


def test_weights_of_another_size_are_refused_and_nothing_is_lost(rng, tmp_path):
    save_weights(NADE(5, 3, rng=rng), tmp_path / "weights.npz")
    other = NADE(5, 4, rng=rng)
    before = other.flat.copy()
    with pytest.raises(CheckpointError, match=r"weights\.npz holds.*W \(5, 3\).*but the module has.*W \(5, 4\)"):
        load_weights(other, tmp_path / "weights.npz")
    np.testing.assert_array_equal(other.flat, before)


def test_files_that_are_no_weights_are_refused_and_nothing_is_lost(rng, tmp_path):
    """Cut anywhere, an array alone, or what looks like pickled code."""
    path, model = tmp_path / "weights.npz", NADE(5, 3, rng=rng)
    save_weights(model, path)
    whole, before = path.read_bytes(), model.flat.copy()
    np.save(tmp_path / "array.npy", before)
    others = [(tmp_path / "array.npy").read_bytes(), b"\x80\x04K\x07.", *(whole[:n] for n in range(0, len(whole), 97))]
    for content in others:
        path.write_bytes(content)
        with pytest.raises(
            CheckpointError,
            match=r"weights\.npz is (no file of weights or a damaged one|damaged or holds no weights of minigen)",
        ):
            load_weights(model, path)
    np.testing.assert_array_equal(model.flat, before)
    with pytest.raises(FileNotFoundError):
        load_weights(model, tmp_path / "none.npz")


def test_weights_that_cannot_be_written_leave_those_before(rng, tmp_path, monkeypatch):
    path, model = tmp_path / "weights.npz", NADE(5, 3, rng=rng)
    save_weights(model, path)
    before = model.flat.copy()
    model.flat[...] = 7

    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_weights(model, path)
    load_weights(model, path)
    np.testing.assert_array_equal(model.flat, before)


# -- checkpoints

STATE = {
    "settings": {"name": "größer", "sizes": [3, 4], "none": None, "yes": True},
    "numbers": [0.1, 5e-324, float("inf"), 1 << 127, -1],
    "arrays": {
        "whole": np.arange(6).reshape(2, 3),
        "real": np.array([0.1, -0.0, np.nan], np.float32),
        "turned": np.arange(6.0).reshape(2, 3).T,
        "one": np.array(3.5),
        "none": np.zeros((0, 4)),
        "truth": np.array([True, False]),
        "array": {"array": np.arange(2)},
        "listed": [[1, np.arange(2, dtype=np.uint8)], [2, np.arange(3, dtype=np.uint8)]],
    },
}


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return all(map(same, a, b)) and len(a) == len(b) if isinstance(a, list) else (a, type(a)) == (b, type(b))


def test_a_state_comes_back_exactly(tmp_path):
    write(tmp_path / "c", STATE)
    assert same(read(tmp_path / "c"), STATE)
    write(tmp_path / "c", {"x": np.float32(0.1), "n": np.int64(3), "nan": float("nan")})
    found = read(tmp_path / "c")
    assert (np.float32(found["x"]), found["n"], str(found["nan"])) == (np.float32(0.1), 3, "nan")


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([None]), np.array(["a"]), np.array([1], np.longdouble)])
def test_what_is_no_number_is_refused_and_the_file_before_stays(value, tmp_path):
    write(tmp_path / "c", STATE)
    with pytest.raises(TypeError, match="a checkpoint holds arrays of numbers, numbers and text, got"):
        write(tmp_path / "c", {"value": value})
    assert same(read(tmp_path / "c"), STATE)


def test_every_byte_counts(tmp_path):
    """Any one of them changed, the last ones missing, or one more: refused."""
    write(tmp_path / "c", {"x": np.arange(3.0)})
    good = (tmp_path / "c").read_bytes()
    broken = [good[:k] + bytes([good[k] ^ 1]) + good[k + 1 :] for k in range(len(good))]
    for data in [*broken, *(good[:k] for k in range(len(good))), good + b"\0"]:
        (tmp_path / "c").write_bytes(data)
        with pytest.raises(CheckpointError, match=r"/c (is damaged|has format)"):
            read(tmp_path / "c")


def test_a_file_of_another_format_names_the_version_that_reads_it(tmp_path):
    write(tmp_path / "c", STATE)
    line = f"format 1, version {__version__}".encode()
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes().replace(line, b"format 2, version 9.1.0"))
    with pytest.raises(CheckpointError, match=r"/c has format 2: read it with minigen 9\.1\.0"):
        read(tmp_path / "c")


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("<f4", [1 << 40]),
        ("<f4", [1 << 31, 1 << 31, 4]),
        ("<f8", [4]),
        ("<f4", [3]),
        ("<f4", [-1]),
        ("|O", [1]),
        ("<M8[s]", [1]),
    ],
)
def test_arrays_that_do_not_fill_the_file_are_refused_before_there_is_memory_for_them(dtype, shape, tmp_path):
    """16 bytes follow the line; the sum is right."""
    write(tmp_path / "c", {"x": np.zeros(4, np.float32)})
    good = (tmp_path / "c").read_bytes()
    body = b'{"x": {"__array__": ["%s", %s]}}\n' % (dtype.encode(), str(shape).encode()) + bytes(16)
    (tmp_path / "c").write_bytes(summed(good, body))
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="is no checkpoint of minigen, though its SHA-256 is right"):
            read(tmp_path / "c")
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_of_a_large_foreign_file_the_first_line_is_read(tmp_path):
    """16 GB of zeros, which take no space on most disks."""
    with open(tmp_path / "c", "wb") as file:
        file.truncate(1 << 34)
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="does not begin as one"):
            read(tmp_path / "c")
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_what_cannot_be_opened_is_said_so(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read: No such file"):
        read(tmp_path / "c")
    with pytest.raises(CheckpointError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_what_stands_beside_the_arrays_is_short(tmp_path, monkeypatch):
    """Dictionaries take 40 times more memory than their text, so a file may not hold as many as it likes."""
    write(tmp_path / "c", STATE)
    for name, most, why in (("MOST_LINE", 500, "Expecting"), ("MOST_VALUES", 20, "it has more than 20 values")):
        with monkeypatch.context() as patched:
            patched.setattr(files, name, most)
            with pytest.raises(CheckpointError, match=f"though its SHA-256 is right: {why}"):
                read(tmp_path / "c")
            with pytest.raises(CheckpointError, match=f"values beside arrays, at most .*{most}.*: train less"):
                write(tmp_path / "c", STATE)


def test_a_history_of_50_000_epochs_fits(tmp_path):
    epoch = asdict(Epoch(50_000, 0.12345678901234567, 0.12345678901234567, 86_399.12345678901))
    write(tmp_path / "c", STATE | {"epochs": [epoch] * 50_000})
    assert len(read(tmp_path / "c")["epochs"]) == 50_000
