"""`python -m demos gan` as a user runs it; its densities against closed forms, and what it says of a game."""

import csv

import numpy as np
import pytest
from scipy.special import ndtr

from demos import gan
from demos.__main__ import main
from demos.film import read_moments
from minigen.divergences import value
from tests.demos.drawn import check_pictures

FILES = ["density.gif", "density.svg", "dynamics.svg", "history.csv", "moments.npz", "six_states.svg", "value.svg",
         "weights.npz"]  # fmt: skip
LOG_4 = np.log(4)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(gan, "BATCH", 32)
    monkeypatch.setattr(gan, "STEPS", 5)
    monkeypatch.setattr(gan, "TURNS", 20)


@pytest.mark.usefixtures("whole_pictures")
def test_it_prints_the_value_beside_the_theory_and_writes_what_it_promises(quick, tmp_path, capsys):
    assert main(["gan", "--epochs", "4", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    for what in ("V(D, G)", "2 JSD − log 4", "−log 4", "sup |D − ½|", "sup |D* − ½|", "six states", "the Dirac-GAN"):
        assert what in printed
    assert sorted(p.name for p in tmp_path.iterdir()) == FILES
    check_pictures(tmp_path)
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert all(float(row["value"]) <= float(row["optimal_value"]) + 1e-3 for row in rows)  # no D is above D*
    moments = read_moments(tmp_path / "moments.npz")
    assert moments.epochs.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(moments.values["value"][1:], [float(row["value"]) for row in rows], rtol=1e-6)
    np.testing.assert_allclose(moments.shots["fakes"].sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize("how", [[], ["--objective", "minimax", "--r1", "0.1"]])
def test_the_same_seed_repeats_and_another_does_not(how, quick, tmp_path):
    ends = []
    for seed in (1, 1, 2):
        o, rng = gan.options(["--epochs", "2", "--out", str(tmp_path), *how]), np.random.default_rng(seed)
        model = gan.players(o, rng)
        film = gan.Film(lambda model=model: gan.look(model), gan.draw_moment, [])
        film.shoot(0)
        history = gan.played(model, film, o, rng)
        ends.append([film.last.value, *(epoch.measures["value"] for epoch in history.epochs)])
    assert ends[0] == ends[1] != ends[2]
    assert len(ends[0]) == 3


def test_a_game_that_diverges_in_its_first_epoch_ends_in_one_sentence_and_saves_nothing(quick, tmp_path, capsys):
    with np.errstate(over="ignore", invalid="ignore"):
        assert main(["gan", "--epochs", "2", "--discriminator-rate", "1e30", "--out", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert "lower the learning rate" in message
    assert list(tmp_path.iterdir()) == []


def test_help_explains_every_option_and_its_default(capsys):
    with pytest.raises(SystemExit):
        main(["gan", "--help"])
    options = capsys.readouterr().out.split("options:")[1]
    assert options.count("(default:") == options.count("\n  --") == 13


def test_a_short_game_already_comes_near(tmp_path, monkeypatch):
    """A nineteenth of the steps, half of the draws: the JSD falls from 0.5 nats to below 0.05, V to −log 4 ± 0.1."""
    monkeypatch.setattr(gan, "BATCH", 256)
    monkeypatch.setattr(gan, "TURNS", 20)
    assert main(["gan", "--epochs", "16", "--out", str(tmp_path)]) == 0
    with open(tmp_path / "history.csv", newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert float(last["jsd"]) < 0.05
    assert abs(float(last["value"]) + LOG_4) < 0.1


# -- the push-forward


def pushed(G):
    z = gan.Z_EDGES
    return gan.push_forward(gan.EDGES, G(z), gan.P_Z)


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (0.5, 1), (-0.7, -1)])
def test_a_straight_generator_makes_a_normal_distribution(scale, shift):
    """μ + s z ~ N(μ, s²), turned around or not."""
    expected = np.diff(ndtr((gan.EDGES - shift) / abs(scale)))
    np.testing.assert_allclose(pushed(lambda z: scale * z + shift), expected, atol=1e-5)


def test_a_generator_that_folds_makes_chi_squared():
    """z² has the distribution function 2Φ(√x) − 1; both branches add."""
    with np.errstate(invalid="ignore"):
        cdf = np.where(gan.EDGES > 0, 2 * ndtr(np.sqrt(np.maximum(gan.EDGES, 0))) - 1, 0)
    np.testing.assert_allclose(np.cumsum(pushed(lambda z: z**2)), cdf[1:], atol=2e-4)


def test_a_generator_of_one_number_has_all_its_mass_there():
    masses = pushed(lambda z: np.full_like(z, 0.31))
    assert masses.sum() == pytest.approx(1)
    assert masses[np.searchsorted(gan.EDGES, 0.31) - 1] == pytest.approx(1)


def test_the_data_are_a_distribution_and_the_support_its_central_99_percent():
    assert gan.P_DATA.sum() == pytest.approx(1, abs=1e-12)
    assert gan.P_DATA[gan.SUPPORT].sum() == pytest.approx(0.99, abs=0.01)


# -- six states


@pytest.mark.parametrize("objective", gan.PROBABILITIES)
def test_in_the_finite_space_the_value_is_the_divergence_at_every_step(objective):
    run = gan.descent(objective)
    np.testing.assert_allclose(run.values, run.optimal, rtol=0, atol=1e-14)
    assert np.all(np.diff(run.values) < 0)
    assert run.values[-1] + LOG_4 < 0.01
    table = run.tables[7]
    assert run.values[7] == pytest.approx(value(gan.TABLE, table, np.log(gan.TABLE) - np.log(table)), rel=1e-12)


def test_from_afar_minimax_is_slow_to_leave():
    """G-5: its force there is about half of the non-saturating one, and it takes more than twice the steps."""
    minimax, other = (gan.descent(objective) for objective in gan.PROBABILITIES)
    assert minimax.force[0] < 0.6 * other.force[0]
    steps = [int(np.argmax(run.values < -0.5)) for run in (minimax, other)]
    assert steps[0] > 2 * steps[1] > 0


# -- near the equilibrium


@pytest.mark.parametrize("objective", ["minimax", "non-saturating", "hinge", "wasserstein"])
@pytest.mark.parametrize("name", ["no penalty", "R1"])
@pytest.mark.parametrize("alternating", [False, True])
def test_a_game_that_is_played_grows_as_predicted(objective, name, alternating):
    game = gan.DiracGAN(objective, *gan.PENALISED[name])
    formula = np.sort_complex(gan.predicted_factors(game, alternating))
    found = np.sort_complex(np.linalg.eigvals(game.step_matrix(gan.ETA, alternating)).astype(complex))
    np.testing.assert_allclose(formula, found, atol=1e-7)
    assert gan.measured_growth(game, alternating) == pytest.approx(np.abs(formula).max(), abs=2e-3)


# -- what it says

GOOD = {"value": -LOG_4, "jsd": 1e-4, "sup_D": 0.01, "sup_optimal_D": 0.04, "missed": 0.0, "outside": 0.0}


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (
            {},
            "converged: the optimal D* is up to 0.040 from ½, and the learned D does not see this difference: V(D, G) "
            "+ log 4 = 0.0000 nats of 2 JSD = 0.0002 nats",
        ),
        ({"value": -LOG_4 + 1.5e-4}, "converged: the optimal D* is up to 0.040 from ½, and the learned D sees this"),
        (
            {"jsd": 0.0012, "sup_optimal_D": 0.087},
            "not converged: the optimal D* is up to 0.087 from ½, and the learned D is too weak to see this: V(D, G) + "
            "log 4 = 0.0000 nats of 2 JSD = 0.0024 nats. Raise --discriminator-rate",
        ),
        ({"outside": 0.3, "jsd": 0.6}, "diverged: 30% of G(z) lie beyond ±6. Lower --generator-rate"),
        ({"missed": 0.4, "jsd": 0.2, "sup_optimal_D": 0.3}, "the generator collapsed: 40% of the data"),
        (
            {"jsd": 0.01, "sup_optimal_D": 0.2},
            "the players circle: the JSD of p_G and p_data was 0.0010 nats and is now 0.0100",
        ),
        (
            {"jsd": 0.002, "value": -LOG_4 + 0.003, "sup_optimal_D": 0.2},
            "not converged: the optimal D* is up to 0.200 from ½, and the learned D sees this: V(D, G) + log 4 = 0.003",
        ),
    ],
)
def test_it_says_what_became_of_the_game_and_what_to_try(end, words):
    assert gan.verdict([GOOD | {"jsd": 0.001}, GOOD | end]).startswith(words)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--objective", "hinge"], "invalid choice: 'hinge'"),
        (["--r1", "-1"], "must be at least 0, got -1"),
        (["--discriminator-steps", "0"], "must be above 0, got 0"),
    ],
)
def test_what_cannot_be_done_is_refused(options, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(["gan", *options])
    assert end.value.code == 2
    assert message in capsys.readouterr().err
