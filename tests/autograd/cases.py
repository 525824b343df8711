"""One or more calls for every function in the table of derivatives: what the rule tests run over."""

import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.special as sp

from autograd import backend
from autograd.rules import special
from autograd.rules.decompositions import (
    eigensystem,
    orthogonal_triangular,
    singular_system,
    singular_values,
    with_slope_where,
)
from autograd.rules.elementwise import ratio
from autograd.rules.linalg import cofactors, log_abs_det, mirrored
from autograd.rules.norms import euclidean_norm, power_norm
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


def above_a_half(x):
    """(½, 1)."""
    return 0.52 + 0.46 / (1 + np.exp(-2 * x))


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
    np.float_power: (positive, anything),
    np.fmod: (anything, above_one),
    np.fmax: (anything, anything),
    np.fmin: (anything, anything),
    np.maximum: (anything, anything),
    np.minimum: (anything, anything),
    np.logaddexp: (anything, anything),
    np.logaddexp2: (anything, anything),
    np.arctan2: (anything, anything),
    np.hypot: (anything, anything),
    np.copysign: (anything, anything),
    np.heaviside: (anything, anything),
    np.positive: (anything,),
    np.conjugate: (anything,),
    np.degrees: (anything,),
    np.radians: (anything,),
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
    sp.erfcx: (anything,),
    sp.erfinv: (between_minus_one_and_one,),
    sp.erfcinv: (unit,),
    sp.ndtr: (anything,),
    sp.log_ndtr: (anything,),
    sp.ndtri: (unit,),
    sp.exp2: (anything,),
    sp.exp10: (between_minus_one_and_one,),
    sp.expm1: (anything,),
    sp.log1p: (above_minus_one,),
    sp.cosm1: (anything,),
    sp.cbrt: (positive,),
    sp.gamma: (positive,),
    sp.gammaln: (positive,),
    sp.loggamma: (positive,),
    sp.rgamma: (anything,),
    sp.digamma: (positive,),
    sp.beta: (positive, positive),
    sp.betaln: (positive, positive),
    sp.poch: (positive, positive),
    sp.xlogy: (anything, positive),
    sp.xlog1py: (anything, above_minus_one),
    sp.entr: (positive,),
    sp.rel_entr: (positive, positive),
    sp.kl_div: (positive, positive),
    sp.huber: (positive, anything),
    sp.pseudo_huber: (positive, anything),
    sp.i0: (anything,),
    sp.i0e: (anything,),
    sp.i1: (anything,),
    sp.i1e: (anything,),
    sp.nrdtrimn: (above_a_half, positive, anything),
    sp.nrdtrisd: (anything, above_a_half, anything),
    special.not_negative: (positive,),
    special.share: (anything, positive),
    special.log_share: (positive, positive),
    special.side: (anything,),
    special.weighted_share: (anything, anything, anything),
}
# Those that NumPy also computes for complex numbers, and that are analytic.
ANALYTIC = {
    np.add, np.subtract, np.multiply, np.true_divide, np.power, np.positive, np.negative, np.reciprocal, np.square,
    np.sqrt, np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sin, np.cos, np.tan, np.arctan, np.sinh,
    np.cosh, np.tanh, np.arcsinh, sp.erf, sp.erfc, sp.expm1, sp.log1p, sp.ndtr,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A call of `covers` on arrays of these shapes."""

    covers: Callable
    call: Callable
    shapes: tuple
    name: str


def _of_newer_numpy(name: str, call: Callable, *shapes: tuple) -> list[Case]:
    """A case of a function that not every supported version of NumPy has."""
    return [_case(getattr(np, name), call, *shapes)] if hasattr(np, name) else []


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


def on_the_host(call):
    """A call of a function that CuPy lacks: on the device it is refused, which `test_special.py` tries."""

    def either(*args):
        if not all(map(backend.on_host, args)):
            pytest.skip("CuPy has no such function")
        return call(*args)

    return either


def rising(x):
    """With columns whose sums are apart from each other."""
    return x / 8 + like(x, np.arange(1, x.shape[-1] + 1))


def of_tensors(x):
    """A regular matrix as an array of shape (2, 3, 6)."""
    return regular(x).reshape(2, 3, 6)


def with_nan(x):
    """x with a NaN in each row and each column, and in one place more."""
    return np.where(index_beside(x, MASK), x, np.nan)


def with_constants(x):
    """x with infinities and NaN in some places."""
    return np.where(index_beside(x, MASK), x, like(x, [[0, np.inf, 0], [-np.inf, 0, np.nan]]))


def times_counts(function, x):
    """x times how many numbers were counted."""
    return x * float(backend.to_numpy(function(x)[0]).sum())


def apart(x):
    """Rising places, the first of them 0."""
    return np.concatenate([x[:1] * 0, np.cumsum(np.exp(x[1:] / 4))])


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
    _case(special.polygamma, lambda x: special.polygamma(index_beside(x, [[1], [2]]), np.exp(x)), (3,), note="orders"),
    _case(special.multigammaln, lambda x: special.multigammaln(above_one(x), 3), (2, 3)),
    _case(special.inside, lambda a, b: special.inside(a, positive(b), 0), (2, 3), (3,)),
    _case(special.log_sum, lambda x: special.log_sum(x, axis=0), (2, 3)),
    _case(special.weighted_log_sum, lambda x, b: special.logsumexp(x, b=np.exp(b)), (2, 3), (3,)),
    _case(special.weighted_log_sum, lambda x, b: special.logsumexp(x, 0, b=b + 3, keepdims=True), (2, 3), (2, 3)),
    _case(np.i0, np.i0, (2, 3)),
    _case(sp.gammainc, lambda x: special.gammainc(1.7, positive(x)), (2, 3)),
    _case(sp.gammaincc, lambda x: special.gammaincc(1.7, positive(x)), (2, 3)),
    _case(sp.gammaincinv, lambda x: special.gammaincinv(1.7, unit(x)), (2, 3)),
    _case(sp.gammainccinv, lambda x: special.gammainccinv(1.7, unit(x)), (2, 3)),
    _case(sp.betainc, lambda x: sp.betainc(1.7, 2.3, unit(x)), (2, 3)),
    _case(sp.betaincinv, lambda x: sp.betaincinv(1.7, 2.3, unit(x)), (2, 3)),
    _case(sp.chdtr, lambda x: sp.chdtr(3.4, positive(x)), (2, 3)),
    _case(sp.chdtrc, lambda x: sp.chdtrc(3.4, positive(x)), (2, 3)),
    _case(sp.chdtri, lambda x: sp.chdtri(3.4, unit(x)), (2, 3)),
    _case(sp.fdtr, lambda x: sp.fdtr(3.4, 2.6, positive(x)), (2, 3)),
    _case(sp.fdtrc, lambda x: sp.fdtrc(3.4, 2.6, positive(x)), (2, 3)),
    _case(sp.fdtri, lambda x: sp.fdtri(3.4, 2.6, unit(x)), (2, 3)),
    _case(sp.gdtr, lambda a, x: sp.gdtr(positive(a), 1.7, positive(x)), (2, 1), (3,)),
    _case(sp.gdtrc, lambda a, x: sp.gdtrc(positive(a), 1.7, positive(x)), (2, 1), (3,)),
    _case(sp.pdtr, lambda x: sp.pdtr(2.0, positive(x)), (2, 3)),
    _case(sp.pdtrc, lambda x: sp.pdtrc(2.0, positive(x)), (2, 3)),
    _case(sp.pdtri, lambda x: sp.pdtri(2.0, unit(x)), (2, 3)),
    _case(sp.nbdtr, lambda x: sp.nbdtr(2.0, 5.0, unit(x)), (2, 3)),
    _case(sp.nbdtrc, lambda x: sp.nbdtrc(2.0, 5.0, unit(x)), (2, 3)),
    _case(sp.nbdtri, lambda x: sp.nbdtri(2.0, 5.0, unit(x)), (2, 3)),
    _case(sp.boxcox, lambda x: sp.boxcox(positive(x), 0.3), (2, 3)),
    _case(sp.boxcox1p, lambda x: sp.boxcox1p(above_minus_one(x), 0.3), (2, 3)),
    _case(sp.inv_boxcox, lambda x: sp.inv_boxcox(x, 0.3), (2, 3)),
    _case(sp.inv_boxcox1p, lambda x: sp.inv_boxcox1p(x, 0.3), (2, 3)),
    _case(sp.betaincc, on_the_host(lambda x: sp.betaincc(1.7, 2.3, unit(x))), (2, 3)),
    _case(sp.betainccinv, on_the_host(lambda x: sp.betainccinv(1.7, 2.3, unit(x))), (2, 3)),
    _case(sp.stdtr, on_the_host(lambda x: sp.stdtr(3.4, x)), (2, 3)),
    _case(sp.stdtrit, on_the_host(lambda x: sp.stdtrit(3.4, unit(x))), (2, 3)),
    _case(sp.erfi, on_the_host(sp.erfi), (2, 3)),
    _case(sp.ndtri_exp, on_the_host(lambda x: sp.ndtri_exp(-positive(x))), (2, 3)),
    _case(sp.owens_t, on_the_host(sp.owens_t), (2, 1), (3,)),
    _case(np.clip, lambda x: np.clip(x, -1, 1), (2, 3)),
    _case(np.clip, lambda x, low: np.clip(x, low, None), (2, 3), (3,), note="by an array"),
    _case(np.clip, lambda x: x.clip(min=0.0), (2, 3), note="one side"),
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
    _case(np.linalg.solve, lambda a, b: np.linalg.solve(regular(a), b), (3, 3, 3), (3,), note="stack, vector"),
    _case(np.linalg.solve, lambda a, b: np.linalg.solve(regular(a), b), (2, 1, 3, 3), (4, 3, 2), note="stacks"),
    _case(np.linalg.det, lambda x: np.linalg.det(regular(x)), (2, 3, 3)),
    _case(np.linalg.det, lambda x: np.linalg.det(x[:, :, None] * x[:, None]), (2, 3), note="singular"),
    _case(np.linalg.slogdet, lambda x: np.linalg.slogdet(regular(x)).logabsdet, (2, 3, 3)),
    _case(np.linalg.cholesky, lambda x: np.linalg.cholesky(definite(x)), (2, 3, 3)),
    _case(np.linalg.cholesky, lambda x: np.linalg.cholesky(definite(x), upper=True), (3, 3), note="upper"),
    _case(np.linalg.eigh, lambda x: np.linalg.eigh(symmetric(x)).eigenvalues, (2, 3, 3), note="values"),
    _case(np.linalg.eigh, lambda x: np.linalg.eigh(symmetric(x)).eigenvectors ** 2, (3, 3), note="vectors"),
    _case(np.linalg.eigh, lambda x: np.linalg.eigh(symmetric(x), "U").eigenvectors ** 2, (3, 3), note="upper"),
    _case(np.linalg.eigvalsh, lambda x: np.linalg.eigvalsh(symmetric(x)), (3, 3)),
    _case(np.linalg.svd, lambda x: np.linalg.svd(stretched(x), compute_uv=False), (2, 3, 2)),
    _case(np.linalg.svd, lambda x: np.linalg.svd(stretched(x), full_matrices=False).U ** 2, (2, 3, 2), note="U"),
    _case(np.linalg.svd, lambda x: np.linalg.svd(stretched(x), full_matrices=False).Vh ** 2, (2, 3), note="V"),
    _case(np.linalg.svd, lambda x: np.linalg.svd(stretched(x)).Vh ** 2, (3, 3), note="square"),
    _case(np.linalg.svd, lambda x: np.linalg.svd(symmetric(x), hermitian=True).U ** 2, (3, 3), note="symmetric"),
    _case(np.linalg.svdvals, lambda x: np.linalg.svdvals(stretched(x)), (2, 3)),
    _case(np.linalg.pinv, lambda x: np.linalg.pinv(stretched(x)), (2, 3, 2)),
    _case(np.linalg.pinv, lambda x: np.linalg.pinv(stretched(x)), (2, 3), note="wide"),
    _case(np.linalg.lstsq, lambda a, b: np.linalg.lstsq(stretched(a), b)[0], (4, 2), (4,)),
    _case(np.linalg.lstsq, lambda a, b: np.linalg.lstsq(stretched(a), b)[1], (4, 2), (4, 2), note="squares"),
    _case(np.linalg.qr, lambda x: np.linalg.qr(stretched(x)).Q, (2, 3, 2), note="Q"),
    _case(np.linalg.qr, lambda x: np.linalg.qr(stretched(x), "r"), (2, 3, 2), note="R"),
    _case(np.linalg.qr, lambda x: np.linalg.qr(stretched(x)).R, (2, 4), note="wide"),
    _case(np.linalg.matrix_power, lambda x: np.linalg.matrix_power(x, 3), (2, 3, 3)),
    _case(np.linalg.matrix_power, lambda x: np.linalg.matrix_power(regular(x), -2), (3, 3), note="inverse"),
    _case(np.linalg.matrix_power, lambda x: np.linalg.matrix_power(x, 0), (3, 3), note="identity"),
    _case(np.linalg.multi_dot, lambda *xs: np.linalg.multi_dot(xs), (3, 2), (2, 4), (4, 1), (1, 3)),
    _case(np.linalg.multi_dot, lambda *xs: np.linalg.multi_dot(xs), (3,), (3, 2), (2,), note="vectors"),
    _case(np.linalg.tensorsolve, lambda a, b: np.linalg.tensorsolve(of_tensors(a), b), (6, 6), (2, 3)),
    _case(np.linalg.tensorinv, lambda x: np.linalg.tensorinv(of_tensors(x)), (6, 6)),
    _case(np.linalg.cond, lambda x: np.linalg.cond(stretched(x)), (2, 3, 2)),
    _case(np.linalg.cond, lambda x: np.linalg.cond(regular(x), "fro"), (2, 3, 3), note="Frobenius"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, axis=-1, keepdims=True), (2, 3), note="rows"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, 1, axis=0), (2, 3), note="of order 1"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, np.inf, axis=0), (2, 3), note="of order inf"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, "fro"), (2, 3), note="Frobenius"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, -np.inf, axis=0), (2, 3), note="of order -inf"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, 3, axis=1, keepdims=True), (2, 3), note="of order 3"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(x, -1.5, axis=1), (2, 3), note="of negative order"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(stretched(x), "nuc", axis=(1, 2)), (2, 2, 3), note="nuclear"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(stretched(x), 2), (3, 2), note="spectral"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(stretched(x), -2), (3, 2), note="least singular value"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(rising(x), 1, (0, 2), keepdims=True), (2, 3, 2), note="columns"),
    _case(np.linalg.norm, lambda x: np.linalg.norm(rising(x).T, -np.inf), (2, 3), note="rows -inf"),
    _case(np.linalg.vector_norm, lambda x: np.linalg.vector_norm(x, axis=(0, 2), ord=3), (2, 3, 2)),
    _case(np.linalg.matrix_norm, lambda x: np.linalg.matrix_norm(rising(x), ord=-1, keepdims=True), (2, 3, 2)),
    _case(np.linalg.cross, np.linalg.cross, (2, 3), (3,)),
    _case(np.linalg.outer, np.linalg.outer, (2,), (3,)),
    _case(np.linalg.matmul, np.linalg.matmul, (2, 3), (3, 2)),
    _case(np.linalg.vecdot, np.linalg.vecdot, (2, 3), (3,)),
    _case(np.linalg.tensordot, np.linalg.tensordot, (2, 3, 4), (3, 4, 2)),
    _case(np.linalg.matrix_transpose, np.linalg.matrix_transpose, (2, 3, 4)),
    _case(np.linalg.diagonal, lambda x: np.linalg.diagonal(x, offset=1), (2, 3, 4)),
    _case(np.linalg.trace, lambda x: np.linalg.trace(x, offset=-1), (2, 3, 4)),
    _case(np.flip, np.flip, (2, 3)),
    _case(np.flip, lambda x: np.flip(x, axis=1), (2, 3), note="axis 1"),
    _case(np.broadcast_to, lambda x: np.broadcast_to(x, (4, 2, 3)), (2, 1)),
    _case(np.concatenate, lambda a, b: np.concatenate([a, like(a, np.ones((2, 1))), b], axis=-1), (2, 3), (2, 2)),
    _case(np.concatenate, lambda a, b: np.concatenate([a, b], axis=None), (2, 3), (), note="flat"),
    _case(np.stack, lambda a, b: np.stack([a, b, a], axis=1), (2, 3), (2, 3)),
    *_reductions(np.amax)[1:2],
    *_reductions(np.amin)[1:2],
    *_reductions(np.ptp)[2:4],
    _case(np.sum, lambda x: np.sum(x, axis=1, where=index_beside(x, MASK), initial=2.0), (2, 3), note="where"),
    _case(np.prod, lambda x: np.prod(x, axis=1, where=index_beside(x, MASK), initial=2.0), (2, 3), note="where"),
    _case(np.mean, lambda x: np.mean(x, axis=1, where=index_beside(x, MASK)), (2, 3), note="where"),
    _case(np.var, lambda x: np.var(x, axis=1, where=index_beside(x, MASK), ddof=1), (2, 3), note="where"),
    _case(np.var, lambda x: np.var(x, axis=1, correction=1), (2, 3), note="correction"),
    _case(np.var, lambda x, m: np.var(x, axis=1, mean=m), (2, 3), (2, 1), note="mean"),
    _case(np.std, lambda x: np.std(x, axis=1, where=index_beside(x, MASK)), (2, 3), note="where"),
    _case(np.max, lambda x: np.max(x, axis=1, where=index_beside(x, MASK), initial=-9.0), (2, 3), note="where"),
    _case(np.min, lambda x: np.min(x, axis=1, initial=0.0), (2, 3), note="initial"),
    _case(np.nansum, lambda x: np.nansum(with_nan(x), axis=1), (2, 3)),
    _case(np.nanprod, lambda x: np.nanprod(with_nan(x), axis=1), (2, 3)),
    _case(np.nanmean, lambda x: np.nanmean(with_nan(x), axis=1), (2, 3)),
    _case(np.nanvar, lambda x: np.nanvar(with_nan(x), axis=1), (2, 3)),
    _case(np.nanstd, lambda x: np.nanstd(with_nan(x), axis=1), (2, 3)),
    _case(np.nanmax, lambda x: np.nanmax(with_nan(x), axis=1), (2, 3)),
    _case(np.nanmin, lambda x: np.nanmin(with_nan(x), axis=1), (2, 3)),
    _case(np.nancumsum, lambda x: np.nancumsum(with_nan(x), axis=1), (2, 3)),
    _case(np.nancumprod, lambda x: np.nancumprod(with_nan(x), axis=1), (2, 3)),
    _case(np.average, lambda x, w: np.average(x, 1, np.exp(w)), (2, 3), (3,)),
    _case(np.average, lambda x: np.average(x, axis=0), (2, 3), note="of equal weights"),
    _case(np.median, np.median, (2, 3)),
    _case(np.median, lambda x: np.median(x, axis=1), (2, 4), note="of pairs"),
    _case(np.quantile, lambda x: np.quantile(x, [0.1, 0.6], axis=0), (4, 2)),
    _case(np.percentile, lambda x: np.percentile(x, 30.0, method="hazen"), (5,)),
    _case(np.nanmedian, lambda x: np.nanmedian(with_nan(x), axis=1), (2, 3)),
    _case(np.nanquantile, lambda x: np.nanquantile(with_nan(x), 0.3, axis=1), (2, 3)),
    _case(np.nanpercentile, lambda x: np.nanpercentile(with_nan(x), 70, axis=0), (2, 3)),
    _case(np.cov, np.cov, (2, 4)),
    _case(np.cov, lambda x, w: np.cov(x, aweights=np.exp(w), rowvar=False), (4, 2), (4,), note="weights"),
    _case(np.corrcoef, lambda x, y: np.corrcoef(x, y)[0, 1:], (4,), (4,)),
    _case(np.bincount, lambda w: np.bincount(index_beside(w, [1, 0, 1, 3]), w), (4,)),
    _case(np.histogram, lambda x: times_counts(lambda x: np.histogram(x, 3), x), (4,)),
    _case(np.histogram2d, lambda x: times_counts(lambda x: np.histogram2d(x, x, 3), x), (4,)),
    _case(np.histogramdd, lambda x: times_counts(lambda x: np.histogramdd(x, 2), x), (4, 2)),
    _case(np.unique, lambda x: np.unique(np.concatenate([x, x])), (4,)),
    _case(np.astype, lambda x: np.astype(x, x.dtype), (2, 3)),
    _case(np.copy, np.copy, (2, 3)),
    _case(np.real, np.real, (2, 3)),
    _case(np.real_if_close, np.real_if_close, (2, 3)),
    _case(np.full_like, lambda x: np.full_like(x, x[0]), (2, 3)),
    _case(np.divmod, lambda x: np.divmod(x, 0.7)[1], (2, 3)),
    _case(np.modf, lambda x: np.modf(x)[0], (2, 3)),
    _case(np.frexp, lambda x: np.frexp(x)[0], (2, 3)),
    _case(np.ldexp, lambda x: np.ldexp(x, index_beside(x, [1, -2, 3])), (2, 3)),
    _case(np.nan_to_num, lambda x: np.nan_to_num(with_constants(x), posinf=3.0, neginf=1.0), (2, 3), note="all"),
    _case(np.atleast_1d, np.atleast_1d, ()),
    _case(np.atleast_2d, np.atleast_2d, (3,)),
    _case(np.atleast_3d, np.atleast_3d, (2, 3)),
    _case(np.broadcast_arrays, lambda a, b: np.multiply(*np.broadcast_arrays(a, b)), (3,), (2, 1)),
    _case(np.meshgrid, lambda a, b: np.meshgrid(a, b)[0] * np.meshgrid(a, b)[1], (3,), (2,)),
    _case(np.fliplr, np.fliplr, (2, 3)),
    _case(np.flipud, np.flipud, (2, 3)),
    _case(np.rot90, np.rot90, (2, 3)),
    _case(np.rollaxis, lambda x: np.rollaxis(x, 2), (2, 3, 2)),
    _case(np.resize, lambda x: np.resize(x, (3, 3)), (2, 2)),
    _case(np.hsplit, lambda x: np.hsplit(x, 3)[1], (2, 3)),
    _case(np.vsplit, lambda x: np.vsplit(x, 2)[1], (2, 3)),
    _case(np.dsplit, lambda x: np.dsplit(x, [1])[1], (2, 1, 3)),
    _case(np.dstack, lambda a, b: np.dstack([a, b]), (2, 3), (2, 3)),
    _case(np.column_stack, lambda a, b: np.column_stack([a, b]), (2,), (2, 3)),
    _case(np.append, lambda a, b: np.append(a, b), (2, 3), (2,)),
    _case(np.insert, lambda a, b: np.insert(a, [1, 1], b, axis=1), (2, 3), (2,)),
    _case(np.delete, lambda a: np.delete(a, [0, 2], axis=1), (2, 3)),
    _case(np.trim_zeros, lambda a: np.trim_zeros(np.pad(a, (2, 1))), (3,)),
    _case(np.block, lambda a, b: np.block([[a, b], [b, a]]), (2, 2), (2, 2)),
    _case(np.compress, lambda a: np.compress(index_beside(a, [True, False, True]), a, axis=1), (2, 3)),
    _case(np.extract, lambda a: np.extract(index_beside(a, MASK), a), (2, 3)),
    _case(np.partition, lambda a: np.sort(np.partition(a, 1)[..., :2]), (2, 4)),
    _case(np.diagflat, lambda a: np.diagflat(a, 1), (2, 2)),
    _case(np.choose, lambda a, b: np.choose(index_beside(a, [0, 1, 0]), [a, b]), (3,), (2, 3)),
    _case(np.select, lambda a, b: np.select([index_beside(a, MASK), a > 0], [a, b], 2.0), (2, 3), (3,)),
    _case(np.piecewise, lambda x: np.piecewise(x, [x < -0.5, x > 0.5], [np.exp, np.square, lambda x: x**3]), (2, 3)),
    _case(np.apply_along_axis, lambda x: np.apply_along_axis(lambda v: v[:2] * v[1:], 0, x), (3, 2)),
    _case(np.apply_over_axes, lambda x: np.apply_over_axes(np.sum, x, [0, 2]), (2, 3, 2)),
    _case(np.pad, lambda x: np.pad(x, ((1, 2), (0, 1)), "reflect"), (3, 3), note="reflect"),
    _case(np.pad, lambda x: np.pad(x, 1, "edge"), (2, 3), note="edge"),
    _case(np.pad, lambda x: np.pad(x, 2, "mean", stat_length=2), (3,), note="mean"),
    _case(np.pad, lambda x: np.pad(x, ((1, 2), (0, 0)), "linear_ramp", end_values=1.0), (3, 2), note="ramp"),
    _case(np.reshape, lambda x: np.reshape(x, (3, 2), order="F"), (2, 3), note="Fortran"),
    _case(np.ravel, lambda x: np.ravel(x, order="F"), (2, 3), note="Fortran"),
    _case(np.take, lambda x: np.take(x, index_beside(x, [7, -9]), mode="wrap"), (2, 3), note="wrap"),
    _case(
        np.take_along_axis, lambda x: np.take_along_axis(x, index_beside(x, [[1], [0], [1]]), 0), (2, 3), note="wide"
    ),
    _case(np.cross, np.cross, (2, 3), (3,)),
    _case(np.cross, lambda a, b: np.cross(a, b, axis=0), (3, 2), (3, 2), note="axis 0"),
    _case(np.einsum, lambda a, b: np.einsum("ij,ij->", a, b), (1, 4), (4, 1), note="stretched"),
    _case(np.einsum, lambda a, b: np.einsum("...i,...i->...", a, b), (2, 1, 3), (4, 3), note="stretched dots"),
    _case(np.einsum, lambda a, b: np.einsum("ij,jk->ik", a, b), (2, 1), (3, 4), note="stretched sum"),
    _case(np.einsum, lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2], optimize=True), (2, 3), (3, 2), note="lists"),
    _case(np.diff, lambda x: np.diff(x, 2, axis=0, prepend=1.0), (3, 2)),
    _case(np.ediff1d, lambda x: np.ediff1d(x, to_end=x[:1]), (4,)),
    _case(np.trapezoid, np.trapezoid, (2, 3)),
    _case(np.trapezoid, lambda y, x: np.trapezoid(y, x, axis=0), (3, 2), (3,), note="over x"),
    _case(np.gradient, lambda x: np.gradient(x, 0.5, axis=0, edge_order=2), (4, 2)),
    _case(np.gradient, lambda f, x: np.gradient(f, apart(x)), (4,), (4,), note="between places"),
    _case(np.interp, lambda x, fp: np.interp(x, like(x, [-1.5, 0.1, 0.9]), fp), (5,), (3,)),
    _case(np.interp, lambda x, fp: np.interp(x, like(x, [0.2, 1.1]), fp, period=1.3), (5,), (2,), note="period"),
    _case(np.linspace, lambda a, b: np.linspace(a, b, 4), (2,), ()),
    _case(np.logspace, lambda a, b: np.logspace(a, b, 3, base=2.0), (2,), ()),
    _case(np.geomspace, lambda a, b: np.geomspace(np.exp(a), np.exp(b), 3), (2,), ()),
    _case(np.sinc, np.sinc, (2, 3)),
    _case(np.unwrap, lambda x: np.unwrap(4 * x), (4,)),
    _case(np.convolve, np.convolve, (4,), (3,)),
    _case(np.convolve, lambda a, v: np.convolve(a, v, "same"), (2,), (5,), note="same"),
    _case(np.correlate, np.correlate, (4,), (3,)),
    _case(np.correlate, lambda a, v: np.correlate(a, v, "full"), (2,), (3,), note="full"),
    _case(np.polyval, np.polyval, (3,), (2,)),
    _case(np.polyadd, np.polyadd, (3,), (2,)),
    _case(np.polysub, np.polysub, (2,), (3,)),
    _case(np.polymul, np.polymul, (2,), (3,)),
    _case(np.polyder, lambda p: np.polyder(p, 2), (4,)),
    _case(np.polyint, lambda p, k: np.polyint(p, 2, k), (3,), (2,)),
    _case(np.poly, np.poly, (3,)),
    _case(np.polyfit, lambda x, y: np.polyfit(apart(x), y, 1), (4,), (4,)),
    _case(np.vander, lambda x: np.vander(x, 3), (3,)),
    *_of_newer_numpy("cumulative_sum", lambda x: np.cumulative_sum(x, axis=1, include_initial=True), (2, 3)),
    *_of_newer_numpy("cumulative_prod", lambda x: np.cumulative_prod(x, axis=1, include_initial=True), (2, 3)),
    *_of_newer_numpy("unstack", lambda x: np.unstack(x, axis=1)[1], (2, 3)),
    *_of_newer_numpy("matvec", lambda a, b: np.matvec(a, b), (2, 3), (3,)),
    *_of_newer_numpy("vecmat", lambda a, b: np.vecmat(a, b), (2,), (2, 3)),
    _case(np.vecdot, np.vecdot, (2, 3), (3,)),
    _case(np.matrix_transpose, np.matrix_transpose, (2, 3)),
    _case(ratio, lambda a, b: ratio(a, np.exp(b)), (2, 3), (3,)),
    _case(contract, lambda a, b: contract("ij,jk->ik", a, b), (2, 3), (3, 2)),
    _case(running_product, lambda x: running_product(x, 0), (3, 2)),
    _case(log_abs_det, lambda x: log_abs_det(regular(x)), (3, 3)),
    _case(eigensystem, lambda x: eigensystem(symmetric(x))[..., 0, :], (3, 3)),
    _case(singular_values, lambda x: singular_values(stretched(x)), (3, 2)),
    _case(euclidean_norm, lambda x: euclidean_norm(x, 0, False), (3, 2)),
    _case(power_norm, lambda x: power_norm(x, 2.5, 0, False), (3, 2)),
    _case(cofactors, lambda x: cofactors(stretched(x)), (2, 3, 3)),
    _case(singular_system, lambda x: singular_system(stretched(x)) ** 2, (3, 2)),
    _case(orthogonal_triangular, lambda x: orthogonal_triangular(stretched(x)), (3, 2)),
    _case(mirrored, lambda x: mirrored(x + np.swapaxes(x, 0, 1)), (3, 3)),
    _case(with_slope_where, lambda x: with_slope_where(x, index_beside(x, MASK | True)), (2, 3)),
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
