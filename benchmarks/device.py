"""`python -m benchmarks.device`: all that there is to see on a machine with a CUDA device, in about six minutes.

The parts run in order of worth: tests, training steps beside the peers, with the memory of the device, drawing images
on the device and on the host, epochs of the demos' recipes, the tour, and one training as long as the time allows. Each
has a limit: then it gets Ctrl-C, and is killed if it does not end. The table of what was found is printed after each
part, and last. Without a device, `--dry` runs the parts on the stand-in for CuPy where this says something, and lists
what remains to be seen.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autograd import backend, console
from benchmarks.process import ROOT

MINUTES, TRAINING = 6, 0.12
"""How long it takes, and the share of the training."""
DRY = 600
"""Seconds that a part has on the stand-in, at most."""
GRACE = 15
"""Seconds that a part has to end after Ctrl-C."""
STEPS = ["tiny", "vae", "gan", "wgan_gp", "lstm", "gru", "nade", "diagonal"]
"""In order of worth; the first also loads the libraries from the disk."""
PYTHON = [sys.executable, "-m"]
Command = list[str]


@dataclass(frozen=True)
class Part:
    """share: of the time of all parts. command: what runs on a device, after `python -m`, from what was found before.
    dry: what runs on the stand-in, None if this says nothing. kept: a pattern of the lines for the table. open: what
    only a device can answer."""

    name: str
    share: float
    command: Callable[[list[Found]], Command]
    dry: Command | None
    kept: str
    open: str


@dataclass(frozen=True)
class Found:
    """What became of a part.  ended: "done", or how else."""

    name: str
    seconds: float
    ended: str
    lines: list[str]

    def __str__(self) -> str:
        return "\n".join([f"{self.name:<10}{self.seconds:>5.0f} s  {self.ended}", *(f"    {x}" for x in self.lines)])


STANDIN_TESTS = ["autograd/test_cublas.py", "minigen/test_kernels.py", "minigen/training/test_capture.py"]


def parts(folder: str | None, seconds: float) -> list[Part]:
    """folder: with the files of MNIST. seconds: of all parts."""
    mnist, out = ["--data-folder", folder] if folder else [], ["--out", "out/device"]
    cuda = ["--device", "cuda"]

    def training(found: list[Found]) -> Command:
        """As many epochs as fit, by the time of one."""
        lines = "\n".join(line for f in found for line in f.lines)
        one = re.search(r"^mnist +NADE +([\d.]+) s", lines, re.M)
        epochs = max(int(0.7 * TRAINING * seconds / float(one[1])), 1) if one else 10
        return ["demos", "nade", "--data", "mnist-sampled", *mnist, *cuda, *out, "--epochs", str(epochs)]

    return [
        Part(
            "tests", 0.20, lambda _: ["pytest", "-q", "-k", "cupy or test_kernels", "tests"],
            ["pytest", "-q", "-k", "standin or test_kernels", *(f"tests/{file}" for file in STANDIN_TESTS)],
            r"^(FAILED|ERROR)|\d+ (passed|failed)", "whether all tests pass with CuPy: rounding, kernels, cuBLAS",
        ),
        Part(
            "steps", 0.37, lambda _: ["benchmarks", *STEPS, *cuda, *out, "--limit", f"{0.34 * seconds:.0f}"],
            ["pytest", "-q", "-k", "recorded_on_the_device or memory_of_the_device", "tests/test_benchmarks.py"],
            r"^\w+( \(cuDNN\))? +\d+\.\d+ +\d|, batch|was not|failed|passed",
            "milliseconds a step, the ratio to the fastest of PyTorch, its graphs, cuDNN and JAX, and the memory",
        ),
        Part(
            "sampling", 0.05, lambda _: ["benchmarks.sampling"],
            ["pytest", "-q", "-k", "drawing_on_the_device", "tests/test_benchmarks.py"],
            r" ms device|failed|passed", "whether one kernel draws images faster than the host, and the same images",
        ),
        Part(
            "epochs", 0.08, lambda _: ["benchmarks.epochs", *cuda, *mnist], ["benchmarks.epochs", "--dry"],
            r" s an epoch|failed|runs", "seconds an epoch of the recipe of each demo",
        ),
        Part(
            "tour", 0.18, lambda _: ["demos", "--quick", *cuda, "--out", "out/device"], None,
            r"index\.html|stopped|failed", "whether the tour takes less than 60 s",
        ),
        Part(
            "training", TRAINING, training, None,
            r"nats|epoch", "the likelihood of a long training of NADE on sampled MNIST",
        ),
    ]  # fmt: skip


def run(name: str, command: Command, kept: str, limit: float) -> Found:
    """Run a part, show what it prints, and keep some of the lines."""
    print(f"\n== {name}: python -m {' '.join(command)}   (at most {limit:.0f} s)", flush=True)
    begun, lines, late = time.monotonic(), [], threading.Event()
    process = subprocess.Popen(
        [*PYTHON, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", start_new_session=True,
    )  # fmt: skip

    def stop(number: int) -> None:
        late.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    timers = [threading.Timer(limit, stop, [signal.SIGINT]), threading.Timer(limit + GRACE, stop, [signal.SIGKILL])]
    for timer in timers:
        timer.start()
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if re.search(kept, line):
                lines.append(line.rstrip())
    for timer in timers:
        timer.cancel()
    ended = "done" if process.returncode == 0 else f"ended with {process.returncode}"
    return Found(name, time.monotonic() - begun, f"stopped at its limit ({ended})" if late.is_set() else ended, lines)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help="tests, steps, sampling, epochs, tour, training; default all"
    )
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"of all parts (default: {MINUTES})")
    parser.add_argument("--data-folder", type=Path, metavar="FOLDER", help="that holds the files of MNIST")
    parser.add_argument("--dry", action="store_true", help="run on the stand-in, without a device")
    o = parser.parse_args(arguments)
    if not o.dry and not backend.cuda_is_available():
        parser.error("CuPy is not installed or finds no CUDA device; --dry runs on the stand-in")
    chosen = parts(o.data_folder and str(o.data_folder.resolve()), 60 * o.minutes)
    if unknown := set(o.parts) - {part.name for part in chosen}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    chosen = [part for part in chosen if not o.parts or part.name in o.parts]
    found: list[Found] = []
    for part in chosen:
        command = part.dry if o.dry else part.command(found)
        if command is not None:
            limit = DRY if o.dry else 60 * o.minutes * part.share
            found.append(run(part.name, command, part.kept, limit))
            print("\n== so far", *found, sep="\n", flush=True)
    print("\n== all parts", *found, sep="\n")
    if o.dry:
        print("\n== to be seen on a device", *(f"{part.name:<10}{part.open}" for part in chosen), sep="\n")


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
