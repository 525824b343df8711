"""Markov chains of order 0 to 12 on the digits: the likelihood improves with the order, until a chain overfits. A
chain over grey levels approaches its stationary distribution."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
from matplotlib.figure import Figure

from demos.common import number, parser
from demos.figures import draw_models, panel, save_pictures
from demos.output import facts_of, write_model
from minigen import plot
from minigen.data.sets import Dataset, digits
from minigen.markov import MarkovChain, stationary_distribution
from minigen.model import log_probs

LEVELS = 5
"""Number of shades of the grey chain. Each shade is a group of the 17 grey levels of the digits."""


def options(arguments: list[str]) -> Namespace:
    p = parser("markov")
    p.add_argument("--orders", type=number(int, least=0, most=16), default=12, metavar="K",
                   help="largest order k that is tried; a pixel depends on the k pixels before it")  # fmt: skip
    p.add_argument("--smoothing", type=number(float, most=1e6), default=1.0, metavar="S",
                   help="Laplace smoothing: this number is added to the count of every transition")  # fmt: skip
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    dataset = digits()
    table = orders_table(dataset, o.orders, o.smoothing)
    print(f"{dataset.name}: exact negative log-likelihood (NLL) of Markov chains of order k, nats/image")
    print(f"Laplace smoothing: before the fit, {o.smoothing:g} is added to the count of every transition")
    print(f"{'':>8}{'parameters':>12}{'train':>9}{'validation':>12}{'test':>9}")
    for k, (parameters, *nll) in enumerate(table):
        print(f"{f'k = {k}':>8}{parameters:>12,}{nll[0]:>9.2f}{nll[1]:>12.2f}{nll[2]:>9.2f}")
    best = int(np.argmin([row[2] for row in table]))
    chain = MarkovChain(dataset.D, best).fit(dataset.train.images, o.smoothing)
    write_model(chain, o.out, facts=facts_of(dataset))
    print(f"lowest NLL of the validation images: order k = {best}")

    grey = grey_chain(dataset, o.smoothing)
    write_model(grey, o.out, "grey-weights.npz", {"data": f"rows of digits in {LEVELS} shades of grey"})
    transitions = grey.conditionals(1)
    stationary, seen = stationary_distribution(transitions), shade_frequencies(dataset)
    print(
        f"\na homogeneous Markov chain of order 1 over {LEVELS} shades of grey, along the rows of the training images"
    )
    for shade in range(LEVELS):
        p, share = stationary[shade], seen[shade]
        print(f"  shade {shade}: stationary probability {p:.3f}, share of the pixels in the images {share:.3f}")
    pictures = {
        "orders.svg": draw_orders(table, dataset),
        "samples.svg": draw_samples(dataset, best, o.smoothing, rng),
        "transitions.svg": draw_transitions(transitions),
    }
    save_pictures(o, pictures)
    return 0


def orders_table(dataset: Dataset, longest: int, smoothing: float) -> list[tuple[int, float, float, float]]:
    """Return a row for each order k = 0 … longest: number of parameters, and the NLL of the three parts in nats/image.

    The parts are training, validation and test. longest: largest order. smoothing: added to every count.
    """
    parts = (dataset.train, dataset.validation, dataset.test)
    rows = []
    for k in range(min(longest, dataset.D - 1) + 1):
        chain = MarkovChain(dataset.D, k).fit(dataset.train.images, smoothing)
        nll = [-float(log_probs(chain, part.images).mean()) for part in parts]
        rows.append((chain.num_parameters, nll[0], nll[1], nll[2]))
    return rows


def shades(dataset: Dataset) -> np.ndarray:
    """Return every row of pixels of every training image, in shades 0 … LEVELS − 1, (rows, 8)."""
    return (dataset.train.levels * LEVELS // 17).reshape(-1, 8).astype(int)


def shade_frequencies(dataset: Dataset) -> np.ndarray:
    """Return the share of each shade among all pixels of the training images, (LEVELS,)."""
    return np.bincount(shades(dataset).ravel(), minlength=LEVELS) / shades(dataset).size


def grey_chain(dataset: Dataset, smoothing: float) -> MarkovChain:
    """Return a fitted homogeneous chain of order 1: all neighbours in a row share one table of transitions."""
    return MarkovChain(8, order=1, states=LEVELS, homogeneous=True).fit(shades(dataset), smoothing)


def draw_orders(table: list[tuple[int, float, float, float]], dataset: Dataset) -> Figure:
    """Draw the NLL over the order. Chains overfit if they have more contexts than there are images."""
    figure, ax = panel()
    for column, (name, colour) in enumerate([("train", "train"), ("validation", "validation")], start=1):
        ax.plot([row[column] for row in table], "o-", color=plot.COLOURS[colour], label=name)
    if len(table) > dataset.shape[1]:
        ax.annotate(
            "k = 8: the pixel above",
            (8, table[8][2]),
            (7, table[8][2] + 3),
            arrowprops={"arrowstyle": "->", "color": plot.INK},
        )
    plot.finish(ax, "order k (number of previous pixels)", "−ln p(x), nats/image")
    ax.legend()
    return figure


def draw_samples(dataset: Dataset, best: int, smoothing: float, rng: np.random.Generator) -> Figure:
    """Draw test images and samples of chains of order 0, 1, 4 and the best order."""
    chain = lambda k: MarkovChain(dataset.D, k).fit(dataset.train.images, smoothing)
    chains = {f"k = {k}": chain(k) for k in sorted({0, 1, 4, best})}
    return draw_models(chains, dataset, "test images, and samples of chains of order k", rng)


def draw_transitions(transitions: np.ndarray) -> Figure:
    """Draw the table of p(next shade | shade).  transitions: (LEVELS, LEVELS)."""
    figure, ax = panel(4.5)
    plot.heat_map(ax, transitions.round(2), "next pixel's shade", "this pixel's shade", "p(next shade | this shade)")
    return figure
