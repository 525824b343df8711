"""Data parallelism: several processes, on one machine or many, train together. Each takes a part of every batch.

    ∇ (1/n) Σᵢ ℓ(xᵢ)  =  Σᵣ (nᵣ/n) ∇ (1/nᵣ) Σ_{i in part r} ℓ(xᵢ)

`mpiexec -n 4 python …` starts four processes, called ranks, that run the same program from the same seed. They hold the
same weights and cut the same batch into parts. Before an optimizer steps, one all-reduce over the flat gradient
computes the sum on the right. So the weights stay the same on all ranks. Up to the rounding of sums, they equal the
weights of one process that trains on the whole batch. A program that `mpiexec` did not start is a team of one, and MPI
(mpi4py) is not imported.

`fit` and the steps of training do all of this. Each rank draws the random numbers of a step, such as the noise of a
VAE, from a generator of its own. Statistics of a batch, as in `normalisation.BatchNorm`, are over the rank's part.
"""

from __future__ import annotations

import atexit
import copy
import functools
import os
import pickle
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigen.errors import UsageError
from minigen.training import launch

GIVE_WAY = getattr(os, "sched_yield", lambda: time.sleep(0))
"""Lets another process have the core: with more ranks than cores, a rank that waits would hold up a rank that works."""
TAG = 20_000
"""The tag of the messages between ranks that wait or end. No message of another kind has it."""


class Team:
    """The processes (ranks) that train together, seen from one of them.

    comm: their MPI communicator, None for a single process.
    rank: the number of this process, from 0.
    size: the number of processes.
    weight: the weight nᵣ/n of this rank in `average` and `mean`. `share` sets it; 1/size at first and after an epoch.
    calls: the number of operations of all ranks (MPI's collective operations) that this rank has begun.
    heard: {other rank: (its `calls`, whether its program has ended)}, as that rank last told.

    Every rank must call `average`, `mean`, `from_first`, `everyones`, `same_on_all` and `agree` in the same order: the
    ranks wait for each other. If a rank ends while another waits for it, the waiting rank says so and ends all ranks.
    """

    def __init__(self, comm: Any = None):
        self.comm = comm
        self.rank: int = comm.Get_rank() if comm else 0
        self.size: int = comm.Get_size() if comm else 1
        self.weight = 1 / self.size
        self.calls, self.heard = 0, {r: (0, False) for r in range(self.size) if r != self.rank}

    def share(self, batch: np.ndarray) -> np.ndarray:
        """Return this rank's part of a batch, nᵣ of the n rows. From then on `weight` is nᵣ/n.

        batch: an array, (n, …), the same on all ranks. With fewer rows than ranks, a rank without a row returns the
            first row, and its weight is 0.
        """
        rows = np.array_split(batch, self.size)[self.rank]
        self.weight = len(rows) / len(batch)
        return rows if len(rows) else batch[:1]

    def noise(self, rng: np.random.Generator) -> np.random.Generator:
        """Return the generator that this rank draws from in its steps. For a single process it is `rng` itself.

        Otherwise it is a new generator, different on each rank and determined by the state of `rng`. The state of `rng`
        stays the same, so the order of the images does not depend on the number of ranks.
        rng: a generator in the same state on all ranks.
        """
        if self.size == 1:
            return rng
        return np.random.default_rng([int(copy.deepcopy(rng).integers(2**63)), self.rank])

    def average(self, gradient: np.ndarray) -> None:
        """Replace `gradient` on every rank, in place, by the weighted mean over ranks Σᵣ (nᵣ/n) gradientᵣ.

        nᵣ/n is the `weight` of rank r: its part of the batch last cut by `share`. Every rank must call this.
        gradient: this rank's flat gradient, a vector.
        """
        if self.size > 1:
            from mpi4py import MPI

            gradient *= self.weight
            self.wait(self.comm.Iallreduce(MPI.IN_PLACE, gradient))

    def mean(self, value: float) -> float:
        """Return, on every rank, the weighted mean over ranks Σᵣ (nᵣ/n) valueᵣ. Every rank must call this.

        value: this rank's number; nᵣ/n is its `weight`, its part of the n rows of a batch.
        """
        if self.size == 1:
            return value
        mean = np.array(value, float)
        self.average(mean)
        return float(mean)

    def from_first(self, value: Any) -> Any:
        """Return, on every rank, the `value` of rank 0, sent as a pickle. Every rank must call this."""
        return value if self.size == 1 else self._sent(value, 0)

    def everyones(self, value: Any) -> list[Any]:
        """Return, on every rank, the list of the `value` of each rank, sent as pickles. Every rank must call this."""
        return [value] if self.size == 1 else [self._sent(value, rank) for rank in range(self.size)]

    def _sent(self, value: Any, sender: int) -> Any:
        """Return the value of the rank `sender`."""
        packed = bytearray(pickle.dumps(value) if self.rank == sender else b"")
        size = np.array(len(packed))
        self.wait(self.comm.Ibcast(size, sender))
        packed = packed or bytearray(int(size))
        self.wait(self.comm.Ibcast(packed, sender))
        return value if self.rank == sender else pickle.loads(packed)

    def same_on_all(self, settings: dict[str, Any]) -> None:
        """Raise UsageError, on every rank, if a value of `settings` differs between ranks. Every rank must call this.

        settings: values by name. The error states the first name whose values differ, and the value of each rank.
        """
        everyones = self.everyones(settings)
        for name in dict.fromkeys(name for one in everyones for name in one):
            values = [one.get(name) for one in everyones]
            if any(value != values[0] for value in values):
                found = ", ".join(f"{value} on rank {rank}" for rank, value in enumerate(values))
                raise UsageError(f"the ranks must train alike, and {name} is {found}: give all ranks the same")

    def agree(self, arrays: Iterable[np.ndarray]) -> None:
        """Overwrite `arrays` on every rank by the arrays of rank 0, in place. Every rank must call this.

        Statistics of batches need this: they differ from rank to rank.
        """
        for array in arrays if self.size > 1 else ():
            array[...] = self.from_first(array)

    def wait(self, request: Any) -> None:
        """Wait until all ranks have joined in an operation. End all ranks if a rank has ended that has not joined.

        request: the MPI request of the operation, which this rank has just begun.
        """
        self.calls += 1
        seconds, due = 0, time.monotonic() + 1
        while not request.Test():
            GIVE_WAY()
            if time.monotonic() > due:
                seconds, due = seconds + 1, time.monotonic() + 1
                self._look_after_others(seconds)

    def _look_after_others(self, seconds: int) -> None:
        """What a rank does after each second of waiting."""
        if seconds == 1:
            self._tell(ended=False)
        self._listen()
        late = [rank for rank, (calls, _) in self.heard.items() if calls < self.calls]
        if ended := [rank for rank in late if self.heard[rank][1]]:
            print(f"rank {self.rank} of {self.size} waits for rank {ended[0]}, whose program has ended: all ranks are "
                  "ended; every rank must call fit, with the same arguments", file=sys.stderr)  # fmt: skip
            self.abort(1)
        speaker = min(set(range(self.size)) - set(late))  # one of the waiting ranks speaks for all
        if seconds == launch.PATIENCE and self.rank == speaker:
            whom = f"rank {', '.join(map(str, late))}" if late else "the others, which wait for something else"
            print(f"rank {self.rank} of {self.size} has waited {seconds} s for {whom}: Ctrl-C ends all ranks",
                  file=sys.stderr, flush=True)  # fmt: skip

    def _tell(self, ended: bool) -> None:
        """Tell the other ranks how many operations this rank has begun, and whether its program has ended."""
        for rank in self.heard:
            self.comm.send((self.rank, self.calls, ended), rank, TAG)

    def _listen(self) -> None:
        """Read what other ranks told."""
        while self.comm.Iprobe(tag=TAG):
            rank, calls, ended = self.comm.recv(tag=TAG)
            self.heard[rank] = calls, ended

    def leave(self) -> None:
        """Tell the other ranks that the program of this rank has ended, and wait until theirs have, as MPI must."""
        self._tell(ended=True)
        while not all(ended for _, ended in self.heard.values()):
            self._listen()
            time.sleep(0.01)

    def abort(self, code: int) -> None:
        """End the processes of all ranks at once, as other ranks may wait for this one. A single process goes on.

        code: the exit status.
        """
        if self.size > 1:
            sys.stdout.flush()
            sys.stderr.flush()
            time.sleep(launch.RELAYED)
            self.comm.Abort(code)


@functools.cache
def team() -> Team:
    """Return the team of processes that this process was started in, always the same object.

    Every rank must call this. From the first call on, an exception that no code catches ends all processes of the team.
    A rank that ends in another way, such as sys.exit, ends all processes as soon as another rank waits for it.

    Raises UsageError if this process was started by MPI, but mpi4py cannot be imported.
    """
    if not any(name in os.environ for name in launch.LAUNCHERS):
        return Team()
    try:
        with launch.all_here():
            from mpi4py import MPI
    except ImportError as error:
        raise UsageError(
            f"this was started by mpiexec, but mpi4py cannot be imported ({error}): install minigen with its extra "
            "`mpi`, or start it without mpiexec"
        ) from None
    found = Team(MPI.COMM_WORLD)

    def ended(*exception: Any) -> None:
        print(f"rank {found.rank} of {found.size} failed:", file=sys.stderr)
        sys.__excepthook__(*exception)
        found.abort(1)

    if found.size > 1:
        sys.excepthook = ended
        atexit.register(lambda: None if MPI.Is_finalized() else found.leave())
        found.comm.Barrier()
        launch.remove_names_of_shared_memory()
    return found
