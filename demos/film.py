"""An animation of a training: what a model shows at some moments is kept, and drawn when the training is over."""

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
    """Epoch 0, which is before training, and at most `count` epochs from 1 to `epochs`, the last one among them.

    epochs: epochs of the whole training. spaced: np.geomspace, by which the moments are close together at first, or
    np.linspace, by which they are evenly spaced.
    """
    later = np.rint(spaced(1, epochs, count)).astype(int).tolist() if epochs else []
    return sorted({0, *later})


class Film(Remembering):
    """What is seen of a model at moments of its training, to be drawn as an animation.

    `fit` takes a film as its `before_epoch`, which keeps the moments before the last epoch ends: call `shoot` after it.
    A `measure` that calls `shoot` after every epoch keeps every epoch instead, and the moments say which are drawn.

    look: takes nothing, returns what is kept of the model as it is now. draw_shot: draws one frame from its axes, an
    epoch, and what was kept after that epoch. moments: epochs, 0 is before training. shots: what was kept, by epoch.
    """

    remembered = ("shots",)  # the animation is whole though the training was stopped on the way

    def __init__(
        self, look: Callable[[], Any], draw_shot: Callable[[Axes, int, Any], None], moments: Collection[int]
    ) -> None:
        self.look, self.draw_shot, self.moments = look, draw_shot, moments
        self.shots: dict[int, Any] = {}

    def __call__(self, number: int) -> None:
        """Before each epoch, whose number counts from 1: keep what is seen, if a moment has come."""
        if number - 1 in self.moments:
            self.shoot(number - 1)

    def shoot(self, epoch: int) -> Any:
        """Keep and return what is seen after this epoch."""
        self.shots[epoch] = self.look()
        return self.shots[epoch]

    @property
    def frames(self) -> list[int]:
        """The epochs that are drawn: the moments, and the last shot, which an interrupted training has elsewhere."""
        *before, last = self.shots
        return [*(epoch for epoch in before if epoch in self.moments), last]

    @property
    def last(self) -> Any:
        """What was seen at the end."""
        return list(self.shots.values())[-1]

    def draw(self, ax: Axes, k: int) -> None:
        """Draw the k-th frame."""
        self.draw_shot(ax, self.frames[k], self.shots[self.frames[k]])

    def animate(self, path: Path, side: float = 5) -> None:
        """Write all frames as an animation.  side: of a frame, in inches."""
        plot.animate(path, self.draw, len(self.frames), side)

    def draw_stills(self, width: float, height: float) -> Figure:
        """Draw six of the frames, from the first to the last.  width, height: of the figure, in inches."""
        figure, axes = subplots(width, height, 2, 3)
        for ax, k in zip(axes.flat, np.rint(np.linspace(0, len(self.frames) - 1, 6)).astype(int), strict=True):
            self.draw(ax, k)
        return figure
