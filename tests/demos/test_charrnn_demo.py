"""`python -m demos charrnn` as a user runs it."""

import sys

import numpy as np
import pytest

from demos import charrnn
from demos.__main__ import main
from demos.charrnn import CharRNN, Text, nll_of_counts, nll_per_stream, own_source, streams
from minigen.distributions import Categorical
from minigen.training.files import load_weights
from minigen.training.optim import Adam

QUICK = ["charrnn", "--epochs", "2", "--hidden", "8", "--streams", "4", "--steps", "10", "--length", "20"]


@pytest.fixture
def periodic(tmp_path):
    """A file with a text of which everything follows from the last character."""
    path = tmp_path / "periodic.txt"
    path.write_text("minigen " * 200)
    return path


def test_it_writes_everything_it_promises(periodic, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [*QUICK, "--text", str(periodic), "--prompt", "mini", "--epochs", "30", "--learning-rate", "0.02"]
    assert main([*arguments, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "your text: 1,600 characters, 6 different characters; the last tenth is held out" in printed
    assert sorted(p.name for p in out.iterdir()) == ["learning.png", "sample.txt", "weights.npz"]
    assert (out / "sample.txt").read_text() == "minigen minigen minigen "
    assert float(printed.split("LSTM, 8 hidden")[1].split()[0]) < 0.05
    load_weights(CharRNN("lstm", 6, 8, 1, np.random.default_rng(0)), out / "weights.npz")


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_seed_repeats_exactly_and_another_does_not(cell, periodic, tmp_path):
    written = []
    for run, seed in enumerate("112"):
        out = tmp_path / str(run)
        arguments = [*QUICK, "--cell", cell, "--text", str(periodic), "--prompt", "m", "--seed", seed]
        assert main([*arguments, "--out", str(out)]) == 0
        written.append((out / "weights.npz").read_bytes() + (out / "sample.txt").read_bytes())
    assert written[0] == written[1] != written[2]


def test_the_learning_rate_falls_to_zero_whether_the_progress_bar_is_visible_or_not(periodic, tmp_path, monkeypatch):
    """A bar that is not visible counts nothing, and the learning rate must not depend on it."""

    class Watched(Adam):
        def step(self):
            rates.append(self.learning_rate)
            super().step()

    monkeypatch.setattr(charrnn, "Adam", Watched)
    for visible in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda visible=visible: visible)
        rates = []
        assert main([*QUICK, "--text", str(periodic), "--prompt", "m", "--out", str(tmp_path / str(visible))]) == 0
        np.testing.assert_allclose(rates, np.linspace(0.008, 0, len(rates), endpoint=False))
    assert len(rates) > 10


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_writing_reads_every_character_with_the_state_that_scoring_has(cell, rng):
    """The logits after a whole text at once are those after its characters one by one."""
    model, text = CharRNN(cell, 5, 6, 2, rng), rng.integers(0, 5, (12, 1))
    whole, _ = model.logits(text, None)
    state = None
    for t in range(12):
        logits, state = model.logits(text[t : t + 1], state)
        np.testing.assert_allclose(logits.data[0], whole.data[t], rtol=1e-4, atol=1e-5)


def test_streams_cover_the_text_once_and_each_goes_on_where_it_stopped():
    codes = np.arange(103)
    parts = streams(codes, count=4, steps=10)
    now, following = (np.concatenate(side) for side in zip(*parts, strict=True))
    np.testing.assert_array_equal(now.T.reshape(-1), np.arange(100))
    np.testing.assert_array_equal(following, now + 1)
    assert [len(n) for n, _ in parts] == [10, 10, 5]


def test_the_likelihood_of_a_text_is_that_of_its_streams_read_whole(rng):
    """However many characters are read at a time; and it is the mean of −ln p over characters."""
    model, codes = CharRNN("gru", 5, 6, 1, rng), rng.integers(0, 5, 81)
    nll = nll_per_stream(model, codes, 2, 7)
    for k in range(2):
        part = codes[40 * k : 40 * k + 41]
        logits, _ = model.logits(part[:-1, None], None)
        expected = -Categorical(logits.data[:, 0]).log_prob(part[1:]).mean()
        assert nll[k] == pytest.approx(expected, rel=1e-5)


def test_the_baselines_are_the_smoothed_frequencies():
    """Of "ababababab…" pairs are known but for the imagined counts, and single characters cost ln 2."""
    text = Text.of("ab" * 500)
    n = len(text.train) - 1
    assert nll_of_counts(text, 0) == pytest.approx(np.log(2), abs=1e-3)
    assert nll_of_counts(text, 1) == pytest.approx(-np.log((n / 2 + 1) / (n / 2 + 2)), rel=0.01)


def test_without_a_file_it_reads_its_own_source():
    source = own_source()
    assert '"""RNN, GRU and LSTM as layers' in source
    assert "def unbroadcast(" in source


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--streams", "500"], "a text for 500 streams has at least 5010 characters, got 1600"),
        (["--prompt", "xy"], "the text has no 'x', 'y': give a --prompt of characters that it has"),
        ([], "the text has no 'd', 'f': give a --prompt of characters that it has"),
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
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for name in (binary, tmp_path / "nowhere", "/dev/zero"):
        with pytest.raises(SystemExit) as stopped:
            main([*QUICK, "--text", str(name), "--out", str(tmp_path / "out")])
        assert stopped.value.code == 2
        assert "cannot be read as UTF-8 text" in capsys.readouterr().err


def test_the_shortest_text_that_is_taken_suffices(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("minigen " * 6 + "mi")
    assert main([*QUICK, "--text", str(path), "--prompt", "m", "--out", str(tmp_path)]) == 0


def test_ctrl_c_in_the_first_epoch_ends_training_and_everything_is_written(periodic, tmp_path, capsys, monkeypatch):
    def interrupted(module, max_norm):
        raise KeyboardInterrupt

    monkeypatch.setattr(charrnn, "clip_grad_norm", interrupted)
    out = tmp_path / "out"
    assert main([*QUICK, "--text", str(periodic), "--prompt", "m", "--out", str(out)]) == 0
    assert "interrupted" in capsys.readouterr().out
    assert sorted(p.name for p in out.iterdir()) == ["learning.png", "sample.txt", "weights.npz"]


def test_help_explains_every_option_and_its_default(capsys):
    with pytest.raises(SystemExit):
        main(["charrnn", "--help"])
    options = capsys.readouterr().out.split("options:")[1]
    assert options.count("(default:") == options.count("\n  --") == 15
