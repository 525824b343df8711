"""`--checkpoint` and `--resume` of the demos, as a user runs them."""

import csv
import re

import numpy as np
import pytest

from demos.__main__ import main
from minigen import plot
from minigen.training.files import write
from minigen.training.resume import Checkpoints
from tests.attacks.kills import DEMOS, own_images, quicken, source


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    quicken(monkeypatch.setattr)
    monkeypatch.setattr(plot, "save", lambda figure, path: None)
    monkeypatch.setattr(plot, "animate", lambda path, draw, *_: write(path, draw.__self__.state()))


def rows(path):
    with open(path, newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


class Killed(BaseException):
    """Nothing that a demo catches."""


@pytest.mark.parametrize(("demo", "how"), [("nade", KeyboardInterrupt), *((demo, Killed) for demo in DEMOS)])
def test_the_same_command_with_resume_ends_as_if_it_had_never_been_stopped(demo, how, tmp_path, monkeypatch, capsys):
    """Its weights, its history, and its animation, which begins before the training was stopped. One's own images."""
    command = [demo, *DEMOS[demo], "--epochs", "3", *source(demo, tmp_path)]
    assert main([*command, "--out", str(tmp_path / "whole")]) == 0
    command += ["--out", str(tmp_path / "ours"), "--checkpoint", str(tmp_path / "kept")]
    with monkeypatch.context() as patch:
        save = Checkpoints.save

        def interrupted(self, run, epoch):
            save(self, run, epoch)
            if epoch == 2:
                raise how

        patch.setattr(Checkpoints, "save", interrupted)
        if how is Killed:
            with pytest.raises(Killed):
                main(command)
        else:  # it goes on with what it has
            assert main(command) == 0
            assert re.search(r"ended after 2 epochs and \d+ s \(interrupted\)", capsys.readouterr().out)
    assert main([*command, "--resume"]) == 0
    kept = tmp_path / "kept" / ("minimax" if demo == "ring" else "")
    assert f"continues from checkpoint {kept / 'epoch-000002.checkpoint'}" in capsys.readouterr().out
    whole = sorted((tmp_path / "whole").iterdir())
    assert len(whole) == {"ring": 10, "nade": 2, "pixelrnn": 2, "vae": 3, "charrnn": 3}.get(demo, 4)
    for theirs in whole:
        ours = tmp_path / "ours" / theirs.name
        same = rows(ours) == rows(theirs) if theirs.suffix == ".csv" else ours.read_bytes() == theirs.read_bytes()
        assert same, theirs.name


def test_other_options_are_refused_in_one_sentence_and_harmless_ones_are_not(tmp_path, capsys):
    command = ["nade", "--epochs", "1", "--hidden", "8", "--checkpoint", str(tmp_path / "kept"), "--out", str(tmp_path)]
    assert main(command) == 0
    capsys.readouterr()
    for options, words in {
        (): "holds checkpoints already: resume, or name another folder",
        ("--resume", "--hidden", "9"): "is of another run, hidden was 8 and is 9",
        ("--resume", "--seed", "1"): "is of another run, seed was 0 and is 1",
        ("--resume", "--threshold", "9"): "is of another run, threshold was 8 and is 9",
        ("--resume", "--epochs", "2"): "epochs of a falling learning rate was 1 and is 2",
    }.items():
        assert main([*command, *options]) == 1
        error = capsys.readouterr().err
        assert words in error
        assert "Traceback" not in error
    assert main([*command, "--resume", "--patience", "7"]) == 0


def test_ones_own_images_are_known_by_their_contents(tmp_path, capsys):
    """Moved, they are the same; other pixels or labels are refused by name."""
    quick = ["nade", "--epochs", "1", "--hidden", "8", "--out", str(tmp_path), "--checkpoint", str(tmp_path / "kept")]
    assert main([*quick, "--data", str(own_images(tmp_path / "own.npz"))]) == 0
    moved = (tmp_path / "own.npz").rename(tmp_path / "moved.npz")
    assert main([*quick, "--resume", "--data", str(moved)]) == 0
    found = dict(np.load(moved))
    for name, words in (("images", "data was"), ("labels", "labels of data was")):
        np.savez(moved, **found | {name: found[name][::-1]})
        capsys.readouterr()
        assert main([*quick, "--resume", "--data", str(moved)]) == 1
        error = capsys.readouterr().err
        assert f"is of another run, {words} " in error
        assert "SHA-256" in error


def test_what_cannot_be_resumed_is_said_before_anything_is_trained(tmp_path, capsys):
    quick = ["nade", "--epochs", "1", "--hidden", "8", "--out", str(tmp_path / "out")]
    assert main([*quick, "--checkpoint", str(tmp_path), "--resume"]) == 0
    assert f"the folder {tmp_path} has no checkpoint: the training starts at epoch 1" in capsys.readouterr().out
    assert main(["nade", "--resume", "--out", str(tmp_path)]) == 2
    assert (
        "--resume continues from a folder of checkpoints: name the folder with --checkpoint" in capsys.readouterr().err
    )
    with pytest.raises(SystemExit):
        main(["pixelrnn", "--variant", "all", "--checkpoint", str(tmp_path), "--out", str(tmp_path)])
    assert "--checkpoint is for one model: choose a --variant" in capsys.readouterr().err
