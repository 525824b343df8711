"""Random calls of NumPy's functions. Each argument is drawn by the name of its parameter in NumPy's own signature.

`PARAMETERS` says how to draw a parameter of a name, whatever the function. `OPTIONS` differs from it for single
functions, and `RECIPES` draws those arguments of a function that must fit one another. `DIMENSIONS` holds how many
axes a function wants.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.table import name_of

Function = Callable[..., Any]
EMPTY = inspect.Parameter.empty


# -- one call


@dataclass(frozen=True)
class Call:
    """A function with plain arguments, and which of the arrays among them become Tensors."""

    function: Function
    args: list
    kwargs: dict[str, Any]
    wraps: tuple  # for each array: None leaves it plain, False and True are the requires_grad of a Tensor

    def on_arrays(self) -> Any:
        """What NumPy says."""
        return self._run(lambda a, wrap: a.copy("K"))

    def on_tensors(self) -> Any:
        """What the engine says."""
        return self._run(lambda a, wrap: a.copy("K") if wrap is None else Tensor(a.copy("K"), requires_grad=wrap))

    def _run(self, convert: Function) -> Any:
        wraps = iter(self.wraps)
        args, kwargs = mapped((self.args, self.kwargs), lambda a: convert(a, next(wraps)))
        return self.function(*args, **kwargs)

    def __str__(self) -> str:
        wraps = iter(self.wraps)
        args, kwargs = mapped((self.args, self.kwargs), lambda a: Text(text_of_array(a, next(wraps))))
        given = [*map(text_of, args), *(f"{name}={text_of(value)}" for name, value in kwargs.items())]
        if isinstance(self.function, Method):
            return f"{given[0]}.{self.function.__name__}({', '.join(given[1:])})"
        return f"{text_of(self.function)}({', '.join(given)})"


class Text(str):
    """A string that stands for code."""

    __repr__ = str.__str__


def mapped(x: Any, f: Function) -> Any:
    """`x` with `f` of every array in it, from the first to the last."""
    if isinstance(x, np.ndarray):
        return f(x)
    if isinstance(x, dict):
        return {key: mapped(value, f) for key, value in x.items()}
    return type(x)(mapped(value, f) for value in x) if type(x) in (list, tuple) else x


def arrays_in(x: Any) -> list[np.ndarray]:
    """Every array in `x`, from the first to the last."""
    found: list[np.ndarray] = []
    mapped(x, found.append)
    return found


def text_of_array(a: np.ndarray, wrap: bool | None = None) -> str:
    """An array, or the Tensor that it becomes, as code."""
    known = a.dtype == float if a.size == 0 else a.dtype in (float, int, bool)
    kind = "" if known else f", {str(a.dtype)!r}"
    text = f"np.zeros({a.shape}{kind})" if a.size == 0 else f"np.array({a.tolist()}{kind})"
    if a.ndim > 1 and a.size and not a.flags.c_contiguous:
        text = f"np.asfortranarray({a.tolist()}{kind})"
    return text if wrap is None else f"Tensor({text}, True)" if wrap else f"Tensor({text})"


def text_of(x: Any) -> str:
    """An argument or a function as code."""
    if isinstance(x, type):
        return f"np.{x.__name__}" if issubclass(x, np.generic) else x.__name__
    return name_of(x) if callable(x) else repr(x)


# -- what a call is drawn from


class Draw(Random):
    """Random numbers for one call. Its arguments agree, most of the time, in `shape` and `dtype`."""

    def __init__(self, seed: str, low: int = 0, high: int = 4):
        super().__init__(seed)
        self.style = self.choices(["distinct", "positive", "unit", "ties", "special"], [10, 3, 2, 3, 2])[0]
        self.dtype = "float64" if self.chance(0.6) else "float32"
        ndim = min(self.choice([0, 1, 1, 2, 2, 2, 3, 3, 4]), high)
        self.hidden: set[int] = set()  # the ids of arrays that do not make NumPy hand a call over
        self.shape = self.some_shape(max(ndim, low) if self.chance(0.95) else ndim)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random() < probability

    def whole(self, low: int, high: int) -> Any:
        """A whole number from `low` to `high`, at times one of NumPy's."""
        n = self.randint(low, high)
        return np.int64(n) if self.chance(0.2) else n

    def some_shape(self, ndim: int) -> tuple[int, ...]:
        """A shape with so many axes, at times an empty one."""
        return tuple(0 if self.chance(0.04) else self.choice([1, 2, 2, 3, 3, 4]) for _ in range(ndim))

    def values(self, size: int) -> list[float]:
        """Numbers of the call's style: distinct, positive, between −1 and 1, with ties and zeros, with NaN and ∞."""
        if self.style == "ties":
            return self.choices([-1.5, -1.0, 0.0, 0.5, 2.0], k=size)
        most = max(24, size)
        numbers = [k / 8 for k in self.sample(range(-most, most + 1), size)]
        if self.style == "positive":
            numbers = [abs(x) + 0.125 for x in numbers]
        elif self.style == "unit":
            numbers = [x * 7.9 / most for x in numbers]
        elif self.style == "special":
            numbers = [self.choice([np.nan, np.inf, -np.inf, 0.0]) if self.chance(0.2) else x for x in numbers]
        return numbers

    def array(self, shape: Any = None, dtype: str = "") -> np.ndarray:
        """An array of the call's shape and dtype unless others are given; at times of whole numbers or of truth values.

        `dtype` may be "float": then it is a floating-point one.
        """
        shape = self.shape if shape is None else tuple(shape)
        if dtype in ("", "float"):
            others = ["float32", "float64"] if dtype else ["float32", "float64", "int64", "int64", "int32", "bool"]
            dtype = self.dtype if self.chance(0.8) else self.choice(others)
        size = int(np.prod(shape, dtype=int))
        if dtype.startswith("float"):
            numbers: list = self.values(size)
        else:
            numbers = self.choices([False, True] if dtype == "bool" else range(-3, 4), k=size)
        array = np.array(numbers, dtype).reshape(shape)
        return np.asfortranarray(array) if len(shape) > 1 and self.chance(0.15) else array

    def floats(self, *shape: int) -> np.ndarray:
        """A floating-point array of this shape."""
        return self.array(shape, "float")

    def indices(self, shape: Any, n: int, wrong: float = 0.04) -> np.ndarray:
        """Positions in an axis of length n, seldom one that is not there."""
        array = np.array([self.randint(-n, n - 1) if n else 0 for _ in range(int(np.prod(shape, dtype=int)))], int)
        if array.size and self.chance(wrong):
            array[0] = n + 1
        return array.reshape(shape)

    def stretched(self) -> tuple[int, ...]:
        """A shape that broadcasts with the call's, seldom one that does not."""
        if self.chance(0.04):
            return (5, *self.shape)[:1]
        if self.chance(0.05):
            return (2, *self.shape)
        shape = self.shape[self.randint(0, len(self.shape)) if self.chance(0.3) else 0 :]
        return tuple(1 if self.chance(0.2) else n for n in shape)

    def other(self) -> Any:
        """A second argument beside an array: an array, a list or a number that broadcasts with it."""
        kind = self.choices(["array", "stretched", "list", "float", "int", "numpy"], [4, 4, 1, 1, 1, 1])[0]
        if kind in ("array", "stretched"):
            return self.array(self.shape if kind == "array" else self.stretched())
        if kind == "list":
            return self.floats(*self.stretched()).tolist()
        number = self.values(1)[0]
        return {"float": number, "int": self.randint(-3, 3), "numpy": self.choice([np.float64, np.float32])(number)}[
            kind
        ]

    def axis(self) -> Any:
        """One axis, counted from either end, seldom one that is not there."""
        n = len(self.shape)
        return self.whole(-n - 1, n) if self.chance(0.04) or not n else self.whole(-n, n - 1)

    def axes(self) -> Any:
        """Axes of a reduction: None, one, or a tuple. Of a number NumPy takes axis 0 in some functions: not drawn."""
        if self.chance(0.15):
            return None
        n = len(self.shape)
        if n == 0:
            return self.choice([None, (), 1])
        if self.chance(0.25):
            return tuple(a - n * self.randint(0, 1) for a in self.sample(range(n), self.randint(0, n)))
        return self.axis()

    def mask(self, shape: Any = None) -> np.ndarray:
        """Truth values, most of them True."""
        shape = self.shape if shape is None else shape
        return np.array([self.chance(0.7) for _ in range(int(np.prod(shape, dtype=int)))], bool).reshape(shape)

    def length(self, axis: Any) -> int:
        """The length along an axis, of all elements for None, and 1 for an axis that is not there."""
        if axis is None:
            return int(np.prod(self.shape, dtype=int))
        return self.shape[axis] if -len(self.shape) <= axis < len(self.shape) else 1

    def sequence(self, *shapes: tuple[int, ...]) -> Any:
        """A list or tuple of arrays; of up to three of the call's shape unless shapes are given."""
        arrays = [self.array(shape) for shape in shapes or [self.shape] * self.randint(1, 3)]
        return self.choice([list, tuple])(arrays)

    def matrix(self, kind: str = "general") -> np.ndarray:
        """Square matrices far from singular; symmetric ones, or positive definite ones ("definite")."""
        n, batch = self.choice([1, 2, 2, 3, 3, 0]), self.shape[2:]
        self.shape = (*batch, n, n)
        a = self.floats(*batch, n, n)
        if kind != "general":
            a = a + np.swapaxes(a, -1, -2)
        return a + np.eye(n, dtype=a.dtype) * (a.dtype.type(8 * n + 8) if kind == "definite" else a.dtype.type(0.3))


def bools(d: Draw) -> bool:
    """True or False."""
    return d.chance(0.5)


def of(*choices: Any) -> Function:
    """One of these."""
    return lambda d: d.choice(choices)


def small(low: int, high: int) -> Function:
    """A whole number in this range."""
    return lambda d: d.whole(low, high)


def shape_like(d: Draw) -> Any:
    """A shape for as many elements as the call's shape has."""
    shape = list(d.shape)
    d.shuffle(shape)
    size = int(np.prod(shape, dtype=int))
    return d.choice([size, -1, tuple(shape), shape, (-1,), (*shape, 1), (1, -1), (size, 1), np.int64(-1), (2, -1)])


def mean_of(d: Draw) -> Any:
    """What is given as the mean: a number, or an array that broadcasts."""
    return 0.5 if d.chance(0.3) else d.floats(*(1 for _ in d.shape))


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def each(text: str, value: Any) -> dict[str, Any]:
    """The same value for every word."""
    return dict.fromkeys(words(text), value)


PARAMETERS: dict[str, Function] = {
    **each("a x m v arr ar array ary A z val p f filt element prototype x1 a1 ar1 xi number", Draw.array),
    **each("b x2 a2 ar2 y values test_elements other", Draw.other),
    **each(
        "keepdims returned include_initial equal_nan assume_unique invert increasing right deg sparse density full "
        "cov bias rowvar return_index return_inverse return_counts sorted full_matrices compute_uv hermitian upper "
        "overwrite_input endpoint retstep copy optimize suppress_small subok",
        bools,
    ),
    **each("axis1 axis2 axisa axisb axisc source destination start", Draw.axis),
    **each("out like device signature", of(None)),
    "axis": Draw.axes,
    "dtype": of(np.float32, np.float64, "float32", float, None, np.dtype("f8"), int),
    "order": of("C", "F", "A", "K"),
    "casting": of("same_kind", "unsafe"),
    "initial": of(0.0, 1.5, -2, 100.0, 0, np.float64(0.5)),
    "where": lambda d: True if d.chance(0.2) else d.mask(d.stretched()),
    "mean": mean_of,
    "ddof": of(0, 1, 2, 0.5, np.int64(1)),
    "correction": of(0, 1, 2, 0.5),
    "k": small(-3, 3),
    "offset": small(-2, 2),
    "n": small(0, 3),
    "N": small(0, 4),
    "decimals": small(-1, 3),
    "rtol": of(1e-5, 0.5),
    "atol": of(1e-8, 0.5),
    "kind": of(None, "quicksort", "stable", "mergesort", "heapsort"),
    "stable": of(None, True, False),
    "kth": Draw.axis,
    "method": of("linear", "lower", "higher", "nearest", "midpoint", "weibull", "hazen", "median_unbiased"),
    "shift": small(-4, 4),
    "reps": lambda d: d.choice([d.whole(0, 3), (2, 1), (1, 2, 2), [2], (), np.array([2, 1])]),
    "shape": lambda d: d.choice([d.shape, (2, *d.shape), [1, *d.shape], d.shape[1:], (4,)]),
    "bins": lambda d: d.choice([5, 1, [-3.0, 0.0, 0.5, 3.0], np.int64(3)]),
    "range": of(None, (-2.0, 2.0), (0, 1)),
    "nan": of(0.0, 1.5, 2),
    "posinf": of(None, 9.0, 3),
    "neginf": of(None, -9.0),
    "tol": of(None, 1e-3, 100),
    "rcond": of(None, 1e-3),
    "UPLO": of("L", "U", "l"),
    "precision": of(None, 3),
    "max_line_width": of(None, 40),
    "minlength": small(0, 5),
    "ndim": small(1, 3),
}


def on(**options: Function) -> dict[str, Function]:
    """The options of one function, by keyword."""
    return options


REDUCTIONS = words(
    "sum prod mean var std max min amax amin ptp all any median nansum nanprod nanmean nanvar nanstd nanmax "
    "nanmin cumsum cumprod"
)

DECOMPOSED = words(
    "polyfit cov corrcoef linalg.svd linalg.svdvals linalg.lstsq linalg.pinv linalg.cond linalg.matrix_rank "
    "linalg.norm linalg.matrix_norm linalg.qr linalg.eig linalg.eigvals linalg.eigh linalg.eigvalsh linalg.tensorsolve"
)
"""Functions that are not given NaN and ∞: LAPACK writes messages about these to the terminal."""

SUMMED = words(
    "convolve correlate gradient poly polymul linspace logspace geomspace interp unwrap quantile nanquantile "
    "percentile nanpercentile median nanmedian tensordot linalg.tensordot"
)
"""Functions that are not given NaN and ∞: where 0 times ∞, or ∞ − ∞, enters a sum depends on the order of the sum."""

PROBABILITY = of(
    0.5, 0, 1, 0.3, [0.25, 0.5], np.array([0.1, 0.9]), np.array([[0.2], [0.7]]), 0.999, 1.5, np.float64(0.4)
)
PERCENT = of(50, 0, 100, 30.5, [25, 50], np.array([10.0, 90.0]), np.array([[20.0], [70.0]]), 101, np.float64(40))
ALONG = on(axis=Draw.axis)
MODES = on(mode=of("full", "same", "valid"))
NORMS = of(None, 1, 2, np.inf, -np.inf, 0, 3, 2.5, -1, "fro", "nuc", -2)

OPTIONS: dict[str, dict[str, Function]] = {
    **each("argmax argmin nanargmax nanargmin argsort argpartition sort partition cumsum cumprod", ALONG),
    **each("cumulative_sum cumulative_prod diff trapezoid unwrap cross vecdot unstack nancumsum", ALONG),
    **each("nancumprod stack average rollaxis linalg.cross linalg.vecdot repeat unique append", ALONG),
    **each("quantile nanquantile", on(q=PROBABILITY, a=lambda d: d.array(dtype=d.choice(["float", "float", "int64"])))),
    **each("percentile nanpercentile", on(q=PERCENT, a=lambda d: d.array(dtype=d.choice(["float", "float", "int64"])))),
    **each("std nanstd", on(dtype=of(np.float32, np.float64, None))),
    **each("tile", on(A=Draw.array)),
    "sort": on(axis=lambda d: None if d.chance(0.1) else d.axis(), order=of(None)),
    "argsort": on(axis=lambda d: None if d.chance(0.1) else d.axis(), order=of(None)),
    "partition": on(order=of(None), axis=Draw.axis, kind=of("introselect")),
    "argpartition": on(order=of(None), axis=Draw.axis, kind=of("introselect")),
    "isin": on(kind=of(None, "sort")),
    "rot90": on(axes=lambda d: d.choice([(0, 1), (1, 0), (-1, -2), (0, -1)])),
    "flip": on(axis=Draw.axes),
    "squeeze": on(axis=lambda d: d.choice([None, *(i for i, n in enumerate(d.shape) if n == 1), d.axis()])),
    "expand_dims": on(axis=lambda d: d.choice([d.whole(-1, len(d.shape)), (0, 1), (-1, 0), d.whole(-3, 3)])),
    "transpose": on(axes=lambda d: d.choice([None, d.sample(range(len(d.shape)), len(d.shape)), (1, 0), (-1, 0)])),
    "roll": on(
        shift=lambda d: d.choice([d.whole(-4, 4), (1, 2), (1, -1)]), axis=lambda d: d.choice([d.axes(), (0, 1)])
    ),
    "diff": on(
        n=small(0, 2),
        axis=Draw.axis,
        prepend=lambda d: d.choice([0.5, d.floats(*(1 for _ in d.shape))]),
        append=lambda d: d.choice([0, d.floats(*(1 for _ in d.shape))]),
    ),
    "ediff1d": on(
        to_begin=lambda d: d.choice([None, 1.0, d.floats(2), [1.5]]), to_end=lambda d: d.choice([None, 0, d.floats(1)])
    ),
    "full_like": on(fill_value=lambda d: d.choice([1.5, 2, d.floats()]), shape=of(None, 3, (2, 2))),
    **dict.fromkeys(("zeros_like", "ones_like", "empty_like"), on(shape=of(None, 3, (2, 2)))),
    "trim_zeros": on(trim=of("fb", "f", "b"), axis=of(None, 0, -1)),
    "unwrap": on(discont=of(None, 1.0, 4.0), period=of(2.0, 6.25), axis=Draw.axis),
    "vander": on(N=small(0, 4)),
    "trapezoid": on(
        y=Draw.array, axis=Draw.axis, dx=of(1.0, 0.5, 2), x=lambda d: d.choice([None, d.floats(), d.array(d.shape)])
    ),
    "resize": on(new_shape=lambda d: d.choice([d.shape, (2, 3), 4, (0,), (3, *d.shape)])),
    "outer": on(b=Draw.other),
    "size": on(axis=Draw.axes),
    "polyder": on(m=small(0, 2)),
    "polyint": on(m=small(0, 2), k=of(None, 0.5, 2)),
    "histogram": on(weights=lambda d: d.choice([None, d.array(d.shape)])),
    "linalg.norm": on(ord=NORMS, axis=lambda d: d.choice([None, d.axis(), d.axis(), (0, 1), (-1, -2), (0,), d.axes()])),
    "linalg.vector_norm": on(ord=of(1, 2, np.inf, -np.inf, 0, 3, 2.5, -1), axis=Draw.axes),
    "linalg.matrix_norm": on(ord=of(None, 1, 2, np.inf, -np.inf, "fro", "nuc", -1, -2)),
    "linalg.cond": on(p=of(None, 1, 2, -2, "fro", np.inf)),
    "linalg.qr": on(mode=of("reduced", "complete", "r")),
    "linalg.pinv": on(rcond=of(None, 1e-3), rtol=of(None, 1e-3)),
    "linalg.matrix_power": on(n=small(-2, 4)),
    "gradient": on(axis=lambda d: None if d.chance(0.2) else d.axis(), edge_order=of(1, 2)),
    "cov": on(
        y=lambda d: d.choice([None, d.floats(*d.shape)]),
        ddof=of(None, 0, 1),
        fweights=lambda d: d.choice([None, np.arange(1, d.shape[-1] + 1) if d.shape else None]),
        aweights=lambda d: d.choice([None, np.arange(1.0, d.shape[-1] + 1) if d.shape else None]),
        dtype=of(None, np.float64, np.float32),
    ),
    "corrcoef": on(y=lambda d: d.choice([None, d.floats(*d.shape)]), dtype=of(None, np.float64, np.float32)),
    "correlate": MODES,
    "convolve": MODES,
    "isclose": on(b=lambda d: d.other() if d.chance(0.6) else d.array(d.shape)),
    "tensordot": on(axes=lambda d: d.choice([0, 1, 2, 1, (0, 0), ([0], [0]), (-1, 0), ([0, 1], [0, 1]), np.int64(1)])),
    "linalg.tensordot": on(axes=of(0, 1, ([0], [0]))),
    "array2string": on(separator=of(" ", ", "), prefix=of("", "a"), threshold=of(None, 3)),
    "average": on(keepdims=bools),
    "bincount": on(minlength=small(0, 5)),
    "linspace": on(num=small(0, 5), axis=of(0, -1, 1), dtype=of(None, np.float32, np.float64)),
    "astype": on(order=of("K"), casting=of("unsafe")),
}

DIMENSIONS: dict[str, tuple[int, int]] = {
    **each("convolve correlate poly polyadd polysub polymul polyint polyder vander trim_zeros", (1, 1)),
    **each("diag diagflat cov corrcoef fliplr inner ix_ ediff1d", (1, 2)),
    **each("trace diagonal tril triu rot90 fliplr vsplit swapaxes matrix_transpose moveaxis", (2, 4)),
    **each("linalg.diagonal linalg.trace linalg.matrix_norm linalg.matrix_transpose linalg.svd", (2, 4)),
    **each("linalg.svdvals linalg.qr linalg.matrix_rank linalg.cond linalg.pinv hsplit tril_indices_from", (2, 3)),
    **each("triu_indices_from diag_indices_from", (2, 2)),
    **each("dsplit", (3, 4)),
    **each("linalg.norm", (1, 3)),
    **each("nonzero split array_split insert delete take compress diff stack sort partition", (1, 4)),
    **each("argpartition trapezoid gradient cumulative_sum cumulative_prod unstack flipud", (1, 3)),
    **each("linalg.outer", (1, 1)),
    **each("linalg.solve linalg.inv linalg.det linalg.slogdet linalg.cholesky linalg.eigh", (2, 3)),
    **each("quantile percentile nanquantile nanpercentile median nanmedian", (1, 3)),
}


# -- arguments of a function that must fit one another


RECIPES: dict[str, Function] = {}


def recipe(*names: str) -> Function:
    """Decorator: the function of a Draw gives these arguments of the named functions, by parameter."""
    return lambda f: RECIPES.update(dict.fromkeys(names, f)) or f


@recipe("concatenate")
def concatenate(d):
    """Arrays of one shape but for their lengths along the axis."""
    axis = d.randint(-len(d.shape), len(d.shape) - 1) if d.shape else 0
    shapes = [list(d.shape) for _ in range(d.randint(1, 3))]
    for shape in shapes[1:]:
        if shape:
            shape[axis if d.chance(0.95) else 0] = d.randint(0, 3)
    axis = None if d.chance(0.1) else np.int64(axis) if d.chance(0.2) else axis
    return {"arrays": d.sequence(*map(tuple, shapes)), **({"axis": axis} if axis != 0 or d.chance(0.5) else {})}


@recipe("stack")
def stack(d):
    return {"arrays": d.sequence()}


@recipe("hstack", "vstack", "dstack", "column_stack")
def stack_tuple(d):
    shape = (1, *d.shape[1:])
    return {"tup": d.sequence(d.shape, d.shape) if d.chance(0.6) else d.sequence(shape, d.shape)}


@recipe("block")
def block(d):
    a, b = d.array(), d.array()
    return {"arrays": d.choice([[a, b], [[a], [b]], [[a, b], [b, a]], a, [a, a], [[a, 1.0]] if a.size == 1 else [b]])}


@recipe("append")
def append(d):
    return {"arr": d.array(), "values": d.array() if d.chance(0.7) else d.other()}


@recipe("insert")
def insert(d):
    axis = None if d.chance(0.3) else d.axis()
    n = d.length(axis)
    obj = d.choice([d.randint(-n, n), [0, n], slice(0, 2), np.array([0]), d.mask((n,)), np.int64(0), n + 3])
    values = d.choice([1.5, 2, d.floats(), d.array(d.shape[1:]), [0.25]])
    return {"arr": d.array(), "obj": obj, "values": values, "axis": axis}


@recipe("delete")
def delete(d):
    axis = None if d.chance(0.3) else d.axis()
    n = d.length(axis)
    obj = d.choice(
        [d.randint(-n, max(n - 1, 0)), [0], slice(0, 2), d.indices((2,), n), d.mask((n,)), np.int64(0), n + 3]
    )
    return {"arr": d.array(), "obj": obj, "axis": axis}


@recipe("average")
def average(d):
    axis = d.choice([None, d.axis(), d.axis(), tuple(range(len(d.shape)))[:2]]) if d.shape else None
    n = d.length(axis) if not isinstance(axis, tuple) else 1
    weights = np.abs(d.choice([d.floats(*d.shape), d.floats(n)])) + 0.5
    return {"a": d.array(), "axis": axis, **({"weights": weights} if d.chance(0.7) else {})}


@recipe("bincount")
def bincount(d):
    n = d.randint(0, 5)
    x = np.array([d.randint(0, 4) for _ in range(n)], int)
    return {"x": x, "weights": d.floats(n)}


@recipe("clip")
def clip(d):
    """Bounds under their old or their new names, None where that side is open; seldom both names."""
    low, high = (None if d.chance(0.15) else d.other() for _ in range(2))
    old, new = {"a_min": low, "a_max": high}, {"min": low, "max": high}
    if d.chance(0.1):
        both = {**old, "max": 1.0}
        return {"a": d.array(), **d.choice([{}, {"min": low}, {"a_min": low, "max": high}, {"a_min": low}, both])}
    return {"a": d.array(), **(old if d.chance(0.5) else new)}


@recipe("choose")
def choose(d):
    """Positions among as many choices; the choices are numbers or arrays."""
    positions = np.asarray(d.indices(d.shape, 3) & 3)
    return {"a": positions, "choices": d.choice([list, tuple])([d.other(), d.floats(*d.shape), d.other(), d.other()])}


@recipe("compress")
def compress(d):
    axis = None if d.chance(0.4) else d.axis()
    mask = d.mask((max(d.length(axis) - d.randint(0, 1), 0),))
    return {"condition": mask.tolist() if d.chance(0.4) else mask, "a": d.array(), "axis": axis}


@recipe("extract")
def extract(d):
    return {"condition": d.mask(), "arr": d.array()}


@recipe("convolve", "correlate")
def convolve(d):
    v = d.array((d.randint(1, 4),))
    return {"a": d.array(), "v": v.tolist() if d.chance(0.2) else v}


@recipe("cross", "linalg.cross")
def cross(d):
    d.shape = (3,) * d.randint(1, 3)  # vectors of two numbers are deprecated
    a, b = d.array(), d.array() if d.chance(0.6) else d.array((3,))
    return {"a": a, "b": b, "x1": a, "x2": b}


@recipe("vecdot", "linalg.vecdot")
def vecdot(d):
    d.shape = d.shape or (3,)
    return {"x1": d.array(), "x2": d.array() if d.chance(0.5) else d.array((d.shape[-1],))}


@recipe("digitize")
def digitize(d):
    bins = np.sort(np.array([d.randint(-9, 9) / 3 for _ in range(4)]))
    return {"x": d.array(), "bins": bins[::-1].copy() if d.chance(0.3) else bins}


@recipe("searchsorted")
def searchsorted(d):
    a, n = d.floats(d.randint(0, 4)), 0
    order, n = np.argsort(a), len(a)
    options = {"side": d.choice(["left", "right"])}
    if d.chance(0.3):
        return {"a": a, "v": d.other(), "sorter": order, **options}
    return {"a": a[order], "v": d.other() if n else d.array(), **options}


@recipe("interp")
def interp(d):
    n = d.randint(1, 4)
    xp = np.cumsum(np.abs(d.floats(n)) + 0.25) - 1
    options = {name: d.choice([0.5, None, 2]) for name in ("left", "right") if d.chance(0.3)}
    if d.chance(0.2):
        options["period"] = d.choice([2.0, 3, None])
    fp = d.array((n,))
    return {"x": d.array() if d.chance(0.8) else 0.3, "xp": xp, "fp": fp.tolist() if d.chance(0.15) else fp, **options}


@recipe("lexsort")
def lexsort(d):
    return {"keys": d.choice([tuple(d.sequence()), d.array()]), **({"axis": d.axis()} if d.chance(0.4) else {})}


@recipe("linspace", "logspace", "geomspace")
def spaces(d):
    d.shape = d.shape[:2]
    values = [d.array(), d.other()]
    d.shuffle(values)
    options = {"num": d.whole(0, 4)} if d.chance(0.9) else {}
    return {"start": values[0], "stop": values[1], **options}


@recipe("logspace")
def logspace(d):
    return {**spaces(d), **({"base": d.choice([2.0, 10, 3])} if d.chance(0.3) else {})}


@recipe("meshgrid", "ix_")
def vectors(d):
    return {"*": [d.array((d.randint(0, 3),)) for _ in range(d.randint(1, 3))]}


@recipe("broadcast_arrays", "atleast_1d", "atleast_2d", "atleast_3d", "result_type", "common_type")
def several(d):
    return {"*": [d.array(), *(d.other() for _ in range(d.randint(0, 2)))]}


@recipe("moveaxis")
def moves(d):
    """One axis to one place, or several to as many."""
    n, many = len(d.shape), d.randint(0, len(d.shape))
    if d.chance(0.5):
        return {"a": d.array(), "source": d.axis(), "destination": d.axis()}
    source, destination = (d.choice([list, tuple])(d.sample(range(-n, 0), many)) for _ in range(2))
    return {"a": d.array(), "source": source, "destination": destination}


@recipe("pad")
def pad(d):
    n = len(d.shape)
    width = d.choice(
        [d.whole(0, 2), (1, 2), [(d.randint(0, 2), 1) for _ in range(n)], ((1, 0),), np.array([1, 0]), (1,)]
    )
    mode = d.choice(
        ["constant"] * 4 + ["edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "mean", "empty"]
    )
    values = d.choice([1.5, (0.5, 2), 3, ((1.0, 2.0),), [(1, d.randint(0, 3)) for _ in range(n)]])
    names = {
        "constant": "constant_values",
        "linear_ramp": "end_values",
        "maximum": "stat_length",
        "mean": "stat_length",
    }
    option = {}
    if mode in ("reflect", "symmetric") and d.chance(0.3):
        option = {"reflect_type": d.choice(["even", "odd"])}
    elif mode in names and d.chance(0.5):
        option = {names[mode]: d.choice([1, 2, None]) if names[mode] == "stat_length" else values}
    mode = {} if mode == "constant" and d.chance(0.5) else {"mode": mode}
    return {"array": d.array(), "pad_width": width, **mode, "**": option}


@recipe("piecewise")
def piecewise(d):
    """Numbers and functions, each where its condition holds; at times one more for everywhere else."""
    conditions = [d.mask() for _ in range(d.randint(1, 3))]
    functions = [d.choice([1.5, -2, np.negative, np.exp]) for _ in range(len(conditions) + d.randint(0, 1))]
    return {"x": d.array(), "condlist": conditions[0] if d.chance(0.1) else conditions, "funclist": functions, "*": []}


@recipe("select")
def select(d):
    n = d.randint(1, 3)
    default = {"default": d.other()} if d.chance(0.5) else {}
    return {
        "condlist": [d.mask() for _ in range(n)],
        "choicelist": [d.array(), *(d.other() for _ in range(n - 1))],
        **default,
    }


@recipe("polyadd", "polysub", "polymul")
def polynomials(d):
    a, b = d.array(), d.array((d.randint(1, 3),))
    return {"a1": a, "a2": b.tolist() if d.chance(0.2) else b}


@recipe("polyval")
def polyval(d):
    return {"p": d.array((d.randint(0, 3),)), "x": d.other()}


@recipe("poly")
def poly(d):
    return {"seq_of_zeros": d.floats(*d.shape)}


@recipe("polyfit")
def polyfit(d):
    n = d.randint(4, 6)
    return {"x": np.linspace(-1, 2, n), "y": d.floats(n), "deg": d.randint(0, 2)}


@recipe("repeat")
def repeat(d):
    axis = None if d.chance(0.3) else d.axis()
    n = d.length(axis)
    counts = [d.randint(0, 2) for _ in range(n)]
    return {
        "a": d.array(),
        "repeats": d.choice([d.whole(0, 3), counts, np.array(counts, int), [2], tuple(counts)]),
        "axis": axis,
    }


@recipe("item")
def item(d):
    """The only number, or the one at a position."""
    if d.chance(0.5):
        return {"a": d.array((1,) * d.randint(0, 2)), "*": []}
    return {"a": d.array(), "*": d.choice([[d.randint(0, 2)], [d.randint(-2, 1) for _ in d.shape]])}


@recipe("reshape")
def reshape(d):
    return {"a": d.array(), "shape": shape_like(d)}


@recipe("split", "array_split", "hsplit", "vsplit", "dsplit")
def split(d):
    axis = d.axis()
    n = d.length(axis)
    parts = d.choice([1, max(n, 1), d.whole(1, 3), [1], (0, 1), np.array([1, 2]), [], [1, 1, 9], [-1], 0])
    return {"ary": d.array(), "indices_or_sections": parts, **({"axis": axis} if d.chance(0.8) else {})}


@recipe("take")
def take(d):
    axis = None if d.chance(0.3) else d.axis()
    indices = d.indices(d.choice([(), (2,), (2, 2), (0,)]), d.length(axis), wrong=0.15 if 0 not in d.shape else 0)
    mode = {"mode": d.choice(["raise", "wrap", "clip"])} if d.chance(0.3) else {}
    return {"a": d.array(), "indices": indices.tolist() if d.chance(0.4) else indices, "axis": axis, **mode}


@recipe("take_along_axis")
def take_along_axis(d):
    axis = None if d.chance(0.15) else d.axis()
    shape = list(d.shape) if axis is not None else [1]
    n = d.length(axis)
    if axis is not None and -len(shape) <= axis < len(shape):
        shape = [1 if d.chance(0.15) else k for k in shape]
        shape[axis] = d.randint(0, 3)
    return {"arr": d.array(), "indices": d.indices(shape, n), **({"axis": axis} if axis != -1 or d.chance(0.5) else {})}


@recipe("where")
def where(d):
    condition = d.choice([d.mask(d.stretched()), d.mask(), True, [True], d.array()])
    return {"condition": condition, "x": d.array(), "y": d.other()}


@recipe("transpose")
def transpose(d):
    n = len(d.shape)
    axes = [a - n * d.randint(0, 1) for a in d.sample(range(n), n)]
    axes = d.choice([axes, tuple(axes), None, axes[:1]])
    return {"a": d.array(), **({"axes": axes} if d.chance(0.8) else {})}


@recipe("matmul", "linalg.matmul", "dot", "linalg.multi_dot", "inner")
def products(d):
    """Vectors and matrices, and stacks of these, that mostly fit."""
    n, batch = d.randint(1, 3), d.some_shape(d.randint(0, 2))
    a = d.array(d.choice([(n,), (2, n), (*batch, 2, n)]))
    b = d.array(d.choice([(n,), (n, 3), (*batch, n, 3)] if d.chance(0.93) else [(n + 1, 2), ()]))
    return {"a": a, "b": b.tolist() if d.chance(0.1) else b, "x1": a, "x2": b}


@recipe("inner")
def inner(d):
    n = d.randint(0, 3)
    return {"a": d.array(d.choice([(n,), (2, n), (), (2, 1, n)])), "b": d.array(d.choice([(n,), (3, n), (n,)]))}


@recipe("matvec")
def matvec(d):
    return {"x1": d.array((*d.shape[:1], 2, 3)), "x2": d.array((3,))}


@recipe("vecmat")
def vecmat(d):
    return {"x1": d.array((2,)), "x2": d.array((*d.shape[:1], 2, 3))}


@recipe("vdot")
def vdot(d):
    return {"a": d.array(), "b": d.array() if d.chance(0.7) else d.array((int(np.prod(d.shape, dtype=int)),))}


@recipe("linalg.multi_dot")
def multi_dot(d):
    sizes = [d.randint(1, 3) for _ in range(d.randint(3, 5))]
    shapes = [[n, m] for n, m in pairwise(sizes)]
    if d.chance(0.3):
        shapes[0] = shapes[0][1:]
    return {"arrays": [d.array(shape) for shape in shapes]}


@recipe("kron")
def kron(d):
    d.shape = d.shape[:2]
    return {"a": d.array(), "b": d.array(d.some_shape(d.randint(0, 3)))}


@recipe("outer", "linalg.outer")
def outer(d):
    b = d.array((d.randint(1, 3),))
    return {"a": d.array(), "b": d.other(), "x1": d.array(), "x2": b}


@recipe("tensordot", "linalg.tensordot")
def tensordot(d):
    """Arrays whose summed axes have one length, seldom in another order."""
    n = len(d.shape)
    summed = d.randint(0, n)
    kept = d.some_shape(d.randint(0, 2))
    a = d.array()
    if d.chance(0.5):
        lengths = d.shape[n - summed :][:: -1 if d.chance(0.2) else 1]
        return {"a": a, "x1": a, **dict.fromkeys(("b", "x2"), d.array((*lengths, *kept))), "axes": summed}
    axes = d.sample(range(n), summed)
    b = d.array((*(d.shape[i] for i in axes), *kept))
    pair = d.choice([list, tuple])([d.choice([list, tuple])(axes), list(range(summed))])
    if summed == 1 and d.chance(0.5):
        pair = (axes[0] - n * d.randint(0, 1), 0)
    return {"a": a, "x1": a, "b": b, "x2": b, "axes": pair}


EQUATIONS = sorted(
    words(
        "ij,jk->ik i,i-> ii ii->i ij->ji ij-> i,j->ij ij,ij->ij ij,jk ...ij,...jk ...ij->...ji a...,a->... ij,j,i-> ji "
        "iij->j ii,i->i ij,kj->ki ...,... i...->... ijk,ikl->ijl i,i,i->i bij,bjk->bik"
    )
)


@recipe("einsum")
def einsum(d):
    """Operands that fit the letters; at times as lists of numbers in place of letters."""
    equation = d.choice(EQUATIONS)
    size = {letter: d.choice([1, 2, 3, 3, 0]) for letter in "abijkl"}
    operands = [d.array(_shape_of_letters(s, size, d)) for s in equation.partition("->")[0].split(",")]
    options = {"optimize": bools(d)} if d.chance(0.3) else {}
    if "." not in equation and d.chance(0.15):
        left, arrow, right = equation.partition("->")
        numbers = [[ord(letter) - 97 for letter in s] for s in left.split(",")]
        pairs = [part for pair in zip(operands, numbers, strict=True) for part in pair]
        return {"*": [*pairs, *([[ord(s) - 97 for s in right]] if arrow else [])], **options}
    spaced = equation.replace(",", " , ") if d.chance(0.1) else equation
    return {"*": [spaced, *operands], **options}


def _shape_of_letters(letters: str, size: dict[str, int], d: Draw) -> list[int]:
    before, dots, after = letters.partition("...")
    return [size[s] for s in before] + ([2, 1][: d.randint(0, 2)] if dots else []) + [size[s] for s in after]


@recipe("einsum_path")
def einsum_path(d):
    return {"*": ["ij,jk->ik", d.array((2, 3)), d.array((3, 2))]}


@recipe("gradient")
def gradient(d):
    """Spacings: none, a number, or one for each axis."""
    d.shape = tuple(n + 2 for n in d.shape)
    spacing = d.choice([[], [], [0.5], [2] * len(d.shape)])
    if d.chance(0.2):
        return {"f": d.array(), "*": [np.cumsum(np.abs(d.floats(d.shape[0])) + 0.5)], "axis": 0}
    return {"f": d.array(), "*": spacing}


@recipe("histogram")
def histogram(d):
    return {"a": d.array(), "bins": d.choice([5, 3, [-3.0, 0.0, 0.5, 3.0]]), "range": (-4.0, 4.0)}


@recipe("histogram2d")
def histogram2d(d):
    return {"x": d.floats(4), "y": d.floats(4), "bins": d.choice([2, [2, 3]]), "range": [(-4, 4), (-3, 3)]}


@recipe("histogramdd")
def histogramdd(d):
    return {"sample": d.floats(4, 2), "bins": d.choice([2, [2, 3]]), "range": [(-4, 4), (-3, 3)]}


@recipe("apply_along_axis")
def apply_along_axis(d):
    return {"func1d": d.choice([np.sum, np.cumsum, np.sort, np.max]), "axis": d.axis(), "arr": d.array(), "*": []}


@recipe("apply_over_axes")
def apply_over_axes(d):
    axes = d.choice([d.axis(), (0, -1), [0]]) if d.shape else ()
    return {"func": d.choice([np.sum, np.max, np.cumsum]), "a": d.array(), "axes": axes}


@recipe("ravel_multi_index")
def ravel_multi_index(d):
    return {"multi_index": (d.indices((3,), 2) % 2, d.indices((3,), 3) % 3), "dims": (2, 3)}


@recipe("unravel_index")
def unravel_index(d):
    return {"indices": d.indices(d.shape, 6) % 6, "shape": (2, 3)}


@recipe("packbits", "unpackbits")
def bits(d):
    return {"a": np.abs(d.array(d.shape or (3,), "int64")).astype("uint8" if d.chance(0.9) else int)}


@recipe("can_cast")
def can_cast(d):
    return {"from_": d.array(), "to": d.choice([np.float32, np.float64, int])}


@recipe("triu_indices_from", "tril_indices_from", "diag_indices_from")
def indices_from(d):
    n = d.randint(1, 3)
    return {"arr": d.array((n, n) if d.chance(0.8) else (n, n + 1))}


@recipe(
    "linalg.inv", "linalg.det", "linalg.slogdet", "linalg.matrix_power", "linalg.eig", "linalg.eigvals", "linalg.cond"
)
def square(d):
    a = d.matrix() if d.chance(0.92) else d.floats(*d.shape)
    return {"a": a, "x": a}


@recipe("linalg.cholesky")
def cholesky(d):
    return {"a": d.matrix("definite") if d.chance(0.9) else d.matrix()}


@recipe("linalg.eigh", "linalg.eigvalsh")
def eigh(d):
    return {"a": d.matrix("symmetric") if d.chance(0.8) else d.matrix()}


@recipe("linalg.solve")
def solve(d):
    a = d.matrix()
    n = a.shape[-1]
    return {"a": a, "b": d.array(d.choice([(n,), (n, 2), (*a.shape[:-2], n, 2), (2, n, 1), (n + 1,)]))}


@recipe("linalg.lstsq")
def lstsq(d):
    n = d.randint(1, 4)
    return {"a": d.floats(n, 2), "b": d.floats(*d.choice([(n,), (n, 2)]))}


@recipe("linalg.tensorinv")
def tensorinv(d):
    ind = d.choice([2, 1])
    return {"a": d.floats(2, 3, 6) if ind == 2 else d.floats(6, 2, 3), "ind": ind}


@recipe("linalg.tensorsolve")
def tensorsolve(d):
    return {"a": d.floats(2, 3, 6), "b": d.floats(2, 3)}


# -- calls of functions


class Method:
    """A method of ndarray and of Tensor as a function of the array, so that it is drawn as functions are."""

    def __init__(self, name: str):
        self.__name__ = name

    def __call__(self, array: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(array, self.__name__)(*args, **kwargs)

    def parameters(self) -> list[inspect.Parameter]:
        """Those of ndarray's method; where these are hidden behind **kwargs, also those of the function."""
        own = inspect.signature(getattr(np.ndarray, self.__name__)).parameters.values()
        own = [p.replace(kind=p.POSITIONAL_ONLY) if p.name == "choices" else p for p in own]
        named = [p.replace(name=SAME.get(p.name, p.name)) for p in own if p.kind is not p.VAR_KEYWORD]
        if len(named) < len(own) and self.__name__ != "clip":
            hidden = inspect.signature(getattr(np, self.__name__)).parameters
            named += [hidden[n].replace(kind=KEYWORD) for n in ("keepdims", "initial", "where") if n in hidden]
        return named


KEYWORD = inspect.Parameter.KEYWORD_ONLY
SAME = {"self": "a", "other": "b"}
"""Parameters of methods that the functions call otherwise."""


def key_of(function: Function) -> str:
    """The name in the tables above: "sum", "linalg.norm" or, of a method, "sum" too."""
    name = function.__name__
    return f"linalg.{name}" if "linalg" in (getattr(function, "__module__", None) or "") else name


def calls_of(function: Function, n: int) -> Iterator[Call]:
    """n random calls of a function, always the same ones."""
    key = key_of(function)
    low, high = DIMENSIONS.get(key, (0, 4))
    seeds = iter(range(5 * n))
    for _ in range(n):
        call = None
        while call is None:  # no argument was an array that can be a Tensor
            call = random_call(function, key, Draw(f"{text_of(function)} {next(seeds)}", low, high))
        yield call


def random_call(function: Function, key: str, d: Draw) -> Call | None:
    """One call, or None where no argument turned out to be an array."""
    if key in DECOMPOSED | SUMMED and d.style == "special":
        d.style = "distinct"
    if key in REDUCTIONS and d.chance(0.06):
        d.dtype = "float16"
    if isinstance(function, np.ufunc) and function.signature is None:
        args, kwargs = ufunc_arguments(function, d)
    else:
        args, kwargs = arguments_by_name(function, key, d)
    arrays = arrays_in((args, kwargs))
    if all(id(a) in d.hidden for a in arrays):
        return None
    return Call(function, args, kwargs, wraps_of(arrays, d, first=isinstance(function, Method)))


def wraps_of(arrays: list[np.ndarray], d: Draw, first: bool) -> tuple:
    """Which arrays become Tensors: most of those with floating-point numbers, few others, and at least one.

    first: whether the first array must.
    """
    is_float = [a.dtype.kind == "f" for a in arrays]
    seen = [i for i, a in enumerate(arrays) if id(a) not in d.hidden]
    wraps = [(f and bools(d)) if d.chance(0.7 if f else 0.1) else None for f in is_float]
    must = 0 if first else d.choice([i for i in seen if is_float[i]] or seen)
    if wraps[must] is None:
        wraps[must] = is_float[must] and bools(d)
    return tuple(wraps)


def ufunc_arguments(function: np.ufunc, d: Draw) -> tuple[list, dict]:
    """Arguments that broadcast, at least one of them an array; seldom an option."""
    args = [d.other() for _ in range(function.nin)]
    args[d.randrange(function.nin)] = d.array()
    for i in range(function.nin):
        if all(types[i] not in "fd" for types in function.types) and d.chance(0.9):
            args[i] = d.array(d.stretched() if i else None, "int64")
    options = {}
    if d.chance(0.06):
        name = d.choice(["out", "where", "dtype", "casting", "order", "subok"])
        options[name] = PARAMETERS[name](d)
    if d.chance(0.05) and "where" not in options:
        options["where"] = True
    d.hidden.update(map(id, arrays_in(options)))
    return args, options


def arguments_by_name(function: Function, key: str, d: Draw) -> tuple[list, dict]:
    """Arguments for each required parameter and for some of the others, by position or by keyword."""
    fixed = RECIPES[key](d) if key in RECIPES else {}
    values: dict[str, Any] = {}
    parameters = parameters_of(function)
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        if p.name in fixed:
            values[p.name] = fixed[p.name]
        elif p.name in SKIPPED.get(key, ()):
            continue
        elif p.default is EMPTY or d.chance(0.03 if p.name in RARE else 0.35):
            if draw := OPTIONS.get(key, {}).get(p.name) or PARAMETERS.get(p.name):
                values[p.name] = draw(d)
            elif p.default is EMPTY:
                raise LookupError(f"{text_of(function)}: nothing says how to draw {p.name}")
    d.hidden.update(id(a) for name in HIDDEN for a in arrays_in(values.get(name)))
    return placed(parameters, values, fixed, d)


SKIPPED = {
    **dict.fromkeys(("matmul", "matvec", "vecmat"), ("axis", "axes", "keepdims", "signature")),
    "vecdot": ("axes", "signature"),
    "choose": ("out",),  # the method takes None for one more choice
    "meshgrid": ("copy",),  # without a copy NumPy 2.4 gives a list, and 2.5 a tuple
    "unique": ("sorted",),  # False leaves the order to NumPy
    "clip": ("a_min", "a_max", "min", "max"),  # its recipe draws them
}
"""Parameters that are not drawn by name."""

HIDDEN = ("where", "mean", "initial", "default", "fill_value")
"""Parameters in which NumPy does not look for Tensors: with one there alone it does not hand the call over."""

RARE = words("out order casting subok like device signature copy dtype")
"""Options that a Tensor often does not take: seldom drawn."""


def placed(parameters: list, values: dict, fixed: dict, d: Draw) -> tuple[list, dict]:
    """The values by position as far as no parameter before is left out, and at times by keyword although."""
    args: list = []
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    most = len(parameters) if d.chance(0.4) or variadic else d.randint(0, 3)
    kwargs: dict[str, Any] = {}
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            args.extend(spread(fixed, p.name, d))
        elif p.name in values:
            by_keyword = p.kind is p.KEYWORD_ONLY or kwargs or len(args) >= most
            if p.kind is p.POSITIONAL_ONLY or not by_keyword:
                args.append(values[p.name])
            else:
                kwargs[p.name] = values[p.name]
        elif p.kind is p.POSITIONAL_OR_KEYWORD or p.kind is p.POSITIONAL_ONLY:
            most = 0  # the ones after it go by keyword
    return args, kwargs | fixed.get("**", {})


def spread(fixed: dict, name: str, d: Draw) -> list:
    """What `*name` gets: t.reshape(2, 3), t.reshape((2, 3)) and t.reshape(6) are all right."""
    if "*" in fixed or name not in fixed:
        return fixed.get("*", [])
    value = fixed[name]
    return list(value) if isinstance(value, list | tuple) and value and d.chance(0.5) else [value]


def parameters_of(function: Function) -> list[inspect.Parameter]:
    """NumPy's own parameters."""
    if isinstance(function, Method):
        return function.parameters()
    return list(inspect.signature(function).parameters.values())
