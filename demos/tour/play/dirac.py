"""The Dirac-GAN: two numbers that play against each other, the path of the game, and the eigenvalues of a step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from demos.gan import BEGIN, ETA, GAMMA
from demos.tour.play import Preset, choice, number, presets, slider, thing
from minigen.analysis.dynamics import CURVATURES
from minigen.data.sets import Dataset

OBJECTIVES = {
    "minimax": "ln(1 − D(θ)), minimax",
    "non-saturating": "−ln D(θ), non-saturating",
    "wasserstein": "−s(θ), Wasserstein",
}
"""The losses of G to choose from, by their names in `minigen.gan.OBJECTIVES`."""

STEPS = 400
"""The steps of the path."""


def state(eta: float, gamma: float, pace: str) -> dict[str, str]:
    """Return a state with equal learning rates.  eta: of both players. gamma: of R1. pace: of the steps."""
    theta, psi = BEGIN
    return {"loss": "minimax", "pace": pace, "etaG": str(eta), "etaD": str(eta), "gamma": str(gamma), "theta": str(theta),
            "psi": str(psi)}  # fmt: skip


PRESETS = [
    Preset("Outwards", state(ETA, 0, "simultaneous"),
           "Both eigenvalues lie outside the unit circle: each simultaneous step leads away from the equilibrium."),
    Preset("Small steps", state(ETA / 5, 0, "simultaneous"),
           "Smaller learning rates slow the spiral down until it looks like a circle, but they do not stop it."),
    Preset("R1", state(ETA, GAMMA, "simultaneous"),
           "The penalty pulls both eigenvalues into the unit circle: the same players end in the equilibrium."),
    Preset("In turn", state(ETA, 0, "alternating"),
           "If D moves first and G answers, the eigenvalues lie on the unit circle: the players circle forever."),
    Preset("Too much penalty", state(1, 2.5, "simultaneous"),
           "The penalty is too strong for the learning rate of D: each step overshoots 0 by more than the step before."),
]  # fmt: skip
"""The first is the state at the start."""


def dirac(folder: Path, dataset: Dataset) -> str:
    """Return the HTML of the widget.  folder, dataset: not used, since the game needs no data and no weights."""
    return widget()


def data() -> dict[str, Any]:
    """Return all that the widget needs, as JSON: the state at the start, the steps, and (d, g) of each loss."""
    return {"state": PRESETS[0].state, "steps": STEPS, "curvatures": {name: CURVATURES[name] for name in OBJECTIVES}}


def widget() -> str:
    """Return the HTML of the widget."""
    parts = f"""<h3>The smallest GAN</h3>
<p>All data are 0. G makes one number θ, and D = σ(s) has one weight ψ: s(x) = ψx. At the equilibrium both are 0. Drag
the start of the path; the grey wedges point where the players go from other places. The right picture has the two
eigenvalues of a step near the equilibrium, and the unit circle.</p>
{presets("dirac", PRESETS)}
<div class="boards"><div class="square"><svg data-part="plane" class="game-plane" viewBox="-2 -2 4 4" role="img"
aria-label="path of the game in the plane of θ and ψ, from the start on"></svg>
<p class="caption">θ to the right, ψ upwards, both from −2 to 2</p></div>
<div class="square"><svg data-part="circle" class="circle" viewBox="-1.5 -1.5 3 3" role="img"
aria-label="the eigenvalues of a step in the complex plane, and the unit circle"></svg>
<p class="caption">the complex plane</p></div></div>
<p data-part="said" aria-live="polite"></p>
<div class="numbers">{number("roots", "eigenvalues λ of a step", "near the equilibrium")}
{number("factor", "largest |λ|", "factor of the distance in a step")}
{number("before", "√(θ² + ψ²) at the start", "distance from the equilibrium")}
{number("after", "√(θ² + ψ²) at the end", f"after {STEPS} steps")}</div>
<div class="sliders">{slider("etaG", "learning rate η_G", 0.01, 1.5)}{slider("etaD", "learning rate η_D", 0.01, 1.5)}
{slider("gamma", "R1 penalty γ", 0, 5)}{slider("theta", "θ at the start", -2, 2)}{slider("psi", "ψ at the start", -2, 2)}
</div>
{choice("pace", "steps", {"simultaneous": "both at once", "alternating": "first D, then G"})}
{choice("loss", "G minimises", OBJECTIVES)}"""
    return thing("dirac", parts, data())
