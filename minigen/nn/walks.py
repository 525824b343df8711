"""RNN, GRU and LSTM over whole sequences on a CUDA device: one kernel runs all steps forward, and one runs them back.

The walk by steps (`bptt`) launches a few small kernels in each step, and the device waits for these launches. Here a
block of threads walks one sequence of the batch. The block keeps the states on the chip, and as many weights as fit in
registers. Matrix products compute the rest for all steps at once: x W + b before the walk forward, and the gradients of
x, W, U and b after the walk back. The formulas are those of `cells`. Test R-1 holds the kernels equal to the walks of
`bptt`: it runs this C++ on the processor.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import backend, cuda

# -- the kernels in C++

SIGMOID = r"""
__device__ real sigmoid(real a) { return real(0.5) + real(0.5) * tanh(real(0.5) * a); }
"""

PRODUCT = r"""
constexpr int G = GATES * H;  // pre-activations of a sequence at one step

// Returns the sum of M[k * stride] * v[k] over k < H. `kept` holds the first N - 1 of these weights. Four partial sums
// do not wait for each other. The second loop is unrolled 4 times only: fully unrolled, it would need more registers.
template <int N>
__device__ real product(const real (&kept)[N], const real* M, int stride, const real* v) {
  real sum[4] = {};
  #pragma unroll
  for (int k = 0; k < N - 1; k++) sum[k % 4] += kept[k] * v[k];
  #pragma unroll 4
  for (int k = N - 1; k < H; k += 4)
    for (int i = 0; i < 4; i++)
      if (k + i < H) sum[i] += M[(k + i) * stride] * v[k + i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}
"""

WALK = r"""
// Thread j < G computes pre-activation j of sequence n. Thread j < H computes hidden unit j too.
// z: x W + b, overwritten by the gates' values. h, c: row 0 is the initial state, the kernel writes the next rows; an
// LSTM's last c is also the last row of h.
extern "C" __global__ void __launch_bounds__(THREADS) forward(
    const real* __restrict__ U, const bool* __restrict__ mask, real* __restrict__ z, real* __restrict__ h,
    real* __restrict__ c, int T, int N) {
  __shared__ real h_now[H], of_x[G], of_h[G];
  const int j = threadIdx.x;
  const size_t n = blockIdx.x;
  real kept[KEPT + 1], c_now = 0;
  #pragma unroll
  for (int k = 0; k < KEPT; k++) kept[k] = j < G ? U[k * G + j] : 0;
  if (j < H) {
    h_now[j] = h[n * H + j];
    if (STATES == 2) c_now = c[n * H + j];
  }
  __syncthreads();
  for (int t = 0; t < T; t++) {
    const size_t row = (size_t)t * N + n, next = row + N;
    if (!mask || mask[row]) {
      if (j < G) {
        const real z_of_x = z[row * G + j];  // loaded while the product is computed
        of_h[j] = product(kept, U + j, G, h_now);
        of_x[j] = z_of_x;
      }
      __syncthreads();
      if (j < H) step(of_x + j, of_h + j, z + row * G + j, h_now[j], c_now);
    }
    if (j < H) {
      h[next * H + j] = h_now[j];
      c[next * H + j] = c_now;
    }
    __syncthreads();
  }
  if (STATES == 2 && j < H) h[((size_t)(T + 1) * N + n) * H + j] = c_now;
}

// V: U transposed. g: dL/dh, and as its last row dL/dc of an LSTM's last c. d: dL/d(x W + b). d, dh0, dc0 are written.
extern "C" __global__ void __launch_bounds__(THREADS) backward(
    const real* __restrict__ V, const bool* __restrict__ mask, const real* __restrict__ z, const real* __restrict__ h,
    const real* __restrict__ c, const real* __restrict__ g, real* __restrict__ d, real* __restrict__ dh0,
    real* __restrict__ dc0, int T, int N, int truncate) {
  __shared__ real d_of_h[G], part[G];  // dL/d(h U), and each gate's part of dL/dh
  const int j = threadIdx.x, gate = j / H * H;
  const size_t n = blockIdx.x;
  const real* V_j = V + gate * H + j % H;
  real kept[KEPT + 1], dh = 0, dc = 0;
  #pragma unroll
  for (int k = 0; k < KEPT; k++) kept[k] = j < G ? V_j[k * H] : 0;
  if (STATES == 2 && j < H) dc = g[((size_t)T * N + n) * H + j];
  for (int t = T - 1; t >= 0; t--) {
    const size_t row = (size_t)t * N + n, next = row + N;
    const bool runs = !mask || mask[row];
    if (j < H) {
      dh += g[row * H + j];
      if (runs)
        back(z + row * G + j, h[row * H + j], h[next * H + j], c[row * H + j], c[next * H + j], dh, dc,
             d + row * G + j, d_of_h + j);
      else
        for (int k = 0; k < G; k += H) d[row * G + k + j] = 0;
    }
    if (runs) {
      __syncthreads();
      if (j < G) part[j] = product(kept, V_j, H, d_of_h + gate);
      __syncthreads();
      if (j < H)
        for (int k = 0; k < G; k += H) dh += part[k + j];
    }
    if (t && t % truncate == 0) dh = dc = 0;
  }
  if (j < H) {
    dh0[n * H + j] = dh;
    dc0[n * H + j] = dc;
  }
}
"""
"""The walk of any cell, forward and back. The constants in capitals and the type `real` come from `cell_source`.

A cell says in `step` and `back` what one hidden unit does in one step. A pointer there is to the number of the unit's
first gate; the number of the next gate is H places further. `step` computes the new states from x W + b and h U. `back`
computes d = dL/d(x W + b) and d_of_h = dL/d(h U) from dh = dL/dh and dc = dL/dc. It changes dh and dc into the parts of
the gradients of the earlier states that do not pass through h U.
"""

RNN = r"""
__device__ void step(const real* of_x, const real* of_h, real* z, real& h, real& c) { h = tanh(of_x[0] + of_h[0]); }

__device__ void back(const real* z, real h, real h_next, real c, real c_next, real& dh, real& dc, real* d,
                     real* d_of_h) {
  d[0] = d_of_h[0] = dh * (1 - h_next * h_next);
  dh = 0;
}
"""

GRU = r"""
// c is no state here: it keeps h U of the candidate for `back`.
__device__ void step(const real* of_x, const real* of_h, real* z, real& h, real& c) {
  const real r = sigmoid(of_x[0] + of_h[0]), u = sigmoid(of_x[H] + of_h[H]);
  c = of_h[2 * H];
  const real n = tanh(of_x[2 * H] + r * c);
  h = n + u * (h - n);
  z[0] = r, z[H] = u, z[2 * H] = n;
}

__device__ void back(const real* z, real h, real h_next, real c, real c_next, real& dh, real& dc, real* d,
                     real* d_of_h) {
  const real r = z[0], u = z[H], n = z[2 * H];
  d[2 * H] = dh * (1 - u) * (1 - n * n);
  d_of_h[2 * H] = d[2 * H] * r;
  d[0] = d_of_h[0] = d[2 * H] * c_next * r * (1 - r);
  d[H] = d_of_h[H] = dh * (h - n) * u * (1 - u);
  dh *= u;
}
"""

LSTM = r"""
__device__ void step(const real* of_x, const real* of_h, real* z, real& h, real& c) {
  const real o = sigmoid(of_x[0] + of_h[0]), i = sigmoid(of_x[H] + of_h[H]), f = sigmoid(of_x[2 * H] + of_h[2 * H]);
  const real g = tanh(of_x[3 * H] + of_h[3 * H]);
  c = f * c + i * g;
  h = o * tanh(c);
  z[0] = o, z[H] = i, z[2 * H] = f, z[3 * H] = g;
}

__device__ void back(const real* z, real h, real h_next, real c, real c_next, real& dh, real& dc, real* d,
                     real* d_of_h) {
  const real o = z[0], i = z[H], f = z[2 * H], g = z[3 * H], tanh_c = tanh(c_next);
  dc += dh * o * (1 - tanh_c * tanh_c);
  d[0] = d_of_h[0] = dh * tanh_c * o * (1 - o);
  d[H] = d_of_h[H] = dc * g * i * (1 - i);
  d[2 * H] = d_of_h[2 * H] = dc * c * f * (1 - f);
  d[3 * H] = d_of_h[3 * H] = dc * i * (1 - g * g);
  dc *= f;
  dh = 0;
}
"""

CELLS = {"rnn": (RNN, 1, 1), "gru": (GRU, 3, 1), "lstm": (LSTM, 4, 2)}
"""By the name of the operation: the cell's `step` and `back`, its number of gates, and its number of states."""

LARGEST = 256
"""The most hidden units of a walk in one kernel. An LSTM then has 1024 pre-activations, one for each thread of a block.

A block has 1024 threads at most. In a larger LSTM each block would read more than 1 MB of weights in each step; the
walk by steps reads the weights once for all sequences of the batch.
"""

REGISTERS, OTHERS = 65536, 48
"""The registers of a block, of 4 bytes each, and how many numbers other than weights a thread may need."""


def threads_and_kept(cell: str, H: int, dtype: Any) -> tuple[int, int]:
    """Return the number of threads of a block, and how many weights each thread keeps in registers.

    A block has a thread for each pre-activation, rounded up to whole warps of 32.
    cell: a key of `CELLS`. H: hidden units. dtype: float32 or float64.
    """
    threads = -(-CELLS[cell][1] * H // 32) * 32
    registers = min(REGISTERS // threads // 8 * 8, 255)  # a thread gets a multiple of 8, at most 255
    room = registers * 4 // np.dtype(dtype).itemsize - OTHERS
    return threads, max(0, min(H, room)) // 4 * 4


REAL = {"f": "float", "d": "double"}
"""The type `real` in C++, by the dtype's character."""


def cell_source(cell: str, H: int, dtype: Any) -> str:
    """Return what the kernels of a cell have in common, in CUDA C++: sizes, `step` and `back`, and `product`.

    cell: a key of `CELLS`. H: hidden units, at most `LARGEST`. dtype: float32 or float64.
    """
    step_and_back, gates, states = CELLS[cell]
    threads, kept = threads_and_kept(cell, H, dtype)
    sizes = f"H = {H}, GATES = {gates}, STATES = {states}, THREADS = {threads}, KEPT = {kept}"
    return f"using real = {REAL[np.dtype(dtype).char]};\nconstexpr int {sizes};\n{SIGMOID}{step_and_back}{PRODUCT}"


def source(cell: str, H: int, dtype: Any) -> str:
    """Return the two kernels `forward` and `backward` in CUDA C++.

    cell: a key of `CELLS`. H: hidden units, at most `LARGEST`. dtype: float32 or float64.
    """
    return cell_source(cell, H, dtype) + WALK


@functools.cache
def program(cell: str, H: int, dtype: Any) -> cuda.Program:
    """Return the kernels of `source(cell, H, dtype)`; each is compiled once.

    cell: a key of `CELLS`. H: hidden units. dtype: float32 or float64.
    """
    return cuda.Program(source(cell, H, dtype))


# -- around the kernels


class KernelWalk:
    """A cell run over all steps by one kernel on a device, and the gradients by another; results as of `bptt.Walk`.

    cell: "rnn", "gru" or "lstm". arrays: x, (T, N, n); the initial states, (N, H) each; W, (n, gates·H);
    U, (H, gates·H); b, (gates·H,). mask: None or booleans, (T, N), False where a sequence is not running. truncate:
    None, or a number of steps: at every multiple of it the gradient does not pass to earlier states. `fits(cell,
    arrays, mask)` is true.
    """

    def __init__(self, cell: str, arrays: tuple, mask: Any, truncate: int | None):
        x, *initial, W, U, b = arrays
        (self.T, self.N, _), self.H = x.shape, len(U)
        self.cell, self.dtype, self.truncate = cell, np.result_type(*arrays), min(truncate or self.T, self.T)
        self.x, self.W, self.U = self.contiguous(x), W, U
        self.mask = None if mask is None else mask.astype(bool, order="C", copy=False)
        self.program, self.threads = program(cell, self.H, self.dtype), threads_and_kept(cell, self.H, self.dtype)[0]
        z = np.dot(flat(self.x), W)
        z += b
        self.z = self.contiguous(z)
        self.h, self.c = (self.empty(self.T + rows, self.N, self.H) for rows in (len(initial), 1))
        for path, state in zip((self.h, self.c), initial, strict=False):
            path[0] = state

    def contiguous(self, a: Any) -> Any:
        """Return `a` with the walk's dtype, in the order of its indices: itself if it is so already, else a copy."""
        return a.astype(self.dtype, order="C", copy=False)

    def empty(self, *shape: int) -> Any:
        """Return an uninitialised array of this `shape` on the device."""
        return np.empty_like(self.x, shape=shape)

    def forward(self) -> tuple[Any, KernelWalk]:
        """Run all steps. Return the result and this walk, which is kept for the gradient.

        The result is every h, (T, N, H), and for an LSTM the final c after them, (T + 1, N, H).
        """
        arrays = self.contiguous(self.U), self.mask, self.z, self.h, self.c
        self.program.launch("forward", self.N, self.threads, *arrays, self.T, self.N)
        return self.h[1:], self

    def backward(self, g: Any) -> tuple:
        """Return the gradients ∂L/∂(x, h0, W, U, b), or ∂L/∂(x, h0, c0, W, U, b) for an LSTM.

        g: the gradient of the result of `forward`: ∂L/∂h of all steps and, for an LSTM, ∂L/∂c_T as the last row.
        """
        d, flows = self.empty(*self.z.shape), [self.empty(self.N, self.H) for _ in range(2)]
        read = self.contiguous(self.U.T), self.mask, self.z, self.h, self.c, self.contiguous(g)
        self.program.launch("backward", self.N, self.threads, *read, d, *flows, self.T, self.N, self.truncate)
        gx, gW, gb = np.dot(d, self.W.T).reshape(self.x.shape), np.dot(flat(self.x).T, d), d.sum(axis=0)
        if self.cell == "gru":
            d[:, 2 * self.H :] *= self.z[:, : self.H]  # h U of the candidate passes the reset gate r
        gU = np.dot(flat(self.h[: self.T]).T, d)
        return gx, *flows[: CELLS[self.cell][2]], gW, gU, gb


def flat(a: Any) -> Any:
    """Return `a` with all steps and sequences as rows.  (T, N, k) → (T·N, k)."""
    return a.reshape(a.shape[0] * a.shape[1], a.shape[2])


def fits(cell: str, arrays: tuple, mask: Any) -> bool:
    """Return True if a `KernelWalk` takes these arrays: float32 or float64, H from 1 to `LARGEST`, no empty batch.

    False as well for arrays whose shapes do not fit together: the walk by steps says what is wrong.
    cell, arrays, mask: as in `KernelWalk`.
    """
    _, gates, states = CELLS[cell]
    x, h0 = arrays[:2]
    (_, N, n), H = x.shape, h0.shape[1]
    shapes = [*[(N, H)] * states, (n, gates * H), (H, gates * H), (gates * H,)]
    return (
        N > 0
        and 0 < H <= LARGEST
        and np.result_type(*arrays).char in "fd"
        and [a.shape for a in arrays[1:]] == shapes
        and (mask is None or mask.shape == x.shape[:2])
    )


def one_kernel(function: Callable) -> Callable:
    """Decorator for `rnn`, `gru` and `lstm` of `bptt`: on a device run a `KernelWalk` in place of the function's body.

    The body, the walk by steps, runs on the host; with neighbours, since a block cannot read the states of another
    block; and for arrays that `fits` refuses: more than `LARGEST` hidden units, or neither float32 nor float64.
    function: its `__name__` is a key of `CELLS`.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def either(*args: Any, **options: Any) -> Any:
        if any(map(backend.on_device, args)):
            call = signature.bind(*args, **options)
            call.apply_defaults()
            *arrays, neighbours, mask, truncate = call.arguments.values()
            if not neighbours and fits(function.__name__, tuple(arrays), mask):
                return KernelWalk(function.__name__, tuple(arrays), mask, truncate).forward()
        return function(*args, **options)

    return either
