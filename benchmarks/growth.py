"""`python -m benchmarks.growth`: how time and memory of a training step grow with each size, forward and backward.

Every size runs in a process of its own, so that its memory is its own. Slopes on logarithmic axes are fitted to the
larger sizes, where what a step does is more than what it costs to begin one. Prints them beside what the algorithm
should have, and draws them to `out/benchmarks/growth.png`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from autograd import console
from benchmarks.process import environment, processor
from benchmarks.worker import peak_mib
from minigen import plot
from minigen.distributions import bernoulli_log_prob
from minigen.nade import NADE
from minigen.nn.functions import relu
from minigen.nn.layers import Linear, mlp
from minigen.nn.rnn import GRU, LSTM
from minigen.training.memory import keep_freed_memory
from minigen.vae import bernoulli_vae

RNG = np.random.default_rng(0)


def pixels(*shape: int) -> np.ndarray:
    return (RNG.random(shape) < 0.3).astype(np.float32)


def nade(D: int = 100, H: int = 500, batch: int = 64) -> Callable[[], Any]:
    model, x = NADE(D, H, rng=RNG), pixels(batch, D)
    return lambda: model.nll(x)


def recurrent(layer: Any, T: int) -> Callable[[], Any]:
    hidden, head, x = layer(1, 128, rng=RNG), Linear(128, 1, rng=RNG), pixels(T, 32, 1)
    return lambda: -np.sum(bernoulli_log_prob(x, head(hidden(x)[0]))) / 32


def vae(batch: int) -> Callable[[], Any]:
    model, x = bernoulli_vae(784, (500, 500), 20, rng=RNG), pixels(batch, 784)
    return lambda: model.loss(x, rng=RNG)


def deep(layers: int) -> Callable[[], Any]:
    model, x = mlp((128,) * (layers + 1), relu, rng=RNG), pixels(100, 128)
    return lambda: np.mean(model(x) ** 2)


@dataclass(frozen=True)
class Curve:
    """made: the loss for a size. sizes: from the first on that counts for the slope. expected: that slope of time."""

    made: Callable[[int], Callable[[], Any]]
    sizes: tuple[int, ...]
    fitted_from: int
    expected: str


LENGTHS = (100, 200, 500, 1000, 2000, 5000)
CURVES = {
    "NADE, D (H = 500, batch 64)": Curve(lambda n: nade(D=n), (50, 100, 200, 400, 800, 1600), 100, "1.0 ± 0.1"),
    "NADE, H (D = 100, batch 512)": Curve(
        lambda n: nade(H=n, batch=512), (125, 250, 500, 1000, 2000, 4000), 500, "1.0 ± 0.1"
    ),
    "LSTM, T (H = 128, batch 32)": Curve(partial(recurrent, LSTM), LENGTHS, 500, "1.0 ± 0.05"),
    "GRU, T (H = 128, batch 32)": Curve(partial(recurrent, GRU), LENGTHS, 500, "1.0 ± 0.05"),
    "VAE 784-500-500-20, batch": Curve(vae, (50, 100, 200, 400, 800, 1600), 200, "1"),
    "MLP of 128 units, layers (batch 100)": Curve(deep, (2, 5, 10, 20, 50, 100), 10, "1"),
}


def measure(name: str, size: int) -> None:
    """In a process of its own: the median seconds forward and backward, and the MiB that they took."""
    keep_freed_memory()  # as `train.fit` does
    before = peak_mib()
    loss = CURVES[name].made(size)
    forward, backward = [], []
    loss().backward()
    while len(forward) < 7 or sum(forward) + sum(backward) < 1:
        start = time.perf_counter()
        value = loss()
        middle = time.perf_counter()
        value.backward()
        forward.append(middle - start)
        backward.append(time.perf_counter() - middle)
    print(json.dumps([statistics.median(forward), statistics.median(backward), peak_mib() - before]))


def main() -> None:
    figure = Figure(figsize=(12, 7), layout="constrained")
    print(f"{processor()}, float32")
    print(f"{'':<38}{'size':>7}{'forward, ms':>13}{'backward, ms':>14}{'back / forward':>16}{'MiB':>8}")
    for ax, (name, curve) in zip(figure.subplots(2, 3).flat, CURVES.items(), strict=True):
        found = []
        for size in curve.sizes:
            command = [sys.executable, "-m", "benchmarks.growth", name, str(size)]
            done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
            found.append(json.loads(done.stdout))
            forward, backward, mib = found[-1]
            times = f"{1e3 * forward:>13.2f}{1e3 * backward:>14.2f}{backward / forward:>16.2f}"
            print(f"{name:<38}{size:>7,}{times}{mib:>8.0f}", flush=True)
        forward, backward, mib = np.transpose(found)
        far = np.array(curve.sizes) >= curve.fitted_from
        slope = lambda y, far=far, sizes=curve.sizes: np.polyfit(np.log(np.array(sizes)[far]), np.log(y[far]), 1)[0]
        print(
            f"{'':<38}slopes from {curve.fitted_from:,} on: time {slope(forward + backward):.2f} (expected "
            f"{curve.expected}), forward {slope(forward):.2f}, backward {slope(backward):.2f}, memory {slope(mib):.2f}"
        )
        for y, label, colour in ((forward, "forward", plot.SERIES[0]), (backward, "backward", plot.SERIES[1])):
            ax.loglog(curve.sizes, 1e3 * y, "o-", color=colour, label=f"{label}: {slope(y):.2f}")
        ax.set_xticks(curve.sizes, [f"{size:,}" for size in curve.sizes])
        ax.yaxis.set_major_formatter("{x:g}")
        ax.minorticks_off()
        plot.finish(ax, name.partition(", ")[2].partition(" (")[0] or "size", "ms", name)
        ax.legend(frameon=False, title="slope")
    path = Path("out/benchmarks/growth.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot.save(figure, path)
    print(f"written to {path}")


if __name__ == "__main__":
    console.run(lambda: measure(sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 1 else main())
