"""How a run ends: its exit code, one sentence on stderr, and nothing but results on stdout."""

import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentTypeError
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demos import nade, recipes
from demos.__main__ import main
from demos.common import OwnImages, about, data_of
from demos.recipes import RECIPES, recipe_of
from minigen import plot
from minigen.data.sets import own, sixths
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


def test_ctrl_c_before_training_is_130(tmp_path):
    """While it reads its data, which here takes very long."""
    code = (
        "import sys, time; from demos.__main__ import main; from minigen.data import sets;"
        "sets.digits = lambda *_: time.sleep(60); sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, *QUICK, "--out", str(tmp_path / "out")]
    with heeding_ctrl_c():
        run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
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


def test_images_of_mixed_sizes_are_learned_with_resize_alone(tmp_path, capsys):
    """Whatever the order of the options; the checkpoint knows the images, not how they came to their size."""
    rng = np.random.default_rng(0)
    (mine := tmp_path / "mine").mkdir()
    for k in range(240):
        Image.fromarray(rng.integers(0, 256, rng.integers(5, 20, 2)).astype(np.uint8)).save(mine / f"{k}.png")
    quick = [*QUICK, "--out", str(tmp_path / "out"), "--checkpoint", str(tmp_path / "kept")]
    assert main([*quick, "--data", str(mine)]) == 1
    assert "as the first: bring all to one size, by --resize N" in capsys.readouterr().err
    assert main(["nade", "--resize", "4", *quick[1:], "--data", str(mine)]) == 0
    assert " 4×4, resized, grey level ≥ " in capsys.readouterr().out
    levels = own(mine, resize=4)
    parts = [levels.train, levels.validation, levels.test]
    whole = np.empty((240, 4, 4), np.uint8)
    for rows, part in zip(sixths(np.arange(240)), parts, strict=True):
        whole[rows] = part.levels.reshape(-1, 4, 4)
    np.savez(tmp_path / "same.npz", images=whole)
    assert main([*quick, "--data", str(tmp_path / "same.npz"), "--resume"]) == 0
    assert main([*quick, "--data", str(mine), "--resize", "5", "--resume"]) == 1
    assert "is of another run, data was" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--resize", "8"], "--resize is for your own images: name them by --data PATH"),
        (["--data", "mnist", "--resize", "8"], "--resize is for your own images"),
        (["--data", ".", "--resize", "1"], "must be at least 2, got 1"),
        (["--data", ".", "--resize", "1025"], "must be at most 1,024, got 1025"),
    ],
)
def test_a_size_that_means_nothing_is_bad_use(words, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*QUICK, *words, "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["vae", "aae"])
def test_images_without_labels_do_where_none_are_needed(name, tmp_path):
    path = write_images(tmp_path / "mine.npz")
    arguments = [name, "--epochs", "1", "--hidden", "8", "--data", path, "--out", str(tmp_path)]
    assert main([*arguments, *(["--draws", "2"] if name == "vae" else [])]) == 0


@pytest.mark.parametrize(
    ("arguments", "labels", "problem"),
    [
        (
            ["classify"],
            None,
            "labels are needed, and the images have no labels, or one label for all of them; labels are",
        ),
        (["aae", "--semi-supervised", "20"], None, "labels are needed, and the images have no labels"),
        (["aae", "--prior", "roll", "--labels", "all"], None, "labels are needed, and the images have no labels"),
        (
            ["aae", "--semi-supervised", "20"],
            np.arange(240) % 11,
            "labels of 2 to 10 classes can be used, there are 11",
        ),
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


def test_a_folder_of_files_without_their_data_set_is_bad_use(tmp_path, capsys):
    """Without a word, the digits would be learned."""
    own = write_images(tmp_path / "mine.npz")
    for data in ([], ["--data", own]):
        assert main([*QUICK, *data, "--data-folder", str(tmp_path), "--out", str(tmp_path)]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err == (
            "stopped: --data-folder holds the files of --data mnist, fashion, mnist-sampled or fashion-sampled: name "
            "one of these by --data, or give a folder of your own images as --data FOLDER\n"
        )


def test_a_path_that_is_named_as_a_data_set_is_mentioned(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert data_of("digits") == "digits"
    assert capsys.readouterr().err == ""
    (tmp_path / "digits").mkdir()
    assert data_of("digits") == "digits"
    assert capsys.readouterr().err == "digits is the data set of this name; the path here is ./digits\n"
    assert data_of("./digits") == OwnImages(Path("digits"))
    for text in ("x" * 5000, "\x1b[31m"):
        with pytest.raises(ArgumentTypeError) as refused:
            data_of(text)
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 400


@pytest.mark.parametrize("text", ["x" * 10**6, "7" * 10**6, "\x1b[31m\n" * 10**5], ids=["text", "digits", "codes"])
def test_what_is_said_of_a_command_line_is_bounded(text, tmp_path, capsys):
    """Whoever pastes a megabyte by mistake sees what is wrong with it."""
    where = ["--out", str(tmp_path)]
    for words in ([text], ["nade", "--epochs", text], ["nade", text], ["nade", f"--{text}"], ["nade", "--out", text],
                  ["ar", "--seed", "-1" + text], ["explore", "--model", text], ["nade", "--data", text],
                  ["explore", *where, "--weights", text], ["nade", *where, "--checkpoint", text]):  # fmt: skip
        try:
            code = main(words)
        except SystemExit as ended:
            code = ended.code
        assert code in (1, 2)
        said = capsys.readouterr().err
        assert len(said) < 4000  # most of it is the usage
        assert "\x1b" not in said


def test_a_size_that_no_computer_has_memory_for_is_bad_use(capsys):
    for option in ("--hidden", "--batch-size", "--epochs"):
        with pytest.raises(SystemExit):
            main(["nade", option, "1" + "0" * 18])
        assert f"argument {option}: must be at most 1,000,000,000, got 1000000" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["vae", "--layers", "1001"])
    assert "argument --layers: must be at most 1,000, got 1001" in capsys.readouterr().err


def test_batches_that_are_too_small_for_the_discriminator_steps_are_bad_use(tmp_path, capsys, monkeypatch):
    """241 images in batches of at most 2 are 120 of two, and one of one."""
    monkeypatch.setitem(recipes.JUDGE_EPOCHS, "few", 1)
    path = write_images(tmp_path / "mine.npz", n=241, labels=np.arange(241) % 2)
    steps = ["gan_digits", "--epochs", "1", "--batch-size", "1", "--discriminator-steps", "2"]
    assert main([*steps, "--data", path, "--out", str(tmp_path)]) == 2
    assert "161 training images are cut into batches, some of 1, too few for 2 disc" in capsys.readouterr().err


def test_python_without_docstrings_says_as_much():
    """python -OO removes them; the texts of --list and --help are read from the sources."""
    for words in (["--list"], ["charrnn", "--help"]):
        commands = [[sys.executable, *flags, "-m", "demos", *words] for flags in ([], ["-OO"])]
        plain, bare = (subprocess.run(c, cwd=ROOT, capture_output=True, check=True).stdout for c in commands)
        assert bare == plain
        assert b"recurrent network learns" in bare
    assert about("tour").startswith("The whole lecture as one page: run the demo of every section")


def test_classes_have_their_names_in_what_is_printed_and_drawn(tmp_path, capsys, monkeypatch):
    """And a $ in a name begins no formula."""
    drawn = {}
    monkeypatch.setattr(plot, "save", lambda figure, path: drawn.update({Path(path).name: figure}))
    folder = tmp_path / r"$\foo$"
    for k, image in enumerate(np.random.default_rng(0).integers(0, 256, (240, 4, 4)).astype(np.uint8)):
        file = folder / ("$a$", "cat")[k % 2] / f"{k}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    words = ["--epochs", "1", "--hidden", "4", "--data", str(folder), "--out", str(tmp_path)]
    assert main(["classify", *words]) == 0
    confusion, mistakes = (drawn[f"{name}.svg"].axes[0] for name in ("confusion", "mistakes"))
    assert [label.get_text() for label in confusion.get_xticklabels()] == [r"\$a\$", "cat"]
    assert {label.get_text() for label in mistakes.get_xticklabels()} <= {r"\$a\$ → cat", r"cat → \$a\$"}
    monkeypatch.setitem(recipes.JUDGE_EPOCHS, "few", 1)
    assert main(["gan_digits", *words, "--samples", "50"]) == 0
    assert "number of samples of each class $a$, cat: " in capsys.readouterr().out
    shares = drawn["learning.svg"].axes[2]
    assert [label.get_text() for label in shares.get_xticklabels()] == [r"\$a\$", "cat"]
    for figure in drawn.values():
        figure.canvas.draw()
