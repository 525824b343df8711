"""`python -m demos explore`, and its sliders and buttons without a display."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backend_bases import MouseEvent
from matplotlib.figure import Figure

from demos import explore, gan_digits, output, recipes, windows
from demos.__main__ import main
from demos.explore import Explorer, Latent, draw_strip, squared_slopes
from minigen.data.sets import digits, real_valued
from minigen.nn.layers import Linear
from minigen.training.files import save_weights
from minigen.training.history import History
from minigen.vae import bernoulli_vae

SIZES = ["--epochs", "2", "--hidden", "8", "--latent", "3"]


def pixels(ax, column=0):
    """The 8×8 image that is drawn in a row of images."""
    return np.ma.filled(ax.images[0].get_array(), np.nan)[:8, 9 * column : 9 * column + 8].reshape(-1)


@pytest.fixture
def latent(rng):
    """A model of 5 numbers z whose sliders are 3 directions that are askew; what it encodes is known."""
    W, turn = rng.standard_normal((5, 64)), np.linalg.qr(rng.standard_normal((5, 5)))[0]
    return Latent(
        "E[x|z]",
        digits(),
        lambda z: 1 / (1 + np.exp(-z @ W)),
        lambda n, rng: rng.standard_normal((n, 5)),
        turn[:3],
        ["a", "b", "c"],
        np.ones(3),
        lambda x: x[:, :5] - 0.3,
    )


@pytest.fixture
def explorer(latent):
    return Explorer(Figure(figsize=(10, 5.5)), latent, np.random.default_rng(0))


def drawn(explorer):
    return pixels(explorer.made)


def positions(explorer):
    return np.array([slider.val for slider in explorer.sliders])


def test_a_slider_moves_z_along_its_direction_alone_and_the_image_is_that_of_z(explorer):
    before, v = explorer.z.copy(), explorer.latent.directions
    explorer.sliders[1].set_val(2.5)  # as a hand does: the callback is called
    np.testing.assert_allclose(v @ explorer.z, [v[0] @ before, 2.5, v[2] @ before], atol=1e-12)
    aside = np.eye(5) - v.T @ v  # what no slider reaches stays
    np.testing.assert_allclose(aside @ explorer.z, aside @ before, atol=1e-12)
    np.testing.assert_array_equal(drawn(explorer), explorer.latent.decode(explorer.z[None])[0])
    assert np.abs(drawn(explorer) - explorer.latent.decode(before[None])[0]).max() > 0.01


def test_a_press_of_the_mouse_reaches_slider_and_button(explorer):
    def press(ax, along):
        x, y = ax.transAxes.transform((along, 0.5))
        for kind in ("button_press_event", "button_release_event"):
            canvas.callbacks.process(kind, MouseEvent(kind, canvas, x, y, button=1))

    canvas = explorer.figure.canvas
    canvas.draw()
    press(explorer.sliders[2].ax, 0.75)
    assert explorer.latent.directions[2] @ explorer.z == pytest.approx(1.5)
    press(explorer.buttons[1].ax, 0.5)
    np.testing.assert_array_equal(explorer.z, np.zeros(5))
    np.testing.assert_array_equal(drawn(explorer), np.full(64, 0.5))


def test_another_digit_is_encoded_shown_and_the_sliders_are_at_its_code(explorer):
    tests = explorer.latent.dataset.test.images
    seen = set()
    for _ in range(5):
        explorer.encode_another()
        real = pixels(explorer.beside)
        assert (real == tests).all(axis=1).any()
        np.testing.assert_allclose(explorer.z, real[:5] - 0.3)
        np.testing.assert_allclose(positions(explorer), explorer.latent.directions @ explorer.z)
        np.testing.assert_array_equal(drawn(explorer), explorer.latent.decode(explorer.z[None])[0])
        seen.add(tuple(real))
    assert len(seen) == 5


def test_a_draw_beyond_the_sliders_ends_is_shown_as_it_is(explorer):
    far = 7 * explorer.latent.directions[0]
    explorer.go_to(far)
    assert positions(explorer)[0] == 3
    np.testing.assert_array_equal(drawn(explorer), explorer.latent.decode(far[None])[0])
    explorer.sliders[1].set_val(1.0)
    assert explorer.latent.directions[0] @ explorer.z == pytest.approx(7)
    explorer.draw_z()
    np.testing.assert_allclose(positions(explorer), np.clip(explorer.latent.directions @ explorer.z, -3, 3))
    assert np.isnan(pixels(explorer.beside)).all()  # no digit was encoded


def test_where_nothing_can_be_encoded_the_nearest_training_image_stands_beside(latent):
    explorer = Explorer(Figure(), replace(latent, encode=None), np.random.default_rng(0))
    assert [button.label.get_text() for button in explorer.buttons] == ["draw z", "all at 0"]
    train = latent.dataset.train.images
    for value in (-3, 3):
        explorer.sliders[0].set_val(value)
        nearest = train[np.linalg.norm(train - drawn(explorer), axis=1).argmin()]
        np.testing.assert_array_equal(pixels(explorer.beside), nearest)


def test_the_strip_has_a_row_for_each_slider_and_the_others_at_0(latent):
    ax = draw_strip(latent, columns=7).axes[0]
    canvas = np.ma.filled(ax.images[0].get_array(), np.nan)
    for row, v in enumerate(latent.directions):
        for column, s in enumerate([-3, -2, -1, 0, 1, 2, 3]):
            image = canvas[9 * row : 9 * row + 8, 9 * column : 9 * column + 8].reshape(-1)
            np.testing.assert_allclose(image, latent.decode(s * v))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["−3", "−2", "−1", "0", "1", "2", "3"]


def test_the_slopes_of_a_linear_image_are_exact_and_those_of_a_curved_one_are_means(rng):
    """x = z A: C = A Aᵀ. x = z²: C = diag 4 E[z²], that of these z."""
    A, z = rng.standard_normal((4, 6)), rng.standard_normal((50, 4))
    np.testing.assert_allclose(squared_slopes(lambda z: z @ A, z), A @ A.T)
    np.testing.assert_allclose(squared_slopes(lambda z: z**2, z), np.diag(4 * (z**2).mean(axis=0)), atol=1e-9)


def test_the_sliders_of_a_gan_are_the_directions_along_which_its_images_change_most(rng, tmp_path, monkeypatch):
    """G(z) = z A with A of known singular values, in its own basis turned out of the axes."""
    U, V = (np.linalg.qr(rng.standard_normal((n, 4)))[0] for n in (4, 64))
    A = U @ np.diag([0.5, 3, 2, 1]) @ V.T
    monkeypatch.setattr(gan_digits, "play", lambda *a: History())
    monkeypatch.setattr(gan_digits.GAN, "generate", lambda self, z: z @ A)
    o = explore.options(["--model", "gan", "--latent", "4", "--sliders", "3", "--out", str(tmp_path)])
    latent = explore.of_gan(explore.trained(o, digits(), rng), real_valued(digits()), o, rng)
    np.testing.assert_allclose(latent.slopes, [3, 2, 1])
    np.testing.assert_allclose(np.abs(latent.directions @ U), np.eye(4)[[1, 2, 3]], atol=1e-6)


# -- the command


@pytest.mark.usefixtures("whole_pictures")
@pytest.mark.parametrize("model", explore.MODELS)
def test_it_trains_a_model_prints_its_slopes_and_writes_a_strip(model, tmp_path, capsys):
    assert main(["explore", "--model", model, *SIZES, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "training ended after 2 epochs (all epochs done); --weights loads" in printed
    rows = [line.split() for line in printed.split("\nslider ")[1].splitlines()[1:4]]
    assert sorted(name for name, _ in rows) == [f"{'z' if model == 'vae' else 'v'}{i}" for i in (1, 2, 3)]
    slopes = [float(slope) for _, slope in rows]
    assert slopes == sorted(slopes, reverse=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["explore.png", "weights.npz"]


@pytest.fixture
def learned(monkeypatch):
    """The models that other demos save, which take no time here beside their judges and rivals."""
    kept = {}

    def save(module, path, **facts):
        kept[type(module).__name__] = module
        save_weights(module, path, **facts)

    nade = replace(recipes.recipe_of("NADE", "digits"), epochs=1, hidden=8)
    monkeypatch.setitem(recipes.RECIPES, ("NADE", "digits"), nade)
    monkeypatch.setattr(recipes, "JUDGE_EPOCHS", {"few": 1, "many": 1})
    monkeypatch.setattr(gan_digits, "JUDGED", 200)
    monkeypatch.setattr(output, "save_weights", save)
    return kept


def test_it_takes_what_the_demos_learned(learned, tmp_path, monkeypatch):
    shown = {}
    monkeypatch.setattr(explore, "draw_strip", lambda latent: shown.update(latent=latent) or draw_strip(latent))
    assert main(["vae", *SIZES, "--draws", "2", "--scored", "2", "--out", str(tmp_path / "vae")]) == 0
    assert main(["gan_digits", *SIZES, "--samples", "50", "--out", str(tmp_path / "gan")]) == 0
    z = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    for model, decode in (("vae", learned["VAE"].decode), ("gan", learned["GAN"].generate)):
        weights = str(tmp_path / model / "weights.npz")
        assert main(["explore", "--weights", weights, "--out", str(tmp_path)]) == 0
        np.testing.assert_array_equal(shown["latent"].decode(z), decode(z))


def test_weights_that_do_not_fit_or_are_not_there_are_said(tmp_path, capsys):
    save_weights(Linear(2, 3, rng=np.random.default_rng(0)), tmp_path / "other.npz")
    save_weights(bernoulli_vae(6, (5,), 2, rng=0), tmp_path / "small.npz", data="rows of 6")
    (tmp_path / "some.csv").write_text("epoch,loss\n1,0.5\n")
    problems = {
        "other.npz": "other.npz holds a Linear: name a file that holds a VAE or a GAN",
        "small.npz": "small.npz is a model of rows of 6 with 6 pixels, but digits 8×8, grey level ≥ 8 has 64: name its",
        "none.npz": "none.npz: No such file",
        "some.csv": "some.csv is no file of weights or a damaged one: name one that save_weights or a demo wrote",
    }
    for name, problem in problems.items():
        code = 2 if name in ("other.npz", "small.npz") else 1
        assert main(["explore", "--weights", str(tmp_path / name), "--out", str(tmp_path)]) == code
        error = capsys.readouterr().err
        assert problem in error
        assert "pickle" not in error


def test_with_show_the_window_of_sliders_is_there_beside_the_strip(tmp_path, monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    shown = []
    monkeypatch.setattr(windows, "require", lambda: None)
    monkeypatch.setattr(windows, "wait", lambda: shown.extend(pyplot.get_figlabels()))
    try:
        assert main(["explore", *SIZES, "--show", "--out", str(tmp_path)]) == 0
        assert shown == ["explore", "explore.png"]
    finally:
        pyplot.close("all")
