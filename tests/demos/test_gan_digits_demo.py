"""`python -m demos gan_digits` as a user runs it, and what it says of a generator that failed."""

import csv
import itertools
import re

import numpy as np
import pytest

from demos import gan_digits, recipes
from demos.__main__ import main
from demos.common import load
from minigen.analysis.quality import Neighbourhoods
from minigen.data.sets import real_valued
from minigen.gan import GAN
from minigen.training.files import HEADER, load_weights
from tests.demos.drawn import check_pictures

PICTURES = ["interpolations.svg", "learning.svg", "moments.npz", "nearest.svg", "samples.svg", "training.gif"]
QUICK = ["gan_digits", "--epochs", "2", "--hidden", "8", "--latent", "3", "--samples", "50"]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(recipes, "JUDGE_EPOCHS", {"few": 3, "many": 1})
    monkeypatch.setattr(gan_digits, "JUDGED", 200)
    monkeypatch.setattr(gan_digits, "SIGMAS", np.array([0.2, 0.4]))


@pytest.mark.usefixtures("whole_pictures")
@pytest.mark.parametrize("network", ["mlp", "dcgan"])
def test_it_prints_each_measure_beside_that_of_real_digits_and_writes_what_it_promises(network, tmp_path, capsys):
    assert main([*QUICK, "--network", network, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "judge: a classifier of real digits" in printed
    assert "on 300 test images" in printed
    for measure in (
        "Fréchet distance of features (not FID)",
        "precision",
        "recall",
        "coverage",
        "number of samples of each",
    ):
        assert measure in printed
    assert "Parzen-window log-likelihood of 300 test images" in printed
    assert "a weak measure of quality" in printed
    assert sorted(p.name for p in tmp_path.iterdir()) == ["history.csv", *PICTURES, "weights.npz"]
    check_pictures(tmp_path)
    with open(tmp_path / "history.csv", newline="") as file:
        history = list(csv.DictReader(file))
    assert len(history) == 2
    assert {"discriminator", "generator", "frechet"} <= set(history[0])


def test_images_without_labels_are_measured_by_their_pixels_and_what_is_left_out_is_said(tmp_path, capsys):
    """The judge would need labels; everything else is there."""
    whole = load("digits")
    levels = np.concatenate([part.levels for part in (whole.train, whole.validation, whole.test)])
    np.savez(tmp_path / "mine.npz", images=levels)
    out = tmp_path / "out"
    assert main([*QUICK, "--data", str(tmp_path / "mine.npz"), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "no judge: the images have no labels, or one label for all of them" in printed
    assert re.search(r"\ncoverage \(200 of each, pixels, k = 5\) +\d", printed)
    assert "median distance to the nearest training image" in printed
    assert "Parzen-window log-likelihood of 300 test images" in printed
    assert "left out, because they need labels: the Fréchet distance of features, the certainty of a" in printed
    assert "Fréchet distance of features (not FID)" not in printed
    assert sorted(p.name for p in out.iterdir()) == ["history.csv", *PICTURES, "weights.npz"]
    with open(out / "history.csv", newline="") as file:
        assert "frechet" not in next(csv.reader(file))


def test_the_weights_come_back(tmp_path):
    arguments = [*QUICK[1:], "--out", str(tmp_path)]
    assert main(["gan_digits", *arguments]) == 0
    o, dataset = gan_digits.options(arguments), real_valued(load("digits"))
    gan = gan_digits.untrained(o, dataset, np.random.default_rng(1))
    load_weights(gan, tmp_path / "weights.npz")
    samples = gan.sample(5, rng=np.random.default_rng(0))
    assert samples.shape == (5, 64)
    assert ((samples >= 0) & (samples <= 1)).all()


@pytest.mark.parametrize(
    "options",
    [
        ["--objective", "wasserstein", "--penalty", "gradient", "--discriminator-steps", "3"],
        ["--objective", "hinge", "--penalty", "none"],
    ],
)
def test_other_games_run_too(options, tmp_path):
    assert main([*QUICK, *options, "--out", str(tmp_path)]) == 0


GOOD = Neighbourhoods(precision=0.9, recall=0.9, density=0.9, coverage=0.9)


@pytest.mark.parametrize(
    ("classes", "ours", "words"),
    [
        ([20] * 10, GOOD, "no mode collapse: each of the 10 classes has 10.0% to 10.0%"),
        (
            [100, *[0] * 3, *[20] * 6],
            GOOD,
            "mode collapse: few of 220 samples are of class 1, 2, 3.",
        ),
        (
            [20] * 10,
            GOOD._replace(recall=0.3),
            "little variety: the samples come near only 30% of the real images",
        ),
        ([20] * 10, GOOD._replace(precision=0.3), "few samples look real: only 30% lie near real images"),
        ([], GOOD, "variety and realism as far as pixels tell: the samples come near 90% of the real images, and 90%"),
        ([], GOOD._replace(recall=0.3), "little variety: the samples come near only 30% of the real images"),
    ],
)
def test_it_says_what_went_wrong_and_what_to_try(classes, ours, words):
    found = gan_digits.Found(np.array(classes, int), ours, GOOD)
    assert gan_digits.verdict(found, [str(label) for label in range(10)]).startswith(words)


def test_a_game_that_diverges_keeps_its_last_good_weights(tmp_path, capsys, monkeypatch):
    whole, steps = GAN.generator_loss, itertools.count()
    monkeypatch.setattr(GAN, "generator_loss", lambda *a: whole(*a) * (np.nan if next(steps) > 20 else 1))
    assert main([*QUICK, "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "the generator's loss is nan" in error
    assert error.endswith(f"lower the learning rate; files written to {tmp_path}/: weights.npz\n")
    with np.load(tmp_path / "weights.npz") as weights:
        assert all(np.isfinite(weights[name]).all() for name in weights.files if name != HEADER)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--network", "unet"], "invalid choice: 'unet'"),
        (["--objective", "magic"], "invalid choice: 'magic'"),
        (["--latent", "0"], "must be above 0, got 0"),
        (["--discriminator-steps", "0"], "must be above 0, got 0"),
    ],
)
def test_what_cannot_be_done_is_refused(options, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(["gan_digits", *options])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_copies_are_noticed():
    """Training images lie at distance 0 from themselves."""
    dataset = real_valued(load("digits"))
    of_samples, of_real = gan_digits.copying(dataset.train.images[:50], dataset)
    assert of_samples < 1e-4
    assert of_real > 0.5


def own_images(folder, *shape):
    """240 images of three classes, a bright row each, in an .npz file."""
    images = np.random.default_rng(0).integers(0, 50, (240, *shape))
    labels = np.arange(240) % 3
    images[np.arange(240), labels] = 250
    np.savez(folder / "mine.npz", images=images, labels=labels)
    return ["--data", str(folder / "mine.npz")]


def test_own_images_have_as_many_classes_as_they_have(tmp_path, capsys):
    assert main([*QUICK, *own_images(tmp_path, 5, 6), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "samples of each class 0 … 2: " in printed


def test_images_that_cannot_be_halved_twice_are_refused_before_training(tmp_path, capsys):
    assert main([*QUICK, *own_images(tmp_path, 3, 9), "--network", "dcgan", "--out", str(tmp_path / "out")]) == 2
    printed, said = capsys.readouterr()
    assert printed == ""
    assert "each side needs 4 pixels; take --network mlp" in said
