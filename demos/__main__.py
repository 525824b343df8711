"""`python -m demos NAME [options]` runs the demo module of that name, `python -m demos` the tour through all.

Results go to stdout, progress and what went wrong to stderr. The exit code is 0 for success, 2 for a command line that
cannot be followed, 1 for a run that failed, 130 for Ctrl-C and 141 for a reader that is gone, as shells have them.
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
from minigen.errors import MinigenError, UsageError
from minigen.training.parallel import team

HELPERS = ("__main__", "common", "figures", "film", "printed", "recipes", "windows")
NAMES = sorted(m.name for m in pkgutil.iter_modules(demos.__path__) if m.name not in HELPERS)
USAGE = f"""\
usage: python -m demos [options of the tour]    the lecture as one page
       python -m demos NAME [options]           one demo
       python -m demos NAME --help
       python -m demos --list                   what each shows
demos: {", ".join(NAMES)}
--debug, anywhere on the line, shows where in the program a failure came from"""

BAD_USE, FAILED, INTERRUPTED, NO_READER = 2, 1, 130, 141


def main(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        try:
            with backend.use(backend.name()):  # what --device says holds for this run
                return run([a for a in arguments if a != "--debug"])
        finally:
            sys.stdout.flush()  # where a reader that is gone is noticed at the latest
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python still flushes at its end
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
    """The demo that is named; the tour where none is. Of several ranks the first alone prints results."""
    if team().rank:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, until the process ends
    if arguments and arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if arguments and arguments[0] == "--list":
        for name in NAMES:
            doc = program(name).__doc__ or ""
            print(f"{name:<14}{' '.join(doc.split())}")
        return 0
    if not arguments or arguments[0].startswith("-"):
        arguments = ["tour", *arguments]
    if arguments[0] not in NAMES:
        print(f"there is no demo {arguments[0]!r}\n{USAGE}", file=sys.stderr)
        return BAD_USE
    demo = program(arguments[0])
    return demo.main(demo.options(arguments[1:]))


def program(name: str) -> Any:
    """Return the module of a demo, which has `main` and `options`. The tour's is `demos.tour.run`."""
    return importlib.import_module("demos.tour.run" if name == "tour" else f"demos.{name}")


def others_may_wait() -> bool:
    """Whether this is one of several ranks; it is none where it could not become one."""
    return bool(team.cache_info().currsize) and team().size > 1


def sentence(error: BaseException) -> str:
    """What went wrong, and where known how to do better."""
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
    except SystemExit as error:  # of argparse, which has said why; the other ranks may wait for this one
        if error.code and others_may_wait():
            team().abort(BAD_USE)
        raise
    if code and others_may_wait():
        team().abort(code)
    sys.exit(code)
