"""RNN, GRU and LSTM as layers: parameters, several layers, both directions (lecture: Pixel-RNN).

What a cell computes, and the shapes of its weights, are in `minigen.nn.bptt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Tensor, backend
from minigen.nn.arrays import RNGLike
from minigen.nn.bptt import gru, lstm, rnn
from minigen.nn.layers import glorot_uniform, orthogonal
from minigen.nn.module import Module, Parameter, whole

State = Sequence[tuple]
"""One tuple for each layer and direction, (h,) or for an LSTM (h, c), each (B, H)."""


class Cell(Module):
    """The parameters of one layer in one direction: W (n, gates·H), U (H, gates·H), b (gates·H,)."""

    def __init__(self, n: int, H: int, gates: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.W = Parameter(np.concatenate([glorot_uniform((n, H), rng=rng) for _ in range(gates)], axis=1))
        self.U = Parameter(np.concatenate([orthogonal((H, H), rng=rng) for _ in range(gates)], axis=1))
        self.b = Parameter(np.zeros(gates * H))


class Recurrent(Module):
    """A sequence of vectors to the sequence of a cell's states.

    n: numbers in an input; H: hidden units. Each layer after the first reads the states of the one before. With
    `bidirectional` every layer is two, one of which reads the sequence from its end, and their states lie side by side.
    The recurrent weights begin orthogonal (Saxe et al. 2014), the others by Glorot's rule, the biases at 0.
    """

    gates: int
    num_states = 1

    @staticmethod
    def operation(x: Any, *args: Any, **options: Any) -> Any:
        """The cell over a whole sequence, one of the operations of `bptt`: a subclass names it."""
        raise NotImplementedError

    def __init__(self, n: int, H: int, layers: int = 1, bidirectional: bool = False, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        for name, size in (("n", n), ("H", H), ("layers", layers)):
            whole(size, 1, name)
        self.n, self.H, self.directions = n, H, 2 if bidirectional else 1
        inputs = [n] + [H * self.directions] * (layers - 1)
        self.cells = [self.cell(size, rng=rng) for size in inputs for _ in range(self.directions)]

    def cell(self, n: int, *, rng: RNGLike = None) -> Cell:
        """The weights of one layer that reads n numbers a step, in one direction."""
        return Cell(n, self.H, self.gates, rng=rng)

    def __call__(
        self, x: Any, state: State | None = None, lengths: Any = None, truncate: int | None = None
    ) -> tuple[Any, State]:
        """x: (T, B, n), time first → every h of the last layer, (T, B, directions·H), and the last states.

        state: what an earlier call returned, or None for zeros. lengths: (B,), how many steps each sequence has; after
        its end a sequence keeps its states, and its outputs repeat the last. truncate: every so many steps the states
        before count as constants, so a gradient reaches back that far at most.
        """
        W = self.cells[0].W
        x = x if isinstance(x, Tensor) else backend.beside(backend.asarray(x, W.dtype), W)
        if x.ndim != 3 or x.shape[2] != self.n or not x.shape[0] * x.shape[1]:
            raise ValueError(f"{type(self).__name__} takes (T, B, {self.n}) with T and B at least 1, got {x.shape}")
        if truncate is not None:
            whole(truncate, 1, "truncate, in steps,")
        T, B, _ = x.shape
        states = self.started(state, B)
        mask = None if lengths is None else backend.to_device(running(lengths, T, B))
        final = []
        for layer in range(0, len(self.cells), self.directions):
            both = []
            for k, turn in zip(range(self.directions), (slice(None), slice(None, None, -1)), strict=False):
                cell, before = self.cells[layer + k], states[layer + k]
                shown = None if mask is None else mask[turn]
                path = self.operation(
                    x[turn] if k else x, *before, cell.W, cell.U, cell.b, mask=shown, truncate=truncate
                )
                h = path if self.num_states == 1 else path[:T]
                final.append((h[-1], path[T]) if self.num_states == 2 else (h[-1],))
                both.append(h[turn] if k else h)
            x = both[0] if len(both) == 1 else np.concatenate(both, axis=2)
        return x, final

    def started(self, state: State | None, B: int) -> State:
        """The initial states, checked; zeros where none are given."""
        if state is None:
            zeros = np.zeros_like(self.cells[0].W.data, shape=(B, self.H))
            return [(zeros,) * self.num_states] * len(self.cells)
        shapes = [[np.shape(s) for s in each] for each in state]
        if shapes != [[(B, self.H)] * self.num_states] * len(self.cells):
            raise ValueError(
                f"the state of this {type(self).__name__} is {len(self.cells)} tuples of {self.num_states} arrays of "
                f"shape {(B, self.H)}, got shapes {shapes}; pass on what an earlier call returned"
            )
        return state


def running(lengths: Any, T: int, B: int) -> np.ndarray:
    """Whether each sequence still runs at each step: (T, B)."""
    lengths = np.asarray(lengths)
    if lengths.shape != (B,) or not np.all((lengths == np.floor(lengths)) & (lengths >= 1) & (lengths <= T)):
        raise ValueError(f"lengths must be {B} whole numbers from 1 to {T}, got {lengths}")
    return np.arange(T)[:, None] < lengths


def detached(state: State) -> State:
    """The same states as constants: a gradient does not reach back beyond them."""
    return [tuple(s.detach() for s in each) for each in state]


class RNN(Recurrent):
    """hₜ = tanh(xₜ W + hₜ₋₁ U + b)."""

    operation, gates = staticmethod(rnn), 1


class GRU(Recurrent):
    """A gated recurrent unit; its gates are r, u and the candidate n."""

    operation, gates = staticmethod(gru), 3


class LSTM(Recurrent):
    """A long short-term memory; its gates are o, i, f and the candidate g. The bias of f begins at 1: it remembers
    until it learns to forget (Gers et al. 2000; Jozefowicz et al. 2015)."""

    operation, gates, num_states = staticmethod(lstm), 4, 2

    def cell(self, n: int, *, rng: RNGLike = None) -> Cell:
        cell = super().cell(n, rng=rng)
        cell.b.data[2 * self.H : 3 * self.H] = 1
        return cell
