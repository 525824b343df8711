"""A proof by numbers: compares the derivative that the rules give with central differences."""

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

    f: a function that takes Tensors in the places of the floating-point arguments and returns one Tensor.
    args: where to check. Each x among them of floating-point numbers (array, Tensor, list or number) is checked, in
        float64 and on the backend in use; the others are passed to `f` as they are.
    order: the highest derivative to check.
    rng: draws the random directions and weights, by default from seed 0.
    tolerance: the largest difference that passes, relative to the larger of slope and value.

    For each x, along a random direction v, it compares the slope of F = ⟨w, f⟩, a random weighting of the outputs:

        ⟨∇F(x), v⟩  =  (F(x + hv) − F(x − hv)) / 2h      within `tolerance` of the larger of slope and F(x), h = `STEP`.

    For the next order the slope ⟨∇F(x), v⟩ takes the place of F. At a kink, where the slopes ahead and behind differ
    however small the step, any slope between the two is accepted. The error names the argument, both slopes and the
    likely cause. Raises TypeError if no argument is of floating-point numbers.
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
        if n < order:
            plain, recorded = (_slope_of(F, checked, directions, create_graph=c) for c in (False, True))
            at = _tensors(values, checked)
            _check_same(plain(*at).item(), recorded(*at).item(), tolerance, n)
            F = recorded


def _check_same(plain: float, recorded: float, tolerance: float, order: int) -> None:
    if not abs(plain - recorded) <= tolerance * max(1, abs(plain)):
        raise AssertionError(
            f"derivative of order {order}: the ordinary pass gives the slope {plain:.10g}, the recorded one "
            f"{recorded:.10g}; is the rule's reference another function?"
        )


def _check_slope(F: Callable, values: list, checked: list[int], i: int, v: Any, tolerance: float, order: int) -> None:
    def at(h: float) -> float:
        return F(*_tensors([a + h * v if k == i else a for k, a in enumerate(values)], checked)).item()

    here, ahead, behind = at(0.0), at(STEP), at(-STEP)
    numeric = (ahead - behind) / (2 * STEP)
    analytic = _slope_of(F, [i], [v], create_graph=False)(*_tensors(values, checked)).item()
    allowed = tolerance * max(abs(analytic), abs(numeric), abs(here)) + STEP**2  # the error of the differences
    if abs(analytic - numeric) <= allowed:
        return
    low, high = sorted([(ahead - here) / STEP, (here - behind) / STEP])
    curvature = (at(10 * STEP) - 2 * here + at(-10 * STEP)) / (10 * STEP) ** 2
    at_a_kink = high - low > 10 * allowed and high - low > 3 * STEP * abs(curvature)
    if at_a_kink and low - allowed <= analytic <= high + allowed:
        return  # any slope between those of the two sides will do
    raise AssertionError(
        f"derivative of order {order} with respect to argument {i} of shape {values[i].shape}: the rules give the "
        f"slope {analytic:.10g}, central differences {numeric:.10g}; "
        f"{_likely_cause(analytic, numeric, order, at_a_kink, low, high)}"
    )


def _likely_cause(analytic: float, numeric: float, order: int, at_a_kink: bool, low: float, high: float) -> str:
    if at_a_kink:
        return f"there is a kink here, with slopes {low:.6g} and {high:.6g}: the rule's is not between them"
    if not np.isfinite(analytic):
        return "the rule divides by zero or overflows here"
    if order > 1:
        return "the slope before was right: does a rule use a plain array where it should use its argument?"
    if analytic == 0 or numeric == 0:
        return "a term is missing, or a gradient is lost on the way (a detach, a plain array)"
    ratio = analytic / numeric
    if abs(ratio + 1) < 1e-4:
        return "the sign is wrong"
    return f"ratio {ratio:.6g}: a factor or a term is wrong, or a sum over the wrong axis"


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
