"""NADE's logits and their gradients in blocks of pixels, for arrays on a device; `nade` has the walk over the pixels.

A device computes large arrays fast, but needs microseconds to start each operation. So it is slow at a walk, which is
several small operations for each pixel. Over a block of K pixels there is no need to walk. Let a be the state before
the block, xⱼ and Wⱼ the block's pixels and weights, and T(x) the strict triangle with T(x)ₖⱼ = xⱼ for j < k, else 0.
Then

    aₖ = a + Σ_{j<k} xⱼ Wⱼ = a + (T(x) W)ₖ

for all k and all images is one product: of (K · batch, K) by (K, H). It takes K times the multiplications of the walk.
Memory is that of one block, `LARGEST` numbers for each array, not O(batch · D · H).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigen.nn.kernels import fused

LONGEST = 112
"""The number of pixels in a block, at most. A longer block has fewer operations to start, but more arithmetic."""
LARGEST = 2**23
"""How many numbers the largest array of a block may have, if it has more than one pixel: 32 MiB in float32."""


def blocks(batch: int, D: int, H: int) -> list[slice]:
    """The blocks of pixels, in order. In each, arrays have LARGEST numbers at most, or the block is one pixel.

    batch: the number of images. D: the number of pixels. H: the number of hidden units.
    """
    K = max(1, min(LONGEST, LARGEST // max(1, batch * max(H, LONGEST))))
    return [slice(start, start + K) for start in range(0, D, K)]


@fused
def tanh_of_sum(a: Any, s: Any) -> Any:
    """tanh(a + s).  a, s: arrays that broadcast."""
    return np.tanh(a + s)


@fused
def through_tanh(g: Any, V: Any, t: Any) -> Any:
    """g V (1 − t²), the gradient by a where t = tanh a, for the gradient g by V t.  g, V, t: arrays that broadcast."""
    return g * V * (1 - t * t)


def states(a: Any, x: Any, W: Any) -> tuple[Any, Any]:
    """(T(x), tanh aₖ for each pixel k of a block): (K · batch, K) and (K, batch, H).

    a: the state before the block, (batch, H). x: the block's pixels, (batch, K). W: the block's weights, (K, H).
    """
    K, H = W.shape
    triangle = np.tril(np.ones_like(W, shape=(K, K)), -1)
    T = (triangle[:, None, :] * x).reshape(K * len(x), K)
    return T, tanh_of_sum(a, np.dot(T, W).reshape(K, len(x), H))


def logits_in_blocks(x: Any, W: Any, V: Any, b: Any, c: Any) -> Any:
    """NADE's logits bᵢ + Vᵢ · σ(c + Σ_{j<i} xⱼ Wⱼ), block after block: the values of `nade.nade_logits`.

    x: pixels in their order, (batch, D) → (batch, D). W, V: (D, H). b: (D,). c: (H,). W, V and c are halved as there.
    b and c may be one row an image, (batch, D) and (batch, H).
    """
    W, V, c = W / 2, V / 2, c / 2
    a = np.zeros_like(c, shape=(len(x), W.shape[1])) + c
    logits = np.empty_like(a, shape=x.T.shape)
    for block in blocks(len(x), *W.shape):
        _, t = states(a, x[:, block], W[block])
        logits[block] = np.matmul(t, V[block][:, :, None])[:, :, 0]
        a += np.dot(x[:, block], W[block])
    return logits.T + (b + V.sum(axis=1))


def gradients_in_blocks(g: Any, y: Any, x: Any, W: Any, V: Any, b: Any, c: Any) -> tuple:
    """(None, ∂L/∂W, ∂L/∂V, ∂L/∂b, ∂L/∂c) for g = ∂L/∂logits, block after block: the values of `nade.nade_gradients`.

    g: (batch, D). y: the logits, not used. x, W, V, b, c: as given to `logits_in_blocks`.

    Let dₖ = gₖ Vₖ (1 − tₖ²) be the gradient by aₖ through pixel k alone, and d the gradient by a from all later blocks:

        ∂L/∂W = T(x)ᵀ d₍ₖ₎ + xᵀ d,    ∂L/∂Vₖ = Σ gₖ (1 + tₖ),    d ← d + Σₖ dₖ

    As in the walk, the states are not stored: each block undoes its own step of a.
    """
    W, V, c = W / 2, V / 2, c / 2
    a = c + np.dot(x, W)
    d = np.zeros_like(a)
    gW, gV = np.empty_like(W), np.empty_like(V)
    for block in reversed(blocks(len(x), *W.shape)):
        x_block, g_block = x[:, block], g.T[block]
        a -= np.dot(x_block, W[block])
        T, t = states(a, x_block, W[block])
        gV[block] = np.matmul(g_block[:, None, :], t)[:, 0, :]
        d_block = through_tanh(g_block[:, :, None], V[block][:, None, :], t)
        gW[block] = np.dot(T.T, d_block.reshape(len(T), W.shape[1])) + np.dot(x_block.T, d)
        d += d_block.sum(axis=0)
    gb = g.sum(axis=0)
    of_b, of_c = gb if b.ndim == 1 else g, d.sum(axis=0) if c.ndim == 1 else d
    return None, gW / 2, (gV + gb[:, None]) / 2, of_b, of_c / 2
