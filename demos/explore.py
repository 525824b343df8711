"""The effect of z on the image: sliders over the dimensions of z of a VAE, or over the most important directions of z
of a GAN. With `--show`, a window has sliders to move; without it, the demo writes a row of images for each slider."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.widgets import Button, Slider

from demos import gan_digits, windows
from demos.common import add_data_options, load, number, parser
from demos.figures import panel, save_pictures
from demos.output import facts_of, loaded, saved
from demos.printed import print_sizes
from demos.recipes import PRIORS, Recipe, add_option, as_asked, by_gradient, recipe_of, variational
from minigen import plot
from minigen.analysis.quality import nearest
from minigen.data.sets import Dataset, real_valued
from minigen.encoders import COVARIANCES
from minigen.gan import GAN
from minigen.training.history import History
from minigen.vae import VAE

MODELS = ("vae", "gan")
SLIDERS, REACH = 8, 3.0
"""Maximal number of sliders, and the largest value of a slider, in standard deviations of N(0, I)."""
QUICK = 5
"""The number of epochs of the recipe is divided by this number, if the demo trains the model itself."""


def options(arguments: list[str]) -> Namespace:
    p = parser("explore")
    add_data_options(p)
    p.add_argument("--weights", metavar="FILE",
                   help="model that the demo vae or gan_digits wrote, such as out/vae/weights.npz; without this option "
                        "a model is trained for a short time, with the options below")  # fmt: skip
    p.add_argument("--model", choices=MODELS, default="vae",
                   help="kind of model: the VAE of the demo vae, or the GAN of the demo gan_digits")  # fmt: skip
    p.add_argument("--prior", choices=PRIORS, default="normal",
                   help="prior p(z) of a VAE: a standard normal, a mixture of normals, or a VampPrior")  # fmt: skip
    p.add_argument("--posterior", choices=COVARIANCES, default="diagonal",
                   help="covariance matrix of the encoder's normal distribution q(z|x) of a VAE")  # fmt: skip
    p.add_argument("--network", choices=gan_digits.NETWORKS, default="mlp",
                   help="networks of a GAN: fully connected layers (mlp) or convolutions (dcgan)")  # fmt: skip
    for name in ("hidden", "layers", "latent", "epochs"):
        add_option(p, name, f"value of the demo vae or gan_digits{f' / {QUICK}' if name == 'epochs' else ''}")
    p.add_argument("--sliders", type=number(int), default=SLIDERS, metavar="N", help="maximal number of sliders")
    p.set_defaults(objective="non-saturating", penalty="r1", discriminator_steps=1)  # settings of a GAN
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    dataset = load(o.data, o.data_folder)
    if o.weights:
        model = loaded(o.weights, dataset, VAE, GAN)
        print_sizes(dataset)
    else:
        model = trained(o, dataset, rng)
    latent = of_vae(model, dataset, o, rng) if isinstance(model, VAE) else of_gan(model, real_valued(dataset), o, rng)
    print(
        "\neffect of a slider: norm of the image's derivative along its direction, root mean square over samples of z"
    )
    print(f"{'slider':<10}{'‖∂image/∂slider‖':>20}")
    for name, slope in zip(latent.names, latent.slopes, strict=True):
        print(f"{name:<10}{slope:>20.2f}")
    if o.show:
        figure = windows.managed(Figure(figsize=(10, 5.5)), "explore")
        _explorer = Explorer(figure, latent, rng)  # the name keeps the explorer alive as long as its window
    save_pictures(o, {"explore.png": draw_strip(latent)})
    return 0


# -- the models


@dataclass(frozen=True)
class Latent:
    """A trained model, as the sliders use it.

    title: formula of the image. dataset: of real images. decode: z → image, (…, d) → (…, D). sample: (n, rng=…) →
    samples of the prior, (n, d). directions: of the sliders, orthonormal, (k, d). names: of the sliders. slopes: norm
    of the image's derivative along each direction, root mean square over z, (k,). encode: images → z, or None.
    """

    title: str
    dataset: Dataset
    decode: Callable[[np.ndarray], np.ndarray]
    sample: Callable[..., np.ndarray]
    directions: np.ndarray
    names: list[str]
    slopes: np.ndarray
    encode: Callable[[np.ndarray], np.ndarray] | None = None


def trained(o: Namespace, dataset: Dataset, rng: np.random.Generator) -> VAE | GAN:
    """Return a model that is trained for a short time, as the command line asks, and write it to a file."""
    if o.model == "gan":
        images = real_valued(dataset)
        print_sizes(images)
        o.recipe = shortened(o, gan_digits.NETWORKS[o.network])
        gan = gan_digits.untrained(o, images, rng)
        with saved(gan, o.out, facts=facts_of(images)):
            history = gan_digits.play(gan, o, images, rng)
        print_how_it_ended(history, "GAN")
        return gan
    print_sizes(dataset)
    recipe = shortened(o, "VAE")
    vae = variational(recipe, dataset, rng, o.prior, o.posterior)
    with saved(vae, o.out, facts=facts_of(dataset)):
        history = by_gradient(vae, recipe, dataset, rng)
    print_how_it_ended(history, "VAE")
    return vae


def of_vae(model: VAE, dataset: Dataset, o: Namespace, rng: np.random.Generator) -> Latent:
    """Return a VAE with a slider for each of the dimensions of z that change the image most.

    If q(z|x) is diagonal, the prior fitting term makes the dimensions of z independent given x. This aligns the axes of
    z with the variation of the images.
    """
    C = squared_slopes(model.decode, model.prior.sample(200, rng=rng))
    order = np.argsort(-np.diagonal(C), kind="stable")[: o.sliders]
    return Latent(
        "E[x|z]",
        dataset,
        model.decode,
        model.prior.sample,
        np.eye(model.d)[order],
        [f"z{i + 1}" for i in order],
        np.sqrt(np.diagonal(C)[order]),
        model.encode,
    )


def of_gan(gan: GAN, dataset: Dataset, o: Namespace, rng: np.random.Generator) -> Latent:
    """Return a GAN with a slider for each direction v of z along which G(z) changes most: eigenvectors of
    `squared_slopes`.

    A single dimension of z has no meaning in a GAN: N(0, I) is the same after any rotation, and the first layer of the
    generator can undo a rotation.
    """
    values, vectors = np.linalg.eigh(squared_slopes(gan.generate, gan.prior.sample(200, rng=rng)))
    most = slice(None, -o.sliders - 1, -1)  # eigh returns the largest eigenvalue last
    slopes = np.sqrt(np.maximum(values[most], 0))
    names = [f"v{i + 1}" for i in range(len(slopes))]
    return Latent("G(z)", dataset, gan.generate, gan.prior.sample, vectors.T[most], names, slopes)


def shortened(o: Namespace, model: str) -> Recipe:
    """Return the recipe of a model with its epochs divided by QUICK, and with the options of the command line."""
    recipe = recipe_of(model, o.data)
    quick = replace(recipe, epochs=-(-recipe.epochs // QUICK), warm_up=recipe.warm_up // QUICK)
    return as_asked(quick, o)


def print_how_it_ended(history: History, model: str) -> None:
    """Print how the short training ended.  model: "VAE" or "GAN"."""
    print(
        f"short training ended after {len(history.epochs)} epochs ({history.ended}); --weights loads a better {model}"
    )


def squared_slopes(decode: Callable[[np.ndarray], np.ndarray], z: np.ndarray, step: float = 0.05) -> np.ndarray:
    """Return C = E[J Jᵀ], the mean over z of the squared Jacobian J = ∂x/∂z, (d, d), by central differences.

    For a unit vector v, vᵀ C v is the mean squared norm of the derivative of the image along v.
    decode: z → image. z: (n, d). step: of the differences.
    """
    aside = step * np.eye(z.shape[1])
    J = (decode(z[:, None] + aside) - decode(z[:, None] - aside)) / (2 * step)
    return np.einsum("nip,njp->ij", J, J) / len(z)


# -- pictures


def draw_strip(latent: Latent, columns: int = 13) -> Figure:
    """Draw a row of images for each slider, which moves from −REACH to REACH while all other sliders are 0.

    The image in the middle is z = 0. A GAN may have no good image there, because samples of N(0, I) in many dimensions
    are almost never near 0, so the generator was not trained there.
    """
    along = np.linspace(-REACH, REACH, columns)
    rows = latent.decode(along[None, :, None] * latent.directions[:, None])
    height, width = latent.dataset.shape
    figure, ax = panel(0.6 + 0.33 * len(rows) * height / width)
    title = f"{latent.title}: one slider moves, the others are 0"
    plot.image_rows(ax, rows, latent.dataset.shape, title, latent.names)
    ax.set_xticks(np.arange(columns) * (width + 1) + (width - 1) / 2, [f"{s:g}".replace("-", "−") for s in along])
    return figure


class Explorer:
    """A window with sliders, buttons, the image of z, and a real image beside it.

    The real image is the test image that was encoded or, if the model has no encoder, the nearest training image.
    figure: of the window. latent: the model. z: the current z, (d,); it may lie beyond the ends of the sliders. real:
    the real image, (D,). nothing: an empty image. made, beside: axes of both images. sliders, buttons: widgets.
    """

    def __init__(self, figure: Figure, latent: Latent, rng: np.random.Generator):
        self.figure, self.latent, self.rng = figure, latent, rng
        self.z = np.zeros(latent.directions.shape[1])
        self.real = self.nothing = np.full(latent.dataset.D, np.nan)
        places = figure.add_gridspec(1, 2, left=0.03, right=0.6, top=0.92, bottom=0.04, wspace=0.08)
        self.made, self.beside = (figure.add_subplot(places[0, i]) for i in range(2))
        self.sliders = [self.slider(i, name) for i, name in enumerate(latent.names)]
        actions = {"draw z": self.draw_z, "all at 0": self.centre}
        if latent.encode is not None:
            actions["another digit"] = self.encode_another
        self.buttons = [self.button(i, *action) for i, action in enumerate(actions.items())]
        (self.encode_another if latent.encode else self.draw_z)()

    def slider(self, i: int, name: str) -> Slider:
        """Create slider i, counted from the top."""
        ax = self.figure.add_axes((0.68, 0.86 - 0.7 * i / len(self.latent.names), 0.25, 0.05))
        slider = Slider(ax, name, -REACH, REACH, valinit=0, valfmt="%.2f", color=plot.SERIES[0], initcolor="none")
        slider.drawon = False  # `show` draws, once
        for text in (slider.label, slider.valtext):
            text.set_color(plot.INK)
        slider.on_changed(partial(self.move, i))
        return slider

    def button(self, i: int, name: str, action: Callable[[], None]) -> Button:
        """Create button i, counted from the left, which calls `action`."""
        button = Button(self.figure.add_axes((0.65 + 0.115 * i, 0.05, 0.105, 0.065)), name, color=plot.FRAME)
        button.label.set_color(plot.INK)
        button.on_clicked(lambda event: action())
        return button

    def move(self, i: int, value: float) -> None:
        """Move z along the direction of slider i, whose value is now `value`, and show the image."""
        v = self.latent.directions[i]
        self.z = self.z + (value - v @ self.z) * v
        self.show()

    def draw_z(self) -> None:
        """Show a sample of the prior."""
        self.real = self.nothing
        self.go_to(self.latent.sample(1, rng=self.rng)[0])

    def centre(self) -> None:
        """Show z = 0, the mode of N(0, I)."""
        self.real = self.nothing
        self.go_to(np.zeros_like(self.z))

    def encode_another(self) -> None:
        """Encode a random test image, and show its z."""
        images = self.latent.dataset.test.images
        self.real = images[self.rng.integers(len(images))]
        assert self.latent.encode is not None
        self.go_to(self.latent.encode(self.real[None])[0])

    def go_to(self, z: np.ndarray) -> None:
        """Set the sliders to z, and show its image.  z: (d,)."""
        self.z = z
        for slider, position in zip(self.sliders, self.latent.directions @ z, strict=True):
            slider.eventson = False  # here z moves the sliders, not the sliders z
            slider.set_val(np.clip(position, -REACH, REACH))
            slider.eventson = True
        self.show()

    def show(self) -> None:
        """Draw the image of z and the real image."""
        latent, image = self.latent, self.latent.decode(self.z[None])[0]
        if latent.encode is None:
            train = latent.dataset.train.images
            self.real = train[nearest(image[None], train)[0]]
        title = "encoded test image" if latent.encode else "nearest training image"
        for ax, pixels, name in ((self.made, image, latent.title), (self.beside, self.real, title)):
            ax.clear()
            plot.image_rows(ax, pixels[None, None], latent.dataset.shape, name)
        self.figure.canvas.draw_idle()
