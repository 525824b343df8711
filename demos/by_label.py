"""`--by-label` of several demos: p(x | y), one model that is told the label y of each image.

The model is compared with the same model without labels. Samples of each label are drawn and judged by a classifier of
real images: the share that it gives their own label.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from autograd.rules.special import logsumexp
from demos.common import labelled
from demos.figures import figure_of_images, panel, save_pictures
from demos.output import facts_of, saved
from demos.printed import HEADER, accuracy, how_it_ended, likelihood_line, print_sizes, what_was_kept
from demos.recipes import Recipe, by_gradient, checkpoints, shares_of_classes, trained_classifier
from minigen import plot
from minigen.analysis.classifier import Classifier
from minigen.conditional import ChosenBiases, Conditional, JoinedLabel
from minigen.data.images import listed
from minigen.data.sets import Dataset
from minigen.gan import GAN
from minigen.nade import NADE
from minigen.table import IndependentBernoulli
from minigen.vae import VAE

JUDGED, COLUMNS, ROWS = 100, 16, 20
"""JUDGED: samples of each label that the classifier judges. COLUMNS, ROWS: samples of a label in the picture, and the
largest number of labels there."""


def add_option(p: argparse.ArgumentParser) -> None:
    """Add `--by-label` to the parser of a demo."""
    p.add_argument("--by-label", action="store_true",
                   help="learn p(x | y) instead: one model that is told the label y of each image, compared with the "
                        "same model without labels; samples of each label")  # fmt: skip


def conditional(model: Any, dataset: Dataset) -> Conditional:
    """Return an untrained model of p(x | y).  model: untrained; a VAE or GAN has room for the labels in its networks.

    p(y) is the share of each class in the training part. The pixel biases of NADE start at the logits of independent
    pixels, for each label.
    """
    prior = shares_of_classes(dataset)
    if isinstance(model, VAE | GAN):
        return JoinedLabel(model, dataset.classes, prior)
    result, train = ChosenBiases(model, dataset.classes, prior), dataset.train
    if isinstance(model, NADE):
        for y, row in enumerate(model.b.data):
            independent = IndependentBernoulli(dataset.D).fit(train.images[train.labels == y])
            row[...] = independent.logits.data[model.order]
    return result


Score = Callable[[Any, np.ndarray], np.ndarray]
"""ln p(x) of a model for images, or a lower bound on it: (model, images (n, D)) → (n,), nats."""


def main(
    o: Namespace,
    name: str,
    make: Callable[[int], Any],
    recipe: Recipe,
    dataset: Dataset,
    scores: Mapping[str, Score],
) -> int:
    """Learn p(x | y) and p(x), print their likelihoods and how samples are judged, and write weights and pictures.

    name: of the model. make: returns an untrained model whose networks read a label of so many numbers, 0: none.
    recipe: of both trainings. scores: by the kind of their values, such as "exact".
    """
    print_sizes(labelled(dataset))
    rng = np.random.default_rng(o.seed)
    model = conditional(make(dataset.classes), dataset)
    with saved(model, o.out, facts=facts_of(dataset)):
        history = by_gradient(model, recipe, dataset, rng, checkpoint=checkpoints(o, recipe))
    o.out.write("metrics.csv", history.save)
    print(f"{name} with labels: {how_it_ended(history)}; {what_was_kept(history)}")
    plain = make(0)
    with saved(plain, o.out, "without-labels.npz", facts_of(dataset)):
        history_of_plain = by_gradient(plain, recipe, dataset, np.random.default_rng(o.seed))
    print(f"{name} without labels: {how_it_ended(history_of_plain)}; {what_was_kept(history_of_plain)}")

    print_scores(name, model, plain, dataset, scores)
    print_confirmed(model, trained_classifier(dataset, np.random.default_rng(o.seed)), dataset, rng)
    figure, ax = panel()
    plot.learning_curve(ax, history, {}, f"{dataset.name}: {name} with labels, −ln p(x | y)")
    save_pictures(o, {"samples.svg": draw_labels(name, model, dataset, rng), "learning.svg": figure})
    return 0


def print_scores(name: str, model: Conditional, plain: Any, dataset: Dataset, scores: Mapping[str, Score]) -> None:
    """Print −ln p(x | y) and −ln p(x) of the test images, and how many of them Bayes' rule gives their own label.

    name: of the models. model: p(x | y). plain: the model without labels. scores: by the kind of their values.
    """
    test, prior = dataset.test, np.log(shares_of_classes(dataset))
    for kind, score in scores.items():
        given = np.stack([score(model.with_label(y), test.images) for y in range(model.classes)], axis=1)
        joint = given + prior
        rows = {
            "no labels, p(x)": (plain, score(plain, test.images)),
            "labels, Σ p(y) p(x | y)": (model, logsumexp(joint, axis=1)),
            "labels, p(x | y)": (model, given[np.arange(len(test)), test.labels]),
        }
        print(f"\n{dataset.name}, test part: {name}, −ln p of an image, {kind}, mean ± standard error\n{HEADER}")
        for row, (of, log_p) in rows.items():
            print(likelihood_line(row, of.num_parameters, log_p, dataset.D))
        share, error = accuracy(joint.argmax(axis=1), test.labels)
        print(
            f"Bayes' rule, the y with the largest p(y) p(x | y), is right for {share:.1%} ± {error:.1%} of the images"
        )


def print_confirmed(
    model: Conditional, judge: Classifier, dataset: Dataset, rng: np.random.Generator, n: int = JUDGED
) -> None:
    """Print the share of the samples whose label the judge confirms, and the same share of real test images.

    judge: a classifier of real images. n: samples of each label.
    """
    labels = np.repeat(np.arange(model.classes), n)
    judged = judge.classify(model.sample(len(labels), labels, rng=rng).astype(np.float32))
    (share, error), test = accuracy(judged, labels), dataset.test
    of_real, error_of_real = accuracy(judge.classify(test.images), test.labels)
    each = (judged == labels).reshape(model.classes, n).mean(axis=1)
    print(
        f"\na classifier of real images gives their own label to {share:.1%} ± {error:.1%} of {len(labels):,} samples, "
        f"{n:,} of each label, and to {of_real:.1%} ± {error_of_real:.1%} of {len(test):,} test images"
    )
    which = listed(dataset.names, plot.LISTED) or f"0 … {model.classes - 1}"
    print(f"share of the samples of each label {which}, in %: {' '.join(f'{100 * part:.0f}' for part in each)}")


def draw_labels(name: str, model: Conditional, dataset: Dataset, rng: np.random.Generator) -> Figure:
    """Draw samples of the model, a row for each label.  name: of the model."""
    K = min(model.classes, ROWS)
    samples = model.sample(K * COLUMNS, np.repeat(np.arange(K), COLUMNS), rng=rng).reshape(K, COLUMNS, -1)
    title = f"samples of {name}, p(x | y), a label y in each row"
    rows = samples / max(1, dataset.levels - 1)
    return figure_of_images(rows, dataset.shape, title, dataset.class_names[:K])
