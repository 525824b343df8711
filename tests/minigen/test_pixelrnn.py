"""The claims R-3 … R-6, in float64, with every parameter random. What all explicit models share is in
`test_explicit_models`, which runs over these models too."""

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from autograd import Tensor, check_grads, grad
from minigen.distributions import bernoulli_log_prob
from minigen.nn.maps import DiagonalLSTM, RasterRNN, RowLSTM, skew, unskew
from minigen.pixelrnn import VARIANTS, PixelRNN
from minigen.training.optim import Adam
from tests.minigen.enumeration import binary_vectors, table_of
from tests.minigen.models import randomised
from tests.strategies import generators

MODELS = {variant: {"variant": variant} for variant in VARIANTS} | {"raster GRU": {"variant": "raster", "cell": "gru"}}
every_model = pytest.mark.parametrize("name", MODELS)


def model_of(name, shape, rng, H=4, kernel=3, **options):
    """Small weights: with large ones, states saturate and derivatives vanish."""
    return randomised(PixelRNN(shape, H=H, rng=rng, kernel=kernel, **MODELS[name], **options), rng, scale=0.5)


def seen(model, trials=5):
    """Which pixels each logit depends on: (D, D), from gradients at random places."""
    rng, D = np.random.default_rng(0), model.D
    depends = np.zeros((D, D), bool)
    for _ in range(trials):
        x = Tensor(rng.standard_normal((1, D)), requires_grad=True)
        logits = model.logits(x)
        for i in range(D):
            slope = grad(np.sum(logits[0, i]), [x], retain_graph=True, allow_unused=True)[0]
            depends[i] |= False if slope is None else slope.data[0] != 0
    return depends


def predicted(name, shape, layers, kernel):
    """The same by sets: for every place the pixels that reach it, layer after layer."""
    pixels = list(np.ndindex(shape))
    if name.startswith("raster"):
        return {p: set(pixels[:k]) for k, p in enumerate(pixels)}
    places = list(np.ndindex(shape[0], shape[1] + 1)) if name == "diagonal" else pixels

    def around(field, i, j, offsets):
        return set().union(*(field.get((i + di, j + dj), set()) for di, dj in offsets))

    half = kernel // 2
    window = [(di, dj) for di in range(-half, 1) for dj in range(-half, half + 1) if (di, dj) < (0, 0)]
    field = {(i, j): {(i + di, j + dj) for di, dj in window} & set(pixels) for i, j in places}
    for _ in range(layers):
        if name == "row":
            state = {}
            for i, j in places:
                state[i, j] = around(field, i, j, [(0, -1), (0, 0)]) | around(state, i, j, [(-1, -1), (-1, 0), (-1, 1)])
        elif name == "diagonal":
            left, right = {}, {}
            for i, j in places:
                left[i, j] = field[i, j] | around(left, i, j, [(0, -1), (-1, 0)])
            for i, j in sorted(places, key=lambda p: (p[0], -p[1])):
                right[i, j] = field[i, j] | around(right, i, j, [(0, 1), (-1, 0)])
            state = {(i, j): left[i, j] | around(right, i, j, [(-1, 0)]) for i, j in places}
        else:
            state = {p: around(field, *p, [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0)]) for p in places}
        field = {p: field[p] | state[p] for p in places}
    return {p: field[p] for p in pixels}


@every_model
@pytest.mark.parametrize(("shape", "layers"), [((5, 6), 1), ((6, 5), 2), ((1, 5), 1), ((4, 1), 1)])
def test_r3_each_pixel_depends_on_exactly_the_predicted_ones(name, shape, layers, rng):
    """R-3: the measured receptive field is the predicted set, both ways: nothing after the pixel, nothing missing.

    Planted: a map from the right that is not moved down, so that a pixel sees what comes after it.
    """
    field = predicted(name, shape, layers, kernel=3)
    expected = np.array([[q in field[p] for q in sorted(field)] for p in sorted(field)])
    np.testing.assert_array_equal(seen(model_of(name, shape, rng, layers=layers)), expected)


@pytest.mark.parametrize("name", ["raster", "raster GRU", "diagonal"])
def test_r3_raster_and_diagonal_see_all_that_came_before(name, rng):
    """R-3: *all* predecessors, with a single layer: the strictly lower triangle, the last pixels of rows among them.

    Planted: maps that end with the image, so that the last pixel of a row is seen from the right in the row after the
    next only.
    """
    np.testing.assert_array_equal(seen(model_of(name, (5, 5), rng)), np.tri(25, k=-1, dtype=bool))


def test_r3_the_row_lstm_sees_a_triangle_and_the_cnn_is_blind_to_the_upper_right(rng):
    """R-3: from the middle of the last row of 7×13 pixels, in the shapes that the paper draws.

    A state of the Row LSTM sees one place more on either side with each row up, and its inputs see one to the left and
    by the first convolution one more on either side. The window of PRNN's masked convolutions grows to the right only
    on the way up: what is k columns to the right is seen only where it is at least k rows above.

    Planted: a Row LSTM whose states see the one above left twice, and not the one above right.
    """
    shape, (i, j) = (7, 13), (6, 6)
    row, cnn = (seen(model_of(name, shape, rng, layers=2))[i * 13 + j].reshape(shape) for name in ("row", "cnn"))
    above, right = i - np.arange(7)[:, None], np.arange(13) - j
    np.testing.assert_array_equal(row[:, 6:][:-1], (right <= above)[:, 6:][:-1])
    np.testing.assert_array_equal(cnn[:, 6:], ((right <= above) & (above <= 3) & (above > 0))[:, 6:])


@pytest.mark.parametrize(("kind", "read"), [(RowLSTM, 3), (DiagonalLSTM, 2)])
def test_r2_at_first_the_states_that_a_gate_reads_enter_as_one_state_would(kind, read, rng):
    """R-2: each gate's weights for the states of 3 or 2 pixels have orthonormal columns all together, so that signals
    along the map neither grow nor vanish; one pixel's block is orthogonal, divided by √3 or √2.

    Planted: blocks that are orthogonal each, so that signals grow by the root.
    """
    for U in np.split(kind(2, 5, rng=rng).astype(np.float64).U.data, 4, axis=1):
        np.testing.assert_allclose(U.T @ U, np.eye(5), atol=1e-6)
        np.testing.assert_allclose(U[:5].T @ U[:5], np.eye(5) / read, atol=1e-6)


STEPS = {RasterRNN: lambda i, j: 4 * i + j, RowLSTM: lambda i, j: i, DiagonalLSTM: lambda i, j: j}


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.__name__)
def test_r2_an_untrained_lstm_over_a_map_keeps_its_cell_by_the_bias_of_its_forget_gate(kind, rng):
    """R-2: without weights every gate is its bias: o = i = ½, f = σ(1) and g = 0. So c is the learned c₀ times σ(1)
    for each step since the border, and h = ½ tanh c, at every pixel.

    Planted: the 1 at the input gate, so that the cell forgets half in each step.
    """
    layer = kind(2, 3, rng=rng).astype(np.float64)
    for name, parameter in layer.parameters().items():
        if name.rpartition(".")[2] in ("W", "U"):
            parameter.data[...] = 0
    c0 = rng.standard_normal(3)
    (layer.start[1] if kind is RasterRNN else layer.c0).data[...] = c0
    steps = np.array([[STEPS[kind](i, j) + 1 for j in range(4)] for i in range(3)])
    expected = np.tanh(c0 * expit(1) ** steps[..., None]) / 2
    np.testing.assert_allclose(layer(rng.standard_normal((2, 3, 4, 2))).data, np.stack([expected] * 2), rtol=1e-12)


@given(rng=generators, n=st.integers(1, 5), m=st.integers(1, 5))
def test_r4_skew_is_undone_exactly_and_makes_columns_of_diagonals(rng, n, m):
    """R-4: unskew ∘ skew = identity, and place (i, j) goes to column i + j, with zeros elsewhere.

    Planted: an inverse that cuts off the end of each row, and does not move it back.
    """
    x = rng.standard_normal((2, n, m, 3))
    skewed = skew(x)
    assert skewed.shape == (2, n, n + m - 1, 3)
    np.testing.assert_array_equal(unskew(skewed), x)
    expected = np.zeros_like(skewed)
    for i, j in np.ndindex(n, m):
        expected[:, i, i + j] = x[:, i, j]
    np.testing.assert_array_equal(skewed, expected)


def test_r4_skew_and_its_inverse_are_differentiated(rng):
    check_grads(skew, rng.standard_normal((2, 3, 4, 2)), order=2)
    check_grads(unskew, rng.standard_normal((2, 3, 6, 2)), order=2)


@every_model
@pytest.mark.parametrize("layers", [1, 2])
def test_r5_the_512_images_of_3_by_3_pixels_sum_to_one(name, layers, rng):
    """R-5: to 1e-12, for random weights and after some training.

    Planted: a first convolution that sees its own pixel.
    """
    model = model_of(name, (3, 3), rng, layers=layers)
    assert table_of(model).sum() == pytest.approx(1, abs=1e-12)
    optimizer, x = Adam(model, 0.02), (rng.random((20, 9)) < 0.3).astype(float)
    first = model.nll(x).item()
    for _ in range(10):
        model.zero_grad()
        model.nll(x).backward()
        optimizer.step()
    assert model.nll(x).item() < first
    assert table_of(model).sum() == pytest.approx(1, abs=1e-12)


@every_model
def test_r5_grey_levels_sum_to_one(name, rng):
    """R-5: over the 3⁴ images of 2×2 pixels with three levels.

    Planted: a softmax whose logits see the pixel itself.
    """
    model = model_of(name, (2, 2), rng, levels=3)
    x = np.array(list(itertools.product(range(3), repeat=4)))
    assert np.exp(model.log_prob(x).data).sum() == pytest.approx(1, abs=1e-12)


@every_model
@pytest.mark.parametrize("levels", [2, 4])
def test_r6_the_sampler_draws_from_the_density_it_is_scored_by(name, levels, rng):
    """R-6: the logits that pixels were drawn from, one after the other, are those of the finished image seen at once.

    Planted: a drawing in which a Row LSTM does not see what lies to the left.
    """
    model = model_of(name, (5, 4), rng, layers=2, levels=levels)
    x, drawn_from = model.generate(np.zeros((6, 20)), 0, rng=rng)
    assert len(np.unique(x, axis=0)) == 6
    np.testing.assert_allclose(drawn_from, model.logits(x).data, rtol=1e-10, atol=1e-12)


@every_model
def test_r6_completions_keep_what_was_given_and_follow_the_density(name, rng):
    """R-6: a given beginning stays, and its logits are those of scoring too.

    Planted: the last given pixel drawn anew.
    """
    model, given_pixels = model_of(name, (3, 4), rng), (rng.random((5, 12)) < 0.5).astype(float)
    x, logits = model.generate(given_pixels * (np.arange(12) < 7), 7, rng=rng)
    np.testing.assert_array_equal(x[:, :7], given_pixels[:, :7])
    np.testing.assert_allclose(logits, model.logits(x).data, rtol=1e-10, atol=1e-12)


@every_model
def test_conditionals_given_a_beginning_are_those_of_the_table(name, rng):
    """p(last three pixels | first six) by enumeration beside 20,000 completions: within 5 standard errors each."""
    model, n = model_of(name, (3, 3), rng), 20_000
    beginning = np.array([1.0, 0, 1, 1, 0, 0])
    ends = binary_vectors(3)
    p = np.exp(model.log_prob(np.hstack([np.tile(beginning, (8, 1)), ends])).data)
    p /= p.sum()
    drawn = model.complete(np.tile(np.append(beginning, [0, 0, 0]), (n, 1)), np.arange(9) < 6, rng=rng)[:, 6:]
    shares = (drawn[:, None] == ends).all(axis=2).mean(axis=0)
    assert np.all(abs(shares - p) < 5 * np.sqrt(p * (1 - p) / n))


@every_model
def test_every_parameter_has_its_gradient(name, rng):
    """The gradient of the loss along a random direction is that of central differences, and no parameter is idle."""
    model = model_of(name, (3, 4), rng, layers=2)
    x = (rng.random((4, 12)) < 0.5).astype(float)
    theta, v, h = model.flat.copy(), rng.standard_normal(model.num_parameters), 1e-6
    model.zero_grad()
    model.nll(x).backward()
    slope, idle = model.flat_grad @ v, [k for k, p in model.parameters().items() if not np.any(p.grad)]
    assert idle == []
    values = []
    for sign in (1, -1):
        model.flat[...] = theta + sign * h * v
        values.append(model.nll(x).item())
    assert slope == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-6)


@every_model
def test_two_equally_likely_images_cost_one_bit(name, rng):
    """All zeros or all ones: only the first pixel is uncertain, so the loss goes to ln 2."""
    shape = (4, 4)
    model = PixelRNN(shape, H=8, rng=rng, kernel=3, layers=2, **MODELS[name])
    images, optimizer = np.repeat([[0.0], [1.0]], 16, axis=1), Adam(model, 0.02)
    for _ in range(300):
        model.zero_grad()
        loss = model.nll(images)
        loss.backward()
        optimizer.step()
    assert loss.item() == pytest.approx(np.log(2), abs=0.02)


def test_a_progress_bar_counts_the_pixels(rng, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    model = model_of("row", (2, 3), rng)
    model.sample(1, rng=rng)
    assert capsys.readouterr().err == ""
    model.progress = True
    model.sample(1, rng=rng)
    assert "drawing" in capsys.readouterr().err


def test_grey_levels_are_scored_by_a_softmax_and_binary_ones_by_a_logit(rng):
    grey, binary = model_of("row", (2, 2), rng, levels=5), model_of("row", (2, 2), rng)
    x = rng.integers(0, 5, (3, 4))
    logits = grey.logits(x).data
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = np.log(np.take_along_axis(p, x[..., None], axis=-1)[..., 0]).sum(axis=1)
    np.testing.assert_allclose(grey.log_prob(x).data, expected, rtol=1e-12)
    x = (x > 2).astype(float)
    np.testing.assert_allclose(binary.log_prob(x).data, bernoulli_log_prob(x, binary.logits(x).data).sum(axis=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "column"}, "variant must be one of raster, row, diagonal, cnn, got 'column'"),
        ({"variant": "raster", "cell": "rnn"}, "cell must be one of lstm, gru, got 'rnn'"),
        ({"H": 0}, "H must be a whole number of at least 1, got 0"),
        ({"layers": 1.5}, "layers must be a whole number of at least 1, got 1.5"),
        ({"levels": 1}, "levels must be a whole number of at least 2, got 1"),
        ({"kernel": 4}, "odd"),
        ({"shape": (0, 3)}, "rows must be a whole number of at least 1, got 0"),
        ({"shape": (3, 0)}, "columns must be a whole number of at least 1, got 0"),
    ],
)
def test_what_cannot_be_built_is_refused(options, message, rng):
    with pytest.raises(ValueError, match=message):
        PixelRNN(**({"shape": (3, 3), "variant": "row", "H": 2, "rng": rng} | options))


def test_levels_beyond_the_last_are_refused(rng):
    model = PixelRNN((2, 2), "row", 2, levels=4, rng=rng)
    with pytest.raises(ValueError, match="states 0 … 3, got values from 0 to 4"):
        model.log_prob(np.array([[0, 1, 2, 4]]))
