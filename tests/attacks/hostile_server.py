"""`python -m tests.attacks.hostile_server [NAME…]`: downloads from servers that do what no server should, FAULTS.

Each fault is tried twice. Alone it has to end in time with one DataError, which names the address, what came and the
cure; nothing may be left but one partial file. With a good mirror after it the file has to come from there.
"""

from __future__ import annotations

import gzip
import os
import re
import socket
import socketserver
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest import mock

from autograd import console
from minigen.data import fetch as fetching
from minigen.data.fetch import fetch
from minigen.errors import DataError
from tests.attacks import one_by_one
from tests.mirror import Mirror, running

CONTENT = bytes(range(256)) * 400
CURE = "do it by hand"
TIMEOUT, MIRROR_SECONDS, LATE = 0.7, 1, 3
"""The first two are lowered from those of `fetch`. LATE: seconds beyond them for a machine with much else to do."""
OK, LENGTH = b"HTTP/1.1 200 OK\r\n", b"Content-Length: %d\r\n\r\n"
Say = Callable[[bytes], None]


def drip(say: Say, head: bytes, piece: bytes) -> None:
    say(head)
    while True:
        say(piece)
        time.sleep(0.01)


def endlessly(say: Say, head: bytes, piece: bytes) -> None:
    say(head)
    while True:
        say(piece * 1000)


def reset(say: Say, start: int) -> None:
    """A few wrong bytes at a time; after each piece the connection is reset."""
    say(b"HTTP/1.1 206 Partial Content\r\n" + LENGTH % 99_000 + b"wrong" * 20)
    raise ConnectionResetError


def answered(text: bytes) -> Callable[[Say, int], None]:
    return lambda say, start: say(text)


FAULTS: dict[str, tuple[Callable[[Say, int], None], str]] = {
    "drips": (lambda say, _: drip(say, OK + LENGTH % len(CONTENT), b"x" * 200), "not complete after 1 s"),
    "drips headers": (lambda say, _: drip(say, OK, b"X"), "not complete after 1 s, 0 bytes"),
    "is silent": (lambda say, _: time.sleep(5), "no answer in 0.7 s"),
    "is silent in the body": (
        lambda say, _: (say(OK + LENGTH % len(CONTENT) + b"x"), time.sleep(5)), "no answer|not complete|broke"),
    "an endless body": (lambda say, _: endlessly(say, OK + b"\r\n", b"x"), "has more than 200,000 bytes"),
    "an endless chunked body": (
        lambda say, _: endlessly(say, OK + b"Transfer-Encoding: chunked\r\n\r\n", b"4\r\nabcd\r\n"),
        "has more than|not complete"),
    "endless headers": (lambda say, _: endlessly(say, OK, b"X: y\r\n"), "no connection|broke"),
    "an endless redirection": (
        lambda say, _: endlessly(say, b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", b"x"),
        "more than 10 redirections|not complete"),
    "an endless 404": (lambda say, _: endlessly(say, b"HTTP/1.1 404 Not Found\r\n\r\n", b"x"), "404 Not Found"),
    "says it is large": (answered(OK + LENGTH % 10**12 + b"x" * 999), "has more than 200,000 bytes"),
    "says it is small": (answered(OK + LENGTH % 1000 + CONTENT), "the file there is not it"),
    "says it is less than none": (answered(OK + LENGTH % -5 + CONTENT[:-1]), "the file there is not it|broke"),
    "says two lengths": (
        answered(OK + b"Content-Length: 5\r\n" + LENGTH % 9 + CONTENT), "the file there is not it|broke|no connec"),
    "sends less than it says": (answered(OK + LENGTH % 9000), "the connection broke"),
    "wrong": (answered(OK + LENGTH % 24 + b"<html>please log in</html>"), "the file there is not it"),
    "nothing": (answered(OK + LENGTH % 0), "the file there is not it"),
    "416": (answered(b"HTTP/1.1 416 No\r\n" + LENGTH % 0), "416 No"),
    "redirects in a circle": (
        answered(b"HTTP/1.1 302 Found\r\nLocation: /file\r\n" + LENGTH % 0), "more than 10 redirections|not complete"),
    "redirects to a file": (
        answered(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/hosts\r\n" + LENGTH % 0), "the connection broke"),
    "redirects to no address": (
        answered(b"HTTP/1.1 302 Found\r\nLocation: http://[x\r\n" + LENGTH % 0), "the connection broke"),
    "resets after each piece": (reset, "the file there is not it|has more than|not complete|broke"),
    "a gzip bomb": (
        answered(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(10**8), 1)[:150_000]), "is not it"),
    "no HTTP": (answered(b"220 ready\r\n" * 9), "no connection"),
    "hangs up": (answered(b""), "no connection"),
    "chunks without sense": (
        answered(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"), "the connection broke"),
}  # fmt: skip
"""What a server does, as a function of how to send bytes and the first byte asked for, and what has to be said of it.
"""
QUICK = ("drips headers", "an endless redirection", "says it is large", "wrong", "416", "resets after each piece",
         "a gzip bomb", "redirects in a circle")  # fmt: skip


@contextmanager
def serving(fault: str) -> Iterator[str]:
    """A server with this fault; its address. In the end it hangs up, so that no thread goes on with it."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def say(self, data: bytes) -> None:
            if over.is_set():
                raise ConnectionAbortedError
            self.request.sendall(data)

        def handle(self) -> None:
            self.request.settimeout(5)
            with suppress(OSError):
                asked = self.request.recv(2**16).decode()
                start = int(asked.partition("Range: bytes=")[2].partition("-")[0] or 0)
                try:
                    FAULTS[fault][0](self.say, start)
                except ConnectionResetError:  # closed with bytes unsent: the other side sees a reset
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.request.close()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads, request_queue_size = True, 100
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        over.set()
        server.shutdown()


def check(part: Path) -> None:
    if part.read_bytes() != CONTENT:
        raise DataError(part, "is not it", "")


def trouble(fault: str) -> str:
    """Meet a server with this fault, and return what is wrong with how that ends; "" if nothing is."""
    wrong = []
    lowered = mock.patch.multiple(fetching, TIMEOUT=TIMEOUT, MIRROR_SECONDS=MIRROR_SECONDS)
    with tempfile.TemporaryDirectory() as temporary, lowered, serving(fault) as url:
        path, begun = Path(temporary, "file"), time.monotonic()
        try:
            fetch([url], path, check, CURE, 200_000)
            wrong.append("no error")
        except DataError as error:
            sentence = str(error)
            if not re.search(FAULTS[fault][1], sentence) or url not in sentence or not sentence.endswith(f": {CURE}"):
                wrong.append(f"it says {sentence!r}")
        if (seconds := time.monotonic() - begun) > MIRROR_SECONDS + LATE:
            wrong.append(f"it took {seconds:.1f} s")
        if left := {p.name for p in path.parent.iterdir()} - {"file.part"}:
            wrong.append(f"it left {left}")
        with running(Mirror({"file": CONTENT})) as good:
            fetch([url, good.url], path, check, CURE, 200_000)
        if [p.name for p in path.parent.iterdir()] != ["file"] or path.read_bytes() != CONTENT:
            wrong.append("the second mirror did not help")
    return "; ".join(wrong)


def many_pieces(count: int = 1100) -> None:
    """A download that breaks after every few bytes goes on until it is complete."""
    with tempfile.TemporaryDirectory() as temporary, running(Mirror({"file": CONTENT})) as mirror:
        mirror.drop_after = [len(CONTENT) // count] * count
        fetch([mirror.url], Path(temporary, "file"), check, CURE, 200_000)
        assert len(mirror.asked) > count


def main(names: list[str]) -> int:
    if not names:
        many_pieces()
    return one_by_one(names or FAULTS, trouble)


if __name__ == "__main__":
    os.environ["NO_PROXY"] = "*"
    console.run(lambda: main(sys.argv[1:]))
