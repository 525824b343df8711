"""A VAE with z of 2 dimensions, so that ln p(x), the ELBO and KL(q(z|x) ‖ p(z|x)) can be computed as three separate
integrals. While the VAE learns, the demo checks that ln p(x) = ELBO + KL."""

from __future__ import annotations

import copy
import itertools
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autograd import no_grad
from demos.common import first_of_each, load, number, parser
from demos.figures import SYMBOL, TEXT, cells, legend, panel, panels, save_pictures
from demos.film import write_moments
from demos.output import facts_of, saved
from demos.recipes import Recipe, by_game, by_gradient, variational
from minigen import plot
from minigen.aae import AAE, Steps, discriminator_network
from minigen.analysis import evidence, quadrature
from minigen.analysis.ppca import ProbabilisticPCA, linear_vae
from minigen.analysis.surgery import Surgery, surgery
from minigen.data.sets import Dataset
from minigen.divergences import mean_and_error
from minigen.nn.arrays import plain
from minigen.priors import Prior
from minigen.training.optim import Adam
from minigen.vae import VAE

# Each of the three integrals has its own nodes. The integrals share no node, so their agreement is evidence.
WIDE, SHIFTED = quadrature.grid(reach=7, points=281), quadrature.grid(reach=7.5, points=290)
AROUND, HERMITE = quadrature.grid(reach=8, points=64), quadrature.gauss_hermite(100)


def options(arguments: list[str]) -> Namespace:
    p = parser("truth_lab")
    p.add_argument("--epochs", type=number(int), default=200, metavar="E",
                   help="number of epochs of the VAE, and of the AAE that is compared with it")  # fmt: skip
    p.add_argument("--hidden", type=number(int), default=50, metavar="H",
                   help="hidden units (tanh) in each of the two layers")  # fmt: skip
    p.add_argument("--images", type=number(int, most=10), default=6, metavar="N",
                   help="number of test digits whose integrals are computed")  # fmt: skip
    p.add_argument("--posterior", choices=["diagonal", "full"], default="diagonal",
                   help="covariance matrix of the encoder's normal distribution q(z|x)")  # fmt: skip
    return p.parse_args(arguments)


@dataclass(frozen=True)
class Ledger:
    """ln p(x), ELBO and KL(q(z|x) ‖ p(z|x)) of each test digit after an epoch.

    epoch: 0 is before training. model: a copy of the VAE in float64. log_evidence: ln p(x). log_evidence, elbo, kl:
    (n,), nats.
    """

    epoch: int
    model: VAE
    log_evidence: np.ndarray
    elbo: np.ndarray
    kl: np.ndarray

    @property
    def error(self) -> float:
        """The largest |ln p(x) − ELBO − KL| over the digits, nats."""
        return float(np.max(np.abs(self.log_evidence - self.elbo - self.kl)))

    def means(self) -> dict[str, float]:
        """Return the means of the three values over the digits, in nats."""
        return {name: float(np.mean(getattr(self, name))) for name in ("log_evidence", "elbo", "kl")}


def ledger(model: VAE, images: np.ndarray, epoch: int) -> Ledger:
    """Compute the three integrals, each separately, in float64.  images: (n, D). epoch: of the model."""
    exact = copy.deepcopy(model).astype(np.float64)
    return Ledger(
        epoch,
        exact,
        evidence.log_evidence(exact, images, WIDE),
        evidence.elbo(exact, images, HERMITE),
        evidence.kl_to_posterior(exact, images, AROUND, SHIFTED),
    )


def doubling(epochs: int) -> list[int]:
    """Return the epochs of the table: 0, powers of 2, and the last epoch."""
    return sorted({e for e in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512) if 1.7 * e < epochs} | {epochs})


def at(epochs: list[int], look: Callable[[int], object]) -> Callable[[], dict[str, float]]:
    """Return a `measure` for `fit` that calls look(epoch) after the given epochs."""
    count = itertools.count(1)

    def measure() -> dict[str, float]:
        epoch = next(count)
        if epoch in epochs:
            look(epoch)
        return {}

    return measure


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    dataset = load("digits")
    recipe = Recipe(o.epochs, 60, learning_rate=0.003, hidden=o.hidden, layers=2, latent=2)
    books, vae, cut_vae = watched_vae(recipe, dataset, o, rng)
    print(whole_test_part(vae, dataset, rng))
    cut_aae = watched_aae(recipe, dataset, vae, o, rng)
    report_surgery(cut_vae, cut_aae, dataset)
    o.out.write("moments.npz", partial(write_books, books, dataset))
    pictures = {
        "ledger.svg": draw_ledger(books),
        "posteriors.svg": draw_posteriors(books, dataset),
        "surgery.svg": draw_surgery(cut_vae, cut_aae, dataset),
        "ppca.svg": draw_ppca(dataset, rng),
    }
    save_pictures(o, pictures)
    return 0


# -- ln p(x) = ELBO + KL


def watched_vae(
    recipe: Recipe, dataset: Dataset, o: Namespace, rng: np.random.Generator
) -> tuple[list[Ledger], VAE, dict[int, Surgery]]:
    """Train a VAE, print a row at some epochs, and return the ledgers, the VAE, and the surgeries by epoch.

    recipe: settings of the training. o.images: number of test digits. o.posterior: covariance of q(z|x).
    """
    model = variational(recipe, dataset, rng, covariance=o.posterior, activation=np.tanh)
    images, books, cuts = first_of_each(dataset.test, o.images), [], {}
    print(f"{dataset.name}: a VAE with z of 2 dimensions, all values in nats")
    print(
        f"{len(images)} test digits: mean ln p(x), mean ELBO, mean KL(q(z|x)‖p(z|x)), and largest |ln p(x) − ELBO − KL|"
    )
    print("training digits: mutual information I(x;z) and KL(q(z)‖p(z)), the two parts of the mean KL(q(z|x)‖p(z))")
    print(f"{'':>10}{f'{len(images)} test digits':>61}{'training digits':>22}")
    print(f"{'':>10}{'ln p(x)':>12}{'ELBO':>12}{'KL(q‖p(z|x))':>15}{'|ln p − ELBO − KL| ≤':>22}{METER}")

    def look(epoch: int) -> None:
        book = ledger(model, images, epoch)
        books.append(book)
        cuts[epoch] = cut(model.posterior, model.prior, dataset)
        row = f"{f'epoch {epoch}':>10}{book.log_evidence.mean():>12.6f}{book.elbo.mean():>12.6f}{book.kl.mean():>15.6f}"
        print(f"{row}{book.error:>22.1e}{meter(cuts[epoch])}", flush=True)

    look(0)
    with saved(model, o.out, "vae-weights.npz", facts_of(dataset)):
        by_gradient(model, recipe, dataset, rng, measure=at(doubling(recipe.epochs), look), progress=False)
    return books, model, cuts


def whole_test_part(model: VAE, dataset: Dataset, rng: np.random.Generator, k: int = 1000) -> str:
    """Return a sentence that compares ln p(x) of all test digits by quadrature and by importance sampling.

    k: number of samples of z for each digit.
    """
    images = dataset.test.images
    exact = evidence.log_evidence(copy.deepcopy(model).astype(np.float64), images, quadrature.grid(7, 141))
    found = model.log_prob(images, k, rng=rng)
    off = np.abs(found.value - exact) / found.standard_error
    mean, error = mean_and_error(-exact)
    return (
        f"\nVAE with the weights of the lowest validation loss: mean −ln p(x) of the {len(images)} test digits is "
        f"{mean:.3f} ± {error:.2f} nats by quadrature\n"
        f"estimate of it by importance sampling ({k:,} samples of q(z|x) a digit): {-found.value.mean():.3f} nats\n"
        f"for {np.mean(off < 2):.0%} of the test digits, quadrature and importance sampling differ by less than 2 "
        "standard errors of the sampling; for the other digits, q(z|x) misses a part of the posterior"
    )


def draw_ledger(books: list[Ledger]) -> Figure:
    """Draw ln p(x), the ELBO and their difference over the epochs."""
    figure, ax = panel(3.4)
    epochs = [book.epoch for book in books]
    above, below = [book.log_evidence.mean() for book in books], [book.elbo.mean() for book in books]
    ax.fill_between(epochs, below, above, color=plot.SERIES[3], alpha=0.35, label="KL(q(z|x) ‖ p(z|x))")
    ax.plot(epochs, above, "o-", color=plot.SERIES[0], label="ln p(x)")
    ax.plot(epochs, below, "o-", color=plot.SERIES[1], label="ELBO")
    over_epochs(ax, epochs)
    worst = max(book.error for book in books)
    title = f"|ln p(x) − ELBO − KL| ≤ {worst:.0e} nats"
    plot.finish(ax, "epoch", "nats/image", title)
    ax.legend(loc="lower right")
    return figure


def over_epochs(ax: Axes, epochs: list[int]) -> None:
    """Set a logarithmic axis of epochs, so that early epochs have as much room as late epochs.  epochs: its ticks."""
    ax.set_xscale("symlog", linthresh=1)
    ax.set_xticks(epochs, [str(e) for e in epochs])
    ax.set_xticks([], minor=True)
    if epochs[-1]:
        ax.set_xlim(0, epochs[-1])


def draw_posteriors(books: list[Ledger], dataset: Dataset) -> Figure:
    """Draw p(z|x), shaded, and contour lines of q(z|x), for each test digit, after three epochs of the training.

    The axes are z less the mean of p(z|x), the same for all digits and epochs, so that the widths can be compared.
    """
    n, last = len(books[0].elbo), len(books) - 1
    shown = [books[k] for k in sorted({min(1, last), last // 2, last})]
    half = -(-n // 2)
    figure, parts, _ = cells(2 if n > 1 else 1, height=0.4 + 1.2 * half)
    images = first_of_each(dataset.test, n)
    below = {}
    for part, numbers in zip(parts, np.array_split(np.arange(n), len(parts)), strict=True):
        axes = part.subplots(half, 1 + len(shown), squeeze=False)
        for ax in axes[len(numbers) :].flat:
            ax.set_axis_off()
        for (picture, *row), k in zip(axes, numbers, strict=False):
            plot.image_rows(picture, images[k][None, None], dataset.shape)
            for ax, book in zip(row, shown, strict=True):
                below[ax] = density_panel(ax, book.model, images[k : k + 1])
                ax.set_title(f"KL {book.kl[k]:.3f}" if k > numbers[0] else f"epoch {book.epoch}\nKL {book.kl[k]:.3f}",
                             loc="center", fontsize=TEXT)  # fmt: skip
    reach = 0.7 * max(below.values())
    tick = max(1, int(reach))
    for ax in below:
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        ax.set(xticks=[-tick, 0, tick], yticks=[-tick, 0, tick], yticklabels=[])
        ax.label_outer()
    return figure


def density_panel(ax: Axes, model: VAE, x: np.ndarray, points: int = 48) -> float:
    """Draw p(z|x) and q(z|x) of one image around the mean of p(z|x), and return how far the drawing reaches from it.

    It reaches four standard deviations of p(z|x).  x: (1, D). points: of the grid along each axis.
    """
    log_p = evidence.log_joint(model, x, WIDE.nodes)[:, 0]
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    mean = p @ WIDE.nodes
    reach = 4 * np.sqrt(p @ (WIDE.nodes - mean) ** 2).max()
    along = np.linspace(-reach, reach, points)
    z = np.stack(np.meshgrid(mean[0] + along, mean[1] + along), axis=-1).reshape(-1, 2)
    with no_grad():
        log_q = plain(model.posterior(x).log_prob(z[:, None]))[:, 0]
        peak = plain(model.posterior(x).log_prob(model.encode(x)))[0]
    log_p = evidence.log_joint(model, x, z)[:, 0]
    drawing = lambda values: (along, along, values.reshape(points, points))
    levels = np.linspace(0.1, 1, 5)
    shades = [(plot.SERIES[2], 0.9 * level) for level in levels[:-1]]
    shaded = ax.contourf(*drawing(np.exp(log_p - log_p.max())), levels=levels, colors=shades)
    shaded.set_gid(f"{SYMBOL}p(z|x)")
    lines = ax.contour(*drawing(log_q - peak), levels=[-2.0, -0.5], colors=plot.SERIES[1], linewidths=1.2,
                   linestyles="solid")  # fmt: skip
    lines.set_gid(f"{SYMBOL}q(z|x)")
    return float(reach)


REACH = 4.0
"""Half the side of the square in the plane of z in which `in_the_plane` computes p(z|x)."""


def in_the_plane(model: VAE, x: np.ndarray, points: int = 100) -> dict[str, np.ndarray]:
    """Return p(z|x) of n images in cells of the plane, and q(z|x) as N(μ, L Lᵀ).

    x: (n, D). points: cells along each axis.
    "posterior": p(z|x) divided by its largest value in the plane, at the middle of each cell, (n, points, points), with
    z₂ along the rows. "q": μ, μ + L e₁ and μ + L e₂, (3, n, 2).
    """
    along = REACH * (2 * np.arange(points) + 1 - points) / points
    z = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    log_p = evidence.log_joint(model, x, z)
    with no_grad():
        q = plain(evidence.spread(model.posterior(model.checked(x)), np.array([[0.0, 0], [1, 0], [0, 1]])))
    posterior = np.exp(log_p - log_p.max(axis=0)).T.reshape(len(x), points, points)
    return {"posterior": posterior.astype(np.float16), "q": q}


def write_books(books: list[Ledger], dataset: Dataset, path: Path) -> None:
    """Write the posteriors and the means of the three values at the epochs of the table to a file."""
    images = first_of_each(dataset.test, len(books[0].elbo))
    shots = {book.epoch: in_the_plane(book.model, images) for book in books}
    means = {book.epoch: book.means() for book in books}
    write_moments(path, shots, means, images=images, shape=dataset.shape, reach=REACH)


# -- ELBO surgery

METER = f"{'I(x;z)':>10}{'KL(q(z)‖p)':>12}"


def cut(posterior: Callable[[Any], Any], prior: Prior, dataset: Dataset) -> Surgery:
    """Return the ELBO surgery of the training digits. The noise is always the same.  posterior: images → q(z|x)."""
    with no_grad():
        return surgery(posterior(dataset.train.images), prior.distribution(), rng=0)


def meter(s: Surgery) -> str:
    """Return the columns of METER: the two parts of the prior fitting term, in nats."""
    return f"{s.mutual_information[0]:>10.3f}{s.marginal_kl[0]:>12.3f}"


def watched_aae(
    recipe: Recipe, dataset: Dataset, like: VAE, o: Namespace, rng: np.random.Generator
) -> dict[int, Surgery]:
    """Train an AAE with the same encoder, decoder and prior, print a row at some epochs, and return the surgeries.

    like: the VAE whose covariance of q(z|x) the AAE has.
    """
    vae = variational(recipe, dataset, rng, covariance=like.encoder.covariance, activation=np.tanh)
    model = AAE(vae.encoder, vae.decoder, vae.prior, discriminator_network(2, (recipe.hidden,) * 2, rng=rng))
    cuts: dict[int, Surgery] = {}

    def look(epoch: int) -> None:
        cuts[epoch] = cut(model.autoencoder.encoder, model.prior, dataset)
        print(f"{f'epoch {epoch}':>10}{meter(cuts[epoch])}", flush=True)

    print("\nan adversarial auto-encoder (AAE) with the same networks and prior; training digits, nats")
    print(f"{'':>10}{METER}")

    look(0)
    steps = Steps(model, recipe.learning_rate, recipe.learning_rate / 3)
    with saved(model, o.out, "aae-weights.npz", facts_of(dataset)):
        by_game(model, steps, dataset.anew, dataset.validation.images, recipe.epochs, recipe.batch_size, rng,
                decay=False, measure=at(doubling(recipe.epochs), look), progress=False)  # fmt: skip
    return cuts


def report_surgery(vae: dict[int, Surgery], aae: dict[int, Surgery], dataset: Dataset) -> None:
    """Print the surgery of the VAE and of the AAE at the end of training.  vae, aae: surgeries by epoch."""
    N = len(dataset.train)
    print(
        f"\nafter training, {N:,} training digits, estimates from draws of z, nats ± standard error; I(x;z) is at most "
        f"ln {N:,} = {np.log(N):.2f}"
    )
    print("mean KL(q(z|x)‖p(z)) = I(x;z) + KL(q(z)‖p(z))")
    for name, cuts in (("VAE", vae), ("AAE", aae)):
        s = list(cuts.values())[-1]
        terms = (f"{value:.3f} ± {error:.3f}" for value, error in (s.mean_kl, s.mutual_information, s.marginal_kl))
        print(f"{name}: {' = '.join([next(terms), ' + '.join(terms)])}")


def draw_surgery(vae: dict[int, Surgery], aae: dict[int, Surgery], dataset: Dataset) -> Figure:
    """Draw the two parts of E KL(q(z|x) ‖ p(z)) over the epochs.  vae, aae: surgeries of the two models by epoch."""
    figure, axes, above = panels(2, legend=0.45)
    axes[1].sharey(axes[0])
    for ax, (name, cuts) in zip(axes, (("VAE", vae), ("AAE", aae)), strict=True):
        epochs = list(cuts)
        information, marginal = (
            [getattr(s, term)[0] for s in cuts.values()] for term in ("mutual_information", "marginal_kl")
        )
        ax.stackplot(
            epochs, information, np.maximum(marginal, 0), colors=[plot.SERIES[2], plot.SERIES[3]],
            labels=["I(x; z), information of z about x", "KL(q(z) ‖ p(z)), of all codes from the prior"],
        )  # fmt: skip
        ax.axhline(np.log(len(dataset.train)), color=plot.INK, linestyle=":", linewidth=1)
        over_epochs(ax, epochs)
        plot.finish(ax, "epoch", "nats/image", f"{name}: mean of KL(q(z|x) ‖ p(z))")
        ax.annotate(f"ln {len(dataset.train):,}", (epochs[0], np.log(len(dataset.train))), va="bottom")
    highest = max(s.mutual_information[0] + s.marginal_kl[0] for s in (*vae.values(), *aae.values()))
    axes[0].set_ylim(0, max(1.15 * np.log(len(dataset.train)), 1.05 * highest))
    legend(above, axes[0], 1)
    return figure


# -- a linear VAE, whose optimum has a closed form


def draw_ppca(dataset: Dataset, rng: np.random.Generator, d: int = 8, steps: int = 600) -> Figure:
    """Train a linear VAE on the grey levels of the digits, and draw it beside the closed form of probabilistic PCA.

    d: dimension of z. steps: training steps.
    """
    x = (dataset.train.levels / 16).astype(np.float64)
    best = ProbabilisticPCA(dataset.D, d, rng=rng).astype(np.float64).fit(x)
    model = linear_vae(dataset.D, d, rng=rng).astype(np.float64)
    decoder: Any = model.decoder
    decoder.body.bias.data[...] = x.mean(axis=0)
    optimizer, elbos = Adam(model, 0.01), []
    for _ in range(steps):
        model.zero_grad()
        loss = model.loss(x, rng=rng)
        loss.backward()
        optimizer.step()
        elbos.append(-loss.item())
    optimum = best.log_prob(x).data.mean()
    variance, learned = (float(np.exp(m.log_var.data.squeeze())) for m in (best, decoder))
    W = decoder.body.weight.data.T
    cosines = np.linalg.svd(np.linalg.qr(W)[0].T @ np.linalg.qr(best.W.data)[0], compute_uv=False)

    figure, (curve, spectrum), _ = panels(2, height=3.6)
    curve.plot(range(1, steps + 1), elbos, color=plot.SERIES[1], label="ELBO of a linear VAE")
    curve.axhline(optimum, color=plot.SERIES[0], linestyle="--", label="maximum of ln p(x), closed form")
    curve.set_ylim(optimum - 60, optimum + 10)
    plot.finish(curve, "training step", "nats/image", f"linear VAE, z of {d} dimensions")
    curve.legend(loc="lower right")
    values = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    found = np.sort(np.linalg.eigvalsh(W.T @ W))[::-1] + learned
    spectrum.plot(range(1, 21), values[:20], "o-", color=plot.SERIES[5], label="eigenvalues of the covariance")
    spectrum.plot(
        range(1, d + 1), found, "x", color=plot.SERIES[1], markersize=8, label="eigenvalues of WᵀW + σ², learned"
    )
    spectrum.axhline(
        variance, color=plot.SERIES[0], linestyle="--", label=f"mean of the other eigenvalues: {variance:.4f}"
    )
    spectrum.axhline(learned, color=plot.SERIES[1], linestyle=":", label=f"σ², learned: {learned:.4f}")
    title = f"cosines between the subspaces: {cosines.min():.3f} … {cosines.max():.3f}"
    spectrum.set_xticks([1, 5, 10, 15, 20])
    plot.finish(spectrum, "component", "variance", title)
    spectrum.legend()
    return figure
