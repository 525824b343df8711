"""A trained model from a file of weights, with what the file says about its data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minigen.conditional import ChosenBiases, Conditional
from minigen.data.given import read_given
from minigen.data.idx import MOST_PIXELS
from minigen.data.images import arrays_in, listed
from minigen.data.sets import Pixels
from minigen.errors import CheckpointError, DataError, UsageError, shown
from minigen.model import Real, States
from minigen.saved import load
from minigen.training.files import weights_header

SIZES = ("variant", "cell", "D", "d", "V", "H", "layers", "order", "levels", "classes")
"""The attributes of a model that say its size."""


@dataclass(frozen=True)
class Trained:
    """A trained model, with what the file of its weights says.

    model: the model. facts: from the header of the file, by name. path: of the file. label: y, by its name, if the
    model is p(x | y).
    """

    model: Any
    facts: dict[str, Any]
    path: str
    label: str = ""

    @property
    def name(self) -> str:
        """The name of the model's class."""
        return type(self.model).__name__

    @property
    def shape(self) -> tuple[int, int] | None:
        """(rows, columns) of an image; None for data that are no images."""
        D = getattr(self.model, "D", None)
        noted = self.facts.get("shape") or getattr(self.model, "shape", None)
        if noted is not None:
            if not (isinstance(noted, list | tuple) and len(noted) == 2 and noted[0] * noted[1] == D):
                raise CheckpointError(f"{self.path} has images of {shown(noted, 60)}, but a model of {D} pixels")
            return int(noted[0]), int(noted[1])
        side = int(D**0.5) if D else 0
        return (side, side) if D and side**2 == D > 1 and not isinstance(self.model.values, Real) else None

    @property
    def shades(self) -> int:
        """The number of values of a pixel; 2 for real numbers, too."""
        values = self.model.values
        return values.count if isinstance(values, States) else 2

    @property
    def pixels(self) -> Pixels:
        """The rule by which grey levels become the model's pixels."""
        noted = self.facts.get("pixels") or {}
        usual = "real" if isinstance(self.model.values, Real) else "shades" if self.shades > 2 else "threshold"
        try:
            return Pixels(**{"rule": usual} | noted)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"{self.path} has no rule for pixels: {error}") from error

    def __str__(self) -> str:
        attributes = {name: getattr(self.model, name, None) for name in SIZES}
        sizes = [f"{name} = {value}" for name, value in attributes.items() if isinstance(value, int | str)]
        by = [f"trained by the demo {shown(self.facts[k], 30)}" for k in ["demo"] if k in self.facts]
        on = [f"on {shown(self.facts[k], 100)}" for k in ["data"] if k in self.facts]
        whence = f", {' '.join(by + on)}" if by + on else ""
        of = f" ({', '.join(sizes)})" if sizes else ""
        return f"{shown(self.path, 200)}: {self.name}{of}, {self.model.num_parameters:,} parameters{whence}"

    def given(self, label: str | None) -> Trained:
        """Return the trained model of p(x | y) for one label, with all that this kind of model can do.

        label: the name of the class in the data, or its number. None: p(x) = Σ p(y) p(x | y), if it has a density.
        Raises UsageError if the model takes no labels, or not this one.
        """
        model = self.model
        if not isinstance(model, Conditional):
            if label is not None:
                raise UsageError(f"this {self.name} takes no labels: leave out --label, or train one with --by-label")
            return self
        if label is None:
            return replace(self, model=model.classifier()) if isinstance(model, ChosenBiases) else self
        noted = self.facts.get("labels")
        names = noted if isinstance(noted, list) and len(noted) == model.classes else range(model.classes)
        known = [shown(name, 60) for name in names]
        if label not in known:
            raise UsageError(f"{shown(repr(label), 60)} is no label of this model: choose {listed(known, 20)}")
        return replace(self, model=model.with_label(known.index(label)), label=label)

    def read(self, path: str, rng: np.random.Generator, resize: bool = False) -> tuple[np.ndarray, list[str], str]:
        """Return images of the user as the model's pixels, (n, D), their names, and in words how they were made.

        resize: bring pictures to the model's size. Data that are no images are read from an .npz, as they are. Raises
        DataError if there are no such images, UsageError if they cannot be resized.
        """
        if self.shape is None:
            if Path(path).is_dir():
                problem = f"is a folder, but the data of this {self.name} are no images"
                raise DataError(path, problem, f"give an .npz with images, (n, {self.model.D})")
            (array,) = arrays_in(path, ["images"], MOST_PIXELS)
            assert array is not None
            if array.ndim != 2 or array.shape[1] != self.model.D or not len(array):
                wanted = f"has an array of shape {array.shape}, expected (n, {self.model.D})"
                raise DataError(path, wanted, "the rows are the model's vectors")
            return array, [f"row {k + 1}" for k in range(len(array))], "as they are"
        ink, names, changed = read_given(path, self.shape, self.pixels.white, resize)
        x = self.pixels.made_of(ink, self.shades, rng=rng)
        return x, names, f"{self.pixels}{changed}, {x.mean() / (self.shades - 1):.0%} of the pixels are ink"

    def picture(self, x: np.ndarray) -> np.ndarray:
        """Return images as grey from 0 (white) to 1 (black).  x: the model's pixels, any shape."""
        return x / (self.shades - 1)


def opened(path: str) -> Trained:
    """Return the trained model in a file of weights. Raises CheckpointError if the file has none, OSError if it is not
    there.
    """
    return Trained(load(path), weights_header(path)["facts"], path)
