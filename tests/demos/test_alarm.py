"""The alarm of the page: in Chromium, score and p-value are those of minigen.uses (U-2)."""

import numpy as np
import pytest

from demos.tour.play import alarm, canvas
from demos.tour.text import ENGLISH
from minigen import NADE, digits
from minigen.uses import anomaly_scores, conformal_p_values
from tests.demos.chromium import needs_chromium
from tests.demos.things import Things

DATA = digits()
TEST = DATA.test.images


def small_nade():
    """A NADE whose biases say how often a pixel is ink, with random weights."""
    model = NADE(64, 20, rng=np.random.default_rng(0))
    model.flat[...] = np.random.default_rng(1).normal(size=model.flat.shape) * 0.2
    share = DATA.train.images.mean(axis=0).clip(0.01, 0.99)
    model.b.data[...] = np.log(share / (1 - share))
    return model


@pytest.fixture(scope="module")
def nade():
    return small_nade()


def check(things, model, text):
    """Compare score, p-value and alarm with Python's.  text: the image that the thing shows."""
    x = np.array([[*map(float, text)]])
    score, calibration = anomaly_scores(model, x), anomaly_scores(model, TEST[150:])
    p = float(conformal_p_values(calibration, score)[0])
    assert things.value("alarm", "score") == pytest.approx(float(score[0]), abs=1e-4)
    assert things.value("alarm", "p") == pytest.approx(p, abs=1e-9)
    assert things.text("alarm", "higher") == f"{np.sum(calibration >= score)} of 150"
    assert things.text("alarm", "said").startswith("Alarm" if p <= 0.05 else "No alarm")
    assert things.grey("alarm", "seen", DATA.shape) == (255 * (1 - x[0])).tolist()
    return p <= 0.05


@needs_chromium
def test_u2_score_and_p_value_are_those_of_python_and_follow_the_canvas(nade, tab):
    """U-2 in the page. Planted: a p-value that leaves out the image itself."""
    things = Things(tab, canvas.widget({"NADE": nade}, DATA), alarm.widget(nade, DATA), height=1000)
    start = canvas.as_text(canvas.examples(DATA)[0])
    found = {check(things, nade, start)}
    things.paint(0)
    painted = "1" + start[1:]
    found.add(check(things, nade, painted))
    things.press("alarm", "shift")
    moved = canvas.as_text(canvas.shifted(np.array([[*map(int, painted)]]), DATA.shape)[0])
    found.add(check(things, nade, moved))
    assert things.state() == {"x": moved}
    things.press("alarm", "blank")
    found.add(check(things, nade, "0" * 64))
    things.press("alarm", "back")
    check(things, nade, painted)
    things.go("alarm", x="1" * 64)
    found.add(check(things, nade, "1" * 64))
    assert found == {True, False}


def test_the_sentence_counts_the_alarms_of_digits_that_calibrate_nothing(nade):
    calibration, tried = anomaly_scores(nade, TEST[150:]), TEST[:150]
    moved = np.pad(tried.reshape(-1, 8, 8), [(0, 0), (0, 0), (1, 0)])[:, :, :8].reshape(-1, 64)
    share = lambda images: np.mean(conformal_p_values(calibration, anomaly_scores(nade, images)) <= 0.05)
    below = np.mean(anomaly_scores(nade, tried) > anomaly_scores(nade, np.zeros((1, 64))))
    assert 0 < share(tried) < share(moved)
    html = alarm.widget(nade, DATA)
    assert f"Of 150 other test digits, {100 * share(tried):.1f} % raise the alarm." in html
    assert f"Shifted by one pixel, {100 * share(moved):.1f} % of them do" in html
    assert f"a higher p(x) than {100 * below:.0f} % of them" in html


@needs_chromium
def test_without_the_canvas_the_alarm_is_hidden(nade, tab):
    Things(tab, alarm.widget(nade, DATA))
    assert tab.evaluate("document.getElementById('alarm').hidden") is True


def test_without_nade_the_section_says_what_is_missing(tmp_path):
    assert "it needs the canvas with NADE" in alarm.alarm(tmp_path, DATA, ENGLISH)
