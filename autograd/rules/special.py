"""Derivatives of the functions of `scipy.special` that probability uses.

SciPy's element-wise functions are NumPy ufuncs, so `scipy.special.expit(t)` reaches a Tensor as `np.exp(t)` does. On
the device they have other implementations, which NumPy's protocols do not find: code that must run on both takes them
from here, `autograd.special.expit`. Here are also those that SciPy has as plain Python functions: `polygamma`,
`logsumexp`, `softmax` and `log_softmax`.
"""

import math
from typing import Any

import numpy as np
import scipy.special

from autograd import backend
from autograd.rules.reductions import spread
from autograd.table import rule
from autograd.tensor import primitive

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
ROOT_TWO_PI = math.sqrt(2 * math.pi)


def special(name, *vjps):
    """SciPy's function of this name, on host or device arrays and on Tensors, with its rules."""
    ufunc = getattr(scipy.special, name)
    on_arrays = backend.special(name)
    on_arrays.__name__ = name
    operation = primitive(*vjps, broadcasts=True)(on_arrays)
    rule(ufunc, *vjps, broadcasts=True, compute=on_arrays)
    return operation


def polygamma_gradient(g, y, n, x):
    """The derivative of one polygamma function is the next."""
    return g * polygamma(n + 1, x)


@primitive(None, polygamma_gradient)
def polygamma(n: Any, x: Any) -> Any:
    """dⁿ⁺¹ ln Γ(x) / dxⁿ⁺¹."""
    return backend.special("polygamma")(n, x).astype(x.dtype)


def one_at_zeros(a, b):
    """b, or 1 where a and b are both 0: there a ln b is taken to be flat."""
    return np.where((a == 0) & (b == 0), 1, b)


# fmt: off
expit =     special("expit",     lambda g, y, x: g * y * (1 - y))                      # σ(x) = 1 / (1 + e⁻ˣ)
log_expit = special("log_expit", lambda g, y, x: g * expit(-x))                        # ln σ(x)
logit =     special("logit",     lambda g, y, x: g / (x * (1 - x)))                    # ln x/(1−x)
erf =       special("erf",       lambda g, y, x: g * TWO_OVER_ROOT_PI * np.exp(-x * x))
erfc =      special("erfc",      lambda g, y, x: -g * TWO_OVER_ROOT_PI * np.exp(-x * x))
ndtr =      special("ndtr",      lambda g, y, x: g * np.exp(-x * x / 2) / ROOT_TWO_PI)       # Φ(x)
log_ndtr =  special("log_ndtr",  lambda g, y, x: g * np.exp(-x * x / 2 - y) / ROOT_TWO_PI)   # ln Φ(x)
digamma =   special("digamma",   lambda g, y, x: g * polygamma(1, x))
gammaln =   special("gammaln",   lambda g, y, x: g * digamma(x))
xlogy =     special("xlogy",     lambda g, y, a, b: g * np.log(one_at_zeros(a, b)),           # a ln b, and 0 at a = 0
                                 lambda g, y, a, b: g * a / one_at_zeros(a, b))
entr =      special("entr",      lambda g, y, x: -g * (np.log(x) + 1))                       # −x ln x
rel_entr =  special("rel_entr",  lambda g, y, a, b: g * (np.log(a / b) + 1),                 # a ln a/b
                                 lambda g, y, a, b: -g * a / b)
# fmt: on


@primitive(
    lambda g, y, x, axis=None, keepdims=False: spread(g, x, axis, keepdims) * np.exp(x - spread(y, x, axis, keepdims))
)
def logsumexp(x, axis=None, keepdims=False):
    """ln Σ eˣ along `axis`, without overflow; −∞ of nothing but −∞."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        y = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)


@primitive(lambda g, y, x, axis=-1: y * (g - np.sum(g * y, axis=axis, keepdims=True)))
def softmax(x, axis=-1):
    """eˣ / Σ eˣ along `axis`."""
    return np.exp(x - logsumexp(x, axis=axis, keepdims=True))


@primitive(lambda g, y, x, axis=-1: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True))
def log_softmax(x, axis=-1):
    """x − ln Σ eˣ along `axis`."""
    return x - logsumexp(x, axis=axis, keepdims=True)
