"""Things to touch on a page in Chromium: open a page of some things, set their states, and read what they show."""

import json
from urllib.parse import urlencode

from demos.tour import page


class Things:
    """A page of some things to touch in a tab.  html: of the things. address: what follows the name of the file."""

    def __init__(self, tab, *html, address="", **options):
        self.tab = tab
        tab.open(page.document(["<main><header></header>", *html, "</main>"]), address, **options)
        assert tab.messages() == []

    def part(self, thing, name):
        """Return a JavaScript expression for a part of a thing."""
        return f"document.querySelector({json.dumps(f'#{thing} [data-part={json.dumps(name)}]')})"

    def value(self, thing, name):
        """Return a number that a thing shows."""
        return float(self.tab.evaluate(f"{self.part(thing, name)}.dataset.value"))

    def text(self, thing, name):
        """Return a text that a thing shows; "" if its place is hidden."""
        place = self.part(thing, name)
        return self.tab.evaluate(f"{place}.style.visibility === 'hidden' ? '' : {place}.textContent")

    def grey(self, thing, name, shape):
        """Return the grey levels, from 0 to 255, of the pixels of a picture, by rows.  shape: of the image."""
        rows, columns = shape
        return self.tab.evaluate(f"""(() => {{
          const {{width, height}} = {self.part(thing, name)};
          const pen = {self.part(thing, name)}.getContext("2d");
          const at = (i, j) => [(j + 0.5) * width / {columns}, (i + 0.5) * height / {rows}];
          return Array.from({{length: {rows * columns}}}, (_, k) =>
            pen.getImageData(...at(Math.floor(k / {columns}), k % {columns}), 1, 1).data[0]);
        }})()""")

    def go(self, thing, **state):
        """Open the address of a state of a thing, and wait until the thing has followed."""
        self.tab.evaluate(f"""new Promise((done) => {{
          addEventListener("hashchange", () => setTimeout(done), {{once: true}});
          location.hash = {json.dumps(f"{thing}?{urlencode(state)}")};
        }})""")

    def state(self):
        """Return the state in the address of the page."""
        return self.tab.evaluate('Object.fromEntries(new URLSearchParams(location.hash.split("?")[1]))')

    def press(self, thing, name):
        """Press a button."""
        self.tab.evaluate(f"{self.part(thing, name)}.click()")

    def set(self, thing, name, value):
        """Set a slider or a list."""
        place = self.part(thing, name)
        self.tab.evaluate(f"{place}.value = {json.dumps(value)}")
        self.tab.evaluate(f'["input", "change"].forEach((kind) => {place}.dispatchEvent(new Event(kind)))')

    def publish(self, digit):
        """Do what the canvas does with its digit.  digit: text of 0 and 1."""
        self.tab.evaluate(f"document.documentElement.dataset.digit = {json.dumps(digit)}")
        self.tab.evaluate('document.dispatchEvent(new Event("digit"))')

    def paint(self, i):
        """Paint pixel i of the canvas with a click."""
        self.tab.evaluate("document.getElementById('canvas').scrollIntoView()")
        self.tab.mouse(self.tab.at(f"#canvas .paint > :nth-child({i + 1})"))
