"""The program that changes the code: what it can say without the tools."""

from tests import mutants

SOURCE = '''\
import a
B: int | None = 1
C = 1 + 2


class D:
    e = 3

    def f(self, x=4):
        return x + 5

    @property
    def g(self) -> int | None:
        """h"""
        return 6 + 7

    @staticmethod
    def i():
        return 8


rule(lambda g: g * 9)
'''


def test_the_lines_that_mutmut_does_not_change():
    """The value C and the field e, the decorator and the body of g, and the rule; f and i are mutmut's."""
    seen = {SOURCE.splitlines()[line - 1].strip() for line in mutants.unseen(SOURCE)}
    assert seen == {"C = 1 + 2", "e = 3", "@property", '"""h"""', "return 6 + 7", "rule(lambda g: g * 9)"}


def test_a_change_is_its_lines_without_their_place():
    diff = ["--- a", "+++ b", "@@ -1,2 +1,2 @@", " def f(x):", "-    return x + 1", "+    return x - 1"]
    assert mutants.change(diff) == "return x + 1 → return x - 1"


def test_every_file_that_is_changed_and_every_test_exists():
    files = [file for part in mutants.TESTS for file in mutants.files_of(part)]
    assert "autograd/rules/special.py" in files
    tests = [test for tests in (*mutants.TESTS.values(), *mutants.ALL_TESTS.values()) for test in tests]
    assert [path for path in files + tests if not (mutants.ROOT / path).exists()] == []


def test_the_listed_mutants_are_of_lines_that_the_code_still_has():
    """Each with a reason; a mutant of a line that was changed has to be looked at again."""
    found = mutants.listed()
    lines = mutants.LIST.read_text().partition("## Survivors")[2].splitlines()
    assert len(found) == len([line for line in lines if line.startswith("- ")])
    for (file, mutant), reason in found.items():
        old = mutant.partition("`")[2].partition(" → ")[0]
        assert " ".join(old.split()) in " ".join((mutants.ROOT / file).read_text().split()), f"{file}: {old}"
        assert len(reason) > 10
