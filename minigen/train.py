"""The training loop: maximum likelihood by mini-batches, stopped when the validation set says so."""

from __future__ import annotations

import csv
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from autograd import no_grad
from minigen.model import ExplicitModel
from minigen.optim import Optimizer, clip_grad_norm


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data. Likelihoods are means over images, in nats."""

    epoch: int
    train_nll: float
    validation_nll: float
    seconds: float


@dataclass
class History:
    """What happened: every epoch, the one whose weights the model kept, and why it ended."""

    epochs: list[Epoch] = field(default_factory=list)
    best: Epoch | None = None
    ended: str = "all epochs done"

    def save(self, path: Path) -> None:
        """One row an epoch, as CSV."""
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, list(Epoch.__dataclass_fields__))
            writer.writeheader()
            writer.writerows(map(asdict, self.epochs))


def log_probs(model: ExplicitModel, images: np.ndarray, batch_size: int = 500) -> np.ndarray:
    """ln p(x) of every image, in nats, without recording."""
    with no_grad():
        batches = [model.log_prob(images[i : i + batch_size]).data for i in range(0, len(images), batch_size)]
    return np.concatenate(batches)


def fit(
    model: ExplicitModel,
    optimizer: Optimizer,
    train: np.ndarray,
    validation: np.ndarray,
    *,
    rng: np.random.Generator,
    epochs: int,
    batch_size: int = 100,
    patience: int | None = None,
    max_norm: float | None = None,
    progress: bool = True,
) -> History:
    """Minimise `model.nll` over `train`, and leave the model with the weights that were best on `validation`.

    Stops after `patience` epochs without a better validation NLL. Ctrl-C ends the training, not the program: the best
    weights so far are kept. `max_norm` clips the gradient. Raises FloatingPointError where the loss is not finite.
    """
    history = History()
    best_weights = model.flat.copy()
    bar = tqdm(total=epochs * len(train), unit="sample", unit_scale=True, disable=not progress, dynamic_ncols=True)
    start = time.perf_counter()
    try:
        for number in range(1, epochs + 1):
            total = 0.0
            for batch in np.array_split(rng.permutation(train), max(1, len(train) // batch_size)):
                model.zero_grad()
                loss = model.nll(batch)
                if not np.isfinite(loss):
                    raise FloatingPointError(f"the loss is {loss.item()} in epoch {number}: lower the learning rate")
                loss.backward()
                if max_norm is not None:
                    clip_grad_norm(model, max_norm)
                optimizer.step()
                total += loss.item() * len(batch)
                bar.update(len(batch))
            validation_nll = -float(np.mean(log_probs(model, validation)))
            epoch = Epoch(number, total / len(train), validation_nll, time.perf_counter() - start)
            history.epochs.append(epoch)
            if history.best is None or validation_nll < history.best.validation_nll:
                history.best, best_weights = epoch, model.flat.copy()
            bar.set_postfix_str(f"train {epoch.train_nll:.2f}, validation {validation_nll:.2f} nats", refresh=False)
            if patience is not None and number - history.best.epoch >= patience:
                history.ended = f"no better validation in {patience} epochs"
                break
    except KeyboardInterrupt:
        history.ended = "interrupted"
    finally:
        bar.close()
        if history.best is not None:
            model.flat[...] = best_weights
    return history
