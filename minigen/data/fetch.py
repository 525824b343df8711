"""Download files from the web once. A file gets its own name only when it is complete and checked.

What came of a download that ended early is kept beside the file, under its name and `.part`, and the next download
continues there, if the server can send the rest of a file (HTTP range requests). A server may do anything: every
mirror is given up after `MIRROR_SECONDS`, and after more bytes than the file can have.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from minigen.atomic import atomically
from minigen.errors import DataError
from minigen.progress import progress_bar

TIMEOUT = 30
"""How long to wait for a server's next byte before giving it up, in seconds."""
MIRROR_SECONDS = 600
"""How long all connections to one mirror may take together, in seconds."""
PIECE, REDIRECTIONS = 2**14, 10
REST, NO_REST = 206, 416
"""Status codes that answer a Range request; any other success returns the whole file."""
BROKEN = (OSError, HTTPError, HTTPException, ValueError)
"""The errors of a connection. Those of `requests` are OSErrors; a ValueError is an address or a header without sense.
"""


def fetch(
    mirrors: Sequence[str], path: str | os.PathLike[str], check: Callable[[Path], object], cure: str, most: int
) -> None:
    """Download the file `path.name` from the first mirror that has a correct one, and write it to `path`.

    mirrors: URLs that end in a slash. path: where the file is written; it replaces a file there, and its folders are
    made.
    check: check(part) gets the path of the downloaded file and raises DataError if the file is wrong.
    cure: for the error, what the user can do if no mirror works.
    most: the largest number of bytes that the file can have. All of them are held in memory.

    Raises DataError if no mirror has a correct file or none can be reached, after `MIRROR_SECONDS` for each mirror at
    the latest. An OSError of the disk, such as a full one, passes through. If a download is interrupted, its bytes are
    kept for the next call. Two processes may download the same file at once.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    content, failures = b"", []
    with suppress(FileNotFoundError):
        content = part.read_bytes()[:most]
    try:
        for url in (mirror + path.name for mirror in mirrors):
            deadline, all_from_here = time.monotonic() + MIRROR_SECONDS, not content
            while True:
                start, connection = len(content), _Connection(url, content, most)
                try:
                    problem = connection.last_until(deadline)
                finally:
                    content = bytes(connection.content)
                if not problem:
                    try:
                        with atomically(path) as file:
                            file.write(content)
                            file.flush()
                            check(Path(file.name))
                        content = b""
                        return
                    except DataError as error:
                        problem, content = f"the file there {error.problem}", b""
                if content:  # the connection broke: go on if it brought bytes
                    again = len(content) > start and time.monotonic() < deadline
                else:  # the file is wrong: begin at byte 0 if its beginning came from elsewhere
                    again, all_from_here = not all_from_here, True
                if not again:
                    failures.append(f"{url} ({problem})")
                    break
    finally:
        if content:
            with atomically(part) as file:
                file.write(content)
        else:
            part.unlink(missing_ok=True)
    raise DataError(path.name, f"cannot be fetched from {' or '.join(failures)}", cure)


class _Session(requests.Session):
    """A session that follows no redirection: it would read the body of one into memory, and the body may never end."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Connection(threading.Thread):
    """One connection to a server, in a thread that can be left: a server can keep the thread waiting for ever.

    url: of the file. content: the first bytes of the file; the connection appends to them, or replaces them if the
    server sends the whole file. most: the largest number of bytes.
    total: the number of bytes of the whole file, if the server says it. problem: why the connection ended early, or "".
    left: True tells the thread to end.
    """

    def __init__(self, url: str, content: bytes, most: int):
        super().__init__(daemon=True)
        self.url, self.content, self.most = url, bytearray(content), most
        self.total: int | None = None
        self.problem, self.left = "", False

    def last_until(self, deadline: float) -> str:
        """Run, with a progress bar, until the server has sent everything or the deadline. Returns the problem or ""."""
        name, start = self.url.rsplit("/", 1)[1], len(self.content)
        self.start()
        try:
            with progress_bar(desc=name, initial=start, unit="B", unit_scale=True) as bar:
                while True:
                    self.join(0.1)
                    if self.total != bar.total:
                        bar.reset(self.total)
                    bar.update(len(self.content) - bar.n)
                    if not self.is_alive():
                        return self.problem
                    if time.monotonic() > deadline:
                        return f"not complete after {MIRROR_SECONDS} s, {len(self.content):,} bytes have come"
        finally:
            self.left = True

    def run(self) -> None:
        """Download, in the thread."""
        try:
            self._download()
        except BROKEN as error:
            self.problem = _reason(error)

    def _download(self) -> None:
        """Get the rest of the file if the server can send it, otherwise the whole file, following redirections."""
        url, start = self.url, len(self.content)
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        for _ in range(REDIRECTIONS + 1):
            with _Session() as session, session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
                if not response.is_redirect:
                    return self._receive(response)
                url = urljoin(url, response.headers["Location"])
        raise requests.TooManyRedirects

    def _receive(self, response: requests.Response) -> None:
        """Append the body of the response to `content`."""
        if response.status_code == NO_REST and self.content:
            return
        response.raise_for_status()
        if response.status_code != REST:
            self.content.clear()
        length = response.headers.get("Content-Length", "")
        self.total = len(self.content) + int(length) if length.isdigit() else None
        for piece in response.raw.stream(PIECE, decode_content=False):
            if self.left:
                return
            self.content += piece
            if max(len(self.content), self.total or 0) > self.most:
                self.content.clear()
                self.problem = f"the file there has more than {self.most:,} bytes"
                return
        if self.total is not None and len(self.content) < self.total:  # older versions of urllib3 do not notice
            raise ProtocolError("the body is shorter than its header says")


def _reason(error: Exception) -> str:
    """The error in a few words, since the messages of `requests` are paragraphs."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout | ReadTimeoutError):
        return f"no answer in {TIMEOUT} s"
    if isinstance(error, requests.TooManyRedirects):
        return f"more than {REDIRECTIONS} redirections"
    return "no connection" if isinstance(error, requests.ConnectionError) else "the connection broke"
