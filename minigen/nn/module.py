"""Modules: named parameters, laid end to end in one array so that an optimizer sees a single vector."""

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
"""What models train in; `Module.astype(np.float64)` is for checks."""


def Parameter(data: Any) -> Tensor:
    """A tensor that is learned, made by the library in use (`backend.use`). Assigned to an attribute of a `Module`, it
    is found by name."""
    return Tensor(backend.to_device(np.asarray(data, DTYPE)), requires_grad=True)


def whole(value: Any, least: int, name: str) -> int:
    """Return `value` as an int.  Raises ValueError unless it is a whole number of at least `least`.

    name: what the number is, for the message.
    """
    if np.ndim(value) or value != int(value) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value}")
    return int(value)


def whole_numbers(values: Any, least: int, name: str, count: int) -> tuple[int, ...]:
    """Return `count` whole numbers as a tuple; one number stands for all.  Raises ValueError as `whole` does."""
    each = tuple(values) if isinstance(values, Iterable) else (values,) * count
    if len(each) != count or any(v != int(v) or v < least for v in each):
        raise ValueError(f"{name} must be {count} whole numbers of at least {least}, got {values}")
    return tuple(map(int, each))


M = TypeVar("M", bound="Module")


class Layout:
    """All parameters of a module, end to end in one vector, and their gradients in another."""

    def __init__(self, parameters: list[Tensor]):
        gradients = [np.zeros_like(p.data) if p.grad is None else p.grad for p in parameters]
        self.data = np.concatenate([p.data.reshape(-1) for p in parameters])
        self.grad = np.concatenate([g.reshape(-1) for g in gradients])
        self.parameters = parameters
        self.views: list[tuple[Any, Any]] = []
        self.stale = False  # whether a module of this layout was given another attribute
        start = 0
        for p in parameters:
            stretch = slice(start, start + p.size)
            p.data, p.grad = self.data[stretch].reshape(p.shape), self.grad[stretch].reshape(p.shape)
            self.views.append((p.data, p.grad))
            start += p.size

    def holds(self) -> bool:
        """Whether the parameters are still views of these vectors."""
        for p, (data, grad) in zip(self.parameters, self.views, strict=True):
            if p.data is not data or p.grad is not grad:
                return False
        return not self.stale


class Module:
    """Something with parameters: Tensors that are its attributes, or the attributes of modules that it holds.

    `flat` and `flat_grad` are all parameters and all gradients, each as one vector: every parameter's `data` and `grad`
    is a view into them, and so are the vectors of the modules within. Write to them in place. Where something else took
    the place of a parameter, its data or its gradient, they are laid out anew with the values that are there.
    """

    training = True  # see `evaluating`
    _layout: Layout | None = None
    _stretch = slice(None)  # this module's part of its layout

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"{type(self).__name__} is not a function; a layer defines __call__")

    def __repr__(self) -> str:
        """Its kind, how many numbers it learns, and all that it holds by name, each level set in."""
        lines = [f"{type(self).__name__}: {self.num_parameters:,} parameters"]
        for name, child in self.children():
            held = repr(child) if isinstance(child, Module) else _shape(child)
            lines.append(textwrap.indent(f"{name} {held}", "  "))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """A table of its parameters, as a notebook shows it."""
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
        """Parameters and modules held directly, with their names, in the order in which they were assigned."""
        for name, value in vars(self).items():
            held = enumerate(value) if isinstance(value, list | tuple) else [("", value)]
            for key, item in value.items() if isinstance(value, dict) else held:
                if isinstance(item, Module) or (isinstance(item, Tensor) and item.requires_grad):
                    yield f"{name}.{key}".rstrip("."), item

    def parameters(self) -> dict[str, Tensor]:
        """Every parameter by its name, such as "layers.0.weight"."""
        found: dict[str, Tensor] = {}
        for name, child in self.children():
            if isinstance(child, Module):
                found |= {f"{name}.{key}": p for key, p in child.parameters().items()}
            else:
                found[name] = child
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that it holds by name: parameters, and arrays that are not learned by descent, such as an order
        of pixels or the statistics of a batch."""
        found = {name: value for name, value in vars(self).items() if backend.is_array(value)}
        for name, child in self.children():
            if isinstance(child, Module):
                found |= {f"{name}.{key}": array for key, array in child.arrays().items()}
            else:
                found[name] = child.data
        return found

    @property
    def num_parameters(self) -> int:
        """How many numbers are learned."""
        return sum(p.size for p in self.parameters().values())

    @property
    def layout(self) -> Layout:
        """The vectors that hold this module's parameters, and perhaps those of a module that it is part of."""
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
        """All parameters as one vector; a view, so that to write to it is to write to them."""
        return self.layout.data[self._stretch]

    @property
    def flat_grad(self) -> np.ndarray:
        """Their gradients as one vector, in the same order."""
        return self.layout.grad[self._stretch]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        self.flat_grad.fill(0)

    def astype(self: M, dtype: Any) -> M:
        """Change the type of all parameters and other real arrays that it holds, in place, and return the module."""
        self._replace(lambda array: array.astype(dtype) if array.dtype.kind == "f" else array)
        _ = self.layout
        return self

    def on_host(self: M) -> M:
        """The module itself where it is on the host, else a copy of it there."""
        if backend.on_host(self.flat):
            return self
        copied = copy.deepcopy(self)
        copied._replace(backend.to_numpy)
        return copied

    def _replace(self, change: Callable[[Any], Any]) -> None:
        """Put what `change` makes of it in the place of every array within: parameters, gradients, and others."""
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
        """Copies and pickles lay out vectors of their own."""
        return {name: value for name, value in vars(self).items() if name not in ("_layout", "_stretch")}


def _shape(parameter: Tensor) -> str:
    return "×".join(map(str, parameter.shape)) or "a number"


@contextmanager
def evaluating(module: Module) -> Iterator[None]:
    """Inside this block the module and all within are not `training`: each row of a batch is for itself."""
    before = [(part, part.training) for part in _with_all_within(module)]
    for part, _ in before:
        part.training = False
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def _with_all_within(module: Module) -> Iterator[Module]:
    yield module
    for _, child in module.children():
        if isinstance(child, Module):
            yield from _with_all_within(child)
