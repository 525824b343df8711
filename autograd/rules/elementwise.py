"""Derivatives of functions that act on each element, d f(x)/dx beside each f.

In a rule g is ∂L/∂y and y is the function's value. Where two arguments tie, as in max(x, 0) at 0, the derivative is the
second argument's alone: relu has slope 0 at 0.
"""

import numpy as np

from autograd.table import rule, zero_derivative

# fmt: off
rule(np.add,         lambda g, y, a, b: g,
                     lambda g, y, a, b: g)
rule(np.subtract,    lambda g, y, a, b: g,
                     lambda g, y, a, b: -g)
rule(np.multiply,    lambda g, y, a, b: g * b,
                     lambda g, y, a, b: g * a)
rule(np.true_divide, lambda g, y, a, b: g / b,
                     lambda g, y, a, b: -g * y / b)
rule(np.power,       lambda g, y, a, b: g * b * a ** np.where(b == 0, 1, b - 1),       # b aᵇ⁻¹, and 0 at b = 0
                     lambda g, y, a, b: g * y * np.log(np.where(a == 0, 1, a)))        # aᵇ ln a, and 0 at a = 0
rule(np.maximum,     lambda g, y, a, b: g * (a > b),
                     lambda g, y, a, b: g * (b >= a))
rule(np.minimum,     lambda g, y, a, b: g * (a < b),
                     lambda g, y, a, b: g * (b <= a))
rule(np.logaddexp,   lambda g, y, a, b: g * np.exp(a - y),
                     lambda g, y, a, b: g * np.exp(b - y))

rule(np.negative,    lambda g, y, x: -g)
rule(np.absolute,    lambda g, y, x: g * np.sign(x))
rule(np.square,      lambda g, y, x: g * 2 * x)
rule(np.sqrt,        lambda g, y, x: g / (2 * y))
rule(np.exp,         lambda g, y, x: g * y)
rule(np.expm1,       lambda g, y, x: g * (y + 1))
rule(np.log,         lambda g, y, x: g / x)
rule(np.log1p,       lambda g, y, x: g / (1 + x))
rule(np.sin,         lambda g, y, x: g * np.cos(x))
rule(np.cos,         lambda g, y, x: -g * np.sin(x))
rule(np.tanh,        lambda g, y, x: g * (1 - y * y))

rule(np.where,       None,
                     lambda g, y, condition, a, b: np.where(condition, g, 0),
                     lambda g, y, condition, a, b: np.where(condition, 0, g), broadcasts=True)
# fmt: on

zero_derivative(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
zero_derivative(np.sign, np.floor, np.ceil, np.rint, np.isnan, np.isinf, np.isfinite, np.logical_not)
zero_derivative(np.argmax, np.argmin, np.shape, np.ndim, np.size)
