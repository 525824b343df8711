"""The idx format: what is read, and what is refused before memory is taken for it."""

import gzip
import os
import tracemalloc

import numpy as np
import pytest

from minigen.data.idx import header_of, read_idx
from minigen.errors import DataError

IMAGES = np.arange(5 * 3 * 2, dtype=np.uint8).reshape(5, 3, 2)
WHOLE = header_of(IMAGES.shape) + IMAGES.tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


def test_the_header_is_big_endian():
    assert header_of((60_000, 28, 28)).hex(" ") == "00 00 08 03 00 00 ea 60 00 00 00 1c 00 00 00 1c"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda b: gzip.compress(b[:20]) + gzip.compress(b[20:])])
@pytest.mark.parametrize("shape", [(5, 3, 2), (30,), (0, 28, 28)])
def test_an_array_is_read_plain_or_compressed_whatever_the_files_name(pack, shape, path):
    items = IMAGES.reshape(-1)[: np.prod(shape)].reshape(shape)
    path.write_bytes(pack(header_of(shape) + items.tobytes()))
    read = read_idx(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, items)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is no idx file of bytes: it begins with ''"),
        (b"\0\0\x08", "is no idx file of bytes"),
        (b"PK\3\4" + bytes(100), "begins with '50 4b 03 04', not with 00 00 08 and a number of dimensions from 1 to 4"),
        (b"\0\0\x0d\3" + WHOLE[4:], "begins with '00 00 0d 03'"),  # floats
        (b"\0\0\x08\0" + WHOLE[4:], "begins with '00 00 08 00'"),
        (b"\0\0\x08\xff" + WHOLE[4:], "begins with '00 00 08 ff'"),
        (WHOLE[:9], "ends within its header"),
        (WHOLE[:-1], "claims to have 5 × 3 × 2 bytes, and has 29"),
        (WHOLE + b"!", "claims to have 5 × 3 × 2 bytes, and has more"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_is_not_whole_or_not_of_the_format_is_refused(content, problem, pack, path):
    path.write_bytes(pack(content))
    with pytest.raises(DataError) as refused:
        read_idx(path)
    assert problem in str(refused.value)
    assert str(refused.value).startswith(str(path))
    assert str(refused.value).endswith("get it again, or write it again as bytes in the idx format")


def test_an_array_beyond_the_limit_is_refused_before_it_is_read(path):
    path.write_bytes(header_of((2**31, 2**31, 2**31)))
    with pytest.raises(DataError, match="and at most 134,217,728 are read: take fewer or smaller images, or in Python"):
        read_idx(path)


def test_what_is_no_regular_file_is_refused_at_once(path):
    """A pipe without a writer would be waited for, a device never ends."""
    os.mkfifo(path)
    for endless in (path, "/dev/zero"):
        with pytest.raises(DataError, match="is a pipe or a device, expected a file: get it again"):
            read_idx(endless)
    with pytest.raises(DataError, match="is a folder, expected a file"):
        read_idx(path.parent)
    with pytest.raises(DataError, match="none is not there: get it again"):
        read_idx(path.parent / "none")


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:10] + b"\xff" + b[11:], lambda b: b[:-5] + b"!" * 5])
def test_damaged_gzip_is_refused(damage, path):
    path.write_bytes(damage(gzip.compress(WHOLE)))
    with pytest.raises(DataError, match="damaged where gzip compressed it"):
        read_idx(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_false_claim_takes_no_memory(pack, path):
    """Of a file of a few bytes, 2³² − 1 are said to be there; that is within the bound, and is not asked for."""
    path.write_bytes(pack(header_of((2**32 - 1,))))
    tracemalloc.start()
    with pytest.raises(DataError, match="claims to have 4294967295 bytes, and cannot have more than"):
        read_idx(path, most_bytes=2**32)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


def test_a_bomb_is_not_unpacked(path):
    """30 MB of zeros in 30 kB: neither beyond the claim nor beyond the bound."""
    for claim, problem in [((10,), "and has more"), ((30_000_000,), "at most 20,000,000 are read")]:
        path.write_bytes(gzip.compress(header_of(claim) + bytes(30_000_000), 1))
        tracemalloc.start()
        with pytest.raises(DataError, match=problem):
            read_idx(path, most_bytes=20_000_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10**6
