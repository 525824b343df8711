"""Somebody else's images: what is read, and in which one sentence the rest is refused."""

import gzip
import os
import shutil
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from minigen.data.idx import header_of
from minigen.data.images import FEWEST, IDX_NAMES, fitted, idx_files, read_idx_folder, read_npz, read_pictures
from minigen.errors import DataError


def some(n=FEWEST, rows=4, columns=5):
    return np.random.default_rng(0).integers(0, 256, (n, rows, columns), np.uint8)


def refusal(read, path):
    """What is wrong, in one sentence that begins with the file and names a cure after a colon."""
    with pytest.raises(DataError) as refused:
        read(path)
    error = refused.value
    assert str(error) == f"{error.file} {error.problem}: {error.cure}"
    assert error.cure
    assert "\n" not in str(error)
    return error.problem


# -- .npz


@pytest.fixture
def npz(tmp_path):
    return tmp_path / "mine.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", [np.uint8, ">u2", np.int64, np.float16, ">f8"])
def test_numbers_of_any_kind_are_read(save, dtype, npz):
    save(npz, images=some().astype(dtype), labels=np.arange(FEWEST) % 3 * 10 - 10, other=np.zeros(3))
    images = read_npz(npz)
    np.testing.assert_array_equal(images.levels, some())
    np.testing.assert_array_equal(images.labels, np.arange(FEWEST) % 3)
    assert images.tests == 0


def test_labels_may_be_left_out_and_square_images_may_be_rows(npz):
    np.savez(npz, images=np.asfortranarray(some(columns=4).reshape(FEWEST, -1)))
    images = read_npz(npz)
    np.testing.assert_array_equal(images.levels, some(columns=4))
    assert not images.labels.any()
    np.savez(npz, images=some() > 127)
    np.testing.assert_array_equal(read_npz(npz).levels, some() > 127)


NOTHING = np.zeros((FEWEST, 4, 5))


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"pictures": some()}, "has no array named images but pictures.npy"),
        ({}, "has no array named images but none at all"),
        ({"images": some(FEWEST - 1)}, "has 199 images, expected 200 or more"),
        (
            {"images": some().reshape(FEWEST, -1)},
            r"of shape (200, 20), expected (n, rows, columns), or (n, D) of square",
        ),
        ({"images": some()[..., None]}, "of shape (200, 4, 5, 1)"),
        ({"images": np.float64(3)}, "of shape (), expected"),
        ({"images": some(rows=3, columns=1)}, "has images of 3×1 pixels, expected 4 pixels or more"),
        ({"images": NOTHING + np.nan}, "grey levels that are NaN or infinite"),
        ({"images": np.where(some() > 9, 1e300, 0)}, "grey levels that are NaN or infinite"),
        ({"images": some() - 100.0}, "has grey levels from -100 to 155, expected none below 0"),
        ({"images": some().view(np.int8)}, "has grey levels from -128 to 127, expected none below 0"),
        ({"images": NOTHING + 7}, "has no grey level but 7"),
        ({"images": some(), "labels": np.zeros(9, int)}, "labels of shape (9,) and type int64, expected 200 integers"),
        ({"images": some(), "labels": np.zeros(FEWEST)}, "and type float64, expected 200 integers, one an image"),
        ({"images": some() + 0j}, "has images.npy of type complex128, not of plain numbers"),
        ({"images": some().astype(str)}, "has images.npy of type <U3, not of plain numbers"),
        ({"images": np.array([[1], None], object)}, "has images.npy of type object, not of plain numbers"),
        ({"images": some(), "labels": np.array([{}] * FEWEST)}, "has labels.npy of type object"),
    ],
)
def test_arrays_that_are_no_images_are_refused_with_what_was_expected(arrays, problem, npz):
    np.savez(npz, **arrays)
    assert problem in refusal(read_npz, npz)


class Trap:
    """Would leave a file behind if it were ever unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_nothing_in_a_file_is_executed(npz, tmp_path):
    np.savez(npz, images=np.array([Trap(tmp_path / "sprung")], object))
    refusal(read_npz, npz)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "content", [b"", b"PK\3\4", b"\x93NUMPY\1\0", gzip.compress(bytes(100), mtime=0), b"\x80\5N.", bytes(5000)]
)
def test_a_foreign_file_is_refused(content, npz):
    npz.write_bytes(content)
    assert "is no .npz, or a damaged one" in refusal(read_npz, npz)


def test_a_truncated_or_altered_npz_is_refused(npz):
    np.savez(npz, images=some())
    whole = npz.read_bytes()
    npz.write_bytes(whole[:-100])
    assert "is no .npz, or a damaged one (File is not a zip file)" in refusal(read_npz, npz)
    npz.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    assert "is no .npz, or a damaged one (Bad CRC-32 for file 'images.npy')" in refusal(read_npz, npz)


def npy(shape, dtype="|u1", body=b"", version=b"\1\0"):
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H" if version == b"\1\0" else "<I", len(header)) + header + body


def zipped(path, member, method=zipfile.ZIP_STORED, **claims):
    """An .npz of one member, whose entry in the directory claims what it likes."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("images.npy", member)
        for name, value in claims.items():
            setattr(archive.infolist()[0], name, value)


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        (
            npy((2**40, 2**40, 28)),
            "has 1099511627776 × 1099511627776 × 28 numbers in images.npy, at most 134,217,728 are read",
        ),
        (npy((300, 4, 5), body=bytes(5999)), "claims 300 × 4 × 5 numbers of 1 bytes, and 5,999 bytes"),
        (npy((300, 4, 5), body=bytes(6001)), "and 6,001 bytes"),
        (npy((-300, -4, 5), body=bytes(6000)), "claims -300 × -4 × 5 numbers"),
        (npy((300, 4, 5), "|V1", bytes(6000)), "of type |V1, not of plain numbers"),
        (npy("__import__('os')"), "has no array in images.npy"),
        (npy("(" * 5000), "has no array in images.npy"),
        (npy((300, 4, 5), body=bytes(6000), version=b"\2\0"), "images.npy"),
        (b"GIF89a" + bytes(100), "has no array in images.npy"),
        (b"", "has no array in images.npy"),
    ],
)
def test_a_member_that_is_not_what_it_claims_is_refused(member, problem, npz):
    zipped(npz, member)
    assert problem in refusal(read_npz, npz)


def test_claims_take_no_memory(npz):
    """Of the directory of the archive, of the header of the array, and of a bomb: 30 MB of zeros in 30 kB."""
    bomb = npy((300, 100, 1000), body=bytes(30_000_000))
    for claims, problem in [
        ({"file_size": 2**32 - 2}, "claims 4,294,967,294 bytes of images.npy, more than it can hold"),
        ({"file_size": 2**50}, "claims 1,125,899,906,842,624 bytes of images.npy, more than it can hold"),
        ({}, "claims 1000 × 100 × 1000 numbers of 1 bytes, and 0 bytes"),
    ]:
        zipped(npz, npy((1000, 100, 1000)), **claims)
        assert peak_of(lambda: refusal(read_npz, npz), problem) < 10**6
    zipped(npz, bomb, zipfile.ZIP_DEFLATED)
    refused = lambda: refusal(lambda path: read_npz(path, most_pixels=20_000_000), npz)
    assert peak_of(refused, "has 300 × 100 × 1000 numbers in images.npy, at most 20,000,000 are read") < 10**6


def peak_of(refused, problem):
    """Bytes."""
    tracemalloc.start()
    assert problem in refused()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    ("claims", "problem"), [({"compress_type": 12}, "compressed in a way that NumPy does not write"),
                            ({"flag_bits": 1}, "is encrypted")]
)  # fmt: skip
def test_an_archive_that_numpy_does_not_write_is_refused(claims, problem, npz):
    zipped(npz, npy((300, 4, 5), body=bytes(6000)), **claims)
    assert problem in refusal(read_npz, npz)


# -- what is changed, and said


def test_labels_keep_their_names(npz):
    np.savez(npz, images=some(), labels=np.where(np.arange(FEWEST) % 2, 3, 8))
    images = read_npz(npz)
    assert images.names == ("3", "8")
    np.testing.assert_array_equal(images.labels, np.arange(FEWEST) % 2 == 0)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_few_extreme_levels_are_cut_and_the_highest_of_ordinary_images_is_not(dtype, npz):
    """One pixel of 65,535 among levels up to 255 would leave every other pixel 0."""
    levels = some().astype(dtype)
    levels[:, 0, 0], levels[3, 2, 1] = 255, 65_535
    np.savez(npz, images=levels)
    images = read_npz(npz)
    assert images.changed == ", levels above 255 cut"
    np.testing.assert_array_equal(images.levels, np.minimum(levels, 255))
    np.savez(npz, images=some())
    assert read_npz(npz).changed == ""


@pytest.mark.parametrize("most", [255, 1.0])
def test_dark_ink_on_light_paper_is_inverted(most, npz):
    """The paper is light if 3/4 of the pixels on the edges are; noise and light ink on dark paper stay as they are."""
    strokes = np.zeros((FEWEST, 6, 6))
    strokes[:, 1:5, 1:5] = some(rows=4, columns=4) / 255
    for levels, changed in [(1 - strokes, ", dark ink on light paper"), (strokes, "")]:
        np.savez(npz, images=(levels * most).astype(type(most)))
        images = read_npz(npz)
        assert images.changed == changed
        np.testing.assert_allclose(images.levels, (strokes * most), atol=1e-6 if most == 1 else 1)


def test_levels_beyond_32_bits_are_floats_and_others_small_integers(npz):
    np.savez(npz, images=some().astype(np.uint64) << 56)
    assert read_npz(npz).levels.dtype == np.float32
    np.savez(npz, images=some().astype(np.int64))
    assert read_npz(npz).levels.dtype == np.uint8


# -- idx files in a folder


def write_idx(folder, suffix="", **changed):
    arrays = dict(zip(IDX_NAMES, (some(), np.arange(FEWEST) % 4, some(40), np.arange(40) % 5), strict=True))
    for name, array in (arrays | {name.replace("_", "-"): array for name, array in changed.items()}).items():
        content = header_of(array.shape) + array.astype(np.uint8).tobytes()
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(content) if suffix else content)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_of_idx_files_keeps_its_test_images(suffix, tmp_path):
    write_idx(tmp_path, suffix)
    images = read_idx_folder(tmp_path)
    assert images.tests == 40
    np.testing.assert_array_equal(images.levels, np.concatenate([some(), some(40)]))
    np.testing.assert_array_equal(images.labels, np.concatenate([np.arange(FEWEST) % 4, np.arange(40) % 5]))


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"t10k_images_idx3_ubyte": some(40, 5)}, "of shapes (200, 4, 5) and (40, 5, 5)"),
        ({"train_images_idx3_ubyte": some(columns=1)[..., 0]}, "of shapes (200, 4) and (40, 4, 5)"),
        ({"t10k_labels_idx1_ubyte": np.zeros(39)}, "labels of shapes (200,) and (39,), expected 200 and 40"),
        ({"t10k_images_idx3_ubyte": some(32), "t10k_labels_idx1_ubyte": np.zeros(32)}, "has 32 images to test on"),
    ],
)
def test_idx_files_that_do_not_belong_together_are_refused(changed, problem, tmp_path):
    write_idx(tmp_path, **changed)
    assert problem in refusal(read_idx_folder, tmp_path)


def test_the_idx_files_that_are_missing_are_named(tmp_path):
    write_idx(tmp_path)
    for name in IDX_NAMES[1:3]:
        (tmp_path / name).unlink()
    assert refusal(read_idx_folder, tmp_path) == (
        f"has no {IDX_NAMES[1]} and no {IDX_NAMES[2]} but {IDX_NAMES[0]}, {IDX_NAMES[3]}"
    )


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("-idx", ".idx"),
        lambda name: f"emnist-letters-{name.replace('t10k', 'test')}",
        lambda name: f"EMNIST/{name}",
        lambda name: f"raw/{name}",
        lambda name: f"MNIST/raw/{name}",
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files_are_found_under_the_names_that_users_have(rename, suffix, tmp_path):
    """Unpacked by other programs, of EMNIST, in a folder of an archive, and where torchvision puts them."""
    write_idx(tmp_path, suffix)
    for name in IDX_NAMES:
        file = tmp_path / rename(f"{name}{suffix}")
        file.parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}{suffix}").rename(file)
    assert read_idx_folder(tmp_path).tests == 40


def test_idx_files_of_several_data_sets_are_named(tmp_path):
    write_idx(tmp_path)
    assert set(idx_files(tmp_path)) == set(IDX_NAMES)
    for name in IDX_NAMES[:2]:
        for kind in ("letters", "digits"):
            (tmp_path / f"emnist-{kind}-{name}").write_bytes((tmp_path / name).read_bytes())
    assert {file.name for file in idx_files(tmp_path).values()} == set(IDX_NAMES)
    for name in IDX_NAMES:
        (tmp_path / name).unlink()
    assert refusal(idx_files, tmp_path) == "has the idx files of 2 data sets: emnist-letters-, emnist-digits-"


def test_too_few_training_images_are_refused_beside_many_test_images(tmp_path):
    write_idx(tmp_path, train_images_idx3_ubyte=some(1), train_labels_idx1_ubyte=np.zeros(1),
              t10k_images_idx3_ubyte=some(400), t10k_labels_idx1_ubyte=np.zeros(400))  # fmt: skip
    assert refusal(read_idx_folder, tmp_path) == "has 1 images to train on, expected 167 or more"


# -- pictures in a folder


def draw(folder, count=FEWEST, mode="L", suffix="png", images=None, **options):
    folder.mkdir(parents=True, exist_ok=True)
    for k, image in enumerate(some(count) if images is None else images):
        Image.fromarray(image).convert(mode).save(folder / f"{k:04}.{suffix}", **options)


@pytest.mark.parametrize(("mode", "suffix"), [("L", "png"), ("RGB", "BMP"), ("RGBA", "tiff"), ("L", "pgm")])
def test_pictures_become_grey_levels_in_the_order_of_their_names(mode, suffix, tmp_path):
    draw(tmp_path, mode=mode, suffix=suffix)
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden.png").write_text("not a picture")
    (tmp_path / "empty").mkdir()
    images = read_pictures(tmp_path)
    np.testing.assert_array_equal(images.levels, some())
    assert not images.labels.any()


def test_jpegs_are_read_nearly_as_they_were(tmp_path):
    smooth = np.tile(np.linspace(0, 255, 8).astype(np.uint8), (FEWEST, 8, 1))
    draw(tmp_path, suffix="jpg", images=smooth, quality=95)
    assert abs(read_pictures(tmp_path).levels.astype(int) - smooth).max() <= 3


def test_sub_directories_are_the_labels_in_sorted_order(tmp_path):
    for name, count in [("cat", 90), ("ant", 50), ("bee", 60)]:
        draw(tmp_path / name, count)
    np.testing.assert_array_equal(np.bincount(read_pictures(tmp_path).labels), [50, 60, 90])


def test_classes_and_pictures_are_in_natural_order(tmp_path):
    for k in range(1, 13):
        draw(tmp_path / str(k), 20)
    images = read_pictures(tmp_path)
    assert images.names == tuple(str(k) for k in range(1, 13))
    np.testing.assert_array_equal(images.labels, np.arange(240) // 20)
    for k in range(FEWEST):
        Image.fromarray(some()[k]).save(tmp_path / f"{k}.png")
    for k in range(1, 13):
        shutil.rmtree(tmp_path / str(k))
    np.testing.assert_array_equal(read_pictures(tmp_path).levels, some())


@pytest.mark.parametrize(
    "left", [".ipynb_checkpoints", "__MACOSX", "@eaDir", "$RECYCLE.BIN", "cat/.thumbs", "cat/@eaDir"]
)
def test_what_programs_leave_is_no_class(left, tmp_path):
    draw(tmp_path / "ant", 90)
    draw(tmp_path / "cat", 110)
    (tmp_path / left).mkdir()
    for name in ("1-checkpoint.png", "._0001.png", ".DS_Store", "Thumbs.db"):
        (tmp_path / left / name).write_text("no picture")
        (tmp_path / "ant" / f".{name}").write_text("no picture")
    images = read_pictures(tmp_path)
    assert images.names == ("ant", "cat")
    np.testing.assert_array_equal(np.bincount(images.labels), [90, 110])


def test_a_class_has_all_pictures_below_it_and_a_lone_folder_is_entered(tmp_path):
    draw(tmp_path / "all" / "train" / "cat" / "2019", 40)
    draw(tmp_path / "all" / "train" / "cat" / "2020", 60)
    draw(tmp_path / "all" / "train" / "ant", 100)
    (tmp_path / "all" / "train" / "cat" / "again").symlink_to(tmp_path / "all")
    images = read_pictures(tmp_path)
    assert images.names == ("ant", "cat")
    np.testing.assert_array_equal(np.bincount(images.labels), [100, 100])


def test_folders_train_and_test_are_parts_and_no_classes(tmp_path):
    """Training images are shuffled, since the last of them validate; pictures keep their labels."""
    for part, count in [("Training", 100), ("val", 10), ("test", 20)]:
        for name, first in [("3", 0), ("8", 120)]:
            draw(tmp_path / part / name, images=some(240)[first : first + count])
    images = read_pictures(tmp_path)
    assert (images.names, images.tests) == (("3", "8"), 40)
    np.testing.assert_array_equal(images.labels[-40:], np.arange(40) // 20)
    np.testing.assert_array_equal(images.levels[-40:-20], some(240)[:20])
    assert 35 < images.labels[:110].sum() < 75
    eights = {level.tobytes() for level in some(240)[120:220]}
    for level, label in zip(images.levels[:220], images.labels[:220], strict=True):
        assert (level.tobytes() in eights) == label
    draw(tmp_path / "plain" / "train", 200)
    draw(tmp_path / "plain" / "test" / "cat", 40)
    assert refusal(read_pictures, tmp_path / "plain") == "has classes in one of training and test pictures only"


def test_the_orientation_of_a_photo_is_that_of_its_exif(tmp_path):
    """6: the camera was turned by a quarter, so that the stored rows are columns."""
    exif = Image.Exif()
    exif[0x112] = 6
    stored = [np.rot90(image) for image in some(rows=4, columns=6)]
    draw(tmp_path, images=np.array(stored), exif=exif)
    np.testing.assert_array_equal(read_pictures(tmp_path).levels, some(rows=4, columns=6))


@pytest.mark.parametrize(("mode", "ink"), [("RGBA", 0), ("RGBA", 255), ("LA", 0)])
def test_ink_may_be_in_the_alpha_channel(mode, ink, tmp_path):
    """Black ink on nothing is dark on white paper; white ink on nothing is light on black paper."""
    strokes = np.zeros((FEWEST, 6, 6), np.uint8)
    strokes[:, 1:5, 1:5] = some(rows=4, columns=4)
    for k, alpha in enumerate(strokes):
        channels = [np.full_like(alpha, ink)] * (len(mode) - 1) + [alpha]
        Image.merge(mode, [Image.fromarray(c) for c in channels]).save(tmp_path / f"{k:04}.png")
    images = read_pictures(tmp_path)
    assert images.changed == ("" if ink else ", dark ink on light paper")
    np.testing.assert_array_equal(images.levels, strokes)


def test_a_picture_that_is_a_pipe_or_a_broken_link_is_named(tmp_path):
    draw(tmp_path, FEWEST - 1)
    os.mkfifo(tmp_path / "x.png")
    assert refusal(read_pictures, tmp_path) == "is a pipe or a device, expected a file"
    (tmp_path / "x.png").unlink()
    (tmp_path / "x.png").symlink_to("nothing")
    assert refusal(read_pictures, tmp_path) == "is not there"
    assert refusal(read_npz, "/dev/zero") == "is a pipe or a device, expected a file"


def test_pictures_that_cannot_be_told_apart_by_label_are_refused(tmp_path):
    draw(tmp_path)
    draw(tmp_path / "ant")
    assert refusal(read_pictures, tmp_path) == "has pictures both in it and in its sub-directories"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (
            lambda p: p.unlink(),
            "has 199 pictures (png, jpg, jpeg, bmp, gif, tif, tiff, webp, pgm), expected 200 or more",
        ),
        (lambda p: Image.fromarray(some(1, 5)[0]).save(p), "has 5×5 pixels, expected 4×5 as the first"),
        (lambda p: Image.fromarray(some(1)[0].astype(np.uint16)).save(p), "has pixels of Pillow's mode I;16"),
        (lambda p: p.write_bytes(p.read_bytes()[:60]), "cannot be read as a picture"),
        (lambda p: p.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n"), "cannot be read as a picture"),
        (lambda p: p.write_bytes(b""), "cannot be read as a picture"),
    ],
)
def test_one_bad_picture_is_named(spoil, problem, tmp_path):
    draw(tmp_path)
    spoil(tmp_path / "0123.png")
    assert problem in refusal(read_pictures, tmp_path)


def test_pictures_that_claim_to_be_huge_are_not_unpacked(tmp_path):
    """All of them beyond the bound, or one of them a bomb by Pillow's measure."""
    draw(tmp_path)
    assert refusal(lambda path: read_pictures(path, 3999), tmp_path) == "has 20 pixels, at most 19 are read"
    first = tmp_path / "0000.png"
    chunk = lambda kind, data: (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zipfile.crc32(kind + data))
    )
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0))
    first.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    assert peak_of(lambda: refusal(read_pictures, tmp_path), "decompression bomb") < 10**6


# -- images of other sizes


def test_a_new_pixel_is_the_mean_of_the_pixels_that_it_covers(rng):
    """And no other: blocks of 4×4 pixels, one image that stays as it is, and one whose pixels are repeated."""
    levels = rng.integers(0, 256, (12, 8)).astype(np.uint8)
    square = fitted(levels, 3)
    means = levels.reshape(3, 4, 2, 4).mean(axis=(1, 3))
    np.testing.assert_array_equal(square[:, :2], np.rint(means))
    np.testing.assert_array_equal(fitted(levels.astype(np.float32), 3)[:, :2], means)
    np.testing.assert_array_equal(fitted(levels, 12)[:, 2:10], levels)  # as it is, in the middle
    np.testing.assert_array_equal(fitted(levels[:8], 24), np.repeat(np.repeat(levels[:8], 3, 0), 3, 1))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 7), (7, 3), (16, 16), (5, 200)])
@pytest.mark.parametrize("side", [2, 3, 8])
def test_every_shape_becomes_a_square_with_the_paper_around_it(shape, side):
    """Of light paper and of dark: its level is that of the edges, and no level leaves the range."""
    for paper, ink in ((250, 3), (0, 255)):
        levels = np.full(shape, paper, np.uint8)
        levels[1:-1, 1:-1][shape[0] // 2 - 1 : shape[0] // 2, shape[1] // 2 - 1 : shape[1] // 2] = ink
        square = fitted(levels, side)
        assert (square.shape, square.dtype) == ((side, side), np.uint8)
        assert square.min() >= levels.min()
        assert square.max() <= levels.max()
        assert side == 2 or square[0, 0] == square[-1, -1] == paper


def test_pictures_of_any_size_become_squares_and_are_known_by_their_ink(tmp_path):
    """Dark ink on light paper is found after it; without `resize` the cure is named."""
    rng = np.random.default_rng(0)
    for k in range(FEWEST):
        ink = np.full(rng.integers(30, 41, 2), 255, np.uint8)
        ink[8:-8, 8:-8] = 0
        Image.fromarray(ink).save(tmp_path / f"{k}.png")
    images = read_pictures(tmp_path, resize=5)
    assert images.levels.shape == (FEWEST, 5, 5)
    assert images.changed == ", dark ink on light paper"
    assert images.levels[:, 2, 2].min() > 200
    assert images.levels[:, [0, 0, -1, -1], [0, -1, 0, -1]].max() == 0
    with pytest.raises(DataError, match=r"expected .* as the first: bring all to one size, by --resize N"):
        read_pictures(tmp_path)


def test_resized_pictures_keep_to_the_limits(tmp_path):
    """All squares together, and each picture before."""
    draw(tmp_path)
    read_pictures(tmp_path, FEWEST * 9, resize=3)
    with pytest.raises(DataError, match="has 200 images, which resized have 1,800 pixels, at most 1,799 are read"):
        read_pictures(tmp_path, FEWEST * 9 - 1, resize=3)
    Image.fromarray(np.zeros((50, 50), np.uint8)).save(tmp_path / "0123.png")
    with pytest.raises(DataError, match=r"0123.png has 2,500 pixels, at most 2,499 are read"):
        read_pictures(tmp_path, 2499, resize=3)
