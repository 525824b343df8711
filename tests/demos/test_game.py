"""The GAN on a line of the page: in Chromium, its values and its gradients are those of Python (G-1, G-2, G-7)."""

import json

import numpy as np
import pytest

from autograd import Tensor
from demos import gan as demo
from demos.tour import page
from demos.tour.play import game
from demos.tour.text import ENGLISH
from minigen import divergences
from minigen.gan import OBJECTIVES, discriminator_loss
from minigen.training.optim import Adam
from tests.demos.chromium import needs_chromium, seen_by_chromium
from tests.demos.things import Things

DRIVE = """<script type="module">
const root = document.getElementById("game");
const find = (name) => root.querySelector(`[data-part="${name}"]`);
const state = () => Object.fromEntries(new URLSearchParams(location.hash.split("?")[1]));
const names = ["value", "best", "jsd", "left", "right"];
const seen = () => ({
  ...state(), ...Object.fromEntries(names.map((name) => [name, Number(find(name).dataset.value)])),
  said: find("said").textContent,
});
const go = (changes) => {
  location.hash = "game?" + new URLSearchParams({...state(), ...changes});
  window.dispatchEvent(new HashChangeEvent("hashchange"));
};
const listed = (layers) => layers.map(({W, b}) => ({W: [...W], b: [...b]}));
const found = {hidden: root.hidden, start: seen()};
STEPS
document.body.textContent = "found " + JSON.stringify(found);
</script>"""


def driven(folder, steps):
    html = page.document(["<main><header></header>", game.widget(), "</main>"])
    found, console = seen_by_chromium(html.replace("</body>", DRIVE.replace("STEPS", steps) + "</body>"), folder)
    assert console == []
    assert found["hidden"] is False
    return found


def masses(mean, width):
    x = -6 + 0.025 * (np.arange(480) + 0.5)
    p = np.exp(-0.5 * ((x - mean) / width) ** 2) / width
    return p / p.sum()


P_DATA = sum(w * masses(m, s) for w, m, s in zip(demo.WEIGHTS, demo.MEANS, demo.DEVIATIONS, strict=True))


@needs_chromium
@pytest.mark.parametrize(("mean", "width"), [(-1.5, 0.8), (1.0, 0.3), (3.5, 1.7)])
def test_g2_a_dragged_p_g_has_the_value_of_the_theory(mean, width, tmp_path):
    """G-2 in the page. Planted: log 2 in place of log 4."""
    seen = driven(tmp_path, f"go({{mean: {mean}, width: {width}}}); found.dragged = seen();")["dragged"]
    p_G = masses(mean, width)
    middle = (P_DATA + p_G) / 2
    assert seen["best"] == pytest.approx(float(divergences.optimal_value(P_DATA, p_G)), abs=1e-6)
    assert seen["jsd"] == pytest.approx(2 * float(divergences.js_divergence(P_DATA, p_G)), abs=1e-6)
    assert seen["left"] == pytest.approx(float(divergences.kl_divergence(P_DATA, middle)), abs=1e-6)
    assert seen["right"] == pytest.approx(float(divergences.kl_divergence(p_G, middle)), abs=1e-6)


def players():
    """The players with which the widget begins."""
    return demo.players(demo.options([]), np.random.default_rng(0))


def set_weights(network, layers):
    linear = [layer for layer in network.layers if hasattr(layer, "weight")]
    for layer, numbers in zip(linear, layers, strict=True):
        layer.weight.data[...] = np.reshape(numbers["W"], layer.weight.shape)
        layer.bias.data[...] = numbers["b"]


@needs_chromium
def test_g1_before_and_after_some_rounds_the_value_is_that_of_the_demo(tmp_path):
    steps = """
        go({who: "network"}); found.begin = seen();
        find("both").click(); found.after = seen();
        found.G = listed(root.game.G.layers); found.D = listed(root.game.D.layers);
        find("again").click(); found.again = seen();
        go({moves: "b10"}); found.replayed = seen();
    """
    found, gan = driven(tmp_path, steps), players()
    moment = demo.look(gan)
    assert found["begin"]["value"] == pytest.approx(moment.value, abs=1e-4)
    assert found["begin"]["best"] == pytest.approx(moment.measures()["optimal_value"], abs=5e-3)
    set_weights(gan.generator, found["G"])
    set_weights(gan.discriminator, found["D"])
    after = demo.look(gan)
    assert found["after"]["value"] == pytest.approx(after.value, abs=1e-3)
    assert found["after"]["best"] == pytest.approx(after.measures()["optimal_value"], abs=5e-3)
    assert found["after"]["value"] != pytest.approx(moment.value, abs=1e-2)
    assert found["again"]["value"] == found["begin"]["value"]
    assert found["replayed"]["value"] == found["after"]["value"]
    assert found["after"]["moves"] == "b10"


@needs_chromium
def test_g7_the_hand_written_gradients_and_adam_are_those_of_the_engine(tmp_path, rng):
    """G-7 in the page. Planted: the generator climbs its loss."""
    real, z = rng.normal(size=7), rng.normal(size=7)
    steps = f"""
        const {{G, D}} = root.game;
        const [real, z] = [Float64Array.from({json.dumps(real.tolist())}), Float64Array.from({json.dumps(z.tolist())})];
        const made = G.forward(z).pop();
        found.discriminator = listed(root.gradients.discriminatorGradients(D, real, made));
        for (const loss of ["minimax", "non-saturating"]) {{
          found[loss] = listed(root.gradients.generatorGradients(G, D, z, loss));
        }}
        for (let k = 0; k < 3; k++) D.step(root.gradients.discriminatorGradients(D, real, made), 0.003);
        found.stepped = listed(D.layers);
    """
    found, gan = driven(tmp_path, steps), players()
    G, D = gan.generator.astype(np.float64), gan.discriminator.astype(np.float64)
    fake = G(z[:, None]).data

    def close(layers, network, of):
        numbers = np.concatenate([np.concatenate([np.ravel(layer["W"]), layer["b"]]) for layer in layers])
        assert numbers == pytest.approx(getattr(network, of), rel=1e-6, abs=1e-9)

    for loss in ("minimax", "non-saturating"):
        G.zero_grad()
        OBJECTIVES[loss].generator(D(G(z[:, None]))).backward()
        close(found[loss], G, "flat_grad")
    adam = Adam(D, 0.003, (0.5, 0.999))
    for k in range(3):
        D.zero_grad()
        discriminator_loss(D(Tensor(real[:, None])), D(Tensor(fake))).backward()
        if k == 0:
            close(found["discriminator"], D, "flat_grad")
        adam.step()
    close(found["stepped"], D, "flat")


@needs_chromium
def test_every_preset_shows_its_state_and_what_it_found(tab):
    things, start = Things(tab, game.widget()), None
    things.go("game", who="network", moves="")
    start = things.value("game", "value")
    for preset in game.states(ENGLISH):
        things.go("game", **preset.state)
        assert things.text("game", "finding") == preset.finding
        value, best, jsd = (things.value("game", name) for name in ("value", "best", "jsd"))
        if preset.title == "D learns alone":
            assert start + 0.5 < value < best
        elif preset.title == "p_G far away":
            assert -0.01 < best < 0
            assert f"{best:.4f}".replace("-", "−") in preset.finding
        else:
            assert f"{jsd:.4f}" in preset.finding


def test_no_normal_distribution_is_much_nearer_to_the_data():
    """Beside the preset, a finer search finds nothing that is nearer by 0.001 nats."""
    jsd = lambda mean, width: float(divergences.js_divergence(P_DATA, masses(mean, width)))
    mean, width = game.nearest(P_DATA)
    near = [jsd(mean + a, width + b) for a in np.arange(-0.2, 0.21, 0.02) for b in np.arange(-0.2, 0.21, 0.02)]
    assert jsd(mean, width) < min(near) + 5e-4


@needs_chromium
def test_a_game_whose_weights_are_not_finite_stops_and_says_why(tmp_path):
    steps = """
        go({who: "network"}); root.game.G.layers[0].W[0] = NaN;
        find("g").click(); found.stopped = seen(); find("d").click(); found.later = seen();
        find("again").click(); found.again = seen();
    """
    found = driven(tmp_path, steps)
    assert "The game stopped: a weight is not finite" in found["stopped"]["said"]
    assert found["later"]["moves"] == found["stopped"]["moves"]
    assert "stopped" not in found["again"]["said"]
