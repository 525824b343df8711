"""The generative models of one lecture, from scratch, on an automatic differentiation engine of their own.

One file for each section of the lecture, and the files that they share:

    functions, nn           operations and layers          distributions   log-probabilities from logits
    optim, train            descent and its loop           data, plot      digits in, pictures out
    model                   what an explicit model is      table, nade     the models
"""

import autograd

if not getattr(autograd, "IS_MINIGEN_ENGINE", False):
    raise ImportError(
        f"minigen stands on its own package `autograd`, but Python found another one at {autograd.__file__}. "
        "PyPI's `autograd` (HIPS) must not be in the same environment: make a fresh one (python3 -m venv .venv) and "
        "install minigen alone there"
    )
