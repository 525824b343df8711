"""`python -m tests.attacks.kills [--kills N] [--seed S]`: a training is killed at a random moment and resumed, N times.

Each run is one of RUNS, a model, the step of its training, and what remembers something around it, or one of DEMOS: a
command of a demo, on its own data and on images of the user's. A process trains it with a checkpoint after every epoch.
SIGKILL ends that process at a random moment, in a step or in a write; another process resumes it to the end. What it
ends with has to be, bit for bit, what a run ends with that nobody stopped: weights, the best of them, optimizers,
random generator, history, but for the seconds.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

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

D, d, EPOCHS = 16, 3, 24

Parts = tuple[Any, Any, dict[str, Any]]


def nade(images: np.ndarray, rng: np.random.Generator) -> Parts:
    model = NADE(D, 8, rng.permutation(D), rng=rng)
    anew = lambda rng: (rng.random(images.shape) < 0.2 + 0.6 * images).astype(np.float32)
    return model, Adam(model, 0.01, weight_decay=0.01), {"train": anew, "decay": True, "patience": EPOCHS}


def vae(images: np.ndarray, rng: np.random.Generator) -> Parts:
    model = bernoulli_vae(D, (12,), d, rng=rng)
    measure = lambda: {"beta": model.beta, "norm": float(np.linalg.norm(model.flat))}
    options = {"max_norm": 1.0, "before_epoch": WarmUp(model, 30, beta=0.8), "measure": measure}
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
    """The same of the newest checkpoint of each training, which holds the latest weights too."""
    states = [read(Checkpoints(place).paths()[0]) for place in sorted({p.parent for p in folder.rglob("*.checkpoint")})]
    for epoch in (epoch for state in states for epoch in state["epochs"]):
        del epoch["seconds"]
    return hashlib.sha256(json.dumps(states, default=_written).encode()).hexdigest()


# -- the demos

DEMOS: dict[str, list[str]] = {
    "nade": ["--hidden", "8", "--order", "random"],
    "pixelrnn": ["--variant", "raster", "--hidden", "4", "--layers", "1"],
    "vae": ["--hidden", "8", "--layers", "1", "--latent", "3", "--warm-up", "2", "--draws", "10", "--scored", "20"],
    "aae": ["--hidden", "8", "--batch-size", "300", "--prior", "flower", "--labels", "100"],
    "gan_digits": ["--hidden", "8", "--latent", "3", "--samples", "50"],
    "charrnn": ["--hidden", "8", "--streams", "4", "--length", "20"],
    "ring": ["--hidden", "8", "--layers", "1", "--latent", "3", "--batch-size", "8"],
    "gan": ["--discriminator-steps", "1"],
}
"""The demos that save checkpoints, with options that make them quick."""
OF_IMAGES = ("nade", "pixelrnn", "vae", "aae", "gan_digits")
"""Those that take `--data`."""
TRAININGS = {"ring": 4}
"""How many trainings a demo has that saves checkpoints of several, each in a folder of its own."""
COMMANDS = {
    **{f"{demo}, {data}": (demo, data) for demo in OF_IMAGES for data in ("digits", "own images")},
    "charrnn, own text": ("charrnn", "own text"),
    **{demo: (demo, "") for demo in ("ring", "gan")},
}


def quicken(put: Callable[[Any, str, Any], None]) -> None:
    """Make short whatever the demos do beside their training.  put: called as `setattr` is, for each attribute."""
    from demos import aae, gan, gan_digits, recipes, ring

    put(recipes, "JUDGE_EPOCHS", {"few": 2})
    put(ring, "STEPS", 3)
    put(ring, "SAMPLES", 60)
    put(ring, "NEIGHBOURS", 40)
    put(gan, "STEPS", 3)
    put(gan, "BATCH", 16)
    put(gan, "report_dynamics", lambda: None)
    put(gan, "draw_dynamics", lambda: None)
    put(gan_digits, "JUDGED", 200)
    put(gan_digits, "SIGMAS", np.array([0.3]))
    put(gan_digits, "frechet_distance", lambda a, b: float(np.sum((a.mean(0) - b.mean(0)) ** 2)))
    put(aae, "report", lambda *arguments: None)
    rival = recipes.Recipe(3, 100, learning_rate=0.01, hidden=8)
    put(recipes, "RECIPES", recipes.RECIPES | {("NADE", "digits"): rival})


def own_images(path: Path) -> Path:
    """300 images of 6×6 pixels in three classes, as a user has them."""
    rng = np.random.default_rng(5)
    labels = np.arange(300) % 3
    levels = rng.integers(0, 256, (300, 6, 6)) * (np.arange(6) // 2 == labels[:, None])[:, None]
    np.savez(path, images=levels.astype(np.uint8), labels=labels)
    return path


def own_text(path: Path) -> Path:
    """A text of 1,500 characters, as a user has it."""
    words = np.random.default_rng(6).choice(["나는", "책을", "읽고", "글을", "쓴다", "minigen"], 500)
    path.write_text(" ".join(words)[:1500], encoding="utf-8")
    return path


def source(demo: str, folder: Path) -> list[str]:
    """The options by which a demo learns from a file of the user, made in the folder; [] for a demo without any."""
    if demo == "charrnn":
        return ["--text", str(own_text(folder / "own.txt"))]
    return ["--data", str(own_images(folder / "own.npz"))] if demo in OF_IMAGES else []


class Finished(BaseException):
    """A demo has trained its model; measures and pictures would follow."""


def demonstrated(name: str, folder: Path) -> str:
    """Run a demo, from where its checkpoints in the folder are, to the end of its training. Return its outcome."""
    from demos import charrnn, recipes
    from demos.__main__ import main as demos

    ends: list[str] = []

    def to_its_end(model: Any, step: Any, *data: Any, checkpoint: Checkpoints | None = None, **options: Any) -> History:
        history = fit(model, step, *data, checkpoint=checkpoint, **options)
        if checkpoint is not None:
            ends.append(outcome(model, step, options["rng"], history))
            if len(ends) == TRAININGS.get(demo, 1):
                raise Finished(" ".join(ends))
        return history

    quicken(setattr)
    recipes.fit = charrnn.fit = to_its_end  # type: ignore[assignment]
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, until the process ends
    demo, data = COMMANDS[name]
    own = source(demo, folder) if "own" in data else []
    places = ["--out", str(folder / "out"), "--checkpoint", str(folder / "kept"), "--resume"]
    try:
        demos([demo, *DEMOS[demo], *own, "--epochs", "6", *places])
    except Finished as finished:
        return str(finished)
    return "failed"


# -- processes that are killed

NAMES = [*RUNS, *COMMANDS]
PRELOAD = ["tests.attacks.kills"]
"""What the process imports of which all others are copies. `main` names the demos in its place."""


def to_the_end(name: str, folder: Path, pipe: Connection) -> None:
    """Train one of NAMES, from where the folder's checkpoints are; say when it begins, and in the end its outcome."""
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, which a killed process leaves behind
    pipe.send("begins")
    if name in RUNS:
        end = outcome(*train(name, Checkpoints(folder, resume=True)))
    else:
        end = demonstrated(name, folder)
        folder /= "kept"
    pipe.send(end + in_the_last(folder))


class Child:
    """A process that does `to_the_end`. All are copies of one process that has imported everything."""

    def __init__(self, name: str, folder: Path):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOAD)
        self.pipe, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=to_the_end, args=(name, folder, theirs))
        self.process.start()
        theirs.close()
        assert self.said() == "begins"

    def said(self) -> str:
        """What it says next; "failed" if it is no more."""
        try:
            return self.pipe.recv()
        except EOFError:
            return "failed"

    def end(self) -> int | None:
        """Wait for its end; its exit status, of which a negative one is the signal that killed it."""
        self.process.join()
        self.pipe.close()
        status = self.process.exitcode
        self.process.close()
        return status


def killed(name: str, folder: Path, seconds: float, rng: np.random.Generator) -> str:
    """Where the blow fell on a run that takes so many seconds: "" where it was over by then."""
    child = Child(name, folder)
    over = child.pipe.poll(rng.uniform(0, seconds))
    child.process.kill()
    if child.end() == 0 or over:
        return ""
    if any(folder.rglob("*.partial")):
        return "within a write"
    return "between epochs or in a step" if any(folder.rglob("*.checkpoint")) else "before the first checkpoint"


def finished(name: str, folder: Path) -> tuple[str, float]:
    """The outcome of a run that goes on from here to its end, what its last checkpoint holds, and its seconds."""
    folder.mkdir(exist_ok=True)
    child = Child(name, folder)
    start = time.perf_counter()
    end, seconds = child.said(), time.perf_counter() - start
    child.end()
    return end, seconds


def trial(name: str, expected: tuple[str, float], rng: np.random.Generator) -> tuple[str, bool]:
    """One kill: where it fell, and whether the run that went on ended with the same."""
    where = ""
    while not where:
        with tempfile.TemporaryDirectory() as folder:
            where = killed(name, Path(folder), expected[1], rng)
            same = finished(name, Path(folder))[0] == expected[0]
    return where, same


def main(arguments: list[str]) -> int:
    assert __doc__
    p = argparse.ArgumentParser(prog="python -m tests.attacks.kills", description=__doc__.split("\n\n")[0])
    p.add_argument("--kills", type=int, default=200)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--names", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help="; ".join(NAMES))
    o = p.parse_args(arguments)
    rng = np.random.default_rng(o.seed)
    PRELOAD[:] = [f"demos.{demo}" for demo in DEMOS]
    with tempfile.TemporaryDirectory() as folder:
        expected = {name: finished(name, Path(folder) / name) for name in o.names[: o.kills]}
    assert "failed" not in dict(expected.values())
    places: dict[str, int] = {}
    identical = 0
    for k in range(o.kills):
        name = o.names[k % len(o.names)]
        where, same = trial(name, expected[name], rng)
        places[where] = places.get(where, 0) + 1
        identical += same
        print(f"{k + 1:>4}  {name:<24}{where:<30}{'identical' if same else 'DIFFERENT'}", flush=True)
    print(f"{identical} of {o.kills} killed runs were resumed bit for bit; {places}")
    return int(identical < o.kills)


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
