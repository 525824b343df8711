"""What the property tests draw: shapes that broadcast, values away from kinks, memory layouts."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def broadcasting_shapes(n: int) -> st.SearchStrategy:
    """`n` shapes that broadcast with one another: 0-d, empty and stretched ones among them."""
    return mutually_broadcastable_shapes(num_shapes=n, min_side=0, max_side=3, max_dims=3).map(lambda s: s.input_shapes)


def distinct_values(rng: np.random.Generator, shapes) -> list[np.ndarray]:
    """Arrays whose elements, over all of them, are at least 0.01 apart and from zero: no kink and no tie is near.

    They lie in (-2, 2) in random order.
    """
    sizes = [int(np.prod(shape)) for shape in shapes]
    total = max(sum(sizes), 1)
    grid = (np.arange(total) + rng.uniform(0.3, 0.7)) * 4 / total - 2
    grid += np.where(grid < 0, -0.01, 0.01)
    values = rng.permutation(grid)
    return [part.reshape(shape) for part, shape in zip(np.split(values, np.cumsum(sizes))[:-1], shapes, strict=True)]


def contiguous(a: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(a).reshape(a.shape)


def fortran(a: np.ndarray) -> np.ndarray:
    return np.asfortranarray(a).reshape(a.shape, order="A")


def strided(a: np.ndarray) -> np.ndarray:
    """Every second element of a larger array, along the last axis."""
    if a.ndim == 0:
        return a
    wide = np.full((*a.shape[:-1], 2 * a.shape[-1]), np.nan)
    wide[..., ::2] = a
    return wide[..., ::2]


def reversed_memory(a: np.ndarray) -> np.ndarray:
    """The same array with negative strides on every axis."""
    return np.flip(np.flip(a).copy())


LAYOUTS = (contiguous, fortran, strided, reversed_memory)
layouts = st.sampled_from(LAYOUTS)


def sizes_and_orders(most):
    """D from 1 to `most` variables, and an order from 0 to D − 1."""
    return st.integers(1, most).flatmap(lambda D: st.tuples(st.just(D), st.integers(0, D - 1)))
