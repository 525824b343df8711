"""The GAN on a line: drag p_G, or let the two networks of the demo `gan` play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from demos import gan as demo
from demos.tour.play import button, choice, layers, number, slider, thing
from minigen.data.sets import Dataset

BATCH = 256
"""Samples in a step of each player, half of the demo's, so that a step takes a few milliseconds in a browser."""


def game(folder: Path, dataset: Dataset) -> str:
    """Return the HTML of the widget. The networks are those of the demo before its training, with seed 0.

    folder, dataset: not used, since the game begins anew in the page.
    """
    return widget()


def data() -> dict[str, Any]:
    """Return all that the widget needs, as JSON: the mixture of the data, both networks, and the demo's settings."""
    o = demo.options([])
    gan = demo.players(o, np.random.default_rng(0))
    return {
        "weights": demo.WEIGHTS.tolist(),
        "means": demo.MEANS.tolist(),
        "deviations": demo.DEVIATIONS.tolist(),
        "generator": layers(gan.generator),
        "discriminator": layers(gan.discriminator),
        "rates": [o.generator_rate, o.discriminator_rate],
        "steps": o.discriminator_steps,
        "batch": BATCH,
    }


def widget() -> str:
    """Return the HTML of the widget."""
    parts = f"""<h3>Drag p_G, then let two networks play</h3>
<p>Grey: the data. Red: p_G. Green, dashed: the best discriminator D*. Blue: the learned D. The dotted line is ½. Drag
p_G to the left and right, or choose the network and press a button.</p>
<canvas data-part="line" width="1000" height="420" class="line-plot" role="img"
aria-label="densities of the data and of the generator, and both discriminators, over x from −4 to 4"></canvas>
{choice("who", "p_G is made by", {"normal": "a normal distribution", "network": "a network G(z)"})}
<div data-part="drag" class="sliders">{slider("mean", "mean of p_G", -4, 4)}
{slider("width", "standard deviation of p_G", 0.1, 2)}</div>
<div data-part="table"><p class="choices">{button("d", "10 steps of D alone")}{button("g", "10 steps of G alone")}
{button("both", "10 rounds")}{button("slow", "Slow motion")}{button("again", "Same seed again")}</p>
{choice("loss", "G minimises", {"non-saturating": "−E[ln D(G(z))]", "minimax": "E[ln(1 − D(G(z)))]"})}</div>
<p data-part="said" aria-live="polite"></p>
<div class="numbers">{number("value", "V(D, G)", "with the learned D")}
{number("best", "V(D*, G) = 2 JSD − log 4", "with the best D*; at least −log 4 = −1.3863")}
{number("jsd", "2 JSD(p_data, p_G)", "the sum of the two KLs")}
{number("left", "KL(p_data ‖ mean)", "mean = (p_data + p_G)/2")}
{number("right", "KL(p_G ‖ mean)", "nats, as all numbers here")}</div>"""
    return thing("game", parts, data())
