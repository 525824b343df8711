"""The film of a training: which moments it keeps, and that a checkpoint brings them back."""

import numpy as np
import pytest

from demos.film import Film, moments


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
