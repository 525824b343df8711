"""The generative models of one lecture, from scratch, on an automatic differentiation engine of their own.

The lecture, in its order, a file for each model:

    table, markov, ar, nade, pixelrnn          explicit models; gaussian_ar, eonade, rnade, ensemble beside them
    vae, aae                                   latent variables, made of encoders, decoders and priors
    gan, penalties, dcgan                      the adversarial game
    uses                                       what a density is for

What all of them share: `model` (explicit and implicit), `distributions`, `divergences`, `plot`, `errors`. And folders:

    nn/         parameters, layers, cells step by step and as fused walks, convolutions
    training/   optimizers, steps, the loop; weights on disk, runs that go on, several processes, recorded steps
    data/       the digits, MNIST, images of one's own, files and downloads
    analysis/   what models are measured by: the ledger, integrals, probabilistic PCA, dynamics, samples judged
"""

import importlib
from typing import Any

import autograd

__version__ = "0.1.0"

if not getattr(autograd, "IS_MINIGEN_ENGINE", False):
    raise ImportError(
        f"minigen stands on its own package `autograd`, but Python found another one at {autograd.__file__}. "
        "PyPI's `autograd` (HIPS) must not be in the same environment: make a fresh one (python3 -m venv .venv) and "
        "install minigen alone there"
    )

PUBLIC = {
    "minigen.table": "FullTable IndependentBernoulli",
    "minigen.markov": "MarkovChain",
    "minigen.ar": "AR",
    "minigen.nade": "NADE",
    "minigen.eonade": "EoNADE",
    "minigen.pixelrnn": "PixelRNN",
    "minigen.vae": "VAE bernoulli_vae",
    "minigen.aae": "AAE",
    "minigen.gan": "GAN Game",
    "minigen.data": "digits fashion mnist own",
    "minigen.nn": "GRU LSTM RNN Linear Module Parameter Sequential mlp relu sigmoid",
    "minigen.training": "SGD Adam fit load_weights save_weights",
}
"""What `from minigen import …` offers beside the modules. A module is imported when one of its names is asked for."""
_HOME = {name: module for module, names in PUBLIC.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"minigen has no {name}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
