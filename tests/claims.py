"""The map of docs/lecture.md as data: its tables, and the claims that failing tests break.

A claim is named by its id, such as N-4, in the docstrings of its tests and in one row of the map or more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MAP = ROOT / "docs" / "lecture.md"
SECTIONS = re.split(r"^## ", MAP.read_text(), flags=re.MULTILINE)[1:] if MAP.exists() else []
"""The sections of the map, each from its title on; none in a copy without docs. The first has the table of all others.
"""
CLAIM = re.compile(r"\b(?:AA|[IANRVGUEC])-\d+\b")


class Row(NamedTuple):
    """A row of the map: the title of its section, and the text of its cells."""

    section: str
    formula: str
    code: str
    claims: str
    tests: str


def cells(row: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def table_rows(section: str) -> list[list[str]]:
    rows = [cells(line) for line in section.splitlines() if line.startswith("|")]
    return [row for row in rows[2:] if row]


def title(section: str) -> str:
    return section.partition("\n")[0]


def anchor(section: str) -> str:
    """The link to a section within its page, as GitHub makes it of the title."""
    return "#" + section.lower().replace(" ", "-")


ROWS = [Row(title(section), *row) for section in SECTIONS[1:] for row in table_rows(section)]


def broken(failed: Iterable[tuple[str, str]]) -> str:
    """Which claims failing tests break, and where to read about them; "" if they break none.

    failed: the name and the docstring of each failing test. The first line has the ids in the order of the map. A line
    follows for each formula: of a claim with several rows those that name a failing test, or all if none does.
    """
    rows: set[Row] = set()
    ids: set[str] = set()
    for name, docstring in failed:
        for claim in set(CLAIM.findall(docstring)):
            of_claim = [row for row in ROWS if claim in row.claims.split(", ")]
            rows.update([row for row in of_claim if f"`{name}`" in row.tests] or of_claim)
            ids.update([claim] if of_claim else [])
    in_order = [row for row in ROWS if row in rows]
    claims = [claim for claim in dict.fromkeys(c for row in ROWS for c in row.claims.split(", ")) if claim in ids]
    lines = [f"{row.claims}  {row.formula}: docs/{MAP.name}{anchor(row.section)}" for row in in_order]
    return "\n".join([f"claims broken: {', '.join(claims)}", *lines]) if claims else ""
