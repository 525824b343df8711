"""Make all other forms of the lessons. They are committed, and tests say when they are stale.

    python lessons/make.py              lessons/student/: the lessons with blanks; lessons/ko/*.py: with text in Korean
    python lessons/make.py notebooks    also lessons/*.ipynb and lessons/ko/*.ipynb: run to their end

A lesson is a Python file in percent format: cells start with `# %%`, cells of text with `# %% [markdown]`. Where a
student should write the body of a function, the lesson marks the body:

    # answer: a hint for the student
    return …
    # end

The student's version has the hint and `...` in its place. The function then returns None, and the next `check` says so.

lessons/ko/4_vae.md has the cells of text in Korean. Above each stands the hash of the English cell that it translates:
<!-- 0123abcd -->. If you change an English cell, this program prints the new hash; translate the cell again, and write
the new hash above it. Until then the cell is in English. The code exists once, in the English lesson.

Notebooks need the extra `notebooks`: pip install -e ".[notebooks]". `python -m tests.hosted` runs the notebooks as on a
hosted machine.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Any

LESSONS = Path(__file__).parent
KOREAN = LESSONS / "ko"
ANSWER = re.compile(r"^( *)# answer: (.*?)\n.*?^\1# end\n", re.MULTILINE | re.DOTALL)

REPOSITORY = "https://example.org/minigen.git"
"""Where the project is published: a notebook without the project around it fetches the project from there."""


def first_cell(folder: str = "lessons") -> str:
    """Return the code with which a notebook begins that stands in `folder` of the project.

    `python -m tests.hosted` runs this code where such cells fail: without git, beside another autograd, twice, …
    """
    return f'''\
# This cell finds the project around the notebook or, on a hosted machine, fetches a copy. It installs nothing.
import os, subprocess, sys
from pathlib import Path
import numpy as np

if sys.version_info < (3, 11) or np.__version__ < "2":
    sys.exit("The lesson needs Python 3.11 and NumPy 2.0, or newer: %pip install -U numpy, and restart the kernel.")

here = Path.cwd()
found = [place for place in (here, *here.parents, here / "minigen") if (place / "autograd/table.py").exists()]
if not found:
    failed, said = subprocess.getstatusoutput("git clone --quiet --depth 1 {REPOSITORY} minigen")
    if failed:
        sys.exit(f"{{said}}\\nNot fetched. Cure: install git, switch the network on, or rename another folder minigen.")
root = found[0] if found else here / "minigen"
os.chdir(root / "{folder}")
sys.path.insert(0, str(root))

loaded = [name for name in sys.modules if name.split(".")[0] in ("autograd", "minigen")]
if loaded and not hasattr(sys.modules.get("autograd"), "IS_MINIGEN_ENGINE"):
    for name in loaded:
        del sys.modules[name]
    print("Another package called autograd was imported before. Here the project's own takes its place.")
from autograd import backend

print("Found" if found else "Fetched", "the project: folder", os.path.relpath(root, here))
print("NumPy", np.__version__, "and", "a GPU" if backend.cuda_is_available() else "no GPU (no lesson needs one)")
'''


def lessons() -> list[Path]:
    """Return the lessons in the order of the lecture."""
    return sorted(LESSONS.glob("[0-9]_*.py"))


def cells(text: str) -> list[tuple[str, str]]:
    """Cut a lesson into its cells: a list of (kind, source), with kind "code" or "markdown"."""
    parts = re.split(r"^# %%(?: \[(markdown)\])?\n", text, flags=re.MULTILINE)[1:]
    return [(kind or "code", source.strip("\n")) for kind, source in zip(parts[::2], parts[1::2], strict=True)]


def student(text: str) -> str:
    """Return the lesson with `...` in place of each marked body, for the folder student/."""
    return one_level_deeper(ANSWER.sub(r"\1# your turn: \2\n\1...\n", text))


def one_level_deeper(text: str) -> str:
    """Return the lesson for a folder in lessons/: the clone and the targets of links are one level further up."""
    text = text.replace(".parents[1]))  # the clone", ".parents[2]))  # the clone")
    return re.sub(r"^(# \[.*\]: )\.\./", r"\1../../", text, flags=re.MULTILINE)


def hash_of(cell: str) -> str:
    """Return the hash of a cell of English text, by which its translation names the cell: 8 hexadecimal digits."""
    return hashlib.sha256(cell.encode()).hexdigest()[:8]


def translations(lesson: Path) -> dict[str, str]:
    """Return the Korean cells of a lesson: the hash of each English cell, and the text in Korean."""
    text = (KOREAN / f"{lesson.stem}.md").read_text(encoding="utf-8")
    parts = re.split(r"^<!-- (\w{8}) -->\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip("\n") for part in parts[2::2]), strict=True))


def korean(text: str, translations: dict[str, str]) -> str:
    """Return the lesson with its text in Korean, for the folder ko/. A cell without a translation stays in English."""
    for kind, cell in cells(text):
        if kind == "markdown" and (of_cell := translations.get(hash_of(cell))):
            text = text.replace(cell, re.sub("^", "# ", of_cell, flags=re.MULTILINE).replace("# \n", "#\n"))
    return one_level_deeper(text)


def cells_of_notebook(text: str, folder: str = "lessons") -> list[tuple[str, str]]:
    """Return the cells of a lesson as a notebook in `folder` has them.

    The text is without `#`, and `first_cell` stands before the first code.
    """
    found = []
    for kind, source in cells(text):
        if kind == "markdown":
            source = "\n".join(line.removeprefix("#").removeprefix(" ") for line in source.split("\n"))
        found.append((kind, source))
    return [found[0], ("code", first_cell(folder).strip()), *found[1:]]


def notebook(text: str, folder: str = "lessons") -> Any:
    """Return the lesson as a notebook of nbformat for `folder`, not run."""
    import nbformat

    book = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL})
    for number, (kind, source) in enumerate(cells_of_notebook(text, folder)):
        cell = getattr(nbformat.v4, f"new_{kind}_cell")(source)
        cell.id = f"cell-{number}"  # a random id would change the file each time
        book.cells.append(cell)
    return book


KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def run(book: Any, folder: Path = LESSONS) -> Any:
    """Run a notebook in `folder`, with its outputs written into it, and return it. Raises CellExecutionError."""
    from nbclient import NotebookClient

    place = {"metadata": {"path": str(folder)}}
    NotebookClient(book, timeout=600, kernel_name="python3", resources=place, coalesce_streams=True).execute()
    for cell in book.cells:
        cell.metadata.pop("execution", None)  # times of day
    book.metadata.pop("language_info", None)  # the version of Python
    return book


def main(arguments: list[str]) -> None:
    """Write the student's versions and the Korean ones, and with the argument "notebooks" the notebooks."""
    (LESSONS / "student").mkdir(exist_ok=True)
    for path in lessons():
        text = path.read_text(encoding="utf-8")
        in_korean = translations(path)
        for kind, cell in cells(text):
            if kind == "markdown" and hash_of(cell) not in in_korean:
                print(f"ko/{path.stem}.md: no translation <!-- {hash_of(cell)} --> of: {cell[:60]!r}")
        (LESSONS / "student" / path.name).write_text(student(text), encoding="utf-8")
        (KOREAN / path.name).write_text(korean(text, in_korean), encoding="utf-8")
        if arguments == ["notebooks"]:
            import nbformat

            print(path.stem, flush=True)
            english, translated = run(notebook(text)), notebook(korean(text, in_korean), "lessons/ko")
            run(nbformat.v4.new_notebook(cells=translated.cells[:2]), KOREAN)  # the first code, which prints its folder
            for one, other in zip(english.cells[2:], translated.cells[2:], strict=True):
                if one.cell_type == "code":  # the same code has the same outputs
                    other.outputs, other.execution_count = one.outputs, one.execution_count
            nbformat.write(english, path.with_suffix(".ipynb"))
            nbformat.write(translated, KOREAN / f"{path.stem}.ipynb")


if __name__ == "__main__":
    main(sys.argv[1:])
