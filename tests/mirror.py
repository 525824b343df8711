"""A mirror on this machine, for tests of downloads: it can be wrong, cut off, or gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mirror:
    """What a server does.

    files: their contents by name; ranges: whether it can send the rest of a file; drop_after: bytes after which a
    connection breaks, of each request in turn; encoding: a header that makes browsers unpack a file. asked: every
    request so far, with the range that it asked for.
    """

    def __init__(self, files: dict[str, bytes]):
        self.files, self.ranges, self.drop_after, self.encoding = files, True, [], ""
        self.says_length, self.asked, self.url = True, [], ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name, asked = request.path.lstrip("/"), request.headers.get("Range", "")
        self.asked.append((name, asked))
        if name not in self.files:
            request.send_error(404)
            return
        body, start = self.files[name], 0
        if asked and self.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                request.send_error(416)
                return
        request.send_response(206 if asked and self.ranges else 200)
        if self.says_length:
            request.send_header("Content-Length", str(len(body) - start))
        if self.encoding:
            request.send_header("Content-Encoding", self.encoding)
        request.end_headers()
        rest = body[start:]
        request.wfile.write(rest[: self.drop_after.pop(0)] if self.drop_after else rest)


@contextmanager
def running(mirror: Mirror) -> Iterator[Mirror]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mirror.answer(self)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    mirror.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield mirror
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
