"""A GAN learns to make digits, by layers of units or by convolutions (`--network dcgan`). It has no likelihood, so its
samples are judged by what can be measured of them, each figure beside that of real digits."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from demos.common import add_data_options, labelled, load, number, parser, saved
from demos.figures import figure_of_images, save_pictures, subplots
from demos.film import Film, moments
from demos.printed import accuracy, how_it_ended, print_sizes
from demos.recipes import Recipe, add_recipe_options, by_game, checkpoints, recipe_for
from minigen import dcgan, plot
from minigen.analysis.classifier import Classifier
from minigen.analysis.parzen import ParzenWindow, best_window
from minigen.analysis.quality import Neighbourhoods, frechet_distance, nearest, neighbourhoods
from minigen.data.sets import Dataset, real_valued
from minigen.divergences import mean_and_error
from minigen.errors import UsageError
from minigen.gan import GAN, OBJECTIVES, Game
from minigen.model import log_probs
from minigen.nn.functions import leaky_relu, relu, sigmoid
from minigen.nn.layers import mlp
from minigen.penalties import PENALTIES
from minigen.priors import StandardNormal
from minigen.training.history import History
from minigen.training.loop import fit
from minigen.training.optim import Adam

NETWORKS = {"mlp": "GAN", "dcgan": "DCGAN"}
"""The options of --network, and whose recipe each has."""
JUDGED, FRAMES = 2000, 40
"""Samples and real images that are compared, at most; pictures of the animation, at most."""
JUDGE_EPOCHS = {"few": 60, "many": 8}
"""Passes over few training images, and over ten thousand or more, in which the judge learns."""
SIGMAS = np.geomspace(0.05, 0.5, 15)
"""Widths of the Parzen window to choose from, in units of the full range of grey."""


def options(arguments: list[str]) -> Namespace:
    p = parser("gan_digits", __doc__)
    add_data_options(p)
    p.add_argument("--network", choices=NETWORKS, default="mlp", help="layers of units, or convolutions")
    p.add_argument("--objective", choices=OBJECTIVES, default="non-saturating", help="what the players minimise")
    p.add_argument("--penalty", choices=("none", *PENALTIES), default="r1",
                   help="on the discriminator's slope: that of WGAN-GP, or R1")  # fmt: skip
    p.add_argument("--discriminator-steps", type=number(int), default=1, metavar="N", help="to each of the generator")
    p.add_argument("--samples", type=number(int), default=10_000, metavar="N", help="that the Parzen window is made of")
    add_recipe_options(p, *NETWORKS.values())
    o = p.parse_args(arguments)
    o.recipe = recipe_for(NETWORKS[o.network], o)
    return o


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    dataset = images_for(o)
    print_sizes(dataset)
    judge = Judge(dataset, rng)
    print(judge)

    gan = untrained(o, dataset, rng)
    z = gan.prior.sample(64, rng=np.random.default_rng(0))
    evenly = moments(o.recipe.epochs, FRAMES, np.linspace)
    film = Film(lambda: gan.generate(z), partial(draw_generated, dataset), evenly)
    with saved(gan, o.out / "weights.npz"):
        history = play(gan, o, dataset, rng, judge, before_epoch=film, checkpoint=checkpoints(o, o.recipe))
    film.shoot(len(history.epochs))
    print(
        f"{how_it_ended(history)}; the generator has "
        f"{gan.generator.num_parameters:,} parameters, the discriminator {gan.discriminator.num_parameters:,}\n"
    )
    samples = gan.sample(max(o.samples, JUDGED), rng=np.random.default_rng(o.seed))
    found = judge.report(samples[:JUDGED])
    print_parzen(samples[: o.samples], dataset)
    print(f"\n{verdict(found)}")

    history.save(o.out / "history.csv")
    film.animate(o.out / "training.gif")
    pictures = {
        "samples.png": draw_samples(samples, dataset),
        "nearest.png": draw_nearest(samples[:16], dataset),
        "interpolations.png": draw_interpolations(gan, dataset, np.random.default_rng(o.seed)),
        "learning.png": draw_learning(history, judge, found, dataset),
    }
    save_pictures(o, pictures, others=["weights.npz", "history.csv", "training.gif"])
    return 0


def images_for(o: Namespace) -> Dataset:
    """The images that are asked for, with labels for the judge; a UsageError where the network cannot make such."""
    dataset = real_valued(labelled(load(o.data, o.data_folder)))
    if o.network == "dcgan" and min(dataset.shape) < 4:
        raise UsageError(
            f"{dataset.name}: --network dcgan halves images twice, so that each side needs 4 pixels; take --network mlp"
        )
    return dataset


def untrained(o: Namespace, dataset: Dataset, rng: np.random.Generator) -> GAN:
    """The model that is asked for."""
    t: Recipe = o.recipe
    if o.network == "dcgan":
        generator = dcgan.generator(dataset.shape, t.latent, t.hidden, rng=rng)
        discriminator = dcgan.discriminator(dataset.shape, t.hidden, rng=rng)
    else:
        hidden = (t.hidden,) * t.layers
        generator = mlp((t.latent, *hidden, dataset.D), relu, last=sigmoid, rng=rng)
        discriminator = mlp((dataset.D, *hidden, 1), leaky_relu, rng=rng)
    penalty = None if o.penalty == "none" else partial(PENALTIES[o.penalty], weight=t.penalty_weight)
    return GAN(generator, discriminator, StandardNormal(t.latent), dataset.D, o.objective, penalty)


def play(
    gan: GAN, o: Namespace, dataset: Dataset, rng: np.random.Generator, judge: Judge | None = None, **others: Any
) -> History:
    """Train the GAN.  judge: measures its samples after each epoch. others: arguments of `fit` besides."""
    t: Recipe = o.recipe
    game = Game(gan, t.learning_rate, t.adversarial_rate, discriminator_steps=o.discriminator_steps, ema_decay=0.999)
    train, validation = dataset.train.images, dataset.validation.images[:JUDGED]
    measure = lambda: game.mean_losses() | (judge.progress(gan) if judge else {})
    batch_size = t.batch_size * o.discriminator_steps
    return by_game(gan, game, train, validation, t.epochs, batch_size, rng, measure=measure, **others)


# -- what samples are measured by


class Found(NamedTuple):
    """classes: samples of each class; ours, real: the neighbourhoods of samples and of real images."""

    classes: np.ndarray
    ours: Neighbourhoods
    real: Neighbourhoods


class Judge:
    """A classifier of real digits, and what the features in its last layer say of samples.

    Real are the images of the validation part while the GAN learns, of the test part at the end. Beside each figure of
    samples stands that of other real images, for which a perfect generator would be taken.
    """

    def __init__(self, dataset: Dataset, rng: np.random.Generator):
        self.dataset = dataset
        self.classifier = trained_classifier(dataset, rng)
        self.validation, self.test = (
            self.classifier.features(part.images[:JUDGED]) for part in (dataset.validation, dataset.test)
        )
        train = self.classifier.features(dataset.train.images[:JUDGED])
        self.of_training_images = frechet_distance(self.validation, train)

    def __str__(self) -> str:
        test = self.dataset.test
        share, error = accuracy(self.classifier.classify(test.images), test.labels)
        return f"the judge, a classifier of real digits: {share:.1%} ± {error:.1%} of {len(test):,} test images right"

    def progress(self, gan: GAN) -> dict[str, float]:
        """Of a fixed set of draws after each epoch."""
        samples = gan.sample(len(self.validation), rng=np.random.default_rng(0))
        return {"frechet": frechet_distance(self.validation, self.classifier.features(samples))}

    def report(self, samples: np.ndarray) -> Found:
        """Print how samples compare with the test part, and return it."""
        count, features = min(len(samples), len(self.test)), self.classifier.features(samples)
        probs = self.classifier.probs(samples)
        classes = np.bincount(probs.argmax(axis=1), minlength=self.dataset.classes)
        frechet = [frechet_distance(self.test, f) for f in (features, self.validation)]
        ours, real = (neighbourhoods(self.test[:count], f[:count]) for f in (features, self.validation))
        sure = [np.mean(p.max(axis=1)) for p in (probs, self.classifier.probs(self.dataset.test.images[:JUDGED]))]
        print(f"{f'{len(samples):,} samples, by the judge':<46}{'samples':>10}{'real':>10}")
        rows = {
            "Fréchet distance of its features (not FID)": frechet,
            "its certainty, the mean of the largest p(y|x)": sure,
            **{f"{name} (features, k = 5)": (getattr(ours, name), getattr(real, name)) for name in ours._fields},
            "median distance to the nearest training image": copying(samples[:count], self.dataset),
        }
        for name, (of_samples, of_real) in rows.items():
            print(f"{name:<46}{of_samples:>10.3f}{of_real:>10.3f}")
        print(f"samples of each class 0 … {len(classes) - 1}: {' '.join(map(str, classes))}")
        return Found(classes, ours, real)


def trained_classifier(dataset: Dataset, rng: np.random.Generator) -> Classifier:
    """On the training part, stopped by the validation part."""
    small = len(dataset.train) < 10_000
    model = Classifier(dataset.D, (256, 128), dataset.classes, rng=rng)
    optimizer = Adam(model, 0.001, weight_decay=0.1)
    fit(
        model,
        optimizer,
        (dataset.train.images, dataset.train.labels),
        (dataset.validation.images, dataset.validation.labels),
        rng=rng,
        epochs=JUDGE_EPOCHS["few" if small else "many"],
        batch_size=30 if small else 100,
        decay=True,
    )
    return model


def copying(samples: np.ndarray, dataset: Dataset) -> tuple[float, float]:
    """How far samples are from their nearest training images, and how far test images are: copies would be nearer."""
    train = dataset.train.images
    distance = lambda x: float(np.median(np.linalg.norm(x - train[nearest(x, train)], axis=1)))
    return distance(samples), distance(dataset.test.images[: len(samples)])


def print_parzen(samples: np.ndarray, dataset: Dataset) -> None:
    """The Parzen-window log-likelihood, with the window chosen on the validation part; the same of training images."""
    test, train = dataset.test.images, dataset.train.images
    print(f"\nParzen-window log-likelihood of {len(test):,} test images, nats, {dataset.name}:")
    for name, centres in {"samples": samples, "training images": train[: len(samples)]}.items():
        window: ParzenWindow = best_window(centres, dataset.validation.images[:1000], SIGMAS)
        mean, error = mean_and_error(log_probs(window, test))
        print(f"  {len(centres):>6,} {name:<16}{mean:>9.1f} ± {error:.1f}   σ = {window.sigma:.3f}")
    print(
        "  an estimate that says little: it is the density of a mixture around samples, not of the model (see parzen)"
    )
    if dataset.shape == (28, 28):
        print(
            "  literature, MNIST, 10,000 samples: GAN 225 ± 2 (Goodfellow et al. 2014), AAE 340 ± 2 (Makhzani et al.)"
        )


def verdict(found: Found) -> str:
    """Whether it worked, in words, and what to try where it did not."""
    total = int(found.classes.sum())
    missing = [str(k) for k in np.flatnonzero(found.classes < 0.1 * total / len(found.classes))]
    if missing:
        return (
            f"mode collapse: hardly any {', '.join(missing)} among {total:,} samples. Try another --objective, a "
            "larger --penalty-weight, or a lower --learning-rate"
        )
    if found.ours.recall < 0.5 * found.real.recall:
        return (
            f"little variety: samples come near {found.ours.recall:.0%} of the real images. Try a larger "
            "--penalty-weight or --batch-size"
        )
    if found.ours.precision < 0.5 * found.real.precision:
        return (
            f"few look real: {found.ours.precision:.0%} of the samples lie among real images. Train for more --epochs; "
            "where learning.png shows circles, lower both rates"
        )
    rarest, commonest = found.classes.min() / total, found.classes.max() / total
    return f"all {len(found.classes)} classes are there: from {rarest:.1%} to {commonest:.1%} of the samples each"


# -- pictures


def draw_generated(dataset: Dataset, ax: Axes, epoch: int, images: np.ndarray) -> None:
    """A frame of the animation: what the generator makes of the same 64 z after an epoch.  images: (64, D)."""
    plot.image_rows(ax, images.reshape(8, 8, -1), dataset.shape, f"G(z) of the same z, after {epoch} epochs")


def draw_samples(samples: np.ndarray, dataset: Dataset) -> Figure:
    """Real digits above, samples below."""
    figure, (real, ours) = subplots(10, 5.6, 2, 1, height_ratios=[2, 8])
    some = dataset.test.images[:40].reshape(2, 20, -1)
    plot.image_rows(real, some, dataset.shape, f"real: {dataset.name}, test part")
    plot.image_rows(ours, samples[:160].reshape(8, 20, -1), dataset.shape, "G(z), z ~ p(z): not selected")
    return figure


def draw_nearest(samples: np.ndarray, dataset: Dataset) -> Figure:
    """Samples above the training images that are nearest to them, pixel by pixel."""
    train = dataset.train.images
    rows = np.stack([samples, train[nearest(samples, train)]])
    return figure_of_images(10, 1.9, rows, dataset.shape, "is it a copy?", ["G(z)", "nearest real"])


def draw_interpolations(gan: GAN, dataset: Dataset, rng: np.random.Generator) -> Figure:
    """From one z to another over the sphere on which most of p(z) lies."""
    rows, columns = 8, 16
    start, end = gan.prior.sample(2 * rows, rng=rng).reshape(2, rows, 1, gan.d)
    along = 0.5 * np.pi * np.linspace(0, 1, columns)[:, None]
    images = gan.generate(np.cos(along) * start + np.sin(along) * end)
    title = "G(cos(t) z + sin(t) z′), t from 0 to π/2: each z on the way is a draw from p(z) too"
    return figure_of_images(10, 5.4, images, dataset.shape, title)


def draw_learning(history: History, judge: Judge, found: Found, dataset: Dataset) -> Figure:
    """The players' losses, the Fréchet distance, and which classes were made."""
    figure, (game, distance, shares) = subplots(12, 3.6, 1, 3)
    epochs = [e.epoch for e in history.epochs]
    for name, colour in zip(("discriminator", "generator"), plot.SERIES, strict=False):
        game.plot(epochs, [e.measures[name] for e in history.epochs], color=colour, label=name)
    plot.finish(game, "epoch", "loss", "the game")
    game.legend(frameon=False)
    distance.plot(epochs, [e.measures["frechet"] for e in history.epochs], color=plot.SERIES[1], label="samples")
    real = judge.of_training_images
    distance.axhline(real, color=plot.COLOURS["baseline"], linestyle="--", label="training images")
    distance.set_yscale("log")
    plot.finish(distance, "epoch", "Fréchet distance", "classifier features, against the validation part")
    distance.legend(frameon=False)
    K = dataset.classes
    shares.bar(range(K), found.classes / found.classes.sum(), color=plot.SERIES[0])
    shares.axhline(1 / K, color=plot.COLOURS["baseline"], linestyle="--")
    shares.set_xticks(range(K))
    plot.finish(shares, "class", "share of samples", f"by the judge: {dataset.name}")
    return figure
