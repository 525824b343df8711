"""Pixel-RNN and its relatives (lecture: Pixel-RNN; van den Oord, Kalchbrenner and Kavukcuoglu 2016, "PRNN" below).

    p(x) = Πᵢ p(xᵢ | x_<ᵢ),    row by row, each row from the left,

as for NADE, but what pixel i sees of the pixels before it comes through layers that know where pixels lie, those of
`minigen.nn.maps`:

    raster     an LSTM or GRU over all pixels in their order: everything before, through one state
    row        an LSTM from row to row; a state sees three of the row above: a triangle that widens upwards
    diagonal   two LSTMs from diagonal to diagonal, left to right and right to left: everything before, by short ways
    cnn        convolutions alone (PixelCNN): a window, wider with every layer, and blind to the upper right

The first layer sees the pixels *before* its place (mask A); those after it see places up to and including their own
(mask B), for what is there was made of pixels before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tqdm import tqdm

from autograd import no_grad
from minigen.distributions import Categorical, bernoulli_log_prob, bernoulli_sample
from minigen.model import AutoregressiveModel, Binary, States
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import relu
from minigen.nn.layers import Linear
from minigen.nn.maps import DiagonalBiLSTM, MaskedConv2d, Previous, RasterRNN, Residual, RowLSTM, Stack
from minigen.nn.module import whole


def residual_block(variant: str, H: int, *, rng: RNGLike = None) -> Residual:
    """A residual block of PRNN's figure 5, on maps of 2H channels."""
    rng = np.random.default_rng(rng)
    widen = Linear(H, 2 * H, rng=rng)
    if variant == "row":
        return Residual(RowLSTM(2 * H, H, rng=rng), widen)
    if variant == "diagonal":
        return Residual(DiagonalBiLSTM(2 * H, H, rng=rng), widen)
    narrow, conv = Linear(2 * H, H, rng=rng), MaskedConv2d(H, H, 3, mask="B", rng=rng)
    return Residual(relu, narrow, relu, conv, relu, widen)


VARIANTS = ("raster", "row", "diagonal", "cnn")


class PixelRNN(AutoregressiveModel):
    """p(x) = Πᵢ p(xᵢ | x_<ᵢ) over the pixels of an image, in raster order.

    shape: rows and columns; D is their product. variant: one of VARIANTS. H: hidden units, or channels; maps have 2H.
    layers: how many recurrent layers, or residual blocks. levels: values of a pixel: 2, or k grey levels 0 … k − 1,
    which the network reads as numbers from 0 to 1 and predicts by a softmax over all k. kernel: of the first
    convolution. cell: "lstm" or "gru", of the raster variant. progress: set it to True for a bar on a terminal while
    pixels are drawn.
    """

    block = 100
    progress = False
    margin = 0  # columns of zeros to the right of the image

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
        if cell not in ("lstm", "gru"):
            raise ValueError(f"cell must be lstm or gru, got {cell!r}")
        (rows, columns), sizes = shape, {"H": (H, 1), "layers": (layers, 1), "levels": (levels, 2)}
        for name, (size, least) in {"rows": (rows, 1), "columns": (columns, 1), **sizes}.items():
            whole(size, least, name)
        self.shape, self.D, self.levels, self.H = (rows, columns), rows * columns, levels, H
        self.values = Binary() if levels == 2 else States(levels)
        outputs = 1 if levels == 2 else levels
        self.first: Previous | MaskedConv2d
        if variant == "raster":
            self.first = Previous()
            recurrent = [RasterRNN(1 if k == 0 else H, H, cell, rng=rng) for k in range(layers)]
            self.rest = Stack(*recurrent, Linear(H, outputs, rng=rng))
        else:
            # The map from the right begins at the end of a row, and what is there was made of pixels before: the last
            # pixel of a row would be missing from it. So the diagonal variant's maps have one more place in a row.
            self.margin = int(variant == "diagonal")
            self.first = MaskedConv2d(1, 2 * H, kernel, mask="A", rng=rng)
            blocks = [residual_block(variant, H, rng=rng) for _ in range(layers)]
            self.rest = Stack(*blocks, relu, Linear(2 * H, HEAD, rng=rng), relu, Linear(HEAD, outputs, rng=rng))

    def logits(self, x: Any) -> Any:
        """ln p(xᵢ = 1 | x_<ᵢ) / p(xᵢ = 0 | x_<ᵢ), (batch, D); for k > 2 levels those of a softmax, (batch, D, k).

        x: (batch, D), checked, an array or a Tensor.
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

    def continued(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> np.ndarray:
        return self.generate(x, k, rng=rng)[0]

    def generate(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> tuple[np.ndarray, np.ndarray]:
        """`continued`, and beside it the logits of all pixels, those that were drawn and those that were given."""
        rng = np.random.default_rng(rng)
        if not len(x):
            return x, np.empty((0, self.D) if self.levels == 2 else (0, self.D, self.levels))
        n, m = self.shape
        logits: list[np.ndarray] = []
        maps = np.pad(x.reshape(-1, n, m, 1), [(0, 0), (0, 0), (0, self.margin), (0, 0)]) / (self.levels - 1)
        state = self.rest.initial_state(len(x), n, m + self.margin)
        places = tqdm(
            list(np.ndindex(n, m + self.margin)),
            "drawing",
            unit=" places",
            disable=None if self.progress else True,
            leave=False,
        )
        with no_grad():
            for i, j in places:
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
"""Channels between the last block and the logits, as in PRNN's models of MNIST."""
