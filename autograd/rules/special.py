"""Derivatives of the functions of `scipy.special` that probability uses.

SciPy's element-wise functions are NumPy ufuncs, so `scipy.special.expit(t)` reaches a Tensor as `np.exp(t)` does. On
the device these functions have other implementations, which NumPy's protocols do not find. Code that must run on both
takes them from here: `autograd.special.expit`. Those marked "host" are not in CuPy, and raise NotImplementedError on
the device. Here are also the functions that SciPy has as plain Python: `polygamma`, `multigammaln`, `logsumexp`,
`softmax`, `log_softmax` and `softplus`.

A gradient is NaN outside of a function's domain, whether the value there is NaN or ±∞. Where 0 ln 0 is taken to be 0,
it is taken to be flat: its first derivatives are 0, and higher ones that depend on the way there are NaN.
"""

import functools
import math
from typing import Any

import numpy as np
import scipy.special

from autograd import backend
from autograd.rules.elementwise import LN2, LN10, NUMBER, exp_of_difference, ratio
from autograd.table import implements, refuse, rule, zero_derivative
from autograd.tensor import Tensor, apply, primitive

LN_PI, ROOT_TWO, ROOT_PI, ROOT_TWO_PI = math.log(math.pi), math.sqrt(2), math.sqrt(math.pi), math.sqrt(2 * math.pi)


def special(name: str, *vjps: Any, finite: bool = False) -> Any:
    """SciPy's ufunc `name` as a function of Tensors, and of arrays on host or device. Enters its rules into the table.

    vjps: for each argument one (g, y, *args) → ∂L/∂argument, where g = ∂L/∂y and y is the value; None for no
        derivative.
    finite: whether the gradient is NaN where the value is ±∞, as it always is where the value is NaN.
    """
    ufunc, on_arrays = getattr(scipy.special, name), of_one_dtype(backend.special(name))
    rule(ufunc, *(vjp and within_the_domain(vjp, finite) for vjp in vjps), compute=on_arrays)

    def operation(*args):
        return apply(ufunc, args) if any(isinstance(a, Tensor) for a in args) else on_arrays(*args)

    operation.__name__ = operation.__qualname__ = name
    known = ", ".join(str(k) for k, vjp in enumerate(vjps) if vjp)
    about = f"SciPy's {name}, on arrays and Tensors. Arguments go by position; no `out`."
    about += f"\n\nDerivatives are known by these arguments, counted from 0: {known}. Raises TypeError if another"
    about += " needs a gradient,\nand NotImplementedError for arrays on the device if CuPy lacks the function."
    operation.__doc__ = f"{about}\n\nThe text of SciPy, about its own function:\n\n{ufunc.__doc__}"
    return operation


def of_one_dtype(function):
    """`function` of arrays, with Python numbers cast to the dtype of its arrays if they share one, of floating point.

    SciPy itself may choose float64.
    """

    def on_arrays(*args):
        dtypes = {a.dtype for a in args if hasattr(a, "dtype")}
        if len(dtypes) == 1 and any(isinstance(a, int | float) for a in args):
            (dtype,) = dtypes
            return function(*(dtype.type(a) if dtype.kind == "f" and isinstance(a, int | float) else a for a in args))
        return function(*args)

    return on_arrays


def within_the_domain(vjp, finite):
    """The rule `vjp`, (g, y, *args) → gradient, with a gradient of NaN where the value y is NaN or, if `finite`, ±∞.

    The derivatives of that gradient are NaN too, since it is g that becomes NaN. Numbers among the args become arrays.
    """

    @functools.wraps(vjp)
    def gradient(g, y, *args):
        arrays = [np.full_like(backend.array_in(y), a, shape=()) if isinstance(a, NUMBER) else a for a in args]
        g = np.where(np.isfinite(y), g, np.nan) if finite else np.where(np.isnan(y), np.nan, g)
        return vjp(g, y, *arrays)

    return gradient


def array(x):
    """`x` unchanged if it is an array or a Tensor; numbers and lists as an array."""
    return x if isinstance(x, Tensor) else backend.asarray(x)


# -- 0 ln 0 = 0: the place where a = 0 and ln b = −∞


def corner(a, b, edge=0):
    """True where a = 0 and b = edge, where the logarithm is −∞. There a ln b and its first derivatives are taken as 0.

    edge: 0 for ln b, −1 for ln(1 + b).
    """
    return (a == 0) & (b == edge)


def at_or_beyond(a, b, edge):
    """True where b < edge, outside the domain of a ln b, and at the `corner`, a = 0 and b = edge.

    edge: 0 for ln b, −1 for ln(1 + b).
    """
    return corner(a, b, edge) | (b < edge)


@primitive(
    lambda g, y, a, b, edge: np.where(at_or_beyond(a, b, edge), np.nan, 0 * g),
    lambda g, y, a, b, edge: np.where(at_or_beyond(a, b, edge), np.nan, g),
    None,
    broadcasts=True,
)
def inside(a, b, edge):
    """b, but where (a, b) is a `corner` the number whose logarithm is 0, and NaN below the edge. NaN derivatives there.

    edge: 0 for ln b, −1 for ln(1 + b).
    """
    return np.where(corner(a, b, edge), edge + 1, np.where(b < edge, np.nan, b))


def share_slope(g, y, a, b):
    """∂L/∂b for y = share(a, b), where g = ∂L/∂y:  −g (a / b) / b, and 0 where both are 0."""
    return -g * share(y, b)


@primitive(lambda g, y, a, b: g / np.where(b > 0, b, np.nan), share_slope, broadcasts=True)
def share(a, b):
    """a / b, and 0 where both are 0: the derivative of a ln b by b, which for a = 0 is 0 for all b.

    Its derivative by a is NaN where b ≤ 0.
    """
    return a / np.where(corner(a, b), 1, b)


@primitive(
    lambda g, y, a, b: g / np.where(corner(a, b), np.nan, a),
    lambda g, y, a, b: -g / np.where(corner(a, b), np.nan, b),
    broadcasts=True,
)
def log_share(a, b):
    """ln a/b, and −1 where both are 0, so that the derivative of a ln a/b by `a`, ln a/b + 1, is 0 there."""
    at = corner(a, b)
    return np.where(at, -1, np.log(np.where(at, 1, a) / np.where(at, 1, b)))


# -- derivatives that take more than a line


def rgamma_slope(y, x):
    """The derivative of y = 1/Γ(x):  −y ψ(x). For x ≤ 0 it is taken of y = Γ(1 − x) sin(πx) / π, which has no poles."""
    left, right = np.where(x > 0, 0, x), np.where(x > 0, x, 1)
    reflected = gamma(1 - left) * (np.cos(np.pi * left) - digamma(1 - left) * np.sin(np.pi * left) / np.pi)
    return np.where(x > 0, -y * digamma(right), reflected)


def log_ndtr_slope(x):
    """The derivative φ(x) / Φ(x) of ln Φ(x); for x ≤ 0 as √(2/π) / erfcx(−x/√2), in which e^(−x²/2) has cancelled."""
    left, right = np.where(x > 0, 0, x), np.where(x > 0, x, 0)
    return np.where(x > 0, normal_density(right) / ndtr(right), 2 / ROOT_TWO_PI / erfcx(-left / ROOT_TWO))


def erfcx_slope(y, x):
    """The derivative of y = erfcx(x):  2xy − 2/√π, for large x as the series −(1 − 3/(2x²) + 15/(4x⁴) − …) / (√π x²).

    For large x the two terms cancel.
    """
    large = x > 30
    t = 1 / np.square(np.where(large, x, 30))
    series = polynomial(t, (1, -1.5, 3.75, -13.125, 59.0625))
    return np.where(large, -t * series / ROOT_PI, 2 * np.where(large, 0, x) * y - 2 / ROOT_PI)


def polynomial(t, coefficients):
    """c₀ + c₁ t + c₂ t² + … for the sequence `coefficients` (c₀, c₁, …)."""
    return functools.reduce(lambda total, c: total * t + c, reversed(coefficients))


I1_OVER_X = [0.5 / (math.factorial(k) * math.factorial(k + 1)) for k in range(10)]


def over_x(bessel, scale, x):
    """scale · I₁(x) / x, near 0 as scale · ½ Σ (x²/4)ᵏ / (k! (k+1)!), whose derivatives are right there.

    bessel, scale: the function i1 with 1, or i1e with the array e^−|x|.
    """
    near = np.abs(x) < 1
    small, large = np.where(near, x, 0), np.where(near, 1, x)
    return np.where(near, scale * polynomial(small * small / 4, I1_OVER_X), bessel(large) / large)


@primitive(lambda g, y, x: np.where(x == 0, np.nan, 0 * g))
def side(x):
    """The derivative of |x|: the sign of x, 0 at 0. The sign jumps at 0: its own derivative is NaN there, else 0."""
    return np.sign(x)


def pseudo_huber_slope(delta, r):
    """The derivative by δ = delta of δ h − δ², where h = √(δ² + r²) for a residual r:  (h − δ)² / h.

    h − δ is computed as r² / (h + δ), which does not cancel.
    """
    h = np.hypot(delta, r)
    excess = r * ratio(r, h + delta)
    return excess * ratio(excess, h)


# -- densities: the derivatives of distribution functions


def gamma_density(a, x):
    """The density of the gamma distribution of shape a, scale 1 at x:  xᵃ⁻¹ e⁻ˣ / Γ(a)."""
    return np.exp(xlogy(a - 1, x) - x - gammaln(a))


def beta_density(a, b, x):
    """The density of the beta distribution at x:  xᵃ⁻¹ (1 − x)ᵇ⁻¹ / B(a, b)."""
    return np.exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))


def f_density(m, n, x):
    """The density of the F distribution with m and n degrees of freedom at x.

    x^(m/2 − 1) m^(m/2) n^(n/2) / (n + mx)^((m + n)/2) / B(m/2, n/2).
    """
    powers = xlogy(m / 2 - 1, x) + xlogy(m / 2, m) + xlogy(n / 2, n) - (m + n) / 2 * np.log(n + m * x)
    return np.exp(powers - betaln(m / 2, n / 2))


def t_density(n, x):
    """The density of Student's t with n degrees of freedom at x:  (1 + x²/n)^(−(n + 1)/2) / (√n B(n/2, ½))."""
    return np.exp(-(n + 1) / 2 * np.log1p(x * x / n) - betaln(n / 2, 0.5)) / np.sqrt(n)


def normal_density(x):
    """The density of N(0, 1) at x:  e^(−x²/2) / √2π."""
    return np.exp(-x * x / 2) / ROOT_TWO_PI


def trigamma(x):
    """ψ′(x), the second derivative of ln Γ(x)."""
    return polygamma(1, x)


expit: Any
i1: Any
i1e: Any
# fmt: off
expit =     special("expit",     lambda g, y, x: g * y * expit(-x))                    # σ(x) = 1 / (1 + e⁻ˣ)
log_expit = special("log_expit", lambda g, y, x: g * expit(-x))                        # ln σ(x)
logit =     special("logit",     lambda g, y, x: g / (x * (1 - x)))                    # ln x/(1−x)
exp2 =      special("exp2",      lambda g, y, x: g * y * LN2)
exp10 =     special("exp10",     lambda g, y, x: g * y * LN10)
expm1 =     special("expm1",     lambda g, y, x: g * np.exp(x))
log1p =     special("log1p",     lambda g, y, x: g / (1 + x))
cosm1 =     special("cosm1",     lambda g, y, x: -g * np.sin(x))
cbrt =      special("cbrt",      lambda g, y, x: g / (3 * y * y))

# the normal distribution
erf =       special("erf",       lambda g, y, x: g * 2 / ROOT_PI * np.exp(-x * x))
erfc =      special("erfc",      lambda g, y, x: -g * 2 / ROOT_PI * np.exp(-x * x))
erfcx =     special("erfcx",     lambda g, y, x: g * erfcx_slope(y, x))                # e^(x²) erfc(x)
erfi =      special("erfi",      lambda g, y, x: g * 2 / ROOT_PI * np.exp(x * x))      # −i erf(ix); host
erfinv =    special("erfinv",    lambda g, y, x: g * ROOT_PI / 2 * np.exp(y * y))
erfcinv =   special("erfcinv",   lambda g, y, x: -g * ROOT_PI / 2 * np.exp(y * y))
ndtr =      special("ndtr",      lambda g, y, x: g * normal_density(x))                # Φ(x)
log_ndtr =  special("log_ndtr",  lambda g, y, x: g * log_ndtr_slope(x))              # ln Φ(x)
ndtri =     special("ndtri",     lambda g, y, p: g * ROOT_TWO_PI * np.exp(y * y / 2))  # Φ⁻¹(p)
ndtri_exp = special("ndtri_exp", lambda g, y, x: g * (ROOT_TWO_PI / 2) * erfcx(-y / ROOT_TWO))   # Φ⁻¹(eˣ); host
owens_t =   special("owens_t",   lambda g, y, h, a: -g * normal_density(h) * erf(a * h / ROOT_TWO) / 2,  # host
                                 lambda g, y, h, a: g * np.exp(-h * h * (1 + a * a) / 2) / (2 * np.pi * (1 + a * a)))

# the gamma function; ψ = (ln Γ)′
digamma =   special("digamma",   lambda g, y, x: g * trigamma(x))                      # ψ(x)
gammaln =   special("gammaln",   lambda g, y, x: g * digamma(x))                       # ln |Γ(x)|
gamma =     special("gamma",     lambda g, y, x: g * y * digamma(x))                   # Γ(x)
rgamma =    special("rgamma",    lambda g, y, x: g * rgamma_slope(y, x))               # 1 / Γ(x)
beta =      special("beta",      lambda g, y, a, b: g * y * (digamma(a) - digamma(a + b)),       # Γ(a) Γ(b) / Γ(a + b)
                                 lambda g, y, a, b: g * y * (digamma(b) - digamma(a + b)))
betaln =    special("betaln",    lambda g, y, a, b: g * (digamma(a) - digamma(a + b)),           # ln |B(a, b)|
                                 lambda g, y, a, b: g * (digamma(b) - digamma(a + b)))
poch =      special("poch",      lambda g, y, x, m: g * y * (digamma(x + m) - digamma(x)),       # Γ(x + m) / Γ(x)
                                 lambda g, y, x, m: g * y * digamma(x + m))
psi = digamma

# information; 0 ln 0 = 0
xlogy =     special("xlogy",     lambda g, y, a, b: g * np.log(inside(a, b, 0)),       # a ln b
                                 lambda g, y, a, b: g * share(a, b))
xlog1py =   special("xlog1py",   lambda g, y, a, b: g * np.log1p(inside(a, b, -1)),    # a ln(1 + b)
                                 lambda g, y, a, b: g * share(a, 1 + b))
entr =      special("entr",      lambda g, y, x: -g * (np.log(x) + 1), finite=True)    # −x ln x
rel_entr =  special("rel_entr",  lambda g, y, a, b: g * (log_share(a, b) + 1),         # a ln a/b
                                 lambda g, y, a, b: -g * share(a, b), finite=True)
kl_div =    special("kl_div",    lambda g, y, a, b: g * log_share(a, b),               # a ln a/b − a + b
                                 lambda g, y, a, b: g * (1 - share(a, b)), finite=True)

# ½r² for |r| ≤ δ, beyond δ (|r| − ½δ); and δ √(δ² + r²) − δ²
huber =     special("huber",     lambda g, y, delta, r: g * np.maximum(np.abs(r) - delta, 0),
                                 lambda g, y, delta, r: g * np.maximum(-delta, np.minimum(delta, r)), finite=True)
pseudo_huber = special("pseudo_huber", lambda g, y, delta, r: g * pseudo_huber_slope(delta, r),
                                       lambda g, y, delta, r: g * r * ratio(delta, np.hypot(delta, r)), finite=True)

# Bessel functions, of the von Mises distribution; i0e = e^−|x| I₀, i1e = e^−|x| I₁
i0 =        special("i0",        lambda g, y, x: g * i1(x))
i1 =        special("i1",        lambda g, y, x: g * (i0(x) - over_x(i1, 1, x)))
i0e =       special("i0e",       lambda g, y, x: g * (i1e(x) - side(x) * y))
i1e =       special("i1e",       lambda g, y, x: g * (i0e(x) - over_x(i1e, np.exp(-np.abs(x)), x) - side(x) * y))

# distribution functions and their inverses; with respect to a parameter of the distribution no derivative is known
gammainc =     special("gammainc",     None, lambda g, y, a, x: g * gamma_density(a, x))
gammaincc =    special("gammaincc",    None, lambda g, y, a, x: -g * gamma_density(a, x))
gammaincinv =  special("gammaincinv",  None, lambda g, y, a, p: g / gamma_density(a, y))
gammainccinv = special("gammainccinv", None, lambda g, y, a, p: -g / gamma_density(a, y))
betainc =      special("betainc",      None, None, lambda g, y, a, b, x: g * beta_density(a, b, x))
betaincc =     special("betaincc",     None, None, lambda g, y, a, b, x: -g * beta_density(a, b, x))   # host
betaincinv =   special("betaincinv",   None, None, lambda g, y, a, b, p: g / beta_density(a, b, y))
betainccinv =  special("betainccinv",  None, None, lambda g, y, a, b, p: -g / beta_density(a, b, y))   # host
chdtr =        special("chdtr",        None, lambda g, y, n, x: g * gamma_density(n / 2, x / 2) / 2)
chdtrc =       special("chdtrc",       None, lambda g, y, n, x: -g * gamma_density(n / 2, x / 2) / 2)
chdtri =       special("chdtri",       None, lambda g, y, n, p: -g * 2 / gamma_density(n / 2, y / 2))
fdtr =         special("fdtr",         None, None, lambda g, y, m, n, x: g * f_density(m, n, x))
fdtrc =        special("fdtrc",        None, None, lambda g, y, m, n, x: -g * f_density(m, n, x))
fdtri =        special("fdtri",        None, None, lambda g, y, m, n, p: g / f_density(m, n, y))
stdtr =        special("stdtr",        None, lambda g, y, n, x: g * t_density(n, x))                   # host
stdtrit =      special("stdtrit",      None, lambda g, y, n, p: g / t_density(n, y))                   # host
gdtr =         special("gdtr",         lambda g, y, a, b, x: g * x * gamma_density(b, a * x), None,
                                       lambda g, y, a, b, x: g * a * gamma_density(b, a * x))
gdtrc =        special("gdtrc",        lambda g, y, a, b, x: -g * x * gamma_density(b, a * x), None,
                                       lambda g, y, a, b, x: -g * a * gamma_density(b, a * x))
pdtr =         special("pdtr",         None, lambda g, y, k, m: -g * gamma_density(np.floor(k) + 1, m))
pdtrc =        special("pdtrc",        None, lambda g, y, k, m: g * gamma_density(np.floor(k) + 1, m))
pdtri =        special("pdtri",        None, lambda g, y, k, p: -g / gamma_density(np.floor(k) + 1, y))
nbdtr =        special("nbdtr",        None, None, lambda g, y, k, n, p: g * beta_density(n, np.floor(k) + 1, p))
nbdtrc =       special("nbdtrc",       None, None, lambda g, y, k, n, p: -g * beta_density(n, np.floor(k) + 1, p))
nbdtri =       special("nbdtri",       None, None, lambda g, y, k, n, q: g / beta_density(n, np.floor(k) + 1, y))
boxcox =       special("boxcox",       lambda g, y, x, power: g * x ** (power - 1), None)              # (xᵖ − 1) / p
boxcox1p =     special("boxcox1p",     lambda g, y, x, power: g * (1 + x) ** (power - 1), None)
inv_boxcox =   special("inv_boxcox",   lambda g, y, x, power: g * y ** (1 - power), None)              # (1 + px)^(1/p)
inv_boxcox1p = special("inv_boxcox1p", lambda g, y, x, power: g * (1 + y) ** (1 - power), None)
# fmt: on


implements(np.i0, lambda x: i0(x if x.dtype.kind == "f" else x.astype(float)))


def polygamma_slope(g, y, n, x):
    """∂L/∂x for y = polygamma(n, x), where g = ∂L/∂y:  g polygamma(n + 1, x)."""
    return g * polygamma(np.add(n, 1), x)


@primitive(None, polygamma_slope, broadcasts=True)
def polygamma(n: Any, x: Any) -> Any:
    """ψ⁽ⁿ⁾(x) = dⁿ⁺¹ ln Γ(x) / dxⁿ⁺¹, of arrays or Tensors of shapes that broadcast. The derivative is by x alone.

    n: whole numbers from 0; x: real numbers.
    """
    x = backend.asarray(x)
    x = x if x.dtype.kind == "f" else x.astype(float)
    n = np.full_like(x, n) if isinstance(n, NUMBER) else backend.asarray(n)  # CuPy takes no number for n
    return backend.special("polygamma")(n, x).astype(x.dtype)


@primitive(lambda g, y, x: np.where(x < 0, np.nan, g))
def not_negative(x):
    """x, and NaN where x is negative, with a derivative of NaN there."""
    return np.where(x < 0, np.nan, x)


@implements(scipy.special.loggamma)
def loggamma(x):
    """ln Γ(x) for x ≥ 0, and NaN elsewhere: there Γ(x) may be negative."""
    return gammaln(not_negative(array(x)))


@implements(scipy.special.multigammaln)
def multigammaln(a, d):
    """ln Γ_d(a) = ¼ d (d − 1) ln π + Σ_{j<d} ln Γ(a − j/2), and NaN for a < ½ (d − 1).  → a.shape

    a: real numbers; d: the dimension. Raises ValueError unless d is a positive integer.
    """
    if d != int(d) or d < 1:
        raise ValueError(f"the dimension d is a positive integer, got {d}")
    return d * (d - 1) / 4 * LN_PI + sum(loggamma(array(a) - j / 2) for j in range(int(d)))


@implements(scipy.special.nrdtrimn)
def nrdtrimn(p, std, x):
    """The mean of the normal distribution with p = P(X ≤ x):  x − std Φ⁻¹(p), where std is its standard deviation."""
    return array(x) - array(std) * ndtri(p)


@implements(scipy.special.nrdtrisd)
def nrdtrisd(mn, p, x):
    """The standard deviation of the normal distribution with p = P(X ≤ x):  (x − mn) / Φ⁻¹(p), where mn is its mean."""
    return (array(x) - array(mn)) / ndtri(p)


def softplus(x):
    """ln(1 + eˣ) of each element of x, an array or a Tensor, without overflow."""
    return np.logaddexp(0, x)


# -- sums of exponentials along an axis


def known_share(x, y):
    """eˣ⁻ʸ for x ≤ y, the share of eˣ in eʸ. NaN where it is unknown: y is NaN, or eʸ is 0 and eˣ is not."""
    if backend.on_host(y) and np.all(np.isfinite(y)):  # reading a value would wait for the device
        return np.exp(x - y)
    return np.where(np.isnan(y) | ((y == -np.inf) & (x > -np.inf)), np.nan, exp_of_difference(x, y))


@primitive(
    lambda g, y, x, b, total: g * y,
    lambda g, y, x, b, total: g * known_share(x, total),
    lambda g, y, x, b, total: -g * y,
    broadcasts=True,
)
def weighted_share(x, b, total):
    """b eˣ / eᵗ of each element of x, with t = total; 0 where b is 0, however large x may be."""
    return np.where(b == 0, 0, b * known_share(np.where(b == 0, -np.inf, x), total))


def kept(y, axis, keepdims):
    """`y`, reduced over `axis`, with these axes of length 1, so that it broadcasts with the array that was reduced.

    axis: None for a scalar y, which is returned as it is. keepdims: whether y has the axes already.
    """
    return y if keepdims or axis is None else np.expand_dims(y, axis)


def log_of_sum(terms, x, axis, keepdims):
    """ln Σ terms(eˣ) along `axis` of x, without overflow: eˣ is divided by its largest, whose logarithm is added again.

    terms: a linear function of an array, such as e ↦ b e; axis: one or several, None for all; keepdims: keep them, with
    length 1.
    """
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        y = np.log(np.sum(terms(np.exp(x - top)), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)


@primitive(lambda g, y, x, axis=None, keepdims=False: kept(g, axis, keepdims) * known_share(x, kept(y, axis, keepdims)))
def log_sum(x, axis=None, keepdims=False):
    """ln Σ eˣ along `axis` of x, one or several, by default all.  keepdims: keep the axes, with length 1."""
    return log_of_sum(lambda e: e, x, axis, keepdims)


@primitive(
    lambda g, y, x, b, axis=None, keepdims=False: (
        kept(g, axis, keepdims) * weighted_share(x, b, kept(y, axis, keepdims))
    ),
    lambda g, y, x, b, axis=None, keepdims=False: kept(g, axis, keepdims) * known_share(x, kept(y, axis, keepdims)),
)
def weighted_log_sum(x, b, axis=None, keepdims=False):
    """ln Σ b eˣ along `axis`, one or several, by default all; NaN where the sum is negative.

    b: weights of the shape of x; where b is 0 an element does not count, not even ∞. keepdims: keep the axes, with
    length 1.
    """
    return log_of_sum(lambda e: b * e, np.where(b == 0, -np.inf, x), axis, keepdims)


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """ln Σ b eᵃ along `axis`, without overflow; −∞ of nothing but −∞, and NaN where the sum is negative.

    a: logarithms, an array or a Tensor; axis: one or several, by default all; b: weights, by default 1, of a shape that
    broadcasts with a's; keepdims: keep the axes, with length 1. Raises TypeError if return_sign: the sign of the sum is
    not computed here.
    """
    if return_sign:
        raise TypeError(
            "logsumexp does not take return_sign here: the sum must be positive, and its sign is not returned"
        )
    if b is None:
        return log_sum(array(a), axis=axis, keepdims=keepdims)
    a, b = array(a), array(b)
    shape = np.broadcast_shapes(a.shape, b.shape)
    a, b = (x if x.shape == shape else np.broadcast_to(x, shape) for x in (a, b))
    return weighted_log_sum(a, b, axis=axis, keepdims=keepdims)


@primitive(lambda g, y, x, axis=-1: y * (g - np.sum(g * y, axis=axis, keepdims=True)))
def softmax(x, axis=-1):
    """eˣ / Σ eˣ along `axis` of x, an array or a Tensor. By default along the last axis, where SciPy sums over all."""
    return np.exp(x - logsumexp(x, axis=axis, keepdims=True))


@primitive(lambda g, y, x, axis=-1: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True))
def log_softmax(x, axis=-1):
    """The logarithm x − ln Σ eˣ of softmax along `axis` of x, an array or a Tensor. By default along the last axis."""
    return x - logsumexp(x, axis=axis, keepdims=True)


# -- functions that take no Tensor


def named(names):
    """The functions of `scipy.special` with these names, separated by spaces, that this version of SciPy has."""
    return [getattr(scipy.special, name) for name in names.split() if hasattr(scipy.special, name)]


zero_derivative(scipy.special.gammasgn, scipy.special.round)

implements(scipy.special.polygamma, polygamma)

refuse(
    "it solves for a parameter of a distribution, and no derivative with respect to one is known here",
    *named("bdtrik bdtrin btdtria btdtrib fdtridfd gdtrib nbdtrik nbdtrin pdtrik stdtridf chdtriv"),
)
refuse("write betainc(n - floor(k), floor(k) + 1, 1 - p), or betaincinv for its inverse", *named("bdtr bdtrc bdtri"))
refuse("write gammaincinv(b, p) / x, where x is the other argument", *named("gdtria gdtrix"))
refuse("SciPy has replaced it: use betainc or betaincinv", *named("btdtr btdtri"))
refuse(
    "no derivative of a noncentral distribution is known here; add one with autograd.rule",
    *named("ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtrit nctdtridf nctdtrinc"),
    *named("chndtr chndtrix chndtridf chndtrinc"),
)
refuse(
    "no derivative of this distribution function is known here; add one with autograd.rule",
    *named("smirnov smirnovi kolmogorov kolmogi tklmbda"),
)
refuse(
    "it is not a function of probability; add its derivative with autograd.rule",
    *named("wofz dawsn fresnel modfresnelp modfresnelm voigt_profile"),
)
refuse(
    "its argument is a number of zeros, which is whole",
    *named("fresnel_zeros erf_zeros fresnelc_zeros fresnels_zeros"),
)
