"""Differences, derivatives along an axis, areas, curves and polynomials: functions of numbers in a row."""

import functools
import math

import numpy as np

from autograd import backend
from autograd.arguments import plain
from autograd.rules.options import common_dtype, in_dtype
from autograd.table import implements
from autograd.tensor import as_array

# -- along an axis


def neighbours(a, axis):
    """(all elements of `a` along `axis` but the first, all but the last)."""
    before = (slice(None),) * range(a.ndim)[axis]
    return a[(*before, slice(1, None))], a[(*before, slice(-1))]


@implements(np.diff)
def diff(a, n=1, axis=-1, prepend=None, append=None):
    """np.diff on Tensors: x₂ − x₁, x₃ − x₂, … along `axis`, n times over.

    prepend, append: arrays or numbers to join to `a` first; for n = 0 `a` is returned. Raises ValueError for n < 0.
    """
    a = as_array(a)
    if n < 0:
        raise ValueError(f"np.diff takes an order n of 0 or more, got {n}")
    if n == 0:
        return a
    beside = [a if x is a else line_beside(a, x, axis) for x in (prepend, a, append) if x is not None]
    a = np.concatenate(beside, axis=axis) if len(beside) > 1 else a
    for _ in range(n):
        later, earlier = neighbours(a, axis)
        a = np.not_equal(later, earlier) if a.dtype == bool else later - earlier
    return a


def line_beside(a, x, axis):
    """`x` to be joined to `a` along `axis`: an array as it is, a number in the shape of `a` but with 1 along `axis`."""
    x = as_array(x)
    if x.ndim > 0:
        return x
    return np.broadcast_to(x, [1 if i == range(a.ndim)[axis] else n for i, n in enumerate(a.shape)])


@implements(np.ediff1d)
def ediff1d(ary, to_end=None, to_begin=None):
    """np.ediff1d on Tensors: x₂ − x₁, x₃ − x₂, … of the flattened array, after `to_begin` and before `to_end`.

    Raises TypeError if the differences are of a lower kind than an end: integers beside a float, reals beside complex.
    """
    steps = np.ravel(as_array(ary))
    steps = steps[1:] - steps[:-1]
    ends = [steps[:0] if end is None else np.ravel(as_array(end)) for end in (to_begin, to_end)]
    if not all(np.can_cast(end.dtype, steps.dtype, "same_kind") for end in ends):
        raise TypeError(f"np.ediff1d takes ends that cast to {steps.dtype}, got {[str(e.dtype) for e in ends]}")
    before, after = (end.astype(steps.dtype) for end in ends)
    return np.concatenate([before, steps, after])


@implements(np.trapezoid)
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """np.trapezoid on Tensors: the integral Σ Δx (yᵢ + yᵢ₊₁) / 2 along `axis`, with Δx = `dx` or from `x`.

    x: the places of y, a vector or an array like y.
    """
    y = as_array(y)
    if x is not None:
        x = as_array(x)
        dx = np.diff(x, axis=axis) if x.ndim != 1 else np.reshape(np.diff(x), lying_along(axis, y.ndim))
    later, earlier = neighbours(y, axis)
    return np.sum(dx * (later + earlier) / 2.0, axis=axis)


def lying_along(axis, ndim):
    """The shape, of `ndim` axes, in which a vector lies along `axis`: −1 there, 1 elsewhere."""
    return tuple(-1 if i == range(ndim)[axis] else 1 for i in range(ndim))


@implements(np.gradient)
def gradient(f, *varargs, axis=None, edge_order=1):
    """np.gradient on Tensors: the derivative of f along `axis`, or a tuple of them for several axes (None: all).

    The derivative at a place is taken through three neighbours; at the ends through two, or through three for
    edge_order=2. varargs: the spacing for all axes, or one for each: a distance, or the places of the elements. Raises
    TypeError for another number of spacings.
    """
    f = as_array(f)
    f = f.astype(float) if f.dtype.kind in "iu" else f
    axes = range(f.ndim) if axis is None else [range(f.ndim)[i] for i in np.atleast_1d(axis)]
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError(f"np.gradient takes one spacing, or one for each of {len(axes)} axes, got {len(varargs)}")
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    slopes = [slope_along(f, axis, h, edge_order) for axis, h in zip(axes, spacings, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def slope_along(f, axis, spacing, edge_order):
    """The derivative of f along one `axis`, of the shape and dtype of f, as `gradient` describes it.

    spacing: a distance, or the place of each element. Raises ValueError for another edge_order than 1 and 2, for too
    few elements, and for a spacing of another shape.
    """
    spacing, dtype = as_array(spacing), f.dtype
    f, n = np.moveaxis(f, axis, -1), f.shape[axis]
    if edge_order not in (1, 2) or n < edge_order + 1:
        raise ValueError(f"np.gradient takes edge_order 1 or 2 and more elements than that, got {edge_order} and {n}")
    if spacing.ndim > 1 or (spacing.ndim == 1 and spacing.size != n):
        raise ValueError(f"np.gradient needs a number or {n} places, got a spacing of shape {spacing.shape}")
    h = np.diff(spacing) if spacing.ndim else np.broadcast_to(spacing, (n - 1,))
    steps = (f[..., 1:] - f[..., :-1]) / h
    h0, h1 = h[:-1], h[1:]
    inside = (h1 * steps[..., :-1] + h0 * steps[..., 1:]) / (h0 + h1)
    first, last = steps[..., :1], steps[..., -1:]
    if edge_order == 2:  # the derivative of the parabola through three elements, at its end
        first = first + h[:1] * (steps[..., :1] - steps[..., 1:2]) / (h[:1] + h[1:2])
        last = last + h[-1:] * (steps[..., -1:] - steps[..., -2:-1]) / (h[-1:] + h[-2:-1])
    return np.moveaxis(np.concatenate([first, inside, last], axis=-1), -1, axis).astype(dtype)


@implements("cumulative_sum")
def cumulative_sum(x, axis=None, dtype=None, include_initial=False):
    """np.cumulative_sum on Tensors: a running sum along `axis`, which may be left out for a vector alone.

    include_initial: put 0 before the first sum.
    """
    return cumulated(np.cumsum, np.zeros_like, x, axis, dtype, include_initial)


@implements("cumulative_prod")
def cumulative_prod(x, axis=None, dtype=None, include_initial=False):
    """np.cumulative_prod on Tensors: a running product along `axis`, which may be left out for a vector alone.

    include_initial: put 1 before the first product.
    """
    return cumulated(np.cumprod, np.ones_like, x, axis, dtype, include_initial)


def cumulated(function, neutral, x, axis, dtype, include_initial):
    """A running sum or product of `x` along `axis`, in `dtype` if given.

    function, neutral: np.cumsum and np.zeros_like, or np.cumprod and np.ones_like; include_initial: put the neutral
    number, 0 or 1, before the first. Raises ValueError if `axis` is None and x has several axes.
    """
    x = np.atleast_1d(as_array(x))
    if axis is None and x.ndim > 1:
        raise ValueError(f"an array of several axes, here of shape {x.shape}, needs axis=")
    axis = 0 if axis is None else axis
    result = function(x, axis=axis, dtype=dtype)
    if not include_initial:
        return result
    first = neutral(plain(result), shape=())
    return np.concatenate([line_beside(x, first, axis), result], axis=axis)


# -- numbers evenly spaced


@implements(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """np.linspace on Tensors: start + t (stop − start) for `num` values t evenly spaced from 0 to 1.

    endpoint: whether t reaches 1; retstep: return the pair (numbers, their distance); axis: the one along which t runs.
    """
    natural = np.result_type(common_dtype(start, stop), 0.0)
    start, stop = (x if isinstance(x, int | float) else as_array(x) for x in (start, stop))
    difference = stop - start * 1.0
    t = np.linspace(0.0, 1.0, num, endpoint).reshape((-1,) + (1,) * difference.ndim)
    numbers = start + backend.beside(t, difference) * difference
    if endpoint and num > 1:
        numbers = np.concatenate([numbers[:-1], np.broadcast_to(stop, (1, *difference.shape))])  # without rounding
    if dtype is not None and np.dtype(dtype).kind in "iu":
        numbers = np.floor(numbers)
    numbers = as_array(np.moveaxis(numbers, 0, axis)).astype(natural if dtype is None else dtype)
    if not retstep:
        return numbers
    steps = num - 1 if endpoint else num
    return numbers, (difference / steps).astype(natural) if steps > 0 else math.nan


@implements(np.logspace)
def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """np.logspace on Tensors: `base` to the power of `num` numbers linspace(start, stop, num, endpoint)."""
    if np.ndim(base) > 0:
        start, stop, base = np.broadcast_arrays(start, stop, base)
        base = np.expand_dims(base, axis)
    return in_dtype(np.power(base, np.linspace(start, stop, num, endpoint, axis=axis)), dtype)


@implements(np.geomspace)
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """np.geomspace on Tensors: start (stop / start)ᵗ for `num` values t evenly spaced from 0 to 1.

    The ends are free of rounding. endpoint, dtype, axis: as in NumPy; without `endpoint` t stops before 1. If start and
    stop differ in sign, the numbers between are NaN. Raises ValueError if start or stop is 0.
    """
    start, stop = as_array(start).astype(float), as_array(stop).astype(float)
    if np.any(plain(start) == 0) or np.any(plain(stop) == 0):
        raise ValueError("np.geomspace takes a start and a stop other than 0: no factor leads from or to 0")
    sign = np.sign(start)
    numbers = sign * 10.0 ** np.linspace(np.log10(start * sign), np.log10(stop * sign), num, endpoint)
    ends = [np.broadcast_to(end, (1, *numbers.shape[1:])) for end in (start, stop)]
    if num > 1 and endpoint:
        numbers = np.concatenate([ends[0], numbers[1:-1], ends[1]])
    elif num > 0:
        numbers = np.concatenate([ends[0], numbers[1:]])
    return in_dtype(np.moveaxis(numbers, 0, axis), dtype)


# -- curves


@implements(np.interp)
def interp(x, xp, fp, left=None, right=None, period=None):
    """np.interp on Tensors: the value at each `x` of the straight lines from point to point (xp, fp), whose xp rise.

    left, right: the values outside, by default the fp of the first and the last point; period: of x and xp, with which
    no x is outside. Raises ValueError for a period of 0, and unless xp and fp are vectors of one length, not 0.
    """
    x, xp, fp = (as_array(a).astype(float) for a in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or xp.size == 0:
        raise ValueError(f"np.interp takes points xp and fp of one length, got shapes {xp.shape} and {fp.shape}")
    if period is not None:
        x, xp, fp = one_period(x, xp, fp, abs(period))
    i = np.clip(np.searchsorted(xp, x, "right") - 1, 0, max(xp.size - 2, 0))
    j = np.minimum(i + 1, xp.size - 1)
    run = xp[j] - xp[i]
    slope = (fp[j] - fp[i]) / np.where(run == 0, 1, run)
    slope = np.where((x == xp[i]) & np.isinf(slope), 0, slope)  # at the point itself the value is finite
    y = fp[i] + (x - xp[i]) * slope
    y = np.where((x == xp[-1]) & (run == 0), fp[-1], y)  # several points at this place: the last one's value
    y = np.where(x < xp[0], fp[0] if left is None else left, y)
    return np.where(x > xp[-1], fp[-1] if right is None else right, y)


def one_period(x, xp, fp, period):
    """(x, xp, fp) with all x within one period, the points (xp, fp) in rising order, and one more point at each end.

    Raises ValueError for a period of 0.
    """
    if period == 0:
        raise ValueError("np.interp takes a period other than 0")
    x, xp = np.mod(x, period), np.mod(xp, period)
    order = np.argsort(xp)
    xp, fp = xp[order], fp[order]
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, np.concatenate([fp[-1:], fp, fp[:1]])


NEAR_ZERO = [(-1) ** k / math.factorial(2 * k + 1) for k in reversed(range(12))]
"""sin(u) / u = Σ (−u²)ᵏ / (2k + 1)!, the highest power first."""


@implements(np.sinc)
def sinc(x):
    """np.sinc on Tensors: sin(πx) / (πx), near 0 by its series, which has all derivatives there."""
    u = np.pi * as_array(x)
    near = np.abs(u) < 1
    series = functools.reduce(lambda sum_, c: sum_ * np.square(np.where(near, u, 0)) + c, NEAR_ZERO, 0.0)
    beyond = np.where(near, 1, u)
    return np.where(near, series, np.sin(beyond) / beyond)


@implements(np.unwrap)
def unwrap(p, **options):
    """np.unwrap on Tensors: `p` plus whole turns, which are constants: steps over `discont` become at most half a turn.

    options: discont (by default and at least half a turn), axis, period (of a turn, by default 2π), as in NumPy.
    """
    return p + (np.unwrap(plain(p), **options) - plain(p))


@implements(np.convolve)
def convolve(a, v, mode="full"):
    """np.convolve on Tensors: Σₖ aₙ₋ₖ vₖ for each n, of two vectors.  mode: "full", "same" or "valid", as in NumPy."""
    a, v = vector(a), vector(v)
    a, v = (v, a) if v.size > a.size else (a, v)
    return sliding_product(a, np.flip(v), mode)


@implements(np.correlate)
def correlate(a, v, mode="valid"):
    """np.correlate on Tensors: Σₖ aₙ₊ₖ vₖ for each n, of two vectors.  mode: "full", "same" or "valid", as in NumPy."""
    a, v = vector(a), vector(v)
    return sliding_product(a, v, mode) if v.size <= a.size else np.flip(sliding_product(v, a, mode))


def sliding_product(a, v, mode):
    """The inner products of v and each window of a that is as long as v, with zeros beyond the ends of a.

    a, v: vectors, of which v is not the longer one; mode: "full", "same" or "valid": which windows, as in np.convolve.
    Raises ValueError for another mode.
    """
    if mode not in ("full", "same", "valid"):
        raise ValueError(f'the modes are "full", "same" and "valid", got {mode!r}')
    n, m = a.size, v.size
    first = {"full": 0, "same": (m - 1) // 2, "valid": m - 1}[mode]
    length = {"full": n + m - 1, "same": n, "valid": n - m + 1}[mode]
    windows = np.arange(first, first + length)[:, None] + np.arange(m)
    return np.pad(a, m - 1)[backend.beside(windows, a)] @ v


def vector(x):
    """`x`, a number or a vector, as a vector. Raises ValueError if it is empty or has more axes."""
    x = np.atleast_1d(as_array(x))
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"expected a vector that is not empty, got shape {x.shape}")
    return x


# -- polynomials, the coefficient of the highest power first


@implements(np.polyval)
def polyval(p, x):
    """np.polyval on Tensors: p₁ xⁿ⁻¹ + … + pₙ, by Horner's rule. The highest power is first in `p`."""
    return functools.reduce(lambda y, c: y * x + c, as_array(p), np.zeros_like(plain(x)))


@implements(np.polyadd)
def polyadd(a1, a2):
    """np.polyadd on Tensors: the sum of two polynomials, each a vector of coefficients with the highest power first."""
    a1, a2 = of_one_degree(a1, a2)
    return a1 + a2


@implements(np.polysub)
def polysub(a1, a2):
    """np.polysub on Tensors: a1 − a2 of two polynomials, vectors of coefficients with the highest power first."""
    a1, a2 = of_one_degree(a1, a2)
    return a1 - a2


def of_one_degree(a1, a2):
    """(a1, a2), two vectors of coefficients, with zeros in front of the shorter one."""
    a1, a2 = np.atleast_1d(as_array(a1), as_array(a2))
    n = max(a1.size, a2.size)
    return np.pad(a1, (n - a1.size, 0)), np.pad(a2, (n - a2.size, 0))


@implements(np.polymul)
def polymul(a1, a2):
    """np.polymul on Tensors: the product of two polynomials, vectors of coefficients with the highest power first.

    The coefficients are convolved: products of coefficients add up where their powers do.
    """
    return np.convolve(without_leading_zeros(a1), without_leading_zeros(a2))


def without_leading_zeros(p):
    """The coefficients `p` (highest power first) without the zeros in front; [0] for the polynomial 0."""
    original = np.atleast_1d(as_array(p))
    p = np.trim_zeros(original, "f")
    return p if p.size else np.zeros(1, p.dtype) if original.size == 0 else original[-1:]


@implements(np.polyder)
def polyder(p, m=1):
    """np.polyder on Tensors: the coefficients of the m-th derivative, highest power first, of the polynomial `p`.

    `p` is a vector. Raises TypeError if `p` is a number, and ValueError for m < 0.
    """
    p = as_array(p)
    if p.ndim == 0:
        raise TypeError("np.polyder takes a vector of coefficients, got a number")
    if m < 0:
        raise ValueError(f"np.polyder takes an order m of 0 or more, got {m}")
    for _ in range(m):
        p = p[:-1] * backend.beside(np.arange(p.size - 1, 0, -1), p)
    return p


@implements(np.poly)
def poly(seq_of_zeros):
    """np.poly on Tensors: the coefficients of (x − z₁)(x − z₂) …, highest power first, for a vector of zeros z.

    Raises TypeError unless z is a vector. NumPy takes the eigenvalues of a matrix, which may be complex.
    """
    zeros = as_array(seq_of_zeros)
    if zeros.ndim != 1:
        raise TypeError("np.poly of a Tensor takes a vector of zeros; a matrix has eigenvalues that may be complex")
    one = backend.library(zeros).ones(1, dtype=zeros.dtype)
    return functools.reduce(np.convolve, (np.stack([one[0], -z]) for z in zeros), one)


@implements(np.polyint)
def polyint(p, m=1, k=None):
    """np.polyint on Tensors: the coefficients of the m-th antiderivative, highest power first, of the polynomial `p`.

    k: the constants of integration, one number or m, in the order of the integrations; by default 0.
    """
    p, constants = as_array(p), np.zeros(m) if k is None else np.broadcast_to(as_array(k), (m,))
    for constant in constants:
        powers = np.arange(p.size, 0, -1)
        p = np.append(p / backend.beside(powers, p), constant)
    return p


@implements(np.polyfit)
def polyfit(x, y, deg, rcond=None, w=None):
    """np.polyfit on Tensors: the coefficients, highest power first, of the polynomial p with least Σ w² (y − p(x))².

    x: (n,); y: (n,) or (n, k) → (deg + 1,) or (deg + 1, k); deg: the degree of p; w: (n,), by default 1;
    rcond: as in `np.linalg.lstsq`, by default n ε with the rounding error ε.
    """
    x, y = as_array(x), as_array(y)
    x = x.astype(np.result_type(x.dtype, 0.0))
    w = np.ones_like(plain(x)) if w is None else as_array(w)
    powers = np.vander(x, deg + 1) * w[:, None]
    size = np.sqrt(np.sum(powers**2, axis=0))  # of each column; equal sizes lose least to rounding
    rcond = x.size * np.finfo(x.dtype).eps if rcond is None else rcond
    found = np.linalg.lstsq(powers / size, y * (w if y.ndim == 1 else w[:, None]), rcond)[0]
    return found / (size if y.ndim == 1 else size[:, None])


@implements(np.vander)
def vander(x, N=None, increasing=False):
    """np.vander on Tensors: the powers of each x, the highest first unless `increasing`.  (n,) → (n, N)

    Raises ValueError if x is no vector.
    """
    x = as_array(x)
    if x.ndim != 1:
        raise ValueError(f"np.vander takes a vector, got shape {x.shape}")
    powers = np.arange(x.size if N is None else N)
    return x[:, None] ** backend.beside(powers if increasing else powers[::-1], x)
