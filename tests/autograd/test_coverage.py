"""No name of NumPy is missing in the tables: each is a rule, a composite, a query, or refused with a reason."""

import subprocess
import sys

import numpy as np
import pytest

from autograd import Tensor
from autograd.__main__ import main
from autograd.arguments import NOT_METHODS
from autograd.coverage import KINDS, coverage
from autograd.rules import refused
from autograd.rules.queries import HOST_ONLY
from autograd.table import COMPOSITES, REFUSED, RULES, ZERO_DERIVATIVE
from tests import standin


def missing():
    """The public names of NumPy that no table has."""
    return [name for name, entry in coverage().items() if entry is None]


def test_every_public_name_of_numpy_has_its_kind():
    """E-8. Planted: one name less."""
    assert missing() == []
    assert {kind for kind, _ in coverage().values()} == set(KINDS)


def test_each_name_has_its_kind_and_remark():
    expected = {
        "np.exp": ("rule", ""),
        "np.median": ("composite", ""),
        "np.argmax": ("query", ""),
        "np.histogram_bin_edges": ("query", "host only: CuPy has no such function"),
        "np.put": ("refused", REFUSED[np.put]),
        "np.arange": (
            "no array",
            next(why for why, names in refused.NOT_FOR_ARRAYS.items() if "arange" in names.split()),
        ),
        "ndarray.T": ("rule", ""),
        "ndarray.fill": ("refused", NOT_METHODS["fill"]),
    }
    assert {name: coverage()[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("table", "function", "name"),
    [
        (RULES, np.exp, "np.exp"),
        (COMPOSITES, np.median, "np.median"),
        (REFUSED, np.put, "np.put"),
        (REFUSED, np.linalg.eig, "np.linalg.eig"),
        (NOT_METHODS, "__iadd__", "ndarray.__iadd__"),
    ],
)
def test_a_name_that_is_taken_out_is_missed(monkeypatch, table, function, name):
    monkeypatch.delitem(table, function)
    assert name in missing()


def test_a_query_and_a_maker_of_arrays_that_are_taken_out_are_missed(monkeypatch):
    ZERO_DERIVATIVE.remove(np.histogram_bin_edges)
    try:
        assert missing() == ["np.histogram_bin_edges"]
    finally:
        ZERO_DERIVATIVE.add(np.histogram_bin_edges)
    why = next(why for why, names in refused.NOT_FOR_ARRAYS.items() if "arange" in names.split())
    monkeypatch.setitem(refused.NOT_FOR_ARRAYS, why, refused.NOT_FOR_ARRAYS[why].replace("arange", ""))
    assert missing() == ["np.arange"]


def test_a_method_that_is_taken_away_is_missed(monkeypatch):
    monkeypatch.delattr(Tensor, "cumsum")
    assert missing() == ["ndarray.cumsum"]


def test_queries_that_are_not_in_cupy_are_marked_as_of_the_host():
    """All other functions run on the stand-in for CuPy in `test_rules.py`."""
    absent = {f for f in ZERO_DERIVATIVE if f.__name__ not in standin.API and hasattr(np, f.__name__)}
    assert absent == HOST_ONLY


def test_no_function_is_of_two_kinds():
    """But for options: a function may have a rule, and a composite for the options that the rule does not take."""
    tables = [set(RULES) | set(COMPOSITES), ZERO_DERIVATIVE, set(REFUSED)]
    assert not tables[0] & tables[1] | tables[0] & tables[2] | tables[1] & tables[2]


@pytest.mark.parametrize("function", sorted(REFUSED, key=repr), ids=lambda f: f.__name__)
def test_a_refusal_says_why_and_what_to_write(function):
    assert len(REFUSED[function]) > 20
    if isinstance(function, np.ufunc) and function.nin == 1:
        with pytest.raises(TypeError, match=r"does not take a Tensor: "):
            function(Tensor([1.0], requires_grad=True))


def test_the_table_can_be_printed():
    printed = subprocess.run([sys.executable, "-m", "autograd"], capture_output=True, text=True, check=True).stdout
    assert [line.split(":")[0] for line in printed.splitlines() if line.startswith(KINDS)] == list(KINDS)


def test_the_table_has_each_name_once_under_its_kind_and_its_reason(capsys):
    """But for the members of ndarray that a Tensor has, too."""
    main()
    printed, numbers, names = {}, {}, []
    for line in capsys.readouterr().out.splitlines()[:-1]:
        if not line.startswith(" "):
            kind, numbers[kind] = line.split(": ")
        elif not line.startswith("    "):
            names = line.split()
            printed |= {name.removesuffix(","): (kind, "") for name in names}
        else:
            printed |= {name.removesuffix(","): (kind, line.strip()) for name in names}
    entries = coverage().items()
    expected = {name: e for name, e in entries if not (name.startswith("ndarray.") and e[0] == "rule")}
    assert printed == expected
    assert numbers == {kind: str(sum(e[0] == kind for e in expected.values())) for kind in KINDS}
