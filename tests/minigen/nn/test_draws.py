"""The kernels that sample: their own C++ source, run on the processor, draws what NumPy's walks draw (N-5, R-6).

On a GPU where there is one, the same tests run there.
"""

import re
import shutil
import subprocess

import numpy as np
import pytest

from autograd import backend, cuda
from minigen.nade import NADE
from minigen.nn import draws, walks
from minigen.nn.functions import sigmoid
from minigen.pixelrnn import PixelRNN
from tests import standin
from tests.conftest import LIBRARIES

TOLERANCE = {"float32": 1e-4, "float64": 1e-12}


@pytest.fixture(params=[name for name in LIBRARIES if name != "numpy"])
def device(request, monkeypatch):
    """Which device it is; arrays are on the host unless a test says `backend.use("cupy")`."""
    if request.param == "standin":
        standin.install(monkeypatch)
    return request.param


def nade(D, H):
    """In a permuted order."""
    return lambda: NADE(D, H, np.random.default_rng(D).permutation(D))


def raster(shape, H, variant="raster", **options):
    return lambda: PixelRNN(shape, variant, H, **options)


def made(make, dtype="float64"):
    """A model with random weights, in float32's numbers, where new arrays are made."""
    model = make().astype(dtype)
    weights = np.random.default_rng(1).standard_normal(model.num_parameters) / 2
    model.flat[...] = backend.to_device(weights.astype(np.float32).astype(dtype))
    return model


def generated(model, x, k):
    """The images and their logits, on the host; they were made where the model is."""
    found = model.generate(backend.to_device(x.astype(model.flat.dtype)), k, rng=3)
    assert all(backend.on_host(a) == backend.on_host(model.flat) and a.dtype == model.flat.dtype for a in found)
    return [backend.to_numpy(a) for a in found]


def assert_the_same(make, n, k, dtype="float64"):
    """On the device as in float64 on the host: every pixel, and the logits."""
    model, x = made(make), (np.random.default_rng(2).random((n, make().D)) < 0.5).astype(float)
    expected, logits = generated(model, x, k)
    p = sigmoid(logits[:, model.sequence[k:]])
    uniform = np.random.default_rng(3).random((model.D - k, n)).T
    assert np.all(abs(uniform - p) > TOLERANCE[dtype])  # so that no pixel depends on rounding
    with backend.use("cupy"):
        found, of_device = generated(made(make, dtype), x, k)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(of_device, logits, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize(
    ("D", "H", "dtype"), [(1, 1, "float64"), (9, 33, "float64"), (12, 130, "float64"), (12, 130, "float32")]
)
def test_n5_one_kernel_draws_the_images_of_the_walk(D, H, dtype, device):
    """N-5: for one seed the images are the same on host and device, and the logits to 1e-12 in float64. No pixel is
    given, some, or all; a thread has one hidden unit or several.

    Planted: barriers that are missing; a wrong stride; a pixel too few; the first pixels or the last given one drawn; a
    random number of another pixel or image; pixels as they come; a pixel that is not looked at.
    """
    for n, k in ((1, 0), (4, 0), (3, D // 2), (2, D)):
        assert_the_same(nade(D, H), n, k, dtype)


@pytest.mark.parametrize(
    ("cell", "shape", "H", "layers", "dtype"),
    [
        ("gru", (1, 1), 1, 1, "float64"),
        ("lstm", (3, 4), 5, 1, "float32"),
        ("lstm", (2, 3), 33, 2, "float64"),
        ("gru", (4, 2), 3, 3, "float64"),
        ("lstm", (1, 3), 100, 1, "float64"),
        ("gru", (1, 3), 192, 1, "float32"),
    ],
)
def test_r6_one_kernel_draws_the_images_of_the_walk(cell, shape, H, layers, dtype, device):
    """R-6: for one seed the images are the same on host and device, and the logits to 1e-12 in float64. The last two
    cases have weights beyond the registers.

    Planted: barriers that are missing; a wrong stride; a second layer that reads the pixel before; initial states that
    are exchanged; a pixel that is not looked at.
    """
    D = shape[0] * shape[1]
    for n, k in ((1, 0), (4, 0), (3, D // 2), (2, D)):
        assert_the_same(raster(shape, H, layers=layers, cell=cell), n, k, dtype)


MODELS = {"NADE": nade(12, 33), "raster": raster((3, 4), 5)}
every_model = pytest.mark.parametrize("name", MODELS)


@every_model
def test_samples_and_completions_are_those_of_the_host(name, device):
    """From one seed, also of no image; the generator is as far afterwards. What is given comes first in the order."""
    host, rng = made(MODELS[name]), np.random.default_rng(5)
    x, seen = (rng.random((4, 12)) < 0.5).astype(float), np.isin(np.arange(12), host.sequence[:5])
    found = {}
    for library in ("numpy", "cupy"):
        with backend.use(library):
            model, rng = made(MODELS[name]), np.random.default_rng(0)
            found[library] = [model.sample(n, rng=rng) for n in (0, 3)] + [model.complete(x, seen, rng=rng)]
            found[library].append(rng.random())
    for a, b in zip(found["numpy"], found["cupy"], strict=True):
        assert type(a) is type(b)
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(found["cupy"][2][:, seen], x[:, seen])


@every_model
def test_a_sample_is_one_kernel_for_all_pixels_and_images(name, monkeypatch):
    """The random numbers cross once and so do the images. Nothing else is computed: the stand-in counts a new array as
    a kernel, and there are two, for the images and the logits. The weights of recurrent layers are joined first."""
    standin.install(monkeypatch)
    with backend.use("cupy"):
        model = made(MODELS[name])
        before, crossed = standin.LAUNCHED.copy(), standin.CROSSED.copy()
        model.sample(7, rng=0)
    assert standin.LAUNCHED - before == {"kernels": 1 + 2 + isinstance(model, PixelRNN)}
    assert standin.CROSSED - crossed == {"to the device": 1, "to the host": 1}


def test_arrays_that_are_views_are_taken(device):
    """And the weights may have been replaced by others with strides of their own, or the order set on the host."""
    with backend.use("cupy"):
        model = made(nade(9, 33))
        expected = generated(model, np.ones((3, 9)), 4)
        x, W, order = backend.to_device(np.ones((9, 6)))[:, ::2].T, model.W.data.T.copy().T, model.sequence
        turned = [W, model.V.data[::-1].copy()[::-1], *(p.data for p in (model.b, model.c))]
        found = draws.draw_nade(x, 4, order.astype(np.int32), turned, rng=3)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(backend.to_numpy(a), b)


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (nade(6, 5), "float16"),
        (raster((2, 2), 3), "float16"),
        (raster((2, 2), walks.LARGEST + 1), "float64"),
        (raster((2, 2), 3, levels=3), "float64"),
        (raster((2, 2), 3, variant="row", kernel=3), "float64"),
    ],
    ids=["NADE, float16", "float16", "large", "levels", "row"],
)
def test_other_models_are_sampled_on_the_host(make, dtype, device, monkeypatch):
    monkeypatch.setattr(cuda.Program, "launch", None)
    expected = made(make, dtype).sample(3, rng=0)
    with backend.use("cupy"):
        np.testing.assert_array_equal(made(make, dtype).sample(3, rng=0), expected)


MOST = {"float32": 17, "float64": 5}
"""Layers of 256 hidden units whose states a block can share."""


def test_sizes_at_their_limits():
    """A block has 1024 threads at most. Then a thread has more hidden units than usual."""
    for dtype, layers in MOST.items():
        assert [draws.raster_fits("lstm", 256, n, dtype) for n in (layers, layers + 1)] == [True, False]
    assert [draws.nade_threads(H) for H in (1, 128, 129, 500, 4096, 4097)] == [32, 32, 64, 128, 1024, 1024]
    assert "THREADS = 1024, UNITS = 5" in draws.nade_source(4097, "float32")
    assert "THREADS = 128, UNITS = 4" in draws.nade_source(500, "float32")


def test_the_kernels_compile_for_the_devices_of_ten_years_and_stay_in_their_precision(tmp_path):
    """Compute capabilities 7.5 (T4), 8.0 and 9.0. Nothing is moved out of the registers. The states fit in the memory
    of a block where `raster_fits` says so. With floats, doubles are compared with a random number alone."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("there is no nvcc to compile CUDA C++ with")
    for dtype, layers in MOST.items():
        texts = draws.nade_source(500, dtype), draws.raster_source("lstm", 256, layers, dtype)
        source, ptx = tmp_path / f"{dtype}.cu", tmp_path / f"{dtype}.ptx"
        spaces = (f"namespace n{k} {{\n{text}\n}}" for k, text in enumerate(texts))
        source.write_text("\n".join(spaces).replace('extern "C" ', ""))  # names of C would be the same in all
        subprocess.run([nvcc, "-std=c++17", "-arch=sm_75", "-ptx", source, "-o", ptx], check=True)
        assert bool(re.search(r"(add|mul|fma|div)\S*\.f64", ptx.read_text())) == (dtype == "float64")
        for_each = [f"-gencode=arch=compute_{sm},code=sm_{sm}" for sm in (75, 80, 90)]
        command = [nvcc, "-std=c++17", *for_each, "-Xptxas=-v", "-fatbin", source, "-o", tmp_path / "all.fatbin"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        spilled, shared = re.findall(r"(\d+) bytes spill stores", said), re.findall(r"(\d+) bytes smem", said)
        assert spilled == ["0"] * (3 * len(texts))
        assert len(shared) == 3 * len(texts)
        assert max(map(int, shared)) <= draws.SHARED
