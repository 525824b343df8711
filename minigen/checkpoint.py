"""Weights on disk: one array for each parameter, under its name, in NumPy's own .npz format (no pickle)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minigen.nn import Module


def save_weights(module: Module, path: Path) -> None:
    """Write every parameter of `module`, and the arrays that belong to it such as an order of pixels, to `path`."""
    arrays: dict[str, Any] = module.arrays()
    with open(path, "wb") as file:  # a file, not a name: NumPy would append .npz to that
        np.savez(file, **arrays)


def load_weights(module: Module, path: Path) -> None:
    """Read what `save_weights` wrote into a module of the same names and shapes; otherwise it is left as it was."""
    with np.load(path, allow_pickle=False) as file:
        saved = {name: file[name] for name in file.files}
    arrays = module.arrays()
    if {n: a.shape for n, a in saved.items()} != {n: a.shape for n, a in arrays.items()}:
        raise ValueError(
            f"{path} holds {_shapes(saved)}, but the module has {_shapes(arrays)}: build it with the same sizes"
        )
    for name, array in arrays.items():
        array[...] = saved[name]


def _shapes(arrays: dict) -> str:
    return ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
