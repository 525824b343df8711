"""The steps in PyTorch eager, each recorded whole as one CUDA graph, with its optimizers."""

from functools import partial

import torch

from benchmarks.torch_steps import STEPS as EAGER
from benchmarks.torch_steps import VERSION, most_on_device, use

__all__ = ["STEPS", "VERSION", "most_on_device", "use"]
BEFORE = 3
"""Steps before the record, as PyTorch asks for: on a stream of their own."""


def recorded(update, *optimizers):
    """A function that repeats `update`, by one launch, and returns its loss on the device."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["capturable"] = True  # the number of its step is on the device
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(BEFORE):
            update()
    torch.cuda.current_stream().wait_stream(stream)
    with torch.cuda.graph(graph):
        loss = update()

    def repeat():
        graph.replay()
        return loss

    return repeat


STEPS = {name: partial(made, whole=recorded) for name, made in EAGER.items()}
