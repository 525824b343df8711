"""`python -m benchmarks.scoring`: ln p(x) of 10,000 images of 784 pixels under NADE with 500 hidden units.

Memory is what NumPy allocated at most beyond images and weights. It is that of one block of images, however many there
are; all hidden states at once would take images × pixels × hidden units.
"""

import time
import tracemalloc

import numpy as np

from autograd import console
from minigen.model import log_probs
from minigen.nade import NADE

IMAGES, D, H = 10_000, 784, 500


def main() -> None:
    rng = np.random.default_rng(0)
    images = (rng.random((IMAGES, D), np.float32) < 0.13).astype(np.float32)  # as many pixels on as in MNIST
    model = NADE(D, H, rng=rng)
    _ = model.flat
    print(f"{'images':>8}{'s':>8}{'peak, MiB':>12}{'all states, MiB':>18}")
    for n in (IMAGES // 10, IMAGES):
        tracemalloc.start()
        start = time.perf_counter()
        log_probs(model, images[:n])
        seconds, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"{n:>8,}{seconds:>8.1f}{peak / 2**20:>12.1f}{n * D * H * 4 / 2**20:>18,.0f}")


if __name__ == "__main__":
    console.run(main)
