"""The matrix products of a training step and nothing else: what no NumPy program can be faster than."""

import numpy as np

VERSION = f"NumPy {np.__version__}"
RNG = np.random.default_rng(0)


def products(layers, batch, to_inputs, to_weights=True):
    """Those of these layers: forward, back to all weights and all inputs but, unless asked, the first."""
    normal = lambda *shape: RNG.standard_normal(shape).astype(np.float32)
    held = [(normal(batch, len(W)), W, normal(batch, len(b))) for W, b in layers]

    def step():
        for k, (x, W, g) in enumerate(held):
            _ = x @ W
            if to_weights:
                _ = x.T @ g
            if k or to_inputs:
                _ = g @ W.T

    return step


def together(*parts):
    def step():
        for part in parts:
            part()
        return 0.0

    return step


def recurrent(x, W, U, b, V, c):
    """A state to its gates and back, a step at a time; to the weights all steps at once."""
    T, N, _ = x.shape
    h, z = (RNG.standard_normal((T, N, n)).astype(np.float32) for n in U.shape)

    def step():
        for t in range(T):
            _ = h[t] @ U
        for t in range(T):
            _ = z[t] @ U.T
        _ = h.reshape(T * N, -1).T @ z.reshape(T * N, -1)
        return 0.0

    return step


def vae(x, encoder, decoder):
    return together(products(encoder, len(x), False), products(decoder, len(x), True))


def gan(x, generator, critic):
    """The generator once; the discriminator for both players, of whom one needs its weights and one its inputs."""
    return together(
        products(generator, len(x), False),
        products(critic, 2 * len(x), False),
        products(critic, len(x), True, to_weights=False),
    )


def wgan_gp(x, generator, critic):
    """And for the penalty: forward and back to the images, and back through both."""
    between = products(critic, len(x), True, to_weights=False)
    return together(gan(x, generator, critic), between, products(critic, len(x), True))


STEPS = {"lstm": recurrent, "gru": recurrent, "vae": vae, "gan": gan, "wgan_gp": wgan_gp}
