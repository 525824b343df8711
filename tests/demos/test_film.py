"""The film of a training: which moments it keeps, and that a checkpoint brings them back."""

from typing import NamedTuple

import numpy as np
import pytest

from demos.film import Film, moments, read_moments
from minigen.training.files import read, write


def test_moments_begin_before_training_and_end_with_the_last_epoch():
    assert moments(16, 5) == [0, 1, 2, 4, 8, 16]
    assert moments(9, 3, np.linspace) == [0, 1, 5, 9]
    assert moments(2, 40) == [0, 1, 2]
    assert moments(0, 40) == [0]


@pytest.mark.parametrize(("done", "frames"), [(9, [0, 1, 3, 9]), (5, [0, 1, 3, 5])], ids=["whole", "interrupted"])
def test_a_film_keeps_its_moments_and_the_end_also_through_a_checkpoint(done, frames):
    """Each shot is the number of epochs that are done; the run goes on from a checkpoint after the second epoch."""
    trained, drawn = [], []

    def film():
        return Film(
            lambda: np.array(len(trained)), lambda ax, epoch, shot: drawn.append((epoch, int(shot))), [0, 1, 3, 9]
        )

    first = film()
    for number in (1, 2):
        first(number)
        trained.append(number)
    second = film()
    second.load_state(first.state())
    for number in range(3, done + 1):
        second(number)
        trained.append(number)
    second.shoot(done)
    assert second.frames == frames
    assert second.last == done
    for k in range(len(frames)):
        second.draw(None, k)
    assert drawn == [(epoch, epoch) for epoch in frames]


class Shot(NamedTuple):
    """As a film keeps of a game."""

    weights: np.ndarray
    value: float


def test_a_film_that_measures_every_epoch_keeps_its_moments_and_the_last_shot_alone(tmp_path):
    """Through a file, in which a shot is its parts, after an epoch that is no moment."""
    done = []
    film = lambda: Film(lambda: Shot(np.arange(len(done)), len(done) / 3), lambda *shot: None, [0, 1, 4], Shot)
    first, second = film(), film()
    first.shoot(0)
    for number in (1, 2, 3):
        first(number)
        done.append(number)
        assert first.shoot_next().value == number / 3
        assert len(first.shots) <= 3
    write(tmp_path / "state", first.state())
    second.shoot(0)
    second.load_state(read(tmp_path / "state"))
    assert second.frames == [0, 1, 3]
    for number in (4, 5):
        second(number)
        done.append(number)
        second.shoot_next()
    assert second.frames == [0, 1, 4, 5]
    for epoch, shot in second.shots.items():
        np.testing.assert_array_equal(shot.weights, np.arange(epoch))
        assert shot.value == epoch / 3


def test_moments_come_back_from_their_file_with_the_values_that_were_measured(tmp_path):
    """A film keeps epochs 0, 1 and 3, and nothing was measured before the training."""
    film = Film(lambda: None, lambda *shot: None, [0, 1, 3], Shot)
    film.load_state({"shots": [(epoch, (np.full(2, epoch), epoch / 3)) for epoch in (0, 1, 3)]})
    film.write(tmp_path / "moments.npz", {k: {"jsd": 1 / k} for k in (1, 2, 3)}, names=["a", "bc"])
    found = read_moments(tmp_path / "moments.npz")
    assert found.epochs.tolist() == [0, 1, 3]
    assert found.shots["weights"].tolist() == [[0, 0], [1, 1], [3, 3]]
    assert found.shots["value"].tolist() == [0, 1 / 3, 1]
    np.testing.assert_array_equal(found.values["jsd"], [np.nan, 1, 1 / 3])
    assert found.fixed["names"].tolist() == ["a", "bc"]


def test_a_shot_that_is_one_array_has_the_name_shot(tmp_path):
    film = Film(lambda: np.ones(3), lambda *shot: None, [0])
    film.shoot(0)
    film.write(tmp_path / "moments.npz", {})
    assert read_moments(tmp_path / "moments.npz").shots["shot"].tolist() == [[1, 1, 1]]
