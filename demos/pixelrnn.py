"""Pixel-RNN learns the digits, as a raster LSTM, Row LSTM, Diagonal BiLSTM or PixelCNN: exact likelihood, samples,
completions of digits whose lower half is hidden, and the receptive field of each network."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
from matplotlib.figure import Figure

from autograd import Tensor, backend, grad
from demos import by_label
from demos.common import add_data_options, load, number, parser
from demos.figures import cells, figure_of_images, panels, save_pictures
from demos.output import facts_of, saved
from demos.printed import how_it_ended, print_likelihoods, print_sizes, what_was_kept
from demos.recipes import VARIANTS, add_recipe_options, by_gradient, checkpoints, learn, recipe_for, untrained
from minigen import plot
from minigen.data.sets import Dataset, grey
from minigen.errors import UsageError
from minigen.markov import MarkovChain
from minigen.model import ExplicitModel, log_probs
from minigen.pixelrnn import PixelRNN
from minigen.training.history import History

NAMES = {"raster": "raster LSTM", "row": "Row LSTM", "diagonal": "Diagonal BiLSTM", "cnn": "PixelCNN"}


def options(arguments: list[str]) -> Namespace:
    p = parser("pixelrnn")
    p.add_argument("--variant", choices=[*VARIANTS, "all"], default="row",
                   help="network: raster LSTM, Row LSTM, Diagonal BiLSTM, PixelCNN, or all four in turn")  # fmt: skip
    add_data_options(p)
    p.add_argument("--levels", type=number(int, least=2, most=256), default=2, metavar="K",
                   help="number of grey levels of a pixel; 2: binary images, as in all other demos")  # fmt: skip
    by_label.add_option(p)
    add_recipe_options(p, *VARIANTS)
    o = p.parse_args(arguments)
    for option, given in (("--checkpoint", o.checkpoint is not None), ("--by-label", o.by_label)):
        if given and o.variant == "all":
            p.error(f"{option} is for one model: choose a --variant")
    return o


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    dataset = load(o.data, o.data_folder)
    if o.levels > 2:
        try:
            dataset = grey(dataset, o.levels)
        except ValueError as error:
            raise UsageError(f"--levels: {error}") from None
    if o.by_label:
        recipe = recipe_for(o.variant, o)
        make = lambda classes: untrained(o.variant, recipe, dataset, np.random.default_rng(o.seed))
        return by_label.main(o, NAMES[o.variant], make, recipe, dataset, {"exact": log_probs})
    print_sizes(dataset)

    models, histories = {}, {}
    for variant in VARIANTS if o.variant == "all" else [o.variant]:
        recipe = recipe_for(variant, o)
        model = untrained(variant, recipe, dataset, rng)
        model.progress = True
        assert isinstance(model, PixelRNN)
        with saved(model, o.out, f"{variant}-weights.npz", facts_of(dataset)):
            history = by_gradient(model, recipe, dataset, rng, checkpoint=checkpoints(o, recipe))
        o.out.write(f"{variant}-metrics.csv", history.save)
        print(f"{NAMES[variant]}: {how_it_ended(history)}; {what_was_kept(history)}")
        models[variant], histories[variant] = model, history

    print()
    print_likelihoods(f"{dataset.name}, test part", table(models, dataset, o, rng), dataset.test.images)
    pictures = {
        "samples.svg": draw_samples(models, dataset, rng),
        "completions.svg": draw_completions(models, dataset, rng),
        "learning.svg": draw_learning(histories, dataset),
        "fields.svg": draw_fields(rng),
    }
    save_pictures(o, pictures)
    return 0


def table(
    models: dict[str, PixelRNN], dataset: Dataset, o: Namespace, rng: np.random.Generator
) -> list[tuple[str, ExplicitModel]]:
    """Return the rows of the likelihood table, name and model: independent pixels, NADE (with `all`), and the models.

    models: by variant.
    """
    independent = MarkovChain(dataset.D, order=0, states=dataset.levels).fit(dataset.train.images, smoothing=1)
    rows: list[tuple[str, ExplicitModel]] = [("independent pixels", independent)]
    if o.variant == "all" and dataset.levels == 2:
        rows.append(("NADE", learn("NADE", o.data, dataset, rng, o.out)[0]))
    return [*rows, *((f"{NAMES[v]}, H = {m.H}", m) for v, m in models.items())]


def shades(images: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Return the pixels as grey levels from 0 (white) to 1 (black).  images: levels 0 … levels − 1, (…, D)."""
    return images / (dataset.levels - 1)


def draw_samples(models: dict[str, PixelRNN], dataset: Dataset, rng: np.random.Generator, columns: int = 10) -> Figure:
    """Draw test images and two rows of samples of each model.  models: by variant. columns: images in a row."""
    rows = [dataset.test.images[:columns]]
    for model in models.values():
        rows += np.split(model.sample(2 * columns, rng=rng), 2)
    labels = ["real", *(NAMES[v] if k == 0 else "" for v in models for k in range(2))]
    title = "test images, and samples drawn pixel by pixel"
    return figure_of_images(shades(np.stack(rows), dataset), dataset.shape, title, labels)


def draw_completions(
    models: dict[str, PixelRNN], dataset: Dataset, rng: np.random.Generator, columns: int = 10
) -> Figure:
    """Draw completions: each model sees the upper half of test images and samples the lower half, twice.

    models: by variant. columns: images in a row.
    """
    truth, seen = dataset.test.images[:columns], np.arange(dataset.D) < dataset.D // 2
    drawn = [model.complete(truth, seen, rng=rng) for model in models.values() for _ in range(2)]
    labels = ["shown", *(NAMES[v] if k == 0 else "" for v in models for k in range(2)), "truth"]
    title = "the upper half is shown, the rest is sampled"
    images = shades(np.stack([np.where(seen, truth, np.nan), *drawn, truth]), dataset)
    return figure_of_images(images, dataset.shape, title, labels)


def draw_learning(histories: dict[str, History], dataset: Dataset) -> Figure:
    """Draw the NLL over the epochs, one panel for each model.  histories: by variant."""
    figure, axes, _ = panels(len(histories))
    for ax, (variant, history) in zip(axes, histories.items(), strict=True):
        plot.learning_curve(ax, history, {}, f"{NAMES[variant]}, {dataset.name}")
    return figure


# -- the receptive field of each variant

SIDE, KERNEL, LAYERS = 15, 3, 2
"""Size of the images, of the first convolution, and number of layers of the networks whose fields are measured."""


def measured_field(model: PixelRNN, place: tuple[int, int], rng: np.random.Generator, trials: int = 20) -> np.ndarray:
    """Return the mean of |∂ logit(place) / ∂ pixel| over random images, divided by its maximum, (rows, columns).

    place: row and column of the predicted pixel. trials: number of random images.
    """
    rows, columns = model.shape
    x = Tensor(model.placed(rng.standard_normal((trials, model.D))), requires_grad=True)
    logit = model.logits(x)[:, place[0] * columns + place[1]]
    strength = abs(backend.to_numpy(grad(np.sum(logit), [x])[0])).mean(axis=0).reshape(rows, columns)
    return strength / max(strength.max(), np.finfo(strength.dtype).tiny)


def drawn_field(variant: str, place: tuple[int, int]) -> np.ndarray:
    """Return the receptive field as the paper draws it in figures 2 and 4, (SIDE, SIDE): True where a pixel is seen.

    PixelCNN: a window. Row LSTM: a triangle. Raster LSTM and Diagonal BiLSTM: all previous pixels.
    place: row and column of the predicted pixel.
    """
    up, right = place[0] - np.arange(SIDE)[:, None], np.arange(SIDE) - place[1]
    reach = KERNEL // 2 + LAYERS
    before = (up > 0) | ((up == 0) & (right < 0))
    if variant == "cnn":
        return before & (up <= reach) & (abs(right) <= reach)
    return before & (abs(right) <= up + (up == 0)) if variant == "row" else before


def draw_fields(rng: np.random.Generator) -> Figure:
    """Draw for each variant the field in the paper, the pixels with nonzero gradient, and the size of the gradient."""
    place = (SIDE * 2 // 3, SIDE // 2)
    figure, (cell,), _ = cells(1, height=4)
    axes = cell.subplots(3, len(VARIANTS), squeeze=False)
    for column, variant in zip(axes.T, VARIANTS, strict=True):
        model = PixelRNN((SIDE, SIDE), variant, 8, layers=LAYERS, kernel=KERNEL, rng=rng)
        strength = measured_field(model, place, rng)
        logarithm = 1 + np.log10(np.maximum(strength, 1e-6)) / 6
        panels = {"in the paper": drawn_field(variant, place), "gradient ≠ 0": strength > 0,
                  "|gradient|\n10⁻⁶ … 1": logarithm}  # fmt: skip
        for ax, (name, panel) in zip(column, panels.items(), strict=True):
            plot.image_rows(ax, np.asarray(panel, float).reshape(1, 1, -1), (SIDE, SIDE))
            ax.plot(place[1], place[0], "s", color=plot.SERIES[1], markersize=4)
            ax.spines[:].set_color(plot.SERIES[5])
            if variant == VARIANTS[0]:
                ax.set_ylabel(name)
        column[0].set_title(NAMES[variant].replace(" ", "\n"))
    return figure
