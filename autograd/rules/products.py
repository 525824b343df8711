"""Derivatives of products of vectors, matrices and tensors. All but matmul and einsum are written with those two."""

import math
import string

import numpy as np

from autograd import backend
from autograd.table import implements, rule
from autograd.tensor import primitive

# fmt: off
rule(np.matmul, lambda g, y, a, b: matmul_left(g, a, b),
                lambda g, y, a, b: matmul_right(g, a, b), broadcasts=True)
# fmt: on


def matmul_left(g, a, b):
    """∂L/∂a for y = a @ b:  g bᵀ, with vectors seen as a row a or a column b."""
    if a.ndim == 1 and b.ndim == 1:
        return g * b
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        g = g[..., None, :]
    ga = np.matmul(g, np.swapaxes(b, -1, -2))
    return ga[..., 0, :] if a.ndim == 1 else ga


def matmul_right(g, a, b):
    """∂L/∂b for y = a @ b:  aᵀ g, with vectors seen as a row a or a column b."""
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
    """Σ over the last axis of a and the second-to-last (or only) one of b; numbers multiply."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return a @ b if np.ndim(b) <= 2 else tensordot(a, b, (-1, -2))


@implements(np.vdot)
def vdot(a, b):
    """Σ a b over all elements, of arrays of one shape."""
    return np.sum(a * b)


@implements(np.inner)
def inner(a, b):
    """Σ over the last axes of both; numbers multiply."""
    return a * b if np.ndim(a) == 0 or np.ndim(b) == 0 else tensordot(a, b, (-1, -1))


@implements(np.outer)
def outer(a, b):
    """aᵢ bⱼ of the flattened arguments."""
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@implements(np.kron)
def kron(a, b):
    """Every element of a times all of b: along each axis i of a and j of b meet at i · (length of b) + j."""
    n = max(a.ndim, b.ndim)
    sa, sb = ((1,) * (n - x.ndim) + x.shape for x in (a, b))
    blocks = a.reshape([s for size in sa for s in (size, 1)]) * b.reshape([s for size in sb for s in (1, size)])
    return blocks.reshape([p * q for p, q in zip(sa, sb, strict=True)])


@implements(np.tensordot)
def tensordot(a, b, axes=2):
    """One matrix product: the summed axes of a moved to its end, those of b to its front."""
    if isinstance(axes, int):
        axes = range(a.ndim - axes, a.ndim), range(axes)
    summed_a, summed_b = ([i % x.ndim for i in list_of(of_x)] for of_x, x in zip(axes, (a, b), strict=True))
    kept_a, kept_b = ([i for i in range(x.ndim) if i not in s] for x, s in ((a, summed_a), (b, summed_b)))
    k = math.prod(a.shape[i] for i in summed_a)
    left = np.transpose(a, (*kept_a, *summed_a)).reshape(math.prod(a.shape[i] for i in kept_a), k)
    right = np.transpose(b, (*summed_b, *kept_b)).reshape(k, math.prod(b.shape[i] for i in kept_b))
    return np.matmul(left, right).reshape([a.shape[i] for i in kept_a] + [b.shape[i] for i in kept_b])


def list_of(axes):
    """Axes as a list, where one may be given as a number."""
    return [axes] if isinstance(axes, int) else list(axes)


# -- einsum


@implements(np.einsum)
def einsum(subscripts, *operands):
    """Explicit letters for every axis, and no letter twice in an operand: "ii" is "ij" times the identity "ij"."""
    if not isinstance(subscripts, str):
        raise TypeError('np.einsum on Tensors takes subscripts as a string, such as np.einsum("ij,jk->ik", a, b)')
    inputs, output = explicit_subscripts(subscripts, operands)
    letters = iter(sorted(set(string.ascii_letters) - set("".join(inputs))))
    factors = list(operands)
    for k, letters_of_k in enumerate(inputs):
        for i, letter in enumerate(letters_of_k):
            if letter in letters_of_k[:i]:
                new, n = next(letters), factors[k].shape[i]
                inputs[k] = inputs[k][:i] + new + inputs[k][i + 1 :]
                inputs.append(letter + new)
                factors.append(backend.library(factors[k]).eye(n, dtype=factors[k].dtype))
    return contract(f"{','.join(inputs)}->{output}", *factors)


def explicit_subscripts(subscripts, operands):
    """The letters of each operand and of the result, with "..." and an implied result spelled out."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    spare = sorted(set(string.ascii_letters) - set(subscripts), reverse=True)
    dots = [x.ndim - len(s.replace("...", "")) if "..." in s else 0 for s, x in zip(inputs, operands, strict=True)]
    ellipsis = "".join(spare[: max(dots)])
    inputs = [s.replace("...", ellipsis[len(ellipsis) - n :]) for s, n in zip(inputs, dots, strict=True)]
    if not arrow:
        once = sorted(s for s in set(left) - set(".,") if left.count(s) == 1)
        output = "..." + "".join(once) if ellipsis else "".join(once)
    return inputs, output.replace("...", ellipsis)


def contraction_gradients(g, y, subscripts, *operands):
    """The gradient of each operand is g contracted with all the others; letters that only it had are repeated."""
    inputs, output = subscripts.split("->")
    inputs = inputs.split(",")
    gradients: list = [None]
    for k, (letters, x) in enumerate(zip(inputs, operands, strict=True)):
        others = [(s, o) for j, (s, o) in enumerate(zip(inputs, operands, strict=True)) if j != k]
        there = "".join(s for s in letters if s in output or any(s in o for o, _ in others))
        part = np.einsum(f"{','.join([output, *(s for s, _ in others)])}->{there}", g, *(o for _, o in others))
        shape = [n if s in there else 1 for s, n in zip(letters, x.shape, strict=True)]
        gradients.append(np.broadcast_to(part.reshape(shape), x.shape))
    return gradients


@primitive(joint=contraction_gradients)
def contract(subscripts, *operands):
    """np.einsum of explicit subscripts that name no letter twice in an operand."""
    return np.einsum(subscripts, *operands, optimize=True)
