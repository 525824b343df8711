"""`python -m demos ring` as a user runs it, and what it says of a game that collapsed."""

import csv

import numpy as np
import pytest

from demos import ring
from demos.__main__ import main

QUICK = ["ring", "--epochs", "2", "--batch-size", "16", "--hidden", "8"]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(ring, "STEPS", 3)
    monkeypatch.setattr(ring, "SAMPLES", 100)
    monkeypatch.setattr(ring, "NEIGHBOURS", 50)
    monkeypatch.setattr(ring.Film, "points", 8)


def rows_of(printed):
    return [line for line in printed.splitlines() if line.startswith(tuple(map(str, ring.COMPARED)))]


def test_four_games_are_compared_and_everything_promised_is_written(quick, tmp_path, capsys):
    assert main([*QUICK, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "draws of the target itself" in printed
    for variant in ring.COMPARED:
        assert f"\n{variant}: " in printed  # what became of it
        assert {f"{variant.file}.npz", f"{variant.file}.csv"} <= {p.name for p in tmp_path.iterdir()}
    assert {"samples.png", "learning.png", "training.gif"} <= {p.name for p in tmp_path.iterdir()}
    with open(tmp_path / "minimax.csv", newline="") as file:
        assert {"modes", "quality", "p_value", "coverage"} <= set(list(csv.DictReader(file))[1])


@pytest.mark.parametrize(
    "options",
    [
        ["--target", "grid", "--objective", "hinge", "--spectral"],
        ["--target", "roll", "--objective", "least-squares", "--penalty", "r1", "--layers", "3"],
        ["--objective", "wasserstein", "--penalty", "gradient", "--penalty-weight", "1", "--discriminator-steps", "2"],
    ],
)
def test_one_game_on_any_target(options, quick, tmp_path, capsys):
    assert main([*QUICK, *options, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert ("modes hit" in printed) == ("roll" not in options)


def test_r1_covers_all_eight_modes():
    """A third of the default's steps, some 4 s: every mode is hit, by half of the samples or more."""
    o = ring.options(["--objective", "non-saturating", "--penalty", "r1", "--epochs", "12"])
    (variant,) = o.variants
    target = ring.TARGETS["ring"][1]()
    rng = np.random.default_rng(0)
    gan = ring.untrained(variant, o, rng)
    game = ring.Game(gan, o.learning_rate, o.discriminator_rate, ring.BETAS)
    for _ in range(12 * ring.STEPS):
        game(target.sample(o.batch_size, rng), rng)
    found = ring.count(target, gan.sample(2500, np.random.default_rng(0)))
    assert found.modes == 8
    assert found.quality > 0.5


ALL = {"modes": 8, "quality": 0.9, "p_value": 0.5, "coverage": 0.7, "precision": 0.9}


@pytest.mark.parametrize(
    ("target", "found", "words"),
    [
        ("ring", {}, "all 8 modes are hit, and equally often; 90% of the samples lie near one"),
        ("ring", {"p_value": 1e-9}, "all 8 modes are hit, though not equally often"),
        ("ring", {"modes": 3}, "3 of 8 modes hit: mode collapse. Try --objective non-saturating --penalty r1"),
        ("ring", {"quality": 0.01, "modes": 2}, "the samples run after the discriminator, 1% of them near a mode"),
        ("roll", {"coverage": 0.1}, "10% of the target is covered: mode collapse. Try"),
        ("roll", {}, "70% of the target is covered, 90% of the samples lie in it"),
    ],
)
def test_it_says_what_became_of_a_game_and_what_to_try(target, found, words, quick):
    o = ring.options(["--objective", "minimax", "--hidden", "4"])
    target = ring.TARGETS[target][1]()
    film = ring.Film(o.variants[0], ring.untrained(o.variants[0], o, np.random.default_rng(0)), target)
    film.measures.append(ALL | found)
    assert ring.verdict(film).startswith(words)
    film.samples.append(np.full((3, 2), 1e6))
    assert ring.verdict(film).startswith("diverged: samples lie as far as 1000000 from the origin")


def test_the_cure_of_a_cured_game_is_another_one():
    assert ring.Variant("hinge", spectral=True).cure == "--discriminator-steps 5"
    assert ring.Variant("hinge", "r1", 5).cure == "a higher --discriminator-rate"


def test_a_game_that_diverges_keeps_its_last_good_weights(quick, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(ring.GAN, "generator_loss", lambda self, fake: np.mean(fake) * np.nan)
    assert main([*QUICK, "--objective", "minimax", "--out", str(tmp_path)]) == 1
    assert "The last good weights are in" in capsys.readouterr().err
    assert (tmp_path / "minimax.npz").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--penalty", "r1"], "are of one game: name its --objective"),
        (["--objective", "hinge", "--penalty-weight", "1"], "--penalty-weight needs a --penalty"),
        (["--objective", "wasserstein"], "needs a critic of bounded slope"),
        (["--target", "moons"], "invalid choice: 'moons'"),
    ],
)
def test_what_does_not_go_together_is_refused(options, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(["ring", *options])
    assert end.value.code == 2
    assert message in capsys.readouterr().err
