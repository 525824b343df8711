"""The information ledger: the cost of each model's assumption, in nats, and the quantity that the cost equals (I-5).

The images have so few pixels that the empirical distribution p̂ of the data is a small table. Each model of the lecture
is fitted by maximum likelihood. Then

    NLL(model) − H(p̂) = KL(p̂ ‖ model)

and from each model to the next the loss falls by a known quantity (E is over contexts x_<ᵢ drawn from p̂):

    independent  →  Markov    Σᵢ I(Xᵢ ; Xᵢ₋₁)
    Markov       →  FVSBN     Σᵢ E KL(FVSBN(xᵢ|x_<ᵢ) ‖ Markov(xᵢ|x_<ᵢ)): the gain from all earlier pixels
    FVSBN        →  NADE      KL(p̂ ‖ FVSBN) − KL(p̂ ‖ NADE): the gain from hidden units
    NADE         →  table     KL(p̂ ‖ NADE)

From independent pixels to the table this adds up to the total correlation, and from Markov to the table to
Σᵢ I(Xᵢ ; X_<ᵢ₋₁ | Xᵢ₋₁).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import backend
from autograd.rules.special import rel_entr
from minigen import divergences
from minigen.ar import AR
from minigen.markov import MarkovChain
from minigen.model import ExplicitModel, log_probs
from minigen.nade import NADE
from minigen.nn.arrays import RNGLike
from minigen.table import FullTable, IndependentBernoulli
from minigen.training.optim import lbfgs

MOST_PIXELS = 12
"""The largest number of pixels: all 2¹² images are enumerated."""


@dataclass(frozen=True)
class Entry:
    """One row of the ledger: a model's loss, and how much lower it is than the loss of the model in the row before.

    name: the name of the model. parameters: the number of its parameters.
    nll: the model's mean negative log-likelihood on the data, in nats per image.
    step: the `nll` of the row before minus `nll`; in the first row `nll` itself.
    quantity: the formula that `step` must equal. value: this quantity in nats, computed from tables of probabilities.
    """

    name: str
    parameters: int
    nll: float
    step: float
    quantity: str
    value: float


def all_images(D: int) -> np.ndarray:
    """All binary vectors of length D, in counting order (the last pixel runs fastest): (2ᴰ, D)."""
    return (np.arange(1 << D)[:, None] >> np.arange(D)[::-1] & 1).astype(float)


def empirical(x: np.ndarray) -> np.ndarray:
    """The relative frequency of each possible image in x, as a joint table with one axis for each pixel: (2, …, 2).

    x: binary images, (n, D).
    """
    D = x.shape[1]
    numbers = (x @ (1 << np.arange(D)[::-1])).astype(int)
    return np.bincount(numbers, minlength=1 << D).reshape((2,) * D) / len(x)


def table_of(model: ExplicitModel) -> np.ndarray:
    """The probability p(x) of each binary image, as a joint table with one axis for each pixel: (2, …, 2).

    model: an explicit model of D binary pixels.
    """
    return np.exp(log_probs(model, all_images(model.D))).reshape((2,) * model.D)


def conditional_divergence(p: np.ndarray, q: ExplicitModel, r: ExplicitModel) -> float:
    """Σᵢ E KL(q(xᵢ | x_<ᵢ) ‖ r(xᵢ | x_<ᵢ)) in nats, the expectation over contexts x_<ᵢ drawn from p.

    p: a joint table, (2, …, 2). q, r: explicit models of the same binary pixels. The result is nan if a context x_<ᵢ
    has probability 0 under q or r.
    """
    total = 0.0
    q_table, r_table = table_of(q), table_of(r)
    for i in range(p.ndim):
        past, present = range(i), range(i + 1)
        context = divergences.marginal(p, past)
        q_i = divergences.marginal(q_table, present) / divergences.marginal(q_table, past)[..., None]
        r_i = divergences.marginal(r_table, present) / divergences.marginal(r_table, past)[..., None]
        total += np.sum(context[..., None] * rel_entr(q_i, r_i))
    return float(total)


def fitted_models(x: np.ndarray, hidden: int, *, rng: RNGLike = None) -> dict[str, ExplicitModel]:
    """The five models of the ledger by their names, fitted to the images by maximum likelihood, in float64.

    The names are "independent", "Markov", "FVSBN", "NADE, … hidden" (… is the number) and "full table".
    x: binary images, (n, D). hidden: the number of NADE's hidden units.
    FVSBN and NADE are fitted by L-BFGS on all images, the other models in closed form. NADE's likelihood has many
    maxima and long valleys, so its fit stops after at most 500 steps. The ledger's equations hold wherever it stops.
    Raises ValueError if the first pixel is constant, or another after some value of the pixel before it: FVSBN then has
    no finite maximum.
    """
    rng = np.random.default_rng(rng)
    D = x.shape[1]
    markov = MarkovChain(D).astype(np.float64).fit(x, smoothing=0)
    if not np.isfinite(markov.logits.data).all():
        raise ValueError(
            "some pixel is always the same after one value of the pixel before it, so FVSBN has no finite maximum: "
            "choose pixels that vary more, or give more images"
        )
    fvsbn, nade = AR(D, D - 1).astype(np.float64), NADE(D, hidden, rng=rng).astype(np.float64)
    images, counts = np.unique(x, axis=0, return_counts=True)
    nll = lambda model: -np.sum(model.log_prob(images) * (counts / len(x)))
    lbfgs(fvsbn, lambda: nll(fvsbn))
    lbfgs(nade, lambda: nll(nade), max_steps=500)
    return {
        "independent": IndependentBernoulli(D).astype(np.float64).fit(x, smoothing=0),
        "Markov": markov,
        "FVSBN": fvsbn,
        f"NADE, {hidden} hidden": nade,
        "full table": FullTable(D).astype(np.float64).fit(x, smoothing=0),
    }


def ledger(x: Any, hidden: int = 8, *, rng: RNGLike = None) -> list[Entry]:
    """The ledger's five rows: independent pixels, Markov, FVSBN, NADE and the full table, fitted to binary images.

    x: binary images, (n, D), with 2 to 12 pixels. hidden: the number of NADE's hidden units.
    Raises ValueError for other images, and for the images that `fitted_models` refuses.
    """
    rng = np.random.default_rng(rng)
    x = np.asarray(x, float)
    if x.ndim != 2 or not 2 <= x.shape[1] <= MOST_PIXELS:
        raise ValueError(
            f"the ledger enumerates all images: give (n, D) with 2 to {MOST_PIXELS} pixels, got shape {x.shape}"
        )
    if not (len(x) and np.all((x == 0) | (x == 1))):
        raise ValueError(f"the ledger takes at least one image with pixels in {{0, 1}}, got shape {x.shape}")
    D, p = x.shape[1], empirical(x)
    with backend.use("numpy"):  # the models are small, and L-BFGS runs on the host
        models = fitted_models(x, hidden, rng=rng)
    markov, fvsbn, nade = list(models.values())[1:4]
    gap = lambda model: float(divergences.kl_divergence(p, table_of(model)))
    quantities = [
        ("H(p̂) + total correlation", divergences.entropy(p) + divergences.total_correlation(p)),
        ("Σ I(Xᵢ ; Xᵢ₋₁)", sum(divergences.mutual_information(p, [i], [i - 1]) for i in range(1, D))),
        ("Σ E KL(FVSBN ‖ Markov)", conditional_divergence(p, fvsbn, markov)),
        ("KL(p̂ ‖ FVSBN) − KL(p̂ ‖ NADE)", gap(fvsbn) - gap(nade)),
        ("KL(p̂ ‖ NADE)", gap(nade)),
    ]
    entries: list[Entry] = []
    before = 0.0
    for (name, model), (quantity, value) in zip(models.items(), quantities, strict=True):
        nll = -float(log_probs(model, x).mean())
        step = before - nll if entries else nll
        entries.append(Entry(name, model.num_parameters, nll, step, quantity, float(value)))
        before = nll
    return entries
