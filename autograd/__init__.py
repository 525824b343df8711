"""Reverse-mode differentiation of plain NumPy: wrap an array in a `Tensor`, write NumPy, ask for gradients.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> np.sum(np.exp(x) * x).backward()
    >>> x.grad                                      # eˣ(x + 1)
    array([ 5.43656366, 22.1671683 ])

To read the engine, follow the imports: `table` (what a rule is), `engine` (the chain rule), `tensor` (how NumPy's
calls reach a Tensor) with `arguments` (how they are bound), `rules/` (the table of derivatives). Around them:
`derivatives` (grad, jacobian, hvp, …), `check` (compares a rule with central differences), `faults` (where a NaN came
from), `draw`, `coverage` (how every name of NumPy is treated: `python -m autograd`), and `backend` (NumPy or CuPy) with
`cuda` (what exists on a device alone).
"""

from autograd import backend, cuda, rules
from autograd.check import check_grads
from autograd.derivatives import checkpoint, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd.draw import draw
from autograd.faults import detect_anomaly
from autograd.modes import no_grad
from autograd.rules import special
from autograd.table import implements, rule, zero_derivative
from autograd.tensor import Tensor, from_dlpack, primitive

IS_MINIGEN_ENGINE = True
"""minigen looks for this name: another distribution is called `autograd` too."""

__all__ = [
    "IS_MINIGEN_ENGINE",
    "Tensor",
    "backend",
    "check_grads",
    "checkpoint",
    "cuda",
    "detect_anomaly",
    "draw",
    "from_dlpack",
    "grad",
    "hessian",
    "hvp",
    "implements",
    "jacobian",
    "jvp",
    "no_grad",
    "primitive",
    "rule",
    "rules",
    "special",
    "value_and_grad",
    "vjp",
    "zero_derivative",
]
