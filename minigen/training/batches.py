"""Training data and batches: an array, or a tuple of arrays whose rows belong together, such as images and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Data = np.ndarray | tuple[np.ndarray, ...]
"""An array, (n, …), or a tuple of arrays of the same length n. A batch of a tuple is a tuple, too."""


def each(function: Callable[[np.ndarray], Any], data: Data) -> Any:
    """Return `function(data)` for an array `data`, or the tuple of `function(array)` for a tuple of arrays."""
    return tuple(map(function, data)) if isinstance(data, tuple) else function(data)


def length(data: Data) -> int:
    """Return the number of rows n of `data`. Raises ValueError if `data` is a tuple of arrays of different lengths."""
    lengths = [len(array) for array in data] if isinstance(data, tuple) else [len(data)]
    if len(set(lengths)) != 1:
        raise ValueError(f"arrays that belong together need one row for each image, got lengths {lengths}")
    return lengths[0]


def batch_of(data: Data, rows: np.ndarray) -> Data:
    """Return a copy of the `rows` of `data`: an array (b, …), or for a tuple of arrays the tuple of their batches.

    rows: row numbers from 0, (b,).
    """
    return each(lambda array: np.take(array, rows, axis=0), data)
