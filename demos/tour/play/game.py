"""The GAN on a line: drag p_G, or let the two networks of the demo `gan` play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from demos import gan as demo
from demos.tour.play import Preset, button, choice, intro, layers, number, presets, slider, thing
from demos.tour.text import ENGLISH, Language
from minigen import divergences
from minigen.data.sets import Dataset

BATCH = 256
"""Samples in a step of each player, half of the demo's, so that a step takes a few milliseconds in a browser."""


def game(folder: Path, dataset: Dataset, say: Language) -> str:
    """Return the HTML of the widget. The networks are those of the demo before its training, with seed 0.

    folder, dataset: not used, since the game begins anew in the page. say: language of the texts.
    """
    return widget(say)


def masses(mean: Any, width: Any) -> np.ndarray:
    """Return the probability of each cell of the line, from −6 to 6, under normal distributions: (…, 480).

    mean, width: of each distribution, (…).
    """
    x = -6 + 12 / 480 * (np.arange(480) + 0.5)
    p = np.exp(-0.5 * ((x - np.asarray(mean)[..., None]) / np.asarray(width)[..., None]) ** 2)
    return p / p.sum(axis=-1, keepdims=True)


def nearest(p_data: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of the normal distribution with the least JSD from the data, to 0.05.

    p_data: probability of each cell, (480,).
    """
    grid = np.stack(np.meshgrid(np.arange(-2, 2, 0.05), np.arange(0.1, 2, 0.05)), axis=-1).reshape(-1, 2)
    best = grid[np.argmin([divergences.js_divergence(p_data, p) for p in masses(grid[:, 0], grid[:, 1])])]
    return float(best[0]), float(best[1])


def states(say: Language) -> list[Preset]:
    """Return the presets. They do not depend on the run.  say: language of the texts."""
    p_data = demo.WEIGHTS @ masses(demo.MEANS, demo.DEVIATIONS)
    state = lambda mean, width: {"who": "normal", "mean": f"{mean:g}", "width": f"{width:g}"}
    far, one, near = (3, 0.2), (float(demo.MEANS[0]), float(demo.DEVIATIONS[0])), tuple(np.round(nearest(p_data), 2))
    value = lambda at: f"{float(divergences.optimal_value(p_data, masses(*at))):.4f}".replace("-", "−")
    lost = lambda at: f"{2 * float(divergences.js_divergence(p_data, masses(*at))):.4f}"
    return [
        Preset(
            say("p_G far away"),
            state(*far),
            say("D* is sure almost everywhere: V(D*, G) is {value}, and no value is above 0.", value=value(far)),
        ),
        Preset(
            say("One mode alone"),
            state(*one),
            say("p_G lies on one mode of the data. At the other mode D* is near 1, and 2 JSD is {lost} nats.",
                lost=lost(one)),
        ),
        Preset(
            say("As near as it gets"),
            state(*near),
            say("2 JSD is {lost} nats, nearly the least of a normal distribution. It is not 0: p_G has one mode.",
                lost=lost(near)),
        ),
        Preset(
            say("D learns alone"),
            {"who": "network", "moves": "d60", "loss": "non-saturating", "seed": "0"},
            say("D took 60 steps and G took none: V(D, G) has risen toward V(D*, G), which it cannot exceed."),
        ),
    ]  # fmt: skip


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
{presets("game", states(say))}
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
