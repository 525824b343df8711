"""A classifier of images: not a generative model, but a judge of what one makes.

It says which class a sample belongs to, and its last hidden layer says what is seen in it (`quality`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import backend
from autograd.rules.special import log_softmax, softmax
from minigen.model import in_blocks
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import relu
from minigen.nn.layers import Linear, layer_sizes, mlp, one_hot
from minigen.nn.module import Module
from minigen.training.batches import batch_of, length


class Classifier(Module):
    """p(y|x) = softmax(h W + b), h what layers of ReLUs make of x.  x: (n, D).

    hidden: the units of each layer; the last are the features.
    """

    block = 500

    def __init__(self, D: int, hidden: Sequence[int], classes: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        hidden = layer_sizes(hidden, "hidden")
        self.body = mlp((D, *hidden), relu, last=relu, rng=rng)
        self.head = Linear(hidden[-1], classes, rng=rng)
        self.classes = classes

    def logits(self, x: Any) -> Any:
        """(n, D) → (n, classes)."""
        return self.head(self.body(backend.beside(x, self.flat)))

    def checked(self, batch: Any) -> tuple[Any, Any]:
        """Return images and labels. Raises ValueError unless `batch` is (images, labels), a label for each image."""
        if not isinstance(batch, tuple) or len(batch) != 2:
            raise ValueError(f"Classifier takes a tuple (images, labels), got {type(batch).__name__}")
        length(batch)
        return batch

    def loss(self, batch: Any, *, rng: RNGLike = None) -> Any:
        """−E[ln p(y|x)] in nats.  batch: images, (n, D), and labels, (n,), whole numbers from 0 to classes − 1."""
        x, labels = self.checked(batch)
        log_p = log_softmax(self.logits(x), axis=-1)
        return -np.mean(np.sum(backend.beside(one_hot(labels, self.classes, log_p.dtype), log_p) * log_p, axis=1))

    def validation_loss(self, validation: Any) -> float:
        """The mean of `loss` over many images with labels, in nats."""
        n, rng = length(self.checked(validation)), np.random.default_rng(0)
        each = lambda rows: np.full(len(rows), self.loss(batch_of(validation, rows), rng=rng).item())
        return float(np.mean(in_blocks(each, np.arange(n), self.block)))

    def features(self, images: np.ndarray) -> np.ndarray:
        """h: (n, D) → (n, hidden[-1])."""
        return in_blocks(self.body, images, self.block)

    def probs(self, images: np.ndarray) -> np.ndarray:
        """p(y|x): (n, D) → (n, classes)."""
        return in_blocks(lambda x: softmax(self.logits(x), axis=-1), images, self.block)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """The likeliest class of each image: (n,)."""
        return self.probs(images).argmax(axis=1)
