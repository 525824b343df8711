"""A classifier of images, which judges the samples of a generative model.

The classifier gives the class of a sample. Its last hidden layer gives the features that `quality` compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import backend
from autograd.rules.special import log_softmax, softmax
from minigen.model import images_and_labels, in_blocks
from minigen.nn.arrays import RNGLike
from minigen.nn.functions import relu
from minigen.nn.layers import Linear, layer_sizes, mlp, one_hot, whole_labels
from minigen.nn.module import Module
from minigen.training.batches import batch_of, length


class Classifier(Module):
    """Classifier p(y|x) = softmax(h W + b) of vectors x of length D, where h are the features from layers of ReLUs.

    D: the length of x. hidden: the number of units of each hidden layer, at least one layer; the last layer is h.
    classes: the number of classes.
    body: the network x → h. head: the linear layer h → logits. block: images that are evaluated at once.
    Raises ValueError if `hidden` is empty, TypeError if it is a single number.
    """

    block = 500

    def __init__(self, D: int, hidden: Sequence[int], classes: int, *, rng: RNGLike = None):
        rng = np.random.default_rng(rng)
        hidden = layer_sizes(hidden, "hidden", 1)
        self.body = mlp((D, *hidden), relu, last=relu, rng=rng)
        self.head = Linear(hidden[-1], classes, rng=rng)
        self.D, self.hidden, self.classes = D, hidden, classes

    def logits(self, x: Any) -> Any:
        """The logits h W + b of the classes, on the weights' device.  x: (n, D), on any device → (n, classes)."""
        return self.head(self.body(backend.beside(x, self.flat)))

    def checked(self, batch: Any) -> tuple[Any, Any]:
        """Return `batch`, images and labels, on the weights' device. Raises ValueError unless it is such a tuple.

        batch: images, (n, D), which are not checked; and labels, (n,), whole numbers from 0 to classes − 1.
        """
        images, labels = images_and_labels(batch, self)
        length(batch)
        return backend.beside(images, self.flat), backend.beside(whole_labels(labels, self.classes), self.flat)

    def loss(self, batch: Any, *, rng: RNGLike = None) -> Any:
        """Mean cross-entropy −E[ln p(y|x)] over the batch, in nats.

        batch: (images, labels); images: (n, D), labels: (n,), whole numbers from 0 to classes − 1. rng: not used.
        """
        x, labels = self.checked(batch)
        log_p = log_softmax(self.logits(x), axis=-1)
        return -np.mean(np.sum(one_hot(labels, self.classes, log_p.dtype) * log_p, axis=1))

    def validation_loss(self, validation: Any) -> float:
        """Mean cross-entropy −E[ln p(y|x)] over many images, computed block by block, in nats.

        validation: (images, labels); images: (n, D), labels: (n,), whole numbers from 0 to classes − 1.
        """
        n, rng = length(validation), np.random.default_rng(0)
        each = lambda rows: np.full(len(rows), self.loss(batch_of(validation, rows), rng=rng).item())
        return float(np.mean(in_blocks(each, np.arange(n), self.block)))

    def features(self, images: np.ndarray) -> np.ndarray:
        """The features h, the last hidden layer, on the host.  images: (n, D) → (n, hidden[-1])."""
        return in_blocks(self.body, images, self.block)

    def probs(self, images: np.ndarray) -> np.ndarray:
        """The probabilities p(y|x) of the classes, on the host.  images: (n, D) → (n, classes)."""
        return in_blocks(lambda x: softmax(self.logits(x), axis=-1), images, self.block)

    def classify(self, images: np.ndarray) -> np.ndarray:
        """The most probable class of each image.  images: (n, D) → (n,), whole numbers from 0 to classes − 1."""
        return self.probs(images).argmax(axis=1)
