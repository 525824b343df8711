"""The page for readers who see little, use no mouse, or hear the page: axe-core finds nothing serious.

axe-core (https://github.com/dequelabs/axe-core) runs in Chromium and applies WCAG 2.1, A and AA. pooch downloads it
once and checks its hash.
"""

from pathlib import Path

import numpy as np
import pooch
import pytest

from demos.tour import page
from demos.tour.play import alarm, canvas, codes, dirac, game, joint, posterior, scrubber
from demos.tour.text import ENGLISH
from tests.demos.chromium import needs_chromium
from tests.demos.test_canvas import DATA, MODELS
from tests.demos.test_codes import small_aae
from tests.demos.test_posterior import small_vae
from tests.demos.test_scrubber import moments_of_all

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


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """A page of all things to touch, with small models."""
    files = moments_of_all(tmp_path_factory.mktemp("moments"), np.random.default_rng(0))
    parts = [
        canvas.widget(MODELS, DATA),
        posterior.widget(small_vae(), DATA),
        codes.widget(small_aae(), DATA),
        alarm.widget(MODELS["NADE"], DATA),
        joint.widget(joint.neighbours(DATA)),
        dirac.widget(),
        game.widget(),
        *(scrubber.scrubber(file, ENGLISH) for file in files.values()),
    ]
    return page.document([page.contents([], ENGLISH), "<main><header><h1>Things</h1></header>", *parts, "</main>"])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("name", ["things", "index.html", "index.ko.html"])
def test_axe_finds_nothing_serious(name, width, dark, things, toured, axe, tab):
    """All things to touch; the page of two sections in both languages."""
    html = things if name == "things" else (toured[0] / name).read_text(encoding="utf-8")
    tab.open(html, width=width, dark=dark)
    tab.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    tab.evaluate(axe)
    assert tab.evaluate(RUN) == []


def test_axe_would_find_what_is_wrong(things, axe, tab):
    """A picture without a text, a button without a name, grey letters on grey."""
    wrong = '<img src="data:,"><button></button><p style="color: #999; background: #aaa">grey</p>'
    tab.open(page.document([f"<main>{wrong}</main>"]))
    tab.evaluate(axe)
    assert {found for found, *_ in tab.evaluate(RUN)} >= {"image-alt", "button-name", "color-contrast"}
