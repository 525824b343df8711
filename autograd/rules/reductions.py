"""Derivatives of functions that shorten axes."""

import numpy as np

from autograd.table import rule


def spread(g, x, axis, keepdims):
    """A gradient of the reduced shape, repeated along the axes of `x` that were reduced."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, x.shape)


def share_of_maximum(y, x, axis, keepdims):
    """1 where `x` is the maximum `y` along the axis, shared equally where several are."""
    is_maximum = x == spread(y, x, axis, keepdims)
    return is_maximum / np.sum(is_maximum, axis=axis, keepdims=True)


# fmt: off
rule(np.sum,    lambda g, y, x, axis=None, keepdims=False: spread(g, x, axis, keepdims))
rule(np.mean,   lambda g, y, x, axis=None, keepdims=False: spread(g * (y.size / x.size), x, axis, keepdims))
rule(np.max,    lambda g, y, x, axis=None, keepdims=False: spread(g, x, axis, keepdims)
                                                           * share_of_maximum(y, x, axis, keepdims))
rule(np.cumsum, lambda g, y, x, axis=None: np.reshape(np.flip(np.cumsum(np.flip(g, axis), axis), axis), x.shape))
# fmt: on
