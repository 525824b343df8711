"""The canvas of the page: in Chromium, every number that it shows is the number that Python computes."""

import itertools
import json
import re

import numpy as np
import pytest

from demos.tour import page
from demos.tour.play import canvas
from demos.tour.text import ENGLISH
from minigen import AR, NADE, MarkovChain, digits
from minigen.nn.functions import sigmoid
from minigen.pixelrnn import PixelRNN
from minigen.table import IndependentBernoulli
from tests.demos.chromium import needs_chromium, seen_by_chromium
from tests.demos.things import Things

DATA = digits()
X = DATA.test.images[7].copy()
X[0] = 1  # so that the walk over the pixels cannot leave out the first


def models():
    """Five models of the digits with weights that matter: fitted, or random."""
    rng = np.random.default_rng(0)
    ar, nade, lstm = AR(64, 63), NADE(64, 20, rng=rng), PixelRNN(DATA.shape, "raster", 12, rng=rng)
    for model in (ar, nade, lstm):
        model.flat[...] = rng.normal(size=model.flat.shape) * 0.3
    train = DATA.train.images
    counted = {"independent": IndependentBernoulli(64).fit(train), "Markov": MarkovChain(64).fit(train)}
    return counted | {"FVSBN": ar, "NADE": nade, "Pixel-RNN": lstm}


MODELS = models()
DRIVE = """<script type="module">
const root = document.getElementById("canvas");
const find = (name) => root.querySelector(`[data-part="${name}"]`);
const state = () => Object.fromEntries(new URLSearchParams(location.hash.split("?")[1]));
const seen = () => ({
  ...state(),
  nll: Object.fromEntries([...root.querySelectorAll(".bar")]
    .map((bar) => [bar.dataset.model, Number(bar.dataset.nll)])),
  map: [...find("map").children].map((cell) => Number(cell.title.split(": ")[1])),
  painted: [...find("paint").children].map((cell) => cell.getAttribute("aria-pressed") === "true" ? 1 : 0).join(""),
  text: root.textContent,
});
const go = (changes) => {
  location.hash = "canvas?" + new URLSearchParams({...state(), ...changes});
  window.dispatchEvent(new HashChangeEvent("hashchange"));
};
const point = (kind, cell) => {
  const box = cell.getBoundingClientRect();
  const where = {clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true, cancelable: true};
  cell.dispatchEvent(new PointerEvent(kind, where));
};
const key = (name) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true}));
const found = {hidden: root.hidden, start: seen()};
STEPS
document.body.textContent = "found " + JSON.stringify(found);
</script>"""


def driven(folder, steps, **state):
    """What the page shows after the steps, JavaScript that fills `found`, beginning in a state."""
    html = page.document(["<main><header></header>", canvas.widget(MODELS, DATA), "</main>"])
    address = "#canvas?" + "&".join(f"{key}={value}" for key, value in state.items()) if state else ""
    found, console = seen_by_chromium(
        html.replace("</body>", DRIVE.replace("STEPS", steps) + "</body>"), folder, "--window-size=1000,1400",
        address=address,
    )  # fmt: skip
    assert console == []
    assert found["hidden"] is False
    return found


def text(x):
    return "".join(str(int(pixel)) for pixel in x)


def logits(model, x):
    """The logits of all pixels by the model's own functions."""
    if isinstance(model, AR | NADE | PixelRNN):
        return model.logits(x[None].astype(np.float32)).data[0]
    if isinstance(model, IndependentBernoulli):
        return model.logits.data
    return model.logits.data[model.rows(x[None].astype(int))[0], 0]


def mulberry(seed):
    """The generator of state.js, in whole numbers."""
    a, mask = seed, 0xFFFFFFFF
    while True:
        a = (a + 0x6D2B79F5) & mask
        t = (a ^ (a >> 15)) * (a | 1) & mask
        t ^= (t + ((t ^ (t >> 7)) * (t | 61) & mask)) & mask
        yield ((t ^ (t >> 14)) & mask) / 2**32


@needs_chromium
def test_the_likelihoods_maps_and_influences_are_those_of_python(tmp_path):
    """N-1 and R-6 in the page. Planted: NADE does not add the row of the first pixel; the output gate of
    the LSTM is left out.
    """
    pixel = 19
    steps = "".join(
        f"go({{model: {model!r}, look: {look!r}}}); found[{f'{model} {look}'!r}] = seen();"
        for model, look in itertools.product(MODELS, ("expected", "influence"))
    )
    found = driven(tmp_path, steps, x=text(X), pixel=pixel)
    flipped = X.copy()
    flipped[pixel] = 1 - X[pixel]
    for name, model in MODELS.items():
        here, moved = sigmoid(logits(model, X)), sigmoid(logits(model, flipped)) - sigmoid(logits(model, X))
        nll = -float(model.log_prob(X[None]).data[0])
        assert found["start"]["nll"][name] == pytest.approx(nll, abs=1e-4)
        assert found[f"{name} expected"]["map"] == pytest.approx(here.tolist(), abs=6e-4)
        assert found[f"{name} influence"]["map"] == pytest.approx(moved.tolist(), abs=6e-4)
        below = int(np.sum(-model.log_prob(DATA.test.images).data > nll + 1e-3))
        assert f"less probable: {below} of {len(DATA.test)} test digits" in found["start"]["text"]


@needs_chromium
def test_pixels_are_painted_by_pointer_and_by_keys_and_the_address_follows(tmp_path):
    found = driven(
        tmp_path,
        """
        const cells = [...find("paint").children];
        point("pointerdown", cells[9]); point("pointermove", cells[10]); point("pointermove", cells[18]);
        point("pointerup", cells[18]); point("pointermove", cells[19]);
        found.dragged = seen();
        key("ArrowDown"); key("ArrowLeft"); key(" ");
        found.typed = seen();
        find("shift").click();
        found.shifted = seen();
        find("blank").click();
        found.blank = seen();
        """,
        x="0" * 64,
    )
    pixels = lambda where: "".join("1" if i in where else "0" for i in range(64))
    assert found["dragged"]["x"] == found["dragged"]["painted"] == pixels({9, 10, 18})
    assert found["typed"]["x"] == found["typed"]["painted"] == pixels({9, 10, 18, 25})
    assert found["shifted"]["x"] == pixels({10, 11, 19, 26})
    assert found["blank"]["x"] == "0" * 64
    blank = -float(MODELS["NADE"].log_prob(np.zeros((1, 64))).data[0])
    assert found["blank"]["nll"]["NADE"] == pytest.approx(blank, abs=1e-4)


@needs_chromium
@pytest.mark.parametrize("name", MODELS)
def test_an_image_is_drawn_from_the_model_and_the_same_seed_draws_it_again(name, tmp_path):
    """N-1: each pixel is drawn from its conditional. Planted: it is drawn with the probability of the other value."""
    steps = """
        find("draw").click(); found.drawn = seen();
        find("complete").click(); found.completed = seen();
        go({seed: 3}); find("draw").click(); found.again = seen();
    """
    found = driven(tmp_path, steps, x=text(X), model=name, seed=3, row=5)
    for seed, first, drawn in ((3, 0, found["drawn"]["x"]), (4, 40, found["completed"]["x"])):
        uniform, x = mulberry(seed), np.array([*map(int, drawn)])
        p = sigmoid(logits(MODELS[name], x))
        assert [int(next(uniform) < p[i]) for i in range(first, 64)] == x[first:].tolist()
    assert found["completed"]["x"][:40] == found["drawn"]["x"][:40]
    assert found["again"]["x"] == found["drawn"]["x"]


@needs_chromium
def test_an_address_that_is_no_state_is_the_default_state(tmp_path):
    found = driven(tmp_path, "", x="012", model="none", seed=1)
    assert found["start"]["painted"] == text(canvas_digit())


def canvas_digit():
    return [int(pixel) for pixel in canvas.data(MODELS, DATA)["digits"][0]]


@needs_chromium
def test_the_digit_of_the_canvas_is_published(tab):
    things = Things(tab, canvas.widget(MODELS, DATA), address=f"#canvas?x={text(X)}")
    tab.evaluate(
        "heard = []; document.addEventListener('digit', () => heard.push(document.documentElement.dataset.digit))"
    )
    digit = "document.documentElement.dataset.digit"
    assert tab.evaluate(digit) == text(X)
    things.paint(5)
    painted = text(X)[:5] + str(1 - int(X[5])) + text(X)[6:]
    assert tab.evaluate(digit) == things.state()["x"] == painted
    things.go("canvas", x=painted, look="influence")
    assert tab.evaluate("heard") == [painted]


@needs_chromium
def test_every_preset_shows_its_state_and_what_it_found(tab):
    things, presets = Things(tab, canvas.widget(MODELS, DATA)), canvas.states(MODELS, DATA, ENGLISH)
    assert len(presets) == 5
    nll = "Number(document.querySelector('#canvas .bar[data-model=NADE]').dataset.nll)"
    for k, preset in enumerate(presets, 1):
        tab.evaluate(f"document.querySelector('#canvas .presets a:nth-child({k})').click()")
        tab.evaluate("new Promise((done) => setTimeout(done))")
        assert things.text("canvas", "finding") == preset.finding
        if preset.title == "A shifted digit":
            assert f"to {tab.evaluate(nll):.1f} nats" in preset.finding
            x = np.array([*map(int, preset.state["x"])]).reshape(8, 8)
            assert text(np.roll(x, -1, axis=1).ravel()) in canvas.data(MODELS, DATA)["digits"]
        elif preset.title == "A blank image":
            scores = -MODELS["NADE"].log_prob(DATA.test.images).data
            assert f"than {np.sum(scores > tab.evaluate(nll))} of 300" in preset.finding
        else:
            moved = int(re.search(r"(\d+) predictions", things.text("canvas", "map-caption"))[1])
            assert moved == 1 if "Markov" in preset.title else moved > 1
    things.set("canvas", "digit", "3")
    assert things.text("canvas", "finding") == ""


def test_without_scripts_the_canvas_is_hidden_and_its_data_are_json():
    html = canvas.widget(MODELS, DATA)
    assert '<div class="play" id="canvas" hidden>' in html
    found = json.loads(html.split('id="canvas-data">')[1].split("</script>")[0])
    assert list(found["scores"]) == [model["name"] for model in found["models"]] == list(MODELS)


def test_no_canvas_without_models_and_for_large_images(tmp_path):
    assert canvas.canvas(tmp_path, DATA, ENGLISH) == ""
