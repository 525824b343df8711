"""One library, one training step, in a process of its own: reads how many steps to time, writes what they took.

`python benchmarks/worker.py LIBRARY STEP DEVICE` prints what there is to know before (or the reason why this library
has no such step); then, for each line N on standard input, the seconds of each of N steps and the most memory of the
host that the process has held since its imports. Each step ends with its loss on the host, so a device is waited for.
"""

import importlib
import json
import resource
import sys
import time


def peak_mib() -> float:
    """The most memory that this process has held, in MiB. On Linux not by `getrusage`, whose peak a process inherits
    from the one that started it."""
    if sys.platform == "linux":
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / (1 << 10)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def main(library: str, name: str, device: str) -> None:
    package = "" if library == "hips" else "benchmarks."  # HIPS autograd is named as our engine, and must not meet it
    problems = importlib.import_module(f"{package}problems")
    steps = importlib.import_module(f"{package}{library}_steps")
    if name not in steps.STEPS:
        print(json.dumps({"missing": "has no such step"}), flush=True)
        return
    before = peak_mib()
    problem = problems.STEPS[name]
    try:
        if device != "cpu":
            steps.use(device)
        step = steps.STEPS[name](**problem.arrays(**problem.sizes))
        loss = step()
    except Exception as error:  # whatever a compiler of another library finds
        print(json.dumps({"missing": f"failed: {str(error).splitlines()[0][:200]}"}), flush=True)
        return
    print(json.dumps({"loss": loss, "version": steps.VERSION}), flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
        print(json.dumps({"seconds": seconds, "mib": peak_mib() - before}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
