"""NADE in blocks of pixels: the walk's values and gradients, few launches, memory of one block.

The two functions are called with NumPy's arrays here; that they run on a device is shown with the stand-in, and on a
GPU where there is one.
"""

import tracemalloc

import numpy as np
import pytest

from autograd import backend, check_grads, cuda, no_grad
from minigen import nade_blocks
from minigen.eonade import EoNADE
from minigen.nade import NADE, nade_gradients, nade_logits
from minigen.nade_blocks import blocks, gradients_in_blocks, logits_in_blocks
from minigen.training.optim import Adam
from tests import standin
from tests.conftest import LIBRARIES

SIZES = {  # batch, D, H
    "one pixel": (4, 1, 3),
    "one image": (1, 13, 4),
    "one unit": (5, 12, 1),
    "the last block is short": (7, 130, 20),
    "the last block is full": (3, 15, 8),
    "no image": (0, 6, 3),
}


def problem(batch, D, H, rng, rows=()):
    """g, x, W, V, b, c, host arrays, with all parameters random; b and c may be one row an image."""
    theta = [rng.standard_normal(shape) for shape in ((D, H), (D, H), (*rows, D), (*rows, H))]
    x, g = (rng.random((batch, D)) < 0.3).astype(float), rng.standard_normal((batch, D))
    return g, x, *theta


def assert_the_walk(g, x, *theta):
    """Values and all gradients in blocks are those of the walk, to 1e-12."""
    found, expected = logits_in_blocks(x, *theta), nade_logits(x, *theta)
    found_gradients, gradients = (f(g, expected, x, *theta) for f in (gradients_in_blocks, nade_gradients))
    assert found_gradients[0] is None
    for a, b in zip((found, *found_gradients[1:]), (expected, *gradients[1:]), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("longest", [1, 5, nade_blocks.LONGEST])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_n1_a_product_for_each_block_is_the_walk(sizes, longest, rng, monkeypatch):
    """N-1: to 1e-12, values and all gradients.

    Planted: a triangle that is not strict; blocks that all begin with the first state; a gradient by W without the part
    of later blocks; a gradient by the state from one block instead of all later ones; a gradient of each image's own c
    that is summed over the batch.
    """
    monkeypatch.setattr(nade_blocks, "LONGEST", longest)
    assert_the_walk(*problem(*sizes, rng))
    assert_the_walk(*problem(*sizes, rng, rows=sizes[:1]))


def test_n1_with_weights_of_a_training(rng):
    """N-1: weights that have grown, and images with structure."""
    x = np.repeat((rng.random((20, 15)) < 0.3).astype(float), 10, axis=1)
    model = NADE(150, 20, rng=rng).astype(np.float64)
    optimizer = Adam(model, 0.05)
    for _ in range(60):
        model.zero_grad()
        loss = model.nll(x)
        loss.backward()
        optimizer.step()
    assert loss.item() < 40  # 104 nats without learning
    assert_the_walk(rng.standard_normal(x.shape), x, *(p.data for p in model.parameters().values()))


def test_n1_in_float32_and_with_pixels_of_any_type(rng):
    """N-1: at 784 pixels the float32 values and gradients are within 1e-5 of those in float64."""
    g, x, *theta = problem(8, 784, 20, rng)
    single = [a.astype(np.float32) for a in (g, x, *theta)]
    exact = logits_in_blocks(x, *theta), *gradients_in_blocks(g, None, x, *theta)[1:]
    rough = logits_in_blocks(*single[1:]), *gradients_in_blocks(single[0], None, *single[1:])[1:]
    for a, b in zip(exact, rough, strict=True):
        assert b.dtype == np.float32
        assert np.linalg.norm(a - b) < 1e-5 * np.linalg.norm(a)
    _, x, *theta = problem(3, 9, 4, rng)
    for dtype in (bool, int, np.float32):
        np.testing.assert_array_equal(logits_in_blocks(x.astype(dtype), *theta), logits_in_blocks(x, *theta))


def test_n1_derivatives_to_second_order_on_each_library(library, rng):
    """N-1: on a device too, the second derivative goes through the naive form."""
    for rows in ((), (3,)):
        _, x, *theta = map(backend.to_device, problem(3, 5, 4, rng, rows))
        check_grads(lambda *theta, x=x: nade_logits(x, *theta), *theta, order=2)


@pytest.mark.parametrize(("batch", "D", "H"), [(128, 784, 500), (128, 784, 20), (1024, 784, 500), (20_000, 784, 500)])
def test_the_largest_array_of_a_block_is_bounded(batch, D, H):
    """Blocks together are all pixels; the states of a block, and its triangle, are within LARGEST numbers."""
    found = blocks(batch, D, H)
    assert [i for block in found for i in range(D)[block]] == list(range(D))
    K = found[0].stop
    assert K == 1 or K * batch * max(K, H) <= nade_blocks.LARGEST
    assert K == nade_blocks.LONGEST or (K + 1) * batch * max(nade_blocks.LONGEST, H) > nade_blocks.LARGEST


def test_memory_is_that_of_a_block(rng, monkeypatch):
    """A few arrays of LARGEST numbers, where the states of all pixels are 38 of these."""
    monkeypatch.setattr(nade_blocks, "LARGEST", 2**17)
    g, x, *theta = problem(64, 784, 100, rng)
    tracemalloc.start()
    logits_in_blocks(x, *theta)
    gradients_in_blocks(g, None, x, *theta)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * 8 * nade_blocks.LARGEST


@pytest.mark.parametrize("library", [name for name in LIBRARIES if name != "numpy"], indirect=True)
def test_blocks_are_recorded(library, rng, monkeypatch):
    """A recorded graph of several blocks computes logits and gradients for new images with each launch."""
    monkeypatch.setattr(nade_blocks, "LONGEST", 5)
    g, x, *theta = map(backend.to_device, problem(4, 12, 3, rng))
    recorder = cuda.Recorder()
    both = lambda: (nade_logits(x, *theta), *nade_gradients(g, None, x, *theta)[1:])
    recorder.rehearse(both)
    found, graph = recorder.record(both)
    for _ in range(2):
        x[...] = backend.to_device((rng.random(x.shape) < 0.3).astype(float))
        graph.launch()
        for a, b in zip(found, both(), strict=True):
            np.testing.assert_allclose(backend.to_numpy(a), backend.to_numpy(b), rtol=1e-12, atol=1e-12)


def launches(D, rng):
    """How many kernels the logits start on the stand-in, and how many their gradients."""
    g, x, *theta = map(backend.to_device, problem(4, D, 3, rng))
    before = standin.LAUNCHED["kernels"]
    y = nade_logits(x, *theta)
    between = standin.LAUNCHED["kernels"]
    nade_gradients(g, y, x, *theta)
    return between - before, standin.LAUNCHED["kernels"] - between


def test_a_block_starts_25_kernels_however_many_pixels_it_has(monkeypatch, rng):
    """On a device; the walk starts some for each pixel."""
    standin.install(monkeypatch)
    with backend.use("cupy"):
        one, full, two = (launches(D, rng) for D in (8, nade_blocks.LONGEST, 2 * nade_blocks.LONGEST))
    assert one == full
    assert np.subtract(two, one).tolist() == [9, 16]


def test_eonade_has_no_walk_on_a_device_either(monkeypatch, rng):
    """ln p(x | o) starts as many kernels for 56 pixels, whose 112 pairs of on and off are one block, as for 4."""
    standin.install(monkeypatch)
    launched = []
    for D in (4, nade_blocks.LONGEST // 2):
        with backend.use("cupy"), no_grad():
            model = EoNADE(D, 3, rng=rng).astype(np.float64)
            x = model.checked((rng.random((5, D)) < 0.5).astype(float))
            before = standin.LAUNCHED["kernels"]
            model.log_prob_under(x, rng.permutation(D))
            launched.append(standin.LAUNCHED["kernels"] - before)
    assert launched[0] == launched[1] < 50
