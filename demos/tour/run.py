"""The whole lecture as one page: run the demo of every section, and show its pictures and values beside the formula and
the code that computes it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import webbrowser
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from demos.common import OwnImages, add_data_options, load, no_labels, number, parser
from demos.early import LIFELINE
from demos.tour import page
from demos.tour.lecture import SECTIONS, Section
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
    return p.parse_args(arguments)


@dataclass(frozen=True)
class Run:
    """The result of a demo.

    section: of the page. printed: standard output. error: last line of standard error if the demo failed, else "".
    """

    section: Section
    printed: str
    error: str


def main(o: Namespace) -> int:
    if team().size > 1:
        raise UsageError("the tour starts other programs, so run it without mpiexec, or name a demo")
    dataset = load(o.data, o.data_folder)
    sections = [s for s in SECTIONS if not (o.quick and s.quick is None)]
    o.missing = {s.demo: no_labels(dataset, s.classes) for s in sections if s.without_labels}
    runs = run_all(sections, o)
    o.out.write_text("index.html", page.document("minigen: the lecture", whole_page(runs, dataset, o)))
    path = o.out.path / "index.html"
    if o.show:
        webbrowser.open(path.resolve().as_uri())
    failed = [run.section.demo for run in runs if run.error]
    failures = f"; demos that failed: {', '.join(failed)}" if failed else ""
    print(f"page written to {path} with {len(runs)} sections{failures}")
    for run in runs:
        if why := o.missing.get(run.section.demo):
            print(f"{run.section.title}: {why}, so {run.section.without_labels}")
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


def whole_page(runs: list[Run], dataset: Dataset, o: Namespace) -> Iterator[str]:
    """Yield the HTML of the page: title, contents, each section, and the table of all models.  dataset: of `--data`."""
    yield "<header><h1>Generative models: one lecture, created from scratch</h1>"
    yield page.paragraph("“What I cannot create, I do not understand.” (Richard Feynman)", "faint")
    when = time.strftime("%Y-%m-%d %H:%M")
    quick = " `--quick` shortened every training, so the values are worse than in the README." if o.quick else ""
    yield page.paragraph(
        f"Everything here was computed on this machine, {when}, seed {o.seed}. The images are {dataset.name}: "
        f"{len(dataset.train):,} to train, {len(dataset.validation):,} to validate, {len(dataset.test):,} to test"
        + ("" if o.data == "digits" else "; sections that do not take `--data` use their own data")
        + f". The code shown is the code that ran.{quick}"
    )
    yield "</header><nav><ol>"
    for run in runs:
        yield f'<li><a href="#{run.section.demo}">{run.section.title}</a></li>'
    yield '<li><a href="#results">All models</a></li></ol></nav><main>'
    for run in runs:
        yield from section_page(run, dataset.D, o)
    yield '<section id="results"><h2>All models</h2>'
    yield page.paragraph(
        f"Negative log-likelihood of the {len(dataset.test):,} test images of {dataset.name}, nats/image ± standard "
        f"error. A bit is ln 2 nats, and an image has {dataset.D} pixels."
    )
    head = ("section", "model", "parameters", "−ln p(x), nats", "bits/pixel", "kind of value", "training, s")
    yield page.table(head, model_rows(runs, dataset.D), numbers=(2, 3, 4, 6))
    yield "</section></main>"


def section_page(run: Run, D: int, o: Namespace) -> Iterator[str]:
    """Yield the HTML of one section.  D: pixels of an image."""
    section, folder = run.section, o.out.path / run.section.demo
    yield f'<section id="{section.demo}"><h2>{section.title}</h2>'
    yield page.paragraph(section.idea)
    yield from map(page.formula, section.formula.splitlines())
    if run.error:
        yield page.paragraph(f"The demo of this section failed: {run.error}", "failed")
    if why := o.missing.get(section.demo):
        yield page.paragraph(f"{why[0].upper()}{why[1:]}, so {section.without_labels}", "failed")
    for item in section.code:
        yield page.source(item, ROOT)
    claims = [claim for claim in section.claims if not (why and claim.labels)]
    if claims and not run.error:
        yield page.table(("value", "measured", "expected"), [claim.read(run.printed, D) for claim in claims])
    for name, caption in section.pictures:
        if (folder / name).exists():
            yield page.picture(folder / name, caption)
    yield f"<details><summary>Everything that the demo printed</summary><pre>{page.escape(run.printed)}</pre></details>"
    if section.change:
        yield page.paragraph("Change it:")
        yield page.listing(f"`{command}`: {what}" for command, what in section.change)
    yield "</section>"


ROW = re.compile(r"^(?P<model>\S.*?)\s{2,}(?P<parameters>[\d,]+)\s+(?P<nll>[\d.]+ ± [\d.]+)(?P<rest>.*)$", re.MULTILINE)
IMPLICIT = re.compile(r"(?P<model>encoder and decoder|generator) ha(?:s|ve) (?P<parameters>[\d,]+) parameters")
"""The printed lines about a model with a likelihood, and about a model without one."""


def model_rows(runs: list[Run], D: int) -> Iterator[tuple[str, ...]]:
    """Yield a row for each model that the demos printed; a repeated model has one row.  D: pixels of an image."""
    seen = set()
    for run in runs:
        trained = seconds(run.printed)
        for found in ROW.finditer(run.printed):
            model, parameters, nll, rest = found.groups()
            if (parameters, nll) in seen:
                continue
            seen.add((parameters, nll))
            bits = float(nll.split()[0]) / np.log(2) / D
            what = rest.strip() if "bound" in rest or "estimate" in rest else "exact"
            took = "closed form" if "closed form" in rest else seconds(rest) or trained
            yield run.section.title, model, parameters, nll, f"{bits:.3f}", what.split(";")[0], took
        for found in IMPLICIT.finditer(run.printed):
            yield run.section.title, *found.groups(), "–", "–", "has no likelihood", trained


def seconds(printed: str) -> str:
    """Return the seconds of the first training in a demo's output, as text, or "" if there is none."""
    found = re.search(r"epochs(?: and|,) (\d+) s", printed)
    return found[1] if found else ""
