"""The claims I-1, I-3 and I-6, and what every explicit model shares: its sampler, its dtype, what it refuses."""

import numpy as np
import pytest
from scipy.stats import chi2

from autograd import Tensor, grad
from minigen.ar import AR
from minigen.divergences import conditional_mutual_information, entropy, mutual_information
from minigen.gaussian_ar import GaussianAR
from minigen.markov import MarkovChain
from minigen.model import AutoregressiveModel, ExplicitModel
from minigen.pixelrnn import VARIANTS
from minigen.table import Categorical, FullTable, IndependentBernoulli
from minigen.training.optim import Adam
from minigen.uses import BayesClassifier
from tests.minigen.enumeration import binary_vectors, chi_square, index_of, table_of
from tests.minigen.models import BINARY, random_model, random_nade, randomised

SAMPLES = 20_000
every_model = pytest.mark.parametrize("name", BINARY)


@every_model
@pytest.mark.parametrize("n", [1, 5, 12])
def test_i1_probabilities_sum_to_one_untrained_and_trained(name, n, rng):
    """I-1: over all 2ⁿ images.

    Planted: ln σ(l) taken for both values of a pixel.
    """
    model = random_model(name, n, rng)
    assert table_of(model).sum() == pytest.approx(1, abs=1e-12)
    optimizer, x = Adam(model, 0.05), (rng.random((20, n)) < 0.3).astype(float)
    first = model.nll(x).item()
    for _ in range(10):
        model.zero_grad()
        model.loss(x, rng=rng).backward()
        optimizer.step()
    assert model.nll(x).item() < first
    assert table_of(model).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("states", [2, 3, 5])
def test_i1_chains_of_more_states_sum_to_one(states, rng):
    """I-1: over all Kⁿ sequences."""
    chain = randomised(MarkovChain(4, order=2, states=states), rng)
    x = np.stack(np.meshgrid(*[np.arange(states)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    assert np.exp(chain.log_prob(x).data).sum() == pytest.approx(1, abs=1e-12)


STATE_CONDITIONALS = [
    "independent",
    "full table",
    *(n for n in BINARY if "chain" in n),
    "AR(2)",
    "FVSBN",
    "NADE",
    *VARIANTS,
]
"""The models that say p(xᵢ | x_<ᵢ) themselves, of pixels in the order of the image."""


def conditional_ones(model, x):
    """The model's own p(xᵢ = 1 | x_<ᵢ): (n, D)."""
    if isinstance(model, IndependentBernoulli):
        logits = np.broadcast_to(model.logits.data, x.shape)
    elif isinstance(model, MarkovChain):
        pasts = [[int("".join(f"{int(v)}" for v in row[max(0, i - model.order) : i]) or "0", 2) for row in x]
                 for i in range(model.D)]  # fmt: skip
        return np.stack([model.conditionals(i)[past, 1] for i, past in enumerate(pasts)], axis=1)
    else:
        logits = model.logits(x).data
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("name", STATE_CONDITIONALS)
def test_i3_the_conditionals_are_those_of_the_enumerated_table(name, rng):
    """I-3: p(xᵢ = 1 | x_<ᵢ) = p(x_<ᵢ, 1) / p(x_<ᵢ), both summed from the table, and ln p(x) = Σ ln p(xᵢ | x_<ᵢ).

    Planted: a chain that reads its past in the opposite order.
    """
    n = 5
    model, x = random_model(name, n, rng), binary_vectors(n)
    p, of_one = table_of(model), conditional_ones(model, x)
    for i in range(n):
        same_past = (x[:, None, :i] == x[None, :, :i]).all(axis=2)
        np.testing.assert_allclose(of_one[:, i], same_past @ (p * x[:, i]) / (same_past @ p), rtol=1e-10)
    log_p = np.log(np.where(x == 1, of_one, 1 - of_one)).sum(axis=1)
    np.testing.assert_allclose(model.log_prob(x).data, log_p, rtol=1e-10)


def test_i3_bayes_rule_on_the_enumerated_joint(rng):
    """I-3: p(y|x) = p(x|y) p(y) / p(x), against the joint table of label and pixels.

    Planted: a posterior that forgets the prior.
    """
    prior = np.array([0.2, 0.5, 0.3])
    models = [random_nade(4, 3, rng) for _ in prior]
    joint = np.stack([table_of(model) * p for model, p in zip(models, prior, strict=True)], axis=1)
    posterior = np.exp(BayesClassifier(models, prior).log_posterior(binary_vectors(4)))
    np.testing.assert_allclose(posterior, joint / joint.sum(axis=1, keepdims=True), rtol=1e-12)


def test_i3_conditional_independence_and_what_is_not_independent(rng):
    """I-3: in a chain of order 1, X₁ ⊥ X₃ | X₂ but not X₁ ⊥ X₃; in one of order 2 not even given X₂. And the exclusive
    or: two fair coins are independent until it is known whether they agree.

    Planted: a chain of order 1 that sees two pixels back.
    """
    table = table_of(random_model("chain of order 1", 3, rng)).reshape(2, 2, 2)
    assert conditional_mutual_information(table, [0], [2], given=[1]) == pytest.approx(0, abs=1e-14)
    assert mutual_information(table, [0], [2]) > 1e-4
    table = table_of(randomised(MarkovChain(3, 2), rng)).reshape(2, 2, 2)
    assert conditional_mutual_information(table, [0], [2], given=[1]) > 1e-3
    coins = np.zeros((2, 2, 2))
    for a in range(2):
        for b in range(2):
            coins[a, b, a ^ b] = 0.25
    assert mutual_information(coins, [0], [1]) == pytest.approx(0, abs=1e-15)
    assert conditional_mutual_information(coins, [0], [1], given=[2]) == pytest.approx(np.log(2), rel=1e-14)


@every_model
def test_i6_the_expected_loss_is_the_entropy(name, rng):
    """I-6: E[−ln p(x)] = H(p): the mean loss of 20,000 of the model's own draws is within 4 standard errors of the
    entropy of its table.

    Planted: an nll that adds up a batch instead of averaging it.
    """
    model = random_model(name, 5, rng)
    draws = model.sample(SAMPLES, rng=rng)
    error = model.log_prob(draws).data.std() / np.sqrt(SAMPLES)
    assert abs(model.nll(draws).item() - float(entropy(table_of(model)))) < 4 * error < 0.1


@pytest.mark.parametrize("name", ["independent", "full table", "AR(2)", "NADE"])
def test_i6_the_score_has_mean_zero_and_its_covariance_is_the_curvature(name, rng):
    """I-6: E[∇ ln p] = 0, and the Fisher information E[∇ ln p ∇ ln pᵀ] = −E[∇² ln p], over all images.

    Planted: a Bernoulli score of x/2 − p.
    """
    n = 3
    model, x = random_model(name, n, rng), binary_vectors(n)
    p, theta = table_of(model), list(model.parameters().values())

    def flat(gradients):
        return np.concatenate([np.reshape(g.data, -1) for g in gradients])

    scores = np.stack([flat(grad(model.log_prob(x[i : i + 1]).sum(), theta)) for i in range(len(x))])
    assert abs(p @ scores).max() < 1e-13

    curvature = np.empty((model.num_parameters, model.num_parameters))
    expected = np.sum(Tensor(p) * model.log_prob(x))
    first = grad(expected, theta, create_graph=True)
    row = 0
    for g in first:
        for i in np.ndindex(g.shape):
            curvature[row] = flat(grad(g[i], theta, retain_graph=True))
            row += 1
    np.testing.assert_allclose((p[:, None] * scores).T @ scores, -curvature, atol=1e-12)


@every_model
def test_samples_have_the_enumerated_probabilities(name, rng):
    """χ² below its 0.999 quantile over the 16 images; the uniform distribution is ten times above it."""
    model = random_model(name, 4, rng)
    x = model.sample(SAMPLES, rng=rng)
    assert x.dtype == np.float64
    counts = np.bincount(index_of(x), minlength=16)
    assert chi_square(counts, SAMPLES * table_of(model)) < chi2.ppf(0.999, df=15)
    assert chi_square(counts, np.full(16, SAMPLES / 16)) > 10 * chi2.ppf(0.999, df=15)


@every_model
def test_float32_parameters_give_float32_results(name, rng):
    model = BINARY[name](5, rng)
    x = binary_vectors(5)
    assert model.log_prob(x).dtype == np.float32
    assert model.sample(3, rng=rng).dtype == np.float32
    loss = model.loss(x, rng=rng)
    loss.backward()
    assert loss.dtype == model.flat_grad.dtype == np.float32


@every_model
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 5)), r"takes a batch of shape \(n, 6\), got \(2, 5\)"),
        (np.zeros(6), r"got \(6,\)"),
        (np.zeros((0, 6)), r"at least one vector, got shape \(0, 6\)"),
        (np.full((2, 6), 0.5), r"(pixels in \{0, 1\}|states 0 … 1), got values from 0.5 to 0.5"),
        (np.full((2, 6), 2), r"(pixels in \{0, 1\}|states 0 … 1), got values from 2 to 2"),
        (np.array([[0] * 6, [0, 1, np.nan, 1, 0, 0]]), "finite numbers, got nan in row 1"),
        (np.array([[0] * 5 + [np.inf]]), "finite numbers, got inf in row 0"),
        (np.array([list("abcdef")]), "takes numbers, got an array of <U1"),
    ],
)
def test_what_is_not_a_batch_of_binary_images_is_refused_and_changes_nothing(name, x, message, rng):
    model = BINARY[name](6, rng)
    before = model.flat.copy()
    uses = [model.log_prob, model.nll, lambda x: model.loss(x, rng=rng)]
    for use in [*uses, *([model.fit] if hasattr(model, "fit") else [])]:
        with pytest.raises(ValueError, match=message):
            use(x)
    np.testing.assert_array_equal(model.flat, before)


@pytest.mark.parametrize("smoothing", [-1, np.nan, np.inf])
@pytest.mark.parametrize("model", [IndependentBernoulli(3), MarkovChain(3), FullTable(3)])
def test_a_smoothing_that_is_no_count_is_refused(model, smoothing):
    with pytest.raises(ValueError, match=f"at least 0 and finite, got {smoothing}"):
        model.fit(np.ones((2, 3)), smoothing)


@pytest.mark.parametrize("kind", [MarkovChain, AR, GaussianAR])
@pytest.mark.parametrize("order", [5, 9, -1, 1.5, np.inf])
def test_an_order_as_long_as_the_vector_is_refused(kind, order):
    with pytest.raises(ValueError, match=f"a whole number from 0 to D − 1, got {order} for D = 5"):
        kind(5, order)


def test_tables_that_would_not_fit_are_refused_with_the_reason(rng):
    with pytest.raises(ValueError, match=r"a full table over 17 pixels has 2\^17 − 1 numbers.*assume something"):
        FullTable(17)
    with pytest.raises(ValueError, match=r"order 30 over 784 variables .* parameters, more than 16,777,216"):
        MarkovChain(784, order=30)
    with pytest.raises(ValueError, match="at least 2 states, got 1"):
        MarkovChain(3, states=1)
    with pytest.raises(ValueError, match="states 0 … 3, got values from 0 to 4"):
        Categorical(4).fit(np.array([[0], [4]]))


AUTOREGRESSIVE = ["full table", "chain of order 3", "AR(2)", "NADE", "row"]
BEGINNING = np.arange(6) < 3


@pytest.mark.parametrize("name", AUTOREGRESSIVE)
@pytest.mark.parametrize(
    ("x", "seen", "message"),
    [
        (np.zeros((2, 7)), BEGINNING, r"got x \(2, 7\) and seen \(6,\) of bool"),
        (np.zeros((2, 7)), np.arange(7) < 3, r"takes a batch of shape \(n, 6\), got \(2, 7\)"),
        (np.zeros(6), BEGINNING, r"takes a batch of shape \(n, 6\), got \(6,\)"),
        (np.zeros((2, 6)), np.arange(3), r"got x \(2, 6\) and seen \(3,\) of int64"),
        (np.full((2, 6), 0.5), BEGINNING, r"(pixels in \{0, 1\}|states 0 … 1), got values from 0 to 0.5"),
        (np.full((2, 6), np.nan), BEGINNING, "finite numbers, got nan"),
        (np.zeros((2, 6)), ~BEGINNING, "completes exactly only where the seen variables come before all others in its"),
        (
            np.zeros((2, 6)),
            [BEGINNING, ~BEGINNING],
            r"the same number in each row; .* use minigen\.uses\.complete",
        ),
        (np.zeros((2, 6)), np.tri(2, 6, dtype=bool), "the same number in each row"),
    ],
)
def test_what_is_no_beginning_is_refused(name, x, seen, message, rng):
    with pytest.raises(ValueError, match=message):
        BINARY[name](6, rng).complete(x, seen, rng=rng)


@every_model
def test_no_samples_are_an_empty_batch(name, rng):
    assert BINARY[name](6, rng).sample(0, rng=rng).shape == (0, 6)


@pytest.mark.parametrize("name", AUTOREGRESSIVE)
def test_a_whole_beginning_is_left_as_it_is(name, rng):
    x = binary_vectors(6)
    np.testing.assert_array_equal(BINARY[name](6, rng).complete(x, np.full(6, True), rng=rng), x)


@every_model
def test_exact_completions_keep_what_is_seen_and_have_the_dtype_of_samples(name, rng):
    """Where nothing is seen they are samples; a model without `complete` of its own says so."""
    model, x = BINARY[name](6, rng), (rng.random((4, 6)) < 0.5).astype(float)
    if type(model).complete is ExplicitModel.complete:
        with pytest.raises(TypeError, match=r" has no exact way to complete; minigen\.uses\.complete"):
            model.complete(x, BEGINNING, rng=rng)
        return
    seen = np.isin(np.arange(6), getattr(model, "sequence", np.arange(6))[:3])
    drawn = model.complete(np.where(seen, x, np.nan), np.tile(seen, (4, 1)), rng=rng)
    np.testing.assert_array_equal(drawn[:, seen], x[:, seen])
    assert np.isin(drawn, [0, 1]).all()
    assert drawn.dtype == np.float32
    if isinstance(model, AutoregressiveModel):
        drawn = model.complete(np.full((4, 6), np.nan), np.full(6, False), rng=np.random.default_rng(0))
        np.testing.assert_array_equal(drawn, model.sample(4, rng=np.random.default_rng(0)))


def test_independent_pixels_are_completed_anywhere_by_their_own_probabilities(rng):
    """20,000 draws: each frequency within 4.5 standard errors."""
    model, n = randomised(IndependentBernoulli(4), rng), 20_000
    drawn = model.complete(np.ones((n, 4)), np.array([False, True, False, True]), rng=rng)
    p = 1 / (1 + np.exp(-model.logits.data))
    np.testing.assert_array_equal(drawn[:, [1, 3]], 1)
    assert (abs(drawn.mean(axis=0) - p)[[0, 2]] < 4.5 * np.sqrt(p * (1 - p) / n)[[0, 2]]).all()
