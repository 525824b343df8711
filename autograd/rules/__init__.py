"""The derivatives of NumPy's functions, a file for each kind. Importing this package fills the table."""

from autograd.rules import elementwise, linalg, products, reductions, shapes, special

__all__ = ["elementwise", "linalg", "products", "reductions", "shapes", "special"]
