"""The array library behind a `Tensor`: the one place that knows which libraries there are.

Operations follow the arrays they are given, so only what makes *new* arrays, or what NumPy's protocols do not
reach, asks here.
"""

from typing import Any

import numpy as np

ARRAYS = (np.ndarray,)
"""The types that hold a Tensor's data."""


def asarray(data: Any, dtype: Any = None) -> np.ndarray:
    """`data` (array, number or nested list) as an array; Python floats become float64, as in NumPy."""
    return np.asarray(data, dtype=dtype)


def add_at(array: np.ndarray, index: Any, values: np.ndarray) -> None:
    """`array[index] += values`, where an element that the index names twice is increased twice."""
    np.add.at(array, index, values)
