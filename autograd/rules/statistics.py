"""Means, quantiles, covariances and counts, written with functions that have rules."""

import functools
import operator

import numpy as np

from autograd import backend
from autograd.arguments import plain
from autograd.engine import no_derivative
from autograd.rules.reductions import lines
from autograd.rules.shapes import scatter
from autograd.table import implements
from autograd.tensor import Tensor, as_array


@implements(np.average)
def average(a, axis=None, weights=None, returned=False, keepdims=False):
    """np.average on Tensors: Σ w x / Σ w along `axis`; if `returned`, the pair of the average and Σ w.

    weights: w, of a's shape or of its lengths along `axis`, by default 1. Raises ZeroDivisionError if weights add up
    to 0.
    """
    a = as_array(a)
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        total = np.full_like(plain(mean), a.size / mean.size)  # ZeroDivisionError if there is no mean
    else:
        weights = weights_beside(a, as_array(weights), axis)
        dtype = np.result_type(a.dtype, weights.dtype, *([] if a.dtype.kind == "f" else [float]))
        total = np.sum(weights, axis=axis, keepdims=keepdims, dtype=dtype)
        if np.any(total == 0):
            raise ZeroDivisionError(f"np.average: weights along axis {axis} add up to 0")
        mean = np.sum(a * weights, axis=axis, keepdims=keepdims, dtype=dtype) / total
    return (mean, np.broadcast_to(total, mean.shape)) if returned else mean


def weights_beside(a, weights, axis):
    """`weights` in a shape that broadcasts with `a`.

    weights: of the shape of `a`, or of its lengths along `axis`, one or several. Raises TypeError if weights of another
    shape than `a` come without `axis`, and ValueError if the lengths do not fit.
    """
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise TypeError(f"weights of shape {weights.shape} for an array of shape {a.shape} need axis=")
    axes = [range(a.ndim)[i] for i in np.atleast_1d(axis)]
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise ValueError(
            f"np.average: weights of shape {weights.shape} do not fit axes {axes} of an array of shape {a.shape}"
        )
    weights = np.transpose(weights, np.argsort(axes).tolist())
    return np.reshape(weights, [n if i in axes else 1 for i, n in enumerate(a.shape)])


# -- order statistics


@implements(np.quantile)
def quantile(a, q, axis=None, overwrite_input=False, method="linear", keepdims=False):
    """np.quantile on Tensors: the quantiles q along `axis`, with derivatives by `a` alone. The axes of q come first.

    q: a fraction from 0 to 1 or several. NumPy's quantile of 0, 1, 2, …, n − 1 is itself a place among n sorted
    elements, by every `method`. Between two places the value lies on the straight line between their elements. A NaN
    along `axis` makes the value NaN. Raises TypeError for a q that requires a gradient. `overwrite_input` has no
    effect.
    """
    a, q = constant_beside(a, q)
    columns, order = lines(a, axis)  # (…, n)
    place = np.asarray(np.quantile(np.arange(columns.shape[-1]), q, method=method))
    below, above = np.floor(place).astype(int), np.ceil(place).astype(int)
    line = np.sort(columns, axis=-1)
    low, high = (line[..., backend.beside(i, line)] for i in (below, above))
    share = backend.beside(place - below, line)
    found = np.where(share == 0, low, low + (high - low) * share)  # (…, *q.shape)
    last = np.isnan(line[..., -1]).reshape(line.shape[:-1] + (1,) * place.ndim)
    found = np.where(last, np.nan, found).astype(dtype_of_quantile(a, q, method))
    return with_axes_of_q_first(found, a, order, place.ndim, keepdims)


def constant_beside(a, q):
    """(a as a Tensor, q without Tensors): the arguments of a quantile, with derivatives by `a` alone.

    Raises TypeError if q is a Tensor that requires a gradient.
    """
    if getattr(as_array(q), "requires_grad", False):
        raise no_derivative(np.quantile, [1])
    return a if isinstance(a, Tensor) else Tensor(as_array(a)), plain(q)


def dtype_of_quantile(a, q, method):
    """The dtype of np.quantile(a, q, method=method)."""
    return np.quantile(np.zeros(1, a.dtype), q, method=method).dtype


def with_axes_of_q_first(found, a, order, q_ndim, keepdims):
    """`found` with its last q_ndim axes moved to the front:  (…, *q.shape) → (*q.shape, …).

    a: the array that was reduced; order: the permutation from `lines`; keepdims: keep the reduced axes of `a`, with
    length 1.
    """
    kept = order[: found.ndim - q_ndim]
    found = np.moveaxis(found, range(found.ndim - q_ndim, found.ndim), range(q_ndim))
    if not keepdims:
        return found
    return found.reshape(found.shape[:q_ndim] + tuple(n if i in kept else 1 for i, n in enumerate(a.shape)))


@implements(np.nanquantile)
def nanquantile(a, q, axis=None, overwrite_input=False, method="linear", keepdims=False):
    """np.nanquantile on Tensors: `np.quantile` of the elements along `axis` that are not NaN; NaN where all are."""
    a, q = constant_beside(a, q)
    if a.size == 0:
        return Tensor(np.nanquantile(a.data, q, axis=axis, keepdims=keepdims))
    if not np.any(np.isnan(a)):
        return np.quantile(a, q, axis, method=method, keepdims=keepdims)
    columns, order = lines(a, axis)
    found = []
    for line in columns.reshape(-1, columns.shape[-1]):
        numbers = line[~np.isnan(line)]
        found.append(np.quantile(numbers if numbers.size else line[:1], q, method=method))
    quantiles = np.stack(found).reshape(columns.shape[:-1] + found[0].shape)
    return with_axes_of_q_first(quantiles, a, order, np.ndim(q), keepdims)


@implements(np.median)
def median(a, axis=None, overwrite_input=False, keepdims=False):
    """np.median on Tensors: the middle number along `axis` in rising order, or the mean of the two in the middle.

    A NaN along `axis` makes the median NaN.
    """
    a = as_array(a)
    if a.size == 0:
        return as_array(np.median(plain(a), axis=axis, keepdims=keepdims))
    columns, order = lines(a, axis)
    line = np.sort(columns.astype(float) if a.dtype.kind in "biu" else columns, axis=-1)  # NaN comes last
    half = line.shape[-1] // 2
    middle = line[..., half] if line.shape[-1] % 2 else (line[..., half - 1] + line[..., half]) / 2
    return with_axes_of_q_first(np.where(np.isnan(line[..., -1]), line[..., -1], middle), a, order, 0, keepdims)


@implements(np.nanmedian)
def nanmedian(a, axis=None, overwrite_input=False, keepdims=False):
    """np.nanmedian on Tensors: the median of the elements along `axis` that are not NaN; NaN where all are."""
    a = as_array(a)
    if a.dtype.kind != "f":
        return np.median(a, axis, keepdims=keepdims)
    return np.nanquantile(a, 0.5, axis, keepdims=keepdims)


implements(np.percentile, lambda a, q, **options: np.quantile(a, hundredths(q), **options))
implements(np.nanpercentile, lambda a, q, **options: np.nanquantile(a, hundredths(q), **options))


def hundredths(q):
    """q / 100, percent as a fraction. A Python number stays one, so that it does not decide the dtype."""
    return q / 100 if isinstance(q, int | float | Tensor) else np.true_divide(q, 100)


# -- covariances


@implements(np.cov)
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, dtype=None):
    """np.cov on Tensors: Σ w (x − x̄)(x − x̄)ᵀ / n over observations, the columns of m, or its rows if not `rowvar`.

    y: further variables. n = Σ w − ddof, or Σ w − ddof Σ w·aweights / Σ w with aweights. ddof: by default 1, or 0 if
    `bias`. fweights, aweights: how often each observation was made, how much it counts; w is their product, 1 without
    them. x̄ is the mean weighted with w.
    """
    rows = rows_of_variables(m, rowvar, dtype)
    if y is not None:
        rows = np.concatenate([rows, rows_of_variables(y, rowvar, dtype)], axis=0)
    w = weights_of_observations(rows, fweights, aweights)
    total = rows.shape[1] if w is None else np.sum(w)
    mean = np.mean(rows, axis=1) if w is None else np.average(rows, axis=1, weights=w)
    ddof = (0 if bias else 1) if ddof is None else ddof
    of_one = 1 if aweights is None or ddof == 0 else np.sum(w * as_array(aweights)) / total
    n = total - ddof * of_one
    deviations = rows - mean[:, None]
    products = (deviations if w is None else deviations * w) @ deviations.T
    return np.squeeze(products * np.true_divide(1, np.maximum(n, 0))).astype(rows.dtype)


def rows_of_variables(m, rowvar, dtype):
    """`m`, a vector or matrix, as a matrix with a row for each variable, in `dtype`, or at least float64 for None.

    rowvar: whether a row of m is a variable already; a vector is one variable. Raises ValueError if m has more than two
    axes.
    """
    m = as_array(m)
    if m.ndim > 2:
        raise ValueError(f"np.cov takes a vector or a matrix, got shape {m.shape}")
    rows = np.atleast_2d(m).astype(np.result_type(m.dtype, float) if dtype is None else dtype)
    return rows.T if not rowvar and m.ndim == 2 else rows


def weights_of_observations(rows, fweights, aweights):
    """fweights · aweights, vectors with a weight for each column of `rows`; None if both are None.

    fweights: how often each observation was made; aweights: how much it counts. Raises TypeError if fweights are not
    whole, ValueError if weights are negative, and RuntimeError if their shape does not fit.
    """
    if fweights is not None and np.any(np.rint(fweights) != plain(fweights)):
        raise TypeError("np.cov: fweights must be whole numbers")
    given = [as_array(w) for w in (fweights, aweights) if w is not None]
    for w in given:
        if w.ndim != 1 or w.size != rows.shape[1]:
            raise RuntimeError(f"np.cov: {rows.shape[1]} observations need as many weights, got shape {w.shape}")
        if np.any(w < 0):
            raise ValueError("np.cov: weights must not be negative")
    return functools.reduce(operator.mul, given) if given else None


@implements(np.corrcoef)
def corrcoef(x, y=None, rowvar=True, dtype=None):
    """np.corrcoef on Tensors: the covariances of `np.cov` divided by the standard deviations of both variables."""
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    d = np.sqrt(np.diagonal(c))
    r = c / d[:, None] / d[None, :]
    return r + (np.clip(plain(r), -1, 1) - plain(r))  # cuts the rounding of the value; the derivative stays


# -- counts


def counts(function, *arrays, **options):
    """function(*arrays, **options) on plain arrays: a histogram, which is piecewise constant.

    `function` takes no weights here. `np.bincount` does, with a derivative by the weights.
    """
    return function(*plain(arrays), **{name: plain(option) for name, option in options.items()})


# fmt: off
implements(np.histogram,   lambda a, bins=10, range=None, density=None:
                               counts(np.histogram, a, bins=bins, range=range, density=density))
implements(np.histogram2d, lambda x, y, bins=10, range=None, density=None:
                               counts(np.histogram2d, x, y, bins=bins, range=range, density=density))
implements(np.histogramdd, lambda sample, bins=10, range=None, density=None:
                               counts(np.histogramdd, sample, bins=bins, range=range, density=density))
# fmt: on


@implements(np.bincount)
def bincount(x, weights=None, minlength=0):
    """np.bincount on Tensors: for each whole number how often it occurs in x, or the sum of the weights beside it.

    minlength: the least length of the result. The derivative is by the weights alone. Raises ValueError if x and
    weights differ in shape.
    """
    x = plain(x)
    if not isinstance(weights, Tensor) or np.size(x) == 0:
        return np.bincount(x, plain(weights), minlength)
    if np.shape(x) != weights.shape:
        raise ValueError(
            f"np.bincount needs a weight for each number: weights of shape {weights.shape}, numbers of {np.shape(x)}"
        )
    length = np.bincount(x, minlength=minlength).size
    return scatter(weights.astype(float), backend.asarray(x), (length,))


@implements(np.unique)
def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, equal_nan=True):
    """np.unique on Tensors: the different elements of `ar`, or slices along `axis`, rising.

    The gradient goes to the first of equal ones. equal_nan: NaNs are equal. return_index, return_inverse,
    return_counts: return a tuple, with these arrays after the elements.
    """
    ar = as_array(ar)
    found = np.unique(
        plain(ar), True, return_inverse=return_inverse, return_counts=return_counts, axis=axis, equal_nan=equal_nan
    )
    values = np.ravel(ar)[found[1]] if axis is None else np.take(ar, found[1], axis)
    results = (values, *(found[1:] if return_index else found[2:]))
    return results if len(results) > 1 else values
