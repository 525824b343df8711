"""What the cells of a notebook show: run by Jupyter's kernel, as a user runs them."""

import pytest

pytest.importorskip("nbclient", reason="the extra `notebooks` is not installed")
pytest.importorskip("ipykernel", reason="the extra `notebooks` is not installed")
nbformat = pytest.importorskip("nbformat", reason="the extra `notebooks` is not installed")

CELLS = {
    """
import numpy as np
from autograd import Tensor, draw
from minigen import VAE, Adam, fit, plot
from minigen.data import digits
from minigen.vae import bernoulli_vae
data = digits()
data""": "image/png",
    "model = bernoulli_vae(64, (8,), 2, rng=0)\nmodel": "text/html",
    """
x = data.train.images[:100]
history = fit(model, Adam(model), x, x, rng=0, epochs=2)
history""": "image/png",
    "plot.images(x[:20], data.shape)": "image/png",
    "import matplotlib.pyplot\nplot.images(x[0], data.shape)": "image/png",
    "y = Tensor(np.zeros((100, 50)), requires_grad=True)\ny": "text/plain",
    "draw(model.loss(x, rng=0))": "image/svg+xml",
}
"""Cells, and the richest kind of what each shows."""


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """The cells of a notebook after it ran, by their code."""
    from nbclient import NotebookClient

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS])
    folder = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    NotebookClient(book, timeout=300, kernel_name="python3", resources=folder).execute()
    return dict(zip(CELLS, book.cells, strict=True)), book


@pytest.mark.parametrize("code", CELLS, ids=lambda code: code.strip().split("\n")[-1])
def test_the_last_value_of_a_cell_shows_itself_once(cells, code):
    shown = [output for output in cells[0][code].outputs if output.output_type != "stream"]
    shown = [output for output in shown if "application/vnd.jupyter.widget-view+json" not in output.data]
    assert [output.output_type for output in shown] == ["execute_result"]
    assert set(shown[0].data) == {"text/plain", CELLS[code]}


def test_a_long_tensor_is_cut_in_its_text(cells):
    text = cells[0]["y = Tensor(np.zeros((100, 50)), requires_grad=True)\ny"].outputs[0].data["text/plain"]
    assert "[0., 0., 0., ..., 0., 0., 0.]" in text
    assert text.endswith("shape=(100, 50), float64, cpu, requires_grad=True)")
    assert len(text) < 500


def test_the_bar_of_a_training_is_full_at_its_end(cells):
    """A widget that is told its total where ipywidgets is installed, and text otherwise."""
    cell, book = cells
    widgets = book.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    bars = [w["state"] for w in widgets.values() if w["model_name"] == "FloatProgressModel"]
    if bars:
        assert [(bar["value"], bar["max"], bar["bar_style"]) for bar in bars] == [(200, 200, "success")]
    else:
        text = "".join(o.get("text", "") for code, c in cell.items() if "fit(" in code for o in c.outputs)
        assert "200/200" in text
