"""The lecture's two kinds of generative model, as types.

Both can draw. An explicit model has a density as well, so it can be scored on test data, tell classes apart, notice
what is strange, and fill in what is missing (`minigen.uses`). An implicit model has `sample` and nothing more.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from autograd import backend, no_grad
from minigen.nn.module import Module

F = TypeVar("F", bound=Callable[..., Any])


class GenerativeModel(Module):
    """A distribution over vectors of length D that can be drawn from."""

    D: int

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """`n` independent draws: (n, D)."""
        raise NotImplementedError

    def placed(self, x: Any) -> Any:
        """An array in the parameters' dtype, and where they are."""
        flat = self.flat
        return backend.beside(backend.asarray(x, flat.dtype), flat)

    def real(self, x: Any) -> np.ndarray:
        """`x` in the parameters' dtype and beside them, refused unless it is a batch of vectors of D finite numbers.

        Values are looked at where this costs no waiting: what is on the device was checked before it went there.
        """
        return self._checked(x, lambda x: "")

    def _checked(self, x: Any, complaint: Callable[[np.ndarray], str]) -> Any:
        """`real`, refused also where there is a complaint about its values."""
        x, name = backend.array_in(x), type(self).__name__
        if isinstance(x, tuple) and len(set(map(np.shape, x))) > 1:
            raise ValueError(f"{name} takes images alone, got a tuple of {len(x)} unlike arrays: leave out the labels")
        x = x if backend.is_array(x) else np.asarray(x)  # a list is looked at before it goes to the device
        if x.ndim != 2 or x.shape[1] != self.D:
            raise ValueError(f"{name} takes a batch of shape (n, {self.D}), got {x.shape}")
        if not len(x):
            raise ValueError(f"{name} takes a batch of at least one vector, got shape {x.shape}")
        if x.dtype.kind not in "biuf":
            raise ValueError(f"{name} takes numbers, got an array of {x.dtype}")
        if backend.on_host(x):
            if not np.all(np.isfinite(x)):
                where = ~np.isfinite(x)
                raise ValueError(f"{name} takes finite numbers, got {x[where][0]} in row {_row(where)}")
            if said := complaint(x):
                raise ValueError(f"{name} takes {said}")
        flat = self.flat
        return backend.beside(x.astype(flat.dtype, copy=False), flat)

    def checked(self, x: Any) -> np.ndarray:
        """`x` as training takes it: `real`, or what a subclass asks for."""
        return self.real(x)

    def binary(self, x: Any) -> np.ndarray:
        """`real(x)`, refused unless every value is 0 or 1."""

        def complaint(x: np.ndarray) -> str:
            if np.all((x == 0) | (x == 1)):
                return ""
            return f"pixels in {{0, 1}}, got values from {x.min():g} to {x.max():g}; binarise them first"

        return self._checked(x, complaint)

    def states(self, x: Any, count: int) -> np.ndarray:
        """`x` as integers, refused unless every value is one of 0 … count−1."""

        def complaint(x: np.ndarray) -> str:
            if np.all((x == np.floor(x)) & (x >= 0) & (x < count)):
                return ""
            return f"states 0 … {count - 1}, got values from {x.min():g} to {x.max():g}"

        return self._checked(x, complaint).astype(int)


def on_the_host(method: F) -> F:
    """A method of a model that runs on a copy of it on the host, where the model is on the device: drawing pixel after
    pixel is many small steps, for which a device takes longer."""

    @functools.wraps(method)
    def call(self: Module, *args: Any, **kwargs: Any) -> Any:
        return method(self.on_host(), *args, **kwargs)

    return call  # type: ignore[return-value]


class ImplicitModel(GenerativeModel):
    """A model that is only a way to draw, such as a GAN's generator."""


class ExplicitModel(GenerativeModel):
    """A model whose density can be evaluated: `log_prob`, and what follows from it.

    A subclass says in `log_prob` which values it takes: it begins with `binary`, `states` or `real`; and in `block` how
    many vectors are scored at once where there are many, since it knows what each takes of memory.
    """

    block = 500

    def log_prob(self, x: Any) -> Any:
        """ln p(x) in nats.  x: (batch, D) → (batch,)."""
        raise NotImplementedError

    def nll(self, x: Any) -> Any:
        """Negative log-likelihood −E[ln p(x)] in nats: the mean over the batch, and the loss of maximum likelihood."""
        return -np.mean(self.log_prob(x))

    def loss(self, x: Any, rng: np.random.Generator) -> Any:
        """What training minimises: `nll`, or an estimate of it that draws from `rng`."""
        return self.nll(x)

    def validation_loss(self, images: np.ndarray) -> float:
        """The mean NLL of many images, in nats: what says when to stop training."""
        return -float(np.mean(log_probs(self, images)))


class AutoregressiveModel(ExplicitModel):
    """p(x) = Πᵢ p(xᵢ | x_<ᵢ): drawn one variable after the other, so a beginning can be completed exactly."""

    def complete(self, prefix: Any, rng: np.random.Generator) -> np.ndarray:
        """Exact draws of the remaining variables given the first k.  prefix: (n, k) → (n, D)."""
        raise NotImplementedError

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.complete(np.empty((n, 0)), rng)

    def begun(self, prefix: Any, check: Callable[[Any], np.ndarray]) -> tuple[np.ndarray, int]:
        """The vectors that begin with `prefix`, zeros after it, and k; refused unless they pass `check`."""
        prefix = np.asarray(prefix)
        if prefix.ndim != 2 or prefix.shape[1] > self.D:
            raise ValueError(f"a prefix is (n, k) with at most {self.D} variables, got shape {prefix.shape}")
        n, k = prefix.shape
        x = np.zeros((n, self.D), self.flat.dtype)
        x[:, :k] = check(np.pad(prefix, [(0, 0), (0, self.D - k)]))[:, :k] if n else prefix
        return x, k


def in_blocks(function: Callable[[np.ndarray], Any], x: np.ndarray, block: int) -> np.ndarray:
    """`function` of every row of x, so many rows at once and without recording: memory stays that of one block.

    A network as the function is given its rows where it is; the result is on the host.
    """
    x = backend.beside(x, function.flat) if isinstance(function, Module) else x
    if not len(x):
        raise ValueError("there is nothing to score: the batch is empty")
    with no_grad():
        return np.concatenate([backend.to_numpy(function(x[i : i + block])) for i in range(0, len(x), block)])


def log_probs(model: ExplicitModel, images: np.ndarray) -> np.ndarray:
    """ln p(x) of every image, in nats, in blocks and without recording."""
    return in_blocks(model.log_prob, images, model.block)


def _row(bad: np.ndarray) -> int:
    return int(np.flatnonzero(bad.any(axis=1))[0])


def checked_order(order: int, D: int) -> int:
    """`order`, refused unless each of D variables can depend on that many before it."""
    if D < 1 or order != int(order) or not 0 <= order < D:
        raise ValueError(f"order must be a whole number from 0 to D − 1, got {order} for D = {D}")
    return int(order)


def checked_permutation(order: Any, D: int) -> np.ndarray:
    """`order` as an array, refused unless it names each of D variables once."""
    result = np.asarray(order)
    if sorted(result.tolist()) != list(range(D)):
        raise ValueError(f"order must hold each of the pixels 0 … {D - 1} once, got {order}")
    return result


def common_length(models: Sequence[ExplicitModel]) -> int:
    """The D of several models, refused unless they are over vectors of one length."""
    lengths = [model.D for model in models]
    if len(set(lengths)) > 1:
        raise ValueError(f"the models must be over vectors of one length, got D = {lengths}")
    return lengths[0]


def counted(smoothing: float) -> float:
    """`smoothing`, refused unless it can be a number of imagined observations."""
    if not 0 <= smoothing < np.inf:
        raise ValueError(f"smoothing is a number of imagined observations, at least 0 and finite, got {smoothing}")
    return smoothing
