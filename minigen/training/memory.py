"""Keep the memory that a training step frees for the next step.

Each step makes and frees the same large arrays. By default the C library returns their memory to the operating system
at once, and the system hands it out again page by page, filled with zeros. For a recurrent layer over an image these
are 3,000 to 15,000 pages a step, 8 to 20 % of its time (PyTorch's LSTM could save half of its own time). If the process
keeps the memory, the next step uses it at once.
"""

from __future__ import annotations

import ctypes
import functools

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Options of glibc's `mallopt`: the size from which a freed block goes back to the system, and the amount of free
memory at the end of the heap from which that memory goes back."""
LARGEST, LARGEST_ONCE = 1 << 30, 1 << 25
"""The size from which blocks go back, in bytes; older releases of glibc take at most LARGEST_ONCE."""


@functools.cache
def keep_freed_memory() -> None:
    """Make this process keep its freed memory, blocks below 1 GiB (older glibc: 32 MiB), for reuse until it ends.

    The peak of its memory stays the same. Does nothing if the C library is not glibc, as on Windows and macOS.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # Windows, macOS, musl
        return
    mallopt(MMAP_THRESHOLD, LARGEST) or mallopt(MMAP_THRESHOLD, LARGEST_ONCE)
    mallopt(TRIM_THRESHOLD, -1)
