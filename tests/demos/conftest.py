"""A fixture of the tests of the page."""

from contextlib import closing

import pytest

from tests.demos.chromium import Tab


@pytest.fixture
def tab(tmp_path):
    """A new tab of the one Chromium."""
    with closing(Tab(tmp_path)) as tab:
        yield tab
