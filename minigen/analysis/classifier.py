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
from minigen.nn.functions import relu
from minigen.nn.layers import Linear, layer_sizes, mlp, one_hot
from minigen.nn.module import Module


class Classifier(Module):
    """p(y|x) = softmax(h W + b), h what layers of ReLUs make of x.  x: (n, D).

    hidden: the units of each layer; the last are the features.
    """

    block = 500

    def __init__(self, D: int, hidden: Sequence[int], classes: int, rng: np.random.Generator):
        hidden = layer_sizes(hidden, "hidden")
        self.body = mlp((D, *hidden), rng, relu, last=relu)
        self.head = Linear(hidden[-1], classes, rng)
        self.classes = classes

    def logits(self, x: Any) -> Any:
        """(n, D) → (n, classes)."""
        return self.head(self.body(backend.beside(x, self.flat)))

    def loss(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        """−E[ln p(y|x)] in nats, of images that have their label as a last number: (n, D + 1)."""
        x, labels = rows[:, :-1], rows[:, -1]
        log_p = log_softmax(self.logits(x), axis=-1)
        return -np.mean(np.sum(backend.beside(one_hot(labels, self.classes, log_p.dtype), log_p) * log_p, axis=1))

    def validation_loss(self, rows: np.ndarray) -> float:
        """The same of many rows."""
        each = lambda some: np.full(len(some), self.loss(some, np.random.default_rng(0)).item())
        return float(np.mean(in_blocks(each, rows, self.block)))

    def features(self, images: np.ndarray) -> np.ndarray:
        """h: (n, D) → (n, hidden[-1])."""
        return in_blocks(self.body, images, self.block)

    def probs(self, images: np.ndarray) -> np.ndarray:
        """p(y|x): (n, D) → (n, classes)."""
        return in_blocks(lambda x: softmax(self.logits(x), axis=-1), images, self.block)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """The likeliest class of each image: (n,)."""
        return self.probs(images).argmax(axis=1)
