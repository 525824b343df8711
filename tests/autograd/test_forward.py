"""Forward is NumPy, always: a call with Tensors gives what NumPy gives for the arrays, or raises where NumPy raises."""

import operator
import re
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

from autograd import Tensor
from autograd.arguments import NOT_METHODS, plain
from autograd.table import COMPOSITES, RULES, ZERO_DERIVATIVE, implements
from tests.autograd.calls import Call, Draw, Method, arrays_in, calls_of, mapped, words, wraps_of

if np.lib.NumpyVersion(np.__version__) < "2.4.0":
    pytest.skip("older versions of NumPy do not say which parameters their functions have", allow_module_level=True)

CALLS = 150
"""How many calls of each function are tried."""

LEAST_SHARE = 0.3
"""The least share of the calls in which NumPy returns a value, so that no function is tried with errors alone."""

REFUSED_OPTIONS = words("out order casting subok like device copy signature method")
"""Options of which an error may say that a Tensor does not take them, or not with this value."""

REFUSED_BY_UFUNCS = frozenset({"dtype", "where"})
"""Such options of element-wise functions alone."""

REFUSED_OF = {
    np.linalg.svd: {"full_matrices"},
    np.linalg.qr: {"mode"},
    np.pad: {"mode", "reflect_type"},
    np.polyfit: {"full", "cov"},
    np.histogram: {"weights"},
}
"""Such options of single functions: there is no derivative of what they ask for, or it is another function's."""

TOLERANCE = {"float16": 2e-2, "float32": 1e-5, "float64": 1e-12}
ILL_CONDITIONED = frozenset({np.linalg.lstsq, np.linalg.pinv, np.polyfit})
TO_FILES = frozenset({np.save, np.savez, np.savez_compressed, np.savetxt})


def offered():
    """Every function of NumPy that the tables say something of, by its public name."""
    functions = {}
    for module, prefix in ((np, "np"), (np.linalg, "np.linalg")):
        for name in sorted(dir(module)):
            f = getattr(module, name)
            if callable(f) and (f in RULES or f in COMPOSITES or f in ZERO_DERIVATIVE):
                functions.setdefault(f, f"{prefix}.{name}")
    return {f: name for f, name in functions.items() if f not in TO_FILES}


# -- what NumPy and the engine say of one call


@dataclass
class Outcome:
    """What a call returned or raised."""

    value: object = None
    error: Exception | None = None

    def __str__(self):
        return f"raises {type(self.error).__name__}: {self.error}" if self.error else f"returns {self.value!r}"


def outcome(function):
    try:
        return Outcome(function())
    except Exception as error:  # whatever NumPy raises
        return Outcome(error=error)


def is_refused_option(error, function):
    """Whether the error names options, all of which the tables may refuse."""
    found = re.search(r"do(?:es)? not take the option (.*?)[;:]", str(error))
    names = {name.partition("=")[0] for name in found[1].split(", ")} if found else set()
    allowed = REFUSED_OPTIONS | REFUSED_OF.get(function, set())
    allowed |= REFUSED_BY_UFUNCS if isinstance(function, np.ufunc) else set()
    constant = "has no derivative with respect to argument" in str(error)  # a condition, or q of a quantile
    return isinstance(error, TypeError) and (constant or (bool(names) and names <= allowed))


def verdict(call):
    """Whether NumPy returned a value for the call, and a description of the mismatch, or None."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected, found = outcome(call.on_arrays), outcome(call.on_tensors)
        reason = disagreement(expected, found, call)
    text = reason and f"{reason}\n    {call}\n    NumPy {expected}\n    ours  {found}"
    return expected.error is None, text


def disagreement(expected, found, call):
    """How the outcome differs from NumPy's, or None."""
    if found.error is not None:
        fine = expected.error is not None or is_refused_option(found.error, call.function)
        return None if fine else "the engine raises"
    return "NumPy raises" if expected.error is not None else difference(expected.value, found.value, call)


def difference(expected, found, call, part=lambda result: result):
    """How a result differs from NumPy's, or None: in structure, type, shape, dtype or value."""
    if isinstance(expected, list | tuple):
        return of_sequences(expected, found, call, part)
    if not isinstance(expected, np.ndarray | np.generic):
        same = type(plain(found)) is type(expected) and (plain(found) == expected or found != found)
        return None if same else "another object"
    if not isinstance(found, Tensor | np.ndarray | np.generic):
        return f"a {type(found).__name__} in place of an array"
    if reason := of_kinds(found, call) or lost(expected, found, call, part):
        return reason
    found = plain(found)
    if found.shape != expected.shape:
        return f"shape {found.shape} in place of {expected.shape}"
    if found.dtype != expected.dtype:
        return f"dtype {found.dtype} in place of {expected.dtype}"
    return None if undefined(call) or close(expected, found, call) else "another value"


def undefined(call):
    """Whether NumPy leaves elements of the result as they were in memory."""
    masked = isinstance(call.function, np.ufunc) and "where" in call.kwargs
    return (
        masked
        or call.function is np.empty_like
        or "empty" in map(str, call.args[2:3])
        or call.kwargs.get("mode") == "empty"
    )


def of_sequences(expected, found, call, part):
    """How lists or tuples differ; a namedtuple has NumPy's names."""
    names = getattr(expected, "_fields", None)
    if getattr(found, "_fields", None) != names or (names is None and type(found) is not type(expected)):
        return f"a {type(found).__name__} in place of a {type(expected).__name__}"
    if len(found) != len(expected):
        return f"{len(found)} results in place of {len(expected)}"
    for i, (a, b) in enumerate(zip(expected, found, strict=True)):
        if reason := difference(a, b, call, lambda result, i=i: part(result)[i]):
            return f"part {i}: {reason}"
    return None


def of_kinds(found, call):
    """Queries return plain arrays."""
    return "a Tensor from a query" if is_query(call.function) and isinstance(found, Tensor) else None


def is_query(function):
    """Whether the table says of a function, or of a method, that it has no derivative."""
    f = getattr(np, function.__name__, None) if isinstance(function, Method) else function
    return f in ZERO_DERIVATIVE and f not in RULES and f not in COMPOSITES


def lost(expected, found, call, part):
    """What a result should be, since it moves with the Tensors: a Tensor, and with its gradient."""
    if expected.dtype.kind != "f" or getattr(found, "requires_grad", False) or is_query(call.function):
        return None
    if not isinstance(found, Tensor) and moves(expected, call, part, (False, True)):
        return f"a {type(found).__name__} in place of a Tensor"
    return "a Tensor without its gradient" if moves(expected, call, part, (True,)) else None


def moves(expected, call, part, wraps):
    """Whether NumPy's result moves when the arguments with these `wraps` do, to whichever side, and does not jump."""
    if not set(wraps).intersection(call.wraps):
        return False
    still = ~np.isfinite(expected)
    for side in (1, -1):
        far, near = (distance(expected, call, part, wraps, side * step) for step in (1e-3, 1e-5))
        still |= (far < 1e-6) | (near < far / 1000) | (near >= far / 2)
    return not still.all()


def distance(expected, call, part, wraps, step):
    """How far NumPy's result moves; not at all where it then has another shape, or is not a number."""
    value = outcome(lambda: part(moved(call, step, wraps).on_arrays())).value
    return np.nan_to_num(abs(value - expected)) if np.shape(value) == expected.shape else np.zeros(expected.shape)


def moved(call, step, wraps):
    """The call with other numbers in the arrays with these `wraps`."""
    own = iter(call.wraps)
    args = mapped((call.args, call.kwargs), lambda a: shifted(a, step) if next(own) in wraps else a)
    return Call(call.function, *args, call.wraps)


def shifted(a, step):
    """The numbers of a floating-point array, each a little more or a little less."""
    return (a + step * np.cos(np.arange(a.size)).reshape(a.shape)).astype(a.dtype) if a.dtype.kind == "f" else a


def close(expected, found, call):
    """Equal to rounding, that of the least precise array among the arguments."""
    if expected.dtype.kind not in "fc":
        return np.array_equal(expected, found)
    dtypes = {str(a.dtype) for a in (*arrays_in((call.args, call.kwargs)), expected)}
    tolerance = max(TOLERANCE.get(name, 0) for name in dtypes) * (1e3 if call.function in ILL_CONDITIONED else 1)
    finite = np.abs(expected[np.isfinite(expected)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    return np.allclose(found, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def mismatches(calls):
    """The share of calls for which NumPy returned a value, and every mismatch, the shortest first."""
    verdicts = [verdict(call) for call in calls]
    share = sum(returned for returned, _ in verdicts) / len(verdicts)
    return share, sorted({text for _, text in verdicts if text}, key=len)


def check(calls):
    """Fail with the shortest mismatches, or where NumPy raises for almost every call."""
    share, found = mismatches(calls)
    assert not found, f"{len(found)} of {len(calls)} calls differ:\n" + "\n".join(found[:5])
    assert share >= LEAST_SHARE, f"NumPy returns a value for {share:.0%} of the calls alone"


# -- functions


OFFERED = offered()


@pytest.mark.parametrize("function", OFFERED, ids=OFFERED.values())
def test_functions_say_what_numpy_says(function):
    """E-7: value, shape, dtype, gradient or not, error or not.

    Planted: an option that is not heeded (keepdims, returned), keywords that are dropped, indices that are not
    stretched, lengths that are not compared.
    """
    check(list(calls_of(function, CALLS)))


# -- methods, attributes and operators


METHODS = sorted(
    name
    for name in set(dir(Tensor)) & set(dir(np.ndarray))
    if not name.startswith("_") and callable(getattr(np.ndarray, name)) and callable(getattr(Tensor, name))
)
ATTRIBUTES = sorted(
    name
    for name in set(dir(Tensor)) & set(dir(np.ndarray))
    if not name.startswith("_") and not callable(getattr(np.ndarray, name)) and name not in {"data", *NOT_METHODS}
)
OPERATORS = [
    *(
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.floordiv,
        operator.mod,
        operator.pow,
        divmod,
    ),
    *(operator.matmul, operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge, operator.contains),
    *(operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift),
]
UNARY = [operator.neg, operator.pos, operator.abs, operator.invert, len, list]
NUMBERS = [float, int, complex, bool, operator.index]


@pytest.mark.parametrize("name", METHODS)
def test_methods_say_what_those_of_an_array_say(name):
    check(list(calls_of(Method(name), CALLS)))


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 2)])
def test_zeros_alone_are_trimmed_along_the_axis_alone(axis):
    zeros = np.zeros((2, 3, 4))
    assert np.trim_zeros(Tensor(zeros), axis=axis).shape == np.trim_zeros(zeros, axis=axis).shape


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes_are_those_of_an_array(name):
    check(list(operations(operator.attrgetter(name), name, lambda d: [d.array()])))


def operations(function, name, draw):
    """Calls of an operator with the arguments that `draw` gives."""
    for i in range(CALLS):
        d = Draw(f"{name} {i}")
        args = draw(d)
        if arrays := arrays_in(args):
            yield Call(function, args, {}, wraps_of(arrays, d, first=True))


def pair(d):
    """Two arguments, one of them an array; at times whole numbers for the operators of bits."""
    args = [d.array(), d.other()] if d.chance(0.6) else [d.array(dtype="int64"), d.array(d.stretched(), "int64")]
    d.shuffle(args)
    return args


def factors(d):
    """Arguments of @."""
    n = d.randint(1, 3)
    return [d.array(d.choice([(n,), (2, n)])), d.array(d.choice([(n,), (n, 3), (2, n, 1)]))]


def one(d):
    """One array, at times of whole numbers for the operators of bits."""
    return [d.array(dtype="int64" if d.chance(0.4) else "")]


def one_number(d):
    """An array of one number, or rarely of two."""
    return [d.array(d.choice([(), (), (), (1,), (2,)]), d.choice(["", "int64", "int64"]))]


@pytest.mark.parametrize("function", OPERATORS, ids=lambda f: f.__name__)
def test_operators_say_what_those_of_an_array_say(function):
    check(list(operations(function, function.__name__, factors if function is operator.matmul else pair)))


@pytest.mark.parametrize("function", UNARY, ids=lambda f: f.__name__)
def test_operators_of_one_argument_say_what_those_of_an_array_say(function):
    check(list(operations(function, function.__name__, one)))


@pytest.mark.parametrize("function", NUMBERS, ids=lambda f: f.__name__)
def test_numbers_say_what_those_of_an_array_say(function):
    """Of constants: a Tensor that requires a gradient does not turn into a number."""
    calls = operations(function, function.__name__, one_number)
    check([Call(function, call.args, {}, (False,)) for call in calls])


def index(d):
    """What an array is indexed with: numbers, slices, None, ..., masks and positions; seldom one that does not fit."""
    parts = [part_of_index(d, n) for n in d.shape[: d.randint(0, len(d.shape))]]
    if d.chance(0.3):
        parts.insert(d.randint(0, len(parts)), d.choice([None, ...]))
    if d.chance(0.15):
        return d.choice(
            [d.mask(), [0], [], True, d.indices((2, 2), d.length(0) if d.shape else 0), d.mask(d.shape[:1])]
        )
    return parts[0] if len(parts) == 1 and d.chance(0.5) else tuple(parts)


def part_of_index(d, n):
    """An index of one axis of length n."""
    cut = slice(*(d.choice([None, d.randint(-n - 1, n + 1)]) for _ in range(2)), d.choice([None, 1, 2, -1, -2]))
    positions = d.indices((d.randint(0, 3),), n)
    return d.choice([cut, cut, d.whole(-n, n), positions, positions.tolist(), d.mask((n,))])


def test_indexing_says_what_that_of_an_array_says():
    check([c for i in range(10) for c in operations(operator.getitem, f"getitem {i}", lambda d: [d.array(), index(d)])])


# -- the checks bite


def ptp_of_all(a, axis=None, keepdims=False):
    """Planted: `axis` is taken and not heeded."""
    return np.max(a) - np.min(a)


def sum_without_initial(a, axis=None, keepdims=False, dtype=None, initial=None, where=None):
    """Planted: `initial` and `where` are taken and not heeded."""
    return np.sum(a, axis=axis, keepdims=keepdims)


def inner_without_broadcasting(x1, x2, axis=-1):
    """Planted: the second argument must have the shape of the first."""
    if np.shape(x1) != np.shape(x2):
        raise ValueError("shapes differ")
    return np.sum(x1 * x2, axis=axis)


def detached(a, axis=None, keepdims=False):
    """Planted: the value is right and its gradient lost."""
    return Tensor(np.ptp(plain(a), axis=axis, keepdims=keepdims))


def clip_without_upper(a, a_min=None, a_max=None, min=None, max=None):
    """Planted: only the lower bound is heeded."""
    low = min if a_min is None else a_min
    return np.positive(a) if low is None else np.maximum(a, low)


@pytest.mark.parametrize(
    ("function", "planted", "reason"),
    [
        (np.ptp, ptp_of_all, "shape"),
        (np.ptp, detached, "a Tensor without its gradient"),
        (np.ptp, lambda a, axis=None: np.max(a, axis=axis) - np.min(a, axis=axis), "the engine raises"),
        (np.ptp, lambda a, axis=None, keepdims=False: plain(a), "a ndarray in place of a Tensor"),
        (np.sum, sum_without_initial, "another value"),
        (np.linalg.vecdot, inner_without_broadcasting, "the engine raises"),
        (np.clip, clip_without_upper, "another value"),
        (np.cumulative_sum, lambda x, axis=0: np.cumsum(x, axis), "NumPy raises"),
        (np.broadcast_arrays, lambda *args: list(args), "a list in place of a tuple"),
        (np.median, lambda a, axis=None, keepdims=False: np.mean(a, axis=axis, keepdims=keepdims), "another value"),
        (np.diff, lambda a, n=1, axis=-1: np.zeros(()).astype(np.float64), "the engine raises"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_planted_faults_are_found(monkeypatch, function, planted, reason):
    """An option that is not heeded or not known, no broadcasting, another structure, and a gradient that is lost."""
    monkeypatch.setitem(COMPOSITES, function, None)  # put back afterwards
    implements(function, planted)
    _, found = mismatches(calls_of(function, CALLS))
    assert any(reason in text.splitlines()[0] for text in found), found[:3]


def test_a_function_that_numpy_always_refuses_is_no_test():
    with pytest.raises(AssertionError, match="for 0% of the calls"):
        check([Call(np.sum, [np.zeros(3), 7], {}, (True,))] * 3)


def test_a_mismatch_is_shown_as_a_call():
    call = Call(np.clip, [np.array([1.5, 2.0]), 0.5], {"a_max": np.array([1], "float32")}, (True, None))
    assert str(call) == "np.clip(Tensor(np.array([1.5, 2.0]), True), 0.5, a_max=np.array([1.0], 'float32'))"
