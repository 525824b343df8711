"""An adversarial auto-encoder (AAE) learns the digits: the distribution of its codes becomes the prior, a normal
distribution, a flower or a Swiss roll. With labels, each digit gets its own part of the prior, or a class and style."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.spatial import KDTree

from autograd import backend, no_grad
from demos.classify import logistic_regression
from demos.common import add_data_options, labelled, load, normal_plane, number, parser
from demos.figures import cells, figure_of_images, panels, save_pictures
from demos.film import Film, add_film_option, moments
from demos.output import facts_of, saved
from demos.printed import accuracy, how_it_ended, print_sizes
from demos.recipes import add_recipe_options, by_game, checkpoints, recipe_for
from minigen import plot
from minigen.aae import AAE, SemiSupervisedAAE, SemiSupervisedSteps, Steps, StyleEncoder, discriminator_network
from minigen.analysis.surgery import surgery
from minigen.data.sets import Dataset, Part
from minigen.decoders import BernoulliDecoder
from minigen.encoders import DeterministicEncoder, Encoder, GaussianEncoder, NoisyEncoder
from minigen.errors import UsageError
from minigen.model import in_blocks
from minigen.nn.functions import relu
from minigen.nn.layers import mlp
from minigen.priors import Flower, Prior, StandardNormal, SwissRoll
from minigen.training.batches import Data
from minigen.training.history import History

PRIORS, ENCODERS = ("normal", "flower", "roll"), ("deterministic", "gaussian", "noisy")
CLASSES, NOISE, SHOWN = 10, 10, 1000
"""Number of classes; noise dimensions of the noisy encoder; test images in a scatter plot, at most."""
HIDDEN = (100, 100)
"""Hidden units in each layer of a discriminator."""


def options(arguments: list[str]) -> Namespace:
    p = parser("aae")
    add_film_option(p)
    add_data_options(p)
    p.add_argument("--prior", choices=PRIORS, default="normal",
                   help="prior p(z), the distribution that the codes learn")  # fmt: skip
    p.add_argument("--encoder", choices=ENCODERS, default="deterministic",
                   help="noise of q(z|x): none (deterministic), normal noise on z (gaussian), or noise as an input of "
                        "the encoder (noisy)")  # fmt: skip
    p.add_argument("--labels", type=count_or_all, default=0, metavar="N",
                   help="number of training images (or all) whose labels the discriminator gets, so that each class "
                        "fills its own part of the prior; 0: no labels")  # fmt: skip
    p.add_argument("--semi-supervised", type=number(int, least=0), default=0, metavar="N",
                   help="number of labelled training images of the semi-supervised AAE, whose code is a class and a "
                        "style; 0: the ordinary AAE")  # fmt: skip
    add_recipe_options(p, "AAE")
    return checked(p, p.parse_args(arguments))


def count_or_all(text: str) -> float | str:
    """Return an integer from 0 up, or the word "all". An argparse type."""
    return text if text == "all" else number(int, least=0)(text)


def checked(p: ArgumentParser, o: Namespace) -> Namespace:
    """Return the options with their recipe. A combination that makes no sense ends the program with a message."""
    o.recipe = recipe_for("AAE", o)
    if o.labels and o.semi_supervised:
        p.error("--labels and --semi-supervised are two ways to use labels: choose one")
    if o.labels and o.prior == "normal":
        p.error("--labels needs a prior with parts: --prior flower or --prior roll")
    if o.recipe.latent < 2:
        p.error(f"--latent must be at least 2, because the pictures show a plane, got {o.recipe.latent}")
    if o.prior != "normal" and o.recipe.latent != 2:
        p.error(f"--prior {o.prior} lies in the plane, so --latent is 2, got {o.recipe.latent}")
    if o.semi_supervised and o.encoder != "deterministic":
        p.error(f"--semi-supervised has a deterministic encoder, got --encoder {o.encoder}")
    return o


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    dataset = load(o.data, o.data_folder)
    print_sizes(dataset)
    count = len(dataset.train) if o.labels == "all" else o.labels or o.semi_supervised
    if count > len(dataset.train):
        raise UsageError(
            f"labels of {count:,} images were asked for, but there are {len(dataset.train):,} training images"
        )
    if count:
        labelled(dataset, CLASSES)
    rows = labelled_rows(dataset.train.labels, count, rng)

    model, steps = untrained(dataset, rows, o, rng)
    part, draws = dataset.test[:SHOWN], model.prior.sample(2 * SHOWN, rng=0)[:, :2]
    frame = partial(draw_codes, part, draws, dataset.class_names)
    film = Film(lambda: codes_of(model, part.images)[:, :2], frame, moments(o.recipe.epochs, 40))
    with saved(model, o.out, facts=facts_of(dataset)):
        images = epochs_of(dataset, rows if o.labels else None)
        history = by_game(model, steps, images, dataset.validation.images, o.recipe.epochs, o.recipe.batch_size, rng,
                          before_epoch=film, measure=steps.mean_losses,
                          checkpoint=checkpoints(o, o.recipe))  # fmt: skip
    o.out.write("history.csv", history.save)
    film.shoot(len(history.epochs))
    print(
        f"{how_it_ended(history)}; encoder and decoder have "
        f"{model.autoencoder.num_parameters:,} parameters, the discriminator {model.discriminator.num_parameters:,}\n"
    )
    report(model, dataset, rows, o, rng)

    if not o.no_film:
        o.out.write("training.gif", film.animate)
    measures = {epoch.epoch: epoch.measures for epoch in history.epochs}
    o.out.write("moments.npz", partial(film.write, measures=measures, labels=part.labels, prior=draws,
                                       names=dataset.class_names))  # fmt: skip
    pictures = {
        "latent.svg": draw_latent(model.prior, film.last, part, draws, dataset.class_names, bool(o.labels), rng),
        "training.svg": film.draw_stills(2.9),
        "learning.svg": draw_learning(history, 1 if isinstance(model, AAE) else 2, dataset),
    }
    if isinstance(model, AAE):
        pictures["regions.svg"] = draw_regions(model, dataset, rng)
    else:
        pictures["styles.svg"] = draw_styles(model, dataset, rng)
    save_pictures(o, pictures)
    return 0


# -- the models


def labelled_rows(labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return `count` random row numbers, with equal numbers of each class if possible, (count,).  labels: (n,)."""
    order = rng.permutation(len(labels))
    turn = np.zeros(len(labels), int)  # 0 for the first row of each class, 1 for the second, …
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        turn[rows] = np.arange(len(rows))
    return np.sort(order[np.argsort(turn[order], kind="stable")][:count])


def untrained(
    dataset: Dataset, rows: np.ndarray, o: Namespace, rng: np.random.Generator
) -> tuple[AAE | SemiSupervisedAAE, Steps]:
    """Return the model that the options ask for, and its training step.  rows: row numbers of labelled images."""
    D, t = dataset.D, o.recipe
    d, h = t.latent, (t.hidden,) * t.layers
    priors: dict[str, Prior] = {"normal": StandardNormal(d), "flower": Flower(CLASSES), "roll": SwissRoll(CLASSES)}
    prior = priors[o.prior]
    body = lambda more=0: mlp((D + more, *h), relu, last=relu, rng=rng)
    decoder = lambda more=0: BernoulliDecoder(mlp((more + d, *h, D), relu, rng=rng), D)
    if o.semi_supervised:
        encoder = StyleEncoder(body(), h[-1], CLASSES, d, rng=rng)
        semi = SemiSupervisedAAE(
            encoder,
            decoder(CLASSES),
            prior,
            discriminator_network(CLASSES, HIDDEN, rng=rng),
            discriminator_network(d, HIDDEN, rng=rng),
        )
        some = dataset.train[rows]
        rates = t.learning_rate, t.adversarial_rate
        return semi, SemiSupervisedSteps(semi, *rates, some.images, some.labels, t.batch_size)
    encoders: dict[str, Any] = {
        "deterministic": lambda: DeterministicEncoder(body(), h[-1], d, rng=rng),
        "gaussian": lambda: GaussianEncoder(body(), h[-1], d, rng=rng),
        "noisy": lambda: NoisyEncoder(body(NOISE), h[-1], d, NOISE, rng=rng),
    }
    one: Encoder = encoders[o.encoder]()
    classes = CLASSES if o.labels else 0
    model = AAE(
        one, decoder(), prior, discriminator_network(d + (classes + 1 if classes else 0), HIDDEN, rng=rng), classes
    )
    return model, Steps(model, t.learning_rate, t.adversarial_rate)


def epochs_of(dataset: Dataset, told: np.ndarray | None) -> Callable[[np.random.Generator], Data]:
    """Return a function of a generator that returns the data of an epoch: images, or images and labels (−1: unknown).

    told: row numbers whose labels the discriminator gets; None: images alone. If these rows are few, an epoch repeats
    them until they are half of it. Otherwise the codes settle in the prior before their labels can move them.
    """
    if told is None:
        return dataset.anew
    n = len(dataset.train)
    labels = np.full(n, -1)
    labels[told] = dataset.train.labels[told]
    rows = np.append(np.arange(n), np.repeat(told, max(0, n // len(told) - 2)))
    return lambda rng: (dataset.anew(rng)[rows], labels[rows])


def codes_of(model: AAE | SemiSupervisedAAE, images: np.ndarray) -> np.ndarray:
    """Return the code z of each image (its style, if the model has classes), with fixed noise.  (n, D) → (n, d)."""
    if isinstance(model, AAE):
        return model.encode(images, rng=0)
    return in_blocks(lambda x: model.codes(model.checked(x))[1], images, model.block)


# -- the printed report


def report(
    model: AAE | SemiSupervisedAAE, dataset: Dataset, rows: np.ndarray, o: Namespace, rng: np.random.Generator
) -> None:
    """Print the losses and, with labels, the accuracy on the test part.  rows: row numbers of labelled images."""
    test = dataset.test
    log_4 = (2 if o.semi_supervised else 1) * np.log(4)  # two discriminators of the semi-supervised AAE, two losses
    with no_grad():
        loss = model.discriminator_loss(model.checked(test.images), test.labels if o.labels else None, rng=rng).item()
    print(f"{dataset.name}, test part, mean over {len(test):,} images")
    print(f"reconstruction loss {model.validation_loss(test.images):6.2f} nats/image: −E[ln p(x|z)], not a likelihood")
    print(f"discriminator loss  {loss:6.3f} nats; {log_4:.3f} if it cannot tell codes from samples of the prior")
    if isinstance(model, AAE) and o.encoder == "gaussian" and o.prior != "roll":
        print(surgery_report(model, test.images[:SHOWN], rng))
    if len(rows):
        print(f"\naccuracy on the {len(test):,} test images ± standard error, learned from {len(rows):,} labels")
        if isinstance(model, AAE):
            rules = {"AAE, part of the prior": nearest_part(model.prior, codes_of(model, test.images), rng)}
        else:
            rules = {"AAE, semi-supervised": model.classify(test.images)}
        rules["logistic regression"] = logistic_regression(replace(dataset, train=dataset.train[rows]), o.out)
        for name, predicted in rules.items():
            share, error = accuracy(predicted, test.labels)
            print(f"{name:<26}{share:>7.1%} ± {error:.1%}")


def surgery_report(model: AAE, images: np.ndarray, rng: np.random.Generator) -> str:
    """Return lines with E KL(q(z|x) ‖ p(z)), which the AAE does not minimise, and its two parts.  images: (n, D)."""
    with no_grad():
        q = model.autoencoder.encoder(model.checked(images))
    found = surgery(q, model.prior.distribution(), rng=rng)
    kl, information, marginal = (
        f"{value:.2f} ± {error:.2f}" for value, error in (found.mean_kl, found.mutual_information, found.marginal_kl)
    )
    sigma = np.exp(0.5 * backend.to_numpy(q.base.log_var))
    return (
        "ELBO surgery, estimates from draws of z, nats ± standard error: "
        f"mean KL(q(z|x) ‖ p(z)) {kl} = I(x; z) {information} + KL(q(z) ‖ p(z)) {marginal}\n"
        f"for {len(images):,} images, I(x; z) is at most ln {len(images)} = {np.log(len(images)):.2f} nats; "
        f"the median σ of q(z|x) is {np.median(sigma):.1g}"
    )


def nearest_part(prior: Prior, z: np.ndarray, rng: np.random.Generator, draws: int = 500) -> np.ndarray:
    """Return the class whose part of the prior each code lies in, (n,): the class of the nearest sample of the prior.

    z: codes, (n, d). draws: samples of each part.
    """
    labels = np.repeat(np.arange(CLASSES), draws)
    return labels[KDTree(prior.sample_given(labels, rng=rng)).query(z)[1]]


# -- pictures


def draw_codes(part: Part, draws: np.ndarray, names: list[str], ax: Axes, epoch: int, codes: np.ndarray) -> None:
    """Draw a frame of the animation: the codes of test images after an epoch, above samples of the prior.

    part: the test images. draws: samples of the prior, (m, 2). names: of the classes. codes: their first two
    dimensions, (n, 2).
    """
    title = f"after epoch {epoch}" if epoch else "before training"
    ax.scatter(draws[:, 0], draws[:, 1], 6, plot.SERIES[5], alpha=0.4, linewidths=0, rasterized=True)
    plot.latent_scatter(ax, codes, part.labels, title, names, legend=False)
    show_where_the_prior_is(ax, draws)


def show_where_the_prior_is(ax: Axes, draws: np.ndarray) -> None:
    """Set the limits of the axes to the middle 99 % of the samples of the prior.  draws: (m, 2)."""
    low, high = np.quantile(draws, [0.005, 0.995], axis=0)
    (x, y), reach = (low + high) / 2, 0.7 * (high - low).max()
    ax.set(xlim=(x - reach, x + reach), ylim=(y - reach, y + reach))


def draw_latent(
    prior: Prior,
    codes: np.ndarray,
    part: Part,
    draws: np.ndarray,
    names: list[str],
    labelled: bool,
    rng: np.random.Generator,
) -> Figure:
    """Draw the codes of test images after training beside samples of the prior.

    codes: (n, 2). part: the test images. draws: samples of the prior, (m, 2). names: of the classes. labelled: draw
    samples by class.
    """
    figure, (ours, aim), _ = panels(2, height=4)
    plot.latent_scatter(ours, codes, part.labels, "codes of test images, q(z)", names, legend=not labelled)
    if labelled:
        labels = rng.integers(len(names), size=SHOWN // 2)
        given = prior.sample_given(labels, rng=rng)
        plot.latent_scatter(aim, given, labels, "samples of the prior p(z), by class", names)
    else:
        aim.scatter(draws[:SHOWN, 0], draws[:SHOWN, 1], 8, plot.INK, alpha=0.6, linewidths=0)
        aim.set_aspect("equal")
        plot.finish(aim, "z₁", "z₂", "samples of the prior p(z)")
    for ax in (ours, aim):
        show_where_the_prior_is(ax, draws)
    return figure


def draw_regions(model: AAE, dataset: Dataset, rng: np.random.Generator, columns: int = 14) -> Figure:
    """Draw E[x|z] over the plane of a normal prior, or along each part of another prior, one row for each part."""
    prior, labels = model.prior, range(CLASSES)
    names: list[str] = []
    if isinstance(prior, Flower):
        draws = prior.sample_given(np.repeat(labels, columns), rng=rng).reshape(CLASSES, columns, 2)
        z = np.stack([petal[np.linalg.norm(petal, axis=1).argsort()] for petal in draws])
        title, names = "E[x|z] along each petal, from the centre outwards", [f"petal {k}" for k in labels]
    elif isinstance(prior, SwissRoll):
        arm = SwissRoll(CLASSES, prior.turns, prior.radius, noise=0)
        z = arm.at((np.arange(CLASSES * columns) + 0.5) / (CLASSES * columns), rng=rng).reshape(CLASSES, columns, 2)
        title, names = "E[x|z] along the arm, from the centre outwards", [f"stretch {k}" for k in labels]
    elif model.d == 2:
        z = normal_plane(columns)
        title = "E[x|z] over the plane of z"
    else:
        z, title = prior.sample(10 * columns, rng=rng).reshape(10, columns, model.d), "E[x|z] of samples z ~ p(z)"
    return figure_of_images(model.decode(z), dataset.shape, title, names)


def draw_styles(model: SemiSupervisedAAE, dataset: Dataset, rng: np.random.Generator, rows: int = 10) -> Figure:
    """Draw images of each class (column) in each style (row): styles of test images, and styles sampled from p(z)."""
    digits = dataset.test.images[:rows]
    width = dataset.shape[1] + 1
    figure, parts, _ = cells(2, height=4.2)
    real, ours = parts[0].subplots(1, 2, width_ratios=[width, CLASSES * width])
    drawn = parts[1].subplots()
    plot.image_rows(real, digits[:, None], dataset.shape, "real")
    styles = {"each class in the style of the digit at the left": (ours, codes_of(model, digits)),
              "each class in a style z ~ p(z)": (drawn, model.prior.sample(rows, rng=rng))}  # fmt: skip
    for title, (ax, z) in styles.items():
        images = model.decode(np.tile(np.arange(CLASSES), rows), np.repeat(z, CLASSES, axis=0))
        plot.image_rows(ax, images.reshape(rows, CLASSES, -1), dataset.shape, title)
        names = [plot.literal(name) for name in dataset.class_names] + ["–"] * (CLASSES - dataset.classes)
        ax.set_xticks(np.arange(CLASSES) * width + (width - 2) / 2, names)
    return figure


def draw_learning(history: History, discriminators: int, dataset: Dataset) -> Figure:
    """Draw the losses over the epochs, and the losses of discriminators that are undecided.

    discriminators: number of discriminators, 1 or 2.
    """
    figure, (images, codes), _ = panels(2, height=3.6)
    epochs = [e.epoch for e in history.epochs]
    for name in ("train", "validation"):
        images.plot(epochs, [getattr(e, f"{name}_loss") for e in history.epochs], color=plot.COLOURS[name], label=name)
    plot.finish(images, "epoch", "nats/image", "reconstruction loss −E[ln p(x|z)]")
    aims = {"discriminator": discriminators * np.log(4), "adversarial": discriminators * np.log(2)}
    for (name, aim), colour in zip(aims.items(), plot.SERIES[1:], strict=False):
        codes.plot(epochs, [e.measures[name] for e in history.epochs], color=colour, label=name)
        level = f"{'2 ' if discriminators == 2 else ''}log {4 if name == 'discriminator' else 2}"
        codes.axhline(aim, color=colour, linestyle="--", linewidth=1, label=f"{level}: undecided")
    plot.finish(codes, "epoch", "nats", "the adversarial game in the latent space")
    for ax in (images, codes):
        ax.legend(loc="upper right", ncols=2)
    return figure
