"""The lecture's two kinds of generative model, as types.

Both can draw. An explicit model has a density as well, so it can be scored on test data, tell classes apart, notice
what is strange, and fill in what is missing (`minigen.uses`). An implicit model has `sample` and nothing more.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from autograd import backend, no_grad
from minigen.nn.arrays import RNGLike
from minigen.nn.module import Module

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Values:
    """The values that a variable of a model takes."""

    def complaint(self, x: np.ndarray) -> str:
        """Return which values were expected and which came, "" if all are allowed.  x: finite numbers, any shape."""
        raise NotImplementedError


@dataclass(frozen=True)
class Real(Values):
    """Values of a variable: all real numbers."""

    def complaint(self, x: np.ndarray) -> str:
        return ""


@dataclass(frozen=True)
class Binary(Values):
    """Values of a variable: 0 and 1."""

    def complaint(self, x: np.ndarray) -> str:
        if np.all((x == 0) | (x == 1)):
            return ""
        return f"pixels in {{0, 1}}, got values from {x.min():g} to {x.max():g}; binarise them first"


@dataclass(frozen=True)
class States(Values):
    """Values of a variable: the integers 0 … count − 1."""

    count: int

    def complaint(self, x: np.ndarray) -> str:
        if np.all((x == np.floor(x)) & (x >= 0) & (x < self.count)):
            return ""
        return f"states 0 … {self.count - 1}, got values from {x.min():g} to {x.max():g}"


class GenerativeModel(Module):
    """A distribution over vectors of length D that can be drawn from.

    values: which values each of the D variables takes; `checked` refuses others.
    """

    D: int
    values: Values = Real()

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """`n` independent draws: (n, D)."""
        raise NotImplementedError

    def placed(self, x: Any) -> Any:
        """An array in the parameters' dtype, and where they are."""
        flat = self.flat
        return backend.beside(backend.asarray(x, flat.dtype), flat)

    def checked(self, x: Any) -> np.ndarray:
        """Return a batch as the model computes with it: beside its parameters, in their dtype; states as integers.

        x: (n, D), an array or a list of lists. Public methods that take data, such as `log_prob` and `loss`, check it
        once; the methods that they call say that they take a checked batch. Values on a device are not looked at:
        reading a value would wait for the device, and the batch was checked before it went there.

        Raises ValueError unless x is a batch of at least one vector of D finite numbers, all of them of `values`.
        """
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
            if said := self.values.complaint(x):
                raise ValueError(f"{name} takes {said}")
        flat = self.flat
        return backend.beside(x.astype(int if isinstance(self.values, States) else flat.dtype, copy=False), flat)


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

    A subclass says in `values` which values it takes, and its `log_prob` begins with `checked`. block: how many vectors
    are scored at once where there are many, since the model knows what each takes of memory.
    """

    block = 500

    def log_prob(self, x: Any) -> Any:
        """ln p(x) in nats.  x: (batch, D) → (batch,)."""
        raise NotImplementedError

    def nll(self, x: Any) -> Any:
        """Negative log-likelihood −E[ln p(x)] in nats: the mean over the batch, and the loss of maximum likelihood."""
        return -np.mean(self.log_prob(x))

    def loss(self, x: Any, *, rng: RNGLike = None) -> Any:
        """What training minimises: `nll`, or an estimate of it that draws from `rng`."""
        return self.nll(x)

    def complete(self, x: Any, seen: Any, *, rng: RNGLike = None) -> np.ndarray:
        """Exact draws of the variables that are not seen, given the others.

        x: (n, D), anything where not seen. seen: boolean, (D,) or (n, D). Returns (n, D): x where seen, else draws.
        Raises TypeError if the model has no exact way; `uses.complete` samples the pixels of any binary model.
        """
        raise TypeError(
            f"{type(self).__name__} has no exact way to complete; minigen.uses.complete (Gibbs sampling) takes any "
            "model of binary pixels"
        )

    def given(self, x: Any, seen: Any) -> tuple[Any, np.ndarray]:
        """Return `x`, checked, with 0 at what is not seen, and `seen` for each row, (n, D), as `complete` takes them.

        Raises ValueError if `seen` is no boolean mask, or if `checked` refuses what is seen.
        """
        x, seen = np.asarray(x), np.asarray(seen)
        if seen.dtype != bool or seen.shape not in (x.shape, x.shape[1:]):
            raise ValueError(
                f"to complete takes x (n, {self.D}) and seen, a boolean mask ({self.D},) or (n, {self.D}); "
                f"got x {x.shape} and seen {seen.shape} of {seen.dtype}"
            )
        return self.checked(np.where(seen, x, 0)), np.broadcast_to(seen, x.shape)

    def validation_loss(self, images: np.ndarray) -> float:
        """The mean NLL of many images, in nats: what says when to stop training."""
        return -float(np.mean(log_probs(self, images)))


class AutoregressiveModel(ExplicitModel):
    """p(x) = Πᵢ p(xᵢ | x_<ᵢ): drawn one variable after the other, so a beginning can be completed exactly."""

    @property
    def sequence(self) -> np.ndarray:
        """The variables in the order in which they are drawn: (D,) indices."""
        return np.arange(self.D)

    def continued(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> np.ndarray:
        """Return x, (n, D), with all variables after the first k of `sequence` drawn, in place. Runs on the host."""
        raise NotImplementedError

    @on_the_host
    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        return self.continued(np.zeros((n, self.D), self.flat.dtype), 0, rng=rng)

    @on_the_host
    def complete(self, x: Any, seen: Any, *, rng: RNGLike = None) -> np.ndarray:
        """Exact draws of the variables that are not seen, given the others, which come first in `sequence`.

        x: (n, D), anything where not seen. seen: boolean, (D,) or (n, D). Returns (n, D): x where seen, else draws.
        Raises ValueError unless each row has the same number of seen variables, and they come before all others.
        """
        rng = np.random.default_rng(rng)
        x, seen = self.given(x, seen)
        k = int(seen[0].sum())
        if not np.all(seen[:, self.sequence] == (np.arange(self.D) < k)):
            raise ValueError(
                f"{type(self).__name__} completes exactly only where the seen variables come before all others in its "
                "order, as many in each row; for any other mask use minigen.uses.complete (Gibbs sampling)"
            )
        return self.continued(x.astype(self.flat.dtype, copy=False), k, rng=rng)


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
