"""The generative models of one lecture, written from scratch on the automatic differentiation engine `autograd`.

Each model has its own file. In the lecture's order:

    table, markov, ar, nade, pixelrnn          explicit models; also gaussian_ar, eonade, rnade, ensemble, charrnn
    vae, aae                                   latent variable models, built from encoders, decoders and priors
    gan, penalties, dcgan                      adversarial training
    conditional                                p(x | y) for a label y, by NADE, Pixel-RNN, a VAE or a GAN
    uses                                       uses of a density: classify, detect anomalies, complete, denoise

All models share `model` (base classes), `distributions`, `divergences`, `plot` and `errors`. `saved` rebuilds a model
from its file alone. The folders:

    nn/         modules, parameters, layers, recurrent cells and their fused forms, convolutions
    training/   optimizers, steps, the training loop; saved weights, checkpoints, several processes, recorded steps
    data/       the digits, MNIST, your own images, files and downloads
    analysis/   measures of a model: the entropy ledger, integrals, probabilistic PCA, GAN dynamics, sample quality
"""

import importlib
import sys
from pathlib import Path
from typing import Any

_EARLIER = "autograd" in sys.modules

import autograd  # noqa: E402

__version__ = "0.1.0"

if not getattr(autograd, "IS_MINIGEN_ENGINE", False):
    raise ImportError(
        f"minigen needs its own package `autograd`, but {'this session has imported' if _EARLIER else 'Python found'} "
        f"another one, {autograd.__file__} (PyPI's `autograd`, HIPS): make a fresh environment (python3 -m venv .venv) "
        "and install minigen alone there; or, in a hosted notebook, restart the session, install nothing, and begin "
        f"with %cd {Path(__file__).parents[1]}"
    )

PUBLIC = {
    "minigen.table": "FullTable IndependentBernoulli",
    "minigen.markov": "MarkovChain",
    "minigen.ar": "AR",
    "minigen.nade": "NADE",
    "minigen.eonade": "EoNADE",
    "minigen.pixelrnn": "PixelRNN",
    "minigen.charrnn": "CharRNN",
    "minigen.vae": "VAE bernoulli_vae",
    "minigen.aae": "AAE",
    "minigen.gan": "GAN Game",
    "minigen.conditional": "ChosenBiases JoinedLabel",
    "minigen.data": "digits fashion mnist own",
    "minigen.saved": "load",
    "minigen.nn": "GRU LSTM RNN Linear Module Parameter Sequential mlp relu sigmoid",
    "minigen.training": "SGD Adam fit load_weights save_weights",
}
"""The names that `from minigen import …` offers beside the modules. A module is imported when a name of it is used."""
_HOME = {name: module for module, names in PUBLIC.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"minigen has no {name}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
