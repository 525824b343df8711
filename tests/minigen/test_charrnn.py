"""The characters of a text, a density over texts, and the steps of truncated back-propagation through time."""

import itertools

import numpy as np
import pytest
from scipy.stats import chi2

from autograd import no_grad
from minigen.charrnn import CELLS, CharRNN, TruncatedBPTT, streams
from minigen.distributions import Categorical
from minigen.errors import CheckpointError, DivergedError
from minigen.nn.rnn import detached
from minigen.training.files import load_weights, save_weights
from minigen.training.loop import fit
from minigen.training.optim import Adam
from tests.minigen.enumeration import chi_square
from tests.minigen.models import randomised

every_cell = pytest.mark.parametrize("cell", CELLS)


def made(cell, alphabet, rng, H=6, layers=2):
    return randomised(CharRNN(alphabet, cell, H, layers, rng=rng), rng)


# -- characters


def test_a_text_is_its_codes_whatever_its_script():
    text = "나는 밥 먹는다, naïve 𝄞"
    model = CharRNN(text, H=2, rng=0)
    codes = model.codes(text)
    assert model.V == len(set(text)) == codes.max() + 1
    assert model.decode(codes) == text
    assert sorted(text)[0] == model.decode([0])
    assert model.decode(model.codes("")) == ""


def test_characters_that_the_alphabet_lacks_are_named():
    model = CharRNN("가나 다", H=2, rng=0)
    for text in ("라가z", "zz라"):
        with pytest.raises(ValueError, match="the alphabet has no 'z', '라'"):
            model.codes(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alphabet": ""}, "the alphabet is empty"),
        ({"cell": "cnn"}, "cell must be one of rnn, gru, lstm, got 'cnn'"),
        ({"H": 0}, "H must be a whole number of at least 1"),
        ({"layers": 1.5}, "layers must be a whole number of at least 1"),
    ],
)
def test_a_model_that_means_nothing_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CharRNN(**{"alphabet": "ab", "H": 2, "rng": 0} | arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt": ""}, "the prompt is empty"),
        ({"prompt": "x"}, "the alphabet has no 'x'"),
        ({"temperature": 0}, "temperature must be above 0, got 0"),
        ({"temperature": np.nan}, "temperature must be above 0, got nan"),
    ],
)
def test_a_text_that_cannot_be_written_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CharRNN("ab", H=2, rng=0).write(**{"prompt": "a", "count": 3} | arguments)


# -- the density


@every_cell
def test_r5_the_probabilities_of_all_texts_sum_to_one(cell, rng):
    """R-5: Σ p(c₁ … c₃ | prompt) = 1 over the texts of three characters.

    Planted: the network reads the characters that it is to predict.
    """
    model = made(cell, "abcd", rng)
    texts = np.array(list(itertools.product(range(4), repeat=3))).T
    whole = np.concatenate([np.full((1, 64), 2), texts])
    log_p, _ = model.log_prob(whole[:-1], whole[1:])
    assert np.exp(log_p.data.sum(axis=0)).sum() == pytest.approx(1, rel=1e-12)


@every_cell
def test_r6_writing_reads_every_character_with_the_state_that_scoring_has(cell, rng):
    """R-6: the logits after a whole text at once are those after its characters one by one.

    Planted: every call begins with a state of zeros.
    """
    model, text = made(cell, "abcde", rng), rng.integers(0, 5, (12, 1))
    whole, _ = model.logits(text)
    state = None
    for t in range(12):
        logits, state = model.logits(text[t : t + 1], state)
        np.testing.assert_allclose(logits.data[0], whole.data[t], rtol=1e-12)


def test_r6_written_texts_have_the_probabilities_of_scoring(rng):
    """R-6: χ² of two written characters after a prompt against the model's own probabilities, at a temperature.

    Planted: the first written character follows the first of the prompt; the second forgets the state.
    """
    model, temperature, n = made("gru", "abc", rng), 2.0, 600
    draws = np.array([model.codes(model.write("ba", 2, temperature, rng=rng)) for _ in range(n)])
    np.testing.assert_array_equal(draws[:, :2], [[1, 0]] * n)
    log_p = np.empty((3, 3))
    with no_grad():
        for c in range(3):
            logits, _ = model.logits(np.array([[1], [0], [c]]))
            each = Categorical(logits.data[:, 0] / temperature)
            log_p[c] = each.log_prob(np.array([0, c, 0]))[1] + np.log(each.probs[2])
    observed = np.bincount(draws[:, 2] * 3 + draws[:, 3], minlength=9)
    assert chi_square(observed, n * np.exp(log_p).ravel()) < chi2.ppf(0.999, df=8)
    assert chi_square(observed, np.full(9, n / 9)) > chi2.ppf(0.999, df=8)


def test_near_temperature_0_the_most_probable_character_is_written(rng):
    model = made("lstm", "abcde", rng)
    written = model.codes(model.write("c", 20, 1e-9, rng=rng))
    logits, _ = model.logits(written[:-1, None])
    np.testing.assert_array_equal(logits.data[:, 0].argmax(axis=1), written[1:])


def test_a_seed_writes_one_text():
    model = CharRNN("abc", H=4, rng=0)
    assert model.write("a", 30, rng=1) == model.write("a", 30, rng=1) != model.write("a", 30, rng=2)


def test_the_likelihood_of_a_text_is_that_of_its_streams_read_whole(rng):
    """However many characters are read at a time."""
    model, codes = made("gru", "abcde", rng), rng.integers(0, 5, 83)
    model.block = 7
    now, following = streams(codes, 2)
    nll = model.nll_per_stream(now, following)
    for k in range(2):
        part = codes[41 * k : 41 * k + 42]
        log_p, _ = model.log_prob(part[:-1, None], part[1:, None])
        assert nll[k] == pytest.approx(-log_p.data.mean(), rel=1e-12)
    assert model.validation_loss((now, following)) == pytest.approx(nll.mean(), rel=1e-12)


def test_streams_cover_the_text_once_and_each_goes_on_with_the_next_character():
    now, following = streams(np.arange(103), 4)
    np.testing.assert_array_equal(now.T.reshape(-1), np.arange(100))
    np.testing.assert_array_equal(following, now + 1)
    assert streams(np.arange(5), 4)[0].shape == (1, 4)
    with pytest.raises(ValueError, match="a text for 5 streams has at least 6 characters, got 5"):
        streams(np.arange(5), 5)


# -- training


@every_cell
def test_a_step_goes_on_from_the_state_of_the_step_before_as_a_constant(cell, rng):
    """R-1: its gradient is that of the piece alone, from the detached state; an epoch starts with a state of zeros.

    Planted: every piece begins with a state of zeros.
    """
    model, codes = made(cell, "abcde", rng), rng.integers(0, 5, 61)
    now, following = streams(codes, 3)
    step, found = TruncatedBPTT(model, Adam(model, 0.0)), []
    for epoch in (1, 2):
        step.start(epoch)
        for t in (0, 10):
            loss = step((now[t : t + 10], following[t : t + 10]), rng)
            found.append((loss, model.flat_grad.copy()))
    state = None
    for t, (loss, gradient) in zip((0, 10), found, strict=False):
        log_p, state = model.log_prob(now[t : t + 10], following[t : t + 10], state)
        expected = -np.mean(log_p)
        model.zero_grad()
        expected.backward()
        norm = np.sqrt(np.dot(model.flat_grad, model.flat_grad))
        assert loss == pytest.approx(expected.item(), rel=1e-12)
        np.testing.assert_allclose(gradient, model.flat_grad * min(1, 1 / norm), rtol=1e-9, atol=1e-12)
        state = detached(state)
    for (loss, gradient), (again, same) in zip(found[:2], found[2:], strict=True):
        assert loss == again
        np.testing.assert_array_equal(gradient, same)


def test_fit_reads_a_text_piece_after_piece_and_learns_it():
    """R-1: "abcabc…" has one next character each time.

    Planted: the next characters are the characters themselves.
    """
    model = CharRNN("abc", "rnn", 8, rng=0)
    text = streams(model.codes("abc" * 100), 4)
    step = TruncatedBPTT(model, Adam(model, 0.02))
    history = fit(model, step, text, text, rng=0, epochs=12, batch_size=10, keep_best=False, shuffle=False,
                  before_epoch=step.start, progress=False)  # fmt: skip
    assert history.epochs[0].train_loss > 0.9  # ln 3 is 1.1
    assert history.epochs[-1].validation_loss < 0.05
    assert model.write("b", 6, 0.1, rng=0) == "bcabcab"


def test_a_loss_that_is_not_finite_leaves_the_weights(rng):
    model = made("rnn", "ab", rng)
    before = model.flat.copy()
    before[-1] = model.flat[-1] = np.inf
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match="lower the learning rate"):
        TruncatedBPTT(model, Adam(model))((np.zeros((2, 1), int),) * 2, rng)
    np.testing.assert_array_equal(model.flat, before)


# -- files


def test_a_file_of_weights_alone_brings_the_alphabet(tmp_path):
    """A model of any V characters becomes the saved one."""
    model = CharRNN("하늘과 바람과 별과 시", "gru", 5, 2, rng=0)
    save_weights(model, tmp_path / "w.npz")
    other = CharRNN(map(chr, range(model.V)), "gru", 5, 2, rng=1)
    load_weights(other, tmp_path / "w.npz")
    assert other.write("하늘", 20, rng=3) == model.write("하늘", 20, rng=3)


@pytest.mark.parametrize("points", [[98, 97], [97, 97], [-1, 97], [97, 0x110000], [0xD800, 0xE000]])
def test_an_alphabet_of_a_file_that_is_none_is_refused(points, tmp_path):
    model = CharRNN("ab", H=2, rng=0)
    model.alphabet[...] = points
    save_weights(model, tmp_path / "w.npz")
    with pytest.raises(CheckpointError, match="an array alphabet that is not characters in ascending order"):
        load_weights(CharRNN("ab", H=2, rng=0), tmp_path / "w.npz")
