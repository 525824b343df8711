"""The images: what they are, how they are cut, and the rules that make them binary."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from minigen.data import (
    MNIST_HEADERS,
    binarise,
    binarise_anew,
    binarise_by_chance,
    digits,
    lynx,
    mnist,
    real_valued,
)

SHARED = Path(__file__).parents[3] / "shared" / "data"
ORIGINAL = SHARED / "digits" / "digits.npz"
MNIST = SHARED / "mnist"


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


def test_the_same_images_as_real_numbers(dataset, rng):
    """Level/16, whatever the rule that made them binary; `anew` has nothing left to chance."""
    real = real_valued(dataset)
    assert real.name == "digits 8×8, grey levels from 0 to 1"
    for ours, binary in zip(parts(real), parts(dataset), strict=True):
        assert ours.images.dtype == np.float32
        np.testing.assert_array_equal(16 * ours.images, binary.levels)
        np.testing.assert_array_equal(ours.labels, binary.labels)
    assert real.anew(rng) is real.train.images


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


def test_training_images_are_made_anew_each_epoch_and_the_others_never(dataset, rng):
    np.testing.assert_array_equal(dataset.anew(rng), dataset.train.images)
    jittered = digits(spread=2.0)
    assert (jittered.anew(rng) != jittered.anew(rng)).any()
    np.testing.assert_array_equal(jittered.test.images, dataset.test.images)
    assert dataset.D == 64


def test_binarising_by_chance_keeps_the_mean_and_the_ends(rng):
    """Within 4.5 standard errors; 0 is never 1 and white is always 1."""
    levels = np.repeat(np.array([[0, 51, 128, 254, 255]], np.uint8), 20_000, axis=0)
    p = levels[0] / 255
    mean = binarise_by_chance(levels, 255, rng).mean(axis=0)
    assert (abs(mean - p) <= 4.5 * np.sqrt(p * (1 - p) / 20_000)).all()


@pytest.fixture(scope="module")
def both():
    if not MNIST.exists():
        pytest.skip("MNIST is not beside this checkout, and tests fetch nothing")
    return {rule: mnist(rule, MNIST) for rule in ("threshold", "sampled")}


def test_mnist_is_cut_and_named(both):
    for rule, name in [("threshold", "grey level > 127"), ("sampled", "sampled with probability level/255")]:
        dataset = both[rule]
        assert dataset.name == f"MNIST 28×28, {name}"
        assert [len(p) for p in parts(dataset)] == [50_000, 10_000, 10_000]
        assert dataset.train.images.dtype == np.float32
        np.testing.assert_array_equal(dataset.train.labels[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
        counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        np.testing.assert_array_equal(np.bincount(dataset.test.labels), counts)


def test_mnist_is_binary_by_its_rule(both, rng):
    threshold, sampled = both["threshold"], both["sampled"]
    np.testing.assert_array_equal(threshold.test.images, threshold.test.levels > 127)
    assert threshold.anew(rng) is not sampled.anew(rng)
    np.testing.assert_array_equal(threshold.anew(rng)[:100], threshold.train.images[:100])
    assert (sampled.anew(rng)[:100] != sampled.anew(rng)[:100]).any()
    np.testing.assert_array_equal(sampled.test.images, mnist("sampled", MNIST).test.images)  # drawn once, for ever
    assert abs(sampled.test.images.mean() - sampled.test.levels.mean() / 255) < 1e-3


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"no MNIST"), gzip.compress(bytes(100))[:-9]])
def test_a_file_that_is_not_mnist_is_refused(tmp_path, content):
    for part in ("train", "t10k"):
        for kind in MNIST_HEADERS:
            (tmp_path / f"{part}-{kind}.gz").write_bytes(content)
    with pytest.raises(ValueError, match="is not MNIST's t10k-images-idx3-ubyte: put the file from https"):
        mnist(folder=tmp_path)


def test_a_folder_without_mnist_and_a_rule_that_is_none_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no .*t10k-images-idx3-ubyte.gz; it can be had from https"):
        mnist(folder=tmp_path)
    with pytest.raises(ValueError, match="one of threshold, sampled, got 'otsu'"):
        mnist("otsu", tmp_path)


def test_mnist_is_fetched_into_the_cache_where_no_folder_is_named(tmp_path, monkeypatch):
    """Each file once, under its own name."""
    asked = []

    def retrieve(url, known_hash, fname, path, progressbar):
        asked.append(url)
        (path / fname).write_bytes(b"broken")

    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path)
    monkeypatch.setattr("pooch.retrieve", retrieve)
    for _ in range(2):
        with pytest.raises(ValueError, match="is not MNIST's"):
            mnist()
    assert asked == ["https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz"]


def test_the_lynx_are_those_of_the_literature():
    """114 years; the mean of log₁₀ is 2.90, and 6,991 in 1904 is the most."""
    years, counts = lynx()
    assert (years[0], years[-1], len(counts)) == (1821, 1934, 114)
    assert np.log10(counts).mean() == pytest.approx(2.9036, abs=1e-4)
    assert (years[counts.argmax()], counts.max()) == (1904, 6991)
    assert (years[counts.argmin()], counts.min()) == (1889, 39)
