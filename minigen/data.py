"""Real images to learn from, in fixed parts.

The digits are the 1,797 images of 8×8 pixels and grey levels 0 … 16 of the "Optical Recognition of Handwritten Digits"
data set, E. Alpaydin and C. Kaynak 1998, UCI Machine Learning Repository, licence CC BY 4.0. They are part of this
package.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np


@dataclass(frozen=True)
class Part:
    """Some images with their labels.  images: (n, D) float32, labels: (n,) integers."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Dataset:
    """Images in three parts that never change, so that likelihoods of different models can be compared.

    `name` says which images these are and how they became binary: it belongs beside every likelihood.
    """

    name: str
    shape: tuple[int, int]
    train: Part
    validation: Part
    test: Part


def binarise(images: np.ndarray, threshold: float) -> np.ndarray:
    """1 where a pixel's level is at least `threshold`, else 0: no randomness, the same for every model."""
    return (images >= threshold).astype(np.float32)


def digits(threshold: int = 8) -> Dataset:
    """The optical digits, binarised at a grey level: 1,197 images to train, 300 to validate, 300 to test.

    The parts are cut from one shuffle by `RandomState(0)`, whose stream NumPy has frozen.
    """
    if not 1 <= threshold <= 16:
        raise ValueError(f"threshold must be a grey level from 1 to 16 (else all pixels are equal), got {threshold}")
    with resources.files("minigen").joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    images = binarise(images.reshape(len(images), -1), threshold)
    shuffled = np.random.RandomState(0).permutation(len(images))
    train, validation, test = (Part(images[i], labels[i]) for i in np.split(shuffled, [1197, 1497]))
    return Dataset(f"digits 8×8, grey level ≥ {threshold}", (8, 8), train, validation, test)
