"""The claims A-2, A-3 and A-4: AR(n) over time series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import cholesky, solve_toeplitz, solve_triangular, toeplitz
from scipy.optimize import minimize_scalar
from scipy.stats import kstest, multivariate_normal, norm

from autograd import check_grads
from minigen.gaussian_ar import METHODS, GaussianAR, lags
from minigen.training.optim import lbfgs


def process(D, phi, mean=0.7, variance=1.8):
    model = GaussianAR(D, len(phi)).astype(np.float64)
    model.phi.data[...], model.mean.data[...], model.log_var.data[...] = phi, mean, np.log(variance)
    return model


STATIONARY = [[], [0.8], [-0.5], [0.5, -0.7], [0.4, 0.2, -0.5]]


def autocovariances(model, lags):
    """γ_k = ∫ S(f) cos 2πfk df over one period, by the rectangle rule, which is exact to rounding here."""
    f = np.arange(4096) / 4096
    return np.array([np.mean(model.spectrum(f) * np.cos(2 * np.pi * f * k)) for k in range(lags)])


@given(phi=st.floats(-0.95, 0.95), log_var=st.floats(-2, 2))
def test_a2_the_moments_of_ar1(phi, log_var):
    """A-2: Var = σ²/(1 − φ²), ρ_k = φᵏ, ln|Σ| = N ln σ² − ln(1 − φ²).

    Planted: equations for the autocovariances with σ where σ² is meant.
    """
    model, N = process(6, [phi], variance=np.exp(log_var)), 6
    variance = np.exp(log_var) / (1 - phi**2)
    np.testing.assert_allclose(model.autocovariance().data, [variance, variance * phi], rtol=1e-10, atol=1e-14)
    covariance = variance * toeplitz(phi ** np.arange(N))
    assert np.linalg.slogdet(covariance)[1] == pytest.approx(N * log_var - np.log(1 - phi**2), rel=1e-9, abs=1e-9)
    log_det = -2 * model.log_prob(np.full((1, N), 0.7)).item() - N * np.log(
        2 * np.pi
    )  # at the mean nothing else is left
    assert log_det == pytest.approx(N * log_var - np.log(1 - phi**2), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("phi", STATIONARY)
def test_a2_the_exact_likelihood_is_that_of_the_joint_gaussian(phi, rng):
    """A-2: SciPy's multivariate normal with the Toeplitz Σ, its γ from the integral of the spectrum.

    Planted: a stationary covariance for the first values that is the identity.
    """
    model = process(9, phi)
    x = rng.standard_normal((5, 9))
    joint = multivariate_normal(np.full(9, 0.7), toeplitz(autocovariances(model, 9)))
    np.testing.assert_allclose(model.log_prob(x).data, joint.logpdf(x), rtol=1e-10)
    first = multivariate_normal(np.full(len(phi), 0.7), toeplitz(autocovariances(model, len(phi)))) if phi else None
    rest = joint.logpdf(x) - (first.logpdf(x[:, : len(phi)]) if first else 0)
    np.testing.assert_allclose(model.conditional_log_prob(x).data, rest, rtol=1e-9)


def test_a2_the_exact_likelihood_has_right_derivatives(rng):
    """Through the Yule–Walker equations, Cholesky and the determinant."""
    model, x = process(6, [0.5, -0.4]), rng.standard_normal((3, 6))

    def nll(phi, mean, log_var):
        model.phi, model.mean, model.log_var = phi, mean, log_var
        return model.nll(x)

    check_grads(nll, np.array([0.5, -0.4]), np.array(0.7), np.array(0.3))


@pytest.fixture
def series(rng):
    return process(300, [0.6, -0.4, 0.2]).sample(2, rng=rng)


def test_a3_least_squares_are_the_conditional_maximum_likelihood(series):
    """A-3: where descent on the conditional likelihood ends, and where its gradient vanishes.

    Planted: a mean square that divides by all values, not by those predicted.
    """
    ols = GaussianAR(300, 3).astype(np.float64).fit(series, "ols")
    descended = GaussianAR(300, 3).astype(np.float64)
    lbfgs(descended, lambda: -np.mean(descended.conditional_log_prob(series)) / 297)
    np.testing.assert_allclose(descended.flat, ols.flat, rtol=1e-5)
    ols.zero_grad()
    (-np.mean(ols.conditional_log_prob(series))).backward()
    assert abs(ols.flat_grad).max() < 1e-9


def test_a3_yule_walker_gives_the_process_the_autocovariances_of_the_data(series):
    """A-3: the biased estimates r₀ … r_n are the model's γ₀ … γ_n, and φ solves SciPy's Toeplitz system.

    Planted: autocovariances divided by the number of their own terms.
    """
    model = GaussianAR(300, 3).astype(np.float64).fit(series[:1], "yule-walker")
    z = series[0] - series[0].mean()
    r = np.array([z[k:] @ z[: 300 - k] / 300 for k in range(4)])
    np.testing.assert_allclose(model.autocovariance().data, r, rtol=1e-10)
    np.testing.assert_allclose(model.phi.data, solve_toeplitz(r[:3], r[1:]), rtol=1e-10)
    np.testing.assert_allclose(autocovariances(model, 4), r, rtol=1e-8)


def test_burg_minimises_forward_and_backward_errors_order_by_order(series):
    """Each reflection coefficient, found by a search, extends the one before by Levinson's recursion."""
    z = series[0] - series[0].mean()
    phi = np.zeros(0)
    for n in range(1, 4):

        def errors(k, phi=phi, n=n):
            extended = np.append(phi - k * phi[::-1], k)
            past = lags(z[None], n)[0]
            future = lags(z[None, ::-1], n)[0]
            return np.sum((z[n:] - past @ extended) ** 2) + np.sum((z[::-1][n:] - future @ extended) ** 2)

        k = minimize_scalar(errors, bounds=(-1, 1), method="bounded", options={"xatol": 1e-12}).x
        phi = np.append(phi - k * phi[::-1], k)
        model = GaussianAR(300, n).astype(np.float64).fit(series[:1], "burg")
        np.testing.assert_allclose(model.phi.data, phi, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_long_series_gives_back_what_made_it(method, rng):
    """φ, μ and σ² from two series of 20,000 values, within 4 standard errors; order 0 gives mean and variance."""
    true = process(20_000, [0.6, -0.4], mean=3.0, variance=1.8)
    x = true.sample(2, rng=rng)
    fitted = GaussianAR(20_000, 2).astype(np.float64).fit(x, method)
    np.testing.assert_allclose(fitted.phi.data, true.phi.data, atol=4 / np.sqrt(40_000))
    assert fitted.mean.item() == pytest.approx(3.0, abs=4 * np.sqrt(1.8 / 40_000) / 0.8)
    assert np.exp(fitted.log_var.item()) == pytest.approx(1.8, rel=4 * np.sqrt(2 / 40_000))
    white = GaussianAR(20_000, 0).astype(np.float64).fit(x, method)
    np.testing.assert_allclose([white.mean.item(), np.exp(white.log_var.item())], [x.mean(), x.var()], rtol=1e-9)


@pytest.mark.parametrize(("series", "order"), [((-1.0) ** np.arange(20), 1), ((-1.0) ** np.arange(20), 3)])
def test_a_series_that_is_predicted_exactly_is_refused_by_burg_and_least_squares(series, order):
    model = GaussianAR(20, order)
    for method in ("burg", "ols"):
        with pytest.raises(ValueError, match=f"{order} values predict the next exactly"):
            model.fit(series[None], method)
    assert not model.flat.any()


def test_a3_a_wave_is_refused_and_a_wave_in_a_hundred_thousandth_of_noise_is_fitted(rng):
    """A-3: two values predict the next of a wave, but for rounding: σ² would be rounding. With noise of 1e-5 it is
    noise, and a fit gives one about as large.

    Planted: a bound of 0, which takes rounding for noise; a bound of 1e-6 of the variance, which takes noise for none.
    """
    wave = np.sin(0.7 * np.arange(200.0))[None]
    with pytest.raises(ValueError, match="2 values predict the next exactly"):
        GaussianAR(200, 2).fit(wave)
    fitted = GaussianAR(200, 2).fit(wave + 1e-5 * rng.standard_normal((1, 200)))
    assert 1 < np.exp(fitted.log_var.item()) / 1e-10 < 10  # the noise of three values enters, as 1 + φ₁² + φ₂²


def test_float32_stays_float32_and_is_right_near_the_edge_of_stationarity(rng):
    """Roots 0.99, 0.98, 0.97: the equations for the autocovariances have a condition beyond float32."""
    exact = process(50, -np.poly([0.99, 0.98, 0.97])[1:])
    x = exact.sample(2, rng=rng)
    rough = GaussianAR(50, 3)
    rough.flat[...] = exact.flat
    near = GaussianAR(50, 3).astype(np.float64)
    near.flat[...] = rough.flat  # the parameters as float32 has them
    assert rough.log_prob(x).dtype == rough.sample(2, rng=rng).dtype == np.float32
    np.testing.assert_allclose(rough.log_prob(x).data, near.log_prob(x).data, rtol=1e-2)


@given(a=st.floats(-2.2, 2.2), b=st.floats(-1.4, 1.4))
def test_a3_stationary_where_the_companion_matrix_shrinks(a, b):
    """A-3: for AR(2) the spectral radius is below 1 exactly in the triangle φ₂ < 1 − |φ₁|, φ₂ > −1.

    Planted: a companion matrix whose ones stand above the diagonal.
    """
    inside = b < 1 - abs(a) and b > -1
    if min(abs(b - 1 + abs(a)), abs(b + 1)) > 1e-6:
        assert (process(5, [a, b]).spectral_radius() < 1) == inside


@pytest.mark.parametrize("method", ["yule-walker", "burg"])
def test_a3_these_estimates_are_always_stationary(method, rng):
    """A-3: even of a random walk, or of a line."""
    for series in (np.cumsum(rng.standard_normal((1, 60)), axis=1), np.arange(60.0)[None]):
        assert GaussianAR(60, 4).astype(np.float64).fit(series, method).spectral_radius() < 1


def test_a_process_that_is_not_stationary_is_refused_where_it_needs_to_be(rng):
    model = process(5, [1.1])
    for use in (model.log_prob, model.uniforms):
        with pytest.raises(ValueError, match=r"AR\(1\) is not stationary.*spectral radius 1.1.*conditional_log_prob"):
            use(np.zeros((1, 5)))
    with pytest.raises(ValueError, match="not stationary"):
        model.sample(2, rng=rng)
    assert np.isfinite(model.conditional_log_prob(np.zeros((1, 5))).data).all()


def test_a4_the_probability_integral_transforms_are_independent_and_uniform(rng):
    """A-4: Kolmogorov–Smirnov and lag correlations at 20,000 values; a model with a tenth more σ, or without its second
    coefficient, is rejected with p below 1e-6.

    Planted: transforms by σ² where σ is meant.
    """
    true = process(20, [0.5, -0.4])
    x = true.sample(1000, rng=rng)
    u = true.uniforms(x)
    assert kstest(u.ravel(), "uniform").pvalue > 1e-3
    for lag in (1, 2, 5):
        r = np.corrcoef(u[:, lag:].ravel(), u[:, :-lag].ravel())[0, 1]
        assert abs(r) < 4 / np.sqrt(u[:, lag:].size)
    assert kstest(process(20, [0.5, -0.4], variance=1.8 * 1.21).uniforms(x).ravel(), "uniform").pvalue < 1e-6
    wrong = process(20, [0.5]).uniforms(x)
    assert abs(np.corrcoef(wrong[:, 2:].ravel(), wrong[:, :-2].ravel())[0, 1]) > 10 / np.sqrt(wrong.size)


@pytest.mark.parametrize("phi", STATIONARY)
def test_a4_the_transforms_are_those_of_the_joint_gaussian_one_value_after_the_other(phi, rng):
    """A-4: exactly: Φ⁻¹ of the transforms is L⁻¹ (x − μ), where L Lᵀ = Σ is the Toeplitz covariance of all values, so
    that they are independent from the first value on.

    Planted: the first values each by its own variance, as if they did not depend on one another.
    """
    model, x = process(8, phi), rng.standard_normal((5, 8))
    L = cholesky(toeplitz(autocovariances(model, 8)), lower=True)
    expected = solve_triangular(L, (x - 0.7).T, lower=True).T
    np.testing.assert_allclose(norm.ppf(model.uniforms(x)), expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("phi", STATIONARY)
def test_the_forecast_is_the_conditional_of_the_joint_gaussian(phi):
    past = np.array([[1.0, -0.3, 2.0, 0.4, 1.5], [0.0, 0.1, 0.2, 0.3, 0.4]])
    model, horizon = process(8, phi), 3
    covariance = toeplitz(autocovariances(model, 8))
    gain = np.linalg.solve(covariance[:5, :5], covariance[:5, 5:])
    forecast = model.forecast(past, horizon)
    np.testing.assert_allclose(forecast.mean, 0.7 + (past - 0.7) @ gain, rtol=1e-9)
    variance = np.diag(covariance[5:, 5:] - covariance[5:, :5] @ gain)
    np.testing.assert_allclose(np.exp(forecast.log_var[0]), variance, rtol=1e-9)


def test_continuations_are_draws_of_the_forecast_and_samples_of_the_process(rng):
    model = process(6, [0.5, -0.7])
    x = model.sample(20_000, rng=rng)
    np.testing.assert_allclose(x.mean(axis=0), 0.7, atol=0.06)
    np.testing.assert_allclose(np.cov(x.T), toeplitz(autocovariances(model, 6)), atol=0.15)
    past = np.tile([[1.0, 3.0]], (20_000, 1))
    drawn, forecast = model.continuations(past, 4, rng=rng), model.forecast(past[:1], 4)
    np.testing.assert_allclose(drawn.mean(axis=0), forecast.mean[0], atol=0.06)
    np.testing.assert_allclose(drawn.var(axis=0), np.exp(forecast.log_var[0]), rtol=0.05)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((1, 8)), "all values of the series are 1: there is nothing to fit"),
        (np.zeros((1, 7)), r"shape \(n, 8\), got \(1, 7\)"),
        (np.zeros((0, 8)), "at least one vector"),
        (np.array([[0, 1, 2, np.nan, 3, 4, 5, 6]]), "finite numbers, got nan in row 0"),
        (np.arange(8.0)[None], "order 4 has 6 unknowns, but 1 series of 8 values leave 4 predictions"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_be_fitted_is_refused_and_changes_nothing(x, message, method):
    model = GaussianAR(8, 4)
    with pytest.raises(ValueError, match=message):
        model.fit(x, method)
    assert not model.flat.any()


def test_a_method_or_a_past_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="method must be one of ols, yule-walker, burg, got 'mle'"):
        GaussianAR(8, 1).fit(np.arange(8.0)[None], "mle")
    with pytest.raises(ValueError, match=r"needs \(series, ≥ 3\) values, got \(1, 2\)"):
        process(8, [0.1, 0.2, 0.1]).forecast(np.zeros((1, 2)), 4)
    for past, horizon in ((np.full((1, 3), np.nan), 2), (np.zeros((1, 3)), 0)):
        for use in (
            process(8, [0.1]).forecast,
            lambda *a: process(8, [0.1]).continuations(*a, rng=np.random.default_rng(0)),
        ):
            with pytest.raises(ValueError, match="finite values and a horizon of at least 1"):
                use(past, horizon)
