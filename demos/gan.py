"""The adversarial game where its theory can be watched: on the line, where D nears D* and V falls to −log 4; over six
states, where nothing is estimated; and at the end of the game, where players spiral outwards, turn, or come in."""

from __future__ import annotations

import itertools
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtr, ndtri

from autograd import Tensor, grad
from autograd.rules.special import softmax
from demos.common import number, parser, saved
from demos.figures import save_pictures, subplots
from demos.film import Film, moments
from demos.printed import how_it_ended
from demos.recipes import by_game
from minigen import divergences, plot
from minigen.analysis.dynamics import CURVATURES, DiracGAN
from minigen.distributions import Mixture, Normal, bernoulli_log_prob
from minigen.gan import GAN, Game
from minigen.model import in_blocks
from minigen.nn.arrays import plain
from minigen.nn.functions import leaky_relu, sigmoid
from minigen.nn.layers import mlp
from minigen.penalties import r1_penalty
from minigen.priors import StandardNormal
from minigen.training.history import History

LOG_4 = float(np.log(4))
PROBABILITIES = ("minimax", "non-saturating")
"""The objectives under which D is a probability, so that V is a number in nats."""


def options(arguments: list[str]) -> Namespace:
    p = parser("gan", __doc__)
    p.add_argument("--epochs", type=number(int), default=300, metavar="E",
                   help=f"of {STEPS} steps of the generator each, on the line")  # fmt: skip
    p.add_argument("--objective", choices=PROBABILITIES, default="non-saturating", help="what the generator minimises")
    p.add_argument("--generator-rate", type=number(float), default=0.001, metavar="R", help="its learning rate")
    p.add_argument("--discriminator-rate", type=number(float), default=0.003, metavar="R", help="its learning rate")
    p.add_argument("--discriminator-steps", type=number(int), default=5, metavar="K", help="to one of the generator")
    p.add_argument("--r1", type=number(float, least=0), default=0.0, metavar="G",
                   help="weight of the penalty on the discriminator's slope at the data")  # fmt: skip
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    gan = players(o, rng)
    film = Film(lambda: look(gan), draw_moment, moments(o.epochs, 48))
    film.shoot(0)
    with saved(gan, o.out / "weights.npz"):
        history = played(gan, film, o, rng)
    history.save(o.out / "history.csv")
    measures = [moment.measures() for moment in film.shots.values()]
    report_line(measures, history)
    runs = {objective: descent(objective) for objective in PROBABILITIES}
    report_finite(runs)
    report_dynamics()

    film.animate(o.out / "density.gif", side=5.5)
    pictures = {
        "density.png": film.draw_stills(14, 8.5),
        "value.png": draw_value(measures),
        "finite.png": draw_finite(runs),
        "dynamics.png": draw_dynamics(),
    }
    save_pictures(o, pictures, others=["weights.npz", "history.csv", "density.gif"])
    return 0


# -- one dimension: data on a line, everything known of both players by quadrature

WEIGHTS, MEANS, DEVIATIONS = np.array([0.6, 0.4]), np.array([-1.0, 1.0]), np.array([0.6, 0.4])
DATA = Mixture(np.log(WEIGHTS), Normal(MEANS, 2 * np.log(DEVIATIONS)))
HIDDEN, BATCH, STEPS = (32, 32), 512, 25
"""Hidden units of both players; draws in a step of either; steps of the generator in an epoch."""


def data_cdf(x: np.ndarray) -> np.ndarray:
    """P(X ≤ x) = Σ_c π_c Φ((x − μ_c) / σ_c).  (n,) → (n,)."""
    return ndtr((x[:, None] - MEANS) / DEVIATIONS) @ WEIGHTS


def push_forward(edges: np.ndarray, x: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """p_G as a table over cells of x, without a draw: G is taken as straight between neighbouring z.

    x: G at the borders of intervals of z, (n + 1,); masses: of those intervals, (n,). Each lies evenly between the two
    x that it is mapped to, in either order: where G folds, intervals lie on each other and add.
    edges: (m + 1,) → (m,).
    """
    low, high = np.minimum(x[:-1], x[1:]), np.maximum(x[:-1], x[1:])
    below = np.clip((edges[:, None] - low) / np.maximum(high - low, 1e-9), 0, 1)
    return np.diff(below, axis=0) @ masses


REACH = 6.0
EDGES = np.concatenate([[-np.inf], np.linspace(-REACH, REACH, 481), [np.inf]])
X = np.clip(EDGES, -REACH, REACH)[:-1] / 2 + np.clip(EDGES, -REACH, REACH)[1:] / 2
"""The line in cells, of which the first and the last have no end: their edges and, for D, a place in each."""
P_DATA = np.diff(data_cdf(EDGES))
SUPPORT = (data_cdf(X) > 0.005) & (data_cdf(X) < 0.995)
"""Where D is judged: the cells of the central 99 % of the data. Beyond, next to nothing is ever seen by D."""

Z_EDGES = np.linspace(-REACH, REACH, 1201)
Z = (Z_EDGES[:-1] + Z_EDGES[1:]) / 2
P_Z = np.diff(ndtr(Z_EDGES)) / np.sum(np.diff(ndtr(Z_EDGES)))


@dataclass(frozen=True)
class Moment:
    """Both players as they stand.  x: G(z) at Z_EDGES; fakes: p_G over the cells, a table; D: the learned one there."""

    x: np.ndarray
    fakes: np.ndarray
    D: np.ndarray
    value: float

    @property
    def best(self) -> np.ndarray:
        """D* against this generator."""
        return divergences.optimal_discriminator(P_DATA, self.fakes)

    def measures(self) -> dict[str, float]:
        """All that is said of a moment. Values in nats; `missed`: the share of the data where p_G is less than a tenth
        of p_data; `outside`: the share of p_G beyond the cells."""
        jsd = float(divergences.js_divergence(P_DATA, self.fakes))
        return {
            "value": self.value,
            "optimal_value": 2 * jsd - LOG_4,
            "jsd": jsd,
            "sup_D": float(np.max(np.abs(self.D - 0.5)[SUPPORT])),
            "sup_optimal_D": float(np.max(np.abs(self.best - 0.5)[SUPPORT])),
            "missed": float(np.sum(P_DATA[self.fakes < 0.1 * P_DATA])),
            "outside": float(self.fakes[0] + self.fakes[-1]),
        }


def look(gan: GAN) -> Moment:
    """V by quadrature, over cells of x for the data and of z for the generator; p_G by `push_forward`."""
    says = lambda x: in_blocks(gan.discriminator, x[:, None].astype(np.float32), len(x))[:, 0].astype(float)
    makes = lambda z: gan.generate(z[:, None])[:, 0].astype(float)
    x, logits = makes(Z_EDGES), says(X)
    value = P_DATA @ bernoulli_log_prob(1, logits) + P_Z @ bernoulli_log_prob(0, says(makes(Z)))
    return Moment(x, push_forward(EDGES, x, P_Z), sigmoid(logits), float(value))


def players(o: Namespace, rng: np.random.Generator) -> GAN:
    """Untrained. There is one generator and no average beside it, so all that is said of p_G is said of that one."""
    return GAN(
        mlp((1, *HIDDEN, 1), np.tanh, rng=rng),
        mlp((1, *HIDDEN, 1), leaky_relu, rng=rng),
        StandardNormal(1),
        D=1,
        objective=o.objective,
        penalty=partial(r1_penalty, weight=o.r1) if o.r1 else None,
        averaged=False,
    )


def played(gan: GAN, film: Film, o: Namespace, rng: np.random.Generator) -> History:
    """The game, on new draws in every epoch, and a look at the players after each."""
    size = BATCH * o.discriminator_steps
    draws = lambda rng: DATA.sample((STEPS * size,), rng=rng)[:, None].astype(np.float32)
    game = Game(gan, o.generator_rate, o.discriminator_rate, discriminator_steps=o.discriminator_steps)
    measure = lambda: film.shoot(len(film.shots)).measures()
    return by_game(gan, game, draws, draws(rng=rng)[:BATCH], o.epochs, size, rng, measure=measure)


def report_line(measures: list[dict[str, float]], history: History) -> None:
    """Where the game ended: what D was worth, and what the theory says of the densities alone."""
    end = measures[-1]
    parts = " + ".join(f"{w:g} N({m:g}, {s:g}²)" for w, m, s in zip(WEIGHTS, MEANS, DEVIATIONS, strict=True))
    parts = parts.replace("-", "−")
    print(f"one dimension: data {parts}; G(z), z ~ N(0, 1); all by quadrature, no draws")
    print(how_it_ended(history))
    print(f"V(D, G)        {end['value']:8.4f} nats, D as it was learned")
    print(f"2 JSD − log 4  {end['optimal_value']:8.4f} nats, V(D*, G); the JSD is {end['jsd']:.4f} nats")
    print(f"−log 4         {-LOG_4:8.4f} nats")
    print(f"sup |D − ½|    {end['sup_D']:8.4f} over the central 99 % of the data")
    print(f"sup |D* − ½|   {end['sup_optimal_D']:8.4f}")
    print(verdict(measures))


def verdict(measures: Sequence[dict[str, float]]) -> str:
    """In words: whether the players arrived, and if not, what went wrong and what to try.  measures: of all moments.

    D sees where it has found at least half of what D* would have of V above −log 4, which is 2 JSD.
    """
    end, least = measures[-1], min(m["jsd"] for m in measures)
    sees = end["value"] + LOG_4 > end["jsd"]
    if end["jsd"] < 0.005 and end["sup_D"] < 0.05 and abs(end["value"] + LOG_4) < 0.02:
        return "converged: D is ½ where the data are, and with reason, for p_G is p_data"
    if end["outside"] > 0.01:
        return f"diverged: {end['outside']:.0%} of G(z) lie beyond ±{REACH:g}: lower --generator-rate"
    if end["missed"] > 0.05 and not sees:
        return (
            f"the generator collapsed: {end['missed']:.0%} of the data lie where p_G is less than a tenth of p_data, "
            "and D does not see it: raise --discriminator-rate or --discriminator-steps, or lower --generator-rate"
        )
    if end["jsd"] > 3 * least:
        return (
            f"the players circle: the JSD was {least:.4f} nats and is {end['jsd']:.4f}: "
            "lower --generator-rate or raise --r1"
        )
    if sees:
        return "not there yet: D tells p_G from p_data, and is right: more --epochs or a higher --generator-rate"
    return (
        "D is blind: it misses more than half of the JSD: raise --discriminator-rate or --discriminator-steps, "
        "or lower --r1"
    )


def draw_moment(ax: Axes, epoch: int, moment: Moment) -> None:
    """Both densities and both discriminators over x, and below where equal steps of probability of z are mapped to."""
    inner, width = slice(1, -1), EDGES[2] - EDGES[1]
    x, density, data = X[inner], moment.fakes[inner] / width, P_DATA[inner] / width
    seen = np.maximum(density, data) > 1e-3
    ax.fill_between(x, data, color=plot.SERIES[5], alpha=0.45, linewidth=0, label="p_data(x)")
    ax.plot(x, density, color=plot.SERIES[1], linewidth=2, label="p_G(x)")
    ax.plot(x, moment.D[inner], color=plot.SERIES[0], label="D(x), learned")
    ax.plot(
        x, np.where(seen, moment.best[inner], np.nan), "--", color=plot.SERIES[2], label="D*(x) = p_data/(p_data + p_G)"
    )
    z = ndtri((np.arange(30) + 0.5) / 30)
    ax.plot(
        [z, np.interp(z, Z_EDGES, moment.x)], [[-0.5], [-0.1]] * np.ones(30), color=plot.SERIES[1], lw=0.6, alpha=0.8
    )
    ax.hlines([-0.5, -0.1], -3.2, 3.2, color=plot.INK, linewidth=0.8)
    for height, name in ((-0.5, "z"), (-0.1, "x")):
        ax.text(3.25, height, name, color=plot.INK, va="center")
    ax.set(xlim=(-3.5, 3.5), ylim=(-0.6, 1.25), yticks=[0, 0.25, 0.5, 0.75, 1])
    measures = moment.measures()
    title = f"epoch {epoch}: V = {measures['value']:.3f}, 2 JSD − log 4 = {measures['optimal_value']:.3f} nats"
    plot.finish(ax, "x", "density per unit of x; probability", title)
    ax.legend(loc="upper left", ncols=2, fontsize=8, framealpha=1, edgecolor="none")


def draw_value(measures: list[dict[str, float]]) -> Figure:
    """V of the learned D below V of the best one, both falling to −log 4; and how far from the end all else is."""
    series = {name: np.array([found[name] for found in measures]) for name in measures[0]}
    epochs = np.arange(len(measures))
    figure, (value, distance) = subplots(12, 4.6, 1, 2)
    value.fill_between(epochs, series["value"], series["optimal_value"], color=plot.SERIES[3], alpha=0.35, linewidth=0,
                       label="what D could still gain")  # fmt: skip
    value.plot(epochs, series["optimal_value"], color=plot.SERIES[2], label="V(D*, G) = 2 JSD(p_data, p_G) − log 4")
    value.plot(epochs, series["value"], color=plot.SERIES[0], label="V(D, G), D as it was learned")
    value.axhline(-LOG_4, color=plot.SERIES[1], linestyle=":", label="−log 4")
    plot.finish(value, "epoch", "nats", "the value of the game")
    names = {
        "jsd": "JSD(p_data, p_G), nats",
        "sup_optimal_D": "sup |D* − ½| over 99 % of the data",
        "sup_D": "sup |D − ½|",
    }
    for (name, label), colour in zip(names.items(), (plot.SERIES[1], plot.SERIES[2], plot.SERIES[0]), strict=True):
        distance.semilogy(epochs, series[name], color=colour, label=label)
    plot.finish(distance, "epoch", "distance from the end of the game", "while the learning rates fall to 0")
    distance.set_ylim(top=3)  # for the legend
    value.set_xscale("symlog", linthresh=1)
    value.xaxis.set_major_formatter("{x:g}")
    for ax in (value, distance):
        ax.set_xlim(0, epochs[-1])
        ax.legend(frameon=False, loc="upper right")
    return figure


# -- six states: tables and free logits

TABLE = np.array([0.4, 0.3, 0.2, 0.0998, 0.0001, 0.0001])
START = np.array([0.0, 0.0, 0.0, 0.0, 5.0, 5.0])
"""p_data; and θ, whose p_G = softmax(θ) has nearly all of its mass where the data have next to none."""


@dataclass(frozen=True)
class SixStates:
    """A descent over six states, step by step.

    tables: p_G, (steps + 1, states). values: V(D*, G) by its sums of logarithms, optimal: 2 JSD − log 4, and force: the
    length of the gradient by θ; each (steps + 1,).
    """

    tables: np.ndarray
    values: np.ndarray
    optimal: np.ndarray
    force: np.ndarray


def descent(objective: str, steps: int = 200, rate: float = 1.0) -> SixStates:
    """θ moves down the generator's loss against a discriminator that is D* in every step: logits ln p_data − ln p_G.

    So minimax descends on 2 JSD, which is flat where p_G is far away, for it cannot exceed 2 log 2; non-saturating on
    KL(p_G ‖ p_data) − 2 JSD, which is not.
    """
    of_fake = {"minimax": lambda s: bernoulli_log_prob(0, s), "non-saturating": lambda s: -bernoulli_log_prob(1, s)}
    theta, seen = START, []
    for _ in range(steps + 1):
        free = Tensor(theta, requires_grad=True)
        p_G = softmax(free, axis=-1)
        table = plain(p_G)
        logits = np.log(TABLE) - np.log(table)
        force = plain(grad(np.sum(p_G * of_fake[objective](logits)), free))
        optimal = 2 * divergences.js_divergence(TABLE, table) - LOG_4
        seen.append((table, divergences.value(TABLE, table, logits), optimal, np.linalg.norm(force)))
        theta = theta - rate * force
    return SixStates(*(np.array(column) for column in zip(*seen, strict=True)))


def report_finite(runs: dict[str, SixStates]) -> None:
    """V(D*, G) = 2 JSD − log 4 at every step of both objectives."""
    print("\nsix states, p_G = softmax(θ), D = D* in every step; V(D*, G) and its force on θ, nats")
    print(f"{'step':>6}" + "".join(f"{name:>18}{'force':>10}" for name in runs))
    steps = len(next(iter(runs.values())).values) - 1
    for step in (0, 1, 2, 5, 10, 20, 50, 100, steps):
        print(f"{step:>6}" + "".join(f"{run.values[step]:>18.6f}{run.force[step]:>10.5f}" for run in runs.values()))
    worst = max(np.max(np.abs(run.values - run.optimal)) for run in runs.values())
    print(f"|V(D*, G) − (2 JSD − log 4)| ≤ {worst:.0e} in all steps; −log 4 = {-LOG_4:.6f}")


def draw_finite(runs: dict[str, SixStates], at: Sequence[int] = (0, 20, 200)) -> Figure:
    """The tables at three steps beside the data's, and V falling."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=[1, 1.2])
    above, below = halves
    colours = dict(zip(runs, (plot.SERIES[1], plot.SERIES[2]), strict=True))
    states = np.arange(1, len(TABLE) + 1)
    for ax, step in zip(above.subplots(1, len(at), sharey=True), at, strict=True):
        ax.bar(states - 0.27, TABLE, 0.25, color=plot.SERIES[5], label="p_data")
        for k, (name, run) in enumerate(runs.items()):
            ax.bar(states + 0.27 * k, run.tables[step], 0.25, color=colours[name], label=f"p_G, {name}")
        plot.finish(ax, "state", "probability" if step == at[0] else "", f"step {step}")
    ax.legend(frameon=False)
    ax = below.subplots()
    for name, run in runs.items():
        ax.plot(run.values, color=colours[name], linewidth=2, label=f"{name}: V(D*, G) = 2 JSD − log 4")
    ax.axhline(-LOG_4, color=plot.INK, linestyle=":", label="−log 4")
    ax.set_xlim(0, at[-1] / 2)
    plot.finish(ax, "step of descent", "V (nats)", "D = D* in every step: the same end, but minimax is slow to leave")
    ax.legend(frameon=False)
    return figure


# -- near the end of the game: the Dirac-GAN

ETA, TURNS, GAMMA, BEGIN = 0.2, 200, 0.5, (0.4, 0.3)
"""The step, how many, the weight of a penalty, and (θ, ψ) at first."""
PENALISED = {"no penalty": (None, 0.0), "R1": ("r1", GAMMA), "gradient penalty": ("gradient", GAMMA)}
PACES = {"simultaneous": False, "alternating": True}


def predicted_factors(game: DiracGAN, alternating: bool) -> np.ndarray:
    """What a step multiplies distances from the end by, two numbers, by formula.

    Simultaneous players: 1 + ηλ for both eigenvalues λ of J. Alternating ones: the roots of
    r² − (2 − ηγ − η²dg) r + 1 − ηγ, whose product is 1 without penalty.
    """
    if not alternating:
        return 1 + ETA * np.array(game.predicted())
    (d, g), gamma = CURVATURES[game.objective], game.weight
    return np.roots([1, ETA * gamma + ETA**2 * d * g - 2, 1 - ETA * gamma])


def measured_growth(game: DiracGAN, alternating: bool) -> float:
    """By what a step multiplies the distance from the end: the slope of its logarithm, close to the end."""
    path = game.trajectory((4e-5, 3e-5), ETA, TURNS, alternating)
    return float(np.exp(np.polyfit(np.arange(TURNS + 1), np.log(np.linalg.norm(path, axis=1)), 1)[0]))


def report_dynamics() -> None:
    """Eigenvalues and growth: by formula, by differentiating the losses, and by playing."""
    print(
        f"\nthe Dirac-GAN near its end: eigenvalues of its field, and the growth of distances in a step of η = {ETA:g}"
    )
    print(f"{'':<28}{'eigenvalues':>30}{'simultaneous':>20}{'alternating':>20}")
    print(f"{'':<28}{'formula':>15}{'jacobian()':>15}" + f"{'formula':>11}{'played':>9}" * 2)
    for objective, (name, how) in itertools.product(CURVATURES, list(PENALISED.items())[:2]):
        game = DiracGAN(objective, *how)
        row = f"{f'{objective}, {name}':<28}{pair(game.predicted()):>15}{pair(np.linalg.eigvals(game.jacobian())):>15}"
        for alternating in PACES.values():
            formula = np.max(np.abs(predicted_factors(game, alternating)))
            row += f"{formula:>11.3f}{measured_growth(game, alternating):>9.3f}"
        print(row)
    print("least-squares: its critic does not answer to θ (d = 0), which drifts off by equal steps, not by a factor")
    held = DiracGAN("wasserstein", *PENALISED["gradient penalty"]).trajectory(BEGIN, ETA, TURNS, alternating=True)
    last = np.linalg.norm(held[TURNS // 2 :], axis=1)
    print(
        f"wasserstein, gradient penalty, alternating: {last.min():.2f} to {last.max():.2f} away from the end, for ever"
    )


def pair(values: Sequence[complex] | np.ndarray) -> str:
    """Two eigenvalues: "a ± bi", or both where they are real."""
    one, two = sorted(np.asarray(values, complex), key=lambda v: (v.real, v.imag))
    if abs(one.imag) > 1e-12:
        return f"{'' if abs(one.real) < 1e-12 else f'{one.real:.2f} '}± {abs(one.imag):.2f}i"
    return f"{one.real + 0:.2f}, {two.real + 0:.2f}"


def draw_dynamics() -> Figure:
    """A column for each objective in CURVATURES: its players without and with penalties, the eigenvalues of a step."""
    figure, axes = subplots(14, 11, len(PENALISED) + 1, len(CURVATURES))
    colours = dict(zip(PACES, (plot.SERIES[1], plot.SERIES[0]), strict=True))
    for column, objective in zip(axes.T, CURVATURES, strict=True):
        first = objective == next(iter(CURVATURES))
        for ax, (name, how) in zip(column, PENALISED.items(), strict=False):
            for line, (pace, alternating) in enumerate(PACES.items()):
                game = DiracGAN(objective, *how)
                path = game.trajectory(BEGIN, ETA, TURNS, alternating)
                ax.plot(path[:, 0], path[:, 1], ".-", color=colours[pace], linewidth=0.6, markersize=2.5, label=pace)
                if game.penalty != "gradient":
                    factor = np.max(np.abs(predicted_factors(game, alternating)))
                    box = {"color": "white", "pad": 1}
                    ax.text(-2.1, 1.85 - 0.4 * line, f"×{factor:.3f}", color=colours[pace], fontsize=8, bbox=box)
            ax.plot(0, 0, "+", color=plot.INK, markersize=9)
            ax.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), aspect="equal")
            plot.finish(
                ax,
                "θ" if name == "gradient penalty" else "",
                f"{name}\nψ" if first else "ψ",
                objective if name == "no penalty" else "",
            )
        draw_factors(column[-1], objective, colours)
        column[-1].set_ylabel("what a step multiplies by\nimaginary part" if first else "imaginary part")
    axes[0, 2].legend(frameon=False, fontsize=8, loc="lower left")
    axes[-1, 2].legend(frameon=False, fontsize=7, loc="upper left")
    figure.suptitle("the Dirac-GAN; ×: growth of a small distance from the end (+) in a step; below, large marks by "
                    "formula, small ones by jacobian()", color=plot.INK, fontsize=11)  # fmt: skip
    return figure


def draw_factors(ax: Axes, objective: str, colours: dict[str, str]) -> None:
    """What a step multiplies by, in the complex plane: inside the unit circle the players come in."""
    turn = np.linspace(-0.4, 0.4, 100)
    ax.plot(np.cos(turn), np.sin(turn), color=plot.SERIES[5], label="unit circle")
    for (name, how), marker in zip(list(PENALISED.items())[:2], "os", strict=True):
        for pace, alternating in PACES.items():
            game = DiracGAN(objective, *how)
            formula, found = predicted_factors(game, alternating), np.linalg.eigvals(game.step_matrix(ETA, alternating))
            ax.plot(formula.real, formula.imag, marker, color=colours[pace], markersize=9, fillstyle="none")
            ax.plot(found.real, found.imag, marker, color=colours[pace], markersize=3, label=f"{name}, {pace}")
    ax.set(xlim=(0.8, 1.05), ylim=(-0.3, 0.3))
    plot.finish(ax, "real part", "imaginary part")
