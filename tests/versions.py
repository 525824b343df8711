"""`python -m tests.versions`: the engine's tests with each supported pair of Python and NumPy, each in its environment.

A Python that is not on the PATH is named and left out. The exit status is the number of pairs that failed.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from autograd import console

ROOT = Path(__file__).parents[1]
PAIRS = [
    ("python3.11", "numpy==2.0.2"),  # the oldest; a well-known hosted notebook has it
    ("python3.11", "numpy"),
    ("python3.12", "numpy"),
]


def tried(python: str, numpy: str) -> tuple[bool, str]:
    """Whether the engine's tests pass there, and the last line that they print."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        inside = str(Path(folder) / "bin" / "python")
        install = [inside, "-m", "pip", "install", "-q", numpy, "scipy", "pytest", "hypothesis"]
        subprocess.run(install, check=True)
        command = [inside, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/autograd"]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        version = subprocess.run(
            [inside, "-c", "import numpy; print(numpy.__version__)"], capture_output=True, text=True, check=True
        )
        if run.returncode:
            print(run.stdout[-4000:])
        return run.returncode == 0, f"NumPy {version.stdout.strip()}: {run.stdout.strip().splitlines()[-1]}"


def main() -> int:
    failed = 0
    for python, numpy in PAIRS:
        if shutil.which(python) is None:
            print(f"{python}, {numpy}: left out, there is no {python} on the PATH", flush=True)
            continue
        passed, said = tried(python, numpy)
        failed += not passed
        print(f"{python}, {said}", flush=True)
    return failed


if __name__ == "__main__":
    console.run(main)
