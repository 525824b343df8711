"""The page for readers who see little, use no mouse, or hear the page: axe-core finds nothing serious.

axe-core (https://github.com/dequelabs/axe-core) runs in Chromium and applies WCAG 2.1, A and AA. pooch downloads it
once and checks its hash.
"""

from pathlib import Path

import pooch
import pytest

from demos.tour.text import LANGUAGES
from tests.demos.chromium import needs_chromium
from tests.demos.things import whole

pytestmark = needs_chromium
URL = "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz"
HASH = "sha256:e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
RUN = """axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], resultTypes: ["violations"]})
    .then(({violations}) => violations.filter((found) => ["serious", "critical"].includes(found.impact))
    .map(({id, nodes}) => [id, nodes.length, nodes[0].html.slice(0, 200), nodes[0].failureSummary]))"""


@pytest.fixture(scope="module")
def axe():
    """The source of axe-core."""
    try:
        paths = pooch.retrieve(URL, HASH, processor=pooch.Untar(members=["package/axe.min.js"]))
    except OSError as why:
        pytest.skip(f"axe-core cannot be downloaded: {why}")
    return Path(paths[0]).read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)
def test_axe_finds_nothing_serious(say, width, dark, axe, tab):
    tab.open(whole(say), width=width, dark=dark)
    tab.evaluate(axe)
    assert tab.evaluate(RUN) == []


def test_axe_would_find_what_is_wrong(axe, tab):
    """A picture without a text, a button without a name, grey letters on grey."""
    wrong = '<img src="data:,"><button></button><p style="color: #999; background: #aaa">grey</p>'
    tab.open(whole().replace("<main>", f"<main>{wrong}"))
    tab.evaluate(axe)
    assert {found for found, *_ in tab.evaluate(RUN)} >= {"image-alt", "button-name", "color-contrast"}
