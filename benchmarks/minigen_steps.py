"""The training steps in minigen. Each function builds a step: a call that updates the weights and returns the loss."""

from functools import partial

import numpy as np

from minigen.distributions import bernoulli_log_prob
from minigen.functions import relu, sigmoid
from minigen.gan import GAN, Game
from minigen.nade import NADE
from minigen.nn import Linear, Sequential, mlp
from minigen.optim import SGD, Adam
from minigen.penalties import gradient_penalty
from minigen.priors import StandardNormal
from minigen.rnn import GRU, LSTM
from minigen.vae import bernoulli_vae


def nade(D=784, H=500, batch=128, density=0.3):
    """NADE, Adam, on random pixels of which 30 % are on."""
    rng = np.random.default_rng(0)
    x = (rng.random((batch, D)) < density).astype(np.float32)
    model = NADE(D, H, rng)
    optimizer = Adam(model)

    def step():
        model.zero_grad()
        loss = model.nll(x)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def tiny():
    """A 2-16-16-1 network with hinge loss and plain descent: what the engine itself costs."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((100, 2)).astype(np.float32)
    y = np.sign(rng.standard_normal((100, 1))).astype(np.float32)
    model = Sequential(Linear(2, 16, rng), relu, Linear(16, 16, rng), relu, Linear(16, 1, rng))
    optimizer = SGD(model, 0.1)

    def step():
        model.zero_grad()
        loss = np.mean(relu(1 - model(x) * y))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def recurrent(layer, T=784, batch=32, H=128, density=0.3):
    """A recurrent layer over the pixels of 28×28 images, each predicted from those before it; Adam."""
    rng = np.random.default_rng(0)
    x = (rng.random((T, batch, 1)) < density).astype(np.float32)
    before = np.concatenate([np.zeros_like(x[:1]), x[:-1]])
    hidden, head = layer(1, H, rng), Linear(H, 1, rng)
    model = Sequential(hidden, head)
    optimizer = Adam(model)

    def step():
        model.zero_grad()
        h, _ = hidden(before)
        loss = -np.sum(bernoulli_log_prob(x, head(h))) / batch
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def vae(batch=128, density=0.3):
    """A VAE 784-500-500-20 of binary pixels, Adam."""
    rng = np.random.default_rng(0)
    x = (rng.random((batch, 784)) < density).astype(np.float32)
    model = bernoulli_vae(784, (500, 500), 20, rng)
    optimizer = Adam(model)

    def step():
        model.zero_grad()
        loss = model.loss(x, rng)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def gan(batch=128, objective="non-saturating", penalty=None):
    """A GAN, generator 64-256-512-784 and discriminator its mirror: a step of each, Adam."""
    rng = np.random.default_rng(0)
    x = rng.random((batch, 784), np.float32)
    generator = mlp((64, 256, 512, 784), rng, relu, last=sigmoid)
    discriminator = mlp((784, 512, 256, 1), rng, relu)
    model = GAN(generator, discriminator, StandardNormal(64), 784, objective, penalty, averaged=False)
    game = Game(model, 1e-3, 1e-3)
    return lambda: game(x, rng)


STEPS = {
    "nade": nade,
    "tiny": tiny,
    "lstm": partial(recurrent, LSTM),
    "gru": partial(recurrent, GRU),
    "vae": vae,
    "gan": gan,
    "wgan_gp": partial(gan, objective="wasserstein", penalty=gradient_penalty),
}
