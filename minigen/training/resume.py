"""Going on with a training run that was stopped: what takes part, what has to be the same, and where it is kept.

A run that goes on equals one that was never stopped, bit for bit: weights, optimizers, random generator and history,
but for the seconds. This holds on one machine with one number of threads, where sums are rounded in one order.
"""

from __future__ import annotations

import copy
import json
import numbers
import os
import warnings
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from autograd import backend
from minigen.errors import CheckpointError
from minigen.nn.arrays import fingerprint
from minigen.training.files import read, write


@runtime_checkable
class Stateful(Protocol):
    """What takes part in a checkpoint: a run, an optimizer, a step of one's own, a `before_epoch` that remembers.

    state: nested dictionaries, whose keys are text, of arrays, numbers, text, None and lists. A checkpoint fits where
    the same keys hold arrays of the same shapes and dtypes, numbers, or text; what is in a dictionary called
    "settings", such as β of Adam, has to be equal. Lists may differ in length.
    load_state: take over what `state` returned, but for the settings; copy its arrays. `Remembering` has both.
    """

    def state(self) -> dict[str, Any]:
        """What the next step depends on: numbers, arrays and dictionaries of them."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""


class Remembering:
    """A `Stateful` whose class names what it remembers.

    remembered: the attributes that the next step depends on. settings: those that have to be equal where a run goes on,
    as has the class; of an array, the fingerprint.
    """

    remembered: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def state(self) -> dict[str, Any]:
        """Return settings and everything remembered, for a checkpoint."""
        fixed = {name: getattr(self, name) for name in self.settings}
        fixed = {name: fingerprint(v) if isinstance(v, np.ndarray) else v for name, v in fixed.items()}
        moving = {name: saved(getattr(self, name)) for name in self.remembered}
        return {"settings": {"class": type(self).__name__, **fixed}, **moving}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        for name in self.remembered:
            setattr(self, name, restored(getattr(self, name), state[name]))


def saved(value: Any) -> Any:
    """Return what a checkpoint holds of a value; of a dictionary the items, as its keys may be numbers."""
    if isinstance(value, Stateful):
        return value.state()
    if isinstance(value, list):
        return {str(k): saved(part) for k, part in enumerate(value)}
    if isinstance(value, dict):
        return list(value.items())
    return backend.to_numpy(value) if backend.is_array(value) else value


def restored(value: Any, state: Any) -> Any:
    """Return what `saved` made `state` of: `value` itself, changed, if it is an array, a `Stateful` or a list."""
    if isinstance(value, Stateful):
        value.load_state(state)
    elif isinstance(value, list):
        value[:] = [restored(part, state[str(k)]) for k, part in enumerate(value)]
    elif backend.is_array(value):
        value[...] = backend.beside(state, value)
    else:
        return dict(copy.deepcopy(state)) if isinstance(value, dict) else state
    return value


def difference(there: Any, here: Any, name: str = "", equal: bool = False) -> str:
    """Where the state `there`, of a checkpoint, first fails to fit the one `here`, in words; "" where it fits."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*here, *there]:
            at = name if key == "settings" else f"{name}.{key}".lstrip(".")
            if key not in there or key not in here:
                return f"{at} is {'not ' if key in here else ''}in the checkpoint"
            if found := difference(there[key], here[key], at, equal or key == "settings"):
                return found
        return ""
    was, now = (_outline(value, equal) for value in (there, here))
    return "" if was == now else f"{name} was {was} and is {now}"


def _outline(value: Any, exact: bool) -> str:
    """What has to agree of a value that is no dictionary."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if exact:
        return json.dumps(value, ensure_ascii=False, default=np.generic.item)
    kinds = {"a number": numbers.Real, "text": str, "a list": list | tuple, "nothing": type(None)}
    return next((kind for kind, types in kinds.items() if isinstance(value, types)), "a dictionary")


class Checkpoints:
    """The checkpoints of one training run, in a folder of their own: `epoch-000012.checkpoint`, the newest two.

    resume: go on from the newest. One that is damaged is passed over, with a warning that says which is used instead;
    since a run that goes on repeats bit for bit, this costs time and nothing else. Where there is none at all, the run
    starts from the beginning. Without `resume`, a folder that holds checkpoints is refused: training is not lost.
    every: epochs from one to the next. settings: what makes this run the one that it is and `fit` cannot see, such as
    the name of a data set or of an activation: names and values, which must be the same where it goes on.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        resume: bool = False,
        every: int = 1,
        settings: dict[str, Any] | None = None,
    ):
        if every < 1:
            raise ValueError(f"every must be a number of epochs, at least 1, got {every}")
        self.folder, self.resume, self.every, self.settings = Path(folder), resume, every, settings or {}
        self.last: Path | None = None

    def paths(self) -> list[Path]:
        """From the newest to the oldest."""
        paths = [p for p in self.folder.glob("epoch-*.checkpoint") if p.stem[6:].isdecimal()]
        return sorted(paths, key=lambda p: int(p.stem[6:]), reverse=True)

    def begin(self, run: Stateful) -> None:
        """Put a run that is about to start where the newest checkpoint was made; see the class for other cases.

        CheckpointError where it is of another run; this one is left as it was then.
        """
        paths, problem = self.paths(), ""
        if paths and not self.resume:
            raise CheckpointError(f"{self.folder} holds checkpoints already: resume, or name another folder")
        for path in paths:
            try:
                state = read(path)
            except CheckpointError as error:
                problem = problem or str(error)
                continue
            try:
                found = difference(state, run.state())
                if not found:
                    run.load_state(state)
            except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
                raise CheckpointError(f"{path} does not hold a run: {error}; name another folder") from error
            if found:
                raise CheckpointError(f"{path} is of another run, {found}: ask for the same, or name another folder")
            self.last = path
            if problem:
                warnings.warn(f"{problem}; going on from {path.name} in its place", stacklevel=3)
            return
        if problem:
            raise CheckpointError(f"{problem}, and there is none before it: start anew in another folder")

    def save(self, run: Stateful, epoch: int) -> None:
        """Write a checkpoint after this epoch, where one is due, and remove all but it and the one before it."""
        if epoch % self.every:
            return
        path = self.folder / f"epoch-{epoch:06}.checkpoint"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write(path, run.state())
            for old in self.folder.glob("epoch-*.checkpoint*"):
                if old not in (path, self.last):
                    old.unlink()
        except OSError as error:
            raise CheckpointError(f"{path} cannot be written: {error.strerror}; make room, then resume") from error
        self.last = path
