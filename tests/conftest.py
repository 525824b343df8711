"""What holds for every test: one fixed hypothesis profile, so that a run can be repeated exactly."""

import signal
from contextlib import contextmanager

import hypothesis
import numpy as np
import pytest

from autograd import backend
from tests import standin

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


LIBRARIES = ["numpy", "standin", *(["cupy"] if backend.cuda_is_available() else [])]


@pytest.fixture(params=LIBRARIES)
def library(request, monkeypatch):
    """E-6: a test that takes this runs on NumPy, on the strict stand-in for CuPy, and on CuPy where a GPU is."""
    if request.param == "standin":
        standin.install(monkeypatch)
    with backend.use("numpy" if request.param == "numpy" else "cupy"):
        yield request.param
