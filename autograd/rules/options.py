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
    """`x` as an array or a Tensor in `dtype`; in its own dtype if `dtype` is None."""
    x = as_array(x)
    return x if dtype is None else x.astype(dtype)


def in_floats(x):
    """`x` as an array or a Tensor, in float64 unless it has floating-point numbers (or complex ones, in an array)."""
    x = as_array(x)
    return x if x.dtype.kind in "fc" else x.astype(float)


def common_dtype(*values):
    """The dtype of a result of `values`: arrays, Tensors and numbers. Of Python numbers the kind alone counts."""
    return np.result_type(*(v if isinstance(v, int | float) else as_array(v).dtype for v in values))


def without_nan(a, otherwise):
    """`a` with the number `otherwise` in place of each NaN."""
    a = as_array(a)
    return np.where(np.isnan(a), a.dtype.type(otherwise), a) if a.dtype.kind == "f" else a


def numbers(a, where):
    """Where `a` is not NaN and the mask `where` is True, as booleans; `where` itself if `a` cannot hold NaN."""
    a = as_array(a)
    if a.dtype.kind != "f":
        return where
    return ~np.isnan(a) & mask_of(a, where)


def inexact(a, dtype=None, **options):
    """`a` itself. Raises TypeError if `a` has floating-point numbers and `dtype` is of another kind.

    options: ignored; those of the reduction that calls this.
    """
    if dtype is not None and as_array(a).dtype.kind == "f" and np.dtype(dtype).kind != "f":
        raise TypeError(f"the mean of floating-point numbers cannot be {np.dtype(dtype)}")
    return a


def nan_spread(function, a, where, **options):
    """The variance or standard deviation of the n elements of `a` that count and are not NaN.

    NaN where n ≤ ddof, if `a` has floating-point numbers. function: np.var or np.std; where: a mask of the elements
    that count; options: others of `function`, as axis and ddof.
    """
    a = inexact(as_array(a), **options)
    found = function(a, where=numbers(a, where), **options)
    if a.dtype.kind != "f":
        return found
    n = count(a, options.get("axis"), options.get("keepdims", False), numbers(a, where))
    ddof = one_of(options.get("ddof", 0), options.get("correction"))
    return np.where(n <= ddof, np.nan, found).astype(options.get("dtype") or a.dtype)


def mask_of(a, where):
    """The mask `where` as booleans in the shape of `a`, read-only. Raises ValueError if it has more axes than `a`."""
    where = np.not_equal(plain(where), 0)
    if np.ndim(where) > a.ndim:
        raise ValueError(f"where= has shape {np.shape(where)}, which does not stretch to that of the array, {a.shape}")
    return np.broadcast_to(backend.beside(where, a), a.shape)


def only_where(where, a, otherwise):
    """`a` with the number `otherwise` in the places where the mask `where` is False."""
    return a if where is True else np.where(mask_of(a, where), a, of_dtype(otherwise, a))


def of_dtype(number, x):
    """`number`, a Python number or a Tensor, in the dtype of `x`."""
    return number.astype(x.dtype) if isinstance(number, Tensor) else x.dtype.type(number)


@implements(np.sum)
def sum_with_options(a, axis=None, dtype=None, keepdims=False, initial=0, where=True):
    """np.sum on Tensors with any option: `initial` plus Σ of the elements where the mask `where` is True."""
    total = np.sum(only_where(where, in_dtype(a, dtype), 0), axis=axis, keepdims=keepdims)
    return total + of_dtype(initial, total)


@implements(np.prod)
def prod_with_options(a, axis=None, dtype=None, keepdims=False, initial=1, where=True):
    """np.prod on Tensors with any option: `initial` times Π of the elements where the mask `where` is True."""
    product = np.prod(only_where(where, in_dtype(a, dtype), 1), axis=axis, keepdims=keepdims)
    return product * of_dtype(initial, product)


@implements(np.max)
def max_with_options(a, axis=None, keepdims=False, initial=None, where=True):
    """np.max on Tensors with any option: the largest of `initial` and the elements where the mask `where` is True."""
    return extreme(np.max, np.maximum, as_array(a), axis, keepdims, initial, where)


@implements(np.min)
def min_with_options(a, axis=None, keepdims=False, initial=None, where=True):
    """np.min on Tensors with any option: the smallest of `initial` and the elements where the mask `where` is True."""
    return extreme(np.min, np.minimum, as_array(a), axis, keepdims, initial, where)


def extreme(of_many, of_two, a, axis, keepdims, initial, where):
    """np.max or np.min of `a` with any option: elements that do not count are replaced by `initial`.

    of_many, of_two: np.max and np.maximum, or np.min and np.minimum; axis, keepdims, initial, where: as in np.max.
    Raises ValueError if a mask `where` comes without `initial`.
    """
    if initial is None:
        if where is not True:
            raise ValueError(f"np.{of_many.__name__} with where= needs initial=, the result where no element counts")
        return of_many(a, axis=axis, keepdims=keepdims)
    initial = of_dtype(initial, a)
    mask_of(a, where)
    if a.size == 0:
        shape = of_many(plain(a), axis=axis, keepdims=keepdims, initial=0).shape
        return as_array(np.broadcast_to(initial, shape))
    return of_two(of_many(only_where(where, a, initial), axis=axis, keepdims=keepdims), initial)


@implements(np.nanmax)
def nanmax(a, axis=None, keepdims=False, initial=None, where=True):
    """np.nanmax on Tensors: the largest of `initial` and the elements that are not NaN.

    Without `initial`: NaN where all elements are NaN, and ValueError for a mask `where` or for no elements.
    """
    return nan_extreme(np.max, -np.inf, as_array(a), axis, keepdims, initial, where)


@implements(np.nanmin)
def nanmin(a, axis=None, keepdims=False, initial=None, where=True):
    """np.nanmin on Tensors: the smallest of `initial` and the elements that are not NaN.

    Without `initial`: NaN where all elements are NaN, and ValueError for a mask `where` or for no elements.
    """
    return nan_extreme(np.min, np.inf, as_array(a), axis, keepdims, initial, where)


def nan_extreme(of_many, neutral, a, axis, keepdims, initial, where):
    """The largest or smallest of `initial` and the elements of `a` that are not NaN.

    Without `initial`, NaN where all are. of_many: np.max or np.min; neutral: −∞ or ∞, which changes no result; axis,
    keepdims, initial, where: as in np.nanmax. Raises ValueError without `initial` if `axis` has length 0 or there is a
    mask `where`.
    """
    options = {"axis": axis, "keepdims": keepdims}
    if initial is not None or a.dtype.kind != "f":
        given = {} if initial is None else {"initial": initial}
        return of_many(a, **options, **given, where=numbers(a, where))
    if where is not True:
        raise ValueError(f"np.nan{of_many.__name__} with where= needs initial=, the result where no element counts")
    of_many(plain(a), axis=axis)  # raises for an array without elements
    found = of_many(a, **options, initial=neutral, where=~np.isnan(a))
    return np.where(np.all(np.isnan(a), **options), a.dtype.type(np.nan), found)


@implements(np.mean)
def mean_with_options(a, axis=None, dtype=None, keepdims=False, where=True):
    """np.mean on Tensors with any option: Σ of the elements where the mask `where` is True, divided by their number."""
    a = in_dtype(a, dtype)
    if where is True:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
    else:
        mean = np.sum(a, axis=axis, keepdims=keepdims, where=where) / count(a, axis, keepdims, where)
    return mean if dtype is None else mean.astype(dtype)


def count(a, axis, keepdims, where):
    """The number of elements along `axis` for which the mask `where` is True, in the dtype of a mean of `a`.

    keepdims: keep the axes, with length 1.
    """
    n = np.sum(mask_of(a, where), axis=axis, keepdims=keepdims)
    return as_array(n).astype(a.dtype if a.dtype.kind == "f" else float)


@implements(np.var)
def var_with_options(a, axis=None, dtype=None, ddof=0, keepdims=False, where=True, mean=None, correction=None):
    """np.var on Tensors with any option: Σ (x − mean)² / (n − ddof) over the n elements where the mask `where` is True.

    mean: broadcasts with `a`, by default the mean of these elements; correction: another name of `ddof`.
    """
    a, ddof = in_dtype(a, dtype), one_of(ddof, correction)
    if where is True and mean is None:
        return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)
    a = in_floats(a)
    mean = np.mean(a, axis=axis, keepdims=True, where=where) if mean is None else mean
    a = only_where(where, a, 0)  # an element that does not count may be NaN, its derivative must not
    squares = np.sum(np.square(a - mean), axis=axis, keepdims=keepdims, where=where)
    return squares / np.maximum(count(a, axis, keepdims, where) - ddof, 0).astype(squares.dtype)


@implements(np.std)
def std_with_options(a, axis=None, dtype=None, ddof=0, keepdims=False, where=True, mean=None, correction=None):
    """np.std on Tensors with any option: the square root of np.var with the same options."""
    a, ddof = in_dtype(a, dtype), one_of(ddof, correction)
    if where is True and mean is None:
        deviation = np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)
    else:
        given = {} if mean is None else {"mean": mean}
        deviation = np.sqrt(np.var(a, axis=axis, ddof=ddof, keepdims=keepdims, where=where, **given))
    return deviation if dtype is None else deviation.astype(dtype)


def one_of(ddof, correction):
    """The value of the option with two names, `ddof` and `correction`. Raises ValueError for both unless ddof is 0."""
    if correction is not None and ddof != 0:
        raise ValueError("ddof and correction are one option: give one of them")
    return ddof if correction is None else correction
