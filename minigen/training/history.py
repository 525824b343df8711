"""What happened in a training: its epochs, which of them was the best, and why it ended."""

from __future__ import annotations

import csv
import itertools
import os
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data. The losses are means over images, in nats.

    validation_loss: what `model.validation_loss` says: the exact negative log-likelihood for an explicit model, −ELBO,
    a bound on it, for a VAE. measures: what the `measure` of `fit` found after this epoch, by name.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    seconds: float
    measures: dict[str, float] = field(default_factory=dict)


@dataclass
class History:
    """What happened: every epoch, the one whose weights the model kept, and why it ended."""

    epochs: list[Epoch] = field(default_factory=list)
    best: Epoch | None = None
    ended: str = "all epochs done"

    @property
    def seconds(self) -> float:
        """From the start to the end of the last epoch; of a run that was resumed, those that it has to show."""
        return self.epochs[-1].seconds if self.epochs else 0.0

    @property
    def waited(self) -> int:
        """Epochs since the best one."""
        return len(self.epochs) - self.best.epoch if self.best else 0

    def __repr__(self) -> str:
        """How long it went, which epoch was the best, and why it ended: of hundreds of epochs nobody wants all."""
        best = (
            f", best {self.best.epoch} with a validation loss of {self.best.validation_loss:.4g}" if self.best else ""
        )
        return f"<History: {len(self.epochs)} epochs{best}; {self.ended}>"

    def _repr_png_(self) -> bytes | None:
        """The learning curve, as a notebook shows it; before the first epoch there is none."""
        from minigen import plot  # not above: training needs no matplotlib

        if not self.epochs:
            return None
        figure = plot.Figure(figsize=(7, 4.5), layout="constrained")
        plot.learning_curve(figure.subplots(), self, {}, self.ended, y="loss")
        return plot.png(figure)

    def save(self, path: str | os.PathLike[str]) -> None:
        """One row an epoch, as CSV, with a column for each measure."""
        rows = []
        for epoch in self.epochs:
            row = asdict(epoch)
            rows.append(row | row.pop("measures"))
        names = [name for name in Epoch.__dataclass_fields__ if name != "measures"]
        columns = dict.fromkeys(itertools.chain(names, *rows))
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows(rows)
