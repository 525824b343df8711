"""`python -m tests.terminals [DEMO …]`: every demo runs and loses nothing, wherever its text goes.

Each demo runs with a short training under each of PLACES: an output of another encoding, a closed stdout or stderr, a
pipe that nobody reads. It has to end with the exit code of that place, without a word on stderr, with its text readable
in the encoding, and with the files that it writes in UTF-8. Takes about 6 minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autograd import console
from demos.__main__ import NAMES

ROOT = Path(__file__).parents[1]
SHORT = ["--epochs", "1", "--hidden", "8"]
DEMOS = {
    "aae": SHORT,
    "anomaly": [],
    "ar": [],
    "charrnn": [*SHORT, "--text", str(ROOT / "minigen" / "vae.py"), "--length", "20"],
    "classify": SHORT,
    "explore": SHORT,
    "gan": ["--epochs", "1"],
    "gan_digits": [*SHORT, "--samples", "50"],
    "independence": ["--models", "independent", "Markov"],
    "markov": ["--orders", "1"],
    "nade": SHORT,
    "pixelrnn": [*SHORT, "--variant", "raster"],
    "ring": [*SHORT, "--batch-size", "16"],
    "truth_lab": [*SHORT, "--images", "1"],
    "vae": [*SHORT, "--draws", "2", "--scored", "2"],
}
"""Options with which each demo takes a few seconds. The tour is left out: it runs the demos as processes in UTF-8."""

PLACES: dict[str, tuple[str, str, int]] = {
    "utf-8": ("utf-8", "", 0),
    "cp949": ("cp949", "", 0),
    "cp1252": ("cp1252", "", 0),
    "ascii": ("ascii", "", 0),
    "no stdout": ("utf-8", ">&-", 0),
    "no stderr": ("utf-8", "2>&-", 0),
    "neither": ("utf-8", ">&- 2>&-", 0),
    "unread": ("utf-8", "", console.NO_READER),
}
"""Where the text goes: the encoding of the output, what a shell does to its streams, and the exit code of a demo.
"unread" is a pipe whose reader has gone, as `| head -0`."""


def ran(place: str, demo: str, folder: Path) -> tuple[int, bytes, str]:
    """Run a demo in a place, its files in a folder: its exit code, the bytes of stdout, and the text of stderr."""
    encoding, streams, _ = PLACES[place]
    command = [sys.executable, "-m", "demos", demo, *DEMOS[demo], "--out", str(folder)]
    if streams:
        command = ["sh", "-c", f'exec "$@" {streams}', "sh", *command]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUNBUFFERED": "", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=-1, stderr=-1) as child:
        if place == "unread":
            assert child.stdout is not None
            assert child.stderr is not None
            child.stdout.close()
            printed, errors = b"", child.stderr.read()
        else:
            printed, errors = child.communicate()
    return child.returncode, printed, errors.decode(errors="replace")


def fault(place: str, demo: str, folder: Path, expected: list[str]) -> str:
    """Return what is wrong with a run in a place, in a few words; "" for a run as it should be.

    expected: names of the files that the demo writes. In a pipe that nobody reads, the demo may end after its weights.
    """
    encoding, _, code = PLACES[place]
    found, printed, errors = ran(place, demo, folder)
    if "Traceback" in errors or found not in (0, code):
        return (errors.strip().splitlines() or [f"code {found}"])[-1].split(":")[0]
    if errors:
        return f"stderr: {errors}"
    try:
        printed.decode(encoding)
    except UnicodeDecodeError:
        return "unreadable"
    lost = set(expected) - {path.name for path in folder.iterdir()}
    if place == "unread":
        lost = {name for name in lost if name.endswith((".npz", ".csv"))}
    return f"lost {', '.join(sorted(lost))}" if lost else ""


def main(arguments: list[str]) -> int:
    demos, wrong = arguments or [name for name in NAMES if name != "tour"], 0
    print(f"{'':<14}" + "".join(f"{place:>22}" for place in PLACES))
    with tempfile.TemporaryDirectory() as folder:
        for demo in demos:
            row, expected = f"{demo:<14}", list[str]()
            for place in PLACES:
                begin, out = time.perf_counter(), Path(folder) / demo / place.replace(" ", "-")
                out.mkdir(parents=True)
                found = fault(place, demo, out, expected)
                expected = expected or [path.name for path in out.iterdir()]
                wrong += bool(found)
                row += f"{found or f'{time.perf_counter() - begin:.1f} s':>22.20}"
            print(row, flush=True)
    print(f"{len(demos) * len(PLACES)} runs, {wrong} went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
