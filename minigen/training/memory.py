"""Memory that a training step frees, kept for the next one.

Each step makes and frees the same large arrays. The C library gives those back to the system at once, which then hands
out the next ones page by page, zeroed: for a recurrent layer over an image 3,000 to 15,000 pages a step, 8 to 20 % of
its time (PyTorch's LSTM could spare half of its own). Kept, they are there when the next step asks.
"""

from __future__ import annotations

import ctypes
import functools

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Options of glibc's `mallopt`: from which size on a block is the system's, and how much of what is free goes back."""
LARGEST, LARGEST_ONCE = 1 << 30, 1 << 25
"""The threshold, and the most that older releases of glibc take."""


@functools.cache
def keep_freed_memory() -> None:
    """From now on this process keeps what it frees, in blocks of less than 1 GiB, until it ends; its peak stays the
    same. Nothing where the C library is not glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # Windows, macOS, musl
        return
    mallopt(MMAP_THRESHOLD, LARGEST) or mallopt(MMAP_THRESHOLD, LARGEST_ONCE)
    mallopt(TRIM_THRESHOLD, -1)
