"""`python -m tests.figures` finds the figures of the documents, and notices each that a run does not print."""

import shlex

import pytest

from demos.__main__ import main
from tests import figures
from tests.claims import ROOT, table_rows
from tests.figures import HELD, Source, held

COMMANDS = [source for source in HELD if source.name.startswith("python")]


@pytest.mark.parametrize("source", [s for s in HELD if s.name.startswith("docs/")], ids=lambda source: source.name)
def test_documents_agree_with_each_other(source):
    assert list(figures.failures(source, figures.output_of(source.name))) == []


@pytest.mark.parametrize("source", [s for s in COMMANDS if s.when == "suite"], ids=lambda source: source.name)
def test_what_a_quick_command_prints_is_in_the_documents(source, tmp_path, capsys):
    assert main([*shlex.split(source.name)[3:], "--out", str(tmp_path)]) == 0
    assert list(figures.failures(source, capsys.readouterr().out)) == []


@pytest.mark.parametrize("source", HELD, ids=lambda source: source.name)
def test_every_figure_stands_in_its_document_and_an_output_is_asked_for_it(source):
    """Also those of the commands that take long."""
    for figure in source.figures:
        stated = figures.numbers(figure.where, (ROOT / figure.document).read_text())
        asked = {name for template in figure.printed for name, _ in figures.placeholders(template)}
        assert {number.name for number in stated if number.name} == asked - {""}, figure.where


def test_the_page_of_results_lists_the_commands_and_how_each_is_checked():
    section = (ROOT / figures.RESULTS).read_text().partition("## Which figures are checked")[2]
    listed = {command.strip("`"): checked for command, _, checked in table_rows(section.partition("**Not")[0])}
    how = {"suite": "the tests", "minute": "`python -m tests.figures`", "long": "`python -m tests.figures WORD`"}
    assert listed == {source.name: how[source.when] for source in COMMANDS}


# -- the checker itself

TEXT = """One sentence
says 16.02 ± 0.23 nats.

| model | digits | MNIST |
|---|---:|---:|
| NADE | 64,564 | 65.88 ± 0.21 |

from 0.022 to 0.088, below 10⁻⁷
"""


@pytest.fixture
def failures(tmp_path, monkeypatch):
    (tmp_path / "text.md").write_text(TEXT)
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    return lambda where, printed, output: [
        *figures.failures(Source("it", "suite", [held("text.md", where, printed)]), output)
    ]


@pytest.mark.parametrize(
    ("where", "output", "differs"),
    [
        ("sentence says {x} ±", "16.02", False),
        ("sentence says {x} ±", "16.03", True),
        ("sentence says {x} ±", "16.0249", False),
        ("sentence says {x} ±", "16.0251", True),
        ("says {x} ± {x:±} nats", "16.25", False),
        ("says {x} ± {x:±} nats", "15.78", True),
        ("| NADE | digits: {x} |", "64,564", False),
        ("| NADE | digits: {x} |", "64,565", True),
        ("| NADE | MNIST: {x} ± {} |", "65.88", False),
        ("from {x:least} to {x:most},", "0.0225", False),
        ("from {x:least} to {x:most},", "0.0881", True),
        ("from {x:least} to {x:most},", "0.0219", True),
        ("below {x:most}", "3.6e-09", False),
        ("below {x:most}", "3.6e-06", True),
    ],
)
def test_a_figure_holds_to_its_digits_its_error_or_its_bounds(where, output, differs, failures):
    assert len(failures(where, "x = {x}.", f"x = {output}.")) == differs


def test_a_figure_that_differs_is_named_with_its_line_and_both_values(failures):
    (found,) = failures("says {x} ± {x:±} nats", "x = {x}", "x = 16.4")
    assert found.startswith("text.md:2: the text has 16.02 ± 0.23, the run 16.4")
    (found,) = failures("| NADE | digits: {x} |", "x = {x}", "x = 1")
    assert found.startswith("text.md:6: the text has 64,564, the run 1")


@pytest.mark.parametrize(
    ("where", "printed", "words"),
    [
        ("sentence said {x}", "x = {x}", "text.md: “sentence said {x}” fits 0 places"),
        ("{x}", "x = {x}", "text.md: “{x}” fits 8 places"),
        (
            "| MADE | digits: {x} |",
            "x = {x}",
            "text.md: “| MADE | digits: {x} |”: the tables have 0 of these 1 numbers",
        ),
        (
            "| NADE | Digits: {x} |",
            "x = {x}",
            "text.md: “| NADE | Digits: {x} |”: the tables have 0 of these 1 numbers",
        ),
        ("says {x} ±", "y = {x}", "text.md:2: the output of it: “y = {x}” fits 0 places"),
        ("says {x} ±", "x … = {x}", "text.md:2: the output of it: “x … = {x}” fits 0 places"),
    ],
)
def test_a_sentence_or_a_line_of_output_that_is_gone_is_a_failure(where, printed, words, failures):
    (found,) = failures(where, printed, "x = 1")
    assert found.startswith(words)


def test_the_program_names_what_differs_and_ends_with_1(tmp_path, monkeypatch, capsys):
    (tmp_path / "text.md").write_text(TEXT)
    figure = [held("text.md", "says {x} ± {x:±} nats", "x = {x}")]
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    monkeypatch.setattr(figures, "HELD", [Source("python one", "minute", figure), Source("python two", "long", figure)])
    monkeypatch.setattr(figures, "output_of", {"python one": "x = 17", "python two": "x = 16"}.get)
    assert figures.main([]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "python one: 1 sentences and rows, 1 differences",
        "    text.md:2: the text has 16.02 ± 0.23, the run 17: says {x} ± {x:±} nats",
    ]
    assert figures.main(["two"]) == 0
    assert capsys.readouterr().out == "python two: 1 sentences and rows, 0 differences\n"


def test_a_figure_of_the_readme_has_its_line_in_korean(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    (tmp_path / "README.md").write_text("# A\n\nit is\n7 of 10\n")
    (tmp_path / "README.ko.md").write_text("# A\n\n10 가운데\n다섯도 여섯도 아닌\n7\n")
    (number,) = figures.numbers("is {x} of", (tmp_path / "README.md").read_text())
    assert figures.place("README.md", number) == "README.md:4 (README.ko.md:5)"
