"""The texts of the page in its languages. Each text is written in English, and a Korean text is found by the English.

Prose stands in `text/<language>/<section>.md`: a title, and the parts of a section under their headings. The headings
are Question, Idea, Derivation, See, Beware and, where learners get lost most, Box: a question. Above each Korean part
stands the hash of the English part. If you change an English part, the page shows it in English until its Korean part
is written again. Short texts stand in the code, as `say("…")`, and their Korean in `text/ko/words.json`. Formulas stand
in `lecture`, since they are the same in every language.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "text"
PARTS = ("Question", "Idea", "Derivation", "See", "Beware")
"""The headings that each section has, in this order. A box can stand between two of them."""

Part = tuple[str, list[str]]
"""A heading, which is "" for the paragraphs before the first one, and the paragraphs under it."""


class Text(NamedTuple):
    """The prose of a section: its title, and its parts in order."""

    title: str
    parts: list[Part]


@dataclass(frozen=True)
class Language:
    """A language of the page. A call returns a short text in this language.

    code: as in HTML. name: of the language in itself. file: name of the page.
    """

    code: str
    name: str
    file: str

    def __call__(self, text: str, *values: object, **named: object) -> str:
        """Return a text in this language; in English if nobody has written it in this language.

        text: in English. values, named: stand in the text as {} and as {name}.
        """
        found = words(self.code).get(text, text)
        return found.format(*values, **named) if values or named else found

    def read(self, section: str) -> Text:
        """Return the prose of a section.  section: its demo, or "start"."""
        title, english = prose(section)
        written = parts(self.code, section)
        title, _ = written.get(hash_of(title), (title, []))
        return Text(title, [written.get(hash_of(f"{heading}\n" + "\n".join(body)), (heading, body))
                            for heading, body in english])  # fmt: skip


ENGLISH = Language("en", "English", "index.html")
KOREAN = Language("ko", "한국어", "index.ko.html")
LANGUAGES = (ENGLISH, KOREAN)


def hash_of(passage: str) -> str:
    """Return the hash of a passage in English, by which its translation names it: 8 hexadecimal digits."""
    return hashlib.sha256(passage.encode()).hexdigest()[:8]


@functools.cache
def prose(section: str) -> Text:
    """Return the prose of a section in English."""
    written = (FOLDER / "en" / f"{section}.md").read_text(encoding="utf-8")
    (title, before), *rest = map(part, re.split(r"^(?=##? )", written, flags=re.MULTILINE)[1:])
    return Text(title, [("", before), *rest] if before else rest)


@functools.cache
def parts(code: str, section: str) -> dict[str, Part]:
    """Return the parts of a section in another language, by the hash of the English part.  code: of the language."""
    path = FOLDER / code / f"{section}.md"
    written = path.read_text(encoding="utf-8") if path.exists() else ""
    _, *found = re.split(r"^<!-- ([0-9a-f]{8}) -->\n", written, flags=re.MULTILINE)
    return dict(zip(found[::2], map(part, found[1::2]), strict=True))


@functools.cache
def words(code: str) -> dict[str, str]:
    """Return the short texts in another language, by the English text.  code: of the language."""
    path = FOLDER / code / "words.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def part(text: str) -> Part:
    """Return the heading and the paragraphs of a part. Empty lines separate paragraphs."""
    heading = re.match(r"#+ (.*)\n?", text)
    body = text[heading.end() :] if heading else text
    found = [" ".join(paragraph.split()) for paragraph in body.split("\n\n")]
    return heading[1] if heading else "", [paragraph for paragraph in found if paragraph]
