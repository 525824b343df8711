"""Resume a training run that was stopped: the state of a run, its settings that must be equal, and its checkpoints.

A resumed run equals a run that was never stopped, bit for bit: weights, optimizers, random generator and history,
except for the seconds. This holds on the same machine with the same number of threads, where sums are rounded in the
same order.
"""

from __future__ import annotations

import copy
import json
import numbers
import os
import re
import warnings
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from autograd import backend
from minigen.errors import CheckpointError, shown
from minigen.nn.arrays import fingerprint
from minigen.nn.module import whole
from minigen.training.files import PART, encoded, is_checkpoint, read, write
from minigen.training.lock import FolderLock


@runtime_checkable
class Stateful(Protocol):
    """An object with a state that a checkpoint holds: a run, an optimizer, a step, a `before_epoch` with a memory.

    It has two methods: `state` returns a dictionary, `load_state` takes it back; `Remembering` implements both. A
    checkpoint fits an object if its dictionary has the same keys, each with a value of the same kind: an array of equal
    shape and dtype, any number, any text, any list, or None. In a dictionary called "settings" the values, such as β of
    Adam, must be equal.
    """

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on, and the settings, for a checkpoint.

        The state is nested dictionaries, whose keys are text, and lists; inside them arrays, numbers, text, None. It is
        used at once, so its arrays need not be copies.
        """

    def load_state(self, state: dict[str, Any]) -> None:
        """Set this object, except for its settings, to a `state` that `state()` returned. Copy the arrays."""


class Remembering:
    """A base class with `state` and `load_state`, for objects that a checkpoint holds (`Stateful`).

    A subclass names its attributes in two tuples.
    remembered: the names of the attributes that the next step depends on.
    settings: the names of the attributes that must be equal when a run is resumed, else `Checkpoints.begin` raises
        CheckpointError. Of an array the fingerprint is compared. The name of the class must be equal, too.
    """

    remembered: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def state(self) -> dict[str, Any]:
        """Return {"settings": …, name: value, …} for a checkpoint, with an entry for each remembered attribute.

        The values are in the form of `saved`: arrays on the host are not copied.
        """
        fixed = {name: getattr(self, name) for name in self.settings}
        fixed = {name: fingerprint(v) if isinstance(v, np.ndarray) else v for name, v in fixed.items()}
        moving = {name: saved(getattr(self, name)) for name in self.remembered}
        return {"settings": {"class": type(self).__name__, **fixed}, **moving}

    def load_state(self, state: dict[str, Any]) -> None:
        """Set the remembered attributes to a `state` that `state()` returned; arrays are changed in place."""
        for name in self.remembered:
            setattr(self, name, restored(getattr(self, name), state[name]))


def saved(value: Any) -> Any:
    """Return `value` in the form that a checkpoint holds.

    The form of a `Stateful` is its state; of a list a dictionary {"0": …, "1": …} of the forms of its elements; of a
    dictionary the list of its (key, value) pairs, unchanged, because its keys may be numbers; of an array the array on
    the host, not copied if it is there already. Other values, tuples too, stay as they are.
    """
    if isinstance(value, Stateful):
        return value.state()
    if isinstance(value, list):
        return {str(k): saved(part) for k, part in enumerate(value)}
    if isinstance(value, dict):
        return list(value.items())
    return backend.to_numpy(value) if backend.is_array(value) else value


def restored(value: Any, state: Any) -> Any:
    """Return the value that `saved` turned into `state`: the inverse of `saved`.

    value: the present value. An array, a list or a `Stateful` is changed in place and returned.
    state: the form that the checkpoint holds.
    """
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
    """Return, in words, the first difference that keeps the state `there` from fitting the state `here`; "" if it fits.

    there: the state in a checkpoint.
    here: the state of the present run.
    name: the place of both in the whole state, with dots, such as "step.optimizers".
    equal: whether numbers, text and lists must be equal; if False, only their kinds: number, text, list or None. Inside
        "settings" they always must be. Of arrays only dtype and shape must agree, of dictionaries the keys.
    """
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*here, *there]:
            at = name if key == "settings" else f"{name}.{shown(key, PART)}".lstrip(".")
            if key not in there or key not in here:
                return f"{at} is {'not ' if key in here else ''}in the checkpoint"
            if found := difference(there[key], here[key], at, equal or key == "settings"):
                return found
        return ""
    was, now = (_outline(value, equal) for value in (there, here))
    return "" if was == now else f"{name} was {was} and is {now}"


def _outline(value: Any, exact: bool) -> str:
    """The part of a value, not a dictionary, that must agree: shape and dtype, the value if `exact`, or its kind."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if exact:
        return shown(json.dumps(value, ensure_ascii=False, default=np.generic.item), PART)
    kinds = {"a number": numbers.Real, "text": str, "a list": list | tuple, "nothing": type(None)}
    return next((kind for kind, types in kinds.items() if isinstance(value, types)), "a dictionary")


NAME = re.compile(r"epoch-[0-9]{6,}\.checkpoint")
UNFINISHED = re.compile(NAME.pattern + r"\.[0-9a-f]{8}\.partial")
"""The names of checkpoints, and of those that a process was writing when it died (see `minigen.atomic`)."""


class Checkpoints:
    """The checkpoints of one training run: the newest two files, such as `epoch-000012.checkpoint`, in one folder.

    folder: the folder of this run alone. It is made when training begins, and it is locked (`FolderLock`) until the
        training ends.
    resume: go on from the newest checkpoint, or start from the beginning if there is none. A checkpoint that is damaged
        or cannot be read is skipped with a warning, and the one before it is used: the resumed run repeats the epochs
        in between bit for bit. If False, a folder that holds checkpoints raises CheckpointError when training begins.
    every: save after every epoch whose number is a multiple of `every`. Raises ValueError if it is below 1.
    settings: {name: number, text, None or array}, facts that `fit` cannot see, such as the name of the data set or of
        an activation. They must be equal when the run is resumed; of an array the fingerprint is compared. Raises
        TypeError for other values.
    last: the newest checkpoint of this run that was read or written, a path; None before.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        resume: bool = False,
        every: int = 1,
        settings: dict[str, Any] | None = None,
    ):
        self.folder, self.resume, self.every = Path(folder), resume, whole(every, 1, "every, in epochs,")
        facts = (settings or {}).items()
        self.settings = {name: fingerprint(v) if isinstance(v, np.ndarray) else v for name, v in facts}
        encoded(self.settings)
        self.lock = FolderLock(self.folder)
        self.last: Path | None = None

    def paths(self) -> list[Path]:
        """Return the paths of all checkpoints in the folder, the newest first; [] if there is no folder."""
        paths = [p for p in self.folder.glob("epoch-*.checkpoint") if NAME.fullmatch(p.name)]
        return sorted(paths, key=lambda p: int(p.stem[6:]), reverse=True)

    def begin(self, run: Stateful) -> None:
        """Set `run` to the state of the newest undamaged checkpoint, if there is one. Called before training begins.

        Locks the folder until `end`, and removes unfinished files of processes that are dead.
        run: the run that is about to begin. It stays as it was if there is no checkpoint, or one of another run.

        Raises CheckpointError if another process uses the folder, if the folder holds checkpoints but `resume` is
        False, if the checkpoint is from another run or holds no run, or if all checkpoints are damaged; TypeError if a
        checkpoint cannot hold the state of the run. Warns if it skipped a damaged checkpoint.
        """
        encoded(run.state())
        try:
            self.lock.take()
            for path in self.folder.glob("epoch-*.partial"):
                if UNFINISHED.fullmatch(path.name):
                    path.unlink()
        except OSError as error:
            raise CheckpointError(f"{self.folder} cannot hold checkpoints: {error.strerror}") from error
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
        """Write a checkpoint of `run` if one is due after this epoch, and remove all but this and the one before it.

        Files that do not begin as a checkpoint are not removed, whatever their names.
        epoch: the number of the epoch that has ended, from 1; due if it is a multiple of `every`.

        Raises CheckpointError if the file cannot be written.
        """
        if epoch % self.every:
            return
        path = self.folder / f"epoch-{epoch:06}.checkpoint"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write(path, run.state())
            for old in self.paths():
                if old not in (path, self.last) and is_checkpoint(old):
                    old.unlink()
        except OSError as error:
            raise CheckpointError(f"{path}: {error.strerror}; make room, then resume") from error
        self.last = path

    def end(self) -> None:
        """Free the lock on the folder. Called when training ends, also after an error."""
        self.lock.free()
