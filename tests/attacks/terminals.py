"""`python -m tests.attacks.terminals [DEMO …]`: every demo runs and loses nothing, wherever its text goes.

Every demo runs with a short training in each of PLACES: an output of another encoding, or any of the three streams
closed. It has to end with the exit code 0 and without a word on stderr, to write text that the encoding can read, and
to write the files that it writes where the output is UTF-8.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from autograd import console
from demos import recipes
from demos.__main__ import NAMES, main

ROOT = Path(__file__).parents[2]
SHORT = ["--epochs", "1", "--hidden", "8"]
DEMOS = {
    "aae": SHORT,
    "anomaly": [],
    "ar": [],
    "charrnn": [*SHORT, "--text", str(ROOT / "minigen" / "nade.py"), "--length", "20"],
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

PLACES = {
    "utf-8": ("utf-8", ""),
    "cp949": ("cp949", ""),
    "cp1252": ("cp1252", ""),
    "ascii": ("ascii", ""),
    "no stdin": ("utf-8", "<&-"),
    "no stdout": ("utf-8", ">&-"),
    "no stderr": ("utf-8", "2>&-"),
    "only stderr": ("utf-8", "<&- >&-"),
    "only stdout": ("utf-8", "<&- 2>&-"),
    "only stdin": ("utf-8", ">&- 2>&-"),
    "no stream": ("utf-8", "<&- >&- 2>&-"),
}
"""Where the text goes: the encoding of the output, and what a shell does to its streams."""


def run_all(folder: Path, demos: Iterable[str]) -> int:
    """Run demos one after the other in this process, and write into `folder` how each of them ended."""
    recipes.RECIPES = {key: replace(recipe, epochs=1, hidden=8) for key, recipe in recipes.RECIPES.items()}
    recipes.JUDGE_EPOCHS = {"few": 1}
    ends = {}
    for demo in demos:
        try:
            ends[demo] = main([demo, *DEMOS[demo], "--out", str(folder / demo)])
        except Exception as error:
            ends[demo] = type(error).__name__
        (folder / "ends.json").write_text(json.dumps(ends))
    return 0


def ends_in(place: str, folder: Path, demos: list[str]) -> dict[str, str]:
    """Run demos in a process in a place, and return what went wrong with each; "" for nothing."""
    encoding, streams = PLACES[place]
    command = [sys.executable, "-m", "tests.attacks.terminals", "--here", str(folder), *demos]
    if streams:
        command = ["sh", "-c", f'exec "$@" {streams}', "sh", *command]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    run.stdout.decode(encoding)
    found = json.loads((folder / "ends.json").read_text()) if (folder / "ends.json").exists() else {}
    wrong = {demo: str(found.get(demo, "not reached") or "") for demo in demos}
    if run.stderr or run.returncode:
        wrong[demos[-1]] += f" and code {run.returncode}, {run.stderr.decode(errors='replace')[-500:]}"
    return wrong


def sweep(demos: list[str]) -> int:
    """Run demos in all places, print a table, and return the number of runs that went wrong."""
    table: dict[str, dict[str, str]] = {}
    files: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for place in PLACES:
            begin, here = time.perf_counter(), Path(folder) / place.replace(" ", "-")
            here.mkdir()
            table[place] = ends_in(place, here, demos)
            for demo in demos:
                written = {path.name for path in (here / demo).iterdir()} if (here / demo).exists() else set()
                lost = files.setdefault(demo, written) - written
                table[place][demo] = table[place][demo] or ("lost " + ", ".join(sorted(lost)) if lost else "")
            print(f"{place}: {time.perf_counter() - begin:.0f} s", flush=True)
    print(f"{'':<14}" + "".join(f"{place:>20}" for place in PLACES))
    for demo in demos:
        print(f"{demo:<14}" + "".join(f"{table[place][demo] or 'ok':>20}" for place in PLACES))
    wrong = sum(bool(end) for ends in table.values() for end in ends.values())
    print(f"{len(demos) * len(PLACES)} runs, {wrong} went wrong")
    return wrong


def command(arguments: list[str]) -> int:
    if arguments[:1] == ["--here"]:
        return run_all(Path(arguments[1]), arguments[2:])
    return 1 if sweep(arguments or [name for name in NAMES if name != "tour"]) else 0


if __name__ == "__main__":
    console.run(lambda: command(sys.argv[1:]))
