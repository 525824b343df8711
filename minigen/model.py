"""The lecture's two kinds of generative model, as base classes: `ExplicitModel` and `ImplicitModel`.

Both kinds can draw samples. An explicit model also has a density p(x): the model can score test data, classify, detect
anomalies and fill in missing pixels (`minigen.uses`). An implicit model has `sample` alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from autograd import backend, no_grad
from minigen.errors import DivergedError
from minigen.nn.arrays import RNGLike
from minigen.nn.module import Module

F = TypeVar("F", bound=Callable[..., Any])
A = TypeVar("A", bound="AutoregressiveModel")


@dataclass(frozen=True)
class Values:
    """The values that a variable may take: base class of `Real`, `Binary`, `States`, which implement `complaint`."""

    def complaint(self, x: np.ndarray) -> str:
        """Return "" if all numbers in `x` are allowed, else a text: the expected values and the values that came.

        x: numbers, any shape. The caller has made sure that they are finite.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Real(Values):
    """The values of a variable: every real number."""

    def complaint(self, x: np.ndarray) -> str:
        """Return "", since every number is allowed.  x: finite numbers, any shape; `complaint` does not check this."""
        return ""


@dataclass(frozen=True)
class Binary(Values):
    """The values of a variable: 0 and 1."""

    def complaint(self, x: np.ndarray) -> str:
        if np.all((x == 0) | (x == 1)):
            return ""
        return f"pixels in {{0, 1}}, got values from {x.min():g} to {x.max():g}; binarise them first"


@dataclass(frozen=True)
class States(Values):
    """The values of a variable: the integers 0 … count − 1."""

    count: int

    def complaint(self, x: np.ndarray) -> str:
        if np.all((x == np.floor(x)) & (x >= 0) & (x < self.count)):
            return ""
        return f"states 0 … {self.count - 1}, got values from {x.min():g} to {x.max():g}"


class GenerativeModel(Module):
    """A distribution over vectors of D variables, from which samples can be drawn. A subclass implements `sample`.

    D: the number of variables, set by a subclass.
    values: the values that each variable may take, `Real()` (the default), `Binary()` or `States(count)`.
    """

    D: int
    values: Values = Real()

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        """Draw `n` independent vectors from the model.  → (n, D), on the host."""
        raise NotImplementedError

    def placed(self, x: Any) -> Any:
        """Return `x` as an array in the dtype of the model's parameters, copied to their device if they are on one.

        x: an array, or a list of lists of numbers, any shape. Its values are not checked.
        """
        flat = self.flat
        return backend.beside(backend.asarray(x, flat.dtype), flat)

    def checked(self, x: Any) -> Any:
        """Check the batch `x`. Return it on the parameters' device, in their dtype (integers if `values` is a States).

        x: (n, D), an array or a list of lists. Public methods that take data, such as `log_prob` and `loss`, check the
        data once; the methods that they call take a checked batch, and their docstrings say so. Of an array on a device
        only shape and dtype are checked: reading a value would wait for the device.
        An array is copied only where device or dtype change; one on a device stays there.

        Raises ValueError unless x is a batch of at least one vector of D finite numbers that `values` allows.
        """
        x, name = backend.array_in(x), type(self).__name__
        if isinstance(x, tuple) and len(set(map(np.shape, x))) > 1:
            raise ValueError(f"{name} takes images only, got a tuple of {len(x)} unlike arrays: leave out the labels")
        x = x if backend.is_array(x) else np.asarray(x)  # a list is checked on the host, before it goes to a device
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

    def given(self, x: Any, seen: Any) -> tuple[Any, np.ndarray]:
        """Check the arguments of `complete`. Return x with 0 where it is not seen, and the mask, both of shape (n, D).

        x: (n, D). seen: boolean, (D,) or (n, D), True where x is seen.

        Raises ValueError if `seen` is not a boolean mask of such a shape, or if `checked` refuses the seen values.
        """
        x, seen = np.asarray(x), np.asarray(seen)
        if seen.dtype != bool or seen.shape not in (x.shape, x.shape[1:]):
            raise ValueError(
                f"complete() takes x (n, {self.D}) and seen, a boolean mask ({self.D},) or (n, {self.D}); "
                f"got x {x.shape} and seen {seen.shape} of {seen.dtype}"
            )
        return self.checked(np.where(seen, x, 0)), np.broadcast_to(seen, x.shape)


def images_and_labels(batch: Any, model: Module) -> tuple[Any, Any]:
    """Return the batch, a tuple (images, labels), unchanged. Raises ValueError for anything else.

    model: what takes the batch; its class stands in the message. Neither images nor labels are checked.
    """
    if not isinstance(batch, tuple) or len(batch) != 2:
        name, got = (
            type(model).__name__,
            f"a tuple of {len(batch)}" if isinstance(batch, tuple) else type(batch).__name__,
        )
        raise ValueError(f"{name} takes a tuple (images, labels), got {got}")
    return batch


def on_the_host(method: F) -> F:
    """Decorator for a model's method: run the method on the host, on a copy of the model if the model is on a device.

    method: a method that draws pixel after pixel. Its many small steps take longer on a device than on the host.
    """

    @functools.wraps(method)
    def call(self: Module, *args: Any, **kwargs: Any) -> Any:
        return method(self.on_host(), *args, **kwargs)

    return call  # type: ignore[return-value]


class ImplicitModel(GenerativeModel):
    """A model that has `sample` but no density, such as a GAN's generator."""


class ExplicitModel(GenerativeModel):
    """A model whose density can be evaluated: `log_prob`, and everything that is computed from ln p(x).

    A subclass sets D and `values` and implements `sample` and `log_prob`, which calls `checked` first.
    block: how many vectors the function `log_probs(model, images)` scores at a time. Fewer need less memory.
    """

    block = 500

    def log_prob(self, x: Any) -> Any:
        """ln p(x) of each vector, in nats: (batch,).  x: (batch, D), numbers that the field `values` allows.

        Raises ValueError for another shape and, if x is on the host, for other numbers (see `checked`).
        """
        raise NotImplementedError

    def nll(self, x: Any) -> Any:
        """Negative log-likelihood −E[ln p(x)], the mean over the batch, in nats.  x: (batch, D) → ().

        Maximum likelihood minimises this number.
        """
        return -np.mean(self.log_prob(x))

    def loss(self, x: Any, *, rng: RNGLike = None) -> Any:
        """The loss that training minimises, in nats: `nll`, or a subclass's bound on it or estimate of it.

        x: (batch, D) → ().
        """
        return self.nll(x)

    def complete(self, x: Any, seen: Any, *, rng: RNGLike = None) -> np.ndarray:
        """Draw the variables that are not seen from their exact distribution given the seen ones.

        x: (n, D); values that are not seen are ignored. seen: boolean, (D,) or (n, D), True where x is seen.
        Returns (n, D): x where seen, draws elsewhere.

        Raises TypeError unless the subclass has an exact way. `minigen.uses.complete` works for all models of binary
        pixels.
        """
        raise TypeError(
            f"{type(self).__name__} has no exact way to complete; minigen.uses.complete (Gibbs sampling) works for any "
            "model of binary pixels"
        )

    def validation_loss(self, images: np.ndarray) -> float:
        """Mean negative log-likelihood of the images, in nats. Training keeps the weights for which it is lowest.

        images: (n, D). They are scored `self.block` images at a time, without recording for gradients.
        """
        return -float(np.mean(log_probs(self, images)))


class AutoregressiveModel(ExplicitModel):
    """p(x) = Πᵢ p(xᵢ | x_<ᵢ): an explicit model that draws one variable after the other.

    If the first variables are seen, all later variables can be drawn exactly (`complete`). A subclass implements
    `log_prob` and `continued(x, k)`, which keeps the first k variables and draws the others. It sets D and `values`,
    and overrides `sequence` for another order than 0 … D − 1.
    """

    @property
    def sequence(self) -> np.ndarray:
        """Indices of the variables, (D,), in the order in which they are drawn."""
        return np.arange(self.D)

    def continued(self, x: np.ndarray, k: int, *, rng: RNGLike = None) -> np.ndarray:
        """Keep the variables `sequence[:k]`, the first in the order of drawing, draw the others in place, and return x.

        x: (n, D), an array that is overwritten, where the model is: on the host or on a device. k: how many variables
        are given, 0 … D. The model is one that `for_sampling` returns.
        """
        raise NotImplementedError

    def for_sampling(self: A) -> A:
        """Return the model that draws: a copy of this model on the host, or the model itself if it is there.

        On a device the many small steps of sampling take longer than on the host. A subclass that has a kernel for all
        of them returns itself.
        """
        return self.on_host()

    def sample(self, n: int, *, rng: RNGLike = None) -> np.ndarray:
        model = self.for_sampling()
        return backend.to_numpy(model.continued(np.zeros_like(model.flat, shape=(n, model.D)), 0, rng=rng))

    def complete(self, x: Any, seen: Any, *, rng: RNGLike = None) -> np.ndarray:
        """Draw the variables that are not seen from their exact distribution given the seen ones.

        x: (n, D); values that are not seen are ignored. seen: boolean, (D,) or (n, D), True where x is seen. The seen
        variables must come first in `sequence`. Returns (n, D): x where seen, draws elsewhere.

        Raises ValueError unless the seen variables are the first k of `sequence`, with one k for all rows.
        """
        rng, model = np.random.default_rng(rng), self.for_sampling()
        x, seen = model.given(x, seen)
        k = int(seen[0].sum())
        if not np.all(seen[:, self.sequence] == (np.arange(self.D) < k)):
            raise ValueError(
                f"{type(self).__name__} completes exactly only where the seen variables come before all others in its "
                "order, the same number in each row; for any other mask use minigen.uses.complete (Gibbs sampling)"
            )
        return backend.to_numpy(model.continued(x.astype(model.flat.dtype, copy=False), k, rng=rng))


def in_blocks(function: Callable[[np.ndarray], Any], x: np.ndarray, block: int) -> np.ndarray:
    """Apply a function to `block` rows of `x` at a time, without recording, and join the results in one host array.

    function: maps (m, …) to an array with m rows. A Module gets its rows on the Module's device.
    x: (n, …). block: rows at a time; intermediate results need the memory of one block.

    Raises ValueError if x has no rows.
    """
    x = backend.beside(x, function.flat) if isinstance(function, Module) else x
    if not len(x):
        raise ValueError("there is nothing to score: the batch is empty")
    with no_grad():
        return np.concatenate([backend.to_numpy(function(x[i : i + block])) for i in range(0, len(x), block)])


def log_probs(model: ExplicitModel, images: np.ndarray) -> np.ndarray:
    """ln p(x) of each image, in nats, as a host array, computed in blocks of `model.block` without recording.

    model: an explicit model over D variables. images: (n, D) → (n,). ln p(x) may be −∞, and for a density +∞.
    Raises DivergedError if a value is nan, see `without_nan`.
    """
    return without_nan(in_blocks(model.log_prob, images, model.block), model, "ln p(x)")


def without_nan(values: np.ndarray, model: Module, quantity: str) -> np.ndarray:
    """Return `values` unchanged: results of `model` on the host, (n, …), one row for each image. ±∞ may be among them.

    model: the model that computed the values. quantity: what they are, for the message.
    Raises DivergedError if a value is nan. The message names the model, the first row with a nan, and the cure.
    """
    where = np.isnan(values).reshape(len(values), -1)
    if where.any():
        found = f"{quantity} of {type(model).__name__} is nan for {where.any(axis=1).sum()} of {len(values)} images"
        cure = (
            "compute it inside autograd.detect_anomaly(), which names the operation that made the nan"
            if np.isfinite(backend.to_numpy(model.flat)).all()
            else "the model's weights are not finite, so train it again with a lower learning rate"
        )
        raise DivergedError(f"{found}, first in row {_row(where)}: {cure}")
    return values


def _row(bad: np.ndarray) -> int:
    """The index of the first row that has a True."""
    return int(np.flatnonzero(bad.any(axis=1))[0])


def checked_order(order: int, D: int) -> int:
    """Return `order` as an int: the number of previous variables on which each variable depends.

    D: the number of variables. Raises ValueError unless order is a whole number from 0 to D − 1.
    """
    if D < 1 or not 0 <= order < D or order != int(order):
        raise ValueError(f"order must be a whole number from 0 to D − 1, got {order} for D = {D}")
    return int(order)


def checked_permutation(order: Any, D: int) -> np.ndarray:
    """Return `order`, a permutation of the indices 0 … D − 1, as an array (D,); an array is not copied.

    D: the number of variables. Raises ValueError unless order holds each index once.
    """
    result = np.asarray(order)
    if sorted(result.tolist()) != list(range(D)):
        raise ValueError(f"order must hold each of the pixels 0 … {D - 1} once, got {order}")
    return result


def common_length(models: Sequence[ExplicitModel]) -> int:
    """Return the D of `models`, one or more: their number of variables. Raises ValueError if the models differ in D."""
    lengths = [model.D for model in models]
    if len(set(lengths)) > 1:
        raise ValueError(f"the models must be over vectors of one length, got D = {lengths}")
    return lengths[0]


def counted(smoothing: float) -> float:
    """Return `smoothing` unchanged: how many imagined observations are added to each count (pseudo-counts).

    Raises ValueError unless smoothing is finite and at least 0.
    """
    if not 0 <= smoothing < np.inf:
        raise ValueError(f"smoothing is a number of imagined observations, at least 0 and finite, got {smoothing}")
    return smoothing
