"""The history of a training: the losses of each epoch, the best epoch, and why the training ended."""

from __future__ import annotations

import csv
import io
import itertools
import os
from dataclasses import asdict, dataclass, field

from minigen.atomic import atomically


@dataclass(frozen=True)
class Epoch:
    """The results of one epoch, a pass over the training data. The losses are means over images, in nats.

    epoch: the number of the epoch, from 1.
    train_loss: the mean loss during the epoch, while the weights change.
    validation_loss: `model.validation_loss` after the epoch: the negative log-likelihood for an explicit model, −ELBO,
        an upper bound on it, for a VAE.
    seconds: time from the start of the training to the end of this epoch, cumulative.
    measures: the numbers that the function `measure` of `fit` returned after this epoch, by name.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    seconds: float
    measures: dict[str, float] = field(default_factory=dict)


@dataclass
class History:
    """The history of a training.

    epochs: the results of every epoch, in order.
    best: the epoch whose weights the model has after the training; None before the first epoch has ended.
    ended: why the training ended, in words; "all epochs done" until another reason is known.
    """

    epochs: list[Epoch] = field(default_factory=list)
    best: Epoch | None = None
    ended: str = "all epochs done"

    @property
    def seconds(self) -> float:
        """Seconds from the start to the end of the last epoch, or 0. For a resumed run: without the time between."""
        return self.epochs[-1].seconds if self.epochs else 0.0

    @property
    def waited(self) -> int:
        """The number of epochs after the best epoch; 0 without a best epoch."""
        return len(self.epochs) - self.best.epoch if self.best else 0

    def __repr__(self) -> str:
        """One line: the number of epochs, the best epoch with its validation loss, and why the training ended."""
        best = (
            f", best {self.best.epoch} with a validation loss of {self.best.validation_loss:.4g}" if self.best else ""
        )
        return f"<History: {len(self.epochs)} epochs{best}; {self.ended}>"

    def _repr_png_(self) -> bytes | None:
        """The learning curve as a PNG, for a notebook; None before the first epoch has ended."""
        from minigen import plot  # not above: training needs no matplotlib

        if not self.epochs:
            return None
        figure = plot.Figure(figsize=(7, 4.5), layout="constrained")
        plot.learning_curve(figure.subplots(), self, {}, self.ended, y="loss")
        return plot.png(figure)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file to `path`: a row for each epoch, a column for each number of `Epoch` and each measure."""
        rows = []
        for epoch in self.epochs:
            row = asdict(epoch)
            rows.append(row | row.pop("measures"))
        names = [name for name in Epoch.__dataclass_fields__ if name != "measures"]
        columns = dict.fromkeys(itertools.chain(names, *rows))
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, list(columns))
        writer.writeheader()
        writer.writerows(rows)
        with atomically(path) as file:
            file.write(table.getvalue().encode())
