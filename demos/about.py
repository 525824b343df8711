"""What a demo is about: the first paragraph of its docstring. Nothing else is imported for it."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path


def about(name: str) -> str:
    """Return the first paragraph of a demo's docstring, on one line. It is read from the source: python -OO drops it.

    name: of the demo, as `python -m demos` takes it.
    """
    module = importlib.util.find_spec("demos.tour.run" if name == "tour" else f"demos.{name}")
    assert module is not None
    assert module.origin is not None
    doc = ast.get_docstring(ast.parse(Path(module.origin).read_text(encoding="utf-8"))) or ""
    return " ".join(doc.split("\n\n")[0].split())
