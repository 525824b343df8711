"""Changes the code in every small way that two tools know, one way at a time, and shows the changes that no test notices.

python -m tests.mutants mutmut minigen/nade.py    each change of mutmut in these files; without a name in all files
python -m tests.mutants cosmic-ray 600            600 random changes of cosmic-ray where mutmut makes none
python -m tests.mutants report                    only print again what the runs so far found

Needs `pip install -e ".[test,mutation]"`. The runs take hours. Each works in a copy in out/mutants, and one that was
stopped goes on there; delete the folder to begin again. docs/mutants.md says what the scores mean; tests/survivors.md
names the changes that survive, each with the reason, and the report compares with it.
"""

from __future__ import annotations

import ast
import configparser
import json
import multiprocessing
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
COPIES = ROOT / "out" / "mutants"
SESSION = COPIES / "cosmic-ray.sqlite"
SEED, TIMEOUT = 20261126, 900

ENGINE = [f"tests/autograd/test_{name}.py" for name in ("engine", "tensor", "derivatives", "nothing_silent", "check")]
ENGINE += [f"tests/autograd/test_{name}.py" for name in ("backend", "faults", "coverage", "forward", "special")]
RULES = [*ENGINE, "tests/autograd/test_linalg.py", "tests/autograd/test_rules.py"]
EXPLICIT = "tests/minigen/test_explicit_models.py"
TESTS = {
    **{f"minigen/{name}.py": [f"tests/minigen/test_{name}.py", EXPLICIT] for name in ("table", "markov", "ar", "nade")},
    **{f"minigen/{name}.py": [f"tests/minigen/test_{name}.py"] for name in ("divergences", "distributions", "gan")},
    **{f"minigen/{name}.py": [f"tests/minigen/test_{name}.py"] for name in ("vae", "aae")},
    **{str(path.relative_to(ROOT)): ENGINE for path in sorted((ROOT / "autograd").glob("*.py"))},
    **{str(path.relative_to(ROOT)): RULES for path in sorted((ROOT / "autograd" / "rules").glob("*.py"))},
}
"""The tests of each file that is changed."""


class Mutant(NamedTuple):
    """A change of the code: "old line → new line", its place, and what the tests said of it.

    outcome: killed (a test failed), survived (all tests passed), timeout, no tests (none runs the line), or another
    word of the tool for what is neither.
    """

    tool: str
    file: str
    function: str
    change: str
    outcome: str

    def __str__(self) -> str:
        return f"- {self.function}: `{self.change}`"


def change(diff: Iterable[str]) -> str:
    """Return "old → new" of a diff: the lines that were removed and the lines that were added, without indentation."""
    lines = [line for line in diff if line[:1] in ("-", "+") and not line.startswith(("---", "+++"))]
    old, new = ([line[1:].strip() for line in lines if line[0] == sign] for sign in "-+")
    return f"{' '.join(old)} → {' '.join(new)}"


def copied(name: str) -> Path:
    """Copy the code and the tests to a folder of out/mutants, over what is there, and return the folder."""
    copy = COPIES / name
    for part in ("autograd", "minigen", "demos", "tests"):
        shutil.copytree(ROOT / part, copy / part, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", copy)
    return copy


# mutmut


def run_mutmut(files: list[str], most: int | None) -> None:
    """Run mutmut on each file, in a copy of its own.  most: the number of mutants, drawn at random; None runs all."""
    for file in files:
        copy = copied(f"mutmut/{file.removesuffix('.py').replace('/', '.')}")
        config = configparser.ConfigParser()
        config.read(ROOT / "setup.cfg")
        config["mutmut"]["only_mutate"] = file
        config["mutmut"]["pytest_add_cli_args_test_selection"] = "\n" + "\n".join(TESTS[file])
        with (copy / "setup.cfg").open("w") as target:
            config.write(target)
        subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", "1"], cwd=copy, check=True)


def mutmuts() -> Iterator[Mutant]:
    """The mutants of all copies in which mutmut ran."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant
    from mutmut.stats import status_by_exit_code

    for meta in sorted(COPIES.glob("mutmut/*/mutants/**/*.meta")):
        copy = next(folder for folder in meta.parents if folder.name == "mutants").parent
        file = str(meta.relative_to(copy / "mutants").with_suffix(""))
        os.chdir(copy)
        for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            outcome = status_by_exit_code[code]
            function = re.sub(r"__mutmut_\d+$", "", name.rpartition(".")[2])
            function = function.removeprefix("xǁ").replace("ǁ", ".") if "ǁ" in function else function.removeprefix("x_")
            quiet = outcome in ("killed", "not checked")
            diff = [] if quiet else get_diff_for_mutant(name, path=file).splitlines()
            yield Mutant("mutmut", file, function, change(diff), outcome)


# cosmic-ray


def unseen(file: str) -> set[int]:
    """The lines of a file in which mutmut makes no mutants: decorated functions, and code outside functions.

    Left out are imports, annotations and docstrings, which compute nothing.
    """
    lines: set[int] = set()
    parts = ast.parse((ROOT / file).read_text()).body
    for part in parts:
        if isinstance(part, ast.ClassDef):
            parts += part.body
        elif isinstance(part, ast.FunctionDef):
            static = [ast.unparse(decorator) for decorator in part.decorator_list] in (
                ["staticmethod"],
                ["classmethod"],
            )
            if part.decorator_list and not static:
                lines |= set(range(part.decorator_list[0].lineno, part.body[0].lineno))
                lines |= {line for statement in part.body for line in range(statement.lineno, statement.end_lineno + 1)}
        elif not isinstance(part, ast.Import | ast.ImportFrom | ast.AnnAssign):
            lines |= set(range(part.lineno, part.end_lineno + 1))
    return lines


def pytest_sessionstart() -> None:
    """As a plugin of pytest: let hypothesis draw 2 examples a test instead of 25."""
    import hypothesis

    hypothesis.settings.register_profile("few", hypothesis.settings(), max_examples=2)
    hypothesis.settings.load_profile("few")


def pytest_runtest_logstart(nodeid: str) -> None:
    """As a plugin of pytest: tell coverage, if it measures, which test runs now."""
    import coverage

    if (running := coverage.Coverage.current()) is not None:
        running.switch_context(nodeid)


FEW = ["-p", "tests.mutants"]


def pytest(*arguments: str) -> list[str]:
    return ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *arguments]


def measure() -> None:
    """Run all tests once, and leave in lines.json which of them run each line."""
    Path(".coveragerc").write_text("[run]\nsource = autograd, minigen\n[json]\nshow_contexts = True\n")
    tests = dict.fromkeys(test for tests in TESTS.values() for test in tests)
    run = [sys.executable, "-m", "coverage"]
    subprocess.run([*run, "run", *pytest(*FEW, *tests)], check=True)
    subprocess.run([*run, "json", "-o", "lines.json"], check=True)


def rows(item: Any) -> set[int]:
    """The lines that a mutant changes."""
    (mutation,) = item.mutations
    return set(range(mutation.start_pos[0], mutation.end_pos[0] + 1))


def enter(copy: Path) -> None:
    """Work in the copy, with its code."""
    os.environ["PYTHONPATH"] = str(copy)
    os.chdir(copy)


def settle(copy: Path) -> None:
    """Give this worker a copy of its own, and work there."""
    enter(Path(shutil.copytree(copy, copy.with_name(f"{copy.name}-{os.getpid()}"))))


def tested(work: tuple[Any, list[str]]) -> tuple[str, Any]:
    """Test a mutant: with 2 examples of hypothesis first, and with all if it survives that."""
    from cosmic_ray.mutating import mutate_and_test

    item, tests = work
    Path("tests.txt").write_text("\n".join(tests))
    for options in (FEW, []):
        command = [sys.executable, *pytest(*options, "@tests.txt")]
        result = mutate_and_test(item.mutations, shlex.join(command), TIMEOUT)
        if result.is_killed:
            break
    return item.job_id, result


def run_cosmic_ray(files: list[str], most: int | None) -> None:
    """Run cosmic-ray on the lines of these files that mutmut does not change.  most: how many mutants, drawn at random.

    Each mutant meets the tests of its file that run the changed lines, or all of them if none does.
    """
    from cosmic_ray.commands import init
    from cosmic_ray.work_db import use_db

    copy = copied("cosmic-ray")
    enter(copy)
    if not Path("lines.json").exists():
        measure()
    tests_of = {file: said["contexts"] for file, said in json.loads(Path("lines.json").read_text())["files"].items()}
    with use_db(str(SESSION)) as db:
        if not db.num_work_items:
            init([Path(file) for file in TESTS], db, {})
        lines = {file: unseen(file) for file in files}
        items = [item for item in db.work_items if rows(item) <= lines.get(str(item.mutations[0].module_path), set())]
        items.sort(key=lambda item: str(item.mutations))
        items = random.Random(SEED).sample(items, min(most or len(items), len(items)))
        done = {job for job, _ in db.results}
        work = []
        for item in items:
            file = str(item.mutations[0].module_path)
            running = {test for row in rows(item) for test in tests_of[file].get(str(row), ()) if test}
            if item.job_id not in done:
                work.append((item, sorted(running) or TESTS[file]))
        with multiprocessing.Pool(os.cpu_count(), settle, (copy,)) as workers:
            for job, result in workers.imap(tested, work):
                db.set_result(job, result)


def cosmic_rays() -> Iterator[Mutant]:
    """The mutants that cosmic-ray made and that were tested."""
    from cosmic_ray.work_db import use_db

    with use_db(str(SESSION)) as db:
        for item, result in db.completed_work_items:
            (mutation,) = item.mutations
            outcome = "timeout" if result.output == "timeout" else str(result.test_outcome.value)
            function = mutation.definition_name or "rules"
            yield Mutant("cosmic-ray", str(mutation.module_path), function, change(result.diff.splitlines()), outcome)


def report(mutants: Iterable[Mutant]) -> None:
    """Print the outcomes of each file, and each mutant that was not killed and is not in tests/survivors.md."""
    mutants = list(mutants)
    known = (ROOT / "tests" / "survivors.md").read_text() if (ROOT / "tests" / "survivors.md").exists() else ""
    for tool, file in sorted({(m.tool, m.file) for m in mutants}):
        here = [m for m in mutants if (m.tool, m.file) == (tool, file)]
        counts = Counter(m.outcome for m in here)
        print(f"{tool} {file}", dict(counts))
        for m in here:
            if m.outcome not in ("killed", "not checked") and str(m) not in known:
                print(f"{m} {m.outcome}")


def main(arguments: list[str]) -> int:
    tool, *rest = arguments or ["--help"]
    number = next((int(word) for word in rest if word.isdigit()), None)
    files = [word for word in rest if not word.isdigit()] or list(TESTS)
    if tool == "mutmut":
        run_mutmut(files, number)
    elif tool == "cosmic-ray":
        run_cosmic_ray(files, number)
    elif tool != "report":
        print(__doc__)
        return 0
    report(mutmuts())
    report(cosmic_rays())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
