"""Causal layers over maps (batch, rows, columns, channels): no pixel depends on pixels that come after it.

The order of pixels is raster order: row by row, each row from the left. The layers are those of Pixel-RNN (van den
Oord, Kalchbrenner and Kavukcuoglu 2016), and an LSTM or GRU in raster order.

Each layer has two forms, which test R-6 holds equal. A call computes the whole map, for training. The method `pixel`
computes one pixel at a time in raster order, from a state that begins as `initial_state`, for sampling: so drawing an
image costs about as much as computing its log-probability.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import backend
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.bptt import lstm
from minigen.nn.cells import lstm_step
from minigen.nn.conv import Convolution, Offsets, unfold
from minigen.nn.functions import linear
from minigen.nn.layers import Sequential, glorot_uniform, orthogonal
from minigen.nn.module import Module, Parameter
from minigen.nn.rnn import GRU, LSTM

# -- the first layer: each pixel reads earlier pixels


class Previous(Module):
    """Shift by one pixel: y[p] = x[p − 1] in raster order, and 0 at the first pixel.  (B, n, m, C) → (B, n, m, C)."""

    def __call__(self, x: Any) -> Any:
        B, n, m, C = x.shape
        return np.pad(x.reshape(B, n * m, C), [(0, 0), (1, 0), (0, 0)])[:, :-1].reshape(B, n, m, C)

    def at(self, x: Any, i: int, j: int) -> Any:
        """Return the layer's output at pixel (i, j), which reads earlier pixels alone.  x: (B, n, m, C) → (B, C)."""
        before = i * x.shape[2] + j - 1
        return x.reshape(len(x), -1, x.shape[3])[:, before] if before >= 0 else np.zeros_like(x[:, 0, 0])


class MaskedConv2d(Convolution):
    """Masked convolution (van den Oord et al. 2016, section 3.4):  (B, n, m, n_in) → (B, n, m, n_out), channels last.

    No output pixel reads an input pixel that comes later in raster order.
    n_in, n_out: number of channels of the input and the output. kernel_size: odd, one number or (rows, columns).
    mask: "A" reads the pixels before the output pixel; "B" the pixel itself too, all channels. Masked taps: no weights.
    `offsets` are the (row, column) offsets of the pixels read from the output pixel. Raises ValueError for an even
    kernel size, an unknown mask, or mask "A" with a kernel of one pixel.
    """

    def __init__(self, n_in: int, n_out: int, kernel_size: int | tuple[int, int], mask: str, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        if mask not in ("A", "B"):
            raise ValueError(f'mask must be "A" or "B", got {mask!r}')
        self.mask = mask
        super().__init__(n_in, n_out, kernel_size, rng=rng)
        self.offsets = tuple(tuple(t - c for t, c in zip(tap, self.centre, strict=True)) for tap in self.taps)

    def __call__(self, x: Any) -> Any:
        beyond = [max(0, *along) for along in zip(*self.offsets, strict=True)]
        padding = [(0, 0), *zip(self.centre, beyond, strict=True), (0, 0)]
        columns = unfold(np.pad(self.checked(x), padding), self.taps, x.shape[1:-1], self.stride)
        return linear(columns, self.weight, self.bias)

    @property
    def centre(self) -> tuple[int, ...]:
        """The tap (row, column) at the centre of the kernel, which reads the output pixel's own position."""
        return tuple(k // 2 for k in self.kernel_size)

    def offsets_seen(self) -> Offsets:
        """Return the taps (row, column) that the mask keeps. Raises ValueError for an even size, or if none is left."""
        if not all(k % 2 for k in self.kernel_size):
            raise ValueError(f"the kernel of a masked convolution has a centre: odd sizes, got {self.kernel_size}")
        seen = [tap for tap in super().offsets_seen() if tap < self.centre or (tap == self.centre and self.mask == "B")]
        if not seen:
            raise ValueError(f"with mask A a kernel of {self.kernel_size} sees nothing; make it larger")
        return tuple(seen)

    def at(self, x: Any, i: int, j: int) -> Any:
        """Return the output at row i, column j, without a graph; no later pixel is read.  (B, n, m, n_in) → (B, n_out).

        x: the input, an array.
        """
        seen = [
            x[:, row, column] if 0 <= row < x.shape[1] and 0 <= column < x.shape[2] else np.zeros_like(x[:, 0, 0])
            for row, column in ((i + di, j + dj) for di, dj in self.offsets)
        ]
        return np.concatenate(seen, axis=1) @ self.weight.data + self.bias.data

    def initial_state(self, B: int, n: int, m: int) -> Any:
        """Return the state before the first pixel of B images of n × m pixels: zeros, (B, n, m, n_in)."""
        return np.zeros_like(self.weight.data, shape=(B, n, m, self.n_in))

    def pixel(self, value: Any, i: int, j: int, state: Any) -> Any:
        """Store the input `value` at pixel (i, j) in `state` and return the output there.  (B, n_in) → (B, n_out).

        state: from `initial_state`, updated by the calls for all earlier pixels.
        """
        state[:, i, j] = value
        return self.at(state, i, j)


# -- layers with a state


CELLS = {"lstm": LSTM, "gru": GRU}
"""The layers that `RasterRNN` can be made of, by the name that it takes."""


class RasterRNN(Module):
    """An LSTM or GRU that reads a map as one sequence in raster order:  (B, n, m, n_in) → (B, n, m, H).

    n_in: number of input channels. H: hidden units. cell: "lstm" or "gru". The initial state is learned.
    Raises ValueError for another cell.
    """

    def __init__(self, n_in: int, H: int, cell: str = "lstm", *, rng: RNGLike = None):
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {cell!r}")
        rng = np.random.default_rng(rng)
        self.layer = CELLS[cell](n_in, H, rng=rng)
        self.start = [Parameter(np.zeros(H)) for _ in range(self.layer.num_states)]

    def __call__(self, x: Any) -> Any:
        B, n, m, C = x.shape
        h, _ = self.layer(np.transpose(x, (1, 2, 0, 3)).reshape(n * m, B, C), self.begun(B))
        return np.transpose(h.reshape(n, m, B, -1), (2, 0, 1, 3))

    def begun(self, B: int) -> list:
        """Return the learned initial state, repeated for B images: (h,) or (h, c), each (B, H), in a list."""
        return [tuple(np.broadcast_to(s, (B, s.shape[-1])) for s in self.start)]

    def initial_state(self, B: int, n: int, m: int) -> list:
        """Return the state before the first pixel of B images: a list that holds `begun(B)` alone.  n, m: not used."""
        return [self.begun(B)]

    def pixel(self, value: Any, i: int, j: int, state: list) -> Any:
        """Return h at pixel (i, j), (B, H), from its input and `state`; update `state`.  value: the input, (B, n_in).

        i, j: not used; the pixels come in raster order. state: from `initial_state` and the earlier calls.
        """
        h, state[0] = self.layer(value[None], state[0])
        return plain(h)[0]


class Scan(Module):
    """Base class of an LSTM over maps (B, n, m, n_in) → (B, n, m, H), with a learned initial state.

    n_in: number of channels that the gates read. H: hidden units. neighbours: number of pixels whose h enters each
    pixel's gates. A subclass chooses the direction, and so these pixels: it implements `__call__` (by `scan`),
    `initial_state(B, n, m)` (by `before`) and `pixel` (by `next`).
    The learned fields are W (n_in, 4H), U (neighbours·H, 4H), b (4H,), and the initial h0 and c0, (H,).
    """

    def __init__(self, n_in: int, H: int, neighbours: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.H = H
        self.W = Parameter(np.concatenate([glorot_uniform((n_in, H), rng=rng) for _ in range(4)], axis=1))
        blocks = [orthogonal((H, H), rng=rng) / np.sqrt(neighbours) for _ in range(4 * neighbours)]
        self.U = Parameter(np.block([blocks[4 * k : 4 * k + 4] for k in range(neighbours)]))
        self.b = Parameter(np.repeat([0.0, 0.0, 1.0, 0.0], H))  # the forget gate's bias
        self.h0, self.c0 = Parameter(np.zeros(H)), Parameter(np.zeros(H))

    def scan(self, x: Any, neighbours: tuple[int, ...], mask: Any = None) -> Any:
        """Return every h of an LSTM that runs along the first axis of x.  x: (T, L, B, n_in) → (T, L, B, H).

        T steps, each of L positions in B images, from the learned h0 and c0. Position l reads its own h of step t − 1
        and, for each offset in the tuple `neighbours`, the h at l + offset, zeros beyond the border; 0 is not among
        the offsets. mask: None or (T, L·B), False where a position only keeps its state; column l·B + k is position l
        of image k.
        """
        T, L, B, n = x.shape
        h0, c0 = (np.broadcast_to(s, (L, B, self.H)).reshape(L * B, self.H) for s in (self.h0, self.c0))
        shifts = tuple(B * shift for shift in neighbours)
        h = lstm(x.reshape(T, L * B, n), h0, c0, self.W, self.U, self.b, neighbours=shifts, mask=mask)
        return h[:T].reshape(T, L, B, self.H)

    def pixel(self, value: Any, i: int, j: int, state: dict) -> Any:
        """Return h at pixel (i, j), (B, H), from its input and earlier states in `state`, and store h and c in `state`.

        value: the input, (B, n_in). state: from `initial_state`, updated by the calls for all earlier pixels.
        """
        raise NotImplementedError

    def next(self, x: Any, h: Any, c: Any) -> tuple:
        """Return the next h and c of one pixel, each (B, H).

        x: input, (B, n_in). h: the states that the gates read, side by side, (B, neighbours·H). c: the cell state that
        the forget gate multiplies, (B, H).
        """
        return lstm_step(x, h, c, self.W.data, self.U.data, self.b.data)

    def before(self, B: int, n: int, m: int) -> tuple:
        """Return arrays for h and c of all pixels of B images, each (B, n, m, H), filled with the initial state."""
        starts = (s.data.reshape(-1, 1, 1, self.H) for s in (self.h0, self.c0))
        return tuple(np.broadcast_to(s, (B, n, m, self.H)).copy() for s in starts)


class RowLSTM(Scan):
    """Row LSTM, which runs from row to row (van den Oord et al. 2016, section 3.1):  (B, n, m, n_in) → (B, n, m, H).

    n_in: number of input channels. H: hidden units. The gates of pixel (i, j) read the states of (i − 1, j − 1),
    (i − 1, j) and (i − 1, j + 1), and the inputs at (i, j − 1) and (i, j): convolutions along the row of width 3, the
    one of the input with mask B.
    """

    def __init__(self, n_in: int, H: int, *, rng: RNGLike = None):
        super().__init__(2 * n_in, H, 3, rng=rng)

    def __call__(self, x: Any) -> Any:
        left = np.pad(x, [(0, 0), (0, 0), (1, 0), (0, 0)])[:, :, :-1]
        rows = np.transpose(np.concatenate([left, x], axis=3), (1, 2, 0, 3))
        return np.transpose(self.scan(rows, neighbours=(-1, 1)), (2, 0, 1, 3))

    def initial_state(self, B: int, n: int, m: int) -> dict:
        """Return the state before the first pixel of B images of n × m pixels: a dict of h, c and "left".

        left: the input to the left, (B, n_in). h and c are (B, n + 1, m + 2, H): the row above the image holds the
        learned initial state, and h is 0 in the columns left and right of the image.
        """
        h, c = self.before(B, n + 1, m + 2)
        h[:, :, [0, -1]] = 0
        return {"h": h, "c": c, "left": np.zeros_like(h, shape=(B, len(self.W.data) // 2))}

    def pixel(self, value: Any, i: int, j: int, state: dict) -> Any:
        """Return h at pixel (i, j), (B, H), from its input, the input to its left and the row above; update `state`.

        value: the input, (B, n_in). state: from `initial_state`, updated by the calls for all earlier pixels.
        """
        h, c = state["h"], state["c"]
        left = state["left"] if j else np.zeros_like(value)
        above = np.concatenate([h[:, i, j + 1], h[:, i, j], h[:, i, j + 2]], axis=1)
        here = self.next(np.concatenate([left, value], axis=1), above, c[:, i, j + 1])
        h[:, i + 1, j + 1], c[:, i + 1, j + 1] = here
        state["left"] = value
        return here[0]


def skew(x: Any) -> Any:
    """Return x with row i moved i pixels to the right, zeros elsewhere.  x: (B, n, m, C) → (B, n, n + m − 1, C).

    Rows are padded to n + m and read again in rows of n + m − 1: each row then starts a pixel later than the one above.
    """
    B, n, m, C = x.shape
    wide = np.pad(x, [(0, 0), (0, 0), (0, n), (0, 0)]).reshape(B, n * (n + m), C)
    return wide[:, : n * (n + m - 1)].reshape(B, n, n + m - 1, C)


def unskew(x: Any) -> Any:
    """Return x with row i moved i pixels to the left: undo `skew`.  x: (B, n, n + m − 1, C) → (B, n, m, C)."""
    B, n, width, C = x.shape
    flat = np.pad(x.reshape(B, n * width, C), [(0, 0), (0, n), (0, 0)])
    return flat.reshape(B, n, width + 1, C)[:, :, : width + 1 - n]


class DiagonalLSTM(Scan):
    """Diagonal LSTM, which runs from diagonal to diagonal:  (B, n, m, n_in) → (B, n, m, H).

    n_in: number of input channels. H: hidden units. The gates of a pixel read its input and the states of the pixels
    left of it and above it (van den Oord et al. 2016, section 3.2). In the skewed map (`skew`) the diagonals are
    columns, and a column is computed in one step. A row keeps the initial state until its first pixel.
    """

    def __init__(self, n_in: int, H: int, *, rng: RNGLike = None):
        super().__init__(n_in, H, 2, rng=rng)

    def __call__(self, x: Any) -> Any:
        B, n, m, _ = x.shape
        arange = backend.library(x).arange
        step, row = arange(n + m - 1)[:, None], arange(n)
        in_image = np.repeat((row <= step) & (step < row + m), B, axis=1)
        columns = np.transpose(skew(x), (2, 1, 0, 3))
        return unskew(np.transpose(self.scan(columns, neighbours=(-1,), mask=in_image), (2, 1, 0, 3)))

    def initial_state(self, B: int, n: int, m: int) -> dict:
        """Return the state before the first pixel of B images of n × m pixels: a dict of h and c.

        Both are (B, n + 1, m + 1, H): the column left of the image holds the learned initial state, and h is 0 in the
        row above the image.
        """
        h, c = self.before(B, n + 1, m + 1)
        h[:, 0] = 0
        return {"h": h, "c": c}

    def pixel(self, value: Any, i: int, j: int, state: dict) -> Any:
        """Return h at pixel (i, j), (B, H), from its input and the states left and above; store h and c in `state`.

        value: the input, (B, n_in). state: from `initial_state`, updated by the calls for all earlier pixels.
        """
        h, c = state["h"], state["c"]
        here = self.next(value, np.concatenate([h[:, i + 1, j], h[:, i, j + 1]], axis=1), c[:, i + 1, j])
        h[:, i + 1, j + 1], c[:, i + 1, j + 1] = here
        return here[0]


class DiagonalBiLSTM(Module):
    """Sum of a `DiagonalLSTM` from the left and one from the right:  (B, n, m, n_in) → (B, n, m, H).

    n_in: number of input channels. H: hidden units. The LSTM from the right reads pixels right of its own in the same
    row, which come after it in raster order. So its output is moved down by one row before the sum (van den Oord et al.
    2016, section 3.2).
    """

    def __init__(self, n_in: int, H: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.from_left, self.from_right = DiagonalLSTM(n_in, H, rng=rng), DiagonalLSTM(n_in, H, rng=rng)

    def __call__(self, x: Any) -> Any:
        from_right = self.from_right(x[:, :, ::-1])[:, :, ::-1]
        return self.from_left(x) + np.pad(from_right, [(0, 0), (1, 0), (0, 0), (0, 0)])[:, :-1]

    def initial_state(self, B: int, n: int, m: int) -> dict:
        """Return the state before the first pixel of B images of n × m pixels: a dict.

        left, right: the states of the LSTMs from the left and the right. row: the inputs of the current row,
        (B, m, n_in). above: the outputs of the LSTM from the right in the row above, (B, m, H).
        """
        return {
            "left": self.from_left.initial_state(B, n, m),
            "right": self.from_right.initial_state(B, n, m),
            "row": np.zeros_like(self.from_left.W.data, shape=(B, m, len(self.from_left.W.data))),
            "above": np.zeros_like(self.from_left.W.data, shape=(B, m, self.from_left.H)),
        }

    def pixel(self, value: Any, i: int, j: int, state: dict) -> Any:
        """Return the sum of both directions at pixel (i, j), (B, H), and update `state`.  value: the input, (B, n_in).

        state: from `initial_state`, updated by the calls for all earlier pixels.
        """
        m = state["row"].shape[1]
        if i and not j:  # the row above is complete: now it can be read from its end
            for k in range(m):
                above = self.from_right.pixel(state["row"][:, m - 1 - k], i - 1, k, state["right"])
                state["above"][:, m - 1 - k] = above
        state["row"][:, j] = value
        return self.from_left.pixel(value, i, j, state["left"]) + state["above"][:, j]


# -- the network


class Stack(Sequential):
    """A chain of `layers` over maps, f₁ first, with `initial_state` and `pixel` for sampling.

    layers: modules or functions. One that reads other pixels needs both methods, as `RowLSTM` has; one without them
    must act on each pixel alone, as `Linear` and `relu` do.
    """

    def initial_state(self, B: int, n: int, m: int) -> list:
        """Return a list with the state of each layer before the first pixel of B images of n × m pixels.

        The state of a layer without `initial_state` is None.
        """
        return [layer.initial_state(B, n, m) if hasattr(layer, "initial_state") else None for layer in self.layers]

    def pixel(self, value: Any, i: int, j: int, state: list) -> Any:
        """Return the output of all layers at pixel (i, j).  value: the input of the first layer, (B, C) → (B, C').

        state: from `initial_state`, updated by this call and the calls for all earlier pixels. No gradient passes.
        """
        layer: Any
        for layer, own in zip(self.layers, state, strict=True):
            value = plain(layer(value) if own is None else layer.pixel(value, i, j, own))
        return value


class Residual(Module):
    """Residual connection,  y = x + f(x), where f is the chain of `layers` (He et al. 2016).

    layers: modules or functions, f₁ first; f keeps the number of channels (van den Oord et al. 2016, section 3.3).
    """

    def __init__(self, *layers: Callable[[Any], Any]):
        self.f = Stack(*layers)

    def __call__(self, x: Any) -> Any:
        return x + self.f(x)

    def initial_state(self, B: int, n: int, m: int) -> list:
        """Return a list: each layer's state, or None, before the first pixel of B images of n × m pixels."""
        return self.f.initial_state(B, n, m)

    def pixel(self, value: Any, i: int, j: int, state: list) -> Any:
        """Return x + f(x) at pixel (i, j).  value: the input x, (B, C) → (B, C).

        state: from `initial_state`, updated by this call and the calls for all earlier pixels.
        """
        return value + self.f.pixel(value, i, j, state)
