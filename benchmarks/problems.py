"""The training steps that are timed: data, starting weights and sizes, written once for every library.

A step in a library is a function of these arrays, so all of them compute the same, from the same weights; a test holds
their losses equal. Noise that a step needs, each library draws by its own means.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

DENSITY = 0.3
"""How many of the binary pixels are on."""
GAME_RATE = 1e-5
"""The learning rate of a GAN's players. There is nothing to learn here, and at a usual rate they would drift, in some
hundred steps, to where numbers are denormal and every library is slow."""

Arrays = dict[str, Any]
Layers = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Step:
    """arrays: makes what a step begins with, of these sizes. count: how many steps are timed in a turn."""

    title: str
    count: int
    arrays: Callable[..., Arrays]
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def described(self) -> str:
        """The title with its sizes."""
        return self.title.format(**self.sizes)


def normal(rng: np.random.Generator, *shape: int, scale: float | None = None) -> np.ndarray:
    """Weights, by default of variance 1 / rows."""
    return ((shape[0] ** -0.5 if scale is None else scale) * rng.standard_normal(shape)).astype(np.float32)


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def pixels(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (rng.random(shape) < DENSITY).astype(np.float32)


def layers(rng: np.random.Generator, *sizes: int) -> Layers:
    """(weight, bias) of each linear layer."""
    return [(normal(rng, n, m), zeros(m)) for n, m in itertools.pairwise(sizes)]


def nade(D: int, H: int, batch: int) -> Arrays:
    rng = np.random.default_rng(0)
    W, V = normal(rng, D, H), normal(rng, D, H, scale=H**-0.5)
    return {"x": pixels(rng, batch, D), "W": W, "V": V, "b": zeros(D), "c": zeros(H)}


def tiny(batch: int) -> Arrays:
    rng = np.random.default_rng(0)
    x, y = normal(rng, batch, 2, scale=1), np.sign(normal(rng, batch, 1, scale=1))
    return {"x": x, "y": y, "net": layers(rng, 2, 16, 16, 1)}


def recurrent(gates: int, T: int, batch: int, H: int) -> Arrays:
    """W, U, b: the cell, its gates side by side as in `minigen.nn.bptt`; V, c: from a state to a logit."""
    rng = np.random.default_rng(0)
    cell = {"W": normal(rng, 1, gates * H, scale=H**-0.5), "U": normal(rng, H, gates * H), "b": zeros(gates * H)}
    return {"x": pixels(rng, T, batch, 1), **cell, "V": normal(rng, H, 1), "c": zeros(1)}


def diagonal(side: int, batch: int, H: int, kernel: int = 7) -> Arrays:
    """PixelRNN's diagonal variant of one block, its weights in the model's own order.

    first: the masked convolution, a row for each tap before the centre. left, right: W, U, b, h0, c0 of an LSTM whose
    states see two others. widen, head, last: layers of each place.
    """
    rng = np.random.default_rng(0)
    scan = lambda: (normal(rng, 2 * H, 4 * H), normal(rng, 2 * H, 4 * H), zeros(4 * H), zeros(H), zeros(H))
    first = normal(rng, kernel * kernel // 2, 2 * H), zeros(2 * H)
    left, right = scan(), scan()
    (widen,), (head, last) = layers(rng, H, 2 * H), layers(rng, 2 * H, 32, 1)
    x = pixels(rng, batch, side, side)
    return {"x": x, "first": first, "left": left, "right": right, "widen": widen, "head": head, "last": last}


def vae(D: int, hidden: int, d: int, batch: int, noise: bool = True) -> Arrays:
    """noise=False: q(z|x) so narrow that what is drawn makes no difference, to compare libraries."""
    rng = np.random.default_rng(0)
    encoder, decoder = layers(rng, D, hidden, hidden, 2 * d), layers(rng, d, hidden, hidden, D)
    if not noise:
        encoder[-1][1][d:] = -30
    return {"x": pixels(rng, batch, D), "encoder": encoder, "decoder": decoder}


def gan(D: int, batch: int, d: int = 64, noise: bool = True) -> Arrays:
    """noise=False, to compare libraries: a generator whose first layer is dead, so that z makes no difference to fakes,
    and a critic whose ReLUs are all on, so that its slope is the same wherever a penalty looks."""
    rng = np.random.default_rng(0)
    generator, critic = layers(rng, d, 256, 512, D), layers(rng, D, 512, 256, 1)
    x = rng.random((batch, D), np.float32)
    if not noise:
        generator[0][0][...], generator[0][1][...] = 0, -1
        critic[0][1][...], critic[1][1][...] = 5, 50
    return {"x": x, "generator": generator, "critic": critic}


RNN = {"T": 784, "batch": 32, "H": 128}
GAN = {"D": 784, "batch": 128}
STEPS = {
    "nade": Step("NADE D={D} H={H}, batch {batch}, Adam", 2, nade, {"D": 784, "H": 500, "batch": 128}),
    "tiny": Step("MLP 2-16-16-1, batch {batch}, hinge loss, plain descent", 300, tiny, {"batch": 100}),
    "lstm": Step("LSTM over {T} pixels, H={H}, batch {batch}, Adam", 4, partial(recurrent, 4), RNN),
    "gru": Step("GRU over {T} pixels, H={H}, batch {batch}, Adam", 4, partial(recurrent, 3), RNN),
    "diagonal": Step(
        "Diagonal BiLSTM {side}×{side}, 1 block, H={H}, batch {batch}, Adam",
        4,
        diagonal,
        {"side": 28, "batch": 16, "H": 32},
    ),
    "vae": Step(
        "VAE {D}-{hidden}-{hidden}-{d}, batch {batch}, Adam",
        20,
        vae,
        {"D": 784, "hidden": 500, "d": 20, "batch": 128},
    ),
    "gan": Step("GAN 64-256-512-{D} and its mirror, batch {batch}, a step of each, Adam", 20, gan, GAN),
    "wgan_gp": Step("the same as WGAN with gradient penalty, batch {batch}", 20, gan, GAN),
}
