"""The sections of the page, in the order of the lecture: demo, formulas, code and claims. A preview stands
first, so what a density is for comes after the models that have one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demos.tour import text
from demos.tour.captions import PICTURES
from demos.tour.pictures import Picture
from demos.tour.play.alarm import alarm
from demos.tour.play.canvas import canvas
from demos.tour.play.codes import codes
from demos.tour.play.dirac import dirac
from demos.tour.play.game import game
from demos.tour.play.joint import joint
from demos.tour.play.posterior import posterior
from demos.tour.text import Language, Text
from demos.tour.verdicts import Claim
from minigen import aae, ar, divergences, gan, markov, nade, penalties, table, uses, vae
from minigen.analysis import evidence, quality
from minigen.data.sets import Dataset
from minigen.nn import cells


@dataclass(frozen=True)
class Section:
    """A section of the page: one demo, and the texts around its results.

    demo: name of the demo. formula: lines of TeX, see `mathematics.formula`.
    code: functions and classes to show. claims: values to show. change: a command to
    try, and what it shows. options: of the demo. quick: options with `--quick`; None: the section is left out. data:
    whether the demo takes `--data`.
    with_labels: more options, for images with labels. without_labels: says what the section leaves out if
    the images have no labels; "": nothing. classes: the most classes that the demo can use; None: any
    number.
    measured: values under the terms of the formula, by the label of a term: a regular expression for the printed text,
    whose group 1 is the value, or a function of the number of pixels. play: a function of the folder of the tour, the
    data set and the language that returns the HTML of a thing to touch. symbols: TeX of a symbol in the formula, its
    names in the code, and what it is. All texts are in English, see `text`.
    """

    demo: str
    formula: str
    code: tuple[Any, ...]
    claims: tuple[Claim, ...] = ()
    change: tuple[tuple[str, str], ...] = ()
    options: str = ""
    quick: str | None = ""
    data: bool = False
    with_labels: str = ""
    without_labels: str = ""
    classes: int | None = None
    measured: tuple[tuple[str, str | Callable[[int], str]], ...] = ()
    play: Callable[[Path, Dataset, Language], str] | None = None
    symbols: tuple[tuple[str, str, str], ...] = ()

    @property
    def text(self) -> Text:
        """The prose of the section in English."""
        return text.prose(self.demo)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures of the section."""
        return PICTURES[self.demo]

    def values(self, printed: str, D: int) -> dict[str, str]:
        """Return the values under the terms of the formula, by label, as text; a value that is missing is left out.

        printed: output of the demo. D: pixels of an image.
        """
        found = {label: v(D) if callable(v) else re.search(v, printed) for label, v in self.measured}
        return {label: v if isinstance(v, str) else v[1].replace("-", "−") for label, v in found.items() if v}


def in_digits(n: int) -> str:
    """Return a whole number as text: all digits of a number below a million, else three digits and a power of 10."""
    power = len(str(n)) - 1
    if power < 6:
        return f"{n:,}"
    return f"{n // 10 ** (power - 2) / 100:.2f} · 10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(power))


LAST_ROW = r"(?=[^\n]+\n\n)\s+epoch \d+\s+"
"""Before the numbers in the last row of the first table that `truth_lab` prints."""

SECTIONS = [
    Section(
        "independence",
        r"""
P(x_1,\dots,x_n) = P(x_1)\,P(x_2|x_1)\,P(x_3|x_1,x_2)\cdots P(x_n|x_1,\dots,x_{n-1})
    \quad \text{chain rule} \\
P(x|y) = \dfrac{P(x,y)}{P(y)} = \dfrac{P(y|x)\,P(x)}{P(y)} \quad \text{Bayes' rule} \\
x \perp y\,|\,z \Rightarrow P(x|y,z) = P(x|z) \quad \text{conditional independence} \\
\underbrace{2^n - 1}_{\text{any distribution}} \geq \underbrace{2n - 1}_{\text{Markov chain}} \geq
    \underbrace{n}_{\text{independent pixels}} \quad \text{parameters}
""",
        (table.IndependentBernoulli.log_prob, divergences.conditional_mutual_information),
        (
            Claim(
                "decrease of the NLL from independent pixels to a Markov chain, nats",
                r"Markov\s+\d+\s+[\d.]+\s+(?P<measured>[\d.]+)\s+Σ I.*= (?P<expected>[\d.]+)",
                "=",
                "{}, the information of each pixel about the next",
                "tests/minigen/analysis/test_ledger.py::test_i5_every_step_of_the_ledger_equals_its_quantity",
                "A fit has not reached its maximum, or the two numbers are of different pixels.",
                tolerance=0.0002,
            ),
            Claim(
                "decrease of the NLL from NADE to the full table, nats",
                r"full table\s+[\d,]+\s+[\d.]+\s+(?P<measured>[\d.]+)\s+KL.*= (?P<expected>[\d.]+)",
                "=",
                "{}, the KL divergence of NADE from the table",
                "tests/minigen/analysis/test_ledger.py::test_i5_every_step_of_the_ledger_equals_its_quantity",
                "A fit has not reached its maximum, or the two numbers are of different pixels.",
                tolerance=0.0002,
            ),
        ),
        (("python -m demos independence --data mnist", "the same on MNIST (20 minutes)"),),
        "--models independent Markov AR(8) FVSBN NADE",
        "--models independent Markov FVSBN",
        data=True,
        measured=(
            ("any distribution", lambda D: in_digits(2**D - 1)),
            ("Markov chain", lambda D: f"{2 * D - 1}"),
            ("independent pixels", lambda D: f"{D}"),
        ),
        symbols=(
            ("n", "", "the number of pixels"),
            (r"\perp", "conditional_mutual_information", "is independent of"),
            ("z", "z", "what is given"),
        ),
        play=joint,
    ),
    Section(
        "markov",
        r"""
P(x_1,\dots,x_n) = P(x_1)\,P(x_2|x_1)\cdots P(x_n|x_{n-1}) \\
\underbrace{1}_{\text{for the first pixel}} + \underbrace{2\,(n
    - 1)}_{\text{two for each later pixel}} = \boxed{2n - 1}
    \quad \text{parameters; the notes print 2ⁿ − 1, a misprint}
""",
        (markov.MarkovChain.log_prob, markov.stationary_distribution),
        (
            Claim(
                "parameters of a chain of order 1 over 64 pixels",
                r"k = 1\s+(?P<measured>[\d,]+)\s",
                "=",
                "2n − 1 = {}",
                "tests/minigen/test_markov.py::test_i2_parameters_of_a_chain_of_order_k",
                "The chain does not have two numbers for each pixel after the first.",
                expected=127,
            ),
        ),
        (("python -m demos markov --help", "options for the orders and the smoothing"),),
        measured=(("for the first pixel", lambda D: "1"), ("two for each later pixel", lambda D: "126")),
        symbols=(
            ("n", "", "the number of pixels"),
            ("P(x_1)", "logits", "the distribution of the first pixel"),
            ("P(x_n|x_{n-1})", "logits", "the distribution of a pixel after each value of the pixel before"),
        ),
    ),
    Section(
        "ar",
        r"""
x_t = c + \sum_{i=1}^{n} \varphi_i\,x_{t-i} + \varepsilon_t \quad \varepsilon_t \sim N(0, \sigma^2)
    \quad \text{real values} \\
p(x_i = 1|x_{<i}) = \sigma\left(b_i + \sum_{j=i-n}^{i-1} w_{ij}\,x_j\right)
    \quad \text{binary pixels}
""",
        (ar.AR.logits,),
        (
            Claim(
                "spectral radius of the fitted model (Burg)",
                r"burg\s+[\d.]+\s+(?P<measured>[\d.]+)",
                "<",
                "{}: the model is stationary",
                "tests/minigen/test_gaussian_ar.py::test_a3_these_estimates_are_always_stationary",
                "The forecast would grow without bound.",
                expected=1,
            ),
        ),
        (("python -m demos ar --help", "options for the order and the estimator"),),
        symbols=(
            (r"\varphi_i", "", "the weight of the value i steps before"),
            (r"\varepsilon_t", "", "noise"),
            (r"\sigma", "", "the sigmoid, which makes a probability of a number; σ² is the variance of the noise"),
            ("b_i", "b", "the bias of pixel i"),
            ("w_{ij}", "w", "the weight of pixel j for pixel i"),
            ("x_j", "x", "a pixel before pixel i"),
        ),
    ),
    Section(
        "nade",
        r"""
P(x_1,\dots,x_n) = P(x_1)\,P(x_2|x_1)\,P(x_3|x_{1:2})\cdots P(x_n|x_{1:n-1}) \\
p(x_i = 1|x_{<i}) = \sigma(b_i + V_i \cdot h_i) \\
h_i = \sigma\left(c + \sum_{j<i} x_j\,W_j\right)
""",
        (nade.nade_logits_reference, nade.NADE.log_prob),
        (
            Claim(
                "number of parameters, H = 500",
                r"NADE, 500 hidden\s+(?P<measured>[\d,]+)",
                "=",
                "2DH + H + D = {}",
                "tests/minigen/test_nade.py::test_n2_the_number_of_parameters",
                "The weights are not shared as in the formula.",
                expected=lambda D: 2 * D * 500 + 500 + D,
            ),
        ),
        (
            ("python -m demos nade --hidden 20", "a smaller hidden layer: which strokes are lost first?"),
            ("python -m demos nade --order random", "a random order of the pixels gives another model"),
        ),
        quick="--epochs 10",
        data=True,
        play=canvas,
        symbols=(
            ("W_j", "W", "the weights from pixel j to the hidden units"),
            ("V_i", "V", "the weights from the hidden units to pixel i"),
            ("b_i", "b", "the bias of pixel i"),
            ("c", "c", "the biases of the hidden units"),
            ("h_i", "", "the hidden units when pixel i is predicted"),
            (r"\sigma", "sigmoid", "the sigmoid, which makes a probability of a number"),
        ),
    ),
    Section(
        "pixelrnn",
        r"""
\underbrace{o, i, f}_{\text{gates, between 0 and 1}} = \sigma(x_t\,W + h_{t-1}\,U + b) \quad
    \underbrace{g}_{\text{candidate}} = \tanh(x_t\,W_g + h_{t-1}\,U_g + b_g) \\
c_t = \underbrace{f \odot c_{t-1}}_{\text{kept}} + \underbrace{i \odot g}_{\text{taken in}} \\
h_t = \underbrace{o \odot \tanh c_t}_{\text{shown}}
""",
        (cells.lstm_step,),
        (),
        (("python -m demos pixelrnn --variant all", "also Row LSTM, Diagonal BiLSTM and PixelCNN (5 minutes)"),),
        "--variant raster",
        "--variant raster --epochs 3 --hidden 32",
        data=True,
        symbols=(
            ("x_t", "x", "the input of step t: the pixel before"),
            ("h_t", "h", "the state that the next step sees"),
            ("h_{t-1}", "h", "the state of the step before"),
            ("c_t", "c", "the cell: the memory"),
            ("c_{t-1}", "c", "the memory before the step"),
            ("i", "i", "the input gate"),
            ("f", "f", "the forget gate"),
            ("o", "o", "the output gate"),
            ("g", "g", "the candidate for the memory"),
            ("W", "W", "the weights of the input"),
            ("U", "U", "the weights of the state"),
        ),
    ),
    Section(
        "anomaly",
        r"""
\text{explicit: } p(x) \text{ can be computed} \quad \text{implicit: only } x
    = G(z) \text{ can be drawn} \\
P(y|x) = \dfrac{P(x|y)\,P(y)}{P(x)} \\
s(x) = -\ln p(x) \\
\mathrm{AUC} = P[s(\mathrm{strange}) > s(\mathrm{ordinary})] + \dfrac{1}{2} P[s(\mathrm{strange})
    = s(\mathrm{ordinary})]
""",
        (uses.anomaly_scores, uses.auc),
        (
            Claim(
                "false-alarm rate on test digits, where 5 % is allowed",
                r"false alarms\)\s+(?P<measured>[\d.]+%)[\s\S]*"
                r"in 95% of all runs (?P<expected>from [\d.]+% to [\d.]+%)",
                "in",
                "{} in 95% of all runs",
                "tests/minigen/test_uses.py::test_u2_the_stated_false_alarm_rate_holds_and_is_used_up",
                "The theory allows this in 5 runs of 100. In more runs, calibration and test digits differ.",
                tolerance=0.0005,
            ),
        ),
        (("python -m demos classify", "classification with densities, by Bayes' rule"),),
        quick=None,
        play=alarm,
        symbols=(
            ("s(x)", "anomaly_scores", "the anomaly score"),
            ("p(x)", "log_probs", "the density of the model"),
            (r"\mathrm{AUC}", "auc", "the area under the ROC curve"),
        ),
    ),
    Section(
        "vae",
        r"""
\underbrace{\mathbb{E}_{q(z|x)}\left[\ln \dfrac{p(x,z)}{q(z|x)}\right]}_{\text{ELBO ↑}}
    = \int \ln \dfrac{p(x|z)\,p(z)}{q(z|x)}\,q(z|x)\,dz \\
= \underbrace{\mathbb{E}_{q(z|x)}[\ln p(x|z)]}_{\text{reconstruction term}} -
    \underbrace{\mathrm{KL}(q(z|x)\,\|\,p(z))}_{\text{prior fitting term}} \\
z = \mu(x) + \sigma(x)\,\varepsilon \quad \varepsilon \sim N(0, I)
    \quad \text{so that gradients reach μ and σ}
""",
        (vae.VAE.elbo,),
        (
            Claim(
                "−ELBO, nats",
                r"−ELBO \(k = 1\)\s+[\d,]+\s+(?P<measured>[\d.]+ ± [\d.]+)[\s\S]*?"
                r"VAE, k = [\d,]+\s+[\d,]+\s+(?P<expected>[\d.]+)",
                "≥",
                "{}, the estimate of −ln p(x)",
                "tests/minigen/test_vae.py::test_v7_the_bounds_rise_with_the_number_of_draws",
                "The estimate of −ln p(x) has too few draws: a bound cannot be on the wrong side.",
            ),
        ),
        (
            ("python -m demos vae --beta 4", "a larger weight of the KL term: which dimensions of z stay active?"),
            ("python -m demos vae --latent 2", "z with only two dimensions"),
        ),
        quick="--epochs 20 --draws 100 --alone",
        data=True,
        measured=(
            ("ELBO ↑", r"ELBO = (-[\d.]+) nats"),
            ("reconstruction term", r"reconstruction (-[\d.]+) nats"),
            ("prior fitting term", r"prior fitting ([\d.]+) nats"),
        ),
        symbols=(
            ("q(z|x)", "q", "the encoder: a distribution over z for image x"),
            ("p(z)", "p", "the prior, N(0, I)"),
            ("p(x|z)", "log_likelihood", "the decoder: a distribution over images for z"),
            ("p(x,z)", "", "p(x|z) p(z)"),
        ),
    ),
    Section(
        "truth_lab",
        r"""
\underbrace{\ln p(x)}_{\text{evidence}} = \mathbb{E}_{q(z|x)}\left[\ln p(x)\right]
    \quad \text{because ln p(x) does not depend on z} \\
= \boxed{\mathbb{E}_{q(z|x)}\left[\ln \dfrac{p(x,z)}{p(z|x)}\right]}
    \quad \text{because p(x, z) = p(z|x) p(x); the notes print p(x|z) below, a misprint} \\
= \boxed{\mathbb{E}_{q(z|x)}\left[\ln \dfrac{p(x,z)\,q(z|x)}{q(z|x)\,p(z|x)}\right]}
    \quad \text{times 1; the same misprint} \\
= \mathbb{E}_{q(z|x)}\left[\ln \dfrac{p(x,z)}{q(z|x)}\right] +
    \mathbb{E}_{q(z|x)}\left[\ln \dfrac{q(z|x)}{p(z|x)}\right]
    \quad \text{the logarithm of a product} \\
= \underbrace{\mathbb{E}_{q(z|x)}\left[\ln \dfrac{p(x,z)}{q(z|x)}\right]}_{\text{ELBO ↑}} +
    \underbrace{\mathrm{KL}(q(z|x)\,\|\,p(z|x))}_{\text{objective ↓}}
""",
        (evidence.log_evidence, evidence.kl_to_posterior),
        (
            Claim(
                "|ln p(x) − ELBO − KL| after training, nats",
                r"\n\s+epoch \d+\s+-[\d.]+\s+-[\d.]+\s+[\d.]+\s+(?P<measured>\d\S+)\s+[\d.]+\s+[\d.]+\n\n",
                "=",
                "{}, up to rounding and the error of the integrals",
                "tests/minigen/test_vae.py::"
                "test_v3_the_evidence_is_the_elbo_and_the_divergence_from_the_posterior_in_the_plane",
                "The grid of one of the three integrals is too coarse for this posterior.",
                tolerance=1e-6,
                expected=0,
            ),
        ),
        (("python -m demos truth_lab --epochs 400", "longer training: does KL become smaller?"),),
        play=posterior,
        quick="--epochs 10",
        measured=(
            ("evidence", rf"{LAST_ROW}(-[\d.]+)"),
            ("ELBO ↑", rf"{LAST_ROW}-[\d.]+\s+(-[\d.]+)"),
            ("objective ↓", rf"{LAST_ROW}-[\d.]+\s+-[\d.]+\s+([\d.]+)"),
        ),
        symbols=(
            ("q(z|x)", "q log_q", "the encoder"),
            ("p(z|x)", "log_posterior", "the true posterior"),
            ("p(x,z)", "log_joint", "p(x|z) p(z), the joint density"),
            ("p(x)", "log_evidence evidence", "the evidence"),
        ),
    ),
    Section(
        "aae",
        r"""
\underbrace{\mathbb{E}_{q(z|x)}[\ln p(x|z)]}_{\text{reconstruction term, kept}} -
    \underbrace{\mathrm{KL}(q(z|x)\,\|\,p(z))}_{\text{prior fitting term, replaced by a game}} \\
\min_q\,\max_D\,\mathbb{E}_{z \sim p(z)}[\ln D(z)] + \mathbb{E}_{z \sim q(z)}[\ln(1 - D(z))]
""",
        (aae.AAE.discriminator_loss, aae.AAE.adversarial_loss),
        (
            Claim(
                "loss of the discriminator of codes after training, nats",
                r"discriminator loss\s+(?P<measured>[\d.]+) nats; (?P<expected>[\d.]+)",
                "→",
                "{} = log 4, if codes and samples of the prior are alike",
                "tests/minigen/test_aae.py::test_aa2_where_the_codes_have_the_prior_no_discriminator_beats_log_4",
                "The discriminator still tells codes from samples of the prior: train longer.",
                tolerance=0.15,
            ),
        ),
        (
            ("python -m demos aae --prior roll --labels all", "a Swiss roll as prior"),
            ("python -m demos aae --semi-supervised 100", "a class and a style for each image, from 100 labels"),
        ),
        "--prior flower --no-film",
        "--prior flower --epochs 10 --no-film",
        data=True,
        with_labels="--labels all",
        without_labels="no class gets a petal of its own: nothing tells a code which petal to take.",
        classes=10,
        play=codes,
        symbols=(
            ("q(z|x)", "code codes", "the encoder, which makes a code of an image"),
            ("p(z)", "draws", "the prior"),
            ("D(z)", "logits", "the discriminator of codes"),
        ),
    ),
    Section(
        "gan",
        r"""
\min_G\,\max_D\,V(D, G) = \mathbb{E}_{x \sim p_\mathrm{data}}[\ln D(x)] +
    \mathbb{E}_{z \sim p_z}[\ln(1 - D(G(z)))] \\
V(D, G) = \mathbb{E}_{x \sim p_\mathrm{data}}[\ln D(x)] + \mathbb{E}_{x \sim p_G}[\ln(1 - D(x))]
    \quad \text{x = G(z) has the density p_G} \\
\dfrac{\partial}{\partial D}\left[p_\mathrm{data}\,\ln D + p_G\,\ln(1 - D)\right]
    = \dfrac{p_\mathrm{data}}{D} - \dfrac{p_G}{1 - D} = 0 \quad \text{at each x, for the best D} \\
D^*(x) = \dfrac{p_\mathrm{data}(x)}{p_\mathrm{data}(x) + p_G(x)} \\
V(D^*, G) =
    \mathbb{E}_{x \sim p_\mathrm{data}}\left[\ln \dfrac{p_\mathrm{data}(x)}{p_\mathrm{data}(x) + p_G(x)}\right] +
    \mathbb{E}_{x \sim p_G}\left[\ln \dfrac{p_G(x)}{p_\mathrm{data}(x) + p_G(x)}\right] \\
= \mathbb{E}_{x \sim p_\mathrm{data}}\left[\ln \dfrac{p_\mathrm{data}(x)}{\frac{p_\mathrm{data}(x)
    + p_G(x)}{2}}\right] + \mathbb{E}_{x \sim p_G}\left[\ln \dfrac{p_G(x)}{\frac{p_\mathrm{data}(x)
    + p_G(x)}{2}}\right] - \ln 4 \quad \text{each half gives − ln 2} \\
= \underbrace{\mathrm{KL}\left(p_\mathrm{data}, \dfrac{p_\mathrm{data}
    + p_G}{2}\right)}_{\text{data from the mean}} +
    \underbrace{\mathrm{KL}\left(p_G, \dfrac{p_\mathrm{data}
    + p_G}{2}\right)}_{\text{samples from the mean}} - \ln 4 \\
= \underbrace{2\,\mathrm{JSD}(p_\mathrm{data}, p_G)}_{\text{2 × Jensen–Shannon divergence ↓}} -
    \underbrace{\ln 4}_{\text{the constant}}
""",
        (gan.value, divergences.optimal_discriminator, divergences.optimal_value),
        (
            Claim(
                "V(D, G) with the learned D, nats",
                r"V\(D, G\)\s+(?P<measured>-[\d.]+) nats[\s\S]*?2 JSD − log 4\s+(?P<expected>-[\d.]+)",
                "≤",
                "{} = 2 JSD − log 4, the value with the best D*",
                "tests/minigen/test_divergences.py::test_g1_it_is_the_one_maximum_of_the_value_over_free_logits",
                "No discriminator can do better than D*: an integral is wrong.",
                tolerance=0.0005,
            ),
            Claim(
                "sup |D* − ½| over the central 99 % of the data",
                r"sup \|D\* − ½\|\s+(?P<measured>[\d.]+)",
                "→",
                "{} at the equilibrium",
                "tests/minigen/test_divergences.py::test_g3_the_least_value_is_that_of_equality_alone",
                "The game has not converged: p_G still differs from p_data.",
                tolerance=0.05,
                expected=0,
            ),
            Claim(
                "|V(D*, G) − (2 JSD − log 4)| over six states, nats",
                r"\)\| ≤ (?P<measured>\S+) nats in all",
                "=",
                "{}, up to rounding",
                "tests/minigen/test_divergences.py::test_g2_the_value_at_the_optimum_is_twice_the_jsd_less_log_4",
                "One of the two formulas is wrong.",
                tolerance=1e-9,
                expected=0,
            ),
        ),
        (("python -m demos gan --objective minimax", "the generator's loss of the lecture"),),
        play=game,
        options="--no-film",
        quick="--epochs 20 --no-film",
        measured=(
            ("data from the mean", r"KL\(p_data ‖ mean\) +([\d.]+)"),
            ("samples from the mean", r"KL\(p_G ‖ mean\) +([\d.]+)"),
            ("2 × Jensen–Shannon divergence ↓", r"2 JSD +([\d.]+)"),
            ("the constant", r"−log 4 +-([\d.]+)"),
        ),
        symbols=(
            (r"p_\mathrm{data}", "p_data", "the density of the data"),
            ("p_G", "p_G", "the density of the generated x"),
            ("D^*", "optimal_discriminator", "the best discriminator"),
            ("D", "", "the discriminator: the probability that x is real"),
            ("G(z)", "fake", "a generated x"),
            ("V(D^*, G)", "optimal_value", "the value of the game with the best discriminator"),
        ),
    ),
    Section(
        "ring",
        r"""
L_D = -V(D, G) +
    \underbrace{\dfrac{\gamma}{2}\,\mathbb{E}_{x \sim p_\mathrm{data}}\left[
    \|\nabla_x\,s(x)\|^2\right]}_{\text{R1 penalty}} \quad D = \sigma(s)
""",
        (penalties.r1_penalty, penalties.gradient_penalty),
        (
            Claim(
                "number of modes that the samples gather around: minimax",
                r"\nminimax\s+(?P<measured>\d+)\s",
                "<",
                "{}: mode collapse",
                "tests/minigen/test_gan.py::test_g7_who_moves_when",
                "This game did not collapse with this seed.",
                expected=8,
            ),
            Claim(
                "number of modes that the samples gather around: non-saturating + R1",
                r"\nnon-saturating \+ R1\s+(?P<measured>\d+)\s",
                "→",
                "{}, all modes",
                "tests/minigen/test_penalties.py::test_g6_r1_of_a_linear_critic",
                "The game was too short to reach all modes.",
                expected=8,
            ),
        ),
        (("python -m demos ring --target roll --objective non-saturating --penalty r1", "a Swiss roll as data"),),
        play=dirac,
        options="--no-film",
        quick="--epochs 6 --no-film",
        symbols=(
            (r"\gamma", "weight", "the weight of the penalty"),
            (r"\nabla_x\,s(x)", "slopes", "the gradient of the score with respect to x"),
            ("D", "", "the discriminator"),
            ("s", "critic", "the score: the logit of D"),
        ),
    ),
    Section(
        "gan_digits",
        r"""
F = \|\mu_x - \mu_y\|^2 + \mathrm{tr}\left(\Sigma_x + \Sigma_y
    - 2\,(\Sigma_x\,\Sigma_y)^{1/2}\right)
""",
        (gan.non_saturating_loss, quality.frechet_distance),
        (
            Claim(
                "Fréchet distance of the samples from test digits (features)",
                r"\(not FID\)\s+(?P<measured>[\d.]+)\s+(?P<expected>[\d.]+)",
                "≥",
                "{}, of other real digits in their place",
                "tests/minigen/analysis/test_quality.py::test_the_digits_are_near_each_other_and_far_from_noise",
                "Samples nearer than real digits: the generator repeats its training images.",
                labels=True,
            ),
        ),
        (("python -m demos gan_digits --network dcgan", "networks with convolutions"),),
        options="--no-film",
        quick="--epochs 40 --samples 1000 --no-film",
        data=True,
        without_labels="no classifier can measure the samples. What the demo printed has the measures that need none.",
        symbols=(
            (r"\mu_x", "difference", "the mean of the features of set x"),
            (r"\mu_y", "difference", "the mean of the features of set y"),
            (r"\Sigma_x", "of_x", "the covariance of the features of set x"),
            (r"\Sigma_y", "of_y", "the covariance of the features of set y"),
            ("F", "frechet_distance", "the squared Fréchet distance"),
        ),
    ),
]
