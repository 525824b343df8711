"""`python -m tests.walks [--cases N] [--seed S]`: `minigen.nn.walks` beside NumPy's walks, in N random cases.

Each case has a cell, float32 or float64, up to 256 hidden units, up to 784 steps, and a mask and truncation or none.
The kernels run on the processor (`tests.shim`). For each cell and dtype a line shows the largest errors: of the result
and of the gradients of x, the initial states, W, U and b, each relative to its largest number. A second line shows the
same for NumPy's walk in this dtype. The reference is NumPy's walk in float64. The suite runs small cases.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from autograd import Tensor, backend, console, grad
from minigen.nn import bptt, walks
from tests import standin

TOLERANCE = {"float32": 1e-4, "float64": 1e-12}


def arguments(cell, rng, T, N, n, H):
    """x, the initial states, W, U and b, all random, in float32's numbers; states neither grow nor vanish fast."""
    _, gates, states = walks.CELLS[cell]
    shapes = [(T, N, n), *[(N, H)] * states, (n, gates * H), (H, gates * H), (gates * H,)]
    arrays = [rng.standard_normal(shape) for shape in shapes]
    arrays[-2] /= 2 * np.sqrt(H)
    return [a.astype(np.float32).astype(np.float64) for a in arrays]


def value_and_gradients(cell, arrays, dtype="float64", mask=None, **options):
    """The result of the cell's operation, and the gradients of a weighted sum of it by all arguments, on the host.

    The arrays, of the host, are sent to the device while `backend.use("cupy")` holds.
    """
    tensors = [Tensor(backend.to_device(a.astype(dtype)), requires_grad=True) for a in arrays]
    y = getattr(bptt, cell)(*tensors, mask=None if mask is None else backend.to_device(mask), **options)
    weights = backend.to_device(np.cos(np.arange(y.size)).astype(dtype).reshape(y.shape))
    found = [t.data for t in (y, *grad(np.sum(weights * y), tensors))]
    assert all(a.dtype == dtype for a in found)
    return [backend.to_numpy(a) for a in found]


def errors(found, expected):
    """The largest difference of each array, relative to the largest number of what is expected."""
    return [np.max(np.abs(a - b)) / (np.max(np.abs(b)) or 1) for a, b in zip(found, expected, strict=True)]


def some_mask(rng, T, N):
    """None, ragged lengths, or holes anywhere."""
    lengths = np.arange(T)[:, None] < rng.integers(1, T + 1, N)
    return [None, lengths, rng.random((T, N)) < 0.6][rng.integers(3)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=120, help="number of cases (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the cases (default: %(default)s)")
    args = parser.parse_args()
    sys.modules.setdefault("cupy", standin.cupy)
    rng = np.random.default_rng(args.seed)
    worst: dict[tuple[str, str], np.ndarray] = {}
    for case in range(args.cases):
        cell, dtype = list(walks.CELLS)[case % 3], list(TOLERANCE)[case // 3 % 2]
        T, N, n = (int(rng.choice(sizes)) for sizes in ((1, 2, 28, 784), (1, 2, 5), (1, 3)))
        H = int(rng.integers(1, walks.LARGEST + 1)) if T < 784 else int(rng.integers(1, 33))
        arrays, mask = arguments(cell, rng, T, N, n, H), some_mask(rng, T, N)
        options = {"mask": mask, "truncate": [None, 1, 3, 100][rng.integers(4)]}
        expected = value_and_gradients(cell, arrays, **options)
        plain = errors(value_and_gradients(cell, arrays, dtype, **options), expected)
        with backend.use("cupy"):
            found = errors(value_and_gradients(cell, arrays, dtype, **options), expected)
        if not max(found) < TOLERANCE[dtype]:
            print(f"case {case}: {cell}, {dtype}, T = {T}, N = {N}, n = {n}, H = {H}, {options}: errors {found}")
            return 1
        worst[cell, dtype] = np.maximum(worst.get((cell, dtype), 0), [found, plain])
    for (cell, dtype), both in worst.items():
        for name, row in zip(("kernels", "NumPy"), both, strict=True):
            print(f"{cell:5s}{dtype:8s} {name:8s}" + "".join(f"{error:9.1e}" for error in row))
    return 0


if __name__ == "__main__":
    console.run(main)
