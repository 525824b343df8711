"""Failures are of their own kind, and still of Python's."""

import pickle
import re

import pytest

from minigen.errors import MOST, CheckpointError, DataError, DivergedError, MinigenError, UsageError, shown


@pytest.mark.parametrize(
    ("kind", "also"),
    [
        (UsageError, ValueError),
        (DataError, ValueError),
        (CheckpointError, ValueError),
        (DivergedError, ArithmeticError),
    ],
)
def test_every_kind_is_caught_by_its_old_name_and_by_the_common_one(kind, also):
    assert issubclass(kind, also)
    assert issubclass(kind, MinigenError)


def test_a_data_error_is_one_sentence_that_survives_a_pickle():
    error = pickle.loads(pickle.dumps(DataError("a.npz", "has no images", "add some")))
    assert str(error) == "a.npz has no images: add some"
    assert (error.file, error.problem, error.cure) == ("a.npz", "has no images", "add some")


@pytest.mark.parametrize("kind", [UsageError, CheckpointError, DivergedError, lambda text: DataError(text, text, text)])
def test_a_message_is_one_line_of_bounded_length_without_control_sequences(kind):
    """Names in a file may be long and may hold anything: an escape sequence would change the reader's terminal."""
    for text in ("\x1b[31m\r\n\udc80\u202e" * 3, "x" * 10**6, "\x00" * 10**6):
        message = str(kind(text))
        assert message.isprintable()
        assert len(message) <= 3 * MOST
        message.encode()


def test_what_is_shown_is_the_text_itself_or_its_escape_codes_or_both_ends_of_it():
    assert shown("한글 $ 8×8") == "한글 $ 8×8"
    assert shown("a\n\x1b[0m\udc80") == r"a\n\x1b[0m\udc80"
    assert shown("abcdefghij", 7) == "abc…hij"
    assert re.fullmatch(r"0, 1, .*….*, 999", shown(", ".join(map(str, range(1000))), 40))
