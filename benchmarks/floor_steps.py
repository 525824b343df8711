"""The matrix products of a training step and nothing else: what no NumPy program can be faster than."""

import itertools

import numpy as np

RNG = np.random.default_rng(0)


def products(sizes, batch, to_inputs, to_weights=True):
    """Those of layers of these sizes: forward, back to all weights and all inputs but, unless asked, the first."""
    normal = lambda *shape: RNG.standard_normal(shape).astype(np.float32)
    layers = [(normal(batch, n), normal(n, m), normal(batch, m)) for n, m in itertools.pairwise(sizes)]

    def step():
        for k, (x, W, g) in enumerate(layers):
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


def vae(batch=128):
    """The encoder 784-500-500-40 and the decoder 20-500-500-784."""
    return together(products((784, 500, 500, 40), batch, False), products((20, 500, 500, 784), batch, True))


def gan(batch=128):
    """The generator once; the discriminator for both players, of whom one needs its weights and one its inputs."""
    return together(
        products((64, 256, 512, 784), batch, False),
        products((784, 512, 256, 1), 2 * batch, False),
        products((784, 512, 256, 1), batch, True, to_weights=False),
    )


STEPS = {"vae": vae, "gan": gan}
