"""The claim I-5: what each assumption costs is an information-theoretic quantity, exactly."""

import itertools

import numpy as np
import pytest
from scipy.stats import entropy

from minigen.analysis.ledger import ledger
from minigen.data.sets import digits
from minigen.markov import MarkovChain
from minigen.table import FullTable, IndependentBernoulli


def images(n_pixels, name):
    """The first pixels of the twelve in the middle of the real digits, or of twelve correlated coins."""
    if name == "digits":
        x = digits().train.images.reshape(-1, 8, 8)[:, 2:6, 2:5].reshape(-1, 12)
    else:
        rng = np.random.default_rng(5)
        x = (rng.standard_normal((500, 12)).cumsum(axis=1) > 0).astype(float)
    return x[:, :n_pixels].astype(float)


def joint_entropy(x, columns):
    """H of some pixels by counting rows: independent of the tables that the ledger uses."""
    _, counts = np.unique(x[:, list(columns)], axis=0, return_counts=True)
    return float(entropy(counts))


def nll(model, x):
    return model.astype(np.float64).fit(x, smoothing=0).nll(x).item()


@pytest.mark.parametrize("name", ["digits", "coins"])
@pytest.mark.parametrize("D", [2, 5, 12])
def test_i5_nested_models_differ_by_total_correlation_and_conditional_information(name, D):
    """I-5: NLL_full = H; NLL_independent − H = Σ H(Xᵢ) − H(X); NLL_Markov − H = Σ I(Xᵢ ; X_<i−1 | Xᵢ₋₁), which is
    Σ H(Xᵢ₋₁, Xᵢ) − H(Xᵢ₋₁) + H(X_<ᵢ) − H(X_≤ᵢ).

    Planted: a fit that smooths when it was asked not to.
    """
    x = images(D, name)
    H = lambda *columns: joint_entropy(x, columns) if columns else 0.0
    whole = H(*range(D))
    assert nll(FullTable(D), x) == pytest.approx(whole, abs=1e-11)
    assert nll(IndependentBernoulli(D), x) - whole == pytest.approx(sum(map(H, range(D))) - whole, abs=1e-11)
    conditional = sum(H(i - 1, i) - H(i - 1) + H(*range(i)) - H(*range(i + 1)) for i in range(1, D))
    assert nll(MarkovChain(D), x) - whole == pytest.approx(conditional, abs=1e-11)


@pytest.mark.parametrize("D", [2, 12])
def test_i5_every_step_of_the_ledger_equals_its_quantity(D, rng):
    """I-5: measured losses beside quantities computed from tables, to 1e-7 (FVSBN's descent ends there) and better.

    Planted: a divergence of the conditionals without its logarithm.
    """
    entries = ledger(images(D, "digits"), rng=rng)
    assert [e.name for e in entries] == ["independent", "Markov", "FVSBN", "NADE, 8 hidden", "full table"]
    for entry in entries:
        assert entry.step == pytest.approx(entry.value, abs=1e-7)
    for before, after in itertools.pairwise(entries):
        assert after.step == pytest.approx(before.nll - after.nll, abs=1e-12)
    if D > 2:
        assert [e.step > 0.3 for e in entries] == [True] * 5
    assert [e.parameters for e in entries if e.name != "NADE, 8 hidden"] == [D, 2 * D - 1, D * (D + 1) // 2, 2**D - 1]


def test_images_whose_regressions_have_no_maximum_are_refused(rng):
    with pytest.raises(ValueError, match=r"some pixel is always the same.*choose pixels that vary more"):
        ledger(np.array([[0, 1, 0], [1, 1, 0]]), rng=rng)
    for x in (np.full((5, 3), 0.5), np.zeros((0, 3))):
        with pytest.raises(ValueError, match=r"at least one image with pixels in \{0, 1\}"):
            ledger(x, rng=rng)


@pytest.mark.parametrize("shape", [(5, 13), (5, 1), (5,)])
def test_more_pixels_than_can_be_enumerated_are_refused(shape, rng):
    with pytest.raises(ValueError, match="with 2 to 12 pixels, got shape"):
        ledger(np.zeros(shape), rng=rng)
