"""What the page does for a reader: symbols light up, measured values are guessed first, a projector shows slides."""

import re
from dataclasses import replace

import pytest

from demos import figures
from demos.tour import mathematics, page, pictures
from demos.tour.lecture import SECTIONS
from demos.tour.text import ENGLISH, KOREAN
from demos.tour.verdicts import Claim
from minigen import plot
from minigen.nade import nade_logits_reference
from tests.demos.chromium import needs_chromium

pytestmark = needs_chromium
NADE = next(section for section in SECTIONS if section.demo == "nade")
CLAIM = Claim("x", r"x is (?P<measured>[-\d.%]+)", "=", "{}, y", "tests/a.py::test_v3_b", "Look at y.", expected=8)


def html(say=ENGLISH):
    """A page of a start and of two sections with two steps each: formula and code, verdicts; a long list."""
    tex = [symbol for symbol, _, _ in NADE.symbols]
    formula = mathematics.formula(NADE.formula, {}, say, tex) + page.symbols(NADE.symbols, say)
    verdicts = [CLAIM.verdict(f"x is {x}", 0, say) for x in (8, 7.5, 9)] + [CLAIM.verdict("", 0, say)]
    rows = page.verdicts(verdicts, str, say)
    code = page.source(nade_logits_reference, page.Path(page.__file__).parents[2], str, say)
    long = page.listing(map(str, range(100)))
    first = page.step("<h3>a</h3>", formula) + page.step(code, rows) + "<p id='outside'>not a slide</p>"
    second = page.step("<p id='b1'>b1</p>") + page.step(long)
    sections = f"<section id='one'><h2>1. One</h2>{first}</section><section id='two'><h2>2. Two</h2>{second}</section>"
    start = '<header><h1>A lecture</h1><p class="summary">All hold.</p></header>'
    return page.document([page.contents([("one", "One")], say), f"<main>{start}{sections}</main>"], say)


def lit(tab):
    return tab.evaluate("""[...document.querySelectorAll(".lit")].map((part) =>
        part.closest("code, .formula, li").localName + " "
        + (part.closest("code") ? part.textContent : part.dataset.symbol))""")


def test_a_symbol_lights_up_in_formula_list_and_code(tab):
    tab.open(html())
    assert lit(tab) == []
    k = str([symbol for symbol, _, _ in NADE.symbols].index("V_i"))
    tab.evaluate(f"document.querySelector('.symbols [data-symbol=\"{k}\"]').focus()")
    assert lit(tab) == [f"div {k}", f"li {k}", "code V", "code V"]
    tab.press("Tab")
    assert f"li {k}" not in lit(tab)
    tab.press("Enter")
    tab.evaluate("document.activeElement.blur()")
    assert lit(tab)[0] == f"div {int(k) + 1}"
    assert tab.evaluate("document.querySelectorAll('[aria-pressed=\"true\"]').length") == 1
    assert tab.messages() == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.demo)
def test_every_symbol_is_in_the_formula_and_its_names_are_in_the_code(section):
    drawn = mathematics.formula(section.formula, symbols=[tex for tex, _, _ in section.symbols])
    names = {name for item in section.code for name in re.findall(r"\w+", page.excerpt.code(item))}
    for k, (tex, in_code, _) in enumerate(section.symbols):
        assert f'data-symbol="{k}"' in drawn, tex
        assert set(in_code.split()) <= names


def test_the_picture_of_the_game_shows_the_symbols_of_its_formula(tab, tmp_path):
    """A figure with D* in it, as `demos.gan` draws it."""
    figure, ax = figures.panel()
    ax.plot([0, 1], [0, 1], gid=f"{figures.SYMBOL}D^*")
    plot.save(figure, tmp_path / "density.svg")
    drawn = pictures.Picture("density.svg", "a", "b").html(tmp_path, ENGLISH)
    gan = next(section for section in SECTIONS if section.demo == "gan")
    tab.open(page.document([f"<section>{page.symbols(gan.symbols, ENGLISH)}{drawn}</section>"]))
    k = [symbol for symbol, _, _ in gan.symbols].index("D^*")
    tab.evaluate(f"document.querySelectorAll('.symbols span')[{k}].focus()")
    assert tab.evaluate("document.querySelectorAll('figure .lit').length") == 1


def shown(tab, row):
    """Which parts of a row of the verdicts are seen: (measured value, relation and mark), and its buttons."""
    return tab.evaluate(f"""(() => {{
        const row = document.querySelectorAll("tbody tr")[{row}];
        const seen = (part) => part.checkVisibility({{visibilityProperty: true}});
        return {{value: seen(row.querySelector(".measured span")), mark: seen(row.querySelector(".mark b, .mark")),
                 buttons: [...row.querySelectorAll("button")].map((b) => b.textContent)}};
    }})()""")


ASKED = {"value": False, "mark": False, "buttons": ["lower", "equal", "higher"]}
SEEN = {"value": True, "mark": True, "buttons": []}


def test_a_measured_value_is_guessed_before_it_is_seen(tab):
    """The rows: a claim that holds, one that is too low, its reason, one that is too high, its reason, no value."""
    tab.open(html())
    assert [shown(tab, k) for k in (0, 1, 3, 5)] == [ASKED, ASKED, ASKED, SEEN]
    reason = "document.querySelectorAll('tr.failed')[0].checkVisibility()"
    assert not tab.evaluate(reason)
    tab.evaluate("document.querySelectorAll('tbody tr')[1].querySelector('[value=lower]').click()")
    assert [shown(tab, k) for k in (0, 1, 3)] == [ASKED, SEEN, ASKED]
    assert tab.evaluate(reason)
    tab.evaluate("document.querySelectorAll('tbody tr')[3].querySelector('[value=equal]').click()")
    said = "[...document.querySelectorAll('.guessed')].map((part) => part.textContent)"
    assert tab.evaluate(said) == ["You guessed right.", "Your guess was: equal."]
    assert tab.messages() == []


def test_the_guessing_can_be_switched_off_and_the_address_keeps_that(tab):
    tab.open(html())
    tab.evaluate("document.querySelector('.switch input').click()")
    assert shown(tab, 0) == SEEN
    assert tab.evaluate("location.search") == "?guess=off"
    tab.open(html(), "?guess=off#one")
    assert shown(tab, 0) == SEEN
    tab.evaluate("document.querySelector('.switch input').click()")
    assert (shown(tab, 0), tab.evaluate("location.search + location.hash")) == (ASKED, "#one")


@pytest.mark.parametrize("how", [{"media": "print"}, {"javascript": False}])
def test_on_paper_and_without_scripts_every_value_is_shown(how, tab):
    tab.open(html(), **how)
    tab.call("Emulation.setScriptExecutionDisabled", value=False)
    assert shown(tab, 0)["value"]
    assert shown(tab, 0)["mark"]


@pytest.mark.parametrize(
    ("measured", "relation", "expected", "answer"),
    [(8, "=", 8, "equal"), (7.9, "≥", 8, "lower"), (8.1, "<", 8, "higher"), (8.1, "→", 8, "equal")],
)
def test_the_right_answer_is_computed(measured, relation, expected, answer):
    claim = replace(CLAIM, relation=relation, tolerance=0.2 if relation == "→" else 0.0)
    assert claim.verdict(f"x is {measured}", 0).answer == answer


def test_within_an_interval_the_answer_is_equal():
    claim = replace(CLAIM, pattern=r"(?P<measured>\S+) of (?P<expected>.*)", relation="in", expected=None)
    assert [claim.verdict(f"{v}% of 2.5% to 8%", 0).answer for v in (2.4, 3, 8.1)] == ["lower", "equal", "higher"]


def slide(tab):
    """The number, the title and the text of what the screen shows."""
    return tab.evaluate("""(() => {
        const seen = [...document.querySelectorAll("main *")].filter((part) => part.checkVisibility());
        const text = (selector) => seen.filter((part) => part.matches(selector)).map((part) => part.textContent).join();
        return [document.querySelector(".controls output").textContent, text("h1, h2"), text("h3, #b1, #outside")];
    })()""")


def test_slides_go_on_and_back_by_keys_and_buttons(tab):
    tab.open(html(), "?slides", width=1280, height=720)
    assert slide(tab) == ["1 / 5", "A lecture", ""]
    tab.press("PageDown")
    assert slide(tab) == ["2 / 5", "1. One", "a"]
    tab.evaluate("document.querySelectorAll('.controls button')[1].click()")
    tab.press("PageDown")
    assert slide(tab) == ["4 / 5", "2. Two", "b1"]
    assert tab.evaluate("location.search") == "?slides=4"
    tab.press("End", "PageDown", "PageUp", "PageUp", "Home", "PageUp")
    assert slide(tab)[0] == "1 / 5"
    tab.open(html(), "?slides=4", width=1280, height=720)
    assert slide(tab) == ["4 / 5", "2. Two", "b1"]
    tab.press("Escape")
    assert tab.evaluate("[location.search, document.querySelectorAll('.step').length]") == ["", 4]
    assert tab.evaluate("[...document.querySelectorAll('.step, #outside')].every((part) => part.checkVisibility())")
    tab.open(html(), "?slides#b1", width=1280, height=720)
    assert slide(tab)[0] == "4 / 5"
    assert tab.messages() == []


def test_a_slide_fills_the_screen_and_does_not_leave_it(tab):
    tab.open(html(), "?slides=2", width=1280, height=720)
    box = "(({right, bottom}) => [right, bottom])(document.querySelector('.step.now').getBoundingClientRect())"
    zoom = "Number(document.querySelector('.step.now').style.zoom)"
    right, bottom = tab.evaluate(box)
    assert 1 < tab.evaluate(zoom) <= 2
    assert right <= 1280
    assert bottom <= 720
    tab.press("End")
    assert tab.evaluate(zoom) == 0.5


def test_the_scripts_speak_the_language_of_the_page(tab):
    tab.open(html(KOREAN))
    label = tab.evaluate("document.querySelector('.switch').textContent")
    assert label.strip() == KOREAN("Guess each measured value before you see it")
