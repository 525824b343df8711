"""E-6: the switch between NumPy and CuPy, and that the stand-in refuses what CuPy refuses."""

import ast
import operator
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special

from autograd import Tensor, backend, grad
from autograd.rules import special
from autograd.table import COMPOSITES, RULES
from tests import standin

ROOT = Path(__file__).parents[2]


def on_host(x):
    return np.arange(x.size, dtype=x.dtype).reshape(x.shape)


def test_what_was_asked_for_is_what_makes_new_arrays(library):
    assert backend.name() == ("numpy" if library == "numpy" else "cupy")
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert backend.library(x) is backend.current()
    np.sum(np.exp(x)).backward()
    assert type(x.grad) is type(x.data)
    np.testing.assert_allclose(backend.to_numpy(x.grad), np.exp([1, 2]))
    assert ("cuda:0" if library != "numpy" else "cpu") in repr(x)


def test_arrays_move_only_when_told(library):
    host = np.array([1.0, 2.0])
    moved = backend.to_device(host)
    assert backend.library(moved) is backend.current()
    assert type(Tensor(host).data) is np.ndarray
    np.testing.assert_array_equal(backend.to_numpy(moved), host)
    np.testing.assert_array_equal(backend.to_numpy(Tensor(moved)), host)
    assert backend.library(backend.beside(host, moved)) is backend.current()


def test_host_and_device_do_not_mix(monkeypatch):
    standin.install(monkeypatch)
    with backend.use("cupy"):
        x = Tensor([1.0, 2.0], requires_grad=True)
    for mix in (
        lambda: x + np.ones(2),
        lambda: np.ones(2) * x,
        lambda: x @ Tensor(np.ones(2)),
        lambda: x ** np.ones(2),
    ):
        with pytest.raises(TypeError) as raised:
            mix()
        assert str(raised.value).partition(" was ")[2] == (
            "given arrays on the host and on the device; move them together with backend.to_device or backend.to_numpy"
        )


def test_the_choice_is_nested_and_restored_after_an_error(monkeypatch):
    standin.install(monkeypatch)
    with backend.use("cupy"):
        with pytest.raises(IndexError), backend.use("numpy"):
            Tensor([1.0])[3]
        assert backend.name() == "cupy"
    assert backend.name() == "numpy"


def test_the_choice_also_works_as_a_statement(monkeypatch):
    standin.install(monkeypatch)
    chosen = backend.use("cupy")
    assert backend.name() == "cupy"
    chosen.__exit__()
    assert backend.name() == "numpy"


def test_the_environment_sets_the_first_choice():
    code = "from autograd import backend; print(backend.name())"
    environment = os.environ | {"MINIGEN_BACKEND": "cupy"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout == "cupy\n"


def test_special_functions_and_scatter_add_are_found_on_every_backend(library):
    x = backend.to_device(np.array([0.2, 0.7]))
    for name in standin.SPECIAL - {"polygamma", "xlogy", "rel_entr"}:
        expected = getattr(scipy.special, name)([0.2, 0.7])
        np.testing.assert_allclose(backend.to_numpy(getattr(special, name)(x)), expected, rtol=1e-14)
        through_scipy = getattr(scipy.special, name)(Tensor(x))
        np.testing.assert_allclose(backend.to_numpy(through_scipy), expected, rtol=1e-14)
    target = backend.to_device(np.zeros(3))
    backend.add_at(target, backend.to_device(np.array([0, 2, 0])), backend.to_device(np.array([1.0, 2.0, 3.0])))
    np.testing.assert_array_equal(backend.to_numpy(target), [4, 0, 2])


def test_a_special_function_that_cupy_lacks_is_refused_on_the_device(monkeypatch):
    standin.install(monkeypatch)
    x = np.array([0.2, 0.7])
    np.testing.assert_array_equal(backend.special("owens_t")(x, x), scipy.special.owens_t(x, x))
    with backend.use("cupy"), pytest.raises(NotImplementedError, match=r"^CuPy has no owens_t: compute it on the host"):
        backend.special("owens_t")(*map(backend.to_device, (x, x)))


def test_generators_draw_the_same_kinds_everywhere_and_repeat(library):
    first, second = (backend.default_rng(7) for _ in range(2))
    for draw in (
        lambda rng: rng.standard_normal((2, 3)),
        lambda rng: rng.normal(5.0, 0.1, (2, 3)),
        lambda rng: rng.random(4),
        lambda rng: rng.uniform(-1, 1, 4),
        lambda rng: rng.integers(0, 9, 4),
        lambda rng: rng.permutation(9),
        lambda rng: rng.permutation(backend.to_device(np.arange(8.0).reshape(4, 2))),
    ):
        a, b = draw(first), draw(second)
        assert backend.library(a) is backend.current()
        np.testing.assert_array_equal(backend.to_numpy(a), backend.to_numpy(b))
    assert sorted(backend.to_numpy(first.permutation(9)).tolist()) == list(range(9))
    assert abs(float(first.normal(5.0, 0.1, 100).mean()) - 5) < 0.1


def test_the_gradient_of_a_small_network_is_the_same_on_every_backend(library, rng):
    arrays = [rng.standard_normal(s) for s in [(5, 3), (3, 4), (4,), (4, 1)]]

    def gradients(move):
        x, *weights = (Tensor(move(a), requires_grad=True) for a in arrays)
        h = np.maximum(x @ weights[0] + weights[1], 0)
        return [backend.to_numpy(g) for g in grad(np.mean((h @ weights[2]) ** 2), weights)]

    for a, b in zip(gradients(backend.to_device), gradients(np.asarray), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.skipif(
    not backend.cuda_is_available(), reason="no CUDA device: CuPy was tested through the stand-in alone"
)
def test_the_suite_ran_on_a_gpu_too():
    """A reminder in every report of what the other tests ran on."""
    with backend.use("cupy"):
        assert "cuda" in repr(Tensor([1.0]))


class TestTheStandIn:
    """What the suite shows of CuPy is worth what the stand-in refuses."""

    x = standin.asarray([1.0, 2.0])

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda x: x + np.ones(2),
            lambda x: np.ones(2) * x,
            lambda x: np.add(x, np.ones(2)),
            lambda x: x[np.array([0])],
            lambda x: np.concatenate([x, np.ones(2)]),
            lambda x: np.asarray(x),
            lambda x: np.array([1.0]) @ x,
            lambda x: np.where(np.array([True, False]), x, 0),
            lambda x: np.sum(x, initial=0),
            lambda x: np.clip(x, min=0),
            lambda x: standin.cupy.vecdot(x, x),
            lambda x: standin.cupy.errstate(),
            lambda x: x.__array_interface__,
        ],
    )
    def test_it_refuses_mixing_and_what_cupy_lacks(self, wrong):
        with pytest.raises((TypeError, AttributeError)):
            wrong(self.x)

    def test_its_scalars_are_arrays(self):
        assert all(isinstance(y, standin.ndarray) for y in (np.sum(self.x), self.x[0], self.x.max(), self.x @ self.x))


# Names of NumPy that the engine uses on the host alone: types, settings, or entries that CuPy need not have.
HOST_ONLY = {
    "ndarray", "generic", "finfo", "errstate", "dtype", "asarray", "array", "array2string", "ufunc", "__file__",
    "linalg.svdvals", "ma.MaskedArray", "ma", "matrix", "ascontiguousarray", "random.Generator", "random.default_rng",
}  # fmt: skip


OF_MATRICES = {"linalg.py", "decompositions.py", "norms.py"}


def names_and_keywords(path):
    """("linalg.inv", {"axis", …}) for every `np.linalg.inv` in a file, with the keywords of its call."""
    tree = ast.parse(path.read_text())
    calls = {id(n.func): {k.arg for k in n.keywords if k.arg} for n in ast.walk(tree) if isinstance(n, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            parts = ast.unparse(node).split(".")
            of_numpy = parts[0] == "np" or (parts[0] == "linalg" and path.name in OF_MATRICES)
            if of_numpy and all(map(str.isidentifier, parts)) and parts not in (["np", "linalg"], ["np", "random"]):
                yield ".".join(parts).removeprefix("np."), calls.get(id(node), set())


COMPOSITE_FILES = {"composites.py", "joining.py", "options.py", "series.py", "statistics.py"}
"""Their functions call others on Tensors. That they run on the device too is tested by running them (`cases.py`)."""
DECLARATIONS = {"queries.py", "refused.py", "coverage.py", "__main__.py"}
"""They name functions and call none."""


def is_declared(path, name):
    """Whether a name is not called with an array that may be CuPy's."""
    function = operator.attrgetter(name)(np)
    if path.name in COMPOSITE_FILES and (function in COMPOSITES or function in RULES):
        return True
    return path.name in DECLARATIONS or (function in COMPOSITES and function not in RULES)


@pytest.mark.parametrize("path", sorted((ROOT / "autograd").rglob("*.py")), ids=lambda p: p.name)
def test_every_numpy_name_and_keyword_in_the_engine_is_cupys_too(path):
    for name, keywords in names_and_keywords(path):
        if name in HOST_ONLY or is_declared(path, name):
            continue
        assert name in standin.API, f"{path.name}: np.{name} is not in CuPy"
        known = standin.API[name]
        assert known is None or keywords <= set(known), f"{path.name}: np.{name} has {keywords}, CuPy's has {known}"


def test_no_other_file_of_the_engine_names_a_device():
    for path in (ROOT / "autograd").rglob("*.py"):
        if path.name not in ("backend.py", "cublas.py", "cuda.py", "__init__.py"):
            code = ast.parse(path.read_text())
            names = {n.id for n in ast.walk(code) if isinstance(n, ast.Name)}
            names |= {a.name for n in ast.walk(code) if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names}
            assert not names & {"cupy", "cupyx", "cuda"}, path
