"""One library, one training step, in a process of its own: reads how many steps to time, writes what they took.

`python benchmarks/worker.py LIBRARY STEP DEVICE` prints what there is to know before (or the reason why this library
has no such step); then, for each line N on standard input, the seconds of each of N steps and the most memory that the
process has held: of the host since its imports, or of the device in its first steps. Each step ends with its loss on
the host, so a device is waited for.
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


FIRST = 3
"""Steps on a device in which a library allocates all that it will: the second is recorded, the third repeated."""


def main(library: str, name: str, device: str) -> None:
    package = "" if library == "hips" else "benchmarks."  # HIPS autograd is named as our engine, and must not meet it
    problems = importlib.import_module(f"{package}problems")
    steps = importlib.import_module(f"{package}{library}_steps")
    if name not in steps.STEPS:
        print(json.dumps({"missing": "has no such step"}), flush=True)
        return
    before, of_device = peak_mib(), None
    problem = problems.STEPS[name]

    def begun(count):
        step = steps.STEPS[name](**problem.arrays(**problem.sizes))
        loss, *_ = [step() for _ in range(count)]
        return step, loss

    try:
        if device == "cpu":
            step, loss = begun(1)
        else:
            steps.use(device)
            (step, loss), of_device = steps.most_on_device(lambda: begun(FIRST))
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
        mib = peak_mib() - before if of_device is None else of_device
        print(json.dumps({"seconds": seconds, "mib": mib}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
