"""Each kernel for the device beside its NumPy form: the same numbers on the stand-in, and CUDA C++ that compiles."""

import gc
import importlib
import pkgutil
import shutil
import subprocess

import numpy as np
import pytest

import minigen
from autograd import Tensor, backend, check_grads, cuda
from minigen import distributions, nade_blocks
from minigen.nn import bptt as recurrence
from minigen.nn import functions
from minigen.nn.walks import LARGEST
from minigen.training.guarded import GUARD
from minigen.training.optim import ACCUMULATE, ADAM, DESCEND, SGD, Adam
from tests import shim, standin
from tests.minigen.training.test_optim import module

X = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.5, np.nan])
LOGITS = np.array([0.0, -3.0, 800.0, -np.inf, np.inf, 1e-30, -40.0, np.inf, 1.0])
FUSED = {
    functions.sigmoid: (LOGITS,),
    functions.sigmoid_gradient: (LOGITS[:3], np.array([0.0, 0.25, 1.0])),
    functions.relu_gradient: (LOGITS, np.array([0.0, 1.0, 2.0, 0.0, 3.0, 0.0, 1e-30, 1.0, 0.0])),
    functions.leaky_relu_gradient: (LOGITS[:3], np.array([0.0, -1.0, 2.0]), 0.2),
    distributions.bernoulli_log_prob: (X, LOGITS),
    distributions.bernoulli_score: (np.full(9, 2.0), X, LOGITS),
    nade_blocks.tanh_of_sum: (np.array([0.5, 0.0, 1.0]), LOGITS.reshape(3, 3)),
    nade_blocks.through_tanh: (np.array([[2.0], [-1.0], [3.0]]), X[:3], np.tanh(LOGITS).reshape(3, 3)),
}


@pytest.fixture
def device(monkeypatch):
    standin.install(monkeypatch)
    with backend.use("cupy"):
        yield standin


def to_device(arrays, dtype=None):
    return [backend.to_device(a if dtype is None else a.astype(dtype)) if np.ndim(a) else a for a in arrays]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", FUSED, ids=lambda f: f.__name__)
@np.errstate(invalid="ignore")
def test_a_fused_function_is_one_kernel_and_the_numpy_form(function, dtype, device):
    """At infinite logits too, where what is not a number has to be the same on both."""
    arrays = [a.astype(dtype) if np.ndim(a) else a for a in FUSED[function]]
    expected, given = function(*arrays), to_device(arrays)
    before = device.LAUNCHED["kernels"]
    found = function(*given)
    assert device.LAUNCHED["kernels"] == before + 1
    assert found.dtype == dtype
    np.testing.assert_allclose(found.get(), expected, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


def test_outcomes_of_another_type_and_numbers_are_taken(device):
    logits = LOGITS[:7]
    for x in (X[:7].astype(int), 1):
        found = distributions.bernoulli_log_prob(to_device([x])[0], backend.to_device(logits))
        np.testing.assert_allclose(found.get(), distributions.bernoulli_log_prob(x, logits), rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize(
    "loss",
    [
        lambda t: distributions.bernoulli_log_prob(backend.to_device(np.array([0.0, 1.0, 1.0])), t),
        functions.sigmoid,
        functions.leaky_relu,
        lambda t: functions.relu(t) ** 2,
    ],
    ids=["bernoulli", "sigmoid", "leaky_relu", "relu"],
)
def test_second_derivatives_pass_the_kernels_by(loss, device):
    check_grads(loss, Tensor(np.array([0.3, -1.2, 2.0]), requires_grad=True), order=2)


@pytest.mark.parametrize("dtypes", [(np.int64, np.int64), (np.float32, np.float64)])
def test_what_has_no_one_floating_dtype_goes_the_plain_way(dtypes, device):
    """A kernel of whole numbers would compute with them."""
    g, y = (np.array([0, 1, 2], dtype) for dtype in dtypes)
    found = functions.sigmoid_gradient(*to_device([g, y]))
    np.testing.assert_array_equal(found.get(), functions.sigmoid_gradient(g, y))


def test_a_host_array_beside_one_of_the_device_is_refused(device):
    with pytest.raises(TypeError, match="Unsupported type"):
        functions.sigmoid_gradient(np.ones(3), backend.to_device(np.ones(3)))


CELLS = {"gru": (recurrence.gru, 3, 0, 6), "lstm": (recurrence.lstm, 4, 1, 5)}
"""Each with its number of gates, of states beside h, and of kernels that a step takes on the way back."""


@pytest.mark.parametrize("name", CELLS)
def test_a_step_of_a_cell_is_two_kernels_and_few_more_back(name, device, rng):
    """The product and the cell. Back: the gradient that arrives, the cell, the product, and what it gives h and x; a
    GRU's cell is two. A cell that is too large for a kernel of the whole walk goes by steps."""
    cell, gates, states, back = CELLS[name]
    N, H, kernels = 2, LARGEST + 1, []
    shapes = [(N, H)] * (1 + states) + [(1, gates * H), (H, gates * H), (gates * H,)]
    for T in (6, 12):
        arrays = to_device([rng.standard_normal(shape) for shape in ((T, N, 1), *shapes)])
        before = device.LAUNCHED["kernels"]
        path = cell(*(Tensor(a, requires_grad=True) for a in arrays))
        between = device.LAUNCHED["kernels"]
        path.backward(backend.to_device(np.ones(path.shape)))
        kernels.append((between - before, device.LAUNCHED["kernels"] - between))
    assert np.subtract(*kernels[::-1]).tolist() == [6 * 2, 6 * back]


OPTIMIZERS = {
    "Adam": lambda m: Adam(m, 0.01, weight_decay=0.1),
    "SGD": lambda m: SGD(m, 0.01),
    "momentum": lambda m: SGD(m, 0.01, momentum=0.5),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_on_the_device_is_its_walk_over_blocks_and_its_guard_stops_it(name, dtype, device, rng):
    """The device reads the numbers of a step, and whether to go on, from arrays of its own, or gets them from Python.
    A gradient that is not finite leaves everything as it was where the guard says so."""
    theta, gradients = rng.standard_normal(7), [rng.standard_normal(7) for _ in range(5)]
    found = []
    for library, there in (("numpy", False), ("cupy", False), ("cupy", True)):
        with backend.use(library):
            model = module(np.random.default_rng(0), 7).astype(dtype)
            model.flat[...] = backend.to_device(theta.astype(dtype))
            optimizer = OPTIMIZERS[name](model)
            for g in gradients:
                model.flat_grad[...] = backend.to_device(g.astype(dtype))
                if there:
                    numbers = [backend.to_device(np.array(x, dtype)) for x in optimizer.numbers(optimizer.t + 1)]
                    optimizer.update(numbers, backend.to_device(np.array(True)))
                    model.flat_grad[...] = np.nan
                    optimizer.update(numbers, backend.to_device(np.array(False)))
                    optimizer.t += 1
                else:
                    optimizer.step()
            found.append([backend.to_numpy(v) for v in (model.flat, *optimizer.states)])
    for arrays in found[1:]:
        for array, expected in zip(arrays, found[0], strict=True):
            np.testing.assert_allclose(array, expected, rtol=100 * np.finfo(dtype).eps)
    for array, expected in zip(*found[1:], strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_guard_ends_with_the_first_number_that_is_not_finite(bad, device):
    """E-6: it keeps both numbers, whatever they are, in another precision.

    Planted: a guard that looks at the norm alone.
    """
    go, kept = (backend.to_device(np.array(x)) for x in (True, [7.0, 7.0]))
    for loss, square, expected in [(1.0, 1e30, True), (2.0, bad, False), (1.0, 1.0, False), (bad, 0.0, False)]:
        if loss == bad or np.isnan(loss):
            go.fill(True)
        GUARD(backend.to_device(np.array(loss, np.float32)), backend.to_device(np.array(square)), go, kept[0], kept[1])
        assert go.item() is expected
        np.testing.assert_array_equal(kept.get(), np.array([np.float32(loss), square]))


@pytest.mark.parametrize("go", [True, False])
@pytest.mark.parametrize("kernel", [GUARD, ACCUMULATE, DESCEND, ADAM], ids=lambda kernel: kernel.source[3])
def test_the_stand_in_runs_guarded_kernels_as_cpp_does(kernel, go, device, rng):
    """The same source, compiled by g++, with an array for each argument."""
    maths = "#define sqrt __builtin_sqrt\n#define isfinite __builtin_isfinite\n"
    library = shim.compiled(maths + cuda(kernel, {"T": "double"}, 'extern "C" '))
    names = [d.split() for text in kernel.source[:2] for d in text.split(",")]
    make = lambda kind: np.full(5, go) if kind == "bool" else rng.random(5) + 0.1
    arrays = [make(kind) for kind, _ in names]
    if kernel is GUARD:
        arrays[0][1], arrays[1][2] = np.nan, np.inf
    expected = [a.copy() for a in arrays]
    for k in range(5):  # the guard is one number for all elements
        one = [backend.to_device(a[k : k + 1].reshape(())) for a in expected]
        kernel(*one)
        for a, x in zip(expected, one, strict=True):
            a[k] = x.get()
    shim.run(library, f"{kernel.source[3]}_double", 1, 5, shim.checked(library, f"{kernel.source[3]}_double", arrays))
    for array, other in zip(arrays, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-14)


for _module in pkgutil.iter_modules(minigen.__path__, "minigen."):
    importlib.import_module(_module.name)
KERNELS = {o.source[3]: o for o in gc.get_objects() if isinstance(o, cuda.Kernel)}
"""All of minigen, by name; tests and documents make others later."""


def cuda(kernel, types, before=""):
    """The loop that CuPy makes of a kernel, for these types."""
    inputs, outputs, operation, name = kernel.source
    types = {"bool": "bool", "U": types["T"], "V": types["T"]} | types
    declared = [[d.split() for d in text.split(",")] for text in (inputs, outputs)]
    parameters = [f"const {types[t]}* in_{n}" for t, n in declared[0]]
    parameters += [f"{types[t]}* out_{n}" for t, n in declared[1]]
    elements = [f"const {types[t]} {n} = in_{n}[k];" for t, n in declared[0]]
    elements += [f"{types[t]}& {n} = out_{n}[k];" for t, n in declared[1]]
    return (
        f"{before}__global__ void {name}_{types['T']}({', '.join(parameters)}) {{ typedef {types['T']} T; "
        f"int k = blockIdx.x * blockDim.x + threadIdx.x; {' '.join(elements)} {operation}; }}"
    )


def test_all_kernels_are_held_to_their_numpy_forms_somewhere():
    """Those that write in place: the cells by R-1 on the device (`test_recurrence`), the others below."""
    by_name = {f.__name__ for f in FUSED} | {"gru_step", "lstm_step", "lstm_back"}
    by_name |= {kernel.source[3] for kernel in (GUARD, ACCUMULATE, DESCEND, ADAM)}
    assert set(KERNELS) == by_name


def test_kernels_compile_and_stay_in_their_precision(tmp_path):
    """With floats no instruction computes with doubles."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("there is no nvcc to compile CUDA C++ with")
    for T in ("float", "double"):
        source, ptx = tmp_path / f"{T}.cu", tmp_path / f"{T}.ptx"
        source.write_text("\n".join(cuda(kernel, {"T": T}) for kernel in KERNELS.values()))
        subprocess.run([nvcc, "-arch=sm_80", "-ptx", source, "-o", ptx], check=True)
        assert (".f64" in ptx.read_text()) == (T == "double")
