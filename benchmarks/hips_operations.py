"""The same operations in HIPS autograd. It bears the name of our engine, so it needs an environment of its own."""

import autograd.numpy as np
from autograd.core import make_vjp
from functions import functions

FUNCTIONS = functions(np)


def build(name, x, y, seed):
    function = FUNCTIONS[name]

    def step():
        backward, _ = make_vjp(lambda pair: function(pair[0], pair[1]), (x, y))
        backward(seed)

    return step
