"""The lecture as one page: the demo of every section is run, in the lecture's order and on the digits that come with
minigen, and what it drew and measured is put beside its formula and the code that computes it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from demos import page
from demos.common import number, parser
from demos.lecture import SECTIONS, Section

ROOT = Path(__file__).resolve().parents[1]


def options(arguments: list[str]) -> Namespace:
    p = parser("tour", __doc__)
    p.add_argument("--quick", action="store_true", help="shortened training, in about a minute: the figures are worse")
    p.add_argument("--jobs", type=number(int), default=min(2, os.cpu_count() or 1), metavar="N", help="demos at once")
    return p.parse_args(arguments)


@dataclass(frozen=True)
class Run:
    """What became of a demo. error: its last words where it failed."""

    section: Section
    printed: str
    error: str
    seconds: float


def main(arguments: list[str]) -> int:
    o = options(arguments)
    sections = [s for s in SECTIONS if not (o.quick and s.quick is None)]
    runs = run_all(sections, o)
    path = o.out / "index.html"
    path.write_text(page.document("minigen: the lecture", whole_page(runs, o)), encoding="utf-8")
    failed = [run.section.demo for run in runs if run.error]
    print(f"{path}: {len(runs)} sections" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


# -- running


def run_all(sections: list[Section], o: Namespace) -> list[Run]:
    """Every demo in a process of its own, some at once; in the lecture's order."""
    runs: dict[str, Run] = {}
    with ThreadPoolExecutor(o.jobs) as pool, tqdm(total=len(sections), unit=" sections", disable=None) as bar:
        for done in as_completed([pool.submit(run, section, o) for section in sections]):
            runs[done.result().section.demo] = done.result()
            bar.set_postfix_str(done.result().section.title, refresh=False)
            bar.update()
    return [runs[section.demo] for section in sections]


def run(section: Section, o: Namespace) -> Run:
    """One demo, with its folder inside the tour's, on its share of the cores."""
    extra = section.quick if o.quick else section.options
    command = [sys.executable, "-m", "demos", section.demo, *(extra or "").split()]
    command += ["--seed", str(o.seed), "--out", str(o.out / section.demo)]
    threads = str(max(1, (os.cpu_count() or 1) // o.jobs))
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": threads, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    last = done.stderr.strip().splitlines()[-1:] or ["no message"]
    return Run(section, done.stdout, last[0] if done.returncode else "", time.perf_counter() - start)


# -- the page


def whole_page(runs: list[Run], o: Namespace) -> Iterator[str]:
    """Title, contents, a part for each section, and the table of all models."""
    yield "<header><h1>Generative models: one lecture, created from scratch</h1>"
    yield page.paragraph("“What I cannot create, I do not understand.” (Richard Feynman)", "faint")
    when = time.strftime("%Y-%m-%d %H:%M")
    quick = " `--quick` shortened every training: expect worse figures than the README's." if o.quick else ""
    yield page.paragraph(
        f"Everything here was computed on this machine, {when}, seed {o.seed}, from handwritten digits of 8×8 pixels: "
        f"1,197 to train, 300 to validate, 300 to test. The code shown is the code that ran.{quick}"
    )
    yield "</header><nav><ol>"
    for run in runs:
        yield f'<li><a href="#{run.section.demo}">{run.section.title}</a></li>'
    yield '<li><a href="#results">All models</a></li></ol></nav><main>'
    for run in runs:
        yield from section_page(run, o)
    yield '<section id="results"><h2>All models</h2>'
    yield page.paragraph(
        "Negative log-likelihood of the 300 test digits, nats an image ± one standard error; exact, where no other "
        "word is said. A bit is ln 2 nats, an image has 64 pixels."
    )
    head = ("section", "model", "parameters", "−ln p(x), nats", "bits/pixel", "what it is", "section, s")
    yield page.table(head, model_rows(runs), numbers=(2, 3, 4, 6))
    yield "</section></main>"


def section_page(run: Run, o: Namespace) -> Iterator[str]:
    section, folder = run.section, o.out / run.section.demo
    yield f'<section id="{section.demo}"><h2>{section.title}</h2>'
    yield page.paragraph(section.idea)
    yield page.formula(section.formula)
    if run.error:
        yield page.paragraph(f"This section's demo failed: {run.error}", "failed")
    for name, caption in section.pictures:
        if (folder / name).exists():
            yield page.picture(folder / name, caption)
    if section.claims and not run.error:
        yield page.table(("claim", "measured", "expected"), [claim.read(run.printed) for claim in section.claims])
    yield "<details><summary>The code that computes it</summary>"
    for item in section.code:
        yield page.source(item, ROOT)
    yield "</details><details><summary>All that was printed</summary>"
    yield f"<pre>{page.escape(run.printed)}</pre></details>"
    for command, what in section.change:
        yield page.paragraph(f"Change it: `{command}`: {what}.")
    yield "</section>"


ROW = re.compile(r"^(?P<model>\S.*?)\s{2,}(?P<parameters>[\d,]+)\s+(?P<nll>[\d.]+ ± [\d.]+)(?P<rest>.*)$", re.MULTILINE)


def model_rows(runs: list[Run]) -> Iterator[tuple[str, ...]]:
    """A row for each model whose likelihood a demo printed, without repetitions."""
    seen = set()
    for run in runs:
        for found in ROW.finditer(run.printed):
            model, parameters, nll, rest = found.groups()
            if (model, nll) in seen:
                continue
            seen.add((model, nll))
            bits = float(nll.split()[0]) / np.log(2) / 64
            what = rest.strip() if "bound" in rest or "estimate" in rest else "exact"
            yield run.section.title, model, parameters, nll, f"{bits:.3f}", what.split(";")[0], f"{run.seconds:.0f}"
