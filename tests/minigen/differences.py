"""Central differences: the slopes of a number by every entry of an array that it depends on."""

import numpy as np

STEP = 1e-5


def central_differences(f, theta: np.ndarray) -> np.ndarray:
    """(f(θ + h eᵢ) − f(θ − h eᵢ)) / 2h for each i, of the shape of `theta`, which is written to and put back."""
    slopes = np.empty(theta.shape)
    for i in np.ndindex(theta.shape):
        here, found = theta[i], []
        for h in (STEP, -STEP):
            theta[i] = here + h
            found.append(float(f()))
        theta[i] = here
        slopes[i] = (found[0] - found[1]) / (2 * STEP)
    return slopes
