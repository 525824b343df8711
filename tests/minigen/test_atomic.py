"""A file is written completely or not at all."""

import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from minigen.atomic import atomically


def test_an_unfinished_file_is_never_seen_and_leaves_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    writing = atomically(path)
    file = writing.__enter__()
    file.write(b"ne")
    file.flush()
    assert path.read_bytes() == b"old"
    assert not writing.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # not true: the error goes on
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_contents_are_on_the_disk_before_the_name_and_the_name_before_it_returns(tmp_path, monkeypatch):
    """Otherwise a power cut may leave a name with nothing behind it."""
    events = []
    for name in ("fsync", "replace"):
        really = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, really=really: (events.append((name, *a)), really(*a))[1])
    with atomically(tmp_path / "file") as file:
        file.write(b"content")
        number = file.fileno()
    assert [event[0] for event in events] == ["fsync", "replace", "fsync"]
    assert events[0] == ("fsync", number)
    assert (tmp_path / "file").read_bytes() == b"content"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_two_writers_do_not_share_an_unfinished_file(tmp_path):
    with atomically(tmp_path / "file") as one:
        one.write(b"1" * 9)
        with atomically(tmp_path / "file") as other:
            other.write(b"2")
        assert (tmp_path / "file").read_bytes() == b"2"
    assert (tmp_path / "file").read_bytes() == b"1" * 9
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_link_in_the_place_of_the_unfinished_file_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "mine").write_bytes(b"mine")
    monkeypatch.setattr("secrets.token_hex", lambda n: "0" * 2 * n)
    (tmp_path / "file.00000000.partial").symlink_to(tmp_path / "mine")
    with pytest.raises(FileExistsError), atomically(tmp_path / "file"):
        pytest.fail("the link was opened")
    assert (tmp_path / "mine").read_bytes() == b"mine"


@pytest.mark.parametrize("kept", [True, False])
def test_a_full_disk_is_an_error_that_names_the_file(tmp_path, monkeypatch, kept):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "file"
    if kept:
        path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught, atomically(path) as file:
        file.write(b"new")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert ("its old contents are kept" in str(caught.value)) == kept
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"] * kept


def test_an_error_of_another_file_within_the_block_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomically(tmp_path / "file"):
        (tmp_path / "absent").read_bytes()
    assert Path(caught.value.filename) == tmp_path / "absent"
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_sync_a_folder_still_has_the_file(tmp_path, monkeypatch):
    """fsync of a folder answers EINVAL on some network disks."""
    really = os.fsync

    def refuses(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        really(descriptor)

    monkeypatch.setattr(os, "fsync", refuses)
    with atomically(tmp_path / "file") as file:
        file.write(b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_nothing_is_written_into_the_null_device():
    """Ranks other than the first get it as their folder."""
    with atomically(Path(os.devnull) / "weights.npz") as file:
        np.savez(file, weights=np.arange(3))
    assert not Path(os.devnull).is_dir()
