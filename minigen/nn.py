"""Layers: named parameters, laid end to end in one array so that an optimizer sees a single vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd import Tensor
from minigen.functions import linear

DTYPE = np.float32
"""What models train in; `Module.astype(np.float64)` is for checks."""


def Parameter(data: Any) -> Tensor:
    """A tensor that is learned. Assigned to an attribute of a `Module`, it is found by name."""
    return Tensor(np.asarray(data, DTYPE), requires_grad=True)


def normal(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> np.ndarray:
    """N(0, scale²)."""
    return scale * rng.standard_normal(shape)


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """U(−r, r) with r = √(6 / (n_in + n_out)): keeps the variance of signals and gradients (Glorot, Bengio 2010)."""
    r = np.sqrt(6 / sum(shape))
    return rng.uniform(-r, r, shape)


def he_normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """N(0, 2 / n_in): keeps the variance of signals through ReLUs (He et al. 2015)."""
    return normal(rng, shape, np.sqrt(2 / shape[0]))


class Module:
    """Something with parameters: Tensors that are its attributes, or the attributes of modules that it holds.

    `flat` and `flat_grad` are all parameters and all gradients, each as one vector: every parameter's `data` and `grad`
    is a view into them, and so are the vectors of the modules within. Write to them in place.
    """

    _flat: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"{type(self).__name__} is not a function; a layer defines __call__")

    def children(self) -> Iterator[tuple[str, Tensor | Module]]:
        """Parameters and modules held directly, with their names, in the order in which they were assigned."""
        for name, value in vars(self).items():
            for key, item in enumerate(value) if isinstance(value, list | tuple) else [("", value)]:
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

    @property
    def num_parameters(self) -> int:
        return sum(p.size for p in self.parameters().values())

    @property
    def flat(self) -> np.ndarray:
        return self._packed()[0]

    @property
    def flat_grad(self) -> np.ndarray:
        return self._packed()[1]

    def zero_grad(self) -> None:
        self.flat_grad.fill(0)

    def astype(self, dtype: Any) -> Module:
        """Change the parameters' type in place, and return the module."""
        self._lay_out(self.flat.astype(dtype), self.flat_grad.astype(dtype))
        return self

    def _packed(self) -> tuple[np.ndarray, np.ndarray]:
        if self._flat is None:
            parameters = self.parameters().values()
            if len({id(p) for p in parameters}) < len(parameters):
                raise ValueError("a parameter is held twice; hold it in one module and pass it to the other")
            flat = np.concatenate([p.data.reshape(-1) for p in parameters])
            self._lay_out(flat, np.zeros_like(flat))
        assert self._flat is not None
        return self._flat

    def _lay_out(self, flat: np.ndarray, flat_grad: np.ndarray) -> None:
        """Make every parameter and every module within a view of its stretch of these vectors."""
        self._flat = flat, flat_grad
        start = 0
        for _, child in self.children():
            size = child.num_parameters if isinstance(child, Module) else child.size
            data, grad = flat[start : start + size], flat_grad[start : start + size]
            if isinstance(child, Module):
                child._lay_out(data, grad)
            else:
                child.data, child.grad = data.reshape(child.shape), grad.reshape(child.shape)
            start += size


class Linear(Module):
    """y = x W + b.  x: (..., n_in) → (..., n_out)."""

    def __init__(
        self, n_in: int, n_out: int, rng: np.random.Generator, init: Callable[..., np.ndarray] = glorot_uniform
    ):
        self.weight = Parameter(init(rng, (n_in, n_out)))
        self.bias = Parameter(np.zeros(n_out))

    def __call__(self, x: Any) -> Any:
        return linear(x, self.weight, self.bias)


class Sequential(Module):
    """Layers and functions, one after the other."""

    def __init__(self, *layers: Callable[[Any], Any]):
        self.layers = layers

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x
