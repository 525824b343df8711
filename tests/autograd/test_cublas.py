"""Products by cuBLAS are NumPy's: on the stand-in for cuBLAS, which reads memory as cuBLAS does, and on a GPU where one
is."""

import ctypes
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from autograd import backend, cublas, cuda
from tests import standin
from tests.conftest import LIBRARIES
from tests.standin_cublas import DECLARED
from tests.strategies import generators

DEVICES = [name for name in LIBRARIES if name != "numpy"]
TOLERANCE = {np.float32: {"rtol": 1e-4, "atol": 1e-5}, np.float64: {"rtol": 1e-12, "atol": 1e-13}}
REAL = st.sampled_from([np.float32, np.float64])
SHAPES = st.integers(0, 7).flatmap(  # of eight, one may have empty sides
    lambda n: mutually_broadcastable_shapes(
        signature=np.matmul.signature, max_dims=2, min_side=1 if n else 0, max_side=4
    )
)


def test_where_there_is_no_library_there_is_none(monkeypatch):
    """Neither without NVIDIA's package that finds it, nor where this finds nothing."""
    monkeypatch.setitem(standin.sys.modules, "cuda.pathfinder", None)
    assert cublas.library() is None

    class Pathfinder:
        @staticmethod
        def load_nvidia_dynamic_lib(name):
            raise RuntimeError(f"cannot find {name}")

    monkeypatch.setitem(standin.sys.modules, "cuda.pathfinder", Pathfinder)
    assert cublas.library() is None


@pytest.fixture(scope="module", params=DEVICES)
def device(request):
    """Which device it is; arrays are made there."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "standin":
            standin.install(patch)
        with backend.use("cupy"):
            yield request.param


@pytest.fixture
def standin_alone(device):
    """The stand-in for cuBLAS, which notes what is called; from here on."""
    if device != "standin":
        pytest.skip("only the stand-in notes what is called")
    standin.CUBLAS.called.clear()
    return standin.CUBLAS


def placed(shape, dtype, rng):
    """A device array of this shape: part of a larger one, its axes stored in any order, some backwards or stretched."""
    order = rng.permutation(len(shape))
    steps, margins = rng.choice([1, 1, 1, 2, -1, 0], len(shape)), rng.integers(0, 3, len(shape))
    lengths = np.where(steps == 0, 1, np.abs(steps) * np.array(shape, int) + margins)
    stored = backend.to_device(rng.standard_normal([lengths[axis] for axis in order]).astype(dtype))
    array = stored.transpose(list(np.argsort(order)))
    for axis, (n, step) in enumerate(zip(shape, steps, strict=True)):
        part = slice(None) if step == 0 else slice(None, n * abs(step), abs(step))
        array = array[(slice(None),) * axis + (part,)]
        if step == -1:
            array = array[(slice(None),) * axis + (slice(None, None, -1),)]
    return backend.current().broadcast_to(array, shape)


def recorded(function):
    """What `function` computes inside a recorded graph: rehearsed, recorded, launched."""
    recorder = cuda.Recorder()
    recorder.rehearse(function)
    result, graph = recorder.record(function)
    graph.launch()
    return result


@settings(max_examples=200)
@given(shapes=SHAPES, dtype=REAL, rng=generators)
def test_a_recorded_product_is_numpys(device, shapes, dtype, rng):
    """E-6: of matrices, vectors, stacks that broadcast, empty ones; of slices and transposes, backwards or stretched.

    Planted: the flag of a transposed operand is that of the other one; the stacks' strides change places.
    """
    a, b = (placed(shape, dtype, rng) for shape in shapes.input_shapes)
    found = recorded(lambda: np.matmul(a, b))
    expected = np.matmul(backend.to_numpy(a), backend.to_numpy(b))
    assert found.dtype == dtype
    assert found.shape == expected.shape
    np.testing.assert_allclose(backend.to_numpy(found), expected, **TOLERANCE[dtype])


@given(shapes=SHAPES, dtype=REAL, into=REAL, rng=generators)
def test_a_product_is_written_to_the_array_that_is_given(device, shapes, dtype, into, rng):
    """A slice, a transpose or an array of another dtype too; what stands beside it stays."""
    a, b = (placed(shape, dtype, rng) for shape in shapes.input_shapes)
    expected = np.matmul(backend.to_numpy(a), backend.to_numpy(b))
    whole = backend.to_device(np.full([n + 2 for n in expected.shape], 7, into))
    inner = (slice(1, -1),) * expected.ndim
    out = whole[inner] if rng.random() < 0.5 else backend.to_device(np.full(expected.shape, 7, into))
    assert recorded(lambda: np.matmul(a, b, out=out)) is out
    np.testing.assert_allclose(backend.to_numpy(out), expected, rtol=1e-4, atol=1e-5)
    around = backend.to_numpy(whole).copy()
    around[inner] = 7
    assert np.all(around == 7)


def test_a_product_may_be_written_over_its_operands(device, rng):
    a, b = rng.standard_normal((2, 3, 3))
    there = backend.to_device(a)
    recorder = cuda.Recorder()
    recorder.rehearse(lambda: np.matmul(there, backend.to_device(b), out=there))
    np.testing.assert_allclose(backend.to_numpy(there), a @ b, rtol=1e-13)
    recorder.rehearse(lambda: np.matmul(backend.to_device(a), there, out=there))
    np.testing.assert_allclose(backend.to_numpy(there), a @ (a @ b), rtol=1e-13)


@pytest.mark.parametrize(
    ("a", "b", "called"),
    [
        ((7,), (7,), "Sdot_v2"),
        ((3, 4), (4, 5), "Sgemm_v2"),
        ((6, 3, 4), (4, 5), "Sgemm_v2"),
        ((6, 3, 4), (4,), "Sgemm_v2"),
        ((6, 3, 4), (6, 4, 5), "SgemmStridedBatched"),
        ((2, 3, 3, 4), (2, 3, 4, 5), "SgemmStridedBatched"),
        ((3, 4), (2, 3, 4, 5), "SgemmStridedBatched"),
        ((3, 0), (0, 5), None),
    ],
)
def test_a_product_is_one_call_and_copies_nothing(standin_alone, a, b, called):
    """Not even a stack that is stretched, or a transpose. A stack times one matrix is one product of all rows."""
    a, b = (backend.to_device(np.ones(shape, np.float32)) for shape in (a, b))
    out = backend.to_device(np.matmul(np.ones(a.shape, np.float32), np.ones(b.shape, np.float32)))
    pairs, batched = [(a, b)], "Sgemm_v2" if a.ndim == 2 == b.ndim else "SgemmStridedBatched"
    if min(a.ndim, b.ndim) > 1 and a.size:
        pairs.append((column_by_column(a), column_by_column(b)))
    for left, right in pairs:
        standin_alone.called.clear()
        launched = standin.LAUNCHED["kernels"]
        cuda.Recorder().product(left, right, out)
        assert standin.LAUNCHED["kernels"] == launched + 1
        products = [name for name in standin_alone.called if "gemm" in name or "dot" in name]
        assert products == ([called] if called and left is a else [batched] if called else [])


def column_by_column(x):
    """The same values, stored column by column."""
    return x.swapaxes(-1, -2).copy().swapaxes(-1, -2)


@pytest.mark.parametrize("shapes", [((3, 4), (5, 2)), ((3, 1), (4, 2)), ((2, 3, 4), (3, 4, 5))])
def test_shapes_that_do_not_fit_are_refused(device, shapes):
    a, b = (backend.to_device(np.ones(shape)) for shape in shapes)
    with pytest.raises(ValueError, match=r"np.matmul takes|broadcast"):
        cuda.Recorder().product(a, b)
    with pytest.raises(ValueError, match=r"makes \(3, 3\) of \(3, 4\) and \(4, 3\), out has \(4, 3, 3\)"):
        cuda.Recorder().product(*(backend.to_device(np.ones(s)) for s in ((3, 4), (4, 3), (4, 3, 3))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_without_cublas_and_for_whole_numbers_our_own_kernel_does_it(device, dtype, monkeypatch, rng):
    a, b = (rng.integers(-5, 5, shape).astype(dtype) for shape in ((2, 3, 4), (4, 5)))
    if dtype != np.int64:
        monkeypatch.setattr(cublas, "products", lambda cupy, device: None)
    if device == "standin":
        monkeypatch.setattr(cublas.Products, "matmul", None)
    there = [backend.to_device(x) for x in (a, b)]
    found = recorded(lambda: np.matmul(*there))
    assert found.dtype == dtype
    np.testing.assert_array_equal(backend.to_numpy(found), a @ b)


def test_on_a_gpu_there_is_one(device):
    if device == "standin":
        pytest.skip("there is no GPU")
    assert isinstance(cuda.Recorder()._cublas, cublas.Products)


def test_an_error_of_cublas_is_told(standin_alone, monkeypatch):
    failing = ctypes.CFUNCTYPE(ctypes.c_int, *cublas.GEMM)(lambda *_: 13)
    monkeypatch.setattr(standin_alone, "cublasDgemm_v2", failing)
    a = backend.to_device(np.ones((2, 2)))
    with pytest.raises(RuntimeError, match="cublasDgemm_v2 failed with status 13"):
        cuda.Recorder().product(a, a)


def test_the_functions_are_declared_as_in_nvidias_header():
    """As the stand-in has taken them down."""
    found = {re.sub("^[SD](?=gemm|dot)", "", name): types for name, types in cublas.FUNCTIONS.items()}
    assert found == DECLARED
    assert sum(name[1:] in DECLARED for name in cublas.FUNCTIONS) == 2 * 3
