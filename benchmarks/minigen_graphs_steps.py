"""The steps in minigen on a CUDA device, recorded as CUDA graphs (`training.capture`)."""

from functools import partial

from benchmarks.minigen_steps import RNG, VERSION, most_on_device, use
from benchmarks.minigen_steps import STEPS as EAGER
from minigen.training.capture import Captured

__all__ = ["STEPS", "VERSION", "most_on_device", "use"]


def captured(made, **arrays):
    """The step that `made` builds; a GAN's is its game with a batch and a generator."""
    step = made(**arrays)
    if isinstance(step, partial):
        step.func.take = Captured(step.func)
        return step
    repeated = Captured(step)
    return lambda: repeated(step.x, RNG)[0]


STEPS = {name: partial(captured, EAGER[name]) for name in EAGER}
