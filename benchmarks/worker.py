"""One library, one training step, in a process of its own: reads how many steps to time, writes what they took.

`python -m benchmarks.worker LIBRARY STEP` prints the loss of a first step and the memory it took as JSON, null where
the library has no such step; then, for each line N on standard input, the seconds of each of N steps.
"""

import importlib
import json
import resource
import sys
import time


def peak_mib() -> float:
    """The most memory that this process has held, in MiB (Linux counts in KiB, macOS in bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main(library: str, name: str) -> None:
    steps = importlib.import_module(f"benchmarks.{library}_steps").STEPS
    if name not in steps:
        print("null", flush=True)
        return
    step = steps[name]()
    before = peak_mib()
    loss = step()
    print(json.dumps({"loss": loss, "mib": peak_mib() - before}), flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
        print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
