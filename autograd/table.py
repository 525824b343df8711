"""The table of derivatives: one entry for each differentiable function, one rule for each of its arguments.

A rule is a vector-Jacobian product. For y = f(a, b) and a scalar loss L it takes g = ∂L/∂y and returns ∂L/∂a:

    rule(np.multiply, lambda g, y, a, b: g * b,      # with respect to a
                      lambda g, y, a, b: g * a)      # with respect to b

Rules use operators and `np.*` alone, so the same line runs on arrays (fast) and on Tensors (recorded, hence derivatives
of any order). A rule need not undo broadcasting: the engine does.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

Function = Callable[..., Any]


@dataclass(slots=True)
class Rule:
    """How to differentiate one function. `rule` makes it, the engine reads it.

    vjps: for each argument a function (g, y, *args, **options) → ∂L/∂argument, or None. g: ∂L/∂y; y: the function's
        value.
    joint: in place of `vjps`, one function that returns the gradients of all arguments, or None.
    reference: a readable function of the same value, which derivatives of higher order go through, or None.
    broadcasts: whether the function stretches its arguments to a common shape.
    residuals: whether the function returns (value, residuals), of which `joint` takes the residuals in place of y.
    positional: the number of arguments that come by position, before the options; `sys.maxsize` for any number.
    keywords: the names of the options that the rule understands.
    constants: the positions of the arguments without a derivative, counted from 0.
    compute: the function to call on arrays.
    """

    vjps: tuple[Any, ...]
    joint: Function | None
    reference: Function | None
    broadcasts: bool
    residuals: bool
    positional: int
    keywords: frozenset[str]
    constants: frozenset[int]
    compute: Function


@dataclass(slots=True)
class Composite:
    """A function, written with functions that have rules, that runs on Tensors in place of a function of NumPy.

    function: the function that runs.
    positional: the number of its arguments that come by position, before the options; `sys.maxsize` for any number.
    keywords: the names of the options that it understands.
    """

    function: Function
    positional: int
    keywords: frozenset[str]


RULES: dict[Function, Rule] = {}
COMPOSITES: dict[Function, Composite] = {}
ZERO_DERIVATIVE: set[Function] = set()
REFUSED: dict[Function, str] = {}


def rule(
    function: Function,
    *vjps: Function | None,
    joint: Function | None = None,
    reference: Function | None = None,
    broadcasts: bool | None = None,
    residuals: bool = False,
    compute: Function | None = None,
) -> None:
    """Enter `function` into the table, in place of an earlier entry, with the derivative by each of its arguments.

    vjps: for each positional argument one `(g, y, *args, **options) -> gradient`, None where there is no derivative. g
        is ∂L/∂y, the gradient of the loss L by the function's value y; args and options are those of the call; the
        gradient is ∂L/∂argument. Where the function stretched the argument, the engine sums the gradient to its shape.
    joint: instead of `vjps`, one `(g, y, *args, **options) -> gradients`, a sequence with an entry for each argument,
        for functions whose gradients share their work.
    reference: a readable function with the same value. Give it when the rules are written for arrays alone: a
        derivative of higher order then goes through the reference.
    broadcasts: whether arguments are stretched to a common shape; by default True for element-wise ufuncs alone.
    residuals: whether the function returns (value, residuals), residuals being what it kept for the backward pass. The
        joint rule then is `(g, residuals, *args, **options) -> gradients`, for arrays alone, so it needs a `reference`.
    compute: what to call on arrays instead of `function` itself.

    Raises TypeError if there are both vjps and joint or neither, if the number of vjps is not that of the arguments
    that the first of them takes, if all are None, or if residuals lack a joint rule or a reference.
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
    positional, keywords = _parameters(vjp)  # such as g, y, x, axis=None
    positional = positional if positional == sys.maxsize else positional - 2
    if vjps and len(vjps) != positional:
        raise TypeError(
            f"rule({name_of(function)}): {len(vjps)} rules for {positional} arguments; give None for a constant"
        )
    constants = frozenset(i for i, vjp in enumerate(vjps) if vjp is None)
    RULES[function] = Rule(
        vjps, joint, reference, broadcasts, residuals, positional, keywords, constants, compute or function
    )


def implements(function: Function | str, composite: Function | None = None) -> Any:
    """Let a call of NumPy's `function` on Tensors run `composite`, which is written with functions that have rules.

    function: a function, or its name in quotes where not every supported version of NumPy has it: an unknown name is
        skipped.
    composite: by position it gets as many arguments as it has parameters without a default. All others come by NumPy's
        names for them; an option at NumPy's default is not passed. Without `composite`, `implements(function)` is a
        decorator; with it, None is returned.

    Where `function` has a derivative rule too, the composite runs only for calls that the rule does not understand.
    """
    if composite is None:
        return lambda composite: implements(function, composite) or composite
    for f in _existing(function):
        COMPOSITES[f] = Composite(composite, *_parameters(composite, passed_on=f))
    return None


def zero_derivative(*functions: Function | str) -> None:
    """Declare functions that are piecewise constant (comparisons, floor, argmax): on Tensors they return plain arrays.

    functions: functions, or their names in quotes where not every supported version of NumPy has them: an unknown name
        is skipped.
    """
    ZERO_DERIVATIVE.update(_existing(*functions))


def refuse(reason: str, *functions: Function | str) -> None:
    """Declare functions that take no Tensor: a call with one raises TypeError with this reason.

    reason: why, and what to write instead; functions: functions, or names in quotes as in `zero_derivative`.
    """
    REFUSED.update(dict.fromkeys(_existing(*functions), reason))


def _parameters(function: Function, passed_on: Function | None = None) -> tuple[int, frozenset[str]]:
    """The number of the function's parameters without a default, and the names of those with one.

    A function with `**options` hands them on to the function `passed_on`, and so it has the names of that one too.
    """
    parameters = inspect.signature(function).parameters.values()
    kinds = {p.kind for p in parameters}
    keywords = {p.name for p in parameters if p.default is not p.empty}
    positional = sum(p.default is p.empty and p.kind is not p.VAR_KEYWORD for p in parameters)
    if passed_on and inspect.Parameter.VAR_KEYWORD in kinds:
        keywords |= set(inspect.signature(passed_on).parameters)
    return sys.maxsize if inspect.Parameter.VAR_POSITIONAL in kinds else positional, frozenset(keywords)


def _existing(*functions: Function | str) -> Iterator[Function]:
    """The functions, and for each name the function that this version of NumPy has under it, if any."""
    for function in functions:
        try:
            yield attrgetter(function)(np) if isinstance(function, str) else function
        except AttributeError:
            continue


def name_of(function: Function) -> str:
    """The name of `function` to show a user: "np.exp", "np.linalg.inv", "nade_logits"."""
    if isinstance(function, np.ufunc) and getattr(np, function.__name__, None) is function:
        return f"np.{function.__name__}"
    module = getattr(function, "__module__", None) or ""
    prefix = module.replace("numpy", "np", 1) + "." if module.startswith("numpy") else ""
    return prefix + getattr(function, "__name__", repr(function))
