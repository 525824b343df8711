"""`python -m demos sample`: every kind of model does what it is asked, or says in one sentence why it cannot."""

import csv
import os
import tracemalloc
from functools import partial

import numpy as np
import pytest
from PIL import Image

from autograd import backend, no_grad
from demos import common, figures, sample
from demos.__main__ import main
from minigen import dcgan
from minigen.aae import AAE, SemiSupervisedAAE, StyleEncoder, discriminator_network
from minigen.analysis.classifier import Classifier
from minigen.ar import AR
from minigen.charrnn import CharRNN
from minigen.data.sets import digits, grey
from minigen.decoders import BernoulliDecoder
from minigen.encoders import DeterministicEncoder, GaussianEncoder, NoisyEncoder
from minigen.eonade import EoNADE
from minigen.gan import GAN
from minigen.gaussian_ar import GaussianAR
from minigen.markov import MarkovChain
from minigen.nade import NADE
from minigen.nn.functions import leaky_relu, relu, sigmoid
from minigen.nn.layers import Linear, mlp
from minigen.pixelrnn import VARIANTS, PixelRNN
from minigen.priors import Flower, MixturePrior, StandardNormal, SwissRoll, VampPrior
from minigen.table import FullTable, IndependentBernoulli
from minigen.training.files import save_weights
from minigen.uses import BayesClassifier
from minigen.vae import bernoulli_vae
from tests import standin

SHAPE, D = (4, 4), 16


def vae(rng, prior=None, covariance="diagonal"):
    model = bernoulli_vae(D, (9,), 2, np.tanh, covariance, rng=rng)
    if prior:
        model.prior = prior(model)
    return model


def aae(rng, make, prior=None, classes=0):
    prior = prior or StandardNormal(2)
    decoder = BernoulliDecoder(mlp((2, 9, D), relu, rng=rng), D)
    return AAE(make(rng), decoder, prior, discriminator_network(2 + classes + bool(classes), (5,), rng=rng), classes)


def deterministic(rng):
    return DeterministicEncoder(mlp((D, 9), relu, last=relu, rng=rng), 9, 2, rng=rng)


def gaussian(rng):
    return GaussianEncoder(mlp((D, 9), relu, last=relu, rng=rng), 9, 2, rng=rng)


def noisy(rng):
    return NoisyEncoder(mlp((D + 3, 9), relu, last=relu, rng=rng), 9, 2, 3, rng=rng)


def semi_supervised(rng):
    encoder = StyleEncoder(mlp((D, 9), relu, last=relu, rng=rng), 9, 10, 2, rng=rng)
    networks = discriminator_network(10, (5,), rng=rng), discriminator_network(2, (5,), rng=rng)
    return SemiSupervisedAAE(encoder, BernoulliDecoder(mlp((12, 9, D), relu, rng=rng), D), StandardNormal(2), *networks)


def gan(rng, n=D, d=3, convolutions=False):
    if convolutions:
        networks = dcgan.generator(SHAPE, d, 2, rng=rng), dcgan.discriminator(SHAPE, 2, rng=rng)
    else:
        networks = mlp((d, 9, n), relu, last=sigmoid, rng=rng), mlp((n, 9, 1), leaky_relu, rng=rng)
    return GAN(*networks, StandardNormal(d), n)


EXACT, GIBBS, CHAIN, CODES = "exact", "Gibbs sampling", "Metropolis-within-Gibbs", "codes of the prior"
NO_LATENT, NO_DENSITY, NO_POSTERIOR = "no latent variable", "no likelihood: the generator", "no likelihood p(x|z)"
CLASSES = "gives p(y|x), the class of an image"
IN_ORDER = ("draws", EXACT, GIBBS, EXACT, f"refused: {NO_LATENT}")
ANY_MASK = ("draws", EXACT, EXACT, EXACT, f"refused: {NO_LATENT}")
BY_CHAIN = ("draws", CHAIN, CHAIN, "importance sampling, k = 60", "means of q(z|x)")
BY_CODES = ("draws", CODES, CODES, "k = 60 codes of the prior", "the codes of the two images")
OF_GAN = ("draws", f"refused: {NO_POSTERIOR}", f"refused: {NO_POSTERIOR}", f"refused: {NO_DENSITY}", "refused: encoder")
NOTHING = (f"refused: {CLASSES}",) * 5

MODELS = {
    "independent": (lambda rng: IndependentBernoulli(D), ANY_MASK),
    "full table": (lambda rng: FullTable(D), IN_ORDER),
    "Markov": (lambda rng: MarkovChain(D), IN_ORDER),
    "AR(8)": (lambda rng: AR(D, 8), IN_ORDER),
    "FVSBN": (lambda rng: AR(D, D - 1), IN_ORDER),
    "NADE": (lambda rng: NADE(D, 5, rng=rng), IN_ORDER),
    "NADE in another order": (lambda rng: NADE(D, 5, np.arange(D)[::-1], rng=rng), ("draws", GIBBS, *IN_ORDER[2:])),
    "EoNADE": (lambda rng: EoNADE(D, 5, 2, rng=rng), ANY_MASK),
    **{
        variant: (partial(lambda rng, v: PixelRNN(SHAPE, v, 3, kernel=3, rng=rng), v=variant), IN_ORDER)
        for variant in VARIANTS
    },
    "PixelRNN of 5 levels": (
        lambda rng: PixelRNN(SHAPE, "row", 3, levels=5, kernel=3, rng=rng),
        ("draws", EXACT, "refused: needs pixels of 0 and 1", *IN_ORDER[3:]),
    ),
    "classifier of densities": (
        lambda rng: BayesClassifier([NADE(D, 3, rng=rng), NADE(D, 3, rng=rng)], [0.3, 0.7]),
        ("draws", GIBBS, *IN_ORDER[2:]),
    ),
    "VAE": (vae, BY_CHAIN),
    "VAE, full covariance": (partial(vae, covariance="full"), BY_CHAIN),
    "VAE, mixture prior": (partial(vae, prior=lambda m: MixturePrior(2, 3, rng=0)), BY_CHAIN),
    "VAE, VampPrior": (partial(vae, prior=lambda m: VampPrior(m.encoder, D, 3, rng=0)), BY_CHAIN),
    "AAE": (partial(aae, make=deterministic), BY_CODES),
    "AAE, gaussian, flower": (partial(aae, make=gaussian, prior=Flower()), BY_CODES),
    "AAE, noisy, roll, labels": (partial(aae, make=noisy, prior=SwissRoll(), classes=10), BY_CODES),
    "semi-supervised AAE": (semi_supervised, BY_CODES),
    "GAN": (gan, OF_GAN),
    "DCGAN": (partial(gan, convolutions=True), OF_GAN),
    "logistic regression": (lambda rng: Linear(D, 3, rng=rng), NOTHING),
    "classifier": (lambda rng: Classifier(D, (5,), 3, rng=rng), NOTHING),
}
"""For each model: how it is made, and what it says where it draws, completes with two masks, scores and walks."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder, with two images and a mask. Pictures are drawn and not encoded; files need not survive a crash."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(figures.plot, "save", lambda figure, path: path.write_bytes(b""))
    monkeypatch.setattr(common, "about", lambda name: "")
    monkeypatch.setattr(os, "fsync", lambda file: None)
    levels = np.zeros((2, *SHAPE), np.uint8)
    levels[0, 1:3, 1:3] = [[255, 200], [127, 128]]
    levels[1, :2, 2] = 255
    for name, picture in zip(["a.png", "b.png"], [255 - levels[0], levels[1]], strict=True):
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "folder").mkdir()
    for k in range(3):
        Image.fromarray(np.roll(levels[0], k, axis=1)).save(tmp_path / "folder" / f"{k}.png")
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:3, 0] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return tmp_path


def saved(folder, model, **facts):
    """The path of the model's weights."""
    save_weights(model, folder / "weights.npz", **{"demo": "test", "data": "some images", "shape": list(SHAPE)} | facts)
    return "weights.npz"


def run(capsys, *arguments):
    """The exit code, and what is printed and said."""
    code = main(["sample", *map(str, arguments), "--out", "out"])
    return code, *capsys.readouterr()


def refused(capsys, *arguments):
    """The sentence of a refusal: one line, with exit code 2."""
    code, printed, said = run(capsys, *arguments)
    assert code == 2, (printed, said)
    assert said.startswith("stopped: ")
    assert said.count("\n") == 1
    return said


TASKS = [
    (),
    ("--image", "a.png", "--seen", "top", "--steps", "3"),
    ("--image", "a.png", "--seen", "mask.png", "--steps", "3"),
    ("--score", "folder"),
    ("--walk", "a.png", "b.png"),
]


@pytest.mark.parametrize("task", range(len(TASKS)), ids=["draw", "top", "mask", "score", "walk"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_does_it_or_says_why_not(name, task, here, capsys):
    make, answers = MODELS[name]
    model = make(np.random.default_rng(0))
    path, expected = saved(here, model), answers[task]
    options = [*TASKS[task], *(["--n", "4"] if task != 3 else [])]
    if task in (1, 2, 3) and (CODES in expected or "k = 60" in expected):
        options += ["--draws", "60"]
    if expected.startswith("refused: "):
        said = refused(capsys, path, *options)
        assert f"this {type(model).__name__} " in said
        assert expected.removeprefix("refused: ") in said
        return
    code, printed, said = run(capsys, path, *options)
    assert code == 0, said
    assert f"weights.npz: {type(model).__name__}" in printed
    assert f"{model.num_parameters:,} parameters, trained by the demo test on some images" in printed
    assert expected in printed
    shades = 5 if "5 levels" in name else 2
    x = lambda *levels: np.minimum(np.array(levels) * shades // 256, shades - 1)
    if task == 0:
        images = np.load("out/samples.npz")["images"]
        assert images.shape == (4, *SHAPE)
        np.testing.assert_array_equal(
            images.reshape(4, D), model.sample(4, rng=np.random.default_rng(0)).astype(images.dtype)
        )
    elif task in (1, 2):
        found = np.load("out/completions.npz")
        seen = found["seen"]
        image = np.zeros(SHAPE)
        image[1:3, 1:3] = x([255, 200], [127, 128])
        assert found["images"].shape == (4, *SHAPE)
        assert seen.sum() == (8 if task == 1 else 2)
        np.testing.assert_array_equal(found["images"][:, seen], np.tile(image[seen], (4, 1)))
        np.testing.assert_array_equal(found["mean"][seen], image[seen])
        assert np.unique(found["images"]).tolist() == list(range(shades)) or shades > 2
    elif task == 4:
        found = np.load("out/walk.npz")
        assert found["images"].shape == (4, *SHAPE)
        assert len(found["z"]) == 4


@pytest.mark.parametrize("name", [name for name, (_, answers) in MODELS.items() if answers[3] == EXACT])
def test_u1_a_score_is_the_log_probability_to_the_last_bit(name, here, capsys):
    """U-1: and bits/pixel are nats / ln 2 / pixels.

    Planted: bits of the whole image.
    """
    model = MODELS[name][0](np.random.default_rng(0))
    assert run(capsys, saved(here, model), "--score", "folder")[0] == 0
    with open("out/scores.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    shades = getattr(model, "levels", 2)
    levels = np.zeros((3, *SHAPE), int)
    for k in range(3):
        levels[k] = np.asarray(Image.open(f"folder/{k}.png"))
    with no_grad():
        expected = -np.asarray(backend.to_numpy(model.log_prob((levels * shades // 256).reshape(3, D))))
    assert [row["image"] for row in rows] == ["0.png", "1.png", "2.png"]
    assert [np.float32(row["nats"]) for row in rows] == expected.astype(np.float32).tolist()
    np.testing.assert_allclose([float(row["bits/pixel"]) for row in rows], expected / np.log(2) / D, rtol=1e-6)


# -- what is asked


def nade(rng=0):
    return NADE(D, 5, rng=rng)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--n", "0"), "argument --n: must be above 0, got 0"),
        (("--n", "-3"), "argument --n: must be above 0"),
        (("--n", "1e3"), "argument --n: invalid"),
        (("--n", "2000000000"), "argument --n: must be at most"),
        (("--n", "10001", "--walk", "a.png", "b.png"), "--n is at most 10,000 with --image and --walk"),
        (("--image", "a.png"), "--image needs --seen: top, left, or a mask"),
        (("--seen", "top"), "--seen goes with --image"),
        (("--steps", "3", "--score", "folder"), "--steps goes with --image"),
        (("--draws", "9"), "--draws goes with --image or --score"),
        (("--data-folder", "x", "--walk", "a.png", "b.png"), "--data-folder goes with --score"),
        (("--image", "a.png", "--score", "folder"), "not allowed with argument --image"),
        (("--walk", "a.png"), "argument --walk: expected 2 arguments"),
        (("--length", "0"), "argument --length: must be above 0"),
        (("--temperature", "nan"), "argument --temperature: must be above 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, problem, here, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["sample", saved(here, nade()), *options])
    assert stopped.value.code == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "problem", "code"),
    [
        (("--image", "none.png", "--seen", "top"), "none.png is not there", 1),
        (("--image", "folder", "--seen", "top"), "--image is one image, but folder has 3", 2),
        (
            ("--image", "large.png", "--seen", "top"),
            "has 5×4 pixels, expected 4×4 as the model's images: bring it to",
            1,
        ),
        (("--image", "text.png", "--seen", "top"), "cannot be read as a picture", 1),
        (("--image", "a.png", "--seen", "none.png"), "none.png is not there", 1),
        (("--image", "a.png", "--seen", "large.png"), "has 5×4 pixels, expected 4×4", 1),
        (("--image", "a.png", "--seen", "black.png"), "--seen black.png shows nothing of the image", 2),
        (("--image", "a.png", "--seen", "white.png"), "--seen white.png shows all of the image", 2),
        (("--score", "none"), "none is not there", 1),
        (("--score", "empty"), "has no pictures (png, jpg", 1),
        (("--score", "nan.npz"), "has grey levels that are NaN or infinite", 1),
        (("--score", "large.npz"), "has an array of shape (3, 5, 4), expected images of 4×4", 1),
        (("--score", "digits"), "images of 8×8 pixels, but the model is of 4×4", 2),
        (("--score", "digits", "--data-folder", "x"), "--data-folder holds the files of", 2),
        (("--prompt", "a"), "this NADE writes no text: leave out --prompt", 2),
        (("--temperature", "2"), "this NADE writes no text: leave out --temperature", 2),
    ],
)
def test_images_that_are_none_are_refused(options, problem, code, here, capsys):
    Image.new("L", (4, 5)).save("large.png")
    for name, level in (("black", 0), ("white", 255)):
        Image.new("L", (4, 4), level).save(f"{name}.png")
    (here / "text.png").write_text("no picture")
    (here / "empty").mkdir()
    np.savez("nan.npz", images=np.full((3, *SHAPE), np.nan))
    np.savez("large.npz", images=np.zeros((3, 5, 4)))
    found, _, said = run(capsys, saved(here, nade()), *options)
    assert (found, said.count("\n")) == (code, 1), said
    assert problem in said


@pytest.mark.parametrize("task", TASKS[:4])
def test_weights_that_are_not_finite_or_impossible_are_refused(task, here, capsys):
    broken = vae(np.random.default_rng(0))
    broken.decoder.body.layers[-1].bias.data[...] = np.inf
    broken.encoder.head.bias.data[...] = np.nan
    sure = FullTable(D).fit(np.eye(D)[:3], smoothing=0)
    for model in (broken, sure):
        code, printed, said = run(capsys, saved(here, model), *task)
        if code:
            assert said.count("\n") == 1
            assert said.startswith("stopped: ")
    if task == TASKS[2]:
        assert "gives some images probability 0" in said
    if task == TASKS[3]:
        assert code == 0  # −ln p(x) is ∞
        assert "inf" in printed


def test_seeds_choose_the_draws(here, capsys):
    path, found = saved(here, nade()), []
    for seed in (0, 0, 1):
        assert run(capsys, path, "--seed", seed)[0] == 0
        found.append(np.load("out/samples.npz")["images"])
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_many_draws_take_the_memory_of_a_block(here, capsys, monkeypatch):
    """And the picture shows the first. Planted: all draws are joined before they are written."""
    model = IndependentBernoulli(D)
    drawn = []
    monkeypatch.setattr(sample.plot, "images", lambda x, *_: drawn.append(x) or figures.panel()[0])
    path = saved(here, model)
    run(capsys, path)
    tracemalloc.start()
    assert run(capsys, path, "--n", 100_000)[0] == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000 * D  # bytes; the draws are 4 bytes a pixel
    assert drawn[1].shape == (256, D)
    images = np.load("out/samples.npz")["images"]
    assert images.dtype == np.uint8
    assert images.shape == (100_000, *SHAPE)
    assert abs(images.mean() - 0.5) < 4.5 * 0.5 / images.size**0.5
    np.testing.assert_array_equal(images[:256].reshape(256, D), drawn[1])


def test_pictures_of_any_size_are_resized_where_asked(here, capsys):
    Image.open("a.png").resize((8, 12), Image.Resampling.NEAREST).save("large.png")
    path = saved(here, nade())
    assert (
        "has 12×8 pixels, expected 4×4 as the model's images: bring it to that size (--resize)"
        in run(capsys, path, "--score", "large.png")[2]
    )
    code, printed, said = run(capsys, path, "--image", "large.png", "--seen", "top", "--resize")
    assert code == 0, said
    assert "large.png: grey level ≥ 128 of 255, dark ink on light paper" in printed


def test_the_rule_of_the_file_makes_the_pixels(here, capsys):
    """A threshold of 13 of 16 grey levels leaves one of the four pixels of ink; chance takes the seed."""
    facts = {"pixels": {"rule": "threshold", "white": 16, "threshold": 13}}
    code, printed, _ = run(capsys, saved(here, nade(), **facts), "--image", "a.png", "--seen", "top")
    assert code == 0
    assert "a.png: grey level ≥ 13 of 16, dark ink on light paper, 6% of the pixels are ink; 8 of 16" in printed
    facts = {"pixels": {"rule": "sampled", "white": 255}}
    assert "sampled with probability level/255" in run(capsys, saved(here, nade(), **facts), "--score", "a.png")[1]


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"shape": [3, 4]}, "has images of [3, 4], but a model of 16 pixels"),
        ({"shape": "large"}, "has images of large"),
        ({"pixels": {"rule": "none"}}, "has no rule for pixels"),
        ({"pixels": {"white": "much"}}, "has no rule for pixels"),
        ({"pixels": {"black": 3}}, "has no rule for pixels"),
        ({"pixels": [3]}, "has no rule for pixels"),
    ],
)
def test_facts_that_do_not_fit_are_refused(facts, problem, here, capsys):
    code, _, said = run(capsys, saved(here, nade(), **facts), "--score", "folder")
    assert (code, said.count("\n")) == (1, 1), said
    assert problem in said


def test_the_test_part_of_a_data_set_is_scored_by_the_rule_of_the_model(here, capsys):
    """Of the digits, binary by two thresholds and in 5 shades."""
    for model, dataset, rule in [
        (NADE(64, 3, rng=0), digits(), {"rule": "threshold", "white": 16, "threshold": 8}),
        (NADE(64, 3, rng=0), digits(3), {"rule": "threshold", "white": 16, "threshold": 3}),
        (PixelRNN((8, 8), "row", 3, levels=5, kernel=3, rng=0), grey(digits(), 5), {"rule": "shades", "white": 16}),
    ]:
        path = saved(here, model, data=dataset.name, shape=[8, 8], pixels=rule)
        code, printed, said = run(capsys, path, "--score", "digits", "--n", 40)
        assert code == 0, said
        assert "40 of digits: digits 8×8, " in printed
        assert "… and 20 more in scores.csv" in printed
        with open("out/scores.csv", encoding="utf-8") as file:
            scores = [float(row["nats"]) for row in csv.DictReader(file)]
        with no_grad():
            expected = -np.asarray(model.log_prob(dataset.test.images[:40]))
        np.testing.assert_allclose(scores, expected, rtol=1e-6)
        assert f"{np.mean(scores):.3f} ± {np.std(scores, ddof=1) / 40**0.5:.3f}" in printed


def test_a_walk_begins_and_ends_at_the_images(here, capsys):
    model = vae(np.random.default_rng(0))
    assert run(capsys, saved(here, model), "--walk", "a.png", "b.png", "--n", 5)[0] == 0
    found = np.load("out/walk.npz")
    x = np.zeros((2, *SHAPE))
    x[0, 1:3, 1:3] = [[1, 1], [0, 1]]
    x[1, :2, 2] = 1
    np.testing.assert_allclose(found["z"][[0, 4]], model.encode(x.reshape(2, D)), rtol=1e-6)
    np.testing.assert_allclose(found["z"][2], model.encode(x.reshape(2, D)).mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found["images"].reshape(5, D), model.decode(found["z"]), rtol=1e-6)
    assert "--walk goes between two images, but folder has 3" in refused(
        capsys, "weights.npz", "--walk", "folder", "a.png"
    )


@pytest.mark.parametrize("convolutions", [False, True])
def test_a_walk_of_a_gan_takes_seeds(convolutions, here, capsys):
    model = gan(np.random.default_rng(0), convolutions=convolutions)
    code, printed, said = run(capsys, saved(here, model), "--walk", 3, 7, "--n", 4)
    assert code == 0, said
    assert "G(z) on an arc between the z of the seeds 3 and 7" in printed
    ends = np.load("out/walk.npz")["images"][[0, 3]].reshape(2, D)
    np.testing.assert_allclose(ends, np.concatenate([model.sample(1, rng=3), model.sample(1, rng=7)]), atol=1e-6)
    assert "such as --walk 3 7, got −1 x" in refused(capsys, "weights.npz", "--walk", "−1", "x")


@pytest.mark.parametrize(("n", "axes"), [(1, "number of draws"), (2, "x₂"), (5, "value")])
def test_points_and_series_are_drawn_as_such(n, axes, here, capsys, monkeypatch):
    model = gan(np.random.default_rng(0), n) if n < 3 else GaussianAR(n, 1)
    drawn = []
    monkeypatch.setattr(figures.plot, "save", lambda figure, path: drawn.append(figure))
    path = saved(here, model, shape=None)
    assert run(capsys, path, "--n", 9)[0] == 0
    assert np.load("out/samples.npz")["images"].shape == (9, n)
    assert drawn[0].axes[0].get_ylabel() == axes
    if n < 3:
        assert run(capsys, path, "--walk", 1, 2)[0] == 0
        return
    assert "GaussianAR.continuations" in refused(capsys, path, "--image", "a.png", "--seen", "top")
    assert "is a folder, but the data of this GaussianAR are no images" in run(capsys, path, "--score", "folder")[2]
    x = np.random.default_rng(0).standard_normal((3, n))
    np.savez("series.npz", images=x)
    code, printed, _ = run(capsys, path, "--score", "series.npz")
    assert code == 0
    assert f"{-float(model.log_prob(x).data[0]):>22.3f}" in printed
    np.savez("series.npz", images=x[:, 1:])
    assert "has an array of shape (3, 4), expected (n, 5)" in run(capsys, path, "--score", "series.npz")[2]


# -- texts


def test_a_model_of_texts_writes_from_a_prompt(here, capsys):
    model = CharRNN("hello world\n", "gru", 7, rng=0)
    path = saved(here, model, shape=None)
    code, printed, said = run(capsys, path, "--prompt", "hell", "--length", 20, "--n", 2, "--temperature", 0.5)
    assert code == 0, said
    rng = np.random.default_rng(0)
    texts = [model.write("hell", 20, 0.5, rng=rng) for _ in range(2)]
    assert "\n\n".join(texts) in printed
    assert (here / "out" / "sample.txt").read_text(encoding="utf-8") == "\n\n".join(texts)
    assert run(capsys, path, "--length", 5)[1].count("\n") >= 3  # begins with a line break
    assert "alphabet has no 'x'" in refused(capsys, path, "--prompt", "hex")
    assert "the prompt is empty" in refused(capsys, path, "--prompt", "")
    assert "cannot complete an image: its data are texts; it can write text (--prompt), score" in refused(
        capsys, path, *TASKS[1]
    )


def test_a_model_of_texts_scores_a_text(here, capsys):
    """Exactly: −ln p of each character but the first, given all before it."""
    model, text = CharRNN("hello world\n", "lstm", 7, rng=0), "hello hello\n"
    path = saved(here, model, shape=None)
    (here / "text.txt").write_text(text)
    code, printed, said = run(capsys, path, "--score", "text.txt")
    assert code == 0, said
    codes = model.codes(text)
    with no_grad():
        nats = -float(model.log_prob(codes[:-1, None], codes[1:, None])[0].data.sum())
    with open("out/scores.csv", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    expected = [nats, nats / 11, nats / 11 / np.log(2)]
    np.testing.assert_allclose([float(number) for number in row.values()], expected, rtol=1e-6)
    for unit, value in zip(row, expected, strict=True):
        assert f"{value:>14.4f} {unit}\n" in printed
    (here / "text.txt").write_text("hex")
    assert "alphabet has no 'x'" in refused(capsys, path, "--score", "text.txt")
    (here / "text.txt").write_text("h")
    assert "a score needs two or more" in refused(capsys, path, "--score", "text.txt")
    assert "cannot be read as UTF-8 text" in refused(capsys, path, "--score", "a.png")
    assert "cannot be read as UTF-8 text" in refused(capsys, path, "--score", "none.txt")


# -- pictures, and the device


@pytest.mark.parametrize(
    "name", ["NADE", "row", "VAE, VampPrior", "AAE", "semi-supervised AAE", "GAN", "DCGAN", "Markov"]
)
def test_the_device_answers_as_the_host_does(name, here, capsys, monkeypatch):
    """--device cuda, here on the stand-in for CuPy."""
    make, answers = MODELS[name]
    path, found = saved(here, make(np.random.default_rng(0))), {}
    standin.install(monkeypatch)
    for device in ("cpu", "cuda"):
        for task, expected in zip(TASKS, answers, strict=True):
            if not expected.startswith("refused"):
                few = ("--draws", "60") if task[:1] == ("--score",) else ()
                code, printed, said = run(capsys, path, *task, *few, "--device", device)
                assert code == 0, said
                found.setdefault(task, []).append(printed)
        assert backend.name() == "numpy"
    for first, second in found.values():
        assert first == second
