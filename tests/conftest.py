"""What holds for every test: one fixed hypothesis profile, so that a run can be repeated exactly, and a red run ends
with the claims that its failing tests break."""

import os
import signal
from contextlib import contextmanager

import hypothesis
import numpy as np
import pytest

from autograd import backend
from tests import claims, standin

hypothesis.settings.register_profile(
    "fixed",
    derandomize=True,
    deadline=None,
    max_examples=25,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],  # a backend stays the same over examples
)
hypothesis.settings.load_profile("fixed")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261123)


@contextmanager
def heeding_ctrl_c():
    """Processes started inside this block heed Ctrl-C: a shell makes its background jobs deaf to it, and they pass that
    on."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def usual_ctrl_c():
    """Ctrl-C raises KeyboardInterrupt in this process, also if it is the background job of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


LIBRARIES = ["numpy", "standin", *(["cupy"] if backend.cuda_is_available() else [])]


@pytest.fixture(params=LIBRARIES)
def library(request, monkeypatch):
    """E-6: a test that takes this runs on NumPy, on the strict stand-in for CuPy, and on CuPy where a GPU is."""
    if request.param == "standin":
        standin.install(monkeypatch)
    with backend.use("numpy" if request.param == "numpy" else "cupy"):
        yield request.param


def pytest_configure(config):
    """With several processes (`-n`), NumPy has one thread in each, and in the programs that tests start."""
    if config.getoption("numprocesses", None):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_modifyitems(items):
    """The report of a test, also of one in another process, has the test's name and docstring."""
    for item in items:
        item.user_properties.append(("test", (item.originalname, item.function.__doc__ or "")))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """After the summary of failures, `claims.broken`; nothing in a green run."""
    yield
    reports = [report for kind in ("failed", "error") for report in terminalreporter.stats.get(kind, [])]
    tests = [dict(getattr(report, "user_properties", ())).get("test") for report in reports]
    if said := claims.broken(test for test in tests if test):
        terminalreporter.section("claims", red=True)
        terminalreporter.write_line(said)


def trained_as_on_numpy(trained, name, library):
    """Train a model where `library` makes arrays, and on NumPy, and hold both equal. Returns (the model, NumPy's).

    trained: trained(name) returns a model after its training, and the losses.
    """
    model, losses = trained(name)
    assert backend.device_of(model.flat) == ("cpu" if library == "numpy" else "cuda:0")
    with backend.use("numpy"):
        reference, expected = trained(name)
    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    for key, array in reference.arrays().items():
        np.testing.assert_allclose(backend.to_numpy(model.arrays()[key]), array, rtol=1e-9, atol=1e-9, err_msg=key)
    return model, reference
