"""Start as one of several ranks: wait for the others before MPI does, because MPI waits silently and for ever."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAUNCHERS = ("PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE")
"""Environment variables that MPICH and its relatives, process managers and Open MPI set for processes they start."""
RELAYED = 0.5
"""Time for `mpiexec` to pass on the printed text of a failed rank, in seconds. When a rank ends all ranks, `mpiexec`
drops text that it has not read, and it does not say when it has read everything."""
PATIENCE = 60
"""A rank that has waited for this number of seconds says which ranks it waits for."""


@contextmanager
def all_here() -> Iterator[None]:
    """Wait, before the block, until all ranks of this machine are here: MPI, which the block starts, waits silently.

    If the program of a rank has ended, say so and end all. Only for MPICH on Linux: a rank that is here holds a socket
    whose name is in no folder, and the ranks are children of the process `hydra_pmi_proxy`.
    """
    parent, count = Path(f"/proc/{os.getppid()}"), int(os.environ.get("MPI_LOCALNRANKS", 1))
    if count == 1 or not (parent / "comm").exists() or not (parent / "comm").read_text().startswith("hydra"):
        yield
        return
    who, names = f"rank {os.environ['PMI_RANK']}", [f"\0minigen {parent} {k}" for k in range(count)]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as here:
        here.bind(names[int(os.environ["MPI_LOCALRANKID"])])
        begun, said = time.monotonic(), False
        while absent := [k for k, name in enumerate(names) if not _answers(name)]:
            ranks = (parent / "task" / parent.name / "children").read_text().split()
            if sum(map(_lives, ranks)) < count:
                print(f"{who} waits for another rank, whose program has ended before it trained: all ranks are ended; "
                      "every rank must call fit", file=sys.stderr, flush=True)  # fmt: skip
                time.sleep(RELAYED)
                os.kill(os.getpid(), signal.SIGTERM)  # the launcher then ends the others
            if time.monotonic() - begun > PATIENCE and not said:
                said = True
                print(f"{who} has waited {PATIENCE} s for other ranks ({', '.join(map(str, absent))} on this machine) "
                      "that do not train yet: Ctrl-C ends all ranks", file=sys.stderr, flush=True)  # fmt: skip
            time.sleep(0.05)
        yield


def _answers(name: str) -> bool:
    """Whether a process holds the socket of this name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        return probe.connect_ex(name) == 0


def _lives(process: str) -> bool:
    """Whether a process, given by its number, has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def remove_names_of_shared_memory() -> None:
    """Remove the names of MPICH's shared memory: nobody removes them when ranks are killed.

    Called when all ranks use this memory, which stays until the last of them ends.
    """
    maps = Path("/proc/self/maps")
    for line in maps.read_text().splitlines() if maps.exists() else ():
        if "/dev/shm/mpich_shm" in line:
            Path(line.split()[5]).unlink(missing_ok=True)
