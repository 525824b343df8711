"""Verdicts of the page: a value that a demo printed, compared with the value that the theory gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from demos.tour.text import ENGLISH, Language

NUMBER = re.compile(r"[-−]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Claim:
    """A claim of the theory about a value that a demo prints.

    what: names the value and its unit. pattern: a regular expression for the printed text. Its group `measured` is the
    value; a group `expected`, if there is one, is the printed value to compare with.
    relation: of the measured value to the expected one: "=", "≤", "≥", "<", "→" (tends to, in a long training) or "in"
    (an interval). tolerance: the largest difference of values that count as equal, or as arrived.
    theory: words for the expected value, in which {} stands for the group `expected`. expected: the expected value, or
    a function of the number of pixels that returns it; None: the group `expected`.
    test: the test that proves the claim, "file::function", whose name begins with the claim's id if it has one. fails:
    what it means if the claim does not hold. labels: whether the demo prints the value of images with labels alone.
    """

    what: str
    pattern: str
    relation: str
    theory: str
    test: str
    fails: str
    tolerance: float = 0.0
    expected: float | Callable[[int], float] | None = None
    labels: bool = False

    @property
    def id(self) -> str:
        """The id of the claim in docs/lecture.md, such as "V-3"; "" if the claim is not of the lecture."""
        found = re.search(r"::test_([a-z]{1,2})(\d+)_", self.test)
        return f"{found[1].upper()}-{found[2]}" if found else ""

    def verdict(self, printed: str, D: int, say: Language = ENGLISH) -> Verdict:
        """Compare the values in the output of the demo.

        printed: the output. D: pixels of an image. say: language of the words.
        """
        found = re.search(self.pattern, printed)
        if not found:
            return Verdict(self, "–", say(self.theory, "–"), None)
        groups = found.groupdict()
        if self.expected is None:
            expected = groups["expected"]
            if self.relation == "in":
                expected = say("from {} to {}", *re.findall(r"\S*\d\S*", expected))
        else:
            value = self.expected(D) if callable(self.expected) else self.expected
            expected = f"{value:,}"
        value, theory = number(groups["measured"]), numbers(expected)
        holds = related(self.relation, value, theory, self.tolerance)
        answer = compared(value, theory if self.relation == "in" else theory[:1], self.tolerance)
        return Verdict(self, groups["measured"], say(self.theory, expected), holds, answer)


class Verdict(NamedTuple):
    """The result of a comparison.

    claim: what was compared. measured, expected: the values as text. holds: whether the relation holds; None: the demo
    did not print the value. answer: "lower", "equal" or "higher" than the expected value; "" if it is
    not known.
    """

    claim: Claim
    measured: str
    expected: str
    holds: bool | None
    answer: str = ""


def numbers(text: str) -> list[float]:
    """Return all numbers in a text; a number before % is a share."""
    found = ((m[0].replace("−", "-").replace(",", ""), text[m.end() : m.end() + 1]) for m in NUMBER.finditer(text))
    return [float(digits) / (100 if after == "%" else 1) for digits, after in found]


def number(text: str) -> float:
    """Return the first number in a text."""
    return numbers(text)[0]


def related(relation: str, measured: float, expected: list[float], tolerance: float) -> bool:
    """Return whether a relation of `Claim` holds.  expected: the expected value, or the two ends of an interval."""
    first = expected[0]
    return {
        "=": abs(measured - first) <= tolerance,
        "→": abs(measured - first) <= tolerance,
        "≤": measured <= first + tolerance,
        "≥": measured >= first - tolerance,
        "<": measured < first,
        "in": first - tolerance <= measured <= expected[-1] + tolerance,
    }[relation]


def compared(measured: float, expected: list[float], tolerance: float) -> str:
    """Return "lower", "equal" or "higher": the measured value beside the expected one.

    expected: the expected value, or the two ends of an interval, within which "equal" holds. tolerance: as in `Claim`.
    """
    if measured < expected[0] - tolerance:
        return "lower"
    return "higher" if measured > expected[-1] + tolerance else "equal"


def summary(verdicts: Iterable[Verdict], say: Language = ENGLISH) -> str:
    """Return a sentence: how many claims hold on this machine.  say: language of the sentence."""
    marks = [verdict.holds for verdict in verdicts if verdict.holds is not None]
    wrong = len(marks) - sum(marks)
    held = say("{held} of {all} claims that this run measured hold on this machine.", held=sum(marks), all=len(marks))
    return held if not wrong else f"{held} {say('The others are marked ✗, with the likely reason: {}.', wrong)}"
