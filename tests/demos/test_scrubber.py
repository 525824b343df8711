"""The slider over the moments of a training: in Chromium, numbers and drawing are those of the file of the demo."""

import base64
import io
import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from demos import gan
from demos.film import read_moments, write_moments
from demos.tour import page
from demos.tour.lecture import SECTIONS
from demos.tour.play import scrubber
from demos.tour.text import ENGLISH
from tests.demos.chromium import needs_chromium, seen_by_chromium

STILLS = {"truth_lab": "posteriors.svg", "aae": "latent.svg", "gan": "density.svg", "ring": "samples.svg",
          "gan_digits": "samples.svg"}  # fmt: skip
"""The picture of the last moment that stands on the page also without JavaScript."""


def written(folder, epochs, demo, shots, values, **fixed):
    """The file of a demo whose arrays and values at moment k have the index k; a value of None was not measured."""
    (folder / demo).mkdir()
    at = lambda k: {name: numbers[k] for name, numbers in values.items() if numbers[k] is not None}
    arrays = {epoch: {name: array[k] for name, array in shots.items()} for k, epoch in enumerate(epochs)}
    write_moments(folder / demo / "moments.npz", arrays, {epoch: at(k) for k, epoch in enumerate(epochs)}, **fixed)
    return folder / demo / "moments.npz"


def moments_of_all(folder, rng):
    """A file of each demo: random players, points, images and posteriors, at four moments."""
    T, cells = 4, len(gan.P_DATA)
    new = partial(written, folder, [0, 1, 4, 9])
    line = {
        "x": np.sort(rng.normal(size=(T, len(gan.Z_EDGES)))),
        "fakes": rng.dirichlet(np.full(cells, 5.0), T),
        "D": rng.uniform(size=(T, cells)),
    }
    game = {
        "value": [-1.3, -1.33333333, -1.36, -1.38],
        "optimal_value": [-1.2, -1.25, -1.3, -1.38629],
        "jsd": [0.1, 0.01, 0.001, 0.00002],
    }
    plane = {"samples": rng.uniform(-4, 4, (T, 40, 2)), "logits": rng.normal(size=(T, 64))}
    modes = {"reached": [1, 3, 2, 8], "quality": [0.0, 0.25, 0.5, 0.99951]}
    lab = {"posterior": rng.uniform(size=(T, 3, 10, 10)).astype(np.float16), "q": rng.uniform(-1, 1, (T, 3, 3, 2))}
    terms = {"log_evidence": [-44.0, -30, -22, -20], "elbo": [-44.5, -31, -22.5, -20.25], "kl": [0.5, 1, 0.5, 0.25]}
    codes = {"shot": rng.normal(size=(T, 30, 2))}
    names = {"labels": np.arange(30) % 3, "names": ["0", "1", "a long name"]}
    places = [[0.0, 2.0], [0.0, -2.0]]
    return {
        "gan": new("gan", line, game, p_data=gan.P_DATA, edges=gan.EDGES),
        "ring": new("ring", plane, modes, places=places, sigma=0.02, reach=2.5),
        "aae": new("aae", codes, {"discriminator": [None, 1.2, 1.3, 1.386]}, prior=rng.normal(size=(50, 2)), **names),
        "gan_digits": new(
            "gan_digits",
            {"shot": rng.uniform(size=(T, 64, 6))},
            {"frechet": [None, 100.0, 10.0, 1.0]},
            shape=[2, 3],
            frechet=0.5,
        ),
        "truth_lab": new("truth_lab", lab, terms, images=np.eye(3, 6), shape=[2, 3], reach=4.0),
    }


@pytest.fixture
def files(tmp_path, rng):
    return moments_of_all(tmp_path, rng)


DRIVE = """<script type="module">
let root;
const find = (name) => root.querySelector(`[data-part="${name}"]`);
const film = (demo) => { root = document.getElementById(demo + "-film"); };
const key = (key) => find("slider").dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const text = (name) => find(name).textContent;
const seen = () => ({
  address: location.hash, moment: text("moment"), slider: find("slider").value, said: text("said"), play: text("play"),
  values: Object.fromEntries([...root.querySelectorAll("[data-part^=value-]")].map(
    (number) => [number.dataset.part.slice("value-".length), number.textContent])),
  dots: [...root.querySelectorAll(".dot")].map((path) => path.getAttribute("d")),
});
const go = (moment) => {
  location.hash = `${root.id}?moment=${moment}`;
  window.dispatchEvent(new HashChangeEvent("hashchange"));
};
// The colours of the drawing at some places (x, y), from 0 to 1 to the right and down: red, green, blue, opacity.
const colours = (places) => {
  const {width, height} = find("drawing");
  const pixels = find("drawing").getContext("2d").getImageData(0, 0, width, height).data;
  return places.map(([x, y]) => {
    const first = 4 * (Math.floor(y * height) * width + Math.floor(x * width));
    return [...pixels.slice(first, first + 4)];
  });
};
film("NAME");
await find("sheet")?.decode();
const found = {hidden: root.hidden, start: seen()};
STEPS
document.body.textContent = "found " + JSON.stringify(found);
</script>"""


def driven(files, demo, steps, folder, *options, address=""):
    widgets = [scrubber.scrubber(path, ENGLISH) for path in files.values()]
    html = page.document(["<main>", *widgets, "</main>"])
    drive = DRIVE.replace("NAME", demo).replace("STEPS", steps)
    found, console = seen_by_chromium(
        html.replace("</body>", drive + "</body>"), folder, "--window-size=1200,900", *options, address=address
    )
    assert console == []
    assert found["hidden"] is False
    return found


def shown(demo, moments, k):
    """The values at moment k as the page must show them."""
    found = {}
    for value in scrubber.SUBJECTS[demo].values:
        if value.key in moments.values:
            number = moments.values[value.key][k]
            text = f"{number:.{value.digits}f}".replace("-", "−")
            found[value.key] = "no value at this moment" if np.isnan(number) else text
    return found


@needs_chromium
def test_the_values_at_each_moment_are_those_of_the_file(files, tmp_path):
    """V-3 over a training, as the demo has measured it. Planted: the moments in reverse order."""
    steps = f"""for (const demo of {json.dumps(list(files))}) {{
        film(demo); found[demo] = [0, 1, 2, 3].map((k) => {{ go(k); return seen(); }}); }}"""
    found = driven(files, "ring", steps, tmp_path)
    assert found["start"]["moment"] == "after epoch 9 of 9"
    names = ["before the training", "after epoch 1 of 9", "after epoch 4 of 9", "after epoch 9 of 9"]
    for demo, path in files.items():
        moments = read_moments(path)
        for k, (seen, name) in enumerate(zip(found[demo], names, strict=True)):
            assert (seen["moment"], seen["slider"]) == (name, str(k))
            assert seen["values"] == shown(demo, moments, k)
            heights = [value["heights"][k] for value in scrubber.data(demo, moments)["values"]]
            dots = [[float(number) for number in dot[1:-2].split()] for dot in seen["dots"]]
            expected = [[1000 * k / 3, 95 - 90 * y] for y in heights if y is not None]
            assert np.reshape(dots, (-1, 2)) == pytest.approx(np.reshape(expected, (-1, 2)), abs=0.01)


def test_a_line_ends_at_its_lowest_and_highest_value_and_values_that_are_compared_share_an_axis(files):
    moments = read_moments(files["gan"])
    values = [value for value in scrubber.SUBJECTS["gan"].values if value.key in moments.values]
    (learned, best, jsd), limits = scrubber.heights(moments, values)
    low, high = -gan.LOG_4, -1.2
    assert learned == pytest.approx((moments.values["value"] - low) / (high - low), abs=1e-4)
    assert best == pytest.approx((moments.values["optimal_value"] - low) / (high - low), abs=1e-4)
    assert limits == [0, 0, None]
    assert jsd == pytest.approx((np.log([0.1, 0.01, 0.001, 0.00002]) - np.log(0.00002)) / np.log(5000), abs=1e-4)
    aae = read_moments(files["aae"])
    (line,), _ = scrubber.heights(aae, [scrubber.SUBJECTS["aae"].values[0]])
    assert line[0] is None


@needs_chromium
def test_slider_keys_and_play_move_it_and_the_address_keeps_the_moment(files, tmp_path):
    steps = """
        find("slider").value = 2; find("slider").dispatchEvent(new Event("input")); found.slid = seen();
        key("ArrowLeft"); found.left = seen(); key("Home"); found.home = seen(); key("ArrowLeft"); found.first = seen();
        key("ArrowRight"); found.right = seen(); key("End"); found.end = seen(); key("x"); found.other = seen();
        go("x"); found.nonsense = seen(); go(99); found.beyond = seen();
        await wait(100);  // for the events of these changes of the address
        find("play").click(); found.began = seen();
        await wait(320); find("play").click(); found.paused = seen();
        await wait(400); found.later = seen();
        find("play").click(); await wait(1500); found.ended = seen();
        found.other_film = document.querySelector('#gan-film [data-part="slider"]').value;
    """
    found = driven(files, "ring", steps, tmp_path, address="#ring-film?moment=1")
    place = lambda name: (found[name]["slider"], found[name]["address"])
    at = lambda k: (str(k), f"#ring-film?moment={k}")
    assert place("start") == at(1)
    assert [place(name) for name in ("slid", "left", "home", "first", "right", "end", "other")] == [
        at(2), at(1), at(0), at(0), at(1), at(3), at(3)]  # fmt: skip
    assert found["nonsense"]["slider"] == "0"
    assert found["beyond"]["slider"] == "3"
    assert (found["began"]["slider"], found["began"]["play"]) == ("0", "Pause")
    assert place("paused") == place("later") == at(2)
    assert found["paused"]["play"] == "Play"
    assert (place("ended"), found["ended"]["play"]) == (at(3), "Play")
    assert found["other_film"] == "3"  # which stays where it was


# -- the drawings, at moment 2

RED, BLUE, GREEN = [179, 69, 47], [40, 80, 160], [27, 122, 67]


def near(colour, expected):
    return np.abs(np.array(colour[:3]) - expected).max() < 60 and colour[3] > 100


@needs_chromium
def test_images_have_the_grey_levels_of_the_file(files, tmp_path):
    places = [((column + 0.5) / 32, (row + 0.5) / 24) for row in range(24) for column in range(32)]
    steps = f"go(2); found.greys = colours({json.dumps(places)});"
    greys = np.reshape(driven(files, "gan_digits", steps, tmp_path)["greys"], (8, 3, 8, 4, 4))
    images = read_moments(files["gan_digits"]).shots["shot"][2].reshape(8, 8, 2, 3)
    assert greys[:, :2, :, :3, 0] == pytest.approx(255 * (1 - images.transpose(0, 2, 1, 3)), abs=1)
    assert np.all(greys[:, 2] == 255)
    assert np.all(greys[:, :, :, 3] == 255)


@needs_chromium
def test_points_lie_where_the_file_says_and_those_outside_are_counted(files, tmp_path):
    """G-10 in pictures: the samples of the game. Planted: the plane upside down."""
    samples = read_moments(files["ring"]).shots["samples"][2]
    inside = samples[np.abs(samples).max(axis=1) < 2.4]
    places = [((x + 2.5) / 5, (2.5 - y) / 5) for x, y in inside.tolist()]
    steps = f"go(2); found.colours = colours({json.dumps(places)}); found.seen = seen();"
    found = driven(files, "ring", steps, tmp_path)
    assert all(near(colour, RED) for colour in found["colours"])
    outside = int(np.sum(np.abs(samples).max(axis=1) > 2.5))
    assert 0 < outside < 40
    assert found["seen"]["said"] == f"{outside} of 40 points lie outside of the drawing."


@needs_chromium
def test_curves_have_the_heights_of_the_file(files, tmp_path):
    """G-1 in pictures: p_data, p_G, D and D* at the height of some cells. Planted: heights without their scale."""
    moments = read_moments(files["gan"])
    seen = np.flatnonzero(np.abs(gan.X) < 3.5)
    p_G, D = moments.shots["fakes"][2][seen], moments.shots["D"][2][seen]
    best = gan.P_DATA[seen] / (gan.P_DATA[seen] + p_G)
    curves = {"made": (p_G / (gan.EDGES[2] - gan.EDGES[1]), RED), "learned": (D, BLUE), "best": (best, GREEN)}
    cells = range(5, len(seen) - 5, 9)
    places = [((k + 0.5) / len(seen), float(each[k]) / 1.5) for each, _ in curves.values() for k in cells]
    steps = f"""
        go(2); const {{height}} = find('drawing'); const bottom = height - 70;
        const down = (y) => (bottom - y * (bottom - 8)) / height;
        found.colours = colours({json.dumps(places)}.map(([x, y]) => [x, down(y)]));"""
    found = np.reshape(driven(files, "gan", steps, tmp_path)["colours"], (3, len(cells), 4))
    share = {
        name: np.mean([near(c, colour) for c in some])
        for some, (name, (_, colour)) in zip(found, curves.items(), strict=True)
    }
    assert share["made"] > 0.9  # drawn last
    assert share["learned"] > 0.6
    assert share["best"] > 0.3  # dashed


@needs_chromium
def test_posteriors_and_the_lines_of_q_lie_where_the_file_says(files, tmp_path):
    moments = read_moments(files["truth_lab"])
    mean, one, two = moments.shots["q"][2].astype(float)
    turn = np.linspace(0, 2 * np.pi, 40)[:, None]
    ring = [mean[n] + np.cos(turn) * (one - mean)[n] + np.sin(turn) * (two - mean)[n] for n in range(3)]
    places = [[(x + 4) / 8, (4 - y) / 8] for x, y in np.concatenate(ring).tolist()]
    steps = f"go(2); found.lines = colours({json.dumps(places)});"
    lines = np.reshape(driven(files, "truth_lab", steps, tmp_path)["lines"], (3, 40, 4))
    for colours, name, least in zip(lines, scrubber.plot.DIGITS, (0.4, 0.4, 0.95), strict=False):  # the last is on top
        expected = [int(name[i : i + 2], 16) for i in (1, 3, 5)]
        assert np.mean([near(colour, expected) for colour in colours]) > least


def test_the_sheet_of_posteriors_has_each_image_at_each_moment_with_z2_upwards(files):
    moments = read_moments(files["truth_lab"])
    scene = scrubber.posteriors(moments)
    opacity = np.array(Image.open(io.BytesIO(scene.sheet)))[..., 1].reshape(4, 10, 3, 10) / 255
    expected = moments.shots["posterior"][:, :, ::-1].transpose(0, 2, 1, 3)
    assert opacity == pytest.approx(expected.astype(float), abs=0.5 / 255 + 1e-9)


# -- rounding and size


def unpacked(text, top):
    codes = np.frombuffer(base64.b64decode(text), "<i2").astype(float)
    return np.where(codes == -32768, np.nan, codes * top / 32767)


def test_rounding_costs_no_more_than_the_page_says(files):
    line, points, lab = (read_moments(files[demo]) for demo in ("gan", "ring", "truth_lab"))
    seen = np.abs(gan.X) < 3.5
    drawn = scrubber.curves(line).data
    assert unpacked(drawn["learned"], 1.5) == pytest.approx(line.shots["D"][:, seen].ravel(), abs=0.00003)
    data = scrubber.ring(points).data
    samples = points.shots["samples"].ravel()
    near = np.abs(samples) < 2.5
    assert unpacked(data["points"], 1.5 * 2.5)[near] == pytest.approx(samples[near], abs=5 / 80000)
    assert np.all(np.abs(unpacked(data["points"], 1.5 * 2.5)[~near]) > 2.5)
    assert unpacked(scrubber.posteriors(lab).data["q"], 8) == pytest.approx(lab.shots["q"].ravel(), abs=0.0002)
    assert np.isnan(unpacked(scrubber.packed([np.nan, 1], 1), 1)).tolist() == [True, False]


def test_the_page_has_no_animation_and_the_moments_of_all_demos_take_little_of_its_four_megabytes(tmp_path, rng):
    """As many moments, points and pixels as the demos have. The images are random: no format makes them smaller."""
    T, cells = 41, len(gan.P_DATA)
    new = partial(written, tmp_path, range(T))
    line = {
        "x": np.zeros((T, len(gan.Z_EDGES))),
        "fakes": rng.uniform(size=(T, cells)),
        "D": rng.uniform(size=(T, cells)),
    }
    plane = {"samples": rng.normal(size=(T, 2500, 2)), "logits": rng.normal(size=(T, 3600))}
    along = np.linspace(-4, 4, 100)
    wide = [np.exp(-0.5 * (along[:, None] ** 2 + along**2) / s**2) for s in np.geomspace(1, 0.1, T)]
    lab = {"posterior": np.repeat(np.array(wide)[:, None], 6, axis=1), "q": rng.normal(size=(T, 3, 6, 2))}
    labels = {"labels": np.arange(360) % 10, "names": [*"0123456789"]}
    paths = [
        new("gan", line, {}, p_data=gan.P_DATA, edges=gan.EDGES),
        new("ring", plane, {}, places=np.zeros((8, 2)), sigma=0.02, reach=2.5),
        new("aae", {"shot": rng.normal(size=(T, 360, 2))}, {}, prior=rng.normal(size=(2000, 2)), **labels),
        new("gan_digits", {"shot": rng.uniform(size=(T, 64, 64))}, {}, shape=[8, 8], frechet=1.0),
        new("truth_lab", lab, {}, images=np.zeros((6, 64)), shape=[8, 8], reach=4.0),
    ]
    assert sum(len(scrubber.scrubber(path, ENGLISH)) for path in paths) < 1.3e6
    names = [picture.file for section in SECTIONS for picture in section.pictures]
    assert not [name for name in names if name.endswith(".gif")]


def test_each_demo_with_moments_has_a_still_picture_of_the_last_one():
    pictures = {section.demo: [picture.file for picture in section.pictures] for section in SECTIONS}
    assert set(STILLS) == set(scrubber.SUBJECTS)
    for demo, still in STILLS.items():
        assert still in pictures[demo]
