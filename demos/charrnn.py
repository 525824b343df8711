"""A recurrent network learns to write: this project's own source text, or a file of yours, character by character.

    p(text) = Π p(cₜ | c_<ₜ),    where all that came before cₜ reaches it through the state of an LSTM, a GRU or an RNN.

Start here to see what `minigen.nn.rnn` does. The state goes from one call to the next: in training as a constant, which
is truncated back-propagation through time; in writing after every character.
"""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from autograd import no_grad
from demos.common import number, parser
from demos.figures import save_pictures, subplots
from minigen import plot
from minigen.distributions import Categorical
from minigen.divergences import mean_and_error
from minigen.errors import DivergedError
from minigen.nn.arrays import plain
from minigen.nn.layers import Linear
from minigen.nn.module import Module
from minigen.nn.rnn import GRU, LSTM, RNN, State, detached
from minigen.training.files import save_weights
from minigen.training.optim import Adam, clip_grad_norm

CELLS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
BITS = 1 / np.log(2)


def options(arguments: list[str]) -> Namespace:
    p = parser("charrnn", __doc__.split("\n\n")[0])
    p.add_argument(
        "--text", type=readable, metavar="FILE", help="what to learn, UTF-8; without it, minigen's own source"
    )
    p.add_argument("--cell", choices=CELLS, default="lstm", help="which recurrent layer")
    p.add_argument("--hidden", type=number(int), default=256, metavar="H", help="hidden units")
    p.add_argument("--layers", type=number(int), default=1, metavar="L", help="recurrent layers")
    p.add_argument("--steps", type=number(int), default=100, metavar="T",
                   help="characters an update reads of every stream, and a gradient reaches back")  # fmt: skip
    p.add_argument("--streams", type=number(int), default=16, metavar="B", help="parts of the text read side by side")
    p.add_argument("--epochs", type=number(int), default=12, metavar="E", help="passes over the text")
    p.add_argument("--learning-rate", type=number(float), default=0.008, metavar="L",
                   help="of Adam, falling linearly to 0")  # fmt: skip
    p.add_argument("--temperature", type=number(float), default=0.7, metavar="τ",
                   help="of what is written: logits are divided by it; 1 draws from the model itself")  # fmt: skip
    p.add_argument("--prompt", default="def ", metavar="TEXT", help="what the samples begin with")
    p.add_argument("--length", type=number(int), default=600, metavar="N", help="characters of the last sample")
    o = p.parse_args(arguments)
    o.name, source = ("minigen's own source", own_source()) if o.text is None else ("your text", o.text)
    shortest = 10 * (o.streams + 1)  # the held-out tenth too gives every stream a character and one that follows
    if len(source) < shortest:
        p.error(f"a text for {o.streams} streams has at least {shortest} characters, got {len(source)}")
    o.text = Text.of(source)
    if foreign := sorted(set(o.prompt) - set(o.text.alphabet)):
        p.error(f"the text has no {', '.join(map(repr, foreign))}: give a --prompt of characters that it has")
    return o


def readable(name: str) -> str:
    """An argparse type: the text of a file."""
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
    """The source of autograd and minigen, file after file."""
    folders = (resources.files(package) for package in PACKAGES)
    files = sorted((f for folder in folders for f in folder.iterdir() if f.name.endswith(".py")), key=str)
    return "".join(f.read_text(encoding="utf-8") for f in files)


# -- the text as numbers


@dataclass(frozen=True)
class Text:
    """A text as numbers of its alphabet: the last tenth is held out, the rest is to learn from."""

    alphabet: list[str]
    train: np.ndarray
    held_out: np.ndarray

    @staticmethod
    def of(text: str) -> Text:
        alphabet = sorted(set(text))
        number_of = {c: k for k, c in enumerate(alphabet)}
        codes = np.array([number_of[c] for c in text], int)
        return Text(alphabet, *np.split(codes, [len(codes) * 9 // 10]))

    def codes(self, text: str) -> np.ndarray:
        return np.array([self.alphabet.index(c) for c in text], int)

    def decode(self, codes: Any) -> str:
        return "".join(self.alphabet[k] for k in codes)


def streams(codes: np.ndarray, count: int, steps: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The text in `count` equal parts side by side, and of those `steps` characters at a time with the ones that follow
    each: [(now, next), …], both (at most steps, count)."""
    length = (len(codes) - 1) // count
    now = codes[: length * count].reshape(count, length).T
    following = codes[1 : length * count + 1].reshape(count, length).T
    return [(now[t : t + steps], following[t : t + steps]) for t in range(0, length, steps)]


# -- the model


class CharRNN(Module):
    """p(cₜ | c_<ₜ) = softmax(hₜ W + b), where hₜ is the state of a recurrent layer after the characters before cₜ."""

    def __init__(self, cell: str, V: int, H: int, layers: int, rng: np.random.Generator):
        self.V = V
        self.recurrent = CELLS[cell](V, H, layers, rng=rng)
        self.head = Linear(H, V, rng=rng)

    def logits(self, now: np.ndarray, state: State | None) -> tuple[Any, State]:
        """now: (T, B) characters → the logits of those that follow, (T, B, V), and the state after them."""
        h, state = self.recurrent(np.eye(self.V, dtype=np.float32)[now], state)
        return self.head(h), state

    def log_prob(self, now: np.ndarray, following: np.ndarray, state: State | None) -> tuple[Any, State]:
        """ln p of the characters that follow, in nats: (T, B), and the state."""
        logits, state = self.logits(now, state)
        return Categorical(logits).log_prob(following), state

    def write(self, prompt: np.ndarray, count: int, temperature: float, rng: np.random.Generator) -> np.ndarray:
        """The prompt, and `count` characters more: each drawn, then read."""
        written = list(prompt)
        with no_grad():
            logits, state = self.logits(prompt[:, None], None)
            for _ in range(count):
                written.append(Categorical(plain(logits)[-1, 0] / temperature).sample(rng=rng))
                logits, state = self.logits(np.array([[written[-1]]]), state)
        return np.array(written)


def nll_per_stream(model: CharRNN, codes: np.ndarray, count: int, steps: int) -> np.ndarray:
    """−ln p, the mean over each stream's characters, in nats: (count,)."""
    state, total, characters = None, np.zeros(count), 0
    with no_grad():
        for now, following in streams(codes, count, steps):
            log_p, state = model.log_prob(now, following, state)
            total -= log_p.data.sum(axis=0)
            characters += len(now)
    return total / characters


# -- what any model should beat


def nll_of_counts(text: Text, order: int) -> float:
    """−ln p of the held-out text, nats a character, where each depends on `order` (0 or 1) before it: the frequencies
    of the training text, every possibility counted once more."""
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
    print(f"{name}: {length:,} characters, {len(text.alphabet)} different; the last tenth is held out\n")

    model = CharRNN(o.cell, len(text.alphabet), o.hidden, o.layers, rng)
    curve = learn(model, text, prompt, o, rng)
    baselines = {"single characters": nll_of_counts(text, 0), "pairs of characters": nll_of_counts(text, 1)}
    nll = nll_per_stream(model, text.held_out, o.streams, o.steps)
    print(f"\nheld-out text: {'':<11}{'nats a character':>18}{'bits':>8}")
    for label, value in baselines.items():
        print(f"{label:<26}{value:>18.3f}{value * BITS:>8.3f}")
    error = f"± {mean_and_error(nll)[1]:.3f} over {len(nll)} streams" if len(nll) > 1 else ""
    print(f"{f'{o.cell.upper()}, {o.hidden} hidden':<26}{nll.mean():>18.3f}{nll.mean() * BITS:>8.3f}  {error}")

    sample = text.decode(model.write(prompt, o.length, o.temperature, rng))
    print(f"\nwritten at temperature {o.temperature:g}:\n\n{sample}")
    (o.out / "sample.txt").write_text(sample, encoding="utf-8")
    save_weights(model, o.out / "weights.npz")
    save_pictures(o, {"learning.png": draw_learning(curve, baselines, name)}, ["sample.txt", "weights.npz"])
    return 0


def learn(
    model: CharRNN, text: Text, prompt: np.ndarray, o: Namespace, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Train, with a line of what the model writes every now and then; NLL of each epoch, training and held-out text."""
    optimizer, curve = Adam(model, o.learning_rate), []
    updates = streams(text.train, o.streams, o.steps)
    total, shown = o.epochs * len(updates), 0
    bar = tqdm(total=total, desc="reading", unit=" updates", disable=None, dynamic_ncols=True)
    try:
        for epoch in range(o.epochs):
            state, losses = None, []
            for now, following in updates:
                optimizer.learning_rate = o.learning_rate * (1 - bar.n / total)
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
                bar.set_postfix_str(f"{loss.item():.2f} nats a character", refresh=False)
                bar.update()
            curve.append(
                (float(np.mean(losses)), float(nll_per_stream(model, text.held_out, o.streams, o.steps).mean()))
            )
            if (epoch + 1) * SAMPLES // o.epochs > shown:
                shown = (epoch + 1) * SAMPLES // o.epochs
                written = text.decode(model.write(prompt, 120, o.temperature, rng))
                bar.write(f"-- epoch {epoch + 1}, held-out {curve[-1][1]:.3f} nats a character\n{written}\n")
    except KeyboardInterrupt:
        bar.write("interrupted: the model stays as it is")
    bar.close()
    return curve


SAMPLES = 6
"""How often a sample is shown in training."""


def draw_learning(curve: list[tuple[float, float]], baselines: dict[str, float], name: str) -> Figure:
    figure, ax = subplots(7, 4.5)
    epochs = range(1, len(curve) + 1)
    for label, values in zip(("train", "validation"), zip(*curve, strict=True), strict=False):
        shown = "the text itself, while it is read" if label == "train" else "held out"
        ax.plot(epochs, values, color=plot.COLOURS[label], label=shown)
    for label, value in baselines.items():
        ax.axhline(value, color=plot.COLOURS["baseline"], linestyle="--" if "pair" in label else ":", label=label)
    plot.finish(ax, "epoch", "negative log-likelihood (nats a character)", name)
    ax.legend(frameon=False)
    return figure
