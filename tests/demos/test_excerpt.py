"""`demos.tour.excerpt`: the lines of a function that do mathematics, and the names in them."""

import ast
import inspect
import re
import textwrap
from html import unescape

import numpy as np
import pytest

from demos.tour import excerpt
from demos.tour.lecture import SECTIONS
from minigen.nn.functions import sigmoid

ITEMS = [item for section in SECTIONS for item in section.code]


def score(x: np.ndarray, w: float = 2, *, rng: int = 0) -> np.ndarray:
    """Say nothing about mathematics."""
    rng = np.random.default_rng(rng)
    x = np.asarray(x)  # a line that stays
    if len(x) == 0:
        raise ValueError("no numbers")
    return sigmoid(
        w * x,
    )


def test_text_checks_and_preparations_are_left_out():
    assert excerpt.code(score) == textwrap.dedent("""\
        def score(x, w):
            x = np.asarray(x)  # a line that stays
            return sigmoid(
                w * x,
            )""")
    assert excerpt.names(score) == [("sigmoid", "σ(x) = 1 / (1 + e⁻ˣ), as ½ + ½ tanh(x / 2)")]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.__qualname__)
def test_the_lines_are_those_of_the_source(item):
    code, source = excerpt.code(item), {line.strip() for line in inspect.getsource(item).splitlines()}
    head, *body = code.splitlines()
    assert {line.strip() for line in body} <= source
    assert head.startswith(f"def {item.__name__}(")
    ast.parse(code)
    assert unescape(re.sub("<[^>]+>", "", excerpt.coloured(item))) == code
    assert isinstance(ast.parse(code).body[0].body[-1], ast.Return)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.__qualname__)
def test_each_function_of_the_project_in_it_is_explained(item):
    code = excerpt.code(item)
    for name, meaning in excerpt.names(item):
        assert f"{name}(" in code
        assert len(meaning) > 10
