"""Tensors among other things: copies, pickles, DLPack, threads."""

import copy
import importlib
import pickle
import re
import threading

import numpy as np
import pytest

from autograd import Tensor, backend, detect_anomaly, from_dlpack, no_grad
from autograd.modes import MODE


@pytest.fixture
def x():
    return Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_copies_and_pickles_are_leaves_with_data_and_gradient(copied, x):
    np.sum(x * x).backward()
    again = copied(x)
    assert again.requires_grad
    np.testing.assert_array_equal(again.data, x.data)
    np.testing.assert_array_equal(again.grad, x.grad)
    if copied is not copy.copy:
        assert not np.shares_memory(again.data, x.data)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_computed_tensor_is_not_copied(copied, x):
    with pytest.raises(TypeError, match=r"part of a graph and is not copied or pickled; use t\.detach\(\)"):
        copied(x * 2)


def test_dlpack_shares_memory_with_numpy_both_ways(x):
    array = np.arange(3.0)
    tensor = from_dlpack(array)
    assert np.shares_memory(tensor.data, array)
    assert np.shares_memory(np.from_dlpack(x.detach()), x.data)
    message = "a Tensor that requires a gradient does not leave its graph silently; use t.detach()"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        np.from_dlpack(x)


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_dlpack_shares_memory_with_other_libraries(library):
    other = pytest.importorskip("jax.numpy" if library == "jax" else library, reason=f"{library} is not installed")
    from_other = from_dlpack(other.arange(3.0))
    np.testing.assert_array_equal(from_other.data, [0, 1, 2])
    ours = Tensor(np.arange(3.0, dtype=np.float32))
    theirs = importlib.import_module(library).from_dlpack(ours) if library == "torch" else other.from_dlpack(ours)
    if library == "torch":
        ours.data[0] = 7
        assert theirs[0] == 7
        from_other.data[0] = 5
    np.testing.assert_array_equal(np.asarray(theirs), ours.data)


def in_a_thread(function):
    """What `function` returns in another thread."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def test_no_grad_and_anomaly_detection_belong_to_their_thread(x):
    with no_grad(), detect_anomaly():
        assert not (x * 2).requires_grad
        assert in_a_thread(lambda: (x * 2).requires_grad and not MODE.get().watch)
        assert MODE.get().watch
    assert (x * 2).requires_grad


def test_modes_nest_and_are_restored_after_an_error(x):
    with no_grad():
        with pytest.raises(IndexError), no_grad():
            x[7]
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_two_threads_differentiate_at_once(x):
    """Each its own graph on a shared leaf's data."""

    def work():
        w = Tensor(x.data, requires_grad=True)
        for _ in range(50):
            np.sum(np.tanh(w @ w)).backward()
        return w.grad

    expected, threads, found = work(), [], []
    for _ in range(4):
        threads.append(threading.Thread(target=lambda: found.append(work())))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for gradient in found:
        np.testing.assert_array_equal(gradient, expected)


def test_the_backend_is_chosen_per_thread_and_restored():
    assert backend.name() == "numpy"
    with backend.use("numpy"):
        assert in_a_thread(backend.name) == "numpy"
    assert backend.name() == "numpy"


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match='there is no backend \'torch\'; choose "numpy" or "cupy"'):
        backend.use("torch")


@pytest.mark.skipif(backend.cuda_is_available(), reason="there is a CUDA device")
def test_asking_for_cuda_without_a_device_ends_in_one_sentence():
    message = (
        "CUDA was asked for, but CuPy is not installed or finds no device: install minigen with its extra `cuda` on a "
        'machine with an NVIDIA GPU, or use("numpy")'
    )
    with pytest.raises(RuntimeError, match=f"^{re.escape(message)}$"):
        backend.use("cupy")
    assert backend.name() == "numpy"
