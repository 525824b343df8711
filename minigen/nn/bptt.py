"""RNN, GRU and LSTM over whole sequences as one operation, with back-propagation through time written by hand.

The formulas, the shapes and the options are in `cells`. Test R-1 holds values and gradients equal to the step-by-step
form there. The result is every h, (T, N, H); for the LSTM it is (T + 1, N, H), and its last row is the final c.

On a device one kernel runs the whole walk (`walks`) if there are no neighbours, at most 256 hidden units, and float32
or float64 numbers. Otherwise the walks of this file run there too, step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import backend, primitive
from minigen.nn.cells import gru_reference, lstm_reference, rnn_reference
from minigen.nn.kernels import kernel
from minigen.nn.walks import one_kernel

STRETCH = 512
"""Number of columns (steps · N) that `slopes` gets at once, about: the steps are independent and fit in the cache."""


class Walk:
    """A cell run forward over all steps, and the gradients computed backward. A subclass is one kind of cell.

    Arrays are (features, N) here, so that each gate is one contiguous block. All inputs of a step are one block too,
    s = [hₜ₋₁; its neighbours; xₜ; 1]. With A = [Uᵀ Wᵀ b] the pre-activations are z = A s. With d = ∂L/∂z the gradient
    ∂L/∂s of states and input is Aᵀ d, and ∂L/∂A, which holds the gradients of U, W and b, is Σₜ d sᵀ.
    A subclass computes the states from z in `step`, and d from ∂L/∂h in two parts: `slopes` computes the factors that
    need no gradient of a state, for many steps at once, and `back` multiplies them by ∂L/∂h (or ∂L/∂c), step by step.

    x: inputs, (T, N, n). h0: initial states, (N, H). A: (gates·H, K + n + 1), where K = (1 + len(neighbours))·H and
    gates is the number of blocks of z: 1 for an RNN, 4 for GRU and LSTM. neighbours: a tuple of row offsets: row k also
    reads hₜ₋₁ of row k + offset. mask: None or booleans, (T, N), False where a sequence is not running and keeps its
    states. truncate: None, or a number of steps: at every multiple of it the gradient does not pass to earlier states.
    """

    sigmoids = 0  # the first gates, as many as this number, are sigmoids

    def __init__(self, x: Any, h0: Any, A: Any, neighbours: Sequence[int], mask: Any, truncate: int | None):
        self.T, self.N, self.n = x.shape
        self.H = h0.shape[1]
        self.K = self.H * (1 + len(neighbours))
        self.A = A.astype(np.result_type(A, x, h0), order="C")
        self.truncate = truncate or self.T
        self.stopped = None if mask is None else list(map(columns_off, mask))
        self.beside = [(shift, slice(k * self.H, (k + 1) * self.H)) for k, shift in enumerate(neighbours, start=1)]
        self.s = self.empty(self.T + 1, self.K + self.n + 1, self.N)
        self.s[:-1, self.K : -1] = x.transpose(0, 2, 1)
        self.s[:, -1] = 1
        self.h = self.s[:, : self.H]
        self.h[0] = h0.T
        self.paths = [self.h]  # each kind of state (h, and c of an LSTM) at all times, (T + 1, H, N)
        self.z = self.empty(self.T, len(A), self.N)

    def empty(self, *shape: int) -> Any:
        """Return an uninitialised array of this `shape`, with the dtype and the library of A."""
        return np.empty_like(self.A, shape=shape)

    def step(self, t: int, z: Any) -> None:
        """Write the states after step t: to path[t + 1], (H, N), for each path in `paths` (h, then c of an LSTM).

        z: the pre-activations, (gates·H, N), but z/2 in the sigmoid gates. A GRU or LSTM overwrites z with the gates'
        values, which `slopes` reads.
        """
        raise NotImplementedError

    def slopes(self, steps: slice, d: Any) -> None:
        """Write ∂h/∂z of each gate (∂c/∂z for i, f, g of an LSTM) to d, for `steps`, a slice.

        All element by element, from the gates' values that `step` left in `self.z[steps]`. d: output, (number of
        steps, gates·H, N), in the order of the blocks of z. `forward` has run before. `back` turns d into ∂L/∂z.
        """
        raise NotImplementedError

    def back(self, k: int, dh: Any, d: Any) -> None:
        """For one step turn d, in place, from the slopes ∂h/∂z (∂c/∂z) into ∂L/∂z, z being the pre-activations.

        Turn dh, in place too, from ∂L/∂hₜ into the part of ∂L/∂hₜ₋₁ that bypasses z.
        k: index of the step in the slice of the last call of `slopes`. dh: (H, N). d: (gates·H, N), from `slopes`. An
        LSTM also turns ∂L/∂cₜ, which `backward` holds in `flows[1]`, into ∂L/∂cₜ₋₁.
        """
        raise NotImplementedError

    def forward(self) -> tuple[Any, Walk]:
        """Run all steps. Return the result and this walk, which is kept for the gradient.

        The result is every h, (T, N, H), and for an LSTM the final c after them, (T + 1, N, H).
        """
        halves = np.copy(self.A)  # σ(z) = ½ + ½ tanh(z/2): the rows of the sigmoids compute z/2
        halves[: self.sigmoids * self.H] *= 0.5
        for t in range(self.T):
            self.spread(t)
            np.dot(halves, self.s[t], out=self.z[t])
            self.step(t, self.z[t])
            if self.stopped is not None:
                for path in self.paths:
                    copy_columns(path[t], path[t + 1], self.stopped[t])
        result = self.empty(self.T + len(self.paths) - 1, self.N, self.H)
        result[: self.T] = self.h[1:].transpose(0, 2, 1)
        for final, path in zip(result[self.T :], self.paths[1:], strict=True):
            final[...] = path[-1].T
        return result, self

    def spread(self, t: int) -> None:
        """Write the neighbours' hₜ₋₁ of each row to their place in s of step t, `self.s[t]`; 0 beyond the border."""
        for shift, block in self.beside:
            here, there = overlap(shift)
            self.s[t, block] = 0
            self.s[t, block][:, here] = self.h[t][:, there]

    def backward(self, g: Any) -> tuple:
        """Return the gradients ∂L/∂(x, h0, W, U, b), or ∂L/∂(x, h0, c0, W, U, b) for an LSTM.

        g: the gradient of the result of `forward`: ∂L/∂h of all steps and, for an LSTM, ∂L/∂c_T as the last row.
        """
        self.flows = [self.empty(self.H, self.N) for _ in self.paths]  # ∂L/∂hₜ (and ∂L/∂cₜ) through later steps
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
                dh += gh[k]  # ∂L/∂hₜ, through later steps and through the result
                self.back_unless_stopped(t, k, d[k])
                np.dot(back_A, d[k], out=ds)  # ∂L/∂s = Aᵀ d
                dh += ds[: self.H]
                for shift, block in self.beside:
                    here, there = overlap(shift)
                    dh[:, there] += ds[block][:, here]
                gx[t] = ds[self.K :].T
                if t and t % self.truncate == 0:
                    for flow in self.flows:
                        flow.fill(0)
            gA += np.dot(side_by_side(d), side_by_side(self.s[steps]).T)  # ∂L/∂A = Σₜ d sᵀ
        return gx, *(flow.T for flow in self.flows), *self.split(gA)

    def back_unless_stopped(self, t: int, k: int, d: Any) -> None:
        """Call `back` for step t, the k-th of its slice, for the sequences that run at step t.

        For the others d, (gates·H, N), becomes 0, and the gradient of their unchanged states passes on unchanged.
        """
        stopped = () if self.stopped is None else self.stopped[t]
        kept = [np.copy(flow) for flow in self.flows] if len(stopped) else []
        self.back(k, self.flows[0], d)
        for flow, before in zip(self.flows, kept, strict=False):
            copy_columns(before, flow, stopped)
            copy_columns(np.zeros_like(d[:1]), d, stopped)

    def sigmoids_of_tanh(self, z: Any) -> None:
        """Turn tanh(z/2) into σ(z) = ½ + ½ tanh(z/2), in place, in the sigmoid gates of z, (gates·H, N)."""
        gates = z[: self.sigmoids * self.H]
        gates *= 0.5
        gates += 0.5

    def gates(self, a: Any) -> Any:
        """Return a view of `a`, one gate a row.  (steps, gates·H, N) → (gates, steps, H, N), or both without steps."""
        return a.reshape(*a.shape[:-2], -1, self.H, self.N).swapaxes(0, -3)

    def split(self, gA: Any) -> tuple:
        """Return (∂L/∂W, ∂L/∂U, ∂L/∂b) from gA = ∂L/∂A, (gates·H, K + n + 1); a GRU skips the blocks where A is 0."""
        return gA[:, self.K : -1].T, gA[:, : self.K].T, gA[:, -1]


def columns_off(row: Any) -> Any:
    """Return the columns in which `row`, (N,) of booleans, is False: their numbers, or on a device a mask of them.

    To count them would wait for the device.
    """
    return np.flatnonzero(~row) if backend.on_host(row) else ~row


def copy_columns(source: Any, target: Any, columns: Any) -> None:
    """Copy some columns of `source`, (H, N) or (1, N), to `target`, (H, N).  columns: from `columns_off`."""
    if backend.on_host(target):
        target[:, columns] = source[:, columns]
    else:
        np.copyto(target, source, where=columns)


def overlap(shift: int) -> tuple[slice, slice]:
    """Return two slices of row indices: all k for which a row k + shift exists, and these k + shift."""
    if shift < 0:
        return slice(-shift, None), slice(None, shift)
    return slice(None, -shift or None), slice(shift, None)


def side_by_side(a: Any) -> Any:
    """Return `a` with the columns of all steps side by side.  (steps, features, N) → (features, steps·N)."""
    return a.transpose(1, 0, 2).reshape(a.shape[1], -1)


def joined(W: Any, U: Any, b: Any) -> Any:
    """Return A = [Uᵀ Wᵀ b], (gates·H, K + n + 1).  W: (n, gates·H), U: (K, gates·H), b: (gates·H,)."""
    return np.concatenate([U.T, W.T, b[:, None]], axis=1)


def walk_back(g: Any, walk: Walk, *args: Any, neighbours: Any = (), mask: Any = None, truncate: Any = None) -> tuple:
    """Return the gradients ∂L/∂(x, h0, W, U, b) of `rnn` and `gru`, or ∂L/∂(x, h0, c0, W, U, b) of `lstm`.

    g: ∂L/∂y of the operation's result y. walk: the walk of the forward pass. args: the arrays x, h0, … of the call.
    neighbours, mask, truncate: its options. Neither args nor options are used here, since `walk` holds them.
    """
    return walk.backward(g)


class RNNWalk(Walk):
    """The `Walk` of an RNN, h = tanh z:  ∂L/∂z = ∂L/∂h ⊙ (1 − h²).

    x: inputs, (T, N, n). h0: initial states, (N, H). A: [Uᵀ Wᵀ b], (H, K + n + 1), where K = (1 + len(neighbours))·H.
    neighbours, mask, truncate: as in `rnn`. `forward()` returns all h, (T, N, H), and this walk; then
    `backward(g)`, where g = ∂L/∂h, returns ∂L/∂(x, h0, W, U, b).
    """

    def step(self, t: int, z: Any) -> None:
        np.tanh(z, out=self.h[t + 1])

    def slopes(self, steps: slice, d: Any) -> None:
        h = self.h[1:][steps]
        np.subtract(1, h * h, out=d)  # ∂h/∂z = 1 − h²

    def back(self, k: int, dh: Any, d: Any) -> None:
        d *= dh  # ∂L/∂z = ∂L/∂h ⊙ (1 − h²)
        dh.fill(0)  # hₜ₋₁ acts through z alone


GRU_STEP = kernel("gru_step")
"""The formula of `GRUWalk.step` as one kernel on the device."""


class GRUWalk(Walk):
    """The `Walk` of a GRU, h = n + u ⊙ (hₜ₋₁ − n) with n = tanh(z_n + r ⊙ z_nh).

    z = A [hₜ₋₁; xₜ; 1] has four blocks: z_r, z_u, z_n = xₜ Wₙ + bₙ and z_nh = hₜ₋₁ Uₙ; A is 0 for the others.
    x: inputs, (T, N, n). h0: initial states, (N, H). A: (4H, K + n + 1), where K = (1 + len(neighbours))·H.
    neighbours: a tuple of row offsets. mask: None or (T, N) of booleans. truncate: None or a number of steps.
    `forward()` runs it, `backward(g)` gives the gradients.
    """

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
        np.multiply(1 - u, 1 - n * n, out=dn)  # ∂h/∂z_n = (1 − u)(1 − n²)
        np.multiply(u * (1 - u), self.h[steps] - n, out=du)  # ∂h/∂z_u = (hₜ₋₁ − n) u (1 − u)
        np.multiply(dn, r, out=dn_of_h)  # ∂h/∂z_nh = ∂h/∂z_n r
        np.multiply(dn_of_h, n_of_h * (1 - r), out=dr)  # ∂h/∂z_r = ∂h/∂z_n z_nh r (1 − r)
        self.u = u

    def back(self, k: int, dh: Any, d: Any) -> None:
        gates = self.gates(d)
        gates *= dh  # ∂L/∂z = ∂L/∂h ∂h/∂z for all four blocks
        dh *= self.u[k]  # ∂h/∂hₜ₋₁ = u, apart from z

    def split(self, gA: Any) -> tuple:
        H, K = self.H, self.K
        of_h = np.concatenate([gA[: 2 * H, :K], gA[3 * H :, :K]])
        return gA[: 3 * H, K:-1].T, of_h.T, gA[: 3 * H, -1]


LSTM_STEP = kernel("lstm_step")
LSTM_BACK = kernel("lstm_back")
"""The formulas of `LSTMWalk.step` and `LSTMWalk.back`, each as one kernel on the device."""


class LSTMWalk(Walk):
    """The `Walk` of an LSTM, c = f ⊙ cₜ₋₁ + i ⊙ g and h = o ⊙ tanh c. The gradient flows back along h and along c.

    x: inputs, (T, N, n). h0, c0: initial states and cell states, (N, H). others: A = [Uᵀ Wᵀ b],
    (4H, K + n + 1), with the rows of o, i, f, g in this order; neighbours, a tuple of row offsets; mask, None or (T, N)
    of booleans; truncate, None or a number of steps. `forward()` runs it, `backward(g)` gives the gradients.
    """

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
        do, di, df, dg = self.gates(d)
        do *= tanh_c  # ∂h/∂z_o = tanh c · o (1 − o)
        di *= g  # ∂c/∂z_i = g · i (1 − i)
        df *= self.c[steps]  # ∂c/∂z_f = cₜ₋₁ · f (1 − f)
        dg *= i  # ∂c/∂z_g = i (1 − g²)
        self.f, self.dc_dh = f, o * (1 - tanh_c * tanh_c)  # ∂c/∂cₜ₋₁ and ∂h/∂c

    def back(self, k: int, dh: Any, d: Any) -> None:
        gates, dc = self.gates(d), self.flows[1]
        if not backend.on_host(d):
            LSTM_BACK(self.dc_dh[k], self.f[k], *gates, dh, dc)
            return
        gates[0] *= dh  # ∂L/∂z_o = ∂L/∂h ∂h/∂z_o
        dc += dh * self.dc_dh[k]  # ∂L/∂c = its part through later steps + ∂L/∂h ∂h/∂c
        gates[1:] *= dc  # ∂L/∂z = ∂L/∂c ∂c/∂z for i, f and g
        dc *= self.f[k]  # ∂L/∂cₜ₋₁ = ∂L/∂c f
        dh.fill(0)  # hₜ₋₁ acts through z alone


# -- as operations


@primitive(joint=walk_back, residuals=True, reference=rnn_reference)
@one_kernel
def rnn(x, h0, W, U, b, neighbours=(), mask=None, truncate=None):
    """Return all states h₁ … h_T of an RNN, hₜ = tanh(xₜ W + hₜ₋₁ U + b): (T, N, H).

    x: inputs, (T, N, n), time first. h0: initial states, (N, H). W: (n, H). U: (H, H). b: (H,).
    neighbours: a tuple of row offsets. For row k of N, U multiplies the rows k, k + neighbours[0], … of hₜ₋₁ side by
        side, zeros beyond the border; U then has (1 + len(neighbours))·H rows.
    mask: None or (T, N) of booleans, False where a sequence is not running and keeps its states.
    truncate: None, or a number of steps: no gradient passes from hₜ₊₁ to hₜ where t ≥ 1 is a multiple of it.
    """
    return RNNWalk(x, h0, joined(W, U, b), neighbours, mask, truncate).forward()


@primitive(joint=walk_back, residuals=True, reference=gru_reference)
@one_kernel
def gru(x, h0, W, U, b, neighbours=(), mask=None, truncate=None):
    """Return all states h₁ … h_T of a GRU, hₜ = n + u ⊙ (hₜ₋₁ − n), n = tanh(xₜ Wₙ + bₙ + r ⊙ hₜ₋₁ Uₙ): (T, N, H).

    x: inputs, (T, N, n_in), time first. h0: initial states, (N, H). W: (n_in, 3H). U: (H, 3H). b: (3H,). The columns
    are of the gates r, u = σ(xₜ W + hₜ₋₁ U + b) and then of the candidate n.
    neighbours: a tuple of row offsets. For row k of N, U multiplies the rows k, k + neighbours[0], … of hₜ₋₁ side by
        side, zeros beyond the border; U then has (1 + len(neighbours))·H rows.
    mask: None or (T, N) of booleans, False where a sequence is not running and keeps its states.
    truncate: None, or a number of steps: no gradient passes from hₜ₊₁ to hₜ where t ≥ 1 is a multiple of it.
    """
    H, zeros = h0.shape[1], np.zeros_like
    of_x = joined(W, np.concatenate([U[:, : 2 * H], zeros(U[:, :H])], axis=1), b)
    of_h = joined(zeros(W[:, :H]), U[:, 2 * H :], zeros(b[:H]))
    return GRUWalk(x, h0, np.concatenate([of_x, of_h]), neighbours, mask, truncate).forward()


@primitive(joint=walk_back, residuals=True, reference=lstm_reference)
@one_kernel
def lstm(x, h0, c0, W, U, b, neighbours=(), mask=None, truncate=None):
    """Return all states h₁ … h_T of an LSTM and then its final cell state c_T: (T + 1, N, H).

    x: inputs, (T, N, n), time first. h0, c0: initial states and cell states, (N, H). W: (n, 4H). U: (H, 4H). b: (4H,).
    The columns are of the gates o, i, f = σ(xₜ W + hₜ₋₁ U + b), then g = tanh(xₜ W_g + hₜ₋₁ U_g + b_g). The step is
    cₜ = f ⊙ cₜ₋₁ + i ⊙ g, hₜ = o ⊙ tanh cₜ.
    neighbours: a tuple of row offsets. For row k of N, U multiplies the rows k, k + neighbours[0], … of hₜ₋₁ side by
        side, zeros beyond the border; U then has (1 + len(neighbours))·H rows.
    mask: None or (T, N) of booleans, False where a sequence is not running and keeps its states.
    truncate: None, or a number of steps: no gradient passes from step t + 1 to hₜ and cₜ if t ≥ 1 is a multiple of it.
    """
    return LSTMWalk(x, h0, c0, joined(W, U, b), neighbours, mask, truncate).forward()
