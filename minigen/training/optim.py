"""Gradient descent on the one flat vector of a module's parameters.

Each update walks over the vector in blocks that stay in the processor's cache, and writes in place: few passes through
memory, and no temporary as large as the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Never

import numpy as np
import scipy.optimize

from autograd import backend
from minigen.nn.kernels import kernel
from minigen.nn.module import Layout, Module
from minigen.training.resume import Remembering

BLOCK = 1 << 16
FLUSH_EVERY, NOTHING = 32, 1e-25
"""Every so many steps states below this are set to 0, see `Optimizer.flush`."""


def clip_grad_norm(module: Module, max_norm: float) -> float:
    """Scale the gradient to at most `max_norm` (Euclidean, over all parameters); returns the norm it had."""
    g = module.flat_grad
    norm = float(np.sqrt(np.dot(g, g)))
    scale_to(g, norm, max_norm)
    return norm


def scale_to(g: Any, norm: float, max_norm: float) -> None:
    """Scale a vector that has this norm to at most `max_norm`, in place."""
    if norm > max_norm:
        g *= max_norm / norm


def lbfgs(module: Module, loss: Callable[[], Any], tolerance: float = 1e-9, max_steps: int = 10_000) -> float:
    """Minimise `loss` to where every derivative is below `tolerance`, by SciPy's L-BFGS-B; returns the loss there.

    For small models on the host, whole data sets and parameters in float64: a descent that ends at the minimum, not
    near it. Where rounding or `max_steps` ends it before `tolerance`, the parameters are the best that were found;
    where `loss` raises, those that the module came with.
    """
    start = module.flat.copy()

    def value_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        module.flat[...] = theta
        module.zero_grad()
        value = loss()
        value.backward()
        return value.item(), module.flat_grad.astype(float)

    options = {"gtol": tolerance, "ftol": 0, "maxiter": max_steps, "maxfun": 10 * max_steps, "maxcor": 30}
    theta = start
    try:
        found = scipy.optimize.minimize(
            value_and_gradient, start.astype(float), jac=True, method="L-BFGS-B", options=options
        )
        theta = found.x
    finally:
        module.flat[...] = theta
    return float(found.fun)


class Optimizer(Remembering):
    """Holds a module, its learning rate, and vectors of state as long as its parameters.

    Raises TypeError for parameters in place of the module, and for an option that there is not, such as `lr`.
    """

    remembered = ("learning_rate", "t", "states")

    def __init__(self, module: Module, learning_rate: float, num_states: int, **unknown: Never):
        name = type(self).__name__
        if not isinstance(module, Module):
            takes = f"{name} takes the model itself: {name}(model, learning_rate=…)"
            raise TypeError(f"{takes}, got {type(module).__name__}")
        if unknown:
            raise TypeError(f"{name} has no option {', '.join(unknown)}; the learning rate is learning_rate=…")
        self.module = module
        self.learning_rate = learning_rate
        self.states = [np.zeros_like(module.flat) for _ in range(num_states)]
        self.t = 0
        self._blocks: list[list[np.ndarray]] = []
        self._blocks_of: Layout | None = None

    def step(self) -> None:
        """Update the parameters from their gradients."""
        raise NotImplementedError

    def flush(self) -> None:
        """Count the step, and now and then set to 0 what has decayed to nothing.

        Where a unit has died its gradient is 0, and its states are halved, or nearly, in each step. Below 1e-38 float32
        has no normal numbers, and the processor is many times slower with those that it has.
        """
        self.t += 1
        if self.t % FLUSH_EVERY == 0:
            for state in filter(backend.on_host, self.states):
                state[np.abs(state) < NOTHING] = 0

    def blocks(self) -> list[list[np.ndarray]]:
        """Views of the parameters, the gradient, each state, and a scratch array: one cache-sized stretch at a time, on
        the device all at once.

        They are made once, and anew when the module lays out its parameters anew.
        """
        layout = self.module.layout
        if self._blocks_of is not layout:
            vectors = [self.module.flat, self.module.flat_grad, *self.states]
            length = BLOCK if backend.on_host(vectors[0]) else vectors[0].size
            scratch = np.empty_like(vectors[0][:length])
            starts = range(0, vectors[0].size, length)
            self._blocks = [[*(v[i : i + length] for v in vectors), scratch[: vectors[0].size - i]] for i in starts]
            self._blocks_of = layout
        return self._blocks


class SGD(Optimizer):
    """v ← μ v + g,  θ ← θ − η v.  η: learning rate, μ: momentum."""

    settings = ("momentum",)

    def __init__(self, module: Module, learning_rate: float, momentum: float = 0.0, **unknown: Never):
        super().__init__(module, learning_rate, num_states=1 if momentum else 0, **unknown)
        self.momentum = momentum

    def step(self) -> None:
        self.flush()
        for theta, g, *states, scratch in self.blocks():
            for v in states:
                v *= self.momentum
                v += g
                g = v
            theta -= np.multiply(g, self.learning_rate, out=scratch)


def adam_reference(theta, g, m, s, t, learning_rate=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    """Step t of Adam as in the paper, t = 1, 2, …: the next θ, m and s. `Adam` is the same in fewer passes."""
    m = betas[0] * m + (1 - betas[0]) * g
    s = betas[1] * s + (1 - betas[1]) * g**2
    m_hat, s_hat = m / (1 - betas[0] ** t), s / (1 - betas[1] ** t)
    return theta - learning_rate * (m_hat / (np.sqrt(s_hat) + eps) + weight_decay * theta), m, s


ADAM = kernel("adam")
"""What `Adam.step` does with a block, as one kernel for the whole vector on the device."""


class Adam(Optimizer):
    """Kingma and Ba 2015, with the decoupled weight decay λ of Loshchilov and Hutter 2019.

    m ← β₁ m + (1−β₁) g,  s ← β₂ s + (1−β₂) g²,  θ ← θ − η (m̂ / (√ŝ + ε) + λ θ),  m̂ = m / (1−β₁ᵗ),  ŝ = s / (1−β₂ᵗ)

    The states are M = m / (1−β₁) and S = s / (1−β₂), plain decaying sums: three passes over each block are saved.
    """

    settings = ("betas", "eps", "weight_decay")

    def __init__(
        self,
        module: Module,
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        **unknown: Never,
    ):
        super().__init__(module, learning_rate, num_states=2, **unknown)
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay

    def step(self) -> None:
        self.flush()
        beta1, beta2 = self.betas
        root = math.sqrt((1 - beta2) / (1 - beta2**self.t))  # √ŝ = root √S
        rate = self.learning_rate * (1 - beta1) / (1 - beta1**self.t) / root  # η m̂ / (√ŝ + ε) = rate M / (√S + ε/root)
        decay = 1 - self.learning_rate * self.weight_decay
        if not backend.on_host(self.states[0]):
            ADAM(self.module.flat_grad, beta1, beta2, rate, self.eps / root, decay, self.module.flat, *self.states)
            return
        for theta, g, M, S, scratch in self.blocks():
            M *= beta1
            M += g
            S *= beta2
            S += np.multiply(g, g, out=scratch)
            np.sqrt(S, out=scratch)
            scratch += self.eps / root
            np.divide(M, scratch, out=scratch)
            scratch *= rate
            if self.weight_decay:
                theta *= decay
            theta -= scratch
