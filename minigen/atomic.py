"""Files that are written completely or not at all: weights, checkpoints, pictures, tables."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def atomically(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Context manager: yield a binary file to write to. When the block ends, the file replaces `path` in one operation.

    path: where the file is after the block. After an error, SIGKILL or a power cut, `path` holds either its old or its
        whole new contents. Until then the bytes are in a new file in the same folder, `path` + 8 random digits +
        ".partial", so that two programs never write to the same file. An error removes the new file; SIGKILL and a
        power cut leave it. A path in `os.devnull`, as if that were a folder, writes nothing.

    Raises OSError, which names `path`, if the file cannot be written, for example because the disk is full.
    """
    path = Path(path)
    if Path(os.devnull) in path.parents:
        yield io.BytesIO()
        return
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with open(partial, "xb") as file:  # x: a file or a link of this name is an error, never written through
            yield file
            file.flush()
            os.fsync(file.fileno())  # the contents must be on the disk before the file has its final name
        os.replace(partial, path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(partial)):
            kept = " (its old contents are kept)" if path.exists() else ""
            raise OSError(error.errno, f"not written{kept}: {error.strerror or error}", str(path)) from error
        raise
    bring_to_disk(path.parent)


def bring_to_disk(folder: str | os.PathLike[str]) -> None:
    """Wait until the names of the files in `folder` are on the disk, on systems and disks that can do that."""
    if os.name != "posix":  # other systems cannot open a folder
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # a folder without permission to read: the file is in place all the same
        return
    try:
        os.fsync(descriptor)
    except OSError:  # network disks refuse fsync of a folder: the file is in place all the same
        pass
    finally:
        os.close(descriptor)
