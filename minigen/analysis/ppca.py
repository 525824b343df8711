"""Probabilistic principal component analysis: the VAE that can be solved (Tipping and Bishop 1999; Lucas et al. 2019).

    z ~ N(0, I),    x | z ~ N(W z + μ, σ² I)    ⇒    x ~ N(μ, C),  C = W Wᵀ + σ² I,
    z | x ~ N(M⁻¹ Wᵀ (x − μ), σ² M⁻¹),  M = Wᵀ W + σ² I.

Its likelihood, posterior and best parameters have closed forms, beside which a VAE with linear layers can be held.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
    """A normal distribution over D numbers that varies freely in d directions only.  d < D."""

    def __init__(self, D: int, d: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        self.D, self.d = whole(D, 2, "D"), whole(d, 1, "d, the numbers in z,")
        if d >= D:
            raise ValueError(f"d must be below D, got d = {d} for D = {D}")
        self.W = Parameter(rng.standard_normal((D, d)))
        self.mean = Parameter(np.zeros(D))
        self.log_var = Parameter(np.zeros(()))  # ln σ²

    @property
    def M(self) -> Any:
        """Wᵀ W + σ² I: (d, d)."""
        return self.W.T @ self.W + np.exp(self.log_var) * np.eye(self.d, dtype=self.W.dtype)

    def log_prob(self, x: Any) -> Any:
        """−½ (D ln 2π + ln|C| + (x − μ)ᵀ C⁻¹ (x − μ)), with d×d matrices only: ln|C| = ln|M| + (D − d) ln σ², and
        C⁻¹ = (I − W M⁻¹ Wᵀ)/σ²."""
        centred = self.checked(x) - self.mean
        t, M = centred @ self.W, self.M
        squares = np.sum(centred**2, axis=1) - np.sum(t * np.linalg.solve(M, t.T).T, axis=1)
        log_det = np.linalg.slogdet(M)[1] + (self.D - self.d) * self.log_var
        return -0.5 * (self.D * LOG_TWO_PI + log_det + squares * np.exp(-self.log_var))

    def posterior(self, x: Any) -> MultivariateNormal:
        """p(z|x): a mean for each x, and the covariance σ² M⁻¹ that all share."""
        M, W = self.M.data, self.W.data
        mean = np.linalg.solve(M, W.T @ (self.checked(x) - self.mean.data).T).T
        return MultivariateNormal(mean, np.linalg.cholesky(np.exp(self.log_var.data) * np.linalg.inv(M)))

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        rng = np.random.default_rng(rng)
        z, noise = rng.standard_normal((n, self.d)), rng.standard_normal((n, self.D))
        x = z @ self.W.data.T + self.mean.data + np.exp(0.5 * self.log_var.data) * noise
        return x.astype(self.flat.dtype)

    def fit(self, x: Any) -> ProbabilisticPCA:
        """Maximum likelihood: with the eigenvalues λ₁ ≥ λ₂ ≥ … and eigenvectors U of the data's covariance,
        σ² = the mean of the discarded λ_d₊₁ … λ_D, and W = U_d (Λ_d − σ² I)^½."""
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
        """The same p(x, z) as a VAE with linear layers, and the best q(z|x) of its kind: with a full covariance the
        posterior itself; with a diagonal one its mean, and the variances σ²/M_jj."""
        model = linear_vae(self.D, self.d, covariance, rng=0).astype(self.flat.dtype)
        M, W, variance = self.M.data, self.W.data, np.exp(self.log_var.data)
        decoder: Any = model.decoder
        decoder.body.weight.data[...], decoder.body.bias.data[...] = W.T, self.mean.data
        decoder.log_var.data[...] = self.log_var.data
        weight, bias, d = model.encoder.head.weight.data, model.encoder.head.bias.data, self.d
        weight.fill(0)
        weight[:, :d] = np.linalg.solve(M, W.T).T
        bias[:d] = -self.mean.data @ weight[:, :d]
        if covariance == "diagonal":
            bias[d:] = np.log(variance / np.diagonal(M))
        else:
            L = np.linalg.cholesky(variance * np.linalg.inv(M))
            bias[d : 2 * d], bias[2 * d :] = 2 * np.log(np.diagonal(L)), L[np.tril_indices(d, -1)]
        return model


def linear_vae(D: int, d: int, covariance: str = "diagonal", *, rng: RNGLike = None) -> VAE:
    """A VAE all of whose layers are linear: probabilistic PCA, learned by the ELBO."""
    rng = np.random.default_rng(rng)
    return VAE(
        GaussianEncoder(_same, D, d, covariance, rng=rng), GaussianDecoder(Linear(d, D, rng=rng), D), StandardNormal(d)
    )


def _same(x: Any) -> Any:
    return x
