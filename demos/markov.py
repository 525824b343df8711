"""Markov chains: what a longer memory buys on the digits, and a chain over grey levels with its stationary law."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
from matplotlib.figure import Figure

from demos.common import number, parser
from demos.figures import draw_models, save_pictures, subplots
from minigen import plot
from minigen.data.sets import Dataset, digits
from minigen.markov import MarkovChain, stationary_distribution
from minigen.model import log_probs

LEVELS = 5
"""Shades of the grey chain: the 17 levels of a scan, in groups."""


def options(arguments: list[str]) -> Namespace:
    p = parser("markov", __doc__)
    p.add_argument("--orders", type=number(int, least=0, most=16), default=12, metavar="K",
                   help="longest memory tried, in pixels")  # fmt: skip
    p.add_argument("--smoothing", type=number(float, most=1e6), default=1.0, metavar="S",
                   help="how often each state is counted in each context beside the data (Laplace)")  # fmt: skip
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    dataset = digits()
    table = orders_table(dataset, o.orders, o.smoothing)
    print(f"{dataset.name}: chains of order k, NLL in nats an image, exact\n{'k':>4}{'parameters':>12}", end="")
    print(f"{'train':>9}{'validation':>12}{'test':>9}")
    for k, (parameters, *nll) in enumerate(table):
        print(f"{k:>4}{parameters:>12,}{nll[0]:>9.2f}{nll[1]:>12.2f}{nll[2]:>9.2f}")
    best = int(np.argmin([row[2] for row in table]))
    print(f"best on the validation part: k = {best}")

    grey = grey_chain(dataset, o.smoothing)
    transitions = grey.conditionals(1)
    stationary, seen = stationary_distribution(transitions), shade_frequencies(dataset)
    print(f"\none homogeneous chain over {LEVELS} shades, rows of 8 pixels; where it settles, beside what is seen")
    for shade in range(LEVELS):
        print(f"  shade {shade}: stationary {stationary[shade]:.3f}, in the images {seen[shade]:.3f}")
    pictures = {
        "orders.png": draw_orders(table, dataset),
        "samples.png": draw_samples(dataset, best, o.smoothing, rng),
        "transitions.png": draw_transitions(transitions),
    }
    save_pictures(o, pictures)
    return 0


def orders_table(dataset: Dataset, longest: int, smoothing: float) -> list[tuple[int, float, float, float]]:
    """For k = 0 … longest: parameters, and the NLL on the training, the validation and the test part."""
    parts = (dataset.train, dataset.validation, dataset.test)
    rows = []
    for k in range(min(longest, dataset.D - 1) + 1):
        chain = MarkovChain(dataset.D, k).fit(dataset.train.images, smoothing)
        nll = [-float(log_probs(chain, part.images).mean()) for part in parts]
        rows.append((chain.num_parameters, nll[0], nll[1], nll[2]))
    return rows


def shades(dataset: Dataset) -> np.ndarray:
    """Every row of every training image, in LEVELS shades of grey: (rows, 8)."""
    return (dataset.train.levels * LEVELS // 17).reshape(-1, 8).astype(int)


def shade_frequencies(dataset: Dataset) -> np.ndarray:
    return np.bincount(shades(dataset).ravel(), minlength=LEVELS) / shades(dataset).size


def grey_chain(dataset: Dataset, smoothing: float) -> MarkovChain:
    """One table of transitions for all neighbours in a row of pixels."""
    return MarkovChain(8, order=1, states=LEVELS, homogeneous=True).fit(shades(dataset), smoothing)


def draw_orders(table: list[tuple[int, float, float, float]], dataset: Dataset) -> Figure:
    """NLL against the order: more contexts than images to fill them end in overfitting."""
    figure, ax = subplots(7, 4.5)
    for column, (name, colour) in enumerate([("train", "train"), ("validation", "validation")], start=1):
        ax.plot([row[column] for row in table], "o-", color=plot.COLOURS[colour], label=name)
    if len(table) > dataset.shape[1]:
        ax.annotate("k = 8: the pixel above", (8, table[8][2]), (7, table[8][2] + 3), arrowprops={"arrowstyle": "->"})
    plot.finish(ax, "order k: how many pixels back", "negative log-likelihood (nats)", f"{dataset.name}: Markov chains")
    ax.legend(frameon=False)
    return figure


def draw_samples(dataset: Dataset, best: int, smoothing: float, rng: np.random.Generator) -> Figure:
    """Real digits, and those of chains with no, a short and the best memory."""
    chain = lambda k: MarkovChain(dataset.D, k).fit(dataset.train.images, smoothing)
    chains = {f"k = {k}": chain(k) for k in sorted({0, 1, 4, best})}
    return draw_models(chains, dataset, f"drawn from chains of order k: {dataset.name}", rng)


def draw_transitions(transitions: np.ndarray) -> Figure:
    """p(next shade | shade)."""
    figure, ax = subplots(4.5, 4.5)
    plot.heat_map(ax, transitions.round(2), "next pixel's shade", "this pixel's shade", "p(next | this)")
    return figure
