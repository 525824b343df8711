"""The variational auto-encoder (lecture: Variational Auto-Encoder; Kingma and Welling 2014).

A latent z is drawn from the prior p(z), an image from the decoder's p(x|z). Neither ln p(x) = ln ∫ p(x|z) p(z) dz can
be computed then, nor the posterior p(z|x) that would explain an image. The encoder's q(z|x) stands in for it:

    ln p(x) = E_q[ln p(x, z)/q(z|x)] + KL(q(z|x) ‖ p(z|x)),
              └────── ELBO ───────┘   └─── not below 0 ───┘

    ELBO = E_q[ln p(x|z)] − KL(q(z|x) ‖ p(z)).
           └reconstruction┘  └─prior fitting─┘

To raise the ELBO is to raise ln p(x) or to bring q closer to the posterior. All quantities are in nats for each image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from autograd import backend, no_grad
from minigen.decoders import BernoulliDecoder, Decoder
from minigen.distributions import Mixture
from minigen.encoders import GaussianEncoder
from minigen.model import GenerativeModel, in_blocks
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.functions import log_mean_exp, relu
from minigen.nn.layers import layer_sizes, mlp
from minigen.nn.module import whole
from minigen.priors import Prior, StandardNormal


@dataclass(frozen=True)
class ELBO:
    """The evidence lower bound of each image and its two terms, (batch,), in nats."""

    reconstruction: Any  # E_q[ln p(x|z)]
    prior_fitting: Any  # KL(q(z|x) ‖ p(z))

    @property
    def elbo(self) -> Any:
        """reconstruction − prior fitting, a bound on ln p(x) from below."""
        return self.reconstruction - self.prior_fitting


class Estimate(NamedTuple):
    """A number for each image, estimated by chance, and the standard error of each, itself an estimate: too small where
    a few draws have most of the weight."""

    value: np.ndarray
    standard_error: np.ndarray


KL = ("closed", "sampled")
GRADIENTS = ("reparameterised", "score function")


class VAE(GenerativeModel):
    """p(x) = ∫ p(x|z) p(z) dz, and q(z|x) to learn it by. It is no `ExplicitModel`: its `log_prob` is an estimate.

    encoder: x → q(z|x). decoder: z → p(x|z). prior: p(z).
    samples: how many z the ELBO is averaged over in training. beta: the weight β of the prior fitting in the loss
    (Higgins et al. 2017): 1 is the lecture's; `WarmUp` raises it to 1 as training goes on.
    kl: "closed" takes the prior fitting from its formula where it has one; "sampled" takes ln q(z|x) − ln p(z) of the
    same z as the reconstruction, which is the lecture's other form of the ELBO, E_q[ln p(x, z)/q(z|x)].
    gradient: "reparameterised", through z = μ + σ ε; or "score function", which needs no derivative of ln p(x|z) by z
    and has a larger variance (`expectation`).
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
        """q(z|x).  x: (batch, D), checked."""
        return self.encoder(x)

    # -- the terms

    def log_joint(self, x: np.ndarray, z: Any) -> Any:
        """ln p(x, z) = ln p(x|z) + ln p(z).  x: (batch, D), checked, z: (…, batch, d) → (…, batch)."""
        return self.decoder(z).log_prob(x) + self.prior.distribution().log_prob(z)

    def log_weight(self, x: np.ndarray, z: Any, q: Any = None) -> Any:
        """ln p(x, z)/q(z|x): its mean under q is the ELBO, and the mean of its exponential is p(x).

        x: checked; q: `posterior(x)`, where it is known already.
        """
        return self.log_joint(x, z) - (q or self.posterior(x)).log_prob(z)

    def elbo(self, x: Any, samples: int | None = None, *, rng: RNGLike = None) -> ELBO:
        """The ELBO of each image; `samples` z are drawn for it (default: those of training)."""
        rng = np.random.default_rng(rng)
        x, samples = self.checked(x), whole(self.samples if samples is None else samples, 1, "samples")
        q, p = self.posterior(x), self.prior.distribution()
        log_likelihood = lambda z: self.decoder(z).log_prob(x)
        if self.kl == "closed" and not isinstance(p, Mixture):
            return ELBO(expectation(log_likelihood, q, samples, self.gradient, rng=rng), q.kl_divergence(p))
        log_ratio = lambda z: q.log_prob(z) - p.log_prob(z)
        both = lambda z: np.stack([log_likelihood(z), log_ratio(z)])
        return ELBO(*expectation(both, q, samples, self.gradient, rng=rng))

    def loss(self, x: Any, *, rng: RNGLike = None) -> Any:
        """−(reconstruction − β·prior fitting), the mean over the batch; with β = 1, −ELBO."""
        parts = self.elbo(x, rng=rng)
        return np.mean(self.beta * parts.prior_fitting - parts.reconstruction)

    # -- the likelihood

    def log_weights(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> Any:
        """`log_weight` of k draws z ~ q(z|x) for each image: (k, batch).  x: (batch, D), checked."""
        rng = np.random.default_rng(rng)
        q = self.posterior(x)
        return self.log_weight(x, q.sample((k,), rng=rng), q)

    def iwae(self, x: Any, k: int, *, rng: RNGLike = None) -> Any:
        """L_k = E[ln 1/k Σⱼ p(x, zⱼ)/q(zⱼ|x)], from one draw of k: L₁ = ELBO ≤ L₂ ≤ … ≤ ln p(x)  (Burda et al. 2016).

        (batch, D) → (batch,), differentiable: the gradient is Σⱼ w̃ⱼ ∇ ln wⱼ with the normalised weights w̃. To train on
        this bound in place of the ELBO is to descend on it, in a step that `fit` takes in place of the optimizer:

            def step(x, rng):
                model.zero_grad()
                loss = -np.mean(model.iwae(x, 5, rng))
                loss.backward()
                optimizer.step()
                return loss.item()
        """
        return log_mean_exp(self.log_weights(self.checked(x), whole(k, 1, "k"), rng=rng), axis=0)

    def log_prob(self, x: Any, k: int, *, rng: RNGLike = None) -> Estimate:
        """ln p(x) of each image by importance sampling with k draws from q(z|x), and its standard error.

        ln of the mean weight: too low on average, by about half the squared standard error, which stays in a mean over
        images. An image at a time, and its draws in blocks.
        """
        rng = np.random.default_rng(rng)
        x, k = self.checked(x), whole(k, 2, "k")
        with no_grad():
            found = [self._log_prob_of_one(image[None], k, rng) for image in x]
        return Estimate(*np.array(found, self.flat.dtype).T)

    def _log_prob_of_one(self, x: np.ndarray, k: int, rng: np.random.Generator) -> tuple[float, float]:
        """The estimate and its standard error for x of shape (1, D)."""
        sizes = np.diff([*range(0, k, self.block), k])
        log_w = np.concatenate([backend.to_numpy(self.log_weights(x, size, rng=rng))[:, 0] for size in sizes])
        w = np.exp(log_w - log_w.max())
        return np.log(w.mean()) + log_w.max(), w.std(ddof=1) / w.mean() / np.sqrt(k)

    # -- many images

    def elbos(self, images: Any, samples: int | None = None, *, rng: RNGLike = None) -> ELBO:
        """`elbo` of many images, in blocks and as arrays."""
        rng = np.random.default_rng(rng)

        def both(x: np.ndarray) -> Any:
            parts = self.elbo(x, samples, rng=rng)
            return np.stack([parts.reconstruction, parts.prior_fitting], axis=1)

        return ELBO(*in_blocks(both, images, self.block).T)

    def validation_loss(self, images: np.ndarray) -> float:
        """The mean −ELBO of many images, in nats, always with the same noise: epochs are to be compared."""
        return -float(np.mean(self.elbos(images, rng=0).elbo))

    # -- what it is for

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """z ~ p(z), then x ~ p(x|z)."""
        rng = np.random.default_rng(rng)
        with no_grad():
            return backend.to_numpy(self.decoder(self.placed(self.prior.sample(n, rng=rng))).sample(rng=rng))

    def encode(self, images: Any) -> np.ndarray:
        """The mean of q(z|x) of each image: (n, D) → (n, d)."""
        return in_blocks(lambda x: self.posterior(self.checked(x)).mean, images, self.block)

    def decode(self, z: Any) -> np.ndarray:
        """E[x|z].  (…, d) → (…, D)."""
        with no_grad():
            return backend.to_numpy(self.decoder.mean(self.placed(z)))


def expectation(
    f: Callable[[Any], Any], q: Any, samples: int, gradient: str = "reparameterised", *, rng: RNGLike = None
) -> Any:
    """Estimate E_q[f(z)] from `samples` draws, with an unbiased gradient by the parameters of q and of f.

    f: (…, d) → (…); q: a distribution over z; gradient: "reparameterised" or "score function". Raises ValueError for
    another gradient.

    Reparameterised: z is a differentiable function of q's parameters and of noise, and the chain rule does the rest.
    Score function: ∇ E_q[f] = E_q[f ∇ln q + ∇f], whatever z is; the last term is that of f's own parameters. What is
    returned has this gradient and the value of the mean (Williams 1992; Mohamed et al. 2020).
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
    *,
    rng: RNGLike = None,
) -> VAE:
    """The usual one for binary images: D-hidden-d and back, with N(0, I) as the prior."""
    rng = np.random.default_rng(rng)
    hidden = layer_sizes(hidden, "hidden")
    if not hidden:
        raise ValueError("hidden names the sizes of the hidden layers, at least one; `ppca.linear_vae` has none")
    body = mlp((D, *hidden), activation, last=activation, rng=rng)
    encoder = GaussianEncoder(body, hidden[-1], d, covariance, rng=rng)
    return VAE(encoder, BernoulliDecoder(mlp((d, *hidden[::-1], D), activation, rng=rng), D), StandardNormal(d))


class WarmUp:
    """For `fit(before_epoch=…)`: the weight of the prior fitting rises linearly, and is `beta` from the epoch after
    these on (Sønderby et al. 2016)."""

    def __init__(self, model: VAE, epochs: int, beta: float = 1.0):
        self.model, self.epochs, self.beta = model, epochs, beta

    def __call__(self, number: int) -> None:
        self.model.beta = self.beta * min(1.0, number / (self.epochs + 1))

    def state(self) -> dict[str, Any]:
        """The weight as it is now, for a checkpoint."""
        return {"settings": {"warm_up": self.epochs, "beta": self.beta}, "weight": self.model.beta}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self.model.beta = state["weight"]


COLLAPSED = 0.01
"""A latent number whose posterior mean varies less than this over images carries nothing (Burda et al. 2016)."""


def unit_activity(model: VAE, images: Any) -> np.ndarray:
    """The variance over images of the mean of each latent number under q(z|x): (d,). Where it is below COLLAPSED, that
    number's q(z|x) is as a rule the prior, whatever x is, and the decoder makes nothing of it."""
    return model.encode(images).var(axis=0)
