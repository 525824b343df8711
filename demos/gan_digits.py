"""A GAN learns the digits, with fully connected layers or with convolutions (`--network dcgan`). A GAN has no
likelihood, so the demo measures its samples, and prints each value beside the value of real digits. Of images without
labels it leaves out the measures that need a classifier."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from demos import by_label
from demos.common import add_data_options, labelled, load, no_labels, number, parser
from demos.figures import figure_of_images, panels, powers, save_pictures
from demos.film import Film, add_film_option, moments
from demos.output import facts_of, saved
from demos.printed import accuracy, how_it_ended, print_sizes
from demos.recipes import (
    Recipe,
    add_recipe_options,
    by_game,
    checkpoints,
    recipe_for,
    trained_classifier,
)
from minigen import dcgan, plot
from minigen.analysis.parzen import ParzenWindow, best_window
from minigen.analysis.quality import Neighbourhoods, frechet_distance, frechet_distances, nearest, neighbourhoods
from minigen.conditional import Conditional, LabelledGame
from minigen.data.images import listed
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

NETWORKS = {"mlp": "GAN", "dcgan": "DCGAN"}
"""The values of --network, and the name of the recipe of each."""
JUDGED, FRAMES = 2000, 40
"""Maximal number of samples and of real images that are compared; maximal number of frames of the animation."""
SIGMAS = np.geomspace(0.05, 0.5, 15)
"""Widths σ of the Parzen window to choose from. Grey levels are from 0 to 1."""


def options(arguments: list[str]) -> Namespace:
    p = parser("gan_digits")
    add_film_option(p)
    add_data_options(p)
    p.add_argument("--network", choices=NETWORKS, default="mlp",
                   help="both networks: fully connected layers (mlp) or convolutions (dcgan)")  # fmt: skip
    p.add_argument("--objective", choices=OBJECTIVES, default="non-saturating",
                   help="loss of the generator and the discriminator")  # fmt: skip
    p.add_argument("--penalty", choices=("none", *PENALTIES), default="r1",
                   help="penalty on the discriminator's gradient: of WGAN-GP (gradient), or R1 (r1)")  # fmt: skip
    p.add_argument("--discriminator-steps", type=number(int), default=1, metavar="N",
                   help="discriminator steps for each generator step")  # fmt: skip
    p.add_argument("--samples", type=number(int), default=10_000, metavar="N",
                   help="number of samples for the Parzen-window log-likelihood")  # fmt: skip
    p.add_argument("--by-label", action="store_true",
                   help="learn p(x | y): both networks are told the label y of each image; samples of each "
                        "label")  # fmt: skip
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

    players, rows = untrained(o, dataset, rng, dataset.classes if o.by_label else 0), np.arange(8) % dataset.classes
    gan = by_label.conditional(players, dataset) if o.by_label else players
    z = players.prior.sample(64, rng=0)
    evenly = moments(o.recipe.epochs, FRAMES, np.linspace)
    film = Film(lambda: told(gan, rows.repeat(8)).generate(z), partial(draw_generated, dataset), evenly)
    with saved(gan, o.out, facts=facts_of(dataset)):
        history = play(gan, o, dataset, rng, judge, before_epoch=film, checkpoint=checkpoints(o, o.recipe))
    o.out.write("history.csv", history.save)
    film.shoot(len(history.epochs))
    print(
        f"{how_it_ended(history)}; the generator has "
        f"{players.generator.num_parameters:,} parameters, the discriminator {players.discriminator.num_parameters:,}\n"
    )
    samples = gan.sample(max(o.samples, JUDGED), rng=np.random.default_rng(o.seed))
    found = judge.report(samples[:JUDGED])
    print_parzen(samples[: o.samples], dataset)
    print(f"\n{verdict(found, dataset.class_names)}")
    if isinstance(gan, Conditional):
        assert judge.classifier is not None
        by_label.print_confirmed(gan, judge.classifier, dataset, np.random.default_rng(o.seed))
    if judge.classifier is None:
        print(f"left out, because they need labels: {LEFT_OUT}")

    if not o.no_film:
        o.out.write("training.gif", film.animate)
    measures = {epoch.epoch: epoch.measures for epoch in history.epochs}
    o.out.write("moments.npz", partial(film.write, measures=measures, shape=dataset.shape,
                                       frechet=judge.of_training_images))  # fmt: skip
    pictures = {
        "samples.svg": by_label.draw_labels("the GAN", gan, dataset, np.random.default_rng(o.seed))
        if isinstance(gan, Conditional)
        else draw_samples(samples, dataset),
        "nearest.svg": draw_nearest(samples[:COLUMNS], dataset),
        "interpolations.svg": draw_interpolations(
            told(gan, rows.repeat(COLUMNS)), dataset, np.random.default_rng(o.seed)
        ),
        "learning.svg": draw_learning(history, judge, found, dataset),
    }
    save_pictures(o, pictures)
    return 0


def images_for(o: Namespace) -> Dataset:
    """Return the data set of `--data`. Raises UsageError if images are too small for the network, or lack labels."""
    dataset = real_valued(load(o.data, o.data_folder))
    if o.by_label:
        labelled(dataset)
    if o.network == "dcgan" and min(dataset.shape) < 4:
        raise UsageError(
            f"{dataset.name}: --network dcgan halves images twice, so that each side needs 4 pixels; take --network mlp"
        )
    return dataset


def told(gan: GAN | Conditional, labels: np.ndarray) -> GAN:
    """Return the GAN given a label for each z, (n,), or the GAN itself if it takes no labels."""
    return gan.with_label(labels) if isinstance(gan, Conditional) else gan


def untrained(o: Namespace, dataset: Dataset, rng: np.random.Generator, classes: int = 0) -> GAN:
    """Return the untrained GAN that the options ask for.  classes: numbers of a label that both networks read."""
    t: Recipe = o.recipe
    if o.network == "dcgan":
        generator = dcgan.generator(dataset.shape, t.latent + classes, t.hidden, rng=rng)
        discriminator = dcgan.discriminator(dataset.shape, t.hidden, classes, rng=rng)
    else:
        hidden = (t.hidden,) * t.layers
        generator = mlp((t.latent + classes, *hidden, dataset.D), relu, last=sigmoid, rng=rng)
        discriminator = mlp((dataset.D + classes, *hidden, 1), leaky_relu, rng=rng)
    penalty = None if o.penalty == "none" else partial(PENALTIES[o.penalty], weight=t.penalty_weight)
    return GAN(generator, discriminator, StandardNormal(t.latent), dataset.D, o.objective, penalty)


def play(
    gan: GAN | Conditional,
    o: Namespace,
    dataset: Dataset,
    rng: np.random.Generator,
    judge: Judge | None = None,
    **others: Any,
) -> History:
    """Train the GAN and return the history.  judge: measures samples after each epoch. others: arguments of `fit`.

    Raises UsageError if a batch would have fewer images than discriminator steps.
    """
    t: Recipe = o.recipe
    n, batch_size = len(dataset.train), t.batch_size * o.discriminator_steps
    if (fewest := n // -(-n // batch_size)) < o.discriminator_steps:
        raise UsageError(
            f"{n:,} training images are cut into batches, some of {fewest}, too few for {o.discriminator_steps:,} "
            "discriminator steps: take a larger --batch-size or fewer --discriminator-steps"
        )
    make: Any = LabelledGame if isinstance(gan, Conditional) else Game
    game = make(gan, t.learning_rate, t.adversarial_rate, discriminator_steps=o.discriminator_steps, ema_decay=0.999)
    data: Any = lambda part: (part.images, part.labels) if isinstance(gan, Conditional) else part.images
    train, validation = data(dataset.train), data(dataset.validation[:JUDGED])
    measure = lambda: game.mean_losses() | (judge.progress(gan) if judge else {})
    return by_game(gan, game, train, validation, t.epochs, batch_size, rng, measure=measure, **others)


# -- measures of samples


class Found(NamedTuple):
    """Measures of samples.

    classes: number of samples of each class; none without a classifier. ours: neighbourhoods of the samples. real: the
    same of real images.
    """

    classes: np.ndarray
    ours: Neighbourhoods
    real: Neighbourhoods


LEFT_OUT = "the Fréchet distance of features, the certainty of a classifier, and the number of samples of each class"


class Judge:
    """A classifier of real digits, whose features in the last layer measure samples.

    The samples are compared with the validation part while the GAN learns, and with the test part at the end. Each
    value of samples has a reference: the value of other real images, which a perfect generator would reach.
    Without labels there is no classifier. Then the pixels themselves are the features, of which only neighbourhoods are
    measured: the Fréchet distance takes features that are about normally distributed, and far fewer than images.
    dataset: the images. missing: why there is no classifier, in words, or "". classifier: the trained model, or None.
    validation, test: features of real images, (n, features).
    of_training_images: Fréchet distance of as many training images from the validation images; nan without classifier.
    """

    def __init__(self, dataset: Dataset, rng: np.random.Generator):
        self.dataset, self.missing = dataset, no_labels(dataset)
        self.classifier = None if self.missing else trained_classifier(dataset, rng)
        self.validation, self.test = (
            self.features(part.images[:JUDGED]) for part in (dataset.validation, dataset.test)
        )
        self.of_training_images = self.distance(dataset.train.images[: len(self.validation)])

    def features(self, images: np.ndarray) -> np.ndarray:
        """Return the features of images, (n, features).  images: (n, D)."""
        return images if self.classifier is None else self.classifier.features(images)

    def distance(self, images: np.ndarray) -> float:
        """Return the Fréchet distance of images from the validation images; nan without a classifier."""
        return np.nan if self.classifier is None else frechet_distance(self.validation, self.features(images))

    def __str__(self) -> str:
        if self.classifier is None:
            return f"no judge: {self.missing}; so the samples are compared with real images by their pixels"
        test = self.dataset.test
        share, error = accuracy(self.classifier.classify(test.images), test.labels)
        return (
            f"judge: a classifier of real digits, accuracy {share:.1%} ± {error:.1%} (standard error) on {len(test):,} "
            "test images; features: outputs of its last hidden layer"
        )

    def progress(self, gan: GAN | Conditional) -> dict[str, float]:
        """Return the Fréchet distance of samples after an epoch. The noise z is the same in every epoch."""
        if self.classifier is None:
            return {}
        return {"frechet": self.distance(gan.sample(len(self.validation), rng=0))}

    def report(self, samples: np.ndarray) -> Found:
        """Print and return the measures of samples, compared with the test part.  samples: (n, D)."""
        features = self.features(samples)
        rows = min(map(len, (samples, self.test, self.validation)))  # equal counts: fewer rows give larger distances
        ours, real = (neighbourhoods(self.test[:rows], f[:rows]) for f in (features, self.validation))
        print(f"{len(samples):,} samples, and other real images for reference, compared with the test images")
        print(f"{'measure':<46}{'samples':>10}{'real':>10}")
        classes, last = (np.array([], int), "") if self.classifier is None else self.report_classes(samples, rows)
        kind = "pixels" if self.classifier is None else "features"
        for name in ours._fields:
            print_pair(f"{name} ({rows:,} of each, {kind}, k = 5)", getattr(ours, name), getattr(real, name))
        print_pair("median distance to the nearest training image", *copying(samples[:rows], self.dataset))
        print(f"{rows:,} samples against {rows:,} test images{last}")
        return Found(classes, ours, real)

    def report_classes(self, samples: np.ndarray, rows: int) -> tuple[np.ndarray, str]:
        """Print the measures that need the classifier. Return the number of samples of each class, and the last lines.

        samples: (n, D). rows: the number of samples that are compared with as many real images.
        """
        assert self.classifier is not None
        probs = self.classifier.probs(samples)
        classes = np.bincount(probs.argmax(axis=1), minlength=self.dataset.classes)
        features = self.features(samples), self.validation[:rows]
        parts, of_real = (frechet_distances(f, self.test[:rows]) for f in features)
        print_pair("Fréchet distance of features (not FID)", parts.mean(), of_real.mean())
        sure = [np.mean(p.max(axis=1)) for p in (probs, self.classifier.probs(self.dataset.test.images[:JUDGED]))]
        print_pair("certainty of the judge, mean of max p(y|x)", *sure)
        error = f" ± {mean_and_error(parts)[1]:.3f} (standard error)" if len(parts) > 1 else ""
        which = listed(self.dataset.names, plot.LISTED) or f"0 … {len(classes) - 1}"
        counts = f"number of samples of each class {which}: {' '.join(map(str, classes))}"
        return classes, f"; Fréchet: mean of {len(parts)} such parts{error}\n{counts}"


def print_pair(name: str, samples: float, real: float) -> None:
    """Print a row of the table of measures: its name, and the values of samples and of other real images."""
    print(f"{name:<46}{samples:>10.3f}{real:>10.3f}")


def copying(samples: np.ndarray, dataset: Dataset) -> tuple[float, float]:
    """Return the median distance to the nearest training image, of samples and of test images. Copies have 0."""
    train = dataset.train.images
    distance = lambda x: float(np.median(np.linalg.norm(x - train[nearest(x, train)], axis=1)))
    return distance(samples), distance(dataset.test.images[: len(samples)])


def print_parzen(samples: np.ndarray, dataset: Dataset) -> None:
    """Print the Parzen-window log-likelihood of test images, for windows around samples and around training images.

    The validation part chooses the width σ.
    """
    test, train = dataset.test.images, dataset.train.images
    print(f"\nParzen-window log-likelihood of {len(test):,} test images, nats ± standard error, {dataset.name}:")
    for name, centres in {"samples": samples, "training images": train[: len(samples)]}.items():
        window: ParzenWindow = best_window(centres, dataset.validation.images[:1000], SIGMAS)
        mean, error = mean_and_error(log_probs(window, test))
        scored = f"{mean:>9.1f} ± {error:.1f} nats, width σ = {window.sigma:.3f}"
        print(f"  windows around {len(centres):>6,} {name:<16}{scored}")
    print("  caution: this is the density of a mixture of windows, not of the GAN, and a weak measure of quality")
    if dataset.shape == (28, 28):
        print(
            "  papers, MNIST, 10,000 samples, nats: GAN 225 ± 2 (Goodfellow et al. 2014), AAE 340 ± 2 (Makhzani et al.)"
        )


def verdict(found: Found, names: list[str]) -> str:
    """Return a sentence that says whether the samples are good and, if not, what to try.  names: of the classes.

    Without a classifier it cannot say whether a class is missing.
    """
    total, K = int(found.classes.sum()), len(found.classes)
    missing = [names[k] for k in np.flatnonzero(found.classes < 0.1 * total / max(K, 1))]
    if missing:
        return (
            f"mode collapse: few of {total:,} samples are of class {listed(missing, plot.LISTED)}. Try another "
            "--objective, a larger --penalty-weight, or a lower --learning-rate"
        )
    if found.ours.recall < 0.5 * found.real.recall:
        return (
            f"little variety: the samples come near only {found.ours.recall:.0%} of the real images. Try a larger "
            "--penalty-weight or --batch-size"
        )
    if found.ours.precision < 0.5 * found.real.precision:
        return (
            f"few samples look real: only {found.ours.precision:.0%} lie near real images. Try more --epochs; "
            "if the losses in learning.png oscillate, lower both learning rates"
        )
    if not K:
        return (
            f"variety and realism as far as pixels tell: the samples come near {found.ours.recall:.0%} of the real "
            f"images, and {found.ours.precision:.0%} of the samples lie near real images"
        )
    rarest, commonest = found.classes.min() / total, found.classes.max() / total
    return f"no mode collapse: each of the {K} classes has {rarest:.1%} to {commonest:.1%} of the samples"


# -- pictures

COLUMNS = 10
"""Images in a row of a picture."""


def draw_generated(dataset: Dataset, ax: Axes, epoch: int, images: np.ndarray) -> None:
    """Draw a frame of the animation: G(z) of the same 64 z after an epoch.  images: (64, D)."""
    plot.image_rows(ax, images.reshape(8, 8, -1), dataset.shape, f"G(z) of the same z, after {epoch} epochs")


def draw_samples(samples: np.ndarray, dataset: Dataset) -> Figure:
    """Draw two rows of test images above eight rows of samples.  samples: at least 80, (n, D)."""
    columns = min(COLUMNS, len(dataset.test) // 2)
    real = dataset.test.images[: 2 * columns].reshape(2, columns, -1)
    rows = [*real, *samples[: 8 * columns].reshape(8, columns, -1)]
    title = "test images, and samples G(z), not selected"
    return figure_of_images(rows, dataset.shape, title, ["real", "", "G(z)", *[""] * 7])


def draw_nearest(samples: np.ndarray, dataset: Dataset) -> Figure:
    """Draw samples above their nearest training images (Euclidean distance of pixels).  samples: (n, D)."""
    train = dataset.train.images
    rows = np.stack([samples, train[nearest(samples, train)]])
    return figure_of_images(rows, dataset.shape, "samples, and the nearest training images", ["G(z)", "nearest"])


def draw_interpolations(gan: GAN, dataset: Dataset, rng: np.random.Generator) -> Figure:
    """Draw G(z) for z on arcs between samples of p(z), near the sphere where most of p(z) lies."""
    rows, columns = 8, COLUMNS
    start, end = gan.prior.sample(2 * rows, rng=rng).reshape(2, rows, 1, gan.d)
    along = 0.5 * np.pi * np.linspace(0, 1, columns)[:, None]
    images = gan.generate(np.cos(along) * start + np.sin(along) * end)
    title = "G(cos(t) z + sin(t) z′), t from 0 to π/2"
    return figure_of_images(images, dataset.shape, title)


def draw_learning(history: History, judge: Judge, found: Found, dataset: Dataset) -> Figure:
    """Draw the losses over the epochs and, with a classifier, the Fréchet distance and the share of each class."""
    figure, (game, *of_classes), _ = panels(1 if judge.classifier is None else 3)
    epochs = [e.epoch for e in history.epochs]
    for name, colour in zip(("discriminator", "generator"), plot.SERIES, strict=False):
        game.plot(epochs, [e.measures[name] for e in history.epochs], color=colour, label=name)
    plot.finish(game, "epoch", "loss", "losses of both players")
    game.legend()
    if not of_classes:
        return figure
    distance, shares = of_classes
    distance.plot(epochs, [e.measures["frechet"] for e in history.epochs], color=plot.SERIES[1], label="samples")
    real = judge.of_training_images
    distance.axhline(real, color=plot.COLOURS["baseline"], linestyle="--", label="training images")
    distance.set_yscale("log")
    plot.finish(distance, "epoch", "Fréchet distance", "distance from the validation part")
    powers(distance.yaxis)
    distance.legend()
    K = dataset.classes
    shares.bar(range(K), found.classes / found.classes.sum(), color=plot.SERIES[0])
    shares.axhline(1 / K, color=plot.COLOURS["baseline"], linestyle="--")
    if plot.LISTED >= K:
        shares.set_xticks(range(K), [plot.literal(name) for name in dataset.class_names])
    plot.finish(shares, "class", "share of samples", "class by the judge")
    return figure
