"""NADE, the neural autoregressive density estimator (lecture: NADE; Larochelle and Murray 2011).

The i-th pixel depends on all pixels before it, through hidden units that share their weights:

    p(x) = Πᵢ p(xᵢ | x_<ᵢ),    p(xᵢ = 1 | x_<ᵢ) = σ(bᵢ + Vᵢ · hᵢ),    hᵢ = σ(aᵢ),    aᵢ = c + Σ_{j<i} xⱼ Wⱼ

with W, V: (D, H), b: (D,), c: (H,), so 2DH + H + D parameters (N-2). V = 0 leaves independent pixels (N-3).

Computed as written, every pixel costs O(DH), an image O(D²H): `nade_logits_reference`. But aᵢ₊₁ = aᵢ + xᵢ Wᵢ, so one
walk over the pixels needs O(DH) only: `nade_logits`. And where xᵢ = 0 neither a nor h moves: only the images whose
pixel i is on need work there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend, primitive
from minigen.distributions import bernoulli_log_prob, bernoulli_sample
from minigen.model import AutoregressiveModel, Binary, checked_permutation
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import sigmoid
from minigen.nn.layers import normal
from minigen.nn.module import Parameter


def nade_logits_reference(x: Any, W: Any, V: Any, b: Any, c: Any) -> Any:
    """The logits bᵢ + Vᵢ · σ(c + Σ_{j<i} xⱼ Wⱼ), each from the start.  x: (batch, D) → (batch, D)."""
    return np.stack([b[i] + sigmoid(c + x[:, :i] @ W[:i]) @ V[i] for i in range(x.shape[1])], axis=1)


BLOCK = 16
"""So many pixels wait together, see `nade_gradients`: few enough that their product stays small."""


def nade_gradients(g: Any, y: Any, x: Any, W: Any, V: Any, b: Any, c: Any) -> tuple:
    """∂L/∂(W, V, b, c) for g = ∂L/∂logits, by walking back over the pixels.

    With W, V, a and c halved as in `nade_logits`, let dᵢ = ∂L/∂aᵢ, what pixels i, i+1, … make of the hidden state
    before pixel i:

        dᵢ = dᵢ₊₁ + gᵢ Vᵢ (1 − tᵢ²),    ∂L/∂Wᵢ = Σ xᵢ dᵢ₊₁,    ∂L/∂Vᵢ = Σ gᵢ tᵢ,    ∂L/∂c = Σ d₀

    (sums over the batch). t changes only where a pixel is on, so the gᵢ of a stretch that has one t wait, at most for
    the rest of a block, and then go through V and 1 − t² together. The states are not stored but undone,
    a ← a − xᵢ Wᵢ: memory is O(batch · H), not O(batch · D · H), and the rounding is that of the walk forward.
    """
    W, V, c = W / 2, V / 2, c / 2
    pixels, g = x.T.copy(), g.T.copy()
    a = c + np.dot(x, W)
    t, d = np.tanh(a), np.zeros_like(a)
    gW, gV = np.empty_like(W), np.empty_like(V)
    for start in reversed(range(0, len(W), BLOCK)):
        V_block = V[start : start + BLOCK]
        waiting = np.zeros_like(a, shape=(len(x), len(V_block)))
        for k in reversed(range(len(V_block))):
            i = start + k
            on = those_on(pixels[i])
            x_on, slope = pixels[i][on], np.square(t[on])
            np.subtract(1, slope, out=slope)
            d_on = np.dot(waiting[on], V_block)
            d_on *= slope
            d_on += d[on]
            d[on], waiting[on] = d_on, 0
            gW[i] = np.dot(x_on, d_on)
            a_on = np.multiply(x_on[:, None], W[i], out=d_on)
            np.subtract(a[on], a_on, out=a_on)
            a[on] = a_on
            t[on] = np.tanh(a_on, out=a_on)
            gV[i] = np.dot(g[i], t)
            waiting[:, k] = g[i]
        d += np.dot(waiting, V_block) * (1 - t * t)
    gb = g.sum(axis=1)
    return None, gW / 2, (gV + gb[:, None]) / 2, gb, d.sum(axis=0) / 2


def those_on(pixel: Any) -> Any:
    """Which images have this pixel on, as an index. On a device it is all of them: reading it would wait."""
    return np.flatnonzero(pixel) if backend.on_host(pixel) else slice(None)


@primitive(joint=nade_gradients, reference=nade_logits_reference)
def nade_logits(x: Any, W: Any, V: Any, b: Any, c: Any) -> Any:
    """The same logits in one walk: O(DH) an image.  x: (batch, D), data without a gradient → (batch, D).

    As σ(a) = ½ + ½ tanh(a/2), with W, V, a and c halved it is enough to walk with t = tanh a:

        bᵢ + Vᵢ · hᵢ  →  bᵢ + Σ Vᵢ + Vᵢ · tᵢ
    """
    W, V, c = W / 2, V / 2, c / 2
    pixels = x.T.copy()
    a = np.zeros_like(c, shape=(len(x), len(c))) + c
    t = np.tanh(a)
    logits = np.empty_like(t, shape=pixels.shape)
    for i in range(len(W)):
        logits[i] = np.dot(t, V[i])
        on = those_on(pixels[i])
        a_on = pixels[i][on][:, None] * W[i]
        a_on += a[on]
        a[on] = a_on
        t[on] = np.tanh(a_on, out=a_on)
    return logits.T + (b + V.sum(axis=1))


class NADE(AutoregressiveModel):
    """p(x) = Πᵢ p(xᵢ | x_<ᵢ) over D binary pixels with H hidden units.

    `order` lists the pixels in the order in which they are predicted, by default as they come. It permutes the data,
    not the parameters: row i of W and V belongs to the i-th pixel in the order.
    """

    values = Binary()

    def __init__(self, D: int, H: int, order: Any = None, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.D, self.H = D, H
        self.order = backend.to_device(np.arange(D) if order is None else checked_permutation(order, D))
        self.W = Parameter(normal((D, H), scale=1 / np.sqrt(D), rng=rng))
        self.V = Parameter(normal((D, H), scale=1 / np.sqrt(H), rng=rng))
        self.b = Parameter(np.zeros(D))
        self.c = Parameter(np.zeros(H))

    def logits(self, x: Any) -> Any:
        """ln p(xᵢ = 1 | x_<ᵢ) / p(xᵢ = 0 | x_<ᵢ).  x: (batch, D), checked → (batch, D), each at its pixel."""
        order = backend.beside(self.order, self.flat)
        ordered = nade_logits(x[:, order], self.W, self.V, self.b, self.c)
        return ordered[:, np.argsort(order)]

    def log_prob(self, x: Any) -> Any:
        x = self.checked(x)
        return np.sum(bernoulli_log_prob(x, self.logits(x)), axis=1)

    @property
    def sequence(self) -> np.ndarray:
        return backend.to_numpy(self.order)

    def continued(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> np.ndarray:
        return self.generate(x, k, rng=rng)[0]

    def generate(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> tuple[np.ndarray, np.ndarray]:
        """`continued`, and beside it the logits of all pixels, those that were drawn and those that were given."""
        rng = np.random.default_rng(rng)
        W, V, b, c = (p.data for p in (self.W, self.V, self.b, self.c))
        logits = np.empty_like(x)
        a = np.tile(c, (len(x), 1))
        for i, pixel in enumerate(self.sequence):
            logits[:, pixel] = b[i] + sigmoid(a) @ V[i]
            if i >= k:
                x[:, pixel] = bernoulli_sample(logits[:, pixel], rng=rng)
            a += x[:, pixel, None] * W[i]
        return x, logits
