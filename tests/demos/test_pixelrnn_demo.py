"""`python -m demos pixelrnn` as a user runs it."""

from dataclasses import replace

import numpy as np
import pytest

from demos import recipes
from demos.__main__ import main
from demos.common import load
from demos.pixelrnn import KERNEL, LAYERS, SIDE, drawn_field, measured_field
from minigen.data.sets import grey
from minigen.pixelrnn import VARIANTS, PixelRNN
from minigen.training.files import load_weights
from tests.demos.drawn import check_pictures

QUICK = ["pixelrnn", "--epochs", "1", "--hidden", "4", "--layers", "1"]
PICTURES = ["completions.svg", "fields.svg", "learning.svg", "samples.svg"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_prints_likelihoods_and_writes_everything_it_promises(variant, tmp_path, capsys):
    assert main([*QUICK, "--variant", variant, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "digits 8×8, grey level ≥ 8, test part" in printed
    assert "independent pixels                64          25.21 ± 0.22" in printed
    files = sorted([*PICTURES, f"{variant}-weights.npz", f"{variant}-metrics.csv"])
    assert sorted(p.name for p in tmp_path.iterdir()) == files
    check_pictures(tmp_path)
    load_weights(PixelRNN((8, 8), variant, 4, rng=np.random.default_rng(0)), tmp_path / f"{variant}-weights.npz")


def test_all_variants_stand_beside_nade_in_one_table(tmp_path, capsys, monkeypatch):
    quick = replace(recipes.recipe_of("NADE", "digits"), epochs=1, hidden=8)
    monkeypatch.setitem(recipes.RECIPES, ("NADE", "digits"), quick)
    assert main([*QUICK, "--variant", "all", "--out", str(tmp_path)]) == 0
    table = capsys.readouterr().out.split("standard error\n")[1].split("\n\n")[0].splitlines()
    names = [line[:24].strip() for line in table[1:]]
    assert names == ["independent pixels", "NADE", *(f"{n}, H = 4" for n in (
        "raster LSTM", "Row LSTM", "Diagonal BiLSTM", "PixelCNN"))]  # fmt: skip
    assert (tmp_path / "NADE-weights.npz").exists()


def test_shades_of_grey_are_learned_by_their_own_name(tmp_path, capsys):
    assert main([*QUICK, "--variant", "row", "--levels", "5", "--out", str(tmp_path)]) == 0
    assert "digits 8×8, 5 grey levels, test part" in capsys.readouterr().out
    assert main([*QUICK, "--levels", "18", "--out", str(tmp_path)]) == 2
    assert "levels must be from 2 to the 17 that digits 8×8, grey level ≥ 8 was made of" in capsys.readouterr().err


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_measured_is_what_the_paper_draws_but_for_what_is_known(variant, rng):
    """The picture's claim: raster and diagonal agree; the Row LSTM sees its triangle and by its convolutions up to
    three more to the left and none to the right; PixelCNN misses the upper right of its window, and nothing else."""
    place = (SIDE * 2 // 3, SIDE // 2)
    model = PixelRNN((SIDE, SIDE), variant, 8, layers=LAYERS, kernel=KERNEL, rng=rng)
    measured, drawn = measured_field(model, place, rng) > 0, drawn_field(variant, place)
    if variant == "row":
        assert np.all(measured[drawn])
        up, right = np.argwhere(measured & ~drawn).T - np.array(place)[:, None]
        assert np.all(right < up - (up == 0))
        assert np.all(right >= up - 3)
    elif variant == "cnn":
        up, right = place[0] - np.arange(SIDE)[:, None], np.arange(SIDE) - place[1]
        np.testing.assert_array_equal(measured, drawn & (right <= up))
    else:
        np.testing.assert_array_equal(measured, drawn)


def test_the_parts_of_grey_digits_are_those_of_the_binary_ones():
    binary = load("digits")
    shades = grey(binary, 2)
    for ours, theirs in zip((shades.train, shades.validation, shades.test),
                            (binary.train, binary.validation, binary.test), strict=True):  # fmt: skip
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        np.testing.assert_array_equal(ours.images, theirs.levels >= 9)  # the upper half of 0 … 16
    whole = grey(binary, 17)
    np.testing.assert_array_equal(whole.test.images, binary.test.levels)
    assert whole.levels == 17
