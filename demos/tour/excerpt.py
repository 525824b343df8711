"""The lines of a function that do mathematics, coloured, and the names in them explained.

The page shows the source that ran, without what a reader of formulas skips: the docstring, type annotations, checks of
arguments, and the start of random generators. The link below the lines leads to the whole function.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

PREPARATIONS = {"checked", "default_rng", "whole", "_pair", "_features"}
"""Functions that check arguments or start a random generator: a line that only calls one of them is left out."""
PROJECT = ("minigen", "autograd")
PLUMBING = {"no_grad", "plain", "explicit", "beside"}
"""Functions that a formula does not have: they say where arrays are, and what is recorded for gradients."""
FROM_SCIPY = {"rel_entr": "a ln a/b of each element; 0 where a is 0"}
"""Meanings of functions whose docstring says only that the function is SciPy's."""


class Name(NamedTuple):
    """A name in an excerpt: as it is written there, and the first sentence of its docstring."""

    name: str
    meaning: str


def code(item: Any) -> str:
    """Return the lines of a function that do mathematics, as text."""
    lines = inspect.getsource(item).splitlines()
    function = _parsed(item)
    kept = [_head(function)]
    for statement in _mathematics(function):
        kept += lines[statement.lineno - 1 : statement.end_lineno]
    head, *body = kept
    return head + "\n" + textwrap.indent(textwrap.dedent("\n".join(body)), "    ")


def coloured(item: Any) -> str:
    """Return `code` as HTML, in which style.css colours each kind of word."""
    return str(highlight(code(item), PythonLexer(), HtmlFormatter(nowrap=True))).rstrip()


def names(item: Any) -> list[Name]:
    """Return the functions of the project that `code` calls, in order, each once."""
    found: dict[str, Any] = {}
    for statement in _mathematics(_parsed(item)):
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and (function := _called(item, node.func)):
                found.setdefault(ast.unparse(node.func), function)
    return [Name(name, _sentence(function)) for name, function in found.items() if function.__name__ not in PLUMBING]


def _parsed(item: Any) -> ast.FunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(item))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return tree


def _head(function: ast.FunctionDef) -> str:
    """Return the line with the name and the arguments, without annotations and without the random generator."""
    names = [argument.arg for argument in function.args.args + function.args.kwonlyargs if argument.arg != "rng"]
    return f"def {function.name}({', '.join(names)}):"


def _mathematics(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """Yield the statements of a function, but not its docstring, checks and preparations."""
    for statement in function.body:
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        is_check = isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Raise)
        if not (is_text or is_check or _prepares(statement)):
            yield statement


def _prepares(statement: ast.stmt) -> bool:
    call = getattr(statement, "value", None)
    if not isinstance(statement, ast.Assign) or not isinstance(call, ast.Call):
        return False
    return ast.unparse(call.func).split(".")[-1] in PREPARATIONS


def _called(item: Any, function: ast.expr) -> Any:
    """Return the function of the project that an expression names; None for others, such as NumPy's."""
    first, *rest = ast.unparse(function).split(".")
    found = inspect.getmodule(item)
    for name in [item.__qualname__.split(".")[0] if first == "self" else first, *rest]:
        found = getattr(found, name, None)
    home = getattr(found, "__module__", None) or ""
    return found if callable(found) and home.split(".")[0] in PROJECT else None


def _sentence(function: Any) -> str:
    """Return the first sentence of a docstring, without its full stop."""
    if function.__name__ in FROM_SCIPY:
        return FROM_SCIPY[function.__name__]
    text = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
    return re.split(r"(?<!i\.e)[.:;](?: |$)", text)[0]
