"""`python -m benchmarks.lengths`: how time and memory of a recurrent training step grow with the sequence's length.

Every length runs in a process of its own, so that its memory is its own. Prints a table, and draws it to
`out/lengths.png` beside straight lines through the longest.
"""

import json
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.minigen_steps import recurrent
from benchmarks.worker import peak_mib
from minigen import plot
from minigen.rnn import GRU, LSTM

LAYERS = {"LSTM": LSTM, "GRU": GRU}
LENGTHS = (100, 200, 500, 1000, 2000, 5000)


def measure(layer: str, T: int) -> None:
    """In a process of its own: the median seconds of a step, and the MiB that the steps took."""
    before = peak_mib()
    step = partial(recurrent, LAYERS[layer])(T=T)
    step()
    seconds = []
    while len(seconds) < 5 or sum(seconds) < 2:
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    print(json.dumps([statistics.median(seconds), peak_mib() - before]))


def main() -> None:
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    print(f"H=128, batch 32, float32\n{'':<6}{'steps':>8}{'ms':>10}{'µs a step':>12}{'MiB':>8}{'KiB a step':>12}")
    for colour, layer in zip(plot.SERIES, LAYERS, strict=False):
        found = []
        for T in LENGTHS:
            command = [sys.executable, "-m", "benchmarks.lengths", layer, str(T)]
            found.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
            (seconds, mib) = found[-1]
            row = f"{layer:<6}{T:>8,}{seconds * 1e3:>10.1f}{seconds / T * 1e6:>12.1f}{mib:>8.0f}{mib * 1024 / T:>12.1f}"
            print(row, flush=True)
        for ax, values in zip(axes, np.transpose(found) * [[1e3], [1]], strict=True):
            ax.plot(LENGTHS, values, "o-", color=colour, label=layer)
            ax.plot([0, LENGTHS[-1]], [0, values[-1]], "--", color=colour, linewidth=0.7)
        growth = np.polyfit(np.log(LENGTHS[2:]), np.log(found[2:]), 1)[0]
        print(f"{layer}: from {LENGTHS[2]} steps on, time grows as T^{growth[0]:.2f} and memory as T^{growth[1]:.2f}")
    for ax, y in zip(axes, ("milliseconds a training step", "MiB"), strict=True):
        plot.finish(ax, "steps in the sequence", y)
        ax.legend(frameon=False)
    path = Path("out/lengths.png")
    path.parent.mkdir(exist_ok=True)
    plot.save(figure, path)
    print(f"written to {path}")


if __name__ == "__main__":
    measure(sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 1 else main()
