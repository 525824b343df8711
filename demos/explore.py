"""What each number of z does: sliders over the latent of a VAE, or over the directions that matter to a GAN, and the
image that is made of them. With `--show` they can be moved; without, a strip of pictures for each is written."""

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
from demos.figures import save_pictures, subplots
from demos.printed import print_sizes
from demos.recipes import PRIORS, Recipe, add_option, as_asked, by_gradient, recipe_of, variational
from minigen import plot
from minigen.analysis.quality import nearest
from minigen.data.sets import Dataset, real_valued
from minigen.encoders import COVARIANCES
from minigen.training.files import load_weights
from minigen.training.history import History
from minigen.vae import VAE

MODELS = ("vae", "gan")
SLIDERS, REACH = 8, 3.0
"""How many sliders there are at most, and how far each goes to either side: in standard deviations of N(0, I)."""
QUICK = 5
"""What is trained here has so many times fewer epochs than its recipe."""


def options(arguments: list[str]) -> Namespace:
    p = parser("explore", __doc__)
    add_data_options(p)
    p.add_argument("--model", choices=MODELS, default="vae", help="that of the demo vae, or of gan_digits")
    p.add_argument("--weights", metavar="FILE", help="what that demo learned, such as out/vae/weights.npz, of the same "
                   "data and options; without it a model is trained here, shortly")  # fmt: skip
    p.add_argument("--prior", choices=PRIORS, default="normal", help="p(z) of a VAE")
    p.add_argument("--posterior", choices=COVARIANCES, default="diagonal", help="the covariance of a VAE's q(z|x)")
    p.add_argument("--network", choices=gan_digits.NETWORKS, default="mlp", help="a GAN's: layers, or convolutions")
    for name in ("hidden", "layers", "latent", "epochs"):
        add_option(p, name, f"the demo's{f' / {QUICK}' if name == 'epochs' else ''}")
    p.add_argument("--sliders", type=number(int), default=SLIDERS, metavar="N", help="at most")
    p.set_defaults(objective="non-saturating", penalty="r1", discriminator_steps=1)  # of the GAN that is trained here
    return p.parse_args(arguments)


def main(o: Namespace) -> int:
    rng = np.random.default_rng(o.seed)
    dataset = load(o.data, o.data_folder)
    latent = of_vae(o, dataset, rng) if o.model == "vae" else of_gan(o, real_valued(dataset), rng)
    print(f"\n{'slider':<10}{'slope of the image, root mean square over draws of z':>54}")
    for name, slope in zip(latent.names, latent.slopes, strict=True):
        print(f"{name:<10}{slope:>54.2f}")
    if o.show:
        figure = windows.managed(Figure(figsize=(10, 5.5)), "explore")
        _explorer = Explorer(figure, latent, rng)  # a name, so that it lives as long as its window
    save_pictures(o, {"explore.png": draw_strip(latent)})
    return 0


# -- the models


@dataclass(frozen=True)
class Latent:
    """What sliders need to know of a model.

    decode: z → its image, (…, d) → (…, D); sample: (n, rng=…) → (n, d) draws of the prior. directions: (k, d),
    orthonormal, one for each slider. names, slopes: of the sliders. encode: an image → z, where the model can.
    dataset: the images that stand beside the model's own.
    """

    title: str
    dataset: Dataset
    decode: Callable[[np.ndarray], np.ndarray]
    sample: Callable[..., np.ndarray]
    directions: np.ndarray
    names: list[str]
    slopes: np.ndarray
    encode: Callable[[np.ndarray], np.ndarray] | None = None


def of_vae(o: Namespace, dataset: Dataset, rng: np.random.Generator) -> Latent:
    """Sliders are single numbers of z, those first that change the image most. Where q(z|x) is diagonal, its prior
    fitting asks that numbers be independent given x, which turns the axes of z towards what varies in images."""
    print_sizes(dataset)
    recipe = shortened(o, "VAE")
    model: VAE = variational(recipe, dataset, rng, o.prior, o.posterior)
    if o.weights:
        load_weights(model, o.weights)
    else:
        history = by_gradient(model, recipe, dataset, rng)
        print_how_it_ended(history, "VAE")
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


def of_gan(o: Namespace, dataset: Dataset, rng: np.random.Generator) -> Latent:
    """Sliders are directions v of z, those along which G(z) changes most: the eigenvectors of `squared_slopes`.

    No single number of a GAN's z means anything: N(0, I) is the same however it is turned, and the generator's first
    layer can undo any turn, so that all would do a little of everything.
    """
    print_sizes(dataset)
    o.recipe = shortened(o, gan_digits.NETWORKS[o.network])
    gan = gan_digits.untrained(o, dataset, rng)
    if o.weights:
        load_weights(gan, o.weights)
    else:
        print_how_it_ended(gan_digits.play(gan, o, dataset, rng), "GAN")
    values, vectors = np.linalg.eigh(squared_slopes(gan.generate, gan.prior.sample(200, rng=rng)))
    most = slice(None, -o.sliders - 1, -1)  # eigh has the largest at the end
    slopes = np.sqrt(np.maximum(values[most], 0))
    names = [f"v{i + 1}" for i in range(len(slopes))]
    return Latent("G(z)", dataset, gan.generate, gan.prior.sample, vectors.T[most], names, slopes)


def shortened(o: Namespace, model: str) -> Recipe:
    """The recipe of a model for a training that one can wait for."""
    recipe = recipe_of(model, o.data)
    quick = replace(recipe, epochs=-(-recipe.epochs // QUICK), warm_up=recipe.warm_up // QUICK)
    return as_asked(quick, o)


def print_how_it_ended(history: History, model: str) -> None:
    """Say how the short training ended, and which option takes a longer one."""
    print(f"{history.ended} after {len(history.epochs)} epochs; --weights takes a {model} that learned for longer")


def squared_slopes(decode: Callable[[np.ndarray], np.ndarray], z: np.ndarray, step: float = 0.05) -> np.ndarray:
    """C = E[J Jᵀ] over these z, J = ∂x/∂z by central differences: vᵀ C v is the mean squared slope of the image along
    a unit vector v.  z: (n, d) → (d, d)."""
    aside = step * np.eye(z.shape[1])
    J = (decode(z[:, None] + aside) - decode(z[:, None] - aside)) / (2 * step)
    return np.einsum("nip,njp->ij", J, J) / len(z)


# -- pictures


def draw_strip(latent: Latent, columns: int = 13) -> Figure:
    """A row for each slider, which goes from one end to the other while all others are at 0.

    The middle is z = 0. A GAN may have no image there: of N(0, I) over many numbers hardly any draw is so near 0, so
    that its generator never had to answer for one.
    """
    along = np.linspace(-REACH, REACH, columns)
    rows = latent.decode(along[None, :, None] * latent.directions[:, None])
    height, width = latent.dataset.shape
    figure, ax = subplots(9, 1 + 0.65 * len(rows) * height / width)
    title = f"{latent.title}, one slider from −{REACH:g} to {REACH:g} and the others at 0: {latent.dataset.name}"
    plot.image_rows(ax, rows, latent.dataset.shape, title, latent.names)
    ax.set_xticks(np.arange(columns) * (width + 1) + (width - 1) / 2, [f"{s:g}".replace("-", "−") for s in along])
    return figure


class Explorer:
    """Sliders, buttons, the image of z, and a real one beside it: the test digit that was encoded, or, where the model
    cannot encode, the training image that is nearest.

    z: what is shown now. The sliders show where it is along their directions, up to their ends; z may be beyond.
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
        """The i-th from above."""
        ax = self.figure.add_axes((0.68, 0.86 - 0.7 * i / len(self.latent.names), 0.25, 0.05))
        slider = Slider(ax, name, -REACH, REACH, valinit=0, valfmt="%.2f", color=plot.SERIES[0], initcolor="none")
        slider.drawon = False  # `show` draws, once
        for text in (slider.label, slider.valtext):
            text.set_color(plot.INK)
        slider.on_changed(partial(self.move, i))
        return slider

    def button(self, i: int, name: str, action: Callable[[], None]) -> Button:
        """The i-th from the left."""
        button = Button(self.figure.add_axes((0.65 + 0.115 * i, 0.05, 0.105, 0.065)), name, color="#dfe4ec")
        button.label.set_color(plot.INK)
        button.on_clicked(lambda event: action())
        return button

    def move(self, i: int, value: float) -> None:
        """Slider i is at `value` now: z moves along its direction, and along no other."""
        v = self.latent.directions[i]
        self.z = self.z + (value - v @ self.z) * v
        self.show()

    def draw_z(self) -> None:
        """A draw of the prior."""
        self.real = self.nothing
        self.go_to(self.latent.sample(1, rng=self.rng)[0])

    def centre(self) -> None:
        """z = 0, where N(0, I) is densest."""
        self.real = self.nothing
        self.go_to(np.zeros_like(self.z))

    def encode_another(self) -> None:
        """Some test digit, and z where the encoder puts it."""
        images = self.latent.dataset.test.images
        self.real = images[self.rng.integers(len(images))]
        assert self.latent.encode is not None
        self.go_to(self.latent.encode(self.real[None])[0])

    def go_to(self, z: np.ndarray) -> None:
        """Show this z, and set the sliders to it."""
        self.z = z
        for slider, position in zip(self.sliders, self.latent.directions @ z, strict=True):
            slider.eventson = False  # z moves them here, not they z
            slider.set_val(np.clip(position, -REACH, REACH))
            slider.eventson = True
        self.show()

    def show(self) -> None:
        """The images as they are for z."""
        latent, image = self.latent, self.latent.decode(self.z[None])[0]
        if latent.encode is None:
            train = latent.dataset.train.images
            self.real = train[nearest(image[None], train)[0]]
        title = "what was encoded" if latent.encode else "nearest training image"
        for ax, pixels, name in ((self.made, image, latent.title), (self.beside, self.real, title)):
            ax.clear()
            plot.image_rows(ax, pixels[None, None], latent.dataset.shape, name)
        self.figure.canvas.draw_idle()
