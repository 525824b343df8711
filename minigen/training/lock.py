"""A lock on a folder: one process at a time may use it, and the system frees the lock when this process ends."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from minigen.errors import CheckpointError

NAME = "minigen.lock"
"""The name of the locked file in the folder. The file stays when the lock is free."""
FAR = 1 << 20
"""Windows hides the locked byte from other processes: this one, behind the text in the file."""

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

    HELD: tuple[type[OSError], ...] = (PermissionError,)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    HELD = (BlockingIOError,)


class FolderLock:
    """A lock on a folder, for one process of one program. The file NAME in the folder says which process holds it.

    folder: is made by `take` if it does not exist.
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = Path(folder)
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock. On a disk that cannot lock, such as some network disks, this does nothing.

        Raises CheckpointError, which names the process, if the lock is taken; OSError if the folder cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / NAME, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            _lock(descriptor)
        except HELD:
            holder = os.read(descriptor, 100).decode(errors="replace")
            os.close(descriptor)
            who = holder.strip() if holder.strip().isprintable() and holder.strip() else "another process"
            raise CheckpointError(f"{self.folder} is in use by {who}: wait for it, or name another folder") from None
        except OSError:
            os.close(descriptor)
            return
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())

    def free(self) -> None:
        """Free the lock, if this object holds it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    __del__ = free
