"""The formulas of the lecture, once: the lessons, docs/lecture.md and the page of the tour state them in no other form.

To change a formula, change it here first; the tests then name the places that still state the old one. The misprints
that docs/lecture.md names are corrected here. The formulas of NADE's network are the paper's: the lecture has none.
"""

import itertools
import re
import unicodedata

import pytest

from demos.tour.lecture import SECTIONS as PAGE
from lessons import make
from tests.claims import ROWS, SECTIONS, table_rows, title

# Lessons / section of docs/lecture.md / of the page: equal expressions. A lesson states all of them before "or";
# after "or" is another expression for the same. docs/lecture.md and the page state at least one equation of them.
LECTURE = {
    "1_independence / Discrete Distributions / independence": [
        "p(x₁, …, xₙ) = p(x₁) p(x₂|x₁) p(x₃|x₁, x₂) … p(xₙ|x₁, …, xₙ₋₁) or p(x) = Πᵢ p(xᵢ|x_<ᵢ)",
        "p(x|y) = p(x, y)/p(y) = p(y|x) p(x)/p(y)",
        "x ⊥ y | z",
        "p(x|y, z) = p(x|z)",
    ],
    "8_uses / Generative Model": ["p(y|x) = p(x|y) p(y)/p(x)"],
    "1_independence / Markov Assumption / markov": [
        "p(x₁, …, xₙ) = p(x₁) p(x₂|x₁) … p(xₙ|xₙ₋₁) or p(x) = p(x₁) Πᵢ p(xᵢ|xᵢ₋₁)"
    ],
    "2_nade / 3_pixelrnn / NADE / nade": [
        "p(x₁, …, xₙ) = p(x₁) p(x₂|x₁) p(x₃|x_{1:2}) … p(xₙ|x_{1:n−1}) or p(x) = Πᵢ p(xᵢ|x_<ᵢ)"
    ],
    "2_nade / NADE / nade": ["p(xᵢ = 1|x_<ᵢ) = σ(bᵢ + Vᵢ · hᵢ)", "hᵢ = σ(c + Σ_{j<i} xⱼ Wⱼ) or σ(aᵢ)"],
    "4_vae / Variational Inference / truth_lab": [
        "ln p(x) = E_q[ln p(x)] = E_q[ln p(x, z)/p(z|x)] = E_q[ln p(x, z) q(z|x)/(q(z|x) p(z|x))]"
        " = E_q[ln p(x, z)/q(z|x)] + E_q[ln q(z|x)/p(z|x)] = E_q[ln p(x, z)/q(z|x)] + KL(q(z|x) ‖ p(z|x))"
        " or ELBO + KL(q(z|x) ‖ p(z|x))"
    ],
    "4_vae / ELBO / vae": [
        "ELBO = ∫ ln p(x|z) p(z)/q(z|x) q(z|x) dz = E_q[ln p(x|z)] − KL(q(z|x) ‖ p(z)) or E_q[ln p(x, z)/q(z|x)]"
    ],
    "6_gan_on_a_line / 7_gan_digits / Generative Adversarial Network / gan": [
        "min_G max_D V(D, G) = E_{x∼p_data}[ln D(x)] + E_{z∼p_z}[ln(1 − D(G(z)))]"
    ],
    "6_gan_on_a_line / Discriminator / gan": [
        "V(D, G) = E_{x∼p_data}[ln D(x)] + E_{x∼p_G}[ln(1 − D(x))]",
        "D*(x) = p_data(x)/(p_data(x) + p_G(x))",
    ],
    "6_gan_on_a_line / Generator / gan": [
        "V(D*, G) = E_{x∼p_data}[ln p_data(x)/(p_data(x) + p_G(x))] + E_{x∼p_G}[ln p_G(x)/(p_data(x) + p_G(x))] = "
        "E_{x∼p_data}[ln p_data(x)/((p_data(x) + p_G(x))/2)] + E_{x∼p_G}[ln p_G(x)/((p_data(x) + p_G(x))/2)] − ln 4"
        " = KL(p_data, (p_data + p_G)/2) + KL(p_G, (p_data + p_G)/2) − ln 4 = 2 JSD(p_data, p_G) − ln 4"
    ],
}


SIGNS = {"sim": "∼", "sigma": "σ", "sum": "Σ", "int": "∫", "perp": "⊥", "cdot": "·", "cdots": "…", "dots": "…"}
SIGNS |= {"|": "‖", "mid": "|"}  # other commands of TeX keep their name


def fraction(found):
    """a/b, with parentheses around a sum above, and around all but a factor below."""
    above, below = found.groups()
    above = f"({above})" if re.search("[+-]", re.sub(r"\(.*?\)", "", above)) else above
    return above + "/" + (below if re.fullmatch(r"\w+(\([^()]*\))?", below) else f"({below})")


REWRITE = [  # again and again: braces go from the inside out. θ, φ and the G of D*_G go, as in docs/lecture.md.
    ("[₀-₉₋ᵢⱼₙ]+", lambda found: "_{" + unicodedata.normalize("NFKC", found[0]) + "}"),
    ("_<_{", "_{<"),
    (r"\\(?:mathbb|mathrm|text|boxed)\{([^{}]*)\}", r"\1"),
    (r"\\(left|right|Big|begin|end|[,;!\\])|\\(theta|phi)", ""),
    (r"\\(?!d?frac|underbrace|boxed)([a-zA-Z]+|.)", lambda found: SIGNS.get(found[1], found[1])),
    (r"\s|&|\{aligned\}|_\{\}|_(?=\()|\^(?=\*)|(?<=\*)_G", ""),
    *[("−", "-"), (r"\[", "("), (r"\]", ")"), (r"P(?=\()", "p"), ("log", "ln")],
    *[("D_(KL|JSD)", r"\1"), (r"E_⟨q\(z\|x\)⟩", "E_q"), (r"(?<!\})_\{(\w+)\}", r"_\1")],
    (r"(?<!\})_\{([^{}]+)\}", r"_⟨\1⟩"),
    (r"\\d?frac\{([^{}]*)\}\{([^{}]*)\}", fraction),
    (r"\\underbrace\{([^{}]*)\}_\{[^{}]*\}", r"\1"),
]


def plain(text):
    """A formula, in TeX or in Unicode, in the one form in which formulas are compared."""
    before = None
    while text != before:
        before = text
        for pattern, new in REWRITE:
            text = re.sub(pattern, new, text)
    return text.strip(",")


def sides(equation):
    return frozenset(re.split(r"=(?![^()]*\))", plain(equation)))


def in_lesson(lesson):
    prose = " ".join(source for kind, source in make.cells(lesson.read_text(encoding="utf-8")) if kind == "markdown")
    return "\n".join(tex for _, tex in re.findall(r"(\$\$?)(.+?)\1", prose.replace("\n# ", " "), re.DOTALL))


LESSONS = {lesson.stem: in_lesson(lesson) for lesson in make.lessons()}
MAP = {
    title(section): "\n".join([formula, *(row.formula for row in ROWS if row.section == title(section))])
    for section, (_, formula, *_) in zip(SECTIONS[1:], table_rows(SECTIONS[0]), strict=True)
}


def on_page(formula):
    """The formulas of a section of the page, one a line. A derivation is one line, without the reasons of its steps."""
    lines = re.sub(r"\\quad \\text\{[^{}]*\}", "", re.sub(r"\s+", " ", formula)).replace(r"\\", "\n")
    return re.sub(r"\n\s*=", " =", lines)


TEXTS = LESSONS | MAP | {section.demo: on_page(section.formula) for section in PAGE}
FORMULAS = {}  # of each place: the sides of each formula, and these with other expressions for them
for places, formulas in LECTURE.items():
    both = [(sides(formula.split(" or ")[0]), sides(formula.replace(" or ", "="))) for formula in formulas]
    for place in places.split(" / "):
        FORMULAS.setdefault(place, []).extend(both)
each_place = pytest.mark.parametrize("place", FORMULAS)


def statements(text):
    return [s for s in re.split(r"\n|(?<!\\);|,  |⇒|\\q?quad|\\(?:Longr|R)ightarrow", text) if s.strip()]


def states(said, equal):
    return said <= equal and (len(said) > 1 or said == equal)


def faults(place, text):
    """The formulas that a place leaves out, and its equations of which only some sides are the lecture's."""
    said = [sides(statement) for statement in statements(text)]
    for own, equal in FORMULAS[place]:
        stated = frozenset().union(*(s for s in said if states(s, equal)))
        if not (own <= stated if place in LESSONS else stated):
            yield f"missing: {sorted(own - stated)}"
    for s in said:
        touched = [equal for _, equal in FORMULAS[place] if s & equal]
        if touched and not any(s <= equal for equal in touched):
            yield f"not the lecture's: {sorted(s)}"


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\underbrace{\mathbb{E}_{q_\phi(z|x)}\left[\ln p_\theta(x|z)\right]}_{\text{the label}}", "E_q[ln p(x|z)]"),
        (r"D_{KL}(q\,\|\,p) - \log 4", "KL(q ‖ p) − ln 4"),
        (r"\frac{a + b}{p(x) q(x)} \cdot \frac{a}{\frac{p(x) + b}{2}}", "(a + b)/(p(x) q(x)) · a/((p(x) + b)/2)"),
        (r"x_{<i}, x_{i-1}, \sum_{j<i} W_j", "x_<ᵢ, xᵢ₋₁, Σ_{j<i} Wⱼ"),
    ],
)
def test_tex_and_text_of_one_formula_are_one(tex, text):
    assert plain(tex) == plain(text)
    assert not re.search(r"[\\{}\s]", plain(tex))


@each_place
def test_a_place_states_the_formulas_of_the_lecture_and_no_other_form_of_them(place):
    assert list(faults(place, TEXTS[place])) == []


CHANGES = [("[-−]", "+"), (r"\+", "-"), (r"[pP](?=[(_])", "q"), ("q(?=[(_])", "p"), (r"([xyz])\|([xyz])", r"\2|\1")]
CHANGES += [("p_{?data}?", "p_G"), ("max", "min"), (r"\\?l(n|og)", "")]
CHANGES += [(r"/ ?2|(?<=\{)2(?=\})|2(?=[\\, ]*(D_\{J|J))", "")]


@each_place
def test_a_formula_with_one_small_change_is_a_fault(place):
    """A sign, p for q, x|z for z|x, a factor or a logarithm left out: each where it occurs, once."""
    stated = [s for s in statements(TEXTS[place]) if any(states(sides(s), equal) for _, equal in FORMULAS[place])]
    unnoticed, changes = [], 0
    for s, (old, new) in itertools.product(stated, CHANGES):
        for found in re.finditer(old, s):
            changes += 1
            changed = s[: found.start()] + found.expand(new) + s[found.end() :]
            if not list(faults(place, TEXTS[place].replace(s, changed, 1))):
                unnoticed.append(changed)
    assert changes > 0
    assert unnoticed == []
