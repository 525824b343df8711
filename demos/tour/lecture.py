"""What the tour says: the sections of the lecture, in its order, each with a demo that shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minigen import aae, ar, divergences, gan, markov, nade, penalties, table, uses, vae
from minigen.analysis import evidence, quality
from minigen.nn import cells


@dataclass(frozen=True)
class Claim:
    """A figure to be found in what a demo prints, and what the theory says of it.

    pattern: a regular expression whose group `measured` is the figure; `expected` is another group or, where the theory
    gives a number, the words themselves, or a function of the number of pixels that returns them.
    """

    what: str
    pattern: str
    expected: str | Callable[[int], str] = ""

    def read(self, printed: str, D: int) -> tuple[str, str, str]:
        """What, measured, expected; a dash where it was not printed.  D: pixels of an image."""
        found = re.search(self.pattern, printed)
        groups = found.groupdict() if found else {}
        expected = self.expected if isinstance(self.expected, str) else self.expected(D)
        return self.what, groups.get("measured", "–"), groups.get("expected") or expected


@dataclass(frozen=True)
class Section:
    """A section of the lecture: one demo, and what the page says about it.

    quick: the options of `--quick`, or None where the demo is left out. pictures: file and caption. change: a command
    and what it shows. data: whether the demo takes the images of `--data`, and labels: whether it needs their labels.
    """

    demo: str
    title: str
    idea: str
    formula: str
    code: tuple[Any, ...]
    pictures: tuple[tuple[str, str], ...]
    claims: tuple[Claim, ...] = ()
    change: tuple[tuple[str, str], ...] = ()
    options: str = ""
    quick: str | None = ""
    data: bool = False
    labels: bool = False


SECTIONS = [
    Section(
        "anomaly",
        "What a density is for",
        "A model that knows p(x) can do more than draw: it tells what is strange. A low density is suspicious, and a "
        "conformal p-value turns it into an alarm whose false-alarm rate holds. It is no oracle: a blank image, which "
        "nobody ever wrote, is more probable than many digits.",
        r"s(x) = -\ln p(x), \qquad AUC = P\,[\,s(\mathrm{strange}) > s(\mathrm{ordinary})\,]",
        (uses.anomaly_scores, uses.auc),
        (
            ("roc.png", "How well NADE's −ln p(x) tells digits from other images"),
            ("strangest.png", "The digits that NADE finds strangest"),
        ),
        (
            Claim(
                "share of false alarms, asked for at most 5 %",
                r"false alarms\)\s+(?P<measured>[\d.]+%)",
                "≤ 5 %, within ± 1.3 % for 300 digits",
            ),
        ),
        (("python -m demos classify", "the same densities as a classifier, by Bayes' rule"),),
        quick=None,
    ),
    Section(
        "independence",
        "Conditional independence",
        "A binary image of n pixels takes 2ⁿ − 1 parameters if any pixel may depend on any other, and n if none does. "
        "Everything in between is an assumption about who may depend on whom. What it costs is information, in "
        "nats: the books close.",
        r"P(x_1,\dots,x_n) = P(x_1)\,P(x_2|x_1)\cdots P(x_n|x_1,\dots,x_{n-1})",
        (table.IndependentBernoulli.log_prob, divergences.conditional_mutual_information),
        (
            ("samples.png", "Digits drawn from models that assume less and less"),
            ("ledger.png", "Every nat between independent pixels and the full table has a name"),
        ),
        (
            Claim(
                "what Markov's assumption gains over independence",
                r"Markov\s+\d+\s+[\d.]+\s+(?P<measured>[\d.]+)\s+Σ I.*= (?P<expected>[\d.]+)",
            ),
            Claim(
                "what the full table gains over NADE",
                r"full table\s+[\d,]+\s+[\d.]+\s+(?P<measured>[\d.]+)\s+KL.*= (?P<expected>[\d.]+)",
            ),
        ),
        (("python -m demos independence --data mnist", "the same on MNIST (20 minutes)"),),
        "--models independent Markov AR(8) FVSBN NADE",
        "--models independent Markov",
        data=True,
    ),
    Section(
        "markov",
        "Markov assumption",
        "The next pixel depends on the one before it alone. A longer memory is better until there are more parameters "
        "than images to learn them from.",
        r"P(x_1,\dots,x_n) = P(x_1)\,P(x_2|x_1)\cdots P(x_n|x_{n-1})",
        (markov.MarkovChain.log_prob, markov.stationary_distribution),
        (("orders.png", "How long a memory pays"), ("samples.png", "Draws from chains of several orders")),
        (Claim("parameters of a chain of order 1 over 64 pixels", r"\n\s+1\s+(?P<measured>127)\s", "2n − 1 = 127"),),
        (("python -m demos markov --help", "which orders, and how much smoothing"),),
    ),
    Section(
        "ar",
        "Auto-regressive models",
        "Each value depends on the n before it, by weights, not a table. Over real numbers it is the oldest model "
        "of time series; here it forecasts how many lynx were trapped in Canada.",
        r"x_t = c + \sum_{i=1}^{n} \varphi_i\, x_{t-i} + \varepsilon_t, \qquad \varepsilon_t \sim N(0, \sigma^2)",
        (ar.AR.logits,),
        (
            ("forecast.png", "The lynx of 1821 … 1934, and a forecast with its doubt"),
            ("spectrum.png", "The ten-year cycle"),
        ),
        (Claim("radius of the fitted process (Burg)", r"burg\s+[\d.]+\s+(?P<measured>[\d.]+)", "< 1: stationary"),),
        (("python -m demos ar --help", "another order, another method"),),
    ),
    Section(
        "nade",
        "NADE",
        "Pixel i may depend on all before it, through a hidden layer that is shared: from one pixel to the next only "
        "one column is added. So the exact ln p(x) of an image costs as much as one pass through a network.",
        r"h_i = \sigma(c + W_{:,<i}\,x_{<i}), \qquad p(x_i = 1\,|\,x_{<i}) = \sigma(b_i + V_i\,h_i)",
        (nade.nade_logits_reference, nade.NADE.log_prob),
        (
            ("samples.png", "Digits drawn from NADE, and the nearest training image to each"),
            ("completions.png", "Digits completed from their upper half: exact draws given what is seen"),
        ),
        (
            Claim(
                "parameters, H = 500",
                r"NADE, 500 hidden\s+(?P<measured>[\d,]+)",
                lambda D: f"2DH + H + D = {2 * D * 500 + 500 + D:,}",
            ),
        ),
        (
            ("python -m demos nade --hidden 20", "a smaller hidden layer: which strokes are lost first?"),
            ("python -m demos nade --order random", "another order of the pixels, and another model"),
        ),
        quick="--epochs 10",
        data=True,
    ),
    Section(
        "pixelrnn",
        "Pixel-RNN",
        "A recurrent network reads the pixels one after the other and carries what it has seen in its state. The "
        "likelihood stays exact. What such a network can see of the image is measured by its gradients.",
        r"c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh c_t",
        (cells.lstm_step,),
        (
            ("samples.png", "Draws from an LSTM over the pixels in raster order"),
            ("fields.png", "The pixels that the red one depends on, by theory and by gradients"),
        ),
        (),
        (("python -m demos pixelrnn --variant all", "Row LSTM, Diagonal BiLSTM and PixelCNN as well (5 minutes)"),),
        "--variant raster",
        "--variant raster --epochs 3 --hidden 32",
        data=True,
    ),
    Section(
        "vae",
        "Variational auto-encoder",
        "An image has a hidden cause z. Its posterior is out of reach, so another network, the encoder, proposes one. "
        "A bound on ln p(x) is raised: how well z reconstructs the image, less how far the proposal is from the prior.",
        r"\ln p(x) \geq E_{q(z|x)}[\ln p(x|z)] - KL(q(z|x)\,\|\,p(z))",
        (vae.VAE.elbo,),
        (
            ("samples.png", "E[x|z] of draws from the prior, and draws of the pixels"),
            ("manifold.png", "The plane of z, where it has two numbers"),
            ("interpolations.png", "Ways from digit to digit"),
        ),
        (
            Claim(
                "the bound is above the estimate of −ln p(x), nats",
                r"−ELBO \(k = 1\)\s+[\d,]+\s+(?P<measured>[\d.]+)[\s\S]*?"
                r"VAE, k = [\d,]+\s+[\d,]+\s+(?P<expected>[\d.]+)",
                "≥ the estimate",
            ),
        ),
        (
            ("python -m demos vae --beta 4", "a heavier prior fitting: which latent numbers stay active?"),
            ("python -m demos vae --latent 2", "all that is known of a digit in two numbers"),
        ),
        quick="--epochs 20 --draws 100",
        data=True,
    ),
    Section(
        "truth_lab",
        "What the ELBO hides",
        "With two numbers in z the integrals can be done. Then ln p(x), the ELBO and the divergence from the true "
        "posterior are three integrals, each computed for itself, and their sum must close while the model learns.",
        r"\ln p(x) = ELBO + KL(q(z|x)\,\|\,p(z|x))",
        (evidence.log_evidence, evidence.kl_to_posterior),
        (
            ("posteriors.png", "What the encoder may say (lines) and what is true (shaded)"),
            ("ledger.png", "The three integrals while it learns"),
        ),
        (
            Claim(
                "|ln p − ELBO − KL| at the end, nats",
                r"\n\s+\d+\s+-[\d.]+\s+-[\d.]+\s+[\d.]+\s+(?P<measured>\d\S+)\s+[\d.]+\s+[\d.]+\n\n",
                "0, to rounding of float64 and quadrature",
            ),
        ),
        (("python -m demos truth_lab --epochs 400", "does the gap shrink?"),),
        quick="--epochs 10",
    ),
    Section(
        "aae",
        "Adversarial auto-encoder",
        "The prior fitting term replaced by a game: a discriminator learns to tell codes from draws of the prior, the "
        "encoder to deceive it. So any prior that can be drawn from will do, such as a flower, and with labels "
        "each digit finds its petal.",
        r"\min_q \max_D \; E_{z \sim p(z)}[\ln D(z)] + E_{z \sim q(z)}[\ln(1 - D(z))]",
        (aae.AAE.discriminator_loss, aae.AAE.adversarial_loss),
        (
            ("latent.png", "Codes of test digits, and draws of the prior"),
            ("regions.png", "Along each petal"),
            ("training.gif", "How the codes find their petals"),
        ),
        (Claim("the discriminator's loss, nats", r"discriminator\s+(?P<measured>[\d.]+) nats; (?P<expected>[\d.]+)"),),
        (
            ("python -m demos aae --prior roll --labels all", "a Swiss roll"),
            ("python -m demos aae --semi-supervised 100", "classes and styles from a hundred labels"),
        ),
        "--prior flower --labels all",
        "--prior flower --labels all --epochs 10",
        data=True,
        labels=True,
    ),
    Section(
        "gan",
        "Generative adversarial network",
        "No density at all: a discriminator learns to tell data from fakes, and a generator to deceive it. Against the "
        "best discriminator the game is worth 2 JSD − log 4, and its end is D = ½, p_G = p_data, V = −log 4. On a "
        "line all of this can be computed while two networks play.",
        r"\min_G \max_D V(D, G) = E_{x \sim p_{data}}[\ln D(x)] + E_{x \sim p_G}[\ln(1 - D(x))]",
        (gan.value, divergences.optimal_discriminator, divergences.optimal_value),
        (
            ("density.png", "Both densities, the learned D and the best one, in six moments of the game"),
            ("value.png", "V of the learned D, V of the best one, and −log 4"),
            ("finite.png", "Six states, nothing estimated: from afar minimax is slow to leave"),
            ("dynamics.png", "Near the end of the game: circles, spirals, and the eigenvalues that say which"),
        ),
        (
            Claim(
                "V(D, G) of the learned D, and 2 JSD − log 4, nats",
                r"V\(D, G\)\s+(?P<measured>-[\d.]+) nats[\s\S]*?2 JSD − log 4\s+(?P<expected>-[\d.]+)",
            ),
            Claim("sup |D − ½| on the data", r"sup \|D − ½\|\s+(?P<measured>[\d.]+)", "0, at the end of the game"),
            Claim("|V(D*, G) − (2 JSD − log 4)| on six states", r"\)\| ≤ (?P<measured>\S+) in all", "0, to rounding"),
        ),
        (("python -m demos gan --objective minimax", "the loss of the lecture for the generator too"),),
        quick="--epochs 20",
    ),
    Section(
        "ring",
        "Mode collapse",
        "With many modes the generator may run after the discriminator from one to the next, and miss the others. More "
        "steps of the discriminator help a little; a penalty on its slope brings the samples to all of them.",
        r"L_D = -V(D, G) + \frac{\gamma}{2}\, E_{x \sim p_{data}}\,\|\nabla_x D(x)\|^2",
        (penalties.r1_penalty, penalties.gradient_penalty),
        (
            ("samples.png", "Samples through training, a row for each game"),
            ("learning.png", "Modes hit, and the share of good samples"),
            ("training.gif", "The game that came out best"),
        ),
        (
            Claim(
                "modes that the samples of minimax crowd about",
                r"\nminimax: .*about (?:all )?(?P<measured>\d+)",
                "few: it collapses",
            ),
            Claim(
                "those of non-saturating + R1",
                r"\nnon-saturating \+ R1: .*about (?:all )?(?P<measured>\d+)",
                "8",
            ),
        ),
        (("python -m demos ring --target roll --objective non-saturating --penalty r1", "a Swiss roll"),),
        quick="--epochs 6",
    ),
    Section(
        "gan_digits",
        "Digits without a likelihood",
        "A GAN of the digits. There is no ln p(x) to compare, so samples are measured by a classifier of real digits, "
        "and by their neighbourhoods, each figure beside that of other real digits.",
        r"F = \|\mu_x - \mu_y\|^2 + tr(\Sigma_x + \Sigma_y - 2\,(\Sigma_x \Sigma_y)^{1/2})",
        (gan.Game.__call__, quality.frechet_distance),
        (
            ("samples.png", "Samples, not selected, below real digits"),
            ("interpolations.png", "From one z to another"),
            ("nearest.png", "Samples, and the training image nearest to each"),
            ("training.gif", "What the generator makes of the same z while it learns"),
        ),
        (
            Claim(
                "Fréchet distance of features: samples, and other real digits",
                r"\(not FID\)\s+(?P<measured>[\d.]+)\s+(?P<expected>[\d.]+)",
            ),
        ),
        (("python -m demos gan_digits --network dcgan", "convolutions"),),
        quick="--epochs 40 --samples 1000",
        data=True,
        labels=True,
    ),
]
