"""What models of every kind share: how they look at what they are given."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import minigen
from minigen.aae import SemiSupervisedAAE, SemiSupervisedSteps, StyleEncoder, discriminator_network
from minigen.analysis.parzen import ParzenWindow
from minigen.analysis.ppca import ProbabilisticPCA
from minigen.decoders import BernoulliDecoder, GaussianDecoder
from minigen.encoders import GaussianEncoder
from minigen.gan import GAN
from minigen.gaussian_ar import GaussianAR
from minigen.model import Binary, ExplicitModel, GenerativeModel, Real, States
from minigen.nade import NADE
from minigen.nn.layers import Linear
from minigen.pixelrnn import PixelRNN
from minigen.priors import StandardNormal
from minigen.rnade import RNADE
from minigen.training.optim import Adam
from minigen.training.steps import Descent
from minigen.vae import VAE
from tests.minigen.models import BINARY
from tests.minigen.test_device import MODELS, D, with_step


@pytest.fixture
def looks(monkeypatch):
    """A list that grows by the shape of each batch whose values are looked at."""
    seen = []
    for kind in (Real, Binary, States):
        of = kind.complaint
        monkeypatch.setattr(kind, "complaint", lambda self, x, of=of: seen.append(x.shape) or of(self, x))
    return seen


def same(x):
    return x


def vae(kind, decoder, *k):
    return lambda rng: kind(GaussianEncoder(same, D, 2, rng), decoder(rng), StandardNormal(2), *k)


WITH_ONE_LOSS = {
    **{name: lambda rng, make=make: make(D, rng) for name, make in BINARY.items()},
    "grey PixelRNN": lambda rng: PixelRNN((4, 4), "row", 4, rng, levels=3, kernel=3),
    "RNADE": lambda rng: RNADE(D, 4, rng),
    "GaussianAR": lambda rng: GaussianAR(D, 2),
    "PPCA": lambda rng: ProbabilisticPCA(D, 2, rng),
    "VAE of binary pixels": vae(VAE, lambda rng: BernoulliDecoder(Linear(2, D, rng), D)),
    "VAE of real pixels": vae(VAE, lambda rng: GaussianDecoder(Linear(2, D, rng), D)),
}


@pytest.mark.parametrize("name", WITH_ONE_LOSS)
def test_a_batch_is_checked_once_when_it_is_scored_and_once_in_a_step(name, looks, rng):
    """By each model of an ensemble, of which each looks for values of its own."""
    model, x = WITH_ONE_LOSS[name](rng), np.eye(D)[:8]
    step = Descent(model, Adam(model, 0.01))
    scores = lambda x: model.log_prob(x, 2, rng) if isinstance(model, VAE) else model.log_prob(x)
    for use in (scores, lambda x: model.loss(x, rng), model.validation_loss, lambda x: step(x, rng)):
        looks.clear()
        use(x)
        assert looks == [(8, D)] * len(getattr(model, "models", [model]))


@pytest.mark.parametrize("name", [name for name in MODELS if "AAE" in name or "GAN" in name])
def test_a_batch_is_checked_once_for_all_the_losses_of_a_step(name, looks, rng):
    model, step = with_step(name, rng)
    for use in (lambda x: step(x, rng), model.validation_loss):
        looks.clear()
        use(np.eye(D)[:8])
        assert looks == [(8, D)]


def test_a_semi_supervised_step_checks_its_two_batches_once(looks, rng):
    encoder = StyleEncoder(same, D, 3, 2, rng)
    model = SemiSupervisedAAE(
        encoder,
        BernoulliDecoder(Linear(5, D, rng), D),
        StandardNormal(2),
        discriminator_network(3, (4,), rng),
        discriminator_network(2, (4,), rng),
    )
    SemiSupervisedSteps(model, 0.01, 0.01, np.eye(D)[:5], np.arange(5) % 3)(np.eye(D)[:8], rng)
    assert looks == [(8, D), (5, D)]


def test_sample_and_complete_have_one_signature_in_all_models():
    for module in pkgutil.walk_packages(minigen.__path__, "minigen."):
        importlib.import_module(module.name)
    models = [GenerativeModel]
    for model in models:
        models += [kind for kind in model.__subclasses__() if kind.__module__.startswith("minigen.")]
        assert list(inspect.signature(model.sample).parameters) == ["self", "n", "rng"]
        if issubclass(model, ExplicitModel):
            assert list(inspect.signature(model.complete).parameters) == ["self", "x", "seen", "rng"]
    assert {NADE, GAN, ParzenWindow} < set(models)


def test_a_window_checks_what_it_scores_once(looks):
    ParzenWindow(np.eye(D), 0.5).log_prob(np.eye(D)[:8])
    assert looks == [(8, D)]
