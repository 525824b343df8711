"""The training steps in minigen. Each function takes the arrays of `problems` and builds a step: a call that updates
the weights and returns the loss."""

from functools import partial

import numpy as np

import minigen
from autograd import backend
from benchmarks.device_memory import most_on_device
from benchmarks.problems import GAME_RATE
from minigen.distributions import bernoulli_log_prob
from minigen.gan import GAN, Game
from minigen.nade import NADE
from minigen.nn.functions import relu, sigmoid
from minigen.nn.layers import Linear, Sequential, mlp
from minigen.nn.module import Module
from minigen.nn.rnn import GRU, LSTM
from minigen.penalties import gradient_penalty
from minigen.pixelrnn import PixelRNN
from minigen.priors import StandardNormal
from minigen.training.memory import keep_freed_memory
from minigen.training.optim import SGD, Adam
from minigen.training.steps import Move, MovingStep
from minigen.vae import bernoulli_vae

__all__ = ["RNG", "STEPS", "VERSION", "most_on_device", "use"]
keep_freed_memory()  # as `train.fit` does
VERSION = f"minigen {minigen.__version__}, NumPy {np.__version__}"
RNG = np.random.default_rng(0)
"""For noise, and for the weights that models begin with before they are given others."""


def begin_with(model: Module, *weights) -> Module:
    """Give a model these weights: arrays and tuples or lists of them, in the order of its parameters."""
    flat = lambda w: [a for part in w for a in flat(part)] if isinstance(w, tuple | list) else [w]
    for p, array in zip(model.parameters().values(), flat(weights), strict=True):
        p.data = backend.to_device(array.copy())
    return model


def use(device: str) -> None:
    """What is made from now on is made there: "cpu" or "cuda"."""
    if device == "cuda":
        backend.use("cupy")


class Trained(MovingStep):
    """A step down `loss`, a function of a batch and a generator. Called, it does what the peers do, and looks at no
    gradient."""

    def __init__(self, model, optimizer, loss, x):
        self.model, self.optimizers, self.loss, self.x = model, [optimizer], loss, backend.to_device(x)

    def moves(self, x, rng):
        yield (Move(self.optimizers[0], self.loss(x, rng=rng)),)

    def checked(self, x):
        return backend.to_device(x)

    def __call__(self):
        self.model.zero_grad()
        value = self.loss(self.x, rng=RNG)
        value.backward()
        self.optimizers[0].step()
        return value.item()


def nade(x, W, V, b, c):
    model = begin_with(NADE(*W.shape, rng=RNG), W, V, b, c)
    return Trained(model, Adam(model), model.loss, x)


def tiny(x, y, net):
    """What the engine itself costs."""
    model, y = begin_with(mlp((2, 16, 16, 1), relu, rng=RNG), net), backend.to_device(y)
    return Trained(model, SGD(model, 0.1), lambda x, rng: np.mean(relu(1 - model(x) * y)), x)


def recurrent(layer, x, W, U, b, V, c):
    """A recurrent layer over the pixels of images, each predicted from those before it."""
    x, batch = backend.to_device(x), x.shape[1]
    before = np.concatenate([np.zeros_like(x[:1]), x[:-1]])
    hidden, head = layer(1, len(U), rng=RNG), Linear(len(U), 1, rng=RNG)
    model = begin_with(Sequential(hidden, head), W, U, b, V, c)
    loss = lambda before, rng: -np.sum(bernoulli_log_prob(x, head(hidden(before)[0]))) / batch
    return Trained(model, Adam(model), loss, before)


def diagonal(x, first, left, right, widen, head, last):
    kernel = int(np.sqrt(2 * len(first[0]) + 1))
    model = PixelRNN(x.shape[1:], "diagonal", len(widen[0]), kernel=kernel, rng=RNG)
    begin_with(model, first, left, right, widen, head, last)
    return Trained(model, Adam(model), model.loss, x.reshape(len(x), -1))


def vae(x, encoder, decoder):
    (D, hidden), d = encoder[0][0].shape, len(decoder[0][0])
    model = begin_with(bernoulli_vae(D, (hidden, hidden), d, rng=RNG), encoder, decoder)
    return Trained(model, Adam(model), model.loss, x)


def gan(x, generator, critic, objective="non-saturating", penalty=None):
    sizes = lambda net: (len(net[0][0]), *(len(b) for _, b in net))
    players = mlp(sizes(generator), relu, last=sigmoid, rng=RNG), mlp(sizes(critic), relu, rng=RNG)
    for player, weights in zip(players, (generator, critic), strict=True):
        begin_with(player, weights)
    model = GAN(*players, StandardNormal(len(generator[0][0])), x.shape[1], objective, penalty, averaged=False)
    game = Game(model, GAME_RATE, GAME_RATE, betas=(0.9, 0.999))
    return partial(game, backend.to_device(x), RNG)


STEPS = {
    "nade": nade,
    "tiny": tiny,
    "lstm": partial(recurrent, LSTM),
    "gru": partial(recurrent, GRU),
    "diagonal": diagonal,
    "vae": vae,
    "gan": gan,
    "wgan_gp": partial(gan, objective="wasserstein", penalty=gradient_penalty),
}
