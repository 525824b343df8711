"""`python -m benchmarks.likelihood`: how close the estimates of ln p(x) of a trained VAE come to ln p(x), in nats.

Run the demo vae first, with the same data: this program reads the model that the demo wrote.

The first table has upper bounds on −ln p(x) of test images, on average. Importance sampling draws z from q(z|x).
Annealed importance sampling walks from p(z) to p(z|x) in T steps, and does not use q(z|x) (see `minigen.analysis.ais`).
The standard error over the images does not say how far a bound is from −ln p(x). Three columns do:

− row above: the row minus the row above, image by image. A bound that still falls is too high.
− most draws: the row minus the row with the most draws. If annealing is lower, that row is too high.
effective: effective number of draws or chains, (Σ w)²/Σ w², w their weights; the median over the images, and the 5 %
quantile. If the number is small, a few draws have most of the weight, and the bound may be far too high.

The second table has bounds on ln p(x) from both sides, for images that the model itself drew. The gap is the largest
error that annealing can have on average, for images of this kind.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np

from autograd import console
from demos.__main__ import sentence
from demos.common import add_data_options, load, number
from demos.output import loaded
from minigen.analysis.ais import annealed_log_prob, bidirectional_gap
from minigen.divergences import mean_and_error
from minigen.errors import MinigenError
from minigen.vae import VAE


class Bound(NamedTuple):
    """A row of the first table: bounds on −ln p(x), (n,), nats; effective numbers of draws, (n,); seconds for all n."""

    name: str
    nats: np.ndarray
    effective: np.ndarray
    seconds: float


def options(arguments: list[str] | None) -> argparse.Namespace:
    p = argparse.ArgumentParser("python -m benchmarks.likelihood", description=(__doc__ or "").split("\n")[0],
                                formatter_class=argparse.ArgumentDefaultsHelpFormatter)  # fmt: skip
    add_data_options(p)
    p.add_argument("--weights", metavar="FILE", default="out/vae/weights.npz", help="model that the demo vae wrote")
    p.add_argument("--images", type=number(int, least=2), default=60, metavar="N", help="number of test images")
    p.add_argument("--own", type=number(int, least=2), default=20, metavar="N", help="number of images of the model")
    p.add_argument("--draws", type=number(int, least=2), nargs="+", default=[50, 500, 5000, 50_000], metavar="K",
                   help="draws of z from q(z|x) for each image, a row for each number")  # fmt: skip
    p.add_argument("--steps", type=number(int), nargs="+", default=[100, 300], metavar="T",
                   help="steps of annealing, a row for each number")  # fmt: skip
    p.add_argument("--chains", type=number(int, least=2), default=8, metavar="N", help="annealed walks for each image")
    p.add_argument("--seed", type=number(int, least=0), default=0, help="seed of the random numbers")
    return p.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables, or an error as one sentence, and return the exit code."""
    try:
        report(options(arguments))
    except (MinigenError, OSError) as error:
        console.say(f"stopped: {sentence(error)}")
        return 1
    return 0


def report(o: argparse.Namespace) -> None:
    rng = np.random.default_rng(o.seed)
    dataset = load(o.data, o.data_folder)
    model = loaded(str(o.weights), dataset, VAE)
    images = dataset.test.images[: o.images]

    row = "{:<24}{:>18}{:>18}{:>18}{:>18}{:>9}".format
    print(f"{dataset.name}, the first {len(images)} of {len(dataset.test):,} test images: nats, ± standard error")
    print(row("", "−ln p(x) ≤", "− row above", "− most draws", "effective, 5 %", "s"))
    sampled = list(importance_sampling(model, images, o, rng))
    above, most = None, sampled[-1]
    for bound in chain(sampled, annealing(model, images, o, rng)):
        cells = [over_images(bound.nats), *(difference(bound, other) for other in (above, most))]
        low, middle = np.quantile(bound.effective, [0.05, 0.5])
        print(row(bound.name, *cells, f"{middle:,.1f}, {low:,.1f}", f"{bound.seconds:,.1f}"), flush=True)
        above = bound

    print(f"\n{o.own} images that the model drew: nats, ± standard error")
    print(row("", "ln p(x) ≥", "ln p(x) ≤", "gap", "", "s"))
    for steps in sorted(o.steps):
        start = time.perf_counter()
        found = bidirectional_gap(model, o.own, steps, o.chains, rng=o.seed)  # the same images in every row
        seconds = f"{time.perf_counter() - start:,.1f}"
        print(row(f"{o.chains} chains of {steps:,} steps", *(text(*pair) for pair in found), "", seconds), flush=True)


def importance_sampling(
    model: VAE, images: np.ndarray, o: argparse.Namespace, rng: np.random.Generator
) -> Iterator[Bound]:
    """Yield a row for each number of draws in `o.draws`.  images: (n, D)."""
    for k in sorted(o.draws):
        start = time.perf_counter()
        value, error = model.log_prob(images, k, rng=rng)
        effective = k / (1 + k * error**2)  # (Σ w)²/Σ w², by the standard error of the mean w
        yield Bound(f"{k:,} draws", -value, effective, time.perf_counter() - start)


def annealing(model: VAE, images: np.ndarray, o: argparse.Namespace, rng: np.random.Generator) -> Iterator[Bound]:
    """Yield a row for each number of steps in `o.steps`.  images: (n, D)."""
    for steps in sorted(o.steps):
        start = time.perf_counter()
        value, _, effective = annealed_log_prob(model, images, steps, o.chains, rng=rng)
        yield Bound(f"{o.chains} chains of {steps:,} steps", -value, effective, time.perf_counter() - start)


def difference(bound: Bound, other: Bound | None) -> str:
    """Return the mean of bound − other over the images and its standard error as text; "" without another bound."""
    return "" if other is None or other is bound else over_images(bound.nats - other.nats)


def over_images(values: np.ndarray) -> str:
    """Return the mean of values, (n,), and its standard error as text."""
    return text(*mean_and_error(values))


def text(mean: float, error: float) -> str:
    return f"{mean:.3f} ± {error:.3f}"


if __name__ == "__main__":
    console.run(main)
