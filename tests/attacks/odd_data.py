"""`python -m tests.attacks.odd_data [WORD…]`: every demo that takes `--data` meets tiny, odd and degenerate images.

Each demo answers, or refuses the data in one sentence where they cannot be used; it never ends with another exception
or a warning. Trainings last two epochs. Words choose the data sets and demos that have them in their names. The suite
runs a few pairs.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from unittest import mock

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from autograd import console
from demos import recipes
from demos.__main__ import main as run
from minigen import plot
from minigen.data.idx import header_of
from minigen.data.images import IDX_NAMES

DRAW = np.random.default_rng(0)
NOISE = DRAW.integers(0, 256, (240, 8, 8)).astype(np.uint8)
TWO = np.arange(240) % 2
STROKES = np.where(DRAW.random((240, 8, 8)) < 0.2, 255, 0).astype(np.uint8)
STROKES[:, [0, -1]] = STROKES[:, :, [0, -1]] = 0
LONGEST = 1000
"""Characters of a refusal, at most."""


@dataclass(frozen=True)
class Odd:
    """A data set: write(folder) → the path for --data. refused: pattern of the sentence, "" for data that can be used.

    labels: the number of classes that demos can use, 0 for none. small: sides below 4. binary: at most two grey levels.
    options: further options of the demos.
    """

    write: Callable[[Path], Path]
    refused: str = ""
    labels: int = 0
    small: bool = False
    binary: bool = False
    options: str = ""


def npz(**arrays: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.savez(folder / "mine.npz", **arrays)
        return folder / "mine.npz"

    return write


def pictures(
    name: Callable[[int], str], images: np.ndarray = NOISE, inside: str = "mine", **options: object
) -> Callable:
    """Pictures k under names name(k) in the folder `inside`.  options: of Pillow's save."""

    def write(folder: Path) -> Path:
        for k, image in enumerate(images):
            path = folder / inside / name(k)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path, **options)
        return folder / inside

    return write


def idx(train: int, name: Callable[[str], str] = str) -> Callable[[Path], Path]:
    """Idx files with so many training images of 240, under changed names."""

    def write(folder: Path) -> Path:
        arrays = NOISE[:train], TWO[:train], NOISE[train:], TWO[train:]
        for file, array in zip(IDX_NAMES, arrays, strict=True):
            (folder / name(file)).write_bytes(header_of(array.shape) + array.astype(np.uint8).tobytes())
        return folder

    return write


def mixed(folder: Path) -> Path:
    """Photographs of 240 sizes, one of which is a line, and one long: dark ink on paper, or the other way round."""
    for k, (rows, columns) in enumerate(SIZES.tolist()):
        ink = np.full((rows, columns), 240, np.uint8)
        ink[rows // 4 : -(rows // 4) or None, columns // 3 : columns // 3 + 1 + columns // 4] = 9
        (folder / "mine" / str(k % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(ink).save(folder / "mine" / str(k % 2) / f"{k}.png")
    return folder / "mine"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


ORIENTED = Image.Exif()
ORIENTED[0x112] = 6
ALPHA = np.zeros((240, 8, 8, 4), np.uint8)
ALPHA[..., 3] = STROKES
OUTLIER = NOISE.astype(np.uint16)
OUTLIER[7, 3, 3] = 65535
LAST = np.zeros_like(NOISE)
LAST[np.random.RandomState(0).permutation(240)[-40:]] = NOISE[:40]
SIZES = DRAW.integers(1, 40, (240, 2))
SIZES[:3] = [[1, 30], [300, 7], [1, 1]]
STRANGE, LEFT = ("$a$", "$b\n\x1b[31m"), {0: ".ipynb_checkpoints", 1: "__MACOSX", 2: "@eaDir"}

SETS = {
    "2x2": Odd(npz(images=NOISE[:, :2, :2], labels=TWO), labels=2, small=True),
    "1x64": Odd(npz(images=NOISE.reshape(240, 1, 64), labels=TWO), labels=2, small=True),
    "64x1": Odd(npz(images=NOISE.reshape(240, 64, 1), labels=TWO), labels=2, small=True),
    "3x20": Odd(npz(images=np.resize(NOISE, (240, 3, 20)), labels=TWO), labels=2, small=True),
    "200 images": Odd(npz(images=NOISE[:200], labels=TWO[:200]), labels=2),
    "labels 3 and 8": Odd(npz(images=NOISE, labels=np.where(TWO, 3, 8)), labels=2),
    "labels of 12 classes": Odd(pictures(lambda k: f"{1 + k % 12}/{k}.png"), labels=12),
    "labels all different": Odd(npz(images=NOISE, labels=np.arange(240))),
    "one class": Odd(npz(images=NOISE, labels=np.full(240, 7))),
    "no labels, floats": Odd(npz(images=NOISE / 255)),
    "bool": Odd(npz(images=NOISE > 127, labels=TWO), labels=2, binary=True),
    "huge levels": Odd(npz(images=NOISE.astype(np.uint64) << 56, labels=TWO), labels=2),
    "outlier": Odd(npz(images=OUTLIER, labels=TWO), labels=2),
    "light paper": Odd(pictures(lambda k: f"{k % 2}/{k}.png", 255 - STROKES), labels=2, binary=False),
    "transparent": Odd(pictures(lambda k: f"{k % 2}/{k}.png", ALPHA), labels=2),
    "one pixel": Odd(npz(images=np.where(np.arange(64) == 9, NOISE.reshape(240, 64), 0), labels=TWO), labels=2),
    "all images alike": Odd(npz(images=np.repeat(NOISE[:1], 240, axis=0), labels=TWO), labels=2),
    "blank but for the test images": Odd(npz(images=LAST, labels=TWO), labels=2),
    "rotated": Odd(pictures(lambda k: f"{k}.jpg", exif=ORIENTED)),
    "names with $ and escape codes": Odd(
        pictures(lambda k: f"{STRANGE[k % 2]}/{k}.png", inside=r"$\foo$"), labels=2
    ),
    "train and test": Odd(pictures(lambda k: f"{'test' if k % 6 == 0 else 'train'}/{k // 6 % 2}/{k}.png"), labels=2),
    "what programs leave": Odd(pictures(lambda k: f"{LEFT.get(k, k % 2)}/{k}.png"), labels=2),
    "idx": Odd(idx(200, lambda file: f"emnist-letters-{file.replace('t10k', 'test')}"), labels=2),
    "idx of one training image": Odd(idx(1), "has 1 images to train on, expected 167 or more"),
    "mixed sizes": Odd(mixed, r"has \d+×\d+ pixels, expected 1×30 as the first: bring all to one size, by --resize N"),
    "mixed sizes, resized": Odd(mixed, labels=2, options="--resize 8"),
    "made smaller": Odd(npz(images=NOISE, labels=TWO), labels=2, small=True, options="--resize 3"),
    "made larger": Odd(npz(images=NOISE / 255), options="--resize 11"),
    "too large": Odd(npz(images=NOISE), "which resized have 251,658,240 pixels, at most", options="--resize 1024"),
    "3 images": Odd(npz(images=NOISE[:3]), "has 3 images, expected 200 or more: add some"),
    "all pixels equal": Odd(npz(images=NOISE * 0 + 9), "has no grey level but 9: take images with different"),
    "1x2": Odd(npz(images=NOISE[:, :1, :2]), "has images of 1×2 pixels, expected 4 pixels or more"),
    "not a number": Odd(npz(images=np.where(NOISE, 1, np.nan)), "grey levels that are NaN or infinite"),
    "an empty folder": Odd(lambda folder: folder, "has 0 pictures"),
    "a pipe": Odd(pipe, "is a pipe or a device, expected a file"),
}  # fmt: skip

LABELLED = ("classify", "aae --labels all --prior flower", "aae --semi-supervised 20 --batch-size 1")
DEMOS = (
    *LABELLED,
    "gan_digits",
    "gan_digits --network dcgan --batch-size 1",
    "aae --encoder gaussian",
    "explore",
    "explore --model gan",
    "independence",
    "nade --order random",
    "pixelrnn --variant all",
    "pixelrnn --levels 4",
    "vae --draws 20",
)
FEW = [("2x2", "independence"), ("200 images", "gan_digits"), ("1x64", "pixelrnn --levels 4"),
       ("names with $ and escape codes", "classify"), ("all images alike", "nade --order random"),
       ("a pipe", "vae --draws 20"), ("mixed sizes", "vae --draws 20"), ("mixed sizes, resized", "classify"),
       ("no labels, floats", "gan_digits")]  # fmt: skip
"""What the suite runs."""


def refusal(name: str, demo: str) -> str:
    """A pattern of the sentence by which the demo refuses the data set; "" if it can use the data."""
    data = SETS[name]
    if data.refused:
        return data.refused
    if demo in LABELLED and not 2 <= data.labels <= (10 if "aae" in demo else data.labels):
        return (
            "labels are needed, and (the images have no labels|labels of 2 to 10 classes can be used, there are \\d+|"
            "there are too few images of class .* to cut into three parts)"
        )
    if "dcgan" in demo and data.small:
        return "halves images twice, so that each side needs 4 pixels"
    if "--levels 4" in demo and data.binary:
        return "levels must be from 2 to the 2 that .* was made of, got 4"
    return ""


def drawn(figure: Figure, path: object) -> None:
    """In place of `plot.save`: draw everything, small and without the search for the best layout."""
    figure.set_layout_engine("none")
    figure.savefig(io.BytesIO(), dpi=20)


@contextlib.contextmanager
def short_trainings() -> Iterator[None]:
    """Two epochs and few units, whatever the recipes say; pictures are drawn, but not written."""
    short = {key: replace(r, epochs=2, hidden=min(r.hidden, 8)) for key, r in recipes.RECIPES.items()}
    with (
        mock.patch.object(recipes, "RECIPES", short),
        mock.patch.dict(recipes.JUDGE_EPOCHS, few=1),
        mock.patch.object(plot, "save", drawn),
    ):
        yield


def outcome(name: str, demo: str, folder: Path) -> tuple[int, str, str]:
    """The exit code of a demo on a data set, its output and its errors. Any other exception passes."""
    path, out, errors = SETS[name].write(folder), io.StringIO(), io.StringIO()
    short = "--epochs 2 --hidden 4" if demo == "classify" else "--samples 50" if "gan_digits" in demo else ""
    words = [
        *demo.split(),
        "--data",
        str(path),
        "--out",
        str(folder / "out"),
        *short.split(),
        *SETS[name].options.split(),
    ]
    with warnings.catch_warnings(), short_trainings(), contextlib.redirect_stderr(errors):
        warnings.simplefilter("error")
        with contextlib.redirect_stdout(out):
            code = run(words)
    return code, out.getvalue(), errors.getvalue()


def problem(name: str, demo: str, folder: Path) -> str:
    """What is wrong with the outcome of a demo on a data set, "" if it is as expected."""
    expected = refusal(name, demo)
    try:
        code, out, errors = outcome(name, demo, folder)
    except Exception as error:  # the fault that is looked for
        return f"{type(error).__name__}: {error}"
    sentence = errors.replace("\r", "\n").strip().rpartition("\n")[2]
    if not expected:
        shown = out.splitlines()
        wrong = [line for line in shown if not line.isprintable() or re.search(r"\bnan\b", line)]
        return f"refused: {sentence}" if code else f"printed {wrong[0]!r}" if wrong else ""
    if not code:
        return "an answer, expected a refusal"
    right = re.search(expected, sentence) and sentence.startswith("stopped: ") and len(sentence) < LONGEST
    return "" if right else f"refused by {sentence!r}, expected {expected!r}"


def main(words: list[str]) -> int:
    pairs = [pair for pair in product(SETS, DEMOS) if all(word in " on ".join(reversed(pair)) for word in words)]
    start, wrong = time.perf_counter(), 0
    for name, demo in pairs:
        with tempfile.TemporaryDirectory() as folder:
            found = problem(name, demo, Path(folder))
        if found:
            wrong += 1
            print(f"{demo} on {name}: {found}", flush=True)
    print(f"{len(pairs)} runs in {time.perf_counter() - start:.0f} s, {wrong} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
