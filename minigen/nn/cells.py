"""Recurrent cells, step by step (lecture: Pixel-RNN): the readable form. `bptt` has whole sequences as one operation.

A cell makes its next state hₜ from the last one and an input xₜ. σ is the sigmoid, ⊙ the element-wise product:

    RNN   hₜ = tanh(xₜ W + hₜ₋₁ U + b)                                                          (Elman 1990)
    GRU   r, u = σ(xₜ W + hₜ₋₁ U + b),  n = tanh(xₜ Wₙ + bₙ + r ⊙ hₜ₋₁ Uₙ),
          hₜ = n + u ⊙ (hₜ₋₁ − n)                                      (Cho et al. 2014, the reset after the product)
    LSTM  o, i, f = σ(xₜ W + hₜ₋₁ U + b),  g = tanh(xₜ W_g + hₜ₋₁ U_g + b_g),
          cₜ = f ⊙ cₜ₋₁ + i ⊙ g,  hₜ = o ⊙ tanh cₜ                 (Hochreiter, Schmidhuber 1997; Gers et al. 2000)

Shapes: x (T, N, n), one row for each of N sequences at each of T steps; h0, c0 (N, H); W (n, gates·H), b (gates·H,),
the gates side by side in the order above. U (H, gates·H), or with `neighbours` ((1 + their number)·H, gates·H): where
the rows are places, row k then sees the states before of the rows k, k + neighbours[0], …, zeros beyond the border.

Options: mask (T, N) of booleans, False where a sequence is not running: there its states stay what they were.
truncate: every so many steps the states before count as constants (truncated back-propagation; Williams and Peng 1990).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigen.nn.arrays import plain
from minigen.nn.functions import sigmoid


def shifted(h: Any, shift: int) -> Any:
    """Row k of the result is row k + shift of h, zeros where there is none.  h: (N, H)."""
    if shift < 0:
        return np.pad(h, [(-shift, 0), (0, 0)])[:shift]
    return np.pad(h, [(0, shift), (0, 0)])[shift:]


def around(h: Any, neighbours: Sequence[int]) -> Any:
    """Each row and its neighbours side by side.  (N, H) → (N, (1 + neighbours)·H)."""
    return np.concatenate([h, *(shifted(h, shift) for shift in neighbours)], axis=1)


def rnn_step(x, h, W, U, b):
    """x: (N, n), h: (N, H) or, with neighbours, (N, (1 + neighbours)·H) → the next h, (N, H)."""
    return np.tanh(x @ W + h @ U + b)


def gru_step(x, h, W, U, b):
    """x: (N, n), h as in `rnn_step` → the next h, (N, H)."""
    own = h[:, : U.shape[1] // 3]
    xr, xu, xn = np.split(x @ W + b, 3, axis=1)
    hr, hu, hn = np.split(h @ U, 3, axis=1)
    r, u = sigmoid(xr + hr), sigmoid(xu + hu)
    n = np.tanh(xn + r * hn)
    return n + u * (own - n)


def lstm_step(x, h, c, W, U, b):
    """As the others, with the cell c: (N, H) → the next h and c."""
    o, i, f, g = np.split(x @ W + h @ U + b, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def unroll(step: Callable, x: Any, states: tuple, neighbours: Sequence[int], mask: Any, truncate: int | None) -> Any:
    """Every h on the way, and after them the last c.  step: (xₜ, h and its neighbours, *other states) → states."""
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
    """Every h: (T, N, H)."""
    return unroll(lambda x, h: (rnn_step(x, h, W, U, b),), x, (h0,), neighbours, mask, truncate)


def gru_reference(x, h0, W, U, b, neighbours=(), mask=None, truncate=None):
    """Every h: (T, N, H)."""
    return unroll(lambda x, h: (gru_step(x, h, W, U, b),), x, (h0,), neighbours, mask, truncate)


def lstm_reference(x, h0, c0, W, U, b, neighbours=(), mask=None, truncate=None):
    """Every h, and after them the last c: (T + 1, N, H)."""
    return unroll(lambda x, h, c: lstm_step(x, h, c, W, U, b), x, (h0, c0), neighbours, mask, truncate)
