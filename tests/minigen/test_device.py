"""E-6 for models: the same training on NumPy and on the device, from the same seed, with nothing crossing unasked.

Without a GPU the device is the stand-in, which mixes with no host array. See `tests.standin`.
"""

from functools import partial

import numpy as np
import pytest

from autograd import backend, no_grad
from minigen import dcgan
from minigen.aae import AAE, Steps, discriminator_network
from minigen.analysis.latent import complete_aae, complete_vae, log_prob_aae
from minigen.analysis.ppca import ProbabilisticPCA
from minigen.analysis.surgery import surgery
from minigen.ar import AR
from minigen.decoders import BernoulliDecoder
from minigen.encoders import DeterministicEncoder
from minigen.eonade import EoNADE
from minigen.gan import GAN, Game
from minigen.gaussian_ar import GaussianAR
from minigen.nade import NADE
from minigen.nn.arrays import plain
from minigen.nn.functions import leaky_relu, relu, sigmoid
from minigen.nn.layers import Linear, Sequential, mlp
from minigen.nn.normalisation import SpectralNorm
from minigen.penalties import gradient_penalty, r1_penalty
from minigen.pixelrnn import PixelRNN
from minigen.priors import Flower, MixturePrior, StandardNormal
from minigen.rnade import RNADE
from minigen.training.loop import fit
from minigen.training.optim import SGD, Adam
from minigen.training.steps import Descent
from minigen.uses import complete, denoise
from minigen.vae import bernoulli_vae
from tests import standin
from tests.conftest import trained_as_on_numpy

SHAPE = (4, 4)
D = 16


def vae(rng, prior=None, covariance="diagonal"):
    model = bernoulli_vae(D, (9,), 2, covariance=covariance, rng=rng)
    if prior:
        model.prior = prior(rng)
    return model


def gan(rng, objective="non-saturating", penalty=None, convolutions=False, spectral=False):
    if spectral:
        critic = Sequential(
            SpectralNorm(Linear(D, 9, rng=rng), rng=rng), relu, SpectralNorm(Linear(9, 1, rng=rng), rng=rng)
        )
        networks = mlp((3, 9, D), relu, last=sigmoid, rng=rng), critic
    elif convolutions:
        networks = dcgan.generator(SHAPE, 3, 4, rng=rng), dcgan.discriminator(SHAPE, 4, rng=rng)
    else:
        networks = mlp((3, 9, D), relu, last=sigmoid, rng=rng), mlp((D, 9, 1), leaky_relu, rng=rng)
    return GAN(*networks, StandardNormal(3), D, objective, penalty)


def aae(rng):
    decoder = BernoulliDecoder(mlp((2, 9, D), relu, rng=rng), D)
    return AAE(
        DeterministicEncoder(mlp((D, 9), relu, rng=rng), 9, 2, rng=rng),
        decoder,
        StandardNormal(2),
        discriminator_network(2, (9,), rng=rng),
    )


MODELS = {
    "AR": lambda rng: AR(D, 3),
    "NADE": lambda rng: NADE(D, 7, rng=rng),
    "EoNADE": lambda rng: EoNADE(D, 7, rng=rng),
    "RNADE": lambda rng: RNADE(D, 7, 2, rng=rng),
    **{name: partial(lambda rng, name: PixelRNN(SHAPE, name, 5, rng=rng), name=name)
       for name in ("raster", "row", "diagonal", "cnn")},
    "VAE": vae,
    "VAE, mixture prior": partial(vae, prior=lambda rng: MixturePrior(2, 2, rng=rng)),
    "VAE, full covariance, flower": partial(vae, prior=lambda rng: Flower(3), covariance="full"),
    "AAE": aae,
    "GAN": gan,
    "WGAN-GP": partial(gan, objective="wasserstein", penalty=partial(gradient_penalty, weight=10)),
    "GAN, R1": partial(gan, penalty=partial(r1_penalty, weight=1)),
    "DCGAN": partial(gan, convolutions=True),
    "GAN, spectral normalisation": partial(gan, objective="hinge", spectral=True),
}  # fmt: skip


def with_step(name, rng):
    """A model, and what takes its steps."""
    model = MODELS[name](rng).astype(np.float64)
    if isinstance(model, GAN):
        return model, Game(model, 0.01, 0.01)
    if isinstance(model, AAE):
        return model, Steps(model, 0.01, 0.01)
    return model, Descent(model, Adam(model, 0.01) if name != "AR" else SGD(model, 0.01, momentum=0.5))


def trained(name):
    """Two epochs of three batches; the model and its losses."""
    rng = np.random.default_rng(0)
    model, step = with_step(name, rng)
    x = (rng.random((24, D)) < 0.4).astype(np.float64)
    history = fit(model, step, x, x[:8], rng=rng, epochs=2, batch_size=8, keep_best=False)
    return model, [(e.train_loss, e.validation_loss) for e in history.epochs]


@pytest.mark.parametrize("name", MODELS)
def test_e6_training_on_the_device_is_training_on_numpy(name, library):
    model, _ = trained_as_on_numpy(trained, name, library)
    samples = model.sample(5, rng=np.random.default_rng(0))
    assert isinstance(samples, np.ndarray)
    assert samples.shape == (5, D)


def test_what_is_asked_of_trained_models_is_answered_on_the_host(library, rng):
    x = (rng.random((6, D)) < 0.4).astype(float)
    completed = EoNADE(D, 7, rng=rng).complete(x, np.arange(D) < 5, rng=rng)
    np.testing.assert_array_equal(completed[:, :5], x[:, :5])
    model = vae(rng, covariance="full")
    with no_grad():
        found = surgery(model.posterior(model.checked(x)), model.prior.distribution(), rng=rng)
    kl, information, marginal = (value for value, _ in (found.mean_kl, found.mutual_information, found.marginal_kl))
    assert kl == pytest.approx(information + marginal)
    assert isinstance(model.log_prob(x, 10, rng=rng).value, np.ndarray)
    seen = np.arange(D) < 5
    for images, means, _ in (complete_vae(model, x, seen, 3, rng=rng), complete_aae(aae(rng), x, seen, 7, rng=rng)):
        assert isinstance(images, np.ndarray)
        assert isinstance(means, np.ndarray)
        np.testing.assert_array_equal(images[:, :5], x[:, :5])
    assert isinstance(log_prob_aae(aae(rng), x, 7, rng=rng).value, np.ndarray)


def of_two_uses(x):
    """Gibbs sampling with NADE, in both of its uses."""
    model = NADE(D, 7, rng=0).astype(np.float64)
    return [*complete(model, x, np.arange(D) >= 5, 2, rng=0), *denoise(model, x, 0.1, 2, rng=0)]


def of_a_series(x):
    """All that is asked of an AR(2) process of real numbers."""
    model = GaussianAR(D, 2).fit(x, "yule-walker")
    forecast = model.forecast(x, 3)
    draws = [model.sample(4, rng=0), model.continuations(x, 3, rng=0)]
    return [*draws, forecast.mean, forecast.log_var, model.uniforms(x), model.log_prob(x), model.spectrum([0.1, 0.2])]


def of_probabilistic_pca(x):
    """All that is asked of probabilistic PCA, and draws of the VAE that is the same model."""
    model = ProbabilisticPCA(D, 2, rng=0).fit(x)
    vaes = [model.as_vae(covariance) for covariance in ("full", "diagonal")]
    return [model.sample(4, rng=0), model.log_prob(x), model.posterior(x).mean, *(vae.sample(4, rng=0) for vae in vaes)]


@pytest.mark.parametrize("asked", [of_two_uses, of_a_series, of_probabilistic_pca])
def test_answers_are_those_of_numpy(asked, library, rng):
    """Planted: Gibbs sampling of pixels that stay on the device."""
    x = (rng.random((20, D)) < 0.4).astype(float)
    answers = asked(x)
    with backend.use("numpy"):
        expected = asked(x)
    for found, number in zip(answers, expected, strict=True):
        np.testing.assert_allclose(backend.to_numpy(plain(found)), plain(number), rtol=1e-5, atol=1e-6)


def test_a_list_is_looked_at_before_it_goes_to_the_device(library, rng):
    with pytest.raises(ValueError, match="binarise"):
        NADE(D, 3, rng=rng).log_prob([[2.0] * D])


@pytest.mark.parametrize(
    ("name", "losses", "sent"),
    [
        ("AR", 1, 1),
        ("NADE", 1, 1),
        ("raster", 1, 1),
        ("VAE", 1, 2),  # and ε
        ("GAN", 2, 3),  # and z, and the rate of the average
        ("WGAN-GP", 2, 4),  # and u
    ],
)
def test_a_step_waits_once_for_each_loss_and_the_norm_of_its_gradient(name, losses, sent, monkeypatch):
    """What a step sends to the device is its batch and its noise."""
    standin.install(monkeypatch)
    with backend.use("cupy"):
        rng = np.random.default_rng(0)
        _, step = with_step(name, rng)
        x = (rng.random((8, D)) < 0.4).astype(np.float64)
        step(x, rng)  # lays out what later steps use
        before = standin.CROSSED.copy()
        step(x, rng)
    assert standin.CROSSED - before == {"to the host": losses, "to the device": sent}
