"""Arrays put together from others: blocks, grids, choices by condition, results of functions along an axis."""

import functools
import itertools

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd import backend
from autograd.arguments import plain
from autograd.rules.options import common_dtype
from autograd.rules.shapes import positions, rearranged, scatter
from autograd.table import implements
from autograd.tensor import as_array


@implements(np.block)
def block(arrays):
    """np.block on Tensors: nested lists of arrays joined to one, the innermost lists along the last axis.

    The lists around them are joined along the axis before it, and so on.
    """
    depth = depth_of(arrays)
    ndim = max(depth, max(np.ndim(leaf) for leaf in leaves_of(arrays)))

    def joined(part, level):
        if not isinstance(part, list):
            part = as_array(part)
            return np.reshape(part, (1,) * (ndim - part.ndim) + part.shape)
        return np.concatenate([joined(p, level + 1) for p in part], axis=level - depth)

    return joined(arrays, 0)


def depth_of(arrays):
    """The depth of nested lists, 0 for an array.

    Raises ValueError if the depth differs inside `arrays` or a list is empty.
    """
    if not isinstance(arrays, list):
        return 0
    depths = {depth_of(part) for part in arrays}
    if len(depths) != 1:
        raise ValueError(f"np.block takes lists that are nested equally deep, and not empty; got depths {depths}")
    return 1 + depths.pop()


def leaves_of(arrays):
    """An iterable of all arrays inside the nested lists `arrays`."""
    return itertools.chain.from_iterable(map(leaves_of, arrays)) if isinstance(arrays, list) else [arrays]


@implements(np.insert)
def insert(arr, obj, values, axis=None):
    """np.insert on Tensors: `arr` with `values` before the positions `obj` along `axis`, in the dtype of `arr`.

    obj: one, several, or a slice. For axis=None `arr` is flattened.
    """
    arr, values = as_array(arr), as_array(values).astype(arr_dtype(arr))
    where = np.insert(positions(arr), plain(obj), np.size(arr) + positions(values), axis)
    return rearranged(np.concatenate([np.ravel(arr), np.ravel(values)]), where)


def arr_dtype(arr):
    """The dtype of `arr`, an array or a Tensor."""
    return as_array(arr).dtype


@implements(np.trim_zeros)
def trim_zeros(filt, trim="fb", axis=None):
    """np.trim_zeros on Tensors: `filt` without slices of nothing but 0 at the front ("f") and back ("b") along `axis`.

    axis: one or several, None for all. Raises ValueError for another `trim` than "f", "b", "fb" and "bf".
    """
    filt = as_array(filt)
    if trim.lower() not in ("f", "b", "fb", "bf"):
        raise ValueError(f'np.trim_zeros knows "f", "b" and "fb", got {trim!r}')
    axes = range(filt.ndim) if axis is None else normalize_axis_tuple(axis, filt.ndim)
    places = np.argwhere(filt)
    if len(places) == 0:
        return filt[tuple(slice(0 if i in axes else None) for i in range(filt.ndim))]
    first = [int(places[:, i].min()) if "f" in trim.lower() and i in axes else None for i in range(filt.ndim)]
    end = [int(places[:, i].max()) + 1 if "b" in trim.lower() and i in axes else None for i in range(filt.ndim)]
    return filt[tuple(map(slice, first, end))]


@implements(np.meshgrid)
def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    """np.meshgrid on Tensors: a tuple with each vector of `xi` as an array over the grid of all vectors.

    Vector i varies along axis i; for "xy" the first one along axis 1, the second along axis 0. sparse: each array has
    length 1 along the axes of the other vectors. copy: not used. Raises ValueError for another `indexing` than "xy" and
    "ij".
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f'np.meshgrid knows indexing "xy" and "ij", got {indexing!r}')
    n = len(xi)
    axes = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else range(n)
    grids = [np.reshape(x, [-1 if i == axis else 1 for i in range(n)]) for x, axis in zip(xi, axes, strict=True)]
    grids = list(map(as_array, grids))
    if not sparse and n > 0:
        grids = list(np.broadcast_arrays(*grids))
    return tuple(grids)


@implements(np.choose)
def choose(a, choices, mode="raise"):
    """np.choose on Tensors: in each place the element of choices[i] in that place, where i is the element of `a`.

    choices: arrays that broadcast with `a`; mode: as in `np.take`, but "raise" raises a ValueError.
    """
    dtype = common_dtype(*choices)
    choices = [as_array(choice).astype(dtype) for choice in choices]
    starts = np.cumsum([0, *(choice.size for choice in choices[:-1])])
    places = [n + positions(choice) for n, choice in zip(starts, choices, strict=True)]
    where = np.choose(backend.to_numpy(a), places, mode=mode)
    return rearranged(np.concatenate([np.ravel(choice) for choice in choices]), where)


@implements(np.select)
def select(condlist, choicelist, default=0):
    """np.select on Tensors: in each place the choice of the first condition that is True there, or `default`.

    Raises ValueError if there are no conditions, or not as many choices, and TypeError if a condition is not of
    booleans.
    """
    if len(condlist) != len(choicelist) or len(condlist) == 0:
        raise ValueError(f"np.select takes a choice for each condition, got {len(condlist)} and {len(choicelist)}")
    conditions = [as_array(plain(condition)) for condition in condlist]
    if any(condition.dtype != bool for condition in conditions):
        raise TypeError(
            f"np.select takes conditions of booleans, got {[str(condition.dtype) for condition in conditions]}"
        )
    found, dtype = default, common_dtype(*choicelist, default)
    for condition, choice in reversed(list(zip(conditions, choicelist, strict=True))):
        found = np.where(condition, choice, found)
    return found.astype(dtype)


@implements(np.piecewise)
def piecewise(x, condlist, funclist, *args, **kw):
    """np.piecewise on Tensors: in each place of `x` the value of the function that belongs to the last true condition.

    condlist: masks of x's shape; funclist: functions of (elements of x, *args, **kw), or numbers. A further one is for
    the places where no condition is true; without it the value is 0 there. The result has the dtype of x. Raises
    ValueError for another number of functions.
    """
    x = as_array(x)
    condlist = [condlist] if np.isscalar(condlist) or (np.ndim(plain(condlist[0])) == 0 and x.ndim > 0) else condlist
    conditions = [np.not_equal(plain(condition), 0) for condition in condlist]
    n = len(conditions)
    if len(funclist) == n + 1:
        conditions.append(~functools.reduce(np.logical_or, conditions))
    elif len(funclist) != n:
        raise ValueError(f"np.piecewise takes {n} or {n + 1} functions for {n} conditions, got {len(funclist)}")
    found = np.zeros_like(x.data)
    for condition, f in zip(conditions, funclist, strict=True):
        if not np.any(condition):
            continue
        there = as_array(f(x[condition], *args, **kw) if callable(f) else f).astype(x.dtype)
        values = np.broadcast_to(there, (int(np.count_nonzero(condition)),))
        found = np.where(condition, scatter(values, condition, x.shape), found)
    return found


@implements(np.apply_along_axis)
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    """np.apply_along_axis on Tensors: `func1d` of each vector along `axis`, whose place the axes of the results take.

    It calls func1d(vector, *args, **kwargs). Raises ValueError if there is no vector.
    """
    arr = as_array(arr)
    axis = range(arr.ndim)[axis]
    lines = np.moveaxis(arr, axis, -1)
    if 0 in lines.shape[:-1]:
        raise ValueError(f"np.apply_along_axis finds no vector along axis {axis} of an array of shape {arr.shape}")
    found = [as_array(func1d(lines[i], *args, **kwargs)) for i in np.ndindex(lines.shape[:-1])]
    result = np.reshape(np.stack(found), lines.shape[:-1] + found[0].shape)
    n = found[0].ndim
    return np.moveaxis(result, range(result.ndim - n, result.ndim), range(axis, axis + n))


@implements(np.apply_over_axes)
def apply_over_axes(func, a, axes):
    """np.apply_over_axes on Tensors: `a` becomes func(a, axis) for each axis. A removed axis stays, of length 1."""
    a = as_array(a)
    for axis in np.ravel(axes).tolist():
        axis = axis % max(a.ndim, 1)
        reduced = as_array(func(a, axis))
        a = reduced if reduced.ndim == a.ndim else np.expand_dims(reduced, axis)
    return a
