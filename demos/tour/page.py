"""Parts of one self-contained HTML page: pictures, formulas and code are in the file, and nothing is downloaded."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from demos.tour import excerpt, mathematics, pictures
from demos.tour.script import script
from demos.tour.text import ENGLISH, Language
from demos.tour.verdicts import Verdict

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8") + pictures.STYLE


def document(parts: Iterable[str], say: Language = ENGLISH, others: Iterable[Language] = ()) -> str:
    """Return the whole page.

    parts: HTML of its body. say: language of the page. others: languages of the same page in other files.
    """
    links = " ".join(f'<a href="{other.file}" lang="{other.code}">{other.name}</a>' for other in others)
    body = (f'<p class="languages">{links}</p>\n' if links else "") + "\n".join(parts)
    return f"""<!doctype html>
<html lang="{say.code}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>{escape(say("minigen: the lecture"))}</title><style>{STYLE}</style></head>
<body>
{mathematics.outlines(body)}
{body}
{script(["symbols.js"], "", say)}
{script(["guess.js"], "", say)}
{script(["slides.js"], "", say)}
</body></html>
"""


def folded(title: str, content: str) -> str:
    """Return content that is hidden until a click on its title.  content: HTML."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def source(item: Any, root: Path, address: Callable[[str], str], say: Language) -> str:
    """Return the lines of a function that do mathematics, the names in them, and a link to the whole function.

    root: folder to which the file name is relative. address: returns the link to a file of the project.
    """
    where = Path(inspect.getsourcefile(item) or "").resolve().relative_to(root).as_posix()
    line = inspect.getsourcelines(item)[1]
    names = "".join(f"<li><code>{name}</code>: {marked(say(meaning))}</li>" for name, meaning in excerpt.names(item))
    link = f'<a href="{escape(address(where))}">{escape(say("{file}, line {line}", file=where, line=line))}</a>'
    explained = f'<ul class="names">{names}</ul>' if names else ""
    return f'<pre tabindex="0"><code>{excerpt.coloured(item)}</code></pre>{explained}<p class="faint">{link}</p>'


def symbols(rows: Iterable[tuple[str, str, str]], say: Language) -> str:
    """Return the list of the symbols of a section, each with its names in the code and what it is.

    rows: (TeX, names in the code, meaning) of each symbol. symbols.js shows a symbol in formula, code and picture.
    """
    items = (
        f'<li><span data-symbol="{k}" data-names="{names}" data-tex="{escape(tex)}">{mathematics.glyphs(tex)} '
        f"{escape(say(meaning))}</span></li>"
        for k, (tex, names, meaning) in enumerate(rows)
    )
    return f'<ul class="symbols">{"".join(items)}</ul>'


def scrolling(content: str) -> str:
    """Return HTML that the reader can scroll sideways on a narrow screen, also by keys.  content: HTML."""
    return f'<div class="scroll" tabindex="0">{content}</div>'


class Link(str):
    """The HTML of a link."""


def link(address: str, text: str) -> Link:
    """Return a link.  address: where the link leads. text: of the link."""
    return Link(f'<a href="{escape(address)}">{escape(text)}</a>')


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Return a table.

    head: of the columns. rows: texts of the cells, or links. numbers: indices of right-aligned columns.
    """
    kind = lambda k: ' class="number"' if k in numbers else ""
    inner = lambda cell: cell if isinstance(cell, Link) else escape(cell)
    line = lambda tag, cells: "".join(f"<{tag}{kind(k)}>{inner(c)}</{tag}>" for k, c in enumerate(cells))
    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return scrolling(f"<table><thead><tr>{line('th', head)}</tr></thead><tbody>{body}</tbody></table>")


def verdicts(rows: Iterable[Verdict], address: Callable[[str], str], say: Language) -> str:
    """Return a table of verdicts. A claim that does not hold is followed by what that means.

    address: returns the link to a file of the project, which is given relative to the project's folder.
    """
    body = ""
    for row in rows:
        claim, measured, expected, holds = row.claim, row.measured, row.expected, row.holds
        file, _, function = claim.test.partition("::")
        link = f'<a href="{escape(address(file))}" title="{escape(function)}">{claim.id or escape(say("test"))}</a>'
        mark = {True: '<b class="holds">✓</b>', False: '<b class="failed">✗</b>', None: "–"}[holds]
        answer = f' data-answer="{row.answer}"' if row.answer else ""
        body += f"<tr{answer}><td>{escape(say(claim.what))}</td>"
        body += f'<td class="measured"><span>{escape(measured)}</span></td><td class="relation">{claim.relation}</td>'
        body += f'<td>{escape(expected)}</td><td class="mark">{mark}</td><td>{link}</td></tr>'
        if holds is False:
            means = say("✗ means: {}", say(claim.fails))
            body += f'<tr class="failed"><td colspan="6">{escape(means)}</td></tr>'
    names = (say("value"), say("measured"), "", say("expected by the theory"), "", say("proof"))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    return scrolling(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def marked(text: str) -> str:
    """Return escaped text, in which `…` becomes code."""
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text))


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph.  text: with `…` for code. kind: class in style.css, or "" for none."""
    return f'<p class="{kind}">{marked(text)}</p>' if kind else f"<p>{marked(text)}</p>"


def step(*parts: str) -> str:
    """Return HTML that slides.js shows on one screen."""
    return f'<div class="step">{"".join(parts)}</div>'


def contents(titles: Iterable[tuple[str, str]], say: Language) -> str:
    """Return the list of the sections.  titles: (id, title) of each section, in order."""
    items = "".join(f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title in titles)
    return f'<nav aria-label="{escape(say("Contents"))}"><ol>{items}</ol></nav>'


def part(heading: str, paragraphs: Iterable[str], say: Language) -> str:
    """Return a part of a section.  heading: of the part; a box has the heading "Box: …". paragraphs: its text."""
    kind, _, title = heading.partition(": ")
    body = "".join(map(paragraph, paragraphs))
    name = title[:1].upper() + title[1:] if title else say(HEADINGS[kind])
    return f'<div class="part {kind.lower()}"><h3>{escape(name)}</h3>{body}</div>'


HEADINGS = {
    "Question": "Question",
    "Idea": "The idea",
    "Derivation": "Step by step",
    "See": "What to see",
    "Beware": "What can go wrong",
}
"""The heading on the page of each part of a section."""


def listing(items: Iterable[str]) -> str:
    """Return a list of texts, with `…` for code."""
    return "<ul>" + "".join(f"<li>{marked(item)}</li>" for item in items) + "</ul>"
