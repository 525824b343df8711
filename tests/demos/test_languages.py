"""The page in Korean: every text of it is written, none is out of date, and the formulas are those of the English."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from demos import common
from demos.__main__ import main
from demos.tour import excerpt, mathematics, page, results, text
from demos.tour import run as tour
from demos.tour.lecture import SECTIONS
from demos.tour.play.scrubber import SUBJECTS
from demos.tour.script import FOLDER, SAID
from demos.tour.text import ENGLISH, KOREAN

PROSE = [*(section.demo for section in SECTIONS), "start"]
SYMBOLS = re.compile(r"`[^`]+`|[A-Za-zσμ]+\([^()]*\)|\d+(?:\.\d+)?|[=≤≥→‖Σμσεφθ½−*/^]")
"""What a passage says in every language: code, functions of symbols, numbers and signs."""


def said_in_code():
    """All texts that the modules of the page pass to `say`."""
    for path in [Path(common.__file__), *sorted(text.FOLDER.parent.rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                yield from (part.value for part in node.args[:1] if isinstance(part, ast.Constant))
    for path in sorted(FOLDER.rglob("*.js")):
        yield from SAID.findall(path.read_text(encoding="utf-8"))


def said_by_sections():
    """All texts in tables: captions, claims, things to try, words in formulas, names in code."""
    yield from page.HEADINGS.values()
    yield from (words for _, words in (*results.NAMES, *results.KINDS))
    yield from (results.CAPTION, results.ALTERNATIVE)
    for subject in SUBJECTS.values():
        yield from (subject.title, subject.see, subject.rounded)
        yield from (words for value in subject.values for words in (value.term, value.note))
    for section in SECTIONS:
        yield from (words for picture in section.pictures for words in picture[1:3] if words)
        yield from (words for claim in section.claims for words in (claim.what, claim.theory, claim.fails))
        yield from (what for _, what in section.change)
        yield from (meaning for _, _, meaning in section.symbols)
        yield from (meaning for item in section.code for _, meaning in excerpt.names(item))
        yield from filter(None, [section.without_labels])
        for line in section.formula.split(r"\\"):
            for kind, content, label in mathematics.parts(" ".join(line.split())):
                yield from filter(None, [label, content.strip() if kind == "text" else ""])


SAID_ALL = {*said_in_code(), *said_by_sections()}


def test_every_short_text_has_its_korean_and_no_korean_is_left_over():
    """A text that has no Korean is shown in English, and a Korean text whose English has changed is found here."""
    written = text.words("ko")
    assert sorted(SAID_ALL - set(written)) == []
    assert sorted(set(written) - SAID_ALL) == []


@pytest.mark.parametrize("english", sorted(SAID_ALL))
def test_a_short_text_has_the_same_places_for_values(english):
    places = lambda words: Counter(re.findall(r"\{[^}]*\}", words))
    assert places(KOREAN(english)) == places(english)


@pytest.mark.parametrize("section", PROSE)
def test_every_passage_has_its_korean_with_the_same_symbols(section):
    (title, english), (_, korean) = text.prose(section), KOREAN.read(section)
    assert text.hash_of(title) in text.parts("ko", section)
    assert len(text.parts("ko", section)) == 1 + len(english)
    for (heading, here), (korean_heading, there) in zip(english, korean, strict=True):
        mark = f"<!-- {text.hash_of(heading + chr(10) + chr(10).join(here))} -->"
        assert here != there, f"{section}, {heading}: no Korean part below {mark}"
        kind = heading.split(": ")[0]
        assert korean_heading.split(": ")[0] == kind
        missing = Counter(SYMBOLS.findall(" ".join(here))) - Counter(SYMBOLS.findall(" ".join(there)))
        assert missing == Counter(), f"{section}, {heading}"


def test_a_passage_whose_english_has_changed_is_in_english(monkeypatch):
    title, (first, *rest) = text.prose("vae")
    changed = (first[0], [*first[1], "One more sentence."])
    monkeypatch.setattr(text, "prose", lambda section: text.Text(title, [changed, *rest]))
    korean = KOREAN.read("vae")
    assert korean.parts[0] == changed
    assert korean.parts[1] != rest[0]


def test_both_pages_link_to_each_other_and_one_alone_does_not(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(tour, "SECTIONS", [section for section in SECTIONS if section.demo == "markov"])
    both, alone = tmp_path / "both", tmp_path / "alone"
    assert main(["--out", str(both)]) == main(["--lang", "ko", "--out", str(alone)]) == 0
    said = capsys.readouterr().out
    assert f"{both}/index.html and index.ko.html" in said
    assert f"page written to {alone}/index.ko.html with 1 sections" in said
    read = lambda path: path.read_text(encoding="utf-8")
    english, korean = (read(both / language.file) for language in (ENGLISH, KOREAN))
    assert '<html lang="en">' in english
    assert '<html lang="ko">' in korean
    assert '<a href="index.ko.html" lang="ko">한국어</a>' in english
    assert '<a href="index.html" lang="en">English</a>' in korean
    assert [path.name for path in alone.glob("*.html")] == ["index.ko.html"]
    assert 'class="languages"' not in read(alone / "index.ko.html")
    drawn = lambda html: re.findall(r'<svg class="glyphs".*?</svg>', html)
    assert drawn(english) == drawn(korean) != []
    assert text.prose("markov").parts[0][1][0] not in korean
