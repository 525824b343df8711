"""`--show`: windows after the pictures are written, and a refusal before any training where there can be none."""

import os
import subprocess
import sys

import pytest

from demos import windows
from demos.__main__ import NAMES, main
from minigen.errors import UsageError


@pytest.fixture
def shown(monkeypatch):
    """The titles of the windows that are there when the program waits for them to be closed; matplotlib makes them in
    memory."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    titles = []
    monkeypatch.setattr(windows, "require", lambda: None)
    monkeypatch.setattr(windows, "wait", lambda: titles.extend(pyplot.get_figlabels()))
    pyplot.switch_backend("agg")
    yield titles
    pyplot.close("all")


def test_every_picture_has_a_window_after_all_are_written(shown, tmp_path, monkeypatch):
    arguments = ["markov", "--orders", "2", "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert shown == []
    plain = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(windows, "wait", lambda: shown.extend(sorted(path.name for path in tmp_path.iterdir())))
    assert main([*arguments, "--show"]) == 0
    assert shown == sorted(plain)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == plain


def test_the_windows_hold_the_figures_themselves(shown):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figures = {f"{name}.png": windows.Figure() for name in "ab"}
    for name, figure in figures.items():
        assert windows.managed(figure, name) is figure
        assert pyplot.figure(name) is figure
    windows.wait()
    assert shown == list(figures)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"tour"}))
def test_every_demo_refuses_it_before_it_does_anything_where_there_is_no_display(name, tmp_path, capsys, monkeypatch):
    def nowhere():
        raise UsageError("no display")

    monkeypatch.setattr(windows, "require", nowhere)
    assert main([name, "--show", "--out", str(tmp_path)]) == 2
    printed, said = capsys.readouterr()
    assert (printed, said) == ("", "stopped: no display\n")


@pytest.mark.parametrize("backend", [None, "agg", "svg", "module://nothing", "nonsense"])
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_the_refusal_names_the_cure(backend, tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")}
    environment |= {} if backend is None else {"MPLBACKEND": backend}
    command = [sys.executable, "-W", "error", "-m", "demos", "markov", "--show", "--out", str(tmp_path)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("stopped: --show needs a display and a toolkit for windows (")
    assert "pip install pyqt6, or leave --show out" in run.stderr
    assert run.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_it_no_demo_touches_pyplot(tmp_path):
    """It would choose a backend, and keep every figure."""
    code = f"import sys; from demos.__main__ import main; main(['markov', '--orders', '1', '--out', {str(tmp_path)!r}])"
    code += "; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0
