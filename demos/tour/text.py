"""The prose of the page, in `text/<language>/<section>.md`: a title, and the parts of a section under their headings.

The headings are Question, Idea, Derivation, See, Beware and, where learners get lost most, Box: a question. Formulas
stand in `lecture`, since they are the same in every language.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "text"
PARTS = ("Question", "Idea", "Derivation", "See", "Beware")
"""The headings that each section has, in this order. A box can stand between two of them."""


class Text(NamedTuple):
    """The prose of a section.

    title: of the section. parts: (heading, paragraphs) in order; the paragraphs before the first heading have the
    heading "".
    """

    title: str
    parts: list[tuple[str, list[str]]]


@functools.cache
def read(name: str, language: str = "en") -> Text:
    """Return the prose of a section.  name: the demo of the section, or "start". language: "en"."""
    lines = (FOLDER / language / f"{name}.md").read_text(encoding="utf-8")
    title, rest = lines.removeprefix("# ").split("\n", 1)
    before, *sections = re.split(r"^## ", rest, flags=re.MULTILINE)
    parts = [("", before), *(section.split("\n", 1) for section in sections)]
    return Text(title, [(heading, paragraphs(body)) for heading, body in parts if heading or body.strip()])


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, which are separated by empty lines."""
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]
