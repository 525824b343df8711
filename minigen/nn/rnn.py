"""RNN, GRU and LSTM as layers with parameters, stacked and in one or both directions (lecture: Pixel-RNN).

The formulas of the cells and the shapes of their weights are in `minigen.nn.cells`.
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
"""The states after a sequence: for each layer and direction a tuple, (h,) or for an LSTM (h, c), of arrays (B, H)."""


class Cell(Module):
    """The parameters of one recurrent layer in one direction: W (n, gates·H), U (H, gates·H) and b (gates·H,).

    n: numbers in an input. H: hidden units. gates: number of gates, 1 for an RNN, 3 for a GRU, 4 for an LSTM.
    Each gate's block of W begins by `glorot_uniform`, its block of U orthogonal; b begins at 0.
    """

    def __init__(self, n: int, H: int, gates: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.W = Parameter(np.concatenate([glorot_uniform((n, H), rng=rng) for _ in range(gates)], axis=1))
        self.U = Parameter(np.concatenate([orthogonal((H, H), rng=rng) for _ in range(gates)], axis=1))
        self.b = Parameter(np.zeros(gates * H))


class Recurrent(Module):
    """Base class of recurrent networks: a sequence of inputs, (T, B, n), time first → the sequence of states h.

    A call (x, state=None, lengths=None, truncate=None) returns every h of the last layer, (T, B, directions·H), and the
    final states: a list with a tuple (h,), or (h, c) of an LSTM, of arrays (B, H) for each layer and, within a layer,
    each direction.
    n: numbers in an input. H: hidden units. layers: number of layers; each reads the states of the layer before.
    bidirectional: each layer has a second cell that reads the sequence backward, and the states of both are
    concatenated (directions = 2). gates: number of gates of the cell, which a subclass sets.
    The recurrent weights U begin orthogonal (Saxe et al. 2014), W by `glorot_uniform`, the biases at 0.
    Raises ValueError unless n, H and layers are whole numbers of at least 1.
    """

    gates: int
    num_states = 1

    @staticmethod
    def operation(x: Any, *args: Any, **options: Any) -> Any:
        """Run one cell over a whole sequence: a subclass sets this to `rnn`, `gru` or `lstm` of `minigen.nn.bptt`.

        x: (T, B, n). args: the initial states, W, U and b. options: mask and truncate. The result is every h,
        (T, B, H); for an LSTM the final c follows as row T.
        """
        raise NotImplementedError

    def __init__(self, n: int, H: int, layers: int = 1, bidirectional: bool = False, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        n, H, layers = (whole(size, 1, name) for name, size in (("n", n), ("H", H), ("layers", layers)))
        self.n, self.H, self.directions = n, H, 2 if bidirectional else 1
        inputs = [n] + [H * self.directions] * (layers - 1)
        self.cells = [self.cell(size, rng=rng) for size in inputs for _ in range(self.directions)]

    def cell(self, n: int, *, rng: RNGLike = None) -> Cell:
        """Return the Cell of one layer in one direction, its weights drawn.  n: numbers in an input of this layer."""
        return Cell(n, self.H, self.gates, rng=rng)

    def __call__(
        self, x: Any, state: State | None = None, lengths: Any = None, truncate: int | None = None
    ) -> tuple[Any, State]:
        """Return every h of the last layer, (T, B, directions·H), and the final states, a tuple for each cell.

        x: inputs, (T, B, n), time first. state: the final states of an earlier call, or None for zeros.
        lengths: number of steps of each sequence, (B,), or None for T. The final states are those after the sequence's
            own steps. From step `lengths` on, the outputs of the forward cell repeat its last h. Those of the backward
            cell, which reads x from T − 1 down to 0, are its initial h, because it has read nothing yet.
        truncate: None, or a number of steps: at every multiple of it the gradient does not pass to earlier states.
        Raises ValueError if x, state, lengths or truncate does not fit.
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
        """Return the initial states of B sequences: `state`, or zeros for None. Raises ValueError for wrong shapes."""
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
    """Return the mask of running sequences, (T, B): True at step t if sequence b has more than t steps.

    lengths: number of steps of each sequence, (B,). Raises ValueError unless they are B whole numbers from 1 to T.
    """
    lengths = np.asarray(lengths)
    if lengths.shape != (B,) or not np.all((lengths == np.floor(lengths)) & (lengths >= 1) & (lengths <= T)):
        raise ValueError(f"lengths must be {B} whole numbers from 1 to {T}, got {lengths}")
    return np.arange(T)[:, None] < lengths


def detached(state: State) -> State:
    """Return a list of tuples, those of `state` with each Tensor detached: no gradient passes to earlier calls.

    state: for each layer and direction a tuple of Tensors, (h,) or for an LSTM (h, c), as the layers return it.
    """
    return [tuple(s.detach() for s in each) for each in state]


class RNN(Recurrent):
    """Elman RNN,  hₜ = tanh(xₜ W + hₜ₋₁ U + b):  (T, B, n) → (T, B, directions·H) and a list, each cell's final (h,).

    n: numbers in an input. H: hidden units. layers: number of layers. bidirectional: a second cell reads backward, and
    directions is 2, else 1. A call takes (x, state=None, lengths=None, truncate=None).
    """

    operation, gates = staticmethod(rnn), 1


class GRU(Recurrent):
    """GRU, hₜ = u ⊙ hₜ₋₁ + (1 − u) ⊙ candidate:  (T, B, n) → (T, B, directions·H) and a list, each cell's final (h,).

    r, u = σ(xₜ W + hₜ₋₁ U + b), candidate = tanh(xₜ Wₙ + bₙ + r ⊙ hₜ₋₁ Uₙ); the columns are in this order.
    n: numbers in an input. H: hidden units. layers: number of layers. bidirectional: a second cell reads backward, and
    directions is 2, else 1. A call takes (x, state=None, lengths=None, truncate=None).
    """

    operation, gates = staticmethod(gru), 3


class LSTM(Recurrent):
    """LSTM, with gates o, i, f and candidate g:  (T, B, n) → (T, B, directions·H) and a list, each cell's final (h, c).

    n: numbers in an input. H: hidden units. layers: number of layers. bidirectional: a second cell reads backward, and
    directions is 2, else 1. A call takes (x, state=None, lengths=None, truncate=None).
    cₜ = f ⊙ cₜ₋₁ + i ⊙ g, hₜ = o ⊙ tanh cₜ, where W, U and b have the columns of o, i, f, g in this order.
    The bias of the forget gate f begins at 1, so that the cell first keeps its state (Gers et al. 2000; Jozefowicz et
    al. 2015).
    """

    operation, gates, num_states = staticmethod(lstm), 4, 2

    def cell(self, n: int, *, rng: RNGLike = None) -> Cell:
        cell = super().cell(n, rng=rng)
        cell.b.data[2 * self.H : 3 * self.H] = 1
        return cell
