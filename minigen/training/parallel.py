"""Training by several processes at once, on one machine or many: each takes a part of every batch (data parallelism).

    ∇ (1/n) Σᵢ ℓ(xᵢ)  =  Σᵣ (nᵣ/n) ∇ (1/nᵣ) Σ_{i in part r} ℓ(xᵢ)

`mpiexec -n 4 python …` starts four processes, called ranks, that run the same program from the same seed. They hold the
same weights, cut the same batch into parts, and before an optimizer moves, one all-reduce over the flat gradient makes
the sum on the right. So the weights stay the same on all ranks, and equal to those of one process on the whole batch,
but for the rounding of sums. Started otherwise, a program is a team of one, and MPI (mpi4py) is not imported.

`fit` and the optimizers do all of this. What is drawn in a step, such as the noise of a VAE, comes from another
generator on each rank. Statistics of a batch, as in `normalisation.BatchNorm`, are those of a rank's part.
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
"""What MPICH and its relatives, process managers, and Open MPI say in the environment of the processes they start."""


RELAYED = 0.5
"""Seconds that `mpiexec` is given to pass on what a failed rank has printed: it drops what it has not yet read when the
rank ends all of them, and does not say when it has read it."""


class Team:
    """The processes that train together.  comm: their MPI communicator, None for one process alone."""

    def __init__(self, comm: Any = None):
        self.comm = comm
        self.rank: int = comm.Get_rank() if comm else 0
        self.size: int = comm.Get_size() if comm else 1
        self.weight = 1 / self.size  # of what this rank has in an average, see `share`

    def share(self, batch: np.ndarray) -> np.ndarray:
        """The rows of a batch that are this rank's, nᵣ of n; the averages that follow give them the weight nᵣ/n.

        Where there are more ranks than rows, those that are left take the first row with weight 0.
        """
        rows = np.array_split(batch, self.size)[self.rank]
        self.weight = len(rows) / len(batch)
        return rows if len(rows) else batch[:1]

    def noise(self, rng: np.random.Generator) -> np.random.Generator:
        """What this rank draws from within its steps: a stream of its own that follows from `rng`, which all ranks
        have in common and which stays as it is: the order of the images does not depend on the number of ranks. One
        process alone draws from `rng` itself."""
        if self.size == 1:
            return rng
        return np.random.default_rng([int(copy.deepcopy(rng).integers(2**63)), self.rank])

    def average(self, gradient: np.ndarray) -> None:
        """Σᵣ (nᵣ/n) gradientᵣ, in place, on every rank: one all-reduce."""
        if self.size > 1:
            from mpi4py import MPI

            gradient *= self.weight
            self.comm.Allreduce(MPI.IN_PLACE, gradient)

    def mean(self, value: float) -> float:
        """Σᵣ (nᵣ/n) valueᵣ."""
        return value if self.size == 1 else self.comm.allreduce(self.weight * value)

    def from_first(self, value: Any) -> Any:
        """What rank 0 has, on every rank."""
        return value if self.size == 1 else self.comm.bcast(value)

    def agree(self, arrays: Iterable[np.ndarray]) -> None:
        """Overwrite the arrays by those of rank 0: statistics of batches, which every rank has others of."""
        for array in arrays if self.size > 1 else ():
            array[...] = self.from_first(array)

    def abort(self, code: int) -> None:
        """End the processes of all ranks, which may wait for this one; nothing for one process alone."""
        if self.size > 1:
            sys.stdout.flush()
            sys.stderr.flush()
            time.sleep(RELAYED)
            self.comm.Abort(code)


@functools.cache
def team() -> Team:
    """The team that this process was started in. From then on an exception that nothing catches ends all of it; not so
    SystemExit, for which Python has no hook: call `abort` where one rank alone may leave.

    UsageError where it was started by MPI, but mpi4py is not installed.
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
