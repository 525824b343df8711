"""`python -m demos NAME [options]` runs one demo. `python -m demos` runs the tour, which runs all demos of the lecture.

Results go to stdout. Progress and errors go to stderr. The exit codes: 0 for success, 1 for a run that failed, 2 for a
wrong command line, 130 for Ctrl-C and 141 for a closed pipe (the last two are the codes that shells use).
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import traceback
from typing import Any

import demos
from autograd import backend
from demos.common import about
from minigen.errors import MinigenError, UsageError
from minigen.training.parallel import team

HELPERS = ("__main__", "common", "figures", "film", "printed", "recipes", "windows")
NAMES = sorted(m.name for m in pkgutil.iter_modules(demos.__path__) if m.name not in HELPERS)
USAGE = f"""\
usage: python -m demos [options of the tour]    the lecture as one page
       python -m demos NAME [options]           one demo
       python -m demos NAME --help              the options of one demo
       python -m demos --list                   one sentence about each demo
demos: {", ".join(NAMES)}
--debug, anywhere on the command line: if the run fails, show the Python traceback"""

BAD_USE, FAILED, INTERRUPTED, NO_READER = 2, 1, 130, 141


def main(arguments: list[str]) -> int:
    """Run the command line, print errors as one sentence, and return the exit code."""
    debug = "--debug" in arguments
    try:
        try:
            with backend.use(backend.name()):  # the choice of --device ends with this run
                return run([a for a in arguments if a != "--debug"])
        finally:
            sys.stdout.flush()  # a closed pipe is noticed here at the latest
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes stdout once more at its end
        return NO_READER
    except (MinigenError, OSError, MemoryError, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        who = f"rank {team().rank} " if others_may_wait() and team().rank else ""
        print(f"{who}stopped: {sentence(error)}", file=sys.stderr)
        if isinstance(error, KeyboardInterrupt):
            return INTERRUPTED
        return BAD_USE if isinstance(error, UsageError) else FAILED


def run(arguments: list[str]) -> int:
    """Run the demo that the first argument names, or the tour without a name, and return the exit code.

    With several ranks, only rank 0 prints results.
    """
    if team().rank:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, until the process ends
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
        print(f"there is no demo {arguments[0]!r}\n{USAGE}", file=sys.stderr)
        return BAD_USE
    demo = program(arguments[0])
    return demo.main(demo.options(arguments[1:]))


def program(name: str) -> Any:
    """Return the module of a demo, which has `main` and `options`. The module of the tour is `demos.tour.run`."""
    return importlib.import_module("demos.tour.run" if name == "tour" else f"demos.{name}")


def others_may_wait() -> bool:
    """Return whether this process is one of several ranks. It is not if the ranks could not connect."""
    return bool(team.cache_info().currsize) and team().size > 1


def sentence(error: BaseException) -> str:
    """Return the error as one sentence, with the cure if it is known."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, MemoryError):
        wanted = f" ({error})" if str(error) else ""
        return f"there is not enough memory{wanted}: take a smaller model or smaller images"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except SystemExit as error:  # argparse has printed the reason; the other ranks may wait for this one
        if error.code and others_may_wait():
            team().abort(BAD_USE)
        raise
    if code and others_may_wait():
        team().abort(code)
    sys.exit(code)
