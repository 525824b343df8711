"""`python -m demos nade` as a user runs it."""

import csv
import os
import re
import signal
import struct
import subprocess
import sys

import numpy as np
import pytest

from autograd import Tensor
from demos import nade
from demos.__main__ import main
from demos.nade import draw_completions, nearest
from demos.printed import print_likelihoods
from minigen.data import sets as data
from minigen.model import log_probs
from minigen.nade import NADE
from minigen.table import IndependentBernoulli
from minigen.training.files import HEADER, load_weights
from minigen.training.history import History
from tests.conftest import heeding_ctrl_c
from tests.demos.drawn import check_pictures

QUICK = ["nade", "--epochs", "2", "--hidden", "8"]
FILES = ["completions.svg", "learning.svg", "metrics.csv", "samples.svg", "weights.npz"]


@pytest.mark.usefixtures("whole_pictures")
def test_it_prints_likelihoods_and_writes_everything_it_promises(tmp_path, capsys):
    assert main([*QUICK, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "digits 8×8, grey level ≥ 8, test part" in printed
    assert "independent pixels                64          25.21 ± 0.22" in printed
    assert "NADE, 8 hidden" in printed
    assert sorted(p.name for p in tmp_path.iterdir()) == FILES
    check_pictures(tmp_path)
    with open(tmp_path / "metrics.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
    load_weights(NADE(64, 8, rng=np.random.default_rng(0)), tmp_path / "weights.npz")


@pytest.mark.parametrize("order", ["raster", "random"])
def test_a_seed_repeats_exactly_and_another_does_not(order, tmp_path):
    weights = []
    for run, seed in enumerate("112"):
        out = tmp_path / str(run)
        assert main([*QUICK, "--order", order, "--seed", seed, "--out", str(out)]) == 0
        weights.append((out / "weights.npz").read_bytes() + (out / "samples.svg").read_bytes())
    assert weights[0] == weights[1] != weights[2]


def test_ctrl_c_ends_cleanly_and_keeps_what_was_trained(tmp_path):
    command = [sys.executable, "-m", "demos", "nade", "--hidden", "8", "--epochs", "100000", "--patience", "100000"]
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")  # not on Windows
    ours, terminal = os.openpty()  # where a bar is shown, and can be watched
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("4H", 24, 200, 0, 0))  # rows and columns
    command += ["--out", str(tmp_path)]
    with heeding_ctrl_c():
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, text=True)
    os.close(terminal)
    shown = ""
    while "validation" not in shown:  # the first epoch is done
        shown += os.read(ours, 1000).decode(errors="replace")
    run.send_signal(signal.SIGINT)
    try:
        printed, _ = run.communicate(timeout=60)
    finally:
        run.kill()
    shown += os.read(ours, 10_000).decode(errors="replace")
    os.close(ours)
    assert run.returncode == 0, shown
    assert re.search(r"training ended after \d+ epochs and \d+ s \(interrupted\)", printed)
    assert "Traceback" not in shown
    assert sorted(p.name for p in tmp_path.iterdir()) == FILES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "0"], "must be above 0, got 0"),
        (["--seed", "-1"], "must be at least 0, got -1"),
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
    assert options.count("(default:") == options.count("\n  --") == 20


def test_an_unknown_demo_is_named_beside_those_there_are(capsys):
    assert main(["nede"]) == 2
    printed = capsys.readouterr().err
    assert "there is no demo 'nede'" in printed
    names = """aae anomaly ar charrnn classify explore gan gan_digits independence markov nade pixelrnn ring sample
    tour truth_lab vae"""
    assert f"demos: {', '.join(names.split())}" in printed
    assert main(["--help"]) == 0


def test_a_diverging_run_ends_in_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(NADE, "nll", lambda self, x: np.sum(self.b) * np.nan)
    assert main([*QUICK, "--out", str(tmp_path)]) == 1
    assert "stopped: the loss is nan: lower the learning rate" in capsys.readouterr().err


def test_a_run_that_diverges_later_names_the_operation_and_saves_the_last_good_weights(tmp_path, capsys, monkeypatch):
    """After the first epoch the logits overflow in np.exp."""
    plain, calls = NADE.loss, []

    def loss(self, x, rng):
        calls.append(len(x))
        return plain(self, x, rng=rng) if sum(calls) <= 1197 else np.sum(np.exp(1000 * (self.b * self.b + 1)))

    monkeypatch.setattr(NADE, "loss", loss)
    with np.errstate(over="ignore"):
        assert main([*QUICK, "--out", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert "np.exp made a NaN or an infinity from finite numbers" in message
    assert message.endswith(f"; files written to {tmp_path}/: weights.npz\n")
    with np.load(tmp_path / "weights.npz") as weights:
        assert all(np.isfinite(weights[name]).all() for name in weights.files if name != HEADER)


def test_the_table_states_nats_with_their_standard_error_and_bits(capsys):
    """ln p = −2 and −4 on images of 4 pixels: 3 ± 1 nats, 3 / (4 ln 2) bits a pixel."""

    class Fixed(IndependentBernoulli):
        def log_prob(self, x):
            return Tensor(np.array([-2.0, -4.0]))

    print_likelihoods("two images", [("fixed", Fixed(4))], np.zeros((2, 4)))
    printed = " ".join(capsys.readouterr().out.split())
    assert printed == (
        "two images: exact negative log-likelihood (NLL) of an image, mean ± standard error "
        "model parameters NLL, nats/image bits/pixel fixed 4 3.00 ± 1.00 1.082"
    )


def test_the_nearest_image_is_the_one_with_fewest_different_pixels():
    among = np.array([[0.0, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
    found, differ = nearest(np.array([[1.0, 0, 1, 0], [0, 0, 0, 1]]), among)
    np.testing.assert_array_equal(found, among[[1, 0]])
    np.testing.assert_array_equal(differ, [1, 1])


def test_completions_show_and_keep_the_first_half_in_the_models_order(rng):
    digits = data.digits()
    model = NADE(64, 4, rng.permutation(64), rng=rng)
    first = model.order[:32]
    canvas = draw_completions(model, digits, rng, columns=3).axes[0].images[0].get_array()
    rows = np.ma.filled(canvas, np.nan)
    for column in range(3):
        seen, *drawn, truth = (rows[9 * row : 9 * row + 8, 9 * column : 9 * column + 8].reshape(-1) for row in range(6))
        np.testing.assert_array_equal(truth, digits.test.images[column])
        np.testing.assert_array_equal(np.flatnonzero(~np.isnan(seen)), np.sort(first))
        for image in (seen, *drawn):
            np.testing.assert_array_equal(image[first], truth[first])


def test_training_starts_from_the_single_pixels_in_the_models_order(tmp_path, capsys, monkeypatch):
    """With V = 0 and no step, NADE is the baseline, whatever its order."""
    initial = {}

    def no_training(model, *args, **options):
        model.V.data[...] = 0
        initial["nll"] = -log_probs(model, data.digits().test.images).mean()
        return History()

    monkeypatch.setattr(nade, "by_gradient", no_training)
    assert main(["nade", "--order", "random", "--hidden", "4", "--out", str(tmp_path)]) == 0
    assert initial["nll"] == pytest.approx(25.209, abs=1e-3)


def test_weights_with_a_random_order_can_be_used_alone(tmp_path):
    assert main([*QUICK, "--order", "random", "--out", str(tmp_path)]) == 0
    one, two = (NADE(64, 8, rng=np.random.default_rng(seed)) for seed in (5, 6))
    for model in (one, two):
        load_weights(model, tmp_path / "weights.npz")
    assert (one.order != np.arange(64)).any()
    images = data.digits().test.images
    np.testing.assert_array_equal(log_probs(one, images), log_probs(two, images))


def test_a_file_in_the_way_of_the_folder_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        main(["nade", "--out", str(tmp_path / "file")])
    assert "cannot be a folder" in capsys.readouterr().err
