"""`python -m tests.loaded`: every model that a demo trains is loaded in a new process from its file alone.

A first process runs all demos, shortened to an epoch or two, each kind of model that they have. When a demo writes a
file, the process notes what the model draws from a seed, and the likelihoods that it gives to vectors. A second process
knows the files only, loads each by `minigen.load` and computes the same. The program prints a table, and fails unless
all numbers are equal to the last bit. It takes 2 minutes of one core.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from autograd import console, no_grad
from minigen import load
from minigen.aae import AAE
from minigen.charrnn import CharRNN
from minigen.conditional import Conditional
from minigen.model import States
from minigen.nn.layers import Linear
from minigen.nn.module import Module
from minigen.saved import description
from minigen.training.files import weights_header
from minigen.vae import VAE

RUNS = [
    "independence",
    "markov",
    "ar",
    "nade --epochs 2 --hidden 8 --order random",
    "nade --by-label --epochs 2 --hidden 8",
    "pixelrnn --variant all --epochs 1 --hidden 4 --layers 2",
    "pixelrnn --variant raster --levels 4 --epochs 1 --hidden 4",
    "vae --epochs 2 --hidden 8 --draws 2 --scored 2",
    "vae --prior mixture --epochs 2 --hidden 8 --draws 2 --scored 2",
    "vae --prior vamp --posterior full --epochs 2 --hidden 8 --draws 2 --scored 2",
    "aae --epochs 1 --hidden 8",
    "aae --encoder gaussian --prior flower --labels 100 --epochs 1 --hidden 8",
    "aae --encoder noisy --prior roll --epochs 1 --hidden 8",
    "aae --semi-supervised 100 --epochs 1 --hidden 8",
    "truth_lab --epochs 2 --hidden 8",
    "gan --epochs 2",
    "ring --epochs 1 --hidden 8 --layers 2",
    "ring --objective wasserstein --spectral --epochs 1 --hidden 8 --layers 2",
    "gan_digits --epochs 1 --hidden 8 --samples 50",
    "gan_digits --network dcgan --epochs 1 --hidden 4 --samples 50",
    "explore --epochs 1 --hidden 8",
    "explore --model gan --epochs 1 --hidden 8",
    "classify --epochs 1 --hidden 4",
    "anomaly",
    "charrnn --epochs 1 --hidden 8 --length 10 --text README.md",
]
"""The runs of the demos: every kind of model that they can train."""


def vectors(model: Any) -> np.ndarray:
    """Ten vectors that the model may score, always the same."""
    rng, D = np.random.default_rng(3), model.D
    values = getattr(model, "values", None) or model.models[0].values
    if isinstance(values, States):
        return rng.integers(values.count, size=(10, D))
    return rng.integers(2, size=(10, D)).astype(np.float32)


def results(model: Any) -> dict[str, np.ndarray]:
    """What a model draws from a seed, and the numbers that it gives to vectors: likelihoods, bounds, codes, logits."""
    found: dict[str, Any] = {}
    if isinstance(model, CharRNN):
        text = model.codes(model.write(model.decode([0]), 30, rng=1))
        with no_grad():
            log_p, _ = model.log_prob(text[:-1, None], text[1:, None])
        return {"text": text, "ln p": log_p.data}
    if isinstance(model, Conditional):
        labels = np.arange(10) % model.classes
        both = {
            "loss given labels": model.validation_loss((vectors(model), labels)),
            "of p(x)": model.sample(20, rng=1),
        }
        return {name: np.asarray(value) for name, value in both.items()} | results(model.with_label(0))
    with no_grad():
        if hasattr(model, "sample"):
            found["samples"] = model.sample(20, rng=1)
        if isinstance(model, VAE):
            found["ln p, its error"] = model.log_prob(vectors(model), 5, rng=2)
            found["ELBO"] = model.elbos(vectors(model), rng=2).value
        elif hasattr(model, "log_prob"):
            found["ln p"] = model.log_prob(vectors(model))
        if hasattr(model, "validation_loss"):
            found["loss"] = model.validation_loss(vectors(model))
        if hasattr(model, "encode"):
            found["codes"] = model.encode(vectors(model), **({"rng": 4} if isinstance(model, AAE) else {}))
        for name in ("classify", "predict", "log_posterior"):
            if hasattr(model, name):
                found[name] = getattr(model, name)(vectors(model))
        if isinstance(model, Linear):
            found["logits"] = model(np.eye(model.n_in, dtype=np.float32))
    return {name: np.asarray(getattr(value, "data", value)) for name, value in found.items()}


def bits(model: Module) -> dict[str, str]:
    """The SHA-256 of each of `results`, and of all arrays."""
    arrays = {name: np.asarray(array) for name, array in model.arrays().items()}
    found = results(model) | {"arrays": np.concatenate([a.ravel().view(np.uint8) for a in arrays.values()])}
    digest = lambda a: hashlib.sha256(f"{a.dtype} {a.shape}".encode() + np.ascontiguousarray(a).tobytes()).hexdigest()
    return {name: digest(array) for name, array in found.items()}


def shorten() -> None:
    """Make the trainings of the demos short where no option does."""
    from demos import gan, gan_digits, recipes

    sizes = {"epochs": 1, "hidden": 8, "layers": 1}
    recipes.RECIPES.update({key: replace(r, **sizes, latent=min(r.latent, 2)) for key, r in recipes.RECIPES.items()})
    recipes.JUDGE_EPOCHS.update(few=1, many=1)
    gan_digits.JUDGED = 200
    gan.BATCH, gan.STEPS, gan.TURNS = 32, 5, 20


def train(folder: Path) -> dict[str, dict[str, str]]:
    """Run the demos. Returns the `bits` of every model by the path of its file."""
    from demos import output
    from demos.__main__ import main

    shorten()
    found, save = {}, output.save_weights

    def noted(model: Module, path: Path, **facts: Any) -> None:
        save(model, path, **facts)
        found[str(path)] = bits(model) if description(model) else {}

    output.save_weights = noted
    for number, run in enumerate(RUNS):
        name, *options = run.split()
        if main([name, *options, "--out", str(folder / f"{number:02}-{name}")]):
            raise RuntimeError(f"the demo failed: {run}")
    return found


def table(expected: dict[str, dict[str, str]]) -> bool:
    """Load every file and print what is equal. Returns whether everything is."""
    ok = True
    print(f"{'file':<56}{'model':<24}equal to the last bit")
    for path, before in expected.items():
        name, header = "/".join(Path(path).parts[-2:]), weights_header(path)
        model = next(iter(header["model"])) if isinstance(header["model"], dict) else header["model"]
        now = bits(load(path)) if before else {}
        wrong = [key for key in before if now.get(key) != before[key]]
        ok &= bool(before) and not wrong and {"demo"} <= header["facts"].keys()
        said = ", ".join(key for key in now if key not in wrong) if before else "no description"
        print(f"{name:<56}{model:<24}{said}{f', but not {wrong}' if wrong else ''}")
    return ok


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["train"]:
        Path(arguments[2]).write_text(json.dumps(train(Path(arguments[1]))))
        return 0
    if arguments[:1] == ["load"]:
        return 0 if table(json.loads(Path(arguments[1]).read_text())) else 1
    with tempfile.TemporaryDirectory() as folder:
        noted = str(Path(folder) / "noted.json")
        here = [sys.executable, "-m", "tests.loaded"]
        subprocess.run([*here, "train", folder, noted], check=True, stdout=subprocess.DEVNULL)
        return subprocess.run([*here, "load", noted], check=False).returncode


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
