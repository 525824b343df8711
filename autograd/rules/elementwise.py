"""Derivatives of functions that act on each element: the table has d f(x)/dx beside each f.

In a rule (g, y, *args), g is ∂L/∂y, the gradient of the loss L by the function's value y. Where two arguments tie, as
in max(x, 0) at 0, the derivative is the second argument's alone: relu has derivative 0 at 0. At a kink of one argument,
as |x| at 0, it is 0. Higher derivatives at a kink are those of the straight pieces beside it, 0. Where a length is 0,
as √(a² + b²) at 0, the first derivative is 0 and all higher ones are NaN: they grow without bound near there.
"""

import math
from typing import Any

import numpy as np

from autograd.table import implements, rule
from autograd.tensor import primitive

LN2, LN10, DEGREE = math.log(2), math.log(10), math.pi / 180


@primitive(lambda g, y, a, b: over_not_zero(g, b), lambda g, y, a, b: -over_not_zero(g * y, b), broadcasts=True)
def ratio(a, b):
    """a / b of each element: 0 where both are 0, NaN where b alone is. The derivatives where b = 0 are NaN."""
    return np.where(b == 0, np.where(a == 0, a, np.nan), a / np.where(b == 0, 1, b))


def over_not_zero(g, b):
    """g / b of each element, and NaN where b is 0, so that all derivatives of the result are NaN there too."""
    return np.where(b == 0, np.nan, g) / np.where(b == 0, 1, b)


def exp_of_difference(x, y):
    """eˣ⁻ʸ for x ≤ y, the share of eˣ in eʸ: 0 for y = −∞, NaN for y = NaN; for y = ∞, 1 if x is ∞, else 0."""
    finite = np.isfinite(y)
    beyond = np.where(np.isnan(y), y, x == np.inf)
    return np.where(finite, np.exp(np.where(finite, x, 0) - np.where(finite, y, 0)), beyond)


NUMBER: Any = (int, float, np.generic)


def power_slope(a: Any, b: Any) -> Any:
    """The derivative of aᵇ by a: b aᵇ⁻¹, and 0 for finite a where b = 0, also at a = 0."""
    if isinstance(b, NUMBER):
        return b * a ** (b - 1) if b else 0 * a
    return b * np.where((a == 0) & (b == 0), 1, a) ** (b - 1.0)


def exponent_slope(y, a):
    """The derivative of y = aᵇ by b: y ln a, and 0 where a = 0 ≤ b. It is NaN where a = 0 > b or a < 0."""
    if isinstance(a, NUMBER):
        return y * (math.log(a or 1) if a >= 0 else math.nan)
    return y * np.log(np.where(a == 0, 1, a))


# fmt: off
rule(np.add,         lambda g, y, a, b: g,
                     lambda g, y, a, b: g)
rule(np.subtract,    lambda g, y, a, b: g,
                     lambda g, y, a, b: -g)
rule(np.multiply,    lambda g, y, a, b: g * b,
                     lambda g, y, a, b: g * a)
rule(np.true_divide, lambda g, y, a, b: g / b,
                     lambda g, y, a, b: -g * y / b)
rule(np.remainder,   lambda g, y, a, b: g,
                     lambda g, y, a, b: -g * np.rint((a - y) / b))
rule(np.fmod,        lambda g, y, a, b: g,
                     lambda g, y, a, b: -g * np.rint((a - y) / b))
rule(np.power,       lambda g, y, a, b: g * power_slope(a, b),
                     lambda g, y, a, b: g * exponent_slope(y, a))
rule(np.maximum,     lambda g, y, a, b: g * (a > b),
                     lambda g, y, a, b: g * (b >= a))
rule(np.minimum,     lambda g, y, a, b: g * (a < b),
                     lambda g, y, a, b: g * (b <= a))
rule(np.fmax,        lambda g, y, a, b: g * ((a > b) | np.isnan(b)),
                     lambda g, y, a, b: g * ((b >= a) | np.isnan(a)))
rule(np.fmin,        lambda g, y, a, b: g * ((a < b) | np.isnan(b)),
                     lambda g, y, a, b: g * ((b <= a) | np.isnan(a)))
rule(np.logaddexp,   lambda g, y, a, b: g * exp_of_difference(a, y),
                     lambda g, y, a, b: g * exp_of_difference(b, y))
rule(np.logaddexp2,  lambda g, y, a, b: g * exp_of_difference(LN2 * a, LN2 * y),
                     lambda g, y, a, b: g * exp_of_difference(LN2 * b, LN2 * y))
rule(np.arctan2,     lambda g, y, a, b: g * (b / np.hypot(a, b)) / np.hypot(a, b),
                     lambda g, y, a, b: -g * (a / np.hypot(a, b)) / np.hypot(a, b))
rule(np.hypot,       lambda g, y, a, b: g * ratio(a, y),
                     lambda g, y, a, b: g * ratio(b, y))
rule(np.ldexp,       lambda g, y, a, n: np.ldexp(g, n), None)
rule(np.heaviside,   lambda g, y, x, at_zero: 0 * g,
                     lambda g, y, x, at_zero: g * (x == 0))
rule(np.copysign,    lambda g, y, a, b: g * np.sign(a) * np.sign(y),
                     lambda g, y, a, b: 0 * g)

rule(np.positive,    lambda g, y, x: g)
rule(np.conjugate,   lambda g, y, x: g)
rule(np.negative,    lambda g, y, x: -g)
rule(np.absolute,    lambda g, y, x: g * np.sign(x))
rule(np.fabs,        lambda g, y, x: g * np.sign(x))
rule(np.reciprocal,  lambda g, y, x: -g * y * y)
rule(np.square,      lambda g, y, x: g * 2 * x)
rule(np.sqrt,        lambda g, y, x: g / (2 * y))
rule(np.cbrt,        lambda g, y, x: g / (3 * y * y))
rule(np.exp,         lambda g, y, x: g * y)
rule(np.exp2,        lambda g, y, x: g * y * LN2)
rule(np.expm1,       lambda g, y, x: g * np.exp(x))
rule(np.log,         lambda g, y, x: g / x)
rule(np.log2,        lambda g, y, x: g / (x * LN2))
rule(np.log10,       lambda g, y, x: g / (x * LN10))
rule(np.log1p,       lambda g, y, x: g / (1 + x))
rule(np.deg2rad,     lambda g, y, x: g * DEGREE)
rule(np.rad2deg,     lambda g, y, x: g / DEGREE)
rule(np.radians,     lambda g, y, x: g * DEGREE)
rule(np.degrees,     lambda g, y, x: g / DEGREE)
rule(np.sin,         lambda g, y, x: g * np.cos(x))
rule(np.cos,         lambda g, y, x: -g * np.sin(x))
rule(np.tan,         lambda g, y, x: g * (1 + y * y))
rule(np.arcsin,      lambda g, y, x: g / np.sqrt(1 - x * x))
rule(np.arccos,      lambda g, y, x: -g / np.sqrt(1 - x * x))
rule(np.arctan,      lambda g, y, x: g / (1 + x * x))
rule(np.sinh,        lambda g, y, x: g * np.cosh(x))
rule(np.cosh,        lambda g, y, x: g * np.sinh(x))
rule(np.tanh,        lambda g, y, x: g * (1 - y * y))
rule(np.arcsinh,     lambda g, y, x: g / np.sqrt(x * x + 1))
rule(np.arccosh,     lambda g, y, x: g / np.sqrt(x * x - 1))
rule(np.arctanh,     lambda g, y, x: g / (1 - x * x))

rule(np.where,       None,
                     lambda g, y, condition, a, b: np.where(condition, g, 0),
                     lambda g, y, condition, a, b: np.where(condition, 0, g), broadcasts=True)
# fmt: on


NOT_GIVEN = object()


@implements(np.clip)
def clip(x, a_min=NOT_GIVEN, a_max=NOT_GIVEN, min=None, max=None):
    """np.clip on Tensors: min(max(x, low), high) of each element.

    low is `a_min` or `min`, high is `a_max` or `max`; None leaves that side open. Raises TypeError if a_min comes
    without a_max, or a_max without a_min, and ValueError if `min` or `max` come beside both.
    """
    if (a_min is NOT_GIVEN) != (a_max is NOT_GIVEN):
        raise TypeError("np.clip takes a_min and a_max together; give None for the side that stays open")
    if a_min is NOT_GIVEN:
        a_min = a_max = None
    elif min is not None or max is not None:
        raise ValueError("np.clip takes either a_min and a_max, or min and max; each side has one bound")
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None and high is None:
        return np.positive(x)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)
