"""The same training steps in JAX, each compiled whole by jit, with Adam by hand."""

import math
from functools import partial

import jax
from jax import numpy as jnp

from benchmarks.problems import GAME_RATE

VERSION = f"JAX {jax.__version__}"
BETAS, EPS = (0.9, 0.999), 1e-8


def use(device):
    """All of it is done there."""
    jax.config.update("jax_platforms", device)


def most_on_device(work):
    """What `work()` returns, and the most MiB of the device that have been in use; NaN where JAX does not say."""
    result, known = work(), jax.local_devices()[0].memory_stats() or {}
    return result, known.get("peak_bytes_in_use", math.nan) / (1 << 20)


def bce_with_logits(logits, x):
    """−ln p(x) of each element."""
    return jax.nn.softplus(logits) - logits * x


def adam(theta, m, s, g, t, learning_rate=1e-3):
    m = jax.tree.map(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * g, m, g)
    s = jax.tree.map(lambda s, g: BETAS[1] * s + (1 - BETAS[1]) * g * g, s, g)
    rate = learning_rate * jnp.sqrt(1 - BETAS[1] ** t) / (1 - BETAS[0] ** t)
    theta = jax.tree.map(lambda p, m, s: p - rate * m / (jnp.sqrt(s) + EPS), theta, m, s)
    return theta, m, s


def trained(loss, theta):
    """A step of Adam on `loss`, a function of the parameters and of the number of the step."""

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def update(theta, m, s, t):
        value, g = jax.value_and_grad(loss)(theta, t)
        return *adam(theta, m, s, g, t), value

    zeros = partial(jax.tree.map, jnp.zeros_like)
    state = [theta, zeros(theta), zeros(theta)]
    steps = 0

    def step():
        nonlocal steps
        steps += 1
        *state[:], value = update(*state, steps)
        return float(value)

    return step


def on_device(arrays):
    """The same arrays, in whatever lists and tuples they are, as JAX's."""
    return jax.tree.map(jnp.asarray, arrays)


def nade(x, W, V, b, c):
    x, batch = jnp.asarray(x), len(x)

    def loss(theta, t):
        W, V, b, c = theta

        def pixel(a, i):
            w, v, b, x = i
            return a + x[:, None] * w, bce_with_logits(jax.nn.sigmoid(a) @ v + b, x)

        _, costs = jax.lax.scan(pixel, jnp.broadcast_to(c, (batch, len(c))), (W, V, b, x.T))
        return costs.sum() / batch

    return trained(loss, on_device((W, V, b, c)))


def tiny(x, y, net):
    x, y = on_device((x, y))
    loss = lambda theta: jax.nn.relu(1 - mlp(theta, x) * y).mean()

    @jax.jit
    def update(theta):
        value, g = jax.value_and_grad(loss)(theta)
        return jax.tree.map(lambda p, g: p - 0.1 * g, theta, g), value

    state = [on_device(net)]

    def step():
        state[0], value = update(state[0])
        return float(value)

    return step


def recurrent(states, cell, x, W, U, b, V, c):
    """cell: (states, pre-activations of x, those of h) → states, of which h is the last."""
    x, batch, H = jnp.asarray(x), x.shape[1], len(U)
    before = jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1]])
    start = tuple(jnp.zeros((batch, H)) for _ in range(states))

    def loss(theta, t):
        W, U, b, V, c = theta

        def step(states, x):
            states = cell(states, x @ W + b, states[-1] @ U)
            return states, states[-1]

        _, h = jax.lax.scan(step, start, before)
        return bce_with_logits(h @ V + c, x).sum() / batch

    return trained(loss, on_device((W, U, b, V, c)))


def lstm_cell(states, of_x, of_h):
    c, _ = states
    o, i, f, g = jnp.split(of_x + of_h, 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return c, jax.nn.sigmoid(o) * jnp.tanh(c)


def gru_cell(states, of_x, of_h):
    (h,) = states
    (xr, xu, xn), (hr, hu, hn) = jnp.split(of_x, 3, axis=1), jnp.split(of_h, 3, axis=1)
    r, u = jax.nn.sigmoid(xr + hr), jax.nn.sigmoid(xu + hu)
    n = jnp.tanh(xn + r * hn)
    return (n + u * (h - n),)


def mlp(layers, h):
    for W, b in layers[:-1]:
        h = jax.nn.relu(h @ W + b)
    W, b = layers[-1]
    return h @ W + b


def vae(x, encoder, decoder):
    x, batch, key = jnp.asarray(x), len(x), jax.random.key(0)

    def loss(theta, t):
        mean, log_var = jnp.split(mlp(theta[0], x), 2, axis=1)
        z = mean + jnp.exp(0.5 * log_var) * jax.random.normal(jax.random.fold_in(key, t), mean.shape)
        reconstruction = -bce_with_logits(mlp(theta[1], z), x).sum() / batch
        prior_fitting = 0.5 * (jnp.exp(log_var) + mean * mean - 1 - log_var).sum() / batch
        return prior_fitting - reconstruction

    return trained(loss, on_device((encoder, decoder)))


def gan(x, generator, critic, wasserstein=False, weight=10):
    """Both steps in one compiled function, on the same fakes."""
    x, batch, d, key = jnp.asarray(x), len(x), len(generator[0][0]), jax.random.key(0)
    generate = lambda theta, z: jax.nn.sigmoid(mlp(theta, z))

    def penalty(theta, fake, u):
        slopes = jax.grad(lambda x: mlp(theta, x).sum())(u * x + (1 - u) * fake)
        return weight * jnp.mean((jnp.linalg.norm(slopes, axis=1) - 1) ** 2)

    def critic_loss(theta, fake, u):
        logits = mlp(theta, jnp.concatenate([x, fake]))
        real, fakes = logits[:batch], logits[batch:]
        if wasserstein:
            return fakes.mean() - real.mean() + penalty(theta, fake, u)
        return jax.nn.softplus(-real).mean() + jax.nn.softplus(fakes).mean()

    def generator_loss(theta, critic, z):
        logits = mlp(critic, generate(theta, z))
        return -logits.mean() if wasserstein else jax.nn.softplus(-logits).mean()

    @partial(jax.jit, donate_argnums=(0, 1))
    def update(of_generator, of_critic, t):
        for_z, for_u = jax.random.split(jax.random.fold_in(key, t))
        z, u = jax.random.normal(for_z, (batch, d)), jax.random.uniform(for_u, (batch, 1))
        fake = generate(of_generator[0], z)
        value, g = jax.value_and_grad(critic_loss)(of_critic[0], fake, u)
        of_critic = adam(*of_critic, g, t, GAME_RATE)
        g = jax.grad(generator_loss)(of_generator[0], of_critic[0], z)
        return adam(*of_generator, g, t, GAME_RATE), of_critic, value

    state = [
        (theta, *(jax.tree.map(jnp.zeros_like, theta) for _ in range(2))) for theta in on_device([generator, critic])
    ]
    steps = 0

    def step():
        nonlocal steps
        steps += 1
        *state[:], value = update(*state, steps)
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
