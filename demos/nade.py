"""NADE learns the digits: likelihood beside independent pixels, samples, completions of half-seen digits."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
from matplotlib.figure import Figure

from demos.common import SPREAD, THRESHOLD, add_data_options, load, number, parser, saved
from demos.figures import figure_of_images, save_pictures, subplots
from demos.printed import how_it_ended, print_likelihoods, print_sizes, what_was_kept
from demos.recipes import add_recipe_options, by_gradient, checkpoints, recipe_for, untrained
from minigen import plot
from minigen.analysis import quality
from minigen.data.sets import Dataset
from minigen.model import log_probs
from minigen.nade import NADE
from minigen.table import IndependentBernoulli
from minigen.training.history import History


def options(arguments: list[str]) -> Namespace:
    p = parser("nade", __doc__)
    add_data_options(p)
    p.add_argument("--threshold", type=int, choices=range(1, 17), default=THRESHOLD, metavar="LEVEL",
                   help="digits: a pixel is 1 where its grey level (0-16) is at least this")  # fmt: skip
    p.add_argument("--spread", type=number(float, least=0), default=SPREAD, metavar="LEVELS",
                   help="digits to train on: deviation of the threshold, drawn anew each epoch")  # fmt: skip
    p.add_argument("--order", choices=["raster", "random"], default="raster", help="in which pixels are predicted")
    add_recipe_options(p, "NADE")
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    images = load(o.data, o.data_folder, o.threshold, o.spread)
    print_sizes(images)

    recipe = recipe_for("NADE", o)
    model = untrained("NADE", recipe, images, rng)
    assert isinstance(model, NADE)
    if o.order == "random":
        model.order = rng.permutation(model.D)
        model.b.data[...] = model.b.data[model.order]
    with saved(model, o.out / "weights.npz"):
        history = by_gradient(model, recipe, images, rng, checkpoint=checkpoints(o, recipe))
    print(f"{how_it_ended(history)}; {what_was_kept(history)}\n")
    independent = IndependentBernoulli(model.D).fit(images.train.images)
    models = [("independent pixels", independent), (f"NADE, {model.H} hidden", model)]
    print_likelihoods(f"{images.name}, test part", models, images.test.images)

    history.save(o.out / "metrics.csv")
    pictures = {
        "samples.png": draw_samples(model, images, rng),
        "completions.png": draw_completions(model, images, rng),
        "learning.png": draw_learning(history, independent, images),
    }
    save_pictures(o, pictures, others=["weights.npz", "metrics.csv"])
    return 0


def nearest(images: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each image the nearest one of `among`, and in how many pixels they differ."""
    neighbours = among[quality.nearest(images, among)]
    return neighbours, np.sum(images != neighbours, axis=1)


def draw_samples(model: NADE, dataset: Dataset, rng: np.random.Generator, columns: int = 16) -> Figure:
    """Real digits, digits that the model made, and for each of those the training image that it is nearest to."""
    figure, (real, made) = subplots(10, 6, 2, 1, height_ratios=[2, 6])
    test = dataset.test.images
    plot.image_rows(
        real, test[: 2 * columns].reshape(2, columns, -1), dataset.shape, f"real: {dataset.name}, test part"
    )

    samples = model.sample(3 * columns, rng=rng)
    neighbours, differ = nearest(samples, dataset.train.images)
    rows = np.stack([samples, neighbours / 2]).reshape(2, 3, columns, -1).swapaxes(0, 1).reshape(6, columns, -1)
    title = (
        f"made by NADE, and in grey below each the nearest of {len(dataset.train):,} training images "
        f"(median {np.median(differ):.0f} of {model.D} pixels differ)"
    )
    plot.image_rows(made, rows, dataset.shape, title, labels=["made", "nearest"] * 3)
    return figure


def draw_completions(model: NADE, dataset: Dataset, rng: np.random.Generator, columns: int = 16) -> Figure:
    """Test digits of which the model is shown the first half of the pixels in its order, and draws the rest."""
    truth, seen = dataset.test.images[:columns], np.isin(np.arange(model.D), model.sequence[: model.D // 2])
    completed = [model.complete(truth, seen, rng=rng) for _ in range(4)]
    title = f"half of each test digit is shown; four draws of the other half from p(rest | seen): {dataset.name}"
    labels = ["seen", "drawn", "drawn", "drawn", "drawn", "truth"]
    return figure_of_images(10, 5, [np.where(seen, truth, np.nan), *completed, truth], dataset.shape, title, labels)


def draw_learning(history: History, independent: IndependentBernoulli, dataset: Dataset) -> Figure:
    """NLL through training beside the baseline, on the validation part."""
    figure, ax = subplots(7, 4.5)
    baseline = -log_probs(independent, dataset.validation.images).mean()
    title = f"{dataset.name}: nats an image, exact"
    plot.learning_curve(ax, history, {"independent pixels, validation": baseline}, title)
    return figure
