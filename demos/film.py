"""An animation of a training: record the model at some epochs, and draw the recorded frames after the training."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from demos.figures import subplots
from minigen import plot
from minigen.training.resume import Remembering


def moments(epochs: int, count: int, spaced: Callable[..., np.ndarray] = np.geomspace) -> list[int]:
    """Return epoch 0 (before training) and at most `count` epochs from 1 to `epochs`, both included.

    epochs: epochs of the whole training. spaced: np.geomspace (early epochs are close together) or np.linspace (evenly
    spaced).
    """
    later = np.rint(spaced(1, epochs, count)).astype(int).tolist() if epochs else []
    return sorted({0, *later})


class Film(Remembering):
    """A recorder of shots of a model during its training, which draws the shots as an animation.

    `fit(before_epoch=film)` records every epoch in `moments` but the last. Call `shoot` after `fit` for the last epoch.
    A `measure` that calls `shoot` records every epoch instead, and `moments` says which epochs are drawn.

    look: () → a shot of the model now, of any type. draw_shot: (axes, epoch, shot) draws one frame. moments: epochs to
    draw; 0 is before training. shots: the recorded shots by epoch.
    """

    remembered = ("shots",)  # checkpoints hold the shots, so a resumed training has the whole animation

    def __init__(
        self, look: Callable[[], Any], draw_shot: Callable[[Axes, int, Any], None], moments: Collection[int]
    ) -> None:
        self.look, self.draw_shot, self.moments = look, draw_shot, moments
        self.shots: dict[int, Any] = {}

    def __call__(self, number: int) -> None:
        """Record the model before epoch `number` (from 1), if the epoch before it is one of the moments."""
        if number - 1 in self.moments:
            self.shoot(number - 1)

    def shoot(self, epoch: int) -> Any:
        """Record and return a shot of the model, which has finished this epoch."""
        self.shots[epoch] = self.look()
        return self.shots[epoch]

    @property
    def frames(self) -> list[int]:
        """The epochs to draw: the moments, and the last recorded epoch, which is no moment after an interruption."""
        *before, last = self.shots
        return [*(epoch for epoch in before if epoch in self.moments), last]

    @property
    def last(self) -> Any:
        """The last shot."""
        return list(self.shots.values())[-1]

    def draw(self, ax: Axes, k: int) -> None:
        """Draw frame k, which counts from 0."""
        self.draw_shot(ax, self.frames[k], self.shots[self.frames[k]])

    def animate(self, path: Path, side: float = 5) -> None:
        """Write all frames to a file as an animation.  path: of the file. side: of a frame, inches."""
        plot.animate(path, self.draw, len(self.frames), side)

    def draw_stills(self, width: float, height: float) -> Figure:
        """Return a figure of six frames, from the first to the last.  width, height: of the figure, inches."""
        figure, axes = subplots(width, height, 2, 3)
        for ax, k in zip(axes.flat, np.rint(np.linspace(0, len(self.frames) - 1, 6)).astype(int), strict=True):
            self.draw(ax, k)
        return figure
