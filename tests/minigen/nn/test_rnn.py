"""Recurrent layers: directions, depth, lengths, states that go on, what they begin with and what they refuse."""

import numpy as np
import pytest

from autograd import Tensor, grad
from minigen.nn.functions import sigmoid
from minigen.nn.layers import Linear, Sequential, orthogonal
from minigen.nn.rnn import GRU, LSTM, RNN, detached
from minigen.training.optim import Adam, clip_grad_norm

LAYERS = (RNN, GRU, LSTM)
every_layer = pytest.mark.parametrize("kind", LAYERS)


def made(kind, rng, n=2, H=3, **options):
    layer = kind(n, H, **options, rng=rng).astype(np.float64)
    layer.flat[...] = rng.standard_normal(layer.num_parameters)
    return layer


def plain(state):
    return [tuple(s.data for s in each) for each in state]


@every_layer
def test_two_calls_that_pass_the_state_on_are_one_call(kind, rng):
    layer, x = made(kind, rng, layers=2), rng.standard_normal((7, 4, 2))
    whole, last = layer(x)
    first, state = layer(x[:3])
    second, state = layer(x[3:], state)
    np.testing.assert_allclose(np.concatenate([first.data, second.data]), whole.data, rtol=1e-13)
    for a, b in zip(plain(state), plain(last), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


@every_layer
def test_a_gradient_passes_through_the_state_unless_it_is_detached(kind, rng):
    layer, x = made(kind, rng), Tensor(rng.standard_normal((3, 4, 2)), requires_grad=True)
    _, state = layer(x)
    y, _ = layer(x.data, state)
    assert np.all(grad(np.sum(y), [x], retain_graph=True)[0].data != 0)
    y, _ = layer(x.data, detached(state))
    assert grad(np.sum(y), [x], allow_unused=True) == [None]


@every_layer
@pytest.mark.parametrize("bidirectional", [False, True])
def test_ragged_sequences_are_what_each_is_alone(kind, bidirectional, rng):
    """In a padded batch every sequence has the outputs and the last states that it has by itself."""
    layer = made(kind, rng, layers=2, bidirectional=bidirectional)
    x, lengths = rng.standard_normal((6, 4, 2)), np.array([6, 1, 3, 4])
    y, state = layer(x, lengths=lengths)
    for k, length in enumerate(lengths):
        alone, last = layer(x[:length, k : k + 1])
        np.testing.assert_allclose(y.data[:length, k], alone.data[:, 0], rtol=1e-12)
        for together, single in zip(plain(state), plain(last), strict=True):
            for a, b in zip(together, single, strict=True):
                np.testing.assert_allclose(a[k], b[0], rtol=1e-12)


@every_layer
def test_after_the_end_of_a_sequence_the_halves_of_the_output_are_its_last_and_its_initial_h(kind, rng):
    """The forward half repeats its last h. The backward half has read nothing yet: zeros, or the state it was given."""
    layer, H = made(kind, rng, bidirectional=True), 3
    x, lengths = rng.standard_normal((6, 3, 2)), np.array([2, 6, 5])
    given = [tuple(rng.standard_normal((3, H)) for _ in each) for each in layer(x)[1]]
    for state, initial in ((None, np.zeros((3, H))), (given, given[1][0])):
        y = layer(x, state, lengths=lengths)[0].data
        for k, length in enumerate(lengths):
            np.testing.assert_array_equal(y[length:, k, :H], np.broadcast_to(y[length - 1, k, :H], (6 - length, H)))
            np.testing.assert_array_equal(y[length:, k, H:], np.broadcast_to(initial[k], (6 - length, H)))
            assert np.all(y[length - 1, k, H:] != initial[k])


@every_layer
def test_padding_has_no_gradient(kind, rng):
    layer, lengths = made(kind, rng, bidirectional=True), np.array([2, 5])
    x = Tensor(rng.standard_normal((5, 2, 2)), requires_grad=True)
    y, _ = layer(x, lengths=lengths)
    slope = grad(np.sum(y), [x])[0].data
    assert np.all(slope[2:, 0] == 0)
    assert np.all(slope[:2, 0] != 0)


@every_layer
def test_the_second_direction_reads_the_sequence_from_its_end(kind, rng):
    """Exchanging the directions' weights and reversing time exchanges the halves of the output."""
    layer, x = made(kind, rng, bidirectional=True), rng.standard_normal((5, 3, 2))
    y = layer(x)[0].data
    layer.cells = layer.cells[::-1]
    z = layer(x[::-1])[0].data[::-1]
    np.testing.assert_allclose(y, np.concatenate([z[..., 3:], z[..., :3]], axis=2), rtol=1e-13)


@every_layer
def test_truncation_reaches_the_cells_of_every_layer(kind, rng):
    layer, x = made(kind, rng, layers=2), Tensor(rng.standard_normal((4, 1, 2)), requires_grad=True)
    y, _ = layer(x, truncate=2)
    slope = grad(np.sum(y[3]), [x])[0].data
    assert np.all(slope[:2] == 0)
    assert np.all(slope[2:] != 0)


@every_layer
def test_the_recurrent_weights_begin_orthogonal_and_an_lstm_remembers(kind, rng):
    layer = kind(2, 16, rng=rng)
    for U in np.split(layer.cells[0].U.data, kind.gates, axis=1):
        np.testing.assert_allclose(U @ U.T, np.eye(16), atol=1e-6)
    gates = np.split(layer.cells[0].b.data, kind.gates)
    assert [float(b.mean()) for b in gates] == ([0, 0, 1, 0] if kind is LSTM else [0] * kind.gates)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
def test_orthogonal_matrices_have_orthonormal_rows_or_columns(shape, rng):
    """The shorter side is orthonormal, and the first entry has mean 0: without the signs of R it would not."""
    draws = np.stack([orthogonal(shape, rng=rng) for _ in range(2_000)])
    Q = draws[0] if shape[0] >= shape[1] else draws[0].T
    np.testing.assert_allclose(Q.T @ Q, np.eye(min(shape)), atol=1e-14)
    error = 1 / np.sqrt(max(shape) * len(draws))  # each entry has variance 1 / the longer side
    assert np.all(abs(draws.mean(axis=0)) < 5 * error)


@every_layer
def test_it_learns_to_remember_the_first_input_over_twenty_steps(kind, rng):
    """The sign of x₁ is asked for after twenty steps of noise: accuracy above 95 % from a chance of 50 %."""
    layer, head = kind(1, 16, rng=rng), Linear(16, 1, rng=rng)
    model = Sequential(layer, head)
    optimizer = Adam(model, 0.01)
    for _ in range(150):
        x = (0.3 * rng.standard_normal((20, 100, 1))).astype(np.float32)
        x[0] = np.sign(x[0])
        model.zero_grad()
        h, _ = layer(x)
        p = sigmoid(head(h[-1]) * x[0])
        loss = -np.mean(np.log(p))
        loss.backward()
        clip_grad_norm(model, 1.0)
        optimizer.step()
    assert np.mean(p.data > 0.5) > 0.95


@every_layer
def test_what_does_not_fit_is_refused_and_named(kind, rng):
    name, layer = kind.__name__, kind(2, 3, rng=rng)
    for shape in ((5, 2), (5, 4, 3), (0, 4, 2), (5, 0, 2)):
        with pytest.raises(ValueError, match=rf"{name} takes \(T, B, 2\) with T and B at least 1, got \({shape[0]}, "):
            layer(np.zeros(shape))
    x = np.zeros((5, 4, 2))
    for lengths in ([1, 2, 3], [1, 2, 3, 6], [0, 1, 1, 1], [1.5, 1, 1, 1]):
        with pytest.raises(ValueError, match="lengths must be 4 whole numbers from 1 to 5, got"):
            layer(x, lengths=lengths)
    for truncate in (0, -1, 1.5):
        with pytest.raises(
            ValueError, match=f"truncate, in steps, must be a whole number of at least 1, got {truncate}"
        ):
            layer(x, truncate=truncate)
    with pytest.raises(ValueError, match=rf"1 tuples of {kind.num_states} arrays of shape \(4, 3\), got shapes"):
        layer(x, layer(x[:, :3])[1])
    for sizes in ((0, 3), (2, 0), (2, 1.5)):
        with pytest.raises(ValueError, match="must be a whole number of at least 1, got"):
            kind(*sizes, rng=rng)
    assert kind(2.0, 3.0, 1.0, rng=rng).cells[0].U.shape[0] == 3  # a whole number may be a float
