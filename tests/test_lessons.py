"""The lessons run, check their own formulas, and stay as small as they promise."""

import ast
import json
import os
import re
import shutil
import statistics
import subprocess
import sys

import pytest

from lessons import make
from tests import hosted

LESSONS = make.lessons()
EACH = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def text(lesson):
    return lesson.read_text(encoding="utf-8")


def run(program, folder):
    """Run a lesson quickly, from a folder that is not the clone."""
    return subprocess.run(
        [sys.executable, program],
        cwd=folder,
        env={**os.environ, "QUICK": "1", "PYTHONPATH": "", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def beside(lesson, changed, folder):
    """Write a changed lesson to a folder from which the clone is one level up, as it is from the lesson."""
    (folder / "lessons").mkdir()
    for package in ("autograd", "minigen"):
        (folder / package).symlink_to(lesson.parents[1] / package)
    (folder / "lessons" / lesson.name).write_text(changed, encoding="utf-8")
    return folder / "lessons" / lesson.name


def lines_of_code(source):
    """The lines of a cell without blank lines, comments and docstrings."""
    tree = ast.parse(source)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            continue
        if isinstance(node, ast.stmt):
            inner = min((n.lineno for n in getattr(node, "body", [])), default=node.end_lineno + 1)
            found |= set(range(node.lineno, inner))
    return len([k for k in found if not re.match(r'\s*(#|""")|\s*$', source.splitlines()[k - 1])])


@EACH
def test_a_lesson_is_small(lesson):
    code = [lines_of_code(source) for kind, source in make.cells(text(lesson)) if kind == "code"]
    prose = " ".join(source for kind, source in make.cells(text(lesson)) if kind == "markdown")
    words = re.sub(r"\$\$[^$]*\$\$|^# \|.*$", "", prose, flags=re.MULTILINE).split()
    assert 80 <= sum(code) <= 130
    assert 15 <= len(code) <= 30
    assert max(code) <= 25
    assert statistics.median(code) <= 5
    assert 600 <= len([w for w in words if w != "#"]) <= 1200


@EACH
def test_a_lesson_needs_the_engine_and_the_digits_alone(lesson):
    tree = ast.parse(text(lesson))
    modules = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    modules |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert modules <= {"os", "sys", "pathlib", "numpy", "matplotlib", "matplotlib.pyplot", "autograd", "minigen.data"}


def test_what_two_lessons_both_define_is_the_same():
    found = {}
    for lesson in LESSONS:
        for node in ast.parse(text(lesson)).body:
            if isinstance(node, ast.FunctionDef) and node.name in ("check", "show", "train", "network", "apply"):
                found.setdefault(node.name, set()).add(ast.unparse(node))
    assert {name: len(forms) for name, forms in found.items() if len(forms) > 1} == {}
    assert "check" in found


@EACH
def test_a_lesson_runs_and_its_checks_hold(lesson, tmp_path):
    done = run(lesson, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("✓") >= 3
    assert done.stdout.count("✗") == 0
    assert list((tmp_path / "out" / "lessons").glob("*.png"))


@EACH
def test_the_students_version_is_the_lesson_with_blanks(lesson):
    written = text(lesson.parent / "student" / lesson.name)
    assert written == make.student(text(lesson)), "run `python lessons/make.py`"
    assert 3 <= written.count("# your turn: ") <= 4


@EACH
def test_the_notebook_is_the_lesson_with_its_outputs(lesson):
    written = json.loads(text(lesson.with_suffix(".ipynb")))
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in written["cells"]]
    assert found == make.cells_of_notebook(text(lesson)), "run `python lessons/make.py notebooks`"
    outputs = [output for cell in written["cells"] for output in cell.get("outputs", ())]
    assert {output["output_type"] for output in outputs} == {"stream", "display_data"}
    assert lesson.with_suffix(".ipynb").stat().st_size < 500_000
    assert not re.search(r"/(tmp|home|root|Users)/", json.dumps(outputs))


@EACH
def test_the_notebook_runs(lesson, monkeypatch):
    pytest.importorskip("nbclient", reason="the extra `notebooks` is not installed")
    pytest.importorskip("ipykernel", reason="the extra `notebooks` is not installed")
    monkeypatch.setenv("QUICK", "1")
    book = make.run(make.notebook(text(lesson)))
    printed = "".join(output.get("text", "") for cell in book.cells for output in cell.get("outputs", ()))
    assert printed.startswith("Found the project: folder ..\n")
    assert printed.count("✓") >= 3
    assert printed.count("✗") == 0


@EACH
def test_jupytext_sees_the_same_cells(lesson):
    """So do the editors that know percent cells."""
    jupytext = pytest.importorskip("jupytext", reason="the extra `notebooks` is not installed")
    seen = jupytext.reads(text(lesson), "py:percent").cells
    notebook = make.cells_of_notebook(text(lesson))
    assert [(cell.cell_type, cell.source) for cell in seen] == [notebook[0], *notebook[2:]]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    return hosted.publish(tmp_path_factory.mktemp("published"))


@pytest.mark.parametrize("what", hosted.SITUATIONS)
def test_the_first_cell_of_a_notebook_finds_the_project_or_names_the_cure(what, tmp_path, address):
    """The cells run as a program, beside an empty package called autograd. `tests.hosted` runs them in notebooks."""
    (tmp_path / "packages" / "autograd").mkdir(parents=True)
    (tmp_path / "packages" / "autograd" / "__init__.py").touch()
    cells, folder = hosted.prepare(hosted.SITUATIONS[what], tmp_path / "hosted", address)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "packages")}
    command = [sys.executable, "-c", "\n".join(cells)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert hosted.faults(hosted.SITUATIONS[what], done.stdout, done.stderr) == ""


ANSWERS = [(lesson, k) for lesson in LESSONS for k in range(len(make.ANSWER.findall(text(lesson))))]
EACH_ANSWER = pytest.mark.parametrize(("lesson", "k"), ANSWERS, ids=lambda v: getattr(v, "stem", v))


def with_answer(lesson, k, change):
    """The lesson with its answer number k changed."""
    answer = list(make.ANSWER.finditer(text(lesson)))[k]
    return text(lesson)[: answer.start()] + change(answer[0]) + text(lesson)[answer.end() :]


@EACH_ANSWER
def test_a_missing_answer_is_named_by_the_next_check(lesson, k, tmp_path):
    done = run(beside(lesson, with_answer(lesson, k, make.student), tmp_path), tmp_path)
    assert done.returncode == 1
    assert re.match(r"✗ .*: expected .*, yours nothing yet", done.stderr)
    assert "Traceback" not in done.stderr


@EACH_ANSWER
def test_a_wrong_answer_is_noticed_by_the_next_check(lesson, k, tmp_path):
    """One per cent too much is enough."""
    too_much = lambda answer: re.sub(r"return (.*)", r"return 1.01 * (\1)", answer)
    done = run(beside(lesson, with_answer(lesson, k, too_much), tmp_path), tmp_path)
    assert done.returncode == 1
    assert re.match(r"✗ .*: expected .*, yours ", done.stderr)
