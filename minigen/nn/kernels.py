"""CUDA kernels in C++, one for each name in `KERNELS`. The NumPy form of each, with its formula, is where it is used.

A test holds each kernel equal to its NumPy form. T, U and V are types of arrays. Fractions are written T(0.5),
since C++ takes 0.5 for a double. The kernels of the cells take z/2 in place of z, the argument of a gate σ(z).
"""

from __future__ import annotations

from collections.abc import Callable

from autograd import cuda


def sigma(z: str) -> str:
    """Return the C++ text for σ(2z) = ½ + ½ tanh z, a form that cannot overflow.  z: the C++ text of the number z."""
    return f"T(0.5) + T(0.5) * tanh({z})"


# fmt: off
KERNELS = {  # name: inputs, outputs, operation, as `cupy.ElementwiseKernel` takes them
    "sigmoid":             ("T x", "T y", f"y = {sigma('T(0.5) * x')}"),
    "sigmoid_gradient":    ("T g, T y", "T d", "d = g * (y * (1 - y))"),
    "relu_gradient":       ("T g, T y", "T d", "d = g * (y > 0)"),
    "leaky_relu_gradient": ("T g, T y, T slope", "T d", "d = g * (slope + (1 - slope) * (y > 0))"),
    "bernoulli_log_prob":  ("T x, T l", "T y", "y = -fdim((1 - 2 * x) * l, T(0)) - log(1 + exp(-fabs(l)))"),
    "bernoulli_score":     ("T g, T x, T l", "T d", f"d = g * (x - ({sigma('T(0.5) * l')}))"),
    "gru_step":  ("T before, T of_h", "T z_r, T z_u, T z_n, T h",
                  f"z_r = {sigma('z_r')}; z_u = {sigma('z_u')}; "
                  "z_n = tanh(z_n + z_r * of_h); h = z_n + z_u * (before - z_n)"),
    "lstm_step": ("T before", "T z_o, T z_i, T z_f, T z_g, T c, T h",
                  f"z_o = {sigma('z_o')}; z_i = {sigma('z_i')}; z_f = {sigma('z_f')}; "
                  "z_g = tanh(z_g); c = z_f * before + z_i * z_g; h = z_o * tanh(c)"),
    "lstm_back": ("T dc_dh, T forget", "T d_o, T d_i, T d_f, T d_g, T dh, T dc",
                  "dc = dc + dh * dc_dh; d_o = d_o * dh; d_i = d_i * dc; d_f = d_f * dc; d_g = d_g * dc; "
                  "dc = dc * forget; dh = 0"),
    "tanh_of_sum":  ("T a, T s", "T t", "t = tanh(a + s)"),
    "through_tanh": ("T g, T v, T t", "T d", "d = g * v * (1 - t * t)"),
    "guard":      ("T loss, U square", "bool go, V kept_loss, V kept_square",
                   "go = go & isfinite(loss) & isfinite(square); kept_loss = loss; kept_square = square"),
    "accumulate": ("T g, T momentum, bool go", "T v", "if (go) { v = momentum * v + g; }"),
    "descend":    ("T g, T rate, bool go", "T theta", "if (go) { theta = theta - rate * g; }"),
    "adam":       ("T g, T beta1, T beta2, T rate, T eps, T decay, bool go", "T theta, T M, T S",
                   "if (go) { M = beta1 * M + g; S = beta2 * S + g * g; "
                   "theta = decay * theta - rate * M / (sqrt(S) + eps); }"),
}
# fmt: on


def fused(function: Callable) -> Callable:
    """Decorator for an element-wise `function` of arrays: on the device the kernel of its name in `KERNELS` runs.

    The function's own body runs on the host, for Tensors, and for integers or arrays of unlike dtypes. The decorated
    function takes its arguments by position.
    function: its `__name__` is a key of `KERNELS`. Raises ValueError if `KERNELS` has no such key.
    """
    if function.__name__ not in KERNELS:
        raise ValueError(
            f"KERNELS has no C++ form of {function.__name__}: add one, or leave @fused out; then NumPy's calls run"
        )
    return cuda.fused(*KERNELS[function.__name__])(function)


def kernel(name: str) -> cuda.Kernel:
    """Return the CUDA kernel that `KERNELS` holds under the key `name`.

    The kernel is called with its input arrays and then its output arrays, which it writes to.
    """
    return cuda.Kernel(*KERNELS[name], name)
