"""The page from its parts: the start, a section for each demo with what the demo printed and drew, and all models."""

from __future__ import annotations

import os
import subprocess
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from demos.common import no_labels
from demos.tour import mathematics, page, results
from demos.tour.lecture import Section
from demos.tour.pictures import figure
from demos.tour.play.scrubber import scrubber
from demos.tour.text import Language
from demos.tour.verdicts import Verdict, summary
from minigen.data.sets import Dataset

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """The result of a demo.

    section: of the page. printed: standard output. error: last line of standard error if the demo failed, else "".
    """

    section: Section
    printed: str
    error: str

    def verdicts(self, D: int, say: Language) -> list[Verdict]:
        """Return the verdicts on all claims of the section; none if the demo failed.

        D: pixels of an image. say: language of the words.
        """
        return [] if self.error else [claim.verdict(self.printed, D, say) for claim in self.section.claims]


def whole_page(runs: list[Run], dataset: Dataset, o: Namespace, say: Language) -> Iterator[str]:
    """Yield the HTML of the page: start, contents, each section, and the table of all models.

    dataset: of `--data`. say: language of the page.
    """
    start = say.read("start")
    titles = [(run.section.demo, say.read(run.section.demo).title) for run in runs]
    yield page.contents([*titles, ("results", say("All models"))], say)
    yield f"<main><header><h1>{page.escape(start.title)}</h1>"
    yield from map(page.paragraph, start.parts[0][1])
    verdicts = (verdict for run in runs for verdict in run.verdicts(dataset.D, say))
    yield page.paragraph(summary(verdicts, say), "summary")
    yield page.paragraph(conditions(dataset, o, say), "faint")
    yield "</header>"
    for k, run in enumerate(runs, 1):
        yield from section_page(run, k, dataset, o, say)
    yield f'<section id="results"><h2>{len(runs) + 1}. {page.escape(say("All models"))}</h2>'
    caption = say(
        "Negative log-likelihood of the {images:,} test images of {name}, nats/image ± standard error. A bit is ln 2 "
        "nats, and an image has {D} pixels.",
        images=len(dataset.test),
        name=dataset.name,
        D=dataset.D,
    )
    yield page.step(page.paragraph(caption), *results_page(runs, dataset.D, say))
    yield "</section></main>"


def results_page(runs: list[Run], D: int, say: Language) -> Iterator[str]:
    """Yield the chart and the table of all models.  D: pixels of an image. say: language of the page."""
    rows = list(results.results([(run.section.demo, run.printed) for run in runs], D))
    if chart := results.chart(rows, say):
        yield figure(chart, results.WIDTH, say(results.CAPTION), say(results.ALTERNATIVE))
    head = [say("model"), say("parameters"), say("−ln p(x), nats"), say("bits/pixel"), say("kind of value"),
            say("training, s"), say("section")]  # fmt: skip
    titles = {run.section.demo: f"{k}. {say.read(run.section.demo).title}" for k, run in enumerate(runs, 1)}
    link = lambda section: page.link(f"#{section}", titles[section])
    yield page.table(head, ([*row.texts(D, say), link(row.section)] for row in rows), numbers=(1, 2, 3, 5))


def conditions(dataset: Dataset, o: Namespace, say: Language) -> str:
    """Return a paragraph: when, by which commit, with which seed and on which images the page was computed."""
    said = [
        say(
            "Everything here was computed on one machine, {when}, commit {commit}, seed {seed}. The images are {name}: "
            "{train:,} to train, {validation:,} to validate, {test:,} to test.",
            when=time.strftime("%Y-%m-%d %H:%M"),
            commit=commit(),
            seed=o.seed,
            name=dataset.name,
            train=len(dataset.train),
            validation=len(dataset.validation),
            test=len(dataset.test),
        )
    ]
    if o.data != "digits":
        said.append(say("Sections that do not take `--data` use their own data."))
    said.append(say("The code shown is the code that ran."))
    if o.quick:
        said.append(say("`--quick` shortened every training, so the values are worse than in the README."))
    return " ".join(said)


def commit() -> str:
    """Return the commit of the project, with "-dirty" if files have changed since; "unknown" outside of a clone."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def section_page(run: Run, k: int, dataset: Dataset, o: Namespace, say: Language) -> Iterator[str]:
    """Yield the HTML of section k: its prose, and with each part the things that the part speaks of.

    dataset: of `--data`. say: language of the page.
    """
    section, folder, D = run.section, o.out.path / run.section.demo, dataset.D
    title, parts = say.read(section.demo)
    link = partial(address, folder=o.out.path)
    yield f'<section id="{section.demo}"><h2>{k}. {page.escape(title)}</h2>'
    if run.error:
        yield page.paragraph(say("The demo of this section failed: {}", run.error), "failed")
    if missing := bool(o.missing.get(section.demo)):
        why = capital(no_labels(dataset, section.classes, say))
        yield page.paragraph(say("{why}, so {left_out}", why=why, left_out=say(section.without_labels)))
    texts = {heading: page.part(heading, paragraphs, say) for heading, paragraphs in parts}
    yield page.step(texts["Question"], texts["Idea"])
    tex = [symbol for symbol, _, _ in section.symbols]
    formula = mathematics.formula(section.formula, section.values(run.printed, D), say, tex)
    yield page.step(texts["Derivation"], formula, page.symbols(section.symbols, say))
    yield page.step(*(page.source(item, ROOT, link, say) for item in section.code))
    if section.play and not run.error:
        yield page.step(section.play(o.out.path, dataset, say))
    yield from map(page.step, (text for heading, text in texts.items() if heading.startswith("Box: ")))
    yield from map(page.step, pictures(section, folder, say))
    yield page.step(texts["See"], texts["Beware"])
    if verdicts := [v for v in run.verdicts(D, say) if not (missing and v.claim.labels)]:
        yield page.step(page.verdicts(verdicts, link, say))
    yield page.folded(say("Everything that the demo printed"), f'<pre tabindex="0">{page.escape(run.printed)}</pre>')
    if section.change:
        yield page.paragraph(say("Change it:"))
        yield page.listing(f"`{command}`: {say(what)}" for command, what in section.change)
    yield "</section>"


def capital(text: str) -> str:
    """Return the text with a capital letter at its start."""
    return text[:1].upper() + text[1:]


def pictures(section: Section, folder: Path, say: Language) -> Iterator[str]:
    """Yield the HTML of the pictures and of the moments that the demo of a section wrote.  folder: of the demo."""
    for picture in section.pictures:
        if (folder / picture.file).exists():
            yield picture.html(folder, say)
    if (folder / "moments.npz").exists():
        yield scrubber(folder / "moments.npz", say)


def address(file: str, folder: Path) -> str:
    """Return the link from a page in `folder` to a file of the project.  file: relative to the project's folder."""
    path = ROOT / file
    try:
        return Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:  # the page is on another drive of Windows
        return path.as_uri()
