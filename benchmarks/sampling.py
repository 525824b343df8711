"""`python -m benchmarks.sampling`: how long drawing images takes on a CUDA device, and how long on the host.

NADE and a raster LSTM of MNIST's size draw 1, 16 and 100 images. Each time is the median of three; the draw before,
which compiles the kernel, does not count. Both draw from one seed: the last column is the share of pixels that are the
same, 1 but for rounding.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from autograd import backend, console
from minigen.model import AutoregressiveModel
from minigen.nade import NADE
from minigen.pixelrnn import PixelRNN

Make = Callable[[], AutoregressiveModel]
MODELS: dict[str, Make] = {
    "NADE 784-500": lambda: NADE(784, 500, rng=0),
    "raster LSTM 28×28, H=128": lambda: PixelRNN((28, 28), "raster", 128, rng=0),
}
COUNTS = 1, 16, 100
TIMES = 3


def drawn(model: AutoregressiveModel, n: int) -> tuple[float, np.ndarray]:
    """The milliseconds that n images take, and the images."""
    model.sample(n, rng=0)
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        images = model.sample(n, rng=0)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times), images


def compare(models: Mapping[str, Make] = MODELS, counts: Sequence[int] = COUNTS) -> Iterator[str]:
    """A line for each model and number of images."""
    for name, make in models.items():
        with backend.use("numpy"):
            on_host = make()
        with backend.use("cupy"):
            on_device = make()
        for n in counts:
            (host, images), (device, others) = drawn(on_host, n), drawn(on_device, n)
            ratio, same = host / device, np.mean(images == others)
            yield f"{name:<26}{n:>4} images{host:>11.2f} ms host{device:>11.3f} ms device{ratio:>8.1f} ×{same:>8.4f}"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampling", description=(__doc__ or "").split("\n\n")[0])
    parser.parse_args(arguments)
    if not backend.cuda_is_available():
        parser.error("CuPy is not installed or finds no CUDA device")
    for line in compare():
        print(line, flush=True)


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
