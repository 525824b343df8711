"""Downloads, from a server on this machine: whatever happens, nothing half-written or wrong gets a file's name."""

import os
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import tqdm

from minigen.data import fetch as fetching
from minigen.data.fetch import fetch
from minigen.errors import DataError
from tests.hostile_server import QUICK, serving, trouble
from tests.mirror import Mirror, running

CONTENT = bytes(range(256)) * 2000  # half a megabyte, several pieces
CURE = "do it by hand"


def check(path):
    if path.read_bytes() != CONTENT:
        raise DataError(path, "is not it", "")


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with running(Mirror({"file": CONTENT})) as mirror:
        yield mirror


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "file"


def get(path, *mirrors):
    fetch([m if isinstance(m, str) else m.url for m in mirrors], path, check, CURE, 2 * len(CONTENT))


def names(path):
    return sorted(p.name for p in path.parent.iterdir())


def test_a_file_is_fetched_and_nothing_else_is_left(mirror, path):
    get(path, mirror)
    assert path.read_bytes() == CONTENT
    assert names(path) == ["file"]
    assert mirror.asked == [("file", "")]


def test_where_no_mirror_has_it_one_sentence_says_which_and_what_to_do(mirror, path):
    mirror.files.clear()
    gone = "http://127.0.0.1:9/"
    with pytest.raises(DataError) as refused:
        get(path, mirror, gone)
    assert str(refused.value) == (
        f"file cannot be fetched from {mirror.url}file (404 Not Found) or {gone}file (no connection): do it by hand"
    )
    assert names(path) == []


def test_a_wrong_file_is_thrown_away_and_the_next_mirror_is_asked(mirror, path):
    with running(Mirror({"file": b"<html>please log in</html>"})) as wrong:
        with pytest.raises(DataError, match=r"\(the file there is not it\): do it by hand"):
            get(path, wrong)
        assert names(path) == []
        get(path, wrong, mirror)
    assert path.read_bytes() == CONTENT
    assert names(path) == ["file"]


def test_a_connection_that_breaks_is_continued_where_it_broke(mirror, path):
    mirror.drop_after = [100_000, 200_000]
    get(path, mirror)
    assert path.read_bytes() == CONTENT
    assert [asked for _, asked in mirror.asked] == ["", "bytes=100000-", "bytes=300000-"]


def test_what_has_come_is_kept_for_the_next_time(mirror, path):
    """Here the server gives nothing any more after the first piece."""
    mirror.drop_after = [100_000, 0]
    with pytest.raises(DataError, match="the connection broke"):
        get(path, mirror)
    assert names(path) == ["file.part"]
    get(path, mirror)
    assert mirror.asked[-1] == ("file", "bytes=100000-")
    assert path.read_bytes() == CONTENT
    assert names(path) == ["file"]


def test_two_downloads_of_one_file_at_once_do_not_meet(mirror, path):
    mirror.drop_after = [50_000] * 12
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: get(path, mirror), range(2)))
    assert path.read_bytes() == CONTENT
    assert names(path) == ["file"]


def test_ctrl_c_keeps_what_has_come(mirror, path, monkeypatch):
    def interrupted(self, n=1):
        if n:
            raise KeyboardInterrupt

    monkeypatch.setattr(tqdm.tqdm, "update", interrupted)
    with serving("drips") as slow, pytest.raises(KeyboardInterrupt):
        get(path, slow)
    monkeypatch.undo()
    assert names(path) == ["file.part"]
    came = (path.parent / "file.part").stat().st_size
    assert 0 < came < len(CONTENT)
    get(path, mirror)
    assert mirror.asked[0][1] == f"bytes={came}-"
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_it_all_anew(mirror, path):
    mirror.ranges, mirror.drop_after = False, [100_000]
    get(path, mirror)
    assert path.read_bytes() == CONTENT
    assert [asked for _, asked in mirror.asked] == ["", "bytes=100000-"]
    mirror.drop_after = [100_000] * 9  # it always breaks there: that is no progress
    path.unlink()
    with pytest.raises(DataError, match="the connection broke"):
        get(path, mirror)
    assert len(mirror.drop_after) == 7


@pytest.mark.parametrize("beginning", [b"of another file", CONTENT + b"too much"])
def test_what_does_not_continue_is_begun_anew(beginning, mirror, path):
    path.parent.mkdir()
    (path.parent / "file.part").write_bytes(beginning)
    get(path, mirror)
    assert path.read_bytes() == CONTENT
    assert [asked for _, asked in mirror.asked] == [f"bytes={len(beginning)}-", ""]


def test_a_download_that_was_complete_but_for_its_name_is_taken(mirror, path):
    path.parent.mkdir()
    (path.parent / "file.part").write_bytes(CONTENT)
    get(path, mirror)
    assert path.read_bytes() == CONTENT
    assert len(mirror.asked) == 1


def test_a_body_that_ends_early_without_a_length_is_found_by_the_check(mirror, path):
    mirror.says_length, mirror.drop_after = False, [1000]
    with pytest.raises(DataError, match="the file there is not it"):
        get(path, mirror)
    assert names(path) == []


def test_the_file_is_stored_as_it_is_even_where_browsers_are_told_to_unpack_it(mirror, path):
    mirror.encoding = "gzip"
    get(path, mirror)
    assert path.read_bytes() == CONTENT


def test_a_full_disk_is_said_as_such(mirror, path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        get(path, mirror)
    assert names(path) == []


def test_a_server_that_is_silent_is_given_up(path, monkeypatch):
    def silent(session, url, **options):
        assert options["timeout"] == fetching.TIMEOUT
        raise requests.ReadTimeout

    monkeypatch.setattr(requests.Session, "get", silent)
    with pytest.raises(DataError, match=r"from http://x/file \(no answer in 30 s\)"):
        get(path, "http://x/")


def test_the_bar_is_for_terminals_and_counts_bytes(mirror, path, capsys, monkeypatch):
    get(path, mirror)
    assert capsys.readouterr().err == ""
    path.unlink()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    get(path, mirror)
    shown = capsys.readouterr()
    assert "file: 100%" in shown.err
    assert "512k/512k" in shown.err
    assert shown.out == ""


@pytest.mark.parametrize("fault", QUICK)
def test_whatever_a_server_does_ends_in_time_with_a_sentence_or_the_file(fault, monkeypatch):
    """`python -m tests.hostile_server` has more of them."""
    monkeypatch.setenv("NO_PROXY", "*")
    tracemalloc.start()
    try:
        assert trouble(fault) == ""
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()
