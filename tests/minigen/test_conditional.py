"""The claims C-1 to C-4: p(x | y) by chosen biases and by a joined label, Bayes' rule on top, and the game with labels.

In float64, with every parameter random. A space of images is enumerated; an integral over z is a sum over a grid.
"""

from functools import partial

import numpy as np
import pytest
from scipy.special import expit, log_expit
from scipy.stats import chi2

from autograd import backend, check_grads, grad, no_grad
from minigen import dcgan, pixelrnn
from minigen.analysis import evidence
from minigen.analysis.quadrature import gauss_hermite, grid, under_normal
from minigen.ar import AR
from minigen.conditional import BIASES, ChosenBiases, JoinedLabel, LabelledGame
from minigen.gan import GAN, Game
from minigen.nade import NADE
from minigen.nn.functions import relu, sigmoid
from minigen.nn.layers import mlp
from minigen.nn.module import Module
from minigen.penalties import gradient_penalty, r1_penalty
from minigen.pixelrnn import VARIANTS, PixelRNN
from minigen.priors import StandardNormal, VampPrior
from minigen.training.files import load_weights, save_weights
from minigen.training.loop import fit
from minigen.training.optim import Adam
from minigen.training.steps import Descent
from minigen.vae import VAE, bernoulli_vae
from tests.conftest import trained_as_on_numpy
from tests.minigen.enumeration import binary_vectors, chi_square, index_of, table_of
from tests.minigen.models import randomised

SHAPE, D, K = (2, 3), 6, 3
PRIOR = np.array([0.2, 0.5, 0.3])

PLAIN = {
    "NADE": lambda rng: NADE(D, 4, rng=rng),
    "NADE in another order": lambda rng: NADE(D, 4, [3, 0, 5, 1, 2, 4], rng=rng),
    **{v: partial(lambda rng, v: PixelRNN(SHAPE, v, 4, kernel=3, rng=rng), v=v) for v in VARIANTS},
    "two raster GRUs": lambda rng: PixelRNN(SHAPE, "raster", 4, layers=2, cell="gru", rng=rng),
}
"""The models whose biases a label chooses, without labels."""
every_model = pytest.mark.parametrize("name", PLAIN)


def chosen(name, rng, prior=PRIOR):
    scale = 1.0 if name.startswith("NADE") else 0.4  # deep: see `tests.minigen.models.random_model`
    return randomised(ChosenBiases(PLAIN[name](rng), K, prior), rng, scale)


def labels_and_images(n, rng):
    return (rng.random((n, D)) < 0.5).astype(float), rng.integers(K, size=n)


# -- a label chooses biases


@every_model
def test_c1_each_label_has_probabilities_that_sum_to_one(name, rng):
    """C-1: Σₓ p(x | y) = 1 for each y, over all images, and the labels differ.

    Planted: a label that chooses nothing.
    """
    model, x = chosen(name, rng), binary_vectors(D)
    tables = np.array([np.exp(model.log_prob(x, np.full(len(x), y)).data) for y in range(K)])
    np.testing.assert_allclose(tables.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert all(abs(tables[y] - tables[y - 1]).sum() > 0.01 for y in range(K))


@every_model
def test_c1_a_label_is_a_row_of_each_table_and_nothing_else(name, rng):
    """C-1: `with_label(y)` is the model without labels that has row y of each table for its bias; weights are shared.

    Planted: the biases of the label before.
    """
    model, x = chosen(name, rng), binary_vectors(D)
    parameters = model.model.parameters()
    for y in range(K):
        plain = PLAIN[name](rng).astype(np.float64)
        for key, p in plain.parameters().items():
            p.data[...] = parameters[key].data[y] if key in model.tables else parameters[key].data
        np.testing.assert_allclose(model.with_label(y).log_prob(x).data, plain.log_prob(x).data, rtol=1e-13)
        np.testing.assert_array_equal(model.with_label(y).sample(9, rng=1), plain.sample(9, rng=1))
    tables = sum(parameters[key].size for key in model.tables)
    assert model.num_parameters == plain.num_parameters + tables * (K - 1) // K


@every_model
def test_c1_every_image_of_a_batch_has_its_own_label(name, rng):
    """C-1: values and all gradients of a mixed batch are those of each label for itself.

    Planted: a gradient of the initial state that is the first image's; a batch in which each image has the label of its
    neighbour.
    """
    model = chosen(name, rng)
    x, y = labels_and_images(9, rng)
    together = model.log_prob(x, y)
    apart = np.array([model.with_label(k).log_prob(image[None]).data[0] for image, k in zip(x, y, strict=True)])
    np.testing.assert_allclose(together.data, apart, rtol=1e-12)
    theta, g = list(model.parameters().values()), rng.standard_normal(9)
    expected = [
        grad(model.with_label([k]).log_prob(image[None]), theta, h[None]) for image, k, h in zip(x, y, g, strict=True)
    ]
    for found, *parts in zip(grad(together, theta, g), *expected, strict=True):
        np.testing.assert_allclose(found.data, sum(p.data for p in parts), rtol=1e-9, atol=1e-12)
    # and of one label alone, by its own biases
    given, of_label = model.with_label(1), y == 1
    own = {f"model.{name}" for name in model.tables}
    single = grad(given.log_prob(x[of_label]), list(given.parameters().values()), g[of_label])
    several = grad(model.log_prob(x[of_label], y[of_label]), theta, g[of_label])
    for name, a, b in zip(model.parameters(), single, several, strict=True):
        np.testing.assert_allclose(a.data, b.data[1] if name in own else b.data, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["NADE", *VARIANTS])
def test_c1_gradients_are_central_differences_to_second_order(name, rng, monkeypatch):
    """C-1: by every weight and every table."""
    monkeypatch.setattr(pixelrnn, "HEAD", 2)
    small = NADE(4, 2, rng=rng) if name == "NADE" else PixelRNN((2, 2), name, 2, kernel=3, rng=rng)
    model = randomised(ChosenBiases(small, K), rng, 0.5)
    x, y = (rng.random((3, 4)) < 0.5).astype(float), np.array([0, 2, 2])
    keys = list(model.parameters())

    def loss(*theta):
        return model.with_parts(dict(zip(keys, theta, strict=True))).loss((x, y))

    check_grads(loss, *(p.data for p in model.parameters().values()), order=2)


@every_model
def test_c1_the_sampler_draws_from_the_density_it_is_scored_by(name, rng):
    """C-1: in a batch of many labels, the logits met while drawing are those of scoring, pixel by pixel.

    Planted: a sampler that begins each image with the same state.
    """
    model = chosen(name, rng)
    x, y = labels_and_images(40, rng)
    with no_grad():
        given = model.with_label(y)
        for k in (0, 2, D):
            drawn, logits = given.generate(x.copy(), k, rng=rng)
            np.testing.assert_allclose(logits, given.logits(drawn).data, rtol=1e-10, atol=1e-12)


SAMPLES = 20_000


def test_c1_draws_of_a_label_have_its_enumerated_probabilities(rng):
    """C-1: χ² below its 0.999 quantile, for one label and for labels in a mixed order; far above for another label.

    Planted: labels of a batch that are sorted first.
    """
    model = chosen("NADE", rng)
    y = rng.integers(K, size=SAMPLES)
    mixed, single = model.sample(SAMPLES, y, rng=rng), model.sample(SAMPLES, 1, rng=rng)
    critical = chi2.ppf(0.999, df=2**D - 1)
    for draws, k in [*((mixed[y == k], k) for k in range(K)), (single, 1)]:
        counts = np.bincount(index_of(draws), minlength=2**D)
        assert chi_square(counts, len(draws) * table_of(model.with_label(k))) < critical
        assert chi_square(counts, len(draws) * table_of(model.with_label((k + 1) % K))) > 10 * critical


def test_c1_at_the_start_the_label_does_not_matter(rng):
    """C-1: all rows of a table are those of the model without labels."""
    for name, make in PLAIN.items():
        plain, model, x = make(3), ChosenBiases(make(3), K), binary_vectors(D)
        for y in range(K):
            found = model.with_label(y).log_prob(x).data
            np.testing.assert_allclose(found, plain.log_prob(x).data, rtol=1e-5, err_msg=name)


def test_c1_what_the_label_says_costs_nothing(rng):
    """C-1: of two images, one a label, −ln p(x | y) goes to 0 nats; without labels ln 2 are left."""
    x, y = np.repeat(np.eye(2, D), 8, axis=0), np.repeat([0, 1], 8)
    model = ChosenBiases(NADE(D, 8, rng=rng), 2)
    fit(model, Adam(model, 0.1), (x, y), (x, y), rng=rng, epochs=100, batch_size=16, progress=False)
    assert model.validation_loss((x, y)) < 0.02
    assert model.classifier().log_prob(x).mean() == pytest.approx(-np.log(2), abs=0.02)
    np.testing.assert_array_equal(model.classifier().predict(x), y)


# -- Bayes' rule on top


@every_model
def test_c2_the_mixture_and_the_posterior_are_those_of_the_enumerated_joint(name, rng):
    """C-2: p(x) = Σ_y p(y) p(x | y) sums to 1, and p(y | x) = p(y) p(x | y) / p(x), by the table of images and labels.

    Planted: a mixture of equal shares.
    """
    model, x = chosen(name, rng), binary_vectors(D)
    joint = PRIOR * np.stack([table_of(model.with_label(y)) for y in range(K)], axis=1)
    bayes = model.classifier()
    p = np.exp(bayes.log_prob(x))
    np.testing.assert_allclose(p, joint.sum(axis=1), rtol=1e-12)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    posterior = np.exp(bayes.log_posterior(x))
    np.testing.assert_allclose(posterior, joint / joint.sum(axis=1, keepdims=True), rtol=1e-10)
    np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(bayes.predict(x), joint.argmax(axis=1))


def test_c2_without_a_label_the_draws_are_those_of_the_mixture(rng):
    """C-2: each label is drawn from p(y) first.

    Planted: labels that are all equally likely.
    """
    model = chosen("NADE", rng)
    counts = np.bincount(index_of(model.sample(SAMPLES, rng=rng)), minlength=2**D)
    tables = np.stack([table_of(model.with_label(y)) for y in range(K)])
    critical = chi2.ppf(0.999, df=2**D - 1)
    assert chi_square(counts, SAMPLES * (PRIOR @ tables)) < critical
    assert chi_square(counts, SAMPLES * tables.mean(axis=0)) > 3 * critical


# -- a label joined to the inputs: the VAE


def smooth(rng, d=2, size=3, prior=PRIOR):
    """A VAE with labels, of layers of tanh, over `size` pixels."""
    return randomised(JoinedLabel(bernoulli_vae(size, (5,), d, np.tanh, classes=K, rng=rng), K, prior), rng, scale=0.6)


@pytest.mark.parametrize("d", [1, 2])
def test_c3_the_evidence_of_a_label_is_the_elbo_and_the_divergence_from_its_posterior(d, rng):
    """C-3: ln p(x | y) = ELBO(x, y) + KL(q(z | x, y) ‖ p(z | x, y)), each term by its own quadrature; Σₓ p(x | y) = 1.

    Planted: a decoder to which every label is the same; an encoder that is not told the label.
    """
    model, x = smooth(rng, d), binary_vectors(3)
    cells, other = grid(9, 120, d), grid(8.5, 96, d)
    terms = []
    for y in range(K):
        given = model.with_label(y)
        log_p = evidence.log_evidence(given, x, cells)
        assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-9)
        elbo, gap = evidence.elbo(given, x, under_normal(cells)), evidence.kl_to_posterior(given, x, cells, other)
        np.testing.assert_allclose(elbo + gap, log_p, rtol=0, atol=1e-8)
        assert (gap > 0).all()
        terms.append((log_p, elbo, gap))
    for term in zip(*terms, strict=True):  # each term knows the label
        assert all(abs(term[y] - term[y - 1]).max() > 1e-3 for y in range(K))


def test_c3_by_hand_both_networks_read_the_label(rng):
    """C-3: the encoder reads [x, e_y], the decoder [z, e_y], for each image of a mixed batch and each draw of z.

    Planted: an encoder that is not told the label.
    """
    model = smooth(rng)
    x, y = (rng.random((7, 3)) < 0.5).astype(float), rng.integers(K, size=7)
    e = np.eye(K)[y]
    layers = lambda body, a: np.tanh(a @ body.layers[0].weight.data + body.layers[0].bias.data)
    vae = model.model
    head = layers(vae.encoder.body, np.concatenate([x, e], axis=1)) @ vae.encoder.head.weight.data
    mean, log_var = np.split(head + vae.encoder.head.bias.data, 2, axis=1)
    given = model.with_label(y)
    q = given.posterior(x)
    np.testing.assert_allclose(q.mean.data, mean, rtol=1e-12)
    np.testing.assert_allclose(q.base.log_var.data, log_var, rtol=1e-12)
    z = rng.standard_normal((4, 7, 2))
    joined = np.concatenate([z, np.broadcast_to(e, (4, 7, K))], axis=2)
    last = vae.decoder.body.layers[2]
    logits = layers(vae.decoder.body, joined) @ last.weight.data + last.bias.data
    expected = (x * log_expit(logits) + (1 - x) * log_expit(-logits)).sum(axis=2)
    np.testing.assert_allclose(given.decoder(z).log_prob(x).data, expected, rtol=1e-12)
    np.testing.assert_allclose(given.decoder.mean(z[0]).data, expit(logits[0]), rtol=1e-12)


def test_c3_the_bound_is_tight_where_q_is_the_posterior(rng):
    """C-3: if the decoder does not read z, the posterior is the prior, and with q = p(z) the ELBO is ln p(x | y)."""
    model, x = smooth(rng), binary_vectors(3)
    head, first = model.model.encoder.head, model.model.decoder.body.layers[0]
    head.weight.data[...] = head.bias.data[...] = first.weight.data[:2] = 0
    for y in range(K):
        given = model.with_label(y)
        log_p = evidence.log_evidence(given, x, grid(9, 120))
        assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-9)
        np.testing.assert_allclose(given.elbo(x, rng=rng).value.data, log_p, rtol=0, atol=1e-9)


def test_c3_the_loss_of_a_mixed_batch_is_the_mean_elbo_of_its_labels(rng):
    """C-3: with many draws of z, the loss is near the mean over the images of −ELBO(x, y) by quadrature, and gradients
    reach all weights of both networks."""
    model = smooth(rng)
    model.model.samples = 4000
    x, y = (rng.random((6, 3)) < 0.5).astype(float), np.array([0, 1, 2, 2, 1, 1])
    bound = lambda image, k: evidence.elbo(model.with_label(k), image[None], gauss_hermite(24))[0]
    exact = np.mean([bound(*pair) for pair in zip(x, y, strict=True)])
    loss = model.loss((x, y), rng=rng)
    assert loss.item() == pytest.approx(-exact, abs=0.02)
    assert model.validation_loss((x, y)) == pytest.approx(-exact, abs=0.02)
    loss.backward()
    assert abs(model.flat_grad).min() > 0


def test_c3_draws_of_a_label_have_its_probabilities(rng):
    """C-3: χ² of draws of p(x | y), in a mixed order, against the evidence of each image by quadrature.

    Planted: labels of a batch that are sorted first.
    """
    model, x = smooth(rng), binary_vectors(3)
    model.model.decoder.body.layers[0].weight.data[2:] *= 4  # labels that differ more
    y = rng.integers(K, size=SAMPLES)
    draws, critical = model.sample(SAMPLES, y, rng=rng), chi2.ppf(0.999, df=7)
    for k in range(K):
        counts = np.bincount(index_of(draws[y == k]), minlength=8)
        p, of_another = (np.exp(evidence.log_evidence(model.with_label(j), x, grid(9, 120))) for j in (k, (k + 1) % K))
        assert chi_square(counts, counts.sum() * p) < critical
        assert chi_square(counts, counts.sum() * of_another) > 3 * critical


# -- a label joined to the inputs: the GAN


class Spy(Module):
    """A network that notes what it reads."""

    def __init__(self, network):
        self.network, self.seen = network, []

    def __call__(self, x):
        self.seen.append(np.array(getattr(x, "data", x)))
        return self.network(x)


def labelled_gan(rng, objective="non-saturating", penalty=None, d=2, size=4):
    generator = Spy(mlp((d + K, 5, size), np.tanh, last=sigmoid, rng=rng))
    discriminator = Spy(mlp((size + K, 5, 1), np.tanh, rng=rng))
    gan = GAN(generator, discriminator, StandardNormal(d), size, objective, penalty)
    model = randomised(JoinedLabel(gan, K, PRIOR), rng)
    generator.seen, discriminator.seen = [], []
    return model, generator, discriminator


@pytest.mark.parametrize("steps", [1, 3])
def test_c4_real_images_and_fakes_have_the_same_labels_row_by_row(steps, rng):
    """C-4: what the discriminator reads is [x, e_y] above [G([z, e_y]), e_y], y the labels of the batch, in its order.

    Planted: fakes with labels of their own, in the reverse order; a generator told other labels than the discriminator.
    """
    model, generator, discriminator = labelled_gan(rng)
    x, y = rng.random((9, 4)), np.array([0, 1, 2, 2, 1, 0, 0, 0, 1])
    LabelledGame(model, 0.01, 0.01, discriminator_steps=steps)((x, y), rng)
    e, n = np.eye(K)[y], 9 // steps
    for step in range(steps):
        rows = slice(step * n, (step + 1) * n)
        read = discriminator.seen[step]
        np.testing.assert_array_equal(generator.seen[step][:, 2:], e[rows])
        np.testing.assert_array_equal(read[:n], np.concatenate([x[rows], e[rows]], axis=1))
        np.testing.assert_array_equal(read[n:, 4:], e[rows])
        np.testing.assert_allclose(read[n:, :4], model.model.generator.network(generator.seen[step]).data, atol=0.1)
    np.testing.assert_array_equal(discriminator.seen[steps][:, 4:], e[rows])
    assert (len(generator.seen), len(discriminator.seen)) == (steps, steps + 1)


@pytest.mark.parametrize("penalty", [None, r1_penalty, gradient_penalty])
def test_c4_the_losses_are_those_by_hand(penalty, rng):
    """C-4: V = E[ln D([x, e_y])] + E[ln(1 − D([G([z, e_y]), e_y]))], for the labels of the batch. A penalty is on the
    gradient by the pixels, not by the label.

    Planted: a generator told other labels than the discriminator.
    """
    model, generator, discriminator = labelled_gan(rng, penalty=penalty)
    G, D_ = generator.network, discriminator.network
    x, y = rng.random((8, 4)), rng.integers(K, size=8)
    e, draws = np.eye(K)[y], np.random.default_rng(1)
    z = model.model.prior.sample(8, rng=draws)
    fake = G(np.concatenate([z, e], axis=1)).data
    told = lambda x: D_(np.concatenate([x, e], axis=1))
    expected = -log_expit(told(x).data).mean() - log_expit(-told(fake).data).mean()
    if penalty:
        expected += penalty(told, x, fake, rng=draws).item()
    game = LabelledGame(model, 0.0, 0.0)
    assert game((x, y), np.random.default_rng(1)) == pytest.approx(expected, rel=1e-12)
    assert game.losses["generator"] == pytest.approx(-log_expit(told(fake).data).mean(), rel=1e-12)


def test_c4_the_game_is_that_of_each_label_for_itself(rng):
    """C-4: a step on a batch of one label is the step of `Game` with players who are told this label."""
    model, *_ = labelled_gan(rng)
    x, parameters = rng.random((6, 4)), model.flat.copy()
    LabelledGame(model, 0.02, 0.01)((x, np.full(6, 2)), np.random.default_rng(1))
    together, model.flat[...] = model.flat.copy(), parameters
    given = model.with_label(2)
    game = Game(model.model, 0.02, 0.01)
    game.parts = lambda batch: [(given, batch)]
    game(x, np.random.default_rng(1))
    np.testing.assert_allclose(model.flat, together, rtol=1e-12)
    assert abs(together - parameters).max() > 0.005


def test_c4_a_label_decides_what_is_generated(rng):
    """C-4: two labels, each with one image: after a short game, G makes the image of its label.

    Planted: a generator told other labels than the discriminator.
    """
    images = np.array([[1.0, 0, 1, 0], [0, 1, 0, 1]])
    y = np.arange(64) % 2
    x = images[y]
    networks = mlp((2 + 2, 16, 4), relu, last=sigmoid, rng=rng), mlp((4 + 2, 16, 1), relu, rng=rng)
    model = JoinedLabel(GAN(*networks, StandardNormal(2), 4, penalty=partial(r1_penalty, weight=1)), 2)
    fit(model, LabelledGame(model, 0.01, 0.01), (x, y), (x, y), rng=rng, epochs=100, batch_size=64, keep_best=False,
        progress=False)  # fmt: skip
    for k in range(2):
        distance = lambda j, k=k: np.abs(model.sample(100, k, rng=rng) - images[j]).mean()
        assert distance(k) < 0.25 < 0.75 < distance(1 - k)


def test_a_convolutional_gan_reads_labels_as_maps(rng):
    networks = dcgan.generator((4, 4), 3 + K, 2, rng=rng), dcgan.discriminator((4, 4), 2, classes=K, rng=rng)
    model = JoinedLabel(GAN(*networks, StandardNormal(3), 16), K)
    x, y = rng.random((6, 16)), np.arange(6) % K
    read, made = networks[1].layers[1].weight.data, networks[0].layers[0].weight.data[3:]  # by these the label enters
    before = read.copy(), made.copy()
    LabelledGame(model, 0.01, 0.01)((x, y), rng)
    assert np.mean(read != before[0]) > 0.9
    assert np.mean(made != before[1]) > 0.5
    assert model.sample(5, 1, rng=rng).shape == (5, 16)
    read = dcgan.Maps((4, 4), K)(np.concatenate([x, np.eye(K)[y]], axis=1))
    np.testing.assert_array_equal(read[..., 0].reshape(6, 16), x)
    assert (read[..., 1:] == np.eye(K)[y][:, None, None]).all()


# -- what both forms share

MODELS = {
    "NADE": lambda rng: ChosenBiases(PLAIN["NADE in another order"](rng), K, PRIOR),
    **{v: partial(lambda rng, v: ChosenBiases(PLAIN[v](rng), K, PRIOR), v=v) for v in VARIANTS},
    "VAE": lambda rng: JoinedLabel(bernoulli_vae(D, (5,), 2, classes=K, rng=rng), K, PRIOR),
    "GAN": lambda rng: JoinedLabel(
        GAN(mlp((2 + K, 5, D), relu, last=sigmoid, rng=rng), mlp((D + K, 5, 1), relu, rng=rng), StandardNormal(2), D),
        K,
        PRIOR,
    ),
}
all_models = pytest.mark.parametrize("name", MODELS)


def step_of(model):
    return LabelledGame(model, 0.01, 0.01) if isinstance(model.model, GAN) else Descent(model, Adam(model, 0.01))


def trained(name):
    """Two epochs of two batches; the model and its losses."""
    rng = np.random.default_rng(0)
    model = MODELS[name](rng).astype(np.float64)
    x, y = labels_and_images(8, rng)
    history = fit(model, step_of(model), (x, y), (x[:4], y[:4]), rng=rng, epochs=2, batch_size=4, keep_best=False,
                  progress=False)  # fmt: skip
    return model, [(e.train_loss, e.validation_loss) for e in history.epochs]


@all_models
def test_e6_training_with_labels_on_the_device_is_training_on_numpy(name, library):
    """E-6: recorded steps too; draws of a label come back to the host."""
    model, reference = trained_as_on_numpy(trained, name, library)
    for y in (None, 1, np.arange(5) % K):
        samples = model.sample(5, y, rng=np.random.default_rng(0))
        with backend.use("numpy"):
            np.testing.assert_allclose(samples, reference.sample(5, y, rng=np.random.default_rng(0)), atol=1e-9)
    assert model.with_label(1).sample(3, rng=0).shape == (3, D)
    if isinstance(model, ChosenBiases):
        assert model.classifier().sample(3, rng=0).shape == (3, D)


@all_models
def test_weights_come_back_from_a_file(name, rng, tmp_path):
    model, other = MODELS[name](rng), MODELS[name](np.random.default_rng(7))
    model.log_prior[...] = np.log([0.1, 0.1, 0.8])
    save_weights(model, tmp_path / "weights.npz")
    load_weights(other, tmp_path / "weights.npz")
    for key, array in model.arrays().items():
        np.testing.assert_array_equal(other.arrays()[key], array)
    np.testing.assert_array_equal(other.sample(4, 2, rng=0), model.sample(4, 2, rng=0))


@all_models
def test_what_is_given_is_computed_with_and_changes_nothing(name, rng):
    """The vectors of the model stay as they are, and an optimizer's view of them, too."""
    model = MODELS[name](rng)
    flat, keys = model.flat, list(model.parameters())
    for y in (1, [0, 2, 1]):
        given = model.with_label(y)
        assert type(given) is type(model.model)
        assert given.flat.base is flat.base or given.flat.base is flat
    assert model.flat is flat or model.flat.base is flat.base
    assert list(model.parameters()) == keys
    assert model.with_label(0).sample(3, rng=0).shape == (3, D)
    if name != "GAN":  # without labels neither
        assert model.sample(0, 1, rng=0).shape == (0, D)
    assert model.sample(1201, 1, rng=0).shape == (1201, D)  # more than a block


@all_models
@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1, 3], "labels must be 3 whole numbers from 0 to 2, one for each image"),
        ([0, -1, 2], "labels must be 3 whole numbers from 0 to 2"),
        ([0, 0.5, 1], "labels must be 3 whole numbers from 0 to 2"),
        ([0, np.nan, 1], "labels must be 3 whole numbers from 0 to 2"),
        ([0, 1], "labels must be 3 whole numbers"),
        ([[0, 1, 2]], "labels must be 3 whole numbers"),
        (["0", "1", "2"], "labels must be 3 whole numbers"),
    ],
)
def test_labels_that_are_none_are_refused(name, labels, said, rng):
    model, x = MODELS[name](rng), np.zeros((3, D))
    for use in (
        lambda: model.checked((x, labels)),
        lambda: model.validation_loss((x, labels)),
        lambda: model.sample(3, labels, rng=rng),
    ):
        with pytest.raises(ValueError, match=said):
            use()


@all_models
def test_a_batch_without_labels_and_images_of_another_kind_are_refused(name, rng):
    model, x, y = MODELS[name](rng), np.zeros((3, D)), np.arange(3)
    kind = type(model).__name__
    for batch, got in ((x, "ndarray"), ((x, y, y), "a tuple of 3"), ([x, y], "list")):
        for use in (model.checked, model.validation_loss, lambda batch: fit_on(model, batch)):
            with pytest.raises(ValueError, match=rf"{kind} takes a tuple \(images, labels\), got {got}"):
                use(batch)
    with pytest.raises(ValueError, match=rf"takes a batch of shape \(n, {D}\)"):
        model.checked((x[:, 1:], y))
    for label in (3, -1, 0.5, "1"):
        with pytest.raises(ValueError, match="labels must be whole numbers from 0 to 2"):
            model.with_label(label)


def fit_on(model, batch):
    step_of(model)(batch, np.random.default_rng(0))


def test_models_that_take_no_label_are_refused(rng):
    with pytest.raises(TypeError, match="a label chooses the biases of NADE or PixelRNN, got AR"):
        ChosenBiases(AR(D, 2), K)
    with pytest.raises(TypeError, match="a label is joined to the inputs of VAE or GAN, got NADE"):
        JoinedLabel(NADE(D, 2, rng=rng), K)
    with pytest.raises(ValueError, match="classes must be a whole number of at least 1, got 0"):
        ChosenBiases(NADE(D, 2, rng=rng), 0)
    with pytest.raises(ValueError, match="a positive probability for each of 3 classes"):
        ChosenBiases(NADE(D, 2, rng=rng), K, [0.5, 0.5])
    with pytest.raises(TypeError, match="LabelledGame trains the JoinedLabel of a GAN, got GAN"):
        LabelledGame(MODELS["GAN"](rng).model, 0.1, 0.1)
    with pytest.raises(TypeError, match="LabelledGame trains the JoinedLabel of a GAN, got JoinedLabel"):
        LabelledGame(MODELS["VAE"](rng), 0.1, 0.1)


def test_networks_without_room_for_the_label_are_refused(rng):
    said = "must take 3 numbers more than without labels"
    with pytest.raises(ValueError, match=f"each network of the VAE {said}"):
        JoinedLabel(bernoulli_vae(D, (5,), 2, rng=rng), K)
    vae = bernoulli_vae(D, (5,), 2, classes=K, rng=rng)
    without = bernoulli_vae(D, (5,), 2, rng=rng)
    for networks in ((vae.encoder, without.decoder), (without.encoder, vae.decoder)):
        with pytest.raises(ValueError, match=f"each network of the VAE {said}"):
            JoinedLabel(VAE(*networks, StandardNormal(2)), K)
    vae.prior = VampPrior(vae.encoder, D, 4, rng=rng)  # it encodes images that have no label
    with pytest.raises(ValueError, match=f"each network of the VAE {said}"):
        JoinedLabel(vae, K)
    networks = mlp((2 + K, 5, D), relu, rng=rng), mlp((D, 5, 1), relu, rng=rng)
    with pytest.raises(ValueError, match=f"each network of the GAN {said}"):
        JoinedLabel(GAN(*networks, StandardNormal(2), D), K)


def test_rows_that_are_no_whole_turns_of_the_labels_are_refused(rng):
    given = MODELS["VAE"](rng).with_label([0, 1])
    with pytest.raises(ValueError, match="3 rows cannot have 2 labels in turn"):
        given.decoder(np.zeros((3, 2)))


def test_every_bias_pattern_names_something(rng):
    """A parameter that is renamed would leave the table without its bias."""
    assert set(BIASES) == {NADE, PixelRNN}
    assert ChosenBiases(NADE(D, 2, rng=rng), K).tables == ("b", "c")
    raster = ChosenBiases(PLAIN["raster"](rng), K).tables
    assert raster == ("rest.layers.0.start.0", "rest.layers.0.start.1", "rest.layers.1.bias")
    assert {key.rpartition(".")[2] for key in ChosenBiases(PLAIN["row"](rng), K).tables} == {"bias", "h0", "c0"}
