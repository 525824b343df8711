"""Every step of training of the demos can be recorded, and the table in docs/cuda.md counts what a repeated step asks.

On the stand-in for CuPy, with the models and the recipes of the demos on the digits, but with few hidden units, whose
number changes no count.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from autograd import backend
from demos import aae, gan, gan_digits, recipes, ring
from demos.common import load
from minigen.analysis.classifier import Classifier
from minigen.gan import Game
from minigen.training.batches import batch_of
from minigen.training.capture import Captured
from minigen.training.guarded import AHEAD
from minigen.training.optim import Adam
from minigen.training.steps import Descent
from tests import standin
from tests.claims import ROOT, table_rows

DIGITS = load("digits")
B, HIDDEN = 10, ("--hidden", "8")


def by_gradient(make, name, rng):
    recipe = replace(recipes.recipe_of(name, "digits"), hidden=8)
    model = make(recipe, DIGITS, rng)
    return Descent(model, Adam(model, recipe.learning_rate), recipe.max_norm), DIGITS.train.images[: recipe.batch_size]


def exact(name, rng):
    return by_gradient(partial(recipes.untrained, name), name, rng)


def vae(rng, **options):
    return by_gradient(partial(recipes.variational, **options), "VAE", rng)


def auto_encoder(*options, rng):
    o = aae.options([*options, *HIDDEN])
    count = o.labels or o.semi_supervised
    rows = np.arange(B if count == "all" else count)
    _, steps = aae.untrained(DIGITS, rows, o, rng)
    data = aae.epochs_of(DIGITS, rows if o.labels else None)(rng)
    return steps, batch_of(data, np.arange(B))


def images(*options, rng):
    o = gan_digits.options([*options, *HIDDEN])
    rate = o.recipe.learning_rate
    model = gan_digits.untrained(o, DIGITS, rng)
    return Game(model, rate, rate, discriminator_steps=o.discriminator_steps), DIGITS.train.images[:B]


def points(*options, rng):
    o = ring.options([*options, *HIDDEN])
    (variant,) = o.variants
    model = ring.untrained(variant, o, rng)
    game = Game(model, 0.01, 0.01, ring.BETAS, variant.discriminator_steps)
    return game, rng.standard_normal((B, 2)).astype(np.float32)


def line(rng):
    model = gan.players(gan.options([]), rng)
    return Game(model, 0.01, 0.01), rng.standard_normal((B, 1)).astype(np.float32)


def judge(rng):
    model = Classifier(DIGITS.D, (8, 8), 10, rng=rng)
    return Descent(model, Adam(model)), (DIGITS.train.images[:B], DIGITS.train.labels[:B])


STEPS = {
    **{name: partial(exact, name) for name in ("AR(8)", "FVSBN", "NADE", "EoNADE")},
    **{f"Pixel-RNN, {name}": partial(exact, name) for name in ("raster", "row", "diagonal", "cnn")},
    "VAE": vae,
    **{f"VAE, --prior {name}": partial(vae, prior=name) for name in ("mixture", "vamp")},
    "VAE, --posterior full": partial(vae, covariance="full"),
    "VAE, --prior vamp --posterior full": partial(vae, prior="vamp", covariance="full"),
    "AAE": auto_encoder,
    **{f"AAE, {options}": partial(auto_encoder, *options.split())
       for options in ("--encoder gaussian", "--encoder noisy", "--prior flower --labels all", "--prior roll",
                       "--semi-supervised 10")},
    "GAN of digits": images,
    "GAN of digits, --network dcgan": partial(images, "--network", "dcgan"),
    "judge of samples": judge,
    "GAN on a line": line,
    **{f"GAN in the plane, {options}": partial(points, *options.split())
       for options in ("--objective minimax", "--objective minimax --discriminator-steps 5",
                       "--objective non-saturating --penalty r1", "--objective wasserstein --penalty gradient",
                       "--objective hinge --spectral")},
}  # fmt: skip


def asked(step, data):
    """What a call asks of the device: kernels one by one, graphs, waits, and arrays sent."""
    launched, crossed = standin.LAUNCHED.copy(), standin.CROSSED.copy()
    step(data, np.random.default_rng(0))
    launched, crossed = standin.LAUNCHED - launched, standin.CROSSED - crossed
    return launched["kernels"], launched["graphs"], crossed["to the host"], crossed["to the device"]


@pytest.mark.parametrize("name", STEPS)
def test_every_step_of_the_demos_is_recorded(name, monkeypatch):
    standin.install(monkeypatch)
    with backend.use("cupy"):
        step, data = STEPS[name](rng=np.random.default_rng(0))
        asked(step, data)  # lays out what later steps use
        written, *_ = asked(step, data)
        recorded, rng = Captured(step), np.random.default_rng(0)
        for _ in range(AHEAD):
            recorded(data, rng)
        kernels, graphs, waits, sent = asked(lambda *_: list(recorded.losses([data] * AHEAD, rng)), data)
    kernels, sent = kernels - 3, sent - 1  # what begins the next steps
    assert kernels % AHEAD == sent % AHEAD == 0
    assert graphs == AHEAD
    section = (ROOT / "docs" / "cuda.md").read_text().partition("## Record a step\n")[2].partition("\n## ")[0]
    rows = [row for row in table_rows(section) if row[0] == name]
    assert rows == [[name, *map(str, (written, kernels // AHEAD, sent // AHEAD, waits))]]


def test_the_table_has_no_other_step():
    section = (ROOT / "docs" / "cuda.md").read_text().partition("## Record a step")[2].partition("\n## ")[0]
    assert [row[0] for row in table_rows(section)] == list(STEPS)
