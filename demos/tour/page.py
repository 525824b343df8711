"""One self-contained HTML page: pictures, formulas and code are inside it, and nothing is fetched."""

from __future__ import annotations

import base64
import inspect
import io
import re
import textwrap
import zlib
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def document(title: str, parts: Iterable[str]) -> str:
    """The whole page."""
    body = "\n".join(parts)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{STYLE}</style></head>
<body>
{body}
</body></html>
"""


def picture(path: Path, caption: str) -> str:
    """An image with its caption, which also stands for it where it cannot be seen. One that moves waits to be asked."""
    kind = path.suffix.lstrip(".")
    data = base64.b64encode(path.read_bytes()).decode()
    text = escape(caption)
    image = f'<img alt="{text}" src="data:image/{kind};base64,{data}">'
    if kind == "gif":
        return f"<details><summary>Watch: {text}</summary><figure>{image}</figure></details>"
    return f'<figure><div class="scroll">{image}</div><figcaption>{text}</figcaption></figure>'


def formula(tex: str) -> str:
    """A formula in matplotlib's TeX, drawn as an SVG in the colour of the text around it."""
    figure = Figure(figsize=(0.01, 0.01))
    FigureCanvasSVG(figure)
    figure.text(0, 0, f"${tex}$", fontsize=15, color="#010203")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", pad_inches=0.04, transparent=True)
    drawn = buffer.getvalue()
    svg = drawn[drawn.index("<svg") :].replace("#010203", "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r'(id="|href="#|url\(#)', rf"\1f{zlib.crc32(tex.encode()):x}-", svg
    )  # ids are of the page, not of the formula
    labelled = svg.replace("<svg", f'<svg role="img" aria-label="{escape(tex)}"', 1)
    return f'<div class="formula">{labelled}</div>'


def source(item: Any, root: Path) -> str:
    """The lines of a function or class as they stand in its file, and where that is."""
    lines, first = inspect.getsourcelines(item)
    where = Path(inspect.getsourcefile(item) or "").resolve().relative_to(root)
    code = escape(textwrap.dedent("".join(lines)).rstrip())
    return f'<pre><code>{code}</code></pre><p class="faint">{where}, line {first}</p>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table; the columns in `numbers` are aligned to the right."""
    kind = lambda k: ' class="number"' if k in numbers else ""
    line = lambda tag, cells: "".join(f"<{tag}{kind(k)}>{escape(c)}</{tag}>" for k, c in enumerate(cells))
    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{line("th", head)}</tr></thead><tbody>{body}</tbody></table></div>'


def marked(text: str) -> str:
    """Text, in which `…` is code."""
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text))


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of marked text, of a class of STYLE."""
    return f'<p class="{kind}">{marked(text)}</p>' if kind else f"<p>{marked(text)}</p>"


def listing(items: Iterable[str]) -> str:
    """Marked texts, one below the other."""
    return "<ul>" + "".join(f"<li>{marked(item)}</li>" for item in items) + "</ul>"
