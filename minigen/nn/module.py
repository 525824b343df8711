"""Modules: objects with named parameters, stored end to end in one vector, which an optimizer updates as a whole."""

from __future__ import annotations

import copy
import html
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from autograd import Tensor, backend

DTYPE = np.float32
"""The dtype of parameters in training. `Module.astype(np.float64)` changes it for checks."""


def Parameter(data: Any) -> Tensor:
    """Return a Tensor of float32 to be learned. A `Module` finds each Parameter among its attributes, by name.

    data: the initial values, an array or a number. They are copied to the device after `backend.use("cupy")`; on the
    host a float32 array is not copied.
    """
    return Tensor(backend.to_device(np.asarray(data, DTYPE)), requires_grad=True)


def whole(value: Any, least: int, name: str) -> int:
    """Return a number `value` as an int.  Raises ValueError unless it is a whole number of at least `least`.

    name: the argument's name in the error message.
    """
    if np.ndim(value) or not least <= value < np.inf or value != int(value):
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value}")
    return int(value)


def whole_numbers(values: Any, least: int, name: str, count: int) -> tuple[int, ...]:
    """Return `values` as a tuple of `count` ints.  values: `count` numbers, or one number to repeat `count` times.

    name: the argument's name in the error message. Raises ValueError unless all are whole numbers of at least `least`
    and their number is `count`.
    """
    each = tuple(values) if isinstance(values, Iterable) else (values,) * count
    if len(each) != count or any(not least <= v < np.inf or v != int(v) for v in each):
        raise ValueError(f"{name} must be {count} whole numbers of at least {least}, got {values}")
    return tuple(map(int, each))


Rule = tuple[str, Callable[[np.ndarray], Any]]
"""What an array from a file may hold: words for an error message, and a function array → whether it is so."""
NUMBERS: Rule = ("free of NaN", lambda a: not np.isnan(a).any())
ZEROS: Rule = ("0 everywhere", lambda a: not a.any())
VARIANCES: Rule = ("at least 0 everywhere", lambda a: (a >= 0).all())
FIXED: Rule = ("the one that the sizes of the module give", lambda a: True)  # compared with the module's own
PERMUTATIONS: Rule = ("a permutation of 0 … D − 1", lambda a: (np.sort(a, axis=-1) == np.arange(a.shape[-1])).all())

M = TypeVar("M", bound="Module")


class Layout:
    """Two vectors that hold all `parameters` of a module and all gradients. Each parameter becomes a view into them.

    parameters: the Tensors, in order. data, grad: the vectors of values and gradients. views: the (data, grad) of each
    parameter. stale: True once an attribute of a module in it was set to a Tensor, Module, list, tuple or dict.
    """

    def __init__(self, parameters: list[Tensor]):
        gradients = [np.zeros_like(p.data) if p.grad is None else p.grad for p in parameters]
        self.data = np.concatenate([p.data.reshape(-1) for p in parameters])
        self.grad = np.concatenate([g.reshape(-1) for g in gradients])
        self.parameters = parameters
        self.views: list[tuple[Any, Any]] = []
        self.stale = False
        start = 0
        for p in parameters:
            stretch = slice(start, start + p.size)
            p.data, p.grad = self.data[stretch].reshape(p.shape), self.grad[stretch].reshape(p.shape)
            self.views.append((p.data, p.grad))
            start += p.size

    def holds(self) -> bool:
        """Return True if every parameter is still a view of the vectors and the layout is not `stale`."""
        for p, (data, grad) in zip(self.parameters, self.views, strict=True):
            if p.data is not data or p.grad is not grad:
                return False
        return not self.stale


class Module:
    """Base class of layers and models. Parameters: its Tensors that require a gradient, and those of submodules.

    A Tensor or submodule is an attribute, or an item of an attribute that is a list, tuple or dict. A subclass sets
    them in its `__init__` and, if it is a layer, implements `__call__`.
    `flat` and `flat_grad` are the vectors of all parameters and all gradients. The `data` and `grad` of each parameter
    are views into them, and so are the vectors of the submodules: write to them in place. When a parameter, its data or
    its gradient was replaced, the next access to `flat` or `flat_grad` makes new vectors with the current values.
    training: True; False inside `evaluating`, for layers that behave differently in training, such as `BatchNorm`.
    rules: {attribute: Rule} for the arrays of a subclass that may not hold any number, such as an order of pixels.
    """

    training = True  # see `evaluating`
    rules: dict[str, Rule] = {}
    _layout: Layout | None = None
    _stretch = slice(None)  # this module's part of its layout

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"{type(self).__name__} is not a function; a layer defines __call__")

    def __repr__(self) -> str:
        """Return the class name, the number of parameters and, indented, every parameter and submodule by name."""
        lines = [f"{type(self).__name__}: {self.num_parameters:,} parameters"]
        for name, child in self.children():
            held = repr(child) if isinstance(child, Module) else _shape(child)
            lines.append(textwrap.indent(f"{name} {held}", "  "))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return an HTML table of the parameters, which a notebook shows."""
        rows = [
            f"<tr><td>{html.escape(name)}</td><td>{_shape(p)}</td><td>{p.size:,}</td></tr>"
            for name, p in self.parameters().items()
        ]
        return (
            f"<table><caption>{html.escape(type(self).__name__)}</caption>"
            "<thead><tr><th>parameter</th><th>shape</th><th>numbers</th></tr></thead>"
            f"<tbody>{''.join(rows)}</tbody>"
            f"<tfoot><tr><th>in all</th><th></th><th>{self.num_parameters:,}</th></tr></tfoot></table>"
        )

    def children(self) -> Iterator[tuple[str, Tensor | Module]]:
        """Iterate over (name, parameter or submodule), for all that this module holds directly, in order of assignment.

        Names of items in a list, tuple or dict are "attribute.key". Submodules and nested lists are not searched.
        """
        for name, value in vars(self).items():
            held = enumerate(value) if isinstance(value, list | tuple) else [("", value)]
            for key, item in value.items() if isinstance(value, dict) else held:
                if isinstance(item, Module) or (isinstance(item, Tensor) and item.requires_grad):
                    yield f"{name}.{key}".rstrip("."), item

    def with_all_within(self) -> Iterator[Module]:
        """Iterate over this module and all modules inside it, the enclosing module first."""
        yield self
        for _, child in self.children():
            if isinstance(child, Module):
                yield from child.with_all_within()

    def parameters(self) -> dict[str, Tensor]:
        """Return a dict of all parameters, those of submodules too, by name, such as "layers.0.weight"."""
        found: dict[str, Tensor] = {}
        for name, child in self.children():
            if isinstance(child, Module):
                found |= {f"{name}.{key}": p for key, p in child.parameters().items()}
            else:
                found[name] = child
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """Return a dict of all arrays by name, not copied: the parameters' values, and other array attributes.

        Other arrays are not learned, for example an order of pixels or a moving average. Submodules are included.
        """
        found = {name: value for name, value in vars(self).items() if backend.is_array(value)}
        for name, child in self.children():
            if isinstance(child, Module):
                found |= {f"{name}.{key}": array for key, array in child.arrays().items()}
            else:
                found[name] = child.data
        return found

    def array_rules(self) -> dict[str, Rule]:
        """Return the Rule of each of `arrays()` by name: what the array may be set to from a file. Default: NUMBERS."""
        rules = type(self).rules
        found = {name: rules.get(name, NUMBERS) for name, value in vars(self).items() if backend.is_array(value)}
        for name, child in self.children():
            if isinstance(child, Module):
                found |= {f"{name}.{key}": rule for key, rule in child.array_rules().items()}
            else:
                found[name] = rules.get(name, NUMBERS)
        return found

    @property
    def num_parameters(self) -> int:
        """The number of learned numbers: the total size of all parameters."""
        return sum(p.size for p in self.parameters().values())

    @property
    def layout(self) -> Layout:
        """The `Layout`, vectors of all values and gradients, of this or an enclosing module. It is made if missing or
        stale. `flat` and `flat_grad` are parts of it.

        Raises ValueError if the module has no parameters, or holds one parameter twice.
        """
        if self._layout is None or not self._layout.holds():
            parameters = list(self.parameters().values())
            if len({id(p) for p in parameters}) < len(parameters):
                raise ValueError("a parameter is held twice; hold it in one module and pass it to the other")
            if not parameters:
                raise ValueError(f"{type(self).__name__} has no parameters: give it an attribute that is a Parameter")
            self._take_part(Layout(parameters), 0)
        assert self._layout is not None
        return self._layout

    def _take_part(self, layout: Layout, start: int) -> None:
        self.__dict__.update(_layout=layout, _stretch=slice(start, start + self.num_parameters))
        for _, child in self.children():
            if isinstance(child, Module):
                child._take_part(layout, start)
            start += child.num_parameters if isinstance(child, Module) else child.size

    @property
    def flat(self) -> np.ndarray:
        """All parameters as one vector, in the order of `parameters()`. It is a view: write to it to change them."""
        return self.layout.data[self._stretch]

    @property
    def flat_grad(self) -> np.ndarray:
        """The gradients of all parameters as one vector, in the order of `flat`. It is a view: write to it in place."""
        return self.layout.grad[self._stretch]

    def zero_grad(self) -> None:
        """Fill the gradients of all parameters, those of submodules too, with 0."""
        self.flat_grad.fill(0)

    def astype(self: M, dtype: Any) -> M:
        """Convert parameters, gradients and other floating-point arrays to `dtype`, in place, and return the module."""
        self._replace(lambda array: array.astype(dtype) if array.dtype.kind == "f" else array)
        _ = self.layout
        return self

    def on_host(self: M) -> M:
        """Return the module itself if its parameters are on the host, else a copy of the module on the host."""
        if backend.on_host(self.flat):
            return self
        copied = copy.deepcopy(self)
        copied._replace(backend.to_numpy)
        return copied

    def with_parts(self: M, parts: dict[str, Any]) -> M:
        """Return a copy in which other objects stand in place of some parameters or submodules. All else is shared.

        The copy is there to compute with: its `flat` is that of this module, without the new parts.
        parts: the new objects by the name of what they replace, such as "body.layers.0.bias" (see `parameters`).
        Raises ValueError for a name that is neither a parameter nor a submodule.
        """
        _ = self.layout  # or the copy would make vectors of its own, and take the parameters out of this module's
        return self._with_parts(parts)

    def _with_parts(self: M, parts: dict[str, Any]) -> M:
        copied = object.__new__(type(self))
        copied.__dict__.update(vars(self))
        rest = dict(parts)
        for name, child in self.children():
            if name in rest:
                _put(copied.__dict__, name, rest.pop(name))
            elif isinstance(child, Module):
                inner = {key: rest.pop(key) for key in parts if key.startswith(f"{name}.")}
                if inner:
                    part = child._with_parts({key.removeprefix(f"{name}."): new for key, new in inner.items()})
                    _put(copied.__dict__, name, part)
        if rest:
            raise ValueError(f"{type(self).__name__} has no parameter or submodule {', '.join(map(repr, rest))}")
        return copied

    def _replace(self, change: Callable[[Any], Any]) -> None:
        """Replace every array of the module and its submodules by change(array): values, gradients and other arrays."""
        for name, value in list(vars(self).items()):
            if backend.is_array(value):
                setattr(self, name, change(value))
        for _, child in self.children():
            if isinstance(child, Module):
                child._replace(change)
            else:
                child.data = change(child.data)
                child.grad = None if child.grad is None else change(child.grad)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._layout is not None and isinstance(value, Tensor | Module | list | tuple | dict):
            self._layout.stale = True
        super().__setattr__(name, value)

    def __getstate__(self) -> dict:
        """Return the attributes without the layout: copies and pickles make vectors of their own."""
        return {name: value for name, value in vars(self).items() if name not in ("_layout", "_stretch")}


def _put(attributes: dict[str, Any], name: str, item: Any) -> None:
    """Set an attribute or, for a name such as "layers.0", an item of a copy of the attribute's list, tuple or dict."""
    attribute, _, key = name.partition(".")
    held = attributes[attribute]
    if isinstance(held, dict):
        item = {k: item if str(k) == key else old for k, old in held.items()}
    elif isinstance(held, list | tuple):
        item = type(held)(item if str(k) == key else old for k, old in enumerate(held))
    attributes[attribute] = item


def _shape(parameter: Tensor) -> str:
    return "×".join(map(str, parameter.shape)) or "a number"


@contextmanager
def evaluating(module: Module) -> Iterator[None]:
    """Context manager: set `training` to False for `module` and its submodules, and restore it at the end.

    Then `BatchNorm` uses its moving averages, so that each row of a batch is treated independently of the others.
    """
    before = [(part, part.training) for part in module.with_all_within()]
    try:
        for part, _ in before:
            part.training = False
        yield
    finally:
        for part, training in before:
            part.training = training
