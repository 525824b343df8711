"""AR(n) on a real time series, the lynx trapped in Canada in each year from 1821 to 1934: the choice of n, the
spectrum, and a forecast with its uncertainty."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import kstest, norm

from demos.common import number, parser
from demos.figures import panel, powers, save_pictures
from demos.output import write_model
from minigen import plot
from minigen.data.sets import lynx
from minigen.gaussian_ar import METHODS, GaussianAR
from minigen.model import log_probs

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def options(arguments: list[str]) -> Namespace:
    p = parser("ar")
    p.add_argument("--orders", type=number(int), default=15, metavar="N",
                   help="largest order n (number of lags) that is tried")  # fmt: skip
    p.add_argument("--held-out", type=number(int), default=14, metavar="YEARS",
                   help="number of years at the end that are held out and forecast")  # fmt: skip
    p.add_argument("--method", choices=METHODS, default="burg", help="estimator of the coefficients for the forecast")
    o = p.parse_args(arguments)
    years = len(lynx()[0])
    if o.held_out + 3 * o.orders > years:
        p.error(f"{o.orders} lags and {o.held_out} held-out years are too many: the series has {years} years")
    return o


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    years, counts = lynx()
    series = np.log10(counts)
    past, future = series[: -o.held_out], series[-o.held_out :]
    print(f"data: log₁₀ of the lynx trapped in each year; {len(past)} years to fit, the next {len(future)} to forecast")

    aic = [2 * (order + 2) - 2 * exact_log_prob(fitted(past, order, "burg"), past) for order in range(o.orders + 1)]
    order = int(np.argmin(aic))
    print(f"order n with the lowest AIC (Akaike's criterion, Burg's estimates): {order}\n")
    print(
        f"AR({order}), each estimator: exact ln p of the fitted years in nats, spectral radius of the companion matrix "
        "(below 1: stationary), coefficients"
    )
    print(f"{'estimator':<14}{'ln p, nats':>12}{'radius':>9}   φ₁ … φ{str(order).translate(SUBSCRIPTS)}")
    for method in METHODS:
        model = fitted(past, order, method)
        log_p = f"{exact_log_prob(model, past):.2f}" if model.spectral_radius() < 1 else "none"
        phi = " ".join(f"{value:.2f}" for value in model.phi.data)
        print(f"{method:<14}{log_p:>12}{model.spectral_radius():>9.3f}   {phi}")

    model = fitted(past, order, o.method)
    write_model(model, o.out, facts={"data": "log₁₀ of the lynx trapped in each year", "first year": int(years[0])})
    forecast = model.forecast(past[None], len(future))
    mean, deviation = forecast.mean[0], np.exp(forecast.log_var[0] / 2)
    inside = np.mean(np.abs(future - mean) < norm.ppf(0.9) * deviation)
    error, flat = (np.sqrt(np.mean((future - guess) ** 2)) for guess in (mean, past.mean()))
    print(
        f"\nforecast of log₁₀ lynx in all {len(future)} held-out years, from the fitted years alone: root mean square "
        f"error {error:.3f}; a constant forecast (the mean): {flat:.3f}"
    )
    print(f"{inside:.0%} of the forecast years lie inside the 80 % interval")
    if model.spectral_radius() < 1:
        test = kstest(model.uniforms(past[None])[0], "uniform")
        print(
            "probability integral transforms of the fitted years: largest distance from the uniform distribution "
            f"{test.statistic:.2f} (Kolmogorov–Smirnov)"
        )
    pictures = {
        "forecast.svg": draw_forecast(model, years, series, len(future), rng),
        "spectrum.svg": draw_spectrum(model, past),
        "orders.svg": draw_orders(aic),
    }
    save_pictures(o, pictures)
    return 0


def fitted(series: np.ndarray, order: int, method: str) -> GaussianAR:
    """Return an AR(order) in float64, fitted to one series.  series: (T,). method: one of METHODS."""
    return GaussianAR(len(series), order).astype(np.float64).fit(series[None], method)


def exact_log_prob(model: GaussianAR, series: np.ndarray) -> float:
    """Return ln p of a series, in nats.  series: (T,)."""
    return float(log_probs(model, series[None])[0])


def draw_forecast(
    model: GaussianAR, years: np.ndarray, series: np.ndarray, horizon: int, rng: np.random.Generator
) -> Figure:
    """Draw the series, its forecast with intervals of 50, 80 and 95 %, three sampled futures, and the true future.

    years, series: (T,). horizon: number of years at the end to forecast.
    """
    past, ahead = series[None, :-horizon], years[-horizon:]
    forecast = model.forecast(past, horizon)
    mean, deviation = forecast.mean[0], np.exp(forecast.log_var[0] / 2)
    figure, ax = panel(3.6)
    ax.plot(years[:-horizon], series[:-horizon], color=plot.INK, linewidth=1)
    for level, shade in [(0.95, 0.15), (0.8, 0.25), (0.5, 0.4)]:
        reach = norm.ppf(0.5 + level / 2) * deviation
        ax.fill_between(ahead, mean - reach, mean + reach, color=plot.SERIES[1], alpha=shade, linewidth=0)
        ax.plot([], [], color=plot.SERIES[1], alpha=shade + 0.2, linewidth=6, label=f"{level:.0%} interval")
    for path in model.continuations(np.repeat(past, 3, axis=0), horizon, rng=rng):
        ax.plot(ahead, path, color=plot.SERIES[1], linewidth=0.7)
    ax.plot(ahead, series[-horizon:], "o-", color=plot.INK, markersize=3, linewidth=1, label="true values")
    plot.finish(ax, "year", "log₁₀ lynx trapped", f"lynx, and an AR({model.order}) forecast")
    ax.legend(loc="lower left", ncols=2)
    ax.set_ylim(bottom=min(series) - 0.9)  # for the legend
    return figure


def draw_spectrum(model: GaussianAR, series: np.ndarray) -> Figure:
    """Draw the model's spectrum and the periodogram |Σ z_t e^{−2πift}|² / T of the data.  series: (T,)."""
    z = series - series.mean()
    frequencies = np.fft.rfftfreq(len(z))[1:]
    periodogram = np.abs(np.fft.rfft(z))[1:] ** 2 / len(z)
    fine = np.linspace(0.005, 0.5, 500)
    figure, ax = panel()
    ax.semilogy(frequencies, periodogram, "o", color=plot.SERIES[5], markersize=3, label="periodogram of the data")
    ax.semilogy(fine, model.spectrum(fine), color=plot.SERIES[1], label=f"AR({model.order})")
    peak = fine[np.argmax(model.spectrum(fine))]
    ax.axvline(peak, color=plot.INK, linestyle=":", linewidth=1, label=f"a cycle of {1 / peak:.1f} years")
    plot.finish(ax, "frequency (cycles per year)", "power (squared log₁₀ lynx)")
    powers(ax.yaxis)
    ax.legend()
    return figure


def draw_orders(aic: list[float]) -> Figure:
    """Draw Akaike's criterion over the order, minus its lowest value.  aic: of the orders 0, 1, …, in nats."""
    figure, ax = panel()
    ax.bar(range(len(aic)), np.array(aic) - min(aic), color=plot.INK)
    plot.finish(ax, "order n (number of lags, years)", "AIC minus the lowest AIC")
    return figure
