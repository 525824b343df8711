"""The Dirac-GAN: two numbers that play against each other, the path of the game, and the eigenvalues of a step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from demos.gan import BEGIN, ETA, GAMMA
from demos.tour.play import Preset, choice, intro, number, presets, slider, thing
from demos.tour.text import ENGLISH, Language
from minigen.analysis.dynamics import CURVATURES
from minigen.data.sets import Dataset

STEPS = 400
"""The steps of the path."""


def dirac(folder: Path, dataset: Dataset, say: Language) -> str:
    """Return the HTML of the widget.

    folder, dataset: not used, since the game needs no data and no weights. say: language of the texts.
    """
    return widget(say)


def losses(say: Language) -> dict[str, str]:
    """Return the losses of G to choose from, by their names in `minigen.gan.OBJECTIVES`.  say: language."""
    return {
        "minimax": say("ln(1 − D(θ)), minimax"),
        "non-saturating": say("−ln D(θ), non-saturating"),
        "wasserstein": say("−s(θ), Wasserstein"),
    }


def state(eta: float, gamma: float, pace: str) -> dict[str, str]:
    """Return a state with equal learning rates.  eta: of both players. gamma: of R1. pace: of the steps."""
    theta, psi = BEGIN
    numbers = {"etaG": eta, "etaD": eta, "gamma": gamma, "theta": theta, "psi": psi}
    return {"loss": "minimax", "pace": pace, **{name: str(value) for name, value in numbers.items()}}


def states(say: Language) -> list[Preset]:
    """Return the presets; the first is the state at the start.  say: language of the texts."""
    outside = say(
        "Both eigenvalues lie outside the unit circle: each simultaneous step leads away from the equilibrium."
    )
    slow = say("Smaller learning rates slow the spiral down until it looks like a circle, but they do not stop it.")
    inside = say("The penalty pulls both eigenvalues into the unit circle: the same players end in the equilibrium.")
    circle = say("If D moves first and G answers, the eigenvalues lie on the unit circle: the players circle forever.")
    too_much = say(
        "The penalty is too strong for the learning rate of D: each step overshoots 0 by more than the last."
    )
    return [
        Preset(say("Outwards"), state(ETA, 0, "simultaneous"), outside),
        Preset(say("Small steps"), state(ETA / 5, 0, "simultaneous"), slow),
        Preset("R1", state(ETA, GAMMA, "simultaneous"), inside),
        Preset(say("In turn"), state(ETA, 0, "alternating"), circle),
        Preset(say("Too much penalty"), state(1, 2.5, "simultaneous"), too_much),
    ]


def data() -> dict[str, Any]:
    """Return all that the widget needs, as JSON: the state at the start, the steps, and (d, g) of each loss."""
    curvatures = {name: CURVATURES[name] for name in losses(ENGLISH)}
    return {"state": states(ENGLISH)[0].state, "steps": STEPS, "curvatures": curvatures}


def picture(part: str, reach: float, label: str, caption: str) -> str:
    """Return a place for a picture.

    part: its name for the script. reach: it shows −reach to reach on both axes. label: what it shows. caption: below.
    """
    box = f"{-reach} {-reach} {2 * reach} {2 * reach}"
    return f"""<div class="square"><svg data-part="{part}" class="{part}" viewBox="{box}" role="img"
aria-label="{label}"></svg><p class="caption">{caption}</p></div>"""


def widget(say: Language = ENGLISH) -> str:
    """Return the HTML of the widget.  say: language of the texts."""
    head = intro(
        say("The smallest GAN"),
        say("All data are 0. G makes one number θ, and D = σ(s) has one weight ψ: s(x) = ψx."),
        say("At the equilibrium both are 0."),
        say("Drag the start of the path; the grey wedges point where the players go from other places."),
        say("The second picture has the two eigenvalues of a step near the equilibrium, and the unit circle."),
    )
    path = say("path of the game in the plane of θ and ψ, from the start on")
    circle = say("the eigenvalues of a step in the complex plane, and the unit circle")
    sliders = "".join(
        (
            slider("etaG", say("learning rate η_G"), 0.01, 1.5),
            slider("etaD", say("learning rate η_D"), 0.01, 1.5),
            slider("gamma", say("R1 penalty γ"), 0, 5),
            slider("theta", say("θ at the start"), -2, 2),
            slider("psi", say("ψ at the start"), -2, 2),
        )
    )
    parts = f"""{head}{presets("dirac", states(say))}
<div class="boards">{picture("phase", 2, path, say("θ to the right, ψ upwards, both from −2 to 2"))}
{picture("circle", 1.5, circle, say("the complex plane"))}</div>
<p data-part="said" aria-live="polite"></p>
<div class="numbers">{number("roots", say("eigenvalues λ of a step"), say("near the equilibrium"))}
{number("factor", say("largest |λ|"), say("factor of the distance in a step"))}
{number("before", say("√(θ² + ψ²) at the start"), say("distance from the equilibrium"))}
{number("after", say("√(θ² + ψ²) at the end"), say("after {} steps", STEPS))}</div>
<div class="sliders">{sliders}</div>
{choice("pace", say("steps"), {"simultaneous": say("both at once"), "alternating": say("first D, then G")})}
{choice("loss", say("G minimises"), losses(say))}"""
    return thing("dirac", parts, data(), say)
