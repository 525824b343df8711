"""Open a page in Chromium, without a window, and return what a script in the page has found."""

import html
import json
import re
import shutil
import subprocess

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
needs_chromium = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium to look at the page with")


def seen_by_chromium(page, folder, *options, address=""):
    """Return what the page leaves in its body as "found {…}", JSON, and the messages in the console.

    page: its HTML. folder: for the page and the browser's files. options: of Chromium. address: what follows the file's
    name in the address of the page, such as #canvas?x=01.
    """
    path = folder / "look.html"
    path.write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--dump-dom",
               "--virtual-time-budget=20000", f"--user-data-dir={folder}/profile", *options]  # fmt: skip
    done = subprocess.run(
        [BROWSER, *options, path.as_uri() + address],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    found = re.search(r"found (\{.*\})", done.stdout)
    assert found, done.stdout[-500:]
    return json.loads(html.unescape(found[1])), [line for line in done.stderr.splitlines() if "CONSOLE" in line]
