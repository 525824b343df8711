"""The derivatives of NumPy's functions. Importing this package fills the tables of `autograd.table`.

Rules, one line of calculus each: `elementwise`, `products`, `reductions`, `shapes`, `special`; of matrices: `linalg`,
    `decompositions`, `norms`.
Functions written with those that have rules: `composites`, `options`, `joining`, `statistics`, `series`.
Functions without a derivative: `queries`, which return plain arrays, and `refused`, with the reason.
"""

from autograd.rules import (
    composites,
    decompositions,
    elementwise,
    joining,
    linalg,
    norms,
    options,
    products,
    queries,
    reductions,
    refused,
    series,
    shapes,
    special,
    statistics,
)

__all__ = [
    "composites",
    "decompositions",
    "elementwise",
    "joining",
    "linalg",
    "norms",
    "options",
    "products",
    "queries",
    "reductions",
    "refused",
    "series",
    "shapes",
    "special",
    "statistics",
]
