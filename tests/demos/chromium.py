"""One Chromium, without a window, for all tests: each test opens a page in its own tab, looks at it and touches it.

The tests send commands of the Chrome DevTools protocol (https://chromedevtools.github.io/devtools-protocol) through one
pipe, and read answers and events from another. A message is JSON and ends with a zero byte.
"""

import atexit
import base64
import collections
import functools
import itertools
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from contextlib import closing

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
needs_chromium = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium to look at the page with")
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"]  # fmt: skip
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36}
KEYS |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
"""The key codes of Windows, by which Chromium knows what a key does."""


class Browser:
    """A running Chromium. It ends when its pipe of commands is closed, also if the tests are killed.

    folder: for its files. events: by the id of the tab that sent them, since the tab opened its page.
    """

    def __init__(self, folder):
        (commands, self.commands), (self.answers, answers) = os.pipe(), os.pipe()
        # Chromium reads commands from file descriptor 3 and writes answers to 4.
        script = f'exec "$0" "$@" 3</dev/fd/{commands} 4>/dev/fd/{answers}'
        self.process = subprocess.Popen(
            ["sh", "-c", script, BROWSER, *OPTIONS, f"--user-data-dir={folder}"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self.messages, self.ids, self.events = self.read(), itertools.count(), collections.defaultdict(list)

    def read(self):
        """Yield the messages of Chromium."""
        rest = b""
        while select.select([self.answers], [], [], 120)[0] and (part := os.read(self.answers, 1 << 20)):
            *whole, rest = (rest + part).split(b"\0")
            yield from map(json.loads, whole)
        raise RuntimeError("Chromium has ended, or has said nothing for two minutes")

    def call(self, method, tab=None, **parameters):
        """Return the result of a command.  tab: id of the tab that gets the command; None: the browser."""
        command = {"id": next(self.ids), "method": method, "params": parameters} | ({"sessionId": tab} if tab else {})
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while (answer := next(self.messages)).get("id") != command["id"]:
            self.events[answer.get("sessionId")].append(answer)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def wait_for(self, event, tab):
        """Read messages until the tab has sent an event of this name."""
        while not any(sent["method"] == event for sent in self.events[tab]):
            message = next(self.messages)
            self.events[message.get("sessionId")].append(message)

    def close(self):
        os.close(self.commands)
        self.process.wait(60)
        os.close(self.answers)


@functools.cache
def browser():
    """Return the browser of these tests, which runs until Python ends."""
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    running = Browser(folder.name)
    atexit.register(running.close)
    return running


class Tab:
    """A new tab of the browser, which shares no storage and no history with another tab.

    folder: for the file of the page.
    """

    def __init__(self, folder):
        self.file, self.browser = folder / "page.html", browser()
        self.context = self.browser.call("Target.createBrowserContext")["browserContextId"]
        target = self.browser.call("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.id = self.browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """Return the result of a command of the protocol to this tab."""
        return self.browser.call(method, self.id, **parameters)

    def open(self, html, address="", *, width=1000, height=800, dark=False, media="screen", javascript=True):
        """Open a page and wait until it is loaded.

        html: the page. address: what follows the file's name, such as #canvas?x=01. width, height: of the window, in
        pixels. dark: the reader prefers dark colours. media: "screen" or "print". javascript: scripts of the page run.
        """
        self.file.write_text(html, encoding="utf-8")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setScriptExecutionDisabled", value=not javascript)
        for url in ("about:blank", self.file.as_uri() + address):  # Chromium does not load a page again for a new #.
            self.browser.events[self.id].clear()
            self.call("Page.navigate", url=url)
            self.browser.wait_for("Page.loadEventFired", self.id)

    def evaluate(self, expression):
        """Return the value of a JavaScript expression in the page, or of the promise that the expression is."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]["exception"]["description"]
        return done["result"].get("value")

    def messages(self):
        """Return a list of texts: what the page wrote to the console, its errors, and what could not be loaded."""
        self.evaluate("0")  # What the page has sent before is read before the answer.
        sent = {"Runtime.consoleAPICalled": lambda log: " ".join(str(arg.get("value")) for arg in log["args"]),
                "Runtime.exceptionThrown": lambda log: log["exceptionDetails"]["exception"]["description"],
                "Log.entryAdded": lambda log: f"{log['entry']['text']} {log['entry'].get('url', '')}"}  # fmt: skip
        return [sent[e["method"]](e["params"]) for e in self.browser.events[self.id] if e["method"] in sent]

    def screenshot(self, path):
        """Write a PNG file of the window."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def at(self, selector):
        """Return the middle (x, y) of the first element that a CSS selector finds, in pixels of the window."""
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        return self.evaluate(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({box})")

    def mouse(self, *points):
        """Press the mouse at the first point (x, y), move it over the others and release it. One point: a click."""
        button = {"button": "left", "clickCount": 1}
        steps = ["mousePressed", *["mouseMoved"] * (len(points) - 1), "mouseReleased"]
        for kind, (x, y) in zip(steps, [*points, points[-1]], strict=True):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def finger(self, *points):
        """Touch the first point (x, y), move the finger over the others and lift it. One point: a tap."""
        for kind, (x, y) in zip(["touchStart", *["touchMove"] * (len(points) - 1)], points, strict=True):
            self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, *keys):
        """Press and release keys, one after the other: names as in KeyboardEvent.key."""
        for key in keys:
            text = {"text": "\r" if key == "Enter" else key} if key == "Enter" or len(key) == 1 else {}
            code = KEYS.get(key, ord(key[0].upper()))
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def close(self):
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)
        self.browser.events.clear()


def seen_by_chromium(html, folder, *options, address=""):
    """Return what the page leaves in its body as "found {…}", JSON, and the messages in the console.

    html: the page. folder: for its file. options: --window-size=1000,1400 or --blink-settings=preferredColorScheme=0,
    which is dark. address: what follows the file's name in the address of the page, such as #canvas?x=01.
    """
    given = dict(option.rsplit("=", 1) for option in options)
    width, height = map(int, given.pop("--window-size", "1000,800").split(","))
    dark = given.pop("--blink-settings=preferredColorScheme", "1") == "0"
    assert not given
    with closing(Tab(folder)) as tab:
        tab.open(html, address, width=width, height=height, dark=dark)
        end = time.monotonic() + 60
        while not (found := re.search(r"found (\{.*\})", tab.evaluate("document.body.textContent"))):
            assert time.monotonic() < end, tab.messages()
            time.sleep(0.02)
        return json.loads(found[1]), tab.messages()
