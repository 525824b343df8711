"""The claims R-1 and R-2: back-propagation through time written by hand beside the cells step by step, in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Tensor, backend, check_grads, grad
from minigen.nn import bptt as recurrence
from minigen.nn.bptt import gru, lstm, rnn
from minigen.nn.cells import around, gru_reference, lstm_reference, rnn_reference
from tests.strategies import generators

CELLS = {"rnn": (rnn, rnn_reference, 1, 1), "gru": (gru, gru_reference, 3, 1), "lstm": (lstm, lstm_reference, 4, 2)}
"""By name: the fused operation, its reference, the number of gates and that of states."""
every_cell = pytest.mark.parametrize("cell", CELLS)


def arguments(cell, rng, T=5, N=4, n=2, H=3, neighbours=()):
    """x, the initial states, W, U and b, all random."""
    _, _, gates, states = CELLS[cell]
    shapes = [(T, N, n), *[(N, H)] * states, (n, gates * H), ((1 + len(neighbours)) * H, gates * H), (gates * H,)]
    return [rng.standard_normal(shape) for shape in shapes]


def value_and_gradients(operation, arrays, options):
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    y = operation(*tensors, **options)
    w = np.cos(np.arange(y.size)).reshape(y.shape)
    return [y, *grad(np.sum(w * y), tensors)]


SIZES = {"T": st.integers(1, 6), "N": st.integers(1, 5), "n": st.integers(1, 3), "H": st.integers(1, 4)}
NEIGHBOURS = st.sampled_from([(), (-1,), (-1, 1), (2,), (-3, 1)])


@given(
    cell=st.sampled_from(sorted(CELLS)),
    neighbours=NEIGHBOURS,
    ragged=st.booleans(),
    truncate=st.sampled_from([None, 1, 2, 3]),
    stretch=st.sampled_from([1, 8, 512]),
    rng=generators,
    **SIZES,
)
def test_r1_the_hand_written_walk_is_the_unrolled_cell(cell, neighbours, ragged, truncate, stretch, rng, **sizes):
    """R-1: values and every gradient to 1e-12: T = 1, given initial states, ragged lengths, neighbours, truncation, and
    stretches of the walk back of any length.

    Planted: a forget gate that is left out of the gradient on its way back along c.
    """
    arrays = arguments(cell, rng, neighbours=neighbours, **sizes)
    mask = rng.random((sizes["T"], sizes["N"])) < 0.6 if ragged else None
    options = {"neighbours": neighbours, "mask": mask, "truncate": truncate}
    fused, reference, _, _ = CELLS[cell]
    before, recurrence.STRETCH = recurrence.STRETCH, stretch
    try:
        ours, theirs = (value_and_gradients(f, arrays, options) for f in (fused, reference))
    finally:
        recurrence.STRETCH = before
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12, atol=1e-12)


@every_cell
def test_r1_gradients_equal_the_complex_step(cell, rng):
    """R-1: Im f(a + ih v) / h has no rounding to speak of, and no rule of ours in it.

    Planted: a derivative of tanh that is 1 − h.
    """
    fused, h = CELLS[cell][0], 1e-30
    arrays = arguments(cell, rng)
    y, *gradients = value_and_gradients(fused, arrays, {})
    w = np.cos(np.arange(y.size)).reshape(y.shape)
    for i, gradient in enumerate(gradients):
        v = rng.standard_normal(arrays[i].shape)
        moved = [a.astype(complex) for a in arrays]
        moved[i] += 1j * h * v
        assert np.sum(gradient.data * v) == pytest.approx(np.sum(w * fused(*moved)).imag / h, rel=1e-12, abs=1e-13)


@every_cell
def test_r1_second_derivatives_go_through_the_reference(cell, rng):
    """R-1: orders 1 and 2 against central differences.

    Planted: a GRU whose reference has no reset gate.
    """
    check_grads(CELLS[cell][0], *arguments(cell, rng, T=3, N=2), order=2)


@every_cell
def test_r1_the_same_graph_can_be_walked_twice(cell, rng):
    """What the walk forward kept is still there after a walk back."""
    tensors = [Tensor(a, requires_grad=True) for a in arguments(cell, rng)]
    y = np.sum(CELLS[cell][0](*tensors))
    once, again = (grad(y, tensors, retain_graph=True) for _ in range(2))
    for a, b in zip(once, again, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


@every_cell
def test_r1_in_float32_the_arguments_are_unchanged_and_everything_stays_float32(cell, rng):
    arrays = [a.astype(np.float32) for a in arguments(cell, rng)]
    copies = [a.copy() for a in arrays]
    results = value_and_gradients(CELLS[cell][0], arrays, {})
    assert {r.dtype for r in results} == {np.dtype(np.float32)}
    for a, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(a, copy)


def lstm_with_gates(rng, T, f, i):
    """An LSTM whose forget and input gates are f and i whatever it reads: (x, h0, c0, W, U, b)."""
    x, h0, c0, W, U, b = arguments("lstm", rng, T=T)
    H = h0.shape[1]
    W[:, H : 3 * H], U[:, H : 3 * H] = 0, 0
    b[H : 2 * H], b[2 * H : 3 * H] = i, f
    return x, h0, c0, W, U, b


def test_r2_an_lstm_that_forgets_nothing_and_takes_nothing_in_carries_its_cell(rng):
    """R-2: with i = 0 and f = 1 the cell after 300 steps is the cell before, exactly, and so is its gradient.

    Planted: a cell to which the candidate is added past its gate.
    """
    x, h0, c0, W, U, b = lstm_with_gates(rng, T=300, f=1e3, i=-1e3)
    c = Tensor(c0, requires_grad=True)
    last = lstm(x, h0, c, W, U, b)[-1]
    np.testing.assert_array_equal(last.data, c0)
    v = rng.standard_normal(c0.shape)
    np.testing.assert_array_equal(grad(np.sum(last * v), [c])[0].data, v)


def test_r2_the_gradient_along_the_cell_is_the_product_of_the_forget_gates(rng):
    """R-2: ∂c_T/∂c_0 = Π fₜ along the cell, here where h does not lead back into the gates (U = 0).

    Planted: as in R-1, the forget gate left out.
    """
    x, h0, c0, W, U, b = arguments("lstm", rng)
    T, H = len(x), h0.shape[1]
    f = 1 / (1 + np.exp(-(x @ W + b)[..., 2 * H : 3 * H]))
    c = Tensor(c0, requires_grad=True)
    slope = grad(np.sum(lstm(x, h0, c, W, 0 * U, b)[T]), [c])[0]
    np.testing.assert_allclose(slope.data, f.prod(axis=0), rtol=1e-12)


def test_neighbours_are_the_rows_that_many_further_on():
    h = np.arange(1.0, 5.0)[:, None]
    np.testing.assert_array_equal(around(h, (-1, 2)), [[1, 0, 3], [2, 1, 4], [3, 2, 0], [4, 3, 0]])


@every_cell
def test_truncation_cuts_every_path_longer_than_its_steps(cell, rng):
    """With truncate=3 of 7 steps the last output sees x from step 6 on, the fifth from step 3 on."""
    fused = CELLS[cell][0]
    x, *others = arguments(cell, rng, T=7)
    x = Tensor(x, requires_grad=True)
    for t, first in ((6, 6), (5, 3), (4, 3), (2, 0)):
        slope = grad(np.sum(fused(x, *others, truncate=3)[t]), [x])[0].data
        assert np.flatnonzero(np.any(slope != 0, axis=(1, 2))).tolist() == list(range(first, t + 1))


@pytest.mark.usefixtures("library")
@every_cell
def test_r1_on_every_backend(cell, rng):
    """R-1 and E-6: the same figures where the arrays are on a device, masks included."""
    fused, options = CELLS[cell][0], {"neighbours": (-1, 2), "truncate": None}
    arrays, mask = arguments(cell, rng, neighbours=options["neighbours"]), rng.random((5, 4)) < 0.6
    on_device = [backend.to_device(a) for a in arrays]
    y = fused(*map(Tensor, on_device), mask=backend.to_device(mask), **options)
    np.testing.assert_allclose(backend.to_numpy(y.data), fused(*arrays, mask=mask, **options), rtol=1e-13)
    check_grads(lambda *args: fused(*args, mask=backend.to_device(mask), **options), *arrays)
