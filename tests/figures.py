"""Holds the figures of README.md and docs/ against new runs of the commands that print them.

python -m tests.figures              every command of up to a minute on one core, 7 minutes in all
python -m tests.figures vae raster   the commands that contain one of these words, however long they take
python -m tests.figures --list       only print the commands, how each is checked, and where its figures stand

A figure stands once, in the text. HELD has the sentence around it, and the line of the output that prints it:

    {name}       a number of the sentence, and of the output
    {name:±}     the error of this number: the run may differ by as much; without it all digits must agree
    {name:least}, {name:most}    the least and the most that the run may give
    {}           a number that is not compared
    …            any text
    | row | column: {name} |    a cell of a table, by the names of its row and column; several columns may follow

White space is any white space; every other character stands for itself. A template that does not fit exactly one place
is an error, so no sentence and no line of output is lost unnoticed. README.ko.md has the figures of README.md
(tests/test_docs.py).
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from autograd import console
from tests.claims import ROOT, cells

README, KOREAN = "README.md", "README.ko.md"
RESULTS, NUMBERS, ADD_A_MODEL = "docs/results.md", "docs/numbers.md", "docs/add-a-model.md"


class Held(NamedTuple):
    """The figures of a sentence or of a row of a table.

    document: its path. where: template of the sentence or row. printed: templates of the output with the same names.
    """

    document: str
    where: str
    printed: tuple[str, ...]


class Source(NamedTuple):
    """What prints figures.

    name: a command, a document, or "the code of" a document. when: "suite": the tests run it; "minute": it takes up to
    a minute on one core; "long": longer.
    """

    name: str
    when: str
    figures: list[Held]


def held(document: str, where: str, *printed: str) -> Held:
    return Held(document, where, printed)


EXPLICIT = "parameters, digits: {n} | digits 8×8: {nll} ± {nll:±} |"
EXACTLY = "parameters, digits: {n} | digits 8×8: {nll} ± {error} |"
NATS = "digits 8×8: nats: {digits} | MNIST, sampled: nats: {mnist} |"
COLUMNS = "digits 8×8: {digits} ± {} | MNIST, sampled: {mnist} ± {} |"
JUDGED = ("Fréchet distance of features (not FID) ↓: {fid} ± {fid:±} | precision / recall (k = 5) ↑: {p} / {r} | "
          "density / coverage ↑: {d} / {c} | share of the rarest / the most common digit: {rare} % / {common} % | "
          "Parzen window, nats ↑ / σ: {parzen} ± {parzen:±} / {sigma} |")  # fmt: skip
OF_SAMPLES = ("Fréchet distance of features (not FID) {fid} {}", "precision (300 of each, features, k = 5) {p} {}",
              "recall (300 of each, features, k = 5) {r} {}", "density (300 of each, features, k = 5) {d} {}",
              "coverage (300 of each, features, k = 5) {c} {}", "each of the 10 classes has {rare}% to {common}% of",
              "windows around 10,000 samples {parzen} ± {} nats, width σ = {sigma}")  # fmt: skip
OF_REAL = ("Fréchet distance of features (not FID) {} {fid}", "precision (300 of each, features, k = 5) {} {p}",
           "recall (300 of each, features, k = 5) {} {r}", "density (300 of each, features, k = 5) {} {d}",
           "coverage (300 of each, features, k = 5) {} {c}",
           "windows around 1,197 training images {parzen} ± {} nats, width σ = {sigma}")  # fmt: skip
WITH_LABELS = ("without labels: {plain} ± {plain:±} | mixture of the labels: {mixture} ± {mixture:±} | "
               "given the label: {given} ± {given:±} | Bayes' rule is right for: {right} ± {right:±} %")  # fmt: skip
CONFIRMED = "confirmed labels: {confirmed} ± {confirmed:±} %"
OF_LABELS = ("mean ± standard error model parameters NLL, nats/image bits/pixel no labels, p(x) {} {plain} ± {} {} "
             "labels, Σ p(y) p(x | y) {n} {mixture} ± {} {} labels, p(x | y) {} {given} ± {} {} "
             "Bayes' rule, the y with the largest p(y) p(x | y), is right for {right}% ±")  # fmt: skip
OF_JUDGE = "their own label to {confirmed}% ± {}% of 1,000 samples"
VAE = "| VAE 64-200-200-8 (pixels, hidden, hidden, z), digits 8×8, 300 test images |"
VAE_MNIST = "| the same, all 10,000 test images; k = 500 in place of 5,000 |"

HELD = [
    Source(
        "python -m demos independence --models independent Markov 'AR(8)' FVSBN",
        "suite",
        [
            held(RESULTS, f"| independent pixels | {EXACTLY}", "independent {n} {nll} ± {error} {} closed form"),
            held(RESULTS, f"| Markov chain | {EXACTLY}", "Markov {n} {nll} ± {error} {} closed form"),
            held(RESULTS, f"| AR(8) | {EXPLICIT}", "AR(8) {n} {nll} ± {} {} {} epochs"),
            held(RESULTS, f"| FVSBN = AR(D − 1), D pixels | {EXPLICIT}", "FVSBN {n} {nll} ± {} {} {} epochs"),
        ],
    ),
    Source(
        RESULTS,
        "suite",
        [
            held(README, f"| independent pixels | {NATS}", f"| independent pixels | {COLUMNS}"),
            held(README, f"| Markov chain | {NATS}", f"| Markov chain | {COLUMNS}"),
            held(README, f"| AR(8) | {NATS}", f"| AR(8) | {COLUMNS}"),
            held(README, f"| FVSBN = AR(D − 1) | {NATS}", f"| FVSBN = AR(D − 1), D pixels | {COLUMNS}"),
            held(README, f"| NADE, H = 500 | {NATS}", f"| NADE, H = 500 | {COLUMNS}"),
            held(README, f"| Diagonal BiLSTM, H = 32 | {NATS}", f"| Diagonal BiLSTM, 1 layer, H = 32 | {COLUMNS}"),
            held(README, f"| VAE, −ELBO | {NATS}",
                 VAE + " bound: −ELBO (k = 1): {digits} ± {} |", VAE_MNIST + " bound: −ELBO (k = 1): {mnist} ± {} |"),
            held(README, f"| the same VAE, importance sampling | {NATS}",
                 VAE + " k = 5,000: {digits} ± {} |", VAE_MNIST + " k = 5,000: {mnist} ± {} |"),
            held(README, "training on {train} images of 8×8 pixels",
                 "{train} images are for training, {} for validation, {} for testing."),
            held(README, "The digits have {test} test images, binarised by a threshold. MNIST has {mnist} test images",
                 "{} images are for training, {} for validation, {test} for testing.", "{} / {} / {mnist} images."),
            held(NUMBERS, "The digits have {train} / {validation} / {test} images, MNIST {a} / {b} / {c}.",
                 "{train} images are for training, {validation} for validation, {test} for testing.",
                 "{a} / {b} / {c} images."),
            held(NUMBERS, "NADE is at {threshold} and {sampled} nats on MNIST",
                 "| NADE, H = 500 | MNIST, threshold: {threshold} ± {} | MNIST, sampled: {sampled} ± {} |"),
            held(NUMBERS, "With {test} test images ± is about {error} nats.",
                 "{} images are for training, {} for validation, {test} for testing.",
                 "| NADE, H = 500 | digits 8×8: {} ± {error} |"),
            held(RESULTS, "The {nade} of NADE above took 60 epochs",
                 "| NADE, H = 500 | MNIST, sampled: {nade} ± {} |"),
        ],
    ),
    Source(
        f"the code of {NUMBERS}",
        "suite",
        [
            held(NUMBERS, "but their best ELBOs differ by {gap} nats.", "True {} {gap} {} {} True"),
            held(NUMBERS, "no model can cost less than {entropy} nats on average.", "True {} {} {} {entropy} True"),
            held(NUMBERS, "the error of the single distance {one} is √6 times", "True {} {one} {} ± {}"),
            held(NUMBERS, "log 4 = {loss} is the loss of D ≡ ½.", "± {} {loss} {} {}"),
        ],
    ),
    Source(
        f"the code of {ADD_A_MODEL}",
        "suite",
        [
            held(ADD_A_MODEL, "Independent pixels cost {nll} ± {error} nats an image.",
                 "independent: {nll} ± {error} nats"),
            held(ADD_A_MODEL, "The mixture costs about {nll};", "mixture: {nll} ± {} nats"),
        ],
    ),
    Source(
        "python -m demos nade",
        "minute",
        [
            held(RESULTS, "{train} images are for training, {validation} for validation, {test} for testing.",
                 "{train} training images, {validation} validation images, {test} test images"),
            held(RESULTS, f"| NADE, H = 500 | {EXPLICIT}", "NADE, 500 hidden {n} {nll} ±"),
            held(NUMBERS, "So {nll} nats for an image of 8×8 pixels are {bits} bits/pixel.",
                 "NADE, 500 hidden {} {nll} ± {} {bits}"),
        ],
    ),
    Source(
        "python -m demos vae",
        "minute",
        [
            held(RESULTS, VAE + " parameters: {n} | bound: −ELBO (k = 1): {elbo} ± {elbo:±} | "
                 "bound: −L₅₀: {l50} ± {l50:±} | k = 5,000: {nll} ± {nll:±} |",
                 "VAE, −ELBO (k = 1) {n} {elbo} ±", "VAE, −L₅₀ (k = 50) {} {l50} ±", "VAE, k = 5,000 {} {nll} ±"),
            held(RESULTS, "The draws add a random error: ± {random} nats for the digits (k = 5,000)",
                 "sampling z adds ± {random} nats"),
        ],
    ),
    Source(
        "python -m demos aae --semi-supervised 100",
        "minute",
        [
            held(README, "the model classifies {aae} ± {aae:±} % of the test digits correctly, "
                 "logistic regression {linear} ± {linear:±} %.",
                 "AAE, semi-supervised {aae}% ±", "logistic regression {linear}% ±"),
        ],
    ),
    Source(
        "python -m demos truth_lab",
        "minute",
        [held(README, "both sides agree to {off:most}", "epoch 200 {} {} {} {off} {} {}")],
    ),
    Source(
        "python -m demos gan_digits",
        "minute",
        [
            held(RESULTS, "The classifier is right for {right} ± {right:±} % of the test digits",
                 "accuracy {right}% ± {}% (standard error) on 300 test images"),
            held(RESULTS, f"| digits, MLP | {JUDGED}", *OF_SAMPLES),
            held(RESULTS, "| digits, real | Fréchet distance of features (not FID) ↓: {fid} | "
                 "precision / recall (k = 5) ↑: {p} / {r} | density / coverage ↑: {d} / {c} | "
                 "Parzen window, nats ↑ / σ: {parzen} ± {parzen:±} / {sigma} (training images) |", *OF_REAL),
        ],
    ),
    Source(
        "python -m demos gan_digits --network dcgan",
        "minute",
        [held(RESULTS, f"| digits, DCGAN | {JUDGED}", *OF_SAMPLES)],
    ),
    Source(
        "python -m demos nade --by-label",
        "long",
        [
            held(RESULTS, f"| NADE, H = 500, with labels | parameters: {{n}} | {WITH_LABELS} | {CONFIRMED} |",
                 f"exact, {OF_LABELS}", OF_JUDGE),
            held(RESULTS, "gives their own label to {real} ± {real:±} % of the real test images. For",
                 "and to {real}% ± {}% of 300 test images"),
        ],
    ),
    Source(
        "python -m demos vae --by-label",
        "long",
        [
            held(RESULTS, f"| VAE with labels, −ELBO | parameters: {{n}} | {WITH_LABELS} | {CONFIRMED} |",
                 f"upper bound −ELBO, {OF_LABELS}", OF_JUDGE),
            held(RESULTS, f"| VAE with labels, k = 500 for each label | {WITH_LABELS} |",
                 f"estimate by 500 draws of z, {OF_LABELS}".replace("{n}", "{}")),
        ],
    ),
    Source(
        "python -m demos gan_digits --by-label",
        "long",
        [
            held(RESULTS, "confirms {made} ± {made:±} % of the samples, and {real} ± {real:±} % of the real test",
                 "their own label to {made}% ± {}% of 1,000 samples, 100 of each label, and to {real}% ± {}% of"),
        ],
    ),
    *(
        Source(
            f"python -m demos pixelrnn --variant {variant}",
            when,
            [held(RESULTS, f"| {name} | {EXPLICIT}", f"{printed} {{n}} {{nll}} ±")],
        )
        for variant, when, name, printed in (
            ("raster", "long", "raster LSTM, H = 128", "raster LSTM, H = 128"),
            ("row", "long", "Row LSTM, 3 layers, H = 24; MNIST: 1 layer, H = 32", "Row LSTM, H = 24"),
            ("diagonal", "long", "Diagonal BiLSTM, 1 layer, H = 32", "Diagonal BiLSTM, H = 32"),
            ("cnn", "long", "PixelCNN, 5 blocks, H = 32; MNIST: 7 blocks, H = 16", "PixelCNN, H = 32"),
        )
    ),
    *(
        Source(
            f"python -m demos gan --seed {seed}",
            "minute",
            [
                held(README, "over seeds 0 to 3, 2·JSD is {jsd:least} to {jsd:most} nats", "of 2 JSD = {jsd} nats"),
                held(README, "the largest |D* − ½| on the central 99 % of the data is {far:least} to {far:most}.",
                     "sup |D* − ½| {far}, optimal D*"),
                held(README, "For the learned D it is {near:least} to {near:most}.", "sup |D − ½| {near}, learned D"),
                held(README, "V + log 4 is {left:least} to {left:most} nats", "V(D, G) + log 4 = {left} nats of"),
            ],
        )
        for seed in range(4)
    ),
]  # fmt: skip


# -- templates

PLACE = re.compile(r"\{(?P<name>\w*):?(?P<kind>[^}]*)\}|(?P<any>…)|(?P<space>\s+)|(?P<text>.)")
NUMBER = r"(?>10⁻[⁰¹²³⁴⁵⁶⁷⁸⁹]+|[−-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?)"
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


class Number(NamedTuple):
    """A number in a text: name and kind in its template, its digits, and where it begins."""

    name: str
    kind: str
    digits: str
    start: int

    @property
    def value(self) -> Decimal:
        digits = self.digits.replace(",", "").replace("−", "-")
        return Decimal(re.sub("^10⁻", "1e-", digits).translate(SUPERSCRIPTS))

    @property
    def half(self) -> Decimal:
        """Half of a unit of the last digit."""
        return Decimal((0, (5,), int(self.value.as_tuple().exponent) - 1))


class NotThereError(Exception):
    """A template does not fit exactly one place."""


def placeholders(template: str) -> list[tuple[str, str]]:
    """Return name and kind of each number of a template."""
    return [(part["name"], part["kind"]) for part in PLACE.finditer(template) if part["name"] is not None]


def fit(template: str, text: str) -> list[Number]:
    """Return the numbers of the one place that a template fits. Raises NotThereError."""
    pattern = "".join(
        r"[\s\S]*?" if part["any"] else r"\s+" if part["space"] else re.escape(part["text"] or "") or f"({NUMBER})"
        for part in PLACE.finditer(template)
    )
    found = list(re.finditer(r"(?<![\w.,])" + pattern, text))
    if len(found) != 1:
        raise NotThereError(f"“{template}” fits {len(found)} places, expected 1")
    return [Number(*place, found[0][k], found[0].start(k)) for k, place in enumerate(placeholders(template), start=1)]


def numbers(template: str, text: str) -> list[Number]:
    """Return the numbers of a sentence, or of a row of a table if the template begins with |. Raises NotThereError."""
    if not template.startswith("|"):
        return fit(template, text)
    name, *columns = cells(template)
    found: list[Number] = []
    header, start = [], 0
    for line in text.splitlines(keepends=True):
        row = cells(line) if line.startswith("|") else []
        header = (header or row) if row else []
        for title, _, cell in (column.rpartition(": ") for column in columns if row[:1] == [name]):
            if header.count(title) == 1:
                found += [number._replace(start=start) for number in fit(cell, row[header.index(title)])]
        start += len(line)
    if len(found) != template.count("{"):
        raise NotThereError(f"“{template}”: the tables have {len(found)} of these {template.count('{')} numbers")
    return found


def failures(source: Source, output: str) -> Iterator[str]:
    """Yield a line for each figure that an output does not print as the text has it.  output: of the source."""
    for figure in source.figures:
        text = (ROOT / figure.document).read_text()
        try:
            stated = numbers(figure.where, text)
        except NotThereError as error:
            yield f"{figure.document}: {error}"
            continue
        try:
            measured = {n.name: n for template in figure.printed for n in numbers(template, output)}
        except NotThereError as error:
            yield f"{place(figure.document, stated[0])}: the output of {source.name}: {error}"
            continue
        errors = {n.name: n.value for n in stated if n.kind == "±"}
        for n in stated:
            if n.name and n.kind != "±" and not agree(n, measured[n.name], errors.get(n.name)):
                within = f" ± {errors[n.name]}" if n.name in errors else ""
                within = within or {"least": " at least", "most": " at most"}.get(n.kind, "")
                where = place(figure.document, n)
                yield f"{where}: the text has {n.digits}{within}, the run {measured[n.name].digits}: {figure.where}"


def agree(stated: Number, measured: Number, error: Decimal | None) -> bool:
    """Return whether a measured number is the stated one: to its error, its bound, or the digits that both have."""
    if stated.kind:
        return measured.value >= stated.value if stated.kind == "least" else measured.value <= stated.value
    off = abs(measured.value - stated.value)
    return off < stated.half + measured.half if error is None else off <= error


def place(document: str, number: Number) -> str:
    """Return document and line of a number; for the README also where its paragraph has the number in Korean."""
    before = (ROOT / document).read_text()[: number.start]
    where = f"{document}:{before.count(chr(10)) + 1}"
    if document != README:
        return where
    korean = (ROOT / KOREAN).read_text().split("\n\n")
    paragraph, above = korean[k := before.count("\n\n")], korean[:k]
    lines = "\n\n".join([*above, paragraph.partition(number.digits)[0]]).count("\n") + 1
    return f"{where} ({KOREAN}:{lines})"


# -- running

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def output_of(name: str) -> str:
    """Return what a source prints; of a document its text. A program runs with one thread, in an empty folder."""
    if not name.startswith(("python", "the code of ")):
        return (ROOT / name).read_text()
    with tempfile.TemporaryDirectory() as folder:
        if name.startswith("python"):
            command = [sys.executable, *shlex.split(name)[1:], "--out", folder]
        else:
            blocks = FENCE.findall((ROOT / name.removeprefix("the code of ")).read_text())
            command = [sys.executable, "-c", "\n".join(code for language, code in blocks if language == "python")]
        threads = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
        run = subprocess.run(command, cwd=folder, env=os.environ | threads, capture_output=True, encoding="utf-8")
    if run.returncode:
        raise SystemExit(f"{name} failed: {run.stderr}")
    return run.stdout


def main(arguments: list[str]) -> int:
    words = [a for a in arguments if a != "--list"]
    wrong = 0
    for source in HELD:
        if not (any(word in source.name for word in words) if words else source.when != "long"):
            continue
        if "--list" in arguments:
            print(f"{source.name} ({source.when})", *(f"    {f.document}: {f.where}" for f in source.figures), sep="\n")
            continue
        found = list(failures(source, output_of(source.name)))
        print(f"{source.name}: {len(source.figures)} sentences and rows, {len(found)} differences", *found,
              sep="\n    ", flush=True)  # fmt: skip
        wrong += len(found)
    return int(wrong > 0)


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
