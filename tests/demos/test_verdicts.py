"""`demos.tour.verdicts`: a value that a demo printed, against the value of the theory."""

import re
from dataclasses import replace

import pytest

from demos.tour import page
from demos.tour.lecture import SECTIONS
from demos.tour.run import ROOT
from demos.tour.text import ENGLISH
from demos.tour.verdicts import Claim, number, numbers, summary

CLAIM = Claim("x", r"x is (?P<measured>[-\d.%]+)", "=", "{}, y", "tests/a.py::test_v3_b", "Look at y.", expected=8)
CLAIMS = [claim for section in SECTIONS for claim in section.claims]


@pytest.mark.parametrize(
    ("relation", "tolerance", "holds", "fails"),
    [
        ("=", 0.0, ["8"], ["8.1", "7.9"]),
        ("=", 0.1, ["8.1", "7.9"], ["8.2", "7.8"]),
        ("→", 0.1, ["8.1", "7.9"], ["8.2", "7.8"]),
        ("≤", 0.0, ["8", "-9"], ["8.1"]),
        ("≤", 0.5, ["8.5"], ["8.6"]),
        ("≥", 0.0, ["8", "9"], ["7.9"]),
        ("≥", 0.5, ["7.5"], ["7.4"]),
        ("<", 0.0, ["7.9"], ["8"]),
    ],
)
def test_each_relation_holds_where_it_says(relation, tolerance, holds, fails):
    claim = replace(CLAIM, relation=relation, tolerance=tolerance)
    assert [claim.verdict(f"x is {value}", 0).holds for value in holds] == [True] * len(holds)
    assert [claim.verdict(f"x is {value}", 0).holds for value in fails] == [False] * len(fails)


def test_an_interval_has_two_ends():
    claim = replace(CLAIM, pattern=r"(?P<measured>\S+) of (?P<expected>.*)", relation="in", expected=None)
    assert [claim.verdict(f"{v}% of from 2.5% to 8%", 0).holds for v in (2.4, 2.5, 8, 8.1)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_value_that_was_not_printed_has_no_verdict():
    assert CLAIM.verdict("y is 8", 64) == (CLAIM, "–", "–, y", None, "")
    assert CLAIM.verdict("x is 8", 64) == (CLAIM, "8", "8, y", True, "equal")
    assert replace(CLAIM, expected=lambda D: 1000 * D).verdict("x is 8", 64).expected == "64,000, y"


def test_numbers_are_read_as_they_are_printed():
    assert numbers("from 2.5% to −1,234.5, 1e-05 ± 3") == [0.025, -1234.5, 1e-5, 3]
    assert number("16.24 ± 0.21") == 16.24


def test_the_summary_counts_what_was_measured():
    verdicts = [CLAIM.verdict(printed, 0) for printed in ("x is 8", "x is 8", "", "x is 9")]
    assert summary(verdicts[:3]) == "2 of 2 claims that this run measured hold on this machine."
    assert summary(verdicts).startswith(
        "2 of 3 claims that this run measured hold on this machine. The others are marked ✗"
    )


def test_a_claim_that_fails_says_what_that_means():
    html = page.verdicts([CLAIM.verdict("x is 9", 0), CLAIM.verdict("x is 8", 0)], lambda file: f"../{file}", ENGLISH)
    assert html.count("Look at y.") == html.count("✗ means") == html.count("✓") == 1
    assert '<a href="../tests/a.py" title="test_v3_b">V-3</a>' in html


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.what)
def test_the_proof_of_a_claim_is_a_test_of_the_project(claim):
    file, function = claim.test.split("::")
    assert re.search(rf"^def {function}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert claim.fails.endswith(".")
    assert claim.relation in ("=", "≤", "≥", "<", "→", "in")
