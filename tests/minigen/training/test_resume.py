"""A run that was stopped and resumed equals one that was not, or says in a sentence why it cannot go on."""

import functools
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigen import atomic
from minigen.analysis.classifier import Classifier
from minigen.errors import CheckpointError
from minigen.gan import Game
from minigen.training import files, lock
from minigen.training.files import read
from minigen.training.loop import fit
from minigen.training.optim import SGD, Adam, Optimizer
from minigen.training.resume import Checkpoints, Remembering, difference
from minigen.training.run import Run
from tests.attacks.fuzz_checkpoint import fuzz
from tests.attacks.kills import RUNS, finished, killed, outcome, train

LAST = {"epochs": 10}
"""Of runs in these tests, which say nothing else."""


class Killed(BaseException):
    """Nothing that the training catches."""


class Stopping(Checkpoints):
    """The checkpoint after epoch `at` is the last thing that the process does."""

    def __init__(self, folder, at, how=Killed, **options):
        super().__init__(folder, **options)
        self.at, self.how = at, how

    def save(self, run, epoch):
        super().save(run, epoch)
        if epoch == self.at:
            raise self.how


def names(folder):
    """Of all files in the folder but the lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != lock.NAME)


def stop(name, folder, at, **options):
    with pytest.raises(Killed):
        train(name, Stopping(folder, at), **LAST | options)


def resume(name, folder, **options):
    return train(name, Checkpoints(folder, resume=True), **LAST | options)


@functools.cache
def never_stopped(name):
    return outcome(*train(name, None, **LAST))


# -- it goes on bit for bit


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_goes_on_equals_one_that_was_never_stopped(name, tmp_path):
    """Stopped twice; a checkpoint changes nothing by itself."""
    stop(name, tmp_path, 3)
    with pytest.raises(Killed):
        train(name, Stopping(tmp_path, 8, resume=True), **LAST)
    assert outcome(*resume(name, tmp_path)) == never_stopped(name)


FORGETS = {
    "the states of an optimizer": ("vae", Optimizer, "load_state", lambda self, state: None),
    "how many steps Adam took": (
        "nade", Optimizer, "load_state",
        lambda self, state, whole=Optimizer.load_state: whole(self, state | {"t": self.t}),
    ),
    "the step": ("gan", Game, "load_state", lambda self, state: None),
    "the steps of a game": (
        "gan", Game, "load_state",
        lambda self, state: [o.load_state(state["optimizers"][str(k)]) for k, o in enumerate(self.optimizers)],
    ),
    **{
        part: (name, Run, "load_state", lambda self, state, part=part, whole=Run.load_state:
               whole(self, state | {part: self.state()[part]}))
        for name, part in (("aae", "step"), ("gan", "model"), ("nade", "generator"), ("vae", "best"))
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "owner", "method", "forgetful"), FORGETS.values(), ids=FORGETS)
def test_whatever_were_forgotten_would_be_noticed(name, owner, method, forgetful, tmp_path, monkeypatch):
    """What the test above is worth: it needs each part of the state."""
    stop(name, tmp_path, 5)
    monkeypatch.setattr(owner, method, forgetful)
    assert outcome(*resume(name, tmp_path)) != never_stopped(name)


class Holding(Remembering):
    """Something of every kind that can be remembered."""

    remembered, settings = ("number", "array", "parts", "grown"), ("name", "data")

    def __init__(self, name, value, keys=(), depth=1):
        self.name, self.number, self.array, self.data = name, value, np.full(3, value), np.arange(3)
        self.grown = {key: np.full(2, value) for key in keys}
        self.parts = [np.full(2, value), *(Holding(name, value, keys, depth - 1) for _ in range(depth))]


def test_what_a_class_names_is_saved_and_comes_back(tmp_path):
    """Arrays, parts and lists stay the objects that they were; a dictionary may have grown."""
    there, here = Holding("a", 2.5, keys=(0, 7)), Holding("a", 0.0)
    array, parts = here.array, here.parts
    files.write(tmp_path / "state", there.state())
    state = read(tmp_path / "state")
    assert difference(state, here.state()) == ""
    here.load_state(state)
    assert here.array is array
    assert here.parts is parts
    for one in (here, here.parts[1]):
        assert one.number == 2.5
        assert one.array.tolist() == [2.5] * 3
        assert one.parts[0].tolist() == [2.5] * 2
        assert {key: value.tolist() for key, value in one.grown.items()} == {0: [2.5, 2.5], 7: [2.5, 2.5]}
    here.grown[0][...] = 1  # a copy, and no view of the file
    here.parts[1].data = np.arange(3) + 1
    assert difference(state, here.state()).startswith('parts.1.data was "int64 (3,), SHA-256')
    assert difference(state, Holding("b", 2.5).state()) == 'name was "a" and is "b"'


def judge(labels, folder=None, stop_at=None, **options):
    """A classifier trained on images with these labels, with checkpoints in the folder where one is named."""
    rng = np.random.default_rng(0)
    x = np.random.default_rng(1).random((90, 16)).astype(np.float32)
    model = Classifier(16, (8,), 3, rng=rng)
    checkpoint = folder and (Stopping(folder, stop_at, **options) if stop_at else Checkpoints(folder, **options))
    optimizer, validation = Adam(model, 0.01), (x[:30], labels[:30])
    history = fit(model, optimizer, (x, labels), validation, rng=rng, checkpoint=checkpoint, batch_size=20, epochs=6,
                  progress=False)  # fmt: skip
    return model, optimizer, rng, history


def test_a_run_on_images_and_labels_goes_on_and_other_labels_are_refused(tmp_path):
    labels = np.arange(90) % 3
    with pytest.raises(Killed):
        judge(labels, tmp_path, stop_at=3)
    assert len(read(Checkpoints(tmp_path).paths()[0])["settings"]["training images"]) == 2
    for others, what in ((np.roll(labels, 1), "training"), (labels.astype(np.int32), "training")):
        with pytest.raises(CheckpointError, match=f"is of another run, {what} images was .*float32 .90, 16., SHA"):
            judge(others, tmp_path, resume=True)
    assert outcome(*judge(labels, tmp_path, resume=True)) == outcome(*judge(labels))


def test_sums_that_nobody_has_asked_for_yet_go_on(tmp_path):
    stop("gan", tmp_path, 3, measure=None)
    ours, theirs = resume("gan", tmp_path, measure=None), train("gan", None, measure=None, **LAST)
    assert ours[1].mean_losses.summed["generator"] > 0
    assert outcome(*ours) == outcome(*theirs)


def test_a_learning_rate_that_the_caller_lowers_goes_on(tmp_path):
    """From what it was, not from where it began; and it is lowered at all."""
    steps = []

    def lower(number):
        steps[-1].learning_rate *= 0.7

    options = {"before_epoch": lower, "prepared": lambda model, step: steps.append(step)}
    stop("vae", tmp_path, 4, **options)
    lowered = outcome(*train("vae", None, **LAST | options))
    assert outcome(*resume("vae", tmp_path, **options)) == lowered
    assert outcome(*train("vae", None, **LAST | {"before_epoch": None})) != lowered


@pytest.mark.parametrize(
    ("part", "value"),
    [("best", 99), ("epochs", [5]), ("epochs", [{"epoch": "one"}]), ("generator", {"bit_generator": "MT19937"})],
)
def test_a_checkpoint_that_fits_and_means_nothing_is_refused(part, value, tmp_path):
    stop("nade", tmp_path, 1)
    path = Checkpoints(tmp_path).paths()[0]
    state = read(path)
    state[part] = state[part] | value if isinstance(value, dict) else value
    files.write(path, state)
    with pytest.raises(CheckpointError, match=r"does not hold a run: .*; name another folder"):
        resume("nade", tmp_path)


def test_the_best_weights_so_far_go_on_too(tmp_path):
    """Epochs after the fifth make it worse: what is kept is of the time before the run was stopped."""

    def worse_later(model, step):
        good = model.validation_loss
        model.validation_loss = lambda images: good(images) + 100 * (step.t > 5 * 8)

    stop("nade", tmp_path, 8, prepared=worse_later)
    ours, theirs = (train("nade", c, prepared=worse_later, **LAST) for c in (Checkpoints(tmp_path, True), None))
    assert ours[3].best.epoch <= 5
    assert outcome(*ours) == outcome(*theirs)


def test_ctrl_c_leaves_the_last_checkpoint(tmp_path):
    """In the middle of an epoch: this one is begun again."""

    def interrupt(model, step):
        once, calls = model.loss, []

        def loss(x, rng):
            calls.append(1)
            if len(calls) == 8 * 4 + 3:
                raise KeyboardInterrupt
            return once(x, rng=rng)

        model.loss = loss

    *_, history = train("nade", Checkpoints(tmp_path), prepared=interrupt, **LAST)
    assert (history.ended, len(history.epochs)) == ("interrupted", 4)
    assert outcome(*resume("nade", tmp_path)) == never_stopped("nade")


def test_the_seconds_go_on_from_where_they_were(tmp_path):
    stop("nade", tmp_path, 3)
    state = read(Checkpoints(tmp_path).paths()[0])
    state["epochs"][-1]["seconds"] = 1000.0
    files.write(Checkpoints(tmp_path).paths()[0], state)
    seconds = [epoch.seconds for epoch in resume("nade", tmp_path)[3].epochs]
    assert seconds[2] == 1000
    assert 1000 < seconds[3] < seconds[-1] < 1060


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_was_over_is_over(name, tmp_path):
    """No step more, and the weight of a VAE's prior fitting is the last one."""
    first = train(name, Checkpoints(tmp_path), **LAST)

    def no_step(model, step):
        model.loss = model.reconstruction_loss = model.fakes = None

    again = resume(name, tmp_path, prepared=no_step)
    assert outcome(*again) == outcome(*first)
    assert getattr(again[0], "beta", None) == getattr(first[0], "beta", None)
    assert [o.learning_rate for o in getattr(again[1], "optimizers", [again[1]])] == [
        o.learning_rate for o in getattr(first[1], "optimizers", [first[1]])
    ]


def test_more_epochs_and_more_patience_may_be_asked_for(tmp_path):
    """They end as if they had been asked for at once; without `decay`, which makes each rate depend on `epochs`."""
    train("vae", Checkpoints(tmp_path / "epochs"), epochs=4)
    assert outcome(*resume("vae", tmp_path / "epochs")) == never_stopped("vae")
    assert len(resume("vae", tmp_path / "epochs", epochs=2)[3].epochs) == 10  # nothing left to do

    rising = lambda model, step: setattr(model, "validation_loss", lambda images: float(model.beta))
    *_, history = train("vae", Checkpoints(tmp_path / "patience"), patience=2, prepared=rising, **LAST)
    assert (history.ended, len(history.epochs)) == ("no better validation in 2 epochs", 3)
    for patience in (2, 5):
        ours = resume("vae", tmp_path / "patience", patience=patience, prepared=rising)
        assert outcome(*ours) == outcome(*train("vae", None, patience=patience, prepared=rising, **LAST))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_process_that_is_killed_again_and_again(tmp_path, rng):
    """At random moments; `python -m tests.attacks.kills` does so a hundred times, with every one of RUNS."""
    whole, seconds = finished("gan", tmp_path / "whole")
    where = [killed("gan", tmp_path / "killed", seconds / 3, rng) for _ in range(2)]
    assert all(where)
    assert finished("gan", tmp_path / "killed")[0] == whole, where


# -- a crash in the middle of a write


STEPS = ["open", "write 1", "write 2", "fsync 1", "replace", "fsync 2", "unlink"]


class Half(io.FileIO):
    """Of what it is given in write number `fatal` it takes a half."""

    written = 0

    def write(self, data):
        self.written += 1
        if f"write {self.written}" == self.fatal:
            super().write(data[: len(data) // 2])
            self.dead.append("write")
            raise Killed
        return super().write(data)


def crash(monkeypatch, fatal):
    """From now on, the process dies at this one of STEPS, and does nothing more."""
    seen, dead = [], []

    def dying(step, really):
        def call(*args, **options):
            seen.append(step)
            if dead or fatal in (step, f"{step} {seen.count(step)}"):
                dead.append(step)
                raise Killed
            return really(*args, **options)

        return call

    def opened(*args):
        file = Half(*args)
        file.fatal, file.dead = fatal, dead
        return file

    monkeypatch.setattr(atomic, "open", dying("open", opened), raising=False)
    monkeypatch.setattr(os, "fsync", dying("fsync", os.fsync))
    monkeypatch.setattr(os, "replace", dying("replace", os.replace))
    monkeypatch.setattr(Path, "unlink", dying("unlink", Path.unlink))


@pytest.mark.parametrize("fatal", STEPS)
def test_a_crash_at_any_step_of_a_write_loses_no_checkpoint(fatal, tmp_path):
    """After the third epoch's; what is there is whole, and the run that goes on is the same."""

    class Crashing(Checkpoints):
        def save(self, run, epoch):
            with pytest.MonkeyPatch.context() as patch:
                if epoch == 3:
                    crash(patch, fatal)
                super().save(run, epoch)

    with pytest.raises(Killed):
        train("nade", Crashing(tmp_path), **LAST)
    newest = 3 if fatal in ("fsync 2", "unlink") else 2
    assert Checkpoints(tmp_path).paths()[0].name == f"epoch-00000{newest}.checkpoint"
    assert [len(read(p)["epochs"]) for p in Checkpoints(tmp_path).paths()] == list(range(newest, 0, -1))
    assert outcome(*resume("nade", tmp_path)) == never_stopped("nade")
    assert names(tmp_path) == ["epoch-000009.checkpoint", "epoch-000010.checkpoint"]


def test_a_full_disk_stops_the_training_in_one_sentence(tmp_path, monkeypatch):
    def full(file):
        raise OSError(28, "No space left on device")

    stop("nade", tmp_path, 2)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"000003.checkpoint: not written: No space left .*; make room"):
        resume("nade", tmp_path)
    monkeypatch.undo()
    assert outcome(*resume("nade", tmp_path)) == never_stopped("nade")


# -- which are kept, and which is used


def test_the_newest_two_are_kept(tmp_path):
    train("nade", Checkpoints(tmp_path, every=3), epochs=11)
    assert names(tmp_path) == ["epoch-000006.checkpoint", "epoch-000009.checkpoint"]
    with pytest.raises(ValueError, match="every, in epochs, must be a whole number of at least 1, got 0"):
        Checkpoints(tmp_path, every=0)


def test_a_folder_that_holds_checkpoints_is_not_begun_anew(tmp_path):
    stop("nade", tmp_path, 2)
    with pytest.raises(CheckpointError, match="holds checkpoints already: resume, or name another folder"):
        train("nade", Checkpoints(tmp_path), **LAST)
    assert [len(read(path)["epochs"]) for path in Checkpoints(tmp_path).paths()] == [2, 1]


def test_without_a_checkpoint_it_starts_from_the_beginning(tmp_path):
    ours = resume("nade", tmp_path / "new" / "folder")
    assert outcome(*ours) == never_stopped("nade")


def test_a_damaged_one_is_passed_over_with_a_warning(tmp_path):
    """The run is the same; the damaged one is gone as soon as there is a better one, and the one before it is not."""
    stop("nade", tmp_path, 7)
    newest, before = Checkpoints(tmp_path, every=2).paths()
    newest.write_bytes(newest.read_bytes()[:-1])
    with (
        pytest.warns(UserWarning, match=r"epoch-000007.checkpoint is damaged: .*; going on from epoch-000006"),
        pytest.raises(Killed),
    ):
        train("nade", Stopping(tmp_path, 8, resume=True, every=2), **LAST)
    assert names(tmp_path) == [before.name, "epoch-000008.checkpoint"]
    assert outcome(*resume("nade", tmp_path)) == never_stopped("nade")


def test_where_all_are_damaged_nothing_is_made_up(tmp_path):
    stop("nade", tmp_path, 2)
    for path in Checkpoints(tmp_path).paths():
        path.write_bytes(b"\0" * 1000)
    with pytest.raises(CheckpointError, match=r"epoch-000002.checkpoint is damaged or no .*: start anew in another"):
        resume("nade", tmp_path)


# -- files of others, and two runs in one folder


def test_what_no_run_wrote_is_never_removed(tmp_path):
    """Files that are called as checkpoints are, or nearly, and a checkpoint under a name of the user's."""
    stop("nade", tmp_path, 1)
    whole = Checkpoints(tmp_path).paths()[0].read_bytes()
    mine = {
        "epoch-000000.checkpoint": b"notes",
        "epoch-notes.checkpoint": b"mine",
        "epoch-000002.checkpoint.bak": whole,
        "epoch-best.checkpoint": whole,
        "epoch-000002.checkpoint.partial": b"mine",
        "epoch-1.checkpoint": b"mine",
    }
    for name, content in mine.items():
        (tmp_path / name).write_bytes(content)
    assert outcome(*resume("nade", tmp_path)) == never_stopped("nade")
    assert {name: (tmp_path / name).read_bytes() for name in mine} == mine
    assert set(names(tmp_path)) == {*mine, "epoch-000009.checkpoint", "epoch-000010.checkpoint"}


def test_unfinished_files_of_dead_processes_are_removed(tmp_path):
    stop("nade", tmp_path, 2)
    (tmp_path / "epoch-000003.checkpoint.0123abcd.partial").write_bytes(b"half")
    resume("nade", tmp_path)
    assert names(tmp_path) == ["epoch-000009.checkpoint", "epoch-000010.checkpoint"]


HOLDER = """
import sys, time
from pathlib import Path
from minigen.training.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.take()
print("taken", flush=True)
time.sleep(60)
"""


def test_a_second_run_in_the_same_folder_is_refused_with_the_process_that_is_there(tmp_path):
    """Also of this process; a process that dies loses the lock, whatever the file says."""

    def second(run, epoch):
        with pytest.raises(CheckpointError, match=rf"is in use by process {os.getpid()} on .*: wait for it, or name"):
            resume("nade", tmp_path)

    class Twice(Checkpoints):
        def save(self, run, epoch):
            super().save(run, epoch)
            second(run, epoch)

    train("nade", Twice(tmp_path), epochs=1)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "taken\n"
        with pytest.raises(CheckpointError, match=f"is in use by process {holder.pid} on"):
            resume("nade", tmp_path)
        holder.kill()
    assert (tmp_path / lock.NAME).read_text().startswith(f"process {holder.pid} on")
    resume("nade", tmp_path, epochs=1)


def test_the_lock_is_free_after_an_error(tmp_path):
    stop("nade", tmp_path, 2)
    with pytest.raises(CheckpointError, match="holds checkpoints already"):
        train("nade", Checkpoints(tmp_path), **LAST)
    with pytest.raises(CheckpointError, match="another run"):
        resume("nade", tmp_path, seed=1)
    resume("nade", tmp_path)


def test_a_disk_that_cannot_lock_still_holds_checkpoints(tmp_path, monkeypatch):
    def refuses(descriptor):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock, "_lock", refuses)
    stop("nade", tmp_path, 2)
    assert outcome(*resume("nade", tmp_path)) == never_stopped("nade")


def test_a_folder_that_cannot_be_made_is_said_before_the_first_step(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"file cannot hold checkpoints: (File exists|Not a directory)"):
        train("nade", Checkpoints(tmp_path / "file"), prepared=lambda model, step: setattr(model, "loss", None), **LAST)


# -- another run is refused


def of(attribute, value):
    return lambda model, step: setattr(step, attribute, value)


REFUSED = [
    ("vae", {}, "model was \"NADE\" and is \"VAE\""),
    ("nade", {"seed": 1}, "first draw of rng was [0-9]+ and is [0-9]+"),
    ("nade", {"batch_size": 10}, "batch_size was 15 and is 10"),
    ("nade", {"keep_best": False, "patience": None}, "keep_best was true and is false"),
    ("nade", {"epochs": 11}, "epochs of a falling learning rate was 10 and is 11"),
    ("nade", {"decay": False}, "epochs of a falling learning rate was 10 and is 0"),
    ("nade", {"max_norm": 2.0}, "step.max_norm was null and is 2.0"),
    ("nade", {"train": np.ones((90, 16), np.float32)}, 'training images was "made anew" and is "float32 .90, 16., SHA'),
    ("nade", {"prepared": of("betas", (0.5, 0.9))}, r"step.optimizers.0.betas was \[0.9, 0.999\] and is \[0.5, 0.9\]"),
    ("nade", {"prepared": of("weight_decay", 0.0)}, "step.optimizers.0.weight_decay was 0.01 and is 0.0"),
    ("nade", {"prepared": of("learning_rate", np.float32(0.5))}, r"learning rates was \[0.01\] and is \[0.5\]"),
    ("nade", {"prepared": lambda model, step: model.astype(np.float64)}, "model.W was float32 .16, 8. and is float64"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "difference"), REFUSED, ids=[words[:30] for *_, words in REFUSED])
def test_another_run_is_refused_with_what_differs_and_left_as_it_was(name, options, difference, tmp_path):
    stop("nade", tmp_path, 2)
    before, models = {path: path.read_bytes() for path in tmp_path.iterdir()}, []
    prepared = options.pop("prepared", lambda model, step: None)

    def keep(model, step):
        prepared(model, step)
        models.append((model, {name: array.copy() for name, array in model.arrays().items()}))

    with pytest.raises(CheckpointError, match=f"000002.checkpoint is of another run, {difference}.*: ask for the same"):
        resume(name, tmp_path, prepared=keep, **options)
    for name, array in models[0][0].arrays().items():
        np.testing.assert_array_equal(array, models[0][1][name])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "change", "difference"),
    [
        ("gan", lambda model, step: setattr(step, "ema_decay", 0.5), "step.ema_decay was 0.99 and is 0.5"),
        ("gan", lambda model, step: delattr(model, "average"), "model.average.layers.0.weight is in the checkpoint"),
        ("aae", lambda model, step: step.labels.fill(0), "step.labels was .* and is "),
        ("vae", lambda model, step: setattr(step, "momentum", 0.8), "step.optimizers.0.momentum was 0.9 and is 0.8"),
    ],
)
def test_so_is_another_game_or_other_labels(name, change, difference, tmp_path):
    stop(name, tmp_path, 1)
    with pytest.raises(CheckpointError, match=f"is of another run, {difference}"):
        resume(name, tmp_path, prepared=change)


def test_another_optimizer_is_named(tmp_path):
    class Momentum(SGD):
        pass

    stop("vae", tmp_path, 1)
    with pytest.raises(CheckpointError, match=r'step\.optimizers\.0\.class was "SGD" and is "Momentum"'):
        resume("vae", tmp_path, prepared=lambda model, step: setattr(step, "__class__", Momentum))


def test_what_the_caller_says_of_a_run_has_to_be_the_same(tmp_path):
    with pytest.raises(Killed):
        train("nade", Stopping(tmp_path, 1, settings={"data": "digits", "sizes": (3, 4)}), **LAST)
    train("nade", Checkpoints(tmp_path, resume=True, settings={"data": "digits", "sizes": (3, 4)}), **LAST)
    with pytest.raises(CheckpointError, match='another run, data was "digits" and is "mnist"'):
        train("nade", Checkpoints(tmp_path, resume=True, settings={"data": "mnist", "sizes": (3, 4)}), **LAST)
    with pytest.raises(CheckpointError, match="another run, data is in the checkpoint"):
        resume("nade", tmp_path)


def test_settings_are_numbers_text_and_arrays_and_anything_else_is_refused_at_once(tmp_path):
    """Arrays by their contents, of which a checkpoint holds a sum."""
    images = np.arange(6.0).reshape(2, 3)
    Checkpoints(tmp_path, settings={"beta": np.float32(0.1), "none": None})
    for wrong in (object(), {1, 2}, tmp_path):
        with pytest.raises(TypeError, match="a checkpoint holds arrays of numbers, numbers and text, got"):
            Checkpoints(tmp_path, settings={"data": wrong})
    with pytest.raises(Killed):
        train("nade", Stopping(tmp_path, 1, settings={"data": images}), **LAST)
    train("nade", Checkpoints(tmp_path, resume=True, settings={"data": images.copy()}), **LAST)
    with pytest.raises(CheckpointError, match=r'data was "float64 \(2, 3\), SHA-256 [^"]*" and is "float64 \(2, 3\)'):
        train("nade", Checkpoints(tmp_path, resume=True, settings={"data": images + 1}), **LAST)


def test_a_state_that_no_checkpoint_holds_is_refused_before_the_first_step(tmp_path):
    def prepared(model, step):
        model.loss, step.betas = None, object()

    with pytest.raises(TypeError, match="a checkpoint holds arrays of numbers, numbers and text, got object"):
        train("nade", Checkpoints(tmp_path), prepared=prepared, **LAST)


def test_a_long_or_strange_text_in_a_checkpoint_makes_a_short_message(tmp_path):
    with pytest.raises(Killed):
        train("nade", Stopping(tmp_path, 1, settings={"x\x1b[31m" * 99: "\u202e" * 999}), **LAST)
    with pytest.raises(CheckpointError, match="is in the checkpoint") as caught:
        resume("nade", tmp_path)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))
    assert str(caught.value).isprintable()


def test_a_step_that_cannot_be_saved_is_refused_at_once(tmp_path):
    model, *_, rng, _ = train("nade", None, epochs=1)
    images, step = np.ones((4, 16), np.float32), lambda batch, rng: 0.0
    with pytest.raises(ValueError, match=r"a step of one's own needs state\(\) and load_state\(\)"):
        fit(model, step, images, images, rng=rng, epochs=1, checkpoint=Checkpoints(tmp_path))


def test_files_that_are_broken_foreign_or_forged_are_refused_and_nothing_else_happens():
    """`python -m tests.attacks.fuzz_checkpoint` does so with ten thousand."""
    seen, slowest, grown = fuzz(300, seed=7)
    assert seen["damaged, refused"] == 150
    assert seen["forged, refused"] + seen["forged, taken"] == 150
    assert slowest < 1
    assert grown < 50e6
