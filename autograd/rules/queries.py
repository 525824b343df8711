"""Functions that pass on no gradient: steps, comparisons, and questions about an array.

They take Tensors and return plain arrays, Python numbers and strings. The derivative of a step is 0 but where it jumps.
"""

import numpy as np

from autograd.table import zero_derivative

# fmt: off
# -- steps
zero_derivative(
    np.sign, np.signbit, np.floor, np.ceil, np.trunc, np.rint, np.round, np.around, np.fix,
    np.floor_divide, np.spacing, np.angle, np.imag,
)
# -- comparisons and tests
zero_derivative(
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isclose, np.allclose,
    np.array_equal, np.array_equiv, np.isin, np.isnan, np.isinf, np.isfinite, np.isneginf, np.isposinf, np.isreal,
    np.iscomplex, np.isrealobj, np.iscomplexobj, np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    np.any, np.all, np.count_nonzero,
)
# -- whole numbers and bits
zero_derivative(
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.bitwise_count,
    np.gcd, np.lcm, np.packbits, np.unpackbits,
)
# -- where something is
zero_derivative(
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort, np.argwhere, np.nonzero,
    np.flatnonzero, np.searchsorted, np.digitize, np.ix_, np.ravel_multi_index, np.unravel_index, np.tril_indices_from,
    np.triu_indices_from, np.diag_indices_from,
)
# -- shapes, types, memory, text, files
zero_derivative(
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.min_scalar_type, np.may_share_memory,
    np.shares_memory, np.einsum_path, np.array_repr, np.array_str, np.array2string, np.save, np.savez,
    np.savez_compressed, np.savetxt, np.histogram_bin_edges,
)
# -- constants of the same shape
zero_derivative(np.zeros_like, np.ones_like, np.empty_like)
# fmt: on

HOST_ONLY = frozenset({np.einsum_path, np.histogram_bin_edges, np.spacing})
"""Queries that CuPy does not have."""
