"""`python -m demos NAME [options]` runs the demo module of that name."""

import importlib
import pkgutil
import sys

import demos

HELPERS = ("__main__", "common", "lecture", "page", "recipes")
NAMES = sorted(m.name for m in pkgutil.iter_modules(demos.__path__) if m.name not in HELPERS)
USAGE = f"""usage: python -m demos [options of the tour]    the lecture as one page
       python -m demos NAME [options]          one demo
       python -m demos NAME --help
       python -m demos --list                  what each shows
demos: {", ".join(NAMES)}"""


def main(arguments: list[str]) -> int:
    if arguments and arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if arguments and arguments[0] == "--list":
        for name in NAMES:
            doc = importlib.import_module(f"demos.{name}").__doc__ or ""
            print(f"{name:<14}{' '.join(doc.split())}")
        return 0
    if not arguments or arguments[0].startswith("-"):
        arguments = ["tour", *arguments]
    if arguments[0] not in NAMES:
        print(f"there is no demo {arguments[0]!r}\n{USAGE}", file=sys.stderr)
        return 2
    try:
        return importlib.import_module(f"demos.{arguments[0]}").main(arguments[1:])
    except FloatingPointError as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
