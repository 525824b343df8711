"""Several processes that train together are one process on the whole batch. They are started by mpiexec."""

import copy
import functools
import importlib.util
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from minigen.errors import UsageError
from minigen.training import loop as train
from minigen.training import steps as moves
from minigen.training.launch import LAUNCHERS
from minigen.training.parallel import Team, team
from tests.attacks.lost_ranks import MPIEXEC, QUICK, ROOT, SECONDS, trouble
from tests.minigen import ranks


@functools.cache
def missing():
    """Why MPI cannot be used here; "" where it can."""
    if MPIEXEC is None or importlib.util.find_spec("mpi4py") is None:
        return "mpi4py or mpiexec is not installed"
    hello = "from mpi4py import MPI; MPI.COMM_WORLD.barrier()"
    command = [MPIEXEC, "-n", "2", sys.executable, "-c", hello]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"mpiexec does not work here: no end after {SECONDS} s"
    return f"mpiexec does not work here: {(done.stderr or done.stdout)[-200:]}" if done.returncode else ""


needs_mpi = pytest.mark.skipif(bool(missing()), reason=missing())


def started(count, *command):
    """`python -m …` on so many ranks, each with one thread."""
    return subprocess.run(
        [MPIEXEC, "-n", str(count), sys.executable, "-m", *map(str, command)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def on_ranks(count, what, folder, *arguments):
    """What each rank saved, from the first."""
    done = started(count, "tests.minigen.ranks", what, folder, *arguments)
    assert done.returncode == 0, done.stderr
    return saved(count, folder)


def saved(count, folder):
    """What each of so many ranks saved in a folder, from the first."""
    found = []
    for rank in range(count):
        with np.load(folder / f"rank{rank}.npz") as file:
            found.append(dict(file))
    return found


class Joined(np.random.Generator):
    """The noise of several ranks as one process would draw it for the whole batch: theirs, end to end."""

    def __init__(self, generators):
        super().__init__(generators[0].bit_generator)
        self.generators = generators

    def joined(self, name, shape, *more):
        rows = shape[0] if isinstance(shape, tuple) else shape
        axis = 0 if rows == ranks.BATCH else shape.index(ranks.BATCH)
        parts = []
        for part, generator in zip(np.array_split(range(ranks.BATCH), len(self.generators)), self.generators,
                                   strict=True):  # fmt: skip
            size = (*shape[:axis], len(part), *shape[axis + 1 :]) if isinstance(shape, tuple) else len(part)
            parts.append(getattr(generator, name)(size, *more))
        return np.concatenate(parts, axis)

    random = functools.partialmethod(joined, "random")
    standard_normal = functools.partialmethod(joined, "standard_normal")


class OneForMany(Team):
    """One process that draws what so many ranks would."""

    def __init__(self, count):
        super().__init__()
        self.count = count

    def noise(self, rng):
        common = int(copy.deepcopy(rng).integers(2**63))
        return rng if self.count == 1 else Joined([np.random.default_rng([common, r]) for r in range(self.count)])


@pytest.fixture(scope="module", params=[1, 2, 4])
def trained(request, tmp_path_factory):
    """A number of ranks, and the folder where they saved every model, each after its training."""
    folder = tmp_path_factory.mktemp("trained")
    done = started(request.param, "tests.minigen.ranks", "train", folder)
    assert done.returncode == 0, done.stderr
    return request.param, folder


@needs_mpi
@pytest.mark.parametrize("name", ranks.MODELS)
def test_fifty_steps_on_many_ranks_are_those_of_one_process_on_the_joined_batch(name, trained, monkeypatch):
    count, folder = trained
    for module in (train, moves):
        monkeypatch.setattr(module, "team", lambda: OneForMany(count))
    alone, losses = ranks.trained(name)
    for found in saved(count, folder / name):
        np.testing.assert_allclose(found.pop("losses"), losses, rtol=1e-12)
        for key, array in alone.arrays().items():
            np.testing.assert_allclose(found[key], array, rtol=0, atol=1e-12, err_msg=key)


@needs_mpi
def test_ranks_share_a_batch_and_draw_noise_of_their_own(tmp_path):
    found = on_ranks(4, "noise", tmp_path)
    assert [part["rows"].tolist() for part in found] == [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9]]
    assert [(part["few"].tolist(), float(part["weight"])) for part in found] == [
        ([0], 0.5), ([1], 0.5), ([0], 0), ([0], 0)
    ]  # fmt: skip
    assert [float(part["whole"]) for part in found] == [2] * 4  # the mean of what all have, where nothing is shared
    assert len({part["own"].tobytes() for part in found}) == 4
    assert len({part["common"].tobytes() for part in found}) == 1


@needs_mpi
def test_statistics_of_batches_are_the_same_on_all_ranks_after_an_epoch(tmp_path):
    first, second = on_ranks(2, "statistics", tmp_path)
    assert any(name.endswith("mean") for name in first)
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array, err_msg=name)


@needs_mpi
def test_a_checkpoint_goes_on_with_another_number_of_ranks(tmp_path):
    """NADE has no noise, so the end is that of a run of one process from start to end, but for rounding."""
    on_ranks(2, "resume", tmp_path, 3)
    assert len(list((tmp_path / "run").glob("*.checkpoint"))) == 2
    alone, _ = ranks.trained("nade")
    for found in on_ranks(4, "resume", tmp_path, ranks.EPOCHS):
        for key, array in alone.arrays().items():
            np.testing.assert_allclose(found[key], array, rtol=0, atol=1e-12, err_msg=key)


@needs_mpi
def test_ranks_of_different_seeds_begin_as_the_first_and_share_every_batch(tmp_path):
    found = on_ranks(2, "seeds", tmp_path)
    seen = np.concatenate([part["rows"] for part in found])
    assert len(seen) == len(np.unique(seen, axis=0)) == ranks.IMAGES


@needs_mpi
def test_ranks_share_the_labels_as_they_share_the_images(tmp_path):
    found = on_ranks(4, "labels", tmp_path)
    for part in found:
        np.testing.assert_array_equal(part["rows"], ranks.images()[part["own"]])
    assert [part["sizes"].tolist() for part in found] == [[5] * 10] * 3 + [[4] * 10]
    np.testing.assert_array_equal(np.sort(np.concatenate([part["own"] for part in found])), np.arange(ranks.IMAGES))


@needs_mpi
def test_a_text_is_read_whole_by_every_rank(tmp_path):
    """A part of a piece would not follow the last piece: each rank takes the steps of one process."""
    alone, losses = ranks.read_text()
    for found in on_ranks(2, "text", tmp_path):
        np.testing.assert_allclose(found.pop("losses"), losses, rtol=1e-12)
        for key, array in alone.arrays().items():
            np.testing.assert_allclose(found[key], array, rtol=0, atol=1e-12, err_msg=key)


@needs_mpi
def test_the_first_rank_alone_decides_when_to_stop(tmp_path):
    """Otherwise the others go on, and wait for it until the timeout."""
    for found in on_ranks(2, "patience", tmp_path):
        assert found["losses"].tolist() == [5.0, 5.0]


@needs_mpi
@pytest.mark.parametrize(("what", "words"), [("killed", r"(?i)signal:? 9"), ("raises", "had enough")])
def test_a_rank_that_is_lost_ends_all(what, words, tmp_path):
    begun = time.monotonic()
    done = started(3, "tests.minigen.ranks", what, tmp_path)
    assert time.monotonic() - begun < SECONDS / 3
    assert done.returncode != 0
    assert re.search(words, done.stdout + done.stderr)
    assert ("rank 2 of 3 failed" in done.stderr) == (what == "raises")
    assert list(tmp_path.iterdir()) == []


@needs_mpi
@pytest.mark.parametrize("name", QUICK)
def test_a_rank_that_goes_wrong_ends_all_with_a_sentence(name):
    """`python -m tests.attacks.lost_ranks` has more of them."""
    assert trouble(name) == ""


@needs_mpi
def test_a_demo_on_two_ranks_prints_and_writes_once(tmp_path):
    command = ["demos", "nade", "--epochs", "2", "--hidden", "8", "--out", tmp_path / "out"]
    done = started(2, *command, "--checkpoint", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("training ended after 2 epochs") == 1
    assert (tmp_path / "out" / "weights.npz").exists()
    assert len(list((tmp_path / "run").glob("*.checkpoint"))) == 2


@needs_mpi
def test_what_stops_a_demo_stops_all_ranks_with_its_message_and_code(tmp_path):
    (tmp_path / "mine.npz").write_bytes(b"no archive")
    done = started(2, "demos", "nade", "--data", tmp_path / "mine.npz", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "stopped: " in done.stderr
    assert "mine.npz" in done.stderr


@needs_mpi
def test_options_that_one_rank_refuses_end_all(tmp_path):
    """Rank 0 alone makes the folder, and cannot: the others have begun to train."""
    (tmp_path / "file").touch()
    done = started(2, "demos", "nade", "--epochs", "2", "--out", tmp_path / "file" / "out")
    assert done.returncode != 0
    assert "cannot be a folder" in done.stderr


def test_one_process_alone_is_a_team_that_changes_nothing(rng):
    """And nothing of MPI is imported."""
    alone, batch, state = Team(), np.arange(6.0), rng.bit_generator.state
    assert alone.share(batch).tolist() == batch.tolist()
    assert alone.noise(rng) is rng
    assert rng.bit_generator.state == state
    alone.average(batch)
    alone.agree([batch])
    alone.abort(1)
    alone.same_on_all({"epochs": 3})
    assert alone.everyones(3) == [3]
    assert batch.tolist() == [0, 1, 2, 3, 4, 5]
    assert alone.mean(3.5) == alone.from_first(3.5) == 3.5
    modules = "minigen.training.loop, minigen.training.parallel as p"
    code = f"import sys, {modules}; p.team(); assert 'mpi4py' not in sys.modules"
    clean = {name: value for name, value in os.environ.items() if name not in LAUNCHERS}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=clean)


def test_mpiexec_without_mpi4py_is_refused(monkeypatch):
    """Otherwise every rank would train alone, and all would write to the same files."""
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    team.cache_clear()
    try:
        with pytest.raises(UsageError, match="started by mpiexec, but mpi4py cannot be imported"):
            team()
    finally:
        team.cache_clear()
