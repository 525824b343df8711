"""The generative models of one lecture, from scratch, on an automatic differentiation engine of their own.

One file for each section of the lecture, and the files that they share:

    model                   explicit and implicit models        functions, nn   operations and layers
    table, markov, ar       independence and short memories     rnn, conv       layers over time and over space
    nade, eonade, rnade     NADE, for all orders, for reals     distributions   densities from logits, and their draws
    pixelrnn                Pixel-RNN and PixelCNN, of maps     divergences     entropies, and between distributions
    vae, aae                latent variables, made of           optim, train    descent and its loop
                            encoders, decoders and priors       data, plot      images in, pictures out
    ppca, quadrature        VAEs whose truth is known           checkpoint      weights on disk
    surgery                 what the prior fitting is made of   uses, ledger    what densities are for, and cost
    gan                     the value function                  gaussian_ar     time series
    recurrence              cells, by hand                      ensemble        means of densities
"""

import autograd

if not getattr(autograd, "IS_MINIGEN_ENGINE", False):
    raise ImportError(
        f"minigen stands on its own package `autograd`, but Python found another one at {autograd.__file__}. "
        "PyPI's `autograd` (HIPS) must not be in the same environment: make a fresh one (python3 -m venv .venv) and "
        "install minigen alone there"
    )
