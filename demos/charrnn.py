"""A recurrent network learns a text, character by character, and then writes text itself. The text is the source code
of this project, or a file of yours.

    p(text) = Π p(cₜ | c_<ₜ),    where the state of an LSTM, a GRU or an RNN carries the previous characters c_<ₜ.

This is the simplest use of `minigen.nn.rnn`. The state goes from one call to the next. In training, each call takes the
state as a constant: truncated back-propagation through time. In writing, each call takes one character.
"""

from __future__ import annotations

import os
from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from autograd import no_grad
from demos.common import number, parser
from demos.figures import save_pictures, subplots
from demos.output import saved
from minigen import plot
from minigen.distributions import Categorical
from minigen.divergences import mean_and_error
from minigen.errors import DivergedError, shown
from minigen.nn.arrays import plain
from minigen.nn.layers import Linear
from minigen.nn.module import Module
from minigen.nn.rnn import GRU, LSTM, RNN, State, detached
from minigen.progress import progress_bar
from minigen.training.optim import Adam, clip_grad_norm

CELLS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
BITS = 1 / np.log(2)


def options(arguments: list[str]) -> Namespace:
    p = parser("charrnn")
    p.add_argument("--text", type=readable, metavar="FILE",
                   help="text file to learn, UTF-8; without this option, the source code of minigen")  # fmt: skip
    p.add_argument("--cell", choices=CELLS, default="lstm", help="kind of recurrent layer")
    p.add_argument("--hidden", type=number(int), default=256, metavar="H", help="hidden units in each layer")
    p.add_argument("--layers", type=number(int, most=1000), default=1, metavar="L", help="number of recurrent layers")
    p.add_argument("--steps", type=number(int), default=100, metavar="T",
                   help="characters of every stream in a training step; gradients reach back this far")  # fmt: skip
    p.add_argument("--streams", type=number(int), default=16, metavar="B",
                   help="number of equal parts of the text that are read in parallel (batch size)")  # fmt: skip
    p.add_argument("--epochs", type=number(int), default=12, metavar="E",
                   help="number of epochs (passes over the text)")  # fmt: skip
    p.add_argument("--learning-rate", type=number(float), default=0.008, metavar="L",
                   help="learning rate of Adam at the start; it falls linearly to 0")  # fmt: skip
    p.add_argument("--temperature", type=number(float), default=0.7, metavar="τ",
                   help="temperature of the written text, which divides the logits; 1: samples of the model "
                        "itself")  # fmt: skip
    p.add_argument("--prompt", default="def ", metavar="TEXT", help="text with which every sample begins")
    p.add_argument("--length", type=number(int), default=600, metavar="N",
                   help="number of characters of the last sample")  # fmt: skip
    o = p.parse_args(arguments)
    o.name, source = ("the source code of minigen", own_source()) if o.text is None else ("your text", o.text)
    shortest = 10 * (o.streams + 1)  # every stream of the held-out tenth needs a character and its successor
    if len(source) < shortest:
        p.error(f"a text for {o.streams} streams has at least {shortest} characters, got {len(source)}")
    o.text = Text.of(source)
    if foreign := sorted(set(o.prompt) - set(o.text.alphabet)):
        p.error(f"the text has no {', '.join(map(repr, foreign))}: give a --prompt of characters that it has")
    return o


def readable(name: str) -> str:
    """Return the text of a file. An argparse type. Raises ArgumentTypeError if the file is not readable UTF-8 text."""
    if not os.path.isfile(name):  # a pipe or a device may never end
        raise ArgumentTypeError(f"cannot be read as UTF-8 text: there is no file {shown(repr(name), 200)}")
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentTypeError(f"cannot be read as UTF-8 text: {error}") from None


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


# -- the text as integers


@dataclass(frozen=True)
class Text:
    """A text as integers, the indices of its characters in its alphabet.

    alphabet: sorted characters. train: first nine tenths of the text. held_out: the last tenth.
    """

    alphabet: list[str]
    train: np.ndarray
    held_out: np.ndarray

    @staticmethod
    def of(text: str) -> Text:
        """Return a text as integers, split into training and held-out text."""
        alphabet = sorted(set(text))
        number_of = {c: k for k, c in enumerate(alphabet)}
        codes = np.array([number_of[c] for c in text], int)
        return Text(alphabet, *np.split(codes, [len(codes) * 9 // 10]))

    def codes(self, text: str) -> np.ndarray:
        """Return the integers of a text, (length,)."""
        return np.array([self.alphabet.index(c) for c in text], int)

    def decode(self, codes: Any) -> str:
        """Return the text of integers."""
        return "".join(self.alphabet[k] for k in codes)


def streams(codes: np.ndarray, count: int, steps: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut the text into `count` equal parts, and return successive pieces of all parts, with the next characters.

    codes: (length,) → [(now, following), …], each (≤ steps, count): `steps` characters of every part.
    """
    length = (len(codes) - 1) // count
    now = codes[: length * count].reshape(count, length).T
    following = codes[1 : length * count + 1].reshape(count, length).T
    return [(now[t : t + steps], following[t : t + steps]) for t in range(0, length, steps)]


# -- the model


class CharRNN(Module):
    """p(cₜ | c_<ₜ) = softmax(hₜ W + b), where hₜ is the state of the recurrent layers after the characters before cₜ.

    cell: one of CELLS. V: size of the alphabet. H: hidden units. layers: number of recurrent layers. recurrent, head:
    the layers and the output layer.
    """

    def __init__(self, cell: str, V: int, H: int, layers: int, rng: np.random.Generator):
        self.V = V
        self.recurrent = CELLS[cell](V, H, layers, rng=rng)
        self.head = Linear(H, V, rng=rng)

    def logits(self, now: np.ndarray, state: State | None) -> tuple[Any, State]:
        """Return the logits of the next characters, (T, B, V), and the new state.

        now: characters, (T, B). state: before them; None: zeros.
        """
        h, state = self.recurrent(np.eye(self.V, dtype=np.float32)[now], state)
        return self.head(h), state

    def log_prob(self, now: np.ndarray, following: np.ndarray, state: State | None) -> tuple[Any, State]:
        """Return ln p of the next characters in nats, (T, B), and the new state.

        now, following: characters and next characters, (T, B). state: before; None: zeros.
        """
        logits, state = self.logits(now, state)
        return Categorical(logits).log_prob(following), state

    def write(self, prompt: np.ndarray, count: int, temperature: float, rng: np.random.Generator) -> np.ndarray:
        """Return the prompt and `count` sampled characters; each sampled character is the next input.

        prompt: (length,). temperature: divides the logits.
        """
        written = list(prompt)
        with no_grad():
            logits, state = self.logits(prompt[:, None], None)
            for _ in range(count):
                written.append(Categorical(plain(logits)[-1, 0] / temperature).sample(rng=rng))
                logits, state = self.logits(np.array([[written[-1]]]), state)
        return np.array(written)


def nll_per_stream(model: CharRNN, codes: np.ndarray, count: int, steps: int) -> np.ndarray:
    """Return the mean −ln p of the characters of each stream, nats/character, (count,).

    codes: the text, (length,). count: number of streams. steps: characters of a stream in a call.
    """
    state, total, characters = None, np.zeros(count), 0
    with no_grad():
        for now, following in streams(codes, count, steps):
            log_p, state = model.log_prob(now, following, state)
            total -= log_p.data.sum(axis=0)
            characters += len(now)
    return total / characters


# -- baselines


def nll_of_counts(text: Text, order: int) -> float:
    """Return −ln p of the held-out text under a Markov chain of order 0 or 1, nats/character.

    The chain has the frequencies of the training text, with 1 added to every count.
    """
    V = len(text.alphabet)
    counts = np.ones((V if order else 1, V))
    np.add.at(counts, (text.train[:-1] * order, text.train[1:]), 1)
    log_p = np.log(counts / counts.sum(axis=1, keepdims=True))
    return -float(log_p[text.held_out[:-1] * order, text.held_out[1:]].mean())


# -- the demo


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    text, name = o.text, o.name
    prompt = text.codes(o.prompt or text.alphabet[0])
    length = len(text.train) + len(text.held_out)
    print(f"{name}: {length:,} characters, {len(text.alphabet)} different characters; the last tenth is held out\n")

    model = CharRNN(o.cell, len(text.alphabet), o.hidden, o.layers, rng)
    with saved(model, o.out, facts={"data": name, "alphabet": "".join(text.alphabet)}):
        curve = learn(model, text, prompt, o, rng)
    baselines = {"single characters": nll_of_counts(text, 0), "pairs of characters": nll_of_counts(text, 1)}
    nll = nll_per_stream(model, text.held_out, o.streams, o.steps)
    print("\nnegative log-likelihood of the held-out text")
    print(f"{'model':<26}{'nats/character':>18}{'bits/character':>16}")
    for label, value in baselines.items():
        print(f"{label:<26}{value:>18.3f}{value * BITS:>16.3f}")
    error = f"± {mean_and_error(nll)[1]:.3f} nats (standard error over {len(nll)} streams)" if len(nll) > 1 else ""
    print(f"{f'{o.cell.upper()}, {o.hidden} hidden':<26}{nll.mean():>18.3f}{nll.mean() * BITS:>16.3f}  {error}")

    sample = text.decode(model.write(prompt, o.length, o.temperature, rng))
    print(f"\ntext written by the network at temperature {o.temperature:g}:\n\n{sample}")
    o.out.write_text("sample.txt", sample)
    save_pictures(o, {"learning.png": draw_learning(curve, baselines, name)})
    return 0


def learn(
    model: CharRNN, text: Text, prompt: np.ndarray, o: Namespace, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Train the model, print samples during the training, and return the NLL of each epoch.

    The NLL is of the training text and of the held-out text, nats/character. prompt: begins every sample.
    """
    optimizer, curve = Adam(model, o.learning_rate), []
    updates = streams(text.train, o.streams, o.steps)
    shown = 0
    bar = progress_bar(total=o.epochs * len(updates), desc="reading", unit=" updates")
    try:
        for epoch in range(o.epochs):
            state: State | None = None
            losses: list[float] = []
            for now, following in updates:
                optimizer.learning_rate = o.learning_rate * (1 - (epoch + len(losses) / len(updates)) / o.epochs)
                log_p, state = model.log_prob(now, following, state)
                loss = -np.mean(log_p)
                if not np.isfinite(loss.item()):
                    raise DivergedError(f"the loss is {loss.item()}: lower --learning-rate")
                model.zero_grad()
                loss.backward()
                clip_grad_norm(model, 1.0)
                optimizer.step()
                state = detached(state)
                losses.append(loss.item())
                bar.set_postfix_str(f"{loss.item():.2f} nats/character", refresh=False)
                bar.update()
            curve.append(
                (float(np.mean(losses)), float(nll_per_stream(model, text.held_out, o.streams, o.steps).mean()))
            )
            if (epoch + 1) * SAMPLES // o.epochs > shown:
                shown = (epoch + 1) * SAMPLES // o.epochs
                written = text.decode(model.write(prompt, 120, o.temperature, rng))
                bar.write(
                    f"-- epoch {epoch + 1}: held-out text {curve[-1][1]:.3f} nats/character; a sample:\n{written}\n"
                )
    except KeyboardInterrupt:
        bar.write("training interrupted: the model keeps its current weights")
    bar.close()
    return curve


SAMPLES = 6
"""Number of samples that are printed during the training."""


def draw_learning(curve: list[tuple[float, float]], baselines: dict[str, float], name: str) -> Figure:
    """Draw the NLL over the epochs, and the baselines.  curve: NLL of training and held-out text of each epoch."""
    figure, ax = subplots(7, 4.5)
    epochs = range(1, len(curve) + 1)
    for label, values in zip(("train", "validation"), zip(*curve, strict=True), strict=False):
        shown = "training text, while it is read" if label == "train" else "held-out text"
        ax.plot(epochs, values, color=plot.COLOURS[label], label=shown)
    for label, value in baselines.items():
        ax.axhline(value, color=plot.COLOURS["baseline"], linestyle="--" if "pair" in label else ":", label=label)
    plot.finish(ax, "epoch", "negative log-likelihood (nats/character)", name)
    ax.legend(frameon=False)
    return figure
