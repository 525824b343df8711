"""Layers that turn a map (batch, rows, columns, channels) into another of which no place sees what comes after it.

From van den Oord, Kalchbrenner and Kavukcuoglu 2016 ("PRNN" below), with the raster scan beside them. "After" is meant
in raster order: row by row, each row from the left.

Each layer is here twice. Called, it makes the whole map, all that training needs. Its `pixel` makes one place after the
other, each from what its state holds, at first `initial_state`: so drawing an image costs about as much as scoring it.
R-6 holds them equal.
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

# -- what the first layer sees


class Previous(Module):
    """The pixel before in raster order, and 0 before the first.  (B, n, m, C) → (B, n, m, C)."""

    def __call__(self, x: Any) -> Any:
        B, n, m, C = x.shape
        return np.pad(x.reshape(B, n * m, C), [(0, 0), (1, 0), (0, 0)])[:, :-1].reshape(B, n, m, C)

    def at(self, x: Any, i: int, j: int) -> Any:
        """The layer's value at one place, from pixels before it alone: (B, C)."""
        before = i * x.shape[2] + j - 1
        return x.reshape(len(x), -1, x.shape[3])[:, before] if before >= 0 else np.zeros_like(x[:, 0, 0])


class MaskedConv2d(Convolution):
    """A convolution that sees no place after its own in raster order (van den Oord et al. 2016, section 3.4).

    mask: "A" sees the places before alone, "B" its own too. What is masked has no weights. The map keeps its size.
    `offsets` are the taps counted from the place itself.
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
        """The tap that lies on the place itself."""
        return tuple(k // 2 for k in self.kernel_size)

    def offsets_seen(self) -> Offsets:
        if not all(k % 2 for k in self.kernel_size):
            raise ValueError(f"the kernel of a masked convolution has a centre: odd sizes, got {self.kernel_size}")
        seen = [tap for tap in super().offsets_seen() if tap < self.centre or (tap == self.centre and self.mask == "B")]
        if not seen:
            raise ValueError(f"with mask A a kernel of {self.kernel_size} sees nothing; make it larger")
        return tuple(seen)

    def at(self, x: Any, i: int, j: int) -> Any:
        """x: (B, n, m, C), of which places after (i, j) do not matter → (B, C_out)."""
        seen = [
            x[:, row, column] if 0 <= row < x.shape[1] and 0 <= column < x.shape[2] else np.zeros_like(x[:, 0, 0])
            for row, column in ((i + di, j + dj) for di, dj in self.offsets)
        ]
        return np.concatenate(seen, axis=1) @ self.weight.data + self.bias.data

    def initial_state(self, B: int, n: int, m: int) -> Any:
        """Room for the layer's inputs at all n × m places."""
        return np.zeros_like(self.weight.data, shape=(B, n, m, self.n_in))

    def pixel(self, value: Any, i: int, j: int, state: Any) -> Any:
        """Keep the input at (i, j) in the state, and give the layer's value there.  (B, C) → (B, C_out)."""
        state[:, i, j] = value
        return self.at(state, i, j)


# -- layers with a state


class RasterRNN(Module):
    """An LSTM or GRU that reads a map as one sequence, row by row; its initial state is learned."""

    def __init__(self, n_in: int, H: int, cell: str = "lstm", *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.layer = {"lstm": LSTM, "gru": GRU}[cell](n_in, H, rng=rng)
        self.start = [Parameter(np.zeros(H)) for _ in range(self.layer.num_states)]

    def __call__(self, x: Any) -> Any:
        B, n, m, C = x.shape
        h, _ = self.layer(np.transpose(x, (1, 2, 0, 3)).reshape(n * m, B, C), self.begun(B))
        return np.transpose(h.reshape(n, m, B, -1), (2, 0, 1, 3))

    def begun(self, B: int) -> list:
        """The learned initial state, for B images."""
        return [tuple(np.broadcast_to(s, (B, len(s))) for s in self.start)]

    def initial_state(self, B: int, n: int, m: int) -> list:
        """One place for the states of the LSTM or GRU after the last pixel; at first the learned ones."""
        return [self.begun(B)]

    def pixel(self, value: Any, i: int, j: int, state: list) -> Any:
        """One step of the sequence.  (B, C) → (B, H)."""
        h, state[0] = self.layer(value[None], state[0])
        return plain(h)[0]


class Scan(Module):
    """An LSTM over maps with its learned initial state; `neighbours` says how many states its gates see.

    A subclass says in which direction it goes, and so what its gates see.
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
        """Along the first axis of x, (T, L, B, n), with neighbours so many places of L further on: (T, L, B, H)."""
        T, L, B, n = x.shape
        h0, c0 = (np.broadcast_to(s, (L * B, self.H)) for s in (self.h0, self.c0))
        shifts = tuple(B * shift for shift in neighbours)
        h = lstm(x.reshape(T, L * B, n), h0, c0, self.W, self.U, self.b, neighbours=shifts, mask=mask)
        return h[:T].reshape(T, L, B, self.H)

    def pixel(self, value: Any, i: int, j: int, state: dict) -> Any:
        """The h of one place, from its input and the states before it.  (B, C) → (B, H)."""
        raise NotImplementedError

    def next(self, x: Any, h: Any, c: Any) -> tuple:
        """One place: the input, the states that it sees side by side, and the cell → its h and c."""
        return lstm_step(x, h, c, self.W.data, self.U.data, self.b.data)

    def before(self, B: int, n: int, m: int) -> tuple:
        """Room for the h and c of all places, filled with the initial state."""
        return tuple(np.broadcast_to(s.data, (B, n, m, self.H)).copy() for s in (self.h0, self.c0))


class RowLSTM(Scan):
    """An LSTM from row to row (PRNN 3.1): the state of a place sees those above, above left and above right of it, and
    of the input its own place and the one to its left: convolutions of 3 places, that of the input with mask B."""

    def __init__(self, n_in: int, H: int, *, rng: RNGLike = None):
        super().__init__(2 * n_in, H, 3, rng=rng)

    def __call__(self, x: Any) -> Any:
        left = np.pad(x, [(0, 0), (0, 0), (1, 0), (0, 0)])[:, :, :-1]
        rows = np.transpose(np.concatenate([left, x], axis=3), (1, 2, 0, 3))
        return np.transpose(self.scan(rows, neighbours=(-1, 1)), (2, 0, 1, 3))

    def initial_state(self, B: int, n: int, m: int) -> dict:
        """h and c with a row above, the initial state, and a column of zeros on either side."""
        h, c = self.before(B, n + 1, m + 2)
        h[:, :, [0, -1]] = 0
        return {"h": h, "c": c, "left": np.zeros_like(h, shape=(B, len(self.W.data) // 2))}

    def pixel(self, value: Any, i: int, j: int, state: dict) -> Any:
        """The state at one place, from its input and the states above it.  (B, C) → (B, H)."""
        h, c = state["h"], state["c"]
        left = state["left"] if j else np.zeros_like(value)
        above = np.concatenate([h[:, i, j + 1], h[:, i, j], h[:, i, j + 2]], axis=1)
        here = self.next(np.concatenate([left, value], axis=1), above, c[:, i, j + 1])
        h[:, i + 1, j + 1], c[:, i + 1, j + 1] = here
        state["left"] = value
        return here[0]


def skew(x: Any) -> Any:
    """Row i moved i places to the right, zeros in the gaps.  (B, n, m, C) → (B, n, n + m − 1, C).

    Cutting rows of n + m places at every n + m − 1 moves each one further than the row before.
    """
    B, n, m, C = x.shape
    wide = np.pad(x, [(0, 0), (0, 0), (0, n), (0, 0)]).reshape(B, n * (n + m), C)
    return wide[:, : n * (n + m - 1)].reshape(B, n, n + m - 1, C)


def unskew(x: Any) -> Any:
    """`skew` undone.  (B, n, n + m − 1, C) → (B, n, m, C)."""
    B, n, width, C = x.shape
    flat = np.pad(x.reshape(B, n * width, C), [(0, 0), (0, n), (0, 0)])
    return flat.reshape(B, n, width + 1, C)[:, :, : width + 1 - n]


class DiagonalLSTM(Scan):
    """An LSTM from diagonal to diagonal (PRNN 3.2): the state of a place sees the one to its left and the one above.

    In the skewed map diagonals are columns: all of one are made at once. A row waits in the initial state until its
    first place comes.
    """

    def __init__(self, n_in: int, H: int, *, rng: RNGLike = None):
        super().__init__(n_in, H, 2, rng=rng)

    def __call__(self, x: Any) -> Any:
        B, n, m, _ = x.shape
        step, row = np.arange(n + m - 1)[:, None], np.arange(n)
        in_image = backend.beside(np.repeat((row <= step) & (step < row + m), B, axis=1), x)
        columns = np.transpose(skew(x), (2, 1, 0, 3))
        return unskew(np.transpose(self.scan(columns, neighbours=(-1,), mask=in_image), (2, 1, 0, 3)))

    def initial_state(self, B: int, n: int, m: int) -> dict:
        """h and c with a column before, the initial state, and a row of zeros above."""
        h, c = self.before(B, n + 1, m + 1)
        h[:, 0] = 0
        return {"h": h, "c": c}

    def pixel(self, value: Any, i: int, j: int, state: dict) -> Any:
        """The state at one place, from its input and the states left of and above it.  (B, C) → (B, H)."""
        h, c = state["h"], state["c"]
        here = self.next(value, np.concatenate([h[:, i + 1, j], h[:, i, j + 1]], axis=1), c[:, i + 1, j])
        h[:, i + 1, j + 1], c[:, i + 1, j + 1] = here
        return here[0]


class DiagonalBiLSTM(Module):
    """A `DiagonalLSTM` from the left and one from the right (PRNN 3.2). The second would see what lies to the right of
    a place in its own row, which comes after it: so its map is moved down by one row before the two are added."""

    def __init__(self, n_in: int, H: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.from_left, self.from_right = DiagonalLSTM(n_in, H, rng=rng), DiagonalLSTM(n_in, H, rng=rng)

    def __call__(self, x: Any) -> Any:
        from_right = self.from_right(x[:, :, ::-1])[:, :, ::-1]
        return self.from_left(x) + np.pad(from_right, [(0, 0), (1, 0), (0, 0), (0, 0)])[:, :-1]

    def initial_state(self, B: int, n: int, m: int) -> dict:
        """That of both directions, the inputs of the row at hand, and what the right one says of the row above."""
        return {
            "left": self.from_left.initial_state(B, n, m),
            "right": self.from_right.initial_state(B, n, m),
            "row": np.zeros_like(self.from_left.W.data, shape=(B, m, len(self.from_left.W.data))),
            "above": np.zeros_like(self.from_left.W.data, shape=(B, m, self.from_left.H)),
        }

    def pixel(self, value: Any, i: int, j: int, state: dict) -> Any:
        """The sum of both directions at one place.  (B, C) → (B, H)."""
        m = state["row"].shape[1]
        if i and not j:  # the row above is complete: now it can be read from its end
            for k in range(m):
                above = self.from_right.pixel(state["row"][:, m - 1 - k], i - 1, k, state["right"])
                state["above"][:, m - 1 - k] = above
        state["row"][:, j] = value
        return self.from_left.pixel(value, i, j, state["left"]) + state["above"][:, j]


# -- the network


class Stack(Sequential):
    """Layers one after the other. A layer without an `initial_state` treats each place for itself."""

    def initial_state(self, B: int, n: int, m: int) -> list:
        """The initial state of each layer, None for a layer without."""
        return [layer.initial_state(B, n, m) if hasattr(layer, "initial_state") else None for layer in self.layers]

    def pixel(self, value: Any, i: int, j: int, state: list) -> Any:
        """One place through all layers.  (B, C) → (B, C')."""
        layer: Any
        for layer, own in zip(self.layers, state, strict=True):
            value = plain(layer(value) if own is None else layer.pixel(value, i, j, own))
        return value


class Residual(Module):
    """y = x + f(x), f the layers one after the other (PRNN 3.3, after He et al. 2016)."""

    def __init__(self, *layers: Callable[[Any], Any]):
        self.f = Stack(*layers)

    def __call__(self, x: Any) -> Any:
        return x + self.f(x)

    def initial_state(self, B: int, n: int, m: int) -> list:
        """The initial states of the layers of f."""
        return self.f.initial_state(B, n, m)

    def pixel(self, value: Any, i: int, j: int, state: list) -> Any:
        """One place: x + f(x).  (B, C) → (B, C)."""
        return value + self.f.pixel(value, i, j, state)
