"""`python -m demos NAME [options]` runs the demo module of that name."""

import importlib
import pkgutil
import sys

import demos
from minigen.checkpoint import CheckpointError

NAMES = sorted(m.name for m in pkgutil.iter_modules(demos.__path__) if m.name not in ("__main__", "common", "recipes"))
USAGE = f"usage: python -m demos NAME [options]\n       python -m demos NAME --help\ndemos: {', '.join(NAMES)}"


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if arguments[0] not in NAMES:
        print(f"there is no demo {arguments[0]!r}\n{USAGE}", file=sys.stderr)
        return 2
    try:
        return importlib.import_module(f"demos.{arguments[0]}").main(arguments[1:])
    except (FloatingPointError, CheckpointError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
