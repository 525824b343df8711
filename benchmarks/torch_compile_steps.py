"""The steps in PyTorch with their losses compiled by `torch.compile`, which needs a C++ compiler on a processor. Left
out are steps that it cannot shorten: loops over hundreds of pixels, which it unrolls and compiles for minutes, and
layers that are one kernel already."""

from functools import partial

import torch

from benchmarks.torch_steps import STEPS as EAGER
from benchmarks.torch_steps import VERSION, use

__all__ = ["STEPS", "VERSION", "use"]
STEPS = {name: partial(EAGER[name], change=torch.compile) for name in ("tiny", "vae", "gan", "wgan_gp")}
