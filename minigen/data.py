"""Real images to learn from, in fixed parts.

The digits are the 1,797 images of 8×8 pixels and grey levels 0 … 16 of the "Optical Recognition of Handwritten Digits"
data set, E. Alpaydin and C. Kaynak 1998, UCI Machine Learning Repository, licence CC BY 4.0. They are part of this
package.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Part:
    """Some images with their labels.

    images: (n, D) float32 in {0, 1}; levels: (n, D), the grey levels that they were made of; labels: (n,) integers.
    """

    images: np.ndarray
    levels: np.ndarray
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


def binarise(levels: np.ndarray, threshold: Any) -> np.ndarray:
    """1 where a pixel's grey level is at least `threshold`, else 0."""
    return (levels >= threshold).astype(np.float32)


def binarise_anew(levels: np.ndarray, threshold: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    """`binarise` with a threshold for each image, drawn from N(threshold, spread²) and rounded.

    Thinner and thicker strokes of the same digits: more to learn from. For training only; evaluation has one rule.
    """
    drawn = np.rint(rng.normal(threshold, spread, (len(levels), 1)))
    return binarise(levels, np.clip(drawn, 1, levels.max()))


def digits(threshold: int = 8) -> Dataset:
    """The optical digits, binarised at a grey level: 1,197 images to train, 300 to validate, 300 to test.

    The parts are cut from one shuffle by `RandomState(0)`, whose stream NumPy has frozen.
    """
    if not 1 <= threshold <= 16:
        raise ValueError(f"threshold must be a grey level from 1 to 16 (else all pixels are equal), got {threshold}")
    with resources.files("minigen").joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
        levels, labels = arrays["images"].reshape(-1, 64), arrays["labels"]
    images = binarise(levels, threshold)
    shuffled = np.random.RandomState(0).permutation(len(images))
    train, validation, test = (Part(images[i], levels[i], labels[i]) for i in np.split(shuffled, [1197, 1497]))
    return Dataset(f"digits 8×8, grey level ≥ {threshold}", (8, 8), train, validation, test)
