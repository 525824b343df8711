"""The same operations in HIPS autograd. It bears the name of our engine, so it needs an environment of its own."""

import autograd.numpy as np
from autograd.core import make_vjp

FUNCTIONS = {
    "add": lambda x, y: x + y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "maximum": lambda x, y: np.maximum(x, y),
    "matmul": lambda x, y: np.matmul(x, y),
    "exp": lambda x, y: np.exp(x),
    "log": lambda x, y: np.log(x),
    "sqrt": lambda x, y: np.sqrt(x),
    "tanh": lambda x, y: np.tanh(x),
    "sum": lambda x, y: np.sum(x),
    "mean": lambda x, y: np.mean(x),
    "getitem": lambda x, y: x[:1],
}


def build(name, x, y, seed):
    function = FUNCTIONS[name]

    def step():
        backward, _ = make_vjp(lambda pair: function(pair[0], pair[1]), (x, y))
        backward(seed)

    return step
