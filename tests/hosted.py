"""`python -m tests.hosted`: run the notebooks as on a hosted machine, where the project is not installed.

The environment has NumPy 2.0.2 and another package called autograd (PyPI's, of HIPS), but not minigen. Each notebook
stands alone in an empty folder. Its first cell fetches the project, here from a repository on the disk. The notebook
runs to its end. Then the first cell alone runs in each of SITUATIONS. Each run prints a line with its seconds and its
faults. The exit status is the number of runs with a fault. pip makes the environment, so the program needs the network.

    python -m tests.hosted                      all notebooks, quickly, and the situations
    python -m tests.hosted --whole 4_vae        one notebook, with as many steps as a student runs
    python -m tests.hosted --environment DIR    make the environment in DIR and keep it, or take the one that is there
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from autograd import console
from lessons import make

ROOT = Path(__file__).parents[1]
PACKAGES = "numpy==2.0.2 autograd scipy matplotlib tqdm pooch requests Pillow ipykernel nbclient"
VERSIONS = """
import sys, numpy, autograd, importlib.metadata as packages, importlib.util as util
print("Python", sys.version.split()[0], "NumPy", numpy.__version__, "HIPS autograd", packages.version("autograd"))
sys.exit(util.find_spec("minigen") and "minigen is installed in this environment: choose another one")
"""


class Situation(NamedTuple):
    """What a first cell meets, and what it says.

    says: words that the first cell prints
    before: code that runs before the first cell
    clone: folder of a clone of the project that exists before, or None
    folder: folder of the notebook
    works: False if the first cell must stop, with a sentence and without a traceback
    """

    says: str
    before: str = ""
    clone: str | None = None
    folder: str = "."
    works: bool = True


SITUATIONS = {
    "an empty folder": Situation("Fetched the project: folder minigen"),
    "a clone from an earlier run": Situation("Found the project: folder minigen", clone="minigen"),
    "the folder lessons": Situation("Found the project: folder ..", clone=".", folder="lessons"),
    "the root of the clone": Situation("Found the project: folder .\n", clone="."),
    "a folder two levels deep": Situation("Found the project: folder ../..", clone=".", folder="lessons/answers"),
    "a kernel that has run the cell before": Situation(
        "Found the project: folder ..", before=make.first_cell() + "from autograd import Tensor"
    ),
    "a kernel with the other autograd": Situation("the project's own takes its place", "import autograd"),
    "a kernel that ran the next cell first": Situation(
        "the project's own takes its place",
        "try:\n    import autograd, minigen\n    autograd.Tensor\nexcept (ImportError, AttributeError):\n    pass",
        clone="minigen",  # Python takes the folder of the clone for the package
    ),
    "a machine with a GPU": Situation(
        "and a GPU",
        "import sys, types\ncuda = types.SimpleNamespace(is_available=lambda: True)\n"
        "sys.modules['cupy'] = types.SimpleNamespace(cuda=cuda, ndarray=())",
    ),
    "a machine with NumPy 1": Situation(
        "NumPy 2.0, or newer", "import numpy\nnumpy.__version__ = '1.26.4'", works=False
    ),
    "a machine without git": Situation("not found\nNot fetched.", "import os\nos.environ['PATH'] = ''", works=False),
    "a machine without network": Situation(
        "not allowed\nNot fetched.", "import os\nos.environ['GIT_ALLOW_PROTOCOL'] = ''", works=False
    ),
    "a folder with another minigen": Situation(
        "not an empty directory.\nNot fetched.",
        "from pathlib import Path\nPath('minigen/x').mkdir(parents=True)",
        works=False,
    ),
}
OURS = """
import autograd, os
from minigen.data import digits
same = globals().get("Tensor", autograd.Tensor) is autograd.Tensor
print("ours:", same and os.path.samefile(autograd.__file__, "../autograd/__init__.py"))
"""
"""Code after the first cell: the packages are those of the project, and what was imported from them stays in use."""


def publish(folder: Path) -> str:
    """Write the project, as it is on the disk now, into a repository of git. Return the repository's address."""
    for name in ("autograd", "minigen", "lessons"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for command in ("init --quiet", "add .", "-c user.name=x -c user.email=x commit --quiet --message x"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    return folder.as_uri()


def prepare(situation: Situation, folder: Path, address: str) -> tuple[list[str], Path]:
    """Prepare a folder for a situation. Return the cells to run, and the folder that they run in."""
    folder.mkdir()
    if situation.clone:
        subprocess.run(["git", "clone", "--quiet", address, folder / situation.clone], check=True)
    cells = [situation.before, make.first_cell(), *([OURS] if situation.works else [])]
    return [cell.replace(make.REPOSITORY, address) for cell in cells], folder / situation.folder


def faults(situation: Situation, printed: str, error: str) -> str:
    """Return what is wrong after a run in a situation, or "" if nothing is."""
    if situation.works:
        right = situation.says in printed and "ours: True" in printed and not error
    else:
        right = situation.says in error and "Traceback" not in error and error.count("\n") < 7
    return "" if right else f"printed {printed!r}, error {error!r}"


def without_project() -> dict[str, str]:
    """Return the environment variables without the one that lets Python find this project."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def notebook(cells: list[str]) -> str:
    """Return a notebook with cells of code, as the text of its file."""
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    numbered = [code | {"id": f"cell-{number}", "source": cell} for number, cell in enumerate(cells)]
    return json.dumps({"cells": numbered, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def run(environment: Path, text: str, folder: Path, quick: str = "1") -> tuple[str, str]:
    """Run a notebook with the Python of an environment.

    environment: folder of the virtual environment
    text: the notebook's file
    folder: folder that the notebook is written to and runs in
    quick: value of QUICK, "1" for few steps, "" for all

    Returns what the notebook printed, and its errors ("" if there are none).
    """
    book = folder / "notebook.ipynb"
    book.write_text(text, encoding="utf-8")
    command = [environment / "bin" / "jupyter-execute", "--allow-errors", "--inplace", book]
    subprocess.run(command, env=without_project() | {"QUICK": quick}, cwd=folder, check=True, capture_output=True)
    cells = json.loads(book.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    printed = "".join("".join(output.get("text", "")) for output in outputs)
    return printed, "\n".join(line for output in outputs for line in output.get("traceback", []))


def faults_of_lesson(name: str, environment: Path, folder: Path, address: str, quick: str) -> str:
    """Run the notebook of a lesson alone in a new folder. Return what is wrong, or "" if nothing is."""
    folder.mkdir(parents=True)
    text = (make.LESSONS / f"{name}.ipynb").read_text(encoding="utf-8").replace(make.REPOSITORY, address)
    printed, error = run(environment, text, folder, quick)
    right = "Fetched the project" in printed and printed.count("✓") >= 3 and "✗" not in printed and not error
    return "" if right else f"printed {printed!r}, error {error!r}"


def faults_in_situation(what: str, environment: Path, folder: Path, address: str) -> str:
    """Run the first cell in a situation, in a new folder. Return what is wrong, or "" if nothing is."""
    cells, inside = prepare(SITUATIONS[what], folder, address)
    return faults(SITUATIONS[what], *run(environment, notebook(cells), inside))


def report(what: str, task: Callable[..., str], *arguments: Any) -> bool:
    """Call task(what, *arguments), print its seconds and the faults that it returns. Return True if it has faults."""
    start = time.perf_counter()
    found = task(what, *arguments)
    print(f"{what:40} {time.perf_counter() - start:5.1f} s  {found or 'right'}", flush=True)
    return bool(found)


def install(environment: Path) -> None:
    """Make a virtual environment with PACKAGES."""
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([environment / "bin" / "pip", "install", "-q", *PACKAGES.split()], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = [*(path.stem for path in make.lessons()), "ko/0_autograd"]  # the Korean ones have the code of the others
    parser.add_argument(
        "lessons", nargs="*", metavar="lesson", default=every, help="such as 4_vae or ko/4_vae; none: all"
    )
    parser.add_argument("--whole", action="store_true", help="run the notebooks with all their steps")
    parser.add_argument("--environment", type=Path, metavar="DIR", help="folder of the virtual environment, kept")
    options = parser.parse_args()
    quick = "" if options.whole else "1"
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        environment = (options.environment or place / "environment").absolute()
        if not environment.exists():
            install(environment)
        versions = [environment / "bin" / "python", "-c", VERSIONS]
        if subprocess.run(versions, env=without_project(), cwd=place, check=False).returncode:
            return 1
        address = publish(place / "published")
        failed = 0
        for name in options.lessons:
            failed += report(name, faults_of_lesson, environment, place / name, address, quick)
        for what in SITUATIONS if options.lessons == every else ():
            failed += report(what, faults_in_situation, environment, place / what, address)
        return failed


if __name__ == "__main__":
    console.run(main)
