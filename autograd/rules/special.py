"""Derivatives of `scipy.special` functions. They are NumPy ufuncs, so they reach a Tensor as NumPy's own do."""

import scipy.special as sp

from autograd.table import rule

# fmt: off
rule(sp.expit,     lambda g, y, x: g * y * (1 - y))               # σ(x) = 1 / (1 + e⁻ˣ)
rule(sp.log_expit, lambda g, y, x: g * sp.expit(-x))              # ln σ(x)
# fmt: on
