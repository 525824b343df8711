"""A trained model is used: it draws images, completes an image, scores images, walks between two images or writes text.
The file of weights says what model it is; a model that cannot do what is asked says why.

    python -m demos sample out/nade/weights.npz
    python -m demos sample out/nade/weights.npz --image three.png --seen top
    python -m demos sample out/vae/weights.npz --score digits
    python -m demos sample out/vae/weights.npz --walk three.png eight.png

KINDS is the table of what each kind of model can do.
"""

from __future__ import annotations

import io
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from matplotlib.figure import Figure

from demos.abilities import (
    DRAWS,
    STEPS,
    SWEEPS,
    Completed,
    Scores,
    Walk,
    by_aae,
    by_explicit_model,
    by_importance,
    by_prior,
    by_vae,
    exactly,
    of_aae,
    of_gan,
    of_vae,
)
from demos.charrnn import readable
from demos.common import DATA, add_data_folder, add_device, load, number, parser
from demos.figures import figure_of_images, panel, save_pictures
from demos.trained import Trained, opened
from minigen import plot
from minigen.aae import Adversarial
from minigen.analysis.classifier import Classifier
from minigen.atomic import atomically
from minigen.charrnn import CharRNN, streams
from minigen.conditional import Conditional
from minigen.data.given import read_mask
from minigen.divergences import mean_and_error
from minigen.errors import CheckpointError, DataError, UsageError, shown
from minigen.gan import GAN
from minigen.gaussian_ar import GaussianAR
from minigen.model import ExplicitModel, Real, without_nan
from minigen.nn.layers import Linear
from minigen.pixelrnn import PixelRNN
from minigen.progress import progress_bar
from minigen.vae import VAE

DRAWN, COMPLETED, WALKED, LENGTH = 64, 8, 12, 600
"""Defaults of --n: draws, completions, steps of a walk; and of --length."""
PICTURED, COLUMNS, LISTED, MOST = 256, 16, 20, 10_000
"""The most draws in a picture; images in a row of it; the most lines of a printed table; and the most completions of an
image and images on a walk, which are all in memory."""
TASKS = {"image": "complete", "score": "score", "walk": "walk"}
"""The options that ask for another task than drawing."""
GOES_WITH = {"seen": ("complete",), "steps": ("complete",), "draws": ("complete", "score"), "data_folder": ("score",)}
"""The tasks that an option belongs to."""
OF_TEXT = ("prompt", "length", "temperature")
"""The options of a model of texts."""


def options(arguments: list[str]) -> Namespace:
    p = parser("sample")
    p.add_argument("weights", metavar="WEIGHTS", help="file of a trained model, such as out/nade/weights.npz")
    p.add_argument("--n", type=number(int), metavar="N",
                   help=f"number of images to draw (default: {DRAWN}), of completions ({COMPLETED}), of images on a "
                        f"walk ({WALKED}), of texts (1), or of images to score, at most (all)")  # fmt: skip
    task = p.add_mutually_exclusive_group()
    task.add_argument(
        "--image", metavar="FILE", help="complete this image: a picture, such as PNG, of the model's size"
    )
    task.add_argument("--score", metavar="WHAT",
                      help="score images: a picture, a folder of pictures, an .npz, or the test part of a data set "
                           f"({', '.join(DATA)}); of a model of texts: a text file")  # fmt: skip
    task.add_argument("--walk", nargs=2, metavar=("A", "B"),
                      help="walk between two images through the latent space; a GAN, which has no encoder, takes the "
                           "seeds of two samples")  # fmt: skip
    p.add_argument("--seen", metavar="top|left|MASK",
                   help="with --image: the part that is seen, the upper half, the left half, or a picture of the same "
                        "size that is white where the image is seen")  # fmt: skip
    p.add_argument("--resize", dest="resized", action="store_true",
                   help="bring your pictures to the size of the model's images, as --resize N of the other demos "
                        "does")  # fmt: skip
    p.add_argument("--steps", type=number(int), metavar="N",
                   help=f"with --image: steps of a Markov chain, where one is needed (default: {SWEEPS} sweeps of "
                        f"Gibbs sampling over all pixels, {STEPS:,} steps in the z of a VAE)")  # fmt: skip
    p.add_argument("--draws", type=number(int), metavar="K",
                   help="with --score or --image: draws of z for models with a latent variable (default: "
                        f"{DRAWS:,})")  # fmt: skip
    p.add_argument("--prompt", metavar="TEXT", help="of a model of texts: text to begin with (default: a line break)")
    p.add_argument("--length", type=number(int, most=10**7), metavar="N",
                   help=f"of a model of texts: number of characters to write (default: {LENGTH})")  # fmt: skip
    p.add_argument("--temperature", type=number(float), metavar="τ",
                   help="of a model of texts: divides the logits (default: 1, the model itself)")  # fmt: skip
    p.add_argument("--label", metavar="Y",
                   help="of a model trained with --by-label: use p(x | y) for this label, a name or number of a "
                        "class; without it, p(x)")  # fmt: skip
    add_device(p)
    add_data_folder(p)
    return checked(p, p.parse_args(arguments))


def checked(p: ArgumentParser, o: Namespace) -> Namespace:
    """Return the options with their `task`. A combination that makes no sense ends the program with a message."""
    o.task = next((task for option, task in TASKS.items() if getattr(o, option) is not None), "draw")
    for option, tasks in GOES_WITH.items():
        if getattr(o, option) is not None and o.task not in tasks:
            needed = " or ".join(f"--{name}" for name, task in TASKS.items() if task in tasks)
            p.error(f"--{option.replace('_', '-')} goes with {needed}")
    if o.task in ("complete", "walk") and (o.n or 0) > MOST:
        p.error(f"--n is at most {MOST:,} with --image and --walk, got {o.n:,}")
    if o.task == "complete" and o.seen is None:
        p.error("--image needs --seen: top, left, or a mask that is white where the image is seen")
    return o


def main(o: Namespace) -> int:
    trained = opened(o.weights)
    print(trained)
    trained = trained.given(o.label)
    if not isinstance(trained.model, CharRNN):
        for option in OF_TEXT:
            if getattr(o, option) is not None:
                raise UsageError(f"this {trained.name} writes no text: leave out --{option}, or name a file of charrnn")
    with one_sentence():
        pictures = able(trained, o.task)(trained, o, np.random.default_rng(o.seed))
    save_pictures(o, pictures)
    return 0


@contextmanager
def one_sentence() -> Iterator[None]:
    """Context manager: turn a model's ValueError, for weights or images that it cannot use, into a UsageError."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, CheckpointError | DataError | UsageError):
            raise
        raise UsageError(str(error)) from error


# -- draws


def draw(trained: Trained, o: Namespace, rng: np.random.Generator) -> dict[str, Figure]:
    """Draw from the model, in blocks, and write the numbers and a picture of the first draws."""
    n, model = o.n or DRAWN, trained.model
    first = []
    if isinstance(model, PixelRNN):
        model.progress = True

    def blocks() -> Iterator[np.ndarray]:
        left = PICTURED
        for i in progress_bar(iterable=range(0, n, model.block), desc="drawing", unit=" blocks", leave=False):
            x = without_nan(model.sample(min(model.block, n - i), rng=rng), model, "a draw")
            first.append(x[:left].copy())  # a view would keep the whole block
            left -= len(first[-1])
            yield x

    o.out.write("samples.npz", partial(write_blocks, trained=trained, n=n, blocks=blocks()))
    print(f"{n:,} draws, seed {o.seed}; samples.npz has them as the array images")
    x = np.concatenate(first)
    some = f"{n:,} draws" if len(x) == n else f"the first {len(x)} of {n:,} draws"
    title = f"{some} of {trained.name}{f', label {trained.label}' if trained.label else ''}"
    if trained.shape:
        return {"samples.png": plot.images(trained.picture(x), trained.shape, COLUMNS, title)}
    return {"samples.png": draw_vectors(x, title)}


def write_blocks(path: Path, trained: Trained, n: int, blocks: Iterator[np.ndarray]) -> None:
    """Write draws to an .npz, as the array `images`, block by block: all of them need not fit into memory.

    n: number of draws in all blocks. blocks: of draws, each (m, D). Whole numbers up to 255 take a byte each.
    """
    small = not isinstance(trained.model.values, Real) and trained.shades <= 256
    dtype = np.dtype(np.uint8 if small else trained.model.flat.dtype.name)
    shape = (n, *(trained.shape or (trained.model.D,)))
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    with (
        atomically(path) as file,
        ZipFile(file, "w", ZIP_DEFLATED) as archive,
        archive.open("images.npy", "w", force_zip64=True) as member,
    ):
        np.lib.format.write_array_header_1_0(member, header)
        for x in blocks:
            member.write(np.ascontiguousarray(x, dtype).tobytes())


def draw_vectors(x: np.ndarray, title: str) -> Figure:
    """Draw vectors that are no images: a histogram of numbers, points in the plane, or else a line each.  x: (n, D)."""
    figure, ax = panel(3.8)
    if x.shape[1] == 1:
        ax.hist(x[:, 0], bins=max(10, int(len(x) ** 0.5)), color=plot.SERIES[0])
        plot.finish(ax, "x", "number of draws", title)
    elif x.shape[1] == 2:
        ax.scatter(x[:, 0], x[:, 1], 12, plot.SERIES[0], alpha=0.7, linewidths=0)
        ax.set_aspect("equal")
        plot.finish(ax, "x₁", "x₂", title)
    else:
        ax.plot(x[:8].T, linewidth=0.9)
        plot.finish(ax, "position", "value", f"{title}: {len(x[:8])} of them")
    return figure


# -- completions


def complete(
    trained: Trained, o: Namespace, rng: np.random.Generator, by: Callable[..., Completed]
) -> dict[str, Figure]:
    """Complete the image of `--image`, print by which method, and write numbers and a picture.  by: the method."""
    if trained.shape is None:
        raise UsageError(f"the data of this {trained.name} are no images: there is no image to complete")
    x, names, made = trained.read(o.image, rng, o.resized)
    seen = seen_of(o.seen, trained.shape)
    if len(x) > 1:
        raise UsageError(f"--image is one image, but {shown(o.image, 200)} has {len(x):,}")
    print(f"{shown(names[0], 100)}: {made}; {seen.sum()} of {seen.size} pixels are seen")
    copies = np.repeat(x, o.n or COMPLETED, axis=0)
    images, mean, how = by(trained.model, copies, seen, o, rng)
    print(f"{len(images)} completions, seed {o.seed}, {how}")
    arrays = {"images": images.reshape(-1, *trained.shape), "mean": mean.reshape(trained.shape),
              "seen": seen.reshape(trained.shape)}  # fmt: skip
    o.out.write("completions.npz", partial(write_arrays, arrays))
    first = np.concatenate([np.where(seen, x, np.nan), x, mean[None], np.full_like(x, np.nan)])
    title = f"{trained.name}: the pixels that are seen, the image, the mean E[x | seen]; then completions"
    shaded = trained.picture(np.concatenate([first, images])[:PICTURED])
    return {"completions.png": plot.images(shaded, trained.shape, COLUMNS, title)}


def seen_of(text: str, shape: tuple[int, int]) -> np.ndarray:
    """Return the mask that `--seen` names, True where the image is seen, (rows · columns,).

    Raises UsageError if nothing or all is seen, DataError if there is no such mask.
    """
    rows, columns = np.indices(shape)
    halves = {"top": rows < shape[0] // 2, "left": columns < shape[1] // 2}
    seen = halves[text].ravel() if text in halves else read_mask(text, shape)
    if not seen.any():
        raise UsageError(f"--seen {shown(text, 200)} shows nothing of the image: leave out --image for draws, or "
                         "take a mask that is white where the image is seen")  # fmt: skip
    if seen.all():
        raise UsageError(f"--seen {shown(text, 200)} shows all of the image: take a mask that is black somewhere")
    return seen


def write_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Write arrays to an .npz."""
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    with atomically(path) as file:
        file.write(content.getvalue())


# -- scores


def score(trained: Trained, o: Namespace, rng: np.random.Generator, by: Callable[..., Scores]) -> dict[str, Figure]:
    """Score images, print and write −ln p(x) of each, and draw the least and the most probable.  by: the method."""
    model = trained.model
    x, names, made = of_data_set(trained, o, rng) if o.score in DATA else trained.read(o.score, rng, o.resized)
    x, names = x[: o.n], names[: o.n]
    found = by(model, x, o, rng)
    print(f"{len(x):,} of {shown(o.score, 100)}: {made}\n−ln p(x) is {found.how}\n")
    per_pixel = 1 / np.log(2) / model.D
    columns = {"nats": -found.log_prob, "bits/pixel": -found.log_prob * per_pixel}
    columns |= {} if found.error is None else {"standard error, nats": found.error}
    columns |= {} if found.elbo is None else {"−ELBO, nats": -found.elbo}
    print(f"{'image':<28}" + "".join(f"{name:>22}" for name in columns))
    for k, name in enumerate(names[:LISTED]):
        print(f"{shown(name, 26):<28}" + "".join(f"{column[k]:>22.3f}" for column in columns.values()))
    if len(x) > LISTED:
        print(f"… and {len(x) - LISTED:,} more in scores.csv")
    if len(x) > 1:
        (nats, error), (bits, of_bits) = (mean_and_error(column) for column in list(columns.values())[:2])
        mean = f"{'mean ± standard error':<28}{f'{nats:.3f} ± {error:.3f}':>22}{f'{bits:.4f} ± {of_bits:.4f}':>22}"
        bound = mean_and_error(-found.elbo) if found.elbo is not None else None
        print(mean + (f"{'':>22}{f'{bound[0]:.3f} ± {bound[1]:.3f}':>22}" if bound else ""))
    rows = zip(names, *(column.tolist() for column in columns.values()), strict=True)
    quoted = lambda name: '"' + shown(name, 300).replace('"', '""') + '"'
    lines = [",".join(map(quoted, ["image", *columns]))]
    lines += [",".join([quoted(name), *map(repr, values)]) for name, *values in rows]
    o.out.write_text("scores.csv", "\n".join(lines) + "\n")
    return {"scores.png": draw_extremes(trained, x, -found.log_prob)} if trained.shape else {}


def of_data_set(trained: Trained, o: Namespace, rng: np.random.Generator) -> tuple[np.ndarray, list[str], str]:
    """Return the test images of a data set as the model's pixels, (n, D), their names, and how they were made.

    Raises UsageError if its images have another size than those of the model.
    """
    dataset = load(o.score, o.data_folder)
    if dataset.shape != trained.shape:
        sizes = [f"{a}×{b}" for a, b in (dataset.shape, trained.shape or (1, trained.model.D))]
        raise UsageError(f"{dataset.name}: images of {sizes[0]} pixels, but the model is of {sizes[1]}: score others")
    test, same = dataset.test, dataset.pixels == trained.pixels
    x = test.images if same else trained.pixels.made_of(test.levels / dataset.pixels.white, trained.shades, rng=rng)
    made = dataset.name if same else f"{dataset.name.rsplit(', ', 1)[0]}, {trained.pixels}"
    return x, [f"test image {k + 1}" for k in range(len(x))], f"{made}, test part"


def draw_extremes(trained: Trained, x: np.ndarray, nats: np.ndarray) -> Figure:
    """Draw the most and the least probable of the scored images.  x: (n, D). nats: −ln p(x) of each, (n,)."""
    assert trained.shape is not None
    order = np.argsort(nats, kind="stable")
    columns = min(COLUMNS, len(x))
    rows = [x[order[:columns]], x[order[::-1][:columns]]] if len(x) > 1 else [x]
    title = f"−ln p(x) by {trained.name}: from {nats.min():.2f} to {nats.max():.2f} nats"
    labels = ["most\nprobable", "least\nprobable"][: len(rows)] if len(x) > 1 else []
    return figure_of_images(trained.picture(np.stack(rows)), trained.shape, title, labels)


# -- walks


def walk(trained: Trained, o: Namespace, rng: np.random.Generator, by: Callable[..., Walk]) -> dict[str, Figure]:
    """Walk between the two images of `--walk`, and write numbers and a picture.  by: the method, from images."""
    both = []
    for path in o.walk:
        x, names, made = trained.read(path, rng, o.resized)
        if len(x) > 1:
            raise UsageError(f"--walk goes between two images, but {shown(path, 200)} has {len(x):,}")
        print(f"{shown(names[0], 100)}: {made}")
        both.append(x)
    return walked(trained, o, by(trained.model, np.concatenate(both), o.n or WALKED, rng), both)


def walk_of_seeds(trained: Trained, o: Namespace, rng: np.random.Generator) -> dict[str, Figure]:
    """Walk between two samples of a GAN, as `walk`. Raises UsageError unless `--walk` names two seeds."""
    if not all(text.isdecimal() and len(text) < 20 for text in o.walk):
        named = " ".join(shown(text, 100) for text in o.walk)
        raise UsageError(
            f"this GAN has no encoder, so it finds no z of an image: --walk takes the seeds of two samples, such as "
            f"--walk 3 7, got {named}"
        )
    first, second = map(int, o.walk)
    return walked(trained, o, of_gan(trained.model, (first, second), o.n or WALKED), [])


def walked(trained: Trained, o: Namespace, found: Walk, ends: list[np.ndarray]) -> dict[str, Figure]:
    """Write a walk, and return its picture.  ends: the images at its ends, each (1, D), if there are any."""
    z, images, how = found
    print(f"{len(images)} steps: {how}")
    arrays = {"images": images.reshape(-1, *(trained.shape or (trained.model.D,))), "z": z}
    o.out.write("walk.npz", partial(write_arrays, arrays))
    if not trained.shape:
        return {"walk.png": draw_way(images, how)}
    images = np.concatenate([ends[0], images, ends[1]]) if ends else images
    title = f"{trained.name}: {how}{', between the two images themselves' if ends else ''}"
    return {"walk.png": plot.images(trained.picture(images[:PICTURED]), trained.shape, COLUMNS, title)}


def draw_way(x: np.ndarray, title: str) -> Figure:
    """Draw a walk through data that are no images: a way in the plane, or each number over the steps.  x: (n, D)."""
    figure, ax = panel(3.8)
    if x.shape[1] == 2:
        ax.plot(*x.T, "o-", color=plot.SERIES[0], markersize=4, linewidth=0.9)
        ax.plot(*x[0], "o", color=plot.SERIES[1], label="first step")
        ax.legend()
        plot.finish(ax, "x₁", "x₂", title)
    else:
        ax.plot(x, "o-", markersize=4, linewidth=0.9)
        plot.finish(ax, "step", "value", title)
    return figure


# -- texts


def write(trained: Trained, o: Namespace, rng: np.random.Generator) -> dict[str, Figure]:
    """Write texts that begin with `--prompt`, and print them."""
    model: CharRNN = trained.model
    begin = "\n" if ord("\n") in model.alphabet else model.decode([0])
    prompt = begin if o.prompt is None else o.prompt
    length, temperature = o.length or LENGTH, o.temperature or 1.0
    texts = [model.write(prompt, length, temperature, rng=rng) for _ in range(o.n or 1)]
    print(f"{length:,} characters after the prompt at temperature {temperature:g}, seed {o.seed}\n")
    print("\n\n".join(texts))
    o.out.write_text("sample.txt", "\n\n".join(texts))
    return {}


def score_text(trained: Trained, o: Namespace, rng: np.random.Generator) -> dict[str, Figure]:
    """Score a text file: −ln p of its characters, given the first one, exact."""
    try:
        text = readable(o.score)
    except ArgumentTypeError as error:
        raise UsageError(f"{shown(o.score, 200)} {error}") from None
    if len(text) < 2:
        raise UsageError(f"{shown(o.score, 200)} has {len(text)} characters: a score needs two or more")
    nats = trained.model.validation_loss(streams(trained.model.codes(text), 1))
    print(
        f"{shown(o.score, 100)}: {len(text):,} characters; −ln p of each given all before it, exact, without the first"
    )
    values = {"nats": nats * (len(text) - 1), "nats/character": nats, "bits/character": float(nats / np.log(2))}
    print("\n".join(f"{value:>14.4f} {unit}" for unit, value in values.items()))
    o.out.write_text("scores.csv", f"{','.join(values)}\n{','.join(map(repr, values.values()))}\n")
    return {}


# -- what each kind of model can do

Job = Callable[[Trained, Namespace, np.random.Generator], dict[str, Figure]]
"""A task: a function of the model, the options and the generator. It returns pictures by the names of their files."""


@dataclass(frozen=True)
class Kind:
    """What a kind of model can do: for each task the function, or a clause that says why the model cannot do it."""

    draw: Job | str
    complete: Job | str
    score: Job | str
    walk: Job | str


NO_LATENT = "it has no latent variable, so there is no way through a space from one image to another"
TEXTS = "its data are texts"
SERIES = "its data are series of numbers, which GaussianAR.continuations continues in Python"
CLASSES = "it gives p(y|x), the class of an image, and no distribution over images"
NO_DENSITY = "it has no likelihood: the generator makes draws, whose density has no formula"
NO_POSTERIOR = "it has no likelihood p(x|z) and no encoder, so nothing says which z fit what is seen"
ONE_LABEL = "each label has a p(x | y) of its own, so choose one by --label"
EXPLICIT = Kind(draw, partial(complete, by=by_explicit_model), partial(score, by=exactly), NO_LATENT)

KINDS: dict[type, Kind] = {
    ExplicitModel: EXPLICIT,
    GaussianAR: replace(EXPLICIT, complete=SERIES),
    VAE: Kind(draw, partial(complete, by=by_vae), partial(score, by=by_importance), partial(walk, by=of_vae)),
    Adversarial: Kind(draw, partial(complete, by=by_aae), partial(score, by=by_prior), partial(walk, by=of_aae)),
    GAN: Kind(draw, NO_POSTERIOR, NO_DENSITY, walk_of_seeds),
    Conditional: Kind(draw, ONE_LABEL, ONE_LABEL, ONE_LABEL),
    CharRNN: Kind(write, TEXTS, score_text, "it has no latent variable, and its data are texts"),
    Linear: Kind(CLASSES, CLASSES, CLASSES, CLASSES),
    Classifier: Kind(CLASSES, CLASSES, CLASSES, CLASSES),
}
"""The kinds by the classes of models. A subclass is of the kind of its base."""

ASKED = {
    "draw": ("draw samples", ""),
    "complete": ("complete an image", "--image"),
    "score": ("score images", "--score"),
    "walk": ("walk between two images", "--walk"),
}
"""For each task, a verb and its object, and the option that asks for the task."""


def able(trained: Trained, task: str) -> Job:
    """Return the function for a task.  Raises UsageError, with the reason and what can be asked, if there is none."""
    kind = next((KINDS[cls] for cls in type(trained.model).__mro__ if cls in KINDS), None)
    if kind is None:
        raise UsageError(
            f"this {trained.name} is no model of images or texts: name a file of weights that a demo wrote"
        )
    job = getattr(kind, task)
    if not isinstance(job, str):
        return job
    others = [
        f"{verb} ({how})" if how else verb
        for name, (verb, how) in ASKED.items()
        if not isinstance(getattr(kind, name), str)
    ]
    if isinstance(trained.model, CharRNN):
        others = ["write text (--prompt)", "score a text (--score)"]
    instead = f"it can {', '.join(others)}" if others else "name a generative model, such as out/nade/weights.npz"
    raise UsageError(f"this {trained.name} cannot {ASKED[task][0]}: {job}; {instead}")
