"""The processor in the place of a device refuses what a device would do wrong without a word."""

import numpy as np
import pytest

from tests import shim

SUM = r"""
extern "C" __global__ void __launch_bounds__(THREADS) running_sum(const float* x, float* y, int n) {
  __shared__ float before[4];
  before[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  float sum = 0;
  for (int k = 0; k <= threadIdx.x; k++) sum += before[k];
  y[threadIdx.x] = sum;
}
"""
X = np.arange(1, 5, dtype=np.float32)


FOUR = np.int32(4)


def launched(x, y, n=FOUR, source=SUM):
    library = shim.compiled(source)
    shim.run(library, "running_sum", 1, 4, shim.checked(library, "running_sum", [x, y, n]))
    return y


def test_a_kernel_runs():
    np.testing.assert_array_equal(launched(X, np.empty_like(X)), [1, 3, 6, 10])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("__syncthreads();", "", "threads do not wait for each other"),
        ("__syncthreads();", "if (threadIdx.x) __syncthreads();", "not all threads of a block meet"),
        ("y[threadIdx.x]", "y[threadIdx.x + 1]", "written outside"),
        ("y[threadIdx.x]", "y[0]", "threads do not wait for each other"),
    ],
    ids=["no barrier", "not all", "past the end", "the same place"],
)
def test_a_wrong_kernel_is_refused(old, new, said):
    with pytest.raises(AssertionError, match=said):
        launched(X, np.zeros_like(X), source=SUM.replace(old, new))


def test_shared_memory_begins_without_values():
    assert np.isnan(launched(X, np.zeros_like(X), source=SUM.replace("= x[threadIdx.x];", "+= x[threadIdx.x];"))).all()


@pytest.mark.parametrize(
    ("x", "n"),
    [
        (X.astype(float), FOUR),
        (np.repeat(X, 2)[::2], FOUR),
        (None, FOUR),
        (X, 4),
        (X, np.int64(4)),
    ],
    ids=["dtype", "strides", "None", "int", "int64"],
)
def test_a_wrong_argument_is_refused(x, n):
    with pytest.raises(AssertionError, match=r"given|strides"):
        launched(x, np.empty_like(X), n)
