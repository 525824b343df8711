"""Download files from the web once. A file gets its own name only when it is complete and checked.

A download is written under a name that ends in `.part`, checked, and then renamed. A download that was interrupted
continues, now or the next time, if the server can send the rest of a file (HTTP range requests).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from minigen.errors import DataError

TIMEOUT = 30
"""How long to wait for a server's next byte before giving it up, in seconds."""
PIECE = 2**16
REST, NO_REST = 206, 416
"""Status codes that answer a Range request; any other success returns the whole file."""


def fetch(mirrors: Sequence[str], path: str | os.PathLike[str], check: Callable[[Path], object], cure: str) -> None:
    """Download the file `path.name` from the first mirror that has a correct one, and write it to `path`.

    mirrors: URLs that end in a slash. path: where the file is written; it replaces a file there, and its folders are
    made.
    check: check(part) gets the path of the downloaded file and raises DataError if the file is wrong.
    cure: for the error, what the user can do if no mirror works.

    Raises DataError if no mirror has a correct file or none can be reached. An OSError of the disk, such as a full
    one, passes through. If a download is interrupted, its bytes are kept for the next call.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    interrupted, part = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.{os.getpid()}.part")
    failures = []
    try:
        with suppress(FileNotFoundError):
            os.replace(interrupted, part)  # from now on no other process writes to it
        for url in (mirror + path.name for mirror in mirrors):
            try:
                _checked_download(url, part, check)
            except (requests.RequestException, HTTPError) as error:
                failures.append(f"{url} ({_reason(error)})")
            except DataError as error:
                failures.append(f"{url} (the file there {error.problem})")
            else:
                os.replace(part, path)
                return
    finally:
        with suppress(FileNotFoundError):
            os.replace(part, interrupted)
    raise DataError(path.name, f"cannot be fetched from {' or '.join(failures)}", cure)


def _checked_download(url: str, part: Path, check: Callable[[Path], object]) -> None:
    """Download and check; try again while connections bring bytes. If a continued file is wrong, start at byte 0."""
    continued, size = part.exists(), _size(part)
    try:
        _download(url, part)
    except HTTPError:
        if _size(part) <= size:
            raise
        return _checked_download(url, part, check)
    try:
        check(part)
    except DataError:
        part.unlink()
        if not continued:
            raise
        return _checked_download(url, part, check)


def _download(url: str, part: Path) -> None:
    """Open one connection: get the rest of the file if the server can send it, otherwise the whole file."""
    start = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == NO_REST:
            return
        response.raise_for_status()
        start *= response.status_code == REST
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        name = url.rsplit("/", 1)[1]
        bar = tqdm(desc=name, total=total, initial=start, unit="B", unit_scale=True, disable=None, dynamic_ncols=True)
        with bar, open(part, "ab" if start else "wb") as file:
            for piece in response.raw.stream(PIECE, decode_content=False):
                file.write(piece)
                bar.update(len(piece))
    if total is not None and _size(part) < total:  # older versions of urllib3 do not notice
        raise ProtocolError("the body is shorter than its header says")


def _size(path: Path) -> int:
    """The size of a file in bytes, 0 if it does not exist."""
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    """The error in a few words, since the messages of `requests` are paragraphs."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout | ReadTimeoutError):
        return f"no answer in {TIMEOUT} s"
    return "no connection" if isinstance(error, requests.ConnectionError) else "the connection broke"
