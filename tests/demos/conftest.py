"""Fixtures of the tests of the demos."""

import os
from contextlib import closing

import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine

from minigen import plot
from tests.demos.chromium import Tab


def save_small(figure, path):
    """In place of `plot.save`: everything is drawn, once and small."""
    figure.savefig(path, format=os.path.splitext(path)[1][1:], dpi=20)


@pytest.fixture
def whole_pictures():
    """For a test whose pictures have the size and the layout that a user sees."""


@pytest.fixture(autouse=True)
def small_pictures(request, monkeypatch):
    """Pictures are small and have no layout: to draw them takes most of the time of a demo that trains shortly."""
    if "whole_pictures" not in request.fixturenames:
        monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda engine, figure: None)
        monkeypatch.setattr(plot, "save", save_small)


@pytest.fixture
def tab(tmp_path):
    """A new tab of the one Chromium."""
    with closing(Tab(tmp_path)) as tab:
        yield tab
