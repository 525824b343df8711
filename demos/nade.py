"""NADE learns the digits: its exact likelihood beside independent pixels, its samples, and its completions of digits
whose second half is hidden."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
from matplotlib.figure import Figure

from demos import by_label
from demos.common import SPREAD, THRESHOLD, add_data_options, load, number, parser
from demos.figures import figure_of_images, panel, save_pictures
from demos.output import facts_of, saved
from demos.printed import how_it_ended, print_likelihoods, print_sizes, what_was_kept
from demos.recipes import Recipe, add_recipe_options, by_gradient, checkpoints, recipe_for, untrained
from minigen import plot
from minigen.analysis import quality
from minigen.data.sets import Dataset
from minigen.model import log_probs
from minigen.nade import NADE
from minigen.table import IndependentBernoulli
from minigen.training.history import History


def options(arguments: list[str]) -> Namespace:
    p = parser("nade")
    add_data_options(p)
    p.add_argument("--threshold", type=int, choices=range(1, 17), default=THRESHOLD, metavar="LEVEL",
                   help="of --data digits: a pixel is 1 if its grey level (0 to 16) is at least LEVEL")  # fmt: skip
    p.add_argument("--spread", type=number(float, least=0), default=SPREAD, metavar="LEVELS",
                   help="of --data digits: standard deviation of the threshold in training images, in grey "
                        "levels; each epoch draws new thresholds")  # fmt: skip
    p.add_argument("--order", choices=["raster", "random"], default="raster",
                   help="order in which the pixels are predicted")  # fmt: skip
    by_label.add_option(p)
    add_recipe_options(p, "NADE")
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    images = load(o.data, o.data_folder, o.threshold, o.spread)
    recipe = recipe_for("NADE", o)
    if o.by_label:
        make = lambda classes: ordered(o, recipe, images, np.random.default_rng(o.seed))
        return by_label.main(o, "NADE", make, recipe, images, {"exact": log_probs})
    print_sizes(images)

    model = ordered(o, recipe, images, rng)
    with saved(model, o.out, facts=facts_of(images)):
        history = by_gradient(model, recipe, images, rng, checkpoint=checkpoints(o, recipe))
    o.out.write("metrics.csv", history.save)
    print(f"{how_it_ended(history)}; {what_was_kept(history)}\n")
    independent = IndependentBernoulli(model.D).fit(images.train.images)
    models = [("independent pixels", independent), (f"NADE, {model.H} hidden", model)]
    print_likelihoods(f"{images.name}, test part", models, images.test.images)

    pictures = {
        "samples.svg": draw_samples(model, images, rng),
        "completions.svg": draw_completions(model, images, rng),
        "learning.svg": draw_learning(history, independent, images),
    }
    save_pictures(o, pictures)
    return 0


def ordered(o: Namespace, recipe: Recipe, dataset: Dataset, rng: np.random.Generator) -> NADE:
    """Return an untrained NADE that predicts the pixels in the order of `--order`."""
    model = untrained("NADE", recipe, dataset, rng)
    assert isinstance(model, NADE)
    if o.order == "random":
        model.order = rng.permutation(model.D)
        model.b.data[...] = model.b.data[model.order]
    return model


def nearest(images: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each image its nearest neighbour, (n, D), and the number of pixels that differ, (n,).

    images: (n, D). among: candidates, (m, D).
    """
    neighbours = among[quality.nearest(images, among)]
    return neighbours, np.sum(images != neighbours, axis=1)


def draw_samples(model: NADE, dataset: Dataset, rng: np.random.Generator, columns: int = 10) -> Figure:
    """Draw test images, samples of the model and, below each sample, the nearest training image.  columns: in a row."""
    samples = model.sample(3 * columns, rng=rng)
    neighbours, differ = nearest(samples, dataset.train.images)
    pairs = np.stack([samples, neighbours / 2]).reshape(2, 3, columns, -1).swapaxes(0, 1).reshape(6, columns, -1)
    title = f"nearest in grey: {np.median(differ):.0f} of {model.D} pixels differ"
    return figure_of_images(
        [dataset.test.images[:columns], *pairs], dataset.shape, title, ["real", *["sample", "nearest"] * 3]
    )


def draw_completions(model: NADE, dataset: Dataset, rng: np.random.Generator, columns: int = 10) -> Figure:
    """Draw completions: NADE sees the first half of the pixels, in its order, of test images and samples the rest."""
    truth, seen = dataset.test.images[:columns], np.isin(np.arange(model.D), model.sequence[: model.D // 2])
    completed = [model.complete(truth, seen, rng=rng) for _ in range(4)]
    labels = ["seen", *["sample"] * 4, "truth"]
    title = "half of each image is seen, the rest is sampled"
    return figure_of_images([np.where(seen, truth, np.nan), *completed, truth], dataset.shape, title, labels)


def draw_learning(history: History, independent: IndependentBernoulli, dataset: Dataset) -> Figure:
    """Draw the NLL over the epochs, and the NLL of independent pixels on the validation part."""
    figure, ax = panel()
    baseline = -log_probs(independent, dataset.validation.images).mean()
    title = f"{dataset.name}: exact NLL"
    plot.learning_curve(ax, history, {"independent pixels, validation": baseline}, title)
    return figure
