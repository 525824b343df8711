"""An animation of a training: record the model at some epochs, and draw the recorded frames after the training. The
same frames are also written as numbers, to a file `moments.npz`, which the page shows with a slider."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from demos.figures import NARROW, legend, panels
from minigen import plot
from minigen.atomic import atomically
from minigen.training.resume import Remembering


def add_film_option(p: ArgumentParser) -> None:
    """Add the option --no-film to a demo."""
    p.add_argument("--no-film", action="store_true",
                   help="do not write the training as an animation, which takes some seconds to draw")  # fmt: skip


def moments(epochs: int, count: int, spaced: Callable[..., np.ndarray] = np.geomspace) -> list[int]:
    """Return epoch 0 (before training) and at most `count` epochs from 1 to `epochs`, both included.

    epochs: epochs of the whole training. spaced: np.geomspace (early epochs are close together) or np.linspace (evenly
    spaced).
    """
    later = np.rint(spaced(1, epochs, count)).astype(int).tolist() if epochs else []
    return sorted({0, *later})


class Moments(NamedTuple):
    """The moments of a training, T of them, as numbers.

    epochs: of the moments, (T,); 0 is before training. shots: arrays of the model at the moments by name, (T, …).
    values: measured values by name, (T,), nan where a value was not measured. fixed: other arrays by name.
    """

    epochs: np.ndarray
    shots: dict[str, np.ndarray]
    values: dict[str, np.ndarray]
    fixed: dict[str, np.ndarray]


def write_moments(
    path: Path, shots: Mapping[int, Mapping[str, Any]], measures: Mapping[int, Mapping[str, float]], **fixed: Any
) -> None:
    """Write moments to a file that `read_moments` returns as Moments.

    path: of the file. shots: by epoch, the arrays of the model by name. measures: by epoch, the measured values by
    name; epochs without a shot are left out. fixed: arrays that are the same at all moments.
    """
    names = {name: None for epoch in shots for name in measures.get(epoch, {})}
    arrays: dict[str, Any] = {
        "epochs": np.array(list(shots)),
        **{f"shots.{name}": np.stack([shot[name] for shot in shots.values()]) for name in next(iter(shots.values()))},
        **{f"values.{name}": np.array([measures.get(k, {}).get(name, np.nan) for k in shots], float) for name in names},
        **{f"fixed.{name}": np.asarray(array) for name, array in fixed.items()},
    }
    with atomically(path) as file:
        np.savez_compressed(file, **arrays)


def read_moments(path: Path) -> Moments:
    """Return the moments in a file of `write_moments`."""
    with np.load(path) as file:
        arrays = dict(file)
    of = lambda kind: {name.removeprefix(kind): array for name, array in arrays.items() if name.startswith(kind)}
    return Moments(arrays["epochs"], of("shots."), of("values."), of("fixed."))


class Film(Remembering):
    """A recorder of shots of a model during its training, which draws the shots as an animation.

    `fit(before_epoch=film)` records every epoch in `moments` but the last. Call `shoot` after `fit` for the last epoch.
    A `measure` that measures each epoch by its shot calls `shoot_next`; then `shoot(0)` comes before the training.
    Checkpoints hold the shots, so a resumed training has the whole animation.

    look: () → a shot of the model now: an array, or a tuple of arrays, numbers and dictionaries of numbers.
    draw_shot: (axes, epoch, shot) draws one frame. moments: epochs to draw; 0 is before training.
    kind: of a tuple, the NamedTuple that it is; a checkpoint holds its parts alone.
    shots: the shots by epoch: those of the moments, and the last.
    """

    remembered = ("shots",)

    def __init__(
        self,
        look: Callable[[], Any],
        draw_shot: Callable[[Axes, int, Any], None],
        moments: Collection[int],
        kind: Callable[..., Any] | None = None,
    ) -> None:
        self.look, self.draw_shot, self.moments, self.kind = look, draw_shot, moments, kind
        self.shots: dict[int, Any] = {}

    def __call__(self, number: int) -> None:
        """Record the model before epoch `number` (from 1), if the epoch before it is one of the moments."""
        if number - 1 in self.moments and number - 1 not in self.shots:
            self.shoot(number - 1)

    def shoot(self, epoch: int) -> Any:
        """Record and return a shot of the model, which has finished this epoch. Forget the last if it is no moment."""
        self.shots = {k: shot for k, shot in self.shots.items() if k in self.moments} | {epoch: self.look()}
        return self.last

    def shoot_next(self) -> Any:
        """Record and return a shot of the model, which has finished the epoch after that of the last shot."""
        return self.shoot(max(self.shots) + 1)

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        if self.kind is not None:
            self.shots = {epoch: self.kind(*parts) for epoch, parts in self.shots.items()}

    @property
    def frames(self) -> list[int]:
        """The epochs to draw: the moments, and the last recorded epoch, which is no moment after an interruption."""
        return list(self.shots)

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

    def write(self, path: Path, measures: Mapping[int, Mapping[str, float]], **fixed: Any) -> None:
        """Write the shots by `write_moments`: the parts of a NamedTuple by their names, an array as "shot".

        path, measures, fixed: as `write_moments` takes them.
        """
        parts = lambda shot: {"shot": shot} if self.kind is None else shot._asdict()
        write_moments(path, {epoch: parts(shot) for epoch, shot in self.shots.items()}, measures, **fixed)

    def draw_stills(self, height: float, above: float = 0) -> Figure:
        """Return a figure of six frames, from the first to the last.

        height: of a frame, inches. above: height of the legend, inches; 0 for none.
        """
        figure, axes, cell = panels(6, NARROW, height, above)
        for ax, k in zip(axes, np.rint(np.linspace(0, len(self.frames) - 1, 6)).astype(int), strict=True):
            self.draw(ax, k)
            if cell:
                cast(Legend, ax.get_legend()).remove()
        if cell:
            legend(cell, axes[0])
        return figure
