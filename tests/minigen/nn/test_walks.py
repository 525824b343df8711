"""The kernels of RNN, GRU and LSTM: their own C++ source, run on the processor, is the walk of NumPy (R-1).

On a GPU where there is one, the same tests run there.
"""

import itertools
import re
import shutil
import subprocess

import numpy as np
import pytest

from autograd import Tensor, backend, check_grads, cuda, grad
from minigen.nn import bptt, walks
from tests import standin
from tests.conftest import LIBRARIES
from tests.walks import TOLERANCE, arguments, errors, value_and_gradients

every_cell = pytest.mark.parametrize("cell", walks.CELLS)


@pytest.fixture(params=[name for name in LIBRARIES if name != "numpy"])
def device(request, monkeypatch):
    """Which device it is; arrays are on the host unless a test says `backend.use("cupy")`."""
    if request.param == "standin":
        standin.install(monkeypatch)
    return request.param


@pytest.fixture
def only_kernels(monkeypatch):
    """No walk by steps on the device."""
    step_by_step = bptt.Walk.forward

    def forward(walk):
        assert backend.on_host(walk.A), "a walk by steps"
        return step_by_step(walk)

    monkeypatch.setattr(bptt.Walk, "forward", forward)


def assert_the_same(cell, dtype, arrays, **options):
    """On the device as in float64 on the host: the value and every gradient."""
    expected = value_and_gradients(cell, arrays, **options)
    with backend.use("cupy"):
        found = value_and_gradients(cell, arrays, dtype, **options)
    assert max(errors(found, expected)) < TOLERANCE[dtype], options


@pytest.mark.parametrize("H", [1, 5, 33])
@pytest.mark.parametrize("dtype", TOLERANCE)
@every_cell
def test_r1_one_kernel_is_the_walk_of_numpy(cell, dtype, H, device, only_kernels, rng):
    """R-1: value and all gradients, to 1e-12 in float64, for one step and several, with a mask and truncation.

    Planted: barriers that are missing; a wrong stride; one step too few, forward and back; a derivative of tanh that is
    1 − h² of the wrong h; a truncation that cuts off the initial state; a mask that is not looked at on the way back.
    """
    for T, N, masked in itertools.product((1, 7), (1, 3), (False, True)):
        mask = rng.random((T, N)) < 0.6 if masked else None
        arrays = arguments(cell, rng, T, N, 2, H)
        assert_the_same(cell, dtype, arrays, mask=mask, truncate=3 if masked else None)


@pytest.mark.parametrize(
    ("cell", "dtype", "H", "kept"),
    [
        ("lstm", "float64", 100, 28),
        ("gru", "float32", 192, 64),
        ("rnn", "float32", 256, 204),
        ("lstm", "float64", 256, 0),
    ],
)
def test_r1_weights_beyond_the_registers(cell, dtype, H, kept, device, only_kernels, rng):
    """R-1: where a thread keeps some of its weights, or none, and reads the others in each step."""
    assert walks.threads_and_kept(cell, H, dtype)[1] == kept
    assert_the_same(cell, dtype, arguments(cell, rng, 3, 2, 1, H))


@every_cell
def test_r1_arrays_that_are_views_are_taken_and_stay_as_they_were(cell, device, only_kernels, rng):
    arrays, mask = arguments(cell, rng, 5, 4, 2, 3), rng.random((4, 5)) < 0.6
    x, h0, *others, U, b = arrays
    expected = value_and_gradients(cell, [x, 0 * h0 + h0[0], *others, U, b], mask=mask.T[::-1])
    with backend.use("cupy"):
        x = backend.to_device(np.ascontiguousarray(x.transpose(2, 0, 1)[:, ::-1]))
        h0, U = backend.to_device(h0[0]), backend.to_device(np.asfortranarray(U).T.copy())
        there = [x, h0, *map(backend.to_device, others), U, backend.to_device(np.repeat(b, 2))]
        copies = [backend.to_numpy(a).copy() for a in there]
        x, h0, *others, U, b = there
        views = [x[:, ::-1].transpose(1, 2, 0), np.broadcast_to(h0, (4, 3)), *others, U.T, b[::2]]
        tensors = [Tensor(a, requires_grad=True) for a in views]
        y = getattr(bptt, cell)(*tensors, mask=backend.to_device(mask).T[::-1])
        weights = backend.to_device(np.asfortranarray(np.cos(np.arange(y.size)).reshape(y.shape)))
        found = [backend.to_numpy(t.data) for t in (y, *grad(np.sum(y * weights), tensors))]
    assert max(errors(found, expected)) < 1e-12
    for a, copy in zip(there, copies, strict=True):
        np.testing.assert_array_equal(backend.to_numpy(a), copy)


@pytest.mark.parametrize(("T", "N", "n"), [(1, 3, 2), (0, 3, 2), (2, 3, 0)], ids=["one step", "no step", "no input"])
@every_cell
def test_r1_at_the_edge_of_its_sizes(cell, T, N, n, device, only_kernels, rng):
    """And x of one step, which is contiguous whatever the stride of that axis."""
    arrays = arguments(cell, rng, T, N, n, 5)
    expected = value_and_gradients(cell, arrays)
    with backend.use("cupy"):
        x = backend.to_device(np.ascontiguousarray(arrays[0].transpose(1, 2, 0))).transpose(2, 0, 1)
        tensors = [Tensor(a, requires_grad=True) for a in (x, *map(backend.to_device, arrays[1:]))]
        y = getattr(bptt, cell)(*tensors)
        weights = backend.to_device(np.cos(np.arange(y.size)).reshape(y.shape))
        found = [backend.to_numpy(t.data) for t in (y, *grad(np.sum(weights * y), tensors))]
    assert [a.shape for a in found] == [a.shape for a in expected]
    np.testing.assert_allclose(
        np.concatenate([a.ravel() for a in found]),
        np.concatenate([a.ravel() for a in expected]),
        rtol=1e-12,
        atol=1e-12,
    )


@every_cell
def test_r1_second_derivatives_on_a_device_go_through_the_reference(cell, device, rng):
    with backend.use("cupy"):
        check_grads(getattr(bptt, cell), *arguments(cell, rng, 3, 2, 2, 3), order=2)


@every_cell
def test_r1_the_graph_of_a_kernel_can_be_walked_twice(cell, device, only_kernels, rng):
    with backend.use("cupy"):
        tensors = [Tensor(backend.to_device(a), requires_grad=True) for a in arguments(cell, rng, 4, 2, 2, 3)]
        y = np.sum(getattr(bptt, cell)(*tensors))
        once, again = (grad(y, tensors, retain_graph=True) for _ in range(2))
    for a, b in zip(once, again, strict=True):
        np.testing.assert_array_equal(backend.to_numpy(a), backend.to_numpy(b))


@every_cell
def test_a_walk_is_one_kernel_each_way_however_long(cell, monkeypatch, rng):
    """And the products before and after, with the copies that these need. Nothing crosses."""
    standin.install(monkeypatch)
    launched = []
    with backend.use("cupy"):
        for T in (2, 9):
            tensors = [Tensor(backend.to_device(a), requires_grad=True) for a in arguments(cell, rng, T, 2, 1, 3)]
            mask, g = (backend.to_device(a) for a in (np.ones((T, 2), bool), np.ones((T + (cell == "lstm"), 2, 3))))
            before, crossed = standin.LAUNCHED.copy(), standin.CROSSED.copy()
            getattr(bptt, cell)(*tensors, mask=mask).backward(g)
            launched.append((standin.LAUNCHED - before)["kernels"])
            assert crossed == standin.CROSSED
    assert launched[0] == launched[1] < 25


@every_cell
def test_a_walk_is_recorded_and_repeated_with_new_numbers(cell, device, rng):
    """In a CUDA graph, with a mask: the values and gradients of what is in the arrays when the graph is launched."""
    first, then = (arguments(cell, rng, 4, 3, 2, 5) for _ in range(2))
    masks = [rng.random((4, 3)) < 0.6 for _ in range(2)]
    with backend.use("cupy"):
        tensors, mask = [Tensor(backend.to_device(a), requires_grad=True) for a in first], backend.to_device(masks[0])
        weights = backend.to_device(np.cos(np.arange((4 + (cell == "lstm")) * 15)).reshape(-1, 3, 5))

        def step():
            y = getattr(bptt, cell)(*tensors, mask=mask, truncate=3)
            return [t.data for t in (y, *grad(np.sum(weights * y), tensors))]

        recorder = cuda.Recorder()
        recorder.rehearse(step)
        found, graph = recorder.record(step)
        for arrays, shown in ((first, masks[0]), (then, masks[1])):
            for tensor, a in zip(tensors, arrays, strict=True):
                tensor.data[...] = backend.to_device(a)
            mask[...] = backend.to_device(shown)
            graph.launch()
            with backend.use("numpy"):
                expected = value_and_gradients(cell, arrays, mask=shown, truncate=3)
            assert max(errors([backend.to_numpy(a) for a in found], expected)) < 1e-12


@pytest.mark.parametrize(
    ("options", "H", "dtype"),
    [({"neighbours": (1,)}, 3, "float64"), ({}, walks.LARGEST + 1, "float64"), ({}, 3, "float16")],
    ids=["neighbours", "large", "float16"],
)
@every_cell
def test_other_walks_go_by_steps(cell, options, H, dtype, device, monkeypatch, rng):
    monkeypatch.setattr(walks, "KernelWalk", None)
    arrays = arguments(cell, rng, 2, 3, 1, H)
    if options:
        arrays[-2] = np.concatenate([arrays[-2], arrays[-2]])
    with backend.use("cupy"):
        found = value_and_gradients(cell, arrays, dtype, **options)
    expected = value_and_gradients(cell, arrays, dtype, **options)
    assert max(errors(found, expected)) < {"float64": 1e-12, "float16": 1e-2}[dtype]


@pytest.mark.parametrize("which", range(1, 5), ids=["h0", "W", "U", "b"])
def test_shapes_that_do_not_fit_never_reach_a_kernel(which, device, monkeypatch, rng):
    """It would read past the end of an array."""
    monkeypatch.setattr(walks, "KernelWalk", None)
    arrays = arguments("gru", rng, 4, 3, 2, 5)
    arrays[which] = arrays[which][:-1]
    with backend.use("cupy"):
        arrays = [backend.to_device(a) for a in arrays]
        with pytest.raises(ValueError, match=r"shape|dimension|broadcast|match"):
            bptt.gru(*arrays)


def test_the_kernels_compile_for_the_devices_of_ten_years_and_stay_in_their_precision(tmp_path):
    """Compute capabilities 7.5 (T4), 8.0 and 9.0. The weights fit in the registers, and with floats no instruction
    computes with doubles."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("there is no nvcc to compile CUDA C++ with")
    for dtype, H in (("float32", 128), ("float64", walks.LARGEST)):
        source, ptx = tmp_path / f"{dtype}.cu", tmp_path / f"{dtype}.ptx"
        texts = (f"namespace {cell} {{\n{walks.source(cell, H, dtype)}\n}}" for cell in walks.CELLS)
        source.write_text("\n".join(texts).replace('extern "C" ', ""))  # names of C would be the same in all
        subprocess.run([nvcc, "-std=c++17", "-arch=sm_75", "-ptx", source, "-o", ptx], check=True)
        assert (".f64" in ptx.read_text()) == (dtype == "float64")
        for_each = [f"-gencode=arch=compute_{sm},code=sm_{sm}" for sm in (75, 80, 90)]
        command = [nvcc, "-std=c++17", *for_each, "-Xptxas=-v", "-fatbin", source, "-o", tmp_path / "all.fatbin"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        spilled = re.findall(r"(\d+) bytes spill stores", said)
        assert spilled == ["0"] * (3 * 2 * len(walks.CELLS))
