"""The whole lecture as one page: run the demo of every section, and show its pictures and values beside the formula and
the code that computes it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import webbrowser
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from demos.common import OwnImages, add_data_options, load, no_labels, number, parser
from demos.early import LIFELINE
from demos.tour import mathematics, page, results
from demos.tour.lecture import SECTIONS, Section
from demos.tour.pictures import figure
from demos.tour.play.scrubber import scrubber
from demos.tour.text import LANGUAGES, Language
from demos.tour.verdicts import Verdict, summary
from minigen.data.sets import Dataset
from minigen.errors import UsageError
from minigen.progress import progress_bar
from minigen.training.parallel import team

ROOT = Path(__file__).resolve().parents[2]


def options(arguments: list[str]) -> Namespace:
    p = parser("tour")
    add_data_options(p)
    p.add_argument("--quick", action="store_true",
                   help="shorter training, about 1 minute in all; the results are worse")  # fmt: skip
    p.add_argument("--jobs", type=number(int), default=min(2, os.cpu_count() or 1), metavar="N",
                   help="number of demos that run at the same time")  # fmt: skip
    p.add_argument("--lang", choices=[language.code for language in LANGUAGES],
                   help="write the page in this language alone (default: in each)")  # fmt: skip
    return p.parse_args(arguments)


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


def main(o: Namespace) -> int:
    if team().size > 1:
        raise UsageError("the tour starts other programs, so run it without mpiexec, or name a demo")
    dataset = load(o.data, o.data_folder)
    sections = [s for s in SECTIONS if not (o.quick and s.quick is None)]
    o.missing = {s.demo: no_labels(dataset, s.classes) for s in sections if s.without_labels}
    runs = run_all(sections, o)
    languages = [language for language in LANGUAGES if o.lang in (None, language.code)]
    for say in languages:
        others = [other for other in languages if other != say]
        o.out.write_text(say.file, page.document(whole_page(runs, dataset, o, say), say, others))
    path = o.out.path / languages[0].file
    if o.show:
        webbrowser.open(path.resolve().as_uri())
    failed = [run.section.demo for run in runs if run.error]
    failures = f"; demos that failed: {', '.join(failed)}" if failed else ""
    files = " and ".join([str(path), *(language.file for language in languages[1:])])
    print(f"page written to {files} with {len(runs)} sections{failures}")
    for run in runs:
        if why := o.missing.get(run.section.demo):
            print(f"{run.section.text.title}: {why}, so {run.section.without_labels}")
    return 1 if failed else 0


# -- running


def run_all(sections: list[Section], o: Namespace) -> list[Run]:
    """Run every demo in its own process, `o.jobs` at a time, and return the results in the lecture's order.

    The demos have one end of a pipe as stdin, and end when the other end is closed: by this function after Ctrl-C, or
    by the system when this process has ended, however that came.
    """
    runs: dict[str, Run] = {}
    reading, lifeline = os.pipe()
    with (
        open(reading) as stdin,
        ThreadPoolExecutor(o.jobs) as pool,
        progress_bar(total=len(sections), unit=" sections") as bar,
    ):
        started: list[str] = []

        def start(section: Section) -> Run:
            started.append(section.demo)
            bar.set_postfix_str(", ".join(demo for demo in started if demo not in runs))
            return run(section, o, stdin)

        from_the_last = [
            pool.submit(start, section) for section in reversed(sections)
        ]  # the last sections take longest
        try:
            for done in as_completed(from_the_last):
                runs[done.result().section.demo] = done.result()
                bar.update()
        except BaseException:  # Ctrl-C ends the running sections; waiting sections must not start
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            os.close(lifeline)
    return [runs[section.demo] for section in sections]


def run(section: Section, o: Namespace, stdin: IO[str]) -> Run:
    """Run one demo on its share of the cores. Its folder is in the folder of the tour.

    stdin: a pipe; the demo ends when its other end is closed.
    """
    extra = section.quick if o.quick else section.options
    command = [sys.executable, "-m", "demos", section.demo, *(extra or "").split()]
    command += [] if o.missing.get(section.demo) else section.with_labels.split()
    command += ["--seed", str(o.seed), "--out", str(o.out.path.resolve() / section.demo)]
    if section.data:
        command += ["--data", str(o.data.path.resolve()) if isinstance(o.data, OwnImages) else o.data]
        command += ["--resize", str(o.resize)] if o.resize else []
        command += ["--device", o.device]
        command += ["--data-folder", str(o.data_folder.resolve())] if o.data_folder else []
    threads = str(max(1, (os.cpu_count() or 1) // o.jobs))
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": threads, "PYTHONIOENCODING": "utf-8", LIFELINE: "stdin"},
        stdin=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    last = done.stderr.strip().splitlines()[-1:] or ["no message"]
    return Run(section, done.stdout, last[0] if done.returncode else "")


# -- the page


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
    yield page.folded(say("Everything that the demo printed"), f"<pre>{page.escape(run.printed)}</pre>")
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
