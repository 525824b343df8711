"""The Dirac-GAN of the page: in Chromium, paths and eigenvalues are those of minigen.analysis.dynamics (G-9)."""

import json

import numpy as np
import pytest

from demos.tour import page
from demos.tour.play import dirac
from demos.tour.text import ENGLISH
from minigen.analysis.dynamics import DiracGAN
from tests.demos.chromium import needs_chromium, seen_by_chromium

PRESETS = dirac.states(ENGLISH)
COMPARED = 60
"""The steps that are compared with Python, which takes some milliseconds for each."""

DRIVE = """<script type="module">
const root = document.getElementById("dirac");
const find = (name) => root.querySelector(`[data-part="${name}"]`);
const state = () => Object.fromEntries(new URLSearchParams(location.hash.split("?")[1]));
const names = ["roots", "factor", "before", "after"];
const seen = () => ({
  ...state(), ...Object.fromEntries(names.map((name) => [name, JSON.parse(find(name).dataset.value)])),
  path: root.path, said: find("said").textContent,
  finding: find("finding").style.visibility === "visible" ? find("finding").textContent : "",
  dots: [...root.querySelectorAll(".root")].map((dot) => [Number(dot.getAttribute("cx")), -dot.getAttribute("cy")]),
  text: root.textContent,
});
const go = (changes) => {
  location.hash = "dirac?" + new URLSearchParams({...state(), ...changes});
  window.dispatchEvent(new HashChangeEvent("hashchange"));
};
const found = {hidden: root.hidden, start: seen()};
STEPS
document.body.textContent = "found " + JSON.stringify(found);
</script>"""


def driven(folder, steps):
    html = page.document(["<main>", dirac.widget(), "</main>"])
    found, console = seen_by_chromium(html.replace("</body>", DRIVE.replace("STEPS", steps) + "</body>"), folder)
    assert console == []
    assert found["hidden"] is False
    return found


def expected(state):
    """(the first COMPARED steps of the path, eigenvalues of a step) by Python for a state of the widget."""
    game = DiracGAN(state["loss"], "r1", float(state["gamma"]))
    eta, alternating = (float(state["etaG"]), float(state["etaD"])), state["pace"] == "alternating"
    path = game.trajectory((float(state["theta"]), float(state["psi"])), eta, COMPARED, alternating)
    return path, np.linalg.eigvals(game.step_matrix(eta, alternating))


def check(seen, state):
    path, roots = expected(state)
    shown = np.array(seen["path"], float)
    assert len(shown) == dirac.STEPS + 1
    np.testing.assert_allclose(shown[: COMPARED + 1], path, rtol=1e-7, atol=1e-9)
    for found in (seen["roots"], seen["dots"]):
        np.testing.assert_allclose(
            np.sort_complex([complex(*root) for root in found]), np.sort_complex(roots), atol=1e-7
        )
    assert seen["factor"] == pytest.approx(np.max(np.abs(roots)), abs=1e-7)
    assert seen["before"] == pytest.approx(np.linalg.norm(path[0]))
    assert seen["after"] == pytest.approx(np.linalg.norm(shown[-1]))


STATES = [
    {"loss": loss, "pace": pace, "etaG": etaG, "etaD": etaD, "gamma": gamma, "theta": theta, "psi": psi}
    for loss in dirac.losses(ENGLISH)
    for pace in ("simultaneous", "alternating")
    for etaG, etaD, gamma, theta, psi in ((0.3, 0.1, 0, 0.6, -0.8), (0.1, 0.4, 0.7, -1.2, 0.5), (0.5, 0.6, 3, 1, 1))
]


@needs_chromium
def test_g9_paths_and_eigenvalues_are_those_of_python(tmp_path):
    """G-9 in the page. Planted: alternating steps whose G answers the old ψ; a matrix without the penalty;
    the saturating slope of G in place of the non-saturating one."""
    steps = f"for (const [k, changes] of {json.dumps(STATES)}.entries()) {{ go(changes); found[k] = seen(); }}"
    found = driven(tmp_path, steps)
    for k, state in enumerate(STATES):
        check(found[str(k)], state)
    assert {sum(abs(root[1]) > 0 for root in found[str(k)]["roots"]) for k in range(len(STATES))} == {0, 2}


@needs_chromium
def test_every_preset_sets_its_state_and_its_finding_is_true(tmp_path):
    steps = """
        const links = root.querySelectorAll(".presets a");
        for (let k = links.length - 1; k >= 0; k--) {
          links[k].click();
          await new Promise((done) => setTimeout(done, 50));
          found[k] = seen();
        }
    """
    found = driven(tmp_path, steps)
    seen = [found[str(k)] for k in range(len(PRESETS))]
    for now, preset in zip(seen, PRESETS, strict=True):
        check(now, preset.state)
        assert now["finding"] == preset.finding
    assert found["start"]["finding"] == PRESETS[0].finding
    outwards, small, r1, in_turn, too_much = seen
    growth = lambda now: now["after"] / now["before"]
    assert outwards["factor"] > 1
    assert growth(outwards) > 3
    assert small["factor"] > 1
    assert 1 < growth(small) < 1.15
    assert r1["factor"] < 1
    assert r1["after"] < 1e-6
    assert in_turn["factor"] == pytest.approx(1, abs=1e-12)
    distances = np.linalg.norm(in_turn["path"], axis=1) / in_turn["before"]
    assert np.all(np.abs(distances - 1) < 0.1)
    assert too_much["factor"] > 1
    assert "move away from it: the distance doubles in 2 steps" in too_much["said"]
    signs = np.sign(np.array(too_much["path"], float)[1:40, 1])
    assert np.all(signs[1:] == -signs[:-1])
    halving = round(np.log(2) / -np.log(r1["factor"]))
    assert f"spiral into it: the distance halves in {halving} steps" in r1["said"]
    doubling = round(np.log(2) / np.log(outwards["factor"]))
    assert f"the distance doubles in {doubling} steps" in outwards["said"]
    assert "the players circle" in in_turn["said"]


@needs_chromium
def test_the_start_is_dragged_and_the_sliders_and_choices_change_the_game(tmp_path):
    steps = """
        const box = find("phase").getBoundingClientRect();
        const at = (kind, x, y) => find("phase").dispatchEvent(new PointerEvent(kind, {
          clientX: box.left + x * box.width, clientY: box.top + y * box.height, cancelable: true}));
        at("pointerdown", 0.5, 0.5); at("pointermove", 0.75, 0.125); found.dragged = seen();
        window.dispatchEvent(new PointerEvent("pointerup")); at("pointermove", 0.1, 0.1); found.left = state();
        find("gamma").value = 4; find("gamma").dispatchEvent(new Event("input")); found.slid = seen();
        root.querySelector("input[value=wasserstein]").click();
        root.querySelector("input[value=alternating]").click(); found.chosen = seen();
    """
    found = driven(tmp_path, steps)
    assert [float(found["dragged"][name]) for name in ("theta", "psi")] == pytest.approx([1, 1.5], abs=0.02)
    assert found["left"] == {name: found["dragged"][name] for name in found["left"]}
    assert found["dragged"]["finding"] == ""
    for name in ("dragged", "slid", "chosen"):
        check(found[name], found[name])
    assert "γ = 4.00" in found["slid"]["text"]
    assert "approach it without circling" in found["slid"]["said"]
    assert (found["chosen"]["loss"], found["chosen"]["pace"]) == ("wasserstein", "alternating")


@needs_chromium
def test_a_path_that_is_not_finite_stops_and_says_so(tmp_path):
    """G-9 in the page: a modulus above 1 leads to infinity. Planted: a path that goes on."""
    steps = """
        go({etaD: "1.5", gamma: "5", etaG: "1.5"}); found.wild = seen();
        go({etaD: "x", gamma: "", loss: "nothing"}); found.nonsense = seen();
    """
    found = driven(tmp_path, steps)
    path = np.array(found["wild"]["path"], float)
    assert len(path) < dirac.STEPS
    assert np.all(np.isfinite(path))
    assert np.max(np.abs(path)) > 1e200
    assert f"The path stops after {len(path) - 1} steps" in found["wild"]["said"]
    assert found["wild"]["after"] is None
    assert "NaN" not in found["wild"]["text"]
    assert "Infinity" not in found["wild"]["text"]
    check(found["nonsense"], {**PRESETS[0].state, "etaG": "1.5"})
