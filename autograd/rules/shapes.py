"""Derivatives of functions that move, repeat or choose elements: the gradient moves back, and adds up."""

import operator
from itertools import pairwise

import numpy as np

from autograd import backend
from autograd.table import implements, rule
from autograd.tensor import primitive

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
rule(np.tril,          lambda g, y, x, k=0: np.tril(g, k))
rule(np.triu,          lambda g, y, x, k=0: np.triu(g, k))
# fmt: on


def inverse_permutation(axes):
    """The order of axes that undoes `axes`; None, which reverses them, undoes itself."""
    return None if axes is None else np.argsort([axis % len(axes) for axis in axes]).tolist()


def opposite(shift):
    """The shift that takes back a shift, or one for each axis."""
    return tuple(-s for s in shift) if isinstance(shift, tuple | list) else -shift


def sum_of_tiles(g, shape, reps):
    """Σ over the copies: each axis of g seen as (copies, length)."""
    reps = (reps,) if isinstance(reps, int) else tuple(reps)
    n = max(len(reps), len(shape))
    reps, lengths = (1,) * (n - len(reps)) + reps, (1,) * (n - len(shape)) + shape
    pairs = [size for pair in zip(reps, lengths, strict=True) for size in pair]
    return g.reshape(pairs).sum(axis=tuple(range(0, 2 * n, 2))).reshape(shape)


def inner(shape, width):
    """The slices of what was there before padding. `width` is n, (before, after), or one such pair for each axis."""
    before = np.broadcast_to(width, (len(shape), 2))[:, 0].tolist()
    return tuple(slice(b, b + n) for b, n in zip(before, shape, strict=True))


@primitive(lambda g, y, x, width, value: g[inner(x.shape, width)], None, None)
def pad_with(x, width, value):
    """`x` with a constant `value` around it; `width` as in `inner`."""
    return np.pad(x, width, constant_values=value)


@implements(np.pad)
def pad(array, pad_width, mode="constant", constant_values=0):
    """With constants alone; a TypeError for every other mode."""
    if mode != "constant":
        raise TypeError(
            f'np.pad on a Tensor takes mode "constant", not {mode!r}; index with repeated positions instead'
        )
    return pad_with(array, pad_width, constant_values)


@primitive(lambda g, y, values, index, shape: g[index], None, None)
def scatter(values, index, shape):
    """Zeros of `shape` with `values` added at `index`: the transpose of indexing, where repeated indices add up."""
    array = np.zeros_like(values, shape=shape)
    if is_basic(index):
        array[index] = values
    else:
        backend.add_at(array, index, values)
    return array


rule(operator.getitem, lambda g, y, x, index: scatter(g, index, x.shape), None)


def is_basic(index):
    """Whether an index is of integers and slices alone, so that it names no element twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(part, int | slice | type(None) | type(...)) and not isinstance(part, bool) for part in parts)


# -- joining and cutting


@primitive(joint=lambda g, y, axis, *arrays: (None, *pieces(g, axis, [a.shape[axis] for a in arrays])))
def join(axis, *arrays):
    """np.concatenate with each array an argument of its own."""
    return np.concatenate(arrays, axis)


def pieces(x, axis, lengths):
    """Cut `x` along `axis` into consecutive pieces of these lengths."""
    borders = np.cumsum([0, *lengths]).tolist()
    before = (slice(None),) * (axis % x.ndim)
    return [x[(*before, slice(a, b))] for a, b in pairwise(borders)]


@implements(np.concatenate)
def concatenate(arrays, axis=0):
    """Arrays end to end along `axis`; flattened first where it is None."""
    if axis is None:
        arrays, axis = [np.reshape(a, -1) for a in arrays], 0
    return join(axis, *arrays)


@implements(np.stack)
def stack(arrays, axis=0):
    """Arrays of one shape side by side along a new axis."""
    return join(axis, *(np.expand_dims(a, axis) for a in arrays))


@implements(np.vstack)
def vstack(arrays):
    """Arrays one below the other, vectors as rows."""
    return join(0, *(a.reshape(1, -1) if np.ndim(a) < 2 else a for a in arrays))


@implements(np.hstack)
def hstack(arrays):
    """Arrays one beside the other: along the second axis, vectors along their only one."""
    arrays = [a.reshape(1) if np.ndim(a) == 0 else a for a in arrays]
    return join(0 if arrays[0].ndim == 1 else 1, *arrays)


@implements(np.split)
def split(x, indices_or_sections, axis=0):
    """`array_split` into equal parts; a ValueError where the length does not allow it."""
    if isinstance(indices_or_sections, int) and x.shape[axis] % indices_or_sections:
        raise ValueError(f"np.split: {x.shape[axis]} elements do not make {indices_or_sections} equal parts")
    return array_split(x, indices_or_sections, axis)


@implements(np.array_split)
def array_split(x, indices_or_sections, axis=0):
    """Cut into so many parts, the first ones longer by 1 where lengths differ, or at these indices."""
    n = x.shape[axis]
    if isinstance(indices_or_sections, int):
        short, longer = divmod(n, indices_or_sections)
        return pieces(x, axis, [short + 1] * longer + [short] * (indices_or_sections - longer))
    return pieces(x, axis, np.diff([0, *indices_or_sections, n]))


# -- choosing elements: all of it is indexing


@implements(np.take)
def take(x, indices, axis=None):
    """The elements at `indices` along `axis`, or of the flattened array."""
    if axis is None:
        return x.reshape(-1)[indices]
    return x[(*(slice(None),) * (axis % x.ndim), indices)]


@implements(np.take_along_axis)
def take_along_axis(x, indices, axis=-1):
    """Along `axis` the elements at `indices`, which differ from line to line."""
    if axis is None:
        return x.reshape(-1)[indices]
    axis %= x.ndim
    arange = backend.library(x).arange
    along = [arange(n).reshape([-1 if a == b else 1 for b in range(x.ndim)]) for a, n in enumerate(indices.shape)]
    return x[tuple(indices if a == axis else grid for a, grid in enumerate(along))]


@implements(np.repeat)
def repeat(x, repeats, axis=None):
    """Each element `repeats` times along `axis`, or of the flattened array."""
    if axis is None:
        x, axis = x.reshape(-1), 0
    return take(x, np.repeat(backend.library(x).arange(x.shape[axis]), repeats), axis)


@implements(np.sort)
def sort(x, axis=-1):
    """Elements in rising order along `axis`; the gradient goes where each came from."""
    if axis is None:
        x, axis = x.reshape(-1), 0
    return take_along_axis(x, np.argsort(x, axis), axis)


@implements(np.diagonal)
def diagonal(x, offset=0, axis1=0, axis2=1):
    """The diagonal `offset` places to the right of the main one, as the last axis."""
    x = np.moveaxis(x, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    i = backend.library(x).arange(max(0, min(rows + min(offset, 0), columns - max(offset, 0))))
    return x[..., i - min(offset, 0), i + max(offset, 0)]


@implements(np.diag)
def diag(x, k=0):
    """A vector as the k-th diagonal of a matrix of zeros, or the k-th diagonal of a matrix."""
    if x.ndim == 2:
        return diagonal(x, k)
    i, n = backend.library(x).arange(x.shape[0]), x.shape[0] + abs(k)
    return scatter(x, (i - min(k, 0), i + max(k, 0)), (n, n))


@implements(np.trace)
def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of a diagonal."""
    return np.sum(diagonal(x, offset, axis1, axis2), axis=-1)
