"""Options of reductions that their rules do not know: a sum with `where=` is a plain sum of other numbers."""

import numpy as np

from autograd import backend
from autograd.arguments import plain
from autograd.table import implements
from autograd.tensor import Tensor, as_array

# fmt: off
implements(np.amax, lambda a, **options: np.max(a, **options))
implements(np.amin, lambda a, **options: np.min(a, **options))
implements(np.ptp,  lambda a, axis=None, keepdims=False: np.max(a, axis, keepdims=keepdims)
                                                         - np.min(a, axis, keepdims=keepdims))
implements(np.cumsum,     lambda a, axis=None, dtype=None: np.cumsum(in_dtype(a, dtype), axis))
implements(np.nansum,     lambda a, **options: np.sum(without_nan(a, 0), **options))
implements(np.nanprod,    lambda a, **options: np.prod(without_nan(a, 1), **options))
implements(np.nancumsum,  lambda a, axis=None, dtype=None: np.cumsum(without_nan(a, 0), axis, dtype))
implements(np.nancumprod, lambda a, axis=None, dtype=None: np.cumprod(without_nan(a, 1), axis, dtype))
implements(np.nanmean,    lambda a, where=True, **options: np.mean(inexact(a, **options), where=numbers(a, where),
                                                                   **options))
implements(np.nanvar,     lambda a, where=True, **options: nan_spread(np.var, a, where, **options))
implements(np.nanstd,     lambda a, where=True, **options: nan_spread(np.std, a, where, **options))
# fmt: on


def in_dtype(x, dtype):
    """`x` as it is, or in the dtype that is asked for."""
    x = as_array(x)
    return x if dtype is None else x.astype(dtype)


def in_floats(x):
    """`x` as it is or, of whole numbers, in float64."""
    x = as_array(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def common_dtype(*values):
    """The dtype of a result of these values, where Python's numbers have no say, as in NumPy."""
    return np.result_type(*(v if isinstance(v, int | float) else as_array(v).dtype for v in values))


def without_nan(a, otherwise):
    """`a` with another number in place of each NaN."""
    a = as_array(a)
    return np.where(np.isnan(a), a.dtype.type(otherwise), a) if a.dtype.kind == "f" else a


def numbers(a, where):
    """Where `a` is a number and counts; True if that is everywhere."""
    a = as_array(a)
    if a.dtype.kind != "f":
        return where
    return ~np.isnan(a) & mask_of(a, where)


def inexact(a, dtype=None, **options):
    """`a`; a TypeError where NaN has no place in the dtype that is asked for."""
    if dtype is not None and as_array(a).dtype.kind == "f" and np.dtype(dtype).kind != "f":
        raise TypeError(f"the mean of floating-point numbers cannot be {np.dtype(dtype)}")
    return a


def nan_spread(function, a, where, **options):
    """`np.var` or `np.std` of what is not NaN; NaN where n ≤ ddof."""
    a = inexact(as_array(a), **options)
    found = function(a, where=numbers(a, where), **options)
    if a.dtype.kind != "f":
        return found
    n = count(a, options.get("axis"), options.get("keepdims", False), numbers(a, where))
    ddof = one_of(options.get("ddof", 0), options.get("correction"))
    return np.where(n <= ddof, np.nan, found).astype(options.get("dtype") or a.dtype)


def mask_of(a, where):
    """`where` as True and False in the shape of `a`."""
    where = np.not_equal(plain(where), 0)
    if np.ndim(where) > a.ndim:
        raise ValueError(f"where= has shape {np.shape(where)}, which does not stretch to that of the array, {a.shape}")
    return np.broadcast_to(backend.beside(where, a), a.shape)


def only_where(where, a, otherwise):
    """`a`, with a number that changes nothing in the places where `where` is False."""
    return a if where is True else np.where(mask_of(a, where), a, of_dtype(otherwise, a))


def of_dtype(number, x):
    """A number in the dtype of `x`."""
    return number.astype(x.dtype) if isinstance(number, Tensor) else x.dtype.type(number)


@implements(np.sum)
def sum_with_options(a, axis=None, dtype=None, keepdims=False, initial=0, where=True):
    """Σ of the elements where `where` is True, and `initial`."""
    total = np.sum(only_where(where, in_dtype(a, dtype), 0), axis=axis, keepdims=keepdims)
    return total + of_dtype(initial, total)


@implements(np.prod)
def prod_with_options(a, axis=None, dtype=None, keepdims=False, initial=1, where=True):
    """Π of the elements where `where` is True, and `initial`."""
    product = np.prod(only_where(where, in_dtype(a, dtype), 1), axis=axis, keepdims=keepdims)
    return product * of_dtype(initial, product)


@implements(np.max)
def max_with_options(a, axis=None, keepdims=False, initial=None, where=True):
    """The largest of `initial` and the elements where `where` is True."""
    return extreme(np.max, np.maximum, as_array(a), axis, keepdims, initial, where)


@implements(np.min)
def min_with_options(a, axis=None, keepdims=False, initial=None, where=True):
    """The smallest of `initial` and the elements where `where` is True."""
    return extreme(np.min, np.minimum, as_array(a), axis, keepdims, initial, where)


def extreme(of_many, of_two, a, axis, keepdims, initial, where):
    """The extreme element and `initial`: elements that do not count are replaced by `initial`."""
    if initial is None:
        if where is not True:
            raise ValueError(f"np.{of_many.__name__} with where= needs initial=, for lines where nothing counts")
        return of_many(a, axis=axis, keepdims=keepdims)
    initial = of_dtype(initial, a)
    mask_of(a, where)
    if a.size == 0:
        shape = of_many(plain(a), axis=axis, keepdims=keepdims, initial=0).shape
        return as_array(np.broadcast_to(initial, shape))
    return of_two(of_many(only_where(where, a, initial), axis=axis, keepdims=keepdims), initial)


@implements(np.nanmax)
def nanmax(a, axis=None, keepdims=False, initial=None, where=True):
    """The largest number that is not NaN; NaN where there is none."""
    return nan_extreme(np.max, -np.inf, as_array(a), axis, keepdims, initial, where)


@implements(np.nanmin)
def nanmin(a, axis=None, keepdims=False, initial=None, where=True):
    """The smallest number that is not NaN; NaN where there is none."""
    return nan_extreme(np.min, np.inf, as_array(a), axis, keepdims, initial, where)


def nan_extreme(of_many, neutral, a, axis, keepdims, initial, where):
    """The extreme of what is not NaN. Of nothing it is an error, unless there is an `initial` number."""
    options = {"axis": axis, "keepdims": keepdims}
    if initial is not None or a.dtype.kind != "f":
        given = {} if initial is None else {"initial": initial}
        return of_many(a, **options, **given, where=numbers(a, where))
    if where is not True:
        raise ValueError(f"np.nan{of_many.__name__} with where= needs initial=, for lines where nothing counts")
    of_many(plain(a), axis=axis)  # raises where there is nothing at all
    found = of_many(a, **options, initial=neutral, where=~np.isnan(a))
    return np.where(np.all(np.isnan(a), **options), a.dtype.type(np.nan), found)


@implements(np.mean)
def mean_with_options(a, axis=None, dtype=None, keepdims=False, where=True):
    """Σ of the elements where `where` is True, divided by their number."""
    a = in_dtype(a, dtype)
    if where is True:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
    else:
        mean = np.sum(a, axis=axis, keepdims=keepdims, where=where) / count(a, axis, keepdims, where)
    return mean if dtype is None else mean.astype(dtype)


def count(a, axis, keepdims, where):
    """How many elements count along `axis`, as numbers of the dtype of a mean of `a`."""
    n = np.sum(mask_of(a, where), axis=axis, keepdims=keepdims)
    return as_array(n).astype(a.dtype if a.dtype.kind == "f" else float)


@implements(np.var)
def var_with_options(a, axis=None, dtype=None, ddof=0, keepdims=False, where=True, mean=None, correction=None):
    """Σ (x − mean)² / (n − ddof) over the n elements where `where` is True; `correction` is another name of ddof."""
    a, ddof = in_dtype(a, dtype), one_of(ddof, correction)
    if where is True and mean is None:
        return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)
    a = in_floats(a)
    mean = np.mean(a, axis=axis, keepdims=True, where=where) if mean is None else mean
    a = only_where(where, a, 0)  # what does not count may be NaN, and its derivative must not be
    squares = np.sum(np.square(a - mean), axis=axis, keepdims=keepdims, where=where)
    return squares / np.maximum(count(a, axis, keepdims, where) - ddof, 0).astype(squares.dtype)


@implements(np.std)
def std_with_options(a, axis=None, dtype=None, ddof=0, keepdims=False, where=True, mean=None, correction=None):
    """√ of the variance with the same options."""
    a, ddof = in_dtype(a, dtype), one_of(ddof, correction)
    if where is True and mean is None:
        deviation = np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)
    else:
        given = {} if mean is None else {"mean": mean}
        deviation = np.sqrt(np.var(a, axis=axis, ddof=ddof, keepdims=keepdims, where=where, **given))
    return deviation if dtype is None else deviation.astype(dtype)


def one_of(ddof, correction):
    """The value of an option that has two names."""
    if correction is not None and ddof != 0:
        raise ValueError("ddof and correction are one option: give one of them")
    return ddof if correction is None else correction
