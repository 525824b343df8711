"""One library's operations in a process of its own: for each line "NAME SIZE COUNT" on standard input, seconds a step.

`python benchmarks/operations_worker.py LIBRARY`
"""

import importlib
import json
import math
import sys
import time

import numpy as np


def prepare(build, name, size):
    """The step of an operation on float32 arrays of about `size` elements."""
    rng = np.random.default_rng(0)
    shape = (math.isqrt(size),) * 2 if name == "matmul" else (size,)
    x, y = (rng.uniform(0.5, 1.5, shape).astype(np.float32) for _ in range(2))
    result = {"sum": (), "mean": (), "getitem": (1,)}.get(name, shape)
    return build(name, x, y, np.ones(result, np.float32))


def main(library):
    build = importlib.import_module(f"{library}_operations").build
    print("ready", flush=True)
    steps = {}
    for line in sys.stdin:
        name, size, count = line.split()
        step = steps.setdefault((name, size), prepare(build, name, int(size)))
        start = time.perf_counter()
        for _ in range(int(count)):
            step()
        print(json.dumps((time.perf_counter() - start) / int(count)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
