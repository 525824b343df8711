"""`python -m benchmarks.ranks`: a training step by 1, 2 and 4 processes, each with one thread, through MPI.

The batch is the same whatever their number. Beside it one process with a thread for each core, which is what they have
to beat on one machine, and what the all-reduce alone takes. Needs the extra `mpi`.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from autograd import console
from benchmarks.process import environment, processor
from minigen.nade import NADE
from minigen.training.memory import keep_freed_memory
from minigen.training.optim import Adam
from minigen.training.parallel import team
from minigen.training.steps import Descent
from minigen.vae import bernoulli_vae

RANKS, STEPS = (1, 2, 4), 40
MODELS = {
    "NADE 784-500, batch 128": (128, lambda rng: NADE(784, 500, rng=rng)),
    "NADE 784-500, batch 1024": (1024, lambda rng: NADE(784, 500, rng=rng)),
    "VAE 784-500-500-20, batch 128": (128, lambda rng: bernoulli_vae(784, (500, 500), 20, rng=rng)),
    "VAE 784-500-500-20, batch 1024": (1024, lambda rng: bernoulli_vae(784, (500, 500), 20, rng=rng)),
}


def worker(name: str) -> None:
    """On every rank; the first prints the median seconds of a step, those of its all-reduce, and how many bytes that
    is about."""
    keep_freed_memory()  # as `train.fit` does
    batch, made = MODELS[name]
    rng = np.random.default_rng(0)
    x = (rng.random((batch, 784)) < 0.3).astype(np.float32)
    model = made(rng)
    step, noise = Descent(model, Adam(model)), team().noise(rng)
    of_step, of_reduce = [], []
    for k in range(STEPS + 5):
        begun = time.perf_counter()
        step(team().share(x), noise)
        stepped = time.perf_counter()
        team().average(model.flat_grad)
        if k >= 5:
            of_step.append(stepped - begun)
            of_reduce.append(time.perf_counter() - stepped)
    if team().rank == 0:
        print(json.dumps([statistics.median(of_step), statistics.median(of_reduce), model.flat_grad.nbytes]))


def measured(name: str, ranks: int, threads: int) -> list[float]:
    """What `worker` prints; without MPI where there is one rank."""
    beside = Path(sys.executable).with_name("mpiexec")
    start = [str(beside) if beside.exists() else "mpiexec", "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run(
        [*start, sys.executable, "-m", "benchmarks.ranks", name],
        env=environment() | {"OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def main() -> None:
    cores = os.cpu_count() or 1
    print(f"{processor()}, {cores} cores, float32, Adam")
    print(f"{'':<28}{'ms a step':>10}{'speed-up':>10}{'all-reduce, ms':>16}{'MB':>8}")
    for name in MODELS:
        print(name)
        alone = 0.0
        for ranks, threads in [(1, 1), (1, cores), *((n, 1) for n in RANKS[1:])]:
            seconds, reduce, size = measured(name, ranks, threads)
            alone = alone or seconds
            who = f"  {ranks} ranks" if ranks > 1 else f"  1 process, threads: {threads}"
            row = f"{who:<28}{1e3 * seconds:>10.1f}{alone / seconds:>10.2f}"
            print(row + (f"{1e3 * reduce:>16.2f}{size / 1e6:>8.1f}" if ranks > 1 else ""), flush=True)


if __name__ == "__main__":
    console.run(lambda: worker(sys.argv[1]) if len(sys.argv) > 1 else main())
