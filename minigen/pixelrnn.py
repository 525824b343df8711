"""Pixel-RNN and its relatives (lecture: Pixel-RNN; van den Oord, Kalchbrenner and Kavukcuoglu 2016, "PRNN" below).

    p(x) = Πᵢ p(xᵢ | x_<ᵢ),    row by row, each row from the left,

as for NADE. Here the layers of `minigen.nn.maps`, which know the rows and columns of an image, carry the pixels before
to pixel i. The variants differ in their layers, and so in the pixels that pixel i depends on:

    raster     an LSTM or GRU along all pixels in raster order: all pixels before, through one state
    row        an LSTM from row to row, each state from three states of the row above: a triangle that widens upwards
    diagonal   two LSTMs from diagonal to diagonal, from the left and from the right: all pixels before, in few steps
    cnn        convolutions alone (PixelCNN): a window that grows with each layer and misses pixels to the upper right

The first layer reads the pixels *before* its place (mask A). The later layers read places up to and including their own
(mask B): the value at their own place was computed from the pixels before it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend, no_grad
from minigen.distributions import Categorical, bernoulli_log_prob, bernoulli_sample
from minigen.model import AutoregressiveModel, Binary, States
from minigen.nn.arrays import RNGLike
from minigen.nn.draws import draw_raster, raster_fits
from minigen.nn.functions import relu
from minigen.nn.layers import Linear
from minigen.nn.maps import DiagonalBiLSTM, MaskedConv2d, Previous, RasterRNN, Residual, RowLSTM, Stack
from minigen.nn.module import whole
from minigen.progress import progress_bar


def residual_block(variant: str, H: int, *, rng: RNGLike = None) -> Residual:
    """A residual block (PRNN, figure 5) on maps of 2H channels: (batch, rows, columns, 2H) → the same shape.

    variant: "row" for a RowLSTM, "diagonal" for a DiagonalBiLSTM; "cnn" or any other text for masked convolutions.
    H: the hidden units or channels inside the block.
    """
    rng = np.random.default_rng(rng)
    widen = Linear(H, 2 * H, rng=rng)
    if variant == "row":
        return Residual(RowLSTM(2 * H, H, rng=rng), widen)
    if variant == "diagonal":
        return Residual(DiagonalBiLSTM(2 * H, H, rng=rng), widen)
    narrow, conv = Linear(2 * H, H, rng=rng), MaskedConv2d(H, H, 3, mask="B", rng=rng)
    return Residual(relu, narrow, relu, conv, relu, widen)


VARIANTS = ("raster", "row", "diagonal", "cnn")
"""The variants of `PixelRNN`, see the start of this file."""


class PixelRNN(AutoregressiveModel):
    """Pixel-RNN: p(x) = Πᵢ p(xᵢ | x_<ᵢ) over the pixels of an image in raster order, row by row from the left.

    shape: (rows, columns) of an image. An image is a vector of D = rows × columns pixels.
    variant: the kind of layers, "raster", "row", "diagonal" or "cnn" (PixelCNN).
    H: hidden units of a layer. The variants other than "raster" have maps of 2H channels.
    layers: the number of recurrent layers ("raster") or residual blocks (the other variants).
    levels: k, the number of values of a pixel. With k = 2 pixels are 0 or 1. With more, pixels are grey levels
        0 … k − 1, which the network reads as numbers from 0 to 1 and predicts by a softmax over the k levels.
    kernel: the rows and columns of the first convolution, an odd number from 3; "raster" has none.
    cell: "lstm" or "gru", for "raster"; the other variants do not use it.
    first, rest: the first layer, and the layers after it.
    progress: False; set it to True to show a progress bar on a terminal or in a notebook while the host draws pixels.
    block: images scored at once. margin: columns of zeros added at the right, 1 for "diagonal" and otherwise 0.

    Raises ValueError for an unknown variant, for sizes too small, for an unknown cell of "raster", and for another
    kernel of the other variants.
    """

    block = 100
    progress = False
    margin = 0

    def __init__(
        self,
        shape: tuple[int, int],
        variant: str,
        H: int,
        layers: int = 1,
        levels: int = 2,
        kernel: int = 7,
        cell: str = "lstm",
        *,
        rng: RNGLike = None,
    ):
        rng = np.random.default_rng(rng)
        if variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {variant!r}")
        (rows, columns), sizes = shape, {"H": (H, 1), "layers": (layers, 1), "levels": (levels, 2)}
        for name, (size, least) in {"rows": (rows, 1), "columns": (columns, 1), **sizes}.items():
            whole(size, least, name)
        self.shape, self.D, self.levels, self.H = (rows, columns), rows * columns, levels, H
        self.variant, self.layers, self.kernel, self.cell = variant, layers, kernel, cell
        self.values = Binary() if levels == 2 else States(levels)
        outputs = 1 if levels == 2 else levels
        self.first: Previous | MaskedConv2d
        if variant == "raster":
            self.first = Previous()
            recurrent = [RasterRNN(1 if k == 0 else H, H, cell, rng=rng) for k in range(layers)]
            self.rest = Stack(*recurrent, Linear(H, outputs, rng=rng))
        else:
            # The LSTM from the right starts at the last place of a row, whose value was computed from the pixels before
            # it: its map would never see the last pixel of a row. One more place in each row shows it that pixel.
            self.margin = int(variant == "diagonal")
            self.first = MaskedConv2d(1, 2 * H, kernel, mask="A", rng=rng)
            blocks = [residual_block(variant, H, rng=rng) for _ in range(layers)]
            self.rest = Stack(*blocks, relu, Linear(2 * H, HEAD, rng=rng), relu, Linear(HEAD, outputs, rng=rng))

    def logits(self, x: Any) -> Any:
        """The logits of each pixel given the pixels before it: (batch, D), or (batch, D, k) for k > 2 levels.

        For 2 levels the logits are ln p(xᵢ = 1 | x_<ᵢ) / p(xᵢ = 0 | x_<ᵢ). For k > 2 a softmax over the last axis gives
        p(xᵢ | x_<ᵢ).
        x: (batch, D), pixels 0 … k − 1, checked already, an array or a Tensor.
        """
        maps = x.astype(self.flat.dtype).reshape(-1, *self.shape, 1)
        maps = np.pad(maps, [(0, 0), (0, 0), (0, self.margin), (0, 0)])
        maps = self.rest(self.first(maps / (self.levels - 1)))
        maps = maps[:, :, : self.shape[1]] if self.margin else maps
        return maps.reshape(-1, self.D) if self.levels == 2 else maps.reshape(-1, self.D, self.levels)

    def log_prob(self, x: Any) -> Any:
        x = self.checked(x)
        logits = self.logits(x)
        each = bernoulli_log_prob(x, logits) if self.levels == 2 else Categorical(logits).log_prob(x)
        return np.sum(each, axis=1)

    def for_sampling(self) -> PixelRNN:
        last: Any = self.rest.layers[-1]
        one_bias = last.bias.ndim == 1  # not a row for each image
        fits = self.variant == "raster" and self.levels == 2 and one_bias
        return self if fits and raster_fits(self.cell, self.H, self.layers, self.flat.dtype) else self.on_host()

    def continued(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> np.ndarray:
        return self.generate(x, k, rng=rng)[0]

    def generate(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> tuple[np.ndarray, np.ndarray]:
        """Draw all pixels after the first k, in raster order and in place. Returns x and the logits of all pixels.

        x: (n, D), with the first k pixels given; the other values do not matter. k: how many pixels are given.
        The logits, (n, D), or (n, D, levels) for more than 2 levels, include the given pixels.
        x must be where the model `for_sampling` is, on the host or on a device; the results are there too.
        """
        rng = np.random.default_rng(rng)
        if not backend.on_host(x) and self.for_sampling() is self:
            weights = np.concatenate([p.data.ravel() for p in self.parameters().values()])
            return draw_raster(x, k, self.cell, self.H, self.layers, weights, rng=rng)
        if not len(x):
            return x, np.empty((0, self.D) if self.levels == 2 else (0, self.D, self.levels))
        n, m = self.shape
        logits: list[np.ndarray] = []
        maps = np.pad(x.reshape(-1, n, m, 1), [(0, 0), (0, 0), (0, self.margin), (0, 0)]) / (self.levels - 1)
        state = self.rest.initial_state(len(x), n, m + self.margin)
        places = list(np.ndindex(n, m + self.margin))
        bar = progress_bar(self.progress, iterable=places, desc="drawing", unit=" places", leave=False)
        with no_grad():
            for i, j in bar:
                here = self.rest.pixel(self.first.at(maps, i, j), i, j, state)
                if j == m:
                    continue
                p = len(logits)
                logits.append(here[:, 0] if self.levels == 2 else here)
                if p >= k:
                    x[:, p] = (
                        bernoulli_sample(logits[p], rng=rng) if self.levels == 2 else Categorical(here).sample(rng=rng)
                    )
                    maps[:, i, j, 0] = x[:, p] / (self.levels - 1)
        return x, np.stack(logits, axis=1)


HEAD = 32
"""Channels between the last residual block and the logits, as in PRNN's models of MNIST."""
