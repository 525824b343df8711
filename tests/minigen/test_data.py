"""The digits: what they are, how they are cut, and the rule that makes them binary."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from minigen.data import binarise, binarise_anew, digits

ORIGINAL = Path(__file__).parents[3] / "shared" / "data" / "digits" / "digits.npz"


@pytest.fixture(scope="module")
def dataset():
    return digits()


def parts(dataset):
    return [dataset.train, dataset.validation, dataset.test]


def test_the_parts_are_all_the_digits_once(dataset):
    assert [len(p) for p in parts(dataset)] == [1197, 300, 300]
    assert dataset.shape == (8, 8)
    for part in parts(dataset):
        assert part.images.shape == part.levels.shape == (len(part), 64)
        assert part.labels.shape == (len(part),)
        assert part.images.dtype == np.float32
    counts = np.bincount(np.concatenate([p.labels for p in parts(dataset)]))
    np.testing.assert_array_equal(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])


def test_the_split_never_changes(dataset):
    """Every published likelihood depends on it."""
    digest = hashlib.sha256(b"".join(p.levels.astype(np.uint8).tobytes() for p in parts(dataset))).hexdigest()
    assert digest[:16] == "22ccb51d1417f811"


def test_the_rule_is_stated_and_kept(dataset):
    assert dataset.name == "digits 8×8, grey level ≥ 8"
    for part in parts(dataset):
        np.testing.assert_array_equal(part.images, part.levels >= 8)
    assert digits(threshold=5).name == "digits 8×8, grey level ≥ 5"
    assert digits(threshold=5).test.images.sum() > dataset.test.images.sum()


@pytest.mark.parametrize("threshold", [0, 17])
def test_a_threshold_that_makes_all_pixels_equal_is_refused(threshold):
    with pytest.raises(ValueError, match=f"from 1 to 16.*got {threshold}"):
        digits(threshold)


def test_binarising_anew_is_binarising_at_a_level_near_the_threshold(dataset, rng):
    levels = dataset.train.levels
    np.testing.assert_array_equal(binarise_anew(levels, 8, 0.0, rng), binarise(levels, 8))
    anew = binarise_anew(levels, 8, 2.0, rng)
    possible = np.stack([binarise(levels, t) for t in range(1, 17)])
    assert (possible == anew).all(axis=2).any(axis=0).all()
    assert 0.3 < (anew != dataset.train.images).any(axis=1).mean() < 1


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the shared original of the digits is not beside this checkout")
def test_the_shipped_digits_are_the_original(dataset):
    with np.load(ORIGINAL) as original:
        images = {(i.tobytes(), int(label)) for i, label in zip(original["images"], original["labels"], strict=True)}
    shipped = {
        (levels.astype(np.uint8).tobytes(), int(label))
        for part in parts(dataset)
        for levels, label in zip(part.levels, part.labels, strict=True)
    }
    assert shipped == images
