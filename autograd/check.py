"""A proof by numbers: the slope that the rules give beside the slope that central differences measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import backend
from autograd.derivatives import grad
from autograd.tensor import Tensor

STEP = float(np.finfo(float).eps ** (1 / 3))
"""The step of central differences that balances truncation (∝ step²) and rounding (∝ 1 / step)."""


def check_grads(
    f: Callable[..., Any], *args: Any, order: int = 1, rng: np.random.Generator | None = None, tolerance: float = 1e-6
) -> None:
    """Raise AssertionError unless the derivatives of `f` up to `order` agree with central differences.

    `f` maps arrays to one array. Every floating-point x among `args` is checked, in float64 and on the backend in use,
    along one random direction v, for one random weighting F = ⟨w, f⟩ of the outputs:

        ⟨∇F(x), v⟩  =  (F(x + hv) − F(x − hv)) / 2h      within `tolerance` of the larger of slope and value.

    For the next order the slope ⟨∇F(x), v⟩ takes the place of F.
    """
    rng = rng if rng is not None else np.random.default_rng(0)
    checked = [i for i, a in enumerate(args) if (a if hasattr(a, "dtype") else np.asarray(a)).dtype.kind == "f"]
    if not checked:
        raise TypeError("check_grads got no floating-point argument to differentiate with respect to")
    values = [backend.to_device(backend.to_numpy(a).astype(float)) if i in checked else a for i, a in enumerate(args)]
    w = backend.to_device(rng.standard_normal(f(*_tensors(values, checked)).shape))

    def F(*args: Any) -> Any:
        return np.sum(w * f(*args))

    for n in range(1, order + 1):
        directions = [backend.to_device(rng.standard_normal(values[i].shape)) for i in checked]
        for i, v in zip(checked, directions, strict=True):
            _check_slope(F, values, checked, i, v, tolerance, n)
        F = _slope_of(F, checked, directions, create_graph=True)


def _check_slope(F: Callable, values: list, checked: list[int], i: int, v: Any, tolerance: float, order: int) -> None:
    ahead, behind = (
        F(*_tensors([a + h * v if k == i else a for k, a in enumerate(values)], checked)).item() for h in (STEP, -STEP)
    )
    numeric = (ahead - behind) / (2 * STEP)
    analytic = _slope_of(F, [i], [v], create_graph=False)(*_tensors(values, checked)).item()
    if not abs(analytic - numeric) <= tolerance * max(abs(analytic), abs(numeric), abs(ahead)):
        raise AssertionError(
            f"derivative of order {order} with respect to argument {i} of shape {values[i].shape}: the rules give the "
            f"slope {analytic:.10g}, central differences {numeric:.10g}, ratio {analytic / (numeric or np.nan):.6g}"
        )


def _slope_of(F: Callable, checked: Sequence[int], directions: Sequence[Any], create_graph: bool) -> Callable:
    """Σᵢ ⟨∇ᵢF, vᵢ⟩ as a function of the same Tensors; with `create_graph` it can be differentiated again."""

    def slope(*args: Any) -> Any:
        y = F(*args)
        if not (isinstance(y, Tensor) and y.requires_grad):  # a constant
            return Tensor(0.0)
        found = grad(y, [args[i] for i in checked], create_graph=create_graph, allow_unused=True)
        return sum((np.sum(g * v) for g, v in zip(found, directions, strict=True) if g is not None), start=Tensor(0.0))

    return slope


def _tensors(values: list, checked: list[int]) -> list:
    return [Tensor(a, requires_grad=True) if i in checked else a for i, a in enumerate(values)]
