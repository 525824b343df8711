"""The claims AA-1 … AA-3 and the training, in float64 where a number is exact."""

import re

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import log_softmax as scipy_log_softmax
from scipy.stats import chi2, norm

from autograd import grad
from minigen.aae import AAE, SemiSupervisedAAE, SemiSupervisedSteps, Steps, StyleEncoder, discriminator_network
from minigen.data import sets as data
from minigen.decoders import BernoulliDecoder, GaussianDecoder
from minigen.encoders import DeterministicEncoder, GaussianEncoder, NoisyEncoder
from minigen.errors import DivergedError
from minigen.nn.arrays import plain
from minigen.nn.functions import relu
from minigen.nn.layers import Linear, Sequential, mlp
from minigen.priors import Flower, MixturePrior, Prior, StandardNormal, SwissRoll
from minigen.training.loop import fit
from minigen.training.optim import lbfgs
from tests.minigen.enumeration import chi_square
from tests.minigen.models import minimise

D, H, NOISE = 12, 6, 3

ENCODERS = {
    "deterministic": lambda body, n, d, rng: DeterministicEncoder(body(0), n, d, rng=rng),
    "gaussian": lambda body, n, d, rng: GaussianEncoder(body(0), n, d, rng=rng),
    "full gaussian": lambda body, n, d, rng: GaussianEncoder(body(0), n, d, "full", rng=rng),
    "noisy": lambda body, n, d, rng: NoisyEncoder(body(NOISE), n, d, NOISE, rng=rng),
}


def small(encoder, rng, prior=None, classes=0):
    """tanh everywhere: no unit is dead, so each parameter has a gradient."""
    prior = prior or StandardNormal(2)
    body = lambda more: mlp((D + more, H), np.tanh, last=np.tanh, rng=rng)
    width = prior.d + (classes + 1 if classes else 0)
    return AAE(
        ENCODERS[encoder](body, H, prior.d, rng),
        BernoulliDecoder(mlp((prior.d, H, D), np.tanh, rng=rng), D),
        prior,
        mlp((width, H, 1), np.tanh, rng=rng),
        classes,
    ).astype(np.float64)


def small_semi(rng, d=2, classes=3):
    return SemiSupervisedAAE(
        StyleEncoder(mlp((D, H), np.tanh, last=np.tanh, rng=rng), H, classes, d, rng=rng),
        BernoulliDecoder(mlp((classes + d, H, D), np.tanh, rng=rng), D),
        StandardNormal(d),
        mlp((classes, H, 1), np.tanh, rng=rng),
        mlp((d, H, 1), np.tanh, rng=rng),
    ).astype(np.float64)


def binary(rng, n=40):
    return (rng.random((n, D)) < 0.5).astype(float)


def effects(model, step):
    """The names of the parameters that `step` changes, every number of each, and of those whose gradient it touches."""
    parameters = model.parameters()
    model.flat_grad.fill(7)
    before = {name: p.data.copy() for name, p in parameters.items()}
    step()
    moved = {name for name, p in parameters.items() if np.all(p.data != before[name])}
    assert all(np.array_equal(parameters[name].data, before[name]) for name in set(parameters) - moved)
    return moved, {name for name, p in parameters.items() if np.any(p.grad != 7)}


def names(model, *parts):
    return {name for name in model.parameters() if name.startswith(parts)}


# -- AA-1: each step changes what its name says


@pytest.mark.parametrize("encoder", [*ENCODERS, "noisy, with labels"])
def test_aa1_each_step_changes_its_own_part_and_all_of_it(encoder, rng):
    """AA-1: every number of it, for each encoder, and nothing else, gradients included.

    Planted: an adversarial step over the whole model, which makes the discriminator easier to deceive.
    """
    labels = rng.integers(-1, 10, size=40) if "labels" in encoder else None
    prior, classes = (Flower(), 10) if "labels" in encoder else (StandardNormal(2), 0)
    model, x = small(encoder.split(",")[0], rng, prior, classes), binary(rng)
    if classes:
        labels[:11] = np.arange(-1, 10)  # every weight that reads a label has a gradient
    steps = Steps(model, 0.01, 0.01)
    one = {
        "reconstruction": lambda: minimise(steps.reconstruct, model.reconstruction_loss(x, rng=rng)),
        "discriminator": lambda: minimise(steps.discriminate, model.discriminator_loss(x, labels, rng=rng)),
        "adversarial": lambda: minimise(steps.deceive, model.adversarial_loss(x, labels, rng=rng)),
    }
    roles = {"reconstruction": "autoencoder", "discriminator": "discriminator", "adversarial": "autoencoder.encoder"}
    for name, part in roles.items():
        assert effects(model, one[name]) == (names(model, part), names(model, part)), name


def test_aa1_with_some_labels_the_fourth_step_changes_the_encoder_alone(rng):
    """AA-1, semi-supervised: both discriminators are one role; labels reach the encoder, but not its style.

    Planted: a supervised step over the whole model.
    """
    model, x = small_semi(rng), binary(rng)
    labels = rng.integers(3, size=len(x))
    steps = SemiSupervisedSteps(model, 0.01, 0.01, x, labels)
    one = {
        "reconstruction": lambda: minimise(steps.reconstruct, model.reconstruction_loss(x, rng=rng)),
        "discriminator": lambda: minimise(steps.discriminate, model.discriminator_loss(x, rng=rng)),
        "adversarial": lambda: minimise(steps.deceive, model.adversarial_loss(x, rng=rng)),
        "supervised": lambda: minimise(steps.supervise, model.supervised_loss(x, labels)),
    }
    roles = {"reconstruction": "autoencoder", "discriminator": "discriminator", "adversarial": "autoencoder.encoder"}
    for name, part in roles.items():
        assert effects(model, one[name]) == (names(model, part), names(model, part)), name
    encoder, style = names(model, "autoencoder.encoder"), names(model, "autoencoder.encoder.of_z")
    assert effects(model, one["supervised"]) == (encoder - style, encoder)


@pytest.mark.parametrize("semi", [False, True])
def test_aa1_a_step_of_training_is_these_one_after_the_other(semi, rng):
    """AA-1: reconstruction, discriminator, adversarial, and the labels last; their losses are kept by name.

    Planted: an encoder that moves twice, and a discriminator that never does.
    """
    x, known, labels = binary(rng), binary(rng, 5), np.array([0, 1, 2, 1, 0])

    def fresh():
        rng = np.random.default_rng(3)
        model = small_semi(rng) if semi else small("gaussian", rng)
        rest = (known, labels, 4) if semi else ()
        return model, (SemiSupervisedSteps if semi else Steps)(model, 0.01, 0.02, *rest), rng

    model, steps, draws = fresh()
    returned = steps(x, draws)
    by_hand, its, draws = fresh()
    losses = {
        "reconstruction": minimise(its.reconstruct, by_hand.reconstruction_loss(x, rng=draws)),
        "discriminator": minimise(its.discriminate, by_hand.discriminator_loss(x, rng=draws)),
        "adversarial": minimise(its.deceive, by_hand.adversarial_loss(x, rng=draws)),
    }
    if semi:
        some = draws.integers(5, size=4)
        losses["supervised"] = minimise(its.supervise, by_hand.supervised_loss(known[some], labels[some]))
    assert steps.losses == losses
    assert returned == losses["reconstruction"]
    np.testing.assert_array_equal(model.flat, by_hand.flat)
    assert len(steps.optimizers) == len(losses)


@pytest.mark.parametrize("loss", ["reconstruction", "discriminator", "adversarial", "supervised"])
def test_the_loss_that_diverges_is_named(loss, rng, monkeypatch):
    model, x = small_semi(rng), binary(rng, 4)
    steps = SemiSupervisedSteps(model, 0.1, 0.1, x, np.zeros(4, int))
    finite = getattr(model, f"{loss}_loss")
    monkeypatch.setattr(model, f"{loss}_loss", lambda *a, **options: finite(*a, **options) * np.nan)
    with pytest.raises(DivergedError, match=f"^the {loss} loss is nan"):
        steps(x, rng)


# -- AA-2: the game at its optimum


class Quantiles(Prior):
    """N(0, 1) as n nodes of equal weight, the midpoints' quantiles, always the same: means over them are quadrature."""

    d = 1

    def __init__(self, n):
        self.n = n

    def sample(self, n, rng):
        assert n == self.n
        return norm.ppf((np.arange(n) + 0.5) / n)[:, None]


N = 10_000


def linear(discriminator, rng, weight=1.0, bias=0.0):
    """z = weight·x + bias, on images of one pixel."""
    model = AAE(
        DeterministicEncoder(lambda x: x, 1, 1, rng=rng),
        GaussianDecoder(Linear(1, 1, rng=rng), 1),
        Quantiles(N),
        discriminator,
    ).astype(np.float64)
    head = model.autoencoder.encoder.head
    head.weight.data[...], head.bias.data[...] = weight, bias
    return model, Quantiles(N).sample(N, None)


def gradients(loss, module):
    return np.concatenate([g.data.ravel() for g in grad(loss, list(module.parameters().values()))])


def test_aa2_where_the_codes_have_the_prior_no_discriminator_beats_log_4(rng):
    """AA-2: q(z) = N(0, 1): at D ≡ ½ the loss is log 4, and no gradient is left to either player.

    Planted: a value function that hears nothing of the codes.
    """
    model, x = linear(mlp((1, 8, 1), np.tanh, rng=rng), rng)
    for _ in range(20):
        model.discriminator.flat[...] = rng.standard_normal(model.discriminator.num_parameters)
        assert model.discriminator_loss(x, rng=rng).item() > np.log(4) + 1e-4
    last = model.discriminator.layers[-1]
    last.weight.data[...], last.bias.data[...] = 0, 0
    loss = model.discriminator_loss(x, rng=rng)
    assert loss.item() == pytest.approx(np.log(4), abs=1e-14)
    assert abs(gradients(loss, model.discriminator)).max() < 1e-14
    adversarial = model.adversarial_loss(x, rng=rng)
    assert adversarial.item() == pytest.approx(np.log(2), abs=1e-14)
    assert not gradients(adversarial, model.autoencoder.encoder).any()


def jensen_shannon(delta):
    """JSD(N(0, 1), N(δ, 1)) in nats, by quadrature."""

    def integrand(z):
        p, q = norm.pdf(z), norm.pdf(z - delta)
        return 0.5 * (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q)))

    return quad(integrand, -12, 12 + delta, epsabs=1e-12)[0]


@pytest.mark.parametrize("delta", [0.5, 1.0, 3.0])
def test_aa2_shifted_by_delta_the_loss_falls_short_of_log_4_by_twice_the_jsd(delta, rng):
    """AA-2: q(z) = N(δ, 1). The optimal logit ln p(z)/q(z) = δ²/2 − δz is linear; descent finds it, and
    log 4 − loss = 2 JSD(p, q).

    Planted: a value function that takes the codes for draws of the prior.
    """
    model, x = linear(Linear(1, 1, rng=rng), rng, bias=delta)
    discriminator = model.discriminator
    discriminator.weight.data[...], discriminator.bias.data[...] = -delta, delta**2 / 2
    loss = model.discriminator_loss(x, rng=rng)
    assert abs(gradients(loss, discriminator)).max() < 1e-4
    assert np.log(4) - loss.item() == pytest.approx(2 * jensen_shannon(delta), abs=1e-4)

    discriminator.flat[...] = 0
    found = lbfgs(discriminator, lambda: model.discriminator_loss(x, rng=rng))
    assert found == pytest.approx(loss.item(), abs=1e-6)
    np.testing.assert_allclose(discriminator.flat, [-delta, delta**2 / 2], rtol=1e-3)


@pytest.mark.parametrize("delta", [0.7, -0.7])
def test_aa2_the_encoder_goes_back_to_the_prior(delta, rng):
    """AA-2: against the optimal discriminator, a step down the adversarial loss takes codes towards the prior's mean.

    Planted: an encoder that helps the discriminator.
    """
    model, x = linear(Linear(1, 1, rng=rng), rng, bias=delta)
    model.discriminator.weight.data[...], model.discriminator.bias.data[...] = -delta, delta**2 / 2
    bias = model.autoencoder.encoder.head.bias
    assert np.sign(grad(model.adversarial_loss(x, rng=rng), bias).data) == np.sign(delta)


NARROW = Flower(length=1e-3, width=1e-3)
"""Petals so narrow that every draw says which petal it is from."""


def petals(z):
    return NARROW.distribution().posterior(z).argmax(axis=1)


def test_aa2_each_draw_is_from_the_part_of_its_own_label(rng):
    """AA-2: the codes of a label come to fit the part of the prior that belongs to this label; an unknown label has the
    whole prior.

    Planted: draws whose labels are those of other images.
    """
    model, labels = small("deterministic", rng, NARROW, classes=10), rng.integers(-1, 10, size=300)
    petal = petals(model.draws(300, labels, rng=rng))
    np.testing.assert_array_equal(petal[labels >= 0], labels[labels >= 0])
    assert len(set(petal[labels < 0])) > 5


def overheard(discriminator):
    """The discriminator, and a list to which each of its calls adds what it read."""
    seen = []
    return Sequential(lambda z: seen.append(plain(z)) or z, discriminator), seen


SIGNS = [1, 2]


def cells(y, z):
    """How often each class comes with each pair of signs of the style: (4 classes,)."""
    return np.bincount(4 * y.argmax(axis=1) + (z > 0) @ SIGNS, minlength=4 * y.shape[1])


def test_aa2_images_are_made_of_draws_of_the_prior(rng):
    """AA-2: each image of its own draw. The decoder here shows the petal of a code: all ten equally often, by χ² to its
    0.999 quantile.

    Planted: images that all come from one draw; images of the prior's mean.
    """
    model, n, means = small("deterministic", rng, NARROW), 3000, NARROW.mean.astype(float)
    shows = Linear(2, 10, rng=rng)
    shows.weight.data[...], shows.bias.data[...] = 100 * means.T, -360  # of 400 in its own petal, 324 in the next
    model.autoencoder.decoder = BernoulliDecoder(shows, 10)
    np.testing.assert_allclose(model.decode(means), np.eye(10), atol=1e-12)
    x = model.sample(n, rng=rng)
    np.testing.assert_array_equal(x.sum(axis=1), 1)
    assert chi_square(x.sum(axis=0), np.full(10, n / 10)) < chi2.ppf(0.999, df=9)


def test_aa2_semi_supervised_images_are_made_of_uniform_classes_and_styles_of_the_prior(rng):
    """AA-2: the discriminators hold a uniform class and a draw of the prior for real, and so does `sample`. The decoder
    here shows the class in three pixels and the signs of the style in two: 12 cells, all equally likely, by χ² to its
    0.999 quantile. `decode` shows the class that it was asked for.

    Planted: images of class 0 alone, or of style 0; a discriminator that takes class 0 alone for real, or style 0;
    classes decoded in the reverse order.
    """
    model, n = small_semi(rng), 3000
    shows = Linear(5, 5, rng=rng)
    shows.weight.data[...], shows.bias.data[...] = 1e4 * np.eye(5), [-5e3, -5e3, -5e3, -1, -1]
    of_y, reals_y = overheard(model.discriminator.of_y)
    of_z, reals_z = overheard(model.discriminator.of_z)
    model.discriminator.of_y, model.discriminator.of_z = of_y, of_z
    model.discriminator_loss(binary(rng, n), rng=rng)
    model.autoencoder.decoder = BernoulliDecoder(shows, 5)
    x = model.sample(n, rng=rng)
    np.testing.assert_allclose(model.decode(np.arange(3), np.ones((3, 2)))[:, :3], np.eye(3), atol=1e-12)
    for y, z in ((x[:, :3], x[:, 3:]), (reals_y[0], reals_z[0])):
        np.testing.assert_array_equal(np.sort(y, axis=1), np.tile([0, 0, 1], (n, 1)))
        assert chi_square(cells(y, z), np.full(12, n / 12)) < chi2.ppf(0.999, df=11)


# -- AA-3: the adversary sees the latent


def test_aa3_what_the_discriminator_says_depends_on_the_code_alone(rng):
    """AA-3: two images with one code have one logit, though no pixel agrees; the decoder has no part in it.

    Planted: a pixel that reaches the discriminator past the code.
    """
    model = small("deterministic", rng)
    first = model.autoencoder.encoder.body.layers[0]
    first.weight.data[D // 2 :] = 0  # the encoder is blind to the second half of the pixels
    first.weight.data[: D // 2] = np.repeat(first.weight.data[: D // 4], 2, axis=0)  # and sees but sums of pairs
    x = np.tile([1.0, 0.0], (1, D // 2))
    there, here = (model.adversarial_loss(image, rng=rng).item() for image in (x, 1 - x))
    assert there == pytest.approx(here, rel=1e-14)
    assert model.adversarial_loss(np.ones((1, D)), rng=rng).item() != pytest.approx(here, rel=1e-6)

    for loss in (model.adversarial_loss, model.discriminator_loss):
        decoder = list(model.autoencoder.decoder.parameters().values())
        assert grad(loss(binary(rng), rng=rng), decoder, allow_unused=True) == [None] * len(decoder)


@pytest.mark.parametrize(("d", "classes"), [(2, 0), (2, 10), (5, 0)])
def test_aa3_the_discriminator_reads_as_many_numbers_as_the_code_has(d, classes, rng):
    """AA-3: d of the latent, and a one-hot label with a place for "unknown"; never D.

    Planted: labels without that place.
    """
    model = small("deterministic", rng, Flower() if classes else StandardNormal(d), classes)
    seen = []
    inner = model.discriminator
    model.discriminator = Sequential(lambda z: seen.append(z.shape) or z, inner)
    model.discriminator_loss(binary(rng, 8), np.arange(8) if classes else None, rng=rng)
    assert seen == [(8, d + (classes + 1 if classes else 0))] * 2


def test_aa3_a_label_stands_beside_its_code_and_beside_its_draw(rng):
    """AA-3: in the losses of both players: an adversary that hears labels on one side only tells the sides by that.

    Planted: codes without their labels; draws without theirs; an encoder that deceives without a label.
    """
    model, x, labels = small("deterministic", rng, NARROW, classes=10), binary(rng), rng.integers(-1, 10, size=40)
    model.discriminator, seen = overheard(model.discriminator)
    model.discriminator_loss(x, labels, rng=rng)
    model.adversarial_loss(x, labels, rng=rng)
    draws, *codes = seen
    for z in seen:
        np.testing.assert_array_equal(z[:, 2:], np.eye(11)[labels + 1])
    for z in codes:
        np.testing.assert_allclose(z[:, :2], model.encode(x, rng=rng), rtol=1e-13)
    np.testing.assert_array_equal(petals(draws[:, :2])[labels >= 0], labels[labels >= 0])


def test_aa3_nor_do_the_two_of_the_semi_supervised_form_see_more(rng):
    """AA-3: one reads the class's probabilities, the other the style.

    Planted: an adversary that reads the class twice and the style never.
    """
    model, x = small_semi(rng), binary(rng)
    y, z = model.codes(x)
    np.testing.assert_allclose(y.data.sum(axis=1), 1)
    logits = model.discriminator.of_y(y), model.discriminator.of_z(z)
    expected = sum(np.mean(np.logaddexp(0, -logit.data)) for logit in logits)
    assert model.adversarial_loss(x, rng=rng).item() == pytest.approx(expected, rel=1e-13)
    decoder = list(model.autoencoder.decoder.parameters().values())
    assert grad(model.adversarial_loss(x, rng=rng), decoder, allow_unused=True) == [None] * len(decoder)


# -- labels, and the part of the prior that is theirs


def test_a_label_draws_from_its_petal_and_no_label_from_the_whole_flower(rng):
    """−1 is "unknown": χ² over petals below its 0.999 quantile."""
    prior, n = Flower(), 5000
    model = small("deterministic", rng, prior, classes=10)
    labels = np.where(np.arange(2 * n) < n, 3, -1)
    petal = prior.distribution().posterior(model.draws(2 * n, labels, rng=rng)).argmax(axis=1)
    assert np.mean(petal[:n] == 3) > 0.97
    assert chi_square(np.bincount(petal[n:], minlength=10), np.full(10, n / 10)) < chi2.ppf(0.999, df=9)
    assert len(set(prior.distribution().posterior(model.draws(n, rng=rng)).argmax(axis=1))) == 10


def test_the_discriminator_is_told_the_label(rng):
    """Its logit of one z changes with it; an unknown label is told as −1 or as none."""
    model = small("deterministic", rng, Flower(), classes=10)
    z = np.ones((11, 2))
    logits = model.logits(z, np.arange(-1, 10)).data[:, 0]
    assert len(np.unique(logits)) == 11
    np.testing.assert_allclose(model.logits(z[:1]).data[:, 0], logits[:1], rtol=1e-13)  # products round by their size


@pytest.mark.parametrize("label", [-2, 10])
def test_a_label_that_no_class_has_is_refused(label, rng):
    model = small("deterministic", rng, Flower(), classes=10)
    with pytest.raises(ValueError, match=r"labels must be 2 whole numbers from −1 \(unknown\) to 9"):
        model.discriminator_loss(binary(rng, 2), np.array([0, label]), rng=rng)


def test_labels_need_a_prior_with_parts(rng):
    with pytest.raises(TypeError, match="StandardNormal has no parts that could belong to labels"):
        small("deterministic", rng, StandardNormal(2), classes=10)
    with pytest.raises(ValueError, match="labels must be whole numbers from 0 to 2"):
        small("deterministic", rng, Flower(3), classes=4)


def test_labels_may_be_a_list_and_are_as_many_as_the_images(rng):
    model, x = small("deterministic", rng, Flower(), classes=10), binary(rng, 2)
    values = [
        model.discriminator_loss(x, labels, rng=np.random.default_rng(0)).item()
        for labels in ([3, -1], np.array([3, -1]))
    ]
    assert values[0] == values[1]
    for labels in ([3], [[3], [-1]], -1):
        with pytest.raises(ValueError, match="labels must be 2 whole numbers"):
            model.adversarial_loss(x, labels, rng=rng)
    with pytest.raises(ValueError, match="labels must be 2 whole numbers"):  # it knows no classes
        small("deterministic", rng).discriminator_loss(x, [3, 3], rng=rng)


def test_a_prior_that_would_have_to_learn_is_refused(rng):
    with pytest.raises(ValueError, match="no step of an AAE changes its prior"):
        small("deterministic", rng, MixturePrior(2, 3, rng=rng))


@pytest.mark.parametrize("labels", [[0], [[0], [1]], [0, 1, 2]])
def test_supervised_labels_are_one_for_each_image(labels, rng):
    shape = re.escape(str(np.shape(labels)))
    with pytest.raises(ValueError, match=f"2 images need as many labels, one for each, got shape {shape}"):
        small_semi(rng).supervised_loss(binary(rng, 2), labels)


def test_a_discriminator_has_one_logit_for_each_vector(rng):
    assert discriminator_network(3, (4, 5), rng=rng)(rng.standard_normal((6, 3))).shape == (6, 1)


@pytest.mark.parametrize("encoder", ["gaussian", "noisy"])
def test_codes_are_those_of_their_seed_and_the_validation_loss_has_one(encoder, rng):
    model, x = small(encoder, rng), binary(rng, 3)
    np.testing.assert_array_equal(model.encode(x, rng=5), model.encode(x, rng=np.random.default_rng(5)))
    assert model.validation_loss(x) == model.validation_loss(x)


def test_the_supervised_loss_is_the_mean_cross_entropy_of_an_image(rng):
    model, x, labels = small_semi(rng), binary(rng, 4), [2, 0, 1, 1]
    log_p = scipy_log_softmax(plain(model.logits(x)), axis=1)
    found = model.supervised_loss(x, labels).item()
    assert found == pytest.approx(-np.mean([log_p[n, y] for n, y in enumerate(labels)]), rel=1e-12)


# -- encoders


def test_the_deterministic_encoder_has_one_code_for_an_image_and_the_others_many(rng):
    x = np.repeat(binary(rng, 1), 50, axis=0)
    codes = {name: small(name, rng).encode(x, rng=rng) for name in ENCODERS}
    assert np.ptp(codes.pop("deterministic"), axis=0).max() == 0
    for name, z in codes.items():
        assert len(np.unique(z, axis=0)) == 50, name


def test_noise_through_the_network_makes_what_no_gaussian_encoder_can(rng):
    """z = tanh(8η + ⅒ x): for one image two heaps and nothing between; a normal distribution has 95% within 1.96 s.d.,
    and here all is within 1.1."""
    body = Sequential(Linear(2, 1, rng=rng), np.tanh)
    encoder = NoisyEncoder(body, 1, 1, 1, rng=rng)
    body.layers[0].weight.data[...] = [[0.1], [8.0]]
    encoder.head.weight.data[...], encoder.head.bias.data[...] = 1, 0
    z = encoder.sample(np.ones((4000, 1), np.float32), rng=rng).data
    assert abs(np.mean(z > 0) - 0.5) < 4 * 0.5 / np.sqrt(4000)
    assert np.mean(abs(z) < 0.5) < 0.08
    assert abs(z - z.mean()).max() < 1.2 * z.std()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: NoisyEncoder(None, 3, 2, 0, rng=rng), "noise must be a whole number of at least 1, got 0"),
        (lambda rng: NoisyEncoder(None, 3, 0, 1, rng=rng), "d, the numbers in z, must be a whole number of at least 1"),
        (lambda rng: DeterministicEncoder(None, 3, 0, rng=rng), "d, the numbers in z, must be a whole number"),
        (lambda rng: small("noisy", rng, classes=-1), "classes must be a whole number of at least 0, got -1"),
        (lambda rng: AAE(DeterministicEncoder(None, 3, 2, rng=rng), None, StandardNormal(3), None),
         "the encoder makes z of 2 numbers, but the prior is over 3"),
        (lambda rng: SemiSupervisedAAE(StyleEncoder(None, 3, 5, 2, rng=rng), None, StandardNormal(3), None, None),
         "the style has 2 numbers, but the prior is over 3"),
        (lambda rng: SemiSupervisedSteps(small_semi(rng), 0.1, 0.1, binary(rng, 3), np.zeros(2, int)),
         "each image needs a label, and there must be some; got 3 and 2"),
        (lambda rng: SemiSupervisedSteps(small_semi(rng), 0.1, 0.1, binary(rng, 0), np.zeros(0, int)),
         "each image needs a label, and there must be some; got 0 and 0"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(make, message, rng):
    with pytest.raises(ValueError, match=message):
        make(rng)


# -- what it is for


@pytest.mark.parametrize("encoder", ENCODERS)
def test_images_become_codes_and_codes_images(encoder, rng):
    """Of many, in blocks as at once, and without recording."""
    model, x = small(encoder, rng), binary(rng)
    model.block = 7
    z = model.encode(x, rng=rng)
    assert z.shape == (40, 2)
    mean = model.decode(z)
    assert mean.shape == (40, D)
    assert np.all((mean > 0) & (mean < 1))
    assert model.decode(z.reshape(5, 8, 2)).shape == (5, 8, D)
    drawn = model.sample(9, rng=rng)
    assert drawn.shape == (9, D)
    assert set(np.unique(drawn)) == {0, 1}
    if encoder == "deterministic":
        np.testing.assert_allclose(model.encode(x[3:4], rng=rng), z[3:4], rtol=1e-14)
        assert model.validation_loss(x) == pytest.approx(model.reconstruction_loss(x, rng=rng).item(), rel=1e-13)


def test_the_semi_supervised_form_decodes_a_class_in_a_style(rng):
    model, x = small_semi(rng), binary(rng)
    assert model.sample(9, rng=rng).shape == (9, D)
    assert model.classify(x).shape == (40,)
    np.testing.assert_array_equal(model.classify(x), model.codes(x)[0].data.argmax(axis=1))
    one_style = model.decode(np.arange(3), np.zeros((3, 2)))
    assert one_style.shape == (3, D)
    assert len(np.unique(one_style, axis=0)) == 3
    with pytest.raises(ValueError, match="labels must be whole numbers from 0 to 2"):
        model.decode(np.array([3]), np.zeros((1, 2)))


def test_the_reconstruction_loss_is_the_mean_nll_of_the_pixels(rng):
    model, x = small("deterministic", rng), binary(rng)
    p = model.decode(model.encode(x, rng=rng))
    expected = -np.log(np.where(x == 1, p, 1 - p)).sum(axis=1).mean()
    assert model.reconstruction_loss(x, rng=rng).item() == pytest.approx(expected, rel=1e-12)


def test_images_without_a_density_are_refused(rng):
    model = small("gaussian", rng)
    for use in (Steps(model, 0.1, 0.1), model.encode, lambda x, rng: model.validation_loss(x)):
        with pytest.raises(ValueError, match=r"AAE takes pixels in \{0, 1\}"):
            use(np.full((2, D), 0.5), rng=rng)


# -- training


def distance(a, b):
    """The energy distance of two samples, 2 E‖a − b‖ − E‖a − a′‖ − E‖b − b′‖: 0 where they have one distribution."""
    between = lambda u, v: np.linalg.norm(u[:, None] - v, axis=-1).mean()
    return 2 * between(a, b) - between(a, a) - between(b, b)


@pytest.mark.parametrize("prior", [StandardNormal(2), SwissRoll()], ids=["normal", "roll"])
def test_training_brings_the_codes_to_the_prior_and_keeps_the_images(prior, rng):
    """Points of a square: their codes come to have the prior's distribution, and still tell the points apart."""
    x = rng.uniform(-1, 1, (500, 2)).astype(np.float32)
    model = AAE(
        DeterministicEncoder(mlp((2, 30, 30), relu, last=relu, rng=rng), 30, 2, rng=rng),
        GaussianDecoder(mlp((2, 30, 30, 2), relu, rng=rng), 2, variance=0.1),
        prior,
        discriminator_network(2, (30, 30), rng=rng),
    )
    before = distance(model.encode(x, rng=rng), prior.sample(500, rng=rng))
    fit(model, Steps(model, 5e-3, 5e-3), x, x, rng=rng, epochs=60, decay=True, keep_best=False, progress=False)
    after = distance(model.encode(x, rng=rng), prior.sample(500, rng=rng))
    assert after < 0.06 < 0.4 < before
    reconstructed = model.decode(model.encode(x, rng=rng))
    assert np.mean((reconstructed - x) ** 2) < 0.05 * x.var()


def test_labels_make_the_class_the_digit(rng):
    """With 100 of them: the accuracy on other digits goes from a guess to far above it."""
    digits = data.digits()
    some, x = digits.train[:100], digits.train.images[:300]
    model = SemiSupervisedAAE(
        StyleEncoder(mlp((64, 50), relu, last=relu, rng=rng), 50, 10, 2, rng=rng),
        BernoulliDecoder(mlp((12, 50, 64), relu, rng=rng), 64),
        StandardNormal(2),
        discriminator_network(10, (50,), rng=rng),
        discriminator_network(2, (50,), rng=rng),
    )
    accuracy = lambda: np.mean(model.classify(digits.test.images) == digits.test.labels)
    assert accuracy() < 0.3
    steps = SemiSupervisedSteps(model, 3e-3, 1e-3, some.images, some.labels)
    fit(model, steps, x, digits.validation.images, rng=rng, epochs=20, keep_best=False, progress=False)
    assert accuracy() > 0.7
    assert list(steps.losses) == ["reconstruction", "discriminator", "adversarial", "supervised"]


def test_no_weight_changes_in_a_step_whose_loss_is_nan(rng):
    model = small("deterministic", rng)
    steps = Steps(model, 0.01, 0.01)
    model.autoencoder.decoder.body.layers[0].bias.data[0] = np.nan
    before = model.flat.copy()
    with pytest.raises(FloatingPointError, match=r"the reconstruction loss is nan: lower the learning rate"):
        steps(binary(rng), rng)
    np.testing.assert_array_equal(model.flat, before)


@pytest.mark.parametrize("part", ["discriminator", "autoencoder"])
def test_the_last_weights_before_nan_are_kept(part, rng):
    """Of all three parts, also where the reconstruction step had been made."""
    model, x = small("deterministic", rng), binary(rng)
    weights = []

    def before_epoch(number):
        weights.append(model.flat.copy())
        if number == 3:
            getattr(model, part).flat[-1] = np.nan

    with pytest.raises(FloatingPointError):
        fit(model, Steps(model, 0.01, 0.01), x, x, rng=rng, epochs=5, batch_size=10, keep_best=False,
            before_epoch=before_epoch, progress=False)  # fmt: skip
    assert len(weights) == 3
    np.testing.assert_array_equal(model.flat, weights[2])


def test_the_rates_of_all_steps_fall_and_are_put_back(rng):
    model, x = small_semi(rng), binary(rng)
    steps = SemiSupervisedSteps(model, 0.01, 0.02, x[:5], np.zeros(5, int))
    seen = []
    watch = lambda number: seen.append([o.learning_rate for o in steps.optimizers])
    with_rates = lambda x, rng: watch(0) or steps(x, rng)
    with_rates.optimizers = steps.optimizers
    fit(model, with_rates, x, x, rng=rng, epochs=2, decay=True, keep_best=False, progress=False)
    np.testing.assert_allclose(seen, [[0.01, 0.02, 0.02, 0.01], [0.005, 0.01, 0.01, 0.005]])
    assert [o.learning_rate for o in steps.optimizers] == [0.01, 0.02, 0.02, 0.01]


def test_labels_are_trained_on_beside_their_images(rng):
    """A batch of `fit` is then (images, labels), and the adversary is told those labels."""
    x, labels = binary(rng), rng.integers(-1, 10, size=40)
    trained, by_hand = (small("deterministic", np.random.default_rng(3), Flower(), classes=10) for _ in range(2))
    fit(trained, Steps(trained, 0.01, 0.01), (x, labels), x, rng=np.random.default_rng(4), epochs=1, batch_size=20,
        keep_best=False, progress=False)  # fmt: skip
    its, draws = Steps(by_hand, 0.01, 0.01), np.random.default_rng(4)
    for rows in np.split(draws.permutation(40), 2):
        minimise(its.reconstruct, by_hand.reconstruction_loss(x[rows], rng=draws))
        minimise(its.discriminate, by_hand.discriminator_loss(x[rows], labels[rows], rng=draws))
        minimise(its.deceive, by_hand.adversarial_loss(x[rows], labels[rows], rng=draws))
    np.testing.assert_array_equal(trained.flat, by_hand.flat)
