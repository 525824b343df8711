"""`python -m benchmarks.operations [--hips PYTHON]`: what single operations cost, forward and backward.

Twelve operations at three sizes, in float32. The libraries take turns, each in a process of its own; the figures are
ratios to minigen (above 1, minigen is faster), from the fastest of several turns. HIPS autograd is called `autograd` as
our engine is: give the Python of an environment that has it.
"""

import argparse
import importlib.util
import statistics
import sys
from pathlib import Path

from autograd import console
from benchmarks.process import Process, environment

OPERATIONS = ["add", "multiply", "divide", "maximum", "matmul", "exp", "log", "sqrt", "tanh", "sum", "mean", "getitem"]
COUNTS = {1: 2000, 1_000: 1000, 100_000: 50}
HERE = Path(__file__).parent


def start(python: str, library: str) -> Process:
    """A worker for one library."""
    return Process([python, str(HERE / "operations_worker.py"), library], environment(library))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operations", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--hips", metavar="PYTHON", help="the Python of an environment with HIPS autograd")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each library (default: 7)")
    arguments = parser.parse_args()
    pythons = {"minigen": sys.executable}
    if importlib.util.find_spec("torch"):
        pythons["torch"] = sys.executable
    if arguments.hips:
        pythons["hips"] = arguments.hips
    for missing in {"torch", "hips"} - set(pythons):
        print(f"{missing} is left out: not installed, or not given")
    workers = {library: start(python, library) for library, python in pythons.items()}
    peers = [library for library in workers if library != "minigen"]

    print(
        f"{'size':>8}  {'operation':<10}{'minigen, µs':>12}" + "".join(f"{peer + ' / minigen':>18}" for peer in peers)
    )
    for size, count in COUNTS.items():
        ratios: dict[str, list[float]] = {peer: [] for peer in peers}
        for name in OPERATIONS:
            best = dict.fromkeys(workers, float("inf"))
            for _ in range(arguments.rounds):
                for library, worker in workers.items():
                    best[library] = min(best[library], float(worker.ask(f"{name} {size} {count}")))
            for peer in peers:
                ratios[peer].append(best[peer] / best["minigen"])
            row = "".join(f"{ratios[peer][-1]:>18.2f}" for peer in peers)
            print(f"{size:>8}  {name:<10}{best['minigen'] * 1e6:>12.2f}{row}", flush=True)
        means = "".join(f"{statistics.geometric_mean(ratios[peer]):>18.2f}" for peer in peers)
        print(f"{size:>8}  {'geometric mean':<22}{means}\n")
    for worker in workers.values():
        worker.close()


if __name__ == "__main__":
    console.run(main)
