"""`python -m demos aae` as a user runs it."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from demos import aae
from demos.__main__ import main
from demos.aae import epochs_of, labelled_rows, nearest_part
from minigen.aae import AAE, SemiSupervisedAAE
from minigen.data import sets as data
from minigen.priors import Flower, SwissRoll
from minigen.training.history import History
from tests.demos.drawn import check_pictures

QUICK = ["aae", "--epochs", "2", "--hidden", "8", "--batch-size", "300"]
FILES = ["history.csv", "latent.svg", "learning.svg", "moments.npz", "training.gif", "training.svg", "weights.npz"]

RUNS = {
    "gaussian": (["--encoder", "gaussian"], "regions.svg", "1.386 if it cannot tell codes from samples of the prior"),
    "in more numbers": (["--encoder", "noisy", "--latent", "4"], "regions.svg", "not a likelihood"),
    "flower": (
        ["--prior", "flower", "--encoder", "gaussian"],
        "regions.svg",
        "for 300 images, I(x; z) is at most ln 300",
    ),
    "labelled flower": (["--prior", "flower", "--labels", "100"], "regions.svg", "AAE, part of the prior"),
    "roll": (["--prior", "roll", "--encoder", "gaussian"], "regions.svg", "not a likelihood"),
    "labelled roll": (["--prior", "roll", "--labels", "1197"], "regions.svg", "learned from 1,197 labels"),
    "semi-supervised": (["--semi-supervised", "100"], "styles.svg", "AAE, semi-supervised"),
}


@pytest.mark.usefixtures("whole_pictures")
@pytest.mark.parametrize("name", RUNS)
def test_it_prints_its_result_and_writes_everything_it_promises(name, tmp_path, capsys):
    arguments, picture, sentence = RUNS[name]
    assert main([*QUICK, *arguments, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "digits 8×8, grey level ≥ 8, test part" in printed
    assert sentence in printed
    assert ("ELBO surgery" in printed) == (name in ("gaussian", "flower"))
    compared = "labelled" in name or "semi" in name
    assert ("logistic regression" in printed) == compared
    files = sorted([*FILES, picture, *["logistic-weights.npz"] * compared])
    assert sorted(p.name for p in tmp_path.iterdir()) == files
    assert all(file in printed for file in files)
    check_pictures(tmp_path)
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert {"reconstruction", "discriminator", "adversarial"} < set(rows[0])
    assert float(rows[0]["reconstruction"]) == pytest.approx(float(rows[0]["train_loss"]), rel=1e-2)


def test_the_film_has_a_frame_before_training_and_one_after_each_epoch_that_it_keeps(tmp_path):
    assert main([*QUICK, "--out", str(tmp_path)]) == 0
    with Image.open(tmp_path / "training.gif") as film:
        assert film.n_frames == 3  # of 2 epochs
        assert film.info["loop"] == 0  # for ever


def test_a_seed_repeats_exactly_and_another_does_not(tmp_path):
    runs = []
    for run, seed in enumerate("112"):
        out = tmp_path / str(run)
        assert main([*QUICK, "--semi-supervised", "100", "--seed", seed, "--out", str(out)]) == 0
        runs.append([p.read_bytes() for p in sorted(out.iterdir()) if p.suffix in (".svg", ".gif", ".npz")])
    assert runs[0] == runs[1]
    assert all(a != b for a, b in zip(runs[0], runs[2], strict=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prior", "star"], "invalid choice: 'star'"),
        (["--encoder", "none"], "invalid choice: 'none'"),
        (["--latent", "1"], "--latent must be at least 2, because the pictures show a plane, got 1"),
        (["--labels", "-1"], "must be at least 0, got -1"),
        (["--adversarial-rate", "0"], "must be above 0, got 0"),
        (["--labels", "10"], "--labels needs a prior with parts: --prior flower or --prior roll"),
        (["--labels", "10", "--semi-supervised", "10"], "two ways to use labels: choose one"),
        (["--prior", "roll", "--latent", "3"], "--prior roll lies in the plane, so --latent is 2, got 3"),
        (["--semi-supervised", "10", "--encoder", "noisy"], "has a deterministic encoder, got --encoder noisy"),
    ],
)
def test_options_that_make_no_run_are_refused_in_a_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["aae", *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_more_labels_than_images_are_refused(tmp_path, capsys):
    assert main([*QUICK, "--semi-supervised", "1198", "--out", str(tmp_path)]) == 2
    assert "labels of 1,198 images were asked for, but there are 1,197 training images" in capsys.readouterr().err


def test_help_explains_every_option_and_its_default(capsys):
    with pytest.raises(SystemExit):
        main(["aae", "--help"])
    options = capsys.readouterr().out.split("options:")[1]
    assert options.count("(default:") == options.count("\n  --") == 22


@pytest.mark.parametrize("model", [AAE, SemiSupervisedAAE])
def test_a_diverging_run_ends_in_one_sentence(model, tmp_path, capsys, monkeypatch):
    loss = model.adversarial_loss
    monkeypatch.setattr(model, "adversarial_loss", lambda *arguments, **options: loss(*arguments, **options) * np.nan)
    arguments = [] if model is AAE else ["--semi-supervised", "10"]
    assert main([*QUICK, *arguments, "--out", str(tmp_path)]) == 1
    assert "stopped: the adversarial loss is nan" in capsys.readouterr().err


@pytest.mark.usefixtures("whole_pictures")
@pytest.mark.parametrize("arguments", [[], ["--semi-supervised", "10"]])
def test_a_run_that_is_interrupted_before_its_first_epoch_ends_shows_what_there_is(arguments, tmp_path, monkeypatch):
    monkeypatch.setattr(aae, "by_game", lambda *_, **__: History(ended="interrupted"))
    assert main([*QUICK, *arguments, "--out", str(tmp_path)]) == 0
    assert set(FILES) < {p.name for p in tmp_path.iterdir()}


def test_labels_are_spread_over_the_classes(rng):
    """As evenly as there are images: of 5, 50 and 3 of a class, 12 rows are 5, 4 and 3 or so, and all are all."""
    labels = np.repeat([0, 1, 2], [5, 50, 3])
    rows = labelled_rows(labels, 12, rng)
    assert len(set(rows)) == 12
    counts = np.bincount(labels[rows], minlength=3)
    assert counts[2] == 3
    assert sorted(counts[:2]) == [4, 5]
    np.testing.assert_array_equal(labelled_rows(labels, 58, rng), np.arange(58))
    assert len(labelled_rows(labels, 0, rng)) == 0


@pytest.mark.parametrize(("told", "times"), [(100, 10), (400, 1), (1197, 1)])
def test_images_whose_labels_are_told_are_half_of_an_epoch_where_they_are_few(told, times, rng):
    """Each of 100 comes ten times, beside the 1,097 others; the adversary is told those labels and no others."""
    digits = data.digits()
    told_rows = rng.permutation(1197)[:told]
    rows, labels = epochs_of(replace(digits, anew=lambda rng: np.arange(1197)), told_rows)(rng)
    counts = np.bincount(rows, minlength=1197)
    assert set(counts[told_rows]) == {times}
    assert set(np.delete(counts, told_rows)) <= {1}
    known = np.isin(rows, told_rows)
    np.testing.assert_array_equal(labels[known], digits.train.labels[rows[known]])
    assert set(labels[~known]) <= {-1}
    assert epochs_of(digits, None)(rng).shape == (1197, 64)


@pytest.mark.parametrize("prior", [Flower(), SwissRoll()], ids=["flower", "roll"])
def test_a_code_lies_in_the_part_that_it_was_drawn_from(prior, rng):
    labels = rng.integers(10, size=500)
    assert np.mean(nearest_part(prior, prior.sample_given(labels, rng=rng), rng) == labels) > 0.9
