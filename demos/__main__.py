"""`python -m demos NAME [options]` runs one demo. `python -m demos` runs the tour, which runs all demos of the lecture.

Results go to stdout. Progress and errors go to stderr. The exit codes: 0 for success, 1 for a run that failed, 2 for a
wrong command line, 130 for Ctrl-C and 141 for a closed pipe (the last two are the codes that shells use).

The first Ctrl-C ends a training, and the run goes on with the weights so far. The next Ctrl-C ends the run. Weights are
written as soon as their training has ended, for whatever reason. A run that fails names the files that it wrote. Any
text can be printed on any output (see `autograd.console`).
"""

from __future__ import annotations

import errno
import importlib
import os
import pkgutil
import sys
import traceback
from typing import Any

import demos
import demos.early

if __name__ == "__main__":
    demos.early.begin()

from autograd import backend, console
from demos.about import about
from minigen.errors import MinigenError, UsageError, shown
from minigen.training.parallel import team

HELPERS = (
    "__main__",
    "abilities",
    "about",
    "by_label",
    "common",
    "early",
    "figures",
    "film",
    "output",
    "printed",
    "recipes",
    "trained",
    "windows",
)
NAMES = sorted(m.name for m in pkgutil.iter_modules(demos.__path__) if m.name not in HELPERS)
USAGE = f"""\
usage: python -m demos [options of the tour]    the lecture as one page
       python -m demos NAME [options]           one demo
       python -m demos NAME --help              the options of one demo
       python -m demos --list                   one sentence about each demo
demos: {", ".join(NAMES)}
--debug, anywhere on the command line: if the run fails, show the Python traceback
Ctrl-C ends a training, and the run goes on with the weights so far; Ctrl-C again ends the run
weights are written as soon as a training ends; a run that fails names the files that it wrote
exit codes: 0 success, 1 the run failed, 2 a wrong command line, 130 Ctrl-C, 141 a closed pipe"""

BAD_USE, FAILED = 2, 1
NO_SPACE = [getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EFBIG")]
"""The numbers of the errors of a full disk, a full quota and a file that is too large."""


def main(arguments: list[str]) -> int:
    """Run the command line, print errors as one sentence, and return the exit code."""
    debug = "--debug" in arguments
    try:
        with backend.use(backend.name()):  # the choice of --device ends with this run
            code = run([a for a in arguments if a != "--debug"])
        sys.stdout.flush()  # a full disk or a closed pipe is noticed here at the latest
        return code
    except BrokenPipeError:  # nobody reads the results any more
        return console.NO_READER
    except (MinigenError, OSError, MemoryError, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        who = f"rank {team().rank} " if others_may_wait() and team().rank else ""
        console.say(f"{who}stopped: {sentence(error)}")
        if isinstance(error, KeyboardInterrupt):
            return console.INTERRUPTED
        return BAD_USE if isinstance(error, UsageError) else FAILED


def run(arguments: list[str]) -> int:
    """Run the demo that the first argument names, or the tour without a name, and return the exit code.

    With several ranks, only rank 0 prints results.
    """
    if team().rank:
        sys.stdout = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: SIM115, until the process ends
    if arguments and arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if arguments and arguments[0] == "--list":
        for name in NAMES:
            print(f"{name:<14}{about(name)}")
        return 0
    if not arguments or arguments[0].startswith("-"):
        arguments = ["tour", *arguments]
    if arguments[0] not in NAMES:
        print(f"there is no demo {shown(repr(arguments[0]))}\n{USAGE}", file=sys.stderr)
        return BAD_USE
    demo = program(arguments[0])
    demos.early.end()
    o = demo.options(arguments[1:])
    try:
        return demo.main(o)
    except BaseException as error:
        if o.out.written:
            error.add_note(f"files written to {o.out}/: {', '.join(o.out.written)}")
        raise


def program(name: str) -> Any:
    """Return the module of a demo, which has `main` and `options`. The module of the tour is `demos.tour.run`."""
    chosen = os.environ.pop("MPLBACKEND", None)  # of windows, for --show; an unknown name would stop the import
    importlib.import_module("matplotlib")
    os.environ |= {"MPLBACKEND": chosen} if chosen else {}
    return importlib.import_module("demos.tour.run" if name == "tour" else f"demos.{name}")


def others_may_wait() -> bool:
    """Return whether this process is one of several ranks. It is not if the ranks could not connect."""
    return bool(team.cache_info().currsize) and team().size > 1


def sentence(error: BaseException) -> str:
    """Return the error as one sentence, with the cure if it is known, and with the notes of the error."""
    if isinstance(error, KeyboardInterrupt):
        text = "interrupted"
    elif isinstance(error, MemoryError):
        wanted = f" ({error})" if str(error) else ""
        text = f"there is not enough memory{wanted}: take a smaller model or smaller images"
    elif isinstance(error, OSError) and error.strerror:
        cure = ": free some space, or name another folder" if error.errno in NO_SPACE else ""
        text = f"{shown(error.filename or 'the output')}: {error.strerror}{cure}"
    else:
        text = str(error)
    return "; ".join([text, *getattr(error, "__notes__", [])])


def command() -> int:
    """Run the command line of this process, and return the exit code. If it fails, end the other ranks too."""
    try:
        code = main(sys.argv[1:])
    except SystemExit as error:  # argparse has printed the reason; the other ranks may wait for this one
        if error.code and others_may_wait():
            team().abort(BAD_USE)
        raise
    if code and others_may_wait():
        team().abort(code)
    return code


if __name__ == "__main__":
    console.run(command)
