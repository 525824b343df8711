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

import copy
import functools
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigen.errors import UsageError

LAUNCHERS = ("PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE")
"""Environment variables that MPICH and its relatives, process managers and Open MPI set for processes they start."""


RELAYED = 0.5
"""Time for `mpiexec` to pass on the printed text of a failed rank, in seconds. When a rank ends all ranks, `mpiexec`
drops text that it has not read, and it does not say when it has read everything."""


class Team:
    """The processes (ranks) that train together, seen from one of them.

    comm: their MPI communicator, None for a single process.
    rank: the number of this process, from 0.
    size: the number of processes.
    weight: the weight nᵣ/n of this rank in `average` and `mean`. `share` sets it; 1/size at first and after an epoch.

    Every rank must call `average`, `mean`, `from_first` and `agree` in the same order: the ranks wait for each other.
    """

    def __init__(self, comm: Any = None):
        self.comm = comm
        self.rank: int = comm.Get_rank() if comm else 0
        self.size: int = comm.Get_size() if comm else 1
        self.weight = 1 / self.size

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
            self.comm.Allreduce(MPI.IN_PLACE, gradient)

    def mean(self, value: float) -> float:
        """Return, on every rank, the weighted mean over ranks Σᵣ (nᵣ/n) valueᵣ. Every rank must call this.

        value: this rank's number; nᵣ/n is its `weight`, its part of the n rows of a batch.
        """
        return value if self.size == 1 else self.comm.allreduce(self.weight * value)

    def from_first(self, value: Any) -> Any:
        """Return, on every rank, the `value` of rank 0, sent as a pickle. Every rank must call this."""
        return value if self.size == 1 else self.comm.bcast(value)

    def agree(self, arrays: Iterable[np.ndarray]) -> None:
        """Overwrite `arrays` on every rank by the arrays of rank 0, in place. Every rank must call this.

        Statistics of batches need this: they differ from rank to rank.
        """
        for array in arrays if self.size > 1 else ():
            array[...] = self.from_first(array)

    def abort(self, code: int) -> None:
        """End the processes of all ranks at once, as other ranks may wait for this one. A single process goes on.

        code: the exit status.
        """
        if self.size > 1:
            sys.stdout.flush()
            sys.stderr.flush()
            time.sleep(RELAYED)
            self.comm.Abort(code)


@functools.cache
def team() -> Team:
    """Return the team of processes that this process was started in, always the same object.

    From the first call on, an exception that no code catches ends all processes of the team. SystemExit does not,
    because Python has no hook for it: call `abort` where a single rank may exit.

    Raises UsageError if this process was started by MPI, but mpi4py cannot be imported.
    """
    if not any(name in os.environ for name in LAUNCHERS):
        return Team()
    try:
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
    return found
