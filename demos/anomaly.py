"""Anomaly detection: −ln p(x) of two models and −ELBO of a VAE tell digits from other images. A conformal p-value gives
an alarm with a guaranteed false-alarm rate."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from demos.common import load, number, parser
from demos.figures import figure_of_images, panel, save_pictures
from demos.output import Output, facts_of, saved
from demos.recipes import by_gradient, learn, recipe_of, variational
from minigen import plot
from minigen.data.sets import Dataset
from minigen.model import ExplicitModel
from minigen.uses import anomaly_scores, auc, conformal_p_values, denoise, false_alarm_law, roc_curve


def options(arguments: list[str]) -> Namespace:
    p = parser("anomaly")
    p.add_argument("--alarm", type=number(float), default=0.05, metavar="ALPHA",
                   help="largest allowed false-alarm rate, a probability")  # fmt: skip
    p.add_argument("--flip", type=number(float), default=0.1, metavar="P",
                   help="noise for the denoising picture: probability that a pixel is flipped")  # fmt: skip
    o = p.parse_args(arguments)
    if not (o.alarm < 1 and o.flip < 0.5):
        p.error(f"--alarm must be below 1 and --flip below 0.5, got {o.alarm:g} and {o.flip:g}")
    return o


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    dataset, calibration_images = with_calibration(load("digits"))
    models = {
        name: learn(name, "digits", dataset, np.random.default_rng(o.seed), o.out)[0]
        for name in ("independent", "NADE")
    }
    others = strange_images(dataset, models["independent"], rng)
    scores: dict[str, Callable] = {name: partial(anomaly_scores, model) for name, model in models.items()}
    scores["VAE"] = elbo_scores(dataset, np.random.default_rng(o.seed), o.out)

    names = "".join(f"{name:>13}" for name in scores)
    print(f"{dataset.name}; anomaly score: −ln p(x) of independent pixels and of NADE, −ELBO of the VAE")
    print("AUC: probability that an anomalous image has a higher score than a test digit")
    print(f"\n{'AUC of the anomalous images':<30}{names}")
    ordinary = {name: score(dataset.test.images) for name, score in scores.items()}
    strange = {kind: {n: score(images) for n, score in scores.items()} for kind, images in others.items()}
    for kind, by_model in strange.items():
        print(f"{kind:<30}" + "".join(f"{auc(ordinary[name], by_model[name]):>13.3f}" for name in scores))

    normal, anomalous = ordinary["NADE"], {kind: by_model["NADE"] for kind, by_model in strange.items()}
    calibration = anomaly_scores(models["NADE"], calibration_images)
    print(f"\nalarm if the conformal p-value (NADE, {len(calibration)} calibration digits) is at most {o.alarm:g}")
    print(f"{'images':<30}{'alarms':>8}")
    for kind, found in {"test digits (false alarms)": normal, **anomalous}.items():
        alarms = np.mean(conformal_p_values(calibration, found) <= o.alarm)
        print(f"{kind:<30}{alarms:>8.1%} of {len(found)} images")
    law = false_alarm_law(len(calibration), len(normal), o.alarm)
    low, high = law.interval
    print(
        f"false alarms by theory: on average {law.mean:.1%}, standard deviation {law.standard_deviation:.1%}, "
        f"in 95% of all runs from {low:.1%} to {high:.1%}"
    )
    below = f"{np.mean(anomalous['blank'] < normal):.0%} of the test digits"
    print(f"NADE gives the blank image a higher p(x) than {below}: a high density does not mean a typical image")
    pictures = {
        "roc.svg": draw_roc(normal, {kind: found for kind, found in anomalous.items() if len(found) > 1}),
        "strangest.svg": draw_strangest(normal, dataset, others),
        "denoised.svg": draw_denoised(models, dataset, o.flip, rng),
    }
    save_pictures(o, pictures)
    return 0


def elbo_scores(dataset: Dataset, rng: np.random.Generator, out: Output) -> Callable[[np.ndarray], np.ndarray]:
    """Train a VAE and return a function from images to −ELBO, estimated with 50 samples of z for each image.

    −ELBO is an upper bound on −ln p(x). The bound is less tight where q(z|x) fits worse.
    out: the folder for the weights of the VAE.
    """
    recipe = recipe_of("VAE", "digits")
    model = variational(recipe, dataset, rng)
    with saved(model, out, "VAE-weights.npz", facts_of(dataset)):
        by_gradient(model, recipe, dataset, rng)
    return lambda images: -model.elbos(images, samples=50, rng=0).value


def with_calibration(dataset: Dataset) -> tuple[Dataset, np.ndarray]:
    """Split the validation part: return the data set with the first half, and the images of the second half.

    The second half calibrates the alarm. Training must not see these images: validation images choose when training
    stops, so their scores would be too low, and the false-alarm rate would not hold.
    """
    half = len(dataset.validation) // 2
    return replace(dataset, validation=dataset.validation[:half]), dataset.validation[half:].images


def strange_images(dataset: Dataset, independent: ExplicitModel, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return images that are no digits, by kind, as many of each kind as test digits; and one blank image.

    independent: a fitted model, whose samples are one kind.
    """
    test = dataset.test.images
    grid = test.reshape(-1, *dataset.shape)
    rows = rng.permuted(np.tile(np.arange(dataset.shape[0]), (len(grid), 1)), axis=1)
    return {
        "digits turned by 90°": np.rot90(grid, axes=(1, 2)).reshape(test.shape),
        "digits in a mirror": grid[:, :, ::-1].reshape(test.shape),
        "independent pixels": independent.sample(len(test), rng=rng),
        "rows shuffled": grid[np.arange(len(grid))[:, None], rows].reshape(test.shape),
        "blank": np.zeros_like(test[:1]),
    }


def draw_roc(normal: np.ndarray, anomalous: dict[str, np.ndarray]) -> Figure:
    """Draw the ROC curve of each kind of anomaly.  normal: scores of test digits. anomalous: scores by kind."""
    figure, ax = panel(4.4)
    for (kind, scores), colour in zip(anomalous.items(), plot.SERIES, strict=False):
        ax.plot(*roc_curve(normal, scores), color=colour, label=f"{kind}: {auc(normal, scores):.3f}")
    ax.plot([0, 1], [0, 1], ":", color=plot.INK, linewidth=1)
    plot.finish(ax, "false-alarm rate", "detection rate")
    ax.legend(loc="lower right", title="−ln p(x) of NADE: area under the curve")
    return figure


def draw_strangest(scores: np.ndarray, dataset: Dataset, others: dict[str, np.ndarray], columns: int = 10) -> Figure:
    """Draw the test digits with the lowest and the highest scores, and anomalous images.

    scores: of the test digits. others: anomalous images by kind. columns: images in a row.
    """
    test = dataset.test.images
    order = np.argsort(scores)
    rows = [
        test[order[:columns]],
        test[order[::-1][:columns]],
        *(np.resize(x[:columns], (columns, test.shape[1])) for x in others.values()),
    ]
    labels = ["lowest −ln p", "highest −ln p", *others]
    return figure_of_images(rows, dataset.shape, "test digits, and images that are no digits", labels)


def draw_denoised(
    models: dict[str, ExplicitModel], dataset: Dataset, flip: float, rng: np.random.Generator, columns: int = 10
) -> Figure:
    """Draw test digits, the same digits with flipped pixels, and P(pixel = 1 | noisy image) under each model.

    models: by name. flip: probability that a pixel is flipped. columns: images in a row.
    """
    truth = dataset.test.images[:columns]
    noisy = np.where(rng.random(truth.shape) < flip, 1 - truth, truth)
    means = [denoise(model, noisy, flip, rng=rng)[1] for model in models.values()]
    wrong = [np.mean((image > 0.5) != truth) for image in [noisy, *means]]
    labels = ["truth", *(f"{n}:\n{w:.1%} wrong" for n, w in zip(["noisy", *models], wrong, strict=True))]
    title = f"each pixel is flipped with probability {flip:g}"
    return figure_of_images([truth, noisy, *means], dataset.shape, title, labels)
