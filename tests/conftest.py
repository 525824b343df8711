"""What holds for every test: one fixed hypothesis profile, so that a run can be repeated exactly."""

import signal

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


def heeding_ctrl_c() -> None:
    """For a process that is started: a shell makes its background jobs deaf to Ctrl-C, and they pass that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


LIBRARIES = ["numpy", "standin", *(["cupy"] if backend.cuda_is_available() else [])]


@pytest.fixture(params=LIBRARIES)
def library(request, monkeypatch):
    """E-6: a test that takes this runs on NumPy, on the strict stand-in for CuPy, and on CuPy where a GPU is."""
    if request.param == "standin":
        standin.install(monkeypatch)
    with backend.use("numpy" if request.param == "numpy" else "cupy"):
        yield request.param
