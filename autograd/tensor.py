"""`Tensor`: an array that remembers how it was made. NumPy's own protocols bring every call on it here.

`np.exp(t)` reaches `Tensor.__array_ufunc__` (NEP 13) and `np.sum(t)` reaches `Tensor.__array_function__` (NEP 18); both
end in `apply`, which calls the function on the plain arrays and records the call if a gradient may be asked for.
"""

from __future__ import annotations

import functools
import itertools
import operator
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd import backend, faults
from autograd.arguments import NOT_METHODS, bound, explain, no_rule, plain, understood, unknown_options
from autograd.engine import Call, differentiate, no_derivative
from autograd.modes import MODE
from autograd.table import COMPOSITES, RULES, ZERO_DERIVATIVE, Rule, name_of, rule

_creation = itertools.count()
_adding = threading.Lock()
NO_OPTIONS: dict[str, Any] = {}
PLAIN = frozenset({np.ndarray, float, int, bool, np.float32, np.float64, tuple, str, type(None)})
"""The types of most arguments that are not Tensors. `apply` passes them on unchanged."""


class Tensor:
    """An array with a gradient. Operators and NumPy's functions take it as they take an array, and return Tensors.

    Piecewise constant functions, such as comparisons and argmax, return plain arrays.
    data: the array; given as an array, number or nested list. An array is held, not copied.
    requires_grad: for a leaf, whether `backward()` shall leave ∂output/∂this in `.grad`. The result of a recorded call
        is no leaf: it requires a gradient, but its `.grad` stays None.
    grad: the sum of the gradients since it was None, an array of the shape and dtype of `data`; None at first.
    call: the `engine.Call` that made this Tensor; None for a leaf, `engine.RELEASED` after a pass freed the Call.
    order: a count of creation, higher for a Tensor made later.

    Raises TypeError if `requires_grad` and the data are not floating-point numbers, and for a matrix or a masked array.
    """

    __slots__ = ("__weakref__", "call", "data", "grad", "order", "requires_grad")
    __pandas_priority__ = 5000  # so that pandas leaves `series * t` to Tensor, as NumPy does

    def __init__(self, data: Any, requires_grad: bool = False):
        self.data = backend.asarray(data)
        self.grad: Any = None
        self.requires_grad = requires_grad
        self.call: Any = None
        self.order = next(_creation)
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(f"only floating-point data has a gradient, got {self.dtype}; use data.astype(float)")

    # -- derivatives

    def backward(
        self, gradient: Any = None, retain_graph: bool = False, inputs: Iterable[Tensor] | None = None
    ) -> None:
        """Add ⟨gradient, ∂self/∂leaf⟩ to `.grad` of all leaves that require a gradient, or of those in `inputs` alone.

        gradient: ∂loss/∂self, an array or a Tensor of the shape of self; by default 1, for a Tensor of one element.
        retain_graph: keep the graph for another pass. Otherwise it is freed on the way.
        inputs: leaves. One that self does not depend on gets nothing.

        Raises ValueError if one of `inputs` is no leaf or requires no gradient, or for a `gradient` of another shape;
        RuntimeError if self requires no gradient, needs a `gradient`, or its graph was freed.
        """
        inputs = None if inputs is None else list(inputs)
        for i, t in enumerate(inputs or ()):
            if not t.requires_grad or t.call is not None:
                raise ValueError(f"input {i} is not a leaf that requires a gradient; grad() differentiates by others")
        seed = seed_of(self, gradient).data
        differentiate([self], [seed], inputs, retain_graph=retain_graph, allow_unused=True, accumulate=True)

    def accumulate(self, gradient: Any) -> None:
        """Add `gradient`, an array of the shape of `data`, to `.grad`, or put a copy there if `.grad` is None.

        Several threads may call this at once.
        """
        with _adding:  # after a call of `acquire`, Ctrl-C could come before `try`: nobody would free the lock
            if self.grad is None:
                self.grad = np.copy(gradient)
            else:
                self.grad += gradient

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Tensor:
        """A Tensor of the same numbers in another dtype, with derivative 1; constant in a dtype of whole numbers.

        dtype, casting: as in NumPy; order, subok, copy: accepted, and without effect. Raises TypeError if `casting`
        does not allow `dtype`, and if a Tensor that requires a gradient would become complex.
        """
        dtype = np.dtype(dtype)
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"a Tensor of {self.dtype} does not become {dtype} with casting={casting!r}")
        return astype(self, dtype)

    def detach(self) -> Tensor:
        """A Tensor on the same data that requires no gradient and has no graph."""
        return Tensor(self.data)

    # -- NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            return apply(ufunc, args, kwargs)
        raise TypeError(f"np.{ufunc.__name__}.{method} has no derivative here; use a function such as np.sum instead")

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: dict) -> Any:
        return apply(function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.requires_grad:
            raise TypeError(
                "a Tensor that requires a gradient does not turn into an array silently: the gradient would be lost. "
                "Join Tensors with np.stack or np.concatenate; use autograd.special for SciPy's functions, and Tensors "
                "and plain arrays alone in formulas; t.data is the array where no gradient is wanted"
            )
        return np.array(self.data, dtype=dtype, copy=copy)

    # -- the members of an ndarray

    # fmt: off
    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)
    size = property(lambda self: self.data.size)
    dtype = property(lambda self: self.data.dtype)
    itemsize = property(lambda self: self.data.itemsize)
    nbytes = property(lambda self: self.data.nbytes)
    device = property(lambda self: backend.device_of(self.data))
    T = property(lambda self: apply(np.transpose, (self,)))
    mT = property(lambda self: np.matrix_transpose(self))  # noqa: N815, NumPy's name
    real = property(lambda self: as_array(self))
    imag = property(lambda self: np.imag(self.data))

    def reshape(self, *shape, **options):
        return apply(np.reshape, (self, shape[0] if len(shape) == 1 else shape), options)
    def transpose(self, *axes): return apply(np.transpose, (self,), {"axes": _axes(axes)})
    def compress(self, condition, axis=None, out=None): return np.compress(condition, self, axis, out)
    def clip(self, min=None, max=None, out=None):
        return apply(np.clip, (self,), {"min": min, "max": max} | ({} if out is None else {"out": out}))
    def conj(self): return as_array(self)
    def conjugate(self): return as_array(self)
    def flatten(self, order="C"): return apply(np.ravel, (self,), {"order": order})
    def copy(self, order="C"): return astype(self, self.dtype)
    def item(self, *index): return self.data.item(*index)
    def tolist(self): return backend.to_numpy(self.data).tolist()

    def __float__(self): return float(self._number())
    def __int__(self): return int(self._number())
    def __complex__(self): return complex(self._number())
    def __index__(self): return operator.index(self.data)
    def __bool__(self): return bool(self.data)
    def __round__(self, ndigits=None): return round(self.data[()], ndigits)
    def __len__(self): return len(self.data)
    def __contains__(self, value): return bool(np.any(self.data == plain(value)))
    def __iter__(self): return (self[i] for i in range(len(self)))
    def __getitem__(self, index): return apply(operator.getitem, (self, _plain_index(index)))

    def __pos__(self): return apply(np.positive, (self,))
    def __invert__(self): return apply(np.invert, (self,))
    def __neg__(self): return apply(np.negative, (self,))
    def __abs__(self): return apply(np.absolute, (self,))
    def __add__(self, other): return apply(np.add, (self, other))
    def __radd__(self, other): return apply(np.add, (other, self))
    def __sub__(self, other): return apply(np.subtract, (self, other))
    def __rsub__(self, other): return apply(np.subtract, (other, self))
    def __mul__(self, other): return apply(np.multiply, (self, other))
    def __rmul__(self, other): return apply(np.multiply, (other, self))
    def __truediv__(self, other): return apply(np.true_divide, (self, other))
    def __rtruediv__(self, other): return apply(np.true_divide, (other, self))
    def __floordiv__(self, other): return apply(np.floor_divide, (self, other))
    def __rfloordiv__(self, other): return apply(np.floor_divide, (other, self))
    def __mod__(self, other): return apply(np.remainder, (self, other))
    def __rmod__(self, other): return apply(np.remainder, (other, self))
    def __divmod__(self, other): return apply(np.divmod, (self, other))
    def __rdivmod__(self, other): return apply(np.divmod, (other, self))
    def __and__(self, other): return apply(np.bitwise_and, (self, other))
    def __rand__(self, other): return apply(np.bitwise_and, (other, self))
    def __or__(self, other): return apply(np.bitwise_or, (self, other))
    def __ror__(self, other): return apply(np.bitwise_or, (other, self))
    def __xor__(self, other): return apply(np.bitwise_xor, (self, other))
    def __rxor__(self, other): return apply(np.bitwise_xor, (other, self))
    def __lshift__(self, other): return apply(np.left_shift, (self, other))
    def __rlshift__(self, other): return apply(np.left_shift, (other, self))
    def __rshift__(self, other): return apply(np.right_shift, (self, other))
    def __rrshift__(self, other): return apply(np.right_shift, (other, self))
    def __pow__(self, other): return apply(np.power, (self, other))
    def __rpow__(self, other): return apply(np.power, (other, self))
    def __matmul__(self, other): return apply(np.matmul, (self, other))
    def __rmatmul__(self, other): return apply(np.matmul, (other, self))
    def __eq__(self, other): return apply(np.equal, (self, other))
    def __ne__(self, other): return apply(np.not_equal, (self, other))
    def __lt__(self, other): return apply(np.less, (self, other))
    def __le__(self, other): return apply(np.less_equal, (self, other))
    def __gt__(self, other): return apply(np.greater, (self, other))
    def __ge__(self, other): return apply(np.greater_equal, (self, other))
    # fmt: on

    def _number(self) -> Any:
        """The array, of which Python makes a number: asked for by float(t), math.exp(t) and array[i] = t alike.

        Raises TypeError for a Tensor that requires a gradient, which would be lost.
        """
        if self.requires_grad:
            raise TypeError(
                "a Tensor that requires a gradient does not turn into a number silently: the gradient would be lost. "
                "Use np.* in place of math.*, np.stack to build an array of Tensors; t.item() is the number"
            )
        return self.data

    __hash__ = object.__hash__  # by identity; == compares elements

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "a Tensor cannot be assigned to in place: a recorded result may depend on the old values. Build the new "
            "array with np.where or np.concatenate, or write to t.data before the first use of t"
        )

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        if self.ndim > 0:
            raise TypeError(f"a Tensor of shape {self.shape} takes no format such as {spec!r}; format its elements")
        return format(self.item(), spec)

    def __repr__(self) -> str:
        values = np.array2string(backend.to_numpy(self.data), separator=", ", prefix="Tensor(", threshold=100)
        facts = [f"shape={self.shape}", str(self.dtype), backend.device_of(self.data)]
        if isinstance(self.call, Call):
            facts.append(f"made by {name_of(self.call.function)}")
        elif self.requires_grad:
            facts.append("requires_grad=True")
        return f"Tensor({values}, {', '.join(facts)})"

    def __copy__(self) -> Tensor:
        """A leaf on the same data with a gradient of its own."""
        data, requires_grad, gradient = self.__reduce__()[1]
        return _restored(data, requires_grad, None if gradient is None else np.copy(gradient))

    def __reduce__(self) -> tuple:
        """Copies and pickles are leaves; what was computed belongs to a graph, which is not copied."""
        if self.call is not None:
            raise TypeError(
                "a Tensor that was computed is part of a graph and is not copied or pickled; use t.detach()"
            )
        return _restored, (self.data, self.requires_grad, self.grad)

    def __dlpack__(self, **options: Any) -> Any:
        if self.requires_grad:
            raise TypeError("a Tensor that requires a gradient does not leave its graph silently; use t.detach()")
        return self.data.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.data.__dlpack_device__()


def _restored(data: Any, requires_grad: bool, gradient: Any) -> Tensor:
    tensor = Tensor(data, requires_grad)
    tensor.grad = gradient
    return tensor


METHODS = (
    *("prod", "cumsum", "cumprod", "ravel", "squeeze", "swapaxes", "dot", "take", "repeat", "diagonal"),
    *("trace", "argmax", "argmin", "argsort", "argpartition", "searchsorted", "nonzero", "any", "all", "round"),
    *("choose", "ptp"),
)
REDUCTIONS = ("sum", "mean", "max", "min", "var", "std")


def _method(function: Callable) -> Callable:
    return functools.wraps(function)(lambda self, *args, **options: apply(function, (self, *args), options))


def _reduction(function: Callable) -> Callable:
    """A method whose first argument, the axis, need not be bound by NumPy's signature: these are called most."""

    def method(self: Tensor, axis: Any = None, *args: Any, **options: Any) -> Any:
        if args:
            return apply(function, (self, axis, *args), options)
        return apply(function, (self,), {"axis": axis, **options})

    return functools.wraps(function)(method)


def _absent(name: str) -> property:
    """In place of an ndarray's method or attribute: an AttributeError that says what to write instead."""

    def refuse(self: Tensor) -> Any:
        raise AttributeError(f"a Tensor has no {name}: {NOT_METHODS[name]}")

    return property(refuse)


for _name in NOT_METHODS:
    if not _name.startswith("_"):
        setattr(Tensor, _name, _absent(_name))
for _name in METHODS:
    setattr(Tensor, _name, _method(getattr(np, _name)))
for _name in REDUCTIONS:
    setattr(Tensor, _name, _reduction(getattr(np, _name)))


def apply(function: Callable, args: Sequence, kwargs: dict | None = None, entry: Rule | None = None) -> Any:
    """Call `function` on the arrays in its arguments; return a Tensor. Record the call if a gradient is required.

    args, kwargs: the call as the user wrote it. entry: its rule, for a function not in `RULES`. Without a rule for this
    call, its entry in `COMPOSITES` is called, or it gives a plain array if it is piecewise constant. Raises TypeError
    if it is neither, or if a required gradient would go through an argument without a derivative or complex numbers.
    """
    entry = entry or RULES.get(function)
    if entry is None:
        return _apply_unruled(function, args, kwargs or NO_OPTIONS)
    if kwargs or len(args) != entry.positional:
        args, kwargs = bound(function, entry, args, kwargs or NO_OPTIONS)
        if not understood(entry, args, kwargs):
            return _apply_unruled(function, args, kwargs)
        kwargs = {name: _constant_option(function, name, value) for name, value in kwargs.items()}
    else:
        kwargs = NO_OPTIONS
    values, needs = [], []
    for i, arg in enumerate(args):
        if isinstance(arg, Tensor):
            values.append(arg.data)
            if arg.requires_grad:
                needs.append(i)
        elif type(arg) in PLAIN:
            values.append(arg)
        elif (type(arg) is list and (entry.broadcasts or isinstance(function, np.ufunc))) or backend.is_foreign(arg):
            return apply(function, [*args[:i], as_array(arg), *args[i + 1 :]], kwargs, entry)
        else:
            values.append(arg)
    try:
        data = entry.compute(*values, **kwargs)
    except (ValueError, IndexError, TypeError) as error:
        explain(error, function, values)
        raise
    residuals = None
    if entry.residuals:
        data, residuals = data
    result = Tensor(data)
    mode = MODE.get()
    if needs and mode.record and (kind := result.data.dtype.kind) not in "biu":  # whole numbers have derivative 0
        if entry.constants and not entry.constants.isdisjoint(needs):
            raise no_derivative(function, sorted(entry.constants.intersection(needs)))
        if kind == "c":
            raise TypeError(f"{name_of(function)} gave complex numbers, which are not differentiated here")
        result.requires_grad = True
        result.call = Call(function, entry, args, values, kwargs, needs, residuals)
    if mode.watch:
        faults.watch_call(function, values, result)
    return result


def _apply_unruled(function: Callable, args: Sequence, kwargs: dict) -> Any:
    """Call a function, or one with options, that has no rule: a composite, or a piecewise constant function.

    Raises TypeError for any other.
    """
    if composite := COMPOSITES.get(function):
        args, kwargs = bound(function, composite, args, kwargs)
        if not composite.keywords.issuperset(kwargs):
            raise unknown_options(function, composite, kwargs)
        return composite.function(*args, **kwargs)
    if entry := RULES.get(function):
        raise unknown_options(function, entry, kwargs)
    if function in ZERO_DERIVATIVE:
        return function(*map(plain, args), **{name: plain(value) for name, value in kwargs.items()})
    raise no_rule(function)


def _constant_option(function: Callable, name: str, value: Any) -> Any:
    """An option as a rule takes it. Raises TypeError for a Tensor that requires a gradient."""
    if isinstance(value, Tensor) and value.requires_grad:
        raise TypeError(f"{name_of(function)} has no derivative with respect to argument {name}; pass t.detach() there")
    return backend.array_in(value)


def _axes(axes: tuple) -> Any:
    """The axes of t.transpose(1, 0), t.transpose((1, 0)) or t.transpose()."""
    return axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None


def _plain_index(index: Any) -> Any:
    """An index with every Tensor in it (a mask, positions) replaced by its array."""
    if isinstance(index, tuple):
        return tuple(_plain_index(i) for i in index)
    return index.data if isinstance(index, Tensor) else index


def seed_of(output: Tensor, gradient: Any) -> Tensor:
    """∂loss/∂output as a Tensor of the shape and dtype of `output`, made from `gradient`.

    gradient: a Tensor (its graph is kept) or an array, or None for 1. Raises ValueError for another shape, and
    RuntimeError if `output` requires no gradient, or has several elements while `gradient` is None.
    """
    if not output.requires_grad:
        raise RuntimeError(
            "this Tensor does not depend on any that requires a gradient: create one with requires_grad=True, and "
            "compute outside of no_grad()"
        )
    if gradient is None:
        if output.size != 1:
            raise RuntimeError(
                f"only a scalar has a gradient, and this Tensor has shape {output.shape}: reduce it first "
                "(np.sum, np.mean), or pass gradient= of the same shape"
            )
        return Tensor(np.ones_like(output.data))
    gradient = gradient if isinstance(gradient, Tensor) else Tensor(backend.asarray(gradient, output.dtype))
    if gradient.dtype != output.dtype:
        gradient = gradient.astype(output.dtype)
    if gradient.shape != output.shape:
        raise ValueError(f"gradient has shape {gradient.shape}, but the Tensor has shape {output.shape}")
    return gradient


def primitive(
    *vjps: Callable | None,
    joint: Callable | None = None,
    reference: Callable | None = None,
    broadcasts: bool = False,
    residuals: bool = False,
) -> Callable:
    """Decorator: turn a function of arrays, with its derivative written by hand, into one operation on Tensors.

        @primitive(lambda g, y, x: g * y * (1 - y))
        def sigmoid(x):
            return 1 / (1 + np.exp(-x))

    vjps: for each positional argument one `(g, y, *args, **options) -> gradient`, None for a constant. g is ∂L/∂y, the
        gradient of the loss L by the function's value y; the gradient is ∂L/∂argument.
    joint: instead of `vjps`, one `(g, y, *args, **options) -> gradients`, a sequence with one for each argument.
    reference: a readable function of Tensors with the same value, for derivatives of higher order where the rules take
        arrays alone.
    broadcasts: whether arguments are stretched to a common shape: the gradients are then summed to their shapes.
    residuals: whether the function returns (value, residuals), as below; needs `joint` and `reference`.

    The function as written never gets a Tensor. Decorated, it returns a Tensor if an argument is one, else an array.
    With `residuals` the caller gets the value, and `joint` gets the residuals in place of y.
    """

    def decorate(function: Callable) -> Callable:
        rule(function, *vjps, joint=joint, reference=reference, broadcasts=broadcasts, residuals=residuals)

        @functools.wraps(function)
        def operation(*args: Any, **kwargs: Any) -> Any:
            for arg in (*args, *kwargs.values()) if kwargs else args:
                if isinstance(arg, Tensor):
                    return apply(function, args, kwargs)
            value = function(*args, **kwargs)
            return value[0] if residuals else value

        return operation

    return decorate


def as_array(x: Any) -> Any:
    """A Tensor or an array `x` as it is, anything else as an array; a list or tuple with Tensors in it as one Tensor.

    Raises TypeError if `x` is a Tensor of complex numbers (composites expect real ones), a matrix or a masked array.
    """
    if isinstance(x, Tensor):
        if x.dtype.kind == "c":
            raise TypeError("complex numbers are not differentiated here; take the real and the imaginary part apart")
        return x
    if isinstance(x, list | tuple) and any(isinstance(part, Tensor | list | tuple) for part in x):
        return np.stack([as_array(part) for part in x])
    return backend.asarray(x)


@primitive(lambda g, y, x, dtype: g.astype(x.dtype), None)
def astype(x: Any, dtype: Any) -> Any:
    """A copy of `x`, a Tensor or an array, in the floating-point type `dtype`. The gradient is in x's own dtype."""
    return x.astype(dtype)


def from_dlpack(array: Any) -> Tensor:
    """A constant Tensor on the memory of `array`, from another library (PyTorch, JAX, CuPy), without a copy.

    Constant: it requires no gradient. An array on the device needs `use("cupy")`, an array on the host NumPy in use.
    """
    return Tensor(backend.current().from_dlpack(array))
