"""`python -m demos vae` and `python -m demos truth_lab` as a user runs them."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from demos import recipes, vae
from demos.__main__ import main
from demos.common import first_of_each, load
from demos.film import read_moments
from minigen.data.sets import Part
from minigen.training.files import load_weights
from tests.demos.drawn import check_pictures

SIZES = ["--epochs", "3", "--hidden", "8", "--layers", "1", "--latent", "3", "--warm-up", "0"]
QUICK = ["vae", *SIZES, "--draws", "10", "--scored", "20"]
PICTURES = ["interpolations.svg", "latent.svg", "learning.svg", "manifold.svg", "reconstructions.svg", "samples.svg"]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    nade = replace(recipes.recipe_of("NADE", "digits"), epochs=1, hidden=8)
    monkeypatch.setitem(recipes.RECIPES, ("NADE", "digits"), nade)


@pytest.mark.usefixtures("whole_pictures")
def test_it_prints_bounds_beside_nade_and_writes_everything_it_promises(tmp_path, capsys):
    assert main([*QUICK, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    table = [line for line in printed.splitlines() if "±" in line]
    assert [line[:26].strip() for line in table] == ["NADE", "VAE, −ELBO (k = 1)", "VAE, −L₅₀ (k = 50)", "VAE, k = 10"]
    assert "digits 8×8, grey level ≥ 8, the first 20 test images" in printed
    assert "of 3 dimensions of z are active" in printed
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [*PICTURES, "metrics.csv", "NADE-weights.npz", "weights.npz"]
    )
    check_pictures(tmp_path)
    recipe = replace(recipes.recipe_of("VAE", "digits"), hidden=8, layers=1, latent=3)
    model = recipes.variational(recipe, load("digits"), np.random.default_rng(0))
    load_weights(model, tmp_path / "weights.npz")


def test_the_terms_of_every_epoch_are_written_and_add_up(tmp_path):
    main([*QUICK, "--out", str(tmp_path)])
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert len(rows) == 3
    for row in rows:
        assert row["prior_fitting"] - row["reconstruction"] == pytest.approx(row["validation_loss"], rel=1e-5)
        assert 0 <= row["active_units"] <= 3


@pytest.mark.parametrize("prior", recipes.PRIORS)
def test_every_prior_and_posterior_can_be_asked_for(prior, tmp_path, capsys):
    assert main([*QUICK, "--prior", prior, "--posterior", "full", "--out", str(tmp_path)]) == 0
    assert "VAE, k = 10" in capsys.readouterr().out


def test_a_collapsed_posterior_is_reported_with_the_cure(tmp_path, capsys):
    assert main([*QUICK, "--beta", "1000", "--epochs", "20", "--out", str(tmp_path)]) == 0
    report = next(line for line in capsys.readouterr().out.splitlines() if "dimensions of z are active" in line)
    assert report.startswith("0 of 3")
    assert "posterior collapse: z carries no information about x. A lower --beta or a longer --warm-up" in report


def test_the_same_seed_writes_the_same_weights(tmp_path):
    for run in "ab":
        main([*QUICK, "--out", str(tmp_path / run)])
    assert (tmp_path / "a" / "weights.npz").read_bytes() == (tmp_path / "b" / "weights.npz").read_bytes()


def test_the_arc_keeps_the_length_and_both_ways_have_the_same_ends(rng):
    a, b = rng.standard_normal((2, 7))
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    t = np.linspace(0, 1, 9)
    for way in (vae.linear, vae.spherical):
        np.testing.assert_allclose(way(a, b, t)[[0, -1]], [a, b], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(vae.spherical(a, b, t), axis=1), np.linalg.norm(a))
    assert np.linalg.norm(vae.linear(a, b, t)[4]) < np.linalg.norm(a)
    np.testing.assert_allclose(vae.spherical(a, a, t), np.tile(a, (9, 1)))  # no angle between them


@pytest.mark.usefixtures("whole_pictures")
def test_the_truth_lab_closes_the_sum_and_writes_its_pictures(tmp_path, capsys):
    """V-3 and V-8, as the demo prints them."""
    assert main(["truth_lab", "--epochs", "2", "--hidden", "8", "--images", "2", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    rows = [line.split()[1:] for line in printed.splitlines() if line.strip().startswith("epoch ")]
    assert [int(row[0]) for row in rows] == [0, 1, 2] * 2  # of the VAE, and of the AAE beside it
    for _, log_evidence, elbo, kl, error, information, marginal in rows[:3]:
        assert float(information) > 0
        assert float(marginal) > -0.1
        assert float(log_evidence) == pytest.approx(float(elbo) + float(kl), abs=2e-6)
        assert float(error) < 1e-6
    for name in ("VAE", "AAE"):
        cut = next(line for line in printed.splitlines() if line.startswith(f"{name}: "))
        total, information, marginal = (float(part.split("±")[0]) for part in cut[5:].replace("=", "+").split(" + "))
        assert total == pytest.approx(information + marginal, abs=2e-3)
    files = ["ledger.svg", "moments.npz", "posteriors.svg", "ppca.svg", "surgery.svg"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["aae-weights.npz", *files, "vae-weights.npz"]
    check_pictures(tmp_path)
    moments = read_moments(tmp_path / "moments.npz")
    values = np.stack([moments.values[name] for name in ("log_evidence", "elbo", "kl")], axis=1)
    assert [row[1:4] for row in rows[:3]] == [[f"{value:.6f}" for value in row] for row in values]
    assert_in_the_plane(moments)


def assert_in_the_plane(moments):
    """z₁ runs along the columns and z₂ along the rows: p(z|x) has its mean near that of q(z|x), after the training."""
    along = moments.fixed["reach"] * (2 * np.arange(100) + 1 - 100) / 100
    p = moments.shots["posterior"][-1].astype(float)
    assert p.max(axis=(1, 2)).tolist() == [1, 1]
    mean = np.stack([p.sum(axis=1) @ along, p.sum(axis=2) @ along], axis=1) / p.sum(axis=(1, 2))[:, None]
    assert mean == pytest.approx(moments.shots["q"][-1, 0], abs=0.5)


def test_one_digit_of_each_class_is_looked_at():
    part = Part(np.arange(5)[:, None], np.zeros((5, 1)), np.array([1, 0, 1, 2, 0]))
    assert first_of_each(part, 3)[:, 0].tolist() == [1, 0, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vae", "--draws", "1"], "must be at least 2"),
        (["vae", "--prior", "uniform"], "invalid choice: 'uniform'"),
        (["vae", "--latent", "0"], "must be above 0"),
        (["truth_lab", "--images", "11"], "must be at most 10"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("name", "count"), [("vae", 26), ("truth_lab", 8), ("explore", 18)])
def test_help_explains_every_option_and_its_default(name, count, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    options = capsys.readouterr().out.split("options:")[1]
    assert options.count("(default:") == options.count("\n  --") == count
