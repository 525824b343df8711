"""Programs that attack the promises of the README. Each ends with an exit code other than 0 if a promise is broken.

Each takes less than 10 minutes on a free core; the suite runs a quick form of each.
- On trainings: `kills` ends processes at random moments and resumes them; `ctrl_c` interrupts them anywhere;
  `lost_ranks` ends or changes one of several ranks.
- With files: `fuzz` damages images, `fuzz_weights` weights and `fuzz_checkpoint` checkpoints; `odd_data` gives every
  demo tiny and odd images; `hostile_server` answers downloads as no server should.
- On the output: `terminals` runs every demo in other encodings and with closed streams.
Run one as `python -m tests.attacks.kills`.
"""

import time
from collections.abc import Callable, Iterable


def one_by_one(names: Iterable[str], trouble: Callable[[str], str]) -> int:
    """Print how each attack ended and how long it took. Return the exit code: 1 if anything was wrong, else 0.

    names: of the attacks. trouble: runs the attack of a name and returns what was wrong, "" for nothing.
    """
    bad = 0
    for name in names:
        begun = time.monotonic()
        found = trouble(name)
        bad += bool(found)
        print(f"{name:<28}{time.monotonic() - begun:6.1f} s  {found or 'ended well'}", flush=True)
    return 1 if bad else 0
