"""NumPy's functions that are combinations of a few others: each stands as its formula, and needs no own derivative.

The parameters have NumPy's names. A function's name is in quotes where not every supported version of NumPy has it.
Longer ones are in `options`, `joining`, `statistics` and `series`.
"""

import numpy as np

from autograd import backend
from autograd.arguments import plain
from autograd.rules.options import in_dtype, of_dtype
from autograd.rules.shapes import positions, rearranged
from autograd.table import implements
from autograd.tensor import Tensor, as_array

# fmt: off
# -- element by element
implements(np.divmod,      lambda x1, x2: (np.floor_divide(x1, x2), np.remainder(x1, x2)))
implements(np.modf,        lambda x: (np.where(np.isinf(x), 0, as_float(x) - np.trunc(x)), np.trunc(as_float(x))))
implements(np.float_power, lambda x1, x2: np.power(in_dtype(x1, float), in_dtype(x2, float)))
implements(np.real,        lambda val: as_array(val))
implements(np.real_if_close, lambda a, tol=100: as_array(a))
implements(np.frexp,       lambda x: (np.ldexp(as_float(x), -np.frexp(plain(x))[1]), np.frexp(plain(x))[1]))
implements(np.where,       lambda condition: np.nonzero(condition))
implements(np.astype,      lambda x, dtype, copy=True: x.astype(dtype))
implements(np.copy,        lambda a: a.copy())
implements(np.full_like,   lambda a, fill_value, dtype=None, shape=None: full_like(a, fill_value, dtype, shape))

# -- products
implements(np.vdot,  lambda a, b: np.matmul(np.ravel(as_array(a)), np.ravel(as_array(b))))
implements(np.outer, lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1)))
implements("vecdot", lambda x1, x2, axis=-1, keepdims=False: vecdot(as_array(x1), as_array(x2), axis, keepdims))
implements("matvec", lambda x1, x2: (np.matmul(x1, as_array(x2)[..., :, None]))[..., 0])
implements("vecmat", lambda x1, x2: (np.matmul(as_array(x1)[..., None, :], x2))[..., 0, :])
implements(np.cross, lambda a, b, axisa=-1, axisb=-1, axisc=-1, axis=None:
                         cross(a, b, *((axisa, axisb, axisc) if axis is None else (axis, axis, axis))))

# -- turning, cutting and joining
implements("matrix_transpose", lambda x: np.swapaxes(at_least(2, x), -1, -2))
implements(np.fliplr,   lambda m: np.flip(at_least(2, m), 1))
implements(np.flipud,   lambda m: np.flip(at_least(1, m), 0))
implements(np.rot90,    lambda m, k=1, axes=(0, 1): rearranged(m, np.rot90(positions(m), k, axes)))
implements(np.rollaxis, lambda a, axis, start=0: rearranged(a, np.rollaxis(positions(a), axis, start)))
implements(np.resize,   lambda a, new_shape: rearranged(a, np.resize(positions(a), new_shape)) if np.size(a)
                                             else np.resize(plain(a), new_shape))
implements(np.hsplit,   lambda ary, indices_or_sections: np.split(at_least(1, ary), indices_or_sections,
                                                                  0 if np.ndim(ary) == 1 else 1))
implements(np.vsplit,   lambda ary, indices_or_sections: np.split(at_least(2, ary), indices_or_sections, 0))
implements(np.dsplit,   lambda ary, indices_or_sections: np.split(at_least(3, ary), indices_or_sections, 2))
implements("unstack",   lambda x, axis=0: tuple(np.moveaxis(x, axis, 0)))
implements(np.dstack,   lambda tup: np.concatenate([np.atleast_3d(as_array(a)) for a in tup], axis=2))
implements(np.column_stack, lambda tup: np.concatenate([np.atleast_2d(a).T if np.ndim(a) < 2 else a
                                                        for a in map(as_array, tup)], axis=1))
implements(np.append,   lambda arr, values, axis=None: np.concatenate([arr, values], axis=axis))
implements(np.delete,   lambda arr, obj, axis=None: rearranged(arr, np.delete(positions(arr), plain(obj), axis)))
implements(np.diagflat, lambda v, k=0: np.diag(np.ravel(v), k))
implements(np.compress, lambda condition, a, axis=None: rearranged(a, np.compress(backend.to_numpy(condition),
                                                                                 positions(a), axis)))
implements(np.extract,  lambda condition, arr: np.ravel(arr)[np.flatnonzero(condition)])
implements(np.partition, lambda a, kth, axis=-1, kind="introselect":
                             np.take_along_axis(a, np.argpartition(a, kth, axis), axis))
implements(np.atleast_1d, lambda *arys: one_or_more(np.reshape(a, np.shape(a) or (1,)) for a in arys))
implements(np.atleast_2d, lambda *arys: one_or_more(a if np.ndim(a) > 1 else np.reshape(a, (1, -1)) for a in arys))
implements(np.atleast_3d, lambda *arys: one_or_more(a if np.ndim(a) > 2 else np.atleast_2d(a)[..., None] if
                                                    np.ndim(a) == 2 else np.reshape(a, (1, -1, 1)) for a in arys))
implements(np.broadcast_arrays, lambda *args: tuple(np.broadcast_to(a, np.broadcast_shapes(*map(np.shape, args)))
                                                    for a in args))
# fmt: on


def as_float(x):
    """`x` in the floating-point type that NumPy's element-wise functions return for it."""
    return as_array(x).astype(np.modf(plain(x))[0].dtype)


def one_or_more(arrays):
    """The array alone if `arrays` yields one, else a tuple of all."""
    arrays = tuple(map(as_array, arrays))
    return arrays[0] if len(arrays) == 1 else arrays


def at_least(n, x):
    """`x` as an array or Tensor. Raises ValueError if it has fewer than n axes."""
    if np.ndim(x) < n:
        raise ValueError(f"expected {n} axes or more, got shape {np.shape(x)}")
    return as_array(x)


def full_like(a, fill_value, dtype=None, shape=None):
    """np.full_like on Tensors: an array like `a` with `fill_value` everywhere, with a derivative by `fill_value` alone.

    dtype, shape: of the result, by default the dtype and the shape of `a`.
    """
    shape = np.shape(a) if shape is None else shape
    if not isinstance(fill_value, Tensor):
        return np.full_like(plain(a), fill_value, dtype=dtype, shape=shape)
    return np.broadcast_to(fill_value, shape).astype(np.result_type(plain(a)) if dtype is None else dtype)


def vecdot(a, b, axis, keepdims):
    """The inner products Σ a b along `axis` of `a` and b.  keepdims: keep this axis, with length 1."""
    y = (np.moveaxis(a, axis, -1)[..., None, :] @ np.moveaxis(b, axis, -1)[..., :, None])[..., 0, 0]
    return np.expand_dims(y, axis) if keepdims else y


def cross(a, b, axisa, axisb, axisc):
    """The vector product (a₂b₃ − a₃b₂, a₃b₁ − a₁b₃, a₁b₂ − a₂b₁).

    axisa, axisb, axisc: the axis of the vectors in a, in b, and in the result. Raises TypeError for vectors of other
    lengths than 3.
    """
    a, b = np.moveaxis(as_array(a), axisa, 0), np.moveaxis(as_array(b), axisb, 0)
    if a.shape[0] != 3 or b.shape[0] != 3:
        raise TypeError(f"np.cross on Tensors takes vectors of 3 numbers, got {a.shape[0]} and {b.shape[0]}")
    return np.stack([a[i] * b[j] - a[j] * b[i] for i, j in ((1, 2), (2, 0), (0, 1))], axisc)


@implements(np.nan_to_num)
def nan_to_num(x, nan=0.0, posinf=None, neginf=None, copy=True):
    """np.nan_to_num on Tensors: `x` with `nan`, `posinf`, `neginf` in place of NaN, ∞, −∞.

    By default these are 0 and ± the largest number of x's dtype. `copy` has no effect.
    """
    x = as_array(x)
    if x.dtype.kind != "f":
        return x
    largest = np.finfo(x.dtype).max
    x = np.where(np.isnan(x), of_dtype(nan, x), x)
    x = np.where(np.isposinf(x), largest if posinf is None else of_dtype(posinf, x), x)
    return np.where(np.isneginf(x), -largest if neginf is None else of_dtype(neginf, x), x)
