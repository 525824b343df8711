"""The documents are run: their code, their commands, their links, and the map from the lecture to the tests."""

import contextlib
import functools
import importlib
import importlib.util
import inspect
import io
import itertools
import math
import pkgutil
import re
import shlex
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize

import autograd
import minigen
from autograd import backend, table
from demos import recipes, windows
from demos.__main__ import NAMES, program
from demos.tour.lecture import SECTIONS as TOUR
from minigen import Adam, digits
from minigen.training.steps import Descent
from tests import figures, standin
from tests.claims import MAP, ROOT, ROWS, SECTIONS, anchor, table_rows, title
from tests.minigen.test_device import MODELS
from tests.test_planted import CLAIMS, ENGINE

README, KOREAN = ROOT / "README.md", ROOT / "README.ko.md"
DOCUMENTS = [README, KOREAN, *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)")
every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def blocks_of(path: Path) -> list[tuple[str, str, int]]:
    """Every fenced block: its language, its text, and the line at which the text begins."""
    text = path.read_text()
    return [(m[1], m[2], text.count("\n", 0, m.start(2)) + 1) for m in figures.FENCE.finditer(text)]


def without_blocks(path: Path) -> str:
    return figures.FENCE.sub("", path.read_text())


# -- code


@pytest.fixture
def same_table_after(monkeypatch):
    """Rules that a document adds are gone after it; those of minigen, which it may be the first to import, stay."""
    for module in pkgutil.iter_modules(minigen.__path__, "minigen."):
        importlib.import_module(module.name)
    for entries in (table.RULES, table.COMPOSITES):
        for key, entry in entries.items():
            monkeypatch.setitem(entries, key, entry)
    kept = [(entries, set(entries)) for entries in (table.RULES, table.COMPOSITES)]
    yield
    for entries, keys in kept:
        for key in set(entries) - keys:
            del entries[key]


def promised(code: str) -> list[str] | None:
    """The output that the comments behind `print` state; None where a print has none."""
    prints = [line for line in code.splitlines() if re.search(r"\bprint\(", line)]
    stated = [re.search(r"\)  # (.*)$", line) for line in prints]
    return None if None in stated else [m[1] for m in stated if m]


@every_document
def test_its_python_runs_and_prints_what_it_says(path, tmp_path, monkeypatch, same_table_after):
    """In order, in one namespace and in an empty folder, as a reader would. A ```text block is the output of the code
    before it, and so are comments behind `print`; line breaks and runs of spaces do not count. Sentences that repeat
    this output have the same figures."""
    monkeypatch.chdir(tmp_path)
    namespace, printed = {"__name__": "a_document"}, ""
    blocks = blocks_of(path)
    for (language, code, line), following in itertools.zip_longest(blocks, blocks[1:], fillvalue=("", "", 0)):
        if language != "python":
            continue
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * (line - 1) + code, str(path), "exec"), namespace)
        printed += out.getvalue()
        stated = following[1] if following[0] == "text" else promised(code)
        if stated is not None:
            stated = stated if isinstance(stated, str) else " ".join(stated)
            assert out.getvalue().split() == stated.split(), f"{path.name}, line {line}"
    for source in figures.HELD:
        if source.name == f"the code of docs/{path.name}":
            assert list(figures.failures(source, printed)) == []


# -- commands

LEFT_OUT = ("pip install", "-m venv")
"""They need the network, and they change the environment that the tests run in."""


def commands_of(path: Path) -> list[str]:
    """Lines of shell blocks, and code in the text that begins as a command does."""
    lines = [line for language, text, _ in blocks_of(path) if language == "sh" for line in text.splitlines()]
    spans = re.findall(r"`((?:MINIGEN_BACKEND=\w+ )?python -m [^`]*)`", re.sub(r"\s+", " ", without_blocks(path)))
    return [line for line in lines + spans if line.strip() and "…" not in line and "NAME" not in line]


@every_document
def test_its_commands_exist_and_their_options_are_known(path, tmp_path, monkeypatch):
    """Nothing is run: a demo's own parser reads the options, other modules must be there; a user's file is."""
    standin.install(monkeypatch)  # for --device cuda
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(windows, "require", lambda: None)  # of a reader with a display
    (tmp_path / "mine.npz").touch()
    for command in commands_of(path):
        if any(part in command for part in LEFT_OUT):
            continue
        words = shlex.split(command, comments=True)
        if words[0] == "mpiexec":  # -n 4 -f hosts -env NAME VALUE
            words = words[words.index("python") :]
        while "=" in words[0]:
            assert words.pop(0).partition("=")[0] == "MINIGEN_BACKEND"
        if words[1].startswith("lessons/"):
            assert (ROOT / words[1]).is_file(), command
            continue
        assert words[:2] == ["python", "-m"], f"{path.name}: {command} is not checked; teach this test how"
        if words[2] != "demos":
            assert importlib.util.find_spec(words[2]) is not None, command
            for word in words[3:]:
                assert "/" not in word or (ROOT / word.partition("::")[0]).exists(), command
            continue
        name, *options = words[3:] if words[3:] and not words[3].startswith("-") else ["tour", *words[3:]]
        assert name in NAMES, command
        if options == ["--list"]:  # read before any demo is
            continue
        try:
            with backend.use("numpy"):
                program(name).options(options)
        except SystemExit as error:
            pytest.fail(f"{path.name}: {command} stops with {error.code}")


# -- names

SOURCES = [
    path
    for folder in ("autograd", "minigen", "demos", "tests", "benchmarks", "lessons")
    for path in (ROOT / folder).rglob("*.py")
]
FOLDERS = {f"/{path.parent.relative_to(ROOT).as_posix()}/" for path in SOURCES} | {"/lessons/answers/"}
FILES = {f"/{path.relative_to(ROOT).as_posix()}" for path in [*SOURCES, ROOT / "tests" / "cupy_api.json"]}
WORDS = {word for path in SOURCES for word in re.findall(r"\w+", path.read_text())}
OUTSIDE = {"np": np, "math": math, "scipy": scipy}
VARIABLES = {"self", "x"}  # of the snippets


@functools.cache
def first_names() -> dict[str, list]:
    """The modules and classes of the engine and of minigen by their last name: "engine" → [autograd.engine]."""
    found: dict[str, list] = {name: [module] for name, module in OUTSIDE.items()}
    for package in (autograd, minigen):
        inside = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for module in [package, *(importlib.import_module(m.name) for m in inside if not m.name.endswith("__main__"))]:
            found.setdefault(module.__name__.rpartition(".")[2], []).append(module)
            for name, value in inspect.getmembers(module, inspect.isclass):
                found.setdefault(name, []).append(value)
    return found


def exists(dotted: str) -> bool:
    """Whether "engine.Call.gradients" leads, attribute by attribute, from a module or class to an object."""
    first, *rest = dotted.split(".")
    missing = object()
    found = first_names().get(first, [])
    return any(functools.reduce(lambda o, name: getattr(o, name, missing), rest, each) is not missing for each in found)


@every_document
def test_the_files_and_names_in_backticks_exist(path):
    """`path/like.py` and `folder/` are in the tree, `module.name` is an attribute, and `name` is in some source."""
    for span in re.findall(r"`([^`]+)`", without_blocks(path)):
        for word in re.findall(r"(?<![\w./])\w[\w/]*(?:\.py\b|\.json\b|/(?=\s|$))", span):
            assert any(place.endswith(f"/{word}") for place in FOLDERS | FILES), word
        dotted = re.match(r"[^\W\d]\w*(\.\w+)*(?=\(|$)", span)
        if dotted is None or span.endswith((".py", ".json")) or span.partition(".")[0] in VARIABLES:
            continue
        if dotted[1]:
            assert exists(dotted[0]), dotted[0]
        else:
            assert dotted[0] in WORDS, dotted[0]


# -- links and form


@every_document
def test_its_links_lead_to_files(path):
    targets = [target for target in LINK.findall(without_blocks(path)) if "://" not in target]
    assert [target for target in targets if not (path.parent / target).exists()] == []


@every_document
def test_its_lines_are_short(path):
    """120 characters, in the README 126; rows of tables and pictures cannot be broken."""
    most = 126 if path == README else 120
    lines = enumerate(path.read_text().splitlines(), start=1)
    assert [n for n, line in lines if len(line) > most and not line.startswith(("|", "!["))] == []


def test_the_readme_names_every_document():
    for path in (README, KOREAN):
        linked = {(ROOT / target).resolve() for target in LINK.findall(without_blocks(path))}
        assert [d.name for d in DOCUMENTS if d not in linked and d != path] == []


# -- the two languages


def numerals(text: str) -> Counter:
    """The numbers in a text; superscripts and subscripts are letters of formulas."""
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", text))


def test_the_korean_readme_has_the_same_headings_code_and_figures():
    """Paragraph by paragraph, table row by table row."""
    ours, korean = (path.read_text() for path in (README, KOREAN))
    levels = [re.findall(r"^#+ ", figures.FENCE.sub("", text), re.MULTILINE) for text in (ours, korean)]
    assert levels[0] == levels[1]
    assert figures.FENCE.findall(ours) == figures.FENCE.findall(korean)
    paragraphs, translated = ([p.strip() for p in text.split("\n\n")] for text in (ours, korean))
    assert len(paragraphs) == len(translated)
    for paragraph, translation in zip(paragraphs, translated, strict=True):
        assert numerals(paragraph) == numerals(translation), translation
        rows, translated_rows = (text.splitlines() for text in (paragraph, translation))
        if paragraph.startswith("|"):
            for row, translated_row in zip(rows, translated_rows, strict=True):
                assert numerals(row) == numerals(translated_row), translated_row
                assert row.count("|") == translated_row.count("|"), translated_row


# -- the results


def test_the_bits_of_the_results_are_their_nats():
    """bits/pixel = nats / (D ln 2)."""
    results = table_rows(README.read_text().partition("## Results")[2])
    assert results
    for _, _, *numbers in results:
        for nats, bits, D in zip(numbers[::2], numbers[1::2], (64, 784), strict=True):
            if nats != "–":
                assert bits == f"{float(nats) / (D * np.log(2)):.3f}", nats


# -- figures that are computed from others


@pytest.mark.parametrize("name", ["speed", "parallel"])
def test_a_ratio_in_brackets_is_the_first_time_of_its_row_over_the_time_before_it(name):
    """As far as the digits of the two times tell."""
    rows = table_rows((ROOT / "docs" / f"{name}.md").read_text())
    found = [(row[1], *pair) for row in rows for pair in re.findall(r"([\d.,]+) \((\d\.\d+)\)", " ".join(row[2:]))]
    assert found
    for times in found:
        first, time, ratio = (figures.Number("", "", digits, 0) for digits in times)
        off = abs(first.value / time.value - ratio.value)
        assert off <= ratio.half + ratio.value * (first.half / first.value + time.half / time.value), times


def test_the_number_of_ranks_that_help_is_that_of_the_formula():
    """R* = C / (A + 2B/β), for both β in GB/s."""
    rows = table_rows((ROOT / "docs" / "parallel.md").read_text().partition("R* = C / (A + 2B/β)")[2])
    assert rows
    for _, C, A, B, *stated in rows:
        for beta, ranks in zip((1.25, 12.5), stated, strict=True):
            last_digit = 10.0 ** -len(ranks.partition(".")[2])
            assert abs(float(C) / (float(A) + 2 * float(B) / beta) - float(ranks)) <= last_digit / 2, ranks


def test_the_counts_of_the_page_on_cuda(monkeypatch):
    """Kernels of a step of the demo's VAE, and models that train on both libraries, all of them recorded."""
    standin.install(monkeypatch)
    data, rng = digits(), np.random.default_rng(0)
    with backend.use("cupy"):
        vae = recipes.variational(recipes.recipe_of("VAE", "digits"), data, rng)
        step = Descent(vae, Adam(vae))
        for _ in range(2):  # the first also lays out what later steps use
            before = standin.LAUNCHED["kernels"]
            step(data.train.images[:60], rng)
    counted = {"kernels": standin.LAUNCHED["kernels"] - before, "models": len(MODELS)}
    text = (ROOT / "docs" / "cuda.md").read_text()
    for template in ("starts {kernels} kernels", "{models} models train on both"):
        for number in figures.numbers(template, text):
            assert number.value == counted[number.name], template


# -- the map


def named(cell: str) -> list[tuple[Path, list[str]]]:
    """Every file that a cell links to, with the names in backticks behind it."""
    pieces = re.split(r"\[`[^`]*`\]\(([^)]*)\)", cell)[1:]
    files = [(MAP.parent / target).resolve() for target in pieces[::2]]
    return [(file, re.findall(r"`([^`]+)`", names)) for file, names in zip(files, pieces[1::2], strict=True)]


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def test_the_map_names_every_claim():
    in_rows = {claim for row in ROWS for claim in row.claims.split(", ")}
    assert [claim for claim in ENGINE + CLAIMS if claim not in in_rows] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.claims.replace(", ", "+"))
def test_a_row_of_the_map_leads_from_formula_to_code_to_test(row):
    """The functions are there, the tests are there, and a test's docstring has the claim it is named for."""
    _, _, code, claims, tests = row
    functions = named(code)
    assert functions
    for file, names in functions:
        assert names, code
        for name in names:
            found = importlib.import_module(module_of(file))
            for part in name.split("."):
                found = getattr(found, part)
    held = named(tests)
    assert held
    docstrings = []
    for file, names in held:
        assert names, tests
        module = importlib.import_module(module_of(file))
        for name in names:
            assert name.startswith("test_"), name
            docstrings.append(inspect.getdoc(getattr(module, name)) or "")
            assert any(re.search(rf"\b{claim}\b", docstrings[-1]) for claim in claims.split(", ")), name
    for claim in claims.split(", "):
        assert any(re.search(rf"\b{claim}\b", text) for text in docstrings), claim


def test_the_sections_of_the_map_are_those_of_its_first_table():
    """Which has a row for each, in the lecture's order, with files and demos that exist."""
    overview = table_rows(SECTIONS[0])
    names = [re.sub(r"\[(.*)\]\(.*\)", r"\1", row[0]) for row in overview]
    assert names == [title(section) for section in SECTIONS[1:]]
    assert [row[0] for row in overview] == [f"[{name}]({anchor(name)})" for name in names]
    for _, formula, files, demo in overview:
        assert formula
        assert re.findall(r"\]\(([^)]+)\)", files)
        commands = re.findall(r"`python -m demos (\w+)", demo)
        assert commands or demo == "–"
        assert all(name in NAMES for name in commands)


def test_the_readme_begins_with_the_sections_of_the_lecture():
    """Those of the map, without the engine, each with a link to it, a file, a test, and the demo of a tour."""
    start = table_rows(README.read_text().partition("where do I start?\n")[2].partition("\n## ")[0])
    sections = [row[0] for row in table_rows(SECTIONS[0])]
    assert [row[0].replace("(docs/lecture.md#", "(#") for row in start] == sections[:-1]
    for _, file, test, demo in start:
        assert "](minigen/" in file
        assert "](tests/" in test
        assert re.fullmatch(r"`python -m demos (\w+)`", demo)[1] in NAMES


def test_the_documents_name_no_place_outside_the_project():
    """No folder of one machine."""
    for path in DOCUMENTS:
        assert not re.search(r"(?<![\w.])/(opt|work|home|tmp|Users)/", path.read_text()), path.name


@pytest.mark.parametrize("name", ["index.html", "index.ko.html"])
def test_the_copy_of_the_page_is_whole_and_small(name):
    """`python -m demos --out docs/page` has made it from a commit without changes."""
    path = ROOT / "docs" / "page" / name
    page = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 4_000_000
    assert all(f'<section id="{section.demo}">' in page for section in TOUR)
    assert re.search(r"commit [0-9a-f]{7,}[,.]", page)
