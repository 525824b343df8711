"""Single operations in minigen, forward and backward. Each builder takes arrays and a seed, and gives one step."""

import numpy as np
from functions import functions

from autograd import Tensor

FUNCTIONS = functions(np)


def build(name, x, y, seed):
    function = FUNCTIONS[name]
    x, y = Tensor(x, requires_grad=True), Tensor(y, requires_grad=True)

    def step():
        x.grad = y.grad = None
        function(x, y).backward(seed)

    return step
