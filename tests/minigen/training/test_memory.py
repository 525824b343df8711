"""What a step frees stays for the next one."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from minigen.training.memory import keep_freed_memory

if {kept}:
    keep_freed_memory()
pages = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    before = pages()
    np.ones(10 << 20)  # 80 MiB, or 20,000 pages of 4 KiB
print(pages() - before)
"""


def pages(kept):
    """How many pages the system hands out for an array, where one like it was freed before; in another process, since
    the choice is for all of it."""
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(kept=kept)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="it is about glibc")
def test_an_array_as_large_as_one_that_was_freed_costs_no_pages():
    if pages(kept=False) < 100:
        pytest.skip("this C library keeps large blocks anyway, or pages are huge")
    assert pages(kept=True) < 10
