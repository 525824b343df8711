"""The demos of the lecture's first half, as a user runs them, with training cut short where it takes long."""

from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest

from demos import anomaly, ar, classify, independence, markov, recipes
from demos.__main__ import main
from demos.output import Output
from demos.printed import accuracy
from minigen.data import sets as data
from minigen.model import log_probs
from minigen.table import IndependentBernoulli
from minigen.training.files import load_weights
from minigen.training.history import History
from minigen.uses import BayesClassifier, anomaly_scores
from tests.demos.drawn import check_pictures


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Two epochs with 8 hidden units, whatever the recipe."""
    short = {key: replace(recipe, epochs=2, hidden=8) for key, recipe in recipes.RECIPES.items()}
    monkeypatch.setattr(recipes, "RECIPES", short)


DEMOS = {
    "independence": (
        [],
        [*(f"{name}-weights.npz" for name in sorted(recipes.MODELS)), "ledger.svg", "parameters.svg", "samples.svg"],
        "full table",
    ),
    "markov": (
        ["--orders", "9"],
        ["grey-weights.npz", "orders.svg", "samples.svg", "transitions.svg", "weights.npz"],
        "lowest NLL of the validation images: order k =",
    ),
    "ar": (
        [],
        ["forecast.svg", "orders.svg", "spectrum.svg", "weights.npz"],
        "order n with the lowest AIC (Akaike's criterion, Burg's estimates): 12",
    ),
    "classify": (
        ["--epochs", "1", "--hidden", "4"],
        [
            "FVSBN-weights.npz",
            "NADE-weights.npz",
            "conditional-NADE-weights.npz",
            "confusion.svg",
            "independent-weights.npz",
            "logistic-weights.npz",
            "mistakes.svg",
        ],
        "logistic regression",
    ),
    "anomaly": (
        [],
        ["NADE-weights.npz", "VAE-weights.npz", "denoised.svg", "independent-weights.npz", "roc.svg", "strangest.svg"],
        "digits in a mirror",
    ),
}


@pytest.mark.usefixtures("whole_pictures")
@pytest.mark.parametrize("name", DEMOS)
def test_it_prints_its_result_and_writes_what_it_promises(name, tmp_path, capsys):
    arguments, files, sentence = DEMOS[name]
    assert main([name, *arguments, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert sentence in printed
    assert sorted(p.name for p in tmp_path.iterdir()) == files
    assert all(file in printed for file in files)
    check_pictures(tmp_path)


@pytest.mark.parametrize("name", ["independence", "anomaly"])
def test_a_seed_repeats_exactly(name, tmp_path, capsys):
    runs = []
    for run in "ab":
        assert main([name, "--seed", "3", "--out", str(tmp_path / run)]) == 0
        printed = capsys.readouterr().out.split("written to")[0]
        lines = [line.split(" epochs, ")[0] for line in printed.splitlines()]  # not the seconds
        runs.append((lines, [p.read_bytes() for p in sorted((tmp_path / run).iterdir())]))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("name", DEMOS)
def test_help_explains_every_option_and_its_default(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    options = capsys.readouterr().out.split("options:")[1]
    assert options.count("(default:") == options.count("\n  --")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["independence", "--models", "VAE"], "invalid choice: 'VAE'"),
        (["markov", "--smoothing", "0"], "must be above 0, got 0"),
        (["markov", "--orders", "-1"], "must be at least 0, got -1"),
        (["markov", "--orders", "17"], "must be at most 16, got 17"),
        (["ar", "--orders", "40"], "40 lags and 14 held-out years are too many: the series has 114 years"),
        (["ar", "--method", "mle"], "invalid choice: 'mle'"),
        (["anomaly", "--alarm", "1.5"], "--alarm must be below 1 and --flip below 0.5, got 1.5 and 0.1"),
        (["classify", "--data", "cifar"], "there is no 'cifar': choose digits, mnist, mnist-sampled, fashion"),
    ],
)
def test_bad_options_are_refused_with_their_bounds(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("data", ["mnist", "fashion-sampled"])
def test_data_that_cannot_be_had_ends_in_one_sentence(data, tmp_path, capsys):
    assert main(["independence", "--data", data, "--data-folder", str(tmp_path), "--out", str(tmp_path)]) == 1
    assert "t10k-images-idx3-ubyte.gz is not there: get it from http" in capsys.readouterr().err


# -- what the demos compute themselves


def test_parameter_counts_are_the_formulas():
    """I-2, for the numbers that the demo prints."""
    counts = independence.parameter_counts(range(1, 21))
    for n in range(1, 21):
        assert counts["independent"][n - 1] == n
        assert counts["Markov"][n - 1] == 2 * n - 1
        assert counts["full table"][n - 1] == 2**n - 1
        assert counts["order-4 chain"][n - 1] == (15 + (n - 4) * 16 if n > 4 else 0)
        assert counts["AR(4)"][n - 1] == (n + 6 + 4 * (n - 4) if n > 4 else 0)
        assert counts["NADE, 16 hidden"][n - 1] == 2 * n * 16 + 16 + n


def test_the_table_of_orders_begins_with_independent_pixels():
    dataset = data.digits()
    table = markov.orders_table(dataset, longest=2, smoothing=1.0)
    assert [row[0] for row in table] == [64, 127, 251]
    assert table[0][3] == pytest.approx(25.209, abs=1e-3)
    assert table[0][1] > table[1][1] > table[2][1]


def test_shades_are_a_chain_whose_table_is_their_frequencies():
    dataset = data.digits()
    assert markov.shades(dataset).shape == (1197 * 8, 8)
    assert markov.shades(dataset).max() == markov.LEVELS - 1
    pairs = markov.shades(dataset)
    of_white = np.bincount(pairs[:, 1:][pairs[:, :-1] == 0], minlength=markov.LEVELS)
    chain = markov.grey_chain(dataset, smoothing=1e-6)
    np.testing.assert_allclose(chain.conditionals(1)[0], of_white / of_white.sum(), atol=1e-6)


def test_the_forecast_of_the_lynx_beats_their_mean(capsys, tmp_path):
    main(["ar", "--out", str(tmp_path)])
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("forecast"))
    ours, flat = (float(line.split(phrase)[1].split()[0].strip(",;")) for phrase in ("error ", "(the mean): "))
    assert ours < flat
    assert ar.fitted(np.log10(data.lynx()[1])[:100], 2, "yule-walker").spectral_radius() < 1


def test_one_density_a_class_is_naive_bayes_for_independent_pixels(tmp_path):
    """Against a naive Bayes written out with counts; and its weights are those in the file."""
    dataset = data.digits()
    train, test = dataset.train, dataset.test
    o = Namespace(out=Output(tmp_path), epochs=1, hidden=4, seed=0)
    classifier, parameters = classify.one_a_class("independent", dataset, o)
    assert parameters == 640
    kept = BayesClassifier([IndependentBernoulli(64) for _ in range(10)])
    load_weights(kept, tmp_path / "independent-weights.npz")
    np.testing.assert_array_equal(kept.log_joint(test.images), classifier.log_joint(test.images))
    np.testing.assert_allclose(np.exp(classifier.log_prior), np.bincount(train.labels) / len(train), rtol=1e-12)
    predicted = classifier.predict(test.images)
    counts = np.stack([train.images[train.labels == y].sum(axis=0) for y in range(10)])
    sizes = np.bincount(train.labels)[:, None]
    p = (counts + 1) / (sizes + 2)
    scores = test.images @ np.log(p).T + (1 - test.images) @ np.log(1 - p).T + np.log(sizes[:, 0] / sizes.sum())
    np.testing.assert_array_equal(predicted, scores.argmax(axis=1))
    assert np.mean(predicted == test.labels) == pytest.approx(0.893, abs=1e-3)
    assert np.mean(classify.logistic_regression(dataset, o.out) == test.labels) > 0.9


def test_eonade_is_trained_with_one_order_and_averages_over_more(tmp_path, monkeypatch):
    """And how many validation images a recipe asks for is how many are scored."""
    seen = []

    def no_training(model, optimizer, train, validation, **options):
        seen.append((len(model.orders), len(validation)))
        return History()

    monkeypatch.setattr(recipes, "fit", no_training)
    recipe = replace(recipes.recipe_of("EoNADE", "digits"), validation=7)
    monkeypatch.setitem(recipes.RECIPES, ("EoNADE", "digits"), recipe)
    model, _ = recipes.learn("EoNADE", "digits", data.digits(), np.random.default_rng(0), Output(tmp_path))
    assert seen == [(1, 7)]
    assert model.orders.shape == (recipes.ORDERS, 64)
    assert len({tuple(order) for order in model.orders}) == recipes.ORDERS
    with np.load(tmp_path / "EoNADE-weights.npz") as kept:
        np.testing.assert_array_equal(kept["orders"], model.orders)


def test_alarms_are_rare_for_digits_and_common_for_turned_ones(capsys, tmp_path):
    """U-2, as the demo prints it: at most 5 % false alarms is promised, 10 % is four standard errors away."""
    main(["anomaly", "--out", str(tmp_path)])
    alarms = capsys.readouterr().out.split("alarm if")[1]
    rate = lambda kind: float(alarms.split(kind)[1].split("%")[0])
    assert rate("test digits (false alarms)") < 10
    assert rate("digits turned by 90°") > 90


def test_calibration_images_are_not_among_those_that_training_sees():
    """U-2's condition."""
    whole = data.digits()
    kept, calibration = anomaly.with_calibration(whole)
    assert len(kept.validation) + len(calibration) == len(whole.validation) == 300
    np.testing.assert_array_equal(np.concatenate([kept.validation.images, calibration]), whole.validation.images)


def test_strange_images_are_what_their_names_say(rng, tmp_path):
    dataset = data.digits()
    independent, _ = recipes.learn("independent", "digits", dataset, rng, Output(tmp_path))
    strange = anomaly.strange_images(dataset, independent, rng)
    image = dataset.test.images[5].reshape(8, 8)
    np.testing.assert_array_equal(strange["digits in a mirror"][5].reshape(8, 8), image[:, ::-1])
    np.testing.assert_array_equal(strange["digits turned by 90°"][5].reshape(8, 8), np.rot90(image))
    shuffled = strange["rows shuffled"][5].reshape(8, 8)
    assert sorted(map(tuple, shuffled)) == sorted(map(tuple, image))
    assert not strange["blank"].any()
    scores = anomaly_scores(independent, strange["independent pixels"])
    assert scores.mean() == pytest.approx(-log_probs(independent, dataset.test.images).mean(), abs=1)


def test_the_error_of_an_accuracy_is_that_of_a_mean():
    """√(p (1 − p) / (n − 1))."""
    share, error = accuracy(np.array([0, 1, 1, 1]), np.ones(4))
    assert share == 0.75
    assert error == pytest.approx(np.sqrt(0.75 * 0.25 / 3), rel=1e-15)
