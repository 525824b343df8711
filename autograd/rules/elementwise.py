"""Derivatives of functions that act on each element, d f(x)/dx beside each f.

In a rule g is ∂L/∂y and y is the function's value. Where two arguments tie, as in max(x, 0) at 0, the derivative is the
second argument's alone: relu has slope 0 at 0. At a kink of one argument, as |x| at 0, it is 0.
"""

import math
from typing import Any

import numpy as np

from autograd.table import implements, rule, zero_derivative

LN2, LN10, DEGREE = math.log(2), math.log(10), math.pi / 180


def not_zero(y):
    """A divisor that may be 0 only where what it divides is 0 too."""
    return np.where(y == 0, 1, y)


NUMBER: Any = (int, float, np.generic)


def power_slope(a: Any, b: Any) -> Any:
    """∂aᵇ/∂a = b aᵇ⁻¹, and 0 where b = 0 (also at a = 0)."""
    if isinstance(b, NUMBER):
        return b * a ** (b - 1) if b else 0 * a
    return b * np.where((a == 0) & (b == 0), 1, a) ** (b - 1)


def exponent_slope(y, a):
    """∂aᵇ/∂b = aᵇ ln a, and 0 where a = 0."""
    if isinstance(a, NUMBER):
        return y * math.log(a or 1)
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
                     lambda g, y, a, b: -g * np.floor(a / b))
rule(np.power,       lambda g, y, a, b: g * power_slope(a, b),
                     lambda g, y, a, b: g * exponent_slope(y, a))
rule(np.maximum,     lambda g, y, a, b: g * (a > b),
                     lambda g, y, a, b: g * (b >= a))
rule(np.minimum,     lambda g, y, a, b: g * (a < b),
                     lambda g, y, a, b: g * (b <= a))
rule(np.logaddexp,   lambda g, y, a, b: g * np.exp(a - y),
                     lambda g, y, a, b: g * np.exp(b - y))
rule(np.logaddexp2,  lambda g, y, a, b: g * np.exp2(a - y),
                     lambda g, y, a, b: g * np.exp2(b - y))
rule(np.arctan2,     lambda g, y, a, b: g * b / (a * a + b * b),
                     lambda g, y, a, b: -g * a / (a * a + b * b))
rule(np.hypot,       lambda g, y, a, b: g * a / not_zero(y),
                     lambda g, y, a, b: g * b / not_zero(y))
rule(np.copysign,    lambda g, y, a, b: g * np.sign(a) * np.sign(y),
                     lambda g, y, a, b: 0 * g)

rule(np.positive,    lambda g, y, x: g)
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


@implements(np.clip)
def clip(x, a_min=None, a_max=None, *, min=None, max=None):
    """min(max(x, low), high), where None leaves that side open."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


@implements(np.nan_to_num)
def nan_to_num(x, nan=0.0):
    """`x` with its NaNs replaced by a constant, whose derivative is 0."""
    return np.where(np.isnan(x), nan, x)


# fmt: off
zero_derivative(
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.isclose, np.allclose, np.array_equal,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.any, np.all, np.count_nonzero,
    np.sign, np.signbit, np.heaviside, np.floor, np.ceil, np.trunc, np.rint, np.round, np.floor_divide,
    np.isnan, np.isinf, np.isfinite, np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero,
    np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.result_type,
)
# fmt: on
