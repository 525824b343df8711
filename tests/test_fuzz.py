"""A few of the damaged files of `python -m tests.attacks.fuzz`."""

import pytest

from tests.attacks.fuzz import MEMORY, READERS, SECONDS, fuzz


@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_file_is_read_or_refused_and_nothing_else_happens(kind, tmp_path):
    outcomes, slowest, hungriest = fuzz(kind, 300, 1, tmp_path)
    assert outcomes.total() == 300
    assert outcomes["read"] < 150
    assert len(outcomes) > {"picture": 2}.get(kind, 4)  # Pillow's many errors are one refusal
    assert slowest < SECONDS
    assert hungriest < MEMORY
