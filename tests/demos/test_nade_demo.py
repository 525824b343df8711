"""`python -m demos nade` as a user runs it."""

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from demos.__main__ import main
from minigen.checkpoint import load_weights
from minigen.nade import NADE

QUICK = ["nade", "--epochs", "2", "--hidden", "8"]
FILES = ["completions.png", "learning.png", "metrics.csv", "samples.png", "weights.npz"]


def test_it_prints_likelihoods_and_writes_everything_it_promises(tmp_path, capsys):
    assert main([*QUICK, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "digits 8×8, grey level ≥ 8, test part" in printed
    assert "independent pixels                64          25.21 ± 0.22" in printed
    assert "NADE, 8 hidden" in printed
    assert sorted(p.name for p in tmp_path.iterdir()) == FILES
    for picture in tmp_path.glob("*.png"):
        assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with open(tmp_path / "metrics.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
    load_weights(NADE(64, 8, np.random.default_rng(0)), tmp_path / "weights.npz")


@pytest.mark.parametrize("order", ["raster", "random"])
def test_a_seed_repeats_exactly_and_another_does_not(order, tmp_path):
    weights = []
    for run, seed in enumerate("112"):
        out = tmp_path / str(run)
        assert main([*QUICK, "--order", order, "--seed", seed, "--out", str(out)]) == 0
        weights.append((out / "weights.npz").read_bytes() + (out / "samples.png").read_bytes())
    assert weights[0] == weights[1] != weights[2]


def test_ctrl_c_ends_cleanly_and_keeps_what_was_trained(tmp_path):
    command = [sys.executable, "-m", "demos", "nade", "--hidden", "8", "--epochs", "100000", "--patience", "100000"]
    run = subprocess.Popen(
        [*command, "--out", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=0
    )
    assert run.stderr is not None
    shown = ""
    deadline = time.monotonic() + 60
    while "validation" not in shown and time.monotonic() < deadline:  # the first epoch is done
        shown += os.read(run.stderr.fileno(), 1000).decode(errors="replace")
    run.send_signal(signal.SIGINT)
    printed, errors = run.communicate(timeout=60)
    assert run.returncode == 0, errors
    assert "interrupted after" in printed
    assert "Traceback" not in errors
    assert sorted(p.name for p in tmp_path.iterdir()) == FILES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "0"], "must be above 0, got 0"),
        (["--weight-decay", "-1"], "must be at least 0, got -1"),
        (["--threshold", "17"], "invalid choice: 17"),
        (["--epochs", "many"], "invalid int value: 'many'"),
        (["--order", "spiral"], "invalid choice: 'spiral'"),
    ],
)
def test_bad_options_are_refused_with_their_bounds(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["nade", *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_help_explains_every_option_and_its_default(capsys):
    with pytest.raises(SystemExit):
        main(["nade", "--help"])
    options = capsys.readouterr().out.split("options:")[1]
    assert options.count("(default:") == options.count("\n  --") == 11


def test_an_unknown_demo_is_named_beside_those_there_are(capsys):
    assert main(["nede"]) == 2
    printed = capsys.readouterr().err
    assert "there is no demo 'nede'" in printed
    assert "demos: nade" in printed
    assert main([]) == 0


def test_a_diverging_run_ends_in_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(NADE, "nll", lambda self, x: np.float32(np.nan))
    assert main([*QUICK, "--out", str(tmp_path)]) == 1
    assert "stopped: the loss is nan: lower the learning rate" in capsys.readouterr().err
