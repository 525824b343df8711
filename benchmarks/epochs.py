"""`python -m benchmarks.epochs`: how long an epoch takes with the recipe of each demo, on the digits and on MNIST.

Two epochs of some batches are trained; the second is measured, and its time scaled to all batches. `--dry` trains on
the stand-in for CuPy, three batches of digits each, to see that all of it runs.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autograd import backend, console
from demos import aae, gan_digits
from demos.common import LIBRARY_OF, load
from demos.recipes import RECIPES, recipe_of, untrained, variational
from minigen.data.sets import Dataset
from minigen.gan import Game
from minigen.training.loop import fit
from minigen.training.optim import Adam

LATER = ("row", "diagonal", "cnn", "raster", "AR(8)", "FVSBN", "EoNADE")
"""Measured last: there may be no time left for them."""


def learner(name: str, data: str, dataset: Dataset, rng: np.random.Generator) -> tuple[Any, Any]:
    """An untrained model and its optimizer, or its step."""
    recipe = recipe_of(name, data)
    if name in ("GAN", "DCGAN"):
        o = gan_digits.options(["--data", data, "--network", {"GAN": "mlp", "DCGAN": "dcgan"}[name]])
        gan = gan_digits.untrained(o, dataset, rng)
        return gan, Game(gan, recipe.learning_rate, recipe.adversarial_rate, ema_decay=0.999)
    if name == "AAE":
        return aae.untrained(dataset, np.zeros(0, int), aae.options(["--data", data]), rng)
    model = variational(recipe, dataset, rng) if name == "VAE" else untrained(name, recipe, dataset, rng)
    return model, Adam(model, recipe.learning_rate, weight_decay=recipe.weight_decay)


def seconds_of_an_epoch(name: str, data: str, dataset: Dataset, batches: int) -> float:
    """By the second epoch of at most so many batches."""
    rng, recipe = np.random.default_rng(0), recipe_of(name, data)
    model, step = learner(name, data, dataset, rng)
    images = dataset.train.images[: batches * recipe.batch_size]
    max_norm = recipe.max_norm if isinstance(step, Adam) else None
    history = fit(model, step, images, images[: recipe.batch_size], rng=rng, epochs=2, batch_size=recipe.batch_size,
                  max_norm=max_norm, keep_best=False, progress=False)  # fmt: skip
    if len(history.epochs) < 2:  # Ctrl-C ended the training; it is meant for all of them
        raise KeyboardInterrupt
    first, second = (epoch.seconds for epoch in history.epochs)
    return (second - first) * len(dataset.train.images) / len(images)


@contextlib.contextmanager
def standin_for_cupy() -> Iterator[None]:
    import pytest

    from tests import standin

    with pytest.MonkeyPatch.context() as patch:
        standin.install(patch)
        yield


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.epochs", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--device", choices=LIBRARY_OF, default="cpu", help="(default: cpu)")
    parser.add_argument("--data", nargs="+", default=["digits", "mnist"], help="(default: digits mnist)")
    parser.add_argument("--data-folder", type=Path, metavar="FOLDER", help="that holds the files of MNIST")
    parser.add_argument("--batches", type=int, default=40, help="of an epoch, at most (default: 40)")
    parser.add_argument("--dry", action="store_true", help="on the stand-in, three batches of digits")
    o = parser.parse_args(arguments)
    if o.dry:
        o.device, o.data, o.batches = "cuda", ["digits"], 3
    with standin_for_cupy() if o.dry else contextlib.nullcontext(), backend.use(LIBRARY_OF[o.device]):
        for data in o.data:
            dataset = load(data, None if data == "digits" else o.data_folder)
            for name in sorted({name for name, _ in RECIPES}, key=lambda name: (name in LATER, name)):
                try:
                    seconds = seconds_of_an_epoch(name, data, dataset, o.batches)
                    result = "runs" if o.dry else f"{seconds:>9.3f} s an epoch"
                except Exception as error:  # the others are worth knowing all the same
                    result = f"failed: {error}"
                print(f"{data:<8}{name:<10}{result}", flush=True)


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
