"""The images: what they are, how they are cut, and the rules that make them binary."""

import gzip
import hashlib
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minigen.data import sets as data
from minigen.data.idx import header_of
from minigen.data.images import IDX_NAMES
from minigen.data.sets import (
    binarise,
    binarise_anew,
    binarise_by_chance,
    digits,
    fashion,
    grey,
    lynx,
    mnist,
    own,
    real_valued,
)
from minigen.errors import DataError
from tests.mirror import Mirror, running

SHARED = Path(__file__).parents[4] / "shared" / "data"
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


def test_the_highest_level_may_be_in_any_part(dataset):
    """Shades stay below their number, and real pixels at most 1."""
    brighter = replace(dataset, test=replace(dataset.test, levels=2 * dataset.test.levels))
    assert grey(brighter, 4).test.images.max() == 3
    assert real_valued(brighter).test.images.max() == 1


def of_levels(levels):
    """A data set whose training images are of these grey levels, and whose other images are half as bright."""
    train, rest = (data.Part(a, a, np.zeros(len(a), int)) for a in (levels, levels // 2))
    return data.Dataset("steps 1×4, grey", (1, 4), train, rest, rest, lambda rng: train.images)


def test_r5_each_shade_of_grey_covers_as_many_levels():
    """R-5: 16 levels in 4 shades are 4 levels each, as the categories of a softmax.

    Planted: shades of which the last is white alone, and the others wider.
    """
    np.testing.assert_array_equal(grey(of_levels(np.arange(16).reshape(4, 4)), 4).train.images, np.indices((4, 4))[0])


def test_i1_real_pixels_of_all_parts_have_one_unit():
    """I-1: a density is per unit of x, so all parts are divided by the same highest level.

    Planted: parts that are divided each by its own.
    """
    real = real_valued(of_levels(np.arange(16).reshape(4, 4)))
    np.testing.assert_allclose(15 * real.test.images, np.arange(16).reshape(4, 4) // 2, rtol=1e-6)


@pytest.mark.parametrize("threshold", [0, 17])
def test_a_threshold_that_makes_all_pixels_equal_is_refused(threshold):
    with pytest.raises(ValueError, match=f"from 1 to 16.*got {threshold}"):
        digits(threshold)


def test_binarising_anew_is_binarising_at_a_level_near_the_threshold(dataset, rng):
    levels = dataset.train.levels
    np.testing.assert_array_equal(binarise_anew(levels, 8, 0.0, rng=rng), binarise(levels, 8))
    anew = binarise_anew(levels, 8, 2.0, rng=rng)
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
    mean = binarise_by_chance(levels, 255, rng=rng).mean(axis=0)
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


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is no idx file of bytes"),
        (b"no gzip", "it is no idx file of bytes"),
        (gzip.compress(b"no MNIST", mtime=0), "it is no idx file of bytes"),
        (gzip.compress(header_of((100,)) + bytes(100), mtime=0)[:-9], "it is damaged where gzip compressed it"),
        (gzip.compress(header_of((100,)) + bytes(100), mtime=0), "its sha256 is not 0fa7898d…"),
    ],
)
def test_a_file_that_is_not_mnist_is_refused(tmp_path, content, problem):
    for name in IDX_NAMES:
        (tmp_path / f"{name}.gz").write_bytes(content)
    with pytest.raises(DataError, match=f"is not MNIST's t10k-images-idx3-ubyte: {problem}.*: get it from https"):
        mnist(folder=tmp_path)


@pytest.mark.parametrize(("source", "url"), [(mnist, "https://ossci"), (fashion, "http://fashion-mnist")])
def test_a_folder_without_the_files_and_a_rule_that_is_none_are_named(source, url, tmp_path):
    with pytest.raises(DataError, match=rf"t10k-images-idx3-ubyte.gz is not there: get it from {url}"):
        source(folder=tmp_path)
    with pytest.raises(ValueError, match="one of threshold, sampled, got 'otsu'"):
        source("otsu", tmp_path)


@pytest.mark.parametrize(
    "rename", [lambda name: name, lambda name: name.replace("-idx", ".idx"), lambda name: f"MNIST/raw/{name}"]
)
@pytest.mark.parametrize("unpack", [bytes, gzip.decompress])
def test_files_of_mnist_are_found_plain_or_compressed_and_as_other_programs_name_them(
    rename, unpack, tmp_path, monkeypatch
):
    files, source = small("MNIST", "sha256")
    monkeypatch.setattr(data, "MNIST", source("http://nowhere/"))
    for name, content in files.items():
        file = tmp_path / rename(name if unpack is bytes else name.removesuffix(".gz"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(unpack(content))
    assert [len(part) for part in parts(mnist(folder=tmp_path))] == [200, 40, 40]


def test_files_that_are_there_under_foreign_names_are_named_with_the_cure(tmp_path, monkeypatch):
    files, source = small("Fashion-MNIST", "md5")
    monkeypatch.setattr(data, "FASHION", source("http://nowhere/"))
    for name, content in files.items():
        (tmp_path / f"my {name}.bin").write_bytes(content)
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte.gz is not there, but my t10k.*: give it the"):
        fashion(folder=tmp_path)
    for name, content in files.items():
        (tmp_path / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte is not compressed, .* \.gz only: give the \.gz files"):
        fashion(folder=tmp_path)
    os.mkfifo(tmp_path / "t10k-images-idx3-ubyte.gz")
    with pytest.raises(DataError, match="is a pipe or a device, expected a file"):
        fashion(folder=tmp_path)


def small(name, kind):
    """A data set as MNIST's are, of 240 images, with its checksums: (files, a source whose mirrors are to be named)."""
    draw, files, checksums = np.random.default_rng(0), {}, {}
    for file in IDX_NAMES:
        n = 40 if file.startswith("t10k") else 240
        items = draw.integers(0, 256, (n, 28, 28)) if "images" in file else np.arange(n) % 7
        content = header_of(items.shape) + items.astype(np.uint8).tobytes()
        files[f"{file}.gz"] = gzip.compress(content, 1)
        digest = hashlib.new(kind, content if kind == "sha256" else files[f"{file}.gz"]).hexdigest()
        checksums[file] = f"{kind}:{digest}"
    return files, lambda *mirrors: data.Source(name, mirrors, checksums, "below")


@pytest.fixture
def sampled(tmp_path, monkeypatch):
    """The 240 + 40 images of `small`, sampled anew for every epoch."""
    files, source = small("MNIST", "sha256")
    monkeypatch.setattr(data, "MNIST", source("http://nowhere/"))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return mnist("sampled", tmp_path)


def test_u1_a_label_stays_beside_its_image(sampled):
    """U-1: the k-th image of each file has the k-th label of its file, k mod 7 here, however the files are cut.

    Planted: validation images with the labels of the first training images.
    """
    train, validation, test = (part.labels for part in parts(sampled))
    np.testing.assert_array_equal(np.concatenate([train, validation]), np.arange(240) % 7)
    np.testing.assert_array_equal(test, np.arange(40) % 7)


def test_n8_white_and_black_are_no_chance(sampled, rng):
    """N-8: a pixel of level 255 is 1 in every epoch and one of level 0 is 0: they can be predicted for 0 nats.

    Planted: a probability of level/256.
    """
    levels = sampled.train.levels
    for _ in range(10):
        images = sampled.anew(rng)
        assert images[levels == 255].all()
        assert not images[levels == 0].any()


@pytest.mark.parametrize(
    ("load", "constant", "name", "kind"),
    [(mnist, "MNIST", "MNIST", "sha256"), (fashion, "FASHION", "Fashion-MNIST", "md5")],
)
def test_it_is_fetched_once_into_the_users_cache(load, constant, name, kind, tmp_path, monkeypatch):
    """By a mirror that has it, though the first has not; the same from there as from a folder."""
    files, source = small(name, kind)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path)
    monkeypatch.setenv("NO_PROXY", "*")
    with running(Mirror({})) as empty, running(Mirror(files)) as mirror:
        monkeypatch.setattr(data, constant, source(empty.url, mirror.url))
        dataset = load()
        assert len(mirror.asked) == len(empty.asked) == 4
        again = load("sampled")
        assert len(mirror.asked) == 4
    assert sorted(p.name for p in (tmp_path / "below").iterdir()) == sorted(files)
    assert [len(part) for part in parts(dataset)] == [200, 40, 40]
    assert dataset.name == f"{name} 28×28, grey level > 127"
    assert again.name == f"{name} 28×28, sampled with probability level/255"
    for ours, same in zip(parts(dataset), parts(load(folder=tmp_path / "below")), strict=True):
        np.testing.assert_array_equal(ours.images, same.images)
        np.testing.assert_array_equal(ours.images, same.levels > 127)


def test_what_is_wrong_is_not_let_into_the_cache_and_what_went_wrong_there_is_told(tmp_path, monkeypatch):
    files, source = small("MNIST", "sha256")
    first = "t10k-images-idx3-ubyte.gz"
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path)
    monkeypatch.setenv("NO_PROXY", "*")
    with running(Mirror(files | {first: files["t10k-labels-idx1-ubyte.gz"]})) as mirror:
        monkeypatch.setattr(data, "MNIST", source(mirror.url))
        sentence = rf"{first} cannot be fetched from .* \(the file there is not MNIST's .*\): .* by --data-folder"
        with pytest.raises(DataError, match=sentence):
            mnist()
        assert list((tmp_path / "below").iterdir()) == []
    (tmp_path / "below" / first).write_bytes(b"")
    with pytest.raises(DataError, match=r"begins with '', .*: delete it, and it is fetched again"):
        mnist()
    (tmp_path / "below" / first).write_bytes(gzip.compress(header_of((60_001, 28, 28))))
    with pytest.raises(DataError, match=r"at most 47,040,000 are read: delete it, and it is fetched again"):
        mnist()  # and allocates nothing


# -- one's own


def test_own_images_are_cut_as_the_digits_are_and_binary_at_half_of_the_highest_level(dataset, tmp_path):
    """The digits as one's own are the digits, but for the name."""
    with np.load(Path(data.__file__).parent / "digits.npz") as arrays:
        np.savez(tmp_path / "my, own.npz", **arrays)
    mine = own(tmp_path / "my, own.npz")
    assert mine.name == "my, own.npz 8×8, grey level ≥ 8"
    assert (mine.shape, mine.D, mine.classes) == ((8, 8), 64, 10)
    for ours, theirs in zip(parts(mine), parts(dataset), strict=True):
        for field in ("images", "levels", "labels"):
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))
    assert grey(mine, 4).name == "my, own.npz 8×8, 4 grey levels"
    assert real_valued(mine).train.images.max() == 1


@pytest.mark.parametrize(("most", "dtype", "half"), [(255, np.uint8, "128"), (1, bool, "1"), (1.0, float, "0.5")])
def test_half_of_the_highest_level_is_told(most, dtype, half, rng, tmp_path):
    np.savez(tmp_path / "a.npz", images=(rng.integers(0, most + 1, (200, 4, 6))).astype(dtype))
    mine = own(tmp_path / "a.npz")
    assert mine.name == f"a.npz 4×6, grey level ≥ {half}"
    for part in parts(mine):
        assert part.images.dtype == np.float32
        np.testing.assert_array_equal(part.images, part.levels >= float(half))
    assert mine.anew(rng) is mine.train.images
    assert mine.classes == 1


def test_idx_files_of_ones_own_keep_their_test_images(tmp_path):
    for name, content in small("", "md5")[0].items():
        (tmp_path / name).write_bytes(content)
    mine = own(tmp_path)
    assert [len(part) for part in parts(mine)] == [200, 40, 40]
    np.testing.assert_array_equal(mine.test.labels, np.arange(40) % 7)
    np.testing.assert_array_equal(mine.train.labels, np.arange(200) % 7)


def test_own_images_keep_the_names_of_their_classes_and_say_what_was_changed(tmp_path):
    """Shades and real pixels keep both."""
    levels = np.full((240, 6, 6), 255, np.uint16)
    levels[:, 1:5, 1:5] = np.random.default_rng(0).integers(0, 256, (240, 4, 4))
    levels[0, 2, 2] = 65_535
    np.savez(tmp_path / "a.npz", images=levels, labels=np.where(np.arange(240) % 2, 3, 8))
    mine = own(str(tmp_path / "a.npz"))
    changed = "a.npz 6×6, levels above 255 cut, dark ink on light paper"
    assert mine.name == f"{changed}, grey level ≥ 128"
    for dataset, name in [(mine, "grey level ≥ 128"), (grey(mine, 4), "4 grey levels"),
                          (real_valued(mine), "grey levels from 0 to 1")]:  # fmt: skip
        assert dataset.name == f"{changed}, {name}"
        assert (dataset.names, dataset.class_names, dataset.classes) == (("3", "8"), ["3", "8"], 2)
    assert digits().class_names == [str(label) for label in range(10)]
    assert mine.train.levels.max() == 255
    assert not mine.train.images.reshape(-1, 6, 6)[:, 0].any()


@pytest.mark.parametrize("most", [1.0, 255.0])
def test_real_levels_have_shades_of_equal_ranges(most):
    """In [0, 1] as in [0, 255]: the shades of 16 levels are 4 levels each, and the highest level has the last shade."""
    levels = (np.arange(16).reshape(4, 4) + 0.5) / 16 * most
    levels[3, 3] = most
    train = data.Part(levels, levels, np.zeros(4, int))
    dataset = data.Dataset("steps 1×4, grey", (1, 4), train, train, train, lambda rng: levels)
    np.testing.assert_array_equal(grey(dataset, 4).train.images, np.indices((4, 4))[0])
    with pytest.raises(ValueError, match="levels must be 2 or more, got 1"):
        grey(dataset, 1)


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_own_images_take_little_more_memory_than_they_are(kind, tmp_path):
    """A file that is a thousandth of its images: 1 byte a pixel of levels (4 if real), 4 bytes of binary pixels, and
    copies of parts of them; the array of the file (8 bytes if real) is gone when the parts are made."""
    images = np.zeros((300, 100, 100), kind)
    images[:, 50, 50] = 1
    np.savez_compressed(tmp_path / "bomb.npz", images=images)
    assert (tmp_path / "bomb.npz").stat().st_size < images.size / 50
    del images
    tracemalloc.start()
    mine = own(tmp_path / "bomb.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert mine.test.images.sum() == 50
    assert peak < 3e6 * (14 if kind is np.float64 else 8)
    with pytest.raises(DataError, match=r"has 300 × 100 × 100 numbers in images.npy, at most 2,999,999 are read: take"):
        own(tmp_path / "bomb.npz", 2_999_999)


def test_compressed_idx_files_together_are_within_the_limit(tmp_path):
    for name, content in small("", "md5")[0].items():
        (tmp_path / name).write_bytes(content)
    pixels = 280 * 28 * 28
    assert len(own(tmp_path, pixels).test) == 40
    with pytest.raises(DataError, match=rf"t10k-.* is one of the four idx files .*: give .*{tmp_path.name}$"):
        own(tmp_path / "t10k-images-idx3-ubyte.gz")
    with pytest.raises(DataError, match=r"t10k.* claims to have 40 × 28 × 28 bytes, and at most 31,359 are read"):
        own(tmp_path, pixels - 1)


def test_images_of_an_npz_or_of_idx_files_are_resized_too(rng, tmp_path):
    """Floats and integers of one size; the name of the data set says so, and the threshold is that of the result."""
    levels = rng.integers(0, 256, (240, 6, 6))
    means = levels.reshape(240, 3, 2, 3, 2).mean(axis=(2, 4)).reshape(240, 9)
    for kind, expected in ((np.uint8, np.rint(means)), (np.float32, means)):
        np.savez(tmp_path / "a.npz", images=levels.astype(kind), labels=np.arange(240) % 2)
        mine = own(tmp_path / "a.npz", resize=3)
        half = expected.max() / 2 if kind is np.float32 else np.ceil(expected.max() / 2)
        assert mine.name == f"a.npz 3×3, resized, grey level ≥ {half:g}"
        assert mine.shape == (3, 3)
        found = np.concatenate([part.levels for part in parts(mine)])
        np.testing.assert_array_equal(found, np.concatenate([expected[rows] for rows in data.sixths(np.arange(240))]))
    for name, content in small("", "md5")[0].items():
        (tmp_path / name).write_bytes(content)
    assert own(tmp_path, resize=4).shape == (4, 4)
    with pytest.raises(DataError, match="which resized have 11,760 pixels, at most 8,640 are read"):
        own(tmp_path / "a.npz", 240 * 36, resize=7)


def test_a_size_that_means_nothing_is_refused(tmp_path):
    images = np.zeros((240, 4, 4), np.uint8)
    images[::2, ::2, ::2] = images[::2, 1::2, 1::2] = images[1::2, ::2, 1::2] = images[1::2, 1::2, ::2] = 255
    np.savez(tmp_path / "a.npz", images=images)
    for size in (1, 2.5, -3):
        with pytest.raises(ValueError, match=f"resize must be a whole number of at least 2, or None, got {size}"):
            own(tmp_path / "a.npz", resize=size)
    with pytest.raises(DataError, match="has images that are blank with 2×2 pixels: resize to more pixels"):
        own(tmp_path / "a.npz", resize=2)


def test_what_is_not_there_and_a_folder_without_pictures_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none.npz is not there: name an .npz or a folder of your images"):
        own(tmp_path / "none.npz")
    with pytest.raises(DataError, match=r"has 0 pictures .*, expected 200 or more: add some"):
        own(tmp_path)
    (tmp_path / "train.csv").touch()
    with pytest.raises(DataError, match=r"has 0 pictures .*, expected 200 or more; there is train.csv: add some"):
        own(tmp_path)


def test_the_lynx_are_those_of_the_literature():
    """114 years; the mean of log₁₀ is 2.90, and 6,991 in 1904 is the most."""
    years, counts = lynx()
    assert (years[0], years[-1], len(counts)) == (1821, 1934, 114)
    assert np.log10(counts).mean() == pytest.approx(2.9036, abs=1e-4)
    assert (years[counts.argmax()], counts.max()) == (1904, 6991)
    assert (years[counts.argmin()], counts.min()) == (1889, 39)


def test_an_image_of_two_axes_has_one_threshold(rng):
    levels = rng.integers(0, 17, (5, 8, 8))
    as_rows, as_maps = (
        data.binarise_anew(x, 8, 2.0, rng=np.random.default_rng(1)) for x in (levels.reshape(5, 64), levels)
    )
    np.testing.assert_array_equal(as_maps.reshape(5, 64), as_rows)
