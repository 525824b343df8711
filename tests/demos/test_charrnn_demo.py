"""`python -m demos charrnn` as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from demos import charrnn
from demos.__main__ import main
from demos.charrnn import first_word, nll_of_counts, own_source
from minigen.charrnn import CharRNN
from minigen.training.files import load_weights

ROOT = Path(__file__).parents[2]
KOREAN = ROOT / "lessons" / "ko" / "4_vae.md"
QUICK = ["charrnn", "--epochs", "2", "--hidden", "8", "--streams", "4", "--steps", "10", "--length", "20"]


@pytest.fixture
def periodic(tmp_path):
    """A file with a text of which everything follows from the last character."""
    path = tmp_path / "periodic.txt"
    path.write_text("minigen " * 200)
    return path


@pytest.mark.usefixtures("whole_pictures")
def test_it_writes_everything_it_promises(periodic, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [*QUICK, "--text", str(periodic), "--prompt", "mini", "--epochs", "30", "--learning-rate", "0.02"]
    assert main([*arguments, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "your text: 1,600 characters, 6 different characters; the last tenth is held out" in printed
    assert "-- after epoch 30, a sample:\nminigen minigen" in printed
    assert printed.count("-- after epoch") == 6
    assert sorted(p.name for p in out.iterdir()) == ["history.csv", "learning.svg", "sample.txt", "weights.npz"]
    assert (out / "sample.txt").read_text() == "minigen minigen minigen "
    assert float(printed.split("LSTM, 8 hidden")[1].split()[0]) < 0.05
    load_weights(CharRNN("123456", "lstm", 8, rng=0), out / "weights.npz")


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_seed_repeats_exactly_and_another_does_not(cell, periodic, tmp_path):
    written = []
    for run, seed in enumerate("112"):
        out = tmp_path / str(run)
        arguments = [*QUICK, "--cell", cell, "--text", str(periodic), "--prompt", "m", "--seed", seed]
        assert main([*arguments, "--out", str(out)]) == 0
        written.append((out / "weights.npz").read_bytes() + (out / "sample.txt").read_bytes())
    assert written[0] == written[1] != written[2]


# -- texts in any language


def test_a_korean_text_needs_no_option_but_its_name(tmp_path, capsys):
    """Its samples begin with its first word; the mark that Windows writes before a text is no part of it."""
    text, out = tmp_path / "text", tmp_path / "out"
    lesson = KOREAN.read_text(encoding="utf-8")
    text.write_text(lesson[lesson.index("이미지") :], encoding="utf-8-sig")
    assert main([*QUICK, "--text", str(text), "--out", str(out)]) == 0
    sample, word = (out / "sample.txt").read_text(encoding="utf-8"), first_word(text.read_text("utf-8-sig"))
    assert sample.startswith(word)
    assert any("가" <= c <= "힣" for c in word)
    assert len(sample) == len(word) + 20
    assert sample in capsys.readouterr().out


def test_a_korean_text_is_learned_on_a_korean_terminal_of_windows(tmp_path):
    """It cannot show every character of the text, and shows another in its place; the files have the text itself."""
    command = [sys.executable, "-m", "demos", *QUICK, "--epochs", "1", "--text", KOREAN, "--out", tmp_path]
    command += ["--prompt", "이미지"]
    run = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONIOENCODING": "cp949"}, capture_output=True)
    assert (run.returncode, run.stderr) == (0, b"")
    assert "이미지" in run.stdout.decode("cp949")
    assert (tmp_path / "sample.txt").read_text(encoding="utf-8").startswith("이미지")


def test_the_first_word_is_the_prompt_however_the_text_begins():
    assert first_word("\n  나는 밥을 먹는다") == "나는"
    assert first_word("國破山河在城春草木深感時花濺淚") == "國破山河在城春草木深"
    assert first_word("  \n ") == " "


def test_without_a_file_it_reads_its_own_source():
    source = own_source()
    assert '"""RNN, GRU and LSTM as layers' in source
    assert "def unbroadcast(" in source
    assert charrnn.OWN_PROMPT in source


# -- baselines


def test_the_baselines_are_the_smoothed_frequencies():
    """Of "ababababab…" pairs are known but for the imagined counts, and single characters cost ln 2."""
    train, held_out = np.split(np.arange(1000) % 2, [900])
    n = len(train) - 1
    assert nll_of_counts(train, held_out, 2, 0) == pytest.approx(np.log(2), abs=1e-3)
    assert nll_of_counts(train, held_out, 2, 1) == pytest.approx(-np.log((n / 2 + 1) / (n / 2 + 2)), rel=0.01)


@pytest.mark.parametrize("order", [0, 1])
def test_the_baselines_sum_to_one_over_the_next_character(order, rng):
    """Also after characters that the training text has not, or not before another."""
    train = rng.integers(0, 4, 50)
    for before in range(6):
        p = [np.exp(-nll_of_counts(train, np.array([before, c]), 6, order)) for c in range(6)]
        assert sum(p) == pytest.approx(1, rel=1e-12)


# -- what is refused, and what is not


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--streams", "500"], "a text for 500 streams has at least 5010 characters, got 1600"),
        (["--prompt", "xy"], "the text has no 'x', 'y': give a --prompt of characters that it has"),
        (["--temperature", "0"], "must be above 0, got 0"),
        (["--cell", "cnn"], "invalid choice: 'cnn'"),
    ],
)
def test_bad_options_are_refused_with_what_would_do(arguments, message, periodic, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*QUICK, "--text", str(periodic), "--out", str(tmp_path / "out"), *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_no_text_is_refused(tmp_path, capsys):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "cp949").write_bytes("나는 밥을 먹는다".encode("cp949"))
    for name in ("binary", "cp949", "nowhere", "/dev/zero"):
        with pytest.raises(SystemExit) as stopped:
            main([*QUICK, "--text", str(tmp_path / name), "--out", str(tmp_path / "out")])
        assert stopped.value.code == 2
        said = capsys.readouterr().err
        assert "cannot be read as UTF-8 text" in said
        assert ("save it again, as UTF-8" in said) == (name in ("binary", "cp949"))


def test_the_shortest_text_that_is_taken_suffices(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("minigen " * 6 + "mi")
    assert main([*QUICK, "--text", str(path), "--out", str(tmp_path)]) == 0


def test_ctrl_c_in_the_first_epoch_ends_training_and_everything_is_written(periodic, tmp_path, capsys, monkeypatch):
    def interrupted(self, batch, rng):
        raise KeyboardInterrupt

    monkeypatch.setattr(charrnn.Reading, "moves", interrupted)
    out = tmp_path / "out"
    assert main([*QUICK, "--text", str(periodic), "--out", str(out)]) == 0
    assert "training ended after 0 epochs and 0 s (interrupted)" in capsys.readouterr().out
    assert sorted(p.name for p in out.iterdir()) == ["history.csv", "learning.svg", "sample.txt", "weights.npz"]


def test_another_text_is_not_the_run_that_is_resumed(periodic, tmp_path, capsys):
    """Even one of the same pattern of characters; another prompt and length are, and so is a moved file."""
    kept = [*QUICK, "--out", str(tmp_path / "out"), "--checkpoint", str(tmp_path / "kept")]
    assert main([*kept, "--text", str(periodic)]) == 0
    moved = periodic.rename(tmp_path / "moved.txt")
    assert main([*kept, "--text", str(moved), "--resume", "--prompt", "n", "--length", "5"]) == 0
    moved.write_text("njojhfo " * 200)
    assert main([*kept, "--text", str(moved), "--resume"]) == 1
    assert "is of another run, text was " in capsys.readouterr().err


def test_help_explains_every_option_and_its_default(capsys):
    with pytest.raises(SystemExit):
        main(["charrnn", "--help"])
    options = capsys.readouterr().out.split("options:")[1]
    assert options.count("(default:") == options.count("\n  --") == 17
