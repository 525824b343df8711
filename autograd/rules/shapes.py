"""Derivatives of functions that move, repeat or choose elements: the gradient moves back, and repeats add up."""

import operator
from functools import partial
from itertools import pairwise

import numpy as np

from autograd import backend
from autograd.arguments import plain
from autograd.table import implements, rule
from autograd.tensor import as_array, primitive

# fmt: off
rule(np.reshape,       lambda g, y, x, shape: g.reshape(x.shape), None)
rule(np.ravel,         lambda g, y, x: g.reshape(x.shape))
rule(np.squeeze,       lambda g, y, x, axis=None: g.reshape(x.shape))
rule(np.expand_dims,   lambda g, y, x, axis: g.reshape(x.shape), None)
rule(np.transpose,     lambda g, y, x, axes=None: np.transpose(g, inverse_permutation(axes)))
rule(np.swapaxes,      lambda g, y, x, axis1, axis2: np.swapaxes(g, axis1, axis2), None, None)
rule(np.moveaxis,      lambda g, y, x, source, destination: np.moveaxis(g, destination, source), None, None)
rule(np.flip,          lambda g, y, x, axis=None: np.flip(g, axis))
rule(np.roll,          lambda g, y, x, shift, axis=None: np.roll(g, opposite(shift), axis), None)
rule(np.broadcast_to,  lambda g, y, x, shape: g, None, broadcasts=True)
rule(np.tile,          lambda g, y, x, reps: sum_of_tiles(g, x.shape, reps), None)
rule(np.tril,          lambda g, y, x, k=0: np.tril(g, k), broadcasts=True)
rule(np.triu,          lambda g, y, x, k=0: np.triu(g, k), broadcasts=True)
# fmt: on


def inverse_permutation(axes):
    """The axes for np.transpose that undo np.transpose(x, axes). None reverses all axes, and undoes itself."""
    return None if axes is None else np.argsort([axis % len(axes) for axis in axes]).tolist()


def opposite(shift):
    """−shift, an integer or a list of integers: np.roll by −shift undoes np.roll by `shift`."""
    return np.negative(np.asarray(shift, int)).tolist()


def sum_of_tiles(g, shape, reps):
    """∂L/∂x for y = np.tile(x, reps), where g = ∂L/∂y: g summed over the copies of x.

    shape: the shape of x. Each axis of g is seen as (copies, length).
    """
    reps = tuple(np.ravel(reps).tolist())
    n = max(len(reps), len(shape))
    reps, lengths = (1,) * (n - len(reps)) + reps, (1,) * (n - len(shape)) + shape
    pairs = [size for pair in zip(reps, lengths, strict=True) for size in pair]
    return g.reshape(pairs).sum(axis=tuple(range(0, 2 * n, 2))).reshape(shape)


@implements(np.reshape)
def reshape(x, shape, order="C", copy=None):
    """np.reshape on Tensors, in the order "C", with the last axis running fastest, or "F", with the first.

    Raises TypeError for copy=False and for other orders.
    """
    if copy is False:
        raise TypeError(
            "np.reshape on a Tensor does not take the option copy=False: a Tensor is never changed in place"
        )
    if order != "F":
        return np.reshape(x, shape) if order == "C" else unknown_order(order)
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    return np.transpose(np.reshape(np.transpose(x), shape[::-1]))


@implements(np.ravel)
def ravel(x, order):
    """np.ravel on Tensors for order="F": all elements, the first axis running fastest. The order "C" has a rule.

    Raises TypeError for another order.
    """
    return np.ravel(np.transpose(x)) if order == "F" else unknown_order(order)


def unknown_order(order):
    """Raise TypeError, always: it says that `order`, as "A" or "K", is not taken; those depend on the memory layout."""
    raise TypeError(
        f'np.ravel and np.reshape on a Tensor do not take the option order={order!r}; they take "C" and "F"'
    )


# -- padding


def inner(shape, width):
    """The index that takes an array of `shape` out of its padded form.

    width: what np.pad added, n, (before, after), or one such pair for each axis.
    """
    before = np.broadcast_to(width, (len(shape), 2))[:, 0].tolist()
    return tuple(slice(b, b + n) for b, n in zip(before, shape, strict=True))


@primitive(lambda g, y, x, width, value: g[inner(x.shape, width)], None, None)
def pad_with(x, width, value):
    """The array `x` with a constant `value` around it. The derivative is by x alone.

    width: the number of elements to add, n, (before, after), or one such pair for each axis; value: likewise.
    """
    return np.pad(x, width, constant_values=value)


COPIES = ("edge", "reflect", "symmetric", "wrap")
"""The modes of np.pad that repeat elements of the array."""


STATISTICS = {"mean": np.mean, "maximum": np.max, "minimum": np.min, "median": np.median}
"""The modes of np.pad that repeat a statistic of the elements along the padded axis."""


@implements(np.pad)
def pad(array, pad_width, mode="constant", constant_values=0, stat_length=None, end_values=0, reflect_type="even"):
    """np.pad on Tensors: with constants, copies of elements, statistics of slices, or a ramp to a number.

    pad_width: n, (before, after), one such pair for each axis, or a dictionary {axis: width}.
    mode: "constant", with `constant_values`; of `COPIES` ("edge", "reflect", "symmetric", "wrap"); of `STATISTICS`
        ("mean", "maximum", "minimum", "median"), of the outermost `stat_length` elements, None for all; "linear_ramp",
        to `end_values`. These options have the forms of `pad_width` but the dictionary.
    Raises TypeError for another `mode`, as "empty" or a function, and for reflect_type="odd" in `COPIES`.
    """
    array = as_array(array)
    if isinstance(pad_width, dict):  # {axis: width}
        widths = {range(array.ndim)[axis]: width for axis, width in pad_width.items()}
        pad_width = [np.broadcast_to(widths.get(axis, 0), 2).tolist() for axis in range(array.ndim)]
    if mode == "constant":
        return pad_with(array, pad_width, constant_values)
    if mode in COPIES and reflect_type == "even":
        return rearranged(array, np.pad(positions(array), pad_width, mode))
    if mode in STATISTICS:
        lengths = np.broadcast_to(np.iinfo(int).max if stat_length is None else stat_length, (array.ndim, 2))
        return pad_lines(array, pad_width, lengths, partial(statistic_beyond, STATISTICS[mode]))
    if mode == "linear_ramp":
        return pad_lines(array, pad_width, np.broadcast_to(end_values, (array.ndim, 2)), ramp_beyond)
    raise TypeError(
        f"np.pad on a Tensor does not take the option mode={mode!r}, reflect_type={reflect_type!r}; use np.concatenate"
    )


def pad_lines(x, width, values, beyond):
    """Pad one axis of `x` after the other, with numbers that the function `beyond` computes.

    width: the number of elements to add, n, (before, after), or one such pair for each axis.
    values: (x.ndim, 2), a number for each end of each axis, passed on to `beyond`.
    beyond: beyond(slices, value, n) returns the n slices to stand before `slices`, an array with the padded axis first.
        Of its n slices the nearest comes first.
    """
    for axis, (widths, (before, after)) in enumerate(zip(np.broadcast_to(width, (x.ndim, 2)), values, strict=True)):
        slices = np.moveaxis(x, axis, 0)
        left, right = beyond(slices, before, widths[0]), beyond(np.flip(slices, 0), after, widths[1])
        x = np.moveaxis(np.concatenate([np.flip(left, 0), slices, right]), 0, axis)
    return x


def statistic_beyond(statistic, slices, length, n):
    """n times the statistic of the first `length` slices of an array along its first axis.  → (n, *slices.shape[1:])

    statistic: np.mean, np.max, … Raises ValueError if `length` is below 1.
    """
    if length < 1:
        raise ValueError(f"np.pad takes the statistic of one element or more, got stat_length {length}")
    value = statistic(slices[:length], axis=0, keepdims=True)
    if slices.dtype.kind in "iu":
        value = np.rint(value)
    return np.broadcast_to(value, (n, *slices.shape[1:])).astype(slices.dtype)


def ramp_beyond(slices, end, n):
    """n slices evenly spaced from slices[0], which is left out, to the number `end`.  → (n, *slices.shape[1:])"""
    ramp = np.linspace(end, slices[0], n, endpoint=False, dtype=slices.dtype)
    return np.flip(as_array(ramp), 0)


# -- indexing


@primitive(lambda g, y, values, index, shape: g[index], None, None)
def scatter(values, index, shape):
    """Zeros of `shape` with `values` added at `index`; repeated indices add up. This is the transpose of x[index].

    The result is a new array. The derivative is by `values` alone.
    """
    array = np.zeros_like(values, shape=shape)
    if is_basic(index):
        array[index] = values
    else:
        backend.add_at(array, index, values)
    return array


rule(operator.getitem, lambda g, y, x, index: scatter(g, index, x.shape), None)


def is_basic(index):
    """True if `index` consists of Python integers, slices, None and ... alone, so that it names no element twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(part, int | slice | type(None) | type(...)) and not isinstance(part, bool) for part in parts)


def positions(x):
    """0, 1, 2, … in the shape of x, a NumPy array: the position of each element in the flattened x."""
    return np.arange(np.size(x)).reshape(np.shape(x))


def rearranged(x, where):
    """np.ravel(x)[where]: the elements of x at the positions `where`, in the shape of `where`.

    For a function that only moves or repeats elements, f(x) = rearranged(x, f(positions(x))).
    """
    x = as_array(x)
    return np.ravel(x)[backend.beside(where, x)]


# -- joining and cutting


@primitive(joint=lambda g, y, axis, *arrays: (None, *pieces(g, axis, [a.shape[axis] for a in arrays])))
def join(axis, *arrays):
    """np.concatenate(arrays, axis) with each array an argument of its own."""
    return np.concatenate(arrays, axis)


def pieces(x, axis, lengths):
    """The list of consecutive pieces of `x` along `axis` that have these `lengths`."""
    borders = np.cumsum([0, *lengths]).tolist()
    before = (slice(None),) * range(x.ndim)[axis]
    return [x[(*before, slice(a, b))] for a, b in pairwise(borders)]


@implements(np.concatenate)
def concatenate(arrays, axis=0, dtype=None):
    """np.concatenate on Tensors: arrays end to end along `axis`, or flattened first if `axis` is None.

    Raises TypeError if a cast of the result to `dtype` would lose its kind of numbers, as from floats to integers.
    """
    arrays = list(map(as_array, arrays))
    if axis is None:
        arrays, axis = list(map(np.ravel, arrays)), 0
    joined = join(axis, *arrays)
    if dtype is None:
        return joined
    if not np.can_cast(joined.dtype, dtype, "same_kind"):
        raise TypeError(f"np.concatenate does not make {np.dtype(dtype)} of {joined.dtype}; use astype()")
    return joined.astype(dtype)


@implements(np.stack)
def stack(arrays, axis=0, dtype=None):
    """np.stack on Tensors: arrays of one shape side by side along a new axis."""
    return np.concatenate([np.expand_dims(as_array(a), axis) for a in arrays], axis, dtype=dtype)


@implements(np.vstack)
def vstack(tup, dtype=None):
    """np.vstack on Tensors: arrays one below the other along the first axis; a vector is a row."""
    return np.concatenate([np.atleast_2d(as_array(a)) for a in tup], dtype=dtype)


@implements(np.hstack)
def hstack(tup, dtype=None):
    """np.hstack on Tensors: arrays side by side along the second axis, or vectors end to end."""
    arrays = [np.atleast_1d(as_array(a)) for a in tup]
    return np.concatenate(arrays, 0 if arrays[0].ndim == 1 else 1, dtype=dtype)


@implements(np.split)
def split(ary, indices_or_sections, axis=0):
    """np.split on Tensors: a list of equal parts along `axis`, or of the parts between the given indices.

    Raises ValueError if the length cannot be divided into equal parts.
    """
    n = np.shape(ary)[axis]
    if np.ndim(indices_or_sections) == 0 and n % indices_or_sections:
        raise ValueError(f"np.split: {n} elements do not make {indices_or_sections} equal parts")
    return array_split(ary, indices_or_sections, axis)


@implements(np.array_split)
def array_split(ary, indices_or_sections, axis=0):
    """np.array_split on Tensors: a list of parts along `axis`.

    indices_or_sections: the number of parts, of which the first ones are longer by 1 if lengths differ; or the indices
    to cut at. Raises ValueError for a number below 1.
    """
    ary, n = as_array(ary), np.shape(ary)[axis]
    if np.ndim(indices_or_sections) > 0:
        before = (slice(None),) * range(ary.ndim)[axis]
        borders = [0, *indices_or_sections, n]
        return [ary[(*before, slice(a, b))] for a, b in pairwise(borders)]
    if indices_or_sections <= 0:
        raise ValueError(f"np.array_split makes one part or more, got {indices_or_sections}")
    short, longer = divmod(n, indices_or_sections)
    return pieces(ary, axis, [short + 1] * longer + [short] * (indices_or_sections - longer))


# -- choosing elements: all of it is indexing


@implements(np.take)
def take(a, indices, axis=None, mode="raise"):
    """np.take on Tensors: the elements at `indices` along `axis`, or of the flattened array.

    mode: for indices out of range, "raise" an IndexError, "wrap" around, or "clip". Raises ValueError for another mode.
    """
    a, indices = np.atleast_1d(as_array(a)), backend.asarray(plain(indices))
    if axis is None:
        a, axis = np.ravel(a), 0
    axis = range(a.ndim)[axis]
    if indices.dtype.kind == "b" or indices.size == 0:  # np.take reads True and False as 1 and 0
        indices = indices.astype(int)
    if mode == "wrap":
        indices = indices % a.shape[axis]
    elif mode == "clip":
        indices = np.clip(indices, 0, a.shape[axis] - 1)
    elif mode != "raise":
        raise ValueError(f'np.take knows the modes "raise", "wrap" and "clip", got {mode!r}')
    return a[(*(slice(None),) * axis, indices)]


@implements(np.take_along_axis)
def take_along_axis(arr, indices, axis=-1):
    """np.take_along_axis on Tensors: along `axis` the elements at `indices`, which differ from slice to slice.

    For axis=None `arr` is flattened. Raises ValueError if `arr` and `indices` differ in their number of axes, and
    IndexError if indices are not whole numbers.
    """
    arr, indices = as_array(arr), backend.asarray(plain(indices))
    if axis is None:
        arr, axis = np.ravel(arr), 0
    if arr.ndim != indices.ndim:
        raise ValueError(
            f"np.take_along_axis needs as many axes in indices as in the array, got {indices.ndim} and {arr.ndim}"
        )
    if indices.dtype.kind not in "iu":
        raise IndexError(f"np.take_along_axis needs whole numbers as indices, got {indices.dtype}")
    axis = range(arr.ndim)[axis]
    arange = backend.library(arr).arange
    along = [arange(n).reshape([-1 if a == b else 1 for b in range(arr.ndim)]) for a, n in enumerate(arr.shape)]
    return arr[tuple(indices if a == axis else grid for a, grid in enumerate(along))]


@implements(np.repeat)
def repeat(a, repeats, axis=None):
    """np.repeat on Tensors: each element `repeats` times along `axis`, or of the flattened array.

    repeats: one number, or one for each element along `axis`.
    """
    a = np.atleast_1d(as_array(a))
    if axis is None:
        a, axis = np.ravel(a), 0
    return take(a, np.repeat(backend.library(a).arange(a.shape[axis]), repeats), axis)


@implements(np.sort)
def sort(a, axis=-1, kind=None, stable=None):
    """np.sort on Tensors: elements in rising order along `axis`. Each gradient goes back to where its element was."""
    a = as_array(a)
    if axis is None:
        a, axis = np.ravel(a), 0
    options = {name: value for name, value in (("kind", kind), ("stable", stable)) if value is not None}
    return take_along_axis(a, np.argsort(a, axis, **options), axis)


@implements(np.diagonal)
def diagonal(a, offset=0, axis1=0, axis2=1):
    """np.diagonal on Tensors: the diagonal `offset` places right of the main one, in axes axis1 and axis2.

    The diagonal is the last axis of the result, a new array.
    """
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = a.shape[-2:]
    i = backend.library(a).arange(max(0, min(rows + min(offset, 0), columns - max(offset, 0))))
    return a[..., i - min(offset, 0), i + max(offset, 0)]


@implements(np.diag)
def diag(v, k=0):
    """np.diag on Tensors: the k-th diagonal of a matrix `v` or, for a vector, the matrix with v as its k-th diagonal.

    Raises ValueError for another number of axes.
    """
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"np.diag takes a vector or a matrix, got shape {v.shape}")
    i, n = backend.library(v).arange(v.shape[0]), v.shape[0] + abs(k)
    return scatter(v, (i - min(k, 0), i + max(k, 0)), (n, n))


@implements(np.trace)
def trace(a, offset=0, axis1=0, axis2=1, dtype=None):
    """np.trace on Tensors: the sum of the diagonal `offset` places right of the main one."""
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)
