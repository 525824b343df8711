"""`python -m benchmarks [STEP ...]`: our training steps beside the peers', in one run.

Every library runs in a process of its own and they take turns, so that a slow minute of the machine hits all of them. A
library that is not installed is left out and said. The ratio is minigen's time by the other's: below 1, minigen is
faster. Memory is the most that a process has held of the host since its imports. HIPS autograd is called `autograd` as
our engine is: give the Python of an environment that has it. `--device cuda` compares those that can run on a GPU.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import itertools
import json
import os
import platform
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib.figure import Figure

from autograd import backend, console
from benchmarks.problems import STEPS
from benchmarks.process import Process, environment, processor
from minigen import plot
from minigen.atomic import atomically

LIBRARIES = {
    "cpu": ("minigen", "torch", "torch_fused", "torch_compile", "jax", "hips", "floor"),
    "cuda": ("minigen", "minigen_graphs", "torch", "torch_fused", "torch_compile", "jax"),
}
"""The files …_steps.py for each device. `floor` does a step's matrix products alone."""
PACKAGES = {"minigen_graphs": "minigen", "torch_fused": "torch", "torch_compile": "torch", "floor": "numpy"}
"""The package that a library needs, where that is not called as it is."""
HERE = Path(__file__).parent
COLUMNS = f"{'library':<15}{'ms, median':>11}{'quartiles':>22}{'minigen / it':>14}{'memory, MiB':>13}"


@dataclass(frozen=True)
class Row:
    """What became of one step in one library: milliseconds and MiB. ratio: minigen's median by its own."""

    step: str
    library: str
    median: float
    low: float
    high: float
    ratio: float
    mib: float

    def __str__(self) -> str:
        spread = f"{self.low:.3f} … {self.high:.3f}"
        return f"{self.library:<15}{self.median:>11.3f}{spread:>22}{self.ratio:>14.2f}{self.mib:>13.0f}"


def with_threads(threads: int) -> dict[str, str]:
    """What tells every library how many threads it may use."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    eigen = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()} intra_op_parallelism_threads={threads}"
    return dict.fromkeys(names, str(threads)) | {"XLA_FLAGS": eigen}


def started(step: str, pythons: dict[str, str], threads: int, device: str) -> dict[str, Process]:
    """A worker of each library that has this step; others are said."""
    workers = {}
    for library, python in pythons.items():
        command = [python, str(HERE / "worker.py"), library, step, device]
        worker = Process(command, environment(library) | with_threads(threads))
        answer = json.loads(worker.first)
        if "missing" in answer:
            print(f"{library} {answer['missing']}")
            worker.close()
        else:
            workers[library] = worker
    return workers


def compare(step: str, pythons: dict[str, str], rounds: int, threads: int, device: str) -> list[Row]:
    """Time one step in every library, in turns."""
    problem = STEPS[step]
    print(f"\n{problem.described}")
    workers = started(step, pythons, threads, device)
    for worker in workers.values():
        worker.ask(str(problem.count))  # warm-up
    seconds: dict[str, list[float]] = {library: [] for library in workers}
    mib = dict.fromkeys(workers, 0.0)
    for _ in range(rounds):
        for library, worker in workers.items():
            answer = json.loads(worker.ask(str(problem.count)))
            seconds[library] += answer["seconds"]
            mib[library] = answer["mib"]
    for worker in workers.values():
        worker.close()
    ours, rows = statistics.median(seconds["minigen"]), []
    print(COLUMNS)
    for library, times in seconds.items():
        low, median, high = (1e3 * q for q in statistics.quantiles(times, n=4))
        rows.append(Row(step, library, median, low, high, 1e3 * ours / median, mib[library]))
        print(rows[-1], flush=True)
    return rows


def draw(rows: list[Row], title: str) -> Figure:
    """minigen's time by each other library's, a group of bars for each step, on a logarithmic axis about 1."""
    peers = [name for name in dict.fromkeys(itertools.chain(*LIBRARIES.values())) if name != "minigen"]
    peers = [name for name in peers if any(row.library == name for row in rows)]
    steps = list(dict.fromkeys(row.step for row in rows))
    figure = Figure(figsize=(2 + 1.3 * len(steps), 4.5), layout="constrained")
    ax = figure.subplots()
    width = 0.8 / max(len(peers), 1)
    for k, peer in enumerate(peers):
        found = {row.step: row for row in rows if row.library == peer}
        x = [steps.index(step) + (k - (len(peers) - 1) / 2) * width for step in found]
        ratios = [row.ratio for row in found.values()]
        ax.bar(x, [r - 1 for r in ratios], width, bottom=1, color=plot.SERIES[(k + 1) % len(plot.SERIES)], label=peer)
        for at, row in zip(x, found.values(), strict=True):  # its quartiles are those of the other's time
            ax.plot([at, at], [row.ratio * row.median / q for q in (row.high, row.low)], color=plot.INK, linewidth=0.8)
    ax.axhline(1, color=plot.INK, linewidth=0.8)
    ax.set_yscale("log")
    ax.set_yticks([0.0625, 0.125, 0.25, 0.5, 1, 2], ["1/16", "1/8", "1/4", "1/2", "1", "2"])
    ax.minorticks_off()
    ax.set_xticks(range(len(steps)), steps)
    plot.finish(ax, "", "minigen's time / the other's", title)
    ax.legend(frameon=False, ncols=3, fontsize=8)
    return figure


def main(arguments: list[str]) -> None:
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}; default all")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each library (default: 7)")
    parser.add_argument("--threads", type=int, default=cores, help=f"of each library (default: {cores})")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="(default: cpu)")
    parser.add_argument("--hips", metavar="PYTHON", help="the Python of an environment with HIPS autograd")
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"), help="folder for steps.csv and steps.png")
    o = parser.parse_args(arguments)
    if unknown := set(o.steps) - set(STEPS):
        parser.error(f"there is no step {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    if o.device == "cuda" and not backend.cuda_is_available():
        parser.error("CuPy is not installed or finds no CUDA device")
    pythons = {}
    for name in LIBRARIES[o.device]:
        python = o.hips if name == "hips" else sys.executable
        if python and (name == "hips" or importlib.util.find_spec(PACKAGES.get(name, name))):
            pythons[name] = python
        else:
            print(f"{name} is left out: not installed, or not given")
    title = f"{processor()}, {o.threads} threads, float32" + (", on its CUDA device" if o.device == "cuda" else "")
    print(f"{title}, {cores} cores, Python {platform.python_version()}")
    rows = [row for step in o.steps or STEPS for row in compare(step, pythons, o.rounds, o.threads, o.device)]
    o.out.mkdir(parents=True, exist_ok=True)
    with atomically(o.out / "steps.csv") as file:
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, list(asdict(rows[0])))
        writer.writeheader()
        writer.writerows(map(asdict, rows))
        file.write(table.getvalue().encode())
    plot.save(draw(rows, title), o.out / "steps.png")
    print(f"\nwritten to {o.out}/: steps.csv, steps.png")


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
