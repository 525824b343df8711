"""Weights that are saved come back, and foreign ones are refused."""

import numpy as np
import pytest

from minigen.checkpoint import load_weights, save_weights
from minigen.nade import NADE


def test_weights_come_back_exactly(rng, tmp_path):
    saved, loaded = NADE(5, 3, rng), NADE(5, 3, rng)
    assert (saved.flat != loaded.flat).any()
    save_weights(saved, tmp_path / "weights.npz")
    load_weights(loaded, tmp_path / "weights.npz")
    np.testing.assert_array_equal(saved.flat, loaded.flat)


def test_weights_of_another_size_are_refused_and_nothing_is_lost(rng, tmp_path):
    save_weights(NADE(5, 3, rng), tmp_path / "weights.npz")
    other = NADE(5, 4, rng)
    before = other.flat.copy()
    with pytest.raises(ValueError, match=r"weights\.npz holds.*W \(5, 3\).*but the module has.*W \(5, 4\)"):
        load_weights(other, tmp_path / "weights.npz")
    np.testing.assert_array_equal(other.flat, before)
