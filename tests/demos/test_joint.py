"""The joint table of the page: in Chromium, each number is that of minigen.divergences (I-2, I-3, I-5)."""

import re
from dataclasses import replace

import numpy as np
import pytest

from demos.tour import page
from demos.tour.play import joint
from demos.tour.text import ENGLISH
from minigen import digits, divergences
from minigen.markov import MarkovChain
from minigen.table import IndependentBernoulli
from tests.demos.chromium import needs_chromium, seen_by_chromium

DATA = digits()
COUNTS = joint.neighbours(DATA)
IMAGES = np.array([[k >> 2, k >> 1 & 1, k & 1] for k in range(8)])
PRESETS = joint.states(COUNTS, ENGLISH)

DRIVE = """<script type="module">
const root = document.getElementById("joint");
const find = (name) => root.querySelector(`[data-part="${name}"]`);
const state = () => Object.fromEntries(new URLSearchParams(location.hash.split("?")[1]));
const shown = [...root.querySelectorAll("[data-value]")].map((element) => element.dataset.part);
const seen = () => ({
  ...state(), ...Object.fromEntries(shown.map((name) => [name, Number(find(name).dataset.value)])),
  bars: Array.from({length: 8}, (_, k) => Number(find(`p${k}`).style.getPropertyValue("--share"))),
  lines: Array.from({length: 8}, (_, k) => Number(find(`assumed${k}`).dataset.value)),
  finding: find("finding").style.visibility === "visible" ? find("finding").textContent : "",
  undefined: find("both10").textContent,
});
const go = (changes) => {
  location.hash = "joint?" + new URLSearchParams({...state(), ...changes});
  window.dispatchEvent(new HashChangeEvent("hashchange"));
};
const found = {hidden: root.hidden, start: seen()};
STEPS
document.body.textContent = "found " + JSON.stringify(found);
</script>"""


def driven(folder, steps, address=""):
    html = page.document(["<main>", joint.widget(COUNTS), "</main>"])
    drive = DRIVE.replace("STEPS", steps)
    found, console = seen_by_chromium(html.replace("</body>", drive + "</body>"), folder, address=address)
    assert console == []
    assert found["hidden"] is False
    return found


def assumed(p, name):
    """The distribution under an assumption, from the marginal tables of Python."""
    of = lambda *axes: np.expand_dims(divergences.marginal(p, axes), [i for i in range(3) if i not in axes])
    with np.errstate(invalid="ignore"):
        return np.nan_to_num({
            "none": lambda: p,
            "chain": lambda: of(0, 1) * of(1, 2) / of(1),
            "given": lambda: of(0, 2) * of(1, 2) / of(2),
            "independent": lambda: of(0) * of(1) * of(2),
        }[name]())  # fmt: skip


def check(seen, p, name):
    """Compare all numbers of the widget with those of Python.  p: table, (2, 2, 2). name: of the assumption drawn."""
    information = divergences.conditional_mutual_information
    close = lambda value: pytest.approx(value, abs=1e-9)
    assert seen["bars"] == close(p.ravel().tolist())
    assert seen["lines"] == close(assumed(p, name).ravel().tolist())
    losses = {
        "none": 0,
        "chain": information(p, [0], [2], [1]),
        "given": information(p, [0], [1], [2]),
        "independent": divergences.total_correlation(p),
    }
    for of, loss in losses.items():
        assert seen[of] == close(float(loss))
        assert seen[of] == close(float(divergences.kl_divergence(p, assumed(p, of))))
    for pair, (a, b) in {"xy": (0, 1), "yz": (1, 2), "xz": (0, 2)}.items():
        assert seen[pair] == close(float(divergences.mutual_information(p, [a], [b])))
    with np.errstate(invalid="ignore"):
        both, one = p[1] / p.sum(axis=0), p.sum(axis=1)[1] / p.sum(axis=(0, 1))
        turned = p.sum(axis=2)[1, 1] / p.sum(axis=(0, 2))[1]
    for y, z in np.ndindex(2, 2):
        for name, value in (("both", both[y, z]), ("one", one[z])):
            assert seen[f"{name}{y}{z}"] == (None if np.isnan(value) else close(value))
    assert seen["counted"] == seen["turned"] == close(turned)


@needs_chromium
def test_i5_each_assumption_loses_what_the_theory_says(tmp_path, rng):
    """I-5, I-3 in the page. Planted: a chain z ← x → y in place of x → y → z; P(y|x) divided by P(y)."""
    tables = {name: rng.dirichlet(np.ones(8)).reshape(2, 2, 2) for name in ("chain", "given", "independent", "none")}
    steps = "".join(
        f'go({{p: "{" ".join(map(repr, p.ravel().tolist()))}", assumed: "{name}"}}); found.{name} = seen();'
        for name, p in tables.items()
    )
    found = driven(tmp_path, steps)
    for name, p in tables.items():
        check(found[name], p, name)
        assert found[name]["finding"] == ""
    check(found["start"], COUNTS / COUNTS.sum(), "chain")


@needs_chromium
def test_every_preset_sets_its_state_and_shows_its_finding(tmp_path):
    """I-3 in the page: tables with probabilities of 0 too. Planted: P(x|z) divided by P(y)."""
    steps = """
        const click = async (k) => {
          root.querySelectorAll(".presets a")[k].click();
          await new Promise((done) => setTimeout(done, 50));
          found[k] = seen();
        };
        for (let k = 4; k >= 0; k--) await click(k);
    """
    found = driven(tmp_path, steps)
    for k, preset in enumerate(PRESETS):
        p = np.array(preset.state["p"].split(), float).reshape(2, 2, 2)
        check(found[str(k)], p / p.sum(), preset.state["assumed"])
        assert found[str(k)]["finding"] == preset.finding
    seen = [found[str(k)] for k in range(5)]
    assert found["start"]["finding"] == PRESETS[0].finding
    assert seen[0]["chain"] < 0.1 * seen[0]["independent"]
    assert f"{seen[0]['independent']:.3f} nats. A Markov chain loses only {seen[0]['chain']:.3f}" in PRESETS[0].finding
    assert [seen[1][name] for name in ("xy", "yz", "xz")] == pytest.approx([0, 0, 0], abs=1e-12)
    assert seen[1]["independent"] == pytest.approx(np.log(2))
    assert [seen[2][name] for name in ("chain", "independent")] == pytest.approx([0, 2 * np.log(2)], abs=1e-12)
    assert seen[3]["given"] == pytest.approx(0, abs=1e-12)
    assert seen[3]["xy"] > 0.1
    assert seen[4]["xy"] == pytest.approx(0, abs=1e-12)
    assert seen[4]["given"] > 0.1
    assert seen[4]["both11"] < seen[4]["one11"]
    assert seen[4]["undefined"] == "–"  # z = 0 never comes with y = 1


@needs_chromium
def test_a_bar_is_dragged_or_moved_by_the_keyboard_and_the_rest_is_scaled(tmp_path):
    """I-5 in the page, from a table that the reader made. Planted: a rest that is not scaled."""
    steps = """
        const box = find("p3").getBoundingClientRect();
        const at = (kind, share) => find("p3").dispatchEvent(new PointerEvent(kind, {
          clientX: box.left + 5, clientY: box.bottom - share * box.height, bubbles: true, cancelable: true}));
        at("pointerdown", 0.2); at("pointermove", 0.4); found.dragged = seen();
        window.dispatchEvent(new PointerEvent("pointerup")); at("pointermove", 0.9); found.left = state();
        const key = (key) => find("p3").dispatchEvent(new KeyboardEvent("keydown", {key, cancelable: true}));
        key("ArrowUp"); found.up = seen(); key("PageDown"); found.down = seen();
        key("End"); found.one = seen(); key("ArrowDown"); found.spread = seen();
        root.querySelector("input[value=given]").click(); found.ticked = seen();
    """
    found = driven(tmp_path, steps)
    rest = np.delete(COUNTS.ravel(), 3)
    for name, value in {"dragged": 0.4, "up": 0.41, "down": 0.31}.items():
        bars = np.array(found[name]["bars"])
        assert bars[3] == pytest.approx(value, abs=2e-6)
        np.testing.assert_allclose(np.delete(bars, 3), rest / rest.sum() * (1 - value), atol=2e-6)
    assert found["left"]["p"] == found["dragged"]["p"]
    assert found["dragged"]["finding"] == ""
    assert found["one"]["bars"] == [0, 0, 0, 1, 0, 0, 0, 0]
    assert found["spread"]["bars"] == pytest.approx([0.01 / 7] * 3 + [0.99] + [0.01 / 7] * 4, abs=5e-6)
    p = np.array(found["ticked"]["bars"]).reshape(2, 2, 2)
    check(found["ticked"], p, "given")


@needs_chromium
def test_an_address_without_a_table_shows_the_start(tmp_path):
    bad = ["1 1 1 1 1 1 1 -1", "0 0 0 0 0 0 0 0", "a b c d e f g h", "1e999 1 1 1 1 1 1 1"]
    steps = "".join(f'go({{p: "{p}", assumed: "nobody"}}); found[{k}] = seen();' for k, p in enumerate(bad))
    found = driven(tmp_path, steps, "#joint?p=1+2&assumed=nobody")
    for seen in (found["start"], *(found[str(k)] for k in range(len(bad)))):
        check(seen, COUNTS / COUNTS.sum(), "chain")


def test_i2_the_parameters_are_those_of_the_models():
    """I-2 in the page: the rows of the table have 7, 5, 5 and 3."""
    rows = re.findall(r"<td>([^<=]*) = (\d+)</td>", joint.widget(COUNTS))
    assert rows == [("2ⁿ − 1", "7"), ("2n − 1", "5"), ("1 + 2 + 2", "5"), ("n", "3")]


@pytest.mark.parametrize(("name", "model"), [("chain", MarkovChain(3)), ("independent", IndependentBernoulli(3))])
def test_the_lines_are_the_maximum_likelihood_fit(name, model):
    """I-4: fitted to as many images as the table counts."""
    model.fit(np.repeat(IMAGES, COUNTS.ravel(), axis=0), smoothing=0)
    np.testing.assert_allclose(
        np.exp(model.log_prob(IMAGES).data), assumed(COUNTS / COUNTS.sum(), name).ravel(), rtol=1e-5
    )


def test_the_pixels_at_the_start_are_the_neighbours_that_tell_most_about_each_other():
    images = DATA.train.images.reshape(-1, 8, 8)
    gains = {}
    for row in range(6):
        for column in range(8):
            x, y, z = images[:, row : row + 3, column].T
            table = np.histogramdd(np.stack([x, y, z], axis=1), bins=2)[0]
            gains[row, column] = np.subtract(*joint.losses(table)), table
    np.testing.assert_array_equal(max(gains.values(), key=lambda found: found[0])[1], COUNTS)


def test_no_widget_for_images_of_two_rows(tmp_path):
    part = replace(DATA.train, images=DATA.train.images[:, :16])
    assert joint.joint(tmp_path, replace(DATA, shape=(2, 8), train=part), ENGLISH) == ""
    assert "joint table" in joint.joint(tmp_path, DATA, ENGLISH)
