"""`python -m autograd`: which of NumPy's functions differentiate, and why the others do not."""

import numpy as np

from autograd import console
from autograd.coverage import KINDS, coverage


def main() -> None:
    """Print NumPy's functions, and the members of ndarray that a Tensor lacks, by kind (rule, query, …) and reason."""
    found = coverage()
    for kind in KINDS:
        reasons: dict[str, list[str]] = {}
        for name, entry in found.items():
            if entry and entry[0] == kind and not (name.startswith("ndarray.") and kind == "rule"):
                reasons.setdefault(entry[1], []).append(name)
        print(f"{kind}: {sum(map(len, reasons.values()))}")
        for reason, names in reasons.items():
            print(f"  {', '.join(names)}" + (f"\n    {reason}" if reason else ""))
    print(f"NumPy {np.__version__}, {len(found)} names with those of ndarray")


if __name__ == "__main__":
    console.run(main)
