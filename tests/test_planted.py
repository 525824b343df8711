"""The table of planted faults fits the source; `python -m tests.planted` puts them in, one by one."""

import importlib

import pytest

from tests.planted import FAULTS, ROOT

ENGINE = ["E-1", "E-5", "E-6", "E-7", "E-8", "E-9", "E-10", "E-11"]
"""Those of the engine: its rules; the checker; products on a device; values as NumPy's; no name missing; no gradient
lost to numbers or to Ctrl-C; of the layers: what they begin with, and how they normalise; and a saved model is a
model."""
CLAIMS = [
    *(f"I-{i}" for i in range(1, 7)),
    *(f"A-{i}" for i in range(1, 5)),
    *(f"N-{i}" for i in range(1, 10)),
    *(f"R-{i}" for i in range(1, 7)),
    *(f"V-{i}" for i in range(1, 9)),
    *(f"AA-{i}" for i in range(1, 4)),
    *(f"G-{i}" for i in range(1, 11)),
    "U-1",
    "U-2",
    *(f"C-{i}" for i in range(1, 5)),
]


def test_every_claim_has_a_planted_fault():
    assert [c for c in ENGINE + CLAIMS if c not in {fault.claim for fault in FAULTS}] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.claim}-{fault.test[1]}")
def test_a_fault_can_be_planted_where_it_says_and_its_test_says_what_it_is(fault):
    assert (ROOT / fault.file).read_text().count(fault.old) == 1
    module = importlib.import_module(fault.test_file.replace("/", "."))
    test = getattr(module, fault.test[1].partition("[")[0])
    assert f"{fault.claim}" in test.__doc__
    assert "Planted:" in test.__doc__
