"""A few of the runs of `python -m tests.attacks.odd_data`."""

import pytest

from tests.attacks.odd_data import DEMOS, FEW, SETS, problem


@pytest.mark.parametrize(("name", "demo"), FEW)
def test_a_demo_answers_or_refuses_odd_data_in_one_sentence(name, demo, tmp_path):
    assert name in SETS
    assert demo in DEMOS
    assert problem(name, demo, tmp_path) == ""
