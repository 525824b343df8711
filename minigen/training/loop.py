"""The training loop: descent by mini-batches, stopped when the validation set says so."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from minigen.nn.arrays import RNGLike
from minigen.training.batches import Data, batch_of, length
from minigen.training.capture import recorded
from minigen.training.history import Epoch, History
from minigen.training.memory import keep_freed_memory
from minigen.training.optim import Optimizer
from minigen.training.parallel import team
from minigen.training.resume import Checkpoints
from minigen.training.run import Run, Step, Trainable, refuse_what_does_not_fit
from minigen.training.steps import Descent


def fit(
    model: Trainable,
    optimizer: Optimizer | Step,
    train: Data | Callable[[np.random.Generator], Data],
    validation: Data,
    *,
    rng: RNGLike = None,
    epochs: int,
    batch_size: int = 100,
    decay: bool = False,
    patience: int | None = None,
    max_norm: float | None = None,
    keep_best: bool = True,
    before_epoch: Callable[[int], None] | None = None,
    measure: Callable[[], dict[str, float]] | None = None,
    checkpoint: Checkpoints | None = None,
    capture: bool = False,
    progress: bool = True,
) -> History:
    """Minimise a loss over `train`. The model ends with the weights that were best on `validation`.

    optimizer: descends on `model.loss`, see `Descent`; or a step of one's own, called with a batch and the generator,
        that returns its loss (and holds in `optimizers` those whose rate shall fall).
    train: images; or a tuple of arrays of one length, such as (images, labels), of which each batch is a tuple; or a
        function of a generator that returns the data of one epoch. validation: what `model.validation_loss` takes.
    rng: draws the order of the images and what a step draws. epochs: at most so many. batch_size: images a step.
    decay: whether the learning rate falls linearly, to reach 0 after the last epoch.
    patience: stop after so many epochs without a better validation loss.
    max_norm: clip the gradient of `model.loss` to this norm.
    keep_best: set it to False for a GAN, whose validation loss does not measure quality: the last weights are kept.
    before_epoch: called with the number of each epoch, from 1. measure: called after each epoch, for its history.
    checkpoint: where the run is saved, and whether it goes on from there, see `Checkpoints`.
    capture: record the step on a device and repeat it with few launches, see `training.capture`.
    progress: whether a bar shows how far it is.

    Raises DivergedError for a loss or gradient that is not finite, and the model's ValueError for images that it does
    not take. Ctrl-C ends the training, not the program. Either way the model has its best weights: of the first epoch,
    after Ctrl-C the latest, after an error those that it came with. `run` says what several processes do.
    """
    refuse_what_does_not_fit(model, optimizer, validation, rng, patience, max_norm, keep_best, checkpoint, capture)
    keep_freed_memory()
    rng = np.random.default_rng(rng)
    step = Descent(model, optimizer, max_norm) if isinstance(optimizer, Optimizer) else optimizer
    run = Run(model, step, rng, before_epoch, checkpoint, keep_best, falls=epochs if decay else 0)
    run.begin(train, validation, batch_size)
    history, done = run.history, len(run.history.epochs)
    start = time.perf_counter() - history.seconds
    with run.until_its_end(), recorded(step, capture) as record_anew, progress_bar(progress) as bar:
        for number in range(done + 1, epochs + 1):
            if run.is_over(patience):
                break
            run.announce(number)
            record_anew()
            data = train(rng) if callable(train) else train
            bar.total = (epochs - done) * length(data)
            train_loss = one_pass(step, data, batch_size, rng, bar)
            validation_loss = run.validated(validation)
            measures = {} if measure is None else measure()
            run.add(Epoch(number, train_loss, validation_loss, time.perf_counter() - start, measures))
            bar.set_description_str(f"epoch {number}, validation {validation_loss:.2f}", refresh=False)
    return history


def progress_bar(shown: bool) -> tqdm:
    """The bar, which the first of several processes shows where its output is a terminal."""
    hidden = None if shown and team().rank == 0 else True
    return tqdm(desc="training", unit=" samples", unit_scale=True, disable=hidden, dynamic_ncols=True)


def one_pass(step: Step, data: Data, batch_size: int, rng: np.random.Generator, bar: tqdm) -> float:
    """Take a step for each batch of the data, in random order, and return the mean loss over the images."""
    n = length(data)
    if not n:
        raise ValueError("there are no training images")
    order = rng.permutation(n)
    total, noise = 0.0, team().noise(rng)
    for rows in np.array_split(order, -(-n // batch_size)):
        loss = step(batch_of(data, team().share(rows)), noise)
        total += loss * len(rows)
        bar.set_postfix_str(f"loss {loss:.2f}", refresh=False)
        bar.update(len(rows))
    team().weight = 1 / team().size
    return total / n
