"""Files are written at once or not at all; what comes back is what was saved, and other files are refused."""

import os
import tracemalloc

import numpy as np
import pytest

from minigen import __version__
from minigen.errors import CheckpointError
from minigen.nade import NADE
from minigen.training.files import load_weights, read, save_weights, write
from tests.fuzz_checkpoint import summed

# -- weights


def test_weights_come_back_exactly(rng, tmp_path):
    saved, loaded = NADE(5, 3, rng=rng), NADE(5, 3, rng=rng)
    assert (saved.flat != loaded.flat).any()
    save_weights(saved, tmp_path / "weights.npz")
    load_weights(loaded, tmp_path / "weights.npz")
    np.testing.assert_array_equal(saved.flat, loaded.flat)


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
        with pytest.raises(CheckpointError, match=r"weights\.npz is damaged or holds no weights of minigen"):
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
