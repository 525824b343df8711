"""Steps in PyTorch eager with its fused Adam, where `torch_steps` has the default one."""

from functools import partial

from benchmarks.torch_steps import VERSION, use, vae

__all__ = ["STEPS", "VERSION", "use"]
STEPS = {"vae": partial(vae, fused=True)}
