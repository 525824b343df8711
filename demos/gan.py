"""The theory of GANs, checked by numbers: in one dimension, D approaches D* and V approaches −log 4; over six states,
V(D*, G) is exact; and near the equilibrium, the players of the Dirac-GAN diverge, circle or converge."""

from __future__ import annotations

import itertools
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtr, ndtri

from autograd import Tensor, grad
from autograd.rules.special import softmax
from demos.common import number, parser
from demos.figures import NARROW, SYMBOL, legend, panels, powers, save_pictures
from demos.film import Film, add_film_option, moments
from demos.output import saved
from demos.printed import how_it_ended
from demos.recipes import add_checkpoint_options, by_game, checkpoints
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
"""The objectives under which D is a probability, so that V is a value in nats."""


def options(arguments: list[str]) -> Namespace:
    p = parser("gan")
    add_film_option(p)
    p.add_argument("--epochs", type=number(int), default=300, metavar="E",
                   help=f"number of epochs of the game in one dimension; {STEPS} generator steps each")  # fmt: skip
    p.add_argument("--objective", choices=PROBABILITIES, default="non-saturating", help="loss of the generator")
    p.add_argument("--generator-rate", type=number(float), default=0.001, metavar="R",
                   help="learning rate of the generator")  # fmt: skip
    p.add_argument("--discriminator-rate", type=number(float), default=0.003, metavar="R",
                   help="learning rate of the discriminator")  # fmt: skip
    p.add_argument("--discriminator-steps", type=number(int), default=5, metavar="K",
                   help="discriminator steps for each generator step")  # fmt: skip
    p.add_argument("--r1", type=number(float, least=0), default=0.0, metavar="G",
                   help="weight of the R1 penalty on the gradient of D at the data; 0: no penalty")  # fmt: skip
    add_checkpoint_options(p)
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    gan = players(o, rng)
    film = Film(lambda: look(gan), draw_moment, moments(o.epochs, 48), kind=Moment)
    before = film.shoot(0).measures()
    with saved(gan, o.out, facts={"data": "a mixture of normal distributions on a line"}):
        history = played(gan, film, o, rng)
    o.out.write("history.csv", history.save)
    measures = [before, *(epoch.measures for epoch in history.epochs)]
    report_line(measures, history)
    runs = {objective: descent(objective) for objective in PROBABILITIES}
    report_finite(runs)
    report_dynamics()

    if not o.no_film:
        o.out.write("density.gif", partial(film.animate, side=5.5))
    o.out.write("moments.npz", partial(film.write, measures=dict(enumerate(measures)), p_data=P_DATA, edges=EDGES))
    pictures = {
        "density.svg": film.draw_stills(3.1, 0.45),
        "value.svg": draw_value(measures),
        "six_states.svg": draw_finite(runs),
        "dynamics.svg": draw_dynamics(),
    }
    save_pictures(o, pictures)
    return 0


# -- one dimension: all values of both players by quadrature

WEIGHTS, MEANS, DEVIATIONS = np.array([0.6, 0.4]), np.array([-1.0, 1.0]), np.array([0.6, 0.4])
DATA = Mixture(np.log(WEIGHTS), Normal(MEANS, 2 * np.log(DEVIATIONS)))
HIDDEN, BATCH, STEPS = (32, 32), 512, 25
"""Hidden units of both players; samples in a step of each player; generator steps in an epoch."""


def data_cdf(x: np.ndarray) -> np.ndarray:
    """Return P(X ≤ x) = Σ_c π_c Φ((x − μ_c) / σ_c) of the data.  (n,) → (n,)."""
    return ndtr((x[:, None] - MEANS) / DEVIATIONS) @ WEIGHTS


def push_forward(edges: np.ndarray, x: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Return the probability of p_G in each cell of x, (m,), without sampling. G is linear between neighbouring z.

    edges: of the cells of x, (m + 1,). x: G at the edges of intervals of z, (n + 1,). masses: probability of each
    interval of z, (n,), which is spread evenly between the two x at its ends. Where G folds, masses add.
    """
    low, high = np.minimum(x[:-1], x[1:]), np.maximum(x[:-1], x[1:])
    below = np.clip((edges[:, None] - low) / np.maximum(high - low, 1e-9), 0, 1)
    return np.diff(below, axis=0) @ masses


REACH = 6.0
EDGES = np.concatenate([[-np.inf], np.linspace(-REACH, REACH, 481), [np.inf]])
X = np.clip(EDGES, -REACH, REACH)[:-1] / 2 + np.clip(EDGES, -REACH, REACH)[1:] / 2
"""Cells of x: their edges, and a point in each cell where D is evaluated. The first and last cell are unbounded."""
P_DATA = np.diff(data_cdf(EDGES))
SUPPORT = (data_cdf(X) > 0.005) & (data_cdf(X) < 0.995)
"""The cells of the central 99 % of the data, where |D − ½| is measured. D gets almost no data in the other cells."""

Z_EDGES = np.linspace(-REACH, REACH, 1201)
Z = (Z_EDGES[:-1] + Z_EDGES[1:]) / 2
P_Z = np.diff(ndtr(Z_EDGES)) / np.sum(np.diff(ndtr(Z_EDGES)))


class Moment(NamedTuple):
    """Both players after an epoch.

    x: G(z) at Z_EDGES. fakes: probability of p_G in each cell. D: the learned D at X. value: V(D, G), nats.
    """

    x: np.ndarray
    fakes: np.ndarray
    D: np.ndarray
    value: float

    @property
    def best(self) -> np.ndarray:
        """D* = p_data / (p_data + p_G) in each cell."""
        return divergences.optimal_discriminator(P_DATA, self.fakes)

    def measures(self) -> dict[str, float]:
        """Return the measures by name. value, optimal_value, jsd, kl_data and kl_fakes are in nats.

        kl_data, kl_fakes: KL divergences of p_data and of p_G from their mean; jsd is half of their sum.
        missed: probability of the data where p_G < p_data / 10. outside: probability of p_G in the unbounded cells.
        """
        mean = (P_DATA + self.fakes) / 2
        jsd = float(divergences.js_divergence(P_DATA, self.fakes))
        return {
            "value": self.value,
            "optimal_value": 2 * jsd - LOG_4,
            "jsd": jsd,
            "kl_data": float(divergences.kl_divergence(P_DATA, mean)),
            "kl_fakes": float(divergences.kl_divergence(self.fakes, mean)),
            "sup_D": float(np.max(np.abs(self.D - 0.5)[SUPPORT])),
            "sup_optimal_D": float(np.max(np.abs(self.best - 0.5)[SUPPORT])),
            "missed": float(np.sum(P_DATA[self.fakes < 0.1 * P_DATA])),
            "outside": float(self.fakes[0] + self.fakes[-1]),
        }


def look(gan: GAN) -> Moment:
    """Return both players now: V by quadrature over x (data) and z (generator), and p_G by `push_forward`."""
    says = lambda x: in_blocks(gan.discriminator, x[:, None].astype(np.float32), len(x))[:, 0].astype(float)
    makes = lambda z: gan.generate(z[:, None])[:, 0].astype(float)
    x, logits = makes(Z_EDGES), says(X)
    value = P_DATA @ bernoulli_log_prob(1, logits) + P_Z @ bernoulli_log_prob(0, says(makes(Z)))
    return Moment(x, push_forward(EDGES, x, P_Z), sigmoid(logits), float(value))


def players(o: Namespace, rng: np.random.Generator) -> GAN:
    """Return an untrained GAN. Its generator has no moving average, so that p_G is the generator that is trained."""
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
    """Play the game with new data in every epoch, record both players after each epoch, and return the history."""
    size = BATCH * o.discriminator_steps
    draws = lambda rng: DATA.sample((STEPS * size,), rng=rng)[:, None].astype(np.float32)
    game = Game(gan, o.generator_rate, o.discriminator_rate, discriminator_steps=o.discriminator_steps)
    measure = lambda: film.shoot_next().measures()
    return by_game(gan, game, draws, draws(rng=rng)[:BATCH], o.epochs, size, rng, before_epoch=film, measure=measure,
                   checkpoint=checkpoints(o))  # fmt: skip


def report_line(measures: list[dict[str, float]], history: History) -> None:
    """Print V(D, G) after the game, and the value that the theory gives for the two densities."""
    end = measures[-1]
    parts = " + ".join(f"{w:g} N({m:g}, {s:g}²)" for w, m, s in zip(WEIGHTS, MEANS, DEVIATIONS, strict=True))
    parts = parts.replace("-", "−")
    print(f"one dimension: data from {parts}; generator G(z), z ~ N(0, 1); all values by quadrature, no sampling")
    print(how_it_ended(history))
    print(f"V(D, G)        {end['value']:8.4f} nats, value of the game with the learned D")
    print(f"2 JSD − log 4  {end['optimal_value']:8.4f} nats, V(D*, G) of the optimal D*; JSD = {end['jsd']:.4f} nats")
    print(
        f"KL(p_data ‖ mean) {end['kl_data']:.4f} + KL(p_G ‖ mean) {end['kl_fakes']:.4f} nats, mean = (p_data + p_G)/2"
    )
    print(f"2 JSD          {2 * end['jsd']:8.4f} nats, their sum")
    print(f"−log 4         {-LOG_4:8.4f} nats, value at the equilibrium p_G = p_data")
    print(f"sup |D − ½|    {end['sup_D']:8.4f}, learned D, central 99 % of the data; 0 at the equilibrium")
    print(f"sup |D* − ½|   {end['sup_optimal_D']:8.4f}, optimal D*, central 99 % of the data; 0 at the equilibrium")
    print(verdict(measures))


def verdict(measures: Sequence[dict[str, float]]) -> str:
    """Return a sentence that says whether the game converged and, if not, the fault and the cure.

    measures: of all epochs in order. The optimal D* says how far p_G is from p_data; a learned D near ½ can be blind. A
    D* within 0.05 of ½ counts as converged: p_data / p_G is then between 0.82 and 1.22. D counts as good (`sees`) if
    V(D, G) + log 4 is more than half of 2 JSD, its value for D*.
    """
    end, least = measures[-1], min(m["jsd"] for m in measures)
    sees = end["value"] + LOG_4 > end["jsd"]
    far = f"the optimal D* is up to {end['sup_optimal_D']:.3f} from ½, and the learned D"
    left = f"V(D, G) + log 4 = {end['value'] + LOG_4:.4f} nats of 2 JSD = {2 * end['jsd']:.4f} nats"
    if end["jsd"] < 0.005 and end["sup_optimal_D"] < 0.05 and abs(end["value"] + LOG_4) < 0.02:
        return f"converged: {far} {'sees' if sees else 'does not see'} this difference: {left}"
    if end["outside"] > 0.01:
        return f"diverged: {end['outside']:.0%} of G(z) lie beyond ±{REACH:g}. Lower --generator-rate"
    if end["missed"] > 0.05 and not sees:
        return (
            f"the generator collapsed: {end['missed']:.0%} of the data lie where p_G is less than a tenth of p_data, "
            "and D does not detect this. Raise --discriminator-rate or --discriminator-steps, or lower --generator-rate"
        )
    if end["jsd"] > 3 * least:
        return (
            f"the players circle: the JSD of p_G and p_data was {least:.4f} nats and is now {end['jsd']:.4f} nats. "
            "Lower --generator-rate or raise --r1"
        )
    if sees:
        return f"not converged: {far} sees this: {left}. Try more --epochs or a higher --generator-rate"
    return (
        f"not converged: {far} is too weak to see this: {left}. Raise --discriminator-rate or --discriminator-steps, "
        "or lower --r1"
    )


def draw_moment(ax: Axes, epoch: int, moment: Moment) -> None:
    """Draw p_data, p_G, D and D* over x and, below, lines from equal steps of the probability of z to G(z)."""
    inner, width = slice(1, -1), EDGES[2] - EDGES[1]
    x, density, data = X[inner], moment.fakes[inner] / width, P_DATA[inner] / width
    seen = np.maximum(density, data) > 1e-3
    ax.fill_between(x, data, color=plot.SERIES[5], alpha=0.45, linewidth=0, label="p_data(x)",
                    gid=SYMBOL + r"p_\mathrm{data}")  # fmt: skip
    ax.plot(x, density, color=plot.SERIES[1], linewidth=2, label="p_G(x)", gid=SYMBOL + "p_G")
    ax.plot(x, moment.D[inner], color=plot.SERIES[0], label="D(x), learned", gid=SYMBOL + "D")
    ax.plot(x, np.where(seen, moment.best[inner], np.nan), "--", color=plot.SERIES[2], label="D*(x), best",
            gid=SYMBOL + "D^*")  # fmt: skip
    z = ndtri((np.arange(30) + 0.5) / 30)
    ax.plot(
        [z, np.interp(z, Z_EDGES, moment.x)], [[-0.5], [-0.1]] * np.ones(30), color=plot.SERIES[1], lw=0.6, alpha=0.8
    )
    ax.hlines([-0.5, -0.1], -3.2, 3.2, color=plot.INK, linewidth=0.8)
    for height, name in ((-0.5, "z"), (-0.1, "x")):
        ax.text(3.25, height, name, color=plot.INK, va="center")
    ax.set(xlim=(-3.5, 3.5), ylim=(-0.6, 1.25), yticks=[0, 0.25, 0.5, 0.75, 1])
    measures = moment.measures()
    title = f"epoch {epoch}\nV(D, G) = {measures['value']:.3f}\nV(D*, G) = {measures['optimal_value']:.3f}".replace(
        "-", "−"
    )
    plot.finish(ax, "x", "density, probability", title)
    ax.legend(loc="upper left", ncols=2, frameon=True, framealpha=1, edgecolor="none")


def draw_value(measures: list[dict[str, float]]) -> Figure:
    """Draw V(D, G) and V(D*, G) over the epochs, and the distances from the equilibrium.  measures: of all epochs."""
    series = {name: np.array([found[name] for found in measures]) for name in measures[0]}
    epochs = np.arange(len(measures))
    figure, (value, distance), _ = panels(2, height=3.6)
    value.fill_between(epochs, series["value"], series["optimal_value"], color=plot.SERIES[3], alpha=0.35, linewidth=0,
                       label="V(D*, G) − V(D, G)")  # fmt: skip
    value.plot(epochs, series["optimal_value"], color=plot.SERIES[2], label="V(D*, G) = 2 JSD − log 4")
    value.plot(epochs, series["value"], color=plot.SERIES[0], label="V(D, G), learned D")
    value.axhline(-LOG_4, color=plot.SERIES[1], linestyle=":", label="−log 4")
    plot.finish(value, "epoch", "nats", "the value of the game")
    names = {
        "jsd": "JSD(p_data, p_G), nats",
        "sup_optimal_D": "sup |D* − ½|",
        "sup_D": "sup |D − ½|",
    }
    for (name, label), colour in zip(names.items(), (plot.SERIES[1], plot.SERIES[2], plot.SERIES[0]), strict=True):
        distance.semilogy(epochs, series[name], color=colour, label=label)
    powers(distance.yaxis)
    plot.finish(distance, "epoch", "distance from the equilibrium", "distances from the equilibrium")
    distance.set_ylim(top=10)  # for the legend
    value.set_xscale("symlog", linthresh=1)
    value.xaxis.set_major_formatter("{x:g}")
    for ax in (value, distance):
        ax.set_xlim(0, epochs[-1])
        ax.legend(loc="upper right")
    return figure


# -- six states: tables and free logits

TABLE = np.array([0.4, 0.3, 0.2, 0.0998, 0.0001, 0.0001])
START = np.array([0.0, 0.0, 0.0, 0.0, 5.0, 5.0])
"""p_data, and the initial θ: p_G = softmax(θ) has nearly all of its probability where p_data has almost none."""


@dataclass(frozen=True)
class SixStates:
    """The path of gradient descent over six states.

    tables: p_G after each step, (steps + 1, states). values: V(D*, G) by its definition, nats. optimal: 2 JSD − log 4,
    nats. force: norm of the gradient with respect to θ. values, optimal, force: (steps + 1,).
    """

    tables: np.ndarray
    values: np.ndarray
    optimal: np.ndarray
    force: np.ndarray


def descent(objective: str, steps: int = 200, rate: float = 1.0) -> SixStates:
    """Return the path of gradient descent on the generator's loss, where D is D* in every step.

    The logits of D* are ln p_data − ln p_G. So minimax descends on 2 JSD, whose gradient is small if p_G is far from
    p_data. Non-saturating descends on KL(p_G ‖ p_data) − 2 JSD, whose gradient is large there.
    objective: one of PROBABILITIES. steps: number of steps. rate: learning rate.
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
    """Print V(D*, G) and the gradient norm at some steps, and the largest |V(D*, G) − (2 JSD − log 4)|.

    runs: descents by objective.
    """
    print(
        "\nsix states, p_G = softmax(θ), D = D* in every step: V(D*, G) in nats, and norm of the generator's gradient"
    )
    print(f"{'':>10}" + "".join(f"{name:>28}" for name in runs))
    print(f"{'':>10}" + f"{'V(D*, G), nats':>16}{'|gradient|':>12}" * len(runs))
    steps = len(next(iter(runs.values())).values) - 1
    for step in (0, 1, 2, 5, 10, 20, 50, 100, steps):
        print(
            f"{f'step {step}':>10}"
            + "".join(f"{run.values[step]:>16.6f}{run.force[step]:>12.5f}" for run in runs.values())
        )
    worst = max(np.max(np.abs(run.values - run.optimal)) for run in runs.values())
    print(f"|V(D*, G) − (2 JSD − log 4)| ≤ {worst:.0e} nats in all steps; −log 4 = {-LOG_4:.6f} nats")


def draw_finite(runs: dict[str, SixStates], at: Sequence[int] = (0, 20, 200)) -> Figure:
    """Draw p_data and p_G at three steps, and V(D*, G) over the steps.  runs: descents by objective. at: steps."""
    figure, (*bars, curve), above = panels(len(at) + 1, height=2.6, legend=0.45)
    colours = dict(zip(runs, (plot.SERIES[1], plot.SERIES[2]), strict=True))
    states = np.arange(1, len(TABLE) + 1)
    for ax, step in zip(bars, at, strict=True):
        ax.bar(states - 0.27, TABLE, 0.25, color=plot.SERIES[5], label="p_data")
        for k, (name, run) in enumerate(runs.items()):
            ax.bar(states + 0.27 * k, run.tables[step], 0.25, color=colours[name], label=f"p_G, {name}")
        ax.set_ylim(0, max(np.max(run.tables[at[0]]) for run in runs.values()))
        plot.finish(ax, "state", "probability", f"step {step}")
    for name, run in runs.items():
        curve.plot(run.values, color=colours[name])
    curve.axhline(-LOG_4, color=plot.INK, linestyle=":", label="−log 4")
    curve.set_xlim(0, at[-1] / 2)
    plot.finish(curve, "gradient step", "nats", "V(D*, G) = 2 JSD − log 4")
    curve.legend()
    legend(above, bars[0], 3)
    return figure


# -- near the equilibrium: the Dirac-GAN

ETA, TURNS, GAMMA, BEGIN = 0.2, 200, 0.5, (0.4, 0.3)
"""The step size η, the number of steps, the weight γ of a penalty, and the initial (θ, ψ)."""
PENALISED = {"no penalty": (None, 0.0), "R1": ("r1", GAMMA), "gradient penalty": ("gradient", GAMMA)}
PACES = {"simultaneous": False, "alternating": True}


def predicted_factors(game: DiracGAN, alternating: bool) -> np.ndarray:
    """Return the two eigenvalues of a step of both players, by formula, (2,). Distances shrink if all |values| < 1.

    Simultaneous steps: 1 + ηλ for both eigenvalues λ of J. Alternating steps: the roots of
    r² − (2 − ηγ − η²dg) r + 1 − ηγ, whose product is 1 without penalty.
    """
    if not alternating:
        return 1 + ETA * np.array(game.predicted())
    (d, g), gamma = CURVATURES[game.objective], game.weight
    return np.roots([1, ETA * gamma + ETA**2 * d * g - 2, 1 - ETA * gamma])


def measured_growth(game: DiracGAN, alternating: bool) -> float:
    """Return the factor by which a step multiplies a small distance from the equilibrium, measured by playing."""
    path = game.trajectory((4e-5, 3e-5), ETA, TURNS, alternating)
    return float(np.exp(np.polyfit(np.arange(TURNS + 1), np.log(np.linalg.norm(path, axis=1)), 1)[0]))


def report_dynamics() -> None:
    """Print the eigenvalues by formula and by `jacobian()`, and the growth by formula and by playing."""
    print(
        f"\nthe Dirac-GAN near its equilibrium: eigenvalues of its gradient field, and the factor by which a step "
        f"of size η = {ETA:g} multiplies the distance from the equilibrium (simultaneous or alternating steps)"
    )
    print(f"{'':<28}{'eigenvalues':>30}{'factor, simultaneous':>23}{'factor, alternating':>23}")
    print(f"{'loss, penalty':<28}{'formula':>15}{'jacobian()':>15}" + f"{'formula':>14}{'played':>9}" * 2)
    for objective, (name, how) in itertools.product(CURVATURES, list(PENALISED.items())[:2]):
        game = DiracGAN(objective, *how)
        row = f"{f'{objective}, {name}':<28}{pair(game.predicted()):>15}{pair(np.linalg.eigvals(game.jacobian())):>15}"
        for alternating in PACES.values():
            formula = np.max(np.abs(predicted_factors(game, alternating)))
            row += f"{formula:>14.3f}{measured_growth(game, alternating):>9.3f}"
        print(row)
    print("least-squares: the discriminator does not react to θ (d = 0), so θ grows by equal steps, not by a factor")
    held = DiracGAN("wasserstein", *PENALISED["gradient penalty"]).trajectory(BEGIN, ETA, TURNS, alternating=True)
    last = np.linalg.norm(held[TURNS // 2 :], axis=1)
    print(
        f"wasserstein, gradient penalty, alternating steps: no convergence; the distance from the equilibrium "
        f"stays between {last.min():.2f} and {last.max():.2f}"
    )


def pair(values: Sequence[complex] | np.ndarray) -> str:
    """Format two eigenvalues: "a ± bi" if complex, "a, b" if real."""
    one, two = sorted(np.asarray(values, complex), key=lambda v: (v.real, v.imag))
    if abs(one.imag) > 1e-12:
        return f"{'' if abs(one.real) < 1e-12 else f'{one.real:.2f} '}± {abs(one.imag):.2f}i"
    return f"{one.real + 0:.2f}, {two.real + 0:.2f}"


def draw_dynamics() -> Figure:
    """Draw for each loss a row of paths, without and with penalties, and at the end the eigenvalues of a step."""
    rows = len(PENALISED)
    figure, axes, above = panels(len(CURVATURES) * (rows + 1), NARROW, 2.7, legend=0.65)
    paths, factors = axes[: len(CURVATURES) * rows], axes[len(CURVATURES) * rows :]
    colours = dict(zip(PACES, (plot.SERIES[1], plot.SERIES[0]), strict=True))
    for ax, (objective, (name, how)) in zip(paths, itertools.product(CURVATURES, PENALISED.items()), strict=True):
        draw_paths(ax, DiracGAN(objective, *how), colours)
        plot.finish(ax, "θ", "ψ", f"{objective}\n{name}")
    for ax, objective in zip(factors, CURVATURES, strict=True):
        draw_factors(ax, objective, colours)
    legend(above, factors[0])
    return figure


def draw_paths(ax: Axes, game: DiracGAN, colours: dict[str, str]) -> None:
    """Draw the paths of both players from BEGIN, and by how much a step multiplies the distance from the equilibrium.

    colours: by pace, "simultaneous" or "alternating".
    """
    for line, (pace, alternating) in enumerate(PACES.items()):
        path = game.trajectory(BEGIN, ETA, TURNS, alternating)
        ax.plot(path[:, 0], path[:, 1], color=colours[pace], linewidth=0.8)
        if game.penalty != "gradient":
            factor = np.max(np.abs(predicted_factors(game, alternating)))
            ax.text(-2.1, 1.75 - 0.45 * line, f"×{factor:.3f}", color=colours[pace])
    ax.plot(*BEGIN, "o", color=plot.INK, markersize=4)
    ax.plot(0, 0, "+", color=plot.INK, markersize=9)
    ax.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), aspect="equal")


def draw_factors(ax: Axes, objective: str, colours: dict[str, str]) -> None:
    """Draw the eigenvalues of a step in the complex plane. Inside the unit circle, the players converge.

    colours: by pace, "simultaneous" or "alternating".
    """
    turn = np.linspace(-0.4, 0.4, 100)
    ax.plot(np.cos(turn), np.sin(turn), color=plot.SERIES[5], label="unit circle")
    for (name, how), marker in zip(list(PENALISED.items())[:2], "os", strict=True):
        for pace, alternating in PACES.items():
            game = DiracGAN(objective, *how)
            formula, found = predicted_factors(game, alternating), np.linalg.eigvals(game.step_matrix(ETA, alternating))
            ax.plot(formula.real, formula.imag, marker, color=colours[pace], markersize=9, fillstyle="none")
            ax.plot(found.real, found.imag, marker, color=colours[pace], markersize=3, label=f"{name}, {pace}")
    ax.set(xlim=(0.8, 1.05), ylim=(-0.3, 0.3))
    plot.finish(ax, "real part", "imaginary part", f"{objective}\neigenvalues of a step")
