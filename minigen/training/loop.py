"""The training loop: steps on mini-batches, a validation after each epoch, and early stopping."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from minigen.nn.arrays import RNGLike
from minigen.progress import progress_bar
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
    shuffle: bool = True,
    before_epoch: Callable[[int], None] | None = None,
    measure: Callable[[], dict[str, float]] | None = None,
    checkpoint: Checkpoints | None = None,
    capture: bool | None = None,
    progress: bool = True,
) -> History:
    """Train `model`: minimise its loss over `train`. Return the history, with the losses of each epoch.

    model: trained in place. It ends with its weights after the epoch with the lowest validation loss (`keep_best`).
    optimizer: takes a step down `model.loss` for each batch, see `Descent`. Or your own step: step(batch, rng) learns
        from the batch and returns the loss; its attribute `optimizers`, if it has one, lists its optimizers.
    train: images, (n, D), on the host; or a tuple of arrays of one length, such as (images, labels), and each batch is
        a tuple; or a function of a generator that returns the training data of one epoch.
    validation: images, (m, D), or whatever `model.validation_loss` takes.
    rng: draws the order of the images and the random numbers of each step.
    epochs: the largest number of passes over the training data; the passes before a resume count.
    batch_size: the largest number of images in a batch.
    decay: let the learning rate η fall linearly: (1 − (k − 1) / epochs) η in epoch k = 1, 2, …
    patience: stop after this number of epochs without a lower validation loss. None: never.
    max_norm: scale the gradient down to this norm if its norm is larger. None: never.
    keep_best: set it to False for a GAN, whose validation loss does not measure quality: the last weights are kept.
    shuffle: take the images in a new random order in each epoch. False: in their own order, for a text, whose pieces
        follow each other; then each of several processes takes whole batches, since a part is no piece of the text.
    before_epoch: called before each epoch with its number, from 1.
    measure: called after each epoch. The numbers that it returns, by name, go into the history.
    checkpoint: `Checkpoints(folder, resume=…)`: the run is saved in this folder, and resumed if asked for.
    capture: on a device, record the step once an epoch and repeat it with few launches, see `training.capture`. None: a
        step that cannot be recorded runs as written, and a line on stderr says why. True: such a step is an error.
        False: no step is recorded. What Python decides in a recorded step stays the same until the epoch ends.
    progress: show a progress bar.

    Raises DivergedError if a loss or gradient is not finite, ValueError for arguments out of range or that do not fit
    together, for no images and for images that the model refuses, UsageError (a ValueError) where `capture` or several
    processes are not possible, and CheckpointError as `Checkpoints` does.
    Ctrl-C ends the training after the present step, a second Ctrl-C at once; neither ends the program, unless several
    processes train. After Ctrl-C or an error the model has its best weights. If that was in the first epoch: after
    Ctrl-C its latest, after an error its initial weights.
    """
    refuse_what_does_not_fit(
        model, optimizer, validation, rng, epochs, batch_size, patience, max_norm, keep_best, checkpoint, capture
    )
    keep_freed_memory()
    rng = np.random.default_rng(rng)
    step = Descent(model, optimizer, max_norm) if isinstance(optimizer, Optimizer) else optimizer
    run = Run(model, step, rng, before_epoch, checkpoint, keep_best, shuffle, falls=epochs if decay else 0)
    whole = run.from_begin_to_end(train, validation, batch_size, epochs, patience)
    with (
        whole,
        recorded(step, model, capture) as record_anew,
        progress_bar(progress and team().rank == 0, desc="training", unit=" samples", unit_scale=True) as bar,
    ):
        done = len(run.history.epochs)
        start = time.perf_counter() - run.history.seconds
        for number in range(done + 1, epochs + 1):
            if run.is_over(patience):
                break
            run.announce(number)
            record_anew()
            data = train(rng) if callable(train) else train
            if number == done + 1:
                bar.reset((epochs - done) * length(data))
            train_loss = one_pass(run.take_step, data, batch_size, shuffle, rng, bar)
            validation_loss = run.validated(validation)
            measures = {} if measure is None else measure()
            run.add(Epoch(number, train_loss, validation_loss, time.perf_counter() - start, measures))
            bar.set_description_str(f"epoch {number}, validation {validation_loss:.2f}", refresh=False)
    return run.history


def one_pass(step: Step, data: Data, batch_size: int, shuffle: bool, rng: np.random.Generator, bar: tqdm) -> float:
    """Take a step for each batch of `data`, and return the mean loss over the images, a number.

    data: an array, (n, …), or a tuple of arrays whose rows belong together.
    step: learns from one batch and returns its loss, see `Step`.
    batch_size: the largest number of images in a batch; the sizes of two batches differ by at most 1.
    shuffle: take the images in random order, and each process of a team steps on its own part of each batch. False: in
        their own order, and each process steps on all of each batch.
    rng: draws the order of the images and the random numbers of each step.
    bar: the progress bar to advance.

    Raises ValueError if there are no training images.
    """
    n = length(data)
    if not n:
        raise ValueError("there are no training images")
    order = rng.permutation(n) if shuffle else np.arange(n)
    total, noise = 0.0, team().noise(rng)
    for rows in np.array_split(order, -(-n // batch_size)):
        loss = step(batch_of(data, team().share(rows) if shuffle else rows), noise)
        total += loss * len(rows)
        bar.set_postfix_str(f"loss {loss:.2f}", refresh=False)
        bar.update(len(rows))
    team().weight = 1 / team().size
    return total / n
