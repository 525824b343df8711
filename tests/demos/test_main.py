"""How a run ends: its exit code, one sentence on stderr, and nothing but results on stdout."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from demos import nade
from demos.__main__ import main
from demos.common import OwnImages
from demos.recipes import RECIPES, recipe_of
from minigen.errors import CheckpointError, DataError, DivergedError, UsageError
from tests.conftest import heeding_ctrl_c

ROOT = Path(__file__).parents[2]
QUICK = ["nade", "--epochs", "1", "--hidden", "4"]
CURE = ": free some space, or name another folder"


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UsageError("--a and --b do not go together"), 2, "--a and --b do not go together"),
        (DataError("a.npz", "is empty", "fill it"), 1, "a.npz is empty: fill it"),
        (CheckpointError("it does not fit"), 1, "it does not fit"),
        (DivergedError("the loss is nan"), 1, "the loss is nan"),
        (OSError(28, "No space left on device", "out/a.png"), 1, f"out/a.png: No space left on device{CURE}"),
        (OSError(28, "No space left on device"), 1, f"the output: No space left on device{CURE}"),
        (OSError(13, "Permission denied", "out/a.png"), 1, "out/a.png: Permission denied"),
        (MemoryError("2 TiB"), 1, "there is not enough memory (2 TiB): take a smaller model or smaller images"),
        (MemoryError(), 1, "there is not enough memory: take a smaller model or smaller images"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
@pytest.mark.parametrize("line", [["nade"], ["--debug", "nade"], ["nade", "--seed", "1", "--debug"]])
def test_a_failure_is_one_line_and_a_code_and_debug_shows_where(error, code, sentence, line, capsys, monkeypatch):
    def fail(arguments):
        raise error

    monkeypatch.setattr(nade, "main", fail)
    assert main(line) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.endswith(f"stopped: {sentence}\n")
    assert (shown.err.count("\n") == 1) == ("--debug" not in line)
    assert ("Traceback" in shown.err) == ("--debug" in line)


def test_a_mistake_in_the_program_is_not_hidden(monkeypatch):
    def fail(arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(nade, "main", fail)
    with pytest.raises(ZeroDivisionError):
        main(["nade"])


def started(*arguments, **options):
    command = [sys.executable, "-m", "demos", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize(
    ("arguments", "codes"), [(["markov", "--orders", "1"], [141]), (["nade", "--help"], [0, 141]), (["--help"], [141])]
)
def test_a_reader_that_goes_ends_it_quietly(arguments, codes, tmp_path):
    """As `| head` does. (argparse itself takes a help page that nobody reads for a success.)"""
    with started(*arguments, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}) as run:
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode in codes


def test_without_a_terminal_stderr_is_silent_and_stdout_has_the_results(tmp_path):
    run = started(*QUICK, "--out", tmp_path)
    printed, errors = run.communicate(timeout=60)
    assert (run.returncode, errors) == (0, "")
    assert printed.startswith("digits 8×8")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_ctrl_c_before_training_is_130(tmp_path):
    """While it waits for its data, here a pipe that nobody writes to."""
    pipe = tmp_path / "mine.npz"
    os.mkfifo(pipe)
    with heeding_ctrl_c():
        run = started(*QUICK, "--data", pipe, "--out", tmp_path / "out")
    deadline = time.monotonic() + 60
    while not (tmp_path / "out").exists() and time.monotonic() < deadline:
        time.sleep(0.02)  # options are read, the data is next
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    try:
        printed, errors = run.communicate(timeout=60)
    finally:
        run.kill()
    assert (run.returncode, printed, errors) == (130, "", "stopped: interrupted\n")


# -- data of one's own


def write_images(path, n=240, rows=4, columns=5, labels=None):
    levels = np.random.default_rng(0).integers(0, 17, (n, rows, columns))
    np.savez(path, images=levels, **({} if labels is None else {"labels": labels}))
    return str(path)


@pytest.mark.parametrize(("rows", "like"), [(16, "digits"), (17, "mnist")])  # 256 pixels, and more
def test_own_images_are_learned_by_the_recipe_of_their_size(rows, like, tmp_path, capsys):
    path = write_images(tmp_path / "mine.npz", rows=rows, columns=16)
    assert recipe_of("NADE", OwnImages(Path(path))) is RECIPES["NADE", like]
    assert main([*QUICK, "--data", path, "--out", str(tmp_path)]) == 0
    assert f"mine.npz {rows}×16, grey level ≥ 8: 160 training images, 40 validation" in capsys.readouterr().out


def test_fashion_is_learned_as_mnist_is():
    assert recipe_of("NADE", "fashion") is RECIPES["NADE", "mnist"]
    assert recipe_of("NADE", "fashion-sampled") is RECIPES["NADE", "mnist-sampled"]
    assert recipe_of("VAE", "fashion-sampled") is RECIPES["VAE", "mnist"]


@pytest.mark.parametrize("name", ["vae", "aae"])
def test_images_without_labels_do_where_none_are_needed(name, tmp_path):
    path = write_images(tmp_path / "mine.npz")
    arguments = [name, "--epochs", "1", "--hidden", "8", "--data", path, "--out", str(tmp_path)]
    assert main([*arguments, *(["--draws", "2"] if name == "vae" else [])]) == 0


@pytest.mark.parametrize(
    ("arguments", "labels", "problem"),
    [
        (["classify"], None, "labels of 2 or more classes are needed, there are 1"),
        (["aae", "--semi-supervised", "20"], None, "labels of 2 to 10 classes are needed, there are 1"),
        (["aae", "--semi-supervised", "20"], np.arange(240) % 11, "labels of 2 to 10 classes are needed, there are 11"),
        (["gan_digits"], None, "labels of 2 or more classes are needed, there are 1"),
        (["classify"], np.arange(240) == 0, "there are too few images of class 1 to cut into three parts"),
        (["pixelrnn", "--levels", "18"], None, "--levels: levels must be from 2 to the 17 that mine.npz 4×5"),
    ],
)
def test_what_the_images_do_not_allow_is_bad_use(arguments, labels, problem, tmp_path, capsys):
    path = write_images(tmp_path / "mine.npz", labels=None if labels is None else labels.astype(int))
    assert main([*arguments, "--data", path, "--out", str(tmp_path)]) == 2
    assert problem in capsys.readouterr().err


def test_classes_are_as_many_as_there_are_labels(tmp_path, capsys):
    path = write_images(tmp_path / "mine.npz", labels=np.arange(240) % 3 + 7)
    assert main(["classify", "--epochs", "1", "--hidden", "4", "--data", path, "--out", str(tmp_path)]) == 0
    assert "logistic regression" in capsys.readouterr().out


def test_a_path_that_is_not_there_is_bad_use_and_a_damaged_file_a_failed_run(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*QUICK, "--data", str(tmp_path / "none.npz")])
    assert stopped.value.code == 2
    assert "none.npz': choose digits, mnist, mnist-sampled, fashion" in capsys.readouterr().err
    damaged = Path(write_images(tmp_path / "mine.npz"))
    damaged.write_bytes(damaged.read_bytes()[:-40])
    for name in ("nade", "aae"):  # before its recipe is known, and after
        assert main([name, "--data", str(damaged), "--out", str(tmp_path / "out")]) == 1
        shown = capsys.readouterr()
        assert shown.err.startswith(
            f"stopped: {damaged} is no .npz, or a damaged one (File is not a zip file): write it"
        )
        assert (shown.err.count("\n"), shown.out) == (1, "")
