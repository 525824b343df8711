"""The GAN on a line: drag p_G, or let the two networks of the demo `gan` play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from demos import gan as demo
from demos.tour.play import button, choice, intro, layers, number, slider, thing
from demos.tour.text import ENGLISH, Language
from minigen.data.sets import Dataset

BATCH = 256
"""Samples in a step of each player, half of the demo's, so that a step takes a few milliseconds in a browser."""


def game(folder: Path, dataset: Dataset, say: Language) -> str:
    """Return the HTML of the widget. The networks are those of the demo before its training, with seed 0.

    folder, dataset: not used, since the game begins anew in the page. say: language of the texts.
    """
    return widget(say)


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


def widget(say: Language = ENGLISH) -> str:
    """Return the HTML of the widget.  say: language of the texts."""
    head = intro(
        say("Drag p_G, then let two networks play"),
        say("Grey: the data. Red: p_G. Green, dashed: the best discriminator D*. Blue: the learned D."),
        say("The dotted line is ½. Drag p_G to the left and right, or choose the network and press a button."),
    )
    drawn = say("densities of the data and of the generator, and both discriminators, over x from −4 to 4")
    makers = {"normal": say("a normal distribution"), "network": say("a network G(z)")}
    losses = {"non-saturating": "−E[ln D(G(z))]", "minimax": "E[ln(1 − D(G(z)))]"}
    steps = "".join(
        (
            button("d", say("10 steps of D alone")),
            button("g", say("10 steps of G alone")),
            button("both", say("10 rounds")),
            button("slow", say("Slow motion")),
            button("again", say("Same seed again")),
        )
    )
    least = say("with the best D*; at least −log 4 = −1.3863")
    parts = f"""{head}
<canvas data-part="line" width="1000" height="420" class="line-plot" role="img" aria-label="{drawn}"></canvas>
{choice("who", say("p_G is made by"), makers)}
<div data-part="drag" class="sliders">{slider("mean", say("mean of p_G"), -4, 4)}
{slider("width", say("standard deviation of p_G"), 0.1, 2)}</div>
<div data-part="table"><p class="choices">{steps}</p>
{choice("loss", say("G minimises"), losses)}</div>
<p data-part="said" aria-live="polite"></p>
<div class="numbers">{number("value", "V(D, G)", say("with the learned D"))}
{number("best", "V(D*, G) = 2 JSD − log 4", least)}
{number("jsd", "2 JSD(p_data, p_G)", say("the sum of the two KLs"))}
{number("left", "KL(p_data ‖ m)", "m = (p_data + p_G)/2")}
{number("right", "KL(p_G ‖ m)", say("nats, as all numbers here"))}</div>"""
    return thing("game", parts, data(), say)
