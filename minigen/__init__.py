"""The generative models of one lecture, from scratch, on an automatic differentiation engine of their own.

One file for each section of the lecture, and the files that they share:

    model                   explicit and implicit models        functions, nn   operations and layers
    table, markov, ar       independence and short memories     distributions   densities from logits, and their draws
    nade, eonade, rnade     NADE, for all orders, for reals     divergences     entropies, and between distributions
    gaussian_ar, ensemble   time series; means of densities     optim, train    descent and its loop
    uses, ledger            what densities are for, and cost    data, plot      images in, pictures out
"""

import autograd

if not getattr(autograd, "IS_MINIGEN_ENGINE", False):
    raise ImportError(
        f"minigen stands on its own package `autograd`, but Python found another one at {autograd.__file__}. "
        "PyPI's `autograd` (HIPS) must not be in the same environment: make a fresh one (python3 -m venv .venv) and "
        "install minigen alone there"
    )
