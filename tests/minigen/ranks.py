"""What `test_parallel` starts by mpiexec: `python -m tests.minigen.ranks WHAT FOLDER`."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np

from minigen import dcgan
from minigen.ar import AR
from minigen.charrnn import CharRNN, TruncatedBPTT, streams
from minigen.gan import GAN, Game
from minigen.nade import NADE
from minigen.nn.functions import leaky_relu, relu, sigmoid
from minigen.nn.layers import mlp
from minigen.penalties import gradient_penalty
from minigen.priors import StandardNormal
from minigen.training.loop import fit
from minigen.training.optim import Adam
from minigen.training.parallel import team
from minigen.training.resume import Checkpoints
from minigen.training.steps import Descent
from minigen.vae import bernoulli_vae

D, IMAGES, BATCH, EPOCHS = 12, 190, 19, 5
"""50 steps, of batches that neither 2 nor 4 ranks can share equally."""


def images(count=IMAGES):
    return (np.random.default_rng(1).random((count, D)) < 0.3).astype(float)


def nade():
    return NADE(D, 8, rng=np.random.default_rng(0)).astype(np.float64)


def nade_and_adam():
    model = nade()
    return model, Adam(model, 0.01)


def ar_and_adam():
    """Its index arrays belong to it too, and do not lie in one piece."""
    model = AR(D, D - 1).astype(np.float64)
    return model, Adam(model, 0.01)


def vae_and_adam():
    model = bernoulli_vae(D, (9,), 3, rng=np.random.default_rng(0)).astype(np.float64)
    return model, Adam(model, 0.01)


def gan_and_game(penalty=None):
    rng = np.random.default_rng(0)
    generator, discriminator = mlp((4, 9, D), relu, last=sigmoid, rng=rng), mlp((D, 9, 1), leaky_relu, rng=rng)
    model = GAN(generator, discriminator, StandardNormal(4), D, penalty=penalty).astype(np.float64)
    return model, Game(model, 0.001, 0.001)


def dcgan_and_game():
    """With batch normalisation, whose statistics are of each rank's part of a batch."""
    rng = np.random.default_rng(0)
    generator, discriminator = dcgan.generator((4, 4), 3, 4, rng=rng), dcgan.discriminator((4, 4), 4, rng=rng)
    model = GAN(generator, discriminator, StandardNormal(3), 16).astype(np.float64)
    return model, Game(model, 0.001, 0.001)


MODELS = {
    "ar": ar_and_adam,
    "nade": nade_and_adam,
    "vae": vae_and_adam,
    "gan": gan_and_game,
    "wgan_gp": partial(gan_and_game, partial(gradient_penalty, weight=10.0)),
}


def trained(name, epochs=EPOCHS, **options):
    """A model after some epochs, and the sequence of its losses."""
    model, step = MODELS[name]()
    history = fit(model, step, images(), images(30), rng=np.random.default_rng(2), epochs=epochs, batch_size=BATCH,
                  keep_best=False, **options)  # fmt: skip
    return model, [e.train_loss for e in history.epochs]


def save(folder, model, losses):
    """The weights of every rank, to see that they are the same, and rank 0's losses."""
    np.savez(folder / f"rank{team().rank}.npz", losses=losses, **model.arrays())


def train(folder):
    """Every model, each in a folder of its name."""
    for name in MODELS:
        (folder / name).mkdir(exist_ok=True)
        save(folder / name, *trained(name))


def resume(folder, epochs):
    """With checkpoints in the folder, going on where there are any."""
    save(folder, *trained("nade", int(epochs), checkpoint=Checkpoints(folder / "run", resume=True)))


def statistics(folder):
    """Those of batch normalisation differ between ranks in an epoch, and are agreed on after it."""
    model, game = dcgan_and_game()
    x = np.random.default_rng(1).random((IMAGES, 16))
    fit(model, game, x, x[:30], rng=np.random.default_rng(2), epochs=1, batch_size=BATCH, keep_best=False)
    save(folder, model, [])


def noise(folder):
    rng, whole = np.random.default_rng(3), team().mean(2.0)
    np.savez(folder / f"rank{team().rank}.npz", own=team().noise(rng).random(4), common=rng.random(4), whole=whole,
             rows=team().share(np.arange(10)), few=team().share(np.arange(2)), weight=team().weight)  # fmt: skip


class Trouble(Adam):
    """In the 20th step the last rank does not go on."""

    def step(self):
        if self.t == 20 and team().rank == team().size - 1:
            self.happens()
        super().step()


class Killed(Trouble):
    def happens(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Raises(Trouble):
    def happens(self):
        raise RuntimeError("the last rank has had enough")


def trouble(folder, kind):
    model = nade()
    fit(model, kind(model, 0.01), images(), images(30), rng=np.random.default_rng(2), epochs=EPOCHS, batch_size=BATCH)
    save(folder, model, [])


def seeds(folder):
    """Every rank comes with weights and a generator of its own."""
    rng = np.random.default_rng(team().rank)
    model = NADE(D, 8, rng=rng).astype(np.float64)
    rows = []

    class Seen(Descent):
        def __call__(self, batch, noise):
            rows.append(batch)
            return super().__call__(batch, noise)

    x = np.random.default_rng(1).permutation(2**D)[:IMAGES, None] >> np.arange(D) & 1
    fit(model, Seen(model, Adam(model, 0.01)), x.astype(float), images(30), rng=rng, epochs=1, batch_size=BATCH)
    np.savez(folder / f"rank{team().rank}.npz", rows=np.concatenate(rows))


class Rounding(NADE):
    """A validation loss that stays on the first rank, and falls by a hair on the others."""

    epochs = 0

    def validation_loss(self, images):
        self.epochs += 1
        return 5.0 - 1e-12 * self.epochs * team().rank


def patience(folder):
    model = Rounding(D, 8, rng=0).astype(np.float64)
    history = fit(model, Adam(model, 0.01), images(), images(30), rng=np.random.default_rng(2), epochs=EPOCHS,
                  batch_size=BATCH, patience=1)  # fmt: skip
    save(folder, model, [epoch.validation_loss for epoch in history.epochs])


def labels(folder):
    """Images with labels: every rank has the labels of its own images."""
    model, parts, x = nade(), [], images()
    step = lambda batch, noise: parts.append(batch) or 0.0
    fit(model, step, (x, np.arange(IMAGES)), images(30), rng=np.random.default_rng(2), epochs=1, batch_size=BATCH,
        keep_best=False)  # fmt: skip
    rows, own = (np.concatenate(part) for part in zip(*parts, strict=True))
    np.savez(folder / f"rank{team().rank}.npz", rows=rows, own=own, sizes=[len(part[1]) for part in parts])


def read_text():
    """A model of a text, whose pieces follow each other, after two epochs, and the sequence of its losses."""
    model = CharRNN("abc", "gru", 6, rng=0).astype(np.float64)
    step, text = TruncatedBPTT(model, Adam(model, 0.01)), streams(model.codes("abcacb" * 30), 3)
    history = fit(model, step, text, text, rng=2, epochs=2, batch_size=7, keep_best=False, shuffle=False,
                  before_epoch=step.start)  # fmt: skip
    return model, [e.train_loss for e in history.epochs]


def text(folder):
    save(folder, *read_text())


WHAT = {"train": train, "text": text, "labels": labels, "resume": resume, "statistics": statistics, "noise": noise,
        "seeds": seeds, "patience": patience, "killed": partial(trouble, kind=Killed),
        "raises": partial(trouble, kind=Raises)}  # fmt: skip

if __name__ == "__main__":
    WHAT[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
