"""Derivatives of products of vectors, matrices and tensors. All but matmul and einsum are written with those two."""

import itertools
import math
import string

import numpy as np

from autograd.table import implements, rule
from autograd.tensor import as_array, primitive

# fmt: off
rule(np.matmul, lambda g, y, a, b: matmul_left(g, a, b),
                lambda g, y, a, b: matmul_right(g, a, b), broadcasts=True)
# fmt: on


def matmul_left(g, a, b):
    """∂L/∂a for y = a @ b, where g = ∂L/∂y:  g bᵀ. A vector a counts as a row, a vector b as a column.

    Where a was stretched, so is the result: the engine sums it.
    """
    if a.ndim == 1 and b.ndim == 1:
        return g * b
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        g = g[..., None, :]
    ga = np.matmul(g, np.swapaxes(b, -1, -2))
    return ga[..., 0, :] if a.ndim == 1 else ga


def matmul_right(g, a, b):
    """∂L/∂b for y = a @ b, where g = ∂L/∂y:  aᵀ g. A vector a counts as a row, a vector b as a column.

    Where b was stretched, so is the result: the engine sums it.
    """
    if a.ndim == 1 and b.ndim == 1:
        return g * a
    if a.ndim == 1:
        return g[..., None, :] * a[:, None]
    if b.ndim == 1:
        g = g[..., None]
    gb = np.matmul(np.swapaxes(a, -1, -2), g)
    return gb[..., 0] if b.ndim == 1 else gb


@implements(np.dot)
def dot(a, b):
    """np.dot on Tensors: Σ a b over the last axis of a and the last but one (or only) axis of b; numbers multiply."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.matmul(a, b) if np.ndim(b) <= 2 else tensordot(a, b, (-1, -2))


@implements(np.inner)
def inner(a, b):
    """np.inner on Tensors: the sum of products over the last axis of both a and b; numbers multiply."""
    return np.multiply(a, b) if np.ndim(a) == 0 or np.ndim(b) == 0 else tensordot(a, b, (-1, -1))


@implements(np.kron)
def kron(a, b):
    """np.kron on Tensors: every element of a times all of b, as blocks.  (m, n), (p, q) → (m p, n q).

    Along each axis, element i of a and element j of b meet at i · (length of b) + j.
    """
    n = max(np.ndim(a), np.ndim(b))
    sa, sb = ((1,) * (n - np.ndim(x)) + np.shape(x) for x in (a, b))
    blocks = np.reshape(a, [s for size in sa for s in (size, 1)]) * np.reshape(b, [s for size in sb for s in (1, size)])
    return blocks.reshape([p * q for p, q in zip(sa, sb, strict=True)])


@implements(np.tensordot)
def tensordot(a, b, axes=2):
    """np.tensordot on Tensors: Σ a b over `axes` of a and of b, as one matrix product.

    axes: a number n for the last n axes of a and the first n of b, or a pair: axes of a, axes of b. The other axes
    stay, first those of a, then of b. Raises ValueError if the summed axes of a and b differ in number or length.
    """
    a, b = as_array(a), as_array(b)
    if np.ndim(axes) == 0:
        axes = range(-axes, 0), range(axes)
    summed_a, summed_b = ([range(x.ndim)[i] for i in np.ravel(of_x)] for of_x, x in zip(axes, (a, b), strict=True))
    sizes_a, sizes_b = ([x.shape[i] for i in s] for x, s in ((a, summed_a), (b, summed_b)))
    if sizes_a != sizes_b:
        raise ValueError(f"np.tensordot sums over axes of one length each, got lengths {sizes_a} and {sizes_b}")
    kept_a, kept_b = ([i for i in range(x.ndim) if i not in s] for x, s in ((a, summed_a), (b, summed_b)))
    left = np.transpose(a, (*kept_a, *summed_a)).reshape(math.prod(a.shape[i] for i in kept_a), math.prod(sizes_a))
    right = np.transpose(b, (*summed_b, *kept_b)).reshape(math.prod(sizes_b), math.prod(b.shape[i] for i in kept_b))
    return np.matmul(left, right).reshape([a.shape[i] for i in kept_a] + [b.shape[i] for i in kept_b])


# -- einsum


@implements(np.einsum)
def einsum(subscripts, *operands, optimize=False):
    """np.einsum on Tensors, called with ("ij,jk->ik", a, b) or with lists of axes: (a, [0, 1], b, [1, 2], [0, 2]).

    A letter that an operand has twice, as in "ii", names the axis of its diagonal. `optimize` has no effect: operands
    are always multiplied in the order that NumPy calls "greedy".
    """
    if not isinstance(subscripts, str):
        subscripts, operands = subscripts_of_lists(subscripts, *operands)
    factors = list(map(as_array, operands))
    inputs, output = explicit_subscripts(subscripts, factors)
    distinct = [without_repetition(letters, x) for letters, x in zip(inputs, factors, strict=True)]
    return contract(f"{','.join(letters for letters, _ in distinct)}->{output}", *(x for _, x in distinct))


def without_repetition(letters, x):
    """(letters, x) with no letter twice: for the letters "iij", the result is "ji" and the diagonal of x.

    letters: one for each axis of the array x. Raises ValueError if two axes with one letter differ in length.
    """
    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            i = letters.index(letter)
            j = letters.index(letter, i + 1)
            if x.shape[i] != x.shape[j]:
                raise ValueError(
                    f"np.einsum: axis {letter} of one operand has the lengths {x.shape[i]} and {x.shape[j]}"
                )
            x = np.diagonal(x, 0, i, j)
            letters = letters[:i] + letters[i + 1 : j] + letters[j + 1 :] + letter
    return letters, x


def subscripts_of_lists(*arguments):
    """("ab,bc->ac", (a, b)) for the arguments a, [0, 1], b, [1, 2], [0, 2]: NumPy's other form of a call of einsum.

    Without the last list, the result has the axes of `...` and those that occur once, in rising order.
    """
    lists = ["".join("..." if i is ... else string.ascii_letters[i] for i in axes) for axes in arguments[1::2]]
    if len(arguments) % 2:
        output = arguments[-1]
    else:  # the axes that occur once, in rising order
        named = [i for axes in arguments[1::2] for i in axes]
        output = [...] * (... in named) + sorted(i for i in named if i is not ... and named.count(i) == 1)
    output = "".join("..." if i is ... else string.ascii_letters[i] for i in output)
    return f"{','.join(lists)}->{output}", arguments[: 2 * len(lists) : 2]


def explicit_subscripts(subscripts, operands):
    """(letters of each operand, letters of the result): "ij,jk" → (["ij", "jk"], "ik"). Letters stand for "..." too.

    subscripts: as np.einsum takes them; operands: arrays. Raises ValueError if the numbers of operands and of
    subscripts differ, or the axes of "..." are missing in the output.
    """
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        raise ValueError(f"np.einsum got {len(operands)} operands for the subscripts {subscripts!r}")
    spare = sorted(set(string.ascii_letters) - set(subscripts), reverse=True)
    dots = [x.ndim - len(s.replace("...", "")) if "..." in s else 0 for s, x in zip(inputs, operands, strict=True)]
    ellipsis = "".join(spare[: max(dots)])
    if ellipsis and arrow and "..." not in output:
        raise ValueError(f'np.einsum: the axes of "..." in {subscripts!r} are missing in the output')
    inputs = [s.replace("...", ellipsis[len(ellipsis) - n :]) for s, n in zip(inputs, dots, strict=True)]
    if not arrow:
        once = sorted(s for s in set(left) - set(".,") if left.count(s) == 1)
        output = "..." + "".join(once) if ellipsis else "".join(once)
    return inputs, output.replace("...", ellipsis)


def contraction_gradients(g, y, subscripts, *operands):
    """[None, gradient of each operand] of y = contract(subscripts, *operands), where g = ∂L/∂y.

    The gradient of an operand is g contracted with all other operands. It is repeated along a letter that only this
    operand has, and summed along an axis of length 1 that was stretched.
    """
    inputs, output = subscripts.split("->")
    inputs = inputs.split(",")
    gradients: list = [None]
    for k, (letters, x) in enumerate(zip(inputs, operands, strict=True)):
        factors = [(output, g), *((s, o) for j, (s, o) in enumerate(zip(inputs, operands, strict=True)) if j != k)]
        lengths = [length_of(letter, factors) for letter in letters]
        met = [n is not None and (n == m or m != 1) for n, m in zip(lengths, x.shape, strict=True)]
        kept = "".join(itertools.compress(letters, met))
        part = np.einsum(f"{','.join(s for s, _ in factors)}->{kept}", *(f for _, f in factors))
        shape = [n if there else 1 for n, there in zip(lengths, met, strict=True)]
        gradients.append(np.broadcast_to(part.reshape(shape), x.shape))
    return gradients


def length_of(letter, factors):
    """The length of the axis `letter` in `factors`, pairs (letters, array); None if no factor has this letter.

    A factor may have length 1 there, and is stretched.
    """
    lengths = {f.shape[s.index(letter)] for s, f in factors if letter in s}
    return max(lengths - {1}, default=1) if lengths else None


@primitive(joint=contraction_gradients)
def contract(subscripts, *operands):
    """np.einsum of `operands` with explicit subscripts, as "ij,jk->ik", that name no letter twice in an operand."""
    return np.einsum(subscripts, *operands, optimize=True)
