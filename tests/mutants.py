"""Changes the code in every small way that two tools know, and shows which changes no test notices.

python -m tests.mutants mutmut minigen/nade.py    each change of mutmut in these files; without a name in all files
python -m tests.mutants cosmic-ray 600            600 random changes of cosmic-ray, which mutmut does not make
python -m tests.mutants again minigen/nade.py     the changes of mutmut that no test noticed, after you added tests
python -m tests.mutants report                    only print again what the runs so far found

Needs `pip install -e ".[test,mutation]"`. The runs take hours. Each works in a copy in out/mutants, and one that was
stopped goes on there; delete the folder to begin again. tests/mutants.md says what the scores mean, and lists the
changes that live on with the reasons; the report compares with this list.
"""

from __future__ import annotations

import ast
import configparser
import itertools
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

from autograd import console

ROOT = Path(__file__).parents[1]
COPIES = ROOT / "out" / "mutants"
LIST = ROOT / "tests" / "mutants.md"
SESSION = COPIES / "cosmic-ray.sqlite"
SEED, TIMEOUT = 20261126, 900

ALL_MODELS = [f"tests/minigen/test_{name}.py" for name in ("explicit_models", "model", "device")]
OF_THE_ENGINE = [
    *("backend", "check", "console", "coverage", "derivatives", "draw", "engine", "faults", "interoperation"),
    *("nothing_silent", "tensor"),
]
TESTS = {
    **{f"minigen/{name}.py": [f"tests/minigen/test_{name}.py"] for name in ("divergences", "distributions")},
    **{
        f"minigen/{name}.py": [f"tests/minigen/test_{name}.py", *ALL_MODELS]
        for name in ("table", "markov", "ar", "nade")
    },
    **{f"minigen/{name}.py": [f"tests/minigen/test_{name}.py", *ALL_MODELS[1:]] for name in ("vae", "aae", "gan")},
    "autograd": [f"tests/autograd/test_{name}.py" for name in OF_THE_ENGINE],
    "autograd/rules": ["tests/autograd"],
}
"""What is changed, a file or a folder, and the tests that the mutants meet."""
ALL_TESTS = {
    "autograd": ["tests/autograd", "tests/minigen/test_kernels.py", "tests/minigen/training/test_capture.py"],
}
"""Slower tests too, which only the mutants meet that lived in the first run. Those of `cuda` are among minigen's."""


def files_of(part: str) -> list[str]:
    """The file itself, or the modules of the folder."""
    return [part] if part.endswith(".py") else sorted(str(p.relative_to(ROOT)) for p in (ROOT / part).glob("*.py"))


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


def run_mutmut(parts: list[str], most: int | None, again: bool = False) -> None:
    """Run mutmut on each file or folder, in a copy of its own.

    most: the number of mutants, drawn at random; None for all.
    again: run only the mutants that lived in the first run, in a second copy, with the tests of today. The tests of
        ALL_TESTS replace those of TESTS.
    """
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.utils.format_utils import get_mutant_name

    for part in parts:
        name = part.removesuffix(".py").replace("/", ".")
        copy = copied(f"{'again' if again else 'mutmut'}/{name}")
        config = configparser.ConfigParser()
        config.read(ROOT / "setup.cfg")
        config["mutmut"]["only_mutate"] = "\n".join(["", *files_of(part)])
        tests = ALL_TESTS.get(part, TESTS[part]) if again else TESTS[part]
        config["mutmut"]["pytest_add_cli_args_test_selection"] = "\n".join(["", *tests])
        with (copy / "setup.cfg").open("w") as target:
            config.write(target)
        os.chdir(copy)
        before = {mutant: outcome for of, _, mutant, outcome in outcomes() if of.name == name}
        if again:
            chosen = [mutant for mutant, outcome in before.items() if outcome != "killed"]
        else:
            names = [
                get_mutant_name(Path(file), mutant)
                for file in files_of(part)
                for mutant in mutate_file_contents(file, Path(file).read_text()).mutant_names
            ]
            drawn = names if most is None else random.Random(SEED).sample(names, min(most, len(names)))
            chosen = [mutant for mutant in drawn if mutant not in before]
        if chosen:
            subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", "1", *chosen], check=True)


def outcomes() -> Iterator[tuple[Path, str, str, str]]:
    """The copy, the file, the name and the last outcome of each mutant of mutmut."""
    from mutmut.stats import status_by_exit_code

    last = {}
    for run in ("mutmut", "again"):
        for meta in sorted(COPIES.glob(f"{run}/*/mutants/**/*.meta")):
            mutants = next(folder for folder in meta.parents if folder.name == "mutants")
            for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
                if (outcome := status_by_exit_code[code]) != "not checked":
                    last[name] = mutants.parent, str(meta.relative_to(mutants).with_suffix("")), name, outcome
    yield from last.values()


def mutmuts() -> Iterator[Mutant]:
    """The mutants of all copies in which mutmut ran."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    for copy, file, name, outcome in outcomes():
        os.chdir(copy)
        function = re.sub(r"__mutmut_\d+$", "", name.rpartition(".")[2])
        function = re.sub("^x(_|\u01c1)", "", function).replace("\u01c1", ".")  # \u01c1: between class and method
        diff = [] if outcome == "killed" else get_diff_for_mutant(name, path=file).splitlines()
        yield Mutant("mutmut", file, function, change(diff), outcome)


# cosmic-ray


def lines_of(node: Any) -> set[int]:
    return set(range(node.lineno, node.end_lineno + 1))


def unseen(source: str, whole: bool = False) -> set[int]:
    """The lines of a file that mutmut does not change: decorators, decorated functions, and code outside functions.

    Left out are imports, signatures and annotated names, where most changes are of types, which compute nothing.
    whole: also the lines of functions that mutmut changes.
    """
    found: set[int] = set()
    parts = ast.parse(source).body
    for part in parts:
        if isinstance(part, ast.ClassDef):
            parts += part.body
        elif isinstance(part, ast.FunctionDef):
            if whole or [ast.unparse(d) for d in part.decorator_list] not in ([], ["staticmethod"], ["classmethod"]):
                found |= set().union(*map(lines_of, part.decorator_list + part.body))
        elif not isinstance(part, ast.Import | ast.ImportFrom | ast.AnnAssign):
            found |= lines_of(part)
    return found


def pytest_sessionstart() -> None:
    """As a plugin of pytest: a failing test of hypothesis is not made simpler, which takes long.

    If FEW_EXAMPLES is set, 2 examples are drawn instead of 25.
    """
    from hypothesis import Phase, settings

    few = {"max_examples": 2} if "FEW_EXAMPLES" in os.environ else {}
    settings.register_profile("mutants", settings(), phases=(Phase.explicit, Phase.generate), **few)
    settings.load_profile("mutants")


def pytest_runtest_logstart(nodeid: str) -> None:
    """As a plugin of pytest: tell coverage, if it measures, which test runs now."""
    import coverage

    if (running := coverage.Coverage.current()) is not None:
        running.switch_context(nodeid)


def pytest(*arguments: str) -> list[str]:
    return ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "tests.mutants", *arguments]


def measure() -> None:
    """Run all tests once, and leave in lines.json which of them run each line."""
    Path(".coveragerc").write_text("[run]\nsource = autograd, minigen\n[json]\nshow_contexts = True\n")
    tests = dict.fromkeys(test for tests in TESTS.values() for test in tests)
    run = [sys.executable, "-m", "coverage"]
    os.environ["FEW_EXAMPLES"] = ""
    subprocess.run([*run, "run", *pytest(*tests)], check=True)
    subprocess.run([*run, "json", "-o", "part.json"], check=True)
    os.replace("part.json", "lines.json")


def file_of(item: Any) -> str:
    return str(item.mutations[0].module_path)


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
    command = shlex.join([sys.executable, *pytest("@tests.txt")])
    os.environ["FEW_EXAMPLES"] = ""
    result = mutate_and_test(item.mutations, command, TIMEOUT)
    del os.environ["FEW_EXAMPLES"]
    return item.job_id, result if result.is_killed else mutate_and_test(item.mutations, command, TIMEOUT)


def run_cosmic_ray(parts: list[str], most: int | None) -> None:
    """Run cosmic-ray on the rules, and on the lines elsewhere that mutmut does not change.

    most: how many mutants, drawn at random; None for all.
    Each mutant meets the tests that run the changed lines. A line that only runs when the module is imported meets
    those that run any line of its file.
    """
    from cosmic_ray.commands import init
    from cosmic_ray.work_db import use_db

    enter(copied("cosmic-ray"))
    if not Path("lines.json").exists():
        measure()
    measured = json.loads(Path("lines.json").read_text())["files"]
    tests_of = {file: TESTS[part] for part in parts for file in files_of(part)}
    lines = {file: unseen(Path(file).read_text(), whole="rules/" in file) for file in tests_of}
    with use_db(str(SESSION)) as db:
        if not db.num_work_items:
            init([Path(file) for part in TESTS for file in files_of(part)], db, {})
        items = [item for item in db.work_items if rows(item) <= lines.get(file_of(item), set())]
        items.sort(key=lambda item: str(item.mutations))
        items = random.Random(SEED).sample(items, len(items) if most is None else min(most, len(items)))
        done, work = {job for job, _ in db.results}, []
        for item in items:
            if item.job_id in done:
                continue
            contexts = measured[file_of(item)]["contexts"]
            of_lines = {test for row in rows(item) for test in contexts.get(str(row), ()) if test}
            of_file = {test for tests in contexts.values() for test in tests if test}
            work.append((item, sorted(of_lines or of_file) or tests_of[file_of(item)]))
        with multiprocessing.Pool(os.cpu_count(), settle, (Path.cwd(),)) as workers:
            for job, result in workers.imap_unordered(tested, work):
                db.set_result(job, result)


def cosmic_rays() -> Iterator[Mutant]:
    """The mutants that cosmic-ray made and that were tested."""
    from cosmic_ray.work_db import use_db

    if not SESSION.exists():
        return
    with use_db(str(SESSION)) as db:
        for item, result in db.completed_work_items:
            (mutation,) = item.mutations
            outcome = "timeout" if result.output == "timeout" else str(result.test_outcome.value)
            function = mutation.definition_name or "rules"
            yield Mutant("cosmic-ray", str(mutation.module_path), function, change(result.diff.splitlines()), outcome)


# the report


def listed() -> dict[tuple[str, str], str]:
    """The reason of each mutant that tests/mutants.md lists, by its file and by the line that `report` prints of it."""
    file, found = "", {}
    for line in LIST.read_text().splitlines():
        if line.startswith("### "):
            file = line.removeprefix("### ")
        elif file and line.startswith("- "):
            mutant, _, reason = line.rpartition("` ")
            found[file, mutant + "`"] = reason
    return found


def report(mutants: Iterable[Mutant]) -> None:
    """Print for each file how many mutants had which outcome, and the mutants that live and are not in the list.

    The score is the share that a test killed. A timeout is no kill. The second score leaves out the mutants listed.
    """
    known, new = listed(), []
    counts: dict[tuple[str, str], Counter[str]] = {}
    for mutant in mutants:
        here = counts.setdefault((mutant.tool, mutant.file), Counter())
        here[mutant.outcome] += 1
        if mutant.outcome != "killed":
            here["listed"] += (mutant.file, str(mutant)) in known
            new += [mutant] if (mutant.file, str(mutant)) not in known else []
    for tool in dict.fromkeys(tool for tool, _ in counts):
        print(f"\n| {tool} | mutants | killed | survived | timeout | other | score | without those listed |")
        print("|---|---|---|---|---|---|---|---|")
        rows = {file: here for (of, file), here in counts.items() if of == tool}
        for file, here in {**rows, "all": sum(rows.values(), Counter())}.items():
            total = here.total() - here["listed"]
            alive, late = here["survived"] + here["no tests"], here["timeout"]
            other = total - here["killed"] - alive - late
            score, without = (f"{100 * here['killed'] / n:.1f} %" for n in (total, total - here["listed"]))
            print(f"| {file} | {total} | {here['killed']} | {alive} | {late} | {other} | {score} | {without} |")
    for file, of_file in itertools.groupby(new, lambda mutant: mutant.file):
        print(f"\nnot listed in {file}:")
        print(*(f"{mutant} {mutant.outcome}" for mutant in of_file), sep="\n")


def main(arguments: list[str]) -> int:
    tool, *rest = arguments or ["--help"]
    number = next((int(word) for word in rest if word.isdigit()), None)
    parts = [word for word in rest if not word.isdigit()] or list(TESTS)
    if tool in ("mutmut", "again"):
        run_mutmut(parts, number, tool == "again")
    elif tool == "cosmic-ray":
        run_cosmic_ray(parts, number)
    elif tool != "report":
        print(__doc__)
        return 0
    report(itertools.chain(mutmuts(), cosmic_rays()))
    return 0


if __name__ == "__main__":
    console.run(lambda: main(sys.argv[1:]))
