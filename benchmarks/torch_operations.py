"""The same operations in PyTorch eager."""

import torch

FUNCTIONS = {
    "add": lambda x, y: x + y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "maximum": lambda x, y: torch.maximum(x, y),
    "matmul": lambda x, y: x @ y,
    "exp": lambda x, y: torch.exp(x),
    "log": lambda x, y: torch.log(x),
    "sqrt": lambda x, y: torch.sqrt(x),
    "tanh": lambda x, y: torch.tanh(x),
    "sum": lambda x, y: torch.sum(x),
    "mean": lambda x, y: torch.mean(x),
    "getitem": lambda x, y: x[:1],
}


def build(name, x, y, seed):
    function = FUNCTIONS[name]
    x, y = (torch.tensor(a, requires_grad=True) for a in (x, y))
    seed = torch.tensor(seed)

    def step():
        x.grad = y.grad = None
        function(x, y).backward(seed)

    return step
