"""Reverse-mode differentiation of plain NumPy: wrap an array in a `Tensor`, write NumPy, ask for gradients.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> np.sum(np.exp(x) * x).backward()
    >>> x.grad                                      # eˣ(x + 1)
    array([ 5.43656366, 22.1671683 ])

To read it all, start here and follow the imports: `table` (what a rule is), `engine` (the chain rule),
`tensor` (how NumPy calls reach us), `rules/` (the table of derivatives), `check` (how a rule is proved).
"""

from autograd.table import implements, rule, zero_derivative
from autograd.tensor import Tensor, grad, no_grad, primitive

from autograd import rules  # isort: skip  # registers the table; needs Tensor's module to be complete
from autograd.check import check_grads

IS_MINIGEN_ENGINE = True
"""minigen looks for this name: another distribution is called `autograd` too."""

__all__ = [
    "IS_MINIGEN_ENGINE",
    "Tensor",
    "check_grads",
    "grad",
    "implements",
    "no_grad",
    "primitive",
    "rule",
    "rules",
    "zero_derivative",
]
