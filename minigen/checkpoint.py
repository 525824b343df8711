"""Weights on disk: one array for each parameter, under its name, in NumPy's own .npz format (no pickle)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minigen.nn import Module


def save_weights(module: Module, path: Path) -> None:
    """Write every parameter of `module` to `path`."""
    np.savez(path, allow_pickle=False, **{name: p.data for name, p in module.parameters().items()})


def load_weights(module: Module, path: Path) -> None:
    """Read what `save_weights` wrote into a module of the same names and shapes; otherwise it is left as it was."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    parameters = module.parameters()
    if {n: a.shape for n, a in arrays.items()} != {n: p.shape for n, p in parameters.items()}:
        raise ValueError(
            f"{path} holds {_shapes(arrays)}, but the module has {_shapes(parameters)}: build it with the same sizes"
        )
    for name, p in parameters.items():
        p.data[...] = arrays[name]


def _shapes(arrays: dict) -> str:
    return ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
