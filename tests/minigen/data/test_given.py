"""Images given to a trained model become the pixels that the model learned from."""

import os

import numpy as np
import pytest
from PIL import Image

from minigen.data.given import read_given, read_mask
from minigen.data.idx import header_of
from minigen.data.images import IDX_NAMES
from minigen.data.sets import Part, Pixels, binarise_by_chance, digits, grey, own, real_valued
from minigen.errors import DataError, UsageError

SHAPE = (6, 8)
DRAWN = np.zeros(SHAPE, np.uint8)
DRAWN[2:4, 3:6] = [[250, 130, 127], [1, 128, 255]]


def picture(path, levels=DRAWN):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)
    return path


def refusal(path, shape=SHAPE, read=read_given):
    with pytest.raises(DataError) as refused:
        read(path, shape)
    return str(refused.value).removeprefix(f"{path} ")


def test_a_picture_is_ink_from_0_to_1_and_light_paper_is_inverted(tmp_path):
    given = read_given(picture(tmp_path / "a.png"), SHAPE)
    np.testing.assert_array_equal(given.ink, DRAWN.reshape(1, -1) / 255)
    assert (given.names, given.changed) == (["a.png"], "")
    inverted = read_given(picture(tmp_path / "b.png", 255 - DRAWN), SHAPE)
    np.testing.assert_array_equal(inverted.ink, given.ink)
    assert inverted.changed == ", dark ink on light paper"


def test_a_folder_is_all_pictures_below_it_in_natural_order(tmp_path):
    for k, name in enumerate(["10.png", "9.png", "more/1.png", ".hidden/2.png"]):
        picture(tmp_path / name, DRAWN // (k + 1))
    given = read_given(tmp_path, SHAPE)
    assert given.names == ["9.png", "10.png", os.path.join("more", "1.png")]
    np.testing.assert_array_equal(given.ink.max(axis=1), np.array([127, 255, 85]) / 255)


def test_arrays_have_the_white_of_the_data_unless_they_show_another(tmp_path):
    """Their numbers may be 0 and 1, grey levels of the data set, or bytes."""
    for name, shape, scale, white in [
        ("grey", SHAPE, 13, 16), ("bytes", SHAPE, 200, 200), ("binary", (48,), 1, 1), ("real", SHAPE, 0.5, 1),
    ]:  # fmt: skip
        np.savez(tmp_path / f"{name}.npz", images=(DRAWN >= 128)[None].reshape(1, *shape) * scale)
        given = read_given(tmp_path / f"{name}.npz", SHAPE, white=16)
        np.testing.assert_allclose(given.ink[0], (DRAWN >= 128).ravel() * scale / white, rtol=1e-6)
        assert given.names == ["image 1"]
    for name in IDX_NAMES[::2]:
        (tmp_path / "idx").mkdir(exist_ok=True)
        (tmp_path / "idx" / name).write_bytes(header_of((1, *SHAPE)) + DRAWN.tobytes())
    np.testing.assert_array_equal(read_given(tmp_path / "idx", SHAPE).ink, DRAWN.reshape(1, -1) / 255)


def test_transparent_paper_and_blank_images(tmp_path):
    clear = np.zeros((*SHAPE, 4), np.uint8)
    clear[..., 3] = DRAWN
    given = read_given(picture(tmp_path / "clear.png", clear), SHAPE)
    np.testing.assert_array_equal(given.ink, DRAWN.reshape(1, -1) / 255)
    for level in (0, 255):
        assert not read_given(picture(tmp_path / "blank.png", np.full(SHAPE, level, np.uint8)), SHAPE).ink.any()
    np.savez(tmp_path / "blank.npz", images=np.zeros((2, *SHAPE)))
    assert not read_given(tmp_path / "blank.npz", SHAPE).ink.any()


def test_what_is_no_image_of_the_size_is_refused(tmp_path):
    path = picture(tmp_path / "a.png")
    assert "has 6×8 pixels, expected 8×8 as the model's images: bring it to that size" in refusal(path, (8, 8))
    assert "has 6×8 pixels, expected 8×6" in refusal(path, (8, 6))
    assert refusal(tmp_path / "none.png").startswith("is not there")
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty").startswith("has no pictures (png, jpg")
    (tmp_path / "text.png").write_text("no picture")
    assert refusal(tmp_path / "text.png").startswith("cannot be read as a picture")
    for images, problem in [
        (np.zeros((2, 8, 8)), "has an array of shape (2, 8, 8), expected images of 6×8"),
        (np.zeros((0, *SHAPE)), "has an array of shape (0, 6, 8)"),
        (np.float64(3), "has an array of shape ()"),
        (np.full((1, *SHAPE), np.nan), "NaN or infinite"),
        (np.full((1, *SHAPE), -1), "expected none below 0"),
    ]:
        np.savez(tmp_path / "mine.npz", images=images)
        assert problem in refusal(tmp_path / "mine.npz")
    np.savez(tmp_path / "mine.npz", pictures=DRAWN)
    assert "has no array named images but pictures.npy" in refusal(tmp_path / "mine.npz")
    (tmp_path / "idx").mkdir()
    (tmp_path / "idx" / IDX_NAMES[0]).write_bytes(header_of((1, *SHAPE)) + DRAWN.tobytes())
    assert f"has no {IDX_NAMES[2]}" in refusal(tmp_path / "idx")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert refusal(tmp_path / "pipe").startswith("is a pipe or a device")


def test_pictures_of_any_size_are_brought_to_the_model_s(tmp_path):
    """As those of a data set are: a pixel is the mean of the pixels that it covers, beside the image is its paper."""
    given = read_given(
        picture(tmp_path / "a.png", 255 - np.kron(DRAWN, np.ones((3, 3), np.uint8))), (8, 8), resize=True
    )
    expected = np.zeros((8, 8))
    expected[1:7] = DRAWN / 255
    np.testing.assert_allclose(given.ink.reshape(8, 8), expected, atol=1e-6)
    with pytest.raises(UsageError, match="have 6×8 pixels, and pictures are resized to squares only"):
        read_given(tmp_path / "a.png", SHAPE, resize=True)
    np.savez(tmp_path / "mine.npz", images=DRAWN[None])
    with pytest.raises(UsageError, match="is no picture, and only pictures are resized"):
        read_given(tmp_path / "mine.npz", (8, 8), resize=True)


def test_a_mask_is_white_where_the_image_is_seen(tmp_path):
    path = picture(tmp_path / "mask.png", 255 - DRAWN)
    np.testing.assert_array_equal(read_mask(path, SHAPE), (255 - DRAWN).ravel() >= 128)
    assert "has 6×8 pixels, expected 4×4" in refusal(path, (4, 4), read_mask)


@pytest.mark.parametrize("threshold", [1, 8, 13, 16])
def test_u1_the_rule_makes_the_images_of_a_data_set_again(threshold, rng):
    """U-1: of every grey level of the digits; in shades, and in fractions too.

    Planted: a threshold of half of the highest level, whatever the data set's is.
    """
    dataset = digits(threshold)
    for made in (dataset, grey(dataset, 2), grey(dataset, 5), grey(dataset, 17), real_valued(dataset)):
        np.testing.assert_array_equal(
            made.pixels.made_of(made.test.levels / 16, made.levels), made.test.images, err_msg=made.name
        )


def test_every_byte_becomes_the_pixel_of_mnist():
    levels = np.arange(256)
    np.testing.assert_array_equal(Pixels("threshold", 255, 128).made_of(levels / 255), levels > 127)
    np.testing.assert_array_equal(
        Pixels("sampled").made_of(levels / 255, rng=0), binarise_by_chance(levels / 255, 1, rng=0)
    )
    ranges = Pixels("ranges", 0.5).made_of(np.array([0, 0.49, 0.5, 1.0]), 2)
    np.testing.assert_array_equal(ranges, [0, 0, 1, 1])


def test_own_data_say_their_rule(tmp_path, rng):
    levels = rng.integers(0, 12, (240, 4, 5))
    np.savez(tmp_path / "mine.npz", images=levels)
    dataset = own(tmp_path / "mine.npz")
    assert dataset.pixels == Pixels("threshold", 11, 6)
    np.testing.assert_array_equal(dataset.pixels.made_of(dataset.test.levels / 11), dataset.test.images)
    for k, level in enumerate(levels.astype(np.uint8)):
        picture(tmp_path / "faint" / f"{k}.png", 9 * level)  # up to 99 of 255
    dataset = own(tmp_path / "faint")
    assert dataset.pixels == Pixels("threshold", 255, 50)
    np.testing.assert_array_equal(dataset.pixels.made_of(dataset.test.levels / 255), dataset.test.images)
    assert isinstance(dataset.test, Part)


@pytest.mark.parametrize("rule", ["threshold", "sampled", "shades", "ranges", "real"])
def test_a_rule_says_what_it_is(rule):
    assert "255" in str(Pixels(rule))


@pytest.mark.parametrize("arguments", [("none",), ("threshold", 0), ("real", np.nan)])
def test_a_rule_that_is_none_is_refused(arguments):
    with pytest.raises(ValueError, match="rule is one of threshold, sampled, shades, ranges, real"):
        Pixels(*arguments)
