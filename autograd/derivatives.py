"""Derivatives as functions: `grad` over a recorded graph; `vjp`, `jvp`, `jacobian`, `hessian`, `hvp` of a function f.

A function f takes Tensors and returns one Tensor; x is an array or a Tensor, or a tuple of them for a function of
several arguments. The results are arrays, but Tensors if there is a Tensor in x. With `create_graph` they
are always Tensors.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.arguments import plain
from autograd.engine import differentiate
from autograd.modes import mode, no_grad
from autograd.table import Rule
from autograd.tensor import Tensor, apply, seed_of


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor] | None = None,
    grad_outputs: Any = None,
    create_graph: bool = False,
    allow_unused: bool = False,
    retain_graph: bool = False,
) -> Any:
    """The gradient Σ ⟨grad_output, ∂output/∂input⟩ for each input, as Tensors. No `.grad` is changed.

    outputs: a Tensor, or a sequence of them, computed from the inputs.
    inputs: a Tensor, for which one Tensor is returned; or a sequence of them, for which a list is returned.
    grad_outputs: ∂loss/∂output, an array or a Tensor of the shape of the output; a sequence of them if `outputs` is a
        sequence. None stands for 1 where an output has one element.
    create_graph: record the gradients, so that they can be differentiated again; this keeps the graph too.
    allow_unused: give None for an input that no output depends on. Otherwise this is a ValueError.
    retain_graph: keep the graph for another pass. Otherwise it is freed on the way.

    Raises TypeError if `outputs` is a function or `inputs` is missing, ValueError if an input does not require a
    gradient or a grad_output has another shape than its output, and RuntimeError if an output requires no gradient, has
    several elements and no grad_output, or if a needed part of the graph was freed.
    """
    if callable(outputs) or inputs is None:
        raise TypeError(
            f"grad(outputs, inputs) takes Tensors, got {outputs!r} and {inputs!r}; value_and_grad(f, x) differentiates "
            "a function f at x"
        )
    if isinstance(inputs, Tensor):
        return grad(outputs, [inputs], grad_outputs, create_graph, allow_unused, retain_graph)[0]
    if isinstance(outputs, Tensor):
        outputs, grad_outputs = [outputs], [grad_outputs]
    inputs, outputs = list(inputs), list(outputs)
    for i, t in enumerate(inputs):
        if not t.requires_grad:
            raise ValueError(f"input {i} does not require a gradient; create it with requires_grad=True")
    grad_outputs = [None] * len(outputs) if grad_outputs is None else grad_outputs
    seeds: list = [seed_of(y, g) for y, g in zip(outputs, grad_outputs, strict=True)]
    if not create_graph:
        seeds = [seed.data for seed in seeds]
    with mode(record=create_graph):
        found = differentiate(outputs, seeds, inputs, create_graph, retain_graph, allow_unused)
    if create_graph:
        return found
    return [g if g is None else Tensor(np.copy(g)) for g in found]  # rules may return an array in use


def _arguments(x: Any) -> list[Tensor]:
    """A new Tensor for each argument in the tuple x. Tensors that are part of a graph stay in it.

    Two arguments may be one Tensor, or one may be made from another: derivatives are by the argument alone.
    """
    apart: Any = np.positive
    return [apart(a) if isinstance(a, Tensor) and a.requires_grad else Tensor(plain(a), requires_grad=True) for a in x]


def _gradients(y: Tensor, inputs: list[Tensor], weight: Any, create_graph: bool) -> list[Tensor]:
    """`grad`, with zeros where y does not depend on an input."""
    if not (isinstance(y, Tensor) and y.requires_grad):
        return [Tensor(np.zeros_like(a.data)) for a in inputs]
    found = grad(y, inputs, weight, create_graph=create_graph, allow_unused=True, retain_graph=True)
    return [Tensor(np.zeros_like(a.data)) if g is None else g for g, a in zip(found, inputs, strict=True)]


def _like(x: Any, results: list, tensors: bool = False) -> Any:
    """One result for one argument x, a tuple for a tuple; arrays where x is of arrays, unless `tensors`."""
    if not tensors and not any(isinstance(a, Tensor) for a in _tuple(x)):
        results = [r.data for r in results]
    return tuple(results) if isinstance(x, tuple) else results[0]


def _alone(x: Any, y: Tensor, tensors: bool = False) -> Any:
    """y as an array if x is of arrays, unless `tensors`; else y itself."""
    return _like(_tuple(x), [y], tensors)[0]


def _value(f: Callable, inputs: list[Tensor]) -> Tensor:
    """f(*inputs). Raises TypeError if that is no Tensor."""
    y = f(*inputs)
    if not isinstance(y, Tensor):
        raise TypeError(
            f"the function returned {type(y).__name__} {y!r}, which carries no gradient; it must return a Tensor, "
            "computed from its arguments by operators and np.* functions"
        )
    return y


def _inner(xs: Sequence, ys: Sequence) -> Any:
    """Σ ⟨x, y⟩ over the pairs. Raises ValueError where two do not have one shape."""
    pairs = list(zip(xs, ys, strict=True))
    for x, y in pairs:
        if x.shape != np.shape(y):
            raise ValueError(f"v has shape {np.shape(y)}, but what it multiplies has shape {x.shape}")
    return functools.reduce(operator.add, (np.sum(x * y) for x, y in pairs))


def _tuple(x: Any) -> tuple:
    return x if isinstance(x, tuple) else (x,)


@mode(record=True)
def value_and_grad(f: Callable, x: Any) -> tuple[Any, Any]:
    """(f(x), ∇f(x)) of a function whose value is one number.

    f: takes Tensors and returns a Tensor of one element. x: an array or a Tensor, or a tuple of them for several
    arguments; ∇f has the same shape, or is a tuple of such. Arrays are returned; Tensors without a graph if there is a
    Tensor in x. With arrays this is what `scipy.optimize.minimize(…, jac=True)` asks for.
    Raises TypeError if f returns no Tensor, RuntimeError for several elements or a constant, and ValueError if f(x)
    depends on Tensors, but not on each argument.
    """
    inputs = _arguments(_tuple(x))
    y = _value(f, inputs)
    return _alone(x, y.detach()), _like(x, grad(y, inputs))


@mode(record=True)
def vjp(f: Callable, x: Any, v: Any, create_graph: bool = False) -> tuple[Any, Any]:
    """(f(x), vᵀ J): the vector-Jacobian product at x, where J = ∂f/∂x, in one backward pass.

    f: takes Tensors and returns a Tensor; x: an array or a Tensor, or a tuple of them for several arguments; v: an
    array of the shape of f(x), or None for 1 where f(x) has one element. vᵀ J has the shape of x, or is a tuple of
    such; it is 0 where f(x) does not depend on x. create_graph: return Tensors that can be differentiated again;
    otherwise arrays, but Tensors if there is a Tensor in x. Raises TypeError if f returns no Tensor; if f(x) depends on
    x, ValueError for a v of another shape, and RuntimeError if v is None and f(x) has several elements.
    """
    inputs = _arguments(_tuple(x))
    y = _value(f, inputs)
    return _alone(x, y, create_graph), _like(x, _gradients(y, inputs, v, create_graph), create_graph)


@mode(record=True)
def jvp(f: Callable, x: Any, v: Any) -> tuple[Any, Any]:
    """(f(x), J v): the Jacobian-vector product at x, where J = ∂f/∂x. J v has the shape of f(x).

    f: takes Tensors and returns a Tensor; x: an array or a Tensor, or a tuple of them for several arguments; v: an
    array of the shape of x, or a tuple of them for a tuple x. Arrays are returned, but Tensors if there is a Tensor in
    x. Raises TypeError if f returns no Tensor, and ValueError if v has another shape.

    Reverse mode twice: u ↦ uᵀ J is linear in u, so its own derivative with respect to u, applied to v, is J v.
    """
    inputs = _arguments(_tuple(x))
    y = _value(f, inputs)
    u = Tensor(np.zeros_like(y.data), requires_grad=True)
    rows = _gradients(y, inputs, u, create_graph=True)
    return _alone(x, y), _alone(x, _gradients(_inner(rows, _tuple(v)), [u], None, create_graph=False)[0])


@mode(record=True)
def jacobian(f: Callable, x: Any, create_graph: bool = False) -> Any:
    """∂f(x)_i / ∂x_j, of shape (*f(x).shape, *x.shape), in one backward pass for each element of f(x).

    f: takes Tensors and returns a Tensor; x: an array or a Tensor, or a tuple of them, for which a tuple of Jacobians
    is returned. create_graph: return Tensors that can be differentiated again; otherwise arrays, but Tensors if there
    is a Tensor in x. Raises TypeError if f returns no Tensor.
    """
    inputs = _arguments(_tuple(x))
    y = _value(f, inputs)
    flat = np.reshape(y, -1)
    rows = [_gradients(flat[i], inputs, None, create_graph) for i in range(y.size)]
    shapes = [(*y.shape, *a.shape) for a in inputs]
    if not rows:
        return _like(x, [Tensor(np.zeros(shape)) for shape in shapes], create_graph)
    columns = [np.stack(column).reshape(shape) for column, shape in zip(zip(*rows, strict=True), shapes, strict=True)]
    return _like(x, columns, create_graph)


def hessian(f: Callable, x: Any) -> Any:
    """∂²f(x) / ∂x_i ∂x_j of a function whose value is one number, of shape (*x.shape, *x.shape).

    f: takes a Tensor and returns a Tensor of one element; x: an array, for which an array is returned, or a Tensor.
    Raises TypeError if x is a tuple.
    """
    if isinstance(x, tuple):
        raise TypeError(f"hessian takes one array, got a tuple of {len(x)}; join them, or use hvp")
    return jacobian(lambda x: vjp(f, x, None, create_graph=True)[1], x)


@mode(record=True)
def hvp(f: Callable, x: Any, v: Any) -> Any:
    """H v, the Hessian H of f at x times v, without forming H. It has the shape of x.

    f: takes Tensors and returns a Tensor of one element; x: an array or a Tensor, or a tuple of them for several
    arguments; v: an array of the shape of x, or a tuple of them for a tuple x. Arrays are returned, but Tensors if
    there is a Tensor in x; a tuple for a tuple. Raises TypeError if f returns no Tensor, and ValueError if v has
    another shape.
    """
    inputs = _arguments(_tuple(x))
    slopes = _gradients(_value(f, inputs), inputs, None, create_graph=True)
    return _like(x, _gradients(_inner(slopes, _tuple(v)), inputs, None, create_graph=False))


def checkpoint(f: Callable, *args: Any) -> Tensor:
    """The Tensor f(*args), keeping only `args` in memory: the backward pass computes f and its inner results again.

    f: takes the arguments, with a Tensor for each floating-point array, and returns a Tensor. It must depend on its
    arguments alone, and give the same result when it is called again. Parameters that f uses without being passed them
    get no gradient: pass each as an argument of its own. Raises TypeError if an argument is a list, tuple or dict with
    Tensors in it.
    """
    for i, arg in enumerate(args):
        if not isinstance(arg, Tensor) and _holds_tensors(arg):
            raise TypeError(f"checkpoint got Tensors in a {type(arg).__name__} as argument {i}; pass each by itself")

    def forget(*arrays: Any) -> Any:
        with no_grad():
            return f(*_tensors(arrays)).data

    def again(g: Any, y: Any, *arrays: Any) -> list:
        inputs = _tensors(arrays)
        leaves = [a for a in inputs if isinstance(a, Tensor)]
        with mode(record=True):
            found = iter(_gradients(f(*inputs), leaves, g, create_graph=False))
        return [next(found).data if isinstance(a, Tensor) else None for a in inputs]

    none: frozenset = frozenset()
    entry = Rule(
        vjps=(),
        joint=again,
        reference=f,
        broadcasts=False,
        residuals=False,
        positional=sys.maxsize,
        keywords=none,
        constants=none,
        compute=forget,
    )
    return apply(f, args, entry=entry)


def _holds_tensors(x: Any) -> bool:
    if isinstance(x, list | tuple | dict):
        return any(map(_holds_tensors, x.values() if isinstance(x, dict) else x))
    return isinstance(x, Tensor)


def _tensors(arrays: Sequence) -> list:
    """Leaves with the values of the floating-point arrays among the arguments; the other arguments as they are."""
    return [Tensor(a, requires_grad=True) if getattr(a, "dtype", np.dtype(int)).kind == "f" else a for a in arrays]
