"""Functions of `scipy.special`: every one of probability has a rule or a reason, values are SciPy's, and the edges of
domains have the right numbers, to second order.
"""

import math
import re

import numpy as np
import pytest
import scipy.special as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from autograd import Tensor, backend, check_grads, grad
from autograd.rules import special
from autograd.table import COMPOSITES, REFUSED, RULES, ZERO_DERIVATIVE
from tests.autograd.cases import ELEMENTWISE
from tests.autograd.test_rules import draw_arguments
from tests.strategies import distinct_values, generators

# -- every function of probability is decided upon

SECTIONS = (
    "Raw statistical functions",
    "Information Theory functions",
    "Gamma and related functions",
    "Error function and Fresnel integrals",
)
TABLES = (RULES, COMPOSITES, ZERO_DERIVATIVE, REFUSED)


def names_in(section):
    """The functions that SciPy's own documentation lists in this section."""
    (text,) = re.findall(rf"\n{section}\n-+\n(.*?)\n[^\n]+\n-----", sp.__doc__, re.DOTALL)
    return re.findall(r"^   (\w+) +--", text, re.MULTILINE)


def undecided():
    """Those in no table: nobody said what they are to a Tensor."""
    names = [name for section in SECTIONS for name in names_in(section)]
    return {name for name in names if not any(getattr(sp, name) in table for table in TABLES)}


def test_every_function_of_probability_has_a_rule_or_a_reason():
    counts = [len(names_in(section)) for section in SECTIONS]
    assert min(counts) >= 5
    assert sum(counts) > 90
    assert undecided() == set()


@pytest.mark.parametrize(
    ("table", "name"),
    [(RULES, "gammaln"), (COMPOSITES, "loggamma"), (ZERO_DERIVATIVE, "gammasgn"), (REFUSED, "wofz")],
)
def test_a_function_that_is_taken_out_of_its_table_is_missed(table, name, monkeypatch):
    function = getattr(sp, name)
    if isinstance(table, dict):
        monkeypatch.delitem(table, function)
        assert undecided() == {name}
        return
    table.discard(function)
    try:
        assert undecided() == {name}
    finally:
        table.add(function)


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("chdtriv", 2, "with respect to one is known here"),
        ("ncfdtr", 4, "noncentral"),
        ("voigt_profile", 3, "not a function of probability"),
        ("bdtr", 3, r"write betainc\(n - floor\(k\), floor\(k\) \+ 1, 1 - p\)"),
        ("gdtrix", 3, r"write gammaincinv\(b, p\) / x"),
        ("tklmbda", 2, "this distribution function"),
    ],
)
def test_a_refused_function_says_why(name, arguments, reason):
    x = Tensor(0.5, requires_grad=True)
    with pytest.raises(TypeError, match=f"^{name} does not take a Tensor: .*{reason}"):
        getattr(sp, name)(*[x] * arguments)


def test_what_the_refusals_say_to_write_instead_is_the_same():
    k, n, p, a, b = 2, 5, 0.3, 1.7, 2.3
    assert sp.betainc(n - k, k + 1, 1 - p) == pytest.approx(sp.bdtr(k, n, p), rel=1e-14)
    assert sp.gammaincinv(b, p) / a == pytest.approx(sp.gdtrix(a, b, p), rel=1e-12)
    assert sp.gammaincinv(b, p) / a == pytest.approx(sp.gdtria(p, b, a), rel=1e-12)


def test_a_parameter_without_a_known_derivative_is_an_error():
    a, x = Tensor(1.5, requires_grad=True), Tensor(0.5, requires_grad=True)
    for function in (sp.gammainc, special.gammaincc, sp.chdtr, sp.stdtr):
        with pytest.raises(TypeError, match=r"has no derivative with respect to argument 0 \(from 0\)"):
            function(a, x)
        assert function(a.detach(), x).requires_grad


# -- values and arguments

OF_SCIPY = [function for function in ELEMENTWISE if getattr(sp, function.__name__, None) is function]


@pytest.mark.parametrize("function", OF_SCIPY, ids=lambda f: f.__name__)
@given(data=st.data())
def test_values_are_scipys(function, data):
    """Of Tensors and, by our own name for it, of arrays, lists and numbers too."""
    arguments = draw_arguments(data, function)
    expected = function(*arguments)
    ours = getattr(special, function.__name__)
    found = [function(*map(Tensor, arguments)).data, ours(*arguments)]
    if min(a.size for a in arguments):  # a list of no rows has no columns
        found.append(ours(*[a.tolist() for a in arguments]))
    for y in found:
        np.testing.assert_allclose(y, expected, rtol=1e-14, atol=1e-15)


def test_functions_of_several_arguments_take_lists_and_numbers_beside_a_tensor():
    b = Tensor([0.5, 2.0], requires_grad=True)
    for function, a in ((sp.xlogy, [3, 0]), (sp.rel_entr, [3, 0]), (special.xlogy, [3, 0]), (special.huber, 1)):
        y = function(a, b)
        np.testing.assert_array_equal(y.data, getattr(sp, function.__name__)(a, b.data))
        np.testing.assert_array_equal(grad(y.sum(), b).data, grad(function(np.array(a, float), b).sum(), b).data)


NUMBERS = {
    "xlogy": (lambda x: special.xlogy(2, x), lambda x: special.xlogy(x, 2.0)),
    "xlog1py": (lambda x: special.xlog1py(2, x), lambda x: special.xlog1py(x, 2.0)),
    "rel_entr": (lambda x: special.rel_entr(2, x), lambda x: special.rel_entr(x, 2.0)),
    "kl_div": (lambda x: special.kl_div(2, x), lambda x: special.kl_div(x, 2.0)),
    "huber": (lambda x: special.huber(1, x), lambda x: special.huber(x, 1.1)),
    "pseudo_huber": (lambda x: special.pseudo_huber(1, x), lambda x: special.pseudo_huber(x, 1.1)),
    "beta": (lambda x: special.beta(2, x), lambda x: special.betaln(x, 2.0)),
    "poch": (lambda x: special.poch(2, x), lambda x: special.poch(x, 2.0)),
    "softplus": (special.softplus, special.softplus),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_beside_a_tensor_are_constants_of_its_dtype(name, library):
    """Also on the device, where a host array beside a device array would be refused."""
    for function in NUMBERS[name]:
        x = np.array([0.3, 0.7, 1.9])
        check_grads(function, x, order=2)
        t = Tensor(backend.to_device(x.astype(np.float32)), requires_grad=True)
        y = function(t)
        assert y.dtype == grad(y.sum(), t).dtype == np.float32


@pytest.mark.parametrize(
    "call",
    [
        lambda x: special.betaincc(1.5, 2.5, x),
        lambda x: special.betainccinv(1.5, 2.5, x),
        lambda x: special.stdtr(1.5, x),
        lambda x: special.stdtrit(1.5, x),
        special.erfi,
        special.ndtri_exp,
        lambda x: special.owens_t(x, x),
    ],
)
def test_a_function_that_cupy_lacks_says_so(call, library):
    x = Tensor(backend.to_device(np.array([0.25])), requires_grad=True)
    if library == "numpy":
        assert call(x).requires_grad
        return
    with pytest.raises(NotImplementedError, match=r"^CuPy has no \w+: compute it on the host"):
        call(x)


def test_polygamma_takes_numbers_lists_and_keywords(library):
    assert float(special.polygamma(1, 2.0)) == sp.polygamma(1, 2.0)
    assert float(special.polygamma(1, 2)) == sp.polygamma(1, 2)
    x = np.array([0.5, 2.0, 25.5])
    on_device = backend.to_device(x)
    for n in (0, 1, np.int64(2), 3):
        np.testing.assert_array_equal(backend.to_numpy(special.polygamma(n, on_device)), sp.polygamma(n, x))
    t = Tensor(backend.to_device(x.astype(np.float32)), requires_grad=True)
    y = special.polygamma(n=1, x=t)
    assert y.dtype == grad(y.sum(), t).dtype == np.float32
    if library == "numpy":
        np.testing.assert_array_equal(special.polygamma([0, 1], [[0.5], [3.0]]), sp.polygamma([0, 1], [[0.5], [3.0]]))
        np.testing.assert_array_equal(grad(special.polygamma([0, 1, 2], t).sum(), t).data, _next_orders(t.data))


def _next_orders(x):
    return sp.polygamma([1, 2, 3], x).astype(x.dtype)


def test_multigammaln_is_scipys_and_unknown_below_its_domain(library):
    a = np.array([1.6, 2.0, 23.5])
    on_device = backend.to_device(a)
    for d in (1, 2, 4):
        np.testing.assert_allclose(
            backend.to_numpy(special.multigammaln(on_device, d)), sp.multigammaln(a, d), rtol=1e-14
        )
    assert float(special.multigammaln(3, 2)) == pytest.approx(sp.multigammaln(3, 2), rel=1e-14)
    below = Tensor(1.4, requires_grad=True)
    y = special.multigammaln(a=below, d=4)
    assert np.isnan([y.item(), grad(y, below).item()]).all()
    for d in (0, 1.5):
        with pytest.raises(ValueError, match=f"the dimension d is a positive integer, got {d}"):
            special.multigammaln(2.0, d)


# -- numbers at the edges


def derivatives(function, *arguments):
    """The value, the gradient and the Hessian at numbers."""
    inputs = [Tensor(float(a), requires_grad=True) for a in arguments]
    y = function(*inputs)
    first = grad(y, inputs, create_graph=True)
    second = [grad(g, inputs, allow_unused=True) for g in first]
    return (
        y.item(),
        [g.item() for g in first],
        [[0.0 if h is None else h.item() for h in row] for row in second],
    )


nan, inf = np.nan, np.inf
AT_THE_EDGES = {
    # a ln b is 0 for all b where a is 0; what depends on a there is unknown to second order
    "xlogy at 0 0": (sp.xlogy, (0, 0), 0, [0, 0], [[nan, nan], [nan, 0]]),
    "xlogy at 0 2": (sp.xlogy, (0, 2), 0, [np.log(2), 0], [[0, 0.5], [0.5, 0]]),
    "xlogy at 0 -1": (sp.xlogy, (0, -1), 0, [nan, 0], [[nan, nan], [nan, 0]]),
    "xlogy at 2 -1": (sp.xlogy, (2, -1), nan, [nan, nan], [[nan, nan], [nan, nan]]),
    "xlog1py at 0 -1": (sp.xlog1py, (0, -1), 0, [0, 0], [[nan, nan], [nan, 0]]),
    "xlog1py at 0 -2": (sp.xlog1py, (0, -2), 0, [nan, 0], [[nan, nan], [nan, 0]]),
    "rel_entr at 0 0": (sp.rel_entr, (0, 0), 0, [0, 0], [[nan, nan], [nan, 0]]),
    "rel_entr at 0 2": (sp.rel_entr, (0, 2), 0, [-inf, 0], [[inf, -0.5], [-0.5, 0]]),
    "rel_entr at 2 0": (sp.rel_entr, (2, 0), inf, [nan, nan], [[nan, nan], [nan, nan]]),
    "rel_entr at -1 -1": (sp.rel_entr, (-1, -1), inf, [nan, nan], [[nan, nan], [nan, nan]]),
    "kl_div at 0 0": (sp.kl_div, (0, 0), 0, [-1, 1], [[nan, nan], [nan, 0]]),
    "kl_div at 0 2": (sp.kl_div, (0, 2), 2, [-inf, 1], [[inf, -0.5], [-0.5, 0]]),
    "kl_div at -1 -1": (sp.kl_div, (-1, -1), inf, [nan, nan], [[nan, nan], [nan, nan]]),
    "entr at 0": (sp.entr, (0,), 0, [inf], [[-inf]]),
    "entr at -1": (sp.entr, (-1,), -inf, [nan], [[nan]]),
    # at |r| = δ the second derivatives are those of the parabola, all of them
    "huber at 1 1": (sp.huber, (1, 1), 0.5, [0, 1], [[0, 0], [0, 1]]),
    "huber at 1 -1": (sp.huber, (1, -1), 0.5, [0, -1], [[0, 0], [0, 1]]),
    "huber at 1 -3": (sp.huber, (1, -3), 2.5, [2, -1], [[-1, -1], [-1, 0]]),
    "huber at -1 1": (sp.huber, (-1, 1), inf, [nan, nan], [[nan, nan], [nan, nan]]),
    "pseudo_huber at 0 0": (sp.pseudo_huber, (0, 0), 0, [0, 0], [[nan, nan], [nan, nan]]),
    "pseudo_huber at 0 2": (sp.pseudo_huber, (0, 2), 0, [2, 0], [[-2, 1], [1, 0]]),
    "pseudo_huber at 2 0": (sp.pseudo_huber, (2, 0), 0, [0, 0], [[0, 0], [0, 1]]),
    "pseudo_huber at -1 2": (sp.pseudo_huber, (-1, 2), inf, [nan, nan], [[nan, nan], [nan, nan]]),
    "i0 at 0": (sp.i0, (0,), 1, [0], [[0.5]]),
    "i1 at 0": (sp.i1, (0,), 0, [0.5], [[0]]),
    "i0e at 0": (sp.i0e, (0,), 1, [0], [[nan]]),  # a kink
    "i1e at 0": (sp.i1e, (0,), 0, [0.5], [[nan]]),  # its slope has one
    # 1/Γ(x) = (x + n) (−1)ⁿ n! (1 − ψ(n + 1) (x + n) + …) near −n
    "rgamma at 0": (sp.rgamma, (0,), 0, [1], [[2 * np.euler_gamma]]),
    "rgamma at -3": (sp.rgamma, (-3,), 0, [-6], [[12 * (11 / 6 - np.euler_gamma)]]),
    "gamma at -1": (sp.gamma, (-1,), sp.gamma(-1.0), [nan], [[nan]]),
    "loggamma at -0.5": (sp.loggamma, (-0.5,), nan, [nan], [[nan]]),
    "logit at 0": (sp.logit, (0,), -inf, [inf], [[nan]]),
    "logit at 2": (sp.logit, (2,), nan, [nan], [[nan]]),
    "ndtri at 2": (sp.ndtri, (2,), nan, [nan], [[nan]]),
    "erfinv at 2": (sp.erfinv, (2,), nan, [nan], [[nan]]),
    "gammainc at -1 1": (lambda x: sp.gammainc(-1.0, x), (1,), nan, [nan], [[nan]]),
    "gammainc at 1 0": (lambda x: sp.gammainc(1.0, x), (0,), 0, [1], [[-1]]),
    "betainc at 1 2 0": (lambda x: sp.betainc(1.0, 2.0, x), (0,), 0, [2], [[-2]]),
    "boxcox at -1": (lambda x: sp.boxcox(x, 0.5), (-1,), nan, [nan], [[nan]]),
    "log_ndtr at 40": (sp.log_ndtr, (40,), 0, [0], [[0]]),
    "log_ndtr at -1e8": (sp.log_ndtr, (-1e8,), -5e15 - 19.34, [1e8], [[-1]]),
    "ndtri_exp at -inf": (sp.ndtri_exp, (-inf,), -inf, [0], [[0]]),
    "expit at 40": (sp.expit, (40,), 1, [np.exp(-40)], [[-np.exp(-40)]]),
    "erfcx at 1e8": (sp.erfcx, (1e8,), 1e-8 / np.sqrt(np.pi), [-1e-16 / np.sqrt(np.pi)], [[2e-24 / np.sqrt(np.pi)]]),
}


@pytest.mark.parametrize("name", AT_THE_EDGES)
def test_numbers_at_the_edge_of_a_domain(name):
    function, arguments, value, gradient, hessian = AT_THE_EDGES[name]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = derivatives(function, *arguments)
    for a, b in zip(found, (value, gradient, hessian), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=0)


@pytest.mark.parametrize(
    "name", ["xlogy at 0 0", "xlogy at 0 -1", "xlog1py at 0 -1", "rel_entr at 0 0", "kl_div at 0 0"]
)
def test_0_ln_0_warns_of_nothing(name):
    """Warnings are errors here."""
    derivatives(*AT_THE_EDGES[name][:1], *AT_THE_EDGES[name][1])


POINTS = np.array([-20.0, -3.0, -1.0, -0.99, -0.3, -1e-3, -1e-8, 1e-8, 1e-3, 0.3, 0.99, 1.0, 3.0, 20.0])


def second_derivative(function, x):
    x = Tensor(x, requires_grad=True)
    (first,) = grad(function(x).sum(), [x], create_graph=True)
    return first.data, grad(first.sum(), x).data


def test_bessel_functions_have_the_derivatives_of_their_recurrences():
    """I₀″ = (I₀ + I₂)/2 and I₁″ = (3 I₁ + I₃)/4, near 0 as well, where I₀ − I₁/x cancels when it is derived again."""
    first, second = second_derivative(sp.i0, POINTS)
    np.testing.assert_allclose(first, sp.iv(1, POINTS), rtol=1e-13)
    np.testing.assert_allclose(second, (sp.iv(0, POINTS) + sp.iv(2, POINTS)) / 2, rtol=1e-13)
    first, second = second_derivative(sp.i1, POINTS)
    np.testing.assert_allclose(first, (sp.iv(0, POINTS) + sp.iv(2, POINTS)) / 2, rtol=1e-13)
    np.testing.assert_allclose(second, (3 * sp.iv(1, POINTS) + sp.iv(3, POINTS)) / 4, rtol=1e-13)
    np.testing.assert_allclose(np.i0(Tensor(POINTS)).data, np.i0(POINTS), rtol=1e-14)


def test_scaled_bessel_functions_have_the_derivatives_of_the_others_times_an_exponential():
    """(e^−|x| f)′ = e^−|x| (f′ − s f) and (e^−|x| f)″ = e^−|x| (f″ − 2 s f′ + f), where s is the sign of x."""
    s, scale = np.sign(POINTS), np.exp(-np.abs(POINTS))
    for scaled, f in ((sp.i0e, sp.i0), (sp.i1e, sp.i1)):
        first, second = second_derivative(f, POINTS)
        found = second_derivative(scaled, POINTS)
        np.testing.assert_allclose(found[0], scale * (first - s * f(POINTS)), rtol=1e-12, atol=1e-16)
        np.testing.assert_allclose(found[1], scale * (second - 2 * s * first + f(POINTS)), rtol=1e-12, atol=1e-16)


def test_the_far_tails_of_the_normal_distribution_keep_their_digits():
    """(erfcx)′ and (ln Φ)″ are asymptotic series where the terms of their formulas cancel; and where they do not."""
    x = np.array([1e2, 1e4, 1e8])
    first, _ = second_derivative(sp.erfcx, x)
    series = -(1 - 1.5 / x**2 + 3.75 / x**4 - 13.125 / x**6) / (np.sqrt(np.pi) * x**2)
    np.testing.assert_allclose(first, series, rtol=1e-13)
    first, second = second_derivative(sp.log_ndtr, -x)
    np.testing.assert_allclose(first, x + 1 / x - 2 / x**3 + 10 / x**5, rtol=1e-13)
    np.testing.assert_allclose(second, -1 + 1 / x**2 - 6 / x**4 + 50 / x**6, rtol=1e-11)
    x = np.array([-5.0, -1.0, 0.0, 0.5, 5.0])
    r = np.exp(-x * x / 2 - sp.log_ndtr(x)) / np.sqrt(2 * np.pi)
    first, second = second_derivative(sp.log_ndtr, x)
    np.testing.assert_allclose(first, r, rtol=1e-13)
    np.testing.assert_allclose(second, -r * (x + r), rtol=1e-12)
    before, after = (second_derivative(sp.erfcx, np.array(30 * (1 + s * 1e-9))) for s in (-1, 1))
    np.testing.assert_allclose(before, after, rtol=1e-8)  # where the series takes over
    terms = [(-1) ** k * math.prod(range(1, 2 * k + 2, 2)) / (2 * 31**2) ** k for k in range(9)]
    first, _ = second_derivative(sp.erfcx, np.array(31.0))
    np.testing.assert_allclose(first, -sum(terms) / (np.sqrt(np.pi) * 31**2), rtol=1e-12)


def test_densities_are_those_of_scipy_stats():
    """The slopes of distribution functions."""
    x = np.array([0.1, 0.4, 0.8])

    def slope(function):
        t = Tensor(x, requires_grad=True)
        return grad(function(t).sum(), t).data

    for function, density in (
        (lambda t: sp.gammainc(1.7, t), stats.gamma(1.7).pdf(x)),
        (lambda t: -sp.gammaincc(1.7, t), stats.gamma(1.7).pdf(x)),
        (lambda t: sp.betainc(1.7, 2.3, t), stats.beta(1.7, 2.3).pdf(x)),
        (lambda t: -sp.betaincc(1.7, 2.3, t), stats.beta(1.7, 2.3).pdf(x)),
        (lambda t: sp.chdtr(3, t), stats.chi2(3).pdf(x)),
        (lambda t: sp.fdtr(3, 5, t), stats.f(3, 5).pdf(x)),
        (lambda t: sp.stdtr(3, t), stats.t(3).pdf(x)),
        (lambda t: sp.gdtr(2.0, 1.7, t), stats.gamma(1.7, scale=0.5).pdf(x)),
        (sp.ndtr, stats.norm.pdf(x)),
        (lambda t: -sp.pdtr(2, t), stats.poisson(x).pmf(2)),
    ):
        np.testing.assert_allclose(slope(function), density, rtol=1e-12)


# -- sums of exponentials


@given(rng=generators)
def test_logsumexp_is_scipys_with_every_option(rng, library):
    x, b = distinct_values(rng, [(2, 3, 4), (3, 4)])
    t = Tensor(backend.to_device(x))
    for options in ({}, {"axis": 1}, {"axis": (0, -1)}, {"axis": 1, "keepdims": True}, {"keepdims": True}):
        expected = sp.logsumexp(x, **options)
        np.testing.assert_allclose(
            backend.to_numpy(special.logsumexp(a=t, **options)), expected, rtol=1e-13, atol=1e-13
        )
        weights = b + 3
        weighted = special.logsumexp(t, b=Tensor(backend.to_device(weights)), **options)
        np.testing.assert_allclose(
            backend.to_numpy(weighted), sp.logsumexp(x, b=weights, **options), rtol=1e-13, atol=1e-13
        )
    assert float(special.logsumexp([1, 2.0], b=[1, 3])) == pytest.approx(sp.logsumexp([1, 2.0], b=[1, 3]), rel=1e-15)
    assert float(special.logsumexp(2.0)) == 2
    with pytest.raises(TypeError, match="logsumexp does not take return_sign here"):
        special.logsumexp(x, return_sign=True)


def gradients_of_logsumexp(x, b=None):
    x = Tensor(backend.to_device(np.array(x)), requires_grad=True)
    b = None if b is None else Tensor(backend.to_device(np.array(b)), requires_grad=True)
    inputs = [x] if b is None else [x, b]
    y = special.logsumexp(x, b=b)
    return y.item(), *(backend.to_numpy(g).tolist() for g in grad(y, inputs))


def test_logsumexp_of_infinities(library):
    e = np.exp(1)
    assert gradients_of_logsumexp([-inf, -inf]) == (-inf, [0, 0])
    assert gradients_of_logsumexp([inf, 1.0]) == (inf, [1, 0])
    assert gradients_of_logsumexp([inf, 1000.0]) == (inf, [1, 0])
    y, gradient = gradients_of_logsumexp([-inf, 0.0, 1.0])
    np.testing.assert_allclose((y, *gradient), (np.log(1 + e), 0, 1 / (1 + e), e / (1 + e)), rtol=1e-15)
    y, gradient = gradients_of_logsumexp([nan, 1.0])
    assert np.isnan([y, *gradient]).all()


def test_weights_of_logsumexp(library):
    """A weight of 0 leaves a term out, however large it is; the slope by the weight is eˣ⁻ʸ all the same."""
    assert gradients_of_logsumexp([3.0, 0.0], [0.0, 1.0]) == (0, [0, 1], [np.exp(3.0), 1])
    with np.errstate(over="ignore"):  # it is e^1000
        assert gradients_of_logsumexp([1000.0, 0.0], [0.0, 1.0]) == (0, [0, 1], [inf, 1])
    y, by_x, by_b = gradients_of_logsumexp([2.0, 2.0], [1.0, -1.0])
    assert y == -inf
    assert np.isnan([*by_x, *by_b]).all()
    y, by_x, by_b = gradients_of_logsumexp([2.0, 2.0], [1.0, -2.0])
    assert np.isnan([y, *by_x, *by_b]).all()
    x, b = np.array([[0.3, -1.2], [0.4, 2.0]]), np.array([0.0, 2.0])
    check_grads(lambda x, b: special.logsumexp(x, 1, b=b), x, b, order=2)


def test_softmax_with_an_impossible_outcome_is_that_of_the_others_to_second_order(library):
    """Values, first and second derivatives of l with −∞ are those of l without it."""
    possible = np.array([0.3, -1.2, 0.7])
    l = np.insert(possible, 1, -inf)  # noqa: E741
    keep = np.isfinite(l)
    v, w = np.array([0.5, -1.0, 2.0]), np.array([1.0, 0.3, -0.4])
    for function in (special.softmax, special.log_softmax, special.logsumexp):
        first, second = [], []
        for logits, some in ((l, keep), (possible, slice(None))):
            t = Tensor(backend.to_device(logits), requires_grad=True)
            y = function(t)
            y = y[backend.to_device(np.flatnonzero(keep))] if y.ndim and some is keep else y
            (g,) = grad(np.sum(y * backend.to_device(v)), [t], create_graph=True)
            weights = np.zeros(len(logits))
            weights[some] = w
            h = grad(np.sum(g * backend.to_device(weights)), t)
            first.append(backend.to_numpy(g))
            second.append(backend.to_numpy(h))
        for with_it, without in (first, second):
            np.testing.assert_allclose(with_it[keep], without, rtol=1e-13, atol=1e-16)
            assert with_it[1] == 0
