"""The plane of codes of the page: in Chromium, codes and reconstructions are those of Python on the rounded weights."""

from dataclasses import replace

import numpy as np
import pytest

from demos.tour.play import canvas, codes
from demos.tour.text import ENGLISH
from minigen import digits
from minigen.aae import AAE, discriminator_network
from minigen.decoders import BernoulliDecoder
from minigen.encoders import DeterministicEncoder
from minigen.nn.functions import relu
from minigen.nn.layers import mlp
from minigen.priors import Flower
from tests.demos.chromium import needs_chromium
from tests.demos.things import Things

DATA = digits()
TEXTS = [canvas.as_text(image) for image in DATA.test.images[:5]]


def small_aae():
    """An AAE with random weights, larger than at the start of a training."""
    rng = np.random.default_rng(0)
    encoder = DeterministicEncoder(mlp((64, 16, 12), relu, last=relu, rng=rng), 12, 2, rng=rng)
    decoder = BernoulliDecoder(mlp((2, 12, 16, 64), relu, rng=rng), 64)
    found = AAE(encoder, decoder, Flower(10), discriminator_network(13, (8,), rng=rng), 10)
    found.autoencoder.flat[...] += rng.normal(size=found.autoencoder.flat.shape) * 0.3
    return found


@pytest.fixture(scope="module")
def model():
    return small_aae()


def check(things, model, x, cross):
    """Compare all that the thing shows with Python's values on the rounded weights.  x: text. cross: (z₁, z₂)."""
    x, there = np.array([[*map(float, x)]]), codes.rounded(model)
    z = there.encode(x)
    assert [things.value("codes", f"code{k}") for k in (1, 2)] == pytest.approx(z[0].tolist(), abs=1e-4)
    assert things.value("codes", "loss") == pytest.approx(there.validation_loss(x), abs=1e-4)
    again, decoded = there.decode(z)[0], there.decode(np.array([cross], np.float32))[0]
    for name, pixels in (("seen", x[0]), ("again", again), ("decoded", decoded)):
        shown = things.grey("codes", name, DATA.shape)
        assert shown == pytest.approx((255 * (1 - pixels)).tolist(), abs=1)


@needs_chromium
def test_aa1_codes_and_reconstructions_are_those_of_python(model, tab):
    """AA-1 in the page: the parts that the reconstruction step trains. Planted: no activation between the layers."""
    things = Things(tab, codes.widget(model, DATA))
    start = canvas.as_text(canvas.examples(DATA)[0])
    check(things, model, start, (0, 0))
    things.go("codes", x=TEXTS[1], z1=0.5, z2=-1.25)
    check(things, model, TEXTS[1], (0.5, -1.25))
    things.publish(TEXTS[2])
    check(things, model, TEXTS[2], (0.5, -1.25))
    things.go("codes", x="012", z1="far", z2=0)
    check(things, model, TEXTS[2], (0, 0))


@needs_chromium
def test_pointer_and_sliders_move_the_cross(model, tab):
    things = Things(tab, codes.widget(model, DATA), height=1200)
    reach = codes.data(model, DATA)["reach"]
    things.set("codes", "z2", "1")
    assert things.state()["z2"] == "1"
    x, y, width = tab.evaluate(
        f"(({{x, y, width}}) => [x, y, width])({things.part('codes', 'plane')}.getBoundingClientRect())"
    )
    at = lambda z1, z2: (x + width * (z1 + reach) / (2 * reach), y + width * (reach - z2) / (2 * reach))
    tab.mouse(at(0, 0), at(1, -0.5))
    assert [float(things.state()[name]) for name in ("z1", "z2")] == pytest.approx([1, -0.5], abs=0.05)
    tab.finger(at(-1, 0.5))
    assert [float(things.state()[name]) for name in ("z1", "z2")] == pytest.approx([-1, 0.5], abs=0.05)


def test_what_the_rounding_costs_is_measured_and_said(model):
    """The weights of the page differ from those of the run by at most half a step; the page says what this moves."""
    there, images = codes.rounded(model), DATA.test.images
    for name, array in model.autoencoder.arrays().items():
        assert np.abs(there.autoencoder.arrays()[name] - array).max() <= np.abs(array).max() / 65534 * 1.01 + 1e-7
    code = np.abs(there.encode(images) - model.encode(images)).max()
    pixel = np.abs(there.decode(there.encode(images)) - model.decode(model.encode(images))).max()
    assert 0 < code < 1e-2
    html = codes.widget(model, DATA)
    assert f"by at most {code:.5f} and a pixel of the reconstruction by at most {pixel:.5f}." in html
    assert "In 300 test images" in html


def test_each_test_image_has_its_code_and_images_without_labels_are_dots(model):
    found = codes.data(model, DATA)
    shown = np.array(found["codes"])
    np.testing.assert_allclose(shown[:, :2], model.encode(DATA.test.images[: codes.SHOWN]), atol=6e-4)
    assert shown[:, 2].tolist() == DATA.test.labels[: codes.SHOWN].tolist()
    assert found["names"] == [*"0123456789"]
    unlabelled = lambda part: replace(part, labels=np.zeros_like(part.labels))
    parts = {name: unlabelled(getattr(DATA, name)) for name in ("train", "validation", "test")}
    assert codes.data(model, replace(DATA, **parts))["names"] == ["•"]
    assert codes.marks(replace(DATA, names=["one", "no", *"23456789"]))[:2] == ["0", "no"]


def test_no_plane_without_an_aae(tmp_path):
    assert codes.codes(tmp_path, DATA, ENGLISH) == ""
