"""The claims N-1 … N-8, in float64, with every parameter random. What all explicit models share is in
`test_explicit_models`."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from autograd import Tensor, backend, check_grads, grad
from minigen.distributions import bernoulli_log_prob
from minigen.model import log_probs
from minigen.nade import BLOCK, NADE, nade_gradients, nade_logits, nade_logits_reference
from minigen.table import IndependentBernoulli
from minigen.training.optim import Adam
from tests.minigen.enumeration import binary_vectors, chi_square, index_of, table_of
from tests.minigen.models import random_nade
from tests.strategies import generators


def parameters(model):
    return [p.data for p in model.parameters().values()]


DENSITIES = st.sampled_from([0.0, 0.3, 1.0])
SIZES = {"D": st.integers(1, 9), "H": st.integers(1, 6), "density": DENSITIES, "rng": generators}


@given(**SIZES | {"D": st.integers(1, 3 * BLOCK)})
@pytest.mark.parametrize("rows", [(), (4,)])
def test_n1_the_recursion_is_the_naive_form(rows, D, H, density, rng):
    """N-1: values and all gradients to 1e-12, O(DH) beside O(D²H); also with a b and a c for each image.

    Planted: a derivative of tanh that is 1 − |t| instead of 1 − t²; gradients that go through V twice, or, at the end
    of a block, not at all; a gradient of each image's own c that is summed over the batch.
    """
    x = (rng.random((4, D)) < density).astype(float)
    shapes = (D, H), (D, H), (*rows, D), (*rows, H)
    theta = [Tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes]
    g = rng.standard_normal((4, D))
    fast, naive = nade_logits(x, *theta), nade_logits_reference(x, *theta)
    np.testing.assert_allclose(fast.data, naive.data, rtol=1e-12, atol=1e-12)
    for a, b in zip(grad(fast, theta, g), grad(naive, theta, g), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12, atol=1e-12)


def test_n1_real_valued_inputs_too(rng):
    """N-1: nothing in the recursion needs x to be binary."""
    x, theta = rng.standard_normal((4, 6)), parameters(random_nade(6, 3, rng))
    np.testing.assert_allclose(nade_logits(x, *theta), nade_logits_reference(x, *theta), rtol=1e-12, atol=1e-12)
    check_grads(lambda *theta: nade_logits(x, *theta), *theta)


@pytest.mark.parametrize("rows", [(), (3,)])
def test_n1_gradients_are_central_differences_to_second_order(rows, rng):
    """N-1: the second derivative goes through the naive form."""
    x = (rng.random((3, 5)) < 0.5).astype(float)
    theta = [rng.standard_normal(shape) for shape in ((5, 4), (5, 4), (*rows, 5), (*rows, 4))]
    check_grads(lambda *theta: nade_logits(x, *theta), *theta, order=2)


def test_n1_undoing_the_recursion_in_float32_loses_no_more_than_doing_it(rng):
    """N-1: at 784 pixels the float32 gradient, whose states are walked back, is within 1e-4 of the float64 one."""
    D, H = 784, 20
    theta = parameters(random_nade(D, H, rng, scale=0.3))
    x, g = (rng.random((8, D)) < 0.3).astype(float), rng.standard_normal((8, D))
    exact = nade_gradients(g, None, x, *theta)
    rough = nade_gradients(*(np.asarray(a, np.float32) for a in (g, g, x, *theta)))
    for a, b in zip(exact[1:], rough[1:], strict=True):
        assert b.dtype == np.float32
        assert np.linalg.norm(a - b) < 1e-4 * np.linalg.norm(a)


def test_n1_pixels_have_no_gradient_in_the_fused_form_and_the_error_says_so(rng):
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    theta = parameters(random_nade(3, 2, rng))
    with pytest.raises(TypeError, match="nade_logits has no derivative with respect to argument 0"):
        nade_logits(x, *theta).sum().backward()


@pytest.mark.parametrize(("D", "H"), [(1, 1), (5, 3), (64, 128)])
def test_n2_the_number_of_parameters(D, H, rng):
    """N-2: 2DH + H + D.

    Planted: a hidden bias for each pixel.
    """
    assert NADE(D, H, rng=rng).num_parameters == 2 * D * H + H + D


def test_an_order_that_is_set_on_the_host_serves_a_model_on_the_device(library, rng):
    order, x = rng.permutation(6), (rng.random((3, 6)) < 0.5).astype(float)
    model = NADE(6, 4, rng=5)
    model.order = order
    with backend.use("numpy"):
        expected = NADE(6, 4, order, rng=5).log_prob(x).data
    np.testing.assert_allclose(backend.to_numpy(model.log_prob(x)), expected, rtol=1e-5)


def test_both_matrices_begin_with_unit_variance_of_what_they_sum(rng):
    """W sums over D pixels, V over H hidden units."""
    model = NADE(400, 100, rng=rng)
    assert np.std(model.W.data) == pytest.approx(1 / np.sqrt(400), rel=0.02)
    assert np.std(model.V.data) == pytest.approx(1 / np.sqrt(100), rel=0.02)
    assert not model.b.data.any()
    assert not model.c.data.any()


def test_n3_without_output_weights_the_pixels_are_independent(rng):
    """N-3.

    Planted: hidden units that reach the output past V.
    """
    nade, independent = random_nade(6, 4, rng), IndependentBernoulli(6).astype(np.float64)
    nade.V.data[...] = 0
    independent.logits.data[...] = nade.b.data
    np.testing.assert_allclose(table_of(nade), table_of(independent), rtol=1e-13)


@given(D=st.integers(2, 8), rng=generators)
def test_n4_a_pixel_depends_on_all_before_it_and_on_none_after(D, rng):
    """N-4: ∂logitᵢ/∂xⱼ is exactly 0 for j ≥ i and not 0 for j < i; flipping xⱼ says the same of the fused form.

    Planted: a pixel that sees a thousandth of itself.
    """
    order = rng.permutation(D)
    model = random_nade(D, 4, rng, order)
    x = (rng.random((1, D)) < 0.5).astype(float)

    inputs = Tensor(x, requires_grad=True)
    logits = nade_logits_reference(inputs, *parameters(model))
    jacobian = np.array([grad(logits[0, i], inputs, retain_graph=True).data[0] for i in range(1, D)])
    assert ((jacobian != 0) == np.tri(D, D, -1, dtype=bool)[1:]).all()

    before = model.logits(x).data[0]
    for j in range(D):
        flipped = x.copy()
        flipped[0, order[j]] = 1 - x[0, order[j]]
        changed = model.logits(flipped).data[0] != before
        assert (changed[order] == (np.arange(D) > j)).all()


@pytest.mark.parametrize("prefix_length", [0, 2, 6])
def test_n5_the_sampler_draws_from_the_density_it_is_scored_by(prefix_length, rng):
    """N-5: the logits met while sampling are the teacher-forced ones, step by step.

    Planted: a sampler that adds the pixel before the last instead of the last.
    """
    model = random_nade(6, 4, rng, order=rng.permutation(6))
    given = (rng.random((50, 6)) < 0.5).astype(float)
    x, logits = model.generate(given.copy(), prefix_length, rng=rng)
    seen = model.sequence[:prefix_length]
    np.testing.assert_array_equal(x[:, seen], given[:, seen])
    np.testing.assert_allclose(logits, model.logits(x).data, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(bernoulli_log_prob(x, logits).sum(axis=1), model.log_prob(x).data, rtol=1e-12)


SAMPLES = 20_000


def test_n6_samples_have_the_enumerated_probabilities(rng):
    """N-6: χ² below its 0.999 quantile; the same statistic against the model with two pixels swapped in the order is
    ten times above it, so a sampler that walked in another order would not pass.

    Planted: a sampler that takes the pixels as they come.
    """
    order = np.array([3, 0, 4, 1, 2])
    model = random_nade(5, 4, rng, order, scale=1.5)
    counts = np.bincount(index_of(model.sample(SAMPLES, rng=rng)), minlength=32)
    critical = chi2.ppf(0.999, df=31)
    assert chi_square(counts, SAMPLES * table_of(model)) < critical

    model.order = order[[1, 0, 2, 3, 4]]
    assert chi_square(counts, SAMPLES * table_of(model)) > 10 * critical


def test_n7_the_conditionals_are_those_of_the_enumerated_table(rng):
    """N-7: σ(logitᵢ) = p(x_<ᵢ, 1) / p(x_<ᵢ), both summed from the table.

    Planted: logits put back by the order where its inverse is meant.
    """
    D = 6
    order = rng.permutation(D)
    model = random_nade(D, 4, rng, order)
    x = binary_vectors(D)
    p, ordered = table_of(model), binary_vectors(D)[:, order]
    conditional = 1 / (1 + np.exp(-model.logits(x).data[:, order]))
    for i in range(D):
        same_prefix = (ordered[:, None, :i] == ordered[None, :, :i]).all(axis=2)
        marginal = same_prefix @ p
        joint = same_prefix @ (p * ordered[:, i])
        np.testing.assert_allclose(conditional[:, i], joint / marginal, rtol=1e-10)


def test_n7_completions_follow_the_exact_conditional(rng):
    """N-7: the rest of the pixels given the first two in the order, by χ² against the renormalised table.

    Planted: a completion that draws the last given pixel anew.
    """
    order = np.array([2, 4, 0, 1, 3])
    model = random_nade(5, 4, rng, order, scale=1.5)
    image, seen = np.array([np.nan, np.nan, 1, np.nan, 0]), np.isin(np.arange(5), [2, 4])
    completed = model.complete(np.tile(image, (SAMPLES, 1)), seen, rng=rng)
    assert (completed[:, [2, 4]] == [1, 0]).all()
    x, p = binary_vectors(5), table_of(model)
    given_prefix = np.where((x[:, 2] == 1) & (x[:, 4] == 0), p, 0)
    counts = np.bincount(index_of(completed), minlength=32)
    assert chi_square(counts, SAMPLES * given_prefix / given_prefix.sum()) < chi2.ppf(0.999, df=7)
    assert chi_square(counts[given_prefix > 0], SAMPLES / 8 * np.ones(8)) > 10 * chi2.ppf(0.999, df=7)


def train(model, x, steps, learning_rate=0.05):
    optimizer = Adam(model, learning_rate)
    for _ in range(steps):
        model.zero_grad()
        loss = model.nll(x)
        loss.backward()
        optimizer.step()
    return loss.item()


def test_n8_predictable_pixels_cost_nothing(rng):
    """N-8: on one image repeated the loss goes to 0 nats; a sigmoid too many would leave 0.31 a pixel, 5 in all.

    Planted: that sigmoid.
    """
    image = (rng.random((1, 16)) < 0.5).astype(float)
    assert train(NADE(16, 8, rng=rng), image, steps=300) < 0.02


def test_n8_two_equally_likely_images_cost_one_bit(rng):
    """N-8: all zeros or all ones: only the first pixel is uncertain, so the loss goes to ln 2."""
    images = np.repeat([[0.0], [1.0]], 16, axis=1)
    assert train(NADE(16, 8, rng=rng), images, steps=300) == pytest.approx(np.log(2), abs=0.02)


def test_an_order_permutes_the_data_not_the_parameters(rng):
    """The same parameters under an order give each image the probability of its permuted self."""
    order = rng.permutation(5)
    plain = random_nade(5, 3, rng)
    ordered = NADE(5, 3, order, rng=rng).astype(np.float64)
    ordered.flat[...] = plain.flat
    x = binary_vectors(5)
    np.testing.assert_allclose(ordered.log_prob(x).data, plain.log_prob(x[:, order]).data, rtol=1e-14)


@pytest.mark.parametrize("order", [[0, 1], [0, 0, 1], [1, 2, 3]])
def test_an_order_that_is_no_permutation_is_refused(order, rng):
    with pytest.raises(ValueError, match="each of the pixels 0 … 2 once"):
        NADE(3, 2, order, rng=rng)


def test_only_what_comes_first_in_its_order_is_completed(rng):
    model, x = NADE(3, 2, [2, 0, 1], rng=rng), np.zeros((2, 3))
    assert model.complete(x, np.array([True, False, True]), rng=rng).shape == (2, 3)
    with pytest.raises(ValueError, match=r"NADE completes exactly only where .* in its order.*minigen.uses.complete"):
        model.complete(x, np.array([True, True, False]), rng=rng)


def test_the_result_has_the_dtype_of_the_parameters_whatever_that_of_the_pixels(rng):
    theta = parameters(random_nade(3, 2, rng))
    x = np.array([[1.0, 0.0, 1.0]])
    for dtype in (bool, int, np.float32):
        np.testing.assert_allclose(nade_logits(x.astype(dtype), *theta), nade_logits(x, *theta), rtol=1e-15)


def test_scoring_many_images_takes_the_memory_of_one_block(rng):
    """Twenty blocks of 500 images need no more than one, but for the result itself."""
    model, images = NADE(32, 64, rng=rng), (rng.random((10_000, 32)) < 0.5).astype(np.float32)

    def peak(n):
        tracemalloc.start()
        log_probs(model, images[:n])
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(500)  # whatever is made once
    assert peak(10_000) < peak(500) + 3 * 10_000 * 4
