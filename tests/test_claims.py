"""A red run names the claims that it breaks, and where the map has them; a green run names none."""

import os
import subprocess
import sys

import pytest

from tests.claims import ROOT, ROWS, broken

LECTURE = "docs/lecture.md#"


def formula(claim: str, section: str) -> str:
    (found,) = [row.formula for row in ROWS if row.claims == claim and row.section == section]
    return found


def test_no_failure_and_a_failure_of_no_claim_say_nothing():
    assert broken([]) == ""
    assert broken([("test_a", ""), ("test_b", "Of UTF-8, X-1 and V-99, which are no claims.")]) == ""


def test_the_claims_stand_in_the_order_of_the_map_each_once_with_formula_and_place():
    failed = [("test_a", "V-3: and V-1."), ("test_b", "AA-2 alone."), ("test_c", "V-1: again.")]
    assert broken(failed).splitlines() == [
        "claims broken: V-1, V-3, AA-2",
        f"V-1  {formula('V-1', 'Variational Inference')}: {LECTURE}variational-inference",
        f"V-3  {formula('V-3', 'Variational Inference')}: {LECTURE}variational-inference",
        f"AA-2  {formula('AA-2', 'Adversarial Auto-Encoder')}: {LECTURE}adversarial-auto-encoder",
    ]


def test_of_a_claim_with_two_rows_that_of_the_failing_test_is_named_or_both():
    markov = f"I-2  {formula('I-2', 'Markov Assumption')}: {LECTURE}markov-assumption"
    table = f"I-2  {formula('I-2', 'Discrete Distributions')}: {LECTURE}discrete-distributions"
    assert broken([("test_i2_parameters_of_a_chain_of_order_k", "I-2")]).splitlines()[1:] == [markov]
    assert broken([("test_another", "I-2")]).splitlines()[1:] == [table, markov]


@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["one process", "two processes"])
def test_a_red_run_ends_with_them(processes, tmp_path):
    source = '''
import pytest

@pytest.mark.parametrize("x", [1, 2])
def test_here(x):
    """N-4: in a loop."""
    assert x == 0

@pytest.fixture
def nothing():
    assert 1 == 0

def test_there(nothing):
    """G-2: in the fixture."""

def test_elsewhere():
    """V-1: green."""
'''
    (tmp_path / "test_it.py").write_text(source)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        *processes,
        str(tmp_path),
    ]
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True, check=False
    )
    said = run.stdout.partition("claims broken: ")[2].splitlines()[:-1]
    assert said[0] == "N-4, G-2"
    assert [line.partition("  ")[0] for line in said[1:]] == ["N-4", "G-2"]
    assert said[1].endswith(f": {LECTURE}nade")
