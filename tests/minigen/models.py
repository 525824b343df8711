"""Every explicit model over n binary pixels, in float64 and with every parameter random: a zero hides its bugs."""

import numpy as np

from minigen.ar import AR
from minigen.ensemble import Ensemble
from minigen.eonade import EoNADE
from minigen.markov import MarkovChain
from minigen.nade import NADE
from minigen.pixelrnn import VARIANTS, PixelRNN
from minigen.table import FullTable, IndependentBernoulli
from minigen.training.steps import Move, take


def minimise(optimizer, loss, name="loss"):
    """One move down a loss; returns the loss."""
    return take([(Move(optimizer, loss, name),)])[0]


def random_nade(D, H, rng, order=None, scale=1.0):
    return randomised(NADE(D, H, order, rng=rng), rng, scale)


def randomised(model, rng, scale=1.0):
    model.astype(np.float64)
    model.flat[...] = scale * rng.standard_normal(model.num_parameters)
    return model


def shape_of(n):
    """n pixels as an image, as square as it goes."""
    rows = max(k for k in range(1, n + 1) if n % k == 0 and k * k <= n)
    return rows, n // rows


BINARY = {
    "independent": lambda n, rng: IndependentBernoulli(n),
    "full table": lambda n, rng: FullTable(n),
    "chain of order 1": lambda n, rng: MarkovChain(n, min(1, n - 1)),
    "chain of order 3": lambda n, rng: MarkovChain(n, min(3, n - 1)),
    "homogeneous chain of order 2": lambda n, rng: MarkovChain(n, min(2, n - 1), homogeneous=True),
    "AR(2)": lambda n, rng: AR(n, min(2, n - 1)),
    "FVSBN": lambda n, rng: AR(n, n - 1),
    "NADE": lambda n, rng: NADE(n, 5, rng=rng),
    "NADE in another order": lambda n, rng: NADE(n, 5, rng.permutation(n), rng=rng),
    "EoNADE": lambda n, rng: EoNADE(n, 5, num_orders=3, rng=rng),
    **{
        variant: lambda n, rng, variant=variant: PixelRNN(shape_of(n), variant, 4, kernel=3, rng=rng)
        for variant in VARIANTS
    },
    "ensemble of NADEs": lambda n, rng: Ensemble([NADE(n, 4, rng.permutation(n), rng=rng) for _ in range(3)]),
}
"""Each maker by its name: (n, rng) → model."""


def random_model(name, n, rng):
    deep = name in VARIANTS  # weights of size 1, layer after layer, would leave one image all the probability
    return randomised(BINARY[name](n, rng), rng, scale=0.3 if deep else 1.0)
