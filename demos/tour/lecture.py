"""The texts of the tour: the sections of the lecture, in the lecture's order, each with its demo."""

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
    """A value that a demo prints, and the value that the theory expects.

    what: names the value. pattern: a regular expression for the printed text, whose group `measured` is the value; a
    group `expected`, if there is one, is a printed value to compare it with. labels: whether the demo prints the value
    of images with labels alone. expected: what the theory says, as text,
    in which {} stands for the group `expected`, or a function of the number of pixels that returns the text. It begins
    with ≤ or ≥ if the theory gives an inequality.
    """

    what: str
    pattern: str
    expected: str | Callable[[int], str] = "{}"
    labels: bool = False

    def read(self, printed: str, D: int) -> tuple[str, str, str]:
        """Return (what, measured, expected). `measured` is a dash if the demo did not print the value.

        printed: output of the demo. D: pixels of an image.
        """
        found = re.search(self.pattern, printed)
        groups = found.groupdict() if found else {}
        expected = self.expected if isinstance(self.expected, str) else self.expected(D)
        return self.what, groups.get("measured", "–"), expected.format(groups.get("expected", "–"))


@dataclass(frozen=True)
class Section:
    """A section of the page: one demo, and the texts around its results.

    demo: name of the demo. title: heading. idea: paragraph below it. formula: in TeX, one a line. code: functions
    and classes to show. pictures: file name and caption. claims: values to show. change: a command to try, and what it
    shows. options: of the demo. quick: options with `--quick`; None: the section is left out. data: whether the demo
    takes `--data`.
    with_labels: more options, for images with labels. without_labels: what the section leaves out, and in which words
    it says so, if the images have no labels; "": nothing. classes: the most classes that the demo can use; None: any
    number.
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
    with_labels: str = ""
    without_labels: str = ""
    classes: int | None = None


SECTIONS = [
    Section(
        "anomaly",
        "What a density is for",
        "A model with a density p(x) can do more than draw samples: it detects anomalies. An image with a low density "
        "is suspicious, and a conformal p-value turns the density into an alarm with a guaranteed false-alarm rate. A "
        "high density does not mean a typical image: a blank image has a higher p(x) than many digits.",
        r"s(x) = -\ln p(x), \quad AUC = P\,[\,s(\mathrm{strange}) > s(\mathrm{ordinary})\,] + \frac{1}{2} P\,[\,=\,]",
        (uses.anomaly_scores, uses.auc),
        (
            ("roc.png", "ROC curves: digits against other images by −ln p(x) of NADE"),
            ("strangest.png", "The digits with the lowest and the highest −ln p(x) of NADE, and other images"),
        ),
        (
            Claim(
                "false-alarm rate on test digits, where 5 % is allowed",
                r"false alarms\)\s+(?P<measured>[\d.]+%)[\s\S]*in 95% of all runs (?P<expected>from [\d.]+% to \S+)",
                "{} in 95% of all runs",
            ),
        ),
        (("python -m demos classify", "classification with densities, by Bayes' rule"),),
        quick=None,
    ),
    Section(
        "independence",
        "Conditional independence",
        "A distribution over binary images of n pixels has 2ⁿ − 1 parameters if every pixel may depend on every other "
        "pixel, and n parameters if the pixels are independent. The models between assume that some pixels are "
        "conditionally independent. Each assumption costs information, which is measured in nats.",
        r"P(x_1,\dots,x_n) = P(x_1)\,P(x_2|x_1)\,P(x_3|x_1,x_2)\cdots P(x_n|x_1,\dots,x_{n-1})"
        "\n"
        r"P(x|y) = \frac{P(x,y)}{P(y)} = \frac{P(y|x)\,P(x)}{P(y)}"
        "\n"
        r"x \perp y\,|\,z \;\Rightarrow\; P(x|y,z) = P(x|z)",
        (table.IndependentBernoulli.log_prob, divergences.conditional_mutual_information),
        (
            ("samples.png", "Samples of models with weaker and weaker assumptions"),
            (
                "ledger.png",
                "The differences in NLL, from independent pixels to the full table, as information",
            ),
        ),
        (
            Claim(
                "decrease of the NLL from independent pixels to a Markov chain, nats",
                r"Markov\s+\d+\s+[\d.]+\s+(?P<measured>[\d.]+)\s+Σ I.*= (?P<expected>[\d.]+)",
            ),
            Claim(
                "decrease of the NLL from NADE to the full table, nats",
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
        "Each pixel depends only on the pixel before it. A chain of a higher order depends on more previous pixels and "
        "has a better likelihood, until it has too many parameters for the number of training images.",
        r"P(x_1,\dots,x_n) = P(x_1)\,P(x_2|x_1)\cdots P(x_n|x_{n-1})",
        (markov.MarkovChain.log_prob, markov.stationary_distribution),
        (("orders.png", "The NLL over the order of the chain"), ("samples.png", "Samples of chains of several orders")),
        (Claim("parameters of a chain of order 1 over 64 pixels", r"k = 1\s+(?P<measured>127)\s", "2n − 1 = 127"),),
        (("python -m demos markov --help", "options for the orders and the smoothing"),),
    ),
    Section(
        "ar",
        "Auto-regressive models",
        "Each value depends on the n values before it by n weights, not by a table. For real values, AR(n) is the "
        "oldest model of time series. Here it forecasts the number of lynx that were trapped in Canada.",
        r"x_t = c + \sum_{i=1}^{n} \varphi_i\, x_{t-i} + \varepsilon_t, \qquad \varepsilon_t \sim N(0, \sigma^2)",
        (ar.AR.logits,),
        (
            ("forecast.png", "The lynx of 1821 … 1934, and a forecast with its uncertainty"),
            ("spectrum.png", "The spectrum, with a peak at a cycle of ten years"),
        ),
        (
            Claim(
                "spectral radius of the fitted model (Burg)", r"burg\s+[\d.]+\s+(?P<measured>[\d.]+)", "< 1: stationary"
            ),
        ),
        (("python -m demos ar --help", "options for the order and the estimator"),),
    ),
    Section(
        "nade",
        "NADE",
        "Each pixel may depend on all previous pixels through a hidden layer. The weights are shared: from one pixel "
        "to the next, only one row of W is added. So the exact ln p(x) costs as much as one pass through a network.",
        r"P(x_1,\dots,x_n) = P(x_1)\,P(x_2|x_1)\,P(x_3|x_{1:2})\cdots P(x_n|x_{1:n-1})"
        "\n"
        r"p(x_i = 1|x_{<i}) = \sigma(b_i + V_i \cdot h_i), \qquad h_i = \sigma(c + \sum_{j<i} x_j W_j)",
        (nade.nade_logits_reference, nade.NADE.log_prob),
        (
            ("samples.png", "Samples of NADE, and the training image nearest to each sample"),
            ("completions.png", "Completions: the upper half is given, the lower half is sampled from p(rest | seen)"),
        ),
        (
            Claim(
                "number of parameters, H = 500",
                r"NADE, 500 hidden\s+(?P<measured>[\d,]+)",
                lambda D: f"2DH + H + D = {2 * D * 500 + 500 + D:,}",
            ),
        ),
        (
            ("python -m demos nade --hidden 20", "a smaller hidden layer: which strokes are lost first?"),
            ("python -m demos nade --order random", "a random order of the pixels gives another model"),
        ),
        quick="--epochs 10",
        data=True,
    ),
    Section(
        "pixelrnn",
        "Pixel-RNN",
        "A recurrent network reads one pixel after the other, and its state carries the previous pixels. The "
        "likelihood is exact. The receptive field, the pixels that a prediction depends on, is measured by gradients.",
        r"c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh c_t",
        (cells.lstm_step,),
        (
            ("samples.png", "Samples of an LSTM over the pixels in raster order"),
            ("fields.png", "The pixels that the red pixel depends on, by theory and by gradients"),
        ),
        (),
        (("python -m demos pixelrnn --variant all", "also Row LSTM, Diagonal BiLSTM and PixelCNN (5 minutes)"),),
        "--variant raster",
        "--variant raster --epochs 3 --hidden 32",
        data=True,
    ),
    Section(
        "vae",
        "Variational auto-encoder",
        "Each image x has a latent variable z. The posterior p(z|x) cannot be computed, so a second network, the "
        "encoder, approximates it by q(z|x). Training maximises a lower bound on ln p(x), the ELBO: the reconstruction "
        "term minus the distance KL(q(z|x) ‖ p(z)) of q from the prior.",
        r"ELBO = E_{q(z|x)}\left[\ln \frac{p(x,z)}{q(z|x)}\right] = E_{q(z|x)}[\ln p(x|z)] - KL(q(z|x)\,\|\,p(z))",
        (vae.VAE.elbo,),
        (
            ("samples.png", "For z from the prior: the mean E[x|z], and samples of p(x|z)"),
            ("manifold.png", "E[x|z] over the plane of z, if z has two dimensions"),
            ("interpolations.png", "Interpolations between the codes of two digits"),
        ),
        (
            Claim(
                "−ELBO, a bound of −ln p(x) from above, nats",
                r"−ELBO \(k = 1\)\s+[\d,]+\s+(?P<measured>[\d.]+)[\s\S]*?"
                r"VAE, k = [\d,]+\s+[\d,]+\s+(?P<expected>[\d.]+)",
                "≥ {}, the estimate of −ln p(x)",
            ),
        ),
        (
            ("python -m demos vae --beta 4", "a larger weight of the KL term: which dimensions of z stay active?"),
            ("python -m demos vae --latent 2", "z with only two dimensions"),
        ),
        quick="--epochs 20 --draws 100",
        data=True,
    ),
    Section(
        "truth_lab",
        "What the ELBO hides",
        "If z has two dimensions, the integrals can be computed. ln p(x), the ELBO and the KL divergence of q(z|x) "
        "from the true posterior are three integrals. Each one is computed separately, and ln p(x) must be the sum of "
        "the other two after every epoch.",
        r"\ln p(x) = ELBO + KL(q(z|x)\,\|\,p(z|x))",
        (evidence.log_evidence, evidence.kl_to_posterior),
        (
            ("posteriors.png", "The encoder's q(z|x) (lines) and the true posterior p(z|x) (shaded)"),
            ("ledger.png", "The three integrals over the epochs"),
        ),
        (
            Claim(
                "|ln p(x) − ELBO − KL| after training, nats",
                r"\n\s+epoch \d+\s+-[\d.]+\s+-[\d.]+\s+[\d.]+\s+(?P<measured>\d\S+)\s+[\d.]+\s+[\d.]+\n\n",
                "0, up to rounding and quadrature error",
            ),
        ),
        (("python -m demos truth_lab --epochs 400", "longer training: does KL become smaller?"),),
        quick="--epochs 10",
    ),
    Section(
        "aae",
        "Adversarial auto-encoder",
        "A game replaces the term KL(q(z|x) ‖ p(z)): a discriminator learns to tell codes from samples of the prior, "
        "and the encoder learns to deceive the discriminator. So the prior can be any distribution that can be "
        "sampled, such as a flower. With labels, each digit gets its own petal. The encoder's loss is −E[ln D(z)], "
        "not the formula's E[ln(1 − D(z))]: its gradient is larger while D still wins.",
        r"\min_q \max_D \; E_{z \sim p(z)}[\ln D(z)] + E_{z \sim q(z)}[\ln(1 - D(z))]",
        (aae.AAE.discriminator_loss, aae.AAE.adversarial_loss),
        (
            ("latent.png", "Codes of test digits, and samples of the prior"),
            ("regions.png", "E[x|z] along each petal"),
            ("training.gif", "The codes during the training"),
        ),
        (
            Claim(
                "loss of the discriminator of codes after training, nats",
                r"discriminator loss\s+(?P<measured>[\d.]+) nats; (?P<expected>[\d.]+)",
                "{} = log 4 if it cannot tell codes from samples of the prior",
            ),
        ),
        (
            ("python -m demos aae --prior roll --labels all", "a Swiss roll as prior"),
            ("python -m demos aae --semi-supervised 100", "a class and a style for each image, from 100 labels"),
        ),
        "--prior flower",
        "--prior flower --epochs 10",
        data=True,
        with_labels="--labels all",
        without_labels="no class gets a petal of its own: the codes fill the petals without regard to what they show.",
        classes=10,
    ),
    Section(
        "gan",
        "Generative adversarial network",
        "A GAN has no density: a discriminator learns to tell data from samples of the generator, and the generator "
        "learns to deceive the discriminator. With the best discriminator, the value of the game is 2 JSD − log 4. At "
        "the equilibrium, D = ½, p_G = p_data and V = −log 4. In one dimension, all these values can be computed.",
        r"\min_G \max_D V(D, G) = E_{x \sim p_{data}}[\ln D(x)] + E_{z \sim p_z}[\ln(1 - D(G(z)))]"
        "\n"
        r"V(D, G) = E_{x \sim p_{data}}[\ln D(x)] + E_{x \sim p_G}[\ln(1 - D(x))]"
        "\n"
        r"D^*(x) = \frac{p_{data}(x)}{p_{data}(x) + p_G(x)}, \qquad V(D^*, G) = 2\,JSD(p_{data}, p_G) - \ln 4",
        (gan.value, divergences.optimal_discriminator, divergences.optimal_value),
        (
            ("density.png", "p_data, p_G, the learned D and the best D* after six epochs"),
            ("value.png", "The value V with the learned D and with the best D*, and −log 4"),
            ("six_states.png", "Exact descent over six states: minimax starts slowly if p_G is far from p_data"),
            ("dynamics.png", "Near the equilibrium: circles, spirals, and the eigenvalues of a step"),
        ),
        (
            Claim(
                "V(D, G) with the learned D, nats",
                r"V\(D, G\)\s+(?P<measured>-[\d.]+) nats[\s\S]*?2 JSD − log 4\s+(?P<expected>-[\d.]+)",
                "≤ {} = 2 JSD − log 4, the value with the best D*",
            ),
            Claim(
                "sup |D* − ½| over the central 99 % of the data",
                r"sup \|D\* − ½\|\s+(?P<measured>[\d.]+)",
                "0 at the equilibrium",
            ),
            Claim(
                "|V(D*, G) − (2 JSD − log 4)| over six states, nats",
                r"\)\| ≤ (?P<measured>\S+) nats in all",
                "0, up to rounding",
            ),
        ),
        (("python -m demos gan --objective minimax", "the generator's loss of the lecture"),),
        quick="--epochs 20",
    ),
    Section(
        "ring",
        "Mode collapse",
        "If the data have many modes, the samples of the generator may collapse to a few modes, which change during "
        "the training. More discriminator steps help a little. A penalty on the discriminator's gradient spreads the "
        "samples to all modes.",
        r"L_D = -V(D, G) + \frac{\gamma}{2}\, E_{x \sim p_{data}}\,\|\nabla_x s(x)\|^2, \quad D = \sigma(s)",
        (penalties.r1_penalty, penalties.gradient_penalty),
        (
            ("samples.png", "Samples after several epochs, one row for each game"),
            ("learning.png", "Number of modes with samples, and shares of good samples"),
            ("training.gif", "The game with the best result"),
        ),
        (
            Claim(
                "number of modes that the samples gather around: minimax",
                r"\nminimax\s+(?P<measured>\d+)\s",
                "few of 8 (mode collapse)",
            ),
            Claim(
                "number of modes that the samples gather around: non-saturating + R1",
                r"\nnon-saturating \+ R1\s+(?P<measured>\d+)\s",
                "8",
            ),
        ),
        (("python -m demos ring --target roll --objective non-saturating --penalty r1", "a Swiss roll as data"),),
        quick="--epochs 6",
    ),
    Section(
        "gan_digits",
        "Digits without a likelihood",
        "A GAN of the digits has no ln p(x) to compare. So a classifier of real digits measures its samples, by the "
        "features in its last layer. Each value of the samples stands beside the value of other real digits.",
        r"F = \|\mu_x - \mu_y\|^2 + tr(\Sigma_x + \Sigma_y - 2\,(\Sigma_x \Sigma_y)^{1/2})",
        (gan.Game.__call__, quality.frechet_distance),
        (
            ("samples.png", "Samples (not selected) below real digits"),
            ("interpolations.png", "Interpolations between two samples of z"),
            ("nearest.png", "Samples, and the training image nearest to each sample"),
            ("training.gif", "G(z) of the same z during the training"),
        ),
        (
            Claim(
                "Fréchet distance of the samples from test digits (features)",
                r"\(not FID\)\s+(?P<measured>[\d.]+)\s+(?P<expected>[\d.]+)",
                "{} for other real digits in their place",
                labels=True,
            ),
        ),
        (("python -m demos gan_digits --network dcgan", "networks with convolutions"),),
        quick="--epochs 40 --samples 1000",
        data=True,
        without_labels="no classifier can measure the samples. What the demo printed has the measures that need none.",
    ),
]
