"""A variational auto-encoder (VAE) learns the digits: the two terms of the ELBO, an estimate of ln p(x) beside the
exact value of NADE, samples, and the plane of z."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from demos import by_label
from demos.common import add_data_options, first_of_each, load, normal_plane, number, parser
from demos.figures import figure_of_images, panel, panels, save_pictures
from demos.output import facts_of, saved
from demos.printed import how_it_ended, print_sizes, what_was_kept
from demos.recipes import PRIORS, SMALL, add_recipe_options, by_gradient, checkpoints, learn, recipe_for, variational
from minigen import plot
from minigen.data.sets import Dataset
from minigen.divergences import mean_and_error
from minigen.encoders import COVARIANCES
from minigen.model import log_probs
from minigen.training.history import History
from minigen.vae import COLLAPSED, VAE, unit_activity


def options(arguments: list[str]) -> Namespace:
    p = parser("vae")
    add_data_options(p)
    p.add_argument("--prior", choices=PRIORS, default="normal",
                   help="prior p(z): a standard normal, a mixture of normals, or a VampPrior")  # fmt: skip
    p.add_argument("--posterior", choices=COVARIANCES, default="diagonal",
                   help="covariance matrix of the encoder's normal distribution q(z|x)")  # fmt: skip
    p.add_argument("--draws", type=number(int, least=2), default=5000, metavar="K",
                   help="number of samples of z with which ln p(x) of an image is estimated")  # fmt: skip
    p.add_argument("--scored", type=number(int, least=2), default=1000, metavar="N",
                   help="maximal number of test images whose ln p(x) is estimated")  # fmt: skip
    p.add_argument("--alone", action="store_true", help="leave out NADE, which is trained to compare ln p(x)")
    by_label.add_option(p)
    add_recipe_options(p, "VAE")
    o = p.parse_args(arguments)
    if o.by_label and o.prior == "vamp":
        p.error("--by-label has no --prior vamp: its components are encoded images without a label")
    return o


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    dataset = load(o.data, o.data_folder)
    recipe = recipe_for("VAE", o)
    if o.by_label:
        seeded = lambda: np.random.default_rng(o.seed)
        make = lambda classes: variational(recipe, dataset, seeded(), o.prior, o.posterior, classes=classes)
        draws = max(2, o.draws // 10)
        scores = {
            "upper bound −ELBO": lambda model, x: model.elbos(x, samples=50, rng=seeded()).value,
            f"estimate by {draws:,} draws of z": lambda model, x: model.log_prob(x, draws, rng=seeded()).value,
        }
        return by_label.main(o, "VAE", make, recipe, replace(dataset, test=dataset.test[: o.scored]), scores)
    print_sizes(dataset)

    model = variational(recipe, dataset, rng, o.prior, o.posterior)
    with saved(model, o.out, facts=facts_of(dataset)):
        measure = lambda: terms(model, dataset)
        history = by_gradient(model, recipe, dataset, rng, measure, checkpoint=checkpoints(o, recipe))
    o.out.write("metrics.csv", history.save)
    print(f"{how_it_ended(history)}; {what_was_kept(history)}")
    flat = replace(recipe, latent=2, epochs=max(1, recipe.epochs // 3))
    plane = variational(flat, dataset, rng, covariance="full")
    by_gradient(plane, flat, dataset, rng)  # a VAE with z in two dimensions, for the map

    images = dataset.test.images[: o.scored]
    which = "the" if len(images) == len(dataset.test) else "the first"
    print(f"\n{dataset.name}, {which} {len(images):,} test images: mean −ln p(x) with its standard error, nats/image")
    print(f"{'model':<26}{'parameters':>12}{'−ln p(x), nats':>18}   kind of value")
    for row in likelihoods(model, images, o, dataset, rng):
        print(row, flush=True)
    print(collapse_report(model, dataset))

    pictures = {
        "samples.svg": draw_samples(model, dataset, rng),
        "reconstructions.svg": draw_reconstructions(model, dataset),
        "latent.svg": draw_latent(plane, dataset),
        "manifold.svg": draw_manifold(plane, dataset),
        "interpolations.svg": draw_interpolations(model, dataset),
        "learning.svg": draw_learning(history, dataset),
    }
    save_pictures(o, pictures)
    return 0


def terms(model: VAE, dataset: Dataset) -> dict[str, float]:
    """Return the two terms of the ELBO on the validation part, in nats, and the number of active dimensions of z."""
    images = dataset.validation.images[:1000]
    parts = model.elbos(images, rng=0)
    active = np.sum(unit_activity(model, images) > COLLAPSED)
    return {
        "reconstruction": float(parts.reconstruction.mean()),
        "prior_fitting": float(parts.prior_fitting.mean()),
        "active_units": int(active),
    }


def likelihoods(
    model: VAE, images: np.ndarray, o: Namespace, dataset: Dataset, rng: np.random.Generator
) -> Iterator[str]:
    """Yield rows of a table: two bounds and an estimate of −ln p(x) of the VAE. For small images, NADE comes first.

    images: test images, (n, D). o.draws: number of samples of z for the estimate. ±: standard error over the images.
    """

    def row(name: str, parameters: int, log_p: np.ndarray, kind: str) -> str:
        mean, error = mean_and_error(-log_p)
        return f"{name:<26}{parameters:>12,}{f'{mean:.2f} ± {error:.2f}':>18}   {kind}"

    if dataset.D <= SMALL and not o.alone:
        nade, history = learn("NADE", o.data, dataset, np.random.default_rng(o.seed), o.out)
        assert history is not None
        took = f"{len(history.epochs)} epochs, {history.seconds:.0f} s"
        yield row("NADE", nade.num_parameters, log_probs(nade, images), f"exact; {took}")
    n = model.num_parameters
    elbo = model.elbos(images, samples=50, rng=rng)
    yield row("VAE, −ELBO (k = 1)", n, elbo.value, "upper bound, estimated with 50 samples of z")
    terms = f"reconstruction {elbo.reconstruction.mean():.2f} nats, prior fitting {elbo.prior_fitting.mean():.2f} nats"
    yield f"{'':<26}ELBO = {elbo.value.mean():.2f} nats: {terms}"
    yield row("VAE, −L₅₀ (k = 50)", n, model.log_prob(images, 50, rng=rng).value, "upper bound")
    found = model.log_prob(images, o.draws, rng=rng)
    random = np.sqrt(np.mean(found.standard_error**2) / len(images))
    fewer = max(2, o.draws // 10)
    drop = np.mean(found.value - model.log_prob(images, fewer, rng=o.seed).value)
    error = f"sampling z adds ± {random:.3f} nats, and k = {fewer:,} gives {drop:.3f} nats more"
    yield row(f"VAE, k = {o.draws:,}", n, found.value, f"estimate, on average an upper bound; {error}")
    effective = o.draws / (1 + o.draws * found.standard_error**2)  # (Σ w)²/Σ w², by the standard error of the mean w
    low, middle = np.quantile(effective, [0.05, 0.5])
    yield f"{'':<26}effective draws of {o.draws:,}: median {middle:,.0f}, 5 % of the images have fewer than {low:,.0f}"


def collapse_report(model: VAE, dataset: Dataset) -> str:
    """Return a sentence with the number of active dimensions of z, and the cure if some are inactive."""
    activity = unit_activity(model, dataset.test.images)
    active = int(np.sum(activity > COLLAPSED))
    report = (
        f"\n{active} of {model.d} dimensions of z are active: the mean of q(z|x) varies over the test images with a "
        f"variance above {COLLAPSED}"
    )
    if active == model.d:
        return report
    others = "the other dimensions have collapsed" if active else "posterior collapse: z carries no information about x"
    return f"{report}; {others}. A lower --beta or a longer --warm-up may cure this"


def draw_samples(model: VAE, dataset: Dataset, rng: np.random.Generator, columns: int = 10) -> Figure:
    """Draw test images, and for samples z ~ p(z) both E[x|z] and a sample of p(x|z).  columns: images in a row."""
    z = model.prior.sample(2 * columns, rng=rng)
    means = model.decode(z).reshape(2, columns, -1)
    drawn = (rng.random(means.shape) < means).astype(float)
    rows = [dataset.test.images[:columns], means[0], drawn[0], means[1], drawn[1]]
    title = "for each z ~ p(z): the mean of p(x|z), and a sample"
    return figure_of_images(rows, dataset.shape, title, ["real", *["mean", "sample"] * 2])


def draw_reconstructions(model: VAE, dataset: Dataset, columns: int = 10) -> Figure:
    """Draw test images and their reconstructions E[x|z] at the mean of q(z|x).  columns: images in a row."""
    truth = dataset.test.images[: 2 * columns].reshape(2, columns, -1)
    made = model.decode(model.encode(truth.reshape(2 * columns, -1))).reshape(truth.shape)
    title = f"test images, and reconstructions from {model.d} numbers z"
    rows = [truth[0], made[0], truth[1], made[1]]
    return figure_of_images(rows, dataset.shape, title, ["real", "E[x|z]"] * 2)


def draw_latent(plane: VAE, dataset: Dataset) -> Figure:
    """Draw the means of q(z|x) of test images in the plane.  plane: a VAE with z of 2 dimensions."""
    figure, ax = panel(4)
    part = dataset.test[:3000]
    title = "means of q(z|x), test images"
    plot.latent_scatter(ax, plane.encode(part.images), part.labels, title, dataset.class_names)
    return figure


def draw_manifold(plane: VAE, dataset: Dataset, side: int = 16) -> Figure:
    """Draw E[x|z] over a grid in the plane of z.  plane: a VAE with z of 2 dimensions. side: images in a row."""
    title = "E[x|z] over the plane of z"
    return figure_of_images(plane.decode(normal_plane(side)), dataset.shape, title)


def linear(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the points a + t (b − a) of the straight line from a to b.  a, b: (d,); t: (n,) → (n, d)."""
    return a + t[:, None] * (b - a)


def spherical(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the points [sin((1 − t) ω) a + sin(t ω) b] / sin ω of an arc, ω the angle of a and b (Shoemake 1985).

    The points are about as far from the origin as a and b are, as samples of N(0, I) are. The points of a straight line
    are nearer to the origin.  a, b: (d,); t: (n,) → (n, d).
    """
    omega = np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1))
    if np.sin(omega) < 1e-6:
        return linear(a, b, t)
    return (np.sin((1 - t[:, None]) * omega) * a + np.sin(t[:, None] * omega) * b) / np.sin(omega)


def draw_interpolations(model: VAE, dataset: Dataset, columns: int = 11) -> Figure:
    """Draw E[x|z] for z between the codes of two test images, on a straight line and on an arc.  columns: steps."""
    t = np.linspace(0, 1, columns)
    z = model.encode(first_of_each(dataset.test, 6))
    rows, labels = [], []
    for k in range(0, 6, 2):
        rows += [model.decode(linear(z[k], z[k + 1], t)), model.decode(spherical(z[k], z[k + 1], t))]
        labels += ["linear", "spherical"]
    title = "E[x|z] for z between the codes of two images"
    return figure_of_images(rows, dataset.shape, title, labels)


def draw_learning(history: History, dataset: Dataset) -> Figure:
    """Draw −ELBO over the epochs, and its two terms on the validation part."""
    figure, (whole, parts), _ = panels(2)
    plot.learning_curve(whole, history, {}, dataset.name, "−ELBO (nats/image); train: with β")
    epochs = [e.epoch for e in history.epochs]
    curves = {"−reconstruction": "reconstruction", "prior fitting": "prior_fitting"}
    for (name, key), colour, sign in zip(curves.items(), plot.SERIES[1:], (-1, 1), strict=False):
        parts.plot(epochs, [sign * e.measures[key] for e in history.epochs], color=colour, label=name)
    plot.finish(parts, "epoch", "nats/image", "the two terms of −ELBO, validation")
    parts.legend()
    return figure
