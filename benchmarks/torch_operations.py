"""The same operations in PyTorch eager."""

import torch
from functions import functions

FUNCTIONS = functions(torch)


def build(name, x, y, seed):
    function = FUNCTIONS[name]
    x, y = (torch.tensor(a, requires_grad=True) for a in (x, y))
    seed = torch.tensor(seed)

    def step():
        x.grad = y.grad = None
        function(x, y).backward(seed)

    return step
