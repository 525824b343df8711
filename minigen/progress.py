"""Progress bars on a terminal and in a notebook."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from tqdm import tqdm


def progress_bar(shown: bool = True, **options: Any) -> tqdm:
    """Return a progress bar of the library tqdm. The bar is visible on a terminal and in a notebook.

    In a notebook with ipywidgets the bar is a widget, without them text. A total that is known later is given by
    bar.reset(total): a widget does not notice an assignment to `bar.total`. A bar that is not visible counts nothing.
    shown: False hides the bar everywhere.
    options: of tqdm, such as iterable, total, desc and unit.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm warns about a notebook without ipywidgets
        from tqdm.auto import tqdm as bar
    python = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    in_notebook = python is not None and "IPKernelApp" in python.config
    hidden = (False if in_notebook else None) if shown else True  # None: hidden off a terminal
    return bar(disable=hidden, dynamic_ncols=True, **options)


def write_above(text: str) -> None:
    """Print `text` and a line break to standard output, above the progress bars, which stay whole on a terminal."""
    tqdm.write(text)
