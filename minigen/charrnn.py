"""A recurrent network over the characters of a text: the simplest use of `minigen.nn.rnn` (lecture: Pixel-RNN).

    p(text) = Πₜ p(cₜ | c_<ₜ),    p(cₜ | c_<ₜ) = softmax(hₜ₋₁ W + b),    hₜ = f(cₜ, hₜ₋₁),

where the state hₜ₋₁ of an RNN, a GRU or an LSTM f carries the characters before cₜ. The state goes from one call to the
next. In training, each call takes the state as a constant: truncated back-propagation through time. In writing, each
call takes one character.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd import no_grad
from minigen.distributions import Categorical
from minigen.errors import shown
from minigen.model import on_the_host
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.layers import Linear
from minigen.nn.module import DTYPE, Module, Rule
from minigen.nn.rnn import GRU, LSTM, RNN, State, detached
from minigen.training.optim import Optimizer
from minigen.training.steps import Move, Moves, MovingStep

CELLS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
"""The recurrent layers of a `CharRNN`, by the name of their cell."""


def are_characters(points: np.ndarray) -> bool:
    """Return whether `points`, (V,), are code points of characters in ascending order. A surrogate is no character."""
    exist = (points >= 0) & (points <= 0x10FFFF) & ((points < 0xD800) | (points > 0xDFFF))
    return bool(exist.all() and (np.diff(points) > 0).all())


CHARACTERS: Rule = ("characters in ascending order", are_characters)


class CharRNN(Module):
    """p(text) = Πₜ p(cₜ | c_<ₜ) over the characters of an alphabet: an RNN, a GRU or an LSTM, and a softmax.

    A text is an array of codes: the code of a character is its index in the alphabet, 0 … V − 1.
    alphabet: a text with every character of the alphabet, in any order; characters may repeat. The attribute is the
        array of the code points of the V characters, (V,), ascending; a file of weights holds it too.
    cell: the kind of recurrent layers, "rnn", "gru" or "lstm".
    H: hidden units in each layer. layers: number of recurrent layers.
    V: number of characters in the alphabet.
    recurrent: the recurrent layers. head: the layer from their states to the V logits.
    block: characters of each stream that `nll_per_stream` scores at a time. Fewer need less memory.

    Raises ValueError for an empty alphabet, an unknown cell, and unless H and layers are whole numbers of at least 1.
    """

    rules = {"alphabet": CHARACTERS}
    block = 100

    def __init__(
        self, alphabet: Iterable[str], cell: str = "lstm", H: int = 256, layers: int = 1, *, rng: RNGLike = None
    ):
        rng = np.random.default_rng(rng)
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {shown(repr(cell), 200)}")
        points = sorted(set(map(ord, alphabet)))
        if not points:
            raise ValueError("the alphabet is empty: give a text with every character that the model may write")
        self.alphabet, self.V, self.cell, self.H, self.layers = np.array(points), len(points), cell, H, layers
        self.recurrent = CELLS[cell](self.V, H, layers, rng=rng)
        self.head = Linear(H, self.V, rng=rng)

    def codes(self, text: str) -> np.ndarray:
        """Return the codes of a text, (length,) integers.  Raises ValueError if the alphabet lacks a character."""
        points = np.array([ord(c) for c in text], int)
        codes = np.minimum(np.searchsorted(self.alphabet, points), self.V - 1)
        if foreign := sorted(set(points[self.alphabet[codes] != points].tolist())):
            raise ValueError(f"the alphabet has no {shown(', '.join(repr(chr(c)) for c in foreign), 200)}")
        return codes

    def decode(self, codes: Any) -> str:
        """Return the text of codes.  codes: integers 0 … V − 1, (length,)."""
        return "".join(chr(point) for point in self.alphabet[np.asarray(codes, int)])

    def logits(self, now: np.ndarray, state: State | None = None) -> tuple[Any, State]:
        """Return the logits of the next characters, (T, B, V), and the state after the characters `now`.

        now: codes, (T, B), time first. state: before them, as an earlier call returned it; None: zeros.
        """
        one_hot = (now[..., None] == np.arange(self.V)).astype(DTYPE)
        h, state = self.recurrent(one_hot, state)
        return self.head(h), state

    def log_prob(self, now: np.ndarray, following: np.ndarray, state: State | None = None) -> tuple[Any, State]:
        """Return ln p of each next character in nats, (T, B), and the state after the characters `now`.

        now: codes, (T, B), time first. following: the codes of their next characters, (T, B).
        state: before the characters `now`, as an earlier call returned it; None: zeros.
        """
        logits, state = self.logits(now, state)
        return Categorical(logits).log_prob(following), state

    def nll_per_stream(self, now: np.ndarray, following: np.ndarray) -> np.ndarray:
        """Return the mean −ln p of the next characters of each stream, in nats/character, (B,), without recording.

        now, following: codes and codes of the next characters, (length, B), as `streams` returns them.
        """
        state, total = None, np.zeros(now.shape[1])
        with no_grad():
            for t in range(0, len(now), self.block):
                log_p, state = self.log_prob(now[t : t + self.block], following[t : t + self.block], state)
                total -= plain(log_p).sum(axis=0)
        return total / len(now)

    def validation_loss(self, validation: tuple[np.ndarray, np.ndarray]) -> float:
        """Return the mean −ln p of all next characters, in nats/character.  validation: as `streams` returns it."""
        return float(self.nll_per_stream(*validation).mean())

    @on_the_host
    def write(self, prompt: str, count: int, temperature: float = 1.0, *, rng: RNGLike = None) -> str:
        """Return the prompt with `count` sampled characters after it; each sampled character is the next input.

        prompt: at least one character. count: number of characters to sample. temperature: divides the logits; 1 gives
        samples of the model itself, a number near 0 the most probable character each time.

        Raises ValueError if the prompt is empty, if the alphabet lacks one of its characters, and unless temperature
        is above 0.
        """
        rng = np.random.default_rng(rng)
        if not prompt:
            raise ValueError("the prompt is empty: give at least one character to begin with")
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, got {temperature}")
        written = list(self.codes(prompt))
        with no_grad():
            logits, state = self.logits(np.array(written)[:, None])
            for _ in range(count):
                written.append(Categorical(plain(logits)[-1, 0] / temperature).sample(rng=rng))
                logits, state = self.logits(np.array([[written[-1]]]), state)
        return self.decode(written)


def streams(codes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a text into `count` equal parts, the streams. Return their codes and those of the next characters.

    codes: (length,). count: number of streams; the last length − 1 mod count characters are left out.
    Returns (now, following), (length', count) each: row t has the t-th character of every stream, and the next one.

    Raises ValueError if a stream would have no character and successor.
    """
    length = (len(codes) - 1) // count
    if length < 1:
        raise ValueError(f"a text for {count} streams has at least {count + 1} characters, got {len(codes)}")
    now, following = codes[: length * count], codes[1 : length * count + 1]
    return now.reshape(count, length).T, following.reshape(count, length).T


class TruncatedBPTT(MovingStep):
    """A step of training on the next piece of every stream, by truncated back-propagation through time.

    The state after a piece is the state before the next piece, as a constant: no gradient passes to earlier pieces.
    Call it with a batch, the pair (now, following) of codes, (T, B) each, and a generator. It returns the loss: the
    mean −ln p of the next characters. The batches of an epoch follow each other in the text (`fit(shuffle=False)`).

    model: a CharRNN. optimizer: takes the step.
    max_norm: the gradient is scaled down to this norm if its norm is larger.
    text_state: the state after the last piece; None before the first piece of an epoch.
    settings: the names of the attributes that must be equal when a run is resumed.

    The call raises DivergedError, before the weights change, if the loss or the gradient is not finite.
    """

    settings = ("max_norm",)

    def __init__(self, model: CharRNN, optimizer: Optimizer, max_norm: float = 1.0):
        self.model, self.optimizers, self.max_norm = model, [optimizer], max_norm
        self.text_state: State | None = None

    def start(self, epoch: int) -> None:
        """Go to the start of every stream, with a state of zeros: `before_epoch` of `fit`.  epoch: not used."""
        self.text_state = None

    def moves(self, batch: Any, rng: Any) -> Moves:
        """Yield the only move of the step, and keep the state after it.  batch: (now, following), (T, B) each."""
        log_p, state = self.model.log_prob(*batch, self.text_state)
        self.text_state = detached(state)
        yield (Move(self.optimizers[0], -np.mean(log_p), max_norm=self.max_norm),)

    def __call__(self, batch: Any, rng: Any) -> float:
        """Take one step on the pair `batch` and return the loss, in nats/character."""
        (loss,) = self.take(batch, rng)
        return loss
