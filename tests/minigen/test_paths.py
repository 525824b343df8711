"""A file is named by a str or by a Path, wherever minigen takes one."""

import importlib
import inspect
import os

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from minigen import plot
from minigen.data.fetch import fetch
from minigen.data.idx import header_of, read_idx
from minigen.data.images import IDX_NAMES, read_idx_folder, read_npz, read_pictures
from minigen.data.sets import fashion, mnist, own
from minigen.errors import DataError
from minigen.nade import NADE
from minigen.training.files import load_weights, read, save_weights, write
from minigen.training.history import Epoch, History
from minigen.training.resume import Checkpoints
from tests.test_architecture import modules

IMAGES = np.random.default_rng(0).integers(0, 256, (240, 3, 4)).astype(np.uint8)


def public_functions():
    """Every function and method of minigen whose name has no underscore in front, and every constructor."""
    for name in modules():
        for item in vars(importlib.import_module(name)).values():
            if getattr(item, "__module__", None) == name and callable(item):
                yield item
                yield from (f for f in vars(item).values() if inspect.isfunction(f)) if isinstance(item, type) else ()


def test_no_public_function_asks_for_a_path_alone():
    found = [f for f in public_functions() if not f.__name__.startswith("_") or f.__name__ == "__init__"]
    asks = {
        f.__qualname__
        for f in found
        for name, kind in getattr(f, "__annotations__", {}).items()
        if name != "return" and str(kind) in ("Path", "Path | None")
    }
    assert save_weights in found
    assert asks == set()


def own_images(folder, kind):
    """Images of one's own in a folder or file of this kind, and where they are."""
    path = folder / ("images.npz" if kind is read_npz else kind.__name__)
    if kind is read_npz:
        np.savez(path, images=IMAGES)
        return path
    path.mkdir()
    if kind is read_pictures:
        for k, image in enumerate(IMAGES):
            Image.fromarray(image).save(path / f"{k:03}.png")
        return path
    for name, array in zip(IDX_NAMES, (IMAGES, np.zeros(240, np.uint8)) * 2, strict=True):
        (path / name).write_bytes(header_of(array.shape) + array.tobytes())
    return path


@pytest.mark.parametrize("kind", [read_npz, read_pictures, read_idx_folder])
def test_images_of_ones_own_are_read_from_a_str(kind, tmp_path):
    path = own_images(tmp_path, kind)
    np.testing.assert_array_equal(kind(str(path)).levels[:240], IMAGES)
    assert own(str(path)).name == own(path).name
    np.testing.assert_array_equal(own(str(path)).train.images, own(path).train.images)


def test_files_of_data_are_read_from_a_str(tmp_path):
    (tmp_path / "idx").write_bytes(header_of(IMAGES.shape) + IMAGES.tobytes())
    np.testing.assert_array_equal(read_idx(str(tmp_path / "idx")), IMAGES)
    for data in (mnist, fashion):
        with pytest.raises(DataError, match=r"ubyte\.gz is not there"):
            data(folder=str(tmp_path))
    with pytest.raises(DataError, match="cannot be fetched"):
        fetch([], str(tmp_path / "new" / "file"), lambda part: None, "no cure", 9)


def test_what_training_leaves_is_written_to_and_read_from_a_str(rng, tmp_path):
    first, second = NADE(4, 3, rng=rng), NADE(4, 3, rng=rng)
    save_weights(first, str(tmp_path / "weights.npz"))
    load_weights(second, str(tmp_path / "weights.npz"))
    np.testing.assert_array_equal(second.flat, first.flat)
    write(str(tmp_path / "state"), {"t": 3})
    assert read(str(tmp_path / "state")) == {"t": 3}
    History([Epoch(1, 2.0, 3.0, 0.1, {})]).save(str(tmp_path / "metrics.csv"))
    assert "validation_loss" in (tmp_path / "metrics.csv").read_text()
    assert Checkpoints(str(tmp_path)).folder == tmp_path


def test_pictures_are_written_to_a_str(tmp_path):
    plot.save(Figure(), str(tmp_path / "figure.png"))
    plot.animate(str(tmp_path / "film.gif"), lambda ax, k: None, count=2, side=1)
    assert all(os.path.getsize(tmp_path / name) for name in ("figure.png", "film.gif"))
