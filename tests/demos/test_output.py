"""Where a run prints and what it leaves: any encoding, no output at all, a full disk, Ctrl-C, two runs in one folder.

`python -m tests.attacks.terminals` runs every demo in all of these places.
"""

import errno
import io
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from autograd import console
from demos import (
    aae,
    anomaly,
    charrnn,
    classify,
    gan,
    gan_digits,
    independence,
    nade,
    output,
    pixelrnn,
    recipes,
    ring,
    vae,
)
from demos.__main__ import NAMES, main
from demos.output import Output, saved
from demos.windows import Figure
from minigen import plot
from minigen.nn.layers import Linear
from minigen.training.files import load_weights
from minigen.training.history import Epoch, History
from tests.attacks import terminals
from tests.conftest import heeding_ctrl_c

ROOT = Path(__file__).parents[2]
ODD = r"100% of $\foo$ 한글"
"""A folder name that breaks whoever takes it for a format, for TeX or for ASCII."""


ENCODINGS = ["cp949", "cp1252", "ascii"]


def prepare(encoding, monkeypatch):
    """Give stdout and stderr an encoding, and prepare them as a program does."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding, write_through=True))
    console.printable()


def printed():
    return sys.stdout.buffer.getvalue().decode(sys.stdout.encoding)


# -- output of any kind


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_help_page_can_be_printed(encoding, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prepare(encoding, monkeypatch)
    for name in NAMES:
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert f"usage: python -m demos {name} [-h] [--seed SEED]" in printed()
    assert "\\u" not in printed()


def test_a_demo_prints_the_same_numbers_in_ascii(tmp_path, monkeypatch):
    prepare("ascii", monkeypatch)
    assert main(["nade", "--epochs", "1", "--hidden", "4", "--out", str(tmp_path)]) == 0
    row = next(line for line in printed().splitlines() if line.startswith("independent pixels"))
    assert row == "independent pixels                64          25.21 +- 0.22         0.568"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_signs_that_an_encoding_lacks_keep_their_meaning(encoding, monkeypatch):
    prepare(encoding, monkeypatch)
    print("−ln p ≥ 2⁻⁴ ± σ²‖é“½, 한 \udcff")
    ascii = {"−": "-", "≥": ">=", "⁻": "^-", "⁴": "^4", "±": "+-", "σ": "sigma", "²": "^2", "‖": "||", "é": "e",
             "“": '"', "½": "1/2", "한": "\\ud55c", "\udcff": "\\udcff"}  # fmt: skip
    has = {"cp949": "≥⁴±σ²“½한", "cp1252": "±²é“½", "ascii": ""}[encoding]
    expected = "−ln p ≥ 2⁻⁴ ± σ²‖é“½, 한 \udcff\n"
    assert printed() == "".join(c if c in has else ascii.get(c, c) for c in expected)


@pytest.mark.parametrize("folder", ["demos", "benchmarks", "tests", "tests/attacks"])
def test_every_sign_in_the_programs_has_an_ascii_form(folder):
    signs = {c for path in (ROOT / folder).glob("*.py") for c in path.read_text(encoding="utf-8") if not c.isascii()}
    assert {c for c in signs if "\\" in console.in_ascii(c) and not "가" <= c <= "힣"} == set()


def test_utf_8_is_as_it_was(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True))
    monkeypatch.setattr(sys, "stderr", None)
    console.printable()
    print("−ln p ± σ², 한글, and a file name of other bytes: \udcff")
    print("nowhere ±", file=sys.stderr)
    assert printed() == "−ln p ± σ², 한글, and a file name of other bytes: \\udcff\n"
    sys.stderr.close()


def started(*arguments, shell="", **environment):
    command = [sys.executable, "-W", "error", "-m", "demos", *map(str, arguments)]
    command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command] if shell else command
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")
def test_a_run_without_any_output_writes_its_files(tmp_path):
    with started("markov", "--orders", "1", "--out", tmp_path / ODD, shell=">&- 2>&-") as run:
        assert run.wait() == 0
    written = ["grey-weights.npz", "orders.svg", "samples.svg", "transitions.svg", "weights.npz"]
    assert sorted(path.name for path in (tmp_path / ODD).iterdir()) == written


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")
@pytest.mark.parametrize("place", ["ascii", "no stdin", "no stream"])
def test_a_demo_loses_nothing_wherever_its_text_goes(place, tmp_path):
    """`python -m tests.attacks.terminals` has all demos and more places."""
    assert terminals.ends_in(place, tmp_path, ["markov"]) == {"markov": ""}
    assert len(list((tmp_path / "markov").iterdir())) == 5


def test_no_demo_needs_the_backend_of_a_notebook(tmp_path):
    """A process that a notebook starts has the notebook's MPLBACKEND, which may be absent in its own environment."""
    with started(
        "markov",
        "--orders",
        "1",
        "--out",
        tmp_path / ODD,
        MPLBACKEND="module://absent.inline",
        PYTHONIOENCODING="ascii",
    ) as run:
        shown, errors = run.communicate()
    assert (run.returncode, errors) == (0, "")
    assert (
        f"files written to {tmp_path}/100% of $\\foo$ \\ud55c\\uae00/: weights.npz, grey-weights.npz, orders.svg"
        in shown
    )


@pytest.mark.skipif(os.name != "posix", reason="a pipe of a shell")
def test_errors_that_nobody_reads_do_not_change_the_exit_code(tmp_path):
    with started("nade", "--resume", "--out", tmp_path) as run:
        run.stderr.close()
        assert run.wait() == 2


def test_every_program_runs_in_the_frame():
    """But for the workers, which answer other programs, some of them in environments without this engine."""
    workers = {
        "benchmarks/worker.py",
        "benchmarks/operations_worker.py",
        "tests/minigen/ranks.py",
        "tests/attacks/lost_ranks.py",
    }
    without = set()
    for path in (
        p for folder in ("autograd", "minigen", "demos", "tests", "benchmarks") for p in (ROOT / folder).rglob("*.py")
    ):
        text = path.read_text(encoding="utf-8")
        if '\nif __name__ == "__main__":' in text and "\n    console.run(" not in text:
            without.add(path.relative_to(ROOT).as_posix())
    assert without == workers


# -- Ctrl-C


@pytest.mark.parametrize("module", ["numpy", "matplotlib"])
def test_ctrl_c_during_the_imports_is_one_line(module, tmp_path):
    (tmp_path / f"{module}.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    with heeding_ctrl_c(), started("nade", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}") as run:
        assert run.stdout.readline() == "importing\n"
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=60)
    assert (run.returncode, errors) == (130, "stopped: interrupted\n")


CLASSIFIERS = ("logistic", "independent", "FVSBN", "NADE", "conditional-NADE")
QUICK = {
    "nade": (nade, ["weights.npz", "metrics.csv"]),
    "vae": (vae, ["weights.npz", "metrics.csv"]),
    "aae": (aae, ["weights.npz", "history.csv"]),
    "gan_digits": (gan_digits, ["weights.npz", "history.csv"]),
    "gan": (gan, ["weights.npz", "history.csv"]),
    "pixelrnn": (pixelrnn, ["row-weights.npz", "row-metrics.csv"]),
    "ring": (ring, ["minimax.npz", "minimax.csv"]),
    "charrnn": (charrnn, ["weights.npz", "history.csv"]),
    "independence": (independence, [f"{name}-weights.npz" for name in recipes.MODELS]),
    "classify": (classify, [f"{name}-weights.npz" for name in CLASSIFIERS]),
    "anomaly": (anomaly, [f"{name}-weights.npz" for name in ("independent", "NADE", "VAE")]),
}
FIRST_AFTER = {"ring": "row", "independence": "ledger", "classify": "draw_confusion",
               "anomaly": "conformal_p_values"}  # fmt: skip
"""The function that a demo calls first after its training, where it is not `how_it_ended`."""


@pytest.mark.parametrize("name", QUICK)
def test_weights_and_history_are_there_as_soon_as_the_training_has_ended(name, tmp_path, monkeypatch, capsys):
    """Whatever happens then, here Ctrl-C, and the last line says so."""
    module, files = QUICK[name]

    def interrupted(*arguments, **options):
        if name != "ring" or "samples of the data" not in arguments[1]:
            raise KeyboardInterrupt

    untrained = lambda *arguments, **options: History([Epoch(1, 0.0, 0.0, 0.0)])
    for here in (recipes, charrnn):
        monkeypatch.setattr(here, "fit", untrained)
    monkeypatch.setattr(module, FIRST_AFTER.get(name, "how_it_ended"), interrupted)
    assert main([name, "--out", str(tmp_path)]) == 130
    assert {path.name for path in tmp_path.iterdir()} == set(files)
    assert capsys.readouterr().err == f"stopped: interrupted; files written to {tmp_path}/: {', '.join(files)}\n"


@pytest.fixture
def model():
    return Linear(2, 3, rng=0)


def changed(model, value=1.0):
    model.weight.data[...] = value


def failing(training, error):
    training()
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, FloatingPointError, OSError])
def test_a_training_that_fails_leaves_the_weights_that_it_reached(error, model, tmp_path):
    with pytest.raises(error), saved(model, Output(tmp_path)):
        failing(lambda: changed(model), error)
    found = Linear(2, 3, rng=1)
    load_weights(found, tmp_path / "weights.npz")
    np.testing.assert_array_equal(found.weight.data, 1)


@pytest.mark.parametrize("ruin", [lambda model: None, lambda model: changed(model, np.nan)])
def test_it_does_not_replace_a_file_by_weights_that_are_not_trained_or_not_finite(ruin, model, tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"of another run")
    with pytest.raises(ValueError, match="refused"), saved(model, Output(tmp_path)):
        failing(lambda: ruin(model), ValueError("refused"))
    assert (tmp_path / "weights.npz").read_bytes() == b"of another run"


def test_ctrl_c_while_the_weights_are_written_waits_for_them(model, tmp_path, monkeypatch):
    interruptions = [KeyboardInterrupt]
    save = output.save_weights

    def interrupted(*arguments, **options):
        if interruptions:
            raise interruptions.pop()
        save(*arguments)

    monkeypatch.setattr(output, "save_weights", interrupted)
    with pytest.raises(KeyboardInterrupt), saved(model, Output(tmp_path)):
        changed(model)
    assert (tmp_path / "weights.npz").exists()


# -- a full disk


@contextmanager
def disk():
    """A function that limits the size of files, as a full disk does, until the end of the block."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("option", ["--out", "--checkpoint"])
def test_a_folder_without_room_is_refused_before_any_work(option, tmp_path, capsys):
    with disk() as limit:
        limit(output.PROBE - 1)
        with pytest.raises(SystemExit) as ended:
            main(["nade", option, str(tmp_path / "there")])
    assert ended.value.code == 2
    printed, said = capsys.readouterr()
    assert printed == ""
    assert said.endswith(
        f"error: argument {option}: nothing can be written in {tmp_path}/there: File too large: free some space, allow "
        "writing, or name another folder\n"
    )
    assert list((tmp_path / "there").iterdir()) == []


def test_a_folder_that_may_not_be_written_to_is_refused_before_any_work(tmp_path, monkeypatch, capsys):
    def refused(**options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(output.tempfile, "TemporaryFile", refused)  # root may write anywhere
    with pytest.raises(SystemExit):
        main(["nade", "--out", str(tmp_path)])
    assert f"nothing can be written in {tmp_path}: Permission denied: free some space, allow" in capsys.readouterr().err


def test_a_model_that_does_not_fit_is_refused_before_its_training(model, tmp_path):
    with disk() as limit:
        limit(10)
        with pytest.raises(OSError, match="File too large") as caught, saved(model, Output(tmp_path)):
            pytest.fail("the training began")
    assert caught.value.filename == str(tmp_path)


@pytest.mark.usefixtures("whole_pictures")
def test_a_disk_that_is_full_later_keeps_the_weights_and_the_old_pictures(tmp_path, monkeypatch, capsys):
    (tmp_path / "samples.svg").write_bytes(b"old")
    with disk() as limit:
        monkeypatch.setattr(nade, "how_it_ended", lambda history: limit(2_000))
        assert main(["nade", "--epochs", "1", "--hidden", "4", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"stopped: {tmp_path}/samples.svg: not written (its old contents are kept): File too large: free some space, "
        f"or name another folder; files written to {tmp_path}/: weights.npz, metrics.csv\n"
    )
    assert (tmp_path / "samples.svg").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.csv", "samples.svg", "weights.npz"]


# -- two runs in one folder


def test_of_two_runs_whose_files_are_mixed_one_says_so(tmp_path):
    """A run whose files another run replaced; and no run that replaced all files of an earlier one."""
    one, other = Output(tmp_path), Output(tmp_path)
    one.write_text("weights.npz", "1")
    other.write_text("weights.npz", "2")
    other.write_text("samples.svg", "2")
    assert (one.replaced(), other.replaced()) == (["weights.npz"], [])
    one.write_text("samples.svg", "1")
    assert (one.replaced(), other.replaced()) == (["weights.npz"], ["samples.svg"])


def test_a_demo_says_that_another_run_replaced_its_files(tmp_path, monkeypatch, capsys):
    save, other = plot.save, Output(tmp_path)

    def meanwhile(figure: Figure, path: Path) -> None:
        other.write_text("orders.svg", "of the other run") if path.name == "transitions.svg" else None
        save(figure, path)

    monkeypatch.setattr(plot, "save", meanwhile)
    assert main(["markov", "--orders", "1", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().err == (
        f"caution: another run has replaced orders.svg in {tmp_path}/: give each run its own --out\n"
    )
