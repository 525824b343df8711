"""Windows for figures, which `--show` asks for. Nothing else here knows pyplot, with its one state for the whole
program: demos draw into figures of their own, and those need no display."""

from __future__ import annotations

import argparse
from typing import Any

from matplotlib.figure import Figure

from minigen.errors import UsageError
from minigen.training.parallel import team

TOOLKITS = ("qt", "tk", "gtk", "wx", "macosx", "webagg")
"""How the names of matplotlib's backends begin that can open a window."""


class Show(argparse.Action):
    """`--show`: refused at once where no window can be opened, not after a long training."""

    def __init__(self, **options: Any):
        super().__init__(nargs=0, default=False, **options)

    def __call__(self, parser: Any, namespace: argparse.Namespace, *_: Any) -> None:
        if team().rank == 0:
            require()
            setattr(namespace, self.dest, True)


def require() -> None:
    """UsageError where this machine, or what `MPLBACKEND` says, has no windows; the attempt opens none."""
    import matplotlib.pyplot as plt  # chooses a backend, and looks for a display

    try:
        plt.switch_backend(plt.get_backend())
        problem = f"matplotlib's backend here is {plt.get_backend()}, which only writes files"
    except ImportError as error:  # one that `MPLBACKEND` names, without its toolkit or without a display
        problem = str(error)
    else:
        if plt.get_backend().lower().startswith(TOOLKITS):
            return
    raise UsageError(
        f"--show needs a display and a toolkit for windows ({problem}): run it where there is a display (an X display "
        "is named by DISPLAY), pip install pyqt6, or leave --show out; the pictures are written in any case"
    )


def managed(figure: Figure, title: str) -> Figure:
    """The same figure, now in a window that `wait` will show."""
    import matplotlib.pyplot as plt

    of_pyplot: Any = lambda **_: figure  # pyplot makes figures in windows; this one is made already
    plt.figure(title, FigureClass=of_pyplot)
    return figure


def wait() -> None:
    """Show all windows, until they are closed."""
    import matplotlib.pyplot as plt

    plt.show()
