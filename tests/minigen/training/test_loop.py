"""The training loop: what it keeps, when it stops, and that it repeats."""

import csv
import re
import signal
import sys
import threading

import numpy as np
import pytest

from autograd import Tensor, grad, no_grad
from minigen.model import ExplicitModel, log_probs
from minigen.nade import NADE
from minigen.nn.module import evaluating
from minigen.nn.normalisation import BatchNorm
from minigen.table import IndependentBernoulli
from minigen.training.interrupts import Interrupts
from minigen.training.loop import fit
from minigen.training.optim import SGD, Adam
from minigen.training.parallel import team
from minigen.training.steps import Descent, plain_step
from minigen.vae import bernoulli_vae
from tests.attacks.ctrl_c import attack
from tests.minigen.models import minimise


@pytest.fixture
def images(rng):
    return (rng.random((60, 5)) < [0.1, 0.3, 0.5, 0.7, 0.9]).astype(np.float32)


def train(images, validation=None, *, learning_rate=0.3, seed=0, model=None, **options):
    model = model or IndependentBernoulli(images.shape[1])
    options = {"epochs": 30, "batch_size": 20, "progress": False} | options
    rng = np.random.default_rng(seed)
    validation = images if validation is None else validation
    return model, fit(model, Adam(model, learning_rate), images, validation, rng=rng, **options)


def test_training_finds_the_maximum_likelihood(images):
    """I-4: gradient training and the closed form agree."""
    model, _ = train(images, batch_size=60, epochs=300, learning_rate=0.1)
    closed = IndependentBernoulli(5).fit(images, smoothing=0)
    np.testing.assert_allclose(model.logits.data, closed.logits.data, atol=1e-3)
    assert abs(grad(model.nll(images), model.logits).data).max() < 1e-4


def test_what_descends_is_the_loss_and_it_draws_from_the_generator_of_the_run(images):
    """A loss that is not `nll`, such as EoNADE's, and that is random."""
    drawn = []

    class Halved(IndependentBernoulli):
        def loss(self, x, rng):
            drawn.append(rng.random())
            return self.nll(x) / 2

    _, plain = train(images, epochs=1, batch_size=60)
    _, halved = train(images, epochs=1, batch_size=60, model=Halved(5))
    assert halved.epochs[0].train_loss == pytest.approx(plain.epochs[0].train_loss / 2, rel=1e-6)
    rng = np.random.default_rng(0)
    rng.permutation(images)
    assert drawn == [rng.random()]


def test_the_best_weights_on_validation_are_kept(images):
    """Validation images are the opposite of the training ones, so training makes them less likely."""
    model, history = train(images, validation=1 - images, epochs=10)
    nll = [e.validation_loss for e in history.epochs]
    assert history.best is history.epochs[0]
    assert nll[-1] > nll[0] + 1
    assert -log_probs(model, 1 - images).mean() == pytest.approx(nll[0], rel=1e-6)


@pytest.mark.parametrize("where", ["train", "validation"])
def test_images_that_the_model_refuses_leave_it_untrained(images, where):
    """However late in the first epoch they come."""
    broken = images.copy()
    broken[-1, 0] = np.nan
    model = IndependentBernoulli(5)
    model.flat[...] = before = np.arange(5.0)
    with pytest.raises(ValueError, match="finite numbers, got nan"):
        train(broken if where == "train" else images, broken, model=model, batch_size=1)
    np.testing.assert_array_equal(model.flat, before)


def test_it_stops_when_patience_runs_out(images):
    _, history = train(images, validation=1 - images, epochs=100, patience=4)
    assert len(history.epochs) == 5
    assert history.ended == "no better validation in 4 epochs"


def test_the_same_seed_gives_the_same_weights_bit_for_bit(images):
    first, second, other = (train(images, seed=s)[0].flat for s in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_each_epoch_may_make_its_own_images(images):
    sizes = []

    def epoch_images(rng):
        sizes.append(len(images))
        return images[rng.integers(0, len(images), len(images))]

    model = IndependentBernoulli(5)
    rng = np.random.default_rng(0)
    fit(model, Adam(model), epoch_images, images, rng=rng, epochs=3, progress=False)
    assert sizes == [60, 60, 60]


def test_the_gradient_is_clipped(images):
    """One step of plain descent from zero moves by at most learning rate × norm."""
    model = IndependentBernoulli(5)
    rng = np.random.default_rng(0)
    fit(model, SGD(model, 1.0), images, images, rng=rng, epochs=1, batch_size=60, max_norm=0.01, progress=False)
    assert np.linalg.norm(model.flat) == pytest.approx(0.01, rel=1e-5)


class Interrupted(IndependentBernoulli):
    """Ctrl-C arrives during the fourth loss."""

    calls = 0

    def nll(self, x):
        self.calls += 1
        if self.calls == 4:
            raise KeyboardInterrupt
        return super().nll(x)


def test_ctrl_c_keeps_what_was_trained(images):
    model, history = train(images, model=Interrupted(5), batch_size=60)
    assert history.ended == "interrupted"
    assert len(history.epochs) == 3
    assert -log_probs(model, images).mean() == pytest.approx(history.best.validation_loss, rel=1e-6)
    assert model.flat.any()


def test_ctrl_c_in_the_first_epoch_keeps_the_steps_already_made(images):
    model, history = train(images, model=Interrupted(5), batch_size=5)
    assert (history.ended, history.epochs) == ("interrupted", [])
    assert model.flat.any()


class Diverging(IndependentBernoulli):
    def nll(self, x):
        return super().nll(x) * np.inf


def test_a_loss_that_is_not_finite_names_the_cure(images):
    with pytest.raises(FloatingPointError, match="the loss is inf: lower the learning rate"):
        train(images, model=Diverging(5))


def test_an_empty_training_set_is_refused():
    images, nothing = np.ones((3, 5), np.float32), np.empty((0, 5), np.float32)
    with pytest.raises(ValueError, match="no training images"):
        train(nothing, validation=images)
    with pytest.raises(ValueError, match="no validation images"):
        train(images, validation=nothing)


def test_log_probs_are_the_same_in_blocks(images):
    model, _ = train(images)
    model.block = 7
    np.testing.assert_allclose(log_probs(model, images), model.log_prob(images).data, rtol=1e-6)


def test_the_history_is_saved_as_csv(images, tmp_path):
    _, history = train(images, epochs=3)
    history.save(tmp_path / "metrics.csv")
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(r["epoch"]) for r in rows] == [1, 2, 3]
    assert [float(r["validation_loss"]) for r in rows] == [e.validation_loss for e in history.epochs]


def test_the_progress_bar_shows_the_losses_and_the_speed_on_a_terminal(images, capsys, monkeypatch):
    train(images, epochs=3, progress=True)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    train(images, epochs=3, progress=True)
    shown = capsys.readouterr().err
    assert "loss" in shown
    assert "samples/s" in shown
    train(images, epochs=3, progress=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("method", [lambda m: m.log_prob(np.zeros((1, 1))), lambda m: m.sample(1)])
def test_an_explicit_model_must_define_its_density_and_sampler(method):
    with pytest.raises(NotImplementedError):
        method(ExplicitModel())


def test_the_learning_rate_falls_linearly_and_is_put_back(images):
    seen = []

    class Watching(SGD):
        def step(self):
            seen.append(self.learning_rate)
            super().step()

    model = IndependentBernoulli(5)
    optimizer = Watching(model, 0.4)
    rng = np.random.default_rng(0)
    fit(model, optimizer, images, images, rng=rng, epochs=4, batch_size=60, decay=True, progress=False)
    np.testing.assert_allclose(seen, [0.4, 0.3, 0.2, 0.1])
    assert optimizer.learning_rate == 0.4


class DivergingLater(IndependentBernoulli):
    """The third loss is infinite."""

    calls = 0

    def nll(self, x):
        self.calls += 1
        return super().nll(x) * (np.inf if self.calls == 3 else 1)


def test_the_best_weights_are_kept_when_training_diverges(images):
    once, _ = train(images, model=IndependentBernoulli(5), validation=1 - images, epochs=1, batch_size=60)
    model = DivergingLater(5)
    with pytest.raises(FloatingPointError):
        train(images, model=model, validation=1 - images, batch_size=60)
    np.testing.assert_array_equal(model.flat, once.flat)


def test_a_validation_loss_that_is_not_finite_is_never_the_best(images):
    model = IndependentBernoulli(5)
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="the validation loss is"):
        fit(model, SGD(model, 1e39), images, images, rng=rng, epochs=1, batch_size=60, progress=False)


def test_the_training_loss_weighs_every_image_alike(images):
    """Batches of 22, 22 and 21: at learning rate 0 the mean over batches is the mean over images."""
    images = np.concatenate([images, np.ones((5, 5), np.float32)])
    model = IndependentBernoulli(5)
    model.logits.data[...] = [3, -3, 3, -3, 3]
    expected = model.nll(images).item()
    rng = np.random.default_rng(0)
    history = fit(model, SGD(model, 1e-30), images, images, rng=rng, epochs=1, batch_size=22, progress=False)
    assert history.epochs[0].train_loss == pytest.approx(expected, rel=1e-6)


def test_evaluation_records_nothing(images):
    recorded = []

    class Noting(IndependentBernoulli):
        def log_prob(self, x):
            y = super().log_prob(x)
            recorded.append(y.requires_grad)
            return y

    log_probs(Noting(5), images)
    assert recorded == [False]


# -- what a loss that is not finite leaves behind


class Exploding(IndependentBernoulli):
    """Its loss overflows from the third call on."""

    calls = 0

    def nll(self, x):
        self.calls += 1
        return super().nll(x) + (np.exp(self.logits.sum() * 0 + 1000) if self.calls >= 3 else 0)


class Kinked(IndependentBernoulli):
    """Its loss is finite, but from the third call on its gradient divides by zero: the root of 0."""

    calls = 0

    def nll(self, x):
        self.calls += 1
        return super().nll(x) + (np.sqrt(np.sum(self.logits * 0)) if self.calls >= 3 else 0)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Exploding, r"the loss is inf: lower .* max_norm \(np.exp made a NaN or an infinity from finite .*nll"),
        (Kinked, r"the gradient of the loss is not finite: lower .* \(the derivative of np.sqrt .* called at .*nll"),
    ],
)
@pytest.mark.parametrize("max_norm", [None, 1.0])
def test_what_made_the_loss_or_its_gradient_infinite_is_named_and_the_last_good_weights_stay(
    images, broken, message, max_norm
):
    """In the third step: the weights are those of the second epoch, as if training had ended there."""
    options = {"batch_size": 60, "max_norm": max_norm}
    good, _ = train(images, epochs=2, **options)
    model = broken(5)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=message):
        train(images, epochs=9, model=model, **options)
    assert np.isfinite(model.flat).all()
    np.testing.assert_array_equal(model.flat, good.flat)


def test_in_the_first_epoch_the_weights_are_those_before_it(images):
    """Two steps of the first epoch were good, but no validation says so."""
    model = Kinked(5)
    model.flat[...] = before = np.arange(5.0)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="gradient of the loss"):
        train(images, model=model, batch_size=5)
    np.testing.assert_array_equal(model.flat, before)


def test_a_vae_whose_variance_overflows_says_where(images, rng):
    """The search for the culprit draws the noise of the step that failed, and no more."""
    model = bernoulli_vae(5, (4,), 2, rng=rng)
    model.encoder.head.bias.data[2:] = 200.0  # σ = e¹⁰⁰ is beyond float32
    generator = np.random.default_rng(0)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=r"np.exp made .* in sample"):
        Descent(model, SGD(model, 0.1))(images, generator)
    expected = np.random.default_rng(0)
    expected.standard_normal((1, 60, 2))
    assert generator.random() == expected.random()


def test_weights_that_were_not_finite_are_told_from_a_step_that_made_them_so(images):
    model = IndependentBernoulli(5)
    model.flat[0] = np.nan
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="its weights were not finite before"):
        train(images, model=model)


# -- what is called around the epochs


def test_before_each_epoch_its_number_is_announced(images):
    """Before its first step: what is set there holds for the epoch."""
    model, events = IndependentBernoulli(5), []

    class Noting(SGD):
        def step(self):
            events.append("step")
            super().step()

    rng = np.random.default_rng(0)
    options = {"epochs": 3, "batch_size": 60, "progress": False}
    fit(model, Noting(model, 0.1), images, images, rng=rng, before_epoch=events.append, **options)
    assert events == [1, "step", 2, "step", 3, "step"]


def test_measures_are_taken_after_each_epoch_and_are_columns_of_the_csv(images, tmp_path):
    model = IndependentBernoulli(5)
    measure = lambda: {"norm": float(np.linalg.norm(model.flat)), "largest": float(model.flat.max())}
    _, history = train(images, model=model, epochs=3, measure=measure)
    assert history.epochs[-1].measures == measure()
    history.save(tmp_path / "metrics.csv")
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "train_loss", "validation_loss", "seconds", "norm", "largest"]
    assert [float(r["norm"]) for r in rows] == [e.measures["norm"] for e in history.epochs]


def test_the_last_weights_are_kept_where_the_validation_is_no_judge(images):
    """Validation images are the opposite of the training ones; as `best` the history has the epoch that was kept."""
    model, history = train(images, validation=1 - images, epochs=5, keep_best=False)
    assert history.best is history.epochs[-1]
    assert -log_probs(model, 1 - images).mean() == pytest.approx(history.epochs[-1].validation_loss, rel=1e-6)
    assert history.epochs[-1].validation_loss > history.epochs[0].validation_loss


class OwnStep:
    """Two optimizers of one model, turn and turn about."""

    def __init__(self, model):
        self.model, self.rates = model, []
        self.optimizers = [SGD(model, 0.4), SGD(model, 0.2)]

    def __call__(self, batch, rng):
        self.rates.append(tuple(o.learning_rate for o in self.optimizers))
        return minimise(self.optimizers[len(self.rates) % 2], self.model.nll(batch))


def test_a_step_of_ones_own_descends_as_it_likes_and_its_rates_fall(images):
    """What it returns is the loss of the epoch; a bare function will do as well."""
    model = IndependentBernoulli(5)
    step = OwnStep(model)
    options = {"rng": np.random.default_rng(0), "epochs": 2, "batch_size": 30, "decay": True, "progress": False}
    first = model.nll(images).item()
    history = fit(model, step, images, images, **options)
    assert step.rates == [(0.4, 0.2), (0.4, 0.2), (0.2, 0.1), (0.2, 0.1)]
    assert [o.learning_rate for o in step.optimizers] == [0.4, 0.2]
    assert history.epochs[1].train_loss < history.epochs[0].train_loss < first + 1e-6
    history = fit(model, lambda batch, rng: 7.0, images, images, **options)
    assert [e.train_loss for e in history.epochs] == [7, 7]


def test_patience_without_keeping_the_best_is_refused(images):
    with pytest.raises(ValueError, match="patience waits for a better validation loss"):
        train(images, patience=3, keep_best=False)


def test_a_measure_may_begin_later(images, tmp_path):
    found = iter([{}, {"late": 1.0}, {"late": 2.0}])
    _, history = train(images, epochs=3, measure=lambda: next(found))
    history.save(tmp_path / "metrics.csv")
    with open(tmp_path / "metrics.csv", newline="") as file:
        assert [row["late"] for row in csv.DictReader(file)] == ["", "1.0", "2.0"]


def test_a_step_of_ones_own_clips_its_own_gradient(images):
    model = IndependentBernoulli(5)
    with pytest.raises(ValueError, match="max_norm goes with an optimizer"):
        fit(model, lambda x, rng: 0.0, images, images, rng=np.random.default_rng(0), epochs=1, max_norm=1)


# -- what a model holds that is not learned by descent


class Normalised(IndependentBernoulli):
    """It looks at its images through batch normalisation, which remembers them. From call `broken` on it diverges."""

    calls, broken = 0, np.inf

    def __init__(self, D):
        super().__init__(D)
        self.norm = BatchNorm(D)

    def loss(self, x, rng):
        self.calls += 1
        total = self.nll(x) + np.mean(self.norm(x) ** 2)
        return total * (np.inf if self.calls >= self.broken else 1)

    def validation_loss(self, images):
        with evaluating(self):
            return super().validation_loss(images)


def test_statistics_of_batches_belong_to_the_weights_that_are_kept(images):
    """Those after the first epoch, the best on validation, and not the ones after the tenth."""
    options = {"validation": 1 - images, "batch_size": 20, "keep_best": True}
    once, _ = train(images, model=Normalised(5), epochs=1, **options)
    model, history = train(images, model=Normalised(5), epochs=10, **options)
    assert history.best is history.epochs[0]
    assert set(model.arrays()) == {"logits", *(f"norm.{name}" for name in ("scale", "shift", "mean", "var"))}
    for name, array in model.arrays().items():
        np.testing.assert_array_equal(array, once.arrays()[name])
    assert model.norm.mean.any()


@pytest.mark.parametrize(("broken", "epochs"), [(2, 0), (6, 1)])
def test_statistics_of_batches_are_put_back_when_training_diverges(images, broken, epochs):
    """In the second step of an epoch of three: they are those before it, in the first epoch those it came with."""
    good, _ = train(images, model=Normalised(5), epochs=epochs)
    model = Normalised(5)
    model.broken = broken
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="the loss is inf"):
        train(images, model=model, epochs=9)
    for name, array in model.arrays().items():
        np.testing.assert_array_equal(array, good.arrays()[name])
    assert model.norm.training


def test_fit_takes_the_plain_step_with_each_batch(rng):
    """The four lines of `plain_step`, and what `fit` does: the same weights, bit for bit."""
    images = (rng.random((50, 6)) < 0.4).astype(np.float32)
    models = [NADE(6, 4, rng=np.random.default_rng(1)) for _ in range(2)]
    optimizers = [Adam(model, 0.01) for model in models]
    fit(
        models[0], optimizers[0], images, images, rng=np.random.default_rng(2), epochs=3, batch_size=20,
        keep_best=False, progress=False,
    )  # fmt: skip
    draws = np.random.default_rng(2)
    for _ in range(3):
        for batch in np.array_split(draws.permutation(images), 3):
            plain_step(models[1], optimizers[1], batch, rng=draws)
    for name, weights in models[0].arrays().items():
        np.testing.assert_array_equal(weights, models[1].arrays()[name])


# -- arrays that belong together


class Told(IndependentBernoulli):
    """It takes images and labels; each pixel has a logit a class, and its labels are counted."""

    def __init__(self, D):
        super().__init__(D)
        self.seen = []

    def loss(self, batch, rng):
        x, labels = batch
        self.seen.append(batch)
        return self.nll(x[labels == 1])

    def validation_loss(self, validation):
        return super().validation_loss(validation[0][validation[1] == 1])


def test_arrays_of_a_tuple_are_shuffled_and_cut_together(images):
    """In the order of the images alone, from the same seed; a function of an epoch may return a tuple too."""
    data, orders = (images, images[:, 0].astype(int), np.arange(60)), []
    for train_on in (images, data, lambda rng: data):
        met = []
        step = lambda batch, rng, met=met: met.append(batch) or 0.0
        rng = np.random.default_rng(5)
        model = IndependentBernoulli(5)
        fit(model, step, train_on, images, rng=rng, epochs=2, batch_size=25, keep_best=False, progress=False)
        if train_on is images:
            alone = np.concatenate(met)
            continue
        assert [tuple(map(len, batch)) for batch in met] == [(20, 20, 20)] * 6
        x, labels, rows = (np.concatenate(parts) for parts in zip(*met, strict=True))
        np.testing.assert_array_equal(x, alone)
        np.testing.assert_array_equal(x, images[rows])
        np.testing.assert_array_equal(labels, x[:, 0])
        np.testing.assert_array_equal(np.sort(rows[:60]), np.arange(60))
        orders.append(rows)
    np.testing.assert_array_equal(*orders)
    assert (orders[0][:60] != orders[0][60:]).any()


def test_without_shuffling_batches_follow_each_other_in_every_epoch_and_are_whole_on_every_process(monkeypatch):
    """And nothing is drawn for their order. A process shares the rows of a shuffled batch alone."""
    rows, met = np.arange(60.0)[:, None], []
    monkeypatch.setattr(team(), "share", lambda batch: batch[:1])
    step = lambda batch, rng: met.append(batch) or 0.0
    for shuffle in (True, False):
        rng = np.random.default_rng(5)
        fit(IndependentBernoulli(1), step, rows, rows % 2, rng=rng, epochs=2, batch_size=25, keep_best=False,
            shuffle=shuffle, progress=False)  # fmt: skip
    assert [len(batch) for batch in met] == [1] * 6 + [20] * 6
    np.testing.assert_array_equal(np.concatenate(met[6:]), np.concatenate([rows, rows]))
    assert rng.random() == np.random.default_rng(5).random()


def test_a_model_that_takes_labels_learns_from_them(images):
    """Of images with label 1 alone, whose best logits are known; the plain step takes the same batches."""
    labels = (np.arange(60) % 3 == 0).astype(int)
    model, data = Told(5), (images, labels)
    options = {"rng": np.random.default_rng(0), "epochs": 300, "batch_size": 60, "progress": False}
    history = fit(model, Adam(model, 0.1), data, data, **options)
    closed = IndependentBernoulli(5).fit(images[labels == 1], smoothing=0)
    np.testing.assert_allclose(model.logits.data, np.clip(closed.logits.data, -9, 9), atol=0.05)
    assert history.best.validation_loss == model.validation_loss(data)
    plain, descended = Told(5), Told(5)
    plain_step(plain, SGD(plain, 0.1), data)
    Descent(descended, SGD(descended, 0.1))(data, np.random.default_rng(0))
    np.testing.assert_array_equal(plain.flat, descended.flat)
    assert plain.flat.any()


def test_a_model_that_takes_no_labels_says_so(images):
    with pytest.raises(ValueError, match="IndependentBernoulli takes images only, got a tuple of 2 unlike arrays"):
        train((images, np.zeros(60, int)), images, model=IndependentBernoulli(5))


@pytest.mark.parametrize("where", ["train", "made anew", "validation"])
def test_arrays_of_unequal_length_are_refused(images, where):
    broken, data = (images, np.zeros(59, int)), (images, np.zeros(60, int))
    model = Told(5)
    train_on = {"train": broken, "made anew": lambda rng: broken}.get(where, data)
    validation = broken if where == "validation" else data
    with pytest.raises(ValueError, match=r"one row for each image, got lengths \[60, 59\]"):
        fit(model, Adam(model), train_on, validation, rng=np.random.default_rng(0), epochs=1, progress=False)
    assert model.seen == []


# -- arguments out of range

NAN = float("nan")


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("epochs", [-1, 2.0, NAN, True, None, "3"]),
        ("batch_size", [0, -5, 20.0, NAN, True, None]),
        ("patience", [0, -1, 2.0, NAN, False]),
        ("max_norm", [0, -1.0, NAN, np.inf, True, "1"]),
    ],
)
def test_a_number_that_means_nothing_is_refused_before_anything_is_trained(images, option, values):
    for value in values:
        model = IndependentBernoulli(5)
        with pytest.raises(ValueError, match=rf"{option} must be a .*number .*, got {re.escape(repr(value))}$"):
            train(images, model=model, **{option: value})
        assert not model.flat.any()
    _, history = train(images, **{"epochs": np.int64(2), "batch_size": np.int64(30), "max_norm": np.float32(1)})
    assert len(history.epochs) == 2


# -- Ctrl-C, as the system sends it


def pressing(when):
    """A model and the batches that it has learned from; Ctrl-C is pressed during those whose numbers are in `when`."""
    learned = []

    class Pressing(IndependentBernoulli):
        def loss(self, x, rng):
            learned.append(len(x))
            for _ in range(when.count(len(learned))):
                signal.raise_signal(signal.SIGINT)
            return self.nll(x)

    return Pressing(5), learned


def test_ctrl_c_takes_effect_after_the_step_and_a_second_one_at_once(images, usual_ctrl_c):
    for when, batches in (((5,), 5), ((5, 5), 5), ((1,), 1)):
        model, learned = pressing(when)
        _, history = train(images, model=model, batch_size=20, epochs=9)
        assert (history.ended, len(learned), len(history.epochs)) == ("interrupted", batches, batches // 3)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert model.flat.any()  # of the first step, which was finished


def test_ctrl_c_waits_for_the_end_of_a_training_and_is_not_lost(images, usual_ctrl_c):
    """In the last validation; and twice while the best weights come back."""
    pressed = lambda: signal.raise_signal(signal.SIGINT) or {}
    _, history = train(images, epochs=1, measure=pressed)
    assert (history.ended, len(history.epochs)) == ("interrupted", 1)

    class Falling(SGD):
        learning_rate = property(lambda self: self.rate, lambda self, rate: self.fall(rate))

        def fall(self, rate):
            self.rate = rate
            for _ in range(2 if rate == 0.5 and hasattr(self, "t") and self.t else 0):
                signal.raise_signal(signal.SIGINT)

    model = IndependentBernoulli(5)
    optimizer = Falling(model, 0.5)
    history = fit(model, optimizer, images, 1 - images, rng=0, epochs=2, batch_size=60, decay=True, progress=False)
    assert (history.ended, optimizer.learning_rate) == ("interrupted", 0.5)
    assert -log_probs(model, 1 - images).mean() == pytest.approx(history.best.validation_loss, rel=1e-6)


def test_a_mode_that_ctrl_c_kept_from_its_end_ends_with_the_training(images):
    """Ctrl-C at the very entry of its `__exit__`; without gradients the next training would fail."""

    class Stuck(IndependentBernoulli):
        def validation_loss(self, validation):
            no_grad().__enter__()
            raise KeyboardInterrupt

    _, history = train(images, model=Stuck(5))
    assert history.ended == "interrupted"
    assert (Tensor(1.0, requires_grad=True) * 2).requires_grad


def test_an_error_while_ctrl_c_is_deferred_gives_the_signal_back(usual_ctrl_c):
    """Further signals do not disturb the end of the training."""

    def failing(interrupts):
        try:
            with interrupts.deferred():
                raise ValueError("the disk is full")
        finally:
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(ValueError, match="full"), Interrupts() as interrupts:
        failing(interrupts)
    assert interrupts.count == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_caller_and_other_threads_are_left_alone(images):
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(1))
    try:
        model, _ = pressing((2, 3))
        _, history = train(images, model=model, epochs=2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (history.ended, came) == ("all epochs done", [1, 1])
    found = []
    thread = threading.Thread(target=lambda: found.append(train(images, epochs=2)[1].ended))
    thread.start()
    thread.join()
    assert found == ["all epochs done"]


def test_wherever_ctrl_c_arrives_nothing_is_left_half_done():
    """`python -m tests.attacks.ctrl_c` presses it a thousand times."""
    seen = attack(6, seed=3)
    assert seen["interrupted"] == 6
