"""Derivatives of functions that reduce axes (sum, mean, max), and of running sums and products."""

import functools
import itertools
import math
import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.rules.elementwise import ratio
from autograd.rules.shapes import inverse_permutation
from autograd.table import implements, rule
from autograd.tensor import as_array, primitive


def mean(x, axis=None, keepdims=False):
    """np.mean of a plain array x, without np.mean's checks, which take longer than the sum of a small array.

    axis, keepdims: as in np.mean. float16, which NumPy adds up in float32, and 0-d arrays are left to np.mean.
    """
    if x.dtype.char == "e" or x.ndim == 0:
        return np.mean(x, axis=axis, keepdims=keepdims)
    total = x.sum(axis=axis, keepdims=keepdims)
    return total / (x.size / max(total.size, 1))


# fmt: off
rule(np.sum,     lambda g, y, x, axis=None, keepdims=False: spread(g, x, axis, keepdims))
rule(np.mean,    lambda g, y, x, axis=None, keepdims=False: spread(g * (y.size / max(x.size, 1)), x, axis, keepdims),
                 compute=mean)
rule(np.var,     lambda g, y, x, axis=None, ddof=0, keepdims=False:
                     spread(g, x, axis, keepdims) * 2 * deviation(x, axis) / freedom(x, y, ddof))
rule(np.std,     lambda g, y, x, axis=None, ddof=0, keepdims=False:
                     spread(g, x, axis, keepdims) * ratio(deviation(x, axis), spread(y, x, axis, keepdims))
                     / freedom(x, y, ddof))
rule(np.max,     lambda g, y, x, axis=None, keepdims=False: spread(g, x, axis, keepdims) * share(y, x, axis, keepdims))
rule(np.min,     lambda g, y, x, axis=None, keepdims=False: spread(g, x, axis, keepdims) * share(y, x, axis, keepdims))
rule(np.cumsum,  lambda g, y, x, axis=None: cumsum_to_the_end(g, axis).reshape(x.shape))
# fmt: on


def freedom(x, y, ddof):
    """max(n − ddof, 0): the divisor of each variance in y, to which n = x.size / y.size elements of x belong."""
    return np.maximum(x.size / max(y.size, 1) - ddof, 0.0)


def spread(g, x, axis, keepdims):
    """`g`, of the shape that a reduction of `x` over `axis` gives, repeated along these axes to the shape of x.

    keepdims: whether g has the reduced axes, with length 1.
    """
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, x.shape)


def share(y, x, axis, keepdims):
    """1 where `x` is the extreme value `y` along `axis`, 1/k where k elements tie for it, 0 elsewhere.  → x.shape

    y: np.max or np.min of x over `axis`, with the reduced axes if `keepdims`. Where y is NaN the result is NaN.
    """
    extreme = x == spread(y, x, axis, keepdims)
    return extreme / np.sum(extreme, axis=axis, keepdims=True)


def deviation(x, axis):
    """x minus its mean along `axis`, in the shape of x."""
    return x - np.mean(x, axis=axis, keepdims=True)


def cumsum_to_the_end(g, axis):
    """Σ_{j≥i} g_j along `axis` of g (None: of the flattened g): the transpose of a cumulative sum runs backward."""
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def lines(x, axis):
    """(x as (…, n), permutation): the axes of a reduction are moved to the end and made one, of length n.

    axis: an axis or several, None for all; permutation: the order of all axes of x, a tuple, as np.transpose takes it.
    """
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    kept = [a for a in range(x.ndim) if a not in axes]
    order = (*kept, *axes)
    n = math.prod(x.shape[a] for a in axes)
    return np.transpose(x, order).reshape(*(x.shape[a] for a in kept), n), order


def product_of_the_others(x):
    """Π_{j≠i} xⱼ for each element i of the last axis.  (…, n) → (…, n). Nothing is divided, so x may contain zeros."""
    ones = np.ones_like(x[..., :1])
    before = np.cumprod(np.concatenate([ones, x[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, x[..., :0:-1]], axis=-1), axis=-1)
    return before * after[..., ::-1]


def prod_gradient(g, y, x, axis=None, keepdims=False):
    """∂L/∂x for y = np.prod(x, axis), where g = ∂L/∂y: g times the product of all other factors.

    axis, keepdims: as np.prod was called with.
    """
    columns, order = lines(x, axis)
    gradient = product_of_the_others(columns).reshape([x.shape[a] for a in order])
    return spread(g, x, axis, keepdims) * np.transpose(gradient, inverse_permutation(order))


def prod_by_definition(x, axis=None, keepdims=False):
    """np.prod(x, axis) as x₁ x₂ … xₙ, one factor after the other: a form to differentiate more than once.

    keepdims: keep the reduced axes, with length 1.
    """
    columns, _ = lines(x, axis)
    one = 0 * np.sum(columns, axis=-1) + 1
    product = functools.reduce(operator.mul, [columns[..., i] for i in range(columns.shape[-1])], one)
    return product.reshape(np.sum(x, axis=axis, keepdims=keepdims).shape)


def running_product_gradient(g, y, x, axis):
    """∂L/∂x for y = np.cumprod(x, axis), where g = ∂L/∂y:  Σ_{j≥i} gⱼ yⱼ / xᵢ.

    Where xᵢ is the first zero along `axis`, yⱼ / xᵢ is the product with that factor left out.
    """
    zero = x == 0
    first = zero & (np.cumsum(zero, axis) == 1)
    divided = cumsum_to_the_end(g * y, axis) / np.where(zero, 1, x)
    left_out = cumsum_to_the_end(g * np.cumprod(np.where(first, 1, x), axis), axis)
    return np.where(first, left_out, divided)


def running_product_by_definition(x, axis):
    """x₁, x₁x₂, x₁x₂x₃, … along `axis` of x, by multiplications alone, so that it has derivatives of every order."""
    rows = np.moveaxis(x, axis, 0)
    if rows.shape[0] == 0:
        return np.positive(x)
    products = itertools.accumulate((rows[i] for i in range(rows.shape[0])), operator.mul)
    return np.moveaxis(np.stack(list(products)), 0, axis)


@primitive(running_product_gradient, None, reference=running_product_by_definition)
def running_product(x, axis):
    """x₁, x₁x₂, x₁x₂x₃, … along `axis` of x, in the shape of x: np.cumprod for an integer `axis`."""
    return np.cumprod(x, axis)


@implements(np.cumprod)
def cumprod(a, axis=None, dtype=None):
    """np.cumprod on Tensors, in another `dtype` if given. `axis` None: the running product of the flattened array."""
    a = as_array(a) if dtype is None else as_array(a).astype(dtype)
    return running_product(np.ravel(a), 0) if axis is None or a.ndim == 0 else running_product(a, axis)


rule(np.prod, prod_gradient, reference=prod_by_definition)
