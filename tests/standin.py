"""A stand-in for CuPy on machines without a GPU: it computes with NumPy, and refuses what CuPy refuses.

It has the names and keywords of cupy-cuda13x 14.2.0 alone (`cupy_api.json`, read off that release), mixes with no host
array, gives 0-d arrays where NumPy gives scalars, and turns into a NumPy array only through `get` and `asnumpy`.

While a CUDA graph is recorded it does nothing but note what to do, and makes arrays of garbage; nothing may cross then.
"""

import json
import operator
import sys
import types
import weakref
from collections import Counter
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import scipy.special

from autograd import cublas
from tests import shim
from tests.standin_cublas import CuBLAS

API = json.loads((Path(__file__).parent / "cupy_api.json").read_text())
SPECIAL = {
    "cbrt", "cosm1", "digamma", "entr", "erf", "erfc", "erfcinv", "erfcx", "erfinv", "exp10", "exp2", "expit", "expm1",
    "gamma", "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_expit", "log_ndtr", "logit", "ndtr", "ndtri",
    "polygamma", "rel_entr", "rgamma", "xlogy",
}  # fmt: skip
SPECIAL_OF_SEVERAL = {
    "beta", "betainc", "betaincinv", "betaln", "boxcox", "boxcox1p", "chdtr", "chdtrc",
    "chdtri", "fdtr", "fdtrc", "fdtri", "gammainc", "gammaincc", "gammainccinv", "gammaincinv", "gdtr", "gdtrc",
    "huber", "inv_boxcox", "inv_boxcox1p", "kl_div", "nbdtr", "nbdtrc", "nbdtri", "pdtr", "pdtrc", "pdtri", "poch",
    "pseudo_huber", "xlog1py",
}  # fmt: skip
"""What `cupyx.scipy.special` has of what we use, of one argument (and three of two), and of several."""


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
        refuse_if_recording(name)
        if "out" in kwargs:
            out = kwargs.pop("out")
            done(lambda out, *args: function(*args, out=out, **kwargs), out, *args)
            return out
        if name in ("copyto", "fill_diagonal", "put_along_axis"):
            return done(partial(function, **{k: host(v) for k, v in kwargs.items()}), *args)
        return made(function, *args, **kwargs)

    call.__name__ = name
    if isinstance(function, np.ufunc):
        call.at = lambda array, index, values: done(function.at, array, index, values)
    return call


CROSSED = Counter()
"""How often something went from the host to the device, and how often the host waited for something of the device."""
LAUNCHED = Counter()
"""How often the host asked the device for something: kernels one by one, and graphs of them."""
recording = None
"""What a graph that is being recorded has to do, a list of functions."""


def crosses(where):
    """Count it; refused while a graph is recorded, which has no values yet and is launched with others."""
    if recording is not None:
        raise RuntimeError("cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing")
    CROSSED[where] += 1


OF_CUBLAS = {"dot", "matmul", "einsum", "tensordot", "inner", "vdot", "solve", "inv", "cholesky", "qr", "svd", "eigh"}


def refuse_if_recording(name):
    """CuPy calls no library for matrices while a stream is captured."""
    if recording is not None and name.removeprefix("linalg.") in OF_CUBLAS:
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")


def launched(work):
    """One kernel: at once, or when the graph that is being recorded is launched."""
    if recording is not None:
        recording.append(work)
        return
    LAUNCHED["kernels"] += 1
    work()


def done(function, *args):
    """A function that writes to one of its arguments."""
    args = host(args)
    launched(lambda: function(*args))


def made(function, *args, **kwargs):
    """A function that makes arrays, or views of those that it is given: these are no work of the device."""
    args, kwargs = host(args), {k: host(v) for k, v in kwargs.items()}
    given = list(arrays_in([*args, *kwargs.values()]))
    with np.errstate(**{} if recording is None else {"all": "ignore"}):
        result = device(function(*args, **kwargs))
    new = [a for a in arrays_in([result]) if a.size and not any(np.may_share_memory(a, b) for b in given)]
    if not new:
        return result
    for array in new:
        allocated(array)
    if recording is not None:
        for array in new:
            array[...] = np.nan if array.dtype.kind == "f" else 0

    def again():
        values = arrays_in([function(*args, **kwargs)])
        for array, value in zip(arrays_in([result]), values, strict=True):
            if any(array is a for a in new):
                array[...] = value

    if recording is not None:
        recording.append(again)
    else:
        LAUNCHED["kernels"] += 1
    return result


def arrays_in(values):
    """The NumPy arrays among values and in the device arrays among them, through lists and tuples."""
    for value in values:
        if isinstance(value, ndarray):
            yield value._host
        elif isinstance(value, np.ndarray | np.generic):
            yield value
        elif isinstance(value, list | tuple):
            yield from arrays_in(value)


MEMORY = weakref.WeakValueDictionary()
"""By an address that was asked for, the array that holds the memory there."""


def address(array):
    pointer, owner = array.ctypes.data, array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    MEMORY[pointer] = owner
    return pointer


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
    itemsize = property(lambda self: self._host.itemsize)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: self._host.flags)
    data = property(lambda self: types.SimpleNamespace(ptr=address(self._host)))
    T = property(lambda self: device(self._host.T))

    def get(self):
        crosses("to the host")
        return self._host.copy()

    def item(self):
        crosses("to the host")
        return self._host.item()

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, ufunc, method, *args, out=None, **kwargs):
        if method != "__call__" or not all(isinstance(a, HANDLED) for a in args):
            return NotImplemented
        if out is not None:
            kwargs["out"] = out[0]
        return getattr(cupy, ufunc.__name__)(*args, **kwargs)

    def __array_function__(self, function, types_, args, kwargs):
        if not all(issubclass(t, HANDLED) for t in types_):
            return NotImplemented
        module = cupy.linalg if "linalg" in function.__module__ else cupy
        return getattr(module, function.__name__)(*args, **kwargs)

    def __getitem__(self, index):
        return made(operator.getitem, self, index)

    def __setitem__(self, index, value):
        done(operator.setitem, self, index, value)

    def __len__(self):
        return len(self._host)

    def fill(self, value):
        done(np.ndarray.fill, self, value)

    def __deepcopy__(self, memo):
        return made(np.copy, self)

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
    "swapaxes",
)
OPERATORS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "pow": np.power, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip
UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


def _define(name, ufunc=None):
    """An operator is NumPy's ufunc, which asks every operand's `__array_ufunc__`: so CuPy does it too."""
    if ufunc is None:
        method = getattr(np.ndarray, name)
        setattr(ndarray, name, lambda self, *args, **kw: made(method, self, *args, **kw))
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


def _product(a, b):
    """The operator @, which asks nobody else where both are of CuPy: `cupy.matmul` may be another function by then."""
    if not (isinstance(a, ndarray) and isinstance(b, ndarray)):
        return np.matmul(a, b)
    refuse_if_recording("matmul")
    return made(np.matmul, a, b)


ndarray.__matmul__ = _product


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
    return lambda *args, **kwargs: made(function, *args, **kwargs)


def asarray(data, dtype=None):
    if isinstance(data, ndarray):
        return data if dtype in (None, data.dtype) else data.astype(dtype)
    crosses("to the device")
    array = np.array(data, dtype=dtype)
    allocated(array)
    return ndarray._of(array)


CUDA = {"sqrt": np.sqrt, "tanh": np.tanh, "exp": np.exp, "log": np.log, "fabs": np.abs}
CUDA["fdim"] = lambda x, y: np.maximum(x - y, 0)  # the positive difference; NaN stays NaN, which it does not in fmin
"""What operations may call."""


class ElementwiseKernel:
    """CuPy's, for operations that are Python too: assignments to outputs, one after the other."""

    def __init__(self, inputs, outputs, operation, name):
        declared = [[declaration.split() for declaration in text.split(",")] for text in (inputs, outputs)]
        self.inputs, self.outputs = ([name for _, name in names] for names in declared)
        if "i" in self.inputs + self.outputs:
            raise ValueError("Can not use 'i' as a parameter name")
        self.types = {name: type_ for names in declared for type_, name in names}
        self.operation, self.name = operation, name

    def __call__(self, *arrays):
        names = [*self.inputs, *self.outputs]
        if len(arrays) not in (len(self.inputs), len(names)):
            raise TypeError(f"Wrong number of arguments for {self.name}: {len(arrays)}")
        if set(self.types.values()) != {"T"}:
            raise NotImplementedError("the stand-in knows one type, T, that an array among the arguments decides")
        dtypes = {a.dtype for a in arrays if isinstance(a, ndarray)}
        if not dtypes:
            raise KeyError("T")
        if len(dtypes) > 1:
            raise TypeError(f"Type is mismatched. T {dtypes}")
        compute = partial(self._computed, dtypes.pop().type)
        if len(arrays) == len(names):
            done(partial(self._write, compute), *arrays)
            return None
        (output,) = self.outputs
        return made(lambda *arrays: compute(*arrays)[output], *arrays)

    def _write(self, compute, *arrays):
        results = compute(*arrays)
        for name, array in zip(self.outputs, arrays[len(self.inputs) :], strict=True):
            if np.shape(results[name]) not in ((), array.shape):
                raise ValueError("Out shape is mismatched")
            array[...] = results[name]

    def _computed(self, T, *arrays):
        names = [*self.inputs, *self.outputs]
        values = {name: v if isinstance(v, np.ndarray) else T(v) for name, v in zip(names, arrays, strict=False)}
        exec(self.operation, CUDA | {"T": T}, values)
        return values


class ReductionKernel:
    """CuPy's, for sums."""

    def __init__(self, inputs, outputs, of_each, of_two, at_the_end, identity, name):
        assert (of_two, at_the_end, identity) == ("a + b", f"{outputs.split()[1]} = a", "0")
        self.names, self.of_each = [declaration.split()[1] for declaration in inputs.split(",")], of_each

    def __call__(self, *arrays, axis):
        if len({a.dtype for a in arrays}) > 1:
            raise TypeError("Type is mismatched. T")
        each = lambda *arrays: eval(self.of_each, CUDA | dict(zip(self.names, arrays, strict=True)))
        return made(lambda *arrays: np.sum(each(*arrays), axis=axis), *arrays)


class RawModule:
    """CuPy's: the source itself, compiled for the processor. It refuses arguments that are not as the kernel declares
    them, where CuPy's would read and write wrong memory."""

    def __init__(self, code, options=()):
        self._library = shim.compiled(code)

    def get_function(self, name):
        def launch(grid, block, arguments):
            given = shim.checked(self._library, name, [host(a) for a in arguments])
            launched(lambda: shim.run(self._library, name, *grid, *block, given))

        return launch


def garbage(make):
    """A function that makes arrays without values, of NaNs: what is read before it is written has to show."""

    def made_of_nans(*args, **kwargs):
        array = make(*args, **kwargs)
        if array.dtype.kind == "f":
            array.fill(np.nan)
        return array

    return made_of_nans


cupy = Namespace("cupy", np)
cupy.RawModule = RawModule
cupy.empty, cupy.empty_like = (on_device(f.__name__, garbage(f)) for f in (np.empty, np.empty_like))
cupy.ReductionKernel = ReductionKernel
cupy.ElementwiseKernel = ElementwiseKernel
cupy.linalg = Namespace("cupy.linalg", np.linalg, "linalg.")


def solve(a, b):
    """CuPy's broadcasts no stacks."""
    refuse_if_recording("solve")
    if b.ndim > 1 and a.shape[:-1] != b.shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M) or (..., M, K)")
    return made(np.linalg.solve, a, b)


cupy.linalg.solve = solve
cupy.random = types.SimpleNamespace(default_rng=Generator)


class Stream:
    """One that work can be recorded on."""

    current = types.SimpleNamespace(ptr=0)

    def __init__(self, non_blocking=False):
        assert non_blocking, "the stream that all work is on by default cannot be recorded"
        self.ptr = id(self)

    def __enter__(self):
        self._before, Stream.current = Stream.current, self
        return self

    def __exit__(self, *error):
        Stream.current = self._before

    def begin_capture(self):
        global recording
        assert recording is None
        recording = []

    def end_capture(self):
        global recording
        graph, recording = Graph(recording), None
        return graph


class Graph:
    """What was recorded."""

    def __init__(self, work):
        self.work = work

    def launch(self):
        LAUNCHED["graphs"] += 1
        for kernel in self.work:
            kernel()


class MemoryHook:
    """CuPy's. It is told of each array that is made here, as if each had its memory from a pool."""

    active = []

    def __enter__(self):
        self.active.append(self)
        return self

    def __exit__(self, *error):
        self.active.remove(self)

    def malloc_postprocess(self, **piece):
        pass

    def free_postprocess(self, **piece):
        pass


def allocated(array):
    """Tell the hooks of a NumPy array that was made for a device array, and of its end."""
    piece = {"device_id": 0, "mem_size": -(-array.nbytes // 512) * 512, "mem_ptr": id(array), "pmem_id": id(array)}
    for hook in MemoryHook.active:
        hook.malloc_postprocess(size=array.nbytes, **piece)
    if MemoryHook.active:
        weakref.finalize(array, lambda: [hook.free_postprocess(**piece) for hook in MemoryHook.active])


class MemoryPool:
    def malloc(self, size):
        raise NotImplementedError


@contextmanager
def using_allocator(allocator):
    """What is allocated inside comes from a pool: one that nothing else is given memory of."""
    assert isinstance(allocator.__self__, MemoryPool)
    yield


cupy.cuda = types.SimpleNamespace(
    is_available=lambda: True,
    Device=lambda: types.SimpleNamespace(id=0),
    Stream=Stream,
    get_current_stream=lambda: Stream.current,
    MemoryHook=MemoryHook,
    MemoryPool=MemoryPool,
    using_allocator=using_allocator,
)
CUBLAS = CuBLAS(MEMORY.get, launched, lambda: None if recording is None else Stream.current.ptr)
cupy.ndarray, cupy.asarray, cupy.array = ndarray, asarray, asarray
cupy.asnumpy = lambda array: array.get()

special = types.ModuleType("cupyx.scipy.special")
for _name in SPECIAL | SPECIAL_OF_SEVERAL:
    setattr(special, _name, on_host_of(getattr(scipy.special, _name)))


def polygamma(n, x):
    """CuPy's makes no array of n, and asks the answer of n == 0 for its `astype`."""
    if isinstance(n, int | float):
        raise AttributeError("'bool' object has no attribute 'astype'")
    return made(scipy.special.polygamma, n, x)


special.polygamma = polygamma


def install(monkeypatch):
    """Let `import cupy` find the stand-in."""
    for name, module in {"cupy": cupy, "cupyx.scipy.special": special}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(cublas, "library", lambda: CUBLAS)
