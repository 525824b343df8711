"""One or more calls for every function in the table of derivatives: what the rule tests run over."""

import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.special as sp

from autograd import backend
from autograd.rules import special
from autograd.rules.linalg import eigensystem, euclidean_norm, log_abs_det, singular_values
from autograd.rules.products import contract
from autograd.rules.reductions import running_product
from autograd.rules.shapes import join, pad_with, scatter
from autograd.tensor import astype


def anything(x):
    return x


def positive(x):
    return np.exp(x)


def above_minus_one(x):
    return np.expm1(x)


def unit(x):
    """(0, 1)."""
    return 1 / (1 + np.exp(-2 * x))


def between_minus_one_and_one(x):
    return x / 2.2


def above_one(x):
    return 1 + np.exp(x)


# Element-wise functions: the domain of each argument, as a map from (-2, 2).
ELEMENTWISE: dict[Callable, tuple] = {
    np.add: (anything, anything),
    np.subtract: (anything, anything),
    np.multiply: (anything, anything),
    np.true_divide: (anything, anything),
    np.remainder: (anything, above_one),
    np.power: (positive, anything),
    np.maximum: (anything, anything),
    np.minimum: (anything, anything),
    np.logaddexp: (anything, anything),
    np.logaddexp2: (anything, anything),
    np.arctan2: (anything, anything),
    np.hypot: (anything, anything),
    np.copysign: (anything, anything),
    np.positive: (anything,),
    np.negative: (anything,),
    np.absolute: (anything,),
    np.fabs: (anything,),
    np.reciprocal: (anything,),
    np.square: (anything,),
    np.sqrt: (positive,),
    np.cbrt: (positive,),
    np.exp: (anything,),
    np.exp2: (anything,),
    np.expm1: (anything,),
    np.log: (positive,),
    np.log2: (positive,),
    np.log10: (positive,),
    np.log1p: (above_minus_one,),
    np.deg2rad: (anything,),
    np.rad2deg: (anything,),
    np.sin: (anything,),
    np.cos: (anything,),
    np.tan: (between_minus_one_and_one,),
    np.arcsin: (between_minus_one_and_one,),
    np.arccos: (between_minus_one_and_one,),
    np.arctan: (anything,),
    np.sinh: (anything,),
    np.cosh: (anything,),
    np.tanh: (anything,),
    np.arcsinh: (anything,),
    np.arccosh: (above_one,),
    np.arctanh: (between_minus_one_and_one,),
    sp.expit: (anything,),
    sp.log_expit: (anything,),
    sp.logit: (unit,),
    sp.erf: (anything,),
    sp.erfc: (anything,),
    sp.ndtr: (anything,),
    sp.log_ndtr: (anything,),
    sp.gammaln: (positive,),
    sp.digamma: (positive,),
    sp.xlogy: (anything, positive),
    sp.entr: (positive,),
    sp.rel_entr: (positive, positive),
}
# Those that NumPy also computes for complex numbers, and that are analytic.
ANALYTIC = {
    np.add, np.subtract, np.multiply, np.true_divide, np.power, np.positive, np.negative, np.reciprocal, np.square,
    np.sqrt, np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sin, np.cos, np.tan, np.arctan, np.sinh,
    np.cosh, np.tanh, np.arcsinh, sp.erf, sp.erfc,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A call of `covers` on arrays of these shapes."""

    covers: Callable
    call: Callable
    shapes: tuple
    name: str


def _case(covers: Callable, call: Callable, *shapes: tuple, note: str = "") -> Case:
    name = " ".join([covers.__name__, note, "·".join(map(str, shapes))])
    return Case(covers, call, shapes, name)


def _reductions(function: Callable) -> list[Case]:
    return [
        _case(function, function, ()),
        _case(function, function, (2, 3)),
        _case(function, lambda x: function(x, 1), (2, 3), note="axis 1"),
        _case(function, lambda x: function(x, axis=-2, keepdims=True), (2, 3, 2), note="axis -2 kept"),
        _case(function, lambda x: function(x, axis=(0, 2)), (2, 3, 2), note="axes 0 2"),
    ]


def like(x, constant):
    """A constant beside x: in its library and of its dtype."""
    return backend.library(x).asarray(constant, dtype=x.dtype)


def index_beside(x, index):
    """Positions or a mask in the library of x."""
    return backend.library(x).asarray(index)


def regular(x):
    """Far from singular, without symmetry."""
    return x + like(x, 4 * np.eye(x.shape[-1]))


def symmetric(x):
    """With eigenvalues apart from each other."""
    return (x + np.swapaxes(x, -1, -2)) / 8 + like(x, np.diag(np.arange(1, x.shape[-1] + 1)))


def definite(x):
    return x @ np.swapaxes(x, -1, -2) + like(x, np.eye(x.shape[-1]))


def stretched(x):
    """With singular values apart from each other."""
    return x / 4 + like(x, np.eye(*x.shape[-2:]) * np.arange(1, x.shape[-1] + 1))


MASK = np.array([[True, False, True], [False, True, True]])

CASES = [
    *_reductions(np.sum),
    *_reductions(np.mean),
    *_reductions(np.max),
    *_reductions(np.min),
    *_reductions(np.var),
    *_reductions(np.std)[1:],
    *_reductions(np.prod),
    *_reductions(special.logsumexp),
    *_reductions(np.linalg.norm)[:2],
    _case(np.var, lambda x: np.var(x, axis=1, ddof=1), (2, 3), note="unbiased"),
    _case(np.std, lambda x: np.std(x, ddof=1), (2, 3), note="unbiased"),
    _case(np.cumprod, np.cumprod, (2, 3)),
    _case(np.cumprod, lambda x: np.cumprod(x, axis=-1), (2, 3), note="axis -1"),
    _case(special.softmax, special.softmax, (2, 3)),
    _case(special.softmax, lambda x: special.softmax(x, axis=0), (2, 3), note="axis 0"),
    _case(special.log_softmax, special.log_softmax, (2, 3)),
    _case(special.log_softmax, lambda x: special.log_softmax(x, axis=0), (2, 3), note="axis 0"),
    _case(special.digamma, lambda x: special.digamma(np.exp(x)), (2, 3)),
    _case(special.polygamma, lambda x: special.polygamma(1, np.exp(x)), (2, 3)),
    _case(np.clip, lambda x: np.clip(x, -1, 1), (2, 3)),
    _case(np.clip, lambda x, low: np.clip(x, low, None), (2, 3), (3,), note="by an array"),
    _case(np.clip, lambda x: np.clip(x, min=0.0), (2, 3), note="one side"),
    _case(np.nan_to_num, lambda x: np.nan_to_num(np.where(index_beside(x, MASK), x, np.nan)), (2, 3)),
    _case(np.sum, lambda x: np.sum(x, axis=1), (2, 0), note="of nothing"),
    _case(np.cumsum, np.cumsum, (2, 3)),
    _case(np.cumsum, lambda x: np.cumsum(x, axis=1), (2, 3, 2), note="axis 1"),
    _case(np.where, lambda a, b: np.where(index_beside(a, MASK), a, b), (2, 3), (2, 3)),
    _case(np.where, lambda a, b: np.where(index_beside(a, MASK), a, b), (3,), (2, 1), note="broadcast"),
    _case(np.reshape, lambda x: np.reshape(x, (3, 4)), (2, 6)),
    _case(np.reshape, lambda x: x.reshape(-1), (2, 3), note="flat"),
    _case(np.reshape, lambda x: np.reshape(x, (0, 5)), (2, 0), note="of nothing"),
    _case(np.transpose, np.transpose, (2, 3, 4)),
    _case(np.transpose, lambda x: np.transpose(x, (1, -1, 0)), (2, 3, 4), note="permuted"),
    _case(np.swapaxes, lambda x: np.swapaxes(x, 0, -1), (2, 3, 4)),
    _case(np.moveaxis, lambda x: np.moveaxis(x, -2, 0), (2, 3, 4)),
    _case(np.moveaxis, lambda x: np.moveaxis(x, (0, 1), (2, 0)), (2, 3, 4), note="two"),
    _case(np.dot, np.dot, (), (2, 3)),
    _case(np.dot, np.dot, (3,), (3,)),
    _case(np.dot, np.dot, (2, 4, 3), (3, 2)),
    _case(np.dot, np.dot, (2, 3), (4, 3, 2)),
    _case(np.dot, np.dot, (3,), (4, 3, 2)),
    _case(np.expand_dims, lambda x: np.expand_dims(x, (0, 2)), (2, 3)),
    _case(np.squeeze, np.squeeze, (2, 1, 3, 1)),
    _case(np.squeeze, lambda x: np.squeeze(x, axis=1), (2, 1, 3, 1), note="axis 1"),
    _case(np.ravel, np.ravel, (2, 3)),
    _case(np.roll, lambda x: np.roll(x, 2), (2, 3)),
    _case(np.roll, lambda x: np.roll(x, (1, -1), axis=(0, 1)), (2, 3), note="two axes"),
    _case(np.tile, lambda x: np.tile(x, 2), (2, 3)),
    _case(np.tile, lambda x: np.tile(x, (2, 1, 3)), (2, 3), note="new axis"),
    _case(np.repeat, lambda x: np.repeat(x, 2), (2, 3)),
    _case(np.repeat, lambda x: np.repeat(x, [1, 0, 3], axis=1), (2, 3), note="counts"),
    _case(np.pad, lambda x: np.pad(x, 1), (2, 3)),
    _case(np.pad, lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=7.0), (2, 3), note="uneven"),
    _case(np.tril, np.tril, (2, 3, 3)),
    _case(np.triu, lambda x: np.triu(x, 1), (3, 4)),
    _case(np.diag, np.diag, (3,)),
    _case(np.diag, lambda x: np.diag(x, -1), (3,), note="below"),
    _case(np.diag, lambda x: np.diag(x, 1), (3, 4), note="of a matrix"),
    _case(np.diagonal, np.diagonal, (3, 2)),
    _case(np.diagonal, lambda x: np.diagonal(x, -1, 1, 2), (2, 3, 4), note="of a stack"),
    _case(np.trace, np.trace, (3, 4)),
    _case(np.take, lambda x: np.take(x, [1, 1, 0], axis=-1), (2, 3)),
    _case(np.take, lambda x: np.take(x, index_beside(x, [[5, 0], [5, 5]])), (2, 3), note="flat"),
    _case(np.take_along_axis, lambda x: np.take_along_axis(x, index_beside(x, [[0, 2], [1, 1]]), axis=1), (2, 3)),
    _case(np.take_along_axis, lambda x: np.take_along_axis(x, index_beside(x, [[1, 0, 1]]), 0), (2, 3), note="axis 0"),
    _case(np.sort, np.sort, (2, 5)),
    _case(np.sort, lambda x: np.sort(x, axis=0), (5, 2), note="axis 0"),
    _case(np.sort, lambda x: np.sort(x, axis=None), (2, 5), note="flat"),
    _case(np.split, lambda x: np.split(x, 3, axis=1)[1], (2, 6)),
    _case(np.split, lambda x: np.split(x, [1, 4], axis=1)[1], (2, 6), note="at indices"),
    _case(np.array_split, lambda x: np.array_split(x, 4, axis=1)[1], (2, 6)),
    _case(np.vstack, lambda a, b: np.vstack([a, b]), (3,), (2, 3)),
    _case(np.hstack, lambda a, b: np.hstack([a, b]), (2, 3), (2, 1)),
    _case(np.hstack, lambda a, b: np.hstack([a, b]), (3,), (), note="vectors"),
    _case(np.vdot, np.vdot, (2, 3), (2, 3)),
    _case(np.inner, np.inner, (2, 3), (4, 3)),
    _case(np.outer, np.outer, (2, 2), (3,)),
    _case(np.kron, np.kron, (2, 3), (3, 2)),
    _case(np.kron, np.kron, (2,), (2, 2)),
    _case(np.tensordot, np.tensordot, (2, 3, 4), (3, 4, 2)),
    _case(np.tensordot, lambda a, b: np.tensordot(a, b, axes=1), (2, 3), (3, 2), note="one axis"),
    _case(np.tensordot, lambda a, b: np.tensordot(a, b, axes=([0, -1], [1, 0])), (2, 3, 4), (4, 2), note="named axes"),
    _case(np.einsum, lambda a, b: np.einsum("ij,jk->ki", a, b), (2, 3), (3, 4), note="matrices"),
    _case(np.einsum, lambda a, b: np.einsum("...ij,j", a, b), (2, 2, 3), (3,), note="dots"),
    _case(np.einsum, lambda a: np.einsum("ii", a), (3, 3), note="trace"),
    _case(np.einsum, lambda a: np.einsum("iji->j", a), (3, 2, 3), note="repeated"),
    _case(np.einsum, lambda a, b: np.einsum("ij,kl->i", a, b), (2, 3), (3, 2), note="summed alone"),
    _case(np.einsum, lambda a, b, c: np.einsum("bi,ij,bj->b", a, b, c), (4, 2), (2, 3), (4, 3), note="bilinear"),
    _case(np.linalg.inv, lambda x: np.linalg.inv(regular(x)), (2, 3, 3)),
    _case(np.linalg.solve, lambda a, b: np.linalg.solve(regular(a), b), (3, 3), (3, 2)),
    _case(np.linalg.solve, lambda a, b: np.linalg.solve(regular(a), b), (3, 3), (3,), note="vector"),
    _case(np.linalg.det, lambda x: np.linalg.det(regular(x)), (2, 3, 3)),
    _case(np.linalg.slogdet, lambda x: np.linalg.slogdet(regular(x)).logabsdet, (2, 3, 3)),
    _case(np.linalg.cholesky, lambda x: np.linalg.cholesky(definite(x)), (2, 3, 3)),
    _case(np.linalg.eigh, lambda x: np.linalg.eigh(symmetric(x)).eigenvalues, (2, 3, 3), note="values"),
    _case(np.linalg.eigh, lambda x: np.linalg.eigh(symmetric(x)).eigenvectors ** 2, (3, 3), note="vectors"),
    _case(np.linalg.eigvalsh, lambda x: np.linalg.eigvalsh(symmetric(x)), (3, 3)),
    _case(np.linalg.svd, lambda x: np.linalg.svd(stretched(x), compute_uv=False), (2, 3, 2)),
    _case(np.linalg.svdvals, lambda x: np.linalg.svdvals(stretched(x)), (2, 3)),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, axis=-1, keepdims=True), (2, 3), note="rows"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, 1, axis=0), (2, 3), note="of order 1"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, np.inf, axis=0), (2, 3), note="of order inf"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, "fro"), (2, 3), note="Frobenius"),
    _case(np.flip, np.flip, (2, 3)),
    _case(np.flip, lambda x: np.flip(x, axis=1), (2, 3), note="axis 1"),
    _case(np.broadcast_to, lambda x: np.broadcast_to(x, (4, 2, 3)), (2, 1)),
    _case(np.concatenate, lambda a, b: np.concatenate([a, like(a, np.ones((2, 1))), b], axis=-1), (2, 3), (2, 2)),
    _case(np.concatenate, lambda a, b: np.concatenate([a, b], axis=None), (2, 3), (), note="flat"),
    _case(np.stack, lambda a, b: np.stack([a, b, a], axis=1), (2, 3), (2, 3)),
    _case(contract, lambda a, b: contract("ij,jk->ik", a, b), (2, 3), (3, 2)),
    _case(running_product, lambda x: running_product(x, 0), (3, 2)),
    _case(log_abs_det, lambda x: log_abs_det(regular(x)), (3, 3)),
    _case(eigensystem, lambda x: eigensystem(symmetric(x))[..., 0, :], (3, 3)),
    _case(singular_values, lambda x: singular_values(stretched(x)), (3, 2)),
    _case(euclidean_norm, lambda x: euclidean_norm(x, 0, False), (3, 2)),
    _case(pad_with, lambda x: pad_with(x, 1, 0.0), (2, 3)),
    _case(join, lambda a, b: join(1, a, b), (2, 3), (2, 1)),
    _case(operator.getitem, lambda x: x[1], (3, 2)),
    _case(operator.getitem, lambda x: x[..., ::-2, None], (3, 4), note="slices"),
    _case(operator.getitem, lambda x: x[[0, 2, 0, 0]], (3, 2), note="repeated"),
    _case(operator.getitem, lambda x: x[index_beside(x, [[0], [1]]), index_beside(x, [1, 1])], (2, 3), note="advanced"),
    _case(operator.getitem, lambda x: x[index_beside(x, MASK)], (2, 3), note="mask"),
    _case(scatter, lambda v: scatter(v, index_beside(v, [0, 2, 0]), (4, 2)), (3, 2)),
    _case(astype, lambda x: x.astype(x.dtype), (2, 3)),
    *(
        _case(np.matmul, np.matmul, a, b)
        for a, b in [
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)),
            ((3,), (5, 3, 4)),
            ((5, 2, 3), (3,)),
            ((5, 1, 2, 3), (4, 3, 2)),
            ((2, 0), (0, 3)),
        ]
    ),
]
