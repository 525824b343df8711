"""A joint table of three pixels: drag the probabilities, and see what each independence assumption loses."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from demos.tour.play import Preset, intro, number, presets, thing
from demos.tour.text import ENGLISH, Language
from minigen import divergences
from minigen.data.sets import Dataset
from minigen.markov import MarkovChain
from minigen.table import FullTable, IndependentBernoulli


class Assumption(NamedTuple):
    """An independence assumption about x, y and z.

    name: in the state. title: of the row. formula: of the number of parameters. parameters: this number.
    loss: the quantity of information that the assumption loses.
    """

    name: str
    title: str
    formula: str
    parameters: int
    loss: str


def assumptions(say: Language) -> list[Assumption]:
    """Return the rows of the table of assumptions.  say: language of the titles."""
    total = "H(x) + H(y) + H(z) − H(x, y, z)"
    return [
        Assumption("none", say("no assumption"), "2ⁿ − 1", FullTable(3).num_parameters, ""),
        Assumption("chain", say("Markov chain x → y → z"), "2n − 1", MarkovChain(3).num_parameters, "I(x; z|y)"),
        Assumption("given", "x ⊥ y | z: P(z) P(x|z) P(y|z)", "1 + 2 + 2", 1 + 2 + 2, "I(x; y|z)"),
        Assumption("independent", say("independent pixels"), "n", IndependentBernoulli(3).num_parameters, total),
    ]


def joint(folder: Path, dataset: Dataset, say: Language) -> str:
    """Return the HTML of the widget. It starts from three neighbouring pixels of the training images.

    folder: of the tour, not used. dataset: of `--data`, binary images. say: language of the texts. The result is "" for
    images of fewer than three rows.
    """
    return widget(neighbours(dataset), say) if dataset.shape[0] >= 3 else ""


def neighbours(dataset: Dataset) -> np.ndarray:
    """Return how many training images have each value of three pixels below each other: (2, 2, 2), axes x, y, z.

    The result is of the place where a Markov chain saves most against independent pixels: I(x; y) + I(y; z) is largest.
    """
    images = dataset.train.images.reshape(-1, *dataset.shape).astype(int)
    cells = 4 * images[:, :-2] + 2 * images[:, 1:-1] + images[:, 2:]
    tables = [np.bincount(places, minlength=8) for places in cells.reshape(len(images), -1).T]
    return max((table.reshape(2, 2, 2) for table in tables), key=lambda table: np.subtract(*losses(table)))


def losses(counts: np.ndarray) -> tuple[float, float]:
    """Return the nats that independent pixels lose, and the nats that a Markov chain loses.  counts: (2, 2, 2)."""
    p = counts / counts.sum()
    return float(divergences.total_correlation(p)), float(divergences.conditional_mutual_information(p, [0], [2], [1]))


def states(counts: np.ndarray, say: Language) -> list[Preset]:
    """Return the presets; the first is the state at the start.

    counts: of three neighbouring pixels, (2, 2, 2). say: language of the texts.
    """
    independent, chain = losses(counts)
    state = lambda cells, assumed: {"p": " ".join(map(str, np.ravel(cells))), "assumed": assumed}
    of_images = say(
        "In the training images, independent pixels lose {independent:.3f} nats. A Markov chain loses only "
        "{chain:.3f} nats, since it keeps what neighbours tell about each other.",
        independent=independent,
        chain=chain,
    )
    of_xor = say(
        "Each pair of pixels is independent, and yet the three are not: two of them determine the third, and "
        "independent pixels lose ln 2."
    )
    of_copy = say("The three pixels are always equal: a chain loses nothing, independent pixels lose 2 ln 2.")
    of_cause = say(
        "x and y are noisy copies of z: x ⊥ y | z holds and loses nothing, but I(x; y) > 0, so x ⊥ y does not hold."
    )
    of_effect = say(
        "z = 1 if x or y is 1: x ⊥ y holds, but not given z, since y = 1 already explains z = 1 and makes x = 1 less "
        "probable."
    )
    return [
        Preset(say("Three neighbouring pixels"), state(counts, "chain"), of_images),
        Preset("XOR", state([1, 0, 0, 1, 0, 1, 1, 0], "independent"), of_xor),
        Preset(say("A copy"), state([1, 0, 0, 0, 0, 0, 0, 1], "chain"), of_copy),
        Preset(say("A common cause"), state([81, 1, 9, 9, 9, 9, 1, 81], "given"), of_cause),
        Preset(say("Explained away"), state([1, 0, 0, 1, 0, 1, 0, 1], "given"), of_effect),
    ]


def cell(k: int) -> str:
    """Return one bar of the table.  k: 4x + 2y + z."""
    x, y, z = k >> 2, k >> 1 & 1, k & 1
    squares = "".join(f'<rect class="p{value}" x="1" y="{10 * i + 1}" width="8" height="8"/>'
                      for i, value in enumerate((x, y, z)))  # fmt: skip
    return f"""<div class="cell"><div class="column" data-part="p{k}" role="slider" tabindex="0" aria-valuemin="0"
aria-valuemax="1" aria-orientation="vertical" aria-label="P(x = {x}, y = {y}, z = {z})"></div>
<svg viewBox="0 0 10 30" aria-hidden="true">{squares}</svg>
<b data-part="value{k}"></b><i data-part="assumed{k}"></i></div>"""


def row(assumption: Assumption) -> str:
    """Return a row of the table of assumptions, with its radio button."""
    name, title, formula, parameters, loss = assumption
    return f"""<tr><td><label><input type="radio" name="assumed" value="{name}"> {title}</label></td>
<td>{formula} = {parameters}</td><td><b data-part="{name}"></b><br><small>{loss}</small></td></tr>"""


def widget(counts: np.ndarray, say: Language = ENGLISH) -> str:
    """Return the HTML of the widget.

    counts: of the three pixels at the start, (2, 2, 2), axes x, y, z. say: language of the texts.
    """
    found = states(counts, say)
    head = intro(
        say("A joint table of three pixels"),
        say("x, y and z are three pixels, one below the other. Each bar is the probability of one of the 2³ images."),
        say("Drag a bar, or move it by the arrow keys; the others are scaled, so that the sum stays 1."),
        say("The red lines are the best distribution under the assumption that you choose."),
        say("The assumption loses KL(p ‖ q), in nats: p is the table, and q are the red lines."),
    )
    conditions = "".join(
        f'<tr><td>y = {y}, z = {z}</td><td data-part="both{y}{z}"></td><td data-part="one{y}{z}"></td></tr>'
        for z in (0, 1)
        for y in (0, 1)
    )
    pairs = "".join(number(f"{a}{b}", f"I({a}; {b})", say("0 if {}", f"{a} ⊥ {b}")) for a, b in ("xy", "yz", "xz"))
    columns = "".join(f"<th>{title}</th>" for title in (say("assumption"), say("parameters"), say("nats lost")))
    parts = f"""{head}{presets("joint", found)}
<div class="eight" role="group" aria-label="{say("joint table")}">{"".join(cell(k) for k in range(8))}</div>
<div class="scroll" tabindex="0"><table><thead><tr>{columns}</tr></thead>
<tbody aria-live="polite">{"".join(map(row, assumptions(say)))}</tbody></table></div>
<div class="numbers">{pairs}</div>
<div class="scroll" tabindex="0"><table>
<thead><tr><th>{say("if")}</th><th>P(x = 1|y, z)</th><th>P(x = 1|z)</th></tr></thead>
<tbody>{conditions}</tbody></table></div>
<p class="caption">{say("The two columns are equal if x ⊥ y | z.")}</p>
<p>{say("Bayes' rule gives P(x = 1|y = 1) in two ways:")}<br>
P(x = 1, y = 1) / P(y = 1) = <span data-part="counted"></span><br>
P(y = 1|x = 1) P(x = 1) / P(y = 1) = <span data-part="turned"></span></p>"""
    return thing("joint", parts, found[0].state, say)
