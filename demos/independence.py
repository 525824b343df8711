"""What each assumption costs: parameters, likelihood and samples from independent pixels to NADE, and the ledger."""

from __future__ import annotations

from argparse import Namespace
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from demos.common import add_data_options, load, parser
from demos.figures import draw_models, save_pictures, subplots
from demos.printed import HEADER, likelihood_row
from demos.recipes import MODELS, learn
from minigen import plot
from minigen.analysis.ledger import Entry, ledger
from minigen.ar import AR
from minigen.data.sets import Dataset, digits
from minigen.markov import MarkovChain
from minigen.nade import NADE
from minigen.table import IndependentBernoulli


def options(arguments: list[str]) -> Namespace:
    p = parser("independence", __doc__)
    add_data_options(p)
    p.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL",
                   help=f"which to train, of {', '.join(MODELS)}")  # fmt: skip
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    dataset = load(o.data, o.data_folder)
    counts = parameter_counts(range(1, 21))
    print_counts(counts)

    print(f"\n{dataset.name}, test part\n{HEADER}")
    models = {}
    for name in o.models:
        models[name], history = learn(name, o.data, dataset, np.random.default_rng(o.seed))
        trained = f"   {len(history.epochs)} epochs, {history.seconds:.0f} s" if history else "   closed form"
        print(likelihood_row(name, models[name], dataset.test.images) + trained, flush=True)

    entries = ledger(window(digits()), rng=np.random.default_rng(o.seed))
    print_ledger(entries)
    title = f"the more a pixel may depend on, the more its image is one: {dataset.name}"
    pictures = {
        "parameters.png": draw_counts(counts),
        "samples.png": draw_models(models, dataset, title, np.random.default_rng(o.seed)),
        "ledger.png": draw_ledger(entries),
    }
    save_pictures(o, pictures)
    return 0


# -- how many parameters


def parameter_counts(sizes: range) -> dict[str, list[int]]:
    """The parameters of each model over n binary pixels, for every n (I-2). Models of order 4 need n > 4."""
    rng = np.random.default_rng(0)
    of_order_4 = [n for n in sizes if n > 4]
    return {
        "independent": [IndependentBernoulli(n).num_parameters for n in sizes],
        "Markov": [MarkovChain(n, min(1, n - 1)).num_parameters for n in sizes],
        "AR(4)": [0] * (len(sizes) - len(of_order_4)) + [AR(n, 4).num_parameters for n in of_order_4],
        "order-4 chain": [0] * (len(sizes) - len(of_order_4)) + [MarkovChain(n, 4).num_parameters for n in of_order_4],
        "NADE, 16 hidden": [NADE(n, 16, rng=rng).num_parameters for n in sizes],
        "full table": [2**n - 1 for n in sizes],
    }


def print_counts(counts: dict[str, list[int]]) -> None:
    print(f"parameters over n binary pixels\n{'n':>4}" + "".join(f"{name:>17}" for name in counts))
    for n, row in enumerate(zip(*counts.values(), strict=True), start=1):
        print(f"{n:>4}" + "".join(f"{count or '':>17{',' if count else ''}}" for count in row))


def draw_counts(counts: dict[str, list[int]]) -> Figure:
    figure, ax = subplots(7, 4.5)
    for index, (name, numbers) in enumerate(counts.items()):
        n = [i for i, count in enumerate(numbers, start=1) if count]
        ax.semilogy(n, [numbers[i - 1] for i in n], "o-", markersize=3, color=plot.SERIES[index], label=name)
    ax.set_xticks(range(0, 21, 5))
    plot.finish(ax, "binary pixels n", "parameters", "what it takes to write a distribution over n pixels down")
    ax.legend(frameon=False)
    return figure


# -- the information ledger


def window(dataset: Dataset) -> np.ndarray:
    """The twelve pixels in the middle of the digits to train on: rows 2 … 5, columns 2 … 4.  (n, 12)."""
    return dataset.train.images.reshape(-1, 8, 8)[:, 2:6, 2:5].reshape(-1, 12)


def print_ledger(entries: list[Entry]) -> None:
    print("\ninformation ledger: 12 pixels in the middle of the training digits, nats an image, maximum likelihood")
    print(f"{'model':<18}{'parameters':>11}{'NLL':>9}{'fell by':>10}   must equal")
    for e in entries:
        fell = f"{e.step:.4f}" if e is not entries[0] else ""
        print(f"{e.name:<18}{e.parameters:>11,}{e.nll:>9.4f}{fell:>10}   {e.quantity} = {e.value:.4f}")


def draw_ledger(entries: list[Entry]) -> Figure:
    """A waterfall of the NLL, every step labelled by the quantity that it equals."""
    figure, ax = subplots(9, 5)
    entropy = entries[-1].nll
    ax.bar(0, entries[0].nll - entropy, bottom=entropy, color=plot.INK, width=0.6)
    for position, (before, after) in enumerate(pairwise(entries), start=1):
        ax.bar(position, after.step, bottom=after.nll, color=plot.SERIES[1], width=0.6)
        ax.plot([position - 1.3, position + 0.3], [before.nll] * 2, color=plot.INK, linewidth=0.8)
        label = after.quantity.replace(" − ", "\n− ").replace(" ‖ ", "‖")
        ax.text(position, before.nll + 0.03, f"−{after.step:.3f}\n{label}", ha="center", va="bottom", fontsize=8)
    _label_ends(ax, entries)
    ax.set_xticks(range(len(entries)), [f"{e.name}\n{e.nll:.3f} nats\n{e.parameters:,} parameters" for e in entries])
    title = "what every assumption costs: 12 pixels in the middle of the digits, training part, maximum likelihood"
    plot.finish(ax, "", "negative log-likelihood (nats)", title)
    return figure


def _label_ends(ax: Axes, entries: list[Entry]) -> None:
    """The line of the entropy, below which nothing can go, and the total correlation above it."""
    entropy = entries[-1].nll
    ax.axhline(entropy, color=plot.INK, linestyle=":", linewidth=1)
    ax.text(-0.3, entropy - 0.03, f"H(p̂) = {entropy:.3f}", va="top", fontsize=8)
    ax.text(0, entries[0].nll + 0.03, f"total correlation\n{entries[0].nll - entropy:.3f}", ha="center", fontsize=8)
    ax.set_ylim(entropy - 0.25, entries[0].nll + 0.35)
