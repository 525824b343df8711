"""The matrix products of a training step and nothing else: what no NumPy program can be faster than."""

import itertools

import numpy as np


def vae(batch=128):
    """784-500-500-40 and 20-500-500-784: forward, and back to all weights and to all inputs but the images."""
    rng = np.random.default_rng(0)
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    layers = [
        (normal(batch, n), normal(n, m), normal(batch, m), n != 784)
        for sizes in ((784, 500, 500, 40), (20, 500, 500, 784))
        for n, m in itertools.pairwise(sizes)
    ]

    def step():
        for x, W, g, inner in layers:
            _ = x @ W, x.T @ g
            if inner:
                _ = g @ W.T
        return 0.0

    return step


STEPS = {"vae": vae}
