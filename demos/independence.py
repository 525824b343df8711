"""The price of each independence assumption: parameters, likelihoods and samples of six models, from independent pixels
to NADE, and a ledger that gives every difference of the likelihoods as an information quantity."""

from __future__ import annotations

from argparse import Namespace
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from demos.common import add_data_options, load, parser
from demos.figures import draw_models, panel, powers, save_pictures
from demos.printed import HEADER, LIKELIHOODS, likelihood_row
from demos.recipes import MODELS, learn
from minigen import plot
from minigen.analysis.ledger import Entry, ledger
from minigen.ar import AR
from minigen.data.sets import Dataset, digits
from minigen.markov import MarkovChain
from minigen.nade import NADE
from minigen.table import IndependentBernoulli


def options(arguments: list[str]) -> Namespace:
    p = parser("independence")
    add_data_options(p)
    p.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL",
                   help=f"models to train, one or more of: {', '.join(MODELS)}")  # fmt: skip
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    dataset = load(o.data, o.data_folder)
    counts = parameter_counts(range(1, 21))
    print_counts(counts)

    print(f"\n{dataset.name}, test part: {LIKELIHOODS}\n{HEADER}{'training':>24}")
    models = {}
    for name in o.models:
        models[name], history = learn(name, o.data, dataset, np.random.default_rng(o.seed), o.out)
        training = f"{len(history.epochs)} epochs, {history.seconds:.0f} s" if history else "closed form"
        print(f"{likelihood_row(name, models[name], dataset.test.images)}{training:>24}", flush=True)

    entries = ledger(window(digits()), rng=np.random.default_rng(o.seed))
    print_ledger(entries)
    title = "test images, and samples of each model"
    pictures = {
        "parameters.svg": draw_counts(counts),
        "samples.svg": draw_models(models, dataset, title, np.random.default_rng(o.seed)),
        "ledger.svg": draw_ledger(entries),
    }
    save_pictures(o, pictures)
    return 0


# -- number of parameters


def parameter_counts(sizes: range) -> dict[str, list[int]]:
    """Return the numbers of parameters of each model over n binary pixels, for every n in `sizes` (I-2).

    Models of order 4 need n > 4; their number is 0 for smaller n.
    """
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
    """Print the table of parameters.  counts: as `parameter_counts` returns them for n = 1, 2, …"""
    print(
        f"number of parameters of each model over n binary pixels\n{'':>8}" + "".join(f"{name:>17}" for name in counts)
    )
    for n, row in enumerate(zip(*counts.values(), strict=True), start=1):
        print(f"{f'n = {n}':>8}" + "".join(f"{count or '':>17{',' if count else ''}}" for count in row))


def draw_counts(counts: dict[str, list[int]]) -> Figure:
    """Draw the number of parameters over n on a logarithmic axis.  counts: as `parameter_counts` returns them."""
    figure, ax = panel(3.8)
    for index, (name, numbers) in enumerate(counts.items()):
        n = [i for i, count in enumerate(numbers, start=1) if count]
        ax.semilogy(n, [numbers[i - 1] for i in n], "o-", markersize=3, color=plot.SERIES[index], label=name)
    ax.set_xticks(range(0, 21, 5))
    powers(ax.yaxis)
    plot.finish(ax, "number n of binary pixels", "number of parameters")
    ax.legend()
    return figure


# -- the information ledger


def window(dataset: Dataset) -> np.ndarray:
    """Return 12 pixels in the middle of the training digits, rows 2 … 5 and columns 2 … 4, (n, 12)."""
    return dataset.train.images.reshape(-1, 8, 8)[:, 2:6, 2:5].reshape(-1, 12)


def print_ledger(entries: list[Entry]) -> None:
    """Print the NLL of each model, its decrease from the row above, and the quantity that the decrease must equal."""
    print("\ninformation ledger: maximum likelihood fits to 12 pixels in the middle of the training digits, nats/image")
    print("decrease: the NLL of the model in the row above minus the NLL of this model")
    print(f"{'model':<18}{'parameters':>11}{'NLL':>9}{'decrease':>10}   the decrease (first row: the NLL) must equal")
    for e in entries:
        fell = f"{e.step:.4f}" if e is not entries[0] else ""
        print(f"{e.name:<18}{e.parameters:>11,}{e.nll:>9.4f}{fell:>10}   {e.quantity} = {e.value:.4f}")


def draw_ledger(entries: list[Entry]) -> Figure:
    """Draw a waterfall of the NLL. The label of a step is the quantity that the step equals.  entries: of `ledger`."""
    figure, ax = panel(4)
    first, entropy = entries[0].nll, entries[-1].nll
    ax.barh(0, first - entropy, left=entropy, color=plot.INK, height=0.6)
    for place, (before, after) in enumerate(pairwise(entries), start=1):
        ax.barh(place, after.step, left=after.nll, color=plot.SERIES[1], height=0.6)
        ax.plot([before.nll] * 2, [place - 1.3, place + 0.3], color=plot.INK, linewidth=0.8)
        label = after.quantity.replace(" − ", "\n− ").replace(" ‖ ", "‖")
        ax.text(before.nll + 0.05, place, f"−{after.step:.3f}\n{label}", va="center")
    ax.text(first + 0.05, 0, f"total\ncorrelation\n{first - entropy:.3f}", va="center")
    ax.axvline(entropy, color=plot.INK, linestyle=":", linewidth=1)
    ax.text(entropy, -0.42, f" H(p̂) = {entropy:.3f}, the entropy of the data", va="bottom")
    ax.set_yticks(range(len(entries)), [f"{e.name}\n{e.nll:.3f} nats\n{e.parameters:,} numbers" for e in entries])
    ax.set(xlim=(entropy - 0.1, first + 0.5 * (first - entropy)), ylim=(len(entries) - 0.5, -0.8))
    plot.finish(ax, "−ln p(x), nats/image", "", "")
    return figure
