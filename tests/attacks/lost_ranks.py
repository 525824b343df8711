"""`python -m tests.attacks.lost_ranks [NAME…]`: of ranks that train, one goes wrong, and all must end within seconds.

Each of FAULTS starts 2 ranks by mpiexec. The last rank ends, fails, stops, or trains with other settings, before or
while the first waits for it. A sentence has to say so, mpiexec has to report a failure, and no temporary folder and no
shared memory may be left. HARMLESS is what must go on as without minigen.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograd import console
from minigen.nade import NADE
from minigen.training import launch
from minigen.training.loop import fit
from minigen.training.optim import SGD, Adam
from tests.attacks import one_by_one

BESIDE_PYTHON = Path(sys.executable).with_name("mpiexec")
MPIEXEC = str(BESIDE_PYTHON) if BESIDE_PYTHON.exists() else shutil.which("mpiexec")
ROOT = Path(__file__).resolve().parents[2]
D, PATIENCE = 12, 2
"""PATIENCE: lowered from that of `launch`, in seconds."""
SECONDS = 60
"""A run that takes longer than this hangs, even on a machine with much else to do."""


def stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise RuntimeError("the last rank has had enough")


HAPPENS: dict[str, Callable[[], Any]] = {
    "exits": lambda: sys.exit(0),
    "exits with 3": lambda: sys.exit(3),
    "raises": fail,
    "is killed": kill,
    "is stopped": stop,
}
ENDED, EARLY = "waits for rank 1, whose program has ended", "waits for another rank, whose program has ended before"
SAID = {"exits": ENDED, "exits with 3": ENDED, "raises": "had enough", "is killed": r"(?i)signal:? 9|killed",
        "is stopped": rf"rank 0 of 2 has waited {PATIENCE} s for rank 1: Ctrl-C"}  # fmt: skip
EARLY_SAID = {"exits": EARLY, "exits with 3": EARLY, "raises": f"(?s)had enough.*{EARLY}", "is killed": "(?i)killed",
              "is stopped": rf"rank 0 has waited {PATIENCE} s for other ranks \(1 on this machine\)"}  # fmt: skip
OTHER: dict[str, dict[str, Any]] = {
    "epochs": {"epochs": 6},
    "batch_size": {"batch_size": 20},
    "patience": {"patience": 3},
    "training images": {"train": np.ones((190, D))},
    "validation images": {"validation": np.ones((30, D))},
    "model.W": {"H": 9},
    "learning rates": {"rate": 0.02},
    "optimizers": {"optimizer": SGD},
    "keep_best": {"keep_best": False},
}
FAULTS = {
    **{f"{what} in a step": said for what, said in SAID.items()},
    **{f"{what} before fit": said for what, said in EARLY_SAID.items()},
    **{f"other {name}": rf"the ranks must train alike, and {re.escape(name)} is .* on rank 0, .* on rank 1"
       for name in OTHER},
    "fits once less": ENDED,
}  # fmt: skip
HARMLESS = {
    "the first goes on alone": (0, "the first is done"),
    "never fits": (3, "the first is done"),
    "as usual": (0, ""),
}
QUICK = ("exits in a step", "exits before fit", "other batch_size", "is stopped in a step", "never fits")


def on_a_rank(name: str, folder: Path) -> None:
    """What each rank does. The last rank goes wrong."""
    rank, last = int(os.environ["PMI_RANK"]), os.environ["PMI_RANK"] == "1"
    what = re.sub(" (in a step|before fit)$", "", name)
    if what == "is stopped":
        launch.PATIENCE = PATIENCE
    if name.endswith("before fit") and last:
        HAPPENS[what]()
    if name == "never fits":
        if last:
            sys.exit(3)
        time.sleep(2)
        print("the first is done")
        return
    o: dict[str, Any] = {"H": 8, "rate": 0.01, "optimizer": Adam, "epochs": 5, "batch_size": 19}
    o |= {"train": np.eye(190, D), "validation": np.eye(30, D)} | (OTHER.get(name[6:], {}) if last else {})
    model = NADE(D, o.pop("H"), rng=0)

    def now_and_then(epoch: int) -> None:
        if epoch == 1:
            shared = [
                line.split()[5] for line in Path("/proc/self/maps").read_text().splitlines() if "mpich_shm" in line
            ]
            (folder / f"shared{rank}").write_text("\n".join(shared))
        if epoch == 3 and last and name.endswith("in a step"):
            HAPPENS[what]()

    def train() -> None:
        optimizer = o["optimizer"](model, o["rate"])
        options = {key: value for key, value in o.items() if key not in ("optimizer", "rate")}
        fit(model, optimizer, rng=2, before_epoch=now_and_then, **options)

    train()
    if name == "fits once less" and not last:
        train()
    if name == "the first goes on alone" and not last:
        time.sleep(3)
        print("the first is done")


def trouble(name: str) -> str:
    """Run one of FAULTS or HARMLESS and return what is wrong with how it ended; "" if nothing is."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, tmpdir = Path(temporary, "out"), Path(temporary, "tmp")
        folder.mkdir()
        tmpdir.mkdir()
        assert MPIEXEC
        command = [MPIEXEC, "-n", "2", sys.executable, "-m", "tests.attacks.lost_ranks", "--rank", name, str(folder)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(tmpdir)}
        pipes: dict[str, Any]
        pipes, output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}, ""
        with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) as run:
            hangs = threading.Timer(SECONDS, run.kill)
            hangs.start()
            for line in run.stdout or ():
                output += line
                if "is stopped" in name and re.search(FAULTS[name], line):
                    run.send_signal(signal.SIGINT)
            code = run.wait()
            in_time = hangs.is_alive()
            hangs.cancel()
        left = [str(path) for path in tmpdir.iterdir()]
        for file in folder.iterdir():
            left += [name for name in file.read_text().splitlines() if Path(name).exists()]
    expected, said = HARMLESS.get(name, (None, FAULTS.get(name)))
    wrong = {
        f"no end after {SECONDS} s": not in_time,
        f"exit code {code}": not code if expected is None else code != expected,
        f"left behind: {left}": bool(left),
        f"no {said!r}": not re.search(said or "", output),
        "it said something": name == "as usual" and bool(output),
    }
    found = "; ".join(words for words, is_so in wrong.items() if is_so)
    return f"{found}, in:\n{output}" if found else ""


def main(names: list[str]) -> int:
    return one_by_one(names or [*FAULTS, *HARMLESS], trouble)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rank"]:
        on_a_rank(sys.argv[2], Path(sys.argv[3]))
    else:
        console.run(lambda: main(sys.argv[1:]))
