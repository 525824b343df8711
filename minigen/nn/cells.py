"""Recurrent cells, one step at a time (lecture: Pixel-RNN). `bptt` computes whole sequences as one fast operation.

A cell computes the state hₜ from the state hₜ₋₁ and the input xₜ. σ is the sigmoid, ⊙ the element-wise product:

    RNN   hₜ = tanh(xₜ W + hₜ₋₁ U + b)                                                          (Elman 1990)
    GRU   r, u = σ(xₜ W + hₜ₋₁ U + b),  n = tanh(xₜ Wₙ + bₙ + r ⊙ hₜ₋₁ Uₙ),
          hₜ = n + u ⊙ (hₜ₋₁ − n)                                      (Cho et al. 2014, the reset after the product)
    LSTM  o, i, f = σ(xₜ W + hₜ₋₁ U + b),  g = tanh(xₜ W_g + hₜ₋₁ U_g + b_g),
          cₜ = f ⊙ cₜ₋₁ + i ⊙ g,  hₜ = o ⊙ tanh cₜ                 (Hochreiter, Schmidhuber 1997; Gers et al. 2000)

Shapes: x is (T, N, n): n numbers for each of N sequences at each of T steps. h0 and c0 are (N, H). W is (n, gates·H),
U is (H, gates·H), b is (gates·H,). RNN, GRU and LSTM have 1, 3 and 4 gates, n and g counted: blocks of H columns, in
the order of the formulas.

Options:
neighbours: a sequence of row offsets. Rows are then positions in an image, and the gates of row k read hₜ₋₁ of the rows
    k, k + neighbours[0], …, zeros beyond the border. U is ((1 + len(neighbours))·H, gates·H).
mask: (T, N) of booleans, False where a sequence is not running: its states do not change in that step.
truncate: a number of steps. At every multiple of it the earlier states count as constants, so that no gradient passes
    (truncated back-propagation through time; Williams and Peng 1990). None: the gradient passes through all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigen.nn.arrays import plain
from minigen.nn.functions import sigmoid


def shifted(h: Any, shift: int) -> Any:
    """Return h with its rows moved: row k is row k + shift of h, or zeros if h has no such row.  h: (N, H) → (N, H)."""
    if shift < 0:
        return np.pad(h, [(-shift, 0), (0, 0)])[:shift]
    return np.pad(h, [(0, shift), (0, 0)])[shift:]


def around(h: Any, neighbours: Sequence[int]) -> Any:
    """Return each row of h and the rows at the offsets `neighbours` from it, side by side; zeros beyond the border.

    h: (N, H) → (N, (1 + len(neighbours))·H).
    """
    return np.concatenate([h, *(shifted(h, shift) for shift in neighbours)], axis=1)


def rnn_step(x, h, W, U, b):
    """Return the next state tanh(x W + h U + b) of an RNN: (N, H).

    x: inputs, (N, n). h: states, (N, H). W: (n, H). U: (H, H). b: (H,).
    To read k neighbouring rows too, pass `around(h, neighbours)`, (N, (1 + k)·H), as h, and U of ((1 + k)·H, H).
    """
    return np.tanh(x @ W + h @ U + b)


def gru_step(x, h, W, U, b):
    """Return the next state of a GRU, n + u ⊙ (h − n): (N, H).

    Gates r, u = σ(x W + h U + b); candidate n = tanh(x Wₙ + bₙ + r ⊙ h Uₙ).
    x: inputs, (N, n). h: states, (N, H). W: (n, 3H). U: (H, 3H). b: (3H,). The columns are of r, u, n in this order.
    With k neighbours h is `around(h, neighbours)`, (N, (1 + k)·H), whose first H columns enter h − n, and U is
    ((1 + k)·H, 3H).
    """
    own = h[:, : U.shape[1] // 3]
    xr, xu, xn = np.split(x @ W + b, 3, axis=1)
    hr, hu, hn = np.split(h @ U, 3, axis=1)
    r, u = sigmoid(xr + hr), sigmoid(xu + hu)
    n = np.tanh(xn + r * hn)
    return n + u * (own - n)


def lstm_step(x, h, c, W, U, b):
    """Return the next (h, c) of an LSTM, c = f ⊙ c + i ⊙ g and h = o ⊙ tanh c.

    Gates o, i, f = σ(x W + h U + b); candidate g = tanh(x W_g + h U_g + b_g).
    x: inputs, (N, n). h: states, (N, H). c: cell states, (N, H) → two arrays (N, H).
    W: (n, 4H). U: (H, 4H). b: (4H,). The columns are of the gates o, i, f, g in this
    order.
    With k neighbours h is `around(h, neighbours)`, (N, (1 + k)·H), and U is
    ((1 + k)·H, 4H).
    """
    o, i, f, g = np.split(x @ W + h @ U + b, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def unroll(step: Callable, x: Any, states: tuple, neighbours: Sequence[int], mask: Any, truncate: int | None) -> Any:
    """Run a cell over T steps. Return h₁ … h_T and then the final value of every other state (c): (T or T + 1, N, H).

    step: step(xₜ, around(h, neighbours), *other states) returns a tuple of the new states. x: (T, N, n).
    states: the initial states, (h0,) or (h0, c0), each (N, H). neighbours: row offsets, as in `around`.
    mask: None or (T, N), False where a sequence is not running and keeps its states.
    truncate: None, or a number of steps: at every multiple of it the gradient does not pass to earlier states.
    """
    path = []
    for t in range(len(x)):
        if truncate and t and t % truncate == 0:
            states = tuple(plain(s) for s in states)
        new = step(x[t], around(states[0], neighbours), *states[1:])
        if mask is not None:
            new = tuple(np.where(mask[t, :, None], s, before) for s, before in zip(new, states, strict=True))
        states = new
        path.append(states[0])
    return np.stack([*path, *states[1:]])


def rnn_reference(x, h0, W, U, b, neighbours=(), mask=None, truncate=None):
    """Return all states h₁ … h_T of an RNN, hₜ = tanh(xₜ W + hₜ₋₁ U + b), step by step: (T, N, H).

    x: inputs, (T, N, n), time first. h0: initial states, (N, H). W: (n, H). U: (H, H). b: (H,).
    neighbours: a tuple of row offsets. For row k, U multiplies the rows k, k + neighbours[0], … of hₜ₋₁ side by side,
        zeros beyond the border; U then has (1 + len(neighbours))·H rows.
    mask: None or (T, N) of booleans, False where a sequence is not running and keeps its states.
    truncate: None, or a number of steps: no gradient passes from hₜ₊₁ to hₜ where t is a multiple of it.
    """
    return unroll(lambda x, h: (rnn_step(x, h, W, U, b),), x, (h0,), neighbours, mask, truncate)


def gru_reference(x, h0, W, U, b, neighbours=(), mask=None, truncate=None):
    """Return all states h₁ … h_T of a GRU, hₜ = n + u ⊙ (hₜ₋₁ − n), step by step: (T, N, H).

    x: inputs, (T, N, n), time first. h0: initial states, (N, H). W: (n, 3H). U: (H, 3H). b: (3H,). The columns are of
    r, u = σ(xₜ W + hₜ₋₁ U + b) and the candidate n = tanh(xₜ Wₙ + bₙ + r ⊙ hₜ₋₁ Uₙ).
    neighbours: a tuple of row offsets. For row k, U multiplies the rows k, k + neighbours[0], … of hₜ₋₁ side by side,
        zeros beyond the border; U then has (1 + len(neighbours))·H rows.
    mask: None or (T, N) of booleans, False where a sequence is not running and keeps its states.
    truncate: None, or a number of steps: at every multiple of it the gradient does not pass to earlier states.
    """
    return unroll(lambda x, h: (gru_step(x, h, W, U, b),), x, (h0,), neighbours, mask, truncate)


def lstm_reference(x, h0, c0, W, U, b, neighbours=(), mask=None, truncate=None):
    """Return all states h₁ … h_T of an LSTM and then its final cell state c_T, step by step: (T + 1, N, H).

    x: inputs, (T, N, n), time first. h0, c0: initial states and cell states, (N, H). W: (n, 4H). U: (H, 4H). b: (4H,).
    The columns are of the gates o, i, f = σ(xₜ W + hₜ₋₁ U + b), then g = tanh(xₜ W_g + hₜ₋₁ U_g + b_g). The step is
    cₜ = f ⊙ cₜ₋₁ + i ⊙ g, hₜ = o ⊙ tanh cₜ.
    neighbours: a tuple of row offsets. For row k, U multiplies the rows k, k + neighbours[0], … of hₜ₋₁ side by side,
        zeros beyond the border; U then has (1 + len(neighbours))·H rows.
    mask: None or (T, N) of booleans, False where a sequence is not running and keeps its states.
    truncate: None, or a number of steps: at every multiple of it the gradient does not pass to earlier states.
    """
    return unroll(lambda x, h, c: lstm_step(x, h, c, W, U, b), x, (h0, c0), neighbours, mask, truncate)
