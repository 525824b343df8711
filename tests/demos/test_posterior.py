"""Dragging q over the posterior: in Chromium, each number is the integral that Python computes in float64 (V-3)."""

import copy

import numpy as np
import pytest

from demos.common import first_of_each
from demos.recipes import Recipe, variational
from demos.tour import page
from demos.tour.play import posterior
from demos.tour.play.canvas import as_text
from demos.tour.text import ENGLISH
from minigen import digits
from minigen.analysis import evidence, quadrature
from minigen.distributions import Independent, Normal
from minigen.nn.functions import sigmoid
from tests.demos.chromium import needs_chromium, seen_by_chromium
from tests.demos.things import Things

DATA = digits()
IMAGES = first_of_each(DATA.test, 10)


def small_vae():
    """A VAE whose posteriors are not normal: random weights, larger than at the start of a training."""
    model = variational(
        Recipe(1, 1, 0.1, hidden=20, layers=2, latent=2), DATA, np.random.default_rng(0), activation=np.tanh
    )
    model.decoder.flat[...] *= 2
    return model


@pytest.fixture(scope="module")
def vae():
    return small_vae()


DRIVE = """<script type="module">
const root = document.getElementById("posterior");
const find = (name) => root.querySelector(`[data-part="${name}"]`);
const state = () => Object.fromEntries(new URLSearchParams(location.hash.split("?")[1]));
const names = ["evidence", "elbo", "kl", "sum", "reconstruction", "fitting"];
const seen = () => ({
  ...state(), ...Object.fromEntries(names.map((name) => [name, Number(find(name).dataset.value)])),
});
const go = (changes) => {
  location.hash = "posterior?" + new URLSearchParams({...state(), ...changes});
  window.dispatchEvent(new HashChangeEvent("hashchange"));
};
const found = {hidden: root.hidden};
STEPS
document.body.textContent = "found " + JSON.stringify(found);
</script>"""


def driven(model, folder, steps):
    html = page.document(["<main><header></header>", posterior.widget(model, DATA), "</main>"])
    found, console = seen_by_chromium(html.replace("</body>", DRIVE.replace("STEPS", steps) + "</body>"), folder)
    assert console == []
    assert found["hidden"] is False
    return found


def exact(model, x, q):
    """(ln p(x), reconstruction, prior fitting, KL to the posterior) of an image, (1, D), for q = (m1, m2, s1, s2)."""
    model = copy.deepcopy(model).astype(np.float64)
    normal = Independent(Normal(np.array([q[:2]]), 2 * np.log(np.array([q[2:]]))))
    fitting = normal.kl_divergence(model.prior.distribution())[0]
    model.posterior = lambda x: normal
    log_p = evidence.log_evidence(model, x, quadrature.grid(7, 200))[0]
    bound = evidence.elbo(model, x, quadrature.under_normal(quadrature.grid(8, 120)))[0]
    kl = evidence.kl_to_posterior(model, x, quadrature.grid(8, 80), quadrature.grid(7, 200))[0]
    return log_p, bound + fitting, fitting, kl


@needs_chromium
def test_v3_the_numbers_are_the_integrals_of_python_wherever_q_is_dragged(vae, tmp_path):
    """V-3 in the page. Planted: the posterior without the prior."""
    states = [(0, (0.5, -1.2, 0.3, 0.8)), (3, (-1.5, 0.4, 1.1, 0.2)), (7, (0.0, 0.0, 1.0, 1.0))]
    steps = "".join(
        f"go({{image: {k}, m1: {q[0]}, m2: {q[1]}, s1: {q[2]}, s2: {q[3]}}}); found.at{k} = seen();" for k, q in states
    )
    steps += """
        const data = find("decoded").getContext("2d").getImageData(0, 0, 160, 160).data;
        found.grey = [...data].filter((_, i) => i % 4 === 0);
    """
    found = driven(vae, tmp_path, steps)
    for k, q in states:
        seen, (log_p, reconstruction, fitting, kl) = found[f"at{k}"], exact(vae, IMAGES[k : k + 1], q)
        assert seen["evidence"] == pytest.approx(log_p, abs=1e-4)
        assert seen["reconstruction"] == pytest.approx(reconstruction, abs=1e-4)
        assert seen["fitting"] == pytest.approx(fitting, abs=1e-6)
        assert seen["elbo"] == pytest.approx(reconstruction - fitting, abs=1e-4)
        assert seen["kl"] == pytest.approx(kl, abs=1e-4)
        assert seen["sum"] == pytest.approx(seen["evidence"], abs=1e-4)
    pixels = 255 * (1 - sigmoid(vae.decoder.body(np.zeros((1, 2), np.float32)).data[0]))
    shown = np.reshape(found["grey"], (8, 20, 8, 20))[:, 10, :, 10].ravel()
    assert shown.tolist() == pytest.approx(pixels.tolist(), abs=1)


@needs_chromium
def test_the_buttons_the_sliders_and_the_pointer_move_q(vae, tmp_path):
    found = driven(
        vae,
        tmp_path,
        """
        go({image: 2}); find("encoder").click(); found.encoder = seen();
        find("prior").click(); found.prior = seen();
        find("s1").value = 0.5; find("s1").dispatchEvent(new Event("input")); found.slid = state();
        const box = find("plane").getBoundingClientRect();
        const at = (kind, x, y) => find("plane").dispatchEvent(new PointerEvent(kind, {
          clientX: box.left + x * box.width, clientY: box.top + y * box.height, cancelable: true}));
        at("pointerdown", 0.5, 0.5); at("pointermove", 0.7, 0.2); found.dragged = state();
        window.dispatchEvent(new PointerEvent("pointerup")); at("pointermove", 0.1, 0.1); found.left = state();
        """,
    )
    shown = [float(found["encoder"][name]) for name in ("m1", "m2", "s1", "s2")]
    assert shown == pytest.approx(encoded(vae, IMAGES[2:3]), abs=1e-4)
    assert [found["prior"][name] for name in ("m1", "m2", "s1", "s2")] == ["0", "0", "1", "1"]
    assert found["prior"]["fitting"] == 0
    assert found["slid"]["s1"] == "0.5"
    assert [float(found["dragged"][name]) for name in ("m1", "m2")] == pytest.approx([2, 3], abs=0.05)
    assert found["left"] == found["dragged"]


def encoded(model, x):
    """The encoder's q of an image, (1, D): [m1, m2, s1, s2]."""
    q = model.posterior(model.checked(x)).base
    return [*q.mean.data[0].tolist(), *np.exp(q.log_var.data[0] / 2).tolist()]


@needs_chromium
def test_v3_the_digit_of_the_canvas_goes_through_encoder_and_decoder(vae, tab):
    """V-3 in the page, for an image that Python did not embed. Planted: the variance of q for its deviation."""
    x = IMAGES[4:5].copy()
    x[0, 20:30] = 1 - x[0, 20:30]
    text = as_text(x[0])
    things = Things(tab, posterior.widget(vae, DATA))
    hidden = f"{things.part('posterior', 'image')}.querySelector('[value=canvas]').hidden"
    tab.evaluate("document.getElementById('posterior').scrollIntoView()")
    things.go("posterior", image=0)
    assert tab.evaluate(hidden) is True
    things.publish("0" * 64)
    things.set("posterior", "image", "canvas")
    assert tab.evaluate(hidden) is False
    assert things.state()["image"] == "0" * 64
    things.publish(text)
    tab.evaluate("new Promise((done) => setTimeout(done, 200))")
    things.press("posterior", "encoder")
    state = things.state()
    assert state["image"] == text
    q = [float(state[name]) for name in ("m1", "m2", "s1", "s2")]
    assert q == pytest.approx(encoded(vae, x), abs=1e-4)
    log_p, reconstruction, fitting, kl = exact(vae, x, q)
    shown = [things.value("posterior", name) for name in ("evidence", "reconstruction", "fitting", "kl", "sum")]
    assert shown == pytest.approx([log_p, reconstruction, fitting, kl, log_p], abs=1e-4)
    things.set("posterior", "image", "1")
    things.publish("0" * 64)
    assert things.state()["image"] == "1"


@needs_chromium
def test_every_preset_shows_its_state_and_what_it_found(vae, tab):
    things = Things(tab, posterior.widget(vae, DATA))
    signed = lambda name: f"{things.value('posterior', name):.2f}".replace("-", "−")
    for preset in posterior.states(vae, DATA, ENGLISH):
        things.go("posterior", **preset.state)
        assert things.text("posterior", "finding") == preset.finding
        names = {"q of the encoder": ("elbo", "kl", "evidence"), "q = the prior": ("elbo",), "Half as wide": ("kl",)}
        assert all(signed(name) in preset.finding for name in names[preset.title])
    things.go("posterior", image=1)
    assert things.text("posterior", "finding") == ""


def test_no_widget_without_a_vae(tmp_path):
    assert posterior.posterior(tmp_path, DATA, ENGLISH) == ""
