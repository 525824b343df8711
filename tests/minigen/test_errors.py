"""Failures are of their own kind, and still of Python's."""

import pickle

import pytest

from minigen.errors import CheckpointError, DataError, DivergedError, MinigenError, UsageError


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
