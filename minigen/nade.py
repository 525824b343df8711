"""NADE, the neural autoregressive density estimator (lecture: NADE; Larochelle and Murray 2011).

Each pixel depends on all pixels before it, through hidden units that share their weights:

    p(x) = Πᵢ p(xᵢ | x_<ᵢ),    p(xᵢ = 1 | x_<ᵢ) = σ(bᵢ + Vᵢ · hᵢ),    hᵢ = σ(aᵢ),    aᵢ = c + Σ_{j<i} xⱼ Wⱼ

with W, V: (D, H), b: (D,), c: (H,), so 2DH + H + D parameters (N-2). With V = 0 the pixels are independent (N-3).

Computed as written, a pixel costs O(DH) and an image O(D²H): `nade_logits_reference`. But aᵢ₊₁ = aᵢ + xᵢ Wᵢ, so one
walk over the pixels computes an image in O(DH): `nade_logits`. If xᵢ = 0, a and h do not change, so step i of the walk
computes a and h for the images whose pixel i is on, and for no others. For arrays on a device, `nade_blocks` has
another form of the same two functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend, primitive
from minigen.distributions import bernoulli_log_prob, bernoulli_sample
from minigen.model import AutoregressiveModel, Binary, checked_permutation
from minigen.nade_blocks import gradients_in_blocks, logits_in_blocks
from minigen.nn.arrays import RNGLike
from minigen.nn.draws import draw_nade, nade_fits
from minigen.nn.functions import sigmoid
from minigen.nn.layers import normal
from minigen.nn.module import PERMUTATIONS, Parameter


def nade_logits_reference(x: Any, W: Any, V: Any, b: Any, c: Any) -> Any:
    """NADE's logits bᵢ + Vᵢ · σ(c + Σ_{j<i} xⱼ Wⱼ), each pixel's sum computed afresh.

    x: pixels in their order, (batch, D) → (batch, D). W, V: (D, H). b: (D,). c: (H,).
    b and c may be one row an image, (batch, D) and (batch, H).
    """
    logit = lambda i: b[..., i] + sigmoid(c + x[:, :i] @ W[:i]) @ V[i]
    return np.stack([logit(i) for i in range(x.shape[1])], axis=1)


BLOCK = 16
"""How many pixels `nade_gradients` takes together: few enough that the matrix product for them stays small."""


def nade_gradients(g: Any, y: Any, x: Any, W: Any, V: Any, b: Any, c: Any) -> tuple:
    """(None, ∂L/∂W, ∂L/∂V, ∂L/∂b, ∂L/∂c) for g = ∂L/∂logits, by a walk back over the pixels.

    g: (batch, D). y: the logits, not used. x, W, V, b, c: as given to `nade_logits`; there is no gradient by x.

    With W, V, a and c halved as in `nade_logits` and tᵢ = tanh aᵢ, let dᵢ be the gradient by aᵢ that comes from pixels
    i, i+1, …:

        dᵢ = dᵢ₊₁ + gᵢ Vᵢ (1 − tᵢ²),    ∂L/∂Wᵢ = Σ xᵢ dᵢ₊₁,    ∂L/∂Vᵢ = Σ gᵢ (1 + tᵢ),    ∂L/∂c = Σ d₀

    (sums over the batch) are the gradients by the halved W, V and c: half of each is returned. ∂L/∂bᵢ = Σ gᵢ. A b or c
    with one row an image has one row of its gradient an image: no sum.
    An image's t changes only at a pixel that is on. The gᵢ of the pixels with the same t are collected, at most over
    BLOCK pixels, and multiplied by V and 1 − t² together. The states a are not stored: each step undoes one,
    a ← a − xᵢ Wᵢ. So memory is O(batch · H), not O(batch · D · H).
    """
    if not backend.on_host(x):
        return gradients_in_blocks(g, y, x, W, V, b, c)
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
            on = np.flatnonzero(pixels[i])
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
    of_b, of_c = gb if b.ndim == 1 else g.T, d.sum(axis=0) if c.ndim == 1 else d
    return None, gW / 2, (gV + gb[:, None]) / 2, of_b, of_c / 2


@primitive(joint=nade_gradients, reference=nade_logits_reference)
def nade_logits(x: Any, W: Any, V: Any, b: Any, c: Any) -> Any:
    """NADE's logits bᵢ + Vᵢ · σ(c + Σ_{j<i} xⱼ Wⱼ) in one walk over the pixels: O(DH) an image.

    x: pixels in their order, (batch, D), without a gradient → (batch, D). W, V: (D, H). b: (D,). c: (H,). Either may be
    one row an image, (batch, D) or (batch, H).

    As σ(a) = ½ + ½ tanh(a/2), the walk halves W, V, a and c and uses t = tanh a:

        bᵢ + Vᵢ · hᵢ  →  bᵢ + Σ Vᵢ + Vᵢ · tᵢ
    """
    if not backend.on_host(x):
        return logits_in_blocks(x, W, V, b, c)
    W, V, c = W / 2, V / 2, c / 2
    pixels = x.T.copy()
    a = np.zeros_like(c, shape=(len(x), W.shape[1])) + c
    t = np.tanh(a)
    logits = np.empty_like(t, shape=pixels.shape)
    for i in range(len(W)):
        logits[i] = np.dot(t, V[i])
        on = np.flatnonzero(pixels[i])
        a_on = pixels[i][on][:, None] * W[i]
        a_on += a[on]
        a[on] = a_on
        t[on] = np.tanh(a_on, out=a_on)
    return logits.T + (b + V.sum(axis=1))


class NADE(AutoregressiveModel):
    """NADE: p(x) = Πᵢ p(xᵢ | x_<ᵢ) over D binary pixels, where p(xᵢ = 1 | x_<ᵢ) comes from H hidden units.

    D: the number of pixels. H: the number of hidden units.
    order: the pixels in the order of prediction, a permutation of 0 … D − 1, by default 0, 1, 2, ….
    W, V: weights, (D, H). b: (D,). c: (H,). Row i of W, V and b belongs to the i-th pixel in the order.
    """

    values = Binary()
    rules = {"order": PERMUTATIONS}

    def __init__(self, D: int, H: int, order: Any = None, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.D, self.H = D, H
        self.order = backend.to_device(np.arange(D) if order is None else checked_permutation(order, D))
        self.W = Parameter(normal((D, H), scale=1 / np.sqrt(D), rng=rng))
        self.V = Parameter(normal((D, H), scale=1 / np.sqrt(H), rng=rng))
        self.b = Parameter(np.zeros(D))
        self.c = Parameter(np.zeros(H))

    def logits(self, x: Any) -> Any:
        """The logits ln p(xᵢ = 1 | x_<ᵢ) / p(xᵢ = 0 | x_<ᵢ), where x_<ᵢ are the pixels before i in `order`.

        x: (batch, D), as `checked` returns it → (batch, D). Column i belongs to pixel i.
        """
        order = backend.beside(self.order, self.flat)
        ordered = nade_logits(x[:, order], self.W, self.V, self.b, self.c)
        return ordered[:, np.argsort(order)]

    def log_prob(self, x: Any) -> Any:
        x = self.checked(x)
        return np.sum(bernoulli_log_prob(x, self.logits(x)), axis=1)

    @property
    def sequence(self) -> np.ndarray:
        return backend.to_numpy(self.order)

    def for_sampling(self) -> NADE:
        one_bias = self.b.ndim == self.c.ndim == 1  # not a row for each image
        return self if one_bias and nade_fits(self.flat.dtype) else self.on_host()

    def continued(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> np.ndarray:
        return self.generate(x, k, rng=rng)[0]

    def generate(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> tuple[np.ndarray, np.ndarray]:
        """Draw all pixels after the first k in the model's order, in place. Returns x and the logits of all pixels.

        x: (n, D), floating-point, with the first k pixels of `order` given; other values do not matter.
        k: how many pixels are given.
        The logits ln p(xᵢ = 1 | x_<ᵢ) / p(xᵢ = 0 | x_<ᵢ), (n, D), column i for pixel i, include the given pixels.
        x must be where the model is, on the host or on a device; the results are there too.
        """
        rng = np.random.default_rng(rng)
        W, V, b, c = (p.data for p in (self.W, self.V, self.b, self.c))
        if not backend.on_host(x):
            return draw_nade(x, k, self.order, (W, V, b, c), rng=rng)
        logits = np.empty_like(x)
        a = np.zeros_like(x, shape=(len(x), self.H)) + c
        for i, pixel in enumerate(self.sequence):
            logits[:, pixel] = b[..., i] + sigmoid(a) @ V[i]
            if i >= k:
                x[:, pixel] = bernoulli_sample(logits[:, pixel], rng=rng)
            a += x[:, pixel, None] * W[i]
        return x, logits
