"""One or more calls for every function in the table of derivatives: what the rule tests run over."""

import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.special as sp

from autograd.rules.shapes import join, scatter
from autograd.tensor import astype


def anything(x):
    return x


def positive(x):
    return np.exp(x)


def above_minus_one(x):
    return np.expm1(x)


# Element-wise functions: the domain of each argument, as a map from (-2, 2). `analytic` ones take complex numbers too.
ELEMENTWISE: dict[Callable, tuple] = {
    np.add: (anything, anything),
    np.subtract: (anything, anything),
    np.multiply: (anything, anything),
    np.true_divide: (anything, anything),
    np.power: (positive, anything),
    np.maximum: (anything, anything),
    np.minimum: (anything, anything),
    np.logaddexp: (anything, anything),
    np.negative: (anything,),
    np.absolute: (anything,),
    np.square: (anything,),
    np.sqrt: (positive,),
    np.exp: (anything,),
    np.expm1: (anything,),
    np.log: (positive,),
    np.log1p: (above_minus_one,),
    np.sin: (anything,),
    np.cos: (anything,),
    np.tanh: (anything,),
    sp.expit: (anything,),
    sp.log_expit: (anything,),
}
NOT_ANALYTIC = {np.maximum, np.minimum, np.absolute, np.logaddexp, sp.expit, sp.log_expit}


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


MASK = np.array([[True, False, True], [False, True, True]])

CASES = [
    *_reductions(np.sum),
    *_reductions(np.mean),
    *_reductions(np.max),
    _case(np.sum, lambda x: np.sum(x, axis=1), (2, 0), note="of nothing"),
    _case(np.cumsum, np.cumsum, (2, 3)),
    _case(np.cumsum, lambda x: np.cumsum(x, axis=1), (2, 3, 2), note="axis 1"),
    _case(np.where, lambda a, b: np.where(MASK, a, b), (2, 3), (2, 3)),
    _case(np.where, lambda a, b: np.where(MASK, a, b), (3,), (2, 1), note="broadcast"),
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
    _case(np.flip, np.flip, (2, 3)),
    _case(np.flip, lambda x: np.flip(x, axis=1), (2, 3), note="axis 1"),
    _case(np.broadcast_to, lambda x: np.broadcast_to(x, (4, 2, 3)), (2, 1)),
    _case(np.concatenate, lambda a, b: np.concatenate([a, np.ones((2, 1), a.dtype), b], axis=-1), (2, 3), (2, 2)),
    _case(np.concatenate, lambda a, b: np.concatenate([a, b], axis=None), (2, 3), (), note="flat"),
    _case(np.stack, lambda a, b: np.stack([a, b, a], axis=1), (2, 3), (2, 3)),
    _case(join, lambda a, b: join(1, a, b), (2, 3), (2, 1)),
    _case(operator.getitem, lambda x: x[1], (3, 2)),
    _case(operator.getitem, lambda x: x[..., ::-2, None], (3, 4), note="slices"),
    _case(operator.getitem, lambda x: x[[0, 2, 0, 0]], (3, 2), note="repeated"),
    _case(operator.getitem, lambda x: x[np.array([[0], [1]]), np.array([1, 1])], (2, 3), note="advanced"),
    _case(operator.getitem, lambda x: x[MASK], (2, 3), note="mask"),
    _case(scatter, lambda v: scatter(v, np.array([0, 2, 0]), (4, 2)), (3, 2)),
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
