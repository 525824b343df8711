"""The convolutional generator and discriminator: their shapes, and their gradients of both orders."""

import numpy as np
import pytest

from minigen.dcgan import discriminator, generator, sizes
from minigen.gan import GAN
from minigen.nn.arrays import plain
from minigen.nn.module import evaluating
from minigen.penalties import gradient_penalty, r1_penalty
from minigen.priors import StandardNormal
from tests.minigen.differences import central_differences

SHAPES = [(8, 8), (28, 28), (9, 7), (4, 4), (5, 11)]


def maps(net, x):
    """The shapes of all that a network makes on the way."""
    found = []
    for layer in net.layers:
        x = layer(x)
        found.append(x.shape)
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_up_and_down_pass_the_same_three_sizes(shape, rng):
    """Image, half and quarter, rounded down; twice the channels on the smallest; float32 throughout."""
    half, quarter = ((shape[0] // f, shape[1] // f) for f in (2, 4))
    assert sizes(shape) == [shape, half, quarter]
    D, n = shape[0] * shape[1], 2 if quarter != (1, 1) else 3
    up, down = generator(shape, 5, 3, rng=rng), discriminator(shape, 3, rng=rng)
    z = rng.standard_normal((n, 5), np.float32)
    seen = maps(up, z)
    assert [s for s in dict.fromkeys(seen) if len(s) == 4] == [(n, *quarter, 6), (n, *half, 3), (n, *shape, 1)]
    assert seen[-1] == (n, D)
    x = rng.random((n, D), np.float32)
    seen = maps(down, x)
    assert [s for s in dict.fromkeys(seen) if len(s) == 4] == [(n, *shape, 1), (n, *half, 3), (n, *quarter, 6)]
    assert seen[-1] == (n, 1)
    assert up(z).dtype == down(x).dtype == np.float32


def test_every_layer_has_the_weights_of_its_kernel_and_bends_as_it_should(rng):
    """4×4 kernels for d = 5 and C = 3. Up, no map goes on below 0; down, the negative goes on at a fifth."""
    up, down = generator((8, 8), 5, 3, rng=rng), discriminator((8, 8), 3, rng=rng)
    assert up.num_parameters == (5 + 1) * 4 * 6 + 2 * 6 + (6 * 16 + 1) * 3 + 2 * 3 + (3 * 16 + 1)
    assert down.num_parameters == (16 + 1) * 3 + (3 * 16 + 1) * 6 + (4 * 6 + 1)
    x = rng.standard_normal((4, 5), np.float32)
    for i, layer in enumerate(up.layers):
        before, x = plain(x), layer(x)
        if i in (3, 6):
            np.testing.assert_array_equal(x.data, np.maximum(before, 0))
    x = rng.random((4, 64), np.float32)
    for i, layer in enumerate(down.layers):
        before, x = plain(x), layer(x)
        if i in (2, 4):
            np.testing.assert_allclose(plain(x), np.where(before > 0, before, 0.2 * before), rtol=1e-6)


@pytest.mark.parametrize("shape", [(3, 8), (8, 3), (1, 1)])
@pytest.mark.parametrize(
    "make", [lambda s, rng: generator(s, 2, 1, rng=rng), lambda s, rng: discriminator(s, 1, rng=rng)]
)
def test_an_image_that_cannot_be_halved_twice_is_refused(make, shape, rng):
    with pytest.raises(ValueError, match=r"an image must be at least 4×4 to be halved twice, got \(\d, \d\)"):
        make(shape, rng)


def test_the_generator_paints_between_0_and_1(rng):
    """In training and evaluating, however large its weights; there each image is for itself."""
    up = generator((8, 8), 3, 2, rng=rng)
    up.flat[...] *= 5
    z = 3 * rng.standard_normal((50, 3), np.float32)
    x = up(z).data
    assert 0 <= x.min() < 0.1
    assert 0.9 < x.max() <= 1
    with evaluating(up):
        together = up(z).data
        assert 0 <= together.min() < together.max() <= 1
        np.testing.assert_allclose(up(z[:1]).data, together[:1], rtol=1e-4, atol=1e-6)


def test_the_discriminator_judges_each_image_for_itself(rng):
    """As GAN asks of it: data and fakes pass it as one batch."""
    down, x = discriminator((9, 7), 2, rng=rng).astype(np.float64), rng.random((4, 63))
    each = np.concatenate([down(row[None]).data for row in x])
    np.testing.assert_allclose(each, down(x).data, rtol=1e-12)
    assert np.ptp(each) > 0.01


def tiny(channels, rng):
    """Images of 5×6, every parameter random."""
    nets = generator((5, 6), 2, channels, rng=rng), discriminator((5, 6), channels, rng=rng)
    gan = GAN(*nets, StandardNormal(2), 30, averaged=False)
    gan.astype(np.float64)
    gan.flat[...] = 0.5 * rng.standard_normal(gan.flat.size)
    return gan


def without_gradient(module):
    return {name for name, p in module.parameters().items() if not np.any(abs(p.grad) > 1e-10)}


def test_the_gradient_of_the_generators_loss_is_central_differences(rng):
    """By every parameter of both players: it passes convolutions, batch normalisation and the discriminator.

    A bias before batch normalisation has none: the mean takes it away again.
    """
    gan, z = tiny(2, rng), rng.standard_normal((4, 2))
    loss = lambda: gan.generator_loss(gan.generator(z))
    gan.zero_grad()
    loss().backward()
    expected = central_differences(lambda: loss().item(), gan.flat)
    np.testing.assert_allclose(gan.flat_grad, expected, rtol=1e-5, atol=1e-8)
    assert without_gradient(gan) == {"generator.layers.0.bias", "generator.layers.4.bias"}


def test_the_gradient_of_the_discriminators_loss_is_central_differences(rng):
    gan, real, fake = tiny(2, rng), *rng.random((2, 3, 30))
    gan.zero_grad()
    gan.discriminator_loss(real, fake, rng=rng).backward()
    down = gan.discriminator
    expected = central_differences(lambda: gan.discriminator_loss(real, fake, rng=rng).item(), down.flat)
    np.testing.assert_allclose(down.flat_grad, expected, rtol=1e-5, atol=1e-8)
    assert without_gradient(down) == set()


def identity(logits):
    return logits


@pytest.mark.parametrize("penalty", [r1_penalty, gradient_penalty])
@pytest.mark.parametrize("bend", [identity, np.tanh])
def test_the_gradients_of_penalties_are_central_differences(penalty, bend, rng):
    """A derivative of a derivative: by every parameter of the discriminator, with fixed draws.

    Of the logits themselves the slope does not depend on the biases, of their tanh it does.
    """
    down = tiny(1, rng).discriminator
    real, fake = rng.random((2, 3, 30))
    value = lambda: penalty(lambda x: bend(down(x)), real, fake, rng=np.random.default_rng(1))
    down.zero_grad()
    value().backward()
    expected = central_differences(lambda: value().item(), down.flat)
    np.testing.assert_allclose(down.flat_grad, expected, rtol=1e-5, atol=1e-7)
    assert without_gradient(down) == ({f"layers.{i}.bias" for i in (1, 3, 6)} if bend is identity else set())
