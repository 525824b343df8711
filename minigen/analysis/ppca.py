"""Probabilistic PCA, what a VAE with linear layers learns: closed forms (Tipping and Bishop 1999; Lucas et al. 2019).

    z ~ N(0, I),    x | z ~ N(W z + μ, σ² I)    ⇒    x ~ N(μ, C),  C = W Wᵀ + σ² I,
    z | x ~ N(M⁻¹ Wᵀ (x − μ), σ² M⁻¹),  M = Wᵀ W + σ² I.

The likelihood, the posterior and the best parameters of this model have closed forms. A VAE with linear layers has the
same p(x), but its ELBO is a bound and its `log_prob` an estimate. `ProbabilisticPCA.log_prob` is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import backend
from minigen.decoders import GaussianDecoder
from minigen.distributions import LOG_TWO_PI, MultivariateNormal
from minigen.encoders import GaussianEncoder
from minigen.model import ExplicitModel
from minigen.nn.arrays import RNGLike
from minigen.nn.layers import Linear
from minigen.nn.module import Parameter, whole
from minigen.priors import StandardNormal
from minigen.vae import VAE


class ProbabilisticPCA(ExplicitModel):
    """Probabilistic PCA: x ~ N(μ, W Wᵀ + σ² I), a density over vectors of length D with d latent variables.

    D: the length of x, at least 2. d: the length of z, from 1 to D − 1.
    W: (D, d), standard normal at first. mean: μ, (D,), 0 at first. log_var: ln σ², 0 at first. They are on the host.
    Raises ValueError unless d < D.
    """

    def __init__(self, D: int, d: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.D, self.d = whole(D, 2, "D"), whole(d, 1, "d, the numbers in z,")
        if d >= D:
            raise ValueError(f"d must be below D, got d = {d} for D = {D}")
        with backend.use("numpy"):  # its matrices are small, and NumPy has all of their decompositions
            self.W = Parameter(rng.standard_normal((D, d)))
            self.mean = Parameter(np.zeros(D))
            self.log_var = Parameter(np.zeros(()))  # ln σ²

    @property
    def M(self) -> Any:
        """The matrix M = Wᵀ W + σ² I: (d, d). The covariance of p(z|x) is σ² M⁻¹."""
        return self.W.T @ self.W + np.exp(self.log_var) * np.eye(self.d, dtype=self.W.dtype)

    def log_prob(self, x: Any) -> Any:
        """ln p(x) = −½ (D ln 2π + ln|C| + (x − μ)ᵀ C⁻¹ (x − μ)), C = W Wᵀ + σ² I, in nats.  x: (batch, D) → (batch,).

        Only d × d matrices are inverted: ln|C| = ln|M| + (D − d) ln σ², and C⁻¹ = (I − W M⁻¹ Wᵀ)/σ², M = Wᵀ W + σ² I.
        """
        centred = self.checked(x) - self.mean
        t, M = centred @ self.W, self.M
        squares = np.sum(centred**2, axis=1) - np.sum(t * np.linalg.solve(M, t.T).T, axis=1)
        log_det = np.linalg.slogdet(M)[1] + (self.D - self.d) * self.log_var
        return -0.5 * (self.D * LOG_TWO_PI + log_det + squares * np.exp(-self.log_var))

    def posterior(self, x: Any) -> MultivariateNormal:
        """The posterior p(z|x) = N(M⁻¹ Wᵀ (x − μ), σ² M⁻¹) of each vector.  x: (batch, D).

        M = Wᵀ W + σ² I. The means are (batch, d); the covariance is the same for all x, so `scale_tril` is (d, d).
        """
        M, W = self.M.data, self.W.data
        mean = np.linalg.solve(M, W.T @ (self.checked(x) - self.mean.data).T).T
        return MultivariateNormal(mean, np.linalg.cholesky(np.exp(self.log_var.data) * np.linalg.inv(M)))

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        z, noise = rng.standard_normal((n, self.d)), rng.standard_normal((n, self.D))
        x = z @ self.W.data.T + self.mean.data + np.exp(0.5 * self.log_var.data) * noise
        return x.astype(self.flat.dtype)

    def fit(self, x: Any) -> ProbabilisticPCA:
        """Maximum likelihood in closed form: set μ, W and σ², and return the model.

        x: (n, D). With the eigenvalues λ₁ ≥ λ₂ ≥ … and eigenvectors U of the covariance of x (divisor n):
        μ = the mean of x, σ² = the mean of λ_d₊₁ … λ_D, and W = U_d (Λ_d − σ² I)^½, with the first d of both.
        Raises ValueError if the data lie in d dimensions or fewer, so that σ² would be 0.
        """
        x = self.checked(x).astype(float)
        values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
        values, vectors = values[::-1], vectors[:, ::-1]
        variance = values[self.d :].mean()
        if variance <= self.D * np.finfo(float).eps * values[0]:
            raise ValueError(f"these data lie in {self.d} dimensions or fewer: there is no noise left to fit")
        self.W.data[...] = vectors[:, : self.d] * np.sqrt(values[: self.d] - variance)
        self.mean.data[...] = x.mean(axis=0)
        self.log_var.data[...] = np.log(variance)
        return self

    def as_vae(self, covariance: str = "full") -> VAE:
        """A VAE with linear layers that has the same p(x, z) and the best normal q(z|x).

        covariance: "full": q(z|x) is the posterior p(z|x) itself. "diagonal": q(z|x) has the posterior's mean and the
            variances σ²/M_jj, where M = Wᵀ W + σ² I.
        """
        model: Any = linear_vae(self.D, self.d, covariance, rng=0).astype(self.flat.dtype)
        M, W, variance = self.M.data, self.W.data, np.exp(self.log_var.data)
        decoder, head, d = model.decoder, model.encoder.head, self.d
        weight, bias = (np.zeros(parameter.shape, W.dtype) for parameter in (head.weight, head.bias))
        weight[:, :d] = np.linalg.solve(M, W.T).T
        bias[:d] = -self.mean.data @ weight[:, :d]
        if covariance == "diagonal":
            bias[d:] = np.log(variance / np.diagonal(M))
        else:
            L = np.linalg.cholesky(variance * np.linalg.inv(M))
            bias[d : 2 * d], bias[2 * d :] = 2 * np.log(np.diagonal(L)), L[np.tril_indices(d, -1)]
        to_set = [decoder.body.weight, decoder.body.bias, decoder.log_var, head.weight, head.bias]
        for parameter, value in zip(to_set, [W.T, self.mean.data, self.log_var.data, weight, bias], strict=True):
            parameter.data[...] = backend.beside(value, parameter)
        return model


def linear_vae(D: int, d: int, covariance: str = "diagonal", *, rng: RNGLike = None) -> VAE:
    """An untrained VAE whose encoder and decoder are linear layers: training it learns probabilistic PCA.

    D: the length of x. d: the length of z. covariance: of q(z|x), "diagonal" or "full".
    """
    rng = np.random.default_rng(rng)
    return VAE(
        GaussianEncoder(same, D, d, covariance, rng=rng), GaussianDecoder(Linear(d, D, rng=rng), D), StandardNormal(d)
    )


def same(x: Any) -> Any:
    """Return `x` unchanged: the body of an encoder whose head is its only layer."""
    return x
