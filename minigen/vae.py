"""The variational auto-encoder (lecture: Variational Auto-Encoder; Kingma and Welling 2014).

A latent z is drawn from the prior p(z), then an image x from the decoder's p(x|z). Two quantities cannot be computed:
ln p(x) = ln ∫ p(x|z) p(z) dz, and the posterior p(z|x). The encoder's q(z|x) approximates the posterior:

    ln p(x) = E_q[ln p(x, z)/q(z|x)] + KL(q(z|x) ‖ p(z|x)),
              └────── ELBO ───────┘   └─── not below 0 ───┘

    ELBO = E_q[ln p(x|z)] − KL(q(z|x) ‖ p(z)).
           └reconstruction┘  └─prior fitting─┘

Raising the ELBO raises ln p(x) or brings q closer to the posterior. All quantities are in nats per image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from autograd import backend, no_grad
from minigen.decoders import BernoulliDecoder, Decoder
from minigen.distributions import Mixture
from minigen.divergences import mean_and_error
from minigen.encoders import GaussianEncoder
from minigen.model import GenerativeModel, in_blocks, without_nan
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.functions import log_mean_exp, relu
from minigen.nn.layers import layer_sizes, mlp
from minigen.nn.module import whole
from minigen.priors import Prior, StandardNormal


@dataclass(frozen=True)
class ELBO:
    """The evidence lower bound of each image as its two terms: ELBO = reconstruction − prior_fitting.

    reconstruction: E_q[ln p(x|z)], (batch,), nats. prior_fitting: KL(q(z|x) ‖ p(z)), (batch,), nats.
    """

    reconstruction: Any
    prior_fitting: Any

    @property
    def value(self) -> Any:
        """The lower bound on ln p(x): reconstruction − prior_fitting, (batch,), in nats."""
        return self.reconstruction - self.prior_fitting


class Estimate(NamedTuple):
    """A Monte Carlo estimate of ln p(x) for each image, and its standard error.

    value: the estimates, (n,), nats. standard_error: of each value, (n,), nats; it is estimated from the same draws and
    too small where a few draws have most of the weight.
    """

    value: np.ndarray
    standard_error: np.ndarray


KL = ("closed", "sampled")
GRADIENTS = ("reparameterised", "score function")


class VAE(GenerativeModel):
    """The model p(x) = ∫ p(x|z) p(z) dz, with an encoder q(z|x) to train it. Its `log_prob` is an estimate.

    encoder: x → q(z|x), such as `GaussianEncoder`. decoder: z → p(x|z). prior: p(z), with a density.
    samples: draws of z per image that the ELBO is averaged over, in training and validation; at least 1.
    beta: weight β of the prior fitting in the loss (Higgins et al. 2017). The lecture has β = 1; `WarmUp` raises β to 1
    during training.
    kl: "closed" computes the prior fitting from its closed form; with a mixture prior, which has none, it does the same
    as "sampled". "sampled" averages ln q(z|x) − ln p(z) over the draws of the reconstruction. This is the lecture's
    other form of the ELBO, E_q[ln p(x, z)/q(z|x)].
    gradient: "reparameterised", through z = μ + σ ε; or "score function", which needs no derivative of ln p(x|z) by z
    and has a larger variance, see `expectation`.
    block: number of images that are processed at once.
    Raises ValueError if `kl` or `gradient` is unknown, `beta` is not in [0, ∞), `samples` < 1, or encoder and prior
    differ in d.
    """

    block = 500

    def __init__(
        self,
        encoder: Any,
        decoder: Decoder,
        prior: Prior,
        samples: int = 1,
        beta: float = 1.0,
        kl: str = "closed",
        gradient: str = "reparameterised",
    ):
        for name, value, known in (("kl", kl, KL), ("gradient", gradient, GRADIENTS)):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        if not 0 <= beta < np.inf:
            raise ValueError(f"beta is the weight of the prior fitting, at least 0 and finite, got {beta}")
        if encoder.d != prior.d:
            raise ValueError(f"the encoder makes z of {encoder.d} numbers, but the prior is over {prior.d}")
        self.encoder, self.decoder, self.prior = encoder, decoder, prior
        self.D, self.d, self.values = decoder.D, prior.d, decoder.values
        self.samples = whole(samples, 1, "samples")
        self.beta, self.kl, self.gradient = beta, kl, gradient

    def posterior(self, x: np.ndarray) -> Any:
        """Return q(z|x), a distribution over z, (batch, d).  x: (batch, D), checked already."""
        return self.encoder(x)

    # -- the terms

    def log_joint(self, x: np.ndarray, z: Any) -> Any:
        """ln p(x, z) = ln p(x|z) + ln p(z), in nats.  x: (batch, D), checked already; z: (…, batch, d) → (…, batch)."""
        return self.decoder(z).log_prob(x) + self.prior.distribution().log_prob(z)

    def log_weight(self, x: np.ndarray, z: Any, q: Any = None) -> Any:
        """ln p(x, z)/q(z|x), in nats: its mean under q is the ELBO, and the mean of its exponential under q is p(x).

        x: (batch, D), checked already; z: (…, batch, d) → (…, batch). q: `posterior(x)`; None computes it.
        """
        return self.log_joint(x, z) - (q or self.posterior(x)).log_prob(z)

    def elbo(self, x: Any, samples: int | None = None, *, rng: RNGLike = None) -> ELBO:
        """Estimate the two terms of the ELBO with draws z ~ q(z|x).

        Returns an `ELBO`, each term (batch,), in nats. The terms are differentiable.
        x: (batch, D). samples: draws of z per image; None takes the model's `samples`.
        The prior fitting is exact if it has a closed form and `kl` is "closed".
        """
        rng = np.random.default_rng(rng)
        x = self.checked(x)
        samples = whole(self.samples if samples is None else samples, 1, "samples")
        q, p = self.posterior(x), self.prior.distribution()
        log_likelihood = lambda z: self.decoder(z).log_prob(x)
        if self.kl == "closed" and not isinstance(p, Mixture):
            reconstruction = expectation(log_likelihood, q, samples, self.gradient, rng=rng)
            return ELBO(reconstruction, q.kl_divergence(p))
        log_ratio = lambda z: q.log_prob(z) - p.log_prob(z)
        both = lambda z: np.stack([log_likelihood(z), log_ratio(z)])
        return ELBO(*expectation(both, q, samples, self.gradient, rng=rng))

    def loss(self, x: Any, *, rng: RNGLike = None) -> Any:
        """−E_q[ln p(x|z)] + β KL(q(z|x) ‖ p(z)), a mean over the batch, in nats: −ELBO for β = 1.

        x: (batch, D). β is the model's `beta`.
        """
        parts = self.elbo(x, rng=rng)
        return np.mean(self.beta * parts.prior_fitting - parts.reconstruction)

    # -- the likelihood

    def log_weights(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> Any:
        """ln p(x, z)/q(z|x), nats, at `k` draws z ~ q(z|x) per image.  x: (batch, D), checked already → (k, batch)."""
        rng = np.random.default_rng(rng)
        q = self.posterior(x)
        return self.log_weight(x, q.sample((k,), rng=rng), q)

    def iwae(self, x: Any, k: int, *, rng: RNGLike = None) -> Any:
        """ln[1/k Σⱼ p(x, zⱼ)/q(zⱼ|x)], zⱼ ~ q(z|x): an estimate of the bound L_k, in nats (Burda et al. 2016).

        x: (batch, D) → (batch,). k: draws per image. L_k is the mean of the estimate: L₁ = ELBO ≤ L₂ ≤ … ≤ ln p(x).
        The result is differentiable: its gradient is Σⱼ w̃ⱼ ∇ ln wⱼ, where wⱼ = p(x, zⱼ)/q(zⱼ|x) and w̃ⱼ = wⱼ/Σᵢ wᵢ. To
        train on this bound in place of the ELBO, give `fit` this step in place of the optimizer:

            def step(x, rng):
                model.zero_grad()
                loss = -np.mean(model.iwae(x, 5, rng=rng))
                loss.backward()
                optimizer.step()
                return loss.item()
        """
        return log_mean_exp(self.log_weights(self.checked(x), whole(k, 1, "k"), rng=rng), axis=0)

    def log_prob(self, x: Any, k: int, *, rng: RNGLike = None) -> Estimate:
        """Estimate ln p(x) of each image, in nats, and its standard error, by importance sampling from q(z|x).

        x: (n, D) → `Estimate` (value, standard_error) of two (n,) arrays. k: draws of z per image, at least 2.
        The estimate is the logarithm of the mean of p(x, z)/q(z|x). On average it is too low, and a mean over images
        keeps this bias: half the squared standard error for many draws, and many times that where few draws carry the
        weight. `analysis.ais` gives a tighter estimate. Images are scored one by one, their draws in blocks.
        If p(x|z) is 0 for every draw, the estimate is −∞ and its standard error ∞.
        Raises DivergedError if an estimate is nan, see `minigen.model.without_nan`.
        """
        rng = np.random.default_rng(rng)
        x, k = self.checked(x), whole(k, 2, "k")
        with no_grad():
            found = [self._log_prob_of_one(image[None], k, rng) for image in x]
        return Estimate(*without_nan(np.array(found, self.flat.dtype), self, "the estimate of ln p(x)").T)

    def _log_prob_of_one(self, x: np.ndarray, k: int, rng: np.random.Generator) -> tuple[float, float]:
        """The estimate of ln p(x) and its standard error for one image.  x: (1, D)."""
        sizes = np.diff([*range(0, k, self.block), k])
        log_w = np.concatenate([backend.to_numpy(self.log_weights(x, size, rng=rng))[:, 0] for size in sizes])
        largest = log_w.max()
        if not largest > -np.inf:  # every weight is 0, or one is nan
            return largest, np.inf
        mean, error = mean_and_error(np.exp(log_w - largest))
        return np.log(mean) + largest, error / mean

    # -- many images

    def elbos(self, images: Any, samples: int | None = None, *, rng: RNGLike = None) -> ELBO:
        """Estimate the two terms of the ELBO of many images, in nats, block by block and without recording gradients.

        images: (n, D) → `ELBO` of two (n,) NumPy arrays; ELBO = `reconstruction` − `prior_fitting`, see the class.
        samples: draws of z per image; None takes the model's `samples`.
        Raises DivergedError if a term is nan, see `minigen.model.without_nan`.
        """
        rng = np.random.default_rng(rng)

        def both(x: np.ndarray) -> Any:
            parts = self.elbo(x, samples, rng=rng)
            return np.stack([parts.reconstruction, parts.prior_fitting], axis=1)

        return ELBO(*without_nan(in_blocks(both, images, self.block), self, "the ELBO").T)

    def validation_loss(self, images: np.ndarray) -> float:
        """The mean −ELBO of many images, with β = 1, in nats.  images: (n, D).

        Every call uses the same random numbers, so that epochs can be compared.
        """
        return -float(np.mean(self.elbos(images, rng=0).value))

    # -- sampling, encoding, decoding

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw `n` images, (n, D), on the host: z ~ p(z), then x ~ p(x|z)."""
        rng = np.random.default_rng(rng)
        with no_grad():
            return backend.to_numpy(self.decoder(self.placed(self.prior.sample(n, rng=rng))).sample(rng=rng))

    def encode(self, images: Any) -> np.ndarray:
        """The mean of q(z|x) for each image.  images: (n, D) → (n, d), a NumPy array."""
        return in_blocks(lambda x: self.posterior(self.checked(x)).mean, images, self.block)

    def decode(self, z: Any) -> np.ndarray:
        """The mean image E[x|z] for each latent.  z: (…, d) → (…, D), a NumPy array."""
        with no_grad():
            return backend.to_numpy(self.decoder.mean(self.placed(z)))


def expectation(
    f: Callable[[Any], Any], q: Any, samples: int, gradient: str = "reparameterised", *, rng: RNGLike = None
) -> Any:
    """Estimate E_q[f(z)] by the mean over draws of z, with an unbiased gradient by the parameters of q and of f.

    f: z, (samples, batch, d) → (…, samples, batch). q: distribution of z, over (batch, d). samples: number of draws.
    gradient: "reparameterised" or "score function". Returns (…, batch). Raises ValueError for another gradient.

    Reparameterised: z is a differentiable function of noise and q's parameters, so the chain rule gives the gradient.
    Score function: ∇ E_q[f] = E_q[f ∇ln q + ∇f], where ∇f is by f's own parameters; f needs no derivative by z. The
    returned number has the value of the mean of f and this gradient (Williams 1992; Mohamed et al. 2020).
    """
    rng = np.random.default_rng(rng)
    if gradient not in ("reparameterised", "score function"):
        raise ValueError(f'gradient is "reparameterised" or "score function", got {gradient!r}')
    z = q.sample((samples,), rng=rng)
    if gradient == "score function":
        z = plain(z)
        value, log_q = f(z), q.log_prob(z)
        return np.mean(value + plain(value) * (log_q - plain(log_q)), axis=-2)
    return np.mean(f(z), axis=-2)


def bernoulli_vae(
    D: int,
    hidden: Sequence[int],
    d: int,
    activation: Callable[[Any], Any] = relu,
    covariance: str = "diagonal",
    classes: int = 0,
    *,
    rng: RNGLike = None,
) -> VAE:
    """Return a VAE for binary images, with fully connected networks and the prior N(0, I).

    D: pixels in an image. hidden: sizes of the encoder's hidden layers; the decoder has them in reverse order.
    d: numbers in z. activation: function after each hidden layer. covariance: of q(z|x), "diagonal" or "full".
    classes: numbers that both networks read besides x or z: a one-hot label, see `conditional.JoinedLabel`.
    Raises ValueError if `hidden` is empty, TypeError if it is a single number.
    """
    rng = np.random.default_rng(rng)
    hidden = layer_sizes(hidden, "hidden")
    if not hidden:
        raise ValueError("hidden names the sizes of the hidden layers, at least one; `ppca.linear_vae` has none")
    body = mlp((D + classes, *hidden), activation, last=activation, rng=rng)
    encoder = GaussianEncoder(body, hidden[-1], d, covariance, rng=rng)
    decoder = BernoulliDecoder(mlp((d + classes, *hidden[::-1], D), activation, rng=rng), D)
    return VAE(encoder, decoder, StandardNormal(d))


class WarmUp:
    """Linear rise of β, the weight of a VAE's prior fitting, for `fit(before_epoch=…)` (Sønderby et al. 2016).

    In epoch t, counted from 1, β = beta · min(1, t/(epochs + 1)): a call with t, which `fit` makes, sets β.
    model: the VAE, whose `beta` is set. epochs: number of epochs with a smaller β. beta: the final weight.
    """

    def __init__(self, model: VAE, epochs: int, beta: float = 1.0):
        self.model, self.epochs, self.beta = model, epochs, beta

    def __call__(self, number: int) -> None:
        self.model.beta = self.beta * min(1.0, number / (self.epochs + 1))

    def state(self) -> dict[str, Any]:
        """Return {"settings": {"warm_up": epochs, "beta": beta}, "weight": the model's current β}, for a checkpoint."""
        return {"settings": {"warm_up": self.epochs, "beta": self.beta}, "weight": self.model.beta}

    def load_state(self, state: dict[str, Any]) -> None:
        """Set the model's β to `state["weight"]`; nothing else changes.  state: what the method `state` returned."""
        self.model.beta = state["weight"]


COLLAPSED = 0.01
"""Bound on `unit_activity`: below it, a latent dimension carries no information on the image (Burda et al. 2016)."""


def unit_activity(model: VAE, images: Any) -> np.ndarray:
    """The variance over images of the mean of q(z|x), for each latent dimension.

    model: the VAE. images: (n, D) → (d,). Where the variance is below COLLAPSED, q(z|x) of this dimension is usually
    the prior for every x, and the decoder ignores the dimension.
    """
    return model.encode(images).var(axis=0)
