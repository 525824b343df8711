"""NADE, and an LSTM or GRU in raster order, sampled on a CUDA device: one kernel draws all pixels of all images.

A pixel waits for the pixel before it. So a walk by array operations starts several small kernels for each pixel, and
the device waits for these launches. Here a block of threads draws one image. The block keeps the states on the chip,
and reads the weights of each pixel from the device's cache, where all blocks share them. The formulas are those of
`NADE.generate` and of `PixelRNN.generate`. Tests N-5 and R-6 hold the kernels equal to these walks: they run this C++
on the processor.

NumPy's generator draws the random numbers in the order in which the walks on the host draw them. So one seed gives the
same images on host and device, unless a random number and a probability differ by no more than rounding.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import backend, cuda
from minigen.nn.arrays import RNGLike
from minigen.nn.walks import CELLS, LARGEST, REAL, SIGMOID, cell_source, threads_and_kept

# -- the kernels in C++

PIXEL = r"""
constexpr int PARTS = 32;

// Returns to each thread the sum of `own` over all threads of the block.
__device__ real sum_of_block(real own) {
  __shared__ real each[THREADS], part[PARTS];
  each[threadIdx.x] = own;
  __syncthreads();
  if (threadIdx.x < PARTS) {
    real sum = 0;
    for (int j = threadIdx.x; j < THREADS; j += PARTS) sum += each[j];
    part[threadIdx.x] = sum;
  }
  __syncthreads();
  real sum = 0;
  #pragma unroll
  for (int j = 0; j < PARTS; j++) sum += part[j];
  return sum;
}

// Returns what decides pixel i: its value x if it is one of the first k, which are given, else its random number.
// uniform: a row of random numbers from 0 to 1, one for each image, for each pixel that is drawn.
__device__ double known(int i, int k, const double* uniform, const real* x) {
  return i < k ? *x : uniform[(size_t)(i - k) * gridDim.x + blockIdx.x];
}

// Returns to each thread the value of pixel i. Thread 0 stores it.  number: `known(i, …)`. x, logits: of this pixel.
__device__ real pixel(int i, int k, double number, real logit, real* x, real* logits) {
  const real value = i < k ? real(number) : real(number < sigmoid(logit));
  if (threadIdx.x == 0) {
    *x = value;
    *logits = logit;
  }
  return value;
}
"""
"""What the kernels have in common. `sigmoid`, `real` and the constant THREADS come from each kernel's source."""

NADE = r"""
// Row i of M, for each hidden unit of this thread; 0 where there is no row or no unit.
__device__ void load(const real* M, int i, int rows, real* row) {
  #pragma unroll
  for (int u = 0; u < UNITS; u++) {
    const int unit = u * THREADS + threadIdx.x;
    row[u] = i < rows && unit < H ? M[(size_t)i * H + unit] : real(0);
  }
}

// W, V: (D, H). b: (D,). c: (H,). order: pixel order[i] is drawn as the i-th. Thread j has units j, j + THREADS, …
extern "C" __global__ void __launch_bounds__(THREADS) draw(
    const real* __restrict__ W, const real* __restrict__ V, const real* __restrict__ b, const real* __restrict__ c,
    const long long* __restrict__ order, const double* __restrict__ uniform, real* x, real* logits, int D, int k) {
  real a[UNITS], w[UNITS], v[UNITS];
  load(c, 0, 1, a);
  load(V, 0, D, v);
  for (int i = 0; i < D; i++) {
    real part = 0;
    #pragma unroll
    for (int u = 0; u < UNITS; u++) part += sigmoid(a[u]) * v[u];
    const size_t here = (size_t)blockIdx.x * D + order[i];
    const double number = known(i, k, uniform, x + here);
    const real bias = b[i];
    load(W, i, D, w);  // these rows arrive while the block computes the sum
    load(V, i + 1, D, v);
    const real logit = bias + sum_of_block(part);
    const real value = pixel(i, k, number, logit, x + here, logits + here);
    #pragma unroll
    for (int u = 0; u < UNITS; u++) a[u] += value * w[u];
  }
}
"""
"""NADE. The constants in capitals and the type `real` come from `nade_source`."""

RASTER = r"""
constexpr int SIZE = (2 * H + 1) * G + STATES * H;  // of a layer's weights: W, U, b, and the initial states

// Returns the weights of layer l. The first layer's W has one row, since it reads one pixel.
__device__ const real* layer(const real* weights, int l) { return weights + (l ? l * SIZE - (H - 1) * G : 0); }

// weights: those of each layer, and then V and its bias of the logit V · h + bias. Thread j < G computes
// pre-activation j, and thread j < H hidden unit j of each layer. With room for one block, not two, no number is moved
// out of the registers.
extern "C" __global__ void __launch_bounds__(THREADS, 1) draw(
    const real* __restrict__ weights, const double* __restrict__ uniform, real* x, real* logits, int D, int k) {
  __shared__ real h[LAYERS * H], c[LAYERS * H], of_x[G], of_h[G];
  const int j = threadIdx.x;
  const real* V = layer(weights, LAYERS);
  real kept[KEPT + 1], none[1], before = 0;  // `before` is the pixel before
  #pragma unroll
  for (int q = 0; q < KEPT; q++) kept[q] = j < G ? layer(weights, 0)[(1 + q) * G + j] : 0;
  if (j < H)
    for (int l = 0; l < LAYERS; l++) {
      const real* start = layer(weights, l + 1) - STATES * H;
      h[l * H + j] = start[j];
      c[l * H + j] = STATES == 2 ? start[H + j] : 0;
    }
  __syncthreads();
  for (int i = 0; i < D; i++) {
    const size_t here = (size_t)blockIdx.x * D + i;
    const double number = known(i, k, uniform, x + here);
    for (int l = 0; l < LAYERS; l++) {
      const real *W = layer(weights, l), *U = W + (l ? H : 1) * G, *bias = U + H * G;
      if (j < G) {
        of_x[j] = bias[j] + (l ? product(none, W + j, G, h + (l - 1) * H) : before * W[j]);
        of_h[j] = l ? product(none, U + j, G, h + l * H) : product(kept, U + j, G, h);
      }
      __syncthreads();
      if (j < H) step(of_x + j, of_h + j, of_x + j, h[l * H + j], c[l * H + j]);
      __syncthreads();
    }
    const real logit = V[H] + sum_of_block(j < H ? V[j] * h[(LAYERS - 1) * H + j] : 0);
    before = pixel(i, k, number, logit, x + here, logits + here);
  }
}
"""
"""Layers of an LSTM or GRU in raster order. The cell's source is that of the walks over known sequences (`walks`)."""

UNITS = 4
"""How many hidden units of NADE a thread keeps, if a block has threads enough: their σ do not wait for each other."""

SHARED = 48 * 1024
"""The bytes of memory that a block's threads can share."""


def nade_threads(H: int) -> int:
    """Return the number of threads of a block that draws an image of a NADE.  H: hidden units.

    A thread has `UNITS` hidden units, or more for H above 4096. The threads are whole warps of 32.
    """
    return min(1024, -(-H // (32 * UNITS)) * 32)


def nade_source(H: int, dtype: Any) -> str:
    """Return the kernel `draw` of a NADE in CUDA C++.  H: hidden units. dtype: float32 or float64."""
    threads, real = nade_threads(H), REAL[np.dtype(dtype).char]
    sizes = f"H = {H}, THREADS = {threads}, UNITS = {-(-H // threads)}"
    return f"using real = {real};\nconstexpr int {sizes};\n{SIGMOID}{PIXEL}{NADE}"


def raster_source(cell: str, H: int, layers: int, dtype: Any) -> str:
    """Return the kernel `draw` of recurrent layers in raster order in CUDA C++.

    cell: "lstm" or "gru". H: hidden units of each layer. layers: the number of layers. dtype: float32 or float64.
    """
    return f"{cell_source(cell, H, dtype)}constexpr int LAYERS = {layers};\n{PIXEL}{RASTER}"


@functools.cache
def nade_program(H: int, dtype: Any) -> cuda.Program:
    """Return the kernel of `nade_source(H, dtype)`; it is compiled once."""
    return cuda.Program(nade_source(H, dtype))


@functools.cache
def raster_program(cell: str, H: int, layers: int, dtype: Any) -> cuda.Program:
    """Return the kernel of `raster_source(cell, H, layers, dtype)`; it is compiled once."""
    return cuda.Program(raster_source(cell, H, layers, dtype))


# -- around the kernels


def draw(
    program: cuda.Program, threads: int, weights: Sequence, x: Any, k: int, *, rng: RNGLike = None
) -> tuple[Any, Any]:
    """Return x with all pixels after the first k drawn, and the logits of all pixels, both (n, D) on the device.

    program: has a kernel `draw`. threads: of a block. weights: the kernel's first arguments, arrays on the device.
    x: (n, D), on the device, overwritten if it is contiguous. k: how many pixels are given. rng: draws a number for
    each other pixel of each image.
    """
    n, D = x.shape
    uniform = np.random.default_rng(rng).random((D - k, n))  # pixel after pixel, as on the host
    x = x.astype(x.dtype, order="C", copy=False)
    logits = np.empty_like(x)
    if n:
        program.launch("draw", n, threads, *weights, backend.beside(uniform, x), x, logits, D, k)
    return x, logits


def nade_fits(dtype: Any) -> bool:
    """Return True if there is a kernel for a NADE with weights of this `dtype`: float32 or float64."""
    return np.dtype(dtype).char in REAL


def draw_nade(x: Any, k: int, order: Any, theta: Sequence, *, rng: RNGLike = None) -> tuple[Any, Any]:
    """Draw a NADE's pixels after the first k by one kernel. Returns x and the logits, (n, D), as `NADE.generate` does.

    x: (n, D), on the device, with the first k pixels of `order` given. order: the pixels in their order, (D,).
    theta: W and V, (D, H), b, (D,), and c, (H,), of one dtype on the device; `nade_fits(dtype)` is true.
    """
    W = theta[0]
    order = backend.beside(order, W).astype(np.int64, copy=False)
    weights = [a.astype(W.dtype, order="C", copy=False) for a in theta]
    program, threads = nade_program(W.shape[1], W.dtype), nade_threads(W.shape[1])
    return draw(program, threads, [*weights, order], x.astype(W.dtype, copy=False), k, rng=rng)


def raster_fits(cell: str, H: int, layers: int, dtype: Any) -> bool:
    """Return True if there is a kernel for such layers: H to `LARGEST`, float32 or float64, states within `SHARED`.

    cell: "lstm" or "gru". H: hidden units of each layer. layers: the number of layers. dtype: that of the weights.
    """
    numbers = 2 * (layers * H + CELLS[cell][1] * H) + 1024 + 32
    return H <= LARGEST and np.dtype(dtype).char in REAL and numbers * np.dtype(dtype).itemsize <= SHARED


def draw_raster(
    x: Any, k: int, cell: str, H: int, layers: int, weights: Any, *, rng: RNGLike = None
) -> tuple[Any, Any]:
    """Draw the pixels after the first k by one kernel. Returns x and the logits, (n, D), as `PixelRNN.generate` does.

    x: (n, D), on the device, 0 or 1, with the first k pixels in raster order given. cell: "lstm" or "gru". H: hidden
    units of each layer. layers: the number of layers. `raster_fits(cell, H, layers, weights.dtype)` is true.
    weights: a vector of all parameters: W, U, b and the initial states of each layer, and then the weight and bias of
    the logit.
    """
    program, threads = raster_program(cell, H, layers, weights.dtype), threads_and_kept(cell, H, weights.dtype)[0]
    return draw(program, threads, [weights], x.astype(weights.dtype, copy=False), k, rng=rng)
