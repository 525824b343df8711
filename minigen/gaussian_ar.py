"""The auto-regressive model of time series: the AR(n) process (lecture: Auto-Regressive Model; Brockwell and Davis,
"Time Series: Theory and Methods", chapters 3, 5 and 8).

    x_t = μ + Σ_{k=1}^{n} φ_k (x_{t−k} − μ) + ε_t,    ε_t ~ N(0, σ²)

A sum of Gaussians is Gaussian, so the likelihood, the spectrum and the forecast of the process are known exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import solve_toeplitz
from scipy.special import ndtr

from autograd import backend
from minigen.distributions import MultivariateNormal, Normal
from minigen.model import ExplicitModel, checked_order
from minigen.nn.arrays import RNGLike, plain
from minigen.nn.module import Parameter


class GaussianAR(ExplicitModel):
    """AR(n) process, a density over series of D real values: x_t = μ + Σ φ_k (x_{t−k} − μ) + ε_t, ε_t ~ N(0, σ²).

    D: the number of values of a series.
    order: n, from 0 (white noise) to D − 1.
    phi: φ₁ … φ_n, (n,). mean: μ, (). log_var: ln σ², (). The three parameters are 0 at first. They are on the host.
    """

    def __init__(self, D: int, order: int):
        self.D, self.order = D, checked_order(order, D)
        with backend.use("numpy"):  # so few numbers stay on the host
            self.phi = Parameter(np.zeros(self.order))
            self.mean = Parameter(0.0)
            self.log_var = Parameter(0.0)

    # -- likelihood

    def log_prob(self, x: Any) -> Any:
        """Exact ln p(x) of each series, in nats.  x: (batch, D) → (batch,).

        It is ln p(x₁, …, x_n) under the stationary distribution, plus `conditional_log_prob`.
        Raises ValueError if the process is not stationary, since it then has no stationary distribution.
        """
        z = self.checked(x) - self.mean
        return self._first().log_prob(z[:, : self.order]) + self._following(z)

    def conditional_log_prob(self, x: Any) -> Any:
        """ln p(x_{n+1}, …, x_D | x₁, …, x_n) of each series, n the order, in nats.  x: (batch, D) → (batch,).

        The process need not be stationary. Least squares gives the φ, μ and σ² that maximise its sum over all series.
        """
        return self._following(self.checked(x) - self.mean)

    def _following(self, z: Any) -> Any:
        """`conditional_log_prob` of z = x − μ."""
        return np.sum(self._next(z).log_prob(z[:, self.order :]), axis=1)

    def _first(self) -> MultivariateNormal:
        """The stationary distribution of n successive values of x − μ."""
        lag = np.abs(np.subtract.outer(np.arange(self.order), np.arange(self.order)))
        covariance, dtype = self.autocovariance()[lag], self.flat.dtype
        return MultivariateNormal(np.zeros(self.order, dtype), np.linalg.cholesky(covariance).astype(dtype))

    def _next(self, z: Any) -> Normal:
        """p(z_t | z_{t−1}, …, z_{t−n}) of z = x − μ, for every t > n: (batch, D − n)."""
        return Normal(lags(z, self.order) @ self.phi, self.log_var)

    def autocovariance(self) -> Any:
        """The autocovariances γ₀ … γ_n of the process at the lags 0 … n: (n + 1,), differentiable by φ and ln σ².

        They solve the Yule–Walker equations γ_k − Σⱼ φⱼ γ_|k−j| = σ² [k = 0], in float64 for parameters of any dtype,
        because the equations are nearly singular near the edge of stationarity.
        Raises ValueError if the process is not stationary.
        """
        self._refuse_unless_stationary()
        n, phi, variance = self.order, self.phi.astype(float), np.exp(self.log_var.astype(float))
        k = np.arange(n + 1)
        lag_is = [np.equal.outer(np.abs(k - j), k) for j in range(1, n + 1)]  # for each j the matrix [|k − j| = column]
        equations = np.eye(n + 1)
        for j in range(n):
            equations = equations - phi[j] * lag_is[j].astype(float)
        return np.linalg.solve(equations, variance * (k == 0).astype(float))

    # -- stationarity and spectrum

    def spectral_radius(self) -> float:
        """The largest modulus of the eigenvalues of the companion matrix of φ; < 1 for a stationary process."""
        companion = np.eye(max(self.order, 1), k=-1)
        companion[0, : self.order] = self.phi.data
        return float(np.abs(np.linalg.eigvals(companion)).max())

    def _refuse_unless_stationary(self) -> None:
        radius = self.spectral_radius()
        if not radius < 1:
            raise ValueError(
                f"this AR({self.order}) is not stationary: its companion matrix has spectral radius {radius:.4g}, "
                "not below 1. Use conditional_log_prob, or fit it with 'yule-walker' or 'burg'"
            )

    def spectrum(self, frequency: Any) -> np.ndarray:
        """Spectral density S(f) = σ² / |1 − Σ φ_k e^{−2πifk}|² at each frequency, in squared units of x.

        frequency: f in cycles a step, any shape. The result has the same shape.
        The integral of S from −½ to ½ is the variance of the process, if the process is stationary (not checked).
        """
        k = np.arange(1, self.order + 1)
        waves = np.exp(-2j * np.pi * np.multiply.outer(np.asarray(frequency), k))
        return np.exp(self.log_var.data) / np.abs(1 - waves @ self.phi.data) ** 2

    # -- estimation

    def fit(self, x: Any, method: str = "ols") -> GaussianAR:
        """Set φ, μ and σ² to their estimates, in closed form, and return the model.

        x: one or more series, (series, D). A series with a trend has no mean: take its differences first.
        method: one of three.
            "ols": least squares, the maximum of `conditional_log_prob` (test A-3). It may be non-stationary.
            "yule-walker": the model's autocovariances at the lags 0 … n equal the (biased) estimates from the data. The
                model is stationary.
            "burg": the reflection coefficients that predict best forwards and backwards (Burg 1975). The model is
                stationary.

        Raises ValueError for another method, if all values are equal, for fewer predictions, series · (D − n), than
        unknowns, n + 2, and if the prediction is exact, so that σ² would be 0.
        """
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
        x = self.checked(x).astype(float)
        if np.ptp(x) == 0:
            raise ValueError(f"all values of the series are {x.flat[0]:g}: there is nothing to fit")
        unknowns = self.order + 2
        if x.shape[0] * (self.D - self.order) < unknowns:
            raise ValueError(
                f"order {self.order} has {unknowns} unknowns, but {x.shape[0]} series of {self.D} values leave "
                f"{x.shape[0] * (self.D - self.order)} predictions: give a longer series, or lower the order"
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            phi, mean, variance = METHODS[method](x, self.order)
        if not (np.all(np.isfinite([*phi, mean])) and variance > 1e-12 * np.var(x)):
            raise ValueError(f"{self.order} values predict the next exactly: no noise is left to fit; lower the order")
        self.phi.data[...], self.mean.data[...], self.log_var.data[...] = phi, mean, np.log(variance)
        return self

    # -- draws and forecasts

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw `n` independent series: (n, D). Raises ValueError if the process is not stationary."""
        rng = np.random.default_rng(rng)
        first = plain(self._first().sample((n,), rng=rng)) + self.mean.data
        return np.concatenate([first, self.continuations(first, self.D - self.order, rng=rng)], axis=1)

    def continuations(self, past: Any, horizon: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw one continuation of each series: (series, horizon).

        past: the values so far, finite, (series, T) with T ≥ n. horizon: how many values to draw, at least 1.
        Raises ValueError for other arguments. The process need not be stationary.
        """
        rng = np.random.default_rng(rng)
        z = self._past(past, horizon)
        noise = np.exp(self.log_var.data / 2) * rng.standard_normal((len(z), horizon)).astype(z.dtype)
        for t in range(horizon):
            z = np.append(z, self._expected(z) + noise[:, t : t + 1], axis=1)
        return z[:, -horizon:] + self.mean.data

    def _expected(self, z: np.ndarray) -> np.ndarray:
        """Σ φ_k z_{t−k}, the mean of the value after the last of z: (series, 1)."""
        return z[:, ::-1][:, : self.order] @ self.phi.data[:, None]

    def forecast(self, past: Any, horizon: int) -> Normal:
        """Distribution of each future value: p(x_{T+h} | x₁, …, x_T), h = 1 … horizon, as one Normal.

        past: x₁ … x_T, finite, (series, T) with T ≥ n. horizon: how many values to forecast, at least 1.
        Raises ValueError for other arguments. The process need not be stationary.
        The mean, (series, horizon), follows the recursion without noise. The variance, the same for all series, is
        σ² Σ_{j<h} ψⱼ², where ψⱼ is the response to one unit of noise j steps earlier; `log_var` is (1, horizon).
        """
        z = self._past(past, horizon)
        psi = np.zeros((1, self.order), z.dtype)  # the response before the noise is 0
        for h in range(horizon):
            z = np.append(z, self._expected(z), axis=1)
            psi = np.append(psi, self._expected(psi) if h else np.ones((1, 1), z.dtype), axis=1)
        variance = np.exp(self.log_var.data) * np.cumsum(psi[:, self.order :] ** 2, axis=1)
        return Normal(z[:, -horizon:] + self.mean.data, np.log(variance))

    def _past(self, past: Any, horizon: int) -> np.ndarray:
        """past − μ. Raises ValueError for fewer than n values, values that are not finite, or a horizon below 1."""
        past = np.asarray(past, self.flat.dtype)
        if past.ndim != 2 or past.shape[1] < self.order:
            raise ValueError(
                f"a forecast of order {self.order} needs (series, ≥ {self.order}) values, got {past.shape}"
            )
        if not (np.all(np.isfinite(past)) and horizon >= 1):
            raise ValueError(
                f"a forecast needs finite values and a horizon of at least 1, got {past}, horizon {horizon}"
            )
        return past - self.mean.data

    def uniforms(self, x: Any) -> np.ndarray:
        """Probability integral transforms P(X_t ≤ x_t | x_<t) of each value.  x: (batch, D) → (batch, D), from 0 to 1.

        If the data follow the model, the transforms are independent and uniform (A-4).
        Raises ValueError if the process is not stationary.
        """
        z = self.checked(x) - self.mean.data
        first, following = self._first(), self._next(z)
        start = np.linalg.solve(plain(first.scale_tril), z[:, : self.order].T).T
        rest = (z[:, self.order :] - plain(following.mean)) * np.exp(-self.log_var.data / 2)
        return ndtr(np.concatenate([start, rest], axis=1))


def lags(z: Any, n: int) -> Any:
    """The n values before each value z_n … z_{T−1} of a series, nearest first: entry [:, t] is z_{n+t−1}, …, z_t.

    z: series z₀ … z_{T−1}, (batch, T) → (batch, T − n, n). n: how many values.
    """
    T = z.shape[1]
    return np.stack([z[:, n - k : T - k] for k in range(1, n + 1)], axis=2) if n else np.zeros((len(z), T, 0), z.dtype)


def least_squares(x: np.ndarray, n: int) -> tuple[np.ndarray, float, float]:
    """Least squares estimates (φ, μ, σ²) of AR(n): regress each value on the n values before it and a constant.

    x: series, (series, T). n: the order. φ is (n,), μ = constant / (1 − Σ φ_k), σ² is the mean squared residual.
    """
    target = x[:, n:].ravel()
    design = np.column_stack([lags(x, n).reshape(len(target), n), np.ones(len(target))])
    *phi, intercept = np.linalg.lstsq(design, target, rcond=None)[0]
    residuals = target - design @ np.append(phi, intercept)
    return np.array(phi), intercept / (1 - np.sum(phi)), float(np.mean(residuals**2))


def yule_walker(x: np.ndarray, n: int) -> tuple[np.ndarray, float, float]:
    """Yule–Walker estimates (φ, μ, σ²) of AR(n): φ solves Σⱼ φⱼ r_|k−j| = r_k, k = 1 … n.

    x: series, (series, T). n: the order. φ is (n,), μ the mean of x, and σ² = r₀ − Σ φ_k r_k.
    r_k is the biased autocovariance of the data at lag k: the sum of T − k products divided by T, averaged over series.
    """
    z = x - x.mean()
    T = x.shape[1]
    r = np.array([np.mean(np.sum(z[:, k:] * z[:, : T - k], axis=1)) / T for k in range(n + 1)])
    phi = solve_toeplitz(r[:n], r[1:]) if n else np.zeros(0)
    return phi, x.mean(), float(r[0] - phi @ r[1:])


def burg(x: np.ndarray, n: int) -> tuple[np.ndarray, float, float]:
    """Burg's estimates (φ, μ, σ²) of AR(n): raise the order from 0 to n step by step (Levinson's recursion).

    Each step chooses the reflection coefficient r that minimises the sum of the squared errors of predicting forwards
    and backwards.  x: series, (series, T). n: the order. φ is φ₁ … φ_n, (n,), μ the mean of x,
    σ² = E[(x − μ)²] Π (1 − r²).
    """
    f = b = x - x.mean()
    phi, variance = np.zeros(0), np.mean(f**2)
    for _ in range(n):
        f, b = f[:, 1:], b[:, :-1]
        reflection = 2 * np.sum(f * b) / np.sum(f**2 + b**2)
        phi = np.append(phi - reflection * phi[::-1], reflection)
        f, b = f - reflection * b, b - reflection * f
        variance *= 1 - reflection**2
    return phi, x.mean(), float(variance)


METHODS: dict[str, Callable] = {"ols": least_squares, "yule-walker": yule_walker, "burg": burg}
"""The methods of `GaussianAR.fit`: functions (x, n) → (φ, μ, σ²)."""
