"""The same training steps in HIPS autograd, with Adam by hand. `autograd` here is that package, not our engine: this
file runs in an environment of its own."""

from functools import partial
from importlib.metadata import version

import autograd.numpy as np
import numpy
from problems import GAME_RATE

from autograd import elementwise_grad, value_and_grad

VERSION = f"HIPS autograd {version('autograd')}"
BETAS, EPS = (0.9, 0.999), numpy.float32(1e-8)
RNG = numpy.random.default_rng(0)


def sigmoid(x):
    return 0.5 * (np.tanh(0.5 * x) + 1)


def relu(x):
    return np.maximum(x, 0)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def bce_with_logits(logits, x):
    """−ln p(x) of each element."""
    return softplus(logits) - logits * x


def normal(*shape):
    return RNG.standard_normal(shape).astype(numpy.float32)


def arrays_of(theta):
    """The arrays in lists and tuples of lists and tuples, one after the other."""
    return [a for part in theta for a in arrays_of(part)] if isinstance(theta, list | tuple) else [theta]


class Adam:
    """It changes the parameters in place."""

    def __init__(self, theta, learning_rate=1e-3):
        self.theta, self.rate, self.t = arrays_of(theta), learning_rate, 0
        self.m, self.s = ([numpy.zeros_like(p) for p in self.theta] for _ in range(2))

    def __call__(self, gradient):
        self.t += 1
        rate = numpy.float32(self.rate * (1 - BETAS[1] ** self.t) ** 0.5 / (1 - BETAS[0] ** self.t))
        for p, m, s, g in zip(self.theta, self.m, self.s, arrays_of(gradient), strict=True):
            m += numpy.float32(1 - BETAS[0]) * (g - m)
            s += numpy.float32(1 - BETAS[1]) * (g * g - s)
            p -= rate * m / (numpy.sqrt(s) + EPS)


def trained(loss, theta):
    """A step of Adam on `loss`, a function of the parameters."""
    gradient, move = value_and_grad(loss), Adam(theta)

    def step():
        value, g = gradient(theta)
        move(g)
        return float(value)

    return step


def mlp(layers, h):
    for W, b in layers[:-1]:
        h = relu(np.dot(h, W) + b)
    W, b = layers[-1]
    return np.dot(h, W) + b


def nade(x, W, V, b, c):
    def loss(theta):
        W, V, b, c = theta
        a, logits = np.zeros((len(x), 1), x.dtype) + c, []
        for i in range(len(W)):
            logits.append(np.dot(sigmoid(a), V[i]) + b[i])
            a = a + x[:, i : i + 1] * W[i]
        return np.sum(bce_with_logits(np.stack(logits, 1), x)) / len(x)

    return trained(loss, [W, V, b, c])


def tiny(x, y, net):
    gradient = value_and_grad(lambda net: np.mean(relu(1 - mlp(net, x) * y)))

    def step():
        value, g = gradient(net)
        for p, slope in zip(arrays_of(net), arrays_of(g), strict=True):
            p -= numpy.float32(0.1) * slope
        return float(value)

    return step


def recurrent(states, cell, x, W, U, b, V, c):
    """cell: (states, pre-activations of x, those of h) → states, of which h is the last."""
    before = numpy.concatenate([numpy.zeros_like(x[:1]), x[:-1]])
    start = (numpy.zeros((x.shape[1], len(U)), x.dtype),) * states

    def loss(theta):
        W, U, b, V, c = theta
        now, path = start, []
        for t in range(len(x)):
            now = cell(now, np.dot(before[t], W) + b, np.dot(now[-1], U))
            path.append(now[-1])
        return np.sum(bce_with_logits(np.dot(np.stack(path), V) + c, x)) / x.shape[1]

    return trained(loss, [W, U, b, V, c])


def lstm_cell(states, of_x, of_h):
    o, i, f, g = np.split(of_x + of_h, 4, axis=1)
    c = sigmoid(f) * states[0] + sigmoid(i) * np.tanh(g)
    return c, sigmoid(o) * np.tanh(c)


def gru_cell(states, of_x, of_h):
    (h,) = states
    (xr, xu, xn), (hr, hu, hn) = np.split(of_x, 3, axis=1), np.split(of_h, 3, axis=1)
    r, u = sigmoid(xr + hr), sigmoid(xu + hu)
    n = np.tanh(xn + r * hn)
    return (n + u * (h - n),)


def vae(x, encoder, decoder):
    d = len(decoder[0][0])

    def loss(theta):
        h = mlp(theta[0], x)
        mean, log_var = h[:, :d], h[:, d:]
        z = mean + np.exp(0.5 * log_var) * normal(*mean.shape)
        reconstruction = -np.sum(bce_with_logits(mlp(theta[1], z), x)) / len(x)
        return 0.5 * np.sum(np.exp(log_var) + mean * mean - 1 - log_var) / len(x) - reconstruction

    return trained(loss, [encoder, decoder])


def gan(x, generator, critic, wasserstein=False, weight=10):
    batch, d = len(x), len(generator[0][0])
    generate = lambda theta, z: sigmoid(mlp(theta, z))
    slopes = elementwise_grad(lambda between, theta: mlp(theta, between))

    def critic_loss(theta, fake, u):
        logits = mlp(theta, np.concatenate([x, fake]))
        real, fakes = logits[:batch], logits[batch:]
        if not wasserstein:
            return np.mean(softplus(-real)) + np.mean(softplus(fakes))
        norm = np.sqrt(np.sum(slopes(u * x + (1 - u) * fake, theta) ** 2, axis=1))
        return np.mean(fakes) - np.mean(real) + weight * np.mean((norm - 1) ** 2)

    def generator_loss(theta, z):
        logits = mlp(critic, generate(theta, z))
        return -np.mean(logits) if wasserstein else np.mean(softplus(-logits))

    of_generator, of_critic = value_and_grad(generator_loss), value_and_grad(critic_loss)
    moves = Adam(generator, GAME_RATE), Adam(critic, GAME_RATE)

    def step():
        z = normal(batch, d)
        value, g = of_critic(critic, generate(z, rng=generator), RNG.random((batch, 1), numpy.float32))
        moves[1](g)
        moves[0](of_generator(generator, z)[1])
        return float(value)

    return step


STEPS = {
    "nade": nade,
    "tiny": tiny,
    "lstm": partial(recurrent, 2, lstm_cell),
    "gru": partial(recurrent, 1, gru_cell),
    "vae": vae,
    "gan": gan,
    "wgan_gp": partial(gan, wasserstein=True),
}
