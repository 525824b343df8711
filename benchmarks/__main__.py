"""`python -m benchmarks [STEP ...]`: our training steps beside the peers', in one run.

Every library runs in a process of its own and they take turns, so that a slow minute of the machine hits all of them. A
library that is not installed is left out and said. Figures are ratios to minigen: above 1, minigen is faster.
"""

import argparse
import importlib.util
import json
import statistics
import sys

from benchmarks.process import Process

LIBRARIES = {"minigen": "minigen", "torch": "torch", "torch_fused": "torch", "jax": "jax", "floor": "numpy"}
"""The modules benchmarks.…_steps, and the package that each needs. `floor` does a step's matrix products alone."""
STEPS = {
    "nade": ("NADE D=784 H=500, batch 128, float32", 2),
    "tiny": ("MLP 2-16-16-1, batch 100, float32", 300),
    "lstm": ("LSTM over 784 pixels, H=128, batch 32, float32", 4),
    "gru": ("GRU over 784 pixels, H=128, batch 32, float32", 4),
    "vae": ("VAE 784-500-500-20, batch 128, float32, Adam", 20),
    "gan": ("GAN 64-256-512-784 and its mirror, batch 128, float32, a step of each, Adam", 20),
    "wgan_gp": ("the same with the Wasserstein objective and gradient penalty", 20),
}


def compare(step: str, libraries: list[str], rounds: int) -> None:
    """Time one step in every library, in turns, and print a row for each."""
    title, count = STEPS[step]
    print(f"\n{title}\n{'library':<12}{'ms, median':>12}{'quartiles':>20}{'to minigen':>12}{'first step, MiB':>17}")
    command = [sys.executable, "-m", "benchmarks.worker"]
    started = {library: Process([*command, library, step]) for library in libraries}
    workers = {library: worker for library, worker in started.items() if json.loads(worker.first)}
    for worker in workers.values():
        worker.ask(str(count))  # warm-up
    seconds: dict[str, list[float]] = {library: [] for library in workers}
    for _ in range(rounds):
        for library, worker in workers.items():
            seconds[library] += json.loads(worker.ask(str(count)))
    ours = statistics.median(seconds["minigen"])
    for library, worker in workers.items():
        low, middle, high = (1e3 * q for q in statistics.quantiles(seconds[library], n=4))
        row = f"{library:<12}{middle:>12.3f}{f'{low:.3f} … {high:.3f}':>20}{middle / 1e3 / ours:>12.2f}"
        print(f"{row}{json.loads(worker.first)['mib']:>17.0f}")
        worker.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n\n")[0])
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}; default all")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each library (default: 7)")
    arguments = parser.parse_args()
    if unknown := set(arguments.steps) - set(STEPS):
        parser.error(f"there is no step {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    libraries = [name for name, package in LIBRARIES.items() if importlib.util.find_spec(package)]
    for missing in LIBRARIES.keys() - set(libraries):
        print(f"{missing} is not installed and left out")
    for step in arguments.steps or STEPS:
        compare(step, libraries, arguments.rounds)


if __name__ == "__main__":
    main()
