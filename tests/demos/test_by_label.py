"""`--by-label` of the demos, as a user runs it."""

import csv
import re
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from autograd.rules.special import logsumexp
from demos import by_label, classify, gan_digits, recipes
from demos.__main__ import main
from demos.common import load
from demos.output import Output
from minigen import load as load_model
from minigen.conditional import ChosenBiases, JoinedLabel
from minigen.gan import GAN
from minigen.model import log_probs
from minigen.nade import NADE
from minigen.nn.functions import relu, sigmoid
from minigen.nn.layers import mlp
from minigen.priors import StandardNormal
from minigen.table import IndependentBernoulli
from minigen.training.files import load_weights, save_weights
from minigen.vae import bernoulli_vae
from tests.demos.test_main import write_images


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setitem(recipes.JUDGE_EPOCHS, "few", 2)


ROWS = ["no labels, p(x)", "labels, Σ p(y) p(x | y)", "labels, p(x | y)"]
OPTIONS = {
    "pixelrnn": ["--variant", "cnn", "--layers", "1"],
    "vae": ["--draws", "20", "--scored", "20", "--layers", "1"],
}


@pytest.mark.parametrize("name", ["nade", "pixelrnn", "vae"])
def test_it_prints_both_likelihoods_and_what_the_judge_confirms(name, tmp_path, capsys):
    arguments = ["--by-label", "--epochs", "2", "--hidden", "8", *OPTIONS.get(name, []), "--out", str(tmp_path)]
    assert main([name, *arguments]) == 0
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if line.startswith(("no labels", "labels"))]
    assert [row[:24].strip() for row in rows] == (2 if name == "vae" else 1) * ROWS
    nll = [float(re.search(r"([\d.]+) ±", row)[1]) for row in rows]
    for _, mixture, given in zip(nll[::3], nll[1::3], nll[2::3], strict=True):
        assert given < mixture < given - np.log(0.09)  # p(x) ≥ p(y) p(x | y)
    assert re.search(r"Bayes' rule, .*, is right for [\d.]+% ± [\d.]+% of the images", printed)
    assert re.search(r"their own label to [\d.]+% ± [\d.]+% of 1,000 samples, 100 of each label", printed)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "learning.svg", "metrics.csv", "samples.svg", "weights.npz", "without-labels.npz"
    ]  # fmt: skip
    if name == "nade":
        model = ChosenBiases(NADE(64, 8, rng=0), 10)
        load_weights(model, tmp_path / "weights.npz")
        test = load("digits").test
        assert f"{-model.classifier().log_prob(test.images).mean():.2f} ±" in rows[1]
        assert f"{-model.log_prob(test.images, test.labels).data.mean():.2f} ±" in rows[2]


def test_a_resumed_run_is_the_whole_run(tmp_path):
    run = ["nade", "--by-label", "--epochs", "2", "--hidden", "4", "--checkpoint", str(tmp_path / "run")]
    for out in ("first", "second"):
        assert main([*run, *(["--resume"] if out == "second" else []), "--out", str(tmp_path / out)]) == 0
    for file in ("weights.npz", "without-labels.npz", "samples.svg"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_without_a_checkpoint_of_labels_the_run_is_another(tmp_path, capsys):
    run = ["nade", "--epochs", "1", "--hidden", "4", "--checkpoint", str(tmp_path / "run"), "--out", str(tmp_path)]
    assert main(run) == 0
    assert main([*run, "--by-label", "--resume"]) != 0
    assert "by_label" in capsys.readouterr().err


@pytest.mark.parametrize("network", ["mlp", "dcgan"])
def test_a_gan_makes_images_of_each_label(network, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(gan_digits, "JUDGED", 40)
    monkeypatch.setattr(gan_digits, "SIGMAS", np.array([0.3]))
    arguments = ["--by-label", "--network", network, "--epochs", "2", "--hidden", "4", "--samples", "50"]
    assert main(["gan_digits", *arguments, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"their own label to [\d.]+% ± [\d.]+% of 1,000 samples, 100 of each label", printed)
    model = load_model(tmp_path / "weights.npz")
    assert isinstance(model, JoinedLabel)
    assert isinstance(model.model, GAN)
    assert model.sample(12, 3, rng=0).shape == (12, 64)


@pytest.mark.parametrize(
    ("arguments", "labels", "problem"),
    [
        (["gan_digits"], None, "labels are needed, and the images have no labels"),
        (["nade"], None, "labels are needed, and the images have no labels"),
        (["vae"], None, "labels are needed, and the images have no labels"),
        (["pixelrnn"], np.arange(240) == 0, "there are too few images of class 1 to cut into three parts"),
    ],
)
def test_images_without_labels_are_refused(arguments, labels, problem, tmp_path, capsys):
    path = write_images(tmp_path / "mine.npz", labels=None if labels is None else labels.astype(int))
    assert main([*arguments, "--by-label", "--data", path, "--out", str(tmp_path)]) == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["pixelrnn", "--variant", "all"], "--by-label is for one model: choose a --variant"),
        (["vae", "--prior", "vamp"], "--by-label has no --prior vamp"),
    ],
)
def test_options_that_do_not_go_together_are_bad_use(arguments, problem, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--by-label", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert problem in capsys.readouterr().err


def test_the_pixel_biases_of_each_label_begin_at_its_own_frequencies():
    dataset, order = load("digits"), np.random.default_rng(0).permutation(64)
    model = by_label.conditional(NADE(64, 4, order, rng=0), dataset)
    for y in range(10):
        images = dataset.train.images[dataset.train.labels == y]
        expected = IndependentBernoulli(64).fit(images).logits.data[order]
        np.testing.assert_allclose(model.with_label(y).b.data, expected, rtol=1e-6)
    np.testing.assert_allclose(np.exp(model.log_prior), np.bincount(dataset.train.labels) / 1197, rtol=1e-12)


def test_scores_of_a_mixture_are_those_of_its_labels(capsys):
    """Against the classifier, and a bound of a VAE against the sum over the labels by hand."""
    dataset = load("digits")
    dataset = replace(dataset, test=dataset.test[:40])
    test, prior = dataset.test, np.bincount(dataset.train.labels) / 1197
    nade = by_label.conditional(NADE(64, 4, rng=0), dataset)
    by_label.print_scores("NADE", nade, nade.with_label(0), dataset, {"exact": log_probs})
    printed = capsys.readouterr().out
    for log_p in (nade.classifier().log_prob(test.images), nade.log_prob(test.images, test.labels).data):
        assert f"{-log_p.mean():.2f} ±" in printed
    assert f"{np.mean(nade.classifier().predict(test.images) == test.labels):.1%} ±" in printed

    vae = JoinedLabel(bernoulli_vae(64, (8,), 2, classes=10, rng=0), 10, prior)
    score = lambda model, x: model.elbos(x, rng=0).value
    by_label.print_scores("VAE", vae, vae.with_label(0), dataset, {"bound": score})
    each = np.stack([score(vae.with_label(y), test.images) for y in range(10)], axis=1)
    assert f"{-logsumexp(each + np.log(prior), axis=1).mean():.2f} ±" in capsys.readouterr().out


def test_what_is_confirmed_is_counted_label_by_label(capsys):
    """A model whose samples say their label, and a judge who reads it but takes every 3 for a 5."""
    dataset = load("digits")

    class Saying(JoinedLabel):
        def __init__(self):
            self.classes = 10

        def sample(self, n, y=None, *, rng=None):
            return np.broadcast_to(np.asarray(y, float)[:, None], (n, 64))

    class Reading:
        def classify(self, images):
            return np.where(images[:, 0] == 3, 5, images[:, 0])

    by_label.print_confirmed(Saying(), Reading(), dataset, np.random.default_rng(0), n=20)
    printed = capsys.readouterr().out
    assert "their own label to 90.0% ± 2.1% of 200 samples, 20 of each label" in printed
    assert "in %: 100 100 100 0 100 100 100 100 100 100" in printed


def test_one_model_for_all_classes_learns_from_the_images_of_one_a_class(tmp_path, monkeypatch):
    """With the same new thresholds in each epoch."""
    seen = []
    train = lambda model, recipe, dataset, rng, **options: seen.append((dataset.anew(rng), recipe))
    monkeypatch.setattr(classify, "by_gradient", train)
    dataset = load("digits")
    o = Namespace(out=Output(tmp_path), data="digits", epochs=7, hidden=3, hidden_for_all=4, seed=0)
    classifier, parameters = classify.one_for_all(dataset, o)
    classify.one_a_class("NADE", dataset, o)
    (images, recipe), *each = seen
    for y, (of_class, _) in enumerate(each):
        np.testing.assert_array_equal(of_class, images[dataset.train.labels == y])
    assert np.any(images != dataset.train.images)
    assert (recipe.epochs, recipe.hidden) == (7, 4)
    assert parameters == 2 * 64 * 4 + 10 * (64 + 4)
    assert len(classifier.models) == 10


# -- --label of the demo sample

NAMES = ["cat", "dog", "7"]


def files(tmp_path):
    """Weights of a NADE, a VAE and a GAN with labels, and of a NADE without, over images of 4 × 4 pixels."""
    rng = np.random.default_rng(0)
    networks = mlp((3 + 3, 6, 16), relu, last=sigmoid, rng=rng), mlp((16 + 3, 6, 1), relu, rng=rng)
    models = {
        "nade": ChosenBiases(NADE(16, 5, rng=rng), 3, [0.2, 0.3, 0.5]),
        "vae": JoinedLabel(bernoulli_vae(16, (6,), 2, classes=3, rng=rng), 3),
        "gan": JoinedLabel(GAN(*networks, StandardNormal(3), 16), 3),
        "plain": NADE(16, 5, rng=rng),
    }
    for name, model in models.items():
        for p in model.parameters().values():
            p.data[...] += rng.standard_normal(p.shape)
        facts = {"shape": [4, 4], "levels": 2, "labels": NAMES} if name != "plain" else {}
        save_weights(model, tmp_path / f"{name}.npz", **facts)
    Image.fromarray(np.uint8(rng.integers(0, 2, (4, 4)) * 255)).save(tmp_path / "one.png")
    return models


def sampled(tmp_path, *words):
    assert main(["sample", *words, "--out", str(tmp_path / "out")]) == 0


def test_a_label_chooses_the_model_that_draws_scores_completes_and_walks(tmp_path, capsys):
    models, image = files(tmp_path), str(tmp_path / "one.png")
    for name in ("nade", "vae", "gan"):
        sampled(tmp_path, str(tmp_path / f"{name}.npz"), "--label", "dog", "--n", "9", "--seed", "3")
        drawn = np.load(tmp_path / "out" / "samples.npz")["images"].reshape(9, 16)
        expected = models[name].with_label(1).sample(9, rng=np.random.default_rng(3))
        np.testing.assert_array_equal(drawn, expected.astype(drawn.dtype))
        sampled(tmp_path, str(tmp_path / f"{name}.npz"), "--n", "9")  # p(x)
    for name in ("nade", "vae"):
        asked = str(tmp_path / f"{name}.npz"), "--label", "7"
        sampled(tmp_path, *asked, "--image", image, "--seen", "top", "--n", "3", "--steps", "3")
        sampled(tmp_path, *asked, "--score", image, *(["--draws", "20"] if name == "vae" else []))
    sampled(tmp_path, str(tmp_path / "vae.npz"), "--label", "7", "--walk", image, image)
    sampled(tmp_path, str(tmp_path / "gan.npz"), "--label", "7", "--walk", "1", "2")


def test_without_a_label_a_density_is_that_of_the_mixture(tmp_path, capsys):
    models, image = files(tmp_path), str(tmp_path / "one.png")
    sampled(tmp_path, str(tmp_path / "nade.npz"), "--score", image)
    with open(tmp_path / "out" / "scores.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    x = (np.asarray(Image.open(image)).reshape(1, 16) < 128).astype(float)
    both = [-models["nade"].classifier().log_prob(a)[0] for a in (x, 1 - x)]  # light paper or dark
    assert min(abs(float(row["nats"]) - nats) for nats in both) < 1e-4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nade", "--label", "cow"], "'cow' is no label of this model: choose cat, dog, 7"),
        (["nade", "--label", "0"], "'0' is no label of this model: choose cat, dog, 7"),
        (["plain", "--label", "0"], "this NADE takes no labels: leave out --label, or train one with --by-label"),
        (["vae", "--score", "digits"], "cannot score images: each label has a p(x | y) of its own, so choose one by"),
        (["gan", "--walk", "1", "2"], "cannot walk between two images: each label has a p(x | y) of its own"),
    ],
)
def test_labels_that_the_model_does_not_have_are_bad_use(words, said, tmp_path, capsys):
    files(tmp_path)
    name, *others = words
    assert main(["sample", str(tmp_path / f"{name}.npz"), *others, "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
