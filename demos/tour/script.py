"""The scripts of the page, plain JavaScript of ours, with the texts that they show in the language of the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from demos.tour.text import Language

FOLDER = Path(__file__).parent
SAID = re.compile(r'\bsay\(\s*"([^"]+)"')
"""A text in a script that is shown in the language of the page."""


def script(files: list[str], end: str, say: Language) -> str:
    """Return the HTML of a script, which has names of its own.

    files: paths relative to this folder. end: a last statement. say: language of the texts.
    """
    code = "\n".join((FOLDER / file).read_text(encoding="utf-8") for file in ["say.js", *files])
    words = {text: say(text) for text in SAID.findall(code) if say(text) != text}
    return f'<script type="module">const words = {as_json(words)};\n{code}{end}</script>'


def as_json(data: dict[str, Any]) -> str:
    """Return data as JSON that can stand in HTML."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
