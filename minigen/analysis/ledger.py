"""The information ledger: what every assumption costs, in nats, and the quantity that it must equal (I-5).

On so few pixels that the empirical distribution p̂ of the data can be written out, maximum likelihood fits each model
of the lecture as well as it can be fitted. What is then left of the loss is not a matter of opinion:

    NLL(model) − H(p̂) = KL(p̂ ‖ model)

and between neighbours, with p̂(x_<ᵢ) over the contexts,

    independent  →  Markov    Σᵢ I(Xᵢ ; Xᵢ₋₁)
    Markov       →  FVSBN     Σᵢ E KL(FVSBN(xᵢ|x_<ᵢ) ‖ Markov(xᵢ|x_<ᵢ)): what regression finds in earlier pixels
    FVSBN        →  NADE      KL(p̂ ‖ FVSBN) − KL(p̂ ‖ NADE): what the hidden units find beyond weighted sums
    NADE         →  table     KL(p̂ ‖ NADE), the rest

From the two ends: independent → table is the total correlation, and Markov → table Σᵢ I(Xᵢ ; X_<ᵢ₋₁ | Xᵢ₋₁).
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


@dataclass(frozen=True)
class Entry:
    """One model: its loss on the data, and how far the step from the model before it fell.

    nll: nats an image, measured; step: NLL of the model before − `nll`; quantity: what `step` must equal, in words, and
    `value`: the same computed from tables of probabilities alone.
    """

    name: str
    parameters: int
    nll: float
    step: float
    quantity: str
    value: float


def all_images(D: int) -> np.ndarray:
    """All binary vectors in counting order: (2ᴰ, D)."""
    return (np.arange(1 << D)[:, None] >> np.arange(D)[::-1] & 1).astype(float)


def empirical(x: np.ndarray) -> np.ndarray:
    """The frequency of each image, as a joint table with one axis for each pixel: (2, …, 2)."""
    D = x.shape[1]
    numbers = (x @ (1 << np.arange(D)[::-1])).astype(int)
    return np.bincount(numbers, minlength=1 << D).reshape((2,) * D) / len(x)


def table_of(model: ExplicitModel) -> np.ndarray:
    """p(x) of every image, as a joint table: (2, …, 2)."""
    return np.exp(log_probs(model, all_images(model.D))).reshape((2,) * model.D)


def conditional_divergence(p: np.ndarray, q: ExplicitModel, r: ExplicitModel) -> float:
    """Σᵢ E KL(q(xᵢ | x_<ᵢ) ‖ r(xᵢ | x_<ᵢ)), the contexts x_<ᵢ drawn from the joint table `p`."""
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
    """The maximum likelihood models, each in float64: closed form where there is one, else L-BFGS on all images.

    NADE's likelihood has many maxima and long valleys, so its descent is cut short: the ledger holds wherever it stops.
    """
    rng = np.random.default_rng(rng)
    D = x.shape[1]
    markov = MarkovChain(D).astype(np.float64).fit(x, smoothing=0)
    if not np.isfinite(markov.logits.data).all():
        raise ValueError(
            "after some value of the pixel before it, some pixel is always the same: the maximum of the regressions is "
            "at infinity; choose pixels that vary more, or give more images"
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
    """The five models on binary images of at most 12 pixels, from independent to the full table.  x: (n, D)."""
    rng = np.random.default_rng(rng)
    x = np.asarray(x, float)
    if x.ndim != 2 or not 2 <= x.shape[1] <= MOST_PIXELS:
        raise ValueError(
            f"the ledger enumerates all images: give (n, D) with 2 to {MOST_PIXELS} pixels, got shape {x.shape}"
        )
    if not (len(x) and np.all((x == 0) | (x == 1))):
        raise ValueError(f"the ledger takes at least one image with pixels in {{0, 1}}, got shape {x.shape}")
    D, p = x.shape[1], empirical(x)
    with backend.use("numpy"):  # small models, which L-BFGS fits on the host
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
