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

from autograd import backend
from lessons import make
from tests import claims, hosted, standin

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
    words = re.sub(r"\$\$[^$]*\$\$|^# \|.*$|^# \[.*\]: .*$", "", prose, flags=re.MULTILINE).split()
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
def test_the_links_lead_to_files_and_to_sections(lesson):
    prose = "\n".join(source for kind, source in make.cells(text(lesson)) if kind == "markdown")
    targets = dict(re.findall(r"^# \[(.*)\]: (.*)$", prose, re.MULTILINE))
    used = set(re.findall(r"\[(`[^]]*`|[A-Z]+-\d+|answers)\](?!:)", prose))
    assert used == set(targets)
    assert any(target.startswith("../tests/") for target in targets.values())
    for name, target in targets.items():
        path, _, section = target.partition("#")
        assert (lesson.parent / path).exists()
        if name == "answers":
            assert path == f"../lessons/answers/{lesson.stem}.md"
        if section:
            of_claim = [row for row in claims.ROWS if name in row.claims.split(", ")]
            assert "#" + section in [claims.anchor(row.section) for row in of_claim]


TRAINED = [lesson for lesson in LESSONS if 'backend.use("numpy")' in text(lesson)]


@pytest.mark.parametrize("lesson", TRAINED, ids=lambda path: path.stem)
def test_one_line_moves_the_training_to_the_device(lesson, tmp_path, monkeypatch, capsys):
    """The stand-in for CuPy refuses an operation with arrays from both places, so all of the training is there."""
    standin.install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUICK", "1")
    sent = []
    to_device = backend.to_device
    monkeypatch.setattr(backend, "to_device", lambda array: sent.append(to_device(array)) or sent[-1])
    program = text(lesson).replace('backend.use("numpy")', 'backend.use("cupy")')
    program = re.sub(r"[0-9_]+ if QUICK", "3 if QUICK", program)  # the stand-in is slow
    program = program.replace("-8, 8, 321", "-8, 8, 161")  # so is a fine grid
    program = program.replace("within=0.02", "within=1")  # V of a discriminator that has learned for three steps
    with backend.use(backend.name()):
        exec(compile(program, lesson, "exec"), {"__file__": str(lesson), "__name__": "__main__"})
    assert len(sent) > 5
    assert all(backend.on_device(array) for array in sent)
    assert capsys.readouterr().out.count("✓") >= 3


@EACH
def test_the_students_version_is_the_lesson_with_blanks(lesson):
    written = text(lesson.parent / "student" / lesson.name)
    assert written == make.student(text(lesson)), "run `python lessons/make.py`"
    assert 3 <= written.count("# your turn: ") <= 4


@EACH
@pytest.mark.parametrize("folder", ["lessons", "lessons/ko"])
def test_the_notebook_is_the_lesson_with_its_outputs(folder, lesson):
    lesson = make.LESSONS.parent / folder / lesson.name
    written = json.loads(text(lesson.with_suffix(".ipynb")))
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in written["cells"]]
    assert found == make.cells_of_notebook(text(lesson), folder), "run `python lessons/make.py notebooks`"
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


def texts(lesson):
    """The cells of text of a lesson, without `#`."""
    return [source for kind, source in make.cells_of_notebook(text(lesson)) if kind == "markdown"]


def kept(cell):
    """What a translation keeps: formulas, code, targets of links, and the signs of bold text."""
    found = re.findall(r"\$\$.*?\$\$|\$.*?\$|`.*?`|^\[.*?\]: .*?$|\*\*", cell, re.DOTALL | re.MULTILINE)
    return sorted(" ".join(part.split()) for part in found)


@EACH
def test_no_korean_cell_is_stale(lesson):
    hashes = [make.hash_of(source) for kind, source in make.cells(text(lesson)) if kind == "markdown"]
    assert list(make.translations(lesson)) == hashes, "`python lessons/make.py` names the cells to translate again"


@EACH
def test_a_korean_cell_keeps_the_formulas_the_code_and_the_links(lesson):
    for english, korean in zip(texts(lesson), make.translations(lesson).values(), strict=True):
        assert kept(korean) == kept(english)
        assert re.search("[가-힣]", korean)


@EACH
def test_the_korean_program_is_made_from_the_lesson(lesson):
    written = text(make.KOREAN / lesson.name)
    assert written == make.korean(text(lesson), make.translations(lesson)), "run `python lessons/make.py`"


def test_a_korean_program_runs(tmp_path):
    """One: the others have the same code as their lessons, but for the line that this one shows to be right."""
    done = run(make.KOREAN / LESSONS[0].name, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


ANSWERS = [(lesson, k) for lesson in LESSONS for k in range(len(make.ANSWER.findall(text(lesson))))]
EACH_ANSWER = pytest.mark.parametrize(("lesson", "k"), ANSWERS, ids=lambda v: getattr(v, "stem", v))


def with_answer(lesson, k, change):
    """The lesson with its answer number k changed."""
    answer = list(make.ANSWER.finditer(text(lesson)))[k]
    return text(lesson)[: answer.start()] + change(answer[0]) + text(lesson)[answer.end() :]


def stopped(lesson, k, change, folder, monkeypatch):
    """What the lesson says when it stops, with its answer number k changed. It runs here: a new process is slow."""
    monkeypatch.setenv("QUICK", "1")
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.chdir(folder)
    program = compile(with_answer(lesson, k, change), lesson, "exec")
    with pytest.raises(SystemExit) as stopped:
        exec(program, {"__file__": str(lesson), "__name__": "__main__"})
    return stopped.value.code


@EACH_ANSWER
def test_a_missing_answer_is_named_by_the_next_check(lesson, k, tmp_path, monkeypatch):
    assert re.match(r"✗ .*: expected .*, yours nothing yet", stopped(lesson, k, make.student, tmp_path, monkeypatch))


@EACH_ANSWER
def test_a_wrong_answer_is_noticed_by_the_next_check(lesson, k, tmp_path, monkeypatch):
    """One per cent too much is enough."""
    too_much = lambda answer: re.sub(r"return (.*)", r"return 1.01 * (\1)", answer)
    assert re.match(r"✗ .*: expected .*, yours ", stopped(lesson, k, too_much, tmp_path, monkeypatch))


def test_a_check_that_fails_ends_the_program_with_one_line(tmp_path):
    done = run(LESSONS[0].parent / "student" / LESSONS[0].name, tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"✗ .*: expected .*, yours nothing yet: .*\n", done.stderr)
