"""Derivatives of functions that move elements about: the gradient moves back."""

import operator
from itertools import pairwise

import numpy as np

from autograd import backend
from autograd.table import implements, rule
from autograd.tensor import primitive


@primitive(lambda g, y, values, index, shape: g[index], None, None)
def scatter(values, index, shape):
    """Zeros of `shape` with `values` added at `index`: the transpose of indexing, where repeated indices add up."""
    array = np.zeros_like(values, shape=shape)
    backend.add_at(array, index, values)
    return array


@primitive(joint=lambda g, y, axis, *arrays: (None, *pieces(g, axis, [np.shape(a)[axis] for a in arrays])))
def join(axis, *arrays):
    """np.concatenate with each array an argument of its own."""
    return np.concatenate(arrays, axis)


def pieces(g, axis, lengths):
    """Cut `g` along `axis` into consecutive pieces of these lengths."""
    starts = np.cumsum([0, *lengths])
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, slice(a, b))] for a, b in pairwise(starts)]


def inverse_permutation(axes):
    """The order of axes that undoes `axes`; None, which reverses them, undoes itself."""
    return None if axes is None else np.argsort([axis % len(axes) for axis in axes])


@implements(np.concatenate)
def concatenate(arrays, axis=0):
    if axis is None:
        arrays, axis = [np.reshape(a, -1) for a in arrays], 0
    return join(axis, *arrays)


@implements(np.stack)
def stack(arrays, axis=0):
    return join(axis, *(np.expand_dims(a, axis) for a in arrays))


# fmt: off
rule(operator.getitem, lambda g, y, x, index: scatter(g, index, x.shape), None)
rule(np.reshape,       lambda g, y, x, shape: np.reshape(g, x.shape), None)
rule(np.transpose,     lambda g, y, x, axes=None: np.transpose(g, inverse_permutation(axes)), None)
rule(np.swapaxes,      lambda g, y, x, i, j: np.swapaxes(g, i, j), None, None)
rule(np.moveaxis,      lambda g, y, x, i, j: np.moveaxis(g, j, i), None, None)
rule(np.expand_dims,   lambda g, y, x, axis: np.reshape(g, x.shape), None)
rule(np.squeeze,       lambda g, y, x, axis=None: np.reshape(g, x.shape), None)
rule(np.flip,          lambda g, y, x, axis=None: np.flip(g, axis), None)
rule(np.broadcast_to,  lambda g, y, x, shape: g, None, broadcasts=True)
# fmt: on
