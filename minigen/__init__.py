"""The generative models of one lecture, from scratch, on an automatic differentiation engine of their own.

One file for each section of the lecture, and the files that they share:

    model                   explicit and implicit models        functions, nn   operations and layers
    table, markov, ar       independence and short memories     rnn, conv       layers over time and over space
    nade, eonade, rnade     NADE, for all orders, for reals     normalisation   of batches and of weights
    pixelrnn                Pixel-RNN and PixelCNN, of maps     distributions   densities from logits, and their draws
    vae, aae                latent variables, made of           divergences     entropies, and between distributions
                            encoders, decoders and priors       optim, train    descent and its loop
    ppca, evidence          VAEs whose truth is known           data, plot      images in, pictures out
    surgery                 what the prior fitting is made of   checkpoint      weights on disk, and runs to `resume`
    gan, penalties, dcgan   the adversarial game                quadrature      integrals without chance
    dynamics, mixtures      how it moves, and what it misses    parzen, quality samples judged without a likelihood
    uses, ledger            what densities are for, and cost    gaussian_ar     time series
    recurrence              cells, by hand                      ensemble        means of densities
    idx, images, fetch      files of images, and downloads      errors          what can go wrong, by name
"""

import autograd

__version__ = "0.1.0"

if not getattr(autograd, "IS_MINIGEN_ENGINE", False):
    raise ImportError(
        f"minigen stands on its own package `autograd`, but Python found another one at {autograd.__file__}. "
        "PyPI's `autograd` (HIPS) must not be in the same environment: make a fresh one (python3 -m venv .venv) and "
        "install minigen alone there"
    )
