"""Windows for figures, for `--show`. Only this file uses pyplot, which has one global state. All other files draw into
their own figures, which need no display."""

from __future__ import annotations

import argparse
import os
from typing import Any

from matplotlib.figure import Figure

from minigen.errors import UsageError
from minigen.training.parallel import team

TOOLKITS = ("qt", "tk", "gtk", "wx", "macosx", "webagg")
"""First letters of the names of the matplotlib backends that can open a window."""


class Show(argparse.Action):
    """The argparse action of `--show`. It checks at once, before a long training, that a window can be opened.

    options: of `argparse.Action`.
    """

    def __init__(self, **options: Any):
        super().__init__(nargs=0, default=False, **options)

    def __call__(self, parser: Any, namespace: argparse.Namespace, *_: Any) -> None:
        if team().rank == 0:
            require()
            setattr(namespace, self.dest, True)


def require() -> None:
    """Check that a window can be opened, without opening one. Raises UsageError if there is no display or toolkit."""
    import matplotlib.pyplot as plt  # chooses a backend, and looks for a display

    try:
        plt.switch_backend(os.environ.get("MPLBACKEND") or plt.get_backend())
        problem = f"matplotlib's backend here is {plt.get_backend()}, which only writes files"
    except (ImportError, ValueError) as error:  # a backend without its toolkit, without a display, or an unknown name
        problem = str(error)
    else:
        if plt.get_backend().lower().startswith(TOOLKITS):
            return
    raise UsageError(
        f"--show needs a display and a toolkit for windows ({problem}): run it where there is a display (an X display "
        "is named by DISPLAY), pip install pyqt6, or leave --show out; the pictures are always written to files"
    )


def managed(figure: Figure, title: str) -> Figure:
    """Put a figure into a window, which `wait` shows, and return the same figure.  title: of the window."""
    import matplotlib.pyplot as plt

    of_pyplot: Any = lambda **_: figure  # pyplot creates the figure of a window; here it exists already
    plt.figure(title, FigureClass=of_pyplot)
    return figure


def wait() -> None:
    """Show all windows, and return when all are closed."""
    import matplotlib.pyplot as plt

    plt.show()
