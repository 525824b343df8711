"""`python lessons/make.py` writes the student's version of every lesson to lessons/student/.

A lesson is a Python file in percent format: cells start with `# %%`, cells of text with `# %% [markdown]`. Where a
student should write the body of a function, the lesson marks the body:

    # answer: a hint for the student
    return …
    # end

The student's version has the hint and `...` in its place. The function then returns None, and the next `check` says so.
"""

from __future__ import annotations

import re
from pathlib import Path

LESSONS = Path(__file__).parent
ANSWER = re.compile(r"^( *)# answer: (.*?)\n.*?^\1# end\n", re.MULTILINE | re.DOTALL)


def lessons() -> list[Path]:
    """Return the lessons in the order of the lecture."""
    return sorted(LESSONS.glob("[0-9]_*.py"))


def cells(text: str) -> list[tuple[str, str]]:
    """Cut a lesson into its cells: a list of (kind, source), with kind "code" or "markdown"."""
    parts = re.split(r"^# %%(?: \[(markdown)\])?\n", text, flags=re.MULTILINE)[1:]
    return [(kind or "code", source.strip("\n")) for kind, source in zip(parts[::2], parts[1::2], strict=True)]


def student(text: str) -> str:
    """Return the lesson with `...` in place of each marked body.

    The folder student/ is one level deeper, so the path of the clone is one level further up.
    """
    blank = ANSWER.sub(r"\1# your turn: \2\n\1...\n", text)
    return blank.replace(".parents[1]))  # the clone", ".parents[2]))  # the clone")


def main() -> None:
    """Write the student's versions."""
    (LESSONS / "student").mkdir(exist_ok=True)
    for path in lessons():
        (LESSONS / "student" / path.name).write_text(student(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
