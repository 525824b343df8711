"""`python -m demos NAME [options]` runs the demo module of that name."""

import importlib
import pkgutil
import sys

import demos

NAMES = sorted(m.name for m in pkgutil.iter_modules(demos.__path__) if m.name not in ("__main__", "common"))


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in NAMES:
        asked = f"there is no demo {arguments[0]!r}\n" if arguments and not arguments[0].startswith("-") else ""
        print(f"{asked}usage: python -m demos NAME [options]\ndemos: {', '.join(NAMES)}\n"
              "options: python -m demos NAME --help", file=sys.stderr if asked else sys.stdout)  # fmt: skip
        return 2 if asked else 0
    return importlib.import_module(f"demos.{arguments[0]}").main(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
