"""The whole lecture as one page: run the demo of every section, and write the page in each language."""

from __future__ import annotations

import os
import subprocess
import sys
import webbrowser
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import IO

from demos.common import OwnImages, add_data_options, load, no_labels, number, parser
from demos.early import LIFELINE
from demos.tour import page
from demos.tour.lecture import SECTIONS, Section
from demos.tour.sections import ROOT, Run, whole_page
from demos.tour.text import LANGUAGES
from minigen.errors import UsageError
from minigen.progress import progress_bar
from minigen.training.parallel import team


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
