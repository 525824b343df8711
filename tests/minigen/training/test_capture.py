"""Training that is recorded as CUDA graphs is the same training, with few launches; what cannot be recorded is refused.

On the stand-in, whose recordings do nothing until they are launched, and make arrays of garbage (`tests.standin`); and
on a GPU where there is one.
"""

import signal

import numpy as np
import pytest

from autograd import backend, cuda
from minigen.aae import AAE, SemiSupervisedAAE, SemiSupervisedSteps, Steps, StyleEncoder, discriminator_network
from minigen.analysis.classifier import Classifier
from minigen.decoders import BernoulliDecoder
from minigen.encoders import NoisyEncoder
from minigen.errors import UsageError
from minigen.gan import Game
from minigen.nade import NADE
from minigen.nn.arrays import drawn, standard_normal
from minigen.nn.functions import relu
from minigen.nn.layers import mlp
from minigen.nn.module import Module, Parameter
from minigen.priors import Flower, SwissRoll
from minigen.training.capture import Captured
from minigen.training.guarded import AHEAD
from minigen.training.loop import fit
from minigen.training.optim import SGD, Adam
from minigen.training.resume import Checkpoints
from minigen.training.steps import Descent, Move, MovingStep
from minigen.vae import WarmUp
from tests import standin
from tests.conftest import LIBRARIES
from tests.minigen.test_device import MODELS, D, with_step


@pytest.fixture(params=[name for name in LIBRARIES if name != "numpy"])
def device(request, monkeypatch):
    """Which device it is; arrays are made there unless a test says otherwise."""
    if request.param == "standin":
        standin.install(monkeypatch)
    with backend.use("cupy"):
        yield request.param


def binary(n, rng):
    return (rng.random((n, D)) < 0.4).astype(np.float64)


def trained(name, capture=None, images=60, epochs=2, warm_up=False):
    """The model and the losses of some epochs, whose batches are of 8 and 7 images."""
    rng = np.random.default_rng(0)
    model, step = with_step(name, rng)
    x = binary(images, rng)
    before = WarmUp(model, epochs) if warm_up else None
    history = fit(
        model,
        step,
        x,
        x[:8],
        rng=rng,
        epochs=epochs,
        batch_size=8,
        keep_best=False,
        before_epoch=before,
        capture=capture,
    )
    return model, [(e.train_loss, e.validation_loss) for e in history.epochs]


def captured(step, steps, rng):
    """The step, captured, after so many batches of 8 images: one is taken as written, one recorded, others repeated."""
    step = Captured(step)
    for _ in range(steps):
        step(binary(8, rng), rng)
    return step


def assert_the_same(found, expected):
    (model, losses), (reference, expected_losses) = found, expected
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-9)
    for key, array in reference.arrays().items():
        found, expected = backend.to_numpy(model.arrays()[key]), backend.to_numpy(array)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=key)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_repeated_is_the_training_on_numpy(name, device, capsys):
    """Of each shape the first batch is taken as written, the second recorded, the others repeated. Nobody asks for it:
    a model on a device is trained so."""
    launches = standin.LAUNCHED["graphs"]
    found = trained(name)
    assert capsys.readouterr().err == ""
    assert device != "standin" or standin.LAUNCHED["graphs"] > launches + 10
    with backend.use("numpy"):
        assert_the_same(found, trained(name, capture=False))


def labelled(name, rng):
    """A model that learns from labels, its step, and its data: images, and labels of which some are unknown."""
    x, y = binary(60, rng), rng.integers(3, size=60).astype(np.int32)
    if name == "classifier":
        model = Classifier(D, (7,), 3, rng=rng).astype(np.float64)
        return model, Descent(model, Adam(model, 0.01)), (x, y)
    decoder = BernoulliDecoder(mlp((5 if name == "semi-supervised" else 2, 9, D), relu, rng=rng), D)
    body, discriminator = mlp((D, 9), relu, rng=rng), lambda n: discriminator_network(n, (9,), rng=rng)
    if name == "semi-supervised":
        encoder = StyleEncoder(body, 9, 3, 2, rng=rng)
        model = SemiSupervisedAAE(encoder, decoder, Flower(3), discriminator(3), discriminator(2)).astype(np.float64)
        return model, SemiSupervisedSteps(model, 0.01, 0.01, x[:20], y[:20], 10), x
    prior = SwissRoll(3) if name == "roll" else Flower(3)
    model = AAE(NoisyEncoder(mlp((D + 2, 9), relu, rng=rng), 9, 2, 2, rng=rng), decoder, prior, discriminator(6), 3)
    return model.astype(np.float64), Steps(model, 0.01, 0.01), (x, np.where(rng.random(60) < 0.3, -1, y))


@pytest.mark.parametrize("name", ["classifier", "flower", "roll", "semi-supervised"])
def test_a_step_with_labels_is_recorded(name, device, capsys):
    """The graphs read the labels of each batch; what NumPy draws from labels is drawn anew for each."""
    found = []
    for library in ("numpy", "cupy"):
        with backend.use(library):
            rng = np.random.default_rng(0)
            model, step, data = labelled(name, rng)
            validation = data if name == "classifier" else binary(8, rng)
            history = fit(model, step, data, validation, rng=rng, epochs=2, batch_size=8, keep_best=False)
            found.append((model, [(e.train_loss, e.validation_loss) for e in history.epochs]))
    assert_the_same(found[1], found[0])
    assert capsys.readouterr().err == ""


def test_each_label_is_looked_at(device, rng):
    for name in ("classifier", "flower"):
        _, step, (x, labels) = labelled(name, rng)
        step = captured(step, 0, rng)
        step((x[:8], labels[:8]), rng)
        with pytest.raises(ValueError, match="labels must be"):
            step((x[:8], np.full(8, 3)), rng)


def test_what_changes_between_epochs_is_recorded_anew(device):
    """β of a VAE, which is a number of Python."""
    found = trained("VAE", capture=True, epochs=3, warm_up=True)
    with backend.use("numpy"):
        assert_the_same(found, trained("VAE", capture=False, epochs=3, warm_up=True))
        assert found[1] != trained("VAE", capture=False, epochs=3)[1]


@pytest.mark.parametrize(("name", "draws"), [("NADE", 0), ("VAE", 1), ("GAN", 2), ("WGAN-GP", 3), ("AR", 0)])
def test_a_repeated_step_is_one_launch_and_the_host_waits_once_in_16_steps(name, draws, device):
    """It sends the batch and the noise of each step (of a GAN also the rate of its average), and once in 16 steps the
    numbers of the optimizers. A kernel writes each of these, and two begin the next 16 steps."""
    if device != "standin":
        pytest.skip("only the stand-in counts")
    rng = np.random.default_rng(0)
    step = captured(with_step(name, rng)[1], AHEAD, rng)
    launches, crossings = standin.LAUNCHED.copy(), standin.CROSSED.copy()
    steps = 2 * AHEAD
    assert len(list(step.losses([binary(8, rng)] * steps, rng))) == steps
    sent = steps * (1 + draws) + 2
    assert standin.CROSSED - crossings == {"to the host": 2, "to the device": sent}
    assert standin.LAUNCHED - launches == {"graphs": steps, "kernels": sent + 2 * 2}


# -- what is not waited for


class Fragile(Module):
    """Learns a mean, from noisy images. The loss of a batch of zeros is not finite."""

    D = D

    def __init__(self, rng):
        self.mean = Parameter(rng.standard_normal(D))

    def checked(self, x):
        return backend.to_device(x)

    def validation_loss(self, x):
        return 0.0

    def loss(self, x, rng):
        x = self.checked(x)
        noisy = x + 0.1 * standard_normal(x.shape, x, rng=rng)
        return np.mean((noisy - self.mean) ** 2) + np.log(np.mean(x * np.exp(self.mean)))


class Noting(Descent):
    """It keeps the losses that it is told of."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.seen = []

    def noted(self, losses):
        self.seen += losses
        return super().noted(losses)


def descended(j, steps, take):
    """A model with weight decay and clipping, whose batch j is of zeros: its step, generator and error."""
    rng = np.random.default_rng(0)
    model = Fragile(rng).astype(np.float64)
    step = Noting(model, Adam(model, 0.1, weight_decay=0.1), 0.05)
    batches = [binary(8, rng) * (k != j) for k in range(steps)]
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError) as raised:
        take(step, batches, rng)
    return model, step, rng, str(raised.value)


def one_by_one(step, batches, rng):
    for batch in batches:
        step(batch, rng)


@pytest.mark.parametrize("j", [0, 1, 2, 9, AHEAD - 1, AHEAD, 2 * AHEAD + 3])
def test_after_a_step_that_fails_nothing_moves(j, device):
    """E-6: up to 15 later steps have been launched by then. Weights, states and steps of the optimizer and the
    generator are those of a training that looks at each loss, and so is the message, with the operation and the cure.

    Planted: an optimizer without its guard; steps that are counted twice; the losses of other rows; the last batch in
    the place of the one that failed; a first step whose guard is forgotten.
    """
    found = descended(j, 3 * AHEAD, lambda step, batches, rng: list(Captured(step).losses(batches, rng)))
    with backend.use("numpy"):
        expected = descended(j, 3 * AHEAD, one_by_one)
    (model, step, rng, message), (reference, its, draws, its_message) = found, expected
    assert message.split(" (")[0] == its_message.split(" (")[0]
    assert message.startswith("the loss is -inf: lower the learning rate, or clip with max_norm (np.log made")
    (adam,), (other,) = step.optimizers, its.optimizers
    assert adam.t == other.t == j
    np.testing.assert_allclose(step.seen, its.seen, rtol=1e-9)
    for array, theirs in zip([model.flat, *adam.states], [reference.flat, *other.states], strict=True):
        np.testing.assert_allclose(backend.to_numpy(array), theirs, rtol=1e-9)
    assert rng.bit_generator.state == draws.bit_generator.state


@pytest.mark.parametrize("j", [0, 1, 5])
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("bad", [0, 1])
def test_which_of_two_players_fails(bad, at_once, j, device):
    """E-6: of players in turn the first has moved when the second fails, and not again. Of players at once none has.

    Planted: an optimizer that steps before the others of its sequence are looked at.
    """

    class Players(MovingStep):
        def __init__(self, rng):
            self.players = [Fragile(rng).astype(np.float64) for _ in range(2)]
            self.model, self.optimizers = self.players[0], [SGD(self.players[0], 0.1, 0.9), Adam(self.players[1], 0.1)]

        def moves(self, x, rng):
            x = self.checked(x)
            by = lambda k: Move(self.optimizers[k], self.players[k].loss(x if k == bad else x + 1, rng), f"loss {k}")
            if at_once:
                yield by(0), by(1)
            else:
                yield (by(0),)
                yield (by(1),)

    def played(take):
        rng = np.random.default_rng(0)
        step = Players(rng)
        batches = [binary(8, rng) * (k != j) for k in range(9)]
        with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=f"the loss {bad} is -inf"):
            take(step, batches, rng)
        return [backend.to_numpy(m.flat) for m in step.players], [o.t for o in step.optimizers]

    weights, steps = played(lambda step, batches, rng: list(Captured(step).losses(batches, rng)))
    with backend.use("numpy"):
        expected, its = played(one_by_one)
    assert steps == its == [j + (bad and not at_once), j]
    np.testing.assert_allclose(weights, expected, rtol=1e-9)


@pytest.mark.parametrize("options", [{"max_norm": 0.05}, {"decay": True, "max_norm": 0.2}])
def test_rates_that_fall_and_clipping_are_those_of_numpy(options, device):
    """E-6: with weight decay.

    Planted: a gradient that is not clipped; numbers of the optimizer that are those of the step before.
    """
    found = []
    for library in ("cupy", "numpy"):
        with backend.use(library):
            rng = np.random.default_rng(0)
            model = MODELS["VAE"](rng).astype(np.float64)
            adam, x = Adam(model, 0.05, weight_decay=0.3), binary(36, rng)
            options = options | {"capture": library == "cupy"}
            history = fit(model, adam, x, x[:8], rng=rng, epochs=2, batch_size=2, keep_best=False, **options)
            assert adam.t == 2 * 18
            found.append((model, [e.train_loss for e in history.epochs]))
    assert_the_same(*found)


@pytest.mark.parametrize("options", [{"discriminator_steps": 5}, {"simultaneous": True}, {"ema_decay": 0.5}])
def test_a_game_is_that_of_numpy(options, device):
    """E-6: with its average, and the means of its losses.

    Planted: two moves of one optimizer that are planned as the same step.
    """
    found = []
    for library in ("cupy", "numpy"):
        with backend.use(library):
            rng = np.random.default_rng(0)
            model = MODELS["GAN"](rng).astype(np.float64)
            game, x = Game(model, 0.02, 0.01, **options), rng.random((90, D))
            history = fit(model, game, x, x, rng=rng, epochs=2, batch_size=5, keep_best=False,
                          measure=game.mean_losses, decay=True, capture=library == "cupy")  # fmt: skip
            found.append((model, [[e.train_loss, *e.measures.values()] for e in history.epochs]))
            assert [o.t for o in game.optimizers] == [36 * game.discriminator_steps, 36]
    assert_the_same(*found)


def test_what_is_changed_between_two_steps_holds_for_the_next(device):
    """Learning rate and number of steps: other values than those that were planned ahead."""

    def trained(wrapped):
        rng = np.random.default_rng(0)
        model = NADE(D, 3, rng=rng).astype(np.float64)
        adam = Adam(model, 0.1)
        step = wrapped(Descent(model, adam))
        for k in range(9):
            step(binary(8, rng), rng)
            if k == 4:
                adam.learning_rate = 0.01
            if k == 6:
                adam.t = 100
        return model, adam.t

    found = trained(Captured)
    with backend.use("numpy"):
        assert_the_same(found, trained(lambda step: step))


def test_ctrl_c_between_two_looks_counts_all_steps(device, usual_ctrl_c):
    """The steps that have been launched are made, and counted."""

    class Pressing(Fragile):
        draws = 0

        def loss(self, x, rng):
            return super().loss(x, rng) + drawn(self.pressed, (), x, rng=rng)

        def pressed(self, rng):
            self.draws += 1
            if self.draws == 21:
                signal.raise_signal(signal.SIGINT)
            return np.zeros(())

    def interrupted():
        rng = np.random.default_rng(0)
        model = Pressing(rng).astype(np.float64)
        adam, x = Adam(model, 0.1), binary(40, rng)
        history = fit(model, adam, x, x, rng=rng, epochs=1, batch_size=1)
        assert (history.ended, adam.t) == ("interrupted", 21)
        return model, []

    found = interrupted()
    with backend.use("numpy"):
        assert_the_same(found, interrupted())


def test_each_shape_is_run_kernel_by_kernel_once(device):
    """Not again in each epoch: only the inputs are written outside of the record."""
    if device != "standin":
        pytest.skip("only the stand-in counts")
    rng = np.random.default_rng(0)
    model, kernels = NADE(D, 3, rng=rng), []
    model.validation_loss = lambda x: kernels.append(standin.LAUNCHED["kernels"]) or 0.0
    x = binary(30, rng)
    fit(model, Adam(model), x, x, rng=rng, epochs=4, batch_size=8, capture=True, keep_best=False)
    of_epochs = np.diff(kernels)
    assert len(of_epochs) == 3
    assert of_epochs.max() < 30


# -- what cannot be


class Curious(Descent):
    """It asks for a value of each batch, which a record has not."""

    def moves(self, batch, rng):
        yield from super().moves(batch if batch.sum() >= 0 else 1 - batch, rng)


def test_a_step_that_asks_for_values_is_refused(device, rng):
    model, x = NADE(D, 3, rng=rng), binary(16, rng)
    with pytest.raises(UsageError, match=r"cannot be recorded as CUDA graphs \(.*\): leave out capture"):
        fit(model, Curious(model, Adam(model)), x, x, rng=rng, epochs=1, batch_size=8, capture=True)


def test_a_step_that_asks_for_values_is_refused_in_its_second_epoch(device, rng):
    """Each epoch has one batch: the first epoch runs it kernel by kernel."""
    model, x = NADE(D, 3, rng=rng), binary(8, rng)
    with pytest.raises(UsageError, match="cannot be recorded as CUDA graphs"):
        fit(model, Curious(model, Adam(model)), x, x, rng=rng, epochs=2, batch_size=8, capture=True)


def test_a_step_that_cannot_be_recorded_runs_as_written_and_one_line_says_why(device, capsys):
    """It is tried on copies: the training is the same as without the trial, noise and all."""
    found = []
    for capture in (None, False):
        rng = np.random.default_rng(0)
        model = MODELS["VAE"](rng).astype(np.float64)
        step, x = Curious(model, Adam(model)), binary(30, rng)
        history = fit(model, step, x, x[:8], rng=rng, epochs=2, batch_size=8, capture=capture)
        found.append((model, [e.train_loss for e in history.epochs]))
        (said,) = capsys.readouterr().err.splitlines() or [""]
        assert said.startswith("the training steps run as written") == (capture is None)
    assert found[0][1] == found[1][1]
    np.testing.assert_array_equal(*(backend.to_numpy(model.flat) for model, _ in found))


class Awake(Curious):
    """It asks for values from an epoch on, or of batches of some length."""

    when = staticmethod(lambda x: False)

    def moves(self, batch, rng):
        yield from super().moves(batch, rng) if self.when(batch) else Descent.moves(self, batch, rng)


@pytest.mark.parametrize("what", ["an epoch", "a shape"])
def test_what_cannot_be_recorded_later_on_runs_as_written_from_then_on(what, device, capsys):
    """The second epoch, or the second shape of the first epoch. Nothing is lost or done twice."""
    found = []
    for capture in (None, False):
        rng = np.random.default_rng(0)
        model = MODELS["VAE"](rng).astype(np.float64)
        adam, x = Adam(model, 0.01), binary(60, rng)
        step = Awake(model, adam)
        if what == "a shape":
            step.when = lambda x: len(x) == 7

        def before_epoch(number, step=step):
            if what == "an epoch" and number == 2:
                step.when = lambda x: True

        history = fit(model, step, x, x[:8], rng=rng, epochs=3, batch_size=8, capture=capture, keep_best=False,
                      before_epoch=before_epoch)  # fmt: skip
        found.append((model, [e.train_loss for e in history.epochs]))
        assert adam.t == 3 * 8
        (said,) = capsys.readouterr().err.splitlines() or [""]
        assert said.startswith("the training steps run as written") == (capture is None)
    assert_the_same(*found)


@pytest.mark.parametrize("steps", [(1, 2, 3), (3, 2, 1)])
def test_other_moves_of_another_epoch_are_recorded(steps, device, capsys):
    """The discriminator takes more or fewer steps in each epoch."""
    found = []
    for library in ("cupy", "numpy"):
        with backend.use(library):
            rng = np.random.default_rng(0)
            model = MODELS["GAN"](rng).astype(np.float64)
            game, x = Game(model, 0.02, 0.01), rng.random((40, D))
            more = lambda number, game=game: setattr(game, "discriminator_steps", steps[number - 1])
            history = fit(model, game, x, x, rng=rng, epochs=3, batch_size=8, keep_best=False, before_epoch=more)
            found.append((model, [e.train_loss for e in history.epochs]))
    assert_the_same(*found)
    assert capsys.readouterr().err == ""


class Own(Descent):
    def __call__(self, batch, rng):
        return 2 * super().__call__(batch, rng)


class Stepping(SGD):
    def step(self):
        super().step()


@pytest.mark.parametrize(
    ("step", "optimizer", "why"),
    [
        (Own, SGD, "Own has a `__call__` of its own"),
        (Descent, Stepping, "its optimizer Stepping has a `step` of its own"),
    ],
)
def test_a_step_or_an_optimizer_with_code_of_its_own_runs_as_written(step, optimizer, why, device, capsys, rng):
    """A record would pass this code by."""
    model, x = NADE(D, 3, rng=rng), binary(16, rng)
    fit(model, step(model, optimizer(model, 0.1)), x, x, rng=rng, epochs=1, batch_size=8)
    assert why in capsys.readouterr().err
    with pytest.raises(UsageError, match=why):
        fit(model, step(model, optimizer(model, 0.1)), x, x, rng=rng, epochs=1, batch_size=8, capture=True)


def test_a_step_that_cannot_be_copied_runs_as_written(device, capsys, rng):
    """It cannot be tried first."""
    model, x = NADE(D, 3, rng=rng), binary(16, rng)
    step = Descent(model, Adam(model))
    step.images = (image for image in x)
    fit(model, step, x, x, rng=rng, epochs=1, batch_size=8)
    assert capsys.readouterr().err.startswith("the training steps run as written")
    assert step.optimizers[0].t == 2


def test_a_function_runs_as_written(device, capsys, rng):
    model, x = NADE(D, 3, rng=rng), binary(8, rng)
    fit(model, lambda batch, rng: 0.0, x, x, rng=rng, epochs=1)
    assert capsys.readouterr().err.count("the step is no MovingStep\n") == 1


def test_capture_can_be_turned_off(device):
    launches = standin.LAUNCHED["graphs"]
    trained("NADE", capture=False)
    assert standin.LAUNCHED["graphs"] == launches


def test_a_resumed_run_is_the_run_that_was_not_stopped(device, tmp_path):
    """Bit for bit: the resumed run takes a step kernel by kernel where the other launches a record."""

    def run(epochs, folder, resume=False):
        rng = np.random.default_rng(0)
        model, step = with_step("GAN, spectral normalisation", rng)
        x, checkpoint = binary(30, rng), Checkpoints(folder, resume)
        fit(model, step, x, x[:8], rng=rng, epochs=epochs, batch_size=8, keep_best=False, checkpoint=checkpoint)
        return backend.to_numpy(model.flat)

    whole = run(4, tmp_path / "whole")
    run(2, tmp_path / "parts")
    np.testing.assert_array_equal(run(4, tmp_path / "parts", resume=True), whole)


class Restless(Module):
    """Learns a mean, and puts a new array in the place of one that it holds."""

    D = D

    def __init__(self):
        self.mean, self.seen = Parameter(np.zeros(D)), backend.to_device(np.zeros(D))

    def checked(self, x):
        return backend.to_device(x)

    def loss(self, x, rng):
        self.seen = self.seen + x.sum(axis=0)
        return np.mean((x - self.mean) ** 2)


def test_a_step_that_draws_something_else_is_refused(device, rng):
    model, shapes = NADE(D, 3, rng=rng).astype(np.float64), iter([(8, 1), (1, D)])

    class Fickle(Descent):
        def moves(self, batch, rng):
            yield from super().moves(batch * (rng.random(next(shapes)) < 0.5), rng)

    step = captured(Fickle(model, SGD(model, 0.1)), 1, rng)
    with pytest.raises(UsageError, match="it draws other numbers than in its first step"):
        step(binary(8, rng), rng)


@pytest.mark.parametrize(
    ("a", "b"),
    [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (3, 4))],
)
def test_the_product_of_a_recording_is_matmul(a, b, device, rng):
    a, b = rng.standard_normal(a), rng.standard_normal(b)
    there = backend.to_device(a), backend.to_device(b)
    recorder = cuda.Recorder()
    found = recorder.rehearse(lambda: np.matmul(*there))
    np.testing.assert_allclose(backend.to_numpy(found), np.matmul(a, b), rtol=1e-13)
    if b.ndim < 3:
        found = recorder.rehearse(lambda: np.dot(*there))
        np.testing.assert_allclose(backend.to_numpy(found), np.dot(a, b), rtol=1e-13)
    else:
        with pytest.raises(RuntimeError, match=r"np.dot of stacks of matrices is not np.matmul"):
            recorder.rehearse(lambda: np.dot(*there))


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 3), (7, 2)])
def test_the_elimination_of_a_recording_is_solve(n, k, device, rng):
    A, b = rng.standard_normal((5, n, n)), rng.standard_normal((5, n, k))
    A[0, :, 0] = [*[0] * (n - 1), 1e-9]  # the first pivot is the last row's
    A[1] = np.tril(A[1])
    found = cuda.Recorder().rehearse(lambda: np.linalg.solve(backend.to_device(A), backend.to_device(b)))
    np.testing.assert_allclose(A @ backend.to_numpy(found), b, atol=1e-12 * np.abs(backend.to_numpy(found)).max())


def test_a_recording_sends_nothing_to_the_device(device):
    """Each launch would send the same values. After the refusal arrays may be sent again."""
    recorder = cuda.Recorder()
    message = "it sends an array to the device, and each launch of the graph would send the same values"
    with pytest.raises(RuntimeError, match=f"^{message}$"):
        recorder.record(lambda: backend.to_device(np.ones(2)))
    there = backend.to_device(np.ones(2))
    recorder.record(lambda: backend.to_device(there))
    assert backend.to_numpy(backend.to_device(np.ones(2))).tolist() == [1, 1]


def test_arrays_that_are_replaced_are_refused(device, rng):
    model = Restless().astype(np.float64)
    step = captured(Descent(model, SGD(model, 0.1)), 1, rng)
    with pytest.raises(UsageError, match="it puts new arrays in the place of those that its modules hold"):
        step(binary(8, rng), rng)


def test_on_the_host_there_is_nothing_to_capture(rng):
    model, x = NADE(D, 3, rng=rng), binary(8, rng)
    with pytest.raises(UsageError, match="this model is on the host"):
        fit(model, Adam(model), x, x, rng=rng, epochs=1, capture=True)


def test_a_step_without_moves_is_refused(device, rng):
    model, x = NADE(D, 3, rng=rng), binary(8, rng)
    with pytest.raises(ValueError, match="make it a MovingStep, or leave out capture"):
        fit(model, lambda batch, rng: 0.0, x, x, rng=rng, epochs=1, capture=True)


# -- what is refused as ever


@pytest.mark.parametrize("at", [1, 2, 3])
def test_each_batch_is_looked_at(at, device, rng):
    """The one that is taken as written, the one that is recorded, and one that is repeated."""
    step = captured(with_step("NADE", rng)[1], at - 1, rng)
    with pytest.raises(ValueError, match="binarise"):
        step(2 * np.ones((8, D)), rng)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_loss_that_is_not_finite_moves_nothing_and_its_cause_is_named(at, device, rng):
    model, step = with_step("VAE", rng)
    step = captured(step, at - 1, rng)
    model.encoder.head.bias.data[2:] = 2000.0  # σ = e¹⁰⁰⁰ is beyond float64
    before = backend.to_numpy(model.flat)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=r"lower the learning rate.*np.exp made"):
        step(binary(8, rng), rng)
    np.testing.assert_array_equal(backend.to_numpy(model.flat), before)


def test_a_batch_that_is_on_the_device_stays_what_it_was(device, rng):
    step = captured(with_step("VAE", rng)[1], 0, rng)
    batches = [binary(8, rng) for _ in range(3)]
    there = [backend.to_device(batch) for batch in batches]
    for batch in there:
        step(batch, rng)
    for batch, array in zip(batches, there, strict=True):
        np.testing.assert_array_equal(backend.to_numpy(array), batch)
