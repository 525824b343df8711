"""Files from the web, once: nothing half-written or wrong ever bears a file's own name.

A download grows under a name that ends in `.part`, is checked there, and is then renamed. One that was interrupted is
continued, now or the next time, where the server can send the rest of a file (HTTP range requests).
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
"""Seconds without a byte, after which a server is given up."""
PIECE = 2**16
REST, NO_REST = 206, 416
"""Status codes that answer a Range request; any other success returns the whole file."""


def fetch(mirrors: Sequence[str], path: str | os.PathLike[str], check: Callable[[Path], object], cure: str) -> None:
    """Fetch the file `path.name` from the first of the mirrors that has it, and check it before it gets its name.

    mirrors: URLs that end in a slash. check: raises DataError for a wrong file. cure: what to do where no mirror has
        it, for the DataError that says so. An OSError, such as a full disk, passes; what has come so far is kept.
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
                failures.append(f"{url} (what came {error.problem})")
            else:
                os.replace(part, path)
                return
    finally:
        with suppress(FileNotFoundError):
            os.replace(part, interrupted)
    raise DataError(path.name, f"cannot be fetched from {' or '.join(failures)}", cure)


def _checked_download(url: str, part: Path, check: Callable[[Path], object]) -> None:
    """Go on as long as each connection brings something. What began as another file is thrown away and begun anew."""
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
    """One connection: the rest of the file if the server can, otherwise all of it."""
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
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    """In a few words, for errors whose own are a paragraph."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout | ReadTimeoutError):
        return f"no answer in {TIMEOUT} s"
    return "no connection" if isinstance(error, requests.ConnectionError) else "the connection broke"
