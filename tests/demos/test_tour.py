"""`python -m demos`: the page is whole, needs no network, and says so where a section failed."""

import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from demos import windows
from demos.__main__ import NAMES, main
from demos.tour import excerpt, lecture, mathematics, page, text
from demos.tour import run as tour
from demos.tour.lecture import SECTIONS
from minigen.errors import CheckpointError
from minigen.training.lock import FolderLock
from tests.conftest import heeding_ctrl_c

QUICK = [s for s in SECTIONS if s.demo in ("markov", "ar")]


class Reader(HTMLParser):
    """What a browser would find: tags that are not closed, ids, links, addresses."""

    VOID = ("meta", "link", "img", "br", "use", "path")

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.addresses = [], [], [], []

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [a["id"]] if "id" in a else []
        self.links += [a["href"]] if tag == "a" else []
        self.addresses += [a[name] for name in ("src", "href") if name in a and tag != "a"]

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def read(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_has_every_section_its_pictures_code_and_figures(toured):
    folder, printed = toured
    assert printed == f"page written to {folder}/index.html and index.ko.html with 2 sections\n"
    html, reader = (folder / "index.html").read_text(encoding="utf-8"), read(folder / "index.html")
    for section in QUICK:
        assert section.text.title in html
        for picture in section.pictures:
            assert picture.html(folder / section.demo, text.ENGLISH) in html
    assert '<span class="nf">log_prob</span>' in html
    assert "minigen/markov.py, line" in html
    row = r'"equal"><td>parameters.*</td>.*<span>127</span></td>.*>=</td><td>2n − 1 = 127</td>.*"holds">✓</b></td>'
    assert re.search(row, html)
    assert "2 of 2 claims that this run measured hold on this machine." in html
    assert (folder / re.search(r'href="(\S*/test_markov.py)"', html)[1]).resolve().exists()
    assert len(set(reader.ids)) == len(reader.ids)
    assert [link for link in reader.links if link.startswith("#") and link[1:].split("?")[0] not in reader.ids] == []


def test_show_opens_it_in_the_browser(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(tour, "run", lambda section, o, stdin: tour.Run(section, "", ""))
    monkeypatch.setattr(windows, "require", lambda: None)
    monkeypatch.setattr(tour.webbrowser, "open", opened.append)
    assert main(["--show", "--out", str(tmp_path)]) == 0
    assert opened == [(tmp_path / "index.html").as_uri()]


def test_nothing_in_it_is_fetched(toured):
    assert [a for a in read(toured[0] / "index.html").addresses if not a.startswith(("data:", "#"))] == []


def test_a_section_that_fails_is_said_and_the_others_are_there(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(tour, "SECTIONS", [replace(QUICK[0], options="--no-such-option"), QUICK[1]])
    assert main(["--out", str(tmp_path)]) == 1
    assert f"2 sections; demos that failed: {QUICK[0].demo}" in capsys.readouterr().out
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "The demo of this section failed" in html
    assert "unrecognized arguments: --no-such-option" in html
    assert page.escape(QUICK[1].pictures[0].caption) in html


def test_ctrl_c_ends_it_and_no_section_begins_afterwards(monkeypatch, tmp_path):
    began = []

    def interrupted(section, o, stdin):
        began.append(section.demo)
        time.sleep(0.2)
        raise KeyboardInterrupt

    monkeypatch.setattr(tour, "run", interrupted)
    assert main(["--jobs", "1", "--out", str(tmp_path)]) == 130
    assert len(began) < 4  # of twelve; the next may have begun before the first was noticed


def test_quick_leaves_out_what_cannot_be_shortened(monkeypatch, tmp_path):
    ran = []
    monkeypatch.setattr(tour, "run", lambda section, o, stdin: ran.append(section.demo) or tour.Run(section, "", ""))
    assert main(["--quick", "--out", str(tmp_path)]) == 0
    assert sorted(ran) == sorted(s.demo for s in SECTIONS if s.quick is not None)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.demo)
def test_every_section_names_a_demo_and_draws_its_formula(section):
    assert section.demo in NAMES
    assert all(command.split()[3] in NAMES for command, _ in section.change)
    drawn = mathematics.formula(section.formula, {label: "0" for label, _ in section.measured})
    ElementTree.fromstring(drawn)
    labels = re.findall("<small>(.*?)</small>", drawn)
    assert {label for label, _ in section.measured} <= set(labels)
    assert drawn.count("<b>0</b>") == sum(label in dict(section.measured) for label in labels)
    for item in section.code:
        assert page.source(item, tour.ROOT, str, text.ENGLISH).startswith("<pre tabindex=")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.demo)
def test_every_section_asks_explains_and_warns_in_a_page_of_words(section):
    headings = [heading for heading, _ in section.text.parts]
    assert [heading for heading in headings if not heading.startswith("Box: ")] == list(text.PARTS)
    boxes = [words for heading, words in section.text.parts if heading.startswith("Box: ")]
    words = sum(len(p.split()) for _, paragraphs in section.text.parts for p in paragraphs)
    assert 120 <= words - sum(len(p.split()) for box in boxes for p in box) <= 250


def test_the_three_places_where_learners_get_lost_have_a_box():
    boxes = [heading for section in SECTIONS for heading, _ in section.text.parts if heading.startswith("Box: ")]
    assert boxes == ["Box: sum or mean?", "Box: why log 4?", "Box: why is the generator's label 1?"]


def test_each_text_has_its_section():
    names = {path.stem for path in (text.FOLDER / "en").glob("*.md")}
    assert names == {section.demo for section in SECTIONS} | {"start"}


def test_no_line_of_the_code_that_the_page_shows_is_longer_than_its_column():
    """The page has room for 88 characters of code: a longer line is cut off until somebody scrolls."""
    lines = (line for section in SECTIONS for item in section.code for line in excerpt.code(item).splitlines())
    assert [line for line in lines if len(line) > 88] == []


@pytest.mark.parametrize("labels", [1, 2, 12])
def test_own_images_go_to_the_sections_that_learn_from_images_with_labels_or_without(
    labels, monkeypatch, tmp_path, capsys
):
    """`--data` and where the demos run: they have the tour's folders and data wherever it was started. Sections leave
    out what needs labels, or fewer of them, and say so."""
    images = np.random.default_rng(0).integers(0, 256, (240, 4, 3))
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(240) % labels)
    commands = {}

    def ran(command, **options):
        if command[0] == sys.executable:
            commands[command[3]] = command
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(tour.subprocess, "run", ran)
    monkeypatch.chdir(tmp_path)
    assert main(["--data", "mine.npz", "--resize", "3", "--out", "page"]) == 0
    assert sorted(commands) == sorted(s.demo for s in SECTIONS)
    for section in SECTIONS:
        command = commands[section.demo]
        assert (str(tmp_path / "mine.npz") in command) == ("--resize" in command) == section.data
        assert str(tmp_path / "page" / section.demo) in command
    assert ("--labels" in commands["aae"]) == (labels == 2)
    html, said = (tmp_path / "page" / "index.html").read_text(encoding="utf-8"), capsys.readouterr().out
    for words in (html, said):
        assert ("no class gets a petal of its own" in words) == (labels != 2)
        assert ("labels of 2 to 10 classes can be used, there are 12" in words.lower()) == (labels == 12)
        assert ("no classifier can measure the samples" in words) == (labels == 1)
    assert ("Fréchet distance of the samples from test" in html) == (labels != 1)
    assert "The images are mine.npz 3×3, resized" in html
    assert "160 to train, 40 to validate, 40 to test. Sections that" in html
    assert "has 9 pixels" in html


def test_what_is_written_is_escaped():
    assert page.paragraph("a < b & `x`", "faint") == '<p class="faint">a &lt; b &amp; <code>x</code></p>'
    assert "&lt;" in page.table(["<"], [["<"]])


def test_the_list_says_what_each_demo_shows(capsys):
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert lecture.SECTIONS is SECTIONS


# -- the end of the tour is the end of its demos

ENDLESS = """
import sys
from dataclasses import replace
from demos.__main__ import command
from demos.tour import run
from autograd import console
options = "--epochs 1000000 --hidden 4 --checkpoint " + sys.argv.pop()
run.SECTIONS = [replace(s, options=options) for s in run.SECTIONS if s.demo == "nade"]
console.run(command)
"""
"""A tour of one demo, which trains for ever, with checkpoints in the folder that the last argument names."""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_the_tour_ends_its_demos(how, tmp_path):
    """A signal to the process of the tour alone."""
    kept = tmp_path / "kept"
    with heeding_ctrl_c():
        command = [sys.executable, "-c", ENDLESS, "--out", tmp_path / "out", kept]
        run = subprocess.Popen(command, cwd=tour.ROOT, stderr=subprocess.PIPE, text=True)
    within_a_minute(lambda: any(kept.glob("*.checkpoint")))
    with pytest.raises(CheckpointError, match="is in use by process"):
        FolderLock(kept).take()
    run.send_signal(how)
    _, said = run.communicate(timeout=60)
    assert run.returncode == (130 if how == signal.SIGINT else -how)
    assert said.endswith("stopped: interrupted\n") == (how == signal.SIGINT)
    within_a_minute(lambda: is_free(kept))


def is_free(folder):
    """Whether no process trains into the folder."""
    try:
        FolderLock(folder).take()
    except CheckpointError:
        return False
    return True


def within_a_minute(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
