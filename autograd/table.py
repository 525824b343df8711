"""The table of derivatives: one entry for each differentiable function, one rule for each of its arguments.

A rule is a vector-Jacobian product. For y = f(a, b) and a scalar loss L it takes g = ∂L/∂y and returns ∂L/∂a:

    rule(np.multiply, lambda g, y, a, b: g * b,      # with respect to a
                      lambda g, y, a, b: g * a)      # with respect to b

Rules use operators and `np.*` alone, so the same line runs on arrays (fast) and on Tensors (recorded, hence
derivatives of any order). A rule need not undo broadcasting: the engine does.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Any]


@dataclass(slots=True)
class Rule:
    """How to differentiate one function. Filled in by `rule`; read by the engine."""

    vjps: tuple[Any, ...]  # a function, or None, for each argument
    joint: Function | None
    reference: Function | None
    broadcasts: bool
    residuals: bool  # whether the function returns (value, residuals)
    positional: int  # how many arguments come by position before the options
    keywords: frozenset[str]  # the options that the rule understands
    constants: frozenset[int]  # the positions of the arguments without a derivative
    compute: Function  # what to call on arrays
    signature: inspect.Signature | None  # of the function, where Python knows it


RULES: dict[Function, Rule] = {}
COMPOSITES: dict[Function, Function] = {}
ZERO_DERIVATIVE: set[Function] = set()


def rule(
    function: Function,
    *vjps: Function | None,
    joint: Function | None = None,
    reference: Function | None = None,
    broadcasts: bool | None = None,
    residuals: bool = False,
    compute: Function | None = None,
) -> None:
    """Enter `function` into the table.

    `vjps`: one `(g, y, *args, **options) -> gradient` for each positional argument, None where there is none.
    `joint`: instead of them, one `(g, y, *args, **options) -> gradients`, a sequence with an entry for each argument,
        for functions whose gradients share their work.
    `reference`: a readable function with the same value. Give it when the rules are written for arrays alone: a
        derivative of higher order then goes through the reference.
    `broadcasts`: whether arguments are stretched to a common shape; True for element-wise ufuncs unless stated.
    `residuals`: whether the function returns, beside its value, what it kept for the way back: (value, residuals). The
        joint rule then is `(g, residuals, *args, **options) -> gradients`, for arrays alone, so it needs a `reference`.
    `compute`: what to call on arrays instead of `function` itself.
    """
    if bool(vjps) == (joint is not None):
        raise TypeError(f"rule({name_of(function)}): give either one rule for each argument or joint=, not both")
    if residuals and (joint is None or reference is None):
        raise TypeError(f"rule({name_of(function)}): residuals= goes with a joint rule and a reference")
    if broadcasts is None:
        broadcasts = isinstance(function, np.ufunc) and function.signature is None
    vjp = joint or next(filter(None, vjps), None)
    if vjp is None:
        raise TypeError(f"rule({name_of(function)}): no argument has a derivative; use zero_derivative instead")
    parameters = list(inspect.signature(vjp).parameters.values())  # such as g, y, x, axis=None
    keywords = frozenset(p.name for p in parameters if p.default is not p.empty)
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    positional = sys.maxsize if variadic else len(parameters) - 2 - len(keywords)
    if vjps and len(vjps) != positional:
        raise TypeError(
            f"rule({name_of(function)}): {len(vjps)} rules for {positional} arguments; give None for a constant"
        )
    constants = frozenset(i for i, vjp in enumerate(vjps) if vjp is None)
    try:
        signature = inspect.signature(function)
    except ValueError:
        signature = None
    RULES[function] = Rule(
        vjps, joint, reference, broadcasts, residuals, positional, keywords, constants, compute or function, signature
    )


def implements(function: Function) -> Callable[[Function], Function]:
    """Decorator: on Tensors, NumPy's `function` means the decorated one, written with functions that have rules."""

    def register(composite: Function) -> Function:
        COMPOSITES[function] = composite
        return composite

    return register


def zero_derivative(*functions: Function) -> None:
    """Declare functions that are piecewise constant (comparisons, floor, argmax): they return plain arrays."""
    ZERO_DERIVATIVE.update(functions)


def name_of(function: Function) -> str:
    """The name to show a user: `np.exp`, `np.linalg.inv`, `nade_logits`."""
    if isinstance(function, np.ufunc) and getattr(np, function.__name__, None) is function:
        return f"np.{function.__name__}"
    module = getattr(function, "__module__", None) or ""
    prefix = module.replace("numpy", "np", 1) + "." if module.startswith("numpy") else ""
    return prefix + getattr(function, "__name__", repr(function))
