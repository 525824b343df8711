"""Optimizers: SGD with momentum, Adam, and L-BFGS for small models. All parameters of a module are one flat vector θ.

SGD and Adam walk over the vector in blocks that fit in the processor's cache, and write in place. This needs few passes
through memory and no temporary array as large as the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Never

import numpy as np
import scipy.optimize

from autograd import backend
from minigen.nn.kernels import kernel
from minigen.nn.module import Layout, Module
from minigen.training.resume import Remembering

BLOCK = 1 << 16
FLUSH_EVERY, NOTHING = 32, 1e-25
"""After every FLUSH_EVERY steps, states below NOTHING in size are set to 0, see `Optimizer.flush`."""


def clip_grad_norm(module: Module, max_norm: float) -> float:
    """Scale the gradient of `module` in place so that its norm is at most `max_norm`. Return the norm before scaling.

    The norm is Euclidean, over all parameters of the module together.
    """
    g = module.flat_grad
    norm = float(np.sqrt(np.dot(g, g)))
    scale_to(g, norm, max_norm)
    return norm


def scale_to(g: Any, norm: float, max_norm: float) -> None:
    """Scale the vector `g` in place so that its norm is at most `max_norm`.

    norm: the Euclidean norm of g now.
    """
    if norm > max_norm:
        g *= max_norm / norm


def lbfgs(module: Module, loss: Callable[[], Any], tolerance: float = 1e-9, max_steps: int = 10_000) -> float:
    """Minimise `loss` over the parameters of `module` by SciPy's L-BFGS-B. Return the final loss.

    For small models on the host, with the whole data set in the loss and parameters in float64. L-BFGS reaches the
    minimum; Adam only comes near the minimum. The result does not tell which limit stopped the descent.

    module: its parameters are changed in place.
    loss: a function without arguments that returns the loss, a scalar Tensor, for the present parameters.
    tolerance: stop when every partial derivative is at most this in size. Rounding can stop the descent earlier.
    max_steps: the largest number of steps; the loss is computed about 10 times as often at most.

    If `loss` raises an error, the error is raised on, and the module has its initial parameters again.
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
    """An optimizer: it holds a module, the learning rate, and vectors of state.

    A subclass implements `numbers` and `update`, of which `step` is made. A subclass may implement `step` alone; then
    no step of training with this optimizer can be recorded (`training.capture`).

    module: its parameters are changed, from its gradients. Raises TypeError for anything else, such as a list of
        parameters.
    learning_rate: η. `fit(decay=True)` changes it during training.
    num_states: the number of state vectors, such as momentum; each has one element for each parameter.
    unknown: any other option, such as `lr`, raises TypeError.
    states: the list of state vectors, at first 0.
    t: the number of steps so far.
    remembered: the names of the attributes that a checkpoint holds.
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
        """Update the parameters of the module in place from their gradients, which stay as they are: one step."""
        self.flush()
        self.update(self.numbers(self.t))

    def numbers(self, t: int) -> tuple[float, ...]:
        """Return the numbers of step t that `update` takes: those that depend on t or on the learning rate.

        t: the number of the step, 1, 2, …
        """
        raise NotImplementedError

    def update(self, numbers: Sequence[Any], go: Any = True) -> None:
        """Update parameters and states in place. `step` calls this with the `numbers` of the step.

        numbers: Python numbers, or for a module on a device also 0-d arrays there.
        go: if False, parameters and states stay as they are. For a module on a device, True or a 0-d array of bool
            there, so that the device decides; for a module on the host always True.
        """
        raise NotImplementedError

    def flush(self) -> None:
        """Count a step (t ← t + 1). In every 32nd step, set elements of states that are below 1e-25 in size to 0.

        `step` begins with this: t is 1 in the first step. States on a device stay as they are. The
        gradient of a unit that never fires is 0, so its states decay in each step. Below 1e-38 float32 has only
        denormal numbers, and the processor is many times slower with denormal numbers.
        """
        self.t += 1
        if self.t % FLUSH_EVERY == 0:
            for state in filter(backend.on_host, self.states):
                state[np.abs(state) < NOTHING] = 0

    def blocks(self) -> list[list[np.ndarray]]:
        """Return a list of blocks [θ, g, state, …, scratch]: views of the parameters, their gradient and each state.

        A block is a stretch of 65,536 elements (the last: the rest) that fits in the cache; on a device one block is
        the whole vector. The scratch array, for temporary values, is as long as the block, and one for all blocks. The
        list is made again only when the module moves its parameters to another vector.
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


ACCUMULATE, DESCEND = kernel("accumulate"), kernel("descend")
"""`SGD.update` on a device: v ← μ v + g, then θ ← θ − η v."""


class SGD(Optimizer):
    """Gradient descent with momentum: v ← μ v + g,  θ ← θ − η v.  g: the gradient, v: at first 0.

    module: its parameters θ are changed.
    learning_rate: η.
    momentum: μ, at least 0 and below 1 (not checked); 0 is plain gradient descent.
    unknown: any other option, such as `lr`, raises TypeError.
    settings: the names of the attributes that must be equal when a run is resumed.
    """

    settings = ("momentum",)

    def __init__(self, module: Module, learning_rate: float, momentum: float = 0.0, **unknown: Never):
        super().__init__(module, learning_rate, num_states=1 if momentum else 0, **unknown)
        self.momentum = momentum

    def numbers(self, t: int) -> tuple[float]:
        return (self.learning_rate,)

    def update(self, numbers: Sequence[Any], go: Any = True) -> None:
        (rate,) = numbers
        for theta, g, *states, scratch in self.blocks():
            if not backend.on_host(theta):  # one block, the whole vector
                for v in states:
                    ACCUMULATE(g, self.momentum, go, v)
                    g = v
                DESCEND(g, rate, go, theta)
                continue
            for v in states:
                v *= self.momentum
                v += g
                g = v
            theta -= np.multiply(g, rate, out=scratch)


def adam_reference(theta, g, m, s, t, learning_rate=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    """Return the next (θ, m, s) after step t of Adam, formula by formula. `Adam` does the same in fewer passes.

    theta, g, m, s: parameters, their gradient, and its decaying means of first and second order, all (n,).
    t: the number of this step, 1, 2, …; before step 1, m and s are 0.
    learning_rate, betas, eps: η, (β₁, β₂), ε of `Adam`. weight_decay: λ, decoupled: η λ θ is subtracted from θ.
    """
    m = betas[0] * m + (1 - betas[0]) * g
    s = betas[1] * s + (1 - betas[1]) * g**2
    m_hat, s_hat = m / (1 - betas[0] ** t), s / (1 - betas[1] ** t)
    return theta - learning_rate * (m_hat / (np.sqrt(s_hat) + eps) + weight_decay * theta), m, s


ADAM = kernel("adam")
"""`Adam.update` on a device: one kernel for the whole vector."""


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015), with the decoupled weight decay λ of Loshchilov and Hutter 2019.

    m ← β₁ m + (1−β₁) g,  s ← β₂ s + (1−β₂) g²,  θ ← θ − η (m̂ / (√ŝ + ε) + λ θ),  m̂ = m / (1−β₁ᵗ),  ŝ = s / (1−β₂ᵗ)

    module: its parameters θ are changed; g is their gradient.
    learning_rate: η.
    betas: (β₁, β₂), each at least 0 and below 1 (not checked).
    eps: ε.
    weight_decay: λ.
    unknown: any other option, such as `lr`, raises TypeError.
    settings: the names of the attributes that must be equal when a run is resumed.

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

    def numbers(self, t: int) -> tuple[float, float, float]:
        beta1, beta2 = self.betas
        root = math.sqrt((1 - beta2) / (1 - beta2**t))  # √ŝ = root √S
        rate = self.learning_rate * (1 - beta1) / (1 - beta1**t) / root  # η m̂ / (√ŝ + ε) = rate M / (√S + ε/root)
        return rate, self.eps / root, 1 - self.learning_rate * self.weight_decay

    def update(self, numbers: Sequence[Any], go: Any = True) -> None:
        (beta1, beta2), (rate, eps, decay) = self.betas, numbers
        if not backend.on_host(self.states[0]):
            ADAM(self.module.flat_grad, beta1, beta2, rate, eps, decay, go, self.module.flat, *self.states)
            return
        for theta, g, M, S, scratch in self.blocks():
            M *= beta1
            M += g
            S *= beta2
            S += np.multiply(g, g, out=scratch)
            np.sqrt(S, out=scratch)
            scratch += eps
            np.divide(M, scratch, out=scratch)
            scratch *= rate
            if self.weight_decay:
                theta *= decay
            theta -= scratch
