"""`python -m tests.kills [--kills N] [--seed S]`: training is killed at a random moment and resumed, N times over.

Each run is one of RUNS: a model, the step of its training, and what remembers something around it. A process trains it
with a checkpoint after every epoch. SIGKILL ends that process at a random moment, in a step or in a write; another
process resumes it to the end. What it ends with has to be, bit for bit, what a run ends with that nobody stopped:
weights, the best of them, optimizers, random generator, history, but for the seconds.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograd import console
from minigen.aae import SemiSupervisedAAE, SemiSupervisedSteps, StyleEncoder, discriminator_network
from minigen.decoders import BernoulliDecoder
from minigen.gan import GAN, Game
from minigen.nade import NADE
from minigen.nn.functions import relu, sigmoid
from minigen.nn.layers import Linear, Sequential, mlp
from minigen.nn.normalisation import BatchNorm, SpectralNorm
from minigen.priors import StandardNormal
from minigen.training.files import read
from minigen.training.history import History
from minigen.training.loop import fit
from minigen.training.optim import SGD, Adam
from minigen.training.resume import Checkpoints
from minigen.training.steps import Descent
from minigen.vae import WarmUp, bernoulli_vae

D, d, EPOCHS = 16, 3, 60

Parts = tuple[Any, Any, dict[str, Any]]


def nade(images: np.ndarray, rng: np.random.Generator) -> Parts:
    model = NADE(D, 8, rng.permutation(D), rng=rng)
    anew = lambda rng: (rng.random(images.shape) < 0.2 + 0.6 * images).astype(np.float32)
    return model, Adam(model, 0.01, weight_decay=0.01), {"train": anew, "decay": True, "patience": EPOCHS}


def vae(images: np.ndarray, rng: np.random.Generator) -> Parts:
    model = bernoulli_vae(D, (12,), d, rng=rng)
    measure = lambda: {"beta": model.beta, "norm": float(np.linalg.norm(model.flat))}
    options = {"max_norm": 1.0, "before_epoch": WarmUp(model, EPOCHS // 2, beta=0.8), "measure": measure}
    return model, SGD(model, 0.05, momentum=0.9), options


def gan(images: np.ndarray, rng: np.random.Generator) -> Parts:
    """Statistics of batches, u of a spectral norm, a moving average, two optimizers, sums of an epoch."""
    generator = Sequential(Linear(d, 12, rng=rng), BatchNorm(12), relu, Linear(12, D, rng=rng), sigmoid)
    discriminator = Sequential(SpectralNorm(Linear(D, 12, rng=rng), rng=rng), relu, Linear(12, 1, rng=rng))
    model = GAN(generator, discriminator, StandardNormal(d), D)
    game = Game(model, 0.002, 0.002, discriminator_steps=2)
    return model, game, {"measure": game.mean_losses, "keep_best": False, "decay": True}


def aae(images: np.ndarray, rng: np.random.Generator) -> Parts:
    """Four optimizers, two of which hold the same encoder."""
    encoder = StyleEncoder(mlp((D, 12), relu, last=relu, rng=rng), 12, 2, d, rng=rng)
    decoder = BernoulliDecoder(mlp((2 + d, 12, D), relu, rng=rng), D)
    model = SemiSupervisedAAE(
        encoder,
        decoder,
        StandardNormal(d),
        discriminator_network(2, (6,), rng=rng),
        discriminator_network(d, (6,), rng=rng),
    )
    labels = (images[:20].mean(axis=1) > 0.5).astype(int)
    return model, SemiSupervisedSteps(model, 0.005, 0.002, images[:20], labels, batch_size=8), {"keep_best": False}


RUNS: dict[str, Callable[[np.ndarray, np.random.Generator], Parts]] = {"nade": nade, "vae": vae, "gan": gan, "aae": aae}


def train(
    name: str,
    checkpoint: Checkpoints | None,
    seed: int = 0,
    prepared: Callable[[Any, Any], None] = lambda model, step: None,
    **otherwise: Any,
) -> tuple[Any, Any, np.random.Generator, History]:
    """One of RUNS: the model, the step, the generator and the history in the end.

    prepared: called with model and step before the training; otherwise: options of `fit` that shall be others.
    """
    rng = np.random.default_rng(seed)
    images = (np.random.default_rng(1).random((120, D)) < np.linspace(0.1, 0.9, D)).astype(np.float32)
    model, step, options = RUNS[name](images, rng)
    prepared(model, step)
    options = {"train": images[:90], "epochs": EPOCHS, "batch_size": 15, "progress": False} | options | otherwise
    return model, step, rng, fit(model, step, validation=images[90:], rng=rng, checkpoint=checkpoint, **options)


def outcome(model: Any, step: Any, rng: np.random.Generator, history: History) -> str:
    """A sum over everything that a run ends with, but for the seconds."""
    epochs = copy.deepcopy([vars(epoch) for epoch in history.epochs])
    for epoch in epochs:
        del epoch["seconds"]
    assert history.best is not None
    stateful = Descent(model, step) if isinstance(step, SGD | Adam) else step
    parts = [model.arrays(), stateful.state(), rng.bit_generator.state, epochs, history.best.epoch, history.ended]
    return hashlib.sha256(json.dumps(parts, default=_written).encode()).hexdigest()


def _written(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.shape, hashlib.sha256(value.tobytes()).hexdigest()]
    return value.item()


def in_the_last(folder: Path) -> str:
    """The same of the newest checkpoint, which holds the latest weights too."""
    state = read(Checkpoints(folder).paths()[0])
    for epoch in state["epochs"]:
        del epoch["seconds"]
    return hashlib.sha256(json.dumps(state, default=_written).encode()).hexdigest()


def process(name: str, folder: Path) -> subprocess.Popen:
    """Trains one of RUNS, from where the folder's checkpoints are; says when it begins, and in the end its outcome."""
    command = [sys.executable, "-m", "tests.kills", "--run", name, "--folder", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])


def said(child: subprocess.Popen) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def killed(name: str, folder: Path, seconds: float, rng: np.random.Generator) -> str:
    """Where the blow fell on a run that takes so many seconds: "" where it was over by then."""
    child = process(name, folder)
    assert said(child) == "begins"
    time.sleep(rng.uniform(0, seconds))
    child.kill()
    child.communicate()
    if child.returncode == 0:
        return ""
    if any(folder.glob("*.partial")):
        return "within a write"
    return "between epochs or in a step" if any(folder.glob("*")) else "before the first checkpoint"


def resumed(name: str, folder: Path) -> str:
    """The outcome of a run that goes on from here to its end, and what its last checkpoint holds."""
    child = process(name, folder)
    said(child)
    end = said(child)
    child.communicate()
    return end + in_the_last(folder) if child.returncode == 0 else "failed"


def reference(name: str, folder: Path) -> tuple[str, float]:
    """The same without a kill, in this process, and how many seconds of training it took."""
    start = time.perf_counter()
    end = outcome(*train(name, Checkpoints(folder)))
    return end + in_the_last(folder), time.perf_counter() - start


def trial(name: str, expected: tuple[str, float], rng: np.random.Generator) -> tuple[str, bool]:
    """One kill: where it fell, and whether the run that went on ended with the same."""
    where = ""
    while not where:
        with tempfile.TemporaryDirectory() as folder:
            where = killed(name, Path(folder), expected[1], rng)
            same = resumed(name, Path(folder)) == expected[0]
    return where, same


def main(arguments: list[str]) -> int:
    assert __doc__
    p = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__.split("\n\n")[0])
    p.add_argument("--kills", type=int, default=100)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--run", choices=RUNS, help=argparse.SUPPRESS)
    p.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    o = p.parse_args(arguments)
    if o.run:
        print("begins", flush=True)
        print(outcome(*train(o.run, Checkpoints(o.folder, resume=True))), flush=True)
        return 0
    rng, names = np.random.default_rng(o.seed), list(RUNS)
    with tempfile.TemporaryDirectory() as folder:
        expected = {name: reference(name, Path(folder) / name) for name in names}
    places: dict[str, int] = {}
    identical = 0
    for k in range(o.kills):
        name = names[k % len(names)]
        where, same = trial(name, expected[name], rng)
        places[where] = places.get(where, 0) + 1
        identical += same
        print(f"{k + 1:>4}  {name:<6}{where:<30}{'identical' if same else 'DIFFERENT'}", flush=True)
    print(f"{identical} of {o.kills} killed runs were resumed bit for bit; {places}")
    return int(identical < o.kills)


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
