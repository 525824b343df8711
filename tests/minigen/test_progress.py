"""Progress bars: where they are visible, and who uses them."""

import sys
import types
import warnings

import numpy as np
import pytest

from demos.__main__ import main
from minigen.data.fetch import fetch
from minigen.pixelrnn import PixelRNN
from minigen.progress import progress_bar
from minigen.table import IndependentBernoulli
from minigen.training.loop import fit
from minigen.training.optim import SGD
from tests.mirror import Mirror, running


@pytest.fixture(params=["IPKernelApp", "TerminalIPythonApp"])
def kernel(request, monkeypatch):
    """Whether Python runs a notebook without ipywidgets; if not, it runs IPython on a terminal."""
    python = types.SimpleNamespace(config={request.param: {}})
    ipython = types.SimpleNamespace(get_ipython=lambda: python, version_info=(9, 0))  # matplotlib asks for the version
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    if request.param == "IPKernelApp":  # tqdm looks for this module
        monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    for name in ("tqdm.auto", "tqdm.autonotebook", "tqdm.notebook"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return request.param == "IPKernelApp"


def training(folder):
    model = IndependentBernoulli(2)
    fit(model, SGD(model, 0.1), np.zeros((30, 2)), np.zeros((5, 2)), rng=0, epochs=2)


def download(folder):
    with running(Mirror({"file": bytes(300_000)})) as mirror:
        fetch([mirror.url], folder / "file", lambda part: None, "", 300_000)


def sampling(folder):
    model = PixelRNN((2, 3), H=4, variant="row", rng=0, kernel=3, layers=1)
    model.progress = True
    model.sample(1, rng=0)


def reading(folder):
    (folder / "text").write_text("minigen " * 20)
    arguments = ["--epochs", "1", "--hidden", "4", "--streams", "2", "--steps", "9", "--length", "1", "--prompt", "m"]
    assert main(["charrnn", "--text", str(folder / "text"), "--out", str(folder / "out"), *arguments]) == 0


@pytest.mark.parametrize(
    ("work", "end"),
    [
        (training, "60.0/60.0"),
        (download, "file: 100%|██████████| 300k/300k"),
        (sampling, "drawing"),
        (reading, "71.0/71.0"),
    ],
)
def test_every_bar_is_visible_in_a_notebook_as_text_and_hidden_off_a_terminal(
    work, end, kernel, tmp_path, capsys, monkeypatch
):
    """Without the warning of tqdm that ipywidgets is not installed."""
    monkeypatch.setenv("NO_PROXY", "*")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        work(tmp_path)
    shown = capsys.readouterr().err
    assert (end in shown) if kernel else (shown == "")
    assert not [w for w in warned if "ipywidgets" in str(w.message)]


@pytest.mark.parametrize("kernel", ["IPKernelApp"], indirect=True)
def test_a_bar_that_is_not_wanted_is_hidden_everywhere(kernel, capsys):
    for _ in progress_bar(False, iterable=range(3)):
        pass
    assert capsys.readouterr().err == ""
