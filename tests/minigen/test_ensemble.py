"""The claim N-9: what may be averaged, and what may not."""

import numpy as np
import pytest

from minigen.ensemble import Ensemble
from minigen.eonade import EoNADE
from minigen.nade import NADE
from tests.minigen.enumeration import binary_vectors, table_of
from tests.minigen.models import random_nade, randomised


def nades(rng):
    return [random_nade(5, 4, rng, rng.permutation(5), scale=3) for _ in range(4)]


def test_n9_an_ensemble_over_orders_averages_probabilities_and_sums_to_one(rng):
    """N-9: logsumexp, for separate NADEs and for the orders of one EoNADE.

    Planted: the mean of the log-probabilities.
    """
    models = nades(rng)
    table = table_of(Ensemble(models))
    np.testing.assert_allclose(table, np.mean([table_of(m) for m in models], axis=0), rtol=1e-12)
    assert table.sum() == pytest.approx(1, abs=1e-12)

    model, x = randomised(EoNADE(5, 4, num_orders=6, rng=rng), rng), binary_vectors(5)
    each = [np.exp(model.log_prob_under(x, order).data) for order in model.orders]
    np.testing.assert_allclose(table_of(model), np.mean(each, axis=0), rtol=1e-12)
    np.testing.assert_allclose(np.sum(each, axis=1), 1, atol=1e-12)


def test_n9_averaged_logits_are_no_distribution(rng):
    """N-9: the counter-example: averaged log-probabilities sum to less than 1, averaged logits to something else."""
    each = [m.log_prob(binary_vectors(5)).data for m in nades(rng)]
    assert np.exp(np.mean(each, axis=0)).sum() < 0.9

    x, twins = binary_vectors(2), []  # two pixels that agree with probability σ(5), in both orders
    for order in ([0, 1], [1, 0]):
        model = NADE(2, 1, order, rng=rng).astype(np.float64)
        model.W.data[...], model.c.data[...], model.V.data[...], model.b.data[...] = 80, -40, [[0], [10]], [0, -5]
        twins.append(model)
    np.testing.assert_allclose(table_of(twins[0]), table_of(twins[1]), rtol=1e-12)
    p = 1 / (1 + np.exp(-np.mean([m.logits(x).data for m in twins], axis=0)))
    total = np.prod(np.where(x == 1, p, 1 - p), axis=1).sum()
    agree = 1 / (1 + np.exp(-2.5))  # each pixel by half its logit given the other
    assert total == pytest.approx(2 * agree**2 + 2 * (1 - agree) ** 2, rel=1e-10)
    assert total > 1.7


def test_models_that_do_not_fit_together_are_refused(rng):
    with pytest.raises(ValueError, match="at least one model"):
        Ensemble([])
    with pytest.raises(ValueError, match=r"vectors of one length, got D = \[3, 4\]"):
        Ensemble([random_nade(3, 2, rng), random_nade(4, 2, rng)])
