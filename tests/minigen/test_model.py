"""What models of every kind share: how they look at what they are given."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import minigen
from autograd import detect_anomaly
from minigen.aae import SemiSupervisedAAE, SemiSupervisedSteps, StyleEncoder, discriminator_network
from minigen.analysis.parzen import ParzenWindow
from minigen.analysis.ppca import ProbabilisticPCA
from minigen.conditional import Conditional
from minigen.decoders import BernoulliDecoder, GaussianDecoder
from minigen.encoders import GaussianEncoder
from minigen.errors import DivergedError
from minigen.gan import GAN
from minigen.gaussian_ar import GaussianAR
from minigen.model import Binary, ExplicitModel, GenerativeModel, Real, States, log_probs
from minigen.nade import NADE
from minigen.nn.layers import Linear, mlp
from minigen.nn.rnn import LSTM
from minigen.pixelrnn import PixelRNN
from minigen.priors import StandardNormal
from minigen.rnade import RNADE
from minigen.table import IndependentBernoulli
from minigen.training.optim import Adam
from minigen.training.steps import Descent
from minigen.uses import anomaly_scores
from minigen.vae import VAE, bernoulli_vae
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
    return lambda rng: kind(GaussianEncoder(same, D, 2, rng=rng), decoder(rng), StandardNormal(2), *k)


WITH_ONE_LOSS = {
    **{name: lambda rng, make=make: make(D, rng) for name, make in BINARY.items()},
    "grey PixelRNN": lambda rng: PixelRNN((4, 4), "row", 4, levels=3, kernel=3, rng=rng),
    "RNADE": lambda rng: RNADE(D, 4, rng=rng),
    "GaussianAR": lambda rng: GaussianAR(D, 2),
    "PPCA": lambda rng: ProbabilisticPCA(D, 2, rng=rng),
    "VAE of binary pixels": vae(VAE, lambda rng: BernoulliDecoder(Linear(2, D, rng=rng), D)),
    "VAE of real pixels": vae(VAE, lambda rng: GaussianDecoder(Linear(2, D, rng=rng), D)),
}


@pytest.mark.parametrize("name", WITH_ONE_LOSS)
def test_a_batch_is_checked_once_when_it_is_scored_and_once_in_a_step(name, looks, rng):
    """By each model of an ensemble, of which each looks for values of its own."""
    model, x = WITH_ONE_LOSS[name](rng), np.eye(D)[:8]
    step = Descent(model, Adam(model, 0.01))
    scores = lambda x: model.log_prob(x, 2, rng=rng) if isinstance(model, VAE) else model.log_prob(x)
    for use in (scores, lambda x: model.loss(x, rng=rng), model.validation_loss, lambda x: step(x, rng)):
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


def test_a_semi_supervised_step_checks_its_labelled_images_once_and_each_batch_once(looks, rng):
    encoder = StyleEncoder(same, D, 3, 2, rng=rng)
    model = SemiSupervisedAAE(
        encoder,
        BernoulliDecoder(Linear(5, D, rng=rng), D),
        StandardNormal(2),
        discriminator_network(3, (4,), rng=rng),
        discriminator_network(2, (4,), rng=rng),
    )
    step = SemiSupervisedSteps(model, 0.01, 0.01, np.eye(D)[:5], np.arange(5) % 3)
    for _ in range(2):
        step(np.eye(D)[:8], rng)
    assert looks == [(5, D), (8, D), (8, D)]


def test_sample_and_complete_have_one_signature_in_all_models():
    for module in pkgutil.walk_packages(minigen.__path__, "minigen."):
        importlib.import_module(module.name)
    models = [GenerativeModel]
    for model in models:
        models += [kind for kind in model.__subclasses__() if kind.__module__.startswith("minigen.")]
        label = ["y"] if issubclass(model, Conditional) else []
        assert list(inspect.signature(model.sample).parameters) == ["self", "n", *label, "rng"]
        if issubclass(model, ExplicitModel):
            assert list(inspect.signature(model.complete).parameters) == ["self", "x", "seen", "rng"]
    assert {NADE, GAN, ParzenWindow} < set(models)


def test_a_window_checks_what_it_scores_once(looks):
    ParzenWindow(np.eye(D), 0.5).log_prob(np.eye(D)[:8])
    assert looks == [(8, D)]


# -- what is reported is a number, or an error


class Faulty(IndependentBernoulli):
    """Its density of an image whose first pixel is 1 is nan, or another number."""

    block, answer = 2, np.nan

    def log_prob(self, x):
        return np.where(x[:, 0] == 1, self.answer, super().log_prob(x))


def test_a_nan_in_a_likelihood_is_an_error_that_says_where_it_began():
    """Of which model, in which image first, and what to do; an image that the blocks put elsewhere keeps its number."""
    model, x = Faulty(3), np.zeros((7, 3))
    x[[4, 6], 0] = 1
    said = (
        r"^ln p\(x\) of Faulty is nan for 2 of 7 images, first in row 4: compute it inside autograd.detect_anomaly\(\)"
    )
    for use in (log_probs, Faulty.validation_loss, anomaly_scores):
        with pytest.raises(DivergedError, match=said):
            use(model, x)
    assert log_probs(model, x[:4]).shape == (4,)


def test_a_density_of_0_is_a_likelihood():
    model, x = Faulty(3), np.eye(3)
    model.answer = -np.inf
    np.testing.assert_array_equal(log_probs(model, x), [-np.inf, *model.log_prob(x[1:]).data])
    assert model.validation_loss(x) == np.inf


def test_weights_that_are_not_finite_are_named_as_the_cause(rng):
    """The likelihood, the two terms of the ELBO and the estimate, of every model."""
    model, x = IndependentBernoulli(3), np.zeros((2, 3))
    model.flat[1] = np.nan
    with pytest.raises(DivergedError, match="2 of 2 images, first in row 0: the model's weights are not finite"):
        log_probs(model, x)
    model = bernoulli_vae(3, (4,), 2, rng=rng)
    model.decoder.body.layers[-1].bias.data[0] = np.nan
    for of, use in {
        "the ELBO": lambda: model.elbos(x, rng=rng),
        "the ELBO of VAE is nan": lambda: model.validation_loss(x),
        r"the estimate of ln p\(x\)": lambda: model.log_prob(x, 3, rng=rng),
    }.items():
        with pytest.raises(DivergedError, match=f"^{of}.* for 2 of 2 images, first in row 0: the model's weights"):
            use()


def test_the_operation_that_made_a_nan_is_named_where_the_error_says(rng):
    """The cure of the message works: inside `detect_anomaly` the same call names the operation and the line."""
    model, x = bernoulli_vae(3, (4,), 2, rng=rng), np.zeros((2, 3))
    model.encoder.head.bias.data[2:] = 200.0  # σ = e¹⁰⁰ is beyond float32
    model.kl = "sampled"
    with np.errstate(all="ignore"):
        with pytest.raises(DivergedError, match=r"first in row 0: compute it inside autograd.detect_anomaly\(\)"):
            model.elbos(x, rng=rng)
        with detect_anomaly(), pytest.raises(FloatingPointError, match=r"np.exp made .* in sample"):
            model.elbos(x, rng=rng)


# -- randomness


CALLBACKS = {"__call__", "moves", "one_pass", "settings_of", "noise", "explained", "culprit"}
"""What training calls with the generator of the run, which all of its draws come from."""


def takes_rng():
    """Every public function, method and class of minigen that has a parameter `rng`, by name."""
    for module in pkgutil.walk_packages(minigen.__path__, "minigen."):
        for name, item in vars(importlib.import_module(module.name)).items():
            elsewhere = getattr(item, "__module__", "") != module.name or name.startswith("_")
            is_error = inspect.isclass(item) and issubclass(item, Exception)  # it has no signature in Python 3.11
            if elsewhere or is_error or module.name.endswith((".capture", ".noise", ".errors")):
                continue
            of_class = vars(item).items() if inspect.isclass(item) else ()
            members = {name: item} | {f"{name}.{k}": v for k, v in of_class}
            for full, member in members.items():
                last = full.split(".")[-1]
                if callable(member) and last not in CALLBACKS and not last.startswith("_"):
                    parameters = inspect.signature(member).parameters
                    if "rng" in parameters:
                        yield f"{module.name}.{full}", parameters["rng"]


def test_randomness_is_one_keyword_everywhere():
    """`rng=`: a generator, a seed or None, as in `np.random.default_rng`; Run is fit's own."""
    found = dict(takes_rng())
    assert len(found) > 80
    wrong = {name for name, rng in found.items() if rng.kind is not rng.KEYWORD_ONLY or rng.default is not None}
    assert wrong == {"minigen.training.run.Run", "minigen.training.run.refuse_what_does_not_fit"}


@pytest.mark.parametrize("make", WITH_ONE_LOSS.values(), ids=WITH_ONE_LOSS)
def test_a_seed_is_the_generator_that_numpy_makes_of_it(make):
    """In a loss, a sample, a bound of many images and an estimate, whose draws are many."""
    model = make(np.random.default_rng(3))
    model.block = 2
    x = (np.random.default_rng(0).random((7, model.D)) < 0.5).astype(float)
    uses = [lambda rng: model.loss(x, rng=rng).item(), lambda rng: model.sample(5, rng=rng)]
    if isinstance(model, VAE):
        uses += [lambda rng: model.elbos(x, rng=rng).value, lambda rng: model.log_prob(x, 5, rng=rng).value]
    for use in uses:
        np.testing.assert_array_equal(use(5), use(np.random.default_rng(5)))


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: NADE(6, 4, rng=rng),
        lambda rng: PixelRNN((2, 3), "diagonal", 4, rng=rng),
        lambda rng: bernoulli_vae(6, (5, 4), 2, rng=rng),
        lambda rng: mlp((3, 4, 5), np.tanh, rng=rng),
        lambda rng: LSTM(3, 4, layers=2, bidirectional=True, rng=rng),
    ],
)
def test_a_seed_makes_the_weights_that_its_generator_makes(make):
    np.testing.assert_array_equal(make(3).flat, make(np.random.default_rng(3)).flat)
