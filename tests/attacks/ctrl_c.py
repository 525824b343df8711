"""`python -m tests.attacks.ctrl_c [--signals N] [--seed S]`: Ctrl-C arrives N times at a random moment of a training.

Each training is one of RUNS of `tests.attacks.kills`, with a checkpoint after every epoch. SIGINT is sent at a random
place of minigen or of the engine where Python looks for signals: where a function begins, after a call, or where a loop
goes back. In half of the trainings it is sent once more some places later: into the step, into the end of the training,
into the writing of a checkpoint. Then `fit` has to return, with the weights of the best epoch
bit for bit, the first learning rates, every layer in training mode and gradients recorded. The checkpoints have to be
whole, and the run that goes on from them has to end as one that nobody interrupted.

Python itself handles SIGINT before `fit` has taken the signal over and after it has given it back. There it passes out
of `fit`: then the model has to be as it was, or the training has to be over.
"""

from __future__ import annotations

import argparse
import dis
import signal
import sys
import tempfile
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from autograd import Tensor, console
from minigen.nn.module import Module
from minigen.training.files import read
from minigen.training.resume import Checkpoints
from tests.attacks.kills import outcome, train

ROOT = Path(__file__).parents[2]
CODE = tuple(str(ROOT / package) for package in ("minigen", "autograd"))
OPTIONS: dict[str, Any] = {"epochs": 3, "batch_size": 45, "measure": None, "patience": None}
NAMES = ("nade", "gan")
RATES = {"nade": [0.01], "gan": [0.002, 0.002]}

Arrays = dict[str, np.ndarray]


class Pressed:
    """Context manager: sends SIGINT at the places whose numbers are in `moments`, counted from `begin`.

    count: places seen so far. parts: the model and the step that `begin` was called with.
    """

    def __init__(self, moments: tuple[int, ...]):
        self.moments, self.count, self.where = moments, 0, ""
        self.parts: tuple[Any, ...] = ()

    def __enter__(self) -> Pressed:
        return self

    def begin(self, *parts: Any) -> None:
        self.parts = parts
        sys.settrace(self.entered)

    def __exit__(self, *error: Any) -> None:
        sys.settrace(None)

    def entered(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(CODE):
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        return self.instruction

    def instruction(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode" and frame.f_lasti in places(frame.f_code):
            self.count += 1
            if self.count in self.moments:
                self.where += f" {Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                signal.raise_signal(signal.SIGINT)
        return self.instruction


@cache
def places(code: CodeType) -> set[int]:
    """Return the offsets of the instructions before which Python looks for signals.

    Not before every line: between the end of a block of `with` and the exit of its context manager, for example, no
    signal is handled.
    """
    instructions = list(dis.get_instructions(code))
    after = {b.offset for a, b in pairwise(instructions) if a.opname == "RESUME" or a.opname.startswith("CALL")}
    return after | {i.argval for i in instructions if i.opname.startswith("JUMP_BACKWARD")}


class Reference:
    """One of RUNS that nobody interrupts: its outcome, how many places it has, its arrays at first and after epochs."""

    def __init__(self, name: str):
        self.name, self.arrays, models = name, list[Arrays](), list[Any]()

        def prepared(model: Any, step: Any) -> None:
            models.append(model)
            self.arrays.append(copied(model))

        measure = lambda: self.arrays.append(copied(models[0])) or {}
        self.outcome = outcome(*train(name, None, prepared=prepared, **OPTIONS | {"measure": measure}))
        with tempfile.TemporaryDirectory() as folder, Pressed(()) as pressed:
            train(name, Checkpoints(folder), prepared=pressed.begin, **OPTIONS)
        self.places = pressed.count


def attempt(reference: Reference, moments: tuple[int, ...], folder: Path) -> str:
    """Where the signals fell and what became of the training; raises AssertionError if anything is left half done."""
    with Pressed(moments) as pressed:
        try:
            *_, history = train(reference.name, Checkpoints(folder), prepared=pressed.begin, **OPTIONS)
        except KeyboardInterrupt:
            history = None
    (model, step), which = pressed.parts, f"{reference.name},{pressed.where}"
    best = history.best.epoch if history and history.best else None
    allowed = reference.arrays if history is None else [reference.arrays[best]] if best else []
    now = copied(model)
    assert not allowed or any(all(np.array_equal(now[n], a[n]) for n in now) for a in allowed), f"weights: {which}"
    assert [o.learning_rate for o in getattr(step, "optimizers", [step])] == RATES[reference.name], f"rates: {which}"
    assert all(part.training for part in within(model)), f"training mode: {which}"
    assert (Tensor(1.0, requires_grad=True) * 2).requires_grad, f"no gradients are recorded: {which}"
    assert not list(folder.glob("*.partial")), f"unfinished file: {which}"
    for path in Checkpoints(folder).paths():
        read(path)
    assert outcome(*train(reference.name, Checkpoints(folder, resume=True), **OPTIONS)) == reference.outcome, which
    return history.ended if history else f"passed out of fit at{pressed.where}"


def copied(model: Any) -> Arrays:
    return {name: array.copy() for name, array in model.arrays().items()}


def within(module: Module) -> list[Module]:
    return [module, *(part for _, child in module.children() if isinstance(child, Module) for part in within(child))]


def attack(count: int, seed: int) -> Counter[str]:
    """What became of so many trainings."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts a program in the background without it
    rng, seen = np.random.default_rng(seed), Counter[str]()
    references = [Reference(name) for name in NAMES]
    for k in range(count):
        reference = references[k % len(references)]
        first = int(rng.integers(1, reference.places + 1))
        moments = (first, first + int(rng.geometric(0.01))) if k // len(references) % 2 else (first,)
        with tempfile.TemporaryDirectory() as folder:
            seen[attempt(reference, moments, Path(folder))] += 1
    return seen


def main(arguments: list[str]) -> int:
    assert __doc__
    p = argparse.ArgumentParser(prog="python -m tests.attacks.ctrl_c", description=__doc__.split("\n\n")[0])
    p.add_argument("--signals", type=int, default=1000)
    p.add_argument("--seed", type=int, default=0)
    o = p.parse_args(arguments)
    print(f"{o.signals:,} trainings, none left half done: {dict(sorted(attack(o.signals, o.seed).items()))}")
    return 0


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
