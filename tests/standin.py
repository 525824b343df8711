"""A stand-in for CuPy on machines without a GPU: it computes with NumPy, and refuses what CuPy refuses.

It has the names and keywords of cupy-cuda13x 14.2.0 alone (`cupy_api.json`, read off that release), mixes with no host
array, gives 0-d arrays where NumPy gives scalars, and turns into a NumPy array only through `get` and `asnumpy`.
"""

import json
import sys
import types
from collections import Counter
from pathlib import Path

import numpy as np
import scipy.special

API = json.loads((Path(__file__).parent / "cupy_api.json").read_text())
SPECIAL = {
    "digamma", "entr", "erf", "erfc", "expit", "gammaln", "log_expit", "log_ndtr", "logit", "ndtr", "polygamma",
    "rel_entr", "xlogy",
}  # fmt: skip


def host(x):
    """The NumPy array in a device array, through lists and tuples; a host array among them is refused."""
    if isinstance(x, ndarray):
        return x._host
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    if isinstance(x, list | tuple):
        return type(x)(host(y) for y in x)
    return x


def device(x):
    """NumPy's result as a device array, through lists and tuples; named tuples keep their names."""
    if isinstance(x, np.ndarray | np.generic):
        return ndarray._of(np.asarray(x))
    if isinstance(x, list | tuple):
        parts = [device(y) for y in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return x


def on_device(name, function):
    """NumPy's `function`, called with device arrays as CuPy's function of this name would be."""

    def call(*args, **kwargs):
        known = API[name]
        if known is not None and set(kwargs) - set(known):
            raise TypeError(f"cupy.{name}() got an unexpected keyword argument {sorted(set(kwargs) - set(known))[0]!r}")
        return device(function(*host(args), **{k: host(v) for k, v in kwargs.items()}))

    call.__name__ = name
    if isinstance(function, np.ufunc):
        call.at = lambda array, index, values: function.at(host(array), host(index), host(values))
    return call


CROSSED = Counter()
"""How often something went from the host to the device, and how often the host waited for something of the device."""


class ndarray:  # noqa: N801, CuPy's name
    """`cupy.ndarray`: an array that does not turn into NumPy's by itself."""

    __slots__ = ("_host",)
    __hash__ = None
    device = types.SimpleNamespace(id=0)

    @classmethod
    def _of(cls, array):
        self = object.__new__(cls)
        self._host = array
        return self

    shape = property(lambda self: self._host.shape)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    dtype = property(lambda self: self._host.dtype)
    nbytes = property(lambda self: self._host.nbytes)
    T = property(lambda self: device(self._host.T))

    def get(self):
        CROSSED["to the host"] += 1
        return self._host.copy()

    def item(self):
        CROSSED["to the host"] += 1
        return self._host.item()

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, ufunc, method, *args, out=None, **kwargs):
        if method != "__call__" or not all(isinstance(a, HANDLED) for a in args):
            return NotImplemented
        if out is not None:
            ufunc(*host(args), out=host(out), casting="same_kind", **kwargs)
            return out[0]
        return getattr(cupy, ufunc.__name__)(*args, **kwargs)

    def __array_function__(self, function, types_, args, kwargs):
        if not all(issubclass(t, HANDLED) for t in types_):
            return NotImplemented
        module = cupy.linalg if "linalg" in function.__module__ else cupy
        return getattr(module, function.__name__)(*args, **kwargs)

    def __getitem__(self, index):
        return device(self._host[host(index)])

    def __setitem__(self, index, value):
        self._host[host(index)] = host(value)

    def __len__(self):
        return len(self._host)

    def __deepcopy__(self, memo):
        return ndarray._of(self._host.copy())

    def __bool__(self):
        return bool(self.item())

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())


HANDLED = (ndarray, np.ndarray, np.generic, bool, int, float)
METHODS = (
    "sum",
    "mean",
    "var",
    "max",
    "min",
    "reshape",
    "transpose",
    "astype",
    "copy",
    "ravel",
    "squeeze",
    "any",
    "all",
    "fill",
    "swapaxes",
)
OPERATORS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip
UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


def _define(name, ufunc=None):
    """An operator is NumPy's ufunc, which asks every operand's `__array_ufunc__`: so CuPy does it too."""
    if ufunc is None:
        setattr(ndarray, name, lambda self, *args, **kw: device(getattr(self._host, name)(*host(args), **kw)))
    elif name in UNARY:
        setattr(ndarray, f"__{name}__", lambda self: ufunc(self))
    else:
        setattr(ndarray, f"__{name}__", lambda self, other: ufunc(self, other))
        setattr(ndarray, f"__r{name}__", lambda self, other: ufunc(other, self))
        setattr(ndarray, f"__i{name}__", lambda self, other: ufunc(self, other, out=self))


for _name in METHODS:
    _define(_name)
for _name, _ufunc in (OPERATORS | UNARY).items():
    _define(_name, _ufunc)


class Namespace(types.ModuleType):
    """A module with the names of CuPy's API that NumPy has too."""

    def __init__(self, name, module, prefix=""):
        super().__init__(name)
        self.__dict__.update(_module=module, _prefix=prefix)

    def __getattr__(self, name):
        if self._prefix + name not in API:
            raise AttributeError(f"module 'cupy' has no attribute {self._prefix + name!r}")
        function = getattr(self._module, name)
        return on_device(self._prefix + name, function) if callable(function) else function


class Generator:
    """What `cupy.random.Generator` has."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        for name in ("standard_normal", "random", "uniform", "integers"):
            setattr(self, name, on_host_of(getattr(rng, name)))


def on_host_of(function):
    """A function of NumPy or SciPy on device arrays, without a list of its keywords."""
    return lambda *args, **kwargs: device(np.asarray(function(*host(args), **kwargs)))


def asarray(data, dtype=None):
    if isinstance(data, ndarray):
        return data if dtype in (None, data.dtype) else data.astype(dtype)
    CROSSED["to the device"] += 1
    return ndarray._of(np.array(data, dtype=dtype))


class ElementwiseKernel:
    """CuPy's, for operations that are Python too: assignments to outputs, one after the other."""

    def __init__(self, inputs, outputs, operation, name):
        self.names = [[word.split()[1] for word in words.split(",")] for words in (inputs, outputs)]
        self.operation = operation

    def __call__(self, *arrays):
        inputs, outputs = self.names
        if len(arrays) != len(inputs) + len(outputs):
            raise TypeError(f"Wrong number of arguments: {len(arrays)}")
        values = dict(zip([*inputs, *outputs], host(arrays), strict=True))
        dtype = values[outputs[0]].dtype.type
        values = {name: v if isinstance(v, np.ndarray) else dtype(v) for name, v in values.items()}
        results = dict(values)
        exec(self.operation, {"sqrt": np.sqrt}, results)
        for name in outputs:
            values[name][...] = results[name]


cupy = Namespace("cupy", np)
cupy.ElementwiseKernel = ElementwiseKernel
cupy.linalg = Namespace("cupy.linalg", np.linalg, "linalg.")


def solve(a, b):
    """CuPy's broadcasts no stacks."""
    if b.ndim > 1 and a.shape[:-1] != b.shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M) or (..., M, K)")
    return device(np.linalg.solve(host(a), host(b)))


cupy.linalg.solve = solve
cupy.random = types.SimpleNamespace(default_rng=Generator)
cupy.cuda = types.SimpleNamespace(is_available=lambda: True)
cupy.ndarray, cupy.asarray, cupy.array = ndarray, asarray, asarray
cupy.asnumpy = lambda array: array.get()

special = types.ModuleType("cupyx.scipy.special")
for _name in SPECIAL:
    setattr(special, _name, on_host_of(getattr(scipy.special, _name)))


def install(monkeypatch):
    """Let `import cupy` find the stand-in."""
    for name, module in {"cupy": cupy, "cupyx.scipy.special": special}.items():
        monkeypatch.setitem(sys.modules, name, module)
