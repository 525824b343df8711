"""`python -m benchmarks [STEP ...]`: our training steps beside the peers', in one run.

Every library runs in a process of its own and they take turns, so that a slow minute of the machine hits all of them. A
library that is not installed is left out and said. One ratio is minigen's time by the other's: below 1, minigen is
faster. The other ratio is each library's time by that of the fastest one that is not minigen. Memory is the most that a
process has held: of the host since its imports; on a GPU, what the library's arrays have held of the GPU at once. HIPS
autograd is called `autograd` as our engine is: give the Python of an environment that has it. `--device cuda` compares
those that can run on a GPU, in less than five minutes.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import json
import math
import os
import platform
import statistics
import sys
import time
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
    "cuda": ("minigen", "minigen_graphs", "torch", "torch_graph", "jax"),
}
"""The files …_steps.py for each device. `floor` does a step's matrix products alone. On a GPU PyTorch's compiler is
left out: it compiles for minutes, and a graph of the whole step is faster."""
PACKAGES = {"minigen_graphs": "minigen", "torch_fused": "torch", "torch_compile": "torch", "torch_graph": "torch"}
PACKAGES |= {"floor": "numpy"}
"""The package that a library needs, where that is not called as it is."""
HERE = Path(__file__).parent
CUDNN = ("lstm", "gru")
"""Steps that PyTorch computes by cuDNN, NVIDIA's library of neural networks."""
SOON = 15
"""Seconds that each library has at least, to be ready."""
LIMIT = 280
"""Seconds that the comparison on a GPU takes, at most."""
COLUMNS = f"{'library':<20}{'ms, median':>11}{'quartiles':>22}{'minigen / it':>14}{'it / fastest peer':>19}"
COLUMNS += f"{'memory, MiB':>13}"


@dataclass(frozen=True)
class Row:
    """What became of one step in one library: milliseconds and MiB. ratio: minigen's median by its own.
    to_fastest: its own median by that of the fastest library that is not minigen; NaN if there is none."""

    step: str
    library: str
    median: float
    low: float
    high: float
    ratio: float
    to_fastest: float
    mib: float

    def __str__(self) -> str:
        spread = f"{self.low:.3f} … {self.high:.3f}"
        ratios = f"{self.ratio:>14.2f}" + (f"{'':>19}" if math.isnan(self.to_fastest) else f"{self.to_fastest:>19.2f}")
        return f"{self.library:<20}{self.median:>11.3f}{spread:>22}{ratios}{self.mib:>13.0f}"


def with_threads(threads: int) -> dict[str, str]:
    """What tells every library how many threads it may use."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    eigen = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()} intra_op_parallelism_threads={threads}"
    on_device = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # or JAX takes most of a GPU's memory, beside the others
    return dict.fromkeys(names, str(threads)) | {"XLA_FLAGS": eigen} | on_device


def started(step: str, pythons: dict[str, str], threads: int, device: str, until: float) -> dict[str, Process]:
    """A worker of each library that has this step and is ready in time; others are said. They start side by side."""
    made = {}
    for library, python in pythons.items():
        command = [python, str(HERE / "worker.py"), library, step, device]
        made[library] = Process(command, environment(library) | with_threads(threads), until)
    workers = {}
    for library, worker in made.items():
        try:
            answer = json.loads(worker.first)
        except RuntimeError:
            answer = {"missing": "was not ready in time"}
        if "missing" in answer:
            print(f"{library} {answer['missing']}")
            worker.close()
        else:
            workers[library] = worker
    for worker in workers.values():
        worker.ask(str(STEPS[step].count))  # warm-up
    return workers


Found = dict[str, tuple[list[float], float]]
"""By library, the seconds of each step and the MiB."""


def measured(workers: dict[str, Process], count: int, rounds: int, until: float) -> Found:
    """Every library's steps, in turns. At the time `until` no further turn begins."""
    found: Found = {library: ([], 0.0) for library in workers}
    for k in range(rounds):
        if k and time.monotonic() > until:
            break
        for library, worker in workers.items():
            answer = json.loads(worker.ask(str(count)))
            found[library] = (found[library][0] + answer["seconds"], answer["mib"])
    return found


def is_peer(library: str) -> bool:
    """Whether it is another library that takes the whole step."""
    return not library.startswith(("minigen", "floor"))


def compare(step: str, pythons: dict[str, str], rounds: int, threads: int, device: str, seconds: float) -> list[Row]:
    """Time one step in every library, in turns, for about so many seconds."""
    problem, begun = STEPS[step], time.monotonic()
    print(f"\n{problem.described}")
    # most of the time goes into imports and compilation
    workers = started(step, pythons, threads, device, begun + max(0.75 * seconds, SOON))
    found = measured(workers, problem.count, rounds, begun + 0.9 * seconds)
    for worker in workers.values():
        worker.close()
    medians = {library: 1e3 * statistics.median(times) for library, (times, _) in found.items()}
    fastest = min((median for library, median in medians.items() if is_peer(library)), default=math.nan)
    ours, rows = medians.get("minigen", math.nan), []
    print(COLUMNS)
    for library, (times, mib) in found.items():
        low, median, high = (1e3 * q for q in statistics.quantiles(times, n=4))
        by = " (cuDNN)" if device == "cuda" and step in CUDNN and library.startswith("torch") else ""
        rows.append(Row(step, library + by, median, low, high, ours / median, median / fastest, mib))
        print(rows[-1], flush=True)
    return rows


def draw(rows: list[Row], title: str) -> Figure:
    """minigen's time by each other library's, a group of bars for each step, on a logarithmic axis about 1."""
    peers = [name for name in dict.fromkeys(row.library for row in rows) if name != "minigen"]
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
    parser.add_argument("--limit", type=float, metavar="SECONDS", help=f"of all of it (default: {LIMIT} for cuda)")
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
    rows, end = [], time.monotonic() + (o.limit or (LIMIT if o.device == "cuda" else math.inf))
    for k, step in enumerate(steps := o.steps or list(STEPS)):
        share = (end - time.monotonic()) / (len(steps) - k)
        rows += compare(step, pythons, o.rounds, o.threads, o.device, share)
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
