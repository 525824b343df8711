"""The cells of `cells` over whole sequences as one operation, with back-propagation through time written by hand.

Each is held equal to its form step by step, values and gradients, by R-1. The result is (T, N, H), every h, and for the
LSTM (T + 1, N, H), where the row after the last is not an h but the final c. Arguments and options: see `cells`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import backend, primitive
from minigen.nn.cells import gru_reference, lstm_reference, rnn_reference
from minigen.nn.kernels import kernel

STRETCH = 512
"""The walk back takes about so many columns (steps · rows) at once where no step needs the next: they stay in cache."""


class Walk:
    """A cell's walk through time, and back.

    Arrays are (features, rows) here, so that a gate is one contiguous block, and all that enters a step is one block
    too: s = [hₜ₋₁; its neighbours; xₜ; 1]. With A = [Uᵀ Wᵀ b] a step's pre-activations are z = A s; with d = ∂L/∂z the
    gradients of its states and its input are Aᵀ d, and those of U, W and b the sum of d sᵀ over the steps.
    A cell says in `step` what follows from z, and in `slopes` and `back` how d follows from ∂L/∂h.
    """

    sigmoids = 0  # how many of the cell's gates are sigmoids; they come first

    def __init__(self, x: Any, h0: Any, A: Any, neighbours: Sequence[int], mask: Any, truncate: int | None):
        self.T, self.N, self.n = x.shape
        self.H = h0.shape[1]
        self.K = self.H * (1 + len(neighbours))
        self.A = A.astype(np.result_type(A, x, h0), order="C")
        self.truncate = truncate or self.T
        self.stopped = None if mask is None else [np.flatnonzero(~row) for row in mask]
        self.beside = [(shift, slice(k * self.H, (k + 1) * self.H)) for k, shift in enumerate(neighbours, start=1)]
        self.s = self.empty(self.T + 1, self.K + self.n + 1, self.N)
        self.s[:-1, self.K : -1] = x.transpose(0, 2, 1)
        self.s[:, -1] = 1
        self.h = self.s[:, : self.H]
        self.h[0] = h0.T
        self.paths = [self.h]  # each state, at all times
        self.z = self.empty(self.T, len(A), self.N)

    def empty(self, *shape: int) -> Any:
        """An array without values, of the dtype and library of A."""
        return np.empty_like(self.A, shape=shape)

    def step(self, t: int, z: Any) -> None:
        """Write the states after step t to `paths[…][t + 1]`, and to z what the walk back will need."""
        raise NotImplementedError

    def slopes(self, steps: slice, d: Any) -> None:
        """For these steps at once, write to d all of the derivative by z that does not need the gradient of a state."""
        raise NotImplementedError

    def back(self, k: int, dh: Any, d: Any) -> None:
        """Make d of the k-th of these steps ∂L/∂z, and leave in dh what reaches hₜ₋₁ past the gates."""
        raise NotImplementedError

    def forward(self) -> tuple[Any, Walk]:
        """The result of the operation, and for its gradient this walk."""
        halves = np.copy(self.A)  # a sigmoid is ½ + ½ tanh of half its argument: that half is taken here
        halves[: self.sigmoids * self.H] *= 0.5
        for t in range(self.T):
            self.spread(t)
            np.dot(halves, self.s[t], out=self.z[t])
            self.step(t, self.z[t])
            if self.stopped is not None:
                for path in self.paths:
                    path[t + 1][:, self.stopped[t]] = path[t][:, self.stopped[t]]
        result = self.empty(self.T + len(self.paths) - 1, self.N, self.H)
        result[: self.T] = self.h[1:].transpose(0, 2, 1)
        for final, path in zip(result[self.T :], self.paths[1:], strict=True):
            final[...] = path[-1].T
        return result, self

    def spread(self, t: int) -> None:
        """Lay the neighbours of each row of hₜ beside it."""
        for shift, block in self.beside:
            here, there = overlap(shift)
            self.s[t, block] = 0
            self.s[t, block][:, here] = self.h[t][:, there]

    def backward(self, g: Any) -> tuple:
        """∂L/∂(x, *initial states, W, U, b) for g = ∂L/∂h, and for an LSTM ∂L/∂c after it."""
        self.flows = [self.empty(self.H, self.N) for _ in self.paths]  # ∂L/∂ the states, of all that comes later
        for flow, last in zip(self.flows, [0, *(final.T for final in g[self.T :])], strict=True):
            flow[...] = last
        dh, back_A = self.flows[0], np.copy(self.A[:, :-1].T, order="C")
        gA, gx = np.zeros_like(self.A), self.empty(self.T, self.N, self.n)
        ds = self.empty(self.K + self.n, self.N)
        length = max(1, STRETCH // self.N)
        for start in reversed(range(0, self.T, length)):
            steps = slice(start, min(start + length, self.T))
            gh = np.copy(g[steps].transpose(0, 2, 1), order="C")
            d = self.empty(len(gh), len(self.A), self.N)
            self.slopes(steps, d)
            for k in reversed(range(len(gh))):
                t = start + k
                dh += gh[k]
                self.back_unless_stopped(t, k, d[k])
                np.dot(back_A, d[k], out=ds)
                dh += ds[: self.H]
                for shift, block in self.beside:
                    here, there = overlap(shift)
                    dh[:, there] += ds[block][:, here]
                gx[t] = ds[self.K :].T
                if t and t % self.truncate == 0:
                    for flow in self.flows:
                        flow.fill(0)
            gA += np.dot(side_by_side(d), side_by_side(self.s[steps]).T)
        return gx, *(flow.T for flow in self.flows), *self.split(gA)

    def back_unless_stopped(self, t: int, k: int, d: Any) -> None:
        """`back`, but no gradient through the gates of sequences that do not run at step t."""
        stopped = () if self.stopped is None else self.stopped[t]
        kept = [flow[:, stopped] for flow in self.flows] if len(stopped) else []
        self.back(k, self.flows[0], d)
        for flow, before in zip(self.flows, kept, strict=False):
            flow[:, stopped] = before
            d[:, stopped] = 0

    def sigmoids_of_tanh(self, z: Any) -> None:
        """½ + ½ tanh, in place, for the gates that are sigmoids."""
        gates = z[: self.sigmoids * self.H]
        gates *= 0.5
        gates += 0.5

    def gates(self, a: Any) -> Any:
        """The gates one by one.  (…, gates·H, N) → each (…, H, N)."""
        return a.reshape(*a.shape[:-2], -1, self.H, self.N).swapaxes(0, -3)

    def split(self, gA: Any) -> tuple:
        """∂L/∂(W, U, b) out of ∂L/∂A."""
        return gA[:, self.K : -1].T, gA[:, : self.K].T, gA[:, -1]


def overlap(shift: int) -> tuple[slice, slice]:
    """The columns that have a neighbour `shift` further on, and those that are one."""
    if shift < 0:
        return slice(-shift, None), slice(None, shift)
    return slice(None, -shift or None), slice(shift, None)


def side_by_side(a: Any) -> Any:
    """(steps, features, N) → (features, steps·N)."""
    return a.transpose(1, 0, 2).reshape(a.shape[1], -1)


def joined(W: Any, U: Any, b: Any) -> Any:
    """A = [Uᵀ Wᵀ b]."""
    return np.concatenate([U.T, W.T, b[:, None]], axis=1)


def walk_back(g: Any, walk: Walk, *args: Any, neighbours: Any = (), mask: Any = None, truncate: Any = None) -> tuple:
    """∂L/∂ each argument of `rnn`, `gru` or `lstm`."""
    return walk.backward(g)


class RNNWalk(Walk):
    """h = tanh z, so a gradient by h becomes one by z when it is multiplied by 1 − h²."""

    def step(self, t: int, z: Any) -> None:
        np.tanh(z, out=self.h[t + 1])

    def slopes(self, steps: slice, d: Any) -> None:
        h = self.h[1:][steps]
        np.subtract(1, h * h, out=d)

    def back(self, k: int, dh: Any, d: Any) -> None:
        d *= dh
        dh.fill(0)


GRU_STEP = kernel("gru_step")
"""What `GRUWalk.step` does, as one kernel on the device."""


class GRUWalk(Walk):
    """The candidate n has two pre-activations, of x and of h: z is r, u, n's of x, and n's of h."""

    sigmoids = 2

    def step(self, t: int, z: Any) -> None:
        r, u, n, n_of_h = self.gates(z)
        if not backend.on_host(z):
            GRU_STEP(self.h[t], n_of_h, r, u, n, self.h[t + 1])
            return
        np.tanh(z[: 2 * self.H], out=z[: 2 * self.H])
        self.sigmoids_of_tanh(z)
        n += r * n_of_h
        np.tanh(n, out=n)
        h = np.subtract(self.h[t], n, out=self.h[t + 1])
        h *= u
        h += n

    def slopes(self, steps: slice, d: Any) -> None:
        r, u, n, n_of_h = self.gates(self.z[steps])
        dr, du, dn, dn_of_h = self.gates(d)
        np.multiply(1 - u, 1 - n * n, out=dn)
        np.multiply(u * (1 - u), self.h[steps] - n, out=du)
        np.multiply(dn, r, out=dn_of_h)
        np.multiply(dn_of_h, n_of_h * (1 - r), out=dr)
        self.u = u

    def back(self, k: int, dh: Any, d: Any) -> None:
        gates = self.gates(d)
        gates *= dh
        dh *= self.u[k]

    def split(self, gA: Any) -> tuple:
        H, K = self.H, self.K
        of_h = np.concatenate([gA[: 2 * H, :K], gA[3 * H :, :K]])
        return gA[: 3 * H, K:-1].T, of_h.T, gA[: 3 * H, -1]


LSTM_STEP = kernel("lstm_step")
LSTM_BACK = kernel("lstm_back")
"""What `LSTMWalk.step` and `LSTMWalk.back` do, as one kernel each on the device."""


class LSTMWalk(Walk):
    """The gradient flows back along c as well: `flows` holds ∂L/∂h and ∂L/∂c."""

    sigmoids = 3

    def __init__(self, x: Any, h0: Any, c0: Any, *others: Any):
        super().__init__(x, h0, *others)
        self.c = self.empty(self.T + 1, self.H, self.N)
        self.c[0] = c0.T
        self.paths = [self.h, self.c]

    def step(self, t: int, z: Any) -> None:
        if not backend.on_host(z):
            LSTM_STEP(self.c[t], *self.gates(z), self.c[t + 1], self.h[t + 1])
            return
        np.tanh(z, out=z)
        self.sigmoids_of_tanh(z)
        (o, i, f, g), c = self.gates(z), self.c[t + 1]
        np.multiply(f, self.c[t], out=c)
        c += i * g
        np.multiply(o, np.tanh(c), out=self.h[t + 1])

    def slopes(self, steps: slice, d: Any) -> None:
        z, s = self.z[steps], self.sigmoids * self.H
        (o, i, f, g), tanh_c = self.gates(z), np.tanh(self.c[1:][steps])
        np.multiply(z, z, out=d)
        np.subtract(z[:, :s], d[:, :s], out=d[:, :s])  # σ' = σ − σ²
        np.subtract(1, d[:, s:], out=d[:, s:])  # tanh' = 1 − tanh²
        for slope, factor in zip(self.gates(d), (tanh_c, g, self.c[steps], i), strict=True):
            slope *= factor
        self.f, self.dc_dh = f, o * (1 - tanh_c * tanh_c)

    def back(self, k: int, dh: Any, d: Any) -> None:
        gates, dc = self.gates(d), self.flows[1]
        if not backend.on_host(d):
            LSTM_BACK(self.dc_dh[k], self.f[k], *gates, dh, dc)
            return
        gates[0] *= dh
        dc += dh * self.dc_dh[k]
        gates[1:] *= dc
        dc *= self.f[k]
        dh.fill(0)


# -- as operations


@primitive(joint=walk_back, residuals=True, reference=rnn_reference)
def rnn(x, h0, W, U, b, neighbours=(), mask=None, truncate=None):
    """`rnn_reference` in one walk."""
    return RNNWalk(x, h0, joined(W, U, b), neighbours, mask, truncate).forward()


@primitive(joint=walk_back, residuals=True, reference=gru_reference)
def gru(x, h0, W, U, b, neighbours=(), mask=None, truncate=None):
    """`gru_reference` in one walk."""
    H, zeros = h0.shape[1], np.zeros_like
    of_x = joined(W, np.concatenate([U[:, : 2 * H], zeros(U[:, :H])], axis=1), b)
    of_h = joined(zeros(W[:, :H]), U[:, 2 * H :], zeros(b[:H]))
    return GRUWalk(x, h0, np.concatenate([of_x, of_h]), neighbours, mask, truncate).forward()


@primitive(joint=walk_back, residuals=True, reference=lstm_reference)
def lstm(x, h0, c0, W, U, b, neighbours=(), mask=None, truncate=None):
    """`lstm_reference` in one walk."""
    return LSTMWalk(x, h0, c0, joined(W, U, b), neighbours, mask, truncate).forward()
