"""NADE learns the digits: likelihood beside independent pixels, samples, completions of half-seen digits."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
from matplotlib.figure import Figure

from demos.common import number, parser, print_likelihoods
from minigen import data, plot
from minigen.checkpoint import save_weights
from minigen.nade import NADE
from minigen.optim import Adam
from minigen.table import IndependentBernoulli
from minigen.train import History, fit, log_probs


def options(arguments: list[str]) -> Namespace:
    p = parser("nade", __doc__)
    p.add_argument("--hidden", type=number(int), default=500, metavar="H", help="hidden units")
    p.add_argument("--order", choices=["raster", "random"], default="raster", help="in which pixels are predicted")
    p.add_argument("--threshold", type=int, choices=range(1, 17), default=8, metavar="LEVEL",
                   help="a pixel is 1 where its grey level (0-16) is at least this")  # fmt: skip
    p.add_argument("--spread", type=number(float, least=0), default=1.5, metavar="LEVELS",
                   help="training images: deviation of the threshold, drawn anew each epoch")  # fmt: skip
    p.add_argument("--epochs", type=number(int), default=120, help="passes over the training images, at most")
    p.add_argument("--patience", type=number(int), default=40, help="stop after so many without better validation")
    p.add_argument("--batch-size", type=number(int), default=30, help="images a step")
    p.add_argument("--learning-rate", type=number(float), default=0.01, help="of Adam, falling linearly to 0")
    p.add_argument("--weight-decay", type=number(float, least=0), default=0.05, help="of Adam, decoupled")
    return p.parse_args(arguments)


def main(arguments: list[str]) -> int:
    o = options(arguments)
    rng = np.random.default_rng(o.seed)
    digits = data.digits(o.threshold)
    train, validation, test = digits.train, digits.validation, digits.test
    D = test.images.shape[1]
    print(f"{digits.name}: {len(train):,} images to train, {len(validation)} to validate, {len(test)} to test")

    independent = IndependentBernoulli(D).fit(train.images)
    order = np.arange(D) if o.order == "raster" else rng.permutation(D)
    model = NADE(D, o.hidden, rng, order)
    model.b.data[...] = independent.logits.data[order]  # start from what single pixels know

    history = fit(
        model,
        Adam(model, o.learning_rate, weight_decay=o.weight_decay),
        lambda rng: data.binarise_anew(train.levels, o.threshold, o.spread, rng),
        validation.images,
        rng=rng,
        epochs=o.epochs,
        batch_size=o.batch_size,
        decay=True,
        patience=o.patience,
    )
    seconds = history.epochs[-1].seconds if history.epochs else 0.0
    kept = f"kept epoch {history.best.epoch}" if history.best else "kept the weights as they were"
    print(f"{history.ended} after {len(history.epochs)} epochs and {seconds:.0f} s; {kept}\n")
    models = [("independent pixels", independent), (f"NADE, {o.hidden} hidden", model)]
    print_likelihoods(f"{digits.name}, test part", models, test.images)

    save_weights(model, o.out / "weights.npz")
    history.save(o.out / "metrics.csv")
    pictures = {
        "samples.png": draw_samples(model, digits, rng),
        "completions.png": draw_completions(model, digits, rng),
        "learning.png": draw_learning(history, independent, digits),
    }
    for name, picture in pictures.items():
        plot.save(picture, o.out / name)
    print(f"\nwritten to {o.out}/: {', '.join(['weights.npz', 'metrics.csv', *pictures])}")
    return 0


def nearest(images: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each image the nearest one of `among`, and in how many pixels they differ."""
    distances = images @ (1 - among).T + (1 - images) @ among.T
    return among[distances.argmin(axis=1)], distances.min(axis=1)


def draw_samples(model: NADE, digits: data.Dataset, rng: np.random.Generator, columns: int = 16) -> Figure:
    """Real digits, digits that the model made, and for each of those the training image that it is nearest to."""
    figure = Figure(figsize=(10, 6), layout="constrained")
    real, made = figure.subplots(2, 1, height_ratios=[2, 6])
    test = digits.test.images
    plot.image_rows(real, test[: 2 * columns].reshape(2, columns, -1), digits.shape, f"real: {digits.name}, test part")

    samples = model.sample(3 * columns, rng)
    neighbours, differ = nearest(samples, digits.train.images)
    rows = np.stack([samples, neighbours / 2]).reshape(2, 3, columns, -1).swapaxes(0, 1).reshape(6, columns, -1)
    title = (
        f"made by NADE, and in grey below each the nearest of {len(digits.train):,} training images "
        f"(median {np.median(differ):.0f} of {model.D} pixels differ)"
    )
    plot.image_rows(made, rows, digits.shape, title, labels=["made", "nearest"] * 3)
    return figure


def draw_completions(model: NADE, digits: data.Dataset, rng: np.random.Generator, columns: int = 16) -> Figure:
    """Test digits of which the model is shown the first half of the pixels in its order, and draws the rest."""
    truth, half = digits.test.images[:columns], model.D // 2
    seen = np.full_like(truth, np.nan)
    seen[:, model.order[:half]] = truth[:, model.order[:half]]
    completed = [model.complete(truth[:, model.order[:half]], rng) for _ in range(4)]
    figure = Figure(figsize=(10, 5), layout="constrained")
    title = f"half of each test digit is shown; four draws of the other half from p(rest | seen): {digits.name}"
    labels = ["seen", "drawn", "drawn", "drawn", "drawn", "truth"]
    plot.image_rows(figure.subplots(), [seen, *completed, truth], digits.shape, title, labels)
    return figure


def draw_learning(history: History, independent: IndependentBernoulli, digits: data.Dataset) -> Figure:
    """NLL through training beside the baseline, on the validation part."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    baseline = -log_probs(independent, digits.validation.images).mean()
    ax = figure.subplots()
    plot.learning_curve(ax, history, {"independent pixels, validation": baseline})
    ax.set_title(f"{digits.name}: nats an image, exact", loc="left", fontsize=10)
    return figure
