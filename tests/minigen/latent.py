"""VAEs so small that integrals over z are sums, or sums over a grid; in float64 and with every parameter random."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigen.decoders import BernoulliDecoder
from minigen.distributions import Categorical
from minigen.encoders import Encoder, GaussianEncoder
from minigen.nn.layers import mlp
from minigen.nn.module import Module, Parameter
from minigen.priors import Prior, StandardNormal
from minigen.vae import VAE
from tests.minigen.enumeration import binary_vectors, index_of
from tests.minigen.models import randomised


class Signs(np.random.Generator):
    """In place of a generator: ±1 for N(0, 1), every combination once, so that means of quadratics have no error."""

    def __init__(self, d):
        super().__init__(np.random.PCG64(0))
        self.corners = 2 * binary_vectors(d) - 1

    def standard_normal(self, shape):
        samples, *batch, d = shape
        assert (samples, d) == self.corners.shape
        return np.broadcast_to(self.corners.reshape(samples, *(1,) * len(batch), d), shape)


@dataclass(frozen=True, eq=False)
class Dealt(Categorical):
    """Its draws, where there are any, are dealt and not drawn: means over them have no error."""

    draws: Any = None

    def sample(self, shape=(), *, rng=None):
        if self.draws is None:
            return super().sample(shape, rng=rng)
        assert self.draws.shape == (*shape, *self.logits.shape[:-1])
        return self.draws


class TableEncoder(Encoder):
    """q(z|x), z one of K: a row of logits for each of the 2ᴰ images."""

    d = 1
    draws: Any = None

    def __init__(self, D, K):
        self.logits = Parameter(np.zeros((2**D, K)))

    def __call__(self, x):
        return Dealt(self.logits[index_of(x)], self.draws)

    def deal(self, counts):
        """q(z|x) = counts/n, and each z just so often among n draws for the image.  counts: (2ᴰ, K), n in each row."""
        self.logits.data[...] = np.log(counts)
        self.draws = np.stack([np.repeat(np.arange(len(row)), row) for row in counts], axis=1)


class Table(Module):
    """The D numbers of each of K z."""

    def __init__(self, K, D):
        self.rows = Parameter(np.zeros((K, D)))

    def __call__(self, z):
        return self.rows[np.asarray(z, int)]


class TablePrior(Prior):
    d = 1

    def __init__(self, K):
        self.logits = Parameter(np.zeros(K))

    def distribution(self):
        return Categorical(self.logits)


def choice_vae(D, K, rng, **options):
    """z is one of K."""
    return randomised(VAE(TableEncoder(D, K), BernoulliDecoder(Table(K, D), D), TablePrior(K), **options), rng)


def dealt_vae(D, K, rng, n=12, **options):
    """`choice_vae` with q(z|x) in n-ths, whose n draws for each image have no error; for all images, in their order."""
    model = choice_vae(D, K, rng, samples=n, **options)
    model.encoder.deal(1 + rng.multinomial(n - K, np.full(K, 1 / K), size=2**D))
    return model


def gaussian_encoder(D, rng, d=2, covariance="diagonal"):
    return GaussianEncoder(mlp((D, 5), np.tanh, last=np.tanh, rng=rng), 5, d, covariance, rng=rng)


def smooth_vae(D, rng, d=2, covariance="diagonal", decoder=None, prior=None, **options):
    """Layers of tanh, which sums over a grid integrate to rounding."""
    decoder = decoder or BernoulliDecoder(mlp((d, 5, D), np.tanh, rng=rng), D)
    encoder = gaussian_encoder(D, rng, d, covariance)
    return randomised(VAE(encoder, decoder, prior or StandardNormal(d), **options), rng, scale=0.6)
