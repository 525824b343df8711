"""Things to touch on the page. Each is a Python file, which brings the weights that this run trained as 32-bit numbers,
and a JavaScript file of the same name, which computes in the page. `state.js` and `models.js` are for all of them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from html import escape
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np

from demos.tour.script import as_json, script
from demos.tour.text import Language
from minigen.nn.layers import Linear


def packed(array: Any) -> str:
    """Return the numbers of an array as float32 in base64, see `numbersOf` in state.js."""
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def in_16_bits(array: Any) -> tuple[np.ndarray, float]:
    """Return whole numbers from −32767 to 32767, and a step: their product is the array, rounded to the next step."""
    step = float(np.max(np.abs(array))) / 32767 or 1.0
    return np.round(np.asarray(array) / step).astype("<i2"), step


def packed_16_bits(array: Any) -> dict[str, Any]:
    """Return the numbers of an array as whole numbers of 16 bits in base64 and a step, see `roundedNumbersOf`."""
    numbers, step = in_16_bits(array)
    return {"numbers": base64.b64encode(np.ascontiguousarray(numbers).tobytes()).decode(), "step": step}


def layers(network: Any, pack: Callable[[Any], Any] = packed) -> list[dict[str, Any]]:
    """Return the weights of the linear layers of a network.

    network: a Sequential, or a linear layer. pack: writes an array, `packed` or `packed_16_bits`.
    """
    linear = [layer for layer in getattr(network, "layers", [network]) if isinstance(layer, Linear)]
    return [{"W": pack(layer.weight.data), "b": pack(layer.bias.data)} for layer in linear]


def thing(name: str, parts: str, data: dict[str, Any], say: Language, kind: str = "") -> str:
    """Return the HTML of a thing to touch. Without JavaScript nothing of it is shown.

    name: of this thing on the page. parts: the HTML inside; the script finds an element by its attribute data-part.
    data: numbers and texts for the script. say: language of the texts that the script shows. kind: of the JavaScript
    file, in which the function `<kind>Widget(root, data)` shows the thing; "": the name.
    """
    files = [f"play/{file}.js" for file in ("state", "models", kind or name)]
    of = lambda element: f'document.getElementById("{element}")'
    end = f"""{kind or name}Widget({of(name)}, JSON.parse({of(f"{name}-data")}.textContent));
if (location.hash.startsWith("#{name}?")) {of(name)}.scrollIntoView();"""
    return f"""<div class="play" id="{name}" hidden>{parts}</div>
<script type="application/json" id="{name}-data">{as_json(data)}</script>
{script(files, end, say)}"""


class Preset(NamedTuple):
    """A state of a thing to touch that shows something.

    title: a few words. state: the texts of the state by name. finding: what the state shows, one sentence.
    """

    title: str
    state: dict[str, str]
    finding: str


def presets(name: str, items: Iterable[Preset]) -> str:
    """Return links to states of a thing, and a place for the finding of the chosen one, see `showFinding` in state.js.

    name: of the thing. A link opens the page in this state also from elsewhere.
    """
    links = "".join(
        f'<a href="#{name}?{escape(urlencode(state))}" data-finding="{escape(finding)}">{escape(title)}</a>'
        for title, state, finding in items
    )
    return f'<p class="presets">{links}</p><p class="finding" data-part="finding" aria-live="polite"></p>'


def intro(title: str, *sentences: str) -> str:
    """Return the head of a thing to touch: its title, and a paragraph that says what can be done with it."""
    return f"<h3>{escape(title)}</h3><p>{escape(' '.join(sentences))}</p>"


def button(part: str, label: str) -> str:
    """Return a button.  part: its name for the script."""
    return f'<button type="button" data-part="{part}">{escape(label)}</button>'


def select(part: str, label: str, options: dict[Any, str]) -> str:
    """Return a list to choose from.  part: its name for the script. options: the text of each value."""
    items = "".join(f'<option value="{value}">{escape(text)}</option>' for value, text in options.items())
    return f'<select data-part="{part}" aria-label="{escape(label)}">{items}</select>'


def choice(name: str, label: str, options: dict[str, str]) -> str:
    """Return a group of radio buttons.  name: in the state. label: of the group. options: the text of each value."""
    inputs = (
        f'<label><input type="radio" name="{name}" value="{escape(value)}"> {escape(text)}</label>'
        for value, text in options.items()
    )
    return f"<fieldset><legend>{escape(label)}</legend>{''.join(inputs)}</fieldset>"


def slider(part: str, label: str, low: float, high: float, step: float = 0.01) -> str:
    """Return a slider with its label, see `setSlider` in state.js.  part: its name for the script."""
    bounds = f'min="{low}" max="{high}" step="{step}"'
    shown = f"{escape(label)} = <output></output>"
    return f'<label class="slider">{shown} <input type="range" data-part="{part}" {bounds}></label>'


def number(part: str, term: str, note: str) -> str:
    """Return a place for a number.  part: its name for the script. term: what it is. note: a few words about it."""
    return f'<div><b data-part="{part}"></b><span>{escape(term)}</span><small>{escape(note)}</small></div>'


def picture(part: str, label: str, caption: str) -> str:
    """Return a place for a picture.  part: its name for the script. label: what it shows. caption: below it."""
    drawn = f'<canvas data-part="{part}" width="160" height="160" role="img" aria-label="{escape(label)}"></canvas>'
    return f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"
