"""Mode collapse of GANs in the plane, seen and counted: the generator puts all samples into a few modes of the data,
because the discriminator learns slowly. A penalty on the discriminator's gradient spreads the samples to all modes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from demos.common import number, parser
from demos.figures import TEXT, cells, legend, panels, save_pictures
from demos.film import Film, add_film_option, moments
from demos.output import saved
from demos.recipes import add_checkpoint_options, by_game, checkpoints
from minigen import plot
from minigen.analysis.mixtures import Modes, count, grid, ring
from minigen.analysis.quality import neighbourhoods
from minigen.gan import GAN, OBJECTIVES, Game
from minigen.model import in_blocks
from minigen.nn.functions import leaky_relu, relu
from minigen.nn.layers import Linear, Sequential, mlp
from minigen.nn.normalisation import SpectralNorm
from minigen.penalties import PENALTIES
from minigen.priors import Prior, StandardNormal, SwissRoll
from minigen.training.history import History

TARGETS: dict[str, tuple[str, Callable[[], Prior]]] = {
    "ring": ("ring of 8 modes, σ = 0.02", ring),
    "grid": ("grid of 25 modes, σ = 0.05", grid),
    "roll": ("Swiss roll", SwissRoll),
}
WEIGHTS = {"r1": 10.0, "gradient": 0.1}
"""Weights of the penalties. The second is smaller than is usual for images: narrow modes need a steep critic."""
BETAS = (0.7, 0.9)
"""β₁ and β₂ of both Adams. Whether a game collapses also depends on the seed and on rounding. Of ten runs (5 seeds on
two kinds of kernels), minimax collapsed in all ten, to one to four modes, and R1 in one. With β₁ = 0.5, minimax did not
collapse in every third run. With β₁ = 0.9, games with R1 collapsed too."""
COLUMNS = {"reached": "reached", "quality": "within 3σ", "p_value": "χ² p-value", "coverage": "coverage",
           "precision": "precision"}  # fmt: skip
"""The names of the measures (see `measures`), and the heads of their columns."""
STEPS, SAMPLES, NEIGHBOURS, STILLS = 100, 2500, 1000, 5
"""Generator steps in an epoch; samples for counting modes; samples for neighbourhoods (coverage and precision); epochs
after the start that a row of pictures shows."""


@dataclass(frozen=True)
class Variant:
    """One kind of game.

    objective: loss of the players. penalty: on the discriminator's gradient, or "none". discriminator_steps: for each
    generator step. spectral: whether the discriminator has spectral normalisation. file: name for its files.
    """

    objective: str
    penalty: str = "none"
    discriminator_steps: int = 1
    spectral: bool = False

    def __str__(self) -> str:
        names = {"none": "", "r1": "R1", "gradient": "gradient penalty"}
        steps = f"{self.discriminator_steps} D steps" if self.discriminator_steps > 1 else ""
        parts = self.objective, names[self.penalty], "spectral norm" if self.spectral else "", steps
        return " + ".join(part for part in parts if part)

    @property
    def file(self) -> str:
        return str(self).replace(" + ", "-").replace(" ", "-").lower()

    @property
    def cure(self) -> str:
        """Options to try next against mode collapse."""
        if self.penalty == "none" and not self.spectral:
            return "--objective non-saturating --penalty r1"
        return "--discriminator-steps 5" if self.discriminator_steps == 1 else "a higher --discriminator-rate"


COMPARED = (
    Variant("minimax"),
    Variant("minimax", discriminator_steps=5),
    Variant("non-saturating", "r1"),
    Variant("wasserstein", "gradient", discriminator_steps=5),
)
"""The first game collapses. Each other game differs from it only in what its name says."""


def options(arguments: list[str]) -> Namespace:
    p = parser("ring")
    add_film_option(p)
    p.add_argument("--target", choices=TARGETS, default="ring",
                   help="data distribution: 8 normal modes on a ring, 25 on a grid, or a Swiss roll")  # fmt: skip
    p.add_argument("--objective", choices=["compare", *OBJECTIVES], default="compare",
                   help="loss of the game; compare: four games with different losses and penalties")  # fmt: skip
    p.add_argument("--penalty", choices=["none", *PENALTIES], default="none",
                   help="penalty on the discriminator's gradient")  # fmt: skip
    p.add_argument("--penalty-weight", type=number(float), default=None, metavar="W",
                   help=f"weight of the penalty; None: {WEIGHTS['r1']:g} for r1, {WEIGHTS['gradient']:g} for "
                        "gradient")  # fmt: skip
    p.add_argument("--spectral", action="store_true", help="use spectral normalisation in the discriminator")
    p.add_argument("--discriminator-steps", type=number(int), default=1, metavar="N",
                   help="discriminator steps for each generator step")  # fmt: skip
    p.add_argument("--learning-rate", type=number(float), default=0.003, metavar="L",
                   help="learning rate of the generator (Adam) at the start; it falls linearly to 0")  # fmt: skip
    p.add_argument("--discriminator-rate", type=number(float), default=0.0002, metavar="L",
                   help="learning rate of the discriminator (Adam); the default is so low that a game without "
                        "penalty collapses")  # fmt: skip
    p.add_argument("--epochs", type=number(int), default=30, metavar="E",
                   help=f"number of epochs; {STEPS} generator steps each")  # fmt: skip
    p.add_argument("--batch-size", type=number(int), default=256, metavar="B",
                   help="number of points in a training step")  # fmt: skip
    p.add_argument("--layers", type=number(int, most=1000), default=3, metavar="N",
                   help="number of hidden layers of each network")  # fmt: skip
    p.add_argument("--hidden", type=number(int), default=128, metavar="H", help="hidden units in each layer")
    p.add_argument("--latent", type=number(int), default=64, metavar="Z", help="dimension of the latent variable z")
    add_checkpoint_options(p)
    return checked(p, p.parse_args(arguments))


def checked(p: ArgumentParser, o: Namespace) -> Namespace:
    """Return the options with their games. A combination that makes no sense ends the program with a message."""
    one = Variant(o.objective, o.penalty, o.discriminator_steps, o.spectral)
    if o.objective == "compare" and one != Variant("compare"):
        p.error("--penalty, --spectral and --discriminator-steps are of one game: name its --objective")
    if o.penalty_weight is not None and o.penalty == "none":
        p.error("--penalty-weight needs a --penalty")
    if o.objective == "wasserstein" and o.penalty != "gradient" and not o.spectral:
        p.error("--objective wasserstein needs a critic of bounded gradient: --penalty gradient or --spectral")
    o.variants = COMPARED if o.objective == "compare" else (one,)
    return o


def main(o: Namespace) -> int:
    name, make = TARGETS[o.target]
    target = make()
    print(f"data: {name}; learning rates: generator {o.learning_rate:g}, discriminator {o.discriminator_rate:g}")
    print(f"reached: {where(target)} (of {len(places(target))}) that the samples gather around: at least a quarter of "
          "an equal share of the samples is nearest to each")  # fmt: skip
    if isinstance(target, Modes):
        print("within 3σ: share of the samples within 3σ of a mode")
        print("χ² p-value: probability of such unequal shares of the modes, if all modes were equally likely")
    print("coverage: share of real points with a sample nearby; precision: share of samples near real points")
    real = measures(target, target.sample(SAMPLES, rng=np.random.default_rng(2)))
    print(
        f"\n{f'game, measured on {SAMPLES:,} samples':<44}"
        + "".join(f"{COLUMNS[key]:>12}" for key in columns(real))
        + f"{'seconds':>10}"
    )
    print(row(real, "samples of the data distribution itself", "–"))
    games = []
    for variant in o.variants:
        game, history = played(variant, target, o)
        print(row(game.found[-1], str(variant), f"{history.seconds:.0f}"), flush=True)
        games.append(game)
        if history.ended == "interrupted":
            break
    print("", *(f"{game.variant}: {verdict(game)}" for game in games), sep="\n")
    best = max(games, key=lambda game: game.found[-1]["coverage"])
    if not o.no_film:
        o.out.write("training.gif", best.film.animate)
    o.out.write("moments.npz", best.write)
    pictures = {"samples.svg": draw_samples(games, name), "learning.svg": draw_learning(games, name)}
    save_pictures(o, pictures)
    return 0


# -- the game


def untrained(variant: Variant, o: Namespace, rng: np.random.Generator) -> GAN:
    """Return an untrained GAN whose networks have `o.layers` hidden layers each."""
    h = (o.hidden,) * o.layers
    generator, discriminator = mlp((o.latent, *h, 2), relu, rng=rng), mlp((2, *h, 1), leaky_relu, rng=rng)
    if variant.spectral:
        layers = discriminator.layers
        discriminator = Sequential(*(SpectralNorm(f, rng=rng) if isinstance(f, Linear) else f for f in layers))
    penalty = None
    if variant.penalty != "none":
        penalty = partial(PENALTIES[variant.penalty], weight=o.penalty_weight or WEIGHTS[variant.penalty])
    return GAN(generator, discriminator, StandardNormal(o.latent), 2, variant.objective, penalty, averaged=False)


def played(variant: Variant, target: Prior, o: Namespace) -> tuple[Watched, History]:
    """Train a game, write its weights and history to files, and return the game and the history.

    All games start with the same weights. target: the data distribution.
    """
    rng = np.random.default_rng(o.seed)
    gan = untrained(variant, o, rng)
    game = Game(gan, o.learning_rate, o.discriminator_rate, BETAS, variant.discriminator_steps)
    watched, batch = Watched(variant, gan, target, o.epochs), o.batch_size * variant.discriminator_steps
    draws = lambda rng: target.sample(STEPS * batch, rng=rng)
    with saved(gan, o.out, f"{variant.file}.npz", {"data": TARGETS[o.target][0]}):
        history = by_game(gan, game, draws, watched.real, o.epochs, batch, rng, before_epoch=watched.film,
                          measure=watched.measure, checkpoint=checkpoints(o, training=variant.file))  # fmt: skip
    o.out.write(f"{variant.file}.csv", history.save)
    watched.found += [epoch.measures for epoch in history.epochs]
    return watched, history


# -- measures of a game


def measures(target: Prior, samples: np.ndarray) -> dict[str, float]:
    """Return the measures of samples by name.

    reached: number of places that the samples gather around, each with at least a quarter of its share, n / K, of the
    samples. fullest: number of the place with the most samples. quality, p_value: of `mixtures.count`, if the target
    has modes. coverage, precision: of `neighbourhoods`.
    target: the data distribution. samples: (n, 2).
    """
    crowd = crowds(target, samples)
    reached = int(np.sum(crowd >= len(samples) / len(crowd) / 4))
    found: dict[str, float] = {"reached": reached, "fullest": int(crowd.argmax())}
    if isinstance(target, Modes):
        counted = count(target, samples)
        found |= {"quality": counted.quality, "p_value": counted.p_value}
    real = target.sample(NEIGHBOURS, rng=np.random.default_rng(1))
    near = neighbourhoods(real, samples[:NEIGHBOURS])
    return found | {"coverage": near.coverage, "precision": near.precision}


class Seen(NamedTuple):
    """A record of a game after an epoch.

    samples: of the generator, (n, 2). logits: of the discriminator on a grid of the plane.
    """

    samples: np.ndarray
    logits: np.ndarray


class Watched:
    """A game, its film, and its measures before training and after each epoch.

    variant: the kind of game. gan: both networks. target: the data distribution. epochs: of the whole training. real:
    samples of the target. reach: half the side of the part of the plane that is drawn. plane: grid of points in it.
    film: its shots are of class Seen. points: of the grid, along each axis. found: the measures before the training,
    and after it those of each epoch, too.
    """

    points = 60

    def __init__(self, variant: Variant, gan: GAN, target: Prior, epochs: int):
        self.variant, self.gan, self.target = variant, gan, target
        self.real = target.sample(SAMPLES, rng=0)
        self.reach = 1.25 * float(np.abs(self.real).max())
        along = np.linspace(-self.reach, self.reach, self.points, dtype=np.float32)
        self.plane = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
        draw_shot = lambda ax, epoch, seen: self.draw(ax, seen, f"{variant}, epoch {epoch}")
        times = {*moments(epochs, 30, np.linspace), *moments(epochs, STILLS)}
        self.film = Film(self.look, draw_shot, times, kind=Seen)
        self.found = [measures(target, self.film.shoot(0).samples)]

    def look(self) -> Seen:
        """Return a record of the game now."""
        samples = self.gan.sample(SAMPLES, rng=0)
        logits = in_blocks(self.gan.discriminator, self.plane, self.gan.block)[:, 0]
        return Seen(samples, logits)

    def measure(self) -> dict[str, float]:
        """Record the game after an epoch, and return the measures."""
        return measures(self.target, self.film.shoot_next().samples)

    def write(self, path: Path) -> None:
        """Write the moments of the game to a file, with the places at which samples are counted and `reach`."""
        of_target = {"places": places(self.target), "reach": self.reach}
        if isinstance(self.target, Modes):
            of_target["sigma"] = self.target.sigma
        self.film.write(path, dict(enumerate(self.found)), variant=str(self.variant), **of_target)

    def draw(self, ax: Axes, seen: Seen, title: str) -> None:
        """Draw the samples, the ranks of the discriminator's logits (darker: more real), and the target.

        The target is drawn as circles of 3σ around its modes, or as samples.
        """
        rank = seen.logits.argsort().argsort().reshape(self.points, self.points) / self.points**2
        extent = 2 * (-self.reach, self.reach)
        shade = LinearSegmentedColormap.from_list("shade", [to_rgba(plot.SERIES[5], alpha) for alpha in (0, 0.6)], N=12)
        ax.imshow(rank, cmap=shade, vmin=0, vmax=1, extent=extent, origin="lower", interpolation="none")
        if isinstance(self.target, Modes):
            for centre in self.target.centres.tolist():
                ax.add_patch(Circle(centre, 3 * self.target.sigma, fill=False, edgecolor=plot.INK, zorder=2))
        else:
            ax.scatter(self.real[:, 0], self.real[:, 1], 2, plot.SERIES[5], linewidths=0, rasterized=True)
        x, y = seen.samples.T
        ax.scatter(x, y, 3, plot.SERIES[1], alpha=0.4, linewidths=0, rasterized=True)
        outside = np.mean(np.abs(seen.samples).max(axis=1) > self.reach)
        if outside > 0.1:
            ax.text(
                0.05,
                0.05,
                f"{outside:.0%} outside",
                transform=ax.transAxes,
                bbox={"color": "white", "alpha": 0.8, "pad": 1},
            )
        ax.set(xlim=extent[:2], ylim=extent[:2], aspect="equal", xlabel="x₁", ylabel="x₂")
        ax.set_title(title, loc="left", color=plot.INK, fontsize=TEXT)


def row(found: dict[str, float], name: str, seconds: str) -> str:
    """Return a row of the table.  found: measures by name. name: of the game. seconds: of the training."""
    form = {"reached": "d", "p_value": ".1e"}
    cells = (f"{found[key]:>12{form.get(key, '.3f')}}" for key in columns(found))
    return f"{name:<44}" + "".join(cells) + f"{seconds:>10}"


def columns(found: dict[str, float]) -> list[str]:
    """Return the keys of COLUMNS among the measures `found`, in their order there."""
    return [key for key in COLUMNS if key in found]


def places(target: Prior) -> np.ndarray:
    """Return the places at which samples are counted: the modes, or 20 points along the arm of the roll, (K, 2)."""
    if isinstance(target, Modes):
        return target.centres
    return SwissRoll(noise=0).at((np.arange(20) + 0.5) / 20, rng=0)


def where(target: Prior) -> str:
    """Return the name of `places`."""
    return "modes" if isinstance(target, Modes) else "places of the roll"


def crowds(target: Prior, samples: np.ndarray) -> np.ndarray:
    """Return the number of samples whose nearest place is each place, (K,).  samples: (n, 2)."""
    return count(Modes(places(target), sigma=1), samples, within=np.inf).counts


def verdict(game: Watched) -> str:
    """Return a sentence that says how the game ended and, if it failed, what to try."""
    found, extent = game.found[-1], np.median(np.linalg.norm(game.film.last.samples, axis=1))
    if extent > 2 * game.reach:
        return f"diverged: half of the samples lie {extent:.0f} or more from the origin. Try a lower --learning-rate"
    reached, fullest = (np.array([each[key] for each in game.found]) for key in ("reached", "fullest"))
    epochs, K, what = len(reached) - 1, len(places(game.target)), where(game.target)
    good, modes = found.get("quality", found["precision"]), isinstance(game.target, Modes)
    near = "within 3σ of a mode" if modes else "near real points"
    if reached[-1] < K:
        turns = len(set(fullest[-(-epochs // 2) :].tolist()))
        hops = f"; in the second half of the epochs, {turns} of them had the most samples in turn" * (turns > 1)
        return f"mode collapse: the samples gather around {reached[-1]} of {K} {what}{hops}. Try {game.variant.cure}"
    if good < 0.5:
        last = int(np.flatnonzero(reached < K / 2).max(initial=0))
        late = f"; until epoch {last} they gathered around fewer than half" * (last > epochs / 2)
        return (
            f"blurred: the samples gather around all {K} {what}, but only {good:.0%} of them lie {near}{late}. "
            f"Try more --epochs, or {game.variant.cure}"
        )
    equal = f"χ² p-value of equal shares {found['p_value']:.1g}" if modes else f"coverage {found['coverage']:.0%}"
    return f"no collapse: the samples gather around all {K} {what}, and {good:.0%} of them lie {near}; {equal}"


# -- pictures


def draw_samples(games: list[Watched], name: str) -> Figure:
    """Draw samples at some epochs, a cell for each game.  name: of the target."""
    common = np.array(sorted(set.intersection(*(set(game.film.frames) for game in games))))
    shown = sorted({int(common[np.abs(common - k).argmin()]) for k in moments(int(common[-1]), STILLS)})
    figure, parts, _ = cells(len(games), height=3.6)
    for part, game in zip(parts, games, strict=True):
        part.suptitle(f"{name}\n{game.variant}", x=0.01, ha="left", fontsize=TEXT + 1, color=plot.INK)
        axes = part.subplots(-(-len(shown) // 3), 3, squeeze=False).ravel()
        for ax in axes:
            ax.set_axis_off()
        for ax, k in zip(axes, shown, strict=False):
            ax.set_axis_on()
            game.draw(ax, game.film.shots[k], f"epoch {k}")
            ax.set(xticks=[-2, 0, 2], yticks=[-2, 0, 2])
            ax.label_outer()
    return figure


def draw_learning(games: list[Watched], name: str) -> Figure:
    """Draw the measures over the epochs.  name: of the target."""
    keys = [key for key in columns(games[0].found[0]) if key != "p_value"]
    figure, axes, above = panels(len(keys), height=3, legend=0.2 + 0.18 * len(games))
    for ax, key in zip(axes, keys, strict=True):
        for game, colour in zip(games, plot.SERIES, strict=False):
            ax.plot([found[key] for found in game.found], color=colour, label=str(game.variant))
        ax.set_ylim(bottom=0)
        named = {"reached": f"number of {where(games[0].target)}", "quality": "share of samples"}
        y = named.get(key, "share")
        plot.finish(ax, "epoch", y, COLUMNS[key])
    legend(above, axes[0], 1)
    return figure
