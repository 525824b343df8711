"""A recurrent network learns a text, character by character, and then writes text itself. The text is the source code
of this project, or a file of yours, in any language.

    p(text) = Π p(cₜ | c_<ₜ),    where the state of an LSTM, a GRU or an RNN carries the previous characters c_<ₜ.

The model is `minigen.charrnn`. The state goes from one call to the next. In training, each call takes the state as a
constant: truncated back-propagation through time. In writing, each call takes one character.
"""

from __future__ import annotations

import os
from argparse import ArgumentTypeError, Namespace
from importlib import resources
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from demos.common import number, parser
from demos.figures import panel, save_pictures
from demos.output import saved
from demos.printed import how_it_ended
from demos.recipes import add_checkpoint_options, checkpoints
from minigen import plot
from minigen.charrnn import CELLS, CharRNN, TruncatedBPTT, streams
from minigen.divergences import mean_and_error
from minigen.errors import shown
from minigen.progress import write_above
from minigen.training.history import History
from minigen.training.loop import fit
from minigen.training.optim import Adam

BITS = 1 / np.log(2)


def options(arguments: list[str]) -> Namespace:
    p = parser("charrnn")
    p.add_argument("--text", type=readable, metavar="FILE",
                   help="text file to learn, UTF-8; without this option, the source code of minigen")  # fmt: skip
    p.add_argument("--cell", choices=CELLS, default="lstm", help="kind of recurrent layer")
    p.add_argument("--hidden", type=number(int), default=256, metavar="H", help="hidden units in each layer")
    p.add_argument("--layers", type=number(int, most=1000), default=1, metavar="L", help="number of recurrent layers")
    p.add_argument("--steps", type=number(int), default=100, metavar="T",
                   help="characters of every stream in a training step, at most; gradients reach back this "
                        "far")  # fmt: skip
    p.add_argument("--streams", type=number(int), default=16, metavar="B",
                   help="number of equal parts of the text that are read in parallel (batch size)")  # fmt: skip
    p.add_argument("--epochs", type=number(int), default=12, metavar="E",
                   help="number of epochs (passes over the text)")  # fmt: skip
    p.add_argument("--learning-rate", type=number(float), default=0.008, metavar="L",
                   help="learning rate of Adam at the start; it falls linearly to 0")  # fmt: skip
    p.add_argument("--temperature", type=number(float), default=0.7, metavar="τ",
                   help="temperature of the written text, which divides the logits; 1: samples of the model "
                        "itself")  # fmt: skip
    p.add_argument("--prompt", metavar="TEXT",
                   help=f"text with which every sample begins; None: {OWN_PROMPT!r}, or the first word of your "
                        "text")  # fmt: skip
    p.add_argument("--length", type=number(int), default=600, metavar="N",
                   help="number of characters of the last sample")  # fmt: skip
    add_checkpoint_options(p)
    o = p.parse_args(arguments)
    o.name, own_prompt = ("your text", first_word(o.text)) if o.text else ("the source code of minigen", OWN_PROMPT)
    o.text = own_source() if o.text is None else o.text
    shortest = 10 * (o.streams + 1)  # every stream of the held-out tenth needs a character and its successor
    if len(o.text) < shortest:
        p.error(f"a text for {o.streams} streams has at least {shortest} characters, got {len(o.text)}")
    o.prompt = o.prompt or own_prompt
    if foreign := sorted(set(o.prompt) - set(o.text)):
        p.error(f"the text has no {', '.join(map(repr, foreign))}: give a --prompt of characters that it has")
    return o


def readable(name: str) -> str:
    """Return the text of a file. An argparse type. Raises ArgumentTypeError if the file is not readable UTF-8 text."""
    if not os.path.isfile(name):  # a pipe or a device may never end
        raise ArgumentTypeError(f"cannot be read as UTF-8 text: there is no file {shown(repr(name), 200)}")
    try:
        return Path(name).read_text(encoding="utf-8-sig")  # Windows writes a mark before the text
    except UnicodeDecodeError as error:
        raise ArgumentTypeError(f"cannot be read as UTF-8 text: {error}; save it again, as UTF-8") from None
    except OSError as error:
        raise ArgumentTypeError(f"cannot be read as UTF-8 text: {error}") from None


OWN_PROMPT, LONGEST_WORD = "def ", 10
"""The prompt for the source code of minigen; the most characters of the first word of a text, as a prompt."""


def first_word(text: str) -> str:
    """Return the first word of a text, at most LONGEST_WORD characters, or the first character of a blank text."""
    return (text.split(maxsplit=1) or [text[:1]])[0][:LONGEST_WORD]


PACKAGES = (
    "autograd",
    "autograd.rules",
    "minigen",
    *(f"minigen.{part}" for part in ("nn", "training", "data", "analysis")),
)


def own_source() -> str:
    """Return the source code of autograd and minigen, all files in one text."""
    folders = (resources.files(package) for package in PACKAGES)
    files = sorted((f for folder in folders for f in folder.iterdir() if f.name.endswith(".py")), key=str)
    return "".join(f.read_text(encoding="utf-8") for f in files)


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    model = CharRNN(o.text, o.cell, o.hidden, o.layers, rng=rng)
    codes = model.codes(o.text)
    train, held_out = np.split(codes, [len(codes) * 9 // 10])
    print(f"{o.name}: {len(codes):,} characters, {model.V:,} different characters; the last tenth is held out\n")

    with saved(model, o.out, facts={"data": o.name, "prompt": o.prompt}):
        history = learn(model, train, held_out, o, rng)
    o.out.write("history.csv", history.save)
    print(how_it_ended(history))
    baselines = {
        name: nll_of_counts(train, held_out, model.V, order)
        for order, name in enumerate(("single characters", "pairs of characters"))
    }
    nll = model.nll_per_stream(*streams(held_out, o.streams))
    print("\nnegative log-likelihood of the held-out text")
    print(f"{'model':<26}{'nats/character':>18}{'bits/character':>16}")
    for label, value in baselines.items():
        print(f"{label:<26}{value:>18.3f}{value * BITS:>16.3f}")
    error = f"± {mean_and_error(nll)[1]:.3f} nats (standard error over {len(nll)} streams)" if len(nll) > 1 else ""
    print(f"{f'{o.cell.upper()}, {o.hidden} hidden':<26}{nll.mean():>18.3f}{nll.mean() * BITS:>16.3f}  {error}")

    sample = model.write(o.prompt, o.length, o.temperature, rng=o.seed)
    print(f"\ntext written by the network at temperature {o.temperature:g}:\n\n{sample}")
    o.out.write_text("sample.txt", sample)
    save_pictures(o, {"learning.svg": draw_learning(history, baselines, o.name)})
    return 0


# -- training

SAMPLES = 6
"""Number of samples that are printed during the training, at most."""


class Reading(TruncatedBPTT):
    """The steps of the training, and a sample of the model after some of the epochs.

    model, optimizer: as TruncatedBPTT takes them. o: the options. epoch: the number of the present epoch.
    """

    def __init__(self, model: CharRNN, optimizer: Adam, o: Namespace):
        super().__init__(model, optimizer)
        self.o, self.epoch = o, 0

    def start(self, epoch: int) -> None:
        super().start(epoch)
        self.epoch = epoch

    def measure(self) -> dict[str, float]:
        """Print a sample if one is due after this epoch. Return no measures."""
        o = self.o
        if self.epoch * SAMPLES // o.epochs > (self.epoch - 1) * SAMPLES // o.epochs:
            sample = self.model.write(o.prompt, 120, o.temperature, rng=o.seed)
            write_above(f"-- after epoch {self.epoch}, a sample:\n{sample}\n")
        return {}


def learn(model: CharRNN, train: np.ndarray, held_out: np.ndarray, o: Namespace, rng: np.random.Generator) -> History:
    """Train the model, print samples during the training, and return the history, in nats/character.

    train, held_out: the codes of both parts of the text. The model keeps its last weights: the held-out text measures
    it in the end, so it must not choose the weights.
    """
    reading = Reading(model, Adam(model, o.learning_rate), o)
    return fit(model, reading, streams(train, o.streams), streams(held_out, o.streams), rng=rng, epochs=o.epochs,
               batch_size=o.steps, decay=True, keep_best=False, shuffle=False, before_epoch=reading.start,
               measure=reading.measure,
               checkpoint=checkpoints(o, text=model.alphabet[np.append(train, held_out)]))  # fmt: skip


# -- baselines


def nll_of_counts(train: np.ndarray, held_out: np.ndarray, V: int, order: int) -> float:
    """Return −ln p of the held-out text under a Markov chain of order 0 or 1, nats/character.

    The chain has the frequencies of the training text, with 1 added to every count.
    train, held_out: codes 0 … V − 1, (length,). order: 0: single characters, 1: pairs.
    """
    before = lambda codes: codes[:-1] * order  # all characters follow the same one, for order 0
    kinds, counts = np.unique(before(train) * V + train[1:], return_counts=True)  # V² of them may be too many
    count_of = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    found = np.array([count_of.get(kind, 0) for kind in (before(held_out) * V + held_out[1:]).tolist()])
    total = np.bincount(before(train), minlength=V)[before(held_out)]
    return -float(np.log((found + 1) / (total + V)).mean())


def draw_learning(history: History, baselines: dict[str, float], name: str) -> Figure:
    """Draw the NLL of the training text and of the held-out text over the epochs, and the baselines."""
    figure, ax = panel()
    epochs = [e.epoch for e in history.epochs]
    for part, label in (("train", "training text, while it is read"), ("validation", "held-out text")):
        ax.plot(epochs, [getattr(e, f"{part}_loss") for e in history.epochs], color=plot.COLOURS[part], label=label)
    for label, value in baselines.items():
        ax.axhline(value, color=plot.COLOURS["baseline"], linestyle="--" if "pair" in label else ":", label=label)
    plot.finish(ax, "epoch", "negative log-likelihood (nats/character)", name)
    ax.legend()
    return figure
