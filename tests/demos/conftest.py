"""Fixtures of the tests of the demos."""

import io
import os
from contextlib import closing, redirect_stdout

import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine

from demos.__main__ import main
from demos.tour import run as tour
from minigen import plot
from tests.demos.chromium import Tab


def save_small(figure, path):
    """In place of `plot.save`: everything is drawn, once and small."""
    kind = os.path.splitext(path)[1][1:]
    figure.savefig(path, format=kind, dpi=20, metadata={"Date": None} if kind == "svg" else None)


@pytest.fixture
def whole_pictures():
    """For a test whose pictures have the size and the layout that a user sees."""


@pytest.fixture(autouse=True)
def small_pictures(request, monkeypatch):
    """Pictures are small and have no layout: to draw them takes most of the time of a demo that trains shortly."""
    if "whole_pictures" not in request.fixturenames:
        monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda engine, figure: None)
        monkeypatch.setattr(plot, "save", save_small)


@pytest.fixture(scope="session")
def toured(tmp_path_factory):
    """A tour of two sections that take a few seconds each: the folder of its page, and what it printed."""
    folder, printed = tmp_path_factory.mktemp("tour"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setattr(tour, "SECTIONS", [s for s in tour.SECTIONS if s.demo in ("markov", "ar")])
        assert main(["--out", str(folder)]) == 0
    return folder, printed.getvalue()


@pytest.fixture
def tab(tmp_path):
    """A new tab of the one Chromium."""
    with closing(Tab(tmp_path)) as tab:
        yield tab
